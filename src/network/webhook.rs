//! Any program that takes signed messages (Standard Webhooks 1.0.0, specification of the project of that name).
//!
//! `webhook-id` is the same on every try of one message, so a receiver knows by it what it has: a message whose answer was
//! lost is repeated under its id, unless the configuration asks for a person. A hook cannot be asked what it has.

use super::answers::{failure, said};
use super::caller::Caller;
use super::client::Answer;
use super::{Abilities, Found, Network, Wanted};
use crate::config::{OnDoubt, SigningKey, Webhook};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::digest;
use crate::post::{Counter, Image, Limits, Post};
use async_trait::async_trait;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

/// What a message carries. The standard wants messages small; what a receiver makes of a text is its own affair.
///
/// Images are named by their addresses, with what is said of them; the receiver fetches them.
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 10,
    images_by_address: true,
    alt_max: 2_000,
    ..Limits::text(5_000, Counter::Graphemes)
};

/// What a message is about.
const PUBLISHED: &str = "post.published";
const EDITED: &str = "post.edited";
const WITHDRAWN: &str = "post.withdrawn";

/// A receiver.
pub struct Receiver {
    webhook: Webhook,
    caller: Caller,
}

impl Receiver {
    /// A receiver. Nothing is sent yet.
    ///
    /// Errors: its address is private and may not be, or the client cannot be set up.
    pub fn new(webhook: Webhook, allow_private: bool) -> Result<Self, String> {
        Ok(Self { caller: Caller::new(webhook.hook.expose(), allow_private, webhook.hook.secrets())?, webhook })
    }

    async fn tell(&self, id: &str, body: &Value, now: Timestamp) -> Result<Receipt, Failure> {
        let body = body.to_string();
        let mut request =
            self.caller.to_hook(Method::POST, &self.webhook.hook).header("content-type", "application/json");
        for (name, value) in signed(&self.webhook.keys, id, &body, now)? {
            request = request.header(name, value);
        }
        let answer = self.caller.send(request.body(body), now).await?;
        read_answer(&answer, id, now).map_err(|failure| self.caller.redacted(failure))
    }
}

#[async_trait]
impl Network for Receiver {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, _now: Timestamp) -> Result<String, Failure> {
        Ok(format!(
            "a receiver of signed messages on {}, which cannot be asked without a message",
            self.webhook.hook.host()
        ))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let id = key.idempotency_key();
        self.tell(&id, &body(PUBLISHED, &id, Some(post)), now).await
    }

    /// A hook cannot be asked. That it is repeated all the same is safe by the standard: the id tells.
    async fn find(&self, _wanted: &Wanted<'_>, _now: Timestamp) -> Result<Found, Failure> {
        match self.webhook.on_doubt {
            OnDoubt::Repeat => Ok(Found::No),
            OnDoubt::Ask => Err(Failure::Refused("a hook cannot be asked what it has".to_owned())),
        }
    }

    async fn edit(
        &self,
        receipt: &Receipt,
        post: &Post,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let id = key.idempotency_key();
        // Each try is a message of its own: an edit back to earlier words is another one, and one that comes twice says the
        // same.
        let message = format!("{id}-edit-{}-{}", digest::hex(&post.text, 8), now.as_second());
        self.tell(&message, &body(EDITED, &id, Some(post)), now).await?;
        Ok(receipt.clone())
    }

    async fn withdraw(&self, _receipt: &Receipt, key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let id = key.idempotency_key();
        self.tell(&format!("{id}-withdraw"), &body(WITHDRAWN, &id, None), now).await.map(|_| ())
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            edits: true,
            withdraws: true,
            threads: true,
            images: true,
            edits_images: true,
            ..Abilities::default()
        }
    }

    fn look_after(&self) -> SignedDuration {
        SignedDuration::from_secs(5)
    }

    fn looks(&self) -> u32 {
        match self.webhook.on_doubt {
            OnDoubt::Repeat => 1,
            OnDoubt::Ask => 0,
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// The body of a message: `type` and `data`, as the standard names them. The moment stands in the header, so that a message
/// has the same bytes on every try.
fn body(kind: &str, id: &str, post: Option<&Post>) -> Value {
    let mut data = json!({ "id": id });
    if let Some(post) = post {
        data["text"] = json!(post.text);
        data["url"] = json!(post.url);
        data["language"] = json!(post.language);
        data["hashtags"] = json!(post.hashtags);
        if !post.thread.is_empty() {
            data["thread"] = json!(post.thread);
        }
        if !post.images.is_empty() {
            data["images"] = post.images.iter().map(image).collect();
        }
    }
    json!({ "type": kind, "data": data })
}

/// An image, by its address.
fn image(image: &Image) -> Value {
    json!({
        "url": image.url,
        "alt": image.alt,
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
    })
}

/// The headers that sign a message: the same id on every try, the moment and the signatures of this one.
fn signed(keys: &[SigningKey], id: &str, body: &str, now: Timestamp) -> Result<[(&'static str, String); 3], Failure> {
    let at = now.as_second();
    let text = format!("{id}.{at}.{body}");
    let signatures: Option<Vec<String>> = keys.iter().map(|key| signature(key, text.as_bytes())).collect();
    let signatures =
        signatures.ok_or_else(|| Failure::Refused("the message cannot be signed with this secret".to_owned()))?;
    Ok([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

/// A signature as the standard writes it: its version, a comma, base64.
fn signature(key: &SigningKey, signed: &[u8]) -> Option<String> {
    Some(match key {
        SigningKey::Shared(secret) => {
            let mac = Hmac::<Sha256>::new_from_slice(secret).ok()?.chain_update(signed);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        }
        SigningKey::Own(seed) => {
            let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
            format!("v1a,{}", STANDARD.encode(pair.sign(signed)))
        }
    })
}

/// The answer to a message. Any 2xx is a success; what it holds is looked at for an id and an address, and need not.
fn read_answer(answer: &Answer, id: &str, now: Timestamp) -> Result<Receipt, Failure> {
    if answer.status.is_success() {
        let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
        let text = |name: &str| match json.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let remote_url = text("url").filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        return Ok(Receipt::new(text("id").unwrap_or_else(|| id.to_owned()), remote_url));
    }
    Err(match answer.status {
        // The standard: gone for good, send nothing more.
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Refused(format!(
            "the receiver is not there ({}: {}); give its new address, or take the endpoint out",
            answer.status,
            said(answer)
        )),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Unauthorised(format!(
            "the receiver does not accept the signature ({}); check that it has the same secret",
            said(answer)
        )),
        _ => failure(answer, now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification: what its own libraries are tested with.
    #[test]
    fn a_message_is_signed_as_the_standard_signs_its_example() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(&SigningKey::Shared(secret), signed).as_deref(), Some(expected));
    }

    #[test]
    fn every_secret_signs_and_a_key_of_ones_own_can_be_verified_by_its_public_half() {
        use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};
        let keys = [SigningKey::Shared(vec![1; 32]), SigningKey::Own([2; 32])];
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let sent = body(WITHDRAWN, "crieur-1", None).to_string();
        assert_eq!(sent, r#"{"type":"post.withdrawn","data":{"id":"crieur-1"}}"#);
        let [(_, id), (_, at), (_, signatures)] = signed(&keys, "crieur-1", &sent, now).unwrap();
        assert_eq!((id.as_str(), at.as_str()), ("crieur-1", "1795341600"));
        let (first, second) = signatures.split_once(' ').unwrap();
        assert!(first.starts_with("v1,"));
        let public = Ed25519KeyPair::from_seed_unchecked(&[2; 32]).unwrap().public_key().as_ref().to_vec();
        let given = STANDARD.decode(second.strip_prefix("v1a,").unwrap()).unwrap();
        let text = format!("crieur-1.1795341600.{sent}");
        UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), &given).unwrap();
    }

    #[test]
    fn any_success_is_a_receipt_and_410_ends_it() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            read_answer(&Answer { status, headers: Default::default(), body: body.into() }, "crieur-1", now)
        };
        for (status, body) in [(200, ""), (202, "ok"), (204, ""), (200, "[1]")] {
            assert_eq!(read(status, body).unwrap(), Receipt::new("crieur-1", None));
        }
        let named = read(201, r#"{"id": 7, "url": "https://x.fr/7"}"#).unwrap();
        assert_eq!(named, Receipt::new("7", Some("https://x.fr/7".into())));
        assert_eq!(read(200, r#"{"url": "javascript:alert(1)"}"#).unwrap().remote_url, None);
        assert!(matches!(read(410, ""), Err(Failure::Refused(why)) if why.contains("take the endpoint out")));
        assert!(matches!(read(301, ""), Err(Failure::Refused(_))));
        assert!(matches!(read(500, ""), Err(Failure::Uncertain(_))));
    }
}
