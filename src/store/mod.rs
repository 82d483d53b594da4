//! The store: one SQLite database that remembers identities, feeds, deliveries and the journal's posts.
//!
//! What belongs together is written in one transaction, and SQL never leaves this folder. Several processes may use one database at
//! once: writers take turns, and a delivery is only ever tried by the one that holds its lease.

mod acts;
mod approvals;
mod endpoints;
mod journal;
mod keepsakes;
mod kept;
mod ledger;
mod log;
mod media;
mod outbox;
mod owed;
mod owner;
mod pings;
mod removals;
mod silence;
mod subscriptions;
mod wishes;

pub use acts::Act;
pub use approvals::{OwnWord, Seen, Word};
pub use journal::JournalPost;
pub use ledger::{Pass, Rows};
pub use log::{Entry as LogEntry, Fault, Verdict};
pub use outbox::{Attempt, Finish, Lease, Leased, Outcome, PersonWord, Start};
pub use pings::Ping;
pub use removals::{Removed, ToRemove};
pub use subscriptions::Found;

use jiff::Timestamp;
use owner::Owner;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The version of the tables that this program knows.
const SCHEMA_VERSION: i64 = STEPS.len() as i64;
/// What makes each version of the tables of the one before, and says so in the file. A new database takes them all.
const STEPS: [&str; 12] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
    include_str!("schema_12.sql"),
];

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
    owner: Arc<Owner>,
}

/// The database cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("the database {path} cannot be opened; check the path, the rights and the space of its folder")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file was written by a later version.
    #[error(
        "the database {path} was written by a later version of Crieur (tables {found}, this one knows {SCHEMA_VERSION}); use that version, or another file"
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
    },
    /// The file was written by an earlier version, and is only looked at.
    #[error("the database {path} was written by an earlier version of Crieur; `crieur run` brings it up to date")]
    Earlier {
        /// The file.
        path: PathBuf,
    },
    /// A statement failed.
    #[error("the database does not answer as it should")]
    Sql(#[from] sqlx::Error),
    /// A row holds what cannot be understood.
    #[error("the database holds a {what} that cannot be read: “{value}”; restore a copy, or report this")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
}

impl Store {
    /// Opens the database, making it if it is not there.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| open_error(path, error))?;
        }
        let options = options(path).create_if_missing(true);
        let mut tries = 0;
        let pool = loop {
            match opened(options.clone(), path).await {
                Ok(pool) => break pool,
                // Several processes that start together on a new database take turns in making it.
                Err(error) if tries < OPEN_TRIES && is_busy(&error) => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(StoreError::Sql(error)) => return Err(open_error(path, error)),
                Err(error) => return Err(error),
            }
        };
        let owner = Owner::register(path).map_err(|error| open_error(path, error))?;
        Ok(Self { pool, owner: Arc::new(owner) })
    }

    /// Opens the database to look at it, changing nothing. None if there is none.
    pub async fn open_to_read(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.is_file() {
            return Ok(None);
        }
        let pool = pool(options(path).read_only(true)).await.map_err(|error| open_error(path, error))?;
        match version(&pool).await? {
            SCHEMA_VERSION => {}
            // Another process is just making it.
            0 => return Ok(None),
            found if found < SCHEMA_VERSION => return Err(StoreError::Earlier { path: path.to_owned() }),
            found => return Err(StoreError::Later { path: path.to_owned(), found }),
        }
        Ok(Some(Self { pool, owner: Arc::new(Owner::nobody(path)) }))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1 from meta limit 1").fetch_optional(&self.pool).await?;
        Ok(())
    }

    /// Moves what was written from the log into the file. A pass does it when its readers have what they wait for: a
    /// first start writes much, and a commit would wait for it.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        sqlx::query("pragma wal_checkpoint(passive)").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the database: what was written is in its file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// How often opening a database that others are making is tried again.
const OPEN_TRIES: u32 = 200;

async fn opened(options: SqliteConnectOptions, path: &Path) -> Result<SqlitePool, StoreError> {
    let pool = pool(options).await?;
    migrate(&pool, path).await?;
    Ok(pool)
}

/// Whether another process has the database at the moment (SQLite's primary result code 5, SQLITE_BUSY). Switching a
/// new database to its journal mode is refused at once, without the patience that is configured.
fn is_busy(error: &StoreError) -> bool {
    let StoreError::Sql(sqlx::Error::Database(error)) = error else { return false };
    error.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // An attempt must be on the disk before the first byte is sent.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
        .foreign_keys(true)
        // In pages of 4 KiB; `Store::tidy` comes long before.
        .pragma("wal_autocheckpoint", "25000")
}

async fn pool(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(60)).connect_with(options).await
}

fn open_error(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Open { path: path.to_owned(), source: source.into() }
}

async fn version(pool: &SqlitePool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("pragma user_version").fetch_one(pool).await?)
}

/// Makes the tables, once, even if several processes start together.
async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await?;
    let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut *transaction).await?;
    let missing = usize::try_from(found).ok().and_then(|done| STEPS.get(done..));
    let Some(missing) = missing else { return Err(StoreError::Later { path: path.to_owned(), found }) };
    for step in missing {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    // Whatever the steps did to the tables, every change of the outbox is told.
    let has_log: bool = sqlx::query_scalar("select count(*) > 0 from sqlite_master where name = 'log'")
        .fetch_one(&mut *transaction)
        .await?;
    if !missing.is_empty() || !has_log {
        sqlx::raw_sql(include_str!("log.sql")).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// An instant as the store keeps it.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An instant from the store.
fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Corrupt { what: "instant", value: micros.to_string() })
}

fn corrupt(what: &'static str, value: impl Into<String>) -> StoreError {
    StoreError::Corrupt { what, value: value.into() }
}
