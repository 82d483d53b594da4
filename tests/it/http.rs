//! Feeds over HTTP as readers ask for them, and the pages.

use crate::support::Place;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use crieur::clock::Clock;
use crieur::http::{Shared, router};
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

struct Site {
    router: axum::Router,
    _place: Place,
}

impl Site {
    async fn new() -> Self {
        let place = Place::new();
        place.article("_actualites/a.md", "title: L’État & « nous »\ndate: 2026-11-20 09:00:00 +01:00\ntags: [Cloud]");
        let config = place.config("feeds: { aliases: { /feed.xml: /feeds/all.rss } }");
        let store = Store::open(&config.store).await.unwrap();
        let clock = Clock::by_hand("2026-11-22T10:00:00Z".parse().unwrap());
        let snapshot = Reconciler::new(config).pass(&store, clock.now()).await.unwrap();
        let (_, receiver) = watch::channel(Some(Arc::new(snapshot)));
        Self { router: router(Shared { snapshot: receiver, store, clock, hook: None }), _place: place }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec() }
    }
}

#[tokio::test]
async fn a_reader_that_has_the_feed_gets_304_and_nothing_else() {
    let site = Site::new().await;
    for (path, media_type) in [
        ("/feeds/all.rss", "application/rss+xml; charset=utf-8"),
        ("/feeds/tag/cloud.atom", "application/atom+xml; charset=utf-8"),
        ("/feeds/collection/actualites.json", "application/feed+json"),
    ] {
        let full = site.ask("GET", path, &[]).await;
        assert_eq!((full.status, full.header("content-type")), (StatusCode::OK, media_type));
        for header in ["etag", "last-modified", "cache-control", "vary", "access-control-allow-origin"] {
            assert!(!full.header(header).is_empty(), "{path}: no {header}");
        }
        let (etag, modified) = (full.header("etag").to_owned(), full.header("last-modified").to_owned());
        for condition in [[("if-none-match", etag.as_str())], [("if-modified-since", modified.as_str())]] {
            let again = site.ask("GET", path, &condition).await;
            assert_eq!(
                (again.status, again.body.len(), again.header("etag")),
                (StatusCode::NOT_MODIFIED, 0, etag.as_str())
            );
            assert!(again.header("content-type").is_empty());
        }
        let both = [("if-none-match", "\"other\""), ("if-modified-since", modified.as_str())];
        assert_eq!(site.ask("GET", path, &both).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn gzip_is_the_same_feed_under_another_validator() {
    let site = Site::new().await;
    let plain = site.ask("GET", "/feeds/all.rss", &[]).await;
    let packed = site.ask("GET", "/feeds/all.rss", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let condition = [("accept-encoding", "gzip"), ("if-none-match", packed.header("etag"))];
    assert_eq!(site.ask("GET", "/feeds/all.rss", &condition).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_other_methods_are_refused() {
    let site = Site::new().await;
    let get = site.ask("GET", "/feeds/all.atom", &[]).await;
    let head = site.ask("HEAD", "/feeds/all.atom", &[]).await;
    for name in ["etag", "last-modified", "content-type", "cache-control", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let posted = site.ask("POST", "/feeds/all.atom", &[]).await;
    assert_eq!((posted.status, posted.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    assert_eq!(site.ask("GET", "/feeds/none.rss", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_old_address_answers_with_the_feed_and_its_own_self_link() {
    let site = Site::new().await;
    let (old, new) = (site.ask("GET", "/feed.xml", &[]).await, site.ask("GET", "/feeds/all.rss", &[]).await);
    assert_eq!((old.status, &old.body), (StatusCode::OK, &new.body));
    assert!(String::from_utf8(old.body).unwrap().contains("href=\"http://localhost:8080/feeds/all.rss\" rel=\"self\""));
}

#[tokio::test]
async fn pages_speak_the_reader_s_language() {
    let site = Site::new().await;
    for path in ["/", "/feeds/", "/timeline"] {
        let french = site.ask("GET", path, &[("accept-language", "fr")]).await;
        let english = site.ask("GET", path, &[("accept-language", "en")]).await;
        let (french, english) = (String::from_utf8(french.body).unwrap(), String::from_utf8(english.body).unwrap());
        assert!(french.contains("<html lang=\"fr\">") && english.contains("<html lang=\"en\">"), "{path}");
        assert!(!french.contains("<script"));
    }
    let feeds = String::from_utf8(site.ask("GET", "/feeds/", &[]).await.body).unwrap();
    let feeds = feeds.replace("&#x2f;", "/");
    assert!(feeds.contains("/feeds/tag/cloud.rss") && feeds.contains("rel=\"alternate\""));
}

#[tokio::test]
async fn health_tells_alive_from_ready() {
    let site = Site::new().await;
    assert_eq!(site.ask("GET", "/healthz", &[]).await.status, StatusCode::OK);
    assert_eq!(site.ask("GET", "/readyz", &[]).await.status, StatusCode::OK);
    let place = Place::new();
    let store = Store::open(&place.path("x.db")).await.unwrap();
    let (_keep, receiver) = watch::channel(None);
    let router = router(Shared { snapshot: receiver, store, clock: Clock::system(), hook: None });
    let early = Site { router, _place: place };
    assert_eq!(early.ask("GET", "/healthz", &[]).await.status, StatusCode::OK);
    for path in ["/readyz", "/feeds/all.rss"] {
        assert_eq!(early.ask("GET", path, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(early.ask("GET", "/feeds/", &[]).await.status, StatusCode::OK);
}
