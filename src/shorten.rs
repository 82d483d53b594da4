//! Cutting texts where nothing is torn: at white space that may break a line, so never inside a word, a link, a
//! hashtag, a mention or a character, and never where French typography binds a sign to its word.

use unicode_segmentation::UnicodeSegmentation;

/// What stands for what was cut.
pub const ELLIPSIS: char = '…';

/// The beginnings of a text that end at a word, shortest first, each with an ellipsis. The whole text is not one.
pub fn beginnings(text: &str) -> Vec<String> {
    let mut starts = vec![String::new()];
    let mut last = "";
    for (at, c) in text.char_indices() {
        if !may_break(c) {
            continue;
        }
        let start = without_loose_end(&text[..at]);
        if start.is_empty() || start == last {
            continue;
        }
        last = start;
        starts.push(with_ellipsis(start));
    }
    starts
}

/// The first words of a text, as many as are asked for, with an ellipsis if there are more.
pub fn first_words(text: &str, count: usize) -> String {
    let text = text.trim();
    if count == 0 {
        return String::new();
    }
    let mut words = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        // A sign that stands alone, as before a colon in French, is no word.
        if may_break(c) {
            inside = false;
            if words >= count {
                return with_ellipsis(without_loose_end(&text[..at]));
            }
        } else if !inside && c.is_alphanumeric() {
            inside = true;
            words += 1;
        }
    }
    text.to_owned()
}

/// Whether a line may end at a character: a no-break space binds what stands beside it.
pub fn may_break(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{202F}' | '\u{2007}')
}

/// An ellipsis behind a word; apart from what it would become a part of.
fn with_ellipsis(start: &str) -> String {
    let last = last_word(start);
    if is_whole(last) { format!("{start} {ELLIPSIS}") } else { format!("{start}{ELLIPSIS}") }
}

fn last_word(text: &str) -> &str {
    text.rsplit(char::is_whitespace).next().unwrap_or(text)
}

/// Links, hashtags, mentions and domains: nothing may be taken from them or put to them.
fn is_whole(word: &str) -> bool {
    word.contains("://") || word.contains(['#', '@', '＃']) || word.trim_end_matches('.').contains('.')
}

/// Without what a text may not end with: spaces, and signs that wait for something.
fn without_loose_end(text: &str) -> &str {
    let mut text = text.trim_end();
    loop {
        let last = last_word(text);
        let shorter = if is_whole(last) && last.chars().any(char::is_alphanumeric) {
            text
        } else {
            text.trim_end_matches(|c: char| c.is_whitespace() || ",;:!?.…«“([–—-".contains(c))
        };
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// Words after whose dot no sentence ends, in small letters.
const ABBREVIATIONS: [&str; 20] = [
    "mm", "mme", "mmes", "mlle", "dr", "pr", "st", "ste", "art", "al", "cf", "éd", "ex", "fig", "n", "p", "pp", "vol",
    "av", "env",
];

/// The places where sentences end, and where lines do: bytes behind each, in order, the end of the text among them.
pub fn sentence_ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    for (at, sentence) in text.split_sentence_bound_indices() {
        let end = at + sentence.len();
        let said = sentence.trim_end();
        let is_abbreviated = said.strip_suffix('.').is_some_and(|said| {
            let word = said.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
            let mut letters = word.chars();
            let is_initial = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
            is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
        });
        // French puts a space before the mark that closes a quotation: it belongs to what it closes.
        let end = end + closing(&text[end..]);
        // A line always ends what it says; a space that binds never does.
        let is_line = sentence.ends_with('\n');
        let breaks = text[..end].ends_with(may_break) || end == text.len();
        if (is_line || !is_abbreviated) && breaks && ends.last().is_none_or(|last| *last < end) {
            ends.push(end);
        }
    }
    if ends.last() != Some(&text.len()) {
        ends.push(text.len());
    }
    ends
}

/// The length of the closing marks at the start of a text, with the spaces around them.
fn closing(text: &str) -> usize {
    let spaces = |text: &str| text.len() - text.trim_start().len();
    let before = spaces(text);
    let marks = text[before..].find(|c| !"»”)]".contains(c)).unwrap_or(text.len() - before);
    if marks == 0 { 0 } else { before + marks + spaces(&text[before + marks..]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn beginnings_end_at_a_word() {
        let all = beginnings("L’État publie\u{A0}: « dix » témoignages d’agents");
        assert!(all.contains(&"L’État publie…".to_owned()), "{all:?}");
        assert!(
            all.iter().all(|start| !start.contains(":…") && !start.ends_with("’…") && !start.contains("\u{A0}…")),
            "{all:?}"
        );
        let linked = beginnings("Voir https://x.fr/a?b- ou #Cloud, et beta.gouv.fr bientôt. Fin");
        assert!(linked.contains(&"Voir https://x.fr/a?b- …".to_owned()), "{linked:?}");
        assert!(linked.contains(&"Voir https://x.fr/a?b- ou #Cloud, …".to_owned()), "{linked:?}");
        assert!(linked.last().unwrap().ends_with("bientôt…"), "{linked:?}");
    }

    #[test]
    fn the_first_words_are_counted_without_signs() {
        assert_eq!(first_words("Le cloud\u{A0}: dix témoignages", 3), "Le cloud\u{A0}: dix…");
        assert_eq!(first_words("Le cloud", 3), "Le cloud");
        assert_eq!(first_words("Le cloud : dix", 2), "Le cloud…");
    }

    #[test]
    fn sentences_end_where_a_reader_pauses() {
        let text = "M. Dupont, de beta.gouv.fr, parle. Il dit\u{A0}: « Oui\u{A0}! » Cf. art. 3 de l’arrêté n. 5.\nFin";
        let mut at = 0;
        let sentences: Vec<&str> = sentence_ends(text)
            .into_iter()
            .map(|end| {
                let sentence = &text[at..end];
                at = end;
                sentence.trim()
            })
            .collect();
        assert_eq!(
            sentences,
            [
                "M. Dupont, de beta.gouv.fr, parle.",
                "Il dit\u{A0}: « Oui\u{A0}! »",
                "Cf. art. 3 de l’arrêté n. 5.",
                "Fin"
            ]
        );
    }

    proptest! {
        #[test]
        fn a_beginning_is_made_of_whole_words(text in "([a-zéÉ’'.,:;!?«»#@/… \u{A0}\u{202F}👩\u{200D}🇫🇷-]|https://x\\.fr/[a-z(?=)-]{0,5}|#[A-Z][a-z]{1,5}){0,40}") {
            let words: Vec<&str> = text.split(char::is_whitespace).collect();
            for start in beginnings(&text).iter().skip(1) {
                let kept = start.strip_suffix(ELLIPSIS).unwrap();
                let stem = kept.trim_end();
                prop_assert!(text.starts_with(stem));
                let last = last_word(stem);
                let place = stem.split(char::is_whitespace).count() - 1;
                let whole = words[place];
                if is_whole(whole) && whole.chars().any(char::is_alphanumeric) {
                    prop_assert_eq!(last, whole);
                    prop_assert!(kept.ends_with(' '));
                } else {
                    // Nothing but signs is missing.
                    prop_assert!(!whole[last.len()..].contains(char::is_alphanumeric), "{:?} of {:?}", last, whole);
                }
                prop_assert!(text.graphemes(true).collect::<String>().starts_with(stem));
                prop_assert!(text.grapheme_indices(true).any(|(at, _)| at == stem.len()) || stem.len() == text.len());
            }
        }
    }
}
