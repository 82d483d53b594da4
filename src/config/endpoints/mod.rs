//! The section `endpoints`: social accounts.

mod bluesky;
mod channel;
mod fields;
mod grant;
mod linkedin;
mod mastodon;
mod matrix;
mod threads;
mod webhook;
mod x;

pub use bluesky::Bluesky;
pub use channel::{Bot, Channel};
pub use grant::{App, Grant};
pub use linkedin::Linkedin;
pub use mastodon::{Mastodon, Visibility};
pub use matrix::{Matrix, MessageKind};
pub use threads::Threads;
pub use webhook::{OnDoubt, SigningKey, Webhook};
pub use x::{Access, Keys, X};

use super::quiet;
use super::raw::{RawEndpoint, RawNetwork};
use super::read::{Reader, dotted, key};
use super::sections::{length, zone};
use crate::quiet::Quiet;
use crate::rate::Rate;
use crate::secret::SafeUrl;
use fields::Fields;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

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
    /// Tells these settings from others, secrets included, and nothing can be learnt from it.
    pub print: String,
    /// How quickly posts may follow each other.
    pub rate: Rate,
    /// Whether the server may stand on a private or loopback address.
    pub allow_private: bool,
    /// Zone of this endpoint's schedules and quiet hours; None is the site's.
    pub timezone: Option<TimeZone>,
    /// When nothing goes out here; None is what the configuration says for all.
    pub quiet_hours: Option<Quiet>,
    /// When the token that stands in the configuration ends, if a person wrote it down.
    pub token_expires: Option<Timestamp>,
    /// What one post costs; 0 where it costs nothing.
    pub price: f64,
}

/// Kind of an account.
#[derive(Debug, Clone)]
pub enum NetworkKind {
    /// The embedded timeline.
    Journal,
    /// Mastodon, and servers with its API.
    Mastodon(Mastodon),
    /// Bluesky, and other servers of the AT Protocol.
    Bluesky(Bluesky),
    /// A room of Matrix (Element, Tchap), not encrypted.
    Matrix(Matrix),
    /// Any program that takes signed messages.
    Webhook(Webhook),
    /// A channel of a Mattermost server.
    Mattermost(Channel),
    /// A channel of a Slack workspace.
    Slack(Channel),
    /// A channel of a Discord server.
    Discord(Channel),
    /// A channel of Microsoft Teams, by the hook of a workflow.
    Teams(SafeUrl),
    /// A channel or group of Telegram.
    Telegram(Bot),
    /// The page of an organisation on LinkedIn.
    Linkedin(Linkedin),
    /// An account of X.
    X(X),
    /// A profile of Threads.
    Threads(Threads),
}

impl NetworkKind {
    /// The word in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Mastodon(_) => "mastodon",
            Self::Bluesky(_) => "bluesky",
            Self::Matrix(_) => "matrix",
            Self::Webhook(_) => "webhook",
            Self::Mattermost(_) => "mattermost",
            Self::Slack(_) => "slack",
            Self::Discord(_) => "discord",
            Self::Teams(_) => "teams",
            Self::Telegram(_) => "telegram",
            Self::Linkedin(_) => "linkedin",
            Self::X(_) => "x",
            Self::Threads(_) => "threads",
        }
    }

    /// Reads the keys of an account: each network takes its own.
    fn read(kind: RawNetwork, fields: &mut Fields) -> Option<Self> {
        Some(match kind {
            RawNetwork::Journal => Self::Journal,
            RawNetwork::Mastodon => Self::Mastodon(mastodon::read(fields)?),
            RawNetwork::Bluesky => Self::Bluesky(bluesky::read(fields)?),
            RawNetwork::Matrix => Self::Matrix(matrix::read(fields)?),
            RawNetwork::Webhook => Self::Webhook(webhook::read(fields)?),
            RawNetwork::Mattermost => Self::Mattermost(channel::read(fields, &channel::MATTERMOST)?),
            RawNetwork::Slack => Self::Slack(channel::read(fields, &channel::SLACK)?),
            RawNetwork::Discord => Self::Discord(channel::read(fields, &channel::DISCORD)?),
            RawNetwork::Teams => Self::Teams(channel::hook(fields)?),
            RawNetwork::Telegram => Self::Telegram(channel::bot(fields, &channel::TELEGRAM)?),
            RawNetwork::Linkedin => Self::Linkedin(linkedin::read(fields)?),
            RawNetwork::X => Self::X(x::read(fields)?),
            RawNetwork::Threads => Self::Threads(threads::read(fields)?),
        })
    }
}

/// The first instant of a day, in UTC: the earliest at which something can end on it.
fn last_day(given: &str) -> Result<Timestamp, String> {
    let day = given.parse::<jiff::civil::Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    day.map(|day| day.timestamp()).ok_or_else(|| format!("`{given}` is not a day; write it as 2027-01-31"))
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

fn endpoint(reader: &mut Reader, name: &str, mut raw: RawEndpoint) -> Option<Endpoint> {
    let here = [key("endpoints"), key(name)];
    let at = |field: &str| [key("endpoints"), key(name), key(field)];
    let Some(kind) = raw.network.take() else {
        if !reader.is_reported(&at("network")) {
            let message = format!("{}: `network` is missing", dotted(&here));
            reader.problem(&here, message, "write network: and the kind of the account, such as journal or mastodon");
        }
        return None;
    };
    let default_gap = if kind == RawNetwork::Journal { SignedDuration::ZERO } else { GAP };
    let gap = length(reader, &at("gap"), raw.gap.take(), default_gap);
    let per_day = raw.per_day.take();
    if per_day == Some(0) {
        let message = format!("{}: no post would ever go out", dotted(&at("per_day")));
        reader.problem(
            &at("per_day"),
            message,
            "write 1 or more, or leave it out; `crieur silence on` holds everything",
        );
    }
    let timezone = raw.timezone.take().and_then(|given| reader.with(&at("timezone"), zone(&given).map(Some), None));
    let quiet_hours = raw.quiet_hours.take().map(|lines| quiet::hours(reader, &at("quiet_hours"), &lines));
    let token_expires =
        raw.token_expires.take().and_then(|given| reader.with(&at("token_expires"), last_day(&given).map(Some), None));
    let usual_price = if kind == RawNetwork::X { x::PRICE } else { 0.0 };
    let price = match raw.price.take() {
        Some(price) if price.is_finite() && price >= 0.0 => price,
        Some(_) => {
            let message = format!("{}: a price is not less than nothing", dotted(&at("price")));
            reader.problem(&at("price"), message, "write what one post costs, such as 0.20");
            usual_price
        }
        None => usual_price,
    };
    let mut fields = Fields::new(reader, name, kind.word(), raw);
    let network = NetworkKind::read(kind, &mut fields);
    let print = fields.print();
    let allow_private = fields.raw.allow_private.take().unwrap_or(false);
    fields.report_rest();
    Some(Endpoint {
        network: network?,
        print,
        rate: Rate { gap, per_day },
        allow_private,
        timezone,
        quiet_hours,
        token_expires,
        price,
    })
}
