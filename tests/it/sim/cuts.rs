//! One short story, told again and again: each time the process dies at another place, until there is none at which it
//! has not died. At every write: just before it counts, and just after. At every await: the process waited there, and
//! never heard the answer. And with a disk that fails at every write, for once or for a while, where the process lives on.

use super::law;
use super::world::{ENDPOINTS, World};
use super::{each, number};
use crieur::crash::{Failing, cut_after, disk_fails};
use jiff::SignedDuration;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    /// At how many awaits this thread still goes on; None: at all of them.
    static AWAITS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Whether the process dies at the await that it has come to.
pub fn at_an_await() -> bool {
    let left = AWAITS.get();
    AWAITS.set(left.and_then(|left| left.checked_sub(1)));
    left == Some(0)
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before or after the n-th write.
    Write,
    /// At the n-th await.
    Await,
    /// The process lives; the disk fails the n-th write, and so many after it. Whether they are written all the same.
    Disk(usize, bool),
}

/// The story: two articles that go out, one that is renamed, one that is withdrawn before its turn in the queue.
async fn story(world: &mut World) {
    world.pass().await;
    let (first, second) = (world.add(-10, true), world.add(-5, true));
    for hours in [0, 2, 24] {
        world.turn_the_clock(SignedDuration::from_hours(hours));
        world.pass().await;
        for endpoint in ENDPOINTS {
            world.step(endpoint).await;
            world.step(endpoint).await;
        }
        world.rename(&first, hours as u64);
    }
    world.delete(&second);
    world.pass().await;
}

/// Does something that dies at a place.
pub async fn dying<T>(at: At, place: u64, work: impl AsyncFnOnce() -> T) -> T {
    match at {
        At::Write => cut_after(Some(place as usize)),
        At::Await => AWAITS.set(Some(place)),
        At::Disk(times, is_written) => {
            disk_fails(Some(Failing { after: place as usize, times, is_written }));
        }
    }
    let done = work().await;
    cut_after(None);
    AWAITS.set(None);
    done
}

/// Tells the story with a death, or a fault, at a place. Whether it was reached.
async fn told(at: At, place: u64) -> bool {
    let mut world = World::new(0, false, None).await;
    dying(at, place, async || story(&mut world).await).await;
    let failing = disk_fails(None);
    let deliveries = world.calm().await;
    law::nothing_is_lost(&world, &deliveries);
    match at {
        At::Disk(times, _) => failing.is_none_or(|left| left.times < times),
        At::Write | At::Await => world.deaths > 0,
    }
}

/// Tells the story with a death at every place. How many there are.
fn everywhere(at: At, places_at_least: u64) {
    // The first place at which the process did not die: the story has no such place.
    let end = AtomicU64::new(u64::MAX);
    let (from, most) = match number("CRIEUR_CUT") {
        Some(place) => (place, place + 1),
        None => (0, 10_000),
    };
    let places = (from..most).take_while(|place| *place < end.load(Ordering::Relaxed));
    let failed = each(places, "", async |place| {
        if !told(at, place).await {
            end.fetch_min(place, Ordering::Relaxed);
        }
    });
    AWAITS.set(None);
    if let Some((place, said)) = failed {
        panic!("CRIEUR_CUT={place} at {at:?}: {said}");
    }
    let places = end.into_inner();
    println!("at each of {places} places: {at:?}");
    assert!(from > 0 || places > places_at_least, "{places}");
}

#[test]
fn a_death_at_any_write_costs_nothing() {
    everywhere(At::Write, 60);
}

#[test]
fn a_death_at_any_await_costs_nothing() {
    everywhere(At::Await, 80);
}

#[test]
fn a_disk_that_fails_at_any_write_costs_nothing() {
    // Once; for as long as a receipt waits for room; for longer than that.
    for times in [1, 5, 30] {
        everywhere(At::Disk(times, false), 20);
        everywhere(At::Disk(times, true), 20);
    }
}
