//! Discord: a webhook, and what a bot needs of the API.

use super::{Api, Reply, Request, markdown, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-discord-token";
pub const CHANNEL: &str = "1234567890123456789";
pub const HOOK: &str = "/api/webhooks/223704706495545344/canari-discord-hook";

#[derive(Default)]
pub struct Discord {
    messages: Vec<Value>,
}

impl Discord {
    fn take(body: &Value) -> Result<(), String> {
        let content = text(body, "/content")?;
        markdown(content, "*_~`|<>[]")?;
        if content.encode_utf16().count() > 2_000 {
            return Err("too long".to_owned());
        }
        same("allowed_mentions", &body["allowed_mentions"], &json!({ "parse": [] }))
    }

    /// The message of a request, which may be a form with files.
    fn read(request: &Request) -> Result<Value, String> {
        if !request.header("content-type").starts_with("multipart/") {
            return request.json();
        }
        let parts = request.parts()?;
        let (first, files) = parts.split_first().ok_or("an empty form")?;
        same("the first part", first.name.as_str(), "payload_json")?;
        let body: Value = serde_json::from_str(first.text()).map_err(|error| error.to_string())?;
        let attached = body["attachments"].as_array().ok_or("no attachments")?;
        same("how many files", files.len(), attached.len())?;
        for (at, (file, attachment)) in files.iter().zip(attached).enumerate() {
            only(attachment, &["id", "filename", "description"])?;
            same("the field", file.name.clone(), format!("files[{at}]"))?;
            same("the id", &attachment["id"], &json!(at))?;
            same("the name", file.file.as_deref(), attachment["filename"].as_str())?;
            text(attachment, "/description")?;
            file.is_image()?;
        }
        Ok(body)
    }

    fn make(&mut self, body: &Value) -> Reply {
        let message = json!({
            "attachments": body["attachments"], "message_reference": body["message_reference"],
            "id": format!("14000000000000000{:02}", self.messages.len()), "channel_id": CHANNEL, "content": body["content"],
            "timestamp": "2026-11-22T10:00:00.000000+00:00", "author": { "id": "77", "username": "crieur", "bot": true },
        });
        self.messages.push(message.clone());
        Reply::json(200, &message)
    }

    fn no(status: u16, code: u64, message: &str) -> Reply {
        Reply::json(status, &json!({ "message": message, "code": code }))
    }

    fn message(&mut self, method: &str, id: &str, request: &Request) -> Result<Reply, String> {
        let Some(at) = self.messages.iter().position(|message| message["id"] == id) else {
            return Ok(Self::no(404, 10_008, "Unknown Message"));
        };
        match method {
            "GET" => Ok(Reply::json(200, &self.messages[at])),
            "DELETE" => {
                self.messages.remove(at);
                Ok(Reply::text(204, ""))
            }
            "PATCH" => {
                let body = request.json()?;
                only(&body, &["content", "allowed_mentions"])?;
                Self::take(&body)?;
                self.messages[at]["content"] = body["content"].clone();
                Ok(Reply::json(200, &self.messages[at]))
            }
            _ => Err("no such method".to_owned()),
        }
    }
}

impl Api for Discord {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if !request.header("user-agent").starts_with("DiscordBot (") {
            return Err(format!("the agent `{}`", request.header("user-agent")));
        }
        if let Some(rest) = request.path.strip_prefix(HOOK) {
            return match (request.method.as_str(), rest.strip_prefix("/messages/")) {
                ("GET", None) if rest.is_empty() => Ok(Reply::json(
                    200,
                    &json!({ "id": "223704706495545344", "name": "Crieur", "channel_id": CHANNEL, "guild_id": "42" }),
                )),
                ("POST", None) if rest.is_empty() => {
                    same("wait", request.query.get("wait").map(String::as_str), Some("true"))?;
                    let body = Self::read(request)?;
                    only(&body, &["content", "allowed_mentions", "attachments"])?;
                    Self::take(&body)?;
                    Ok(self.make(&body))
                }
                (method, Some(id)) => self.message(method, id, request),
                _ => Err("no such method".to_owned()),
            };
        }
        same("authorization", request.header("authorization"), &format!("Bot {TOKEN}"))?;
        let path = request.path.strip_prefix("/api/v10/").ok_or("not the API")?.to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["users", "@me"]) => Ok(Reply::json(200, &json!({ "id": "77", "username": "crieur" }))),
            ("GET", ["channels", CHANNEL]) => {
                Ok(Reply::json(200, &json!({ "id": CHANNEL, "name": "annonces", "guild_id": "42" })))
            }
            ("GET", ["channels", CHANNEL, "messages"]) => {
                same("limit", request.query["limit"].as_str(), "100")?;
                let newest_first: Vec<&Value> = self.messages.iter().rev().collect();
                Ok(Reply::json(200, &json!(newest_first)))
            }
            ("POST", ["channels", CHANNEL, "messages"]) => {
                let body = Self::read(request)?;
                only(
                    &body,
                    &["content", "allowed_mentions", "nonce", "enforce_nonce", "attachments", "message_reference"],
                )?;
                Self::take(&body)?;
                if let Some(before) = body.get("message_reference") {
                    only(before, &["message_id"])?;
                    let is_there = self.messages.iter().any(|message| message["id"] == before["message_id"]);
                    same("the message before", is_there, true)?;
                }
                let nonce = text(&body, "/nonce")?;
                if nonce.len() > 25 || body["enforce_nonce"] != true {
                    return Err(format!("the nonce {nonce}"));
                }
                Ok(self.make(&body))
            }
            (method, ["channels", CHANNEL, "messages", id]) => self.message(method, id, request),
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.method == "POST"
    }

    fn texts(&self) -> Vec<String> {
        self.messages.iter().map(|message| markdown(message["content"].as_str().unwrap(), "").unwrap()).collect()
    }

    fn images(&self) -> Vec<String> {
        let files = self.messages.iter().flat_map(|message| message["attachments"].as_array().into_iter().flatten());
        files.map(|file| file["description"].as_str().unwrap().to_owned()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Reply::json(
            429,
            &json!({ "message": "You are being rate limited.", "retry_after": f64::from(seconds), "global": false }),
        )
    }

    fn unknown(&self) -> Reply {
        Self::no(401, 0, "401: Unauthorized ECHO")
    }

    fn unwanted(&self) -> Reply {
        Reply::json(400, &json!({ "code": 50_035, "message": "Invalid Form Body", "errors": { "content": {} } }))
    }
}
