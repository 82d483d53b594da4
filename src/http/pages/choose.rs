//! `/feeds/choose`: a feed made of several, by ticking boxes.

use super::Visit;
use super::rows::order;
use super::tongue::Quote;
use crate::feed::demand::Answer;
use crate::feed::selection::{Selection, WORDS_MAX};
use crate::feed::{Feed, Kind};
use crate::text::slug;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use url::form_urlencoded;

/// The address of the page.
const PATH: &str = "/feeds/choose";
/// Most feeds of a kind that are shown at once: those of most articles.
const SHOWN_MAX: usize = 36;
/// The kinds that can be chosen from.
const KINDS: [Kind; 5] = [Kind::Collection, Kind::Category, Kind::Tag, Kind::Author, Kind::Language];

#[derive(Serialize)]
struct Choose {
    groups: Vec<Group>,
    /// What was looked for.
    q: String,
    /// Whether some feeds are not shown.
    is_partial: bool,
    /// Whether all that is ticked must fit, and not one of it.
    all: bool,
    /// Whether something is ticked that is to be left out.
    leaves_out: bool,
    /// Why no feed can be made of it: `nothing`, `many`, `contradiction`.
    problem: Option<&'static str>,
    most: usize,
    canonical: String,
}

#[derive(Serialize)]
struct Group {
    kind: &'static str,
    choices: Vec<Choice>,
}

#[derive(Serialize)]
struct Choice {
    /// `tag:cloud`
    value: String,
    name: Quote,
    articles: usize,
    with: bool,
    without: bool,
}

/// What was ticked.
#[derive(Default)]
struct Ticked {
    with: Vec<String>,
    without: Vec<String>,
    all: bool,
    q: String,
    go: bool,
}

impl Ticked {
    fn parse(query: &str) -> Self {
        let mut ticked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "with" => ticked.with.push(value.into_owned()),
                "without" => ticked.without.push(value.into_owned()),
                "how" => ticked.all = value == "all",
                "q" => ticked.q = value.trim().chars().take(100).collect(),
                "go" => ticked.go = true,
                _ => {}
            }
        }
        ticked
    }

    /// The path of the feed that is ticked, in any spelling; the error is what is wrong with it.
    fn path(&self) -> Result<String, &'static str> {
        if self.with.is_empty() && self.without.is_empty() {
            return Err("nothing");
        }
        if self.with.len() + self.without.len() > WORDS_MAX {
            return Err("many");
        }
        let with: BTreeSet<&String> = self.with.iter().collect();
        if self.without.iter().any(|word| with.contains(word)) {
            return Err("contradiction");
        }
        let kind = |word: &String| word.split_once(':').map_or("tag", |(kind, _)| kind).to_owned();
        let first =
            self.with.iter().chain(&self.without).map(kind).min_by_key(|kind| kind != "tag").unwrap_or_default();
        let any = self.with.join(if self.all { "+" } else { "," });
        let without = self.without.iter().map(|word| format!("-{word}"));
        let words: Vec<String> = Some(any).filter(|any| !any.is_empty()).into_iter().chain(without).collect();
        Ok(format!("/feeds/{first}/{}", words.join(",")))
    }
}

/// The page, or the way to the feed that was chosen.
pub fn page(visit: &Visit, query: &str) -> Response {
    let ticked = Ticked::parse(query);
    let mut problem = None;
    if ticked.go {
        match ticked.path().map(|path| visit.snapshot.feeds.demand(&path, visit.settings())) {
            Ok(Answer::Here(demand)) => return see(visit, &demand.path()),
            Ok(Answer::Moved(to)) => return see(visit, &to),
            Ok(Answer::Unknown) => problem = Some("contradiction"),
            Err(why) => problem = Some(why),
        }
    }
    let groups: Vec<(Group, bool)> = KINDS.into_iter().map(|kind| group(visit, &ticked, kind)).collect();
    let is_partial = groups.iter().any(|(_, is_partial)| *is_partial);
    let values = Choose {
        groups: groups.into_iter().map(|(group, _)| group).filter(|group| !group.choices.is_empty()).collect(),
        is_partial: is_partial || !ticked.q.is_empty(),
        all: ticked.all,
        leaves_out: !ticked.without.is_empty(),
        problem,
        most: WORDS_MAX,
        canonical: visit.settings().public(PATH),
        q: ticked.q,
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    visit.page_with(status, "choose", values)
}

fn see(visit: &Visit, path: &str) -> Response {
    crate::http::moved(StatusCode::SEE_OTHER, &visit.under(path))
}

/// The feeds of a kind that are shown: those that are ticked, and of the others those that were looked for or have most
/// articles; and whether some are not.
fn group(visit: &Visit, ticked: &Ticked, kind: Kind) -> (Group, bool) {
    let wanted: Vec<String> = ticked.q.split_whitespace().map(slug).collect();
    let value = |feed: &Feed| format!("{}:{}", kind.word(), feed.slug);
    let is_ticked = |feed: &Feed| ticked.with.contains(&value(feed)) || ticked.without.contains(&value(feed));
    let of_kind: Vec<&Arc<Feed>> = visit.snapshot.feeds.feeds.iter().filter(|feed| feed.kind == kind).collect();
    let fits = |feed: &Feed| {
        let name = order(&feed.label);
        feed.articles > 0 && wanted.iter().all(|word| name.contains(word))
    };
    let mut shown: Vec<&Arc<Feed>> = of_kind.iter().copied().filter(|feed| !is_ticked(feed) && fits(feed)).collect();
    shown.sort_by_key(|feed| std::cmp::Reverse(feed.articles));
    let is_partial = shown.len() > SHOWN_MAX;
    shown.truncate(SHOWN_MAX);
    shown.extend(of_kind.iter().copied().filter(|feed| is_ticked(feed)));
    shown.sort_by_cached_key(|feed| (order(&feed.label), feed.term.clone()));
    let choice = |feed: &Arc<Feed>| {
        let value = value(feed);
        let (with, without) = (ticked.with.contains(&value), ticked.without.contains(&value));
        Choice { name: visit.name(feed), articles: feed.articles, with, without, value }
    };
    (Group { kind: kind.word(), choices: shown.into_iter().map(choice).collect() }, is_partial)
}

/// The page with what a selection is made of ticked.
pub fn path_of(selection: &Selection) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let value = |feed: &Arc<Feed>| format!("{}:{}", feed.kind.word(), feed.slug);
    let (any, without) = (selection.any(), selection.without());
    let is_choice = |feed: &&Arc<Feed>| KINDS.contains(&feed.kind);
    for feed in any.iter().flatten().filter(is_choice) {
        query.append_pair("with", &value(feed));
    }
    for feed in without.iter().filter(is_choice) {
        query.append_pair("without", &value(feed));
    }
    if any.len() == 1 && any[0].len() > 1 {
        query.append_pair("how", "all");
    }
    let query = query.finish();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") }
}
