//! The page of a feed, and of each of its archives: what it is, how to follow it, what it holds.

use super::Visit;
use super::rows::{bare_type, format_name};
use super::tongue::{Moment, Quote};
use crate::config::Format;
use crate::dates;
use crate::feed::archive;
use crate::feed::demand::{Demand, Extent, Form};
use crate::feed::entry::{Corrected, Entry};
use crate::feed::{Feed, Kind, path_of, words};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most entries on a page.
const ENTRIES_MAX: usize = 100;
/// Longest summary, in characters.
const SUMMARY_MAX: usize = 400;
/// Most feeds that are named beside.
const RELATED_MAX: usize = 16;

#[derive(Serialize)]
struct FeedPage {
    /// The word of the kind, or `combination`.
    kind: &'static str,
    name: Quote,
    combination: Option<Combination>,
    /// The page's own address.
    canonical: String,
    /// The page of the feed.
    path: String,
    /// How many articles are in the feed.
    articles: usize,
    updated: Option<Moment>,
    /// The document whose address is shown.
    chosen: usize,
    documents: Vec<DocumentRow>,
    has_events: bool,
    entries: Vec<EntryRow>,
    years: Vec<Year>,
    /// The archive that this is the page of.
    archive: Option<Month>,
    /// The month before, and the month after.
    earlier: Option<Month>,
    later: Option<Month>,
    related: Vec<Related>,
    is_pushed: bool,
    /// The page to choose from, with what was chosen.
    choose: String,
}

#[derive(Serialize)]
struct DocumentRow {
    name: &'static str,
    media_type: &'static str,
    /// Its path; with `?raw` a browser gets the document itself.
    path: String,
    /// Its public address.
    address: String,
    is_calendar: bool,
    /// The address that opens the calendar of a device. There is none for feeds: most devices have no reader that `feed:`
    /// would open, and then nothing happens at all.
    opens: Option<String>,
}

/// What a combination is made of.
#[derive(Serialize)]
struct Combination {
    any: Vec<Vec<Part>>,
    without: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    name: Quote,
    /// The word of its kind.
    kind: &'static str,
}

#[derive(Serialize)]
struct EntryRow {
    title: Quote,
    url: String,
    published: Moment,
    collection: Option<Related>,
    when: Option<String>,
    place: Option<Quote>,
    summary: Quote,
    corrections: Vec<CorrectionRow>,
}

#[derive(Serialize)]
struct CorrectionRow {
    date: Option<String>,
    text: Quote,
}

#[derive(Serialize)]
struct Related {
    kind: &'static str,
    name: Quote,
    path: String,
}

#[derive(Serialize)]
struct Year {
    year: u64,
    months: Vec<Month>,
}

#[derive(Clone, Serialize)]
struct Month {
    /// `novembre`.
    name: &'static str,
    year: u64,
    /// Which part of the month, from 1, and of how many; None for the whole.
    part: Option<u64>,
    parts: usize,
    path: String,
}

/// The page of a feed or an archive; None if there is no such archive. It reads files, and takes its time.
pub fn page(visit: &Visit, demand: &Demand) -> Option<Response> {
    let snapshot = &visit.snapshot;
    let bare = Demand { form: None, ..demand.clone() };
    let mut gathered = match snapshot.gather(&bare, visit.now) {
        Ok(gathered) => gathered?,
        Err(moved) => {
            let to = Demand { form: demand.form, ..moved }.path();
            return Some(crate::http::moved(StatusCode::TEMPORARY_REDIRECT, &visit.under(&to)));
        }
    };
    gathered.articles.truncate(ENTRIES_MAX);
    let extent = snapshot.extent(&bare, visit.now);
    let (shown, _) = snapshot.entries_of(&gathered, visit.now);
    let entries: Vec<&Entry> = shown.iter().map(|shown| &**shown.entry()).collect();
    let feed = &gathered.feed;
    let documents = visit.documents(feed, demand, &extent);
    let wanted = demand.form.map(|form| format!(".{}", form.extension()));
    let chosen = documents.iter().position(|document| wanted.as_ref().is_some_and(|end| document.path.ends_with(end)));
    let months = visit.months(feed, &extent.archives);
    let month = |number: u64| months.iter().find(|(known, _)| *known == number).map(|(_, month)| month.clone());
    let archive = match demand.archive {
        // Of the one that stands for nothing there is no page.
        Some(number) => Some(month(number).or_else(|| visit.month(feed, number, 1))?),
        None => None,
    };
    let newest = entries.iter().map(|entry| entry.updated.at).max();
    let is_combination = demand.selection.plain().is_none();
    let values = FeedPage {
        kind: if is_combination { "combination" } else { feed.kind.word() },
        name: visit.name(feed),
        combination: is_combination.then(|| visit.combination(demand)),
        canonical: visit.settings().public(&bare.path()),
        path: visit.under(&Demand { archive: None, ..bare.clone() }.path()),
        articles: extent.articles,
        updated: newest.map(|at| visit.tongue.moment(at, &visit.site().timezone)),
        chosen: chosen.unwrap_or(0),
        has_events: extent.events > 0,
        related: visit.related(demand, &entries),
        entries: entries.iter().map(|entry| visit.entry(entry, feed)).collect(),
        earlier: feed.history.previous.and_then(&month),
        later: feed.history.next.and_then(month),
        archive,
        years: years(months),
        is_pushed: !visit.settings().feeds.hubs.is_empty(),
        choose: visit.under(&super::choose::path_of(&demand.selection)),
        documents,
    };
    Some(visit.page(if demand.archive.is_some() { "archive" } else { "feed" }, values))
}

impl Visit {
    /// The documents of a feed, or of an archive, the one that every reader knows first.
    fn documents(&self, feed: &Feed, demand: &Demand, extent: &Extent) -> Vec<DocumentRow> {
        let formats = &self.settings().feeds.formats;
        let known = [Format::Rss, Format::Atom, Format::Json].into_iter().filter(|format| formats.contains(format));
        let mut rows: Vec<DocumentRow> = known
            .map(|format| {
                let path = feed.own_path_in(format);
                let address = self.settings().public(&path);
                let (name, media_type) = (format_name(format), bare_type(format));
                DocumentRow { name, media_type, path: self.under(&path), address, is_calendar: false, opens: None }
            })
            .collect();
        if demand.archive.is_none() && (extent.events > 0 || demand.form == Some(Form::Calendar)) {
            let address = self.settings().public(&feed.calendar());
            let opens = format!("webcal:{}", address.split_once(':').map_or(address.as_str(), |(_, rest)| rest));
            let path = self.under(&feed.calendar());
            rows.push(DocumentRow {
                name: "iCalendar",
                media_type: "text/calendar",
                path,
                address,
                is_calendar: true,
                opens: Some(opens),
            });
        }
        rows
    }

    fn combination(&self, demand: &Demand) -> Combination {
        let part = |feed: &Arc<Feed>| Part { name: self.name(feed), kind: feed.kind.word() };
        let all = |feeds: &Vec<Arc<Feed>>| feeds.iter().map(part).collect();
        Combination {
            any: demand.selection.any().iter().map(all).collect(),
            without: demand.selection.without().iter().map(part).collect(),
        }
    }

    fn entry(&self, entry: &Entry, feed: &Feed) -> EntryRow {
        let language = entry.language.as_deref();
        let event = entry.event.as_ref();
        let correction = |corrected: &Corrected| CorrectionRow {
            date: corrected.date.map(|date| dates::date(&date.zoned(), self.tongue.is_french())),
            text: self.quote(&shortened(&corrected.text), language),
        };
        EntryRow {
            title: self.quote(&entry.title, language),
            url: entry.url.to_string(),
            published: self.tongue.moment(entry.published.at, &self.site().timezone),
            collection: self.collection(entry).filter(|_| feed.kind != Kind::Collection),
            when: event.map(|event| words::when(event, self.tongue.is_french())),
            place: event.and_then(|event| event.location()).map(|place| self.quote(&place, language)),
            summary: self.quote(&shortened(&entry.summary_text), language),
            corrections: entry.corrections.iter().map(correction).collect(),
        }
    }

    fn collection(&self, entry: &Entry) -> Option<Related> {
        let feeds = &self.snapshot.feeds.feeds;
        let feed = feeds.iter().find(|feed| feed.kind == Kind::Collection && feed.term == entry.collection)?;
        Some(Related { kind: feed.kind.word(), name: self.name(feed), path: self.under(&feed.path()) })
    }

    /// The categories and tags of some entries, those of most first, without those that the feed is about.
    fn related(&self, demand: &Demand, entries: &[&Entry]) -> Vec<Related> {
        let mut counts: BTreeMap<(Kind, &str), (usize, &str)> = BTreeMap::new();
        for (kind, term) in entries.iter().flat_map(|entry| entry.terms()) {
            counts.entry((kind, &term.slug)).or_insert((0, &term.label)).0 += 1;
        }
        let own = |kind: Kind, slug: &str| demand.selection.feeds().any(|feed| feed.kind == kind && feed.slug == slug);
        let mut related: Vec<_> = counts.into_iter().filter(|((kind, slug), _)| !own(*kind, slug)).collect();
        related.sort_by_key(|((kind, _), (count, _))| (std::cmp::Reverse(*count), *kind));
        let named = related.into_iter().take(RELATED_MAX).map(|((kind, slug), (_, label))| Related {
            kind: kind.word(),
            name: self.quote(label, None),
            path: self.under(&path_of(kind, slug)),
        });
        named.collect()
    }

    /// The months of some archives, by their numbers.
    fn months(&self, feed: &Feed, numbers: &[u64]) -> Vec<(u64, Month)> {
        let mut parts: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for (year, month, _) in numbers.iter().copied().filter_map(archive::read) {
            *parts.entry((year, month)).or_default() += 1;
        }
        let month = |number: &u64| {
            let (year, month, _) = archive::read(*number)?;
            Some((*number, self.month(feed, *number, parts.get(&(year, month)).copied().unwrap_or(1))?))
        };
        numbers.iter().filter_map(month).collect()
    }

    /// The month of an archive, of which there are so many parts.
    fn month(&self, feed: &Feed, number: u64, parts: usize) -> Option<Month> {
        let (year, month, upto) = archive::read(number)?;
        Some(Month {
            name: dates::month(i8::try_from(month).ok()?, self.tongue.is_french()),
            year,
            part: upto.map(|upto| upto.div_ceil(archive::ENTRIES_MAX as u64)),
            parts,
            path: self.under(&format!("{}/archive/{number}", feed.path())),
        })
    }
}

/// Months by year, in the order in which they come.
fn years(months: Vec<(u64, Month)>) -> Vec<Year> {
    let mut years: Vec<Year> = Vec::new();
    for (_, month) in months {
        match years.last_mut().filter(|last| last.year == month.year) {
            Some(last) => last.months.push(month),
            None => years.push(Year { year: month.year, months: vec![month] }),
        }
    }
    years
}

/// A text of at most so many characters, cut between two words.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(SUMMARY_MAX) else { return text.to_owned() };
    let start = &text[..end];
    let words = start.rsplit_once(' ').map_or(start, |(words, _)| words);
    format!("{}\u{A0}…", words.trim_end_matches([' ', ',', ';', ':', '.', '\u{A0}', '\u{202F}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_cut_between_words() {
        assert_eq!(shortened("Un résumé."), "Un résumé.");
        let long = shortened(&"mot, ".repeat(200));
        assert!(long.ends_with("mot\u{A0}…") && long.chars().count() <= SUMMARY_MAX + 2, "{long}");
        assert_eq!(shortened(&"é".repeat(500)).chars().count(), SUMMARY_MAX + 2);
    }
}
