//! SQLite: one file, which is all that most need.

use super::sql::Files;
use super::{STEPS, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

/// Most connections that read.
const READERS: u32 = 3;

/// How often opening a database that others are making is tried again.
const OPEN_TRIES: u32 = 200;

/// Opens the file with its tables, making what is not there.
pub(super) async fn open(path: &Path) -> Result<Files, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| open_error(path, error))?;
    }
    let options = options(path).create_if_missing(true);
    let mut tries = 0;
    loop {
        match opened(options.clone(), path).await {
            // Several processes that start together on a new database take turns in making it.
            Err(error) if tries < OPEN_TRIES && is_busy(&error) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(of_opening(path, error)),
            opened => return opened,
        }
    }
}

/// Opens the file to look at it. None if there is none.
pub(super) async fn open_to_read(path: &Path) -> Result<Option<Files>, StoreError> {
    if !path.is_file() {
        return Ok(None);
    }
    let pool = pool(options(path).read_only(true), READERS).await;
    let pool = pool.map_err(|error| of_opening(path, error.into()))?;
    Ok(Some(Files { reading: pool.clone(), writing: pool }))
}

/// The version of the tables; 0 if there are none.
pub(super) async fn version(files: &Files) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("pragma user_version").fetch_one(&files.reading).await?)
}

/// Moves what was written from the log into the file.
pub(super) async fn tidy(files: &Files) -> Result<(), StoreError> {
    sqlx::query("pragma wal_checkpoint(passive)").execute(&files.reading).await?;
    Ok(())
}

pub(super) fn open_error(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Open { path: path.to_owned(), source: source.into() }
}

/// A failure to open the file, with its name.
fn of_opening(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { source, .. } => StoreError::Damaged { path: Some(path.to_owned()), source },
        StoreError::Sql(error) => open_error(path, error),
        other => other,
    }
}

async fn opened(options: SqliteConnectOptions, path: &Path) -> Result<Files, StoreError> {
    let writing = pool(options.clone(), 1).await?;
    migrate(&writing, path).await?;
    Ok(Files { reading: pool(options, READERS).await?, writing })
}

/// Whether a failure says that the file is not what was written (SQLite's primary result codes 11, SQLITE_CORRUPT, and 26,
/// SQLITE_NOTADB).
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    primary(error).is_some_and(|code| matches!(code, 11 | 26))
}

/// SQLite's primary result code of a failure.
fn primary(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    sqlx::error::DatabaseError::code(error)?.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Whether another process has the database at the moment (SQLite's primary result code 5, SQLITE_BUSY). Switching a
/// new database to its journal mode is refused at once, without the patience that is configured.
fn is_busy(error: &StoreError) -> bool {
    let StoreError::Sql(error) = error else { return false };
    primary(error) == Some(5)
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

async fn pool(options: SqliteConnectOptions, most: u32) -> Result<SqlitePool, sqlx::Error> {
    // A connection to a file does not end by itself: it need not be asked each time, nor made anew now and then.
    let pool = SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    pool.max_connections(most).acquire_timeout(Duration::from_secs(60)).connect_with(options).await
}

/// Makes the tables, once, even if several processes start together.
async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await?;
    let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut *transaction).await?;
    let missing = usize::try_from(found).ok().and_then(|done| STEPS.get(done..));
    let Some(missing) = missing else { return Err(StoreError::Later { database: path.display().to_string(), found }) };
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
