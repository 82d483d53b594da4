//! The past, for those who want it: so many a day, oldest first, never twice.

use crate::plan::{World, instant};
use crieur::plan::{Inputs, Planned, Wanted};

const RULE: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nquiet_hours: [Sat, Sun, \"12:00-14:00\"]\nblackouts: [{ from: 2026-11-26, until: 2026-11-26, reason: x }]";

async fn wanted(world: &World, snapshot: &crieur::reconcile::Snapshot, per_day: u16, time: &str) -> Vec<Planned> {
    let outbox = world.store.deliveries().await.unwrap();
    let catalog = snapshot.catalog();
    let inputs = Inputs::new(&world.config, &snapshot.site, &catalog, &outbox, instant(time));
    crieur::plan::backfill(&inputs, &Wanted { rule: None, since: None, per_day })
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
    // Monday at eleven in Paris: the moments are 9:00 and 13:30, and the second is quiet.
    let planned = wanted(&world, &snapshot, 2, "10:00:00").await;
    let due: Vec<String> = planned.iter().map(|planned| planned.due_at.to_string()).collect();
    let mornings = ["24", "25", "27", "30"].map(|day| format!("2026-11-{day}T08:00:00Z"));
    assert_eq!(due[..4], mornings, "neither quiet days nor the blackout");
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
