//! `crieur init`: what it writes can be used as it stands, on every site at hand, and nothing is lost by it.

use crate::support::{self, Crieur, Place};
use std::fs;
use std::path::Path;
use std::process::Output;

/// A command beside a configuration file, in a folder of its own.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let crieur = Crieur { file: folder.join("crieur.yaml") };
    crieur.command(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a configuration for a site and checks that nothing of it is a problem. Its text, and what was said.
fn made_for(site: &Path) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let site = site.canonicalize().unwrap();
    let output = run(folder.path(), &["init", "--site", site.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}: {}", site.display(), said(&output));
    assert!(output.stdout.is_empty(), "data is what was asked for, and nothing was");
    let text = fs::read_to_string(folder.path().join("crieur.yaml")).unwrap();
    let check = run(folder.path(), &["check", "--json"]);
    let problems: Vec<serde_json::Value> = serde_json::from_slice(&check.stdout).unwrap();
    let of = |problem: &serde_json::Value, key: &str| problem[key].as_str().unwrap().to_owned();
    // Rare tags are left to be made into hashtags, which `check` tells.
    let is_told = |problem: &serde_json::Value| of(problem, "message").contains("that rules post");
    let own: Vec<_> = problems.iter().filter(|one| of(one, "file").ends_with("crieur.yaml") && !is_told(one)).collect();
    assert!(own.is_empty(), "{}: {own:#?}\n{text}", site.display());
    let plan = run(folder.path(), &["plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}: {}", site.display(), said(&plan));
    (text, said(&output))
}

#[test]
fn it_can_be_used_as_it_stands_on_every_site_at_hand() {
    let (text, said) = made_for(Path::new("examples/site"));
    assert!(text.contains("Cloud: \"#Cloud\"") && said.contains("communiques"), "{text}\n{said}");
    let Some(corpus) = support::corpus("") else { return };
    let folders = fs::read_dir(corpus).unwrap().flatten().map(|entry| entry.path());
    for folder in folders.filter(|path| path.is_dir() && !path.ends_with("replay")) {
        let (text, said) = made_for(&folder);
        // Other generators are read once there is a reader for them; their settings are recognised already.
        if folder.join("_config.yml").exists() {
            assert!(!said.contains(" 0 articles"), "{}: {said}\n{text}", folder.display());
        }
    }
}

#[test]
fn a_file_that_is_there_stays_unless_force_is_used() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une annonce\ndate: 2026-01-10");
    fs::write(place.path("crieur.yaml"), "à moi").unwrap();
    let folder = place.folder.path();
    let output = run(folder, &["init", "--site", "site"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--force"), "{}", said(&output));
    assert_eq!(fs::read_to_string(place.path("crieur.yaml")).unwrap(), "à moi");
    let output = run(folder, &["init", "--site", "site", "--out", "sub/other.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("crieur --config sub/other.yaml check"), "{}", said(&output));
    assert_eq!(run(folder, &["init", "--site", "site", "--force"]).status.code(), Some(0));
    let written = fs::read_to_string(place.path("crieur.yaml")).unwrap();
    assert_eq!(written, fs::read_to_string(place.path("sub/other.yaml")).unwrap());
    let output = run(folder, &["init", "--site", "site", "--out", "-"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), written);
    assert_eq!(run(folder, &["init", "--site", "nowhere", "--force"]).status.code(), Some(2));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 3, "nothing else is left behind: site, sub, crieur.yaml");
}

#[test]
fn a_site_that_says_little_gets_a_file_that_says_what_to_change() {
    let place = Place::new();
    place.write("_config.yml", "collections: { missions: { output: true } }\n");
    for name in ["a", "b", "c"] {
        place.article(&format!("_missions/{name}.md"), &format!("title: Mission {name}"));
        place.article(&format!("_posts/2026-01-0{}-{name}.md", name.len()), &format!("title: Billet {name}"));
    }
    let (text, said) = made_for(&place.site());
    assert!(text.contains("CHANGE THIS") && said.contains("site.url"), "{text}\n{said}");
    assert!(text.contains("  timezone: UTC"), "{text}");
    assert!(text.contains("\n    # missions: {}   # 3 articles; most have no date"), "{text}");
    assert!(text.contains("\n    posts: {}   # 3 articles, newest 2026-01-01"), "{text}");
}

#[test]
fn feeds_that_the_site_has_go_on_at_their_addresses() {
    let place = Place::new();
    place.article("_communiques/a.md", "title: Une annonce\ndate: 2026-01-10\ntags: [Cloud]");
    place.article("_actualites/b.md", "title: Une autre\ndate: 2026-01-10\ntags: [cloud, Cloud]");
    place
        .write("feed.xml", "---\n---\n<?xml version=\"1.0\"?><rss>{% for post in site.actualites %}{% endfor %}</rss>");
    place.write(
        "_pages/presse.rss",
        "---\npermalink: /flux%20presse.xml\n---\n<rss>{% for post in site.communiques %}{% endfor %}</rss>",
    );
    place.write("_includes/feed.xml", "<rss>{% for post in site.posts %}{% endfor %}</rss>");
    place.write("sitemap-index.xml", "<urlset>{% for post in site.posts %}{% endfor %}</urlset>");
    place.write(
        "atom.xml",
        "---\n---\n<feed xmlns=\"http://www.w3.org/2005/Atom\">{% for post in site.tags.cloud %}{% endfor %}</feed>",
    );
    let (text, _) = made_for(&place.site());
    let config = support::parse(&text).unwrap();
    let aliases: Vec<(&str, &str)> =
        config.feeds.aliases.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(
        aliases,
        [
            ("/atom.xml", "/feeds/tag/cloud.atom"),
            ("/feed.xml", "/feeds/collection/actualites.rss"),
            ("/flux presse.xml", "/feeds/collection/communiques.rss"),
        ]
    );
}
