//! The plan: which articles go where, when, and why not. This is what decides; everything else carries it out.
//!
//! [`plan`] is pure: the catalog, the ledger, the rules, the outbox and the instant go in. It can be asked at any time
//! and as often as one likes: what it wants booked has unique keys, so twice is once.

mod approval;
mod backfill;
mod by_hand;
mod calm;
mod campaign;
mod duplicate;
mod edit;
mod follow;
mod outbox;
mod pace;
mod queue;
mod removal;
mod room;
mod select;
mod steps;

pub use approval::{Approved, Makers, PRINT_LENGTH, awaits, people, print, refused, voided};
pub use backfill::{Backfill, Wanted, backfill};
pub use by_hand::by_hand;
pub use calm::{Closed, Silence, closed, is_in_blackout, opens, zone_of};
pub use campaign::{Entry, Progress};
pub use edit::{Edit, Edits, Posted, edits, says_the_same};
pub use pace::{Sent, day_is_full, nothing_sent, tell_turns};
pub use queue::{ItsSlot, NewSlot, slot_if_approved};
pub use removal::{removals, removes};
pub use select::selects;
pub use steps::{Moment, Step, off, overtaken, steps, too_late};

use crate::article::{ArticleId, SiteSettings};
use crate::catalog::{Catalog, Decided, Standing};
use crate::config::{Blackout, Config, Endpoint, EndpointName, OnEdit, Rule, When};
use crate::dates::civil;
use crate::delivery::{Delivery, DeliveryKey, State};
use crate::quiet::Quiet;
use crate::span;
use campaign::Member;
use follow::Course;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long an article that no rule fits is given to settle, and how old it may be to count as news that nobody
/// wanted: the defaults of rules.
const SETTLE: SignedDuration = SignedDuration::from_mins(30);
const FRESH: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the plan looks at.
pub struct Inputs<'a> {
    /// The site's articles and what is remembered of them.
    pub catalog: &'a Catalog,
    /// The site's settings.
    pub site: &'a SiteSettings,
    /// The rules, in the order of the configuration.
    pub rules: &'a [Rule],
    /// The endpoints.
    pub endpoints: &'a BTreeMap<EndpointName, Endpoint>,
    /// When nothing goes out, at endpoints that have no quiet hours of their own.
    pub quiet_hours: &'a Quiet,
    /// Periods in which nothing goes out.
    pub blackouts: &'a [Blackout],
    /// Whether a person has everything held.
    pub silence: Option<&'a Silence>,
    /// The deliveries: all there are, or at least those that are not over, those that were called off with their
    /// article, those of campaigns, those of articles whose announcement is not decided, and those that went out in a slot
    /// after `now`.
    pub outbox: &'a [Delivery],
    /// When the last posts went out of the endpoints that may have so many a day, if lines are to tell until when what is due
    /// waits.
    pub sent: Option<&'a Sent>,
    /// Whether a line is wanted of every article: without, only those are looked at of which something may be decided.
    pub explain: bool,
    /// The instant.
    pub now: Timestamp,
}

impl<'a> Inputs<'a> {
    /// With the rules of a configuration, without a line of every article, and without silence.
    pub fn new(
        config: &'a Config,
        site: &'a SiteSettings,
        catalog: &'a Catalog,
        outbox: &'a [Delivery],
        now: Timestamp,
    ) -> Self {
        Self {
            catalog,
            site,
            rules: &config.rules,
            endpoints: &config.endpoints,
            quiet_hours: &config.quiet_hours,
            blackouts: &config.blackouts,
            silence: None,
            outbox,
            sent: None,
            explain: false,
            now,
        }
    }
}

/// What is to be done, and what there is to say.
#[derive(Debug, Default)]
pub struct Plan {
    /// Deliveries to book, in order.
    pub book: Vec<Planned>,
    /// Articles whose announcement is decided by this, and how.
    pub decided: Vec<(ArticleId, Decided)>,
    /// Deliveries to call off because their article or its event was withdrawn, with the reason: they come back with it.
    pub withdraw: Vec<(i64, String)>,
    /// Deliveries that are too late, with the reason.
    pub expire: Vec<(i64, String)>,
    /// Deliveries to call off for good because a blackout drops them, with the reason.
    pub drop: Vec<(i64, String)>,
    /// Deliveries that wait for a person because their rule or endpoint is not configured any more, or because of a
    /// blackout, with the reason.
    pub hold: Vec<(i64, String)>,
    /// Deliveries that are due at another time than before: of a queue that several missed slots left due at once, or
    /// in which something urgent goes first; or of an event that moved.
    pub postpone: Vec<(i64, Timestamp)>,
    /// One line per article and endpoint: what goes where and when, or why not.
    pub lines: Vec<Line>,
    /// How far each campaign is at each of its endpoints, if lines are wanted.
    pub campaigns: Vec<Progress>,
}

/// A delivery to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What makes it unique.
    pub key: DeliveryKey,
    /// The kind of the endpoint's network.
    pub network: String,
    /// The article's path.
    pub path: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// [`State::Pending`]; or [`State::Held`], [`State::Failed`] or [`State::Cancelled`] with a reason.
    pub state: State,
    /// Why it does not go out.
    pub reason: Option<String>,
}

/// What is said of one article, one endpoint and one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The article.
    pub article: ArticleId,
    /// Its path.
    pub path: String,
    /// Where it goes, if it goes anywhere.
    pub endpoint: Option<EndpointName>,
    /// By which rule.
    pub rule: Option<String>,
    /// When, if that is known.
    pub due_at: Option<Timestamp>,
    /// A state of the outbox, or `planned`, `settling`, `waiting`, `skipped`.
    pub state: &'static str,
    /// The same in a word for people: what went out and is withdrawn is told as that.
    pub stands: &'static str,
    /// Why.
    pub reason: String,
}

/// The plan at an instant.
pub fn plan(inputs: &Inputs) -> Plan {
    let mut planner = Planner::new(inputs);
    planner.keep_the_outbox_true();
    // Oldest first, so that a queue goes out in the order of publication.
    for standing in looked_at(inputs).into_iter().rev() {
        planner.article(standing);
    }
    planner.campaigns();
    planner.unreadable();
    planner.put_in_turn();
    planner.tell_turns();
    planner.plan.lines.reverse();
    if inputs.explain {
        planner.plan.campaigns = planner.progress();
    }
    planner.plan
}

/// The articles that a plan looks at, newest first.
fn looked_at<'a>(inputs: &Inputs<'a>) -> Vec<&'a Arc<Standing>> {
    if inputs.explain {
        return inputs.catalog.newest_first();
    }
    let booked = inputs.outbox.iter().map(|delivery| delivery.key.article);
    let ids: BTreeSet<ArticleId> = inputs.catalog.open().iter().copied().chain(booked).collect();
    let mut looked_at: Vec<&Arc<Standing>> = ids.iter().filter_map(|id| inputs.catalog.get(id)).collect();
    looked_at.sort_by_key(|standing| standing.order());
    looked_at
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    by_article: BTreeMap<ArticleId, Vec<&'a Delivery>>,
    /// Slots that are taken, by rule and endpoint.
    taken: BTreeMap<(String, EndpointName), BTreeSet<Timestamp>>,
    /// The articles of each campaign, by its name.
    members: BTreeMap<&'a str, Vec<Member<'a>>>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
        let mut by_article: BTreeMap<ArticleId, Vec<&Delivery>> = BTreeMap::new();
        let mut taken: BTreeMap<(String, EndpointName), BTreeSet<Timestamp>> = BTreeMap::new();
        for delivery in inputs.outbox {
            by_article.entry(delivery.key.article).or_default().push(delivery);
            if delivery.state != State::Cancelled {
                taken
                    .entry((delivery.key.rule.clone(), delivery.key.endpoint.clone()))
                    .or_default()
                    .insert(delivery.due_at);
            }
        }
        let campaigns = inputs.rules.iter().filter_map(|rule| match &rule.when {
            When::Campaign(campaign) => Some((rule.name.as_str(), campaign::members(inputs, rule, campaign))),
            _ => None,
        });
        Self { inputs, by_article, taken, members: campaigns.collect(), plan: Plan::default() }
    }

    fn article(&mut self, standing: &'a Standing) {
        let now = self.inputs.now;
        let existing = self.by_article.get(&standing.id).cloned().unwrap_or_default();
        for delivery in existing.iter().filter(|delivery| !delivery.withdrawn) {
            self.booked_line(&standing.article.path, delivery);
        }
        if !standing.article.is_live(now) {
            if existing.iter().all(|delivery| delivery.withdrawn) {
                self.not_live_lines(standing);
            }
            return;
        }
        if let Some(decided) = standing.past.decided {
            self.decided(standing, decided, &existing);
            return;
        }
        let Some(due) = standing.due_since() else {
            if self.is_in_campaign(standing.id) {
                return;
            }
            self.line(
                standing,
                None,
                None,
                None,
                "skipped",
                "it has no date, so it is never announced by itself".to_owned(),
            );
            return;
        };
        self.due(standing, due);
    }

    /// An article whose announcement is decided: only what was called off with it comes back.
    fn decided(&mut self, standing: &'a Standing, decided: Decided, existing: &[&Delivery]) {
        if existing.is_empty() && !self.is_in_campaign(standing.id) {
            let reason = match decided {
                Decided::Baseline => {
                    "part of the baseline: it was there when its collection was first looked at; `publish-now` sends it all the same"
                }
                Decided::Stale => "its date lay too far back when it appeared; `publish-now` sends it all the same",
                Decided::Redated => {
                    "it was no news, and its date was set anew with those of many others at once; `publish-now` sends it all the same, and `backfill` all of them"
                }
                Decided::Announced => "no rule fitted it when it was published; `publish-now` sends it all the same",
            };
            self.line(standing, None, None, None, "skipped", reason.to_owned());
        }
        let Some(due) = standing.due_since() else { return };
        for rule in self.inputs.rules.iter().filter(follows_publication) {
            self.follow(standing, rule, due, &|step, name| came_back(existing, rule, step, name), Course::Later);
            // Of a rule that is being followed, what came to it since: a date of the event, a moment more.
            let runs = |name: &EndpointName| {
                let of_it = |d: &&&Delivery| {
                    d.key.rule == rule.name && d.key.endpoint == *name && !d.by_hand && d.key.correction().is_none()
                };
                existing.iter().filter(of_it).any(|d| matches!(d.state, State::Pending | State::Held | State::Sending))
            };
            let is_later = |step: &Step| matches!(step.moment, Moment::Event(_) | Moment::After(_));
            let is_new = |step: &Step, name: &EndpointName| {
                is_later(step) && !is_there(existing, rule, step, name) && runs(name)
            };
            self.follow(standing, rule, due, &is_new, Course::Later);
        }
        self.corrections_that_came_back(standing, existing);
    }

    /// A correction that was called off with its article before it was told is told when the article is back: what made it
    /// due, an edit of the post, does not happen again.
    fn corrections_that_came_back(&mut self, standing: &'a Standing, existing: &[&Delivery]) {
        let called_off = |d: &&&Delivery| d.withdrawn && d.state == State::Cancelled && d.key.correction().is_some();
        for correction in existing.iter().filter(called_off) {
            let key = &correction.key;
            let tells = |rule: &&Rule| {
                rule.name == key.rule && rule.on_edit == OnEdit::Correct && rule.endpoints.contains(&key.endpoint)
            };
            if !self.inputs.rules.iter().any(|rule| tells(&rule)) {
                continue;
            }
            let now = self.inputs.now;
            let why = "it comes back with its article".to_owned();
            self.line(standing, Some(&key.endpoint), Some(&key.rule), Some(now), "planned", why);
            self.plan.book.push(Planned {
                key: key.clone(),
                network: correction.network.clone(),
                path: standing.article.path.to_string(),
                due_at: now,
                state: State::Pending,
                reason: None,
            });
        }
    }

    /// An article that is live and undecided: every rule that fits it is followed, each after its own settling time.
    fn due(&mut self, standing: &'a Standing, due: Timestamp) {
        let now = self.inputs.now;
        let age = standing.article.date.map_or(SignedDuration::ZERO, |date| due.duration_since(date.at));
        let existing = self.by_article.get(&standing.id).cloned().unwrap_or_default();
        let language = &self.inputs.site.language;
        let fits = |rule: &&Rule| follows_publication(rule) && selects(&rule.articles, &standing.article, language);
        let fitting: Vec<&'a Rule> = self.inputs.rules.iter().filter(fits).collect();
        let mut fresh = false;
        for rule in &fitting {
            if age > rule.fresh {
                let (age, most) = (span::show(age), span::show(rule.fresh));
                let reason = format!("its date lay {age} back when it appeared, and the rule takes {most}");
                self.line(standing, None, Some(&rule.name), None, "skipped", reason);
                continue;
            }
            fresh = true;
            // A rule is followed once: an endpoint that it names later, or under another name, gets nothing of the past.
            let followed = existing.iter().any(|d| d.key.rule == rule.name && !d.withdrawn && !d.by_hand);
            let wanted = |step: &Step, name: &EndpointName| !followed || came_back(&existing, rule, step, name);
            self.follow(standing, rule, due, &wanted, Course::First);
        }
        if fitting.is_empty() {
            if !self.is_in_campaign(standing.id) {
                self.line(standing, None, None, None, "skipped", "no rule fits it".to_owned());
            }
            fresh = age <= FRESH;
        }
        if now.duration_since(due) >= fitting.iter().map(|rule| rule.settle).max().unwrap_or(SETTLE) {
            self.plan.decided.push((standing.id, if fresh { Decided::Announced } else { Decided::Stale }));
        }
    }

    fn not_live_lines(&mut self, standing: &'a Standing) {
        let reason = not_live(standing, self.inputs);
        let date =
            standing.article.date.map(|date| date.at).filter(|at| *at > self.inputs.now && standing.article.published);
        let Some(date) = date.filter(|_| standing.past.decided.is_none()) else {
            if self.is_in_campaign(standing.id) {
                return;
            }
            self.line(standing, None, None, None, "skipped", reason);
            return;
        };
        let language = &self.inputs.site.language;
        let mut fits = false;
        let fitting = |rule: &&Rule| follows_publication(rule) && selects(&rule.articles, &standing.article, language);
        for rule in self.inputs.rules.iter().filter(fitting) {
            fits |= !rule.endpoints.is_empty();
            self.foresee(standing, rule, date, &reason);
        }
        if !fits && !self.is_in_campaign(standing.id) {
            self.line(standing, None, None, None, "skipped", format!("{reason}; no rule fits it"));
        }
    }

    fn line(
        &mut self,
        standing: &Standing,
        endpoint: Option<&EndpointName>,
        rule: Option<&str>,
        due_at: Option<Timestamp>,
        state: &'static str,
        reason: String,
    ) {
        if !self.inputs.explain {
            return;
        }
        self.plan.lines.push(Line {
            article: standing.id,
            path: standing.article.path.to_string(),
            endpoint: endpoint.cloned(),
            rule: rule.map(str::to_owned),
            due_at,
            state,
            stands: state,
            reason,
        });
    }
}

/// Whether a rule announces what is published; a campaign takes what it names.
fn follows_publication(rule: &&Rule) -> bool {
    !matches!(rule.when, When::Campaign(_))
}

/// Whether a rule's step for an endpoint was called off with its article, and so comes back with it.
fn came_back(existing: &[&Delivery], rule: &Rule, step: &Step, endpoint: &EndpointName) -> bool {
    existing.iter().any(|d| d.withdrawn && is_of(d, rule, step, endpoint))
}

/// Whether there is a delivery of a rule's step for an endpoint.
fn is_there(existing: &[&Delivery], rule: &Rule, step: &Step, endpoint: &EndpointName) -> bool {
    existing.iter().any(|d| is_of(d, rule, step, endpoint))
}

fn is_of(delivery: &Delivery, rule: &Rule, step: &Step, endpoint: &EndpointName) -> bool {
    delivery.key.rule == rule.name && delivery.key.step == step.name && delivery.key.endpoint == *endpoint
}

/// Why readers do not see an article.
fn not_live(standing: &Standing, inputs: &Inputs) -> String {
    let article = &standing.article;
    if !article.published {
        return "it is a draft (published: false)".to_owned();
    }
    match article.date {
        Some(date) if date.at > inputs.now => {
            format!("its date is to come: {}", civil(date.at, &inputs.site.timezone))
        }
        _ => "it has expired".to_owned(),
    }
}

/// The first instant after `now` at which the plan may say something new by the passing of time alone: an article's
/// date, its expiry, the end of its settling, a turn in a queue.
pub fn next_change(inputs: &Inputs) -> Option<Timestamp> {
    let now = inputs.now;
    // What was called off with its article is booked again once that is back and has settled, although it is decided.
    let may_return = inputs.outbox.iter().filter(|d| d.withdrawn && d.state == State::Cancelled);
    let returning: BTreeSet<ArticleId> = may_return.map(|delivery| delivery.key.article).collect();
    let awaited = inputs.catalog.open().union(&returning).filter_map(|id| inputs.catalog.get(id));
    let settling = awaited.filter(|standing| standing.article.is_live(now)).filter_map(|standing| {
        let due = standing.due_since()?;
        let settles = inputs.rules.iter().map(|rule| rule.settle).chain([SETTLE]);
        settles.filter_map(|settle| due.checked_add(settle).ok()).filter(|at| *at > now).min()
    });
    // The turns of a queue are dealt anew when the one before could not go out.
    let is_queue = |name: &str| inputs.rules.iter().any(|rule| rule.name == name && rule.when.queue().is_some());
    let waiting = inputs.outbox.iter().filter(|delivery| delivery.state == State::Pending && delivery.due_at > now);
    let turns = waiting.filter(|delivery| is_queue(&delivery.key.rule)).map(|delivery| delivery.due_at);
    settling.chain(inputs.catalog.next_change(now)).chain(turns).min()
}
