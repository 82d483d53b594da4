//! Plain folders of documents with front matter: Eleventy, Astro, Gridsome and their like.

use super::zola::day_in_path;
use super::{
    Facts, Head, NOT_ARTICLES, Outcome, Read, Rules as AllRules, file_name, folders_of, is_editors_own,
    stem_and_extension, texts,
};
use crate::article::date::{self, ArticleDate};
use crate::article::front_matter::{FrontMatter, split};
use crate::article::permalink;
use crate::article::read::Reading;
use crate::article::site::{Collection, Tree};
use crate::article::toml;
use crate::config::{self, Generator};
use crate::problem::{Place, Problem};
use crate::yaml::Yaml;
use std::collections::{BTreeMap, BTreeSet};

/// Folders in which tools look for content: they stand in no address.
const ROOTS: [&str; 6] = ["src", "content", "source", "pages", "site", "input"];
/// Folders that hold no content.
const NOT_CONTENT: [&str; 14] = [
    "node_modules",
    "public",
    "static",
    "dist",
    "build",
    "out",
    "vendor",
    "assets",
    "components",
    "layouts",
    "templates",
    "target",
    "test",
    "tests",
];
/// Documents that are looked at to tell whether a folder holds articles.
const SAMPLE: usize = 10;
/// Keys of the date, the first that says something.
const DATES: [&str; 13] = [
    "date",
    "publishedDate",
    "published_date",
    "pubDate",
    "pubdate",
    "publishDate",
    "publish_date",
    "published_at",
    "publishedAt",
    "datePublished",
    "created",
    "created_at",
    "createdAt",
];

/// What the folders say.
#[derive(Debug, Clone)]
pub(in crate::article) struct Rules {
    /// Whether the day in a file's name is no part of its slug (Eleventy).
    cuts_dates: bool,
    /// Values that a folder's data file gives to its files, by folder, the nearest first.
    data: Vec<(String, Yaml)>,
    /// Folders with collections found.
    folders: BTreeSet<String>,
}

/// Whether a file is a document that is read here.
pub(super) fn is_document(path: &str) -> bool {
    let name = file_name(path);
    let (_, extension) = stem_and_extension(name);
    matches!(extension.to_ascii_lowercase().as_str(), "md" | "markdown" | "mdx" | "html" | "htm")
        && !is_editors_own(name)
        && !name.starts_with('_')
        && !folders_of(path).split('/').any(|part| part.starts_with(['.', '_', '~']) || NOT_CONTENT.contains(&part))
}

/// Finds the folders that hold articles.
pub(in crate::article) fn read(config: &config::Site, tree: &dyn Tree, problems: &mut Vec<Problem>) -> Read {
    let files = tree.files("", true);
    let eleventy =
        super::PLAIN_FILES.iter().any(|file| file.contains("eleventy") && files.iter().any(|known| known == file))
            || files.iter().any(|file| file.contains(".11tydata."));
    let documents: Vec<&String> = files.iter().filter(|file| is_document(file) && file.contains('/')).collect();
    let mut folders: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in documents {
        folders.entry(collection_folder(file)).or_default().push(file);
    }
    folders.retain(|_, files| files.iter().take(SAMPLE).any(|file| is_article(tree, file)));
    let rules =
        Rules { cuts_dates: eleventy, data: data(&files, tree, problems), folders: folders.keys().cloned().collect() };
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for folder in folders.into_keys() {
        let short = file_name(&folder).to_owned();
        let name = if named.contains_key(&short) { folder.replace('/', "-") } else { short };
        named.insert(name, folder);
    }
    match &config.collections {
        Some(wanted) => {
            named.retain(|name, _| wanted.contains_key(name));
            for name in wanted.keys() {
                named.entry(name.clone()).or_insert_with(|| name.clone());
            }
        }
        None => named.retain(|name, _| !NOT_ARTICLES.contains(&name.as_str())),
    }
    let collections = named.into_iter().map(|(name, folder)| {
        // Documents beside other collections' folders are those of the folder itself.
        let holds_others = rules.folders.iter().any(|other| other.starts_with(&format!("{folder}/")));
        let paths = vec![if holds_others { format!("{folder}/*") } else { format!("{folder}/**") }];
        let mut collection = super::collection(&name, config, None, paths, folder, String::new());
        // The folder of addresses is that of the files which the configuration names.
        if let Some(ours) = config.collections.as_ref().and_then(|all| all.get(&name))
            && let Some(glob) = ours.paths.first()
        {
            crate::article::site::fixed_folder(glob).clone_into(&mut collection.folder);
        }
        (name, collection)
    });
    let collections = collections.collect();
    Read { facts: Facts::default(), rules: AllRules::Plain(rules), collections }
}

/// The folder whose name a document's collection bears: the first one below the folders that tools look into.
fn collection_folder(file: &str) -> String {
    let parts: Vec<&str> = folders_of(file).split('/').collect();
    let roots = parts.iter().take_while(|part| ROOTS.contains(part)).count();
    parts[..(roots + 1).min(parts.len())].join("/")
}

/// Whether a document has a front matter with a title or a date.
fn is_article(tree: &dyn Tree, file: &str) -> bool {
    let Some(text) = tree.read(file) else { return false };
    let Some(cut) = split(&text, Generator::Plain) else { return false };
    match FrontMatter::read(file, &cut, Generator::Plain) {
        Ok((front, _)) => front.text(&["title"]).is_some() || front.text(&DATES).is_some(),
        Err(_) => true,
    }
}

/// Eleventy's data files of folders: `posts/posts.json`, `posts/posts.11tydata.json`.
fn data(files: &[String], tree: &dyn Tree, problems: &mut Vec<Problem>) -> Vec<(String, Yaml)> {
    let mut data: Vec<(String, Yaml)> = Vec::new();
    for file in files {
        let folder = folders_of(file);
        let Some(stem) = data_stem(file) else { continue };
        if stem != file_name(folder) || folder.split('/').any(|part| NOT_CONTENT.contains(&part)) {
            continue;
        }
        let Some(text) = tree.read(file) else { continue };
        match toml::parse_json_settings(&text) {
            Ok(document) => data.push((folder.to_owned(), document.value)),
            Err(error) => {
                let mut problem = Problem::warning(file, error.place, error.message).kind("site-settings");
                problem.cure = error.cure;
                problems.push(problem);
            }
        }
    }
    data.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
    data
}

fn data_stem(file: &str) -> Option<&str> {
    let stem = file_name(file).strip_suffix(".json")?;
    Some(stem.strip_suffix(".11tydata").unwrap_or(stem))
}

impl Rules {
    pub(in crate::article) fn is_document(&self, path: &str) -> bool {
        is_document(path)
    }

    /// A value that the data file of a folder above gives.
    pub(in crate::article) fn default_value(&self, path: &str, key: &str) -> Option<&Yaml> {
        self.data
            .iter()
            .filter(|(folder, _)| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
            .find_map(|(_, values)| values.get(key).filter(|value| !value.is_null()))
    }

    pub(in crate::article) fn enters(&self, folder: &str) -> bool {
        let name = file_name(folder);
        !name.starts_with(['.', '_', '~']) && !NOT_CONTENT.contains(&name)
    }

    pub(in crate::article) fn is_settings(&self, path: &str, _: &BTreeMap<String, Collection>) -> bool {
        let is_data = data_stem(path).is_some_and(|stem| stem == file_name(folders_of(path)));
        is_data || (is_document(path) && path.contains('/') && !self.folders.contains(&collection_folder(path)))
    }
}

/// Reads a document by the rules that such tools share.
pub(in crate::article) fn head(reading: &Reading, rules: &Rules, problems: &mut Vec<Problem>) -> Outcome {
    let path = reading.file.path.as_str();
    let (stem, _) = stem_and_extension(file_name(path));
    let (name_day, name_slug) = match stem.get(..10).filter(|day| date::parse_day(day).is_some()) {
        Some(day) if stem[10..].starts_with(['-', '_']) && stem.len() > 11 => (Some(day), &stem[11..]),
        _ => (None, stem),
    };
    let Some(date) = date_of(reading, name_day, problems) else { return Outcome::Held };
    let title = reading.value("title").and_then(Yaml::filled);
    if title.is_none() && date.is_none() {
        return Outcome::Other;
    }
    let own_slug = reading.front.text(&["slug"]);
    let name = if rules.cuts_dates { name_slug } else { stem };
    let slug = own_slug.as_deref().unwrap_or(name);
    let under = path.strip_prefix(&reading.collection.folder).unwrap_or(path).trim_start_matches('/');
    let folders = folders_of(under);
    let categories = terms(reading, &["categories", "category"]);
    let Some(address) =
        address(reading, slug, own_slug.is_some(), folders, name_slug, stem, &categories, date, problems)
    else {
        return Outcome::Held;
    };
    let Some(written) = address else { return Outcome::Other };
    let Some(url) = reading.url(&written, &written, problems) else { return Outcome::Held };
    let Some(mut published) = is_published(reading, problems) else { return Outcome::Held };
    published &= reading.value("eleventyExcludeFromCollections").and_then(Yaml::truth) != Some(true);
    let Some(expires) = reading.expires(problems) else { return Outcome::Held };
    let modified = [
        "updatedDate",
        "updated",
        "updated_at",
        "updatedAt",
        "lastmod",
        "last_modified_at",
        "modified",
        "dateModified",
    ];
    let authors = texts(reading.front.get("authors"));
    Outcome::Article(Box::new(Head {
        title,
        url,
        date,
        modified: reading.optional_date(&modified, problems),
        expires,
        published,
        shown_early: false,
        categories: reading.terms(categories),
        tags: reading.terms(terms(reading, &["tags", "tag"])),
        aliases: reading.addresses(&["redirect_from", "aliases"]),
        author: reading.author().or_else(|| reading.authors(&authors)),
        language: reading.language(problems),
    }))
}

/// The date of the first key that says something, else of the file's name, else of its `path`; outer None if it cannot be read. Words such
/// as “Last Modified”, with which Eleventy asks the disk or git, say nothing here.
fn date_of(reading: &Reading, name_day: Option<&str>, problems: &mut Vec<Problem>) -> Option<Option<ArticleDate>> {
    for key in DATES {
        let said = reading.value(key).and_then(Yaml::filled);
        let asks = said.as_deref().is_some_and(|said| {
            matches!(said.to_lowercase().as_str(), "last modified" | "created" | "git last modified" | "git created")
        });
        if !asks && let Some(date) = reading.date(key, problems)? {
            return Some(Some(date));
        }
    }
    let day = name_day.map(str::to_owned).or_else(|| day_in_path(&reading.front.text(&["path"])?));
    Some(day.and_then(|day| date::parse(&day, &reading.site.dates)))
}

/// `published` may be a date, which is read with the dates.
fn is_published(reading: &Reading, problems: &mut Vec<Problem>) -> Option<bool> {
    let draft = reading.truth("draft", false, problems)?;
    let said = reading.value("published");
    let is_date = said.and_then(Yaml::filled).is_some_and(|text| date::parse(&text, &reading.site.dates).is_some());
    let published = if is_date { true } else { reading.truth("published", true, problems)? };
    Some(published && !draft)
}

/// A list, or a text with commas between the terms.
fn terms(reading: &Reading, keys: &[&str]) -> Vec<String> {
    let values = keys.iter().filter_map(|key| reading.value(key));
    values
        .flat_map(|value| match value {
            Yaml::List(_) => texts(Some(value)),
            other => other
                .filled()
                .map_or_else(Vec::new, |text| text.split(',').map(|term| term.trim().to_owned()).collect()),
        })
        .collect()
}

/// The path of the article: the front matter's `permalink`, the configuration's, or that of its folders and its slug.
/// Inner None: it has no page of its own.
#[expect(clippy::too_many_arguments, reason = "what a permalink is made of")]
fn address(
    reading: &Reading,
    slug: &str,
    own_slug: bool,
    folders: &str,
    name_slug: &str,
    stem: &str,
    categories: &[String],
    date: Option<ArticleDate>,
    problems: &mut Vec<Problem>,
) -> Option<Option<String>> {
    let configured = Some(reading.collection.permalink.clone()).filter(|template| !template.is_empty());
    let own = match reading.value("permalink") {
        Some(value) if value.truth() == Some(false) => return Some(None),
        Some(value) => value.filled(),
        None => None,
    };
    let in_zone = date.map(|date| ArticleDate::in_zone(date.at, &reading.site.dates));
    let path_stem = if folders.is_empty() { stem.to_owned() } else { format!("{folders}/{stem}") };
    let base: Vec<&str> = reading.collection.folder.split('/').skip_while(|part| ROOTS.contains(part)).collect();
    if let Some(own) = own.filter(|own| own.contains("{{") || own.contains("{%")) {
        let stem_of_path = format!(
            "/{}",
            [base.join("/").as_str(), folders, name_slug]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join("/")
        );
        return match filled(
            &own,
            &[
                ("page.fileSlug", name_slug),
                ("fileSlug", name_slug),
                ("slug", slug),
                ("page.filePathStem", &stem_of_path),
            ],
            in_zone,
        ) {
            Some(path) => Some(Some(path)),
            None => {
                let message = format!(
                    "`permalink: {own}` holds what only the site itself can fill in, so the article is left out"
                );
                let place = reading.front.place("permalink");
                problems.push(
                    Problem::error(
                        &reading.file.path,
                        if place == Place::default() { Place::FILE } else { place },
                        message,
                    )
                    .kind("bad-permalink")
                    .cure("write `permalink` under site.collections in Crieur's configuration, such as /blog/:slug/"),
                );
                None
            }
        };
    }
    if let Some(template) = reading
        .front
        .text(&["permalink"])
        .filter(|own| !own.contains('{'))
        .or(configured)
        .or_else(|| reading.value("permalink").and_then(Yaml::filled))
    {
        let parts = permalink::Parts {
            collection: reading.collection_name,
            path: &path_stem,
            slug: if own_slug { slug } else { name_slug },
            name: stem,
            categories,
            date: in_zone,
            output_ext: ".html",
        };
        return Some(Some(permalink::path(&template, &parts)));
    }
    // Gatsby's way of saying the whole address.
    if let Some(own) = reading.front.text(&["path"]).filter(|own| own.contains('/') && !own.contains("://")) {
        let own = own.trim_start_matches('/');
        let is_file = file_name(own).ends_with(".html");
        return Some(Some(format!("/{own}{}", if own.ends_with('/') || is_file { "" } else { "/" })));
    }
    let last = if slug == "index" { "" } else { slug.trim_matches('/') };
    let parts = base.into_iter().chain(folders.split('/')).chain([last]).filter(|part| !part.is_empty());
    let path: String = parts.map(|part| format!("/{}", permalink::escape(part))).collect();
    Some(Some(format!("{path}/")))
}

/// A template of which each place is one of a few names, or the date in a format; None if it has another.
fn filled(template: &str, names: &[(&str, &str)], date: Option<ArticleDate>) -> Option<String> {
    let mut path = String::new();
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        let close = open + rest[open..].find("}}")?;
        let inner = rest[open + 2..close].trim();
        let (name, filter) = inner.split_once('|').map_or((inner, ""), |(name, filter)| (name.trim(), filter.trim()));
        path.push_str(&rest[..open]);
        if matches!(name, "page.date" | "date") {
            let format = filter.strip_prefix("date")?.trim_start().strip_prefix(':')?.trim();
            let format = format.trim_matches(['"', '\'']);
            path.push_str(&jiff::fmt::strtime::format(format, &date?.zoned()).ok()?);
        } else {
            let (_, value) = names.iter().find(|(known, _)| *known == name)?;
            path.push_str(&permalink::escape(value));
        }
        rest = &rest[close + 2..];
    }
    path.push_str(rest);
    (!path.contains("{%")).then(|| path.replace("//", "/"))
}
