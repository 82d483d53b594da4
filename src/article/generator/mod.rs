//! What each generator makes of a site's files: which are articles, and their addresses, dates, titles and terms.
//!
//! One file per generator. Each reads the generator's own settings into rules, and a file's name and front matter into
//! a [`Head`]. `docs/generators.md` says what is followed, and what is decided otherwise.

pub(super) mod glob;
pub(super) mod hugo;
mod hugo_keys;
mod hugo_path;
mod hugo_site;
pub(super) mod jekyll;
pub(super) mod jekyll_site;
pub(super) mod plain;
pub(super) mod zola;

use super::site::{Collection, Tree};
use super::{ArticleDate, toml};
use crate::config::{self, Generator};
use crate::problem::{Place, Problem};
use crate::text::capitalised;
use crate::yaml::{self, Yaml};
use jiff::Timestamp;
use std::collections::BTreeMap;
use url::Url;

/// What a file's name and front matter say, by its generator's rules.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) title: Option<String>,
    pub(super) url: Url,
    pub(super) date: Option<ArticleDate>,
    pub(super) modified: Option<ArticleDate>,
    pub(super) expires: Option<Timestamp>,
    pub(super) published: bool,
    pub(super) shown_early: bool,
    pub(super) categories: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) aliases: Vec<Url>,
    pub(super) author: Option<String>,
    pub(super) language: Option<String>,
}

/// What a file is.
#[derive(Debug)]
pub(super) enum Outcome {
    /// An article.
    Article(Box<Head>),
    /// Something else, which the generator does not show as a page of its own or which is no article.
    Other,
    /// Meant to be an article, but nothing right can be said of it; a problem tells why.
    Held,
}

/// A generator's own settings file: its name, and what it says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) file: String,
    pub(super) own: Yaml,
}

impl Found {
    /// The value of a key whatever its case, as text that says something.
    pub(super) fn said(&self, key: &str) -> Option<String> {
        folded_get(&self.own, key).and_then(Yaml::filled)
    }

    /// The value of a key whatever its case.
    pub(super) fn get(&self, key: &str) -> Option<&Yaml> {
        folded_get(&self.own, key)
    }
}

/// The value of a key of a map, whatever the key's case.
pub(super) fn folded_get<'a>(map: &'a Yaml, key: &str) -> Option<&'a Yaml> {
    match map {
        Yaml::Map(pairs) => {
            let found = pairs.iter().find(|(known, _)| known == key);
            found.or_else(|| pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// Texts of a value: a list, or one text.
pub(super) fn texts(value: Option<&Yaml>) -> Vec<String> {
    match value {
        Some(Yaml::List(items)) => items.iter().filter_map(Yaml::filled).collect(),
        Some(other) => other.filled().into_iter().collect(),
        None => Vec::new(),
    }
}

/// What a generator's settings say of the site as a whole.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) url: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) timezone: Option<String>,
}

/// What a generator's settings say.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) facts: Facts,
    pub(super) rules: Rules,
    pub(super) collections: BTreeMap<String, Collection>,
}

/// A generator's rules for the files of this site.
#[derive(Debug, Clone)]
pub(super) enum Rules {
    Jekyll(jekyll_site::Rules),
    Hugo(Box<hugo::Rules>),
    Zola(zola::Rules),
    Plain(plain::Rules),
}

/// Collections that hold pages of the site, uploads and layout, not articles, unless the configuration names them.
pub(super) const NOT_ARTICLES: [&str; 3] = ["pages", "uploads", "authors"];

const JEKYLL_FILES: [&str; 3] = ["_config.yml", "_config.yaml", "_config.toml"];
const HUGO_FILES: [&str; 4] = ["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json"];
const CONFIG_FILES: [&str; 4] = ["config.toml", "config.yaml", "config.yml", "config.json"];
const ZOLA_FILES: [&str; 2] = ["zola.toml", "config.toml"];
const HUGO_FOLDER: &str = "config/_default";
/// Files that tell a generator that makes pages of plain folders.
const PLAIN_FILES: [&str; 12] = [
    ".eleventy.js",
    "eleventy.config.js",
    "eleventy.config.mjs",
    "eleventy.config.cjs",
    "eleventy.config.ts",
    "astro.config.mjs",
    "astro.config.js",
    "astro.config.ts",
    "gridsome.config.js",
    "gatsby-config.js",
    "next.config.js",
    "nuxt.config.ts",
];

/// Whether a change of a file may change which generator a site has, or its settings file.
pub(super) fn is_settings_file(path: &str) -> bool {
    JEKYLL_FILES.contains(&path)
        || HUGO_FILES.contains(&path)
        || CONFIG_FILES.contains(&path)
        || ZOLA_FILES.contains(&path)
        || PLAIN_FILES.contains(&path)
        || path.starts_with("config/")
}

/// The site's generator and its settings: the configuration's word, else what the files tell.
pub(super) fn detect(config: &config::Site, tree: &dyn Tree) -> Result<(Generator, Found), Problem> {
    let generator = config.generator.unwrap_or_else(|| guess(tree));
    let files: &[&str] = match generator {
        Generator::Jekyll => &JEKYLL_FILES,
        Generator::Hugo => &HUGO_FILES,
        Generator::Zola => &ZOLA_FILES,
        Generator::Plain => &[],
    };
    let mut found = first(config, tree, files)?;
    if generator == Generator::Hugo {
        if found.file.is_empty() {
            found = first(config, tree, &CONFIG_FILES)?;
        }
        found = hugo_site::with_folder(config, tree, HUGO_FOLDER, found)?;
    }
    if found.file.is_empty() {
        files.first().copied().unwrap_or_default().clone_into(&mut found.file);
    }
    Ok((generator, found))
}

fn first(config: &config::Site, tree: &dyn Tree, files: &[&str]) -> Result<Found, Problem> {
    for file in files {
        if let Some(text) = tree.read(file) {
            return Ok(Found { file: (*file).to_owned(), own: settings(config, file, &text)? });
        }
    }
    Ok(Found::default())
}

/// What a settings file says, in the form that its name tells.
pub(super) fn settings(config: &config::Site, file: &str, text: &str) -> Result<Yaml, Problem> {
    let read = match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("toml") => toml::parse_settings(text),
        Some("json") => toml::parse_json_settings(text.trim_start_matches('\u{feff}')),
        _ => yaml::parse_settings(text),
    };
    read.map(|document| document.value).map_err(|error| {
        let mut problem = Problem::error(config.root.join(file).display().to_string(), error.place, error.message)
            .kind("site-settings");
        problem.cure = error.cure;
        problem
    })
}

fn guess(tree: &dyn Tree) -> Generator {
    let has = |files: &[&str]| files.iter().any(|file| tree.read(file).is_some());
    if has(&JEKYLL_FILES) {
        return Generator::Jekyll;
    }
    if has(&HUGO_FILES) || !tree.files(HUGO_FOLDER, false).is_empty() {
        return Generator::Hugo;
    }
    if let Some(text) = tree.read("config.toml") {
        let own = toml::parse_settings(&text).map(|document| document.value).unwrap_or_default();
        // A settings file that is half-written says by its text whose it is.
        let zola = own.get("base_url").is_some() || (own.is_null() && text.contains("base_url"));
        return if zola { Generator::Zola } else { Generator::Hugo };
    }
    if tree.read("zola.toml").is_some() {
        return Generator::Zola;
    }
    if has(&CONFIG_FILES) {
        return Generator::Hugo;
    }
    if has(&PLAIN_FILES) {
        return Generator::Plain;
    }
    let files = tree.files("", true);
    let in_posts = files.iter().any(|file| file.starts_with("_posts/") || file.contains("/_posts/"));
    let documents = files.iter().any(|file| {
        plain::is_document(file) && file.contains('/') && !file.split('/').any(|part| part.starts_with('_'))
    });
    if !in_posts && documents { Generator::Plain } else { Generator::Jekyll }
}

/// The collection of a folder that the generator names by itself, with what the configuration says of it.
pub(super) fn collection(
    name: &str,
    config: &config::Site,
    title: Option<String>,
    paths: Vec<String>,
    folder: String,
    permalink: String,
) -> Collection {
    let ours = config.collections.as_ref().and_then(|all| all.get(name)).cloned().unwrap_or_default();
    let title = ours.title.or(title).unwrap_or_else(|| capitalised(&name.replace(['-', '_'], " ")));
    Collection {
        title: super::markdown::title_to_text(&title),
        paths: if ours.paths.is_empty() { paths } else { ours.paths },
        folder,
        permalink: ours.permalink.unwrap_or(permalink),
    }
}

/// The name of a file, without its folders.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folders of a path, without its file.
pub(super) fn folders_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folders, _)| folders)
}

/// A name without its extension, and the extension; one that is only an extension has none.
pub(super) fn stem_and_extension(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

/// Whether a file's name is one that editors and systems make for themselves.
pub(super) fn is_editors_own(name: &str) -> bool {
    name.starts_with(['.', '#', '~']) || name.ends_with('~')
}

/// A problem of the site's settings file as a whole.
pub(super) fn settings_problem(config: &config::Site, file: &str, message: String) -> Problem {
    let shown =
        if file.is_empty() { config.root.display().to_string() } else { config.root.join(file).display().to_string() };
    Problem::error(shown, Place::FILE, message).kind("site-settings")
}
