//! Places at which a test lets the process, or what it does, die as if the power were cut; and a disk that fails when a
//! test wants it to.

use std::cell::Cell;

thread_local! {
    /// How many places this thread still passes; None: all of them.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    /// How the disk fails this thread.
    static FAILING: Cell<Option<Failing>> = const { Cell::new(None) };
}

/// What a thread ends with at a place that a test chose by [`cut_after`].
#[derive(Debug)]
pub struct Cut;

/// Ends the process on the spot if the environment's `CRIEUR_CRASH_AT` names this place; ends what the thread does if a
/// test counted to it. Only in builds with debug assertions; the code around it is the same in all builds.
pub fn crash_point(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    if std::env::var("CRIEUR_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        std::process::abort();
    }
    match LEFT.get() {
        None => {}
        Some(0) => {
            LEFT.set(None);
            // Not by a panic's own road: nothing is said, and a test tells it from a panic.
            std::panic::resume_unwind(Box::new(Cut));
        }
        Some(left) => LEFT.set(Some(left - 1)),
    }
}

/// Lets this thread pass so many places more, then unwind with [`Cut`]; None: it passes all.
pub fn cut_after(places: Option<usize>) {
    LEFT.set(places);
}

/// How a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// After how many writes that succeed.
    pub after: usize,
    /// How many writes fail then.
    pub times: usize,
    /// Whether those were written all the same, and only their end was not heard of.
    pub is_written: bool,
}

/// Lets the disk fail this thread; None: it is well. How it was failing until now, as far as that was still to come.
pub fn disk_fails(how: Option<Failing>) -> Option<Failing> {
    FAILING.replace(how)
}

/// Whether a write fails now, and then whether it is written all the same. Only in builds with debug assertions.
pub fn disk_fault() -> Option<bool> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let failing = FAILING.get()?;
    if failing.after > 0 {
        FAILING.set(Some(Failing { after: failing.after - 1, ..failing }));
        return None;
    }
    FAILING.set((failing.times > 1).then(|| Failing { times: failing.times - 1, ..failing }));
    Some(failing.is_written)
}
