//! Feeds: which there are, which entries they hold, and their documents.
//!
//! A [`FeedSet`] is a pure function of the catalog, the settings, the instant and what earlier looks fixed (the
//! slugs of terms). The same content gives the same bytes, on every machine and after every restart.

pub mod atom;
pub mod audience;
pub mod conditional;
mod content_line;
pub mod entry;
pub mod ics;
pub mod json;
pub mod opml;
mod plain;
pub mod rss;
mod set;

pub use crate::catalog::Kind;
pub use set::{Asked, FeedSet, Making, Memory, Remembered, Settings, Shown, Unread};

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
    /// The collection's name, or the folded term; empty for all.
    pub term: String,
    /// The term as people write it.
    pub label: String,
    /// The end of its address.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// How many articles are in it, of which the newest are its entries.
    pub articles: usize,
    /// How many entries it has.
    pub entries: usize,
    /// When the newest change of its entries was.
    pub updated: Timestamp,
    /// The articles that its entries show.
    pub shown: Vec<ArticleId>,
}

impl Feed {
    /// The group of articles that it is made of.
    pub fn key(&self) -> GroupKey {
        GroupKey::new(self.kind, &self.term)
    }

    /// Its address without the format: `/feeds/tag/cloud`.
    pub fn path(&self) -> String {
        path_of(self.kind, &self.slug)
    }

    /// Its address in a format: `/feeds/tag/cloud.rss`.
    pub fn path_in(&self, format: Format) -> String {
        format!("{}.{}", self.path(), format.extension())
    }
}

/// The address of a feed without its format.
pub fn path_of(kind: Kind, slug: &str) -> String {
    match kind {
        Kind::All => "/feeds/all".to_owned(),
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

/// The media type of a format, as feed readers and validators expect it.
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Rss => "application/rss+xml; charset=utf-8",
        Format::Atom => "application/atom+xml; charset=utf-8",
        Format::Json => "application/feed+json",
    }
}
