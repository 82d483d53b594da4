//! Approval: nothing of a rule that asks for it goes out otherwise than people saw it.

use crate::plan::{World, instant};
use crate::support::Place;
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Composed, Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::people::{By, People};
use crieur::plan;
use crieur::reconcile::Snapshot;
use crieur::store::{Seen, Word};
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

const TWO: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], approval: { required: 2, expires: 10d }, fresh: 30d, expires: 60d }]";

async fn only(world: &World) -> Delivery {
    let mut all = world.store.deliveries().await.unwrap();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn deliverer(world: &World, time: &str) -> Deliverer {
    Deliverer::new(Arc::clone(&world.config), world.store.clone(), Clock::by_hand(instant(time)))
}

/// Approves the one delivery as it would be sent then, as the command does.
async fn approve(world: &World, snapshot: &Snapshot, person: &str, time: &str) -> State {
    let delivery = only(world).await;
    let own = crieur::store::OwnWord::default();
    let Composed { post, visible, .. } = deliverer(world, time).composed(&delivery, &own, snapshot).await.unwrap();
    let print = plan::print(&post, &delivery.key.endpoint, delivery.due_at);
    let approval = world.config.rules[0].approval.unwrap();
    let (by, people) = (By::command(person), People::default());
    let is_in_blackout = plan::is_in_blackout(&world.config, &snapshot.site.timezone, delivery.due_at);
    let seen = Seen { is_in_blackout, post: &post, print: &print, visible, approval, people: &people };
    let word = Word { by: &by, seen: Some(seen), slot: None };
    world.store.approve(delivery.id, &word, instant(time)).await.unwrap().unwrap();
    only(world).await.state
}

async fn deliver(world: &World, snapshot: &Snapshot, time: &str) -> State {
    let deliverer = deliverer(world, time);
    while let Step::Did(_) = deliverer.step(&EndpointName::new("essai"), None, snapshot).await.unwrap() {}
    only(world).await.state
}

/// A world in which one article waits for approval.
async fn waiting() -> (World, Snapshot) {
    let mut world = World::new(TWO).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-23 09:00:00 +00:00");
    world.at("09:00:00").await;
    let snapshot = world.at("09:30:00").await;
    (world, snapshot)
}

#[tokio::test]
async fn two_people_let_a_post_go_and_one_does_not() {
    let (world, snapshot) = waiting().await;
    let held = only(&world).await;
    assert_eq!(held.state, State::Held);
    assert!(held.reason.unwrap().starts_with("waits for the approval of 2 people"));
    assert_eq!(approve(&world, &snapshot, "Aya", "10:00:00").await, State::Held);
    assert_eq!(approve(&world, &snapshot, "AYA", "10:01:00").await, State::Held, "the same person twice");
    assert_eq!(deliver(&world, &snapshot, "10:02:00").await, State::Held);
    assert_eq!(
        only(&world).await.reason.unwrap(),
        "approved by Aya; waits for the approval of 1 person more: `crieur posts approve`"
    );
    assert_eq!(approve(&world, &snapshot, "Bo", "10:03:00").await, State::Pending);
    assert_eq!(deliver(&world, &snapshot, "10:04:00").await, State::Published);
    assert_eq!(world.store.approvals(1).await.unwrap().len(), 3, "all of it is kept");
}

#[tokio::test]
async fn an_edit_after_the_approval_voids_it_at_the_next_pass_and_before_sending() {
    for passes in [true, false] {
        let (mut world, snapshot) = waiting().await;
        approve(&world, &snapshot, "Aya", "10:00:00").await;
        assert_eq!(approve(&world, &snapshot, "Bo", "10:00:00").await, State::Pending);
        world.place.article("_actualites/a.md", "title: Autre annonce\ndate: 2026-11-23 09:00:00 +00:00");
        let snapshot = if passes {
            world.at("10:01:00").await
        } else {
            // The file changed and the title with it, and nobody made a pass: what is sent is what the file says.
            let mut fresh = crieur::reconcile::Reconciler::new(Arc::clone(&world.config));
            fresh.glance(Some(&world.store), instant("10:01:00")).await.unwrap()
        };
        if passes {
            assert_eq!(only(&world).await.state, State::Held);
        }
        assert_eq!(deliver(&world, &snapshot, "10:02:00").await, State::Held);
        let reason = only(&world).await.reason.unwrap();
        assert!(reason.contains("changed since it was approved"), "{reason}");
        assert!(world.store.approvals(1).await.unwrap().iter().all(|approved| approved.voided.is_some()));
        approve(&world, &snapshot, "Aya", "10:03:00").await;
        assert_eq!(approve(&world, &snapshot, "Chi", "10:03:00").await, State::Pending);
        assert_eq!(deliver(&world, &snapshot, "10:04:00").await, State::Published);
    }
}

#[tokio::test]
async fn a_hashtag_that_changes_voids_it_although_readers_of_the_article_see_no_change() {
    let (mut world, snapshot) = waiting().await;
    approve(&world, &snapshot, "Aya", "10:00:00").await;
    approve(&world, &snapshot, "Bo", "10:00:00").await;
    world.place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-23 09:00:00 +00:00\ntags: [Cloud]");
    let snapshot = world.at("10:01:00").await;
    assert_eq!(deliver(&world, &snapshot, "10:02:00").await, State::Held);
}

#[tokio::test]
async fn an_approval_of_the_article_as_it_is_stands_when_one_of_its_older_text_falls() {
    let (mut world, snapshot) = waiting().await;
    let text = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    assert_eq!(approve(&world, &snapshot, "Aya", "10:00:00").await, State::Held);
    // Readers of the article see another end; the post says what it said. Bo sees that before any pass does.
    world.place.write("_actualites/a.md", format!("{text}\nUne fin.\n"));
    let mut fresh = crieur::reconcile::Reconciler::new(Arc::clone(&world.config));
    let snapshot = fresh.glance(Some(&world.store), instant("10:01:00")).await.unwrap();
    assert_eq!(approve(&world, &snapshot, "Bo", "10:01:00").await, State::Pending);
    let snapshot = world.at("10:02:00").await;
    assert_eq!(only(&world).await.state, State::Held, "Aya knows nothing of the end");
    let voided = |given: Vec<plan::Approved>| given.iter().map(|one| one.voided.is_some()).collect::<Vec<_>>();
    assert_eq!(voided(world.store.approvals(1).await.unwrap()), [true, false]);
    assert_eq!(approve(&world, &snapshot, "Chi", "10:03:00").await, State::Pending);
    world.at("10:04:00").await;
    assert_eq!(deliver(&world, &snapshot, "10:05:00").await, State::Published);
    // One that was called off comes back with its article as it is by then, and what was said of it before.
    let (mut world, snapshot) = waiting().await;
    let text = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    assert_eq!(approve(&world, &snapshot, "Aya", "10:00:00").await, State::Held);
    world.place.remove("_actualites/a.md");
    world.at("10:01:00").await;
    assert_eq!(only(&world).await.state, State::Cancelled);
    world.place.write("_actualites/a.md", format!("{text}\nUne fin.\n"));
    world.at("10:02:00").await;
    let snapshot = world.at("10:32:00").await;
    assert_eq!(only(&world).await.state, State::Held);
    approve(&world, &snapshot, "Bo", "10:33:00").await;
    world.at("10:34:00").await;
    assert_eq!(voided(world.store.approvals(1).await.unwrap()), [true, false]);
}

#[tokio::test]
async fn the_later_of_two_approvals_by_the_same_person_falls_and_the_log_knows_which() {
    let (mut world, snapshot) = waiting().await;
    let text = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    assert_eq!(approve(&world, &snapshot, "Aya", "10:00:00").await, State::Held);
    // Aya sees another end of the article before any pass does; then it is taken back.
    world.place.write("_actualites/a.md", format!("{text}\nUne fin.\n"));
    let mut fresh = crieur::reconcile::Reconciler::new(Arc::clone(&world.config));
    let seen = fresh.glance(Some(&world.store), instant("10:01:00")).await.unwrap();
    assert_eq!(approve(&world, &seen, "Aya", "10:01:00").await, State::Held);
    world.place.write("_actualites/a.md", &text);
    world.at("10:02:00").await;
    let given = world.store.approvals(1).await.unwrap();
    assert_eq!(given.iter().map(|one| one.voided.is_some()).collect::<Vec<_>>(), [false, true]);
    let verdict = world.store.verify_log(None).await.unwrap();
    assert!(verdict.faults.is_empty(), "{:?}", verdict.faults);
}

#[tokio::test]
async fn an_event_that_moves_voids_it() {
    let rule = TWO.replace("approval", "when: { event: [-7d] }, approval");
    let mut world = World::new(&rule).await;
    world.at("08:00:00").await;
    let event = |day: &str| {
        format!("title: Rencontre\ndate: 2026-11-23 09:00:00 +00:00\nevent_start_date: 2026-12-{day} 09:00")
    };
    world.place.article("_actualites/a.md", &event("10"));
    world.at("09:00:00").await;
    let snapshot = world.at("09:30:00").await;
    approve(&world, &snapshot, "Aya", "10:00:00").await;
    assert_eq!(approve(&world, &snapshot, "Bo", "10:00:00").await, State::Pending);
    world.place.article("_actualites/a.md", &event("11"));
    world.at("10:10:00").await;
    let delivery = only(&world).await;
    assert_eq!((delivery.state, delivery.due_at), (State::Held, instant("2026-12-04T08:00:00Z")));
}

#[tokio::test]
async fn an_approval_expires() {
    let (world, snapshot) = waiting().await;
    approve(&world, &snapshot, "Aya", "10:00:00").await;
    approve(&world, &snapshot, "Bo", "10:00:00").await;
    assert_eq!(deliver(&world, &snapshot, "2026-12-05T10:00:00Z").await, State::Held);
    assert!(only(&world).await.reason.unwrap().starts_with("its approval is older than 10d"));
}

#[test]
fn the_command_takes_no_word_of_the_author_nor_the_same_twice_and_says_who_approved() {
    let place = Place::new();
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], approval: { required: 2 } }]\nbaseline: none";
    let now = Clock::system().now().strftime("%F %T +00:00").to_string();
    place.article("_actualites/a.md", &format!("title: Annonce\ndate: {now}\nauthor: Aya Ndiaye"));
    let crieur = place.crieur(&rest.replace("approval", "settle: 0s, approval"));
    assert_eq!(crieur.run(&["publish-now", "a", "--endpoint", "essai"]).status.code(), Some(1), "it waits for people");
    let approve = |name: &str| crieur.run(&["posts", "approve", "1", "--as", name]);
    for (name, code) in [("aya ndiaye", 1), ("Bo Li", 0), ("bo li", 1), ("Chi", 0), ("Dan", 1)] {
        let output = approve(name);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
    }
    let shown = crieur.ok(&["posts", "show", "1"]);
    assert!(shown.contains("approved by Bo Li, Chi") && shown.contains("pending"), "{shown}");
    crieur.run(&["run", "--once"]);
    assert_eq!(crieur.published(), ["_actualites/a.md"]);
}

#[test]
fn what_changed_since_it_was_shown_is_not_approved_and_a_terminal_asks() {
    let place = Place::new();
    let rest = "endpoints: { essai: { network: journal } }
rules: [{ name: une, endpoints: [essai], settle: 0s, approval: { required: 1 } }]
baseline: none";
    let now = Clock::system().now().strftime("%F %T +00:00").to_string();
    place.article(
        "_actualites/a.md",
        &format!(
            "title: Annonce
date: {now}"
        ),
    );
    let crieur = place.crieur(rest);
    assert_eq!(crieur.run(&["publish-now", "a", "--endpoint", "essai"]).status.code(), Some(1), "it waits for people");
    let print = || {
        let shown = crieur.ok(&["posts", "show", "1"]);
        let line = shown.lines().find_map(|line| line.trim().strip_prefix("print ").map(str::to_owned)).unwrap();
        (line.trim().split(':').next().unwrap().to_owned(), shown)
    };
    let approve = |print: &str| {
        let output = crieur.run(&["posts", "approve", "1", "--as", "Bo", "--of", print]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (first, shown) = print();
    assert!(
        shown.contains(
            "

Annonce
"
        ),
        "{shown}"
    );
    place.article(
        "_actualites/a.md",
        &format!(
            "title: Une autre annonce
date: {now}"
        ),
    );
    let (code, said, _) = approve(&first);
    assert_eq!((code, said.contains("it is not what you saw any more")), (Some(1), true), "{said}");
    for (wrong, n) in [("abc", 1), ("zzzzzzzzzzzzzz", 1), ("a", 65), ("", 1)] {
        let (code, said, _) = approve(&wrong.repeat(n));
        assert_eq!((code, said.contains("is no print")), (Some(2), true), "{wrong}: {said}");
    }
    assert!(crieur.ok(&["posts", "show", "1"]).contains("held"));
    // On a terminal, whoever does not say yes said nothing.
    let line = format!("{} --config {} posts approve 1 --as Bo", env!("CARGO_BIN_EXE_crieur"), crieur.file.display());
    let terminal = std::process::Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    if let Ok(mut terminal) = terminal {
        terminal
            .stdin
            .take()
            .unwrap()
            .write_all(
                b"n
",
            )
            .unwrap();
        let output = terminal.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("Une autre annonce") && said.contains("as Bo? [y/N]"), "{said}");
        assert_eq!(output.status.code(), Some(1), "{said}");
    }
    let (second, shown) = print();
    assert!(second != first && shown.contains("held"), "{shown}");
    let told = crieur.json(&["posts", "show", "1", "--json"]);
    assert!(told["composed"]["print"].as_str().unwrap().starts_with(&second), "{told}");
    assert_eq!((&told["state"], &told["composed"]["no_slot"]), (&"held".into(), &serde_json::Value::Null), "{told}");
    // Some programs pass it on in capitals, or with a space.
    let (code, said, text) = approve(&format!(" {} ", second.to_uppercase()));
    assert_eq!((code, said.contains(&second), text.contains("Une autre annonce")), (Some(0), true, true), "{said}");
    let (code, said, _) = approve(&second);
    assert_eq!((code, said.contains("nothing changed: Bo approved")), (Some(0), true), "nobody else is wanted: {said}");
}

#[tokio::test]
async fn what_a_blackout_holds_and_a_person_approves_is_not_held_again_and_goes_out_after_it() {
    let blackout = "\nblackouts: [{ from: 2026-11-24, until: 2026-11-24, reason: deuil }]";
    let one = TWO.replace("required: 2", "required: 1").replace("fresh:", "when: { slots: \"0 9 * * *\" }, fresh:");
    let mut world = World::new(&format!("{one}{blackout}")).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-23 11:00:00 +00:00");
    world.at("11:00:00").await;
    let snapshot = world.at("11:40:00").await;
    assert!(only(&world).await.reason.unwrap().starts_with("blackout from 2026-11-24"));
    assert_eq!(approve(&world, &snapshot, "Aya", "12:00:00").await, State::Pending);
    let snapshot = world.at("12:01:00").await;
    assert_eq!(only(&world).await.state, State::Pending, "its approval counts");
    let at_its_slot = deliver(&world, &snapshot, "2026-11-24T08:00:01Z").await;
    assert_eq!(at_its_slot, State::Pending, "the blackout counts too");
    assert_eq!(deliver(&world, &snapshot, "2026-11-24T23:00:00Z").await, State::Published);
}
