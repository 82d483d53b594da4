//! A real server of Bluesky: one post whatever happens, threads that are whole or not there, and what is read back.
//! `scripts/test` installs it.

use crate::support::Place;
use crate::support::real::{Real, get, picture, shared_bluesky};
use crieur::article::ArticleId;
use crieur::config::EndpointName;
use crieur::delivery::{DeliveryKey, Failure, Receipt};
use crieur::network::{Found, Means, Network, Wanted, connect};
use crieur::post::{Card, Post};
use crieur::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn endpoints(server: &Real) -> String {
    format!(
        "endpoints: {{ bluesky: {{ network: bluesky, server: \"{}\", handle: {}, app_password: {}, gap: 0s, allow_private: true }} }}",
        server.said("url"),
        server.said("handle"),
        server.said("app_password")
    )
}

/// The network, as deliveries use it, with a database of its own.
struct World {
    _place: Place,
    store: Store,
    network: Box<dyn Network>,
    config: std::sync::Arc<crieur::config::Config>,
}

impl World {
    async fn new(server: &Real) -> Self {
        let place = Place::new();
        let config = place.config(&endpoints(server));
        let store = Store::open(&config.store).await.unwrap();
        let network = Self::connect(&config, &store);
        Self { _place: place, store, network, config }
    }

    fn connect(config: &crieur::config::Config, store: &Store) -> Box<dyn Network> {
        let name = EndpointName::new("bluesky");
        connect(&name, &config.endpoints[&name], &Means::new(config, store)).unwrap()
    }
}

fn key(name: &str) -> DeliveryKey {
    let article = ArticleId::mint("www.example.fr", name, &|_| false);
    DeliveryKey::publication(article, "une", &EndpointName::new("bluesky"))
}

fn post(name: &str, thread: usize) -> Post {
    Post {
        text: format!("« L’État » publie {name}\n\nhttps://www.example.fr/{name}/\n\n#ClouddelEtat"),
        url: format!("https://www.example.fr/{name}/"),
        language: "fr".into(),
        thread: (2..=thread).map(|n| format!("{n}. Suite de {name}")).collect(),
        more_hashtags: vec!["Numérique".into()],
        frozen_at: Some(now()),
        ..Post::default()
    }
}

/// The record of an address on the server, read as anyone can.
async fn record(server: &Real, uri: &str) -> Option<Value> {
    let (rkey, url) = (uri.rsplit('/').next().unwrap(), server.said("url"));
    let did = server.said("did");
    let path = format!("com.atproto.repo.getRecord?repo={did}&collection=app.bsky.feed.post&rkey={rkey}");
    let (status, value) = get(&format!("{url}/xrpc/{path}"), None).await;
    (status == 200).then_some(value)
}

fn parts(receipt: &Receipt) -> Vec<String> {
    [std::slice::from_ref(&receipt.remote_id), &receipt.parts].concat()
}

#[test]
fn a_site_is_posted_once_and_a_process_that_dies_finds_its_post_there() {
    let Some(server) = Real::bluesky() else { return };
    let place = Place::new();
    for n in 0..3 {
        place.article(
            &format!("_actualites/a{n}.md"),
            &format!("title: « L’État » n° {n}\ndate: 2026-11-0{} 09:00:00 +01:00\ntags: [Cloud]", n + 1),
        );
    }
    let rest = format!(
        "{}\nrules: [{{ name: une, endpoints: [bluesky], live_check: false }}]\nbaseline: none\n",
        endpoints(&server)
    );
    let crieur = place.crieur(&rest);
    assert!(crieur.ok(&["endpoints", "test", "bluesky"]).contains("@crieur.test on 127.0.0.1"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let records = || {
        let (url, did) = (server.said("url"), server.said("did"));
        let path = format!("com.atproto.repo.listRecords?repo={did}&collection=app.bsky.feed.post&limit=100");
        let (_, list) = runtime.block_on(get(&format!("{url}/xrpc/{path}"), None));
        list["records"].as_array().unwrap().clone()
    };
    for (point, posts) in [("after-start", 0), ("after-publish", 1), ("before-finish", 2)] {
        let died = crieur.command(&["run", "--once"]).env("CRIEUR_CRASH_AT", point).output().unwrap();
        assert!(!died.status.success());
        assert_eq!(records().len(), posts, "{point}");
    }
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["run", "--once"]);
    let records = records();
    assert_eq!((crieur.published().len(), records.len()), (3, 3));
    for record in records {
        let value = &record["value"];
        let text = value["text"].as_str().unwrap();
        let covered: Vec<&str> = value["facets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|facet| {
                let at = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap()).unwrap();
                &text[at("byteStart")..at("byteEnd")]
            })
            .collect();
        assert!(covered.iter().any(|part| part.starts_with("https://www.example.fr/")), "{covered:?}");
        assert!(covered.contains(&"#Cloud"), "{covered:?}");
        assert_eq!(value["langs"], serde_json::json!(["fr"]));
    }
    // The app password, and what the session is made of, stand nowhere in the clear.
    for file in std::fs::read_dir(place.folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let is_config = file.path().extension().is_some_and(|e| e == "yaml");
        for secret in [server.said("app_password").as_bytes(), b"eyJ"] {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(is_config || !is_there, "{}", file.path().display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_that_send_one_post_at_once_make_one_record() {
    let Some(server) = shared_bluesky() else { return };
    let world = World::new(server).await;
    // All begin with the session that one of them got.
    world.network.check(now()).await.unwrap();
    let tries = (0..20).map(|_| {
        let network = World::connect(&world.config, &world.store);
        tokio::spawn(async move { network.publish(&post("vingt", 1), &key("vingt"), now()).await })
    });
    let mut receipts = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        receipts.push(tried.await.unwrap().unwrap());
    }
    receipts.dedup();
    assert_eq!(receipts.len(), 1);
    assert!(record(server, &receipts[0].remote_id).await.is_some());
    // Another text under the same delivery does not take the place of the first.
    let other = Post { text: "Autre texte".into(), ..post("vingt", 1) };
    assert_eq!(world.network.publish(&other, &key("vingt"), now()).await.unwrap(), receipts[0]);
    let there = record(server, &receipts[0].remote_id).await.unwrap();
    assert_eq!(there["value"]["text"], post("vingt", 1).text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_is_cut_off_at_any_moment_is_whole_or_not_there() {
    let Some(server) = shared_bluesky() else { return };
    let world = World::new(server).await;
    world.network.check(now()).await.unwrap();
    let (mut whole, mut again) = (0, 0);
    for n in 0..24 {
        let name = format!("fil-{n}");
        let (post, key) = (post(&name, 5), key(&name));
        let cut = Duration::from_millis(2 * n);
        let _ = tokio::time::timeout(cut, world.network.publish(&post, &key, now())).await;
        let wanted = Wanted { post: &post, key: &key, since: now(), taken: &[] };
        let mut sent_again = false;
        // As the outbox does: what is not there is sent again, and where that is in doubt it is looked for again. The
        // server may still be at work on the first try, whose records then stand in the way of the second.
        let receipt = loop {
            match world.network.find(&wanted, now()).await.unwrap() {
                Found::Yes(receipt) => break receipt,
                Found::No => match world.network.publish(&post, &key, now()).await {
                    Ok(receipt) => {
                        sent_again = true;
                        break receipt;
                    }
                    Err(Failure::Uncertain(_)) => {}
                    Err(other) => panic!("{name}: {other:?}"),
                },
                other => panic!("{name}: {other:?}"),
            }
        };
        *(if sent_again { &mut again } else { &mut whole }) += 1;
        assert_eq!(receipt.parts.len(), 4);
        for uri in parts(&receipt) {
            assert!(record(server, &uri).await.is_some(), "{name}: {uri}");
        }
    }
    println!("{whole} threads were there, {again} were sent again");
    // Each answers the one before, by the name that the server gave it.
    let receipt = world.network.publish(&post("suite", 3), &key("suite"), now()).await.unwrap();
    let first = record(server, &receipt.remote_id).await.unwrap();
    let second = record(server, &receipt.parts[0]).await.unwrap();
    let third = record(server, &receipt.parts[1]).await.unwrap();
    assert_eq!(second["value"]["reply"]["parent"]["cid"], first["cid"]);
    assert_eq!(third["value"]["reply"]["root"]["cid"], first["cid"]);
    assert_eq!(third["value"]["reply"]["parent"], serde_json::json!({ "uri": receipt.parts[0], "cid": second["cid"] }));
    // Sent again, it is refused as a whole, and found.
    assert!(matches!(world.network.publish(&post("suite", 3), &key("suite"), now()).await, Err(Failure::Uncertain(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_changed_and_taken_away_and_never_comes_back_by_itself() {
    let Some(server) = shared_bluesky() else { return };
    let world = World::new(server).await;
    let (first, key) = (post("change", 2), key("change"));
    let receipt = world.network.publish(&first, &key, now()).await.unwrap();
    let edited = Post { text: "Rectifié : https://www.example.fr/change/".into(), ..first.clone() };
    for _ in 0..2 {
        assert_eq!(world.network.edit(&receipt, &edited, &key, now()).await.as_ref(), Ok(&receipt));
    }
    let there = record(server, &receipt.remote_id).await.unwrap();
    assert_eq!(there["value"]["text"], edited.text);
    assert_eq!(there["value"]["createdAt"], "2026-11-22T10:00:00.000Z", "an edit does not move it");
    let answer = record(server, &receipt.parts[0]).await.unwrap();
    assert_eq!(answer["value"]["reply"]["parent"]["cid"], there["cid"]);
    assert!(matches!(world.network.edit(&receipt, &post("change", 3), &key, now()).await, Err(Failure::Refused(_))));
    for _ in 0..2 {
        world.network.withdraw(&receipt, &key, now()).await.unwrap();
    }
    for uri in parts(&receipt) {
        assert!(record(server, &uri).await.is_none(), "{uri}");
    }
    assert!(matches!(world.network.edit(&receipt, &edited, &key, now()).await, Err(Failure::Refused(_))));
    assert!(record(server, &receipt.remote_id).await.is_none());
    // Soon after its try it may be sent again; later, a person may have deleted it, and is asked.
    let wanted = Wanted { post: &first, key: &key, since: now(), taken: &[] };
    assert_eq!(world.network.find(&wanted, now()).await.unwrap(), Found::No);
    let later = now() + SignedDuration::from_mins(16);
    assert!(matches!(world.network.find(&wanted, later).await.unwrap(), Found::Unclear(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_out_with_its_alternative_text_and_again_as_it_was() {
    let Some(server) = shared_bluesky() else { return };
    let world = World::new(server).await;
    let (image, bytes) = picture(&world.store, "Un point, et rien d’autre").await;
    let card = Card {
        url: "https://www.example.fr/image/".into(),
        title: "Vignette".into(),
        description: String::new(),
        thumb: Some(image.clone()),
    };
    let shown = Post { images: vec![image], ..post("image", 1) };
    let receipt = world.network.publish(&shown, &key("image"), now()).await.unwrap();
    assert_eq!(world.network.publish(&shown, &key("image"), now()).await.unwrap(), receipt);
    let value = record(server, &receipt.remote_id).await.unwrap()["value"].clone();
    let there = &value["embed"]["images"][0];
    assert_eq!(there["alt"], "Un point, et rien d’autre");
    assert_eq!(there["aspectRatio"], serde_json::json!({ "width": 1, "height": 1 }));
    let (url, did, cid) = (server.said("url"), server.said("did"), there["image"]["ref"]["$link"].as_str().unwrap());
    let blob = reqwest::get(format!("{url}/xrpc/com.atproto.sync.getBlob?did={did}&cid={cid}")).await.unwrap();
    assert_eq!(blob.bytes().await.unwrap(), bytes);
    // In a card, it is the card's; and in a thread, the CIDs that are worked out here hold all the same.
    let carded = Post { card: Some(card), ..post("vignette", 2) };
    let receipt = world.network.publish(&carded, &key("vignette"), now()).await.unwrap();
    let first = record(server, &receipt.remote_id).await.unwrap();
    assert_eq!(first["value"]["embed"]["external"]["thumb"]["ref"]["$link"], cid);
    assert_eq!(record(server, &receipt.parts[0]).await.unwrap()["value"]["reply"]["root"]["cid"], first["cid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_and_hashtags_beside_the_text_are_taken() {
    let Some(server) = shared_bluesky() else { return };
    let world = World::new(server).await;
    let card = Card {
        url: "https://www.example.fr/carte/".into(),
        title: "Une carte".into(),
        description: "Ce qu’elle montre".into(),
        thumb: None,
    };
    let with_card = Post { card: Some(card), ..post("carte", 1) };
    let receipt = world.network.publish(&with_card, &key("carte"), now()).await.unwrap();
    let value = record(server, &receipt.remote_id).await.unwrap()["value"].clone();
    assert_eq!(value["tags"], serde_json::json!(["Numérique"]));
    assert_eq!(value["embed"]["external"]["title"], "Une carte");
    // What the lexicon does not allow is refused, and told.
    let long = Post { text: "é".repeat(301), ..post("long", 1) };
    let refused = world.network.publish(&long, &key("long"), now()).await;
    assert!(matches!(&refused, Err(Failure::Refused(reason)) if reason.contains("300")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_own_password_works_and_is_remarked_on() {
    let Some(server) = shared_bluesky() else { return };
    let remarks = async |password: &str, now| {
        let place = Place::new();
        let config = place.config(&endpoints(server).replace(server.said("app_password"), password));
        let network = World::connect(&config, &Store::open(&config.store).await.unwrap());
        network.check(now).await.unwrap();
        network.remarks()
    };
    #[expect(clippy::disallowed_methods, reason = "the server has the system's clock")]
    let present = Timestamp::now();
    assert_eq!(remarks(server.said("app_password"), present).await, Vec::<String>::new());
    let said = remarks(server.said("password"), present).await;
    assert!(matches!(&said[..], [said] if said.contains("make an app password")), "{said:?}");
    let said = remarks(server.said("app_password"), present - SignedDuration::from_mins(5)).await;
    assert!(matches!(&said[..], [said] if said.contains("behind the server's")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_password_that_is_not_taken_is_told_with_what_to_do() {
    let Some(server) = shared_bluesky() else { return };
    let place = Place::new();
    let config = place.config(&endpoints(server).replace(server.said("app_password"), "faux-mot-de-passe"));
    let store = Store::open(&config.store).await.unwrap();
    let said = World::connect(&config, &store).check(now()).await;
    assert!(
        matches!(&said, Err(Failure::Unauthorised(reason)) if reason.contains("app password") && !reason.contains("faux-mot")),
        "{said:?}"
    );
}
