//! How long a post is waited for that cannot go out: where the network cannot be asked whether it has it, where a thread was
//! cut off, and where the clock was wrong while it waited.

use crate::support::Place;
use async_trait::async_trait;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, DeliveryKey, Failure, Receipt, State};
use crieur::network::{Abilities, Found, Network, Wanted};
use crieur::people::By;
use crieur::post::{Limits, Post};
use crieur::reconcile::Reconciler;
use crieur::store::{PersonWord, Store, Word};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const START: &str = "2026-11-22T10:00:00Z";

/// What a network does next; when nothing is left, all is well.
#[derive(Default)]
struct Script {
    find: VecDeque<Result<Found, Failure>>,
    /// What `find` says of posts whose text contains this, each time.
    never_tells: Option<&'static str>,
    publish: VecDeque<Failure>,
    complete: VecDeque<Failure>,
    called: Vec<&'static str>,
    texts: Vec<String>,
}

struct Scripted(Arc<Mutex<Script>>);

fn there() -> Receipt {
    Receipt::new("1".to_owned(), None)
}

#[async_trait]
impl Network for Scripted {
    async fn limits(&self, _: Timestamp) -> Limits {
        crieur::network::journal::LIMITS
    }

    async fn check(&self, _: Timestamp) -> Result<String, Failure> {
        Ok("essai".to_owned())
    }

    async fn publish(&self, post: &Post, _: &DeliveryKey, _: Timestamp) -> Result<Receipt, Failure> {
        let mut script = self.0.lock().unwrap();
        script.called.push("publish");
        match script.publish.pop_front() {
            Some(failure) => Err(failure),
            None => {
                script.texts.push(post.text.clone());
                Ok(Receipt::new(script.texts.len().to_string(), None))
            }
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, _: Timestamp) -> Result<Found, Failure> {
        let mut script = self.0.lock().unwrap();
        script.called.push("find");
        if script.never_tells.is_some_and(|text| wanted.post.text.contains(text)) {
            return Err(Failure::Unavailable("503".to_owned()));
        }
        script.find.pop_front().unwrap_or(Ok(Found::No))
    }

    async fn complete(&self, _: &Post, _: &Receipt, _: &DeliveryKey, _: Timestamp) -> Result<Receipt, Failure> {
        let mut script = self.0.lock().unwrap();
        script.called.push("complete");
        script.complete.pop_front().map_or_else(|| Ok(there()), Err)
    }

    fn abilities(&self) -> Abilities {
        Abilities { finds: true, ..Abilities::default() }
    }

    fn is_outside(&self) -> bool {
        false
    }
}

struct World {
    _place: Place,
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    script: Arc<Mutex<Script>>,
    deliverer: Deliverer,
}

fn endpoint() -> EndpointName {
    EndpointName::new("essai")
}

impl World {
    /// Articles that were there before the process, each with a post that is due.
    async fn new(articles: usize, script: Script) -> Self {
        let place = Place::new();
        for n in 0..articles {
            let front = format!("title: Nuage n° {n}\ndate: 2026-11-22 09:00:{n:02} +00:00");
            place.article(&format!("_actualites/a{n}.md"), &front);
        }
        let config = place.config(
            "endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai], live_check: false, settle: 0s }]\nbaseline: none",
        );
        let clock = Clock::by_hand(START.parse().unwrap());
        let store = Store::open(&config.store).await.unwrap();
        let script = Arc::new(Mutex::new(script));
        let network: Box<dyn Network> = Box::new(Scripted(Arc::clone(&script)));
        let networks = [(endpoint(), network)].into();
        let deliverer = Deliverer::with_networks(Arc::clone(&config), store.clone(), clock.clone(), networks);
        Self { _place: place, config, store, clock, script, deliverer }
    }

    async fn pass(&self) -> crieur::reconcile::Snapshot {
        Reconciler::new(Arc::clone(&self.config)).pass(&self.store, self.clock.now()).await.unwrap()
    }

    /// One step. When to come again, if it only waits.
    async fn step(&self) -> Option<Timestamp> {
        match self.deliverer.step(&endpoint(), None, &self.pass().await).await.unwrap() {
            Step::Did(_) => None,
            Step::Wait(until) => until,
        }
    }

    /// Steps, with the clock turned on wherever there is a wait, for so many hours at most. The outbox then.
    async fn run(&self, hours: i64) -> Vec<Delivery> {
        let end = self.clock.now() + SignedDuration::from_hours(hours);
        let snapshot = self.pass().await;
        loop {
            match self.deliverer.step(&endpoint(), None, &snapshot).await.unwrap() {
                Step::Did(_) => {}
                Step::Wait(Some(until)) if until <= end => self.clock.set(until.max(self.clock.now())),
                Step::Wait(_) => return self.store.deliveries().await.unwrap(),
            }
        }
    }

    fn called(&self) -> Vec<&'static str> {
        self.script.lock().unwrap().called.clone()
    }
}

#[tokio::test]
async fn a_network_that_cannot_be_looked_through_is_no_reason_for_silence() {
    let too_many = || Err(Failure::Refused("there are too many newer posts to look through".to_owned()));
    let world = World::new(2, Script { find: [too_many(), too_many()].into(), ..Script::default() }).await;
    let outbox = world.run(1).await;
    assert!(outbox.iter().all(|delivery| delivery.state == State::Published), "{outbox:?}");
    assert_eq!(world.called(), ["find", "publish", "find", "publish"]);
}

#[tokio::test]
async fn one_post_that_the_network_cannot_be_asked_for_holds_up_no_other_and_is_given_up() {
    let world = World::new(3, Script { never_tells: Some("n° 0"), ..Script::default() }).await;
    let outbox = world.run(1).await;
    let states: Vec<State> = outbox.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [State::Pending, State::Published, State::Published]);
    assert!(outbox[0].reason.as_deref().unwrap().contains("waiting for the network's word"), "{:?}", outbox[0].reason);
    // Three days of patience, and then a person is told.
    let outbox = world.run(24 * 4).await;
    assert_eq!((outbox[0].state, world.script.lock().unwrap().texts.len()), (State::Failed, 2), "{:?}", outbox[0]);
    // A person who tries it again gets as much patience again.
    world.script.lock().unwrap().never_tells = None;
    let by = By::command("Aya");
    assert!(world.store.obey(outbox[0].id, &PersonWord::Retry, &by, world.clock.now()).await.unwrap());
    world.run(1).await;
    assert_eq!(world.script.lock().unwrap().texts.len(), 3);
}

#[tokio::test]
async fn patience_begins_when_it_is_first_needed_and_not_when_the_post_was_due() {
    let down = || Err(Failure::Unavailable("503".to_owned()));
    let world = World::new(1, Script { find: [down()].into(), ..Script::default() }).await;
    world.pass().await;
    let (by, id) = (By::command("Aya"), world.store.deliveries().await.unwrap()[0].id);
    assert!(world.store.obey(id, &PersonWord::Hold, &by, world.clock.now()).await.unwrap());
    world.clock.advance(SignedDuration::from_hours(24 * 5));
    let word = Word { by: &by, seen: None, slot: None };
    assert!(world.store.approve(id, &word, world.clock.now()).await.unwrap().is_some());
    let outbox = world.run(1).await;
    assert_eq!(outbox[0].state, State::Published, "{:?}", outbox[0].reason);
    assert_eq!(world.called(), ["find", "find", "publish"]);
}

#[tokio::test]
async fn what_was_begun_is_never_begun_again_whatever_stops_the_rest() {
    for failure in [
        Failure::Throttled { until: None, reason: "too much".to_owned() },
        Failure::Unavailable("nobody there".to_owned()),
        Failure::Uncertain("lost".to_owned()),
    ] {
        // A database that was put back knows nothing of the beginning.
        let begun = || Ok(Found::Part(there()));
        let script =
            Script { find: [begun(), begun()].into(), complete: [failure.clone()].into(), ..Script::default() };
        let world = World::new(1, script).await;
        let outbox = world.run(1).await;
        assert_eq!(world.called(), ["find", "complete", "find", "complete"], "{failure:?}: {outbox:?}");
        assert_eq!(outbox[0].state, State::Published);
    }
}

#[tokio::test]
async fn no_wait_outlives_the_wrong_clock_that_began_it() {
    let down = || Failure::Unavailable("nobody there".to_owned());
    for failures in [1, 5] {
        let lost = std::iter::once(Failure::Uncertain("lost".to_owned()));
        for first in [false, true] {
            let downs = std::iter::repeat_with(down).take(failures);
            let publish = if first { lost.clone().chain(downs).collect() } else { downs.collect() };
            let world = World::new(1, Script { publish, ..Script::default() }).await;
            world.pass().await;
            // The machine starts again two hours ahead, and with no network yet.
            world.clock.advance(SignedDuration::from_hours(2));
            while !world.script.lock().unwrap().publish.is_empty() {
                if let Some(until) = world.step().await {
                    world.clock.set(until.max(world.clock.now()));
                }
            }
            world.clock.set(START.parse().unwrap());
            let before = world.clock.now();
            let outbox = world.run(1).await;
            assert_eq!(outbox[0].state, State::Published, "{failures} {first}: {:?}", outbox[0]);
            let waited = world.clock.now().duration_since(before);
            // Where the network may have it, it is looked for first.
            assert!(waited <= SignedDuration::from_mins(2), "{failures} {first}: {waited}");
        }
    }
}
