//! What hubs elsewhere were told, and leases on telling them.

use super::ledger::ROWS;
use super::owed::{Busy, LEASE, bind_owed, read_owed};
use super::row::Row;
use super::sql::{QueryBuilder, query};
use super::{Store, StoreError, micros};
use crate::hub::{Owed, Version};
use jiff::Timestamp;

/// What a hub was told of a topic, as it was found.
#[derive(Debug, Clone)]
pub struct Ping {
    /// The hub's address.
    pub hub: String,
    /// The topic's address.
    pub topic: String,
    /// What it is owed.
    pub owed: Owed,
    /// Tells whether somebody worked on it since.
    pub token: i64,
    /// Until when somebody may be at work on it.
    pub busy: Option<Timestamp>,
}

impl Store {
    /// Keeps topics that were never seen before, as if the hub had been told of them: nobody can have subscribed.
    pub async fn first_sight(&self, hub: &str, topics: &[(String, Version)]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        for chunk in topics.chunks(ROWS) {
            let mut query = QueryBuilder::new("insert into pings (hub, topic, etag, modified, tries) ");
            query.push_values(chunk, |mut row, (topic, version)| {
                row.push_bind(hub).push_bind(topic).push_bind(&version.etag).push_bind(micros(version.modified));
                row.push("0");
            });
            query.push(" on conflict do nothing");
            query.build().execute(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What all hubs were told, or one.
    pub async fn pings(&self, hub: Option<&str>, now: Timestamp) -> Result<Vec<Ping>, StoreError> {
        let rows = query("select * from pings where ?1 is null or hub = ?1 order by hub, topic")
            .bind(hub)
            .fetch_all(&self.pool)
            .await?;
        let mut busy = Busy::new(self, now).await?;
        rows.iter().map(|row| read(row, &mut busy)).collect()
    }

    /// Leases pings, if nobody else took them or worked on them since they were found. Each as it is now; the first of the
    /// pair says whether it is ours, with its new token.
    pub async fn lease_pings(&self, wanted: &[&Ping], now: Timestamp) -> Result<Vec<(bool, Ping)>, StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let mut busy = Busy::new(self, now).await?;
        let mut leased = Vec::new();
        for ping in wanted {
            let row = query("select * from pings where hub = ? and topic = ?")
                .bind(&ping.hub)
                .bind(&ping.topic)
                .fetch_optional(&mut transaction)
                .await?;
            let Some(row) = row else { continue };
            let mut found = read(&row, &mut busy)?;
            let is_ours = found.token == ping.token && found.busy.is_none();
            if is_ours {
                found.token += 1;
                query("update pings set lease_owner = ?, lease_until = ?, lease_token = ? where hub = ? and topic = ?")
                    .bind(self.owner.name())
                    .bind(micros(now.checked_add(LEASE).unwrap_or(Timestamp::MAX)))
                    .bind(found.token)
                    .bind(&found.hub)
                    .bind(&found.topic)
                    .execute(&mut transaction)
                    .await?;
            }
            leased.push((is_ours, found));
        }
        transaction.commit().await?;
        Ok(leased)
    }

    /// Ends leases with what came of them; a lease that another process has taken over changes nothing.
    pub async fn finish_pings(&self, done: &[Ping]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        for ping in done {
            let query = query(
                "update pings set etag = ?, modified = ?, told_at = ?, given_up = ?, tries = ?, retry_at = ?, error = ?,
                    lease_owner = null, lease_until = null where hub = ? and topic = ? and lease_token = ?",
            );
            bind_owed(query, &ping.owed)
                .bind(&ping.hub)
                .bind(&ping.topic)
                .bind(ping.token)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn read(row: &Row, busy: &mut Busy) -> Result<Ping, StoreError> {
    Ok(Ping {
        hub: row.try_get("hub")?,
        topic: row.try_get("topic")?,
        owed: read_owed(row)?,
        token: row.try_get("lease_token")?,
        busy: busy.until(row)?,
    })
}
