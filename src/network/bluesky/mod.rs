//! Bluesky, and servers of the AT Protocol (atproto.com/specs; lexicons com.atproto.server, com.atproto.repo and
//! app.bsky.feed.post).
//!
//! A post is a record with a name that we choose, made of the delivery alone. Writing it again with `swapRecord: null`
//! changes nothing: the server keeps the one it has. So a lost answer never makes a second post. A thread is written in one
//! go, all of it or nothing. Sign-ins are few: a session is kept between runs.

mod cbor;
mod record;
mod session;

use super::answers;
use super::caller::Caller;
use super::client::Answer;
use super::history::same_parts;
use super::{Abilities, Found, Means, Network, Wanted};
use crate::config::{Bluesky, EndpointName};
use crate::delivery::{DeliveryKey, Failure, Receipt};
use crate::post::{Counter, Image, Limits, Post};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use record::{Blobs, COLLECTION, Named, is_uri, records, rkey_of, uri};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use session::{Session, Sessions};

/// What Bluesky takes (lexicons app.bsky.feed.post, app.bsky.embed.images and app.bsky.embed.external). Images may have
/// 2,000,000 bytes by the lexicon; servers were seen to refuse less, so it is kept to what cards take too.
pub const LIMITS: Limits = Limits {
    bytes_max: 3_000,
    more_hashtags_max: 8,
    images_max: 4,
    image_bytes_max: 1_000_000,
    image_side_max: 2_000,
    alt_max: 2_000,
    thumb_bytes_max: 1_000_000,
    thread: true,
    card: true,
    ..Limits::text(300, Counter::Graphemes)
};

/// How long after its first try a post that is not there is written again. Later, a person may have deleted it meanwhile,
/// and it must not come back by itself.
const AGAIN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// An account of Bluesky.
pub struct BlueskyAccount {
    account: Bluesky,
    caller: Caller,
    sessions: Sessions,
    means: Means,
}

/// Why a server did not do what it was asked.
enum Problem {
    /// It does not take the session's token (any more): nothing was done.
    Token(String),
    /// The record is there, with other bytes.
    Swapped,
    /// There is no such record.
    NotThere,
    /// Anything else.
    Failure(Failure),
}

impl BlueskyAccount {
    /// An account. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(name: &EndpointName, account: Bluesky, allow_private: bool, means: &Means) -> Result<Self, String> {
        let caller = Caller::new(&account.server, allow_private, vec![account.app_password.clone()])?;
        let sessions = Sessions::new(account.clone(), means.vault(name));
        Ok(Self { account, caller, sessions, means: means.clone() })
    }

    /// The answer to a call in the account's name. If the server does not take the session's token, it has done nothing: a
    /// new session is had, and the call made with it, once.
    async fn call(
        &self,
        session: &mut Session,
        make: impl Fn(RequestBuilder) -> RequestBuilder + Send,
        method: Method,
        path: &str,
        now: Timestamp,
    ) -> Result<Value, Problem> {
        let mut renewed = false;
        loop {
            let request = self.caller.request(method.clone(), &format!("/xrpc/{path}"));
            let request = make(request).bearer_auth(session.access.expose());
            let answer = self.caller.send(request, now).await.map_err(Problem::Failure)?;
            match read(&answer, now) {
                Err(Problem::Token(_)) if !renewed => {
                    renewed = true;
                    *session = self.sessions.renew(session, &self.caller, now).await.map_err(Problem::Failure)?;
                }
                read => return read,
            }
        }
    }

    async fn ask(&self, session: &mut Session, path: &str, now: Timestamp) -> Result<Value, Problem> {
        self.call(session, |request| request, Method::GET, path, now).await
    }

    async fn post(&self, session: &mut Session, path: &str, body: &Value, now: Timestamp) -> Result<Value, Problem> {
        self.call(session, |request| request.json(body), Method::POST, path, now).await
    }

    /// The record of a name; None if there is none.
    async fn record(&self, session: &mut Session, rkey: &str, now: Timestamp) -> Result<Option<Value>, Failure> {
        let path = format!("com.atproto.repo.getRecord?repo={}&collection={COLLECTION}&rkey={rkey}", session.did);
        match self.ask(session, &path, now).await {
            Ok(record) => Ok(Some(record)),
            Err(Problem::NotThere) => Ok(None),
            Err(problem) => Err(self.failure(of_a_question(problem))),
        }
    }

    /// The address and content id of the post that a post answers, if it answers one.
    async fn answered(&self, session: &mut Session, post: &Post, now: Timestamp) -> Result<Option<Value>, Failure> {
        let Some(uri) = &post.answers else { return Ok(None) };
        let rkey = uri.rsplit('/').next().filter(|_| is_uri(uri)).unwrap_or_default();
        let gone = || Failure::Refused("the post that it answers is not there any more".to_owned());
        let there = self.record(session, rkey, now).await?.ok_or_else(gone)?;
        Ok(Some(json!({ "uri": uri, "cid": there.get("cid").ok_or_else(gone)? })))
    }

    /// Uploads what a post shows. Nothing of it is public until a record names it.
    async fn upload(&self, session: &mut Session, post: &Post, now: Timestamp) -> Result<Blobs, Failure> {
        let mut blobs = Blobs::default();
        for image in &post.images {
            blobs.images.push(self.upload_one(session, image, now).await?);
        }
        let thumb = post.card.as_ref().and_then(|card| card.thumb.as_ref()).filter(|_| post.images.is_empty());
        if let Some(thumb) = thumb {
            blobs.thumb = Some(self.upload_one(session, thumb, now).await?);
        }
        Ok(blobs)
    }

    async fn upload_one(&self, session: &mut Session, image: &Image, now: Timestamp) -> Result<Value, Failure> {
        let bytes = self.means.bytes(image).await?;
        let make = |request: RequestBuilder| request.header("Content-Type", &image.media_type).body(bytes.clone());
        let said = self.call(session, make, Method::POST, "com.atproto.repo.uploadBlob", now).await;
        let said = said.map_err(|problem| self.failure(of_a_question(problem)))?;
        said.get("blob")
            .filter(|blob| blob.is_object())
            .cloned()
            .ok_or_else(|| Failure::Unavailable("the server took an image and did not say what it calls it".to_owned()))
    }

    /// Writes records that are not there yet, all of them or none.
    async fn write(&self, session: &mut Session, records: &[Named], now: Timestamp) -> Result<(), Problem> {
        let repo = session.did.clone();
        let (path, body) = match records {
            [only] => (
                "com.atproto.repo.putRecord",
                json!({ "repo": repo, "collection": COLLECTION, "rkey": only.rkey, "record": only.record, "validate": true, "swapRecord": null }),
            ),
            several => {
                let writes = several.iter().map(|named| {
                    json!({ "$type": "com.atproto.repo.applyWrites#create", "collection": COLLECTION, "rkey": named.rkey, "value": named.record })
                });
                (
                    "com.atproto.repo.applyWrites",
                    json!({ "repo": repo, "validate": true, "writes": writes.collect::<Vec<_>>() }),
                )
            }
        };
        self.post(session, path, &body, now).await.map(|_| ())
    }

    fn failure(&self, failure: Failure) -> Failure {
        self.caller.redacted(failure)
    }
}

#[async_trait]
impl Network for BlueskyAccount {
    async fn limits(&self, _now: Timestamp) -> Limits {
        LIMITS
    }

    async fn check(&self, now: Timestamp) -> Result<String, Failure> {
        let mut session = self.sessions.get(&self.caller, now).await?;
        let said = self.ask(&mut session, "com.atproto.server.getSession", now).await;
        let said = said.map_err(|problem| self.failure(of_a_question(problem)))?;
        if said.get("active").and_then(Value::as_bool) == Some(false) {
            let status = said.get("status").and_then(Value::as_str).unwrap_or("not active");
            return Err(
                self.failure(Failure::Refused(format!("the account is {status}; see what its server says of it")))
            );
        }
        if session.is_of_main_password() {
            self.caller.remark("`app_password` is the account's own password, which can do everything; make an app password for this use alone (Settings, Privacy and security, App passwords)");
        }
        let handle = said.get("handle").and_then(Value::as_str).unwrap_or(&self.account.handle);
        Ok(format!("@{handle} on {}", self.account.server.host_str().unwrap_or("")))
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut session = self.sessions.get(&self.caller, now).await?;
        let blobs = self.upload(&mut session, post, now).await?;
        let created_at = post.frozen_at.unwrap_or(now);
        let answered = self.answered(&mut session, post, now).await?;
        let records =
            records(post, &blobs, &session.did, key, created_at, answered.as_ref()).map_err(Failure::Refused)?;
        match self.write(&mut session, &records, now).await {
            Ok(()) => Ok(receipt(&session.did, &records)),
            // The record of this delivery is there already, of a try that nobody knows of any more.
            Err(Problem::Swapped) => Ok(receipt(&session.did, &records)),
            Err(problem) => Err(self.failure(plainly(problem))),
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            edits: true,
            withdraws: true,
            finds: true,
            threads: true,
            images: true,
            answers: true,
            edits_images: true,
        }
    }

    async fn find(&self, wanted: &Wanted<'_>, now: Timestamp) -> Result<Found, Failure> {
        let mut session = self.sessions.get(&self.caller, now).await?;
        let created_at = wanted.post.frozen_at.unwrap_or(wanted.since);
        let records = records(wanted.post, &Blobs::default(), &session.did, wanted.key, created_at, None);
        let records = records.map_err(Failure::Refused)?;
        // What was written was written as a whole: the first record stands for all.
        let first = records.first().map_or("", |named| named.rkey.as_str());
        if self.record(&mut session, first, now).await?.is_some() {
            return Ok(Found::Yes(receipt(&session.did, &records)));
        }
        if now.duration_since(created_at) > AGAIN_WITHIN {
            let reason = "the post is not there; either it never was, or somebody deleted it meanwhile";
            return Ok(Found::Unclear(reason.to_owned()));
        }
        Ok(Found::No)
    }

    async fn edit(
        &self,
        receipt: &Receipt,
        post: &Post,
        key: &DeliveryKey,
        now: Timestamp,
    ) -> Result<Receipt, Failure> {
        own(receipt)?;
        let mut session = self.sessions.get(&self.caller, now).await?;
        same_parts(receipt.parts.len() + 1, post.thread.len() + 1)?;
        let gone = "the post is not there any more, and an edit does not bring it back";
        let old = self.record(&mut session, rkey_of(&receipt.remote_id), now).await?;
        let old = old.ok_or_else(|| Failure::Refused(gone.to_owned()))?;
        let created_at = old.pointer("/value/createdAt").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let blobs = self.upload(&mut session, post, now).await?;
        let records =
            records(post, &blobs, &session.did, key, created_at.unwrap_or(now), None).map_err(Failure::Refused)?;
        let names = std::iter::once(&receipt.remote_id).chain(&receipt.parts).map(|uri| rkey_of(uri));
        let writes = names.zip(&records).map(|(rkey, named)| {
            json!({ "$type": "com.atproto.repo.applyWrites#update", "collection": COLLECTION, "rkey": rkey, "value": named.record })
        });
        // An update of a record that is gone is refused by the server: it brings nothing back.
        let body = json!({ "repo": session.did, "validate": true, "writes": writes.collect::<Vec<_>>() });
        match self.post(&mut session, "com.atproto.repo.applyWrites", &body, now).await {
            Ok(_) => Ok(receipt.clone()),
            Err(problem) => Err(self.failure(plainly(problem))),
        }
    }

    async fn withdraw(&self, receipt: &Receipt, _key: &DeliveryKey, now: Timestamp) -> Result<(), Failure> {
        own(receipt)?;
        let mut session = self.sessions.get(&self.caller, now).await?;
        // From the last to the first: what is left of a thread that was cut off is its beginning.
        for uri in receipt.parts.iter().rev().chain([&receipt.remote_id]) {
            let body = json!({ "repo": session.did, "collection": COLLECTION, "rkey": rkey_of(uri) });
            let deleted = self.post(&mut session, "com.atproto.repo.deleteRecord", &body, now).await;
            deleted.map_err(|problem| self.failure(plainly(problem)))?;
        }
        match self.record(&mut session, rkey_of(&receipt.remote_id), now).await? {
            None => Ok(()),
            Some(_) => {
                Err(Failure::Uncertain("the server says that it deleted the post, and still shows it".to_owned()))
            }
        }
    }

    fn look_after(&self) -> SignedDuration {
        SignedDuration::from_secs(5)
    }

    fn looks(&self) -> u32 {
        // The server answers of what it has, not of a list that may lag.
        1
    }

    fn caller(&self) -> Option<&Caller> {
        Some(&self.caller)
    }
}

/// Refuses a receipt that names no records of ours: it came from elsewhere, such as a person's word.
fn own(receipt: &Receipt) -> Result<(), Failure> {
    match std::iter::once(&receipt.remote_id).chain(&receipt.parts).find(|uri| !record::is_uri(uri)) {
        None => Ok(()),
        Some(uri) => Err(Failure::Refused(format!("`{uri}` is not the address of a post on this network"))),
    }
}

/// The receipt of records that are there.
fn receipt(did: &str, records: &[Named]) -> Receipt {
    let mut uris = records.iter().map(|named| uri(did, &named.rkey));
    let first = uris.next().unwrap_or_default();
    // By its DID, since a handle can change.
    let page = format!("https://bsky.app/profile/{did}/post/{}", rkey_of(&first));
    Receipt { remote_id: first, remote_url: Some(page), parts: uris.collect() }
}

/// Any answer: its JSON, or what is wrong (atproto.com/specs/xrpc: `error` is a name, `message` is for people).
fn read(answer: &Answer, now: Timestamp) -> Result<Value, Problem> {
    let error = || {
        let json = serde_json::from_str::<Value>(&answer.body).ok()?;
        Some(json.get("error")?.as_str()?.to_owned())
    };
    let name = if answer.status.is_success() { None } else { error() };
    match name.as_deref() {
        Some("ExpiredToken" | "InvalidToken") => Err(Problem::Token(answers::said(answer))),
        Some("InvalidSwap") => Err(Problem::Swapped),
        Some("RecordNotFound") => Err(Problem::NotThere),
        Some("AccountTakedown" | "AccountDeactivated" | "AccountSuspended") => {
            Err(Problem::Failure(Failure::Unauthorised(format!("the account is closed ({})", answers::said(answer)))))
        }
        // A call that a server does not know, said by a proxy or by another kind of server.
        Some("MethodNotImplemented") => Err(Problem::Failure(Failure::Refused(
            "this is no server of the AT Protocol for accounts; correct `server` in the configuration".to_owned(),
        ))),
        _ if answer.status == StatusCode::OK && answer.body.trim().is_empty() => Ok(Value::Null),
        _ => answers::read_json(answer, now).map_err(Problem::Failure),
    }
}

/// What a problem of something that was to be written is.
fn plainly(problem: Problem) -> Failure {
    match problem {
        Problem::Failure(failure) => failure,
        Problem::Token(said) => Failure::Unauthorised(format!("the server does not take a new session ({said})")),
        Problem::Swapped => Failure::Uncertain("the record was changed meanwhile".to_owned()),
        Problem::NotThere => Failure::Refused("the server does not know the record".to_owned()),
    }
}

/// What a problem of a question is: nothing was changed.
fn of_a_question(problem: Problem) -> Failure {
    answers::of_a_question(plainly(problem))
}
