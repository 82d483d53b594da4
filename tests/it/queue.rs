//! Queues: one post per slot, in the order of publication; what is urgent goes before the others, and none is lost.

use crate::plan::{World, instant};
use crieur::acts::{Done, Refusal};
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::State;
use crieur::people::By;
use crieur::plan::{Line, Plan};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::PersonWord;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

const QUEUE: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: file, endpoints: [essai], when: { slots: \"0 9 * * *\", queue: true }, settle: 0s, fresh: 60d, live_check: false }]";

impl World {
    fn series(&self, n: u8, more: &str) {
        let front = format!("title: Série {n}\ndate: 2026-11-23 08:{n:02}:00 +00:00\n{more}");
        self.place.article(&format!("_actualites/serie-{n}.md"), &front);
    }

    /// The days of November on which the articles of the series are due or went out, by their number.
    async fn days(&self) -> BTreeMap<String, String> {
        let deliveries = self.store.deliveries().await.unwrap();
        let day = |at: Timestamp| at.strftime("%d").to_string();
        let name = |path: &str| path.trim_start_matches("_actualites/serie-").trim_end_matches(".md").to_owned();
        deliveries.iter().map(|delivery| (name(&delivery.path), day(delivery.due_at))).collect()
    }

    async fn lines(&self, time: &str) -> Vec<Line> {
        let mut reconciler = Reconciler::new(Arc::clone(&self.config));
        reconciler.glance(Some(&self.store), instant(time)).await.unwrap().plan.lines
    }
}

fn days(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(n, day)| ((*n).to_owned(), (*day).to_owned())).collect()
}

/// Three articles wait for the slots of three days, at nine in Paris.
async fn waiting(rest: &str, settled: &str) -> World {
    let mut world = World::new(rest).await;
    world.at("08:00:00").await;
    for n in 1..=3 {
        world.series(n, "");
    }
    world.at("09:00:00").await;
    world.at(settled).await;
    assert_eq!(world.days().await, days(&[("1", "24"), ("2", "25"), ("3", "26")]));
    world
}

async fn deliver(world: &World, snapshot: &Snapshot, now: Timestamp) {
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), Clock::by_hand(now));
    while let Step::Did(_) = deliverer.step(&EndpointName::new("essai"), None, snapshot).await.unwrap() {}
}

#[tokio::test]
async fn an_urgent_article_takes_the_next_slot_and_the_others_move_by_one() {
    let mut world = waiting(QUEUE, "09:00:00").await;
    world.series(4, "urgent: true");
    world.at("09:10:00").await;
    let moved = days(&[("4", "24"), ("1", "25"), ("2", "26"), ("3", "27")]);
    assert_eq!(world.days().await, moved);
    // Nothing moves twice, and the plan tells the same.
    world.at("09:11:00").await;
    assert_eq!(world.days().await, moved);
    let lines = world.lines("09:12:00").await;
    let urgent = lines.iter().find(|line| line.path.contains("serie-4")).unwrap();
    assert_eq!((urgent.state, urgent.reason.as_str()), ("pending", "booked, urgent"));
    // A second one, in French words, stands behind the first: they keep the order of publication.
    world.series(5, "urgent: oui");
    let planned = world.lines("09:13:00").await;
    let second = planned.iter().find(|line| line.path.contains("serie-5")).unwrap();
    assert_eq!(second.reason, "urgent: before the others of the queue");
    assert_eq!(second.due_at, Some(instant("2026-11-25T08:00:00Z")));
    let third = planned.iter().find(|line| line.path.contains("serie-1")).unwrap();
    assert_eq!(third.due_at, Some(instant("2026-11-26T08:00:00Z")), "the plan tells where it moves to");
    world.at("09:13:00").await;
    assert_eq!(world.days().await, days(&[("4", "24"), ("5", "25"), ("1", "26"), ("2", "27"), ("3", "28")]));
}

#[tokio::test]
async fn one_that_becomes_urgent_goes_first_and_keeps_its_place_when_it_is_not_any_more() {
    let mut world = waiting(QUEUE, "09:00:00").await;
    world.series(3, "urgent: true");
    world.at("09:10:00").await;
    assert_eq!(world.days().await, days(&[("3", "24"), ("1", "25"), ("2", "26")]));
    world.series(3, "urgent: false");
    world.at("09:20:00").await;
    assert_eq!(world.days().await, days(&[("3", "24"), ("1", "25"), ("2", "26")]));
}

#[tokio::test]
async fn a_person_puts_one_first() {
    let mut world = waiting(QUEUE, "09:00:00").await;
    let third = world.store.deliveries().await.unwrap()[2].id;
    assert!(world.store.obey(third, &PersonWord::Hurry, &By::command("Aya"), instant("09:10:00")).await.unwrap());
    assert!(
        !world.store.obey(third, &PersonWord::Hurry, &By::command("Aya"), instant("09:10:00")).await.unwrap(),
        "once is enough"
    );
    world.at("09:11:00").await;
    assert_eq!(world.days().await, days(&[("3", "24"), ("1", "25"), ("2", "26")]));
    // Down over two slots: it is still the first that goes.
    let snapshot = world.at("2026-11-26T07:00:00Z").await;
    deliver(&world, &snapshot, instant("2026-11-26T07:00:00Z")).await;
    let deliveries = world.store.deliveries().await.unwrap();
    let published: Vec<i64> = deliveries.iter().filter(|d| d.state == State::Published).map(|d| d.id).collect();
    assert_eq!(published, [third]);
}

#[tokio::test]
async fn what_is_urgent_is_held_by_a_blackout_and_waits_for_the_end_of_quiet_hours() {
    let blackout = format!("{QUEUE}\nblackouts: [{{ from: 2026-11-24, until: 2026-11-24, reason: deuil }}]");
    let mut world = World::new(&blackout).await;
    world.at("08:00:00").await;
    world.series(1, "urgent: true");
    world.at("09:00:00").await;
    let deliveries = world.store.deliveries().await.unwrap();
    assert_eq!(deliveries[0].state, State::Held);
    // A slot in a quiet hour is none.
    let mut world = World::new(&format!("{QUEUE}\nquiet_hours: [Tue]")).await;
    world.at("08:00:00").await;
    for n in 1..=2 {
        world.series(n, "");
    }
    world.series(3, "urgent: true");
    world.at("09:00:00").await;
    assert_eq!(world.days().await, days(&[("3", "25"), ("1", "26"), ("2", "27")]));
}

#[tokio::test]
async fn an_urgent_article_settles_first_and_wastes_no_slot() {
    let mut world = waiting(&QUEUE.replace("settle: 0s", "settle: 30m"), "09:30:00").await;
    world.series(4, "urgent: true");
    world.at("2026-11-24T07:50:00Z").await;
    let lines = world.lines("2026-11-24T07:50:00Z").await;
    let urgent = lines.iter().find(|line| line.path.contains("serie-4")).unwrap();
    assert_eq!((urgent.state, urgent.due_at), ("settling", Some(instant("2026-11-25T08:00:00Z"))));
    let snapshot = world.at("2026-11-24T08:00:00Z").await;
    deliver(&world, &snapshot, instant("2026-11-24T08:00:00Z")).await;
    world.at("2026-11-24T08:20:00Z").await;
    assert_eq!(world.days().await, days(&[("1", "24"), ("4", "25"), ("2", "26"), ("3", "27")]));
}

/// A number that is drawn from others: the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[tokio::test]
async fn whatever_comes_when_each_goes_out_once_and_no_slot_has_two() {
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        let mut world = World::new(QUEUE).await;
        world.at("08:00:00").await;
        let (mut now, mut count) = (instant("08:30:00"), 0_u8);
        let mut went: Vec<(String, Timestamp)> = Vec::new();
        let mut waiting: Vec<(u8, bool)> = Vec::new();
        for _ in 0..40 {
            match dice.below(4) {
                0 | 1 if count < 20 => {
                    let urgent = dice.below(3) == 0;
                    world.series(count, if urgent { "urgent: true" } else { "" });
                    waiting.push((count, urgent));
                    count += 1;
                }
                2 if dice.below(3) == 0 => {
                    let pending = world.store.deliveries().await.unwrap();
                    let pending: Vec<i64> =
                        pending.iter().filter(|d| d.state == State::Pending).map(|d| d.id).collect();
                    if let Some(id) = pending.get(dice.below(20) as usize) {
                        world.store.obey(*id, &PersonWord::Hurry, &By::command("Aya"), now).await.unwrap();
                    }
                }
                _ => {}
            }
            now = now.checked_add(SignedDuration::from_hours(dice.below(20) as i64)).unwrap();
            let snapshot = world.reconciler.pass(&world.store, now).await.unwrap();
            let pending = world.store.deliveries().await.unwrap();
            let mut due: Vec<Timestamp> =
                pending.iter().filter(|d| d.state == State::Pending && d.due_at > now).map(|d| d.due_at).collect();
            let all = due.len();
            due.sort();
            due.dedup();
            assert_eq!(due.len(), all, "seed {seed}: two in one slot");
            deliver(&world, &snapshot, now).await;
            let known = went.len();
            for delivery in world.store.deliveries().await.unwrap() {
                if delivery.state == State::Published && !went.iter().any(|(path, _)| *path == delivery.path) {
                    went.push((delivery.path, now));
                }
            }
            assert!(went.len() <= known + 1, "seed {seed}: more than one at a time");
        }
        // Then time passes until all have gone.
        for day in 0..25 {
            now = now.checked_add(SignedDuration::from_hours(if day == 0 { 1 } else { 24 })).unwrap();
            let snapshot = world.reconciler.pass(&world.store, now).await.unwrap();
            deliver(&world, &snapshot, now).await;
        }
        let deliveries = world.store.deliveries().await.unwrap();
        assert_eq!(deliveries.len(), waiting.len(), "seed {seed}");
        assert!(deliveries.iter().all(|d| d.state == State::Published), "seed {seed}: {deliveries:#?}");
    }
}

#[tokio::test]
async fn a_slot_is_taken_though_the_clock_is_set_back_before_it() {
    let mut world = waiting(QUEUE, "09:00:00").await;
    // The clock is a day ahead: the first goes out, as it seems, in the slot of the 24th.
    let ahead = instant("2026-11-24T08:01:00Z");
    let mut reconciler = Reconciler::new(Arc::clone(&world.config));
    let snapshot = reconciler.book(&world.store, ahead).await.unwrap();
    deliver(&world, &snapshot, ahead).await;
    assert_eq!(world.store.deliveries().await.unwrap()[0].state, State::Published);
    // It is set right, and an article comes that would have had that slot.
    world.series(4, "urgent: true");
    world.at("09:30:00").await;
    assert_eq!(world.days().await, days(&[("1", "24"), ("4", "25"), ("2", "26"), ("3", "27")]));
}

#[tokio::test]
async fn a_slot_is_given_once_at_its_very_instant() {
    let mut world = waiting(QUEUE, "09:00:00").await;
    let slot = instant("2026-11-24T08:00:00Z");
    let snapshot = world.reconciler.book(&world.store, slot).await.unwrap();
    deliver(&world, &snapshot, slot).await;
    assert_eq!(world.store.deliveries().await.unwrap()[0].state, State::Published);
    // In the same second an article is seen whose moment has come before.
    world.series(4, "");
    world.reconciler.book(&world.store, slot).await.unwrap();
    assert_eq!(world.days().await, days(&[("1", "24"), ("2", "25"), ("3", "26"), ("4", "27")]));
}

/// A rule that asks for approval, and three articles that wait for it and for the slots of the 24th to the 26th.
async fn unapproved(people: u8) -> World {
    let approval = format!("queue: true }}, approval: {{ required: {people} }}");
    waiting(&QUEUE.replace("queue: true }", &approval), "09:00:00").await
}

/// Approves one of the series as the API does. Its state then.
async fn approve(world: &World, snapshot: &Snapshot, n: i64, person: &str, time: &str) -> State {
    word(world, snapshot, n, person, time).await.unwrap().delivery.state
}

/// The same, and what came of it.
async fn word(world: &World, snapshot: &Snapshot, n: i64, person: &str, time: &str) -> Result<Done, Refusal> {
    let now = instant(time);
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), Clock::by_hand(now));
    let by = By::command(person);
    crieur::acts::approve_now(&world.config, &world.store, &deliverer, snapshot, n, &by, None, now).await
}

/// The numbers of those that are published, in the order of their publication.
async fn published(world: &World) -> Vec<i64> {
    let deliveries = world.store.deliveries().await.unwrap();
    deliveries.iter().filter(|delivery| delivery.state == State::Published).map(|delivery| delivery.id).collect()
}

#[tokio::test]
async fn what_is_approved_after_its_slot_takes_the_next_one_that_is_free() {
    let mut world = unapproved(1).await;
    let snapshot = world.at("2026-11-25T12:00:00Z").await;
    // The slot of the third one is its own, though nobody approved it yet.
    assert_eq!(approve(&world, &snapshot, 1, "Aya", "2026-11-25T12:00:00Z").await, State::Pending);
    assert_eq!(approve(&world, &snapshot, 2, "Aya", "2026-11-25T12:00:01Z").await, State::Pending);
    assert_eq!(world.days().await, days(&[("1", "27"), ("2", "28"), ("3", "26")]));
    let snapshot = world.at("2026-11-26T12:00:00Z").await;
    deliver(&world, &snapshot, instant("2026-11-26T12:00:00Z")).await;
    assert_eq!(published(&world).await, [0_i64; 0]);
    assert_eq!(approve(&world, &snapshot, 3, "Aya", "2026-11-26T12:00:00Z").await, State::Pending);
    assert_eq!(world.days().await, days(&[("1", "27"), ("2", "28"), ("3", "29")]));
    // One article that comes meanwhile takes none of these, and each goes out in its slot, by the approval that it has.
    world.series(4, "");
    for (day, out) in [("27", 1), ("28", 2), ("29", 3), ("30", 3)] {
        let time = format!("2026-11-{day}T08:00:00Z");
        let snapshot = world.at(&time).await;
        deliver(&world, &snapshot, instant(&time)).await;
        let expected: Vec<i64> = (1..=out).collect();
        assert_eq!(published(&world).await, expected, "on the {day}: {:#?}", world.store.deliveries().await.unwrap());
    }
    assert_eq!(world.days().await["4"], "30");
}

#[tokio::test]
async fn who_approved_before_the_slot_was_past_approved_the_next_one_too() {
    for changes in [false, true] {
        let mut world = unapproved(2).await;
        let snapshot = world.at("10:00:00").await;
        assert_eq!(approve(&world, &snapshot, 1, "Aya", "10:00:00").await, State::Held);
        if changes {
            world.place.article("_actualites/serie-1.md", "title: Autre\ndate: 2026-11-23 08:01:00 +00:00");
        }
        let snapshot = world.at("2026-11-24T12:00:00Z").await;
        assert_eq!(world.days().await["1"], "24", "nobody moves what waits for people");
        let state = approve(&world, &snapshot, 1, "Bo", "2026-11-24T12:00:00Z").await;
        assert_eq!(state, if changes { State::Held } else { State::Pending }, "Aya approved another post");
        if changes {
            assert_eq!(approve(&world, &snapshot, 1, "Chi", "2026-11-24T12:01:00Z").await, State::Pending);
        }
        assert_eq!(world.days().await["1"], "27");
        let snapshot = world.at("2026-11-27T08:00:00Z").await;
        deliver(&world, &snapshot, instant("2026-11-27T08:00:00Z")).await;
        assert_eq!(published(&world).await, [1]);
        let given = world.store.approvals(1).await.unwrap();
        let counts = given.iter().filter(|approved| approved.voided.is_none());
        let counts: Vec<&str> = counts.map(|approved| approved.person.as_str()).collect();
        assert_eq!(counts, if changes { ["Bo", "Chi"] } else { ["Aya", "Bo"] });
    }
}

#[tokio::test]
async fn what_a_blackout_or_a_person_held_waits_for_a_slot_and_what_is_urgent_for_none() {
    let blackout = format!("{QUEUE}\nblackouts: [{{ from: 2026-11-24, until: 2026-11-25, reason: deuil }}]");
    let mut world = waiting(&blackout, "09:00:00").await;
    // Held before the blackout is over: its slots are of no use, whether they are past or to come.
    let snapshot = world.at("2026-11-24T12:00:00Z").await;
    for n in 1..=2 {
        assert_eq!(approve(&world, &snapshot, n, "Aya", "2026-11-24T12:00:00Z").await, State::Pending);
    }
    assert_eq!(world.days().await, days(&[("1", "27"), ("2", "28"), ("3", "26")]));
    world.at("2026-11-24T12:01:00Z").await;
    assert_eq!(world.days().await, days(&[("1", "27"), ("2", "28"), ("3", "26")]));
    for (n, word) in [(3, PersonWord::Hold), (1, PersonWord::Hold), (3, PersonWord::Hurry)] {
        let done = world.store.obey(n, &word, &By::command("Aya"), instant("2026-11-26T07:00:00Z")).await;
        assert!(done.unwrap(), "{word:?}");
    }
    let late = "2026-11-27T12:00:00Z";
    let snapshot = world.at(late).await;
    for n in [1, 3] {
        assert_eq!(approve(&world, &snapshot, n, "Aya", late).await, State::Pending);
    }
    assert_eq!(world.days().await["1"], "29");
    let snapshot = world.at(late).await;
    deliver(&world, &snapshot, instant(late)).await;
    assert_eq!(published(&world).await, [3], "a person put it first");
    assert_eq!(world.days().await["1"], "29");
}

#[tokio::test]
async fn one_that_is_approved_late_keeps_its_slot_in_a_campaign_and_two_never_get_the_same() {
    let articles = "articles: [_actualites/serie-1.md, _actualites/serie-2.md, _actualites/serie-3.md]";
    let campaign = format!(
        "endpoints: {{ essai: {{ network: journal }} }}\ncampaigns: [{{ name: file, {articles}, endpoints: [essai], slots: \"0 9 * * *\", approval: {{ required: 1 }}, settle: 0s, live_check: false, until: 2026-11-28 }}]"
    );
    let mut world = waiting(&campaign, "09:00:00").await;
    let snapshot = world.at("2026-11-25T12:00:00Z").await;
    let now = instant("2026-11-25T12:00:00Z");
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), Clock::by_hand(now));
    let (config, store) = (&world.config, &world.store);
    let mut seen = Vec::new();
    for delivery in world.store.deliveries().await.unwrap().iter().take(2) {
        seen.push(crieur::acts::look(config, store, &deliverer, &snapshot, delivery, now).await.unwrap());
    }
    assert_eq!(seen[0].due_at, instant("2026-11-27T08:00:00Z"));
    assert_eq!(seen[0].due_at, seen[1].due_at, "either may have it");
    let by = By::command("Aya");
    for (n, look) in (1..).zip(&seen) {
        let done = crieur::acts::approve(config, store, Some(look), Some(&snapshot), n, &by, None, now).await;
        assert_eq!(done.is_ok(), n == 1, "{done:?}");
    }
    assert_eq!(approve(&world, &snapshot, 2, "Aya", "2026-11-25T12:00:00Z").await, State::Pending);
    for time in ["2026-11-25T12:01:00Z", "2026-11-25T12:02:00Z"] {
        world.at(time).await;
        assert_eq!(world.days().await, days(&[("1", "27"), ("2", "28"), ("3", "26")]));
    }
    let snapshot = world.at("2026-11-27T08:00:00Z").await;
    deliver(&world, &snapshot, instant("2026-11-27T08:00:00Z")).await;
    assert_eq!(published(&world).await, [1]);
    // The second one has the last slot of the campaign: there is none for the third.
    let refused = word(&world, &snapshot, 3, "Aya", "2026-11-27T12:00:00Z").await.unwrap_err().to_string();
    assert!(refused.contains("ends on 2026-11-28"), "{refused}");
    assert_eq!(world.days().await["3"], "26");
}

#[tokio::test]
async fn nothing_is_approved_after_the_last_day_of_a_campaign_unless_a_person_puts_it_first() {
    let articles = "articles: [_actualites/serie-1.md, _actualites/serie-2.md, _actualites/serie-3.md]";
    for (approval, people) in [("approval: { required: 1 }, ", 1), ("approval: { required: 2 }, ", 2), ("", 1)] {
        let campaign = format!(
            "endpoints: {{ essai: {{ network: journal }} }}\ncampaigns: [{{ name: file, {articles}, endpoints: [essai], slots: \"0 9 * * *\", {approval}settle: 0s, live_check: false, until: 2026-11-26 }}]"
        );
        let mut world = waiting(&campaign, "09:00:00").await;
        let late = "2026-12-03T12:00:00Z";
        for n in 1..=3 {
            world.store.obey(n, &PersonWord::Hold, &By::command("Aya"), instant("10:00:00")).await.unwrap();
        }
        let snapshot = world.at(late).await;
        for n in 1..=3 {
            let refused = word(&world, &snapshot, n, "Aya", late).await.unwrap_err().to_string();
            assert!(refused.contains("ends on 2026-11-26") && refused.contains("posts hurry"), "{refused}");
        }
        let snapshot = world.at(late).await;
        deliver(&world, &snapshot, instant(late)).await;
        assert_eq!(published(&world).await, [0_i64; 0]);
        assert!(world.store.obey(2, &PersonWord::Hurry, &By::command("Aya"), instant(late)).await.unwrap());
        for person in ["Aya", "Bo"].into_iter().take(people) {
            word(&world, &snapshot, 2, person, late).await.unwrap();
        }
        let snapshot = world.at(late).await;
        deliver(&world, &snapshot, instant(late)).await;
        assert_eq!(published(&world).await, [2]);
    }
}

#[tokio::test]
async fn who_approved_what_is_held_again_may_approve_it_once_more() {
    let mut world = unapproved(2).await;
    let snapshot = world.at("10:00:00").await;
    for (person, state) in [("Aya", State::Held), ("Bo", State::Pending)] {
        assert_eq!(approve(&world, &snapshot, 1, person, "10:00:00").await, state);
    }
    world.store.obey(1, &PersonWord::Hold, &By::command("Chi"), instant("10:01:00")).await.unwrap();
    assert_eq!(approve(&world, &snapshot, 1, "Aya", "10:02:00").await, State::Pending);
    // As long as somebody is missing, it is another one who is wanted.
    for is_new in [true, false] {
        let done = word(&world, &snapshot, 2, "Aya", "10:03:00").await.unwrap();
        assert_eq!((done.is_new, done.delivery.state), (is_new, State::Held));
    }
    // Its slot is missed, and then a blackout holds it.
    let blackout = "\nblackouts: [{ from: 2026-11-25, until: 2026-11-25, reason: deuil }]";
    let approval = "queue: true }, approval: { required: 1 }";
    let mut world = waiting(&format!("{}{blackout}", QUEUE.replace("queue: true }", approval)), "09:00:00").await;
    let snapshot = world.at("10:00:00").await;
    assert_eq!(approve(&world, &snapshot, 1, "Aya", "10:00:00").await, State::Pending);
    let late = "2026-11-25T12:00:00Z";
    let snapshot = world.at(late).await;
    assert_eq!(world.store.deliveries().await.unwrap()[0].state, State::Held);
    assert_eq!(approve(&world, &snapshot, 1, "Aya", late).await, State::Pending);
    assert_eq!(world.days().await["1"], "27");
    let snapshot = world.at("2026-11-27T08:00:00Z").await;
    deliver(&world, &snapshot, instant("2026-11-27T08:00:00Z")).await;
    assert_eq!(published(&world).await, [1]);
}

#[tokio::test]
async fn what_is_dealt_anew_takes_no_slot_of_one_that_waits_for_people() {
    let mut world = unapproved(1).await;
    let snapshot = world.at("10:00:00").await;
    for n in [1, 2] {
        assert_eq!(approve(&world, &snapshot, n, "Aya", "10:00:00").await, State::Pending);
    }
    // Nothing runs in the slots of both; an article comes meanwhile.
    world.series(4, "");
    let late = "2026-11-25T12:00:00Z";
    let snapshot = world.at(late).await;
    deliver(&world, &snapshot, instant(late)).await;
    let dealt = days(&[("1", "24"), ("2", "27"), ("3", "26"), ("4", "28")]);
    assert_eq!(world.days().await, dealt);
    for n in [2, 3] {
        assert_eq!(approve(&world, &snapshot, n, "Aya", late).await, State::Pending);
    }
    assert_eq!(world.days().await, dealt);
    for (day, out) in [("26", vec![1, 3]), ("27", vec![1, 2, 3])] {
        let time = format!("2026-11-{day}T08:00:00Z");
        let snapshot = world.at(&time).await;
        deliver(&world, &snapshot, instant(&time)).await;
        assert_eq!(published(&world).await, out, "on the {day}");
    }
}

#[tokio::test]
async fn of_two_that_have_one_slot_the_first_that_is_approved_takes_another() {
    let mut world = unapproved(1).await;
    let snapshot = world.at("10:00:00").await;
    let plan = Plan { postpone: vec![(2, instant("2026-11-26T08:00:00Z"))], ..Plan::default() };
    let mut pass = world.store.pass().await.unwrap();
    pass.carry_out(&plan, instant("10:01:00")).await.unwrap();
    pass.commit().await.unwrap();
    for n in [2, 3] {
        assert_eq!(approve(&world, &snapshot, n, "Aya", "10:02:00").await, State::Pending);
    }
    assert_eq!(world.days().await, days(&[("1", "24"), ("2", "27"), ("3", "26")]));
}
