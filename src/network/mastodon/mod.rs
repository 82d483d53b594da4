//! Mastodon, and servers with its API (docs.joinmastodon.org: methods statuses, media, accounts, instance).
//!
//! A repeated request is recognised by Mastodon for an hour by its `Idempotency-Key`, and by servers with its API
//! often not at all. So a try whose answer was lost is never just repeated: the account's own statuses are read back
//! first. Nothing is left to the server's own scheduling, which some servers ignore and publish at once.

mod status;

pub use status::{PROMISED, SCOPES};

use super::answers::{of_a_question, read_json};
use super::caller::Caller;
use super::client::Answer;
use super::history::{back_to, cut_off, same_parts};
use super::multipart::{self, File};
use super::session::Session;
use super::uploads::Uploads;
use super::{Abilities, Found, Means, Network, Vault, Wanted};
use crate::config::Mastodon;
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Image, Limits, Post};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::sync::Mutex;

/// How long what a server said of its limits is believed.
const LIMITS_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Statuses asked for at once (servers may give fewer), and the most pages.
const PAGE: usize = 40;
const PAGES_MAX: usize = 100;

/// An account on a server.
pub struct MastodonAccount {
    account: Mastodon,
    caller: Caller,
    session: Session,
    means: Means,
    limits: Mutex<Option<(Timestamp, Limits)>>,
    /// Images that were uploaded and that the server was still at work on, by what they are: they are asked for again.
    in_work: Uploads,
}

impl MastodonAccount {
    /// An account. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(account: Mastodon, allow_private: bool, vault: Vault, means: &Means) -> Result<Self, String> {
        let caller = Caller::new(&account.server, allow_private, account.token.iter().cloned().collect())?;
        let (limits, in_work) = (Mutex::new(None), Uploads::default());
        let session = Session::new(vault, SignedDuration::ZERO);
        Ok(Self { caller, session, account, means: means.clone(), limits, in_work })
    }

    /// A request in the account's name.
    async fn request(&self, method: Method, path: &str, now: Timestamp) -> Result<RequestBuilder, Failure> {
        let token = match &self.account.token {
            Some(token) => token.clone(),
            // Tokens of this kind of server do not end: there is nothing to renew them with.
            None => self.session.token(&self.caller, now, |_| None).await?,
        };
        Ok(self.caller.request(method, path).bearer_auth(token.expose()))
    }

    async fn send(&self, request: RequestBuilder, now: Timestamp) -> Result<Answer, Failure> {
        let answer = self.caller.send(request, now).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.session.distrust().await;
        }
        Ok(answer)
    }

    async fn ask(&self, path: &str, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.send(self.request(Method::GET, path, now).await?, now).await.map_err(of_a_question)?;
        read_json(&answer, now).map_err(|failure| of_a_question(self.caller.redacted(failure)))
    }

    /// What the server says of itself.
    async fn instance(&self, now: Timestamp) -> Option<Value> {
        for path in ["/api/v2/instance", "/api/v1/instance"] {
            if let Ok(instance) = self.ask(path, now).await {
                return Some(instance);
            }
        }
        None
    }

    /// The id of the account.
    async fn id(&self, now: Timestamp) -> Result<String, Failure> {
        let account = self.ask("/api/v1/accounts/verify_credentials", now).await?;
        let id = account.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        let unknown = || Failure::Unavailable("the server does not say who the account is".to_owned());
        id.map(str::to_owned).ok_or_else(unknown)
    }

    /// Makes one status.
    async fn make(&self, body: &Value, key: &str, now: Timestamp) -> Result<Receipt, Failure> {
        let request = self.request(Method::POST, "/api/v1/statuses", now).await?;
        let answer = self.send(request.header("Idempotency-Key", key).json(body), now).await?;
        read_receipt(&answer, now).map_err(|failure| self.caller.redacted(failure))
    }

    /// Makes the statuses of a thread that follow what is there of it.
    async fn go_on(&self, post: &Post, begun: &Receipt, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut whole = begun.clone();
        for (part, text) in post.thread.iter().enumerate().skip(begun.parts.len()) {
            let before = whole.parts.last().unwrap_or(&whole.remote_id);
            let body = status::body(text, post, self.account.visibility.word(), Some(before), &[]);
            let made = self.make(&body, &key.part(part + 1), now).await?;
            whole.parts.push(made.remote_id);
        }
        Ok(whole)
    }

    /// Uploads the images of a post, each with its alternative text. Nobody sees them before a status names them.
    async fn upload(&self, post: &Post, now: Timestamp) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for image in &post.images {
            ids.push(self.upload_one(image, now).await.map_err(of_a_question)?);
        }
        self.in_work.used(post);
        Ok(ids)
    }

    /// `POST /api/v2/media`; servers that lack it have the older one, which answers when the image is ready.
    async fn upload_one(&self, image: &Image, now: Timestamp) -> Result<String, Failure> {
        if let Some(id) = self.in_work.get(image, "", now)
            && let Some(id) = self.is_ready(&id, now).await?
        {
            return Ok(id);
        }
        let bytes = self.means.bytes(image).await?;
        let file = File { field: "file", name: image.file_name(), media_type: &image.media_type, bytes: &bytes };
        let (kind, form) = multipart::form(&[("description", &image.alt)], &[file]);
        let send = async |path| {
            let request = self.request(Method::POST, path, now).await?;
            self.send(request.header("Content-Type", &kind).body(form.clone()), now).await
        };
        let mut answer = send("/api/v2/media").await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            answer = send("/api/v1/media").await?;
        }
        let media = read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        let id = media.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        let id =
            id.ok_or_else(|| Failure::Unavailable("the server took an image and did not say its id".to_owned()))?;
        self.in_work.put(image, "", id, now);
        let is_ready = answer.status != StatusCode::ACCEPTED;
        if is_ready || self.is_ready(id, now).await?.is_some() { Ok(id.to_owned()) } else { Err(at_work()) }
    }

    /// Whether the server is done with an image (`GET /api/v1/media/:id`: 206 while it is at work). None if it does not
    /// know the image any more.
    async fn is_ready(&self, id: &str, now: Timestamp) -> Result<Option<String>, Failure> {
        let request = self.request(Method::GET, &format!("/api/v1/media/{id}"), now).await?;
        let answer = self.send(request, now).await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => Err(at_work()),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            _ => read_json(&answer, now).map(|_| Some(id.to_owned())).map_err(|failure| self.caller.redacted(failure)),
        }
    }

    /// A status, if the server has it.
    async fn status(&self, id: &str, now: Timestamp) -> Result<Option<Value>, Failure> {
        let request = self.request(Method::GET, &format!("/api/v1/statuses/{id}"), now).await?;
        let answer = self.send(request, now).await.map_err(of_a_question)?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        let read = read_json(&answer, now).map_err(of_a_question);
        read.map(Some).map_err(|failure| self.caller.redacted(failure))
    }

    /// The receipt of a thread whose first status is there, and whether all of it is.
    async fn rest_of(&self, first: Receipt, id: &str, post: &Post, now: Timestamp) -> Result<Found, Failure> {
        if post.thread.is_empty() {
            return Ok(Found::Yes(first));
        }
        let mut whole = first;
        let mut below = Value::Null;
        for text in &post.thread {
            let before = whole.parts.last().unwrap_or(&whole.remote_id).clone();
            let mut next = status::next_part(&below, &before, id, text, &post.url);
            if next.is_none() {
                // Some servers show no more of what is below than the answers to the status itself.
                below = self.ask(&format!("/api/v1/statuses/{before}/context"), now).await?;
                next = status::next_part(&below, &before, id, text, &post.url);
            }
            match next {
                Some(part) => whole.parts.push(part.remote_id),
                None => return Ok(Found::Part(whole)),
            }
        }
        Ok(Found::Yes(whole))
    }

    /// Takes one status away, and reads back that it is gone.
    async fn remove(&self, id: &str, now: Timestamp) -> Result<(), Failure> {
        let request = self.request(Method::DELETE, &format!("/api/v1/statuses/{id}"), now).await?;
        let answer = self.send(request, now).await?;
        let is_unknown = matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        if !is_unknown && !answer.status.is_success() {
            return Err(self.caller.redacted(super::answers::failure(&answer, now)));
        }
        match self.status(id, now).await? {
            None => Ok(()),
            Some(_) if is_unknown => Err(Failure::Refused(
                "the server does not let a post be withdrawn by a program; delete it on its page".to_owned(),
            )),
            Some(_) => {
                Err(Failure::Uncertain("the server says that the post is deleted, and still shows it".to_owned()))
            }
        }
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
        match self.instance(now).await {
            Some(instance) => {
                let limits = status::read_limits(&instance);
                *kept = Some((now, limits));
                limits
            }
            None => kept.map_or(PROMISED, |(_, limits)| limits),
        }
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let account = self.ask("/api/v1/accounts/verify_credentials", now).await?;
        let name = account.get("acct").and_then(Value::as_str).unwrap_or("unknown");
        let software = self.instance(now).await.as_ref().and_then(status::software);
        // Older servers, and others with Mastodon's API, do not say what the token may do.
        let app = self.ask("/api/v1/apps/verify_credentials", now).await.unwrap_or_default();
        let said = [status::scopes_missing(&app), software.as_deref().and_then(status::key_unknown)];
        said.iter().flatten().for_each(|remark| self.caller.remark(remark));
        let software = software.map(|software| format!(" ({software})")).unwrap_or_default();
        Ok(format!("@{name} on {}{software}", self.account.server.host_str().unwrap_or("")))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let media = self.upload(post, now).await?;
        let body = status::body(&post.text, post, self.account.visibility.word(), post.answers.as_deref(), &media);
        let first = self.make(&body, &key.idempotency_key(), now).await?;
        // From here on something of the thread stands, whatever becomes of the rest.
        self.go_on(post, &first, key, now).await.map_err(cut_off)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            edits: true,
            withdraws: true,
            finds: true,
            threads: true,
            images: true,
            answers: true,
            ..Abilities::default()
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let id = self.id(now).await?;
        let mut older_than = String::new();
        let mut seen = BTreeSet::new();
        for page_number in 0..PAGES_MAX {
            let path = format!("/api/v1/accounts/{id}/statuses?limit={PAGE}&exclude_reblogs=true{older_than}");
            let page = self.ask(&path, now).await?;
            let Some(statuses) = page.as_array() else {
                return Err(Failure::Unavailable("the server's list of statuses cannot be read".to_owned()));
            };
            if let Some(receipt) = statuses.iter().find_map(|one| status::recognise(one, wanted)) {
                return self.rest_of(receipt, &id, wanted.post, now).await;
            }
            let is_seen = |one: &Value| one.get("id").and_then(Value::as_str).is_some_and(|id| seen.contains(id));
            if statuses.iter().any(is_seen) {
                // The server does not turn pages (snac): what it shows is all there is to see, unless the page is full.
                if statuses.len() < PAGE {
                    return Ok(Found::No);
                }
                return Err(Failure::Refused("the server shows the newest of the account's posts only".to_owned()));
            }
            seen.extend(statuses.iter().filter_map(|one| one.get("id")?.as_str().map(str::to_owned)));
            let oldest = statuses.last();
            let since = back_to(wanted.since);
            let reached = oldest.and_then(status::created_at).is_some_and(|at| at < since);
            if page_number == 0 && statuses.is_empty() && !wanted.taken.is_empty() {
                // The account has posts: an empty list is a server that is not up to date.
                return Err(Failure::Unavailable("the server's list of the account's statuses is empty".to_owned()));
            }
            match oldest.and_then(|status| status.get("id")).and_then(Value::as_str).filter(|id| is_id(id)) {
                Some(id) if !reached => older_than = format!("&max_id={id}"),
                _ => return Ok(Found::No),
            }
        }
        Err(Failure::Refused("the account has too many newer posts to look through".to_owned()))
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

    async fn edit(
        &self,
        receipt: &Receipt,
        post: &Post,
        _key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        own(receipt)?;
        same_parts(receipt.parts.len() + 1, post.thread.len() + 1)?;
        let gone = || Failure::Refused("the post is not there any more, and an edit does not bring it back".to_owned());
        let old = self.status(&receipt.remote_id, now).await?.ok_or_else(gone)?;
        let mut media = status::attached(&old);
        if media.len() != post.images.len() {
            media = self.upload(post, now).await?;
        }
        for (part, (id, text)) in receipt.ids().zip(post.texts()).enumerate() {
            let media: &[String] = if part == 0 { &media } else { &[] };
            let request = self.request(Method::PUT, &format!("/api/v1/statuses/{id}"), now).await?;
            let answer = self.send(request.json(&status::edited(text, post, media)), now).await?;
            read_json(&answer, now).map_err(|failure| self.caller.redacted(failure))?;
        }
        Ok(receipt.clone())
    }

    async fn withdraw(&self, receipt: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        own(receipt)?;
        // From the last to the first: what is left of a thread that was cut off is its beginning.
        for id in receipt.ids().rev() {
            self.remove(id, now).await?;
        }
        Ok(())
    }

    async fn expires(&self) -> Option<Timestamp> {
        match &self.account.token {
            Some(_) => None,
            None => self.session.kept().await?.end(),
        }
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

fn at_work() -> Failure {
    Failure::Unavailable("the server is still at work on an image".to_owned())
}

/// Refuses a receipt whose ids are not those of statuses: it came from elsewhere, such as a person's word.
fn own(receipt: &Receipt) -> Result<(), Failure> {
    match std::iter::once(&receipt.remote_id).chain(&receipt.parts).find(|id| !is_id(id)) {
        None => Ok(()),
        Some(id) => Err(Failure::Refused(format!("`{id}` is not the id of a post on this network"))),
    }
}

/// An id that may stand in an address as it is.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !id.starts_with('.')
}

/// The answer to a post.
fn read_receipt(answer: &Answer, now: Timestamp) -> Result<Receipt, Failure> {
    let made = read_json(answer, now)?;
    status::receipt(&made).ok_or_else(|| {
        Failure::Uncertain(
            "the server answered with success, and without the status that it should have made".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_of_a_success_and_of_nothing_else() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let read = |status, body: &str| {
            let headers = reqwest::header::HeaderMap::new();
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned() };
            read_receipt(&answer, now)
        };
        let receipt = Receipt::new("1", Some("https://x/1".to_owned()));
        assert_eq!(read(200, r#"{"id":"1","url":"https://x/1"}"#).unwrap(), receipt);
        assert!(matches!(read(200, "<html>"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(200, "{}"), Err(Failure::Uncertain(_))));
        assert!(matches!(read(500, "<h1>Oups</h1>"), Err(Failure::Uncertain(reason)) if reason.contains("Oups")));
    }
}
