//! The whole daemon on a clock that is turned by hand: files in, feeds and posts out.

use crate::support::Place;
use crieur::clock::Clock;
use crieur::daemon::Daemon;
use crieur::delivery::State;
use crieur::reconcile::Snapshot;
use crieur::store::Store;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

struct Running {
    place: Place,
    clock: Clock,
    store: Store,
    looked: watch::Receiver<Option<Arc<Snapshot>>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), crieur::daemon::DaemonError>>,
}

/// Real work that is waited for takes far less; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

impl Running {
    async fn start(place: Place, rest: &str, now: &str) -> Self {
        let config = place.config(rest);
        let clock = Clock::by_hand(now.parse().unwrap());
        let daemon = Daemon::wire(config, clock.clone(), false).await.unwrap();
        let (looked, store) = (daemon.snapshots(), daemon.store().clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let task = tokio::spawn(daemon.run(listener, async move {
            let _ = stopped.await;
        }));
        let mut running = Self { place, clock, store, looked, stop, task };
        running.until(|_| true).await;
        running
    }

    /// Waits for a pass after which something holds.
    async fn until(&mut self, holds: impl Fn(&Snapshot) -> bool) {
        let waited = self.looked.wait_for(|snapshot| snapshot.as_deref().is_some_and(&holds));
        tokio::time::timeout(PATIENCE, waited).await.expect("no pass made it so").unwrap();
    }

    /// Waits for a state of the first delivery.
    async fn delivered(&self, state: State) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let waited = async {
            while self.store.deliveries().await.unwrap().first().map(|delivery| delivery.state) != Some(state) {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("the delivery never came there");
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it drains").unwrap().unwrap();
    }
}

const SLOTS: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, endpoints: [essai], when: { slots: \"30 9 * * Mon-Fri\" } }]";

fn entries(snapshot: &Snapshot) -> usize {
    snapshot.feeds.feeds[0].entries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_published_is_in_the_feeds_at_once_and_posted_at_its_next_slot() {
    let place = Place::new();
    let draft = "title: Brouillon\ndate: 2026-11-20 09:00:00 +01:00\npublished: false";
    place.article("_actualites/a.md", draft);
    // A Sunday, 20:00 in Paris.
    let mut running = Running::start(place, SLOTS, "2026-11-22T19:00:00Z").await;
    running.until(|snapshot| entries(snapshot) == 0).await;
    running.place.article("_actualites/a.md", &draft.replace("published: false", "published: true"));
    running.until(|snapshot| entries(snapshot) == 1).await;
    // It settles for half an hour, then waits for Monday, 9:30.
    running.clock.advance(SignedDuration::from_mins(30));
    running.delivered(State::Pending).await;
    let due = running.store.deliveries().await.unwrap()[0].due_at;
    assert_eq!(due, "2026-11-23T08:30:00Z".parse::<Timestamp>().unwrap());
    running.clock.set(due - SignedDuration::from_secs(1));
    running.clock.set(due);
    running.delivered(State::Published).await;
    assert_eq!(running.store.journal(10).await.unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_dated_ahead_enters_at_its_second_without_a_touch() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Embargo\ndate: 2026-11-23 10:00:00 +01:00");
    let mut running = Running::start(place, "", "2026-11-23T08:59:59Z").await;
    assert_eq!(entries(running.looked.borrow().as_deref().unwrap()), 0);
    running.clock.set("2026-11-23T09:00:00Z".parse().unwrap());
    running.until(|snapshot| entries(snapshot) == 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_a_thousand_files_deletes_and_half_written_files_are_followed() {
    let place = Place::new();
    place.article("_actualites/first.md", "title: Premier\ndate: 2026-11-01");
    let mut running = Running::start(place, "", "2026-11-22T10:00:00Z").await;
    for n in 0..1_000 {
        running.place.article(
            &format!("_actualites/f{n}.md"),
            &format!("title: Article {n}\ndate: 2026-10-01\ntags: [t{}]", n % 20),
        );
    }
    running.until(|snapshot| snapshot.feeds.feeds[0].articles == 1_001).await;
    running.place.write("_actualites/half.md", "---\ntitle: Moitié\npubl");
    running.until(|snapshot| snapshot.problems.iter().any(|problem| problem.file == "_actualites/half.md")).await;
    assert_eq!(running.looked.borrow().as_deref().unwrap().feeds.feeds[0].articles, 1_001);
    running.place.write("_actualites/half.md", "---\ntitle: Moitié\npublished: true\ndate: 2026-11-02\n---\nEntier.\n");
    running.until(|snapshot| snapshot.feeds.feeds[0].articles == 1_002).await;
    for n in 0..1_000 {
        running.place.remove(&format!("_actualites/f{n}.md"));
    }
    running.until(|snapshot| snapshot.feeds.feeds[0].articles == 2).await;
    running.stop().await;
}
