//! The whole road on simulated time: an editor who fumbles, networks that fail in every way, a disk that fails, a clock that
//! jumps, a person who hushes everything and another who reads what goes out, two processes on one database, and each of
//! them dies at any place where it writes or waits. Real files, the real database, the real plan and delivery; only the
//! networks and the clock are the test's own.
//!
//! A seed gives the same run again: `CRIEUR_SEED=7`. How many are tried: `CRIEUR_SEEDS=100000`, which `scripts/seeds`
//! asks for in a build that is quick enough, and from which on: `CRIEUR_FIRST`. On how many threads: `CRIEUR_THREADS`.

pub mod cuts;
mod law;
pub mod sea;
mod world;

use crieur::crash::{Cut, cut_after, disk_fails};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use world::World;

/// A bug that is planted, to see that the run tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A try that was cut off is forgotten, and simply made again.
    ForgottenTry,
    /// Another path is another article.
    KeyedByPath,
    /// Quiet hours are ignored.
    NoQuietHours,
    /// What is due last goes first.
    NewestFirst,
    /// Posts of an endpoint may come in a burst.
    NoGap,
    /// Silence is not heard.
    NoSilence,
    /// Blackouts are ignored.
    NoBlackouts,
    /// An endpoint has as many posts a day as there are.
    NoCap,
    /// A slot takes more than one.
    NoQueue,
    /// Dates are read as those of a zone further east.
    WrongZone,
    /// An article that is unpublished is taken for one that is there.
    NoUnpublishing,
    /// What waits is called off when a process dies.
    DroppedAtDeath,
    /// Nobody need have read what goes out.
    NoApproval,
}

/// Each planted bug, and the first words of what the run says of it: every law has one that breaks it.
const PLANTS: [(Plant, &str); 13] = [
    (Plant::ForgottenTry, "twice"),
    (Plant::KeyedByPath, "twice"),
    (Plant::NoQuietHours, "in quiet hours"),
    (Plant::NewestFirst, "out of order"),
    (Plant::NoGap, "in a burst"),
    (Plant::NoSilence, "in silence"),
    (Plant::NoBlackouts, "in a blackout"),
    (Plant::NoCap, "over the cap"),
    (Plant::NoQueue, "two in one slot"),
    (Plant::WrongZone, "early"),
    (Plant::NoUnpublishing, "withdrawn"),
    (Plant::DroppedAtDeath, "lost"),
    (Plant::NoApproval, "unread"),
];

/// Runs something that may die, as a process does: what it had begun to write is undone, what it knew is lost.
pub async fn mortal<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) if cuts::at_an_await() => Poll::Ready(None),
        Ok(Poll::Pending) => Poll::Pending,
        Err(end) if end.is::<Cut>() => Poll::Ready(None),
        Err(panic) => resume_unwind(panic),
    })
    .await
}

/// One run. What is wrong is a panic.
async fn run(seed: u64, plant: Option<Plant>) {
    let mut world = World::new(seed, true, plant).await;
    // The first start is calm: what is deleted before its text was worked out, and comes back under another name with
    // another date, cannot be told.
    world.found();
    world.pass().await;
    for _ in 0..40 {
        world.event().await;
    }
    let deliveries = world.calm().await;
    law::nothing_is_lost(&world, &deliveries);
    let log = world.store().verify_log(None).await.unwrap();
    assert!(log.faults.is_empty(), "in the log: {:?}", log.faults);
}

/// Does something for each number on all cores. The first that fails with words that begin like these, and the words.
pub fn each(
    numbers: impl Iterator<Item = u64> + Send,
    like: &str,
    work: impl AsyncFn(u64) + Sync,
) -> Option<(u64, String)> {
    let numbers = Mutex::new(numbers);
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = number("CRIEUR_THREADS").map_or(cores, |threads| threads as usize);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // What the program does on all cores it does here on this one: to hand a few files to another thread
                // takes longer than to read them.
                let _alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while failed.lock().unwrap().is_none() {
                    let Some(number) = numbers.lock().unwrap().next() else { break };
                    let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work(number))));
                    cut_after(None);
                    disk_fails(None);
                    if let Err(panic) = done {
                        let said = panic.downcast_ref::<String>().cloned();
                        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
                        let said = said.unwrap_or_default();
                        if said.starts_with(like) {
                            failed.lock().unwrap().get_or_insert((number, said));
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_early_nothing_twice_nothing_lost_whatever_happens() {
    let seeds = match number("CRIEUR_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("CRIEUR_FIRST").unwrap_or(0);
            first..first + number("CRIEUR_SEEDS").unwrap_or(200)
        }
    };
    if let Some((seed, said)) = each(seeds, "", async |seed| run(seed, None).await) {
        panic!("CRIEUR_SEED={seed}: {said}");
    }
}

#[test]
fn planted_bugs_are_found() {
    for (plant, like) in PLANTS {
        let found = each(0..500, like, async |seed| run(seed, Some(plant)).await);
        let (seed, said) = found.unwrap_or_else(|| panic!("{plant:?} is not found"));
        println!("{plant:?}: found by seed {seed}: {}", said.lines().next().unwrap_or_default());
    }
}
