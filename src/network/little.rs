//! LinkedIn's "little" text (learn.microsoft.com, "little Text Format"): every reserved sign is escaped. One that is not
//! cuts the post off behind it, with an answer of success.

use super::plain::backslashed;

/// Signs that mean something in little text.
const RESERVED: &str = r"\|{}@[]()<>#*_~";

/// A text as little text: hashtags are templates, all else is plain.
pub fn little(text: &str, hashtags: &[String]) -> String {
    let plain = |part: &str| backslashed(part, |sign| RESERVED.contains(sign));
    let mut written = String::with_capacity(text.len() * 2);
    let mut rest = text;
    let mut last: Option<char> = None;
    while let Some(at) = rest.find('#') {
        written.push_str(&plain(&rest[..at]));
        last = rest[..at].chars().next_back().or(last);
        let after = &rest[at + 1..];
        let length = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        let is_ours = hashtags.iter().any(|hashtag| hashtag.strip_prefix('#') == Some(&after[..length]));
        // In an address or a word a `#` is no hashtag.
        if is_ours && length > 0 && last.is_none_or(char::is_whitespace) {
            written.push_str(&format!(r"{{hashtag|\#|{}}}", plain(&after[..length])));
            last = after[..length].chars().next_back();
            rest = &after[length..];
        } else {
            written.push_str(r"\#");
            last = Some('#');
            rest = after;
        }
    }
    written.push_str(&plain(rest));
    written
}

/// The plain text of little text, as a person reads it: what [`little`] undoes.
pub fn spoken(little: &str) -> String {
    let mut text = String::with_capacity(little.len());
    let mut rest = little;
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        if sign == '\\' {
            let escaped = after.chars().next();
            text.extend(escaped);
            rest = &after[escaped.map_or(0, char::len_utf8)..];
            continue;
        }
        if let Some((word, left)) = template(rest) {
            text.push('#');
            text.push_str(&spoken(word));
            rest = left;
            continue;
        }
        text.push(sign);
        rest = after;
    }
    text
}

/// The word of a hashtag's template that a text begins with, and what follows it. LinkedIn writes the sign with and without
/// a backslash.
fn template(text: &str) -> Option<(&str, &str)> {
    let inside = [r"{hashtag|\#|", "{hashtag|#|"].iter().find_map(|start| text.strip_prefix(start))?;
    let mut is_escaped = false;
    let end = inside.find(|c| {
        let ends = c == '}' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    Some((&inside[..end], &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text cut off at the first reserved sign that is neither escaped nor part of a template: what LinkedIn shows.
    fn shown(little: &str) -> &str {
        let mut at = 0;
        while let Some(sign) = little[at..].chars().next() {
            let rest = &little[at..];
            if sign == '\\' {
                at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            } else if let Some((_, left)) = template(rest) {
                at = little.len() - left.len();
            } else if RESERVED.contains(sign) {
                return &little[..at];
            } else {
                at += sign.len_utf8();
            }
        }
        little
    }

    #[test]
    fn hashtags_are_templates_and_all_else_is_plain() {
        let hashtags = ["#ClouddelEtat".to_owned(), "#a_b".to_owned()];
        for (text, expected) in [
            ("Publié (hier) #ClouddelEtat", r"Publié \(hier\) {hashtag|\#|ClouddelEtat}"),
            ("#ClouddelEtat #a_b.", r"{hashtag|\#|ClouddelEtat} {hashtag|\#|a\_b}."),
            ("https://x.fr/#ClouddelEtat", r"https://x.fr/\#ClouddelEtat"),
            ("n°#ClouddelEtat et #Autre", r"n°\#ClouddelEtat et \#Autre"),
            ("#ClouddelEtatique", r"\#ClouddelEtatique"),
            ("a@b.fr", r"a\@b.fr"),
        ] {
            assert_eq!(little(text, &hashtags), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_cut_off_and_the_text_comes_back(text in r"([ -~éà’\n]|#Cloud| #Cloud ){0,60}") {
            let written = little(&text, &["#Cloud".to_owned()]);
            prop_assert_eq!(shown(&written), written.as_str());
            prop_assert_eq!(spoken(&written), text);
        }
    }
}
