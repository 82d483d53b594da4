//! Telegram: a bot that posts in a channel or a group (core.telegram.org/bots/api: sendMessage, sendPhoto,
//! sendMediaGroup, editMessageText, editMessageCaption, deleteMessage, getMe, getChat).
//!
//! A bot cannot read what it posted, and no key makes a request known again: a post goes out at most once. Of a thread this
//! keeps its own record, so that one that was stopped between two messages goes on where it was.
//!
//! Telegram has no alternative texts: they stand below the text. A caption may have 1,024 characters; a longer text is a
//! message that shows the first image as the preview of its address.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::history::{cut_off, same_parts};
use super::multipart::{self, File};
use super::plain::{described, described_with, unmentioned};
use super::progress::Progress;
use super::{Abilities, Found, Means, Network, Vault, Wanted};
use crate::config::Bot;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Text of a message (sendMessage: 1 to 4096 characters), with room for the alternative text of an image. Photos: at most
/// 10 MB (sendPhoto); an album has at most ten (sendMediaGroup), and all of it must be sent in time.
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 4,
    image_bytes_max: 5_000_000,
    image_side_max: 2_560,
    alt_max: ALT_MAX,
    ..Limits::text(MESSAGE_MAX - ALT_MAX - LABEL_MAX, Counter::Utf16)
};
const MESSAGE_MAX: usize = 4_096;
const ALT_MAX: usize = 150;
/// Characters that introduce an alternative text.
const LABEL_MAX: usize = 16;

/// Characters of a caption (sendPhoto: 0 to 1024).
const CAPTION_MAX: usize = 1_024;

/// A channel or group, and the bot that posts there.
pub struct TelegramChannel {
    bot: Bot,
    caller: Caller,
    means: Means,
    vault: Vault,
}

impl TelegramChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(bot: Bot, allow_private: bool, means: &Means, vault: Vault) -> Result<Self, String> {
        let caller = Caller::new(&bot.server, allow_private, vec![bot.token.clone()])?;
        Ok(Self { caller, bot, means: means.clone(), vault })
    }

    /// Calls a method of the Bot API. Without `parse_mode` a text is taken literally: nothing of it is markup.
    async fn call(&self, method: &str, body: &Value, now: Timestamp) -> Result<Value, Failure> {
        let path = format!("/bot{}/{method}", self.bot.token.expose());
        let answer = self.caller.send(self.caller.request(Method::POST, &path).json(body), now).await?;
        read_result(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    /// Sends a method a form with the images of a post as its files.
    async fn send_images(
        &self,
        method: &str,
        fields: &[(&str, &str)],
        post: &Post,
        now: Timestamp,
    ) -> Result<Value, Failure> {
        let mut bytes = Vec::new();
        for image in &post.images {
            bytes.push(self.means.bytes(image).await?);
        }
        let names: Vec<String> = (0..post.images.len()).map(photo).collect();
        let files = post.images.iter().zip(&names).zip(&bytes).map(|((image, name), bytes)| File {
            field: name,
            name: image.file_name(),
            media_type: &image.media_type,
            bytes,
        });
        let (kind, form) = multipart::form(fields, &files.collect::<Vec<_>>());
        let path = format!("/bot{}/{method}", self.bot.token.expose());
        let request = self.caller.request(Method::POST, &path).header("content-type", kind).body(form);
        let answer = self.caller.send(request, now).await?;
        read_result(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    /// Sends the first message of a post, or the messages of its album.
    async fn first(&self, post: &Post, now: Timestamp) -> Result<Receipt, Failure> {
        let chat = self.bot.channel.as_str();
        let (text, shape) = first_text(post);
        let made = match (post.images.len(), shape) {
            (1, Shape::Captioned) => {
                self.send_images("sendPhoto", &[("chat_id", chat), ("caption", &text)], post, now).await?
            }
            (_, Shape::Captioned) => {
                let media = album(post.images.len(), &text).to_string();
                self.send_images("sendMediaGroup", &[("chat_id", chat), ("media", &media)], post, now).await?
            }
            (_, Shape::Text(preview)) => {
                let mut body = json!({ "chat_id": chat, "text": text });
                if let Some(url) = preview {
                    body["link_preview_options"] = shown(url);
                }
                self.call("sendMessage", &body, now).await?
            }
        };
        let messages = match &made {
            Value::Array(messages) => messages.iter().map(receipt).collect(),
            message => receipt(message).map(|first| vec![first]),
        };
        let mut messages = messages.unwrap_or_default().into_iter();
        let mut first = messages.next().ok_or_else(not_there)?;
        first.parts.extend(messages.map(|message| message.remote_id));
        Ok(first)
    }

    /// Sends the messages of a thread that follow what stands of it.
    async fn go_on(
        &self,
        post: &Post,
        begun: Receipt,
        progress: &Progress<'_>,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let mut whole = begun;
        let done = (whole.parts.len() + 1).saturating_sub(album_length(post));
        for text in post.thread.iter().skip(done) {
            let (_, before) = parts(whole.last())?;
            let body = json!({
                "chat_id": self.bot.channel,
                "text": unmentioned(text),
                "reply_parameters": { "message_id": before },
            });
            progress.about_to(&whole).await?;
            let made = self.call("sendMessage", &body, now).await;
            let made = progress.heard(&whole, made).await?;
            whole.parts.push(receipt(&made).ok_or_else(not_there)?.remote_id);
        }
        if !post.thread.is_empty() {
            progress.done(&whole).await;
        }
        Ok(whole)
    }

    /// Changes the text of a message, which may be the caption of a photo.
    async fn change(&self, id: &str, text: &str, preview: Option<&str>, now: Timestamp) -> Result<(), Failure> {
        let (chat, message) = parts(id)?;
        let mut body = json!({ "chat_id": chat, "message_id": message, "text": text });
        if let Some(url) = preview {
            body["link_preview_options"] = shown(url);
        }
        let mut changed = self.call("editMessageText", &body, now).await;
        if matches!(&changed, Err(Failure::Refused(why)) if why.contains("no text in the message")) {
            let body = json!({ "chat_id": chat, "message_id": message, "caption": text });
            changed = self.call("editMessageCaption", &body, now).await;
        }
        match changed {
            // The message has this text already: an earlier try got through.
            Err(Failure::Refused(why)) if why.contains("message is not modified") => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

/// How a post stands in the channel.
#[derive(Debug, PartialEq, Eq)]
enum Shape<'a> {
    /// As photos with a caption.
    Captioned,
    /// As a message, which may show an image as the preview of its address.
    Text(Option<&'a str>),
}

impl<'a> Shape<'a> {
    fn of(post: &'a Post, text: &str) -> Self {
        match post.images.first() {
            Some(_) if Counter::Utf16.count(text) <= CAPTION_MAX => Self::Captioned,
            first => Self::Text(first.map(|image| image.url.as_str()).filter(|url| url.starts_with("https://"))),
        }
    }
}

/// The first text of a post and how it stands. What is said of images is said of those that are shown.
fn first_text(post: &Post) -> (String, Shape<'_>) {
    let caption = unmentioned(&described(post));
    match Shape::of(post, &caption) {
        Shape::Captioned => (caption, Shape::Captioned),
        Shape::Text(preview) => {
            let shown = preview.and_then(|_| post.images.get(..1)).unwrap_or_default();
            (unmentioned(&described_with(post, shown)), Shape::Text(preview))
        }
    }
}

/// How many messages its images make of the first part of a post.
fn album_length(post: &Post) -> usize {
    match first_text(post).1 {
        Shape::Captioned => post.images.len(),
        Shape::Text(_) => 1,
    }
}

/// The field of a form that a photo stands in.
fn photo(at: usize) -> String {
    if at == 0 { "photo".to_owned() } else { format!("photo{at}") }
}

/// The photos of an album; the first one's caption is that of all.
fn album(count: usize, caption: &str) -> Value {
    let media = (0..count).map(|at| {
        let mut media = json!({ "type": "photo", "media": format!("attach://{}", photo(at)) });
        if at == 0 {
            media["caption"] = json!(caption);
        }
        media
    });
    Value::Array(media.collect())
}

/// An image as the preview of its address.
fn shown(url: &str) -> Value {
    json!({ "url": url, "prefer_large_media": true, "show_above_text": false })
}

fn not_there() -> Failure {
    Failure::Uncertain("the message that should have been made is not in the answer".to_owned())
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

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let first = self.first(post, now).await?;
        let progress = Progress::of(&self.vault, key);
        self.go_on(post, first, &progress, now).await.map_err(cut_off)
    }

    /// The channel cannot be asked; what this keeps of a thread says where it was stopped.
    async fn find(&self, wanted: &Wanted<'_>, _now: Timestamp) -> Result<Found, Failure> {
        let cannot = || Failure::Refused("a bot cannot read what it posted".to_owned());
        let begun = Progress::of(&self.vault, wanted.key).stopped().await.ok_or_else(cannot)?;
        let all = album_length(wanted.post) + wanted.post.thread.len();
        Ok(if begun.parts.len() + 1 < all { Found::Part(begun) } else { Found::Yes(begun) })
    }

    async fn complete(
        &self,
        post: &Post,
        begun: &Receipt,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        self.go_on(post, begun.clone(), &Progress::of(&self.vault, key), now).await
    }

    /// Once: it knows only what this keeps, which does not lag.
    fn looks(&self) -> u32 {
        1
    }

    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let (text, shape) = first_text(post);
        let ids: Vec<&str> = old.ids().collect();
        // The photos of an album have no texts of their own; the thread follows them.
        let first = album_length(post);
        same_parts(ids.len(), first + post.thread.len())?;
        let preview = match shape {
            Shape::Text(preview) => preview,
            Shape::Captioned => None,
        };
        self.change(ids[0], &text, preview, now).await?;
        for (id, text) in ids[first..].iter().zip(&post.thread) {
            self.change(id, &unmentioned(text), None, now).await?;
        }
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        for id in old.ids().rev() {
            let (chat, message) = parts(id)?;
            match self.call("deleteMessage", &json!({ "chat_id": chat, "message_id": message }), now).await {
                Err(Failure::Refused(why)) if why.contains("message to delete not found") => {}
                done => done.map(|_| ())?,
            }
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities {
        Abilities { edits: true, withdraws: true, threads: true, images: true, ..Abilities::default() }
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

/// The chat of a message, and its number.
fn parts(id: &str) -> Result<(&str, u64), Failure> {
    let parts = id.split_once('/').and_then(|(chat, id)| Some((chat, id.parse().ok()?)));
    parts.ok_or_else(|| Failure::Refused(format!("`{id}` is not the id of a message of Telegram")))
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
        assert_eq!(parts(&receipt(&group).unwrap().remote_id).unwrap(), ("-12345", 7));
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
