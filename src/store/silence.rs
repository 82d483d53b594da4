//! Silence: a person's word that nothing goes out. It is asked in the transaction that gives a lease, and again when an
//! attempt is opened, so that nothing is sent after the word.

use super::{Pass, Store, StoreError, instant, micros};
use crate::plan::Silence;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

const NOW: &str = "select since, reason, person from silences where ended_at is null";

impl Store {
    /// The silence that holds now.
    pub async fn silence(&self) -> Result<Option<Silence>, StoreError> {
        sqlx::query(NOW).fetch_optional(&self.pool).await?.as_ref().map(read).transpose()
    }

    /// Has everything held from now on. False if it is already: then nothing changes.
    pub async fn silence_on(&self, reason: &str, person: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query("insert into silences (since, reason, person) values (?, ?, ?) on conflict do nothing")
            .bind(micros(now))
            .bind(reason)
            .bind(person)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets everything go out again. False if nothing was held.
    pub async fn silence_off(&self, person: Option<&str>, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query("update silences set ended_at = ?, ended_by = ? where ended_at is null")
            .bind(micros(now))
            .bind(person)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Pass {
    /// The silence that holds now.
    pub async fn silence(&mut self) -> Result<Option<Silence>, StoreError> {
        sqlx::query(NOW).fetch_optional(&mut *self.transaction).await?.as_ref().map(read).transpose()
    }
}

/// Whether everything is held, asked inside another transaction.
pub(super) async fn is_silent(transaction: &mut Transaction<'_, Sqlite>) -> Result<bool, StoreError> {
    Ok(sqlx::query(NOW).fetch_optional(&mut **transaction).await?.is_some())
}

fn read(row: &SqliteRow) -> Result<Silence, StoreError> {
    Ok(Silence { since: instant(row.try_get("since")?)?, reason: row.try_get("reason")?, by: row.try_get("person")? })
}
