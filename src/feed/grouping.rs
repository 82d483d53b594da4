//! Which feeds there are, what they are called, and which articles stand in them.

use super::making::{Making, later};
use super::{CALENDAR_MAX, Feed, History, Kind, LONG_AGO, Remembered, archive, path_of};
use crate::article::SiteSettings;
use crate::catalog::{GroupKey, Standing};
use crate::text::{is_french, language_name, slug};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A feed to be, with the articles in it.
pub(super) struct Group<'a> {
    pub feed: Feed,
    pub shown: Vec<&'a Arc<Standing>>,
    /// The events of its calendar, if it has one that is made ahead.
    pub calendar: Vec<&'a Arc<Standing>>,
}

impl Making<'_> {
    /// The feeds that are to be made: those of groups that show something, and those that were put out before.
    pub(super) fn groups(
        &self,
        affected: Option<&BTreeSet<GroupKey>>,
        kept: &BTreeMap<GroupKey, Arc<Feed>>,
    ) -> Vec<Group<'_>> {
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
                term: key.term.to_string(),
                label,
                slug,
                title,
                language: (key.kind == Kind::Language && !key.term.is_empty()).then(|| key.term.to_string()),
                articles,
                updated: known.map_or(LONG_AGO, |feed| feed.updated),
                changed: match known {
                    Some(feed) if feed.print == print => feed.changed,
                    Some(feed) => later(self.now, feed.changed),
                    None => newest.min(self.now),
                },
                print,
                history: History { previous: self.newest_archive(&key), ..History::default() },
                ..Feed::empty(key.kind)
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
