//! Content lines, of which calendars are made (RFC 5545, section 3.1).
//!
//! Written here since the crate `icalendar` (0.17.17) does not keep to the length of a line: the last part of a folded
//! one can have 76 octets. It also takes time that grows with the square of a line's length, escapes no property that
//! is newer than RFC 5545, and asks the clock and chance for what is missing.

use crate::text::is_xml;

/// Most octets of a line, without its end.
pub(super) const OCTETS_MAX: usize = 75;

/// Lines that are written one after the other.
#[derive(Debug, Default)]
pub(super) struct Lines {
    written: String,
}

impl Lines {
    /// A property whose value is of no text: dates, numbers, addresses, words of the standard. `name` may have
    /// parameters; it and the value are written as they are, but for what would end the line.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        let line: String = name.chars().chain([':']).chain(value.chars()).filter(|c| !c.is_control()).collect();
        self.fold(&line);
    }

    /// A property whose value is a text (section 3.3.11).
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.put(name, &escaped(value));
    }

    /// A property whose value is a list of texts.
    pub(super) fn texts(&mut self, name: &str, values: &[String]) {
        let values: Vec<String> = values.iter().map(|value| escaped(value)).collect();
        self.put(name, &values.join(","));
    }

    /// What is written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.written.into_bytes()
    }

    /// Writes a line in parts of which none is too long or ends inside a character.
    fn fold(&mut self, line: &str) {
        let mut room = OCTETS_MAX;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.written.push_str("\r\n ");
                room = OCTETS_MAX - 1;
            }
            room -= c.len_utf8();
            self.written.push(c);
        }
        self.written.push_str("\r\n");
    }
}

/// A text without control characters, escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars().filter(|c| is_xml(*c)) {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            // Some programs take any of these for the end of a line.
            '\t' | '\u{2028}' | '\u{2029}' => escaped.push(' '),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_escaped_and_lists_are_not_torn() {
        let mut lines = Lines::default();
        lines.text("SUMMARY;LANGUAGE=fr", "a\\b; c, d: \"e\"\nf\r\u{7f}\u{0}\u{85}");
        lines.texts("CATEGORIES", &["a, b".to_owned(), "c".to_owned()]);
        lines.put("URL", "https://x.fr/a;b,c\r\nEND:VEVENT");
        assert_eq!(
            String::from_utf8(lines.into_bytes()).unwrap(),
            "SUMMARY;LANGUAGE=fr:a\\\\b\\; c\\, d: \"e\"\\nf\r\nCATEGORIES:a\\, b,c\r\nURL:https://x.fr/a;b,cEND:VEVENT\r\n"
        );
    }

    proptest! {
        #[test]
        fn a_folded_line_is_short_and_is_the_same_again(text in "[a é👩\u{301};,\\\\\n]{0,400}") {
            let mut lines = Lines::default();
            lines.text("X", &text);
            let bytes = lines.into_bytes();
            for line in bytes.split(|byte| *byte == b'\n') {
                prop_assert!(line.len() <= OCTETS_MAX + 1 && std::str::from_utf8(line).is_ok());
            }
            let whole = String::from_utf8(bytes).unwrap();
            let unfolded = whole.replace("\r\n ", "");
            prop_assert_eq!(unfolded, format!("X:{}\r\n", escaped(&text)));
        }
    }
}
