//! `/api/v1/…`: what the commands tell and do, for programs. The shapes are those of the commands' `--json`;
//! `openapi.json` describes all of it. Who asks is for the [desk](super::desk) to say.

mod full;
mod posts;
mod publish_now;
mod silence;

pub use full::PostInFull;

use super::desk::Comer;
use super::{Client, Desk, Shared};
use crate::acts::Refusal;
use crate::people::{By, Road};
use crate::plan::{self, Inputs, Plan};
use crate::reconcile::Snapshot;
use crate::shapes;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most bytes of a request's body.
const BODY_MAX: usize = 64 * 1024;

/// The addresses of the API.
pub(super) fn router(shared: &Shared) -> Router<Shared> {
    let guarded = Router::new()
        .route("/feeds", get(feeds))
        .route("/posts", get(posts::all))
        .route("/plan", get(plan_lines))
        .route("/campaigns", get(campaigns))
        .route("/posts/{id}", get(posts::one))
        .route("/posts/{id}/{act}", post(posts::act))
        .route("/silence", get(silence::get).put(silence::put).delete(silence::delete))
        .route("/endpoints", get(endpoints))
        .route("/publish-now", post(publish_now::answer))
        .layer(Extension(publish_now::Heard::default()))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .route_layer(middleware::from_fn_with_state(shared.clone(), guard));
    let described = || async { json(StatusCode::OK, "application/json", include_str!("openapi.json").to_owned()) };
    guarded
        .route("/openapi.json", get(described))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "the API has nothing at this address") })
        .method_not_allowed_fallback(|| async {
            refused(StatusCode::METHOD_NOT_ALLOWED, "this cannot be done at this address; openapi.json says what can")
        })
}

/// An answer that is not for others, nor to be kept.
fn json(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn told(status: StatusCode, what: &impl Serialize) -> Response {
    match serde_json::to_string(what) {
        Ok(body) => json(status, "application/json", body),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"),
    }
}

/// Why there is no other answer (RFC 9457).
fn refused(status: StatusCode, why: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("");
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": why });
    json(status, "application/problem+json", body.to_string())
}

fn store_failed(error: &crate::store::StoreError) -> Response {
    tracing::error!("the store does not answer: {error}");
    refused(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; the log says why")
}

/// Lets those through who may ask, and says whose word it is.
async fn guard(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(desk) = &shared.desk else { return refused(StatusCode::NOT_FOUND, "there is no API here") };
    let client = client.map(|Extension(client)| client);
    match desk.caller(client.as_ref(), request.headers(), shared.clock.now()) {
        Comer::Known(person) => {
            request.extensions_mut().insert(By::new(person, Road::Api));
            request.extensions_mut().insert(desk.clone());
            next.run(request).await
        }
        Comer::Unknown | Comer::Wrong => {
            let why = "the request does not bear the token of http.admin_token, nor that of one of http.people";
            let mut response = refused(StatusCode::UNAUTHORIZED, why);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Comer::TooOften(wait) => {
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens came from this address");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            response
        }
        Comer::Elsewhere => {
            let why = "where nobody has a token (http.admin_token, http.people) only programs on the same machine are answered";
            refused(StatusCode::FORBIDDEN, why)
        }
    }
}

/// Why an act was not carried out.
fn answer_to(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::NotNow(_) => StatusCode::CONFLICT,
        Refusal::NotYou(_) => StatusCode::FORBIDDEN,
        Refusal::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Store(error) => return store_failed(error),
    };
    refused(status, &refusal.to_string())
}

/// The last pass, or why nothing can be told yet.
#[expect(clippy::result_large_err, reason = "the answer is made here, once, and handed on")]
fn snapshot(shared: &Shared) -> Result<Arc<Snapshot>, Response> {
    let none = || refused(StatusCode::SERVICE_UNAVAILABLE, "the first look at the site is not done");
    shared.snapshot.borrow().clone().ok_or_else(none)
}

async fn feeds(State(shared): State<Shared>) -> Response {
    let snapshot = match snapshot(&shared) {
        Ok(snapshot) => snapshot,
        Err(response) => return response,
    };
    let formats = &snapshot.settings.feeds.formats;
    let feeds: Vec<_> = snapshot.feeds.feeds.iter().map(|feed| shapes::Feed::new(feed, formats)).collect();
    told(StatusCode::OK, &feeds)
}

async fn endpoints(State(shared): State<Shared>, Extension(desk): Extension<Desk>) -> Response {
    let (ends, now) = (shared.ends.get(), shared.clock.now());
    let mut endpoints = Vec::new();
    for (name, endpoint) in &desk.config.endpoints {
        let health = match shared.store.health(name).await {
            Ok(health) => health,
            Err(error) => return store_failed(&error),
        };
        let expires = ends.get(name).copied().or(endpoint.token_expires);
        endpoints.push(shapes::Endpoint::new(name, endpoint, &health, expires, now));
    }
    told(StatusCode::OK, &endpoints)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    until: Option<String>,
}

async fn plan_lines(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    query: Result<Query<Until>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(Until { until })) = query else {
        return refused(StatusCode::BAD_REQUEST, "the only parameter is `until`");
    };
    let snapshot = match snapshot(&shared) {
        Ok(snapshot) => snapshot,
        Err(response) => return response,
    };
    let until = match until.map(|until| crate::article::date::instant(&until, &snapshot.site.timezone)) {
        Some(None) => return refused(StatusCode::BAD_REQUEST, "`until` is not a time; write one such as 2026-12-31"),
        Some(until) => until,
        None => None,
    };
    planned(shared, desk, snapshot, move |plan| {
        let lines: Vec<_> = shapes::in_order(&plan.lines, until).into_iter().map(shapes::Planned::from).collect();
        told(StatusCode::OK, &lines)
    })
    .await
}

async fn campaigns(State(shared): State<Shared>, Extension(desk): Extension<Desk>) -> Response {
    let snapshot = match snapshot(&shared) {
        Ok(snapshot) => snapshot,
        Err(response) => return response,
    };
    planned(shared, desk, snapshot, |plan| {
        told(StatusCode::OK, &plan.campaigns.iter().map(shapes::Campaign::from).collect::<Vec<_>>())
    })
    .await
}

/// Tells something of the plan as it is now.
async fn planned(
    shared: Shared,
    desk: Desk,
    snapshot: Arc<Snapshot>,
    tell: impl FnOnce(&Plan) -> Response + Send + 'static,
) -> Response {
    let (outbox, silence) = match (shared.store.deliveries().await, shared.store.silence().await) {
        (Ok(outbox), Ok(silence)) => (outbox, silence),
        (Err(error), _) | (_, Err(error)) => return store_failed(&error),
    };
    let now = shared.clock.now();
    let sent = match shared.store.sent_lately(&desk.config.endpoints, now).await {
        Ok(sent) => sent,
        Err(error) => return store_failed(&error),
    };
    let planned = tokio::task::spawn_blocking(move || {
        let catalog = snapshot.catalog();
        let inputs = Inputs::new(&desk.config, &snapshot.site, &catalog, &outbox, now);
        let inputs = Inputs { explain: true, silence: silence.as_ref(), sent: Some(&sent), ..inputs };
        let plan = plan::plan(&inputs);
        tell(&plan)
    });
    planned
        .await
        .unwrap_or_else(|_| refused(StatusCode::INTERNAL_SERVER_ERROR, "the plan cannot be made; the log says why"))
}
