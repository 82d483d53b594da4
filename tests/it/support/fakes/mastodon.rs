//! A server of Mastodon, which knows a repeated request by its key.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const TOKEN: &str = "canari-mastodon-token";

#[derive(Default)]
pub struct Mastodon {
    statuses: Vec<Value>,
    keys: BTreeMap<String, String>,
    made: usize,
    /// Images, with their alternative texts, and how often they are still said to be in work.
    media: Vec<(String, u32)>,
}

impl Mastodon {
    fn error(status: u16, error: &str) -> Reply {
        Reply::json(status, &json!({ "error": error }))
    }

    fn find(&mut self, id: &str) -> Option<&mut Value> {
        self.statuses.iter_mut().find(|status| status["id"] == id)
    }

    fn html(text: &str) -> String {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        escaped.split("\n\n").map(|p| format!("<p>{}</p>", p.replace('\n', "<br>"))).collect()
    }
}

impl Api for Mastodon {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.header("authorization") != format!("Bearer {TOKEN}") {
            return Ok(self.unknown());
        }
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["api", "v2", "instance"]) => {
                let configuration = json!({ "statuses": { "max_characters": 500, "characters_reserved_per_url": 23 } });
                Ok(Reply::json(200, &json!({ "version": "4.5.2", "configuration": configuration })))
            }
            ("GET", ["api", "v1", "accounts", "verify_credentials"]) => {
                Ok(Reply::json(200, &json!({ "id": "7", "acct": "essai" })))
            }
            ("GET", ["api", "v1", "apps", "verify_credentials"]) => {
                Ok(Reply::json(200, &json!({ "name": "Crieur", "scopes": ["read", "write:statuses"] })))
            }
            ("GET", ["api", "v1", "accounts", "7", "statuses"]) => {
                let before = request.query.get("max_id").map_or(usize::MAX, |id| id.parse().unwrap());
                let older = |status: &&Value| status["id"].as_str().unwrap().parse::<usize>().unwrap() < before;
                let page: Vec<&Value> = self.statuses.iter().rev().filter(older).take(20).collect();
                Ok(Reply::json(200, &json!(page)))
            }
            ("POST", ["api", "v2", "media"]) => {
                let form = String::from_utf8_lossy(&request.body).into_owned();
                let described =
                    form.split("name=\"description\"\r\n\r\n").nth(1).and_then(|rest| rest.split("\r\n").next());
                if !form.contains("Content-Type: image/png") {
                    return Err("an image of another type".to_owned());
                }
                self.media.push((described.ok_or("no description")?.to_owned(), 1));
                Ok(Reply::json(202, &json!({ "id": (self.media.len() - 1).to_string(), "type": "image", "url": null })))
            }
            ("GET", ["api", "v1", "media", id]) => {
                let image = self.media.get_mut(id.parse::<usize>().unwrap()).ok_or("no such image")?;
                let status = if image.1 > 0 { 206 } else { 200 };
                image.1 = image.1.saturating_sub(1);
                Ok(Reply::json(status, &json!({ "id": id, "description": image.0 })))
            }
            ("POST", ["api", "v1", "statuses"]) => {
                let body = request.json()?;
                only(&body, &["status", "visibility", "language", "media_ids", "in_reply_to_id"])?;
                let before = body["in_reply_to_id"].clone();
                if let Some(id) = before.as_str() {
                    self.find(id).ok_or("an answer to nothing")?;
                }
                for id in body["media_ids"].as_array().into_iter().flatten() {
                    let at: usize = id.as_str().ok_or("an id that is no text")?.parse().map_err(|_| "a strange id")?;
                    same("how long an image is in work", self.media.get(at).ok_or("no such image")?.1, 0)?;
                }
                same("visibility", text(&body, "/visibility")?, "public")?;
                same("language", text(&body, "/language")?, "fr")?;
                let key = request.header("idempotency-key").to_owned();
                if key.is_empty() {
                    return Err("no Idempotency-Key".to_owned());
                }
                if let Some(id) = self.keys.get(&key).cloned() {
                    return Ok(Reply::json(200, &self.find(&id).ok_or("no such status")?.clone()));
                }
                self.made += 1;
                let (id, said) = (self.made.to_string(), text(&body, "/status")?);
                let status = json!({ "id": id, "url": format!("https://social.example.fr/@essai/{id}"), "content": Self::html(said), "created_at": "2026-11-22T10:00:00.000Z", "account": { "id": "7" }, "in_reply_to_id": before, "in_reply_to_account_id": before.as_str().map(|_| "7"), "sent": said });
                self.keys.insert(key, id);
                self.statuses.push(status.clone());
                Ok(Reply::json(200, &status))
            }
            ("GET", ["api", "v1", "statuses", id, "context"]) => {
                let mut below: Vec<Value> = Vec::new();
                for status in &self.statuses {
                    let parent = &status["in_reply_to_id"];
                    if parent == id || below.iter().any(|one| one["id"] == *parent) {
                        below.push(status.clone());
                    }
                }
                Ok(Reply::json(200, &json!({ "ancestors": [], "descendants": below })))
            }
            ("GET", ["api", "v1", "statuses", id]) => Ok(self
                .find(id)
                .map_or_else(|| Self::error(404, "Record not found"), |status| Reply::json(200, status))),
            ("PUT", ["api", "v1", "statuses", id]) => {
                let body = request.json()?;
                only(&body, &["status", "language"])?;
                let said = text(&body, "/status")?;
                let Some(status) = self.find(id) else { return Ok(Self::error(404, "Record not found")) };
                status["content"] = json!(Self::html(said));
                status["sent"] = json!(said);
                Ok(Reply::json(200, status))
            }
            ("DELETE", ["api", "v1", "statuses", id]) => {
                let before = self.statuses.len();
                self.statuses.retain(|status| status["id"] != *id);
                Ok(if self.statuses.len() < before {
                    Reply::json(200, &json!({ "id": id }))
                } else {
                    Self::error(404, "Record not found")
                })
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.line() == ("POST", "/api/v1/statuses")
    }

    fn texts(&self) -> Vec<String> {
        self.statuses.iter().map(|status| status["sent"].as_str().unwrap().to_owned()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        let reset = format!("2026-11-22T10:{:02}:{:02}.000000Z", seconds / 60, seconds % 60);
        Self::error(429, "Too many requests").header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", reset)
    }

    fn unknown(&self) -> Reply {
        Self::error(401, &format!("The access token is invalid: {TOKEN}"))
    }

    fn unwanted(&self) -> Reply {
        Self::error(422, "Validation failed: Text character limit of 500 exceeded")
    }
}
