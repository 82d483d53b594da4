//! The program itself lives through a real editing history, commit by commit, from a git repository: a process for each
//! instant at which something happens, killed with -9 before the next, and others killed in the midst of their work. What
//! it posted is what the simulation says, each once. Only the clock is the test's own.

use crate::sim::sea::Dice;
use crate::support::origin::git;
use crate::support::serving::Serving;
use crate::support::{Crieur, corpus, memory_folder};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The history until here: 90 commits.
const UNTIL: &str = "2015-12-31T00:00:00Z";
/// A daemon takes what it finds at its first start as it is since its date: that one article need not settle.
const FIRST: (&str, &str) = ("2014-10-22T18:34:13Z", "2014-10-22T18:04:13Z");

struct Lives {
    crieur: Crieur,
    clock: PathBuf,
    dice: Dice,
    killed: usize,
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

impl Lives {
    fn command(&self) -> Command {
        let mut command = self.crieur.command(&["run", "--listen", "127.0.0.1:0"]);
        command.env("CRIEUR_TEST_CLOCK", &self.clock);
        command
    }

    /// Killed at some moment of its start or its work.
    fn short(&mut self) {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(self.dice.roll(300)));
        child.kill().unwrap();
        child.wait().unwrap();
        self.killed += 1;
    }

    /// Until all is done that is to be done at an instant; then killed. When something is to be done next.
    fn whole(&mut self, now: Timestamp) -> Option<Timestamp> {
        std::fs::write(&self.clock, now.to_string()).unwrap();
        if self.dice.roll(2) == 0 {
            self.short();
        }
        let serving = Serving::of(self.command());
        let ask = |path: &str| -> Value { serde_json::from_slice(&serving.get(path, &[]).body).unwrap() };
        for _ in 0..1_000 {
            let posts = ask("/api/v1/posts");
            let waits = |post: &&Value| match post["state"].as_str().unwrap() {
                "pending" => time(&post["due_at"]).unwrap() <= now,
                state => state == "sending",
            };
            if !posts.as_array().unwrap().iter().any(|post| waits(&post)) {
                let plan = ask("/api/v1/plan");
                self.killed += 1;
                return plan
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|line| time(&line["due_at"]))
                    .filter(|at| *at > now)
                    .min();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{now}: it is not done");
    }
}

fn configured(folder: &Path, name: &str, site: &str) -> Crieur {
    let file = folder.join(format!("{name}.yaml"));
    let yaml = format!(
        "site: {{ {site}, url: https://www.example.org, timezone: UTC, collections: {{ posts: {{ paths: [\"_posts/**\", \"content/posts/**\"], permalink: /:year/:month/:day/:title/ }} }} }}
store: \"sqlite:{}\"
endpoints: {{ essai: {{ network: journal, gap: 0s }} }}
rules: [{{ name: tout, endpoints: [essai], live_check: false }}]
baseline: none
",
        folder.join(format!("{name}.db")).display()
    );
    std::fs::write(&file, yaml).unwrap();
    Crieur { file }
}

#[test]
fn a_program_that_is_killed_between_all_commits_posts_what_the_simulation_says() {
    let Some(material) = corpus("replay") else { return };
    let folder = memory_folder();
    let bundle = material.join("18f-slice.bundle");
    let whole = folder.path().join("whole");
    git(folder.path(), &["clone", "--quiet", "--branch", "main", bundle.to_str().unwrap(), "whole"]);
    let simulating = configured(folder.path(), "simulated", &format!("root: {whole:?}"));
    let report = simulating.json(&["simulate", "--git", whole.to_str().unwrap(), "--json", "--until", UNTIL]);
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    let simulated: BTreeMap<String, String> =
        report["posts"].as_array().unwrap().iter().map(|post| (told(&post["first_path"]), told(&post["at"]))).collect();

    git(folder.path(), &["clone", "--quiet", "--bare", whole.to_str().unwrap(), "origin"]);
    let (origin, checkout) = (folder.path().join("origin"), folder.path().join("checkout"));
    let source = format!("git: {{ url: \"file://{}\", checkout: {checkout:?}, branch: main }}", origin.display());
    let crieur = configured(folder.path(), "lived", &source);
    let mut lives = Lives { crieur, clock: folder.path().join("now"), dice: Dice(11), killed: 0 };
    let log = git(&whole, &["log", "--first-parent", "--reverse", "--format=%H %ct"]);
    let until: Timestamp = UNTIL.parse().unwrap();
    let mut next: Option<Timestamp> = None;
    for commit in log.lines() {
        let (hash, seconds) = commit.split_once(' ').unwrap();
        let at = Timestamp::from_second(seconds.parse().unwrap()).unwrap();
        if at > until {
            break;
        }
        while let Some(earlier) = next.filter(|next| *next <= at) {
            next = lives.whole(earlier);
        }
        git(&origin, &["update-ref", "refs/heads/main", hash]);
        next = lives.whole(at);
    }
    while let Some(later) = next.filter(|next| *next <= until) {
        next = lives.whole(later);
    }
    let posts = lives.crieur.json(&["posts", "--json"]);
    let lived: BTreeMap<String, String> =
        posts.as_array().unwrap().iter().map(|post| (told(&post["path"]), told(&post["due_at"]))).collect();
    assert!(posts.as_array().unwrap().iter().all(|post| post["state"] == "published"), "{posts:#}");
    let times = |all: &BTreeMap<String, String>| {
        let mut times: Vec<String> = all.values().cloned().collect();
        times.sort();
        times
    };
    let ids: std::collections::BTreeSet<String> =
        posts.as_array().unwrap().iter().map(|post| told(&post["remote_id"])).collect();
    assert_eq!(ids.len(), posts.as_array().unwrap().len(), "each is one post of the journal");
    let mut expected = simulated;
    let first: Vec<&mut String> = expected.values_mut().filter(|at| *at == FIRST.0).collect();
    assert_eq!(first.len(), 1);
    first.into_iter().for_each(|at| FIRST.1.clone_into(at));
    assert_eq!(times(&lived), times(&expected));
    println!("{} processes were killed; {} articles are posted, each once", lives.killed, lived.len());
}
