//! The desk: where people and programs come that have a word on what goes out. Who they are is known by a token, over the
//! API with each request, on the pages once for a [session](Sessions).
//!
//! Where nobody has a token, only this machine is answered: no proxy, no page of another site (it sends `Origin`), and no
//! name that was turned to this machine (its `Host` is no address of this machine).

mod sessions;
mod tries;

pub use sessions::{LONGEST, Session, Sessions};

use super::Client;
use crate::config::{Config, EndpointName};
use crate::deliver::Deliverer;
use crate::people::ADMIN;
use crate::task::Wake;
use axum::http::Uri;
use axum::http::header::{self, HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tries::Tries;

/// From where a browser's request comes (W3C Fetch Metadata).
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is needed to carry out a word.
#[derive(Clone)]
pub struct Desk {
    /// The configuration.
    pub config: Arc<Config>,
    /// What composes posts.
    pub deliverer: Arc<Deliverer>,
    /// Who is signed in on the pages.
    pub sessions: Sessions,
    wake: BTreeMap<EndpointName, Wake>,
    tries: Tries,
}

/// Who comes to the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comer {
    /// Somebody who is known by this name.
    Known(String),
    /// Somebody with no token.
    Unknown,
    /// Somebody with a token that is nobody's.
    Wrong,
    /// Somebody who tried too often: not before this time is over.
    TooOften(SignedDuration),
    /// Somebody who is not on this machine, where nobody has a token.
    Elsewhere,
}

impl Desk {
    /// The desk of a configuration, with what composes posts and what wakes the endpoints.
    pub fn new(config: Arc<Config>, deliverer: Arc<Deliverer>, wake: BTreeMap<EndpointName, Wake>) -> Self {
        Self { config, deliverer, sessions: Sessions::default(), wake, tries: Tries::default() }
    }

    /// Has an endpoint's task look at the outbox.
    pub fn wake(&self, endpoint: &EndpointName) {
        if let Some(wake) = self.wake.get(endpoint) {
            wake.wake();
        }
    }

    /// Has all of them look.
    pub fn wake_all(&self) {
        self.wake.values().for_each(Wake::wake);
    }

    /// Whether an endpoint has a task in this process.
    pub fn serves(&self, endpoint: &EndpointName) -> bool {
        self.wake.contains_key(endpoint)
    }

    /// Whether anybody has a token.
    pub fn has_tokens(&self) -> bool {
        self.config.http.admin_token.is_some() || !self.config.http.people.is_empty()
    }

    /// Whether people reach this server by `https`.
    pub fn is_https(&self) -> bool {
        self.config.http.public_url.scheme() == "https"
    }

    /// Who sends a request over the API.
    pub fn caller(&self, client: Option<&Client>, headers: &HeaderMap, now: Timestamp) -> Comer {
        if !self.has_tokens() {
            let is_here = client.is_some_and(|client| client.is_local) && is_this_machine(headers);
            return match is_here && !headers.contains_key(header::ORIGIN) {
                true => Comer::Known(ADMIN.to_owned()),
                false => Comer::Elsewhere,
            };
        }
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match given.and_then(|given| given.split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self.bearer(token.trim(), client, now),
            _ => Comer::Unknown,
        }
    }

    /// Whose token a text is. Who gives wrong ones has to wait, even with a right one: else guessing would cost nothing.
    pub fn bearer(&self, token: &str, client: Option<&Client>, now: Timestamp) -> Comer {
        let address = client.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.address);
        if let Some(wait) = self.tries.wait(address, now) {
            return Comer::TooOften(wait);
        }
        let http = &self.config.http;
        match http.people.bearer(token, http.admin_token.as_ref()) {
            Some(person) => Comer::Known(person.to_owned()),
            None => {
                self.tries.was_wrong(address, now);
                tracing::warn!(client = %address, "a token was given that is nobody's");
                Comer::Wrong
            }
        }
    }

    /// Whether a request for a page is meant for this server: the name in it is one of its own. A name of somebody else
    /// that was turned to this address would let their pages read these.
    pub fn is_asked_for(&self, client: Option<&Client>, headers: &HeaderMap) -> bool {
        if !self.has_tokens() {
            return client.is_some_and(|client| client.is_local) && is_this_machine(headers);
        }
        let named = client.and_then(|client| client.host.clone()).or_else(|| host(headers).map(str::to_owned));
        let named = named.and_then(|named| named.parse::<Uri>().ok());
        let name = named.as_ref().and_then(Uri::host).unwrap_or("");
        let public = self.config.http.public_url.host_str().unwrap_or("");
        is_here(name) || bare(name).parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case(public)
    }

    /// Whether a form comes from a page of this server, as far as the browser says.
    pub fn is_own_form(&self, client: Option<&Client>, headers: &HeaderMap) -> bool {
        if headers.get(SEC_FETCH_SITE).is_some_and(|site| site != "same-origin") {
            return false;
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Some(origin) = origin.to_str().ok().and_then(|origin| url::Url::parse(origin).ok()) else { return false };
        if origin.origin() == self.config.http.public_url.origin() {
            return true;
        }
        let asked = client.and_then(|client| client.host.as_deref()).or_else(|| host(headers));
        let own = asked.and_then(|asked| url::Url::parse(&format!("{}://{asked}", origin.scheme())).ok());
        own.is_some_and(|own| own.origin() == origin.origin())
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok())
}

/// Whether the host of a request is this machine by name or number.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = host(headers).and_then(|host| host.parse::<Uri>().ok());
    is_here(host.as_ref().and_then(Uri::host).unwrap_or(""))
}

fn is_here(name: &str) -> bool {
    let address = bare(name).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// An address of version 6 without its brackets.
fn bare(name: &str) -> &str {
    name.trim_start_matches('[').trim_end_matches(']')
}
