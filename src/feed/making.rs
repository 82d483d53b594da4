//! How feeds are made, again only where something changed.

use super::doctor::{self, Fault, Shape};
use super::entry::Entry;
use super::grouping::Group;
use super::ics::Cancelled;
use super::reading::{Entries, Reading, setting};
use super::set::{Slugs, made_of};
use super::{
    CALENDAR_MAX, CALENDAR_TYPE, Document, Feed, FeedSet, Kind, LONG_AGO, Memory, ReadWhole, Refused, Settings, Shown,
    atom, ics, json, media_type, opml, rss, tombstones,
};
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::{Catalog, GroupKey, PastEvent, Withdrawn};
use crate::config::Format;
use crate::digest;
use crate::text::percent_decode;
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

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
        let withdrawn = self.catalog.withdrawn(self.now);
        let documents_of = |group| self.documents(group, &entries, &withdrawn);
        let made: Vec<Made> = groups.par_iter().flat_map(documents_of).collect();
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
        for made in self.beside(&feeds, &withdrawn) {
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
    fn beside(&self, feeds: &[Arc<Feed>], withdrawn: &[Withdrawn]) -> Vec<Made> {
        let newest = withdrawn.first().map_or(LONG_AGO, |newest| newest.at);
        let tombstones = tombstones::document(withdrawn, self.site, self.settings);
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

    fn documents(&self, group: &Group, entries: &HashMap<ArticleId, Shown>, withdrawn: &[Withdrawn]) -> Vec<Made> {
        let feed = &group.feed;
        let shown: Vec<&Shown> = group.shown.iter().filter_map(|standing| entries.get(&standing.id)).collect();
        let made_of = made_of(feed, &shown, self.site, self.settings);
        let calendar = (feed.kind == Kind::Events).then(|| self.calendar(group, entries, withdrawn));
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
    fn calendar(&self, group: &Group, entries: &HashMap<ArticleId, Shown>, withdrawn: &[Withdrawn]) -> Made {
        let shown: Vec<&Entry> =
            group.calendar.iter().filter_map(|standing| Some(&**entries.get(&standing.id)?.entry())).collect();
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
pub(super) fn later(now: Timestamp, before: Timestamp) -> Timestamp {
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
