//! What triggers a post, and what does not: real files, a real database, and time that is set by hand.

use crate::support::Place;
use crieur::config::Config;
use crieur::delivery::State;
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::Store;
use jiff::Timestamp;
use std::sync::Arc;

const RULE: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, articles: { tags: [Cloud] }, endpoints: [essai] }]";

/// A site under a clock that stands where it is told.
pub struct World {
    pub place: Place,
    pub config: Arc<Config>,
    pub store: Store,
    pub reconciler: Reconciler,
}

impl World {
    pub async fn new(rest: &str) -> Self {
        let place = Place::new();
        // A site that stands: one without any article has not started yet.
        place.article("_communiques/ancien.md", "title: Ancien\ndate: 2020-01-01");
        let config = place.config(rest);
        let store = Store::open(&config.store).await.unwrap();
        let reconciler = Reconciler::new(Arc::clone(&config));
        Self { place, config, store, reconciler }
    }

    pub async fn at(&mut self, time: &str) -> Snapshot {
        self.reconciler.pass(&self.store, instant(time)).await.unwrap()
    }

    /// A new process on the same database, perhaps with another configuration.
    pub fn restart(&mut self, rest: &str) {
        self.config = self.place.config(rest);
        self.reconciler = Reconciler::new(Arc::clone(&self.config));
    }

    /// State, due instant and path of every delivery.
    pub async fn outbox(&self) -> Vec<(State, String, String)> {
        let deliveries = self.store.deliveries().await.unwrap();
        deliveries.into_iter().map(|d| (d.state, d.due_at.to_string(), d.path)).collect()
    }
}

/// A time of 23 November 2026, or any, in UTC.
pub fn instant(time: &str) -> Timestamp {
    let whole = if time.contains('T') { time.to_owned() } else { format!("2026-11-23T{time}Z") };
    whole.parse().unwrap()
}

const TODAY: &str = "title: Nouveau\ndate: 2026-11-23 09:00:00 +00:00\ntags: [Cloud]";

#[tokio::test]
async fn the_first_start_is_calm() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("12:00:00").await;
    assert_eq!(world.outbox().await, []);
}

#[tokio::test]
async fn a_new_article_is_booked_once_when_it_has_settled() {
    let mut world = World::new(RULE).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    let snapshot = world.at("10:00:00").await;
    assert_eq!(snapshot.next_change, Some(instant("10:30:00")));
    world.at("10:29:59").await;
    assert_eq!(world.outbox().await, []);
    world.at("10:30:00").await;
    world.at("10:30:01").await;
    assert_eq!(world.outbox().await, [(State::Pending, "2026-11-23T10:30:00Z".into(), "_actualites/a.md".into())]);
}

#[tokio::test]
async fn an_article_dated_ahead_is_live_at_its_second_and_settles_from_there() {
    let mut world = World::new(RULE).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", "title: Demain\ndate: 2026-11-24 09:00:00 +00:00\ntags: [Cloud]");
    let snapshot = world.at("09:00:00").await;
    assert_eq!(snapshot.next_change, Some(instant("2026-11-24T09:00:00Z")));
    assert_eq!(snapshot.feeds.feeds[0].entries, 1);
    let snapshot = world.at("2026-11-24T08:59:59Z").await;
    assert_eq!(snapshot.feeds.feeds[0].entries, 1);
    let snapshot = world.at("2026-11-24T09:00:00Z").await;
    assert_eq!(snapshot.feeds.feeds[0].entries, 2);
    world.at("2026-11-24T09:30:00Z").await;
    assert_eq!(world.outbox().await.len(), 1);
}

#[tokio::test]
async fn a_draft_that_is_published_is_announced_and_flips_change_nothing_after() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", &format!("{TODAY}\npublished: false"));
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    assert_eq!(world.outbox().await.len(), 1);
    world.place.article("_actualites/a.md", &format!("{TODAY}\npublished: false"));
    world.at("10:40:00").await;
    assert_eq!(world.outbox().await[0].0, State::Cancelled, "nothing of it had gone out");
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:50:00").await;
    world.at("11:20:00").await;
    assert_eq!(world.outbox().await, [(State::Pending, "2026-11-23T11:20:00Z".into(), "_actualites/a.md".into())]);
}

#[tokio::test]
async fn fumbling_in_the_first_minutes_makes_one_post() {
    let mut world = World::new(RULE).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/faux-titre.md", &TODAY.replace("2026", "2025"));
    world.at("10:00:00").await;
    world.place.article("_actualites/faux-titre.md", TODAY);
    world.at("10:12:00").await;
    let text = std::fs::read(world.place.site().join("_actualites/faux-titre.md")).unwrap();
    world.place.remove("_actualites/faux-titre.md");
    world.place.write("_communiques/bon-titre.md", text);
    world.at("10:20:00").await;
    world.at("10:45:00").await;
    assert_eq!(world.outbox().await, []);
    world.at("10:50:00").await;
    world.at("23:50:00").await;
    assert_eq!(
        world.outbox().await,
        [(State::Pending, "2026-11-23T10:50:00Z".into(), "_communiques/bon-titre.md".into())]
    );
}

#[tokio::test]
async fn old_articles_that_appear_are_no_news_and_tags_trigger_nothing() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/known.md", "title: Connu\ndate: 2026-11-22 09:00:00 +00:00");
    world.at("08:00:00").await;
    for n in 0..50 {
        world.place.article(
            &format!("_actualites/import-{n}.md"),
            &format!("title: Import {n}\ndate: 2020-01-01 09:00:{n:02} +00:00\ntags: [Cloud]"),
        );
    }
    world.place.article("_actualites/untagged.md", "title: Sans mot-clé\ndate: 2026-11-23 09:00:00 +00:00");
    world.place.article("_actualites/known.md", "title: Connu\ndate: 2026-11-22 09:00:00 +00:00\ntags: [Cloud]");
    world.at("09:00:00").await;
    world.at("10:00:00").await;
    world
        .place
        .article("_actualites/untagged.md", "title: Sans mot-clé\ndate: 2026-11-23 09:00:00 +00:00\ntags: [Cloud]");
    world.at("11:00:00").await;
    world.at("12:00:00").await;
    assert_eq!(world.outbox().await, []);
}

#[tokio::test]
async fn a_rule_that_is_added_later_announces_nothing_of_the_past() {
    let mut world = World::new("").await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    world.restart(RULE);
    world.at("12:00:00").await;
    world.at("13:00:00").await;
    assert_eq!(world.outbox().await, []);
}

#[tokio::test]
async fn a_copy_beside_its_model_is_held_with_the_reason() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:10:00").await;
    let copy = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    world.place.write("_actualites/a-a5d7ba.md", copy);
    world.at("09:30:00").await;
    world.at("10:30:00").await;
    let deliveries = world.store.deliveries().await.unwrap();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].state, State::Held);
    assert!(deliveries[0].reason.as_deref().unwrap().contains("_actualites/a.md"), "{deliveries:?}");
}

#[tokio::test]
async fn a_baseline_since_a_day_announces_what_is_younger() {
    let mut world = World::new(&format!("{RULE}\nbaseline: {{ since: 2026-11-01 }}")).await;
    world.place.article("_actualites/old.md", "title: Ancien\ndate: 2026-10-31 09:00:00 +00:00\ntags: [Cloud]");
    world.place.article("_actualites/new.md", "title: Récent\ndate: 2026-11-02 09:00:00 +00:00\ntags: [Cloud]");
    world.at("08:00:00").await;
    assert_eq!(world.outbox().await, [(State::Pending, "2026-11-23T08:00:00Z".into(), "_actualites/new.md".into())]);
}

#[tokio::test]
async fn a_queue_sends_one_a_slot_in_the_order_of_publication() {
    let queue = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], when: { slots: \"30 9 * * Mon-Fri\", queue: true }, fresh: 30d }]";
    let mut world = World::new(queue).await;
    world.at("2026-11-19T08:00:00Z").await;
    for n in [3, 1, 2] {
        world.place.article(
            &format!("_actualites/serie-{n}.md"),
            &format!("title: Série {n}\ndate: 2026-11-18 1{n}:00:00 +00:00"),
        );
    }
    world.at("2026-11-19T09:00:00Z").await;
    world.at("2026-11-19T09:30:00Z").await;
    let due =
        |day: &str, n: u8| (State::Pending, format!("2026-11-{day}T08:30:00Z"), format!("_actualites/serie-{n}.md"));
    let mut outbox = world.outbox().await;
    outbox.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(outbox, [due("20", 1), due("23", 2), due("24", 3)]);
    // Down over all three slots: one goes out late, the others take the next slots.
    world.at("2026-11-25T12:00:00Z").await;
    let mut outbox = world.outbox().await;
    outbox.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(outbox, [due("20", 1), due("26", 2), due("27", 3)]);
    // Another one that comes now stands behind them.
    world.place.article("_actualites/serie-4.md", "title: Série 4\ndate: 2026-11-25 11:00:00 +00:00");
    world.at("2026-11-25T12:01:00Z").await;
    world.at("2026-11-25T12:31:00Z").await;
    let mut outbox = world.outbox().await;
    outbox.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(outbox[3], due("30", 4));
}

#[tokio::test]
async fn what_is_too_late_is_reported_and_not_posted() {
    let mut world = World::new(RULE).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    world.at("2026-12-01T10:30:00Z").await;
    let deliveries = world.store.deliveries().await.unwrap();
    assert_eq!(deliveries[0].state, State::Failed);
    assert!(deliveries[0].reason.as_deref().unwrap().starts_with("missed"), "{deliveries:?}");
}

#[tokio::test]
async fn a_file_that_breaks_keeps_its_last_good_version_and_announces_nothing() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:10:00").await;
    let before = world.at("09:30:00").await;
    world.place.write("_actualites/a.md", "---\ntitle: a: b: c\n---\n");
    let after = world.at("09:31:00").await;
    assert_eq!(
        before.feeds.document("/feeds/all.rss").unwrap().body,
        after.feeds.document("/feeds/all.rss").unwrap().body
    );
    assert!(
        after.problems.iter().any(|problem| problem.file == "_actualites/a.md" && problem.line == 2),
        "{:?}",
        after.problems
    );
    world.place.write("_actualites/a.md", "");
    assert_eq!(world.at("09:32:00").await.feeds.feeds[0].entries, 2);
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:33:00").await;
    world.at("11:00:00").await;
    assert_eq!(world.outbox().await, []);
}

#[tokio::test]
async fn a_site_that_vanishes_as_a_whole_leaves_the_last_state() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:10:00").await;
    world.place.remove("_actualites/a.md");
    world.place.remove("_communiques/ancien.md");
    assert!(world.reconciler.pass(&world.store, instant("09:30:00")).await.is_err());
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:31:00").await;
    world.at("11:00:00").await;
    assert_eq!(world.outbox().await, []);
}

#[tokio::test]
async fn a_renamed_article_keeps_its_guid_and_an_edited_one_is_updated() {
    let mut world = World::new("http: { public_url: https://flux.example.fr }").await;
    world.place.article("_actualites/a.md", TODAY);
    let before = world.at("10:00:00").await;
    let text = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    world.place.remove("_actualites/a.md");
    world.place.write("_communiques/b.md", text.replace("Un texte propre", "Un texte vraiment propre"));
    world.reconciler = Reconciler::new(Arc::clone(&world.config));
    let after = world.at("11:00:00").await;
    let entry = |snapshot: &Snapshot| {
        let feed =
            atom_syndication::Feed::read_from(&*snapshot.feeds.document("/feeds/all.atom").unwrap().body).unwrap();
        let entry = feed.entries()[0].clone();
        (entry.id().to_owned(), entry.links()[0].href().to_owned(), entry.updated().to_rfc3339())
    };
    let (before, after) = (entry(&before), entry(&after));
    assert_eq!(before.0, after.0);
    assert_eq!(
        (before.1.as_str(), after.1.as_str()),
        ("https://www.example.fr/actualites/a/", "https://www.example.fr/espace-presse/b/")
    );
    assert_eq!((before.2.as_str(), after.2.as_str()), ("2026-11-23T09:00:00+00:00", "2026-11-23T12:00:00+01:00"));
}

#[tokio::test]
async fn the_feed_of_a_term_that_lost_its_last_article_stays_empty() {
    let mut world = World::new("").await;
    world.place.article("_actualites/a.md", TODAY);
    world.place.article("_actualites/b.md", "title: Autre\ndate: 2026-11-20");
    let before = world.at("10:00:00").await;
    world.place.article("_actualites/a.md", &format!("{TODAY}\npublished: false"));
    let after = world.at("11:00:00").await;
    let document = |snapshot: &Snapshot| snapshot.feeds.document("/feeds/tag/cloud.atom").cloned().unwrap();
    assert_eq!(after.feeds.feeds.iter().find(|feed| feed.slug == "cloud").unwrap().entries, 0);
    assert!(document(&after).last_modified > document(&before).last_modified);
    assert_ne!(document(&after).etag, document(&before).etag);
}

#[tokio::test]
async fn a_site_whose_collections_come_later_starts_as_calmly() {
    let place = Place::new();
    let config_yml = std::fs::read(place.site().join("_config.yml")).unwrap();
    place.write("_config.yml", "url: https://www.example.fr\ntimezone: Europe/Paris\n");
    place.article("_actualites/a.md", TODAY);
    let config = place.config(RULE);
    let store = Store::open(&config.store).await.unwrap();
    let mut world = World { place, reconciler: Reconciler::new(Arc::clone(&config)), config, store };
    world.at("09:10:00").await;
    world.place.write("_config.yml", config_yml);
    world.at("09:20:00").await;
    world.at("10:00:00").await;
    assert_eq!(world.outbox().await, []);
    world.place.article("_actualites/b.md", "title: Suite\ndate: 2026-11-23 10:00:00 +00:00\ntags: [Cloud]");
    world.at("10:10:00").await;
    world.at("10:40:00").await;
    assert_eq!(world.outbox().await.len(), 1, "what comes after is announced");
}

#[tokio::test]
async fn a_rule_that_is_renamed_announces_nothing_again_and_its_posts_wait_for_a_person() {
    let slow = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], settle: 1s, when: { slots: \"0 0 1 1 *\" } }, { name: lente, articles: { tags: [Autre] }, endpoints: [essai] }]";
    let mut world = World::new(slow).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("10:00:01").await;
    assert_eq!(world.outbox().await.len(), 1);
    world.restart(&slow.replace("name: une", "name: autre"));
    world.at("10:05:00").await;
    let deliveries = world.store.deliveries().await.unwrap();
    assert_eq!((deliveries.len(), deliveries[0].state), (1, State::Held));
    assert!(deliveries[0].reason.as_deref().unwrap().contains("une"), "{deliveries:?}");
}

#[tokio::test]
async fn a_rule_that_later_takes_older_articles_does_not_reach_back() {
    let mut world = World::new(RULE).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/old.md", "title: Ancien\ndate: 2026-09-23 09:00:00 +00:00\ntags: [Cloud]");
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    world.restart(&RULE.replace("endpoints: [essai] }", "endpoints: [essai], fresh: 365d }"));
    world.at("11:00:00").await;
    world.at("12:00:00").await;
    assert_eq!(world.outbox().await, []);
    // Corrected to today, it is news.
    world.place.article("_actualites/old.md", TODAY);
    world.at("12:10:00").await;
    world.at("12:40:00").await;
    assert_eq!(world.outbox().await.len(), 1);
}

#[tokio::test]
async fn an_article_that_is_gone_for_a_moment_keeps_its_place_in_the_queue_of_news() {
    let slots = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], when: { slots: \"0 9 1 * *\" }, expires: 60d }]";
    let mut world = World::new(slots).await;
    world.place.article("_actualites/other.md", "title: Autre\ndate: 2020-01-01");
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("10:30:00").await;
    let text = std::fs::read(world.place.site().join("_actualites/a.md")).unwrap();
    world.place.remove("_actualites/a.md");
    // Ten days later: too old to be news by its date alone.
    world.at("2026-12-10T10:00:00Z").await;
    assert_eq!(world.outbox().await[0].0, State::Cancelled);
    world.place.write("_actualites/a.md", text);
    world.at("2026-12-10T10:01:00Z").await;
    world.at("2026-12-10T10:31:00Z").await;
    assert_eq!(world.outbox().await, [(State::Pending, "2027-01-01T08:00:00Z".into(), "_actualites/a.md".into())]);
}

#[tokio::test]
async fn what_was_due_while_nobody_looked_is_booked_as_missed() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", "title: Demain\ndate: 2026-11-24 09:00:00 +00:00\ntags: [Cloud]");
    world.at("08:00:00").await;
    world.at("2026-12-05T09:00:00Z").await;
    let deliveries = world.store.deliveries().await.unwrap();
    assert_eq!((deliveries.len(), deliveries[0].state), (1, State::Failed));
    assert!(deliveries[0].reason.as_deref().unwrap().starts_with("missed"), "{deliveries:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_has_lost_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.place.article("_communiques/b.md", "title: B\ndate: 2026-11-01");
    world.at("09:10:00").await;
    let folder = world.place.site().join("_actualites");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads what it likes: there the folder is still readable, and nothing is to be seen.
    let readable = std::fs::read_dir(&folder).is_ok();
    let pass = world.reconciler.pass(&world.store, instant("09:20:00")).await;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(readable || pass.is_err());
    assert_eq!(world.at("09:30:00").await.feeds.feeds[0].entries, 3);
}

#[tokio::test]
async fn dates_that_are_not_understood_are_never_guessed() {
    let mut world = World::new(RULE).await;
    for (name, date) in
        [("a", "2026-11-23 08:00 demain"), ("b", "[2026-01-01]"), ("c", "2026-11-23 01:00 Europe/Lisboa")]
    {
        world.place.article(&format!("_actualites/{name}.md"), &format!("title: {name}\ndate: {date}"));
    }
    world.place.article("_posts/sans-date.md", "title: Sans date dans le nom\ndate: 2026-01-01");
    let snapshot = world.at("23:00:00").await;
    assert_eq!(snapshot.feeds.feeds[0].entries, 1);
    assert_eq!(snapshot.problems.len(), 4, "{:?}", snapshot.problems);
}

#[tokio::test]
async fn what_was_cancelled_with_its_article_comes_back_with_it_even_if_another_endpoint_has_it() {
    let two = "endpoints: { a: { network: journal }, b: { network: journal } }\nrules: [{ name: une, endpoints: [a] }, { name: deux, endpoints: [b], when: { slots: \"0 9 1 * *\" } }]";
    let mut world = World::new(two).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    let snapshot = world.at("10:30:00").await;
    let clock = crieur::clock::Clock::by_hand(instant("10:30:00"));
    let deliverer = crieur::deliver::Deliverer::new(Arc::clone(&world.config), world.store.clone(), clock);
    deliverer.step(&crieur::config::EndpointName::new("a"), None, &snapshot).await.unwrap();
    let states = |outbox: Vec<(State, String, String)>| outbox.into_iter().map(|(state, ..)| state).collect::<Vec<_>>();
    assert_eq!(states(world.outbox().await), [State::Published, State::Pending]);
    world.place.article("_actualites/a.md", &format!("{TODAY}\npublished: false"));
    world.at("11:00:00").await;
    assert_eq!(states(world.outbox().await), [State::Published, State::Cancelled]);
    world.place.article("_actualites/a.md", TODAY);
    world.at("11:10:00").await;
    world.at("11:40:00").await;
    assert_eq!(states(world.outbox().await), [State::Published, State::Pending]);
}

#[tokio::test]
async fn a_copy_that_is_rewritten_before_it_is_published_is_an_article_of_its_own() {
    let mut world = World::new(RULE).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:10:00").await;
    let copy = std::fs::read_to_string(world.place.site().join("_actualites/a.md")).unwrap();
    world.place.write("_actualites/b.md", copy.replace("tags:", "published: false\ntags:"));
    world.at("09:20:00").await;
    world.place.article("_actualites/b.md", TODAY);
    world.at("09:30:00").await;
    world.at("10:00:00").await;
    assert_eq!(world.outbox().await, [(State::Pending, "2026-11-23T10:00:00Z".into(), "_actualites/b.md".into())]);
}

#[tokio::test]
async fn a_collection_that_is_added_later_stays_silent_whatever_the_baseline_says() {
    let mut world = World::new(&format!("{RULE}\nbaseline: none")).await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("09:10:00").await;
    let config_yml = std::fs::read_to_string(world.place.site().join("_config.yml")).unwrap();
    world.place.write("_config.yml", format!("{config_yml}  dossiers: {{ output: true }}\n"));
    world.place.article("_dossiers/d.md", "title: Dossier\ndate: 2026-11-22\ntags: [Cloud]");
    world.at("09:20:00").await;
    world.at("12:00:00").await;
    let paths: Vec<String> = world.outbox().await.into_iter().map(|(.., path)| path).collect();
    assert_eq!(paths, ["_actualites/a.md"]);
}

#[tokio::test]
async fn a_site_without_any_article_has_not_started_yet() {
    let mut world = World::new(RULE).await;
    world.place.remove("_communiques/ancien.md");
    world.at("08:00:00").await;
    world.place.article("_actualites/a.md", TODAY);
    world.at("10:00:00").await;
    world.at("12:00:00").await;
    assert_eq!(world.outbox().await, [], "the volume is mounted at last: that was the first start");
}

#[test]
fn the_reasons_of_the_plan_tell_times_in_the_zone_of_the_site() {
    let place = Place::new();
    place.article("_actualites/ahead.md", "title: Plus tard\ndate: 2099-01-01 08:00:00 +00:00");
    for name in ["a", "b"] {
        place.article(&format!("_actualites/{name}.md"), &format!("title: Article {name}\ndate: 2020-01-01"));
    }
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 0s, per_day: 1, timezone: America/Cayenne } }
rules: [{ name: une, endpoints: [essai], fresh: 9000d, expires: 9000d, articles: { not: { tags: [Essai] } } }]
baseline: none",
    );
    crieur.ok(&["run", "--once"]);
    place.article("_actualites/new.md", "title: Neuf\ndate: 2020-01-02");
    let plan = crieur.json(&["plan", "--json"]);
    let reasons = |path: &str| {
        let lines = plan.as_array().unwrap().iter().filter(|line| line["path"] == path);
        lines.map(|line| line["reason"].as_str().unwrap()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(reasons("_actualites/ahead.md"), "its date is to come: 2099-01-01 09:00:00 +01:00");
    let settles = reasons("_actualites/new.md");
    let zone = |text: &str| ["+01:00", "+02:00"].iter().any(|offset| text.contains(offset));
    assert!(settles.starts_with("it settles until 20") && zone(&settles), "{settles}");
    let both = [reasons("_actualites/a.md"), reasons("_actualites/b.md")];
    let waits = both.iter().find(|reason| reason.contains("1 post in 24 hours: it can go out at")).unwrap();
    assert!(zone(waits) && !waits.contains('Z'), "{waits}");
}

#[test]
fn what_a_long_gap_makes_wait_is_told() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2020-01-01");
    place.article("_actualites/b.md", "title: Deux\ndate: 2020-01-02");
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 20h } }
rules: [{ name: une, endpoints: [essai], fresh: 9000d, expires: 9000d }]
baseline: none",
    );
    crieur.ok(&["run", "--once"]);
    let says = "essai leaves 20h between two posts: it can go out at 20";
    let plan = crieur.ok(&["plan"]);
    assert!(plan.contains("_actualites/b.md -> essai (une): ") && plan.contains(says), "{plan}");
    assert_eq!(plan.matches(says).count(), 1, "{plan}");
    let posts = crieur.ok(&["posts", "--state", "pending"]);
    assert!(posts.contains(says), "{posts}");
}

#[tokio::test]
async fn old_articles_that_are_all_dated_anew_at_once_are_no_news_and_a_few_are() {
    for (articles, posts) in [(12, 0), (3, 3)] {
        let mut world = World::new(RULE).await;
        world.at("08:00:00").await;
        let write = |world: &World, date: &str| {
            for n in 0..articles {
                world
                    .place
                    .article(&format!("_actualites/a{n}.md"), &format!("title: A{n}\ndate: {date}\ntags: [Cloud]"));
            }
        };
        write(&world, "2020-01-01");
        world.at("09:00:00").await;
        world.at("10:00:00").await;
        write(&world, "2026-11-23 11:00:00 +00:00");
        world.at("11:00:00").await;
        // Whatever becomes of one of them later.
        world.place.article("_actualites/a0.md", "title: A0\ndate: 2026-11-23 12:00:00 +00:00\ntags: [Cloud]");
        world.at("12:00:00").await;
        world.at("13:00:00").await;
        assert_eq!(world.outbox().await.len(), posts, "{articles}");
        let snapshot = world.reconciler.glance(Some(&world.store), instant("13:00:00")).await.unwrap();
        let said = snapshot.plan.lines.iter().filter(|line| line.reason.contains("set anew with those of many others"));
        assert_eq!(said.count() + posts, articles);
    }
}
