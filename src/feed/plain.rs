//! Plain texts in places where many readers look for HTML.
//!
//! The titles of RSS, and the texts of OPML, are plain by some and HTML by others: what looks like a tag or an entity
//! is swallowed by half of the readers, and the W3C validator warns of it (`ContainsHTML`). So nothing in such a place
//! looks like one.

use crate::text::{clean, one_line};
use std::borrow::Cow;

/// A text on one line for people, without what no document should hold.
pub(super) fn line(text: &str) -> String {
    one_line(&clean(text))
}

/// The same, without anything that looks like a tag: `<details>` becomes `‹details›`, which everybody reads.
pub(super) fn untagged(text: &str) -> String {
    let line = line(text);
    if !line.contains('<') {
        return line;
    }
    let mut shown = String::with_capacity(line.len() + 8);
    let mut rest = line.as_str();
    while let Some(at) = rest.find('<') {
        shown.push_str(&rest[..at]);
        let tag = &rest[at + 1..];
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let end = tag.find(['<', '>']).filter(|end| is_tag && tag[*end..].starts_with('>'));
        match end {
            Some(end) => {
                shown.push_str(&format!("‹{}›", &tag[..end]));
                rest = &tag[end + 1..];
            }
            None => {
                shown.push(if is_tag { '‹' } else { '<' });
                rest = tag;
            }
        }
    }
    shown.push_str(rest);
    shown
}

/// The same, so that it says the same read as HTML: no sign that HTML knows is left but an ampersand that stands alone.
pub(super) fn signless(text: &str) -> String {
    let line = untagged(text).replace('<', "‹").replace('>', "›");
    if !line.contains('&') { line } else { one_line(&line.replace('&', " & ")) }
}

/// Whether a text has in it what HTML takes for a character's name or number.
pub(super) fn has_entity(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| rest.starts_with(|c: char| matches!(c, '#' | '_') || c.is_alphanumeric()))
}

/// XML whose ampersands in texts and attributes are written by their number, as the RSS profile asks
/// (rssboard.org/rss-profile, section on character data); what stands in `CDATA` sections stays.
pub(super) fn by_number(xml: &str) -> Cow<'_, str> {
    if !xml.contains("&amp;") && !xml.contains("&lt;") {
        return Cow::Borrowed(xml);
    }
    let numbered = |part: &str| part.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;");
    let mut written = String::with_capacity(xml.len() + 64);
    let mut rest = xml;
    while let Some(start) = rest.find("<![CDATA[") {
        let end = rest[start..].find("]]>").map_or(rest.len(), |end| start + end + "]]>".len());
        written.push_str(&numbered(&rest[..start]));
        written.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    written.push_str(&numbered(rest));
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_tag_is_shown_and_nothing_else_is_touched() {
        for (text, plain, safe) in [
            ("Utiliser <details> et </p>", "Utiliser ‹details› et ‹/p›", "Utiliser ‹details› et ‹/p›"),
            ("a < b > c, 1<2", "a < b > c, 1<2", "a ‹ b › c, 1‹2"),
            ("<a <b>", "‹a ‹b›", "‹a ‹b›"),
            ("R&D & AT&T", "R&D & AT&T", "R & D & AT & T"),
            ("d\u{fffd}cision\u{85}\u{80}suite\u{b}", "d?cision suite", "d?cision suite"),
            ("« ça »\u{202f}!", "« ça »\u{202f}!", "« ça »\u{202f}!"),
        ] {
            assert_eq!((untagged(text).as_str(), signless(text).as_str()), (plain, safe), "{text}");
        }
    }

    #[test]
    fn ampersands_get_their_number_outside_of_literal_sections() {
        let xml = "<a b=\"1&amp;2\">&lt;p>&amp;amp;<![CDATA[&amp;&lt;]]]]><![CDATA[>]]>&amp;</a>";
        assert_eq!(
            by_number(xml),
            "<a b=\"1&#x26;2\">&#x3C;p>&#x26;amp;<![CDATA[&amp;&lt;]]]]><![CDATA[>]]>&#x26;</a>"
        );
    }

    proptest! {
        #[test]
        fn no_tag_is_left_in_any_text(text in "[<>/!&a-c é\u{80}\u{fffd}]{0,40}") {
            let shown = untagged(&text);
            prop_assert!(!shown.contains("</") && !shown.contains("<a") && !shown.contains('\u{fffd}'), "{}", shown);
            let safe = signless(&text);
            prop_assert!(!safe.contains(['<', '>']), "{}", safe);
            prop_assert!(safe.match_indices('&').all(|(at, _)| safe[at + 1..].chars().next().is_none_or(|c| c == ' ')), "{}", safe);
        }
    }
}
