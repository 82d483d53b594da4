//! The embedded web server: feeds, the page of feeds, the journal's timeline, health, figures.
//!
//! It knows the last [`Snapshot`] and the store, and nothing of networks. [`serve`] accepts connections; the documents of
//! feeds are answered first, as they stand ready ([`Documents`]), everything else by the [`router`].

mod connection;
mod demands;
mod documents;
mod hooks;
mod hub;
mod metrics;
mod pages;
mod proxies;
mod serve;
mod server;

pub use documents::Documents;
pub use hooks::{Asked, Hook};
pub use hub::Hub;
pub use proxies::{Client, Proxies};
pub use server::{Limits, serve};

use crate::clock::Clock;
use crate::feed::demand::Answer;
use crate::reconcile::Snapshot;
use crate::store::Store;
use axum::Router;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::watch;

/// What a request can see.
#[derive(Clone)]
pub struct Shared {
    /// The last pass, None before the first.
    pub snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
    /// The documents that are served.
    pub documents: Documents,
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// What a signed web hook wakes; None without a secret.
    pub hook: Option<Hook>,
    /// The built-in WebSub hub, if there is one.
    pub hub: Option<Hub>,
}

const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// How long it may be believed that there is nothing: a feed may come to be there.
const ERROR_CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// Everything but the documents of feeds.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/feeds", get(|| async { Redirect::permanent("/feeds/") }))
        .route("/feeds/", get(pages::feeds))
        .route("/timeline", get(pages::timeline))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/hooks/content", post(hooks::content))
        .route("/hub", get(hub::about).post(hub::ask))
        .fallback(nothing)
        .with_state(shared)
}

/// Whether an address is the server's own: no old address of a feed stands before it.
fn is_own(path: &str) -> bool {
    matches!(path, "/" | "/feeds" | "/timeline" | "/healthz" | "/readyz" | "/metrics" | "/hub" | "/admin")
        || ["/feeds/", "/hooks/", "/hub/", "/api/", "/admin/"].iter().any(|folder| path.starts_with(folder))
}

/// Alive: the server answers.
async fn healthz() -> Response {
    text(StatusCode::OK, "ok\n")
}

/// Ready: the first pass is done, and the store answers.
async fn readyz(State(shared): State<Shared>) -> Response {
    if shared.snapshot.borrow().is_none() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the first look at the site is not done\n");
    }
    match shared.store.ping().await {
        Ok(()) => text(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!("the store does not answer: {error}");
            text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the store does not answer\n")
        }
    }
}

/// There is nothing at this address, or not yet.
async fn nothing(State(shared): State<Shared>, uri: Uri) -> Response {
    let snapshot = shared.snapshot.borrow().clone();
    let Some(snapshot) = snapshot else {
        let mut response =
            refusal(StatusCode::SERVICE_UNAVAILABLE, "the first look at the site is not done; come back in a moment\n");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
        return response;
    };
    match snapshot.feeds.demand(uri.path(), &snapshot.settings) {
        // Other spellings lead there for ever.
        Answer::Moved(to) => moved(StatusCode::MOVED_PERMANENTLY, &to),
        Answer::Here(_) | Answer::Unknown => unknown(&snapshot, uri.path()),
    }
}

/// The answer to an address that nothing has.
fn unknown(snapshot: &Snapshot, path: &str) -> Response {
    if snapshot.feeds.is_gone(path) {
        return refusal(StatusCode::GONE, "this feed is no longer made in this format; /feeds/ lists the feeds\n");
    }
    refusal(StatusCode::NOT_FOUND, "there is no such feed or page; /feeds/ lists the feeds\n")
}

fn moved(status: StatusCode, to: &str) -> Response {
    let mut response = refusal(status, "the feed is at another address\n");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

/// An answer that says why there is no other one: to readers of feeds on other sites too, and not for long.
fn refusal(status: StatusCode, why: &'static str) -> Response {
    let mut response = (status, why).into_response();
    for (name, value) in [
        (header::CACHE_CONTROL, ERROR_CACHE_CONTROL),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    response
}
