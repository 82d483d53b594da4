//! An article: one published document of the site, as data.
//!
//! [`parse`] turns a file into an [`Article`] and the [`Problem`]s that a person should see. It knows no clock and no
//! disk: whether an article is live is asked with [`Article::is_live`] and an instant, and facts about the files that
//! it names come in through [`Lookup`].

mod address;
mod allowed;
mod correction;
pub mod date;
pub mod front_matter;
mod footnotes;
mod generator;
mod heading;
mod html_block;
pub mod identity;
pub mod inspect;
mod kramdown;
mod links;
mod liquid;
pub mod markdown;
mod media;
mod mending;
mod nesting;
pub mod permalink;
mod pictures;
mod plain;
mod read;
mod sanitise;
mod shortcode;
pub mod site;
pub mod sketch;
pub mod summary;
mod tag;
mod toml;
pub mod writing;

pub use date::ArticleDate;
pub use identity::ArticleId;
pub use read::{Depth, parse};
pub use site::{SiteSettings, Tree};
pub use writing::{Templating, Writing};

use crate::problem::Problem;
use jiff::Timestamp;
use url::Url;

/// A file of the site as it was read: its path under the root, with `/` between folders, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path under the site's root.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// What is known of a file that an article names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    /// Its length in bytes.
    pub length: u64,
    /// Its media type, told from its first bytes.
    pub media_type: String,
    /// Its size, if it is a picture made of pixels.
    pub pixels: Option<Pixels>,
}

/// The size of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pixels {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// What an article asks of the site around it.
pub trait Lookup {
    /// The facts of a file under the site's root; None if there is no such file.
    fn facts(&self, path: &str) -> Option<FileFacts>;

    /// The public address of another article, by what stands for it in a text, as far as that says: its path under the
    /// site's root (`_posts/2026-01-31-titre.md`, `@/blog/titre.md`), its path beside this one or in its collection,
    /// with or without its ending, or its file's name (`2026-01-31-titre`). None if no article, or more than one, is
    /// meant.
    fn address(&self, _written: &str) -> Option<Url> {
        None
    }
}

impl<F: Fn(&str) -> Option<FileFacts>> Lookup for F {
    fn facts(&self, path: &str) -> Option<FileFacts> {
        self(path)
    }
}

/// One document of the site.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// Path of its file under the site's root.
    pub path: String,
    /// Its collection.
    pub collection: String,
    /// Its title: plain text on one line.
    pub title: String,
    /// Its public address.
    pub url: Url,
    /// Other addresses it had (`redirect_from`).
    pub aliases: Vec<Url>,
    /// Its identity as the author wrote it (`id`, `uuid` or `guid`), if any.
    pub own_id: Option<String>,
    /// The date in its front matter or its file's name.
    pub date: Option<ArticleDate>,
    /// When the author says that it was last changed.
    pub modified: Option<ArticleDate>,
    /// From when on it is no longer published.
    pub expires: Option<Timestamp>,
    /// False for a draft (`published: false`, `draft: true`).
    pub published: bool,
    /// Whether the site shows it before its date (`future: true` of Jekyll, `buildFuture: true` of Hugo).
    pub shown_early: bool,
    /// Its categories, as written, each once.
    pub categories: Vec<String>,
    /// Its tags, as written, each once.
    pub tags: Vec<String>,
    /// Its author, if the front matter names one.
    pub author: Option<String>,
    /// Its language, if it is not the site's.
    pub language: Option<String>,
    /// Its introduction (`chapeau-text`), in Markdown.
    pub chapeau: Option<String>,
    /// Its text, in Markdown, as it is written.
    pub body: String,
    /// How its text is to be read.
    pub writing: Writing,
    /// Its images, the lead image first.
    pub images: Vec<Image>,
    /// Files to download.
    pub attachments: Vec<Attachment>,
    /// Its dated, placed part.
    pub event: Option<Event>,
    /// What its author corrected after readers had seen it, the newest first.
    pub corrections: Vec<Correction>,
    /// Tags of the front matter's `social:` texts, by endpoint or network; the empty name stands for all.
    pub social: Vec<(String, String)>,
    /// Whether it goes before others that wait for a slot.
    pub urgent: bool,
    /// From when on it is not posted again.
    pub repeat_until: Option<Timestamp>,
}

impl Article {
    /// What its texts are read with.
    pub fn context(&self) -> writing::Context<'_> {
        writing::Context {
            base: &self.url,
            title: &self.title,
            images: &self.images,
            writing: &self.writing,
            notes: true,
        }
    }

    /// The pictures of its text that its front matter does not name, in their order.
    pub fn pictures(&self) -> Vec<Image> {
        let mut pictures = pictures::pictures(&self.html());
        pictures.retain(|picture| !self.images.iter().any(|image| image.url == picture.url));
        pictures
    }

    /// Its text as clean HTML with absolute addresses.
    pub fn html(&self) -> String {
        markdown::render(&self.body, &self.context())
    }

    /// Whether readers see it at an instant. An article without a date is live as soon as it is not a draft.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.life().holds(now)
    }

    /// When readers see it.
    pub fn life(&self) -> Life {
        Life::new(self.published, self.date.filter(|_| !self.shown_early), self.expires)
    }
}

/// When readers see an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// From when on.
    pub from: Timestamp,
    /// Until before when; nothing is between the two for a draft.
    pub until: Timestamp,
}

impl Life {
    /// Of an article that is published or a draft, from a date on if it waits for one, until it expires.
    pub fn new(published: bool, date: Option<ArticleDate>, expires: Option<Timestamp>) -> Self {
        if !published {
            return Self { from: Timestamp::MAX, until: Timestamp::MIN };
        }
        Self { from: date.map_or(Timestamp::MIN, |date| date.at), until: expires.unwrap_or(Timestamp::MAX) }
    }

    /// Whether readers see it at an instant.
    pub fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// An image of an article.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Image {
    /// Its address.
    pub url: Url,
    /// What it shows, for those who do not see it; None if nobody wrote it (a file's name is nothing).
    pub alt: Option<String>,
    /// Its legend.
    pub legend: Option<String>,
    /// Its length and type, if it is a file of the site.
    pub facts: Option<FileFacts>,
}

/// Something that its author corrected in an article that readers had seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// When, if the author says so.
    pub date: Option<ArticleDate>,
    /// What was wrong and what is right, in Markdown.
    pub text: String,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attachment {
    /// Its address.
    pub url: Url,
    /// Its name for people.
    pub title: Option<String>,
    /// Its length and type; a file that is not there is no attachment.
    pub facts: FileFacts,
}

/// The dated, placed part of an article.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// When it starts.
    pub start: ArticleDate,
    /// When it ends.
    pub end: Option<ArticleDate>,
    /// Whether it takes whole days: it starts, and ends if it has an end, at midnight.
    pub all_day: bool,
    /// Whether it takes place.
    #[serde(default)]
    pub status: EventStatus,
    /// Where: the name of the place.
    pub place: Option<String>,
    /// Where: the postal address.
    pub address: Option<String>,
    /// Where to learn more: what it is, and the address.
    pub links: Vec<EventLink>,
}

/// Whether an event takes place (schema.org's `eventStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// It does, when it is said to.
    #[default]
    Confirmed,
    /// It will, nobody knows when.
    Postponed,
    /// It does not.
    Cancelled,
}

impl Event {
    /// Where: place and address on one line, as far as they are known.
    pub fn location(&self) -> Option<String> {
        let parts: Vec<&str> = [self.place.as_deref(), self.address.as_deref()].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// A line of an event's practical information.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EventLink {
    /// What it is.
    pub label: String,
    /// What it says, if it says something.
    pub text: Option<String>,
    /// Where it leads, if it leads somewhere.
    pub url: Option<Url>,
}

/// A file as it could be read: an article if it is one, and what a person should see.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The article; None for a file that is none or cannot be read.
    pub article: Option<Article>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Whether the file should be an article but cannot be read: the last good version stays in its place.
    pub broken: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An article that is nothing but its text.
    pub(crate) fn article(body: &str) -> Article {
        Article {
            path: "_posts/2026-01-01-x.md".to_owned(),
            collection: "posts".to_owned(),
            title: "Essai".to_owned(),
            url: Url::parse("https://www.example.fr/x/").unwrap(),
            aliases: vec![],
            own_id: None,
            date: None,
            modified: None,
            expires: None,
            published: true,
            shown_early: false,
            categories: vec![],
            tags: vec![],
            author: None,
            language: None,
            chapeau: None,
            body: body.to_owned(),
            writing: Writing::default(),
            images: vec![],
            attachments: vec![],
            event: None,
            corrections: vec![],
            social: vec![],
            urgent: false,
            repeat_until: None,
        }
    }
}
