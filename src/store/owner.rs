//! Who holds a lease, and whether it still lives.
//!
//! Each process that may hold leases keeps a lock on a small file beside the database. The system drops the lock when
//! the process ends, however it ends, so that what it was doing is taken up at once and not when its lease runs out;
//! this also holds between containers that share the folder.
//!
//! On a server the lock is one of the server's, kept by a connection of its own. A connection can end before its process
//! does: then another process takes its leases for open tries, which is safe (the network is asked first, and a token
//! that is no longer good writes nothing), and the process takes its lock again.

use super::sql::{self, On, Pool, Transaction};
use crate::config::StoreServer;
use sqlx::Error;
use sqlx::postgres::PgConnection;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tokio::sync::Mutex;
use uuid::Uuid;

/// This process, as an owner of leases.
#[derive(Debug)]
pub struct Owner {
    name: String,
    proof: Proof,
}

/// How others see that it lives.
#[derive(Debug)]
enum Proof {
    /// It keeps the lock of a file of this folder.
    File(PathBuf, #[expect(dead_code, reason = "it keeps the lock")] File),
    /// It keeps a lock of the server, with a connection of its own.
    Server(StoreServer, Mutex<Option<PgConnection>>),
    /// It only reads, and owns nothing.
    None(Option<PathBuf>),
}

/// What tells the owners' locks from other locks of the database: “crie” in ASCII.
const OWNERS: i32 = 1_668_442_469;

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
        fs::rename(&unnamed, path(&folder, &name))?;
        clear_away(&folder, &name)?;
        Ok(Self { name, proof: Proof::File(folder, file) })
    }

    /// Registers this process at a server.
    pub async fn register_at(server: &StoreServer) -> Result<Self, Error> {
        let name = Uuid::new_v4().to_string();
        let connection = Mutex::new(Some(locked(server, &name).await?));
        Ok(Self { name, proof: Proof::Server(server.clone(), connection) })
    }

    /// A process that only reads, and owns nothing. `database` is the file, if it is one.
    pub fn nobody(database: Option<&Path>) -> Self {
        Self { name: String::new(), proof: Proof::None(database.map(folder)) }
    }

    /// The name under which this process holds leases.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who lives at this moment. A process that lost its own lock with its connection takes it again.
    pub async fn living(&self, on: impl Into<On<'_>>) -> Result<Living, sql::Error> {
        let on = on.into();
        if let On::Pool(Pool::Sqlite(_)) | On::Transaction(Transaction::Sqlite(_)) = on {
            let folder = match &self.proof {
                Proof::File(folder, _) => Some(folder.clone()),
                Proof::None(folder) => folder.clone(),
                Proof::Server(..) => None,
            };
            return Ok(Living::Files { own: self.name.clone(), folder });
        }
        let found = keys(on).await?;
        if let Proof::Server(server, connection) = &self.proof
            && !found.contains(&key(&self.name))
        {
            *connection.lock().await = Some(locked(server, &self.name).await?);
        }
        Ok(Living::Keys { own: self.name.clone(), found })
    }
}

/// Those who live.
#[derive(Debug)]
pub enum Living {
    /// Whoever keeps the lock of a file.
    Files {
        /// Who asks.
        own: String,
        /// Where the files are.
        folder: Option<PathBuf>,
    },
    /// Whoever keeps a lock of the server.
    Keys {
        /// Who asks.
        own: String,
        /// The locks that are kept.
        found: HashSet<i64>,
    },
}

impl Living {
    /// Whether the process of a name still runs.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Files { own, .. } | Self::Keys { own, .. } if own == name => true,
            Self::Files { folder: None, .. } => true,
            Self::Files { folder: Some(folder), .. } => match File::open(path(folder, name)) {
                // The lock is free, so its holder is gone. The test lock goes with the file handle. Where the lock cannot
                // be tried, the holder counts as alive, and the time of its lease decides.
                Ok(file) => file.try_lock_shared().is_err(),
                Err(error) => error.kind() != std::io::ErrorKind::NotFound,
            },
            Self::Keys { found, .. } => found.contains(&key(name)),
        }
    }
}

/// A connection that keeps the lock of a name as long as it stands.
async fn locked(server: &StoreServer, name: &str) -> Result<PgConnection, Error> {
    let mut connection = super::postgres::connect_once(server).await?;
    let number = i32::try_from(key(name)).unwrap_or_default();
    // One that the server has not yet seen go keeps the lock; then the time of the leases decides.
    sqlx::query("select pg_try_advisory_lock($1, $2)").bind(OWNERS).bind(number).execute(&mut connection).await?;
    Ok(connection)
}

/// The locks of owners that the server knows of.
async fn keys(on: On<'_>) -> Result<HashSet<i64>, sql::Error> {
    let found: Vec<i64> = sql::query_scalar(
        "select objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 2 and granted
            and classid::bigint = ? and database = (select oid from pg_database where datname = current_database())",
    )
    .bind(i64::from(OWNERS))
    .fetch_all(on)
    .await?;
    Ok(found.into_iter().collect())
}

/// The number of a name's lock: the first 31 bits of it. That two processes have one means only that one counts as alive for
/// as long as its lease lasts.
fn key(name: &str) -> i64 {
    let number = name.get(..8).and_then(|digits| i64::from_str_radix(digits, 16).ok());
    number.unwrap_or_default() & 0x7fff_ffff
}

/// Removes files of processes that are gone. One that has no name yet may belong to a process that is just starting: it
/// must be a minute older than ours.
fn clear_away(folder: &Path, own: &str) -> std::io::Result<()> {
    let now = fs::metadata(path(folder, own))?.modified()?;
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let is_old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age.as_secs() > 60));
        let is_named = path.extension().is_some_and(|extension| extension == "lock");
        let ours = path.file_stem().is_some_and(|stem| stem == own);
        let is_free = || File::open(&path).is_ok_and(|file| file.try_lock_shared().is_ok());
        if !ours && (is_named || is_old) && is_free() {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Proof::File(folder, _) = &self.proof {
            let _ = fs::remove_file(path(folder, &self.name));
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
        let living = |of: &Owner| Living::Files { own: of.name().to_owned(), folder: Some(super::folder(&database)) };
        assert!(living(&second).has(first.name()) && living(&first).has(second.name()));
        let name = first.name().to_owned();
        drop(first);
        assert!(!living(&second).has(&name) && !living(&second).has("never"));
    }
}
