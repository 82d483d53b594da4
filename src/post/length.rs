//! Lengths as networks count them.

use unicode_segmentation::UnicodeSegmentation;

/// What a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, by the network's own count.
    pub length_max: usize,
    /// How it counts.
    pub counter: Counter,
}

/// A way of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Grapheme clusters (Unicode Standard Annex 29).
    Graphemes,
    /// Grapheme clusters, with every web address counted as a fixed number (Mastodon's
    /// `characters_reserved_per_url`) and of `@user@host` only the part before the host.
    Mastodon {
        /// Characters of any web address.
        per_url: usize,
    },
}

impl Counter {
    /// The length of a text.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Graphemes => text.graphemes(true).count(),
            Self::Mastodon { per_url } => text
                .split_inclusive(char::is_whitespace)
                .map(|word| {
                    let length = word.graphemes(true).count();
                    if let Some(address) = web_address(word) {
                        return length - address.graphemes(true).count() + per_url;
                    }
                    length - host_of_mention(word).map_or(0, |host| host.graphemes(true).count())
                })
                .sum(),
        }
    }
}

/// The web address in a word, without the punctuation that ends a sentence.
fn web_address(word: &str) -> Option<&str> {
    let start = word.find("https://").or_else(|| word.find("http://"))?;
    let address = word[start..].trim_end_matches(|c: char| c.is_whitespace() || ".,;:!?»”\"'".contains(c));
    // Without a dot in its host Mastodon sees no address.
    let host = address.split("://").nth(1)?.split(['/', '?', '#']).next()?;
    host.contains('.').then_some(address)
}

/// The part of `@user@host` that Mastodon does not count.
fn host_of_mention(word: &str) -> Option<&str> {
    let word = word.trim();
    let rest = word.strip_prefix('@')?;
    let at = rest.find('@')?;
    let host = &rest[at..];
    (at > 0 && host.len() > 1 && host[1..].contains('.')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mastodon_counts_graphemes_and_addresses() {
        let count = |text: &str| Counter::Mastodon { per_url: 23 }.count(text);
        for (text, expected) in [
            ("été", 3),
            ("e\u{301}te\u{301}", 3),
            ("👩‍👩‍👧 ok", 4),
            ("https://www.numerique.gouv.fr/espace-presse/une-adresse-tres-longue/", 23),
            ("voir https://x.fr/a.", 5 + 23 + 1),
            ("http://localhost/x", 18),
            ("@dinum@social.numerique.gouv.fr !", 8),
            ("", 0),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }
}
