//! The head of an article: what is kept in memory of every article of the site. Its text is read again when something
//! needs it.

use super::Kind;
use crate::article::{Article, ArticleDate, Event, EventStatus, Life};
use crate::text::folded;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// A category or a tag: as it is written, and as it is compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// As people write it.
    pub text: String,
    /// The same for all spellings that a person takes for one.
    pub folded: String,
}

/// One copy of every text that many articles share.
#[derive(Debug, Default)]
pub struct Names {
    labels: HashMap<String, Arc<Label>>,
    words: HashMap<String, Arc<str>>,
}

impl Names {
    /// The one copy of a term.
    pub fn label(&mut self, text: &str) -> Arc<Label> {
        if let Some(known) = self.labels.get(text) {
            return Arc::clone(known);
        }
        let label = Arc::new(Label { text: text.to_owned(), folded: folded(text) });
        self.labels.insert(text.to_owned(), Arc::clone(&label));
        label
    }

    /// The one copy of a word.
    pub fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = text.into();
        self.words.insert(text.to_owned(), Arc::clone(&word));
        word
    }
}

/// What is kept of an article.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Head {
    /// Path of its file under the site's root.
    pub path: Box<str>,
    /// Its collection.
    pub collection: Arc<str>,
    /// Its title: plain text on one line.
    pub title: Box<str>,
    /// Its public address.
    pub url: Box<str>,
    /// The date in its front matter or its file's name.
    pub date: Option<ArticleDate>,
    /// From when on it is no longer published.
    pub expires: Option<Timestamp>,
    /// False for a draft.
    pub published: bool,
    /// The site shows it before its date.
    pub shown_early: bool,
    /// Its categories, as written, each once.
    pub categories: Box<[Arc<Label>]>,
    /// Its tags, as written, each once.
    pub tags: Box<[Arc<Label>]>,
    /// Its author, if the front matter names one.
    pub author: Option<Arc<Label>>,
    /// Its language, if it is not the site's.
    pub language: Option<Arc<str>>,
    /// When it takes place, if it is an event.
    pub event: Option<Box<EventTime>>,
    /// Whether it goes before others that wait for a slot.
    pub urgent: bool,
    /// From when on it is not posted again.
    pub repeat_until: Option<Timestamp>,
}

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// When it starts.
    pub start: ArticleDate,
    /// When it ends.
    pub end: Option<ArticleDate>,
    /// Whether it takes whole days.
    pub all_day: bool,
    /// Whether it takes place.
    #[serde(default)]
    pub status: EventStatus,
}

impl EventTime {
    /// Of an event.
    pub fn of(event: &Event) -> Self {
        Self { start: event.start, end: event.end, all_day: event.all_day, status: event.status }
    }
}

impl Head {
    /// The head of an article.
    pub fn of(article: &Article, names: &mut Names) -> Self {
        Plain::of(article).into_head(names)
    }

    /// Its categories, its tags and its author, each with its kind.
    pub fn terms(&self) -> impl Iterator<Item = (Kind, &Arc<Label>)> {
        let categories = self.categories.iter().map(|label| (Kind::Category, label));
        let tags = self.tags.iter().map(|label| (Kind::Tag, label));
        categories.chain(tags).chain(self.author.iter().map(|label| (Kind::Author, label)))
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

/// A head without shared texts: as it comes from a file, and as the index keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plain {
    /// Path of the file.
    pub path: String,
    collection: String,
    title: String,
    url: String,
    /// Seconds, nanoseconds and offset in seconds.
    date: Option<(i64, i32, i32)>,
    expires: Option<(i64, i32)>,
    published: bool,
    shown_early: bool,
    categories: Vec<String>,
    tags: Vec<String>,
    author: Option<String>,
    language: Option<String>,
    event: Option<Box<EventTime>>,
    urgent: bool,
    repeat_until: Option<(i64, i32)>,
}

impl Plain {
    /// Of an article.
    pub fn of(article: &Article) -> Self {
        Self {
            path: article.path.clone(),
            collection: article.collection.clone(),
            title: article.title.clone(),
            url: article.url.to_string(),
            date: article.date.map(date_parts),
            expires: article.expires.map(instant_parts),
            published: article.published,
            shown_early: article.shown_early,
            categories: article.categories.clone(),
            tags: article.tags.clone(),
            author: article.author.clone(),
            language: article.language.clone(),
            event: article.event.as_ref().map(|event| Box::new(EventTime::of(event))),
            urgent: article.urgent,
            repeat_until: article.repeat_until.map(instant_parts),
        }
    }

    /// Its public address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its collection.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Whether the site shows it before its date.
    pub fn is_shown_early(&self) -> bool {
        self.shown_early
    }

    /// Of a head.
    pub fn from_head(head: &Head) -> Self {
        let texts = |labels: &[Arc<Label>]| labels.iter().map(|label| label.text.clone()).collect();
        Self {
            path: head.path.to_string(),
            collection: head.collection.to_string(),
            title: head.title.to_string(),
            url: head.url.to_string(),
            date: head.date.map(date_parts),
            expires: head.expires.map(instant_parts),
            published: head.published,
            shown_early: head.shown_early,
            categories: texts(&head.categories),
            tags: texts(&head.tags),
            author: head.author.as_ref().map(|label| label.text.clone()),
            language: head.language.as_deref().map(str::to_owned),
            event: head.event.clone(),
            urgent: head.urgent,
            repeat_until: head.repeat_until.map(instant_parts),
        }
    }

    /// With the texts that others share.
    pub fn into_head(self, names: &mut Names) -> Head {
        Head {
            path: self.path.into(),
            collection: names.word(&self.collection),
            title: self.title.into(),
            url: self.url.into(),
            date: self.date.and_then(date_of),
            expires: self.expires.and_then(|(second, nano)| Timestamp::new(second, nano).ok()),
            published: self.published,
            shown_early: self.shown_early,
            categories: self.categories.iter().map(|text| names.label(text)).collect(),
            tags: self.tags.iter().map(|text| names.label(text)).collect(),
            author: self.author.as_deref().map(|text| names.label(text)),
            language: self.language.as_deref().map(|text| names.word(text)),
            event: self.event,
            urgent: self.urgent,
            repeat_until: self.repeat_until.and_then(|(second, nano)| Timestamp::new(second, nano).ok()),
        }
    }
}

fn instant_parts(at: Timestamp) -> (i64, i32) {
    (at.as_second(), at.subsec_nanosecond())
}

fn date_parts(date: ArticleDate) -> (i64, i32, i32) {
    (date.at.as_second(), date.at.subsec_nanosecond(), date.offset.seconds())
}

fn date_of((second, nano, offset): (i64, i32, i32)) -> Option<ArticleDate> {
    Some(ArticleDate { at: Timestamp::new(second, nano).ok()?, offset: jiff::tz::Offset::from_seconds(offset).ok()? })
}
