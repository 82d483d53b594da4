//! A server that stands for Mastodon: it checks every request as Mastodon would, remembers what it accepted, and
//! misbehaves on demand.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The token that the server takes; a canary too.
pub const TOKEN: &str = "canari-de-jeton-5f1c";

/// How the server treats one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Well,
    /// It keeps the post, and never answers.
    KeepThenHang,
    /// It does not keep the post, and never answers.
    Hang,
    /// It keeps the post, and the connection ends before the answer.
    KeepThenCut,
    /// It does not keep the post, and the connection ends before the answer.
    Cut,
    /// It keeps the post and answers with this status.
    KeepThen(u16),
    /// It does not keep the post and answers with this status.
    Answer(u16),
    /// Too many requests; come back after so many seconds.
    Later(u32),
    /// It keeps the post and answers with something that is not a status.
    KeepThenGarbage,
    /// It answers 504, and the post shows only when the account's statuses were asked for so many times.
    KeepUnseen(usize),
}

#[derive(Default)]
struct Inner {
    statuses: Vec<Value>,
    moods: VecDeque<Mood>,
    keys: BTreeMap<String, String>,
    honours_keys: bool,
    requests: Vec<String>,
    /// How often the account's statuses are still shown without the last one.
    unseen: usize,
    now: String,
}

/// The server.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

impl Server {
    /// Starts a server on a free port. `honours_keys`: as Mastodon does; many servers with its API do not.
    pub async fn start(honours_keys: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner =
            Arc::new(Mutex::new(Inner { honours_keys, now: "2026-11-22T10:00:00.000Z".into(), ..Inner::default() }));
        let server = Self { inner, url };
        let router = Router::new()
            .route("/api/v2/instance", get(instance))
            .route("/api/v1/accounts/verify_credentials", get(credentials))
            .route("/api/v1/accounts/{id}/statuses", get(list))
            .route("/api/v1/statuses", post(publish))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// The server's time, which its posts bear; by default the one that most tests begin at.
    pub fn tell_time(&self, now: jiff::Timestamp) {
        self.inner.lock().unwrap().now = now.to_string();
    }

    /// How the next posts are treated; after these, well.
    pub fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inner.lock().unwrap().moods.extend(moods);
    }

    /// Texts of the statuses that the server has.
    pub fn texts(&self) -> Vec<String> {
        self.inner.lock().unwrap().statuses.iter().map(|status| status["sent"].as_str().unwrap().to_owned()).collect()
    }

    /// Requests for a post.
    pub fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap().requests.clone()
    }

    /// Other posts of the account, newer than all there are.
    pub fn chatter(&self, posts: usize) {
        let mut inner = self.inner.lock().unwrap();
        for n in 0..posts {
            let id = (inner.statuses.len() + 1).to_string();
            let status = json!({ "id": id, "url": "", "content": format!("<p>Bavardage {n}</p>"), "created_at": inner.now, "sent": format!("Bavardage {n}") });
            inner.statuses.push(status);
        }
    }

    /// The section `endpoints` for this server.
    pub fn endpoints(&self) -> String {
        format!(
            "endpoints: {{ mastodon: {{ network: mastodon, server: \"{}\", token: {TOKEN}, gap: 0s, allow_private: true }} }}",
            self.url
        )
    }
}

fn authorised(headers: &HeaderMap) -> Result<(), Box<Response>> {
    if headers.get("authorization").is_some_and(|value| value == &format!("Bearer {TOKEN}")) {
        return Ok(());
    }
    Err(Box::new(
        (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "The access token is invalid" }))).into_response(),
    ))
}

async fn instance() -> impl IntoResponse {
    axum::Json(json!({ "configuration": { "statuses": { "max_characters": 500, "characters_reserved_per_url": 23 } } }))
}

async fn credentials(headers: HeaderMap) -> Response {
    match authorised(&headers) {
        Ok(()) => axum::Json(json!({ "id": "7", "acct": "essai" })).into_response(),
        Err(response) => *response,
    }
}

async fn list(
    State(server): State<Server>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = authorised(&headers) {
        return *response;
    }
    assert_eq!(id, "7");
    let limit: usize = query["limit"].parse().unwrap();
    let before: usize = query.get("max_id").map_or(usize::MAX, |id| id.parse().unwrap());
    let mut inner = server.inner.lock().unwrap();
    let hidden = usize::from(inner.unseen > 0);
    inner.unseen = inner.unseen.saturating_sub(1);
    let statuses = inner.statuses.iter().rev().skip(hidden);
    let newest_first = statuses.filter(|status| status["id"].as_str().unwrap().parse::<usize>().unwrap() < before);
    // Many servers give fewer than are asked for.
    axum::Json(newest_first.take(limit.min(20)).cloned().collect::<Vec<_>>()).into_response()
}

async fn publish(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(response) = authorised(&headers) {
        return *response;
    }
    let key = headers.get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = body["status"].as_str().unwrap().to_owned();
    assert_eq!(body["visibility"], "public");
    assert_eq!(body["language"], "fr");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("Crieur/"));
    let (mood, status) = {
        let mut inner = server.inner.lock().unwrap();
        inner.requests.push(text.clone());
        let mood = inner.moods.pop_front().unwrap_or(Mood::Well);
        let known = inner.keys.get(&key).cloned().filter(|_| inner.honours_keys);
        let keeps = !matches!(mood, Mood::Answer(_) | Mood::Later(_) | Mood::Hang | Mood::Cut);
        let status = match known {
            Some(id) => inner.statuses.iter().find(|status| status["id"] == id.as_str()).cloned(),
            None if keeps => {
                let id = (inner.statuses.len() + 1).to_string();
                let content: String = text
                    .split("\n\n")
                    .map(|p| format!("<p>{}</p>", p.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>")))
                    .collect();
                let status = json!({ "id": id, "url": format!("{}/@essai/{id}", server.url), "content": content, "created_at": inner.now, "sent": text });
                inner.keys.insert(key, id);
                inner.statuses.push(status.clone());
                if let Mood::KeepUnseen(times) = mood {
                    inner.unseen = times;
                }
                Some(status)
            }
            None => None,
        };
        (mood, status)
    };
    let code = |code: u16| StatusCode::from_u16(code).unwrap();
    match mood {
        Mood::Well => axum::Json(status.unwrap()).into_response(),
        Mood::KeepThenCut | Mood::Cut => {
            let cut = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
            axum::body::Body::from_stream(cut).into_response()
        }
        Mood::KeepThenHang | Mood::Hang => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
        Mood::KeepThen(status) => (code(status), "<h1>Gateway Time-out</h1>").into_response(),
        Mood::Answer(status) => (code(status), axum::Json(json!({ "error": "non" }))).into_response(),
        Mood::Later(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())], "{}").into_response()
        }
        Mood::KeepThenGarbage => (StatusCode::OK, "<html>").into_response(),
        Mood::KeepUnseen(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}
