//! How feeds are made, again only where something changed.

use super::doctor::{self, Fault, Severity, Shape};
use super::entry::{Entry, entry};
use super::ics::Cancelled;
use super::set::{Slugs, made_of};
use super::{
    CALENDAR_MAX, CALENDAR_TYPE, Document, Feed, FeedSet, History, Kind, Memory, ReadWhole, Refused, Remembered,
    Settings, Shown, Unread, archive, atom, ics, json, media_type, opml, path_of, rss, tombstones,
};
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::{Catalog, GroupKey, PastEvent, Standing, Withdrawn};
use crate::config::Format;
use crate::digest;
use crate::text::{is_french, language_name, percent_decode, slug};
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// The events of its calendar, if it has one that is made ahead.
    calendar: Vec<&'a Arc<Standing>>,
}

/// What entries are made of, or taken from.
pub struct Reading<'a> {
    /// The site.
    pub site: &'a SiteSettings,
    /// The configuration.
    pub settings: &'a Settings,
    /// The addresses of terms.
    pub slugs: &'a Slugs,
    /// The set whose entries are taken where nothing changed.
    pub before: &'a FeedSet,
    /// Reads an article whole, with the files that it names.
    pub read: &'a ReadWhole<'a>,
    /// The instant.
    pub now: Timestamp,
}

/// Entries of articles.
pub struct Entries {
    /// Those that could be made, or are as they were.
    pub shown: HashMap<ArticleId, Shown>,
    /// Articles that no feed may show as they are, and why: they are shown as they were, or not at all.
    pub held: BTreeMap<ArticleId, Vec<Fault>>,
    /// Whether one was left out, or as it was, since its file is just changing.
    pub is_incomplete: bool,
}

impl Making<'_> {
    /// All feeds at an instant.
    pub fn render(&self) -> FeedSet {
        let setting = setting(self.site, self.settings);
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
        let (site, settings, before) = (self.site, self.settings, self.before);
        let reading = Reading { site, settings, slugs: &slugs, before, read: self.read, now: self.now };
        let Entries { shown: mut entries, held, is_incomplete } =
            reading.entries(groups.iter().flat_map(|group| group.shown.iter().chain(&group.calendar)).copied());
        for group in &mut groups {
            group.shown.retain(|standing| entries.contains_key(&standing.id));
            let dates = group.shown.iter().filter_map(|standing| entries.get(&standing.id));
            group.feed.updated = dates.map(|shown| shown.entry().updated.at).max().unwrap_or(group.feed.updated);
            group.feed.entries = group.shown.len();
            group.feed.shown = group.shown.iter().map(|standing| standing.id).collect();
            group.calendar.retain(|standing| entries.contains_key(&standing.id));
            group.feed.agenda = group.calendar.iter().map(|standing| standing.id).collect();
        }
        let mut held = self.still_held(&kept, &entries, held);
        let made: Vec<Made> = groups.par_iter().flat_map(|group| self.documents(group, &entries)).collect();
        let mut refused: Vec<Refused> = Vec::new();
        let mut documents: BTreeMap<String, Arc<Document>> = BTreeMap::new();
        for feed in kept.values() {
            let paths = self.settings.feeds.formats.iter().map(|format| feed.path_in(*format));
            let calendar = (feed.kind == Kind::Events).then(|| feed.calendar());
            documents.extend(
                paths
                    .chain(calendar)
                    .filter_map(|path| Some((path.clone(), Arc::clone(self.before.documents.get(&path)?)))),
            );
        }
        for made in made {
            refused.extend(made.refused);
            documents.extend(made.document.map(|document| (document.path.clone(), document)));
        }
        kept.extend(groups.into_iter().map(|group| (group.feed.key(), Arc::new(group.feed))));
        let used: HashSet<ArticleId> = kept.values().flat_map(|feed| feed.shows()).copied().collect();
        for (id, shown) in self.before.entries() {
            if used.contains(id) && !entries.contains_key(id) {
                entries.insert(*id, shown.clone());
            }
        }
        let feeds: Vec<Arc<Feed>> = kept.into_values().collect();
        for made in self.beside(&feeds) {
            refused.extend(made.refused);
            documents.extend(made.document.map(|document| (document.path.clone(), document)));
        }
        let still = self.before.refused.iter().filter(|refused| {
            // Of what was not made again, what was said counts.
            let is_same = |document: &Arc<Document>| {
                self.before.documents.get(&refused.path).is_some_and(|before| Arc::ptr_eq(before, document))
            };
            affected.is_some() && documents.get(&refused.path).is_some_and(is_same)
        });
        let said: BTreeSet<String> = refused.iter().map(|refused| refused.path.clone()).collect();
        let still: Vec<Refused> = still.filter(|refused| !said.contains(&refused.path)).cloned().collect();
        refused.extend(still);
        held.retain(|id, _| self.catalog.get(id).is_some_and(|standing| standing.article.is_live(self.now)));
        let aliases = &self.settings.feeds.aliases;
        let known = self.memory.documents.keys().chain(self.before.documents.keys()).chain(&self.before.gone);
        FeedSet {
            // What is refused and has no good form is not there now; it is not gone for ever.
            gone: known.filter(|path| !documents.contains_key(*path) && !said.contains(*path)).cloned().collect(),
            aliases: aliases.iter().map(|(from, to)| (percent_decode(from), to.clone())).collect(),
            feeds,
            documents,
            slugs: Arc::new(slugs),
            setting,
            is_incomplete,
            held,
            refused,
            ..FeedSet::with(entries)
        }
    }

    /// What is held back: what was found now, and what was found before of articles that were not looked at again.
    fn still_held(
        &self,
        kept: &BTreeMap<GroupKey, Arc<Feed>>,
        entries: &HashMap<ArticleId, Shown>,
        found: BTreeMap<ArticleId, Vec<Fault>>,
    ) -> BTreeMap<ArticleId, Vec<Fault>> {
        let mut held = found;
        let looked_at = |id: &ArticleId| {
            let groups = self.catalog.get(id).map(|standing| GroupKey::of(&standing.article));
            entries.contains_key(id) || groups.is_some_and(|groups| groups.iter().any(|key| !kept.contains_key(key)))
        };
        for (id, faults) in &self.before.held {
            if !looked_at(id) {
                held.entry(*id).or_insert_with(|| faults.clone());
            }
        }
        held
    }

    /// The documents beside the feeds.
    fn beside(&self, feeds: &[Arc<Feed>]) -> Vec<Made> {
        let withdrawn = self.catalog.withdrawn(self.now);
        let newest = withdrawn.first().map_or(LONG_AGO, |newest| newest.at);
        let tombstones = tombstones::document(&withdrawn, self.site, self.settings);
        let path = tombstones::PATH.to_owned();
        let tombstones = tombstones.map(|body| {
            let made_of = digest::number(&body);
            self.examined(path, Shape::Atom, media_type(Format::Atom), body, newest, made_of)
        });
        let extra = [(tombstones::title(self.site), self.settings.public(tombstones::PATH))];
        let opml = opml::document(feeds, self.site, self.settings, &extra);
        let updated = feeds.iter().map(|feed| feed.updated).max().unwrap_or(LONG_AGO);
        let made_of = digest::number(&opml);
        let opml = self.examined(opml::PATH.to_owned(), Shape::Opml, opml::MEDIA_TYPE, opml, updated, made_of);
        tombstones.into_iter().chain([opml]).collect()
    }

    fn documents(&self, group: &Group, entries: &HashMap<ArticleId, Shown>) -> Vec<Made> {
        let feed = &group.feed;
        let shown: Vec<&Shown> = group.shown.iter().filter_map(|standing| entries.get(&standing.id)).collect();
        let made_of = made_of(feed, &shown, self.site, self.settings);
        let calendar = (feed.kind == Kind::Events).then(|| self.calendar(group, entries));
        let entries: Vec<&Entry> = shown.iter().map(|shown| &**shown.entry()).collect();
        let make = |format: &Format| {
            let path = feed.path_in(*format);
            if let Some(same) = self.same(&path, made_of) {
                return same;
            }
            match bytes(*format, feed, &entries, self.site, self.settings) {
                Some(body) => self.examined(path, shape(*format), media_type(*format), body, feed.updated, made_of),
                // What cannot be written keeps its last good form.
                None => Made { document: self.before.documents.get(&path).map(Arc::clone), refused: None },
            }
        };
        let made: Vec<Made> = self.settings.feeds.formats.par_iter().map(make).collect();
        made.into_iter().chain(calendar).collect()
    }

    /// The calendar of all events, with those that were called off: programs take out what a person put in.
    fn calendar(&self, group: &Group, entries: &HashMap<ArticleId, Shown>) -> Made {
        let shown: Vec<&Entry> =
            group.calendar.iter().filter_map(|standing| Some(&**entries.get(&standing.id)?.entry())).collect();
        let withdrawn = self.catalog.withdrawn(self.now);
        let cancelled: Vec<Cancelled> = withdrawn.iter().filter_map(cancelled).take(CALENDAR_MAX).collect();
        let body = ics::document(&group.feed, &shown, &cancelled, self.site, self.settings);
        let updated = shown.iter().map(|entry| entry.updated.at).max().unwrap_or(LONG_AGO);
        let made_of = digest::number(&body);
        self.examined(group.feed.calendar(), Shape::Calendar, CALENDAR_TYPE, body, updated, made_of)
    }

    /// The document that was made of the same before.
    fn same(&self, path: &str, made_of: u64) -> Option<Made> {
        let document = self.before.documents.get(path).filter(|document| document.made_of == made_of)?;
        Some(Made { document: Some(Arc::clone(document)), refused: None })
    }

    /// A document, looked at before it takes the place of the last good one.
    fn examined(
        &self,
        path: String,
        shape: Shape,
        media_type: &'static str,
        body: Vec<u8>,
        updated: Timestamp,
        made_of: u64,
    ) -> Made {
        if let Some(same) = self.same(&path, made_of) {
            return same;
        }
        match doctor::check(shape, &self.settings.public(&path), &body) {
            Ok(()) => {
                let document = self.complete(path, media_type, body, updated, made_of);
                Made { document: Some(Arc::new(document)), refused: None }
            }
            Err(fault) => Made {
                document: self.before.documents.get(&path).map(Arc::clone),
                refused: Some(Refused { path, fault }),
            },
        }
    }

    fn complete(
        &self,
        path: String,
        media_type: &'static str,
        body: Vec<u8>,
        updated: Timestamp,
        made_of: u64,
    ) -> Document {
        let etag = etag(&body);
        let last_modified = match self.memory.documents.get(&path) {
            Some((known, at)) if *known == etag => *at,
            // Put out for the first time, it is as old as its newest entry; changed, it is as new as now, and always
            // later than before: HTTP dates have whole seconds, and an equal one would say that nothing changed.
            None => updated.min(self.now),
            Some((_, before)) => later(self.now, *before),
        };
        document(path, media_type, body, etag, last_modified, made_of, self.settings)
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
        let has_languages = self.has_languages(&remembered);
        if affected.is_some() && has_languages {
            // A second language makes a feed of the first one too.
            let languages = self.catalog.groups().filter(|(key, _)| key.kind == Kind::Language);
            keys.extend(languages.filter(|(key, _)| !kept.contains_key(key)).map(|(key, _)| key.clone()));
        }
        let mut taken: BTreeSet<String> = remembered
            .values()
            .map(|feed| path_of(feed.kind, &feed.slug))
            .chain(kept.values().map(|feed| feed.path()))
            .collect();
        let mut groups = Vec::new();
        for key in keys {
            let articles = self.catalog.count_in(&key, self.now);
            let known = remembered.get(&key).copied();
            let is_wanted = match key.kind {
                Kind::All => true,
                Kind::Language => known.is_some() || (has_languages && articles > 0),
                _ => known.is_some() || articles > 0,
            };
            if !is_wanted {
                continue;
            }
            let label = self.label(&key, known);
            let slug = match known {
                _ if key.kind.is_single() => String::new(),
                Some(feed) => feed.slug.clone(),
                None => {
                    self.before.feeds.iter().find(|feed| feed.kind == key.kind && feed.term == *key.term).map_or_else(
                        || new_slug(&key, name_of(&key, &label, self.site), &mut taken),
                        |feed| feed.slug.clone(),
                    )
                }
            };
            let title = match key.kind {
                Kind::All => self.site.title.clone(),
                _ => format!("{} – {label}", self.site.title),
            };
            let shown: Vec<_> = self.catalog.live_in(&key, self.now).take(self.settings.feeds.entries).collect();
            let newest = shown.iter().map(|standing| standing.updated(self.site).at).max().unwrap_or(LONG_AGO);
            let print = self.catalog.print_in(&key, self.now);
            let feed = Feed {
                kind: key.kind,
                term: key.term.to_string(),
                label,
                slug,
                title,
                language: (key.kind == Kind::Language && !key.term.is_empty()).then(|| key.term.to_string()),
                articles,
                entries: 0,
                updated: known.map_or(LONG_AGO, |feed| feed.updated),
                changed: match known {
                    Some(feed) if feed.print == print => feed.changed,
                    Some(feed) => later(self.now, feed.changed),
                    None => newest.min(self.now),
                },
                print,
                history: History { previous: self.newest_archive(&key), ..History::default() },
                shown: Vec::new(),
                agenda: Vec::new(),
            };
            let calendar = match key.kind {
                Kind::Events => self.catalog.live_in(&key, self.now).take(CALENDAR_MAX).collect(),
                _ => Vec::new(),
            };
            groups.push(Group { feed, shown, calendar });
        }
        groups
    }

    /// The term as people write it.
    fn label(&self, key: &GroupKey, known: Option<&Remembered>) -> String {
        let french = is_french(&self.site.language);
        match key.kind {
            Kind::All => String::new(),
            Kind::Events if french => "Événements".to_owned(),
            Kind::Events => "Events".to_owned(),
            Kind::Collection => self
                .site
                .collections
                .get(&*key.term)
                .map_or(&*key.term, |collection| collection.title.as_str())
                .to_owned(),
            Kind::Language => {
                language_name(if key.term.is_empty() { &self.site.language } else { &key.term }).to_owned()
            }
            Kind::Category | Kind::Tag | Kind::Author => {
                let label = self.catalog.label_in(key, self.now);
                label.or(known.map(|feed| feed.label.as_str())).unwrap_or(&*key.term).to_owned()
            }
        }
    }

    /// Whether readers see articles of more than one language, or ever did.
    fn has_languages(&self, remembered: &BTreeMap<GroupKey, &Remembered>) -> bool {
        let groups = self.catalog.groups().filter(|(key, _)| key.kind == Kind::Language);
        let live = groups.filter(|(key, _)| self.catalog.live_in(key, self.now).next().is_some());
        live.take(2).count() > 1 || remembered.keys().any(|key| key.kind == Kind::Language)
    }

    /// The number of the newest archive of a group; None without archives.
    fn newest_archive(&self, key: &GroupKey) -> Option<u64> {
        let dates = self.catalog.live_in(key, self.now).map(|standing| standing.published_at());
        archive::newest(dates, self.settings.feeds.entries, &self.site.timezone)
            .filter(|_| self.settings.feeds.archives)
    }
}

impl Reading<'_> {
    /// The entries of articles: those made before, and the new ones, made on all cores.
    pub fn entries<'s>(&self, wanted: impl Iterator<Item = &'s Arc<Standing>>) -> Entries {
        let setting = setting(self.site, self.settings);
        let mut entries: HashMap<ArticleId, Shown> = HashMap::new();
        let mut to_make: BTreeMap<ArticleId, &Arc<Standing>> = BTreeMap::new();
        for standing in wanted {
            let before = self.before.entries().get(&standing.id);
            match before.filter(|shown| shown.is_of(standing, setting)) {
                Some(shown) => {
                    entries.entry(standing.id).or_insert_with(|| shown.clone());
                }
                None => {
                    to_make.insert(standing.id, standing);
                }
            }
        }
        let is_changing = AtomicBool::new(false);
        let make = |standing: &Arc<Standing>| -> (Option<Shown>, Option<(ArticleId, Vec<Fault>)>) {
            let as_it_was = || self.before.entries().get(&standing.id).cloned();
            let (article, asked) = match (self.read)(standing) {
                Ok(read) => read,
                // What cannot be read now keeps its last good form.
                Err(why) => {
                    is_changing.fetch_or(why == Unread::Changing, Ordering::Relaxed);
                    return (as_it_was(), None);
                }
            };
            let entry = entry(standing, &article, self.site, self.settings.feeds.content, self.slugs);
            let (entry, mut faults) = doctor::treat(entry, self.now);
            faults.retain(|fault| fault.severity == Severity::Fatal);
            if faults.is_empty() {
                (Some(Shown::new(standing, setting, entry, asked)), None)
            } else {
                (as_it_was(), Some((standing.id, faults)))
            }
        };
        let to_make: Vec<&Arc<Standing>> = to_make.into_values().collect();
        let made: Vec<_> = to_make.into_par_iter().map(make).collect();
        let mut held = BTreeMap::new();
        for (shown, faults) in made {
            entries.extend(shown.map(|shown| (shown.article, shown)));
            held.extend(faults);
        }
        Entries { shown: entries, held, is_incomplete: is_changing.into_inner() }
    }
}

/// What came of making a document: the document as it is now or, where that was refused, as it was.
struct Made {
    document: Option<Arc<Document>>,
    refused: Option<Refused>,
}

/// What a format looks like to the doctor.
pub(super) fn shape(format: Format) -> Shape {
    match format {
        Format::Rss => Shape::Rss,
        Format::Atom => Shape::Atom,
        Format::Json => Shape::Json,
    }
}

/// An event that was called off.
fn cancelled(withdrawn: &Withdrawn) -> Option<Cancelled> {
    let PastEvent { time, published } = withdrawn.event.as_ref()?;
    let (id, at, published) = (withdrawn.guid.clone(), withdrawn.at, *published);
    Some(Cancelled { id, start: time.start, end: time.end, all_day: time.all_day, at, published })
}

/// A number that changes with what the site and the configuration say of every entry.
fn setting(site: &SiteSettings, settings: &Settings) -> u64 {
    digest::number(format!("{} {:?} {}", site.print(), settings.feeds.content, settings.public_url))
}

/// The bytes of a feed in a format. None if they cannot be written.
pub(super) fn bytes(
    format: Format,
    feed: &Feed,
    entries: &[&Entry],
    site: &SiteSettings,
    settings: &Settings,
) -> Option<Vec<u8>> {
    match format {
        Format::Rss => Some(rss::document(feed, entries, site, settings)),
        Format::Atom => atom::document(feed, entries, site, settings),
        Format::Json => Some(json::document(feed, entries, site, settings)),
    }
}

/// Strong validator of bytes (RFC 9110, section 8.8.3).
pub(super) fn etag(body: &[u8]) -> String {
    digest::hex(body, 16)
}

/// Now, and in any case a second later than before.
fn later(now: Timestamp, before: Timestamp) -> Timestamp {
    now.max(before.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now))
}

/// A complete document.
pub(super) fn document(
    path: String,
    media_type: &'static str,
    body: Vec<u8>,
    etag: String,
    last_modified: Timestamp,
    made_of: u64,
    settings: &Settings,
) -> Document {
    Document {
        address: settings.public(&path),
        hubs: settings.hubs(),
        path,
        media_type,
        body: body.into(),
        etag,
        last_modified,
        made_of,
    }
}

/// An empty feed that nobody ever saw filled has to carry some date.
pub(super) const LONG_AGO: Timestamp = Timestamp::constant(946_684_800, 0);

/// What the slug of a feed is made of.
fn name_of<'a>(key: &'a GroupKey, label: &'a str, site: &'a SiteSettings) -> &'a str {
    match key.kind {
        Kind::Collection => &key.term,
        Kind::Language if key.term.is_empty() => &site.language,
        Kind::Language => &key.term,
        _ => label,
    }
}

/// The slug of a feed that was never put out. Two terms with one slug share no feed: the later one gets a number.
fn new_slug(key: &GroupKey, name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = slug(name);
    let mut candidate = plain.clone();
    let mut number = 2;
    while !taken.insert(path_of(key.kind, &candidate)) {
        candidate = format!("{plain}-{number}");
        number += 1;
    }
    candidate
}
