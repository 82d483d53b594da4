//! The web hook: who may wake the source, and that it does.

use crate::support::Place;
use crate::support::origin::Origin;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crieur::clock::Clock;
use crieur::daemon::Daemon;
use crieur::http::{Asked, Documents, Hook, Shared, router};
use crieur::push::Figures;
use crieur::secret::Secret;
use crieur::store::Store;
use crieur::task::Wake;
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tower::ServiceExt;

const SECRET: &str = "It's a Secret to Everybody";
const NOW: i64 = 1_795_341_600;

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Server {
    router: Router,
    wake: Wake,
    asked: Asked,
    _place: Place,
}

impl Server {
    async fn new(secret: Option<&str>) -> Self {
        let place = Place::new();
        let store = Store::open(&crieur::config::StoreAddress::File(place.path("crieur.db"))).await.unwrap();
        let (wake, asked) = (Wake::default(), Asked::default());
        let hook = secret.map(|secret| Hook::new(Secret::new(secret), asked.clone(), wake.clone()));
        let clock = Clock::by_hand(Timestamp::from_second(NOW).unwrap());
        let (_, snapshot) = watch::channel(None);
        Self {
            router: router(Shared {
                snapshot,
                documents: Documents::default(),
                store,
                clock,
                hook,
                hub: None,
                desk: None,
                figures: Figures::default(),
                ends: crieur::expiry::Ends::default(),
            }),
            wake,
            asked,
            _place: place,
        }
    }

    /// The answer, and whether the task was woken and told to pull.
    async fn post(&self, headers: &[(&str, String)], body: impl Into<Body>) -> (StatusCode, bool) {
        let mut request = Request::post("/hooks/content");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let woken = self.wake.woken().now_or_never().is_some();
        assert_eq!(woken, self.asked.take());
        (response.status(), woken)
    }
}

const YES: (StatusCode, bool) = (StatusCode::ACCEPTED, true);
const NO: (StatusCode, bool) = (StatusCode::UNAUTHORIZED, false);

#[tokio::test]
async fn every_forges_signature_is_understood_and_any_other_refused() {
    let server = Server::new(Some(SECRET)).await;
    // GitHub's own example of a signature.
    let example = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(server.post(&[("x-hub-signature-256", example.into())], "Hello, World!").await, YES);
    assert_eq!(server.post(&[("x-hub-signature-256", example.into())], "Hello, World?").await, NO);
    let body = "{\"ref\":\"refs/heads/main\"}";
    let signed = hex(&sign(SECRET.as_bytes(), body.as_bytes()));
    for name in ["x-gitea-signature", "x-forgejo-signature"] {
        assert_eq!(server.post(&[(name, signed.clone())], body).await, YES, "{name}");
        assert_eq!(server.post(&[(name, signed.clone())], "{}").await, NO, "{name}");
    }
    assert_eq!(server.post(&[("x-gitlab-token", SECRET.into())], body).await, YES);
    for wrong in ["", "It's a Secret to Everybod", "It's a Secret to Everybody!", &signed] {
        assert_eq!(server.post(&[("x-gitlab-token", wrong.into())], body).await, NO, "{wrong}");
    }
    for wrong in [
        "",
        "sha256=",
        "sha1=00",
        &signed,
        &format!("sha256={}", &signed[..62]),
        &format!("sha256={}0", &signed),
        "sha256=zz",
    ] {
        assert_eq!(server.post(&[("x-hub-signature-256", wrong.into())], body).await, NO, "{wrong}");
    }
    assert_eq!(server.post(&[], body).await, NO);
    assert_eq!(server.post(&[("authorization", format!("Bearer {SECRET}"))], body).await, NO);
    // The first signature counts: a wrong one is not outweighed by another kind.
    let both = [("x-hub-signature-256", "sha256=00".to_owned()), ("x-gitlab-token", SECRET.to_owned())];
    assert_eq!(server.post(&both, body).await, NO);
}

#[tokio::test]
async fn standard_webhooks_are_understood_within_five_minutes() {
    let key = b"une cle de trente-deux octets !!";
    for (secret, key) in [(format!("whsec_{}", STANDARD.encode(key)), &key[..]), (SECRET.to_owned(), SECRET.as_bytes())]
    {
        let server = Server::new(Some(&secret)).await;
        let body = "{}";
        let headers = |id: &str, at: i64| {
            let signed = STANDARD.encode(sign(key, format!("msg_1.{at}.{body}").as_bytes()));
            let signed = format!("v1,{} v1a,xx v1,{signed}", STANDARD.encode("former"));
            [("webhook-id", id.to_owned()), ("webhook-timestamp", at.to_string()), ("webhook-signature", signed)]
        };
        for at in [NOW, NOW - 300, NOW + 300] {
            assert_eq!(server.post(&headers("msg_1", at), body).await, YES, "{at}");
        }
        for at in [NOW - 301, NOW + 301, 0, i64::MAX] {
            assert_eq!(server.post(&headers("msg_1", at), body).await, NO, "{at}");
        }
        assert_eq!(server.post(&headers("msg_2", NOW), body).await, NO);
        assert_eq!(server.post(&headers("msg_1", NOW)[..2], body).await, NO);
    }
}

#[tokio::test]
async fn without_a_secret_there_is_no_hook_and_only_post_is_one() {
    let server = Server::new(None).await;
    assert_eq!(server.post(&[("x-gitlab-token", String::new())], "").await, (StatusCode::NOT_FOUND, false));
    let server = Server::new(Some(SECRET)).await;
    let get = Request::get("/hooks/content").body(Body::empty()).unwrap();
    assert_eq!(server.router.clone().oneshot(get).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_long_body_is_signed_too_and_one_that_is_too_long_refused() {
    let server = Server::new(Some(SECRET)).await;
    let body = vec![b'x'; 3 * 1024 * 1024];
    let signed = [("x-hub-signature-256", format!("sha256={}", hex(&sign(SECRET.as_bytes(), &body))))];
    assert_eq!(server.post(&signed, body).await, YES);
    let pieces = futures_util::stream::iter((0..26).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1024 * 1024])));
    assert_eq!(server.post(&signed, Body::from_stream(pieces)).await, (StatusCode::PAYLOAD_TOO_LARGE, false));
}

/// Real work that is waited for takes far less; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_in_the_feeds_once_the_hook_says_so() {
    let origin = Origin::new();
    origin.write("_config.yml", "url: https://www.example.fr\ncollections: { actualites: { output: true } }\n");
    origin.article("_actualites/a.md", "title: Un\ndate: 2026-11-01");
    origin.commit("Un");
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "site: {{ git: {{ url: {:?} }}, hook_secret: {SECRET:?} }}\nstore: {:?}",
        origin.url(),
        format!("sqlite:{}", folder.path().join("data/crieur.db").display())
    );
    let config = Arc::new(crate::support::parse(&yaml).unwrap());
    // The clock stands still: nothing happens by the passing of time.
    let clock = Clock::by_hand("2026-11-22T10:00:00Z".parse().unwrap());
    let daemon = Daemon::wire(config, clock.clone(), false).await.unwrap();
    let mut looked = daemon.snapshots();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(daemon.run(listener, async move {
        let _ = stopped.await;
    }));
    let articles = |wanted: usize| {
        move |snapshot: &Option<Arc<crieur::reconcile::Snapshot>>| {
            snapshot.as_deref().is_some_and(|snapshot| snapshot.catalog().len() == wanted)
        }
    };
    tokio::time::timeout(PATIENCE, looked.wait_for(articles(1))).await.unwrap().unwrap();
    origin.article("_actualites/b.md", "title: Deux\ndate: 2026-11-02");
    origin.commit("Deux");
    let hook = reqwest::Client::new().post(format!("http://{address}/hooks/content")).header("x-gitlab-token", SECRET);
    assert_eq!(hook.send().await.unwrap().status(), 202);
    tokio::time::timeout(PATIENCE, looked.wait_for(articles(2))).await.expect("the hook pulls").unwrap();
    // Without it, the next pull comes with the time.
    origin.article("_actualites/c.md", "title: Trois\ndate: 2026-11-03");
    origin.commit("Trois");
    clock.advance(jiff::SignedDuration::from_mins(5));
    tokio::time::timeout(PATIENCE, looked.wait_for(articles(3))).await.expect("it pulls in its time").unwrap();
    // While it is away, what there was is served; when it is back, it goes on by itself.
    origin.vanish();
    clock.advance(jiff::SignedDuration::from_mins(5));
    origin.come_back();
    origin.article("_actualites/d.md", "title: Quatre\ndate: 2026-11-04");
    origin.commit("Quatre");
    let mut waited = Box::pin(looked.wait_for(articles(4)));
    let waited = async {
        while tokio::time::timeout(Duration::from_millis(50), &mut waited).await.is_err() {
            clock.advance(jiff::SignedDuration::from_secs(10));
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("it goes on by itself");
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, task).await.expect("it drains").unwrap().unwrap();
}
