//! The section `endpoints`: social accounts.

use super::quiet;
use super::raw::{RawEndpoint, RawNetwork, RawVisibility};
use super::read::{Reader, dotted, key};
use super::sections::{length, web_address, zone};
use crate::quiet::Quiet;
use crate::secret::Secret;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

/// The name that a person gave to an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(String);

impl EndpointName {
    /// A name as it stands in the configuration or in the store.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One configured social account.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Kind of the account, with what that kind needs.
    pub network: NetworkKind,
    /// Least time between two posts.
    pub gap: SignedDuration,
    /// Whether the server may stand on a private or loopback address.
    pub allow_private: bool,
    /// Zone of this endpoint's schedules and quiet hours; None is the site's.
    pub timezone: Option<TimeZone>,
    /// When nothing goes out here; None is what the configuration says for all.
    pub quiet_hours: Option<Quiet>,
}

/// Kind of an account.
#[derive(Debug, Clone)]
pub enum NetworkKind {
    /// The embedded timeline.
    Journal,
    /// Mastodon, and servers with its API.
    Mastodon(Mastodon),
}

impl NetworkKind {
    /// The word in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Mastodon(_) => "mastodon",
        }
    }
}

/// An account on a Mastodon server.
#[derive(Debug, Clone)]
pub struct Mastodon {
    /// Address of the server.
    pub server: Url,
    /// Access token with the scopes `read:accounts`, `read:statuses` and `write:statuses`.
    pub token: Secret,
    /// Who sees the posts.
    pub visibility: Visibility,
}

/// Who sees a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Everyone, but not in public timelines.
    Unlisted,
    /// Followers.
    Private,
    /// Only those mentioned.
    Direct,
}

impl Visibility {
    /// The word of Mastodon's API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }
}

/// Between two posts of a real account: enough that what an outage held back does not come as a burst in one second.
const GAP: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn read(reader: &mut Reader, raw: BTreeMap<String, RawEndpoint>) -> BTreeMap<EndpointName, Endpoint> {
    let mut endpoints = BTreeMap::new();
    for (name, raw) in raw {
        if let Some(endpoint) = endpoint(reader, &name, raw) {
            endpoints.insert(EndpointName(name), endpoint);
        }
    }
    endpoints
}

fn endpoint(reader: &mut Reader, name: &str, raw: RawEndpoint) -> Option<Endpoint> {
    let here = [key("endpoints"), key(name)];
    let at = |field: &str| [key("endpoints"), key(name), key(field)];
    let token = reader.secret(&here, "token", raw.token, raw.token_file);
    let (network, default_gap) = match raw.network {
        Some(RawNetwork::Journal) => (NetworkKind::Journal, SignedDuration::ZERO),
        Some(RawNetwork::Mastodon) => {
            let server = match raw.server {
                Some(given) => reader.with(&at("server"), web_address(&given).map(Some), None),
                None => {
                    let message = format!("{}: `server` is missing", dotted(&here));
                    reader.problem(
                        &here,
                        message,
                        "write the address of the account's server, such as https://social.example.fr",
                    );
                    None
                }
            };
            if server.as_ref().is_some_and(|server| server.scheme() == "http") && raw.allow_private != Some(true) {
                let message = format!("{}: a token would be sent over plain http", dotted(&at("server")));
                let cure = "write https://, or allow_private: true for a server on a private network";
                reader.problem(&at("server"), message, cure);
            }
            if token.is_none() {
                let message = format!("{}: `token` is missing", dotted(&here));
                reader.problem(
                    &here,
                    message,
                    "write token: ${NAME} or token_file: PATH; docs/networks/mastodon.md says how to get one",
                );
            }
            let visibility = match raw.visibility {
                Some(RawVisibility::Unlisted) => Visibility::Unlisted,
                Some(RawVisibility::Private) => Visibility::Private,
                Some(RawVisibility::Direct) => Visibility::Direct,
                Some(RawVisibility::Public) | None => Visibility::Public,
            };
            (NetworkKind::Mastodon(Mastodon { server: server?, token: token?, visibility }), GAP)
        }
        None if reader.is_reported(&at("network")) => return None,
        None => {
            let message = format!("{}: `network` is missing", dotted(&here));
            reader.problem(&here, message, "write network: journal or network: mastodon");
            return None;
        }
    };
    let gap = length(reader, &at("gap"), raw.gap, default_gap);
    let timezone = raw.timezone.and_then(|given| reader.with(&at("timezone"), zone(&given).map(Some), None));
    let quiet_hours = raw.quiet_hours.map(|lines| quiet::hours(reader, &at("quiet_hours"), &lines));
    Some(Endpoint { network, gap, allow_private: raw.allow_private.unwrap_or(false), timezone, quiet_hours })
}
