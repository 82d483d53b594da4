//! The watcher: it says that something may have changed, and where. What changed is found by looking, and where the
//! system cannot tell of changes, by looking often.

mod mounts;

use crate::reconcile::Where;
use crate::task::Wake;
use jiff::SignedDuration;
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
    /// A folder that is new could not be watched: the system watches no more of them.
    is_full: bool,
}

impl Dirty {
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        use notify::event::{AccessKind, AccessMode};
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.everywhere = true;
                self.is_full |= is_full(&error);
                return true;
            }
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
    /// Folders that could not be watched: they are looked at often instead.
    failed: BTreeSet<PathBuf>,
    /// Folders on file systems that other machines change unseen: they are looked at often too.
    remote: BTreeSet<PathBuf>,
    /// The system watches no more folders. It is said once.
    is_full: bool,
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
            .inspect_err(|error| {
                tracing::warn!(
                    "files cannot be watched ({error}); they are looked at often instead. If too many are open, raise fs.inotify.max_user_instances"
                );
            })
            .ok();
        let (watched, failed, remote) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { inner, dirty, watched, failed, remote, is_full: false }
    }

    /// Watches the site's root and the folders given, those that are new since the last call. True if one is: what
    /// changed there before it was watched went by unseen, so it is looked at once more.
    pub fn follow(&mut self, root: &Path, folders: &BTreeSet<PathBuf>) -> bool {
        // A folder that was made again, or swapped for another one, is a new one.
        self.watched.retain(|folder, identity| identity_of(folder) == Some(*identity));
        self.failed.retain(|folder| folder.is_dir());
        self.remote.retain(|folder| folder.is_dir());
        let full = std::mem::take(&mut self.dirty.lock().unwrap_or_else(PoisonError::into_inner).is_full);
        if full {
            self.tell_full();
        }
        let mut mountinfo = None;
        let mut any_new = false;
        let root = std::iter::once((root, RecursiveMode::NonRecursive));
        for (folder, mode) in root.chain(folders.iter().map(|folder| (folder.as_path(), RecursiveMode::Recursive))) {
            if self.watched.contains_key(folder) || self.failed.contains(folder) {
                continue;
            }
            let Some(identity) = identity_of(folder) else { continue };
            let mounts =
                mountinfo.get_or_insert_with(|| std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
            let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            if let Some(kind) = mounts::remote(mounts, &real)
                && self.remote.insert(folder.to_owned())
            {
                tracing::info!(
                    "{} is on a file system ({kind}) that other machines may change unseen; it is looked at often",
                    folder.display()
                );
            }
            let Some(inner) = &mut self.inner else { continue };
            let _ = inner.unwatch(folder);
            match inner.watch(folder, mode) {
                Ok(()) => {
                    self.watched.insert(folder.to_owned(), identity);
                    any_new = true;
                }
                Err(error) => {
                    self.failed.insert(folder.to_owned());
                    if is_full(&error) {
                        self.tell_full();
                    } else {
                        tracing::warn!("{} cannot be watched ({error}); it is looked at often", folder.display());
                    }
                }
            }
        }
        any_new
    }

    /// Where something may have changed since the last call.
    pub fn take(&self) -> Where {
        let mut held = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        // That is told by the next call of `follow`.
        let kept = Dirty { is_full: held.is_full, ..Dirty::default() };
        let dirty = std::mem::replace(&mut *held, kept);
        if dirty.everywhere { Where::Everywhere } else { Where::At(dirty.paths) }
    }

    /// Whether a file is just being written.
    pub fn is_writing(&self) -> bool {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).is_open
    }

    /// Whether everything is watched; if not, only looking often finds changes in time.
    pub fn sees_all(&self) -> bool {
        self.inner.is_some() && self.failed.is_empty() && self.remote.is_empty() && !self.is_full
    }

    fn tell_full(&mut self) {
        if !std::mem::replace(&mut self.is_full, true) {
            tracing::warn!("{FULL}");
        }
    }
}

/// What is said once when the system watches no more folders.
const FULL: &str = "the system watches no more folders, so all are looked at often instead; raise its limit with `sysctl fs.inotify.max_user_watches=524288`, keep that in /etc/sysctl.d, and start Crieur again";

/// Whether the system watches no more folders (`ENOSPC` of inotify_add_watch(2)).
fn is_full(error: &notify::Error) -> bool {
    matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
}

/// How soon the next look follows where only looking finds changes: at most a tenth of the time is spent on looks, of
/// which the last one took `took`; never under a second, never over `at_most`.
pub fn look_again(took: SignedDuration, at_most: SignedDuration) -> SignedDuration {
    let tenth = SignedDuration::try_from_secs_f64(took.as_secs_f64() * 10.0).unwrap_or(at_most);
    tenth.max(SignedDuration::from_secs(1)).min(at_most)
}

/// What tells a folder from another one that takes its name.
fn identity_of(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_take_a_tenth_of_the_time_at_most() {
        let seconds = SignedDuration::from_secs;
        for (took, at_most, expected) in [(0, 60, 1), (2, 60, 20), (30, 60, 60), (0, 0, 0), (-5, 60, 1)] {
            assert_eq!(look_again(seconds(took), seconds(at_most)), seconds(expected), "{took} {at_most}");
        }
        assert_eq!(look_again(SignedDuration::from_millis(350), seconds(60)), SignedDuration::from_millis(3500));
        assert_eq!(look_again(SignedDuration::MAX, seconds(60)), seconds(60));
    }

    #[test]
    fn a_full_table_of_watches_is_kept_until_it_is_told() {
        let mut watcher = Watcher::new(Wake::default());
        let error = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
        assert!(watcher.dirty.lock().unwrap().note(Err(error)));
        assert!(!watcher.is_full && watcher.take() == Where::Everywhere);
        let folder = tempfile::tempdir().unwrap();
        watcher.follow(folder.path(), &BTreeSet::new());
        assert!(watcher.is_full && !watcher.sees_all());
        assert!(watcher.take() == Where::At(BTreeSet::new()), "everything was told of already");
    }

    #[test]
    fn a_folder_of_other_machines_is_watched_and_looked_at_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut watcher = Watcher::new(Wake::default());
        assert!(watcher.follow(folder.path(), &BTreeSet::new()));
        // Where the temporary folder is one of them, that is so already.
        watcher.remote.insert(folder.path().to_owned());
        assert!(!watcher.sees_all() && watcher.watched.contains_key(folder.path()));
        std::fs::remove_dir(folder.path()).unwrap();
        watcher.follow(folder.path(), &BTreeSet::new());
        assert!(watcher.remote.is_empty());
    }
}
