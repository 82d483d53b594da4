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

    /// Waits until an instant.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &self.0 {
            Some(hand) => {
                let _ = hand.subscribe().wait_for(|now| *now >= at).await;
            }
            None => loop {
                let left = at.duration_since(self.now());
                match Duration::try_from(left) {
                    Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(SLEEP_MAX)).await,
                    _ => return,
                }
            },
        }
    }
}
