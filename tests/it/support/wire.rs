//! A wire to a server, by which each request is seen, and which can fail as wires and servers do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What happens to requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// They reach the server.
    Forward,
    /// Their connection is dropped.
    Dropped,
    /// They are taken, and never answered.
    Hanging,
    /// They are answered with this, whole: status line, fields and body.
    Answer(String),
    /// Those that hold this text are answered with the second, the others reach the server.
    AnswerTo(String, String),
}

/// A wire, on a free port of this machine. It goes down with its value.
pub struct Wire {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    mode: Mode,
    seen: Vec<String>,
    is_down: bool,
}

/// An answer of S3 that is an error.
pub fn refusal(status: u16, code: &str, more: &str) -> String {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Words of {code}.</Message>{more}</Error>");
    answer(status, "application/xml", &body)
}

/// Any answer.
pub fn answer(status: u16, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

impl Wire {
    /// A wire to a server.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { mode: Mode::Forward, seen: Vec::new(), is_down: false }));
        let own = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if locked(&own).is_down {
                    return;
                }
                let own = Arc::clone(&own);
                thread::spawn(move || carry(client, server, &own));
            }
        });
        Self { address, state }
    }

    pub fn set(&self, mode: Mode) {
        locked(&self.state).mode = mode;
    }

    /// Method and path of the requests since the last time.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.state).seen)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        locked(&self.state).is_down = true;
        let _ = TcpStream::connect(self.address);
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries the requests of one connection, one after the other.
fn carry(mut client: TcpStream, server: SocketAddr, state: &Mutex<State>) {
    let mut upstream: Option<TcpStream> = None;
    let mut left = Vec::new();
    while let Some(request) = message(&mut client, &mut left, "") {
        let head = String::from_utf8_lossy(&request).into_owned();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
        let mode = {
            let mut state = locked(state);
            state.seen.push(format!("{method} {path}"));
            state.mode.clone()
        };
        let answer = match mode {
            Mode::Forward => None,
            Mode::Dropped => return,
            Mode::Hanging => {
                // Until the client, or the test, has enough of it.
                let _ = client.set_read_timeout(Some(std::time::Duration::from_millis(50)));
                let is_timeout =
                    |error: std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                while client.read(&mut [0; 1]).is_err_and(is_timeout) {
                    let state = locked(state);
                    if state.is_down || state.mode != Mode::Hanging {
                        break;
                    }
                }
                return;
            }
            Mode::Answer(answer) => Some(answer),
            Mode::AnswerTo(text, answer) => head.to_lowercase().contains(&text).then_some(answer),
        };
        if let Some(answer) = answer {
            // Not everything that is answered is read by the client, and a close too early would lose it.
            let _ = client.write_all(answer.as_bytes());
            let _ = client.shutdown(Shutdown::Write);
            let _ = client.read(&mut [0; 1]);
            return;
        }
        let upstream = match &mut upstream {
            Some(upstream) => upstream,
            None => match TcpStream::connect(server) {
                Ok(stream) => upstream.insert(stream),
                Err(_) => return,
            },
        };
        let mut rest = Vec::new();
        if upstream.write_all(&request).is_err() {
            return;
        }
        let Some(answer) = message(upstream, &mut rest, &method) else { return };
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

/// One message of HTTP/1.1 whole; what was read beyond it is left for the next. `to` is the method that it answers.
fn message(stream: &mut TcpStream, left: &mut Vec<u8>, to: &str) -> Option<Vec<u8>> {
    let mut more = |left: &mut Vec<u8>| {
        let mut bytes = [0; 16 * 1024];
        let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        left.extend_from_slice(&bytes[..read]);
        Some(())
    };
    let head = loop {
        match left.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(left)?,
        }
    };
    let text = String::from_utf8_lossy(&left[..head]).to_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0usize);
    let has_no_body = to == "HEAD" || text.starts_with("http/1.1 204") || text.starts_with("http/1.1 304");
    let end = if text.contains("transfer-encoding: chunked") && !has_no_body {
        loop {
            match left[head..].windows(5).position(|window| window == b"0\r\n\r\n") {
                Some(at) => break head + at + 5,
                None => more(left)?,
            }
        }
    } else {
        head + if has_no_body { 0 } else { length }
    };
    while left.len() < end {
        more(left)?;
    }
    Some(left.drain(..end).collect())
}
