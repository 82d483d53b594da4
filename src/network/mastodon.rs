//! Mastodon, and servers with its API (docs.joinmastodon.org: methods statuses, accounts, instance; entity Status).
//!
//! A repeated request is recognised by Mastodon for an hour by its `Idempotency-Key`, and by servers with its API
//! often not at all. So a try whose answer was lost is never just repeated: the account's own statuses are read back
//! first. Nothing is left to the server's own scheduling, which some servers ignore and publish at once.

use super::answers::{of_a_question, read_json};
use super::caller::Caller;
use super::client::Answer;
use super::{Abilities, Found, Network, Wanted};
use crate::article::markdown::html_to_text;
use crate::config::Mastodon;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Limits, Post};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::sync::Mutex;

/// What Mastodon takes unless its server says otherwise.
pub const PROMISED: Limits = Limits::text(500, Counter::Mastodon { per_url: 23 });

/// How long what a server said of its limits is believed.
const LIMITS_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// How far the server's clock may lie beside ours. Address, words and no other receipt tell the post; the time only
/// ends the search.
const SKEW: SignedDuration = SignedDuration::from_hours(24);
/// Statuses asked for at once (servers may give fewer), and the most pages.
const PAGE: usize = 40;
const PAGES_MAX: usize = 100;

/// An account on a server.
pub struct MastodonAccount {
    account: Mastodon,
    caller: Caller,
    limits: Mutex<Option<(Timestamp, Limits)>>,
}

impl MastodonAccount {
    /// An account. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(account: Mastodon, allow_private: bool) -> Result<Self, String> {
        let caller = Caller::new(&account.server, allow_private, vec![account.token.clone()])?;
        Ok(Self { caller, account, limits: Mutex::new(None) })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.caller.request(method, path).bearer_auth(self.account.token.expose())
    }

    async fn ask(&self, path: &str, now: Timestamp) -> Result<Value, Failure> {
        self.caller.json(self.request(Method::GET, path), now).await.map_err(of_a_question)
    }

    async fn ask_limits(&self, now: Timestamp) -> Option<Limits> {
        for path in ["/api/v2/instance", "/api/v1/instance"] {
            if let Ok(instance) = self.ask(path, now).await {
                return Some(read_limits(&instance));
            }
        }
        None
    }
}

#[async_trait]
impl Network for MastodonAccount {
    async fn limits(&self, now: Timestamp) -> Limits {
        let mut kept = self.limits.lock().await;
        if let Some((at, limits)) = *kept
            && now.duration_since(at) < LIMITS_KEPT
        {
            return limits;
        }
        match self.ask_limits(now).await {
            Some(limits) => {
                *kept = Some((now, limits));
                limits
            }
            None => kept.map_or(PROMISED, |(_, limits)| limits),
        }
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let account = self.ask("/api/v1/accounts/verify_credentials", now).await?;
        let name = account.get("acct").and_then(Value::as_str).unwrap_or("unknown");
        Ok(format!("@{name} on {}", self.account.server.host_str().unwrap_or("")))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let request = self
            .request(Method::POST, "/api/v1/statuses")
            .header("Idempotency-Key", key.idempotency_key())
            .json(&status_body(post, self.account.visibility.word()));
        let answer = self.caller.send(request, now).await?;
        read_receipt(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let account = self.ask("/api/v1/accounts/verify_credentials", now).await?;
        let Some(id) = account.get("id").and_then(Value::as_str).filter(|id| is_id(id)) else {
            return Err(Failure::Unavailable("the server does not say who the account is".to_owned()));
        };
        let mut older_than = String::new();
        for page_number in 0..PAGES_MAX {
            let path = format!("/api/v1/accounts/{id}/statuses?limit={PAGE}&exclude_reblogs=true{older_than}");
            let page = self.ask(&path, now).await?;
            let Some(statuses) = page.as_array() else {
                return Err(Failure::Unavailable("the server's list of statuses cannot be read".to_owned()));
            };
            if let Some(receipt) = statuses.iter().find_map(|status| recognise(status, wanted)) {
                return Ok(Found::Yes(receipt));
            }
            let oldest = statuses.last();
            let reached = oldest
                .and_then(created_at)
                .is_some_and(|at| at < wanted.since.saturating_sub(SKEW).unwrap_or(Timestamp::MIN));
            if page_number == 0 && statuses.is_empty() && !wanted.taken.is_empty() {
                // The account has posts: an empty list is a server that is not up to date.
                return Err(Failure::Unavailable("the server's list of the account's statuses is empty".to_owned()));
            }
            match oldest.and_then(|status| status.get("id")).and_then(Value::as_str).filter(|id| is_id(id)) {
                Some(id) if !reached => older_than = format!("&max_id={id}"),
                _ => return Ok(Found::No),
            }
        }
        Err(Failure::Unavailable("the account has too many newer posts to look through".to_owned()))
    }

    fn abilities(&self) -> Abilities {
        Abilities { finds: true, ..Abilities::default() }
    }

    fn pause(&self) -> Option<Timestamp> {
        self.caller.pause()
    }
}

/// An id that may stand in an address as it is.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The body of `POST /api/v1/statuses`. Language and visibility are always said: servers differ in what they assume.
fn status_body(post: &Post, visibility: &str) -> Value {
    let language = post.language.split('-').next().unwrap_or("fr");
    json!({ "status": post.text, "visibility": visibility, "language": language })
}

fn read_limits(instance: &Value) -> Limits {
    let statuses = instance.pointer("/configuration/statuses");
    let number = |name: &str| {
        statuses.and_then(|statuses| statuses.get(name)).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
    };
    let old = instance.get("max_toot_chars").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    Limits {
        length_max: number("max_characters").or(old).filter(|n| *n > 0).unwrap_or(PROMISED.length_max),
        counter: Counter::Mastodon { per_url: number("characters_reserved_per_url").unwrap_or(23) },
        ..PROMISED
    }
}

/// The answer to a post.
fn read_receipt(answer: &Answer, now: Timestamp) -> Result<Receipt, Failure> {
    let status = read_json(answer, now)?;
    receipt(&status).ok_or_else(|| {
        Failure::Uncertain(
            "the server answered with success, and without the status that it should have made".to_owned(),
        )
    })
}

fn receipt(status: &Value) -> Option<Receipt> {
    let text = |name: &str| status.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Receipt::new(text("id")?, text("url").or_else(|| text("uri"))))
}

fn created_at(status: &Value) -> Option<Timestamp> {
    status.get("created_at")?.as_str()?.parse().ok()
}

/// Whether a status is the wanted post: made since the try, of no other delivery, with its address and its words.
fn recognise(status: &Value, wanted: &Wanted) -> Option<Receipt> {
    let receipt = receipt(status)?;
    let since = wanted.since.saturating_sub(SKEW).unwrap_or(Timestamp::MIN);
    let address = receipt.remote_url.as_ref();
    if wanted.taken.iter().any(|taken| *taken == receipt.remote_id || Some(taken) == address)
        || created_at(status).is_some_and(|at| at < since)
    {
        return None;
    }
    let content = status.get("content").and_then(Value::as_str).unwrap_or("");
    let plain = html_to_text(content);
    let sent = &wanted.post;
    if sent.text.contains(&sent.url) {
        let escaped = crate::text::escape_html(&sent.url);
        if !(content.contains(&sent.url) || content.contains(&escaped) || plain.contains(&sent.url)) {
            return None;
        }
    }
    let ours = words(&sent.text.replace(&sent.url, " "));
    let theirs = words(&plain);
    let shared = ours.intersection(&theirs).count();
    (shared * 10 >= ours.len() * 9).then_some(receipt)
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::ArticleId;
    use crate::config::EndpointName;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_receipt_is_read_of_a_success_and_of_nothing_else() {
        let read = |status, body: &str| {
            let headers = reqwest::header::HeaderMap::new();
            let answer =
                Answer { status: reqwest::StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned() };
            read_receipt(&answer, now())
        };
        let receipt = Receipt::new("1", Some("https://x/1".to_owned()));
        assert_eq!(read(200, r#"{"id":"1","url":"https://x/1"}"#).unwrap(), receipt);
        assert!(matches!(read(200, "<html>"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(200, "{}"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(500, "<h1>Oups</h1>"), Err(Failure::Uncertain(reason)) if reason.contains("Oups")));
    }

    #[test]
    fn limits_are_those_of_the_server() {
        let v2 = json!({"configuration": {"statuses": {"max_characters": 5000, "characters_reserved_per_url": 25}}});
        assert_eq!(read_limits(&v2), Limits::text(5000, Counter::Mastodon { per_url: 25 }));
        assert_eq!(read_limits(&json!({})), PROMISED);
    }

    #[test]
    fn a_post_is_recognised_by_its_address_and_words_and_never_twice() {
        let text = "L’État publie\n\nhttps://x.fr/a/?b&c\n\n#ClouddelEtat";
        let post = Post {
            text: text.into(),
            url: "https://x.fr/a/?b&c".into(),
            language: "fr".into(),
            hashtags: vec![],
            length: 0,
            limit: 500,
            ..Post::default()
        };
        let key = DeliveryKey::publication(ArticleId::mint("x", "y", &|_| false), "cloud", &EndpointName::new("m"));
        let status =
            |content: &str, at: &str| json!({"id": "9", "url": "https://m/9", "content": content, "created_at": at});
        let ours = "<p>L’État publie</p><p><a href=\"https://x.fr/a/?b&amp;c\"><span class=\"invisible\">https://</span>x.fr/a/?b&amp;c</a></p><p><a href=\"/t\">#<span>ClouddelEtat</span></a></p>";
        let find = |status: &Value, taken: &[String]| {
            recognise(status, &Wanted { post: &post, key: &key, since: now(), taken })
        };
        assert!(find(&status(ours, "2026-11-22T10:00:01.000Z"), &[]).is_some());
        assert!(find(&status(ours, "2026-11-22T10:00:01.000Z"), &["9".to_owned()]).is_none());
        assert!(find(&status(ours, "2026-11-20T10:00:01.000Z"), &[]).is_none());
        assert!(find(&status(&ours.replace("/a/", "/b/"), "2026-11-22T10:00:01.000Z"), &[]).is_none());
        assert!(
            find(&status(&ours.replace("L’État publie", "Rappel : demain"), "2026-11-22T10:00:01.000Z"), &[]).is_none()
        );
    }
}
