//! PostgreSQL: a server in the place of the file, where several machines share one outbox.
//!
//! It holds the same tables and is asked the same statements. What SQLite calls otherwise is translated here, once: types
//! where tables are made ([`tables`]), a few functions (`postgres.sql`), and the marks that stand for values ([`numbered`]).

use super::{STEPS, StoreError};
use crate::config::StoreServer;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

/// What a transaction that writes takes first, and gives back with its end. The number is Crieur's own (“crieur” in
/// ASCII).
pub(super) const TAKE_TURNS: &str = "select pg_advisory_xact_lock(109343045678450)";

/// Connects to the server. Nothing is made.
///
/// Errors: it is not there, or does not let Crieur in.
pub(super) async fn connect(server: &StoreServer) -> Result<PgPool, StoreError> {
    let options = options(server).map_err(|error| away(server, error))?;
    // A pool tries for half a minute; that nobody is there is told at once.
    let first = connect_once(server).await.map_err(|error| away(server, error))?;
    first.close().await.map_err(|error| away(server, error))?;
    let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE);
    pool.connect_with(options).await.map_err(|error| away(server, error))
}

/// One connection, beside those of the pool.
pub(super) async fn connect_once(server: &StoreServer) -> Result<PgConnection, sqlx::Error> {
    let options = options(server)?;
    tokio::time::timeout(PATIENCE, options.connect()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// How connections are made.
///
/// Errors: something of the address is not what PostgreSQL's addresses have.
pub(super) fn options(server: &StoreServer) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(server.address())?;
    Ok(options.application_name("crieur").options([
        // As patient as with a file: whoever writes does so for a moment.
        ("lock_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "5min"),
        // An attempt must be on the disk before the first byte is sent.
        ("synchronous_commit", "on"),
        ("client_min_messages", "warning"),
    ]))
}

/// The server is not there, or does not let Crieur in.
pub(super) fn away(server: &StoreServer, source: sqlx::Error) -> StoreError {
    StoreError::Connect { server: server.shown().to_owned(), source }
}

/// How long a free connection is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The version of the tables; 0 if there are none.
pub(super) async fn version(pool: &PgPool) -> Result<i64, StoreError> {
    let mut connection = pool.acquire().await?;
    version_within(&mut connection).await
}

async fn version_within(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let is_there: bool =
        sqlx::query_scalar("select to_regclass('meta') is not null").fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(0);
    }
    let found: Option<String> =
        sqlx::query_scalar("select value from meta where name = 'tables'").fetch_optional(connection).await?;
    Ok(found.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Makes the tables, once, even if several processes start together.
pub(super) async fn migrate(pool: &PgPool, server: &StoreServer) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(TAKE_TURNS).execute(&mut *transaction).await?;
    let found = version_within(&mut transaction).await?;
    let missing = usize::try_from(found).ok().and_then(|done| STEPS.get(done..));
    let Some(missing) = missing else { return Err(StoreError::Later { database: server.shown().to_owned(), found }) };
    if missing.is_empty() {
        return Ok(());
    }
    sqlx::raw_sql(include_str!("postgres.sql")).execute(&mut *transaction).await?;
    for step in missing {
        sqlx::raw_sql(AssertSqlSafe(tables(step))).execute(&mut *transaction).await?;
    }
    sqlx::raw_sql(include_str!("log_postgres.sql")).execute(&mut *transaction).await?;
    sqlx::query("insert into meta (name, value) values ('tables', $1) on conflict (name) do update set value = $1")
        .bind(STEPS.len().to_string())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// What makes tables, in PostgreSQL's words: its types, texts that are compared byte by byte as in SQLite, and nothing of
/// what only a file has. A column stands at the start of an indented line, or behind `add column`.
fn tables(step: &str) -> String {
    let mut made = String::with_capacity(step.len());
    for line in step.lines().filter(|line| !line.starts_with("pragma ")) {
        let code = line.split_once("--").map_or(line, |(code, _)| code);
        let code =
            code.replace(") strict, without rowid;", ");").replace(") strict;", ");").replace("x''", "''::bytea");
        let _ = writeln!(made, "{}", with_type(&code));
    }
    made
}

/// A line with the type of its column, if it has one, as PostgreSQL calls it.
fn with_type(line: &str) -> String {
    const ADD: &str = "add column ";
    let start = match line.find(ADD) {
        Some(at) => at + ADD.len(),
        None if line.starts_with("    ") => line.len() - line.trim_start().len(),
        None => return line.to_owned(),
    };
    let (before, column) = line.split_at(start);
    let Some((name, rest)) = column.split_once(' ') else { return line.to_owned() };
    let rest = rest.trim_start();
    let called = [
        ("integer primary key autoincrement", "bigint generated by default as identity primary key"),
        ("integer primary key", "bigint generated by default as identity primary key"),
        ("integer", "bigint"),
        ("text", "text collate \"C\""),
        ("blob", "bytea"),
        ("real", "double precision"),
    ];
    let known = |(ours, _): &&(&str, &str)| {
        rest.strip_prefix(ours).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    match called.iter().find(known) {
        Some((ours, theirs)) => format!("{before}{name} {theirs}{}", &rest[ours.len()..]),
        None => line.to_owned(),
    }
}

/// A statement whose values are marked as PostgreSQL wants them: `$1` for `?1`, and for each `?` the next number.
pub(super) fn numbered(sql: &str) -> String {
    let mut made = String::with_capacity(sql.len() + 16);
    let (mut last, mut is_text) = (0, false);
    let mut signs = sql.chars().peekable();
    while let Some(sign) = signs.next() {
        is_text ^= sign == '\'';
        if sign != '?' || is_text {
            made.push(sign);
            continue;
        }
        let mut number = 0;
        while let Some(digit) = signs.peek().and_then(|next| next.to_digit(10)) {
            number = number * 10 + digit;
            signs.next();
        }
        if number == 0 {
            number = last + 1;
        }
        last = last.max(number);
        let _ = write!(made, "${number}");
    }
    made
}

/// A text that PostgreSQL takes: it has none with the sign of number 0.
pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_values_are_numbered_and_texts_are_left_alone() {
        assert_eq!(numbered("a = ? and b = '?' and c = ?"), "a = $1 and b = '?' and c = $2");
        assert_eq!(
            numbered("a = ?2 and b = ?1 and c = ? and d = 'it''s ?'"),
            "a = $2 and b = $1 and c = $3 and d = 'it''s ?'"
        );
        assert_eq!(numbered("limit ?12"), "limit $12");
    }

    #[test]
    fn tables_are_made_in_the_words_of_the_server() {
        assert_eq!(
            with_type("    id   integer primary key autoincrement,"),
            "    id bigint generated by default as identity primary key,"
        );
        assert_eq!(with_type("    text      text not null,"), "    text text collate \"C\" not null,");
        assert_eq!(with_type("    primary key (kind, term)"), "    primary key (kind, term)");
        assert_eq!(
            with_type("alter table a add column looks integer not null default 0;"),
            "alter table a add column looks bigint not null default 0;"
        );
        assert_eq!(with_type("update a set b = c;"), "update a set b = c;");
        let made = tables(include_str!("schema_4.sql"));
        assert!(!made.contains("integer") && !made.contains("strict") && !made.contains("pragma"), "{made}");
    }
}
