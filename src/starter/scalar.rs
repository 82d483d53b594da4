//! A text as YAML reads it back, byte for byte.

/// A text as a YAML scalar on one line: plain where that is plainly safe, else in double quotes with everything escaped
/// that could be taken for something else. What looks like a variable of Crieur's configuration stays text.
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Words of YAML 1.1 and 1.2 that are no text.
const WORDS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan"];

fn is_plain(text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | '\'' | '’');
    text.starts_with(|c: char| c.is_alphabetic() || c == '/')
        && text.ends_with(|c: char| c.is_alphanumeric() || c == '/')
        && text.chars().all(inside)
        && !WORDS.contains(&text.to_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // `${NAME}` would be filled in from the environment.
            '{' if before == '$' => quoted.push_str("\\x7B"),
            c if is_printable(c) => quoted.push(c),
            c => {
                let code = u32::from(c);
                quoted.push_str(&if code > 0xFFFF { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") });
            }
        }
        before = c;
    }
    quoted.push('"');
    quoted
}

/// What YAML takes as it is (YAML 1.1, section 4.1.1), without what breaks lines or that nobody sees.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A1}'..='\u{D7FF}' | '\u{F900}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::clean;
    use crate::yaml::{self, Yaml};
    use proptest::prelude::*;

    #[test]
    fn what_is_plain_stays_readable() {
        for plain in ["Cloud", "Paroles d’agents", "Numérique", "/srv/site", "cloud au centre"] {
            assert_eq!(scalar(plain), plain);
        }
        for text in ["yes", "No", "2024", "a: b", "- a", "#a", "", " a", "a ", "${HOME}", "<<", "l'"] {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(text in any::<String>()) {
            let document = format!("a: {} # comment\n{}: b\n", scalar(&text), scalar(&format!("k{text}")));
            let value = yaml::parse(&document).unwrap().value;
            // What no document should hold is taken out later, if not by the reader of YAML.
            let Some(Yaml::Text(read)) = value.get("a") else { return Err(TestCaseError::fail(document)) };
            prop_assert_eq!(clean(read), clean(&text));
        }
    }
}
