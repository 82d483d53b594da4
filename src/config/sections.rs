//! The sections `site`, `http`, `feeds`, `hashtags` and `delivery`.

use super::export::{self, Export, S3};
use super::git::{self, Git};
use super::people;
use super::raw::{
    RawAccents, RawContent, RawDelivery, RawFallback, RawFeeds, RawFormat, RawGenerator, RawHashtags, RawHttp, RawIds,
    RawSite,
};
use super::read::{Reader, dotted, key};
use crate::people::People;
use crate::secret::Secret;
use crate::span;
use crate::text::{self, language_tag};
use crate::yaml::Step;
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use url::Url;

/// The site, as far as the configuration says it; the rest comes from the site's own settings.
#[derive(Debug, Clone)]
pub struct Site {
    /// Folder of the site, relative to the working directory. Of a repository: the folder in its checkout.
    pub root: PathBuf,
    /// The repository from which the folder is filled.
    pub git: Option<Git>,
    /// What web hooks are signed with.
    pub hook_secret: Option<Secret>,
    /// Public address.
    pub url: Option<Url>,
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Language (BCP 47).
    pub language: Option<String>,
    /// Zone of dates without one, and of schedules.
    pub timezone: Option<TimeZone>,
    /// Generator; None means that the site's files tell.
    pub generator: Option<Generator>,
    /// Collections that hold articles; None means all that the site puts out, but pages.
    pub collections: Option<BTreeMap<String, CollectionConfig>>,
    /// How often the whole tree is compared with what is known.
    pub scan_every: SignedDuration,
}

/// What makes pages of the site's files, and so says what a file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generator {
    /// Jekyll 4.
    Jekyll,
    /// Hugo.
    Hugo,
    /// Zola.
    Zola,
    /// Folders of Markdown with front matter: Eleventy, Astro, Gridsome, or none.
    Plain,
}

impl Generator {
    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Jekyll => "jekyll",
            Self::Hugo => "hugo",
            Self::Zola => "zola",
            Self::Plain => "plain",
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jekyll => "Jekyll",
            Self::Hugo => "Hugo",
            Self::Zola => "Zola",
            Self::Plain => "no known generator",
        }
    }
}

/// One collection, as far as the configuration says it.
#[derive(Debug, Clone, Default)]
pub struct CollectionConfig {
    /// Globs under the site's root; empty means the generator's own folder.
    pub paths: Vec<String>,
    /// Permalink with the generator's placeholders: Hugo's for Hugo, else Jekyll's.
    pub permalink: Option<String>,
    /// Title shown to people.
    pub title: Option<String>,
}

pub(super) fn site(reader: &mut Reader, raw: RawSite, store: &Path) -> Site {
    let at = |name: &str| [key("site"), key(name)];
    let url = raw.url.and_then(|given| reader.with(&at("url"), web_address(&given).map(Some), None));
    let timezone = raw.timezone.and_then(|given| reader.with(&at("timezone"), zone(&given).map(Some), None));
    let language = raw.language.and_then(|given| reader.with(&at("language"), language(&given).map(Some), None));
    let collections = raw.collections.map(|all| {
        all.into_iter()
            .map(|(name, raw)| {
                (
                    name,
                    CollectionConfig {
                        paths: raw.paths.unwrap_or_default(),
                        permalink: raw.permalink,
                        title: raw.title,
                    },
                )
            })
            .collect()
    });
    if raw.git.is_some() && raw.root.is_some() {
        let cure = "keep root for a folder, or git for a repository";
        reader.problem(&at("git"), "site.git: given together with site.root", cure);
    }
    let git = raw.git.and_then(|raw| git::read(reader, raw, store));
    let root = git.as_ref().map_or_else(|| raw.root.unwrap_or_else(|| ".".to_owned()).into(), Git::root);
    Site {
        root,
        git,
        hook_secret: reader.secret(&[key("site")], "hook_secret", raw.hook_secret, raw.hook_secret_file),
        url,
        title: raw.title,
        description: raw.description,
        language,
        timezone,
        generator: raw.generator.map(|raw| match raw {
            RawGenerator::Jekyll => Generator::Jekyll,
            RawGenerator::Hugo => Generator::Hugo,
            RawGenerator::Zola => Generator::Zola,
            RawGenerator::Plain => Generator::Plain,
        }),
        collections,
        scan_every: length(reader, &at("scan_every"), raw.scan_every, SignedDuration::from_mins(1)),
    }
}

/// An address of the web, without a slash at its end. Errors say what is expected.
pub(super) fn web_address(given: &str) -> Result<Url, String> {
    let expected = |why: &str| Err(format!("`{given}` {why}; write an address such as https://www.example.fr"));
    match Url::parse(given.trim_end_matches('/')) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => expected("is not an address of the web"),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => expected("has a query or a fragment"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("the address holds a name or a password; leave them out".to_owned())
        }
        Ok(url) => Ok(url),
        Err(_) => expected("is not an address"),
    }
}

/// An IANA zone. Errors say what is expected.
pub(super) fn zone(given: &str) -> Result<TimeZone, String> {
    TimeZone::get(given)
        .map_err(|_| format!("`{given}` is not a known time zone; write an IANA name such as Europe/Paris"))
}

fn language(given: &str) -> Result<String, String> {
    language_tag(given).ok_or_else(|| format!("`{given}` is not a language; write a code such as fr or fr-FR"))
}

/// A length of time, or the default.
pub(super) fn length(
    reader: &mut Reader,
    path: &[Step],
    given: Option<String>,
    default: SignedDuration,
) -> SignedDuration {
    match given {
        Some(given) => reader.with(path, span::parse(&given), default),
        None => default,
    }
}

/// The embedded web server.
#[derive(Debug, Clone)]
pub struct Http {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Address under which people reach this server.
    pub public_url: Url,
    /// Proxies whose word on the client counts.
    pub proxies: Vec<IpNet>,
    /// Most connections that are open at once.
    pub connections: usize,
    /// Token of the administration.
    pub admin_token: Option<Secret>,
    /// The people who decide what goes out.
    pub people: People,
}

pub(super) fn http(reader: &mut Reader, raw: RawHttp) -> Http {
    let at = |name: &str| [key("http"), key(name)];
    let fallback = SocketAddr::from(([127, 0, 0, 1], 8080));
    let listen = raw.listen.map_or(fallback, |given| {
        let read = given.parse().map_err(|_| {
            format!("`{given}` is not an address and a port; write one such as 127.0.0.1:8080 or 0.0.0.0:8080")
        });
        reader.with(&at("listen"), read, fallback)
    });
    let default_url = local_url(listen);
    let public_url = match raw.public_url {
        Some(given) => reader.with(&at("public_url"), web_address(&given), default_url),
        None => default_url,
    };
    let admin_token = reader.secret(&[key("http")], "admin_token", raw.admin_token, raw.admin_token_file);
    let people = people::read(reader, raw.people, admin_token.as_ref());
    let mut proxies = Vec::new();
    for (index, given) in raw.proxies.iter().enumerate() {
        let path = [key("http"), key("proxies"), Step::Item(index)];
        proxies.extend(reader.with(&path, network(given).map(Some), None));
    }
    let connections = raw.connections.map_or(4_096, |n| n as usize);
    Http { listen, public_url, proxies, connections, admin_token, people }
}

/// A network, or the one address of a network of its own.
fn network(given: &str) -> Result<IpNet, String> {
    let address = given.parse::<IpAddr>().map(IpNet::from);
    let network = address.or_else(|_| given.parse::<IpNet>()).map_err(|_| {
        format!("`{given}` is not an address or a network; write one such as 127.0.0.1, ::1 or 10.0.0.0/8")
    })?;
    Ok(network.trunc())
}

impl Http {
    /// The same, on another address; the public address follows if it was derived from the old one.
    pub fn listening_on(mut self, listen: SocketAddr) -> Self {
        if self.public_url == local_url(self.listen) {
            self.public_url = local_url(listen);
        }
        self.listen = listen;
        self
    }
}

/// The address of a server for people on the same machine.
fn local_url(listen: SocketAddr) -> Url {
    let port = listen.port();
    let text = if listen.ip().is_unspecified() || listen.ip().is_loopback() {
        format!("http://localhost:{port}")
    } else {
        format!("http://{listen}")
    };
    #[expect(clippy::expect_used, reason = "an address and a port always make a URL")]
    Url::parse(&text).expect("an address and a port make a URL")
}

/// The feeds.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// Newest entries in a feed.
    pub entries: usize,
    /// Formats of every feed.
    pub formats: Vec<Format>,
    /// What an entry carries.
    pub content: Content,
    /// Whether articles found at the first start keep their addresses of then as identities: readers of the site's own
    /// feeds know them by these.
    pub adopts_addresses: bool,
    /// Whether older articles stand in archives.
    pub archives: bool,
    /// Old addresses, and the path of the feed that answers there.
    pub aliases: BTreeMap<String, String>,
    /// WebSub hubs that are told of every change.
    pub hubs: Vec<Hub>,
    /// Where the feeds are kept too.
    pub export: Vec<Export>,
    /// Whether a folder gets each file compressed as well.
    pub export_compressed: bool,
    /// How buckets are reached; there if an export is one.
    pub s3: Option<S3>,
}

/// A WebSub hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hub {
    /// The built-in one, at `/hub` of this server.
    Own,
    /// One elsewhere.
    At(Url),
}

/// Format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// JSON Feed 1.1.
    Json,
}

impl Format {
    /// The end of the path, and the word in the configuration.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }
}

/// What an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The whole article, and its summary.
    Full,
    /// Its summary alone.
    Summary,
}

pub(super) fn feeds(reader: &mut Reader, raw: RawFeeds) -> Feeds {
    let mut formats: Vec<Format> = raw
        .formats
        .unwrap_or_else(|| vec![RawFormat::Rss, RawFormat::Atom, RawFormat::Json])
        .into_iter()
        .map(|raw| match raw {
            RawFormat::Rss => Format::Rss,
            RawFormat::Atom => Format::Atom,
            RawFormat::Json => Format::Json,
        })
        .collect();
    formats.sort();
    formats.dedup();
    if formats.is_empty() {
        reader.problem(
            &[key("feeds"), key("formats")],
            "feeds.formats: no format is given",
            "write at least one of rss, atom, json",
        );
    }
    for (from, to) in &raw.aliases {
        let path = [key("feeds"), key("aliases"), key(from)];
        if !from.starts_with('/') || from.starts_with("/feeds/") {
            let message = format!("{}: this is not an old address of a feed", dotted(&path));
            reader.problem(&path, message, "write the path it had on the site, such as /feed.xml");
        }
        if !to.starts_with("/feeds/") || !to.contains('.') {
            let message = format!("{}: `{to}` is not the address of a feed", dotted(&path));
            reader.problem(&path, message, "write one such as /feeds/all.rss; `crieur feeds` lists them");
        }
    }
    let mut hubs = Vec::new();
    for (index, given) in raw.hubs.iter().enumerate() {
        let path = [key("feeds"), key("hubs"), Step::Item(index)];
        let hub = match given.as_str() {
            "self" => Some(Hub::Own),
            address => reader.with(&path, hub_address(address).map(|url| Some(Hub::At(url))), None),
        };
        hubs.extend(hub.filter(|hub| !hubs.contains(hub)));
    }
    let export = export::exports(reader, raw.export);
    Feeds {
        hubs,
        entries: raw.entries.map_or(20, |n| n as usize),
        formats,
        content: match raw.content {
            Some(RawContent::Summary) => Content::Summary,
            Some(RawContent::Full) | None => Content::Full,
        },
        adopts_addresses: raw.ids.map_or(!raw.aliases.is_empty(), |ids| ids == RawIds::Address),
        archives: raw.archives.unwrap_or(true),
        aliases: raw.aliases,
        s3: export::s3(reader, raw.s3, &export),
        export,
        export_compressed: raw.export_compressed.unwrap_or(false),
    }
}

/// The address of a hub elsewhere, as it is written: it may have a query. Errors say what is expected.
fn hub_address(given: &str) -> Result<Url, String> {
    let expected = "write self, or an address such as https://hub.example.org/";
    match Url::parse(given) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => Err(format!("`{given}` is not a hub; {expected}")),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("the address holds a name or a password; leave them out".to_owned())
        }
        Ok(url) => Ok(url),
        Err(_) => Err(format!("`{given}` is not a hub; {expected}")),
    }
}

/// How tags become hashtags.
#[derive(Debug, Clone)]
pub struct Hashtags {
    /// Official hashtags by folded tag (see [`text::folded`]), byte for byte.
    pub dictionary: BTreeMap<String, String>,
    /// What a tag outside the dictionary becomes.
    pub fallback: Fallback,
    /// What becomes of accents there.
    pub accents: Accents,
    /// Most hashtags of a post.
    pub at_most: usize,
}

impl Default for Hashtags {
    fn default() -> Self {
        Self { dictionary: BTreeMap::new(), fallback: Fallback::Camel, accents: Accents::Drop, at_most: 3 }
    }
}

/// What becomes of the accents of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accents {
    /// They go: Mastodon takes `#État` and `#Etat` as one, others as two.
    Drop,
    /// They stay, where every network reads the hashtag whole.
    Keep,
}

/// What a tag outside the dictionary becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Words capitalised and joined.
    Camel,
    /// Words joined as they are.
    Keep,
    /// Nothing.
    None,
}

/// Whether a text is a hashtag.
pub(super) fn check_hashtag(reader: &mut Reader, path: &[Step], hashtag: &str) {
    let word = hashtag.strip_prefix('#').unwrap_or("");
    if word.is_empty()
        || !word.chars().all(|c| c.is_alphanumeric() || c == '_')
        || word.chars().all(|c| c.is_ascii_digit())
    {
        let message = format!("{}: `{hashtag}` is not a hashtag that every network reads whole", dotted(path));
        reader.problem(path, message, "write # and letters, digits or _, in quotes: \"#ClouddelEtat\"");
    }
}

pub(super) fn hashtags(reader: &mut Reader, raw: RawHashtags) -> Hashtags {
    let mut dictionary = BTreeMap::new();
    for (term, hashtag) in raw.dictionary {
        let path = [key("hashtags"), key("dictionary"), key(&term)];
        check_hashtag(reader, &path, &hashtag);
        dictionary.insert(text::folded(&term), hashtag);
    }
    Hashtags {
        dictionary,
        fallback: match raw.fallback {
            Some(RawFallback::Keep) => Fallback::Keep,
            Some(RawFallback::None) => Fallback::None,
            Some(RawFallback::Camel) | None => Fallback::Camel,
        },
        accents: match raw.accents {
            Some(RawAccents::Keep) => Accents::Keep,
            Some(RawAccents::Drop) | None => Accents::Drop,
        },
        at_most: raw.at_most.map_or(3, |n| n as usize),
    }
}

/// How a delivery that failed is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Wait before the second try; it doubles with every further one.
    pub retry_first: SignedDuration,
    /// Longest wait between two tries.
    pub retry_most: SignedDuration,
    /// Time after which a delivery that keeps failing is reported as failed.
    pub give_up: SignedDuration,
}

pub(super) fn delivery(reader: &mut Reader, raw: RawDelivery) -> Delivery {
    let at = |name: &str| [key("delivery"), key(name)];
    Delivery {
        retry_first: length(reader, &at("retry_first"), raw.retry_first, SignedDuration::from_secs(5)),
        retry_most: length(reader, &at("retry_most"), raw.retry_most, SignedDuration::from_hours(1)),
        give_up: length(reader, &at("give_up"), raw.give_up, SignedDuration::from_hours(72)),
    }
}
