//! How networks call their servers: with the guards of [`client`], with the secrets taken out of whatever is answered, and
//! with an eye on what the server says it still allows.

use super::answers;
use super::client::{self, Answer};
use crate::config::Channel;
use crate::delivery::Failure;
use crate::secret::{SafeUrl, Secret, redact};
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Calls the server of one endpoint.
pub struct Caller {
    client: Client,
    /// The server's address, without a slash at its end.
    server: String,
    /// Whether it may go to private addresses.
    allow_private: bool,
    /// What must not stand in anything that is said of an answer.
    secrets: Mutex<Vec<Secret>>,
    /// Until when the server allows nothing more.
    pause: Mutex<Option<Timestamp>>,
}

impl Caller {
    /// Calls a server, with these secrets. Nothing is asked yet.
    ///
    /// Errors: the server's address is private and may not be, or the client cannot be set up.
    pub fn new(server: &Url, allow_private: bool, secrets: Vec<Secret>) -> Result<Self, String> {
        if !allow_private {
            client::refuse_private(server)
                .map_err(|error| format!("{error}; `allow_private: true` lets this endpoint use it"))?;
        }
        Ok(Self {
            client: client::client(allow_private)?,
            server: server.as_str().trim_end_matches('/').to_owned(),
            allow_private,
            secrets: Mutex::new(secrets),
            pause: Mutex::default(),
        })
    }

    /// Calls the server of a channel, through its hook or as its bot.
    ///
    /// Errors: as those of [`Caller::new`].
    pub fn of_channel(channel: &Channel, allow_private: bool) -> Result<Self, String> {
        match channel {
            Channel::Hook(hook) => Self::new(hook.expose(), allow_private, hook.secrets()),
            Channel::Bot(bot) => Self::new(&bot.server, allow_private, vec![bot.token.clone()]),
        }
    }

    /// One more secret that is sent from now on, such as the token of a session. Old ones stay secrets.
    pub fn hide(&self, secret: &Secret) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if !secrets.contains(secret) {
            secrets.push(secret.clone());
        }
    }

    /// A request to the server. `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server))
    }

    /// A request to an address that the server gave, such as one to upload to: over TLS to a public place, or where this
    /// endpoint may go anyway.
    ///
    /// Errors: it is no address, or not one that may be called.
    pub fn given(&self, method: Method, address: &str) -> Result<RequestBuilder, Failure> {
        let refused = |why: &str| Failure::Refused(format!("the server gave an address that is not called: {why}"));
        let url = Url::parse(address).map_err(|_| refused("it is none"))?;
        if !self.allow_private {
            client::refuse_private(&url).map_err(|why| refused(&why))?;
        }
        Ok(self.client.request(method, url))
    }

    /// A request to a hook, at its address as it is.
    pub fn to_hook(&self, method: Method, hook: &SafeUrl) -> RequestBuilder {
        self.client.request(method, hook.expose().clone())
    }

    /// The answer to a request, with the secrets taken out wherever the server repeats them: before anything is cut.
    pub async fn send(&self, request: RequestBuilder, now: Timestamp) -> Result<Answer, Failure> {
        let mut answer = client::send(request).await.map_err(|failure| self.redacted(failure))?;
        if let Some(until) = answers::pause(&answer, now) {
            *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
        answer.body = self.clean(&answer.body);
        Ok(answer)
    }

    /// The JSON that answers a request; else the class of the failure, which repeats no secret.
    pub async fn json(&self, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
        let answer = self.send(request, now).await?;
        answers::read_json(&answer, now).map_err(|failure| self.redacted(failure))
    }

    /// The answer to a request for tokens, as it is: it may give again what is hidden already. Whoever repeats anything of it
    /// takes [`Caller::cleaned`].
    pub async fn send_for_tokens(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        client::send(request).await.map_err(|failure| self.redacted(failure))
    }

    /// An answer with the secrets taken out of its text.
    pub fn cleaned(&self, answer: &Answer) -> Answer {
        Answer { body: self.clean(&answer.body), ..answer.clone() }
    }

    /// A failure without the secrets in what it repeats of headers.
    pub fn redacted(&self, failure: Failure) -> Failure {
        failure.map(|reason| self.clean(&reason))
    }

    /// Until when the server allows nothing more, if it said so.
    pub fn pause(&self) -> Option<Timestamp> {
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        redact(text, &secrets.iter().collect::<Vec<_>>())
    }
}
