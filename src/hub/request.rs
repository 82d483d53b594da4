//! What is asked of the hub: a form, checked whole (W3C WebSub, section 5.1).

use super::Callback;
use crate::config::OwnHub;
use crate::secret::Secret;
use jiff::SignedDuration;
use url::form_urlencoded;

/// Most bytes of a request's body.
pub const BODY_MAX: usize = 16 * 1024;
/// Most bytes of an address in it.
const ADDRESS_MAX: usize = 2_048;
/// A secret has fewer bytes than this (section 5.1).
const SECRET_BOUND: usize = 200;
/// Most topics that one request may say to be changed.
const TOPICS_MAX: usize = 100;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To be told of a topic's changes, or to be told so for longer.
    Subscribe(Wish),
    /// To be told no more.
    Unsubscribe {
        /// The topic, as given.
        topic: String,
        /// Whom not to tell.
        callback: Callback,
    },
    /// To look whether these topics changed.
    Publish(Vec<String>),
}

/// What a subscriber wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The topic, as given.
    pub topic: String,
    /// Whom to tell.
    pub callback: Callback,
    /// What to sign with.
    pub secret: Option<Secret>,
    /// For how long, as the hub grants it.
    pub lease: SignedDuration,
}

/// Why a request is not taken: for the developer of the other side, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Refusal {
    /// With a status and a reason.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    fn bad(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }
}

/// How long subscriptions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Where nothing is asked for.
    pub default: SignedDuration,
    /// At most.
    pub most: SignedDuration,
}

impl From<&OwnHub> for Lease {
    fn from(config: &OwnHub) -> Self {
        Self { default: config.lease, most: config.lease_most }
    }
}

impl Lease {
    /// What is granted of what was asked for: whole seconds, at least a minute, never for ever.
    pub fn granted(&self, asked: Option<u64>) -> SignedDuration {
        match asked {
            None => self.default,
            Some(seconds) => SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
                .clamp(OwnHub::LEASE_LEAST, self.most.max(OwnHub::LEASE_LEAST)),
        }
    }
}

/// Reads a request. Parameters that are not known are ignored, as the Recommendation wants it.
///
/// Errors: what is wrong with it.
pub fn parse(content_type: Option<&str>, body: &[u8], lease: &Lease) -> Result<Request, Refusal> {
    let essence = content_type.map(|given| given.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    if essence.is_some_and(|essence| essence != "application/x-www-form-urlencoded") {
        return Err(Refusal::new(415, "the body must be of type application/x-www-form-urlencoded"));
    }
    if body.len() > BODY_MAX {
        return Err(Refusal::new(413, format!("the body is longer than {BODY_MAX} bytes")));
    }
    let given: Vec<(String, String)> = form_urlencoded::parse(body)
        .filter(|(name, _)| name.starts_with("hub."))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let given = Given(given);
    match given.needed("hub.mode")? {
        "subscribe" => Ok(Request::Subscribe(Wish {
            topic: given.topic()?,
            callback: given.callback()?,
            secret: given.secret()?,
            lease: lease.granted(given.lease_seconds()?),
        })),
        "unsubscribe" => Ok(Request::Unsubscribe { topic: given.topic()?, callback: given.callback()? }),
        "publish" => {
            let named = given.0.iter().filter(|(name, _)| matches!(name.as_str(), "hub.topic" | "hub.url"));
            let mut topics: Vec<String> = named.map(|(_, value)| value.clone()).collect();
            topics.sort();
            topics.dedup();
            match topics.len() {
                0 => Err(Refusal::bad("hub.topic is missing: the address of the feed that changed")),
                1..=TOPICS_MAX => Ok(Request::Publish(topics)),
                _ => Err(Refusal::bad(format!("more than {TOPICS_MAX} topics at once"))),
            }
        }
        mode => {
            let shown: String = mode.chars().take(40).filter(|c| !c.is_control()).collect();
            Err(Refusal::bad(format!("hub.mode is `{shown}`; it must be subscribe, unsubscribe or publish")))
        }
    }
}

/// The parameters whose name begins with `hub.`.
struct Given(Vec<(String, String)>);

impl Given {
    /// A parameter that may stand once. One that is empty is one that is not there.
    fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let value = values.next().filter(|value| !value.is_empty());
        match values.next() {
            Some(_) => Err(Refusal::bad(format!("{name} stands more than once"))),
            None => Ok(value),
        }
    }

    fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or_else(|| Refusal::bad(format!("{name} is missing")))
    }

    fn topic(&self) -> Result<String, Refusal> {
        match self.needed("hub.topic")? {
            topic if topic.len() <= ADDRESS_MAX => Ok(topic.to_owned()),
            _ => Err(Refusal::bad(format!("hub.topic is longer than {ADDRESS_MAX} bytes"))),
        }
    }

    fn callback(&self) -> Result<Callback, Refusal> {
        match self.needed("hub.callback")? {
            given if given.len() <= ADDRESS_MAX => {
                Callback::parse(given).map_err(|why| Refusal::bad(format!("hub.callback {why}")))
            }
            _ => Err(Refusal::bad(format!("hub.callback is longer than {ADDRESS_MAX} bytes"))),
        }
    }

    fn secret(&self) -> Result<Option<Secret>, Refusal> {
        let Some(secret) = self.one("hub.secret")? else { return Ok(None) };
        if secret.len() >= SECRET_BOUND {
            return Err(Refusal::bad(format!("hub.secret must be less than {SECRET_BOUND} bytes")));
        }
        if secret.contains('\u{FFFD}') {
            // What was decoded is not what was given, and would sign otherwise.
            return Err(Refusal::bad("hub.secret is not UTF-8"));
        }
        Ok(Some(Secret::verbatim(secret)))
    }

    fn lease_seconds(&self) -> Result<Option<u64>, Refusal> {
        let Some(given) = self.one("hub.lease_seconds")? else { return Ok(None) };
        let is_number = given.bytes().all(|byte| byte.is_ascii_digit()) && given.bytes().any(|byte| byte != b'0');
        if !is_number {
            return Err(Refusal::bad("hub.lease_seconds must be a positive number of seconds"));
        }
        // A number too long for the type is only a very long wish.
        Ok(Some(given.parse().unwrap_or(u64::MAX)))
    }
}
