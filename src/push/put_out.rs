//! What readers get: the feeds that are served and, where they are exported too, exported.

use crate::reconcile::Snapshot;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// How long a hub waits for an export: one that is out of order must not keep it from what is served.
const EXPORT: SignedDuration = SignedDuration::from_mins(1);

/// A pass, as it changes.
type Passes = watch::Receiver<Option<Arc<Snapshot>>>;

/// The newest pass that readers have everywhere. A hub that is told fetches at once, from wherever the feeds are public:
/// never before there is something new to fetch.
#[derive(Debug)]
pub struct PutOut {
    served: Passes,
    exported: Vec<Passes>,
    /// Since when the exports are behind.
    behind_since: Option<Timestamp>,
}

impl PutOut {
    /// What is served, and what each place has that feeds are exported to.
    pub fn new(served: Passes, exported: Vec<Passes>) -> Self {
        Self { served, exported, behind_since: None }
    }

    /// The pass that readers have; if some do not have it yet, None and until when they are waited for.
    pub fn take(&mut self, now: Timestamp) -> Result<Option<Arc<Snapshot>>, Timestamp> {
        let served = self.served.borrow_and_update().clone();
        let Some(snapshot) = served else { return Ok(None) };
        let has =
            |place: &mut Passes| place.borrow_and_update().as_ref().is_some_and(|has| Arc::ptr_eq(has, &snapshot));
        if self.exported.iter_mut().all(has) {
            self.behind_since = None;
            return Ok(Some(snapshot));
        }
        let end = self.behind_since.get_or_insert(now).checked_add(EXPORT).unwrap_or(Timestamp::MAX);
        if now >= end { Ok(Some(snapshot)) } else { Err(end) }
    }
}
