//! A subscriber's address, and what is sent there and to other hubs.

use super::subscription::Mode;
use crate::digest;
use crate::feed::Document;
use crate::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use sha2::Sha256;
use std::fmt;
use url::Url;
use url::form_urlencoded;

/// Where a subscriber is told. Its path and query often hold a secret (the Recommendation wants them unguessable), so it
/// shows itself as scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback(Url);

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({}://{}/•••)", self.0.scheme(), self.host())
    }
}

impl Callback {
    /// Reads an address. Errors end the sentence that begins with its name.
    pub fn parse(given: &str) -> Result<Self, String> {
        let url = Url::parse(given).map_err(|_| "is not an address".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err("is not an address of the web (http or https)".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a name or a password; put a secret into its path instead".to_owned());
        }
        if url.fragment().is_some() {
            return Err("has a fragment, which no server ever sees".to_owned());
        }
        Ok(Self(url))
    }

    /// The address itself, for those who send and seal it.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Its host, with the port if it is not the scheme's own: what may stand in logs and lists.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or("");
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Tells it from others without showing it.
    pub fn print(&self) -> String {
        digest::hex(self.0.as_str(), 16)
    }

    /// The address that asks whether this was meant (section 5.3). What its query holds already stays as it is.
    pub fn verification(&self, mode: Mode, topic: &str, challenge: &str, lease: SignedDuration) -> Url {
        let lease = lease.as_secs().to_string();
        let mut pairs = vec![("hub.mode", mode.word()), ("hub.topic", topic), ("hub.challenge", challenge)];
        if mode == Mode::Subscribe {
            pairs.push(("hub.lease_seconds", &lease));
        }
        self.with(&pairs)
    }

    /// The address that says that there is no subscription (section 5.2).
    pub fn denial(&self, topic: &str, reason: &str) -> Url {
        self.with(&[("hub.mode", "denied"), ("hub.topic", topic), ("hub.reason", reason)])
    }

    fn with(&self, pairs: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        url
    }
}

/// The value of `X-Hub-Signature` (section 7.1). SHA-256: SHA-1 is weak, and nobody who verifies at all lacks SHA-256;
/// the longer ones make nothing safer here.
pub fn signature(secret: &Secret, body: &[u8]) -> Option<String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?.chain_update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("sha256={hex}"))
}

/// The value of `Link` with which a document names its hubs and itself (sections 4 and 7). Empty if it has no hub.
pub fn links(document: &Document) -> String {
    if document.hubs.is_empty() {
        return String::new();
    }
    let hubs = document.hubs.iter().map(|hub| format!("<{hub}>; rel=\"hub\""));
    hubs.chain([format!("<{}>; rel=\"self\"", document.address)]).collect::<Vec<_>>().join(", ")
}

/// The form that tells a hub elsewhere that a topic changed (section 6, and the hubs' own pages): some know the topic by
/// one name, some by the other.
pub fn ping(topic: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("hub.mode", "publish"), ("hub.url", topic), ("hub.topic", topic)])
        .finish()
}
