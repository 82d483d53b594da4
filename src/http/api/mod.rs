//! `/api/v1/…`: what the commands tell, for programs, and `publish-now`. The shapes are those of the commands' `--json`;
//! `openapi.json` describes all of it.
//!
//! A request bears the token of the configuration (`http.admin_token`; RFC 6750). Where none is configured, only
//! programs on this machine are answered, and no page of a browser: neither one of another site (it sends `Origin`) nor
//! one whose name was turned to this machine (its `Host` is no address of this machine).

mod publish_now;

use super::{Client, Shared};
use crate::config::{Config, EndpointName};
use crate::plan::{self, Inputs};
use crate::reconcile::Snapshot;
use crate::secret::Secret;
use crate::shapes;
use crate::task::Wake;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Most bytes of a request's body.
const BODY_MAX: usize = 64 * 1024;

/// What the API needs beside what every request sees.
#[derive(Clone)]
pub struct Api {
    config: Arc<Config>,
    wake: BTreeMap<EndpointName, Wake>,
    heard: publish_now::Heard,
}

impl Api {
    /// Of a configuration, with what wakes the endpoints.
    pub fn new(config: Arc<Config>, wake: BTreeMap<EndpointName, Wake>) -> Self {
        Self { config, wake, heard: publish_now::Heard::default() }
    }
}

/// The addresses of the API.
pub(super) fn router(shared: &Shared) -> Router<Shared> {
    let guarded = Router::new()
        .route("/feeds", get(feeds))
        .route("/posts", get(posts))
        .route("/plan", get(plan_lines))
        .route("/publish-now", post(publish_now::answer))
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

/// Lets those through who may ask.
async fn guard(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(api) = &shared.api else { return refused(StatusCode::NOT_FOUND, "there is no API here") };
    let headers = request.headers();
    match &api.config.http.admin_token {
        Some(token) if bears(headers, token) => next.run(request).await,
        Some(_) => {
            let why = "the request does not bear the token of http.admin_token";
            let mut response = refused(StatusCode::UNAUTHORIZED, why);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        None if client.is_some_and(|Extension(client)| client.is_local) && is_program(headers) => {
            next.run(request).await
        }
        None => {
            let why = "without http.admin_token only programs on the same machine are answered";
            refused(StatusCode::FORBIDDEN, why)
        }
    }
}

/// Whether a request bears a token. The comparison takes the same time whatever is given.
fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|given| given.split_once(' ')) else { return false };
    let print = |text: &str| Some(Hmac::<Sha256>::new_from_slice(token.expose().as_bytes()).ok()?.chain_update(text));
    let (Some(given), Some(own)) = (print(given.trim()), print(token.expose())) else { return false };
    scheme.eq_ignore_ascii_case("bearer") && given.verify_slice(&own.finalize().into_bytes()).is_ok()
}

/// Whether no page of a browser asks.
fn is_program(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Uri>().ok());
    let name = host.as_ref().and_then(Uri::host).unwrap_or("");
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
    is_here && !headers.contains_key(header::ORIGIN)
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfState {
    state: Option<String>,
}

async fn posts(
    State(shared): State<Shared>,
    query: Result<Query<OfState>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(OfState { state })) = query else {
        return refused(StatusCode::BAD_REQUEST, "the only parameter is `state`");
    };
    let wanted = match state.as_deref().map(crate::delivery::State::parse) {
        Some(None) => {
            return refused(StatusCode::BAD_REQUEST, "there is no such state; `crieur posts --help` lists them");
        }
        Some(Some(state)) => Some(state),
        None => None,
    };
    match shared.store.deliveries().await {
        Ok(deliveries) => {
            let wanted = deliveries.into_iter().filter(|delivery| wanted.is_none_or(|state| delivery.state == state));
            told(StatusCode::OK, &wanted.map(shapes::Post::from).collect::<Vec<_>>())
        }
        Err(error) => store_failed(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    until: Option<String>,
}

async fn plan_lines(
    State(shared): State<Shared>,
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
    let (outbox, silence) = match (shared.store.deliveries().await, shared.store.silence().await) {
        (Ok(outbox), Ok(silence)) => (outbox, silence),
        (Err(error), _) | (_, Err(error)) => return store_failed(&error),
    };
    let Some(api) = shared.api else { return refused(StatusCode::NOT_FOUND, "there is no API here") };
    let now = shared.clock.now();
    let planned = tokio::task::spawn_blocking(move || {
        let catalog = snapshot.catalog();
        let inputs = Inputs::new(&api.config, &snapshot.site, &catalog, &outbox, now);
        let plan = plan::plan(&Inputs { explain: true, silence: silence.as_ref(), ..inputs });
        let lines: Vec<_> = shapes::in_order(&plan.lines, until).into_iter().map(shapes::Planned::from).collect();
        told(StatusCode::OK, &lines)
    });
    planned
        .await
        .unwrap_or_else(|_| refused(StatusCode::INTERNAL_SERVER_ERROR, "the plan cannot be made; the log says why"))
}
