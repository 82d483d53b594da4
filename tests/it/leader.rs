//! Several processes on one database, each with a checkout of its own: one takes up the site, the others follow, and
//! nothing is withdrawn because one of them is behind.

use crate::support::life::{Life, posting};
use crate::support::mastodon::Server;
use crate::support::origin::Origin;
use crate::support::{Place, parse};
use crieur::clock::Clock;
use crieur::config::Config;
use crieur::delivery::{Delivery, State};
use crieur::pull::Puller;
use crieur::reconcile::PassError;
use crieur::task::Shutdown;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::sync::Arc;

struct Two {
    place: Place,
    server: Server,
    clock: Clock,
    rest: String,
}

impl Two {
    async fn new() -> Self {
        let (server, place) = (Server::start(false).await, Place::new());
        let clock = Clock::by_hand("2026-11-23T12:00:00Z".parse::<Timestamp>().unwrap());
        let rest = posting(&server, ", on_withdraw: delete, settle: 0s");
        place.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-23 09:00:00 +00:00");
        Self { place, server, clock, rest }
    }

    /// With a process that leads, and has written all down.
    async fn led() -> (Self, Life) {
        let two = Self::new().await;
        let mut first = two.process(&two.place.site()).await;
        first.live().await;
        first.reconciler.keep(&first.store).await.unwrap();
        (two, first)
    }

    fn config(&self, folder: &Path, more: &str) -> Arc<Config> {
        let own = format!("{:?}", self.place.site());
        let yaml = self.place.yaml(&self.rest).replace(&own, &format!("{folder:?}{more}"));
        Arc::new(parse(&yaml).unwrap())
    }

    /// A process that sees the site in this folder.
    async fn process(&self, folder: &Path) -> Life {
        Life::begin(&self.config(folder, ""), &self.clock).await
    }

    /// Another checkout, as the first one is now.
    fn checkout(&self, name: &str) -> std::path::PathBuf {
        let folder = self.place.path(name);
        copy(&self.place.site(), &folder);
        folder
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { assert!(std::fs::copy(entry.path(), to).is_ok()) }
    }
}

fn seen(outbox: &[Delivery]) -> Vec<(&str, State, bool)> {
    outbox.iter().map(|delivery| (&*delivery.path, delivery.state, delivery.reason.is_some())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_is_behind_withdraws_nothing_and_takes_over_when_the_leader_has_ended() {
    let two = Two::new().await;
    let behind = two.checkout("behind");
    two.place.article("_actualites/b.md", "title: Suite\ndate: 2026-11-23 10:00:00 +00:00");
    let mut first = two.process(&two.place.site()).await;
    let published = [("_actualites/a.md", State::Published, false), ("_actualites/b.md", State::Published, false)];
    assert_eq!(seen(&first.live().await), published);
    first.reconciler.keep(&first.store).await.unwrap();

    let mut second = two.process(&behind).await;
    assert_eq!(seen(&second.live().await), published, "it follows");
    let snapshot = second.pass().await;
    assert!(snapshot.catalog().at_path("_actualites/b.md").is_some() && snapshot.plan.book.is_empty());
    drop(snapshot);
    assert_eq!(seen(&first.live().await), published);

    // What only the follower has waits for the leader to have it too, or to end.
    std::fs::write(
        behind.join("_actualites/c.md"),
        "---\ntitle: Troisième\ndate: 2026-11-23 11:00:00 +00:00\n---\nUn texte qui ne ressemble à aucun autre, et qui parle de la mer, du vent et des voiles.\n",
    )
    .unwrap();
    std::fs::copy(two.place.site().join("_actualites/b.md"), behind.join("_actualites/b.md")).unwrap();
    assert_eq!(seen(&second.live().await), published);
    first.end().await;
    two.clock.advance(SignedDuration::from_mins(1));
    let mut outbox = second.live().await;
    // A server takes a moment to see that a connection has ended.
    for _ in 0..200 {
        if outbox.len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        outbox = second.live().await;
    }
    assert_eq!(seen(&outbox)[..2], published);
    assert_eq!(seen(&outbox)[2..], [("_actualites/c.md", State::Published, false)]);
    assert_eq!(two.server.texts().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_delivers_nothing_since_what_it_knows_may_be_behind() {
    let two = Two::new().await;
    let mut first = two.process(&two.place.site()).await;
    first.pass().await;
    first.reconciler.keep(&first.store).await.unwrap();
    let mut second = two.process(&two.checkout("other")).await;
    assert_eq!(seen(&second.live().await), [("_actualites/a.md", State::Pending, false)]);
    assert_eq!(seen(&first.live().await), [("_actualites/a.md", State::Published, false)]);
    assert_eq!(two.server.texts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_folder_is_gone_leaves_it_to_the_next_one() {
    let (two, mut first) = Two::led().await;
    let other = two.checkout("other");
    let mut second = two.process(&other).await;
    assert!(second.pass().await.follows);
    std::fs::rename(two.place.site(), two.place.path("away")).unwrap();
    assert!(first.reconciler.book(&first.store, two.clock.now()).await.is_err());
    assert!(!second.pass().await.follows);
    std::fs::rename(two.place.path("away"), two.place.site()).unwrap();
    assert!(first.pass().await.follows, "it comes back at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_pulled_before_its_process_leads() {
    let two = Two::new().await;
    let origin = Origin::new();
    origin.write("_config.yml", "url: https://www.example.fr\ncollections: { actualites: { output: true } }\n");
    origin.article("_actualites/a.md", "title: Annonce\ndate: 2026-11-23 09:00:00 +00:00");
    origin.commit("un");
    let config = |name: &str| {
        let own = format!("root: {:?}", two.place.site());
        let git = format!("git: {{ url: {:?}, checkout: {:?} }}", origin.url(), two.place.path(name));
        let yaml = two.place.yaml(&two.rest).replace(&own, &git);
        Arc::new(parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}")))
    };
    let (_tell, shutdown) = Shutdown::channel();
    let mut first = Life::begin(&config("first"), &two.clock).await;
    let mut pulls = Puller::new(&first.config.site);
    pulls.once(&mut first.reconciler, &shutdown).await.unwrap();
    first.live().await;
    first.reconciler.keep(&first.store).await.unwrap();
    let mut second = Life::begin(&config("second"), &two.clock).await;
    let mut pulls_second = Puller::new(&second.config.site);
    pulls_second.once(&mut second.reconciler, &shutdown).await.unwrap();
    assert!(second.pass().await.follows);

    origin.article("_actualites/b.md", "title: Suite\ndate: 2026-11-23 10:00:00 +00:00");
    origin.commit("deux");
    pulls.once(&mut first.reconciler, &shutdown).await.unwrap();
    let published = [("_actualites/a.md", State::Published, false), ("_actualites/b.md", State::Published, false)];
    assert_eq!(seen(&first.live().await), published);
    first.end().await;
    for _ in 0..200 {
        match second.reconciler.book(&second.store, two.clock.now()).await {
            Err(PassError::TakesOver) => break,
            passed => assert!(passed.unwrap().follows, "it leads with a checkout that is behind"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    pulls_second.once(&mut second.reconciler, &shutdown).await.unwrap();
    assert_eq!(seen(&second.live().await), published);
    assert!(!second.pass().await.follows);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_see_one_folder_all_take_it_up_whatever_they_call_it() {
    let two = Two::new().await;
    let mut first = two.process(&two.place.site()).await;
    first.live().await;
    let link = two.place.path("link");
    std::os::unix::fs::symlink(two.place.site(), &link).unwrap();
    let mut second = two.process(&link).await;
    two.place.article("_actualites/b.md", "title: Suite\ndate: 2026-11-23 10:00:00 +00:00");
    assert_eq!(seen(&second.live().await).len(), 2);
    // The folder is put in the place of another one, as a deployment does it: who leads goes on leading.
    let old = two.place.path("old");
    std::fs::rename(two.place.site(), &old).unwrap();
    copy(&old, &two.place.site());
    two.place.article("_actualites/c.md", "title: Troisième\ndate: 2026-11-23 11:00:00 +00:00");
    // Until then the other one waits.
    let waits = second.reconciler.book(&second.store, two.clock.now()).await;
    assert!(waits.is_err(), "{waits:?}");
    assert_eq!(seen(&first.live().await).len(), 3);
    two.place.article("_actualites/d.md", "title: Quatrième\ndate: 2026-11-23 11:30:00 +00:00");
    assert_eq!(seen(&second.live().await).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_on_the_database_of_a_running_one_is_refused() {
    let (two, mut first) = Two::led().await;
    let other = two.place.path("other");
    std::fs::create_dir_all(other.join("_actualites")).unwrap();
    let mut second =
        Life::begin(&two.config(&other, ", title: \"Autre site\", url: \"https://autre.example.fr\""), &two.clock)
            .await;
    let refused = second.reconciler.book(&second.store, two.clock.now()).await.unwrap_err().to_string();
    assert!(
        refused.contains(&two.place.site().display().to_string()) && refused.contains("settings differ"),
        "{refused}"
    );
    assert_eq!(seen(&first.live().await), [("_actualites/a.md", State::Published, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_beside_the_leader_of_another_folder_says_so() {
    let (two, _leads) = Two::led().await;
    let other = two.checkout("other");
    let own = format!("{:?}", two.place.site());
    let crieur = two.place.crieur(&two.rest);
    let same = crieur.run(&["plan"]);
    assert!(!String::from_utf8_lossy(&same.stderr).contains("another process"), "{same:?}");
    let yaml = std::fs::read_to_string(two.place.path("crieur.yaml")).unwrap();
    std::fs::write(two.place.path("crieur.yaml"), yaml.replace(&own, &format!("{other:?}"))).unwrap();
    for arguments in [&["plan"][..], &["publish-now", "--dry-run", "a"], &["publish-now", "a"], &["run", "--once"]] {
        let output = crieur.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        let leader =
            format!("another process takes up the site for this database, from {}", two.place.site().display());
        assert!(said.contains(&leader), "{arguments:?}: {said}");
    }
    assert_eq!(two.server.texts().len(), 1, "it was published, and is not sent again");
}
