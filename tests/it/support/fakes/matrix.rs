//! A Matrix homeserver with one room. It forgets transactions at once, as it may after a day.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "canari-matrix-token";
pub const ROOM: &str = "!annonces:localhost";
const USER: &str = "@crieur:localhost";

#[derive(Default)]
pub struct Matrix {
    events: Vec<Value>,
}

impl Matrix {
    fn error(status: u16, errcode: &str, error: &str) -> Reply {
        Reply::json(status, &json!({ "errcode": errcode, "error": error }))
    }
}

impl Api for Matrix {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.header("authorization") != format!("Bearer {TOKEN}") {
            return Ok(self.unknown());
        }
        let decoded = request.path.replace("%21", "!").replace("%3A", ":").replace("%24", "$");
        if request.line() == ("POST", "/_matrix/media/v3/upload") {
            let is_image = request.header("content-type").starts_with("image/") && !request.body.is_empty();
            same("an image", is_image, true)?;
            return Ok(Reply::json(200, &json!({ "content_uri": "mxc://localhost/un" })));
        }
        let path = decoded.strip_prefix("/_matrix/client/v3/").ok_or("not the client API")?;
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["account", "whoami"]) => Ok(Reply::json(200, &json!({ "user_id": USER, "device_id": "CRIEUR" }))),
            ("GET", ["joined_rooms"]) => Ok(Reply::json(200, &json!({ "joined_rooms": [ROOM] }))),
            ("GET", ["rooms", ROOM, "state", "m.room.encryption"]) => {
                Ok(Self::error(404, "M_NOT_FOUND", "Event not found."))
            }
            ("PUT", ["rooms", ROOM, "send", "m.room.message", _]) => {
                let body = request.json()?;
                only(
                    &body,
                    &[
                        "msgtype",
                        "body",
                        "format",
                        "formatted_body",
                        "fr.gouv.crieur.id",
                        "m.new_content",
                        "m.relates_to",
                        "url",
                        "info",
                    ],
                )?;
                if text(&body, "/msgtype")? == "m.image" {
                    same("url", text(&body, "/url")?, "mxc://localhost/un")?;
                    same("a media type", text(&body, "/info/mimetype")?.starts_with("image/"), true)?;
                } else {
                    same("msgtype", text(&body, "/msgtype")?, "m.notice")?;
                    same("format", text(&body, "/format")?, "org.matrix.custom.html")?;
                }
                if let Ok(edited) = text(&body, "/m.relates_to/event_id") {
                    let new = text(&body, "/m.new_content/body")?.to_owned();
                    let event =
                        self.events.iter_mut().find(|event| event["event_id"] == edited).ok_or("no such event")?;
                    event["shown"] = json!(new);
                    return Ok(Reply::json(200, &json!({ "event_id": "$edit" })));
                }
                let id = format!("$event{}", self.events.len());
                self.events.push(json!({ "type": "m.room.message", "event_id": id, "sender": USER, "origin_server_ts": 1_795_341_600_000_i64, "shown": body["body"], "content": body, "unsigned": {} }));
                Ok(Reply::json(200, &json!({ "event_id": id })))
            }
            ("PUT", ["rooms", ROOM, "redact", id, _]) => {
                let event = self.events.iter_mut().find(|event| event["event_id"] == *id).ok_or("no such event")?;
                event["content"] = json!({});
                event["unsigned"] = json!({ "redacted_because": {} });
                Ok(Reply::json(200, &json!({ "event_id": "$redaction" })))
            }
            ("GET", ["rooms", ROOM, "event", id]) => {
                Ok(match self.events.iter().find(|event| event["event_id"] == *id) {
                    Some(event) => Reply::json(200, event),
                    None => Self::error(404, "M_NOT_FOUND", "Event not found."),
                })
            }
            ("GET", ["rooms", ROOM, "messages"]) => {
                let newest: Vec<&Value> = self.events.iter().rev().collect();
                Ok(Reply::json(200, &json!({ "chunk": newest, "start": "a" })))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.path.contains("/send/m.room.message/")
    }

    fn texts(&self) -> Vec<String> {
        let there = self.events.iter().filter(|event| event["content"]["body"].is_string());
        there.map(|event| event["shown"].as_str().unwrap().to_owned()).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        let millis = u64::from(seconds) * 1_000;
        Reply::json(
            429,
            &json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": millis }),
        )
    }

    fn unknown(&self) -> Reply {
        Self::error(401, "M_UNKNOWN_TOKEN", &format!("Unknown access token {TOKEN}"))
    }

    fn unwanted(&self) -> Reply {
        Self::error(413, "M_TOO_LARGE", "event too large")
    }
}
