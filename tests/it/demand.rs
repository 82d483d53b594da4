//! What is made when somebody asks for it: combinations, archives, calendars; and the feeds of events, authors and
//! languages, and what was withdrawn.

use crate::support::Place;
use crate::support::server::{Server, Setting};
use axum::http::StatusCode;
use crieur::clock::Clock;
use crieur::feed::demand::Answer;
use crieur::reconcile::{Made, Reconciler, Snapshot};
use crieur::store::Store;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-11-22T10:00:00Z";

/// A site under the hands of its editors.
struct Site {
    place: Place,
    store: Store,
    reconciler: Reconciler,
    clock: Clock,
}

impl Site {
    async fn new(feeds: &str) -> Self {
        let place = Place::new();
        let config = place.config(&format!("feeds: {{ {feeds} }}"));
        let store = Store::open(&config.store).await.unwrap();
        Self { place, store, reconciler: Reconciler::new(config), clock: Clock::by_hand(at(NOW)) }
    }

    async fn pass(&mut self) -> Snapshot {
        self.reconciler.pass(&self.store, self.clock.now()).await.unwrap()
    }

    /// Changes the site's settings.
    fn settings(&self, from: &str, to: &str) {
        let path = self.place.site().join("_config.yml");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace(from, to)).unwrap();
    }

    fn later(&self) {
        self.clock.advance(jiff::SignedDuration::from_hours(1));
    }
}

/// What an address answers: the text of its document, `-> address`, or nothing.
fn ask(snapshot: &Snapshot, path: &str) -> Option<String> {
    if let Some(document) = snapshot.feeds.document(path) {
        return Some(String::from_utf8(document.body.to_vec()).unwrap());
    }
    match snapshot.feeds.demand(path, &snapshot.settings) {
        Answer::Unknown => None,
        Answer::Moved(to) => Some(format!("-> {to}")),
        Answer::Here(demand) => match snapshot.make(&demand, at("2026-12-31T00:00:00Z")) {
            Made::Document(document, is_whole) => {
                assert!(is_whole && document.path == path, "{path}: {}", document.path);
                Some(String::from_utf8(document.body.to_vec()).unwrap())
            }
            Made::Moved(to) => Some(format!("-> {to}")),
            Made::Refused(fault) => panic!("{path}: {fault}"),
            Made::Nothing => None,
        },
    }
}

fn titles(document: &str) -> Vec<String> {
    let feed: serde_json::Value = serde_json::from_str(document).unwrap();
    feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn combinations_have_what_fits_and_one_address() {
    let mut site = Site::new("").await;
    for (name, tags, collection) in [
        ("a", "Cloud, Numérique", "_actualites"),
        ("b", "Cloud", "_actualites"),
        ("c", "Numérique, IA", "_communiques"),
        ("d", "Cloud, IA", "_communiques"),
    ] {
        let front = format!("title: {name}\ndate: 2026-11-20 09:00:00 +01:00\ntags: [{tags}]");
        site.place.article(&format!("{collection}/{name}.md"), &front);
    }
    let snapshot = site.pass().await;
    let check = |path: &str, expected: &[&str]| {
        let document = ask(&snapshot, path).unwrap_or_else(|| panic!("{path} is not there"));
        let mut found = titles(&document);
        found.sort();
        assert_eq!(found, expected, "{path}");
        assert!(document.contains(&format!("\"feed_url\":\"http://localhost:8080{path}\"")), "{path}");
    };
    check("/feeds/tag/cloud+numerique.json", &["a"]);
    check("/feeds/tag/cloud,-ia.json", &["a", "b"]);
    check("/feeds/tag/cloud+numerique,ia.json", &["a", "c", "d"]);
    check("/feeds/tag/-ia.json", &["a", "b"]);
    check("/feeds/tag/cloud+collection:communiques.json", &["d"]);
    check("/feeds/tag/cloud,-collection:communiques.json", &["a", "b"]);
    for (path, to) in [
        ("/feeds/tag/numerique+cloud.rss", "/feeds/tag/cloud+numerique.rss"),
        ("/feeds/tag/Numérique%2BCloud.atom", "/feeds/tag/cloud+numerique.atom"),
        ("/feeds/tag/cloud+cloud.rss", "/feeds/tag/cloud.rss"),
        ("/feeds/tag/Cloud.rss", "/feeds/tag/cloud.rss"),
        ("/feeds/tag/collection:actualites.rss", "/feeds/collection/actualites.rss"),
        ("/feeds/tag/cloud/", "/feeds/tag/cloud"),
    ] {
        assert_eq!(ask(&snapshot, path), Some(format!("-> {to}")), "{path}");
    }
    for path in [
        "/feeds/tag/cloud+nothing.rss",
        "/feeds/tag/cloud,-cloud.rss",
        "/feeds/tag/+.rss",
        "/feeds/tag/.rss",
        "/feeds/tag/cloud+.rss",
        "/feeds/tag/cloud,,ia.rss",
        "/feeds/all+tag:cloud.rss",
        "/feeds/tag/a,b,c,d,e,f,g,h,i.rss",
        "/feeds/tag/cloud.xml",
        "/feeds/tag/cloud/archive/x.rss",
        "/feeds/../tag/cloud.rss",
    ] {
        assert_eq!(ask(&snapshot, path), None, "{path}");
    }
    let rss = ask(&snapshot, "/feeds/tag/cloud,-ia.rss").unwrap();
    assert!(rss.contains("<title>Essai – Cloud, sauf IA</title>"), "{rss}");
}

/// The addresses after a relation in links of a document.
fn link(document: &str, rel: &str) -> Option<String> {
    let before = document.split(&format!("rel=\"{rel}\"")).next().filter(|before| before.len() < document.len())?;
    let href = before.rsplit("href=\"").next()?.split('"').next()?;
    Some(href.trim_start_matches("http://localhost:8080").to_owned())
}

#[tokio::test]
async fn archives_lead_back_to_the_first_article_and_each_stands_once() {
    let mut site = Site::new("entries: 3").await;
    let mut expected = Vec::new();
    for number in 0..17 {
        let (month, day) = (1 + number / 2, 1 + number);
        let title = format!("article {number:02}");
        let front = format!("title: {title}\ndate: 2026-{month:02}-{day:02} 09:00:00 +01:00\ntags: [Cloud]");
        site.place.article(&format!("_actualites/{number}.md"), &front);
        expected.insert(0, title);
    }
    let snapshot = site.pass().await;
    for format in ["rss", "atom"] {
        let mut path = format!("/feeds/all.{format}");
        let (mut walked, mut after) = (Vec::new(), None::<String>);
        loop {
            let document = ask(&snapshot, &path).unwrap_or_else(|| panic!("{path} is not there"));
            assert_eq!(document.contains("<fh:archive"), after.is_some(), "{path}");
            assert_eq!(link(&document, "self"), Some(path.clone()));
            assert_eq!(link(&document, "current"), after.as_ref().map(|_| format!("/feeds/all.{format}")));
            assert_eq!(link(&document, "next-archive"), after.clone().filter(|path| path.contains("archive")));
            let opening = if format == "rss" { "<item>" } else { "<entry>" };
            walked.extend(document.split(opening).skip(1).map(|item| {
                let title = item.split("<title").nth(1).unwrap().split_once('>').unwrap().1;
                title.split('<').next().unwrap().to_owned()
            }));
            let Some(previous) = link(&document, "prev-archive") else { break };
            (after, path) = (Some(path), previous);
        }
        assert_eq!(walked, expected, "{format}");
    }
    let mut path = "/feeds/tag/cloud.json".to_owned();
    let mut walked = Vec::new();
    loop {
        let document = ask(&snapshot, &path).unwrap();
        walked.extend(titles(&document));
        let feed: serde_json::Value = serde_json::from_str(&document).unwrap();
        let Some(next) = feed.get("next_url") else { break };
        path = next.as_str().unwrap().trim_start_matches("http://localhost:8080").to_owned();
    }
    assert_eq!(walked, expected);
    assert_eq!(ask(&snapshot, "/feeds/all/archive/1.atom"), Some("-> /feeds/all/archive/202601.atom".to_owned()));
    assert!(snapshot.beside(at(NOW)).iter().all(|beside| ask(&snapshot, &beside.demand.path()).is_some()));

    // Without archives nothing names one.
    let mut without = Site::new("entries: 3, archives: false").await;
    for number in 0..5 {
        without.place.article(&format!("_actualites/{number}.md"), &format!("title: t\ndate: 2026-0{}-01", 1 + number));
    }
    let snapshot = without.pass().await;
    assert!(!ask(&snapshot, "/feeds/all.atom").unwrap().contains("archive"));
    assert_eq!(ask(&snapshot, "/feeds/all/archive/202601.atom"), None);
}

#[tokio::test]
async fn authors_and_languages_have_feeds_where_there_are_several() {
    let mut site = Site::new("").await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20\nauteur: Jeanne d’Arc");
    let snapshot = site.pass().await;
    let kinds = |snapshot: &Snapshot| -> Vec<String> { snapshot.feeds.feeds.iter().map(|feed| feed.path()).collect() };
    assert_eq!(kinds(&snapshot), ["/feeds/all", "/feeds/collection/actualites", "/feeds/author/jeanne-d-arc"]);
    site.place.article("_actualites/b.md", "title: B\ndate: 2026-11-21\nlang: en");
    site.later();
    let snapshot = site.pass().await;
    assert!(kinds(&snapshot).ends_with(&["/feeds/language/fr".to_owned(), "/feeds/language/en".to_owned()]));
    assert_eq!(titles(&ask(&snapshot, "/feeds/language/en.json").unwrap()), ["B"]);
    assert_eq!(titles(&ask(&snapshot, "/feeds/language/fr.json").unwrap()), ["A"]);
    assert!(ask(&snapshot, "/feeds/language/en.rss").unwrap().contains("<language>en</language>"));
    // A language that is gone keeps its feed, empty.
    site.place.remove("_actualites/b.md");
    site.later();
    let snapshot = site.pass().await;
    assert!(titles(&ask(&snapshot, "/feeds/language/en.json").unwrap()).is_empty());
}

#[tokio::test]
async fn an_event_is_in_the_calendars_and_called_off_in_them() {
    let mut site = Site::new("").await;
    let event = "title: Rencontre secrète\ndate: 2026-11-20\nevent_start_date: 2026-12-01 09:30:00 +01:00\nlieu: Ici\ntags: [Cloud]";
    site.place.article("_actualites/e.md", event);
    site.place.article("_actualites/a.md", "title: Un article\ndate: 2026-11-21\ntags: [Cloud]");
    let snapshot = site.pass().await;
    assert_eq!(titles(&ask(&snapshot, "/feeds/events.json").unwrap()), ["Rencontre secrète"]);
    for path in ["/feeds/events.ics", "/feeds/tag/cloud.ics", "/feeds/collection/actualites.ics", "/feeds/all.ics"] {
        let calendar = ask(&snapshot, path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1, "{calendar}");
        assert!(calendar.contains("DTSTART:20261201T083000Z") && calendar.contains("STATUS:CONFIRMED"));
    }
    site.later();
    for call_off in [
        &(|site: &Site| site.place.article("_actualites/e.md", &format!("{event}\npublished: false")))
            as &dyn Fn(&Site),
        &|site: &Site| site.place.remove("_actualites/e.md"),
    ] {
        call_off(&site);
        let snapshot = site.pass().await;
        let calendar = ask(&snapshot, "/feeds/events.ics").unwrap();
        assert!(calendar.contains("STATUS:CANCELLED") && calendar.contains("DTSTART:20261201T083000Z"), "{calendar}");
        assert!(!calendar.contains("secr"), "nothing of what was withdrawn is told: {calendar}");
        assert!(!ask(&snapshot, "/feeds/tag/cloud.ics").unwrap().contains("VEVENT"));
        assert!(titles(&ask(&snapshot, "/feeds/events.json").unwrap()).is_empty());
    }
}

/// The tombstones: which article, and since when.
fn tombstones(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let document = ask(snapshot, "/feeds/tombstones.atom").unwrap();
    let attribute = |element: &str, name: &str| {
        element.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned()
    };
    document
        .split("<at:deleted-entry")
        .skip(1)
        .map(|element| (attribute(element, "ref"), attribute(element, "when")))
        .collect()
}

#[tokio::test]
async fn what_readers_saw_and_do_not_see_any_more_has_a_tombstone() {
    let mut site = Site::new("").await;
    let front = |title: &str, more: &str| format!("title: {title}\ndate: 2026-11-20 09:00:00 +01:00\n{more}");
    for name in ["unpublished", "deleted", "stays", "put-off", "returns"] {
        site.place.article(&format!("_actualites/{name}.md"), &front(name, ""));
    }
    site.place.article("_actualites/expires.md", &front("expires", "expiryDate: 2026-11-22 11:30:00 +01:00"));
    site.place.article("_actualites/draft.md", &front("draft", "published: false"));
    site.place.article("_actualites/long-gone.md", &front("long-gone", "expiryDate: 2020-01-01"));
    let too_late = "expiryDate: 2026-11-22 11:30:00 +01:00";
    site.place.article("_actualites/too-late.md", &front("too-late", &format!("published: false\n{too_late}")));
    let snapshot = site.pass().await;
    assert!(tombstones(&snapshot).is_empty(), "{:?}", tombstones(&snapshot));
    let ids: BTreeMap<String, String> =
        snapshot.catalog().all().map(|standing| (standing.article.title.to_string(), standing.id.urn())).collect();
    site.later();
    site.place.article("_actualites/unpublished.md", &front("unpublished", "published: false"));
    site.place.article("_actualites/returns.md", &front("returns", "published: false"));
    site.place.article("_actualites/put-off.md", "title: put-off\ndate: 2026-12-24");
    site.place.remove("_actualites/deleted.md");
    site.place.remove("_actualites/draft.md");
    site.place.article("_actualites/too-late.md", &front("too-late", too_late));
    let there = |snapshot: &Snapshot, names: &[&str]| {
        let found = tombstones(snapshot);
        let expected: Vec<&String> = names.iter().map(|name| &ids[*name]).collect();
        assert_eq!(found.len(), names.len(), "{found:?}");
        assert!(expected.iter().all(|id| found.contains_key(*id)), "{found:?}");
        found
    };
    let snapshot = site.pass().await;
    let first = there(&snapshot, &["unpublished", "returns", "put-off", "deleted", "expires"]);
    assert_eq!(first[&ids["expires"]], "2026-11-22T11:30:00+01:00");
    assert_eq!(first[&ids["unpublished"]], "2026-11-22T12:00:00+01:00");
    site.later();
    // What is edited or moved while it is withdrawn stays withdrawn since then; what comes back has no tombstone.
    site.place.article("_actualites/returns.md", &front("returns", ""));
    site.place.remove("_actualites/unpublished.md");
    let snapshot = site.pass().await;
    let second = there(&snapshot, &["unpublished", "put-off", "deleted", "expires"]);
    assert!(second.iter().all(|(id, when)| first[id] == *when));
    // A new process tells the same.
    let config = site.place.config("");
    let again = Reconciler::new(Arc::clone(&config)).pass(&site.store, site.clock.now()).await.unwrap();
    assert_eq!(tombstones(&again), second);
    site.clock.set(at("2026-12-25T00:00:00Z"));
    there(&site.pass().await, &["unpublished", "deleted", "expires"]);
}

#[tokio::test]
async fn a_feed_that_is_empty_stays_and_a_format_that_is_dropped_is_gone() {
    let mut site = Site::new("").await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20\ntags: [Cloud]");
    site.pass().await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20");
    site.later();
    let snapshot = site.pass().await;
    assert!(titles(&ask(&snapshot, "/feeds/tag/cloud.json").unwrap()).is_empty());
    let config = site.place.config("feeds: { formats: [rss] }");
    let snapshot = Reconciler::new(config).pass(&site.store, site.clock.now()).await.unwrap();
    assert!(snapshot.feeds.is_gone("/feeds/tag/cloud.json") && snapshot.feeds.is_gone("/feeds/all.atom"));
    assert!(!snapshot.feeds.is_gone("/feeds/all.rss") && !snapshot.feeds.is_gone("/feeds/tag/never.rss"));
    fs::remove_dir_all(site.place.site()).unwrap();
}

#[tokio::test]
async fn readers_of_the_old_feeds_see_nothing_twice() {
    let mut site = Site::new("aliases: { /feed.xml: /feeds/all.rss }").await;
    let front = |title: &str, more: &str| format!("title: {title}\ndate: 2026-11-20 09:00:00 +01:00\n{more}");
    site.place.article("_actualites/a.md", &front("A", ""));
    site.place.article("_actualites/b.md", &front("B", "permalink: /actualites/a/"));
    site.place.article("_actualites/c.md", &front("C", "published: false"));
    site.pass().await;
    site.later();
    // It moves, another one is published, and a new process looks.
    site.place.article("_actualites/c.md", &front("C", ""));
    site.place.remove("_actualites/a.md");
    site.place.article("_actualites/a.md", &front("A", "permalink: /ailleurs/"));
    site.pass().await;
    let config = site.place.config("feeds: { aliases: { /feed.xml: /feeds/all.rss } }");
    let snapshot = Reconciler::new(config).pass(&site.store, site.clock.now()).await.unwrap();
    let feed: serde_json::Value = serde_json::from_str(&ask(&snapshot, "/feeds/all.json").unwrap()).unwrap();
    assert!(
        snapshot.feeds.refused.is_empty() && snapshot.feeds.held.is_empty(),
        "{:?} {:?}",
        snapshot.feeds.refused,
        snapshot.feeds.held
    );
    let ids: BTreeMap<&str, &str> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["title"].as_str().unwrap(), item["id"].as_str().unwrap()))
        .collect();
    assert_eq!(ids.get("A").copied().unwrap_or_else(|| panic!("{ids:?}")), "https://www.example.fr/actualites/a/");
    assert!(ids["B"].starts_with("urn:uuid:"), "two articles had one address, and readers knew one of them");
    assert!(ids["C"].starts_with("urn:uuid:"), "nobody saw it in the old feed");
    let rss = ask(&snapshot, "/feed.xml").unwrap();
    assert!(rss.contains("<guid isPermaLink=\"false\">https://www.example.fr/actualites/a/</guid>"), "{rss}");
    assert!(rss.contains("<link>https://www.example.fr/ailleurs/</link>"));
}

#[tokio::test]
async fn what_is_made_on_demand_is_served_like_any_other_document() {
    let place = Place::new();
    for (name, tags) in [("a", "Cloud, IA"), ("b", "Cloud")] {
        place.article(&format!("_actualites/{name}.md"), &format!("title: {name}\ndate: 2026-11-20\ntags: [{tags}]"));
    }
    let rest = "feeds: { hubs: [self] }";
    let site = Server::of(place, rest, Setting::default()).await;
    let path = "/feeds/tag/cloud,-ia.rss";
    let full = site.ask("GET", path, &[]).await;
    assert_eq!((full.status, full.header("content-type")), (StatusCode::OK, "application/rss+xml; charset=utf-8"));
    let link =
        "<http://localhost:8080/hub>; rel=\"hub\", <http://localhost:8080/feeds/tag/cloud,-ia.rss>; rel=\"self\"";
    assert_eq!(full.header("link"), link);
    let (etag, modified) = (full.header("etag").to_owned(), full.header("last-modified").to_owned());
    for condition in [[("if-none-match", etag.as_str())], [("if-modified-since", modified.as_str())]] {
        assert_eq!(site.ask("GET", path, &condition).await.status, StatusCode::NOT_MODIFIED);
    }
    let head = site.ask("HEAD", path, &[]).await;
    assert_eq!((head.header("etag"), head.body.len()), (etag.as_str(), 0));
    let packed = site.ask("GET", path, &[("accept-encoding", "br")]).await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert_ne!(packed.header("etag"), etag);
    assert_eq!(site.ask("POST", path, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let moved = site.ask("GET", "/feeds/tag/Cloud,-IA.rss", &[]).await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::MOVED_PERMANENTLY, path));
    assert_eq!(site.ask("GET", "/feeds/tag/cloud+nothing.rss", &[]).await.status, StatusCode::NOT_FOUND);

    // What does not concern it leaves it as it is; what does is seen at once, a withdrawal too.
    site.place.article("_actualites/c.md", "title: c\ndate: 2026-11-21\ntags: [IA]");
    site.clock.advance(jiff::SignedDuration::from_hours(1));
    site.pass(rest).await;
    assert_eq!(site.ask("GET", path, &[("if-none-match", &etag)]).await.status, StatusCode::NOT_MODIFIED);
    site.place.remove("_actualites/b.md");
    site.clock.advance(jiff::SignedDuration::from_hours(1));
    site.pass(rest).await;
    let after = site.ask("GET", path, &[("if-modified-since", &modified)]).await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(!after.text().contains("<item>"));
    assert!(site.ask("GET", "/metrics", &[]).await.text().contains("feed=\"on demand\""));
    site.stop().await;
}

#[tokio::test]
async fn what_would_make_a_feed_invalid_is_held_back_and_told() {
    let mut site = Site::new("").await;
    // The first moments of that year are, in UTC, in a year that no feed can write.
    let front = |title: &str, date: &str| format!("title: \"{title}\"\ndate: {date}");
    site.place.article("_actualites/a.md", &front("A", "2026-11-20"));
    site.place.article("_actualites/b.md", &front("B", "0001-01-01"));
    let told = |snapshot: &Snapshot| -> Vec<String> {
        let errors = snapshot.problems.iter().filter(|problem| problem.sentence().contains("InvalidRFC2822Date"));
        errors.map(|problem| problem.file.clone()).collect()
    };
    let snapshot = site.pass().await;
    assert_eq!(titles(&ask(&snapshot, "/feeds/all.json").unwrap()), ["A"]);
    assert_eq!(told(&snapshot), ["_actualites/b.md"]);
    // One that was good keeps its last good form; what is not looked at again is still told; mended, it is shown.
    site.later();
    site.place.article("_actualites/a.md", &front("C", "0001-01-01"));
    let snapshot = site.pass().await;
    assert_eq!(titles(&ask(&snapshot, "/feeds/all.json").unwrap()), ["A"]);
    assert_eq!(told(&snapshot).len(), 2);
    site.later();
    site.place.article("_actualites/b.md", &front("B", "2026-11-20"));
    let snapshot = site.pass().await;
    assert_eq!(titles(&ask(&snapshot, "/feeds/all.json").unwrap()).len(), 2);
    assert_eq!(told(&snapshot), ["_actualites/a.md"]);
}

/// Of a document that is made on demand: by what one tells that it is still good, and when its feed last changed.
fn signs(snapshot: &Snapshot, path: &str) -> (u64, Timestamp) {
    let Answer::Here(demand) = snapshot.feeds.demand(path, &snapshot.settings) else { panic!("{path}") };
    let gathered = snapshot.gather(&demand, at(NOW)).unwrap().unwrap();
    (demand.print(&snapshot.feeds), gathered.feed.changed)
}

#[tokio::test]
async fn what_is_made_on_demand_is_made_again_when_what_readers_see_changes_and_only_then() {
    let path = "/feeds/tag/cloud.ics";
    let mut site = Site::new("").await;
    let front = |title: &str, date: &str, more: &str| format!("title: {title}\ndate: {date} +01:00\n{more}");
    site.place.article(
        "_actualites/a.md",
        &front("a", "2026-11-20 09:00:00", "tags: [Cloud]\nexpiryDate: 2026-11-22 13:30:00 +01:00"),
    );
    let first = signs(&site.pass().await, path);
    // One to come is nobody's business, however it writes the tag.
    site.later();
    site.place.article("_actualites/b.md", &front("b", "2026-11-22 13:45:00", "tags: [CLOUD]"));
    site.place.article("_actualites/c.md", &front("c", "2026-12-24 09:00:00", "tags: [CLOUD]"));
    let snapshot = site.pass().await;
    assert_eq!(signs(&snapshot, path), first);
    assert!(ask(&snapshot, "/feeds/tag/cloud.rss").unwrap().contains("<title>Essai – Cloud</title>"));
    // The one leaves and the other comes between two passes: as many as before, and no file changed.
    site.later();
    site.later();
    let second = signs(&site.pass().await, path);
    assert!(second.0 != first.0 && second.1 > first.1, "{first:?} {second:?}");
    // What is undone is not what was before: a document can have been made meanwhile.
    let b = front("b", "2026-11-22 13:45:00", "tags: [CLOUD]");
    site.place.article("_actualites/d.md", &front("d", "2026-11-21 09:00:00", "tags: [Cloud]"));
    site.later();
    let third = signs(&site.pass().await, path);
    site.place.remove("_actualites/d.md");
    site.place.article("_actualites/b.md", &b);
    site.later();
    let fourth = signs(&site.pass().await, path);
    assert!(![first.0, second.0, third.0].contains(&fourth.0), "{first:?} {second:?} {third:?} {fourth:?}");
}

#[tokio::test]
async fn a_calendar_tells_of_what_is_withdrawn_only_what_readers_saw_of_it() {
    let mut site = Site::new("").await;
    let event = |day: &str, more: &str| {
        format!("title: E\ndate: 2026-11-20 09:00:00 +01:00\nevent_start_date: 2026-12-{day} 09:30:00 +01:00\n{more}")
    };
    site.place.article("_actualites/e.md", &event("01", ""));
    site.place.article("_actualites/n.md", "title: N\ndate: 2026-11-20 09:00:00 +01:00");
    site.pass().await;
    let calendar = |snapshot: &Snapshot| ask(snapshot, "/feeds/events.ics").unwrap();
    for step in ["02", "03"] {
        // It is withdrawn and put off in one edit, then put off again; another one is an event as a draft only.
        site.later();
        site.place.article("_actualites/e.md", &event(step, "published: false"));
        site.place.article("_actualites/n.md", &event(&format!("1{step}")[..2], "published: false"));
        let snapshot = site.pass().await;
        let again = Reconciler::new(site.place.config("")).pass(&site.store, site.clock.now()).await.unwrap();
        for calendar in [calendar(&snapshot), calendar(&again)] {
            assert!(calendar.contains("DTSTART:20261201T083000Z"), "{calendar}");
            assert_eq!(calendar.matches("DTSTART").count(), 1, "{calendar}");
        }
    }
    site.place.remove("_actualites/e.md");
    assert!(calendar(&site.pass().await).contains("DTSTART:20261201T083000Z"));
    // To come back on another day, at a time to come: until then, what they know counts.
    site.later();
    site.place.article("_actualites/e.md", &event("04", "").replace("2026-11-20", "2026-11-28"));
    let told = calendar(&site.pass().await);
    assert!(told.contains("DTSTART:20261201T083000Z") && told.contains("CREATED:20261120T080000Z"), "{told}");
    assert!(!told.contains("20261204") && !told.contains("20261128"), "{told}");
    site.clock.set(at("2026-11-29T00:00:00Z"));
    let told = calendar(&site.pass().await);
    assert!(told.contains("DTSTART:20261204T083000Z") && told.contains("CONFIRMED") && !told.contains("CANCELLED"));
}

#[tokio::test]
async fn a_collection_that_comes_later_takes_no_identity_that_readers_know() {
    let mut site = Site::new("aliases: { /feed.xml: /feeds/all.rss }").await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20");
    site.pass().await;
    site.later();
    // It moves, and a collection comes with an article at its old address.
    site.place.remove("_actualites/a.md");
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20\npermalink: /ailleurs/");
    site.settings("  communiques:", "  nouvelles: { output: true }\n  communiques:");
    site.place.article("_nouvelles/b.md", "title: B\ndate: 2026-11-20\npermalink: /actualites/a/");
    let config = site.place.config("feeds: { aliases: { /feed.xml: /feeds/all.rss } }");
    let snapshot = Reconciler::new(config).pass(&site.store, site.clock.now()).await.unwrap();
    assert!(snapshot.feeds.refused.is_empty(), "{:?}", snapshot.feeds.refused);
    let guid = |path: &str| snapshot.catalog().at_path(path).unwrap().guid();
    assert_eq!(guid("_actualites/a.md"), "https://www.example.fr/actualites/a/");
    assert!(guid("_nouvelles/b.md").starts_with("urn:uuid:"), "{}", guid("_nouvelles/b.md"));
}

#[tokio::test]
async fn what_is_made_while_a_pass_goes_on_is_not_kept() {
    let mut site = Site::new("").await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20\ntags: [Cloud]");
    let before = site.pass().await;
    let Answer::Here(demand) = before.feeds.demand("/feeds/tag/cloud.ics", &before.settings) else { panic!() };
    let is_kept = |snapshot: &Snapshot| matches!(snapshot.make(&demand, at(NOW)), Made::Document(_, true));
    assert!(is_kept(&before));
    // Readers still see what the pass before left, and the articles are those of the next one already.
    site.place.article("_actualites/b.md", "title: B\ndate: 2026-11-20\ntags: [Cloud]");
    let after = site.pass().await;
    assert!(!is_kept(&before) && is_kept(&after));
    assert!(is_kept(&after) && is_kept(&site.pass().await), "a pass that finds nothing changes nothing");
}

#[tokio::test]
async fn an_old_address_may_lead_to_a_combination_in_whatever_order_it_is_written() {
    let old = "aliases: { /vieux.xml: /feeds/tag/numerique+cloud.rss, /mort.xml: /feeds/tag/numerique+rien.rss }";
    let mut site = Site::new(old).await;
    site.place.article("_actualites/a.md", "title: A\ndate: 2026-11-20\ntags: [Cloud, Numérique]");
    let snapshot = site.pass().await;
    let Answer::Here(demand) = snapshot.feeds.demand("/vieux.xml", &snapshot.settings) else { panic!("it moved") };
    assert_eq!(demand.path(), "/feeds/tag/cloud+numerique.rss");
    let dead: Vec<&String> = snapshot.feeds.dead_aliases(&snapshot.settings).map(|(from, _)| from).collect();
    assert_eq!(dead, ["/mort.xml"]);
}
