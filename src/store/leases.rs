//! Leases and attempts: the right to try a delivery, and what became of it.
//!
//! A lease is the right to try one delivery. Its token grows with every lease, so that a process whose lease ended
//! cannot write over the next one's work. An attempt is opened, on disk, before the first byte may be sent; one that
//! is still open when its lease ends means that the network may have the post.

use super::outbox::read_delivery;
use super::row::Row;
use super::silence::is_silent;
use super::sql::{Transaction, query};
use super::{Store, StoreError, corrupt, instant, log, micros, sent};
use crate::config::EndpointName;
use crate::delivery::{Delivery, Receipt, State};
use crate::post::Post;
use crate::rate::Rate;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The right to try one delivery.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The delivery.
    pub delivery: Delivery,
    /// A person's own text for it, a template.
    pub text: Option<String>,
    /// The post as it was sent before, if the network may have it: it must go out again byte for byte, or be found.
    pub sent: Option<Post>,
    /// When the first try began, if there was one.
    pub first_attempt: Option<Timestamp>,
    /// When the last try began.
    pub last_attempt: Option<Timestamp>,
    /// From when on giving up is reckoned.
    pub patience_from: Option<Timestamp>,
    /// How often the network was asked since the last try whether it has the post.
    pub looks: u32,
    /// Whether it was held for an image: a person who let it go on since then knows.
    pub image_held: bool,
    /// Not before this instant it is tried.
    retry_at: Option<Timestamp>,
    /// Tells this lease from later ones.
    token: i64,
}

impl Lease {
    /// The lease that can be had of a delivery.
    fn read(row: &Row) -> Result<Self, StoreError> {
        let at = |name: &str| -> Result<Option<Timestamp>, StoreError> {
            row.try_get::<Option<i64>, _>(name)?.map(instant).transpose()
        };
        let json: Option<String> = if row.try_get("look_first")? { row.try_get("post")? } else { None };
        let sent = json.map(|json| serde_json::from_str(&json).map_err(|_| corrupt("post", json))).transpose()?;
        Ok(Self {
            delivery: read_delivery(row)?,
            text: row.try_get("override")?,
            sent,
            first_attempt: at("first_attempt")?,
            last_attempt: at("last_attempt")?,
            patience_from: at("patience_from")?,
            looks: row.try_get("looks")?,
            image_held: row.try_get("image_held")?,
            retry_at: at("retry_at")?,
            token: row.try_get::<i64, _>("lease_token")?.saturating_add(1),
        })
    }
}

/// On which terms an endpoint takes its next post.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How quickly posts follow each other.
    pub rate: Rate,
    /// The least time between a try whose end is unknown and the look whether the network has the post.
    pub look_after: SignedDuration,
    /// The rules that are queues: of each, posts go out one after the other, and one that has to wait is not overtaken.
    pub queues: Arc<BTreeSet<String>>,
    /// The site's zone, in which people are told until when it waits.
    pub zone: TimeZone,
}

impl Default for Terms {
    fn default() -> Self {
        let (rate, look_after, queues) = (Rate::default(), SignedDuration::ZERO, Arc::default());
        Self { rate, look_after, queues, zone: TimeZone::UTC }
    }
}

/// The answer to a wish for a lease.
#[derive(Debug)]
pub enum Leased {
    /// Here it is.
    Lease(Box<Lease>),
    /// Nothing can be tried now; ask again at this instant, if one is known.
    Wait(Option<Timestamp>),
}

/// The answer to the opening of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It is open: the post may be sent.
    Started,
    /// The lease has ended: nothing may be sent.
    Lost,
    /// A person had everything held meanwhile: nothing may be sent.
    Silent,
}

/// What became of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The network has the post.
    Published(Receipt),
    /// The network has the post: it was found there after a try whose end was unknown.
    Found(Receipt),
    /// Try again.
    Again {
        /// When.
        at: Timestamp,
        /// Whether the network may have the post.
        look_first: bool,
        /// Why.
        reason: String,
    },
    /// The network was asked and does not have the post; it is asked once more, later, before the post is sent again.
    LookAgain {
        /// When.
        at: Timestamp,
    },
    /// It will not be tried again.
    Failed(String),
    /// A person must settle whether the network has the post.
    Uncertain(String),
    /// It was not tried: it waits for a person's word on an image of it.
    Held(String),
    /// It was not tried: it is called off with its article.
    Withdrawn(String),
    /// It was not tried: it waits for the approval of people.
    Unapproved(String),
}

/// The answer to an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It is written.
    Recorded,
    /// The lease had ended, and another process has the delivery.
    Lost,
}

/// How long a lease lasts, and lasts again from the opening of an attempt: longer than any request with its time-outs.
/// A process that ends gives its leases up at once (see `owner`).
pub const LEASE: SignedDuration = SignedDuration::from_mins(5);

impl Store {
    /// Leases the next due delivery of an endpoint: at most one at a time is under way, and they follow each
    /// other as the terms allow. `only` limits the wish to one delivery. `look_after` is the least time between a try whose end is
    /// unknown and the look whether the network has the post.
    pub async fn lease(
        &self,
        endpoint: &EndpointName,
        only: Option<i64>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Leased, StoreError> {
        let mut transaction = self.begin_to_write().await?;
        let busy = self.take_back(&mut transaction, endpoint, terms.look_after, now).await?;
        forget_waits_of_a_wrong_clock(&mut transaction, endpoint, terms.look_after, now).await?;
        if is_silent(&mut transaction).await? {
            transaction.commit().await?;
            return Ok(Leased::Wait(None));
        }
        if let Some(until) = busy {
            transaction.commit().await?;
            return Ok(Leased::Wait(Some(until)));
        }
        let next = match only {
            Some(id) => {
                let only = query("select * from deliveries where endpoint = ? and state = 'pending' and id = ?");
                only.bind(endpoint.as_str()).bind(id).fetch_optional(&mut transaction).await?
            }
            None => next_in_line(&mut transaction, endpoint, &terms.queues, now).await?,
        };
        let Some(row) = next else {
            transaction.commit().await?;
            return Ok(Leased::Wait(None));
        };
        // All of it is read before anything is given: what cannot be understood must not be found out under a lease.
        let lease = match Lease::read(&row) {
            Ok(lease) => lease,
            Err(error @ StoreError::Corrupt { .. }) => {
                set_aside(&mut transaction, row.try_get("id")?, &error).await?;
                log::seal(&mut transaction, now).await?;
                transaction.commit().await?;
                return Ok(Leased::Wait(Some(now)));
            }
            Err(error) => return Err(error),
        };
        let (delivery, rate) = (&lease.delivery, terms.rate);
        let endpoint = &delivery.key.endpoint;
        let opens = rate.opens(sent::last(&mut transaction, endpoint, delivery.id, rate, now).await?);
        let due = delivery.due_at.max(lease.retry_at.unwrap_or(Timestamp::MIN));
        if due > now || opens.at() > now {
            if let Some(until) = opens.full_until(now).filter(|_| due <= now) {
                sent::say_that_it_waits(&mut transaction, delivery, terms, until).await?;
                log::seal(&mut transaction, now).await?;
            }
            transaction.commit().await?;
            return Ok(Leased::Wait(Some(due.max(opens.at()))));
        }
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        query(
            "update deliveries set state = 'sending', lease_owner = ?, lease_until = ?, lease_token = ? where id = ?",
        )
        .bind(self.owner.name())
        .bind(micros(until))
        .bind(lease.token)
        .bind(delivery.id)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(Leased::Lease(Box::new(lease)))
    }

    /// Takes back what an ended lease or an ended process left under way. Until when another process has a lease.
    async fn take_back(
        &self,
        transaction: &mut Transaction,
        endpoint: &EndpointName,
        look_after: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let rows = query("select id, lease_owner, lease_until, look_first, last_attempt from deliveries where endpoint = ? and state = 'sending'")
            .bind(endpoint.as_str())
            .fetch_all(&mut *transaction)
            .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut busy: Option<Timestamp> = None;
        // By the connection that it has: another one may have to be waited for, by all who wait for this transaction.
        let living = self.owner.living(&mut *transaction).await?;
        for row in rows {
            let owner: Option<String> = row.try_get("lease_owner")?;
            let until = instant(row.try_get::<Option<i64>, _>("lease_until")?.unwrap_or(0))?;
            if until > now && owner.is_some_and(|owner| living.has(&owner)) {
                busy = busy.into_iter().chain([until]).min();
                continue;
            }
            let id: i64 = row.try_get("id")?;
            let look_first: bool = row.try_get("look_first")?;
            let last: Option<i64> = row.try_get("last_attempt")?;
            // What was not tried waits for nothing: not for this moment either, which a clock that is wrong may put ahead.
            let due = match last.filter(|_| look_first) {
                Some(last) => Some(instant(last)?.min(now).checked_add(look_after).unwrap_or(Timestamp::MAX)),
                None => None,
            };
            query(
                "update deliveries set state = 'pending', lease_owner = null, lease_until = null, lease_token = lease_token + 1,
                    retry_at = ?, waits_from = ?, reason = ? where id = ?",
            )
            .bind(due.map(micros))
            .bind(micros(now))
            .bind(look_first.then_some("the last try was cut off; the network is asked before anything is sent again"))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        }
        log::seal(transaction, now).await?;
        Ok(busy)
    }

    /// Opens an attempt and keeps the post, before anything is sent. `edition` is the form of the article that it is made
    /// of; of a post that may have been sent, that which it had then counts.
    pub async fn start(&self, lease: &Lease, post: &Post, edition: &str, now: Timestamp) -> Result<Start, StoreError> {
        let mut transaction = self.begin_to_write().await?;
        if is_silent(&mut transaction).await? {
            return Ok(Start::Silent);
        }
        let json = serde_json::to_string(post).map_err(|_| corrupt("post", post.text.clone()))?;
        let done = query(
            "update deliveries set post = ?2, edition = iif(look_first = 1, edition, ?6), look_first = 1, attempts = attempts + 1, looks = 0,
                lease_until = ?5, first_attempt = coalesce(first_attempt, ?1), last_attempt = ?1,
                patience_from = iif(attempts = 0, ?1, coalesce(patience_from, ?1))
             where id = ?3 and state = 'sending' and lease_token = ?4 and lease_until > ?1",
        )
        .bind(micros(now))
        .bind(json)
        .bind(lease.delivery.id)
        .bind(lease.token)
        .bind(micros(now.checked_add(LEASE).unwrap_or(Timestamp::MAX)))
        .bind(edition)
        .execute(&mut transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(Start::Lost);
        }
        query(
            "insert into attempts (delivery, number, lease_token, started_at)
             select id, attempts, ?, ? from deliveries where id = ?",
        )
        .bind(lease.token)
        .bind(micros(now))
        .bind(lease.delivery.id)
        .execute(&mut transaction)
        .await?;
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(Start::Started)
    }

    /// Ends a lease with what became of it. A receipt counts even if the lease has ended: the network has the post.
    pub async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Finish, StoreError> {
        let (state, reason) = match outcome {
            Outcome::Published(_) => (State::Published, None),
            Outcome::Found(_) => (State::Published, Some("the network had the post already; it was not sent again")),
            Outcome::Again { reason, .. } => (State::Pending, Some(reason.as_str())),
            Outcome::LookAgain { .. } => {
                (State::Pending, Some("a try was cut off; the network is asked once more whether it has the post"))
            }
            Outcome::Failed(reason) => (State::Failed, Some(reason.as_str())),
            Outcome::Uncertain(reason) => (State::Uncertain, Some(reason.as_str())),
            Outcome::Held(reason) => (State::Held, Some(reason.as_str())),
            Outcome::Withdrawn(reason) => (State::Cancelled, Some(reason.as_str())),
            Outcome::Unapproved(reason) => (State::Held, Some(reason.as_str())),
        };
        // A doubt once raised stays until the network has the post: whatever comes of a later try, it looks first.
        let doubt = lease.sent.is_some();
        let (retry_at, look_first) = match outcome {
            Outcome::Again { at, look_first, .. } => (Some(micros(*at)), *look_first || doubt),
            Outcome::LookAgain { at } => (Some(micros(*at)), true),
            Outcome::Uncertain(_) => (None, true),
            Outcome::Failed(_) | Outcome::Held(_) | Outcome::Withdrawn(_) | Outcome::Unapproved(_) => (None, doubt),
            Outcome::Published(_) | Outcome::Found(_) => (None, false),
        };
        let receipt = match outcome {
            Outcome::Published(receipt) | Outcome::Found(receipt) => Some(receipt),
            _ => None,
        };
        let mut transaction = self.begin_to_write().await?;
        let done = query(
            "update deliveries set state = ?1, reason = ?2, retry_at = ?3, look_first = ?4, withdrawn = ?5,
                remote_id = ?6, remote_url = ?7, remote_parts = ?12, published_at = ?8, edit = iif(?6 is null, edit, 'new'), looks = looks + ?11, image_held = max(image_held, ?13), lease_owner = null, lease_until = null,
                waits_from = iif(?3 is null, null, ?14),
                patience_from = case when attempts > 0 then patience_from when ?3 is null then null else coalesce(patience_from, ?14) end
             where id = ?9 and ((state = 'sending' and lease_token = ?10) or (?6 is not null and state <> 'published'))",
        )
        .bind(state.word())
        .bind(reason)
        .bind(retry_at)
        .bind(look_first)
        .bind(matches!(outcome, Outcome::Withdrawn(_)))
        .bind(receipt.map(|receipt| &receipt.remote_id))
        .bind(receipt.and_then(|receipt| receipt.remote_url.as_ref()))
        .bind(receipt.map(|_| micros(now)))
        .bind(lease.delivery.id)
        .bind(lease.token)
        .bind(i32::from(matches!(outcome, Outcome::LookAgain { .. })))
        .bind(receipt.map_or_else(|| "[]".to_owned(), |receipt| serde_json::json!(receipt.parts).to_string()))
        .bind(matches!(outcome, Outcome::Held(_)))
        .bind(micros(now))
        .execute(&mut transaction)
        .await?;
        let word = match outcome {
            Outcome::Published(_) => "published",
            Outcome::Found(_) => "found",
            Outcome::Again { .. } => "again",
            Outcome::LookAgain { .. } => "again",
            Outcome::Failed(_) => "failed",
            Outcome::Uncertain(_) => "uncertain",
            Outcome::Held(_) => "held",
            Outcome::Withdrawn(_) => "withdrawn",
            Outcome::Unapproved(_) => "held",
        };
        let recorded = done.rows_affected() == 1;
        if recorded || receipt.is_some() {
            // Its own attempt, and those before it that nobody could end.
            query(
                "update attempts set finished_at = ?, outcome = ?, detail = ?
                 where delivery = ? and finished_at is null and (lease_token = ? or number <= ?)",
            )
            .bind(micros(now))
            .bind(word)
            .bind(reason.map(str::to_owned).or_else(|| receipt.map(|receipt| receipt.remote_id.clone())))
            .bind(lease.delivery.id)
            .bind(lease.token)
            .bind(lease.delivery.attempts)
            .execute(&mut transaction)
            .await?;
        }
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(if recorded { Finish::Recorded } else { Finish::Lost })
    }
}

/// Waits that began at a moment that is still to come, as it seems, are of a clock that was wrong: they end. Whatever the
/// network may have is looked for with the patience that a try just now would have.
async fn forget_waits_of_a_wrong_clock(
    transaction: &mut Transaction,
    endpoint: &EndpointName,
    look_after: SignedDuration,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "update deliveries set retry_at = iif(look_first = 1, ?3, null), waits_from = ?2
         where endpoint = ?1 and state = 'pending' and waits_from > ?2",
    )
    .bind(endpoint.as_str())
    .bind(micros(now))
    .bind(micros(now.saturating_add(look_after).unwrap_or(Timestamp::MAX)))
    .execute(transaction)
    .await?;
    Ok(())
}

/// Whether none of the same queue waits that was due earlier; `?2` are the rules that are queues.
macro_rules! in_turn {
    () => {
        "not exists (select 1 from deliveries as earlier where d.by_hand = 0
            and d.rule in (select value from json_each(?2)) and earlier.endpoint = d.endpoint
            and earlier.state = 'pending' and earlier.rule = d.rule and earlier.step = d.step and earlier.by_hand = 0
            and (earlier.due_at < d.due_at or (earlier.due_at = d.due_at and earlier.id < d.id)))"
    };
}

/// The delivery of an endpoint that is to be tried now; if there is none, the one that is to be tried first. In a queue,
/// none is before one that was due earlier and has to wait: for its page, or until the network is there again.
async fn next_in_line(
    transaction: &mut Transaction,
    endpoint: &EndpointName,
    queues: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Option<Row>, StoreError> {
    let queues = serde_json::json!(queues).to_string();
    let due = query(concat!(
        "select * from deliveries as d where endpoint = ?1 and state = 'pending' and due_at <= ?3
            and coalesce(retry_at, due_at) <= ?3 and ",
        in_turn!(),
        " order by due_at, id limit 1"
    ));
    let due = due.bind(endpoint.as_str()).bind(&queues).bind(micros(now)).fetch_optional(&mut *transaction).await?;
    if due.is_some() {
        return Ok(due);
    }
    let first = query(concat!(
        "select * from deliveries as d where endpoint = ?1 and state = 'pending' and ",
        in_turn!(),
        " order by max(due_at, coalesce(retry_at, due_at)), id limit 1"
    ));
    Ok(first.bind(endpoint.as_str()).bind(&queues).fetch_optional(transaction).await?)
}

/// A delivery whose row holds what cannot be understood waits for a person; the others go on.
async fn set_aside(transaction: &mut Transaction, id: i64, error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(delivery = id, "delivery {id} is set aside: {error}");
    query("update deliveries set state = 'uncertain', look_first = 1, reason = ? where id = ?")
        .bind(format!("{error}; look at the account and settle it with `crieur posts resolve {id}`"))
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}
