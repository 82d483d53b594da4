//! Campaigns: named, ordered sets of articles, one in each slot, whatever their age.

use crate::plan::{World, instant};
use crate::support::origin::Origin;
use crate::support::{Crieur, parse};
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::State;
use crieur::plan::Progress;
use crieur::reconcile::{Reconciler, Snapshot};
use jiff::Timestamp;
use std::sync::Arc;

const ENDPOINTS: &str = "endpoints: { essai: { network: journal, gap: 0s } }";

/// A campaign of some articles, one a day at nine in Paris.
fn campaign(articles: &str, more: &str) -> String {
    format!(
        "{ENDPOINTS}\nrules: [{{ name: une, endpoints: [essai], articles: {{ tags: [Actu] }} }}]\ncampaigns:\n  - name: serie\n    articles: {articles}\n    endpoints: [essai]\n    slots: \"0 9 * * *\"\n    settle: 0s\n{more}"
    )
}

/// A site with articles of long ago, which are of the baseline, in a campaign that is given.
async fn world(rest: &str) -> World {
    let world = World::new(rest).await;
    for (name, date) in [("a", "2020-01-03"), ("b", "2020-01-02"), ("c", "2020-01-01")] {
        let front = format!("title: Article {name}\ndate: {date}\ntags: [Cloud]");
        world.place.article(&format!("_actualites/{name}.md"), &front);
    }
    world
}

/// Due days and states of what is of the campaign, by the articles' names.
async fn booked(world: &World) -> Vec<(String, String, State)> {
    let deliveries = world.store.deliveries().await.unwrap();
    let of_campaign = deliveries.into_iter().filter(|delivery| delivery.key.rule == "serie");
    let mut booked: Vec<(Timestamp, String, State)> = of_campaign
        .map(|delivery| {
            let name = delivery.path.trim_start_matches("_actualites/").trim_end_matches(".md").to_owned();
            (delivery.due_at, name, delivery.state)
        })
        .collect();
    booked.sort_by_key(|(due, ..)| *due);
    booked.into_iter().map(|(due, name, state)| (name, due.strftime("%m-%d").to_string(), state)).collect()
}

fn pending(expected: &[(&str, &str)]) -> Vec<(String, String, State)> {
    expected.iter().map(|(name, day)| ((*name).to_owned(), (*day).to_owned(), State::Pending)).collect()
}

async fn deliver(world: &World, snapshot: &Snapshot, time: &str) {
    let clock = Clock::by_hand(instant(time));
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), clock);
    while let Step::Did(_) = deliverer.step(&EndpointName::new("essai"), None, snapshot).await.unwrap() {}
}

async fn progress(world: &World, time: &str) -> Progress {
    let mut reconciler = Reconciler::new(Arc::clone(&world.config));
    let mut snapshot = reconciler.glance(Some(&world.store), instant(time)).await.unwrap();
    snapshot.plan.campaigns.remove(0)
}

fn utc(at: Timestamp) -> String {
    at.to_string()
}

#[tokio::test]
async fn old_articles_go_out_one_a_slot_in_the_order_of_the_list_each_once() {
    let listed = "[_actualites/b.md, a, https://www.example.fr/actualites/c/]";
    let mut world =
        world(&campaign(listed, "    hashtags: [\"#Serie\"]\n    text: \"{{ title }} {{ hashtags }}\"")).await;
    world.at("08:30:00").await;
    assert_eq!(booked(&world).await, pending(&[("b", "11-24"), ("a", "11-25"), ("c", "11-26")]));
    let snapshot = world.at("2026-11-24T08:00:00Z").await;
    deliver(&world, &snapshot, "2026-11-24T08:00:00Z").await;
    let told = progress(&world, "2026-11-24T09:00:00Z").await;
    assert_eq!((told.posted(), told.entries.len()), (1, 3));
    assert_eq!(told.in_words(&utc), "serie -> essai: 1 of 3 posted, next _actualites/a.md 2026-11-25T08:00:00Z");
    // Edits, renames and restarts post nothing again.
    world.place.article("_actualites/b.md", "title: Article b, revu\ndate: 2020-01-02\ntags: [Cloud, Actu]");
    for time in ["2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z", "2026-11-28T08:00:00Z"] {
        world.reconciler = Reconciler::new(Arc::clone(&world.config));
        let snapshot = world.at(time).await;
        deliver(&world, &snapshot, time).await;
    }
    let deliveries = world.store.deliveries().await.unwrap();
    let texts: Vec<&str> = deliveries.iter().filter_map(|delivery| delivery.text.as_deref()).collect();
    assert_eq!(texts, ["Article b #Serie #Cloud", "Article a #Serie #Cloud", "Article c #Serie #Cloud"]);
    assert!(deliveries.iter().all(|delivery| delivery.state == State::Published), "{deliveries:#?}");
    assert_eq!(progress(&world, "2026-11-28T09:00:00Z").await.in_words(&utc), "serie -> essai: 3 of 3 posted");
}

#[tokio::test]
async fn an_article_that_is_not_published_holds_those_after_it_or_is_passed_over() {
    for (missing, first, then) in [
        ("wait", &[("b", "11-24")][..], &[("b", "11-24"), ("a", "11-25"), ("c", "11-26")][..]),
        ("skip", &[("b", "11-24"), ("c", "11-25")], &[("b", "11-24"), ("a", "11-25"), ("c", "11-26")]),
    ] {
        let rest = campaign("[b, a, c]", &format!("    missing: {missing}"));
        let mut world = world(&rest).await;
        let draft = "title: Article a\ndate: 2020-01-03\ntags: [Cloud]";
        world.place.article("_actualites/a.md", &format!("{draft}\npublished: false"));
        world.at("08:30:00").await;
        assert_eq!(booked(&world).await, pending(first), "{missing}");
        let told = progress(&world, "08:31:00").await;
        assert_eq!(
            (told.entries[1].state, told.entries[1].reason.as_str()),
            ("waiting", "it is a draft (published: false)")
        );
        if missing == "wait" {
            let why = "_actualites/a.md goes before it, and is not published yet";
            assert_eq!((told.entries[2].state, told.entries[2].reason.as_str()), ("waiting", why));
        }
        world.place.article("_actualites/a.md", draft);
        world.at("09:00:00").await;
        assert_eq!(booked(&world).await, pending(then), "{missing}");
    }
}

#[tokio::test]
async fn a_list_that_changes_deals_the_slots_anew_and_what_it_drops_is_called_off() {
    let mut world = world(&campaign("[a, b, c]", "")).await;
    world.at("08:30:00").await;
    world.restart(&campaign("[c, b]", ""));
    world.at("08:40:00").await;
    world.at("08:41:00").await;
    let mut changed = booked(&world).await;
    let dropped = changed.remove(changed.iter().position(|(name, ..)| name == "a").unwrap());
    assert_eq!(dropped.2, State::Cancelled);
    assert!(changed.iter().map(|(name, ..)| name.as_str()).eq(["c", "b"]), "{changed:?}");
    let deliveries = world.store.deliveries().await.unwrap();
    assert!(deliveries[0].reason.as_deref().unwrap().contains("not in the campaign “serie” any more"));
    // It is named again, at the end; and the file that the list names is deleted.
    world.restart(&campaign("[c, b, a]", ""));
    world.place.remove("_actualites/c.md");
    world.at("08:50:00").await;
    world.at("08:51:00").await;
    let states: Vec<(String, State)> = booked(&world).await.into_iter().map(|(name, _, state)| (name, state)).collect();
    assert!(states.contains(&("a".to_owned(), State::Pending)) && states.contains(&("c".to_owned(), State::Cancelled)));
}

#[tokio::test]
async fn a_selection_goes_out_by_date_within_its_days() {
    let days = "    from: 2026-12-01\n    until: 2026-12-02";
    let mut world = world(&campaign("{ tags: [Cloud] }", days)).await;
    world.at("08:30:00").await;
    assert_eq!(booked(&world).await, pending(&[("c", "12-01"), ("b", "12-02")]));
    let told = progress(&world, "08:31:00").await;
    assert_eq!(told.entries[2].reason, "the campaign ends on 2026-12-02, before its turn");
    // An urgent article goes first; a third does not fit any more.
    world.place.article("_actualites/a.md", "title: Article a\ndate: 2020-01-03\ntags: [Cloud]\nurgent: true");
    world.restart(&campaign("{ tags: [Cloud] }", "    from: 2026-12-01\n    until: 2026-12-03"));
    world.at("08:40:00").await;
    assert_eq!(booked(&world).await, pending(&[("a", "12-01"), ("c", "12-02"), ("b", "12-03")]));
}

#[tokio::test]
async fn what_is_announced_goes_out_in_the_campaign_too_and_by_hand_only_the_announcement_does() {
    let mut world = world(&campaign("[neuf]", "")).await;
    world.at("08:00:00").await;
    world.place.article("_actualites/neuf.md", "title: Neuf\ndate: 2026-11-23 08:30:00 +00:00\ntags: [Actu]");
    world.at("08:30:00").await;
    world.at("09:00:00").await;
    let deliveries = world.store.deliveries().await.unwrap();
    let mut keys: Vec<(&str, &str)> =
        deliveries.iter().map(|delivery| (delivery.key.rule.as_str(), delivery.key.step.as_str())).collect();
    keys.sort_unstable();
    assert_eq!(keys, [("serie", "campaign"), ("une", "publication")]);
    let snapshot = world.reconciler.glance(Some(&world.store), instant("09:01:00")).await.unwrap();
    let catalog = snapshot.catalog();
    let inputs = crieur::plan::Inputs::new(&world.config, &snapshot.site, &catalog, &deliveries, instant("09:01:00"));
    let by_hand = crieur::plan::by_hand(&inputs, catalog.find("neuf").unwrap(), &[]).unwrap();
    assert!(by_hand.len() == 1 && by_hand[0].key.rule == "une", "{by_hand:?}");
}

#[test]
fn a_campaign_runs_in_a_simulation_and_its_mistakes_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::new();
    for (n, name) in ["un", "deux", "trois"].iter().enumerate() {
        let front = format!("title: Article {name}\ndate: 2026-01-0{}", n + 1);
        origin.article(&format!("_posts/2026-01-0{}-{name}.md", n + 1), &front);
    }
    origin.commit("Trois articles");
    let file = folder.path().join("crieur.yaml");
    let yaml = format!(
        "site: {{ root: {:?}, url: https://www.example.org, timezone: UTC, generator: jekyll }}\nstore: \"sqlite:{}\"\n{ENDPOINTS}\ncampaigns: [{{ name: serie, articles: [trois, _posts/2026-01-01-un.md, 2026-01-02-deux], endpoints: [essai], slots: \"0 9 * * *\", hashtags: [\"#Serie\"] }}]\n",
        origin.folder.path(),
        folder.path().join("crieur.db").display()
    );
    std::fs::write(&file, yaml).unwrap();
    let repository = origin.folder.path();
    let crieur = Crieur { file };
    let preview = crieur.json(&["preview", "trois", "--rule", "serie", "--json"]);
    assert!(preview[0]["text"].as_str().unwrap().ends_with("#Serie"), "{preview}");
    let report = crieur.json(&["simulate", "--git", repository.to_str().unwrap(), "--json"]);
    let posts = report["posts"].as_array().unwrap();
    let paths: Vec<&str> = posts.iter().map(|post| post["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["_posts/2026-01-03-trois.md", "_posts/2026-01-01-un.md", "_posts/2026-01-02-deux.md"]);
    let days: std::collections::BTreeSet<&str> = posts.iter().map(|post| &post["at"].as_str().unwrap()[..10]).collect();
    assert_eq!(days.len(), 3, "one a day");
    for (campaign, words) in [
        ("{ name: une, articles: [a], endpoints: [essai], slots: \"0 9 * * *\" }", "of another rule or campaign too"),
        ("{ name: c, articles: [a], endpoints: [essai] }", "`slots` is missing"),
        ("{ name: c, endpoints: [essai], slots: \"0 9 * * *\" }", "`articles` is missing"),
        ("{ name: c, articles: [], endpoints: [essai], slots: \"0 9 * * *\" }", "0 articles are named"),
        ("{ name: c, articles: { not: { tags: [x] } }, endpoints: [essai], slots: \"0 9 * * *\" }", "every article"),
        ("{ name: c, articles: [a], endpoints: [essai], slots: \"0 9 30 2 *\" }", "never come"),
        ("{ name: c, articles: [a], endpoints: [autre], slots: \"0 9 * * *\" }", "no endpoint `autre`"),
        ("{ name: c, articles: [a], endpoints: [essai], slots: \"0 9 * * *\", hashtags: [Cloud] }", "not a hashtag"),
        (
            "{ name: c, articles: [a], endpoints: [essai], slots: \"0 9 * * *\", from: 2027-02-01, until: 2027-01-01 }",
            "comes before",
        ),
    ] {
        let yaml = format!("{ENDPOINTS}\nrules: [{{ name: une, endpoints: [essai] }}]\ncampaigns: [{campaign}]");
        let problems = parse(&yaml).unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(words)), "{campaign}: {said:?}");
        assert!(problems.iter().all(|problem| problem.cure.is_some()), "{said:?}");
    }
}
