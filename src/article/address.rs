//! Addresses in HTML, as feeds need them: absolute, repaired where they are broken, untouched where they are right.

use crate::text::{is_host, repair_address};
use url::Url;

/// An absolute address that a reader may follow; None if it leads nowhere, or somewhere it must not.
pub(super) fn absolute(written: &str, base: &Url) -> Option<String> {
    let written = written.trim();
    if written.is_empty() {
        return None;
    }
    let repaired = repair_address(written);
    match Url::parse(&repaired) {
        Ok(url) => match url.scheme() {
            "http" | "https" if !url.host_str().is_some_and(is_host) => None,
            "http" | "https" => {
                // What is valid stays byte for byte, so that the file on the server is found by its name.
                let host = repaired.strip_prefix(url.scheme()).and_then(|rest| rest.strip_prefix("://"));
                let as_written =
                    repaired.is_ascii() && host.is_some_and(|host| !host.starts_with('/')) && !repaired.contains('\\');
                Some(if as_written { repaired.into_owned() } else { url.to_string() })
            }
            "mailto" | "tel" if repaired.is_ascii() && repaired.len() > url.scheme().len() + 1 => {
                Some(repaired.into_owned())
            }
            _ => None,
        },
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let url = base.join(&repaired).ok()?;
            (matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(is_host)).then(|| url.to_string())
        }
        Err(_) => None,
    }
}

/// A set of addresses (`srcset`), each with its width or density.
pub(super) fn absolute_set(written: &str, base: &Url) -> Option<String> {
    let mut candidates = Vec::new();
    let mut rest = written;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            break;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        let (descriptor, next) =
            if address.ends_with(',') { ("", after) } else { after.split_once(',').unwrap_or((after, "")) };
        let descriptor = descriptor.trim();
        let number = descriptor.strip_suffix(['w', 'x', 'h']).unwrap_or("");
        let right = descriptor.is_empty() || number.parse::<f64>().is_ok();
        if let Some(address) = absolute(address.trim_end_matches(','), base).filter(|_| right) {
            // A comma would end the candidate.
            let address = address.replace(',', "%2C");
            candidates.push(if descriptor.is_empty() { address } else { format!("{address} {descriptor}") });
        }
        rest = next;
    }
    (!candidates.is_empty()).then(|| candidates.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_absolute_and_safe() {
        let base = Url::parse("https://www.example.fr/agenda/x/").unwrap();
        for (written, read) in [
            ("/a%20b(2).png", Some("https://www.example.fr/a%20b(2).png")),
            ("../é", Some("https://www.example.fr/agenda/%C3%A9")),
            ("//cdn.fr/a", Some("https://cdn.fr/a")),
            ("https://x.fr/%7Ea?b|c", Some("https://x.fr/%7Ea?b%7Cc")),
            ("https://x.fr", Some("https://x.fr")),
            ("https://éa.fr/", Some("https://xn--a-9fa.fr/")),
            ("http:/x.fr/a", Some("http://x.fr/a")),
            ("https:///x.fr/a", Some("https://x.fr/a")),
            ("mailto:a@b.fr", Some("mailto:a@b.fr")),
            ("mailto:", None),
            ("java\nscript:x", Some("https://www.example.fr/agenda/x/java%0Ascript:x")),
            ("javascript:x", None),
            ("data:image/png;base64,AA", None),
            ("http://[", None),
            ("//\u{338}\"/a", None),
            ("http://a\"b/", None),
        ] {
            assert_eq!(absolute(written, &base).as_deref(), read, "{written}");
        }
        assert_eq!(
            absolute_set("/a.png 1x, /b,c.png 2x,/d.png, javascript:x 3x", &base).as_deref(),
            Some("https://www.example.fr/a.png 1x, https://www.example.fr/b%2Cc.png 2x, https://www.example.fr/d.png")
        );
    }
}
