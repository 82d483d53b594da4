//! The requests themselves. They go nowhere that is private, follow no redirect, and keep nothing of an answer.

use crate::delivery::Failure;
use crate::feed::Document;
use crate::hub::{self, Answered, Callback, Mode, Trouble, Verified};
use crate::network::client;
use crate::secret::Secret;
use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, LINK, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Makes requests.
#[derive(Debug, Clone)]
pub struct Calls {
    client: Client,
    allow_private: bool,
    within: Duration,
}

/// More than a challenge has: whatever is longer is none.
const CHALLENGE_MAX: usize = 1_024;

impl Calls {
    /// Errors: the HTTP client cannot be set up.
    pub fn new(allow_private: bool, within: Duration) -> Result<Self, String> {
        Ok(Self { client: client::reader(allow_private)?, allow_private, within })
    }

    /// Asks a subscriber whether it meant what was asked in its name.
    pub async fn verify(
        &self,
        callback: &Callback,
        (mode, topic, lease): (Mode, &str, SignedDuration),
        challenge: &str,
        now: Timestamp,
    ) -> Verified {
        let url = callback.verification(mode, topic, challenge, lease);
        let request = match self.request(Method::GET, url) {
            Ok(request) => request,
            Err(why) => return Verified::No(why),
        };
        match client::send_start(request, CHALLENGE_MAX).await {
            Ok(answer) => {
                let later = retry_after(&answer.headers);
                hub::verified(answer.status.as_u16(), later, answer.body.as_bytes(), challenge, now)
            }
            Err(failure) => Verified::Unclear(Trouble::new(failure.reason())),
        }
    }

    /// Brings a subscriber a document, whole (section 7).
    pub async fn deliver(
        &self,
        callback: &Callback,
        secret: Option<&Secret>,
        document: &Document,
        now: Timestamp,
    ) -> Answered {
        let request = match self.request(Method::POST, callback.expose().clone()) {
            Ok(request) => request,
            Err(why) => return Answered::Failed(Trouble::new(why)),
        };
        let mut request = request.header(CONTENT_TYPE, document.media_type).header(LINK, hub::links(document));
        if let Some(secret) = secret {
            // Unsigned it would be of no use to who asked for a signature.
            let Some(signature) = hub::signature(secret, &document.body) else {
                return Answered::Failed(Trouble::new("the signature cannot be made"));
            };
            request = request.header("X-Hub-Signature", signature);
        }
        let body = Bytes::from_owner(Arc::clone(&document.body));
        answered("the callback", client::send_head(request.body(body)).await, now)
    }

    /// Tells a subscriber that there is no subscription. Whether it hears it changes nothing.
    pub async fn deny(&self, callback: &Callback, topic: &str, reason: &str) {
        if let Ok(request) = self.request(Method::GET, callback.denial(topic, reason)) {
            let _ = client::send_head(request).await;
        }
    }

    /// Tells a hub elsewhere that a topic changed.
    pub async fn ping(&self, hub: &Url, topic: &str, now: Timestamp) -> Answered {
        let request = match self.request(Method::POST, hub.clone()) {
            Ok(request) => request,
            Err(why) => return Answered::Failed(Trouble::new(why)),
        };
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(hub::ping(topic));
        answered("the hub", client::send_head(request).await, now)
    }

    fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, String> {
        if !self.allow_private {
            client::refuse_private(&url)?;
        }
        Ok(self.client.request(method, url).timeout(self.within))
    }
}

fn answered(who: &str, answer: Result<client::Answer, Failure>, now: Timestamp) -> Answered {
    match answer {
        Ok(answer) => hub::answered(who, answer.status.as_u16(), retry_after(&answer.headers), now),
        Err(failure) => Answered::Failed(Trouble::new(failure.reason())),
    }
}

fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<&str> {
    headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok())
}
