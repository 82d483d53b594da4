//! `network: webhook`: any program that takes signed messages (Standard Webhooks 1.0.0).

use super::channel::hook;
use super::fields::Fields;
use crate::config::raw::RawOnDoubt;
use crate::secret::{SafeUrl, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// A receiver of signed messages.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where they are sent.
    pub hook: SafeUrl,
    /// What they are signed with; several while a secret is being replaced.
    pub keys: Vec<SigningKey>,
    /// What to do if the answer was lost.
    pub on_doubt: OnDoubt,
}

/// What to do if it is not known whether the receiver has a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDoubt {
    /// Send it again under the same `webhook-id`: the receiver knows by it what it has (as the standard asks).
    Repeat,
    /// Ask a person.
    Ask,
}

/// What messages are signed with. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub enum SigningKey {
    /// `whsec_…`: known to both sides, HMAC-SHA256, `v1`.
    Shared(Vec<u8>),
    /// `whsk_…`: known to the sender alone, Ed25519, `v1a`. Its 32 bytes of seed.
    Own([u8; 32]),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(•••)")
    }
}

impl SigningKey {
    /// Reads a key. Errors are a sentence that does not repeat it.
    fn parse(secret: &Secret) -> Result<Self, &'static str> {
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| "what follows its prefix is not base64");
        if let Some(encoded) = secret.expose().strip_prefix("whsec_") {
            let key = bytes(encoded)?;
            return match key.len() {
                24..=64 => Ok(Self::Shared(key)),
                _ => Err("it does not have between 24 and 64 bytes"),
            };
        }
        if let Some(encoded) = secret.expose().strip_prefix("whsk_") {
            // The seed alone, or with the public key behind it.
            let key = bytes(encoded)?;
            let seed = key.first_chunk::<32>().filter(|_| matches!(key.len(), 32 | 64));
            return seed.map(|seed| Self::Own(*seed)).ok_or("it does not have 32 or 64 bytes");
        }
        Err("it begins neither with whsec_ nor with whsk_")
    }
}

/// Reads the keys of a receiver.
pub(super) fn read(fields: &mut Fields) -> Option<Webhook> {
    let hook = hook(fields);
    let (secret, file) = (fields.raw.secret.take(), fields.raw.secret_file.take());
    let secret = fields.secret("secret", secret, file);
    let (before, file) = (fields.raw.previous_secret.take(), fields.raw.previous_secret_file.take());
    let before = fields.optional_secret("previous_secret", before, file);
    let mut keys = Vec::new();
    for (name, secret) in [("secret", secret), ("previous_secret", before)] {
        match secret.as_ref().map(SigningKey::parse) {
            Some(Ok(key)) => keys.push(key),
            // A variable that is not set is reported already.
            Some(Err(_)) if secret.as_ref().is_some_and(|secret| secret.expose() == "unset") => {}
            Some(Err(message)) => {
                let message = format!("this is not a secret of Standard Webhooks: {message}");
                fields.mistake(name, &message, "make one with: echo whsec_$(openssl rand -base64 32)");
            }
            None => {}
        }
    }
    let on_doubt = match fields.raw.on_doubt.take() {
        Some(RawOnDoubt::Ask) => OnDoubt::Ask,
        Some(RawOnDoubt::Repeat) | None => OnDoubt::Repeat,
    };
    Some(Webhook { hook: hook?, keys, on_doubt }).filter(|webhook| !webhook.keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_the_standard_writes_them_and_never_show() {
        let parse = |text: &str| SigningKey::parse(&Secret::new(text));
        assert_eq!(parse(&format!("whsec_{}", STANDARD.encode([7; 24]))), Ok(SigningKey::Shared(vec![7; 24])));
        assert_eq!(parse(&format!("whsk_{}", STANDARD.encode([7; 64]))), Ok(SigningKey::Own([7; 32])));
        assert_eq!(format!("{:?}", parse(&format!("whsk_{}", STANDARD.encode([7; 32])))), "Ok(SigningKey(•••))");
        for wrong in ["canari", "whsec_canari!", "whsec_Y2FuYXJp", "whsk_Y2FuYXJp"] {
            assert!(parse(wrong).is_err_and(|message| !message.contains("canari")), "{wrong}");
        }
    }
}
