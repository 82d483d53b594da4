//! Conditional requests, purely: whether a reader's copy is still good (RFC 9110, sections 8.8, 13.1 and 13.2.2).

use jiff::Timestamp;

/// Whether the answer is 304. `If-None-Match` counts alone if it is there, by weak comparison; else
/// `If-Modified-Since`, in whole seconds; a date that cannot be read is no date.
pub fn not_modified(
    if_none_match: Option<&str>,
    if_modified_since: Option<&str>,
    etag: &str,
    last_modified: Timestamp,
) -> bool {
    if let Some(given) = if_none_match {
        return given.trim() == "*" || tags(given).any(|tag| tag == etag);
    }
    if_modified_since.and_then(parse_http_date).is_some_and(|date| last_modified.as_second() <= date.as_second())
}

/// The opaque parts of a list of entity tags. A quotation mark may not stand inside one, a comma may.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split('"').skip(1).step_by(2)
}

/// An instant in any of the three forms that HTTP has had (RFC 9110, section 5.6.7).
fn parse_http_date(date: &str) -> Option<Timestamp> {
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(date) {
        return Some(zoned.timestamp());
    }
    let civil = |format| jiff::civil::DateTime::strptime(format, date.trim());
    let found = civil("%A, %d-%b-%y %H:%M:%S GMT").or_else(|_| civil("%a %b %e %H:%M:%S %Y")).ok()?;
    found.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// An instant as HTTP dates it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
pub fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3).
pub fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let mut star = None;
    for part in accept_encoding.unwrap_or("").split(',') {
        let (coding, parameters) = part.split_once(';').unwrap_or((part, ""));
        let refused =
            parameters.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return !refused,
            "*" => star = Some(!refused),
            _ => {}
        }
    }
    star.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_follow_the_rfc() {
        let changed: Timestamp = "2026-11-22T10:00:00.9Z".parse().unwrap();
        let check = |inm: Option<&str>, ims: Option<&str>, expected: bool| {
            assert_eq!(not_modified(inm, ims, "abc", changed), expected, "{inm:?} {ims:?}");
        };
        check(None, None, false);
        check(Some("\"abc\""), None, true);
        check(Some("W/\"abc\""), None, true);
        check(Some("\"x,y\", \"abc\""), None, true);
        check(Some("*"), None, true);
        check(Some("\"abcd\""), Some("Sun, 22 Nov 2026 11:00:00 GMT"), false);
        check(Some("abc"), None, false);
        check(None, Some("Sun, 22 Nov 2026 10:00:00 GMT"), true);
        check(None, Some("Sun, 22 Nov 2026 09:59:59 GMT"), false);
        check(None, Some("yesterday"), false);
        check(None, Some("Sunday, 22-Nov-26 10:00:00 GMT"), true);
        check(None, Some("Sun Nov 22 09:59:59 2026"), false);
        assert_eq!(http_date(changed), "Sun, 22 Nov 2026 10:00:00 GMT");
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        for (given, takes) in [
            ("gzip, br", true),
            ("br;q=1, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("*", true),
            ("*;q=0", false),
            ("identity", false),
        ] {
            assert_eq!(accepts_gzip(Some(given)), takes, "{given}");
        }
        assert!(!accepts_gzip(None));
    }
}
