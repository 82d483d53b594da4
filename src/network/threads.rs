//! Threads (developers.facebook.com, Threads API: create and publish a container, a profile's posts, delete a post).
//!
//! A post is made in two steps. The first makes a container, which nobody sees: if its answer is lost, nothing happened.
//! Only a doubt about the second is one; then the profile's own posts are read.

use super::answers::{failure, of_a_question};
use super::caller::Caller;
use super::client::Answer;
use super::login::{Attempt, Login, REDIRECT};
use super::session::{Session, Tokens, ask_for_tokens};
use super::{Abilities, Found, Network, Vault, Wanted};
use crate::config::{Grant, Threads};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use crate::secret::Secret;
use crate::text::one_line;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

/// A post has 500 characters, and emojis count as their bytes (reference, "Publishing").
pub const LIMITS: Limits = Limits::text(500, Counter::Threads);

/// How far the network's clock may lie beside ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// How long before its end a token is renewed. Tokens last sixty days, and renew themselves while they hold.
const MARGIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Posts asked for at once, and the most pages.
const PAGE: usize = 100;
const PAGES_MAX: usize = 10;

/// A profile.
pub struct ThreadsProfile {
    account: Threads,
    caller: Caller,
    session: Session,
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
        Ok(Self { caller, session: Session::new(vault, MARGIN), account })
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
        let pairs = [("media_type", "TEXT"), ("text", post.text.as_str()), ("link_attachment", post.url.as_str())];
        let pairs = if post.text.contains(&post.url) && !post.url.is_empty() { &pairs[..] } else { &pairs[..2] };
        // Nobody sees a container, so nothing is in doubt yet.
        let container = self.tell("/me/threads", pairs, now).await.map_err(of_a_question)?;
        let Some(container) = id(&container) else {
            return Err(Failure::Unavailable(
                "Threads answered without the container that it should have made".to_owned(),
            ));
        };
        let made = self.tell("/me/threads_publish", &[("creation_id", &container)], now).await?;
        let id = id(&made).ok_or_else(|| {
            Failure::Uncertain(
                "Threads answered with success, and without the post that it should have made".to_owned(),
            )
        })?;
        // Without its address the post stands all the same.
        let link = self.ask(Method::GET, &format!("/{id}"), &[("fields", "permalink")], now).await.ok();
        let link = link.and_then(|post| post.get("permalink")?.as_str().map(str::to_owned));
        Ok(Receipt::new(id, link))
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let since = wanted.since.saturating_sub(SKEW).unwrap_or(Timestamp::UNIX_EPOCH);
        let (seconds, limit) = (since.as_second().to_string(), PAGE.to_string());
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let pairs =
                [("fields", "id,text,permalink,timestamp"), ("since", &seconds), ("limit", &limit), ("after", &after)];
            let pairs = if after.is_empty() { &pairs[..3] } else { &pairs[..] };
            let page = self.ask(Method::GET, "/me/threads", pairs, now).await.map_err(of_a_question)?;
            let Some(posts) = page.get("data").and_then(Value::as_array) else {
                return Err(Failure::Unavailable("the profile's list of posts cannot be read".to_owned()));
            };
            if let Some(receipt) = posts.iter().find_map(|post| recognise(post, wanted)) {
                return Ok(Found::Yes(receipt));
            }
            match page.pointer("/paging/cursors/after").and_then(Value::as_str) {
                Some(cursor) if !posts.is_empty() && page.pointer("/paging/next").is_some() => {
                    cursor.clone_into(&mut after)
                }
                _ => return Ok(Found::No),
            }
        }
        Err(Failure::Unavailable("the profile has too many newer posts to look through".to_owned()))
    }

    async fn withdraw(&self, old: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        let id = Some(old.remote_id.as_str()).filter(|id| is_number(id));
        let id =
            id.ok_or_else(|| Failure::Refused(format!("`{}` is not the id of a post of Threads", old.remote_id)))?;
        match self.ask(Method::DELETE, &format!("/{id}"), &[], now).await {
            Err(Failure::Refused(why)) if why.contains("does not exist") => Ok(()),
            done => done.map(|_| ()),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities { withdraws: true, finds: true, ..Abilities::default() }
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
const SCOPES: &str = "threads_basic,threads_content_publish,threads_delete";

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
fn recognise(post: &Value, wanted: &Wanted) -> Option<Receipt> {
    let id = id(post)?;
    let text = post.get("text").and_then(Value::as_str).unwrap_or("");
    let is_ours = !wanted.taken.contains(&id) && text.split_whitespace().eq(wanted.post.text.split_whitespace());
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
