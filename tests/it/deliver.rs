//! Deliveries to a server that stands for Mastodon: what becomes of each class of answer, and never twice.

use crate::support::Place;
use crate::support::mastodon::{Mood, Server, TOKEN};
use crieur::acts;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::dates::civil;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::people::By;
use crieur::rate::Rate;
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::{Outcome, PersonWord, Store, Terms};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

struct World {
    _place: Place,
    store: Store,
    deliverer: Deliverer,
    snapshot: Snapshot,
    clock: Clock,
    endpoint: EndpointName,
    config: Arc<Config>,
}

const START: &str = "2026-11-22T10:00:00Z";

impl World {
    /// One article that is due at a server.
    async fn new(server: &Server) -> Self {
        Self::with(server, 1).await
    }

    async fn with(server: &Server, articles: usize) -> Self {
        let place = Place::new();
        for n in 0..articles {
            place.article(
                &format!("_actualites/a{n}.md"),
                &format!("title: Nuage n° {n}\ndate: 2026-11-22 09:00:{n:02} +00:00\ntags: [Cloud]"),
            );
        }
        let rest = format!(
            "{}\nrules: [{{ name: une, endpoints: [mastodon], live_check: false }}]\nbaseline: none\ndelivery: {{ give_up: 1h }}",
            server.endpoints()
        );
        let config = place.config(&rest);
        let clock = Clock::by_hand(START.parse().unwrap());
        let store = Store::open(&config.store).await.unwrap();
        let snapshot = Reconciler::new(Arc::clone(&config)).pass(&store, clock.now()).await.unwrap();
        let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), clock.clone());
        Self { _place: place, store, deliverer, snapshot, clock, endpoint: EndpointName::new("mastodon"), config }
    }

    async fn step(&self) -> Step {
        self.deliverer.step(&self.endpoint, None, &self.snapshot).await.unwrap()
    }

    /// Steps, with the clock turned on wherever there is a wait, until nothing waits. The outbox then.
    async fn run(&self) -> Vec<Delivery> {
        for _ in 0..500 {
            match self.step().await {
                Step::Did(_) => {}
                Step::Wait(Some(until)) => self.clock.set(until.max(self.clock.now())),
                Step::Wait(None) => return self.store.deliveries().await.unwrap(),
            }
        }
        panic!("it never ends");
    }

    /// Another process takes over after this one died in the midst of things.
    async fn after_death(&mut self) {
        // The owner of the leases is gone with its store: the new one has a name of its own.
        let store = Store::open(&self.config.store).await.unwrap();
        self.deliverer = Deliverer::new(Arc::clone(&self.config), store.clone(), self.clock.clone());
        self.store = store;
    }
}

#[tokio::test]
async fn a_post_goes_out_once_and_its_receipt_is_kept() {
    let server = Server::start(true).await;
    let world = World::new(&server).await;
    let outbox = world.run().await;
    assert_eq!((outbox[0].state, outbox[0].attempts), (State::Published, 1));
    assert_eq!(outbox[0].remote_url.as_deref(), Some(format!("{}/@essai/1", server.url).as_str()));
    assert_eq!(outbox[0].text.as_deref(), server.texts().first().map(String::as_str));
    assert!(server.texts()[0].ends_with("https://www.example.fr/actualites/a0/\n\n#Cloud"), "{:?}", server.texts());
    world.run().await;
    assert_eq!(server.requests().len(), 1);
}

/// What becomes of one delivery when the server treats its posts in these ways; and how many posts it then has.
async fn check(honours_keys: bool, moods: &[Mood], state: State, posts: usize) -> Delivery {
    let server = Server::start(honours_keys).await;
    server.moods(moods.iter().cloned());
    let world = World::new(&server).await;
    let outbox = world.run().await;
    assert_eq!((outbox.len(), outbox[0].state, server.texts().len()), (1, state, posts), "{moods:?}: {:?}", outbox[0]);
    outbox.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_server_kept_the_post_makes_no_second_one() {
    for honours_keys in [true, false] {
        for mood in [Mood::KeepThen(504), Mood::KeepThen(500), Mood::KeepThen(502), Mood::KeepThenGarbage] {
            check(honours_keys, &[mood], State::Published, 1).await;
        }
    }
}

#[tokio::test]
async fn an_outage_before_the_server_kept_anything_is_waited_out() {
    for mood in [Mood::Answer(500), Mood::Answer(503), Mood::Later(120)] {
        let delivery = check(false, &[mood.clone(), mood], State::Published, 1).await;
        assert_eq!(delivery.attempts, 3);
    }
}

#[tokio::test]
async fn a_refusal_stops_at_once_and_says_what_to_do() {
    for status in [400, 403, 404, 422] {
        let delivery = check(true, &[Mood::Answer(status)], State::Failed, 0).await;
        assert_eq!(delivery.attempts, 1);
        assert!(delivery.reason.is_some());
    }
}

#[tokio::test]
async fn too_many_requests_are_respected_to_the_second() {
    let server = Server::start(true).await;
    server.moods([Mood::Later(900)]);
    let world = World::new(&server).await;
    let Step::Did(Outcome::Again { at, .. }) = world.step().await else { panic!() };
    assert_eq!(at, world.clock.now() + SignedDuration::from_secs(900));
}

#[tokio::test]
async fn what_is_never_resolved_is_given_up_and_a_person_is_asked_only_where_it_is_unknown() {
    let delivery = check(true, &vec![Mood::Later(600); 20], State::Failed, 0).await;
    assert!(delivery.reason.unwrap().contains("too many"));
    // Every try fails in a way that may have been kept, and the list never shows it: a person must look.
    let delivery = check(false, &vec![Mood::Answer(500); 200], State::Uncertain, 0).await;
    assert!(delivery.reason.unwrap().contains("posts resolve"));
}

#[tokio::test]
async fn a_process_that_dies_while_a_post_is_under_way_leaves_one_post() {
    for honours_keys in [true, false] {
        let server = Server::start(honours_keys).await;
        server.moods([Mood::KeepThenHang]);
        let mut world = World::new(&server).await;
        // The step is dropped in the midst of the request, as a kill does.
        let cut = tokio::time::timeout(std::time::Duration::from_millis(300), world.step()).await;
        assert!(cut.is_err());
        let stale = world.store.clone();
        drop(stale);
        world.after_death().await;
        // The dead process' lease lives in this test's own process: it ends by its time.
        world.clock.advance(SignedDuration::from_mins(6));
        let outbox = world.run().await;
        assert_eq!((outbox[0].state, server.texts().len(), server.requests().len()), (State::Published, 1, 1));
    }
}

#[tokio::test]
async fn an_article_that_is_withdrawn_before_its_post_goes_out_is_not_posted() {
    let server = Server::start(true).await;
    let mut world = World::new(&server).await;
    world._place.article(
        "_actualites/a0.md",
        "title: Nuage n° 0\ndate: 2026-11-22 09:00:00 +00:00\ntags: [Cloud]\npublished: false",
    );
    world._place.article("_actualites/autre.md", "title: Autre\ndate: 2020-01-01");
    world.snapshot = Reconciler::new(Arc::clone(&world.config)).pass(&world.store, world.clock.now()).await.unwrap();
    let outbox = world.run().await;
    assert_eq!((outbox[0].state, server.requests().len()), (State::Cancelled, 0));
}

#[tokio::test]
async fn a_person_settles_what_is_uncertain() {
    let server = Server::start(false).await;
    server.moods(vec![Mood::Answer(500); 200]);
    let world = World::new(&server).await;
    let id = world.run().await[0].id;
    let now = world.clock.now();
    let word = crieur::store::Word { by: &By::command("Aya"), seen: None, slot: None };
    assert_eq!(world.store.approve(id, &word, now).await.unwrap(), None);
    let url = format!("{}/@essai/9", server.url);
    let word = PersonWord::Published { url, id: None };
    let done = acts::obey(&world.config, &world.store, id, &word, &By::command("Aya"), now).await.unwrap();
    assert!(done.is_new);
    let settled = world.run().await.remove(0);
    assert_eq!((settled.state, settled.remote_id.as_deref()), (State::Published, Some("9")), "it is known by its id");
}

#[tokio::test]
async fn many_deliveries_go_out_once_each_through_troubles() {
    let server = Server::start(false).await;
    let troubles =
        [Mood::Well, Mood::KeepThen(504), Mood::Answer(500), Mood::Later(30), Mood::KeepThenGarbage, Mood::Well];
    server.moods(troubles.iter().cloned().cycle().take(60));
    let world = World::with(&server, 40).await;
    let outbox = world.run().await;
    assert!(outbox.iter().all(|delivery| delivery.state == State::Published), "{outbox:#?}");
    let mut texts = server.texts();
    assert_eq!(texts.len(), 40);
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 40, "a post went out twice");
}

#[tokio::test]
async fn the_token_is_in_no_row_of_the_database() {
    let server = Server::start(true).await;
    server.moods([Mood::Answer(401)]);
    let world = World::new(&server).await;
    world.run().await;
    world.store.close().await;
    for entry in std::fs::read_dir(world._place.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        let there = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!there || entry.path().extension().is_some_and(|e| e == "yaml"), "{}", entry.path().display());
    }
}

#[tokio::test]
async fn two_processes_never_hold_one_lease_and_a_late_one_writes_nothing() {
    let server = Server::start(true).await;
    let world = World::new(&server).await;
    let other = Store::open(&world.config.store).await.unwrap();
    let now: Timestamp = START.parse().unwrap();
    let lease = |store: Store, now| async move {
        store.lease(&EndpointName::new("mastodon"), None, &Terms::default(), now).await.unwrap()
    };
    let crieur::store::Leased::Lease(first) = lease(world.store.clone(), now).await else { panic!() };
    assert!(matches!(lease(other.clone(), now).await, crieur::store::Leased::Wait(Some(_))));
    let later = now + SignedDuration::from_mins(10);
    let crieur::store::Leased::Lease(second) = lease(other.clone(), later).await else { panic!() };
    let post = crieur::post::Post {
        text: "x".into(),
        url: "https://x.fr".into(),
        language: "fr".into(),
        hashtags: vec![],
        length: 1,
        limit: 500,
        ..crieur::post::Post::default()
    };
    assert_eq!(world.store.start(&first, &post, "", later).await.unwrap(), crieur::store::Start::Lost);
    assert_eq!(other.start(&second, &post, "", later).await.unwrap(), crieur::store::Start::Started);
    assert_eq!(
        world.store.finish(&first, &Outcome::Failed("late".into()), later).await.unwrap(),
        crieur::store::Finish::Lost
    );
}

/// A site whose pages answer with a status that can be set, and how often they were asked for.
async fn pages(status: Arc<std::sync::atomic::AtomicU16>) -> String {
    let router = axum::Router::new().fallback(move || {
        let status = status.load(std::sync::atomic::Ordering::SeqCst);
        async move {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("location", "https://ailleurs.example/")], "page")
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn nothing_goes_out_before_its_address_answers() {
    let server = Server::start(true).await;
    let status = Arc::new(std::sync::atomic::AtomicU16::new(404));
    let site = pages(Arc::clone(&status)).await;
    let place = Place::new();
    place.article("_actualites/a.md", "title: Nuage\ndate: 2026-11-22 09:00:00 +00:00");
    let rest = format!("{}\nrules: [{{ name: une, endpoints: [mastodon] }}]\nbaseline: none", server.endpoints());
    let yaml = place.yaml(&rest).replace("site: {", &format!("site: {{ url: \"{site}\","));
    let config = Arc::new(crate::support::parse(&yaml).unwrap());
    let clock = Clock::by_hand(START.parse().unwrap());
    let store = Store::open(&config.store).await.unwrap();
    let snapshot = Reconciler::new(Arc::clone(&config)).pass(&store, clock.now()).await.unwrap();
    let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), clock.clone());
    let endpoint = EndpointName::new("mastodon");
    for (answer, said) in [(404, "404"), (301, "ailleurs.example"), (503, "503")] {
        status.store(answer, std::sync::atomic::Ordering::SeqCst);
        let Step::Did(Outcome::Again { at, reason, .. }) = deliverer.step(&endpoint, None, &snapshot).await.unwrap()
        else {
            panic!()
        };
        assert!(reason.contains(said), "{reason}");
        clock.set(at);
    }
    assert_eq!(server.requests().len(), 0);
    status.store(200, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(deliverer.step(&endpoint, None, &snapshot).await.unwrap(), Step::Did(Outcome::Published(_))));
    assert_eq!(store.deliveries().await.unwrap()[0].attempts, 1);
}

#[tokio::test]
async fn a_post_that_shows_late_is_waited_for_and_not_sent_again() {
    check(false, &[Mood::KeepUnseen(1)], State::Published, 1).await;
}

#[tokio::test]
async fn a_doubt_outlives_later_refusals() {
    // The first try was kept unseen by both looks; the second one is refused: the next look finds the first.
    for second in [Mood::Later(60), Mood::Answer(500)] {
        let server = Server::start(false).await;
        server.moods([Mood::KeepUnseen(2), second]);
        let world = World::new(&server).await;
        let outbox = world.run().await;
        assert_eq!((outbox[0].state, server.texts().len()), (State::Published, 1));
    }
    let server = Server::start(false).await;
    server.moods([Mood::KeepUnseen(2), Mood::Answer(422)]);
    let world = World::new(&server).await;
    let id = world.run().await[0].id;
    assert_eq!(world.store.deliveries().await.unwrap()[0].state, State::Uncertain, "nobody knows yet");
    assert!(world.store.obey(id, &PersonWord::Retry, &By::command("Aya"), world.clock.now()).await.unwrap());
    let outbox = world.run().await;
    assert_eq!((outbox[0].state, server.texts().len()), (State::Published, 1), "a person's retry looks first too");
}

#[tokio::test]
async fn a_post_is_found_behind_many_newer_ones() {
    let server = Server::start(false).await;
    server.moods([Mood::KeepThen(504)]);
    let world = World::new(&server).await;
    let Step::Did(Outcome::Again { at, look_first: true, .. }) = world.step().await else { panic!() };
    server.chatter(300);
    world.clock.set(at);
    assert_eq!(world.run().await[0].state, State::Published);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn posts_go_out_in_order_with_a_gap_between_them() {
    let server = Server::start(true).await;
    let mut world = World::with(&server, 3).await;
    let mut config = (*world.config).clone();
    for endpoint in config.endpoints.values_mut() {
        endpoint.rate.gap = SignedDuration::from_secs(60);
    }
    world.deliverer = Deliverer::new(Arc::new(config), world.store.clone(), world.clock.clone());
    let start = world.clock.now();
    world.run().await;
    assert_eq!(world.clock.now().duration_since(start), SignedDuration::from_secs(120));
    let numbers: Vec<bool> =
        server.texts().iter().zip(0..).map(|(text, n)| text.contains(&format!("n° {n}"))).collect();
    assert_eq!(numbers, [true, true, true], "{:?}", server.texts());
}

#[tokio::test]
async fn no_24_hours_hold_more_posts_than_an_endpoint_may_have() {
    let server = Server::start(true).await;
    let mut world = World::with(&server, 5).await;
    let mut config = (*world.config).clone();
    for endpoint in config.endpoints.values_mut() {
        endpoint.rate = Rate { gap: SignedDuration::from_mins(10), per_day: Some(2) };
    }
    world.deliverer = Deliverer::new(Arc::new(config), world.store.clone(), world.clock.clone());
    let start = world.clock.now();
    let mut went_out = Vec::new();
    loop {
        match world.step().await {
            Step::Did(_) => went_out.push(world.clock.now().duration_since(start).as_mins()),
            Step::Wait(None) => break,
            Step::Wait(Some(until)) => {
                if went_out.len() % 2 == 0 {
                    let outbox = world.store.deliveries().await.unwrap();
                    let next = outbox.iter().find(|delivery| delivery.state == State::Pending).unwrap();
                    // In the site's zone.
                    let until = civil(until, &TimeZone::get("Europe/Paris").unwrap());
                    let expected =
                        format!("mastodon has had its 2 posts of 24 hours; the next one may go out at {until}");
                    assert_eq!(next.reason.as_deref(), Some(expected.as_str()));
                }
                world.clock.set(until);
            }
        }
    }
    let day = 24 * 60;
    assert_eq!(went_out, [0, 10, day, day + 10, 2 * day]);
    let outbox = world.store.deliveries().await.unwrap();
    assert!(outbox.iter().all(|delivery| delivery.state == State::Published && delivery.reason.is_none()));
}

#[tokio::test]
async fn a_late_process_closes_no_attempt_but_its_own() {
    let server = Server::start(true).await;
    let world = World::new(&server).await;
    let (other, endpoint) = (Store::open(&world.config.store).await.unwrap(), EndpointName::new("mastodon"));
    let lease = |store: Store, now| {
        let endpoint = endpoint.clone();
        async move {
            match store.lease(&endpoint, None, &Terms::default(), now).await.unwrap() {
                crieur::store::Leased::Lease(lease) => lease,
                other => panic!("{other:?}"),
            }
        }
    };
    let post = |n: usize| crieur::post::Post {
        text: format!("x{n}"),
        url: "https://x.fr".into(),
        language: "fr".into(),
        hashtags: vec![],
        length: 1,
        limit: 500,
        ..crieur::post::Post::default()
    };
    let now: Timestamp = START.parse().unwrap();
    let first = lease(world.store.clone(), now).await;
    world.store.start(&first, &post(1), "", now).await.unwrap();
    let later = now + SignedDuration::from_mins(10);
    let second = lease(other.clone(), later).await;
    assert!(second.sent.is_some(), "the first try is in doubt");
    other.start(&second, &post(1), "", later).await.unwrap();
    // The late answer is a receipt: the network has the post, whoever sent it.
    let receipt = crieur::delivery::Receipt::new("9", None);
    world.store.finish(&first, &Outcome::Published(receipt), later).await.unwrap();
    let attempts = world.store.attempts(first.delivery.id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("published"));
    assert_eq!(attempts[1].outcome, None, "the second try is still under way");
    assert_eq!(world.store.deliveries().await.unwrap()[0].state, State::Published);
}
