//! The hashtag of every tag and category of the development corpora, in a table that people have read.

use crate::support::{corpus, parse};
use crieur::article::{self, Depth, SiteSettings, SourceFile};
use crieur::post::hashtag;
use crieur::source::directory::Directory;
use std::collections::BTreeSet;
use std::path::Path;

/// The table; `CRIEUR_BLESS=1` writes it anew.
const TABLE: &str = "tests/it/hashtags/corpora.tsv";

/// The terms of all articles of a site.
fn terms(root: &Path) -> BTreeSet<String> {
    let yaml = format!("site: {{ root: {root:?}, url: https://www.example.fr, timezone: Europe/Paris, language: fr }}");
    let config = parse(&yaml).unwrap();
    let directory = Directory::new(root);
    let (site, _) = SiteSettings::read(&config.site, &directory).unwrap();
    let mut terms = BTreeSet::new();
    for (path, stamp) in directory.scan(&site).unwrap() {
        let Some(Ok(bytes)) = stamp.ok().and_then(|stamp| directory.read(&path, &stamp)) else { continue };
        let file = SourceFile { path, bytes };
        if let Some(article) = article::parse(&file, &site, &|_: &str| None, Depth::Head).article {
            terms.extend(article.tags);
            terms.extend(article.categories);
        }
    }
    terms
}

#[test]
fn every_tag_of_the_corpora_has_the_hashtag_of_the_table() {
    let mut all = BTreeSet::new();
    for name in ["18f-jekyll", "designgouv", "digitalgov-hugo", "jekyll-docs", "numerique", "rust-zola"] {
        let Some(root) = corpus(name) else { return };
        all.extend(terms(&root));
    }
    let yaml = "site: { url: https://www.example.fr }\nhashtags: { dictionary: { Cloud: \"#ClouddelEtat\", cloud au centre: \"#Cloudaucentre\" } }";
    let config = parse(yaml).unwrap();
    let table: String = all
        .iter()
        .map(|term| format!("{term}\t{}\n", hashtag::of_term(term, &config.hashtags).unwrap_or_else(|| "—".to_owned())))
        .collect();
    assert!(all.len() > 100, "{} terms", all.len());
    if std::env::var_os("CRIEUR_BLESS").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let kept = std::fs::read_to_string(TABLE).unwrap();
    for (now, then) in table.lines().zip(kept.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(table.lines().count(), kept.lines().count());
}
