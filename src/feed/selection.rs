//! Combinations of feeds: `cloud+numerique` (both), `cloud,numerique` (either), `cloud,-ia` (but not). A word of another
//! kind stands with it: `cloud+collection:communiques`.

use super::{Feed, FeedSet};
use crate::article::SiteSettings;
use crate::catalog::{GroupKey, Head, Kind};
use crate::text::{is_french, slug};
use std::sync::Arc;

/// Most words of a combination: each of them costs time, and the addresses are without end.
pub const WORDS_MAX: usize = 8;

/// Which articles a feed is about.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The kind in its address, to which words without a kind belong.
    pub kind: Kind,
    /// Any of these, of each all; none means all articles.
    any: Vec<Vec<Arc<Feed>>>,
    /// But none of these.
    without: Vec<Arc<Feed>>,
    /// The feed of everything, of a combination: an article may fit it for what it does not have.
    all: Option<Arc<Feed>>,
}

impl Selection {
    /// The articles of one feed.
    pub fn of(feed: Arc<Feed>) -> Self {
        Self { kind: feed.kind, any: vec![vec![feed]], without: Vec::new(), all: None }
    }

    /// Reads a combination. None if one of its words is no feed, if it has too many, or if nothing could ever fit it.
    pub fn parse(feeds: &FeedSet, kind: Kind, text: &str) -> Option<Self> {
        if kind.is_single() || text.len() > 1_000 || text.split([',', '+']).count() > WORDS_MAX {
            return None;
        }
        let word = |word: &str| known(feeds, kind, word);
        let (mut any, mut without) = (Vec::new(), Vec::new());
        for part in text.split(',') {
            match part.strip_prefix('-') {
                Some(excluded) => without.push(word(excluded)?),
                None => any.push(part.split('+').map(word).collect::<Option<Vec<_>>>()?),
            }
        }
        for all in &mut any {
            put_in_order(kind, all);
        }
        put_in_order(kind, &mut without);
        any.sort_by_cached_key(|all| all.iter().map(|feed| feed.path()).collect::<Vec<_>>());
        any.dedup_by(|a, b| a.iter().map(|feed| feed.path()).eq(b.iter().map(|feed| feed.path())));
        let contradicts =
            |all: &Vec<Arc<Feed>>| all.iter().any(|feed| without.iter().any(|not| not.key() == feed.key()));
        if !any.is_empty() && any.iter().all(contradicts) {
            return None;
        }
        let all = feeds.feeds.iter().find(|feed| feed.kind == Kind::All).cloned();
        Some(Self { kind, any, without, all })
    }

    /// The one feed that it is, if it is no combination.
    pub fn plain(&self) -> Option<&Arc<Feed>> {
        match (&self.any[..], &self.without[..]) {
            ([one], []) if one.len() == 1 => one.first(),
            _ => None,
        }
    }

    /// Its text in an address, the same for all ways to write it.
    pub fn slug(&self) -> String {
        let word = |feed: &Arc<Feed>| match feed.kind {
            kind if kind == self.kind => feed.slug.clone(),
            kind => format!("{}:{}", kind.word(), feed.slug),
        };
        let all = |feeds: &Vec<Arc<Feed>>| feeds.iter().map(word).collect::<Vec<_>>().join("+");
        let without = self.without.iter().map(|feed| format!("-{}", word(feed)));
        self.any.iter().map(all).chain(without).collect::<Vec<_>>().join(",")
    }

    /// What it is about, in the language of the site.
    pub fn label(&self, site: &SiteSettings) -> String {
        let french = is_french(&site.language);
        let [and, or, but_not, everything] =
            if french { [" et ", " ou ", "sauf ", "tout"] } else { [" and ", " or ", "except ", "everything"] };
        let label = |feed: &Arc<Feed>| feed.label.clone();
        let all = |feeds: &Vec<Arc<Feed>>| feeds.iter().map(label).collect::<Vec<_>>().join(and);
        let any = self.any.iter().map(all).collect::<Vec<_>>().join(or);
        let without = self.without.iter().map(label).collect::<Vec<_>>().join(", ");
        match (any.as_str(), without.as_str()) {
            (any, "") => any.to_owned(),
            ("", without) => format!("{everything}, {but_not}{without}"),
            (any, without) => format!("{any}, {but_not}{without}"),
        }
    }

    /// Any of these fits, of each all; none means that all articles do.
    pub fn any(&self) -> &[Vec<Arc<Feed>>] {
        &self.any
    }

    /// But none of these.
    pub fn without(&self) -> &[Arc<Feed>] {
        &self.without
    }

    /// The feeds that it is made of.
    pub fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.any.iter().flatten().chain(&self.without)
    }

    /// The feeds whose changes may change it.
    pub fn depends_on(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.feeds().chain(self.all.iter().filter(|_| self.plain().is_none()))
    }

    /// A small group that holds all that fits.
    pub fn base(&self) -> GroupKey {
        let smallest = match &self.any[..] {
            [all] => all.iter().min_by_key(|feed| feed.articles),
            _ => None,
        };
        smallest.map_or_else(GroupKey::all, |feed| feed.key())
    }

    /// Whether an article fits.
    pub fn fits(&self, article: &Head) -> bool {
        let holds = |feed: &Arc<Feed>| feed.key().holds(article);
        (self.any.is_empty() || self.any.iter().any(|all| all.iter().all(holds))) && !self.without.iter().any(holds)
    }
}

fn put_in_order(kind: Kind, feeds: &mut Vec<Arc<Feed>>) {
    feeds.sort_by_cached_key(|feed| (feed.kind != kind, feed.kind, feed.slug.clone()));
    feeds.dedup_by(|a, b| a.key() == b.key());
}

/// The feed of a word: by its slug, by another spelling that has the same slug, or by one that other generators make of
/// it (`journee-dechanges`).
pub fn known(feeds: &FeedSet, kind: Kind, word: &str) -> Option<Arc<Feed>> {
    let (kind, word) = match word.split_once(':') {
        Some((other, word)) => (Kind::parse(other).filter(|kind| !kind.is_single())?, word),
        None => (kind, word),
    };
    let of_kind = || feeds.feeds.iter().filter(|feed| feed.kind == kind);
    if let Some(feed) = of_kind().find(|feed| feed.slug == word) {
        return Some(Arc::clone(feed));
    }
    if word.trim().is_empty() {
        return None;
    }
    let folded = slug(word);
    if let Some(feed) = of_kind().find(|feed| feed.slug == folded) {
        return Some(Arc::clone(feed));
    }
    let bare = |slug: &str| slug.replace('-', "");
    let wanted = bare(&folded);
    let mut alike = of_kind().filter(|feed| bare(&feed.slug) == wanted);
    let only = alike.next()?;
    alike.next().is_none().then(|| Arc::clone(only))
}
