//! When exports are made, and what is said of them: one task a place, so that a bucket that does not answer delays no
//! reader, no delivery and no other place.
//!
//! A task gets no input: what is owed is the difference between the feeds that are served and what the place holds.

use crate::clock::Clock;
use crate::config::Config;
use crate::export::{Report, Target, Wanted};
use crate::feed::FeedSet;
use crate::reconcile::Snapshot;
use crate::task::Shutdown;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

/// Wait after the first failure; it doubles with every further one…
const AGAIN_FIRST: SignedDuration = SignedDuration::from_secs(5);
/// …up to this.
const AGAIN_MOST: SignedDuration = SignedDuration::from_mins(5);
/// How often a place is looked at itself, whatever is remembered of it: people delete files.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// How often one pass over everything tries a place that is in passing trouble, …
const TRIES: u32 = 4;
/// … and how long it waits before the second try; twice as long before the third.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// The places of the configuration; what cannot be set up is said, and left out.
pub fn targets(config: &Config) -> (Vec<Target>, usize) {
    let mut unusable = 0;
    let mut targets = Vec::new();
    for export in &config.feeds.export {
        match Target::new(export, &config.feeds) {
            Ok(target) => targets.push(target),
            Err(error) => {
                unusable += 1;
                tracing::error!("the feeds cannot be exported to {export}: {error}");
            }
        }
    }
    (targets, unusable)
}

/// Keeps a place as the feeds are, until the end is told. `done` is told when it is as they are.
pub async fn keep(
    mut target: Target,
    mut looked: watch::Receiver<Option<Arc<Snapshot>>>,
    clock: Clock,
    mut shutdown: Shutdown,
    done: impl Fn(Arc<Snapshot>),
) {
    let mut voice = Voice::default();
    let mut failures = 0;
    let mut look = clock.now().saturating_add(LOOK_EVERY).unwrap_or(Timestamp::MAX);
    while !shutdown.is_told() {
        let snapshot = looked.borrow_and_update().clone();
        let mut until = None;
        if let Some(snapshot) = snapshot {
            if clock.now() >= look {
                target.forget();
                look = clock.now().saturating_add(LOOK_EVERY).unwrap_or(Timestamp::MAX);
            }
            let wanted = wanted(&snapshot.feeds).await;
            let report = tokio::select! {
                report = target.export(wanted) => report,
                // What is left is found at the next start.
                () = shutdown.told() => return,
            };
            voice.tell(&target, &report);
            failures = if report.troubles.is_empty() { 0 } else { failures + 1 };
            if failures == 0 {
                done(snapshot);
            }
            let again = (failures > 0).then(|| clock.now().saturating_add(wait(failures)).unwrap_or(Timestamp::MAX));
            until = again.into_iter().chain([look]).min();
        }
        let timer = async {
            match until {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shutdown.told() => return,
            // Nobody looks any more: the end comes.
            change = looked.changed() => if change.is_err() { shutdown.told().await; },
            () = timer => {}
        }
    }
}

/// Exports once to every place, for one whole pass. How many are not as they should be.
pub async fn once(config: &Config, feeds: &Arc<FeedSet>, clock: &Clock, shutdown: &Shutdown) -> usize {
    let (targets, unusable) = targets(config);
    if targets.is_empty() {
        return unusable;
    }
    let wanted = wanted(feeds).await;
    let exports = targets.into_iter().map(|mut target| {
        let (wanted, mut shutdown) = (Arc::clone(&wanted), shutdown.clone());
        async move {
            let mut done = Report::default();
            for attempt in 0..TRIES {
                let report = target.export(Arc::clone(&wanted)).await;
                let is_passing = report.troubles.iter().any(|trouble| trouble.is_passing);
                done = Report {
                    changed: done.changed + report.changed,
                    removed: done.removed + report.removed,
                    replaced: done.replaced + report.replaced,
                    kept: report.there().saturating_sub(done.changed + report.changed),
                    troubles: report.troubles,
                };
                if !is_passing || attempt + 1 == TRIES {
                    break;
                }
                let at = clock.now().saturating_add(TRY_AGAIN * (1 << attempt)).unwrap_or(Timestamp::MAX);
                tokio::select! { () = clock.sleep_until(at) => {}, () = shutdown.told() => break }
            }
            Voice::default().tell(&target, &done);
            !done.troubles.is_empty()
        }
    });
    unusable + join_all(exports).await.into_iter().filter(|is_in_trouble| *is_in_trouble).count()
}

/// What is wanted of a set of feeds. Off the async threads: there may be thousands.
async fn wanted(feeds: &Arc<FeedSet>) -> Arc<Wanted> {
    let feeds = Arc::clone(feeds);
    Arc::new(tokio::task::spawn_blocking(move || Wanted::of(&feeds)).await.unwrap_or_default())
}

/// How long to wait after so many failures.
fn wait(failures: u32) -> SignedDuration {
    (AGAIN_FIRST * (1 << (failures - 1).min(10))).min(AGAIN_MOST)
}

/// Says what changed, and each trouble once.
#[derive(Default)]
struct Voice {
    /// What is to be done about the troubles that were said.
    said: BTreeSet<String>,
}

impl Voice {
    fn tell(&mut self, target: &Target, report: &Report) {
        let (changed, removed) = (report.changed, report.removed);
        if changed + removed > 0 {
            tracing::info!("exported {} files to {target}: {changed} changed, {removed} removed", report.there());
        }
        if report.replaced > 0 {
            tracing::warn!("{} of the files in {target} held something that was not Crieur's", report.replaced);
        }
        // Which object is in trouble, and how many others are, may change with every try.
        let troubles: BTreeSet<String> = report.troubles.iter().map(|trouble| trouble.cure.clone()).collect();
        for trouble in report.troubles.iter().filter(|trouble| !self.said.contains(&trouble.cure)) {
            if trouble.is_passing {
                tracing::warn!("export to {target}: {}", trouble.sentence());
            } else {
                tracing::error!("export to {target}: {}", trouble.sentence());
            }
        }
        if troubles.is_empty() && !self.said.is_empty() {
            tracing::info!("the export to {target} works again");
        }
        self.said = troubles;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let seconds: Vec<i64> = [1, 2, 3, 7, 100].into_iter().map(|n| wait(n).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 300, 300]);
    }
}
