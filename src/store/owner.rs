//! Who holds a lease, and whether it still lives.
//!
//! Each process that may hold leases keeps a lock on a small file beside the database. The system drops the lock when
//! the process ends, however it ends, so that what it was doing is taken up at once and not when its lease runs out;
//! this also holds between containers that share the folder.
//!
//! Processes that share a server are on machines that know nothing of each other: there every owner counts as alive, and
//! the time of its lease decides.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// This process, as an owner of leases.
#[derive(Debug)]
pub struct Owner {
    /// Where the locks are; None where no lock tells who lives.
    folder: Option<PathBuf>,
    name: String,
    /// Keeps the lock.
    file: Option<File>,
}

impl Owner {
    /// Registers this process beside a database, and clears away files of processes that are gone.
    pub fn register(database: &Path) -> std::io::Result<Self> {
        let folder = folder(database);
        fs::create_dir_all(&folder)?;
        let name = Uuid::new_v4().to_string();
        // Locked before it has its name: nobody may find it unlocked and take its owner for gone.
        let unnamed = folder.join(format!("{name}.new"));
        let file = File::create_new(&unnamed)?;
        file.lock()?;
        fs::rename(&unnamed, folder.join(format!("{name}.lock")))?;
        let owner = Self { folder: Some(folder), name, file: Some(file) };
        owner.clear_away()?;
        Ok(owner)
    }

    /// Removes files of processes that are gone. One that has no name yet may belong to a process that is just
    /// starting: it must be a minute older than ours.
    fn clear_away(&self) -> std::io::Result<()> {
        let (Some(folder), Some(own)) = (&self.folder, self.path(&self.name)) else { return Ok(()) };
        let now = fs::metadata(own)?.modified()?;
        for entry in fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            let is_old = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age.as_secs() > 60));
            let is_named = path.extension().is_some_and(|extension| extension == "lock");
            let ours = path.file_stem().is_some_and(|stem| stem == self.name.as_str());
            let is_free = || File::open(&path).is_ok_and(|file| file.try_lock_shared().is_ok());
            if !ours && (is_named || is_old) && is_free() {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// A process that only reads, and owns nothing.
    pub fn nobody(database: &Path) -> Self {
        Self { folder: Some(folder(database)), name: String::new(), file: None }
    }

    /// A process whose database is on a server.
    pub fn of_server() -> Self {
        Self { folder: None, name: Uuid::new_v4().to_string(), file: None }
    }

    /// The name under which this process holds leases.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the process of a name still runs.
    pub fn lives(&self, name: &str) -> bool {
        if name == self.name {
            return true;
        }
        let Some(path) = self.path(name) else { return true };
        match File::open(path) {
            // The lock is free, so its holder is gone. The test lock goes with the file handle. Where the lock cannot
            // be tried, the holder counts as alive, and the time of its lease decides.
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{name}.lock")))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let (Some(_), Some(path)) = (&self.file, self.path(&self.name)) {
            let _ = fs::remove_file(path);
        }
    }
}

fn folder(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_os_string();
    name.push(".owners");
    database.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_lives_as_long_as_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let first = Owner::register(&database).unwrap();
        let second = Owner::register(&database).unwrap();
        assert!(second.lives(first.name()) && first.lives(second.name()));
        let name = first.name().to_owned();
        drop(first);
        assert!(!second.lives(&name) && !second.lives("never"));
    }
}
