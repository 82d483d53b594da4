//! A real Matrix homeserver: one message whatever happens, also after it forgot the transaction; edits, removals; and no
//! word in an encrypted room. `scripts/test` installs it.

use crate::support::Place;
use crate::support::real::{Real, get, picture, shared_matrix};
use crieur::article::ArticleId;
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{DeliveryKey, Failure, State};
use crieur::network::{Found, Means, Network, Wanted, connect};
use crieur::post::Post;
use crieur::reconcile::Reconciler;
use crieur::store::{Leased, Store, Terms};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn endpoints(server: &Real, token: &str, room: &str) -> String {
    format!(
        "endpoints: {{ matrix: {{ network: matrix, server: \"{}\", token: \"{}\", room: \"{}\", gap: 0s, allow_private: true }} }}",
        server.said("url"),
        server.said(token),
        server.said(room)
    )
}

struct World {
    _place: Place,
    store: Store,
    network: Box<dyn Network>,
}

impl World {
    async fn new(server: &Real, token: &str, room: &str) -> Self {
        let place = Place::new();
        let config = place.config(&endpoints(server, token, room));
        let store = Store::open(&config.store).await.unwrap();
        let name = EndpointName::new("matrix");
        let network = connect(&name, &config.endpoints[&name], &Means::new(&config, &store)).unwrap();
        Self { _place: place, store, network }
    }
}

fn key(name: &str) -> DeliveryKey {
    let article = ArticleId::mint("www.example.fr", name, &|_| false);
    DeliveryKey::publication(article, "une", &EndpointName::new("matrix"))
}

fn post(name: &str) -> Post {
    Post {
        text: format!("« L’État » publie <{name}>\n\nhttps://www.example.fr/{name}/\n\n#ClouddelEtat"),
        url: format!("https://www.example.fr/{name}/"),
        language: "fr".into(),
        frozen_at: Some(now()),
        ..Post::default()
    }
}

/// The room's messages, newest first.
async fn messages(server: &Real, room: &str) -> Vec<Value> {
    let room = server.said(room).replace('!', "%21").replace(':', "%3A");
    let url = format!("{}/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=500", server.said("url"));
    let (status, page) = get(&url, Some(server.said("token"))).await;
    assert_eq!(status, 200, "{page}");
    let events = page["chunk"].as_array().unwrap().clone();
    events.into_iter().filter(|event| event["type"] == "m.room.message").collect()
}

/// Those of a delivery.
async fn of(server: &Real, key: &DeliveryKey) -> Vec<Value> {
    let marked = |event: &Value| event["content"]["fr.gouv.crieur.id"]["id"] == key.idempotency_key();
    messages(server, "room").await.into_iter().filter(marked).collect()
}

#[test]
fn a_site_is_posted_once_and_a_process_that_dies_finds_its_message_there() {
    let Some(server) = Real::matrix(false) else { return };
    let place = Place::new();
    for n in 0..3 {
        place.article(
            &format!("_actualites/a{n}.md"),
            &format!("title: « L’État » n° {n}\ndate: 2026-11-0{} 09:00:00 +01:00\ntags: [Cloud]", n + 1),
        );
    }
    let rules = "rules: [{ name: une, endpoints: [matrix], live_check: false }]\nbaseline: none\n";
    let crieur = place.crieur(&format!("{}\n{rules}", endpoints(&server, "token", "alias")));
    assert!(crieur.ok(&["endpoints", "test", "matrix"]).contains("@crieur:localhost"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (point, posts) in [("after-start", 0), ("after-publish", 1), ("before-finish", 2)] {
        let died = crieur.command(&["run", "--once"]).env("CRIEUR_CRASH_AT", point).output().unwrap();
        assert!(!died.status.success());
        assert_eq!(runtime.block_on(messages(&server, "room")).len(), posts, "{point}");
    }
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["run", "--once"]);
    let messages = runtime.block_on(messages(&server, "room"));
    assert_eq!((crieur.published().len(), messages.len()), (3, 3));
    for message in messages {
        let content = &message["content"];
        assert_eq!((&content["msgtype"], &content["format"]), (&"m.notice".into(), &"org.matrix.custom.html".into()));
        assert!(content["formatted_body"].as_str().unwrap().contains("<a href=\"https://www.example.fr/"), "{content}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_restarts_between_two_tries_has_one_message() {
    let Some(mut server) = Real::matrix(false) else { return };
    let world = World::new(&server, "token", "room").await;
    let first = world.network.publish(&post("reprise"), &key("reprise"), now()).await.unwrap();
    server.restart();
    let again = world.network.publish(&post("reprise"), &key("reprise"), now()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(of(&server, &key("reprise")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_found_by_its_marker_when_the_transaction_is_forgotten() {
    let Some(server) = shared_matrix() else { return };
    // A day later the homeserver forgets transactions; another device of the account, it never knew them.
    let place = Place::new();
    place.article("_actualites/oubli.md", "title: Oubli\ndate: 2026-11-22 09:00:00 +00:00\ntags: [Cloud]");
    let rules = "rules: [{ name: une, endpoints: [matrix], live_check: false }]\nbaseline: none\n";
    let config = |token| place.config(&format!("{}\n{rules}", endpoints(server, token, "room")));
    let clock = Clock::by_hand(now());
    let before = config("token");
    let store = Store::open(&before.store).await.unwrap();
    let snapshot = Reconciler::new(Arc::clone(&before)).pass(&store, now()).await.unwrap();
    // The message is sent by a process that dies before it learns of it.
    let name = EndpointName::new("matrix");
    let Leased::Lease(lease) = store.lease(&name, None, &Terms::default(), now()).await.unwrap() else { panic!() };
    let sent = post("oubli");
    store.start(&lease, &sent, "", now()).await.unwrap();
    let network = connect(&name, &before.endpoints[&name], &Means::new(&before, &store)).unwrap();
    let receipt = network.publish(&sent, &lease.delivery.key, now()).await.unwrap();
    clock.advance(SignedDuration::from_hours(25));
    let deliverer = Deliverer::new(config("other_token"), store.clone(), clock);
    for _ in 0..3 {
        if let Step::Wait(None) = deliverer.step(&name, None, &snapshot).await.unwrap() {
            break;
        }
    }
    let found = store.deliveries().await.unwrap().remove(0);
    assert_eq!((found.state, found.remote_id), (State::Published, Some(receipt.remote_id)), "{:?}", found.reason);
    assert_eq!(of(server, &lease.delivery.key).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_in_an_encrypted_room() {
    let Some(server) = shared_matrix() else { return };
    let world = World::new(server, "token", "encrypted_room").await;
    for said in [
        world.network.check(now()).await.map(|_| ()),
        world.network.publish(&post("secret"), &key("secret"), now()).await.map(|_| ()),
    ] {
        assert!(matches!(&said, Err(Failure::Refused(reason)) if reason.contains("encrypted")), "{said:?}");
    }
    assert!(messages(server, "encrypted_room").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_changed_and_removed_and_never_comes_back_by_itself() {
    let Some(server) = shared_matrix() else { return };
    let world = World::new(server, "token", "room").await;
    let (first, key) = (post("change"), key("change"));
    let receipt = world.network.publish(&first, &key, now()).await.unwrap();
    let edited = Post { text: "Rectifié".into(), ..first.clone() };
    for _ in 0..2 {
        assert_eq!(world.network.edit(&receipt, &edited, &key, now()).await.as_ref(), Ok(&receipt));
    }
    let edits = messages(server, "room").await;
    let edits: Vec<_> = edits.iter().filter(|event| event["content"]["m.new_content"]["body"] == "Rectifié").collect();
    assert_eq!(edits.len(), 1, "the same edit twice is one");
    let since = Timestamp::from_second(0).unwrap();
    let wanted = Wanted { post: &first, key: &key, since, taken: &[] };
    assert_eq!(world.network.find(&wanted, now()).await.unwrap(), Found::Yes(receipt.clone()));
    for _ in 0..2 {
        world.network.withdraw(&receipt, &key, now()).await.unwrap();
    }
    assert!(of(server, &key).await.is_empty());
    assert!(matches!(world.network.edit(&receipt, &edited, &key, now()).await, Err(Failure::Refused(_))));
    // A message of the account was removed: it may have been this one.
    assert!(matches!(world.network.find(&wanted, now()).await.unwrap(), Found::Unclear(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_before_its_text_and_away_with_it() {
    let Some(server) = shared_matrix() else { return };
    let world = World::new(server, "token", "room").await;
    let (image, _) = picture(&world.store, "Un point, et rien d’autre").await;
    let (shown, key) = (Post { images: vec![image], ..post("image") }, key("image"));
    let receipt = world.network.publish(&shown, &key, now()).await.unwrap();
    assert_eq!(world.network.publish(&shown, &key, now()).await.unwrap(), receipt, "twice is once");
    let there = of(server, &key).await;
    let kinds: Vec<_> = there.iter().map(|event| event["content"]["msgtype"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["m.notice", "m.image"], "newest first");
    let content = &there[1]["content"];
    assert_eq!(
        (&content["body"], &content["info"]["mimetype"]),
        (&"Un point, et rien d’autre".into(), &"image/png".into())
    );
    assert!(content["url"].as_str().unwrap().starts_with("mxc://"));
    let wanted = Wanted { post: &shown, key: &key, since: Timestamp::UNIX_EPOCH, taken: &[] };
    assert_eq!(world.network.find(&wanted, now()).await.unwrap(), Found::Yes(receipt.clone()));
    world.network.withdraw(&receipt, &key, now()).await.unwrap();
    assert!(of(server, &key).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_that_the_homeserver_asks_for_is_read() {
    let Some(server) = Real::matrix(true) else { return };
    let world = World::new(&server, "token", "room").await;
    let mut throttled = None;
    for n in 0..40 {
        let name = format!("vite-{n}");
        match world.network.publish(&post(&name), &key(&name), now()).await {
            Ok(_) => {}
            Err(Failure::Throttled { until, .. }) => {
                throttled = until;
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let until = throttled.expect("Synapse limits messages to ten at once");
    assert!(until > now() && until < now() + SignedDuration::from_mins(2), "{until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_is_told_with_what_to_do() {
    let Some(server) = shared_matrix() else { return };
    let place = Place::new();
    let config = place.config(&endpoints(server, "token", "room").replace(server.said("token"), "faux-jeton"));
    let store = Store::open(&config.store).await.unwrap();
    let name = EndpointName::new("matrix");
    let network = connect(&name, &config.endpoints[&name], &Means::new(&config, &store)).unwrap();
    let said = network.publish(&post("faux"), &key("faux"), now()).await;
    assert!(
        matches!(&said, Err(Failure::Unauthorised(reason)) if reason.contains("log in anew") && !reason.contains("faux-jeton")),
        "{said:?}"
    );
}
