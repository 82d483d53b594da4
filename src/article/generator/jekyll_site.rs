//! Jekyll 4: what `_config.yml` says of files: collections, posts anywhere in the tree, defaults, what is left out.

use super::glob::{fnmatch, matches};
use super::{Facts, Found, NOT_ARTICLES, Read, Rules as AllRules, file_name, is_editors_own, texts};
use crate::article::permalink;
use crate::article::site::{Collection, Tree, fixed_folder};
use crate::config;
use crate::yaml::Yaml;
use std::collections::BTreeMap;

/// What Jekyll leaves out whatever the site says.
const EXCLUDED: [&str; 10] = [
    ".sass-cache",
    ".jekyll-cache",
    "gemfiles",
    "Gemfile",
    "Gemfile.lock",
    "node_modules",
    "vendor/bundle/",
    "vendor/cache/",
    "vendor/gems/",
    "vendor/ruby/",
];

/// Files with front matter that are assets, data, or in a markup that is not read here.
const NOT_DOCUMENTS: [&str; 22] = [
    "css", "scss", "sass", "less", "js", "mjs", "ts", "coffee", "json", "yml", "yaml", "toml", "csv", "tsv", "xml",
    "svg", "textile", "adoc", "asciidoc", "org", "rst", "haml",
];

/// What `_config.yml` says of files.
#[derive(Debug, Clone)]
pub(in crate::article) struct Rules {
    defaults: Vec<Default>,
    exclude: Vec<String>,
    /// Where Jekyll puts the pages it makes.
    destination: String,
    include: Vec<String>,
    markdown: Vec<String>,
    pub(super) future: bool,
    /// `collections_dir`, without slashes at its ends.
    base: String,
    /// Collections whose files the configuration names.
    configured: Vec<String>,
    /// Whether `posts` are read.
    posts: bool,
}

#[derive(Debug, Clone)]
struct Default {
    path: String,
    kind: Option<String>,
    values: Yaml,
}

/// Reads `_config.yml`.
pub(in crate::article) fn read(config: &config::Site, found: &Found, tree: &dyn Tree) -> Read {
    let said = |key: &str| found.own.get(key).and_then(Yaml::filled);
    let url = said("url").map(|url| {
        let base = said("baseurl").unwrap_or_default();
        format!("{}/{}", url.trim_end_matches('/'), base.trim_matches('/'))
    });
    let facts = Facts {
        url,
        title: said("title").or_else(|| said("name")),
        description: said("description"),
        language: said("language").or_else(|| said("lang")),
        timezone: said("timezone"),
    };
    let list = |key: &str| match found.own.get(key) {
        Some(Yaml::Text(text)) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        other => texts(other),
    };
    let bare = |items: Vec<String>| -> Vec<String> {
        items.into_iter().map(|item| item.trim_start_matches('/').to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let include = bare(list("include"));
    let destination = said("destination").map(|folder| folder.trim_start_matches("./").trim_matches('/').to_owned());
    let destination = destination.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "_site".to_owned());
    let mut exclude = bare(list("exclude"));
    exclude.extend(EXCLUDED.iter().map(|item| (*item).to_owned()));
    exclude.retain(|item| !include.contains(item));
    let markdown = said("markdown_ext").unwrap_or_else(|| "markdown,mkdown,mkdn,mkd,md".to_owned());
    let base = said("collections_dir").unwrap_or_default().trim_matches('/').to_owned();
    let mut collections = collections(config, &found.own, &base, tree);
    let ours = config.collections.iter().flatten();
    let rules = Rules {
        defaults: defaults(&found.own),
        exclude,
        destination,
        include,
        markdown: markdown.split(',').map(|extension| extension.trim().to_lowercase()).collect(),
        future: found.own.get("future").and_then(Yaml::truth).unwrap_or(false),
        base,
        configured: ours.filter(|(_, ours)| !ours.paths.is_empty()).map(|(name, _)| name.clone()).collect(),
        posts: collections.contains_key("posts"),
    };
    if let Some(posts) = collections.get_mut("posts").filter(|_| !rules.is_named("posts")) {
        // A folder that Jekyll does not enter holds no posts.
        posts.paths.retain(|glob| {
            let folder = fixed_folder(glob);
            glob.contains("**/_") || (rules.post_entry(&format!("{folder}/x")).is_some() && !rules.is_excluded(folder))
        });
    }
    Read { facts, rules: AllRules::Jekyll(rules), collections }
}

fn collections(config: &config::Site, own: &Yaml, base: &str, tree: &dyn Tree) -> BTreeMap<String, Collection> {
    let site_style = own.get("permalink").and_then(Yaml::filled).unwrap_or_else(|| "date".to_owned());
    let mut found: BTreeMap<String, (Option<&Yaml>, bool)> = BTreeMap::new();
    found.insert("posts".to_owned(), (None, true));
    match own.get("collections") {
        Some(Yaml::Map(pairs)) => {
            for (name, about) in pairs {
                let output = name == "posts" || about.get("output").and_then(Yaml::truth).unwrap_or(false);
                found.insert(name.clone(), (Some(about), output));
            }
        }
        Some(list @ Yaml::List(_)) => {
            found
                .extend(texts(Some(list)).into_iter().filter(|name| name != "posts").map(|name| (name, (None, false))));
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
            let said = |key: &str| about.and_then(|about| about.get(key)).and_then(Yaml::filled);
            let folder = if base.is_empty() { format!("_{name}") } else { format!("{base}/_{name}") };
            let mut paths = vec![format!("{folder}/**")];
            if name == "posts" {
                // Those that there are by name, for who watches them, and those that may come.
                paths.extend(posts_folders(tree, base).into_iter().map(|folder| format!("{folder}/**")));
                paths.push(if base.is_empty() { "**/_posts/**".to_owned() } else { format!("{base}/**/_posts/**") });
                paths.sort();
                paths.dedup();
            }
            let permalink = said("permalink").unwrap_or_else(|| match name.as_str() {
                "posts" => permalink::style(&site_style).to_owned(),
                _ => permalink::collection_default(&site_style),
            });
            let title = said("title");
            let mut collection = super::collection(&name, config, title, paths, folder, permalink);
            collection.permalink = permalink::style(&collection.permalink).to_owned();
            (name, collection)
        })
        .collect()
}

/// Folders named `_posts`.
fn posts_folders(tree: &dyn Tree, base: &str) -> Vec<String> {
    let mut folders: Vec<String> = tree
        .files(base, true)
        .iter()
        .filter_map(|file| {
            let end = file.find("/_posts/").map(|at| at + "/_posts".len())?;
            Some(file[..end].to_owned())
        })
        .collect();
    folders.dedup();
    folders
}

fn defaults(own: &Yaml) -> Vec<Default> {
    let Some(Yaml::List(items)) = own.get("defaults") else { return Vec::new() };
    items
        .iter()
        .map(|item| {
            let scope = |key: &str| item.get("scope").and_then(|scope| scope.get(key)).filter(|said| !said.is_null());
            // Older sites say `post` and `page`.
            let kind = scope("type").map(|said| said.to_text().unwrap_or_default());
            let kind = kind
                .map(|kind| if matches!(kind.as_str(), "post" | "page" | "draft") { format!("{kind}s") } else { kind });
            Default {
                path: scope("path").and_then(Yaml::filled).unwrap_or_default().trim_start_matches('/').to_owned(),
                kind,
                values: item.get("values").cloned().unwrap_or_default(),
            }
        })
        .collect()
}

impl Default {
    fn applies(&self, path: &str, collection: &str) -> bool {
        let kind = self.kind.as_ref().is_none_or(|kind| kind == collection);
        let place = || {
            if self.path.contains('*') {
                // A pattern stands for what it names, and for all that is in it.
                let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
                let pattern = self.path.trim_end_matches('/');
                ends.into_iter().any(|end| matches(pattern, &path[..end]))
            } else {
                path.starts_with(&self.path)
            }
        };
        kind && (self.path.is_empty() || place())
    }

    fn weight(&self) -> (usize, bool) {
        (self.path.len(), self.kind.is_some())
    }
}

impl Rules {
    /// A value that the site gives to files of this path and collection: the most particular scope that says
    /// something counts, the last of equal ones.
    pub(in crate::article) fn default_value(&self, path: &str, collection: &str, key: &str) -> Option<&Yaml> {
        let path = self.relative(path);
        self.defaults
            .iter()
            .filter(|default| default.applies(path, collection))
            .filter_map(|default| Some((default.weight(), default.values.get(key).filter(|value| !value.is_null())?)))
            .max_by_key(|(weight, _)| *weight)
            .map(|(_, value)| value)
    }

    /// A path as Jekyll sees it: without `collections_dir`.
    pub(super) fn relative<'a>(&self, path: &'a str) -> &'a str {
        let under = path.strip_prefix(&self.base).and_then(|rest| rest.strip_prefix('/'));
        under.filter(|_| !self.base.is_empty()).unwrap_or(path)
    }

    /// Whether `exclude` or `include` names a path, as Jekyll's filter of entries compares them.
    fn named(patterns: &[String], path: &str) -> bool {
        patterns.iter().any(|pattern| {
            path.starts_with(pattern.as_str())
                || pattern.strip_suffix('/') == Some(path)
                || (pattern.contains(['*', '?', '[', '\\']) && fnmatch(pattern, path))
        })
    }

    fn is_included(&self, entry: &str) -> bool {
        !self.include.is_empty() && (Self::named(&self.include, entry) || Self::named(&self.include, file_name(entry)))
    }

    /// Whether a path or a folder on the way to it is left out.
    fn is_excluded(&self, path: &str) -> bool {
        let made = path.strip_prefix(&self.destination).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        made || ends.any(|end| Self::named(&self.exclude, &path[..end]) && !self.is_included(&path[..end]))
    }

    /// The collection of a file.
    pub(in crate::article) fn collection_of<'a>(
        &self,
        path: &str,
        collections: &'a BTreeMap<String, Collection>,
    ) -> Option<(&'a str, &'a Collection)> {
        let (name, collection) = if let Some(found) =
            collections.iter().find(|(name, collection)| self.is_named(name) && fits(collection, path))
        {
            found
        } else if let Some(entry) = self.post_entry(path) {
            if self.is_named("posts") || !self.is_entry(entry) {
                return None;
            }
            collections.get_key_value("posts")?
        } else {
            let (name, collection) = collections.iter().find(|(name, collection)| {
                *name != "posts" && path.strip_prefix(&collection.folder).is_some_and(|rest| rest.starts_with('/'))
            })?;
            if self.is_named(name) || !self.is_entry(&path[collection.folder.len() + 1..]) {
                return None;
            }
            (name, collection)
        };
        let (stem, extension) = super::stem_and_extension(file_name(path));
        let fine = !is_editors_own(file_name(path))
            && !stem.is_empty()
            && !NOT_DOCUMENTS.contains(&extension.to_ascii_lowercase().as_str())
            && !self.is_excluded(path);
        fine.then_some((name.as_str(), collection))
    }

    /// Whether the configuration names the files of a collection.
    fn is_named(&self, name: &str) -> bool {
        self.configured.iter().any(|known| known == name)
    }

    /// What follows `_posts/` in the path of a post; the folders above it must be ones that Jekyll enters.
    fn post_entry<'a>(&self, path: &'a str) -> Option<&'a str> {
        let under = self.relative(path);
        if !self.posts || (!self.base.is_empty() && under.len() == path.len()) {
            return None;
        }
        let (above, entry) = match under.strip_prefix("_posts/") {
            Some(entry) => ("", entry),
            None => under.split_once("/_posts/")?,
        };
        let entered = above.is_empty()
            || above.match_indices('/').map(|(at, _)| at).chain([above.len()]).all(|end| {
                let folder = &above[..end];
                !file_name(folder).starts_with(['.', '_', '#', '~']) || self.is_included(folder)
            });
        entered.then_some(entry)
    }

    /// Whether Jekyll reads an entry of a collection's folder.
    fn is_entry(&self, entry: &str) -> bool {
        let special = |name: &str| name.starts_with(['.', '_', '#', '~']);
        let hidden = entry.split('/').any(|part| part.starts_with(['.', '#', '~']));
        self.is_included(entry)
            || !(special(entry) || special(file_name(entry)) || hidden || entry.ends_with(['~', '.']))
    }

    /// Whether a folder may hold articles.
    pub(in crate::article) fn enters(&self, folder: &str, collections: &BTreeMap<String, Collection>) -> bool {
        let inside =
            |folder: &str, of: &str| folder == of || folder.strip_prefix(of).is_some_and(|rest| rest.starts_with('/'));
        let fixed = collections.values().flat_map(|collection| &collection.paths).map(|glob| fixed_folder(glob));
        let mut fixed = fixed.filter(|fixed| !fixed.is_empty());
        if fixed.any(|fixed| inside(fixed, folder) || (inside(folder, fixed) && !self.is_excluded(folder))) {
            return true;
        }
        let special = file_name(folder).starts_with(['_', '#', '~']) && file_name(folder) != "_posts";
        self.posts && !self.is_excluded(folder) && (!special || self.is_included(folder))
    }

    /// Whether a file changes the settings: the first post of a folder adds that folder to those that are watched.
    pub(in crate::article) fn is_settings(&self, path: &str, collections: &BTreeMap<String, Collection>) -> bool {
        self.post_entry(path).is_some()
            && collections.get("posts").is_some_and(|posts| {
                !posts.paths.iter().any(|glob| !fixed_folder(glob).is_empty() && matches(glob, path))
            })
    }

    /// The extension of the page that a file becomes.
    pub(super) fn output_ext(&self, extension: &str) -> String {
        match extension.to_lowercase() {
            extension if self.markdown.contains(&extension) => ".html".to_owned(),
            extension if extension.is_empty() => String::new(),
            _ => format!(".{extension}"),
        }
    }
}

fn fits(collection: &Collection, path: &str) -> bool {
    collection.paths.iter().any(|glob| matches(glob, path))
}
