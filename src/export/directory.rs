//! Feeds as files in a folder: the same bytes as are served, each file replaced as a whole, and nothing touched that
//! is not ours.

use crate::feed::FeedSet;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Lists the files that were written here, so that those no longer wanted can be told from other people's.
const MANIFEST: &str = ".crieur-files";

/// What an export did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or changed.
    pub changed: usize,
    /// Files that were as they should be.
    pub kept: usize,
    /// Files that were ours and are no longer wanted.
    pub removed: usize,
}

/// Writes every document at its address under a folder, old addresses too.
///
/// Errors: a file or folder that cannot be written, by name.
pub fn write(folder: &Path, feeds: &FeedSet) -> io::Result<Written> {
    let mut written = Written::default();
    let mut ours = BTreeSet::new();
    let aliases = feeds.aliases.iter().filter_map(|(from, to)| Some((from, feeds.documents.get(to)?)));
    for (path, document) in feeds.documents.iter().chain(aliases) {
        let Some(target) = inside(folder, path) else { continue };
        ours.insert(path.trim_start_matches('/').to_owned());
        if fs::read(&target).is_ok_and(|bytes| bytes == *document.body) {
            written.kept += 1;
            continue;
        }
        replace(&target, &document.body).map_err(|error| named(&target, &error))?;
        written.changed += 1;
    }
    let manifest = folder.join(MANIFEST);
    let before = fs::read_to_string(&manifest).unwrap_or_default();
    for path in before.lines().filter(|path| !ours.contains(*path)) {
        if let Some(target) = inside(folder, path)
            && fs::remove_file(target).is_ok()
        {
            written.removed += 1;
        }
    }
    let list: String = ours.iter().map(|path| format!("{path}\n")).collect();
    if list != before {
        replace(&manifest, list.as_bytes()).map_err(|error| named(&manifest, &error))?;
    }
    Ok(written)
}

/// The file of an address, never outside the folder.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let relative = path.trim_start_matches('/');
    let safe = !relative.is_empty() && relative.split('/').all(|part| !matches!(part, "" | "." | ".."));
    safe.then(|| folder.join(relative))
}

/// Writes beside the file, then renames: a reader sees the old bytes or the new ones.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let beside = target.with_file_name(name);
    let mut file = fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, target)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be written: {error}", path.display()))
}
