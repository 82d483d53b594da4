//! Discord: a channel, through a webhook or by a bot (docs.discord.com: resources webhook and message).
//!
//! A webhook is asked to wait for the message, so that it answers with its id; it cannot be asked which messages it made,
//! so through it a post goes out at most once. A bot sends the same nonce on every try, by which Discord knows a repeated
//! message for some minutes, and reads the channel after a doubt.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::plain::escaped;
use super::{Abilities, Found, Network, Wanted};
use crate::config::{Bot, Channel};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::digest;
use crate::post::{Counter, Limits, Post};
use crate::secret::SafeUrl;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Characters of a message (`content`: up to 2000). What is escaped counts; where that would be too long, the text goes as
/// it is.
pub const LIMITS: Limits = Limits::text(LENGTH_MAX, Counter::Utf16);
const LENGTH_MAX: usize = 2_000;

/// Signs that Discord takes for Markdown, wherever they stand.
const MARKDOWN: &str = r"\*_~`|<>[]";

/// Discord wants programs to name themselves in this form (reference, "User Agent").
const USER_AGENT: &str = concat!("DiscordBot (crieur, ", env!("CARGO_PKG_VERSION"), ")");

/// How far Discord's clock may lie beside ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Messages asked for at once, and the most pages.
const PAGE: usize = 100;
const PAGES_MAX: usize = 50;

/// What Discord answers about a message that is not there.
const UNKNOWN_MESSAGE: u64 = 10_008;

/// A channel of a Discord server.
pub struct DiscordChannel {
    channel: Channel,
    caller: Caller,
}

impl DiscordChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(channel: Channel, allow_private: bool) -> Result<Self, String> {
        let caller = match &channel {
            Channel::Hook(hook) => {
                // What the hook's address holds besides its path is put where Discord wants it.
                let mut base = hook.expose().clone();
                base.set_query(None);
                Caller::new(&base, allow_private, hook.secrets())?
            }
            Channel::Bot(bot) => Caller::new(&bot.server, allow_private, vec![bot.token.clone()])?,
        };
        Ok(Self { channel, caller })
    }

    /// A request about messages: `path` follows the hook's address, or the channel's.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = match &self.channel {
            Channel::Hook(_) => self.caller.request(method, path),
            Channel::Bot(bot) => self.of_bot(bot, method, &format!("/channels/{}{path}", bot.channel)),
        };
        request.header("user-agent", USER_AGENT)
    }

    fn of_bot(&self, bot: &Bot, method: Method, path: &str) -> RequestBuilder {
        let request = self.caller.request(method, &format!("/api/v10{path}")).header("user-agent", USER_AGENT);
        request.header("authorization", format!("Bot {}", bot.token.expose()))
    }

    async fn call(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.caller.send(request, now).await?;
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    async fn ask(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        self.call(request, now).await.map_err(of_a_question)
    }

    /// The server of the channel, for the addresses of messages. Without it they have none, and stand all the same.
    async fn guild(&self, now: Timestamp) -> Option<String> {
        let asked = match &self.channel {
            Channel::Hook(_) => self.ask(self.request(Method::GET, ""), now).await,
            Channel::Bot(_) => self.ask(self.request(Method::GET, ""), now).await,
        };
        asked.ok()?.get("guild_id")?.as_str().map(str::to_owned)
    }

    /// Where the messages of a hook or a channel are made and named.
    fn messages(&self, id: &str) -> String {
        format!("/messages/{id}")
    }
}

#[async_trait]
impl Network for DiscordChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let about = self.ask(self.request(Method::GET, ""), now).await?;
        let name = about.get("name").and_then(Value::as_str).unwrap_or("unknown");
        match &self.channel {
            Channel::Hook(_) => {
                let channel = about.get("channel_id").and_then(Value::as_str).unwrap_or("unknown");
                Ok(format!("the webhook “{name}” of the channel {channel}"))
            }
            Channel::Bot(bot) => {
                let me = self.ask(self.of_bot(bot, Method::GET, "/users/@me"), now).await?;
                let bot = me.get("username").and_then(Value::as_str).unwrap_or("unknown");
                Ok(format!("{bot} in #{name}"))
            }
        }
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let request = match &self.channel {
            Channel::Hook(hook) => self.request(Method::POST, &waiting(hook)).json(&content(&post.text)),
            Channel::Bot(_) => self.request(Method::POST, "/messages").json(&body(post, key)),
        };
        let made = self.call(request, now).await?;
        let guild = self.guild(now).await;
        receipt(&made, guild.as_deref())
            .ok_or_else(|| Failure::Uncertain("the message that should have been made is not in the answer".to_owned()))
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let Channel::Bot(bot) = &self.channel else {
            return Err(Failure::Refused("a webhook cannot be asked which messages it made".to_owned()));
        };
        let me = self.ask(self.of_bot(bot, Method::GET, "/users/@me"), now).await?;
        let me = me.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let since = wanted.since.saturating_sub(SKEW).unwrap_or(Timestamp::MIN);
        let mut before = String::new();
        for _ in 0..PAGES_MAX {
            let page = self.ask(self.request(Method::GET, &format!("/messages?limit={PAGE}{before}")), now).await?;
            let Some(messages) = page.as_array() else {
                return Err(Failure::Unavailable("the channel's list of messages cannot be read".to_owned()));
            };
            if let Some(message) = messages.iter().find(|message| is_wanted(message, &me, wanted, since)) {
                let guild = self.guild(now).await;
                return Ok(receipt(message, guild.as_deref()).map_or(Found::No, Found::Yes));
            }
            let oldest = messages.last();
            let reached = oldest.and_then(made_at).is_none_or(|at| at < since);
            match oldest.and_then(|message| message.get("id")?.as_str()).filter(|id| is_number(id)) {
                Some(id) if !reached && messages.len() == PAGE => before = format!("&before={id}"),
                _ => return Ok(Found::No),
            }
        }
        Err(Failure::Unavailable("the channel has too many newer messages to look through".to_owned()))
    }

    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let request = self.request(Method::PATCH, &self.messages(id(old)?)).json(&content(&post.text));
        self.call(request, now).await?;
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let path = self.messages(id(old)?);
        let is_gone = |answer: &Answer| answer.status == StatusCode::NOT_FOUND && code(answer) == Some(UNKNOWN_MESSAGE);
        let answer = self.caller.send(self.request(Method::DELETE, &path), now).await?;
        if is_gone(&answer) {
            return Ok(());
        }
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        let answer = self.caller.send(self.request(Method::GET, &path), now).await.map_err(of_a_question)?;
        match is_gone(&answer) {
            true => Ok(()),
            false => {
                Err(Failure::Unavailable(format!("the message still answers {} after it was deleted", answer.status)))
            }
        }
    }

    fn abilities(&self) -> Abilities {
        let finds = matches!(self.channel, Channel::Bot(_));
        Abilities { edits: true, withdraws: true, finds, ..Abilities::default() }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// The query of a hook that answers when the message stands. A thread that the hook's address names is kept.
fn waiting(hook: &SafeUrl) -> String {
    let thread = hook.expose().query_pairs().find(|(name, id)| name == "thread_id" && is_number(id));
    thread.map_or_else(|| "?wait=true".to_owned(), |(_, id)| format!("?wait=true&thread_id={id}"))
}

/// What a message says: nothing of it is markup, and it calls nobody, whatever stands in it.
fn content(text: &str) -> Value {
    let plain = escaped(text, MARKDOWN);
    let text = if LIMITS.holds(&plain) { plain } else { text.to_owned() };
    json!({ "content": text, "allowed_mentions": { "parse": [] } })
}

/// The body of a bot's message.
fn body(post: &Post, key: &DeliveryKey) -> Value {
    let mut body = content(&post.text);
    // At most 25 characters.
    body["nonce"] = json!(digest::hex(key.idempotency_key(), 12));
    body["enforce_nonce"] = json!(true);
    body
}

/// Any answer: its JSON, or the class of its failure.
fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if answer.status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    if answer.status.is_success() {
        return serde_json::from_str(&answer.body).map_err(|_| {
            Failure::Uncertain(format!("Discord answered {} with something that is not JSON", answer.status))
        });
    }
    Err(match (answer.status, code(answer)) {
        // Unknown webhook, invalid webhook token.
        (_, Some(10_015 | 50_027)) => Failure::Refused(format!(
            "the webhook is not there any more ({}); make a new one and give its address",
            said(answer)
        )),
        // Unknown channel, missing access, missing permissions.
        (_, Some(10_003 | 50_001 | 50_013)) => Failure::Refused(format!(
            "the bot may not do this in the channel ({}); give it View Channel, Send Messages and Read Message History there",
            said(answer)
        )),
        (StatusCode::UNAUTHORIZED, _) => Failure::Unauthorised(format!(
            "the token is not accepted ({}); make a new one on the page of the bot and put it in the configuration",
            said(answer)
        )),
        _ => failure(answer, now),
    })
}

/// The number of an error.
fn code(answer: &Answer) -> Option<u64> {
    serde_json::from_str::<Value>(&answer.body).ok()?.get("code")?.as_u64()
}

fn receipt(message: &Value, guild: Option<&str>) -> Option<Receipt> {
    let text = |name: &str| message.get(name).and_then(Value::as_str).filter(|text| is_number(text));
    let (id, channel) = (text("id")?, text("channel_id"));
    let url = channel.zip(guild).map(|(channel, guild)| format!("https://discord.com/channels/{guild}/{channel}/{id}"));
    Some(Receipt::new(id, url))
}

/// Whether a message is the wanted post: the bot's own, made since the try, of no other delivery, with its words.
fn is_wanted(message: &Value, me: &str, wanted: &Wanted, since: Timestamp) -> bool {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let sent = content(&wanted.post.text);
    text("/author/id") == me
        && !wanted.taken.iter().any(|taken| taken == text("/id"))
        && made_at(message).is_none_or(|at| at >= since)
        && sent.get("content").and_then(Value::as_str).is_some_and(|sent| sent.trim() == text("/content").trim())
}

fn made_at(message: &Value) -> Option<Timestamp> {
    message.get("timestamp")?.as_str()?.parse().ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn id(receipt: &Receipt) -> Result<&str, Failure> {
    let id = receipt.remote_id.as_str();
    is_number(id).then_some(id).ok_or_else(|| Failure::Refused(format!("`{id}` is not the id of a message of Discord")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_calls_nobody_and_is_no_markup() {
        let said = content("@everyone <@123> **gras** https://x.fr/a_b");
        assert_eq!(said["content"], r"@everyone \<@123\> \*\*gras\*\* https://x.fr/a_b");
        assert_eq!(said["allowed_mentions"], json!({ "parse": [] }));
        // What would become too long by its backslashes goes as it is.
        let long = "_".repeat(1_500);
        assert_eq!(content(&long)["content"], long);
        assert_eq!(content(&long)["allowed_mentions"], json!({ "parse": [] }));
    }

    #[test]
    fn a_hook_is_asked_to_wait_and_keeps_its_thread() {
        let waiting = |url: &str| waiting(&SafeUrl::parse(url).unwrap());
        assert_eq!(waiting("https://discord.com/api/webhooks/1/canari"), "?wait=true");
        assert_eq!(
            waiting("https://discord.com/api/webhooks/1/canari?wait=false&thread_id=42"),
            "?wait=true&thread_id=42"
        );
        assert_eq!(waiting("https://discord.com/api/webhooks/1/canari?thread_id=x&y"), "?wait=true");
    }

    #[test]
    fn answers_fall_into_their_classes() {
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer { status, headers: Default::default(), body: body.into() };
            read_json(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
        };
        assert_eq!(read(204, ""), Ok(Value::Null));
        assert!(
            matches!(read(404, r#"{"message":"Unknown Webhook","code":10015}"#), Err(Failure::Refused(why)) if why.contains("make a new one"))
        );
        assert!(
            matches!(read(403, r#"{"message":"Missing Access","code":50001}"#), Err(Failure::Refused(why)) if why.contains("Send Messages"))
        );
        assert!(matches!(read(401, r#"{"message":"401: Unauthorized","code":0}"#), Err(Failure::Unauthorised(_))));
        let slow = read(429, r#"{"message":"You are being rate limited.","retry_after":0.529,"global":false}"#);
        assert!(matches!(slow, Err(Failure::Throttled { until: Some(_), .. })));
        assert!(matches!(read(500, ""), Err(Failure::Uncertain(_))));
        let made = json!({ "id": "42", "channel_id": "7" });
        let url = receipt(&made, Some("3")).unwrap().remote_url;
        assert_eq!(url.as_deref(), Some("https://discord.com/channels/3/7/42"));
        assert_eq!(receipt(&made, None).unwrap().remote_url, None);
    }
}
