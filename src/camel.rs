//! The words of a tag as one hashtag: capitals where a word starts, so that a screen reader speaks the words one by one
//! (the advice of the French administration's accessibility guides, and of the RNIB).

use crate::text::capitalised;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A hashtag made of a tag, and what is not heard of the tag in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name, without `#`; empty if nothing is left.
    pub name: String,
    /// Signs of the tag that are left out or changed, each once: accents, and what no network reads.
    pub lost: Vec<char>,
}

/// Endings of inclusive writing: `agent·e·s` is one word.
const ENDINGS: [&str; 18] = [
    "e", "s", "es", "ne", "nes", "le", "les", "te", "tes", "ve", "ves", "rice", "rices", "trice", "trices", "euse",
    "euses", "x",
];

/// Words joined in camel case. With `accents`, letters keep them.
pub fn camel(tag: &str, accents: bool) -> Made {
    joined(tag, accents, true)
}

/// Words joined as they are.
pub fn joined_as_they_are(tag: &str) -> Made {
    joined(tag, true, false)
}

fn joined(tag: &str, accents: bool, camel: bool) -> Made {
    let mut made = Made { name: String::new(), lost: Vec::new() };
    let tag: String = tag.nfkc().collect();
    let text = spoken(&tag, camel);
    let mut lose = |c: char| {
        if !made.lost.contains(&c) {
            made.lost.push(c);
        }
    };
    for word in text.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty()) {
        let mut plain = String::new();
        for c in word.chars() {
            if c.is_ascii() || (accents && c.is_alphabetic()) {
                plain.push(c);
                continue;
            }
            let form = deunicode::deunicode_char(c).filter(|_| is_latin(c));
            match form.filter(|form| form.chars().all(|c| c.is_ascii_alphabetic())) {
                Some(form) => plain.push_str(&cased(form, c)),
                // Letters of other scripts stay.
                None if c.is_alphabetic() && !is_latin(c) => {
                    plain.push(c);
                    continue;
                }
                None => {}
            }
            lose(c);
        }
        let cased = if camel { capitalised(&plain) } else { plain };
        // A capital can have marks of its own that its small letter has not: `ᾶ` becomes two signs.
        made.name.extend(cased.chars().filter(|c| !is_combining_mark(*c)));
    }
    for c in tag.chars().filter(|c| !is_of_word(*c) && !is_between(*c)) {
        lose(c);
    }
    made
}

/// Latin letters beyond ASCII.
fn is_latin(c: char) -> bool {
    matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
}

/// `Œ` becomes `Oe` before a small letter would, and the form of a small letter is small.
fn cased(form: &str, c: char) -> String {
    if c.is_lowercase() { form.to_lowercase() } else { form.to_owned() }
}

/// What stands in words: letters, digits, and accents written apart.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// What stands between words and is not missed.
fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\'' | '’'
                | '‘'
                | 'ʼ'
                | '-'
                | '‐'
                | '‑'
                | '–'
                | '—'
                | '_'
                | '/'
                | '.'
                | '·'
                | '•'
                | ','
                | ':'
                | ';'
                | '«'
                | '»'
                | '“'
                | '”'
                | '"'
                | '('
                | ')'
                | '&'
                | '\u{200B}'
                | '\u{AD}'
        )
}

/// Whether a text ends with two small letters: `u.s.` is no inclusive writing.
fn is_word(text: &str) -> bool {
    text.chars().rev().take(2).filter(|c| c.is_lowercase()).count() == 2
}

/// A tag with its signs in words: `C++` is spoken “c plus plus”, `a & b` “a et b”, `agent·e·s` “agentes”.
fn spoken(tag: &str, camel: bool) -> String {
    let mut text = String::with_capacity(tag.len());
    let chars: Vec<char> = tag.chars().collect();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        let before = text.chars().next_back();
        match c {
            '.' | '·' | '•' | '\u{30FB}' if is_word(&text) => {
                let ending: String = chars[at..].iter().take_while(|c| c.is_alphabetic()).collect();
                // `Beta.gouv.fr` and `data.gouv` are names with dots.
                if ENDINGS.contains(&ending.as_str()) {
                    text.push_str(&ending);
                    at += ending.chars().count();
                } else {
                    text.push(' ');
                }
            }
            '+' if camel && before.is_some_and(char::is_alphanumeric) => text.push_str(" plus "),
            '+' if camel && text.ends_with(" plus ") => text.push_str("plus "),
            '#' if camel && before.is_some_and(char::is_alphanumeric) => text.push_str(" sharp "),
            '&' if camel && before == Some(' ') && chars.get(at) == Some(&' ') => text.push_str("et"),
            '\u{AD}' | '\u{200B}' | '\u{200C}' | '\u{200D}' => {}
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_words_that_can_be_spoken() {
        for (tag, expected) in [
            ("Echanges d'expériences", "EchangesDExperiences"),
            ("Paroles d’agents", "ParolesDAgents"),
            ("Journée d'échanges", "JourneeDEchanges"),
            ("Numérique", "Numerique"),
            ("nume\u{301}rique", "Numerique"),
            ("DINUM", "DINUM"),
            ("IA", "IA"),
            ("RGAA", "RGAA"),
            ("qualité web", "QualiteWeb"),
            ("Beta.gouv.fr", "BetaGouvFr"),
            ("Futur.e.s", "Futures"),
            ("agent·e·s publics", "AgentesPublics"),
            ("u.s. digital service", "USDigitalService"),
            ("C++", "CPlusPlus"),
            ("C#", "CSharp"),
            ("R&D", "RD"),
            ("données & services", "DonneesEtServices"),
            ("œuvre", "Oeuvre"),
            ("porte-parole", "PorteParole"),
            ("100 % numérique", "100Numerique"),
            ("日本", "日本"),
            ("«»", ""),
            ("Фестиваль", "Фестиваль"),
            ("Louis Ⅳ", "LouisIV"),
        ] {
            assert_eq!(camel(tag, false).name, expected, "{tag}");
        }
        assert_eq!(camel("Echanges d'expériences", true).name, "EchangesDExpériences");
        assert_eq!(joined_as_they_are("cloud au centre").name, "cloudaucentre");
    }

    #[test]
    fn what_is_lost_is_said() {
        assert_eq!(camel("Echanges d'expériences", false).lost, ['é']);
        assert_eq!(camel("Echanges d'expériences", true).lost, [] as [char; 0]);
        assert_eq!(camel("100 % numérique", true).lost, ['%']);
    }
}
