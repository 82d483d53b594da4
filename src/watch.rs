//! The watcher: it only says that something may have changed. What changed is found by looking.

use crate::task::Wake;
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Watches folders, as far as the system lets it.
pub struct Watcher {
    inner: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
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
        Self { inner, watched: BTreeSet::new(), failed: BTreeSet::new() }
    }

    /// Watches the site's root and the folders of its collections, those that are new since the last call.
    pub fn follow(&mut self, root: &Path, folders: Vec<PathBuf>) {
        let there = |folder: &PathBuf| folder.is_dir();
        // A folder that was deleted and made again is a new one.
        self.watched.retain(there);
        self.failed.retain(there);
        let all = std::iter::once((root.to_owned(), RecursiveMode::NonRecursive))
            .chain(folders.into_iter().map(|folder| (folder, RecursiveMode::Recursive)));
        for (folder, mode) in all {
            if self.watched.contains(&folder) || self.failed.contains(&folder) {
                continue;
            }
            let Some(inner) = &mut self.inner else { return };
            match inner.watch(&folder, mode) {
                Ok(()) => {
                    self.watched.insert(folder);
                }
                Err(error) => {
                    tracing::warn!("{} cannot be watched ({error}); it is looked at every second", folder.display());
                    self.failed.insert(folder);
                }
            }
        }
    }

    /// Whether everything is watched; if not, only looking often finds changes in time.
    pub fn sees_all(&self) -> bool {
        self.inner.is_some() && self.failed.is_empty()
    }
}
