//! Documents that are made when somebody asks for them: combinations of feeds, archives, calendars. There are too many
//! to make them ahead; each says by its print whether it is still what it was.

use super::doctor::{self, Fault, Shape};
use super::making::{bytes, document, etag, shape};
use super::reading::{Entries, Reading};
use super::selection::{Selection, known};
use super::set::made_of;
use super::{
    CALENDAR_MAX, CALENDAR_TYPE, Document, Feed, FeedSet, History, Kind, LONG_AGO, Settings, Shown, archive, ics,
    media_type,
};
use crate::article::SiteSettings;
use crate::catalog::{Catalog, Standing};
use crate::config::Format;
use crate::digest;
use crate::text::request_path;
use jiff::Timestamp;
use std::sync::Arc;

/// Where an address leads that no document has which is made ahead.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To a document, or to the page of a feed or of an archive.
    Here(Demand),
    /// To the same thing under its own address.
    Moved(String),
    /// To nothing.
    Unknown,
}

/// A document that somebody asks for.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Which articles it is about.
    pub selection: Selection,
    /// Its form; None for the page.
    pub form: Option<Form>,
    /// The number of the archive.
    pub archive: Option<u64>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A feed.
    Feed(Format),
    /// The calendar of the events.
    Calendar,
}

impl Form {
    /// The end of the path.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Feed(format) => format.extension(),
            Self::Calendar => "ics",
        }
    }
}

/// How far a feed goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// How many articles are in it.
    pub articles: usize,
    /// How many of them are events.
    pub events: usize,
    /// The numbers of its archives, newest first.
    pub archives: Vec<u64>,
}

/// What a document that somebody asks for is made of.
#[derive(Debug)]
pub struct Gathered {
    /// The feed.
    pub feed: Feed,
    /// Its articles, newest first.
    pub articles: Vec<Arc<Standing>>,
}

impl FeedSet {
    /// What an address asks for: `/feeds/tag/cloud+numerique.rss`, `/feeds/all/archive/202611.atom`, `/feeds/tag/cloud`.
    pub fn demand(&self, path: &str, settings: &Settings) -> Answer {
        let Some(path) = request_path(path) else { return Answer::Unknown };
        // An old address may lead to a combination, in whatever order it is written: it answers itself.
        let answer = match self.aliases.get(&path) {
            None => self.read(&path, settings),
            Some(to) => match self.read(to, settings) {
                Some(Answer::Moved(own)) => self.read(&own, settings),
                answer => answer,
            },
        };
        answer.unwrap_or(Answer::Unknown)
    }

    fn read(&self, path: &str, settings: &Settings) -> Option<Answer> {
        let rest = path.strip_prefix("/feeds/")?;
        let ending = |form: &Form| rest.strip_suffix(form.extension())?.strip_suffix('.');
        let mut forms = settings.feeds.formats.iter().map(|format| Form::Feed(*format)).chain([Form::Calendar]);
        let form = forms.find(|form| ending(form).is_some());
        let stem = form.as_ref().and_then(ending).unwrap_or_else(|| rest.trim_end_matches('/'));
        let (feed, archive) = match (stem.rsplit_once("/archive/"), form) {
            (Some((feed, number)), Some(Form::Feed(_)) | None) if settings.feeds.archives => {
                (feed, Some(number.parse::<u64>().ok()?))
            }
            (Some(_), _) => return None,
            (None, _) => (stem, None),
        };
        let (kind, words) = feed.split_once('/').unwrap_or((feed, ""));
        let kind = Kind::parse(kind)?;
        let selection = if kind.is_single() {
            let feed = self.feeds.iter().find(|feed| feed.kind == kind).filter(|_| words.is_empty())?;
            Selection::of(Arc::clone(feed))
        } else {
            let whole = || known(self, kind, words).map(Selection::of);
            Selection::parse(self, kind, words).or_else(whole)?
        };
        let demand = Demand { selection, form, archive };
        let own = demand.path();
        Some(if own == path { Answer::Here(demand) } else { Answer::Moved(own) })
    }
}

impl Demand {
    /// Its own address.
    pub fn path(&self) -> String {
        let feed = match self.selection.plain() {
            Some(feed) => feed.path(),
            None => super::path_of(self.selection.kind, &self.selection.slug()),
        };
        let archive = self.archive.map(|number| format!("/archive/{number}")).unwrap_or_default();
        let ending = self.form.map(|form| format!(".{}", form.extension())).unwrap_or_default();
        format!("{feed}{archive}{ending}")
    }

    /// A number that changes with everything that the document depends on: while it stays, a document that was made
    /// stays good.
    pub fn print(&self, feeds: &FeedSet) -> u64 {
        // The instant too: what is undone has the print that it had, and a document may have been made meanwhile.
        let prints: Vec<(u64, Timestamp, &str)> =
            self.selection.depends_on().map(|feed| (feed.print, feed.changed, feed.label.as_str())).collect();
        digest::number(format!("{} {prints:?}", feeds.setting))
    }

    /// Its feed, with the articles in it. None if there is no such archive; the error is where it moved.
    pub fn gather(
        &self,
        catalog: &Catalog,
        site: &SiteSettings,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Option<Gathered>, Demand> {
        let base = self.selection.base();
        let live = catalog.live_in(&base, now);
        let mut fitting: Vec<&Arc<Standing>> = live.filter(|standing| self.selection.fits(&standing.article)).collect();
        let entries = settings.feeds.entries;
        let (members, history) = match self.archive {
            None if self.form == Some(Form::Calendar) => {
                fitting.retain(|standing| standing.article.event.is_some());
                (0..fitting.len().min(CALENDAR_MAX), History::default())
            }
            None => {
                let dates = fitting.iter().map(|standing| standing.published_at());
                let previous = archive::newest(dates, entries, &site.timezone).filter(|_| settings.feeds.archives);
                (0..fitting.len().min(entries), History { previous, ..History::default() })
            }
            Some(number) => {
                let dates: Vec<Timestamp> = fitting.iter().map(|standing| standing.published_at()).collect();
                match archive::find(&dates, entries, &site.timezone, number) {
                    None => return Ok(None),
                    Some(archive::Found::Moved(number)) => {
                        return Err(Demand { archive: Some(number), ..self.clone() });
                    }
                    Some(archive::Found::Here(placed)) => {
                        let archive::Placed { members, previous, next } = placed;
                        (members, History { archive: Some(number), previous, next })
                    }
                }
            }
        };
        let feeds = || self.selection.depends_on();
        let feed = Feed {
            articles: fitting.len(),
            history,
            updated: feeds().map(|feed| feed.updated).max().unwrap_or(LONG_AGO),
            changed: feeds().map(|feed| feed.changed).max().unwrap_or(LONG_AGO),
            ..match self.selection.plain() {
                Some(feed) => Feed { shown: Vec::new(), agenda: Vec::new(), ..Feed::clone(feed) },
                None => self.combined(site),
            }
        };
        let articles = fitting[members].iter().map(|standing| Arc::clone(standing)).collect();
        Ok(Some(Gathered { feed, articles }))
    }

    /// How far the whole feed goes, whatever its documents show of it.
    pub fn extent(&self, catalog: &Catalog, site: &SiteSettings, settings: &Settings, now: Timestamp) -> Extent {
        let base = self.selection.base();
        let fitting = catalog.live_in(&base, now).filter(|standing| self.selection.fits(&standing.article));
        let (mut events, mut dates) = (0, Vec::new());
        for standing in fitting {
            events += usize::from(standing.article.event.is_some());
            dates.push(standing.published_at());
        }
        let archives = match settings.feeds.archives {
            true => archive::numbers(&dates, settings.feeds.entries, &site.timezone),
            false => Vec::new(),
        };
        Extent { articles: dates.len(), events, archives }
    }

    fn combined(&self, site: &SiteSettings) -> Feed {
        let label = self.selection.label(site);
        let title = format!("{} – {label}", site.title);
        Feed { slug: self.selection.slug(), label, title, ..Feed::empty(self.selection.kind) }
    }
}

impl Gathered {
    /// Its entries, read where they are not made yet; and whether all could be. It takes its time.
    pub fn entries(&self, reading: &Reading) -> (Vec<Shown>, bool) {
        let Entries { shown, is_incomplete, .. } = reading.entries(self.articles.iter());
        let in_order = self.articles.iter().filter_map(|standing| shown.get(&standing.id).cloned());
        (in_order.collect(), !is_incomplete)
    }

    /// Its document. None if it cannot be written.
    ///
    /// Errors: what would make it invalid.
    pub fn document(&mut self, shown: &[Shown], form: Form, reading: &Reading) -> Result<Option<Document>, Fault> {
        let (site, settings) = (reading.site, &reading.settings.on_demand(self.feed.history.archive.is_some()));
        let shown: Vec<&Shown> = shown.iter().collect();
        self.feed.entries = shown.len();
        self.feed.updated = shown.iter().map(|shown| shown.entry().updated.at).max().unwrap_or(self.feed.updated);
        let entries: Vec<_> = shown.iter().map(|shown| &**shown.entry()).collect();
        let (path, shape, media_type, body) = match form {
            Form::Feed(format) => {
                let Some(body) = bytes(format, &self.feed, &entries, site, settings) else { return Ok(None) };
                (self.feed.own_path_in(format), shape(format), media_type(format), body)
            }
            Form::Calendar => {
                let body = ics::document(&self.feed, &entries, &[], site, settings);
                (self.feed.calendar(), Shape::Calendar, CALENDAR_TYPE, body)
            }
        };
        doctor::check(shape, &settings.public(&path), &body)?;
        let etag = etag(&body);
        let made_of = made_of(&self.feed, &shown, site, settings);
        // A withdrawal changes it too, of which no entry tells.
        let last_modified = self.feed.changed.max(self.feed.updated);
        Ok(Some(document(path, media_type, body, etag, last_modified, made_of, settings)))
    }
}
