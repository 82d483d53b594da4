//! WebSub with parts that are not of our making: Flask-WebSub as a hub that we tell, and as a subscriber of our own hub and
//! of that one. `scripts/test` installs it; without it these tests say so and pass.

use crate::support::Place;
use crate::support::hub::{PATIENCE, Running, START};
use crate::support::tools::websub;
use crieur::clock::Clock;
use jiff::SignedDuration;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

/// A program of `tests/tools` that serves until its standard input ends.
struct Part {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Part {
    fn start(script: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = websub(script)?;
        let at = if script == "websub_hub.py" { folder.path().join("hub.sqlite3") } else { folder.path().to_owned() };
        command.arg(at).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (said, heard) = std::sync::mpsc::channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            said.send(line)
        });
        let port = heard.recv_timeout(PATIENCE).unwrap_or_default();
        let url = format!("http://127.0.0.1:{}", port.trim());
        assert!(port.trim().parse::<u16>().is_ok(), "{script} did not start: {port:?}");
        Some(Self { child, url, _folder: folder })
    }

    /// What a page says.
    async fn get(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let url = url::Url::parse_with_params(&format!("{}{path}", self.url), pairs).unwrap();
        let response = reqwest::get(url).await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// Waits until a subscriber has seen something of a kind so often; all that it has seen of it.
    async fn events(&self, what: &str, times: usize) -> Vec<Value> {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let mut events = Vec::new();
        let waited = async {
            while events.len() < times {
                ticks.tick().await;
                let all: Vec<Value> = serde_json::from_str(&self.get("/events", &[]).await).unwrap();
                events = all.into_iter().filter(|event| event["what"] == what).collect();
            }
        };
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            panic!("no {what}: {}", self.get("/events", &[]).await);
        }
        events
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn publish(place: &Place, n: usize) {
    place.article(
        &format!("_actualites/a{n}.md"),
        &format!("title: L’État n° {n}\ndate: 2026-11-20 09:00:0{n} +01:00\ntags: [Cloud]"),
    );
}

async fn change(place: &Place, daemon: &mut Running, n: usize) {
    publish(place, n);
    daemon.shows(&format!("L’État n° {n}<")).await;
    daemon.advance(SignedDuration::from_secs(2));
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_s_subscriber_finds_our_hub_checks_our_signatures_renews_and_leaves() {
    let Some(subscriber) = Part::start("websub_subscriber.py") else { return };
    let place = Place::new();
    publish(&place, 0);
    let settings = "feeds: { hubs: [self] }\nhub: { allow_private: true }";
    let mut daemon = Running::start(&place, settings, Clock::by_hand(START.parse().unwrap()), None).await;
    for (n, (path, media_type)) in [
        ("/feeds/all.rss", "application/rss+xml; charset=utf-8"),
        ("/feeds/tag/cloud.atom", "application/atom+xml; charset=utf-8"),
        ("/feeds/collection/actualites.json", "application/feed+json"),
    ]
    .into_iter()
    .enumerate()
    {
        let topic = daemon.topic(path);
        let callback = subscriber.get("/subscribe", &[("url", &topic)]).await;
        let subscribed = subscriber.events("subscribe", 2 * n + 1).await;
        assert_eq!(
            (&subscribed[2 * n]["topic"], &subscribed[2 * n]["callback"]),
            (&topic.clone().into(), &callback.clone().into())
        );
        change(&place, &mut daemon, 2 * n + 1).await;
        let news = subscriber.events("news", 2 * n + 1).await;
        let news = &news[2 * n];
        assert_eq!(news["sha256"], sha256(&daemon.body(path)));
        assert_eq!((&news["signed"], &news["type"]), (&"sha256".into(), &media_type.into()));
        // Renewed, with another secret; then told once more.
        subscriber.get("/renew", &[("callback", &callback)]).await;
        subscriber.events("subscribe", 2 * n + 2).await;
        change(&place, &mut daemon, 2 * n + 2).await;
        let news = subscriber.events("news", 2 * n + 2).await;
        assert_eq!(news[2 * n + 1]["sha256"], sha256(&daemon.body(path)));
        subscriber.get("/unsubscribe", &[("callback", &callback)]).await;
        subscriber.events("unsubscribe", n + 1).await;
    }
    change(&place, &mut daemon, 7).await;
    daemon.stop().await;
    assert_eq!(subscriber.events("news", 6).await.len(), 6);
    assert!(subscriber.events("error", 0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_s_hub_that_we_tell_brings_our_bytes_to_another_s_subscriber() {
    let (Some(hub), Some(subscriber)) = (Part::start("websub_hub.py"), Part::start("websub_subscriber.py")) else {
        return;
    };
    let place = Place::new();
    publish(&place, 0);
    let settings = format!("feeds: {{ hubs: [\"{}/hub\"] }}\nhub: {{ allow_private: true }}", hub.url);
    let mut daemon = Running::start(&place, &settings, Clock::by_hand(START.parse().unwrap()), None).await;
    let path = "/feeds/all.rss";
    subscriber.get("/subscribe", &[("url", &daemon.topic(path))]).await;
    subscriber.events("subscribe", 1).await;
    for n in 1..=2 {
        change(&place, &mut daemon, n).await;
        let news = subscriber.events("news", n).await;
        assert_eq!(news[n - 1]["sha256"], sha256(&daemon.body(path)), "{n}");
    }
    daemon.stop().await;
}
