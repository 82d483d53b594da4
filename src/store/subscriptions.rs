//! Subscriptions at the built-in hub. What becomes of one is decided in `hub`; here it is kept, and leased to one process
//! at a time.
//!
//! Each lease has a token, one higher than the last. A row is leased only if its token is the one that was seen when it
//! was looked at, so nothing is done twice that another process did meanwhile.

use super::owed::{Busy, LEASE, at, bind_owed, read_owed};
use super::row::Row;
use super::sql::{Transaction, query};
use super::{Store, StoreError, corrupt, instant, micros};
use crate::hub::{Asked, Counts, Mode, Outcome, State, Subscription, tidy_before};
use crate::secret::Sealed;
use jiff::{SignedDuration, Timestamp};

/// A subscription as it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub subscription: Subscription,
    /// Tells whether somebody worked on it since.
    pub token: i64,
    /// Until when somebody may be at work on it.
    pub busy: Option<Timestamp>,
}

/// Most subscriptions that are over and still kept.
const ENDED_MOST: i64 = 1_000;

impl Store {
    /// Keeps a request. `decide` gets the subscription of this topic and callback, if there is one, and how many there
    /// are; what it gives back is kept.
    pub async fn ask<E>(
        &self,
        topic: &str,
        print: &str,
        host: &str,
        now: Timestamp,
        decide: impl FnOnce(Option<Subscription>, &Counts) -> Result<Subscription, E> + Send,
    ) -> Result<Result<Subscription, E>, StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let row = query("select * from subscriptions where topic = ? and print = ?")
            .bind(topic)
            .bind(print)
            .fetch_optional(&mut transaction)
            .await?;
        let known = row.as_ref().map(read).transpose()?;
        let counts = counts(&mut transaction, topic, host, now).await?;
        let mut subscription = match decide(known, &counts) {
            Ok(subscription) => subscription,
            Err(refusal) => return Ok(Err(refusal)),
        };
        write(&mut transaction, &mut subscription).await?;
        transaction.commit().await?;
        Ok(Ok(subscription))
    }

    /// The subscription of a topic and a callback.
    pub async fn subscription(&self, topic: &str, print: &str) -> Result<Option<Subscription>, StoreError> {
        let row = query("select * from subscriptions where topic = ? and print = ?")
            .bind(topic)
            .bind(print)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// All subscriptions, oldest first; with `open`, those only for which something may have to be done.
    pub async fn subscriptions(&self, open: bool, now: Timestamp) -> Result<Vec<Found>, StoreError> {
        let rows = query(
            "select * from subscriptions where ?1 = 0 or state in ('pending', 'active') or asked is not null order by id",
        )
        .bind(open)
        .fetch_all(&self.pool)
        .await?;
        let mut busy = Busy::new(self, now).await?;
        rows.iter()
            .map(|row| {
                Ok(Found { subscription: read(row)?, token: row.try_get("lease_token")?, busy: busy.until(row)? })
            })
            .collect()
    }

    /// Leases subscriptions, by number and the token they were found with. Those that nobody else took, or worked on
    /// since, with their new tokens.
    pub async fn lease_subscriptions(
        &self,
        wanted: &[(i64, i64)],
        now: Timestamp,
    ) -> Result<Vec<(Subscription, i64)>, StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let mut busy = Busy::new(self, now).await?;
        let mut leased = Vec::new();
        for (id, token) in wanted {
            let row = query("select * from subscriptions where id = ? and lease_token = ?")
                .bind(id)
                .bind(token)
                .fetch_optional(&mut transaction)
                .await?;
            let Some(row) = row else { continue };
            if busy.until(&row)?.is_some() {
                continue;
            }
            query("update subscriptions set lease_owner = ?, lease_until = ?, lease_token = ? where id = ?")
                .bind(self.owner.name())
                .bind(micros(now.checked_add(LEASE).unwrap_or(Timestamp::MAX)))
                .bind(token + 1)
                .bind(id)
                .execute(&mut transaction)
                .await?;
            leased.push((read(&row)?, token + 1));
        }
        transaction.commit().await?;
        Ok(leased)
    }

    /// Ends leases with what came of them. The subscriptions as they are now, with their tokens; those whose lease another
    /// process has taken over are left as they are.
    pub async fn finish_subscriptions(
        &self,
        done: Vec<(i64, i64, Outcome)>,
        now: Timestamp,
    ) -> Result<Vec<(Subscription, i64)>, StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let mut finished = Vec::new();
        for (id, token, outcome) in done {
            let row = query("select * from subscriptions where id = ? and lease_token = ?")
                .bind(id)
                .bind(token)
                .fetch_optional(&mut transaction)
                .await?;
            let Some(row) = row else { continue };
            let mut subscription = read(&row)?;
            subscription.take(outcome, now);
            write(&mut transaction, &mut subscription).await?;
            query("update subscriptions set lease_owner = null, lease_until = null where id = ?")
                .bind(id)
                .execute(&mut transaction)
                .await?;
            finished.push((subscription, token));
        }
        transaction.commit().await?;
        Ok(finished)
    }

    /// Forgets subscriptions that have been over for long, or are too many.
    pub async fn tidy_subscriptions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let forgotten = query(
            "delete from subscriptions where state not in ('pending', 'active') and asked is null and (since < ?1 or id not in (
                 select id from subscriptions where state not in ('pending', 'active') order by since desc, id desc limit ?2))",
        )
        .bind(micros(tidy_before(now)))
        .bind(ENDED_MOST)
        .execute(&self.pool)
        .await?;
        Ok(forgotten.rows_affected())
    }
}

async fn counts(transaction: &mut Transaction, topic: &str, host: &str, now: Timestamp) -> Result<Counts, StoreError> {
    // One whose time is up counts no more, even if nobody said so yet.
    let row = query(
        "select count(*) filter (where open) as n_all, count(*) filter (where open and host = ?1) as n_host,
            count(*) filter (where open and topic = ?2) as n_topic,
            count(distinct topic) filter (where open and on_demand = 1) as n_on_demand, count(asked) as n_asked,
            count(asked) filter (where host = ?1) as n_asked_host
         from (select host, topic, on_demand, asked, state = 'pending' or (state = 'active' and until > ?3) as open from subscriptions) as counted",
    )
    .bind(host)
    .bind(topic)
    .bind(micros(now))
    .fetch_one(&mut *transaction)
    .await?;
    let count = |name: &str| -> Result<usize, StoreError> {
        Ok(usize::try_from(row.try_get::<i64, _>(name)?).unwrap_or(usize::MAX))
    };
    Ok(Counts {
        all: count("n_all")?,
        of_host: count("n_host")?,
        of_topic: count("n_topic")?,
        on_demand: count("n_on_demand")?,
        asked: count("n_asked")?,
        asked_of_host: count("n_asked_host")?,
    })
}

async fn write(transaction: &mut Transaction, subscription: &mut Subscription) -> Result<(), StoreError> {
    let asked = subscription.asked.as_ref();
    let query = query(
        "insert into subscriptions (etag, modified, told_at, given_up, tries, retry_at, error, topic, print, host, callback,
            secret, state, until, since, reason, requests, asked, asked_secret, asked_lease, asked_tries, asked_retry_at, on_demand)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (topic, print) do update set etag = excluded.etag, modified = excluded.modified, told_at = excluded.told_at,
            given_up = excluded.given_up, tries = excluded.tries, retry_at = excluded.retry_at, error = excluded.error,
            callback = excluded.callback, secret = excluded.secret, state = excluded.state, until = excluded.until,
            since = excluded.since, reason = excluded.reason, requests = excluded.requests, asked = excluded.asked,
            asked_secret = excluded.asked_secret, asked_lease = excluded.asked_lease, asked_tries = excluded.asked_tries,
            asked_retry_at = excluded.asked_retry_at, on_demand = excluded.on_demand
         returning id",
    );
    let query = bind_owed(query, &subscription.owed)
        .bind(subscription.topic.clone())
        .bind(subscription.print.clone())
        .bind(subscription.host.clone())
        .bind(subscription.callback.clone().map(|sealed| sealed.0))
        .bind(subscription.secret.clone().map(|sealed| sealed.0))
        .bind(subscription.state.word())
        .bind(match subscription.state {
            State::Active { until } => Some(micros(until)),
            _ => None,
        })
        .bind(micros(subscription.since))
        .bind(subscription.reason.clone())
        .bind(subscription.requests)
        .bind(asked.map(|asked| asked.mode.word()))
        .bind(asked.and_then(|asked| asked.secret.clone()).map(|sealed| sealed.0))
        .bind(asked.map(|asked| asked.lease.as_secs()))
        .bind(asked.map(|asked| asked.tries))
        .bind(asked.and_then(|asked| asked.retry_at).map(micros))
        .bind(subscription.is_on_demand);
    subscription.id = query.fetch_one(&mut *transaction).await?.try_get("id")?;
    Ok(())
}

fn read(row: &Row) -> Result<Subscription, StoreError> {
    let sealed =
        |name: &str| -> Result<Option<Sealed>, StoreError> { Ok(row.try_get::<Option<Vec<u8>>, _>(name)?.map(Sealed)) };
    let state: String = row.try_get("state")?;
    let requests = row.try_get("requests")?;
    let asked = match row.try_get::<Option<String>, _>("asked")? {
        None => None,
        Some(mode) => Some(Asked {
            mode: Mode::parse(&mode).ok_or_else(|| corrupt("mode", mode))?,
            number: requests,
            secret: sealed("asked_secret")?,
            lease: SignedDuration::from_secs(row.try_get::<Option<i64>, _>("asked_lease")?.unwrap_or(0)),
            tries: row.try_get::<Option<u32>, _>("asked_tries")?.unwrap_or(0),
            retry_at: at(row, "asked_retry_at")?,
        }),
    };
    Ok(Subscription {
        id: row.try_get("id")?,
        topic: row.try_get("topic")?,
        print: row.try_get("print")?,
        host: row.try_get("host")?,
        callback: sealed("callback")?,
        secret: sealed("secret")?,
        state: State::parse(&state, at(row, "until")?).ok_or_else(|| corrupt("state", state))?,
        since: instant(row.try_get("since")?)?,
        reason: row.try_get("reason")?,
        asked,
        requests,
        owed: read_owed(row)?,
        is_on_demand: row.try_get("on_demand")?,
    })
}
