//! What a pass found and made, and what of it a person should know.

use super::texts::Texts;
use crate::article::SiteSettings;
use crate::catalog::Catalog;
use crate::delivery::{Delivery, State};
use crate::feed::{FeedSet, Settings};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::text::counted;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// What a pass found and made.
#[derive(Debug)]
pub struct Snapshot {
    /// The site's settings.
    pub site: Arc<SiteSettings>,
    /// The feeds.
    pub feeds: Arc<FeedSet>,
    /// What a person should see.
    pub problems: Vec<Problem>,
    /// What the plan said.
    pub plan: Plan,
    /// Whether this was the first pass ever on its database, and how many articles then count as announced.
    pub first: Option<usize>,
    /// The outbox as it was when the plan was made, as far as the plan needed it.
    pub outbox: Vec<Delivery>,
    /// When the passing of time alone may change something.
    pub next_change: Option<Timestamp>,
    /// Folders in which a change may change something.
    pub folders: BTreeSet<PathBuf>,
    /// Whether another process takes up the site, and this one shows what that one wrote down: nothing is delivered by it.
    pub follows: bool,
    /// The folder from which another process takes up the site, if one does.
    pub leader: Option<String>,
    /// The texts of articles.
    pub texts: Texts,
    /// What feeds need of the configuration.
    pub settings: Arc<Settings>,
    pub(super) catalog: Arc<RwLock<Catalog>>,
    /// How often the catalog had changed, and has by now: a pass under way goes on with it.
    pub(super) seen: u64,
    pub(super) changes: Arc<AtomicU64>,
}

impl Snapshot {
    /// The articles, as the last pass left them. Not to be held while waiting.
    pub fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the articles are still as this pass left them. To be asked while one holds the catalog.
    pub(super) fn is_current(&self) -> bool {
        self.changes.load(Ordering::Relaxed) == self.seen
    }

    /// Says in the log what this pass decided that a person should know. How much of it needs one.
    pub fn report(&self) -> usize {
        if let Some(baseline) = self.first {
            let booked = self.plan.book.len();
            tracing::info!(
                baseline,
                booked,
                "first start: the baseline is {}, and stays silent; {} booked",
                counted(baseline, "article"),
                counted(booked, "post")
            );
        }
        let mut need_a_person = 0;
        for refused in &self.feeds.refused {
            need_a_person += 1;
            tracing::error!(
                path = refused.path,
                "{} would be no valid document: its last good form stays, if there is one; {}",
                refused.path,
                refused.fault
            );
        }
        let path =
            |id: i64| self.outbox.iter().find(|delivery| delivery.id == id).map_or("", |delivery| &delivery.path);
        for (id, reason) in self.plan.withdraw.iter().chain(&self.plan.drop) {
            tracing::info!(delivery = id, "delivery {id} is called off: {reason}");
        }
        for (id, reason) in self.plan.expire.iter().chain(&self.plan.hold) {
            need_a_person += 1;
            tracing::error!(delivery = id, "delivery {id} of {} needs a person: {reason}", path(*id));
        }
        for held in self.plan.book.iter().filter(|planned| planned.state != State::Pending) {
            need_a_person += 1;
            let reason = held.reason.as_deref().unwrap_or("");
            tracing::warn!("{} to {} is {}: {reason}", held.path, held.key.endpoint, held.state);
        }
        need_a_person
    }
}
