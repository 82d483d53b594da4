//! Discord: a channel, through a webhook or by a bot (docs.discord.com: resources webhook and message).
//!
//! A webhook is asked to wait for the message, so that it answers with its id; it cannot be asked which messages it made,
//! so through it a post goes out at most once. A bot sends the same nonce on every try, by which Discord knows a repeated
//! message for some minutes, and reads the channel after a doubt.
//!
//! Images are files of the message, each with a description. Only a bot's messages answer others: through a webhook a long
//! text is shortened.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::history::{Walk, chain, cut_off, same_parts};
use super::multipart::{self, File};
use super::plain::escaped;
use super::{Abilities, Found, Means, Network, Wanted};
use crate::config::{Bot, Channel};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::digest;
use crate::post::{Counter, Image, Limits, Post};
use crate::secret::SafeUrl;
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Characters of a message (`content`: up to 2000). What is escaped counts; where that would be too long, the text goes as
/// it is.
///
/// A message has at most ten files of 10 MB, 25 MB together; a description has 1,024 characters (attachment object).
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 10,
    image_bytes_max: 2_400_000,
    image_side_max: 4_096,
    alt_max: 900,
    ..Limits::text(LENGTH_MAX, Counter::Utf16)
};

/// The same for a webhook, whose messages answer none.
const HOOK_LIMITS: Limits = Limits { thread: false, ..LIMITS };
const LENGTH_MAX: usize = 2_000;

/// Signs that Discord takes for Markdown, wherever they stand.
const MARKDOWN: &str = r"\*_~`|<>[]";

/// Discord wants programs to name themselves in this form (reference, "User Agent").
const USER_AGENT: &str = concat!("DiscordBot (crieur, ", env!("CARGO_PKG_VERSION"), ")");

/// Messages asked for at once.
const PAGE: usize = 100;

/// What Discord answers about a message that is not there.
const UNKNOWN_MESSAGE: u64 = 10_008;

/// A channel of a Discord server.
pub struct DiscordChannel {
    channel: Channel,
    caller: Caller,
    means: Means,
}

impl DiscordChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(channel: Channel, allow_private: bool, means: &Means) -> Result<Self, String> {
        let caller = match &channel {
            Channel::Hook(hook) => {
                // What the hook's address holds besides its path is put where Discord wants it.
                let mut base = hook.expose().clone();
                base.set_query(None);
                Caller::new(&base, allow_private, hook.secrets())?
            }
            Channel::Bot(bot) => Caller::new(&bot.server, allow_private, vec![bot.token.clone()])?,
        };
        Ok(Self { channel, caller, means: means.clone() })
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

    /// Makes one message, with the images of its post.
    async fn make(&self, body: &Value, images: &[Image], now: Timestamp) -> Result<Receipt, Failure> {
        let path = match &self.channel {
            Channel::Hook(hook) => waiting(hook),
            Channel::Bot(_) => "/messages".to_owned(),
        };
        let request = self.request(Method::POST, &path);
        let request =
            if images.is_empty() { request.json(body) } else { self.with_files(request, body, images).await? };
        let made = self.call(request, now).await?;
        receipt(&made)
            .ok_or_else(|| Failure::Uncertain("the message that should have been made is not in the answer".to_owned()))
    }

    /// A request whose body is a form: the message, and its images as files.
    async fn with_files(
        &self,
        request: RequestBuilder,
        body: &Value,
        images: &[Image],
    ) -> Result<RequestBuilder, Failure> {
        let mut body = body.clone();
        body["attachments"] = images.iter().enumerate().map(attachment).collect();
        let mut bytes = Vec::new();
        for image in images {
            bytes.push(self.means.bytes(image).await?);
        }
        let fields: Vec<String> = (0..images.len()).map(|at| format!("files[{at}]")).collect();
        let files = images.iter().zip(&fields).zip(&bytes).map(|((image, field), bytes)| File {
            field,
            name: image.file_name(),
            media_type: &image.media_type,
            bytes,
        });
        let (kind, form) = multipart::form(&[("payload_json", &body.to_string())], &files.collect::<Vec<_>>());
        Ok(request.header("content-type", kind).body(form))
    }

    /// Makes the messages of a thread that follow what stands of it.
    async fn go_on(&self, post: &Post, begun: &Receipt, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        for (part, text) in post.thread.iter().enumerate().skip(begun.parts.len()) {
            let mut body = body(text, &nonce(key, part + 1));
            body["message_reference"] = json!({ "message_id": whole.last() });
            whole.parts.push(self.make(&body, &[], now).await?.remote_id);
        }
        Ok(whole)
    }

    /// A receipt with the address of its first message, which has the server's id in it.
    async fn with_link(&self, mut receipt: Receipt, now: Timestamp) -> Receipt {
        let about = self.ask(self.request(Method::GET, ""), now).await.unwrap_or_default();
        receipt.remote_url = link(&about, &receipt.remote_id);
        receipt
    }

    /// Takes one message away, and reads back that it is gone.
    async fn remove(&self, id: &str, now: Timestamp) -> Result<(), Failure> {
        let path = format!("/messages/{id}");
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
}

#[async_trait]
impl Network for DiscordChannel {
    async fn limits(&self, _now: Timestamp) -> Limits {
        match &self.channel {
            Channel::Bot(_) => LIMITS,
            Channel::Hook(_) => HOOK_LIMITS,
        }
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
        let mut body = match &self.channel {
            Channel::Hook(_) => content(&post.text),
            Channel::Bot(_) => body(&post.text, &nonce(key, 0)),
        };
        if let Some(answered) = &post.answers {
            body["message_reference"] = json!({ "message_id": answered });
        }
        let first = self.make(&body, &post.images, now).await?;
        let whole = match &self.channel {
            Channel::Hook(_) => first,
            Channel::Bot(_) => self.go_on(post, &first, key, now).await.map_err(cut_off)?,
        };
        Ok(self.with_link(whole, now).await)
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let Channel::Bot(bot) = &self.channel else {
            return Err(Failure::Refused("a webhook cannot be asked which messages it made".to_owned()));
        };
        let me = self.ask(self.of_bot(bot, Method::GET, "/users/@me"), now).await?;
        let me = me.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut walk = Walk::<Value>::back_to(wanted.since);
        let mut before = String::new();
        loop {
            walk.turn()?;
            let page = self.ask(self.request(Method::GET, &format!("/messages?limit={PAGE}{before}")), now).await?;
            let Some(messages) = page.as_array() else {
                return Err(Failure::Unavailable("the channel's list of messages cannot be read".to_owned()));
            };
            walk.seen.extend(messages.iter().filter(|message| is_own(message, &me, wanted, walk.since)).cloned());
            // The first message of a thread is its oldest: what follows was seen before it.
            match chain(wanted.post, |part, before| said_in(&walk.seen, wanted.post, part, before)) {
                Found::Yes(whole) => return Ok(Found::Yes(self.with_link(whole, now).await)),
                Found::Part(begun) => return Ok(Found::Part(self.with_link(begun, now).await)),
                _ => {}
            }
            let oldest = messages.last();
            let reached = oldest.and_then(made_at).is_none_or(|at| at < walk.since);
            match oldest.and_then(|message| message.get("id")?.as_str()).filter(|id| is_number(id)) {
                Some(id) if !reached && messages.len() == PAGE => before = format!("&before={id}"),
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
        self.go_on(post, begun, key, now).await
    }

    /// Files of the message stay as they are.
    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        same_parts(old.parts.len() + 1, post.thread.len() + 1)?;
        for (id, text) in old.ids().zip(post.texts()) {
            let request = self.request(Method::PATCH, &format!("/messages/{}", own(id)?)).json(&content(text));
            self.call(request, now).await?;
        }
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        for id in old.ids().rev() {
            self.remove(own(id)?, now).await?;
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities {
        let is_bot = matches!(self.channel, Channel::Bot(_));
        Abilities {
            edits: true,
            withdraws: true,
            finds: is_bot,
            threads: is_bot,
            images: true,
            answers: is_bot,
            ..Abilities::default()
        }
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
fn body(text: &str, nonce: &str) -> Value {
    let mut body = content(text);
    body["nonce"] = json!(nonce);
    body["enforce_nonce"] = json!(true);
    body
}

/// What names a part of a delivery, in at most 25 characters.
fn nonce(key: &DeliveryKey, part: usize) -> String {
    digest::hex(key.part(part), 12)
}

/// What is said of a file.
fn attachment((at, image): (usize, &Image)) -> Value {
    json!({ "id": at, "filename": image.file_name(), "description": image.alt })
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

fn receipt(message: &Value) -> Option<Receipt> {
    message.get("id")?.as_str().filter(|id| is_number(id)).map(|id| Receipt::new(id, None))
}

/// The address of a message, by what Discord says of its hook or channel. Without a server there is none.
fn link(about: &Value, id: &str) -> Option<String> {
    let number = |name: &str| about.get(name).and_then(Value::as_str).filter(|text| is_number(text));
    let guild = number("guild_id")?;
    // A hook says which channel it belongs to; a channel is asked itself.
    let channel = number("channel_id").or_else(|| number("id"))?;
    Some(format!("https://discord.com/channels/{guild}/{channel}/{id}"))
}

/// Whether a message may be of the wanted post: the bot's own, made since the try, of no other delivery.
fn is_own(message: &Value, me: &str, wanted: &Wanted, since: Timestamp) -> bool {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    text("/author/id") == me
        && !wanted.taken.iter().any(|taken| taken == text("/id"))
        && made_at(message).is_none_or(|at| at >= since)
}

/// The message with the words of a part of a post, which answers the part before.
fn said_in(seen: &[Value], post: &Post, part: usize, before: Option<&str>) -> Option<Receipt> {
    let sent = content(post.texts().nth(part)?);
    let sent = sent.get("content").and_then(Value::as_str)?.trim();
    let text = |message: &Value, pointer: &str| message.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let is_it = |message: &&Value| {
        text(message, "/content").is_some_and(|said| said.trim() == sent)
            && text(message, "/message_reference/message_id").as_deref() == before
    };
    seen.iter().find(is_it).and_then(receipt)
}

fn made_at(message: &Value) -> Option<Timestamp> {
    message.get("timestamp")?.as_str()?.parse().ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Refuses an id that is not that of a message: it came from elsewhere, such as a person's word.
fn own(id: &str) -> Result<&str, Failure> {
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
        let hook = json!({ "id": "9", "channel_id": "7", "guild_id": "3" });
        assert_eq!(link(&hook, "42").as_deref(), Some("https://discord.com/channels/3/7/42"));
        assert_eq!(link(&json!({ "id": "7", "guild_id": "3" }), "42"), link(&hook, "42"));
        assert_eq!(link(&Value::Null, "42"), None);
    }
}
