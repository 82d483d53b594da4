//! How endpoints are, and when they are left alone: what `delivery::Health` decides, looked up, recorded and told.

use super::Deliverer;
use crate::config::EndpointName;
use crate::delivery::{Failure, Health};
use crate::network::Network;
use crate::store::StoreError;
use jiff::Timestamp;

impl Deliverer {
    /// Until when an endpoint is left alone; None if it may be called. One that is paused is asked now and then, and when
    /// its settings changed, whether it accepts the credentials now.
    pub(super) async fn rests(
        &self,
        endpoint: &EndpointName,
        network: &dyn Network,
        is_by_hand: bool,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (health, now) = (self.store.health(endpoint).await?, self.clock.now());
        let settings = self.settings(endpoint);
        let Some(paused) = &health.paused else { return Ok(health.closed(now)) };
        if health.is_paused(settings)
            && !is_by_hand
            && let Some(until) = health.closed(now)
        {
            return Ok(Some(until));
        }
        let failure = match network.check(now).await {
            Ok(who) => {
                tracing::info!(%endpoint, "{endpoint} accepts the credentials again: {who}");
                None
            }
            // Whatever else it says, it does not say that it accepts them.
            Err(Failure::Unauthorised(reason)) => Some(Failure::Unauthorised(reason)),
            Err(_) => Some(Failure::Unauthorised(paused.reason.clone())),
        };
        let after = health.after(failure.as_ref(), network.pause(), settings, now);
        self.store.set_health(endpoint, &after).await?;
        Ok(after.closed(now))
    }

    /// Records what a call came to for the endpoint as a whole. That it cannot be recorded costs no receipt.
    pub(super) async fn heard(&self, endpoint: &EndpointName, network: &dyn Network, failure: Option<&Failure>) {
        let now = self.clock.now();
        let recorded = async {
            let before = self.store.health(endpoint).await?;
            let after = before.after(failure, network.pause(), self.settings(endpoint), now);
            if after != before {
                self.store.set_health(endpoint, &after).await?;
                tell(endpoint, &before, &after, now);
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%endpoint, "how {endpoint} is cannot be recorded: {error}");
        }
    }

    /// Why nothing goes out to an endpoint until a person mends its credentials, if that is so.
    pub async fn paused(&self, endpoint: &EndpointName) -> Result<Option<String>, StoreError> {
        let health = self.store.health(endpoint).await?;
        Ok(health.paused.filter(|paused| paused.settings == self.settings(endpoint)).map(|paused| paused.reason))
    }

    /// Tells an endpoint's settings from others.
    fn settings(&self, endpoint: &EndpointName) -> &str {
        self.config.endpoints.get(endpoint).map_or("", |endpoint| endpoint.print.as_str())
    }
}

/// Says once that an endpoint is paused, or left alone.
fn tell(endpoint: &EndpointName, before: &Health, after: &Health, now: Timestamp) {
    match (&before.paused, &after.paused) {
        (None, Some(paused)) => tracing::error!(
            %endpoint,
            "{endpoint} is paused, and nothing is lost: {}. What is due waits; `crieur endpoints test {endpoint}` tells whether it works again",
            paused.reason
        ),
        _ => {
            if let Some(until) = after.closed(now).filter(|_| before.closed(now).is_none() && after.paused.is_none()) {
                tracing::warn!(%endpoint, "{endpoint} is left alone until {until}");
            }
        }
    }
}
