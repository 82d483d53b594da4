//! An endpoint as it is written: which keys it has hangs on its network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One social account. Which keys it has hangs on its network; a key of another network is refused.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawEndpoint {
    /// Kind of the account.
    pub network: Option<RawNetwork>,
    /// Address of the account's server, such as https://social.example.fr.
    pub server: Option<String>,
    /// Access token.
    pub token: Option<String>,
    /// File that holds `token`.
    pub token_file: Option<String>,
    /// Least time between two posts.
    pub gap: Option<String>,
    /// Most posts within any 24 hours; what is due beyond that waits, in its order.
    pub per_day: Option<u32>,
    /// Whether the server may stand on a private or loopback address.
    pub allow_private: Option<bool>,
    /// Address of an incoming hook, which is a secret (webhook, mattermost, slack, discord, teams).
    pub hook: Option<String>,
    /// File that holds `hook`.
    pub hook_file: Option<String>,
    /// Channel that a bot posts in, as the network names it to programs (mattermost, slack, discord, telegram).
    pub channel: Option<String>,
    /// What messages are signed with, `whsec_…` or `whsk_…` (webhook).
    pub secret: Option<String>,
    /// File that holds `secret`.
    pub secret_file: Option<String>,
    /// The secret before, while it is being replaced: messages are signed with both (webhook).
    pub previous_secret: Option<String>,
    /// File that holds `previous_secret`.
    pub previous_secret_file: Option<String>,
    /// What to do if it is not known whether the receiver has a message (webhook).
    pub on_doubt: Option<RawOnDoubt>,
    /// Whether the token is that of `crieur endpoints login`, kept sealed in the database (mastodon).
    pub login: Option<bool>,
    /// Id of the app in whose name a person logs in (linkedin, x, threads).
    pub client_id: Option<String>,
    /// Secret of that app.
    pub client_secret: Option<String>,
    /// File that holds `client_secret`.
    pub client_secret_file: Option<String>,
    /// Number of the organisation's page, in quotes (linkedin).
    pub organization: Option<String>,
    /// Version of the API, `YYYYMM` in quotes (linkedin).
    pub version: Option<String>,
    /// API key of the app, for OAuth 1.0a (x).
    pub consumer_key: Option<String>,
    /// File that holds `consumer_key`.
    pub consumer_key_file: Option<String>,
    /// Secret of the API key (x).
    pub consumer_secret: Option<String>,
    /// File that holds `consumer_secret`.
    pub consumer_secret_file: Option<String>,
    /// Secret of the access token (x).
    pub token_secret: Option<String>,
    /// File that holds `token_secret`.
    pub token_secret_file: Option<String>,
    /// Day on which `token` ends, as 2027-01-31: its end is told ahead.
    pub token_expires: Option<String>,
    /// What one post costs, in the currency that you think in: `crieur plan` adds it up. For x, 0.20 (US dollars) by default.
    pub price: Option<f64>,
    /// Who sees the posts (mastodon).
    pub visibility: Option<RawVisibility>,
    /// Handle of the account, such as agence.example.fr (bluesky).
    pub handle: Option<String>,
    /// App password of the account, made for this use alone (bluesky).
    pub app_password: Option<String>,
    /// File that holds `app_password`.
    pub app_password_file: Option<String>,
    /// Room: `#name:server` or `!id` (matrix).
    pub room: Option<String>,
    /// What the messages are to those who read them (matrix).
    pub message: Option<RawMessage>,
    /// IANA time zone of this endpoint's schedules and quiet hours; by default the site's.
    pub timezone: Option<String>,
    /// Times at which nothing goes out to this endpoint, instead of the general ones; `[]` for none.
    pub quiet_hours: Option<Vec<String>>,
}

/// Kind of a social account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawNetwork {
    /// The embedded timeline: posts land in the local database and show at `/timeline`.
    Journal,
    /// Mastodon, and servers with its API.
    Mastodon,
    /// Bluesky, and other servers of the AT Protocol.
    Bluesky,
    /// A room of Matrix (Element, Tchap), not encrypted.
    Matrix,
    /// Any program that takes signed messages (Standard Webhooks).
    Webhook,
    /// A channel of a Mattermost server.
    Mattermost,
    /// A channel of a Slack workspace.
    Slack,
    /// A channel of a Discord server.
    Discord,
    /// A channel of Microsoft Teams.
    Teams,
    /// A channel or group of Telegram.
    Telegram,
    /// The page of an organisation on LinkedIn.
    Linkedin,
    /// An account of X.
    X,
    /// A profile of Threads.
    Threads,
}

impl RawNetwork {
    /// The word in the configuration, which names the page in docs/networks too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Mastodon => "mastodon",
            Self::Bluesky => "bluesky",
            Self::Matrix => "matrix",
            Self::Webhook => "webhook",
            Self::Mattermost => "mattermost",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Telegram => "telegram",
            Self::Linkedin => "linkedin",
            Self::X => "x",
            Self::Threads => "threads",
        }
    }
}

/// What to do if it is not known whether a receiver has a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOnDoubt {
    /// It is sent again under the same `webhook-id`, by which the receiver knows what it has.
    Repeat,
    /// A person is asked.
    Ask,
}

/// Who sees the posts (Mastodon's own words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawVisibility {
    /// Everyone.
    Public,
    /// Everyone, but not in public timelines.
    Unlisted,
    /// Followers.
    Private,
    /// Only those mentioned.
    Direct,
}

/// What a message is to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMessage {
    /// `m.notice`, from a machine: no other machine answers it.
    Notice,
    /// `m.text`, as from a person: many programs tell of it louder.
    Text,
}
