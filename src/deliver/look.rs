//! Looks whether a network has a post already, before it is sent.

use super::{CALL_MAX, Deliverer, ask};
use crate::article::Article;
use crate::config::Rule;
use crate::delivery::{Failure, Receipt};
use crate::network::{Found, Network, Wanted};
use crate::post::Post;
use crate::store::{Lease, Outcome, StoreError};
use jiff::{SignedDuration, Timestamp};

/// What is waited for before a post that a network may have already is sent.
const THE_LOOK: &str = "the network's word whether it has the post already";

impl Deliverer {
    /// Asks the network for a post that it does not have, as far as this database knows, of an article that was there
    /// before this process, and that this process did not try: an old database that was put back knows nothing of what
    /// went out since. What it has of a thread, if the post is to be sent; else what became of the delivery.
    pub(super) async fn look_back(
        &self,
        lease: &Lease,
        rule: Option<&Rule>,
        network: &dyn Network,
        post: &Post,
        article: &Article,
    ) -> Result<Result<Option<Receipt>, Outcome>, StoreError> {
        let due = lease.delivery.due_at;
        let since = article.date.map_or(due, |date| date.at.min(due));
        let is_own = lease.last_attempt.is_some_and(|last| last >= self.started);
        if is_own || since > self.started || !network.abilities().finds {
            return Ok(Ok(None));
        }
        let Some(found) = self.ask_for(lease, network, post, since).await? else {
            // A question that is too long for the network is no outage: others go out meanwhile.
            return Ok(Err(self.wait_for(lease, rule, THE_LOOK, "no answer")));
        };
        if let Err(failure) = &found {
            self.heard(&lease.delivery.key.endpoint, network, Some(failure)).await;
        }
        Ok(match found {
            Ok(Found::Yes(receipt)) => Err(Outcome::Found(receipt)),
            Ok(Found::Part(receipt)) => Ok(Some(receipt)),
            // An account that may not read its own posts must not for that reason stay silent.
            Ok(Found::No | Found::Unclear(_)) | Err(Failure::Refused(_)) => Ok(None),
            // Whatever the question came to, nothing was sent.
            Err(Failure::Unavailable(reason) | Failure::Uncertain(reason)) => {
                Err(self.wait_for(lease, rule, THE_LOOK, &reason))
            }
            Err(failure) => Err(self.outcome(lease, network, Err(failure))),
        })
    }

    /// Asks the network whether it has a post since a moment. None: no answer in time.
    async fn ask_for(
        &self,
        lease: &Lease,
        network: &dyn Network,
        post: &Post,
        since: Timestamp,
    ) -> Result<Option<Result<Found, Failure>>, StoreError> {
        let key = &lease.delivery.key;
        let taken = self.store.receipts(&key.endpoint, lease.delivery.id).await?;
        let wanted = Wanted { post, key, since, taken: &taken };
        Ok(tokio::time::timeout(CALL_MAX, network.find(&wanted, self.clock.now())).await.ok())
    }

    /// Asks the network for a post of which a try was cut off.
    pub(super) async fn look(
        &self,
        lease: &Lease,
        network: &dyn Network,
        post: &Post,
    ) -> Result<Result<Found, Outcome>, StoreError> {
        let now = self.clock.now();
        let found = self.ask_for(lease, network, post, lease.first_attempt.unwrap_or(now)).await?;
        let found = found.unwrap_or_else(|| Err(Failure::Unavailable("no answer to the question".to_owned())));
        if let Err(failure) = &found {
            self.heard(&lease.delivery.key.endpoint, network, Some(failure)).await;
        }
        Ok(found.map_err(|failure| {
            // Whatever went wrong with the question, whether the post is there stays unknown.
            let reason = format!("the network could not be asked whether it has the post: {}", failure.reason());
            let until = match &failure {
                Failure::Refused(_) => return ask(lease, &reason),
                // It is asked when the credentials are mended.
                Failure::Unauthorised(_) => return self.put_back(lease, &reason),
                Failure::Throttled { until, .. } => *until,
                _ => None,
            };
            let longest = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
            match self.outcome(lease, network, Err(Failure::Uncertain(reason))) {
                Outcome::Again { at, look_first, reason } => {
                    let at = until.map_or(at, |until| until.min(longest).max(at));
                    Outcome::Again { at, look_first, reason }
                }
                other => other,
            }
        }))
    }
}
