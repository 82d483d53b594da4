//! `publish-now`: ten at once beside a running daemon, alone, and what it refuses.

use crate::support::{Crieur, Place};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

const SLOT: &str = "http: { listen: 127.0.0.1:0 }\nendpoints: { essai: { network: journal } }\nrules: [{ name: une, articles: { tags: [Cloud] }, endpoints: [essai], when: { slots: \"0 0 1 1 *\" } }]";

fn site() -> Place {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-01 09:00:00 +01:00\ntags: [Cloud]");
    place.article("_actualites/draft.md", "title: Brouillon\ndate: 2026-11-01\ntags: [Cloud]\npublished: false");
    place.article("_actualites/ahead.md", "title: Plus tard\ndate: 2099-01-01\ntags: [Cloud]");
    place
}

/// A daemon that has said that it listens.
fn daemon(crieur: &Crieur) -> Child {
    let mut child = crieur.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("Crieur reads"), "{line}");
    child
}

fn ten_at_once(crieur: &Crieur) {
    let running: Vec<Child> = (0..10)
        .map(|_| crieur.command(&["publish-now", "a"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let receipts: Vec<String> = running
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert!(receipts.iter().all(|receipt| *receipt == "essai: published /timeline#post-1\n"), "{receipts:?}");
    let posts = crieur.json(&["posts", "--json"]);
    assert_eq!((posts.as_array().unwrap().len(), &posts[0]["attempts"]), (1, &1.into()));
}

#[test]
fn ten_at_once_beside_a_running_daemon_post_once_and_print_one_receipt() {
    let place = site();
    let crieur = place.crieur(SLOT);
    let mut daemon = daemon(&crieur);
    ten_at_once(&crieur);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn ten_at_once_alone_post_once_and_print_one_receipt() {
    let place = site();
    let crieur = place.crieur(SLOT);
    ten_at_once(&crieur);
    assert_eq!(
        crieur.ok(&["publish-now", "https://www.example.fr/actualites/a/"]),
        "essai: published /timeline#post-1\n"
    );
}

#[test]
fn nothing_goes_out_early_by_hand_either() {
    let place = site();
    let crieur = place.crieur(SLOT);
    for (article, word) in [("draft", "draft"), ("ahead", "date is to come"), ("nowhere", "no article is found")] {
        let output = crieur.run(&["publish-now", article]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(crieur.run(&["publish-now"]).status.code(), Some(2));
    assert_eq!(crieur.json(&["posts", "--json"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_persons_hold_is_not_overridden_and_an_unknown_endpoint_is_a_matter_of_usage() {
    let place = site();
    let crieur = place.crieur(SLOT);
    crieur.ok(&["run", "--once"]);
    place.article("_actualites/b.md", "title: Autre\ndate: 2026-11-02\ntags: [Cloud]");
    let copy = std::fs::read(place.site().join("_actualites/b.md")).unwrap();
    crieur.ok(&["run", "--once"]);
    place.write("_actualites/b-a5d7ba.md", copy);
    let output = crieur.run(&["publish-now", "b-a5d7ba"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("held") && said.contains("_actualites/b.md"), "{said}");
    assert_eq!(crieur.run(&["publish-now", "a", "--endpoint", "nulle-part"]).status.code(), Some(2));
    let id = crieur.json(&["posts", "--state", "held", "--json"])[0]["id"].to_string();
    crieur.ok(&["posts", "cancel", &id]);
    assert_eq!(crieur.run(&["publish-now", "b-a5d7ba"]).status.code(), Some(1));
    assert_eq!(crieur.published(), Vec::<String>::new());
}

#[test]
fn a_dry_run_and_the_looking_commands_touch_nothing() {
    let place = site();
    let crieur = place.crieur(SLOT);
    for arguments in [
        vec!["publish-now", "a", "--dry-run"],
        vec!["plan"],
        vec!["preview", "a"],
        vec!["feeds"],
        vec!["check"],
        vec!["posts"],
        vec!["plan", "--json"],
    ] {
        crieur.ok(&arguments);
        assert!(!place.path("crieur.db").exists(), "{arguments:?}");
    }
}

#[test]
fn the_preview_is_what_is_sent() {
    let place = site();
    let crieur = place.crieur(SLOT);
    let preview = crieur.json(&["preview", "a", "--json"]);
    crieur.ok(&["publish-now", "a"]);
    assert_eq!(crieur.json(&["posts", "--json"])[0]["text"], preview[0]["text"]);
}

#[test]
fn a_stopped_daemon_says_so_and_exits_well() {
    let place = site();
    let crieur = place.crieur(SLOT);
    let daemon = daemon(&crieur);
    std::process::Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert_eq!(daemon.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn an_empty_text_is_refused_before_anything_is_written() {
    let place = site();
    let crieur = place.crieur(SLOT);
    for text in ["", " \n\t", "\u{a0}"] {
        for more in [&[][..], &["--dry-run"]] {
            let output = crieur.run(&[&["publish-now", "a", "--text", text], more].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("the text is empty"), "{said}");
        }
    }
    assert!(!place.path("crieur.db").exists());
}

#[test]
fn a_text_that_says_nothing_when_it_is_filled_in_is_not_posted() {
    let place = site();
    let crieur = place.crieur(SLOT);
    for text in ["{{ \"\" }}", "{% if false %}x{% endif %}"] {
        let previewed = crieur.run(&["publish-now", "a", "--text", text, "--dry-run"]);
        assert!(!previewed.status.success(), "{previewed:?}");
        let output = crieur.run(&["publish-now", "a", "--text", text]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("its text says nothing"), "{output:?}");
    }
    let posts = crieur.json(&["posts", "--json"]);
    assert_eq!((posts[0]["state"].as_str(), posts[0]["attempts"].as_u64()), (Some("failed"), Some(0)), "{posts}");
}

#[test]
fn a_text_for_what_waits_for_approval_is_kept_and_who_gave_it_does_not_approve_it() {
    let place = site();
    let rule = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], approval: { required: 1 } }]\nbaseline: none";
    let crieur = place.crieur(rule);
    crieur.run(&["run", "--once"]);
    let id = crieur.json(&["posts", "--json"])[0]["id"].to_string();
    crieur.run(&["publish-now", "a", "--text", "Un mot à nous", "--as", "dom"]);
    let refused = crieur.run(&["posts", "approve", &id, "--as", "dom"]);
    assert!(!refused.status.success(), "{refused:?}");
    crieur.ok(&["posts", "approve", &id, "--as", "aya"]);
    crieur.run(&["run", "--once"]);
    assert_eq!(crieur.json(&["posts", "--json"])[0]["text"], "Un mot à nous");
    crieur.ok(&["log", "verify"]);
}

#[test]
fn what_the_gap_holds_back_is_told_with_the_moment_at_which_it_can_go_out() {
    let place = site();
    place.article("_actualites/b.md", "title: Suite\ndate: 2026-11-02 09:00:00 +01:00\ntags: [Cloud]");
    let crieur = place.crieur(&SLOT.replace("journal }", "journal, gap: 20d }"));
    crieur.ok(&["publish-now", "a"]);
    let output = crieur.run(&["publish-now", "b", "--wait", "1s"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("it waits, and can go out at "), "{said}");
}
