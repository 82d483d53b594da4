//! Readers of other people see in every feed of every site what the catalog says: the same articles, in the same order,
//! with the same ids, titles, addresses and instants.

use crate::support::judged::{Item, Site, files, sites, xml};
use crate::support::tools;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Formats whose documents have items.
const ITEMS: [&str; 3] = ["rss", "atom", "json"];

fn is(path: &Path, formats: &[&str]) -> bool {
    path.extension().is_some_and(|extension| formats.iter().any(|format| extension == *format))
}

/// Every document of every site in some formats.
fn documents(formats: &[&str]) -> Vec<PathBuf> {
    sites().iter().flat_map(|site| files(&site.folder)).filter(|path| is(path, formats)).collect()
}

fn lines(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("{}\n", path.display())).collect()
}

/// What a reader saw, by file.
pub type Seen = BTreeMap<PathBuf, Vec<Item>>;

#[derive(serde::Deserialize)]
struct Line {
    #[serde(default)]
    reader: String,
    file: PathBuf,
    items: Vec<Item>,
}

/// What readers saw, from lines of JSON: by reader and file.
pub fn seen(said: &str) -> BTreeMap<String, Seen> {
    let mut readers: BTreeMap<String, Seen> = BTreeMap::new();
    for line in said.lines() {
        let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        readers.entry(line.reader).or_default().insert(line.file, line.items);
    }
    readers
}

/// Compares what a reader saw of the documents with what the catalog says; where it says nothing of a document, with
/// the document's other formats.
fn agrees(reader: &str, seen: &Seen, asked: &[PathBuf]) {
    let mut differences = Vec::new();
    for path in asked {
        let Some(items) = seen.get(path) else {
            differences.push(format!("{}: not read", path.display()));
            continue;
        };
        let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
        if ids.len() != items.len() {
            differences.push(format!("{}: an id stands there twice", path.display()));
        }
        let expected = expected(path).or_else(|| {
            let mut others = ITEMS.iter().map(|format| path.with_extension(format)).filter(|other| other != path);
            others.find_map(|other| seen.get(&other).cloned())
        });
        if let Some(expected) = expected.filter(|expected| expected != items) {
            let differing = expected.iter().zip(items).find(|(expected, item)| expected != item);
            differences.push(format!(
                "{}: {} items, and {} should be there; the first that differs: {differing:#?}",
                path.display(),
                items.len(),
                expected.len()
            ));
        }
    }
    println!("{reader}: {} documents, {} differences", asked.len(), differences.len());
    assert!(differences.is_empty(), "{reader}:\n{}", differences.join("\n"));
    assert!(asked.len() > 40, "{reader}: only {} documents", asked.len());
}

/// What the catalog says of a document.
fn expected(path: &Path) -> Option<Vec<Item>> {
    let site: &Site = sites().iter().find(|site| path.starts_with(&site.folder))?;
    site.feeds.get(&format!("/{}", path.strip_prefix(&site.folder).ok()?.to_str()?)).cloned()
}

/// Walks back from every feed through its archives, as a reader of RFC 5005 does with what feedparser tells of links (of
/// JSON Feed: `next_url`).
#[test]
fn a_walk_through_the_archives_meets_every_article_once() {
    let Some(mut python) = tools::python("walk_back.py") else { return };
    let mut walks = 0;
    let starts: String = sites()
        .iter()
        .flat_map(|site| site.whole.keys().map(|path| format!("{}\t{path}\n", site.folder.display())))
        .collect();
    for line in tools::judged(&mut python, starts).lines() {
        let walk: Walk = serde_json::from_str(line).unwrap();
        let site = sites().iter().find(|site| site.folder == walk.folder).unwrap();
        let ids: BTreeSet<&String> = walk.ids.iter().collect();
        assert_eq!(ids.len(), walk.ids.len(), "{} {}: an article twice", site.name, walk.feed);
        assert!(ids.into_iter().eq(&site.whole[&walk.feed]), "{} {}: {:?}", site.name, walk.feed, walk.documents);
        walks += usize::from(walk.documents.len() > 2);
    }
    println!("{walks} walks through two archives or more");
    assert!(walks > 0 || sites().len() == 1);
}

#[derive(serde::Deserialize)]
struct Walk {
    folder: PathBuf,
    feed: String,
    documents: Vec<String>,
    ids: Vec<String>,
}

#[test]
fn every_json_feed_keeps_the_rules_of_its_standard() {
    let schema = std::fs::read_to_string("tests/tools/json-feed-1.1.schema.json").unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let paths = documents(&["json"]);
    assert!(paths.len() > 20);
    for path in &paths {
        let feed: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let faults: Vec<String> = validator.iter_errors(&feed).map(|fault| format!("{fault}")).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        for fault in [
            json!({ "version": "https://jsonfeed.org/version/1" }),
            json!({ "language": "français" }),
            json!({ "feed_url": "/feeds/all.json" }),
            json!({ "items": [{ "id": "a", "url": "https://www.example.fr/", "title": "a" }] }),
            json!({ "author": { "name": "a" } }),
            json!({ "next_url": null }),
            json!({ "hubs": [{ "url": "https://www.example.fr/" }] }),
        ] {
            let mut broken = feed.clone();
            broken.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
            assert!(!validator.is_valid(&broken), "{fault}");
        }
    }
    println!("{} JSON feeds", paths.len());
}

#[test]
fn libxml2_finds_every_xml_document_well_formed() {
    let Some(mut xmllint) = tools::program("xmllint") else { return };
    let paths: Vec<PathBuf> = sites().iter().flat_map(|site| xml(&site.folder)).collect();
    assert!(paths.len() > 40);
    let output = xmllint.arg("--noout").args(&paths).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("xmllint: {} documents", paths.len());
}

#[test]
fn feedparser_sees_what_the_catalog_says() {
    let Some(mut python) = tools::python("read_feedparser.py") else { return };
    let paths = documents(&["rss", "atom"]);
    let said = tools::judged(&mut python, lines(&paths));
    agrees("feedparser", &seen(&said)[""], &paths);
}

#[test]
fn readers_in_javascript_see_what_the_catalog_says() {
    let Some(mut node) = tools::node("read_node.mjs") else { return };
    let paths = documents(&ITEMS);
    let said = tools::judged(&mut node, lines(&paths));
    let readers = seen(&said);
    agrees("feedsmith", &readers["feedsmith"], &paths);
    agrees("rss-parser", &readers["rss-parser"], &documents(&["rss", "atom"]));
}

#[test]
fn sfeed_sees_what_the_catalog_says() {
    let paths = documents(&["rss", "atom"]);
    let mut seen = Seen::new();
    for path in &paths {
        let Some(mut sfeed) = tools::program("sfeed") else { return };
        let said = tools::judged(&mut sfeed, std::fs::read(path).unwrap());
        let items = said.lines().map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Item {
                published: fields[0].parse().unwrap(),
                title: fields[1].to_owned(),
                url: fields[2].to_owned(),
                id: fields[5].to_owned(),
            }
        });
        seen.insert(path.clone(), items.collect());
    }
    agrees("sfeed", &seen, &paths);
}

/// Newsboat keeps one item for an id, whatever the number of feeds that show it: a run for each site and format must
/// leave exactly the site's articles.
#[test]
fn newsboat_keeps_every_article_once_as_the_catalog_says() {
    let mut kept = 0;
    for site in sites() {
        for format in ["rss", "atom"] {
            let feeds: Vec<&String> = site.feeds.keys().filter(|path| is(Path::new(path), &[format])).collect();
            let Some(newsboat) = crate::support::newsboat::Newsboat::new() else { return };
            newsboat.subscribe(feeds.iter().map(|path| format!("file://{}{path}", site.folder.display())));
            newsboat.reload();
            let expected: BTreeSet<&Item> = feeds.iter().flat_map(|path| &site.feeds[*path]).collect();
            let items: Vec<Item> = newsboat.items().into_iter().map(|item| item.item).collect();
            let differing: Vec<&Item> = expected.iter().filter(|item| !items.contains(item)).copied().collect();
            assert!(differing.is_empty(), "{} {format}: {differing:#?}\n{items:#?}", site.name);
            assert_eq!(items.len(), expected.len(), "{} {format}", site.name);
            kept += items.len();
        }
    }
    println!("newsboat: {kept} articles");
    assert!(kept > 30);
}
