//! The program's clock: the system's. In builds with debug assertions a test may hold its hand, so that a process of its
//! own lives through months in seconds.

use crate::clock::Clock;
use std::path::PathBuf;
use std::time::Duration;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The system's clock, or in builds with debug assertions the one whose time stands in the file that `CRIEUR_TEST_CLOCK`
/// names.
pub fn clock() -> Clock {
    match std::env::var_os("CRIEUR_TEST_CLOCK").filter(|_| cfg!(debug_assertions)) {
        Some(file) => held(file.into()),
        None => Clock::system(),
    }
}

fn held(file: PathBuf) -> Clock {
    let read = move || std::fs::read_to_string(&file).ok()?.trim().parse().ok();
    let Some(start) = read() else { return Clock::system() };
    let clock = Clock::by_hand(start);
    let hand = clock.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK);
            if let Some(now) = read().filter(|now| *now != hand.now()) {
                hand.set(now);
            }
        }
    });
    clock
}
