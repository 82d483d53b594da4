//! The Bot API of Telegram.

use super::{Api, Reply, Request, calls_nobody, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "123456:canari-telegram-token";

#[derive(Default)]
pub struct Telegram {
    messages: Vec<(u64, String)>,
}

impl Telegram {
    fn no(code: u16, description: &str) -> Reply {
        Reply::json(code, &json!({ "ok": false, "error_code": code, "description": description }))
    }

    fn take(body: &Value) -> Result<String, String> {
        let message = text(body, "/text")?;
        calls_nobody(message)?;
        if message.encode_utf16().count() > 4_096 { Err("too long".to_owned()) } else { Ok(message.to_owned()) }
    }
}

impl Api for Telegram {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        let method = request.path.strip_prefix(&format!("/bot{TOKEN}/")).ok_or("another token")?;
        let body = request.json()?;
        let chat = json!({ "id": -1_001_234_567_890_i64, "title": "Agence", "username": "agence", "type": "channel" });
        let done = |result: Value| Reply::json(200, &json!({ "ok": true, "result": result }));
        let number = body["message_id"].as_u64();
        match method {
            "getMe" => Ok(done(json!({ "id": 123_456, "is_bot": true, "username": "crieur_bot" }))),
            "getChat" => Ok(done(chat)),
            "sendMessage" => {
                only(&body, &["chat_id", "text"])?;
                same("the channel", text(&body, "/chat_id")?, "@agence")?;
                let id = self.messages.len() as u64 + 1;
                self.messages.push((id, Self::take(&body)?));
                Ok(done(json!({ "message_id": id, "chat": chat, "date": 1_795_341_600, "text": body["text"] })))
            }
            "editMessageText" => {
                only(&body, &["chat_id", "message_id", "text"])?;
                let text = Self::take(&body)?;
                match self.messages.iter_mut().find(|(id, _)| Some(*id) == number) {
                    Some((_, before)) if *before == text => Ok(Self::no(400, "Bad Request: message is not modified")),
                    Some((_, before)) => {
                        *before = text;
                        Ok(done(json!({ "message_id": number, "chat": chat })))
                    }
                    None => Ok(Self::no(400, "Bad Request: message to edit not found")),
                }
            }
            "deleteMessage" => {
                only(&body, &["chat_id", "message_id"])?;
                let before = self.messages.len();
                self.messages.retain(|(id, _)| Some(*id) != number);
                Ok(if self.messages.len() < before {
                    done(json!(true))
                } else {
                    Self::no(400, "Bad Request: message to delete not found")
                })
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, request: &Request) -> bool {
        request.path.ends_with("/sendMessage")
    }

    fn texts(&self) -> Vec<String> {
        self.messages.iter().map(|(_, text)| text.replace('\u{2060}', "")).collect()
    }

    fn too_much(&self, seconds: u32) -> Reply {
        Reply::json(
            429,
            &json!({ "ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": { "retry_after": seconds } }),
        )
    }

    fn unknown(&self) -> Reply {
        Self::no(401, "Unauthorized: ECHO")
    }

    fn unwanted(&self) -> Reply {
        // An error in a success.
        Reply::json(200, &json!({ "ok": false, "error_code": 400, "description": "Bad Request: message is too long" }))
    }
}
