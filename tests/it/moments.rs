//! Moments other than the publication: events with their reminders, repeats; and when nothing goes out.

use crate::plan::{World, instant};
use crate::support::parse;
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::people::By;
use crieur::plan::Line;
use crieur::reconcile::{Reconciler, Snapshot};
use std::sync::Arc;

const REMINDERS: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: rdv, articles: { tags: [Cloud] }, endpoints: [essai], when: { event: [-7d, -1d, -2h, 1d] } }]";

/// An article of today with an event.
fn event(start: &str) -> String {
    format!("title: Rencontre\ndate: 2026-11-23 09:00:00 +00:00\ntags: [Cloud]\nevent_start_date: {start}")
}

/// Step, state and due instant of every delivery, by step.
async fn steps(world: &World) -> Vec<(String, State, String)> {
    let deliveries = world.store.deliveries().await.unwrap();
    deliveries.into_iter().map(|d| (d.key.step, d.state, d.due_at.to_string())).collect()
}

fn step(name: &str, state: State, due_at: &str) -> (String, State, String) {
    (name.to_owned(), state, due_at.to_owned())
}

/// Works on an endpoint at a time, until nothing is to be done then. What it waits for.
async fn deliver(world: &World, snapshot: &Snapshot, time: &str) -> Step {
    let clock = Clock::by_hand(instant(time));
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), clock);
    loop {
        match deliverer.step(&EndpointName::new("essai"), None, snapshot).await.unwrap() {
            Step::Did(_) => {}
            waits => return waits,
        }
    }
}

async fn published(world: &World) -> Vec<Delivery> {
    let all = world.store.deliveries().await.unwrap();
    all.into_iter().filter(|delivery| delivery.state == State::Published).collect()
}

async fn lines(world: &World, time: &str) -> Vec<Line> {
    let mut reconciler = Reconciler::new(Arc::clone(&world.config));
    reconciler.glance(Some(&world.store), instant(time)).await.unwrap().plan.lines
}

#[tokio::test]
async fn reminders_of_an_event_are_booked_once_each_at_their_distance() {
    let mut world = World::new(REMINDERS).await;
    world.at("08:00:00").await;
    // In Paris: 14:00, after the clocks went forward.
    world.place.article("_actualites/rdv.md", &event("2027-03-30 14:00"));
    world.at("10:00:00").await;
    assert_eq!(lines(&world, "10:00:00").await.iter().filter(|line| line.state == "settling").count(), 4);
    for time in ["10:30:00", "10:30:00", "12:00:00"] {
        world.at(time).await;
        let booked = [
            step("event:-7d", State::Pending, "2027-03-23T13:00:00Z"),
            step("event:-1d", State::Pending, "2027-03-29T12:00:00Z"),
            step("event:-2h", State::Pending, "2027-03-30T10:00:00Z"),
            step("event:1d", State::Pending, "2027-03-31T12:00:00Z"),
        ];
        assert_eq!(steps(&world).await, booked);
    }
}

#[tokio::test]
async fn what_is_past_when_an_event_is_announced_is_not_made_up_for_and_is_explained() {
    let mut world = World::new(REMINDERS).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/rdv.md", &event("2026-11-25 09:00"));
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    let names: Vec<String> = steps(&world).await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["event:-1d", "event:-2h", "event:1d"]);
    world.restart(REMINDERS);
    world.place.article("_actualites/autre.md", &event("2026-11-20 09:00").replace("Rencontre", "Autre rencontre"));
    world.at("11:00:00").await;
    let lines = lines(&world, "11:10:00").await;
    let of_other: Vec<&Line> = lines.iter().filter(|line| line.path.contains("autre")).collect();
    assert!(of_other.iter().all(|line| line.state == "skipped" && line.reason.contains("past")), "{of_other:#?}");
}

#[tokio::test]
async fn an_event_that_moves_takes_its_reminders_along_and_one_that_is_called_off_drops_them() {
    let mut world = World::new(REMINDERS).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/rdv.md", &event("2026-12-10 09:00"));
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    // The first reminder goes out, then the event moves a week on: nothing reminds in the same way again.
    let snapshot = world.at("2026-12-03T08:00:00Z").await;
    deliver(&world, &snapshot, "2026-12-03T08:00:00Z").await;
    world.place.article("_actualites/rdv.md", &event("2026-12-17 09:00"));
    world.at("2026-12-04T08:00:00Z").await;
    let moved = [
        step("event:-7d", State::Published, "2026-12-03T08:00:00Z"),
        step("event:-1d", State::Pending, "2026-12-16T08:00:00Z"),
        step("event:-2h", State::Pending, "2026-12-17T06:00:00Z"),
        step("event:1d", State::Pending, "2026-12-18T08:00:00Z"),
    ];
    assert_eq!(steps(&world).await, moved);
    // It moves to tomorrow morning: a day before is past, two hours before is to come.
    world.place.article("_actualites/rdv.md", &event("2026-12-05 06:00"));
    world.at("2026-12-04T09:00:00Z").await;
    let states: Vec<State> = steps(&world).await.into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [State::Published, State::Cancelled, State::Pending, State::Pending]);
    // It is no event any more, and then is one again.
    world.place.article("_actualites/rdv.md", "title: Rencontre\ndate: 2026-11-23 09:00:00 +00:00\ntags: [Cloud]");
    world.at("2026-12-04T09:10:00Z").await;
    assert!(steps(&world).await[1..].iter().all(|(_, state, _)| *state == State::Cancelled));
    world.place.article("_actualites/rdv.md", &event("2026-12-10 09:00"));
    world.at("2026-12-04T09:20:00Z").await;
    let back = [
        step("event:-7d", State::Published, "2026-12-03T08:00:00Z"),
        step("event:-1d", State::Pending, "2026-12-09T08:00:00Z"),
        step("event:-2h", State::Pending, "2026-12-10T06:00:00Z"),
        step("event:1d", State::Pending, "2026-12-11T08:00:00Z"),
    ];
    assert_eq!(steps(&world).await, back);
}

#[tokio::test]
async fn nothing_reminds_of_an_event_that_has_begun() {
    let mut world = World::new(REMINDERS).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/rdv.md", &event("2026-11-26 09:00"));
    world.at("10:00:00").await;
    let snapshot = world.at("10:30:00").await;
    // The machine was off: the reminders are late, and the delivery comes before the next pass.
    deliver(&world, &snapshot, "2026-11-26T08:00:00Z").await;
    let states: Vec<State> = steps(&world).await.into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [State::Failed, State::Failed, State::Pending]);
    let failed = world.store.deliveries().await.unwrap();
    assert!(
        failed[0].reason.as_deref().unwrap().contains("the event began at 2026-11-26T09:00:00+01:00"),
        "{failed:?}"
    );
    // The thanks come after its end all the same.
    deliver(&world, &snapshot, "2026-11-27T08:00:00Z").await;
    assert_eq!(published(&world).await.len(), 1);
}

#[tokio::test]
async fn an_article_is_repeated_with_a_text_of_its_own_and_announced_once() {
    let rule = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], when: { after: [0d, 30d] }, variants: { 30d: \"Encore : {{ title }}\" } }]";
    let mut world = World::new(rule).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: Guide\ndate: 2026-11-23 09:00:00 +00:00");
    world.at("10:00:00").await;
    let snapshot = world.at("10:30:00").await;
    let booked = [
        step("publication", State::Pending, "2026-11-23T10:30:00Z"),
        step("after:30d", State::Pending, "2026-12-23T10:30:00Z"),
    ];
    assert_eq!(steps(&world).await, booked);
    deliver(&world, &snapshot, "10:30:00").await;
    deliver(&world, &snapshot, "2026-12-23T10:30:00Z").await;
    let texts: Vec<String> = published(&world).await.into_iter().filter_map(|d| d.text).collect();
    assert!(texts.len() == 2 && texts[0].starts_with("Guide\n") && texts[1] == "Encore : Guide", "{texts:?}");
}

/// A rule that repeats, with what its `when` and an article say of it.
async fn repeats(when: &str, more: &str) -> World {
    let rest = format!(
        "endpoints: {{ essai: {{ network: journal }} }}\nrules: [{{ name: une, endpoints: [essai], when: {when} }}]"
    );
    let mut world = World::new(&rest).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", &format!("title: Guide\ndate: 2026-11-23 09:00:00 +00:00\n{more}"));
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    world
}

#[tokio::test]
async fn repeats_end_with_a_day_of_the_rule_or_of_the_article_or_with_the_article() {
    let three = [
        step("publication", State::Pending, "2026-11-23T10:30:00Z"),
        step("after:30d", State::Pending, "2026-12-23T10:30:00Z"),
        step("after:60d", State::Pending, "2027-01-22T10:30:00Z"),
    ];
    for (when, more, expected, words) in [
        ("{ after: [0d, 30d, 60d] }", "", &three[..], ""),
        ("{ after: [0d, 30d, 60d], until: 2027-01-22 }", "", &three[..], ""),
        ("{ after: [0d, 30d, 60d], until: 2027-01-21 }", "", &three[..2], "the rule repeats until 2027-01-21"),
        ("{ after: [0d, 30d, 60d] }", "repeat_until: 2027-01-22", &three[..], ""),
        ("{ after: [0d, 30d, 60d] }", "repeat_until: 2027-01-21", &three[..2], "until 2027-01-22 00:00:00 +01:00 only"),
        ("{ after: [0d, 30d, 60d] }", "expires: 2026-12-31", &three[..2], "the article expires before"),
        ("{ every: 30d, times: 2 }", "", &three[..], ""),
        ("{ every: 30d, until: 2027-02-01 }", "", &three[..], "the rule repeats until 2027-02-01"),
        // The announcement itself is no repeat.
        ("{ every: 30d, until: 2026-11-01 }", "", &three[..1], "30d after publication: the rule repeats until"),
    ] {
        let world = repeats(when, more).await;
        assert_eq!(steps(&world).await, expected, "{when} {more}");
        let mut fresh = repeats_lines(when, more).await;
        fresh.retain(|line| line.state == "skipped" && line.path.contains("a.md"));
        assert_eq!(fresh.len(), usize::from(!words.is_empty()), "{when} {more}: {fresh:#?}");
        assert!(fresh.iter().all(|line| line.reason.contains(words)), "{fresh:#?}");
    }
}

/// What the plan says of the article before anything is booked.
async fn repeats_lines(when: &str, more: &str) -> Vec<Line> {
    let rest = format!(
        "endpoints: {{ essai: {{ network: journal }} }}\nrules: [{{ name: une, endpoints: [essai], when: {when} }}]"
    );
    let mut world = World::new(&rest).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", &format!("title: Guide\ndate: 2026-11-23 09:00:00 +00:00\n{more}"));
    world.at("10:00:00").await;
    lines(&world, "10:30:00").await
}

#[tokio::test]
async fn a_repeat_that_an_earlier_end_overtakes_is_called_off_with_the_reason_and_comes_back() {
    let mut world = repeats("{ after: [0d, 30d] }", "").await;
    let front = "title: Guide\ndate: 2026-11-23 09:00:00 +00:00";
    world.place.article("_actualites/a.md", &format!("{front}\nrepeter_jusqu_au: 2026-12-10"));
    world.at("11:00:00").await;
    let called_off = &world.store.deliveries().await.unwrap()[1];
    assert_eq!(called_off.state, State::Cancelled);
    assert!(called_off.reason.as_deref().unwrap().contains("until 2026-12-11 00:00:00 +01:00 only"), "{called_off:?}");
    world.place.article("_actualites/a.md", front);
    world.at("11:10:00").await;
    assert_eq!(steps(&world).await[1], step("after:30d", State::Pending, "2026-12-23T10:30:00Z"));
}

#[tokio::test]
async fn an_event_that_is_cancelled_or_postponed_reminds_nobody_and_thanks_nobody() {
    for status in [
        "event_status: cancelled",
        "event_status: annulé",
        "eventStatus: https://schema.org/EventCancelled",
        "statut_evenement: Reporté",
        "eventStatus: EventPostponed",
        "annule: oui",
    ] {
        let mut world = World::new(REMINDERS).await;
        world.at("08:00:00").await;
        world.place.article("_actualites/rdv.md", &event("2026-12-10 09:00"));
        world.at("10:00:00").await;
        world.at("10:30:00").await;
        let before = steps(&world).await;
        assert_eq!(before.len(), 4);
        world.place.article("_actualites/rdv.md", &format!("{}\n{status}", event("2026-12-10 09:00")));
        let snapshot = world.at("11:00:00").await;
        let after = world.store.deliveries().await.unwrap();
        assert!(after.iter().all(|d| d.state == State::Cancelled), "{status}: {after:#?}");
        assert!(after.iter().all(|d| d.reason.as_deref().unwrap().starts_with("the event is ")), "{after:#?}");
        let calendar = snapshot.feeds.document("/feeds/events.ics").unwrap().body.clone();
        let calendar = String::from_utf8_lossy(&calendar);
        let expected =
            if status.contains("Report") || status.contains("Postponed") { "TENTATIVE" } else { "CANCELLED" };
        assert!(calendar.contains(&format!("STATUS:{expected}")), "{status}: {calendar}");
        // It takes place after all, a week later.
        world.place.article("_actualites/rdv.md", &event("2026-12-17 09:00"));
        world.at("11:10:00").await;
        assert!(steps(&world).await.iter().all(|(_, state, _)| *state == State::Pending), "{status}");
        assert_eq!(steps(&world).await[0].2, "2026-12-10T08:00:00Z");
    }
}

#[tokio::test]
async fn a_moment_that_a_rule_loses_is_called_off_and_one_that_it_gets_is_booked_while_it_runs() {
    let mut world = World::new(REMINDERS).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/rdv.md", &event("2026-12-10 09:00"));
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    world.restart(&REMINDERS.replace("[-7d, -1d, -2h, 1d]", "[-3d, -1d]"));
    world.at("11:00:00").await;
    world.at("11:01:00").await;
    let mut pending = steps(&world).await;
    pending.retain(|(_, state, _)| *state == State::Pending);
    pending.sort();
    let expected = [
        step("event:-1d", State::Pending, "2026-12-09T08:00:00Z"),
        step("event:-3d", State::Pending, "2026-12-07T08:00:00Z"),
    ];
    assert_eq!(pending, expected);
}

#[tokio::test]
async fn quiet_hours_put_off_what_is_due_and_close_the_endpoint() {
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nquiet_hours: [\"20:00-08:00\", Sat, Sun, \"holidays:FR\"]";
    let mut world = World::new(rest).await;
    world.at("2026-12-24T08:00:00Z").await;
    world.place.article("_actualites/a.md", "title: Réveillon\ndate: 2026-12-24 19:00:00 +00:00");
    world.at("2026-12-24T19:00:00Z").await;
    world.at("2026-12-24T19:30:00Z").await;
    // The night of Thursday, Christmas, the week-end, the night of Sunday.
    assert_eq!(steps(&world).await, [step("publication", State::Pending, "2026-12-28T07:00:00Z")]);
    // What is due by an older configuration, or by hand, waits all the same.
    let lease = |time: &str| {
        let (store, time) = (world.store.clone(), instant(time));
        async move { store.obey(1, &crieur::store::PersonWord::Cancel, &By::command("Aya"), time).await.unwrap() }
    };
    lease("2026-12-25T09:00:00Z").await;
    world
        .store
        .obey(1, &crieur::store::PersonWord::Retry, &By::command("Aya"), instant("2026-12-25T09:00:00Z"))
        .await
        .unwrap();
    let snapshot = world.at("2026-12-25T09:00:00Z").await;
    let waits = deliver(&world, &snapshot, "2026-12-25T09:00:00Z").await;
    assert_eq!(waits, Step::Wait(Some(instant("2026-12-28T07:00:00Z"))));
    deliver(&world, &snapshot, "2026-12-28T07:00:00Z").await;
    assert_eq!(published(&world).await.len(), 1);
}

#[tokio::test]
async fn an_endpoint_has_quiet_hours_of_its_own_and_slots_pass_over_them() {
    let rest = "endpoints: { essai: { network: journal, quiet_hours: [Tue], timezone: Asia/Tokyo } }\nrules: [{ name: une, endpoints: [essai], when: { slots: \"0 9 * * *\", queue: true } }]\nquiet_hours: [\"00:00-24:00\", \"Mon-Fri 08:00-10:00\"]";
    assert!(parse(rest).is_err(), "no hour is left");
    let rest = rest.replace("\"00:00-24:00\", ", "");
    let mut world = World::new(&rest).await;
    world.at("08:00:00").await;
    for n in 1..=2 {
        world
            .place
            .article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2026-11-23 0{n}:00:00 +00:00"));
    }
    world.at("09:00:00").await;
    world.at("09:30:00").await;
    // Tuesday is quiet in Tokyo: Wednesday and Thursday at nine.
    let due: Vec<String> = steps(&world).await.into_iter().map(|(.., due)| due).collect();
    assert_eq!(due, ["2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"]);
}

#[tokio::test]
async fn a_blackout_holds_or_drops_with_its_reason_and_ends_by_itself_for_what_comes_after() {
    for (action, state) in [("hold", State::Held), ("drop", State::Cancelled)] {
        let rest = format!(
            "endpoints: {{ essai: {{ network: journal }} }}\nrules: [{{ name: une, endpoints: [essai] }}]\nblackouts: [{{ from: 2026-11-23, until: 2026-11-24, reason: réserve électorale, by: le cabinet, action: {action} }}]"
        );
        let mut world = World::new(&rest).await;
        world.at("2026-11-22T08:00:00Z").await;
        world.place.article("_actualites/a.md", "title: A\ndate: 2026-11-22 22:00:00 +00:00");
        // Booked before, due before midnight in Paris; not sent in time.
        world.at("2026-11-22T22:00:00Z").await;
        world.at("2026-11-22T22:30:00Z").await;
        assert_eq!(steps(&world).await[0].1, State::Pending);
        world.place.article("_actualites/b.md", "title: B\ndate: 2026-11-23 09:00:00 +00:00");
        world.at("2026-11-22T23:00:00Z").await;
        world.at("09:00:00").await;
        let snapshot = world.at("09:30:00").await;
        let deliveries = world.store.deliveries().await.unwrap();
        assert_eq!(deliveries.iter().map(|d| d.state).collect::<Vec<_>>(), [state, state], "{action}");
        let reason = deliveries[1].reason.as_deref().unwrap();
        assert_eq!(reason, "blackout from 2026-11-23 to 2026-11-24, by le cabinet: réserve électorale");
        if action == "hold" {
            // A person lets one go: it goes after the blackout, not in it.
            let word = crieur::store::Word { by: &By::command("Aya"), seen: None, slot: None };
            assert!(world.store.approve(2, &word, instant("10:00:00")).await.unwrap().is_some());
            world.at("10:00:00").await;
            let waits = deliver(&world, &snapshot, "10:00:00").await;
            assert_eq!(waits, Step::Wait(Some(instant("2026-11-24T23:00:00Z"))));
            let snapshot = world.at("2026-11-25T08:00:00Z").await;
            deliver(&world, &snapshot, "2026-11-25T08:00:00Z").await;
            assert_eq!(published(&world).await.len(), 1);
        }
        world.place.article("_actualites/c.md", "title: C\ndate: 2026-11-25 09:00:00 +00:00");
        world.at("2026-11-25T09:00:00Z").await;
        world.at("2026-11-25T09:30:00Z").await;
        assert_eq!(steps(&world).await[2].1, State::Pending);
    }
}

#[tokio::test]
async fn silence_holds_everything_at_once_and_is_said() {
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]";
    let mut world = World::new(rest).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: A\ndate: 2026-11-23 09:00:00 +00:00");
    world.at("09:00:00").await;
    let snapshot = world.at("09:30:00").await;
    assert!(world.store.silence_on("deuil national", &By::command("Aya"), instant("09:40:00")).await.unwrap());
    assert!(!world.store.silence_on("autre", &By::command("Aya"), instant("09:41:00")).await.unwrap());
    assert_eq!(deliver(&world, &snapshot, "09:45:00").await, Step::Wait(None));
    let said = lines(&world, "09:45:00").await;
    assert!(said.iter().any(|line| line.reason.contains("by Aya: deuil national")), "{said:#?}");
    assert!(world.store.silence_off(&By::command("Aya"), instant("10:00:00")).await.unwrap());
    assert!(!world.store.silence_off(&By::command("Aya"), instant("10:00:00")).await.unwrap());
    deliver(&world, &snapshot, "10:00:00").await;
    assert_eq!(published(&world).await.len(), 1);
}

#[tokio::test]
async fn a_silence_between_lease_and_attempt_is_obeyed_too() {
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none";
    let mut world = World::new(rest).await;
    world.place.article("_actualites/a.md", "title: A\ndate: 2026-11-23 07:00:00 +00:00");
    world.at("08:30:00").await;
    let (store, now, endpoint) = (&world.store, instant("08:31:00"), EndpointName::new("essai"));
    let leased = store.lease(&endpoint, None, &crieur::store::Terms::default(), now).await.unwrap();
    let crieur::store::Leased::Lease(lease) = leased else { panic!("{leased:?}") };
    store.silence_on("halte", &By::command("Aya"), now).await.unwrap();
    let post: crieur::post::Post = serde_json::from_value(serde_json::json!({
        "text": "x", "url": "https://www.example.fr/", "language": "fr", "hashtags": [], "length": 1, "limit": 500
    }))
    .unwrap();
    assert_eq!(store.start(&lease, &post, "", now).await.unwrap(), crieur::store::Start::Silent);
}

#[tokio::test]
async fn an_article_waits_until_it_is_old_enough() {
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, articles: { min_age: 5h }, endpoints: [essai] }]";
    let mut world = World::new(rest).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: A\ndate: 2026-11-23 09:00:00 +00:00");
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    assert_eq!(steps(&world).await, [step("publication", State::Pending, "2026-11-23T14:00:00Z")]);
}

#[test]
fn moments_and_periods_that_make_no_sense_are_refused_with_their_place() {
    for (yaml, words) in [
        ("rules: [{ name: a, endpoints: [j], when: { event: [demain] } }]", "no distance from a moment"),
        ("rules: [{ name: a, endpoints: [j], when: { event: [-1d, -24h] } }]", "stands here twice"),
        ("rules: [{ name: a, endpoints: [j], when: { after: [-1d] } }]", "before the publication"),
        ("rules: [{ name: a, endpoints: [j], when: { after: [] } }]", "0 moments"),
        ("rules: [{ name: a, endpoints: [j], when: { every: 30d } }]", "needs an end"),
        ("rules: [{ name: a, endpoints: [j], when: { every: 1m, times: 3 } }]", "too often"),
        ("rules: [{ name: a, endpoints: [j], when: { every: 1d, times: 90 } }]", "90 repeats"),
        ("rules: [{ name: a, endpoints: [j], when: { at: publication, times: 3 } }]", "`times` needs `every`"),
        ("rules: [{ name: a, endpoints: [j], when: { event: [-1d], until: 2027-01-01 } }]", "`until` needs"),
        ("rules: [{ name: a, endpoints: [j], when: { after: [0d], until: demain } }]", "`demain` is not a day"),
        ("rules: [{ name: a, endpoints: [j], when: { after: [0d], at: publication } }]", "both `at` and `after`"),
        ("rules: [{ name: a, endpoints: [j], when: { after: [0d] }, variants: { 3d: x } }]", "no moment `3d`"),
        ("quiet_hours: [\"20h-8h\"]", "quiet_hours[0]"),
        ("blackouts: [{ from: 2027-03-01, reason: x }]", "`until` is missing"),
        ("blackouts: [{ from: 2027-03-01, until: 2027-02-01, reason: x }]", "comes before"),
        ("blackouts: [{ from: hier, until: 2027-02-01 }]", "`hier` is not a day"),
    ] {
        let problems = parse(&format!("endpoints: {{ j: {{ network: journal }} }}\n{yaml}")).unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(words)), "{yaml}: {said:?}");
        assert!(problems.iter().all(|problem| problem.cure.is_some()), "{said:?}");
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_post_does_not_close_the_endpoint_until_then() {
    let rest = "endpoints: { essai: { network: journal, gap: 10m } }\nrules: [{ name: une, endpoints: [essai] }]";
    let mut world = World::new(rest).await;
    world.at("08:00:00").await;
    for n in 1..=3 {
        world
            .place
            .article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2026-11-23 09:00:0{n} +00:00"));
    }
    world.at("09:01:00").await;
    let snapshot = world.at("09:31:00").await;
    // One goes out while the clock is a day ahead; then it is put right.
    assert_eq!(
        deliver(&world, &snapshot, "2026-11-24T09:31:00Z").await,
        Step::Wait(Some(instant("2026-11-24T09:41:00Z")))
    );
    assert_eq!(deliver(&world, &snapshot, "09:32:00").await, Step::Wait(Some(instant("09:42:00"))));
    deliver(&world, &snapshot, "09:42:00").await;
    assert_eq!(published(&world).await.len(), 3);
}

#[test]
fn whatever_waits_for_a_day_to_have_room_says_until_when() {
    let place = crate::support::Place::new();
    for n in 1..=5 {
        place.article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2026-11-2{n}"));
    }
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 0s, per_day: 2 } }\nrules: [{ name: une, endpoints: [essai], fresh: 900d, expires: 900d }]\nbaseline: none",
    );
    crieur.ok(&["run", "--once"]);
    let posts = crieur.json(&["posts", "--json"]);
    let posts = posts.as_array().unwrap();
    let went_out = |post: &&serde_json::Value| post["state"] == "published";
    assert_eq!((posts.len(), posts.iter().filter(went_out).count()), (5, 2), "{posts:#?}");
    let time = |said: &str| {
        let words: Vec<&str> = said.split_whitespace().collect();
        let [date, hour, offset] = words.last_chunk().unwrap();
        format!("{date}T{hour}{offset}").parse::<jiff::Timestamp>().unwrap_or_else(|_| panic!("{said}"))
    };
    let plan = crieur.json(&["plan", "--json"]);
    let lines = plan.as_array().unwrap();
    for waiting in [posts, lines] {
        let pending = waiting.iter().filter(|post| post["state"] == "pending");
        let mut until: Vec<_> = pending.map(|post| time(post["reason"].as_str().unwrap())).collect();
        until.sort();
        // Two on the next day, almost at once, and the last one on the day after.
        assert_eq!(until.len(), 3, "{waiting:#?}");
        assert!(until[1].duration_since(until[0]).as_mins() < 5, "{until:?}");
        assert_eq!(until[2].duration_since(until[0]).as_hours(), 24, "{until:?}");
    }
}

#[tokio::test]
async fn a_draft_that_loses_its_front_matter_stays_a_draft() {
    let rule = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], settle: 0s, live_check: false }]";
    let mut world = World::new(rule).await;
    world.at("08:00:00").await;
    let path = "_posts/2026-11-23-secret.md";
    world.place.write(path, "---\ntitle: Secret\npublished: false\n---\n\nCe que personne ne doit lire.\n");
    world.at("09:00:00").await;
    for text in
        ["title: Secret\npublished: false\n---\n\nCe que personne ne doit lire.\n", "Ce que personne ne doit lire.\n"]
    {
        world.place.write(path, text);
        world.at("10:00:00").await;
        let snapshot = world.at("12:00:00").await;
        assert_eq!(world.outbox().await, []);
        assert!(snapshot.problems.iter().any(|problem| problem.to_string().contains("no front matter")));
    }
    world.place.write("_posts/2026-11-23-autre.md", "<<<<<<< HEAD\n---\ntitle: Autre\n---\n\nTexte.\n");
    world.at("13:00:00").await;
    world.at("14:00:00").await;
    assert_eq!(world.outbox().await, [], "nor is what never had any");
}
