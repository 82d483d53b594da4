//! X, with OAuth 1.0a: it verifies the signature, puts short addresses in the place of addresses, and refuses a text that it
//! has.

use super::{Api, Reply, Request, only, same, text};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// When every post was made: tests begin then.
const MADE: &str = "2026-11-22T10:00:00.000Z";

pub const CONSUMER_KEY: &str = "canari-x-consumer-key";
pub const CONSUMER_SECRET: &str = "canari-x-consumer-secret";
pub const TOKEN: &str = "canari-x-token";
pub const TOKEN_SECRET: &str = "canari-x-token-secret";

#[derive(Default)]
pub struct X {
    /// Where it can be reached: signatures are made of it.
    url: String,
    posts: Vec<Tweet>,
    made: usize,
    /// Images, and what is said of them.
    media: Vec<String>,
}

struct Tweet {
    id: String,
    text: String,
    before: Option<String>,
    media: Vec<usize>,
}

impl X {
    /// An image that was uploaded, by its id.
    fn image(&self, id: &Value) -> Result<usize, String> {
        let number = id.as_str().and_then(|id| id.strip_prefix("1880")?.parse::<usize>().ok());
        number.filter(|number| *number < self.media.len()).ok_or_else(|| format!("no image {id}"))
    }

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
                only(&body, &["text", "media", "reply"])?;
                let text = text(&body, "/text")?;
                let before = body.pointer("/reply/in_reply_to_tweet_id").and_then(Value::as_str).map(str::to_owned);
                if before.as_ref().is_some_and(|before| !self.posts.iter().any(|post| post.id == *before)) {
                    return Err("an answer to nothing".to_owned());
                }
                let media = body.pointer("/media/media_ids").and_then(Value::as_array);
                let media: Result<Vec<usize>, String> = media.into_iter().flatten().map(|id| self.image(id)).collect();
                let media = media?;
                if self.posts.iter().any(|post| post.text == text) {
                    let detail = "You are not allowed to create a Tweet with duplicate content.";
                    return Ok(Reply::json(
                        403,
                        &json!({ "detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403 }),
                    ));
                }
                self.made += 1;
                let id = format!("19000{}", self.made);
                self.posts.push(Tweet { id: id.clone(), text: text.to_owned(), before, media });
                Ok(Reply::json(
                    201,
                    &json!({ "data": { "id": id, "text": shortened(text).0, "edit_history_tweet_ids": [id] } }),
                ))
            }
            ("GET", "/2/users/9/tweets") => {
                same("exclude", request.query["exclude"].as_str(), "retweets")?;
                let start =
                    request.query["start_time"].parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
                let made: jiff::Timestamp = MADE.parse().unwrap();
                let posts: Vec<Value> = self
                    .posts
                    .iter()
                    .rev()
                    .filter(|_| made >= start)
                    .map(|post| {
                        let (mut text, mut urls) = shortened(&post.text);
                        if !post.media.is_empty() {
                            text.push_str(" https://t.co/image");
                            let page = format!("https://x.com/agence/status/{}/photo/1", post.id);
                            urls.push(json!({ "url": "https://t.co/image", "expanded_url": page, "media_key": "3_1" }));
                        }
                        let mut shown =
                            json!({ "id": post.id, "text": text, "created_at": MADE, "entities": { "urls": urls } });
                        if let Some(before) = &post.before {
                            shown["referenced_tweets"] = json!([{ "type": "replied_to", "id": before }]);
                        }
                        shown
                    })
                    .collect();
                let mut page = json!({ "meta": { "result_count": posts.len() } });
                if !posts.is_empty() {
                    page["data"] = json!(posts);
                }
                Ok(Reply::json(200, &page))
            }
            ("POST", "/2/media/upload") => {
                let parts = request.parts()?;
                let [category, kind, file] = &parts[..] else { return Err("another form".to_owned()) };
                same("the category", (category.name.as_str(), category.text()), ("media_category", "tweet_image"))?;
                same("the type", (kind.name.as_str(), Some(kind.text())), ("media_type", file.media_type.as_deref()))?;
                same("the field", file.name.as_str(), "media")?;
                file.is_image()?;
                self.media.push(String::new());
                let id = format!("1880{}", self.media.len() - 1);
                Ok(Reply::json(200, &json!({ "data": { "id": id, "media_key": "3_1", "expires_after_secs": 86400 } })))
            }
            ("POST", "/2/media/metadata") => {
                let body = request.json()?;
                only(&body, &["id", "metadata"])?;
                let at = self.image(&body["id"])?;
                self.media[at] = text(&body, "/metadata/alt_text/text")?.to_owned();
                Ok(Reply::json(200, &json!({ "data": { "id": body["id"] } })))
            }
            ("DELETE", path) => {
                let id = path.strip_prefix("/2/tweets/").ok_or("no such method")?;
                let before = self.posts.len();
                self.posts.retain(|post| post.id != id);
                Ok(Reply::json(200, &json!({ "data": { "deleted": self.posts.len() < before } })))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.line() == ("POST", "/2/tweets")
    }

    fn texts(&self) -> Vec<String> {
        self.posts.iter().map(|post| post.text.clone()).collect()
    }

    fn images(&self) -> Vec<String> {
        self.posts.iter().flat_map(|post| &post.media).map(|at| self.media[*at].clone()).collect()
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
