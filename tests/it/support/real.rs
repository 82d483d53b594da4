//! Servers of other people, started by scripts of `tests/tools` that print one line of JSON when they are ready, and end
//! when their standard input does: with this process, whatever becomes of it.

use crate::support::tools;
use base64::Engine as _;
use crieur::post::Image;
use crieur::store::Store;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// A server.
pub struct Real {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
    /// What it said of itself.
    pub ready: Value,
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

impl Real {
    /// Bluesky's own server, with one account.
    pub fn bluesky() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tools::bluesky("bluesky_server.mjs")?;
        command.arg(folder.path()).args([port().to_string(), port().to_string()]);
        Some(Self::start(command, folder))
    }

    /// Synapse, with one account, a room and an encrypted room. `limits`: its own rate limits stay on.
    pub fn matrix(limits: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tools::matrix("matrix_server.py")?;
        command.arg(folder.path()).arg(port().to_string()).args(limits.then_some("limits"));
        Some(Self::start(command, folder))
    }

    /// PostgreSQL, without a database yet.
    pub fn postgres() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tools::postgres("postgres_server.sh")?;
        command.arg(folder.path()).arg(port().to_string());
        Some(Self::start(command, folder))
    }

    fn start(mut command: Command, folder: tempfile::TempDir) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Self { child, input, output, _folder: folder, ready: Value::Null };
        server.ready = server.line();
        server
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the server did not start: {error} {line:?}"))
    }

    /// Ends the server and starts it again.
    pub fn restart(&mut self) {
        self.input.as_mut().unwrap().write_all(b"restart\n").unwrap();
        self.line();
    }

    /// What it said of itself.
    pub fn said(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }
}

/// The server that the tests share, each with posts of its own.
pub fn shared_bluesky() -> Option<&'static Real> {
    static SERVER: OnceLock<Option<Real>> = OnceLock::new();
    SERVER.get_or_init(Real::bluesky).as_ref()
}

/// The same for Matrix.
pub fn shared_matrix() -> Option<&'static Real> {
    static SERVER: OnceLock<Option<Real>> = OnceLock::new();
    SERVER.get_or_init(|| Real::matrix(false)).as_ref()
}

/// The same for PostgreSQL, each with a database of its own.
pub fn shared_postgres() -> Option<&'static Real> {
    static SERVER: OnceLock<Option<Real>> = OnceLock::new();
    SERVER.get_or_init(Real::postgres).as_ref()
}

/// A port that is free at this moment.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A picture as a file.
pub fn point() -> Vec<u8> {
    // One point, as PNG.
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD.decode(png).unwrap()
}

/// A picture, kept in a database as a composed post has it, and its bytes.
pub async fn picture(store: &Store, alt: &str) -> (Image, Vec<u8>) {
    let bytes = point();
    let digest = crieur::digest::hex(&bytes, 32);
    store.keep_media(&digest, "image/png", &bytes, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    (Image { digest, media_type: "image/png".into(), width: 1, height: 1, alt: alt.into(), url: String::new() }, bytes)
}

/// The JSON at an address.
pub async fn get(url: &str, token: Option<&str>) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}
