//! What networks make clickable in a text: links, hashtags and mentions, as ranges of bytes.

use super::hashtag::grammar::Family;
use super::length::address::{Grammar, addresses};
use std::ops::Range;

/// What stands at a place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A web address with its scheme.
    Link,
    /// A hashtag, `#` included.
    Hashtag,
}

/// A link or a hashtag in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// The links and hashtags of a text as Bluesky's own library finds them (`detectFacets` of `@atproto/api`), in the
/// order of the text. Domains without a scheme are no links here: nobody meant `agents.Le` as one.
pub fn entities(text: &str) -> Vec<Entity> {
    let mut found: Vec<Entity> = links(text).map(|range| Entity { range, kind: Kind::Link }).collect();
    let is_apart =
        |tag: &Range<usize>| !found.iter().any(|link| link.range.start < tag.end && tag.start < link.range.end);
    let tags: Vec<Range<usize>> = hashtags(text, Family::Bluesky).into_iter().filter(is_apart).collect();
    found.extend(tags.into_iter().map(|range| Entity { range, kind: Kind::Hashtag }));
    found.sort_by_key(|entity| entity.range.start);
    found
}

/// White space as JavaScript's `\s` has it.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{FEFF}'
}

fn links(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = text[at..].find("http") {
            let start = at + found;
            at = start + 4;
            let before = text[..start].chars().next_back();
            let rest = &text[start..];
            let scheme = ["https://", "http://"].iter().find(|scheme| rest.starts_with(**scheme));
            let Some(scheme) = scheme.filter(|_| before.is_none_or(|c| is_space(c) || c == '(')) else { continue };
            let mut link = &rest[..rest.find(is_space).unwrap_or(rest.len())];
            if link.len() == scheme.len() {
                continue;
            }
            at = start + link.len();
            link = link.strip_suffix(['.', ',', ';', ':', '!', '?']).unwrap_or(link);
            if link.ends_with(')') && !link.contains('(') {
                link = &link[..link.len() - 1];
            }
            return Some(start..start + link.len());
        }
        None
    })
}

/// The hashtags of a text as one family of networks reads them, `#` included, in the order of the text.
pub fn hashtags(text: &str, family: Family) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, sign) in text.match_indices(['#', '＃']) {
        let before = text[..at].chars().next_back();
        if found.last().is_some_and(|last| at < last.end) || !family.may_start(before) {
            continue;
        }
        let name = at + sign.len();
        if let Some(length) = family.reads(&text[name..]) {
            found.push(at..name + length);
        }
    }
    if found.is_empty() || family != Family::X { found } else { apart(found, addresses(text, Grammar::X)) }
}

/// The hashtags that no address takes: of two that share characters, X keeps the one that starts first.
fn apart(hashtags: Vec<Range<usize>>, addresses: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let hashtags = hashtags.into_iter().map(|range| (range, true));
    let mut all: Vec<(Range<usize>, bool)> =
        hashtags.chain(addresses.into_iter().map(|range| (range, false))).collect();
    all.sort_by_key(|(range, _)| range.start);
    let mut end = 0;
    all.retain(|(range, _)| {
        let is_apart = range.start >= end;
        end = if is_apart { range.end } else { end };
        is_apart
    });
    all.into_iter().filter(|(_, is_hashtag)| *is_hashtag).map(|(range, _)| range).collect()
}

/// A mention of somebody: `@user`, or `@user@host`.
pub struct Mention {
    /// All of it.
    pub whole: Range<usize>,
    /// Without the host.
    pub user: Range<usize>,
}

/// The mentions in a text, as Mastodon finds them (`Account::MENTION_RE`).
pub fn mentions(text: &str) -> impl Iterator<Item = Mention> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = text[at..].find('@') {
            let start = at + found;
            at = start + 1;
            let before = text[..start].chars().next_back();
            if before.is_some_and(|c| matches!(c, '=' | '/' | '_') || c.is_alphanumeric()) {
                continue;
            }
            let user = name(&text[start + 1..], |c| c.is_ascii_alphanumeric() || c == '_');
            if user == 0 {
                continue;
            }
            let user = start..start + 1 + user;
            let host =
                text[user.end..].strip_prefix('@').map_or(0, |rest| name(rest, |c| c.is_alphanumeric() || c == '_'));
            let end = if host > 0 { user.end + 1 + host } else { user.end };
            at = end;
            return Some(Mention { whole: start..end, user });
        }
        None
    })
}

/// The length of a name of words with dots and hyphens between.
fn name(text: &str, is_word: impl Fn(char) -> bool) -> usize {
    let run = text.find(|c| !(is_word(c) || matches!(c, '.' | '-'))).unwrap_or(text.len());
    let name = text[..run].trim_end_matches(['.', '-']);
    if name.starts_with(&is_word) { name.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_hashtags_are_found_whole() {
        let found = |text: &str| -> Vec<String> {
            entities(text).into_iter().map(|entity| text[entity.range].to_owned()).collect()
        };
        for (text, expected) in [
            ("été #Cloud https://x.fr/a.", vec!["#Cloud", "https://x.fr/a"]),
            ("(https://x.fr/a) #a-b, #2024", vec!["https://x.fr/a", "#a-b"]),
            ("https://x.fr/#ancre xhttps://y.fr", vec!["https://x.fr/#ancre"]),
            ("#L’État\u{A0}: https://", vec!["#L’État"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn mentions_are_told_from_mail_addresses() {
        let found: Vec<(&str, &str)> = {
            let text = "@a @b@c.fr. d@e.fr (@f-g@h-i.fr)";
            mentions(text).map(|mention| (&text[mention.whole], &text[mention.user])).collect()
        };
        assert_eq!(found, [("@a", "@a"), ("@b@c.fr", "@b"), ("@f-g@h-i.fr", "@f-g")]);
    }
}
