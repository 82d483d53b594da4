//! Backfill: posts of the past, for those who want them. What counts as announced and was never posted goes out, oldest
//! first, so many a day; whoever asks again gets nothing twice, since the keys are those of the announcements.

use super::calm::Calm;
use super::duplicate::{suspected, suspicion};
use super::room::Room;
use super::{Inputs, Planned, approval, calm, selects, steps};
use crate::catalog::Standing;
use crate::config::{EndpointName, Rule, When};
use crate::delivery::{Delivery, DeliveryKey, PUBLICATION, State};
use crate::rate::Rate;
use crate::schedule;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::collections::{BTreeSet, VecDeque};
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

/// What becomes of the past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backfill {
    /// The deliveries to book, in the order in which they are due.
    pub planned: Vec<Planned>,
    /// How many more find no room within the days that are looked at.
    pub without_room: usize,
}

/// Days that are looked at for a free moment: ten years.
const DAYS_MAX: i64 = 3_653;
/// Between which hours posts go out where the rule has no slots, in the endpoint's zone.
const FROM_HOUR: i8 = 9;
const HOURS: i64 = 9;
/// In minutes: how far apart the moments are that are tried where a rule has no slots.
const GRID: usize = 5;
/// Most slots of a day.
const SLOTS_MAX: usize = 1_440;

/// What one rule has for one endpoint.
struct Share<'a> {
    rule: &'a Rule,
    /// What has no moment yet, oldest first.
    missing: VecDeque<(&'a Standing, DeliveryKey)>,
}

/// What to book of the past. The outbox of the inputs must be whole.
pub fn backfill(inputs: &Inputs, wanted: &Wanted) -> Backfill {
    let there: BTreeSet<&DeliveryKey> = inputs.outbox.iter().map(|delivery| &delivery.key).collect();
    let oldest_first: Vec<&Arc<Standing>> = inputs.catalog.newest_first().into_iter().rev().collect();
    let mut backfill = Backfill::default();
    for (name, endpoint) in inputs.endpoints {
        // Reminders of the past remind of nothing.
        let tells_of_it = |rule: &&Rule| steps(&rule.when).iter().any(|step| step.name == PUBLICATION);
        let rules = inputs.rules.iter().filter(|rule| wanted.rule.is_none_or(|name| rule.name == name));
        let shares = rules.filter(|rule| rule.endpoints.contains(name)).filter(tells_of_it).map(|rule| {
            let of_past = oldest_first.iter().filter(|standing| is_of_past(inputs, standing, rule, wanted));
            let missing = of_past.filter_map(|standing| {
                let key = DeliveryKey::publication(standing.id, &rule.name, name);
                (!there.contains(&key)).then_some((standing.as_ref(), key))
            });
            Share { rule, missing: missing.collect() }
        });
        let mut shares: Vec<Share> = shares.filter(|share| !share.missing.is_empty()).collect();
        if shares.is_empty() {
            continue;
        }
        let per_day = endpoint.rate.per_day.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let most = usize::from(wanted.per_day).min(per_day).max(1);
        let mut room = room(inputs, name, endpoint.rate);
        let today = calm::zone_of(Some(endpoint), inputs.site).to_datetime(inputs.now).date();
        for day in (0..DAYS_MAX).map_while(|day| today.checked_add(day.days()).ok()) {
            if shares.iter().all(|share| share.missing.is_empty()) {
                break;
            }
            for (share, due_at) in deal(inputs, name, &shares, &mut room, day, most) {
                let missing = shares.get_mut(share).and_then(|share| share.missing.pop_front());
                backfill.planned.extend(missing.map(|(standing, key)| book(inputs, standing, key, due_at)));
            }
        }
        backfill.without_room += shares.iter().map(|share| share.missing.len()).sum::<usize>();
    }
    backfill.planned.sort_by_key(|planned| planned.due_at);
    backfill
}

/// The moments of a day at which posts of an endpoint go out, in order, with the number of the rule that has them. The
/// rules take turns, so that none waits for the end of another.
fn deal(
    inputs: &Inputs,
    name: &EndpointName,
    shares: &[Share],
    room: &mut Room,
    day: Date,
    most: usize,
) -> Vec<(usize, Timestamp)> {
    let mut windows: Vec<_> =
        shares.iter().map(|share| windows(inputs, share.rule, name, day, most).into_iter()).collect();
    let mut dealt: Vec<(usize, Timestamp)> = Vec::new();
    for turn in 0..most {
        for (number, (share, windows)) in shares.iter().zip(&mut windows).enumerate() {
            if turn < share.missing.len() {
                let found = windows.find_map(|window| window.into_iter().find(|at| room.take(*at)));
                dealt.extend(found.map(|at| (number, at)));
            }
        }
    }
    dealt.sort_by_key(|(_, at)| *at);
    dealt
}

/// When posts of an endpoint went out or will: what is planned must leave them room.
fn room(inputs: &Inputs, name: &EndpointName, rate: Rate) -> Room {
    let sent = inputs.sent.and_then(|sent| sent.get(name)).map(Vec::as_slice).unwrap_or_default();
    let of_endpoint = inputs.outbox.iter().filter(|delivery| delivery.key.endpoint == *name);
    // What a person lets go on goes out, if not before its time.
    let is_to_come = |d: &&Delivery| d.state == State::Pending || (d.state == State::Held && d.due_at > inputs.now);
    let mut due: Vec<Timestamp> =
        of_endpoint.filter(is_to_come).map(|delivery| delivery.due_at.max(inputs.now)).collect();
    due.sort_unstable();
    let turns = Calm::of_inputs(inputs).turns(name, sent, due.iter().copied(), inputs.now);
    let turns = sent.iter().copied().chain(turns.iter().map(|turn| turn.at)).collect();
    due.extend(sent);
    Room::new(rate, due, turns)
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

/// The moments of a day at which a post of the past may go out, none in a quiet hour or a blackout. Each window has at most
/// one, as early in it as there is room.
fn windows(inputs: &Inputs, rule: &Rule, name: &EndpointName, day: Date, most: usize) -> Vec<Vec<Timestamp>> {
    let zone = calm::zone_of(inputs.endpoints.get(name), inputs.site);
    let instant = |day: Date, minutes: i64| {
        let civil = day.at(0, 0, 0, 0).checked_add(minutes.minutes()).ok()?;
        schedule::first_instant(&zone, civil)
    };
    let is_open = |at: &Timestamp| {
        *at > inputs.now && calm::shifted(inputs, name, *at).0 == *at && calm::blackout(inputs, *at).is_none()
    };
    if let When::Slots { schedule, queue } = &rule.when {
        let (Some(start), Some(end)) = (instant(day, 0), instant(day, 24 * 60)) else { return Vec::new() };
        let slots = iter::successors(schedule.next_from(start, &zone), |slot| schedule.next_after(*slot, &zone));
        let slots = slots.take(SLOTS_MAX).take_while(|slot| *slot < end).filter(is_open);
        let is_free = |slot: &Timestamp| !*queue || !holds(inputs, rule, name, *slot);
        return slots.filter(is_free).map(|slot| vec![slot]).collect();
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let step = (HOURS * 60 / most).max(1);
    let starts = (0..most).map(|n| i64::from(FROM_HOUR) * 60 + n * step);
    // What of today has begun is over: a day's posts must not go out in its last hour.
    let ahead = starts.filter(|start| instant(day, *start).is_some_and(|start| start > inputs.now));
    let window = |start: i64| (start..start + step).step_by(GRID).filter_map(|minutes| instant(day, minutes));
    ahead.map(|start| window(start).filter(is_open).collect()).collect()
}

/// Whether a post of a queue has a slot: a queue has one for each.
fn holds(inputs: &Inputs, rule: &Rule, name: &EndpointName, slot: Timestamp) -> bool {
    inputs.outbox.iter().any(|delivery| {
        delivery.due_at == slot
            && delivery.key.endpoint == *name
            && delivery.key.rule == rule.name
            && delivery.state != State::Cancelled
    })
}
