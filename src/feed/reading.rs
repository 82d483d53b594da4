//! The entries of articles: taken from those made before, or made anew, on all cores.

use super::doctor::{self, Fault, Severity};
use super::entry::entry;
use super::set::Slugs;
use super::{FeedSet, ReadWhole, Settings, Shown, Unread};
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::Standing;
use crate::digest;
use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// A number that changes with what the site and the configuration say of every entry.
pub(super) fn setting(site: &SiteSettings, settings: &Settings) -> u64 {
    digest::number(format!("{} {:?} {}", site.print(), settings.feeds.content, settings.public_url))
}
