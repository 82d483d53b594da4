//! What must hold of every post the moment that it is sent, and of everything when all is over. Nothing of the plan is
//! used: times are judged by what stands in the files and by the calendar.

use super::sea::{Sent, word};
use super::world::{ENDPOINTS, World, Written};
use crieur::delivery::{Delivery, State};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::collections::{BTreeMap, BTreeSet};

/// When nothing goes out to `sur`.
pub const QUIET_OF_SUR: &str = "[\"20:00-08:00\", \"Sun\"]";
/// A day on which nothing goes out at all.
pub const BLACKOUT: Date = date(2026, 3, 3);
const GAP_OF_SUR: SignedDuration = SignedDuration::from_mins(1);
/// How many posts `sourd` may have within any 24 hours.
pub const MOST_OF_SOURD: usize = 3;

fn in_paris(at: Timestamp) -> Zoned {
    at.in_tz("Europe/Paris").unwrap()
}

/// The slot of `lent`, at half past nine, to which an instant belongs.
fn slot(at: Timestamp) -> Date {
    (in_paris(at) - SignedDuration::from_mins(570)).date()
}

/// Judges what was sent since the last time.
pub async fn check(world: &mut World) {
    let (sent, counts) = {
        let sea = world.sea.lock().unwrap();
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for posted in &sea.posts {
            *counts.entry((posted.endpoint.clone(), word(&posted.text).to_owned())).or_default() += 1;
        }
        (sea.sent.clone(), counts)
    };
    if sent.len() == world.judged {
        return;
    }
    let outbox = world.store().deliveries().await.unwrap();
    for number in world.judged..sent.len() {
        let (before, now) = (&sent[..number], &sent[number]);
        allowed(world, now);
        paced(before, now, &outbox);
    }
    world.judged = sent.len();
    let twice = counts.iter().find(|(_, count)| **count > 1);
    assert!(twice.is_none(), "twice: {twice:?}");
}

/// Nothing early, nothing withdrawn, nothing when everything is to be still.
fn allowed(world: &World, sent: &Sent) {
    let files: Vec<&Written> = world.seen.iter().filter_map(|seen| seen.get(word(&sent.text))).collect();
    assert!(files.iter().any(|file| file.published), "withdrawn: {sent:?}, {files:?}");
    assert!(files.iter().any(|file| file.published && file.date <= sent.at), "early: {sent:?}, {files:?}");
    assert!(!world.silent, "in silence: {sent:?}");
    let is_read = world.approved.contains(&(sent.key.clone(), sent.text.clone()));
    assert!(sent.endpoint != "lu" || is_read, "unread: {sent:?}");
    let civil = in_paris(sent.at);
    assert!(civil.date() != BLACKOUT, "in a blackout: {sent:?}");
    let is_quiet = !(8..20).contains(&civil.hour()) || civil.weekday() == jiff::civil::Weekday::Sunday;
    assert!(sent.endpoint != "sur" || !is_quiet, "in quiet hours: {sent:?}");
}

/// The gap, the cap, the order, and the slots of the queue.
fn paced(before: &[Sent], sent: &Sent, outbox: &[Delivery]) {
    let same = || before.iter().filter(|other| other.endpoint == sent.endpoint);
    if sent.endpoint == "sur" {
        // What a clock that was wrong dated ahead of now says nothing.
        // What the network did not take is no post, and the next one need not wait.
        // Nor does the clock alone, after it was set back: what it showed before, it shows again much later.
        let is_close = |other: &&Sent| {
            let by_the_clock = sent.at.duration_since(other.at);
            let is_before = other.is_taken && by_the_clock >= SignedDuration::ZERO;
            is_before && by_the_clock.max(sent.lived - other.lived) < GAP_OF_SUR
        };
        let last = same().find(is_close);
        assert!(last.is_none(), "in a burst: {sent:?}, after {last:?}");
    }
    if sent.endpoint == "sourd" {
        let from = sent.steady.max(sent.lived - SignedDuration::from_hours(24));
        let others = same().filter(|other| other.is_taken && other.lived > from && other.key != sent.key);
        let others: BTreeSet<&String> = others.map(|other| &other.key).collect();
        assert!(others.len() < MOST_OF_SOURD, "over the cap: {sent:?}, after {others:?}");
    }
    // Only of a first try: later ones come when the network lets them.
    if same().any(|other| other.key == sent.key) {
        return;
    }
    let of = |key: &str| outbox.iter().find(|delivery| delivery.key.idempotency_key() == key);
    let Some(this) = of(&sent.key) else { return };
    let turn = |delivery: &Delivery| (delivery.due_at, delivery.id);
    let waits = |other: &&Delivery| {
        let is_next = other.key.endpoint == this.key.endpoint && turn(other) < turn(this) && other.due_at <= sent.at;
        // One whose file could not be read waits a minute.
        is_next && other.state == State::Pending && other.attempts == 0 && other.reason.is_none()
    };
    let overtaken = outbox.iter().find(waits);
    assert!(overtaken.is_none(), "out of order: {this:?} before {overtaken:?}");
    if sent.endpoint == "lent" && !this.by_hand {
        let first = |other: &&Sent| !of(&other.key).is_some_and(|delivery| delivery.by_hand);
        let same_slot = same().filter(first).find(|other| slot(other.at) == slot(sent.at));
        assert!(same_slot.is_none(), "two in one slot: {sent:?} after {same_slot:?}");
    }
}

/// When all is over: the outbox says what the networks have, and nothing is missing.
pub fn nothing_is_lost(world: &World, deliveries: &[Delivery]) {
    let sea = world.sea.lock().unwrap();
    for delivery in deliveries {
        let key = delivery.key.idempotency_key();
        let is_there = sea.posts.iter().any(|posted| posted.key == key);
        assert!((delivery.state == State::Published) == is_there, "the outbox and the network differ: {delivery:?}");
        assert!(delivery.state.is_final(), "lost: {delivery:?}");
    }
    // Whoever is first seen long after its date is no news; the clock decides.
    for (name, _) in world.files.iter().filter(|(_, file)| file.is_news()) {
        for endpoint in ENDPOINTS {
            let count = sea.posts.iter().filter(|p| p.endpoint == endpoint && word(&p.text) == name).count();
            assert!(count == 1, "lost: {name} to {endpoint}, {count} there: {deliveries:#?}");
        }
    }
}
