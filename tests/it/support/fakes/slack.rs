//! Slack: an incoming hook, and what a bot needs of the Web API, whose errors stand in a success.

use super::{Api, Reply, Request, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "xoxb-canari-slack-token";
pub const CHANNEL: &str = "C0123ABCDEF";
pub const HOOK: &str = "/services/T0001/B0001/canari-slack-hook";

#[derive(Default)]
pub struct Slack {
    /// Whether it is spoken to through its hook.
    by_hook: bool,
    messages: Vec<Value>,
}

impl Slack {
    pub fn by_hook() -> Self {
        Self { by_hook: true, ..Self::default() }
    }

    fn take(message: &str) -> Result<(), String> {
        let is_escape = |rest: &str| ["&amp;", "&lt;", "&gt;"].iter().any(|escape| rest.starts_with(escape));
        let bare = message.char_indices().find(|(at, sign)| match sign {
            '<' | '>' => true,
            '&' => !is_escape(&message[*at..]),
            _ => false,
        });
        if bare.is_some() { Err(format!("a bare sign in {message:?}")) } else { Ok(()) }
    }

    fn no(word: &str) -> Reply {
        Reply::json(200, &json!({ "ok": false, "error": word }))
    }
}

impl Api for Slack {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        if request.path == HOOK {
            let body = request.json()?;
            only(&body, &["text", "mrkdwn", "blocks"])?;
            Self::take(text(&body, "/text")?)?;
            self.messages.push(json!({ "ts": "hook", "text": body["text"] }));
            return Ok(Reply::text(200, "ok"));
        }
        same("authorization", request.header("authorization"), &format!("Bearer {TOKEN}"))?;
        let named = |body: &Value| -> Result<(), String> { same("the channel", text(body, "/channel")?, CHANNEL) };
        match request.line() {
            ("GET", "/api/auth.test") => Ok(Reply::json(
                200,
                &json!({ "ok": true, "url": "https://essai.slack.com/", "team": "Essai", "user": "crieur" }),
            )),
            ("POST", "/api/chat.postMessage") => {
                let body = request.json()?;
                only(&body, &["channel", "text", "mrkdwn", "link_names", "metadata"])?;
                named(&body)?;
                Self::take(text(&body, "/text")?)?;
                let ts = format!("1795341600.{:06}", self.messages.len());
                self.messages
                    .push(json!({ "type": "message", "ts": ts, "text": body["text"], "metadata": body["metadata"] }));
                Ok(Reply::json(
                    200,
                    &json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": self.messages.last() }),
                ))
            }
            ("GET", "/api/conversations.history") => {
                same("the channel", request.query["channel"].as_str(), CHANNEL)?;
                same("include_all_metadata", request.query["include_all_metadata"].as_str(), "true")?;
                request.query["oldest"].parse::<f64>().map_err(|error| error.to_string())?;
                let newest_first: Vec<&Value> = self.messages.iter().rev().collect();
                Ok(Reply::json(200, &json!({ "ok": true, "messages": newest_first, "has_more": false })))
            }
            ("GET", "/api/chat.getPermalink") => {
                let ts = request.query["message_ts"].replace('.', "");
                Ok(Reply::json(
                    200,
                    &json!({ "ok": true, "permalink": format!("https://essai.slack.com/archives/{CHANNEL}/p{ts}") }),
                ))
            }
            ("POST", "/api/chat.update") => {
                let body = request.json()?;
                only(&body, &["channel", "ts", "text", "metadata"])?;
                named(&body)?;
                Self::take(text(&body, "/text")?)?;
                match self.messages.iter_mut().find(|message| message["ts"] == body["ts"]) {
                    Some(message) => {
                        message["text"] = body["text"].clone();
                        Ok(Reply::json(200, &json!({ "ok": true, "ts": body["ts"] })))
                    }
                    None => Ok(Self::no("message_not_found")),
                }
            }
            ("POST", "/api/chat.delete") => {
                let body = request.json()?;
                only(&body, &["channel", "ts"])?;
                named(&body)?;
                let before = self.messages.len();
                self.messages.retain(|message| message["ts"] != body["ts"]);
                Ok(if self.messages.len() < before {
                    Reply::json(200, &json!({ "ok": true }))
                } else {
                    Self::no("message_not_found")
                })
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        matches!(request.line(), ("POST", HOOK | "/api/chat.postMessage"))
    }

    fn texts(&self) -> Vec<String> {
        let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        self.messages.iter().map(|message| plain(message["text"].as_str().unwrap())).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Reply::json(429, &json!({ "ok": false, "error": "ratelimited" })).header("retry-after", seconds.to_string())
    }

    fn unknown(&self) -> Reply {
        if self.by_hook { Reply::text(404, "no_service") } else { Self::no("invalid_auth") }
    }

    fn unwanted(&self) -> Reply {
        if self.by_hook { Reply::text(400, "invalid_payload") } else { Self::no("msg_too_long") }
    }
}
