//! The server under clients that are slow, greedy, old or wrong: the others never notice.

use crate::support::Place;
use crate::support::server::{Answer, PATIENCE, Server, Setting, next_answer, soon};
use axum::http::StatusCode;
use crieur::http::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const FEED: &str = "GET /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Limits that a test can wait for; those that it is not about are never reached.
fn limits() -> Limits {
    Limits { header: PATIENCE, idle: PATIENCE, stall: PATIENCE, drain: PATIENCE, ..Limits::default() }
}

async fn server(limits: Limits) -> Server {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Un\ndate: 2026-11-20");
    Server::of(place, "", Setting { limits, ..Setting::default() }).await
}

const SOON: Duration = Duration::from_millis(50);

/// What comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut may end in a reset.
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_header_that_does_not_come_in_time_is_told_so() {
    let server = server(Limits { header: SOON, ..limits() }).await;
    for begun in ["", "GET /feeds/all.rss HTTP/1.1\r\nHost: loc"] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408 "), "{begun}");
    }
    // One byte now and then is no header.
    let mut stream = server.connect().await;
    let (mut reads, mut writes) = stream.split();
    let drip = async {
        for byte in FEED.as_bytes().iter().cycle() {
            tokio::time::sleep(SOON / 10).await;
            if writes
                .write_all(std::slice::from_ref(if *byte == b'\r' || *byte == b'\n' { &b'x' } else { byte }))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let mut bytes = Vec::new();
    tokio::select! { _ = drip => {}, read = soon(reads.read_to_end(&mut bytes)) => drop(read) }
    assert_eq!(server.get("/feeds/all.rss", &[]).await.status, StatusCode::OK);
    // A second request that is begun counts from its first byte.
    let mut stream = server.connect().await;
    stream.write_all(FEED.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    assert_eq!(next_answer(&mut stream, &mut read).await.status, StatusCode::OK);
    stream.write_all(b"GET /feeds").await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn a_connection_that_rests_is_closed_without_a_word() {
    let server = server(Limits { idle: SOON, ..limits() }).await;
    let mut stream = server.connect().await;
    let mut read = Vec::new();
    for _ in 0..3 {
        stream.write_all(FEED.as_bytes()).await.unwrap();
        assert_eq!(next_answer(&mut stream, &mut read).await.status, StatusCode::OK);
    }
    assert_eq!((read.len(), rest(&mut stream).await), (0, String::new()));
}

/// A connection whose buffers hold little, so that a peer that reads nothing is felt.
async fn narrow(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(server.address).await.unwrap()
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut_and_one_that_takes_its_time_is_not() {
    let server = server(Limits { stall: SOON, ..limits() }).await;
    let mut stream = narrow(&server).await;
    // It asks and asks, and reads nothing.
    let asks = FEED.repeat(64);
    let greedy = async { while stream.write_all(asks.as_bytes()).await.is_ok() {} };
    soon(greedy).await;
    drop(stream);
    // This one reads, slowly: everything comes.
    let mut stream = narrow(&server).await;
    let asked = 400;
    let (mut reads, mut writes) = stream.split();
    let asks = FEED.repeat(asked);
    let ask = async { writes.write_all(asks.as_bytes()).await.unwrap() };
    let take = async {
        let (mut bytes, mut answers) = (Vec::new(), 0);
        while answers < asked {
            let mut piece = [0; 16_384];
            let length = soon(reads.read(&mut piece)).await.unwrap();
            assert_ne!(length, 0, "it was cut after {answers} answers");
            bytes.extend_from_slice(&piece[..length]);
            while let Some((answer, rest)) = Answer::read(&bytes, false) {
                assert_eq!(answer.status, StatusCode::OK);
                answers += 1;
                bytes = rest.to_vec();
            }
            tokio::task::yield_now().await;
        }
    };
    soon(async { tokio::join!(ask, take) }).await;
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused_before_it_is_read_whole() {
    let server = server(limits()).await;
    let long = "x".repeat(1024 * 1024);
    let many = (0..101).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (request, expected) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 414 |HTTP/1.1 431 "),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"), "HTTP/1.1 431 "),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), "HTTP/1.1 431 "),
    ] {
        let mut stream = server.connect().await;
        let (mut reads, mut writes) = stream.split();
        // The answer may come before all of it was sent.
        let send = async { drop(writes.write_all(request.as_bytes()).await) };
        let mut bytes = Vec::new();
        soon(async { tokio::join!(send, async { drop(reads.read_to_end(&mut bytes).await) }) }).await;
        let answer = String::from_utf8_lossy(&bytes).into_owned();
        assert!(expected.split('|').any(|start| answer.starts_with(start)), "{answer}");
    }
    let fits = "x".repeat(8 * 1024);
    assert_eq!(server.get("/feeds/all.rss", &[("cookie", &fits)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_request_gets_400_and_ends_nothing() {
    let server = server(limits()).await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"[..],
        b"GET /feeds/all.rss\r\n\r\n",
        b"GET /feeds/all.rss HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nBad Header : x\r\n\r\n",
        b"GET /feeds/all rss HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /feeds/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
        // RFC 9112, section 3.2.
        b"GET /feeds/all.rss HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /feeds/all.rss HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        b"GET /feeds/all.rss HTTP/1.1\r\nHost: a/b c\r\nConnection: close\r\n\r\n",
        // Two lengths that do not agree, and a length beside chunks, are how requests are smuggled.
        b"POST /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let answer = server.raw(garbage).await;
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}: {}", garbage.escape_ascii(), answer.escape_ascii());
    }
    let smuggled = "POST /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n";
    let answer = String::from_utf8(server.raw(smuggled).await).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    // HTTP/2 without TLS is not spoken: its preface is hung up on.
    assert_eq!(server.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.len(), 0);
    assert_eq!(server.get("/feeds/all.rss", &[]).await.status, StatusCode::OK);
}

impl Server {
    /// Sends nothing more and reads what comes.
    async fn raw_closed(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

#[tokio::test]
async fn old_and_odd_ways_to_ask_are_understood() {
    let server = server(limits()).await;
    for (request, start) in [
        ("GET /feeds/all.rss HTTP/1.0\r\n\r\n", "HTTP/1.0 200 "),
        (
            "GET http://localhost/feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 ",
        ),
        (
            "GET http://elsewhere.example:81/feeds/all.rss HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 ",
        ),
        ("\r\n\r\nGET /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 "),
        ("GET /feeds/all.rss HTTP/1.1\nHost: localhost\nConnection: close\n\n", "HTTP/1.1 200 "),
        ("GET /feeds/all.rss HTTP/1.1\r\nhost:localhost\r\nCONNECTION: CLOSE\r\n\r\n", "HTTP/1.1 200 "),
        (
            "GET /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nConnection: close, Upgrade\r\n\r\n",
            "HTTP/1.1 200 ",
        ),
        ("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "),
    ] {
        let answer = server.raw_closed(request).await;
        assert!(answer.starts_with(start), "{request}: {answer}");
    }
    // HTTP/1.0 keeps a connection only if it is asked to.
    let mut stream = server.connect().await;
    let mut read = Vec::new();
    for _ in 0..2 {
        stream.write_all(b"GET /feeds/all.rss HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await.unwrap();
        let answer = next_answer(&mut stream, &mut read).await;
        assert_eq!((answer.status, answer.header("connection")), (StatusCode::OK, "keep-alive"));
    }
}

#[tokio::test]
async fn many_requests_at_once_are_answered_in_order() {
    let server = server(limits()).await;
    let mut stream = server.connect().await;
    let paths =
        ["/feeds/all.rss", "/healthz", "/none", "/feeds/all.json", "/feeds/collection/actualites.atom", "/feeds/"];
    let mut asks = String::new();
    for path in paths.iter().cycle().take(120) {
        asks.push_str(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\n\r\n"));
    }
    asks.push_str("HEAD /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(asks.as_bytes()).await.unwrap();
    let types = [
        "application/rss+xml",
        "text/plain",
        "text/plain",
        "application/feed+json",
        "application/atom+xml",
        "text/html",
    ];
    let mut read = Vec::new();
    for (path, expected) in paths.iter().zip(types).cycle().take(120) {
        let answer = next_answer(&mut stream, &mut read).await;
        assert!(answer.header("content-type").starts_with(expected), "{path}: {answer:?}");
    }
    soon(stream.read_to_end(&mut read)).await.unwrap();
    let (head, rest) = Answer::read(&read, true).unwrap();
    assert_eq!((head.status, head.header("connection"), rest.len()), (StatusCode::OK, "close", 0));
}

#[tokio::test]
async fn a_body_that_nobody_wants_or_that_stays_away_ends_only_its_own_connection() {
    let server = server(Limits { stall: SOON, ..limits() }).await;
    let mut stream = server.connect().await;
    let (mut reads, mut writes) = stream.split();
    let send = async {
        let _ = writes
            .write_all(b"POST /feeds/all.rss HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n")
            .await;
        let _ = writes.write_all(&vec![b'x'; 9_999_999]).await;
    };
    let mut bytes = Vec::new();
    soon(async { tokio::join!(send, async { drop(reads.read_to_end(&mut bytes).await) }) }).await;
    assert!(bytes.starts_with(b"HTTP/1.1 405 "));
    // Without a secret the hook asks for no body; the answer comes at once, whether the body does or not.
    let answer = server.raw("POST /hooks/content HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab").await;
    assert!(answer.starts_with(b"HTTP/1.1 404 "));
}

#[tokio::test]
async fn those_that_rest_make_room_and_more_than_the_limit_wait_for_a_place() {
    let server = server(Limits { connections: 8, ..limits() }).await;
    let mut resting = Vec::new();
    for _ in 0..8 {
        let (mut stream, mut read) = (server.connect().await, Vec::new());
        stream.write_all(FEED.as_bytes()).await.unwrap();
        assert_eq!(next_answer(&mut stream, &mut read).await.status, StatusCode::OK);
        resting.push(stream);
    }
    // All places are taken by those that rest: the next ones are served all the same.
    for _ in 0..3 {
        assert_eq!(server.get("/feeds/all.rss", &[]).await.status, StatusCode::OK);
    }
    drop(resting);
    // Places that are taken by those that are about to ask are not given away.
    let mut begun = Vec::new();
    for _ in 0..8 {
        let mut stream = server.connect().await;
        stream.write_all(&FEED.as_bytes()[..20]).await.unwrap();
        begun.push(stream);
    }
    let mut waits = server.connect().await;
    waits.write_all(FEED.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let mut first = begun.remove(0);
    assert!(tokio::time::timeout(SOON, waits.readable()).await.is_err(), "it got a place too many");
    first.write_all(&FEED.as_bytes()[20..]).await.unwrap();
    assert_eq!(next_answer(&mut first, &mut read).await.status, StatusCode::OK);
    // The first one rests now, and makes room.
    assert_eq!(next_answer(&mut waits, &mut Vec::new()).await.status, StatusCode::OK);
    assert_eq!(rest(&mut first).await, "");
}

#[tokio::test]
async fn at_the_end_what_rests_is_closed_and_what_is_under_way_is_answered() {
    let server = server(limits()).await;
    let (mut rests, mut read) = (server.connect().await, Vec::new());
    rests.write_all(FEED.as_bytes()).await.unwrap();
    assert_eq!(next_answer(&mut rests, &mut read).await.status, StatusCode::OK);
    let mut begun = server.connect().await;
    begun.write_all(&FEED.as_bytes()[..30]).await.unwrap();
    // It is sure to be read before the end is told.
    assert_eq!(server.get("/healthz", &[]).await.status, StatusCode::OK);
    tokio::time::sleep(SOON).await;
    let address = server.address;
    let task = server.begin_to_stop();
    assert_eq!(rest(&mut rests).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "nothing new is accepted");
    begun.write_all(&FEED.as_bytes()[30..]).await.unwrap();
    let answer = rest(&mut begun).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    soon(task).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let server = server(Limits { drain: SOON, ..limits() }).await;
    let mut begun = server.connect().await;
    begun.write_all(&FEED.as_bytes()[..30]).await.unwrap();
    assert_eq!(server.get("/healthz", &[]).await.status, StatusCode::OK);
    tokio::time::sleep(SOON).await;
    server.stop().await;
    let _ = rest(&mut begun).await;
}
