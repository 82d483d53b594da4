//! The server: accepts connections, keeps within its limits, and lets what is under way end.
//!
//! HTTP/1.1 and 1.0 without upgrades; TLS and HTTP/2 are the proxy's in front. At the limit of connections the next ones
//! wait in the system's queue, and those that only rest make room: an answer 503 would make a feed look broken to a
//! reader that a moment's wait serves.

use super::connection::{End, Line, Patience, Wire};
use super::metrics::Books;
use super::proxies::Proxies;
use super::serve::{Serving, Site};
use super::{Shared, router};
use crate::config::Http;
use axum::http::StatusCode;
use hashbrown::HashMap;
use hyper::server::conn::http1;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// What the server lets others do to it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most connections that are open at once.
    pub connections: usize,
    /// How long the header of a request may take, from its first byte; the first one from the opening of the connection.
    pub header: Duration,
    /// How long a connection may rest between two requests.
    pub idle: Duration,
    /// How long a peer may take nothing of its answer, or send nothing of a body.
    pub stall: Duration,
    /// Most bytes of a header. Of its fields there are at most 100.
    pub header_bytes: usize,
    /// How long what is under way may take once the end was told.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            header: Duration::from_secs(15),
            // Longer than proxies keep a connection unused (nginx: 60 s), so that it is they who close it.
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            header_bytes: 16 * 1024,
            drain: Duration::from_secs(20),
        }
    }
}

/// Files that the rest of the program may need open beside the connections.
const FILES: u64 = 128;
/// Most bytes that are read of one connection before they are looked at.
const BUFFER: usize = 64 * 1024;
/// How long nothing is accepted when the system has no means for more.
const BREATH: Duration = Duration::from_millis(100);
/// Most bytes of a request that was refused unread are taken from the peer, so that it comes to see the answer…
const LINGER_BYTES: usize = 256 * 1024;
/// …and so long.
const LINGER_TIME: Duration = Duration::from_secs(2);
/// What a peer gets that is too slow.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

impl Limits {
    /// The defaults, with what the configuration says, as far as the system allows so many open files.
    pub fn of(http: &Http) -> Self {
        let most = open_files().map_or(usize::MAX, |most| usize::try_from(most.saturating_sub(FILES)).unwrap_or(8));
        if http.connections > most {
            tracing::warn!(
                "http.connections is {}, and this process may have {most} open; raise its limit of open files (ulimit -n)",
                http.connections
            );
        }
        Self { connections: http.connections.min(most).max(8), ..Self::default() }
    }

    /// How often all connections are looked at: fine enough for the shortest limit.
    fn tick(&self) -> Duration {
        let shortest = self.header.min(self.idle).min(self.stall);
        (shortest / 8).clamp(Duration::from_millis(2), Duration::from_secs(1))
    }

    fn patience(&self) -> Patience {
        let tick = self.tick().as_nanos().max(1);
        let ticks = |length: Duration| u64::try_from(length.as_nanos().div_ceil(tick)).unwrap_or(u64::MAX);
        Patience { header: ticks(self.header), idle: ticks(self.idle), stall: ticks(self.stall) }
    }
}

/// How many files this process may have open, once it has asked for as many as it may have.
fn open_files() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, wanted).is_ok() {
            limit = wanted;
        }
    }
    limit.current
}

/// The connections that are open.
struct Lines {
    open: Mutex<HashMap<u64, Arc<Line>>>,
    ticks: Arc<AtomicU64>,
    books: Arc<Books>,
    /// Heard when a connection ended.
    ended: Notify,
}

impl Lines {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Line>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another tick: cuts those that keep the server waiting.
    fn tick(&self, patience: Patience) {
        let now = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        for line in self.open().values() {
            if let Some(end) = line.overdue(now, patience) {
                line.tell(end);
            }
        }
    }

    /// The connection that has rested longest makes room. Whether there is one.
    fn make_room(&self) -> bool {
        let open = self.open();
        let rests = open.values().filter(|line| line.told_so_far().is_none());
        let oldest = rests.filter_map(|line| Some((line.idle_since()?, line))).min_by_key(|(since, _)| *since);
        if let Some((_, line)) = oldest {
            line.tell(End::Finish);
        }
        oldest.is_some()
    }

    fn tell_all(&self, end: End) {
        self.open().values().for_each(|line| line.tell(end));
    }
}

/// Takes a connection out of those that are open, however it ends.
struct Entered {
    id: u64,
    lines: Arc<Lines>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.lines.open().remove(&self.id);
        self.lines.books.closed();
        self.lines.ended.notify_one();
    }
}

/// Serves until `stop` is done; then accepts nothing more, and lets what is under way end within its limit.
///
/// Errors: none that a connection, or the lack of means for one, brings about.
pub async fn serve(
    listener: TcpListener,
    shared: Shared,
    proxies: Proxies,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    // Answers go out whole: there is nothing to wait for. Connections inherit it.
    socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
    let (documents, clock) = (shared.documents.clone(), shared.clock.clone());
    run(listener, Site::new(documents, clock, router(shared), proxies, limits.stall), limits, stop).await
}

/// Where connections come from.
trait Door: Sync {
    /// The next one.
    fn next(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Door for TcpListener {
    async fn next(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept().await
    }
}

/// The same, whatever is served, and wherever connections come from.
async fn run(door: impl Door, site: Site, limits: Limits, stop: impl Future<Output = ()>) -> io::Result<()> {
    let books = Arc::clone(site.documents().books());
    books.started(site.now(), limits.connections);
    let ticks = Arc::new(AtomicU64::new(1));
    let lines = Arc::new(Lines { open: Mutex::default(), ticks, books, ended: Notify::new() });
    let mut tasks = JoinSet::new();
    let mut looks = pin!(looks(&lines, limits));
    tokio::select! {
        () = accept(&door, &lines, &site, limits, &mut tasks) => {}
        () = &mut looks => {}
        () = stop => {}
    }
    drop(door);
    lines.tell_all(End::Finish);
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    };
    tokio::select! {
        () = drained => {}
        () = &mut looks => {}
        () = tokio::time::sleep(limits.drain) => {
            tracing::warn!("{} connections did not end in {} s and are cut", tasks.len(), limits.drain.as_secs());
        }
    }
    tasks.shutdown().await;
    Ok(())
}

/// Looks at all connections, tick by tick.
async fn looks(lines: &Lines, limits: Limits) {
    let (mut ticks, patience) = (tokio::time::interval(limits.tick()), limits.patience());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        lines.tick(patience);
    }
}

/// Accepts connections for ever.
async fn accept(door: &impl Door, lines: &Arc<Lines>, site: &Site, limits: Limits, tasks: &mut JoinSet<()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_header_size(limits.header_bytes).max_buf_size(BUFFER);
    let (mut id, mut is_short) = (0, false);
    loop {
        let (stream, peer) = match door.next().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_connection(&error) => continue,
            Err(error) => {
                // No files or no memory left: it passes when a connection ends. It is said once.
                if !is_short {
                    tracing::error!("no connection can be accepted for now: {error}");
                }
                is_short = true;
                lines.make_room();
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let permit = loop {
            if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
                break permit;
            }
            // Who rests makes room; if nobody does, the next one to end. Looked for again now and then, since one
            // may have come to rest.
            lines.make_room();
            let _ = tokio::time::timeout(BREATH, lines.ended.notified()).await;
        };
        is_short = false;
        while let Some(ended) = tasks.try_join_next() {
            report(ended);
        }
        id += 1;
        let line = Arc::new(Line::new(Arc::clone(&lines.ticks)));
        lines.open().insert(id, Arc::clone(&line));
        lines.books.opened();
        let entered = Entered { id, lines: Arc::clone(lines), _permit: permit };
        tasks.spawn(converse(stream, peer, line, http.clone(), site.clone(), entered));
    }
}

/// Whether an error tells of one connection that is no more, not of the server.
fn is_of_the_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection ended in a panic: {error}");
    }
}

/// One connection, to its end.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    line: Arc<Line>,
    http: http1::Builder,
    site: Site,
    entered: Entered,
) {
    let books = Arc::clone(&entered.lines.books);
    let wire = Wire::new(stream, Arc::clone(&line), Arc::clone(&books));
    let serving = Serving { site, peer: peer.ip(), line: Arc::clone(&line) };
    // On the heap: what is spawned is moved several times.
    let mut connection = Box::new(http.serve_connection(wire, serving));
    let mut heard = None;
    let (end, served) = poll_fn(|context| {
        loop {
            // What has come is answered before an end is heard.
            if let Poll::Ready(served) = connection.poll_without_shutdown(context) {
                return Poll::Ready((None, served));
            }
            match line.told(context) {
                told if told == heard => return Poll::Pending,
                Some(End::Finish) => {
                    heard = Some(End::Finish);
                    Pin::new(&mut *connection).graceful_shutdown();
                }
                told => return Poll::Ready((told, Ok(()))),
            }
        }
    })
    .await;
    if let Some(end) = end.or(heard) {
        books.cut(end as usize - 1);
    }
    let parts = connection.into_parts();
    let is_read = parts.read_buf.is_empty() && !line.has_body();
    let mut stream = parts.io.into_inner();
    match (end, served) {
        (Some(End::SlowHeader), _) => {
            let _ = stream.try_write(TIMED_OUT);
        }
        (Some(_), _) => {}
        (None, Ok(())) if is_read => {}
        (None, Ok(())) => linger(&mut stream).await,
        // A request was answered before it was read whole: its peer may still be sending, and would not see the answer
        // if the connection were closed on it.
        (None, Err(error)) => {
            if error.is_parse() {
                books.answered(StatusCode::BAD_REQUEST);
            }
            linger(&mut stream).await;
        }
    }
    drop(entered);
}

/// Takes what the peer still sends, for a while, so that it can read what was answered.
async fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let taking = async {
        let (mut left, mut waste) = (LINGER_BYTES, vec![0; 4_096]);
        while let Ok(length @ 1..) = stream.read(&mut waste).await {
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_TIME, taking).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::http::{Client, Documents};
    use axum::body::{Body, to_bytes};
    use axum::routing::{get, post};
    use axum::{Extension, Router};
    use tokio::sync::oneshot;

    /// What a server with these pages answers to requests, each on a connection of its own.
    async fn answers(limits: Limits, requests: &[&str]) -> Vec<String> {
        answers_through(|listener| listener, limits, requests).await
    }

    /// The same through a door that is made of the listener.
    async fn answers_through<D: Door + Send + 'static>(
        door: impl FnOnce(TcpListener) -> D,
        limits: Limits,
        requests: &[&str],
    ) -> Vec<String> {
        let told = |Extension(client): Extension<Client>| async move { format!("{client:?}") };
        let whole = |body: Body| async move { format!("{:?}", to_bytes(body, 100).await.map_err(|_| "not whole")) };
        #[expect(clippy::panic, reason = "a handler that does")]
        let pages = Router::new()
            .route("/client", get(told))
            .route(
                "/panic",
                get(|| async {
                    if true {
                        panic!("a page's own fault")
                    }
                }),
            )
            .route("/body", post(whole));
        let proxies = Proxies::new(vec!["127.0.0.1/32".parse().unwrap()]);
        let clock = Clock::by_hand("2026-11-22T10:00:00Z".parse().unwrap());
        let site = Site::new(Documents::default(), clock, pages, proxies, limits.stall);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(run(door(listener), site, limits, async move { drop(stopped.await) }));
        let mut answers = Vec::new();
        for request in requests {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answers.push(answer);
        }
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
        answers
    }

    #[tokio::test]
    async fn handlers_are_told_who_asked() {
        let ask = |field: &str| format!("GET /client HTTP/1.1\r\nHost: x\r\n{field}Connection: close\r\n\r\n");
        let (near, far) = (ask(""), ask("X-Forwarded-For: 192.0.2.1\r\n"));
        let answers = answers(Limits::default(), &[&near, &far]).await;
        assert!(answers[0].contains("address: 127.0.0.1") && answers[0].contains("is_local: true"), "{}", answers[0]);
        assert!(answers[1].contains("address: 192.0.2.1") && answers[1].contains("is_local: false"), "{}", answers[1]);
    }

    #[tokio::test]
    async fn a_page_that_panics_is_an_answer_500() {
        let ask = "GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET /client HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = answers(Limits::default(), &[ask]).await.remove(0);
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("HTTP/1.1 200 "), "{answer}");
    }

    #[tokio::test]
    async fn a_body_that_stays_away_is_not_waited_for() {
        let limits = Limits { stall: Duration::from_millis(50), ..Limits::default() };
        let ask = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
        let answers = answers(limits, &[&format!("{ask}abcd"), &format!("{ask}ab")]).await;
        assert!(answers[0].ends_with("Ok(b\"abcd\")") && answers[1].ends_with("Err(\"not whole\")"), "{answers:?}");
    }

    /// A door that fails with these errors of the system before it opens.
    struct Faulty(TcpListener, Mutex<Vec<i32>>);

    impl Door for Faulty {
        async fn next(&self) -> io::Result<(TcpStream, SocketAddr)> {
            let fault = self.1.lock().unwrap().pop();
            match fault {
                Some(number) => Err(io::Error::from_raw_os_error(number)),
                None => self.0.accept().await,
            }
        }
    }

    #[tokio::test]
    async fn a_lack_of_means_ends_when_there_are_some_again() {
        use rustix::io::Errno;
        let faults = [Errno::MFILE, Errno::NFILE, Errno::CONNABORTED, Errno::NOBUFS, Errno::NOMEM, Errno::PERM];
        let faulty = |listener| Faulty(listener, Mutex::new(faults.map(Errno::raw_os_error).to_vec()));
        let ask = "GET /client HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answers = answers_through(faulty, Limits::default(), &[ask, ask]).await;
        assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200 ")), "{answers:?}");
    }
}
