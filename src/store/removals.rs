//! Published posts that are to be taken away. A removal that is done again changes nothing on any network, so that a
//! try needs no lease: it is only put off before it is made.

use super::ledger::json_list;
use super::sql::{query, query_scalar};
use super::{Pass, Store, StoreError, instant, log, micros, outbox};
use crate::article::ArticleId;
use crate::config::EndpointName;
use crate::delivery::{Delivery, Receipt};
use crate::plan::Removal;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A post that is to be taken away.
#[derive(Debug)]
pub struct ToRemove {
    /// Its delivery.
    pub delivery: Delivery,
    /// What the network answered to it.
    pub receipt: Receipt,
    /// How many tries there were, with this one.
    pub tries: u32,
    /// When the first of them was.
    pub since: Timestamp,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// It is tried again.
    Again(Timestamp, String),
    /// It stays where it is, and a person is told.
    Failed(String),
}

/// How long a try has before another process may make it too.
const TRY: SignedDuration = SignedDuration::from_mins(10);

const PUBLISHED: &str = "select * from deliveries where article in (select value from json_each(?))
    and state = 'published' and removal is null order by id";

impl Pass {
    /// The published deliveries of some articles of whose removal nothing is decided.
    pub async fn published(&mut self, articles: &BTreeSet<ArticleId>) -> Result<Vec<Delivery>, StoreError> {
        let rows = query(PUBLISHED).bind(json_list(articles)).fetch_all(&mut self.transaction).await?;
        outbox::readable(&rows)
    }

    /// Writes down what is decided of removals.
    pub async fn remove(&mut self, removals: &[(i64, Removal)], now: Timestamp) -> Result<(), StoreError> {
        for (id, removal) in removals {
            let (word, reason) = match removal {
                Removal::Due(reason) => ("due", reason),
                Removal::Held(reason) => ("held", reason),
            };
            query(
                "update deliveries set removal = ?1, removal_at = ?2, reason = ?3,
                    edit = iif(?5 = 1 and coalesce(edit_until, 0) <= ?2, null, edit)
                 where id = ?4 and state = 'published' and removal is null",
            )
            .bind(word)
            .bind(micros(now))
            .bind(reason)
            .bind(id)
            .bind(i32::from(word == "due"))
            .execute(&mut self.transaction)
            .await?;
        }
        log::seal(&mut self.transaction, now).await
    }
}

impl Store {
    /// The deliveries of whose removal a person must decide, or that a person must take away by hand.
    pub async fn asked_removals(&self) -> Result<BTreeSet<i64>, StoreError> {
        let ids = query_scalar("select id from deliveries where removal in ('held', 'failed')");
        let ids: Vec<i64> = ids.fetch_all(&self.pool).await?;
        Ok(ids.into_iter().collect())
    }

    /// What is decided of the removal of a post: `due`, `held`, `done`, `failed`; None if nothing is.
    pub async fn removal(&self, id: i64) -> Result<Option<String>, StoreError> {
        let removal: Option<Option<String>> =
            query_scalar("select removal from deliveries where id = ?").bind(id).fetch_optional(&self.pool).await?;
        Ok(removal.flatten())
    }

    /// The next post of an endpoint that is to be taken away now, unless an edit of it is under way. Nothing moves in
    /// silence.
    pub async fn next_removal(&self, endpoint: &EndpointName, now: Timestamp) -> Result<Option<ToRemove>, StoreError> {
        // Mostly there is none: that is told without a wait for whoever writes.
        let is_any: bool = query_scalar(
            "select exists(select 1 from deliveries where endpoint = ?1 and removal = 'due' and removal_at <= ?2 and coalesce(edit_until, 0) <= ?2)
                and not exists(select 1 from silences where ended_at is null)",
        )
        .bind(endpoint.as_str())
        .bind(micros(now))
        .short()
        .fetch_one(&self.pool)
        .await?;
        if !is_any {
            return Ok(None);
        }
        let until = now.saturating_add(TRY).unwrap_or(Timestamp::MAX);
        let row = query(
            "update deliveries set removal_at = ?1, removal_tries = removal_tries + 1, removal_since = coalesce(removal_since, ?2)
             where id = (select id from deliveries where endpoint = ?3 and removal = 'due' and removal_at <= ?2
                            and coalesce(edit_until, 0) <= ?2
                         order by removal_at, id limit 1)
             returning *",
        )
        .bind(micros(until))
        .bind(micros(now))
        .bind(endpoint.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let delivery = outbox::read_delivery(&row)?;
        let parts: String = row.try_get("remote_parts")?;
        let receipt = Receipt {
            remote_id: delivery.remote_id.clone().unwrap_or_default(),
            remote_url: delivery.remote_url.clone(),
            parts: serde_json::from_str(&parts).unwrap_or_default(),
        };
        let since = instant(row.try_get("removal_since")?)?;
        Ok(Some(ToRemove { delivery, receipt, tries: row.try_get("removal_tries")?, since }))
    }

    /// Records what came of a try.
    pub async fn removed(&self, id: i64, removed: &Removed, now: Timestamp) -> Result<(), StoreError> {
        let (word, at, reason) = match removed {
            Removed::Done => ("done", now, "its article was withdrawn, and the post was taken away"),
            Removed::Again(at, reason) => ("due", *at, reason.as_str()),
            Removed::Failed(reason) => ("failed", now, reason.as_str()),
        };
        let mut transaction = self.pool.begin_to_write().await?;
        query("update deliveries set removal = ?, removal_at = ?, reason = ? where id = ? and removal = 'due'")
            .bind(word)
            .bind(micros(at))
            .bind(reason)
            .bind(id)
            .execute(&mut transaction)
            .await?;
        log::seal(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }
}
