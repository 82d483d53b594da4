//! What a configuration would have posted over a whole history: the real ones of the corpus, told exactly; an invented
//! one for each rule of the road; and a daemon that lives through a history, killed between its commits, beside it.

use crate::replay::renames;
use crate::sim::mortal;
use crate::sim::sea::Dice;
use crate::support::origin::{Origin, git};
use crate::support::{Crieur, corpus, memory_folder, parse};
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::crash::cut_after;
use crieur::deliver::{Deliverer, Step};
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

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

/// A difference from what is expected, and why it is right: the article's first path, when it goes out instead.
struct Argued {
    first_path: &'static str,
    at: &'static str,
    because: Because,
}

/// Why an article goes out at another time than the rule of the expectations says, or against it.
#[derive(Debug, Clone, Copy)]
enum Because {
    /// It got another path or date while it settled, and settles anew; by the other rule only its absence would count.
    SettlesAnew,
    /// It was dated back before its date had come: it is due from that moment, not from a date that was past by then.
    DatedBack,
    /// Its date names a zone (`2016-03-22 12:00 EDT`), which the other rule does not read.
    Zone,
    /// Its date (`May 11, 2021`) is not read by the other rule, which takes that of its file's name, two weeks earlier.
    Month,
}

/// A replay of the corpus: what must be announced, at its second, each article once; and what is argued.
fn replay(name: &str, site: &str, argued: &[Argued]) {
    let Some(material) = corpus("replay") else { return };
    let folder = tempfile::tempdir().unwrap();
    let bundle = material.join(format!("{name}.bundle"));
    git(folder.path(), &["clone", "--quiet", "--branch", "main", bundle.to_str().unwrap(), "history"]);
    let expected = std::fs::read_to_string(material.join(format!("{name}.expected.json"))).unwrap();
    let expected: Expected = serde_json::from_str(&expected).unwrap();
    let report = simulated(&crieur(folder.path(), site, ""), &folder.path().join("history"), &[]);
    let at = |second: i64| jiff::Timestamp::from_second(second).unwrap().to_string();
    let mut wanted: BTreeMap<String, String> =
        expected.announcements.iter().map(|one| (one.lineage.clone(), at(one.at))).collect();
    for Argued { first_path, at, because } in argued {
        let instead = wanted.insert((*first_path).to_owned(), (*at).to_owned());
        println!("{name}: {first_path} at {at} instead of {instead:?}: {because:?}");
    }
    let posted = posts(&report, "published");
    assert_eq!(posted.len(), report["posts"].as_array().unwrap().len(), "none is held, none fails");
    let count = posted.len();
    let posted: BTreeMap<String, String> = posted.into_iter().collect();
    assert_eq!(posted.len(), count, "none goes out twice");
    let missing: Vec<_> = wanted.iter().filter(|(path, at)| posted.get(*path) != Some(at)).collect();
    let more: Vec<_> = posted.iter().filter(|(path, at)| wanted.get(*path) != Some(at)).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nmore: {more:#?}");
    println!("{name}: {count} announcements, {} of them argued, none held", argued.len());
    assert_eq!(report["commits"], expected.commits);
}

#[test]
fn eighteen_f_goes_out_as_it_should_have() {
    use Because::{DatedBack, Month, SettlesAnew, Zone};
    let argued = [
        (
            "_posts/2015-03-05-Labor-Category-Descriptions-for-Agile-Procurements.md",
            "2015-03-10T22:03:29Z",
            SettlesAnew,
        ),
        ("_posts/2015-04-21-Hackathons-for-Less-than-Techy–Folks.md", "2015-04-21T22:01:33Z", SettlesAnew),
        ("_posts/2016-03-03-how-people-learn-to-navigate-government.services.md", "2016-03-03T15:16:30Z", SettlesAnew),
        (
            "_posts/2016-03-16-making-the-draft-web-design-standards-better-through-dfeedback.md",
            "2016-03-16T14:14:25Z",
            SettlesAnew,
        ),
        ("_posts/2016-03-22-what-was-your-path-to-18f.md", "2016-03-22T16:30:00Z", Zone),
        ("_posts/2016-03-23-what-have-you-loved-working-on.md", "2016-03-23T13:30:00Z", Zone),
        ("_posts/2016-09-07-nicole-fenton-a-wordsmith-joins-government.md", "2016-09-06T19:07:16Z", DatedBack),
        ("_posts/2018-02-20-new-home-for-the-federal-plain-language-community.md", "2018-02-22T18:18:11Z", SettlesAnew),
        ("_posts/2021-04-27-we_asked_our_coworkers_why_did_you_join_18f.md", "2021-05-12T16:19:37Z", Month),
        (
            "_posts/2022-11-14-improving-inclusion-continuously-how-we-iterated-on-our-bot-to-promote-more-inclusive-and-thoughtful-language.md",
            "2022-11-14T21:45:48Z",
            SettlesAnew,
        ),
    ];
    replay(
        "18f-slice",
        "collections: { posts: { paths: [\"_posts/**\", \"content/posts/**\"], permalink: /:year/:month/:day/:title/ } }",
        &argued.map(|(first_path, at, because)| Argued { first_path, at, because }),
    );
}

#[test]
fn design_numerique_goes_out_as_it_should_have() {
    use Because::{DatedBack, SettlesAnew};
    let argued = [
        (
            "content/articles/2022-01-04-lancement-podcast-appuyez-sur-la-touche-etoile.md",
            "2022-01-05T10:52:57Z",
            SettlesAnew,
        ),
        ("content/articles/2023-12-19-outils-de-surcouche-et-conformite-rgaa.md", "2023-12-18T16:23:35Z", SettlesAnew),
        ("content/articles/2025-12-12-ateliers-de-formation.md", "2025-12-11T10:09:43Z", DatedBack),
        ("content/articles/2026-03-03-rgaa5.md", "2026-03-02T14:25:24Z", SettlesAnew),
    ];
    replay(
        "designgouv",
        "collections: { articles: { paths: [\"content/articles/**\"], permalink: /articles/:title/ } }",
        &argued.map(|(first_path, at, because)| Argued { first_path, at, because }),
    );
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
    assert_eq!(
        (&first["path"], &first["title"], &first["rule"]),
        (&"notes/premier.md".into(), &"Un".into(), &"tout".into())
    );
}

#[test]
fn only_a_part_of_the_time_is_told_and_the_rest_still_counts() {
    let past = week();
    let told = |more: &[&str]| {
        posts(&past.report("", more), "published").into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
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
fn what_comes_back_settles_and_goes_out_although_nothing_else_happens() {
    let past = Past::new();
    let front = "title: Article\ndate: 2026-03-02T08:00:00Z";
    for name in ["efface", "brouillon"] {
        past.origin.article(&format!("notes/{name}.md"), front);
    }
    past.commit("2026-03-02T08:00:00");
    past.remove("notes/efface.md");
    past.origin.article("notes/brouillon.md", &format!("{front}\npublished: false"));
    past.commit("2026-03-02T09:00:00");
    for name in ["efface", "brouillon"] {
        past.origin.article(&format!("notes/{name}.md"), front);
    }
    past.commit("2026-03-02T10:00:00");
    let report =
        past.report("rules: [{ name: tout, endpoints: [essai], when: { slots: \"0 30 9,10,11 * * *\" } }]", &[]);
    let at = "2026-03-02T10:30:00Z".to_owned();
    let mut back = posts(&report, "published");
    back.sort();
    assert_eq!(back, ["brouillon", "efface"].map(|name| (format!("notes/{name}.md"), at.clone())), "{report:#}");
}

#[test]
fn what_breaks_while_it_settles_waits_until_it_is_mended_or_too_late() {
    let past = Past::new();
    let broken = "title: [Article\ndate: 2026-03-02T08:00:00Z";
    let front = "title: Article\ndate: 2026-03-02T08:00:00Z";
    for name in ["repare", "casse"] {
        past.origin.article(&format!("notes/{name}.md"), front);
    }
    past.commit("2026-03-02T08:00:00");
    for name in ["repare", "casse"] {
        past.origin.article(&format!("notes/{name}.md"), broken);
    }
    past.commit("2026-03-02T08:10:00");
    past.origin.article("notes/repare.md", front);
    past.commit("2026-03-02T14:00:00");
    let rest = "rules: [{ name: tout, endpoints: [essai], expires: 1d }]";
    let waits = past.report(rest, &["--until", "2026-03-02T13:00:00Z"]);
    assert_eq!(posts(&waits, "published"), [], "{waits:#}");
    assert_eq!(posts(&waits, "pending").len(), 2);
    let why = waits["posts"][0]["reason"].as_str().unwrap();
    assert!(why.contains("cannot be read"), "{why}");
    let report = past.report(rest, &[]);
    let mended = ("notes/repare.md".to_owned(), "2026-03-02T14:00:00Z".to_owned());
    assert_eq!(posts(&report, "published"), [mended], "{report:#}");
    let late = &posts(&report, "failed")[0];
    assert!(late.0 == "notes/casse.md" && late.1.starts_with("2026-03-03T08:30:00"), "{late:?}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let past = Past::new();
    past.origin.article("notes/a.md", "title: Article a\ndate: 2026-03-02");
    let folder = past.origin.folder.path();
    for name in [&b"notes/\xe9t\xe9.md"[..], b"notes/\xe9t\xe9.jpg", b"ailleurs-\xe9.md"] {
        std::fs::write(folder.join(OsStr::from_bytes(name)), "---\ntitle: \u{c9}t\u{e9}\ndate: 2026-03-02\n---\n")
            .unwrap();
    }
    past.commit("2026-03-02T08:00:00");
    past.origin.write("notes/b.txt", "rien");
    past.commit("2026-03-02T09:00:00");
    let place = tempfile::tempdir().unwrap();
    let output = crieur(place.path(), SITE, "").run(&["simulate", "--git", folder.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let told: Vec<&str> = said.lines().filter(|line| line.contains("not UTF-8")).collect();
    assert!(told.len() == 1 && told[0].starts_with("notes/\u{fffd}t\u{fffd}.md:1:1: error: "), "{said}");
    assert!(said.contains("rename it"), "{said}");
}

#[test]
fn an_endpoint_has_no_more_posts_a_day_than_it_may() {
    let past = Past::new();
    for name in ["a", "b", "c", "d", "e"] {
        past.origin.article(&format!("notes/{name}.md"), &format!("title: Article {name}\ndate: 2026-03-02T08:00:00Z"));
    }
    past.commit("2026-03-02T08:00:00");
    past.commit("2026-03-10T08:00:00");
    let folder = tempfile::tempdir().unwrap();
    let crieur = crieur(folder.path(), SITE, "");
    let yaml = std::fs::read_to_string(&crieur.file).unwrap().replace("gap: 0s", "gap: 10m, per_day: 2");
    std::fs::write(&crieur.file, yaml).unwrap();
    let report = simulated(&crieur, past.origin.folder.path(), &[]);
    let times: Vec<String> = posts(&report, "published").into_iter().map(|(_, at)| at).collect();
    let expected = ["02T08:30", "02T08:40", "03T08:30", "03T08:40", "04T08:30"];
    assert_eq!(times, expected.map(|time| format!("2026-03-{time}:00Z")));
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
        (vec!["--git", bare.to_str().unwrap(), "--subdir", "nope"], "never a folder `nope`"),
        (vec!["--git", bare.to_str().unwrap(), "--subdir", "notes/autre.md"], "name that of the site with --subdir"),
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

#[test]
fn an_invitation_of_months_ago_is_no_model_and_one_of_this_week_is() {
    let past = Past::new();
    let words: Vec<String> = (0..40).map(|n| format!("invitation{n}")).collect();
    for (name, date) in [("hiver", "2026-01-05"), ("printemps", "2026-03-02"), ("copie", "2026-03-04")] {
        past.origin.write(
            &format!("notes/{name}.md"),
            format!("---\ntitle: Invitation\ndate: {date}\n---\n\n{}\n", words.join(" ")),
        );
        past.commit(&format!("{date}T08:00:00"));
    }
    let report = past.report("", &[]);
    let paths = |state: &str| posts(&report, state).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(paths("published"), ["notes/hiver.md", "notes/printemps.md"]);
    assert_eq!(paths("held"), ["notes/copie.md"]);
}

/// What a process does at an instant, from its start to its end: it looks, books, delivers, and is gone. When the next
/// one has something to do.
async fn one_life(config: &Arc<Config>, now: Timestamp, renames: Vec<(String, String)>) -> Option<Timestamp> {
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(Arc::clone(config)).accepting_empty(true);
    reconciler.renamed(renames);
    let snapshot = reconciler.book(&store, now).await.unwrap();
    let deliverer = Deliverer::new(Arc::clone(config), store.clone(), Clock::by_hand(now));
    while let Step::Did(_) = deliverer.step(&EndpointName::new("essai"), None, &snapshot).await.unwrap() {}
    store.close().await;
    snapshot.next_change
}

#[tokio::test]
async fn daemons_that_die_in_and_after_every_commit_post_what_the_simulation_says() {
    let Some(material) = corpus("replay") else { return };
    let folder = memory_folder();
    let bundle = material.join("18f-slice.bundle");
    git(folder.path(), &["clone", "--quiet", "--branch", "main", bundle.to_str().unwrap(), "site"]);
    let site = folder.path().join("site");
    let posts = "collections: { posts: { paths: [\"_posts/**\", \"content/posts/**\"], permalink: /:year/:month/:day/:title/ } }";
    let rest = "rules: [{ name: tout, endpoints: [essai] }]\nbaseline: none";
    let crieur = crieur(folder.path(), posts, rest);
    // The first 90 commits: each takes a process or two of its own.
    const UNTIL: &str = "2015-12-31T00:00:00Z";
    let report = simulated(&crieur, &site, &["--until", UNTIL]);
    let until: Timestamp = UNTIL.parse().unwrap();
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    let simulated: BTreeMap<String, String> =
        report["posts"].as_array().unwrap().iter().map(|post| (told(&post["article"]), told(&post["at"]))).collect();

    let config = Arc::new(parse(&std::fs::read_to_string(&crieur.file).unwrap()).unwrap());
    let (mut before, mut next): (Option<String>, Option<Timestamp>) = (None, None);
    let (mut dice, mut died) = (Dice(7), 0);
    let log = git(&site, &["log", "--first-parent", "--reverse", "--format=%H %ct"]);
    for commit in log.lines() {
        let (hash, seconds) = commit.split_once(' ').unwrap();
        let at = Timestamp::from_second(seconds.parse().unwrap()).unwrap();
        if at > until {
            break;
        }
        while let Some(earlier) = next.filter(|next| *next <= at) {
            next = one_life(&config, earlier, Vec::new()).await;
        }
        git(&site, &["checkout", "--quiet", "--force", hash]);
        let renamed = before.map(|before| renames(&site, &before, hash)).unwrap_or_default();
        // It dies at any place where it writes, and another one takes over.
        cut_after(Some(dice.roll(12) as usize));
        died += usize::from(mortal(one_life(&config, at, renamed.clone())).await.is_none());
        cut_after(None);
        next = one_life(&config, at, renamed).await;
        before = Some(hash.to_owned());
    }
    while let Some(later) = next.filter(|next| *next <= until) {
        next = one_life(&config, later, Vec::new()).await;
    }
    // What was cut off last is looked for.
    one_life(&config, until, Vec::new()).await;
    assert!(died > 30, "{died} died in the midst of something");
    let store = Store::open(&config.store).await.unwrap();
    let journal = store.journal(10_000).await.unwrap();
    let articles: BTreeSet<String> = journal.iter().map(|post| post.post.url.clone()).collect();
    let lived: BTreeMap<String, String> = store
        .deliveries()
        .await
        .unwrap()
        .into_iter()
        .map(|delivery| (delivery.key.article.to_string(), delivery.due_at.to_string()))
        .collect();
    let others: Vec<_> = lived.iter().filter(|(article, at)| simulated.get(*article) != Some(at)).collect();
    // A daemon takes what it finds at its first start as it is since its date: that one article need not settle.
    assert_eq!((others.len(), lived.len()), (1, simulated.len()), "{others:#?}");
    assert_eq!((journal.len(), articles.len()), (lived.len(), lived.len()), "each is there once");
    println!("{died} died in the midst of something, {} articles are posted, each once", lived.len());
    assert_eq!(others[0].1, "2014-10-22T18:04:13Z");
}

#[test]
fn a_site_that_moves_to_another_generator_is_read_by_its_rules_and_posts_nothing_again() {
    let past = Past::new();
    let days = ["2026-03-02", "2026-03-05", "2026-03-09"];
    let text = |n: usize| (0..40).map(|word| format!("a{n}b{word}")).collect::<Vec<_>>().join(" ");
    for (n, day) in days.iter().enumerate() {
        let article = format!("---\nlayout: post\ntitle: Article {n}\n---\n\n{}\n", text(n));
        past.origin.write(&format!("_posts/{day}-article-{n}.md"), article);
        past.commit(&format!("{day}T08:00:00"));
    }
    for (n, day) in days.iter().enumerate() {
        past.remove(&format!("_posts/{day}-article-{n}.md"));
        let article = format!("+++\ntitle = \"Article {n}\"\ndate = {day}\n+++\n\n{}\n", text(n));
        past.origin.write(&format!("content/article-{n}.md"), article);
    }
    past.commit("2026-03-10T08:00:00");
    past.origin.write("content/neuf.md", format!("+++\ntitle = \"Neuf\"\ndate = 2026-03-12\n+++\n\n{}\n", text(9)));
    past.commit("2026-03-12T08:00:00");
    let folder = tempfile::tempdir().unwrap();
    let site = "collections: { posts: { paths: [\"_posts/**\", \"content/**\"] } }";
    let report = simulated(&crieur(folder.path(), site, ""), past.origin.folder.path(), &[]);
    let paths: Vec<String> = posts(&report, "published").into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "_posts/2026-03-02-article-0.md",
            "_posts/2026-03-05-article-1.md",
            "_posts/2026-03-09-article-2.md",
            "content/neuf.md"
        ]
    );
}

#[test]
fn a_clone_in_which_nothing_is_checked_out_is_read_by_its_branch() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::new();
    origin.write("_posts/2026-11-01-a.md", "---\ntitle: A\n---\n\nUn texte.\n");
    origin.commit("a");
    let history = folder.path().join("history");
    git(folder.path(), &["clone", "--quiet", origin.url().as_str(), history.to_str().unwrap()]);
    git(&history, &["checkout", "--quiet", "--orphan", "rien"]);
    git(&history, &["branch", "--quiet", "--delete", "--force", "main"]);
    let report = simulated(&crieur(folder.path(), "", ""), &history, &[]);
    assert_eq!(report["commits"], 1, "{report}");
}

#[test]
fn a_commit_whose_date_is_none_is_of_the_time_of_the_one_before() {
    let past = Past::new();
    past.origin.article("notes/a.md", "title: A\ndate: 2026-03-02");
    past.commit("2026-03-02T09:00:00");
    let head = |what: &str| past.origin.git(&["rev-parse", what]).trim().to_owned();
    let who = "Essai <essai@example.fr>";
    let commit = format!(
        "tree {}\nparent {}\nauthor {who} -1 +0000\ncommitter {who} -1 +0000\n\nx\n",
        head("HEAD^{tree}"),
        head("HEAD")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("commit");
    std::fs::write(&file, commit).unwrap();
    let made = past.origin.git(&["hash-object", "-t", "commit", "-w", "--literally", file.to_str().unwrap()]);
    past.origin.git(&["reset", "--quiet", "--soft", made.trim()]);
    past.origin.article("notes/b.md", "title: B\ndate: 2026-03-04");
    past.commit("2026-03-04T09:00:00");
    // A link is no file: its bytes are the name of one.
    std::os::unix::fs::symlink("../notes/a.md", past.origin.folder.path().join("notes/lien.md")).unwrap();
    past.commit("2026-03-05T09:00:00");
    let report = past.report("", &[]);
    let posts = report["posts"].as_array().unwrap();
    let told: Vec<&str> = posts.iter().map(|post| post["path"].as_str().unwrap()).collect();
    assert_eq!((report["commits"].as_u64(), told), (Some(4), vec!["notes/a.md", "notes/b.md"]), "{report}");
}
