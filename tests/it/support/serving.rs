//! The program itself, serving on a free port of this machine.

use super::Crieur;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

/// `crieur run`, until it is dropped.
pub struct Serving {
    child: Child,
    pub address: SocketAddr,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Serving {
    /// Starts it, and waits until its first look is done.
    pub fn start(crieur: &Crieur) -> Self {
        Self::of(crieur.command(&["run", "--listen", "127.0.0.1:0"]))
    }

    /// The same for a command that is already made.
    pub fn of(command: std::process::Command) -> Self {
        Self::with_log(command, Stdio::null())
    }

    /// The same, with its log put somewhere.
    pub fn with_log(mut command: std::process::Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says where it listens").unwrap();
        let address = first.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("no address in `{first}`"));
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let serving = Self { child, address };
        for _ in 0..1_000 {
            if serving.get("/readyz", &[]).status == 200 {
                return serving;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it never became ready");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// One request in the oldest form of HTTP, so that the answer comes as it is.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n{headers}\r\n", self.address).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole answer");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Answer { status, headers, body: bytes[end + 4..].to_vec() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
