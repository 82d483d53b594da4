//! The database through time: one that an earlier version wrote goes on as if nothing had happened.

use crate::support::Place;
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use std::sync::Arc;

/// Leaves the tables, the columns and nothing else of the first version.
async fn take_out_what_came_later(pool: &SqlitePool) {
    const THINGS: &str = "select type, name from sqlite_master where name not like 'sqlite_%' order by type = 'table'";
    let first = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(include_str!("../../src/store/schema.sql")).execute(&first).await.unwrap();
    let things: Vec<(String, String)> = sqlx::query_as(THINGS).fetch_all(&first).await.unwrap();
    let now: Vec<(String, String)> = sqlx::query_as(THINGS).fetch_all(pool).await.unwrap();
    // What refers to others goes before them.
    let rank = |kind: &str| ["trigger", "index", "table"].iter().position(|known| *known == kind);
    let mut later: Vec<&(String, String)> = now.iter().filter(|thing| !things.contains(thing)).collect();
    later.sort_by_key(|(kind, name)| (rank(kind), name != "approvals"));
    for (kind, name) in later {
        sqlx::raw_sql(AssertSqlSafe(format!("drop {kind} if exists {name}"))).execute(pool).await.unwrap();
    }
    for (_, table) in things.iter().filter(|(kind, _)| kind == "table") {
        let columns = format!("select name from pragma_table_info('{table}')");
        let known: Vec<String> = sqlx::query_scalar(AssertSqlSafe(columns.clone())).fetch_all(&first).await.unwrap();
        let there: Vec<String> = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_all(pool).await.unwrap();
        for column in there.iter().filter(|column| !known.contains(column)) {
            let drop = format!("alter table {table} drop column {column}");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(pool).await.unwrap();
        }
    }
}

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
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(config.store.beside())).await.unwrap();
    take_out_what_came_later(&pool).await;
    sqlx::raw_sql(
        "delete from meta where name in ('index', 'generation');
         update articles set visible = visible || visible, state = state || state;
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
