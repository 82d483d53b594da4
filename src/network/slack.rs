//! Slack: a channel, through an incoming hook or by an app's bot (docs.slack.dev: incoming webhooks; chat.postMessage,
//! chat.update, chat.delete, chat.getPermalink, conversations.history, conversations.replies, auth.test,
//! files.getUploadURLExternal, files.completeUploadExternal; image blocks).
//!
//! A bot keeps the key of the delivery in the message's metadata, and finds it again in the channel's history. A hook
//! answers "ok" and nothing else: through it a post goes out at most once.
//!
//! A bot uploads images first, without sharing them in the channel, and its message shows them: so the message is one
//! request, with its metadata. A hook shows images by their addresses.

use super::answers::{failure, of_a_question, said, until};
use super::caller::Caller;
use super::client::Answer;
use super::history::{Walk, chain, cut_off, same_parts};
use super::uploads::Uploads;
use super::{Abilities, Found, Means, Network, Wanted, plain};
use crate::config::{Bot, Channel};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use crate::secret::Secret;
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// Slack asks for at most 4,000 characters, and cuts texts from 40,000 on (chat.postMessage, "Truncating content").
///
/// Alternative texts: 1,000 characters (files.getUploadURLExternal, `alt_txt_too_large`).
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 10,
    image_bytes_max: 5_000_000,
    image_side_max: 4_096,
    alt_max: 900,
    ..Limits::text(4_000, Counter::Characters)
};

/// The same for a hook, which names images by their addresses and cannot answer its own messages.
const HOOK_LIMITS: Limits = Limits { thread: false, images_by_address: true, ..LIMITS };

/// Kind of the metadata that carries the key of a delivery.
const EVENT: &str = "crieur_post";

/// Messages asked for at once (apps outside of the marketplace may get fewer).
const PAGE: usize = 200;

/// A channel of a workspace.
pub struct SlackChannel {
    channel: Channel,
    caller: Caller,
    means: Means,
    uploads: Uploads,
}

impl SlackChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(channel: Channel, allow_private: bool, means: &Means) -> Result<Self, String> {
        let caller = Caller::of_channel(&channel, allow_private)?;
        Ok(Self { channel, caller, means: means.clone(), uploads: Uploads::default() })
    }

    /// Calls a method of the Web API with a body of JSON.
    async fn call(&self, bot: &Bot, method: &str, body: &Value, now: Timestamp) -> Result<Value, Failure> {
        let request = self.caller.request(Method::POST, &format!("/api/{method}")).bearer_auth(bot.token.expose());
        // Slack warns of a JSON body without its charset.
        let request = request.header("content-type", "application/json; charset=utf-8").body(body.to_string());
        let answer = self.caller.send(request, now).await?;
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    /// Calls a method that only reads: these take no JSON.
    async fn ask(&self, bot: &Bot, method: &str, query: &[(&str, &str)], now: Timestamp) -> Result<Value, Failure> {
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        let request =
            self.caller.request(Method::GET, &format!("/api/{method}?{query}")).bearer_auth(bot.token.expose());
        let answer = self.caller.send(request, now).await.map_err(of_a_question)?;
        read_json(&answer, now).map_err(|failure| of_a_question(self.caller.redacted(failure)))
    }

    /// The bot, for what a hook cannot do.
    fn bot(&self) -> Result<&Bot, Failure> {
        match &self.channel {
            Channel::Bot(bot) => Ok(bot),
            Channel::Hook(_) => Err(Failure::Refused("an incoming hook can only post; a bot can do more".to_owned())),
        }
    }

    /// A receipt with the address of its first message, if Slack says it: without, the post stands all the same.
    async fn with_link(&self, bot: &Bot, mut receipt: Receipt, now: Timestamp) -> Receipt {
        if let Some((channel, ts)) = receipt.remote_id.split_once('/') {
            let link = self.ask(bot, "chat.getPermalink", &[("channel", channel), ("message_ts", ts)], now).await;
            receipt.remote_url = link.ok().and_then(|link| Some(link.get("permalink")?.as_str()?.to_owned()));
        }
        receipt
    }

    /// Makes one message.
    async fn make(&self, bot: &Bot, body: &Value, now: Timestamp) -> Result<Receipt, Failure> {
        let made = self.call(bot, "chat.postMessage", body, now).await?;
        let text = |name: &str| made.get(name).and_then(Value::as_str);
        match (text("channel"), text("ts")) {
            (Some(channel), Some(ts)) => Ok(Receipt::new(format!("{channel}/{ts}"), None)),
            _ => Err(Failure::Uncertain("the message that should have been made is not in the answer".to_owned())),
        }
    }

    /// Makes the messages of a thread that follow what stands of it.
    async fn go_on(
        &self,
        bot: &Bot,
        post: &Post,
        begun: &Receipt,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        let (_, first) = parts(&begun.remote_id)?;
        for (part, text) in post.thread.iter().enumerate().skip(begun.parts.len()) {
            let mut body = body(bot, text, &key.part(part + 1));
            body["thread_ts"] = json!(first);
            whole.parts.push(self.make(bot, &body, now).await?.remote_id);
        }
        Ok(whole)
    }

    /// What stands in the thread of a message: far fewer messages than one page has.
    async fn replies(&self, bot: &Bot, first: &str, now: Timestamp) -> Result<Vec<Value>, Failure> {
        let limit = PAGE.to_string();
        let query =
            [("channel", bot.channel.as_str()), ("ts", first), ("limit", &limit), ("include_all_metadata", "true")];
        let page = self.ask(bot, "conversations.replies", &query, now).await?;
        let messages = page.get("messages").and_then(Value::as_array).cloned();
        messages.ok_or_else(|| Failure::Unavailable("the thread cannot be read".to_owned()))
    }

    /// Uploads the images of a post, and says what Slack calls them. Nobody sees them before a message shows them.
    async fn upload(&self, bot: &Bot, post: &Post, now: Timestamp) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for image in &post.images {
            let id = match self.uploads.get(image, "", now) {
                Some(id) => id,
                None => self.upload_one(bot, image, now).await.map_err(of_a_question)?,
            };
            ids.push(id);
        }
        Ok(ids)
    }

    async fn upload_one(&self, bot: &Bot, image: &Image, now: Timestamp) -> Result<String, Failure> {
        let bytes = self.means.bytes(image).await?;
        let length = bytes.len().to_string();
        let query = [("filename", image.file_name()), ("length", &length), ("alt_txt", &image.alt)];
        let query = if image.alt.is_empty() { &query[..2] } else { &query[..] };
        let place = self.ask(bot, "files.getUploadURLExternal", query, now).await?;
        let text = |name: &str| place.get(name).and_then(Value::as_str);
        let (Some(address), Some(id)) = (text("upload_url"), text("file_id")) else {
            return Err(Failure::Unavailable("Slack did not say where to upload an image".to_owned()));
        };
        // The address is the credential of the upload.
        self.caller.hide(&Secret::new(address));
        let request = self.caller.given(Method::POST, address)?;
        let request = request.header("content-type", "application/octet-stream").body(bytes);
        let answer = self.caller.send(request, now).await?;
        if !answer.status.is_success() {
            return Err(self.caller.redacted(failure(&answer, now)));
        }
        self.call(bot, "files.completeUploadExternal", &json!({ "files": [{ "id": id }] }), now).await?;
        self.uploads.put(image, "", id, now);
        Ok(id.to_owned())
    }

    /// What a bot's message shows: its text, and its images as they were uploaded.
    async fn blocks(&self, bot: &Bot, post: &Post, now: Timestamp) -> Result<Value, Failure> {
        let ids = self.upload(bot, post, now).await?;
        let images = post.images.iter().zip(ids);
        let images = images.map(|(image, id)| image_block(image, "slack_file", &json!({ "id": id })));
        Ok(blocks(&post.text, images))
    }
}

#[async_trait]
impl Network for SlackChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        match &self.channel {
            Channel::Bot(_) => LIMITS,
            Channel::Hook(_) => HOOK_LIMITS,
        }
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let bot = match &self.channel {
            Channel::Hook(hook) => {
                return Ok(format!("an incoming hook on {}, which cannot be asked without a message", hook.host()));
            }
            Channel::Bot(bot) => bot,
        };
        let me = self.ask(bot, "auth.test", &[], now).await?;
        let text = |name: &str| me.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        Ok(format!("@{} in the channel {} of {}", text("user"), bot.channel, text("team")))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        match &self.channel {
            Channel::Hook(hook) => {
                let mut body = json!({ "text": message(&post.text), "mrkdwn": false });
                if !post.images.is_empty() {
                    let shown = post.images.iter().map(|image| image_block(image, "image_url", &json!(image.url)));
                    body["blocks"] = blocks(&post.text, shown);
                }
                let answer = self.caller.send(self.caller.to_hook(Method::POST, hook).json(&body), now).await?;
                read_hook(&answer, key, now).map_err(|failure| self.caller.redacted(failure))
            }
            Channel::Bot(bot) => {
                let mut body = body(bot, &post.text, &key.idempotency_key());
                if !post.images.is_empty() {
                    body["blocks"] = self.blocks(bot, post, now).await?;
                }
                let first = self.make(bot, &body, now).await.map_err(|failure| match failure {
                    // Slack works on an upload for some seconds, in which no message can show it.
                    Failure::Refused(why) if !post.images.is_empty() && why.contains("invalid_blocks") => {
                        Failure::Unavailable(format!("the images cannot be shown yet: {why}"))
                    }
                    other => other,
                })?;
                self.uploads.used(post);
                let whole = self.go_on(bot, post, &first, key, now).await.map_err(cut_off)?;
                Ok(self.with_link(bot, whole, now).await)
            }
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let bot = self.bot()?;
        let mut walk = Walk::<Value>::back_to(wanted.since);
        let (since, limit) = (walk.since.as_second().to_string(), PAGE.to_string());
        let key = wanted.key.idempotency_key();
        let mut cursor = String::new();
        loop {
            walk.turn()?;
            let query = [
                ("channel", bot.channel.as_str()),
                ("oldest", &since),
                ("limit", &limit),
                ("include_all_metadata", "true"),
                ("cursor", &cursor),
            ];
            let query = if cursor.is_empty() { &query[..4] } else { &query[..] };
            let page = self.ask(bot, "conversations.history", query, now).await?;
            let Some(messages) = page.get("messages").and_then(Value::as_array) else {
                return Err(Failure::Unavailable("the channel's history cannot be read".to_owned()));
            };
            if let Some(first) = marked(messages, &bot.channel, &key) {
                // Answers stand in their thread only.
                let replies = match wanted.post.thread.is_empty() {
                    true => Vec::new(),
                    false => self.replies(bot, parts(&first.remote_id)?.1, now).await?,
                };
                let found = chain(wanted.post, |part, _| match part {
                    0 => Some(first.clone()),
                    part => marked(&replies, &bot.channel, &wanted.key.part(part)),
                });
                return Ok(match found {
                    Found::Yes(whole) => Found::Yes(self.with_link(bot, whole, now).await),
                    Found::Part(begun) => Found::Part(self.with_link(bot, begun, now).await),
                    other => other,
                });
            }
            match page.pointer("/response_metadata/next_cursor").and_then(Value::as_str) {
                Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
                _ => return Ok(Found::No),
            }
        }
    }

    async fn complete(
        &self,
        post: &Post,
        begun: &Receipt,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        self.go_on(self.bot()?, post, begun, key, now).await
    }

    async fn edit(&self, old: &Receipt, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let bot = self.bot()?;
        same_parts(old.parts.len() + 1, post.thread.len() + 1)?;
        for (part, (id, text)) in old.ids().zip(post.texts()).enumerate() {
            let (channel, ts) = parts(id)?;
            let key = key.part(part);
            let mut body = json!({ "channel": channel, "ts": ts, "text": message(text), "metadata": metadata(&key) });
            // A message that showed images keeps what it showed, unless it is told anew.
            if part == 0 {
                body["blocks"] = if post.images.is_empty() { json!([]) } else { self.blocks(bot, post, now).await? };
            }
            self.call(bot, "chat.update", &body, now).await?;
        }
        self.uploads.used(post);
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let bot = self.bot()?;
        for id in old.ids().rev() {
            let (channel, ts) = parts(id)?;
            match self.call(bot, "chat.delete", &json!({ "channel": channel, "ts": ts }), now).await {
                Err(Failure::Refused(why)) if why.contains("message_not_found") => {}
                done => done.map(|_| ())?,
            }
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities {
        let is_bot = matches!(self.channel, Channel::Bot(_));
        Abilities {
            edits: is_bot,
            withdraws: is_bot,
            finds: is_bot,
            threads: is_bot,
            images: true,
            ..Abilities::default()
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// A text as a message. These three signs begin all that Slack reads into a text: links, and calls such as `<!here>` and
/// `<@U012>` (docs.slack.dev, "Escaping text"); a plain `@here` calls nobody.
fn message(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The body of `chat.postMessage`. Asterisks and underscores of an article are no markup.
fn body(bot: &Bot, text: &str, key: &str) -> Value {
    json!({
        "channel": bot.channel,
        "text": message(text),
        "mrkdwn": false,
        "link_names": false,
        "metadata": metadata(key),
    })
}

fn metadata(key: &str) -> Value {
    json!({ "event_type": EVENT, "event_payload": { "key": key } })
}

/// The message of a list whose metadata has a key.
fn marked(messages: &[Value], channel: &str, key: &str) -> Option<Receipt> {
    let is_ours =
        |message: &&Value| message.pointer("/metadata/event_payload/key").and_then(Value::as_str) == Some(key);
    let ts = messages.iter().find(is_ours)?.get("ts")?.as_str()?;
    Some(Receipt::new(format!("{channel}/{ts}"), None))
}

/// What a message with images shows: the text, literally (a rich text has no markup), and the images below.
fn blocks(text: &str, images: impl Iterator<Item = Value>) -> Value {
    let runs = plain::runs(text).into_iter().map(|(run, is_address)| match is_address {
        true => json!({ "type": "link", "url": run }),
        false => json!({ "type": "text", "text": run }),
    });
    let section = json!({ "type": "rich_text_section", "elements": runs.collect::<Vec<_>>() });
    let text = json!({ "type": "rich_text", "elements": [section] });
    Value::Array(std::iter::once(text).chain(images).collect())
}

/// An image of a message, by its address or by what was uploaded.
fn image_block(image: &Image, from: &str, place: &Value) -> Value {
    json!({ "type": "image", from: place, "alt_text": image.alt })
}

/// The answer of a hook: "ok", or a word for what is wrong.
fn read_hook(answer: &Answer, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
    match answer.status {
        StatusCode::OK if answer.body.trim() == "ok" => Ok(Receipt::new(key.idempotency_key(), None)),
        status if status.is_success() => {
            Err(Failure::Uncertain(format!("Slack answered {status} and not “ok”: {}", said(answer))))
        }
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => Err(Failure::Refused(format!(
            "the hook takes no messages ({}); make a new one in the app's settings and give its address",
            said(answer)
        ))),
        _ => Err(failure(answer, now)),
    }
}

/// The answer of the Web API: an error stands in a success (`ok: false`).
fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if !answer.status.is_success() {
        return Err(failure(answer, now));
    }
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    match json.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(json),
        Some(false) => Err(refusal(&json, answer, now)),
        None => Err(Failure::Uncertain(format!("Slack answered {} with something unexpected", answer.status))),
    }
}

/// What an error of the Web API means (the lists of errors of each method).
fn refusal(json: &Value, answer: &Answer, now: Timestamp) -> Failure {
    let word = json.get("error").and_then(Value::as_str).unwrap_or("no reason");
    match word {
        "not_authed" | "invalid_auth" | "account_inactive" | "token_revoked" | "token_expired" => {
            Failure::Unauthorised(format!(
                "Slack does not accept the token ({word}); install the app again and give its new token"
            ))
        }
        "missing_scope" | "no_permission" | "access_denied" | "ekm_access_denied" => {
            let needed = json.get("needed").and_then(Value::as_str).unwrap_or("see docs/networks/slack.md");
            Failure::Refused(format!("the app may not do this ({word}); give it the scope: {needed}"))
        }
        "not_in_channel" | "channel_not_found" | "is_archived" => Failure::Refused(format!(
            "the app cannot post in the channel ({word}); invite it there, or give another channel"
        )),
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            Failure::Throttled { until: until(answer, now), reason: format!("too many requests: {word}") }
        }
        // Slack: some of it may have been done before the error.
        "fatal_error" | "internal_error" | "request_timeout" | "service_unavailable" | "team_added_to_org" => {
            Failure::Uncertain(format!("Slack failed: {word}"))
        }
        _ => Failure::Refused(format!("Slack does not take this: {word}")),
    }
}

/// Channel and time stamp of a message: both are needed to name it.
fn parts(id: &str) -> Result<(&str, &str), Failure> {
    let is_named = |channel: &str, ts: &str| {
        !channel.is_empty()
            && channel.bytes().all(|b| b.is_ascii_alphanumeric())
            && !ts.is_empty()
            && ts.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    id.split_once('/')
        .filter(|(channel, ts)| is_named(channel, ts))
        .ok_or_else(|| Failure::Refused(format!("`{id}` is not the id of a message of Slack")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Value, Failure> {
        let answer = Answer { status: StatusCode::OK, headers: Default::default(), body: body.into() };
        read_json(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn nothing_of_a_text_is_a_call_or_a_link() {
        assert_eq!(
            message("<!channel> & <@U012> *x* https://x.fr/?a&b"),
            "&lt;!channel&gt; &amp; &lt;@U012&gt; *x* https://x.fr/?a&amp;b"
        );
    }

    #[test]
    fn an_error_stands_in_a_success() {
        assert!(read(r#"{"ok":true,"ts":"1.2","channel":"C1"}"#).is_ok());
        assert!(matches!(read(r#"{"ok":false,"error":"invalid_auth"}"#), Err(Failure::Unauthorised(_))));
        assert!(matches!(
            read(r#"{"ok":false,"error":"missing_scope","needed":"chat:write"}"#),
            Err(Failure::Refused(why)) if why.contains("chat:write")
        ));
        assert!(
            matches!(read(r#"{"ok":false,"error":"not_in_channel"}"#), Err(Failure::Refused(why)) if why.contains("invite"))
        );
        assert!(matches!(read(r#"{"ok":false,"error":"ratelimited"}"#), Err(Failure::Throttled { .. })));
        assert!(matches!(read(r#"{"ok":false,"error":"fatal_error"}"#), Err(Failure::Uncertain(_))));
        assert!(matches!(read(r#"{"ok":false,"error":"msg_too_long"}"#), Err(Failure::Refused(_))));
        assert!(matches!(read("<html>"), Err(Failure::Uncertain(_))));
    }
}
