//! What is counted of WebSub: how many subscribe to which feed, and what became of telling them. Nothing of whom.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The figures, for all who count and for who tells them.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Active subscriptions by topic, and how many of them could not be told last; None where there is no hub.
    subscriptions: Mutex<Option<(BTreeMap<String, u64>, u64)>>,
    deliveries: Told,
    pings: Told,
}

#[derive(Debug, Default)]
struct Told {
    taken: AtomicU64,
    failed: AtomicU64,
}

impl Told {
    fn count(&self, was_taken: bool) {
        if was_taken { &self.taken } else { &self.failed }.fetch_add(1, Ordering::Relaxed);
    }
}

impl Figures {
    /// A look found these subscriptions, by topic, and so many that are behind.
    pub fn looked(&self, by_topic: BTreeMap<String, u64>, behind: u64) {
        *self.0.subscriptions.lock().unwrap_or_else(PoisonError::into_inner) = Some((by_topic, behind));
    }

    /// A subscriber was told, or could not be.
    pub fn delivered(&self, was_taken: bool) {
        self.0.deliveries.count(was_taken);
    }

    /// A hub elsewhere was told, or could not be.
    pub fn pinged(&self, was_taken: bool) {
        self.0.pings.count(was_taken);
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let found = self.0.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((by_topic, behind)) = found {
            let help = "Active WebSub subscriptions at the built-in hub";
            let mut family = encoder.encode_descriptor("crieur_websub_subscriptions", help, None, MetricType::Gauge)?;
            for (topic, number) in by_topic {
                ConstGauge::new(number as f64).encode(family.encode_family(&[("feed", topic.as_str())])?)?;
            }
            let help = "Active WebSub subscriptions that could not be told of the last change yet";
            let metric = encoder.encode_descriptor("crieur_websub_behind", help, None, MetricType::Gauge)?;
            ConstGauge::new(behind as f64).encode(metric)?;
        }
        for (name, help, told) in [
            ("crieur_websub_deliveries", "Feeds brought to subscribers, and tries that failed", &self.0.deliveries),
            ("crieur_websub_pings", "Pings to hubs elsewhere, and tries that failed", &self.0.pings),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (outcome, number) in [("taken", &told.taken), ("failed", &told.failed)] {
                let labels = [("outcome", outcome)];
                ConstCounter::new(number.load(Ordering::Relaxed)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
