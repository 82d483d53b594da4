//! Subscribers of a WebSub hub, and hubs elsewhere: they remember what they were asked and told, and misbehave on demand.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How one request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// As it should be: the challenge, or 204.
    Well,
    /// With this status.
    Status(u16),
    /// With this status, and `Retry-After` in seconds.
    Later(u16, u32),
    /// Never.
    Hang,
    /// 200 and this.
    Say(&'static str),
    /// 200 and more than anybody wants.
    Endless,
    /// A redirect to this.
    Redirect(String),
}

/// One thing that was asked or told.
#[derive(Clone)]
pub struct Heard {
    /// The path and query.
    pub uri: String,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.uri, self.body.len())
    }
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameters of a form in the body.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

#[derive(Default)]
struct Inner {
    asked: Vec<Heard>,
    told: Vec<Heard>,
    asked_moods: VecDeque<Mood>,
    told_moods: VecDeque<Mood>,
}

/// A server that is asked (GET) and told (POST) at any path.
#[derive(Clone)]
pub struct Subscriber {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<u64>,
    pub url: String,
}

/// What is waited for comes much sooner; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

impl Subscriber {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { inner: Arc::default(), changed: watch::Sender::new(0), url };
        let all = get(asked).post(told);
        let router = Router::new().fallback(all).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// How the next questions are answered; after these, well.
    pub fn when_asked(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inner.lock().unwrap().asked_moods.extend(moods);
    }

    /// How the next news are answered; after these, well.
    pub fn when_told(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inner.lock().unwrap().told_moods.extend(moods);
    }

    pub fn asked(&self) -> Vec<Heard> {
        self.inner.lock().unwrap().asked.clone()
    }

    pub fn told(&self) -> Vec<Heard> {
        self.inner.lock().unwrap().told.clone()
    }

    /// Waits until it was asked so often.
    pub async fn asked_times(&self, times: usize) -> Vec<Heard> {
        self.wait("asked", |inner| inner.asked.len() >= times).await;
        self.asked()
    }

    /// Waits until it was told so often.
    pub async fn told_times(&self, times: usize) -> Vec<Heard> {
        self.wait("told", |inner| inner.told.len() >= times).await;
        self.told()
    }

    async fn wait(&self, what: &str, holds: impl Fn(&Inner) -> bool) {
        let mut changed = self.changed.subscribe();
        let waited = changed.wait_for(|_| holds(&self.inner.lock().unwrap()));
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            panic!("it was not {what}: {:#?} {:#?}", self.asked(), self.told());
        }
    }

    fn hear(&self, heard: Heard, is_asked: bool) -> Mood {
        let mood = {
            let mut inner = self.inner.lock().unwrap();
            let inner = &mut *inner;
            let (list, moods) = if is_asked {
                (&mut inner.asked, &mut inner.asked_moods)
            } else {
                (&mut inner.told, &mut inner.told_moods)
            };
            list.push(heard);
            moods.pop_front().unwrap_or(Mood::Well)
        };
        self.changed.send_modify(|n| *n += 1);
        mood
    }
}

async fn asked(State(server): State<Subscriber>, uri: Uri, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let heard = Heard { uri: uri.to_string(), query, headers, body: Bytes::new() };
    let challenge = heard.parameter("hub.challenge").unwrap_or("").to_owned();
    match server.hear(heard, true) {
        Mood::Well => challenge.into_response(),
        mood => answer(mood).await,
    }
}

async fn told(State(server): State<Subscriber>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let heard = Heard { uri: uri.to_string(), query: Vec::new(), headers, body };
    match server.hear(heard, false) {
        Mood::Well => StatusCode::NO_CONTENT.into_response(),
        mood => answer(mood).await,
    }
}

async fn answer(mood: Mood) -> Response {
    match mood {
        Mood::Well => StatusCode::OK.into_response(),
        Mood::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Later(status, seconds) => {
            (StatusCode::from_u16(status).unwrap(), [("retry-after", seconds.to_string())]).into_response()
        }
        Mood::Hang => std::future::pending().await,
        Mood::Say(text) => text.into_response(),
        Mood::Endless => {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            let pieces = futures_util::stream::repeat_with(move || Ok::<_, std::convert::Infallible>(piece.clone()));
            Response::new(Body::from_stream(pieces))
        }
        Mood::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
    }
}
