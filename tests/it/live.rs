//! Nothing goes out before its article's page is there: what a site may answer, and what comes of it.

use crate::support::Place;
use crate::support::mastodon::Server;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::{Outcome, Store};
use jiff::{SignedDuration, Timestamp};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

const TITLE: &str = "Journée d’échanges : « l'État » et le cloud";
const PATH: &str = "/actualites/une/";

/// What the site answers at the article's address.
#[derive(Debug, Clone, Copy)]
enum Page {
    Its,
    Text(&'static str),
    Status(u16),
    To(&'static str),
    Other(&'static str, &'static [u8]),
    Endless,
    Bomb,
    CutOff,
}

fn answer(page: Page, uri: &Uri) -> Response {
    let typed = |kind: &'static str, body: Body| ([("content-type", kind)], body).into_response();
    let html = |text: String| typed("text/html; charset=utf-8", Body::from(text));
    if uri.path() == "/" {
        return html(
            "<title>Essai</title><h1>Accueil</h1><h2>Journée d’échanges : « l'État » et le cloud</h2>".to_owned(),
        );
    }
    match page {
        Page::Its => html(format!("<!doctype html><title>{TITLE} | Essai</title><h1>Une</h1>")),
        Page::Text(text) => html(text.to_owned()),
        Page::Status(status) => (StatusCode::from_u16(status).unwrap(), "").into_response(),
        Page::To(_) if uri.query() == Some("there") => html(format!("<h1>{TITLE}</h1>")),
        Page::To(address) => (StatusCode::FOUND, [("location", address)]).into_response(),
        Page::Other(kind, body) => typed(kind, Body::from(body)),
        Page::Endless => {
            let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 65_536]));
            typed("text/html", Body::from_stream(futures_util::stream::repeat_with(chunk)))
        }
        Page::Bomb => {
            let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            (0..32).for_each(|_| bomb.write_all(&vec![b' '; 1 << 20]).unwrap());
            let body = Body::from(bomb.finish().unwrap());
            ([("content-type", "text/html"), ("content-encoding", "gzip")], body).into_response()
        }
        Page::CutOff => {
            let parts = [Ok(Bytes::from("<p>")), Err(std::io::Error::other("cut"))];
            typed("text/html", Body::from_stream(futures_util::stream::iter(parts)))
        }
    }
}

struct World {
    _place: Place,
    network: Server,
    page: Arc<Mutex<Page>>,
    store: Store,
    snapshot: Snapshot,
    deliverer: Deliverer,
    clock: Clock,
    start: Timestamp,
}

impl World {
    async fn new(rule: &str) -> Self {
        Self::with(rule, true).await
    }

    async fn with(rule: &str, private: bool) -> Self {
        let network = Server::start(true).await;
        let page = Arc::new(Mutex::new(Page::Status(404)));
        let app = axum::Router::new()
            .fallback(|Shared(page): Shared<Arc<Mutex<Page>>>, uri: Uri| async move {
                let page = *page.lock().unwrap();
                answer(page, &uri)
            })
            .with_state(Arc::clone(&page));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let place = Place::new();
        place.write("_config.yml", format!("title: Essai\nurl: {site}\ntimezone: Europe/Paris\ncollections:\n  actualites: {{ output: true, permalink: {PATH} }}\n"));
        place.article("_actualites/une.md", &format!("title: \"{TITLE}\"\ndate: 2026-11-22 09:00:00 +00:00"));
        let endpoints = network.endpoints();
        let endpoints = if private {
            endpoints
        } else {
            // Never reached: the page is asked for first.
            endpoints
                .replace(&network.url, "https://social.example")
                .replace("allow_private: true", "allow_private: false")
        };
        let rest = format!("{endpoints}\nrules: [{{ name: une, endpoints: [mastodon], {rule} }}]\nbaseline: none");
        let config = place.config(&rest);
        let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let clock = Clock::by_hand(start);
        let store = Store::open(&config.store).await.unwrap();
        let snapshot = Reconciler::new(Arc::clone(&config)).pass(&store, start).await.unwrap();
        let deliverer = Deliverer::new(config, store.clone(), clock.clone());
        Self { _place: place, network, page, store, snapshot, deliverer, clock, start }
    }

    async fn step(&self) -> Step {
        self.deliverer.step(&EndpointName::new("mastodon"), None, &self.snapshot).await.unwrap()
    }

    /// What comes of a page: nothing if the post went out, else why not.
    async fn meets(&self, page: Page) -> Option<String> {
        *self.page.lock().unwrap() = page;
        loop {
            match self.step().await {
                Step::Wait(Some(until)) => self.clock.set(until.max(self.clock.now())),
                Step::Did(Outcome::Again { reason, .. }) => return Some(reason),
                Step::Did(Outcome::Published(_)) => return None,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn delivery(&self) -> Delivery {
        self.store.deliveries().await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn a_post_waits_until_its_articles_page_is_there() {
    let world = World::new("expires: 30d").await;
    let other_site = "https://ailleurs.example/";
    for (page, why) in [
        (Page::Status(404), "answers 404"),
        (Page::Status(503), "answers 503"),
        (Page::Status(204), "answers 204"),
        (Page::Text("<title>Page non trouvée | Essai</title><h1>Erreur</h1>"), "titled “Page non trouvée | Essai”"),
        (Page::Text("<title>Essai</title><p>Journée d’échanges : « l'État » et le cloud</p>"), "titled “Essai”"),
        (Page::To("/"), "titled “Essai”"),
        (Page::To(other_site), "redirects to another site, https://ailleurs.example/"),
        (Page::To("http://169.254.169.254/latest/meta-data/"), "redirects to another site"),
        (Page::To("http://127.0.0.1:1/"), "redirects to another site"),
        (Page::To("file:///etc/passwd"), "redirects to another site"),
        (Page::To(PATH), "redirects without end"),
        (Page::Other("text/html; charset=iso-8859-1", b"<title>Page supprim\xE9e</title>"), "titled “Page supprimée”"),
        (Page::CutOff, "the answer was"),
    ] {
        let reason = world.meets(page).await.unwrap_or_else(|| panic!("{page:?}: it was posted"));
        assert!(reason.contains(why), "{page:?}: {reason}");
    }
    assert!(world.network.requests().is_empty());
    assert_eq!(world.meets(Page::Its).await, None);
    assert_eq!((world.network.texts().len(), world.delivery().await.state), (1, State::Published));
}

#[tokio::test]
async fn a_page_that_is_the_articles_lets_the_post_go() {
    for page in [
        Page::Its,
        Page::To("?there"),
        Page::Text(
            "<meta property=\"og:title\" content=\"JOURNÉE D'ÉCHANGES : L’ÉTAT ET LE CLOUD\"><title>Essai</title>",
        ),
        Page::Text(
            "<title>Essai</title><h1>Journée d'échanges&nbsp;: «&#8239;l’État&#8239;» et <em>le cloud</em></h1>",
        ),
        Page::Other(
            "text/html",
            b"<meta charset=windows-1252><h1>Journ\xE9e d\x92\xE9changes : \xAB l'\xC9tat \xBB et le cloud</h1>",
        ),
        // Nothing that bears a title: its status is all there is.
        Page::Text("ok"),
        Page::Other("application/pdf", b"%PDF-1.7 <title>Autre</title>"),
        // What has no title at its beginning is not read to its end.
        Page::Endless,
        Page::Bomb,
    ] {
        assert_eq!(World::new("").await.meets(page).await, None, "{page:?}");
    }
}

#[tokio::test]
async fn the_rule_says_what_is_asked() {
    let other = Page::Text("<title>Autre page</title>");
    assert_eq!(World::new("live_check: status").await.meets(other).await, None);
    assert!(World::new("live_check: status").await.meets(Page::Status(404)).await.is_some());
    assert!(World::new("live_check: true").await.meets(other).await.is_some());
    assert_eq!(World::new("live_check: false").await.meets(Page::Status(404)).await, None);
}

#[tokio::test]
async fn one_waits_longer_each_time_and_says_in_the_end_what_was_seen() {
    let world = World::new("expires: 2d").await;
    let mut waits = Vec::new();
    let mut before = world.start;
    let reason = loop {
        match world.step().await {
            Step::Wait(Some(until)) => {
                waits.push(until.duration_since(before).as_mins());
                before = until;
                world.clock.set(until);
            }
            Step::Did(Outcome::Again { .. }) => {}
            Step::Did(Outcome::Failed(reason)) => break reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(waits.iter().is_sorted() && waits.last() == Some(&15) && waits.len() > 150, "{waits:?}");
    assert!(
        reason.starts_with("the article's address does not answer as it should") && reason.contains("404"),
        "{reason}"
    );
    let late = world.clock.now().duration_since(world.start);
    assert!(late >= SignedDuration::from_hours(48) && late < SignedDuration::from_hours(50), "{late}");
    assert!(world.network.requests().is_empty());
}

#[tokio::test]
async fn a_private_address_is_no_page_for_readers() {
    let world = World::with("", false).await;
    let reason = world.meets(Page::Its).await.unwrap();
    assert!(reason.contains("is a private address"), "{reason}");
}
