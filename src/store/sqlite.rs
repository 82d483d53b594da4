//! SQLite: one file, which is all that most need.

use super::connections::{Connections, Files};
use super::sql::Error;
use super::{STEPS, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
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
    let mut tries = 0;
    loop {
        match opened(path).await {
            // Several processes that start together on a new database take turns in making it. Switching a new one to its
            // journal mode is refused at once, without the patience that is configured.
            Err(StoreError::Sql(error)) if tries < OPEN_TRIES && code(&error) == Some(ErrorCode::DatabaseBusy) => {
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
    let files = |path: &Path, flags: OpenFlags| {
        let reading = Connections::new(path, OpenFlags::SQLITE_OPEN_READ_ONLY | flags, READERS);
        Files { reading: reading.clone(), writing: reading }
    };
    let shared = files(path, OpenFlags::empty());
    // A file that cannot be read is said now, with its name.
    match version(&shared).await {
        Ok(_) => Ok(Some(shared)),
        // A reader too makes files beside it, which the folder may not allow; nobody else has it open.
        Err(StoreError::Sql(error)) if is_of_the_folder(&error) && !beside(path, "-wal").exists() => {
            let alone = files(&immutable(path), OpenFlags::SQLITE_OPEN_URI);
            version(&alone).await.map_err(|error| of_opening(path, error))?;
            Ok(Some(alone))
        }
        Err(error) => Err(of_opening(path, error)),
    }
}

/// A file that SQLite keeps beside the database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The database as a file that nobody changes (sqlite.org/uri.html, `immutable`).
fn immutable(path: &Path) -> PathBuf {
    let mut uri = OsString::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.push(format!("%{byte:02x}")),
            _ => uri.push(OsStr::from_bytes(&[*byte])),
        }
    }
    uri.push("?immutable=1");
    uri.into()
}

/// Whether it is the folder that cannot be written (SQLITE_READONLY, SQLITE_CANTOPEN).
fn is_of_the_folder(error: &Error) -> bool {
    matches!(code(error), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// The version of the tables; 0 if there are none.
pub(super) async fn version(files: &Files) -> Result<i64, StoreError> {
    let (_, found) = files.reading.lend().await?.elsewhere(|connection| version_within(connection)).await?;
    Ok(found?)
}

fn version_within(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.query_row("pragma user_version", [], |row| row.get(0))?)
}

/// Moves what was written from the log into the file.
pub(super) async fn tidy(files: &Files) -> Result<(), StoreError> {
    let checkpoint = |connection: &mut Connection| -> Result<(), Error> {
        Ok(connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?)
    };
    let (_, done) = files.reading.lend().await?.elsewhere(checkpoint).await?;
    Ok(done?)
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

async fn opened(path: &Path) -> Result<Files, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let writing = Connections::new(path, flags | OpenFlags::SQLITE_OPEN_CREATE, 1);
    let shown = path.display().to_string();
    let (_, made) = writing.lend().await?.elsewhere(move |connection| Ok(migrate(connection, &shown))).await?;
    made??;
    Ok(Files { reading: Connections::new(path, flags, READERS), writing })
}

/// Whether a failure says that the file is not what was written (SQLITE_CORRUPT and SQLITE_NOTADB).
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// SQLite's primary result code of a failure.
fn code(error: &Error) -> Option<ErrorCode> {
    let Error::File(error) = error else { return None };
    error.sqlite_error_code()
}

/// Makes the tables, once, even if several processes start together.
fn migrate(connection: &mut Connection, database: &str) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::from)?;
    let found = version_within(&transaction)?;
    let missing = usize::try_from(found).ok().and_then(|done| STEPS.get(done..));
    let Some(missing) = missing else { return Err(StoreError::Later { database: database.to_owned(), found }) };
    for step in missing {
        transaction.execute_batch(step).map_err(Error::from)?;
    }
    // Whatever the steps did to the tables, every change of the outbox is told.
    let has_log: bool = transaction
        .query_row("select count(*) > 0 from sqlite_master where name = 'log'", [], |row| row.get(0))
        .map_err(Error::from)?;
    if !missing.is_empty() || !has_log {
        transaction.execute_batch(include_str!("log.sql")).map_err(Error::from)?;
    }
    Ok(transaction.commit().map_err(Error::from)?)
}
