//! Zola: sections, bundles, languages, dated names and slugs.

use super::glob::matches;
use super::hugo::{ROOT, Taxonomy};
use super::{
    Facts, Found, Head, NOT_ARTICLES, Outcome, Read, Rules as AllRules, file_name, folders_of, is_editors_own, texts,
};
use crate::article::date::{self, ArticleDate};
use crate::article::front_matter::{FrontMatter, split};
use crate::article::permalink;
use crate::article::read::Reading;
use crate::article::site::{Collection, Tree};
use crate::config::{self, Generator};
use crate::problem::{Place, Problem};
use crate::yaml::Yaml;
use std::collections::{BTreeMap, BTreeSet};

const CONTENT: &str = "content";

/// How names become parts of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slugify {
    On,
    Safe,
    Off,
}

/// What Zola's settings and section files say of files.
#[derive(Debug, Clone)]
pub(in crate::article) struct Rules {
    default_language: String,
    languages: Vec<String>,
    slugify: Slugify,
    keep_dates: bool,
    ignored: Vec<String>,
    /// Folders under the content folder whose section is a draft.
    drafts: BTreeSet<String>,
    /// Top folders that hold pages.
    top: BTreeSet<String>,
    root: bool,
}

/// Reads Zola's settings and its section files.
pub(in crate::article) fn read(
    config: &config::Site,
    found: &Found,
    tree: &dyn Tree,
    problems: &mut Vec<Problem>,
) -> Read {
    let default_language = found.said("default_language").unwrap_or_else(|| "en".to_owned());
    let facts = Facts {
        url: found.said("base_url"),
        title: found.said("title"),
        description: found.said("description"),
        language: Some(default_language.clone()),
        timezone: None,
    };
    let slugify = found.get("slugify");
    let paths = match slugify {
        Some(map @ Yaml::Map(_)) => map.get("paths").and_then(Yaml::filled),
        other => other.and_then(Yaml::filled),
    };
    let mut rules = Rules {
        languages: match found.get("languages") {
            Some(Yaml::Map(pairs)) => {
                pairs.iter().map(|(code, _)| code.clone()).filter(|code| *code != default_language).collect()
            }
            _ => Vec::new(),
        },
        default_language,
        slugify: match paths.as_deref() {
            Some("safe") => Slugify::Safe,
            Some("off" | "false") => Slugify::Off,
            _ => Slugify::On,
        },
        keep_dates: slugify.and_then(|map| map.get("paths_keep_dates")).and_then(Yaml::truth).unwrap_or(false),
        ignored: texts(found.get("ignored_content")),
        drafts: BTreeSet::new(),
        top: BTreeSet::new(),
        root: false,
    };
    let titles = rules.read_sections(tree, problems);
    let mut names: Vec<String> = rules.top.iter().cloned().chain(rules.root.then(|| ROOT.to_owned())).collect();
    match &config.collections {
        Some(wanted) => names = wanted.keys().cloned().collect(),
        None => names.retain(|name| !NOT_ARTICLES.contains(&name.as_str())),
    }
    let collections = names.into_iter().map(|name| {
        let is_root = name == ROOT && !rules.top.contains(&name);
        let (folder, title) = match is_root {
            true => (CONTENT.to_owned(), titles.get("")),
            false => (format!("{CONTENT}/{name}"), titles.get(&name)),
        };
        // A bundle of the content folder is a page of it, and in a folder of its own.
        let paths = if is_root {
            vec![format!("{CONTENT}/*"), format!("{CONTENT}/*/index.md"), format!("{CONTENT}/*/index.??.md")]
        } else {
            vec![format!("{folder}/**")]
        };
        let collection = super::collection(&name, config, title.cloned(), paths, folder, String::new());
        (name, collection)
    });
    let collections = collections.collect();
    Read { facts, rules: AllRules::Zola(rules), collections }
}

impl Rules {
    /// Finds the sections; gives the titles of the top ones.
    fn read_sections(&mut self, tree: &dyn Tree, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
        let mut titles = BTreeMap::new();
        let files = tree.files(CONTENT, true);
        let sections: BTreeSet<&str> =
            files.iter().filter(|file| file_name(file) == "_index.md").map(|file| folders_of(file)).collect();
        for file in &files {
            let Some(under) = file.strip_prefix("content/") else { continue };
            if !under.ends_with(".md") || under.split('/').any(is_editors_own) {
                continue;
            }
            let folder = folders_of(under);
            if !file_name(under).starts_with("_index.") {
                let top = folder.split('/').next().unwrap_or("");
                let is_bundle = self.stem(file_name(under)).0 == "index";
                if folder.is_empty()
                    || (is_bundle && folder == top && !sections.contains(format!("{CONTENT}/{top}").as_str()))
                {
                    self.root = true;
                } else {
                    self.top.insert(top.to_owned());
                }
                continue;
            }
            let Some(text) = tree.read(file) else { continue };
            let front = split(&text, Generator::Zola).map(|cut| {
                FrontMatter::read(file, &cut, Generator::Zola)
                    .map(|(front, _)| (front.text(&["title"]), front.get("draft").and_then(Yaml::truth) == Some(true)))
            });
            match front {
                Some(Ok((title, draft))) if file_name(under) == "_index.md" => {
                    if draft {
                        self.drafts.insert(folder.to_owned());
                    }
                    if let Some(title) = title.filter(|_| !folder.contains('/')) {
                        titles.insert(folder.to_owned(), title);
                    }
                }
                Some(Err(problem)) => {
                    let place = Place { line: problem.line, column: problem.column };
                    let message = format!("{}; the section is taken for no draft", problem.message);
                    let mut warning = Problem::warning(file, place, message).kind("bad-front-matter");
                    warning.cure = problem.cure;
                    problems.push(warning);
                }
                _ => {}
            }
        }
        titles
    }

    pub(in crate::article) fn is_language(&self, code: &str) -> bool {
        self.languages.iter().any(|known| known == code)
    }

    pub(in crate::article) fn is_document(&self, path: &str) -> bool {
        let name = file_name(path);
        let Some(under) = path.strip_prefix("content/") else { return false };
        name.ends_with(".md")
            && !name.starts_with("_index.")
            && !path.split('/').any(is_editors_own)
            && !self.ignored.iter().any(|glob| matches(glob, under) || matches(glob, name))
    }

    pub(in crate::article) fn is_settings(&self, path: &str, _: &BTreeMap<String, Collection>) -> bool {
        let Some(under) = path.strip_prefix("content/").filter(|under| under.ends_with(".md")) else { return false };
        let known = |top: &str| self.top.contains(top) || (self.root && file_name(under).starts_with("index."));
        file_name(under).starts_with("_index.") || under.split_once('/').map_or(!self.root, |(top, _)| !known(top))
    }

    /// A file's name without extension and language, and the language it names.
    fn stem<'a>(&self, name: &'a str) -> (&'a str, Option<&'a str>) {
        let stem = name.strip_suffix(".md").unwrap_or(name);
        match stem.split_once('.') {
            Some((base, code))
                if !self.languages.is_empty() && (self.is_language(code) || code == self.default_language) =>
            {
                (base, Some(code).filter(|code| *code != self.default_language))
            }
            _ => (stem, None),
        }
    }

    fn slug(&self, text: &str) -> String {
        match self.slugify {
            Slugify::On => slug(text),
            Slugify::Safe => {
                text.trim_end_matches([' ', '.']).chars().filter(|c| !"<>:\"/\\|?*\n\r\t".contains(*c)).collect()
            }
            Slugify::Off => text.to_owned(),
        }
    }
}

/// ASCII letters and digits in lower case, single hyphens between, as the crate `slug` that Zola uses makes them.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in deunicode::deunicode(text).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// A name cut into its date and what follows: `2024-01-31-title`, `2024-01-31_title`, also with a time.
fn dated(name: &str) -> Option<(&str, &str)> {
    let day = name.get(..10)?;
    let shaped = day.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !shaped || date::parse_day(day).is_none() {
        return None;
    }
    let mut end = 10;
    if name[10..].starts_with('T') {
        // The longest beginning that is a time with its zone.
        end = name.match_indices(['_', '-']).map(|(at, _)| at).filter(|at| *at > 18).find(|at| {
            let text = name[..*at].trim_end();
            date::parse(text, &jiff::tz::TimeZone::UTC).is_some()
        })?;
    }
    let rest = name[end..].trim_start().strip_prefix(['_', '-'])?;
    (!rest.is_empty()).then_some((name[..end].trim_end(), rest))
}

/// The day in a path such as `2024/07/25/Rust-1.80.0`.
pub(super) fn day_in_path(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    parts.windows(3).find_map(|three| {
        let day = format!("{}-{}-{}", three[0], three[1], three[2]);
        (three[0].len() == 4 && date::parse_day(&day).is_some()).then_some(day)
    })
}

/// Reads a page by Zola's rules.
pub(in crate::article) fn head(reading: &Reading, rules: &Rules, problems: &mut Vec<Problem>) -> Outcome {
    let under = reading.file.path.strip_prefix("content/").unwrap_or(&reading.file.path);
    let mut folders: Vec<&str> = folders_of(under).split('/').filter(|part| !part.is_empty()).collect();
    let (mut name, language) = rules.stem(file_name(under));
    if name == "index"
        && let Some(folder) = folders.pop()
    {
        name = folder;
    }
    if reading.truth("render", true, problems) == Some(false) {
        return Outcome::Other;
    }
    let Some(mut date) = reading.date("date", problems) else { return Outcome::Held };
    let own_path = reading.front.text(&["path"]);
    let cut = dated(name);
    if date.is_none()
        && let Some((day, _)) = cut
    {
        date = date::parse(day, &reading.site.dates);
    }
    if date.is_none()
        && let Some(day) = own_path.as_deref().and_then(day_in_path)
    {
        date = date::parse(&day, &reading.site.dates);
    }
    let title = reading.front.text(&["title"]);
    if date.is_none() && (title.is_none() || folders.is_empty()) {
        // A page of the site, such as “About”.
        return Outcome::Other;
    }
    let slug = match (reading.front.text(&["slug"]), cut) {
        (Some(slug), _) => rules.slug(&slug),
        (None, Some((_, rest))) if !rules.keep_dates => rules.slug(rest),
        (None, _) => rules.slug(name),
    };
    let path = path(reading, rules, own_path, &folders, &slug, date, language);
    let Some(url) = reading.url(&path, &path, problems) else { return Outcome::Held };
    let Some(published) = reading.is_published(problems) else { return Outcome::Held };
    let Some(expires) = reading.expires(problems) else { return Outcome::Held };
    let in_draft = (0..=folders.len()).any(|length| rules.drafts.contains(&folders[..length].join("/")));
    let (mut categories, mut tags) = (Vec::new(), Vec::new());
    let mut authors = texts(reading.front.get("authors"));
    if let Some(Yaml::Map(taxonomies)) = reading.front.get("taxonomies") {
        for (name, terms) in taxonomies {
            match Taxonomy::of(name) {
                Taxonomy::Categories => categories.extend(texts(Some(terms))),
                Taxonomy::Tags => tags.extend(texts(Some(terms))),
                Taxonomy::Authors => authors.extend(texts(Some(terms))),
                Taxonomy::None => {}
            }
        }
    }
    Outcome::Article(Box::new(Head {
        title,
        url,
        date,
        modified: reading.optional_date(&["updated"], problems),
        expires,
        published: published && !in_draft,
        shown_early: false,
        categories: reading.terms(categories),
        tags: reading.terms(tags),
        aliases: reading.addresses(&["aliases"]),
        author: reading.authors(&authors).or_else(|| reading.author()),
        language: language.and_then(crate::text::language_tag).or_else(|| reading.language(problems)),
    }))
}

/// The path of a page in its address: its own, the configuration's, or that of its folders and its slug.
fn path(
    reading: &Reading,
    rules: &Rules,
    own: Option<String>,
    folders: &[&str],
    slug: &str,
    date: Option<ArticleDate>,
    language: Option<&str>,
) -> String {
    if let Some(own) = own {
        let own = own.trim().trim_start_matches('/');
        return format!("/{own}{}", if own.ends_with('/') { "" } else { "/" });
    }
    let prefix = language.map(|code| format!("{code}/")).unwrap_or_default();
    if !reading.collection.permalink.is_empty() {
        let parts = permalink::Parts {
            collection: reading.collection_name,
            path: &folders.join("/"),
            slug,
            name: slug,
            categories: &[],
            date,
            output_ext: ".html",
        };
        return permalink::path(&format!("/{prefix}{}", reading.collection.permalink), &parts);
    }
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| if rules.slugify == Slugify::On { (*folder).to_owned() } else { rules.slug(folder) })
        .collect();
    let whole = format!("{prefix}{}/{slug}/", folders.join("/"));
    permalink::escape(&format!("/{}", whole.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_their_dates() {
        for (name, expected) in [
            ("2024-01-31-title", Some(("2024-01-31", "title"))),
            ("2024-01-31_title", Some(("2024-01-31", "title"))),
            ("2024-01-31 - title", Some(("2024-01-31", " title"))),
            ("2024-01-31T10:00:00Z-title", Some(("2024-01-31T10:00:00Z", "title"))),
            ("2024-01-31", None),
            ("2024-13-31-x", None),
            ("title", None),
        ] {
            assert_eq!(dated(name), expected, "{name}");
        }
        assert_eq!(day_in_path("inside-rust/2023/12/21/x").as_deref(), Some("2023-12-21"));
        assert_eq!(slug("L’État & Vous -- 1.0"), "l-etat-vous-1-0");
    }
}
