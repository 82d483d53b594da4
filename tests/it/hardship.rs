//! What can go wrong around the outbox: disks, clocks, rows, backups, signals, two daemons. Each has one outcome, and
//! none of them is a second post.

use crate::support::life::{Life, by_other_hands, posting};
use crate::support::mastodon::{Mood, Server, TOKEN};
use crate::support::{Crieur, Place};
use crieur::clock::Clock;
use crieur::config::EndpointName;
use crieur::delivery::State;
use crieur::people::By;
use crieur::store::{Leased, Terms};
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

const JOURNAL: &str =
    "endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none";

fn articles(place: &Place, names: std::ops::Range<usize>) {
    for n in names {
        place.article(
            &format!("_actualites/a{n}.md"),
            &format!("title: Article {n}\ndate: 2026-11-22 09:{:02}:00 +00:00", n % 60),
        );
    }
}

fn states(crieur: &Crieur) -> Vec<String> {
    let posts = crieur.json(&["posts", "--json"]);
    posts.as_array().unwrap().iter().map(|post| post["state"].as_str().unwrap().to_owned()).collect()
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_that_is_put_back_posts_nothing_again() {
    let server = Server::start(false).await;
    let place = Place::new();
    articles(&place, 0..1);
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(noon());
    let mut life = Life::begin(&config, &clock).await;
    assert_eq!(life.states().await, [State::Published]);
    life.end().await;
    let backup = std::fs::read(config.store.beside()).unwrap();

    // After the backup, a second article comes and goes out.
    clock.advance(SignedDuration::from_hours(3));
    place.article("_actualites/b.md", "title: Plus récent\ndate: 2026-11-22 14:50:00 +00:00");
    let mut life = Life::begin(&config, &clock).await;
    life.states().await;
    clock.advance(SignedDuration::from_mins(30));
    assert_eq!(life.states().await, [State::Published; 2]);
    life.end().await;
    assert_eq!(server.texts().len(), 2);

    for beside in ["crieur.db-wal", "crieur.db-shm"] {
        let _ = std::fs::remove_file(place.path(beside));
    }
    std::fs::write(config.store.beside(), backup).unwrap();
    clock.advance(SignedDuration::from_hours(5));
    let mut life = Life::begin(&config, &clock).await;
    life.states().await;
    clock.advance(SignedDuration::from_mins(30));
    assert_eq!(life.states().await, [State::Published; 2]);
    assert_eq!((server.texts().len(), server.requests().len()), (2, 2), "it was found there, not sent");
    let found = &life.store.deliveries().await.unwrap()[1];
    assert!(found.reason.as_deref().unwrap().contains("already"), "{found:?}");
}

#[tokio::test]
async fn a_clock_that_jumps_two_hours_posts_nothing_twice_and_stops_nothing() {
    let server = Server::start(false).await;
    let place = Place::new();
    articles(&place, 0..1);
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(noon());
    let mut life = Life::begin(&config, &clock).await;
    assert_eq!(life.states().await, [State::Published]);
    for hours in [-2, 2, 2, -2] {
        clock.advance(SignedDuration::from_hours(hours));
        life.states().await;
        assert_eq!(server.texts().len(), 1);
    }
    // Back by two hours, a new article settles and goes out all the same: the last post lies in the future.
    clock.advance(SignedDuration::from_hours(-2));
    place.article("_actualites/b.md", "title: Deux\ndate: 2026-11-22 09:30:00 +00:00");
    life.states().await;
    clock.advance(SignedDuration::from_mins(31));
    assert_eq!(life.states().await, [State::Published; 2]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_waits_for_a_person_and_the_others_go_out() {
    let server = Server::start(true).await;
    let place = Place::new();
    articles(&place, 0..4);
    let config = place.config(&posting(&server, ""));
    let clock = Clock::by_hand(noon());
    let mut life = Life::begin(&config, &clock).await;
    life.reconciler.book(&life.store, clock.now()).await.unwrap();
    by_other_hands(
        config.store.beside(),
        "update deliveries set article = 'gâté' where id = 1;
         update deliveries set post = '{', look_first = 1 where id = 2;",
    )
    .await;
    let states = life.states().await;
    assert_eq!(states, [State::Uncertain, State::Published, State::Published], "the first is left out");
    assert_eq!(server.texts().len(), 2);
    let reason = life.store.deliveries().await.unwrap()[0].reason.clone().unwrap();
    assert!(reason.contains("posts resolve 2"), "{reason}");
}

#[test]
fn a_full_disk_costs_no_post_and_makes_no_second_one() {
    // A file may not grow over so many KiB: what a full disk does to a database, at one place after the other.
    for limit in [4, 40, 80, 120, 160, 220, 300] {
        let place = Place::new();
        let crieur = place.crieur(JOURNAL);
        articles(&place, 0..6);
        let binary = env!("CARGO_BIN_EXE_crieur");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" --config \"$1\" run --once");
        let mut command = Command::new("bash");
        command.args(["-c", &script, binary]).arg(&crieur.file).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{limit}: {said}");
        crieur.ok(&["run", "--once"]);
        assert_eq!(states(&crieur), ["published"; 6], "{limit}: {said}");
        let receipts = crieur.json(&["posts", "--json"]);
        let mut ids: Vec<String> =
            receipts.as_array().unwrap().iter().map(|post| post["remote_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        assert_eq!(ids, ["1", "2", "3", "4", "5", "6"], "{limit}");
        crieur.ok(&["log", "verify"]);
    }
}

#[test]
fn a_database_that_may_not_be_written_is_said_and_nothing_is_sent() {
    let place = Place::new();
    let crieur = place.crieur(JOURNAL);
    articles(&place, 0..1);
    // Whatever the user that runs the tests may do, nobody can make a database of a folder.
    std::fs::create_dir(place.path("crieur.db")).unwrap();
    let output = crieur.run(&["run", "--once"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot be opened; check the path, the rights and the space"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_only_be_read_is_said_and_nothing_is_sent() {
    let server = Server::start(false).await;
    let place = Place::new();
    let crieur = place.crieur(&posting(&server, ""));
    tokio::task::block_in_place(|| crieur.ok(&["run", "--once"]));
    articles(&place, 0..1);
    let rights = |mode: &str| {
        let done = Command::new("chmod").args(["-R", mode]).arg(place.folder.path()).status();
        assert!(done.unwrap().success());
    };
    rights("a+rX,a-w");
    let run = |arguments: &[&str]| {
        let mut command = crieur.command(arguments);
        // Rights do not bind root: a program of root's is run as one who owns nothing.
        if std::fs::metadata(place.folder.path()).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        tokio::task::block_in_place(|| command.output().unwrap())
    };
    let output = run(&["run", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be opened; check the path, the rights and the space"), "{said}");
    assert!(said.contains("crieur.db") && !said.contains("panicked"), "{said}");
    assert_eq!(server.requests().len(), 0);
    // What is planned can still be looked at.
    let looked = run(&["plan"]);
    let said = String::from_utf8_lossy(&looked.stderr).into_owned();
    assert!(looked.status.success(), "{said}");
    rights("u+w");
    tokio::task::block_in_place(|| crieur.ok(&["run", "--once"]));
    assert!(states(&crieur).iter().all(|state| state == "pending" || state == "published"));
}

/// What may become of a database's file.
type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 5] = [
    ("its beginning is overwritten", |bytes| bytes[..64].fill(b'#')),
    ("it is another file", |bytes| *bytes = b"title: Bonjour\n".repeat(2_000)),
    ("it is cut short", |bytes| bytes.truncate(bytes.len() / 2)),
    ("its tables are overwritten", |bytes| bytes[4_096..].fill(0xA5)),
    ("its list of tables is overwritten", |bytes| bytes[100..4_096].fill(0)),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_with_its_name_and_left_as_it_is() {
    for (damage, spoil) in DAMAGES {
        let server = Server::start(false).await;
        let place = Place::new();
        articles(&place, 0..2);
        let crieur = place.crieur(&posting(&server, ""));
        let first = tokio::task::block_in_place(|| crieur.run(&["run", "--once"]));
        assert!(first.status.success() || first.status.code() == Some(1), "{first:?}");
        let before = server.texts().len();
        let file = place.path("crieur.db");
        let whole = std::fs::read(&file).unwrap();
        let mut spoilt = whole.clone();
        spoil(&mut spoilt);
        std::fs::write(&file, &spoilt).unwrap();
        place.article("_actualites/nouveau.md", "title: Nouveau\ndate: 2026-11-22 09:40:00 +00:00");
        let output = tokio::task::block_in_place(|| crieur.run(&["run", "--once"]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && !said.contains("panicked"), "{damage}: {said}");
        assert!(said.contains("is damaged") && said.contains("restore a copy"), "{damage}: {said}");
        assert_eq!(server.texts().len(), before, "{damage}: nothing is sent");
        assert_eq!(std::fs::read(&file).unwrap(), spoilt, "{damage}: it is left for whoever mends it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_locked_is_waited_for() {
    let place = Place::new();
    let crieur = place.crieur(JOURNAL);
    crieur.ok(&["run", "--once"]);
    articles(&place, 0..3);
    let options = SqliteConnectOptions::new().filename(place.path("crieur.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let lock = pool.begin_with("begin immediate").await.unwrap();
    let mut child = crieur.command(&["run", "--once"]).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    lock.rollback().await.unwrap();
    pool.close().await;
    assert!(child.wait().unwrap().success());
    assert_eq!(states(&crieur), ["published"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_by_mistake_on_one_database_post_once() {
    let server = Server::start(false).await;
    let place = Place::new();
    let crieur = place.crieur(&posting(&server, ""));
    articles(&place, 0..12);
    let mut children: Vec<_> =
        (0..3).map(|_| crieur.command(&["run", "--once"]).stderr(Stdio::null()).spawn().unwrap()).collect();
    for child in &mut children {
        child.wait().unwrap();
    }
    crieur.ok(&["run", "--once"]);
    assert_eq!(states(&crieur), ["published"; 12]);
    let mut texts = server.texts();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), server.requests().len()), (12, 12));
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the binary has the system's clock, and so must its server")]
async fn a_daemon_that_is_told_to_stop_in_the_midst_of_a_post_leaves_one_post() {
    let server = Server::start(false).await;
    server.tell_time(Timestamp::now());
    server.moods([Mood::KeepThenHang]);
    let place = Place::new();
    let crieur = place.crieur(&posting(&server, ""));
    articles(&place, 0..1);
    let mut child = crieur
        .command(&["run", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..400 {
        if !server.requests().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.requests().len(), 1, "the post is under way");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    // Told a second time, it does not wait for what never comes.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap();
    crieur.run(&["run", "--once"]);
    assert_eq!(states(&crieur), ["published"]);
    assert_eq!((server.texts().len(), server.requests().len()), (1, 1), "it was found, not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_never_answers_delays_no_other() {
    let server = Server::start(true).await;
    // It takes connections, and says nothing.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let connections = tokio::spawn(async move {
        let mut all = Vec::new();
        loop {
            all.push(mute.accept().await.unwrap());
        }
    });
    let place = Place::new();
    articles(&place, 0..5);
    let account = |name: &str, url: &str| {
        format!("  {name}: {{ network: mastodon, server: \"{url}\", token: {TOKEN}, gap: 0s, allow_private: true }}\n")
    };
    let crieur = place.crieur(&format!(
        "endpoints:\n{}{}{}rules: [{{ name: une, endpoints: [muet, refuse, vif], live_check: false, settle: 0s, fresh: 3650d }}]\nbaseline: none",
        account("muet", &format!("http://{address}")),
        account("refuse", "http://127.0.0.1:1"),
        account("vif", &server.url),
    ));
    let mut child = crieur.command(&["run", "--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..1_000 {
        if server.texts().len() == 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let posts = crieur.json(&["posts", "--json"]);
    child.kill().unwrap();
    child.wait().unwrap();
    connections.abort();
    let of = |endpoint: &str| {
        let posts = posts.as_array().unwrap().iter().filter(|post| post["endpoint"] == endpoint);
        posts.map(|post| post["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(server.texts().len(), 5, "{posts:#}");
    assert_eq!(of("muet"), ["sending", "pending", "pending", "pending", "pending"], "its first try is still under way");
    assert_eq!(of("refuse"), ["pending"; 5]);
}

#[tokio::test]
async fn what_a_dead_process_left_waits_for_no_moment_of_a_clock_that_was_wrong() {
    let place = Place::new();
    articles(&place, 0..1);
    let config = place.config(JOURNAL);
    let (clock, endpoint) = (Clock::by_hand(noon()), EndpointName::new("essai"));
    let mut life = Life::begin(&config, &clock).await;
    life.reconciler.book(&life.store, noon()).await.unwrap();
    // One process dies with a lease in its hand.
    assert!(matches!(life.store.lease(&endpoint, None, &Terms::default(), noon()).await.unwrap(), Leased::Lease(_)));
    life.end().await;
    // The next one takes it back in silence, while its clock runs two hours ahead.
    let (life, ada) = (Life::begin(&config, &clock).await, By::command("ada"));
    let ahead = noon().checked_add(SignedDuration::from_hours(2)).unwrap();
    life.store.silence_on("une crise", &ada, ahead).await.unwrap();
    assert!(matches!(life.store.lease(&endpoint, None, &Terms::default(), ahead).await.unwrap(), Leased::Wait(None)));
    life.store.silence_off(&ada, noon()).await.unwrap();
    assert!(matches!(life.store.lease(&endpoint, None, &Terms::default(), noon()).await.unwrap(), Leased::Lease(_)));
}
