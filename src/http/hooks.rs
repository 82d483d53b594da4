//! `POST /hooks/content`: a forge says that something was pushed. Signed; it wakes the task that reads the site, and
//! carries nothing: what changed is found by looking.
//!
//! Understood are `X-Hub-Signature-256` (GitHub, and others that follow it), `X-Gitea-Signature` and
//! `X-Forgejo-Signature`, `X-Gitlab-Token`, and [Standard Webhooks](https://www.standardwebhooks.com)
//! (`webhook-signature`). The body is never kept nor logged: it runs through the signature, piece by piece.

use super::{Shared, text};
use crate::secret::Secret;
use crate::task::Wake;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Most bytes of a body: GitHub sends at most 25 MB. It costs no memory, since none of it is kept.
const BODY_MAX: usize = 25 * 1024 * 1024;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How far the sender's clock may be from ours (Standard Webhooks).
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What a signed web hook wakes.
#[derive(Debug, Clone)]
pub struct Hook {
    secret: Secret,
    asked: Asked,
    wake: Wake,
}

/// Whether somebody said since the last pull that there is something to pull.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Whether it was said; it counts as heard.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Hook {
    /// Wakes the task that reads the site, whose source is to be asked for something new.
    pub fn new(secret: Secret, asked: Asked, wake: Wake) -> Self {
        Self { secret, asked, wake }
    }
}

/// Answers a web hook: 202, or why not.
pub(super) async fn content(State(shared): State<Shared>, request: Request) -> Response {
    let Some(hook) = shared.hook else {
        return text(StatusCode::NOT_FOUND, "there is no web hook here: site.hook_secret is not set\n");
    };
    let (parts, body) = request.into_parts();
    let Some(proof) = Proof::read(&parts.headers, &hook.secret, shared.clock.now()) else {
        return refused();
    };
    match tokio::time::timeout(BODY_TIME, proof.holds(body)).await {
        Ok(Ok(true)) => {
            hook.asked.0.store(true, Ordering::Release);
            hook.wake.wake();
            text(StatusCode::ACCEPTED, "thank you\n")
        }
        Ok(Ok(false)) => refused(),
        Ok(Err(status)) => text(status, "the body is too long, or did not come whole\n"),
        Err(_) => text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    }
}

fn refused() -> Response {
    text(StatusCode::UNAUTHORIZED, "not signed with the secret that is agreed on\n")
}

type Signature = Hmac<Sha256>;

/// What must turn out true once the body was read: every comparison takes the same time whatever is given.
enum Proof {
    /// One of these is the signature of what the body adds to it.
    Signed(Signature, Vec<Vec<u8>>),
    /// It is proved without the body.
    Known(bool),
}

impl Proof {
    /// None if there is nothing to go by.
    fn read(headers: &HeaderMap, secret: &Secret, now: Timestamp) -> Option<Self> {
        let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if let Some(signed) = given("x-hub-signature-256") {
            return Some(Self::Signed(
                signature(secret.expose().as_bytes())?,
                vec![unhex(signed.strip_prefix("sha256=")?)?],
            ));
        }
        if let Some(signed) = given("x-forgejo-signature").or_else(|| given("x-gitea-signature")) {
            return Some(Self::Signed(signature(secret.expose().as_bytes())?, vec![unhex(signed)?]));
        }
        if let Some(token) = given("x-gitlab-token") {
            let of = |text: &str| Some(signature(secret.expose().as_bytes())?.chain_update(text));
            let expected = of(secret.expose())?.finalize().into_bytes();
            return Some(Self::Known(of(token)?.verify_slice(&expected).is_ok()));
        }
        let (id, sent, signed) = (given("webhook-id")?, given("webhook-timestamp")?, given("webhook-signature")?);
        let at = Timestamp::from_second(sent.parse().ok()?).ok()?;
        if now.duration_since(at).abs() > TOLERANCE {
            return None;
        }
        let key = match secret.expose().strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => secret.expose().as_bytes().to_vec(),
        };
        let begun = signature(&key)?.chain_update(format!("{id}.{sent}."));
        // While a secret is being replaced, there is a signature with each.
        let signatures =
            signed.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).take(8).collect();
        Some(Self::Signed(begun, signatures))
    }

    /// Whether it holds for a body. Errors: the status of a body that cannot be read whole.
    async fn holds(self, body: Body) -> Result<bool, StatusCode> {
        let (mut begun, signatures) = match self {
            Self::Known(holds) => return Ok(holds),
            Self::Signed(begun, signatures) => (begun, signatures),
        };
        let mut pieces = body.into_data_stream();
        let mut length = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
            length += piece.len();
            if length > BODY_MAX {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            begun.update(&piece);
        }
        Ok(signatures.iter().any(|signature| begun.clone().verify_slice(signature).is_ok()))
    }
}

fn signature(key: &[u8]) -> Option<Signature> {
    Signature::new_from_slice(key).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}
