//! A whole server on a port of its own, and a client that sees every byte.

use super::Place;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use crieur::clock::Clock;
use crieur::http::{Documents, Hook, Limits, Proxies, Shared, serve};
use crieur::push::Figures;
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Real work that is waited for takes far less; only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must come.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it never came")
}

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A field, empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The first answer in some bytes, and what follows it. `is_head`: its body is not sent.
    pub fn read(bytes: &[u8], is_head: bool) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let mut lines = std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}"));
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let rest = &bytes[end + 4..];
        let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let length = if is_head || status == StatusCode::NOT_MODIFIED { 0 } else { length };
        let body = rest.get(..length)?.to_vec();
        Some((Self { status, headers, body }, &rest[length..]))
    }
}

/// What a test server is made with.
#[derive(Default)]
pub struct Setting {
    pub limits: Limits,
    pub proxies: Vec<&'static str>,
    pub hook: Option<Hook>,
}

/// A server that serves a site.
pub struct Server {
    pub address: SocketAddr,
    pub place: Place,
    pub clock: Clock,
    documents: Documents,
    looked: watch::Sender<Option<Arc<Snapshot>>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves a place, once a pass was made.
    pub async fn of(place: Place, rest: &str, setting: Setting) -> Self {
        let server = Self::before_the_first_pass(place, rest, setting).await;
        server.pass(rest).await;
        server
    }

    /// Serves a place of which nothing is known yet.
    pub async fn before_the_first_pass(place: Place, rest: &str, setting: Setting) -> Self {
        let store = Store::open(&place.config(rest).store).await.unwrap();
        let clock = Clock::by_hand("2026-11-22T10:00:00Z".parse().unwrap());
        let (looked, snapshot) = watch::channel(None);
        let documents = Documents::default();
        let (documents_too, hook) = (documents.clone(), setting.hook);
        let shared = Shared {
            snapshot,
            documents: documents_too,
            store,
            clock: clock.clone(),
            hook,
            hub: None,
            desk: None,
            figures: Figures::default(),
            ends: crieur::expiry::Ends::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let networks = setting.proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        let task = tokio::spawn(serve(listener, shared, Proxies::new(networks), setting.limits, async move {
            let _ = stopped.await;
        }));
        Self { address, place, clock, documents, looked, stop, task }
    }

    /// Makes a pass, and serves it.
    pub async fn pass(&self, rest: &str) {
        let config = self.place.config(rest);
        let store = Store::open(&config.store).await.unwrap();
        let snapshot = Arc::new(Reconciler::new(config).pass(&store, self.clock.now()).await.unwrap());
        self.documents.put(&snapshot, self.clock.now());
        self.looked.send_replace(Some(snapshot));
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own, and reads until the server closes it.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        answer
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let bytes = self.raw(request + "\r\n").await;
        let (answer, rest) = Answer::read(&bytes, method == "HEAD")
            .unwrap_or_else(|| panic!("{method} {path}: {:?}", String::from_utf8_lossy(&bytes)));
        assert!(rest.is_empty(), "{method} {path}: more was sent than announced");
        answer
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers).await
    }

    /// Tells it to stop, and waits until it did.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        soon(self.task).await.unwrap().unwrap();
    }

    /// Tells it to stop.
    pub fn begin_to_stop(self) -> JoinHandle<std::io::Result<()>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// Reads until an answer is there whole. What follows it stays in `read`.
pub async fn next_answer(stream: &mut TcpStream, read: &mut Vec<u8>) -> Answer {
    loop {
        if let Some((answer, rest)) = Answer::read(read, false) {
            *read = rest.to_vec();
            return answer;
        }
        assert_ne!(soon(stream.read_buf(read)).await.unwrap(), 0, "closed after {:?}", String::from_utf8_lossy(read));
    }
}
