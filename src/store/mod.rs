//! The store: one database, of SQLite or PostgreSQL, that remembers identities, feeds, deliveries and the journal's posts.
//!
//! What belongs together is written in one transaction, and SQL never leaves this folder. Several processes may use one database at
//! once: writers take turns, and a delivery is only ever tried by the one that holds its lease.

mod acts;
mod approvals;
mod connections;
mod edits;
mod endpoints;
mod journal;
mod keepsakes;
mod kept;
mod ledger;
mod log;
mod media;
mod leader;
mod leases;
mod outbox;
mod owed;
mod owner;
mod pings;
mod postgres;
mod removals;
mod row;
mod said;
mod sent;
mod silence;
mod sql;
mod sqlite;
mod subscriptions;
mod wishes;

pub use acts::Act;
pub use approvals::{OwnWord, Seen, Slot, Word};
pub use edits::{Amended, ToEdit};
pub use journal::JournalPost;
pub use keepsakes::Turn;
pub use leases::{Finish, Lease, Leased, Outcome, Start, Terms};
pub use ledger::{Pass, Rows};
pub use log::{Entry as LogEntry, Fault, Verdict};
pub use outbox::{Attempt, PersonWord};
pub use pings::Ping;
pub use removals::{Removed, ToRemove};
pub use sql::Error as SqlError;
pub use subscriptions::Found;

use crate::config::StoreAddress;
use jiff::Timestamp;
use owner::Owner;
use sql::{Pool, query};
use std::path::PathBuf;
use std::sync::Arc;

/// The version of the tables that this program knows.
const SCHEMA_VERSION: i64 = STEPS.len() as i64;
/// What makes each version of the tables of the one before, and says so in the file. A new database takes them all.
const STEPS: [&str; 19] = [
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
    include_str!("schema_13.sql"),
    include_str!("schema_14.sql"),
    include_str!("schema_15.sql"),
    include_str!("schema_16.sql"),
    include_str!("schema_17.sql"),
    include_str!("schema_18.sql"),
    include_str!("schema_19.sql"),
];

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
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
    /// The server cannot be reached, or does not let Crieur in.
    #[error(
        "the database {server} cannot be reached; check that it runs, its address, and the user and password in `store`"
    )]
    Connect {
        /// Database and host.
        server: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// It was written by a later version.
    #[error(
        "the database {database} was written by a later version of Crieur (tables {found}, this one knows {SCHEMA_VERSION}); use that version, or another database"
    )]
    Later {
        /// Which.
        database: String,
        /// The version of its tables.
        found: i64,
    },
    /// It was written by an earlier version, and is only looked at.
    #[error("the database {database} was written by an earlier version of Crieur; `crieur run` brings it up to date")]
    Earlier {
        /// Which.
        database: String,
    },
    /// The file is not what was written.
    #[error(
        "the database{} is damaged; stop what uses it, keep the file, and restore a copy (docs/operations.md, “Backup and restore”)",
        .path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
    )]
    Damaged {
        /// The file, if it could not even be opened.
        path: Option<PathBuf>,
        /// Why.
        #[source]
        source: sql::Error,
    },
    /// A statement failed.
    #[error("the database does not answer as it should")]
    Sql(#[source] sql::Error),
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
    /// Opens the database, making its tables if they are not there; a file too.
    pub async fn open(address: &StoreAddress) -> Result<Self, StoreError> {
        let (pool, owner) = match address {
            StoreAddress::File(path) => {
                let pool = Pool::Sqlite(sqlite::open(path).await?);
                let owner = Owner::register(path).map_err(|error| sqlite::open_error(path, error))?;
                (pool, owner)
            }
            StoreAddress::Server(server) => {
                let pool = postgres::connect(server).await?;
                postgres::migrate(&pool, server).await?;
                let owner = Owner::register_at(server).await.map_err(|error| postgres::away(server, error))?;
                (Pool::Postgres(pool), owner)
            }
        };
        Ok(Self { pool, owner: Arc::new(owner) })
    }

    /// Opens the database to look at it, changing nothing. None if there is none.
    pub async fn open_to_read(address: &StoreAddress) -> Result<Option<Self>, StoreError> {
        let (pool, owner, found) = match address {
            StoreAddress::File(path) => {
                let Some(files) = sqlite::open_to_read(path).await? else { return Ok(None) };
                let found = sqlite::version(&files).await?;
                (Pool::Sqlite(files), Owner::nobody(Some(path)), found)
            }
            StoreAddress::Server(server) => {
                let pool = postgres::connect(server).await?;
                let found = postgres::version(&pool).await?;
                (Pool::Postgres(pool), Owner::nobody(None), found)
            }
        };
        match found {
            SCHEMA_VERSION => Ok(Some(Self { pool, owner: Arc::new(owner) })),
            // Nobody made it yet, or another process is just at it.
            0 => Ok(None),
            found if found < SCHEMA_VERSION => Err(StoreError::Earlier { database: address.to_string() }),
            found => Err(StoreError::Later { database: address.to_string(), found }),
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        query("select 1 from meta limit 1").fetch_optional(&self.pool).await?;
        Ok(())
    }

    /// Moves what was written from the log into the file. A pass does it when its readers have what they wait for: a
    /// first start writes much, and a commit would wait for it. A server sees to that itself.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        if let Pool::Sqlite(files) = &self.pool {
            sqlite::tidy(files).await?;
        }
        Ok(())
    }

    /// Closes the database: what was written is there.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl From<sql::Error> for StoreError {
    fn from(source: sql::Error) -> Self {
        match source {
            sql::Error::Column { column, what } => corrupt(what, format!("in column {column}")),
            source if sqlite::is_damage(&source) => Self::Damaged { path: None, source },
            source => Self::Sql(source),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        Self::Sql(source.into())
    }
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
