//! What somebody is owed: the version of a document that is served now, if another one was told last.

use super::Trouble;
use crate::delivery::RetryPolicy;
use jiff::{SignedDuration, Timestamp};

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its validator.
    pub etag: String,
    /// When it last changed.
    pub modified: Timestamp,
}

impl Version {
    /// Older than all.
    pub const NONE: Self = Self { etag: String::new(), modified: Timestamp::UNIX_EPOCH };
}

/// What was told last, and how it goes with what is served now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// What was told last; at first, what was served when the telling was agreed on.
    pub told: Version,
    /// When it was told; None if nothing ever was.
    pub told_at: Option<Timestamp>,
    /// The validator of what was tried so often that it is not tried again. The next version is.
    pub given_up: Option<String>,
    /// Tries that failed since something was last told or given up.
    pub tries: u32,
    /// Not before this.
    pub retry_at: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// Whether something is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    No,
    /// Not before this.
    At(Timestamp),
    /// Now.
    Now,
}

impl Owed {
    /// How often one version is tried: over about an hour and a half.
    pub const TRIES: u32 = 10;
    /// The waits between tries.
    const WAITS: RetryPolicy = RetryPolicy {
        first: SignedDuration::from_secs(10),
        most: SignedDuration::from_hours(1),
        give_up: SignedDuration::from_hours(2),
    };
    /// Least time between two tellings: a burst of changes is told as one or two.
    pub const GAP: SignedDuration = SignedDuration::from_secs(1);
    /// How long a version that is not newer than what was told waits: another process may have told a newer one, which
    /// this one is about to find. If it does not, a clock was wrong, and it is told after all.
    const DOUBT: SignedDuration = SignedDuration::from_mins(5);

    /// Nothing but this version is known: it need not be told.
    pub fn since(version: Version) -> Self {
        Self { told: version, told_at: None, given_up: None, tries: 0, retry_at: None, error: None }
    }

    /// Whether the version that is served now is to be told. `served_since` is when it was first seen served.
    pub fn due(&self, served: &Version, served_since: Timestamp, now: Timestamp) -> Due {
        if served.etag == self.told.etag || self.given_up.as_ref() == Some(&served.etag) {
            return Due::No;
        }
        let after = |at: Timestamp, wait| at.checked_add(wait).unwrap_or(Timestamp::MAX);
        // Instants that a clock wrote which was ahead do not count.
        let gap = self.told_at.filter(|at| *at <= now).map(|at| after(at, Self::GAP));
        let retry = self.retry_at.filter(|at| at.duration_since(now) <= Self::WAITS.most);
        let is_doubtful = served.modified <= self.told.modified && served_since <= now;
        let doubt = is_doubtful.then(|| after(served_since, Self::DOUBT));
        match gap.into_iter().chain(retry).chain(doubt).max() {
            Some(at) if at > now => Due::At(at),
            _ => Due::Now,
        }
    }

    /// Whether the last try failed.
    pub fn is_struggling(&self) -> bool {
        self.tries > 0 || self.given_up.is_some()
    }

    /// A version was told.
    pub fn tell(&mut self, version: Version, now: Timestamp) {
        *self = Self { told_at: Some(now), ..Self::since(version) };
    }

    /// A try failed. `key` spreads the waits of those that failed together.
    pub fn fail(&mut self, version: &Version, trouble: Trouble, key: i64, now: Timestamp) {
        self.tries += 1;
        self.error = Some(trouble.reason);
        if self.tries >= Self::TRIES {
            self.given_up = Some(version.etag.clone());
            self.tries = 0;
            self.retry_at = None;
            return;
        }
        let at = |wait| now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let wait = at(Self::WAITS.wait(key, self.tries));
        // Who asks for years of patience is not taken at its word.
        self.retry_at = Some(trouble.until.map_or(wait, |until| until.min(at(Self::WAITS.most)).max(wait)));
    }

    /// What was given up, or waits, may be tried at once: the other side was just heard.
    pub fn hope(&mut self) {
        self.given_up = None;
        self.tries = 0;
        self.retry_at = None;
    }
}
