//! The binary, killed: whatever the moment, each article is posted once. The journal would not keep a second post of
//! one key; a real server that would is in `snac.rs`, and one that misbehaves in `deliver.rs`.

use crate::support::{Crieur, Place};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

const RULE: &str =
    "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none";

fn site() -> Place {
    let place = Place::new();
    for n in 0..5 {
        place.article(
            &format!("_actualites/a{n}.md"),
            &format!("title: Article {n}\ndate: 2026-11-0{} 09:00:00 +01:00", n + 1),
        );
    }
    place
}

fn posted_once(crieur: &Crieur) {
    let posts = crieur.json(&["posts", "--json"]);
    let posts = posts.as_array().unwrap();
    assert_eq!(posts.len(), 5);
    assert!(posts.iter().all(|post| post["state"] == "published"), "{posts:#?}");
    let mut receipts: Vec<&str> = posts.iter().map(|post| post["remote_id"].as_str().unwrap()).collect();
    receipts.sort_unstable();
    assert_eq!(receipts, ["1", "2", "3", "4", "5"], "the journal has exactly five posts");
}

#[test]
fn killed_between_any_two_steps() {
    for point in ["before-commit", "after-commit", "after-lease", "after-start", "after-publish", "before-finish"] {
        let place = site();
        let crieur = place.crieur(RULE);
        for _ in 0..3 {
            let output = crieur.command(&["run", "--once"]).env("CRIEUR_CRASH_AT", point).output().unwrap();
            assert_eq!(output.status.signal(), Some(6), "it dies at {point}");
        }
        crieur.ok(&["run", "--once"]);
        posted_once(&crieur);
    }
}

#[test]
fn killed_at_any_moment() {
    for round in 0..12u64 {
        let place = site();
        let crieur = place.crieur(RULE);
        for kill in 0..6u64 {
            let mut child = crieur.command(&["run", "--once"]).stderr(std::process::Stdio::null()).spawn().unwrap();
            // The moment of the kill is what varies, not what is expected.
            std::thread::sleep(Duration::from_millis(5 + (round * 37 + kill * 23) % 160));
            let _ = child.kill();
            child.wait().unwrap();
        }
        crieur.ok(&["run", "--once"]);
        posted_once(&crieur);
    }
}
