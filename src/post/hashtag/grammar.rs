//! How much of a hashtag each family of networks reads: what follows belongs to the text again, so that a hashtag that
//! one of them cuts leads somewhere else there.
//!
//! Sources: Mastodon `app/models/tag.rb` (`HASHTAG_RE`); Bluesky `@atproto/api`, `rich-text/util.ts` (`TAG_REGEX`); X
//! twitter-text, `regexp/validHashtag`. LinkedIn documents its hashtags by examples only (Posts API, “little text
//! format”), so that the narrowest reading is taken: letters and digits.

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// Networks that read hashtags alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Mastodon, and servers with its API.
    Mastodon,
    /// Bluesky.
    Bluesky,
    /// X.
    X,
    /// LinkedIn; Threads and the others take what it takes.
    LinkedIn,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mastodon, Self::Bluesky, Self::X, Self::LinkedIn];

    /// The family of a network, by its word in the configuration.
    pub fn of(network: &str) -> Self {
        match network {
            "mastodon" => Self::Mastodon,
            "bluesky" => Self::Bluesky,
            "x" => Self::X,
            _ => Self::LinkedIn,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mastodon => "Mastodon",
            Self::Bluesky => "Bluesky",
            Self::X => "X",
            Self::LinkedIn => "LinkedIn",
        }
    }

    /// Whether a hashtag may start after a character; None is the start of the text. Mastodon's later versions want
    /// white space, earlier ones only no letter: the narrower reading is taken.
    pub fn may_start(self, before: Option<char>) -> bool {
        before.is_none_or(|c| match self {
            Self::X => !(is_letter(c) || is_digit(c) || is_special(c) || c == '&'),
            _ => c.is_whitespace() || c == '\u{FEFF}',
        })
    }

    /// The bytes that are read as the hashtag's name in a text that starts behind `#`; None if nothing is.
    pub fn reads(self, text: &str) -> Option<usize> {
        match self {
            Self::Mastodon => mastodon(text),
            Self::Bluesky => bluesky(text),
            Self::X => x(text),
            Self::LinkedIn => {
                let length = run(text, |c| is_letter(c) || is_digit(c));
                text[..length].contains(is_letter).then_some(length)
            }
        }
    }

    /// Whether a hashtag, with its `#`, is read whole, whatever follows it after a space.
    pub fn reads_whole(self, hashtag: &str) -> bool {
        hashtag.strip_prefix(['#', '＃']).is_some_and(|name| !name.is_empty() && self.reads(name) == Some(name.len()))
    }
}

/// The bytes at the start of a text whose characters pass.
fn run(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || is_combining_mark(c)
}

/// Decimal digits. Those of other scripts than ours are left out: nothing that is made here has one.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// A name with a letter or a separator inside; else one of letters, digits and `_` with a letter.
fn mastodon(text: &str) -> Option<usize> {
    let is_word = |c: char| is_letter(c) || is_digit(c) || c == '_' || matches!(c, '\u{203F}' | '\u{2040}');
    let is_separator = |c: char| matches!(c, '_' | '\u{B7}' | '\u{30FB}' | '\u{200C}');
    if !text.starts_with(is_word) {
        return None;
    }
    let all = &text[..run(text, |c| is_word(c) || is_separator(c))];
    let long = all.trim_end_matches(|c: char| !is_word(c));
    let chars: Vec<char> = long.chars().collect();
    if chars.len() > 2 && chars[1..chars.len() - 1].iter().any(|c| is_letter(*c) || is_separator(*c)) {
        return Some(long.len());
    }
    let short = run(text, is_word);
    text[..short].contains(is_letter).then_some(short)
}

/// Longest name on Bluesky, in grapheme clusters.
const BLUESKY_MAX: usize = 64;

/// Whatever is not white space, without the punctuation at its end, if there is something else than digits in it.
fn bluesky(text: &str) -> Option<usize> {
    let is_invisible =
        |c: char| matches!(c, '\u{AD}' | '\u{2060}' | '\u{200A}' | '\u{200B}' | '\u{200C}' | '\u{200D}' | '\u{20E2}');
    let is_space = |c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{FEFF}';
    if text.starts_with('\u{FE0F}') {
        return None;
    }
    let name = &text[..run(text, |c| !is_space(c) && !is_invisible(c))];
    if !name.contains(|c: char| !is_digit(c) && !is_punctuation(c)) {
        return None;
    }
    let name = name.trim_end_matches(is_punctuation);
    let is_short = name.encode_utf16().count() <= BLUESKY_MAX || name.graphemes(true).count() <= BLUESKY_MAX;
    (!name.is_empty() && is_short).then_some(name.len())
}

/// Punctuation (general category P) of the scripts that are written here.
fn is_punctuation(c: char) -> bool {
    (c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c))
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{55A}'..='\u{55F}' | '\u{5BE}' | '\u{60C}' | '\u{61B}' | '\u{61F}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205E}'
            | '\u{207D}' | '\u{207E}' | '\u{208D}' | '\u{208E}' | '\u{2308}'..='\u{230B}' | '\u{2768}'..='\u{2775}'
            | '\u{2E00}'..='\u{2E4F}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}'
            | '\u{3030}' | '\u{303D}' | '\u{30A0}' | '\u{30FB}' | '\u{FE10}'..='\u{FE19}' | '\u{FE30}'..='\u{FE52}'
            | '\u{FF01}'..='\u{FF03}' | '\u{FF05}'..='\u{FF0A}' | '\u{FF0C}'..='\u{FF0F}' | '\u{FF1A}' | '\u{FF1B}'
            | '\u{FF1F}' | '\u{FF20}' | '\u{FF3B}'..='\u{FF3D}' | '\u{FF3F}' | '\u{FF5B}' | '\u{FF5D}' | '\u{FF5F}'..='\u{FF65}')
}

/// What X reads in hashtags beside letters, marks and digits.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '_' | '\u{200C}'
            | '\u{200D}'
            | '\u{A67E}'
            | '\u{5BE}'
            | '\u{5F3}'
            | '\u{5F4}'
            | '\u{FF5E}'
            | '\u{301C}'
            | '\u{309B}'
            | '\u{309C}'
            | '\u{30A0}'
            | '\u{30FB}'
            | '\u{3003}'
            | '\u{F0B}'
            | '\u{F0C}'
            | '\u{B7}'
    )
}

/// A name with a letter, that no further `#` and no `://` follows.
fn x(text: &str) -> Option<usize> {
    if text.starts_with(['\u{FE0F}', '\u{20E3}']) {
        return None;
    }
    let length = run(text, |c| is_letter(c) || is_digit(c) || is_special(c));
    let rest = &text[length..];
    let is_ended = !rest.starts_with(['#', '＃']) && !rest.starts_with("://");
    (is_ended && text[..length].contains(is_letter)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_cuts_at_its_own_signs() {
        use Family::{Bluesky, LinkedIn, Mastodon, X};
        for (text, family, read) in [
            ("Echangesd'expériences", Mastodon, Some("Echangesd")),
            ("Echangesd'expériences", Bluesky, Some("Echangesd'expériences")),
            ("Echangesd'expériences", X, Some("Echangesd")),
            ("État_2024, oui", Mastodon, Some("État_2024")),
            ("État_2024, oui", LinkedIn, Some("État")),
            ("2024", Mastodon, None),
            ("2024", Bluesky, None),
            ("2024", X, None),
            ("a·b", Mastodon, Some("a·b")),
            ("Cloud#Numérique", X, None),
            ("porte-parole.", Bluesky, Some("porte-parole")),
            ("porte-parole.", X, Some("porte")),
            ("IA", Mastodon, Some("IA")),
        ] {
            assert_eq!(family.reads(text).map(|length| &text[..length]), read, "{text} {family:?}");
        }
    }
}
