//! Hugo: sections, bundles, cascades, languages, configured dates and taxonomies, and its permalinks.

use super::hugo_keys::{Dates, permalinks};
use super::hugo_path::{self, Style, Tokens};
use super::hugo_site::{Languages, Sections, Spot, is_content};
use super::{Facts, Found, Head, NOT_ARTICLES, Outcome, Read, Rules as AllRules, file_name, folded_get, texts};
use crate::article::ArticleDate;
use crate::article::date;
use crate::article::read::Reading;
use crate::article::site::{Collection, Tree, fixed_folder};
use crate::config;
use crate::problem::Problem;
use crate::yaml::Yaml;
use std::collections::BTreeMap;
use url::Url;

/// The collection of the pages that lie in the content folder itself.
pub(super) const ROOT: &str = "content";

/// What Hugo's settings and section files say of files.
#[derive(Debug, Clone)]
pub(in crate::article) struct Rules {
    languages: Languages,
    sections: Sections,
    /// Patterns by the folder they are for.
    permalinks: Vec<(String, String)>,
    dates: Dates,
    style: Style,
    /// All, or some top folders, have addresses that end in `.html`.
    ugly: (bool, Vec<String>),
    taxonomies: Vec<(String, Taxonomy)>,
    future: bool,
}

/// What the terms of a taxonomy are for an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taxonomy {
    Categories,
    Tags,
    Authors,
    None,
}

impl Taxonomy {
    /// By its name: all that is not known otherwise is tags.
    pub(super) fn of(name: &str) -> Self {
        match name.to_lowercase().as_str() {
            "category" | "categories" | "catégories" => Self::Categories,
            "author" | "authors" | "auteurs" => Self::Authors,
            "series" | "serie" => Self::None,
            _ => Self::Tags,
        }
    }
}

/// Reads Hugo's settings and its section files.
pub(in crate::article) fn read(
    config: &config::Site,
    found: &Found,
    tree: &dyn Tree,
    problems: &mut Vec<Problem>,
) -> Read {
    let languages = Languages::read(found);
    let sections = Sections::read(found, &languages, tree, problems);
    let of_default = found.get("languages").and_then(|all| folded_get(all, &languages.default));
    let in_default = |key: &str| of_default.and_then(|about| folded_get(about, key)).and_then(Yaml::filled);
    let language = ["languageCode", "locale"].iter().find_map(|key| in_default(key).or_else(|| found.said(key)));
    let description = found.get("params").and_then(|params| folded_get(params, "description")).and_then(Yaml::filled);
    let facts = Facts {
        url: in_default("baseURL").or_else(|| found.said("baseURL")),
        title: in_default("title").or_else(|| found.said("title")),
        description: in_default("description").or(description),
        language: language.or_else(|| found.said("defaultContentLanguage")).or(Some("en".to_owned())),
        timezone: in_default("timeZone").or_else(|| found.said("timeZone")),
    };
    let truth = |key: &str| found.get(key).and_then(Yaml::truth).unwrap_or(false);
    let ugly = match found.get("uglyURLs") {
        Some(Yaml::Map(pairs)) => {
            let some = pairs.iter().filter(|(_, on)| on.truth() == Some(true)).map(|(name, _)| name.to_lowercase());
            (false, some.collect())
        }
        other => (other.and_then(Yaml::truth).unwrap_or(false), Vec::new()),
    };
    let taxonomies = match found.get("taxonomies") {
        Some(Yaml::Map(pairs)) => pairs.iter().filter_map(|(_, plural)| plural.filled()).collect(),
        _ => vec!["tags".to_owned(), "categories".to_owned()],
    };
    let rules = Rules {
        permalinks: permalinks(found.get("permalinks")),
        dates: Dates::read(found.get("frontmatter")),
        style: Style { lower: !truth("disablePathToLower"), plain: truth("removePathAccents") },
        ugly,
        taxonomies: taxonomies.into_iter().map(|plural: String| (plural.clone(), Taxonomy::of(&plural))).collect(),
        future: truth("buildFuture"),
        languages,
        sections,
    };
    let collections = collections(config, &rules);
    Read { facts, rules: AllRules::Hugo(Box::new(rules)), collections }
}

fn collections(config: &config::Site, rules: &Rules) -> BTreeMap<String, Collection> {
    let mut names: Vec<String> = rules.sections.top.iter().cloned().collect();
    if rules.sections.root {
        names.push(ROOT.to_owned());
    }
    match &config.collections {
        Some(wanted) => names = wanted.keys().cloned().collect(),
        None => names.retain(|name| !NOT_ARTICLES.contains(&name.as_str())),
    }
    names
        .into_iter()
        .map(|name| {
            let is_root = name == ROOT && !rules.sections.top.contains(&name);
            let paths = rules.languages.folders.iter().flat_map(|(content, _)| match is_root {
                true => vec![format!("{content}/*"), format!("{content}/*/index.*")],
                false => vec![format!("{content}/{name}/**")],
            });
            let paths: Vec<String> = paths.collect();
            let folder = paths.first().map(|glob| fixed_folder(glob).to_owned()).unwrap_or_default();
            let title = rules.sections.titles.get(if is_root { "" } else { &name }).cloned();
            let collection = super::collection(&name, config, title, paths, folder, String::new());
            (name, collection)
        })
        .collect()
}

impl Rules {
    pub(in crate::article) fn is_language(&self, code: &str) -> bool {
        self.languages.all.iter().any(|known| known.eq_ignore_ascii_case(code))
    }

    pub(in crate::article) fn is_content_folder(&self, folder: &str) -> bool {
        self.languages.folders.iter().any(|(content, _)| content == folder)
    }

    /// Whether a file can be a page of its own.
    pub(in crate::article) fn is_document(&self, path: &str) -> bool {
        let name = file_name(path);
        is_content(path)
            && name.split('.').next() != Some("_index")
            && self.languages.under(path).is_some_and(|(under, _)| !under.starts_with("index."))
    }

    /// What the sections above a page give it.
    pub(in crate::article) fn cascaded(&self, path: &str, key: &str) -> Option<&Yaml> {
        // Most sites have none, and this is asked for every key that a page does not have.
        if !self.sections.has_cascades() {
            return None;
        }
        self.sections.cascaded(&self.languages.spot(path)?, key)
    }

    pub(in crate::article) fn is_settings(&self, path: &str, _: &BTreeMap<String, Collection>) -> bool {
        let Some((under, _)) = self.languages.under(path) else { return false };
        if !is_content(path) {
            return false;
        }
        let is_root_bundle = file_name(path).starts_with("index.") && under.matches('/').count() == 1;
        file_name(path).starts_with("_index.")
            || match under.split_once('/') {
                Some((top, _)) if !is_root_bundle => !self.sections.top.contains(top),
                _ => !self.sections.root,
            }
    }

    fn pattern(&self, folders: &[String]) -> Option<&str> {
        let path = folders.join("/").to_lowercase();
        self.permalinks
            .iter()
            .find(|(folder, _)| match folder.as_str() {
                "" => folders.is_empty(),
                folder => path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
            })
            .map(|(_, pattern)| pattern.as_str())
    }

    fn is_ugly(&self, folders: &[String]) -> bool {
        self.ugly.0 || folders.first().is_some_and(|top| self.ugly.1.contains(&top.to_lowercase()))
    }

    /// The folder of a language in addresses, if it has one.
    fn prefix(&self, language: &str) -> &str {
        match self.languages.all.iter().find(|code| *code == language) {
            Some(code) if *code != self.languages.default || self.languages.default_in_folder => code,
            _ => "",
        }
    }
}

/// Reads a page by Hugo's rules.
pub(in crate::article) fn head(reading: &Reading, rules: &Rules, problems: &mut Vec<Problem>) -> Outcome {
    let Some(spot) = rules.languages.spot(&reading.file.path) else { return Outcome::Other };
    if is_never_shown(reading, &spot) {
        return Outcome::Other;
    }
    let mut slug = reading.value("slug").and_then(Yaml::filled).map(|slug| slug.trim_matches('-').to_owned());
    slug = slug.filter(|slug| !slug.is_empty());
    let has_slug = reading.value("slug").is_some();
    let Some((date, from_name)) = first_date(reading, &rules.dates.date, &spot, problems) else { return Outcome::Held };
    let Some((publish, _)) = first_date(reading, &rules.dates.publish, &spot, problems) else { return Outcome::Held };
    let Some((expiry, _)) = first_date(reading, &rules.dates.expiry, &spot, problems) else { return Outcome::Held };
    if date.is_none() && reading.collection_name == ROOT && spot.folders.is_empty() {
        // A page of the site, such as “About”.
        return Outcome::Other;
    }
    if !has_slug {
        slug = from_name.filter(|slug| !slug.is_empty()).or(slug);
    }
    let Some(published) = is_published(reading, problems) else { return Outcome::Held };
    let title = reading.value("title").and_then(Yaml::filled);
    let sections = rules.sections.of(&spot.folders);
    let tokens = Tokens {
        date,
        title: title.as_deref().unwrap_or(""),
        slug: slug.as_deref(),
        name: &spot.name,
        sections: &sections,
        section_slugs: &rules.sections.slugs_of(&sections),
    };
    let path = link(reading, rules, &spot, &tokens);
    let Some(url) = reading.url(&path, &path, problems) else { return Outcome::Held };
    // The site shows it from `publishDate` on. A date after that is waited for: nothing early.
    let shown = match (date, publish) {
        (Some(date), Some(publish)) if publish.at > date.at => Some(publish),
        (date, publish) => date.or(publish),
    };
    let mut terms: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (plural, taxonomy) in &rules.taxonomies {
        let group = match taxonomy {
            Taxonomy::Categories => "categories",
            Taxonomy::Tags => "tags",
            Taxonomy::Authors => "authors",
            Taxonomy::None => continue,
        };
        terms.entry(group).or_default().extend(texts(reading.value(plural)));
    }
    let mut taken = |group: &str| terms.remove(group).unwrap_or_default();
    let authors = taken("authors");
    Outcome::Article(Box::new(Head {
        title,
        aliases: aliases(reading, rules, &spot, &path),
        url,
        date: shown,
        modified: modified(reading, &rules.dates, problems),
        expires: expiry.map(|date| date.at),
        published,
        shown_early: rules.future,
        categories: reading.terms(taken("categories")),
        tags: reading.terms(taken("tags")),
        author: reading.authors(&authors).or_else(|| reading.author()),
        language: match spot.language == rules.languages.default {
            true => reading.language(problems),
            false => crate::text::language_tag(&spot.language),
        },
    }))
}

/// Whether the page is not rendered, or not listed: nothing of it stands in the site's own lists either.
fn is_never_shown(reading: &Reading, spot: &Spot) -> bool {
    let build = reading.value("build").or_else(|| reading.value("_build"));
    let says = |key: &str, hidden: &[&str]| {
        build.and_then(|build| folded_get(build, key)).is_some_and(|value| match value.truth() {
            Some(truth) => !truth,
            None => value.filled().is_some_and(|word| hidden.contains(&word.to_lowercase().as_str())),
        })
    };
    let headless = spot.is_bundle && reading.value("headless").and_then(Yaml::truth) == Some(true);
    headless || says("render", &["never", "link"]) || says("list", &["never"])
}

/// `draft` counts, else `published` if it is a yes or no.
fn is_published(reading: &Reading, problems: &mut Vec<Problem>) -> Option<bool> {
    if reading.value("draft").is_some() {
        return Some(!reading.truth("draft", false, problems)?);
    }
    Some(reading.value("published").and_then(Yaml::truth).unwrap_or(true))
}

/// The first date of several keys, and the slug that comes with one from the file's name; outer None if one cannot be
/// read.
fn first_date(
    reading: &Reading,
    keys: &[String],
    spot: &Spot,
    problems: &mut Vec<Problem>,
) -> Option<(Option<ArticleDate>, Option<String>)> {
    for key in keys {
        match key.as_str() {
            ":filename" => {
                let day = spot.name.get(..10).filter(|day| date::parse_day(day).is_some());
                if let Some(date) = day.and_then(|day| date::parse(day, &reading.site.dates)) {
                    let slug = spot.name[10..].trim_matches([' ', '-', '_']).to_owned();
                    return Some((Some(date), Some(slug)));
                }
            }
            // What git and the disk know is not known here.
            key if key.starts_with(':') => {}
            // `published: true` is a state.
            "published" if reading.value("published").is_some_and(|value| value.truth().is_some()) => {}
            key => {
                if let Some(date) = reading.date(key, problems)? {
                    return Some((Some(date), None));
                }
            }
        }
    }
    Some((None, None))
}

/// When it was last changed, if the front matter says that apart from its date.
fn modified(reading: &Reading, dates: &Dates, problems: &mut Vec<Problem>) -> Option<ArticleDate> {
    let own =
        dates.modified.iter().map(String::as_str).take_while(|key| !dates.publish.iter().any(|known| known == key));
    let keys: Vec<&str> = own.filter(|key| !key.starts_with(':')).collect();
    reading.optional_date(&keys, problems)
}

/// The path of a page in its address.
fn link(reading: &Reading, rules: &Rules, spot: &Spot, tokens: &Tokens) -> String {
    let style = rules.style;
    let prefix = rules.prefix(&spot.language);
    let own = reading.value("url").and_then(Yaml::filled);
    let configured = Some(reading.collection.permalink.as_str()).filter(|pattern| !pattern.is_empty());
    let (path, prefixed) = if let Some(own) = own.filter(|own| !own.starts_with("http")) {
        let own = if own.contains(':') { hugo_path::expand(&own, tokens, style) } else { own };
        let path = hugo_path::clean(&own);
        let is_file = file_name(&path).contains('.');
        let path = if path.ends_with('/') || is_file { path } else { format!("{path}/") };
        (path.strip_suffix("/index.html").map_or(path.clone(), |folder| format!("{folder}/")), !own.starts_with('/'))
    } else {
        let pattern = configured.or_else(|| rules.pattern(&spot.folders));
        let whole = match pattern.map(|pattern| hugo_path::expand(pattern, tokens, style)) {
            Some(expanded) if !expanded.is_empty() => expanded,
            _ => format!("{}/{}", spot.folders.join("/"), tokens.slug.unwrap_or(&spot.name)),
        };
        let path = hugo_path::clean(&whole);
        let path = path.trim_end_matches('/');
        (if rules.is_ugly(&spot.folders) { format!("{path}.html") } else { format!("{path}/") }, true)
    };
    let path = if prefixed && !prefix.is_empty() { format!("/{prefix}{path}") } else { path };
    hugo_path::encode(&hugo_path::sanitize(&path, style))
}

/// Former addresses: from the root of the language, or beside the page.
fn aliases(reading: &Reading, rules: &Rules, spot: &Spot, path: &str) -> Vec<Url> {
    let prefix = rules.prefix(&spot.language);
    let beside = path.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder);
    texts(reading.value("aliases"))
        .iter()
        .filter(|alias| !alias.contains("://"))
        .filter_map(|alias| {
            let whole = match alias.starts_with('/') {
                true if prefix.is_empty() => alias.clone(),
                true => format!("/{prefix}{alias}"),
                false => format!("{beside}/{alias}"),
            };
            reading.site.address(&hugo_path::encode(&hugo_path::clean(&whole)))
        })
        .collect()
}
