//! What answers mean that all networks give alike: classes of failures, what a server says went wrong, and when to come
//! back, in every spelling that servers use. Pure.

use super::client::Answer;
use crate::article::markdown::html_to_text;
use crate::delivery::Failure;
use crate::text::one_line;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::Value;

/// The JSON of an answer that tells of success; else the class of its failure.
pub fn read_json(answer: &Answer, now: Timestamp) -> Result<Value, Failure> {
    if answer.status.is_success() {
        return serde_json::from_str(&answer.body).map_err(|_| {
            Failure::Uncertain(format!("the server answered {} with something that is not JSON", answer.status))
        });
    }
    Err(failure(answer, now))
}

/// The class of an answer that does not tell of success. A network that means something else by a status looks for that
/// first.
pub fn failure(answer: &Answer, now: Timestamp) -> Failure {
    let (status, said) = (answer.status, said(answer));
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            Failure::Throttled { until: until(answer, now), reason: format!("too many requests: {said}") }
        }
        StatusCode::UNAUTHORIZED => Failure::Unauthorised(format!(
            "the credentials are not accepted ({said}); make new ones and put them in the configuration"
        )),
        StatusCode::FORBIDDEN => Failure::Refused(format!(
            "the account may not do this ({said}); check the rights of its credentials, and the account's state"
        )),
        StatusCode::REQUEST_TIMEOUT => Failure::Uncertain(format!("{status}: {said}")),
        status if status.is_redirection() => {
            let to = answer.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            Failure::Refused(format!("the server redirects to {to}; correct its address in the configuration"))
        }
        status if status.is_client_error() => Failure::Refused(format!("{status}: {said}")),
        // Behind a 5xx the post may stand: a proxy gave up, or the server failed after it had written.
        status => Failure::Uncertain(format!("{status}: {said}")),
    }
}

/// A question that was cut off has changed nothing.
pub fn of_a_question(failure: Failure) -> Failure {
    match failure {
        Failure::Uncertain(reason) => Failure::Unavailable(reason),
        other => other,
    }
}

/// What a server says went wrong: what its JSON says in words, or the beginning of a text or an HTML page.
pub fn said(answer: &Answer) -> String {
    let json = serde_json::from_str::<Value>(&answer.body).ok();
    let text = json.as_ref().and_then(|json| {
        ["error_description", "message", "description", "detail", "error"]
            .iter()
            .find_map(|name| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()))
    });
    let text = text.map_or_else(|| one_line(&html_to_text(&answer.body)), one_line);
    if text.is_empty() { "no explanation".to_owned() } else { text.chars().take(200).collect() }
}

/// When a server says to come back. Known spellings: `Retry-After` (RFC 9110 section 10.2.3: seconds or a date; some
/// write fractions), `retry_after_ms` (Matrix) and `retry_after` in seconds (Discord, and Telegram under `parameters`) in
/// the JSON, and the end of the window in the headers that tell what is left of it.
pub fn until(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    if let Some(given) = header(answer, "retry-after") {
        if let Some(at) = in_seconds(given, now) {
            return Some(at);
        }
        if let Ok(date) = jiff::fmt::rfc2822::parse(given) {
            return Some(date.timestamp());
        }
    }
    let json = serde_json::from_str::<Value>(&answer.body).unwrap_or_default();
    if let Some(millis) = json.get("retry_after_ms").and_then(Value::as_f64) {
        return later(now, millis / 1_000.0);
    }
    let seconds = json.get("retry_after").or_else(|| json.pointer("/parameters/retry_after"));
    if let Some(seconds) = seconds.and_then(Value::as_f64) {
        return later(now, seconds);
    }
    window_end(answer, now)
}

/// Until when nothing more may be asked, if the answer says that nothing is left of what its window allows. Known
/// spellings: `RateLimit-Remaining` and `-Reset` (Bluesky: an instant in seconds; the IETF's draft: seconds to go), the same
/// with `X-` (Mastodon: a date; X: an instant in seconds), and Discord's `X-RateLimit-Reset-After`.
pub fn pause(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    let left = header(answer, "ratelimit-remaining").or_else(|| header(answer, "x-ratelimit-remaining"))?;
    let is_spent = left.parse::<f64>().is_ok_and(|left| left < 1.0);
    window_end(answer, now).filter(|end| is_spent && *end > now)
}

/// The end of the window that limits are counted in.
fn window_end(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    if let Some(after) = header(answer, "x-ratelimit-reset-after") {
        return in_seconds(after, now);
    }
    let given = header(answer, "ratelimit-reset").or_else(|| header(answer, "x-ratelimit-reset"))?;
    if let Ok(date) = given.parse::<Timestamp>() {
        return Some(date);
    }
    /// Numbers from here on are instants (2001 and later), not lengths of time.
    const INSTANTS: f64 = 1_000_000_000.0;
    match given.parse::<f64>() {
        Ok(seconds) if seconds >= INSTANTS => later(Timestamp::UNIX_EPOCH, seconds),
        _ => in_seconds(given, now),
    }
}

/// What a server's clock said when it answered (RFC 9110 section 6.6.1).
pub fn date(answer: &Answer) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(header(answer, "date")?).ok().map(|date| date.timestamp())
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn in_seconds(given: &str, now: Timestamp) -> Option<Timestamp> {
    given.parse::<f64>().ok().and_then(|seconds| later(now, seconds))
}

/// So many seconds later, rounded up to the millisecond: never too soon.
fn later(from: Timestamp, seconds: f64) -> Option<Timestamp> {
    /// A century: no server means more.
    const MOST: f64 = 3_200_000_000.0;
    let length = std::time::Duration::try_from_secs_f64(seconds).ok().filter(|length| length.as_secs_f64() <= MOST)?;
    let millis = i64::try_from(length.as_micros().div_ceil(1_000)).ok()?;
    from.checked_add(SignedDuration::from_millis(millis)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let headers: HeaderMap =
            headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned() }
    }

    #[test]
    fn every_spelling_of_come_back_later_is_read() {
        let check = |headers: &[(&'static str, &'static str)], body: &str, expected: Option<&str>| {
            let until = until(&answer(429, headers, body), now());
            assert_eq!(until, expected.map(|at| at.parse().unwrap()), "{headers:?} {body}");
        };
        check(&[("retry-after", "120")], "", Some("2026-11-22T10:02:00Z"));
        check(&[("retry-after", " 1.5 ")], "", Some("2026-11-22T10:00:01.5Z"));
        check(&[("retry-after", "Sun, 22 Nov 2026 10:05:00 GMT")], "", Some("2026-11-22T10:05:00Z"));
        check(&[("x-ratelimit-reset", "2026-11-22T10:10:00.000Z")], "", Some("2026-11-22T10:10:00Z"));
        check(&[("ratelimit-reset", "1795342200")], "", Some("2026-11-22T10:10:00Z"));
        check(&[("x-ratelimit-reset", "1795342200")], "", Some("2026-11-22T10:10:00Z"));
        check(&[("ratelimit-reset", "90")], "", Some("2026-11-22T10:01:30Z"));
        check(
            &[("x-ratelimit-reset-after", "0.25"), ("x-ratelimit-reset", "1795342200")],
            "",
            Some("2026-11-22T10:00:00.25Z"),
        );
        check(&[], r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":3865}"#, Some("2026-11-22T10:00:03.865Z"));
        check(&[], r#"{"message":"slow","retry_after":2.5}"#, Some("2026-11-22T10:00:02.5Z"));
        check(&[], r#"{"ok":false,"parameters":{"retry_after":35}}"#, Some("2026-11-22T10:00:35Z"));
        check(&[("retry-after", "-5")], "", None);
        check(&[("retry-after", "1e300")], "", None);
        check(&[], "", None);
    }

    #[test]
    fn a_spent_window_is_a_pause_and_one_with_something_left_is_none() {
        let pause =
            |left, reset| pause(&answer(200, &[("ratelimit-remaining", left), ("ratelimit-reset", reset)], ""), now());
        assert_eq!(pause("0", "60"), Some("2026-11-22T10:01:00Z".parse().unwrap()));
        assert_eq!(pause("1", "60"), None);
        assert_eq!(pause("0", "1700000000"), None, "a window that is over");
    }

    #[test]
    fn answers_fall_into_their_classes() {
        let class = |status, body: &str| failure(&answer(status, &[], body), now());
        assert!(matches!(class(429, ""), Failure::Throttled { .. }));
        assert!(matches!(class(401, ""), Failure::Unauthorised(_)));
        assert!(matches!(class(308, ""), Failure::Refused(reason) if reason.contains("redirects")));
        assert!(matches!(class(408, ""), Failure::Uncertain(_)));
        assert!(matches!(class(503, ""), Failure::Uncertain(_)));
        assert!(
            matches!(class(422, r#"{"error":"Trop long"}"#), Failure::Refused(reason) if reason.contains("Trop long"))
        );
        assert!(matches!(read_json(&answer(200, &[], "<html>"), now()), Err(Failure::Uncertain(_))));
    }
}
