//! The outbox: the deliveries there are, their attempts, and what people say of them. `leases` tries them.

use super::row::Row;
use super::sql::{query, query_scalar};
use super::{Store, StoreError, acts, corrupt, instant, log, micros};
use crate::article::ArticleId;
use crate::config::EndpointName;
use crate::delivery::{Delivery, DeliveryKey, HELD_BY_HAND, Removal, State};
use crate::people::By;
use crate::post::Post;
use jiff::Timestamp;

/// The columns that [`read_delivery`] reads. There are many more, and where many rows are read they are what takes time.
macro_rules! columns {
    () => {
        "id, article, rule, step, endpoint, network, path, state, due_at, post, attempts, remote_id, remote_url, remote_parts, reason, removal, withdrawn, by_hand, look_first, urgent"
    };
}
pub(super) use columns;

/// One try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; None if it never did.
    pub finished_at: Option<Timestamp>,
    /// `published`, `again`, `failed`, `uncertain`.
    pub outcome: Option<String>,
    /// What the network said.
    pub detail: Option<String>,
}

/// A person's word on a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonWord {
    /// A pending one waits.
    Hold,
    /// One that waits never goes out.
    Cancel,
    /// One that failed, was called off or is uncertain is tried again; where the network may have it, it is asked first.
    Retry,
    /// The network has an uncertain one.
    Published {
        /// At this address.
        url: String,
        /// What the network calls it, if that is known.
        id: Option<String>,
    },
    /// The network does not have an uncertain one: it is tried again.
    NotPublished,
    /// A published one is withdrawn.
    Withdraw,
    /// One that waits in a queue goes before the others.
    Hurry,
    /// A published one is made what its article says.
    Edit,
    /// A published one stays as it is, though its article changed.
    Keep,
}

impl PersonWord {
    /// What it is called in the log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Published { .. } => "published",
            Self::NotPublished => "not published",
            Self::Withdraw => "withdraw",
            Self::Hurry => "hurry",
            Self::Edit => "edit",
            Self::Keep => "keep",
        }
    }
}

impl Store {
    /// All deliveries, oldest first.
    pub async fn deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let rows = query(concat!("select ", columns!(), " from deliveries order by id")).fetch_all(&self.pool).await?;
        readable(&rows)
    }

    /// Ids and addresses of the posts of an endpoint that other deliveries than the given one account for.
    pub async fn receipts(&self, endpoint: &EndpointName, but: i64) -> Result<Vec<String>, StoreError> {
        let rows = query(
            "select remote_id, remote_url, remote_parts from deliveries
             where endpoint = ?1 and remote_id is not null and id <> ?2",
        );
        let mut receipts = Vec::new();
        for row in rows.bind(endpoint.as_str()).bind(but).fetch_all(&self.pool).await? {
            receipts.push(row.try_get("remote_id")?);
            receipts.extend(row.try_get::<Option<String>, _>("remote_url")?);
            let parts: String = row.try_get("remote_parts")?;
            receipts.extend(serde_json::from_str::<Vec<String>>(&parts).unwrap_or_default());
        }
        Ok(receipts)
    }

    /// One delivery.
    pub async fn delivery(&self, id: i64) -> Result<Option<Delivery>, StoreError> {
        let row = query("select * from deliveries where id = ?").bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_delivery).transpose()
    }

    /// The post of a delivery as it was last about to be sent; None before the first try, and where it cannot be read.
    pub async fn sent(&self, id: i64) -> Result<Option<Post>, StoreError> {
        let json: Option<Option<String>> =
            query_scalar("select post from deliveries where id = ?").bind(id).fetch_optional(&self.pool).await?;
        Ok(json.flatten().and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Where the newest post of an endpoint is, that has an address.
    pub async fn last_address(&self, endpoint: &EndpointName) -> Result<Option<String>, StoreError> {
        Ok(query_scalar(
            "select remote_url from deliveries where endpoint = ? and remote_url is not null and published_at is not null order by published_at desc limit 1",
        )
        .bind(endpoint.as_str())
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The tries of a delivery, first to last.
    pub async fn attempts(&self, id: i64) -> Result<Vec<Attempt>, StoreError> {
        let rows =
            query("select * from attempts where delivery = ? order by number").bind(id).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Attempt {
                    number: row.try_get("number")?,
                    started_at: instant(row.try_get("started_at")?)?,
                    finished_at: row.try_get::<Option<i64>, _>("finished_at")?.map(instant).transpose()?,
                    outcome: row.try_get("outcome")?,
                    detail: row.try_get("detail")?,
                })
            })
            .collect()
    }

    /// Carries out a person's word. False if the delivery is in no state for it.
    pub async fn obey(&self, id: i64, word: &PersonWord, by: &By, now: Timestamp) -> Result<bool, StoreError> {
        let due = micros(now);
        let query = match word {
            PersonWord::Hold => {
                query("update deliveries set state = 'held', reason = ?1 where id = ?2 and state = 'pending' and look_first = 0").bind(HELD_BY_HAND)
            }
            PersonWord::Cancel => query(
                "update deliveries set state = 'cancelled', reason = 'called off by hand', withdrawn = 0
                 where id = ?2 and ?1 > 0 and look_first = 0 and state in ('pending', 'held', 'failed')",
            )
            .bind(due),
            PersonWord::Retry => query(
                "update deliveries set state = 'pending', reason = 'tried again by hand', due_at = ?1, retry_at = null, patience_from = ?1, looks = 0, withdrawn = 0, by_hand = 1
                 where id = ?2 and state in ('failed', 'cancelled', 'uncertain')",
            )
            .bind(due),
            PersonWord::Published { url, id: called } => query(
                "update deliveries set state = 'published', reason = 'settled by hand', remote_id = coalesce(remote_id, ?4, ?3), remote_url = ?3,
                    published_at = ?1, look_first = 0, edit = 'new' where id = ?2 and state = 'uncertain'",
            )
            .bind(due)
            .bind(id)
            .bind(url)
            .bind(called),
            PersonWord::NotPublished => query(
                "update deliveries set state = 'pending', reason = 'settled by hand: the network does not have it', due_at = ?1, retry_at = null, by_hand = 1, look_first = 0,
                    patience_from = ?1 where id = ?2 and state = 'uncertain'",
            )
            .bind(due),
            PersonWord::Hurry => query(
                "update deliveries set urgent = 1, reason = iif(state = 'pending', 'put before the others by hand', reason)
                 where id = ?2 and ?1 > 0 and state in ('pending', 'held') and look_first = 0 and urgent = 0",
            )
            .bind(due),
            PersonWord::Withdraw => query(
                "update deliveries set removal = 'due', removal_at = ?1, removal_since = null, removal_tries = 0, removal_by_hand = 1,
                    reason = 'it is to be withdrawn, by hand',
                    edit = iif(edit_until > ?1, edit, null)
                 where id = ?2 and state = 'published' and coalesce(removal, '') not in ('due', 'done')",
            )
            .bind(due),
            PersonWord::Edit => query(
                "update deliveries set edit = 'due', edit_at = ?1, edit_by_hand = 1, edit_asks = 0, edit_since = null, edit_tries = 0,
                    reason = 'it is to be made what its article says, by hand'
                 where id = ?2 and state = 'published' and coalesce(removal, '') not in ('due', 'done')
                    and coalesce(edit_until, 0) <= ?1",
            )
            .bind(due),
            PersonWord::Keep => query(
                "update deliveries set edit = null, edition = coalesce(edit_edition, edition), edit_edition = null, edit_post = null,
                    edit_by_hand = 0, edit_asks = 0, reason = 'it stays as it is, by hand, though its article changed'
                 where id = ?2 and state = 'published' and edit in ('due', 'held', 'failed') and coalesce(edit_until, 0) <= ?1",
            )
            .bind(due),
        };
        let query = if matches!(word, PersonWord::Published { .. }) { query } else { query.bind(id) };
        let mut transaction = self.begin_to_write().await?;
        let is_obeyed = query.execute(&mut transaction).await?.rows_affected() == 1;
        if is_obeyed {
            let address = if let PersonWord::Published { url, .. } = word { Some(url.as_str()) } else { None };
            acts::write(&mut transaction, by, word.word(), Some(id), address, now).await?;
        }
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(is_obeyed)
    }
}

/// Those rows that can be read; of the others it is said that they cannot.
pub(super) fn readable(rows: &[Row]) -> Result<Vec<Delivery>, StoreError> {
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        match read_delivery(row) {
            Ok(delivery) => read.push(delivery),
            Err(error @ StoreError::Corrupt { .. }) => {
                let id: i64 = row.try_get("id")?;
                tracing::error!(delivery = id, "delivery {id} is left out: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Reads a row of the outbox. Of a text that cannot be read nothing is said here: it matters when it is sent.
pub(super) fn read_delivery(row: &Row) -> Result<Delivery, StoreError> {
    let article: String = row.try_get("article")?;
    let state: String = row.try_get("state")?;
    let post: Option<String> = row.try_get("post").unwrap_or_default();
    let text = post.and_then(|json| serde_json::from_str::<Post>(&json).ok()).map(|post| post.text);
    let parts: String = row.try_get("remote_parts")?;
    let removal: Option<String> = row.try_get("removal")?;
    let removal = removal.map(|word| Removal::parse(&word).ok_or_else(|| corrupt("removal", word))).transpose()?;
    Ok(Delivery {
        id: row.try_get("id")?,
        key: DeliveryKey {
            article: ArticleId::parse(&article).ok_or_else(|| corrupt("identity", article))?,
            rule: row.try_get("rule")?,
            step: row.try_get("step")?,
            endpoint: EndpointName::new(row.try_get::<String, _>("endpoint")?),
        },
        network: row.try_get("network")?,
        path: row.try_get("path")?,
        state: State::parse(&state).ok_or_else(|| corrupt("state", state))?,
        due_at: instant(row.try_get("due_at")?)?,
        text,
        attempts: row.try_get("attempts")?,
        remote_id: row.try_get("remote_id")?,
        remote_url: row.try_get("remote_url")?,
        remote_parts: serde_json::from_str(&parts).map_err(|_| corrupt("list of parts", parts))?,
        reason: row.try_get("reason")?,
        removal,
        withdrawn: row.try_get("withdrawn")?,
        by_hand: row.try_get("by_hand")?,
        look_first: row.try_get("look_first")?,
        urgent: row.try_get("urgent")?,
    })
}
