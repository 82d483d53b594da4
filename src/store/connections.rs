//! Connections to one SQLite file, lent out one by one.
//!
//! A statement of SQLite is a function call of some microseconds. What writes is called where it stands, in the order in
//! which it was asked for; what may take its time, because it reads much, waits for the disk or for another process, is
//! given to a thread that may wait.

use super::row::{Cell, FileRow};
use super::sql::{Error, Query, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
}

/// A connection that is lent. It comes back by itself, and in no transaction.
#[derive(Debug)]
pub struct Lent {
    connection: Option<Connection>,
    of: Arc<Connections>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

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
        Arc::new(Self { path: path.to_owned(), flags, most, free: Mutex::default(), permits })
    }

    /// Lends a connection, as soon as one is there.
    pub async fn lend(self: &Arc<Self>) -> Result<Lent, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let free = self.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None => {
                let this = Arc::clone(self);
                elsewhere(move || this.open()).await??
            }
        };
        Ok(Lent { connection: Some(connection), of: Arc::clone(self), _permit: permit })
    }

    /// Ends all connections, as soon as they have come back.
    pub async fn close(&self) {
        // Only whoever closed them before makes this fail.
        let Ok(all) = self.permits.acquire_many(self.most).await else { return };
        self.permits.close();
        drop(all);
        let connections = std::mem::take(&mut *self.free());
        // The last one moves what is in the log into the file.
        let _ = elsewhere(move || drop(connections)).await;
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

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Begins a transaction that has the file to itself among those that write.
    pub async fn begin_to_write(mut self) -> Result<FileTransaction, Error> {
        const BEGIN: &str = "begin immediate";
        let connection = self.connection()?;
        // Nearly always nobody else has the file, and then there is nothing to wait for.
        connection.busy_timeout(Duration::ZERO)?;
        let begun = connection.prepare_cached(BEGIN).and_then(|mut statement| statement.execute([]));
        connection.busy_timeout(PATIENCE)?;
        let lent = match begun {
            Ok(_) => self,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                let (lent, begun) = self.elsewhere(|connection| Ok(connection.execute_batch(BEGIN)?)).await?;
                begun?;
                lent
            }
            Err(error) => return Err(error.into()),
        };
        Ok(FileTransaction { lent: Some(lent), writes: true })
    }

    /// Begins a transaction that only reads: all it sees is of one moment.
    pub fn begin_to_read(mut self) -> Result<FileTransaction, Error> {
        self.connection()?.execute_batch("begin")?;
        Ok(FileTransaction { lent: Some(self), writes: false })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A connection that cannot even do that is not lent again.
        let is_good = connection.is_autocommit() || connection.execute_batch("rollback").is_ok();
        if is_good && !self.of.permits.is_closed() {
            self.of.free().push(connection);
        }
    }
}

impl FileTransaction {
    /// Makes what was written count.
    pub async fn commit(mut self) -> Result<(), Error> {
        let lent = self.lent.take().ok_or(Error::Closed)?;
        let (lent, done) = lent.elsewhere(|connection| Ok(connection.execute_batch("commit")?)).await?;
        drop(lent);
        done
    }

    /// Carries a statement out: its rows, and how many rows it changed.
    pub async fn run(&mut self, query: Query) -> Result<(Vec<FileRow>, u64), Error> {
        let mut lent = self.lent.take().ok_or(Error::Closed)?;
        let done;
        if self.writes {
            done = lent.connection().and_then(|connection| run(connection, &query));
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

/// Does something on a thread that may wait. A runtime of one thread is that itself: it serves one thing at a time.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Ok(work());
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(_) => Err(Error::Closed),
        },
    }
}

/// Carries a statement out: its rows, and how many rows it changed.
pub fn run(connection: &Connection, query: &Query) -> Result<(Vec<FileRow>, u64), Error> {
    if query.is_kept {
        rows(connection, &mut *connection.prepare_cached(&query.sql)?, &query.values)
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
mod tests {
    use super::*;
    use crate::store::sql::{Pool, Transaction, query, query_scalar};

    async fn pool(folder: &Path) -> Pool {
        let path = folder.join("essai.db");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let writing = Connections::new(&path, flags | OpenFlags::SQLITE_OPEN_CREATE, 1);
        let pool = Pool::Sqlite(Files { reading: Connections::new(&path, flags, 2), writing });
        query("create table things (name text primary key)").execute(&pool).await.unwrap();
        pool
    }

    async fn put(transaction: &mut Transaction, name: &str) -> Result<u64, Error> {
        Ok(query("insert into things values (?)").bind(name).execute(transaction).await?.rows_affected())
    }

    async fn names(pool: &Pool) -> Vec<String> {
        query_scalar("select name from things order by name").fetch_all(pool).await.unwrap()
    }

    async fn what_is_dropped_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(folder.path()).await;
        let mut first = pool.begin_to_write().await.unwrap();
        assert_eq!(put(&mut first, "a").await.unwrap(), 1);
        drop(first);
        let mut second = pool.begin_to_write().await.unwrap();
        put(&mut second, "b").await.unwrap();
        // What is refused leaves the rest of the transaction as it is.
        assert!(matches!(put(&mut second, "b").await, Err(Error::File(_))));
        put(&mut second, "c").await.unwrap();
        assert_eq!(names(&pool).await, Vec::<String>::new(), "nobody sees what is not committed");
        second.commit().await.unwrap();
        assert_eq!(names(&pool).await, ["b", "c"]);

        // A reader's moment stays, and it cannot write.
        let mut reader = pool.begin_to_read().await.unwrap();
        let count = "select count(*) from things";
        assert_eq!(query_scalar(count).fetch_one::<i64>(&mut reader).await.unwrap(), 2);
        query("insert into things values ('d')").execute(&pool).await.unwrap();
        assert_eq!(query_scalar(count).fetch_one::<i64>(&mut reader).await.unwrap(), 2);
        drop(reader);
        assert_eq!(names(&pool).await, ["b", "c", "d"]);
        pool.close().await;
        assert!(matches!(pool.begin_to_write().await.err(), Some(Error::Closed)));
    }

    #[tokio::test]
    async fn what_is_dropped_never_was_on_one_thread() {
        what_is_dropped_never_was().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_dropped_never_was_on_many_threads() {
        what_is_dropped_never_was().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn writers_take_turns_and_one_that_is_given_up_holds_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(folder.path()).await;
        let mut all = tokio::task::JoinSet::new();
        for number in 0..40 {
            let pool = pool.clone();
            all.spawn(async move {
                let mut transaction = pool.begin_to_write().await.unwrap();
                let found: i64 = query_scalar("select count(*) from things").fetch_one(&mut transaction).await.unwrap();
                tokio::task::yield_now().await;
                put(&mut transaction, &format!("{found:03}")).await.unwrap();
                // Some are given up in the midst of their commit, or before it.
                match number % 4 {
                    0 => drop(transaction),
                    1 => drop(tokio::time::timeout(Duration::ZERO, transaction.commit()).await),
                    _ => transaction.commit().await.unwrap(),
                }
            });
        }
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
        let names = names(&pool).await;
        assert!((20..=30).contains(&names.len()), "{names:?}");
        assert_eq!(names, (0..names.len()).map(|n| format!("{n:03}")).collect::<Vec<_>>(), "each saw those before it");
    }
}
