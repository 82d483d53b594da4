//! The embedded endpoint: posts land in the local database and show at `/timeline`, so that the whole road can be
//! seen without an account. It is a real endpoint: the same outbox, the same states, the same receipts.

use super::{Abilities, Found, Network, Wanted};
use crate::config::EndpointName;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use crate::store::{Store, StoreError};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// What the journal takes: as much as the longest of networks, and as many images as most.
pub const LIMITS: Limits = Limits {
    images_max: 4,
    image_bytes_max: 2_000_000,
    image_side_max: 2_048,
    alt_max: 1_500,
    ..Limits::text(5_000, Counter::Graphemes)
};

/// A journal, one per endpoint.
pub struct Journal {
    endpoint: EndpointName,
    /// None where the journal is only asked what it takes.
    store: Option<Store>,
}

impl Journal {
    /// The journal of an endpoint.
    pub fn new(endpoint: EndpointName, store: Option<Store>) -> Self {
        Self { endpoint, store }
    }

    fn store(&self) -> Result<&Store, Failure> {
        self.store.as_ref().ok_or_else(|| Failure::Unavailable("the journal has no database".to_owned()))
    }
}

#[async_trait]
impl Network for Journal {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, _now: Timestamp) -> Result<String, Failure> {
        self.store()?.ping().await.map_err(unavailable)?;
        Ok(format!("the timeline of {}", self.endpoint))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let id =
            self.store()?.journal_post(&self.endpoint, &key.idempotency_key(), post, now).await.map_err(|error| {
                // The write may have reached the disk: the key tells on the next look.
                Failure::Uncertain(error.to_string())
            })?;
        Ok(receipt(id))
    }

    async fn find(&self, wanted: &Wanted<'_>, _now: Timestamp) -> Result<Found, Failure> {
        let found = self.store()?.journal_find(&wanted.key.idempotency_key()).await.map_err(unavailable)?;
        Ok(found.map_or(Found::No, |id| Found::Yes(receipt(id))))
    }

    fn abilities(&self) -> Abilities {
        Abilities { finds: true, edits: true, edits_images: true, withdraws: true, ..Abilities::default() }
    }

    async fn edit(
        &self,
        receipt: &Receipt,
        post: &Post,
        key: &DeliveryKey,
        _now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let key = key.idempotency_key();
        match self.store()?.journal_edit(&self.endpoint, &key, post).await.map_err(unavailable)? {
            true => Ok(receipt.clone()),
            false => {
                Err(Failure::Refused("the post is not there any more, and an edit does not bring it back".to_owned()))
            }
        }
    }

    async fn withdraw(&self, _receipt: &Receipt, key: &DeliveryKey, _now: Timestamp) -> Result<(), Failure> {
        self.store()?.journal_remove(&self.endpoint, &key.idempotency_key()).await.map_err(unavailable)
    }

    fn look_after(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    fn looks(&self) -> u32 {
        1
    }

    fn is_outside(&self) -> bool {
        false
    }
}

fn receipt(id: i64) -> Receipt {
    Receipt::new(id.to_string(), Some(format!("/timeline#post-{id}")))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn unavailable(error: StoreError) -> Failure {
    Failure::Unavailable(error.to_string())
}
