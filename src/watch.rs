//! The watcher: it only says that something may have changed. What changed is found by looking.

use crate::task::Wake;
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Watches folders, as far as the system lets it.
pub struct Watcher {
    inner: Option<RecommendedWatcher>,
    /// What is watched, with what tells a folder from another one that took its name.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    /// Folders that could not be watched: they are looked at every second instead.
    failed: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that wakes a task. Without help of the system it watches nothing, and says so.
    pub fn new(wake: Wake) -> Self {
        let handler = move |event: notify::Result<notify::Event>| {
            // Reading a file is no change; every error is a reason to look.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                wake.wake();
            }
        };
        let inner = RecommendedWatcher::new(handler, Config::default())
            .inspect_err(|error| tracing::warn!("files cannot be watched ({error}); they are looked at every second"))
            .ok();
        Self { inner, watched: BTreeMap::new(), failed: BTreeSet::new() }
    }

    /// Watches the site's root and the folders given, those that are new since the last call. True if one is: what
    /// changed there before it was watched went by unseen, so it is looked at once more.
    pub fn follow(&mut self, root: &Path, folders: &BTreeSet<PathBuf>) -> bool {
        // A folder that was made again, or swapped for another one, is a new one.
        self.watched.retain(|folder, identity| identity_of(folder) == Some(*identity));
        self.failed.retain(|folder| folder.is_dir());
        let mut any_new = false;
        let root = std::iter::once((root, RecursiveMode::NonRecursive));
        for (folder, mode) in root.chain(folders.iter().map(|folder| (folder.as_path(), RecursiveMode::Recursive))) {
            if self.watched.contains_key(folder) || self.failed.contains(folder) {
                continue;
            }
            let (Some(inner), Some(identity)) = (&mut self.inner, identity_of(folder)) else { continue };
            let _ = inner.unwatch(folder);
            match inner.watch(folder, mode) {
                Ok(()) => {
                    self.watched.insert(folder.to_owned(), identity);
                    any_new = true;
                }
                Err(error) => {
                    tracing::warn!("{} cannot be watched ({error}); it is looked at every second", folder.display());
                    self.failed.insert(folder.to_owned());
                }
            }
        }
        any_new
    }

    /// Whether everything is watched; if not, only looking often finds changes in time.
    pub fn sees_all(&self) -> bool {
        self.inner.is_some() && self.failed.is_empty()
    }
}

/// What tells a folder from another one that takes its name.
fn identity_of(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}
