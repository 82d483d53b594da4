//! The only place that asks what time it is. Everything below is given the time; everything above asks here.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The system's clock, or one that a test turns by hand.
#[derive(Debug, Clone)]
pub struct Clock(Option<Arc<watch::Sender<Timestamp>>>);

/// The longest sleep: the system's clock can be set forward while a task sleeps.
const SLEEP_MAX: Duration = Duration::from_secs(30);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is [set](Clock::set).
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Some(Arc::new(watch::Sender::new(start))))
    }

    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(hand) => *hand.borrow(),
            None => Timestamp::now(),
        }
    }

    /// Turns a clock that is turned by hand; the system's clock stays.
    pub fn set(&self, now: Timestamp) {
        if let Some(hand) = &self.0 {
            hand.send_replace(now);
        }
    }

    /// Turns a clock by hand by a length of time.
    pub fn advance(&self, by: SignedDuration) {
        self.set(self.now().saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Waits for a while by the machine's own time. Where a test turns the clock, nothing waits for it.
    pub async fn pause(&self, length: Duration) {
        match &self.0 {
            Some(_) => tokio::task::yield_now().await,
            None => tokio::time::sleep(length).await,
        }
    }

    /// Waits until an instant, or until the clock is set back: then the instant may be one of a clock that was wrong, and
    /// whoever waits looks again for what is due.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut before = self.now();
        match &self.0 {
            Some(hand) => {
                let _ = hand
                    .subscribe()
                    .wait_for(|now| {
                        let is_set_back = *now < before;
                        before = *now;
                        *now >= at || is_set_back
                    })
                    .await;
            }
            None => loop {
                let now = self.now();
                match Duration::try_from(at.duration_since(now)) {
                    Ok(left) if !left.is_zero() && now >= before => tokio::time::sleep(left.min(SLEEP_MAX)).await,
                    _ => return,
                }
                before = now;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_wait_ends_when_it_is_time_or_when_the_clock_is_set_back() {
        let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let hours = |hours| start + SignedDuration::from_hours(hours);
        let clock = Clock::by_hand(hours(2));
        let waits = |from: &Clock| {
            let clock = from.clone();
            Box::pin(async move { clock.sleep_until(hours(4)).await })
        };
        let mut wait = waits(&clock);
        assert!(wait.as_mut().now_or_never().is_none());
        clock.set(hours(3));
        assert!(wait.as_mut().now_or_never().is_none());
        // Three hours would still have to pass, of which nobody knows whether they should.
        clock.set(hours(1));
        assert!(wait.as_mut().now_or_never().is_some());
        clock.set(hours(5));
        assert!(waits(&clock).as_mut().now_or_never().is_some());
    }
}
