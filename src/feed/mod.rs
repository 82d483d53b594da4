//! Feeds: which there are, which entries they hold, and their documents.
//!
//! A [`FeedSet`] is a pure function of the catalog, the settings, the instant and what earlier looks fixed (the
//! slugs of terms). The same content gives the same bytes, on every machine and after every restart.

pub mod archive;
pub mod atom;
pub mod audience;
pub mod beside;
pub mod coding;
pub mod conditional;
mod content_line;
pub mod demand;
pub mod doctor;
pub mod entry;
mod grouping;
pub mod ics;
pub mod json;
mod making;
mod media;
pub mod opml;
mod plain;
mod reading;
pub mod rss;
pub mod selection;
mod set;
mod settings;
pub mod tombstones;
mod wording;
pub mod words;

pub use crate::catalog::Kind;
pub use making::Making;
pub use reading::{Entries, Reading};
pub use set::{Asked, FeedSet, Memory, ReadWhole, Refused, Remembered, Shown, Slugs, Unread};
pub use settings::Settings;

use crate::article::ArticleId;
use crate::catalog::GroupKey;
use crate::config::Format;
use jiff::Timestamp;
use std::sync::Arc;

/// One feed, whatever its formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// What it is about.
    pub kind: Kind,
    /// The collection's name, the folded term or the language; empty for all, for events, for the site's language, and
    /// for a combination.
    pub term: String,
    /// The term as people write it.
    pub label: String,
    /// The end of its address.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its language, if it is not the site's.
    pub language: Option<String>,
    /// How many articles are in it, of which the newest are its entries.
    pub articles: usize,
    /// How many entries it has.
    pub entries: usize,
    /// When the newest change of its entries was.
    pub updated: Timestamp,
    /// When one of its articles last came, went or changed.
    pub changed: Timestamp,
    /// A number that changes with that.
    pub print: u64,
    /// Where this document stands among the feed's archives.
    pub history: History,
    /// The articles that its entries show.
    pub shown: Vec<ArticleId>,
    /// The events that its calendar shows, if that is made ahead.
    pub agenda: Vec<ArticleId>,
}

/// Where a document stands among the archives of its feed (RFC 5005, section 4), by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The number of the archive that it is; None for the document that readers subscribe to.
    pub archive: Option<u64>,
    /// The archive before it.
    pub previous: Option<u64>,
    /// The archive after it.
    pub next: Option<u64>,
}

/// An empty feed that nobody ever saw filled has to carry some date.
pub const LONG_AGO: Timestamp = Timestamp::constant(946_684_800, 0);

impl Feed {
    /// A feed of a kind that is about nothing yet.
    pub fn empty(kind: Kind) -> Self {
        Self {
            kind,
            term: String::new(),
            label: String::new(),
            slug: String::new(),
            title: String::new(),
            language: None,
            articles: 0,
            entries: 0,
            updated: LONG_AGO,
            changed: LONG_AGO,
            print: 0,
            history: History::default(),
            shown: Vec::new(),
            agenda: Vec::new(),
        }
    }

    /// The group of articles that it is made of.
    pub fn key(&self) -> GroupKey {
        GroupKey::new(self.kind, &self.term)
    }

    /// Its address without the format: `/feeds/tag/cloud`.
    pub fn path(&self) -> String {
        path_of(self.kind, &self.slug)
    }

    /// The address of its document that readers subscribe to, in a format: `/feeds/tag/cloud.rss`.
    pub fn path_in(&self, format: Format) -> String {
        format!("{}.{}", self.path(), format.extension())
    }

    /// The address of one of its archives: `/feeds/tag/cloud/archive/202611.rss`.
    pub fn archive_in(&self, number: u64, format: Format) -> String {
        format!("{}/archive/{number}.{}", self.path(), format.extension())
    }

    /// The address of this document in a format.
    pub fn own_path_in(&self, format: Format) -> String {
        match self.history.archive {
            Some(number) => self.archive_in(number, format),
            None => self.path_in(format),
        }
    }

    /// All articles that its documents show.
    pub fn shows(&self) -> impl Iterator<Item = &ArticleId> {
        self.shown.iter().chain(&self.agenda)
    }

    /// The links of this document to the archives (RFC 5005, section 4): relation and address.
    pub fn history_links(&self, format: Format) -> impl Iterator<Item = (&'static str, String)> {
        let History { archive, previous, next } = &self.history;
        let current = archive.map(|_| ("current", self.path_in(format)));
        let to = |rel: &'static str, number: Option<u64>| number.map(|number| (rel, self.archive_in(number, format)));
        current.into_iter().chain(to("prev-archive", *previous)).chain(to("next-archive", *next))
    }

    /// The address of its calendar: `/feeds/tag/cloud.ics`.
    pub fn calendar(&self) -> String {
        format!("{}.ics", self.path())
    }

    /// What its documents show beside their entries, for telling whether they must be made again.
    fn face(&self) -> String {
        let Self { kind, term, label, slug, title, language, updated, history, .. } = self;
        format!("{kind:?} {term:?} {label:?} {slug:?} {title:?} {language:?} {updated} {history:?}")
    }
}

/// The address of a feed without its format.
pub fn path_of(kind: Kind, slug: &str) -> String {
    match kind {
        kind if kind.is_single() => format!("/feeds/{}", kind.word()),
        kind => format!("/feeds/{}/{slug}", kind.word()),
    }
}

/// One document, complete: what is served, and what is written as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its address, such as `/feeds/all.rss`.
    pub path: String,
    /// Its media type, as feed readers and validators expect it.
    pub media_type: &'static str,
    /// Its public address: what it calls itself.
    pub address: String,
    /// The hubs that tell of its changes (W3C WebSub, section 4); none if it cannot be subscribed to.
    pub hubs: Arc<[String]>,
    /// Its bytes.
    pub body: Arc<[u8]>,
    /// Strong validator of its content (RFC 9110, section 8.8.3), without quotation marks.
    pub etag: String,
    /// When its content last changed, in whole seconds.
    pub last_modified: Timestamp,
    /// Hash of everything that it was made of: equal means that it need not be made again.
    pub made_of: u64,
}

/// The media type of a calendar (RFC 5545, section 8.1).
pub const CALENDAR_TYPE: &str = "text/calendar; charset=utf-8";
/// Most events of a calendar: the newest ones.
const CALENDAR_MAX: usize = 500;

/// How long a reader or a CDN may keep a feed without asking (RFC 9111, section 5.2): shorter than the least that common
/// readers wait anyway.
pub const CACHE_CONTROL: &str = "public, max-age=300";

/// The media type of a format, as feed readers and validators expect it.
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Rss => "application/rss+xml; charset=utf-8",
        Format::Atom => "application/atom+xml; charset=utf-8",
        Format::Json => "application/feed+json",
    }
}
