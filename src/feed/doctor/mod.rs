//! The feed doctor: what a validator would say, before anybody reads the feed.
//!
//! [`treat`] looks at one entry, mends what has one right mending, and tells the rest; [`check`] is an independent look
//! at a finished document before it takes the place of the last good one. Faults have the names of the W3C feed
//! validator's classes (validator.w3.org/feed/docs/), so that a person finds them explained there.

mod calendar;
mod atom;
mod document;
mod entry;
mod html;
mod json;
mod opml;
mod rss;
mod text;
mod tree;

pub use document::{Shape, check};
pub use entry::{examine, treat};

use crate::problem::{Place, Problem};
use std::fmt;

/// What is to be done about a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It would make a document invalid or unsafe, and nothing but a person can mend it: the entry is held back.
    Fatal,
    /// It was mended, or readers can live with it.
    Mild,
}

/// The part of an article that a fault comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Its identity.
    Identity,
    /// Its title.
    Title,
    /// Its address.
    Address,
    /// The date at which it was published.
    Date,
    /// The date of its last change.
    Updated,
    /// Its introduction.
    Summary,
    /// Its text.
    Body,
    /// Its lead image.
    Image,
    /// A file to download.
    File,
    /// Its author.
    Author,
    /// A category.
    Category,
    /// A tag.
    Tag,
    /// Its language.
    Language,
    /// Its dated, placed part.
    Event,
    /// No one part: the document as a whole.
    Document,
}

impl Field {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Title => "title",
            Self::Address => "address",
            Self::Date => "date",
            Self::Updated => "last change",
            Self::Summary => "introduction",
            Self::Body => "text",
            Self::Image => "image",
            Self::File => "file",
            Self::Author => "author",
            Self::Category => "category",
            Self::Tag => "tag",
            Self::Language => "language",
            Self::Event => "event",
            Self::Document => "document",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The W3C validator's name for it.
    pub class: &'static str,
    /// Where it comes from.
    pub field: Field,
    /// What is to be done.
    pub severity: Severity,
    /// Whether it is mended in the entry that [`treat`] gives back.
    pub mended: bool,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What a person can do about it.
    pub cure: &'static str,
}

impl Fault {
    /// As a problem of the article's file: an error if the entry is held back, a note if it is mended.
    pub fn problem(&self, file: impl Into<String>) -> Problem {
        let (message, cure) = (format!("{} ({})", self.message, self.class), self.cure);
        let problem = match (self.severity, self.mended) {
            (Severity::Fatal, _) => Problem::error(file, Place::FILE, message).kind("feed-error"),
            (Severity::Mild, false) => Problem::warning(file, Place::FILE, message).kind("feed-warning"),
            (Severity::Mild, true) => Problem::note(file, Place::FILE, message).kind("feed-note"),
        };
        problem.cure(cure)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.class, self.field.word(), self.message)
    }
}

impl std::error::Error for Fault {}

/// What is wrong with a document as a whole.
fn broken(class: &'static str, message: impl Into<String>) -> Fault {
    Fault {
        class,
        field: Field::Document,
        severity: Severity::Fatal,
        mended: false,
        message: message.into(),
        cure: "this is a fault of Crieur; the last good form stays up",
    }
}

/// A text in a message, cut if it is long.
fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let mut shown: String = text.chars().take(CHARACTERS_MAX).filter(|c| !c.is_control()).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
