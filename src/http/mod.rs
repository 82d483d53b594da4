//! The embedded web server: feeds, the page of feeds, the journal's timeline, health, figures, the API.
//!
//! It knows the last [`Snapshot`] and the store, and nothing of networks. [`serve`] accepts connections; the documents of
//! feeds are answered first, as they stand ready ([`Documents`]), everything else by the [`router`].

mod api;
mod connection;
mod demands;
mod desk;
mod documents;
mod hooks;
mod hub;
mod metrics;
mod pages;
mod proxies;
mod serve;
mod server;

pub use api::PostInFull;
pub use desk::Desk;
pub use documents::Documents;
pub use hooks::{Asked, Hook};
pub use hub::Hub;
pub use proxies::{Client, Proxies};
pub use server::{Limits, serve};

use crate::clock::Clock;
use crate::expiry::Ends;
use crate::push::Figures;
use crate::reconcile::Snapshot;
use crate::store::Store;
use axum::Router;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
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
    /// When the credentials of endpoints end.
    pub ends: Ends,
    /// What is counted of WebSub.
    pub figures: Figures,
    /// The built-in WebSub hub, if there is one.
    pub hub: Option<Hub>,
    /// Where people and programs come that have a word on what goes out, if there is such a place.
    pub desk: Option<Desk>,
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
        .route("/feeds/choose", get(pages::choose))
        .route("/feeds/snippets", get(pages::snippets))
        .route("/feeds/tombstones", get(pages::withdrawn))
        .route(&format!("{}/{{name}}", pages::LOOKS), get(pages::looks))
        .route("/timeline", get(pages::timeline))
        .route("/timeline/images/{digest}", get(pages::image))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/hooks/content", post(hooks::content))
        .route("/hub", get(hub::about).post(hub::ask))
        .nest("/api/v1", api::router(&shared))
        .merge(pages::admin::router())
        .fallback(elsewhere)
        .with_state(shared)
}

/// Whether an address is the server's own: no old address of a feed stands before it.
fn is_own(path: &str) -> bool {
    matches!(path, "/" | "/feeds" | "/timeline" | "/healthz" | "/readyz" | "/metrics" | "/hub" | "/admin")
        || ["/feeds/", "/timeline/", "/hooks/", "/hub/", "/api/", "/admin/"]
            .iter()
            .any(|folder| path.starts_with(folder))
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

/// What no document has: the page of a feed, or nothing, or nothing yet.
async fn elsewhere(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let Some(snapshot) = shared.snapshot.borrow().clone() else { return pages::not_ready(uri.path(), &headers) };
    if !matches!(method, Method::GET | Method::HEAD) {
        return unknown(&snapshot, uri.path(), &headers);
    }
    let visit = pages::Visit::new(Arc::clone(&snapshot), headers.clone(), shared.clock.now());
    pages::made(&shared.documents, visit, move |visit| {
        let page = pages::at(visit, uri.path(), uri.query().unwrap_or(""));
        page.unwrap_or_else(|| unknown(&snapshot, uri.path(), &headers))
    })
    .await
}

/// The answer to an address that nothing has.
fn unknown(snapshot: &Arc<Snapshot>, path: &str, headers: &HeaderMap) -> Response {
    let status = if snapshot.feeds.is_gone(path) { StatusCode::GONE } else { StatusCode::NOT_FOUND };
    pages::sorry(status, path, Some(snapshot), headers)
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
