//! Measures how long feeds take to be made, on sites of several sizes: all of them, from files and from entries in memory,
//! and those in which one changed article stands.
//!
//! ```text
//! cargo build --release --examples
//! cargo bench --bench render -- 10000 100000
//! ```
//!
//! Sites are made by `make-corpus`: 8 categories and 120 tags (128 terms), 3 collections, everything; RSS, Atom and JSON
//! Feed of each. Every figure is the median of several rounds; all cores are used.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool for the terminal that measures real time, and ends where it cannot go on"
)]

use crieur::catalog::GroupKey;
use crieur::config::{self, Surroundings};
use crieur::feed::{FeedSet, Making, Memory};
use crieur::reconcile::{Reconciler, Snapshot};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 7;

#[tokio::main]
async fn main() {
    let sizes: Vec<u64> = std::env::args().filter_map(|given| given.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
    println!(
        "| articles | feeds | documents | MB | all, from files | all, from entries | one article changed | its documents |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        measure(&site(size)).await;
    }
}

/// A site of so many articles.
fn site(articles: u64) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("crieur-measure/site-{articles}"));
    if !folder.join("_config.yml").is_file() {
        let own = std::env::current_exe().unwrap();
        let make = own.parent().and_then(Path::parent).unwrap().join("examples/make-corpus");
        let done = Command::new(make).arg("--out").arg(&folder).args(["--articles", &articles.to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "cargo build --release --examples makes make-corpus");
    }
    folder
}

async fn measure(site: &Path) {
    let yaml = format!("site: {{ root: {site:?} }}\nstore: \"sqlite:{}\"\n", site.with_extension("db").display());
    let env = |_: &str| None;
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let config = Arc::new(config::parse("bench", &yaml, &Surroundings { env: &env, read: &read }).unwrap());
    let now = crieur::clock::Clock::system().now();
    let snapshot = Reconciler::new(Arc::clone(&config)).glance(None, now).await.unwrap();
    let documents = snapshot.feeds.documents.len();
    let bytes: usize = snapshot.feeds.documents.values().map(|document| document.body.len()).sum();
    let entries = FeedSet::of_entries(snapshot.feeds.shown().cloned());
    let (files, _) = median(|| render(&snapshot, &FeedSet::default(), None));
    let (memory, _) = median(|| render(&snapshot, &entries, None));
    let (path, groups) = {
        let catalog = snapshot.catalog();
        let newest = Arc::clone(catalog.live_in(&GroupKey::all(), now).next().unwrap());
        let groups: BTreeSet<GroupKey> = GroupKey::of(&newest.article).into_iter().collect();
        (newest.article.path.to_string(), groups)
    };
    let (one, made) = {
        let edited = Edited::new(site, &path);
        let after = Reconciler::new(config).glance(None, now).await.unwrap();
        let done = median(|| render(&after, &snapshot.feeds, Some(&groups)));
        drop(edited);
        done
    };
    let again = made.documents.iter().filter(|(path, document)| {
        snapshot.feeds.documents.get(*path).is_none_or(|before| !Arc::ptr_eq(before, document))
    });
    println!(
        "| {} | {} | {documents} | {:.1} | {} | {} | {} | {} |",
        snapshot.catalog().len(),
        snapshot.feeds.feeds.len(),
        bytes as f64 / 1_000_000.0,
        shown(files),
        shown(memory),
        shown(one),
        again.count(),
    );
}

/// An article with another title, as long as this is there.
struct Edited {
    file: PathBuf,
    text: String,
}

impl Edited {
    fn new(site: &Path, path: &str) -> Self {
        let file = site.join(path);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("title: ", "title: Rectifié, ", 1)).unwrap();
        Self { file, text }
    }
}

impl Drop for Edited {
    fn drop(&mut self) {
        std::fs::write(&self.file, &self.text).unwrap();
    }
}

fn render(snapshot: &Snapshot, before: &FeedSet, affected: Option<&BTreeSet<GroupKey>>) -> FeedSet {
    let catalog = snapshot.catalog();
    let making = Making {
        catalog: &catalog,
        site: &snapshot.site,
        settings: &snapshot.settings,
        memory: &Memory::default(),
        before,
        affected,
        read: &|standing| snapshot.texts.read(standing),
        now: crieur::clock::Clock::system().now(),
    };
    making.render()
}

/// The median of several rounds, in seconds.
fn median<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut last = work();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            last = work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], last)
}

fn shown(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1_000.0)
}
