//! A folder by its handle: names in it are followed part by part, never through a symbolic link, so nothing outside of it
//! is read, written or removed, whatever others put into it meanwhile.

use crate::crash::crash_point;
use crate::export::wanted::OWN;
use rustix::fs::{self as sys, AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Most bytes of a file that are read: longer ones are none of ours.
const READ_MAX: u64 = 256 * 1024 * 1024;
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An operation that failed, and on what.
#[derive(Debug)]
pub struct DiskError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Why an operation failed.
#[derive(Debug)]
pub enum Why {
    /// A part of the name is a symbolic link: it could lead anywhere.
    Link,
    /// Another process is at work in the folder.
    Busy,
    /// The system says no.
    System(io::Error),
}

/// The folder, open.
pub struct Disk {
    path: PathBuf,
    /// Holds the lock too.
    root: File,
}

impl Disk {
    /// Opens the folder, makes it if need be, and keeps other processes out of it until it is dropped.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let failed = |error| DiskError { path: path.to_owned(), why: Why::System(error) };
        fs::create_dir_all(path).map_err(failed)?;
        let root = File::open(path).map_err(failed)?;
        match root.try_lock() {
            // Where a file system knows no locks, whoever shares it goes without.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path: path.to_owned(), root }),
            Err(TryLockError::WouldBlock) => Err(DiskError { path: path.to_owned(), why: Why::Busy }),
        }
    }

    /// A file's bytes. None if there is no such regular file.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let Some((folder, leaf)) = self.parent(name, false)? else { return Ok(None) };
        // A pipe must not make us wait for its other end, and a link is not followed.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match sys::openat(&folder, leaf, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            // Not there, a link, a socket.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(self.failed(name, error)),
        };
        let read = || -> io::Result<Option<Vec<u8>>> {
            let facts = file.metadata()?;
            if !facts.is_file() || facts.len() > READ_MAX {
                return Ok(None);
            }
            let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0));
            (&file).take(READ_MAX).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        read().map_err(|error| self.system(name, error))
    }

    /// Writes a file beside its place and renames it there: a reader sees the old bytes or the new ones. It gets the
    /// time given, so that web servers say everywhere the same.
    pub fn replace(&self, name: &str, bytes: &[u8], modified: Option<i64>) -> Result<(), DiskError> {
        let Some((folder, leaf)) = self.parent(name, true)? else { return Err(self.failed(name, Errno::NOENT)) };
        let beside = format!("{OWN}{}.new", std::process::id());
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let create = || sys::openat(&folder, &beside, flags, Mode::from_raw_mode(0o644));
            let file = match create() {
                // Left by a process of the same number that was killed.
                Err(Errno::EXIST) => {
                    sys::unlinkat(&folder, &beside, AtFlags::empty())?;
                    create()?
                }
                other => other?,
            };
            let mut file = File::from(file);
            crash_point("export-created");
            file.write_all(bytes)?;
            if let Some(seconds) = modified {
                let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
                sys::futimens(&file, &Timestamps { last_access: time, last_modification: time })?;
            }
            crash_point("export-written");
            file.sync_all()?;
            crash_point("export-synced");
            sys::renameat(&folder, &beside, &folder, leaf)?;
            crash_point("export-renamed");
            Ok(())
        };
        write().map_err(|error| {
            let _ = sys::unlinkat(&folder, &beside, AtFlags::empty());
            self.system(name, error)
        })
    }

    /// Removes a file; one that is not there is removed already.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        let Some((folder, leaf)) = self.parent(name, false)? else { return Ok(()) };
        match sys::unlinkat(&folder, leaf, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(self.failed(name, error)),
        }
        crash_point("export-removed");
        Ok(())
    }

    /// Makes what was renamed and removed in the folders of these names last through a power cut.
    pub fn sync<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), DiskError> {
        let folders: BTreeSet<&str> =
            names.into_iter().map(|name| name.rsplit_once('/').map_or("", |(f, _)| f)).collect();
        for folder in folders {
            // A folder that is gone has nothing left to keep.
            let Some(handle) = self.folder(folder, false)? else { continue };
            match sys::fsync(&handle) {
                // Some file systems have nothing to do for a folder.
                Ok(()) | Err(Errno::INVAL | Errno::BADF) => {}
                Err(error) => return Err(self.failed(folder, error)),
            }
        }
        Ok(())
    }

    /// Removes what killed processes left half-written in the folders of these names.
    pub fn clean<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), DiskError> {
        let mut folders: BTreeSet<&str> = BTreeSet::from([""]);
        let mut leaves: BTreeSet<(&str, &str)> = BTreeSet::new();
        for name in names {
            let (folder, leaf) = name.rsplit_once('/').unwrap_or(("", name));
            folders.insert(folder);
            leaves.insert((folder, leaf));
        }
        for folder in folders {
            let handle = match self.folder(folder, false) {
                Ok(Some(handle)) => handle,
                // What is wrong with it is said where something is written there.
                Ok(None) | Err(_) => continue,
            };
            let entries = Dir::read_from(&handle).map_err(|error| self.failed(folder, error))?;
            for entry in entries {
                let entry = entry.map_err(|error| self.failed(folder, error))?;
                let Ok(found) = entry.file_name().to_str() else { continue };
                // Version 0.1 wrote NAME.PROCESS.new.
                let is_older = || {
                    let number = found.strip_suffix(".new").and_then(|rest| rest.rsplit_once('.'));
                    number.is_some_and(|(leaf, id)| is_number(id) && leaves.contains(&(folder, leaf)))
                };
                let id = found.strip_prefix(OWN).and_then(|rest| rest.strip_suffix(".new"));
                let is_left = id.map_or_else(is_older, is_number);
                if is_left && matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown) {
                    // One that cannot be removed is in nobody's way.
                    let _ = sys::unlinkat(&handle, entry.file_name(), AtFlags::empty());
                }
            }
        }
        Ok(())
    }

    /// The folder that holds a name, and the name in it. None if it is not there and is not to be made.
    fn parent<'a>(&self, name: &'a str, make: bool) -> Result<Option<(OwnedFd, &'a str)>, DiskError> {
        let (folder, leaf) = name.rsplit_once('/').unwrap_or(("", name));
        Ok(self.folder(folder, make)?.map(|handle| (handle, leaf)))
    }

    fn folder(&self, name: &str, make: bool) -> Result<Option<OwnedFd>, DiskError> {
        let mut handle = self.root.as_fd().try_clone_to_owned().map_err(|error| self.system(name, error))?;
        let mut gone = String::new();
        for part in name.split('/').filter(|part| !part.is_empty()) {
            gone.push_str(part);
            let next = match sys::openat(&handle, part, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(Errno::NOENT) => {
                    match sys::mkdirat(&handle, part, Mode::from_raw_mode(0o755)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(self.failed(&gone, error)),
                    }
                    crash_point("export-folder");
                    // As in `sync`: what cannot be made to last here need not be.
                    let _ = sys::fsync(&handle);
                    sys::openat(&handle, part, FOLDER, Mode::empty())
                }
                other => other,
            };
            handle = next.map_err(|error| {
                let facts = sys::statat(&handle, part, AtFlags::SYMLINK_NOFOLLOW);
                let is_link = facts.is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::Symlink);
                if is_link {
                    DiskError { path: self.path.join(&gone), why: Why::Link }
                } else {
                    self.failed(&gone, error)
                }
            })?;
            gone.push('/');
        }
        Ok(Some(handle))
    }

    fn failed(&self, name: &str, error: Errno) -> DiskError {
        self.system(name, error.into())
    }

    fn system(&self, name: &str, error: io::Error) -> DiskError {
        DiskError { path: self.path.join(name), why: Why::System(error) }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
