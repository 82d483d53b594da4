//! The past, for those who want it: so many a day, oldest first, never twice.

use crate::plan::{World, instant};
use crieur::plan::{Inputs, Planned, Wanted};

const RULE: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nquiet_hours: [Sat, Sun, \"12:00-14:00\"]\nblackouts: [{ from: 2026-11-26, until: 2026-11-26, reason: x }]";

async fn wanted(world: &World, snapshot: &crieur::reconcile::Snapshot, per_day: u16, time: &str) -> Vec<Planned> {
    let outbox = world.store.deliveries().await.unwrap();
    let catalog = snapshot.catalog();
    let inputs = Inputs::new(&world.config, &snapshot.site, &catalog, &outbox, instant(time));
    crieur::plan::backfill(&inputs, &Wanted { rule: None, since: None, per_day }).planned
}

#[tokio::test]
async fn the_past_goes_out_oldest_first_so_many_a_day_and_once() {
    let mut world = World::new(RULE).await;
    for n in 1..=6 {
        world.place.article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2025-01-0{n}"));
    }
    world.place.article("_actualites/brouillon.md", "title: B\ndate: 2025-01-01\npublished: false");
    let snapshot = world.at("10:00:00").await;
    assert_eq!(world.outbox().await, [], "nothing of the past by itself");
    // Monday at eleven in Paris: the moments are 9:00 and 13:30, and the second is quiet until 14:00.
    let planned = wanted(&world, &snapshot, 2, "10:00:00").await;
    let due: Vec<String> = planned.iter().map(|planned| planned.due_at.to_string()).collect();
    let expected = ["23T13", "24T08", "24T13", "25T08", "25T13", "27T08", "27T13"];
    assert_eq!(
        due,
        expected.map(|hour| format!("2026-11-{hour}:00:00Z")),
        "neither quiet hours and days nor the blackout"
    );
    assert_eq!(planned.len(), 7);
    assert_eq!((planned[0].path.as_str(), planned[1].path.as_str()), ("_communiques/ancien.md", "_actualites/a1.md"));
    let mut pass = world.store.pass().await.unwrap();
    pass.book_all(&planned, instant("10:00:00")).await.unwrap();
    pass.commit().await.unwrap();
    assert_eq!(wanted(&world, &snapshot, 2, "10:01:00").await, []);
    world.at("11:00:00").await;
    assert_eq!(world.outbox().await.len(), 7, "a pass leaves them as they are");
}

#[test]
fn the_command_shows_first_and_books_then() {
    let place = crate::support::Place::new();
    place.article("_actualites/a.md", "title: A\ndate: 2025-01-01");
    let crieur = place.crieur("endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]");
    crieur.ok(&["run", "--once"]);
    assert_eq!(crieur.json(&["backfill", "--plan", "--json"]).as_array().unwrap().len(), 1);
    assert_eq!(crieur.json(&["posts", "--json"]).as_array().unwrap().len(), 0);
    crieur.ok(&["backfill", "--per-day", "3"]);
    let posts = crieur.json(&["posts", "--json"]);
    assert_eq!((posts.as_array().unwrap().len(), posts[0]["state"].as_str()), (1, Some("pending")));
    assert_eq!(crieur.json(&["backfill", "--json"]).as_array().unwrap().len(), 0);
    assert_eq!(crieur.run(&["backfill", "--rule", "autre"]).status.code(), Some(2));
}

/// A site of so many articles, which are the past, and two rules for one endpoint with these settings.
fn past(articles: u8, settings: &str) -> (crate::support::Place, crate::support::Crieur) {
    let place = crate::support::Place::new();
    for n in 1..=articles {
        place.article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2025-01-0{n}"));
    }
    let crieur = place.crieur(&format!(
        "endpoints: {{ essai: {{ network: journal, {settings} }} }}\nrules: [{{ name: une, endpoints: [essai] }}, {{ name: autre, endpoints: [essai] }}]"
    ));
    crieur.ok(&["run", "--once"]);
    (place, crieur)
}

/// When the posts of a list are due, in order.
fn moments(posts: &serde_json::Value) -> Vec<jiff::Timestamp> {
    let due = |post: &serde_json::Value| post["due_at"].as_str().unwrap().parse().unwrap();
    let mut moments: Vec<jiff::Timestamp> = posts.as_array().unwrap().iter().map(due).collect();
    moments.sort();
    moments
}

#[test]
fn an_endpoint_that_may_have_so_many_a_day_gets_no_more_of_the_past() {
    let (_place, crieur) = past(9, "per_day: 2");
    let output = crieur.run(&["backfill", "--plan", "--per-day", "4", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("essai takes at most 2 posts in 24 hours (endpoints.essai.per_day)"), "{said}");
    let planned = moments(&serde_json::from_slice(&output.stdout).unwrap());
    assert_eq!(planned.len(), 18);
    let day = jiff::SignedDuration::from_hours(24);
    assert!(planned.iter().zip(&planned[2..]).all(|(first, third)| third.duration_since(*first) >= day), "{planned:?}");
    let last = planned.last().unwrap().duration_since(planned[0]);
    assert!(last <= day * 10, "no day of them is wasted: {planned:?}");
    // What is booked leaves room for what follows.
    crieur.ok(&["backfill", "--rule", "une", "--per-day", "1"]);
    let mut all = moments(&crieur.json(&["backfill", "--plan", "--per-day", "2", "--json"]));
    all.extend(moments(&crieur.json(&["posts", "--json"])));
    all.sort();
    assert_eq!(all.len(), 18);
    assert!(all.iter().zip(&all[2..]).all(|(first, third)| third.duration_since(*first) >= day), "{all:?}");
}

#[test]
fn posts_of_the_past_are_as_far_apart_as_their_endpoint_wants_them() {
    let (place, crieur) = past(5, "gap: 12h");
    let planned = moments(&crieur.json(&["backfill", "--plan", "--per-day", "3", "--json"]));
    assert_eq!(planned.len(), 10);
    let apart = jiff::SignedDuration::from_hours(11);
    assert!(planned.iter().zip(&planned[1..]).all(|(one, next)| next.duration_since(*one) >= apart), "{planned:?}");
    // What went out counts too.
    place.article("_actualites/news.md", &format!("title: Neuf\ndate: {}", crieur::clock::Clock::system().now()));
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 20d } }\nrules: [{ name: une, endpoints: [essai], settle: 0s }]",
    );
    crieur.ok(&["publish-now", "news"]);
    let first = moments(&crieur.json(&["backfill", "--plan", "--json"]))[0];
    let apart = jiff::SignedDuration::from_hours(20 * 24 - 1);
    assert!(first.duration_since(crieur::clock::Clock::system().now()) >= apart, "{first}");
}

/// A world of so many articles of the past, with this endpoint and these rules.
async fn world_of(articles: u8, endpoint: &str, rules: &str) -> (World, crieur::reconcile::Snapshot) {
    let mut world =
        World::new(&format!("endpoints: {{ essai: {{ network: journal, {endpoint} }} }}\nrules: [{rules}]")).await;
    for n in 2..=articles {
        world.place.article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: 2025-01-0{n}"));
    }
    let snapshot = world.at("10:00:00").await;
    (world, snapshot)
}

fn told(planned: &[Planned]) -> Vec<(String, &str)> {
    planned.iter().map(|planned| (planned.due_at.strftime("%dT%H:%M").to_string(), planned.key.rule.as_str())).collect()
}

#[tokio::test]
async fn a_day_is_as_full_as_the_gap_allows_and_rules_take_turns() {
    let slots = "0 8,9,10,15,20 * * *";
    let rules = format!(
        "{{ name: une, endpoints: [essai], when: {{ slots: \"{slots}\" }} }}, {{ name: autre, endpoints: [essai], when: {{ slots: \"{slots}\" }} }}"
    );
    let (world, snapshot) = world_of(3, "gap: 5h", &rules).await;
    let planned = wanted(&world, &snapshot, 3, "21:00:00").await;
    // In Paris: 8, 15 and 20 o'clock, and no slot in between.
    let due = ["24T07:00", "24T14:00", "24T19:00", "25T07:00", "25T14:00", "25T19:00"];
    let in_turn = ["une", "autre", "une", "une", "autre", "autre"];
    let expected: Vec<_> = due.into_iter().map(str::to_owned).zip(in_turn).collect();
    assert_eq!(told(&planned), expected);
}

#[tokio::test]
async fn the_past_goes_to_free_slots_of_a_queue() {
    let rules = "{ name: une, endpoints: [essai], when: { slots: \"0 10 * * *\", queue: true }, settle: 0s }";
    let (mut world, _) = world_of(2, "gap: 1m", rules).await;
    world.place.article("_actualites/neuf.md", "title: Neuf\ndate: 2026-11-23 11:30:00 +0100");
    let snapshot = world.at("11:00:00").await;
    let planned = wanted(&world, &snapshot, 1, "11:00:00").await;
    let expected = ["25T09:00", "26T09:00"].map(|due| (due.to_owned(), "une"));
    assert_eq!(told(&planned), expected, "the article that is news has the next slot");
}
