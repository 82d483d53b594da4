//! What becomes of published posts whose article changes, by their rule.

use crate::sim::mortal;
use crate::sim::sea::Dice;
use crate::support::fakes::Fake;
use crate::support::real::{get, shared_bluesky};
use crate::support::rows::{ROWS, rest};
use crate::support::{Place, memory_folder};
use async_trait::async_trait;
use crieur::acts;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::crash::{Cut, cut_after};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, DeliveryKey, Failure, Receipt, State};
use crieur::network::{Abilities, Found, Means, Network, Wanted, connect};
use crieur::people::{By, People};
use crieur::plan;
use crieur::post::{Limits, Post};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::{LogEntry, PersonWord, Seen, Store, Word};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

const START: &str = "2026-11-23T10:00:00Z";

/// A network of the test's own, if the endpoint is not what the configuration says.
type Wired = fn(&Arc<Mutex<Wall>>) -> Box<dyn Network>;

struct World {
    place: Place,
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    reconciler: Reconciler,
    endpoint: EndpointName,
    wall: Arc<Mutex<Wall>>,
    wired: Option<Wired>,
    snapshot: Option<Snapshot>,
}

fn front(n: usize, title: &str) -> String {
    format!("title: {title}\ndate: 2026-11-23 09:00:{n:02} +00:00\ntags: [Cloud]")
}

impl World {
    /// Articles that were posted, by this configuration.
    async fn new(articles: usize, rest: &str, endpoint: &str) -> Self {
        Self::wired(articles, rest, endpoint, None).await
    }

    async fn wired(articles: usize, rest: &str, endpoint: &str, wired: Option<Wired>) -> Self {
        let place = Place::within(memory_folder());
        for n in 0..articles {
            place.article(&format!("_actualites/a{n}.md"), &front(n, &format!("Titre {n}")));
        }
        place.article("_actualites/autre.md", "title: Autre");
        let config = place.config(&format!("{rest}\nbaseline: none"));
        let clock = Clock::by_hand(START.parse().unwrap());
        let store = Store::open(&config.store).await.unwrap();
        let reconciler = Reconciler::new(Arc::clone(&config)).accepting_empty(true);
        let (endpoint, wall) = (EndpointName::new(endpoint), Arc::default());
        let mut world = Self { place, config, store, clock, reconciler, endpoint, wall, wired, snapshot: None };
        world.pass(0).await;
        world
    }

    /// The journal, by a rule with these words.
    async fn journal(articles: usize, rule: &str) -> Self {
        let world = Self::new(
            articles,
            &format!(
                "endpoints: {{ essai: {{ network: journal }} }}\nrules: [{{ name: tout, endpoints: [essai], text: \"{{{{ title }}}}\\n\\n{{{{ url }}}}\\n\\n{{{{ hashtags }}}}\", {rule} }}]"
            ),
            "essai",
        )
        .await;
        assert_eq!(world.timeline().await.len(), articles);
        world
    }

    fn deliverer(&self) -> Deliverer {
        let (config, store, clock) = (Arc::clone(&self.config), self.store.clone(), self.clock.clone());
        match self.wired {
            None => Deliverer::new(config, store, clock),
            Some(wired) => {
                let network = wired(&self.wall);
                Deliverer::with_networks(config, store, clock, [(self.endpoint.clone(), network)].into())
            }
        }
    }

    /// A look at the site, some minutes later.
    async fn look(&mut self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
        self.snapshot = Some(self.reconciler.pass(&self.store, self.clock.now()).await.unwrap());
    }

    /// Whatever is to be done now. When something is to be done later.
    async fn steps(&mut self) -> Option<Timestamp> {
        let snapshot = self.snapshot.as_ref().unwrap();
        loop {
            match self.deliverer().step(&self.endpoint, None, snapshot).await.unwrap() {
                Step::Did(_) => {}
                Step::Wait(until) => return until,
            }
        }
    }

    /// Both. The outbox then.
    async fn pass(&mut self, minutes: i64) -> Vec<Delivery> {
        self.look(minutes).await;
        self.steps().await;
        self.store.deliveries().await.unwrap()
    }

    fn says(&self, n: usize, title: &str) {
        self.place.article(&format!("_actualites/a{n}.md"), &front(n, title));
    }

    /// The first lines of the posts of the journal, the oldest first.
    async fn timeline(&self) -> Vec<String> {
        let posts = self.store.journal(100).await.unwrap();
        posts.iter().rev().map(|post| post.post.text.lines().next().unwrap().to_owned()).collect()
    }

    async fn obey(&self, id: i64, word: PersonWord) -> bool {
        self.store.obey(id, &word, &By::command("Aya"), self.clock.now()).await.unwrap()
    }

    /// Approves a delivery, by its place in the outbox, as it would be sent now. Whether there was something to approve.
    async fn approve(&self, place: usize, person: &str) -> bool {
        let delivery = self.store.deliveries().await.unwrap().remove(place);
        let own = self.store.own_word(delivery.id).await.unwrap();
        let seen = self.deliverer().composed(&delivery, &own, self.snapshot.as_ref().unwrap()).await.unwrap();
        let (post, visible) = (seen.post, seen.visible);
        let print = plan::print(&post, &delivery.key.endpoint, delivery.due_at);
        let (by, people) = (By::command(person), People::default());
        let approval = self.config.rules[0].approval.unwrap();
        let word = Word {
            by: &by,
            seen: Some(Seen { is_in_blackout: false, post: &post, print: &print, visible, approval, people: &people }),
            slot: None,
        };
        self.store.approve(delivery.id, &word, self.clock.now()).await.unwrap().is_some()
    }

    async fn reason(&self) -> String {
        self.store.deliveries().await.unwrap()[0].reason.clone().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_post_becomes_what_its_article_says_once_that_keeps_still_and_only_if_it_says_another_thing() {
    let mut world = World::journal(2, "on_edit: edit").await;
    world.says(0, "Titre corrigé");
    world.pass(10).await;
    assert_eq!(world.timeline().await, ["Titre 0", "Titre 1"], "editors fumble");
    let until = world.steps().await;
    assert_eq!(until, Some("2026-11-23T10:40:00Z".parse().unwrap()), "somebody wakes for it");
    world.says(0, "Titre bien corrigé");
    world.pass(20).await;
    world.pass(20).await;
    assert_eq!(world.timeline().await, ["Titre 0", "Titre 1"], "it counts from the last change");
    let outbox = world.pass(11).await;
    assert_eq!(world.timeline().await, ["Titre bien corrigé", "Titre 1"]);
    let edited = &outbox[0];
    assert_eq!((edited.state, edited.attempts, outbox.len()), (State::Published, 1, 2));
    assert!(edited.text.as_deref().unwrap().starts_with("Titre bien corrigé\n"), "{edited:?}");
    assert_eq!(edited.reason.as_deref(), Some("edited: its article changed"));
    // Keys of the layout, spaces and what no post says change nothing, and are not talked about.
    world.place.article("_actualites/a1.md", &format!("{}\nlayout: autre", front(1, "Titre   1")));
    world.pass(1).await;
    let outbox = world.pass(31).await;
    assert_eq!((outbox[1].reason.clone(), world.timeline().await[1].as_str()), (None, "Titre 1"));
    // A hashtag is a word of the post; so is the address, if the article goes elsewhere.
    world.place.article("_actualites/a1.md", &front(1, "Titre 1").replace("[Cloud]", "[Cloud, Climat]"));
    world.pass(1).await;
    assert!(world.pass(31).await[1].text.as_deref().unwrap().ends_with("#Cloud #Climat"));
    let log = world.store.log_after(0).await.unwrap();
    let body = |entry: &LogEntry| serde_json::from_str::<serde_json::Value>(&entry.body).unwrap();
    let said = log.iter().filter(|entry| entry.kind == "edit" && body(entry)["sending"].is_object()).count();
    assert_eq!(said, 2, "each edit is on record before it is sent");
    assert!(world.store.verify_log(None).await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn a_rule_that_keeps_changes_nothing_and_one_that_follows_from_now_on_changes_nothing_of_before() {
    let mut world = World::journal(1, "on_edit: keep").await;
    world.says(0, "Titre corrigé");
    world.pass(1).await;
    assert_eq!(world.pass(60).await[0].reason, None);
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: tout, endpoints: [essai], text: \"Autre texte : {{ title }}\", on_edit: edit }]";
    world.config = world.place.config(rest);
    world.reconciler = Reconciler::new(Arc::clone(&world.config));
    world.pass(1).await;
    world.pass(60).await;
    assert_eq!(world.timeline().await, ["Titre 0"]);
    world.says(0, "Titre encore corrigé");
    world.pass(1).await;
    world.pass(31).await;
    assert_eq!(world.timeline().await, ["Titre encore corrigé"], "by the text that it was made by");
}

#[tokio::test]
async fn a_person_is_asked_where_the_rule_says_so_or_much_changes_at_once() {
    let mut world = World::journal(1, "on_edit: ask").await;
    world.says(0, "Titre corrigé");
    world.pass(1).await;
    let id = world.pass(31).await[0].id;
    assert!(
        world
            .reason()
            .await
            .contains("`crieur posts edit 1` makes the post what it says, `crieur posts keep 1` leaves it")
    );
    assert!(world.obey(id, PersonWord::Keep).await);
    assert!(!world.obey(id, PersonWord::Keep).await, "nothing is asked any more");
    world.pass(31).await;
    assert_eq!(world.timeline().await, ["Titre 0"]);
    world.says(0, "Titre corrigé deux fois");
    world.pass(1).await;
    world.pass(31).await;
    assert!(world.obey(id, PersonWord::Edit).await);
    world.pass(1).await;
    assert_eq!(world.timeline().await, ["Titre corrigé deux fois"]);

    let mut world = World::journal(11, "on_edit: edit, settle: 10m").await;
    // In two parts: a pull that takes long.
    (0..6).for_each(|n| world.says(n, "Partout pareil"));
    world.pass(1).await;
    (6..10).for_each(|n| world.says(n, "Partout pareil"));
    world.place.article("_actualites/a10.md", &format!("{}\nlayout: autre", front(10, "Titre 10")));
    world.pass(1).await;
    let outbox = world.pass(11).await;
    assert_eq!(world.timeline().await[0], "Titre 0");
    let asked = |d: &&Delivery| d.reason.as_deref().is_some_and(|reason| reason.contains("one of many at once"));
    assert_eq!(outbox.iter().filter(asked).count(), 10, "{outbox:#?}");
    assert!(world.obey(outbox[3].id, PersonWord::Edit).await);
    world.pass(1).await;
    assert_eq!(world.timeline().await[3], "Partout pareil");
}

#[tokio::test]
async fn what_is_taken_back_is_not_done() {
    let mut world = World::journal(1, "on_edit: edit, on_withdraw: delete").await;
    world.says(0, "Faux");
    world.pass(5).await;
    world.says(0, "Titre 0");
    let outbox = world.pass(5).await;
    assert_eq!((outbox[0].reason.clone(), world.steps().await), (None, None), "nothing waits any more");
    // A withdrawal makes the edit void, and a post that is gone stays gone.
    world.says(0, "Faux");
    world.pass(5).await;
    world.place.article("_actualites/a0.md", &format!("{}\npublished: false", front(0, "Faux")));
    world.pass(1).await;
    world.pass(31).await;
    assert_eq!(world.timeline().await, Vec::<String>::new());
    world.says(0, "De retour");
    world.pass(1).await;
    world.pass(31).await;
    assert_eq!((world.timeline().await.len(), world.obey(1, PersonWord::Edit).await), (0, false));
}

/// How often something was sent, by the log.
fn sent(log: &[crieur::store::LogEntry]) -> usize {
    let body = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    log.iter().filter(|entry| body(&entry.body)["sending"].is_object()).count()
}

#[tokio::test]
async fn a_change_that_is_seen_while_the_clock_is_set_back_is_made_once_when_it_is_right_again() {
    for is_under_way in [false, true] {
        let mut world = World::journal(1, "on_edit: edit").await;
        if is_under_way {
            world.says(0, "Presque");
            world.pass(5).await;
        }
        // Before the article's own date, as the clock has it; what readers see is not taken back by that.
        world.says(0, "Corrigé");
        world.pass(-24 * 60).await;
        world.pass(60).await;
        assert_eq!((world.timeline().await, world.steps().await), (vec!["Titre 0".to_owned()], None));
        world.pass(24 * 60).await;
        world.pass(31).await;
        assert_eq!(world.timeline().await, ["Corrigé"], "{}", world.reason().await);
        let outbox = world.pass(31).await;
        let log = world.store.log_after(0).await.unwrap();
        assert_eq!((sent(&log), outbox[0].reason.as_deref()), (1, Some("edited: its article changed")));
    }
}

#[tokio::test]
async fn what_a_person_wants_edited_is_edited_though_the_clock_was_set_back_meanwhile() {
    for on_edit in ["keep", "ask", "edit"] {
        let mut world = World::journal(1, &format!("on_edit: {on_edit}")).await;
        world.says(0, "Corrigé");
        world.pass(31).await;
        if on_edit != "edit" {
            assert_eq!(world.timeline().await, ["Titre 0"]);
            world.says(0, "Corrigé deux fois");
            world.look(1).await;
            assert!(world.obey(1, PersonWord::Edit).await);
        }
        world.look(-24 * 60).await;
        world.steps().await;
        world.pass(24 * 60).await;
        world.pass(31).await;
        world.pass(1).await;
        let expected = if on_edit == "edit" { "Corrigé" } else { "Corrigé deux fois" };
        assert_eq!(world.timeline().await, [expected], "{on_edit}: {}", world.reason().await);
    }
}

#[tokio::test]
async fn nothing_is_edited_in_silence_in_quiet_hours_nor_without_the_word_of_those_who_approve() {
    let mut world = World::journal(1, "on_edit: edit").await;
    world.store.silence_on("deuil", &By::command("Aya"), world.clock.now()).await.unwrap();
    world.says(0, "Corrigé");
    world.pass(1).await;
    world.pass(60).await;
    assert_eq!((world.timeline().await, world.steps().await), (vec!["Titre 0".to_owned()], None));
    world.store.silence_off(&By::command("Aya"), world.clock.now()).await.unwrap();
    world.pass(1).await;
    assert_eq!(world.timeline().await, ["Corrigé"]);

    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: tout, endpoints: [essai], on_edit: edit }]\nquiet_hours: [\"20:00-08:00\"]";
    let mut world = World::new(1, rest, "essai").await;
    world.says(0, "Corrigé");
    world.pass(8 * 60 + 50).await;
    world.pass(60).await;
    assert_eq!(world.timeline().await, ["Titre 0"], "it is 20:50 in Paris");
    world.pass(12 * 60).await;
    assert_eq!(world.timeline().await, ["Corrigé"]);

    let mut world = World::journal(0, "on_edit: edit, approval: { required: 1 }").await;
    world.says(0, "Titre 0");
    world.pass(1).await;
    world.pass(31).await;
    assert!(world.approve(0, "Aya").await);
    world.pass(1).await;
    assert_eq!(world.timeline().await, ["Titre 0"]);
    assert!(!world.approve(0, "Aya").await, "there is nothing to approve");
    world.says(0, "Corrigé");
    world.pass(1).await;
    world.pass(31).await;
    assert_eq!(
        (world.timeline().await, world.reason().await.contains("approval of 1 person")),
        (vec!["Titre 0".into()], true)
    );
    assert!(world.approve(0, "Bo").await);
    // What was approved is what was seen: it changes once more before it is sent.
    world.says(0, "Corrigé en douce");
    world.pass(1).await;
    world.pass(31).await;
    assert_eq!(world.timeline().await, ["Titre 0"], "{}", world.reason().await);
    assert!(world.approve(0, "Bo").await);
    world.pass(1).await;
    assert_eq!(world.timeline().await, ["Corrigé en douce"]);
}

#[tokio::test]
async fn every_network_edits_or_a_person_is_told_and_never_is_there_a_second_post() {
    for row in ROWS {
        let fake = Fake::start(row.api).await;
        let rest = rest(row, &fake).replace("baseline: none\n", "").replace("name: une,", "name: une, on_edit: edit,");
        let mut world = World::new(1, &rest, "n").await;
        let before = fake.texts();
        assert_eq!(before.len(), 1, "{}", row.name);
        world.says(0, "Titre corrigé");
        world.pass(1).await;
        let outbox = world.pass(31).await;
        assert_eq!(fake.wrong(), Vec::<String>::new(), "{}", row.name);
        let (texts, reason) = (fake.texts(), outbox[0].reason.clone().unwrap());
        assert_eq!((outbox.len(), outbox[0].state), (1, State::Published), "{}", row.name);
        if row.edits {
            assert!(texts.last().unwrap().starts_with("Titre corrigé"), "{}: {texts:?} {reason}", row.name);
        } else {
            assert_eq!((texts, fake.posts()), (before, 1), "{}", row.name);
            assert!(reason.contains("this network cannot edit a post; edit it by hand"), "{}: {reason}", row.name);
            assert!(world.obey(outbox[0].id, PersonWord::Keep).await);
        }
    }
}

#[tokio::test]
async fn a_post_that_a_person_deleted_is_never_made_again() {
    let mut world = World::journal(1, "on_edit: edit").await;
    let key = world.store.deliveries().await.unwrap()[0].key.idempotency_key();
    world.store.journal_remove(&world.endpoint, &key).await.unwrap();
    world.says(0, "Corrigé");
    world.pass(1).await;
    world.pass(31).await;
    assert!(world.reason().await.contains("the post is not there any more, and an edit does not bring it back"));
    let before = sent(&world.store.log_after(0).await.unwrap());
    for _ in 0..3 {
        world.look(60).await;
        world.steps().await;
    }
    assert_eq!(sent(&world.store.log_after(0).await.unwrap()), before, "it is not tried again");
    assert_eq!(world.timeline().await, Vec::<String>::new());
}

/// What a network has that fails in every way, and dies in the midst of things.
#[derive(Debug)]
struct Wall {
    dice: Dice,
    rough: bool,
    /// The posts, by their keys.
    posts: BTreeMap<String, String>,
    published: usize,
    /// What happened, in order.
    history: Vec<String>,
}

impl Default for Wall {
    fn default() -> Self {
        Self { dice: Dice(0), rough: false, posts: BTreeMap::new(), published: 0, history: Vec::new() }
    }
}

struct Account(Arc<Mutex<Wall>>);

impl Account {
    /// Does something, or fails before or after, or ends the process there.
    fn roughly<T>(&self, work: impl FnOnce(&mut Wall) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut wall = self.0.lock().unwrap();
        let fate = if wall.rough { wall.dice.roll(9) } else { 8 };
        if matches!(fate, 0 | 1) {
            return Err(Failure::Uncertain("the request was lost".to_owned()));
        }
        if fate == 2 {
            return Err(Failure::Unavailable("nobody there".to_owned()));
        }
        let done = if fate == 3 { Ok(None) } else { work(&mut wall).map(Some) };
        drop(wall);
        match (fate, done) {
            (3 | 4, _) => resume_unwind(Box::new(Cut)),
            (5, Ok(_)) => Err(Failure::Uncertain("the answer was lost".to_owned())),
            (_, done) => done.map(|done| done.expect("it is done")),
        }
    }
}

#[async_trait]
impl Network for Account {
    async fn limits(&self, _: Timestamp) -> Limits {
        crieur::network::journal::LIMITS
    }

    async fn check(&self, _: Timestamp) -> Result<String, Failure> {
        Ok("essai".to_owned())
    }

    fn abilities(&self) -> Abilities {
        Abilities { finds: true, edits: true, withdraws: true, ..Abilities::default() }
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, _: Timestamp) -> Result<Receipt, Failure> {
        let mut wall = self.0.lock().unwrap();
        wall.published += 1;
        wall.posts.insert(key.idempotency_key(), post.text.clone());
        Ok(Receipt::new(key.idempotency_key(), None))
    }

    async fn find(&self, wanted: &Wanted<'_>, _: Timestamp) -> Result<Found, Failure> {
        let key = wanted.key.idempotency_key();
        let is_there = self.0.lock().unwrap().posts.contains_key(&key);
        Ok(if is_there { Found::Yes(Receipt::new(key, None)) } else { Found::No })
    }

    async fn edit(&self, receipt: &Receipt, post: &Post, _: &DeliveryKey, _: Timestamp) -> Result<Receipt, Failure> {
        self.roughly(|wall| {
            let Some(text) = wall.posts.get_mut(&receipt.remote_id) else {
                return Err(Failure::Refused("the post is not there any more".to_owned()));
            };
            post.text.clone_into(text);
            wall.history.push(format!("edit {}", post.text));
            Ok(receipt.clone())
        })
    }

    async fn withdraw(&self, receipt: &Receipt, _: &DeliveryKey, _: Timestamp) -> Result<(), Failure> {
        self.roughly(|wall| {
            wall.posts.remove(&receipt.remote_id);
            wall.history.push("withdraw".to_owned());
            Ok(())
        })
    }

    fn is_outside(&self) -> bool {
        false
    }
}

/// One run: an article whose editor cannot decide, a network that fails, and a process that dies at any place.
async fn run(seed: u64) {
    let rest = "endpoints: { essai: { network: journal } }\nrules: [{ name: tout, endpoints: [essai], text: \"{{ title }}\", on_edit: edit, on_withdraw: delete, settle: 5m }]\ndelivery: { give_up: 60d }";
    let wired: Wired = |wall| Box::new(Account(Arc::clone(wall)));
    let mut world = World::wired(1, rest, "essai", Some(wired)).await;
    let mut dice = Dice(seed);
    let (mut title, mut published) = (String::from("Titre 0"), true);
    {
        let mut wall = world.wall.lock().unwrap();
        assert_eq!((wall.published, wall.posts.len()), (1, 1));
        (wall.dice, wall.rough) = (Dice(seed ^ 0x5EA), true);
    }
    for round in 0..40 {
        let is_calm = round >= 30;
        world.wall.lock().unwrap().rough = !is_calm;
        cut_after((!is_calm && dice.roll(3) == 0).then(|| dice.roll(7) as usize));
        match dice.roll(6) {
            0 if !is_calm => title = format!("Titre {}", dice.roll(3)),
            // Near the end, for then there is nothing more to be seen.
            1 if (20..30).contains(&round) && dice.roll(4) == 0 => published = !published,
            0..=4 => {
                let minutes = if is_calm { 61 } else { dice.roll(12) as i64 };
                world.clock.advance(SignedDuration::from_mins(minutes));
                if mortal(world.reconciler.pass(&world.store, world.clock.now()))
                    .await
                    .map(|s| world.snapshot = Some(s.unwrap()))
                    .is_none()
                {
                    restart(&mut world).await;
                }
            }
            _ => {}
        }
        let state = if published { String::new() } else { "\npublished: false".to_owned() };
        world.place.article("_actualites/a0.md", &format!("{}{state}", front(0, &title)));
        cut_after((!is_calm && dice.roll(3) == 0).then(|| dice.roll(7) as usize));
        if world.snapshot.is_some() && mortal(async { world.steps().await }).await.is_none() {
            restart(&mut world).await;
        }
        cut_after(None);
    }
    for _ in 0..6 {
        world.pass(61).await;
    }
    let withdrawn = judge(&world.wall.lock().unwrap(), &title);
    assert!(withdrawn || published, "it should have been withdrawn: {}", world.reason().await);
    assert!(world.store.verify_log(None).await.unwrap().faults.is_empty());
}

/// What must hold of a network when all is calm. Whether the post was withdrawn.
fn judge(wall: &Wall, title: &String) -> bool {
    let seen: Vec<&String> = wall.posts.values().collect();
    assert_eq!(wall.published, 1, "twice: {:?}", wall.history);
    let Some(at) = wall.history.iter().position(|what| what == "withdraw") else {
        assert_eq!(seen, [title], "{:?}", wall.history);
        return false;
    };
    // What was withdrawn stays away, and no edit comes after it.
    assert!(seen.is_empty(), "made again: {:?}", wall.history);
    assert!(wall.history[at..].iter().all(|what| what == "withdraw"), "overtaken: {:?}", wall.history);
    true
}

/// A new process, after the last one died.
async fn restart(world: &mut World) {
    cut_after(None);
    world.store = Store::open(&world.config.store).await.unwrap();
    world.reconciler = Reconciler::new(Arc::clone(&world.config)).accepting_empty(true);
    world.snapshot = None;
}

#[test]
fn the_post_says_in_the_end_what_the_article_says_whatever_happens() {
    let seeds = match std::env::var("CRIEUR_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..std::env::var("CRIEUR_EDIT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40),
    };
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        println!("CRIEUR_SEED={seed}");
        runtime.block_on(run(seed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_shows_the_edit_and_a_process_that_dies_makes_it_again() {
    let Some(server) = shared_bluesky() else { return };
    let rest = format!(
        "endpoints: {{ bluesky: {{ network: bluesky, server: \"{}\", handle: {}, app_password: {}, gap: 0s, allow_private: true }} }}\nrules: [{{ name: une, endpoints: [bluesky], live_check: false, on_edit: edit, on_withdraw: delete }}]",
        server.said("url"),
        server.said("handle"),
        server.said("app_password")
    );
    let mut world = World::new(1, &rest, "bluesky").await;
    let outbox = world.store.deliveries().await.unwrap();
    let uri = outbox[0].remote_id.clone().unwrap_or_else(|| panic!("{outbox:?}"));
    let text = async || {
        let (rkey, url, did) = (uri.rsplit('/').next().unwrap(), server.said("url"), server.said("did"));
        let path = format!("com.atproto.repo.getRecord?repo={did}&collection=app.bsky.feed.post&rkey={rkey}");
        let (status, value) = get(&format!("{url}/xrpc/{path}"), None).await;
        (status == 200).then(|| value["value"]["text"].as_str().unwrap().to_owned())
    };
    let first = text().await.unwrap();
    assert!(first.starts_with("Titre 0"));
    world.says(0, "Titre corrigé");
    world.look(1).await;
    world.look(31).await;
    for places in 0..6 {
        cut_after(Some(places));
        let done = mortal(async { world.steps().await }).await;
        cut_after(None);
        if done.is_some() {
            break;
        }
        restart(&mut world).await;
        // Who died in the midst of it holds it for a while.
        world.look(11).await;
    }
    world.pass(11).await;
    assert_eq!(text().await.unwrap(), first.replace("Titre 0", "Titre corrigé"));
    assert!(world.reason().await.starts_with("edited"), "{}", world.reason().await);
    world.place.remove("_actualites/a0.md");
    world.pass(1).await;
    world.pass(61).await;
    assert_eq!(text().await, None);
}

const WRONG: &str = "Le montant est de **12 M€**, et non de 12 Md€.";

impl World {
    /// An article with corrections.
    fn marks(&self, n: usize, title: &str, corrections: &[&str]) {
        let lines: Vec<String> = corrections.iter().map(|text| format!("\n  - \"{text}\"")).collect();
        let front = format!("{}\ncorrections:{}", front(n, title), lines.concat());
        self.place.article(&format!("_actualites/a{n}.md"), &front);
    }

    /// Looks and steps soon, at the end of so many minutes, and once more.
    async fn for_minutes(&mut self, minutes: i64) -> Vec<Delivery> {
        self.pass(1).await;
        self.pass(minutes - 1).await;
        self.pass(0).await
    }
}

#[tokio::test]
async fn a_correction_that_the_article_marks_is_told_once_and_every_other_change_is_an_edit() {
    let mut world = World::journal(1, "on_edit: correct").await;
    world.says(0, "Titre revu");
    world.for_minutes(32).await;
    assert_eq!(world.timeline().await, ["Titre revu"], "a slip of the pen is mended where it stands");
    world.marks(0, "Titre revu", &[WRONG]);
    world.for_minutes(20).await;
    assert_eq!(world.timeline().await.len(), 1, "it settles first");
    let outbox = world.for_minutes(20).await;
    let told = "Rectificatif à «\u{a0}Titre revu\u{a0}»\u{a0}: Le montant est de 12 M€, et non de 12 Md€.";
    assert_eq!(world.timeline().await, ["Titre revu", told]);
    assert!(outbox[1].key.step.starts_with("correction:") && outbox[1].state == State::Published);
    assert!(outbox[1].text.as_deref().unwrap().ends_with("https://www.example.fr/actualites/a0/"), "{:?}", outbox[1]);
    let (by, id) = (By::command("Aya"), outbox[1].id);
    let asked = acts::obey(&world.config, &world.store, id, &PersonWord::Edit, &by, world.clock.now()).await;
    let refused = asked.unwrap_err().to_string();
    assert!(refused.contains("write another one into the article"), "{refused}");
    // The same words otherwise set, another process, and saves without end.
    world.store = Store::open(&world.config.store).await.unwrap();
    for n in 0..3 {
        world.marks(0, &format!("Titre {n} fois revu"), &["Le montant  est de 12 M€, et non de 12 Md€."]);
        world.for_minutes(32).await;
    }
    assert_eq!(world.timeline().await, ["Titre 2 fois revu", told]);
    // Another one is another post; what was told stays told.
    world.marks(0, "Titre 2 fois revu", &["La loi est de 2025.", WRONG]);
    world.for_minutes(32).await;
    let timeline = world.timeline().await;
    assert_eq!(timeline.len(), 3, "{timeline:?}");
    assert!(timeline[2].ends_with("La loi est de 2025."), "{timeline:?}");
    assert!(world.store.verify_log(None).await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn what_the_post_knew_is_no_correction_of_it_and_nothing_is_told_of_what_is_gone() {
    let mut world =
        World::journal(0, "on_edit: correct, on_withdraw: delete, correction: \"Erratum : {{ correction }}\"").await;
    world.marks(0, "Titre", &[WRONG]);
    world.for_minutes(32).await;
    world.marks(0, "Titre revu", &[WRONG]);
    world.for_minutes(32).await;
    assert_eq!(world.timeline().await, ["Titre revu"]);
    // It is withdrawn before the correction is told, and with it.
    world.marks(0, "Titre revu", &[WRONG, "La loi est de 2025."]);
    world.for_minutes(10).await;
    world.place.remove("_actualites/a0.md");
    world.for_minutes(40).await;
    assert_eq!(world.timeline().await, Vec::<String>::new());
    world.marks(1, "Autre", &[]);
    world.for_minutes(32).await;
    world.marks(1, "Autre", &["La loi est de 2025."]);
    world.for_minutes(32).await;
    assert_eq!(world.timeline().await, ["Autre", "Erratum : La loi est de 2025."]);
    world.place.remove("_actualites/a1.md");
    world.for_minutes(40).await;
    assert_eq!(world.timeline().await, Vec::<String>::new(), "it goes with the post that it corrects");
}

#[tokio::test]
async fn a_correction_that_was_called_off_with_its_article_comes_back_with_it() {
    let rest = "endpoints: { essai: { network: journal, gap: 3h } }\nrules: [{ name: tout, endpoints: [essai], text: \"{{ title }}\\n\\n{{ url }}\\n\\n{{ hashtags }}\", on_edit: correct, on_withdraw: keep }]";
    let mut world = World::new(1, rest, "essai").await;
    world.marks(0, "Titre", &[WRONG]);
    let outbox = world.for_minutes(40).await;
    assert_eq!(outbox[1].state, State::Pending, "{:?}", outbox[1]);
    world.place.remove("_actualites/a0.md");
    let outbox = world.for_minutes(10).await;
    assert_eq!(outbox[1].state, State::Cancelled, "{:?}", outbox[1]);
    world.marks(0, "Titre", &[WRONG]);
    world.for_minutes(40).await;
    world.for_minutes(200).await;
    let timeline = world.timeline().await;
    assert_eq!(timeline.len(), 2, "{timeline:?}");
    assert!(timeline[1].starts_with("Rectificatif"), "{timeline:?}");
}

#[tokio::test]
async fn many_corrections_at_once_and_a_rule_with_approval_ask() {
    let mut world = World::journal(11, "on_edit: correct").await;
    (0..11).for_each(|n| world.marks(n, &format!("Titre {n}"), &[WRONG]));
    let outbox = world.for_minutes(32).await;
    assert_eq!((world.timeline().await.len(), outbox.len()), (11, 11));
    assert!(outbox[0].reason.as_deref().unwrap().contains("one of many at once"), "{outbox:?}");
    let mut world = World::journal(0, "on_edit: correct, approval: { required: 1 }").await;
    world.says(0, "Titre");
    world.for_minutes(32).await;
    assert!(world.approve(0, "Aya").await);
    world.for_minutes(2).await;
    world.marks(0, "Titre", &[WRONG]);
    let outbox = world.for_minutes(32).await;
    assert_eq!((world.timeline().await.len(), outbox[1].state), (1, State::Held), "{outbox:#?}");
    assert!(world.approve(1, "Bo").await);
    world.for_minutes(2).await;
    assert_eq!(world.timeline().await.len(), 2);
}

#[tokio::test]
async fn every_network_gets_a_correction_once_under_its_post_where_there_are_answers() {
    for row in ROWS {
        let fake = Fake::start(row.api).await;
        let rest = rest(row, &fake)
            .replace("baseline: none\n", "")
            .replace("name: une,", "name: une, on_edit: correct, correction: \"Rectificatif : {{ correction }}\", ");
        let mut world = World::new(1, &rest, "n").await;
        assert_eq!(fake.texts().len(), 1, "{}", row.name);
        let first = world.store.deliveries().await.unwrap()[0].remote_id.clone();
        world.marks(0, "Titre 0", &[WRONG]);
        let (endpoint, means) = (&world.config.endpoints[&world.endpoint], Means::new(&world.config, &world.store));
        let network = connect(&world.endpoint, endpoint, &means).unwrap();
        let outbox = world.for_minutes(35).await;
        assert_eq!(fake.wrong(), Vec::<String>::new(), "{}", row.name);
        let texts = fake.texts();
        assert_eq!((texts.len(), outbox.len()), (2, 2), "{}: {texts:?} {outbox:#?}", row.name);
        assert!(
            texts[1].contains("Rectificatif : Le montant est de 12 M€, et non de 12 Md€."),
            "{}: {texts:?}",
            row.name
        );
        assert_eq!(outbox[1].state, State::Published, "{}: {outbox:#?}", row.name);
        let sent = world.store.sent(outbox[1].id).await.unwrap().unwrap();
        assert_eq!(sent.answers, first.filter(|_| network.abilities().answers), "{}", row.name);
    }
}
