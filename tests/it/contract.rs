//! What every network without a server of its own here must do, shown against servers that judge each request as the network
//! would: one post whatever happens, or a person is asked; the text as it was composed; nobody called; no secret said.

use crate::support::fakes::{self, CANARY, Mood};
use crate::support::rows::{BLUESKY_WHOSE_SESSION_ENDS, Doubt, ROWS, START, World, rest};
use crieur::config::EndpointName;
use crieur::delivery::{DeliveryKey, Failure, Receipt, State};
use crieur::network::{Found, Network, Wanted};
use crieur::post::{Card, Image, Post};

#[tokio::test]
async fn a_post_goes_out_once_as_it_was_composed_and_calls_nobody() {
    for row in ROWS {
        let world = World::new(row).await;
        let delivery = world.run().await;
        assert_eq!((delivery.state, delivery.attempts), (State::Published, 1), "{}: {:?}", row.name, delivery.reason);
        assert_eq!(world.fake.texts(), [delivery.text.clone().unwrap()], "{}", row.name);
        assert!(world.fake.texts()[0].contains("@channel @here @everyone"), "{}", row.name);
        assert!(delivery.remote_id.is_some_and(|id| !id.is_empty()), "{}", row.name);
        world.run().await;
        assert_eq!(world.fake.posts(), 1, "{}", row.name);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_post() {
    for row in ROWS {
        for mood in [Mood::KeepThen(504), Mood::KeepThen(500), Mood::KeepThenBreak, Mood::KeepThenGarbage] {
            // Any success is one to a receiver of messages.
            if mood == Mood::KeepThenGarbage && row.name.starts_with("webhook") {
                continue;
            }
            let world = World::new(row).await;
            world.fake.moods([mood.clone()]);
            let delivery = world.run().await;
            let (state, requests) = match row.doubt {
                Doubt::Found => (State::Published, 1),
                Doubt::Asked => (State::Uncertain, 1),
                Doubt::Repeated => (State::Published, 2),
            };
            let is_read_as_success = mood == Mood::KeepThenGarbage && row.name == "teams";
            let state = if is_read_as_success { State::Published } else { state };
            assert_eq!(delivery.state, state, "{} {mood:?}: {:?}", row.name, delivery.reason);
            assert_eq!((world.fake.texts().len(), world.fake.posts()), (1, requests), "{} {mood:?}", row.name);
        }
    }
}

#[tokio::test]
async fn an_outage_is_waited_out_where_the_network_can_tell_and_told_where_it_cannot() {
    for row in ROWS {
        let world = World::new(row).await;
        world.fake.moods([Mood::Answer(500), Mood::Answer(503)]);
        let delivery = world.run().await;
        let (state, posts) = match row.doubt {
            Doubt::Found | Doubt::Repeated => (State::Published, 1),
            Doubt::Asked => (State::Uncertain, 0),
        };
        assert_eq!((delivery.state, world.fake.texts().len()), (state, posts), "{}: {:?}", row.name, delivery.reason);
    }
}

#[tokio::test]
async fn too_much_is_waited_for_and_nothing_is_in_doubt() {
    for row in ROWS {
        let world = World::new(row).await;
        world.fake.moods([Mood::TooMuch(120)]);
        let delivery = world.run().await;
        assert_eq!((delivery.state, delivery.attempts), (State::Published, 2), "{}: {:?}", row.name, delivery.reason);
        let waited = world.clock.now().duration_since(START.parse().unwrap());
        assert!(waited >= jiff::SignedDuration::from_secs(120), "{}: {waited}", row.name);
    }
}

#[tokio::test]
async fn a_refusal_stops_and_says_what_to_do() {
    for row in ROWS {
        for mood in [Mood::Unwanted, Mood::Answer(403), Mood::Answer(404), Mood::Answer(302)] {
            let world = World::new(row).await;
            world.fake.moods([mood.clone()]);
            let endpoint = EndpointName::new("n");
            world.deliverer.step(&endpoint, None, &world.snapshot).await.unwrap();
            // Some networks say so of credentials: below.
            if world.deliverer.paused(&endpoint).await.unwrap().is_some() {
                assert_ne!(mood, Mood::Unwanted, "{}", row.name);
                continue;
            }
            let delivery = world.run().await;
            assert_eq!(
                (delivery.state, world.fake.posts()),
                (State::Failed, 1),
                "{} {mood:?}: {:?}",
                row.name,
                delivery.reason
            );
            assert!(delivery.reason.is_some_and(|reason| reason.len() > 20), "{} {mood:?}", row.name);
        }
    }
}

/// Where the address of a hook is the credential, some networks say that they know no such hook, which stops a post.
#[tokio::test]
async fn credentials_that_are_not_accepted_pause_the_endpoint_and_no_post_fails_for_it() {
    for row in ROWS {
        let world = World::new(row).await;
        world.fake.moods([Mood::Unknown]);
        let endpoint = EndpointName::new("n");
        world.deliverer.step(&endpoint, None, &world.snapshot).await.unwrap();
        let Some(paused) = world.deliverer.paused(&endpoint).await.unwrap() else {
            let delivery = world.store.deliveries().await.unwrap().remove(0);
            assert!(row.name.ends_with("hook") || row.name == "teams", "{}: {delivery:?}", row.name);
            assert_eq!(delivery.state, State::Failed, "{}", row.name);
            continue;
        };
        assert!(paused.len() > 20 && !paused.contains(CANARY), "{}: {paused}", row.name);
        let waiting = world.store.deliveries().await.unwrap().remove(0);
        assert_eq!((waiting.state, waiting.reason), (State::Pending, Some(paused)), "{}", row.name);
        // Mended, it goes out.
        let delivery = world.run().await;
        assert_eq!((delivery.state, world.fake.texts().len()), (State::Published, 1), "{}", row.name);
        assert_eq!(world.deliverer.paused(&endpoint).await.unwrap(), None, "{}", row.name);
    }
}

/// What the program says while everything goes wrong, in as many words as it has.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_the_log_whatever_the_server_repeats() {
    for row in ROWS {
        for mood in [Mood::Unknown, Mood::Answer(404)] {
            let world = World::new(row).await;
            world.fake.moods([mood.clone()]);
            let file = world.place.path("crieur.yaml");
            std::fs::write(&file, world.place.yaml(&rest(row, &world.fake))).unwrap();
            let said = tokio::task::spawn_blocking(move || {
                let crieur = crate::support::Crieur { file };
                let run = crieur.command(&["run", "--once"]).env("CRIEUR_LOG", "trace").output().unwrap();
                let posts = crieur.command(&["posts", "--json"]).output().unwrap();
                [run, posts].map(|output| [output.stdout, output.stderr].concat()).concat()
            });
            let said = String::from_utf8_lossy(&said.await.unwrap()).into_owned();
            assert!(said.contains("_actualites/a.md") && world.fake.posts() > 0, "{}: {said}", row.name);
            let leak = said.lines().find(|line| line.contains(CANARY));
            assert_eq!(leak, None, "{} {mood:?}", row.name);
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_is_waited_for() {
    for row in ROWS {
        let world = World::new(row).await;
        world.fake.moods([Mood::Slow]);
        let delivery = world.run().await;
        assert_eq!((delivery.state, delivery.attempts), (State::Published, 1), "{}: {:?}", row.name, delivery.reason);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_before_the_post_is_kept_loses_no_post() {
    for row in ROWS {
        let world = World::new(row).await;
        world.fake.moods([Mood::Break]);
        let delivery = world.run().await;
        let (state, posts) = match row.doubt {
            Doubt::Found | Doubt::Repeated => (State::Published, 1),
            Doubt::Asked => (State::Uncertain, 0),
        };
        assert_eq!((delivery.state, world.fake.texts().len()), (state, posts), "{}: {:?}", row.name, delivery.reason);
        if state == State::Uncertain {
            assert!(delivery.reason.is_some_and(|reason| reason.contains("posts resolve")), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn a_session_that_ends_is_renewed_without_a_sign_in_and_many_posts_need_one() {
    let world = World::new(&BLUESKY_WHOSE_SESSION_ENDS).await;
    let delivery = world.run().await;
    assert_eq!((delivery.state, delivery.attempts), (State::Published, 1), "{:?}", delivery.reason);
    for n in 0..100 {
        let article = crieur::article::ArticleId::mint("x", &n.to_string(), &|_| false);
        let key = DeliveryKey::publication(article, "une", &EndpointName::new("n"));
        let post = Post { text: format!("n° {n}"), language: "fr".into(), ..Post::default() };
        // As after a restart: what is kept is all there is.
        world.network().publish(&post, &key, world.clock.now()).await.unwrap();
    }
    let called = |method: &str| world.fake.requests().iter().filter(|request| request.path.ends_with(method)).count();
    assert_eq!((called("createSession"), called("refreshSession"), world.fake.texts().len()), (1, 1, 101));
    world.look_for_faults(&delivery);
}

#[tokio::test]
async fn an_image_that_the_server_is_still_at_work_on_is_waited_for_and_not_sent_twice() {
    let world = World::new(&ROWS[0]).await;
    let (image, _) = crate::support::real::picture(&world.store, "Un point").await;
    let post = Post { text: "Avec une image".into(), language: "fr".into(), images: vec![image], ..Post::default() };
    let article = crieur::article::ArticleId::mint("x", "image", &|_| false);
    let key = DeliveryKey::publication(article, "une", &EndpointName::new("n"));
    let (network, now) = (world.network(), world.clock.now());
    let first = network.publish(&post, &key, now).await;
    assert!(matches!(&first, Err(Failure::Unavailable(reason)) if reason.contains("at work on an image")), "{first:?}");
    assert_eq!(world.fake.posts(), 0);
    network.publish(&post, &key, now).await.unwrap();
    let uploads = world.fake.requests().iter().filter(|request| request.path == "/api/v2/media").count();
    assert_eq!((uploads, world.fake.texts()), (1, vec!["Avec une image".to_owned()]));
    assert_eq!(world.fake.wrong(), Vec::<String>::new());
}

#[tokio::test]
async fn who_the_account_is_can_be_asked_and_publishes_nothing() {
    for row in ROWS {
        let world = World::new(row).await;
        let network = world.network();
        let who = network.check(world.clock.now()).await.unwrap();
        assert!(who.contains(row.who) && !who.contains(CANARY), "{}: {who}", row.name);
        let lacks = network.remarks().iter().any(|remark| remark.contains("lacks the scopes write:media;"));
        assert_eq!(lacks, row.name == "mastodon", "{}: {:?}", row.name, network.remarks());
        assert_eq!((world.fake.posts(), world.fake.wrong()), (0, vec![]), "{}", row.name);
    }
}

#[tokio::test]
async fn a_post_can_be_changed_and_taken_away_where_the_network_lets_it_and_twice_is_once() {
    for row in ROWS {
        let world = World::new(row).await;
        let delivery = world.run().await;
        let (network, now) = (world.network(), world.clock.now());
        let receipt = Receipt::new(delivery.remote_id.clone().unwrap(), delivery.remote_url.clone());
        let abilities = network.abilities();
        assert_eq!((abilities.edits, abilities.withdraws), (row.edits, row.withdraws), "{}", row.name);
        let post =
            Post {
                text: "Rectifié : *midi*, @here #Cloud".into(), hashtags: vec!["#Cloud".into()], ..Post::default()
            };
        for _ in 0..2 {
            let edited = network.edit(&receipt, &post, &delivery.key, now).await;
            match row.edits {
                true => assert_eq!(edited.as_ref(), Ok(&receipt), "{}", row.name),
                false => assert!(matches!(edited, Err(Failure::Refused(_))), "{}", row.name),
            }
        }
        if row.edits {
            assert_eq!(world.fake.texts(), [post.text.as_str()], "{}", row.name);
        }
        let withdrawals = if row.name == "x" { 1 } else { 2 };
        for _ in 0..withdrawals {
            let gone = network.withdraw(&receipt, &delivery.key, now).await;
            assert_eq!(gone.is_ok(), row.withdraws, "{}: {gone:?}", row.name);
        }
        assert_eq!(world.fake.texts().len(), usize::from(!row.withdraws), "{}", row.name);
        assert_eq!(world.fake.wrong(), Vec::<String>::new(), "{}", row.name);
    }
}

#[tokio::test]
async fn a_receipt_that_is_not_the_networks_own_leads_nowhere() {
    for row in ROWS.iter().filter(|row| row.withdraws && !row.name.starts_with("webhook")) {
        let world = World::new(row).await;
        let network = world.network();
        let key = DeliveryKey::publication(
            crieur::article::ArticleId::mint("x", "y", &|_| false),
            "une",
            &EndpointName::new("n"),
        );
        for id in ["", "../me", "a b", "1?x=y", "#"] {
            let gone = network.withdraw(&Receipt::new(id, None), &key, world.clock.now()).await;
            assert!(matches!(gone, Err(Failure::Refused(_))), "{} {id:?}: {gone:?}", row.name);
        }
        assert!(world.fake.requests().is_empty(), "{}", row.name);
    }
}

/// The key of a post that no article has.
fn some_key() -> DeliveryKey {
    let article = crieur::article::ArticleId::mint("x", "y", &|_| false);
    DeliveryKey::publication(article, "une", &EndpointName::new("n"))
}

/// Publishes as often as the network says that nothing of it stands yet and it may.
async fn patiently(network: &dyn Network, post: &Post, world: &World) -> Result<Receipt, Failure> {
    for _ in 0..5 {
        match network.publish(post, &some_key(), world.clock.now()).await {
            Err(Failure::Unavailable(_)) => {}
            done => return done,
        }
    }
    panic!("{}: it is never done", world.row.name);
}

/// Networks that have tests of their own for images, or none.
const NO_IMAGES: [&str; 4] = ["mastodon", "bluesky", "matrix", "linkedin"];

#[tokio::test]
async fn images_are_shown_with_their_alternative_texts_and_a_lost_answer_doubles_none() {
    for row in ROWS.iter().filter(|row| !NO_IMAGES.contains(&row.name)) {
        for mood in [Mood::Good, Mood::KeepThen(504)] {
            let world = World::new(row).await;
            let (network, now) = (world.network(), world.clock.now());
            let limits = network.limits(now).await;
            assert!(network.abilities().images && limits.images_max >= 4 && limits.alt_max >= 100, "{}", row.name);
            let mut post = Post { text: "Avec deux images\n\nhttps://www.example.fr/a".into(), ..Post::default() };
            for (bytes, alt) in [("un", "Un agent [de face] @here"), ("deux", "Un écran")] {
                let image = Image {
                    digest: crieur::digest::hex(bytes, 32),
                    media_type: "image/png".into(),
                    width: 1,
                    height: 1,
                    alt: alt.into(),
                    url: format!("https://www.example.fr/{bytes}.png"),
                };
                world.store.keep_media(&image.digest, &image.media_type, bytes.as_bytes(), now).await.unwrap();
                post.images.push(image);
            }
            world.fake.moods([mood.clone()]);
            let published = patiently(&*network, &post, &world).await;
            assert_eq!(world.fake.wrong(), Vec::<String>::new(), "{}", row.name);
            match (&mood, row.doubt) {
                (Mood::Good, _) => assert!(published.is_ok(), "{}: {published:?}", row.name),
                (_, Doubt::Found) => {
                    assert!(matches!(published, Err(Failure::Uncertain(_))), "{}: {published:?}", row.name);
                    let key = some_key();
                    let wanted = Wanted { post: &post, key: &key, since: now, taken: &[] };
                    let found = network.find(&wanted, now).await;
                    assert!(matches!(found, Ok(Found::Yes(_))), "{}: {found:?}", row.name);
                }
                _ => assert!(matches!(published, Err(Failure::Uncertain(_))), "{}: {published:?}", row.name),
            }
            let (images, texts) = (world.fake.images(), world.fake.texts().join("\n"));
            assert_eq!(images.len(), 2, "{}", row.name);
            let said = format!("{}\n{texts}", images.join("\n")).replace('\u{2060}', "");
            for image in &post.images {
                assert!(said.contains(&image.alt), "{}: {said}", row.name);
            }
            // Nothing stands twice, and taking it away takes all of it.
            if let (Ok(receipt), true) = (&published, row.withdraws && !row.name.starts_with("webhook")) {
                network.withdraw(receipt, &some_key(), now).await.unwrap();
                assert_eq!(world.fake.texts(), Vec::<String>::new(), "{}", row.name);
            }
        }
    }
}

#[tokio::test]
async fn a_long_text_goes_to_telegram_with_its_image_as_the_preview_of_a_link() {
    let row = ROWS.iter().find(|row| row.name == "telegram").unwrap();
    let world = World::new(row).await;
    let (network, now) = (world.network(), world.clock.now());
    let (mut image, _) = crate::support::real::picture(&world.store, "Un point").await;
    image.url = "https://www.example.fr/a.png".into();
    let post = Post { text: "mot ".repeat(500), language: "fr".into(), images: vec![image], ..Post::default() };
    let receipt = network.publish(&post, &some_key(), now).await.unwrap();
    let sent = world.fake.requests().pop().unwrap().json().unwrap();
    assert_eq!(sent["link_preview_options"]["url"], "https://www.example.fr/a.png");
    assert!(world.fake.texts()[0].ends_with("Image\u{A0}: Un point"), "{:?}", world.fake.texts());
    // A photo's text is its caption, and is changed as one.
    let short = Post { text: "Court".into(), ..post.clone() };
    let photo = network.publish(&short, &some_key(), now).await.unwrap();
    let edited = Post { text: "Rectifié".into(), ..short };
    network.edit(&photo, &edited, &some_key(), now).await.unwrap();
    network.edit(&receipt, &Post { text: "Rectifié aussi. ".repeat(100), ..post }, &some_key(), now).await.unwrap();
    assert!(world.fake.texts()[1].starts_with("Rectifié\n\nImage"), "{:?}", world.fake.texts());
    assert_eq!(world.fake.wrong(), Vec::<String>::new());
}

#[tokio::test]
async fn a_post_that_answers_another_one_is_found_when_its_own_answer_is_lost() {
    let mut with_answers = Vec::new();
    for row in ROWS {
        let world = World::new(row).await;
        let (network, now) = (world.network(), world.clock.now());
        if !network.abilities().answers {
            continue;
        }
        with_answers.push(row.name);
        let post = Post { text: "Le montant est de 12 Md€".into(), language: "fr".into(), ..Post::default() };
        let first = network.publish(&post, &some_key(), now).await.unwrap();
        let text = "Rectificatif : le montant est de 12 M€, la loi de 2025".into();
        let answer = Post { text, answers: Some(first.remote_id.clone()), ..post };
        let key = some_key().corrected("marque");
        world.fake.moods([Mood::KeepThen(504)]);
        let done = network.publish(&answer, &key, now).await;
        assert!(matches!(done, Err(Failure::Uncertain(_))), "{}: {done:?}", row.name);
        let taken = [first.remote_id.clone()];
        let found = network.find(&Wanted { post: &answer, key: &key, since: now, taken: &taken }, now).await;
        assert!(
            matches!(&found, Ok(Found::Yes(receipt)) if receipt.remote_id != first.remote_id),
            "{}: {found:?}",
            row.name
        );
        assert_eq!((world.fake.posts(), world.fake.wrong()), (2, Vec::<String>::new()), "{}", row.name);
        // Its beginning is gone: nothing is sent into the void, or the network says so.
        let to_nothing = Post { answers: Some("0".into()), ..answer };
        let refused = network.publish(&to_nothing, &key.corrected("autre"), now).await;
        assert!(refused.is_err(), "{}: {refused:?}", row.name);
    }
    assert_eq!(with_answers, ["mastodon", "bluesky", "discord bot", "x"]);
}

/// Networks whose posts can go on in further ones, each a request of its own.
pub const IN_PARTS: [&str; 7] = ["mastodon", "mattermost bot", "slack bot", "discord bot", "telegram", "x", "threads"];

#[tokio::test]
async fn a_thread_that_is_cut_off_anywhere_goes_on_where_it_was_and_no_part_stands_twice() {
    for row in ROWS {
        let one_request = row.name == "bluesky" || row.name.starts_with("webhook");
        let threads = IN_PARTS.contains(&row.name);
        assert_eq!(World::new(row).await.network().abilities().threads, threads || one_request, "{}", row.name);
        for cut in 0..3 * usize::from(threads) {
            for mood in [Mood::Good, Mood::KeepThen(504), Mood::Answer(500), Mood::TooMuch(30)] {
                let world = World::new(row).await;
                let (network, now) = (world.network(), world.clock.now());
                assert!(network.limits(now).await.thread, "{}", row.name);
                let texts = ["Le début 1/3", "La suite 2/3", "La fin 3/3"].map(str::to_owned);
                let post = Post {
                    text: texts[0].clone(),
                    thread: texts[1..].to_vec(),
                    language: "fr".into(),
                    ..Post::default()
                };
                world.fake.moods(std::iter::repeat_n(Mood::Good, cut).chain([mood.clone()]));
                let key = some_key();
                let mut done = network.publish(&post, &key, now).await;
                // As after a restart: what is remembered stands in the database.
                let network = world.network();
                let what = format!("{} {mood:?} in part {cut}: {done:?}", row.name);
                let mut is_asked = false;
                for _ in 0..3 {
                    done = match done {
                        Ok(_) => break,
                        Err(Failure::Uncertain(_)) => {
                            let wanted = Wanted { post: &post, key: &key, since: now, taken: &[] };
                            match network.find(&wanted, now).await {
                                Ok(Found::Yes(receipt)) => Ok(receipt),
                                Ok(Found::Part(begun)) => network.complete(&post, &begun, &key, now).await,
                                Ok(Found::No) => network.publish(&post, &key, now).await,
                                Err(Failure::Refused(_)) if row.doubt == Doubt::Asked => {
                                    is_asked = true;
                                    break;
                                }
                                other => panic!("{what}: {other:?}"),
                            }
                        }
                        Err(_) => {
                            assert_eq!(cut, 0, "{what}");
                            network.publish(&post, &key, now).await
                        }
                    };
                }
                assert_eq!(world.fake.wrong(), Vec::<String>::new(), "{what}");
                let in_doubt = matches!(mood, Mood::KeepThen(_) | Mood::Answer(_));
                assert_eq!(is_asked, in_doubt && row.doubt == Doubt::Asked, "{what}");
                if is_asked {
                    let stands = cut + usize::from(matches!(mood, Mood::KeepThen(_)));
                    assert_eq!(world.fake.texts(), texts[..stands], "{what}");
                    continue;
                }
                let receipt = done.unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                assert_eq!((world.fake.texts(), receipt.parts.len()), (texts.to_vec(), 2), "{what}");
                network.withdraw(&receipt, &key, now).await.unwrap();
                assert_eq!(world.fake.texts(), Vec::<String>::new(), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn what_threads_is_at_work_on_for_one_post_is_no_other_posts() {
    let row = ROWS.iter().find(|row| row.name == "threads").unwrap();
    let world = World::new(row).await;
    let (network, now) = (world.network(), world.clock.now());
    let image = Image {
        digest: crieur::digest::hex("un", 32),
        media_type: "image/png".into(),
        width: 1,
        height: 1,
        alt: "Un agent".into(),
        url: "https://www.example.fr/un.png".into(),
    };
    let post = |text: &str| Post { text: text.into(), images: vec![image.clone()], ..Post::default() };
    let (first, second) = (post("Le premier"), post("Le second"));
    for post in [&first, &second] {
        let begun = network.publish(post, &some_key(), now).await;
        assert!(matches!(begun, Err(Failure::Unavailable(_))), "{begun:?}");
    }
    for post in [&second, &first] {
        patiently(&*network, post, &world).await.unwrap();
    }
    assert_eq!(world.fake.texts(), ["Le second", "Le premier"]);
    assert_eq!(world.fake.wrong(), Vec::<String>::new());
}

#[tokio::test]
async fn images_go_to_linkedin_before_the_post_that_has_them() {
    let row = ROWS.iter().find(|row| row.name == "linkedin").unwrap();
    let world = World::new(row).await;
    let (network, now) = (world.network(), world.clock.now());
    let image = |bytes: &[u8], alt: &str| Image {
        digest: crieur::digest::hex(bytes, 32),
        media_type: "image/jpeg".into(),
        width: 1,
        height: 1,
        alt: alt.into(),
        url: String::new(),
    };
    let (one, two, gone) = (image(b"un", "Un"), image(b"deux", "Deux"), image(b"parti", ""));
    for (image, bytes) in [(&one, b"un".as_slice()), (&two, b"deux")] {
        world.store.keep_media(&image.digest, &image.media_type, bytes, now).await.unwrap();
    }
    let key = DeliveryKey::publication(
        crieur::article::ArticleId::mint("x", "y", &|_| false),
        "une",
        &EndpointName::new("n"),
    );
    let card = Card {
        url: "https://x.fr/a".into(),
        title: "Un *titre*".into(),
        description: String::new(),
        thumb: Some(one.clone()),
    };
    let posts = [
        Post { text: "Une image".into(), images: vec![one.clone()], ..Post::default() },
        Post { text: "Deux images".into(), images: vec![one.clone(), two], ..Post::default() },
        Post { text: "Une carte".into(), card: Some(card), ..Post::default() },
    ];
    for post in &posts {
        network.publish(post, &key, now).await.unwrap();
    }
    assert_eq!((world.fake.wrong(), world.fake.posts()), (vec![], 3));
    let sent: Vec<Vec<u8>> = world.fake.requests().into_iter().filter(|r| r.method == "PUT").map(|r| r.body).collect();
    assert_eq!(sent, [b"un".to_vec(), b"un".to_vec(), b"deux".to_vec(), b"un".to_vec()]);
    // What goes wrong with an image is never a doubt about the post.
    world.fake.script("/rest/images", fakes::Reply::text(502, ""));
    let failed = network.publish(&posts[0], &key, now).await;
    assert!(matches!(failed, Err(Failure::Unavailable(_))), "{failed:?}");
    let lost = Post { text: "Sans image".into(), images: vec![gone], ..Post::default() };
    let lost = network.publish(&lost, &key, now).await;
    assert!(matches!(lost, Err(Failure::Refused(_))), "{lost:?}");
    assert_eq!(world.fake.posts(), 3);
}
