//! A site, its editor, the program, and the person who minds it.

use super::law::{self, QUIET_OF_SUR};
use super::sea::{Account, Dice, Sea};
use super::{Plant, mortal};
use crate::support::life::by_other_hands;
use crate::support::{Place, memory_folder, parse};
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName, StoreAddress};
use crieur::crash::{Failing, cut_after, disk_fails};
use crieur::deliver::{Composed, Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::network::Network;
use crieur::people::{By, People};
use crieur::plan;
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::{OwnWord, PersonWord, Seen, Store, Word};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// The person who minds it.
fn by() -> By {
    By::command("ada")
}

pub const ENDPOINTS: [&str; 4] = ["sur", "sourd", "lent", "lu"];
/// An article is no news any more when it is first seen so long after its date.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// `sur` has quiet hours and a gap, `sourd` takes a few a day and cannot tell what it has, `lent` takes one article a day,
/// and what goes to `lu` was read and approved by a person.
fn rest(plant: Option<Plant>) -> String {
    let quiet = if plant == Some(Plant::NoQuietHours) { "[]" } else { QUIET_OF_SUR };
    let cap = if plant == Some(Plant::NoCap) { String::new() } else { format!(", per_day: {}", law::MOST_OF_SOURD) };
    let queue = plant != Some(Plant::NoQueue);
    let blackout = if plant == Some(Plant::NoBlackouts) { law::BLACKOUT.tomorrow().unwrap() } else { law::BLACKOUT };
    let approval = if plant == Some(Plant::NoApproval) { "none" } else { "{ required: 1, expires: 30d }" };
    let gap = if plant == Some(Plant::NoGap) { "0s" } else { "1m" };
    format!(
        "endpoints:
  sur: {{ network: journal, gap: {gap}, quiet_hours: {quiet} }}
  sourd: {{ network: journal, gap: 0s{cap} }}
  lent: {{ network: journal, gap: 0s }}
  lu: {{ network: journal, gap: 0s }}
rules:
  - {{ name: une, endpoints: [sur, sourd] }}
  - {{ name: file, endpoints: [lent], when: {{ slots: \"0 30 9 * * *\", queue: {queue} }} }}
  - {{ name: vu, endpoints: [lu], approval: {approval}, expires: 60d }}
blackouts: [{{ from: {blackout}, until: {blackout}, reason: \"deuil\" }}]
baseline: none
delivery: {{ give_up: 60d }}"
    )
}

/// What is known of a file of the test's own.
#[derive(Debug, Clone)]
pub struct Written {
    path: String,
    pub date: Timestamp,
    pub published: bool,
    /// When it was last written.
    written: Timestamp,
}

impl Written {
    /// Whether it must have been announced when all is over, whatever was done to it before.
    pub fn is_news(&self) -> bool {
        self.published && self.written.duration_since(self.date) < FRESH
    }
}

/// A process of the program.
struct Process {
    store: Store,
    reconciler: Reconciler,
    deliverer: Deliverer,
    /// Its last pass.
    snapshot: Option<Snapshot>,
}

impl Process {
    async fn new(config: &Arc<Config>, clock: &Clock, sea: &Arc<Mutex<Sea>>) -> Self {
        let store = Store::open(&config.store).await.unwrap();
        let reconciler = Reconciler::new(Arc::clone(config)).accepting_empty(true);
        let deliverer = deliverer(config, &store, clock, sea);
        Self { store, reconciler, deliverer, snapshot: None }
    }
}

pub struct World {
    dice: Dice,
    place: Place,
    config: Arc<Config>,
    pub clock: Clock,
    pub sea: Arc<Mutex<Sea>>,
    /// The process whose turn it is.
    process: Process,
    /// Another one on the same database, if a second one was started.
    other: Option<Process>,
    /// By the word that stands in its title. One that was deleted is not published.
    pub files: BTreeMap<String, Written>,
    /// As the last whole pass saw them; and as those did of which nobody knows whether they count, since the process died
    /// or the disk failed at their end.
    pub seen: Vec<BTreeMap<String, Written>>,
    pub silent: bool,
    /// What a person read and approved: the key of the delivery, and the text.
    pub approved: BTreeSet<(String, String)>,
    plant: Option<Plant>,
    /// How often the process died.
    pub deaths: usize,
    /// How many of the posts that were sent have been judged.
    pub judged: usize,
}

fn deliverer(config: &Arc<Config>, store: &Store, clock: &Clock, sea: &Arc<Mutex<Sea>>) -> Deliverer {
    let account = |name: &str, looks, honours_keys| -> (EndpointName, Box<dyn Network>) {
        let sea = Arc::clone(sea);
        (EndpointName::new(name), Box::new(Account { name: name.to_owned(), sea, looks, honours_keys }))
    };
    let networks =
        [account("sur", 2, false), account("sourd", 0, false), account("lent", 2, true), account("lu", 2, false)];
    Deliverer::with_networks(Arc::clone(config), store.clone(), clock.clone(), networks.into())
}

/// A database without anything in it: to make one takes longer than all else of a short run.
async fn empty_database() -> &'static [u8] {
    static MADE: OnceCell<Vec<u8>> = OnceCell::const_new();
    MADE.get_or_init(|| async {
        let folder = memory_folder();
        let file = folder.path().join("crieur.db");
        Store::open(&StoreAddress::File(file.clone())).await.unwrap().close().await;
        std::fs::read(file).unwrap()
    })
    .await
}

impl World {
    pub async fn new(seed: u64, rough: bool, plant: Option<Plant>) -> Self {
        let place = Place::within(memory_folder());
        let config = Arc::new(parse(&place.yaml(&rest(plant))).unwrap_or_else(|problems| panic!("{problems:#?}")));
        let clock = Clock::by_hand("2026-03-02T06:00:00Z".parse().unwrap());
        let sea = Sea::new(seed, rough);
        std::fs::write(config.store.beside(), empty_database().await).unwrap();
        let process = Process::new(&config, &clock, &sea).await;
        let (dice, files, seen) = (Dice(seed), BTreeMap::new(), Vec::new());
        Self {
            dice,
            place,
            config,
            clock,
            sea,
            process,
            other: None,
            files,
            seen,
            silent: false,
            approved: BTreeSet::new(),
            plant,
            deaths: 0,
            judged: 0,
        }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.process.store
    }

    fn write(&self, word: &str, file: &Written) {
        let east = SignedDuration::from_hours(if self.plant == Some(Plant::WrongZone) { 1 } else { 0 });
        let published = file.published || self.plant == Some(Plant::NoUnpublishing);
        let front = format!("title: Article {word}\ndate: {}\npublished: {published}", file.date - east);
        // The text is the word's, whatever the path.
        let words: Vec<String> = (0..30).map(|n| format!("{word}{n}")).collect();
        self.place.write(&file.path, format!("---\n{front}\n---\n\n{}\n", words.join(" ")));
    }

    /// The site begins with a draft.
    pub fn found(&self) {
        self.place.write("_actualites/premier.md", "---\ntitle: Premier\npublished: false\n---\n\nUn brouillon.\n");
    }

    /// A new article, whose date lies so many minutes ahead. Its word.
    pub fn add(&mut self, minutes: i64, published: bool) -> String {
        let (word, written) = (format!("mot{}x", self.files.len()), self.clock.now());
        let (path, date) = (format!("_actualites/{word}.md"), written + SignedDuration::from_mins(minutes));
        let file = Written { path, date, published, written };
        self.write(&word, &file);
        self.files.insert(word.clone(), file);
        word
    }

    /// Changes an article.
    pub fn change(&mut self, word: &str, change: impl FnOnce(&mut Written)) {
        let mut file = self.files[word].clone();
        let old = file.path.clone();
        file.written = self.clock.now();
        change(&mut file);
        if old != file.path {
            let _ = std::fs::remove_file(self.place.site().join(&old));
        }
        self.write(word, &file);
        self.files.insert(word.to_owned(), file);
    }

    pub fn rename(&mut self, word: &str, variant: u64) {
        self.change(word, |file| file.path = format!("_actualites/{word}-{variant}.md"));
    }

    /// Deletes an article. Writing it again brings it back.
    pub fn delete(&mut self, word: &str) {
        let file = self.files.get_mut(word).unwrap();
        file.published = false;
        let _ = std::fs::remove_file(self.place.site().join(&file.path));
    }

    fn edit(&mut self) {
        let now = self.clock.now();
        let words: Vec<String> = self.files.keys().cloned().collect();
        let kind = self.dice.roll(11);
        if kind < 5 || words.is_empty() {
            let (ahead, published) = (self.dice.roll(6) as i64 * 40 - 100, self.dice.roll(5) > 0);
            self.add(ahead, published);
            return;
        }
        let word = words[self.dice.roll(words.len() as u64) as usize].clone();
        match kind {
            5 => self.change(&word, |file| file.published = !file.published),
            6 => {
                let date = now + SignedDuration::from_mins(self.dice.roll(5) as i64 * 30 - 60);
                self.change(&word, |file| file.date = date);
            }
            7 | 8 => {
                let variant = self.dice.roll(4);
                self.rename(&word, variant);
            }
            9 => self.delete(&word),
            _ => self.change(&word, |_| {}),
        }
    }

    /// A new process, after the last one died.
    async fn restart(&mut self) {
        self.deaths += 1;
        self.process = Process::new(&self.config, &self.clock, &self.sea).await;
        let left = match self.plant {
            Some(Plant::ForgottenTry) => "look_first = 0, state = 'pending' where state = 'sending'",
            Some(Plant::DroppedAtDeath) => "state = 'cancelled' where state = 'pending'",
            _ => return,
        };
        by_other_hands(self.config.store.beside(), &format!("update deliveries set {left}")).await;
    }

    pub async fn pass(&mut self) {
        if self.plant == Some(Plant::KeyedByPath) {
            let seen = self.seen.iter().flatten();
            let moved = seen.into_iter().any(|(word, seen)| self.files[word].path != seen.path);
            if moved {
                by_other_hands(
                    self.config.store.beside(),
                    "delete from articles; delete from index_pages; delete from meta where name = 'index'",
                )
                .await;
                self.restart().await;
            }
        }
        let now = self.clock.now();
        let Process { store, reconciler, snapshot, .. } = &mut self.process;
        match mortal(reconciler.book(store, now)).await {
            Some(Ok(booked)) => {
                *snapshot = Some(booked);
                self.seen = vec![self.files.clone()];
                // As a daemon does after its pass: texts that were read for the first time are worked out.
                let digest = async {
                    while self.process.reconciler.digest(&self.process.store).await? {}
                    Ok::<(), crieur::reconcile::PassError>(())
                };
                match mortal(digest).await {
                    Some(done) => self.failed(done.err()),
                    None => self.restart().await,
                }
            }
            Some(Err(error)) => {
                self.seen.push(self.files.clone());
                self.failed(Some(error));
            }
            None => {
                self.seen.push(self.files.clone());
                self.restart().await;
            }
        }
    }

    /// What failed must have done so because the disk did.
    fn failed(&self, error: Option<impl std::error::Error>) {
        if let Some(error) = error {
            let said = crieur::daemon::with_causes(&error);
            assert!(said.contains("disk I/O error"), "it failed: {said}");
        }
    }

    /// Which delivery a step is for: the next one, but for a planted bug.
    async fn chosen(&self, endpoint: &str) -> Option<i64> {
        if self.plant != Some(Plant::NewestFirst) {
            return None;
        }
        let now = self.clock.now();
        let outbox = self.store().deliveries().await.unwrap();
        let due = outbox.iter().filter(|d| d.state == State::Pending && d.due_at <= now);
        due.filter(|d| d.key.endpoint.as_str() == endpoint).max_by_key(|d| (d.due_at, d.id)).map(|d| d.id)
    }

    /// One step of an endpoint. When to come again.
    pub async fn step(&mut self, endpoint: &str) -> Option<Timestamp> {
        let snapshot = self.process.snapshot.take()?;
        let only = self.chosen(endpoint).await;
        let done = mortal(self.process.deliverer.step(&EndpointName::new(endpoint), only, &snapshot)).await;
        let now = self.clock.now();
        let again = match done {
            Some(step) => {
                self.process.snapshot = Some(snapshot);
                match step {
                    Ok(Step::Did(_)) => Some(now),
                    Ok(Step::Wait(until)) => until,
                    Err(error) => {
                        self.failed(Some(error));
                        Some(now)
                    }
                }
            }
            None => {
                self.restart().await;
                Some(now)
            }
        };
        law::check(self).await;
        again
    }

    /// A person has everything held, or lets it go.
    pub async fn hush(&mut self, silent: bool) {
        let now = self.clock.now();
        self.silent = silent;
        match silent {
            true if self.plant == Some(Plant::NoSilence) => {}
            true => assert!(self.store().silence_on("une crise", &by(), now).await.unwrap()),
            false => {
                self.store().silence_off(&by(), now).await.unwrap();
            }
        }
    }

    /// Time goes on, or the clock is set back.
    pub fn turn_the_clock(&self, by: SignedDuration) {
        self.clock.advance(by);
        let mut sea = self.sea.lock().unwrap();
        sea.lived += by.max(SignedDuration::ZERO);
        if by.is_negative() {
            sea.steady = sea.lived;
        }
    }

    /// Another process on the same database has its turn; a second one is started if there is none.
    async fn take_turns(&mut self) {
        let other = match self.other.take() {
            Some(other) => other,
            None => Process::new(&self.config, &self.clock, &self.sea).await,
        };
        self.other = Some(std::mem::replace(&mut self.process, other));
    }

    pub async fn event(&mut self) {
        // At some events the process dies at the n-th place from here; at some the disk fails, once, thrice, or for longer
        // than anybody waits.
        cut_after((self.dice.roll(4) == 0).then(|| self.dice.roll(14) as usize));
        if self.dice.roll(6) == 0 {
            let (after, is_written) = (self.dice.roll(5) as usize, self.dice.roll(2) == 0);
            let times = [1, 3, 40][self.dice.roll(3) as usize];
            disk_fails(Some(Failing { after, times, is_written }));
        }
        if self.dice.roll(12) == 0 {
            self.take_turns().await;
        }
        match self.dice.roll(12) {
            0..=2 => self.edit(),
            3..=5 => self.pass().await,
            6..=8 => {
                let endpoint = ENDPOINTS[self.dice.roll(4) as usize];
                self.step(endpoint).await;
            }
            10 => self.read().await,
            9 if self.dice.roll(3) == 0 => {
                cut_after(None);
                disk_fails(None);
                self.hush(!self.silent).await;
            }
            _ => {
                // Time goes on; now and then the clock is set two hours ahead, or back.
                let minutes = match self.dice.roll(12) {
                    0 => 120,
                    1 => -120,
                    2 => self.dice.roll(720) as i64,
                    _ => self.dice.roll(50) as i64,
                };
                self.turn_the_clock(SignedDuration::from_mins(minutes));
            }
        }
        cut_after(None);
        disk_fails(None);
    }

    /// A person reads what waits for approval, and approves one of it.
    async fn read(&mut self) {
        // The person is at another machine: what befalls this one does not befall them.
        cut_after(None);
        disk_fails(None);
        let held = |delivery: &Delivery| delivery.state == State::Held && delivery.key.rule == "vu";
        let deliveries = self.store().deliveries().await.unwrap();
        if let Some(delivery) = deliveries.into_iter().find(held) {
            self.approve(&delivery).await;
        }
    }

    /// Approves a delivery as it would be sent now. False if it would not.
    async fn approve(&mut self, delivery: &Delivery) -> bool {
        let Some(snapshot) = self.process.snapshot.as_ref() else { return false };
        let deliverer = &self.process.deliverer;
        let Ok(composed) = deliverer.composed(delivery, &OwnWord::default(), snapshot).await else { return false };
        let Composed { post, visible, .. } = composed;
        let print = plan::print(&post, &delivery.key.endpoint, delivery.due_at);
        let rule = self.config.rules.iter().find(|rule| rule.name == delivery.key.rule).unwrap();
        let (by, people) = (by(), People::default());
        let is_in_blackout = plan::is_in_blackout(&self.config, &snapshot.site.timezone, delivery.due_at);
        let seen = rule.approval.map(|approval| Seen {
            is_in_blackout,
            post: &post,
            print: &print,
            approval,
            people: &people,
            visible,
        });
        self.approved.insert((delivery.key.idempotency_key(), post.text.clone()));
        let approved = self.store().approve(delivery.id, &Word { by: &by, seen, slot: None }, self.clock.now()).await;
        approved.unwrap().is_some()
    }

    /// A person settles what nobody can know, and lets go what is held. Whether there was anything.
    async fn mind(&mut self, deliveries: &[Delivery]) -> bool {
        let now = self.clock.now();
        let mut minded = false;
        for delivery in deliveries {
            match delivery.state {
                State::Uncertain => {
                    let key = delivery.key.idempotency_key();
                    let place = self.sea.lock().unwrap().posts.iter().position(|posted| posted.key == key);
                    let word = match place {
                        Some(place) => {
                            PersonWord::Published { url: format!("https://reseau.example/p{place}"), id: None }
                        }
                        None => PersonWord::NotPublished,
                    };
                    assert!(self.store().obey(delivery.id, &word, &by(), now).await.unwrap());
                }
                State::Held if delivery.key.rule == "vu" => {
                    minded |= self.approve(delivery).await;
                    continue;
                }
                State::Held => {
                    let word = Word { by: &by(), seen: None, slot: None };
                    assert!(self.store().approve(delivery.id, &word, now).await.unwrap().is_some());
                }
                _ => continue,
            }
            minded = true;
        }
        minded
    }

    /// The weather clears, a person minds what waits for one, and time goes on until nothing waits.
    pub async fn calm(&mut self) -> Vec<Delivery> {
        self.sea.lock().unwrap().rough = false;
        self.hush(false).await;
        let mut rested = false;
        let patience = if self.plant.is_some() { 40 } else { 400 };
        for _ in 0..patience {
            self.pass().await;
            let mut next: Option<Timestamp> = self.process.snapshot.as_ref().and_then(|snapshot| snapshot.next_change);
            for endpoint in ENDPOINTS {
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
            let deliveries = self.store().deliveries().await.unwrap();
            let minded = self.mind(&deliveries).await;
            match next {
                _ if minded => {}
                Some(next) => self.turn_the_clock(next.duration_since(self.clock.now()).max(SignedDuration::ZERO)),
                // A daemon looks every minute: what a clock that was set back hid comes again.
                None if !rested => {
                    rested = true;
                    self.turn_the_clock(SignedDuration::from_hours(5));
                }
                None => return deliveries,
            }
        }
        panic!("it never ends: {:#?}", self.store().deliveries().await.unwrap());
    }
}
