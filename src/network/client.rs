//! The HTTP client for addresses that people configure or write: bounded in time and size, no redirects, and by
//! default no way to a private address (a request forged that way would reach what only this machine can).
//!
//! Three guards are needed together: the address as written (the resolver is never asked for IP literals), the
//! resolver's answer (a name can point inside), and no redirects.

use crate::delivery::Failure;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy, RequestBuilder, Response, StatusCode, redirect};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Longest time of a request, from its start to the last byte of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time until a connection stands.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read.
const ANSWER_MAX: usize = 2 * 1024 * 1024;

/// Names the software to those whose servers it calls.
pub const USER_AGENT: &str = concat!("Crieur/", env!("CARGO_PKG_VERSION"));

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
}

/// A client. With `allow_private` it may reach private and loopback addresses, and speak plain HTTP.
///
/// Errors: the system's TLS cannot be set up.
pub fn client(allow_private: bool) -> Result<Client, String> {
    // A connection that the server is about to close loses the answer to what is sent on it, and whether a post went out is
    // then in doubt. So each request has a connection of its own: there are few.
    let builder = builder().pool_max_idle_per_host(0);
    finish(if allow_private { builder } else { guarded(builder.https_only(true))? })
}

/// A client that only reads pages: plain HTTP is fine, private addresses are not unless allowed.
///
/// Errors: the system's TLS cannot be set up.
pub fn reader(allow_private: bool) -> Result<Client, String> {
    let builder = builder();
    finish(if allow_private { builder } else { guarded(builder)? })
}

/// With no way to a private address, but that of the proxy that the environment names: what stands behind a proxy is for the
/// proxy to judge, since it looks up the names.
fn guarded(builder: ClientBuilder) -> Result<ClientBuilder, String> {
    let Some(url) = proxy_of(&|name| std::env::var(name).ok()) else {
        return Ok(builder.no_proxy().dns_resolver(Arc::new(PublicOnly { but: None })));
    };
    let proxy = Proxy::all(url.as_str()).map_err(|_| "the proxy of HTTPS_PROXY has no usable address".to_owned())?;
    let but = url.host_str().map(str::to_owned);
    Ok(builder.proxy(proxy.no_proxy(NoProxy::from_env())).dns_resolver(Arc::new(PublicOnly { but })))
}

/// The proxy that an environment names for the web: `HTTPS_PROXY`, or else `ALL_PROXY`, in either case of letters.
fn proxy_of(env: &dyn Fn(&str) -> Option<String>) -> Option<Url> {
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter();
    let value = named.filter_map(|name| env(name)).find(|value| !value.trim().is_empty())?;
    let value = value.trim();
    Url::parse(value).ok().filter(Url::has_host).or_else(|| Url::parse(&format!("http://{value}")).ok())
}

/// What a client for object storage may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, over TLS.
    Public,
    /// Any address, over TLS.
    Anywhere,
    /// Private and loopback addresses, over plain HTTP.
    PlainOnPrivate,
}

/// A client for object storage, with the times that a connection and a whole request may take. It takes answers as they
/// are stored: their lengths and codings are facts of the objects.
///
/// Errors: the system's TLS cannot be set up.
pub fn storage(reach: Reach, connect: Duration, request: Duration) -> Result<Client, String> {
    let builder = builder().connect_timeout(connect).timeout(request).gzip(false);
    finish(match reach {
        Reach::Public => builder.https_only(true).no_proxy().dns_resolver(Arc::new(PublicOnly { but: None })),
        Reach::Anywhere => builder.https_only(true),
        Reach::PlainOnPrivate => builder.no_proxy().dns_resolver(Arc::new(PrivateOnly)),
    })
}

fn finish(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("the HTTP client cannot be set up: {}", chain(&error)))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        // A request that the pool sent twice on its own would be a post sent twice.
        .retry(reqwest::retry::never())
}

/// Refuses an address that is or plainly names a private one.
pub fn refuse_private(url: &Url) -> Result<(), String> {
    let private = match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => {
            name.trim_end_matches('.').eq_ignore_ascii_case("localhost") || name.ends_with(".localhost")
        }
        None => true,
    };
    if private { Err(format!("{} is a private address", url.host_str().unwrap_or("this"))) } else { Ok(()) }
}

/// Sends a request and reads no more than the head of its answer.
pub async fn send_head(request: RequestBuilder) -> Result<Answer, Failure> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body: String::new() })
}

/// The start of a page, as it was sent.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its first bytes.
    pub start: Vec<u8>,
}

/// Sends a request and reads its answer up to so many bytes, in the encoding that it has; the rest is left where it is.
pub async fn send_page(request: RequestBuilder, most: usize) -> Result<Page, Failure> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let (start, _) = read(response, if status == StatusCode::OK { most } else { 0 }).await?;
    Ok(Page { status, headers, start })
}

fn classify(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        Failure::Refused(chain(error))
    } else if error.is_connect() {
        Failure::Unavailable(format!("the server cannot be reached: {}", chain(error)))
    } else {
        Failure::Uncertain(format!("the answer was lost: {}", chain(error)))
    }
}

/// Sends a request and reads its answer. The failure says whether the other side may have acted on it.
pub async fn send(request: RequestBuilder) -> Result<Answer, Failure> {
    let (answer, is_whole) = send_and_read(request, ANSWER_MAX).await?;
    if is_whole { Ok(answer) } else { Err(Failure::Uncertain(format!("the answer is longer than {ANSWER_MAX} bytes"))) }
}

/// Sends a request and reads its answer up to so many bytes; the rest is left where it is.
pub async fn send_start(request: RequestBuilder, most: usize) -> Result<Answer, Failure> {
    send_and_read(request, most).await.map(|(answer, _)| answer)
}

/// The answer, and whether it was read whole.
async fn send_and_read(request: RequestBuilder, most: usize) -> Result<(Answer, bool), Failure> {
    let response = request.send().await.map_err(|error| classify(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let (body, is_whole) = read(response, most).await?;
    Ok((Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }, is_whole))
}

/// So many bytes of an answer at most, and whether that was all.
async fn read(mut response: Response, most: usize) -> Result<(Vec<u8>, bool), Failure> {
    let mut body = Vec::new();
    loop {
        if most == 0 {
            return Ok((body, false));
        }
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = most - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return Ok((body, false));
                }
            }
            Ok(None) => return Ok((body, true)),
            Err(error) => return Err(Failure::Uncertain(format!("the answer was cut off: {}", chain(&error)))),
        }
    }
}

/// An error with its causes, without the address, which may hold a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        "no answer in time".clone_into(&mut text);
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}

/// A resolver that knows no private addresses, but for one name.
struct PublicOnly {
    /// The host of the proxy, which may stand on a private address.
    but: Option<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.but.as_deref().is_some_and(|but| but.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let may = |address: &SocketAddr| is_proxy || is_public(address.ip());
            let public: Vec<SocketAddr> = found.iter().copied().filter(may).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(
                    format!("{host} has only private addresses; `allow_private: true` lets them be used").into()
                );
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A resolver that knows private addresses only: what is said in clear stays inside.
struct PrivateOnly;

impl Resolve for PrivateOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let private: Vec<SocketAddr> = found.filter(|address| !is_public(address.ip())).collect();
            if private.is_empty() {
                return Err(format!("{host} has no private address; to others plain http is not spoken").into());
            }
            Ok(Box::new(private.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public Internet (IANA special-purpose registries for IPv4 and IPv6).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224;
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if s[..5] == [0; 5] && (s[5] == 0xffff || s[5] == 0) {
        // ::ffff:a.b.c.d, and the old ::a.b.c.d with :: and ::1.
        return s[5] == 0xffff && v4(s[6], s[7]);
    }
    match s[0] {
        // NAT64 and 6to4 lead to the IPv4 address inside.
        0x64 if s[1] == 0xff9b => s[2..6] == [0; 4] && v4(s[6], s[7]),
        0x2002 => v4(s[1], s[2]),
        0x2001 if s[1] < 0x200 || s[1] == 0xdb8 => false,
        0x2000..=0x3fff => s[0] != 0x3fff || s[1] > 0x0fff,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_proxy_or_none() {
        let proxy = |set: &[(&str, &str)]| {
            proxy_of(&|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
                .map(|url| url.to_string())
        };
        assert_eq!(proxy(&[]), None);
        assert_eq!(proxy(&[("HTTPS_PROXY", " ")]), None);
        assert_eq!(proxy(&[("https_proxy", "http://p.lan:3128")]).as_deref(), Some("http://p.lan:3128/"));
        assert_eq!(proxy(&[("ALL_PROXY", "p.lan:3128")]).as_deref(), Some("http://p.lan:3128/"));
        let both = [("ALL_PROXY", "http://a.lan"), ("HTTPS_PROXY", "http://b.lan")];
        assert_eq!(proxy(&both).as_deref(), Some("http://b.lan/"));
    }

    #[test]
    fn private_addresses_are_known_in_every_spelling() {
        for url in [
            "https://127.0.0.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "https://localhost",
            "https://10.1.2.3",
            "https://192.168.1.1",
            "https://172.31.0.1",
            "https://169.254.169.254",
            "https://100.64.0.1",
            "https://[fe80::1]",
            "https://[fc00::1]",
            "https://[64:ff9b::a00:1]",
            "https://[2002:7f00:1::]",
            "https://0.0.0.0",
            "https://a.localhost",
        ] {
            assert!(refuse_private(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
        for url in [
            "https://www.example.fr",
            "https://8.8.8.8",
            "https://[2a01:4f8::1]",
            "https://172.32.0.1",
            "https://[64:ff9b::808:808]",
        ] {
            assert!(refuse_private(&Url::parse(url).unwrap()).is_ok(), "{url}");
        }
    }
}
