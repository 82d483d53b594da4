//! `crieur healthcheck`: asks the daemon on this machine whether it is ready; for a container's HEALTHCHECK.

use super::{Context, Fail, print};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Address and port of the daemon, instead of the configuration's
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Longest time to wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let listen = match options.listen {
        Some(listen) => listen,
        None => context.config()?.http.listen,
    };
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, listen.port());
    let answer = tokio::time::timeout(TIMEOUT, ask(address))
        .await
        .map_err(|_| Fail::Failed(format!("{address} does not answer within {} s", TIMEOUT.as_secs())))?
        .map_err(|error| Fail::Failed(format!("{address} does not answer: {error}")))?;
    let status = answer.lines().next().unwrap_or("");
    if status.split(' ').nth(1) == Some("200") {
        print("ready")
    } else {
        Err(Fail::Failed(format!("{address} answers {status}")))
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
