//! What networks are given beside their settings: the database, and a place for secrets that outlive the process.

use crate::config::{Config, EndpointName};
use crate::delivery::Failure;
use crate::post::Image;
use crate::seal::Seal;
use crate::secret::Secret;
use crate::store::{Store, Turn};
use jiff::{SignedDuration, Timestamp};

/// What networks are given beside their settings.
#[derive(Debug, Clone)]
pub struct Means(Option<(Store, Seal)>);

impl Means {
    /// The database of a configuration, and the seal of its secrets.
    pub fn new(config: &Config, store: &Store) -> Self {
        Self(Some((store.clone(), Seal::of(config.store_key.as_ref(), config.store.beside()))))
    }

    /// Nothing: enough to ask a network what it takes. Nothing is kept.
    pub fn none() -> Self {
        Self(None)
    }

    /// The database.
    pub fn store(&self) -> Option<&Store> {
        self.0.as_ref().map(|(store, _)| store)
    }

    /// The bytes of an image of a post.
    ///
    /// Errors: they cannot be had at present, or are not kept any more. Nothing was sent.
    pub async fn bytes(&self, image: &Image) -> Result<Vec<u8>, Failure> {
        let unavailable = |why: String| Failure::Unavailable(format!("an image of the post cannot be read: {why}"));
        let store = self.store().ok_or_else(|| unavailable("there is no database".to_owned()))?;
        let bytes = store.media(&image.digest).await.map_err(|error| unavailable(error.to_string()))?;
        bytes.ok_or_else(|| Failure::Refused("an image of the post is not in the database any more".to_owned()))
    }

    /// The place for the secrets of an endpoint.
    pub fn vault(&self, endpoint: &EndpointName) -> Vault {
        Vault { means: self.clone(), endpoint: endpoint.clone() }
    }
}

/// The secrets that an endpoint keeps from one run to the next, such as a session: sealed, in the database.
#[derive(Debug, Clone)]
pub struct Vault {
    means: Means,
    endpoint: EndpointName,
}

impl Vault {
    /// The secret that is kept under a name. None if there is none, or if it cannot be read any more: what can be had
    /// again from the network is no loss, and the log says why.
    pub async fn get(&self, name: &str) -> Option<Secret> {
        let (store, seal) = self.means.0.as_ref()?;
        let sealed = match store.kept(&self.endpoint, name).await {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(endpoint = %self.endpoint, "the {name} of {} cannot be looked up: {error}", self.endpoint);
                return None;
            }
        };
        let opened = seal.open(&self.purpose(name), &sealed);
        opened
            .inspect_err(|error| {
                tracing::warn!(endpoint = %self.endpoint, "the {name} of {} cannot be opened: {error}", self.endpoint);
            })
            .ok()
    }

    /// Keeps a secret under a name, in place of the one before.
    ///
    /// Errors: the key cannot be had, or the database does not take it.
    pub async fn put(&self, name: &str, secret: &Secret) -> Result<(), String> {
        let Some((store, seal)) = &self.means.0 else { return Ok(()) };
        let sealed = seal.seal(&self.purpose(name), secret).map_err(|error| error.to_string())?;
        store.keep(&self.endpoint, name, &sealed).await.map_err(|error| error.to_string())
    }

    /// Takes the turn to do something with a secret that only one process may do at a time; see [`Store::take_turn`].
    ///
    /// Errors: the database does not answer.
    pub async fn take_turn(&self, name: &str, longest: SignedDuration, now: Timestamp) -> Result<Option<Turn>, String> {
        let Some((store, _)) = &self.means.0 else { return Ok(None) };
        store.take_turn(&self.endpoint, name, longest, now).await.map_err(|error| error.to_string())
    }

    /// Gives a turn back. If that fails, its time ends it.
    pub async fn give_back(&self, turn: Turn) {
        if let Some((store, _)) = &self.means.0
            && let Err(error) = store.give_back(turn).await
        {
            tracing::debug!(endpoint = %self.endpoint, "a turn is not given back: {error}");
        }
    }

    /// Binds a secret to its endpoint and its name: put in another's place, it cannot be opened.
    fn purpose(&self, name: &str) -> String {
        format!("endpoint\0{}\0{name}", self.endpoint)
    }
}
