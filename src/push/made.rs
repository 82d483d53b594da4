//! Documents that are made for subscribers: combinations of feeds, which nobody makes ahead. Each is made again only when
//! something that it depends on changed, and few are made at once.

use super::version;
use crate::feed::Document;
use crate::feed::demand::Demand;
use crate::hub::{Topic, Version, find};
use crate::reconcile::{Made as Making, Snapshot};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Documents that are made at once.
const MAKERS: usize = 2;
/// How soon one is made again of which an article could not be read.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// What is served at a topic's address.
#[derive(Debug, Clone)]
pub enum Found {
    /// This.
    Document(Arc<Document>),
    /// Something that is being made.
    Making,
    /// Nothing.
    Nothing,
}

impl Found {
    /// The document, if it is there.
    pub fn document(&self) -> Option<&Arc<Document>> {
        match self {
            Self::Document(document) => Some(document),
            _ => None,
        }
    }

    /// Its version, if it is known.
    pub fn version(&self) -> Option<Version> {
        self.document().map(|document| version(document))
    }
}

/// One document, good as long as its demand has this print.
#[derive(Debug)]
struct Good {
    print: u64,
    document: Option<Arc<Document>>,
    /// When it is made again in any case.
    until: Option<Timestamp>,
}

/// What was made, by topic, and what is to be made.
#[derive(Debug, Default)]
pub struct Made {
    good: HashMap<String, Good>,
    wanted: BTreeMap<String, Demand>,
    under_way: HashMap<String, u64>,
    makers: JoinSet<(String, Good)>,
}

impl Made {
    /// What is served at a topic's address. What has to be made for that is noted as wanted.
    pub fn find(&mut self, snapshot: &Snapshot, topic: &str, now: Timestamp) -> Found {
        let demand = match find(&snapshot.feeds, &snapshot.settings, topic) {
            Topic::Served(document) => return Found::Document(Arc::clone(document)),
            Topic::OnDemand(demand) => demand,
            Topic::Elsewhere(_) | Topic::Unknown => return Found::Nothing,
        };
        let print = demand.print(&snapshot.feeds);
        match self.good.get(topic) {
            Some(good) if good.print == print && good.until.is_none_or(|until| until > now) => {
                good.document.as_ref().map_or(Found::Making, |document| Found::Document(Arc::clone(document)))
            }
            _ => {
                if self.under_way.get(topic) != Some(&print) {
                    self.wanted.insert(topic.to_owned(), demand);
                }
                Found::Making
            }
        }
    }

    /// Begins to make what is wanted, as far as there is room.
    pub fn begin(&mut self, snapshot: &Arc<Snapshot>, now: Timestamp) {
        while self.makers.len() < MAKERS
            && let Some((topic, demand)) = self.wanted.pop_first()
        {
            let (snapshot, print) = (Arc::clone(snapshot), demand.print(&snapshot.feeds));
            self.under_way.insert(topic.clone(), print);
            self.makers.spawn_blocking(move || {
                let again = now.checked_add(AGAIN).ok();
                let (document, until) = match snapshot.make(&demand, now) {
                    Making::Document(document, is_whole) => (Some(document), again.filter(|_| !is_whole)),
                    _ => (None, again),
                };
                (topic, Good { print, document: document.map(|document| Arc::new(*document)), until })
            });
        }
    }

    /// Whether nothing is being made.
    pub fn is_idle(&self) -> bool {
        self.makers.is_empty()
    }

    /// Waits until something is made. When it is to be made again, if that is known.
    pub async fn done(&mut self) -> Option<Timestamp> {
        match self.makers.join_next().await {
            Some(Ok((topic, good))) => {
                self.under_way.remove(&topic);
                let until = good.until;
                self.good.insert(topic, good);
                until
            }
            // It broke off: what is still wanted is made at the next look.
            _ => {
                self.under_way.clear();
                None
            }
        }
    }

    /// Keeps only what somebody is subscribed to.
    pub fn keep(&mut self, topics: &HashSet<String>) {
        self.good.retain(|topic, _| topics.contains(topic));
        self.wanted.retain(|topic, _| topics.contains(topic));
    }
}
