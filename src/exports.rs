//! When exports are made, and what is said of them: one task a place, so that a bucket that does not answer delays no
//! reader, no delivery and no other place.
//!
//! A task gets no input: what is owed is the difference between the documents that are served and what the place holds.
//! Archives and calendars, which are served on demand, are made when a place does not have them: one at a time, after
//! everything else, and at most a tenth of the time is spent on it.

use crate::clock::Clock;
use crate::config::Config;
use crate::export::{Make, Report, Target, Wanted};
use crate::reconcile::{Made, Snapshot};
use crate::task::Shutdown;
use crate::text::counted;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
/// Documents on demand are looked through again after so many times the time that it took…
const REST: i32 = 10;
/// …but within this.
const REST_MOST: SignedDuration = SignedDuration::from_hours(1);

/// The places of a configuration.
pub struct Exports {
    targets: Vec<Target>,
    /// Places that cannot be set up; they are said already.
    unusable: usize,
    kitchen: Kitchen,
}

/// Where documents on demand are made: one at a time, whoever wants them.
#[derive(Clone)]
struct Kitchen {
    clock: Clock,
    making: Arc<Mutex<()>>,
}

impl Exports {
    /// The places of the configuration. What cannot be set up is said, and left out.
    pub fn new(config: &Config, clock: Clock) -> Self {
        let (mut targets, mut unusable) = (Vec::new(), 0);
        for export in &config.feeds.export {
            match Target::new(export, &config.feeds) {
                Ok(target) => targets.push(target),
                Err(error) => {
                    unusable += 1;
                    tracing::error!("the feeds cannot be exported to {export}: {error}");
                }
            }
        }
        Self { targets, unusable, kitchen: Kitchen { clock, making: Arc::default() } }
    }

    /// For each place its name, and a task that keeps it as the documents are until the end is told. What `done` gives
    /// for a place is told each pass whose documents it has; archives may follow.
    pub fn tasks<D: Fn(Arc<Snapshot>) + Send + Sync + 'static>(
        self,
        looked: &watch::Receiver<Option<Arc<Snapshot>>>,
        shutdown: &Shutdown,
        mut done: impl FnMut() -> D,
    ) -> impl Iterator<Item = (String, impl Future<Output = ()> + Send + 'static)> {
        let (looked, shutdown, kitchen) = (looked.clone(), shutdown.clone(), self.kitchen);
        self.targets.into_iter().map(move |target| {
            let name = target.to_string();
            let keeper = Keeper { target, kitchen: kitchen.clone(), beside: None, voice: Voice::default() };
            (name, keeper.keep(looked.clone(), shutdown.clone(), done()))
        })
    }

    /// Exports once to every place, for one whole pass. How many are not as they should be.
    pub async fn once(self, snapshot: &Arc<Snapshot>, shutdown: &Shutdown) -> usize {
        let kitchen = &self.kitchen;
        let exports = self.targets.into_iter().map(|target| once(target, snapshot, kitchen, shutdown.clone()));
        self.unusable + join_all(exports).await.into_iter().filter(|is_in_trouble| *is_in_trouble).count()
    }
}

/// All documents that belong into files: those made ahead, and those on demand that have an address of their own.
/// It takes its time: not on an async thread.
pub fn wanted(snapshot: &Arc<Snapshot>, clock: &Clock) -> Wanted {
    let kitchen = Kitchen { clock: clock.clone(), making: Arc::default() };
    with(snapshot, &Beside::look(snapshot, &kitchen))
}

fn with(snapshot: &Arc<Snapshot>, beside: &Beside) -> Wanted {
    let mut wanted = Wanted::of(&snapshot.feeds);
    for document in &beside.documents {
        wanted.on_demand(&document.path, &document.made_of, Arc::clone(&document.make));
    }
    wanted
}

/// A document on demand.
struct OnDemand {
    path: String,
    made_of: String,
    make: Make,
}

/// The documents on demand of a snapshot.
struct Beside {
    snapshot: Arc<Snapshot>,
    documents: Vec<OnDemand>,
    looked_at: Timestamp,
    /// Microseconds that were spent on them so far.
    spent: Arc<AtomicI64>,
}

impl Beside {
    fn look(snapshot: &Arc<Snapshot>, kitchen: &Kitchen) -> Self {
        let now = kitchen.clock.now();
        let spent = Arc::new(AtomicI64::new(0));
        let found = snapshot.beside(now);
        let documents = found.into_iter().map(|beside| {
            let (snapshot, kitchen, spent) = (Arc::clone(snapshot), kitchen.clone(), Arc::clone(&spent));
            let (path, made_of) = (beside.demand.path(), beside.print);
            let make: Make = Arc::new(move || {
                let _alone = kitchen.making.lock().unwrap_or_else(PoisonError::into_inner);
                let start = kitchen.clock.now();
                let made = snapshot.make(&beside.demand, now);
                spent.fetch_add(micros(kitchen.clock.now().duration_since(start)), Ordering::Relaxed);
                match made {
                    Made::Document(document, true) => Some(*document),
                    // One that lacks an article that is just changing is good for now only.
                    Made::Document(..) | Made::Refused(_) | Made::Moved(_) | Made::Nothing => None,
                }
            });
            OnDemand { path, made_of, make }
        });
        let documents = documents.collect();
        spent.fetch_add(micros(kitchen.clock.now().duration_since(now)), Ordering::Relaxed);
        Self { snapshot: Arc::clone(snapshot), documents, looked_at: now, spent }
    }

    /// When they may be looked through again.
    fn due(&self) -> Timestamp {
        let rest = SignedDuration::from_micros(self.spent.load(Ordering::Relaxed)).saturating_mul(REST);
        self.looked_at.saturating_add(rest.min(REST_MOST)).unwrap_or(Timestamp::MAX)
    }
}

fn micros(length: SignedDuration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// Off the async threads. The error is that of a part that ended.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Report> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Report::ended(&error))
}

/// Keeps one place.
struct Keeper {
    target: Target,
    kitchen: Kitchen,
    /// The documents on demand as they were last looked through.
    beside: Option<Arc<Beside>>,
    voice: Voice,
}

impl Keeper {
    async fn keep(
        mut self,
        mut looked: watch::Receiver<Option<Arc<Snapshot>>>,
        mut shutdown: Shutdown,
        done: impl Fn(Arc<Snapshot>) + Sync,
    ) {
        let clock = self.kitchen.clock.clone();
        let after = |wait: SignedDuration| clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let mut failures = 0;
        let mut look = after(LOOK_EVERY);
        while !shutdown.is_told() {
            let snapshot = looked.borrow_and_update().clone();
            let mut until = None;
            if let Some(snapshot) = snapshot {
                if clock.now() >= look {
                    self.target.forget();
                    look = after(LOOK_EVERY);
                }
                let report = tokio::select! {
                    report = self.export(&snapshot, &done) => report,
                    // What is left is found at the next start.
                    () = shutdown.told() => return,
                };
                self.voice.tell(&self.target, &report);
                failures = if report.troubles.is_empty() { 0 } else { failures + 1 };
                if failures == 0 && report.left > 0 {
                    continue;
                }
                let again = (failures > 0).then(|| after(wait(failures)));
                let is_old = |beside: &&Arc<Beside>| !Arc::ptr_eq(&beside.snapshot, &snapshot);
                let later = self.beside.as_ref().filter(|_| failures == 0).filter(is_old).map(|beside| beside.due());
                until = again.into_iter().chain(later).chain([look]).min();
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

    /// First what is made ahead, then some of what is on demand.
    async fn export(&mut self, snapshot: &Arc<Snapshot>, done: &(impl Fn(Arc<Snapshot>) + Sync)) -> Report {
        let served = Arc::clone(snapshot);
        let first = match aside(move || Wanted::of(&served.feeds).partial()).await {
            Ok(wanted) => self.target.export(Arc::new(wanted)).await,
            Err(ended) => return ended,
        };
        if first.troubles.is_empty() {
            done(Arc::clone(snapshot));
        }
        // A place that is away is not asked twice.
        if first.troubles.iter().any(|trouble| trouble.is_passing) {
            return first;
        }
        let now = self.kitchen.clock.now();
        let is_good = |beside: &&Arc<Beside>| now < beside.due() || Arc::ptr_eq(&beside.snapshot, snapshot);
        let beside = self.beside.as_ref().filter(is_good).map(Arc::clone);
        let (served, kitchen) = (Arc::clone(snapshot), self.kitchen.clone());
        let looking = aside(move || {
            let beside = beside.unwrap_or_else(|| Arc::new(Beside::look(&served, &kitchen)));
            (Arc::new(with(&served, &beside)), beside)
        });
        let (wanted, beside) = match looking.await {
            Ok(found) => found,
            Err(ended) => return ended,
        };
        self.beside = Some(beside);
        first.then(self.target.export(wanted).await)
    }
}

/// Whether a place is in trouble after all tries.
async fn once(mut target: Target, snapshot: &Arc<Snapshot>, kitchen: &Kitchen, mut shutdown: Shutdown) -> bool {
    let (own, served) = (kitchen.clone(), Arc::clone(snapshot));
    let wanted = match aside(move || Arc::new(with(&served, &Beside::look(&served, &own)))).await {
        Ok(wanted) => wanted,
        Err(ended) => {
            Voice::default().tell(&target, &ended);
            return true;
        }
    };
    let mut done = Report::default();
    let mut failures = 0;
    while !shutdown.is_told() {
        done = done.then(target.export(Arc::clone(&wanted)).await);
        let is_passing = done.troubles.iter().any(|trouble| trouble.is_passing);
        if done.troubles.is_empty() && done.left > 0 {
            continue;
        }
        failures += 1;
        if !is_passing || failures == TRIES {
            break;
        }
        let at = kitchen.clock.now().saturating_add(TRY_AGAIN * (1 << failures) / 2).unwrap_or(Timestamp::MAX);
        tokio::select! { () = kitchen.clock.sleep_until(at) => {}, () = shutdown.told() => {} }
    }
    Voice::default().tell(&target, &done);
    done.left > 0 || !done.troubles.is_empty()
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
            let files = counted(report.there(), "file");
            tracing::info!("exported {files} to {target}: {changed} changed, {removed} removed");
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
