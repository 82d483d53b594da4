//! A change costs what changed: and what comes of it is what a look at everything would make, in a process that goes
//! on, in one that was started again, and in one that lost its index.

use crate::support::{Place, parse};
use crieur::catalog::Past;
use crieur::config::Config;
use crieur::reconcile::{Reconciler, Snapshot, Where};
use crieur::store::Store;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const REST: &str = "feeds: { entries: 4 }\nendpoints: { essai: { network: journal } }\nrules:\n- { name: nuage, articles: { tags: [Cloud] }, endpoints: [essai] }\n- { name: presse, articles: { collections: [communiques] }, endpoints: [essai], settle: 0s }";
const COLLECTIONS: [&str; 2] = ["actualites", "communiques"];
const TAGS: [&str; 6] = ["Cloud", "cloud", "CLOUD", "Numérique", "Numerique", "Élan"];

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll(all.len() as u64)).unwrap()].clone()
    }
}

/// An article as an editor has it before them.
#[derive(Debug, Clone)]
struct Doc {
    title: String,
    date: Option<Timestamp>,
    expires: Option<Timestamp>,
    published: bool,
    tags: Vec<&'static str>,
    image: Option<u64>,
    own_id: Option<u64>,
    words: u64,
    more: u64,
    broken: bool,
}

impl Doc {
    fn text(&self) -> String {
        let mut front = format!("title: \"{}\"\n", self.title);
        if let Some(date) = self.date {
            front.push_str(&format!("date: {date}\n"));
        }
        if let Some(at) = self.expires {
            front.push_str(&format!("expires: {at}\n"));
        }
        if !self.published {
            front.push_str("published: false\n");
        }
        if let Some(image) = self.image {
            front.push_str(&format!("image: /uploads/{image}.png\n"));
        }
        if let Some(id) = self.own_id {
            front.push_str(&format!("id: propre-{id}\n"));
        }
        front.push_str(&format!("tags: [{}]\n", self.tags.join(", ")));
        if self.broken {
            front.push_str("categories: [jamais\nfermé: \"\n");
        }
        let mut dice = Dice(self.words * 77 + 1);
        let words: Vec<String> = (0..40).map(|_| format!("mot{}", dice.roll(1 << 20))).collect();
        format!(
            "---\n{front}---\n\nTexte {} et {}.\n\n![vue](/uploads/{}.png)\n",
            words.join(" "),
            self.more,
            self.words % 3
        )
    }
}

/// One site, and two that follow it: one is told where to look, one looks at everything.
struct World {
    place: Place,
    dice: Dice,
    now: Timestamp,
    docs: BTreeMap<String, Doc>,
    trash: Vec<(String, Doc)>,
    /// What was changed since the last look.
    dirty: BTreeSet<PathBuf>,
    log: Vec<String>,
    count: u64,
    configs: [Arc<Config>; 2],
    stores: [Store; 2],
    told: Reconciler,
    looking: Reconciler,
}

fn config(place: &Place, database: &Path) -> Arc<Config> {
    let yaml = format!("site: {{ root: {:?} }}\nstore: \"sqlite:{}\"\n{REST}\n", place.site(), database.display());
    Arc::new(parse(&yaml).unwrap())
}

impl World {
    async fn new(seed: u64) -> Self {
        let place = Place::new();
        let configs = [config(&place, &place.path("a.db")), config(&place, &place.path("b.db"))];
        let stores = [Store::open(&configs[0].store).await.unwrap(), Store::open(&configs[1].store).await.unwrap()];
        let mut world = Self {
            told: Reconciler::new(Arc::clone(&configs[0])),
            looking: Reconciler::new(Arc::clone(&configs[1])),
            place,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            // Years ahead of the files' own stamps: none looks as if it were just being written.
            now: "2031-03-03T08:00:00Z".parse().unwrap(),
            docs: BTreeMap::new(),
            trash: Vec::new(),
            dirty: BTreeSet::new(),
            log: Vec::new(),
            count: 0,
            configs,
            stores,
        };
        world.settings(false);
        // An article that nobody touches: a site that loses its last one at once is another matter.
        world.place.article("_communiques/ancien.md", "title: Ancien\ndate: 2020-01-01");
        for _ in 0..6 {
            world.create();
        }
        world
    }

    fn minutes(&mut self, most: u64) -> SignedDuration {
        SignedDuration::from_mins(i64::try_from(self.dice.roll(most)).unwrap())
    }

    fn date(&mut self) -> Option<Timestamp> {
        let by = self.minutes(3 * 24 * 60);
        match self.dice.roll(8) {
            0 => None,
            1..=3 => Some(self.now + by),
            _ => Some(self.now - by),
        }
    }

    fn tags(&mut self) -> Vec<&'static str> {
        (0..self.dice.roll(3)).map(|_| self.dice.one_of(&TAGS)).collect()
    }

    fn path(&mut self) -> String {
        self.count += 1;
        format!("_{}/article-{}.md", self.dice.one_of(&COLLECTIONS), self.count)
    }

    fn save(&mut self, path: &str, doc: Doc) {
        let whole = self.place.site().join(path);
        fs::create_dir_all(whole.parent().unwrap()).unwrap();
        fs::write(whole.with_extension("tmp"), doc.text()).unwrap();
        fs::rename(whole.with_extension("tmp"), &whole).unwrap();
        self.dirty.insert(whole);
        self.docs.insert(path.to_owned(), doc);
    }

    fn delete(&mut self, path: &str) -> Doc {
        fs::remove_file(self.place.site().join(path)).unwrap();
        self.dirty.insert(self.place.site().join(path));
        self.docs.remove(path).unwrap()
    }

    fn create(&mut self) {
        let path = self.path();
        let doc = Doc {
            title: format!("Titre {}", self.count),
            date: self.date(),
            expires: None,
            published: self.dice.roll(5) > 0,
            tags: self.tags(),
            image: (self.dice.roll(3) == 0).then(|| self.dice.roll(3)),
            own_id: (self.dice.roll(4) == 0).then_some(self.count),
            words: self.dice.roll(1 << 30),
            more: 0,
            broken: false,
        };
        self.save(&path, doc);
    }

    fn settings(&mut self, known: bool) {
        let title = if known { self.dice.roll(3) } else { 0 };
        let blog =
            if known && self.dice.roll(2) == 0 { "\n  blog: { output: true, permalink: /blog/:title/ }" } else { "" };
        let future = if known && self.dice.roll(4) == 0 { "future: true\n" } else { "" };
        let permalink = if known && self.dice.roll(2) == 0 { "/nouvelles/:title/" } else { "/actualites/:title/" };
        self.place.write(
            "_config.yml",
            format!("title: Essai {title}\nurl: https://www.example.fr\ntimezone: Europe/Paris\nlanguage: fr\n{future}collections:\n  actualites: {{ output: true, permalink: {permalink} }}\n  communiques: {{ output: true, permalink: /espace-presse/:title/ }}{blog}\n"),
        );
        self.dirty.insert(self.place.site().join("_config.yml"));
    }

    fn picture(&mut self) -> String {
        let name = format!("uploads/{}.png", self.dice.roll(3));
        let path = self.place.site().join(&name);
        if path.exists() && self.dice.roll(3) == 0 {
            fs::remove_file(&path).unwrap();
        } else {
            let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
            png.extend(u32::try_from(1 + self.dice.roll(900)).unwrap().to_be_bytes());
            png.extend([0, 0, 1, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
            png.extend(vec![0; usize::try_from(self.dice.roll(5_000)).unwrap()]);
            self.place.write(&name, png);
        }
        self.dirty.insert(path);
        name
    }

    /// Something that an editor does.
    fn edit(&mut self) {
        let paths: Vec<String> = self.docs.keys().cloned().collect();
        let what = if paths.len() < 3 { 0 } else { self.dice.roll(24) };
        if what == 0 || what == 1 {
            self.create();
            return self.log.push(format!("create {}", self.count));
        }
        let path = self.dice.one_of(&paths);
        let mut doc = self.docs[&path].clone();
        let mut said = String::new();
        match what {
            2 => doc.more += 1,
            3 => doc.title.push('!'),
            4 | 5 => doc.date = self.date(),
            6 | 7 => doc.tags = self.tags(),
            8 | 9 => {
                let new = if what == 8 {
                    path.replace("actualites", "x").replace("communiques", "actualites").replace("_x", "_communiques")
                } else {
                    self.path()
                };
                said = format!("move {path} to {new}");
                if !self.docs.contains_key(&new) {
                    // As a file manager does it: the same file under another name.
                    let doc = self.docs.remove(&path).unwrap();
                    let (from, to) = (self.place.site().join(&path), self.place.site().join(&new));
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::rename(&from, &to).unwrap();
                    self.dirty.extend([from, to]);
                    self.docs.insert(new, doc);
                }
                return self.log.push(said);
            }
            10 => {
                let new = self.path();
                said = format!("copy {path} to {new}");
                self.save(&new, doc);
                return self.log.push(said);
            }
            11 => {
                let doc = self.delete(&path);
                self.trash.push((path.clone(), doc));
                return self.log.push(format!("delete {path}"));
            }
            12 => {
                if let Some((path, doc)) = self.trash.pop().filter(|(path, _)| !self.docs.contains_key(path)) {
                    said = format!("restore {path}");
                    self.save(&path, doc);
                }
                return self.log.push(said);
            }
            13 | 14 => doc.published = !doc.published,
            15 | 16 => doc.broken = !doc.broken,
            17 => {}
            18 => {
                said = self.picture();
                return self.log.push(said);
            }
            19 => doc.expires = (self.dice.roll(3) > 0).then(|| self.now + self.minutes(24 * 60)),
            20 => doc.image = (self.dice.roll(4) > 0).then(|| self.dice.roll(3)),
            21 if self.dice.roll(2) == 0 => {
                self.settings(true);
                return self.log.push("settings".to_owned());
            }
            21 => doc.own_id = (self.dice.roll(3) > 0).then(|| self.dice.roll(self.count)),
            22 => doc.words = self.dice.roll(1 << 30),
            _ => {
                // Two files change their names, or one is written over another.
                let other = self.dice.one_of(&paths);
                let second = self.docs[&other].clone();
                self.save(&path, second);
                if self.dice.roll(2) == 0 {
                    self.save(&other, doc);
                }
                return self.log.push(format!("swap {path} and {other}"));
            }
        }
        said.push_str(&format!("{what} {path} {doc:?}"));
        self.save(&path, doc);
        self.log.push(said);
    }

    /// Those who follow the site look, and all must see the same.
    async fn look(&mut self, restart: bool) {
        let at = Where::At(std::mem::take(&mut self.dirty));
        let told = self.told.pass_at(&self.stores[0], self.now, &at).await.unwrap();
        self.told.keep(&self.stores[0]).await.unwrap();
        if self.log.is_empty() {
            while self.told.digest(&self.stores[0]).await.unwrap() {}
        }
        let looking = self.looking.pass(&self.stores[1], self.now).await.unwrap();
        same(&told, &looking, "one that is told, one that looks");
        assert_eq!(told.plan.book, looking.plan.book);
        assert_eq!(outbox(&self.stores[0]).await, outbox(&self.stores[1]).await);
        let there: BTreeSet<String> = told.catalog().all().map(|standing| standing.article.path.to_string()).collect();
        assert_eq!(there.len(), told.catalog().len(), "two articles stand at one path");
        for path in &there {
            assert!(self.docs.contains_key(path) || path == "_communiques/ancien.md", "{path} is not there");
        }

        let mut again = Reconciler::new(Arc::clone(&self.configs[0]));
        let glance = again.glance(Some(&self.stores[0]), self.now).await.unwrap();
        same(&told, &glance, "before and after a start");
        assert!(glance.plan.book.is_empty(), "{:?}", glance.plan.book);
        if restart {
            self.told = Reconciler::new(Arc::clone(&self.configs[0]));
        }
        // Without the index, nothing is known of a file that cannot be read but its identity.
        if self.docs.values().all(|doc| !doc.broken) && self.dice.roll(2) == 0 {
            self.without(&told, &["delete from index_pages", "delete from meta where name = 'index'"], "no index")
                .await;
            self.without(&told, &["delete from entries"], "no entries").await;
        }
    }

    /// What a process sees that finds the database without something.
    async fn without(&mut self, told: &Snapshot, statements: &[&'static str], what: &str) {
        let copy = self.place.path("copy.db");
        for end in ["", "-wal"] {
            let _ = fs::remove_file(self.place.path(&format!("copy.db{end}")));
            let _ = fs::copy(self.place.path(&format!("a.db{end}")), self.place.path(&format!("copy.db{end}")));
        }
        let _ = fs::remove_file(self.place.path("copy.db-shm"));
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", copy.display())).await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        let config = config(&self.place, &copy);
        let store = Store::open(&config.store).await.unwrap();
        let glance = Reconciler::new(config).glance(Some(&store), self.now).await.unwrap();
        same(told, &glance, what);
        assert!(glance.plan.book.is_empty(), "{what}: {:?}", glance.plan.book);
        store.close().await;
    }
}

/// Every delivery, as far as it is not about when it was booked.
async fn outbox(store: &Store) -> Vec<String> {
    let mut all: Vec<String> = store
        .deliveries()
        .await
        .unwrap()
        .into_iter()
        .map(|d| format!("{} {:?} {} {} {:?} {}", d.path, d.key, d.state, d.due_at, d.reason, d.withdrawn))
        .collect();
    all.sort();
    all
}

fn same(one: &Snapshot, other: &Snapshot, who: &str) {
    let known = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        let catalog = snapshot.catalog();
        let said = |s: &Arc<crieur::catalog::Standing>| {
            // When it was withdrawn means nothing while it is live again; the tombstones tell it of the others.
            let past = Past { withdrawn: None, event: None, ..s.past.clone() };
            (s.id.to_string(), format!("{} {:#?} {past:#?} {}", s.id, s.article, s.print))
        };
        catalog.all().map(said).collect()
    };
    let (a, b) = (known(one), known(other));
    for id in a.keys().chain(b.keys()) {
        if a.get(id) != b.get(id) {
            let text = |known: &BTreeMap<String, String>| known.get(id).cloned().unwrap_or_default();
            panic!("{who}: an article differs\n{}", difference(&text(&a), &text(&b)));
        }
    }
    let paths = |snapshot: &Snapshot| snapshot.feeds.documents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(one), paths(other), "{who}: the documents there are");
    for (path, document) in &one.feeds.documents {
        let twin = &other.feeds.documents[path];
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        let text = |body: &[u8]| text(body).replace("><", ">\n<").replace("&lt;", "\n&lt;").replace(",\"", ",\n\"");
        assert!(
            document.body == twin.body,
            "{who}: {path} differs\n{}",
            difference(&text(&document.body), &text(&twin.body))
        );
        assert_eq!((&document.etag, document.last_modified), (&twin.etag, twin.last_modified), "{who}: {path}");
    }
    assert_eq!(one.feeds.feeds.len(), other.feeds.feeds.len());
}

/// The lines that only one of two texts has.
fn difference(a: &str, b: &str) -> String {
    let lines = |a: &str, b: &str, sign: char| -> Vec<String> {
        let of_b: BTreeSet<&str> = b.split('\n').collect();
        a.split('\n')
            .filter(|line| !of_b.contains(line))
            .map(|line| format!("{sign} {}", line.chars().take(400).collect::<String>()))
            .collect()
    };
    [lines(a, b, '-'), lines(b, a, '+')].concat().join("\n")
}

/// Says what was done, when it fails.
struct Told(u64, Arc<std::sync::Mutex<Vec<String>>>);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {} (CRIEUR_TEST_SEED={} runs it alone)", self.0, self.0);
            let log = self.1.lock().unwrap();
            log.iter().rev().take(40).rev().for_each(|line| println!("  {line}"));
        }
    }
}

#[tokio::test]
async fn what_is_told_what_is_seen_and_what_is_remembered_agree() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("CRIEUR_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("CRIEUR_TEST_SEEDS").unwrap_or(4),
    };
    for seed in seeds {
        let log = Arc::new(std::sync::Mutex::new(Vec::new()));
        let _told = Told(seed, Arc::clone(&log));
        let mut world = World::new(seed).await;
        world.look(false).await;
        for _ in 0..25 {
            let minutes = world.minutes(120);
            world.now += minutes;
            if world.dice.roll(6) == 0 {
                let minutes = world.minutes(48 * 60);
                world.now += minutes;
            }
            for _ in 0..world.dice.roll(4) {
                world.edit();
            }
            world.log.push(format!("look at {}", world.now));
            log.lock().unwrap().clone_from(&world.log);
            let restart = world.dice.roll(8) == 0;
            world.look(restart).await;
        }
    }
}

/// A site, and whoever follows it with a store.
async fn place() -> (Place, Arc<Config>, Store) {
    let place = Place::new();
    place.article("_communiques/ancien.md", "title: Ancien\ndate: 2020-01-01");
    let config = config(&place, &place.path("a.db"));
    let store = Store::open(&config.store).await.unwrap();
    (place, config, store)
}

fn at(time: &str) -> Timestamp {
    format!("2031-03-03T{time}:00Z").parse().unwrap()
}

fn hint(place: &Place, names: &[&str]) -> Where {
    Where::At(names.iter().map(|name| place.site().join(name)).collect())
}

#[tokio::test]
async fn two_processes_on_one_store_see_what_the_other_did() {
    let (place, config, store) = place().await;
    let mut two = [Reconciler::new(Arc::clone(&config)), Reconciler::new(config)];
    let names = ["_actualites/a.md", "_communiques/b.md", "_actualites/c.md", "_communiques/d.md"];
    two[0].pass(&store, at("08:00")).await.unwrap();
    two[1].pass(&store, at("08:00")).await.unwrap();
    for step in 0..12 {
        let name = names[step % 4];
        if step == 9 {
            place.remove(name);
        } else {
            place.article(name, &format!("title: T{step}\ndate: 2031-03-03 08:00:00 +00:00\ntags: [Cloud]"));
        }
        let now = at(&format!("10:{step:02}"));
        // Only one of the two is told.
        let told = two[step % 2].pass_at(&store, now, &hint(&place, &[name])).await.unwrap();
        if step % 3 > 0 {
            two[step % 2].keep(&store).await.unwrap();
        }
        let other = two[1 - step % 2].pass_at(&store, now, &Where::At(BTreeSet::new())).await.unwrap();
        same(&told, &other, "two processes");
        assert!(other.plan.book.is_empty());
        let after = two[step % 2].pass(&store, now).await.unwrap();
        same(&told, &after, "the first again");
    }
    let deliveries = store.deliveries().await.unwrap();
    let keys: BTreeSet<String> = deliveries.iter().map(|d| format!("{:?}", d.key)).collect();
    assert_eq!((deliveries.len(), keys.len()), (2, 2), "{deliveries:#?}");
}

#[tokio::test]
async fn settings_that_changed_during_a_pass_that_failed_count_in_the_next() {
    let (place, config, store) = place().await;
    let mut reconciler = Reconciler::new(config);
    reconciler.pass(&store, at("08:00")).await.unwrap();
    let (here, away) = (place.site().join("_communiques"), place.path("away"));
    fs::rename(&here, &away).unwrap();
    let settings = fs::read_to_string(place.site().join("_config.yml")).unwrap();
    place.write("_config.yml", settings.replace("/espace-presse/", "/presse/"));
    reconciler.pass(&store, at("08:01")).await.unwrap_err();
    reconciler.keep(&store).await.unwrap();
    fs::rename(&away, &here).unwrap();
    let snapshot = reconciler.pass_at(&store, at("08:02"), &hint(&place, &["_communiques/x.md"])).await.unwrap();
    let urls: Vec<String> = snapshot.catalog().all().map(|standing| standing.article.url.to_string()).collect();
    assert_eq!(urls, ["https://www.example.fr/presse/ancien/"]);
    assert_eq!(
        snapshot
            .feeds
            .documents
            .values()
            .filter(|d| String::from_utf8_lossy(&d.body).contains("/espace-presse/"))
            .count(),
        0
    );
}

#[tokio::test]
async fn a_process_that_ended_before_it_wrote_the_index_lost_nothing() {
    let (place, config, store) = place().await;
    place.article("_communiques/b.md", "title: B\ndate: 2031-03-03 07:30:00 +00:00");
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    reconciler.pass(&store, at("08:00")).await.unwrap();
    place.article("_communiques/c.md", "title: C\ndate: 2031-03-03 08:00:00 +00:00\nid: c");
    reconciler.pass(&store, at("08:05")).await.unwrap();
    // The settings change, so that the index is to be written whole; and the process ends before.
    let settings = fs::read_to_string(place.site().join("_config.yml")).unwrap();
    place.write("_config.yml", settings.replace("Essai", "Autre titre"));
    place.article("_communiques/d.md", "title: D\ndate: 2031-03-03 08:05:00 +00:00");
    place.article("_communiques/e.md", "title: E\ndate: 2031-03-03 08:05:00 +00:00\npublished: false");
    place.article("_communiques/c.md", "title: C\ndate: 2031-03-03 08:00:00 +00:00\ncategories: [jamais\nid: \"c");
    fs::remove_file(place.site().join("_communiques/b.md")).unwrap();
    let before = reconciler.pass_at(&store, at("08:10"), &Where::Everywhere).await.unwrap();
    assert_eq!(before.plan.book.len(), 1);
    drop(reconciler);
    // As it was, so that the index would fit again.
    place.write("_config.yml", settings);
    let mut reconciler = Reconciler::new(config);
    let after = reconciler.pass(&store, at("08:20")).await.unwrap();
    let ids = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        snapshot.catalog().all().map(|s| (s.article.path.to_string(), format!("{} {:?}", s.id, s.past))).collect()
    };
    assert_eq!(ids(&before), ids(&after));
    assert!(after.plan.book.is_empty() && after.plan.withdraw.is_empty(), "{:?}", after.plan);
    let all = String::from_utf8_lossy(&after.feeds.document("/feeds/all.atom").unwrap().body).into_owned();
    let shown: Vec<bool> = ["B", "C", "D", "E"].iter().map(|t| all.contains(&format!("<title>{t}</title>"))).collect();
    assert_eq!(shown, [false, true, true, false], "the broken one keeps its last good version");
}

#[tokio::test]
async fn a_broken_article_stays_when_its_picture_changes_and_goes_with_its_file() {
    let (place, config, store) = place().await;
    let front = "title: Illustré\ndate: 2031-03-01\nimage: /uploads/i.png";
    place.article("_communiques/i.md", front);
    place.write("uploads/i.png", "un");
    let mut reconciler = Reconciler::new(config);
    reconciler.pass(&store, at("08:00")).await.unwrap();
    place.article("_communiques/i.md", &format!("{front}\ncategories: [jamais\nx: \""));
    let snapshot = reconciler.pass_at(&store, at("08:01"), &hint(&place, &["_communiques/i.md"])).await.unwrap();
    assert!(!snapshot.problems.is_empty());
    place.write("uploads/i.png", "deux");
    let snapshot = reconciler.pass_at(&store, at("08:02"), &hint(&place, &["uploads/i.png"])).await.unwrap();
    let shows = |snapshot: &Snapshot| {
        String::from_utf8_lossy(&snapshot.feeds.document("/feeds/all.json").unwrap().body).contains("Illustré")
    };
    assert!(shows(&snapshot));
    place.remove("_communiques/i.md");
    let snapshot = reconciler.pass_at(&store, at("08:03"), &hint(&place, &["_communiques/i.md"])).await.unwrap();
    assert!(!shows(&snapshot));
    assert!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
}

#[tokio::test]
async fn a_folder_that_goes_takes_its_articles_along_whatever_its_name() {
    let (place, config, store) = place().await;
    place.article("_communiques/v1.2/a.md", "title: A\ndate: 2031-03-01");
    let mut reconciler = Reconciler::new(config);
    assert_eq!(reconciler.pass(&store, at("08:00")).await.unwrap().catalog().len(), 2);
    fs::rename(place.site().join("_communiques/v1.2"), place.path("away")).unwrap();
    let snapshot = reconciler.pass_at(&store, at("08:01"), &hint(&place, &["_communiques/v1.2"])).await.unwrap();
    assert_eq!(snapshot.catalog().len(), 1);
}

#[tokio::test]
async fn what_another_article_is_written_over_is_gone() {
    let (place, config, store) = place().await;
    place.article("_communiques/a.md", "title: A\ndate: 2031-03-01\nid: a");
    place.article("_communiques/b.md", "title: B\ndate: 2031-03-01\nid: b");
    let mut reconciler = Reconciler::new(config);
    let before = reconciler.pass(&store, at("08:00")).await.unwrap();
    let b = before.catalog().at_path("_communiques/b.md").unwrap().id;
    fs::rename(place.site().join("_communiques/b.md"), place.site().join("_communiques/a.md")).unwrap();
    let told = hint(&place, &["_communiques/a.md", "_communiques/b.md"]);
    let after = reconciler.pass_at(&store, at("08:01"), &told).await.unwrap();
    let catalog = after.catalog();
    assert_eq!((catalog.len(), catalog.at_path("_communiques/a.md").unwrap().id), (2, b));
}

/// Texts of a first start are worked out after its feeds are ready; editors do not wait for that.
#[tokio::test]
async fn an_article_that_is_renamed_right_after_the_first_start_is_the_same() {
    let (place, config, store) = place().await;
    place.article("_communiques/a.md", "title: A\ndate: 2031-03-01");
    place.article("_communiques/b.md", "title: A\ndate: 2031-03-01");
    let mut reconciler = Reconciler::new(config);
    let before = reconciler.pass_at(&store, at("08:00"), &Where::Everywhere).await.unwrap();
    let id = |snapshot: &Snapshot, path: &str| snapshot.catalog().at_path(path).unwrap().id;
    let (a, b) = (id(&before, "_communiques/a.md"), id(&before, "_communiques/b.md"));
    for (old, new) in [("a.md", "c.md"), ("b.md", "d.md")] {
        let folder = place.site().join("_communiques");
        fs::rename(folder.join(old), folder.join(new)).unwrap();
    }
    let after = reconciler.pass_at(&store, at("08:01"), &Where::Everywhere).await.unwrap();
    let now = BTreeSet::from(["c.md", "d.md"].map(|name| id(&after, &format!("_communiques/{name}"))));
    assert_eq!(now, BTreeSet::from([a, b]));
}
