//! Articles as their files say, with what tells them from others and from themselves.

use super::head::Plain;
use super::ledger::{Past, without_scheme};
use super::{Stamp, StampHash};
use crate::article::identity::Seen;
use crate::article::sketch::Sketch;
use crate::article::{self, Article, Depth, Event, EventStatus, Life, SiteSettings, SourceFile};
use crate::digest;
use crate::problem::{Place, Problem};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// An article as it was read, with what tells it from others and from itself: worked out once, when its file is read.
#[derive(Debug, Clone)]
pub struct Read {
    pub(super) plain: Plain,
    pub(super) life: Life,
    pub(super) date: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
    pub(super) seen: Seen,
    pub(super) visible: u64,
    pub(super) state: u64,
    pub(super) stamp: StampHash,
    pub(super) print: u64,
}

impl Read {
    /// Works it out. `stamp` and `print` are those of its file. Where nothing is known yet, there is nothing to compare
    /// its text with, which can wait.
    pub fn new(article: &Article, stamp: Stamp, print: u64, with_text: bool) -> Self {
        let (sketch, visible) = if with_text { texts(article) } else { (Sketch::default(), 0) };
        Self {
            plain: Plain::of(article),
            life: article.life(),
            date: article.date.map(|date| date.at),
            modified: article.modified.map(|date| date.at),
            seen: Seen {
                path: article.path.clone(),
                addresses: std::iter::once(&article.url)
                    .chain(&article.aliases)
                    .map(|url| without_scheme(url.as_str()).to_owned())
                    .collect(),
                own_id: article.own_id.clone(),
                sketch,
            },
            visible,
            state: state(article),
            stamp: stamp.into(),
            print,
        }
    }

    /// The path of its file.
    pub fn path(&self) -> &str {
        &self.seen.path
    }

    /// Hash of its file's bytes.
    pub fn print(&self) -> u64 {
        self.print
    }
}

/// What a file of a collection is.
#[derive(Debug)]
pub enum Outcome {
    /// An article.
    Article(Box<Read>),
    /// None, or none that can be read.
    Other {
        /// What a person should see.
        problems: Vec<Problem>,
        /// Whether it should be an article: the last good version stays in its place.
        broken: bool,
    },
}

/// Reads one file by itself, with or without its text.
pub fn file(file: &SourceFile, site: &SiteSettings, stamp: Stamp, with_text: bool) -> Outcome {
    let read = || {
        let depth = if with_text { Depth::Text } else { Depth::Head };
        let parsed = article::parse(file, site, &|_: &str| None, depth);
        match parsed.article {
            Some(article) => {
                let print = digest::number(&file.bytes);
                Outcome::Article(Box::new(Read::new(&article, stamp, print, with_text)))
            }
            None => Outcome::Other { problems: parsed.problems, broken: parsed.broken },
        }
    };
    guarded(read).unwrap_or_else(|| Outcome::Other { problems: vec![fault(&file.path)], broken: true })
}

/// The reading of one file. None if it panics: that is the file's problem, not the others'.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok()
}

/// A panic in the reader of one file.
pub fn fault(path: &str) -> Problem {
    Problem::error(path, Place::FILE, "the file cannot be read, by a fault of Crieur")
        .kind("unreadable-file")
        .cure("report it together with the file")
}

/// What is said of a file whose name is not UTF-8; `path` is what can be shown of it.
pub fn nameless(path: &str) -> Problem {
    Problem::error(path, Place::FILE, "the file's name is not UTF-8, so it has no address")
        .kind("unreadable-file")
        .cure("rename it: letters, digits and hyphens are understood everywhere")
}

/// What a look at the site found, compared with the catalog.
#[derive(Debug, Default)]
pub struct Changes {
    /// Articles whose files are new or changed.
    pub read: Vec<Box<Read>>,
    /// Paths at which articles stood whose files are gone.
    pub removed: Vec<String>,
    /// Paths of files that are there and cannot be read: their articles have not vanished.
    pub unreadable: BTreeSet<String>,
    /// Renames that the source reports: old and new path.
    pub renames: Vec<(String, String)>,
    /// Nothing is known yet: every article is new, and there is nothing to be a copy of.
    pub first: bool,
}

/// Works out of an article's text what [`Read::new`] left for later: to tell it from others and from itself.
pub fn digest_text(past: &mut Past, article: &Article) -> Sketch {
    let (sketch, visible) = texts(article);
    past.gist = sketch.gist();
    past.visible = visible;
    sketch
}

/// The article's text, sampled; and a hash of what a reader sees of it: neither white space, nor tags, nor keys of the
/// layout.
fn texts(article: &Article) -> (Sketch, u64) {
    let chapeau = article.chapeau.as_deref().unwrap_or("");
    let parts = [article.title.as_str(), chapeau, article.body.as_str()];
    let mut more = String::new();
    for image in &article.images {
        more.push_str(&format!("\n{} {:?} {:?}", image.url, image.alt, image.legend));
    }
    for attachment in &article.attachments {
        more.push_str(&format!("\n{}", attachment.url));
    }
    if let Some(event) = &article.event {
        // Written out, so that what is added to an event and says nothing changes no hash.
        let Event { start, end, all_day, status, place, address, links } = event;
        more.push_str(&format!(
            "\nEvent {{ start: {start:?}, end: {end:?}, all_day: {all_day:?}, place: {place:?}, address: {address:?}, links: {links:?} }}"
        ));
        if *status != EventStatus::Confirmed {
            more.push_str(&format!(" {status:?}"));
        }
    }
    for correction in &article.corrections {
        more.push_str(&format!("\n{:?} {}", correction.date, correction.text));
    }
    let mut words = String::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + more.len() + 8);
    for part in parts.into_iter().chain([more.as_str()]) {
        for word in part.split_ascii_whitespace() {
            words.push_str(word);
            words.push(' ');
        }
        words.push('\n');
    }
    (Sketch::of_parts(&parts), digest::number(&words).max(1))
}

/// Hash of what must stay the same for an article to settle: its path, its date, whether it is published.
fn state(article: &Article) -> u64 {
    let date = article.date.map(|date| date.at.as_microsecond());
    digest::number(format!("{}\n{date:?}\n{}", article.path, article.published)).max(1)
}
