//! The built-in WebSub hub, whole: real requests, subscribers that behave and that do not, a clock that is turned by hand.

use crate::support::Place;
use crate::support::hub::{Running, START};
use crate::support::subscriber::{Mood, Subscriber};
use crieur::clock::Clock;
use crieur::hub::{State, signature};
use crieur::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use std::os::unix::process::ExitStatusExt;

const HUB: &str = "feeds: { hubs: [self], aliases: { /feed.xml: /feeds/all.rss } }\nhub: { allow_private: true }";
const FEED: &str = "/feeds/all.rss";

fn clock() -> Clock {
    Clock::by_hand(START.parse().unwrap())
}

fn place() -> Place {
    let place = Place::new();
    publish(&place, 0);
    place
}

/// One article more.
fn publish(place: &Place, n: usize) {
    place.article(
        &format!("_actualites/a{n}.md"),
        &format!("title: Article {n}\ndate: 2026-11-20 09:00:0{n} +01:00\ntags: [Cloud]"),
    );
}

/// One article more, a pass that has it, and time enough after what was told before.
async fn change(place: &Place, hub: &mut Running, n: usize) {
    publish(place, n);
    hub.shows(&format!("Article {n}<")).await;
    hub.advance(SignedDuration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_asked_first_and_then_told_of_every_change_whole_and_signed() {
    let place = place();
    let mut hub = Running::start(&place, HUB, clock(), None).await;
    let subscriber = Subscriber::start().await;
    let callback = format!("{}/cb?k=clé%20secrète&hub.mode=mine", subscriber.url);
    let topic = hub.topic(FEED);
    let secret = " s3cr3t à part ";
    let lease = [("hub.secret", secret), ("hub.lease_seconds", "86400"), ("x.unknown", "ignored")];
    let subscription = hub.subscribe(&topic, &callback, &lease).await;
    let end = START.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24);
    assert_eq!(subscription.state, State::Active { until: end });

    let asked = subscriber.asked_times(1).await.remove(0);
    assert!(asked.uri.starts_with("/cb?k=cl%C3%A9%20secr%C3%A8te&hub.mode=mine&hub.mode=subscribe&"), "{}", asked.uri);
    assert_eq!(asked.parameter("hub.topic"), Some(topic.as_str()));
    assert_eq!(asked.parameter("hub.lease_seconds"), Some("86400"));
    assert!(asked.parameter("hub.challenge").unwrap().len() >= 32);
    assert!(subscriber.told().is_empty(), "what it could fetch itself is no news");

    change(&place, &mut hub, 1).await;
    let told = subscriber.told_times(1).await.remove(0);
    assert_eq!(told.body, hub.body(FEED));
    assert_eq!(told.uri, "/cb?k=cl%C3%A9%20secr%C3%A8te&hub.mode=mine");
    assert_eq!(told.header("content-type"), "application/rss+xml; charset=utf-8");
    let base = hub.base.clone();
    assert_eq!(told.header("link"), format!("<{base}/hub>; rel=\"hub\", <{topic}>; rel=\"self\""));
    assert_eq!(told.header("x-hub-signature"), signature(&Secret::verbatim(secret), &told.body).unwrap());

    change(&place, &mut hub, 2).await;
    assert_eq!(subscriber.told_times(2).await[1].body, hub.body(FEED));

    // Renewed without a secret: until later, and unsigned.
    hub.advance(SignedDuration::from_hours(12));
    hub.subscribe(&topic, &callback, &[]).await;
    let until = hub.clock.now() + SignedDuration::from_hours(240);
    hub.subscription(&callback, |one| one.state == State::Active { until }).await;
    change(&place, &mut hub, 3).await;
    let told = subscriber.told_times(3).await.remove(2);
    assert!(told.headers.get("x-hub-signature").is_none());

    let leave = [("hub.mode", "unsubscribe"), ("hub.topic", &topic), ("hub.callback", &callback)];
    assert_eq!(hub.post(&leave).await.0, 202);
    let left = hub.subscription(&callback, |one| one.state.is_ended()).await;
    assert_eq!((left.state.word(), left.callback, left.secret), ("unsubscribed", None, None));
    let asked = subscriber.asked_times(3).await.remove(2);
    assert_eq!(asked.query.iter().filter(|(name, value)| name == "hub.mode" && value == "unsubscribe").count(), 1);
    change(&place, &mut hub, 4).await;
    hub.advance(SignedDuration::from_hours(2));
    hub.stop().await;
    assert_eq!(subscriber.told().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said_in_plain_text() {
    let place = place();
    let hub = Running::start(&place, HUB, clock(), None).await;
    let topic = hub.topic(FEED);
    let (mode, long) = (("hub.mode", "subscribe"), "x".repeat(2_100));
    let long_callback = format!("https://reader.example.org/{long}");
    let cb = ("hub.callback", "https://reader.example.org/cb");
    let at = |topic: &'static str| ("hub.topic", topic);
    let elsewhere = format!("the address of this feed is {topic}; subscribe to that");
    let other_scheme = topic.replace("http://", "https://");
    let slash = format!("{topic}/");
    let alias = format!("{}/feed.xml", hub.base);
    let without_format = topic.trim_end_matches(".rss").to_owned();
    let t = ("hub.topic", topic.as_str());
    let secret = "é".repeat(100);
    type Case<'a> = (Vec<(&'a str, &'a str)>, u16, &'a str);
    let cases: Vec<Case> = vec![
        (vec![], 400, "hub.mode is missing"),
        (vec![("hub.mode", "sing")], 400, "hub.mode is `sing`"),
        (vec![mode, cb], 400, "hub.topic is missing"),
        (vec![mode, t], 400, "hub.callback is missing"),
        (vec![mode, t, cb, cb], 400, "hub.callback stands more than once"),
        (vec![mode, t, ("hub.callback", "reader.example.org/cb")], 400, "hub.callback is not an address"),
        (vec![mode, t, ("hub.callback", "ftp://reader.example.org/cb")], 400, "not an address of the web"),
        (vec![mode, t, ("hub.callback", "https://a:b@reader.example.org/")], 400, "a name or a password"),
        (vec![mode, t, ("hub.callback", "https://reader.example.org/#x")], 400, "a fragment"),
        (vec![mode, t, ("hub.callback", &long_callback)], 400, "longer than 2048 bytes"),
        (vec![mode, t, cb, ("hub.lease_seconds", "-5")], 400, "a positive number"),
        (vec![mode, t, cb, ("hub.lease_seconds", "0")], 400, "a positive number"),
        (vec![mode, t, cb, ("hub.lease_seconds", "ten")], 400, "a positive number"),
        (vec![mode, t, cb, ("hub.secret", &secret)], 400, "less than 200 bytes"),
        (vec![mode, cb, at("https://www.example.fr/feeds/all.rss")], 404, "there is no such feed here"),
        (vec![mode, cb, ("hub.topic", &other_scheme)], 404, &elsewhere),
        (vec![mode, cb, ("hub.topic", &slash)], 404, &elsewhere),
        (vec![mode, cb, ("hub.topic", &alias)], 404, &elsewhere),
        (vec![mode, cb, ("hub.topic", &without_format)], 404, "the address of this feed is"),
        (vec![("hub.mode", "unsubscribe"), cb, at("https://www.example.fr/x")], 404, "no subscription to it"),
        (vec![("hub.mode", "publish")], 400, "hub.topic is missing"),
        (vec![("hub.mode", "publish"), at("https://www.example.fr/x")], 404, "none of these feeds"),
    ];
    for (pairs, status, reason) in cases {
        let (found, said) = hub.post(&pairs).await;
        assert!(found == status && said.contains(reason) && said.ends_with('\n'), "{pairs:?}: {found} {said}");
    }
    for (content_type, body, status) in [
        ("application/json", "{}".to_owned(), 415),
        ("application/x-www-form-urlencoded", "x".repeat(17_000), 413),
        ("application/x-www-form-urlencoded; charset=utf-8", "hub.mode=publish&hub.secret=%FF".to_owned(), 400),
        ("application/x-www-form-urlencoded", "hub.mode=subscribe&%ZZ=&&&=&hub.topic".to_owned(), 400),
    ] {
        assert_eq!(hub.post_as(content_type, body.clone()).await.0, status, "{content_type} {body:.40}");
    }
    let broken = format!("hub.mode=subscribe&hub.topic={topic}&hub.callback=https://r.example.org&hub.secret=%FF");
    assert!(hub.post_as("application/x-www-form-urlencoded", broken).await.1.contains("not UTF-8"));
    assert_eq!(hub.post(&[("hub.mode", "publish"), ("hub.url", &alias), ("hub.topic", "x:y")]).await.0, 204);
    assert!(hub.store.subscriptions(false, hub.clock.now()).await.unwrap().is_empty());
    let about = reqwest::get(format!("{}/hub", hub.base)).await.unwrap();
    assert_eq!(about.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(about.text().await.unwrap().contains("hub.lease_seconds"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_self_among_the_hubs_there_is_no_hub() {
    let place = place();
    let hub = Running::start(&place, "feeds: { hubs: [\"https://hub.example.org/\"] }", clock(), None).await;
    assert_eq!(hub.post(&[("hub.mode", "publish")]).await.0, 404);
    assert_eq!(reqwest::get(format!("{}/hub", hub.base)).await.unwrap().status(), 404);
    assert!(!crieur::seal::key_file(&place.path("crieur.db")).exists(), "nothing is to be sealed");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_callbacks_are_refused_in_every_spelling_and_after_their_name_was_looked_up() {
    let place = place();
    let hub = Running::start(&place, "feeds: { hubs: [self] }", clock(), None).await;
    let topic = hub.topic(FEED);
    let ask = |callback: String| {
        let (hub, topic) = (&hub, topic.clone());
        async move {
            let pairs = [("hub.mode", "subscribe"), ("hub.topic", topic.as_str()), ("hub.callback", callback.as_str())];
            hub.post(&pairs).await
        }
    };
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "１２７.0.0.1",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "[::1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fd00::1]",
        "0.0.0.0",
    ] {
        let (status, said) = ask(format!("http://{host}:9/cb")).await;
        assert_eq!((status, said.contains("private")), (403, true), "{host}: {said}");
    }
    // A name of this machine's own, as most have: it is only known once it is looked up.
    let names = ["ip6-localhost", "ip6-loopback", "localhost.localdomain", "localhost4"];
    let mut found = None;
    for name in names {
        if tokio::net::lookup_host((name, 0)).await.is_ok_and(|mut all| all.next().is_some()) {
            found = Some(name);
        }
    }
    match found {
        Some(name) => {
            let callback = format!("http://{name}:9/cb");
            assert_eq!(ask(callback.clone()).await.0, 202);
            let asked = hub.subscription(&callback, |one| one.reason.is_some()).await;
            assert!(asked.reason.unwrap().contains("private"), "it is asked of nobody");
        }
        None => println!("skipped: no name of this machine leads to a private address"),
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_give_the_challenge_back_is_not_subscribed() {
    let place = place();
    let mut hub = Running::start(&place, HUB, clock(), None).await;
    let (topic, subscriber) = (hub.topic(FEED), Subscriber::start().await);
    let to = format!("{}/elsewhere", subscriber.url);
    let moods = [Mood::Say("another"), Mood::Say(""), Mood::Status(404), Mood::Redirect(to), Mood::Endless];
    for (n, mood) in moods.into_iter().enumerate() {
        subscriber.when_asked([mood.clone()]);
        let callback = format!("{}/{n}", subscriber.url);
        let pairs = [("hub.mode", "subscribe"), ("hub.topic", topic.as_str()), ("hub.callback", callback.as_str())];
        assert_eq!(hub.post(&pairs).await.0, 202);
        let refused = hub.subscription(&callback, |one| one.state.is_ended()).await;
        assert_eq!(refused.state.word(), "unverified", "{mood:?}");
        assert!(refused.reason.as_ref().unwrap().contains("not confirmed"), "{refused:?}");
    }
    assert_eq!(subscriber.asked().len(), 5, "redirects are not followed");

    // A server in trouble is asked again; a subscriber that says no to a renewal keeps what it has.
    let callback = format!("{}/patient", subscriber.url);
    subscriber.when_asked([Mood::Status(503), Mood::Later(429, 30)]);
    let pairs = [("hub.mode", "subscribe"), ("hub.topic", topic.as_str()), ("hub.callback", callback.as_str())];
    assert_eq!(hub.post(&pairs).await.0, 202);
    for tries in 1..=2 {
        let trying = |one: &crieur::hub::Subscription| one.asked.as_ref().is_some_and(|asked| asked.tries == tries);
        let waits = hub.subscription(&callback, trying).await;
        hub.clock.set(waits.asked.unwrap().retry_at.unwrap());
    }
    hub.subscription(&callback, |one| one.state.word() == "active").await;
    subscriber.when_asked([Mood::Status(404)]);
    assert_eq!(hub.post(&pairs).await.0, 202);
    let kept = hub.subscription(&callback, |one| one.reason.is_some()).await;
    assert_eq!(kept.state.word(), "active");
    change(&place, &mut hub, 1).await;
    subscriber.told_times(1).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_that_fail_are_tried_again_and_delay_nobody() {
    let place = place();
    let mut hub = Running::start(&place, HUB, clock(), None).await;
    let topic = hub.topic(FEED);
    let (well, hangs, fails) = (Subscriber::start().await, Subscriber::start().await, Subscriber::start().await);
    // A host whose callbacks all hang, and one that has nothing but garbage to say.
    for n in 0..6 {
        hub.subscribe(&topic, &format!("{}/{n}", hangs.url), &[]).await;
    }
    hangs.when_told(vec![Mood::Hang; 6]);
    for callback in [format!("{}/cb", well.url), format!("{}/cb", fails.url)] {
        hub.subscribe(&topic, &callback, &[]).await;
    }
    let failing = format!("{}/cb", fails.url);
    let to = format!("{}/stolen", well.url);
    fails.when_told([Mood::Status(500), Mood::Redirect(to), Mood::Endless, Mood::Status(403), Mood::Later(429, 3_600)]);
    change(&place, &mut hub, 1).await;
    assert_eq!(well.told_times(1).await.len(), 1, "while others hang");
    hangs.told_times(4).await;
    // Endless is a success: its status is one, and nobody reads the rest.
    for tries in 1..=2 {
        let waits = hub.subscription(&failing, |one| one.owed.tries == tries).await;
        assert!(waits.owed.error.is_some());
        hub.clock.set(waits.owed.retry_at.unwrap());
    }
    hub.subscription(&failing, |one| one.owed.tries == 0 && one.owed.told_at.is_some()).await;
    change(&place, &mut hub, 2).await;
    let refused = hub.subscription(&failing, |one| one.owed.tries == 1).await;
    hub.clock.set(refused.owed.retry_at.unwrap());
    let told_off = hub.subscription(&failing, |one| one.owed.tries == 2).await;
    let wait = told_off.owed.retry_at.unwrap().duration_since(hub.clock.now());
    assert_eq!(wait, SignedDuration::from_hours(1), "as long as it asked for");
    hub.clock.set(told_off.owed.retry_at.unwrap());
    let told = fails.told_times(6).await;
    assert_eq!(told[5].body, hub.body(FEED));
    assert_eq!(well.told_times(2).await.len(), 2, "nothing came by way of a redirect");

    // 410 ends it.
    well.when_told([Mood::Status(410)]);
    change(&place, &mut hub, 3).await;
    let gone = hub.subscription(&format!("{}/cb", well.url), |one| one.state.is_ended()).await;
    assert_eq!(gone.state.word(), "gone");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_ends_nothing_and_the_next_change_is_tried_again() {
    let place = place();
    let mut hub = Running::start(&place, HUB, clock(), None).await;
    let (topic, subscriber) = (hub.topic(FEED), Subscriber::start().await);
    let callback = format!("{}/cb", subscriber.url);
    hub.subscribe(&topic, &callback, &[]).await;
    subscriber.when_told(vec![Mood::Status(500); 10]);
    change(&place, &mut hub, 1).await;
    for tries in 1..10 {
        let waits = hub.subscription(&callback, |one| one.owed.tries == tries).await;
        hub.clock.set(waits.owed.retry_at.unwrap());
    }
    let given_up = hub.subscription(&callback, |one| one.owed.given_up.is_some()).await;
    assert_eq!(given_up.state.word(), "active");
    hub.advance(SignedDuration::from_hours(5));
    change(&place, &mut hub, 2).await;
    assert_eq!(subscriber.told_times(11).await.len(), 11);
    hub.subscription(&callback, |one| !one.owed.is_struggling()).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_nobody_ran_is_told_at_the_next_start() {
    let place = place();
    let public = Some("https://feeds.example.fr");
    let hub = Running::start(&place, HUB, clock(), public).await;
    let (topic, subscriber) = (hub.topic(FEED), Subscriber::start().await);
    assert_eq!(topic, "https://feeds.example.fr/feeds/all.rss");
    let callback = format!("{}/cb", subscriber.url);
    hub.subscribe(&topic, &callback, &[("hub.secret", "s3")]).await;
    let clock = hub.clock.clone();
    hub.stop().await;
    publish(&place, 1);
    clock.advance(SignedDuration::from_hours(1));
    let hub = Running::start(&place, HUB, clock, public).await;
    let told = subscriber.told_times(1).await.remove(0);
    assert_eq!(told.body, hub.body(FEED));
    assert_eq!(told.header("x-hub-signature"), signature(&Secret::new("s3"), &told.body).unwrap());
    hub.stop().await;
    assert_eq!(subscriber.told().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_its_time_and_can_be_made_again() {
    let place = place();
    let mut hub = Running::start(&place, HUB, clock(), None).await;
    let (topic, subscriber) = (hub.topic(FEED), Subscriber::start().await);
    let callback = format!("{}/cb", subscriber.url);
    hub.subscribe(&topic, &callback, &[("hub.lease_seconds", "1")]).await;
    assert_eq!(subscriber.asked()[0].parameter("hub.lease_seconds"), Some("60"), "a minute at least");
    hub.advance(SignedDuration::from_secs(59));
    publish(&place, 1);
    subscriber.told_times(1).await;
    hub.advance(SignedDuration::from_secs(1));
    let ended = hub.subscription(&callback, |one| one.state.is_ended()).await;
    assert_eq!((ended.state.word(), ended.callback), ("expired", None));
    change(&place, &mut hub, 2).await;
    hub.subscribe(&topic, &callback, &[("hub.lease_seconds", "99999999999999999999")]).await;
    assert_eq!(subscriber.asked_times(2).await[1].parameter("hub.lease_seconds"), Some("2592000"), "30 days at most");
    change(&place, &mut hub, 3).await;
    let told = subscriber.told_times(2).await;
    assert_eq!(told[1].body, hub.body(FEED), "what changed in between was not told");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_combination_of_feeds_is_pushed_too_and_names_no_hub_that_is_not_told_of_it() {
    let place = place();
    place.article("_actualites/ia.md", "title: Autre\ndate: 2026-11-19\ntags: [IA]");
    let rest = HUB.replace("[self]", "[\"https://hub.example.org/\", self]");
    let mut hub = Running::start(&place, &rest, clock(), None).await;
    let subscriber = Subscriber::start().await;
    let topic = format!("{}/feeds/tag/cloud,-ia.rss", hub.base);
    let fetched = reqwest::get(&topic).await.unwrap();
    let base = hub.base.clone();
    assert_eq!(fetched.headers()["link"], format!("<{base}/hub>; rel=\"hub\", <{topic}>; rel=\"self\"").as_str());
    let callback = format!("{}/cb", subscriber.url);
    hub.subscribe(&topic, &callback, &[("hub.secret", "s3")]).await;
    // Nobody knows what it has of a feed that is made on demand: it is told at once.
    let told = subscriber.told_times(1).await.remove(0);
    assert_eq!(told.body, fetched.bytes().await.unwrap());
    hub.subscription(&callback, |one| one.owed.told_at.is_some()).await;
    // What does not concern it is no news.
    place.article("_actualites/ia2.md", "title: Encore\ndate: 2026-11-21\ntags: [IA]");
    hub.shows("Encore<").await;
    hub.advance(SignedDuration::from_secs(40));
    publish(&place, 1);
    hub.shows("Article 1<").await;
    hub.advance(SignedDuration::from_secs(40));
    let told = subscriber.told_times(2).await.remove(1);
    let now = reqwest::get(&topic).await.unwrap().bytes().await.unwrap();
    assert_eq!(told.body, now);
    assert!(!String::from_utf8_lossy(&now).contains("hub.example.org"));
    let ask = async |topic: &str| {
        hub.post(&[("hub.mode", "subscribe"), ("hub.topic", topic), ("hub.callback", callback.as_str())]).await
    };
    let (status, said) = ask(&format!("{base}/feeds/tag/Cloud,-IA.rss")).await;
    assert_eq!((status, said.contains(&topic)), (404, true), "{said}");
    assert_eq!(ask(&format!("{base}/feeds/tag/cloud+nothing.rss")).await.0, 404);
    let archive = format!("{base}/feeds/all/archive/202611.atom");
    assert_eq!(ask(&archive).await.0, 404, "an archive does not change");
    hub.stop().await;
    assert_eq!(subscriber.told().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_on_one_database_tell_everybody_once() {
    let place = place();
    let public = Some("https://feeds.example.fr");
    let mut one = Running::start(&place, HUB, clock(), public).await;
    let (topic, subscriber) = (one.topic(FEED), Subscriber::start().await);
    for n in 0..40 {
        one.subscribe(&topic, &format!("{}/{n}", subscriber.url), &[]).await;
    }
    let mut other = Running::start(&place, HUB, one.clock.clone(), public).await;
    for n in 1..=3 {
        one.advance(SignedDuration::from_secs(40));
        publish(&place, n);
        for daemon in [&mut one, &mut other] {
            daemon.shows(&format!("Article {n}<")).await;
        }
        one.advance(SignedDuration::from_secs(2));
        let served = one.versions()[&topic].clone();
        for n in 0..40 {
            let callback = format!("{}/{n}", subscriber.url);
            one.subscription(&callback, |subscription| subscription.owed.told.etag == served).await;
        }
        // Both look again, and find nothing.
        one.advance(SignedDuration::from_secs(40));
    }
    one.stop().await;
    other.stop().await;
    assert_eq!(subscriber.told().len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_callback_nor_secret_stands_in_the_database_or_in_the_log() {
    let place = place();
    let subscriber = Subscriber::start().await;
    subscriber.when_told([Mood::Status(500)]);
    let mut daemon = Binary::start(&place, "").await;
    let callback = format!("{}/canari-de-rappel?k=canari-de-cle", subscriber.url);
    daemon.subscribe(&callback, "canari-de-secret").await;
    publish(&place, 1);
    subscriber.told_times(1).await;
    let log = daemon.stop();
    assert!(log.contains("is subscribed to"), "{log}");
    let mut bytes = log.into_bytes();
    for file in std::fs::read_dir(place.folder.path()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("crieur.db") && file.path().is_file() {
            bytes.extend(std::fs::read(file.path()).unwrap());
        }
    }
    for canary in ["canari-de-rappel", "canari-de-cle", "canari-de-secret"] {
        assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_verification_and_its_record_it_is_verified_once_more() {
    let place = place();
    let subscriber = Subscriber::start().await;
    let mut daemon = Binary::start(&place, "after-verification").await;
    daemon.subscribe(&format!("{}/cb", subscriber.url), "s3").await;
    subscriber.asked_times(1).await;
    assert_eq!(daemon.child.wait().unwrap().signal(), Some(6), "it died there");
    let mut daemon = Binary::start(&place, "").await;
    subscriber.asked_times(2).await;
    publish(&place, 1);
    subscriber.told_times(1).await;
    let figures = reqwest::get(format!("{}/metrics", daemon.base)).await.unwrap().text().await.unwrap();
    for line in ["crieur_websub_subscriptions{feed=\"/feeds/all.rss\"} 1", "crieur_websub_behind 0"] {
        assert!(figures.contains(line), "{figures}");
    }
    daemon.stop();
    let challenges: Vec<_> =
        subscriber.asked().iter().map(|asked| asked.parameter("hub.challenge").map(str::to_owned)).collect();
    assert_ne!(challenges[0], challenges[1], "each question has a challenge of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_delivery_and_its_record_it_is_delivered_once_more() {
    let place = place();
    let subscriber = Subscriber::start().await;
    let mut daemon = Binary::start(&place, "after-distribution").await;
    daemon.subscribe(&format!("{}/cb", subscriber.url), "s3").await;
    publish(&place, 1);
    subscriber.told_times(1).await;
    assert_eq!(daemon.child.wait().unwrap().signal(), Some(6), "it died there");
    let mut daemon = Binary::start(&place, "").await;
    assert_eq!(subscriber.told_times(2).await[0].body, subscriber.told()[1].body);
    daemon.stop();
    let mut daemon = Binary::start(&place, "").await;
    publish(&place, 2);
    subscriber.told_times(3).await;
    daemon.stop();
    let told = subscriber.told();
    assert!(told.len() == 3 && told[2].body != told[1].body);
}

/// The program itself, on a port of its own and the system's clock.
struct Binary {
    child: std::process::Child,
    base: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Binary {
    async fn start(place: &Place, crash_at: &str) -> Self {
        use std::io::{BufRead, Read};
        let rest = format!("http: {{ listen: \"127.0.0.1:0\", public_url: \"https://feeds.example.fr\" }}\n{HUB}");
        let crieur = place.crieur(&rest);
        let mut command = crieur.command(&["--log", "debug", "run"]);
        command.env("CRIEUR_CRASH_AT", crash_at).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.rsplit(' ').next().unwrap().to_owned();
        // It is read to its end, so that nobody waits for a full pipe.
        std::thread::spawn(move || lines.count());
        Self { child, base: format!("http://{address}"), log: Some(log) }
    }

    async fn subscribe(&mut self, callback: &str, secret: &str) {
        let topic = "https://feeds.example.fr/feeds/all.rss";
        let pairs =
            [("hub.mode", "subscribe"), ("hub.topic", topic), ("hub.callback", callback), ("hub.secret", secret)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        let taken = async {
            loop {
                ticks.tick().await;
                let request = reqwest::Client::new().post(format!("{}/hub", self.base)).body(body.clone());
                match request.send().await.map(|response| response.status().as_u16()) {
                    Ok(202) => return,
                    // It died of it, before it could answer.
                    Err(_) if self.child.try_wait().unwrap().is_some() => return,
                    // The first look is not done yet.
                    Ok(503) | Err(_) => {}
                    Ok(status) => panic!("{status}"),
                }
            }
        };
        tokio::time::timeout(crate::support::hub::PATIENCE, taken).await.expect("it is taken");
    }

    /// Ends it: what it wrote to its log.
    fn stop(&mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
