//! The database through time: one that an earlier version wrote goes on as if nothing had happened.

use crate::support::Place;
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::sync::Arc;

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_and_nothing_looks_changed() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00\ntags: [Cloud]");
    place.article("_communiques/b.md", "title: Deux");
    let config = place.config("");
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let store = Store::open(&config.store).await.unwrap();
    let before = Reconciler::new(Arc::clone(&config)).pass(&store, at("2026-11-23T10:00:00Z")).await.unwrap();
    store.close().await;

    // As version 1 had it: no index, no entries, longer hashes, nothing of what readers saw.
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&config.store)).await.unwrap();
    sqlx::raw_sql(
        "drop table index_pages; drop table entries; drop table subscriptions; drop table pings; drop index articles_gone;
         delete from meta where name in ('index', 'generation');
         update articles set visible = visible || visible, state = state || state;
         alter table articles drop column withdrawn_at; alter table articles drop column guid; alter table articles drop column event;
         alter table feeds drop column changed; alter table feeds drop column print;
         pragma user_version = 1;",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;

    assert!(
        Store::open_to_read(&config.store).await.is_err(),
        "a look changes nothing, so it cannot bring it up to date"
    );
    let store = Store::open(&config.store).await.unwrap();
    let after = Reconciler::new(Arc::clone(&config)).pass(&store, at("2026-11-23T11:00:00Z")).await.unwrap();
    assert!(after.first.is_none() && after.feeds.documents.len() > 3);
    for (path, document) in &before.feeds.documents {
        let now = &after.feeds.documents[path];
        assert_eq!((&now.body, now.last_modified), (&document.body, document.last_modified), "{path}");
    }
}
