//! The feeds that others judge: those of the example site and of every site of the test material, as files, with what
//! should be in them. They are found, not listed, so that what comes later is judged too.

use super::{corpus, parse};
use crieur::catalog::{Kind, Standing};
use crieur::export::{Folder, Wanted};
use crieur::feed::demand::{Answer, Form};
use crieur::reconcile::{Made, Reconciler, Snapshot};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The instant at which all are made.
pub const NOW: &str = "2026-11-22T12:00:00Z";

/// One site's documents.
pub struct Site {
    pub name: &'static str,
    /// Where they lie.
    pub folder: PathBuf,
    /// By address, what feeds, archives and combinations should say.
    pub feeds: BTreeMap<String, Vec<Item>>,
    /// By the address of a feed, the ids of all its articles, back to the first one.
    pub whole: BTreeMap<String, BTreeSet<String>>,
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

/// The sites of the test material, with what their own settings do not say, and how their feeds are made.
const SITES: &[(&str, &str, &str)] = &[
    ("example", "", "hubs: [self]"),
    ("18f-jekyll", "timezone: UTC", "entries: 10, hubs: [self, \"https://hub.example.fr/\"]"),
    ("jekyll-docs", "", "content: summary, entries: 3"),
    ("digitalgov-hugo", "timezone: America/New_York", "entries: 30"),
    ("rust-zola", "url: https://blog.rust-lang.org, generator: zola, timezone: UTC", "ids: address"),
    ("designgouv", "url: https://design.numerique.gouv.fr, timezone: Europe/Paris, language: fr", ""),
    ("numerique", "url: https://www.numerique.gouv.fr", "ids: address"),
];

/// The sites that are there, each with its sections of the configuration: of the site, and of the feeds.
pub fn settings() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    SITES.iter().filter_map(|(name, more, feeds)| {
        let root = if *name == "example" { Path::new("examples/site").canonicalize().ok()? } else { corpus(name)? };
        let comma = if more.is_empty() { "" } else { ", " };
        Some((*name, format!("site: {{ root: {root:?}{comma}{more} }}"), *feeds))
    })
}

/// All sites that are there, made once for all tests.
pub fn sites() -> &'static [Site] {
    static SITES_MADE: OnceLock<Vec<Site>> = OnceLock::new();
    SITES_MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judged");
        let _ = std::fs::remove_dir_all(&folder);
        let made = |(name, yaml, feeds): (_, String, &str)| made(name, &folder.join(name), &yaml, feeds);
        settings().map(made).collect()
    })
}

/// Makes the documents of a site: those that are always there, and some of those that are made when they are asked for.
pub fn made(name: &'static str, folder: &Path, site: &str, feeds: &str) -> Site {
    let now: Timestamp = NOW.parse().unwrap();
    let yaml = format!("{site}\nfeeds: {{ {feeds} }}\nhttp: {{ public_url: https://flux.example.fr }}\n");
    let config = Arc::new(parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}")));
    let formats = config.feeds.formats.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let snapshot = runtime.block_on(async { Reconciler::new(config).glance(None, now).await.unwrap() });
    let report = Folder::new(folder.to_owned(), false).export(&Wanted::of(&snapshot.feeds));
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
    let mut site = Site { name, folder: folder.to_owned(), feeds: BTreeMap::new(), whole: BTreeMap::new() };
    for feed in &snapshot.feeds.feeds {
        let catalog = snapshot.catalog();
        let items: Vec<Item> = feed.shown.iter().map(|id| item(catalog.get(id).unwrap(), &snapshot)).collect();
        let whole: BTreeSet<String> = catalog.live_in(&feed.key(), now).map(|standing| standing.guid()).collect();
        for format in &formats {
            site.feeds.insert(feed.path_in(*format), items.clone());
            site.whole.insert(feed.path_in(*format), whole.clone());
        }
    }
    let archives = snapshot.beside(now).into_iter().map(|beside| beside.demand);
    let combined =
        combinations(&snapshot).into_iter().map(|path| match snapshot.feeds.demand(&path, &snapshot.settings) {
            Answer::Here(demand) => demand,
            other => panic!("{path}: {other:?}"),
        });
    for demand in archives.chain(combined) {
        let gathered = snapshot.gather(&demand, now).unwrap().unwrap();
        let items = gathered.articles.iter().map(|standing| item(standing, &snapshot)).collect();
        let Made::Document(document, true) = snapshot.make(&demand, now) else { panic!("{}", demand.path()) };
        let file = folder.join(document.path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &document.body).unwrap();
        if matches!(demand.form, Some(Form::Feed(_))) {
            site.feeds.insert(document.path.clone(), items);
        }
    }
    site
}

fn item(standing: &Standing, snapshot: &Snapshot) -> Item {
    Item {
        id: standing.guid(),
        title: standing.article.title.to_string(),
        url: standing.article.url.to_string(),
        published: standing.published(&snapshot.site).at.as_second(),
    }
}

/// Addresses of some combinations, in every form.
fn combinations(snapshot: &Snapshot) -> Vec<String> {
    let of = |kind: Kind| snapshot.feeds.feeds.iter().filter(move |feed| feed.kind == kind).take(4);
    let tags: Vec<&str> = of(Kind::Tag).map(|feed| feed.slug.as_str()).collect();
    let mut words = Vec::new();
    for pair in tags.windows(2) {
        words.extend([pair.join("+"), pair.join(","), format!("{},-{}", pair[0], pair[1]), format!("-{}", pair[0])]);
    }
    for (tag, collection) in tags.iter().zip(of(Kind::Collection)) {
        words.push(format!("{tag}+collection:{}", collection.slug));
    }
    let forms = ["rss", "atom", "json", "ics"];
    let paths = words.iter().flat_map(|words| forms.map(|form| format!("/feeds/tag/{words}.{form}")));
    // Each has one address, which `demand` knows.
    let own = |path: String| match snapshot.feeds.demand(&path, &snapshot.settings) {
        Answer::Moved(path) => path,
        _ => path,
    };
    let made: BTreeSet<String> = paths.map(own).collect();
    made.into_iter().filter(|path| !snapshot.feeds.documents.contains_key(path)).collect()
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
