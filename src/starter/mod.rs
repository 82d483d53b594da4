//! A first configuration, from what a site holds: what `crieur init` writes.
//!
//! Everything that the site says itself stands in comments, so that the site stays the place to change it; what cannot
//! be known is written with a value that works and a word on what to change.

mod scalar;
mod templates;
mod write;

pub use scalar::scalar;
pub use templates::{OldFeed, Template, own_feeds, template};
pub use write::write;

use crate::article::SiteSettings;
use crate::catalog::{Head, Label};
use crate::config::Generator;
use crate::post::hashtag::proposed;
use jiff::Timestamp;
use jiff::civil::Date;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most terms that are proposed; longer terms than that are no hashtags.
const TERMS_MAX: usize = 50;
const TERM_LENGTH_MAX: usize = 60;

/// What was found of a site.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The folder, as the person named it.
    pub root: &'a str,
    /// Its generator.
    pub generator: Generator,
    /// Its settings.
    pub site: &'a SiteSettings,
    /// Whether the site says its own address; if not, the one in the settings is made up.
    pub knows_url: bool,
    /// Whether the site says its own language.
    pub knows_language: bool,
    /// Its collections.
    pub collections: Vec<Collection>,
    /// Its tags, the most used first.
    pub tags: Vec<Term>,
    /// Its categories, the most used first.
    pub categories: Vec<Term>,
    /// Addresses of feeds that the site has, and those that shall answer there.
    pub feeds: Vec<OldFeed>,
}

/// A collection, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// Globs of its files, where they are not the generator's own for that name.
    pub paths: Vec<String>,
    /// How many articles it holds.
    pub articles: usize,
    /// How many of them have a date.
    pub dated: usize,
    /// The newest date that is not to come.
    pub newest: Option<Date>,
}

impl Collection {
    /// Whether it holds pages: most of its documents have no date.
    pub fn is_of_pages(&self) -> bool {
        self.articles > 0 && self.dated * 2 < self.articles
    }
}

/// A tag or category, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As most articles write it.
    pub name: String,
    /// How many articles have it.
    pub articles: usize,
    /// The hashtag that is proposed for it.
    pub hashtag: Option<String>,
}

/// The collections of a site with the number of their articles.
pub fn collections(articles: &[&Head], site: &SiteSettings, now: Timestamp) -> Vec<Collection> {
    let mut counted: BTreeMap<&str, Collection> = site
        .collections
        .iter()
        .map(|(name, collection)| {
            let usual = [format!("{}/**", collection.folder)];
            let is_usual = site.generator != Generator::Plain || collection.paths == usual;
            let paths = if is_usual { Vec::new() } else { collection.paths.clone() };
            (name.as_str(), Collection { name: name.clone(), paths, articles: 0, dated: 0, newest: None })
        })
        .collect();
    for article in articles {
        let Some(collection) = counted.get_mut(&*article.collection) else { continue };
        collection.articles += 1;
        if let Some(date) = article.date {
            collection.dated += 1;
            let day = (date.at <= now).then(|| date.at.to_zoned(site.timezone.clone()).date());
            collection.newest = collection.newest.max(day);
        }
    }
    counted.into_values().collect()
}

/// The terms of all articles, the most used first, spelled as most articles do.
pub fn terms(articles: &[&Head], of: impl Fn(&Head) -> &[Arc<Label>]) -> Vec<Term> {
    let mut spellings: BTreeMap<&Label, usize> = BTreeMap::new();
    for article in articles {
        for term in of(article) {
            *spellings.entry(term).or_default() += 1;
        }
    }
    let mut counted: BTreeMap<&str, (usize, Reverse<usize>, &str)> = BTreeMap::new();
    for (term, count) in spellings {
        let entry = counted.entry(&term.folded).or_insert((0, Reverse(0), &term.text));
        entry.0 += count;
        if (Reverse(count), term.text.as_str()) <= (entry.1, entry.2) {
            (entry.1, entry.2) = (Reverse(count), &term.text);
        }
    }
    let mut terms: Vec<Term> = counted
        .into_values()
        .map(|(articles, _, name)| Term { name: name.to_owned(), articles, hashtag: proposed(name) })
        .collect();
    terms.sort_by(|a, b| (Reverse(a.articles), &a.name).cmp(&(Reverse(b.articles), &b.name)));
    terms
}

/// The terms that are worth a line in the dictionary: used several times, and speakable.
pub fn worth_a_hashtag(terms: &[Term], articles: usize) -> impl Iterator<Item = (&Term, &str)> {
    let least = if articles < 50 { 2 } else { 3 };
    terms
        .iter()
        .filter(move |term| term.articles >= least && term.name.chars().count() <= TERM_LENGTH_MAX)
        .filter_map(|term| Some((term, term.hashtag.as_deref()?)))
        .take(TERMS_MAX)
}
