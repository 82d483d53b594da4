//! A process of its own on a clock that is turned by hand, and hands that change its database behind its back.

use super::mastodon::Server;
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::deliver::{Deliverer, Step};
use crieur::delivery::{Delivery, State};
use crieur::reconcile::{Reconciler, Snapshot};
use crieur::store::Store;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::path::Path;
use std::sync::Arc;

/// A process of its own on a clock that is turned by hand.
pub struct Life {
    pub config: Arc<Config>,
    pub store: Store,
    pub clock: Clock,
    pub reconciler: Reconciler,
    pub deliverer: Deliverer,
}

impl Life {
    pub async fn begin(config: &Arc<Config>, clock: &Clock) -> Self {
        let store = Store::open(&config.store).await.unwrap();
        let deliverer = Deliverer::new(Arc::clone(config), store.clone(), clock.clone());
        let reconciler = Reconciler::new(Arc::clone(config));
        Self { config: Arc::clone(config), store, clock: clock.clone(), reconciler, deliverer }
    }

    pub async fn pass(&mut self) -> Snapshot {
        self.reconciler.book(&self.store, self.clock.now()).await.unwrap()
    }

    /// A pass, and all that is due of the first endpoint. The outbox then.
    pub async fn live(&mut self) -> Vec<Delivery> {
        let snapshot = self.pass().await;
        let endpoint: EndpointName = self.config.endpoints.keys().next().unwrap().clone();
        for _ in 0..100 {
            match self.deliverer.step(&endpoint, None, &snapshot).await.unwrap() {
                Step::Did(_) => {}
                Step::Wait(Some(until)) if until <= self.clock.now() => {}
                Step::Wait(_) => break,
            }
        }
        self.store.deliveries().await.unwrap()
    }

    /// As [`Life::live`]; the states alone.
    pub async fn states(&mut self) -> Vec<State> {
        self.live().await.into_iter().map(|delivery| delivery.state).collect()
    }

    pub async fn end(self) {
        self.store.close().await;
    }
}

/// A rule that posts everything to a Mastodon at once; `more` is what else the rule says.
pub fn posting(server: &Server, more: &str) -> String {
    format!(
        "{}\nrules: [{{ name: une, endpoints: [mastodon], live_check: false{more} }}]\nbaseline: none\ndelivery: {{ retry_first: 1s, retry_most: 2s }}",
        server.endpoints()
    )
}

/// Changes a database as no program of ours would.
pub async fn by_other_hands(database: &Path, statements: &str) {
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(database)).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&pool).await.unwrap();
    pool.close().await;
}
