//! Acts: what people decided, who and by which road, for ever. Each is written in the transaction that carries it out.

use super::sql::{Transaction, query};
use super::{Store, StoreError, instant, micros};
use crate::people::By;
use jiff::Timestamp;

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub person: String,
    /// By which road: `command`, `api`, `page`.
    pub road: String,
    /// What: `approve`, `hold`, …
    pub act: String,
    /// What else was said: an address, a reason.
    pub detail: Option<String>,
}

impl Store {
    /// What people decided of a delivery, first to last.
    pub async fn acts(&self, delivery: i64) -> Result<Vec<Act>, StoreError> {
        let rows = query("select at, person, road, act, detail from acts where delivery = ? order by id");
        let rows = rows.bind(delivery).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Act {
                    at: instant(row.try_get("at")?)?,
                    person: row.try_get("person")?,
                    road: row.try_get("road")?,
                    act: row.try_get("act")?,
                    detail: row.try_get("detail")?,
                })
            })
            .collect()
    }
}

/// Writes an act down, of a delivery or of all.
pub(super) async fn write(
    transaction: &mut Transaction,
    by: &By,
    act: &str,
    delivery: Option<i64>,
    detail: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("insert into acts (at, person, road, act, delivery, detail) values (?, ?, ?, ?, ?, ?)")
        .bind(micros(now))
        .bind(&by.person)
        .bind(by.road.word())
        .bind(act)
        .bind(delivery)
        .bind(detail)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}
