//! How an endpoint is: what its last tries came to, and what follows for the next ones. Pure.
//!
//! An endpoint that fails time and again is left alone for a while, so that a dead server is not called for each post. One
//! that asked for patience gets it for all its posts. One whose credentials are not accepted is paused as a whole, with one
//! message, until a person mends them: no post fails for it.

use super::Failure;
use jiff::{SignedDuration, Timestamp};

/// How an endpoint is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// How many tries in a row found the network unable to answer.
    pub failures: u32,
    /// Before this instant, nothing is tried.
    pub closed_until: Option<Timestamp>,
    /// When that was decided.
    pub closed_since: Option<Timestamp>,
    /// Why nothing is tried until a person does something.
    pub paused: Option<Paused>,
}

/// A pause that a person ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub since: Timestamp,
    /// Why, and what to do.
    pub reason: String,
    /// Tells the settings under which it began: with others, it is over.
    pub settings: String,
}

/// So many tries in a row that found the network unable to answer are enough.
const FAILURES_MAX: u32 = 5;
/// How long an endpoint is left alone at first; twice as long after each further failure, up to the longest.
const CLOSED_FIRST: SignedDuration = SignedDuration::from_secs(30);
const CLOSED_MOST: SignedDuration = SignedDuration::from_mins(15);
/// How often a paused endpoint is asked whether it accepts the credentials now.
pub const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(15);
/// A server that asks for years of patience is not taken at its word.
const PATIENCE_MOST: SignedDuration = SignedDuration::from_hours(24);

impl Health {
    /// How the endpoint is after a try. `failure` is what it came to, if not a receipt; `pause` until when the server allows
    /// nothing more, if it said so; `settings` tells the endpoint's settings.
    pub fn after(&self, failure: Option<&Failure>, pause: Option<Timestamp>, settings: &str, now: Timestamp) -> Self {
        let later = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let asked = pause.filter(|until| *until > now).map(|until| until.min(later(PATIENCE_MOST)));
        let health = match failure {
            // A refusal is an answer: the network is well.
            None | Some(Failure::Refused(_)) => Self { closed_until: asked, ..Self::default() },
            Some(Failure::Unauthorised(reason)) => {
                let since = self.paused.as_ref().map_or(now, |paused| paused.since);
                let paused = Paused { since, reason: reason.clone(), settings: settings.to_owned() };
                Self { closed_until: Some(later(PROBE_EVERY)), paused: Some(paused), ..Self::default() }
            }
            Some(Failure::Throttled { until, .. }) => {
                let until = until.map(|until| until.min(later(PATIENCE_MOST)));
                Self { closed_until: until.max(asked), failures: self.failures, ..Self::default() }
            }
            Some(Failure::Unavailable(_) | Failure::Uncertain(_)) => {
                let failures = self.failures.saturating_add(1);
                let closed = failures.checked_sub(FAILURES_MAX).map(|more| {
                    let wait = CLOSED_FIRST.as_secs().saturating_mul(1 << more.min(10));
                    later(SignedDuration::from_secs(wait.min(CLOSED_MOST.as_secs())))
                });
                Self { failures, closed_until: closed.max(asked), ..Self::default() }
            }
        };
        Self { closed_since: health.closed_until.map(|_| now), ..health }
    }

    /// Whether the endpoint is paused under these settings.
    pub fn is_paused(&self, settings: &str) -> bool {
        self.paused.as_ref().is_some_and(|paused| paused.settings == settings)
    }

    /// Until when nothing is tried, if that is still to come. What was decided at a moment that is still to come, as it
    /// seems, was decided by a clock that was wrong.
    pub fn closed(&self, now: Timestamp) -> Option<Timestamp> {
        let is_of_this_clock = self.closed_since.is_none_or(|since| since <= now);
        self.closed_until.filter(|until| *until > now && is_of_this_clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn down() -> Failure {
        Failure::Unavailable("down".into())
    }

    #[test]
    fn an_endpoint_that_fails_time_and_again_is_left_alone_and_a_receipt_opens_it() {
        let mut health = Health::default();
        for _ in 0..4 {
            health = health.after(Some(&down()), None, "s", now());
            assert_eq!(health.closed(now()), None);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            health = health.after(Some(&down()), None, "s", now());
            waits.push(health.closed(now()).unwrap().duration_since(now()).as_secs());
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(health.after(None, None, "s", now()), Health::default());
        assert_eq!(health.after(Some(&Failure::Refused("no".into())), None, "s", now()), Health::default());
    }

    #[test]
    fn what_a_clock_that_ran_ahead_decided_does_not_outlive_it() {
        let ahead = now() + SignedDuration::from_hours(2);
        let mut health = Health::default();
        for _ in 0..5 {
            health = health.after(Some(&down()), None, "s", ahead);
        }
        assert!(health.closed(ahead).is_some());
        assert_eq!(health.closed(now()), None);
        let paused = Health::default().after(Some(&Failure::Unauthorised("no".into())), None, "s", ahead);
        assert!(paused.is_paused("s") && paused.closed(now()).is_none(), "it is asked again at once");
    }

    #[test]
    fn patience_that_is_asked_for_holds_for_the_whole_endpoint_within_a_day() {
        let until = now() + SignedDuration::from_mins(7);
        let throttled = |until| Failure::Throttled { until, reason: "slow".into() };
        assert_eq!(Health::default().after(Some(&throttled(Some(until))), None, "s", now()).closed(now()), Some(until));
        assert_eq!(Health::default().after(None, Some(until), "s", now()).closed(now()), Some(until));
        let years = now() + SignedDuration::from_hours(24 * 900);
        let health = Health::default().after(Some(&throttled(Some(years))), None, "s", now());
        assert_eq!(health.closed(now()), Some(now() + SignedDuration::from_hours(24)));
        assert_eq!(Health::default().after(Some(&throttled(None)), None, "s", now()).closed(now()), None);
    }

    #[test]
    fn credentials_that_are_not_accepted_pause_the_endpoint_until_they_change() {
        let refused = Failure::Unauthorised("make a new token".into());
        let health = Health::default().after(Some(&refused), None, "old", now());
        assert!(health.is_paused("old") && !health.is_paused("new"));
        let later = now() + SignedDuration::from_mins(15);
        let again = health.after(Some(&refused), None, "old", later);
        assert_eq!(again.paused.unwrap().since, now(), "one pause, from its beginning");
        assert_eq!(health.after(None, None, "old", later), Health::default());
    }
}
