//! The documents on demand that belong beside those made ahead, for those who keep documents as files: the archives that
//! feeds link to, and the calendars of feeds with events. Combinations are without end and have no files.

use super::demand::{Demand, Form};
use super::selection::Selection;
use super::{CALENDAR_MAX, Feed, FeedSet, Kind, Settings, archive};
use crate::article::SiteSettings;
use crate::catalog::{Catalog, Standing};
use crate::digest;
use jiff::Timestamp;
use std::sync::Arc;

/// A document on demand, and what it is made of.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The document.
    pub demand: Demand,
    /// Changes with everything that it shows: while it stays, so do its bytes. The same in every process of one version
    /// and one configuration.
    pub print: String,
}

impl FeedSet {
    /// All of them, feed by feed.
    pub fn beside(&self, catalog: &Catalog, site: &SiteSettings, settings: &Settings, now: Timestamp) -> Vec<Beside> {
        let frame = format!("{} {} {:?}", env!("CARGO_PKG_VERSION"), site.print(), settings);
        let frame = digest::hex(frame, 16);
        let mut all = Vec::new();
        for feed in &self.feeds {
            let live: Vec<&Arc<Standing>> = catalog.live_in(&feed.key(), now).collect();
            if feed.history.previous.is_some() {
                archives(feed, &live, site, settings, &frame, &mut all);
            }
            // The calendar of all events is made ahead.
            if feed.kind != Kind::Events {
                let events = live.iter().filter(|standing| standing.article.event.is_some());
                let events: Vec<&Arc<Standing>> = events.take(CALENDAR_MAX).copied().collect();
                if !events.is_empty() {
                    let print = print(feed, "calendar", &events, &frame);
                    let selection = Selection::of(Arc::clone(feed));
                    let demand = Demand { selection, form: Some(Form::Calendar), archive: None };
                    all.push(Beside { demand, print });
                }
            }
        }
        all
    }
}

fn archives(
    feed: &Arc<Feed>,
    live: &[&Arc<Standing>],
    site: &SiteSettings,
    settings: &Settings,
    frame: &str,
    all: &mut Vec<Beside>,
) {
    let dates: Vec<Timestamp> = live.iter().map(|standing| standing.published_at()).collect();
    let entries = settings.feeds.entries;
    for number in archive::numbers(&dates, entries, &site.timezone) {
        let found = archive::find(&dates, entries, &site.timezone, number);
        let Some(archive::Found::Here(placed)) = found else { continue };
        let place = format!("{number} {:?} {:?}", placed.previous, placed.next);
        let print = print(feed, &place, &live[placed.members], frame);
        all.extend(settings.feeds.formats.iter().map(|format| Beside {
            demand: Demand {
                selection: Selection::of(Arc::clone(feed)),
                form: Some(Form::Feed(*format)),
                archive: Some(number),
            },
            print: print.clone(),
        }));
    }
}

fn print(feed: &Feed, place: &str, articles: &[&Arc<Standing>], frame: &str) -> String {
    let Feed { kind, term, label, slug, title, language, .. } = feed;
    let mut text = format!("{frame} {kind:?} {term:?} {label:?} {slug:?} {title:?} {language:?} {place}");
    for standing in articles {
        text.push_str(&format!(" {} {}", standing.id, standing.version()));
    }
    digest::hex(text, 16)
}
