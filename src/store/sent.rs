//! When the last posts of an endpoint went out: what its rate is reckoned by.

use super::leases::Terms;
use super::sql::{On, Transaction, query, query_scalar};
use super::{Pass, Store, StoreError, instant, micros};
use crate::config::{Config, Endpoint, EndpointName};
use crate::dates::civil;
use crate::delivery::Delivery;
use crate::plan::{Sent, day_is_full, tell_turns};
use crate::rate::Rate;
use crate::span::after;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Longest time that a process stands in line to write.
const IN_LINE: SignedDuration = SignedDuration::from_mins(1);

/// No delivery has this number.
const NONE: i64 = -1;

/// When the last posts of an endpoint went out, newest first, as many as its rate looks back at. A try whose end is unknown
/// may be a post, too, but not the delivery's own, which is no second one. What a clock that was wrong dated ahead says
/// nothing: it would keep the endpoint closed until then. A little ahead is what another process wrote while this one stood
/// in line.
pub(super) async fn last(
    on: impl Into<On<'_>>,
    endpoint: &EndpointName,
    own: i64,
    rate: Rate,
    now: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    // A bare value as a limit has SQLite prepare the statement anew each time.
    let sent: Vec<i64> = query_scalar(
        "select at from (select published_at as at from deliveries where endpoint = ?1 and published_at <= ?2
                order by published_at desc limit ?4 + 0) as posted
         union all
         select at from (select last_attempt as at from deliveries where endpoint = ?1 and look_first = 1 and id <> ?3
                and last_attempt <= ?2 order by last_attempt desc limit ?4 + 0) as tried
         order by at desc limit ?4 + 0",
    )
    .bind(endpoint.as_str())
    .bind(micros(after(now, IN_LINE)))
    .bind(own)
    .bind(i64::try_from(rate.looks_back()).unwrap_or(i64::MAX))
    .fetch_all(on)
    .await?;
    sent.into_iter().map(instant).collect()
}

/// Whoever asks why a delivery does not go out is told: it may be for most of a day.
pub(super) async fn say_that_it_waits(
    transaction: &mut Transaction,
    delivery: &Delivery,
    terms: &Terms,
    until: Timestamp,
) -> Result<(), StoreError> {
    let until = civil(until, &terms.zone);
    let reason = format!("{} {until}", day_is_full(&delivery.key.endpoint, terms.rate));
    query("update deliveries set reason = ?1 where id = ?2 and coalesce(reason, '') <> ?1")
        .bind(reason)
        .bind(delivery.id)
        .execute(transaction)
        .await?;
    Ok(())
}

impl Store {
    /// All deliveries, oldest first. Those that wait since their endpoint has enough posts of the day tell when each can go
    /// out. `zone` is the site's.
    pub async fn deliveries_with_turns(
        &self,
        config: &Config,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut deliveries = self.deliveries().await?;
        tell_turns(config, zone, &self.sent_lately(&config.endpoints, now).await?, &mut deliveries, now);
        Ok(deliveries)
    }

    /// When the last posts went out of those endpoints where that tells when the next ones can ([`Rate::counts_what_went_out`]).
    pub async fn sent_lately(
        &self,
        endpoints: &BTreeMap<EndpointName, Endpoint>,
        now: Timestamp,
    ) -> Result<Sent, StoreError> {
        self.glance().await?.sent_lately(endpoints, now).await
    }
}

impl Pass {
    /// When the last posts went out of those endpoints where that tells when the next ones can ([`Rate::counts_what_went_out`]).
    pub async fn sent_lately(
        &mut self,
        endpoints: &BTreeMap<EndpointName, Endpoint>,
        now: Timestamp,
    ) -> Result<Sent, StoreError> {
        let mut sent = Sent::new();
        for (name, endpoint) in endpoints.iter().filter(|(_, endpoint)| endpoint.rate.counts_what_went_out()) {
            sent.insert(name.clone(), last(&mut self.transaction, name, NONE, endpoint.rate, now).await?);
        }
        Ok(sent)
    }
}
