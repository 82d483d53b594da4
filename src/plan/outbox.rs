//! The outbox kept true: what was withdrawn is called off, what moved with its event moves, what is too late is reported,
//! what lost its rule or falls into a blackout waits for a person.

use super::follow::Moved;
use super::{Line, Moment, Planner, Step, calm, not_live, steps};
use crate::config::{BlackoutAction, EndpointName, Rule};
use crate::delivery::{Delivery, DeliveryKey, HELD_BY_HAND, State};
use crate::span;
use jiff::SignedDuration;
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Calls off what was withdrawn, moves what moved with its event, reports what is too late, holds or drops what falls
    /// into a blackout, and spreads a queue that missed several slots.
    pub(super) fn keep_the_outbox_true(&mut self) {
        let now = self.inputs.now;
        let mut overdue: BTreeMap<(String, EndpointName), usize> = BTreeMap::new();
        for delivery in self.inputs.outbox.iter().filter(|d| matches!(d.state, State::Pending | State::Held)) {
            if let Some(reason) = self.withdrawn(delivery) {
                self.plan.withdraw.push((delivery.id, reason));
                continue;
            }
            // A try that may have reached the network is never called off: it is looked into.
            if delivery.look_first {
                continue;
            }
            // What a person let go on goes out; but a reminder of an event that is off, or moved, is no good to anyone.
            let rule = self.inputs.rules.iter().find(|rule| rule.name == delivery.key.rule);
            if delivery.by_hand {
                let is_of_an_event = Step::of_name(&delivery.key.step).is_some_and(|step| step.is_of_an_event());
                if let Some(rule) = rule.filter(|_| is_of_an_event) {
                    self.moves(delivery, rule);
                }
                continue;
            }
            let is_pending = delivery.state == State::Pending;
            let Some(rule) = rule.filter(|_| self.inputs.endpoints.contains_key(&delivery.key.endpoint)) else {
                let missing = match rule {
                    None => format!("rule “{}”", delivery.key.rule),
                    Some(_) => format!("endpoint “{}”", delivery.key.endpoint),
                };
                let reason = format!("its {missing} is not in the configuration any more; approve it or cancel it");
                if is_pending {
                    self.plan.hold.push((delivery.id, reason));
                }
                continue;
            };
            let corrects = delivery.key.correction().is_some();
            if (!corrects && self.moves(delivery, rule)) || !is_pending {
                continue;
            }
            let late = now.duration_since(delivery.due_at);
            if late > rule.expires {
                self.plan.expire.push((delivery.id, missed(rule, late)));
            } else if let Some(blackout) = calm::blackout(self.inputs, delivery.due_at.max(now)) {
                let fates = match blackout.action {
                    BlackoutAction::Hold => &mut self.plan.hold,
                    BlackoutAction::Drop => &mut self.plan.drop,
                };
                fates.push((delivery.id, calm::said(blackout)));
            } else if rule.when.queue().is_some() && delivery.due_at <= now && !corrects {
                *overdue.entry((rule.name.clone(), delivery.key.endpoint.clone())).or_default() += 1;
            }
        }
        for ((rule_name, endpoint), late) in overdue {
            if let Some(rule) = self.inputs.rules.iter().find(|rule| rule.name == rule_name).filter(|_| late > 1) {
                self.deal_slots_anew(rule, &endpoint);
            }
        }
    }

    /// Follows a booked step whose event moved, or that its rule does not have any more. Whether anything came of it.
    fn moves(&mut self, delivery: &Delivery, rule: &Rule) -> bool {
        let Some(step) = steps(&rule.when).into_iter().find(|step| step.name == delivery.key.step) else {
            let reason = format!("the rule “{}” has no moment “{}” any more", rule.name, delivery.key.step);
            self.plan.withdraw.push((delivery.id, reason));
            return true;
        };
        let Some(standing) = self.inputs.catalog.get(&delivery.key.article) else { return false };
        if standing.is_unread() {
            return false;
        }
        match self.moved(standing, rule, &step, &delivery.key.endpoint, delivery.due_at) {
            Moved::Stays => return false,
            Moved::To(at) => self.plan.postpone.push((delivery.id, at)),
            Moved::CalledOff(reason) => self.plan.withdraw.push((delivery.id, reason)),
            Moved::Over(reason) => self.plan.expire.push((delivery.id, reason)),
        }
        true
    }

    /// Why a booked delivery must not go out, if its article was withdrawn. A file that cannot be read is not
    /// withdrawn: its delivery waits.
    fn withdrawn(&self, delivery: &Delivery) -> Option<String> {
        // What a person said is to wait waits for a person, also when its article comes back.
        let is_held_by_hand = delivery.state == State::Held && delivery.reason.as_deref() == Some(HELD_BY_HAND);
        if delivery.attempts > 0 || is_held_by_hand {
            return None;
        }
        if self.inputs.catalog.gone(&delivery.key.article).is_some() {
            return Some("the article's file is gone".to_owned());
        }
        let standing = self.inputs.catalog.get(&delivery.key.article)?;
        if standing.is_unread() || standing.article.is_live(self.inputs.now) {
            return None;
        }
        Some(not_live(standing, self.inputs))
    }

    /// What is said of a delivery that is booked, after what this plan does to it.
    pub(super) fn booked_line(&mut self, path: &str, delivery: &Delivery) {
        if !self.inputs.explain {
            return;
        }
        let fate = |fates: &[(i64, String)], state: State| {
            fates.iter().find(|(id, _)| *id == delivery.id).map(|(_, reason)| (state, reason.clone()))
        };
        let (state, reason) = fate(&self.plan.withdraw, State::Cancelled)
            .or_else(|| fate(&self.plan.drop, State::Cancelled))
            .or_else(|| fate(&self.plan.expire, State::Failed))
            .or_else(|| fate(&self.plan.hold, State::Held))
            .unwrap_or_else(|| {
                let waits = delivery.state == State::Pending;
                let silence = self.inputs.silence.filter(|_| waits).map(|s| s.in_words(&self.inputs.site.timezone));
                let said = silence.or_else(|| delivery.reason.clone()).or_else(|| delivery.remote_url.clone());
                let urgent = if waits && self.is_urgent(delivery) { ", urgent" } else { "" };
                (delivery.state, said.unwrap_or_else(|| format!("{}{urgent}", booked_words(&delivery.key))))
            });
        let moved = self.plan.postpone.iter().find(|(id, _)| *id == delivery.id).map(|(_, at)| *at);
        self.plan.lines.push(Line {
            article: delivery.key.article,
            path: path.to_owned(),
            endpoint: Some(delivery.key.endpoint.clone()),
            rule: Some(delivery.key.rule.clone()),
            due_at: Some(moved.unwrap_or(delivery.due_at)),
            state: state.word(),
            stands: if state == delivery.state { delivery.stands() } else { state.word() },
            reason,
        });
    }

    /// Deliveries that wait although their article's file cannot be read at present: they are said too.
    pub(super) fn unreadable(&mut self) {
        for delivery in self.inputs.outbox.iter().filter(|d| matches!(d.state, State::Pending | State::Held)) {
            if self.inputs.catalog.get(&delivery.key.article).is_none() {
                self.booked_line(&delivery.path, delivery);
            }
        }
    }
}

/// What there is to say of a delivery that just waits for its time.
fn booked_words(key: &DeliveryKey) -> String {
    if key.correction().is_some() {
        return "booked, a correction".to_owned();
    }
    let step = &key.step;
    match Step::of_name(step).filter(|step| step.moment != Moment::Publication) {
        Some(step) => format!("booked, {}", step.in_words()),
        None => "booked".to_owned(),
    }
}

/// Why a delivery is not sent any more.
pub(super) fn missed(rule: &Rule, late: SignedDuration) -> String {
    format!(
        "missed: it was due {} ago, and the rule “{}” lets a post be {} late",
        span::show(late),
        rule.name,
        span::show(rule.expires)
    )
}
