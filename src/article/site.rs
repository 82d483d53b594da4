//! What the site says of itself: Jekyll's `_config.yml`, with the configuration's word above it.

use super::front_matter::FrontMatter;
use super::{markdown, permalink};
use crate::config;
use crate::problem::{Place, Problem};
use crate::text::{capitalised, language_tag, percent_decode, repair_address};
use crate::yaml::{self, Yaml};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use url::Url;

/// Name of Jekyll's own configuration file.
pub const JEKYLL_CONFIG: &str = "_config.yml";

/// The site, as both files together describe it.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// Public address, with the base path, without a slash at its end.
    pub url: Url,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Language (BCP 47).
    pub language: String,
    /// Zone of dates without one.
    pub timezone: TimeZone,
    /// Collections that hold articles, by name.
    pub collections: BTreeMap<String, Collection>,
    /// What ends the summary at the start of an article, if the site says so.
    pub excerpt_separator: Option<String>,
    /// Values that files of a folder or a collection have without saying so.
    defaults: Vec<Default>,
}

/// A collection of articles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its title for people.
    pub title: String,
    /// Globs of its files.
    pub paths: Vec<String>,
    /// Its folder under the root, without a slash at its end.
    pub folder: String,
    /// The template of its addresses.
    pub permalink: String,
}

#[derive(Debug, Clone)]
struct Default {
    path: String,
    kind: String,
    values: Yaml,
}

/// Collections that hold pages of the site, uploads and layout, not articles, unless the configuration names them.
const NOT_ARTICLES: [&str; 3] = ["pages", "uploads", "authors"];

impl SiteSettings {
    /// Reads both. A `_config.yml` that cannot be read is a problem, and counts as empty.
    ///
    /// Errors: no address of the site is known, or Jekyll's zone is no zone: nothing right could be put out.
    pub fn read(config: &config::Site, jekyll: Option<&str>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let file = config.root.join(JEKYLL_CONFIG).display().to_string();
        let text = jekyll.unwrap_or("").trim_start_matches('\u{feff}');
        let own = match yaml::parse(text) {
            Ok(document) => document.value,
            Err(error) => {
                let mut problem = Problem::error(&file, error.place, error.message);
                problem.cure = error.cure;
                return Err(vec![problem]);
            }
        };
        let said = |name: &str| own.get(name).and_then(Yaml::filled);
        let url = match (&config.url, said("url")) {
            (Some(url), _) => url.clone(),
            (None, Some(given)) => {
                let base = said("baseurl").unwrap_or_default();
                let whole = format!("{}/{}", given.trim_end_matches('/'), base.trim_matches('/'));
                match Url::parse(whole.trim_end_matches('/')) {
                    Ok(url) if matches!(url.scheme(), "http" | "https") => url,
                    _ => {
                        let problem =
                            Problem::error(&file, Place::FILE, format!("`url: {given}` is not an address of the web"));
                        return Err(vec![
                            problem.cure("write url: https://www.example.fr, or site.url in Crieur's configuration"),
                        ]);
                    }
                }
            }
            (None, None) => {
                let problem = Problem::error(&file, Place::FILE, "the public address of the site is not known");
                return Err(vec![problem.cure(
                    "write `url: https://www.example.fr` here, or `url` under `site` in Crieur's configuration",
                )]);
            }
        };
        let timezone = match (&config.timezone, said("timezone")) {
            (Some(zone), _) => zone.clone(),
            (None, Some(name)) => match TimeZone::get(&name) {
                Ok(zone) => zone,
                Err(_) => {
                    let problem =
                        Problem::error(&file, Place::FILE, format!("`timezone: {name}` is not a known time zone"));
                    return Err(vec![problem.cure("write an IANA name such as Europe/Paris")]);
                }
            },
            (None, None) => {
                problems.push(
                    Problem::warning(&file, Place::FILE, "no time zone is given: dates without one are taken as UTC")
                        .cure("write `timezone: Europe/Paris` here, or under `site` in Crieur's configuration"),
                );
                TimeZone::UTC
            }
        };
        let host = url.host_str().unwrap_or("").to_owned();
        let settings = Self {
            title: config.title.clone().or_else(|| said("title")).or_else(|| said("name")).unwrap_or(host),
            description: config.description.clone().or_else(|| said("description")).unwrap_or_default(),
            language: language_of(config, &own, &file, &mut problems),
            collections: collections(config, &own),
            excerpt_separator: said("excerpt_separator"),
            defaults: defaults(&own),
            timezone,
            url,
        };
        Ok((settings, problems))
    }

    /// A text that changes whenever anything that feeds show of the site itself does.
    pub fn print(&self) -> String {
        let zone = self.timezone.iana_name().unwrap_or("");
        let titles: Vec<&str> = self.collections.values().map(|collection| collection.title.as_str()).collect();
        format!("{} {:?} {:?} {} {zone} {titles:?}", self.url, self.title, self.description, self.language)
    }

    /// The collection of a file, if it belongs to one that holds articles.
    pub fn collection_of(&self, path: &str) -> Option<(&str, &Collection)> {
        if !is_document(path) {
            return None;
        }
        self.collections
            .iter()
            .find(|(_, collection)| collection.paths.iter().any(|glob| matches(glob, path)))
            .map(|(name, collection)| (name.as_str(), collection))
    }

    /// A value that the site gives to files of this path and collection; the most particular scope counts.
    pub fn default_value(&self, path: &str, collection: &str, key: &str) -> Option<&Yaml> {
        self.defaults
            .iter()
            .filter(|default| default.applies(path, collection))
            .filter_map(|default| Some((default.weight(), default.values.get(key)?)))
            .max_by_key(|(weight, _)| *weight)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// A value of the file's own front matter, else of the site's defaults.
    pub(super) fn value<'a>(
        &'a self,
        front: &'a FrontMatter,
        path: &str,
        collection: &str,
        key: &str,
    ) -> Option<&'a Yaml> {
        front.get(key).or_else(|| self.default_value(path, collection, key))
    }

    /// An address of the site from what a person wrote: absolute, from the site's root, or beside the article.
    pub fn address(&self, written: &str) -> Option<Url> {
        let written = repair_address(written.trim());
        if written.is_empty() {
            return None;
        }
        let url = match Url::parse(&written) {
            Ok(url) => url,
            Err(_) if written.starts_with("//") => self.url.join(&written).ok()?,
            Err(_) => {
                let base = self.url.as_str().trim_end_matches('/');
                Url::parse(&format!("{base}/{}", written.trim_start_matches('/'))).ok()?
            }
        };
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// The path under the site's root of an address of the site, decoded; None for another site's.
    pub fn file_of(&self, url: &Url) -> Option<String> {
        let base = self.url.as_str().trim_end_matches('/');
        let rest = url.as_str().strip_prefix(base)?.strip_prefix('/')?;
        let path = rest.split(['?', '#']).next().unwrap_or("");
        let decoded = percent_decode(path);
        // An address never leads out of the site's folder, nor to what the site keeps for itself.
        let kept_back = |part: &str| part.starts_with('.') || part.starts_with('_');
        (!decoded.split('/').any(kept_back)).then_some(decoded)
    }
}

/// The site's language: the configuration's, else its own, if that is one.
fn language_of(config: &config::Site, own: &Yaml, file: &str, problems: &mut Vec<Problem>) -> String {
    let said = ["language", "lang"].iter().find_map(|key| own.get(key).and_then(Yaml::filled));
    let own = said.as_deref().and_then(language_tag);
    if let (Some(said), None) = (&said, &own) {
        problems.push(
            Problem::warning(file, Place::FILE, format!("`language: {said}` is not a language; fr is taken"))
                .cure("write a code such as fr or fr-FR"),
        );
    }
    config.language.clone().or(own).unwrap_or_else(|| "fr".to_owned())
}

fn collections(config: &config::Site, own: &Yaml) -> BTreeMap<String, Collection> {
    let site_style = own.get("permalink").and_then(Yaml::filled).unwrap_or_else(|| "date".to_owned());
    let folder_of_all = own.get("collections_dir").and_then(Yaml::filled).unwrap_or_default();
    let mut found: BTreeMap<String, (Option<&Yaml>, bool)> = BTreeMap::new();
    found.insert("posts".to_owned(), (None, true));
    match own.get("collections") {
        Some(Yaml::Map(pairs)) => {
            for (name, about) in pairs {
                let output = name == "posts" || about.get("output").and_then(Yaml::truth).unwrap_or(false);
                found.insert(name.clone(), (Some(about), output));
            }
        }
        Some(Yaml::List(names)) => {
            found.extend(names.iter().filter_map(Yaml::filled).map(|name| (name, (None, false))));
        }
        _ => {}
    }
    if let Some(wanted) = &config.collections {
        found.retain(|name, _| wanted.contains_key(name));
        for name in wanted.keys() {
            found.entry(name.clone()).or_insert((None, true));
        }
    } else {
        found.retain(|name, (_, output)| *output && !NOT_ARTICLES.contains(&name.as_str()));
    }
    found
        .into_iter()
        .map(|(name, (about, _))| {
            let ours = config.collections.as_ref().and_then(|all| all.get(&name)).cloned().unwrap_or_default();
            let said = |key: &str| about.and_then(|about| about.get(key)).and_then(Yaml::filled);
            let folder = [folder_of_all.trim_matches('/'), &format!("_{name}")]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join("/");
            let default_permalink = if name == "posts" {
                permalink::style(&site_style).to_owned()
            } else {
                permalink::collection_default(&site_style)
            };
            let permalink = ours.permalink.or_else(|| said("permalink")).unwrap_or(default_permalink);
            let permalink = permalink::style(&permalink).to_owned();
            let title =
                ours.title.or_else(|| said("title")).unwrap_or_else(|| capitalised(&name.replace(['-', '_'], " ")));
            let title = markdown::title_to_text(&title);
            let paths = if ours.paths.is_empty() { vec![format!("{folder}/**")] } else { ours.paths };
            (name, Collection { title, paths, folder, permalink })
        })
        .collect()
}

fn defaults(own: &Yaml) -> Vec<Default> {
    let Some(Yaml::List(items)) = own.get("defaults") else { return Vec::new() };
    items
        .iter()
        .map(|item| {
            let scope = |key: &str| {
                item.get("scope").and_then(|scope| scope.get(key)).and_then(Yaml::filled).unwrap_or_default()
            };
            Default {
                path: scope("path").trim_matches('/').to_owned(),
                kind: scope("type"),
                values: item.get("values").cloned().unwrap_or_default(),
            }
        })
        .collect()
}

impl Default {
    fn applies(&self, path: &str, collection: &str) -> bool {
        let kind = self.kind.is_empty() || self.kind == collection || (self.kind == "post" && collection == "posts");
        let place = self.path.is_empty()
            || if self.path.contains('*') {
                matches(&self.path, path) || matches(&format!("{}/**", self.path), path)
            } else {
                path == self.path || path.starts_with(&format!("{}/", self.path))
            };
        kind && place
    }

    fn weight(&self) -> (usize, bool) {
        (self.path.len(), !self.kind.is_empty())
    }
}

/// Files that Jekyll's converters take as documents, and editors' and CMS's own files left out.
fn is_document(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let hidden = name.starts_with(['.', '_', '#', '~']) || name.ends_with('~');
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let inner_hidden = folders.split('/').skip(1).any(|folder| folder.starts_with(['.', '#', '~']));
    let markdown = name.rsplit_once('.').is_some_and(|(_, ext)| {
        matches!(ext.to_ascii_lowercase().as_str(), "md" | "markdown" | "mkdown" | "mkdn" | "mkd")
    });
    markdown && !hidden && !inner_hidden
}

/// Whether a path fits a glob: `*` within a folder, `**` over folders, `?` one character.
pub fn matches(glob: &str, path: &str) -> bool {
    fn go(glob: &[u8], path: &[u8]) -> bool {
        match glob {
            [] => path.is_empty(),
            [b'*', b'*', b'/', rest @ ..] => {
                go(rest, path) || (0..path.len()).any(|at| path[at] == b'/' && go(rest, &path[at + 1..]))
            }
            [b'*', b'*'] => true,
            [b'*', rest @ ..] => {
                let folder_end = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
                (0..=folder_end).any(|at| go(rest, &path[at..]))
            }
            [b'?', rest @ ..] => path.first().is_some_and(|b| *b != b'/') && go(rest, &path[1..]),
            [c, rest @ ..] => path.first() == Some(c) && go(rest, &path[1..]),
        }
    }
    go(glob.as_bytes(), path.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_paths() {
        for (glob, path, fits) in [
            ("_communiques/**", "_communiques/a/b.md", true),
            ("_communiques/**", "_communiques2/b.md", false),
            ("_communiques/*.md", "_communiques/b.md", true),
            ("_communiques/*.md", "_communiques/a/b.md", false),
            ("**/*.md", "a/b/c.md", true),
            ("**/*.md", "c.md", true),
            ("a/?.md", "a/b.md", true),
        ] {
            assert_eq!(matches(glob, path), fits, "{glob} {path}");
        }
    }

    #[test]
    fn only_documents_are_articles() {
        for (path, is) in [
            ("_posts/2024-01-01-x.md", true),
            ("_posts/x.markdown", true),
            ("_posts/.x.md.swp", false),
            ("_posts/.x.md", false),
            ("_posts/x.md~", false),
            ("_posts/#x.md#", false),
            ("_posts/x.old", false),
            ("_posts/.git/x.md", false),
        ] {
            assert_eq!(is_document(path), is, "{path}");
        }
    }
}
