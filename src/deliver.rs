//! One step of delivery: lease what is due, compose, open the attempt, send or find, record what became of it.

mod composing;
mod edit;
mod health;
mod live;
mod look;
mod removal;

pub use composing::Composed;

use crate::article::{Article, ArticleId};
use crate::blocking::elsewhere;
use crate::clock::Clock;
use crate::config::{Config, EndpointName, LiveCheck, Rule};
use crate::crash::crash_point;
use crate::delivery::{Delivery, DeliveryKey, Failure, Next, Receipt, RetryPolicy};
use crate::network::client::{self, REQUEST_TIMEOUT};
use crate::network::{Found, Means, Network, connect, cut_off};
use crate::plan;
use crate::post::Post;
use crate::reconcile::Snapshot;
use crate::secret::Secret;
use crate::store::{Finish, Lease, Leased, Outcome, Start, Store, StoreError, Terms};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What one step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A delivery was worked on.
    Did(Outcome),
    /// Nothing can be done before this instant; None if nothing is waiting.
    Wait(Option<Timestamp>),
}

/// Everything that delivering needs.
pub struct Deliverer {
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    networks: BTreeMap<EndpointName, Box<dyn Network>>,
    means: Means,
    /// What asks whether an article's address answers, by the endpoint's word on private addresses.
    readers: BTreeMap<EndpointName, Client>,
    /// Since when this process delivers.
    started: Timestamp,
    /// The rules that are queues.
    queues: Arc<BTreeSet<String>>,
}

/// How often recording an outcome is tried again, a second apart.
const FINISH_TRIES: u32 = 20;

/// Longest time for one call of a network, its own time-outs included.
const CALL_MAX: Duration = Duration::from_secs(REQUEST_TIMEOUT.as_secs() * 3);

/// The last look before a post is sent again comes that many times later than the first: behind a gateway that gave
/// up, a server may take long to write the post.
const LOOKS: i32 = 6;

/// The rules that are queues, campaigns too.
fn queues(config: &Config) -> Arc<BTreeSet<String>> {
    let queues = config.rules.iter().filter(|rule| rule.when.queue().is_some());
    Arc::new(queues.map(|rule| rule.name.clone()).collect())
}

impl Deliverer {
    /// Connects every endpoint. One that cannot be connected is reported and left out; the others work.
    pub fn new(config: Arc<Config>, store: Store, clock: Clock) -> Self {
        let (mut networks, mut readers) = (BTreeMap::new(), BTreeMap::new());
        let means = Means::new(&config, &store);
        for (name, endpoint) in &config.endpoints {
            let reader = client::reader(endpoint.allow_private);
            match connect(name, endpoint, &means).and_then(|network| Ok((network, reader?))) {
                Ok((network, reader)) => {
                    networks.insert(name.clone(), network);
                    readers.insert(name.clone(), reader);
                }
                Err(error) => tracing::error!(endpoint = %name, "endpoint {name} cannot be used: {error}"),
            }
        }
        let (started, queues) = (clock.now(), queues(&config));
        Self { config, store, clock, networks, means, readers, started, queues }
    }

    /// With networks that somebody else connected, in the place of those of the configuration.
    pub fn with_networks(
        config: Arc<Config>,
        store: Store,
        clock: Clock,
        networks: BTreeMap<EndpointName, Box<dyn Network>>,
    ) -> Self {
        let (started, means, queues) = (clock.now(), Means::new(&config, &store), queues(&config));
        Self { config, store, clock, networks, means, readers: BTreeMap::new(), started, queues }
    }

    /// Renews the logins that are due, and says when a person has to get a new credential, for each endpoint whose
    /// credential ends.
    pub async fn expiries(&self, now: Timestamp) -> Vec<(EndpointName, Timestamp)> {
        let mut expiries = Vec::new();
        for (name, network) in &self.networks {
            network.renew(now).await;
            let written = self.config.endpoints.get(name).and_then(|endpoint| endpoint.token_expires);
            if let Some(end) = network.expires().await.or(written) {
                expiries.push((name.clone(), end));
            }
        }
        expiries
    }

    /// Tells those who read an endpoint something that is of no article. Once for each occasion, whatever happens: what was
    /// begun is not tried again.
    ///
    /// Errors: why it may not have been told.
    pub async fn tell(&self, endpoint: &EndpointName, text: &str, occasion: &str) -> Result<(), String> {
        let network = self.networks.get(endpoint).ok_or("the endpoint cannot be used")?;
        let vault = self.means.vault(endpoint);
        let name = format!("told {occasion}");
        if vault.get(&name).await.is_some() {
            return Ok(());
        }
        vault.put(&name, &Secret::new("told")).await?;
        let limits = network.limits(self.clock.now()).await;
        let post = Post {
            text: text.to_owned(),
            length: limits.counter.count(text),
            limit: limits.length_max,
            ..Post::default()
        };
        let key = DeliveryKey {
            article: ArticleId::mint("crieur", occasion, &|_| false),
            rule: "alert".to_owned(),
            step: occasion.to_owned(),
            endpoint: endpoint.clone(),
        };
        let told = network.publish(&post, &key, self.clock.now()).await;
        told.map(|_| ()).map_err(|failure| failure.reason().to_owned())
    }

    /// The endpoints that can be used.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointName> {
        self.networks.keys()
    }

    /// Works on the next due delivery of an endpoint, or on one delivery only.
    pub async fn step(
        &self,
        endpoint: &EndpointName,
        only: Option<i64>,
        snapshot: &Snapshot,
    ) -> Result<Step, StoreError> {
        let (Some(network), Some(settings)) = (self.networks.get(endpoint), self.config.endpoints.get(endpoint)) else {
            return Ok(Step::Wait(None));
        };
        // What a follower knows of articles may be behind: who leads knows what is still true.
        if snapshot.follows {
            return Ok(Step::Wait(None));
        }
        let now = self.clock.now();
        if only.is_none() {
            self.take_away(endpoint, network.as_ref(), snapshot).await?;
        }
        if let Some(closed) = plan::closed(&self.config, &snapshot.site.timezone, endpoint, now) {
            return Ok(Step::Wait(closed.until));
        }
        if let Some(until) = self.rests(endpoint, network.as_ref(), only.is_some()).await? {
            return Ok(Step::Wait(Some(until)));
        }
        if only.is_none() {
            self.amend(endpoint, network.as_ref(), snapshot).await?;
        }
        let (queues, zone) = (Arc::clone(&self.queues), snapshot.site.timezone.clone());
        let terms = Terms { rate: settings.rate, look_after: network.look_after(), queues, zone };
        let lease = match self.store.lease(endpoint, only, &terms, now).await? {
            Leased::Lease(lease) => lease,
            Leased::Wait(until) => {
                let edits = if only.is_none() { self.store.next_edit_at(endpoint, now).await? } else { None };
                return Ok(Step::Wait(until.into_iter().chain(edits).min()));
            }
        };
        crash_point("after-lease");
        let Some(outcome) = self.work(&lease, network.as_ref(), snapshot).await? else {
            tracing::warn!(
                delivery = lease.delivery.id,
                "the lease of delivery {} ended before anything was sent",
                lease.delivery.id
            );
            return Ok(Step::Did(Outcome::Again {
                at: self.clock.now(),
                look_first: false,
                reason: "the lease ended".to_owned(),
            }));
        };
        crash_point("before-finish");
        if self.finish(&lease, &outcome).await? == Finish::Lost {
            tracing::warn!(
                delivery = lease.delivery.id,
                "delivery {} was taken over before its outcome was recorded",
                lease.delivery.id
            );
        }
        report(&lease, &outcome);
        Ok(Step::Did(outcome))
    }

    /// Whether nothing goes out to an endpoint now, by a person's word, its credentials, quiet hours or a blackout, and why.
    pub async fn closed(
        &self,
        endpoint: &EndpointName,
        snapshot: &Snapshot,
    ) -> Result<Option<plan::Closed>, StoreError> {
        if let Some(silence) = self.store.silence().await? {
            return Ok(Some(plan::Closed { reason: silence.in_words(&snapshot.site.timezone), until: None }));
        }
        if let Some(reason) = self.paused(endpoint).await? {
            return Ok(Some(plan::Closed { reason, until: None }));
        }
        Ok(plan::closed(&self.config, &snapshot.site.timezone, endpoint, self.clock.now()))
    }

    /// Records what became of a lease. A database that is busy or full for a moment must not cost a receipt.
    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<Finish, StoreError> {
        let mut tries = 0;
        loop {
            match self.store.finish(lease, outcome, self.clock.now()).await {
                Err(error) if tries < FINISH_TRIES => {
                    tries += 1;
                    tracing::warn!(
                        delivery = lease.delivery.id,
                        "what became of a try cannot be recorded yet: {error}"
                    );
                    self.clock.pause(Duration::from_secs(1)).await;
                }
                done => return done,
            }
        }
    }

    /// None if the lease ended before anything was sent.
    async fn work(
        &self,
        lease: &Lease,
        network: &dyn Network,
        snapshot: &Snapshot,
    ) -> Result<Option<Outcome>, StoreError> {
        let mut begun = None;
        if let Some(post) = &lease.sent {
            match self.look(lease, network, post).await? {
                Ok(Found::Yes(receipt)) => return Ok(Some(Outcome::Found(receipt))),
                Ok(Found::Part(receipt)) => begun = Some(receipt),
                Ok(Found::Unclear(reason)) => return Ok(Some(ask(lease, &reason))),
                Ok(Found::No) if lease.looks + 1 < network.looks() => {
                    let at = self.clock.now().saturating_add(network.look_after().saturating_mul(LOOKS));
                    return Ok(Some(Outcome::LookAgain { at: at.unwrap_or(Timestamp::MAX) }));
                }
                Ok(Found::No) => {}
                Err(outcome) => return Ok(Some(outcome)),
            }
        }
        let now = self.clock.now();
        let (article, edition) = match self.article(lease, snapshot, now).await {
            Ok(found) => found,
            // What stands of a withdrawn article's thread is on record, so that it can be withdrawn.
            Err(Outcome::Withdrawn(_)) if begun.is_some() => return Ok(begun.map(Outcome::Found)),
            Err(outcome) => return Ok(Some(outcome)),
        };
        let rule = self.config.rules.iter().find(|rule| rule.name == lease.delivery.key.rule);
        if let Some(outcome) = self.overtaken(lease, snapshot, now) {
            return Ok(Some(outcome));
        }
        if network.is_outside()
            && let Err(reason) = self.is_alive(&lease.delivery.key.endpoint, &article, live_check(rule)).await
        {
            return Ok(Some(self.wait_for(lease, rule, "the article's address", &reason)));
        }
        // A post that may have been sent goes out again byte for byte.
        let mut post = match lease.sent.clone() {
            Some(post) => post,
            None => match self.compose(lease, rule, &article, snapshot, network).await? {
                Ok(post) => {
                    if let Some(reason) = self.unapproved(&lease.delivery, rule, &post).await? {
                        return Ok(Some(Outcome::Unapproved(reason)));
                    }
                    match self.look_back(lease, rule, network, &post, &article).await? {
                        Ok(there) => begun = there,
                        Err(outcome) => return Ok(Some(outcome)),
                    }
                    post
                }
                Err(outcome) => return Ok(Some(outcome)),
            },
        };
        post.frozen_at.get_or_insert(self.clock.now());
        match self.store.start(lease, &post, &edition, self.clock.now()).await? {
            Start::Started => {}
            Start::Lost => return Ok(None),
            Start::Silent => return Ok(Some(self.put_back(lease, "everything is held: see `crieur silence`"))),
        }
        crash_point("after-start");
        let (key, now) = (&lease.delivery.key, self.clock.now());
        let sending = async {
            match &begun {
                None => network.publish(&post, key, now).await,
                Some(begun) => network.complete(&post, begun, key, now).await,
            }
        };
        let answer = tokio::time::timeout(CALL_MAX, sending).await;
        crash_point("after-publish");
        let answer =
            answer.unwrap_or_else(|_| Err(Failure::Uncertain(format!("no answer within {} s", CALL_MAX.as_secs()))));
        self.heard(&lease.delivery.key.endpoint, network, answer.as_ref().err()).await;
        // Whatever became of the rest, the beginning stands: it is looked for before anything is sent again.
        let answer = if begun.is_some() { answer.map_err(cut_off) } else { answer };
        Ok(Some(self.outcome(lease, network, answer)))
    }

    /// The article, whole, if readers see it now, and the form that it has.
    async fn article(&self, lease: &Lease, snapshot: &Snapshot, now: Timestamp) -> Result<(Article, String), Outcome> {
        read(&lease.delivery.key.article, snapshot, now).await.map_err(|unseen| match unseen {
            Unseen::Withdrawn(why) => Outcome::Withdrawn(why.to_owned()),
            Unseen::Unreadable => Outcome::Again {
                at: now.saturating_add(SignedDuration::from_mins(1)).unwrap_or(now),
                look_first: lease.sent.is_some(),
                reason: "the article's file cannot be read at present".to_owned(),
            },
        })
    }

    /// What becomes of a post of an event that is off, was moved, or has begun. One that may have been sent was composed for
    /// the event as it was; the network does not have it, and it stays unsaid.
    fn overtaken(&self, lease: &Lease, snapshot: &Snapshot, now: Timestamp) -> Option<Outcome> {
        let key = &lease.delivery.key;
        let step = plan::Step::of_name(&key.step)?;
        let catalog = snapshot.catalog();
        let event = catalog.get(&key.article)?.article.event.as_deref();
        if lease.sent.is_some() {
            let zone = plan::zone_of(self.config.endpoints.get(&key.endpoint), &snapshot.site);
            return plan::overtaken(&step, event, &zone, now).map(Outcome::Failed);
        }
        // Its time is the plan's to move; that it is not to be sent as things stand is known here and now.
        match event.filter(|_| step.is_of_an_event()).and_then(plan::off) {
            Some(off) => Some(Outcome::Withdrawn(off.to_owned())),
            None => plan::too_late(&step, event, now).map(Outcome::Failed),
        }
    }

    /// It was not tried, and is again when that is possible.
    fn put_back(&self, lease: &Lease, reason: &str) -> Outcome {
        Outcome::Again { at: self.clock.now(), look_first: lease.sent.is_some(), reason: reason.to_owned() }
    }

    /// Why a post must not go out yet: its rule asks for approval, and nobody, or not enough people, approved just this
    /// post at this time. What they approved else is void.
    async fn unapproved(
        &self,
        delivery: &Delivery,
        rule: Option<&Rule>,
        post: &Post,
    ) -> Result<Option<String>, StoreError> {
        let Some(approval) = rule.and_then(|rule| rule.approval) else { return Ok(None) };
        let now = self.clock.now();
        let print = plan::print(post, &delivery.key.endpoint, delivery.due_at);
        let given = self.store.approvals(delivery.id).await?;
        let known = &self.config.http.people;
        if plan::people(&given, &print, approval, known, now).len() >= usize::from(approval.people) {
            return Ok(None);
        }
        self.store.void_approvals(delivery.id, &print, "what it approved changed", now).await?;
        Ok(Some(plan::voided(&given, &print, approval, known, now)))
    }

    fn outcome(&self, lease: &Lease, network: &dyn Network, answer: Result<Receipt, Failure>) -> Outcome {
        let failure = match answer {
            Ok(receipt) => return Outcome::Published(receipt),
            Err(failure) => failure,
        };
        let now = self.clock.now();
        let policy = RetryPolicy::from(self.config.delivery);
        let since = lease.patience_from.unwrap_or(now);
        let reason = failure.reason().to_owned();
        let can_find = network.looks() > 0;
        match policy.next(lease.delivery.id, lease.delivery.attempts + 1, &failure, can_find, since, now) {
            Next::Again { at, look_first } => {
                // Where the network may still be at work on the post, looking too soon would not find it.
                let patience = if look_first { network.look_after() } else { SignedDuration::ZERO };
                Outcome::Again { at: at.max(now.saturating_add(patience).unwrap_or(at)), look_first, reason }
            }
            // A doubt that was raised before is not settled by a refusal now.
            Next::Stop if lease.sent.is_some() => ask(lease, &reason),
            Next::Stop => Outcome::Failed(reason),
            Next::Ask => ask(lease, &reason),
        }
    }

    /// What a post needs before it is sent does not answer yet: patient from the first time on, until nobody would call it
    /// news any more; what a person sends by hand does not grow old.
    fn wait_for(&self, lease: &Lease, rule: Option<&Rule>, what: &str, reason: &str) -> Outcome {
        let now = self.clock.now();
        let waited = lease.patience_from.map_or(SignedDuration::ZERO, |since| now.duration_since(since.min(now)));
        let give_up = self.config.delivery.give_up;
        let rule = rule.filter(|_| !lease.delivery.by_hand);
        if waited >= rule.map_or(give_up, |rule| give_up.min(rule.expires)) {
            let reason = format!("{what} does not answer as it should: {reason}");
            return if lease.sent.is_some() { ask(lease, &reason) } else { Outcome::Failed(reason) };
        }
        let at = now.saturating_add(live::wait(waited, lease.delivery.id)).unwrap_or(now);
        Outcome::Again { at, look_first: lease.sent.is_some(), reason: format!("waiting for {what}: {reason}") }
    }
}

/// What a rule asks of an article's address; what a person sends without one is asked all.
fn live_check(rule: Option<&Rule>) -> LiveCheck {
    rule.map_or(LiveCheck::Title, |rule| rule.live_check)
}

/// Why an article cannot be had.
enum Unseen {
    /// Readers do not see it any more.
    Withdrawn(&'static str),
    /// Its file cannot be read at present.
    Unreadable,
}

/// An article, whole, if readers see it now, and the form that it has.
async fn read(id: &ArticleId, snapshot: &Snapshot, now: Timestamp) -> Result<(Article, String), Unseen> {
    let (standing, is_gone) = {
        let catalog = snapshot.catalog();
        (catalog.get(id).cloned(), catalog.gone(id).is_some())
    };
    match standing {
        // Another process wrote it down, and this one has yet to read its file.
        Some(standing) if standing.is_unread() => Err(Unseen::Unreadable),
        Some(standing) if standing.article.is_live(now) => {
            let (texts, edition) = (snapshot.texts.clone(), standing.edition());
            let read = elsewhere(move || texts.read(&standing)).await;
            let article = read.ok().and_then(Result::ok).map(|(article, _)| article).ok_or(Unseen::Unreadable)?;
            Ok((article, edition))
        }
        Some(_) => Err(Unseen::Withdrawn("the article is not published any more")),
        None if is_gone => Err(Unseen::Withdrawn("the article's file is gone")),
        None => Err(Unseen::Unreadable),
    }
}

/// A person is asked, and told how to answer.
fn ask(lease: &Lease, reason: &str) -> Outcome {
    let id = lease.delivery.id;
    Outcome::Uncertain(format!("{reason}; look at the account and settle it with `crieur posts resolve {id}`"))
}

fn report(lease: &Lease, outcome: &Outcome) {
    let (id, endpoint, path) = (lease.delivery.id, &lease.delivery.key.endpoint, &lease.delivery.path);
    match outcome {
        Outcome::Published(receipt) | Outcome::Found(receipt) => {
            let at = receipt.remote_url.as_deref().unwrap_or(&receipt.remote_id);
            tracing::info!(delivery = id, %endpoint, path, "posted {path} to {endpoint}: {at}");
        }
        Outcome::Again { at, reason, .. } if lease.delivery.reason.as_ref() == Some(reason) => {
            tracing::debug!(delivery = id, %endpoint, path, "{path} to {endpoint} is tried again at {at}: {reason}");
        }
        Outcome::Again { at, reason, .. } => {
            tracing::warn!(delivery = id, %endpoint, path, "{path} to {endpoint} is tried again at {at}: {reason}")
        }
        Outcome::LookAgain { at } => {
            tracing::info!(delivery = id, %endpoint, path, "{endpoint} does not show {path} yet; it is asked once more at {at}");
        }
        Outcome::Failed(reason) => {
            tracing::error!(delivery = id, %endpoint, path, "{path} to {endpoint} failed: {reason}")
        }
        Outcome::Uncertain(reason) => {
            tracing::error!(delivery = id, %endpoint, path, "{path} to {endpoint} needs a person: {reason}")
        }
        Outcome::Held(reason) | Outcome::Unapproved(reason) => {
            tracing::warn!(delivery = id, %endpoint, path, "{path} to {endpoint} waits for a person: {reason}")
        }
        Outcome::Withdrawn(reason) => {
            tracing::info!(delivery = id, %endpoint, path, "{path} to {endpoint} is called off: {reason}")
        }
    }
}
