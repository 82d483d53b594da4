//! All articles that stand on the site, each with its identity, as one value.

pub mod ledger;

use crate::article::{Article, ArticleDate, ArticleId, SiteSettings};
use crate::text::folded;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One article of the catalog.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its identity.
    pub id: ArticleId,
    /// What its file says.
    pub article: Arc<Article>,
    /// When it was first seen: its date in feeds where it has none.
    pub first_seen: Timestamp,
    /// When what a reader sees last changed.
    pub updated: Timestamp,
    /// A number that changes whenever anything of the article does.
    pub version: u64,
}

impl Standing {
    /// The date that feeds show and sort by.
    pub fn published(&self, site: &SiteSettings) -> ArticleDate {
        self.article.date.unwrap_or_else(|| ArticleDate::in_zone(self.first_seen, &site.timezone))
    }

    /// When what a reader sees last changed, never before it was published.
    pub fn updated(&self, site: &SiteSettings) -> ArticleDate {
        let published = self.published(site);
        if self.updated <= published.at { published } else { ArticleDate::in_zone(self.updated, &site.timezone) }
    }
}

/// All articles that stand on the site, live or not, newest first.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    all: Vec<Standing>,
    /// Where each identity stands in `all`.
    places: BTreeMap<ArticleId, usize>,
}

impl Catalog {
    /// Puts articles in the one order that every feed uses: newest first, then by identity.
    pub fn new(mut all: Vec<Standing>) -> Self {
        all.sort_by_key(|standing| {
            let date = standing.article.date.map_or(standing.first_seen, |date| date.at);
            (Reverse(date), standing.id)
        });
        let places = all.iter().enumerate().map(|(place, standing)| (standing.id, place)).collect();
        Self { all, places }
    }

    /// All of them, newest first.
    pub fn all(&self) -> &[Standing] {
        &self.all
    }

    /// Those that readers see at an instant, newest first.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Standing> {
        self.all.iter().filter(move |standing| standing.article.is_live(now))
    }

    /// The article of an identity.
    pub fn get(&self, id: &ArticleId) -> Option<&Standing> {
        self.all.get(*self.places.get(id)?)
    }

    /// The first instant after `now` at which an article enters or leaves.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.all.iter().filter_map(|standing| standing.article.next_change(now)).min()
    }

    /// The article that a person means: a path, a file's name, a slug or an address.
    ///
    /// Errors: nothing or more than one fits; the message says which.
    pub fn find(&self, wanted: &str) -> Result<&Standing, String> {
        let wanted = wanted.trim().trim_start_matches("./");
        let matching = |fits: &dyn Fn(&Article) -> bool| -> Vec<&Standing> {
            self.all.iter().filter(|standing| fits(&standing.article)).collect()
        };
        let bare = wanted.trim_end_matches('/');
        let steps: [&dyn Fn(&Article) -> bool; 4] = [
            &|article| article.path == wanted,
            &|article| {
                article.url.as_str().trim_end_matches('/') == bare || article.url.path().trim_end_matches('/') == bare
            },
            &|article| {
                let name = article.path.rsplit('/').next().unwrap_or("");
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
                let last = article.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or("");
                name == wanted
                    || stem == wanted
                    || last == wanted
                    || article.path.ends_with(&format!("/{wanted}"))
                    || wanted.ends_with(&format!("/{}", article.path))
            },
            &|article| folded(&article.title) == folded(wanted),
        ];
        for fits in steps {
            match matching(fits)[..] {
                [] => continue,
                [one] => return Ok(one),
                ref several => {
                    let paths: Vec<&str> = several.iter().map(|standing| standing.article.path.as_str()).collect();
                    return Err(format!(
                        "“{wanted}” fits several articles: {}; give the path of one",
                        paths.join(", ")
                    ));
                }
            }
        }
        Err(format!(
            "no article is found under “{wanted}”; give its path under the site's folder, its slug or its address"
        ))
    }
}
