//! Feeds over HTTP as readers ask for them, and the pages.

use crate::support::Place;
use crate::support::server::{Answer, Server, Setting};
use axum::http::StatusCode;
use std::io::Read;

const ALIASES: &str = "feeds: { aliases: { /feed.xml: /feeds/all.rss, /fil/Journée d’échanges.xml: /feeds/tag/cloud.rss, /healthz: /feeds/all.rss }, hubs: [self, \"https://hub.example.org/?a=b\"] }";

fn place() -> Place {
    let place = Place::new();
    place.article("_actualites/a.md", "title: L’État & « nous »\ndate: 2026-11-20 09:00:00 +01:00\ntags: [Cloud]");
    place
}

async fn site() -> Server {
    Server::of(place(), ALIASES, Setting::default()).await
}

/// What an answer unpacks to.
fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding") {
        "" => plain.clone_from(&answer.body),
        "gzip" => drop(flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut plain).unwrap()),
        "br" => drop(brotli::Decompressor::new(&*answer.body, 4_096).read_to_end(&mut plain).unwrap()),
        other => panic!("{other}"),
    }
    plain
}

#[tokio::test]
async fn a_feed_comes_with_everything_a_reader_a_cache_and_a_hub_want_to_know() {
    let site = site().await;
    for (path, media_type) in [
        ("/feeds/all.rss", "application/rss+xml; charset=utf-8"),
        ("/feeds/tag/cloud.atom", "application/atom+xml; charset=utf-8"),
        ("/feeds/collection/actualites.json", "application/feed+json"),
    ] {
        let full = site.get(path, &[]).await;
        assert_eq!((full.status, full.header("content-type")), (StatusCode::OK, media_type));
        let link = format!(
            "<http://localhost:8080/hub>; rel=\"hub\", <https://hub.example.org/?a=b>; rel=\"hub\", <http://localhost:8080{path}>; rel=\"self\""
        );
        for (name, value) in [
            ("cache-control", "public, max-age=300"),
            ("vary", "Accept-Encoding, Sec-Fetch-Dest"),
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "ETag, Last-Modified, Link"),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "none"),
            ("last-modified", "Fri, 20 Nov 2026 08:00:00 GMT"),
            ("link", &link),
            ("content-length", &full.body.len().to_string()),
        ] {
            assert_eq!(full.header(name), value, "{path}: {name}");
        }
        assert!(full.header("etag").starts_with('"') && full.header("date").ends_with(" GMT"));
        assert!(!full.headers.contains_key("set-cookie") && !full.headers.contains_key("server"));
    }
}

#[tokio::test]
async fn without_a_hub_there_is_nothing_to_subscribe_to() {
    let site = Server::of(place(), "feeds: { hubs: [] }", Setting::default()).await;
    assert_eq!(site.get("/feeds/all.rss", &[]).await.header("link"), "");
}

#[tokio::test]
async fn the_coding_is_the_reader_s_choice_and_each_has_its_own_validator() {
    let site = site().await;
    let plain = site.get("/feeds/all.rss", &[]).await;
    let bare = plain.header("etag").trim_matches('"').to_owned();
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0", ""),
        ("deflate", ""),
    ] {
        // The first one makes the form, the second one finds it made.
        for _ in 0..2 {
            let answer = site.get("/feeds/all.rss", &[("accept-encoding", accepted)]).await;
            assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, coding), "{accepted}");
            assert_eq!(unpacked(&answer), plain.body, "{accepted}");
            let etag = if coding.is_empty() { format!("\"{bare}\"") } else { format!("\"{bare}-{coding}\"") };
            assert_eq!(answer.header("etag"), etag);
            assert!(coding.is_empty() || answer.body.len() < plain.body.len());
            assert_eq!(answer.header("vary"), "Accept-Encoding, Sec-Fetch-Dest");
        }
    }
    let lines = [("accept-encoding", "br;q=0.1"), ("accept-encoding", "gzip")];
    assert_eq!(site.get("/feeds/all.rss", &lines).await.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_form_that_is_not_made_yet_is_made_only_for_who_lacks_it() {
    let site = site().await;
    let bare = site.get("/feeds/all.rss", &[]).await.header("etag").trim_matches('"').to_owned();
    let known = [("accept-encoding", "br"), ("if-none-match", &format!("\"{bare}-br\""))];
    assert_eq!(site.get("/feeds/all.rss", &known).await.status, StatusCode::NOT_MODIFIED);
    let another = [("accept-encoding", "br"), ("if-none-match", &format!("\"{bare}-gzip\""))];
    assert_eq!(site.get("/feeds/all.rss", &another).await.header("content-encoding"), "br");
}

#[tokio::test]
async fn many_that_ask_for_a_new_form_at_once_get_the_same() {
    let site = site().await;
    let asked = (0..50).map(|_| site.get("/feeds/all.atom", &[("accept-encoding", "br")]));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.body == answers[0].body && answer.header("content-encoding") == "br"));
}

#[tokio::test]
async fn conditions_count_for_the_form_that_would_be_sent() {
    let site = site().await;
    let (at, before) = ("Fri, 20 Nov 2026 08:00:00 GMT", "Fri, 20 Nov 2026 07:59:59 GMT");
    for accepted in ["identity", "gzip", "br"] {
        let full = site.get("/feeds/all.rss", &[("accept-encoding", accepted)]).await;
        let etag = full.header("etag").to_owned();
        let (weak, list) = (format!("W/{etag}"), format!("\"x\", {etag}"));
        let other = if accepted == "gzip" { etag.replace("gzip", "br") } else { "\"other-gzip\"".to_owned() };
        for (conditions, expected) in [
            (&[("if-none-match", etag.as_str())][..], 304),
            (&[("if-none-match", &weak)], 304),
            (&[("if-none-match", &list)], 304),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"x\""), ("if-none-match", &etag)], 304),
            (&[("if-none-match", &other)], 200),
            (&[("if-none-match", "\"x\""), ("if-modified-since", at)], 200),
            (&[("if-none-match", &etag), ("if-modified-since", before)], 304),
            (&[("if-modified-since", at)], 304),
            (&[("if-modified-since", before)], 200),
            (&[("if-modified-since", "garbage")], 200),
            (&[("if-match", &etag)], 200),
            (&[("if-match", "*")], 200),
            (&[("if-match", &weak)], 412),
            (&[("if-match", &other)], 412),
            (&[("if-match", &etag), ("if-none-match", &etag)], 304),
            (&[("if-match", &other), ("if-none-match", &etag)], 412),
            (&[("if-unmodified-since", at)], 200),
            (&[("if-unmodified-since", before)], 412),
            (&[("if-match", &etag), ("if-unmodified-since", before)], 200),
            // A range is ignored, and so is what depends on one.
            (&[("range", "bytes=0-9")], 200),
            (&[("range", "bytes=0-9"), ("if-range", &etag)], 200),
            (&[("range", "bytes=9999999-")], 200),
            (&[("range", "bytes=0-9"), ("if-none-match", &etag)], 304),
        ] {
            let mut headers = vec![("accept-encoding", accepted)];
            headers.extend(conditions);
            for method in ["GET", "HEAD"] {
                let answer = site.ask(method, "/feeds/all.rss", &headers).await;
                assert_eq!(answer.status, expected, "{method} {headers:?}");
                if expected == 200 && method == "GET" {
                    assert_eq!(answer.body, full.body);
                }
                if expected == 304 {
                    let whole: usize =
                        answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
                    assert!(whole < 350 && answer.body.is_empty(), "{whole} bytes: {answer:?}");
                    for name in [
                        "etag",
                        "cache-control",
                        "vary",
                        "access-control-allow-origin",
                        "access-control-expose-headers",
                    ] {
                        assert_eq!(answer.header(name), full.header(name), "{name}");
                    }
                    for name in ["content-type", "content-length", "content-encoding", "last-modified", "link"] {
                        assert_eq!(answer.header(name), "", "{name}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_other_methods_are_refused() {
    let site = site().await;
    for accepted in ["identity", "gzip", "br"] {
        let headers = [("accept-encoding", accepted)];
        let head = site.ask("HEAD", "/feeds/all.atom", &headers).await;
        let mut get = site.get("/feeds/all.atom", &headers).await;
        get.headers.insert("date", head.headers["date"].clone());
        assert_eq!(head.headers, get.headers);
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"] {
        let refused = site.ask(method, "/feeds/all.atom", &[("content-length", "0")]).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD, OPTIONS"), "{method}");
        assert_eq!(refused.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_script_of_another_site_may_ask_and_say_what_it_has() {
    let site = site().await;
    let asked = [
        ("origin", "https://reader.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    let answer = site.ask("OPTIONS", "/feeds/all.json", &asked).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    for (name, value) in [
        ("allow", "GET, HEAD, OPTIONS"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD"),
        ("access-control-max-age", "86400"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert!(answer.header("access-control-allow-headers").contains("If-None-Match"));
}

#[tokio::test]
async fn an_old_address_answers_with_the_feed_and_its_own_self_link() {
    let site = site().await;
    let (old, new) = (site.get("/feed.xml", &[]).await, site.get("/feeds/all.rss", &[]).await);
    assert_eq!((old.status, &old.body, old.header("etag")), (StatusCode::OK, &new.body, new.header("etag")));
    assert!(old.text().contains("href=\"http://localhost:8080/feeds/all.rss\" rel=\"self\""));
    let old = site.get("/fil/Journ%C3%A9e%20d%E2%80%99%C3%A9changes.xml", &[]).await;
    assert_eq!(old.body, site.get("/feeds/tag/cloud.rss", &[]).await.body);
    // An address of the server's own is nobody's old one.
    assert_eq!(site.get("/healthz", &[]).await.text(), "ok\n");
}

#[tokio::test]
async fn a_path_is_what_it_says_and_nothing_else() {
    let site = site().await;
    for same in ["/feeds/%61ll.rss", "/feeds/all%2Erss", "/feeds/all.rss?raw", "http://other.example/feeds/all.rss"] {
        assert_eq!(site.get(same, &[]).await.status, StatusCode::OK, "{same}");
    }
    for other in [
        "/feeds//all.rss",
        "//feeds/all.rss",
        "/feeds/all.rss/",
        "/feeds/./all.rss",
        "/feeds/tag/../all.rss",
        "/feeds/tag/%2e%2e/all.rss",
        "/feeds%2fall.rss",
        "/feeds%2Fall.rss",
        "/feeds/%2561ll.rss",
        "/feeds/all.rss%00",
        "/feeds/all.rss%",
        "/feeds/%ff.rss",
        "/feeds/ALL.rss",
        "/feeds/none.rss",
        "/none",
        "/..",
        "/../../etc/passwd",
    ] {
        let answer = site.get(other, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{other}");
        assert_eq!(answer.header("cache-control"), "public, max-age=60", "{other}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{other}");
        assert_eq!(answer.text(), "there is no such feed or page; /feeds/ lists the feeds\n");
    }
}

#[tokio::test]
async fn what_changed_has_another_validator_and_the_rest_keeps_its_own() {
    let place = place();
    place.article("_communiques/b.md", "title: Autre\ndate: 2026-11-19\ntags: [Autre]");
    let site = Server::of(place, ALIASES, Setting::default()).await;
    let etag = async |path| site.get(path, &[("accept-encoding", "gzip")]).await.header("etag").to_owned();
    let before = (etag("/feeds/tag/cloud.rss").await, etag("/feeds/tag/autre.rss").await);
    site.place.article("_communiques/b.md", "title: Autre encore\ndate: 2026-11-19\ntags: [Autre]");
    site.pass(ALIASES).await;
    let after = (etag("/feeds/tag/cloud.rss").await, etag("/feeds/tag/autre.rss").await);
    assert_eq!(before.0, after.0);
    assert_ne!(before.1, after.1);
}

#[tokio::test]
async fn pages_speak_the_reader_s_language() {
    let site = site().await;
    for path in ["/", "/feeds/", "/timeline"] {
        let french = site.get(path, &[("accept-language", "fr")]).await;
        let english = site.get(path, &[("accept-language", "en")]).await;
        assert!(
            french.text().contains("<html lang=\"fr\">") && english.text().contains("<html lang=\"en\">"),
            "{path}"
        );
        assert!(!french.text().contains("<script"));
        let head = site.ask("HEAD", path, &[("accept-language", "fr")]).await;
        assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, french.header("content-length")));
    }
    let answer = site.get("/feeds/", &[]).await;
    let feeds = answer.text();
    assert!(feeds.contains("/feeds/tag/cloud.rss") && feeds.contains("rel=\"alternate\""));
}

#[tokio::test]
async fn health_tells_alive_from_ready() {
    let site = Server::before_the_first_pass(place(), ALIASES, Setting::default()).await;
    assert_eq!(site.get("/healthz", &[]).await.status, StatusCode::OK);
    for path in ["/readyz", "/feeds/all.rss"] {
        assert_eq!(site.get(path, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let early = site.get("/feeds/all.rss", &[]).await;
    assert_eq!((early.header("retry-after"), early.header("access-control-allow-origin")), ("5", "*"));
    let page = site.get("/feeds/", &[("accept", "text/html")]).await;
    assert_eq!((page.status, page.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    site.pass(ALIASES).await;
    for path in ["/readyz", "/feeds/all.rss", "/feeds/"] {
        assert_eq!(site.get(path, &[]).await.status, StatusCode::OK);
    }
    site.stop().await;
}
