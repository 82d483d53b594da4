//! The columns that subscriptions and pings share: what was told last, and who is at work on it.

use super::owner::Living;
use super::row::Row;
use super::sql::Query;
use super::{Store, StoreError, instant, micros};
use crate::hub::{Owed, Version};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// How long the right to work on one lasts: longer than any request with its time-out. A process that ends gives its own
/// up at once (see `owner`).
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// An instant that may be missing.
pub(super) fn at(row: &Row, name: &str) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>(name)?.map(instant).transpose()
}

pub(super) fn read_owed(row: &Row) -> Result<Owed, StoreError> {
    Ok(Owed {
        told: Version { etag: row.try_get("etag")?, modified: instant(row.try_get("modified")?)? },
        told_at: at(row, "told_at")?,
        given_up: row.try_get("given_up")?,
        tries: row.try_get("tries")?,
        retry_at: at(row, "retry_at")?,
        error: row.try_get("error")?,
    })
}

/// Binds etag, modified, told_at, given_up, tries, retry_at and error, in this order.
pub(super) fn bind_owed(query: Query, owed: &Owed) -> Query {
    query
        .bind(owed.told.etag.clone())
        .bind(micros(owed.told.modified))
        .bind(owed.told_at.map(micros))
        .bind(owed.given_up.clone())
        .bind(owed.tries)
        .bind(owed.retry_at.map(micros))
        .bind(owed.error.clone())
}

/// Tells whether others are at work on rows; each owner is asked about once.
pub(super) struct Busy {
    living: Living,
    now: Timestamp,
    lives: HashMap<String, bool>,
}

impl Busy {
    pub(super) async fn new(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self { living: store.owner.living(&store.pool).await?, now, lives: HashMap::new() })
    }

    /// Until when somebody may be at work on a row; None if nobody is.
    pub(super) fn until(&mut self, row: &Row) -> Result<Option<Timestamp>, StoreError> {
        let Some(until) = at(row, "lease_until")?.filter(|until| *until > self.now) else { return Ok(None) };
        let Some(owner) = row.try_get::<Option<String>, _>("lease_owner")? else { return Ok(None) };
        let lives = *self.lives.entry(owner).or_insert_with_key(|owner| self.living.has(owner));
        Ok(lives.then_some(until))
    }
}
