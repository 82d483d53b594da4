//! Connections to one SQLite file, lent out one by one.
//!
//! A statement of SQLite is a function call of some microseconds. What writes is called where it stands, in the order in
//! which it was asked for; what may take its time, because it reads much, waits for the disk or for another process, is
//! given to a thread that may wait.
//!
//! Waiting for the disk is what a transaction costs, so those that stand in line share it: whoever is done while others
//! want the writing connection lets them write first, within the same transaction of SQLite, and all become lasting by one
//! commit. Nobody is told that it is done before that.

use super::row::{Cell, FileRow};
use super::sql::{Error, Query, Value};
use crate::blocking;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, StatementStatus, ToSql, params_from_iter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How long another process is waited for, that has the file.
const PATIENCE: Duration = Duration::from_secs(30);
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;

/// Connections to a file. One writes: whoever wants it next waits in a queue, first come, first served, while of many
/// connections that write most would sleep, and longer each time, while nobody writes. The others only read.
#[derive(Debug, Clone)]
pub struct Files {
    /// Those that read.
    pub reading: Arc<Connections>,
    /// The one that writes.
    pub writing: Arc<Connections>,
}

/// Connections to a file, opened when they are first needed.
#[derive(Debug)]
pub struct Connections {
    path: PathBuf,
    flags: OpenFlags,
    most: u32,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Tells those that wait for the commit of what stands open in the one writing connection. Its receivers are they.
    group: Mutex<Option<watch::Sender<Outcome>>>,
}

/// How the commit of a group ended; None before.
type Outcome = Option<Result<(), Error>>;

/// A connection that is lent. It comes back by itself, and in no transaction but that of those who wait for its commit.
#[derive(Debug)]
pub struct Lent {
    connection: Option<Connection>,
    of: Arc<Connections>,
    /// Whether it writes within the transaction of others, as a savepoint.
    joined: bool,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

/// Whoever waits. When they stop, and nobody else stands in line, no transaction stays open for want of a commit.
struct GivenUp<'a>(&'a Arc<Connections>);

/// A transaction on a file. Dropped before it is committed, it changes nothing.
#[derive(Debug)]
pub struct FileTransaction {
    /// None only while, or after, a thread that may wait has it.
    lent: Option<Lent>,
    writes: bool,
}

impl Connections {
    /// At most so many connections to a file.
    pub fn new(path: &Path, flags: OpenFlags, most: u32) -> Arc<Self> {
        // A connection is used by one task at a time, which is what the mutex would see to. A path is only ever a path.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let permits = Arc::new(Semaphore::new(most as usize));
        let group = Mutex::default();
        Arc::new(Self { path: path.to_owned(), flags, most, free: Mutex::default(), permits, group })
    }

    /// Lends a connection, as soon as one is there.
    pub async fn lend(self: &Arc<Self>) -> Result<Lent, Error> {
        let given_up = GivenUp(self);
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        drop(given_up);
        let free = self.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None => {
                let this = Arc::clone(self);
                elsewhere(move || this.open()).await??
            }
        };
        Ok(Lent { connection: Some(connection), of: Arc::clone(self), joined: false, _permit: permit })
    }

    /// Ends all connections, as soon as they have come back.
    pub async fn close(&self) {
        // Only whoever closed them before makes this fail.
        let Ok(all) = self.permits.acquire_many(self.most).await else { return };
        self.permits.close();
        drop(all);
        let connections = std::mem::take(&mut *self.free());
        let group = self.group().take();
        let end = move || {
            if let (Some(group), [connection]) = (group, connections.as_slice()) {
                group.send_replace(Some(commit(connection)));
            }
            // The last one moves what is in the log into the file.
            drop(connections);
        };
        let _ = elsewhere(end).await;
    }

    fn open(&self) -> Result<Connection, Error> {
        let connection = Connection::open_with_flags(&self.path, self.flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        if self.flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
            connection.pragma_update(None, "journal_mode", "wal")?;
            // An attempt must be on the disk before the first byte is sent.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // In pages of 4 KiB; `Store::tidy` comes long before.
            connection.pragma_update(None, "wal_autocheckpoint", 25_000)?;
        }
        Ok(connection)
    }

    fn free(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group(&self) -> MutexGuard<'_, Option<watch::Sender<Outcome>>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those that wait for a commit how it ended.
    fn tell(&self, outcome: Result<(), Error>) {
        if let Some(group) = self.group().take() {
            group.send_replace(Some(outcome));
        }
    }
}

impl Lent {
    fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.connection.as_mut().ok_or(Error::Closed)
    }

    /// Does something on a thread that may wait.
    pub async fn elsewhere<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Self, Result<T, Error>), Error> {
        elsewhere(move || {
            let done = self.connection().and_then(work);
            (self, done)
        })
        .await
    }

    /// Does something short where it stands. Should others have the file, which hardly ever is, it waits elsewhere.
    async fn here<T: Send + 'static>(
        mut self,
        work: impl Fn(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Self, Result<T, Error>), Error> {
        let connection = self.connection()?;
        connection.busy_timeout(Duration::ZERO)?;
        let done = work(connection);
        connection.busy_timeout(PATIENCE)?;
        match done {
            Err(Error::File(error)) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                self.elsewhere(work).await
            }
            done => Ok((self, done)),
        }
    }

    /// Carries out a statement that only reads: its rows.
    pub async fn read(self, query: Query) -> Result<Vec<FileRow>, Error> {
        let is_short = query.is_short;
        let work = move |connection: &mut Connection| run(connection, &query);
        let (_, done) = if is_short { self.here(work).await? } else { self.elsewhere(work).await? };
        Ok(done?.0)
    }

    /// Begins a transaction that has the file to itself among those that write.
    pub async fn begin_to_write(mut self) -> Result<FileTransaction, Error> {
        let connection = self.connection()?;
        if !connection.is_autocommit() {
            at_once(connection, JOIN)?;
            self.joined = true;
            return Ok(FileTransaction { lent: Some(self), writes: true });
        }
        let (lent, begun) = self.here(|connection| Ok(at_once(connection, BEGIN)?)).await?;
        begun?;
        Ok(FileTransaction { lent: Some(lent), writes: true })
    }

    /// Begins a transaction that only reads: all it sees is of one moment.
    pub fn begin_to_read(mut self) -> Result<FileTransaction, Error> {
        self.connection()?.execute_batch("begin")?;
        Ok(FileTransaction { lent: Some(self), writes: false })
    }
}

impl Lent {
    /// Ends the writing of one, so that those who stand in line write next, and nothing is lasting yet. What tells how it
    /// ended.
    fn leave_open(mut self) -> Result<watch::Receiver<Outcome>, Error> {
        if self.joined {
            at_once(self.connection()?, LEAVE)?;
        }
        let connection = self.connection.take().ok_or(Error::Closed)?;
        let waiting = self.of.group().get_or_insert_with(|| watch::Sender::new(None)).subscribe();
        self.of.free().push(connection);
        Ok(waiting)
    }

    /// Makes what stands open lasting, and tells all who wait for it.
    async fn settle(self) -> Result<(), Error> {
        elsewhere(move || {
            let mut lent = self;
            let outcome = lent.connection().and_then(|connection| commit(connection));
            // Here, where nobody can give up waiting before all are told.
            lent.of.tell(outcome);
        })
        .await
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        let is_alone = self.0.group().as_ref().is_some_and(|group| group.receiver_count() == 0);
        // If it is not to be had, whoever has it does the same.
        if is_alone && let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() {
            let connection = self.0.free().pop();
            drop(Lent { connection, of: Arc::clone(self.0), joined: false, _permit: permit });
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut group = self.of.group();
        let undo = match &*group {
            _ if connection.is_autocommit() => "",
            None => "rollback",
            Some(group) => match (self.joined, group.receiver_count() > 0) {
                (true, true) => "rollback to joined; release joined",
                (false, true) => "",
                // Who gave up waiting for a commit did not take it back.
                (true, false) => "rollback to joined; commit",
                (false, false) => "commit",
            },
        };
        // A connection that cannot even do that is not lent again.
        let is_good = connection.execute_batch(undo).is_ok();
        if !is_good || connection.is_autocommit() {
            *group = None;
        }
        drop(group);
        if is_good && !self.of.permits.is_closed() {
            self.of.free().push(connection);
        }
    }
}

impl FileTransaction {
    /// Makes what was written count.
    pub async fn commit(mut self) -> Result<(), Error> {
        let lent = self.lent.take().ok_or(Error::Closed)?;
        if !self.writes {
            let (lent, done) = lent.elsewhere(|connection| commit(connection)).await?;
            drop(lent);
            return done;
        }
        let of = Arc::clone(&lent.of);
        let _given_up = GivenUp(&of);
        let mut waiting = lent.leave_open()?;
        // Those that stand in line now come first; the commit is made by the first whose turn comes again.
        let mut turn = None;
        tokio::select! {
            biased;
            _ = waiting.wait_for(Option::is_some) => {}
            lent = of.lend() => turn = Some(lent?),
        }
        if let Some(lent) = turn.filter(|_| waiting.borrow().is_none()) {
            lent.settle().await?;
        }
        let outcome = waiting.borrow().clone();
        // Without one the connection was lost, and all that stood open with it.
        outcome.unwrap_or(Err(Error::Closed))
    }

    /// Carries a statement out: its rows, and how many rows it changed.
    pub async fn run(&mut self, query: Query) -> Result<(Vec<FileRow>, u64), Error> {
        let mut lent = self.lent.take().ok_or(Error::Closed)?;
        let done;
        if self.writes {
            done = lent.connection().and_then(|connection| match connection.is_autocommit() {
                // SQLite itself undid all of it when it could not go on, and what comes now must not count alone.
                true => Err(Error::Closed),
                false => run(connection, &query),
            });
            if let (Err(error), Ok(connection)) = (&done, lent.connection())
                && connection.is_autocommit()
            {
                lent.of.tell(Err(error.clone()));
            }
            self.lent = Some(lent);
            // Whoever writes much lets others do something in between.
            tokio::task::consume_budget().await;
        } else {
            (lent, done) = lent.elsewhere(move |connection| run(connection, &query)).await?;
            self.lent = Some(lent);
        }
        done
    }
}

/// Does something on a thread that may wait.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    match blocking::elsewhere(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(_) => Err(Error::Closed),
        },
    }
}

/// Begins a transaction that writes.
const BEGIN: &str = "begin immediate";
/// Begins, within the transaction of others, what can be undone without them.
const JOIN: &str = "savepoint joined";
/// Ends it.
const LEAVE: &str = "release joined";

/// Carries out a statement that has no rows, and is used often.
fn at_once(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

fn commit(connection: &Connection) -> Result<(), Error> {
    Ok(at_once(connection, "commit")?)
}

/// Carries a statement out: its rows, and how many rows it changed.
pub fn run(connection: &Connection, query: &Query) -> Result<(Vec<FileRow>, u64), Error> {
    if query.is_kept {
        let mut statement = connection.prepare_cached(&query.sql)?;
        let done = rows(connection, &mut statement, &query.values);
        debug_assert!(
            !query.is_short || statement.get_status(StatementStatus::FullscanStep) == 0,
            "not short: {}",
            query.sql
        );
        done
    } else {
        rows(connection, &mut connection.prepare(&query.sql)?, &query.values)
    }
}

fn rows(
    connection: &Connection,
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
) -> Result<(Vec<FileRow>, u64), Error> {
    let columns: Arc<[String]> = statement.column_names().into_iter().map(ToOwned::to_owned).collect();
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns.len()).map(|at| Ok(Cell::from(row.get_ref(at)?)));
        found.push(FileRow { columns: Arc::clone(&columns), cells: cells.collect::<Result<_, rusqlite::Error>>()? });
    }
    drop(rows);
    Ok((found, connection.changes()))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Real(value) => value.map_or(ValueRef::Null, ValueRef::Real),
            Self::Text(value) => value.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Self::Blob(value) => value.as_ref().map_or(ValueRef::Null, |bytes| ValueRef::Blob(bytes)),
        }))
    }
}

#[cfg(test)]
mod tests;
