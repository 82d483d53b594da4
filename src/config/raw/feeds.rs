//! The sections `feeds` and `hub` as they are written, and where feeds are kept as files.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The feeds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawFeeds {
    /// Newest entries in a feed.
    #[schemars(range(min = 1, max = 500))]
    pub entries: Option<u32>,
    /// Formats of every feed.
    pub formats: Option<Vec<RawFormat>>,
    /// Whether entries carry the whole article or its summary.
    pub content: Option<RawContent>,
    /// Identities in feeds of the articles found at the first start: `address` if feeds of the site had their addresses as
    /// identities, so that no reader sees them as new; `uuid` else. By default `address` where `aliases` names old feeds.
    pub ids: Option<RawIds>,
    /// Whether older articles stand in archives, month by month, back to the first one.
    pub archives: Option<bool>,
    /// Old addresses of feeds, and the feed that answers there: `/feed.xml: /feeds/all.rss`.
    pub aliases: BTreeMap<String, String>,
    /// WebSub hubs that are told of every change: `self` (the built-in one), and addresses of others.
    pub hubs: Vec<String>,
    /// Where the feeds are kept as files too: the path of a folder, `s3://BUCKET/PREFIX`, or a list of these.
    pub export: Option<RawExport>,
    /// Whether a folder gets each file compressed as well (`.gz`, `.br`), for web servers that look for them.
    pub export_compressed: Option<bool>,
    /// How the buckets of `export` are reached.
    pub s3: RawS3,
}

/// Where the feeds are kept as files too.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawExport {
    /// One place.
    One(String),
    /// Several places.
    Many(Vec<String>),
}

/// How buckets are reached: S3, or a service that speaks as it does. Without keys, those of the usual variables
/// `AWS_…` are taken.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawS3 {
    /// Address of the service, such as https://s3.fr-par.example.fr; by default Amazon's.
    pub endpoint: Option<String>,
    /// Region of the bucket, such as eu-west-3.
    pub region: Option<String>,
    /// Identifier of the access key.
    pub access_key: Option<String>,
    /// File that holds `access_key`.
    pub access_key_file: Option<String>,
    /// Secret of the access key.
    pub secret_key: Option<String>,
    /// File that holds `secret_key`.
    pub secret_key_file: Option<String>,
    /// Token that temporary keys have besides.
    pub session_token: Option<String>,
    /// File that holds `session_token`.
    pub session_token_file: Option<String>,
    /// Whether the bucket stands in the path of addresses, not in their host; by default with an endpoint.
    pub path_style: Option<bool>,
    /// Whether the service may stand on a private or loopback address, and be spoken to over plain http there.
    pub allow_private: Option<bool>,
    /// How objects are stored.
    pub content_encoding: Option<RawContentEncoding>,
}

/// How objects are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawContentEncoding {
    /// As they are: every reader and every CDN can use them.
    Identity,
    /// Compressed, and said to be so: for readers that all take gzip.
    Gzip,
}

/// The built-in WebSub hub, and pings to others.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawHub {
    /// Whether subscribers, and hubs elsewhere, may stand on private or loopback addresses.
    pub allow_private: Option<bool>,
    /// How long a subscription lasts whose subscriber does not say; it is renewed by subscribing again.
    pub lease: Option<String>,
    /// Longest time that a subscription lasts, whatever its subscriber asks for.
    pub lease_most: Option<String>,
    /// Most subscriptions at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub subscriptions: Option<u32>,
}

/// Format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawFormat {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0.
    Atom,
    /// JSON Feed 1.1.
    Json,
}

/// Identities in feeds of the articles found at the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawIds {
    /// Their addresses at that time.
    Address,
    /// New ones: `urn:uuid:…`.
    Uuid,
}

/// What an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawContent {
    /// The whole article, and its summary.
    Full,
    /// Its summary alone.
    Summary,
}
