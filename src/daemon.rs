//! The daemon: the only place that wires concrete parts together, and runs them until it is told to stop.

use crate::clock::Clock;
use crate::config::{Config, EndpointName};
use crate::deliver::{Deliverer, Step};
use crate::expiry::{self, Ends};
use crate::exports::Exports;
use crate::http::{self, Asked, Desk, Documents, Hook, Limits, Proxies, Shared};
use crate::problem::Problem;
use crate::pull::Puller;
use crate::push::{Distributor, Figures, Pinger, PutOut};
use crate::reconcile::{PassError, Reconciler, Snapshot, Where};
use crate::seal::Seal;
use crate::span::after;
use crate::store::{Store, StoreError};
use crate::task::{Shutdown, Wake, Woke, rest};
use crate::watch::{Watcher, look_again};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long what is under way may take after the end was told.
const DRAIN: Duration = Duration::from_secs(25);
/// A burst of changes is taken as one: nothing more may change for this long…
const QUIET: Duration = Duration::from_millis(4);
/// …or this long, while a file is being written…
const QUIET_WRITING: Duration = Duration::from_millis(60);
/// …but nobody waits longer than this for others.
const QUIET_MOST: Duration = Duration::from_millis(500);
/// How soon a pass or a step that failed is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// How soon a process that follows looks again whether the leader still lives, and what it wrote down.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(15);

/// A daemon, wired.
pub struct Daemon {
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    deliverer: Arc<Deliverer>,
    reconciler: Reconciler,
    looked: watch::Sender<Option<Arc<Snapshot>>>,
    documents: Documents,
    wake_reconcile: Wake,
    wake_deliver: BTreeMap<EndpointName, Wake>,
    push: Push,
    ends: Ends,
}

/// WebSub, as far as the configuration wants it.
struct Push {
    figures: Figures,
    wake_distribute: Wake,
    wake_ping: Wake,
    hub: Option<(http::Hub, Distributor)>,
    pinger: Option<Pinger>,
}

impl Push {
    /// What cannot be set up is reported and left out; the rest works.
    async fn wire(config: &Config, store: &Store, clock: &Clock) -> Self {
        let said = |error: String| tracing::error!("WebSub cannot be used: {error}");
        let (wake_distribute, wake_ping, figures) = (Wake::default(), Wake::default(), Figures::default());
        let seal = Seal::of(config.store_key.as_ref(), config.store.beside());
        let mut hub = None;
        if let Some(routes) = http::Hub::new(config, seal.clone(), wake_distribute.clone()) {
            let distributor = Distributor::new(config, store.clone(), clock.clone(), seal.clone(), figures.clone());
            let ready = tokio::task::spawn_blocking(move || seal.prepare()).await;
            let ready =
                ready.map_err(|error| error.to_string()).and_then(|ready| ready.map_err(|error| error.to_string()));
            hub = ready.and(distributor).map(|distributor| (routes, distributor)).map_err(said).ok();
        }
        let pinger = Pinger::new(config, store.clone(), clock.clone(), figures.clone()).unwrap_or_else(|error| {
            said(error);
            None
        });
        Self { figures, wake_distribute, wake_ping, hub, pinger }
    }

    /// Starts what there is.
    fn spawn(
        &mut self,
        tasks: &mut JoinSet<(String, Result<(), DaemonError>)>,
        looked: watch::Receiver<Option<Arc<Snapshot>>>,
        put_out: PutOut,
        shutdown: &Shutdown,
    ) -> Option<http::Hub> {
        if let Some(pinger) = self.pinger.take() {
            let (wake, shutdown) = (self.wake_ping.clone(), shutdown.clone());
            tasks.spawn(async move {
                pinger.run(wake, put_out, shutdown).await;
                ("ping hubs".to_owned(), Ok(()))
            });
        }
        let (routes, distributor) = self.hub.take()?;
        let (wake, shutdown) = (self.wake_distribute.clone(), shutdown.clone());
        tasks.spawn(async move {
            distributor.run(wake, looked, shutdown).await;
            ("distribute".to_owned(), Ok(()))
        });
        Some(routes)
    }
}

/// The daemon stopped when it should not.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A task ended.
    #[error("the task `{0}` ended; the daemon cannot go on without it")]
    TaskEnded(String),
    /// The web server failed.
    #[error("the web server failed")]
    Http(#[from] std::io::Error),
}

impl Daemon {
    /// Opens the store and connects the endpoints.
    pub async fn wire(config: Arc<Config>, clock: Clock, accept_empty: bool) -> Result<Self, StoreError> {
        let store = Store::open(&config.store).await?;
        let deliverer = Arc::new(Deliverer::new(Arc::clone(&config), store.clone(), clock.clone()));
        let wake_deliver = deliverer.endpoints().map(|name| (name.clone(), Wake::default())).collect();
        let reconciler = Reconciler::new(Arc::clone(&config)).accepting_empty(accept_empty);
        let (looked, _) = watch::channel(None);
        let push = Push::wire(&config, &store, &clock).await;
        Ok(Self {
            config,
            store,
            clock,
            deliverer,
            reconciler,
            looked,
            documents: Documents::default(),
            wake_reconcile: Wake::default(),
            wake_deliver,
            push,
            ends: Ends::default(),
        })
    }

    /// The last pass, as it changes.
    pub fn snapshots(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.looked.subscribe()
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs until `stop` is done, then lets what is under way end, within a deadline.
    pub async fn run(mut self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), DaemonError> {
        let (tell, shutdown) = Shutdown::channel();
        let mut tasks: JoinSet<(String, Result<(), DaemonError>)> = JoinSet::new();
        let asked = Asked::default();
        let hook = self.config.site.hook_secret.clone();
        let hook = hook.map(|secret| Hook::new(secret, asked.clone(), self.wake_reconcile.clone()));
        let mut exported = Vec::new();
        let exports = Exports::new(&self.config, self.clock.clone());
        let told = || {
            let (done, receiver) = watch::channel(None);
            let wake = self.push.wake_ping.clone();
            exported.push(receiver);
            move |snapshot| {
                done.send_replace(Some(snapshot));
                wake.wake();
            }
        };
        for (place, task) in exports.tasks(&self.looked.subscribe(), &shutdown, told) {
            tasks.spawn(async move {
                task.await;
                (format!("export {place}"), Ok(()))
            });
        }
        let put_out = PutOut::new(self.looked.subscribe(), exported);
        let shared = Shared {
            snapshot: self.looked.subscribe(),
            documents: self.documents.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            hook,
            figures: self.push.figures.clone(),
            ends: self.ends.clone(),
            hub: self.push.spawn(&mut tasks, self.looked.subscribe(), put_out, &shutdown),
            desk: Some(Desk::new(Arc::clone(&self.config), Arc::clone(&self.deliverer), self.wake_deliver.clone())),
        };
        let (proxies, limits) = (Proxies::new(self.config.http.proxies.clone()), Limits::of(&self.config.http));
        let mut hears = shutdown.clone();
        tasks.spawn(async move {
            let served = http::serve(listener, shared, proxies, limits, async move { hears.told().await });
            ("http".to_owned(), served.await.map_err(DaemonError::from))
        });
        for (name, wake) in &self.wake_deliver {
            let (deliverer, name, wake) = (Arc::clone(&self.deliverer), name.clone(), wake.clone());
            let (looked, clock, shutdown) = (self.looked.subscribe(), self.clock.clone(), shutdown.clone());
            tasks.spawn(async move {
                let task = format!("deliver {name}");
                deliver(deliverer, name, wake, looked, clock, shutdown).await;
                (task, Ok(()))
            });
        }
        let (deliverer, clock, hears) = (Arc::clone(&self.deliverer), self.clock.clone(), shutdown.clone());
        let (ends, alerts) = (self.ends.clone(), self.config.alerts.clone());
        tasks.spawn(async move {
            expiry::run(deliverer, clock, alerts, ends, hears).await;
            ("expiry".to_owned(), Ok(()))
        });
        let store = self.store.clone();
        tasks.spawn(async move {
            self.reconcile(asked, shutdown).await;
            ("reconcile".to_owned(), Ok(()))
        });

        tokio::pin!(stop);
        let ended = tokio::select! {
            () = &mut stop => None,
            ended = tasks.join_next() => ended,
        };
        let _ = tell.send(true);
        let drained = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(
                "what was under way did not end within {} s; it is taken up at the next start",
                DRAIN.as_secs()
            );
            tasks.shutdown().await;
        }
        store.close().await;
        match ended {
            None => Ok(()),
            Some(Ok((_, Err(error)))) => Err(error),
            Some(Ok((task, Ok(())))) => Err(DaemonError::TaskEnded(task)),
            Some(Err(error)) => Err(DaemonError::TaskEnded(error.to_string())),
        }
    }

    /// The task that makes passes: when files changed, when the time of an article comes, and now and then anyway.
    async fn reconcile(mut self, asked: Asked, mut shutdown: Shutdown) {
        let mut puller = Puller::new(&self.config.site);
        let mut watcher = Watcher::new(self.wake_reconcile.clone());
        // Whoever pulls a repository knows when its files change.
        let watches = self.config.site.git.is_none();
        let root = self.config.site.root.clone();
        let mut reported = BTreeSet::new();
        if watches {
            watcher.follow(&root, &BTreeSet::new());
        }
        let mut at = Where::Everywhere;
        let mut scan = Timestamp::MIN;
        let mut takes_over = false;
        loop {
            let is_asked = asked.take() | std::mem::take(&mut takes_over);
            puller.pull(&mut self.reconciler, &self.clock, is_asked, &shutdown).await;
            let now = self.clock.now();
            if now >= scan || is_asked || !watches {
                at = Where::Everywhere;
            }
            let mut next = Where::At(BTreeSet::new());
            let until = match self.reconciler.pass_at(&self.store, now, &at).await {
                Ok(snapshot) => {
                    puller.taken(&snapshot).await;
                    let took = self.clock.now().duration_since(now);
                    let folders = snapshot.folders.clone();
                    report(&snapshot.problems, &root, &mut reported);
                    snapshot.report();
                    let again = snapshot.feeds.is_incomplete.then(|| after(now, AGAIN));
                    let followed = snapshot.follows.then(|| after(now, FOLLOWED));
                    let change = self.hand_out(snapshot).await;
                    // Readers do not wait for the watcher: what changed before it watched is looked at once more.
                    if watches && watcher.follow(&root, &folders) {
                        next = Where::Everywhere;
                        self.wake_reconcile.wake();
                    }
                    if at == Where::Everywhere {
                        let every = self.scan_every(!watches || watcher.sees_all(), took);
                        scan = now.saturating_add(every).unwrap_or(Timestamp::MAX);
                    }
                    if let Err(error) = self.reconciler.keep(&self.store).await {
                        report_pass_error(&error);
                    }
                    [change, again, followed, Some(scan)].into_iter().flatten().min()
                }
                Err(error) => {
                    takes_over = matches!(error, PassError::TakesOver);
                    report_pass_error(&error);
                    // What it looked at is looked at again.
                    next = Where::Everywhere;
                    Some(now.saturating_add(AGAIN).unwrap_or(now))
                }
            };
            let until = until.into_iter().chain(puller.due()).min();
            // What need not be done at once is done while nothing else is to do.
            let mut is_woken = false;
            while !is_woken && !shutdown.is_told() && self.clock.now() < until.unwrap_or(Timestamp::MAX) {
                match self.reconciler.digest(&self.store).await {
                    Ok(true) => is_woken = self.wake_reconcile.is_waiting(),
                    Ok(false) => break,
                    Err(error) => {
                        report_pass_error(&error);
                        break;
                    }
                }
            }
            if rest(&self.wake_reconcile, &self.clock, until, &mut shutdown).await == Woke::ToEnd {
                return;
            }
            quiet(&self.wake_reconcile, &watcher).await;
            at = match (next, watcher.take()) {
                (Where::At(_), Where::At(paths)) => Where::At(paths),
                _ => Where::Everywhere,
            };
        }
    }

    /// How soon every file's status is looked at again, by how long the last look took.
    fn scan_every(&self, sees_all: bool, took: SignedDuration) -> SignedDuration {
        let every = self.config.site.scan_every;
        if sees_all { every } else { look_again(took, every) }
    }

    /// Puts a pass before readers and exports, and wakes those who deliver. When time alone changes something.
    async fn hand_out(&self, snapshot: Snapshot) -> Option<Timestamp> {
        let snapshot = Arc::new(snapshot);
        let until = snapshot.next_change;
        let (documents, ready, now) = (self.documents.clone(), Arc::clone(&snapshot), self.clock.now());
        if let Err(error) = tokio::task::spawn_blocking(move || documents.put(&ready, now)).await {
            tracing::error!("the new feeds cannot be served; the old ones are: {error}");
        }
        self.looked.send_replace(Some(Arc::clone(&snapshot)));
        for wake in self.wake_deliver.values().chain([&self.push.wake_distribute, &self.push.wake_ping]) {
            wake.wake();
        }
        until
    }
}

/// The task that delivers to one endpoint, one post after the other. A slow endpoint delays no other.
async fn deliver(
    deliverer: Arc<Deliverer>,
    name: EndpointName,
    wake: Wake,
    mut looked: watch::Receiver<Option<Arc<Snapshot>>>,
    clock: Clock,
    mut shutdown: Shutdown,
) {
    while !shutdown.is_told() {
        let snapshot = looked.borrow_and_update().clone();
        let until = match snapshot {
            None => None,
            Some(snapshot) => match deliverer.step(&name, None, &snapshot).await {
                Ok(Step::Did(_)) => continue,
                // Another process may book too: it is looked for now and then.
                Ok(Step::Wait(until)) => {
                    let look = clock.now().saturating_add(SignedDuration::from_secs(30)).unwrap_or(Timestamp::MAX);
                    Some(until.map_or(look, |until| until.min(look)))
                }
                Err(error) => {
                    tracing::error!(endpoint = %name, "the outbox cannot be used: {}", with_causes(&error));
                    Some(clock.now().saturating_add(AGAIN).unwrap_or(Timestamp::MAX))
                }
            },
        };
        if rest(&wake, &clock, until, &mut shutdown).await == Woke::ToEnd {
            return;
        }
    }
}

/// Waits until nothing more changes for a moment: editors write a file in several steps, a pull writes a thousand.
async fn quiet(wake: &Wake, watcher: &Watcher) {
    let most = tokio::time::Instant::now() + QUIET_MOST;
    while tokio::time::Instant::now() < most {
        let quiet = if watcher.is_writing() { QUIET_WRITING } else { QUIET };
        if tokio::time::timeout(quiet, wake.woken()).await.is_err() {
            return;
        }
    }
    // What came during the wait is part of what is read now; one more look later costs little.
    wake.wake();
}

/// Says how many problems there are, when that changes. What they are stands in `crieur check` and in the log's debug
/// lines: a file that cannot be read may be a draft, and nothing of a draft belongs in a log that many read.
fn report(problems: &[Problem], root: &std::path::Path, reported: &mut BTreeSet<String>) {
    let present: BTreeSet<String> = problems.iter().map(|problem| problem.under(root).to_string()).collect();
    for new in present.difference(reported) {
        tracing::debug!("{new}");
    }
    let errors = problems.iter().filter(|problem| problem.severity == crate::problem::Severity::Error).count();
    if present != *reported && errors > 0 {
        tracing::warn!(
            errors,
            "{errors} of the site's files cannot be used as they are; `crieur check` says which, where and what to do"
        );
    }
    *reported = present;
}

fn report_pass_error(error: &PassError) {
    match error {
        PassError::Site(problems) => problems.iter().for_each(|problem| tracing::error!("{problem}")),
        error => tracing::error!("{}", with_causes(error)),
    }
}

/// An error with everything below it, once.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
