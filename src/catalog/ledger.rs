//! The ledger: what is remembered of every article ever seen.

use super::{Catalog, EventTime, Head, Names, StampHash, Standing};
use crate::article::ArticleId;
use crate::article::sketch::Gist;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is remembered of an article beside what its file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Addresses that it had or says it had, without scheme, beside the present one.
    pub former: Box<[Box<str>]>,
    /// Its identity as the author wrote it.
    pub own_id: Option<Box<str>>,
    /// Its identity in feeds, where that is not its own: the address by which readers of the site's old feeds know it.
    pub guid: Option<Box<str>>,
    /// A few samples of its text, by which texts like it are found.
    pub gist: Gist,
    /// Hash of what a reader sees; 0 if that is not known.
    pub visible: u64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When what a reader sees last changed.
    pub updated: Timestamp,
    /// Hash of path, date and state, which must stay the same for an article to settle.
    pub state: u64,
    /// Since when they are the same.
    pub state_since: Timestamp,
    /// Whether its announcement is decided.
    pub decided: Option<Decided>,
    /// The article of which it came as nearly a copy, and the share of its three-word runs that is left; less than
    /// [`LIKENESS`](crate::article::sketch::LIKENESS) where it was rewritten and nothing was said of it yet.
    pub copy_of: Option<Box<(ArticleId, f64)>>,
    /// When readers ceased to see it, if a look found it so: they are told. None while they see it, or if they never did.
    pub withdrawn: Option<Timestamp>,
    /// When it was to take place by what they last saw, if a look found it withdrawn and it was an event: what becomes of
    /// its file since is nothing that they may know.
    pub event: Option<Box<PastEvent>>,
}

impl Past {
    /// The identity in feeds of the article that this is remembered of.
    pub fn guid(&self, id: ArticleId) -> String {
        self.guid.as_deref().map_or_else(|| id.urn(), str::to_owned)
    }
}

/// What is remembered of an article whose file is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Gone {
    /// Its identity.
    pub id: ArticleId,
    /// Its last path.
    pub path: String,
    /// Its last title.
    pub title: String,
    /// Its last address, without scheme.
    pub address: String,
    /// What else is remembered.
    pub past: Past,
    /// Since when its file is gone.
    pub since: Timestamp,
}

/// An event that readers saw and do not see any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastEvent {
    /// When it would have taken place.
    pub time: EventTime,
    /// When its article was published.
    pub published: Timestamp,
}

/// What the store keeps of an article, standing or gone.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its identity.
    pub id: ArticleId,
    /// Its last path.
    pub path: String,
    /// Its last title.
    pub title: String,
    /// Its last address, without scheme.
    pub address: String,
    /// What else is remembered.
    pub past: Past,
    /// Since when its file is gone.
    pub gone_since: Option<Timestamp>,
}

impl Row {
    /// Into the catalog: as gone, or as standing with what little the ledger says of it, until its file is read; beside
    /// what an index that is behind the ledger says of its file.
    pub fn enter(self, catalog: &mut Catalog, names: &mut Names) {
        let Self { id, path, title, address, past, gone_since } = self;
        match gone_since {
            Some(since) => catalog.let_go(Gone { id, path, title, address, past, since }),
            None => {
                let known = catalog.get(&id).cloned();
                let (head, print) = match &known {
                    Some(known) => (known.article.clone(), known.print),
                    None => (Head { collection: names.word(""), published: false, ..Head::default() }, 0),
                };
                let url = match &known {
                    Some(known) if without_scheme(&known.article.url) == address => known.article.url.clone(),
                    _ => format!("https://{address}").into(),
                };
                let article = Head { path: path.into(), title: title.into(), url, ..head };
                catalog.put(Standing { id, article, past, stamp: StampHash::default(), print });
            }
        }
    }
}

/// Why nothing more is announced of an article by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decided {
    /// It was live at the first start.
    Baseline,
    /// Its moment came: the rules that fitted it then were followed.
    Announced,
    /// It was no news when it appeared. A corrected date, path or state opens the question again.
    Stale,
    /// It was no news, and its date was set anew together with those of many others: that is work on the site as a whole.
    Redated,
}

impl Decided {
    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Announced => "announced",
            Self::Stale => "stale",
            Self::Redated => "redated",
        }
    }

    /// Reads the word in the store.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Baseline, Self::Announced, Self::Stale, Self::Redated].into_iter().find(|decided| decided.word() == word)
    }
}

/// http and https are one address.
pub fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}
