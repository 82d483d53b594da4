//! Withdraws published posts whose article was withdrawn.

use super::{CALL_MAX, Deliverer};
use crate::config::EndpointName;
use crate::delivery::{Failure, Next, RetryPolicy};
use crate::network::Network;
use crate::reconcile::Snapshot;
use crate::store::{Removed, StoreError, ToRemove};
use jiff::{SignedDuration, Timestamp};

/// Most posts that are withdrawn before others go out.
const AT_ONCE: usize = 20;

impl Deliverer {
    /// Takes away what is due of an endpoint.
    pub(super) async fn take_away(
        &self,
        endpoint: &EndpointName,
        network: &dyn Network,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        for _ in 0..AT_ONCE {
            let now = self.clock.now();
            let Some(due) = self.store.next_removal(endpoint, now).await? else { return Ok(()) };
            let removed = match came_back(&due, snapshot, now) {
                Some(removed) => removed,
                None => self.take_one_away(&due, network).await,
            };
            let id = due.delivery.id;
            match &removed {
                Removed::Done => tracing::info!(delivery = id, "the post of delivery {id} is withdrawn"),
                Removed::Kept => {
                    tracing::info!(delivery = id, "the post of delivery {id} stays: its article came back")
                }
                Removed::Again(_, reason) => {
                    tracing::warn!(delivery = id, "the post of delivery {id} is not withdrawn yet: {reason}");
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
                "its article was withdrawn, and the post stays: {why}; delete it there by hand: {place}"
            ))
        };
        if !network.abilities().withdraws {
            return by_hand("this network cannot withdraw a post");
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
            Next::Again { at, .. } => Removed::Again(at, format!("it is to be withdrawn: {}", failure.reason())),
            _ => by_hand(failure.reason()),
        }
    }
}

/// What becomes of a removal that nobody asked for, where readers see the article again: much can change while a network
/// does not answer, or a person has everything held.
fn came_back(due: &ToRemove, snapshot: &Snapshot, now: Timestamp) -> Option<Removed> {
    let catalog = snapshot.catalog();
    let standing = catalog.get(&due.delivery.key.article).filter(|_| !due.by_hand)?;
    if standing.is_unread() {
        let soon = now.saturating_add(SignedDuration::from_mins(1)).unwrap_or(now);
        return Some(Removed::Again(soon, "the article's file cannot be read at present".to_owned()));
    }
    standing.article.is_live(now).then_some(Removed::Kept)
}
