//! The whole road on simulated time: an editor who fumbles, networks that fail in every way, a clock that jumps, and a
//! process that dies at any place where it writes or waits. Real files, the real database, the real plan and delivery;
//! only the networks and the clock are the test's own. A seed gives the same run again: `CRIEUR_SEED=7`. How many are
//! tried: `CRIEUR_SEEDS=100000`.

use crate::support::{Place, memory_folder, parse};
use async_trait::async_trait;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::crash::{Cut, cut_after};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, DeliveryKey, Failure, Receipt, State};
use crieur::network::{Found, Network, Wanted};
use crieur::post::{Limits, Post};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::{PersonWord, Store};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What a network has.
#[derive(Debug, Clone)]
struct Posted {
    key: String,
    endpoint: String,
    text: String,
    at: Timestamp,
    /// How many more looks do not show it yet: lists lag, by the network's own time.
    hidden: u64,
}

/// All networks, and what is wrong with them today.
#[derive(Debug)]
struct Sea {
    dice: Dice,
    rough: bool,
    posts: Vec<Posted>,
}

/// One account. `looks`: 0 if it cannot tell what it has.
struct Account {
    name: String,
    sea: Arc<Mutex<Sea>>,
    looks: u32,
    honours_keys: bool,
}

const LOOK_AFTER: SignedDuration = SignedDuration::from_secs(10);

impl Account {
    fn keep(&self, sea: &mut Sea, post: &Post, key: &DeliveryKey, now: Timestamp) -> Receipt {
        let key = key.idempotency_key();
        let known = sea.posts.iter().position(|posted| posted.key == key).filter(|_| self.honours_keys);
        let place = known.unwrap_or_else(|| {
            let hidden = sea.dice.roll(2);
            let (endpoint, text) = (self.name.clone(), post.text.clone());
            sea.posts.push(Posted { key, endpoint, text, at: now, hidden });
            sea.posts.len() - 1
        });
        receipt(place)
    }
}

fn receipt(place: usize) -> Receipt {
    Receipt::new(format!("p{place}"), Some(format!("https://reseau.example/p{place}")))
}

#[async_trait]
impl Network for Account {
    async fn limits(&self, _: Timestamp) -> Limits {
        crieur::network::journal::LIMITS
    }

    async fn check(&self, _: Timestamp) -> Result<String, Failure> {
        Ok(self.name.clone())
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut sea = self.sea.lock().unwrap();
        let fate = if sea.rough { sea.dice.roll(12) } else { 0 };
        let lost = || Err(Failure::Uncertain("the answer was lost".to_owned()));
        match fate {
            1 | 2 => {
                self.keep(&mut sea, post, key, now);
                lost()
            }
            3 => lost(),
            4 => Err(Failure::Unavailable("nobody there".to_owned())),
            5 => {
                let until = Some(now + SignedDuration::from_mins(sea.dice.roll(90) as i64));
                Err(Failure::Throttled { until, reason: "too much".to_owned() })
            }
            // The process dies while the request is under way: before the network took the post, or after.
            6 | 7 => {
                if fate == 6 {
                    self.keep(&mut sea, post, key, now);
                }
                drop(sea);
                resume_unwind(Box::new(Cut));
            }
            _ => Ok(self.keep(&mut sea, post, key, now)),
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, _: Timestamp) -> Result<Found, Failure> {
        if self.looks == 0 {
            return Err(Failure::Refused("it cannot tell".to_owned()));
        }
        let mut sea = self.sea.lock().unwrap();
        if sea.rough && sea.dice.roll(5) == 0 {
            return Err(Failure::Unavailable("nobody there".to_owned()));
        }
        let fits = |(place, posted): &(usize, &mut Posted)| {
            let is_taken = wanted.taken.contains(&format!("p{place}"));
            posted.endpoint == self.name && posted.text == wanted.post.text && !is_taken
        };
        Ok(match sea.posts.iter_mut().enumerate().find(fits) {
            Some((_, posted)) if posted.hidden > 0 => {
                posted.hidden -= 1;
                Found::No
            }
            Some((place, _)) => Found::Yes(receipt(place)),
            None => Found::No,
        })
    }

    fn look_after(&self) -> SignedDuration {
        LOOK_AFTER
    }

    fn looks(&self) -> u32 {
        self.looks
    }

    fn is_outside(&self) -> bool {
        false
    }
}

/// A bug that is planted, to see that the run tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    /// A try that was cut off is forgotten, and simply made again.
    ForgottenTry,
    /// Another path is another article.
    KeyedByPath,
}

const REST: &str = "endpoints:
  sur: { network: journal, gap: 1m }
  sourd: { network: journal, gap: 0s }
  lent: { network: journal, gap: 0s }
rules:
  - { name: une, endpoints: [sur, sourd] }
  - { name: file, endpoints: [lent], when: { slots: \"0 30 9 * * *\", queue: true } }
baseline: none
delivery: { give_up: 60d }";

/// What is known of a file of the test's own.
#[derive(Debug, Clone)]
struct Written {
    path: String,
    date: Timestamp,
    published: bool,
    /// Whether it was ever touched again.
    touched: bool,
    born: Timestamp,
}

struct World {
    dice: Dice,
    place: Place,
    config: Arc<Config>,
    clock: Clock,
    sea: Arc<Mutex<Sea>>,
    store: Store,
    reconciler: Reconciler,
    deliverer: Deliverer,
    snapshot: Option<Snapshot>,
    /// By the word that stands in its title.
    files: BTreeMap<String, Written>,
    /// As the last whole pass saw them.
    seen: BTreeMap<String, Written>,
    plant: Option<Plant>,
    checked: usize,
}

fn deliverer(config: &Arc<Config>, store: &Store, clock: &Clock, sea: &Arc<Mutex<Sea>>) -> Deliverer {
    let account = |name: &str, looks, honours_keys| -> (EndpointName, Box<dyn Network>) {
        (
            EndpointName::new(name),
            Box::new(Account { name: name.to_owned(), sea: Arc::clone(sea), looks, honours_keys }),
        )
    };
    let networks = [account("sur", 2, false), account("sourd", 0, false), account("lent", 2, true)];
    Deliverer::with_networks(Arc::clone(config), store.clone(), clock.clone(), networks.into())
}

/// Runs something that may die, as a process does: what it had begun to write is undone, what it knew is lost.
async fn mortal<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let done = std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(end) if end.is::<Cut>() => Poll::Ready(None),
        Err(panic) => resume_unwind(panic),
    })
    .await;
    cut_after(None);
    done
}

impl World {
    async fn new(seed: u64, plant: Option<Plant>) -> Self {
        let place = Place::within(memory_folder());
        let config = Arc::new(parse(&place.yaml(REST)).unwrap_or_else(|problems| panic!("{problems:#?}")));
        let clock = Clock::by_hand("2026-03-02T06:00:00Z".parse().unwrap());
        let sea = Arc::new(Mutex::new(Sea { dice: Dice(seed ^ 0x5EA), rough: true, posts: Vec::new() }));
        let store = Store::open(&config.store).await.unwrap();
        let reconciler = Reconciler::new(Arc::clone(&config)).accepting_empty(true);
        let deliverer = deliverer(&config, &store, &clock, &sea);
        let (dice, files, seen) = (Dice(seed), BTreeMap::new(), BTreeMap::new());
        let snapshot = None;
        Self { dice, place, config, clock, sea, store, reconciler, deliverer, snapshot, files, seen, plant, checked: 0 }
    }

    fn write(&self, word: &str, file: &Written) {
        let front = format!("title: Article {word}\ndate: {}\npublished: {}", file.date, file.published);
        // The text is the word's, whatever the path.
        let words: Vec<String> = (0..30).map(|n| format!("{word}{n}")).collect();
        self.place.write(&file.path, format!("---\n{front}\n---\n\n{}\n", words.join(" ")));
    }

    fn edit(&mut self) {
        let now = self.clock.now();
        let words: Vec<String> = self.files.keys().cloned().collect();
        let kind = self.dice.roll(10);
        if kind < 5 || words.is_empty() {
            let word = format!("mot{}x", self.files.len());
            let ahead = SignedDuration::from_mins(self.dice.roll(6) as i64 * 40 - 100);
            let path = format!("_actualites/{word}.md");
            let file = Written { path, date: now + ahead, published: self.dice.roll(5) > 0, touched: false, born: now };
            self.write(&word, &file);
            self.files.insert(word, file);
            return;
        }
        let word = words[self.dice.roll(words.len() as u64) as usize].clone();
        let mut file = self.files[&word].clone();
        let old = file.path.clone();
        file.touched = true;
        match kind {
            5 => file.published = !file.published,
            6 => file.date = now + SignedDuration::from_mins(self.dice.roll(5) as i64 * 30 - 60),
            7 | 8 => file.path = format!("_actualites/{word}-{}.md", self.dice.roll(4)),
            _ => {}
        }
        if old != file.path {
            self.place.remove(&old);
        }
        self.write(&word, &file);
        self.files.insert(word, file);
    }

    /// A new process, after the last one died.
    async fn restart(&mut self) {
        let store = Store::open(&self.config.store).await.unwrap();
        self.deliverer = deliverer(&self.config, &store, &self.clock, &self.sea);
        self.reconciler = Reconciler::new(Arc::clone(&self.config)).accepting_empty(true);
        self.store = store;
        self.snapshot = None;
        if self.plant == Some(Plant::ForgottenTry) {
            self.by_other_hands("update deliveries set look_first = 0, state = 'pending' where state = 'sending'")
                .await;
        }
    }

    async fn by_other_hands(&self, statement: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.config.store.beside());
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        pool.close().await;
    }

    async fn pass(&mut self) {
        if self.plant == Some(Plant::KeyedByPath) {
            let moved = self.seen.iter().any(|(word, seen)| self.files[word].path != seen.path);
            if moved {
                self.by_other_hands(
                    "delete from articles; delete from index_pages; delete from meta where name = 'index'",
                )
                .await;
                self.restart().await;
            }
        }
        let now = self.clock.now();
        match mortal(self.reconciler.book(&self.store, now)).await {
            Some(snapshot) => {
                self.snapshot = Some(snapshot.unwrap());
                self.seen = self.files.clone();
                // As a daemon does after its pass: texts that were read for the first time are worked out.
                while self.reconciler.digest(&self.store).await.unwrap() {}
            }
            None => self.restart().await,
        }
    }

    /// One step of an endpoint. When to come again.
    async fn step(&mut self, endpoint: &str) -> Option<Timestamp> {
        let snapshot = self.snapshot.take()?;
        let done = mortal(self.deliverer.step(&EndpointName::new(endpoint), None, &snapshot)).await;
        let now = self.clock.now();
        let again = match done {
            Some(step) => {
                self.snapshot = Some(snapshot);
                match step.unwrap() {
                    Step::Did(_) => Some(now),
                    Step::Wait(until) => until,
                }
            }
            None => {
                self.restart().await;
                Some(now)
            }
        };
        self.check();
        again
    }

    /// What must hold of every post the moment that a network has it.
    fn check(&mut self) {
        let sea = self.sea.lock().unwrap();
        for posted in &sea.posts[self.checked..] {
            let word = posted.text.split_whitespace().nth(1).unwrap_or_default();
            let file = &self.seen[word];
            assert!(file.published && file.date <= posted.at, "early: {posted:?}, {file:?}");
        }
        self.checked = sea.posts.len();
        let mut of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for posted in &sea.posts {
            // By the word in its title: a renamed article has another address, and is the same.
            let word = posted.text.split_whitespace().nth(1).unwrap_or_default();
            let count = of.entry((&posted.endpoint, word)).or_default();
            *count += 1;
            assert!(*count == 1, "twice: {posted:?}");
        }
    }

    async fn event(&mut self) {
        // At some events the process dies at the n-th place from here.
        cut_after((self.dice.roll(4) == 0).then(|| self.dice.roll(6) as usize));
        match self.dice.roll(10) {
            0..=2 => self.edit(),
            3..=5 => self.pass().await,
            6..=8 => {
                let endpoint = ["sur", "sourd", "lent"][self.dice.roll(3) as usize];
                self.step(endpoint).await;
            }
            _ => {
                // Time goes on; now and then the clock is set two hours ahead, or back.
                let minutes = match self.dice.roll(12) {
                    0 => 120,
                    1 => -120,
                    _ => self.dice.roll(50) as i64,
                };
                self.clock.advance(SignedDuration::from_mins(minutes));
            }
        }
        cut_after(None);
    }

    /// The weather clears, a person settles what nobody can know, and time goes on until nothing waits.
    async fn calm(&mut self) -> Vec<Delivery> {
        self.sea.lock().unwrap().rough = false;
        let mut rested = false;
        let patience = if self.plant.is_some() { 30 } else { 400 };
        for _ in 0..patience {
            self.pass().await;
            let mut next: Option<Timestamp> = self.snapshot.as_ref().and_then(|snapshot| snapshot.next_change);
            for endpoint in ["sur", "sourd", "lent"] {
                loop {
                    match self.step(endpoint).await {
                        Some(until) if until <= self.clock.now() => {}
                        until => {
                            next = next.into_iter().chain(until).min();
                            break;
                        }
                    }
                }
            }
            let deliveries = self.store.deliveries().await.unwrap();
            let unsure: Vec<&Delivery> = deliveries.iter().filter(|d| d.state == State::Uncertain).collect();
            for delivery in &unsure {
                let key = delivery.key.idempotency_key();
                let place = self.sea.lock().unwrap().posts.iter().position(|posted| posted.key == key);
                let word = match place {
                    Some(place) => PersonWord::Published(format!("https://reseau.example/p{place}")),
                    None => PersonWord::NotPublished,
                };
                assert!(
                    self.store
                        .obey(delivery.id, &word, &crieur::people::By::command("Aya"), self.clock.now())
                        .await
                        .unwrap()
                );
            }
            match next {
                _ if !unsure.is_empty() => {}
                Some(next) => self.clock.set(next.max(self.clock.now())),
                // A daemon looks every minute: what a clock that was set back hid comes again.
                None if !rested => {
                    rested = true;
                    self.clock.advance(SignedDuration::from_hours(5));
                }
                None => return deliveries,
            }
        }
        panic!("it never ends: {:#?}", self.store.deliveries().await.unwrap());
    }
}

/// One run. What is wrong is a panic.
async fn run(seed: u64, plant: Option<Plant>) {
    let mut world = World::new(seed, plant).await;
    world.pass().await;
    for _ in 0..40 {
        world.event().await;
    }
    cut_after(None);
    let deliveries = world.calm().await;
    let sea = world.sea.lock().unwrap();
    for delivery in &deliveries {
        let key = delivery.key.idempotency_key();
        let is_there = sea.posts.iter().any(|posted| posted.key == key);
        assert_eq!(delivery.state == State::Published, is_there, "the outbox and the network differ: {delivery:?}");
        assert!(delivery.state.is_final(), "lost: {delivery:?}");
    }
    for (word, file) in world.files.iter().filter(|(_, file)| file.published && !file.touched) {
        // Whoever is first seen long after its date is no news; the clock decides.
        let is_fresh = file.born.duration_since(file.date) < SignedDuration::from_hours(24);
        let text = format!("Article {word}\n");
        for endpoint in ["sur", "sourd", "lent"].into_iter().filter(|_| is_fresh) {
            let count = sea.posts.iter().filter(|p| p.endpoint == endpoint && p.text.starts_with(&text)).count();
            assert_eq!(count, 1, "lost: {word} to {endpoint}: {deliveries:#?}");
        }
    }
}

/// Runs seeds on all cores. The first that fails in a certain way, with what it says.
fn runs(seeds: impl Iterator<Item = u64>, plant: Option<Plant>, like: &str) -> Option<(u64, String)> {
    let seeds = Mutex::new(seeds.collect::<Vec<_>>().into_iter());
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while failed.lock().unwrap().is_none() {
                    let Some(seed) = seeds.lock().unwrap().next() else { break };
                    let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(seed, plant))));
                    if let Err(panic) = done {
                        let said = panic.downcast_ref::<String>().cloned();
                        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
                        let said = said.unwrap_or_default();
                        if said.starts_with(like) {
                            *failed.lock().unwrap() = Some((seed, said));
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_early_nothing_twice_nothing_lost_whatever_happens() {
    let seeds = match number("CRIEUR_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CRIEUR_SEEDS").unwrap_or(40),
    };
    if let Some((seed, said)) = runs(seeds, None, "") {
        panic!("CRIEUR_SEED={seed}: {said}");
    }
}

#[test]
fn planted_bugs_are_found() {
    for plant in [Plant::ForgottenTry, Plant::KeyedByPath] {
        let found = runs(0..500, Some(plant), "twice");
        let (seed, said) = found.unwrap_or_else(|| panic!("{plant:?} is not found"));
        println!("{plant:?}: found by seed {seed}: {}", said.lines().next().unwrap_or_default());
    }
}
