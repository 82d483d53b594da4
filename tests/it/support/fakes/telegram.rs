//! The Bot API of Telegram.

use super::{Api, Reply, Request, calls_nobody, only, same, text};
use serde_json::{Value, json};

pub const TOKEN: &str = "123456:canari-telegram-token";

#[derive(Default)]
pub struct Telegram {
    messages: Vec<(u64, String)>,
    /// Messages that are photos: their texts are captions.
    photos: Vec<u64>,
}

impl Telegram {
    fn no(code: u16, description: &str) -> Reply {
        Reply::json(code, &json!({ "ok": false, "error_code": code, "description": description }))
    }

    fn album(&mut self, method: &str, parts: &[super::Part]) -> Result<Reply, String> {
        let field = |name: &str| parts.iter().find(|part| part.name == name).ok_or(format!("no {name}"));
        same("the channel", field("chat_id")?.text(), "@agence")?;
        let chat = json!({ "id": -1_001_234_567_890_i64, "title": "Agence", "username": "agence", "type": "channel" });
        let mut captions = Vec::new();
        if method == "sendPhoto" {
            field("photo")?.is_image()?;
            captions.push(field("caption")?.text().to_owned());
        } else {
            let media: Value = serde_json::from_str(field("media")?.text()).map_err(|error| error.to_string())?;
            let media = media.as_array().filter(|media| (2..=10).contains(&media.len())).ok_or("no album")?;
            for photo in media {
                only(photo, &["type", "media", "caption"])?;
                field(text(photo, "/media")?.strip_prefix("attach://").ok_or("nothing attached")?)?.is_image()?;
                captions.push(photo["caption"].as_str().unwrap_or("").to_owned());
            }
        }
        let mut made = Vec::new();
        for caption in captions {
            calls_nobody(&caption)?;
            if caption.encode_utf16().count() > 1_024 {
                return Ok(Self::no(400, "Bad Request: message caption is too long"));
            }
            let id = self.messages.len() as u64 + 1;
            self.messages.push((id, caption));
            self.photos.push(id);
            made.push(json!({ "message_id": id, "chat": chat, "date": 1_795_341_600 }));
        }
        let result = if method == "sendPhoto" { made.remove(0) } else { json!(made) };
        Ok(Reply::json(200, &json!({ "ok": true, "result": result })))
    }

    fn take(body: &Value) -> Result<String, String> {
        let message = text(body, "/text")?;
        calls_nobody(message)?;
        let body_has = |name: &str| body.get(name).is_some();
        if let Some(preview) = body.get("link_preview_options") {
            only(preview, &["url", "prefer_large_media", "show_above_text"])?;
        }
        if body_has("reply_parameters") {
            only(&body["reply_parameters"], &["message_id"])?;
        }
        if message.encode_utf16().count() > 4_096 { Err("too long".to_owned()) } else { Ok(message.to_owned()) }
    }
}

impl Api for Telegram {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        let method = request.path.strip_prefix(&format!("/bot{TOKEN}/")).ok_or("another token")?;
        if let "sendPhoto" | "sendMediaGroup" = method {
            return self.album(method, &request.parts()?);
        }
        let body = request.json()?;
        let chat = json!({ "id": -1_001_234_567_890_i64, "title": "Agence", "username": "agence", "type": "channel" });
        let done = |result: Value| Reply::json(200, &json!({ "ok": true, "result": result }));
        let number = body["message_id"].as_u64();
        match method {
            "getMe" => Ok(done(json!({ "id": 123_456, "is_bot": true, "username": "crieur_bot" }))),
            "getChat" => Ok(done(chat)),
            "sendMessage" => {
                only(&body, &["chat_id", "text", "link_preview_options", "reply_parameters"])?;
                let before = body.pointer("/reply_parameters/message_id").and_then(Value::as_u64);
                if before.is_some_and(|before| !self.messages.iter().any(|(id, _)| *id == before)) {
                    return Ok(Self::no(400, "Bad Request: message to be replied not found"));
                }
                same("the channel", text(&body, "/chat_id")?, "@agence")?;
                let id = self.messages.len() as u64 + 1;
                self.messages.push((id, Self::take(&body)?));
                Ok(done(json!({ "message_id": id, "chat": chat, "date": 1_795_341_600, "text": body["text"] })))
            }
            "editMessageText" => {
                only(&body, &["chat_id", "message_id", "text", "link_preview_options"])?;
                let text = Self::take(&body)?;
                if number.is_some_and(|number| self.photos.contains(&number)) {
                    return Ok(Self::no(400, "Bad Request: there is no text in the message to edit"));
                }
                match self.messages.iter_mut().find(|(id, _)| Some(*id) == number) {
                    Some((_, before)) if *before == text => Ok(Self::no(400, "Bad Request: message is not modified")),
                    Some((_, before)) => {
                        *before = text;
                        Ok(done(json!({ "message_id": number, "chat": chat })))
                    }
                    None => Ok(Self::no(400, "Bad Request: message to edit not found")),
                }
            }
            "editMessageCaption" => {
                only(&body, &["chat_id", "message_id", "caption"])?;
                let message = self.messages.iter_mut().find(|(id, _)| Some(*id) == number).ok_or("no such message")?;
                message.1 = text(&body, "/caption")?.to_owned();
                Ok(done(json!({ "message_id": number, "chat": chat })))
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
        ["/sendMessage", "/sendPhoto", "/sendMediaGroup"].iter().any(|method| request.path.ends_with(method))
    }

    fn texts(&self) -> Vec<String> {
        // The photos of an album after the first have no texts.
        let said = self.messages.iter().filter(|(_, text)| !text.is_empty());
        said.map(|(_, text)| text.replace('\u{2060}', "")).collect()
    }

    fn images(&self) -> Vec<String> {
        self.photos.iter().map(|_| String::new()).collect()
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
