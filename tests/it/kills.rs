//! The binary, killed with -9 again and again at any moment, against a server that misbehaves in every way: each article
//! is posted once, counted at the server. Long, so it is asked for: `scripts/kills`, which says how often and on how many.

use crate::support::Place;
use crate::support::mastodon::{Mood, Server};
use std::process::Stdio;
use std::time::Duration;

/// A number of the environment.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What the server does next: mostly well, and now and then each trouble there is.
fn mood(round: usize) -> Mood {
    match (round * 7919) % 23 {
        0 => Mood::KeepThenHang,
        8 => Mood::Hang,
        9 => Mood::KeepThenCut,
        10 => Mood::Cut,
        1 => Mood::KeepThen(504),
        2 => Mood::KeepThen(500),
        3 => Mood::KeepThenGarbage,
        4 => Mood::Answer(500),
        5 => Mood::Answer(503),
        6 => Mood::Later(1),
        7 => Mood::KeepUnseen(1),
        _ => Mood::Well,
    }
}

#[expect(clippy::disallowed_methods, reason = "the binary has the system's clock, and so must its server")]
async fn killed_again_and_again(honours_keys: bool) {
    let (kills, articles) = (number("CRIEUR_KILLS", 20), number("CRIEUR_ARTICLES", 10));
    let server = Server::start(honours_keys).await;
    server.moods((0..articles * 6).map(mood));
    let place = Place::new();
    let rest = format!(
        "{}\nrules: [{{ name: une, endpoints: [mastodon], live_check: false, settle: 0s, fresh: 3650d }}]\nbaseline: none\ndelivery: {{ retry_first: 1s, retry_most: 3s }}",
        server.endpoints()
    );
    let crieur = place.crieur(&rest);
    let mut written = 0;
    for kill in 0..kills {
        server.tell_time(jiff::Timestamp::now());
        while written < articles && written * kills <= kill * articles {
            place.article(
                &format!("_actualites/a{written}.md"),
                &format!(
                    "title: Article n° {written}\ndate: 2026-11-22 09:{:02}:{:02} +00:00",
                    written / 60,
                    written % 60
                ),
            );
            written += 1;
        }
        let mut child = crieur
            .command(&["run", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The moment of the kill is what varies, not what is expected.
        tokio::time::sleep(Duration::from_millis(30 + (kill as u64 * 7_919) % 700)).await;
        let _ = child.kill();
        child.wait().unwrap();
    }
    while written < articles {
        place.article(&format!("_actualites/a{written}.md"), &format!("title: Article n° {written}\ndate: 2026-11-22"));
        written += 1;
    }
    // What was cut off is looked for twice, a minute apart: as long as something waits, it is waited for.
    loop {
        server.tell_time(jiff::Timestamp::now());
        crieur.run(&["run", "--once"]);
        let posts = crieur.json(&["posts", "--json"]);
        let open: Vec<_> = posts.as_array().unwrap().iter().filter(|post| post["state"] != "published").collect();
        if open.is_empty() {
            assert_eq!(posts.as_array().unwrap().len(), articles, "each article is in the outbox");
            break;
        }
        let waits = |post: &&serde_json::Value| matches!(post["state"].as_str(), Some("pending" | "sending"));
        assert!(open.iter().all(waits), "{open:#?}");
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let mut texts = server.texts();
    let all = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), all), (articles, articles), "each article is there once");
    crieur.ok(&["log", "verify"]);
    println!(
        "{kills} kills, {articles} articles, keys honoured: {honours_keys}: each there once, {} requests",
        server.requests().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long; scripts/kills"]
async fn a_server_that_honours_keys_gets_each_post_once() {
    killed_again_and_again(true).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long; scripts/kills"]
async fn a_server_that_ignores_keys_gets_each_post_once() {
    killed_again_and_again(false).await;
}
