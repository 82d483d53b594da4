//! How this folder speaks to its database, SQLite or PostgreSQL. Statements are written once, in the words that both know;
//! where their words differ, [`postgres`](super::postgres) has PostgreSQL understand SQLite's.
//!
//! Both keep the same promise: writers take turns. In SQLite a transaction that writes has the file to itself; in
//! PostgreSQL it takes one lock first, which all writers of Crieur take. So whatever a transaction reads stays true until it
//! ends, and nothing in the other files has to think of two writers at once.

use super::connections::{FileTransaction, Files};
use super::postgres;
use super::row::{Column, Row};
use crate::crash::{crash_point, disk_fault};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, PgPool, Postgres};
use sqlx::query::Query as Prepared;
use std::borrow::Cow;
use std::sync::Arc;

/// A statement could not be carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// By the file. Shared, since it is told to all whose writing it ended.
    #[error("{0}")]
    File(Arc<rusqlite::Error>),
    /// By the server.
    #[error(transparent)]
    Server(Arc<sqlx::Error>),
    /// A column does not hold what it should.
    #[error("column {column} holds no {what}")]
    Column {
        /// Its name.
        column: String,
        /// What it should hold.
        what: &'static str,
    },
    /// There is no row of those that must be there.
    #[error("there is no row")]
    NoRow,
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for Error {
    // Not as its source: that one says the same again.
    fn from(error: rusqlite::Error) -> Self {
        Self::File(Arc::new(error))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Server(Arc::new(error))
    }
}

/// Connections to a database.
#[derive(Debug, Clone)]
pub enum Pool {
    /// To a file.
    Sqlite(Files),
    /// To a server.
    Postgres(PgPool),
}

/// A transaction. Dropped before it is committed, it changes nothing.
pub enum Transaction {
    /// On a file.
    Sqlite(FileTransaction),
    /// On a server.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Pool {
    /// Begins a transaction that has the database to itself among those that write.
    pub async fn begin_to_write(&self) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite(files) => Ok(Transaction::Sqlite(files.writing.lend().await?.begin_to_write().await?)),
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                sqlx::query(postgres::TAKE_TURNS).execute(&mut *transaction).await?;
                Ok(Transaction::Postgres(transaction))
            }
        }
    }

    /// Begins a transaction that only reads: all it sees is of one moment.
    pub async fn begin_to_read(&self) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite(files) => Ok(Transaction::Sqlite(files.reading.lend().await?.begin_to_read()?)),
            Self::Postgres(pool) => {
                let transaction = pool.begin_with("begin isolation level repeatable read read only").await?;
                Ok(Transaction::Postgres(transaction))
            }
        }
    }

    /// Ends all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(files) => {
                files.reading.close().await;
                files.writing.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    /// Makes what was written count.
    pub async fn commit(self) -> Result<(), Error> {
        crash_point("before-write");
        let fault = disk_fault();
        if fault == Some(false) {
            return Err(disk_error());
        }
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        crash_point("after-write");
        if fault.is_some() { Err(disk_error()) } else { Ok(()) }
    }
}

/// What a disk says that fails because a test wants it to.
fn disk_error() -> Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    rusqlite::Error::SqliteFailure(code, None).into()
}

/// What a statement is carried out on.
pub enum On<'a> {
    /// A transaction of its own.
    Pool(&'a Pool),
    /// One that goes on.
    Transaction(&'a mut Transaction),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'a> From<&'a mut Transaction> for On<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// A value for a statement. What is not there has a type all the same: PostgreSQL asks for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number, or yes (1) and no (0).
    Int(Option<i64>),
    /// A number.
    Real(Option<f64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Blob(Option<Vec<u8>>),
}

/// Says what becomes of a Rust type in a statement: of itself, of a reference to it, and of one that may be missing.
macro_rules! values {
    ($($type:ty => $kind:ident($given:ident => $kept:expr)),+ $(,)?) => {$(
        impl From<$type> for Value {
            fn from($given: $type) -> Self { Self::$kind(Some($kept)) }
        }
        impl From<Option<$type>> for Value {
            fn from(given: Option<$type>) -> Self { Self::$kind(given.map(|$given| $kept)) }
        }
    )+};
}

values! {
    i64 => Int(n => n),
    &i64 => Int(n => *n),
    i32 => Int(n => n.into()),
    u32 => Int(n => n.into()),
    u16 => Int(n => n.into()),
    bool => Int(is => is.into()),
    f64 => Real(n => n),
    String => Text(text => text),
    &String => Text(text => text.clone()),
    &str => Text(text => text.to_owned()),
    Vec<u8> => Blob(bytes => bytes),
    &Vec<u8> => Blob(bytes => bytes.clone()),
    &[u8] => Blob(bytes => bytes.to_vec()),
}

impl From<&Option<String>> for Value {
    fn from(given: &Option<String>) -> Self {
        Self::Text(given.clone())
    }
}

/// A statement, with its values.
#[derive(Debug)]
pub struct Query {
    pub(super) sql: Cow<'static, str>,
    pub(super) values: Vec<Value>,
    /// Whether it is kept prepared for the next time. One of very many values is not worth it.
    pub(super) is_kept: bool,
    /// Whether an index leads straight to its rows, and they are few.
    pub(super) is_short: bool,
}

/// A statement. `?` stands for the next value, `?1` for the first.
pub fn query(sql: &'static str) -> Query {
    Query { sql: Cow::Borrowed(sql), values: Vec::new(), is_kept: true, is_short: false }
}

/// A statement of whose rows only the first column is asked for.
pub fn query_scalar(sql: &'static str) -> Scalar {
    Scalar(query(sql))
}

/// What a statement changed.
#[derive(Debug, Clone, Copy)]
pub struct Done(u64);

impl Done {
    /// How many rows.
    pub fn rows_affected(self) -> u64 {
        self.0
    }
}

impl Query {
    /// The next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Says that an index leads straight to its rows, and that they are few: to wake another thread for it would take
    /// longer than the statement itself.
    pub fn short(mut self) -> Self {
        self.is_short = true;
        self
    }

    /// Carries it out.
    pub async fn execute(self, on: impl Into<On<'_>>) -> Result<Done, Error> {
        match on.into() {
            On::Pool(pool) => {
                let mut transaction = pool.begin_to_write().await?;
                let done = self.execute_within(&mut transaction).await?;
                transaction.commit().await?;
                Ok(done)
            }
            On::Transaction(transaction) => self.execute_within(transaction).await,
        }
    }

    async fn execute_within(self, transaction: &mut Transaction) -> Result<Done, Error> {
        Ok(Done(match transaction {
            Transaction::Sqlite(transaction) => transaction.run(self).await?.1,
            Transaction::Postgres(transaction) => {
                self.for_postgres().execute(&mut **transaction).await?.rows_affected()
            }
        }))
    }

    /// All its rows.
    pub async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, Error> {
        match on.into() {
            On::Pool(Pool::Sqlite(files)) if self.only_reads() => {
                let rows = files.reading.lend().await?.read(self).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            On::Pool(Pool::Postgres(pool)) if self.only_reads() => {
                Ok(self.for_postgres().fetch_all(pool).await?.into_iter().map(Row::Postgres).collect())
            }
            On::Pool(pool) => {
                let mut transaction = pool.begin_to_write().await?;
                let rows = self.fetch_within(&mut transaction).await?;
                transaction.commit().await?;
                Ok(rows)
            }
            On::Transaction(transaction) => self.fetch_within(transaction).await,
        }
    }

    async fn fetch_within(self, transaction: &mut Transaction) -> Result<Vec<Row>, Error> {
        match transaction {
            Transaction::Sqlite(transaction) => {
                Ok(transaction.run(self).await?.0.into_iter().map(Row::Sqlite).collect())
            }
            Transaction::Postgres(transaction) => {
                let rows = self.for_postgres().fetch_all(&mut **transaction).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Its first row, if there is one.
    pub async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// Its first row.
    pub async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<Row, Error> {
        self.fetch_optional(on).await?.ok_or(Error::NoRow)
    }

    fn only_reads(&self) -> bool {
        self.sql.trim_start().starts_with("select")
    }

    fn for_postgres(self) -> Prepared<'static, Postgres, PgArguments> {
        // Only the marks of values are rewritten: what is safe stays safe.
        let query = sqlx::query(AssertSqlSafe(postgres::numbered(&self.sql)));
        self.values.into_iter().fold(query.persistent(self.is_kept), |query, value| match value {
            Value::Int(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(postgres::without_nul)),
            Value::Blob(value) => query.bind(value),
        })
    }
}

/// A statement of whose rows only the first column is asked for.
#[derive(Debug)]
pub struct Scalar(Query);

impl Scalar {
    /// The next value.
    pub fn bind(self, value: impl Into<Value>) -> Self {
        Self(self.0.bind(value))
    }

    /// As [`Query::short`].
    pub fn short(self) -> Self {
        Self(self.0.short())
    }

    /// The first column of all rows.
    pub async fn fetch_all<T: Column>(self, on: impl Into<On<'_>>) -> Result<Vec<T>, Error> {
        self.0.fetch_all(on).await?.iter().map(|row| T::of(row, 0)).collect()
    }

    /// The first column of the first row, if there is one.
    pub async fn fetch_optional<T: Column>(self, on: impl Into<On<'_>>) -> Result<Option<T>, Error> {
        self.0.fetch_optional(on).await?.map(|row| T::of(&row, 0)).transpose()
    }

    /// The first column of the first row.
    pub async fn fetch_one<T: Column>(self, on: impl Into<On<'_>>) -> Result<T, Error> {
        T::of(&self.0.fetch_one(on).await?, 0)
    }
}

/// Makes a statement of many rows of values.
#[derive(Debug)]
pub struct QueryBuilder {
    sql: String,
    values: Vec<Value>,
}

impl QueryBuilder {
    /// Begins with a text.
    pub fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Goes on with a text.
    pub fn push(&mut self, sql: &'static str) {
        self.sql.push_str(sql);
    }

    /// Adds `values (…), (…)`: a row for each thing, which `row` fills.
    pub fn push_values<T>(&mut self, things: impl IntoIterator<Item = T>, mut row: impl FnMut(Values<'_>, T)) {
        self.sql.push_str("values ");
        for (at, thing) in things.into_iter().enumerate() {
            self.sql.push_str(if at == 0 { "(" } else { ", (" });
            row(Values { builder: self, is_first: true }, thing);
            self.sql.push(')');
        }
    }

    /// The statement.
    pub fn build(self) -> Query {
        Query { sql: Cow::Owned(self.sql), values: self.values, is_kept: false, is_short: false }
    }
}

/// One row of values.
pub struct Values<'a> {
    builder: &'a mut QueryBuilder,
    is_first: bool,
}

impl Values<'_> {
    /// The next value.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.builder.values.push(value.into());
        self.push("?")
    }

    /// The next value, as SQL.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        if !std::mem::take(&mut self.is_first) {
            self.builder.sql.push_str(", ");
        }
        self.builder.sql.push_str(sql);
        self
    }
}
