//! Threads (developers.facebook.com, Threads API: create and publish a container and its status, a profile's posts, the
//! replies to a post, delete a post).
//!
//! A post is made in two steps. The first makes a container, which nobody sees: if its answer is lost, nothing happened.
//! Only a doubt about the second is one; then the profile's own posts are read. Images are fetched by Threads from their
//! addresses, while their container waits.

use super::answers::{failure, of_a_question};
use super::caller::Caller;
use super::client::Answer;
use super::history::{Walk, cut_off};
use super::login::{Attempt, Login, REDIRECT};
use super::session::{Session, Tokens, ask_for_tokens};
use super::uploads::Uploads;
use super::{Abilities, Found, Network, Vault, Wanted};
use crate::config::{Grant, Threads};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use crate::secret::Secret;
use crate::text::one_line;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

/// A post has 500 characters, and emojis count as their bytes (reference, "Publishing").
///
/// Images: JPEG or PNG of at most 8 MB, up to 20 in a carousel; an alternative text has 1,000 characters.
pub const LIMITS: Limits = Limits {
    thread: true,
    images_max: 10,
    images_by_address: true,
    image_bytes_max: 8_000_000,
    alt_max: 900,
    ..Limits::text(500, Counter::Threads)
};

/// How long before its end a token is renewed. Tokens last sixty days, and renew themselves while they hold.
const MARGIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Posts asked for at once.
const PAGE: usize = 100;

/// A profile.
pub struct ThreadsProfile {
    account: Threads,
    caller: Caller,
    session: Session,
    /// Containers of images that Threads was still at work on, by what they hold: they are asked for again.
    in_work: Uploads,
}

impl ThreadsProfile {
    /// A profile. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(account: Threads, allow_private: bool, vault: Vault) -> Result<Self, String> {
        let secrets = match &account.grant {
            Grant::Token(token) => vec![token.clone()],
            Grant::Login(app) => app.secret.iter().cloned().collect(),
        };
        let caller = Caller::new(&account.server, allow_private, secrets)?;
        Ok(Self { caller, session: Session::new(vault, MARGIN), account, in_work: Uploads::default() })
    }

    async fn token(&self, now: Timestamp) -> Result<Secret, Failure> {
        match &self.account.grant {
            Grant::Token(token) => Ok(token.clone()),
            Grant::Login(_) => {
                self.session.token(&self.caller, now, |tokens| Some(renewal(&self.caller, tokens))).await
            }
        }
    }

    async fn send(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.caller.send(request, now).await?;
        let read = read_json(&answer, now).map_err(|failure| self.caller.redacted(failure));
        if matches!(read, Err(Failure::Unauthorised(_))) {
            self.session.distrust().await;
        }
        read
    }

    async fn tell(&self, path: &str, pairs: &[(&str, &str)], now: Timestamp) -> Result<Value, Failure> {
        let token = self.token(now).await?;
        let form =
            Serializer::new(String::new()).extend_pairs(pairs).append_pair("access_token", token.expose()).finish();
        let request = self.caller.request(Method::POST, &format!("/v1.0{path}"));
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(form), now).await
    }

    async fn ask(&self, method: Method, path: &str, pairs: &[(&str, &str)], now: Timestamp) -> Result<Value, Failure> {
        let token = self.token(now).await?;
        let query =
            Serializer::new(String::new()).extend_pairs(pairs).append_pair("access_token", token.expose()).finish();
        let request = self.caller.request(method, &format!("/v1.0{path}?{query}"));
        self.send(request, now).await
    }

    /// Makes a container, which nobody sees.
    async fn container(&self, pairs: &[(&str, &str)], now: Timestamp) -> Result<String, Failure> {
        let made = self.tell("/me/threads", pairs, now).await.map_err(of_a_question)?;
        id(&made).ok_or_else(|| {
            Failure::Unavailable("Threads answered without the container that it should have made".to_owned())
        })
    }

    /// Makes the container of the first part of a post.
    async fn first(&self, post: &Post, now: Timestamp) -> Result<String, Failure> {
        let has_link = !post.url.is_empty() && post.text.contains(&post.url);
        match &post.images[..] {
            [] => {
                let pairs =
                    [("media_type", "TEXT"), ("text", post.text.as_str()), ("link_attachment", post.url.as_str())];
                self.container(if has_link { &pairs[..] } else { &pairs[..2] }, now).await
            }
            [image] => {
                let made = self.of_image(image, &[("text", &post.text)], now).await?;
                self.wait_for(&made, now).await?;
                Ok(made)
            }
            images => {
                let mut children = Vec::new();
                for image in images {
                    children.push(self.of_image(image, &[("is_carousel_item", "true")], now).await?);
                }
                for child in &children {
                    self.wait_for(child, now).await?;
                }
                let pairs =
                    [("media_type", "CAROUSEL"), ("children", &children.join(",")), ("text", post.text.as_str())];
                self.container(&pairs, now).await
            }
        }
    }

    /// The container of an image, made now or by an earlier try.
    async fn of_image(&self, image: &Image, more: &[(&str, &str)], now: Timestamp) -> Result<String, Failure> {
        // A container holds the text of its post, or is a part of an album: it is no other post's.
        let used_for = more.iter().map(|(name, value)| format!("{name}={value}")).collect::<String>();
        if let Some(made) = self.in_work.get(image, &used_for, now) {
            return Ok(made);
        }
        if image.url.is_empty() {
            return Err(Failure::Refused("the image has no address from which Threads could fetch it".to_owned()));
        }
        let mut pairs =
            vec![("media_type", "IMAGE"), ("image_url", image.url.as_str()), ("alt_text", image.alt.as_str())];
        pairs.retain(|(_, value)| !value.is_empty());
        pairs.extend(more);
        let made = self.container(&pairs, now).await?;
        self.in_work.put(image, &used_for, &made, now);
        Ok(made)
    }

    /// Asks whether Threads has fetched the image of a container.
    async fn wait_for(&self, container: &str, now: Timestamp) -> Result<(), Failure> {
        let fields = [("fields", "status,error_message")];
        let container = self.ask(Method::GET, &format!("/{container}"), &fields, now).await.map_err(of_a_question)?;
        let text = |name: &str| container.get(name).and_then(Value::as_str).unwrap_or("unknown");
        match text("status") {
            "FINISHED" | "PUBLISHED" => Ok(()),
            "ERROR" | "EXPIRED" => {
                // It does not get better: the next try makes a new one.
                self.in_work.clear();
                Err(Failure::Unavailable(format!("Threads cannot fetch an image: {}", one_line(text("error_message")))))
            }
            _ => Err(Failure::Unavailable("Threads is still at work on an image".to_owned())),
        }
    }

    /// Publishes a container.
    async fn make(&self, container: &str, now: Timestamp) -> Result<String, Failure> {
        let made = self.tell("/me/threads_publish", &[("creation_id", container)], now).await?;
        id(&made).ok_or_else(|| {
            Failure::Uncertain(
                "Threads answered with success, and without the post that it should have made".to_owned(),
            )
        })
    }

    /// Makes the posts of a thread that follow what stands of it.
    async fn go_on(&self, post: &Post, begun: &Receipt, now: Timestamp) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        for text in post.thread.iter().skip(begun.parts.len()) {
            let pairs = [("media_type", "TEXT"), ("text", text.as_str()), ("reply_to_id", whole.last())];
            let container = self.container(&pairs, now).await?;
            whole.parts.push(self.make(&container, now).await?);
        }
        Ok(whole)
    }

    /// The receipt of a post whose first part stands, and whether all of it does: each part is a reply to the one before.
    async fn rest_of(&self, first: Receipt, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let mut whole = first;
        for text in &wanted.post.thread {
            let path = format!("/{}/replies", whole.last());
            let page = self.ask(Method::GET, &path, &[("fields", "id,text,permalink,is_reply_owned_by_me")], now).await;
            let page = page.map_err(of_a_question)?;
            let Some(replies) = page.get("data").and_then(Value::as_array) else {
                return Err(Failure::Unavailable("the replies to the post cannot be read".to_owned()));
            };
            let is_ours = |reply: &&Value| reply.get("is_reply_owned_by_me").and_then(Value::as_bool) != Some(false);
            match replies.iter().filter(is_ours).find_map(|reply| recognise(reply, wanted, text)) {
                Some(reply) => whole.parts.push(reply.remote_id),
                None => return Ok(Found::Part(whole)),
            }
        }
        Ok(Found::Yes(whole))
    }
}

#[async_trait]
impl Network for ThreadsProfile {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let me = self.ask(Method::GET, "/me", &[("fields", "id,username")], now).await.map_err(of_a_question)?;
        Ok(format!("@{}", me.get("username").and_then(Value::as_str).unwrap_or("unknown")))
    }

    async fn publish(&self, post: &Post, _key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        // Nobody sees a container, so nothing is in doubt yet.
        let container = self.first(post, now).await?;
        let made = self.make(&container, now).await;
        // Whether a container is good for a second post is not known.
        self.in_work.used(post);
        let whole = self.go_on(post, &Receipt::new(made?, None), now).await.map_err(cut_off)?;
        // Without its address the post stands all the same.
        let link = self.ask(Method::GET, &format!("/{}", whole.remote_id), &[("fields", "permalink")], now).await.ok();
        let remote_url = link.and_then(|post| post.get("permalink")?.as_str().map(str::to_owned));
        Ok(Receipt { remote_url, ..whole })
    }

    async fn complete(
        &self,
        post: &Post,
        begun: &Receipt,
        _key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        self.go_on(post, begun, now).await
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let mut walk = Walk::<()>::back_to(wanted.since);
        let (seconds, limit) = (walk.since.as_second().to_string(), PAGE.to_string());
        let mut after = String::new();
        loop {
            walk.turn()?;
            let pairs =
                [("fields", "id,text,permalink,timestamp"), ("since", &seconds), ("limit", &limit), ("after", &after)];
            let pairs = if after.is_empty() { &pairs[..3] } else { &pairs[..] };
            let page = self.ask(Method::GET, "/me/threads", pairs, now).await.map_err(of_a_question)?;
            let Some(posts) = page.get("data").and_then(Value::as_array) else {
                return Err(Failure::Unavailable("the profile's list of posts cannot be read".to_owned()));
            };
            if let Some(first) = posts.iter().find_map(|post| recognise(post, wanted, &wanted.post.text)) {
                return self.rest_of(first, wanted, now).await;
            }
            match page.pointer("/paging/cursors/after").and_then(Value::as_str) {
                Some(cursor) if !posts.is_empty() && page.pointer("/paging/next").is_some() => {
                    cursor.clone_into(&mut after)
                }
                _ => return Ok(Found::No),
            }
        }
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        for id in old.ids().rev() {
            if !is_number(id) {
                return Err(Failure::Refused(format!("`{id}` is not the id of a post of Threads")));
            }
            match self.ask(Method::DELETE, &format!("/{id}"), &[], now).await {
                Err(Failure::Refused(why)) if why.contains("does not exist") => {}
                done => done.map(|_| ())?,
            }
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities {
        Abilities { withdraws: true, finds: true, threads: true, images: true, ..Abilities::default() }
    }

    async fn renew(&self, now: Timestamp) {
        if let Err(failure) = self.token(now).await {
            tracing::warn!("a login cannot be renewed: {}", failure.reason());
        }
    }

    async fn expires(&self) -> Option<Timestamp> {
        match &self.account.grant {
            Grant::Token(_) => None,
            Grant::Login(_) => self.session.kept().await?.end(),
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// Where people log in: not where programs post.
const LOGIN: &str = "https://threads.net/oauth/authorize";

/// What a login asks for: who it is, posting, taking away.
const SCOPES: &str = "threads_basic,threads_content_publish,threads_manage_replies,threads_read_replies,threads_delete";

#[async_trait]
impl Login for ThreadsProfile {
    fn address(&self, attempt: &Attempt) -> Url {
        let id = match &self.account.grant {
            Grant::Login(app) => app.id.as_str(),
            Grant::Token(_) => "",
        };
        let query = Serializer::new(String::new())
            .extend_pairs([("client_id", id), ("redirect_uri", REDIRECT), ("scope", SCOPES), ("response_type", "code")])
            .append_pair("state", &attempt.state)
            .finish();
        let mut url = self.account.server.clone();
        if let Ok(login) = Url::parse(LOGIN) {
            url = login;
        }
        url.set_query(Some(&query));
        url
    }

    /// A code gives a token for an hour, which gives one for sixty days.
    async fn redeem(&self, _attempt: &Attempt, code: &Secret, now: Timestamp) -> Result<Tokens, Failure> {
        let app = match &self.account.grant {
            Grant::Login(app) => app,
            Grant::Token(_) => {
                return Err(Failure::Refused("this endpoint has a token, and no app to log in with".to_owned()));
            }
        };
        let secret = app.secret.as_ref().map_or("", Secret::expose);
        let form = Serializer::new(String::new())
            .extend_pairs([("client_id", app.id.as_str()), ("client_secret", secret), ("redirect_uri", REDIRECT)])
            .extend_pairs([("grant_type", "authorization_code"), ("code", code.expose())])
            .finish();
        self.caller.hide(code);
        let request = self.caller.request(Method::POST, "/oauth/access_token");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let short = ask_for_tokens(&self.caller, request, now).await?;
        let short = Tokens::read(&short, None, now)?.access();
        self.caller.hide(&short);
        let query = Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "th_exchange_token"),
                ("client_secret", secret),
                ("access_token", short.expose()),
            ])
            .finish();
        let request = self.caller.request(Method::GET, &format!("/access_token?{query}"));
        self.session.redeem(&self.caller, request, now).await
    }
}

/// The request that renews a token: it renews itself, once it is a day old and while it holds.
fn renewal(caller: &Caller, tokens: &Tokens) -> RequestBuilder {
    let query = Serializer::new(String::new())
        .extend_pairs([("grant_type", "th_refresh_token"), ("access_token", tokens.access().expose())])
        .finish();
    caller.request(Method::GET, &format!("/refresh_access_token?{query}"))
}

/// Any answer: its JSON, or the class of its failure. The number of an error says more than the status, and an error can
/// stand in a success.
fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    let error = json.get("error").filter(|error| error.is_object());
    if answer.status.is_success() && error.is_none() {
        return match json.is_object() {
            true => Ok(json),
            false => {
                Err(Failure::Uncertain(format!("Threads answered {} with something that is not JSON", answer.status)))
            }
        };
    }
    let Some(error) = error else { return Err(failure(answer, now)) };
    let said = error.get("message").and_then(Value::as_str).map_or_else(|| "no explanation".to_owned(), one_line);
    let is_transient = error.get("is_transient").and_then(Value::as_bool) == Some(true);
    // The Graph API's numbers ("Handling Errors").
    Err(match error.get("code").and_then(Value::as_i64) {
        Some(102 | 190) => Failure::Unauthorised(format!(
            "the token is not accepted any more ({said}); get a new one: docs/networks/threads.md"
        )),
        Some(4 | 17 | 32 | 341 | 613) => Failure::Throttled {
            until: super::answers::until(answer, now),
            reason: format!("too many requests: {said}"),
        },
        Some(10 | 200..=299) => {
            Failure::Refused(format!("the token may not do this ({said}); see the scopes in docs/networks/threads.md"))
        }
        Some(1 | 2) => Failure::Uncertain(format!("Threads failed: {said}")),
        _ if is_transient => Failure::Uncertain(format!("Threads failed: {said}")),
        _ if answer.status.is_success() || answer.status == StatusCode::BAD_REQUEST => {
            Failure::Refused(format!("Threads does not take this: {said}"))
        }
        _ => failure(answer, now).map(|reason| format!("{reason} ({said})")),
    })
}

/// The id of what was made: digits, as a text or a number.
fn id(made: &Value) -> Option<String> {
    let id = match made.get("id")? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    Some(id).filter(|id| is_number(id))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The receipt of a post, if it is the wanted one: of no other delivery, with its words.
fn recognise(post: &Value, wanted: &Wanted, words: &str) -> Option<Receipt> {
    let id = id(post)?;
    let text = post.get("text").and_then(Value::as_str).unwrap_or("");
    let is_ours = !wanted.taken.contains(&id) && text.split_whitespace().eq(words.split_whitespace());
    is_ours.then(|| Receipt::new(id, post.get("permalink").and_then(Value::as_str).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Value, Failure> {
        let answer =
            Answer { status: StatusCode::from_u16(status).unwrap(), headers: Default::default(), body: body.into() };
        read_json(&answer, "2026-11-22T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_error_is_one_whatever_its_status() {
        let error = |code: i64| {
            format!(r#"{{"error":{{"message":"Dit","type":"OAuthException","code":{code},"fbtrace_id":"A"}}}}"#)
        };
        for status in [200, 400, 500] {
            assert!(matches!(read(status, &error(190)), Err(Failure::Unauthorised(_))), "{status}");
            assert!(matches!(read(status, &error(4)), Err(Failure::Throttled { .. })), "{status}");
            assert!(matches!(read(status, &error(2)), Err(Failure::Uncertain(_))), "{status}");
        }
        assert!(matches!(read(400, &error(100)), Err(Failure::Refused(why)) if why.contains("Dit")));
        assert!(matches!(read(403, &error(10)), Err(Failure::Refused(why)) if why.contains("scopes")));
        assert!(matches!(read(500, &error(100)), Err(Failure::Uncertain(_))));
        assert!(matches!(read(502, "<html>"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(200, "<html>"), Err(Failure::Uncertain(_))));
        assert_eq!(id(&read(200, r#"{"id":"17889615691921648"}"#).unwrap()).as_deref(), Some("17889615691921648"));
    }
}
