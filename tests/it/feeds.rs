//! The feeds of the example site, judged by others: libxml2 and feedparser; and what must never be in them.

use crate::support::{Crieur, Place};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example site's feeds as files, in a folder of their own.
fn build(place: &Place, name: &str, environment: &[(&str, &str)]) -> PathBuf {
    let file = place.path("example.yaml");
    let yaml = format!(
        "site: {{ root: examples/site }}\nstore: \"sqlite:{}\"\nhttp: {{ public_url: https://flux.example.fr }}\n",
        place.path("no.db").display()
    );
    std::fs::write(&file, yaml).unwrap();
    let out = place.path(name);
    let output = Crieur { file }
        .command(&["build", "--out", out.to_str().unwrap()])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out.join("feeds")
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(documents(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Whether a tool is there; where it must be (`scripts/test` sees to it), its absence is a failure.
fn there(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CRIEUR_TEST_STRICT").is_none(), "{tool} is not installed");
    if !there {
        println!("skipped: {tool} is not installed");
    }
    there
}

#[test]
fn every_document_is_well_formed_by_libxml2() {
    if !there("xmllint") {
        return;
    }
    let place = Place::new();
    let xml: Vec<PathBuf> = documents(&build(&place, "out", &[]))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e != "json"))
        .collect();
    assert!(xml.len() > 40);
    let output = Command::new("xmllint").arg("--noout").args(&xml).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn feedparser_reads_the_same_from_every_format() {
    let Some(python) = std::env::var_os("CRIEUR_TEST_PYTHON") else {
        assert!(std::env::var_os("CRIEUR_TEST_STRICT").is_none(), "CRIEUR_TEST_PYTHON is not set");
        println!("skipped: CRIEUR_TEST_PYTHON names no Python with feedparser");
        return;
    };
    let place = Place::new();
    let folder = build(&place, "out", &[]);
    let output = Command::new(python).arg("tests/it/support/read_feeds.py").arg(&folder).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn nothing_that_must_stay_in_its_file_is_in_any_document() {
    let place = Place::new();
    for path in documents(&build(&place, "out", &[])) {
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
fn the_same_content_gives_the_same_bytes_wherever_it_is_built() {
    let place = Place::new();
    let here = build(&place, "a", &[]);
    let there = build(&place, "b", &[("TZ", "Pacific/Auckland"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "C")]);
    let (a, b) = (documents(&here), documents(&there));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{} differs", a.display());
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
