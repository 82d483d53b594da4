//! A site in a folder: a look at every file's status, and the bytes of those that changed.
//!
//! What a watcher says is only a reason to look. Symbolic links to folders are not followed (they can loop); what is
//! not a plain file (a pipe, a device) is not opened, also if it takes the place of one between a look and a reading.

use super::SourceError;
use crate::article::{SiteSettings, Tree};
use crate::catalog::Stamp;
use crate::catalog::read::nameless;
use crate::problem::{Place, Problem};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Most bytes of a file that is read; more is no article.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// `O_NONBLOCK`: opening a pipe does not wait for who writes to it. Elsewhere than on Linux it is left out, and the look
/// before is all there is.
#[cfg(all(target_os = "linux", not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64"))))]
const NONBLOCK: i32 = 0o4000;
#[cfg(not(all(target_os = "linux", not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64")))))]
const NONBLOCK: i32 = 0;
/// Deepest folder.
const DEPTH_MAX: usize = 32;

/// A file that is there: its path under the root, and its state; or why it cannot be looked at.
pub type Found = (String, Result<Stamp, Problem>);

/// A folder.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// A folder, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the folder is there.
    ///
    /// Errors: it is not.
    pub fn is_there(&self) -> Result<(), SourceError> {
        if self.root.is_dir() { Ok(()) } else { Err(SourceError::Missing(self.root.display().to_string())) }
    }

    /// All files that the site's collections hold, in the order of their paths.
    ///
    /// Errors: the folder is not there, or one in it cannot be read: its articles have not vanished.
    pub fn scan(&self, site: &SiteSettings) -> Result<Vec<Found>, SourceError> {
        if !self.root.is_dir() {
            return Err(SourceError::Missing(self.root.display().to_string()));
        }
        let folders: Vec<String> = site.folders().into_iter().collect();
        let found: Result<Vec<Vec<Found>>, SourceError> =
            folders.par_iter().map(|folder| self.walk(site, folder)).collect();
        let mut found: Vec<Found> = found?.into_iter().flatten().collect();
        found.par_sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|a, b| a.0 == b.0);
        Ok(found)
    }

    /// One file; None if it is not there. A link that leads nowhere is there, and so is a pipe: neither can be read.
    pub fn stat(&self, path: &str) -> Option<Result<Stamp, Problem>> {
        let whole = self.root.join(path);
        match fs::metadata(&whole) {
            Ok(metadata) if metadata.is_file() => Some(Ok(stamp(&metadata))),
            Ok(metadata) if metadata.is_dir() => None,
            Ok(_) => Some(Err(no_file(path))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                let cure = "correct where the link leads, or take it away";
                whole.is_symlink().then(|| Err(problem(path, "the symbolic link leads to no file".to_owned(), cure)))
            }
            Err(error) => Some(Err(unreadable(path, &error))),
        }
    }

    /// The bytes of a file; None if it is gone.
    pub fn read(&self, path: &str, stamp: &Stamp) -> Option<Result<Vec<u8>, Problem>> {
        match read(&self.root.join(path), stamp.length) {
            Ok(bytes) => Some(Ok(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => Some(Err(unreadable(path, &error))),
        }
    }

    /// The bytes of any file of the site, at most so many; None if there is none that may be read. Symbolic links lead to
    /// files of the same folder only: what is named comes from articles, and goes out.
    pub fn file(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        let root = self.root.canonicalize().ok()?;
        let whole = root.join(path.trim_start_matches('/')).canonicalize().ok()?;
        let metadata = fs::metadata(&whole).ok().filter(Metadata::is_file)?;
        if !whole.starts_with(&root) || metadata.len() > most {
            return None;
        }
        read(&whole, metadata.len()).ok()
    }

    /// A folder that is there and cannot be read is not an empty one: its articles have not vanished.
    fn walk(&self, site: &SiteSettings, folder: &str) -> Result<Vec<Found>, SourceError> {
        // Two collections may lie in one another: how deep a folder is, its path tells, not the way to it.
        if !folder.is_empty() && folder.split('/').count() > DEPTH_MAX {
            let message = format!("the folder lies over {DEPTH_MAX} folders deep, so nothing in it is read");
            return Ok(vec![(folder.to_owned(), Err(problem(folder, message, "move it up")))]);
        }
        let whole = self.root.join(folder);
        let entries = match fs::read_dir(&whole) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(SourceError::Unreadable(whole.display().to_string(), error.to_string())),
        };
        let (mut files, mut folders, mut no_names) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries.flatten() {
            // A name that is not UTF-8 can be no article: it has no address.
            let name = match entry.file_name().into_string() {
                Ok(name) => name,
                Err(name) => {
                    no_names.push(name.to_string_lossy().into_owned());
                    continue;
                }
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(name),
                Ok(kind) => files.push((name, kind.is_file().then_some(entry))),
                Err(_) => {}
            }
        }
        let under = |name: &String| if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        // Documents beside and below the one that makes a folder an article are its resources.
        let is_bundle = site.is_bundle(folder, files.iter().map(|(name, _)| name.as_str()));
        let of_article = files.into_iter().filter(|(name, _)| !is_bundle || site.is_bundle_marker(name));
        let files = of_article.map(|(name, entry)| (under(&name), entry));
        let files: Vec<(String, Option<DirEntry>)> =
            files.filter(|(path, _)| site.collection_of(path).is_some()).collect();
        let below = folders.iter().filter(|_| !is_bundle).map(under).filter(|path| site.enters(path));
        let folders: Vec<String> = below.collect();
        // Of a plain file, its folder tells most cheaply.
        let stat = |(path, entry): (String, Option<DirEntry>)| match entry.map(|entry| entry.metadata()) {
            Some(Ok(metadata)) if metadata.is_file() => Some((path, Ok(stamp(&metadata)))),
            _ => self.stat(&path).map(|found| (path, found)),
        };
        let unreadable = no_names.iter().map(under).filter(|path| site.collection_of(path).is_some());
        let unreadable: Vec<Found> = unreadable
            .map(|path| {
                let problem = nameless(&path);
                (path, Err(problem))
            })
            .collect();
        let mut found: Vec<Found> = files.into_par_iter().with_min_len(64).filter_map(stat).collect();
        let below: Result<Vec<Vec<Found>>, SourceError> =
            folders.par_iter().map(|folder| self.walk(site, folder)).collect();
        found.extend(below?.into_iter().flatten().chain(unreadable));
        Ok(found)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanos = |nanos: i64| u32::try_from(nanos).unwrap_or(0);
    Stamp {
        length: metadata.len(),
        modified: (metadata.mtime(), nanos(metadata.mtime_nsec())),
        changed: (metadata.ctime(), nanos(metadata.ctime_nsec())),
        inode: metadata.ino(),
    }
}

/// The site's settings lie in its files.
impl Tree for Directory {
    fn read(&self, path: &str) -> Option<String> {
        let whole = self.root.join(path);
        let metadata = fs::metadata(&whole).ok().filter(Metadata::is_file)?;
        read(&whole, metadata.len()).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn files(&self, folder: &str, deep: bool) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.root, folder, if deep { DEPTH_MAX } else { 0 }, &mut found);
        found.par_sort_unstable();
        found
    }
}

/// Names of files for the settings: what cannot be read holds none.
fn list(root: &Path, folder: &str, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if depth > 0 && !name.starts_with('.') && name != "node_modules" {
                    list(root, &path, depth - 1, found);
                }
            }
            Ok(_) => found.push(path),
            Err(_) => {}
        }
    }
}

fn read(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    if length > BYTES_MAX {
        return Err(std::io::Error::other(format!("{length} bytes, over the limit of {BYTES_MAX}")));
    }
    let file = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a plain file for reading. What has become a pipe since it was looked at is not waited for.
///
/// Errors: it is no plain file, or cannot be opened.
pub fn open(path: &Path) -> std::io::Result<File> {
    let file = File::options().read(true).custom_flags(NONBLOCK).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is no plain file")) }
}

fn no_file(path: &str) -> Problem {
    problem(path, "this is no plain file, so it is not opened".to_owned(), "put a file in its place, or rename it")
}

fn problem(path: &str, message: String, cure: &str) -> Problem {
    Problem::error(path, Place::FILE, message).kind("unreadable-file").cure(cure)
}

fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    problem(path, format!("the file cannot be read: {error}"), "check its rights and its size")
}
