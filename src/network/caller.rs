//! How networks call their servers: with the guards of [`client`], with the secrets taken out of whatever is answered, and
//! with an eye on what the server says it still allows.

use super::answers;
use super::client::{self, Answer};
use crate::config::Channel;
use crate::delivery::Failure;
use crate::secret::{SafeUrl, Secret, redact};
use crate::span;
use jiff::{SignedDuration, Timestamp};
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
    /// How far the server's clock was from this machine's, at its last answer.
    ahead: Mutex<Option<SignedDuration>>,
    /// What else a person should know.
    remarks: Mutex<Vec<String>>,
}

/// How far clocks may differ before a person is told. Signatures of webhooks and of OAuth 1.0a end within minutes.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);

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
            ahead: Mutex::default(),
            remarks: Mutex::default(),
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
        if let Some(date) = answers::date(&answer) {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(date.duration_since(now));
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

    /// Remembers what a person should know of this account, though it works. Said again, it is the same remark.
    pub fn remark(&self, text: &str) {
        let text = self.clean(text);
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if !remarks.contains(&text) {
            remarks.push(text);
        }
    }

    /// What a person should know of this account and its server, as the answers so far have shown.
    pub fn remarks(&self) -> Vec<String> {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let clocks = ahead.and_then(clocks_differ);
        clocks.into_iter().chain(self.remarks.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned()).collect()
    }

    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        redact(text, &secrets.iter().collect::<Vec<_>>())
    }
}

/// What is said of a server's clock that is so far ahead of this machine's, if it is too far.
fn clocks_differ(ahead: SignedDuration) -> Option<String> {
    let off = SignedDuration::from_secs(ahead.abs().as_secs());
    let how = if ahead.is_negative() { "ahead of" } else { "behind" };
    (off > CLOCKS_DIFFER).then(|| {
        format!(
            "this machine's clock is {} {how} the server's; let it be set from the network (NTP), or posts come at wrong times",
            span::show(off)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told_of_and_which_way() {
        let said = |seconds| clocks_differ(SignedDuration::from_secs(seconds));
        assert_eq!((said(30), said(-30), said(0)), (None, None, None));
        assert!(said(125).unwrap().starts_with("this machine's clock is 2m5s behind the server's;"), "{:?}", said(125));
        assert!(said(-7200).unwrap().starts_with("this machine's clock is 2h ahead of the server's;"));
    }

    #[test]
    fn a_remark_is_made_once_and_repeats_no_secret() {
        let server = Url::parse("https://social.example.fr").unwrap();
        let caller = Caller::new(&server, false, vec![Secret::new("canari-42")]).unwrap();
        for _ in 0..2 {
            caller.remark("its name is canari-42");
        }
        assert_eq!(caller.remarks().len(), 1);
        assert!(!caller.remarks()[0].contains("canari"), "{:?}", caller.remarks());
    }
}
