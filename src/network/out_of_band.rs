//! Getting a token from a Mastodon server, or one with its API, without a page of ours (docs.joinmastodon.org: methods apps
//! and oauth): the server shows a code, and a person brings it.
//!
//! Such tokens do not end. Whoever asked for one keeps it, sealed, or puts it where the configuration says.

use super::answers::{of_a_question, read_json};
use super::caller::Caller;
use super::mastodon::SCOPES;
use super::session::ask_for_tokens;
use crate::config::{App, Mastodon};
use crate::delivery::Failure;
use crate::secret::Secret;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

/// Asks the server to show the code (RFC 6749 has no name for it; all servers of this kind know this one).
const REDIRECT: &str = "urn:ietf:wg:oauth:2.0:oob";

/// A server that shows codes.
pub struct OutOfBand {
    server: Url,
    caller: Caller,
}

impl OutOfBand {
    /// The server of an account. Nothing is asked yet.
    ///
    /// Errors: its address is private and may not be, or the client cannot be set up.
    pub fn new(account: &Mastodon, allow_private: bool) -> Result<Self, String> {
        let caller = Caller::new(&account.server, allow_private, Vec::new())?;
        Ok(Self { server: account.server.clone(), caller })
    }

    /// Makes Crieur known to the server, for this one login.
    ///
    /// Errors: the server does not take it.
    pub async fn register(&self, now: Timestamp) -> Result<App, Failure> {
        let body = json!({ "client_name": "Crieur", "redirect_uris": REDIRECT, "scopes": SCOPES });
        let answer = self.caller.send(self.caller.request(Method::POST, "/api/v1/apps").json(&body), now).await;
        let app = read_json(&answer.map_err(of_a_question)?, now).map_err(of_a_question)?;
        let text = |name: &str| app.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (text("client_id"), text("client_secret")) {
            (Some(id), Some(secret)) => Ok(App { id: id.to_owned(), secret: Some(Secret::new(secret)) }),
            _ => Err(Failure::Unavailable("the server does not say what it calls the application".to_owned())),
        }
    }

    /// The address that the person opens.
    pub fn address(&self, app: &App) -> Url {
        let mut url = self.server.clone();
        url.set_path("/oauth/authorize");
        url.query_pairs_mut()
            .extend_pairs([("response_type", "code"), ("client_id", app.id.as_str()), ("redirect_uri", REDIRECT)])
            .append_pair("scope", SCOPES);
        url
    }

    /// The token for the code that the server showed.
    ///
    /// Errors: the server gives none.
    pub async fn redeem(&self, app: &App, code: &Secret, now: Timestamp) -> Result<Secret, Failure> {
        self.caller.hide(code);
        let secret = app.secret.as_ref().map_or("", Secret::expose);
        let form = Serializer::new(String::new())
            .extend_pairs([("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", REDIRECT)])
            .extend_pairs([("client_id", app.id.as_str()), ("client_secret", secret), ("scope", SCOPES)])
            .finish();
        let request = self.caller.request(Method::POST, "/oauth/token");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let given = ask_for_tokens(&self.caller, request, now).await?;
        match given.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            Some(token) => Ok(Secret::new(token)),
            None => Err(Failure::Unavailable("the server answered without a token".to_owned())),
        }
    }
}
