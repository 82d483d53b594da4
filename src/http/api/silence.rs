//! `/api/v1/silence`: whether everything is held, and the word that it is, or no more.

use super::{answer_to, refused, store_failed, told};
use crate::acts;
use crate::http::{Desk, Shared};
use crate::people::By;
use crate::shapes;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    reason: String,
}

pub(super) async fn get(State(shared): State<Shared>) -> Response {
    match shared.store.silence().await {
        Ok(silence) => told(StatusCode::OK, &shapes::Silent::from(silence)),
        Err(error) => store_failed(&error),
    }
}

/// Has everything held. Where it is already, nothing changes: the answer has the reason of then.
pub(super) async fn put(State(shared): State<Shared>, Extension(by): Extension<By>, body: Bytes) -> Response {
    let Because { reason } = match serde_json::from_slice(&body) {
        Ok(because) => because,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("the body is not understood: {error}")),
    };
    match acts::silence(&shared.store, &reason, &by, shared.clock.now()).await {
        Ok(_) => get(State(shared)).await,
        Err(refusal) => answer_to(&refusal),
    }
}

/// Lets everything go out again.
pub(super) async fn delete(
    State(shared): State<Shared>,
    Extension(desk): Extension<Desk>,
    Extension(by): Extension<By>,
) -> Response {
    match shared.store.silence_off(&by, shared.clock.now()).await {
        Ok(_) => {
            desk.wake_all();
            get(State(shared)).await
        }
        Err(error) => store_failed(&error),
    }
}
