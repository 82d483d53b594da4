//! The outbox of a simulation: in memory, with the same keys and the same turns as the store's.

use crate::article::{ArticleId, SiteSettings};
use crate::catalog::Catalog;
use crate::config::{Config, EndpointName};
use crate::delivery::{CAMPAIGN, Delivery, DeliveryKey, State};
use crate::plan::{self, Plan, Planned};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// What is late by just as much as its rule allows is not too late yet.
const INSTANT: SignedDuration = SignedDuration::from_micros(1);

/// A delivery, and when what became of it.
#[derive(Debug)]
pub struct Row {
    pub delivery: Delivery,
    /// When it came into its state, or when it is due as long as it waits.
    pub at: Timestamp,
    /// The commit that stood then.
    pub commit: Arc<str>,
    /// The article's path and title then.
    pub path: String,
    pub title: String,
}

/// What says how fast an endpoint takes posts, and when it takes none.
pub struct Pace<'a> {
    pub config: &'a Config,
    pub site: &'a SiteSettings,
}

/// What there is at an instant.
pub struct Moment<'a> {
    pub now: Timestamp,
    pub commit: &'a Arc<str>,
    pub catalog: &'a Catalog,
    /// Paths of files that should be articles and cannot be read; of those that were, the last good form stands.
    pub broken: &'a BTreeSet<String>,
}

/// All deliveries, in the order of their booking.
#[derive(Debug, Default)]
pub struct Outbox {
    rows: Vec<Row>,
    by_key: HashMap<DeliveryKey, usize>,
    by_article: HashMap<ArticleId, Vec<usize>>,
    /// Those that are not over.
    active: BTreeSet<usize>,
    /// Those of campaigns.
    campaigns: BTreeSet<usize>,
    /// Articles of which a delivery was called off with them, and may come back.
    returning: BTreeSet<ArticleId>,
    /// When the last posts of an endpoint went out, newest first: as many as its rate looks back at.
    sent: BTreeMap<EndpointName, VecDeque<Timestamp>>,
}

impl Outbox {
    /// All deliveries.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The deliveries that a plan must know: those that are not over, those of articles of which one was called off, and
    /// those of the articles given.
    pub fn wanted(&self, articles: &BTreeSet<ArticleId>) -> Vec<Delivery> {
        let of_articles = articles.iter().chain(&self.returning).filter_map(|id| self.by_article.get(id)).flatten();
        let wanted: BTreeSet<usize> = of_articles.chain(&self.active).chain(&self.campaigns).copied().collect();
        wanted.into_iter().filter_map(|place| self.rows.get(place)).map(|row| row.delivery.clone()).collect()
    }

    /// Carries out a plan.
    pub fn carry_out(&mut self, plan: Plan, moment: &Moment) {
        // Every part by its name: one that is new must be thought of here.
        let Plan { book, decided: _, withdraw, drop, expire, hold, postpone, lines: _, campaigns: _ } = plan;
        for (id, reason) in withdraw {
            self.settle(id, State::Cancelled, reason, true, moment);
        }
        for (id, reason) in drop {
            self.settle(id, State::Cancelled, reason, false, moment);
        }
        for (id, reason) in expire {
            self.settle(id, State::Failed, reason, false, moment);
        }
        for (id, due_at) in postpone {
            let waits = |row: &&mut Row| matches!(row.delivery.state, State::Pending | State::Held);
            if let Some(row) = self.row(id).filter(waits) {
                row.delivery.due_at = due_at;
                row.at = due_at;
            }
        }
        for (id, reason) in hold {
            self.settle(id, State::Held, reason, false, moment);
        }
        for planned in book {
            self.book(planned, moment);
        }
    }

    /// Lets go out what is due, each endpoint at its pace, the one that is due longest first.
    pub fn deliver(&mut self, pace: &Pace, moment: &Moment) {
        let mut due: Vec<(Timestamp, usize)> = self
            .pending()
            .filter(|(_, delivery)| delivery.due_at <= moment.now)
            .map(|(place, delivery)| (delivery.due_at, place))
            .collect();
        due.sort_unstable();
        for (_, place) in due {
            let Some(row) = self.rows.get(place) else { continue };
            let (endpoint, article) = (row.delivery.key.endpoint.clone(), row.delivery.key.article);
            if self.opens(pace, &endpoint, moment.now).is_none_or(|opens| opens > moment.now) {
                continue;
            }
            // One that is withdrawn is the plan's to call off.
            let standing = moment.catalog.get(&article);
            let Some(standing) = standing.filter(|standing| standing.article.is_live(moment.now)) else { continue };
            // What readers would find at its address by now, nobody knows.
            if moment.broken.contains(&*standing.article.path) {
                if let Some(row) = self.rows.get_mut(place) {
                    row.delivery.reason = Some("the article's file cannot be read at present".to_owned());
                }
                continue;
            }
            self.turn(place, State::Published, None, moment);
            let looks_back = pace.config.endpoints.get(&endpoint).map_or(1, |endpoint| endpoint.rate.looks_back());
            let sent = self.sent.entry(endpoint).or_default();
            sent.push_front(moment.now);
            sent.truncate(looks_back);
        }
    }

    /// When the next delivery may go out, or is too late.
    pub fn next(&self, pace: &Pace, now: Timestamp) -> Option<Timestamp> {
        let ready = self
            .pending()
            .filter_map(|(_, delivery)| self.opens(pace, &delivery.key.endpoint, delivery.due_at.max(now)));
        let too_late = self.pending().filter_map(|(_, delivery)| {
            let rule = pace.config.rules.iter().find(|rule| rule.name == delivery.key.rule)?;
            delivery.due_at.checked_add(rule.expires).ok()?.checked_add(INSTANT).ok()
        });
        ready.chain(too_late).filter(|at| *at > now).min()
    }

    fn pending(&self) -> impl Iterator<Item = (usize, &Delivery)> {
        let active = self.active.iter().filter_map(|place| Some((*place, &self.rows.get(*place)?.delivery)));
        active.filter(|(_, delivery)| delivery.state == State::Pending)
    }

    /// The first instant from another on at which an endpoint takes its next post.
    fn opens(&self, pace: &Pace, name: &EndpointName, from: Timestamp) -> Option<Timestamp> {
        let free = match (self.sent.get(name), pace.config.endpoints.get(name)) {
            (Some(sent), Some(endpoint)) => endpoint.rate.opens(sent.iter().copied()).at(),
            _ => Timestamp::MIN,
        };
        plan::opens(pace.config, &pace.site.timezone, name, from.max(free))
    }

    /// A key that is there stays as it is, unless it was called off with its article.
    fn book(&mut self, planned: Planned, moment: &Moment) {
        let Planned { key, network, path, due_at, state, reason } = planned;
        let place = match self.by_key.get(&key) {
            Some(place) => {
                let Some(row) = self.rows.get_mut(*place) else { return };
                if !(row.delivery.withdrawn && row.delivery.state == State::Cancelled) {
                    return;
                }
                row.delivery = Delivery { path, due_at, withdrawn: false, by_hand: false, ..row.delivery.clone() };
                *place
            }
            None => {
                let place = self.rows.len();
                let delivery = Delivery {
                    id: i64::try_from(place).unwrap_or(i64::MAX),
                    key: key.clone(),
                    network,
                    path,
                    state,
                    due_at,
                    text: None,
                    attempts: 0,
                    remote_id: None,
                    remote_url: None,
                    remote_parts: Vec::new(),
                    reason: None,
                    removal: None,
                    withdrawn: false,
                    by_hand: false,
                    look_first: false,
                    urgent: false,
                };
                self.by_article.entry(key.article).or_default().push(place);
                if key.step == CAMPAIGN {
                    self.campaigns.insert(place);
                }
                self.by_key.insert(key, place);
                let (path, title) = (delivery.path.clone(), String::new());
                self.rows.push(Row { delivery, at: due_at, commit: Arc::clone(moment.commit), path, title });
                place
            }
        };
        self.turn(place, state, reason, moment);
        if matches!(state, State::Pending | State::Held)
            && let Some(row) = self.rows.get_mut(place)
        {
            row.at = due_at;
        }
    }

    /// Ends a delivery that never went out.
    fn settle(&mut self, id: i64, state: State, reason: String, withdrawn: bool, moment: &Moment) {
        let waits = |state: State| matches!(state, State::Pending | State::Held);
        let Some(row) = self.row(id).filter(|row| waits(row.delivery.state)) else { return };
        row.delivery.withdrawn = withdrawn;
        if row.delivery.withdrawn {
            let article = row.delivery.key.article;
            self.returning.insert(article);
        }
        if let Ok(place) = usize::try_from(id) {
            self.turn(place, state, Some(reason), moment);
        }
    }

    fn row(&mut self, id: i64) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(id).ok()?)
    }

    fn turn(&mut self, place: usize, state: State, reason: Option<String>, moment: &Moment) {
        let Some(row) = self.rows.get_mut(place) else { return };
        row.delivery.state = state;
        row.delivery.reason = reason;
        row.at = moment.now;
        row.commit = Arc::clone(moment.commit);
        if let Some(standing) = moment.catalog.get(&row.delivery.key.article) {
            row.path = standing.article.path.to_string();
            row.title = standing.article.title.to_string();
        }
        if matches!(state, State::Pending | State::Held) {
            self.active.insert(place);
        } else {
            self.active.remove(&place);
        }
    }
}
