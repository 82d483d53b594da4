//! Slack: a channel, through an incoming hook or by an app's bot (docs.slack.dev: incoming webhooks; chat.postMessage,
//! chat.update, chat.delete, chat.getPermalink, conversations.history, auth.test).
//!
//! A bot keeps the key of the delivery in the message's metadata, and finds it again in the channel's history. A hook
//! answers "ok" and nothing else: through it a post goes out at most once.

use super::answers::{failure, of_a_question, said, until};
use super::caller::Caller;
use super::client::Answer;
use super::{Abilities, Found, Network, Wanted};
use crate::config::{Bot, Channel};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

/// Slack asks for at most 4,000 characters, and cuts texts from 40,000 on (chat.postMessage, "Truncating content").
pub const LIMITS: Limits = Limits::text(4_000, Counter::Characters);

/// Kind of the metadata that carries the key of a delivery.
const EVENT: &str = "crieur_post";

/// How far Slack's clock may lie beside ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Messages asked for at once (apps outside of the marketplace may get fewer), and the most pages.
const PAGE: usize = 200;
const PAGES_MAX: usize = 50;

/// A channel of a workspace.
pub struct SlackChannel {
    channel: Channel,
    caller: Caller,
}

impl SlackChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(channel: Channel, allow_private: bool) -> Result<Self, String> {
        let caller = Caller::of_channel(&channel, allow_private)?;
        Ok(Self { channel, caller })
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

    /// The receipt of a message, with its address if Slack says it: without, the post stands all the same.
    async fn receipt(&self, bot: &Bot, channel: &str, ts: &str, now: Timestamp) -> Receipt {
        let link = self.ask(bot, "chat.getPermalink", &[("channel", channel), ("message_ts", ts)], now).await;
        let link = link.ok().and_then(|link| link.get("permalink").and_then(Value::as_str).map(str::to_owned));
        Receipt::new(format!("{channel}/{ts}"), link)
    }
}

#[async_trait]
impl Network for SlackChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
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
                let body = json!({ "text": message(&post.text), "mrkdwn": false });
                let answer = self.caller.send(self.caller.to_hook(Method::POST, hook).json(&body), now).await?;
                read_hook(&answer, key, now).map_err(|failure| self.caller.redacted(failure))
            }
            Channel::Bot(bot) => {
                let made = self.call(bot, "chat.postMessage", &body(bot, post, key), now).await?;
                let (channel, ts) =
                    (made.get("channel").and_then(Value::as_str), made.get("ts").and_then(Value::as_str));
                match (channel, ts) {
                    (Some(channel), Some(ts)) => Ok(self.receipt(bot, channel, ts, now).await),
                    _ => Err(Failure::Uncertain(
                        "the message that should have been made is not in the answer".to_owned(),
                    )),
                }
            }
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let bot = self.bot()?;
        let since = wanted.since.saturating_sub(SKEW).unwrap_or(Timestamp::UNIX_EPOCH).as_second().to_string();
        let (key, limit) = (wanted.key.idempotency_key(), PAGE.to_string());
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
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
            let is_ours =
                |message: &&Value| message.pointer("/metadata/event_payload/key").and_then(Value::as_str) == Some(&key);
            if let Some(ts) = messages.iter().find(is_ours).and_then(|message| message.get("ts")?.as_str()) {
                return Ok(Found::Yes(self.receipt(bot, &bot.channel, ts, now).await));
            }
            match page.pointer("/response_metadata/next_cursor").and_then(Value::as_str) {
                Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
                _ => return Ok(Found::No),
            }
        }
        Err(Failure::Unavailable("the channel has too many newer messages to look through".to_owned()))
    }

    async fn edit(&self, old: &Receipt, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let (bot, (channel, ts)) = (self.bot()?, parts(old)?);
        let body = json!({ "channel": channel, "ts": ts, "text": message(&post.text), "metadata": metadata(key) });
        self.call(bot, "chat.update", &body, now).await?;
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let (bot, (channel, ts)) = (self.bot()?, parts(old)?);
        match self.call(bot, "chat.delete", &json!({ "channel": channel, "ts": ts }), now).await {
            Err(Failure::Refused(why)) if why.contains("message_not_found") => Ok(()),
            done => done.map(|_| ()),
        }
    }

    fn abilities(&self) -> Abilities {
        let is_bot = matches!(self.channel, Channel::Bot(_));
        Abilities { edits: is_bot, withdraws: is_bot, finds: is_bot, ..Abilities::default() }
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
fn body(bot: &Bot, post: &Post, key: &DeliveryKey) -> Value {
    json!({
        "channel": bot.channel,
        "text": message(&post.text),
        "mrkdwn": false,
        "link_names": false,
        "metadata": metadata(key),
    })
}

fn metadata(key: &DeliveryKey) -> Value {
    json!({ "event_type": EVENT, "event_payload": { "key": key.idempotency_key() } })
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
fn parts(receipt: &Receipt) -> Result<(&str, &str), Failure> {
    let is_named = |channel: &str, ts: &str| {
        !channel.is_empty()
            && channel.bytes().all(|b| b.is_ascii_alphanumeric())
            && !ts.is_empty()
            && ts.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    receipt
        .remote_id
        .split_once('/')
        .filter(|(channel, ts)| is_named(channel, ts))
        .ok_or_else(|| Failure::Refused(format!("`{}` is not the id of a message of Slack", receipt.remote_id)))
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
