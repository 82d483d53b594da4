//! Silence: a person's word that nothing goes out. It is asked in the transaction that gives a lease, and again when an
//! attempt is opened, so that nothing is sent after the word.

use super::row::Row;
use super::sql::{Transaction, query};
use super::{Pass, Store, StoreError, acts, instant, log, micros};
use crate::people::By;
use crate::plan::Silence;
use jiff::Timestamp;

const NOW: &str = "select since, reason, person from silences where ended_at is null";

impl Store {
    /// The silence that holds now.
    pub async fn silence(&self) -> Result<Option<Silence>, StoreError> {
        query(NOW).fetch_optional(&self.pool).await?.as_ref().map(read).transpose()
    }

    /// Has everything held from now on. False if it is already: then nothing changes.
    pub async fn silence_on(&self, reason: &str, by: &By, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin_to_write().await?;
        let done = query("insert into silences (since, reason, person) values (?, ?, ?) on conflict do nothing")
            .bind(micros(now))
            .bind(reason)
            .bind(&by.person)
            .execute(&mut transaction)
            .await?;
        let is_new = done.rows_affected() == 1;
        if is_new {
            acts::write(&mut transaction, by, "silence on", None, Some(reason), now).await?;
            log::seal(&mut transaction, now).await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    /// Lets everything go out again. False if nothing was held.
    pub async fn silence_off(&self, by: &By, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin_to_write().await?;
        let done = query("update silences set ended_at = ?, ended_by = ? where ended_at is null")
            .bind(micros(now))
            .bind(&by.person)
            .execute(&mut transaction)
            .await?;
        let is_ended = done.rows_affected() > 0;
        if is_ended {
            // The patience of what waited begins anew: it was nobody's fault.
            query("update deliveries set patience_from = null where state = 'pending' and patience_from is not null")
                .execute(&mut transaction)
                .await?;
            acts::write(&mut transaction, by, "silence off", None, None, now).await?;
            log::seal(&mut transaction, now).await?;
        }
        transaction.commit().await?;
        Ok(is_ended)
    }
}

impl Pass {
    /// The silence that holds now.
    pub async fn silence(&mut self) -> Result<Option<Silence>, StoreError> {
        query(NOW).fetch_optional(&mut self.transaction).await?.as_ref().map(read).transpose()
    }
}

/// Whether everything is held, asked inside another transaction.
pub(super) async fn is_silent(transaction: &mut Transaction) -> Result<bool, StoreError> {
    Ok(query(NOW).fetch_optional(&mut *transaction).await?.is_some())
}

fn read(row: &Row) -> Result<Silence, StoreError> {
    Ok(Silence { since: instant(row.try_get("since")?)?, reason: row.try_get("reason")?, by: row.try_get("person")? })
}
