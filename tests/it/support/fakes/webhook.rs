//! A receiver of Standard Webhooks: it verifies, and knows by `webhook-id` what it has.

use super::{Api, Reply, Request, only, same, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;

pub const SECRET: &str = "whsec_Y2FuYXJpLWNhbmFyaS1jYW5hcmktY2FuYXJpLTEyMzQ=";
pub const PATH: &str = "/hooks/canari-webhook-1234";

#[derive(Default)]
pub struct Webhook {
    messages: BTreeMap<String, Value>,
}

impl Api for Webhook {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        same("the request", request.line(), ("POST", PATH))?;
        let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
        at.parse::<i64>().map_err(|_| "no time".to_owned())?;
        let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = [format!("{id}.{at}.").as_bytes(), &request.body].concat();
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(signed).finalize().into_bytes();
        same("the signature", request.header("webhook-signature"), &format!("v1,{}", STANDARD.encode(mac)))?;
        let message = request.json()?;
        only(&message, &["type", "data"])?;
        if let Some(before) = self.messages.get(id) {
            same("the message under its id", before, &message)?;
        }
        for image in message["data"]["images"].as_array().into_iter().flatten() {
            only(image, &["url", "alt", "media_type", "width", "height"])?;
            text(image, "/url")?.strip_prefix("https://").ok_or("not a public address")?;
        }
        self.messages.insert(id.to_owned(), message);
        Ok(Reply::text(204, ""))
    }

    fn posts(&self, request: &Request) -> bool {
        request.json().is_ok_and(|message| message["type"] == "post.published")
    }

    fn texts(&self) -> Vec<String> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for kind in ["post.published", "post.edited", "post.withdrawn"] {
            for message in self.messages.values().filter(|message| message["type"] == kind) {
                let id = text(message, "/data/id").unwrap().to_owned();
                match message["data"]["text"].as_str() {
                    Some(text) => texts.insert(id, text.to_owned()),
                    None => texts.remove(&id),
                };
            }
        }
        texts.into_values().collect()
    }

    fn images(&self) -> Vec<String> {
        let images =
            self.messages.values().flat_map(|message| message["data"]["images"].as_array().into_iter().flatten());
        images.map(|image| image["alt"].as_str().unwrap().to_owned()).collect()
    }

    fn unknown(&self) -> Reply {
        Reply::text(401, "the signature is not that of ECHO")
    }

    fn unwanted(&self) -> Reply {
        Reply::text(410, "gone")
    }
}
