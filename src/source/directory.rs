//! A site in a folder: a look at every file's status, and the bytes of those that changed.
//!
//! What a watcher says is only a reason to look. Symbolic links to folders are not followed (they can loop); what is
//! not a plain file (a pipe, a device) is not opened.

use super::{Changes, SourceError};
use crate::article::site::JEKYLL_CONFIG;
use crate::article::{SiteSettings, SourceFile};
use crate::problem::{Place, Problem};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most bytes of a file that is read; more is no article.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Deepest folder.
const DEPTH_MAX: usize = 32;

/// What tells that a file changed, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// A folder, and what is known of its files.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    known: BTreeMap<String, Stamp>,
}

impl Directory {
    /// A folder of which nothing is known yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), known: BTreeMap::new() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The site's own configuration file, if it has one.
    ///
    /// Errors: the folder is not there, or the file cannot be read as text.
    pub fn jekyll_config(&self) -> Result<Option<String>, SourceError> {
        if !self.root.is_dir() {
            return Err(SourceError::Missing(self.root.display().to_string()));
        }
        Ok(fs::read(self.root.join(JEKYLL_CONFIG)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Forgets what is known, so that the next look reads every file again.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Forgets what is known of one file, so that the next look reads it again.
    pub fn forget_file(&mut self, path: &str) {
        self.known.remove(path);
    }

    /// Looks at all files that the site's collections may hold.
    ///
    /// Errors: the folder is not there.
    pub fn look(&mut self, site: &SiteSettings) -> Result<Changes, SourceError> {
        if !self.root.is_dir() {
            return Err(SourceError::Missing(self.root.display().to_string()));
        }
        let mut changes = Changes::default();
        let mut found = Vec::new();
        for folder in folders(site) {
            walk(&self.root, &folder, 0, &mut found)?;
        }
        found.sort();
        found.dedup();
        for path in found.into_iter().filter(|path| site.collection_of(path).is_some()) {
            let whole = self.root.join(&path);
            let stamp = match fs::metadata(&whole) {
                Ok(metadata) if metadata.is_file() => Stamp::of(&metadata),
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    changes.present.insert(path.clone());
                    changes.unreadable.push((path.clone(), unreadable(&path, &error)));
                    continue;
                }
            };
            changes.present.insert(path.clone());
            if self.known.get(&path) == Some(&stamp) {
                continue;
            }
            match read(&whole, stamp.length) {
                Ok(bytes) => {
                    self.known.insert(path.clone(), stamp);
                    changes.changed.push(SourceFile { path, bytes });
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    changes.present.remove(&path);
                }
                Err(error) => changes.unreadable.push((path.clone(), unreadable(&path, &error))),
            }
        }
        // What was forgotten and is gone has been dropped by whoever reads: it is not in `present`.
        changes.removed = self.known.keys().filter(|path| !changes.present.contains(*path)).cloned().collect();
        for path in &changes.removed {
            self.known.remove(path);
        }
        Ok(changes)
    }
}

/// The folders in which the collections' files can be: each glob up to its first wildcard.
pub fn folders(site: &SiteSettings) -> BTreeSet<String> {
    site.collections
        .values()
        .flat_map(|collection| &collection.paths)
        .map(|glob| {
            let fixed = &glob[..glob.find(['*', '?']).unwrap_or(glob.len())];
            fixed.rfind('/').map_or(String::new(), |end| fixed[..end].to_owned())
        })
        .collect()
}

/// A folder that is there and cannot be read is not an empty one: its articles have not vanished.
fn walk(root: &Path, folder: &str, depth: usize, found: &mut Vec<String>) -> Result<(), SourceError> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    let whole = root.join(folder);
    let entries = match fs::read_dir(&whole) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(SourceError::Unreadable(whole.display().to_string(), error.to_string())),
    };
    for entry in entries.flatten() {
        // A name that is not UTF-8 can be no article: it has no address.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if !name.starts_with('.') && name != "node_modules" && path != "_site" {
                    walk(root, &path, depth + 1, found)?;
                }
            }
            Ok(_) => found.push(path),
            Err(_) => {}
        }
    }
    Ok(())
}

fn read(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    if length > BYTES_MAX {
        return Err(std::io::Error::other(format!("{length} bytes, over the limit of {BYTES_MAX}")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    Problem::error(path, Place::FILE, format!("the file cannot be read: {error}")).cure("check its rights and its size")
}
