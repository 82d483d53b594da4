//! One person follows every feed of the running program with newsboat while editors work. Whatever they do to an article
//! that she has, she sees it once, as it is now, and it stays read; what is new is new once.

use crate::support::newsboat::{Kept, Newsboat};
use crate::support::{Place, judged};
use crieur::clock::Clock;
use crieur::daemon::Daemon;
use crieur::reconcile::Snapshot;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// Real work that is waited for takes far less; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The daemon on a copy of the example site, and who follows it.
struct Story {
    place: Place,
    reader: Newsboat,
    looked: watch::Receiver<Option<Arc<Snapshot>>>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
    address: SocketAddr,
    had: BTreeSet<String>,
}

impl Story {
    async fn start(reader: Newsboat) -> Self {
        let place = Place::empty(tempfile::tempdir().unwrap());
        let original = PathBuf::from("examples/site");
        for file in judged::files(&original) {
            place.write(file.strip_prefix(&original).unwrap().to_str().unwrap(), fs::read(&file).unwrap());
        }
        let (looked, stop, task, address) = serve(&place, "127.0.0.1:0".parse().unwrap()).await;
        let mut story = Self { place, reader, looked, stop, task, address, had: BTreeSet::new() };
        story.until(|_| true).await;
        story
    }

    /// Ends the program, and starts it again on the same database and address.
    async fn restart(mut self) -> Self {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it drains").unwrap();
        let (looked, stop, task, address) = serve(&self.place, self.address).await;
        self = Self { looked, stop, task, address, ..self };
        self.until(|_| true).await;
        self
    }

    /// Waits for a pass after which something holds.
    async fn until(&mut self, holds: impl Fn(&Snapshot) -> bool) {
        let waited = self.looked.wait_for(|snapshot| snapshot.as_deref().is_some_and(&holds));
        tokio::time::timeout(PATIENCE, waited).await.expect("no pass made it so").unwrap();
    }

    /// Waits until the feed of everything holds a text, or does not.
    async fn until_shown(&mut self, text: &str, is: bool) {
        let text = text.to_owned();
        self.until(move |snapshot| {
            let body = &snapshot.feeds.documents["/feeds/all.atom"].body;
            String::from_utf8_lossy(body).contains(&text) == is
        })
        .await;
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.place.site().join(file)).unwrap()
    }

    /// Changes a file as an editor saves it: beside, then renamed into place.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from}");
        let path = self.place.site().join(file);
        fs::write(path.with_extension("new"), text.replacen(from, to, 1)).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.place.site().join(from), self.place.site().join(to)).unwrap();
    }

    /// The reader follows every feed there is and asks for all of them. What she has then.
    fn reload(&self) -> Vec<Kept> {
        let snapshot = self.looked.borrow().clone().unwrap();
        let feeds = snapshot.feeds.documents.keys().filter(|path| path.ends_with(".rss") || path.ends_with(".atom"));
        self.reader.subscribe(feeds.map(|path| format!("http://{}{path}", self.address)));
        self.reader.reload();
        self.reader.items()
    }

    /// What is new for the reader after a step: titles. Nothing may be there twice, be unread again, or differ from what
    /// the site says now.
    fn news(&mut self, step: &str) -> Vec<String> {
        // Newsboat asks with conditions from the third time on.
        self.reload();
        let kept = self.reload();
        let ids: BTreeSet<String> = kept.iter().map(|kept| kept.item.id.clone()).collect();
        assert_eq!(ids.len(), kept.len(), "{step}: an article is there twice");
        assert!(self.had.is_subset(&ids), "{step}: an article is lost");
        let new: Vec<&Kept> = kept.iter().filter(|kept| !self.had.contains(&kept.item.id)).collect();
        for kept in &kept {
            assert_eq!(kept.unread, !self.had.contains(&kept.item.id), "{step}: {}", kept.item.title);
        }
        let snapshot = self.looked.borrow().clone().unwrap();
        let catalog = snapshot.catalog();
        let shown: BTreeSet<_> = snapshot.feeds.feeds.iter().flat_map(|feed| &feed.shown).collect();
        for id in shown {
            let article = &catalog.get(id).unwrap().article;
            let kept = kept.iter().find(|kept| kept.item.id == id.urn()).expect("what is shown is seen");
            assert_eq!(
                (kept.item.title.as_str(), kept.item.url.as_str()),
                (&*article.title, &*article.url),
                "{step}: she sees what was before"
            );
        }
        let titles = new.iter().map(|kept| kept.item.title.clone()).collect();
        self.had = ids;
        self.reader.mark_read(&self.had);
        titles
    }
}

type Served = (watch::Receiver<Option<Arc<Snapshot>>>, oneshot::Sender<()>, tokio::task::JoinHandle<()>, SocketAddr);

async fn serve(place: &Place, address: SocketAddr) -> Served {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = place.config(&format!("http: {{ public_url: \"http://{address}\" }}"));
    let daemon = Daemon::wire(config, Clock::by_hand("2026-11-22T10:00:00Z".parse().unwrap()), false).await.unwrap();
    let looked = daemon.snapshots();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        daemon.run(listener, stopped).await.unwrap();
    });
    (looked, stop, task, address)
}

const NOTHING: [&str; 0] = [];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_editors_do_a_reader_sees_each_article_once() {
    let Some(reader) = Newsboat::new() else { return };
    let mut story = Story::start(reader).await;
    let first = story.news("she subscribes");
    assert!(first.len() > 10, "{first:?}");

    let slow = "_actualites/un-ete-de-chantiers-dans-les-ecoles.md";
    let renamed = "_actualites/chantiers-d-ete.md";
    story.rename(slow, renamed);
    story.until_shown("/actualites/chantiers-d-ete/", true).await;
    assert_eq!(story.news("a file is renamed, so its address changes"), NOTHING);

    story.edit(renamed, "tags:\n", "tags:\n- Une étiquette neuve\n");
    story.until(|snapshot| snapshot.feeds.documents.contains_key("/feeds/tag/une-etiquette-neuve.rss")).await;
    assert_eq!(story.news("a tag is added, so there is one more feed"), NOTHING);

    story.edit(renamed, "---\n\n", "---\n\nUn paragraphe de plus, pour ainsi dire.\n\n");
    story.until_shown("pour ainsi dire", true).await;
    assert_eq!(story.news("its text is edited"), NOTHING);
    let changed = story.reader.items().iter().filter(|kept| kept.content.contains("pour ainsi dire")).count();
    assert_eq!(changed, 1, "she has the text as it is now");

    story.edit(renamed, "title: ", "title: \"Un tout autre titre\"\nancien: ");
    story.until_shown("Un tout autre titre", true).await;
    assert_eq!(story.news("its title is changed"), NOTHING);

    story.edit(renamed, "title: ", "published: false\ntitle: ");
    story.until_shown("Un tout autre titre", false).await;
    assert_eq!(story.news("it is unpublished"), NOTHING);
    story.edit(renamed, "published: false\n", "");
    story.until_shown("Un tout autre titre", true).await;
    assert_eq!(story.news("it is published again"), NOTHING);

    story.edit(renamed, "title: ", "permalink: /ete/chantiers/\ntitle: ");
    story.until_shown("/ete/chantiers/", true).await;
    assert_eq!(story.news("its permalink is changed"), NOTHING);

    let moved = "_actualites/le-guide-des-communs-passe-en-version-2.md";
    story.rename(moved, "_communiques/le-guide-des-communs-passe-en-version-2.md");
    story.until_shown("/espace-presse/le-guide-des-communs-passe-en-version-2/", true).await;
    assert_eq!(story.news("an article moves to another collection"), NOTHING);

    let gone = "_communiques/la-haute-lys-ouvre-sa-forge-des-communs.md";
    let text = story.read(gone);
    story.place.remove(gone);
    story.until_shown("la-haute-lys-ouvre-sa-forge-des-communs", false).await;
    assert_eq!(story.news("an article is deleted"), NOTHING);
    story.place.write("_communiques/une-forge-pour-les-communs.md", &text);
    story.until_shown("une-forge-pour-les-communs", true).await;
    assert_eq!(story.news("it comes back under another name"), NOTHING);

    // What a CMS makes of "duplicate": hidden, it is nothing; shown beside the first one, it is an article of its own.
    let copy = "_communiques/une-forge-pour-les-communs-a5d7ba.md";
    story.place.write(copy, text.replacen("title: ", "published: false\ntitle: ", 1));
    story.until(|snapshot| snapshot.catalog().at_path(copy).is_some()).await;
    assert_eq!(story.news("a copy is made and not shown"), NOTHING);
    story.edit(copy, "published: false\n", "");
    story.until_shown("une-forge-pour-les-communs-a5d7ba", true).await;
    assert_eq!(story.news("the copy is shown").len(), 1);

    story.place.article("_actualites/neuf.md", "title: Du neuf\ndate: 2026-11-22 09:00:00 +01:00\ntags: [Cloud]");
    story.until_shown("Du neuf", true).await;
    assert_eq!(story.news("an article is written"), ["Du neuf"]);
    story
        .place
        .article("_actualites/brouillon.md", "title: Un brouillon\ndate: 2026-11-22 09:30:00 +01:00\ndraft: true");
    story.place.article("_actualites/demain.md", "title: Demain\ndate: 2026-11-23 09:30:00 +01:00");
    story.until(|snapshot| snapshot.catalog().at_path("_actualites/demain.md").is_some()).await;
    assert_eq!(story.news("a draft and an article to come"), NOTHING);

    story.edit("_config.yml", "https://www.communs-haute-lys.example", "http://communs.example");
    story.until_shown("http://communs.example/", true).await;
    assert_eq!(story.news("the whole site moves to another address"), NOTHING);

    let mut story = story.restart().await;
    assert_eq!(story.news("the program is started again"), NOTHING);
    story.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, story.task).await.expect("it drains").unwrap();
}
