//! Queues: one post per slot and endpoint, in the order of publication, urgent ones before the others. A queue that
//! missed slots is dealt new ones.

use super::{Inputs, Planner, calm, campaign, steps};
use crate::article::ArticleId;
use crate::catalog::Standing;
use crate::config::{EndpointName, Rule, When};
use crate::delivery::{Delivery, State};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Something that waits for its slot.
struct Waiting {
    place: Place,
    /// What comes first has the least.
    turn: Turn,
    /// The slot that it has.
    due: Timestamp,
    /// Before, its rule does not take its article.
    earliest: Timestamp,
}

#[derive(Clone, Copy)]
enum Place {
    /// A delivery of the outbox.
    Booked(i64),
    /// One that this plan books, by its place there.
    Planned(usize),
}

/// Urgent ones come first, in the order of publication; the others in the order of their campaign, or else the one that
/// they have.
type Turn = (bool, usize, Option<Timestamp>, Timestamp);

impl Planner<'_> {
    /// Puts what is urgent before the others of its queue, and what is of a campaign in its order: all of a queue share the
    /// slots that they have, so each of the others moves by one, and none is lost.
    pub(super) fn put_in_turn(&mut self) {
        let rules: Vec<&Rule> = self.inputs.rules.iter().filter(|rule| rule.when.queue().is_some()).collect();
        if rules.is_empty() {
            return;
        }
        let mut queues: BTreeMap<(&str, &EndpointName), Vec<Waiting>> = BTreeMap::new();
        let gone = self.gone();
        for delivery in self.inputs.outbox.iter().filter(|delivery| waits_for_slot(delivery)) {
            let Some(rule) = rules.iter().find(|rule| rule.name == delivery.key.rule) else { continue };
            let moved = self.plan.postpone.iter().find(|(id, _)| *id == delivery.id).map(|(_, at)| *at);
            let due = moved.unwrap_or(delivery.due_at);
            // What is due goes now: it may be under way.
            if due <= self.inputs.now || gone.contains(&delivery.id) {
                continue;
            }
            let standing = self.inputs.catalog.get(&delivery.key.article);
            let earliest = standing.map_or(Timestamp::MIN, |standing| self.old_enough(standing, rule));
            let rank = self.rank(rule, delivery.key.article);
            let turn = turn(self.is_urgent(delivery), rank, standing.map(|standing| &**standing), due);
            let waiting = Waiting { place: Place::Booked(delivery.id), turn, due, earliest };
            queues.entry((&rule.name, &delivery.key.endpoint)).or_default().push(waiting);
        }
        for (at, planned) in self.plan.book.iter().enumerate() {
            let Some(rule) = rules.iter().find(|rule| rule.name == planned.key.rule) else { continue };
            let Some((name, _)) = self.inputs.endpoints.get_key_value(&planned.key.endpoint) else { continue };
            let Some(standing) = self.inputs.catalog.get(&planned.key.article) else { continue };
            let rank = self.rank(rule, planned.key.article);
            let turn = turn(standing.article.urgent, rank, Some(standing), planned.due_at);
            let earliest = self.old_enough(standing, rule);
            let waiting = Waiting { place: Place::Planned(at), turn, due: planned.due_at, earliest };
            if matches!(planned.state, State::Pending | State::Held) {
                queues.entry((&rule.name, name)).or_default().push(waiting);
            }
        }
        let moved: Vec<(Place, Timestamp)> = queues.into_values().flat_map(in_turn).collect();
        for (place, due_at) in moved {
            match place {
                Place::Booked(id) => {
                    self.plan.postpone.retain(|(known, _)| *known != id);
                    self.plan.postpone.push((id, due_at));
                }
                Place::Planned(at) => self.plan_anew(at, due_at),
            }
            self.tell_anew(place, due_at);
        }
    }

    /// A delivery that this plan books is due at another time: in which state, hangs on it.
    fn plan_anew(&mut self, at: usize, due_at: Timestamp) {
        let Some(planned) = self.plan.book.get(at) else { return };
        let rule = self.inputs.rules.iter().find(|rule| rule.name == planned.key.rule);
        let standing = self.inputs.catalog.get(&planned.key.article);
        let step = rule.and_then(|rule| steps(&rule.when).into_iter().find(|step| step.name == planned.key.step));
        let (Some(rule), Some(standing), Some(step)) = (rule, standing, step) else { return };
        let (state, reason) = self.verdict(standing, rule, &step, due_at);
        if let Some(planned) = self.plan.book.get_mut(at) {
            (planned.due_at, planned.state, planned.reason) = (due_at, state, reason);
        }
    }

    /// The line of what waits tells its new time.
    fn tell_anew(&mut self, place: Place, due_at: Timestamp) {
        let key = match place {
            Place::Booked(id) => self.inputs.outbox.iter().find(|delivery| delivery.id == id).map(|d| &d.key),
            Place::Planned(at) => self.plan.book.get(at).map(|planned| &planned.key),
        };
        let Some(key) = key.cloned() else { return };
        let is_its = |line: &&mut super::Line| {
            line.article == key.article
                && line.rule.as_deref() == Some(&key.rule)
                && line.endpoint.as_ref() == Some(&key.endpoint)
        };
        if let Some(line) = self.plan.lines.iter_mut().find(is_its) {
            line.due_at = Some(due_at);
        }
    }

    /// A queue of which several are due at once, since slots were missed: the first goes now, all others take the next
    /// slots, urgent ones first, in the order of publication.
    pub(super) fn deal_slots_anew(&mut self, rule: &Rule, endpoint: &EndpointName) {
        let Some(schedule) = rule.when.queue() else { return };
        let date = |delivery: &Delivery| {
            let standing = self.inputs.catalog.get(&delivery.key.article);
            standing.and_then(|standing| standing.article.date).map(|date| date.at)
        };
        let gone = self.gone();
        let is_of_queue = |delivery: &&Delivery| {
            delivery.key.rule == rule.name && delivery.key.endpoint == *endpoint && !gone.contains(&delivery.id)
        };
        let waits = |delivery: &&Delivery| {
            // A correction has no turn.
            delivery.state == State::Pending && !delivery.by_hand && delivery.key.correction().is_none()
        };
        let all = self.inputs.outbox.iter().filter(is_of_queue);
        let (mut queue, others): (Vec<&Delivery>, Vec<&Delivery>) = all.partition(waits);
        // One that the network may have is looked into, whatever its turn.
        queue.sort_by_key(|delivery| {
            let rank = self.rank(rule, delivery.key.article).unwrap_or(0);
            (!delivery.look_first, !self.is_urgent(delivery), rank, date(delivery), delivery.due_at, delivery.id)
        });
        // What waits for a person keeps its slot meanwhile: were another one given it, one of the two could not go out as
        // it was approved.
        let others = others.into_iter().filter(|delivery| delivery.state != State::Cancelled);
        let mut taken: BTreeSet<Timestamp> = others.map(|delivery| delivery.due_at).collect();
        let mut slot = self.inputs.now;
        taken.extend(queue.first().map(|first| first.due_at));
        for delivery in queue.into_iter().skip(1).filter(|delivery| !delivery.look_first) {
            slot = loop {
                let Some(next) = calm::slot_after(self.inputs, schedule, endpoint, slot) else { return };
                slot = next;
                if taken.insert(slot) {
                    break slot;
                }
            };
            if delivery.due_at != slot {
                self.plan.postpone.push((delivery.id, slot));
            }
        }
        self.taken.insert((rule.name.clone(), endpoint.clone()), taken);
    }

    /// Whether a delivery goes before the others of its queue: by a person's word, or by its article's.
    pub(super) fn is_urgent(&self, delivery: &Delivery) -> bool {
        is_urgent(self.inputs, delivery)
    }

    /// The deliveries that wait no more by what this plan decided so far.
    fn gone(&self) -> BTreeSet<i64> {
        let Self { plan, .. } = self;
        let all = plan.withdraw.iter().chain(&plan.expire).chain(&plan.hold).chain(&plan.drop);
        all.map(|(id, _)| *id).collect()
    }
}

/// Whether an article has a delivery of a rule for an endpoint that was not called off with it.
pub(super) fn booked_in(planner: &Planner, article: ArticleId, rule: &str, name: &EndpointName) -> bool {
    let of_article = planner.by_article.get(&article).into_iter().flatten();
    of_article.into_iter().any(|d| d.key.rule == rule && d.key.endpoint == *name && !d.withdrawn)
}

/// Whether a delivery waits, and may as well wait for another slot.
fn waits_for_slot(delivery: &Delivery) -> bool {
    matches!(delivery.state, State::Pending | State::Held)
        && delivery.attempts == 0
        && !delivery.look_first
        && !delivery.by_hand
        && delivery.key.correction().is_none()
}

/// A slot that a delivery takes in the place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSlot {
    /// When.
    pub at: Timestamp,
    /// Whether it keeps it, whatever the order of its queue: a campaign would else deal it a slot of those after it.
    pub is_kept: bool,
}

/// What becomes of the time of a held delivery when it is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItsSlot {
    /// It keeps its time: its slot can be used, it is in no queue, is urgent, or a person wanted it now.
    Kept,
    /// It takes another slot.
    New(NewSlot),
    /// There is none left for it: its campaign ends before.
    NoneLeft,
}

/// The slot that a held delivery has when it is approved: where its own is past, falls into a blackout or is another one's
/// too, the next one of its queue that is free.
///
/// `taken` are the slots of its queue that others have.
pub fn slot_if_approved(inputs: &Inputs, delivery: &Delivery, taken: &BTreeSet<Timestamp>) -> ItsSlot {
    let waits = delivery.state == State::Held
        && !delivery.look_first
        && !delivery.by_hand
        && delivery.key.correction().is_none()
        && !is_urgent(inputs, delivery);
    let rule = inputs.rules.iter().find(|rule| rule.name == delivery.key.rule).filter(|_| waits);
    let Some((rule, schedule)) = rule.and_then(|rule| Some((rule, rule.when.queue()?))) else { return ItsSlot::Kept };
    let can_be_used =
        |at: &Timestamp| *at >= inputs.now && !taken.contains(at) && calm::blackout(inputs, *at).is_none();
    if can_be_used(&delivery.due_at) {
        return ItsSlot::Kept;
    }
    let end = match &rule.when {
        When::Campaign(campaign) => campaign::days(inputs, campaign, &delivery.key.endpoint).1,
        _ => None,
    };
    let next = |after: &Timestamp| calm::slot_after(inputs, schedule, &delivery.key.endpoint, *after);
    let slots = std::iter::successors(next(&delivery.due_at.max(inputs.now)), next);
    let mut slots = slots.take_while(|at| end.is_none_or(|end| *at < end));
    let is_kept = matches!(rule.when, When::Campaign(_));
    slots.find(can_be_used).map_or(ItsSlot::NoneLeft, |at| ItsSlot::New(NewSlot { at, is_kept }))
}

/// Whether a delivery goes before the others of its queue: by a person's word, or by its article's.
fn is_urgent(inputs: &Inputs, delivery: &Delivery) -> bool {
    delivery.urgent || inputs.catalog.get(&delivery.key.article).is_some_and(|known| known.article.urgent)
}

fn turn(urgent: bool, rank: Option<usize>, standing: Option<&Standing>, due: Timestamp) -> Turn {
    let date = standing.filter(|_| urgent && rank.is_none()).and_then(|standing| standing.article.date);
    (!urgent, rank.unwrap_or(0), date.map(|date| date.at), due)
}

/// Deals the slots that all of a queue have in the order of their turns. What has another slot than before; nothing if
/// they cannot be dealt so that all are old enough.
fn in_turn(mut queue: Vec<Waiting>) -> Vec<(Place, Timestamp)> {
    queue.sort_by_key(|waiting| waiting.turn);
    let mut slots: Vec<Timestamp> = queue.iter().map(|waiting| waiting.due).collect();
    slots.sort_unstable();
    let mut moved = Vec::new();
    for slot in slots {
        let Some(next) = queue.iter().position(|waiting| waiting.earliest <= slot) else { return Vec::new() };
        let waiting = queue.remove(next);
        if waiting.due != slot {
            moved.push((waiting.place, slot));
        }
    }
    moved
}
