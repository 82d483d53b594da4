//! The feeds that others judge: those of the example site and of every site of the test material, as files, with what
//! should be in them. They are found, not listed, so that what comes later is judged too.

use super::{corpus, parse};
use crieur::export::{Folder, Wanted};
use crieur::reconcile::Reconciler;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The instant at which all are made.
pub const NOW: &str = "2026-11-22T12:00:00Z";

/// One site's documents.
pub struct Site {
    pub name: &'static str,
    /// Where they lie.
    pub folder: PathBuf,
    /// By address: the feeds, in every format.
    pub feeds: BTreeMap<String, Vec<Item>>,
}

/// What a feed should say of an article: taken from the catalog, not from the writers of feeds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
pub struct Item {
    pub id: String,
    pub title: String,
    pub url: String,
    /// In seconds.
    pub published: i64,
}

/// The sites of the test material, with what their own settings do not say.
const SITES: &[(&str, &str)] = &[
    ("example", ""),
    ("18f-jekyll", "timezone: UTC"),
    ("jekyll-docs", ""),
    ("digitalgov-hugo", "timezone: America/New_York"),
    ("rust-zola", "url: https://blog.rust-lang.org, generator: zola, timezone: UTC"),
    ("designgouv", "url: https://design.numerique.gouv.fr, timezone: Europe/Paris, language: fr"),
    ("numerique", "url: https://www.numerique.gouv.fr"),
];

/// The sites that are there, each with its section of the configuration.
pub fn settings() -> impl Iterator<Item = (&'static str, String)> {
    SITES.iter().filter_map(|(name, more)| {
        let root = if *name == "example" { Path::new("examples/site").canonicalize().ok()? } else { corpus(name)? };
        let comma = if more.is_empty() { "" } else { ", " };
        Some((*name, format!("site: {{ root: {root:?}{comma}{more} }}")))
    })
}

/// All sites that are there, made once for all tests.
pub fn sites() -> &'static [Site] {
    static SITES_MADE: OnceLock<Vec<Site>> = OnceLock::new();
    SITES_MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judged");
        let _ = std::fs::remove_dir_all(&folder);
        settings().map(|(name, yaml)| made(name, &folder.join(name), &yaml, NOW.parse().unwrap())).collect()
    })
}

/// Makes the documents of a site.
pub fn made(name: &'static str, folder: &Path, yaml: &str, now: Timestamp) -> Site {
    let yaml = format!("{yaml}\nhttp: {{ public_url: https://flux.example.fr }}\n");
    let config = Arc::new(parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}")));
    let formats = config.feeds.formats.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let snapshot = runtime.block_on(async { Reconciler::new(config).glance(None, now).await.unwrap() });
    let report = Folder::new(folder.to_owned(), false).export(&Wanted::of(&snapshot.feeds));
    assert_eq!(report.troubles, []);
    let mut feeds = BTreeMap::new();
    let catalog = snapshot.catalog();
    for feed in &snapshot.feeds.feeds {
        let items: Vec<Item> = feed
            .shown
            .iter()
            .map(|id| {
                let standing = catalog.get(id).unwrap();
                Item {
                    id: standing.guid(),
                    title: standing.article.title.to_string(),
                    url: standing.article.url.to_string(),
                    published: standing.published(&snapshot.site).at.as_second(),
                }
            })
            .collect();
        for format in &formats {
            feeds.insert(feed.path_in(*format), items.clone());
        }
    }
    drop(catalog);
    Site { name, folder: folder.to_owned(), feeds }
}

/// Every file under a folder but hidden ones, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
        {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if !hidden => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The files whose documents are XML.
pub fn xml(folder: &Path) -> Vec<PathBuf> {
    let starts = |path: &PathBuf| std::fs::read(path).unwrap().starts_with(b"<?xml");
    files(folder).into_iter().filter(starts).collect()
}
