//! What a configuration would have posted over a whole history: the real ones of the corpus, told exactly; an invented
//! one for each rule of the road; and a daemon that lives through a history, killed between its commits, beside it.

use crate::support::origin::{Origin, git};
use crate::support::{Crieur, corpus};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A configuration file that is nothing but a rule for everything.
fn crieur(folder: &Path, site: &str, rest: &str) -> Crieur {
    let file = folder.join("crieur.yaml");
    let rest = if rest.is_empty() { "rules: [{ name: tout, endpoints: [essai] }]" } else { rest };
    let yaml = format!(
        "site: {{ root: {:?}, url: https://www.example.org, timezone: UTC, {site} }}\nstore: \"sqlite:{}\"\nendpoints: {{ essai: {{ network: journal, gap: 0s }} }}\n{rest}\n",
        folder.join("site"),
        folder.join("crieur.db").display()
    );
    std::fs::write(&file, yaml).unwrap();
    Crieur { file }
}

fn simulated(crieur: &Crieur, repository: &Path, more: &[&str]) -> Value {
    let arguments = [&["simulate", "--git", repository.to_str().unwrap(), "--json"], more].concat();
    crieur.json(&arguments)
}

/// Posts of a state: first path and time.
fn posts(report: &Value, state: &str) -> Vec<(String, String)> {
    let posts = report["posts"].as_array().unwrap().iter().filter(|post| post["state"] == state);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    posts.map(|post| (text(&post["first_path"]), text(&post["at"]))).collect()
}

#[derive(serde::Deserialize)]
struct Expected {
    commits: usize,
    announcements: Vec<Announcement>,
}

#[derive(serde::Deserialize)]
struct Announcement {
    lineage: String,
    at: i64,
}

/// A replay of the corpus: exactly what must be announced, at its second, each article once.
fn replay(name: &str, site: &str) {
    let Some(material) = corpus("replay") else { return };
    let folder = tempfile::tempdir().unwrap();
    let bundle = material.join(format!("{name}.bundle"));
    git(folder.path(), &["clone", "--quiet", "--branch", "main", bundle.to_str().unwrap(), "history"]);
    let expected = std::fs::read_to_string(material.join(format!("{name}.expected.json"))).unwrap();
    let expected: Expected = serde_json::from_str(&expected).unwrap();
    let report = simulated(&crieur(folder.path(), site, ""), &folder.path().join("history"), &[]);
    let posted: BTreeSet<(String, String)> = posts(&report, "published").into_iter().collect();
    let at = |second: i64| jiff::Timestamp::from_second(second).unwrap().to_string();
    let wanted: BTreeSet<(String, String)> =
        expected.announcements.iter().map(|one| (one.lineage.clone(), at(one.at))).collect();
    let held: Vec<&Value> = report["posts"].as_array().unwrap().iter().filter(|post| post["state"] == "held").collect();
    for post in &held {
        println!("{name}: held: {} {} {}", post["at"], post["path"], post["reason"]);
    }
    let missing: Vec<_> = wanted.difference(&posted).collect();
    let more: Vec<_> = posted.difference(&wanted).collect();
    println!("{name}: {} of {} as expected, {} held", wanted.len() - missing.len(), wanted.len(), held.len());
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nmore: {more:#?}");
    assert_eq!(report["commits"], expected.commits);
    let articles: BTreeSet<&str> = report["posts"].as_array().unwrap().iter().filter_map(|p| p["article"].as_str()).collect();
    assert_eq!(articles.len(), report["posts"].as_array().unwrap().len(), "none twice");
}

#[test]
fn eighteen_f_goes_out_as_it_should_have() {
    replay(
        "18f-slice",
        "collections: { posts: { paths: [\"_posts/**\", \"content/posts/**\"], permalink: /:year/:month/:day/:title/ } }",
    );
}

#[test]
fn design_numerique_goes_out_as_it_should_have() {
    replay("designgouv", "collections: { articles: { paths: [\"content/articles/**\"], permalink: /articles/:title/ } }");
}

/// A history whose commits lie where they are put in time.
struct Past {
    origin: Origin,
}

impl Past {
    fn new() -> Self {
        Self { origin: Origin::new() }
    }

    fn commit(&self, at: &str) {
        self.origin.git(&["add", "-A"]);
        let date = format!("{at} +0000");
        // The committer's date is what counts; git takes it from the environment only.
        let folder = self.origin.folder.path();
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(folder).args(["commit", "-q", "--allow-empty", "-m", "x"]);
        for (name, value) in [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")] {
            command.env(name, value);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Essai")
                .env(format!("GIT_{role}_EMAIL"), "essai@example.fr")
                .env(format!("GIT_{role}_DATE"), &date);
        }
        assert!(command.status().unwrap().success());
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.origin.folder.path().join(name)).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.origin.folder.path().join(from), self.origin.folder.path().join(to)).unwrap();
    }

    fn report(&self, rest: &str, more: &[&str]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        simulated(&crieur(folder.path(), SITE, rest), self.origin.folder.path(), more)
    }
}

const SITE: &str = "generator: plain, collections: { notes: { paths: [\"notes/**\"], permalink: /notes/:title/ } }";

/// Everything that editors do to one site in a week.
fn week() -> Past {
    let past = Past::new();
    let origin = &past.origin;
    origin.article("notes/vieux.md", "title: Vieux\ndate: 2025-01-01");
    past.commit("2026-03-02T08:00:00");
    origin.article("notes/un.md", "title: Un\ndate: 2026-03-02");
    origin.article("notes/brouillon.md", "title: Brouillon\ndate: 2026-03-02\npublished: false");
    origin.article("notes/plus-tard.md", "title: Plus tard\ndate: 2026-03-04T09:00:00Z");
    past.commit("2026-03-02T09:00:00");
    past.rename("notes/un.md", "notes/premier.md");
    past.commit("2026-03-02T09:20:00");
    past.rename("notes/premier.md", "notes/un-encore.md");
    past.commit("2026-03-03T09:00:00");
    origin.article("notes/brouillon.md", "title: Brouillon\ndate: 2026-03-03\npublished: true");
    past.commit("2026-03-03T10:00:00");
    origin.article("notes/retire.md", "title: Retiré\ndate: 2026-03-05");
    past.commit("2026-03-05T10:00:00");
    past.remove("notes/retire.md");
    past.commit("2026-03-05T10:10:00");
    past
}

#[test]
fn a_history_goes_out_at_its_times() {
    let report = week().report("", &[]);
    let expected = [
        // Renamed within its settling time, it settles anew.
        ("notes/un.md", "2026-03-02T09:50:00Z"),
        ("notes/brouillon.md", "2026-03-03T10:30:00Z"),
        ("notes/plus-tard.md", "2026-03-04T09:30:00Z"),
    ];
    assert_eq!(posts(&report, "published"), expected.map(|(path, at)| (path.to_owned(), at.to_owned())));
    assert_eq!(report["commits"], 7);
    assert_eq!(report["articles"], 5);
    let silent: BTreeMap<&str, &str> = report["silent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["path"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(silent.keys().copied().collect::<Vec<_>>(), ["notes/retire.md", "notes/vieux.md"]);
    assert!(silent["notes/retire.md"].contains("before it had settled"), "{silent:?}");
    assert!(silent["notes/vieux.md"].contains("too far back"), "{silent:?}");
    let first = &report["posts"][0];
    assert_eq!((&first["path"], &first["title"], &first["rule"]), (&"notes/premier.md".into(), &"Un".into(), &"tout".into()));
}

#[test]
fn only_a_part_of_the_time_is_told_and_the_rest_still_counts() {
    let past = week();
    let told = |more: &[&str]| posts(&past.report("", more), "published").into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(told(&["--from", "2026-03-03"]), ["notes/brouillon.md", "notes/plus-tard.md"]);
    assert_eq!(told(&["--until", "2026-03-04T09:00:00Z"]), ["notes/un.md", "notes/brouillon.md"]);
    assert_eq!(told(&["--from", "2026-03-04", "--until", "2026-03-04T09:30:00Z"]), ["notes/plus-tard.md"]);
}

#[test]
fn a_queue_gives_one_a_slot_and_what_was_withdrawn_before_its_slot_is_called_off() {
    let past = Past::new();
    for (hour, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let front = format!("title: Article {name}\ndate: 2026-03-02T0{hour}:00:00Z");
        past.origin.article(&format!("notes/{name}.md"), &front);
    }
    past.commit("2026-03-02T08:00:00");
    past.remove("notes/c.md");
    past.commit("2026-03-03T12:00:00");
    let rest = "rules: [{ name: tout, endpoints: [essai], when: { slots: \"0 30 9 * * *\", queue: true } }]";
    let report = past.report(rest, &[]);
    let times: Vec<String> = posts(&report, "published").into_iter().map(|(_, at)| at).collect();
    assert_eq!(times, ["2026-03-02T09:30:00Z", "2026-03-03T09:30:00Z", "2026-03-05T09:30:00Z"]);
    assert_eq!(posts(&report, "cancelled").len(), 1);
}

#[test]
fn times_that_go_backwards_turn_nothing_back() {
    let past = Past::new();
    past.origin.article("notes/a.md", "title: Article a\ndate: 2026-03-02");
    past.commit("2026-03-02T12:00:00");
    past.origin.article("notes/b.md", "title: Article b\ndate: 2026-03-02");
    past.commit("2026-03-02T11:00:00");
    let report = past.report("", &[]);
    let at = "2026-03-02T12:30:00Z".to_owned();
    assert_eq!(posts(&report, "published"), [("notes/a.md".to_owned(), at.clone()), ("notes/b.md".to_owned(), at)]);
}

#[test]
fn a_subfolder_a_branch_and_a_bare_clone_can_be_named() {
    let past = Past::new();
    past.origin.article("web/notes/a.md", "title: Article a\ndate: 2026-03-02");
    past.origin.article("notes/autre.md", "title: Un autre\ndate: 2026-03-02");
    past.commit("2026-03-02T12:00:00");
    past.origin.git(&["checkout", "-q", "-b", "essai"]);
    past.origin.article("web/notes/b.md", "title: Article b\ndate: 2026-03-03");
    past.commit("2026-03-03T12:00:00");
    past.origin.git(&["checkout", "-q", "main"]);
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["clone", "--quiet", "--bare", past.origin.folder.path().to_str().unwrap(), "bare"]);
    let crieur = crieur(folder.path(), SITE, "");
    let told = |repository: &Path, more: &[&str]| {
        posts(&simulated(&crieur, repository, more), "published").into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let bare = folder.path().join("bare");
    assert_eq!(told(&bare, &["--subdir", "web"]), ["notes/a.md"]);
    assert_eq!(told(&bare, &["--subdir", "web", "--branch", "essai"]), ["notes/a.md", "notes/b.md"]);
    assert_eq!(told(&past.origin.folder.path().join("web"), &[]), ["notes/a.md"]);
    for (arguments, says) in [
        (vec!["--git", "/nowhere"], "there is no folder"),
        (vec!["--git", bare.to_str().unwrap(), "--branch", "nulle-part"], "nulle-part"),
        (vec!["--git", folder.path().to_str().unwrap()], "no git repository"),
    ] {
        let output = crieur.run(&[vec!["simulate"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(says), "{words}");
    }
}

#[test]
fn the_report_for_people_goes_by_month_and_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let past = week();
    let crieur = crieur(folder.path(), SITE, "");
    let page = crieur.ok(&["simulate", "--git", past.origin.folder.path().to_str().unwrap()]);
    for line in [
        "Simulated, nothing sent: 7 commits, 5 articles, from 2026-03-02 to 2026-03-05",
        "3 posts, 2 articles silent",
        "  essai (tout): 3 posts",
        "2026-03: 3 deliveries",
        "  Mon 02 09:50  essai  Un",
        "Never posted, and why not:",
        "    notes/vieux.md",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n---\n{page}");
    }
    assert!(!folder.path().join("crieur.db").exists(), "nothing is written");
}
