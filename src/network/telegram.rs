//! Telegram: a bot that posts in a channel or a group (core.telegram.org/bots/api: sendMessage, editMessageText,
//! deleteMessage, getMe, getChat).
//!
//! A bot cannot read what it posted, and no key makes a request known again: a post goes out at most once.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::plain::unmentioned;
use super::{Abilities, Network};
use crate::config::Bot;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Text of a message (sendMessage: 1 to 4096 characters).
pub const LIMITS: Limits = Limits::text(4_096, Counter::Utf16);

/// A channel or group, and the bot that posts there.
pub struct TelegramChannel {
    bot: Bot,
    caller: Caller,
}

impl TelegramChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(bot: Bot, allow_private: bool) -> Result<Self, String> {
        Ok(Self { caller: Caller::new(&bot.server, allow_private, vec![bot.token.clone()])?, bot })
    }

    /// Calls a method of the Bot API. Without `parse_mode` a text is taken literally: nothing of it is markup.
    async fn call(&self, method: &str, body: &Value, now: Timestamp) -> Result<Value, Failure> {
        let path = format!("/bot{}/{method}", self.bot.token.expose());
        let answer = self.caller.send(self.caller.request(Method::POST, &path).json(body), now).await?;
        read_result(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }
}

#[async_trait]
impl Network for TelegramChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let me = self.call("getMe", &json!({}), now).await.map_err(of_a_question)?;
        let chat = self.call("getChat", &json!({ "chat_id": self.bot.channel }), now).await.map_err(of_a_question)?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let bot = text(&me, "username").unwrap_or_else(|| "unknown".to_owned());
        let title = text(&chat, "title").or_else(|| text(&chat, "username")).unwrap_or_default();
        Ok(format!("@{bot} in “{title}” ({})", self.bot.channel))
    }

    async fn publish(&self, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let body = json!({ "chat_id": self.bot.channel, "text": unmentioned(&post.text) });
        let message = self.call("sendMessage", &body, now).await?;
        receipt(&message)
            .ok_or_else(|| Failure::Uncertain("the message that should have been made is not in the answer".to_owned()))
    }

    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let (chat, message) = parts(old)?;
        let body = json!({ "chat_id": chat, "message_id": message, "text": unmentioned(&post.text) });
        match self.call("editMessageText", &body, now).await {
            // The message has this text already: an earlier try got through.
            Err(Failure::Refused(why)) if why.contains("message is not modified") => Ok(old.clone()),
            done => done.map(|_| old.clone()),
        }
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let (chat, message) = parts(old)?;
        match self.call("deleteMessage", &json!({ "chat_id": chat, "message_id": message }), now).await {
            Err(Failure::Refused(why)) if why.contains("message to delete not found") => Ok(()),
            done => done.map(|_| ()),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities { edits: true, withdraws: true, ..Abilities::default() }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// What an answer gives: its `result`, or the class of its failure. A failure can stand in a success.
fn read_result(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    let senseless = || Failure::Uncertain(format!("the server answered {} with something unexpected", answer.status));
    if json.get("ok").and_then(Value::as_bool) == Some(true) {
        return json.get("result").cloned().ok_or_else(senseless);
    }
    if let Some(chat) = json.pointer("/parameters/migrate_to_chat_id").and_then(Value::as_i64) {
        return Err(Failure::Refused(format!(
            "the group became a supergroup; write channel: \"{chat}\" in the configuration"
        )));
    }
    let code = json.get("error_code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(answer.status);
    match status {
        status if status.is_success() => Err(senseless()),
        // A token that is not known, or not even one.
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Err(Failure::Unauthorised(format!(
            "the token is not accepted ({}); make a new one with @BotFather (/token) and put it in the configuration",
            said(answer)
        ))),
        StatusCode::FORBIDDEN => Err(Failure::Refused(format!(
            "the bot may not do this ({}); make it an administrator of the channel, with the right to post",
            said(answer)
        ))),
        status => Err(failure(&Answer { status, ..answer.clone() }, now)),
    }
}

/// The receipt of a message: chat and number; its address, where the chat has one.
fn receipt(message: &Value) -> Option<Receipt> {
    let id = message.get("message_id")?.as_i64()?;
    let chat = message.pointer("/chat/id")?.as_i64()?.to_string();
    let remote_url = match message.pointer("/chat/username").and_then(Value::as_str) {
        Some(name) => Some(format!("https://t.me/{name}/{id}")),
        // Members can open this one.
        None => chat.strip_prefix("-100").map(|chat| format!("https://t.me/c/{chat}/{id}")),
    };
    Some(Receipt::new(format!("{chat}/{id}"), remote_url))
}

fn parts(receipt: &Receipt) -> Result<(&str, u64), Failure> {
    let parts = receipt.remote_id.split_once('/').and_then(|(chat, id)| Some((chat, id.parse().ok()?)));
    parts.ok_or_else(|| Failure::Refused(format!("`{}` is not the id of a message of Telegram", receipt.remote_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Value, Failure> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: Default::default(), body: body.into() };
        read_result(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn messages_have_addresses_where_their_chat_has_one() {
        let public =
            json!({"message_id": 7, "chat": {"id": -1001234567890_i64, "username": "agence", "type": "channel"}});
        let private = json!({"message_id": 7, "chat": {"id": -1001234567890_i64, "type": "supergroup"}});
        let group = json!({"message_id": 7, "chat": {"id": -12345, "type": "group"}});
        let url = |message: &Value| receipt(message).unwrap().remote_url;
        assert_eq!(receipt(&public).unwrap().remote_id, "-1001234567890/7");
        assert_eq!(url(&public).as_deref(), Some("https://t.me/agence/7"));
        assert_eq!(url(&private).as_deref(), Some("https://t.me/c/1234567890/7"));
        assert_eq!(url(&group), None);
        assert_eq!(parts(&receipt(&group).unwrap()).unwrap(), ("-12345", 7));
    }

    #[test]
    fn an_error_is_one_whatever_its_status() {
        for status in [200, 429] {
            let slow = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 9","parameters":{"retry_after":9}}"#;
            let until = match read(status, slow) {
                Err(Failure::Throttled { until: Some(until), .. }) => until.to_string(),
                other => panic!("{other:?}"),
            };
            assert_eq!(until, "2026-11-22T10:00:09Z");
        }
        let blocked =
            r#"{"ok":false,"error_code":403,"description":"Forbidden: bot is not a member of the channel chat"}"#;
        assert!(matches!(read(403, blocked), Err(Failure::Refused(why)) if why.contains("administrator")));
        let moved = r#"{"ok":false,"error_code":400,"description":"group upgraded","parameters":{"migrate_to_chat_id":-100777}}"#;
        assert!(matches!(read(400, moved), Err(Failure::Refused(why)) if why.contains("\"-100777\"")));
        assert!(matches!(read(200, "{}"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(200, "<html>"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(502, "<html>"), Err(Failure::Uncertain(_))));
        assert!(matches!(
            read(404, r#"{"ok":false,"error_code":404,"description":"Not Found"}"#),
            Err(Failure::Unauthorised(_))
        ));
    }
}
