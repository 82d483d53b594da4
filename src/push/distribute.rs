//! The built-in hub's work: subscribers are asked whether they meant it, and told what changed.

use super::calls::Calls;
use super::crew::{Crew, Job};
use super::made::{Found, Made};
use super::{AGAIN, Figures, LOOK, REQUEST_TIME, version};
use crate::clock::Clock;
use crate::config::Config;
use crate::crash::crash_point;
use crate::feed::Document;
use crate::hub::{Answered, Callback, Next, Outcome, Served, State, Subscription, Trouble, Verified, Work};
use crate::reconcile::Snapshot;
use crate::seal::{self, Seal, SealError};
use crate::secret::{Sealed, Secret};
use crate::store::{Store, StoreError};
use crate::task::{Shutdown, Wake};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Looks after the subscriptions of the built-in hub.
#[derive(Debug, Clone)]
pub struct Distributor {
    store: Store,
    clock: Clock,
    seal: Seal,
    calls: Calls,
    figures: Figures,
}

/// A subscription to work on: its number and the token it was found with.
type Key = (i64, i64);

/// What a look found.
struct Round {
    crew: Crew<Key, Outcome>,
    made: Made,
    /// When something is to be done that is not to be done yet.
    until: Option<Timestamp>,
    /// When the present version of a topic was first seen; None stands for none.
    seen: HashMap<String, (Option<String>, Timestamp)>,
    /// When what is over is next forgotten.
    tidy_at: Timestamp,
}

/// How often recording what was done is tried again, a second apart.
const FINISH_TRIES: u32 = 20;

impl Distributor {
    /// Errors: the HTTP client cannot be set up.
    pub fn new(config: &Config, store: Store, clock: Clock, seal: Seal, figures: Figures) -> Result<Self, String> {
        let calls = Calls::new(config.hub.allow_private, REQUEST_TIME)?;
        Ok(Self { store, clock, seal, calls, figures })
    }

    /// Works until it is told to end; what is under way then is finished.
    pub async fn run(self, wake: Wake, mut looked: watch::Receiver<Option<Arc<Snapshot>>>, mut shutdown: Shutdown) {
        let (crew, made, seen) = (Crew::new(), Made::default(), HashMap::new());
        let mut round = Round { crew, made, until: None, seen, tidy_at: Timestamp::MIN };
        let (mut is_to_look, mut again_at) = (true, None);
        while !shutdown.is_told() {
            let snapshot = looked.borrow_and_update().clone();
            if let Some(snapshot) = &snapshot
                && let Err(error) = self.work(&mut round, snapshot, is_to_look).await
            {
                tracing::error!("subscriptions cannot be looked after: {}", causes(&error));
                round.until = Some(after(self.clock.now(), AGAIN));
            }
            let until = round.until.into_iter().chain(again_at.take()).min();
            is_to_look = true;
            tokio::select! {
                () = shutdown.told() => break,
                () = wake.woken() => {}
                done = round.crew.done(), if !round.crew.is_idle() => {
                    is_to_look = false;
                    self.finish(&mut round, done, snapshot.as_deref()).await;
                }
                // What was made may be news.
                again = round.made.done(), if !round.made.is_idle() => again_at = again,
                () = async {
                    match until {
                        Some(until) => self.clock.sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
        round.crew.forget_waiting();
        while !round.crew.is_idle() {
            let done = round.crew.done().await;
            self.finish(&mut round, done, None).await;
        }
    }

    /// Looks what is to be done, if asked to, and begins what there is room for.
    async fn work(&self, round: &mut Round, snapshot: &Arc<Snapshot>, is_to_look: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        if is_to_look {
            self.look(round, snapshot, now).await?;
        }
        round.made.begin(snapshot, now);
        let jobs = round.crew.take();
        if jobs.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = jobs.iter().map(|job| job.key).collect();
        let mut jobs: HashMap<i64, Job<Key>> = jobs.into_iter().map(|job| (job.key.0, job)).collect();
        for (subscription, token) in self.store.lease_subscriptions(&keys, now).await? {
            let Some(mut job) = jobs.remove(&subscription.id) else { continue };
            job.key.1 = token;
            let found = round.made.find(snapshot, &subscription.topic, now);
            let next = round.next(&subscription, &found, now);
            round.crew.begin(job, self.clone().carry_out(subscription, found, next));
        }
        // Those that another process took are looked at again later.
        Ok(())
    }

    async fn look(&self, round: &mut Round, snapshot: &Snapshot, now: Timestamp) -> Result<(), StoreError> {
        if now >= round.tidy_at {
            self.store.tidy_subscriptions(now).await?;
            round.tidy_at = after(now, SignedDuration::from_mins(1));
        }
        round.crew.forget_waiting();
        round.until = None;
        let under_way: HashSet<i64> = round.crew.under_way().map(|(id, _)| *id).collect();
        let mut topics = HashSet::new();
        let (mut by_topic, mut behind) = (BTreeMap::new(), 0);
        for found in self.store.subscriptions(true, now).await? {
            topics.insert(found.subscription.topic.clone());
            if let State::Active { .. } = found.subscription.state {
                *by_topic.entry(snapshot.settings.path_of(&found.subscription.topic).to_owned()).or_insert(0) += 1;
                behind += u64::from(found.subscription.owed.is_struggling());
            }
            if under_way.contains(&found.subscription.id) {
                continue;
            }
            match found.busy {
                Some(until) => round.wait(until.min(after(now, LOOK))),
                None => round.plan(&found.subscription, found.token, snapshot, now),
            }
        }
        self.figures.looked(by_topic, behind);
        round.seen.retain(|topic, _| topics.contains(topic));
        round.made.keep(&topics);
        // Another process may take requests too.
        round.wait(after(now, LOOK));
        Ok(())
    }

    /// Does one thing for one subscription.
    async fn carry_out(self, subscription: Subscription, found: Found, next: Next) -> Outcome {
        let Next::Do(work) = next else { return Outcome::Nothing };
        match (work, found.document()) {
            (Work::Expire, _) => Outcome::Expired,
            (Work::Verify, _) => self.verify(&subscription).await,
            (Work::Deny, _) => {
                if let Ok(callback) = self.callback(&subscription) {
                    self.calls.deny(&callback, &subscription.topic, "the feed is not served any more").await;
                }
                Outcome::Denied
            }
            (Work::Deliver, Some(document)) => self.deliver(&subscription, document).await,
            (Work::Deliver, None) => Outcome::Nothing,
        }
    }

    async fn verify(&self, subscription: &Subscription) -> Outcome {
        let Some(asked) = &subscription.asked else { return Outcome::Nothing };
        let at = self.clock.now();
        let given = self.callback(subscription).and_then(|callback| Ok((callback, seal::random::<32>()?)));
        let answer = match given {
            Ok((callback, challenge)) => {
                let challenge: String = challenge.iter().map(|byte| format!("{byte:02x}")).collect();
                let question = (asked.mode, subscription.topic.as_str(), asked.lease);
                self.calls.verify(&callback, question, &challenge, at).await
            }
            Err(error) => Verified::Unclear(Trouble::new(format!("the callback cannot be read: {error}"))),
        };
        crash_point("after-verification");
        Outcome::Verified { number: asked.number, at, answer }
    }

    async fn deliver(&self, subscription: &Subscription, document: &Document) -> Outcome {
        let version = version(document);
        let given = self.callback(subscription).and_then(|callback| Ok((callback, self.secret(subscription)?)));
        let answer = match given {
            Ok((callback, secret)) => self.calls.deliver(&callback, secret.as_ref(), document, self.clock.now()).await,
            Err(error) => Answered::Failed(Trouble::new(format!("the callback cannot be read: {error}"))),
        };
        crash_point("after-distribution");
        match answer {
            Answered::Taken => Outcome::Told(version),
            Answered::Gone => Outcome::Gone,
            Answered::Failed(trouble) => Outcome::Failed(version, trouble),
        }
    }

    fn callback(&self, subscription: &Subscription) -> Result<Callback, SealError> {
        let sealed = subscription.callback.as_ref().ok_or(SealError::Broken)?;
        let opened = self.seal.open(&callback_purpose(&subscription.print), sealed)?;
        Callback::parse(opened.expose()).map_err(|_| SealError::Broken)
    }

    fn secret(&self, subscription: &Subscription) -> Result<Option<Secret>, SealError> {
        let open = |sealed: &Sealed| self.seal.open(&secret_purpose(&subscription.print), sealed);
        subscription.secret.as_ref().map(open).transpose()
    }

    /// Records what was done, and plans what comes next for the same subscriptions.
    async fn finish(&self, round: &mut Round, done: Vec<(Job<Key>, Option<Outcome>)>, snapshot: Option<&Snapshot>) {
        let mut outcomes = Vec::new();
        let mut said: HashMap<i64, Outcome> = HashMap::new();
        for (job, outcome) in done {
            match outcome {
                Some(outcome) => {
                    said.insert(job.key.0, outcome.clone());
                    outcomes.push((job.key.0, job.key.1, outcome));
                }
                None => tracing::error!(host = job.host, "the work on a subscription of {} broke off", job.host),
            }
        }
        let mut tries = 0;
        let finished = loop {
            match self.store.finish_subscriptions(outcomes.clone(), self.clock.now()).await {
                Ok(finished) => break finished,
                Err(error) if tries < FINISH_TRIES => {
                    tries += 1;
                    tracing::warn!("what was told to subscribers cannot be recorded yet: {}", causes(&error));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => {
                    tracing::error!("what was told to subscribers is not recorded: {}", causes(&error));
                    return round.wait(after(self.clock.now(), AGAIN));
                }
            }
        };
        let now = self.clock.now();
        for (subscription, token) in finished {
            if let Some(outcome) = said.remove(&subscription.id) {
                match outcome {
                    Outcome::Told(_) => self.figures.delivered(true),
                    Outcome::Failed(..) | Outcome::Gone => self.figures.delivered(false),
                    _ => {}
                }
                report(&subscription, &outcome);
            }
            if let Some(snapshot) = snapshot {
                round.plan(&subscription, token, snapshot, now);
            }
        }
    }
}

impl Round {
    /// Notes what comes next for a subscription.
    fn plan(&mut self, subscription: &Subscription, token: i64, snapshot: &Snapshot, now: Timestamp) {
        let found = self.made.find(snapshot, &subscription.topic, now);
        match self.next(subscription, &found, now) {
            Next::Do(_) => self.crew.add(Job {
                key: (subscription.id, token),
                host: subscription.host.clone(),
                is_doubtful: subscription.owed.is_struggling() || !matches!(subscription.state, State::Active { .. }),
            }),
            Next::At(at) => self.wait(at),
            Next::Nothing => {}
        }
    }

    fn next(&mut self, subscription: &Subscription, found: &Found, now: Timestamp) -> Next {
        if matches!(found, Found::Making) {
            return subscription.next(&Served::Unknown, now);
        }
        let version = found.version();
        let etag = version.as_ref().map(|version| version.etag.clone());
        let seen = self.seen.entry(subscription.topic.clone()).or_insert_with(|| (etag.clone(), now));
        if seen.0 != etag {
            *seen = (etag, now);
        }
        let since = seen.1;
        let served = version.as_ref().map_or(Served::No(since), |version| Served::Yes(version, since));
        subscription.next(&served, now)
    }

    fn wait(&mut self, at: Timestamp) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
    }
}

/// What a sealed callback is for.
pub fn callback_purpose(print: &str) -> String {
    format!("websub callback {print}")
}

/// What a sealed secret of a subscriber is for.
pub fn secret_purpose(print: &str) -> String {
    format!("websub secret {print}")
}

/// Says what happened: the topic and the host of the callback, and never more of it.
fn report(subscription: &Subscription, outcome: &Outcome) {
    let (topic, host, reason) = (&subscription.topic, &subscription.host, subscription.reason.as_deref());
    match (outcome, subscription.state) {
        (Outcome::Verified { answer: Verified::Yes, .. }, State::Active { until }) => {
            tracing::info!(topic, host, "{host} is subscribed to {topic} until {until}");
        }
        (Outcome::Verified { answer: Verified::Yes, .. }, _) => {
            tracing::info!(topic, host, "{host} is not subscribed to {topic} any more");
        }
        (Outcome::Verified { .. }, _) => {
            tracing::info!(topic, host, "{host} and {topic}: {}", reason.unwrap_or("not confirmed"));
        }
        (Outcome::Told(_), _) => tracing::debug!(topic, host, "{host} was told of {topic}"),
        (Outcome::Failed(..), _) => {
            let error = subscription.owed.error.as_deref().unwrap_or("");
            match subscription.owed.retry_at {
                // One line when it begins, one when it is given up.
                Some(at) if subscription.owed.tries == 1 => {
                    tracing::warn!(
                        topic,
                        host,
                        "{host} could not be told of {topic}, and is tried again at {at}: {error}"
                    );
                }
                Some(at) => tracing::debug!(topic, host, "{host}, {topic}: tried again at {at}: {error}"),
                None => {
                    tracing::warn!(
                        topic,
                        host,
                        "{host} could not be told of {topic}; the next change is tried again: {error}"
                    );
                }
            }
        }
        (Outcome::Gone | Outcome::Denied | Outcome::Expired, state) => {
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            tracing::info!(topic, host, "the subscription of {host} to {topic} is {}{why}", state.word());
        }
        (Outcome::Nothing, _) => {}
    }
}

fn after(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn causes(error: &StoreError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
