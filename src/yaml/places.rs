//! Where something of a document stands. The parser tells places of failures only, so a visitor that fails where it
//! arrives is sent through the text.

use super::{MERGE, Step};
use crate::problem::Place;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The place of the value at `path`, if the document has it.
pub fn place_of_value(text: &str, path: &[Step]) -> Option<Place> {
    seek(text, path, false)
}

/// The place of the last key of `path`, if the document has it.
pub fn place_of_key(text: &str, path: &[Step]) -> Option<Place> {
    seek(text, path, true)
}

/// The place at which a key stands once more in one map: that of the n-th of [`Document::repeated`](super::Document::repeated).
pub fn place_of_repeated(text: &str, n: usize) -> Option<Place> {
    let mut left = n;
    walked(text, Again { left: &mut left })
}

fn seek(text: &str, path: &[Step], key: bool) -> Option<Place> {
    walked(text, Seek { path, key })
}

/// Walks the document with a visitor that fails on arrival: the parser adds the place to the failure.
fn walked<'de>(text: &'de str, visitor: impl DeserializeSeed<'de>) -> Option<Place> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let error = visitor.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    if !error.to_string().contains(ARRIVED) {
        return None;
    }
    error.location().map(|at| Place { line: at.line(), column: at.column() })
}

const ARRIVED: &str = "\u{1}arrived\u{1}";

struct Seek<'a> {
    path: &'a [Step],
    key: bool,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() { ARRIVED } else { "the way" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.path.split_first() else {
            return Err(de::Error::custom(if self.path.is_empty() { ARRIVED } else { "" }));
        };
        let fail_at_key = self.key && rest.is_empty();
        while let Some(found) = map.next_key_seed(SeekKey { wanted, fail: fail_at_key })? {
            if found {
                map.next_value_seed(Seek { path: rest, key: self.key })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((Step::Item(wanted), rest)) = self.path.split_first() else {
            return Err(de::Error::custom(if self.path.is_empty() { ARRIVED } else { "" }));
        };
        let mut at = 0;
        loop {
            if at == *wanted {
                seq.next_element_seed(Seek { path: rest, key: self.key })?;
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            at += 1;
        }
    }
}

struct SeekKey<'a> {
    wanted: &'a str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for SeekKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for SeekKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<bool, E> {
        if key == self.wanted && self.fail {
            return Err(E::custom(ARRIVED));
        }
        Ok(key == self.wanted)
    }
}

/// Looks for the next key that stands once more, after so many that are left.
struct Again<'a> {
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Again<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Again<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<(), E> {
        Ok(())
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Again { left: self.left })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut known = HashSet::new();
        while map.next_key_seed(AgainKey { known: &mut known, left: self.left })?.is_some() {
            map.next_value_seed(Again { left: self.left })?;
        }
        Ok(())
    }
}

struct AgainKey<'a> {
    known: &'a mut HashSet<String>,
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for AgainKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for AgainKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<(), E> {
        if key == MERGE || self.known.insert(key.to_owned()) {
            return Ok(());
        }
        match self.left.checked_sub(1) {
            Some(left) => *self.left = left,
            None => return Err(E::custom(ARRIVED)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn key(text: &str) -> Step {
        Step::Key(text.to_owned())
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "site:\n  url: x\nrules:\n  - name: a\n  - name: b\n    when: { at: never }\n";
        let path = [key("rules"), Step::Item(1), key("when"), key("at")];
        assert_eq!(place_of_value(text, &path), Some(Place { line: 6, column: 17 }));
        assert_eq!(place_of_key(text, &path), Some(Place { line: 6, column: 13 }));
        assert_eq!(place_of_key(text, &[key("site"), key("url")]), Some(Place { line: 2, column: 3 }));
        assert_eq!(place_of_key(text, &[key("nowhere")]), None);
        assert_eq!(place_of_value(text, &[key("rules"), Step::Item(9)]), None);
    }

    #[test]
    fn each_repeated_key_is_told_where_it_stands_again() {
        let text = "a: { x: 1, \"x\": 2 }\nb: 1\na:\n  - { é: [{ y: 1, y: 2 }], é: ~ }\nx: 1.5\n2026: 1\n2026: true\n";
        assert_eq!(parse(text).unwrap().repeated, ["x", "a", "y", "é", "2026"]);
        let places = [(1, 12), (3, 1), (4, 19), (4, 28), (7, 1)].map(|(line, column)| Some(Place { line, column }));
        assert_eq!([0, 1, 2, 3, 4].map(|n| place_of_repeated(text, n)), places);
        assert_eq!(place_of_repeated(text, 5), None);
    }
}
