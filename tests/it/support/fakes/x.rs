//! X, with OAuth 1.0a: it verifies the signature, puts short addresses in the place of addresses, and refuses a text that it
//! has.

use super::{Api, Reply, Request, only, same, text};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const CONSUMER_KEY: &str = "canari-x-consumer-key";
pub const CONSUMER_SECRET: &str = "canari-x-consumer-secret";
pub const TOKEN: &str = "canari-x-token";
pub const TOKEN_SECRET: &str = "canari-x-token-secret";

#[derive(Default)]
pub struct X {
    /// Where it can be reached: signatures are made of it.
    url: String,
    posts: Vec<(String, String)>,
    made: usize,
}

impl X {
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

fn verify(request: &Request, url: &str) -> Result<(), String> {
    let given = request.header("authorization").strip_prefix("OAuth ").ok_or("not OAuth")?;
    let mut pairs = BTreeMap::new();
    for pair in given.split(", ") {
        let (name, value) = pair.split_once('=').ok_or("no pair")?;
        let value = value.trim_matches('"');
        pairs.insert(name.to_owned(), percent_encoding_undone(value));
    }
    let signature = pairs.remove("oauth_signature").ok_or("not signed")?;
    same("the key", pairs["oauth_consumer_key"].as_str(), CONSUMER_KEY)?;
    same("the token", pairs["oauth_token"].as_str(), TOKEN)?;
    same("the method", pairs["oauth_signature_method"].as_str(), "HMAC-SHA1")?;
    pairs.extend(request.query.clone());
    let joined: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    let base =
        format!("{}&{}&{}", request.method, percent(&format!("{url}{}", request.path)), percent(&joined.join("&")));
    let key =
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{CONSUMER_SECRET}&{TOKEN_SECRET}").as_bytes());
    same("the signature", signature, STANDARD.encode(hmac::sign(&key, base.as_bytes())))
}

fn percent_encoding_undone(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned()
}

/// A text as X gives it back, and its addresses.
fn shortened(text: &str) -> (String, Vec<Value>) {
    let mut urls = Vec::new();
    let words: Vec<String> = text
        .split_inclusive(char::is_whitespace)
        .map(|word| {
            let address = word.trim_end();
            if !address.starts_with("http") {
                return word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            }
            let short = format!("https://t.co/{}", urls.len());
            urls.push(json!({ "url": short, "expanded_url": address }));
            word.replace(address, &short)
        })
        .collect();
    (words.concat(), urls)
}

impl Api for X {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        verify(request, &self.url)?;
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/2/users/me") => Ok(Reply::json(200, &json!({ "data": { "id": "9", "username": "agence" } }))),
            ("POST", "/2/tweets") => {
                let body = request.json()?;
                only(&body, &["text"])?;
                let text = text(&body, "/text")?;
                if self.posts.iter().any(|(_, there)| there == text) {
                    let detail = "You are not allowed to create a Tweet with duplicate content.";
                    return Ok(Reply::json(
                        403,
                        &json!({ "detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403 }),
                    ));
                }
                self.made += 1;
                let id = format!("19000{}", self.made);
                self.posts.push((id.clone(), text.to_owned()));
                Ok(Reply::json(
                    201,
                    &json!({ "data": { "id": id, "text": shortened(text).0, "edit_history_tweet_ids": [id] } }),
                ))
            }
            ("GET", "/2/users/9/tweets") => {
                same("exclude", request.query["exclude"].as_str(), "retweets")?;
                request.query["start_time"].parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
                let posts: Vec<Value> = self.posts.iter().rev().map(|(id, text)| {
                    let (text, urls) = shortened(text);
                    json!({ "id": id, "text": text, "created_at": "2026-11-22T10:00:00.000Z", "entities": { "urls": urls } })
                }).collect();
                let mut page = json!({ "meta": { "result_count": posts.len() } });
                if !posts.is_empty() {
                    page["data"] = json!(posts);
                }
                Ok(Reply::json(200, &page))
            }
            ("DELETE", path) => {
                let id = path.strip_prefix("/2/tweets/").ok_or("no such method")?;
                let before = self.posts.len();
                self.posts.retain(|(there, _)| there != id);
                Ok(Reply::json(200, &json!({ "data": { "deleted": self.posts.len() < before } })))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.line() == ("POST", "/2/tweets")
    }

    fn texts(&self) -> Vec<String> {
        self.posts.iter().map(|(_, text)| text.clone()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        // Tests begin at 2026-11-22T10:00:00Z.
        Reply::json(429, &json!({ "title": "Too Many Requests", "status": 429, "detail": "Too Many Requests" }))
            .header("x-rate-limit-reset", (1_795_341_600 + u64::from(seconds)).to_string())
    }

    fn unknown(&self) -> Reply {
        Reply::json(401, &json!({ "title": "Unauthorized", "status": 401, "detail": "Unauthorized ECHO" }))
    }

    fn unwanted(&self) -> Reply {
        Reply::json(402, &json!({ "title": "CreditsDepleted", "status": 402, "detail": "no credits" }))
    }
}
