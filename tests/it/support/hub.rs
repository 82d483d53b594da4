//! A daemon with the built-in hub, or with hubs elsewhere, on a clock that is turned by hand.

use super::Place;
use crieur::clock::Clock;
use crieur::config::Config;
use crieur::daemon::{Daemon, DaemonError};
use crieur::hub::Subscription;
use crieur::reconcile::Snapshot;
use crieur::store::Store;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use url::form_urlencoded;

pub const START: &str = "2026-11-22T10:00:00Z";

/// What is waited for comes much sooner; only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon.
pub struct Running {
    pub base: String,
    pub clock: Clock,
    pub store: Store,
    looked: watch::Receiver<Option<Arc<Snapshot>>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), DaemonError>>,
}

impl Running {
    /// Starts a daemon on a free port, whose public address is given, or else its own.
    pub async fn start(place: &Place, rest: &str, clock: Clock, public_url: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let public_url = public_url.unwrap_or(&base);
        let config: Arc<Config> = place.config(&format!("http: {{ public_url: \"{public_url}\" }}\n{rest}"));
        let daemon = Daemon::wire(config, clock.clone(), false).await.unwrap();
        let (looked, store) = (daemon.snapshots(), daemon.store().clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(daemon.run(listener, async move {
            let _ = stopped.await;
        }));
        let mut running = Self { base, clock, store, looked, stop, task };
        running.until(|_| true).await;
        running
    }

    /// Waits for a pass after which something holds.
    pub async fn until(&mut self, holds: impl Fn(&Snapshot) -> bool) {
        let waited = self.looked.wait_for(|snapshot| snapshot.as_deref().is_some_and(&holds));
        tokio::time::timeout(PATIENCE, waited).await.expect("no pass made it so").unwrap();
    }

    /// Waits for a pass whose feed of everything shows a text.
    pub async fn shows(&mut self, text: &str) {
        let has = |body: &[u8]| body.windows(text.len()).any(|window| window == text.as_bytes());
        self.until(|snapshot| has(&snapshot.feeds.documents["/feeds/all.rss"].body)).await;
    }

    /// The bytes of a document that is served.
    pub fn body(&self, path: &str) -> Vec<u8> {
        self.looked.borrow().as_ref().unwrap().feeds.documents[path].body.to_vec()
    }

    /// The address of a document, as it calls itself.
    pub fn topic(&self, path: &str) -> String {
        self.looked.borrow().as_ref().unwrap().feeds.documents[path].address.clone()
    }

    /// The validators of all documents that can be subscribed to, by their address.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let snapshot = self.looked.borrow();
        let documents = snapshot.as_ref().unwrap().feeds.documents.values();
        let topics = documents.filter(|document| !document.hubs.is_empty());
        topics.map(|document| (document.address.clone(), document.etag.clone())).collect()
    }

    /// Posts a form to the hub: the status, and the text of the answer.
    pub async fn post(&self, pairs: &[(&str, &str)]) -> (u16, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.post_as("application/x-www-form-urlencoded", body).await
    }

    pub async fn post_as(&self, content_type: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = reqwest::Client::new().post(format!("{}/hub", self.base)).header("content-type", content_type);
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Subscribes, and waits until it is verified.
    pub async fn subscribe(&self, topic: &str, callback: &str, more: &[(&str, &str)]) -> Subscription {
        let mut pairs = vec![("hub.mode", "subscribe"), ("hub.topic", topic), ("hub.callback", callback)];
        pairs.extend(more);
        assert_eq!(self.post(&pairs).await, (202, "taken; the callback is asked now\n".to_owned()));
        self.subscription(callback, |subscription| {
            subscription.asked.is_none() && subscription.state.word() == "active"
        })
        .await
    }

    /// Waits for a state of the subscription of a callback.
    pub async fn subscription(&self, callback: &str, holds: impl Fn(&Subscription) -> bool) -> Subscription {
        let print = crieur::hub::Callback::parse(callback).unwrap().print();
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let mut last = None;
        let waited = async {
            loop {
                let all = self.store.subscriptions(false, self.clock.now()).await.unwrap();
                last = all.into_iter().map(|found| found.subscription).find(|one| one.print == print);
                match &last {
                    Some(subscription) if holds(subscription) => return subscription.clone(),
                    _ => ticks.tick().await,
                };
            }
        };
        match tokio::time::timeout(PATIENCE, waited).await {
            Ok(subscription) => subscription,
            Err(_) => panic!("the subscription never came there: {last:#?}"),
        }
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it drains").unwrap().unwrap();
    }
}
