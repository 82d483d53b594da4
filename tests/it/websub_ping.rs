//! Hubs elsewhere are told of changes, once the new bytes are served: hubs of our own that remember and misbehave.

use crate::support::Place;
use crate::support::hub::{PATIENCE, Running, START};
use crate::support::subscriber::{Mood, Subscriber};
use crieur::clock::Clock;
use crieur::store::Ping;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn clock() -> Clock {
    Clock::by_hand(START.parse().unwrap())
}

fn publish(place: &Place, n: usize) {
    place.article(
        &format!("_actualites/a{n}.md"),
        &format!("title: Article {n}\ndate: 2026-11-20 09:00:0{n} +01:00\ntags: [Cloud]"),
    );
}

async fn change(place: &Place, daemon: &mut Running, n: usize) {
    publish(place, n);
    daemon.shows(&format!("Article {n}<")).await;
    daemon.advance(SignedDuration::from_secs(2));
}

fn settings(hubs: &[&Subscriber]) -> String {
    let hubs: Vec<String> = hubs.iter().map(|hub| format!("{}/publish?key=1", hub.url)).collect();
    format!("feeds: {{ hubs: {hubs:?}, formats: [rss, atom] }}\nhub: {{ allow_private: true }}")
}

/// The topics that a hub was told of, sorted.
fn topics(hub: &Subscriber) -> Vec<String> {
    let mut topics = Vec::new();
    for told in hub.told() {
        assert_eq!(told.uri, "/publish?key=1");
        assert_eq!(told.header("content-type"), "application/x-www-form-urlencoded");
        let form = told.form();
        let value = |name: &str| form.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!((value("hub.mode").as_str(), value("hub.url")), ("publish", value("hub.topic")));
        topics.push(value("hub.topic"));
    }
    topics.sort();
    topics
}

/// The topics that were there before, and are other now.
fn changed(before: &BTreeMap<String, String>, daemon: &Running) -> Vec<String> {
    let now = daemon.versions();
    before.iter().filter(|(topic, etag)| now[*topic] != **etag).map(|(topic, _)| topic.clone()).collect()
}

/// Waits until something holds of what is kept of a topic at a hub.
async fn ping(daemon: &Running, hub: &Subscriber, topic: &str, holds: impl Fn(&Ping) -> bool) -> Ping {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let waited = async {
        loop {
            let all = daemon.store.pings(None, daemon.clock.now()).await.unwrap();
            let mine = |one: &Ping| one.hub.starts_with(&hub.url) && one.topic == topic;
            if let Some(found) = all.into_iter().find(|one| mine(one) && holds(one)) {
                return found;
            }
            ticks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("the ping never came there")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hub_is_told_once_of_every_topic_that_changed_and_of_no_other() {
    let place = Place::new();
    publish(&place, 0);
    place.article("_communiques/b.md", "title: Autre\ndate: 2026-11-20 09:00:00 +01:00");
    let (one, other) = (Subscriber::start().await, Subscriber::start().await);
    let mut daemon = Running::start(&place, &settings(&[&one, &other]), clock(), None).await;
    let base = daemon.base.clone();
    for path in ["/feeds/all.rss", "/feeds/collection/communiques.atom"] {
        for hub in [&one, &other] {
            ping(&daemon, hub, &format!("{base}{path}"), |ping| ping.owed.told_at.is_none()).await;
        }
    }
    let mut before = daemon.versions();
    publish(&place, 1);
    daemon.shows("Article 1<").await;
    let mut expected = changed(&before, &daemon);
    assert!(expected.contains(&format!("{base}/feeds/tag/cloud.atom")));
    assert!(!expected.contains(&format!("{base}/feeds/collection/communiques.atom")));
    for hub in [&one, &other] {
        hub.told_times(expected.len()).await;
        assert_eq!(topics(hub), expected);
    }
    // A topic that was never seen is no news to anybody; those that it touches are.
    ping(&daemon, &one, &format!("{base}/feeds/all.rss"), |ping| ping.owed.told_at.is_some()).await;
    before = daemon.versions();
    place.article("_actualites/a2.md", "title: Autre mot\ndate: 2026-11-20 10:00:00 +01:00\ntags: [Données]");
    daemon.until(|snapshot| snapshot.feeds.documents.contains_key("/feeds/tag/donnees.rss")).await;
    daemon.advance(SignedDuration::from_secs(2));
    expected.extend(changed(&before, &daemon));
    one.told_times(expected.len()).await;
    daemon.stop().await;
    expected.sort();
    assert!(!expected.iter().any(|topic| topic.contains("donnees")));
    assert_eq!(topics(&one), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_hub_is_told_the_new_bytes_are_served_already() {
    let place = Place::new();
    publish(&place, 0);
    let hub = Subscriber::start().await;
    let mut daemon = Running::start(&place, &settings(&[&hub]), clock(), None).await;
    let topic = daemon.topic("/feeds/all.rss");
    ping(&daemon, &hub, &topic, |_| true).await;
    for n in 1..=5 {
        let (told, before) = (hub.told().len(), daemon.versions());
        publish(&place, n);
        // Told, it comes at once, as hubs do.
        hub.told_times(told + 1).await;
        let fetched = reqwest::get(&topic).await.unwrap();
        let links = format!("<{}/publish?key=1>; rel=\"hub\", <{topic}>; rel=\"self\"", hub.url);
        assert_eq!(fetched.headers()["link"], links.as_str());
        assert!(fetched.text().await.unwrap().contains(&format!("Article {n}")), "{n}");
        daemon.shows(&format!("Article {n}<")).await;
        for topic in changed(&before, &daemon) {
            ping(&daemon, &hub, &topic, |ping| ping.owed.told_at == Some(daemon.clock.now())).await;
        }
        daemon.advance(SignedDuration::from_secs(2));
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_hub_is_told_the_exports_have_the_new_bytes_unless_one_is_out_of_order() {
    let place = Place::new();
    publish(&place, 0);
    let hub = Subscriber::start().await;
    let (good, bad) = (place.path("export"), place.path("bad"));
    let exports = |places: &[&std::path::Path]| {
        settings(&[&hub]).replace("rss, atom", "rss").replace("feeds: {", &format!("feeds: {{ export: {places:?},"))
    };
    let mut daemon = Running::start(&place, &exports(&[&good]), clock(), None).await;
    let topic = daemon.topic("/feeds/all.rss");
    ping(&daemon, &hub, &topic, |_| true).await;
    for n in 1..=5 {
        let (told, before) = (hub.told().len(), daemon.versions());
        publish(&place, n);
        hub.told_times(told + 1).await;
        let bytes = std::fs::read_to_string(good.join("feeds/all.rss")).unwrap();
        assert!(bytes.contains(&format!("Article {n}")), "{n}");
        daemon.shows(&format!("Article {n}<")).await;
        for topic in changed(&before, &daemon) {
            ping(&daemon, &hub, &topic, |ping| ping.owed.told_at == Some(daemon.clock.now())).await;
        }
        daemon.advance(SignedDuration::from_secs(2));
    }
    let clock = daemon.clock.clone();
    let public = daemon.base.clone();
    daemon.stop().await;

    // A file stands where the folder should be.
    std::fs::write(&bad, "").unwrap();
    let mut daemon = Running::start(&place, &exports(&[&good, &bad]), clock.clone(), Some(&public)).await;
    let told = hub.told().len();
    publish(&place, 6);
    daemon.shows("Article 6<").await;
    let at = clock.now();
    clock.advance(SignedDuration::from_secs(60));
    hub.told_times(told + 1).await;
    ping(&daemon, &hub, &topic, |ping| ping.owed.told_at.is_some_and(|told| told > at)).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_fails_is_told_again_and_delays_no_other() {
    let place = Place::new();
    publish(&place, 0);
    let (well, ill) = (Subscriber::start().await, Subscriber::start().await);
    let rest = settings(&[&well, &ill]).replace("rss, atom", "rss");
    let mut daemon = Running::start(&place, &rest, clock(), None).await;
    let topic = daemon.topic("/feeds/all.rss");
    for hub in [&well, &ill] {
        ping(&daemon, hub, &topic, |_| true).await;
    }
    let before = daemon.versions();
    let bad = [Mood::Hang, Mood::Status(503), Mood::Redirect(format!("{}/x", well.url))];
    ill.when_told(bad.into_iter().chain(vec![Mood::Endless; 40]));
    change(&place, &mut daemon, 1).await;
    let news = changed(&before, &daemon);
    well.told_times(news.len()).await;
    // Killed or not, what is owed is owed.
    ill.told_times(news.len()).await;
    let clock = daemon.clock.clone();
    let public = daemon.base.clone();
    daemon.stop().await;
    clock.advance(SignedDuration::from_hours(2));
    let daemon = Running::start(&place, &rest, clock, Some(&public)).await;
    ill.told_times(news.len() + 3).await;
    for topic in &news {
        ping(&daemon, &ill, topic, |ping| !ping.owed.is_struggling() && ping.owed.told_at.is_some()).await;
    }
    daemon.stop().await;
    assert_eq!(well.told().len(), news.len());
    assert_eq!(topics(&ill).into_iter().collect::<BTreeSet<_>>(), news.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_is_one_or_two_pings_of_each_topic() {
    let place = Place::new();
    publish(&place, 0);
    let hub = Subscriber::start().await;
    let rest = settings(&[&hub]).replace("rss, atom", "rss");
    let mut daemon = Running::start(&place, &rest, clock(), None).await;
    let topic = daemon.topic("/feeds/all.rss");
    ping(&daemon, &hub, &topic, |_| true).await;
    // Pass after pass, within one second.
    for n in 1..=6 {
        publish(&place, n);
        daemon.shows(&format!("Article {n}<")).await;
        hub.told_times(1).await;
    }
    ping(&daemon, &hub, &topic, |ping| ping.owed.told_at.is_some()).await;
    daemon.advance(SignedDuration::from_secs(1));
    let at = daemon.clock.now();
    ping(&daemon, &hub, &topic, |ping| ping.owed.told_at == Some(at)).await;
    daemon.stop().await;
    assert_eq!(topics(&hub).iter().filter(|told| **told == topic).count(), 2);
}

#[test]
fn one_pass_tells_hubs_once_and_what_they_do_not_take_is_told_by_the_next() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hub = runtime.block_on(Subscriber::start());
    let place = Place::new();
    publish(&place, 0);
    let public = "http: { public_url: \"https://feeds.example.fr\" }\n";
    let rest = format!(
        "{public}{}",
        settings(&[&hub])
            .replace("rss, atom", "rss")
            .replace("feeds: {", &format!("feeds: {{ export: {:?},", place.path("export")),)
    );
    let crieur = place.crieur(&rest);
    crieur.ok(&["run", "--once"]);
    assert!(hub.told().is_empty(), "at first sight nobody is subscribed");
    publish(&place, 1);
    hub.when_told([Mood::Status(500)]);
    let output = crieur.run(&["run", "--once"]);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && log.contains("could not be told"), "{log}");
    let told = topics(&hub);
    assert!(told.contains(&"https://feeds.example.fr/feeds/tag/cloud.rss".to_owned()), "{told:?}");
    publish(&place, 2);
    crieur.ok(&["run", "--once"]);
    // The one that waits may wait a little longer.
    assert!(hub.told().len() > told.len() && hub.told().len() + 1 >= 2 * told.len(), "{told:?} {:?}", topics(&hub));
}
