//! The files of a commit: their paths, and the names of their bytes.

use super::{Blob, Blobs};
use crate::article::{SiteSettings, Tree};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// Deepest folder in which articles are looked for, as in a folder on the disk.
const DEPTH_MAX: usize = 32;

/// All files under the site's root.
#[derive(Debug, Default)]
pub struct Files {
    blobs: BTreeMap<Box<str>, Blob>,
    /// How many files lie in each of the folders by which a generator is told.
    roots: HashMap<Box<str>, usize>,
    is_reshaped: bool,
}

/// The folder by which a generator is told that a file lies in: `_posts` wherever it is, else the first one.
fn root_of(path: &str) -> Option<&str> {
    let (folders, _) = path.rsplit_once('/')?;
    if folders.split('/').any(|folder| folder == "_posts") { Some("_posts") } else { folders.split('/').next() }
}

impl Files {
    pub fn put(&mut self, path: &str, blob: &Blob) {
        let was_there = self.blobs.insert(path.into(), Arc::clone(blob)).is_some();
        if let Some(root) = root_of(path).filter(|_| !was_there) {
            let count = self.roots.entry(root.into()).or_default();
            *count += 1;
            self.is_reshaped |= *count == 1;
        }
    }

    pub fn remove(&mut self, path: &str) {
        let was_there = self.blobs.remove(path).is_some();
        if let Some(count) = root_of(path).filter(|_| was_there).and_then(|root| self.roots.get_mut(root)) {
            *count -= 1;
            self.is_reshaped |= *count == 0;
        }
    }

    /// Whether a folder came or went, since this was last asked, by which a generator is told.
    pub fn take_reshaped(&mut self) -> bool {
        std::mem::take(&mut self.is_reshaped)
    }

    pub fn blob(&self, path: &str) -> Option<&Blob> {
        self.blobs.get(path)
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, &Blob)> {
        self.blobs.iter().map(|(path, blob)| (&**path, blob))
    }

    /// All files in a folder and the folders in it.
    pub fn under(&self, folder: &str) -> impl Iterator<Item = (&str, &Blob)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.starting(prefix)
    }

    fn starting(&self, prefix: String) -> impl Iterator<Item = (&str, &Blob)> {
        let from = self.blobs.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(path, blob)| (&**path, blob))
    }

    /// Whether a file that is there is one that a look at the folder on the disk would read as an article.
    pub fn holds(&self, site: &SiteSettings, path: &str) -> bool {
        if !self.blobs.contains_key(path) || site.collection_of(path).is_none() {
            return false;
        }
        site.folders().iter().any(|root| self.is_reached(site, root, path))
    }

    /// Whether a walk that begins at a folder comes to a file.
    fn is_reached(&self, site: &SiteSettings, root: &str, path: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let below = match root {
            "" => folder,
            _ => match folder.strip_prefix(root) {
                Some("") => "",
                Some(below) if below.starts_with('/') => &below[1..],
                _ => return false,
            },
        };
        let mut inside = root.to_owned();
        let mut parts = below.split('/').filter(|part| !part.is_empty());
        let mut depth = root.split('/').filter(|part| !part.is_empty()).count();
        loop {
            // Documents beside and below the one that makes a folder an article are its resources.
            let is_bundle = self.is_bundle(site, &inside);
            match parts.next() {
                Some(_) if is_bundle => return false,
                Some(part) => {
                    inside = if inside.is_empty() { part.to_owned() } else { format!("{inside}/{part}") };
                    depth += 1;
                    if depth > DEPTH_MAX || !site.enters(&inside) {
                        return false;
                    }
                }
                None => return !is_bundle || site.is_bundle_marker(path.rsplit('/').next().unwrap_or(path)),
            }
        }
    }

    /// Whether a folder is one article. Every name that can make it one begins alike.
    fn is_bundle(&self, site: &SiteSettings, folder: &str) -> bool {
        if site.bundle_markers().is_empty() {
            return false;
        }
        let prefix = if folder.is_empty() { "index.".to_owned() } else { format!("{folder}/index.") };
        let start = prefix.len() - "index.".len();
        let names = self.starting(prefix).filter_map(|(path, _)| path.get(start..)).filter(|name| !name.contains('/'));
        site.is_bundle(folder, names)
    }
}

/// Texts of files in which settings may lie, as they were last read: most are those of the commit before.
pub type Known = RefCell<HashMap<Blob, Option<Arc<str>>>>;

/// Most texts that are kept.
const KNOWN_MAX: usize = 2_000;

/// The files of a commit with their bytes, as far as a site's settings lie in them.
pub struct Held<'a> {
    pub files: &'a Files,
    pub blobs: &'a dyn Blobs,
    pub known: &'a Known,
}

impl Tree for Held<'_> {
    fn read(&self, path: &str) -> Option<String> {
        let blob = self.files.blob(path)?;
        if let Some(text) = self.known.borrow().get(blob) {
            return text.as_deref().map(str::to_owned);
        }
        let bytes = self.blobs.read(std::slice::from_ref(blob)).ok()?.pop()?;
        let text: Option<Arc<str>> = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into());
        let mut known = self.known.borrow_mut();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(Arc::clone(blob), text.clone());
        text.as_deref().map(str::to_owned)
    }

    fn files(&self, folder: &str, deep: bool) -> Vec<String> {
        let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
        let is_entered = |path: &str| {
            let below = path.get(start..).unwrap_or("");
            let mut folders = below.rsplit_once('/').map_or("", |(folders, _)| folders).split('/');
            folders.all(|name| !name.starts_with('.') && name != "node_modules")
        };
        let listed = |path: &str| {
            let is_in_folder = path.get(start..).is_some_and(|below| !below.contains('/'));
            is_in_folder || (deep && is_entered(path))
        };
        self.files.under(folder).map(|(path, _)| path).filter(|path| listed(path)).map(str::to_owned).collect()
    }
}
