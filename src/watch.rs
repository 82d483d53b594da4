//! The watcher: it says that something may have changed, and where. What changed is found by looking.

use crate::reconcile::Where;
use crate::task::Wake;
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most paths that are kept: where more changed, everything is looked at.
const PATHS_MAX: usize = 10_000;

/// Where something may have changed since it was last asked.
#[derive(Debug, Default)]
struct Dirty {
    paths: BTreeSet<PathBuf>,
    /// Too much changed, or it is not known where.
    everywhere: bool,
    /// A file is being written: more is to come.
    is_open: bool,
}

impl Dirty {
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        use notify::event::{AccessKind, AccessMode};
        let Ok(event) = event else {
            self.everywhere = true;
            return true;
        };
        match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => self.is_open = false,
            // Reading a file is no change.
            EventKind::Access(_) => return false,
            EventKind::Create(notify::event::CreateKind::File)
            | EventKind::Modify(notify::event::ModifyKind::Data(_)) => {
                self.is_open = true;
            }
            _ => {}
        }
        self.everywhere |= event.need_rescan() || event.paths.is_empty();
        self.paths.extend(event.paths);
        if self.paths.len() > PATHS_MAX {
            self.everywhere = true;
        }
        if self.everywhere {
            self.paths.clear();
        }
        true
    }
}

/// Watches folders, as far as the system lets it.
pub struct Watcher {
    inner: Option<RecommendedWatcher>,
    dirty: Arc<Mutex<Dirty>>,
    /// What is watched, with what tells a folder from another one that took its name.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    /// Folders that could not be watched: they are looked at every second instead.
    failed: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that wakes a task. Without help of the system it watches nothing, and says so.
    pub fn new(wake: Wake) -> Self {
        let dirty: Arc<Mutex<Dirty>> = Arc::default();
        let noted = Arc::clone(&dirty);
        let handler = move |event: notify::Result<notify::Event>| {
            if noted.lock().unwrap_or_else(PoisonError::into_inner).note(event) {
                wake.wake();
            }
        };
        let inner = RecommendedWatcher::new(handler, Config::default())
            .inspect_err(|error| tracing::warn!("files cannot be watched ({error}); they are looked at every second"))
            .ok();
        Self { inner, dirty, watched: BTreeMap::new(), failed: BTreeSet::new() }
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

    /// Where something may have changed since the last call.
    pub fn take(&self) -> Where {
        let dirty = std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner));
        if dirty.everywhere { Where::Everywhere } else { Where::At(dirty.paths) }
    }

    /// Whether a file is just being written.
    pub fn is_writing(&self) -> bool {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).is_open
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
