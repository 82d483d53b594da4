//! Published posts that are to be withdrawn. A removal that is done again changes nothing on any network, so that a
//! try needs no lease: it is only put off before it is made.

use super::edits::{TRY, of_a_wrong_clock};
use super::ledger::json_list;
use super::row::Row;
use super::silence::is_silent;
use super::sql::{Transaction, query, query_scalar};
use super::{Pass, Store, StoreError, instant, log, micros, outbox};
use crate::article::ArticleId;
use crate::config::EndpointName;
use crate::delivery::{Delivery, Receipt, Removal};
use crate::span::after;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A post that is to be withdrawn.
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
    /// Whether a person wants it, whatever the article says.
    pub by_hand: bool,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// The article came back: the post stays.
    Kept,
    /// It is tried again.
    Again(Timestamp, String),
    /// It stays where it is, and a person is told.
    Failed(String),
}

/// A removal waits no longer than this, by a clock that is right.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(25);

/// Whether a removal is to be tried now; `?2` is now, `?3` and `?4` are beyond what a try and a wait can last: what lies there,
/// a clock that was wrong put there.
macro_rules! removal_is_due {
    () => {
        "endpoint = ?1 and removal = 'due' and (removal_at <= ?2 or removal_at > ?4)
            and (coalesce(edit_until, 0) <= ?2 or edit_until > ?3)"
    };
}

const PUBLISHED: &str = "select * from deliveries where article in (select value from json_each(?))
    and state = 'published' and removal is null order by id";

impl Pass {
    /// The published deliveries of some articles of whose removal nothing is decided.
    pub async fn published(&mut self, articles: &BTreeSet<ArticleId>) -> Result<Vec<Delivery>, StoreError> {
        let rows = query(PUBLISHED).bind(json_list(articles)).fetch_all(&mut self.transaction).await?;
        outbox::readable(&rows)
    }

    /// The articles of whose posts a person is asked whether they are withdrawn.
    pub async fn held_removals(&mut self) -> Result<BTreeSet<ArticleId>, StoreError> {
        let held: Vec<String> =
            query_scalar("select distinct article from deliveries where removal = 'held' and state = 'published'")
                .fetch_all(&mut self.transaction)
                .await?;
        Ok(held.iter().filter_map(|id| ArticleId::parse(id)).collect())
    }

    /// Takes back the question whether posts are withdrawn, since their articles are there again.
    pub async fn keep(&mut self, articles: &BTreeSet<ArticleId>, now: Timestamp) -> Result<(), StoreError> {
        query(
            "update deliveries set removal = null, removal_at = null, edit = 'new',
                reason = 'its article came back: the post stays'
             where article in (select value from json_each(?)) and state = 'published' and removal = 'held'",
        )
        .bind(json_list(articles))
        .execute(&mut self.transaction)
        .await?;
        log::seal(&mut self.transaction, now).await
    }

    /// Writes down what is decided of removals.
    pub async fn remove(&mut self, removals: &[(i64, Removal, String)], now: Timestamp) -> Result<(), StoreError> {
        for (id, removal, reason) in removals {
            query(
                "update deliveries set removal = ?1, removal_at = ?2, reason = ?3,
                    edit = iif(?5 = 1 and coalesce(edit_until, 0) <= ?2, null, edit)
                 where id = ?4 and state = 'published' and removal is null",
            )
            .bind(removal.word())
            .bind(micros(now))
            .bind(reason)
            .bind(id)
            .bind(i32::from(*removal == Removal::Due))
            .execute(&mut self.transaction)
            .await?;
        }
        log::seal(&mut self.transaction, now).await
    }
}

fn read(row: &Row) -> Result<ToRemove, StoreError> {
    let delivery = outbox::read_delivery(row)?;
    let parts: String = row.try_get("remote_parts")?;
    let receipt = Receipt {
        remote_id: delivery.remote_id.clone().unwrap_or_default(),
        remote_url: delivery.remote_url.clone(),
        parts: serde_json::from_str(&parts).unwrap_or_default(),
    };
    Ok(ToRemove {
        delivery,
        receipt,
        tries: row.try_get("removal_tries")?,
        since: instant(row.try_get("removal_since")?)?,
        by_hand: row.try_get("removal_by_hand")?,
    })
}

impl Store {
    /// The next post of an endpoint that is to be withdrawn now, unless an edit of it is under way. Nothing moves in
    /// silence.
    pub async fn next_removal(&self, endpoint: &EndpointName, now: Timestamp) -> Result<Option<ToRemove>, StoreError> {
        // Mostly there is none: that is told without a wait for whoever writes.
        let is_any: bool = query_scalar(concat!(
            "select exists(select 1 from deliveries where ",
            removal_is_due!(),
            ") and not exists(select 1 from silences where ended_at is null)"
        ))
        .bind(endpoint.as_str())
        .bind(micros(now))
        .bind(micros(of_a_wrong_clock(now)))
        .bind(micros(after(now, WAIT_MAX)))
        .short()
        .fetch_one(&self.pool)
        .await?;
        if !is_any {
            return Ok(None);
        }
        let until = after(now, TRY);
        let mut transaction = self.begin_to_write().await?;
        if is_silent(&mut transaction).await? {
            return Ok(None);
        }
        let row = query(concat!(
            "update deliveries set removal_at = ?5, removal_tries = removal_tries + 1, removal_since = coalesce(removal_since, ?2)
             where id = (select id from deliveries where ",
            removal_is_due!(),
            " order by removal_at, id limit 1) returning *"
        ))
        .bind(endpoint.as_str())
        .bind(micros(now))
        .bind(micros(of_a_wrong_clock(now)))
        .bind(micros(after(now, WAIT_MAX)))
        .bind(micros(until))
        .fetch_optional(&mut transaction)
        .await?;
        let due = row.as_ref().map(|row| (row.try_get::<i64, _>("id"), read(row)));
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        match due {
            // Whatever it is that cannot be understood, a person must see to it; others are withdrawn all the same.
            Some((id, Err(error @ StoreError::Corrupt { .. }))) => {
                self.removed(id?, &Removed::Failed(error.to_string()), now).await?;
                Ok(None)
            }
            Some((_, due)) => due.map(Some),
            None => Ok(None),
        }
    }

    /// Records what came of a try.
    pub async fn removed(&self, id: i64, removed: &Removed, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin_to_write().await?;
        let done = match who_withdrew(&mut transaction, id).await? {
            Some(person) => format!("{person} withdrew it by hand, and it is gone from its network"),
            None => "its article was withdrawn, and the post with it".to_owned(),
        };
        let (removal, at, reason) = match removed {
            Removed::Done => (Some(Removal::Done), now, done.as_str()),
            Removed::Kept => (None, now, "its article came back before the post was withdrawn: it stays"),
            Removed::Again(at, reason) => (Some(Removal::Due), *at, reason.as_str()),
            Removed::Failed(reason) => (Some(Removal::Failed), now, reason.as_str()),
        };
        // One that stays may have to say another thing by now: that is looked at as if it had just come.
        query(
            "update deliveries set removal = ?1, removal_at = ?2, reason = ?3, edit = iif(?1 is null, 'new', edit)
             where id = ?4 and removal = 'due'",
        )
        .bind(removal.map(Removal::word))
        .bind(micros(at))
        .bind(reason)
        .bind(id)
        .execute(&mut transaction)
        .await?;
        log::seal(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }
}

/// Who wanted a post withdrawn, whatever its article says; None if nobody did.
async fn who_withdrew(transaction: &mut Transaction, id: i64) -> Result<Option<String>, StoreError> {
    Ok(query_scalar(
        "select person from acts where delivery = ?1 and act = 'withdraw'
            and exists(select 1 from deliveries where id = ?1 and removal_by_hand = 1) order by id desc limit 1",
    )
    .bind(id)
    .fetch_optional(transaction)
    .await?)
}
