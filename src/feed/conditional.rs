//! What an answer depends on in a request, purely: conditions (RFC 9110, sections 8.8.3, 13.1 and 13.2.2) and the choice
//! of a content-coding (section 12.5.3). A field that stands several times is given as its lines, in order.

use jiff::Timestamp;
use std::str;

/// What the conditions of a GET or HEAD come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The document is sent.
    Send,
    /// 304: the reader has it.
    NotModified,
    /// 412: the reader wants another one than there is.
    Failed,
}

/// The conditions of a request: the lines of each field.
pub struct Conditions<L> {
    /// `If-Match`.
    pub if_match: L,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: L,
    /// `If-None-Match`.
    pub if_none_match: L,
    /// `If-Modified-Since`.
    pub if_modified_since: L,
}

impl<'a, L: Iterator<Item = &'a [u8]>> Conditions<L> {
    /// Judges a document that exists, by the precedence of RFC 9110, section 13.2.2. `etag` is strong and given without
    /// its quotation marks; `last_modified` counts in whole seconds.
    pub fn judge(self, etag: &[u8], last_modified: Timestamp) -> Verdict {
        let (mut if_match, mut if_none_match) = (self.if_match.peekable(), self.if_none_match.peekable());
        if if_match.peek().is_some() {
            if !names(if_match, etag, false) {
                return Verdict::Failed;
            }
        } else if date(self.if_unmodified_since).is_some_and(|date| last_modified.as_second() > date.as_second()) {
            return Verdict::Failed;
        }
        let is_known = if if_none_match.peek().is_some() {
            names(if_none_match, etag, true)
        } else {
            date(self.if_modified_since).is_some_and(|date| last_modified.as_second() <= date.as_second())
        };
        if is_known { Verdict::NotModified } else { Verdict::Send }
    }
}

/// Whether a list of entity tags names one: `*` names any. Weak tags count only in a weak comparison.
fn names<'a>(mut lines: impl Iterator<Item = &'a [u8]>, etag: &[u8], weakly: bool) -> bool {
    lines.any(|line| line.trim_ascii() == b"*" || Tags(line).any(|tag| tag.opaque == etag && (weakly || !tag.is_weak)))
}

/// An entity tag, without its quotation marks.
struct Tag<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

/// The entity tags of a line, up to the first that is none. A comma may stand inside a tag, a quotation mark may not.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        while let [b' ' | b'\t' | b',', rest @ ..] = self.0 {
            self.0 = rest;
        }
        let (is_weak, quoted) = match self.0 {
            [b'W', b'/', rest @ ..] => (true, rest),
            quoted => (false, quoted),
        };
        let [b'"', inside @ ..] = quoted else { return None };
        let end = inside.iter().position(|byte| *byte == b'"')?;
        let rest = &inside[end + 1..];
        // What follows a tag is a comma or the end; else it was no tag.
        if !matches!(rest.trim_ascii_start(), [] | [b',', ..]) {
            return None;
        }
        self.0 = rest;
        Some(Tag { is_weak, opaque: &inside[..end] })
    }
}

/// The date of a field; a date that cannot be read, or that stands several times, is none.
fn date<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<Timestamp> {
    let first = lines.next()?;
    let date = lines.next().is_none().then_some(first)?;
    parse_http_date(str::from_utf8(date).ok()?)
}

/// An instant in any of the three forms that HTTP has had (RFC 9110, section 5.6.7).
pub(crate) fn parse_http_date(date: &str) -> Option<Timestamp> {
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

/// A form in which a document is sent (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// Compressed by gzip.
    Gzip,
    /// Compressed by Brotli (RFC 7932).
    Brotli,
}

impl Coding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Brotli];

    /// The word for it; None for the document as it is.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// The best form for a reader, by the lines of its `Accept-Encoding`: the one with the most weight; of equal ones
    /// the smallest. A document is never refused: a reader that takes none of them gets it as it is.
    pub fn accepted<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut gzip, mut brotli, mut identity, mut star) = (None, None, None, None);
        for member in lines.flat_map(|line| line.split(|byte| *byte == b',')) {
            let mut parts = member.split(|byte| *byte == b';');
            let coding = parts.next().unwrap_or_default().trim_ascii();
            // A weight that is none makes its coding one that is not named.
            let Some(weight) = weight(parts) else { continue };
            let known = if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                &mut gzip
            } else if coding.eq_ignore_ascii_case(b"br") {
                &mut brotli
            } else if coding.eq_ignore_ascii_case(b"identity") {
                &mut identity
            } else if coding == b"*" {
                &mut star
            } else {
                continue;
            };
            *known = Some(weight);
        }
        // What is not named is what `*` says; else a compressed form is not taken, and the plain one is the last choice.
        let (gzip, brotli) = (gzip.or(star).unwrap_or(0), brotli.or(star).unwrap_or(0));
        let identity = identity.or(star).unwrap_or(0);
        if brotli > 0 && brotli >= gzip && brotli >= identity {
            Self::Brotli
        } else if gzip > 0 && gzip >= identity {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

/// The weight among the parameters of a member, in thousandths; without one it is whole. None if it is no weight
/// (RFC 9110, section 12.4.2).
fn weight<'a>(parameters: impl Iterator<Item = &'a [u8]>) -> Option<u16> {
    let mut whole = 1_000;
    for parameter in parameters {
        let [b'q' | b'Q', rest @ ..] = parameter.trim_ascii() else { continue };
        let [b'=', value @ ..] = rest.trim_ascii_start() else { continue };
        whole = match value.trim_ascii_start() {
            [b'1'] => 1_000,
            [b'1', b'.', zeros @ ..] if zeros.len() <= 3 && zeros.iter().all(|byte| *byte == b'0') => 1_000,
            [b'0'] => 0,
            [b'0', b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
                let padded = digits.iter().map(|digit| u16::from(digit - b'0')).chain([0, 0, 0]);
                padded.take(3).fold(0, |value, digit| value * 10 + digit)
            }
            _ => return None,
        };
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a field in a table: `|` parts them, None is a field that is not there.
    fn lines(field: Option<&str>) -> impl Iterator<Item = &[u8]> {
        field.into_iter().flat_map(|field| field.split('|')).map(str::as_bytes)
    }

    const AT: &str = "Sun, 22 Nov 2026 10:00:00 GMT";
    const BEFORE: &str = "Sun, 22 Nov 2026 09:59:59 GMT";
    const LATER: &str = "Sun, 22 Nov 2026 11:00:00 GMT";

    #[test]
    fn conditions_follow_the_rfc() {
        let changed: Timestamp = "2026-11-22T10:00:00.9Z".parse().unwrap();
        let check = |given: [Option<&str>; 4], expected: Verdict| {
            let [if_match, if_unmodified_since, if_none_match, if_modified_since] = given.map(lines);
            let conditions = Conditions { if_match, if_unmodified_since, if_none_match, if_modified_since };
            assert_eq!(conditions.judge(b"abc", changed), expected, "{given:?}");
        };
        let (send, known, failed) = (Verdict::Send, Verdict::NotModified, Verdict::Failed);
        check([None; 4], send);
        // If-None-Match, by weak comparison, in any shape of list.
        for (given, expected) in [
            ("\"abc\"", known),
            ("W/\"abc\"", known),
            ("\"x,y\", \"abc\"", known),
            ("\"x\",,, W/\"y\" ,\t\"abc\"", known),
            ("\"x\"|\"abc\"", known),
            ("*", known),
            (" * ", known),
            ("\"x\"|*", known),
            ("\"abcd\"", send),
            ("\"ab\"", send),
            ("\"\"", send),
            ("", send),
            ("abc", send),
            ("w/\"abc\"", send),
            ("\"abc", send),
            ("\"x\" \"abc\"", send),
            ("\"x\"y, \"abc\"", send),
        ] {
            check([None, None, Some(given), None], expected);
            // It counts alone.
            check([None, None, Some(given), Some(if expected == known { BEFORE } else { LATER })], expected);
        }
        for (given, expected) in [
            (AT, known),
            (LATER, known),
            (BEFORE, send),
            ("yesterday", send),
            ("", send),
            ("Sunday, 22-Nov-26 10:00:00 GMT", known),
            ("Sun Nov 22 09:59:59 2026", send),
            ("Sun Nov 22 10:00:00 2026", known),
            ("Sun, 22 Nov 2026 10:00:00 GMT|Sun, 22 Nov 2026 10:00:00 GMT", send),
        ] {
            check([None, None, None, Some(given)], expected);
        }
        // If-Match, by strong comparison; what it does not hold of is never sent.
        for (given, expected) in [
            ("\"abc\"", send),
            ("\"x\", \"abc\"", send),
            ("*", send),
            ("W/\"abc\"", failed),
            ("\"x\"", failed),
            ("", failed),
            ("abc", failed),
        ] {
            check([Some(given), None, None, None], expected);
            // If-Unmodified-Since does not count beside it.
            check([Some(given), Some(BEFORE), None, None], expected);
        }
        for (given, expected) in [(AT, send), (LATER, send), (BEFORE, failed), ("yesterday", send)] {
            check([None, Some(given), None, None], expected);
        }
        // What holds of the first pair is judged by the second.
        check([Some("\"abc\""), None, Some("\"abc\""), None], known);
        check([Some("\"x\""), None, Some("\"abc\""), None], failed);
        check([None, Some(AT), Some("\"x\""), Some(AT)], send);
        check([None, Some(AT), None, Some(AT)], known);
        check([None, Some(BEFORE), Some("\"abc\""), None], failed);
        assert_eq!(http_date(changed), AT);
    }

    #[test]
    fn the_coding_is_the_one_with_the_most_weight_and_never_none() {
        for (given, expected) in [
            (None, Coding::Identity),
            (Some(""), Coding::Identity),
            (Some("gzip"), Coding::Gzip),
            (Some("x-gzip"), Coding::Gzip),
            (Some("GZIP"), Coding::Gzip),
            (Some("br"), Coding::Brotli),
            (Some("gzip, deflate, br, zstd"), Coding::Brotli),
            (Some("gzip|br"), Coding::Brotli),
            (Some("br;q=1.0, gzip;q=0.5"), Coding::Brotli),
            (Some("br;q=0.5, gzip;q=1.0"), Coding::Gzip),
            (Some("br;q=0.8;x=y, gzip ; q=0.801"), Coding::Gzip),
            (Some("br; Q=0.1, gzip;q=0.05"), Coding::Brotli),
            (Some("br;q=0, gzip"), Coding::Gzip),
            (Some("br;q=0.000, gzip;q=0."), Coding::Identity),
            (Some("*"), Coding::Brotli),
            (Some("*;q=0"), Coding::Identity),
            (Some("*;q=0.5, gzip"), Coding::Gzip),
            (Some("br;q=0, *"), Coding::Gzip),
            (Some("gzip;q=0.1"), Coding::Gzip),
            (Some("identity, gzip"), Coding::Gzip),
            (Some("identity, gzip;q=0.5"), Coding::Identity),
            (Some("identity;q=0.5, gzip;q=0.5"), Coding::Gzip),
            // Nobody is refused.
            (Some("identity;q=0"), Coding::Identity),
            (Some("identity;q=0, *;q=0"), Coding::Identity),
            (Some("deflate, zstd"), Coding::Identity),
            // What is no weight is no choice.
            (Some("br;q=2, gzip"), Coding::Gzip),
            (Some("br;q=1.001, gzip;q=0.0001"), Coding::Identity),
            (Some("br;q=, gzip;q=-1, *;q=x"), Coding::Identity),
            (Some(";;,=,q=1"), Coding::Identity),
        ] {
            assert_eq!(Coding::accepted(lines(given)), expected, "{given:?}");
        }
    }
}
