//! When a site's repository is pulled: before the first pass, now and then, and when a web hook says so.

use crate::clock::Clock;
use crate::config::Site;
use crate::reconcile::{Reconciler, Snapshot};
use crate::source::SourceError;
use crate::source::git::{Git, Pulled};
use crate::task::Shutdown;
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::Ordering;

/// How soon a pull that failed is tried again; it doubles with every further one, up to the usual time.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Pulls a site's repository. For a site in a folder it does nothing.
pub struct Puller {
    git: Option<Git>,
    site: Site,
    /// When to pull next; None: at once.
    due: Option<Timestamp>,
    failures: u32,
    /// The failure that was said last: a repository that is away for a night is said once.
    said: Option<SourceError>,
}

impl Puller {
    /// Nothing is pulled yet.
    pub fn new(site: &Site) -> Self {
        Self { git: None, site: site.clone(), due: None, failures: 0, said: None }
    }

    /// When to pull next. None for a folder.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Pulls if it is time or if it was asked for, and tells the reconciler of renames. What fails is said in the log,
    /// and tried again; the last state stays.
    pub async fn pull(&mut self, reconciler: &mut Reconciler, clock: &Clock, asked: bool, shutdown: &Shutdown) {
        let Some(settings) = self.site.git.clone() else { return };
        if !asked && self.due.is_some_and(|due| due > clock.now()) {
            return;
        }
        let every = settings.every;
        let wait = match self.once(reconciler, shutdown).await {
            Ok(pulled) => {
                if let Some(Pulled { commit, changed: true, rewritten, .. }) = pulled {
                    let how = if rewritten { "; its history was rewritten" } else { "" };
                    tracing::info!(commit, "pulled {}, commit {commit}{how}", settings.url.as_str());
                }
                if self.said.take().is_some() {
                    tracing::info!("the repository {} can be pulled again", settings.url.as_str());
                }
                self.failures = 0;
                every
            }
            Err(error) => {
                if self.said.as_ref() != Some(&error) && !shutdown.is_told() {
                    tracing::error!("{error}");
                }
                self.said = Some(error);
                self.failures = self.failures.saturating_add(1);
                AGAIN.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(every)
            }
        };
        self.due = Some(clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX));
    }

    /// Pulls once. None for a folder.
    pub async fn once(
        &mut self,
        reconciler: &mut Reconciler,
        shutdown: &Shutdown,
    ) -> Result<Option<Pulled>, SourceError> {
        let Some(settings) = self.site.git.clone() else { return Ok(None) };
        let git = match self.git.take() {
            Some(git) => git,
            None => blocking(move || Git::open(settings)).await??,
        };
        let (stop, mut told) = (git.stop(), shutdown.clone());
        let work = blocking(move || {
            let mut git = git;
            let pulled = git.pull();
            let renames = match &pulled {
                Ok(pulled) => pulled.renames.clone(),
                Err(_) => git.renames(),
            };
            (git, pulled, renames)
        });
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = told.told() => {
                stop.store(true, Ordering::Relaxed);
                work.await
            }
        };
        let (git, pulled, renames) = done?;
        self.git = Some(git);
        reconciler.renamed(renames);
        if pulled.is_ok() {
            reconciler.pulled();
        }
        pulled.map(Some)
    }

    /// Remembers that a pass has booked what came of the renames. That of a follower books nothing.
    pub async fn taken(&mut self, snapshot: &Snapshot) {
        if snapshot.follows {
            return;
        }
        let Some(mut git) = self.git.take() else { return };
        let taken = blocking(move || {
            let taken = git.taken();
            (git, taken)
        });
        match taken.await {
            Ok((git, taken)) => {
                self.git = Some(git);
                if let Err(error) = taken {
                    tracing::warn!("{error}");
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
    }
}

/// For a command that only looks: the checkout as it was left. Without one it is made, which takes the network.
pub async fn prepare(site: &Site) -> Result<(), SourceError> {
    match site.git.clone() {
        Some(settings) => blocking(move || Git::open(settings)?.prepare()).await?,
        None => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SourceError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| SourceError::Git(format!("the part that pulls the repository ended: {error}")))
}
