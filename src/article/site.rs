//! What the site says of itself: its generator's settings, with the configuration's word above them.

use super::generator::{self, Facts, Rules};
use crate::config::{self, Generator};
use crate::digest;
use crate::problem::{Place, Problem};
use crate::text::{is_host, language_tag, percent_decode, repair_address};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

pub use super::generator::glob::matches;

/// The files of a site, as far as its settings lie in them. Paths are under the site's root, with `/` between folders.
pub trait Tree {
    /// The text of a file; None if it is not there or cannot be read.
    fn read(&self, path: &str) -> Option<String>;
    /// Paths of the files of a folder, sorted; `deep` also those of the folders in it. The root is the empty path.
    fn files(&self, folder: &str, deep: bool) -> Vec<String>;
}

/// A site without files, for tests of what needs none.
#[cfg(test)]
pub(crate) struct NoFiles;

#[cfg(test)]
impl Tree for NoFiles {
    fn read(&self, _: &str) -> Option<String> {
        None
    }

    fn files(&self, _: &str, _: bool) -> Vec<String> {
        Vec::new()
    }
}

/// The site, as its files and the configuration describe it.
///
/// Its `Debug` output covers everything that reading an article depends on; see [`SiteSettings::digest`].
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
    /// Zone of schedules, and of dates without one where the generator does not decide otherwise.
    pub timezone: TimeZone,
    /// Zone of dates without one.
    pub dates: TimeZone,
    /// What makes pages of the files.
    pub generator: Generator,
    /// Collections that hold articles, by name.
    pub collections: BTreeMap<String, Collection>,
    /// What ends the summary at the start of an article, if the site says so.
    pub excerpt_separator: Option<String>,
    pub(super) rules: Rules,
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
    /// The template of its addresses; empty where the generator makes them without one.
    pub permalink: String,
}

impl SiteSettings {
    /// Reads the settings of the site's generator, which is that of the configuration or told by the site's files.
    /// Problems that stand beside the settings are warnings.
    ///
    /// Errors: a settings file cannot be read, no address of the site is known, or a zone is no zone: nothing right
    /// could be put out.
    pub fn read(config: &config::Site, tree: &dyn Tree) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let (generator, found) = generator::detect(config, tree).map_err(|problem| vec![problem])?;
        let read = match generator {
            Generator::Jekyll => generator::jekyll_site::read(config, &found, tree),
            Generator::Hugo => generator::hugo::read(config, &found, tree, &mut problems),
            Generator::Zola => generator::zola::read(config, &found, tree, &mut problems),
            Generator::Plain => generator::plain::read(config, tree, &mut problems),
        };
        let Facts { url, title, description, language, timezone } = read.facts;
        let fail = |message: String, cure: &str| {
            Err(vec![generator::settings_problem(config, &found.file, message).cure(cure)])
        };
        let url = match (&config.url, url) {
            (Some(url), _) => url.clone(),
            (None, Some(given)) => match Url::parse(given.trim_end_matches('/')) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => url,
                _ => {
                    return fail(
                        format!("the site's address `{given}` is not an address of the web"),
                        "write one such as https://www.example.fr there, or as site.url in Crieur's configuration",
                    );
                }
            },
            (None, None) => {
                return fail(
                    "the public address of the site is not known".to_owned(),
                    "write `url: https://www.example.fr` here, or `url` under `site` in Crieur's configuration",
                );
            }
        };
        let own_zone = match timezone {
            Some(name) => match TimeZone::get(&name) {
                Ok(zone) => Some(zone),
                Err(_) => {
                    let message = format!("`timezone: {name}` is not a known time zone");
                    return fail(message, "write an IANA name such as Europe/Paris");
                }
            },
            None => None,
        };
        // Hugo and Zola take dates without a zone as UTC unless they themselves are told otherwise.
        let dates = match generator {
            Generator::Jekyll | Generator::Plain => config.timezone.clone().or_else(|| own_zone.clone()),
            Generator::Hugo => own_zone.clone(),
            Generator::Zola => None,
        };
        let timezone = config.timezone.clone().or(own_zone);
        if timezone.is_none() {
            let file = generator::settings_problem(config, &found.file, String::new()).file;
            problems.push(
                Problem::warning(file, Place::FILE, "no time zone is given: dates without one are taken as UTC")
                    .kind("site-settings")
                    .cure("write `timezone: Europe/Paris` here, or under `site` in Crieur's configuration"),
            );
        }
        let host = url.host_str().unwrap_or("").to_owned();
        let language = language_of(
            config,
            language,
            || generator::settings_problem(config, &found.file, String::new()).file,
            &mut problems,
        );
        let is_filled = |title: &String| !title.trim().is_empty();
        let settings = Self {
            title: [config.title.clone(), title].into_iter().flatten().find(is_filled).unwrap_or(host),
            description: config.description.clone().or(description).unwrap_or_default(),
            language,
            collections: read.collections,
            rules: read.rules,
            dates: dates.unwrap_or(TimeZone::UTC),
            timezone: timezone.unwrap_or(TimeZone::UTC),
            generator,
            excerpt_separator: found.said("excerpt_separator"),
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

    /// A digest of everything that reading an article depends on: two sites with one digest read a file alike.
    pub fn digest(&self) -> String {
        digest::hex(format!("{self:?}"), 16)
    }

    /// The collection of a file, if it belongs to one that holds articles.
    pub fn collection_of(&self, path: &str) -> Option<(&str, &Collection)> {
        let is_document = match &self.rules {
            Rules::Jekyll(rules) => return rules.collection_of(path, &self.collections),
            Rules::Hugo(rules) => rules.is_document(path),
            Rules::Zola(rules) => rules.is_document(path),
            Rules::Plain(rules) => rules.is_document(path),
        };
        if !is_document {
            return None;
        }
        // A collection inside another one's folder: the nearer one counts.
        self.collections
            .iter()
            .filter(|(_, collection)| collection.paths.iter().any(|glob| matches(glob, path)))
            .max_by_key(|(_, collection)| collection.folder.len())
            .map(|(name, collection)| (name.as_str(), collection))
    }

    /// Whether a change of a file, its coming or its going, may change the settings.
    pub fn is_settings(&self, path: &str) -> bool {
        generator::is_settings_file(path)
            || match &self.rules {
                Rules::Jekyll(rules) => rules.is_settings(path, &self.collections),
                Rules::Hugo(rules) => rules.is_settings(path, &self.collections),
                Rules::Zola(rules) => rules.is_settings(path, &self.collections),
                Rules::Plain(rules) => rules.is_settings(path, &self.collections),
            }
    }

    /// The folders in which the collections' files can be: each glob up to its first wildcard.
    pub fn folders(&self) -> BTreeSet<String> {
        let globs = self.collections.values().flat_map(|collection| &collection.paths);
        globs.map(|glob| fixed_folder(glob).to_owned()).collect()
    }

    /// Whether a folder may hold articles: all others need not be looked into.
    pub fn enters(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return true;
        }
        let name = generator::file_name(folder);
        if name.starts_with('.') || name == "node_modules" {
            return false;
        }
        match &self.rules {
            Rules::Jekyll(rules) => rules.enters(folder, &self.collections),
            Rules::Hugo(_) | Rules::Zola(_) => leads_to(folder, &self.collections),
            Rules::Plain(rules) => rules.enters(folder) && leads_to(folder, &self.collections),
        }
    }

    /// Names of files that make one article of their folder: other documents in and below it are resources of that one.
    pub fn bundle_markers(&self) -> &[&str] {
        match self.generator {
            Generator::Hugo => &["index.md", "index.markdown", "index.mdown", "index.html", "index.htm"],
            Generator::Zola => &["index.md"],
            Generator::Jekyll | Generator::Plain => &[],
        }
    }

    /// Whether files of these names make one article of their folder. The folder of the whole content is none, whatever
    /// lies in it.
    pub fn is_bundle<'a>(&self, folder: &str, names: impl IntoIterator<Item = &'a str>) -> bool {
        let is_root = match &self.rules {
            Rules::Hugo(rules) => rules.is_content_folder(folder),
            Rules::Zola(_) => folder == "content",
            Rules::Jekyll(_) | Rules::Plain(_) => return false,
        };
        !is_root && names.into_iter().any(|name| self.is_bundle_marker(name))
    }

    /// Whether a file of this name makes one article of its folder, its translations (`index.fr.md`) included.
    pub fn is_bundle_marker(&self, name: &str) -> bool {
        let markers = self.bundle_markers();
        markers.contains(&name)
            || match (&self.rules, name.split('.').collect::<Vec<_>>().as_slice()) {
                (Rules::Hugo(rules), ["index", language, extension]) => {
                    rules.is_language(language) && markers.contains(&format!("index.{extension}").as_str())
                }
                (Rules::Zola(rules), ["index", language, "md"]) => rules.is_language(language),
                _ => false,
            }
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
        (matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(is_host)).then_some(url)
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

/// Whether a folder is on the way to a collection, or in one.
fn leads_to(folder: &str, collections: &BTreeMap<String, Collection>) -> bool {
    let inside = |folder: &str, of: &str| {
        of.is_empty() || folder == of || folder.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'))
    };
    collections.values().flat_map(|collection| &collection.paths).any(|glob| {
        let fixed = fixed_folder(glob);
        inside(folder, fixed) || inside(fixed, folder)
    })
}

/// The folder in which all that fits a glob lies.
pub(super) fn fixed_folder(glob: &str) -> &str {
    let fixed = &glob[..glob.find(['*', '?']).unwrap_or(glob.len())];
    fixed.rfind('/').map_or("", |end| &fixed[..end])
}

/// The site's language: the configuration's, else its own, if that is one.
fn language_of(
    config: &config::Site,
    said: Option<String>,
    file: impl Fn() -> String,
    problems: &mut Vec<Problem>,
) -> String {
    let own = said.as_deref().and_then(language_tag);
    if let (Some(said), None) = (&said, &own) {
        problems.push(
            Problem::warning(file(), Place::FILE, format!("`language: {said}` is not a language; fr is taken"))
                .kind("bad-language")
                .cure("write a code such as fr or fr-FR"),
        );
    }
    config.language.clone().or(own).unwrap_or_else(|| "fr".to_owned())
}
