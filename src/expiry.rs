//! When credentials end: told 30, 14, 7 and 1 days ahead, and when it is over; in the log, in the metrics, and to the
//! readers of an endpoint of one's choice. Looking keeps logins alive as well: tokens that renew themselves are renewed though
//! nothing is posted.

use crate::clock::Clock;
use crate::config::EndpointName;
use crate::deliver::Deliverer;
use crate::task::{Shutdown, Wake, Woke, rest};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Days ahead at which the end of a credential is told. 0: it is over.
const AHEAD: [i64; 5] = [30, 14, 7, 1, 0];

/// How often it is looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(6);

/// How many of [`AHEAD`] have come for an end.
fn come(end: Timestamp, now: Timestamp) -> usize {
    let left = end.duration_since(now);
    AHEAD.iter().filter(|days| left <= SignedDuration::from_hours(*days * 24)).count()
}

/// What is to be said of an end, if more has come than was told.
fn news(name: &EndpointName, end: Timestamp, told: usize, now: Timestamp) -> Option<String> {
    if come(end, now) <= told {
        return None;
    }
    let left = end.duration_since(now);
    let cure = format!("get a new one: crieur endpoints login {name}");
    Some(if left <= SignedDuration::ZERO {
        format!("the credential of {name} ended at {end}: nothing can be posted there; {cure}")
    } else {
        let days = left.as_hours().div_euclid(24) + i64::from(left.as_hours() % 24 > 0);
        format!("the credential of {name} ends in {days} days, at {end}; {cure}")
    })
}

/// When the credentials of endpoints end, as they were last looked at.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<EndpointName, Timestamp>>>);

impl Ends {
    /// All of them.
    pub fn get(&self) -> BTreeMap<EndpointName, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As if they had been looked at.
    pub fn set(&self, ends: &[(EndpointName, Timestamp)]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ends.iter().cloned().collect();
    }
}

impl Collector for Ends {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let ends = self.get();
        if ends.is_empty() {
            return Ok(());
        }
        let name = "crieur_endpoint_credential_end_timestamp_seconds";
        let help = "When a person has to get a new credential for an endpoint, in seconds of the Unix epoch";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (endpoint, end) in ends {
            let end = end.as_second() as f64;
            ConstGauge::new(end).encode(family.encode_family(&[("endpoint", endpoint.as_str())])?)?;
        }
        Ok(())
    }
}

/// The task that looks at the ends of credentials. `alerts`: the endpoint whose readers are told too.
pub async fn run(
    deliverer: Arc<Deliverer>,
    clock: Clock,
    alerts: Option<EndpointName>,
    ends: Ends,
    mut shutdown: Shutdown,
) {
    let mut told: BTreeMap<EndpointName, (Timestamp, usize)> = BTreeMap::new();
    let wake = Wake::default();
    loop {
        let now = clock.now();
        let found = deliverer.expiries(now).await;
        ends.set(&found);
        for (name, end) in found {
            let before = told.get(&name).filter(|(of, _)| *of == end).map_or(0, |(_, count)| *count);
            let count = come(end, now);
            if let Some(news) = news(&name, end, before, now) {
                if end <= now {
                    tracing::error!(endpoint = %name, "{news}");
                } else {
                    tracing::warn!(endpoint = %name, "{news}");
                }
                if let Some(alerts) = &alerts {
                    let occasion = format!("the end of {name} at {end}, {count}");
                    if let Err(error) = deliverer.tell(alerts, &format!("Crieur: {news}"), &occasion).await {
                        tracing::warn!(endpoint = %alerts, "{alerts} could not be told of it: {error}");
                    }
                }
            }
            told.insert(name, (end, count));
        }
        let until = now.checked_add(EVERY).ok();
        if rest(&wake, &clock, until, &mut shutdown).await == Woke::ToEnd {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_once_at_each_of_its_days() {
        let end: Timestamp = "2027-01-31T12:00:00Z".parse().unwrap();
        let name = EndpointName::new("linkedin");
        let mut told = 0;
        let mut days = Vec::new();
        for hour in (-6 * 60..=6 * 24 * 40 / 6).map(|step| step * 6) {
            let now = end.checked_sub(SignedDuration::from_hours(24 * 40 - hour)).unwrap();
            if let Some(news) = news(&name, end, told, now) {
                days.push(end.duration_since(now).as_hours() / 24);
                assert!(news.contains("crieur endpoints login linkedin"), "{news}");
            }
            told = told.max(come(end, now));
        }
        assert_eq!(days, [30, 14, 7, 1, 0]);
    }

    #[test]
    fn who_looks_late_is_told_once() {
        let end: Timestamp = "2027-01-31T12:00:00Z".parse().unwrap();
        let now = end.checked_sub(SignedDuration::from_hours(24 * 5)).unwrap();
        let name = EndpointName::new("x");
        assert!(news(&name, end, 0, now).is_some_and(|news| news.contains("in 5 days")));
        assert_eq!(news(&name, end, come(end, now), now), None);
        let over = end.checked_add(SignedDuration::from_hours(1)).unwrap();
        assert!(news(&name, end, come(end, now), over).is_some_and(|news| news.contains("ended")));
    }
}
