//! What becomes of published posts whose article is withdrawn, by their rule.

use crate::support::Place;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, Removal, State};
use crieur::people::By;
use crieur::reconcile::Reconciler;
use crieur::store::{PersonWord, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;

const START: &str = "2026-11-22T10:00:00Z";

struct World {
    place: Place,
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    reconciler: Reconciler,
}

impl World {
    /// Articles that were posted, under a rule with the word given.
    async fn new(articles: usize, on_withdraw: &str) -> Self {
        let place = Place::new();
        for n in 0..articles {
            place.article(&format!("_actualites/a{n}.md"), &format!("title: N° {n}\ndate: 2026-11-22 09:00:00 +00:00"));
        }
        place.article("_actualites/autre.md", "title: Autre");
        let config = place.config(&format!(
            "endpoints: {{ essai: {{ network: journal }} }}\nbaseline: none\nrules: [{{ name: tout, endpoints: [essai], on_withdraw: {on_withdraw} }}]"
        ));
        let clock = Clock::by_hand(START.parse().unwrap());
        let store = Store::open(&config.store).await.unwrap();
        let reconciler = Reconciler::new(Arc::clone(&config));
        let mut world = Self { place, config, store, clock, reconciler };
        world.pass(0).await;
        assert_eq!(world.timeline().await, articles);
        world
    }

    /// Some minutes later: a pass, and whatever is to be done then.
    async fn pass(&mut self, minutes: i64) -> Vec<Delivery> {
        self.clock.set(self.clock.now() + SignedDuration::from_mins(minutes));
        let snapshot = self.reconciler.pass(&self.store, self.clock.now()).await.unwrap();
        let deliverer = Deliverer::new(Arc::clone(&self.config), self.store.clone(), self.clock.clone());
        let endpoint = EndpointName::new("essai");
        while let Step::Did(_) = deliverer.step(&endpoint, None, &snapshot).await.unwrap() {}
        self.store.deliveries().await.unwrap()
    }

    fn withdraw(&self, n: usize) {
        self.place.remove(&format!("_actualites/a{n}.md"));
    }

    async fn timeline(&self) -> usize {
        self.store.journal(100).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_post_is_taken_away_once_its_article_stays_withdrawn_and_never_comes_back() {
    let mut world = World::new(2, "delete").await;
    let draft = "title: N° 0\ndate: 2026-11-22 09:00:00 +00:00\npublished: false";
    world.place.article("_actualites/a0.md", draft);
    world.pass(1).await;
    world.place.article("_actualites/a0.md", &draft.replace("false", "true"));
    world.pass(20).await;
    world.pass(60).await;
    assert_eq!(world.timeline().await, 2, "an editor who takes back what they did loses nothing");
    world.place.article("_actualites/a0.md", draft);
    world.pass(1).await;
    assert_eq!(world.timeline().await, 2, "not at once");
    let outbox = world.pass(30).await;
    assert_eq!(world.timeline().await, 1);
    let gone = &outbox[0];
    assert_eq!((gone.state, gone.attempts), (State::Published, 1));
    assert!(gone.reason.as_deref().unwrap().contains("and the post with it"), "{gone:?}");
    assert_eq!((gone.removal, gone.stands()), (Some(Removal::Done), "withdrawn"));
    world.place.article("_actualites/a0.md", &draft.replace("false", "true"));
    for _ in 0..3 {
        world.pass(60).await;
    }
    assert_eq!(world.timeline().await, 1, "what was announced is announced");
}

#[tokio::test]
async fn many_at_once_are_asked_about_and_a_person_may_say_yes() {
    let mut world = World::new(6, "delete").await;
    (0..6).for_each(|n| world.withdraw(n));
    world.pass(1).await;
    let outbox = world.pass(60).await;
    assert_eq!(world.timeline().await, 6);
    assert!(
        outbox.iter().all(|d| d.reason.as_deref().is_some_and(|reason| reason.contains("one of 6 at once"))),
        "{outbox:?}"
    );
    let id = outbox[3].id;
    assert!(world.store.obey(id, &PersonWord::Withdraw, &By::command("Aya"), world.clock.now()).await.unwrap());
    let outbox = world.pass(1).await;
    assert_eq!(world.timeline().await, 5);
    assert_eq!(outbox[3].reason.as_deref(), Some("Aya withdrew it by hand, and it is gone from its network"));
    assert!(
        !world.store.obey(id, &PersonWord::Withdraw, &By::command("Aya"), world.clock.now()).await.unwrap(),
        "it is gone"
    );
}

#[tokio::test]
async fn a_rule_that_keeps_or_asks_takes_nothing_away_and_silence_stops_all() {
    for (word, said) in [("keep", None), ("ask", Some("crieur posts withdraw"))] {
        let mut world = World::new(1, word).await;
        world.withdraw(0);
        world.pass(1).await;
        let outbox = world.pass(600).await;
        assert_eq!(world.timeline().await, 1, "{word}");
        let reason = outbox[0].reason.as_deref().unwrap_or("");
        assert_eq!(reason.contains("withdrawn"), said.is_some(), "{word}: {reason}");
    }
    let mut world = World::new(1, "delete").await;
    world.store.silence_on("deuil", &By::command("Aya"), world.clock.now()).await.unwrap();
    world.withdraw(0);
    world.pass(1).await;
    world.pass(60).await;
    assert_eq!(world.timeline().await, 1);
    world.store.silence_off(&By::command("Aya"), world.clock.now()).await.unwrap();
    world.pass(1).await;
    assert_eq!(world.timeline().await, 0);
}

#[test]
fn what_is_withdrawn_is_told_as_such_by_every_command() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00");
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none",
    );
    crieur.ok(&["run", "--once"]);
    let run = |arguments: &[&str], code: i32| {
        let output = crieur.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    };
    let list = || run(&["posts"], 0);
    assert!(list().contains("  published  ") && list().contains("/timeline#post-1"), "{}", list());
    assert_eq!(crieur.json(&["posts", "--json"])[0]["removal"], Value::Null);
    let said = run(&["posts", "withdraw", "1", "--as", "Aya"], 0);
    assert!(said.contains("delivery 1: published -> withdrawing"), "{said}");
    assert!(list().contains("  withdrawing  ") && !list().contains("/timeline"), "{}", list());
    assert!(run(&["posts", "withdraw", "1"], 0).contains("nothing changed: delivery 1 is withdrawing"));
    assert!(run(&["publish-now", "a"], 1).contains("essai: withdrawing"));
    crieur.ok(&["run", "--once"]);
    let told = list();
    assert!(
        told.contains("  withdrawn  ") && told.contains("Aya withdrew it") && !told.contains("/timeline"),
        "{told}"
    );
    let said = run(&["posts", "withdraw", "1"], 0);
    assert!(said.contains("nothing changed: delivery 1 is withdrawn"), "{said}");
    let said = run(&["posts", "edit", "1"], 1);
    assert!(said.contains("delivery 1 is withdrawn: it went out, and is gone from its network"), "{said}");
    let shown = run(&["posts", "show", "1"], 0);
    assert!(shown.contains("delivery 1: withdrawn") && shown.contains("was at    /timeline#post-1"), "{shown}");
    let said = run(&["publish-now", "a"], 1);
    assert!(said.contains("essai: withdrawn") && said.contains("it is not published again"), "{said}");
    let plan = run(&["plan"], 0);
    assert!(plan.contains("  withdrawn  ") && plan.contains("Aya withdrew it"), "{plan}");
    assert!(run(&["posts", "--state", "withdrawn"], 0).contains("_actualites/a.md"));
    assert_eq!(run(&["posts", "--state", "withdrawing"], 0), "");
    let said = run(&["publish-now", "a", "--dry-run"], 0);
    assert!(said.contains("essai: it is withdrawn already (delivery 1); this would not be sent"), "{said}");
    let said = run(&["posts", "hurry", "1"], 1);
    assert!(said.contains("delivery 1 is withdrawn: it went out"), "{said}");
    // It went out: that stays its state.
    let of = |json: Value| (json["state"].clone(), json["removal"].clone());
    let expected = (json!("published"), json!("done"));
    assert_eq!(of(crieur.json(&["posts", "show", "1", "--json"])), expected);
    let all = [vec!["posts", "--json"], vec!["posts", "--state", "published", "--json"]];
    assert!(all.iter().all(|arguments| of(crieur.json(arguments)[0].clone()) == expected));
    let asked = crieur.run(&["publish-now", "a", "--json"]);
    assert_eq!(of(serde_json::from_slice::<Value>(&asked.stdout).unwrap()[0].clone()), expected);
}
