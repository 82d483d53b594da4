//! All feeds at once: which there are, and their documents, made again only where something changed.

use super::entry::{Entry, entry};
use super::{Document, Feed, Kind, atom, json, media_type, path_of, rss};
use crate::article::{Article, ArticleId, FileFacts, SiteSettings};
use crate::catalog::{Catalog, GroupKey, Standing};
use crate::config::{Content, Feeds, Format, Hub};
use crate::digest;
use crate::text::{percent_decode, slug};
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

    /// The public addresses of the hubs.
    pub fn hubs(&self) -> Arc<[String]> {
        let address = |hub: &Hub| match hub {
            Hub::Own => self.public("/hub"),
            Hub::At(url) => url.to_string(),
        };
        self.feeds.hubs.iter().map(address).collect()
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
    entries: HashMap<ArticleId, Shown>,
    /// What of the site and the configuration they were made of.
    setting: u64,
    /// Whether an article was left out because its file was just changing.
    pub is_incomplete: bool,
}

impl FeedSet {
    /// No feed yet, but entries that were made before: by an earlier process.
    pub fn of_entries(entries: impl Iterator<Item = Shown>) -> Self {
        Self { entries: entries.map(|shown| (shown.article, shown)).collect(), ..Self::default() }
    }

    /// The document at an address, old or new, percent-encoded or not.
    pub fn document(&self, path: &str) -> Option<&Arc<Document>> {
        let path = percent_decode(path);
        self.documents.get(&path).or_else(|| self.documents.get(self.aliases.get(&path)?))
    }

    /// Old addresses that lead nowhere, with where they should lead.
    pub fn dead_aliases(&self) -> impl Iterator<Item = (&String, &String)> {
        self.aliases.iter().filter(|(_, to)| !self.documents.contains_key(*to))
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
        let shows = |feed: &&Arc<Feed>| feed.shown.iter().any(|id| stale.contains(id));
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

/// What feeds are made of.
pub struct Making<'a> {
    /// The articles.
    pub catalog: &'a Catalog,
    /// The site.
    pub site: &'a SiteSettings,
    /// The configuration.
    pub settings: &'a Settings,
    /// What is remembered of earlier feeds.
    pub memory: &'a Memory,
    /// The set made last, from which what did not change is taken.
    pub before: &'a FeedSet,
    /// The groups in which something changed; None means that all are looked at.
    pub affected: Option<&'a BTreeSet<GroupKey>>,
    /// Reads an article whole, with the files that it names.
    pub read: &'a ReadWhole<'a>,
    /// The instant.
    pub now: Timestamp,
}

/// A feed to be, with the articles in it.
struct Group<'a> {
    feed: Feed,
    shown: Vec<&'a Arc<Standing>>,
}

impl Making<'_> {
    /// All feeds at an instant.
    pub fn render(&self) -> FeedSet {
        let setting = digest::number(format!(
            "{} {:?} {}",
            self.site.print(),
            self.settings.feeds.content,
            self.settings.public_url
        ));
        let is_same = setting == self.before.setting && !self.before.feeds.is_empty();
        let affected = self.affected.filter(|_| is_same);
        let mut kept: BTreeMap<GroupKey, Arc<Feed>> = BTreeMap::new();
        if let Some(affected) = affected {
            let same = self.before.feeds.iter().filter(|feed| !affected.contains(&feed.key()));
            kept.extend(same.map(|feed| (feed.key(), Arc::clone(feed))));
        }
        let mut groups = self.groups(affected, &kept);
        let slugs: Slugs = kept
            .values()
            .map(|feed| &**feed)
            .chain(groups.iter().map(|group| &group.feed))
            .map(|feed| ((feed.kind, feed.term.clone()), feed.slug.clone()))
            .collect();
        let (mut entries, is_incomplete) = self.entries(&groups, &slugs, setting);
        for group in &mut groups {
            group.shown.retain(|standing| entries.contains_key(&standing.id));
            let dates = group.shown.iter().filter_map(|standing| entries.get(&standing.id));
            group.feed.updated = dates.map(|shown| shown.entry.updated.at).max().unwrap_or(group.feed.updated);
            group.feed.entries = group.shown.len();
            group.feed.shown = group.shown.iter().map(|standing| standing.id).collect();
        }
        let made: Vec<Arc<Document>> = groups.par_iter().flat_map(|group| self.documents(group, &entries)).collect();
        let mut documents: BTreeMap<String, Arc<Document>> = BTreeMap::new();
        for feed in kept.values() {
            let paths = self.settings.feeds.formats.iter().map(|format| feed.path_in(*format));
            documents
                .extend(paths.filter_map(|path| Some((path.clone(), Arc::clone(self.before.documents.get(&path)?)))));
        }
        documents.extend(made.into_iter().map(|document| (document.path.clone(), document)));
        kept.extend(groups.into_iter().map(|group| (group.feed.key(), Arc::new(group.feed))));
        let used: HashSet<ArticleId> = kept.values().flat_map(|feed| feed.shown.iter().copied()).collect();
        for (id, shown) in &self.before.entries {
            if used.contains(id) && !entries.contains_key(id) {
                entries.insert(*id, shown.clone());
            }
        }
        let aliases = &self.settings.feeds.aliases;
        FeedSet {
            aliases: aliases.iter().map(|(from, to)| (percent_decode(from), to.clone())).collect(),
            feeds: kept.into_values().collect(),
            documents,
            entries,
            setting,
            is_incomplete,
        }
    }

    /// The entries of the groups' articles: those made before, and the new ones, made on all cores.
    /// Also whether one was left out, or as it was, since its file is just changing.
    fn entries(&self, groups: &[Group], slugs: &Slugs, setting: u64) -> (HashMap<ArticleId, Shown>, bool) {
        let mut entries: HashMap<ArticleId, Shown> = HashMap::new();
        let mut to_make: BTreeMap<ArticleId, &Arc<Standing>> = BTreeMap::new();
        for standing in groups.iter().flat_map(|group| &group.shown) {
            let before = self.before.entries.get(&standing.id);
            match before.filter(|shown| shown.version == standing.version() && shown.setting == setting) {
                Some(shown) => {
                    entries.entry(standing.id).or_insert_with(|| shown.clone());
                }
                None => {
                    to_make.insert(standing.id, standing);
                }
            }
        }
        let is_changing = AtomicBool::new(false);
        let make = |standing: &Arc<Standing>| -> Option<Shown> {
            let (article, asked) = match (self.read)(standing) {
                Ok(read) => read,
                // What cannot be read now keeps its last good form.
                Err(why) => {
                    is_changing.fetch_or(why == Unread::Changing, Ordering::Relaxed);
                    return self.before.entries.get(&standing.id).cloned();
                }
            };
            let entry = Arc::new(entry(standing, &article, self.site, self.settings.feeds.content, slugs));
            let version = standing.version();
            Some(Shown { article: standing.id, version, setting, entry, asked: Arc::new(asked) })
        };
        let to_make: Vec<&Arc<Standing>> = to_make.into_values().collect();
        let made: Vec<Shown> = to_make.into_par_iter().filter_map(make).collect();
        entries.extend(made.into_iter().map(|shown| (shown.article, shown)));
        (entries, is_changing.into_inner())
    }

    fn documents(&self, group: &Group, entries: &HashMap<ArticleId, Shown>) -> Vec<Arc<Document>> {
        let (feed, before) = (&group.feed, self.before);
        let shown: Vec<&Entry> =
            group.shown.iter().filter_map(|standing| entries.get(&standing.id)).map(|shown| &*shown.entry).collect();
        let versions: Vec<u64> =
            group.shown.iter().filter_map(|standing| Some(entries.get(&standing.id)?.made_of())).collect();
        let made_of = made_of(feed, &versions, self.site, self.settings);
        let make = |format: &Format| {
            let path = feed.path_in(*format);
            match before.documents.get(&path).filter(|document| document.made_of == made_of) {
                Some(document) => Some(Arc::clone(document)),
                None => match bytes(*format, feed, &shown, self.site, self.settings) {
                    Some(body) => Some(Arc::new(self.complete(path, *format, body, feed, made_of))),
                    // What cannot be written keeps its last good form.
                    None => before.documents.get(&path).map(Arc::clone),
                },
            }
        };
        self.settings.feeds.formats.par_iter().filter_map(make).collect()
    }

    fn complete(&self, path: String, format: Format, body: Vec<u8>, feed: &Feed, made_of: u64) -> Document {
        let etag = digest::hex(&body, 16);
        let last_modified = match self.memory.documents.get(&path) {
            Some((known, at)) if *known == etag => *at,
            // Put out for the first time, it is as old as its newest entry; changed, it is as new as now, and always
            // later than before: HTTP dates have whole seconds, and an equal one would say that nothing changed.
            None => feed.updated.min(self.now),
            Some((_, before)) => self.now.max(before.saturating_add(SignedDuration::from_secs(1)).unwrap_or(self.now)),
        };
        Document {
            address: self.settings.public(&path),
            hubs: self.settings.hubs(),
            path,
            media_type: media_type(format),
            body: body.into(),
            etag,
            last_modified,
            made_of,
        }
    }

    /// The feeds that are to be made: those of groups that show something, and those that were put out before.
    fn groups(&self, affected: Option<&BTreeSet<GroupKey>>, kept: &BTreeMap<GroupKey, Arc<Feed>>) -> Vec<Group<'_>> {
        let remembered: BTreeMap<GroupKey, &Remembered> =
            self.memory.feeds.iter().map(|feed| (GroupKey::new(feed.kind, &feed.term), feed)).collect();
        let mut keys: BTreeSet<GroupKey> = match affected {
            Some(affected) => affected.clone(),
            None => self.catalog.groups().map(|(key, _)| key.clone()).chain(remembered.keys().cloned()).collect(),
        };
        keys.insert(GroupKey::all());
        let mut taken: BTreeSet<String> = remembered
            .values()
            .map(|feed| path_of(feed.kind, &feed.slug))
            .chain(kept.values().map(|feed| feed.path()))
            .collect();
        let mut groups = Vec::new();
        for key in keys {
            let articles = self.catalog.count_in(&key, self.now);
            let known = remembered.get(&key);
            if articles == 0 && known.is_none() && key.kind != Kind::All {
                continue;
            }
            let label = match key.kind {
                Kind::All => "",
                Kind::Collection => {
                    self.site.collections.get(&*key.term).map_or(&*key.term, |collection| collection.title.as_str())
                }
                Kind::Category | Kind::Tag => {
                    let label = self.catalog.group(&key).and_then(|group| group.label());
                    label.or(known.map(|feed| feed.label.as_str())).unwrap_or(&*key.term)
                }
            };
            let slug = match known {
                _ if key.kind == Kind::All => String::new(),
                Some(feed) => feed.slug.clone(),
                None => self
                    .before
                    .feeds
                    .iter()
                    .find(|feed| feed.kind == key.kind && feed.term == *key.term)
                    .map_or_else(|| new_slug(&key, label, &mut taken), |feed| feed.slug.clone()),
            };
            let title = match key.kind {
                Kind::All => self.site.title.clone(),
                _ => format!("{} – {label}", self.site.title),
            };
            let feed = Feed {
                kind: key.kind,
                term: key.term.to_string(),
                label: label.to_owned(),
                slug,
                title,
                articles,
                entries: 0,
                updated: known.map_or(LONG_AGO, |feed| feed.updated),
                shown: Vec::new(),
            };
            let shown = self.catalog.live_in(&key, self.now).take(self.settings.feeds.entries).collect();
            groups.push(Group { feed, shown });
        }
        groups
    }
}

fn bytes(format: Format, feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Option<Vec<u8>> {
    match format {
        Format::Rss => Some(rss::document(feed, entries, site, settings)),
        Format::Atom => atom::document(feed, entries, site, settings),
        Format::Json => Some(json::document(feed, entries, site, settings)),
    }
}

/// Hash of everything that a feed's documents depend on.
fn made_of(feed: &Feed, versions: &[u64], site: &SiteSettings, settings: &Settings) -> u64 {
    let full = settings.feeds.content == Content::Full;
    digest::number(format!(
        "{feed:?}\n{}\n{:?}\n{}\n{full}\n{versions:?}",
        settings.public_url.as_str(),
        settings.feeds.hubs,
        site.print()
    ))
}

/// The slugs of all terms, by kind and folded term.
pub type Slugs = BTreeMap<(Kind, String), String>;

/// An empty feed that nobody ever saw filled has to carry some date.
const LONG_AGO: Timestamp = Timestamp::constant(946_684_800, 0);

/// The slug of a feed that was never put out. Two terms with one slug share no feed: the later one gets a number.
fn new_slug(key: &GroupKey, label: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = slug(if key.kind == Kind::Collection { &key.term } else { label });
    let mut candidate = plain.clone();
    let mut number = 2;
    while !taken.insert(path_of(key.kind, &candidate)) {
        candidate = format!("{plain}-{number}");
        number += 1;
    }
    candidate
}
