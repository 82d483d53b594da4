//! Networks: kinds of social accounts, behind one trait. One file per network; each keeps what it asks (`request`)
//! and how it reads answers (`read_answer`) as pure functions, so that the glue between is small.

pub mod addressed;
pub mod answers;
pub mod bluesky;
pub mod caller;
pub mod client;
pub mod discord;
pub mod history;
pub mod journal;
pub mod linkedin;
pub mod little;
pub mod login;
pub mod mastodon;
pub mod matrix;
pub mod mattermost;
mod multipart;
pub mod oauth1;
pub mod out_of_band;
pub mod plain;
mod progress;
pub mod session;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod threads;
mod uploads;
mod vault;
pub mod webhook;
pub mod x;

pub use history::cut_off;
pub use vault::{Means, Vault};

use crate::config::{Access, Endpoint, EndpointName, Grant, NetworkKind};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Limits, Post};
use async_trait::async_trait;
use caller::Caller;
use jiff::{SignedDuration, Timestamp};

/// What a network knows of a post that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it.
    Yes(Receipt),
    /// It does not.
    No,
    /// It has the beginning of a thread, whose receipt this is; the rest can be added.
    Part(Receipt),
    /// It does not, and it may be that a person took it away there: a person is asked, for the reason given.
    Unclear(String),
}

/// What a network can do besides publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// A published post can be changed in place.
    pub edits: bool,
    /// Its images too; else those that it has stay.
    pub edits_images: bool,
    /// A published post can be withdrawn.
    pub withdraws: bool,
    /// It can be asked whether it has a post.
    pub finds: bool,
    /// A post can go on in further posts.
    pub threads: bool,
    /// A post can have images, with alternative texts.
    pub images: bool,
    /// A post can answer another one of the account, and is found all the same.
    pub answers: bool,
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
///
/// A network has limits, says who it is, and publishes. What else it can do it says in [`Network::abilities`], and does in
/// the methods that refuse by default.
#[async_trait]
pub trait Network: Send + Sync {
    /// What the account's server takes. Asked of the server where it says so; else what the network promises.
    async fn limits(&self, now: Timestamp) -> Limits;

    /// Who the account is, for a person; publishes nothing.
    async fn check(&self, now: Timestamp) -> Result<String, Failure>;

    /// Publishes a post. The same key on every try of one delivery.
    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure>;

    /// What else the network can do.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// Whether the network has a post of which a try was cut off. A failure is about the question, never about the
    /// post; `Refused`: it cannot be answered, and asking again does not help.
    async fn find(&self, _wanted: &Wanted<'_>, _now: Timestamp) -> Result<Found, Failure> {
        Err(Failure::Refused("this network cannot be asked whether it has a post".to_owned()))
    }

    /// Adds what is missing of a thread of which a try was cut off. `begun` is what [`Network::find`] found of it.
    async fn complete(
        &self,
        _post: &Post,
        _begun: &Receipt,
        _key: &DeliveryKey,
        _now: Timestamp,
    ) -> Result<Receipt, Failure> {
        Err(Failure::Refused("this network cannot go on with a thread".to_owned()))
    }

    /// Makes a published post what it is now. Doing it again changes nothing.
    async fn edit(
        &self,
        _receipt: &Receipt,
        _post: &Post,
        _key: &DeliveryKey,
        _now: Timestamp,
    ) -> Result<Receipt, Failure> {
        Err(Failure::Refused("a published post cannot be changed on this network".to_owned()))
    }

    /// Takes a published post away, with all its parts, and reads back that it is gone where that is possible. One that is
    /// gone already is gone.
    async fn withdraw(&self, _receipt: &Receipt, _key: &DeliveryKey, _now: Timestamp) -> Result<(), Failure> {
        Err(Failure::Refused("a published post cannot be withdrawn on this network".to_owned()))
    }

    /// How long a try that was cut off may still take effect on the other side.
    fn look_after(&self) -> SignedDuration {
        SignedDuration::from_secs(10)
    }

    /// How often the network must say that it does not have a post before it is sent again: its lists may lag. 0: it cannot
    /// tell, and a person is asked instead.
    fn looks(&self) -> u32 {
        if self.abilities().finds { 2 } else { 0 }
    }

    /// Whether posts leave this machine: then the article's address must answer first.
    fn is_outside(&self) -> bool {
        true
    }

    /// Renews a login whose tokens renew themselves, if it is time, though nothing is posted.
    async fn renew(&self, _now: Timestamp) {}

    /// When a person has to get a new credential, if nothing else happens; None if it does not end, or nobody knows.
    async fn expires(&self) -> Option<Timestamp> {
        None
    }

    /// What calls its server; None for a network without one.
    fn caller(&self) -> Option<&Caller> {
        None
    }

    /// Until when the server allows nothing more, if it said so.
    fn pause(&self) -> Option<Timestamp> {
        self.caller().and_then(Caller::pause)
    }

    /// What a person should know, and may want to mend, though the account works: told by the answers so far, and so
    /// best asked after [`Network::check`].
    fn remarks(&self) -> Vec<String> {
        self.caller().map(Caller::remarks).unwrap_or_default()
    }
}

/// What a person logs in to for an endpoint; None if its credential stands in the configuration, or it has none.
///
/// Errors: as those of [`connect`].
pub fn login(name: &EndpointName, endpoint: &Endpoint, means: &Means) -> Result<Option<Box<dyn login::Login>>, String> {
    let (allow_private, vault) = (endpoint.allow_private, means.vault(name));
    Ok(match &endpoint.network {
        NetworkKind::Linkedin(account) if matches!(account.grant, Grant::Login(_)) => {
            Some(Box::new(linkedin::LinkedinPage::new(account.clone(), allow_private, vault, means)?))
        }
        NetworkKind::X(account) if matches!(account.access, Access::Login(_)) => {
            Some(Box::new(x::XAccount::new(account.clone(), allow_private, means, vault)?))
        }
        NetworkKind::Threads(account) if matches!(account.grant, Grant::Login(_)) => {
            Some(Box::new(threads::ThreadsProfile::new(account.clone(), allow_private, vault)?))
        }
        _ => None,
    })
}

/// The network of an endpoint.
///
/// Errors: the HTTP client cannot be built, or the server's address is refused.
pub fn connect(name: &EndpointName, endpoint: &Endpoint, means: &Means) -> Result<Box<dyn Network>, String> {
    let allow_private = endpoint.allow_private;
    Ok(match &endpoint.network {
        NetworkKind::Journal => Box::new(journal::Journal::new(name.clone(), means.store().cloned())),
        NetworkKind::Mastodon(account) => {
            Box::new(mastodon::MastodonAccount::new(account.clone(), allow_private, means.vault(name), means)?)
        }
        NetworkKind::Bluesky(account) => {
            Box::new(bluesky::BlueskyAccount::new(name, account.clone(), allow_private, means)?)
        }
        NetworkKind::Matrix(room) => Box::new(matrix::MatrixRoom::new(room.clone(), allow_private, means)?),
        NetworkKind::Webhook(webhook) => Box::new(webhook::Receiver::new(webhook.clone(), allow_private)?),
        NetworkKind::Mattermost(channel) => {
            Box::new(mattermost::MattermostChannel::new(channel.clone(), allow_private, means)?)
        }
        NetworkKind::Slack(channel) => Box::new(slack::SlackChannel::new(channel.clone(), allow_private, means)?),
        NetworkKind::Discord(channel) => Box::new(discord::DiscordChannel::new(channel.clone(), allow_private, means)?),
        NetworkKind::Teams(hook) => Box::new(teams::TeamsChannel::new(hook.clone(), allow_private)?),
        NetworkKind::Telegram(bot) => {
            Box::new(telegram::TelegramChannel::new(bot.clone(), allow_private, means, means.vault(name))?)
        }
        NetworkKind::Linkedin(account) => {
            Box::new(linkedin::LinkedinPage::new(account.clone(), allow_private, means.vault(name), means)?)
        }
        NetworkKind::X(account) => {
            Box::new(x::XAccount::new(account.clone(), allow_private, means, means.vault(name))?)
        }
        NetworkKind::Threads(account) => {
            Box::new(threads::ThreadsProfile::new(account.clone(), allow_private, means.vault(name))?)
        }
    })
}
