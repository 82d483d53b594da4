//! All feeds at once: which there are, and their documents, made again only where something changed.

use super::entry::{Entry, entry};
use super::{Document, Feed, Kind, atom, json, path_of, rss};
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::{Catalog, Standing};
use crate::config::{Content, Feeds, Format};
use crate::digest;
use crate::text::{folded, percent_decode, slug};
use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::Arc;
use url::Url;

/// What feeds need of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The section `feeds`.
    pub feeds: Feeds,
    /// The address under which readers reach this server.
    pub public_url: Url,
}

impl Settings {
    /// The public address of a path of this server.
    pub fn public(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// The scheme of a kind of terms: the folder of their feeds.
    pub fn scheme(&self, kind: &str) -> String {
        self.public(&format!("/feeds/{kind}/"))
    }

    /// The description of a feed.
    pub fn description(&self, feed: &Feed, site: &SiteSettings) -> String {
        if site.description.is_empty() { feed.title.clone() } else { site.description.clone() }
    }
}

/// What is remembered of a feed that has been put out: it keeps its address, and stays when it has no entry left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What it is about.
    pub kind: Kind,
    /// The folded term.
    pub term: String,
    /// The term as people write it.
    pub label: String,
    /// The end of its address.
    pub slug: String,
    /// When the newest change of its entries was.
    pub updated: Timestamp,
}

/// What is remembered of all feeds, and of their documents: the validator and the instant of the last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Feeds of terms and collections that have been put out.
    pub feeds: Vec<Remembered>,
    /// By address: ETag and instant of the last change of a document.
    pub documents: BTreeMap<String, (String, Timestamp)>,
}

/// All feeds, ready to be served.
#[derive(Debug, Clone, Default)]
pub struct FeedSet {
    /// The feeds: all, collections, categories, tags, each kind by slug.
    pub feeds: Vec<Feed>,
    /// The documents, by address.
    pub documents: BTreeMap<String, Arc<Document>>,
    /// Old addresses, and the address of the document that answers there.
    pub aliases: BTreeMap<String, String>,
    /// Entries made so far, by identity, with the version of the article that they were made of.
    entries: HashMap<ArticleId, (u64, Arc<Entry>)>,
}

impl FeedSet {
    /// The document at an address, old or new, percent-encoded or not.
    pub fn document(&self, path: &str) -> Option<&Arc<Document>> {
        let path = percent_decode(path);
        self.documents.get(&path).or_else(|| self.documents.get(self.aliases.get(&path)?))
    }

    /// Old addresses that lead nowhere, with where they should lead.
    pub fn dead_aliases(&self) -> impl Iterator<Item = (&String, &String)> {
        self.aliases.iter().filter(|(_, to)| !self.documents.contains_key(*to))
    }

    /// What to remember of these feeds.
    pub fn memory(&self) -> Memory {
        Memory {
            feeds: self
                .feeds
                .iter()
                .map(|feed| Remembered {
                    kind: feed.kind,
                    term: feed.term.clone(),
                    label: feed.label.clone(),
                    slug: feed.slug.clone(),
                    updated: feed.updated,
                })
                .collect(),
            documents: self
                .documents
                .iter()
                .map(|(path, document)| (path.clone(), (document.etag.clone(), document.last_modified)))
                .collect(),
        }
    }
}

/// All feeds of the catalog at an instant. `before` is the set made last, from which unchanged documents are taken.
pub fn render(
    catalog: &Catalog,
    site: &SiteSettings,
    settings: &Settings,
    memory: &Memory,
    before: &FeedSet,
    now: Timestamp,
) -> FeedSet {
    let live: Vec<&Standing> = catalog.live(now).collect();
    let groups = group(&live, site, memory);
    let slugs: Slugs = groups.iter().map(|group| ((group.kind, group.term.clone()), group.slug.clone())).collect();
    let mut set = FeedSet {
        aliases: settings.feeds.aliases.iter().map(|(from, to)| (percent_decode(from), to.clone())).collect(),
        ..FeedSet::default()
    };
    for group in groups {
        let shown: Vec<&Standing> = group.articles.iter().take(settings.feeds.entries).copied().collect();
        for standing in &shown {
            if set.entries.contains_key(&standing.id) {
                continue;
            }
            let kept = before.entries.get(&standing.id).filter(|(version, _)| *version == standing.version);
            let made = kept
                .cloned()
                .unwrap_or_else(|| (standing.version, Arc::new(entry(standing, site, settings.feeds.content, &slugs))));
            set.entries.insert(standing.id, made);
        }
        let entries: Vec<&Entry> = shown
            .iter()
            .filter_map(|standing| set.entries.get(&standing.id))
            .map(|(_, entry)| entry.as_ref())
            .collect();
        let newest = entries.iter().map(|entry| entry.updated.at).max();
        let feed = Feed {
            title: if group.kind == Kind::All {
                site.title.clone()
            } else {
                format!("{} – {}", site.title, group.label)
            },
            updated: newest.unwrap_or(group.updated),
            articles: group.articles.len(),
            entries: entries.len(),
            kind: group.kind,
            term: group.term,
            label: group.label,
            slug: group.slug,
        };
        let made_of = made_of(&feed, &shown, site, settings);
        for format in &settings.feeds.formats {
            let path = feed.path_in(*format);
            let document = match before.documents.get(&path).filter(|document| document.made_of == made_of) {
                Some(document) => Arc::clone(document),
                None => match bytes(*format, &feed, &entries, site, settings) {
                    Some(body) => Arc::new(complete(path.clone(), *format, body, &feed, memory, made_of, now)),
                    // What cannot be written keeps its last good form.
                    None => match before.documents.get(&path) {
                        Some(document) => Arc::clone(document),
                        None => continue,
                    },
                },
            };
            set.documents.insert(path, document);
        }
        set.feeds.push(feed);
    }
    set
}

fn bytes(format: Format, feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Option<Vec<u8>> {
    match format {
        Format::Rss => Some(rss::document(feed, entries, site, settings)),
        Format::Atom => atom::document(feed, entries, site, settings),
        Format::Json => Some(json::document(feed, entries, site, settings)),
    }
}

fn complete(
    path: String,
    format: Format,
    body: Vec<u8>,
    feed: &Feed,
    memory: &Memory,
    made_of: u64,
    now: Timestamp,
) -> Document {
    let etag = digest::hex(&body, 16);
    let last_modified = match memory.documents.get(&path) {
        Some((known, at)) if *known == etag => *at,
        // Put out for the first time, it is as old as its newest entry; changed, it is as new as now, and always later
        // than before: HTTP dates have whole seconds, and an equal one would say that nothing changed.
        None => feed.updated.min(now),
        Some((_, before)) => now.max(before.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now)),
    };
    Document { path, format, gzip: gzip(&body).into(), body: body.into(), etag, last_modified, made_of }
}

/// Compressed without time stamp and name: the same bytes for the same content.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(6));
    // Writing to memory cannot fail; should it, the plain form is served to everyone.
    encoder.write_all(body).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Hash of everything that a feed's documents depend on.
fn made_of(feed: &Feed, shown: &[&Standing], site: &SiteSettings, settings: &Settings) -> u64 {
    let versions: Vec<u64> = shown.iter().map(|standing| standing.version).collect();
    let full = settings.feeds.content == Content::Full;
    digest::number(format!("{feed:?}\n{}\n{}\n{full}\n{versions:?}", settings.public_url.as_str(), site.print()))
}

/// The slugs of all terms, by kind and folded term.
pub type Slugs = BTreeMap<(Kind, String), String>;

/// A feed to be, with the articles in it.
struct Group<'a> {
    kind: Kind,
    term: String,
    label: String,
    slug: String,
    /// When its entries last changed, as far as is remembered: for a feed that has none left.
    updated: Timestamp,
    articles: Vec<&'a Standing>,
}

/// An empty feed that nobody ever saw filled has to carry some date.
const LONG_AGO: Timestamp = Timestamp::constant(946_684_800, 0);

fn group<'a>(live: &[&'a Standing], site: &SiteSettings, memory: &Memory) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(Kind, String), Group> = BTreeMap::new();
    groups.insert(
        (Kind::All, String::new()),
        Group {
            kind: Kind::All,
            term: String::new(),
            label: String::new(),
            slug: String::new(),
            updated: LONG_AGO,
            articles: live.to_vec(),
        },
    );
    for feed in &memory.feeds {
        let group = groups.entry((feed.kind, feed.term.clone())).or_insert_with(|| Group {
            kind: feed.kind,
            term: feed.term.clone(),
            label: feed.label.clone(),
            slug: feed.slug.clone(),
            updated: feed.updated,
            articles: Vec::new(),
        });
        group.updated = feed.updated;
    }
    let known: BTreeSet<(Kind, String)> = groups.keys().cloned().collect();
    let mut spellings: BTreeMap<(Kind, String), BTreeMap<String, usize>> = BTreeMap::new();
    let mut put = |kind: Kind, term: String, label: &str, standing: &'a Standing| {
        *spellings.entry((kind, term.clone())).or_default().entry(label.to_owned()).or_default() += 1;
        let new = || Group {
            kind,
            term: term.clone(),
            label: String::new(),
            slug: String::new(),
            updated: LONG_AGO,
            articles: Vec::new(),
        };
        groups.entry((kind, term.clone())).or_insert_with(new).articles.push(standing);
    };
    for standing in live {
        let article = &standing.article;
        let title = site
            .collections
            .get(&article.collection)
            .map_or(article.collection.as_str(), |collection| collection.title.as_str());
        put(Kind::Collection, article.collection.clone(), title, standing);
        article.categories.iter().for_each(|term| put(Kind::Category, folded(term), term, standing));
        article.tags.iter().for_each(|term| put(Kind::Tag, folded(term), term, standing));
    }
    // The spelling that most articles use; of equals, the first by the alphabet.
    for (key, counts) in spellings {
        let label = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(label, _)| label.clone());
        if let (Some(group), Some(label)) = (groups.get_mut(&key), label) {
            group.label = label;
        }
    }
    name(&mut groups, &known);
    groups.into_values().collect()
}

/// Gives every new group its slug. Two terms with one slug share no feed: the later one gets a number.
fn name(groups: &mut BTreeMap<(Kind, String), Group>, known: &BTreeSet<(Kind, String)>) {
    let mut taken: BTreeSet<String> =
        known.iter().filter_map(|key| groups.get(key)).map(|group| path_of(group.kind, &group.slug)).collect();
    for (key, group) in groups.iter_mut().filter(|(key, _)| !known.contains(*key)) {
        let plain = slug(if key.0 == Kind::Collection { &key.1 } else { &group.label });
        let mut candidate = plain.clone();
        let mut number = 2;
        while !taken.insert(path_of(group.kind, &candidate)) {
            candidate = format!("{plain}-{number}");
            number += 1;
        }
        group.slug = candidate;
    }
}
