//! What a bucket's service says when it does not do what it was asked, and what a person can do about it.

use crate::config::{Credentials, KeysFrom, S3};
use crate::export::report::Trouble;
use crate::secret::{Secret, redact};
use object_store::client::{HttpError, HttpErrorKind};
use reqwest::header::HeaderMap;
use std::error::Error;

/// Most characters of a service's own words that are told on.
const WORDS_MAX: usize = 200;

/// An answer that is no success, and no answer to a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct Refusal {
    /// Status of the answer; 0 if it was cut off here.
    pub status: u16,
    /// Name of the error, such as `AccessDenied`; empty if there is none.
    pub code: String,
    /// The service's own words.
    message: String,
    /// The region that the service names.
    region: Option<String>,
    /// Its clock.
    date: Option<String>,
}

impl Refusal {
    /// The refusal that an answer is; None for successes, and for what answers a condition or names no object.
    pub fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let code = element(&text, "Code").unwrap_or_default();
        match status {
            200..=299 | 304 | 412 => return None,
            // A bucket that is missing is another matter than an object that is.
            404 if code != "NoSuchBucket" => return None,
            // A condition that another request overtook.
            409 if matches!(code.as_str(), "ConditionalRequestConflict" | "OperationAborted" | "") => return None,
            _ => {}
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Some(Self {
            status,
            message: element(&text, "Message").unwrap_or_default(),
            region: header("x-amz-bucket-region").or_else(|| element(&text, "Region")),
            date: header("date"),
            code,
        })
    }

    /// An answer that has no end.
    pub fn too_long(most: usize) -> Self {
        let message = format!("the answer is longer than {most} bytes");
        Self { status: 0, code: String::new(), message, region: None, date: None }
    }

    /// Whether it speaks of one object alone, so that others can be gone on with.
    pub fn is_of_one(&self) -> bool {
        matches!(self.status, 400 | 405 | 409..=428)
            && !matches!(
                self.code.as_str(),
                "AuthorizationHeaderMalformed"
                    | "ExpiredToken"
                    | "InvalidToken"
                    | "InvalidBucketName"
                    | "RequestTimeout"
            )
    }

    /// Whether the service does not know conditions on writing.
    pub fn knows_no_conditions(&self) -> bool {
        self.status == 501 || self.code == "NotImplemented"
    }
}

/// The text of the first element of a name, shortened and without what could disturb a terminal.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once("</")?;
    let plain = inside.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    Some(plain.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect())
}

/// The refusal in an error's causes.
pub fn refusal(error: &object_store::Error) -> Option<&Refusal> {
    causes(error).find_map(|cause| cause.downcast_ref::<Refusal>())
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// What was tried.
#[derive(Debug, Clone, Copy)]
pub enum Doing {
    /// To look which objects there are.
    List,
    /// To read an object, or its facts.
    Read,
    /// To write an object.
    Write,
    /// To remove an object.
    Remove,
}

/// What went wrong with an object of a place, for the person who can mend it.
pub fn told(error: &object_store::Error, doing: Doing, place: &str, s3: Option<&S3>) -> Trouble {
    let (verb, right) = match doing {
        Doing::List => ("looked at", "s3:ListBucket"),
        Doing::Read => ("read", "s3:GetObject"),
        Doing::Write => ("written", "s3:PutObject"),
        Doing::Remove => ("removed", "s3:DeleteObject"),
    };
    let cannot = |why: &str| clean(format!("{place} cannot be {verb}: {why}"), s3);
    let Some(refusal) = refusal(error) else {
        return unanswered(error, &cannot);
    };
    let from = s3.map(|s3| &s3.credentials);
    let (access_key, secret_key, token) = match from {
        Some(Credentials::Keys { from: KeysFrom::Environment, .. }) => {
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        }
        Some(Credentials::Role(_)) => ("the role's access key", "the role's secret key", "the role's token"),
        _ => ("feeds.s3.access_key", "feeds.s3.secret_key", "feeds.s3.session_token"),
    };
    let said = match (refusal.code.as_str(), refusal.message.as_str()) {
        ("", "") => format!("the service answers {}", refusal.status),
        (code, message) => format!("the service answers {} {code} ({message})", refusal.status).replace(" ()", ""),
    };
    let message = cannot(&said);
    let region = match &refusal.region {
        Some(region) => format!("write feeds.s3.region: {region}"),
        None => "look at feeds.s3.region, feeds.s3.endpoint and feeds.s3.path_style".to_owned(),
    };
    match (refusal.code.as_str(), refusal.status) {
        ("InvalidAccessKeyId", _) => Trouble::lasting(message, format!("{access_key} is not known there: look at it")),
        ("SignatureDoesNotMatch", _) => Trouble::lasting(
            message,
            format!("{secret_key} does not belong to {access_key}, or feeds.s3.region is another: look at them"),
        ),
        ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => {
            Trouble::lasting(message, format!("{token} is no longer good: give new keys"))
        }
        ("RequestTimeTooSkewed" | "RequestExpired", _) => {
            let theirs = refusal.date.as_ref().map_or_else(String::new, |date| format!(" (the service's: {date})"));
            Trouble::lasting(message, format!("set this machine's clock{theirs}; NTP keeps it right"))
        }
        ("AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException", _)
        | (_, 300..=399) => Trouble::lasting(message, region),
        ("NoSuchBucket" | "InvalidBucketName", _) => {
            Trouble::lasting(message, "create the bucket, or correct its name in feeds.export")
        }
        (_, 401 | 403) => Trouble::lasting(
            message,
            format!("give {access_key} the right {right} for this bucket; docs/operations.md has the whole policy"),
        ),
        (_, 408 | 429 | 500..=599) => Trouble::passing(message, "it is tried again"),
        _ => Trouble::lasting(message, "look at feeds.s3 and at the service's log"),
    }
}

/// Trouble before there was an answer, or with one that is none.
fn unanswered(error: &object_store::Error, cannot: &dyn Fn(&str) -> String) -> Trouble {
    let last = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>()).map(HttpError::kind);
    match kind {
        Some(HttpErrorKind::Connect) => Trouble::passing(
            cannot(&format!("the service cannot be reached: {last}")),
            "it is tried again; if it stays so, look at feeds.s3.endpoint and at the network",
        ),
        Some(HttpErrorKind::Timeout) => {
            Trouble::passing(cannot("the service does not answer in time"), "it is tried again")
        }
        Some(_) => Trouble::passing(cannot(&format!("the answer was lost: {last}")), "it is tried again"),
        None => Trouble::passing(
            cannot(&format!("the answer is not understood: {last}")),
            "it is tried again; if it stays so, look whether feeds.s3.endpoint is the address of an S3 service",
        ),
    }
}

/// A service may repeat what it was sent.
fn clean(text: String, s3: Option<&S3>) -> String {
    let Some(Credentials::Keys { access_key, secret_key, session_token, .. }) = s3.map(|s3| &s3.credentials) else {
        return text;
    };
    let secrets: Vec<&Secret> =
        [Some(secret_key), Some(access_key), session_token.as_ref()].into_iter().flatten().collect();
    redact(&text, &secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let read = |status, body: &str| Refusal::read(status, &HeaderMap::new(), body.as_bytes());
        for (status, body) in [(200, ""), (304, ""), (412, "<Error><Code>PreconditionFailed</Code></Error>"), (404, "")]
        {
            assert_eq!(read(status, body), None, "{status}");
        }
        let body = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>It &lt;is&gt; \u{1b}[31mnot</Message></Error>";
        let refusal = read(404, body).unwrap();
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("NoSuchBucket", "It <is>  [31mnot"));
        assert_eq!(read(503, "<html>no</html>").unwrap().code, "");
        assert!(read(400, "").unwrap().is_of_one() && !read(403, "").unwrap().is_of_one());
    }
}
