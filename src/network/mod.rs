//! Networks: kinds of social accounts, behind one trait. One file per network; each keeps what it asks (`request`)
//! and how it reads answers (`read_answer`) as pure functions, so that the glue between is small.

pub mod client;
pub mod journal;
pub mod mastodon;

use crate::config::{Endpoint, EndpointName, NetworkKind};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Limits, Post};
use crate::store::Store;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// What a network knows of a post that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it.
    Yes(Receipt),
    /// It does not.
    No,
}

/// What to look for, and since when.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The post, byte for byte as it may have been sent.
    pub post: &'a Post,
    /// Its key.
    pub key: &'a DeliveryKey,
    /// When the first try began.
    pub since: Timestamp,
    /// Ids and addresses of posts of this endpoint that other deliveries account for.
    pub taken: &'a [String],
}

/// One account on one network.
#[async_trait]
pub trait Network: Send + Sync {
    /// What the account's server takes. Asked of the server where it says so; else what the network promises.
    async fn limits(&self, now: Timestamp) -> Limits;

    /// Who the account is, for a person; publishes nothing.
    async fn check(&self, now: Timestamp) -> Result<String, Failure>;

    /// Publishes a post. The same key on every try of one delivery.
    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure>;

    /// Whether the network has a post of which a try was cut off. A failure is about the question, never about the
    /// post.
    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure>;

    /// How long a try that was cut off may still take effect on the other side.
    fn look_after(&self) -> SignedDuration;

    /// How often the network must say that it does not have a post before it is sent again: its lists may lag. 0: it cannot
    /// tell, and a person is asked instead.
    fn looks(&self) -> u32;

    /// Whether posts leave this machine: then the article's address must answer first.
    fn is_outside(&self) -> bool;
}

/// The network of an endpoint.
///
/// Errors: the HTTP client cannot be built, or the server's address is refused.
pub fn connect(name: &EndpointName, endpoint: &Endpoint, store: &Store) -> Result<Box<dyn Network>, String> {
    Ok(match &endpoint.network {
        NetworkKind::Journal => Box::new(journal::Journal::new(name.clone(), store.clone())),
        NetworkKind::Mastodon(account) => {
            Box::new(mastodon::MastodonAccount::new(account.clone(), endpoint.allow_private)?)
        }
    })
}

/// The limits of an endpoint, without a store: its server is asked where it has one, and takes what the network
/// promises if it does not answer.
///
/// Errors: as those of [`connect`].
pub async fn limits(endpoint: &Endpoint, now: Timestamp) -> Result<Limits, String> {
    Ok(match &endpoint.network {
        NetworkKind::Journal => journal::LIMITS,
        NetworkKind::Mastodon(account) => {
            mastodon::MastodonAccount::new(account.clone(), endpoint.allow_private)?.limits(now).await
        }
    })
}
