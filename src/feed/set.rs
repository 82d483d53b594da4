//! All feeds at once: which there are, their documents, and what is remembered of them.

use super::demand::Answer;
use super::doctor::Fault;
use super::entry::Entry;
use super::{Document, Feed, Kind, Settings};
use crate::article::{Article, ArticleId, FileFacts, SiteSettings};
use crate::catalog::{GroupKey, Standing};
use crate::config::Content;
use crate::digest;
use crate::text::percent_decode;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

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
    /// When one of its articles last came, went or changed.
    pub changed: Timestamp,
    /// A number that changes with that.
    pub print: u64,
}

/// What is remembered of all feeds, and of their documents: the validator and the instant of the last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Feeds of terms and collections that have been put out.
    pub feeds: Vec<Remembered>,
    /// By address: ETag and instant of the last change of a document.
    pub documents: BTreeMap<String, (String, Timestamp)>,
}

/// Files that an article names, and what was found of them.
pub type Asked = Vec<(String, Option<FileFacts>)>;

/// Reads an article whole, with the files that it names.
pub type ReadWhole<'a> = dyn Fn(&Standing) -> Result<(Article, Asked), Unread> + Sync + 'a;

/// Why an article cannot be read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Its file is not the one that the catalog knows: a later pass reads it.
    Changing,
    /// Its file is as it was, and cannot be read.
    Broken,
}

/// An entry that some feed shows, and what it was made of.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Shown {
    /// The article.
    pub article: ArticleId,
    /// Its version.
    version: u64,
    /// What the site and the configuration said.
    setting: u64,
    /// The entry.
    entry: Arc<Entry>,
    /// The files that it names.
    asked: Arc<Asked>,
}

impl Shown {
    /// An entry that was just made.
    pub(super) fn new(standing: &Standing, setting: u64, entry: Entry, asked: Asked) -> Self {
        let version = standing.version();
        Self { article: standing.id, version, setting, entry: Arc::new(entry), asked: Arc::new(asked) }
    }

    /// The entry.
    pub fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// Whether it was made of an article as it is now.
    pub(super) fn is_of(&self, standing: &Standing, setting: u64) -> bool {
        self.version == standing.version() && self.setting == setting
    }

    /// Whether one of the files that it names is not as it was.
    /// `length` gives the length of a file, if it is there.
    pub fn is_stale(&self, length: &dyn Fn(&str) -> Option<u64>) -> bool {
        self.asked.iter().any(|(path, found)| length(path) != found.as_ref().map(|facts| facts.length))
    }

    /// A number that changes with what it was made of.
    fn made_of(&self) -> u64 {
        self.version ^ digest::number(format!("{:?}", self.asked))
    }

    /// The files that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(|(path, _)| path.as_str())
    }
}

/// All feeds, ready to be served.
#[derive(Debug, Clone, Default)]
pub struct FeedSet {
    /// The feeds: all, collections, categories, tags, each kind by term.
    pub feeds: Vec<Arc<Feed>>,
    /// The documents, by address.
    pub documents: BTreeMap<String, Arc<Document>>,
    /// Old addresses, and the address of the document that answers there.
    pub aliases: BTreeMap<String, String>,
    /// The entries that feeds show.
    pub(super) entries: HashMap<ArticleId, Shown>,
    /// Addresses of documents that were put out and are no more.
    pub(super) gone: BTreeSet<String>,
    /// The slugs of all terms.
    pub(super) slugs: Arc<Slugs>,
    /// What of the site and the configuration they were made of.
    pub(super) setting: u64,
    /// Whether an article was left out because its file was just changing.
    pub is_incomplete: bool,
    /// Articles that no feed may show as they are, and why: feeds show them as they were, or not at all.
    pub held: BTreeMap<ArticleId, Vec<Fault>>,
    /// Documents that were not put out as they are, and why: what is served is their last good form, if there is one.
    pub refused: Vec<Refused>,
}

/// A document that was not put out.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Its address.
    pub path: String,
    /// Why.
    pub fault: Fault,
}

impl FeedSet {
    /// No feed yet, but entries that were made before: by an earlier process.
    pub fn of_entries(entries: impl Iterator<Item = Shown>) -> Self {
        Self::with(entries.map(|shown| (shown.article, shown)).collect())
    }

    /// Entries and nothing else.
    pub(super) fn with(entries: HashMap<ArticleId, Shown>) -> Self {
        Self { entries, ..Self::default() }
    }

    /// The addresses of all terms.
    pub fn slugs(&self) -> &Slugs {
        &self.slugs
    }

    pub(super) fn entries(&self) -> &HashMap<ArticleId, Shown> {
        &self.entries
    }

    /// The entries of a feed, newest first.
    pub fn entries_of(&self, feed: &Feed) -> impl Iterator<Item = &Arc<Entry>> {
        feed.shown.iter().filter_map(|id| self.entries.get(id)).map(|shown| &shown.entry)
    }

    /// Whether a document was put out at an address, and is no more: a format that is not made any longer.
    pub fn is_gone(&self, path: &str) -> bool {
        self.gone.contains(&*percent_decode(path))
    }

    /// The document at an address, old or new, percent-encoded or not.
    pub fn document(&self, path: &str) -> Option<&Arc<Document>> {
        let path = percent_decode(path);
        self.documents.get(&path).or_else(|| self.documents.get(self.aliases.get(&path)?))
    }

    /// Old addresses that lead nowhere, with where they should lead.
    pub fn dead_aliases(&self, settings: &Settings) -> impl Iterator<Item = (&String, &String)> {
        let leads_there =
            |from: &str| matches!(self.demand(from, settings), Answer::Here(demand) if demand.form.is_some());
        self.aliases.iter().filter(move |(from, to)| !self.documents.contains_key(*to) && !leads_there(from))
    }

    /// The entries that feeds show.
    pub fn shown(&self) -> impl Iterator<Item = &Shown> {
        self.entries.values()
    }

    /// Entries that are new or other than before, and those that no feed shows any more.
    pub fn shown_since<'a>(&'a self, before: &'a FeedSet) -> (Vec<&'a Shown>, BTreeSet<ArticleId>) {
        let same = |a: &Shown, b: &Shown| Arc::ptr_eq(&a.entry, &b.entry);
        let new =
            self.entries.values().filter(|shown| !before.entries.get(&shown.article).is_some_and(|b| same(shown, b)));
        let dropped = before.entries.keys().filter(|id| !self.entries.contains_key(id)).copied();
        (new.collect(), dropped.collect())
    }

    /// Entries whose files are not as they were are to be made again; those whose article cannot be read stay. The
    /// groups that show them.
    pub fn forget(&mut self, stale: &BTreeSet<ArticleId>) -> BTreeSet<GroupKey> {
        for id in stale {
            if let Some(shown) = self.entries.get_mut(id) {
                shown.setting = 0;
            }
        }
        let shows = |feed: &&Arc<Feed>| feed.shows().any(|id| stale.contains(id));
        self.feeds.iter().filter(shows).map(|feed| feed.key()).collect()
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
                    changed: feed.changed,
                    print: feed.print,
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

/// The slugs of all terms, by kind and folded term.
pub type Slugs = BTreeMap<(Kind, String), String>;

/// Hash of everything that a feed's documents depend on.
pub(super) fn made_of(feed: &Feed, shown: &[&Shown], site: &SiteSettings, settings: &Settings) -> u64 {
    let full = settings.feeds.content == Content::Full;
    let versions: Vec<(ArticleId, u64)> = shown.iter().map(|shown| (shown.article, shown.made_of())).collect();
    let (url, hubs) = (settings.public_url.as_str(), &settings.feeds.hubs);
    digest::number(format!("{}\n{url}\n{hubs:?}\n{}\n{full}\n{versions:?}", feed.face(), site.print()))
}
