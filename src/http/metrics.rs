//! What is counted, and `/metrics` in the text format of Prometheus.
//!
//! No person is counted: no address, no cookie, nothing that one request has in common with another of the same reader.
//! What grows with the requests are numbers; labels are the addresses of documents and words of this program.

use super::Shared;
use crate::feed::audience::{Announced, announced};
use crate::problem::Severity;
use crate::reconcile::Snapshot;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Aggregators that are told apart for one document: the one that was not heard of for the longest goes.
const AGGREGATORS_MAX: usize = 32;
/// How long the number of an aggregator counts that does not come back.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was answered with one document.
#[derive(Debug, Default)]
pub struct Counts {
    sent: AtomicU64,
    not_modified: AtomicU64,
    refused: AtomicU64,
    body_bytes: AtomicU64,
    audience: Mutex<Vec<Heard>>,
}

/// What an aggregator said last.
#[derive(Debug)]
struct Heard {
    aggregator: String,
    feed_id: String,
    subscribers: u32,
    at: Timestamp,
}

impl Counts {
    /// The document was sent.
    pub fn sent(&self, body_bytes: usize) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.body_bytes.fetch_add(body_bytes as u64, Ordering::Relaxed);
    }

    /// The reader had it.
    pub fn not_modified(&self) {
        self.not_modified.fetch_add(1, Ordering::Relaxed);
    }

    /// A condition or a method was not met.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes for how many an aggregator fetches, if the reader is one. Nobody waits: if another one is being noted, this
    /// one will come again.
    pub fn heard(&self, user_agent: Option<&HeaderValue>, now: impl Fn() -> Timestamp) {
        let Some(said) = user_agent.and_then(|field| announced(field.to_str().ok()?)) else { return };
        if let Ok(mut audience) = self.audience.try_lock() {
            note(&mut audience, said, now());
        }
    }

    /// The subscribers that aggregators announce; None if none does.
    fn subscribers(&self, now: Timestamp) -> Option<u64> {
        let audience = self.audience.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = audience.iter().filter(|heard| now.duration_since(heard.at) <= FORGOTTEN);
        let numbers: Vec<u64> = counts.map(|heard| heard.subscribers.into()).collect();
        (!numbers.is_empty()).then(|| numbers.iter().sum())
    }
}

fn note(audience: &mut Vec<Heard>, said: Announced, now: Timestamp) {
    let is_same = |heard: &&mut Heard| heard.aggregator == said.aggregator && heard.feed_id == said.feed_id;
    if let Some(heard) = audience.iter_mut().find(is_same) {
        (heard.subscribers, heard.at) = (said.subscribers, now);
        return;
    }
    if audience.len() >= AGGREGATORS_MAX {
        let oldest = audience.iter().enumerate().min_by_key(|(_, heard)| heard.at).map(|(at, _)| at);
        if let Some(oldest) = oldest {
            audience.swap_remove(oldest);
        }
    }
    audience.push(Heard {
        aggregator: said.aggregator.to_owned(),
        feed_id: said.feed_id.to_owned(),
        subscribers: said.subscribers,
        at: now,
    });
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Books {
    documents: Mutex<BTreeMap<String, Arc<Counts>>>,
    /// Answers that are no documents, by the first digit of their status.
    others: [AtomicU64; 5],
    sent_bytes: AtomicU64,
    accepted: AtomicU64,
    open: AtomicI64,
    most: AtomicU64,
    cut: [AtomicU64; 4],
    started_at: AtomicI64,
    passed: Mutex<Option<Passed>>,
}

/// What the last pass left.
#[derive(Debug, Clone, Copy)]
struct Passed {
    at: Timestamp,
    articles: usize,
    feeds: usize,
    documents: usize,
    errors: usize,
    warnings: usize,
}

/// Why connections were ended, in the order in which they are counted.
const CUTS: [&str; 4] = ["place needed", "slow header", "idle", "stalled"];

impl Books {
    /// What was answered with the document of a path, from its first day on.
    pub fn counts(&self, path: &str) -> Arc<Counts> {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        match documents.get(path) {
            Some(counts) => Arc::clone(counts),
            None => Arc::clone(documents.entry(path.to_owned()).or_default()),
        }
    }

    /// Bytes went out.
    pub fn sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Something that is no document was answered.
    pub fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.others[class].fetch_add(1, Ordering::Relaxed);
    }

    /// The server began, and takes so many connections.
    pub fn started(&self, now: Timestamp, most: usize) {
        self.started_at.store(now.as_millisecond(), Ordering::Relaxed);
        self.most.store(most as u64, Ordering::Relaxed);
    }

    /// A connection was opened.
    pub fn opened(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed.
    pub fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// The server ended a connection that kept it waiting: its place was needed (0), its header was slow (1), it was idle
    /// (2), it took nothing (3).
    pub fn cut(&self, why: usize) {
        if let Some(cut) = self.cut.get(why) {
            cut.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A pass is served.
    pub fn passed(&self, snapshot: &Snapshot, now: Timestamp) {
        let problems = |severity| snapshot.problems.iter().filter(|problem| problem.severity == severity).count();
        let passed = Passed {
            at: now,
            articles: snapshot.catalog().len(),
            feeds: snapshot.feeds.feeds.len(),
            documents: snapshot.feeds.documents.len(),
            errors: problems(Severity::Error),
            warnings: problems(Severity::Warning),
        };
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(passed);
    }
}

/// What is counted, at an instant.
#[derive(Debug)]
struct At {
    books: Arc<Books>,
    now: Timestamp,
}

impl Collector for At {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let books = &self.books;
        let documents = books.documents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counter = MetricType::Counter;

        let help = "Answers to requests for a feed document, by class of status; 304: the reader had it";
        let mut family = encoder.encode_descriptor("crieur_feed_requests", help, None, counter)?;
        for (path, counts) in &documents {
            for (status, number) in [("200", &counts.sent), ("304", &counts.not_modified), ("4xx", &counts.refused)] {
                if get(number) > 0 {
                    let labels = [("feed", path.as_str()), ("status", status)];
                    ConstCounter::new(get(number)).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        let help = "Bytes of feed documents that were answered, as sent, without headers";
        let mut family = encoder.encode_descriptor("crieur_feed_body_bytes", help, None, counter)?;
        for (path, counts) in documents.iter().filter(|(_, counts)| get(&counts.body_bytes) > 0) {
            ConstCounter::new(get(&counts.body_bytes)).encode(family.encode_family(&[("feed", path.as_str())])?)?;
        }
        let help = "Subscribers of a feed document that aggregators announced within seven days";
        let mut family = encoder.encode_descriptor("crieur_feed_subscribers", help, None, MetricType::Gauge)?;
        for (path, counts) in &documents {
            if let Some(number) = counts.subscribers(self.now) {
                ConstGauge::new(number).encode(family.encode_family(&[("feed", path.as_str())])?)?;
            }
        }

        let help = "Answers that are no feed document, by class of status";
        let mut family = encoder.encode_descriptor("crieur_http_requests", help, None, counter)?;
        for (number, status) in books.others.iter().zip(["1xx", "2xx", "3xx", "4xx", "5xx"]) {
            ConstCounter::new(get(number)).encode(family.encode_family(&[("status", status)])?)?;
        }
        let help = "Bytes sent over all connections, headers too";
        let metric = encoder.encode_descriptor("crieur_http_sent_bytes", help, None, counter)?;
        ConstCounter::new(get(&books.sent_bytes)).encode(metric)?;
        let help = "Connections accepted";
        let metric = encoder.encode_descriptor("crieur_http_accepted", help, None, counter)?;
        ConstCounter::new(get(&books.accepted)).encode(metric)?;
        let help = "Connections that the server ended, by reason";
        let mut family = encoder.encode_descriptor("crieur_http_cut", help, None, counter)?;
        for (number, reason) in books.cut.iter().zip(CUTS) {
            ConstCounter::new(get(number)).encode(family.encode_family(&[("reason", reason)])?)?;
        }
        let mut gauge = |name: &str, help: &str, number: f64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(number).encode(metric)
        };
        let seconds = |milliseconds: i64| milliseconds as f64 / 1_000.0;
        gauge("crieur_http_connections", "Connections open now", books.open.load(Ordering::Relaxed) as f64)?;
        gauge("crieur_http_connections_most", "Connections that may be open at once", get(&books.most) as f64)?;
        let passed = *books.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(passed) = passed {
            gauge("crieur_articles", "Articles known, whether they are published or not", passed.articles as f64)?;
            gauge("crieur_feeds", "Feeds, whatever their formats", passed.feeds as f64)?;
            gauge("crieur_feed_documents", "Feed documents", passed.documents as f64)?;
            gauge("crieur_problem_errors", "Errors that `crieur check` reports", passed.errors as f64)?;
            gauge("crieur_problem_warnings", "Warnings that `crieur check` reports", passed.warnings as f64)?;
            let at = seconds(passed.at.as_millisecond());
            gauge("crieur_last_pass_timestamp_seconds", "When the last pass over the site was made", at)?;
        }
        let started = seconds(books.started_at.load(Ordering::Relaxed));
        gauge("process_start_time_seconds", "When this process began to serve, in seconds of the Unix epoch", started)?;
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory_bytes", "Memory of this process that is in use", bytes as f64)?;
        }
        let info = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let metric = encoder.encode_descriptor("crieur_build", "The program", None, MetricType::Info)?;
        info.encode(metric)
    }
}

/// Memory in use, where the system tells it in a file (Linux); a page has 4 KiB wherever Crieur was tried.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `/metrics`.
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let mut registry = Registry::default();
    let books = Arc::clone(shared.documents.books());
    registry.register_collector(Box::new(At { books, now: shared.clock.now() }));
    registry.register_collector(Box::new(shared.figures.clone()));
    registry.register_collector(Box::new(shared.ends.clone()));
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &registry) {
        Ok(()) => {
            let mut response = text.into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, PROMETHEUS);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            tracing::error!("the metrics cannot be written: {error}");
            super::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written; the log says why\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(counts: &Counts, user_agent: &str, at: &str) {
        counts.heard(Some(&HeaderValue::from_str(user_agent).unwrap()), || at.parse().unwrap());
    }

    #[test]
    fn the_last_number_of_each_aggregator_counts_for_a_week() {
        let counts = Counts::default();
        let subscribers = |at: &str| counts.subscribers(at.parse().unwrap());
        assert_eq!(subscribers("2026-11-22T10:00:00Z"), None);
        heard(&counts, "Feedbin feed-id:1 - 10 subscribers", "2026-11-22T10:00:00Z");
        heard(&counts, "Feedbin feed-id:2 - 5 subscribers", "2026-11-22T10:00:00Z");
        heard(&counts, "Feedly/1.0 (poller; 100 subscribers;)", "2026-11-22T10:00:00Z");
        heard(&counts, "FreshRSS/1.24.1 (Linux; https://freshrss.org)", "2026-11-22T10:00:00Z");
        assert_eq!(subscribers("2026-11-22T10:00:00Z"), Some(115));
        heard(&counts, "Feedbin feed-id:1 - 12 subscribers", "2026-11-24T10:00:00Z");
        assert_eq!(subscribers("2026-11-24T10:00:00Z"), Some(117));
        assert_eq!(subscribers("2026-11-29T10:00:01Z"), Some(12));
        assert_eq!(subscribers("2026-12-01T10:00:01Z"), None);
    }

    #[test]
    fn invented_aggregators_take_no_more_than_their_places() {
        let counts = Counts::default();
        for number in 0..10_000 {
            heard(&counts, &format!("Bot{number}/1 (1 subscribers)"), "2026-11-22T10:00:00Z");
        }
        assert_eq!(counts.subscribers("2026-11-22T10:00:00Z".parse().unwrap()), Some(AGGREGATORS_MAX as u64));
    }
}
