//! `/feeds/`: every feed, by kind; all feeds of one kind, by name; and those whose name has some words.

use super::Visit;
use super::rows::{Row, letter, order};
use crate::feed::{Feed, Kind, opml};
use crate::text::slug;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::cmp::Reverse;
use std::sync::Arc;
use url::form_urlencoded;

/// A kind with no more feeds is shown whole.
const WHOLE_MAX: usize = 40;
/// Of a kind with more feeds, those of most articles are shown first.
const MOST_USED: usize = 16;
/// Feeds on a page of one kind.
const PAGE: usize = 100;
/// Feeds that a search shows.
const FOUND_MAX: usize = 100;

#[derive(Serialize)]
struct Directory {
    /// The feed of everything, and that of the events.
    main: Vec<Row>,
    groups: Vec<Group>,
    /// How many feeds there are.
    feeds: usize,
    opml: String,
    canonical: String,
}

#[derive(Serialize)]
struct Group {
    kind: &'static str,
    /// Their page.
    path: String,
    /// How many feeds there are of the kind.
    total: usize,
    /// Whether they are all shown.
    is_whole: bool,
    rows: Vec<Row>,
    letters: Vec<Letter>,
}

/// A letter of the alphabet, and where feeds with it are found.
#[derive(Clone, Serialize)]
struct Letter {
    letter: char,
    path: String,
}

#[derive(Serialize)]
struct KindPage {
    kind: &'static str,
    total: usize,
    letters: Vec<Letter>,
    sections: Vec<Section>,
    number: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
    canonical: String,
}

#[derive(Serialize)]
struct Section {
    letter: char,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Search {
    q: String,
    rows: Vec<Row>,
    total: usize,
    canonical: String,
}

/// What stands after a name in a query.
fn asked(query: &str, name: &str) -> Option<String> {
    let pair = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    pair.map(|(_, value)| value.trim().chars().take(100).collect())
}

/// Every feed, or those that were looked for.
pub fn page(visit: &Visit, query: &str) -> Response {
    if let Some(q) = asked(query, "q").filter(|q| !q.is_empty()) {
        return search(visit, q);
    }
    let feeds = &visit.snapshot.feeds.feeds;
    let of_kind = |kind: Kind| -> Vec<&Arc<Feed>> { feeds.iter().filter(|feed| feed.kind == kind).collect() };
    let (single, many): (Vec<Kind>, Vec<Kind>) = Kind::EVERY.into_iter().partition(|kind| kind.is_single());
    let group = |kind: Kind| {
        let mut shown = of_kind(kind);
        let (total, path) = (shown.len(), path_of(kind));
        let is_whole = total <= WHOLE_MAX;
        let mut letters = Vec::new();
        if !is_whole {
            letters = self::letters(visit, &path, &in_order(&shown));
            shown.sort_by_key(|feed| Reverse(feed.articles));
            shown.truncate(MOST_USED);
        }
        let rows = in_order(&shown).into_iter().map(|(_, feed)| visit.row(feed)).collect();
        Group { kind: kind.word(), path: visit.under(&path), total, is_whole, rows, letters }
    };
    let values = Directory {
        main: single.into_iter().flat_map(of_kind).map(|feed| visit.row(feed)).collect(),
        groups: many.into_iter().map(group).filter(|group| group.total > 0).collect(),
        feeds: feeds.len(),
        opml: visit.under(opml::PATH),
        canonical: visit.settings().public("/feeds/"),
    };
    visit.page("directory", values)
}

/// The page of all feeds of a kind: `/feeds/tag/`. None if the path is not that of a kind.
pub fn kind_at(visit: &Visit, path: &str, query: &str) -> Option<Response> {
    let kind = Kind::parse(path.strip_prefix("/feeds/")?.trim_end_matches('/')).filter(|kind| !kind.is_single())?;
    let own = path_of(kind);
    if path != own {
        return Some(crate::http::moved(StatusCode::MOVED_PERMANENTLY, &visit.under(&own)));
    }
    let of_kind: Vec<&Arc<Feed>> = visit.snapshot.feeds.feeds.iter().filter(|feed| feed.kind == kind).collect();
    let sorted = in_order(&of_kind);
    let pages = sorted.len().div_ceil(PAGE).max(1);
    let number = asked(query, "page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1);
    if number == 0 || number > pages {
        return None;
    }
    let mut sections: Vec<Section> = Vec::new();
    for (order, feed) in sorted.iter().skip((number - 1) * PAGE).take(PAGE) {
        let (letter, row) = (letter(order), visit.row(feed));
        match sections.last_mut().filter(|section| section.letter == letter) {
            Some(section) => section.rows.push(row),
            None => sections.push(Section { letter, rows: vec![row] }),
        }
    }
    let at = |number: usize| match number {
        1 => own.clone(),
        number => format!("{own}?page={number}"),
    };
    let values = KindPage {
        kind: kind.word(),
        total: sorted.len(),
        letters: letters(visit, &own, &sorted),
        sections,
        number,
        pages,
        previous: (number > 1).then(|| visit.under(&at(number - 1))),
        next: (number < pages).then(|| visit.under(&at(number + 1))),
        canonical: visit.settings().public(&at(number)),
    };
    Some(visit.page("kind", values))
}

fn path_of(kind: Kind) -> String {
    format!("/feeds/{}/", kind.word())
}

/// Feeds by name, each with where it stands in the alphabet; what is no letter comes first.
fn in_order<'a>(feeds: &[&'a Arc<Feed>]) -> Vec<(String, &'a Arc<Feed>)> {
    let mut sorted: Vec<(String, &Arc<Feed>)> = feeds.iter().map(|feed| (order(&feed.label), *feed)).collect();
    sorted.sort_by(|a, b| (&a.0, &a.1.term).cmp(&(&b.0, &b.1.term)));
    sorted
}

/// The letters with which names begin, and where the first of each is found on the pages of a kind.
fn letters(visit: &Visit, path: &str, sorted: &[(String, &Arc<Feed>)]) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    for (at, (order, _)) in sorted.iter().enumerate() {
        let letter = letter(order);
        if letters.last().is_none_or(|last| last.letter != letter) {
            let page = match at / PAGE {
                0 => String::new(),
                before => format!("?page={}", before + 1),
            };
            letters.push(Letter { letter, path: visit.under(&format!("{path}{page}#letter-{letter}")) });
        }
    }
    letters
}

/// The feeds in whose names all words of a text stand, whatever the accents; those that begin with it first.
fn search(visit: &Visit, q: String) -> Response {
    let words: Vec<String> = q.split_whitespace().map(slug).collect();
    let whole = slug(&q);
    let feeds = visit.snapshot.feeds.feeds.iter().filter(|feed| !feed.kind.is_single());
    let mut found: Vec<(bool, usize, String, &Arc<Feed>)> = feeds
        .map(|feed| (order(&feed.label), feed))
        .filter(|(name, _)| words.iter().all(|word| name.contains(word)))
        .map(|(name, feed)| (!name.starts_with(&whole), usize::MAX - feed.articles, name, feed))
        .collect();
    found.sort_by(|a, b| (a.0, a.1, &a.2, a.3.kind).cmp(&(b.0, b.1, &b.2, b.3.kind)));
    let rows = found.iter().take(FOUND_MAX).map(|(.., feed)| visit.row(feed)).collect();
    let values = Search { total: found.len(), rows, canonical: visit.settings().public("/feeds/"), q };
    visit.page("search", values)
}
