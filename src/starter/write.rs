//! The text of the configuration.

use super::scalar::is_printable;
use super::{Collection, Found, Term, scalar, worth_a_hashtag};
use crate::text::counted;
use std::collections::BTreeSet;

/// Most categories that are named.
const CATEGORIES_MAX: usize = 20;

/// The configuration, with comments; `config::parse` reads it without a problem.
pub fn write(found: &Found) -> String {
    let parts = [head(found), site(found), serving(), feeds(found), hashtags(found), REST.to_owned()];
    parts.join("\n")
}

fn head(found: &Found) -> String {
    format!(
        "# Crieur's configuration, as `crieur init` made it from the site in {}.\n\
         # Every key is told in docs/configuration.md. Folders are relative to the working directory.\n\
         # `crieur check` says what is wrong here and in the articles, `crieur plan` what would go out.\n",
        scalar(found.root)
    )
}

fn site(found: &Found) -> String {
    let site = found.site;
    let mut text = format!("site:\n  root: {}\n", scalar(found.root));
    text.push_str("  # Read from the site itself; what is written here wins.\n");
    text.push_str(&format!("  # generator: {}\n", found.generator.word()));
    let url = scalar(site.url.as_str().trim_end_matches('/'));
    text.push_str(&if found.knows_url {
        format!("  # url: {url}\n")
    } else {
        format!("  url: {url}   # CHANGE THIS: the site does not say its public address\n")
    });
    text.push_str(&format!("  # title: {}\n", scalar(&site.title)));
    let language = scalar(&site.language);
    text.push_str(&match found.knows_language {
        true => format!("  # language: {language}\n"),
        false => format!("  language: {language}   # the site names none; write yours, such as fr or en-GB\n"),
    });
    text.push_str(&match site.timezone.iana_name() {
        Some(zone) if zone != "UTC" => format!("  # timezone: {}\n", scalar(zone)),
        _ => "  timezone: UTC   # the site names no other; write yours, such as Europe/Paris\n".to_owned(),
    });
    text.push_str(&collections(&found.collections));
    text
}

fn collections(all: &[Collection]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let pages = all.iter().any(Collection::is_of_pages) && !all.iter().all(Collection::is_of_pages);
    let mut text = String::from(if pages {
        "  collections:   # without this key: all that the site puts out, but pages and uploads\n"
    } else {
        "  # collections:   # by default all that the site puts out, but pages and uploads\n"
    });
    for collection in all {
        let mark = match (pages, collection.is_of_pages()) {
            (false, _) => "  #   ",
            (true, true) => "    # ",
            (true, false) => "    ",
        };
        let paths: Vec<String> = collection.paths.iter().map(|path| scalar(path)).collect();
        let about = if paths.is_empty() { "{}".to_owned() } else { format!("{{ paths: [{}] }}", paths.join(", ")) };
        let newest = collection.newest.map_or(String::new(), |date| format!(", newest {date}"));
        let remark = if collection.is_of_pages() { "; most have no date, so these look like pages" } else { "" };
        let count = counted(collection.articles, "article");
        text.push_str(&format!("{mark}{}: {about}   # {count}{newest}{remark}\n", scalar(&collection.name)));
    }
    text
}

fn serving() -> String {
    "http:\n  listen: 127.0.0.1:8080\n  # public_url: https://flux.example.fr   # address under which people reach this server\n\nstore: sqlite:data/crieur.db\n".to_owned()
}

fn feeds(found: &Found) -> String {
    let mut text = String::from("feeds:\n  entries: 20\n  formats: [rss, atom, json]\n");
    let mut known = BTreeSet::new();
    let usable = |path: &str| path.starts_with('/') && !path.starts_with("/feeds/") && path.len() > 1;
    let old: Vec<_> = found.feeds.iter().filter(|old| usable(&old.path) && known.insert(old.path.clone())).collect();
    if old.is_empty() {
        text.push_str("  # aliases: { /feed.xml: /feeds/all.rss }   # old addresses of feeds; none was found\n");
        return text;
    }
    text.push_str("  aliases:   # addresses of the site's own feeds, and the feed that answers there\n");
    for old in old {
        text.push_str(&format!("    {}: {}   # {}\n", scalar(&old.path), scalar(&old.to), one_line(&old.seen)));
    }
    text
}

/// What may stand in a comment: a sign that YAML takes for the end of a line would end it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

fn hashtags(found: &Found) -> String {
    let articles = found.collections.iter().map(|collection| collection.articles).sum();
    let line = |mark: &str, (term, hashtag): (&Term, &str)| {
        format!("{mark}{}: \"{hashtag}\"   # {}\n", scalar(&term.name), counted(term.articles, "article"))
    };
    let tags: String = worth_a_hashtag(&found.tags, articles).map(|term| line("    ", term)).collect();
    let is_tag =
        |term: &Term| found.tags.iter().any(|tag| crate::text::folded(&tag.name) == crate::text::folded(&term.name));
    let categories: String = worth_a_hashtag(&found.categories, articles)
        .filter(|(term, _)| !is_tag(term))
        .take(CATEGORIES_MAX)
        .map(|term| line("    # ", term))
        .collect();
    let mut text = String::from("hashtags:\n");
    text.push_str(match tags.is_empty() {
        true => {
            "  # dictionary:   # official hashtags, taken byte for byte; no tag is used often enough for a proposal\n"
        }
        false => "  dictionary:   # official hashtags, taken byte for byte; these are proposals: correct them\n",
    });
    text.push_str(&tags);
    if !categories.is_empty() {
        text.push_str("    # Categories become hashtags only if they stand here:\n");
        text.push_str(&categories);
    }
    text.push_str(
        "  fallback: camel   # other tags: camel (#ParolesDAgents), keep (#Parolesdagents), none\n  at_most: 3\n",
    );
    text
}

const REST: &str = "\
endpoints:
  journal:   # the embedded timeline, at /timeline; needs no account
    network: journal
  # mastodon:
  #   network: mastodon
  #   server: https://social.example.fr
  #   token: ${MASTODON_TOKEN}   # or token_file: /run/secrets/mastodon-token

rules:
  - name: all
    # articles: { collections: […], categories: […], tags: […], not: { tags: […] } }
    endpoints: [journal]   # add mastodon when `crieur endpoints test mastodon` is content
    when: { at: publication }

baseline: existing   # what is there at the first start is in the feeds and is never posted
";

#[cfg(test)]
mod tests {
    use super::super::{OldFeed, collections, terms};
    use super::*;
    use crate::article::SiteSettings;
    use crate::catalog::{Head, Names};
    use crate::config::{self, Config, Generator, Surroundings};
    use crate::post::hashtag::proposed;
    use crate::problem::Problem;
    use crate::text::folded;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn read(text: &str) -> Result<Config, Vec<Problem>> {
        let env = |name: &str| Some(format!("filled {name}"));
        let file = |_: &std::path::Path| Err(String::new());
        config::parse("crieur.yaml", text, &Surroundings { env: &env, read: &file })
    }

    fn settings(title: &str) -> SiteSettings {
        let config = read(&format!(
            "site: {{ generator: jekyll, url: https://www.example.fr, title: {} }}",
            super::scalar(title)
        ))
        .unwrap();
        SiteSettings::read(&config.site, &crate::article::site::NoFiles).unwrap().0
    }

    fn found<'a>(root: &'a str, site: &'a SiteSettings, names: &[String]) -> Found<'a> {
        let term = |name: &String| Term { name: name.clone(), articles: 9, hashtag: proposed(name) };
        Found {
            root,
            generator: Generator::Jekyll,
            site,
            knows_url: true,
            knows_language: true,
            collections: collections(&[], site, jiff::Timestamp::UNIX_EPOCH),
            tags: names.iter().map(term).collect(),
            categories: names.iter().rev().map(term).collect(),
            feeds: names
                .iter()
                .map(|name| OldFeed { path: format!("/{name}"), to: "/feeds/all.rss".into(), seen: name.clone() })
                .collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn whatever_terms_a_site_has_the_file_gives_them_back(
            names in proptest::collection::vec("\\PC{1,20}|[a-z :#'\"{}$&*!|>%@`,\\[\\]?\\-~=<]{1,12}|(yes|no|null|1e3|0x1F|12:30)", 0..12),
            title in any::<String>(),
        ) {
            let site = settings(&title);
            // As `terms` gives them: each once, whatever its case.
            let mut once = BTreeMap::new();
            for name in names {
                once.entry(folded(&name)).or_insert(name);
            }
            let names: Vec<String> = once.into_values().collect();
            let text = write(&found("a ${HOME} site", &site, &names));
            let config = read(&text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
            let expected: BTreeMap<String, String> =
                names.iter().filter_map(|name| Some((folded(name), proposed(name)?))).collect();
            prop_assert_eq!(&config.hashtags.dictionary, &expected);
            prop_assert_eq!(config.site.root, std::path::PathBuf::from("a ${HOME} site"));
            let usable = names.iter().filter(|name| !format!("/{name}").starts_with("/feeds/"));
            prop_assert_eq!(config.feeds.aliases.len(), usable.count());
        }
    }

    #[test]
    fn pages_are_left_out_and_unknown_settings_are_written() {
        let site = settings("Essai");
        let mut found = found("site", &site, &[]);
        (found.knows_url, found.knows_language) = (false, false);
        let collection =
            |name: &str, dated| Collection { name: name.into(), paths: Vec::new(), articles: 4, dated, newest: None };
        found.collections = vec![collection("actualites", 4), collection("missions", 1)];
        let text = write(&found);
        let config = read(&text).unwrap();
        assert_eq!(config.site.collections.unwrap().keys().collect::<Vec<_>>(), ["actualites"]);
        assert!(text.contains("# missions: {}   # 4 articles; most have no date"), "{text}");
        assert!(text.contains("\n  url: \"https://www.example.fr\"   # CHANGE THIS"), "{text}");
        assert!(text.contains("\n  language: fr   # the site names none"), "{text}");
        found.collections.truncate(1);
        assert!(read(&write(&found)).unwrap().site.collections.is_none());
    }

    #[test]
    fn terms_are_counted_under_the_spelling_that_most_use() {
        let mut names = Names::default();
        let mut of = |tags: &[&str]| {
            let file = crate::article::SourceFile {
                path: "_posts/2026-01-01-a.md".into(),
                bytes: format!("---\ntitle: a\ntags: [{}]\n---\n", tags.join(", ")).into_bytes(),
            };
            Head::of(
                &crate::article::parse(&file, &settings("x"), &|_: &str| None, crate::article::Depth::Full)
                    .article
                    .unwrap(),
                &mut names,
            )
        };
        let articles = [of(&["cloud", "B"]), of(&["Cloud"]), of(&["Cloud"])];
        let articles: Vec<&Head> = articles.iter().collect();
        let terms = terms(&articles, |article| &article.tags);
        let shown: Vec<(&str, usize)> = terms.iter().map(|term| (term.name.as_str(), term.articles)).collect();
        assert_eq!(shown, [("Cloud", 3), ("B", 1)]);
    }
}
