//! Takes away published posts whose article was withdrawn.

use super::{CALL_MAX, Deliverer};
use crate::config::EndpointName;
use crate::delivery::{Failure, Next, RetryPolicy};
use crate::network::Network;
use crate::store::{Removed, StoreError, ToRemove};

/// Most posts that are taken away before others go out.
const AT_ONCE: usize = 20;

impl Deliverer {
    /// Takes away what is due of an endpoint.
    pub(super) async fn take_away(&self, endpoint: &EndpointName, network: &dyn Network) -> Result<(), StoreError> {
        for _ in 0..AT_ONCE {
            let now = self.clock.now();
            let Some(due) = self.store.next_removal(endpoint, now).await? else { return Ok(()) };
            let removed = self.take_one_away(&due, network).await;
            let id = due.delivery.id;
            match &removed {
                Removed::Done => tracing::info!(delivery = id, "the post of delivery {id} was taken away"),
                Removed::Again(_, reason) => {
                    tracing::warn!(delivery = id, "the post of delivery {id} is not taken away yet: {reason}");
                }
                Removed::Failed(reason) => {
                    tracing::error!(delivery = id, "the post of delivery {id} needs a person: {reason}");
                }
            }
            self.store.removed(id, &removed, self.clock.now()).await?;
        }
        Ok(())
    }

    async fn take_one_away(&self, due: &ToRemove, network: &dyn Network) -> Removed {
        let by_hand = |why: &str| {
            let place = due.delivery.remote_url.as_deref().unwrap_or("on its account");
            Removed::Failed(format!(
                "its article was withdrawn, and the post stays: {why}; take it away by hand: {place}"
            ))
        };
        if !network.abilities().withdraws {
            return by_hand("this network cannot take a post away");
        }
        let key = &due.delivery.key;
        let answer = network.withdraw(&due.receipt, key, self.clock.now());
        let answer = tokio::time::timeout(CALL_MAX, answer).await;
        let failure = match answer {
            Ok(Ok(())) => return Removed::Done,
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Unavailable(format!("no answer within {} s", CALL_MAX.as_secs())),
        };
        // Again changes nothing, so that a doubt is no reason to look first.
        let failure = match failure {
            Failure::Uncertain(reason) => Failure::Unavailable(reason),
            failure => failure,
        };
        let policy = RetryPolicy::from(self.config.delivery);
        match policy.next(due.delivery.id, due.tries, &failure, false, due.since, self.clock.now()) {
            Next::Again { at, .. } => Removed::Again(at, format!("it is to be taken away: {}", failure.reason())),
            _ => by_hand(failure.reason()),
        }
    }
}
