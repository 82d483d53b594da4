//! Lengths as networks count them.

pub mod address;
mod weight;

use super::entity::mentions;
use address::{Grammar, addresses};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use weight::weight;

/// What a network takes. A network names what differs from [`Limits::text`]:
/// `Limits { images_max: 4, ..Limits::text(500, Counter::Graphemes) }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, by the network's own count.
    pub length_max: usize,
    /// How it counts.
    pub counter: Counter,
    /// The longest text in bytes of UTF-8, which some networks bound as well.
    pub bytes_max: usize,
    /// Whether a text may go on in further posts, each an answer to the one before.
    pub thread: bool,
    /// Whether it takes a link card made of the article.
    pub card: bool,
    /// Most hashtags beside the text; 0 where hashtags stand in texts only.
    pub more_hashtags_max: usize,
    /// Most images of a post; 0 where none can be sent.
    pub images_max: usize,
    /// Whether it fetches images from their own addresses, which have to be public; else it is given their bytes, made to
    /// fit.
    pub images_by_address: bool,
    /// Most bytes of an image.
    pub image_bytes_max: usize,
    /// Most pixels of an image's longer side.
    pub image_side_max: u32,
    /// The longest alternative text, in grapheme clusters.
    pub alt_max: usize,
    /// Most bytes of the image in a link card; 0 where a card has none.
    pub thumb_bytes_max: usize,
}

impl Limits {
    /// Of a network that takes text and nothing else.
    pub const fn text(length_max: usize, counter: Counter) -> Self {
        Self {
            length_max,
            counter,
            bytes_max: usize::MAX,
            thread: false,
            card: false,
            more_hashtags_max: 0,
            images_max: 0,
            images_by_address: false,
            // Bounds of what is not taken: a network that takes images names its own.
            image_bytes_max: usize::MAX,
            image_side_max: u32::MAX,
            alt_max: usize::MAX,
            thumb_bytes_max: 0,
        }
    }

    /// Whether a text is short enough.
    pub fn holds(&self, text: &str) -> bool {
        text.len() <= self.bytes_max && self.counter.count(text) <= self.length_max
    }
}

/// A way of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Grapheme clusters (Unicode Standard Annex 29).
    Graphemes,
    /// Unicode characters (scalar values).
    Characters,
    /// Code units of UTF-16, as JavaScript and Java count.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
    /// Grapheme clusters, with every web address counted as a fixed number (Mastodon's
    /// `characters_reserved_per_url`) and of `@user@host` only the part before the host.
    Mastodon {
        /// Characters of any web address.
        per_url: usize,
    },
    /// Characters, and the bytes of UTF-8 for an emoji (Threads, reference of the parameter `text`).
    Threads,
    /// Weights of X: one or two for a character, 23 for a web address, two for an emoji.
    X,
}

impl Counter {
    /// The length of a text.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Graphemes => text.graphemes(true).count(),
            Self::Characters => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
            Self::Mastodon { per_url } => mastodon(text, per_url),
            Self::Threads => text.graphemes(true).map(of_threads).sum(),
            Self::X => weight(text),
        }
    }
}

/// A text as Mastodon counts it (`StatusLengthValidator`).
fn mastodon(text: &str, per_url: usize) -> usize {
    let (mut length, mut at) = (0, 0);
    for address in addresses(text, Grammar::Mastodon) {
        length += without_hosts(&text[at..address.start]).graphemes(true).count() + per_url;
        at = address.end;
    }
    length + without_hosts(&text[at..]).graphemes(true).count()
}

/// A text with `@user@host` made `@user` (`Account::MENTION_RE`).
fn without_hosts(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut at = 0;
    for mention in mentions(text).filter(|mention| mention.user.end < mention.whole.end) {
        kept.push_str(&text[at..mention.user.end]);
        at = mention.whole.end;
    }
    if at == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[at..]);
    Cow::Owned(kept)
}

/// What a grapheme cluster counts at Threads.
fn of_threads(cluster: &str) -> usize {
    let is_emoji = |c: char| matches!(c, '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{2BFF}' | '\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}');
    if cluster.chars().any(is_emoji) { cluster.len() } else { cluster.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_counts_emojis_by_their_bytes() {
        for (text, expected) in
            [("été à l’État", 12), ("e\u{301}", 2), ("👍", 4), ("👩‍👩‍👧", 18), ("☀️", 6), ("€ → 1", 3 + 2 + 1 + 1)]
        {
            assert_eq!(Counter::Threads.count(text), expected, "{text}");
        }
    }

    #[test]
    fn one_text_has_as_many_lengths_as_there_are_ways_to_count() {
        let text = "e\u{301}té 👩‍👩‍👧";
        let counted = [Counter::Graphemes, Counter::Characters, Counter::Utf16, Counter::Bytes].map(|c| c.count(text));
        assert_eq!(counted, [5, 10, 13, 25]);
        let limits = Limits::text(5, Counter::Graphemes);
        assert!(limits.holds(text));
        assert!(!Limits { bytes_max: 24, ..limits }.holds(text));
    }

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
            ("(@dinum@social.numerique.gouv.fr) a@b.fr", 8 + 7),
            ("", 0),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }
}
