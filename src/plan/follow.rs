//! A rule, followed: for each of its steps and endpoints, when the post is due, or why there is none.

use super::duplicate::{suspected, suspicion};
use super::outbox::missed;
use super::steps::{event_moment, off};
use super::{Moment, Planned, Planner, Step, approval, calm, campaign, steps, too_late};
use crate::article::ArticleId;
use crate::catalog::Standing;
use crate::config::{BlackoutAction, EndpointName, Repeats, Rule, When};
use crate::dates::civil;
use crate::delivery::{DeliveryKey, State};
use crate::{schedule, span};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Whether a rule is followed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Its article has just appeared: what was due since then is late, not past.
    First,
    /// Later: of moments that are past, nothing is made up for.
    Later,
}

/// Whether there is more to say of a rule's steps after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    On,
    /// Its repeats have ended.
    Ended,
}

/// When a step is due.
enum Due {
    /// At this instant, for this reason.
    At(Timestamp, String),
    /// Not at all.
    Never(String),
    /// Not any more: it is a repeat, and repeats have ended by then.
    Ended(String),
}

impl<'a> Planner<'a> {
    /// Follows a rule for those of its steps and endpoints that are wanted.
    pub(super) fn follow(
        &mut self,
        standing: &'a Standing,
        rule: &'a Rule,
        due: Timestamp,
        wanted: &dyn Fn(&Step, &EndpointName) -> bool,
        course: Course,
    ) {
        let settled_at = due.saturating_add(rule.settle).unwrap_or(Timestamp::MAX);
        let is_even = matches!(&rule.when, When::After(Repeats { is_even: true, .. }));
        let mut ended: BTreeSet<&EndpointName> = BTreeSet::new();
        for step in steps(&rule.when) {
            for name in rule.endpoints.iter().filter(|name| wanted(&step, name)) {
                // Of even repeats, all come too late that come after one that does: once is enough to say so.
                if !(is_even && ended.contains(name))
                    && self.follow_step(standing, rule, &step, name, settled_at, course) == Followed::Ended
                {
                    ended.insert(name);
                }
            }
        }
    }

    pub(super) fn follow_step(
        &mut self,
        standing: &'a Standing,
        rule: &'a Rule,
        step: &Step,
        name: &EndpointName,
        settled_at: Timestamp,
        course: Course,
    ) -> Followed {
        let now = self.inputs.now;
        let Some(endpoint) = self.inputs.endpoints.get(name) else { return Followed::On };
        let key = DeliveryKey::new(standing.id, &rule.name, &step.name, name);
        let of_article = self.by_article.get(&standing.id).into_iter().flatten();
        let is_booked = of_article.into_iter().any(|delivery| delivery.key == key && !delivery.withdrawn);
        if is_booked || self.is_announced_otherwise(standing.id, step, name) {
            return Followed::On;
        }
        // Nobody could have announced it before it was first seen.
        let from = self.earliest(standing, rule, settled_at).max(standing.past.first_seen);
        let from = match &rule.when {
            When::Campaign(campaign) => {
                campaign::days(self.inputs, campaign, name).0.map_or(from, |start| start.max(from))
            }
            _ => from,
        };
        // A publication that was called off with its article comes back with it, however late that is seen.
        let makes_up = course == Course::First || matches!(step.moment, Moment::Publication);
        let horizon = if makes_up { from } else { now };
        let settles = now < settled_at;
        let (due_at, why) = match self.due_at(standing, rule, step, name, (from, horizon), settles) {
            Due::At(at, why) => (at, why),
            Due::Never(reason) => {
                self.line(standing, Some(name), Some(&rule.name), None, "skipped", reason);
                return Followed::On;
            }
            Due::Ended(reason) => {
                self.line(standing, Some(name), Some(&rule.name), None, "skipped", reason);
                return Followed::Ended;
            }
        };
        if settles {
            let settle = span::show(rule.settle);
            let until = civil(settled_at, &self.inputs.site.timezone);
            let reason =
                format!("it settles until {until}: {settle} without a change of path, date or state; then {why}");
            self.line(standing, Some(name), Some(&rule.name), Some(due_at), "settling", reason);
            return Followed::On;
        }
        let (state, reason) = self.verdict(standing, rule, step, due_at);
        let word = if state == State::Pending { "planned" } else { state.word() };
        self.line(standing, Some(name), Some(&rule.name), Some(due_at), word, reason.clone().unwrap_or(why));
        self.plan.book.push(Planned {
            key,
            network: endpoint.network.word().to_owned(),
            path: standing.article.path.to_string(),
            due_at,
            state,
            reason,
        });
        Followed::On
    }

    /// What would be due of an article whose date is to come.
    pub(super) fn foresee(&mut self, standing: &'a Standing, rule: &'a Rule, date: Timestamp, reason: &str) {
        let settled_at = date.saturating_add(rule.settle).unwrap_or(Timestamp::MAX);
        let from = self.earliest(standing, rule, settled_at);
        for step in steps(&rule.when) {
            for name in &rule.endpoints {
                match self.due_at(standing, rule, &step, name, (from, from), true) {
                    Due::At(at, _) => {
                        self.line(standing, Some(name), Some(&rule.name), Some(at), "waiting", reason.to_owned());
                    }
                    Due::Never(why) => {
                        let reason = format!("{reason}; {why}");
                        self.line(standing, Some(name), Some(&rule.name), None, "skipped", reason);
                    }
                    // What is said of the publication is enough.
                    Due::Ended(_) => {}
                }
            }
        }
    }

    /// The first instant at which a rule takes an article.
    fn earliest(&self, standing: &Standing, rule: &Rule, settled_at: Timestamp) -> Timestamp {
        self.old_enough(standing, rule).max(settled_at)
    }

    /// The first instant at which an article is as old as a rule wants it.
    pub(super) fn old_enough(&self, standing: &Standing, rule: &Rule) -> Timestamp {
        let date = standing.article.date.filter(|_| !rule.articles.min_age.is_zero());
        date.and_then(|date| date.at.checked_add(rule.articles.min_age).ok()).unwrap_or(Timestamp::MIN)
    }

    /// When a step is due that could go out from an instant on; `horizon` is the instant before which moments are past.
    /// `foreseen` says that it is not to be booked yet.
    fn due_at(
        &mut self,
        standing: &Standing,
        rule: &Rule,
        step: &Step,
        name: &EndpointName,
        (from, horizon): (Timestamp, Timestamp),
        foreseen: bool,
    ) -> Due {
        let zone = calm::zone_of(self.inputs.endpoints.get(name), self.inputs.site);
        let moment = match step.moment {
            Moment::Slot => {
                let queue = rule.when.queue().is_some();
                let urgent = queue && standing.article.urgent;
                return match self.slot(rule, name, from, urgent && foreseen) {
                    Some(slot) if urgent => Due::At(slot, "urgent: before the others of the queue".to_owned()),
                    Some(slot) if queue => Due::At(slot, "in the next free slot of the queue".to_owned()),
                    Some(slot) => Due::At(slot, step.in_words()),
                    None => Due::Never("the rule's slots never come".to_owned()),
                };
            }
            Moment::Campaign => {
                let Some(slot) = self.slot(rule, name, from, false) else {
                    return Due::Never("the campaign's slots never come".to_owned());
                };
                return match self.out_of_campaign(rule, standing.id, name, slot) {
                    Some(reason) => Due::Never(reason),
                    None => Due::At(slot, step.in_words()),
                };
            }
            Moment::Publication => Some(from),
            Moment::After(offset) => offset.from(from, &zone),
            Moment::Event(offset) => {
                let Some(event) = &standing.article.event else {
                    return Due::Never("it is no event, and the rule is for events".to_owned());
                };
                if let Some(reason) = off(event) {
                    return Due::Never(reason.to_owned());
                }
                event_moment(event, offset, &zone)
            }
        };
        let Some(moment) = moment else { return Due::Never("its moment lies outside the calendar".to_owned()) };
        if moment < horizon {
            return Due::Never(format!("its moment, {}, was past already", step.in_words()));
        }
        let (at, quiet) = calm::shifted(self.inputs, name, moment);
        if let Some(reason) = &quiet
            && too_late(step, standing.article.event.as_deref(), at).is_some()
        {
            return Due::Never(format!("{}: {reason} until the event has begun", step.in_words()));
        }
        if let Some(reason) = self.ended(standing, rule, step, name, at) {
            return Due::Ended(format!("{}: {reason}", step.in_words()));
        }
        let quiet = quiet.map(|reason| format!(", after {reason}")).unwrap_or_default();
        Due::At(at, format!("{}{quiet}", step.in_words()))
    }

    /// In which state a step is booked that is due at an instant, and why if it does not just go out.
    pub(super) fn verdict(
        &self,
        standing: &Standing,
        rule: &Rule,
        step: &Step,
        due_at: Timestamp,
    ) -> (State, Option<String>) {
        let now = self.inputs.now;
        let late = now.duration_since(due_at);
        if late > rule.expires {
            return (State::Failed, Some(missed(rule, late)));
        }
        if let Some(reason) = too_late(step, standing.article.event.as_deref(), now) {
            return (State::Failed, Some(reason));
        }
        if let Some((of, likeness)) = suspected(self.inputs, standing) {
            return (State::Held, Some(suspicion(self.inputs, of, likeness)));
        }
        match calm::blackout(self.inputs, due_at.max(now)) {
            Some(blackout) if blackout.action == BlackoutAction::Drop => (State::Cancelled, Some(calm::said(blackout))),
            Some(blackout) => (State::Held, Some(calm::said(blackout))),
            None => match approval::needed(self.inputs, &rule.name) {
                Some(reason) => (State::Held, Some(reason)),
                None => (State::Pending, None),
            },
        }
    }

    /// Whether an endpoint has this step of an article already, by hand or by a rule that has another name now.
    fn is_announced_otherwise(&self, article: ArticleId, step: &Step, endpoint: &EndpointName) -> bool {
        let is_rule = |name: &str| self.inputs.rules.iter().any(|rule| rule.name == name);
        let deliveries = self.by_article.get(&article).into_iter().flatten();
        deliveries
            .filter(|d| d.key.endpoint == *endpoint && d.key.step == step.name && !d.withdrawn)
            .any(|delivery| !is_rule(&delivery.key.rule))
    }

    /// Why a repeat that is due at an instant is none any more: its rule, its article's author or the life of the article
    /// says when they end.
    fn ended(
        &self,
        standing: &Standing,
        rule: &Rule,
        step: &Step,
        name: &EndpointName,
        at: Timestamp,
    ) -> Option<String> {
        let (Moment::After(_), When::After(repeats)) = (step.moment, &rule.when) else { return None };
        let zone = calm::zone_of(self.inputs.endpoints.get(name), self.inputs.site);
        if let Some(last) = repeats.until {
            let end = last.tomorrow().ok().and_then(|day| schedule::first_instant(&zone, day.at(0, 0, 0, 0)));
            if end.is_some_and(|end| end <= at) {
                return Some(format!("the rule repeats until {last}"));
            }
        }
        let said = |end: Timestamp| civil(end, &self.inputs.site.timezone);
        if let Some(end) = standing.article.repeat_until.filter(|end| *end <= at) {
            return Some(format!("the article is repeated until {} only (`repeat_until`)", said(end)));
        }
        let expires = standing.article.expires.filter(|end| *end <= at)?;
        Some(format!("the article expires before, at {}", said(expires)))
    }

    /// The next slot of a rule for an endpoint, from an instant; a queue gives every slot once. What is `only_foreseen`
    /// takes none.
    fn slot(&mut self, rule: &Rule, name: &EndpointName, from: Timestamp, only_foreseen: bool) -> Option<Timestamp> {
        let schedule = match &rule.when {
            When::Slots { schedule, .. } => schedule,
            When::Campaign(campaign) => &campaign.schedule,
            _ => return Some(from),
        };
        let mut slot = calm::slot(self.inputs, schedule, name, from)?;
        if rule.when.queue().is_some() {
            // A slot that is past is free only if nothing was due in it; those that are past are not given out late.
            if slot < self.inputs.now {
                slot = calm::slot(self.inputs, schedule, name, self.inputs.now)?;
            }
            if only_foreseen {
                return Some(slot);
            }
            let taken = self.taken.entry((rule.name.clone(), name.clone())).or_default();
            while taken.contains(&slot) {
                slot = calm::slot_after(self.inputs, schedule, name, slot)?;
            }
            taken.insert(slot);
        }
        Some(slot)
    }
}

/// What becomes of a step that is booked already, by what its event says now.
pub(super) enum Moved {
    /// It stays as it is.
    Stays,
    /// It is due at another time.
    To(Timestamp),
    /// It is called off, and comes back if its event does.
    CalledOff(String),
    /// It is too late.
    Over(String),
}

impl Planner<'_> {
    /// What becomes of a booked step of an event, or of a repeat.
    pub(super) fn moved(
        &self,
        standing: &Standing,
        rule: &Rule,
        step: &Step,
        name: &EndpointName,
        booked: Timestamp,
    ) -> Moved {
        let Moment::Event(offset) = step.moment else {
            let ended = self
                .out_of_campaign(rule, standing.id, name, booked)
                .or_else(|| self.ended(standing, rule, step, name, booked));
            return ended.map_or(Moved::Stays, Moved::CalledOff);
        };
        let Some(event) = &standing.article.event else {
            return Moved::CalledOff("the article is no event any more".to_owned());
        };
        if let Some(reason) = off(event) {
            return Moved::CalledOff(reason.to_owned());
        }
        let now = self.inputs.now;
        if let Some(reason) = too_late(step, Some(event), now) {
            return Moved::Over(reason);
        }
        let zone = calm::zone_of(self.inputs.endpoints.get(name), self.inputs.site);
        let Some(moment) = event_moment(event, offset, &zone) else { return Moved::Stays };
        let (at, quiet) = calm::shifted(self.inputs, name, moment);
        if at == booked {
            return Moved::Stays;
        }
        if let Some(reason) = quiet.filter(|_| too_late(step, Some(event), at).is_some()) {
            return Moved::CalledOff(format!("{}: {reason} until the event has begun", step.in_words()));
        }
        if at > now {
            return Moved::To(at);
        }
        // Late it may be; but what the event's new date leaves behind is not made up for.
        if booked > now {
            Moved::CalledOff(format!("the event moved, and {} is past", step.in_words()))
        } else {
            Moved::Stays
        }
    }
}
