//! How far a thread got on a network that cannot be asked: kept in the database before and after every message, so that a
//! thread that was stopped between two of them goes on, and one that was cut off inside one is settled by a person.

use super::Vault;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// The record of one delivery.
pub struct Progress<'a> {
    vault: &'a Vault,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    url: Option<String>,
    parts: Vec<String>,
    /// Whether a message was about to be sent of which nothing is known.
    is_open: bool,
}

impl<'a> Progress<'a> {
    /// The record of a delivery.
    pub fn of(vault: &'a Vault, key: &DeliveryKey) -> Self {
        Self { vault, name: format!("thread {}", key.idempotency_key()) }
    }

    /// What stands of the thread, if nothing of it is in doubt.
    pub async fn stopped(&self) -> Option<Receipt> {
        let kept: Kept = serde_json::from_str(self.vault.get(&self.name).await?.expose()).ok()?;
        (!kept.is_open).then_some(Receipt { remote_id: kept.id, remote_url: kept.url, parts: kept.parts })
    }

    /// So much stands, and another message is about to be sent.
    ///
    /// Errors: it cannot be kept, so nothing may be sent.
    pub async fn about_to(&self, whole: &Receipt) -> Result<(), Failure> {
        self.keep(whole, true)
            .await
            .map_err(|why| Failure::Unavailable(format!("the database does not take it: {why}")))
    }

    /// What became of the message: one that certainly was not made leaves the thread as it is.
    pub async fn heard<T>(&self, whole: &Receipt, answer: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &answer
            && !matches!(failure, Failure::Uncertain(_))
        {
            self.note(whole).await;
        }
        answer
    }

    /// All of the thread stands.
    pub async fn done(&self, whole: &Receipt) {
        self.note(whole).await;
    }

    async fn note(&self, whole: &Receipt) {
        if let Err(why) = self.keep(whole, false).await {
            tracing::error!("how far a thread got cannot be kept: {why}");
        }
    }

    async fn keep(&self, whole: &Receipt, is_open: bool) -> Result<(), String> {
        let kept =
            Kept { id: whole.remote_id.clone(), url: whole.remote_url.clone(), parts: whole.parts.clone(), is_open };
        let text = serde_json::to_string(&kept).map_err(|error| error.to_string())?;
        self.vault.put(&self.name, &Secret::new(text)).await
    }
}
