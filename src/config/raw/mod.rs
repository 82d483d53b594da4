//! The configuration as it is written: one structure per section, all optional, made for two readers — serde and
//! the JSON Schema that editors complete with. What the values mean is decided in the files beside this one.

mod endpoint;
mod feeds;
mod rule;
mod site;

pub use endpoint::{RawEndpoint, RawMessage, RawNetwork, RawOnDoubt, RawVisibility};
pub use feeds::{RawContent, RawContentEncoding, RawExport, RawFeeds, RawFormat, RawHub, RawIds, RawS3};
pub use rule::{
    RawApproval, RawApprovalWord, RawBaseline, RawBaselineWord, RawCampaign, RawCampaignArticles, RawImages,
    RawLiveCheck, RawLiveCheckWord, RawMissing, RawMissingAlt, RawOnEdit, RawOnWithdraw, RawRule, RawSelection,
    RawWhen,
};
pub use site::{RawGenerator, RawGit, RawSite};

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Configuration of Crieur. Every key is documented in docs/configuration.md.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Crieur")]
pub struct RawConfig {
    /// The site whose articles are syndicated.
    pub site: RawSite,
    /// The embedded web server.
    pub http: RawHttp,
    /// Where deliveries and identities are kept: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub store: Option<String>,
    /// File that holds `store`.
    pub store_file: Option<String>,
    /// Key that secrets in the database are sealed with: 32 random bytes in base64 or hexadecimal. By default one is made, in a file beside the database.
    pub store_key: Option<String>,
    /// File that holds `store_key`.
    pub store_key_file: Option<String>,
    /// The feeds.
    pub feeds: RawFeeds,
    /// The built-in WebSub hub, and pings to others; `feeds.hubs` says whether there are any.
    pub hub: RawHub,
    /// How tags become hashtags.
    pub hashtags: RawHashtags,
    /// Social accounts, by a name of your choice.
    pub endpoints: BTreeMap<String, RawEndpoint>,
    /// Endpoint whose readers are told when credentials of endpoints end: a channel of the team.
    pub alerts: Option<String>,
    /// How a delivery that failed is tried again.
    pub delivery: RawDelivery,
    /// Which articles go to which endpoints, when and how.
    pub rules: Vec<RawRule>,
    /// Named, ordered sets of articles, one in each slot.
    pub campaigns: Vec<RawCampaign>,
    /// Times at which nothing goes out: `20:00-08:00`, `Sat`, `Mon-Fri 12:00-14:00`, `2027-05-07`, `12-24`, `holidays:FR`.
    pub quiet_hours: Vec<String>,
    /// Periods in which nothing goes out.
    pub blackouts: Vec<RawBlackout>,
    /// Which of the articles found at the first start count as already announced.
    pub baseline: Option<RawBaseline>,
}

/// A period in which nothing goes out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawBlackout {
    /// First day, in the site's zone, such as 2027-03-01.
    pub from: Option<String>,
    /// Last day: nothing goes out on it either.
    pub until: Option<String>,
    /// Why, for everyone who looks for a post.
    pub reason: Option<String>,
    /// Who decided it.
    pub by: Option<String>,
    /// What becomes of the posts that fall into it.
    pub action: Option<RawBlackoutAction>,
}

/// What becomes of the posts that fall into a blackout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawBlackoutAction {
    /// They are held: a person approves each, or calls it off.
    Hold,
    /// They are called off.
    Drop,
}

/// The embedded web server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawHttp {
    /// Address and port to listen on.
    pub listen: Option<String>,
    /// Address under which people reach this server; feeds name themselves with it.
    pub public_url: Option<String>,
    /// Proxies whose word on the client counts (`X-Forwarded-For` and its like, `Forwarded`): addresses, or networks such as 10.0.0.0/8.
    pub proxies: Vec<String>,
    /// Most connections that are open at once; more wait until one ends.
    #[schemars(range(min = 8, max = 1_000_000))]
    pub connections: Option<u32>,
    /// Token of the API and of the pages under `/admin/`; where nobody has one, only this machine is answered.
    pub admin_token: Option<String>,
    /// File that holds `admin_token`.
    pub admin_token_file: Option<String>,
    /// People who decide what goes out, by the names under which they act.
    pub people: BTreeMap<String, RawPerson>,
}

/// A person who decides what goes out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPerson {
    /// Their name as articles write it: nobody approves their own.
    pub name: Option<String>,
    /// What proves over the API and on the pages who they are: 16 characters at least.
    pub token: Option<String>,
    /// File that holds `token`.
    pub token_file: Option<String>,
}

/// How tags become hashtags.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawHashtags {
    /// Official hashtags by tag or category, taken byte for byte: `Cloud: "#ClouddelEtat"`.
    pub dictionary: BTreeMap<String, String>,
    /// What a tag outside the dictionary becomes.
    pub fallback: Option<RawFallback>,
    /// What becomes of accents in a hashtag that `fallback: camel` makes.
    pub accents: Option<RawAccents>,
    /// Most hashtags of a post.
    #[schemars(range(min = 0, max = 30))]
    pub at_most: Option<u32>,
}

/// What a tag outside the dictionary becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawFallback {
    /// `#EchangesDExperiences`: words capitalised, so that a screen reader can speak them.
    Camel,
    /// The words as they are, joined.
    Keep,
    /// No hashtag.
    None,
}

/// What becomes of accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawAccents {
    /// They go: Mastodon takes `#État` and `#Etat` as one hashtag, others as two.
    Drop,
    /// They stay, where every network reads the hashtag whole.
    Keep,
}

/// How a delivery that failed is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDelivery {
    /// Wait before the second try; it doubles with every further one.
    pub retry_first: Option<String>,
    /// Longest wait between two tries.
    pub retry_most: Option<String>,
    /// Time after which a delivery that keeps failing is reported as failed.
    pub give_up: Option<String>,
}

/// One text or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn into_list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}
