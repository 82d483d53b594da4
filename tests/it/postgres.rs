//! PostgreSQL in the place of the file: what the tests hold of the one, they hold of the other.

use crate::support::real::{Real, shared_postgres};
use crate::support::{Place, tools};
use crieur::people::{By, Road};
use crieur::reconcile::Reconciler;
use crieur::store::{Fault, Store};
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

/// What is asked of a store, by the names of the tests.
const CONTRACT: [&str; 18] = [
    "api::",
    "approval::",
    "backfill::",
    "campaigns::",
    "crash::",
    "deliver::",
    "edits::",
    "hardship::",
    "incremental::",
    "leader::",
    "log::",
    "media::",
    "moments::",
    "plan::",
    "publish_now::",
    "queue::",
    "removal::",
    "websub::",
];

/// Tests of these that open the file itself, or have a second one.
const OF_FILES: [&str; 19] = [
    "media::one_approval",
    "hardship::a_network_that_never_answers",
    "hardship::a_damaged_database",
    "hardship::a_database_that_is_locked",
    "hardship::a_database_that_may_not_be_written",
    "hardship::a_database_that_may_only",
    "hardship::a_full_disk",
    "hardship::a_row_that_cannot_be_read",
    "hardship::an_old_database",
    "log::a_delivery_in_whose_place",
    "log::a_delivery_that_other_hands",
    "log::a_post_that_other_hands",
    "log::nothing_in_it_can_be_changed",
    "log::one_flipped_byte",
    "log::what_the_tables_say",
    "log::whatever_other_hands_write",
    "media::a_rule_may_leave",
    "media::an_image_is_made_to_fit",
    "media::without_an_alternative_text",
];

#[test]
fn what_holds_with_a_file_holds_with_a_server() {
    if std::env::var_os("CRIEUR_TEST_STORE").is_some() || tools::postgres("postgres_server.sh").is_none() {
        return;
    }
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(CONTRACT).args(OF_FILES.iter().flat_map(|name| ["--skip", name]));
    let output = tests.args(["--test-threads", "2"]).env("CRIEUR_TEST_STORE", "postgres").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.matches("... ok").count() > 80, "they were run: {said}");
}

#[tokio::test]
async fn both_have_the_same_tables_and_tell_the_log_the_same() {
    let Some(server) = shared_postgres() else { return };
    let place = Place::on_server();
    let config = place.config("");
    Store::open(&config.store).await.unwrap().close().await;
    let file = Place::new();
    Store::open(&file.config("").store).await.unwrap().close().await;

    let mut postgres =
        PgConnection::connect(&format!("{}/{}", server.said("url"), place.database_name())).await.unwrap();
    let mut sqlite = SqliteConnection::connect(&format!("sqlite:{}", file.path("crieur.db").display())).await.unwrap();
    let theirs: Vec<(String, String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text from information_schema.columns where table_schema = 'public'",
    )
    .fetch_all(&mut postgres)
    .await
    .unwrap();
    let ours: Vec<(String, String, String)> = sqlx::query_as(
        "select tables.name, columns.name, lower(columns.type) from sqlite_master as tables, pragma_table_info(tables.name) as columns
         where tables.type = 'table' and tables.name not like 'sqlite_%'",
    )
    .fetch_all(&mut sqlite)
    .await
    .unwrap();
    let called = |kind: &str| match kind {
        "integer" => "bigint",
        "blob" => "bytea",
        "real" => "double precision",
        other => panic!("{other}"),
    };
    let ours: BTreeSet<_> = ours
        .into_iter()
        .map(|(table, column, kind)| {
            let kind = if kind == "text" { kind } else { called(&kind).to_owned() };
            (table, column, kind)
        })
        .collect();
    assert_eq!(theirs.into_iter().collect::<BTreeSet<_>>(), ours);

    let theirs: Vec<String> = sqlx::query_scalar("select tgname::text from pg_trigger where not tgisinternal")
        .fetch_all(&mut postgres)
        .await
        .unwrap();
    let ours: Vec<String> = sqlx::query_scalar("select name from sqlite_master where type = 'trigger'")
        .fetch_all(&mut sqlite)
        .await
        .unwrap();
    assert_eq!(theirs.into_iter().collect::<BTreeSet<_>>(), ours.into_iter().collect());
}

#[tokio::test]
async fn what_other_hands_write_into_a_server_is_noted_once_and_stays_told() {
    let Some(server) = shared_postgres() else { return };
    let place = Place::on_server();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-01-01");
    let config = place.config("");
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    let now = crieur::clock::Clock::system().now();
    reconciler.pass(&store, now).await.unwrap();
    assert_eq!(store.verify_log(None).await.unwrap().faults, []);
    let mut by_hand =
        PgConnection::connect(&format!("{}/{}", server.said("url"), place.database_name())).await.unwrap();
    sqlx::query("update articles set decided = null").execute(&mut by_hand).await.unwrap();
    let told = |faults: &[Fault]| {
        let other_hands = |fault: &&Fault| matches!(fault, Fault::OtherHands { .. });
        (faults.iter().filter(other_hands).count(), faults.len())
    };
    // Whatever is written next notes it; it is sealed with what comes first.
    for _ in 0..2 {
        reconciler.pass(&store, now).await.unwrap();
    }
    let by = By::new("Aya", Road::Command);
    store.silence_on("essai", &by, now).await.unwrap();
    assert_eq!(told(&store.verify_log(None).await.unwrap().faults), (1, 1));
    store.close().await;
}

/// What each trigger tells of, by the words before its values: `booked: article rule …`.
fn told(sql: &str, object: &str) -> BTreeSet<String> {
    let told = |body: &str| {
        let values = body.split(");").next().unwrap();
        let words: Vec<&str> = values.split('\'').skip(1).step_by(2).collect();
        words.join(" ")
    };
    sql.split(object)
        .zip(sql.split(object).skip(1))
        .map(|(before, body)| {
            let kind = before.rsplit('\'').nth(1).unwrap();
            format!("{kind}: {}", told(body))
        })
        .collect()
}

#[test]
fn both_logs_are_told_in_the_same_words() {
    let file = include_str!("../../src/store/log.sql");
    // What there was before the log began is told of files only: there was no server then.
    let file = file.split_once("log_stays_1").unwrap().1;
    let ours = told(file, "json_object(");
    assert!(ours.len() > 10);
    assert_eq!(told(include_str!("../../src/store/log_postgres.sql"), "json_build_object("), ours);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_is_come_back_to() {
    let Some(mut server) = Real::postgres() else { return };
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20");
    let yaml = place
        .yaml("")
        .replace(&format!("sqlite:{}", place.path("crieur.db").display()), &format!("{}/postgres", server.said("url")));
    let config = Arc::new(crate::support::parse(&yaml).unwrap());
    let store = Store::open(&config.store).await.unwrap();
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let first = Reconciler::new(Arc::clone(&config)).pass(&store, now).await.unwrap();
    assert!(first.first.is_some());
    server.restart();
    // What stood on the connections that are gone may fail once each; then all goes on.
    let mut tries = 0;
    while store.ping().await.is_err() {
        tries += 1;
        assert!(tries < 20, "the server is not come back to");
    }
    let second = Reconciler::new(Arc::clone(&config)).pass(&store, now).await.unwrap();
    assert!(second.first.is_none());
    assert_eq!(second.feeds.documents.len(), first.feeds.documents.len());
}

#[test]
fn a_server_that_is_not_there_is_said_without_its_password() {
    let place = Place::new();
    let crieur = place.crieur("");
    let yaml = std::fs::read_to_string(&crieur.file).unwrap();
    let store = format!("sqlite:{}", place.path("crieur.db").display());
    std::fs::write(&crieur.file, yaml.replace(&store, "postgres://crieur:canari@127.0.0.1:9/crieur")).unwrap();
    for command in [&["run", "--once"][..], &["posts"], &["check"], &["silence", "on", "--reason", "essai"]] {
        let output = crieur.command(command).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{command:?}: {said}");
        assert!(said.contains("crieur on 127.0.0.1:9") && said.contains("cannot be reached"), "{said}");
        assert!(!said.contains("canari"), "{said}");
    }
}
