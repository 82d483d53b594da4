//! Length as X counts it: characters weigh one or two, a web address 23, an emoji two however it is made
//! (twitter-text, configuration version 3).

use super::address::{Grammar, addresses};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// What any web address weighs.
const ADDRESS: usize = 23;

/// The weight of a text.
pub fn weight(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let (mut weight, mut at) = (0, 0);
    for address in addresses(&text, Grammar::X) {
        weight += words(&text[at..address.start]) + ADDRESS;
        at = address.end;
    }
    weight + words(&text[at..])
}

/// The weight of a text without addresses.
fn words(text: &str) -> usize {
    text.graphemes(true).map(|one| if is_emoji(one) { 2 } else { one.chars().map(of_character).sum() }).sum()
}

fn of_character(c: char) -> usize {
    match c {
        '\0'..='\u{10FF}' | '\u{2000}'..='\u{200D}' | '\u{2010}'..='\u{201F}' | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}

/// Whether what a reader takes as one character is a picture of several parts.
fn is_emoji(grapheme: &str) -> bool {
    let mut chars = grapheme.chars();
    let Some(first) = chars.next() else { return false };
    let is_made = chars.any(|c| {
        matches!(c, '\u{FE0F}' | '\u{20E3}' | '\u{200D}' | '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
    });
    // An address may take the digit of a keycap: what is left of it is no picture.
    let is_left_over = matches!(first, '\u{FE0F}' | '\u{20E3}');
    let is_base = (of_character(first) == 2 && !is_left_over)
        || matches!(first, '©' | '®')
        || (first.is_ascii() && grapheme.ends_with('\u{20E3}'));
    is_made && is_base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weighs_two_in_french() {
        for (text, expected) in [
            ("été", 3),
            ("e\u{301}te\u{301}", 3),
            ("’«»–é\u{A0}", 6),
            ("…€→•\u{202F}", 10),
            ("👩‍👩‍👧 🇫🇷 1️⃣ ❤️", 11),
            ("voir https://www.example.fr/une/adresse/tres/longue/ !", 5 + 23 + 2),
            ("Beta.gouv.fr", 23),
        ] {
            assert_eq!(weight(text), expected, "{text}");
        }
    }
}
