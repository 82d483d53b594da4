//! `/hub`: the built-in WebSub hub (W3C WebSub, section 5). A request is checked, kept and answered; what follows from it is
//! found by looking (see `push`).

use super::{Client, NO_CACHE, Shared};
use crate::config::{self, Config};
use crate::hub::{self, BODY_MAX, Callback, Lease, Limits, Mode, Refusal, Request, Topic, Version, Visits, Wish};
use crate::network::client::{is_public, refuse_private};
use crate::push::{callback_purpose, secret_purpose, version};
use crate::seal::Seal;
use crate::secret::{Sealed, Secret};
use crate::store::StoreError;
use crate::task::Wake;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the hub needs to take requests.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seal: Seal,
    wake: Wake,
    public_url: Url,
    allow_private: bool,
    lease: Lease,
    limits: Limits,
    visits: Mutex<Visits>,
}

impl Hub {
    /// The hub, if the configuration names it. `wake` wakes those who look after subscriptions.
    pub fn new(config: &Config, seal: Seal, wake: Wake) -> Option<Self> {
        let inner = || Inner {
            seal,
            wake,
            public_url: config.http.public_url.clone(),
            allow_private: config.hub.allow_private,
            lease: Lease::from(&config.hub),
            limits: Limits::of(config.hub.subscriptions),
            visits: Mutex::default(),
        };
        config.feeds.hubs.contains(&config::Hub::Own).then(|| Self(Arc::new(inner())))
    }
}

/// `GET /hub`: what this is, for who comes by.
pub(super) async fn about(State(shared): State<Shared>) -> Response {
    let Some(hub) = shared.hub else { return none() };
    let base = hub.0.public_url.as_str().trim_end_matches('/');
    let (lease, most) = (hub.0.lease.default.as_secs(), hub.0.lease.most.as_secs());
    let body = format!(
        "This is a WebSub hub (https://www.w3.org/TR/websub/) for the feeds of this server; {base}/feeds/ lists them.

To be told of a feed's changes, POST to {base}/hub, as application/x-www-form-urlencoded:
  hub.mode           subscribe, or unsubscribe
  hub.topic          the address of the feed, as the feed names itself (rel=self)
  hub.callback       where to tell you; it is asked first whether you meant it
  hub.lease_seconds  for how long, if you like: {lease} by default, {most} at most; subscribe again to renew
  hub.secret         if you like, less than 200 bytes: the feed then comes with X-Hub-Signature: sha256=…

The feed is posted to the callback, whole, whenever it changes. Answer 410 to end it.
"
    );
    respond(StatusCode::OK, body)
}

/// `POST /hub`: 202 and what is asked for is on its way; or why not, as plain text.
pub(super) async fn ask(State(shared): State<Shared>, request: HttpRequest) -> Response {
    let Some(hub) = shared.hub.clone() else { return none() };
    let (parts, body) = request.into_parts();
    let visit = {
        let mut visits = hub.0.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.count(client(&parts.extensions), shared.clock.now())
    };
    if let Err(wait) = visit {
        return later(StatusCode::TOO_MANY_REQUESTS, "too many requests; come back later\n".to_owned(), wait);
    }
    let taken = match read(&parts.headers, body).await {
        Ok(body) => {
            let content_type = parts.headers.get(header::CONTENT_TYPE);
            let content_type = content_type.map(|value| value.to_str().unwrap_or("unreadable"));
            match hub::parse(content_type, &body, &hub.0.lease) {
                Ok(request) => hub.take(&shared, request).await,
                Err(refusal) => Err(Refused::Because(refusal)),
            }
        }
        Err(refusal) => Err(Refused::Because(refusal)),
    };
    match taken {
        Ok(response) => response,
        Err(Refused::Because(Refusal { status, reason })) => {
            tracing::debug!("a request to the hub is answered with {status}: {reason}");
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            match status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    later(status, format!("{reason}\n"), SignedDuration::from_mins(1))
                }
                status => respond(status, format!("{reason}\n")),
            }
        }
        Err(Refused::Store(error)) => {
            tracing::error!("a subscription cannot be kept: {error}");
            later(
                StatusCode::SERVICE_UNAVAILABLE,
                "the request cannot be kept at the moment; come back later\n".to_owned(),
                SignedDuration::from_mins(1),
            )
        }
    }
}

/// Why a request is not taken.
enum Refused {
    /// Something is wrong with it.
    Because(Refusal),
    /// Something is wrong here.
    Store(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Because(refusal)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl Hub {
    async fn take(&self, shared: &Shared, request: Request) -> Result<Response, Refused> {
        let snapshot = shared.snapshot.borrow().clone();
        let snapshot = snapshot
            .ok_or_else(|| Refusal::new(503, "the first look at the site is not done; come back in a moment"))?;
        let find = |topic: &str| hub::find(&snapshot.feeds, &snapshot.settings, topic);
        match request {
            Request::Publish(topics) => {
                // Whoever says so: it is only looked.
                if topics.iter().all(|topic| matches!(find(topic), Topic::Unknown)) {
                    return Err(Refusal::new(404, "none of these feeds is published here").into());
                }
                self.0.wake.wake();
                Ok(respond(StatusCode::NO_CONTENT, String::new()))
            }
            Request::Subscribe(wish) => {
                let served = match find(&wish.topic) {
                    Topic::Served(document) => Some(version(document)),
                    Topic::OnDemand(_) => None,
                    Topic::Elsewhere(address) => {
                        let reason = format!("the address of this feed is {address}; subscribe to that");
                        return Err(Refusal::new(404, reason).into());
                    }
                    Topic::Unknown => {
                        let base = self.0.public_url.as_str().trim_end_matches('/');
                        let reason = format!("there is no such feed here; {base}/feeds/ lists them");
                        return Err(Refusal::new(404, reason).into());
                    }
                };
                self.keep(shared, Mode::Subscribe, wish, served).await
            }
            Request::Unsubscribe { topic, callback } => {
                let served = match find(&topic) {
                    Topic::Served(document) => Some(version(document)),
                    Topic::OnDemand(_) => None,
                    // A feed that is gone can still be left.
                    _ if shared.store.subscription(&topic, &callback.print()).await?.is_some() => None,
                    _ => return Err(Refusal::new(404, "there is no such feed, and no subscription to it").into()),
                };
                let wish = Wish { topic, callback, secret: None, lease: SignedDuration::ZERO };
                self.keep(shared, Mode::Unsubscribe, wish, served).await
            }
        }
    }

    /// Keeps a request: its subscriber is asked by those who look after subscriptions.
    async fn keep(
        &self,
        shared: &Shared,
        mode: Mode,
        wish: Wish,
        served: Option<Version>,
    ) -> Result<Response, Refused> {
        if !self.0.allow_private {
            let refused = |_| Refusal::new(403, "hub.callback is a private address; a public one is needed");
            refuse_private(wish.callback.expose()).map_err(refused)?;
        }
        let print = wish.callback.print();
        let (callback, secret) = self.sealed(&print, &wish.callback, wish.secret)?;
        let (topic, host) = (wish.topic, wish.callback.host());
        let ask = hub::Ask {
            mode,
            topic: topic.clone(),
            print: print.clone(),
            host: host.clone(),
            callback,
            secret,
            lease: wish.lease,
            is_on_demand: mode == Mode::Subscribe && served.is_none(),
            served,
        };
        let now = shared.clock.now();
        let kept = shared
            .store
            .ask(&topic, &print, &host, now, |known, counts| hub::ask(known, counts, &self.0.limits, ask, now));
        kept.await??;
        self.0.wake.wake();
        Ok(respond(StatusCode::ACCEPTED, "taken; the callback is asked now\n".to_owned()))
    }

    fn sealed(
        &self,
        print: &str,
        callback: &Callback,
        secret: Option<Secret>,
    ) -> Result<(Sealed, Option<Sealed>), Refused> {
        let failed = |error| Refused::Store(Box::new(error));
        let address = Secret::verbatim(callback.expose().as_str());
        let callback = self.0.seal.seal(&callback_purpose(print), &address).map_err(failed)?;
        let secret = secret.map(|secret| self.0.seal.seal(&secret_purpose(print), &secret)).transpose();
        Ok((callback, secret.map_err(failed)?))
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let too_long = || Refusal::new(413, format!("the body is longer than {BODY_MAX} bytes"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_MAX) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => Ok(body.to_vec()),
        Ok(Err(_)) => Err(too_long()),
        Err(_) => Err(Refusal::new(408, "the body took too long")),
    }
}

/// Who asks, if it can be told from others: behind a proxy on a private address all look like one.
fn client(extensions: &Extensions) -> Option<IpAddr> {
    let client = extensions.get::<Client>()?;
    Some(client.address).filter(|ip| is_public(*ip))
}

fn none() -> Response {
    let why = "there is no hub here: feeds.hubs does not name `self`, or it cannot be set up, as the log says\n";
    respond(StatusCode::NOT_FOUND, why.to_owned())
}

fn later(status: StatusCode, body: String, wait: SignedDuration) -> Response {
    let mut response = respond(status, body);
    let seconds = wait.as_secs().max(0) + 1;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn respond(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
