//! The configuration as it is written: one structure per section, all optional, made for two readers — serde and
//! the JSON Schema that editors complete with. What the values mean is decided in the files beside this one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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

/// The site whose articles are syndicated. What the site's own settings say (`_config.yml`, `hugo.toml`, …) need not be repeated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSite {
    /// Folder of the site.
    pub root: Option<String>,
    /// Git repository of the site, instead of `root`.
    pub git: Option<RawGit>,
    /// Secret that a forge signs its web hooks with; without one, `/hooks/content` does not answer.
    pub hook_secret: Option<String>,
    /// File that holds `hook_secret`.
    pub hook_secret_file: Option<String>,
    /// Public address of the site, such as https://www.example.fr.
    pub url: Option<String>,
    /// Title of the site, used as title of its feeds.
    pub title: Option<String>,
    /// Description of the site, used in its feeds.
    pub description: Option<String>,
    /// Language of the site (BCP 47), such as fr.
    pub language: Option<String>,
    /// IANA time zone of dates without one, and of schedules, such as Europe/Paris.
    pub timezone: Option<String>,
    /// Generator of the site; detected by the files of the site.
    pub generator: Option<RawGenerator>,
    /// Collections that hold articles, by name. Without it: every collection that the site puts out, but pages.
    pub collections: Option<BTreeMap<String, RawCollection>>,
    /// How often the whole tree is compared with what is known, whatever the watcher says.
    pub scan_every: Option<String>,
}

/// A git repository that a site is read from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawGit {
    /// Address of the repository: `https://…`, `ssh://…`, `git@host:path`, `file://…` or the path of a folder.
    pub url: Option<String>,
    /// Branch; by default the one that the repository names.
    pub branch: Option<String>,
    /// How often the repository is asked whether there is something new.
    pub every: Option<String>,
    /// Folder of the site in the repository.
    pub subfolder: Option<String>,
    /// Commits of history to fetch; 0 means all of it.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub depth: Option<u32>,
    /// Token (or password) for https.
    pub token: Option<String>,
    /// File that holds `token`.
    pub token_file: Option<String>,
    /// Private key for ssh, without a passphrase.
    pub key: Option<String>,
    /// File that holds `key`.
    pub key_file: Option<String>,
    /// File with the host keys that are trusted for ssh; by default those of the system's user.
    pub known_hosts: Option<String>,
    /// Folder of the clone; by default `site`, beside the database.
    pub checkout: Option<String>,
}

/// Generator of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawGenerator {
    /// Jekyll.
    Jekyll,
    /// Hugo.
    Hugo,
    /// Zola.
    Zola,
    /// Folders of Markdown with front matter: Eleventy, Astro, Gridsome, or none.
    Plain,
}

/// One collection of articles.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCollection {
    /// Files of the collection, as globs under the site's root, such as `_communiques/**`.
    pub paths: Option<Vec<String>>,
    /// Permalink with the placeholders of the generator (Hugo's for Hugo, else Jekyll's), such as `/espace-presse/:title/`.
    pub permalink: Option<String>,
    /// Title shown to people.
    pub title: Option<String>,
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

/// Which articles go to which endpoints, when and how.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    /// Name of the rule; deliveries are remembered under it, so keep it.
    pub name: Option<String>,
    /// Which articles.
    pub articles: RawSelection,
    /// To which endpoints.
    pub endpoints: Vec<String>,
    /// When.
    pub when: Option<RawWhen>,
    /// Text of the post, a template.
    pub text: Option<String>,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<String, String>,
    /// Text of the post per moment of `event` or `after`, such as `-1d`: it wins over `text` and `texts`.
    pub variants: BTreeMap<String, String>,
    /// Hashtags of each post, before those of its article.
    pub hashtags: Vec<String>,
    /// Whether a text that is too long goes on in further posts, where the network has threads; else it is shortened.
    pub thread: Option<bool>,
    /// Whether the posts of a thread end with their number (`1/3`).
    pub thread_numbers: Option<bool>,
    /// Which images of the article go with the post, where the network takes images.
    pub images: Option<RawImages>,
    /// What happens if such an image has no alternative text, or cannot be used.
    pub alt: Option<RawMissingAlt>,
    /// Whether a link card made of the article goes with a post without images, where the network takes cards.
    pub card: Option<bool>,
    /// How long an article must stay unchanged in path, date and state before it is announced.
    pub settle: Option<String>,
    /// How old an article's date may be at the moment it is published.
    pub fresh: Option<String>,
    /// Who must approve a post before it goes out.
    pub approval: Option<RawApproval>,
    /// What happens to a post whose article is edited.
    pub on_edit: Option<RawOnEdit>,
    /// Text of the post that tells a correction (`on_edit: correct`), a template.
    pub correction: Option<String>,
    /// What happens to a post whose article is withdrawn.
    pub on_withdraw: Option<RawOnWithdraw>,
    /// What the article's address must answer before a post goes out (not asked for the journal).
    pub live_check: Option<RawLiveCheck>,
    /// How late a post may be; later, it is reported instead.
    pub expires: Option<String>,
}

/// `true`: 200, with the article's title; `status`: 200; `false`: it is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawLiveCheck {
    /// Yes or no.
    Whether(bool),
    /// Only its status.
    Word(RawLiveCheckWord),
}

/// `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawLiveCheckWord {
    /// It answers 200, with whatever page.
    Status,
}

/// A named, ordered set of articles, one in each slot: whatever their age, and whether or not they were announced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCampaign {
    /// Name of the campaign; deliveries are remembered under it, so keep it.
    pub name: Option<String>,
    /// Its articles: a list of paths, slugs or addresses in their order, or a selection, by date.
    pub articles: Option<RawCampaignArticles>,
    /// To which endpoints.
    pub endpoints: Vec<String>,
    /// Its slots: cron lines of five fields, or six with seconds first. One article goes out in each.
    pub slots: Option<OneOrMany>,
    /// First day, such as 2027-01-04.
    pub from: Option<String>,
    /// Last day.
    pub until: Option<String>,
    /// What becomes of the others while an article of the list is not published.
    pub missing: Option<RawMissing>,
    /// Text of the post, a template.
    pub text: Option<String>,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<String, String>,
    /// Hashtags of each post, before those of its article.
    pub hashtags: Vec<String>,
    /// Whether a text that is too long goes on in further posts, where the network has threads; else it is shortened.
    pub thread: Option<bool>,
    /// Whether the posts of a thread end with their number (`1/3`).
    pub thread_numbers: Option<bool>,
    /// Which images of the article go with the post, where the network takes images.
    pub images: Option<RawImages>,
    /// What happens if such an image has no alternative text, or cannot be used.
    pub alt: Option<RawMissingAlt>,
    /// Whether a link card made of the article goes with a post without images, where the network takes cards.
    pub card: Option<bool>,
    /// How long an article must stay unchanged in path, date and state before it has its turn.
    pub settle: Option<String>,
    /// Who must approve a post before it goes out.
    pub approval: Option<RawApproval>,
    /// What happens to a post whose article is withdrawn.
    pub on_withdraw: Option<RawOnWithdraw>,
    /// What the article's address must answer before a post goes out (not asked for the journal).
    pub live_check: Option<RawLiveCheck>,
}

/// The articles of a campaign.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawCampaignArticles {
    /// These, in this order.
    Listed(Vec<String>),
    /// All that the selection takes, by their date.
    Selected(Box<RawSelection>),
}

/// What becomes of the others while an article of a campaign is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMissing {
    /// Those after it wait.
    Wait,
    /// They go out; it takes the next slot once it is there.
    Skip,
}

/// Which images of an article go with its posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawImages {
    /// None.
    None,
    /// The lead image.
    Lead,
    /// All, as many as the network takes.
    All,
}

/// What happens if an image has no alternative text, or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMissingAlt {
    /// The delivery is held until a person approves it.
    Hold,
    /// The post goes out without the image.
    Drop,
    /// The article's title is the alternative text; an image that cannot be used is left out.
    Title,
}

/// Which articles: those that meet every line, and not `not`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSelection {
    /// Of one of these collections.
    pub collections: Vec<String>,
    /// In one of these categories.
    pub categories: Vec<String>,
    /// With one of these tags.
    pub tags: Vec<String>,
    /// By one of these authors.
    pub authors: Vec<String>,
    /// In one of these languages: `fr` takes `fr-CA` too.
    pub languages: Vec<String>,
    /// Not before they are that old: so long after their date, nothing goes out.
    pub min_age: Option<String>,
    /// But none of these.
    pub not: Option<RawExclusion>,
}

/// Articles that a rule leaves out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawExclusion {
    /// Of these collections.
    pub collections: Vec<String>,
    /// In these categories.
    pub categories: Vec<String>,
    /// With these tags.
    pub tags: Vec<String>,
    /// By these authors.
    pub authors: Vec<String>,
    /// In these languages.
    pub languages: Vec<String>,
}

/// When: `{ at: publication }`, `{ slots: "0 30 9 * * Mon-Fri", queue: true }`, `{ event: [-7d, -1d, -2h] }`,
/// `{ after: [0d, 30d], until: 2027-06-30 }` or `{ every: 30d, times: 6 }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawWhen {
    /// As soon as the article is published and settled.
    pub at: Option<RawMoment>,
    /// At the next of these times: cron lines of five fields, or six with seconds first.
    pub slots: Option<OneOrMany>,
    /// One post per slot and endpoint, in the order of publication; urgent articles go first.
    pub queue: Option<bool>,
    /// For events, at each of these distances: with a minus before the start, else after the end.
    pub event: Option<OneOrMany>,
    /// Again and again: so long after the publication, each time; `0d` is the publication itself.
    pub after: Option<OneOrMany>,
    /// At the publication, and again whenever so much time has passed; with `times` or `until`.
    pub every: Option<String>,
    /// How often `every` repeats the publication.
    pub times: Option<u8>,
    /// Last day on which `after` and `every` repeat a publication.
    pub until: Option<String>,
}

/// A moment of an article's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMoment {
    /// Its publication.
    Publication,
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

/// Who must approve a post: `none`, or `{ required: 2 }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawApproval {
    /// `none`: nobody.
    Word(RawApprovalWord),
    /// So many people.
    People(RawApprovalPeople),
}

/// `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawApprovalWord {
    /// Nobody.
    None,
}

/// How many people must approve a post.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApprovalPeople {
    /// How many; never the same one twice, and never the article's author.
    #[schemars(range(min = 1, max = 2))]
    pub required: u8,
    /// How long an approval counts.
    pub expires: Option<String>,
}

/// What happens to a post when its article is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOnEdit {
    /// It stays as it is.
    Keep,
    /// It is edited on its network, once the article has kept still for as long as the rule's `settle`.
    Edit,
    /// The same, where the network can; and a correction that the article marks is posted as an answer to it.
    Correct,
    /// A person is asked.
    Ask,
}

/// What happens to a post when its article is withdrawn: unpublished, expired or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOnWithdraw {
    /// It stays.
    Keep,
    /// It is taken away, once the article has been withdrawn for as long as the rule's `settle`.
    Delete,
    /// A person is asked.
    Ask,
}

/// Which of the articles found at the first start count as already announced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawBaseline {
    /// `existing`: all of them; `none`: none of them.
    Word(RawBaselineWord),
    /// Those dated before a day.
    Since(RawSince),
}

/// `existing` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawBaselineWord {
    /// All articles found at the first start count as announced.
    Existing,
    /// None does.
    None,
}

/// A first day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSince {
    /// Articles dated on this day or later are announced, older ones are not.
    pub since: String,
}
