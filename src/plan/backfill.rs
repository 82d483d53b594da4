//! Backfill: posts of the past, for those who want them. What counts as announced and was never posted goes out, oldest
//! first, so many a day; whoever asks again gets nothing twice, since the keys are those of the announcements.

use super::calm::Calm;
use super::duplicate::{suspected, suspicion};
use super::{Inputs, Planned, approval, calm, selects, steps};
use crate::catalog::Standing;
use crate::config::{EndpointName, Rule, When};
use crate::delivery::{Delivery, DeliveryKey, PUBLICATION, State};
use crate::schedule;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

/// What is wanted of the past.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Only by this rule; None: by all.
    pub rule: Option<&'a str>,
    /// Only articles dated from then on.
    pub since: Option<Timestamp>,
    /// Most posts a day of each rule to each endpoint; at least 1.
    pub per_day: u16,
}

/// Days that are looked at for a free moment: ten years.
const DAYS_MAX: i64 = 3_653;
/// Between which hours posts go out where the rule has no slots, in the endpoint's zone.
const FROM_HOUR: i8 = 9;
const HOURS: i64 = 9;
/// Most slots of a day.
const SLOTS_MAX: usize = 1_440;

/// The deliveries to book. The outbox of the inputs must be whole.
pub fn backfill(inputs: &Inputs, wanted: &Wanted) -> Vec<Planned> {
    let there: BTreeSet<&DeliveryKey> = inputs.outbox.iter().map(|delivery| &delivery.key).collect();
    let oldest_first: Vec<&Arc<Standing>> = inputs.catalog.newest_first().into_iter().rev().collect();
    let mut planned = Vec::new();
    let mut taken: BTreeMap<&EndpointName, Vec<Timestamp>> = BTreeMap::new();
    for rule in inputs.rules.iter().filter(|rule| wanted.rule.is_none_or(|name| rule.name == name)) {
        // Reminders of the past remind of nothing.
        if !steps(&rule.when).iter().any(|step| step.name == PUBLICATION) {
            continue;
        }
        for name in rule.endpoints.iter().filter(|name| inputs.endpoints.contains_key(*name)) {
            let of_past = oldest_first.iter().filter(|standing| is_of_past(inputs, standing, rule, wanted));
            let missing = of_past.filter_map(|standing| {
                let key = DeliveryKey::publication(standing.id, &rule.name, name);
                (!there.contains(&key)).then_some((*standing, key))
            });
            let rate = inputs.endpoints.get(name).map(|endpoint| endpoint.rate).unwrap_or_default();
            let per_day = rate.per_day.and_then(|most| u16::try_from(most).ok()).unwrap_or(u16::MAX);
            let taken = taken.entry(name).or_insert_with(|| taken_at(inputs, name));
            let moments = moments(inputs, rule, name, wanted.per_day.min(per_day)).filter(|at| {
                let has_room = rate.has_room(taken, *at);
                if has_room {
                    taken.insert(taken.partition_point(|other| other <= at), *at);
                }
                has_room
            });
            planned.extend(missing.zip(moments).map(|((standing, key), due_at)| book(inputs, standing, key, due_at)));
        }
    }
    planned
}

/// When posts of an endpoint went out or will, in order: what is planned must leave them room.
fn taken_at(inputs: &Inputs, name: &EndpointName) -> Vec<Timestamp> {
    let sent = inputs.sent.and_then(|sent| sent.get(name)).map(Vec::as_slice).unwrap_or_default();
    let of_endpoint = inputs.outbox.iter().filter(|delivery| delivery.key.endpoint == *name);
    // What a person lets go on goes out, if not before its time.
    let is_to_come = |d: &&Delivery| d.state == State::Pending || (d.state == State::Held && d.due_at > inputs.now);
    let mut due: Vec<Timestamp> = of_endpoint.filter(is_to_come).map(|delivery| delivery.due_at).collect();
    due.sort_unstable();
    let turns = Calm::of_inputs(inputs).turns(name, sent, due, inputs.now);
    let mut taken: Vec<Timestamp> = sent.iter().copied().chain(turns.iter().map(|turn| turn.at)).collect();
    taken.sort_unstable();
    taken
}

/// Whether an article counts as announced and is wanted all the same.
fn is_of_past(inputs: &Inputs, standing: &Standing, rule: &Rule, wanted: &Wanted) -> bool {
    let article = &standing.article;
    let is_young_enough = |since: Timestamp| article.date.is_some_and(|date| date.at >= since);
    standing.past.decided.is_some()
        && article.is_live(inputs.now)
        && wanted.since.is_none_or(is_young_enough)
        && selects(&rule.articles, article, &inputs.site.language)
}

fn book(inputs: &Inputs, standing: &Standing, key: DeliveryKey, due_at: Timestamp) -> Planned {
    let copy = suspected(inputs, standing).map(|(of, likeness)| suspicion(inputs, of, likeness));
    let reason = copy.or_else(|| approval::needed(inputs, &key.rule));
    let network = inputs.endpoints.get(&key.endpoint).map(|endpoint| endpoint.network.word());
    Planned {
        network: network.unwrap_or_default().to_owned(),
        path: standing.article.path.to_string(),
        due_at,
        state: if reason.is_some() { State::Held } else { State::Pending },
        reason,
        key,
    }
}

/// The moments at which posts of the past go out, day by day: none in a quiet hour or a blackout.
fn moments<'a>(
    inputs: &'a Inputs,
    rule: &'a Rule,
    name: &'a EndpointName,
    per_day: u16,
) -> impl Iterator<Item = Timestamp> + 'a {
    let zone = calm::zone_of(inputs.endpoints.get(name), inputs.site);
    let today = zone.to_datetime(inputs.now).date();
    let days = (0..DAYS_MAX).map_while(move |day| today.checked_add(day.days()).ok());
    days.flat_map(move |day| of_day(inputs, rule, name, day, per_day))
}

fn of_day(inputs: &Inputs, rule: &Rule, name: &EndpointName, day: Date, per_day: u16) -> Vec<Timestamp> {
    let zone = calm::zone_of(inputs.endpoints.get(name), inputs.site);
    let instant = |day: Date, minutes: i64| {
        let civil = day.at(0, 0, 0, 0).checked_add(minutes.minutes()).ok()?;
        schedule::first_instant(&zone, civil)
    };
    let is_open = |at: &Timestamp| {
        *at > inputs.now && calm::shifted(inputs, name, *at).0 == *at && calm::blackout(inputs, *at).is_none()
    };
    let most = usize::from(per_day.max(1));
    if let When::Slots { schedule, .. } = &rule.when {
        let (Some(start), Some(end)) = (instant(day, 0), instant(day, 24 * 60)) else { return Vec::new() };
        let slots = iter::successors(schedule.next_from(start, &zone), |slot| schedule.next_after(*slot, &zone));
        return slots.take(SLOTS_MAX).take_while(|slot| *slot < end).filter(is_open).take(most).collect();
    }
    let step = HOURS * 60 / i64::from(per_day.max(1));
    let spread = (0..i64::from(per_day.max(1))).filter_map(|n| instant(day, i64::from(FROM_HOUR) * 60 + n * step));
    spread.filter(is_open).collect()
}
