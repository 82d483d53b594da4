//! How endpoints are: kept, so that a restart does not call a dead server again, and says a pause to whoever looks.

use super::row::Row;
use super::sql::query;
use super::{Store, StoreError, instant, micros};
use crate::config::EndpointName;
use crate::delivery::{Health, Paused};

impl Store {
    /// How an endpoint is.
    pub async fn health(&self, endpoint: &EndpointName) -> Result<Health, StoreError> {
        let row = query("select * from endpoint_health where endpoint = ?")
            .bind(endpoint.as_str())
            .short()
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose().map(Option::unwrap_or_default)
    }

    /// Records how an endpoint is. Where a pause ends with it, the patience of what waited begins anew: it was not the
    /// network's fault.
    pub async fn set_health(&self, endpoint: &EndpointName, health: &Health) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        let paused = health.paused.as_ref();
        if paused.is_none() {
            query(
                "update deliveries set patience_from = null where endpoint = ?1 and state = 'pending'
                    and exists (select 1 from endpoint_health where endpoint = ?1 and paused_since is not null)",
            )
            .bind(endpoint.as_str())
            .execute(&mut transaction)
            .await?;
        }
        query(
            "insert into endpoint_health (endpoint, failures, closed_until, paused_since, reason, settings, closed_since)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict (endpoint) do update set failures = ?2, closed_until = ?3, paused_since = ?4, reason = ?5, settings = ?6,
                closed_since = ?7",
        )
        .bind(endpoint.as_str())
        .bind(health.failures)
        .bind(health.closed_until.map(micros))
        .bind(paused.map(|paused| micros(paused.since)))
        .bind(paused.map(|paused| &paused.reason))
        .bind(paused.map(|paused| &paused.settings))
        .bind(health.closed_since.map(micros))
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn read(row: &Row) -> Result<Health, StoreError> {
    let at = |name: &str| row.try_get::<Option<i64>, _>(name)?.map(instant).transpose();
    let paused = match at("paused_since")? {
        Some(since) => Some(Paused {
            since,
            reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
            settings: row.try_get::<Option<String>, _>("settings")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Health {
        failures: row.try_get("failures")?,
        closed_until: at("closed_until")?,
        closed_since: at("closed_since")?,
        paused,
    })
}
