//! `/api/v1/posts`: the outbox, and a word on one delivery.

use super::full::PostInFull;
use super::{answer_to, refused, snapshot, store_failed, told};
use crate::acts;
use crate::delivery::State as DeliveryState;
use crate::http::{Desk, Shared};
use crate::people::By;
use crate::shapes;
use crate::store::{PersonWord, StoreError};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfState {
    state: Option<String>,
}

pub(super) async fn all(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    query: Result<Query<OfState>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(OfState { state })) = query else {
        return refused(StatusCode::BAD_REQUEST, "the only parameter is `state`");
    };
    let wanted = match state.as_deref().map(DeliveryState::parse) {
        Some(None) => {
            return refused(StatusCode::BAD_REQUEST, "there is no such state; `crieur posts --help` lists them");
        }
        Some(Some(state)) => Some(state),
        None => None,
    };
    let site = shared.snapshot.borrow().as_ref().map(|snapshot| snapshot.site.timezone.clone());
    let zone = site.unwrap_or(TimeZone::UTC);
    match shared.store.deliveries_with_turns(&desk.config, &zone, shared.clock.now()).await {
        Ok(deliveries) => {
            let wanted = deliveries.into_iter().filter(|delivery| wanted.is_none_or(|state| delivery.state == state));
            told(StatusCode::OK, &wanted.map(shapes::Post::from).collect::<Vec<_>>())
        }
        Err(error) => store_failed(&error),
    }
}

/// One delivery, with all that happened to it, and the post as it would go out now where it waits.
pub(super) async fn one(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse() else { return unknown() };
    let store = &shared.store;
    let delivery = match acts::find(store, id).await {
        Ok(delivery) => delivery,
        Err(refusal) => return answer_to(&refusal),
    };
    let waits = match acts::awaits(store, &delivery).await {
        Ok(awaits) => (awaits || delivery.state == DeliveryState::Pending) && !delivery.look_first,
        Err(error) => return store_failed(&error),
    };
    let seen = shared.snapshot.borrow().clone().filter(|_| waits);
    let look = match &seen {
        Some(snapshot) => {
            let look = acts::look(&desk.config, store, &desk.deliverer, snapshot, &delivery, shared.clock.now());
            Some(look.await)
        }
        None => None,
    };
    let read =
        async { Ok::<_, StoreError>((store.approvals(id).await?, store.acts(id).await?, store.attempts(id).await?)) };
    match read.await {
        Ok((approvals, acts, attempts)) => {
            let look = look.as_ref().map(|look| look.as_ref().map_err(ToString::to_string));
            told(StatusCode::OK, &PostInFull::new(delivery, look, &approvals, &acts, &attempts))
        }
        Err(error) => store_failed(&error),
    }
}

/// What a word says beside its name.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    print: Option<String>,
    published: Option<String>,
    not_published: Option<bool>,
}

/// A word on one delivery. It is answered with the delivery as it is then; a word that is repeated changes nothing.
pub(super) async fn act(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    Extension(by): Extension<By>,
    Path((id, act)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Ok(id) = id.parse() else { return unknown() };
    let said: Said = match body.is_empty().then(Said::default).map_or_else(|| serde_json::from_slice(&body), Ok) {
        Ok(said) => said,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("the body is not understood: {error}")),
    };
    let is_alone = said.print.is_none() && said.published.is_none() && said.not_published.is_none();
    let word = match (act.as_str(), &said) {
        ("approve", Said { published: None, not_published: None, .. }) => None,
        ("hold", _) if is_alone => Some(PersonWord::Hold),
        ("cancel", _) if is_alone => Some(PersonWord::Cancel),
        ("retry", _) if is_alone => Some(PersonWord::Retry),
        ("withdraw", _) if is_alone => Some(PersonWord::Withdraw),
        ("hurry", _) if is_alone => Some(PersonWord::Hurry),
        ("edit", _) if is_alone => Some(PersonWord::Edit),
        ("keep", _) if is_alone => Some(PersonWord::Keep),
        ("resolve", Said { published: Some(url), not_published: None | Some(false), print: None }) => {
            Some(PersonWord::Published { url: url.clone(), id: None })
        }
        ("resolve", Said { published: None, not_published: Some(true), print: None }) => Some(PersonWord::NotPublished),
        ("resolve", _) => {
            let why = "say either {\"published\": \"ADDRESS\"} or {\"not_published\": true}";
            return refused(StatusCode::UNPROCESSABLE_ENTITY, why);
        }
        ("approve" | "hold" | "cancel" | "retry" | "withdraw" | "hurry" | "edit" | "keep", _) => {
            return refused(StatusCode::BAD_REQUEST, "the body says what does not belong to this word");
        }
        _ => return refused(StatusCode::NOT_FOUND, "the API has nothing at this address"),
    };
    let done = match word {
        Some(word) => acts::obey(&desk.config, &shared.store, id, &word, &by, shared.clock.now()).await,
        None => match approve(&shared, &desk, id, &by, said.print.as_deref()).await {
            Ok(done) => done,
            Err(response) => return response,
        },
    };
    match done {
        Ok(done) => {
            desk.wake(&done.delivery.key.endpoint);
            told(StatusCode::OK, &shapes::Post::from(done.delivery))
        }
        Err(refusal) => answer_to(&refusal),
    }
}

async fn approve(
    shared: &Shared,
    desk: &Desk,
    id: i64,
    by: &By,
    print: Option<&str>,
) -> Result<Result<acts::Done, acts::Refusal>, Response> {
    let snapshot: Arc<_> = snapshot(shared)?;
    let no_print = |why| answer_to(&acts::Refusal::Unusable(format!("print: {why}")));
    let print = print.map(acts::read_print).transpose().map_err(no_print)?;
    let print = print.as_deref();
    Ok(acts::approve_now(&desk.config, &shared.store, &desk.deliverer, &snapshot, id, by, print, shared.clock.now())
        .await)
}

fn unknown() -> Response {
    refused(StatusCode::NOT_FOUND, "deliveries have numbers; /api/v1/posts lists them")
}
