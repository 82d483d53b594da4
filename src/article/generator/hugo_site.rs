//! What Hugo's settings and section files say: content folders, languages, sections, cascades.

use super::glob::matches;
use super::{Found, folded_get, folders_of, settings, stem_and_extension, texts};
use crate::article::front_matter::{FrontMatter, split};
use crate::article::site::Tree;
use crate::config::{self, Generator};
use crate::problem::{Place, Problem};
use crate::yaml::Yaml;
use std::collections::{BTreeMap, BTreeSet};

/// Extensions of the documents that Hugo reads, as far as they are read here.
pub(super) const EXTENSIONS: [&str; 5] = ["md", "markdown", "mdown", "html", "htm"];

/// The languages of a site and the folders of its content.
#[derive(Debug, Clone)]
pub(super) struct Languages {
    /// `defaultContentLanguage`.
    pub(super) default: String,
    /// Every language, the default one too.
    pub(super) all: Vec<String>,
    /// Whether the default language has a folder of its own in addresses.
    pub(super) default_in_folder: bool,
    /// Folders of content under the root, with their language if they have one.
    pub(super) folders: Vec<(String, Option<String>)>,
}

/// Where a document stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) language: String,
    /// Folders under the content folder, without that of a bundle.
    pub(super) folders: Vec<String>,
    /// Name without extension and language; the folder's of a bundle.
    pub(super) name: String,
    pub(super) is_bundle: bool,
}

impl Languages {
    pub(super) fn read(found: &Found) -> Self {
        let default = found.said("defaultContentLanguage").unwrap_or_else(|| "en".to_owned()).to_lowercase();
        let content = folder_name(found.said("contentDir").as_deref().unwrap_or("content"));
        let disabled = texts(found.get("disableLanguages"));
        let mut all = vec![default.clone()];
        let mut folders: Vec<(String, Option<String>)> = Vec::new();
        if let Some(Yaml::Map(languages)) = found.get("languages") {
            for (code, about) in languages {
                let off = folded_get(about, "disabled").and_then(Yaml::truth).unwrap_or(false);
                if off || disabled.contains(code) {
                    continue;
                }
                let code = code.to_lowercase();
                if let Some(own) = folded_get(about, "contentDir").and_then(Yaml::filled) {
                    folders.push((folder_name(&own), Some(code.clone())));
                }
                if !all.contains(&code) {
                    all.push(code);
                }
            }
        }
        if let Some(Yaml::List(mounts)) = found.get("module").and_then(|module| folded_get(module, "mounts")) {
            for mount in mounts {
                let said = |key: &str| folded_get(mount, key).and_then(Yaml::filled);
                if let (Some(source), Some("content")) = (said("source"), said("target").as_deref()) {
                    folders.push((folder_name(&source), said("lang").map(|code| code.to_lowercase())));
                }
            }
        }
        if folders.iter().all(|(folder, _)| *folder != content) && folders.len() < all.len() {
            folders.push((content, None));
        }
        // The longest first: `content/fr` is not in `content`.
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        folders.dedup();
        let default_in_folder = found.get("defaultContentLanguageInSubdir").and_then(Yaml::truth).unwrap_or(false);
        Self { default, all, default_in_folder, folders }
    }

    /// Where a path stands under the content folders, with the language of its folder.
    pub(super) fn under<'a>(&self, path: &'a str) -> Option<(&'a str, Option<&str>)> {
        self.folders.iter().find_map(|(folder, language)| {
            Some((path.strip_prefix(folder.as_str())?.strip_prefix('/')?, language.as_deref()))
        })
    }

    /// Where a document stands; None outside of the content.
    pub(super) fn spot(&self, path: &str) -> Option<Spot> {
        let (under, folder_language) = self.under(path)?;
        let mut folders: Vec<String> =
            folders_of(under).split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (stem, _) = stem_and_extension(super::file_name(under));
        let (mut name, own) = match stem.rsplit_once('.') {
            Some((name, code)) if self.all.iter().any(|known| known.eq_ignore_ascii_case(code)) => {
                (name.to_owned(), Some(code.to_lowercase()))
            }
            _ => (stem.to_owned(), None),
        };
        let is_bundle = name == "index" && !folders.is_empty();
        if is_bundle {
            name = folders.pop().unwrap_or_default();
        }
        let language = own.or(folder_language.map(str::to_owned)).unwrap_or_else(|| self.default.clone());
        Some(Spot { language, folders, name, is_bundle })
    }
}

fn folder_name(written: &str) -> String {
    written.trim_start_matches("./").trim_matches('/').to_owned()
}

/// What a section file or the site gives to the pages below.
#[derive(Debug, Clone)]
pub(super) struct Cascade {
    /// The section's folder under the content folder; empty for all.
    folder: String,
    language: Option<String>,
    path: Option<String>,
    kind: Option<String>,
    values: Yaml,
}

/// The sections of a site.
#[derive(Debug, Clone, Default)]
pub(super) struct Sections {
    /// Top folders that hold pages, in order.
    pub(super) top: BTreeSet<String>,
    /// Whether pages lie in the content folder itself.
    pub(super) root: bool,
    /// Titles of section files, by folder under the content folder.
    pub(super) titles: BTreeMap<String, String>,
    /// Slugs of section files.
    slugs: BTreeMap<String, String>,
    /// Folders with a section file.
    folders: BTreeSet<String>,
    /// Nearest first.
    cascades: Vec<Cascade>,
}

impl Sections {
    pub(super) fn read(found: &Found, languages: &Languages, tree: &dyn Tree, problems: &mut Vec<Problem>) -> Self {
        let mut sections = Self::default();
        for (folder, folder_language) in &languages.folders {
            for file in tree.files(folder, true) {
                let Some((under, _)) = languages.under(&file).filter(|_| file.starts_with(folder.as_str())) else {
                    continue;
                };
                if !is_content(&file) {
                    continue;
                }
                let (stem, _) = stem_and_extension(super::file_name(under));
                let mut parts = stem.split('.');
                if parts.next() != Some("_index") {
                    // A bundle in the content folder is a page of the site, like a file there.
                    let is_bundle = stem == "index" || stem.starts_with("index.");
                    match under.split_once('/') {
                        Some((_, rest)) if is_bundle && !rest.contains('/') => sections.root = true,
                        Some((top, _)) => _ = sections.top.insert(top.to_owned()),
                        None => sections.root |= !is_bundle,
                    }
                    continue;
                }
                let language = parts.next().map(str::to_lowercase).or_else(|| folder_language.clone());
                sections.take_section(&file, folders_of(under), language, &languages.default, tree, problems);
            }
        }
        sections.take_cascade("", None, found.get("cascade"));
        sections.cascades.sort_by_key(|cascade| std::cmp::Reverse(cascade.folder.len()));
        sections
    }

    fn take_section(
        &mut self,
        file: &str,
        folder: &str,
        language: Option<String>,
        default: &str,
        tree: &dyn Tree,
        problems: &mut Vec<Problem>,
    ) {
        self.folders.insert(folder.to_owned());
        let Some(text) = tree.read(file) else { return };
        let Some(cut) = split(&text, Generator::Hugo) else { return };
        let front = match FrontMatter::read(file, &cut, Generator::Hugo) {
            Ok((front, _)) => front,
            Err(problem) => {
                let place = Place { line: problem.line, column: problem.column };
                let message = format!("{}; what this section gives to its pages is not known", problem.message);
                let mut warning = Problem::warning(file, place, message).kind("bad-front-matter");
                warning.cure = problem.cure;
                problems.push(warning);
                return;
            }
        };
        if language.as_deref().is_none_or(|code| code == default) {
            if !folder.contains('/')
                && let Some(title) = front.text(&["title"])
            {
                self.titles.insert(folder.to_owned(), title);
            }
            if let Some(slug) = front.text(&["slug", "title"]) {
                self.slugs.insert(folder.to_owned(), slug);
            }
        }
        self.take_cascade(folder, language, front.get("cascade"));
    }

    fn take_cascade(&mut self, folder: &str, language: Option<String>, written: Option<&Yaml>) {
        let items: Vec<&Yaml> = match written {
            Some(Yaml::List(items)) => items.iter().collect(),
            Some(one) => vec![one],
            None => return,
        };
        for item in items {
            let target = folded_get(item, "target").or_else(|| folded_get(item, "_target"));
            let said = |key: &str| {
                target.and_then(|target| folded_get(target, key)).and_then(Yaml::filled).map(|text| text.to_lowercase())
            };
            self.cascades.push(Cascade {
                folder: folder.to_owned(),
                language: said("lang").or_else(|| language.clone()),
                path: said("path"),
                kind: said("kind"),
                values: item.clone(),
            });
        }
    }

    /// Whether any section gives something to its pages.
    pub(super) fn has_cascades(&self) -> bool {
        !self.cascades.is_empty()
    }

    /// What the sections above a page give it under a key.
    pub(super) fn cascaded(&self, spot: &Spot, key: &str) -> Option<&Yaml> {
        let mut page: String = spot.folders.join("/");
        if spot.is_bundle {
            page = if page.is_empty() { spot.name.clone() } else { format!("{page}/{}", spot.name) };
        }
        let path = format!("/{}/{}", spot.folders.join("/"), spot.name).replace("//", "/").to_lowercase();
        self.cascades
            .iter()
            .filter(|cascade| {
                let folder = cascade.folder.as_str();
                let below = folder.is_empty()
                    || page == folder
                    || page.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
                below
                    && cascade.kind.as_deref().is_none_or(|kind| matches!(kind, "page" | "{page,section}"))
                    && cascade.language.as_ref().is_none_or(|code| *code == spot.language)
                    && cascade.path.as_ref().is_none_or(|glob| matches(glob, &path))
            })
            .find_map(|cascade| {
                folded_get(&cascade.values, key)
                    .or_else(|| folded_get(&cascade.values, "params").and_then(|params| folded_get(params, key)))
            })
            .filter(|value| !value.is_null())
    }

    /// The folders down to the section of a page: the deepest folder with a section file, or its top one.
    pub(super) fn of(&self, folders: &[String]) -> Vec<String> {
        let deepest = (1..=folders.len()).rev().find(|length| self.folders.contains(&folders[..*length].join("/")));
        folders[..deepest.unwrap_or(folders.len().min(1))].to_vec()
    }

    /// The same folders by the slugs or titles of their section files.
    pub(super) fn slugs_of(&self, sections: &[String]) -> Vec<String> {
        (1..=sections.len())
            .map(|length| self.slugs.get(&sections[..length].join("/")).unwrap_or(&sections[length - 1]).clone())
            .collect()
    }
}

/// Whether a file is content that is read here.
pub(super) fn is_content(path: &str) -> bool {
    let name = super::file_name(path);
    let (_, extension) = stem_and_extension(name);
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        && !super::is_editors_own(name)
        && !path.split('/').any(|part| part.starts_with('.'))
}

/// The settings with those of the folder `config/_default` laid over them.
pub(super) fn with_folder(
    config: &config::Site,
    tree: &dyn Tree,
    folder: &str,
    mut found: Found,
) -> Result<Found, Problem> {
    for file in tree.files(folder, false) {
        let (stem, extension) = stem_and_extension(super::file_name(&file));
        if !matches!(extension, "toml" | "yaml" | "yml" | "json") {
            continue;
        }
        let Some(text) = tree.read(&file) else { continue };
        let read = settings(config, &file, &text)?;
        if found.file.is_empty() {
            found.file.clone_from(&file);
        }
        let mut parts = stem.split('.');
        let pairs = match (parts.next(), parts.next()) {
            (Some("hugo" | "config"), None) => read.into_map().unwrap_or_default(),
            (Some("languages"), Some(code)) => vec![("languages".to_owned(), Yaml::Map(vec![(code.to_owned(), read)]))],
            (Some(key), None) => vec![(key.to_owned(), read)],
            _ => continue,
        };
        let mut own = std::mem::take(&mut found.own).into_map().unwrap_or_default();
        for (key, value) in pairs {
            match own.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                Some((_, Yaml::Map(old))) if matches!(value, Yaml::Map(_)) => {
                    for (name, value) in value.into_map().unwrap_or_default() {
                        old.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
                        old.push((name, value));
                    }
                }
                Some((_, old)) => *old = value,
                None => own.push((key, value)),
            }
        }
        found.own = Yaml::Map(own);
    }
    Ok(found)
}
