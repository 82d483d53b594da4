//! What comes after something went wrong once: a try that failed, a copy that was put back, a cell that was damaged, an
//! approval. Nothing goes out that must not any more, and nothing else stops.

use crate::support::Place;
use crate::support::life::{Life, by_other_hands, posting};
use crate::support::mastodon::{Mood, Server};
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Composed, Step};
use crieur::delivery::{Removal, State};
use crieur::people::{By, People};
use crieur::plan;
use crieur::store::{PersonWord, Seen, Word};
use jiff::{SignedDuration, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn three(place: &Place) {
    for n in 0..3 {
        let front = format!("title: Article {n}\ndate: 2026-11-22 09:00:0{n} +00:00");
        place.article(&format!("_actualites/a{n}.md"), &front);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_put_back_from_after_a_failed_try_posts_nothing_twice() {
    let server = Server::start(false).await;
    let place = Place::new();
    place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-22 09:00:00 +00:00");
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    server.moods([Mood::Later(60)]);
    let mut life = Life::begin(&config, &clock).await;
    let outbox = life.live().await;
    assert_eq!((outbox[0].state, outbox[0].attempts, outbox[0].look_first), (State::Pending, 1, false));
    life.store.close().await;
    let backup = std::fs::read(config.store.beside()).unwrap();
    clock.advance(SignedDuration::from_mins(2));
    let mut life = Life::begin(&config, &clock).await;
    assert_eq!(life.live().await[0].state, State::Published);
    life.store.close().await;
    assert_eq!(server.texts().len(), 1);
    for beside in ["crieur.db-wal", "crieur.db-shm"] {
        let _ = std::fs::remove_file(place.path(beside));
    }
    std::fs::write(config.store.beside(), backup).unwrap();
    clock.advance(SignedDuration::from_hours(5));
    let mut life = Life::begin(&config, &clock).await;
    life.live().await;
    assert_eq!(server.texts().len(), 1, "{:?}", server.texts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_is_no_text_stops_nothing_else() {
    let server = Server::start(true).await;
    let place = Place::new();
    three(&place);
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    life.pass().await;
    by_other_hands(config.store.beside(), "update deliveries set reason = cast(x'ff' as text) where id = 1").await;
    let passed = life.reconciler.book(&life.store, clock.now()).await;
    let listed = life.store.deliveries().await;
    assert!(passed.is_ok() && listed.is_ok(), "{:?} {:?}", passed.err(), listed.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_that_is_none_stops_nothing_else() {
    let server = Server::start(true).await;
    let place = Place::new();
    three(&place);
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    let snapshot = life.pass().await;
    by_other_hands(config.store.beside(), "update deliveries set patience_from = 9223372036854775807 where id = 1")
        .await;
    let endpoint = EndpointName::new("mastodon");
    let mut said = Vec::new();
    for _ in 0..30 {
        let done = life.deliverer.step(&endpoint, None, &snapshot).await;
        said.push(format!("{} {:?}", clock.now(), done.map(|_| ())));
        clock.advance(SignedDuration::from_mins(2));
    }
    assert_eq!(server.texts().len(), 2, "an hour later: {said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_of_a_cancelled_event_after_a_try() {
    let server = Server::start(true).await;
    let place = Place::new();
    let event = |more: &str| {
        format!("title: Rencontre\ndate: 2026-11-22 09:00:00 +00:00\nevent_start_date: 2026-12-10 09:00{more}")
    };
    place.article("_actualites/a.md", &event(""));
    let config = place.config(&posting(&server, ", when: { event: [-7d] }, settle: 0s"));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    life.live().await;
    clock.set(at("2026-12-03T08:00:00Z"));
    server.moods([Mood::Later(3_600)]);
    let outbox = life.live().await;
    assert_eq!((outbox[0].state, outbox[0].attempts, outbox[0].look_first), (State::Pending, 1, false));
    place.article("_actualites/a.md", &event("\nevent_status: cancelled"));
    clock.advance(SignedDuration::from_mins(10));
    life.live().await;
    clock.advance(SignedDuration::from_hours(2));
    let outbox = life.live().await;
    assert_eq!(server.texts().len(), 0, "{:?} {outbox:?}", server.texts());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_of_a_cancelled_event_after_an_approval() {
    let server = Server::start(true).await;
    let place = Place::new();
    let event = |more: &str| {
        format!("title: Rencontre\ndate: 2026-11-22 09:00:00 +00:00\nevent_start_date: 2026-12-10 09:00{more}")
    };
    place.article("_actualites/a.md", &event(""));
    let config = place.config(&posting(&server, ", when: { event: [-7d] }, settle: 0s"));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    let id = life.live().await[0].id;
    let by = By::command("Aya");
    assert!(life.store.obey(id, &PersonWord::Hold, &by, clock.now()).await.unwrap());
    assert!(life.store.approve(id, &Word { by: &by, seen: None, slot: None }, clock.now()).await.unwrap().is_some());
    place.article("_actualites/a.md", &event("\nevent_status: cancelled"));
    clock.advance(SignedDuration::from_mins(10));
    let booked = life.live().await;
    clock.set(at("2026-12-03T08:00:00Z"));
    let outbox = life.live().await;
    assert_eq!(server.texts().len(), 0, "{booked:?} {outbox:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn news_is_not_posted_three_weeks_late() {
    let server = Server::start(true).await;
    let place = Place::new();
    place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-22 09:00:00 +00:00");
    let config = place.config(&posting(&server, ", expires: 1d"));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    server.moods([Mood::Answer(401)]);
    let mut life = Life::begin(&config, &clock).await;
    life.live().await;
    clock.advance(SignedDuration::from_hours(24 * 21));
    let outbox = life.live().await;
    assert_eq!(server.texts().len(), 0, "{outbox:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_misses_a_delivery_that_was_taken_out() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-22 09:00:00 +00:00");
    let config = place.config("endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none");
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    assert_eq!(life.live().await[0].state, State::Published);
    by_other_hands(config.store.beside(), "drop trigger log_gone; delete from attempts; delete from deliveries").await;
    let verdict = life.store.verify_log(None).await.unwrap();
    assert!(!verdict.faults.is_empty(), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approved_an_edit_and_by_which_road_is_kept() {
    let place = Place::new();
    let article = |title: &str| format!("title: {title}\ndate: 2026-11-22 09:00:00 +00:00");
    place.article("_actualites/a.md", &article("Un"));
    let config = place.config("endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai], on_edit: edit, approval: { required: 1 } }]\nbaseline: none");
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    let approval = config.rules[0].approval.unwrap();
    for round in 1..=2 {
        if round == 2 {
            place.article("_actualites/a.md", &article("Deux"));
            clock.advance(SignedDuration::from_mins(1));
            life.live().await;
            clock.advance(SignedDuration::from_mins(31));
        }
        life.live().await;
        let snapshot = life.pass().await;
        let delivery = life.store.deliveries().await.unwrap().remove(0);
        let own = life.store.own_word(delivery.id).await.unwrap();
        let Composed { post, visible, .. } = life.deliverer.composed(&delivery, &own, &snapshot).await.unwrap();
        let print = plan::print(&post, &delivery.key.endpoint, delivery.due_at);
        let (by, people) = (By::command("Aya"), People::default());
        let word = Word {
            by: &by,
            seen: Some(Seen { is_in_blackout: false, post: &post, print: &print, visible, approval, people: &people }),
            slot: None,
        };
        life.store.approve(delivery.id, &word, clock.now()).await.unwrap().unwrap();
        life.live().await;
        let acts = life.store.acts(delivery.id).await.unwrap();
        assert_eq!(acts.len(), round, "{acts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_while_the_clock_is_two_hours_ahead_makes_no_second_post() {
    use crate::support::fakes::Mood;
    use crate::support::rows::{Doubt, ROWS, World};
    let mut said = Vec::new();
    for row in ROWS.iter().filter(|row| row.doubt == Doubt::Found) {
        let world = World::new(row).await;
        // The servers of the tests date what they keep at 10:00, which is right.
        world.clock.advance(SignedDuration::from_hours(2));
        world.fake.moods([Mood::KeepThen(500)]);
        let delivery = world.run().await;
        let posts = world.fake.texts().len();
        println!("{}: {:?}, {posts} there: {:?}", row.name, delivery.state, delivery.reason);
        if posts != 1 || delivery.state != State::Published {
            said.push(format!("{}: {posts} there, {:?}", row.name, delivery.state));
        }
    }
    assert!(said.is_empty(), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_stays_whose_article_came_back_before_it_was_taken_away() {
    let server = Server::start(true).await;
    let place = Place::new();
    let article = "title: Annonce\ndate: 2026-11-22 09:00:00 +00:00";
    place.article("_actualites/a.md", article);
    place.article("_actualites/autre.md", "title: Autre");
    let config = place.config(&posting(&server, ", on_withdraw: delete"));
    let (clock, by) = (Clock::by_hand(at("2026-11-22T12:00:00Z")), By::command("Aya"));
    let mut life = Life::begin(&config, &clock).await;
    let id = life.live().await[0].id;
    assert!(life.store.silence_on("une crise", &by, clock.now()).await.unwrap());
    place.article("_actualites/a.md", &format!("{article}\npublished: false"));
    for _ in 0..2 {
        clock.advance(SignedDuration::from_mins(31));
        life.live().await;
    }
    assert_eq!(removal(&life, id).await, Some(Removal::Due));
    place.article("_actualites/a.md", article);
    clock.advance(SignedDuration::from_mins(31));
    life.live().await;
    assert!(life.store.silence_off(&by, clock.now()).await.unwrap());
    life.live().await;
    assert_eq!((server.texts().len(), removal(&life, id).await), (1, None));
    // A person who wants it away is obeyed, whatever the article says.
    assert!(life.store.obey(id, &PersonWord::Withdraw, &by, clock.now()).await.unwrap());
    life.live().await;
    assert_eq!(removal(&life, id).await, Some(Removal::Done));
}

async fn removal(life: &Life, id: i64) -> Option<Removal> {
    life.store.delivery(id).await.unwrap().unwrap().removal
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_must_wait_is_not_overtaken_in_its_queue() {
    let server = Server::start(true).await;
    let place = Place::new();
    three(&place);
    let config = place.config(&format!(
        "{}\nrules: [{{ name: file, endpoints: [mastodon], live_check: false, settle: 0s, when: {{ slots: \"0 9 * * *\", queue: true }} }}]\nbaseline: none\ndelivery: {{ retry_first: 25h, retry_most: 25h }}",
        server.endpoints()
    ));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    let snapshot = life.pass().await;
    let due: Vec<Timestamp> = life.store.deliveries().await.unwrap().iter().map(|delivery| delivery.due_at).collect();
    assert!(due.is_sorted() && due[0] < due[1], "{due:?}");
    // The first is tried in vain, and waits for a day and more; no pass comes meanwhile.
    server.moods([Mood::Answer(503)]);
    let endpoint = EndpointName::new("mastodon");
    clock.set(due[0]);
    assert!(matches!(life.deliverer.step(&endpoint, None, &snapshot).await.unwrap(), Step::Did(_)));
    clock.set(due[1]);
    assert!(matches!(life.deliverer.step(&endpoint, None, &snapshot).await.unwrap(), Step::Wait(Some(_))));
    assert_eq!(server.texts().len(), 0);
    // A pass gives the second the slot after, and the first goes out when it may.
    life.live().await;
    for days in 1..5 {
        clock.set(due[1] + SignedDuration::from_hours(24 * days - 12));
        life.live().await;
    }
    let texts = server.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts.iter().zip(0..).all(|(text, n)| text.contains(&format!("Article {n}"))), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_holds_stays_held_when_its_article_comes_back() {
    let server = Server::start(true).await;
    let place = Place::new();
    let article = "title: Annonce\ndate: 2026-11-22 09:00:00 +00:00";
    place.article("_actualites/a.md", article);
    place.article("_actualites/autre.md", "title: Autre");
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(at("2026-11-22T12:00:00Z"));
    let mut life = Life::begin(&config, &clock).await;
    life.pass().await;
    let id = life.store.deliveries().await.unwrap()[0].id;
    assert!(life.store.obey(id, &PersonWord::Hold, &By::command("Aya"), clock.now()).await.unwrap());
    assert_eq!(life.live().await[0].state, State::Held);
    place.article("_actualites/a.md", &format!("{article}\npublished: false"));
    clock.advance(SignedDuration::from_mins(5));
    life.live().await;
    place.article("_actualites/a.md", article);
    for _ in 0..3 {
        clock.advance(SignedDuration::from_mins(31));
        life.live().await;
    }
    let outbox = life.live().await;
    assert_eq!(server.texts().len(), 0, "{outbox:?}");
}
