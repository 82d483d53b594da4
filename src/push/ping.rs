//! Hubs elsewhere are told which topics changed, once the new bytes are served.

use super::calls::Calls;
use super::crew::{Crew, Job};
use super::{AGAIN, Figures, LOOK, PutOut, REQUEST_TIME, served, version};
use crate::clock::Clock;
use crate::config::{Config, Hub};
use crate::crash::crash_point;
use crate::feed::Document;
use crate::hub::{Answered, Due, Owed, Trouble, Version};
use crate::reconcile::Snapshot;
use crate::store::{Ping, Store, StoreError};
use crate::task::{Shutdown, Wake};
use jiff::Timestamp;
use std::collections::HashMap;
use url::Url;

/// Tells hubs elsewhere of changes.
#[derive(Debug)]
pub struct Pinger {
    store: Store,
    clock: Clock,
    calls: Calls,
    figures: Figures,
    hubs: Vec<Known>,
}

/// A hub, and what it was told.
#[derive(Debug)]
struct Known {
    url: Url,
    /// By topic; None before the first look. What another process told it meanwhile is found when it is leased.
    told: Option<HashMap<String, Ping>>,
}

/// Which hub, and which topic.
type Key = (usize, String);
/// What a ping became, and the version that it told of.
type Done = (Ping, Version, Answered);

/// What a look found.
struct Round {
    crew: Crew<Key, Done>,
    /// When something is to be told that is not to be told yet.
    until: Option<Timestamp>,
    /// When the present version of a topic was first seen, where it differs from what was told.
    seen: HashMap<String, (String, Timestamp)>,
}

impl Pinger {
    /// Errors: the HTTP client cannot be set up. None if no hub elsewhere is named.
    pub fn new(config: &Config, store: Store, clock: Clock, figures: Figures) -> Result<Option<Self>, String> {
        let elsewhere = config.feeds.hubs.iter().filter_map(|hub| match hub {
            Hub::At(url) => Some(Known { url: url.clone(), told: None }),
            Hub::Own => None,
        });
        let hubs: Vec<Known> = elsewhere.collect();
        if hubs.is_empty() {
            return Ok(None);
        }
        let calls = Calls::new(config.hub.allow_private, REQUEST_TIME)?;
        Ok(Some(Self { store, clock, calls, figures, hubs }))
    }

    /// Works until it is told to end; what is under way then is finished. `put_out` is what readers get.
    pub async fn run(mut self, wake: Wake, mut put_out: PutOut, mut shutdown: Shutdown) {
        let mut round = Round::new();
        let mut is_to_look = true;
        while !shutdown.is_told() {
            let snapshot = put_out.take(self.clock.now()).unwrap_or_else(|until| {
                round.until = Some(until);
                None
            });
            if let Some(snapshot) = &snapshot
                && let Err(error) = self.work(&mut round, snapshot, is_to_look).await
            {
                tracing::error!("hubs cannot be told of changes: {error}");
                round.until = Some(self.clock.now().checked_add(AGAIN).unwrap_or(Timestamp::MAX));
            }
            let until = round.until;
            is_to_look = true;
            tokio::select! {
                () = shutdown.told() => break,
                () = wake.woken() => {}
                done = round.crew.done(), if !round.crew.is_idle() => {
                    is_to_look = false;
                    self.finish(&mut round, done, snapshot.as_deref()).await;
                }
                () = async {
                    match until {
                        Some(until) => self.clock.sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
        self.drain(&mut round).await;
    }

    /// One try for everything that hubs are owed; what they do not take stays owed.
    ///
    /// Errors: the store fails.
    pub async fn once(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut round = Round::new();
        // What was told a moment ago may be told again in a moment; nobody waits for more than that.
        let end = self.clock.now().checked_add(Owed::GAP).unwrap_or(Timestamp::MAX);
        loop {
            self.work(&mut round, snapshot, true).await?;
            while !round.crew.is_idle() {
                let done = round.crew.done().await;
                self.finish(&mut round, done, None).await;
                self.work(&mut round, snapshot, false).await?;
            }
            match round.until {
                Some(at) if at <= end => self.clock.sleep_until(at).await,
                _ => return Ok(()),
            }
        }
    }

    async fn work(&mut self, round: &mut Round, snapshot: &Snapshot, is_to_look: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        if is_to_look {
            self.look(round, snapshot, now).await?;
        }
        let jobs = round.crew.take();
        if jobs.is_empty() {
            return Ok(());
        }
        let told = |(hub, topic): &Key| self.hubs.get(*hub).and_then(|known| known.told.as_ref()?.get(topic));
        let wanted: Vec<&Ping> = jobs.iter().filter_map(|job| told(&job.key)).collect();
        let leased = self.store.lease_pings(&wanted, now).await?;
        let mut jobs: HashMap<(String, String), Job<Key>> = jobs
            .into_iter()
            .filter_map(|job| Some(((self.hubs.get(job.key.0)?.url.to_string(), job.key.1.clone()), job)))
            .collect();
        for (is_ours, ping) in leased {
            let Some(job) = jobs.remove(&(ping.hub.clone(), ping.topic.clone())) else { continue };
            let Some(known) = self.hubs.get_mut(job.key.0) else { continue };
            let url = known.url.clone();
            if let Some(told) = &mut known.told {
                told.insert(ping.topic.clone(), ping.clone());
            }
            let document = served(snapshot, &ping.topic);
            let (true, Some(document)) = (is_ours, document) else {
                // Another process is at it, or was: what it left is seen at the next look.
                round.wait(now.checked_add(LOOK).unwrap_or(Timestamp::MAX));
                continue;
            };
            let (version, calls, clock) = (version(document), self.calls.clone(), self.clock.clone());
            round.crew.begin(job, async move {
                let answer = calls.ping(&url, &ping.topic, clock.now()).await;
                crash_point("after-ping");
                (ping, version, answer)
            });
        }
        Ok(())
    }

    async fn look(&mut self, round: &mut Round, snapshot: &Snapshot, now: Timestamp) -> Result<(), StoreError> {
        round.crew.forget_waiting();
        round.until = None;
        let under_way: Vec<Key> = round.crew.under_way().cloned().collect();
        for (index, hub) in self.hubs.iter_mut().enumerate() {
            let told = match &mut hub.told {
                Some(told) => told,
                None => {
                    let kept = self.store.pings(Some(hub.url.as_str()), now).await?;
                    hub.told.insert(kept.into_iter().map(|ping| (ping.topic.clone(), ping)).collect())
                }
            };
            let new: Vec<(String, Version)> = documents(snapshot)
                .filter(|document| !told.contains_key(&document.address))
                .map(|document| (document.address.clone(), version(document)))
                .collect();
            if !new.is_empty() {
                self.store.first_sight(hub.url.as_str(), &new).await?;
                told.extend(new.into_iter().map(|(topic, version)| {
                    let (hub, owed) = (hub.url.to_string(), Owed::since(version));
                    (topic.clone(), Ping { hub, topic, owed, token: 0, busy: None })
                }));
            }
            for document in documents(snapshot) {
                let Some(ping) = told.get(&document.address) else { continue };
                if ping.owed.told.etag == document.etag {
                    round.seen.remove(&document.address);
                } else if !under_way.iter().any(|(hub, topic)| *hub == index && *topic == document.address) {
                    round.plan(index, &hub.url, ping, document, now);
                }
            }
        }
        Ok(())
    }

    async fn finish(&mut self, round: &mut Round, done: Vec<(Job<Key>, Option<Done>)>, snapshot: Option<&Snapshot>) {
        let now = self.clock.now();
        let mut pings = Vec::new();
        for (job, done) in done {
            let Some((mut ping, version, answer)) = done else {
                tracing::error!(topic = job.key.1, host = job.host, "telling {} of {} broke off", job.host, job.key.1);
                continue;
            };
            let trouble = match answer {
                Answered::Taken => None,
                Answered::Gone => Some(Trouble::new("the hub answered 410")),
                Answered::Failed(trouble) => Some(trouble),
            };
            self.figures.pinged(trouble.is_none());
            match trouble {
                None => ping.owed.tell(version, now),
                Some(trouble) => ping.owed.fail(&version, trouble, spread(&ping.topic), now),
            }
            report(&ping, &job.host);
            pings.push((job.key.0, ping));
        }
        let kept: Vec<Ping> = pings.iter().map(|(_, ping)| ping.clone()).collect();
        if let Err(error) = self.store.finish_pings(&kept).await {
            // Its lease ends by itself, and the hub is told once more.
            tracing::error!("what hubs were told is not recorded: {error}");
        }
        for (index, ping) in pings {
            let Some(hub) = self.hubs.get_mut(index) else { continue };
            let document = snapshot.and_then(|snapshot| served(snapshot, &ping.topic));
            if let Some(document) = document {
                round.plan(index, &hub.url, &ping, document, now);
            }
            if let Some(told) = &mut hub.told {
                told.insert(ping.topic.clone(), ping);
            }
        }
    }

    async fn drain(&mut self, round: &mut Round) {
        round.crew.forget_waiting();
        while !round.crew.is_idle() {
            let done = round.crew.done().await;
            self.finish(round, done, None).await;
        }
    }
}

impl Round {
    fn new() -> Self {
        Self { crew: Crew::new(), until: None, seen: HashMap::new() }
    }

    /// Notes what comes next for a topic at a hub.
    fn plan(&mut self, index: usize, hub: &Url, ping: &Ping, document: &Document, now: Timestamp) {
        let seen = self.seen.entry(document.address.clone()).or_insert_with(|| (document.etag.clone(), now));
        if seen.0 != document.etag {
            *seen = (document.etag.clone(), now);
        }
        match ping.owed.due(&version(document), seen.1, now) {
            Due::Now => self.crew.add(Job {
                key: (index, document.address.clone()),
                host: hub.host_str().unwrap_or("").to_owned(),
                is_doubtful: ping.owed.is_struggling(),
            }),
            Due::At(at) => self.wait(at),
            Due::No => {}
        }
    }

    fn wait(&mut self, at: Timestamp) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
    }
}

/// The documents that can be subscribed to.
fn documents(snapshot: &Snapshot) -> impl Iterator<Item = &Document> {
    snapshot.feeds.documents.values().map(|document| &**document).filter(|document| !document.hubs.is_empty())
}

/// Spreads the waits of topics that failed together.
fn spread(topic: &str) -> i64 {
    topic.bytes().fold(0, |sum: i64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

fn report(ping: &Ping, host: &str) {
    let (topic, owed) = (&ping.topic, &ping.owed);
    let error = owed.error.as_deref().unwrap_or("");
    match owed.retry_at {
        None if owed.error.is_none() => tracing::debug!(topic, host, "{host} was told that {topic} changed"),
        None => {
            tracing::warn!(
                topic,
                host,
                "{host} could not be told that {topic} changed; its next change is tried again: {error}"
            );
        }
        Some(at) if owed.tries == 1 => {
            tracing::warn!(
                topic,
                host,
                "{host} could not be told that {topic} changed, and is tried again at {at}: {error}"
            );
        }
        Some(at) => tracing::debug!(topic, host, "{host}, {topic}: tried again at {at}: {error}"),
    }
}
