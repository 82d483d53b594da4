//! Servers that stand for networks: each judges every request as the network would, answers in the network's words, and
//! misbehaves on demand.

pub mod bluesky;
pub mod discord;
pub mod linkedin;
pub mod mastodon;
pub mod matrix;
pub mod mattermost;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod threads;
pub mod webhook;
pub mod x;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// In every secret of the tests: it must show nowhere.
pub const CANARY: &str = "canari";

/// A request, read whole.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub fn json(&self) -> Result<Value, String> {
        if !self.header("content-type").starts_with("application/json") {
            return Err(format!("a body of the type `{}`", self.header("content-type")));
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    pub fn form(&self) -> Result<BTreeMap<String, String>, String> {
        if self.header("content-type") != "application/x-www-form-urlencoded" {
            return Err(format!("a form of the type `{}`", self.header("content-type")));
        }
        Ok(url::form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// The parts of a form with files: name, file's name, media type, bytes.
    pub fn parts(&self) -> Result<Vec<Part>, String> {
        let boundary = self.header("content-type").strip_prefix("multipart/form-data; boundary=").ok_or("no form")?;
        let (body, line) = (&self.body[..], format!("--{boundary}"));
        let find = |from: usize, what: &[u8]| {
            body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
        };
        let mut parts = Vec::new();
        let mut at = find(0, line.as_bytes()).ok_or("no boundary")? + line.len();
        while body[at..].starts_with(b"\r\n") {
            let head_end = find(at, b"\r\n\r\n").ok_or("a part without an end of its head")?;
            let head = String::from_utf8_lossy(&body[at..head_end]).into_owned();
            let end = find(head_end, format!("\r\n{line}").as_bytes()).ok_or("a part without an end")?;
            let quoted = |name: &str| head.split(&format!(" {name}=\"")).nth(1)?.split('"').next().map(str::to_owned);
            parts.push(Part {
                name: quoted("name").ok_or("a part without a name")?,
                file: quoted("filename"),
                media_type: head.split("Content-Type: ").nth(1).map(str::to_owned),
                bytes: body[head_end + 4..end].to_vec(),
            });
            at = end + 2 + line.len();
        }
        if body[at..] == *b"--\r\n" { Ok(parts) } else { Err("a form without an end".to_owned()) }
    }

    /// Method and path, for a match.
    pub fn line(&self) -> (&str, &str) {
        (&self.method, &self.path)
    }
}

/// A part of a form.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    pub file: Option<String>,
    pub media_type: Option<String>,
    pub bytes: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// Err unless it is a file that networks take for an image.
    pub fn is_image(&self) -> Result<(), String> {
        let named = self.file.as_deref().is_some_and(|name| name.ends_with(".png") || name.ends_with(".jpg"));
        let typed = matches!(self.media_type.as_deref(), Some("image/png" | "image/jpeg"));
        if named && typed && !self.bytes.is_empty() { Ok(()) } else { Err(format!("{} is no image", self.name)) }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string() }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A network, as its server behaves.
pub trait Api: Send {
    /// The answer to a request. Err: what is wrong with a request that the network would not take so.
    fn answer(&mut self, request: &Request) -> Result<Reply, String>;

    /// Whether a request makes a post: moods are about these.
    fn posts(&self, request: &Request) -> bool;

    /// The posts there are, as people read them.
    fn texts(&self) -> Vec<String>;

    /// What is said of each image that posts show, where the network has a place for it; else nothing.
    fn images(&self) -> Vec<String> {
        Vec::new()
    }

    /// The network's own words (`ECHO` stands for the credential, as careless servers repeat it) for too much, for a credential that is not known, and for a post that it does not want.
    fn too_much(&self, seconds: u32) -> Reply {
        Reply::text(429, "").header("retry-after", seconds.to_string())
    }
    fn unknown(&self) -> Reply;
    fn unwanted(&self) -> Reply;
}

/// How the server treats a request for a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// As it should be.
    Good,
    /// It keeps the post, and a gateway answers with this status.
    KeepThen(u16),
    /// It keeps the post, and the answer breaks off.
    KeepThenBreak,
    /// It keeps the post, and answers with something senseless.
    KeepThenGarbage,
    /// It does not keep the post, and answers with this status.
    Answer(u16),
    /// Too much; come back after so many seconds.
    TooMuch(u32),
    /// The credential is not known.
    Unknown,
    /// The post is not wanted.
    Unwanted,
    /// It is kept, and the answer comes late.
    Slow,
    /// It is not kept, and the connection breaks off.
    Break,
}

struct Inner {
    api: Box<dyn Api>,
    moods: VecDeque<Mood>,
    requests: Vec<Request>,
    posts: usize,
    wrong: Vec<String>,
    scripts: Vec<(String, Reply)>,
}

/// A server.
#[derive(Clone)]
pub struct Fake {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

impl Fake {
    pub async fn start(api: fn(&str) -> Box<dyn Api>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            api: api(&url),
            moods: VecDeque::new(),
            requests: Vec::new(),
            posts: 0,
            wrong: Vec::new(),
            scripts: Vec::new(),
        };
        let fake = Self { inner: Arc::new(Mutex::new(inner)), url };
        let router = Router::new().fallback(handle).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// How the next requests for a post are treated; after these, as they should be.
    pub fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.inner.lock().unwrap().moods.extend(moods);
    }

    /// What the next request to a path is answered, in place of what should be.
    pub fn script(&self, path: &str, reply: Reply) {
        self.inner.lock().unwrap().scripts.push((path.to_owned(), reply));
    }

    pub fn texts(&self) -> Vec<String> {
        self.inner.lock().unwrap().api.texts()
    }

    pub fn images(&self) -> Vec<String> {
        self.inner.lock().unwrap().api.images()
    }

    /// How many requests for a post there were.
    pub fn posts(&self) -> usize {
        self.inner.lock().unwrap().posts
    }

    pub fn requests(&self) -> Vec<Request> {
        self.inner.lock().unwrap().requests.clone()
    }

    /// What was wrong with requests.
    pub fn wrong(&self) -> Vec<String> {
        self.inner.lock().unwrap().wrong.clone()
    }
}

async fn handle(State(fake): State<Fake>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let path = uri.path().to_owned();
    let request = Request { method: method.to_string(), path, query, headers, body: body.to_vec() };
    let (reply, breaks, is_slow) = {
        let mut inner = fake.inner.lock().unwrap();
        let is_slow = inner.api.posts(&request) && inner.moods.front() == Some(&Mood::Slow);
        let (reply, breaks) = inner.treat(request);
        (reply, breaks, is_slow)
    };
    if is_slow {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    // Without a body nothing can break off.
    let status = if breaks { 200 } else { reply.status };
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    if breaks {
        let broken = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("broken off"))]);
        return response.body(Body::from_stream(broken)).unwrap();
    }
    response.body(Body::from(reply.body)).unwrap().into_response()
}

impl Inner {
    fn treat(&mut self, request: Request) -> (Reply, bool) {
        let mood = if self.api.posts(&request) {
            self.posts += 1;
            self.moods.pop_front()
        } else {
            None
        };
        self.requests.push(request.clone());
        if let Some(at) = self.scripts.iter().position(|(path, _)| *path == request.path) {
            return (self.scripts.remove(at).1, false);
        }
        // What is answered repeats what was sent, as careless servers do.
        let echo = format!("<h1>Passerelle</h1> {} {:?}", request.path, request.headers);
        let credential = format!("{} {}", request.path, request.header("authorization")).replace('"', "'");
        let echoed = |mut reply: Reply| {
            reply.body = reply.body.replace("ECHO", &credential);
            (reply, false)
        };
        match mood {
            Some(Mood::Answer(status)) => return (Reply::text(status, echo), false),
            Some(Mood::TooMuch(seconds)) => return echoed(self.api.too_much(seconds)),
            Some(Mood::Unknown) => return echoed(self.api.unknown()),
            Some(Mood::Unwanted) => return echoed(self.api.unwanted()),
            Some(Mood::Break) => return (Reply::text(200, ""), true),
            _ => {}
        }
        let reply = self.api.answer(&request).unwrap_or_else(|wrong| {
            self.wrong.push(format!("{} {}: {wrong}", request.method, request.path));
            Reply::text(400, wrong)
        });
        match mood {
            Some(Mood::KeepThen(status)) => (Reply::text(status, echo), false),
            Some(Mood::KeepThenBreak) => (reply, true),
            Some(Mood::KeepThenGarbage) => (Reply::text(200, "<html>"), false),
            _ => (reply, false),
        }
    }
}

/// Err unless two things are equal.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, given: T, expected: T) -> Result<(), String> {
    if given == expected { Ok(()) } else { Err(format!("{what} is {given:?} and should be {expected:?}")) }
}

/// Err if an object has keys that the network does not know.
pub fn only(value: &Value, known: &[&str]) -> Result<(), String> {
    let keys = value.as_object().ok_or("not an object")?.keys();
    let strange: Vec<&String> = keys.filter(|key| !known.contains(&key.as_str())).collect();
    if strange.is_empty() { Ok(()) } else { Err(format!("unknown keys {strange:?}")) }
}

/// A text of JSON, or what is missing.
pub fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, String> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("{pointer} is missing in {value}"))
}

/// What Markdown shows: backslashes before signs are gone. Err for a sign of the list that is markup, outside of addresses.
pub fn markdown(written: &str, markup: &str) -> Result<String, String> {
    let mut shown = String::new();
    for (at, word) in written.split_inclusive(char::is_whitespace).enumerate() {
        let _ = at;
        let (before, address) = match word.find("http") {
            Some(start) => word.split_at(start),
            None => (word, ""),
        };
        let mut signs = before.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => shown.extend(signs.next()),
                sign if markup.contains(sign) => return Err(format!("`{sign}` is markup in {written:?}")),
                sign => shown.push(sign),
            }
        }
        shown.push_str(address);
    }
    Ok(shown)
}

/// A text without the images that its Markdown shows at its end, and those: their texts and addresses.
pub fn markdown_images(written: &str) -> (String, Vec<(String, String)>) {
    let mut images = Vec::new();
    let kept: Vec<&str> = written
        .lines()
        .filter(|line| {
            let image = line.strip_prefix("![").and_then(|rest| rest.strip_suffix(')')?.rsplit_once("]("));
            images.extend(image.map(|(alt, url)| (alt.to_owned(), url.to_owned())));
            image.is_none()
        })
        .collect();
    (kept.join("\n").trim_end().to_owned(), images)
}

/// Err if a text calls somebody: a sign `@` before a name, outside of addresses.
pub fn calls_nobody(text: &str) -> Result<(), String> {
    for word in text.split_whitespace().filter(|word| !word.contains("http")) {
        let mut last = ' ';
        let mut signs = word.chars().peekable();
        while let Some(sign) = signs.next() {
            if sign == '@' && !last.is_alphanumeric() && signs.peek().is_some_and(|next| next.is_alphanumeric()) {
                return Err(format!("{word:?} calls somebody"));
            }
            last = sign;
        }
    }
    Ok(())
}
