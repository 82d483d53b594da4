//! The ledger: what is remembered of every article ever seen, and how a look at the site changes it.
//!
//! [`look`] is pure: known rows and the articles that stand now go in, the catalog and the rows to write come out.

use super::{Catalog, Standing};
use crate::article::identity::{self, Known, Seen, Told};
use crate::article::sketch::{self, Sketch};
use crate::article::{Article, ArticleId, SiteSettings};
use crate::config::Baseline;
use crate::digest;
use crate::text::one_line;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is remembered of one article.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its identity.
    pub id: ArticleId,
    /// Its last path.
    pub path: String,
    /// Its last address, then those it had.
    pub addresses: Vec<String>,
    /// Its identity as the author wrote it.
    pub own_id: Option<String>,
    /// Its title when it was last seen.
    pub title: String,
    /// Its text, sampled.
    pub sketch: Sketch,
    /// Hash of what a reader sees.
    pub visible: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When what a reader sees last changed.
    pub updated: Timestamp,
    /// Hash of path, date and state, which must stay the same for an article to settle.
    pub state: String,
    /// Since when they are the same.
    pub state_since: Timestamp,
    /// Whether its announcement is decided.
    pub decided: Option<Decided>,
    /// The standing article of which it is nearly a copy, and the share of its three-word runs.
    pub copy_of: Option<(ArticleId, f64)>,
    /// Since when its file is gone.
    pub gone_since: Option<Timestamp>,
}

/// Why nothing more is announced of an article by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It was live at the first start.
    Baseline,
    /// Its moment came: the rules that fitted it then were followed.
    Announced,
    /// It was no news when it appeared. A corrected date, path or state opens the question again.
    Stale,
}

impl Decided {
    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Announced => "announced",
            Self::Stale => "stale",
        }
    }

    /// Reads the word in the store.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Baseline, Self::Announced, Self::Stale].into_iter().find(|decided| decided.word() == word)
    }
}

impl Row {
    /// The moment at which the article became due in its present state: its date, or later if it was put in this
    /// state later. None without a date: such an article is never announced by itself.
    pub fn due_since(&self, article: &Article) -> Option<Timestamp> {
        Some(article.date?.at.max(self.state_since))
    }
}

/// What a look at the site found.
#[derive(Debug, Default)]
pub struct Look {
    /// The articles that stand, with their identities.
    pub catalog: Catalog,
    /// All rows after the look, by identity.
    pub rows: BTreeMap<ArticleId, Row>,
    /// Identities of rows that are new or changed.
    pub changed: BTreeSet<ArticleId>,
}

/// An article as it was read, with what tells it from others and from itself: worked out once, when its file is read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The article.
    pub article: Arc<Article>,
    seen: Seen,
    visible: String,
    state: String,
    version: u64,
}

impl Read {
    /// Works it out.
    pub fn new(article: Article) -> Self {
        Self {
            seen: seen(&article),
            visible: visible(&article),
            state: state(&article),
            version: digest::number(format!("{article:?}")),
            article: Arc::new(article),
        }
    }
}

/// The site as it stands at an instant.
pub struct Site<'a> {
    /// Its settings.
    pub settings: &'a SiteSettings,
    /// Its articles.
    pub articles: &'a [Read],
    /// Paths of files that are there and cannot be read: their articles have not vanished.
    pub unreadable: &'a BTreeSet<String>,
    /// Old and new paths of files that were renamed since the last look, as git reports them.
    pub renames: &'a [(String, String)],
}

/// Compares what is known with what stands. `baseline` counts for articles of collections that are `new` to the ledger:
/// all of them at the first start, and later those that the site or the configuration adds.
pub fn look(known: Vec<Row>, site: &Site, baseline: Baseline, new: &BTreeSet<String>, now: Timestamp) -> Look {
    let settings = site.settings;
    let site_name = settings.url.host_str().unwrap_or_default().to_owned();
    // A definite order, whatever the order of files on the disk: identities and dates depend on it.
    let mut articles: Vec<&Read> = site.articles.iter().collect();
    articles.sort_by(|a, b| a.article.path.cmp(&b.article.path));
    let seen: Vec<&Seen> = articles.iter().map(|read| &read.seen).collect();
    let all_known: Vec<Known> = known.iter().map(known_as).collect();
    let told = identity::identify(&site_name, &all_known, &seen, site.unreadable, site.renames, now);

    let mut rows: BTreeMap<ArticleId, Row> = known.into_iter().map(|row| (row.id, row)).collect();
    let mut changed = BTreeSet::new();
    let mut dates: BTreeSet<Timestamp> = rows.values().map(|row| row.updated).collect();
    let print = settings.print();
    let mut standing = Vec::with_capacity(articles.len());
    for (read, (id, how)) in articles.into_iter().zip(told) {
        let before = rows.get(&id);
        let row = match before {
            Some(row) => renewed(row, read, now, &mut dates),
            None => {
                let first = new.contains(&read.article.collection).then_some((baseline, &settings.timezone));
                new_row(id, read, how, first, now, &mut dates)
            }
        };
        if before != Some(&row) {
            changed.insert(id);
        }
        let version = digest::number(format!("{} {} {} {print}", read.version, row.updated, row.first_seen));
        let article = Arc::clone(&read.article);
        standing.push(Standing { id, first_seen: row.first_seen, updated: row.updated, version, article });
        rows.insert(id, row);
    }
    judge_copies_again(&mut rows, &standing, &mut changed);
    let stands: BTreeSet<ArticleId> = standing.iter().map(|standing| standing.id).collect();
    for row in rows.values_mut() {
        if !stands.contains(&row.id) && row.gone_since.is_none() && !site.unreadable.contains(&row.path) {
            row.gone_since = Some(now);
            // What comes back after it was gone must settle again.
            row.state = String::new();
            changed.insert(row.id);
        }
    }
    Look { catalog: Catalog::new(standing), rows, changed }
}

/// A copy that was rewritten, or whose model is gone, is suspected no longer: to duplicate an article and write another
/// one over it is how many editors work.
fn judge_copies_again(rows: &mut BTreeMap<ArticleId, Row>, standing: &[Standing], changed: &mut BTreeSet<ArticleId>) {
    let stands: BTreeSet<ArticleId> = standing.iter().map(|standing| standing.id).collect();
    for id in &stands {
        let Some((row, (model, before))) = rows.get(id).and_then(|row| Some((row, row.copy_of?))) else { continue };
        let model_row = rows.get(&model).filter(|_| stands.contains(&model));
        let now = model_row.map_or(0.0, |model| row.sketch.likeness(&model.sketch));
        let judged = (now >= sketch::LIKENESS).then_some((model, now));
        if judged != Some((model, before))
            && let Some(row) = rows.get_mut(id)
        {
            row.copy_of = judged;
            changed.insert(*id);
        }
    }
}

fn seen(article: &Article) -> Seen {
    let text = format!("{}\n{}\n{}", article.title, article.chapeau.as_deref().unwrap_or(""), article.body);
    Seen {
        path: article.path.clone(),
        addresses: std::iter::once(&article.url)
            .chain(&article.aliases)
            .map(|url| without_scheme(url.as_str()))
            .collect(),
        own_id: article.own_id.clone(),
        sketch: Sketch::of(&text),
    }
}

/// http and https are one address.
fn without_scheme(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

fn known_as(row: &Row) -> Known {
    Known {
        id: row.id,
        path: row.path.clone(),
        addresses: row.addresses.clone(),
        own_id: row.own_id.clone(),
        gone_since: row.gone_since,
        sketch: row.sketch.clone(),
    }
}

fn new_row(
    id: ArticleId,
    read: &Read,
    how: Told,
    first: Option<(Baseline, &TimeZone)>,
    now: Timestamp,
    dates: &mut BTreeSet<Timestamp>,
) -> Row {
    let article = &read.article;
    let date = article.date.map(|date| date.at);
    // Found at the first start, an article has been as it is since its date, as far as anyone can tell.
    let state_since = match (first, date) {
        (Some(_), Some(date)) => date.min(now),
        _ => now,
    };
    let decided = match first {
        Some((baseline, zone)) if article.is_live(now) => match (baseline, date) {
            (Baseline::Existing, _) | (_, None) => Some(Decided::Baseline),
            (Baseline::Since(since), Some(date)) => {
                (zone.to_datetime(date).date() < since).then_some(Decided::Baseline)
            }
            (Baseline::None, Some(_)) => None,
        },
        _ => None,
    };
    let said = article.modified.map(|modified| modified.at).filter(|at| *at <= now);
    let updated = said.max(date).unwrap_or(now);
    Row {
        id,
        path: article.path.clone(),
        addresses: read.seen.addresses.clone(),
        own_id: article.own_id.clone(),
        title: article.title.clone(),
        sketch: read.seen.sketch.clone(),
        visible: read.visible.clone(),
        first_seen: now,
        updated: distinct(updated, dates),
        state: read.state.clone(),
        state_since,
        decided,
        copy_of: match how {
            Told::New { copy_of } => copy_of,
            _ => None,
        },
        gone_since: None,
    }
}

fn renewed(row: &Row, read: &Read, now: Timestamp, dates: &mut BTreeSet<Timestamp>) -> Row {
    let article = &read.article;
    let mut row = row.clone();
    let mut addresses = read.seen.addresses.clone();
    for old in &row.addresses {
        if !addresses.contains(old) {
            addresses.push(old.clone());
        }
    }
    row.addresses = addresses;
    row.path.clone_from(&article.path);
    row.own_id.clone_from(&article.own_id);
    row.title.clone_from(&article.title);
    row.sketch.clone_from(&read.seen.sketch);
    row.gone_since = None;
    if row.visible != read.visible {
        row.visible.clone_from(&read.visible);
        // An article that nobody saw before it is live has not been updated: it is published.
        if article.is_live(now) {
            let said = article.modified.map(|modified| modified.at).filter(|at| *at <= now && *at > row.updated);
            row.updated = distinct(said.unwrap_or(now), dates);
        }
    }
    // Nothing is updated before it is published, nor in the future: the date was corrected.
    let date = article.date.map_or(now, |date| date.at);
    if article.is_live(now) && (row.updated > now || row.updated < date) {
        row.updated = distinct(date, dates);
    }
    if row.state != read.state {
        row.state.clone_from(&read.state);
        row.decided = row.decided.filter(|decided| *decided != Decided::Stale);
        row.state_since = now;
    }
    row
}

/// The W3C validator warns of two entries with one `updated`: the later one gets some milliseconds.
fn distinct(at: Timestamp, dates: &mut BTreeSet<Timestamp>) -> Timestamp {
    let mut at = at;
    while dates.contains(&at) {
        match at.checked_add(SignedDuration::from_millis(1)) {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    dates.insert(at);
    at
}

/// Hash of what a reader sees: neither white space, nor tags, nor keys of the layout.
fn visible(article: &Article) -> String {
    let mut text = format!("{}\n{}\n{}", article.title, article.chapeau.as_deref().unwrap_or(""), article.body);
    for image in &article.images {
        text.push_str(&format!("\n{} {:?} {:?}", image.url, image.alt, image.legend));
    }
    for attachment in &article.attachments {
        text.push_str(&format!("\n{}", attachment.url));
    }
    if let Some(event) = &article.event {
        text.push_str(&format!("\n{event:?}"));
    }
    digest::hex(one_line(&text), 16)
}

/// Hash of what must stay the same for an article to settle: its path, its date, whether it is published.
fn state(article: &Article) -> String {
    let date = article.date.map(|date| date.at.as_microsecond());
    digest::hex(format!("{}\n{date:?}\n{}", article.path, article.published), 16)
}
