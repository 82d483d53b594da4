//! Addresses by Hugo's rules: what its paths keep, and its permalink patterns.

use crate::article::ArticleDate;
use crate::text::percent_decode;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How Hugo writes paths on this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Paths in lower case (not `disablePathToLower`).
    pub(super) lower: bool,
    /// Accents are taken off (`removePathAccents`).
    pub(super) plain: bool,
}

/// What the tokens of a pattern stand for.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) date: Option<ArticleDate>,
    pub(super) title: &'a str,
    pub(super) slug: Option<&'a str>,
    /// File name without extension and language; the folder's of a bundle.
    pub(super) name: &'a str,
    /// Folders down to the page's section.
    pub(super) sections: &'a [String],
    /// The same by their slugs or titles.
    pub(super) section_slugs: &'a [String],
}

/// What Hugo keeps of a path: letters, digits, marks and a few signs; white space is one hyphen.
pub(super) fn sanitize(text: &str, style: Style) -> String {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let mut kept = String::with_capacity(text.len());
    let (mut owed, mut was_hyphen) = (false, false);
    for (at, c) in text.char_indices() {
        let encoded = || c == '%' && hex(text.as_bytes().get(at + 1)) && hex(text.as_bytes().get(at + 2));
        let is_kept = c.is_alphanumeric() || "./\\_#+~-@".contains(c) || is_combining_mark(c) || encoded();
        if is_kept {
            was_hyphen = c == '-';
            if owed && !was_hyphen {
                kept.push('-');
            }
            owed = false;
            kept.push(c);
        } else if !kept.is_empty() && !was_hyphen && c.is_whitespace() {
            owed = true;
        }
    }
    if style.plain {
        kept = kept.nfd().filter(|c| !is_combining_mark(*c)).nfc().collect();
    }
    if style.lower { kept.to_lowercase() } else { kept }
}

/// A path as Go writes it in an address: as it is where it is valid, else encoded anew.
pub(super) fn encode(path: &str) -> String {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%[]#".contains(&byte);
    if path.bytes().all(fine) {
        return path.to_owned();
    }
    let mut encoded = String::with_capacity(path.len() * 2);
    for byte in percent_decode(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$&+,/:;=@#".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A pattern such as `/:year/:month/:slug/` filled in.
pub(super) fn expand(pattern: &str, tokens: &Tokens, style: Style) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some(colon) = rest.find(':') {
        let (before, after) = (&rest[..colon], &rest[colon + 1..]);
        if let Some(before) = before.strip_suffix('\\') {
            filled.push_str(before);
            filled.push(':');
            rest = after;
            continue;
        }
        filled.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
        let mut name_end = end;
        if after[end..].starts_with('[')
            && let Some(close) = after[end..].find(']')
        {
            name_end = end + close + 1;
        }
        match token(&after[..end], &after[end..name_end], tokens, style) {
            Some(value) => {
                filled.push_str(&value);
                rest = &after[name_end..];
            }
            None => {
                filled.push(':');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    // Hugo unescapes what its tokens encoded, as the query of an address.
    percent_decode(&filled.replace('+', " "))
}

fn token(name: &str, cut: &str, tokens: &Tokens, style: Style) -> Option<String> {
    let urlized = |text: &str| encode(&sanitize(text, style));
    let slug_or = |other: &str| urlized(tokens.slug.unwrap_or(other));
    let date = |format: &str, none: &str| {
        tokens.date.map_or_else(|| none.to_owned(), |date| date.zoned().strftime(format).to_string())
    };
    Some(match name {
        "year" | "2006" => date("%Y", "1"),
        "month" | "01" => date("%m", "01"),
        "monthname" | "January" => date("%B", "January"),
        "day" | "02" => date("%d", "01"),
        "weekday" => date("%w", "1"),
        "weekdayname" | "Monday" => date("%A", "Monday"),
        "yearday" => date("%-j", "1"),
        "06" => date("%y", "01"),
        "1" => date("%-m", "1"),
        "2" => date("%-d", "1"),
        "Jan" => date("%b", "Jan"),
        "Mon" => date("%a", "Mon"),
        "15" => date("%H", "00"),
        "04" => date("%M", "00"),
        "05" => date("%S", "00"),
        "section" => tokens.sections.first().cloned().unwrap_or_default(),
        "sections" => sliced(tokens.sections, cut).join("/"),
        "sectionslug" => tokens.section_slugs.first().map(|slug| urlized(slug)).unwrap_or_default(),
        "sectionslugs" => {
            sliced(tokens.section_slugs, cut).iter().map(|slug| urlized(slug)).collect::<Vec<_>>().join("/")
        }
        "title" => urlized(tokens.title),
        "slug" => slug_or(tokens.title),
        "slugorfilename" | "slugorcontentbasename" => slug_or(tokens.name),
        "filename" | "contentbasename" => urlized(tokens.name),
        _ => return None,
    })
}

/// A slice such as `[1:]`, `[last]` or `[:2]`; none is all. What lies beyond the list is nothing.
fn sliced<'a>(items: &'a [String], cut: &str) -> &'a [String] {
    let Some(inner) = cut.strip_prefix('[').and_then(|cut| cut.strip_suffix(']')) else { return items };
    let index = |text: &str| match text.trim() {
        "last" => items.len().checked_sub(1),
        number => number.parse::<usize>().ok(),
    };
    let range = match inner.split_once(':') {
        None => index(inner).map(|at| at..at + 1),
        Some((low, high)) => {
            let low = if low.trim().is_empty() { Some(0) } else { index(low) };
            let high =
                if high.trim().is_empty() { Some(items.len()) } else { index(high).map(|at| at.min(items.len())) };
            low.zip(high).map(|(low, high)| low..high)
        }
    };
    range.and_then(|range| items.get(range)).unwrap_or(&[])
}

/// A path without empty, `.` and `..` folders, and with the slash at its end that it had.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::date;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    const STYLE: Style = Style { lower: true, plain: false };

    #[test]
    fn paths_keep_what_hugo_keeps() {
        for (text, expected) in [
            ("Social Media", "social-media"),
            ("a - b", "a-b"),
            ("L’État, c'est moi!", "létat-cest-moi"),
            ("C++ & Go", "c++-go"),
            ("sin%e2%80%8a", "sin%e2%80%8a"),
            ("50% off", "50-off"),
            ("Rust-1.0@0", "rust-1.0@0"),
        ] {
            assert_eq!(sanitize(text, STYLE), expected, "{text}");
        }
        assert_eq!(sanitize("Ünïcode", Style { lower: false, plain: true }), "Unicode");
        assert_eq!(encode("/é/%e2"), "/%C3%A9/%EF%BF%BD");
        assert_eq!(encode("/a%e2%80%8a/"), "/a%e2%80%8a/");
        assert_eq!(clean("//a/../b//c/"), "/b/c/");
    }

    #[test]
    fn patterns_are_filled_as_hugo_does() {
        let date = date::parse("2024-02-05 09:30:00 +0100", &TimeZone::UTC);
        let sections = ["news".to_owned(), "press".to_owned(), "fr".to_owned()];
        let tokens = Tokens {
            date,
            title: "Le Titre: X",
            slug: None,
            name: "mon fichier",
            sections: &sections,
            section_slugs: &sections,
        };
        for (pattern, expected) in [
            ("/:year/:month/:day/:slug/", "/2024/02/05/le-titre-x/"),
            (":section/:filename", "news/mon-fichier"),
            ("/:sections/:title", "/news/press/fr/le-titre-x"),
            ("/:sections[1:]/", "/press/fr/"),
            ("/:sections[last]/", "/fr/"),
            ("/:sections[:1]/:sections[7]/", "/news//"),
            ("/:monthname/:weekday/:weekdayname/:yearday/", "/February/1/Monday/36/"),
            ("/:slugorfilename/\\:x/", "/mon-fichier/:x/"),
        ] {
            assert_eq!(expand(pattern, &tokens, STYLE), expected, "{pattern}");
        }
        let slugged = Tokens { slug: Some("sin%e2%80%8a-%e2%80%8aready"), ..tokens };
        let path = sanitize(&expand("/:slug/", &slugged, STYLE), STYLE);
        assert_eq!(path, "/sin-ready/");
    }

    proptest! {
        #[test]
        fn patterns_never_fail(pattern in "(:[a-z]{1,12}|\\[[0-9:a-z]{0,5}\\]|\\\\|/|\\PC{0,2}){0,12}", title in "\\PC{0,12}") {
            let sections = ["a".to_owned(), title.clone()];
            let tokens = Tokens { date: None, title: &title, slug: None, name: &title, sections: &sections, section_slugs: &sections };
            let path = encode(&sanitize(&clean(&expand(&pattern, &tokens, STYLE)), STYLE));
            prop_assert!(path.starts_with('/') || path.is_empty());
            let address = crate::text::repair_address(&path).into_owned();
            let whole = format!("https://www.example.fr{address}");
            prop_assert!(url::Url::parse(&whole).is_ok());
        }
    }
}
