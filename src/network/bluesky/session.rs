//! The session of an account: kept, sealed, from one run to the next, and renewed by one call at a time. Servers allow few
//! sign-ins a day, so the app password is used only where nothing else helps.

use super::Problem;
use crate::config::Bluesky;
use crate::delivery::Failure;
use crate::digest;
use crate::network::Vault;
use crate::network::caller::Caller;
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// The name that the session is kept under.
const KEPT_AS: &str = "session";

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The account's DID: what it is called for good.
    pub did: String,
    /// What requests are allowed with, for some minutes or hours.
    pub access: Secret,
    /// What a new session is had with, for some weeks.
    refresh: Secret,
    /// Tells the credentials that the session came of: others have a session of their own.
    of: String,
}

/// The session that an account has at present.
pub struct Sessions {
    account: Bluesky,
    vault: Vault,
    current: Mutex<Option<Session>>,
}

impl Sessions {
    /// The sessions of an account. Nothing is asked yet.
    pub fn new(account: Bluesky, vault: Vault) -> Self {
        Self { account, vault, current: Mutex::new(None) }
    }

    /// The session: the one at hand, the one kept, or a new one.
    pub async fn get(&self, caller: &Caller, now: Timestamp) -> Result<Session, Failure> {
        let mut current = self.current.lock().await;
        if let Some(session) = &*current {
            return Ok(session.clone());
        }
        let session = match self.kept().await {
            Some(session) => session,
            None => self.sign_in(caller, now).await?,
        };
        session.hide(caller);
        *current = Some(session.clone());
        Ok(session)
    }

    /// A session after one whose access is not taken any more. Of several callers that come with the same one, one renews
    /// it, and the others get what that one got.
    pub async fn renew(&self, stale: &Session, caller: &Caller, now: Timestamp) -> Result<Session, Failure> {
        let mut current = self.current.lock().await;
        if let Some(session) = current.as_ref().filter(|session| session.access != stale.access) {
            return Ok(session.clone());
        }
        // Another process may have renewed the one that both had.
        let kept = self.kept().await.filter(|kept| kept.access != stale.access);
        let session = match kept {
            Some(session) => session,
            None => match self.refresh(stale, caller, now).await? {
                Some(session) => session,
                None => self.sign_in(caller, now).await?,
            },
        };
        session.hide(caller);
        *current = Some(session.clone());
        Ok(session)
    }

    /// com.atproto.server.refreshSession. None if the server does not take the old session any more; any other failure
    /// leaves the old session as it is, for the next time.
    async fn refresh(&self, stale: &Session, caller: &Caller, now: Timestamp) -> Result<Option<Session>, Failure> {
        let request =
            caller.request(Method::POST, "/xrpc/com.atproto.server.refreshSession").bearer_auth(stale.refresh.expose());
        let answer = caller.send(request, now).await.map_err(crate::network::answers::of_a_question)?;
        match super::read(&answer, now) {
            Ok(said) => self.took(&said).await.map(Some),
            Err(Problem::Token(_)) => Ok(None),
            Err(Problem::Failure(Failure::Unauthorised(_))) => Ok(None),
            Err(problem) => Err(caller.redacted(super::of_a_question(problem))),
        }
    }

    /// com.atproto.server.createSession, with the app password.
    async fn sign_in(&self, caller: &Caller, now: Timestamp) -> Result<Session, Failure> {
        let request = caller
            .request(Method::POST, "/xrpc/com.atproto.server.createSession")
            .json(&json!({ "identifier": self.account.handle, "password": self.account.app_password.expose() }));
        let answer = caller.send(request, now).await.map_err(crate::network::answers::of_a_question)?;
        match super::read(&answer, now) {
            Ok(said) => self.took(&said).await,
            Err(problem) => Err(caller.redacted(match super::of_a_question(problem) {
                Failure::Unauthorised(reason) => Failure::Unauthorised(format!(
                    "{reason}; check `handle`, and make a new app password (Settings, Privacy and security, App passwords)"
                )),
                failure => failure,
            })),
        }
    }

    /// A session that a server gave, put where the next run finds it.
    async fn took(&self, said: &Value) -> Result<Session, Failure> {
        let session = read_session(said, self.of()).ok_or_else(|| {
            Failure::Unavailable("the server answered a sign-in without what a session is made of".to_owned())
        })?;
        let kept = self.vault.put(KEPT_AS, &session.text()).await;
        if let Err(error) = kept {
            tracing::warn!("a session of Bluesky cannot be kept for the next start: {error}");
        }
        Ok(session)
    }

    /// The session that is kept, if it came of the credentials that are configured now.
    async fn kept(&self) -> Option<Session> {
        let kept = self.vault.get(KEPT_AS).await?;
        let value: Value = serde_json::from_str(kept.expose()).ok()?;
        let of = value.get("of")?.as_str()?.to_owned();
        (of == self.of()).then(|| read_session(&value, of)).flatten()
    }

    /// A digest of the credentials, of which nothing can be learnt about them.
    fn of(&self) -> String {
        let account = &self.account;
        let text = format!("{}\n{}\n{}", account.server, account.handle, account.app_password.expose());
        digest::hex(text, 16)
    }
}

impl Session {
    fn hide(&self, caller: &Caller) {
        caller.hide(&self.access);
        caller.hide(&self.refresh);
    }

    /// Whether it came of the account's own password: the access token, a JWT (RFC 7519), says what it was given for.
    pub fn is_of_main_password(&self) -> bool {
        let claims = self.access.expose().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        claims.is_some_and(|claims| claims["scope"] == "com.atproto.access")
    }

    fn text(&self) -> Secret {
        let (access, refresh) = (self.access.expose(), self.refresh.expose());
        let value = json!({ "did": self.did, "accessJwt": access, "refreshJwt": refresh, "of": self.of });
        Secret::verbatim(value.to_string())
    }
}

fn read_session(said: &Value, of: String) -> Option<Session> {
    let text = |name: &str| said.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let did = text("did").filter(|did| did.starts_with("did:") && !did.contains(['?', '&', '#', '/', ' ']))?;
    let (access, refresh) = (Secret::new(text("accessJwt")?), Secret::new(text("refreshJwt")?));
    Some(Session { did: did.to_owned(), access, refresh, of })
}
