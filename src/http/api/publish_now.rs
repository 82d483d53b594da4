//! `POST /api/v1/publish-now`: the same row of the outbox as the command's, made due now; the endpoints' own tasks send
//! it. Asked ten times at once, it goes out once.

use super::{answer_to, refused, snapshot, store_failed, told};
use crate::acts;
use crate::config::EndpointName;
use crate::delivery::{Delivery, State as DeliveryState};
use crate::digest;
use crate::http::{Desk, Shared};
use crate::people::By;
use crate::shapes;
use crate::span;
use crate::store::StoreError;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How long the answer waits for receipts, if the request does not say, and at most.
const WAIT: SignedDuration = SignedDuration::from_secs(30);
const WAIT_MOST: SignedDuration = SignedDuration::from_mins(2);
/// How often a delivery under way is looked at.
const LOOK: SignedDuration = SignedDuration::from_millis(100);
/// Most keys that are remembered.
const KEYS_MAX: usize = 1_000;
/// Longest key.
const KEY_MAX: usize = 255;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    article: String,
    #[serde(default)]
    endpoints: Vec<String>,
    text: Option<String>,
    wait: Option<String>,
}

/// The keys of requests (`Idempotency-Key`) with what they asked for. A request that is repeated needs no memory: its
/// rows are there. This only refuses another request under the key of an earlier one.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<VecDeque<(String, String)>>>);

impl Heard {
    /// Whether a key is new, or was that of the same request.
    fn agrees(&self, key: &str, print: String) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = heard.iter().find(|(known, _)| known == key) {
            return *known == print;
        }
        if heard.len() >= KEYS_MAX {
            heard.pop_front();
        }
        heard.push_back((key.to_owned(), print));
        true
    }
}

pub(super) async fn answer(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    Extension(by): Extension<By>,
    Extension(heard): Extension<Heard>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("the body is no order: {error}")),
    };
    if let Some(key) = headers.get("idempotency-key") {
        match key.to_str() {
            Ok(key) if !key.is_empty() && key.len() <= KEY_MAX => {
                if !heard.agrees(key, digest::hex(&body, 16)) {
                    let why = "this Idempotency-Key was that of another request; give this one a key of its own";
                    return refused(StatusCode::UNPROCESSABLE_ENTITY, why);
                }
            }
            _ => return refused(StatusCode::BAD_REQUEST, "Idempotency-Key must be a text of 1 to 255 characters"),
        }
    }
    let deliveries = match book(&shared, &desk, &order, &by).await {
        Ok(ids) => follow(&shared, &desk, &ids, &order).await,
        Err(response) => return response,
    };
    match deliveries {
        Ok(deliveries) => {
            let is_over = deliveries.iter().all(|delivery| delivery.state.is_final());
            let status = if is_over { StatusCode::OK } else { StatusCode::ACCEPTED };
            told(status, &deliveries.iter().map(shapes::Asked::from).collect::<Vec<_>>())
        }
        Err(error) => store_failed(&error),
    }
}

/// Makes the rows of an article due, and tells their numbers.
async fn book(shared: &Shared, desk: &Desk, order: &Order, by: &By) -> Result<Vec<i64>, Response> {
    let wanted: Vec<EndpointName> = order.endpoints.iter().map(EndpointName::new).collect();
    let snapshot = snapshot(shared)?;
    let wish = acts::Order { article: &order.article, endpoints: &wanted, text: order.text.as_deref() };
    let booked = acts::publish_now(&desk.config, &shared.store, &snapshot, &wish, by, shared.clock.now()).await;
    let booked = booked.map_err(|refusal| answer_to(&refusal))?;
    for (_, endpoint) in &booked {
        desk.wake(endpoint);
    }
    Ok(booked.into_iter().map(|(id, _)| id).collect())
}

/// Waits until all are over, but not for ever.
async fn follow(shared: &Shared, desk: &Desk, ids: &[i64], order: &Order) -> Result<Vec<Delivery>, StoreError> {
    let wait = order.wait.as_deref().and_then(|wait| span::parse(wait).ok()).unwrap_or(WAIT).min(WAIT_MOST);
    let deadline = shared.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
    loop {
        let mut deliveries = Vec::new();
        for id in ids {
            deliveries.extend(shared.store.delivery(*id).await?);
        }
        let now = shared.clock.now();
        // One that waits for its endpoint to open, or for another try, is not waited for.
        let is_under_way = |delivery: &Delivery| match delivery.state {
            DeliveryState::Sending => true,
            DeliveryState::Pending => delivery.due_at <= now && desk.serves(&delivery.key.endpoint),
            _ => false,
        };
        if now >= deadline || !deliveries.iter().any(is_under_way) {
            return Ok(deliveries);
        }
        shared.clock.sleep_until(now.saturating_add(LOOK).unwrap_or(deadline)).await;
    }
}
