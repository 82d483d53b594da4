//! The forms of what stands in documents: addresses, dates, media types, characters.

use crate::text::is_xml;
use jiff::Timestamp;

/// Whether a text is an absolute address without characters that have to be encoded (RFC 3986; `InvalidFullLink`,
/// `UriNotIri`, `InvalidUriChar`).
pub(super) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !rest.is_empty() && rest.bytes().all(is_address_byte)
}

/// The same, of the web.
pub(super) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#'])) && is_address(text)
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b";/?:@&=+$.-_!~*'()%,#".contains(&byte)
}

/// Whether a text is a date of RSS, as this house writes it: `Fri, 05 Jul 2024 14:00:00 +0200` with the right day of the
/// week (`InvalidRFC2822Date`, `IncorrectDOW`, `ProblematicalRFC822Date`).
pub(super) fn is_rfc822(text: &str) -> bool {
    fits(text, "Aaa, 00 Aaa 0000 00:00:00 +0000")
        && (text.ends_with("00") || text.ends_with("30"))
        && jiff::fmt::rfc2822::parse(text).is_ok()
}

/// Whether a text is a date and time with a zone (RFC 3339; `InvalidRFC3339Date`).
pub(super) fn is_rfc3339(text: &str) -> bool {
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let zone = rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let fraction = rest.len() - zone.len();
    fits(seconds, "0000-00-00T00:00:00")
        && fraction != 1
        && (zone == "Z" || fits(zone, "+00:00"))
        && text.parse::<Timestamp>().is_ok()
}

/// Whether a text has a form, in which `0` stands for a digit, `A` and `a` for letters and `+` for a sign.
fn fits(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            b'+' => matches!(byte, b'+' | b'-'),
            form => byte == form,
        })
}

/// Whether no document should hold a character: XML forbids it, HTML does, or it is the mark of a lost one
/// (`BadCharacters`).
pub(super) fn is_bad(c: char) -> bool {
    match c {
        '\u{20}'..='\u{7E}' | '\t' | '\n' => false,
        '\u{7F}'..='\u{9F}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FFFD}' => true,
        c => !is_xml(c) || c == '\r' || u32::from(c) & 0xFFFE == 0xFFFE,
    }
}

/// A text without such characters; the mark of a lost one becomes a question mark. None if there are none.
pub(super) fn cleaned(text: &str) -> Option<String> {
    text.contains(is_bad).then(|| {
        let kept = text.chars().filter_map(|c| match c {
            '\u{FFFD}' => Some('?'),
            c => (!is_bad(c)).then_some(c),
        });
        kept.collect()
    })
}

/// A text whose lines were encoded twice (`Ã©` for `é`), as it was meant. None if no line was.
pub(super) fn decoded_once(text: &str) -> Option<String> {
    if !text.contains(['Â', 'Ã']) {
        return None;
    }
    let lines: Vec<Option<String>> = text.split('\n').map(line_decoded_once).collect();
    lines.iter().any(Option::is_some).then(|| {
        let lines = text.split('\n').zip(lines).map(|(line, meant)| meant.unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn line_decoded_once(line: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = line.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    String::from_utf8(bytes?).ok().filter(|meant| meant != line && !meant.contains(is_bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_to_the_letter() {
        for right in ["Mon, 05 Feb 2024 09:30:00 +0100", "Thu, 29 Feb 2024 23:59:59 -0330"] {
            assert!(is_rfc822(right), "{right}");
        }
        for wrong in [
            "Tue, 05 Feb 2024 09:30:00 +0100",
            "lun., 05 févr. 2024 09:30:00 +0100",
            "Mon, 05 Feb 2024 09:30:00 UTC",
            "Mon, 05 Feb 24 09:30:00 +0100",
            "Mon, 05 Feb 2024 09:30:00 +0545",
            "Mon, 30 Feb 2024 09:30:00 +0100",
            "Mon, 05 Feb 2024 25:30:00 +0100",
            "",
        ] {
            assert!(!is_rfc822(wrong), "{wrong}");
        }
        for right in ["2024-02-05T09:30:00+01:00", "2024-02-05T09:30:00Z", "2024-02-05T09:30:00.001000-05:45"] {
            assert!(is_rfc3339(right), "{right}");
        }
        for wrong in [
            "2024-02-05 09:30:00+01:00",
            "2024-02-05T09:30:00",
            "2024-02-05",
            "2024-02-30T09:30:00Z",
            "2024-02-05T09:30:00.Z",
            "2024-02-05T09:30:00é+1",
            "",
        ] {
            assert!(!is_rfc3339(wrong), "{wrong}");
        }
        for right in ["https://x.fr/a%20(2).png?b=c&d#e", "http://localhost:1/", "mailto:a@b.fr", "urn:uuid:1"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in ["/x", "x", "https://x.fr/é", "https://x.fr/a b", "https:", "1a:b", "//x.fr", "https://x.fr/|"] {
            assert!(!is_address(wrong) && !is_web_address(wrong), "{wrong}");
        }
        assert!(is_web_address("https://x.fr") && !is_web_address("https:///x") && !is_web_address("ftp://x.fr"));
    }

    #[test]
    fn what_was_encoded_twice_is_read_once() {
        for (text, meant) in [
            ("Ã©tÃ© Ã\u{a0} la mer", Some("été à la mer")),
            ("un\nÂ«\u{c2}\u{a0}deux", Some("un\n«\u{a0}deux")),
            ("Été à l’âge", None),
            ("Âge, Ã, Â", None),
            ("Ã© et é", None),
        ] {
            assert_eq!(decoded_once(text).as_deref(), meant, "{text}");
        }
    }
}
