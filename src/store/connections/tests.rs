use super::{Connections, Files};
use crate::store::sql::{Error, Pool, Transaction, query, query_scalar};
use futures_util::poll;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

async fn pool(folder: &Path) -> Pool {
    let path = folder.join("essai.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let writing = Connections::new(&path, flags | OpenFlags::SQLITE_OPEN_CREATE, 1);
    let pool = Pool::Sqlite(Files { reading: Connections::new(&path, flags, 2), writing });
    query("create table things (name text primary key)").execute(&pool).await.unwrap();
    pool
}

async fn put(transaction: &mut Transaction, name: &str) -> Result<u64, Error> {
    Ok(query("insert into things values (?)").bind(name).execute(transaction).await?.rows_affected())
}

async fn names(pool: &Pool) -> Vec<String> {
    query_scalar("select name from things order by name").fetch_all(pool).await.unwrap()
}

async fn what_is_dropped_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let mut first = pool.begin_to_write().await.unwrap();
    assert_eq!(put(&mut first, "a").await.unwrap(), 1);
    drop(first);
    let mut second = pool.begin_to_write().await.unwrap();
    put(&mut second, "b").await.unwrap();
    // What is refused leaves the rest of the transaction as it is.
    assert!(matches!(put(&mut second, "b").await, Err(Error::File(_))));
    put(&mut second, "c").await.unwrap();
    assert_eq!(names(&pool).await, Vec::<String>::new(), "nobody sees what is not committed");
    second.commit().await.unwrap();
    assert_eq!(names(&pool).await, ["b", "c"]);

    // A reader's moment stays, and it cannot write.
    let mut reader = pool.begin_to_read().await.unwrap();
    let count = "select count(*) from things";
    assert_eq!(query_scalar(count).fetch_one::<i64>(&mut reader).await.unwrap(), 2);
    query("insert into things values ('d')").execute(&pool).await.unwrap();
    assert_eq!(query_scalar(count).fetch_one::<i64>(&mut reader).await.unwrap(), 2);
    drop(reader);
    assert_eq!(names(&pool).await, ["b", "c", "d"]);
    pool.close().await;
    assert!(matches!(pool.begin_to_write().await.err(), Some(Error::Closed)));
}

#[tokio::test]
async fn what_is_dropped_never_was_on_one_thread() {
    what_is_dropped_never_was().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_never_was_on_many_threads() {
    what_is_dropped_never_was().await;
}

/// One writer that waits for the commit of what it wrote, and another one that began to write after it.
async fn two_that_write(pool: &Pool) -> (impl Future<Output = Result<(), Error>> + use<>, Transaction) {
    let mut first = pool.begin_to_write().await.unwrap();
    put(&mut first, "first").await.unwrap();
    let mut next = Box::pin(pool.begin_to_write());
    assert!(poll!(&mut next).is_pending());
    let mut commit = Box::pin(first.commit());
    assert!(poll!(&mut commit).is_pending(), "whoever stands in line goes first");
    let mut second = next.await.unwrap();
    put(&mut second, "second").await.unwrap();
    assert!(poll!(&mut commit).is_pending());
    assert_eq!(names(pool).await, Vec::<String>::new(), "nothing counts before the commit");
    (commit, second)
}

#[tokio::test]
async fn those_who_stand_in_line_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let (first, second) = two_that_write(&pool).await;
    let (first, second) = tokio::join!(first, second.commit());
    first.unwrap();
    second.unwrap();
    assert_eq!(names(&pool).await, ["first", "second"]);
}

#[tokio::test]
async fn what_one_of_them_takes_back_or_is_refused_is_not_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let (first, mut second) = two_that_write(&pool).await;
    assert!(matches!(put(&mut second, "first").await, Err(Error::File(_))), "it sees what they wrote");
    drop(second);
    first.await.unwrap();
    assert_eq!(names(&pool).await, ["first"]);
}

#[tokio::test]
async fn what_ends_all_of_it_is_told_to_all() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let (first, mut second) = two_that_write(&pool).await;
    // As SQLite does by itself when a disk is full.
    query("rollback").execute(&mut second).await.unwrap();
    assert!(put(&mut second, "third").await.is_err(), "what is left of it does not count alone");
    assert!(second.commit().await.is_err());
    assert!(first.await.is_err());
    assert_eq!(names(&pool).await, Vec::<String>::new());
    query("insert into things values ('fourth')").execute(&pool).await.unwrap();
}

#[tokio::test]
async fn what_was_given_up_in_its_commit_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let others = || async {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags(folder.path().join("essai.db"), flags).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection.execute("insert or ignore into things values ('other')", []).unwrap();
    };
    let pool = pool(folder.path()).await;

    let (first, second) = two_that_write(&pool).await;
    drop(first);
    drop(second);
    others().await;
    assert_eq!(names(&pool).await, ["first", "other"]);

    query("delete from things").execute(&pool).await.unwrap();
    let (first, second) = two_that_write(&pool).await;
    drop(second);
    drop(first);
    others().await;
    assert_eq!(names(&pool).await, ["first", "other"]);

    query("delete from things").execute(&pool).await.unwrap();
    let (first, second) = two_that_write(&pool).await;
    drop(first);
    second.commit().await.unwrap();
    others().await;
    assert_eq!(names(&pool).await, ["first", "other", "second"]);

    // Closed in the midst, it is committed first.
    query("delete from things").execute(&pool).await.unwrap();
    let (first, second) = two_that_write(&pool).await;
    let mut close = Box::pin(pool.close());
    assert!(poll!(&mut close).is_pending());
    let mut last = Box::pin(second.commit());
    assert!(poll!(&mut last).is_pending());
    let ((), first, last) = tokio::join!(close, first, last);
    first.unwrap();
    last.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_take_turns_and_one_that_is_given_up_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let mut all = tokio::task::JoinSet::new();
    for number in 0..40 {
        let pool = pool.clone();
        all.spawn(async move {
            let mut transaction = pool.begin_to_write().await.unwrap();
            let found: i64 = query_scalar("select count(*) from things").fetch_one(&mut transaction).await.unwrap();
            tokio::task::yield_now().await;
            put(&mut transaction, &format!("{found:03}")).await.unwrap();
            // Some are given up in the midst of their commit, or before it.
            match number % 4 {
                0 => drop(transaction),
                1 => drop(tokio::time::timeout(Duration::ZERO, transaction.commit()).await),
                _ => transaction.commit().await.unwrap(),
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    let names = names(&pool).await;
    assert!((20..=30).contains(&names.len()), "{names:?}");
    assert_eq!(names, (0..names.len()).map(|n| format!("{n:03}")).collect::<Vec<_>>(), "each saw those before it");
}

#[tokio::test]
async fn what_is_committed_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(folder.path()).await;
    let mut writer = pool.begin_to_write().await.unwrap();
    // FULL (sqlite.org/pragma.html#pragma_synchronous): no test that kills a process would see it missing.
    let synced: i64 = query_scalar("pragma synchronous").fetch_one(&mut writer).await.unwrap();
    assert_eq!(synced, 2);
}
