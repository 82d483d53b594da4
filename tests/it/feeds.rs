//! The feeds of the example site: what must never be in them, and which there are.

use crate::support::judged::files;
use crate::support::{Crieur, Place};
use std::path::PathBuf;

/// The example site's feeds as files, in a folder of their own.
fn build(place: &Place) -> PathBuf {
    let file = place.path("example.yaml");
    let yaml = format!(
        "site: {{ root: examples/site }}\nstore: \"sqlite:{}\"\nhttp: {{ public_url: https://flux.example.fr }}\n",
        place.path("no.db").display()
    );
    std::fs::write(&file, yaml).unwrap();
    let out = place.path("out");
    let output = Crieur { file }.command(&["build", "--out", out.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out.join("feeds")
}

#[test]
fn nothing_that_must_stay_in_its_file_is_in_any_document() {
    let place = Place::new();
    for path in files(&build(&place)) {
        let text = std::fs::read_to_string(&path).unwrap();
        for canary in [
            "presse-canari",
            "Capucine Verdelot",
            "brouillon-canari",
            "exemple.pdf",
            "capsule",
            "Nomination",
            "Messagerie des mairies",
            "Mentions légales",
            "{:",
            "{%",
            "{{",
        ] {
            assert!(!text.contains(canary), "{canary} is in {}", path.display());
        }
        for relative in ["src=\\\"/", "href=\\\"/", "src=\"/", "href=\"/", "src=&quot;/", "<script", "<iframe"] {
            assert!(!text.contains(relative), "{relative} is in {}", path.display());
        }
    }
}

#[test]
fn two_spellings_of_a_tag_share_a_feed_and_two_tags_of_one_slug_do_not() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: A\ndate: 2026-11-01\ntags: [Numérique]");
    place.article("_actualites/b.md", "title: B\ndate: 2026-11-02\ntags: [numérique]");
    place.article("_actualites/c.md", "title: C\ndate: 2026-11-03\ntags: [Numerique]");
    let feeds = place.crieur("").json(&["feeds", "--json"]);
    let tags: Vec<(&str, u64)> = feeds
        .as_array()
        .unwrap()
        .iter()
        .filter(|feed| feed["kind"] == "tag")
        .map(|feed| (feed["path"].as_str().unwrap(), feed["entries"].as_u64().unwrap()))
        .collect();
    assert_eq!(tags, [("/feeds/tag/numerique", 1), ("/feeds/tag/numerique-2", 2)]);
}
