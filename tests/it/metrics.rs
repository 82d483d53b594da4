//! What is counted, and that nobody is.

use crate::support::Place;
use crate::support::server::{Server, Setting};
use std::collections::BTreeMap;

async fn site() -> Server {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Un\ndate: 2026-11-20\ntags: [Cloud]");
    Server::of(place, "feeds: { aliases: { /feed.xml: /feeds/all.rss } }", Setting::default()).await
}

/// The samples of `/metrics`, each with its labels, once the text is as Prometheus reads it.
async fn samples(site: &Server) -> BTreeMap<String, f64> {
    let answer = site.get("/metrics", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let (mut samples, mut described) = (BTreeMap::new(), BTreeMap::new());
    for line in answer.text().lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(described.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = name.split('{').next().unwrap();
            let kind = described.get(family).unwrap_or_else(|| panic!("{family} has no type"));
            assert_eq!(family.ends_with("_total"), kind == "counter", "{family}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} twice");
        }
    }
    samples
}

#[tokio::test]
async fn answers_are_counted_by_document_and_class() {
    let site = site().await;
    let full = site.get("/feeds/all.rss", &[]).await;
    site.get("/feed.xml", &[]).await;
    let packed = site.get("/feeds/all.rss", &[("accept-encoding", "gzip")]).await;
    site.get("/feeds/all.rss", &[("if-none-match", full.header("etag"))]).await;
    site.get("/feeds/all.rss", &[("if-match", "\"x\"")]).await;
    site.ask("DELETE", "/feeds/all.rss", &[]).await;
    site.get("/feeds/none.rss?x=%3Cscript", &[]).await;
    site.raw("garbage\r\n\r\n").await;
    site.get("/feeds/tag/cloud.json", &[]).await;
    let samples = samples(&site).await;
    for (name, value) in [
        ("crieur_feed_requests_total{feed=\"/feeds/all.rss\",status=\"200\"}", 3.0),
        ("crieur_feed_requests_total{feed=\"/feeds/all.rss\",status=\"304\"}", 1.0),
        ("crieur_feed_requests_total{feed=\"/feeds/all.rss\",status=\"4xx\"}", 2.0),
        ("crieur_feed_requests_total{feed=\"/feeds/tag/cloud.json\",status=\"200\"}", 1.0),
        ("crieur_feed_body_bytes_total{feed=\"/feeds/all.rss\"}", (2 * full.body.len() + packed.body.len()) as f64),
        ("crieur_http_requests_total{status=\"4xx\"}", 2.0),
        ("crieur_http_accepted_total", 10.0),
        ("crieur_http_connections", 1.0),
        ("crieur_http_connections_most", 4096.0),
        ("crieur_articles", 1.0),
        ("crieur_feeds", 3.0),
        ("crieur_feed_documents", 11.0),
        ("crieur_problem_errors", 0.0),
        ("crieur_last_pass_timestamp_seconds", 1_795_341_600.0),
        ("process_start_time_seconds", 1_795_341_600.0),
        (concat!("crieur_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in {samples:#?}");
    }
    assert!(samples["crieur_http_sent_bytes_total"] > (2 * full.body.len() + packed.body.len()) as f64);
    // Only what was asked for stands there, and nothing that somebody invented.
    let feeds = samples.keys().filter(|name| name.starts_with("crieur_feed_requests"));
    assert_eq!(feeds.count(), 4);
    assert!(!samples.keys().any(|name| name.contains("none.rss") || name.contains("script")));
}

#[tokio::test]
async fn figures_go_on_when_a_document_changes() {
    let site = site().await;
    site.get("/feeds/all.rss", &[]).await;
    site.place.article("_actualites/b.md", "title: Deux\ndate: 2026-11-21");
    site.pass("").await;
    site.get("/feeds/all.rss", &[]).await;
    let samples = samples(&site).await;
    assert_eq!(samples["crieur_feed_requests_total{feed=\"/feeds/all.rss\",status=\"200\"}"], 2.0);
    assert_eq!(samples["crieur_articles"], 2.0);
}

#[tokio::test]
async fn the_audience_is_what_aggregators_say_and_no_person_is_in_it() {
    let site = site().await;
    for agent in [
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 131 subscribers; like FeedFetcher-Google)",
        "Feedbin feed-id:1373711 - 142 subscribers",
        "Feedbin feed-id:1373711 - 143 subscribers",
        "FreshRSS/1.24.1 (Linux; https://freshrss.org)",
        "Jeanne/1.0 (jeanne@example.fr)",
    ] {
        let headers = [
            ("user-agent", agent),
            ("cookie", "who=jeanne"),
            ("x-forwarded-for", "192.0.2.77"),
            ("from", "jeanne@example.fr"),
        ];
        site.get("/feeds/all.rss", &headers).await;
    }
    let text = site.get("/metrics", &[]).await.text().to_owned();
    assert!(text.contains("crieur_feed_subscribers{feed=\"/feeds/all.rss\"} 274"), "{text}");
    for personal in ["jeanne", "192.0.2.77", "127.0.0.1", "Feedly", "1373711"] {
        assert!(!text.contains(personal), "{personal}");
    }
    site.clock.advance(jiff::SignedDuration::from_hours(8 * 24));
    assert!(!samples(&site).await.keys().any(|name| name.starts_with("crieur_feed_subscribers")));
}
