//! The embedded web server: feeds, the page of feeds, the journal's timeline, health.
//!
//! It knows the last [`Snapshot`] and the store, and nothing of networks. Documents are served as they were made;
//! a request makes nothing.

mod hooks;
mod pages;

pub use hooks::{Asked, Hook};

use crate::clock::Clock;
use crate::feed::{Document, conditional};
use crate::reconcile::Snapshot;
use crate::store::Store;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::watch;

/// What a request can see.
#[derive(Clone)]
pub struct Shared {
    /// The last pass, None before the first.
    pub snapshot: watch::Receiver<Option<Arc<Snapshot>>>,
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// What a signed web hook wakes; None without a secret.
    pub hook: Option<Hook>,
}

/// How long a reader may keep a feed without asking: shorter than the least that common readers wait anyway.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// All routes.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/feeds", get(|| async { Redirect::permanent("/feeds/") }))
        .route("/feeds/", get(pages::feeds))
        .route("/timeline", get(pages::timeline))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/hooks/content", post(hooks::content))
        .fallback(document)
        .with_state(shared)
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

/// Feeds at their addresses, new and old.
async fn document(State(shared): State<Shared>, request: Request) -> Response {
    if *request.method() == Method::OPTIONS {
        return preflight();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let snapshot = shared.snapshot.borrow().clone();
    let Some(snapshot) = snapshot else {
        let mut response =
            text(StatusCode::SERVICE_UNAVAILABLE, "the first look at the site is not done; come back in a moment\n");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return response;
    };
    match snapshot.feeds.document(request.uri().path()) {
        Some(document) => {
            let packed = packed(document, request.headers()).await;
            serve(document, packed, request.headers())
        }
        None => text(StatusCode::NOT_FOUND, "there is no such feed; /feeds/ lists them\n"),
    }
}

/// A script of another site may ask for a feed, and say which one it has.
fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "If-None-Match, If-Modified-Since"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::ALLOW, "GET, HEAD, OPTIONS"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A document's compressed form, if the reader takes it.
async fn packed(document: &Arc<Document>, request: &HeaderMap) -> Option<Arc<[u8]>> {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    if !conditional::accepts_gzip(accepted) {
        return None;
    }
    let packed = match document.made_gzip() {
        Some(packed) => packed,
        None => {
            let document = Arc::clone(document);
            tokio::task::spawn_blocking(move || document.gzip()).await.ok()?
        }
    };
    (!packed.is_empty()).then_some(packed)
}

/// A document, whole, compressed, or 304. The body of HEAD is dropped by the server.
fn serve(document: &Document, packed: Option<Arc<[u8]>>, request: &HeaderMap) -> Response {
    let given = |name: HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    let gzip = packed.is_some();
    // Another coding is another representation, with a strong validator of its own (RFC 9110, section 8.8.3.3).
    let etag = if gzip { format!("{}-gzip", document.etag) } else { document.etag.clone() };
    let mut response = if conditional::not_modified(
        joined(request, header::IF_NONE_MATCH).as_deref(),
        given(header::IF_MODIFIED_SINCE),
        &etag,
        document.last_modified,
    ) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = packed.unwrap_or_else(|| Arc::clone(&document.body));
        let mut response = Response::new(Body::from(Bytes::from_owner(bytes)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.media_type));
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    };
    let headers = response.headers_mut();
    for (name, value) in
        [(header::ETAG, format!("\"{etag}\"")), (header::LAST_MODIFIED, conditional::http_date(document.last_modified))]
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag, Last-Modified"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A header that may stand several times, as one list.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    response
}
