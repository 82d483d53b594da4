//! Real editing histories, commit by commit: every article keeps one identity for its life, and no two share one,
//! whether git tells of renames (a repository) or not (a folder).
//!
//! Which of them are announced, and when, is judged in `simulate.rs`.

use crate::support::origin::git;
use crate::support::{corpus, parse};
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// One change of a history: git's status, old path, new path, and the article's first path ever.
type Change = (String, String, String, String);

#[derive(serde::Deserialize)]
struct Commit {
    changes: Vec<Change>,
}

fn lines(folder: &Path, arguments: &[&str]) -> Vec<String> {
    git(folder, arguments).lines().map(str::to_owned).collect()
}

/// Old and new paths between two commits, as a pull tells them.
pub fn renames(folder: &Path, old: &str, new: &str) -> Vec<(String, String)> {
    let text = git(folder, &["diff-tree", "-r", "-z", "--name-status", "--diff-filter=R", "-M50%", old, new]);
    let parts: Vec<&str> = text.split('\0').collect();
    parts.chunks_exact(3).map(|record| (record[1].to_owned(), record[2].to_owned())).collect()
}

#[derive(Default, Debug, PartialEq)]
struct Found {
    commits: usize,
    /// Articles that were ever read, by their first paths.
    lineages: usize,
    /// Paths that a known article took.
    followed: usize,
    /// New articles that were suspected to be copies.
    flagged: usize,
    /// Identities with more than one lineage.
    merged: Vec<String>,
    /// Lineages with more than one identity.
    split: Vec<String>,
}

async fn replay(name: &str, collection: &str, told_of_renames: bool) -> Option<Found> {
    let material = corpus("replay")?;
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    let bundle = material.join(format!("{name}.bundle"));
    git(folder.path(), &["clone", "--quiet", "--branch", "main", bundle.to_str().unwrap(), "site"]);
    let changes = std::fs::read_to_string(material.join(format!("{name}.changes.json"))).unwrap();
    let changes: Vec<Commit> = serde_json::from_str(&changes).unwrap();
    let commits = lines(&site, &["log", "--first-parent", "--reverse", "--format=%H %ct"]);
    assert_eq!(commits.len(), changes.len());

    // The least of feeds: without optimisation, those of all tags would take nine tenths of the time.
    let yaml = format!(
        "feeds: {{ entries: 1, content: summary, formats: [json] }}\nsite:\n  root: {site:?}\n  url: https://www.example.org\n  collections: {collection}\nstore: \"sqlite:{}\"\n",
        folder.path().join("crieur.db").display()
    );
    let config = Arc::new(parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}")));
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(config).accepting_empty(true);

    let mut found = Found { commits: commits.len(), ..Found::default() };
    let mut stands: BTreeMap<String, String> = BTreeMap::new();
    let mut of_lineage: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut of_id: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut path_of: BTreeMap<String, String> = BTreeMap::new();
    let mut suspected = BTreeSet::new();
    let mut before: Option<&str> = None;
    for (commit, Commit { changes }) in commits.iter().zip(&changes) {
        let (hash, time) = commit.split_once(' ').unwrap();
        let now = Timestamp::from_second(time.parse().unwrap()).unwrap();
        git(&site, &["checkout", "--quiet", "--force", hash]);
        for (status, old, ..) in changes.iter().filter(|(status, ..)| status.starts_with(['D', 'R'])) {
            assert!(stands.remove(old).is_some(), "{status} {old}");
        }
        for (_, _, new, lineage) in changes.iter().filter(|(status, ..)| status != "D") {
            stands.insert(new.clone(), lineage.clone());
        }
        if let (Some(before), true) = (before, told_of_renames) {
            reconciler.renamed(renames(&site, before, hash));
        }
        before = Some(hash);
        let snapshot = reconciler.pass(&store, now).await.unwrap();
        for standing in snapshot.catalog().all() {
            let (path, id) = (&standing.article.path.to_string(), standing.id.to_string());
            let lineage = stands.get(path).unwrap_or_else(|| panic!("{path} does not stand at {hash}"));
            of_lineage.entry(lineage.clone()).or_default().insert(id.clone());
            of_id.entry(id.clone()).or_default().insert(lineage.clone());
            let last = path_of.insert(id.clone(), path.clone());
            found.followed += usize::from(last.is_some_and(|last| last != *path));
            let flagged = standing.past.copy_of.is_some();
            if flagged && suspected.insert(id) {
                println!("{name}: {path} is suspected to be a copy");
            }
        }
    }
    store.close().await;
    found.lineages = of_lineage.len();
    found.flagged = suspected.len();
    let several = |of: BTreeMap<String, BTreeSet<String>>| {
        of.into_iter().filter(|(_, them)| them.len() > 1).map(|(one, them)| format!("{one}: {them:?}")).collect()
    };
    (found.merged, found.split) = (several(of_id), several(of_lineage));
    println!("{name}, renames told: {told_of_renames}: {found:#?}");
    Some(found)
}

const POSTS: &str =
    "{ posts: { paths: [\"_posts/**\", \"content/posts/**\"], permalink: /:year/:month/:day/:title/ } }";
const ARTICLES: &str = "{ articles: { paths: [\"content/articles/**\"], permalink: /articles/:title/ } }";

#[tokio::test]
async fn jekyll_then_eleventy_with_gits_word() {
    let Some(found) = replay("18f-slice", POSTS, true).await else { return };
    assert!(found.merged.is_empty() && found.split.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn jekyll_then_eleventy_by_looking() {
    let Some(found) = replay("18f-slice", POSTS, false).await else { return };
    assert!(found.merged.is_empty() && found.split.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn gridsome_with_gits_word() {
    let Some(found) = replay("designgouv", ARTICLES, true).await else { return };
    assert!(found.merged.is_empty() && found.split.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn gridsome_by_looking() {
    let Some(found) = replay("designgouv", ARTICLES, false).await else { return };
    assert!(found.merged.is_empty() && found.split.is_empty(), "{found:#?}");
}
