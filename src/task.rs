//! Long tasks: each wakes by a timer or a signal that carries nothing, and none ends in silence.

use crate::clock::Clock;
use futures_util::FutureExt;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Wakes a task. Calls made while it is awake are one more wake, never lost.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Wakes the task, now or as soon as it waits.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Whether the task was woken and has not heard it yet. It still hears it.
    pub fn is_waiting(&self) -> bool {
        let heard = self.0.notified().now_or_never().is_some();
        if heard {
            self.0.notify_one();
        }
        heard
    }

    /// Waits for a wake.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Tells all tasks to come to an end.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// The two ends: one to tell, one to hear.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the end was told.
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is told. If nobody is left to tell it, that is the end too.
    pub async fn told(&mut self) {
        let _ = self.0.wait_for(|told| *told).await;
    }
}

/// Why a task woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woke {
    /// It was woken, or its time came.
    ToWork,
    /// It is to end.
    ToEnd,
}

/// Waits for a wake, for an instant, or for the end.
pub async fn rest(wake: &Wake, clock: &Clock, until: Option<Timestamp>, shutdown: &mut Shutdown) -> Woke {
    let timer = async {
        match until {
            Some(until) => clock.sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // Told to end, nothing new is begun.
        biased;
        () = shutdown.told() => Woke::ToEnd,
        () = wake.woken() => Woke::ToWork,
        () = timer => Woke::ToWork,
    }
}
