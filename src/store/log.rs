//! The log: every decision, every attempt and every answer, in the order in which they were written, each sealed with
//! what stands before it.
//!
//! Triggers write the entries (`log.sql`), so that no writer can forget one, in the very transaction that they tell of.
//! The seal is put on here, before that transaction ends. It is the SHA-256, in hex, of six lines: the number, the
//! instant in microseconds since 1970, the kind, the number of the delivery or nothing, the body, and the seal of the
//! entry before, or nothing for the first. Whoever keeps a copy of the last seal elsewhere can tell later that nothing
//! up to it was changed. What the log says of a delivery is compared with what the tables say (`said.rs`).

use super::row::Row;
use super::said::Said;
use super::sql::{On, Transaction, query, query_scalar};
use super::{Pass, Store, StoreError, instant, micros};
use crate::digest;
use jiff::Timestamp;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: 1, 2, 3 …
    pub number: i64,
    /// When it was written; None if its transaction left that to the next one.
    pub at: Option<Timestamp>,
    /// What it tells: `booked`, `changed`, `attempt`, `answer`, `decided`, `silence`, … (`docs/operations.md`).
    pub kind: String,
    /// The delivery that it is about.
    pub delivery: Option<i64>,
    /// JSON.
    pub body: String,
    /// The seal of the entry before.
    pub previous: String,
    /// Its own seal; empty as long as it has none.
    pub seal: String,
}

impl Entry {
    /// The seal that fits it.
    fn fitting(&self) -> String {
        let at = self.at.map_or(0, micros);
        let delivery = self.delivery.map(|id| id.to_string()).unwrap_or_default();
        let lines = format!("{}\n{at}\n{}\n{delivery}\n{}\n{}", self.number, self.kind, self.body, self.previous);
        digest::hex(lines, 32)
    }
}

/// What a look through the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: i64,
    /// The number and the seal of the last one that has one.
    pub last: Option<(i64, String)>,
    /// What is wrong, in the order of the log; empty if nothing is.
    pub faults: Vec<Fault>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry was changed, or its seal was.
    #[error("entry {0} is not as it was written: its seal does not fit")]
    Changed(i64),
    /// An entry does not follow the one before.
    #[error("entry {0} does not follow the one before it: something was taken out, put in or changed")]
    Unchained(i64),
    /// The database is damaged there.
    #[error("what comes after entry {0} cannot be read: {1}")]
    Unreadable(i64, String),
    /// An entry bears no seal.
    #[error("entry {0} has no seal: by other hands it was written, or taken off")]
    Unsealed(i64),
    /// Entries are missing.
    #[error("entries {0} to {1} are missing")]
    Missing(i64, i64),
    /// The end of the log is missing, or the outbox was changed by other hands.
    #[error("delivery {delivery} is {state}, and the log's last word on it is {said}")]
    Unsaid {
        /// The delivery.
        delivery: i64,
        /// Its state.
        state: String,
        /// What the log says.
        said: String,
    },
    /// What an entry says that a delivery was before is not what the log said: it was changed by other hands in between.
    #[error("entry {entry}: delivery {delivery} was {was} before, and the log's last word on it was {said}")]
    Unfollowed {
        /// The number of the entry.
        entry: i64,
        /// The delivery.
        delivery: i64,
        /// Its state before.
        was: String,
        /// What the log said.
        said: String,
    },
    /// What went out is published for ever: nothing of ours makes it anything else.
    #[error("entry {entry}: delivery {delivery} was published, and other hands made it {state}")]
    Left {
        /// The number of the entry.
        entry: i64,
        /// The delivery.
        delivery: i64,
        /// Its state from then on.
        state: String,
    },
    /// A delivery that is there already was booked: nothing of ours puts a row in the place of another.
    #[error("entry {entry}: delivery {delivery} was {said}, and other hands put another one in its place")]
    Replaced {
        /// The number of the entry.
        entry: i64,
        /// The delivery.
        delivery: i64,
        /// What the log said of it.
        said: String,
    },
    /// What entries tell was written by other hands, and found when Crieur wrote next.
    #[error("entry {entry}: other hands wrote what entries {first} to {last} tell")]
    OtherHands {
        /// The number of the entry that notes it.
        entry: i64,
        /// The first of theirs.
        first: i64,
        /// The last of theirs.
        last: i64,
    },
    /// A delivery is not in the outbox any more: nothing of ours takes one out.
    #[error("entry {entry}: delivery {delivery} was {state}, and other hands took it out")]
    TakenOut {
        /// The number of the entry.
        entry: i64,
        /// The delivery.
        delivery: i64,
        /// Its last state.
        state: String,
    },
    /// A try or an approval is of a delivery that is not there.
    #[error("{what}, is of delivery {delivery}, which is not there")]
    OfNone {
        /// The delivery.
        delivery: i64,
        /// What it is.
        what: String,
    },
    /// What the log says of a delivery, and what the tables do, is not the same.
    #[error("delivery {delivery}: {field} is {stands}, and the log says {said}")]
    Differs {
        /// The delivery.
        delivery: i64,
        /// What of it.
        field: String,
        /// What the tables say.
        stands: String,
        /// What the log says.
        said: String,
    },
    /// A seal that was noted elsewhere is not there.
    #[error("entry {0} does not bear the seal that was noted")]
    NotNoted(i64),
}

/// Entries that are read at once.
const AT_ONCE: i64 = 2_000;

impl Store {
    /// Begins a transaction that writes what the log tells of. Its entries are to be sealed before it ends, so those that
    /// are there without a seal are of other hands: that is noted, and stays told when they are sealed with the rest.
    pub(super) async fn begin_to_write(&self) -> Result<Transaction, StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let of_other_hands = query(
            "select min(number) as first, max(number) as last from log
             where seal is null and kind not in ('found', 'other hands')
                and number > coalesce((select max(number) from log where seal is null and kind = 'other hands'), 0)",
        );
        let found = of_other_hands.fetch_one(&mut transaction).await?;
        if let (Some(first), Some(last)) =
            (found.try_get::<Option<i64>, _>("first")?, found.try_get::<Option<i64>, _>("last")?)
        {
            tracing::error!(
                "other hands wrote into the database (entries {first} to {last} of its log): `crieur log verify` tells of it"
            );
            let body = serde_json::json!({ "first": first, "last": last }).to_string();
            query("insert into log (number, kind, body) select max(number) + 1, 'other hands', ? from log")
                .bind(body)
                .execute(&mut transaction)
                .await?;
        }
        Ok(transaction)
    }
}

/// Seals what the transaction wrote into the log. To be called last before it ends.
pub(super) async fn seal(transaction: &mut Transaction, now: Timestamp) -> Result<(), StoreError> {
    let rows =
        query("select number, at, kind, delivery, body, previous, seal from log where seal is null order by number")
            .fetch_all(&mut *transaction)
            .await?;
    let Some(first) = rows.first() else { return Ok(()) };
    let before: Option<String> = query_scalar("select seal from log where number = ?")
        .bind(first.try_get::<i64, _>("number")? - 1)
        .fetch_optional(&mut *transaction)
        .await?
        .flatten();
    let mut previous = before.unwrap_or_default();
    for row in &rows {
        let entry = Entry { at: Some(now), previous, ..read_entry(row)? };
        let seal = entry.fitting();
        query("update log set at = ?, previous = ?, seal = ? where number = ?")
            .bind(micros(now))
            .bind(&entry.previous)
            .bind(&seal)
            .bind(entry.number)
            .execute(&mut *transaction)
            .await?;
        previous = seal;
    }
    Ok(())
}

impl Store {
    /// Entries after a number, in their order, some at once; none when the end is reached.
    pub async fn log_after(&self, number: i64) -> Result<Vec<Entry>, StoreError> {
        entries_after(&self.pool, number).await
    }

    /// Looks through the whole log. `noted` is a number and the seal that it had.
    pub async fn verify_log(&self, noted: Option<(i64, &str)>) -> Result<Verdict, StoreError> {
        // All that is looked at is of one moment: a daemon goes on writing meanwhile.
        let mut moment = self.pool.begin_to_read().await?;
        let mut verdict = Verdict { entries: 0, last: None, faults: Vec::new() };
        let mut said = Said::default();
        let (mut number, mut previous) = (0, String::new());
        let mut is_noted = noted.is_none();
        loop {
            let entries = match entries_after(&mut moment, number).await {
                Ok(entries) if entries.is_empty() => break,
                Ok(entries) => entries,
                Err(error) => {
                    verdict.faults.push(Fault::Unreadable(number, error.to_string()));
                    return Ok(verdict);
                }
            };
            for entry in entries {
                verdict.entries += 1;
                if entry.number != number + 1 {
                    verdict.faults.push(Fault::Missing(number + 1, entry.number - 1));
                }
                number = entry.number;
                verdict.faults.extend(said.take(&entry));
                if entry.seal.is_empty() && entry.at.is_none() {
                    verdict.faults.push(Fault::Unsealed(entry.number));
                    continue;
                }
                if entry.seal != entry.fitting() {
                    verdict.faults.push(Fault::Changed(entry.number));
                } else if entry.previous != previous {
                    verdict.faults.push(Fault::Unchained(entry.number));
                }
                is_noted |= noted == Some((entry.number, entry.seal.as_str()));
                previous.clone_from(&entry.seal);
                verdict.last = Some((entry.number, entry.seal));
            }
        }
        if let Some((number, _)) = noted.filter(|_| !is_noted) {
            verdict.faults.push(Fault::NotNoted(number));
        }
        verdict.faults.extend(said.compare(&mut moment).await?);
        Ok(verdict)
    }
}

impl Pass {
    /// Seals what this pass wrote into the log.
    pub(super) async fn seal_log(&mut self, now: Timestamp) -> Result<(), StoreError> {
        seal(&mut self.transaction, now).await
    }
}

async fn entries_after(on: impl Into<On<'_>>, number: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = query(
        "select number, at, kind, delivery, body, previous, seal from log where number > ? order by number limit ?",
    )
    .bind(number)
    .bind(AT_ONCE)
    .fetch_all(on)
    .await?;
    rows.iter().map(read_entry).collect()
}

/// What was changed by other hands may be no text, and no instant, any more: it is read all the same.
fn read_entry(row: &Row) -> Result<Entry, StoreError> {
    let text = |name: &str| -> Result<String, StoreError> {
        let bytes: Option<Vec<u8>> = row.try_get(name)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    };
    Ok(Entry {
        number: row.try_get("number")?,
        at: row.try_get::<Option<i64>, _>("at")?.and_then(|at| instant(at).ok()),
        kind: text("kind")?,
        delivery: row.try_get("delivery")?,
        body: text("body")?,
        previous: text("previous")?,
        seal: text("seal")?,
    })
}
