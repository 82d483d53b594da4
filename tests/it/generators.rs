//! What each generator publishes, and what is read here: the same, for every file of the development corpora.

use crate::support::{self, corpus};
use crieur::article::{self, Article, Depth, SiteSettings, SourceFile, Tree, markdown};
use crieur::config::Generator;
use crieur::source::directory::Directory;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

/// The settings of a site in a folder.
fn site(root: &Path, more: &str) -> SiteSettings {
    let config = support::parse(&format!("site: {{ root: {root:?}{more} }}")).unwrap();
    let (site, problems) = SiteSettings::read(&config.site, &Directory::new(root)).unwrap();
    println!("{}: {:?}, {} problems", root.display(), site.generator, problems.len());
    site
}

/// Every file of the site as it is read, by its path.
fn read_all(root: &Path, site: &SiteSettings) -> BTreeMap<String, article::Parsed> {
    let directory = Directory::new(root);
    directory
        .scan(site)
        .unwrap()
        .into_iter()
        .map(|(path, stamp)| {
            let bytes = directory.read(&path, &stamp.unwrap()).unwrap().unwrap();
            let file = SourceFile { path, bytes };
            let full = article::parse(&file, site, &|_: &str| None, Depth::Full);
            let head = article::parse(
                &file,
                site,
                &|_: &str| -> Option<article::FileFacts> { panic!("{} is looked up", file.path) },
                Depth::Head,
            );
            agree(&file, full.article.as_ref(), head.article.as_ref());
            (file.path, full)
        })
        .collect()
}

/// The head is the article without what hangs on its body.
fn agree(file: &SourceFile, full: Option<&Article>, head: Option<&Article>) {
    let bare = |article: &Article| Article {
        body: String::new(),
        images: Vec::new(),
        attachments: Vec::new(),
        writing: article::Writing::default(),
        ..article.clone()
    };
    assert_eq!(full.map(bare), head.cloned(), "{}", file.path);
}

/// What should be, as far as it is known.
#[derive(Debug, Default)]
struct Expected {
    url: String,
    date: Option<Timestamp>,
    title: Option<String>,
    published: Option<bool>,
    expires: Option<Timestamp>,
    categories: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

/// Compares all, prints each difference, and stops if there is one that is not an exception.
fn compare(
    name: &str,
    expected: &BTreeMap<String, Expected>,
    found: &BTreeMap<String, article::Parsed>,
    exceptions: &[(&str, &str)],
) {
    let mut differences = Vec::new();
    let mut compared = 0;
    for (path, wanted) in expected {
        if let Some((_, reason)) = exceptions.iter().find(|(part, _)| path.contains(part)) {
            println!("{name}: {path} is left out: {reason}");
            continue;
        }
        let Some(article) = found.get(path).and_then(|parsed| parsed.article.as_ref()) else {
            differences.push(format!("{path}: no article, {:?}", found.get(path).map(|parsed| &parsed.problems)));
            continue;
        };
        compared += 1;
        let mut differ = |what: &str, wanted: String, found: String| {
            if wanted != found {
                differences.push(format!("{path}: {what}\n  generator {wanted}\n  here      {found}"));
            }
        };
        differ("address", url::Url::parse(&wanted.url).unwrap().to_string(), article.url.to_string());
        if wanted.date.is_some() {
            differ("date", format!("{:?}", wanted.date), format!("{:?}", article.date.map(|date| date.at)));
        }
        if let Some(title) = &wanted.title {
            differ("title", markdown::title_to_text(title), article.title.clone());
        }
        if let Some(published) = wanted.published {
            differ("published", published.to_string(), article.published.to_string());
            differ("expires", format!("{:?}", wanted.expires), format!("{:?}", article.expires));
        }
        for (what, wanted, found) in
            [("categories", &wanted.categories, &article.categories), ("tags", &wanted.tags, &article.tags)]
        {
            if let Some(wanted) = wanted {
                differ(what, format!("{wanted:?}"), format!("{found:?}"));
            }
        }
    }
    for (path, parsed) in found {
        if parsed.article.is_some() && !expected.contains_key(path) {
            differences.push(format!("{path}: an article here, and none of the generator"));
        }
    }
    println!("{name}: {compared} of {} compared, {} differences", expected.len(), differences.len());
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert!(compared > 0);
}

fn jekyll_expected(file: &Path, base: &str) -> BTreeMap<String, Expected> {
    let texts = |value: &serde_json::Value| {
        value.as_array().unwrap().iter().map(|term| markdown::title_to_text(term.as_str().unwrap())).collect()
    };
    std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let expected = Expected {
                url: format!("{base}{}", row["url"].as_str().unwrap()),
                date: Some(row["date"].as_str().unwrap().parse().unwrap()),
                title: Some(row["title"].as_str().unwrap().to_owned()),
                published: row["published"].as_bool(),
                expires: None,
                categories: Some(texts(&row["categories"])),
                tags: Some(texts(&row["tags"])),
            };
            (row["path"].as_str().unwrap().to_owned(), expected)
        })
        .collect()
}

#[test]
fn posts_of_18f_are_those_of_jekyll() {
    let Some(root) = corpus("18f-jekyll") else { return };
    // Where the site says no zone, Jekyll takes that of the machine; the expectation was made in UTC.
    let site = site(&root, ", timezone: UTC");
    assert_eq!(site.generator, Generator::Jekyll);
    let expected = jekyll_expected(&root.with_file_name("18f-jekyll.expected.jsonl"), "https://18f.gsa.gov");
    compare("18f-jekyll", &expected, &read_all(&root, &site), &[]);
}

#[test]
fn posts_of_jekylls_own_site_are_those_of_jekyll() {
    let Some(root) = corpus("jekyll-docs") else { return };
    let site = site(&root, "");
    let expected = jekyll_expected(&root.with_file_name("jekyll-docs.expected.jsonl"), "https://jekyllrb.com");
    let found = read_all(&root, &site);
    compare("jekyll-docs", &expected, &found, &[]);
    assert!(found.values().filter_map(|parsed| parsed.article.as_ref()).all(|article| article.shown_early));
}

/// Rows of a CSV file with quoted fields.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    rows
}

#[test]
fn pages_of_digital_gov_are_those_of_hugo() {
    let Some(root) = corpus("digitalgov-hugo") else { return };
    let site = site(&root, ", timezone: America/New_York");
    assert_eq!(site.generator, Generator::Hugo);
    let text = std::fs::read_to_string(root.with_file_name("digitalgov-hugo.expected.csv")).unwrap();
    let moment = |text: &str| Timestamp::from_str(text).ok().filter(|_| !text.starts_with("0001"));
    let expected: BTreeMap<String, Expected> = csv(&text.replace('\r', ""))
        .into_iter()
        .skip(1)
        .map(|row| {
            let expected = Expected {
                url: row[7].clone(),
                date: moment(&row[3]),
                title: Some(row[2].clone()),
                published: Some(row[6] == "false"),
                expires: moment(&row[4]),
                ..Expected::default()
            };
            (row[0].clone(), expected)
        })
        .collect();
    let found = read_all(&root, &site);
    let untitled = [("2018-09-24-example.md", "its title is empty: nothing could be announced")];
    compare("digitalgov-hugo", &expected, &found, &untitled);
    let articles: Vec<&Article> = found.values().filter_map(|parsed| parsed.article.as_ref()).collect();
    assert!(articles.iter().all(|article| article.shown_early), "buildFuture");
    assert!(articles.iter().filter(|article| !article.tags.is_empty()).count() > 40, "topics are tags");
}

/// A value of a simple front matter, by its key: what a person would read.
fn said(text: &str, key: &str) -> Option<String> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', ':'])))?;
    let value = line[key.len()..].trim_start().trim_start_matches(['=', ':']).trim();
    let bare = value.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\'']));
    Some(bare.unwrap_or(value).replace("\\\"", "\"").replace("''", "'"))
}

#[test]
fn pages_of_the_rust_blog_are_those_of_zola() {
    let Some(root) = corpus("rust-zola") else { return };
    let site = site(&root, ", url: https://blog.rust-lang.org, generator: zola, timezone: UTC");
    let mut expected = BTreeMap::new();
    for path in Directory::new(&root).files("content", true) {
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        // Its pages say their path, whose first three parts after the section are the day; its sections do not.
        let Some(own) = said(&text, "path").filter(|_| !path.ends_with("_index.md")) else { continue };
        let day = own.trim_start_matches("inside-rust/").get(..10).unwrap().replace('/', "-");
        let row = Expected {
            url: format!("https://blog.rust-lang.org/{own}/"),
            date: Some(format!("{day}T00:00:00Z").parse().unwrap()),
            title: said(&text, "title"),
            published: Some(true),
            categories: Some(Vec::new()),
            tags: Some(Vec::new()),
            ..Expected::default()
        };
        expected.insert(path, row);
    }
    let found = read_all(&root, &site);
    compare("rust-zola", &expected, &found, &[]);
    assert_eq!(site.collections.keys().collect::<Vec<_>>(), ["content", "inside-rust", "releases"]);
    assert_eq!(site.collections["content"].title, "Rust Blog");
    let own = |path: &str| found[path].article.as_ref().unwrap();
    assert_eq!(own("content/Rust-1.80.0.md").author.as_deref(), Some("The Rust Release Team"));
    assert_eq!(own("content/Rust-1.80.0.md").aliases.len(), 2);
    assert_eq!(own("content/inside-rust/1.75.0-prerelease.md").collection, "inside-rust");
}

#[test]
fn articles_of_the_design_team_are_those_of_their_site() {
    let Some(root) = corpus("designgouv") else { return };
    let site = site(&root, ", url: https://design.numerique.gouv.fr, timezone: Europe/Paris, language: fr");
    assert_eq!(site.generator, Generator::Plain);
    let paris = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    let mut expected = BTreeMap::new();
    for path in Directory::new(&root).files("content", true) {
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        let day: jiff::civil::Date = said(&text, "publishedDate").unwrap().get(..10).unwrap().parse().unwrap();
        let row = Expected {
            url: format!("https://design.numerique.gouv.fr/articles/{}/", said(&text, "slug").unwrap()),
            date: Some(day.to_zoned(paris.clone()).unwrap().timestamp()),
            title: said(&text, "title"),
            published: Some(said(&text, "published").as_deref() != Some("false")),
            categories: Some(Vec::new()),
            ..Expected::default()
        };
        expected.insert(path, row);
    }
    let found = read_all(&root, &site);
    compare("designgouv", &expected, &found, &[]);
    let tags = &found["content/articles/2025-12-16-ara.md"].article.as_ref().unwrap().tags;
    assert_eq!(tags, &["accessibilité", "RGAA", "open source"]);
}

#[test]
fn every_file_of_the_corpora_is_read_or_its_fault_is_told() {
    let Some(verdicts) = corpus("numerique").map(|root| root.with_file_name("parse-verdicts.tsv")) else { return };
    let mut sites: BTreeMap<String, BTreeMap<String, article::Parsed>> = BTreeMap::new();
    let (mut files, mut differences) = (0, Vec::new());
    for line in std::fs::read_to_string(verdicts).unwrap().lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let Some((name, path)) = fields[0].split_once('/') else { continue };
        let Some(root) = corpus(name) else { continue };
        let generator = if name == "rust-zola" { ", generator: zola" } else { "" };
        let more = format!(", url: https://www.example.fr, timezone: UTC{generator}");
        let found = sites.entry(name.to_owned()).or_insert_with(|| read_all(&root, &site(&root, &more)));
        // Pages and sections are no articles.
        let Some(parsed) = found.get(path) else { continue };
        files += 1;
        let fine = match fields[1] {
            "toml" => fields[5] == "OK",
            _ => fields[2] == "OK",
        };
        let says_yaml = parsed.problems.iter().any(|problem| problem.message.starts_with("YAML"));
        if fine && says_yaml {
            differences.push(format!("{}: {:?}", fields[0], parsed.problems));
        }
    }
    println!("{files} files compared with the verdicts of Ruby and of toml");
    assert!(files > 200 && differences.is_empty(), "{files} files\n{}", differences.join("\n"));
}
