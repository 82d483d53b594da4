//! What the answers of subscribers and hubs mean.

use crate::feed::conditional::parse_http_date;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::{SignedDuration, Timestamp};

/// Something went wrong that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What, for a person.
    pub reason: String,
    /// Not before this, if the other side says so.
    pub until: Option<Timestamp>,
}

impl Trouble {
    /// Without a wish of the other side.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), until: None }
    }
}

/// The answer to the question whether a request was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// It was.
    Yes,
    /// It was not.
    No(String),
    /// It cannot be known yet: the subscriber's server is in trouble.
    Unclear(Trouble),
}

/// Reads a subscriber's answer to a challenge (section 5.3.1): a success whose body is the challenge, all of it and nothing
/// else. Compared in constant time.
pub fn verified(status: u16, retry_after: Option<&str>, body: &[u8], challenge: &str, now: Timestamp) -> Verified {
    match status {
        200..=299 if verify_slices_are_equal(body, challenge.as_bytes()).is_ok() => Verified::Yes,
        200..=299 => Verified::No(format!("the callback answered {status} without the challenge")),
        300..=399 => Verified::No(format!("the callback answered {status}; redirects are not followed")),
        408 | 425 | 429 | 500.. => Verified::Unclear(trouble("the callback", status, retry_after, now)),
        404 => Verified::No("the callback answered 404: it did not ask for this".to_owned()),
        _ => Verified::No(format!("the callback answered {status}")),
    }
}

/// The answer to a document, or to a ping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It was taken.
    Taken,
    /// There is nobody any more (410).
    Gone,
    /// It was not taken.
    Failed(Trouble),
}

/// Reads the answer of a subscriber (section 7) or a hub. Whatever is no success may pass: who answered 403 yesterday may
/// have been mended.
pub fn answered(who: &str, status: u16, retry_after: Option<&str>, now: Timestamp) -> Answered {
    match status {
        200..=299 => Answered::Taken,
        410 => Answered::Gone,
        300..=399 => Answered::Failed(Trouble::new(format!("{who} answered {status}; redirects are not followed"))),
        _ => Answered::Failed(trouble(who, status, retry_after, now)),
    }
}

fn trouble(who: &str, status: u16, retry_after: Option<&str>, now: Timestamp) -> Trouble {
    let until = retry_after.and_then(|given| match given.trim().parse::<i64>() {
        Ok(seconds) if seconds >= 0 => now.checked_add(SignedDuration::from_secs(seconds)).ok(),
        Ok(_) => None,
        Err(_) => parse_http_date(given),
    });
    Trouble { reason: format!("{who} answered {status}"), until }
}
