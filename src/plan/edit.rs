//! What becomes of published posts whose article changed. A pass finds out which may have to say another thing; whether
//! they do is seen when they are composed again.

use crate::catalog::Catalog;
use crate::config::{OnEdit, Rule};
use crate::delivery::Delivery;
use crate::post::Post;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Most articles that can change at once before it looks like a mistake, or like work on the site as a whole: a person
/// is asked then.
const AT_ONCE_MAX: usize = 10;

/// A published post, and what is known of it and its article.
#[derive(Debug, Clone)]
pub struct Posted {
    /// Its delivery.
    pub delivery: Delivery,
    /// The form of its article for which it answers; None if that was never noted.
    pub edition: Option<String>,
    /// The form for which it is to answer, if an edit is on its way, or waits for a person.
    pub wanted: Option<String>,
    /// Whether the network may have it otherwise than it is kept: an edit was tried, and its end is unknown.
    pub in_doubt: bool,
    /// Whether a person wants the edit.
    pub by_hand: bool,
    /// Whether every pass looks at it: it was just published, or its article's date seemed to come.
    pub waits: bool,
}

/// What is decided of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The post is compared with its article, once that has kept still.
    Due {
        /// The form of the article.
        edition: String,
        /// When.
        at: Timestamp,
    },
    /// Its article is what it was, or is not there any more: nothing is to be done.
    Void,
    /// Its article's date is to come, as it seems: it is looked at again once that is over.
    Wait,
    /// The post answers for its article as it is now.
    Adopt(String),
}

/// What is decided of edits, and whether a person is asked about all that are under way.
#[derive(Debug, Default)]
pub struct Edits {
    /// By the number of the delivery.
    pub of: Vec<(i64, Edit)>,
    /// Whether so much changed at once that a person is asked.
    pub asks: bool,
}

/// What becomes of posts whose article changed. `waiting` are the articles of which a post waits for its edit already,
/// so that a change that is seen in several parts counts as one.
pub fn edits(
    catalog: &Catalog,
    rules: &[Rule],
    posted: &[Posted],
    waiting: &BTreeSet<String>,
    now: Timestamp,
) -> Edits {
    let of: Vec<(i64, Edit)> =
        posted.iter().filter_map(|posted| Some((posted.delivery.id, edit(catalog, rules, posted, now)?))).collect();
    let due: BTreeSet<i64> =
        of.iter().filter(|(_, edit)| matches!(edit, Edit::Due { .. })).map(|(id, _)| *id).collect();
    let changed = posted.iter().filter(|posted| due.contains(&posted.delivery.id));
    let mut articles: BTreeSet<String> = changed.map(|posted| posted.delivery.key.article.to_string()).collect();
    let asks = !articles.is_empty() && {
        articles.extend(waiting.iter().cloned());
        articles.len() > AT_ONCE_MAX
    };
    Edits { of, asks }
}

fn edit(catalog: &Catalog, rules: &[Rule], posted: &Posted, now: Timestamp) -> Option<Edit> {
    let is_under_way = posted.wanted.is_some();
    let Some(standing) = catalog.get(&posted.delivery.key.article) else { return Some(Edit::Void) };
    if standing.is_unread() {
        return None;
    }
    if !standing.article.is_live(now) {
        // What was posted has been live: somebody set its date ahead, or the clock was set back and will be right again.
        let is_to_come = standing.article.published && standing.article.date.is_some_and(|date| date.at > now);
        return Some(if is_to_come { Edit::Wait } else { Edit::Void });
    }
    let edition = standing.edition();
    let is_told = posted.edition.as_ref() == Some(&edition);
    // What the network may have got is put right, though the article is what it was.
    if is_told && !posted.in_doubt {
        return match (is_under_way, posted.by_hand) {
            // A person wanted it while the article's date seemed to come; by now there is nothing to be done.
            (false, true) if posted.waits => Some(Edit::Void),
            (_, true) => None,
            (true, false) => Some(Edit::Void),
            (false, false) => Some(Edit::Adopt(edition)),
        };
    }
    if posted.wanted.as_ref() == Some(&edition) {
        return None;
    }
    let rule = rules.iter().find(|rule| rule.name == posted.delivery.key.rule);
    match rule {
        _ if posted.by_hand || posted.in_doubt => {}
        // A rule that follows from now on follows what changes from now on.
        None => return Some(Edit::Adopt(edition)),
        Some(rule) if rule.on_edit == OnEdit::Keep || posted.edition.is_none() => return Some(Edit::Adopt(edition)),
        Some(_) => {}
    }
    let settle = rule.map(|rule| rule.settle).unwrap_or_default();
    Some(Edit::Due { edition, at: now.saturating_add(settle).unwrap_or(now) })
}

/// Whether a post says the same as another one: to readers, white space does not count.
pub fn says_the_same(one: &Post, other: &Post) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let texts =
        |post: &Post| std::iter::once(&post.text).chain(&post.thread).map(|text| words(text)).collect::<Vec<_>>();
    let images =
        |post: &Post| post.images.iter().map(|image| (image.digest.clone(), words(&image.alt))).collect::<Vec<_>>();
    let card = |post: &Post| {
        post.card.as_ref().map(|card| {
            let thumb = card.thumb.as_ref().map(|thumb| (thumb.digest.clone(), words(&thumb.alt)));
            (card.url.clone(), words(&card.title), words(&card.description), thumb)
        })
    };
    texts(one) == texts(other) && images(one) == images(other) && card(one) == card(other)
}
