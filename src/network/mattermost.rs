//! Mattermost: a channel, through an incoming hook or by a bot (developers.mattermost.com: incoming webhooks; REST API v4:
//! posts, files).
//!
//! A bot keeps the key of the delivery in the post's `props`, so that it is found again whatever became of its text. The
//! server knows a repeated `pending_post_id` for half a minute only. A hook answers "ok" and nothing else: through it a post
//! goes out at most once.
//!
//! Files have no alternative texts: a bot uploads images and says below the text what they show. A hook shows images by
//! their addresses, as Markdown does, with their alternative texts.

use super::answers::{failure, of_a_question, said};
use super::caller::Caller;
use super::client::Answer;
use super::history::{Walk, chain, cut_off, same_parts};
use super::multipart::{self, File};
use super::plain::{described, escaped, unmentioned};
use super::uploads::Uploads;
use super::{Abilities, Found, Means, Network, Wanted};
use crate::config::{Bot, Channel};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A server takes 16,383 characters (`Post.Message`, from version 5.0); the backslashes that keep a text from becoming
/// markup count too.
///
/// A post has at most ten files (`model.PostFileIdsMaxCount`, older servers five); a server says how large they may be, 100 MB unless it is set.
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 5,
    image_bytes_max: 5_000_000,
    image_side_max: 4_096,
    alt_max: 500,
    ..Limits::text(6_000, Counter::Characters)
};

/// The same for a hook, which names images by their addresses and cannot answer its own messages.
const HOOK_LIMITS: Limits = Limits { thread: false, images_by_address: true, ..LIMITS };

/// Signs that Mattermost takes for Markdown, wherever they stand.
const MARKDOWN: &str = r"\*_~`[]|";

/// Where the key of a delivery stands in `props`.
const KEY: &str = "crieur_key";

/// Posts asked for at once.
const PAGE: usize = 200;

/// A channel of a Mattermost server.
pub struct MattermostChannel {
    channel: Channel,
    caller: Caller,
    means: Means,
    uploads: Uploads,
}

impl MattermostChannel {
    /// A channel. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(channel: Channel, allow_private: bool, means: &Means) -> Result<Self, String> {
        let caller = Caller::of_channel(&channel, allow_private)?;
        Ok(Self { channel, caller, means: means.clone(), uploads: Uploads::default() })
    }

    async fn call(
        &self,
        bot: &Bot,
        method: Method,
        path: &str,
        body: Option<&Value>,
        now: Timestamp,
    ) -> Result<Value, Failure> {
        let request = self.caller.request(method, &format!("/api/v4{path}")).bearer_auth(bot.token.expose());
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self.caller.send(request, now).await?;
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    /// The bot, for what a hook cannot do.
    fn bot(&self) -> Result<&Bot, Failure> {
        match &self.channel {
            Channel::Bot(bot) => Ok(bot),
            Channel::Hook(_) => Err(Failure::Refused("an incoming hook can only post; a bot can do more".to_owned())),
        }
    }

    /// The address of a post: a server leads from `_redirect` to the team of the channel.
    fn receipt(&self, bot: &Bot, post: &Value) -> Option<Receipt> {
        let id = post.get("id")?.as_str().filter(|id| !id.is_empty())?;
        let server = bot.server.as_str().trim_end_matches('/');
        Some(Receipt::new(id, Some(format!("{server}/_redirect/pl/{id}"))))
    }

    /// Makes one post.
    async fn make(&self, bot: &Bot, body: &Value, now: Timestamp) -> Result<Receipt, Failure> {
        let made = self.call(bot, Method::POST, "/posts", Some(body), now).await?;
        self.receipt(bot, &made)
            .ok_or_else(|| Failure::Uncertain("the post that should have been made is not in the answer".to_owned()))
    }

    /// Makes the posts of a thread that follow what stands of it.
    async fn go_on(
        &self,
        bot: &Bot,
        post: &Post,
        begun: &Receipt,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        for (part, text) in post.thread.iter().enumerate().skip(begun.parts.len()) {
            let mut body = body(bot, text, &key.part(part + 1));
            body["root_id"] = json!(begun.remote_id);
            whole.parts.push(self.make(bot, &body, now).await?.remote_id);
        }
        Ok(whole)
    }

    /// Uploads the images of a post. Nobody sees them before a post has them.
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
        let file = File { field: "files", name: image.file_name(), media_type: &image.media_type, bytes: &bytes };
        let (kind, form) = multipart::form(&[("channel_id", &bot.channel)], &[file]);
        let request = self.caller.request(Method::POST, "/api/v4/files").bearer_auth(bot.token.expose());
        let answer = self.caller.send(request.header("content-type", kind).body(form), now).await?;
        let made = read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        let id = made.pointer("/file_infos/0/id").and_then(Value::as_str).filter(|id| is_id(id));
        let id =
            id.ok_or_else(|| Failure::Unavailable("the server took an image and did not say its id".to_owned()))?;
        self.uploads.put(image, "", id, now);
        Ok(id.to_owned())
    }
}

#[async_trait]
impl Network for MattermostChannel {
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
        let me = self.call(bot, Method::GET, "/users/me", None, now).await.map_err(of_a_question)?;
        let path = format!("/channels/{}", bot.channel);
        let channel = self.call(bot, Method::GET, &path, None, now).await.map_err(of_a_question)?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let host = bot.server.host_str().unwrap_or("");
        Ok(format!("@{} in “{}” on {host}", text(&me, "username"), text(&channel, "display_name")))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        match &self.channel {
            Channel::Hook(hook) => {
                let body = json!({ "text": with_images(post) });
                let request = self.caller.to_hook(Method::POST, hook).json(&body);
                let answer = self.caller.send(request, now).await?;
                read_hook(&answer, key, now).map_err(|failure| self.caller.redacted(failure))
            }
            Channel::Bot(bot) => {
                let mut body = body(bot, &described(post), &key.idempotency_key());
                if !post.images.is_empty() {
                    body["file_ids"] = json!(self.upload(bot, post, now).await?);
                }
                let first = self.make(bot, &body, now).await?;
                self.uploads.used(post);
                self.go_on(bot, post, &first, key, now).await.map_err(cut_off)
            }
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let bot = self.bot()?;
        let mut walk = Walk::<Value>::back_to(wanted.since);
        for page in 0.. {
            walk.turn()?;
            let path = format!("/channels/{}/posts?page={page}&per_page={PAGE}", bot.channel);
            let list = self.call(bot, Method::GET, &path, None, now).await.map_err(of_a_question)?;
            let Some(posts) = list.get("posts").and_then(Value::as_object) else {
                return Err(Failure::Unavailable("the server's list of posts cannot be read".to_owned()));
            };
            walk.seen.extend(posts.values().cloned());
            // The first post of a thread is its oldest: what follows was seen before it.
            let found = chain(wanted.post, |part, _| {
                let key = wanted.key.part(part);
                let is_ours =
                    |post: &&Value| post.pointer(&format!("/props/{KEY}")).and_then(Value::as_str) == Some(&key);
                walk.seen.iter().find(is_ours).and_then(|post| self.receipt(bot, post))
            });
            let times = posts.values().filter_map(|post| post.get("create_at").and_then(Value::as_i64));
            let reached = times.min().is_some_and(|oldest| oldest < walk.since.as_millisecond());
            if found != Found::No || posts.len() < PAGE || reached {
                return Ok(found);
            }
        }
        Ok(Found::No)
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

    async fn edit(&self, old: &Receipt, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let bot = self.bot()?;
        same_parts(old.parts.len() + 1, post.thread.len() + 1)?;
        let first = described(post);
        let texts = std::iter::once(&first).chain(&post.thread);
        for (id, text) in old.ids().zip(texts) {
            let body = json!({ "message": message(text) });
            self.call(bot, Method::PUT, &format!("/posts/{}/patch", own(id)?), Some(&body), now).await?;
        }
        Ok(old.clone())
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let bot = self.bot()?;
        for id in old.ids().rev() {
            self.remove(bot, own(id)?, now).await?;
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

impl MattermostChannel {
    /// Takes one post away, and reads back that it is gone.
    async fn remove(&self, bot: &Bot, id: &str, now: Timestamp) -> Result<(), Failure> {
        let path = format!("/posts/{id}");
        let request = self.caller.request(Method::DELETE, &format!("/api/v4{path}")).bearer_auth(bot.token.expose());
        let answer = self.caller.send(request, now).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        // Deleted posts answer as if they were not there.
        let request = self.caller.request(Method::GET, &format!("/api/v4{path}")).bearer_auth(bot.token.expose());
        match self.caller.send(request, now).await.map_err(of_a_question)?.status {
            StatusCode::NOT_FOUND => Ok(()),
            status => Err(Failure::Unavailable(format!("the post still answers {status} after it was deleted"))),
        }
    }
}

/// A text as a message: nothing of it is markup, and nobody is called (`@channel`, `@all`, `@here`, a name).
fn message(text: &str) -> String {
    unmentioned(&escaped(text, MARKDOWN))
}

/// A message with its images as Markdown shows them.
fn with_images(post: &Post) -> String {
    let mut text = message(&post.text);
    for (at, image) in post.images.iter().enumerate() {
        // What would end the address is written as addresses write it.
        let url = image.url.replace('(', "%28").replace(')', "%29");
        text.push_str(if at == 0 { "\n\n" } else { "\n" });
        text.push_str(&format!("![{}]({url})", message(&image.alt.replace('\n', " "))));
    }
    text
}

/// The body of `POST /api/v4/posts`.
fn body(bot: &Bot, text: &str, key: &str) -> Value {
    json!({ "channel_id": bot.channel, "message": message(text), "pending_post_id": key, "props": { KEY: key } })
}

/// The answer of a hook: "ok".
fn read_hook(answer: &Answer, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
    match answer.status {
        StatusCode::OK if answer.body.trim() == "ok" => Ok(Receipt::new(key.idempotency_key(), None)),
        status if status.is_success() => Err(Failure::Uncertain(format!(
            "the server answered {status} and not “ok” ({}): is this the address of a hook?",
            said(answer)
        ))),
        // A hook that is not known is told apart from a bad message by its text alone.
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if answer.body.contains("web_hook") => Err(Failure::Refused(
            format!("the hook is not there any more ({}); make a new one and give its address", said(answer)),
        )),
        _ => Err(failure(answer, now)),
    }
}

/// The answer of the REST API. Its errors have an id, which says more than the status.
fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if answer.status.is_success() {
        return serde_json::from_str(&answer.body).map_err(|_| {
            Failure::Uncertain(format!("the server answered {} with something that is not JSON", answer.status))
        });
    }
    Err(match failure(answer, now) {
        Failure::Unauthorised(why) => {
            Failure::Unauthorised(format!("{why}; make a new token for the bot and put it in the configuration"))
        }
        Failure::Refused(why) if matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
            Failure::Refused(format!("{why}; make the bot a member of the team and of the channel"))
        }
        other => other,
    })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Refuses an id that is not that of a post: it came from elsewhere, such as a person's word.
fn own(id: &str) -> Result<&str, Failure> {
    is_id(id).then_some(id).ok_or_else(|| Failure::Refused(format!("`{id}` is not the id of a post of Mattermost")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;

    #[test]
    fn a_message_calls_nobody_and_is_no_markup() {
        let text = "@channel : *Un* [lien](https://x.fr/a_b) pour contact@example.fr\n#Cloud https://x.fr/@all";
        let expected = "@\u{2060}channel : \\*Un\\* \\[lien\\](https://x.fr/a_b) pour contact@example.fr\n#Cloud https://x.fr/@all";
        assert_eq!(message(text), expected);
    }

    #[test]
    fn the_answers_of_a_hook_fall_into_their_classes() {
        let key = DeliveryKey::publication(ArticleId::mint("x", "y", &|_| false), "une", &EndpointName::new("m"));
        let read = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer { status, headers: Default::default(), body: body.into() };
            read_hook(&answer, &key, "2026-11-22T10:00:00Z".parse().unwrap())
        };
        assert_eq!(read(200, "ok").unwrap(), Receipt::new(key.idempotency_key(), None));
        assert!(matches!(read(200, "<html>"), Err(Failure::Uncertain(_))));
        let gone = r#"{"id":"web_hook_incoming.invalid.app_error","message":"Invalid webhook.","status_code":400}"#;
        assert!(matches!(read(400, gone), Err(Failure::Refused(why)) if why.contains("make a new one")));
        assert!(matches!(read(500, ""), Err(Failure::Uncertain(_))));
        assert!(matches!(read(429, ""), Err(Failure::Throttled { .. })));
    }
}
