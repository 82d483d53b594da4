//! The one place that reads YAML: configuration, `_config.yml` and front matter.
//!
//! It reads as Jekyll's Ruby does where that differs from a strict parser (the last of two equal keys wins, merge
//! keys are merged), keeps the order of keys, and tells the line and column of any path.
//! Guards come first: the parser is quadratic in unclosed brackets (see [`parse`]).

mod places;

pub use places::{place_of_key, place_of_repeated, place_of_value};

use crate::problem::Place;
use crate::text::{clean, is_blank};
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;

/// Most bytes of a document.
pub const BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a site's own settings.
pub const SETTINGS_MAX: usize = 1024 * 1024;
/// Most opening brackets: the parser takes quadratic time in them.
const BRACKETS_MAX: usize = 500;

/// A key, for a person: it may be empty.
pub fn key_in_words(key: &str) -> String {
    if key.is_empty() { "an empty key".to_owned() } else { format!("the key `{key}`") }
}

/// A YAML value. Keys keep their order; equal keys are merged, the last one winning.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Yaml {
    /// Nothing, `~` or `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// Keys and values, in order.
    Map(Vec<(String, Yaml)>),
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// The item of a list, from 0.
    Item(usize),
}

/// A document that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Where, in the document.
    pub place: Place,
    /// What the parser says.
    pub message: String,
    /// What to do, where that is known.
    pub cure: Option<String>,
}

/// A document's value, and the keys that stand twice in one map (dotted path and key).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The value.
    pub value: Yaml,
    /// Keys that are repeated, in the order of the text.
    pub repeated: Vec<String>,
}

/// Reads a document.
///
/// Errors: a document over [`BYTES_MAX`] or with over 500 opening brackets, broken YAML, a YAML tag.
pub fn parse(text: &str) -> Result<Document, YamlError> {
    parse_within(text, BYTES_MAX, BRACKETS_MAX)
}

/// Reads a site's own settings: few files, which may hold the words of a site in all its languages.
///
/// Errors: those of [`parse`], with a limit of 1 MiB and of 5,000 brackets.
pub fn parse_settings(text: &str) -> Result<Document, YamlError> {
    parse_within(text, SETTINGS_MAX, 10 * BRACKETS_MAX)
}

fn parse_within(text: &str, bytes_max: usize, brackets_max: usize) -> Result<Document, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > bytes_max {
        return Err(YamlError {
            place: Place::FILE,
            message: format!("{} bytes of YAML, over the limit of {bytes_max}", text.len()),
            cure: Some("move the long text out of the front matter".to_owned()),
        });
    }
    let brackets = text.bytes().filter(|b| matches!(b, b'[' | b'{')).count();
    if brackets > brackets_max {
        return Err(YamlError {
            place: Place::FILE,
            message: format!("{brackets} opening brackets, over the limit of {brackets_max}"),
            cure: Some("write lists as lines that start with “- ”".to_owned()),
        });
    }
    if text.trim().is_empty() {
        return Ok(Document::default());
    }
    let mut repeated = Vec::new();
    let seed = Build { repeated: &mut repeated };
    match seed.deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(value) => Ok(Document { value, repeated }),
        Err(error) => Err(explain(text, &error)),
    }
}

fn explain(text: &str, error: &serde_yaml::Error) -> YamlError {
    let place = error.location().map_or(Place::FILE, |at| Place { line: at.line(), column: at.column() });
    let full = error.to_string();
    // The parser ends its message with the place, which we give in front.
    let message = full.split(" at line ").next().unwrap_or(&full).trim_start_matches(": ").to_owned();
    let line = text.lines().nth(place.line.saturating_sub(1)).unwrap_or("");
    let cure = if full.contains("mapping values are not allowed") {
        Some("put the value in quotes: a colon followed by a space starts a new key".to_owned())
    } else if line.starts_with('\t') || full.contains("cannot start any token") && line.contains('\t') {
        Some("replace tabs by spaces".to_owned())
    } else if full.contains("cannot start any token") {
        Some("put the value in quotes: it starts with a character that YAML keeps for itself".to_owned())
    } else if full.contains("quoted scalar") {
        Some("close the quotation mark, or double the apostrophes inside ''…''".to_owned())
    } else if full.contains("recursion limit") || full.contains("repetition limit") {
        Some("nest less deep, and repeat no anchor within another".to_owned())
    } else {
        Some("look at this line and the one above it: indentation, quotation marks, colons".to_owned())
    };
    YamlError { place, message: format!("YAML: {message}"), cure }
}

/// The key whose value is merged into its map, as often as it stands there.
const MERGE: &str = "<<";

/// Builds a [`Yaml`], remembering keys that stand twice.
struct Build<'a> {
    repeated: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Yaml;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Yaml, E> {
        Ok(i64::try_from(value).map_or(Yaml::Float(value as f64), Yaml::Int))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Yaml, E> {
        Ok(Yaml::Float(value as f64))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Yaml, E> {
        Ok(Yaml::Float(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Build { repeated: self.repeated })? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut pairs: Vec<(String, Yaml)> = Vec::new();
        let mut merged: Vec<(String, Yaml)> = Vec::new();
        let mut at: HashMap<String, usize> = HashMap::new();
        // Keys are read as a value too: `2024: x` and `true: x` are keys that people write.
        while let Some(key) = map.next_key_seed(Build { repeated: self.repeated })? {
            let key = key.to_text().unwrap_or_default();
            // In the order of the text: before those within its value.
            if key != MERGE && at.contains_key(&key) {
                self.repeated.push(key.clone());
            }
            let value = map.next_value_seed(Build { repeated: self.repeated })?;
            if key == MERGE {
                match value {
                    Yaml::Map(from) => merged.extend(from),
                    Yaml::List(all) => merged.extend(all.into_iter().filter_map(Yaml::into_map).flatten()),
                    _ => {}
                }
            } else if let Some(old) = at.get(&key).and_then(|at| pairs.get_mut(*at)) {
                old.1 = value;
            } else {
                at.insert(key.clone(), pairs.len());
                pairs.push((key, value));
            }
        }
        for (key, value) in merged {
            if !at.contains_key(&key) {
                at.insert(key.clone(), pairs.len());
                pairs.push((key, value));
            }
        }
        Ok(Yaml::Map(pairs))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Yaml, A::Error> {
        Err(de::Error::custom("a YAML tag (“!…”) is not understood here"))
    }
}

impl Yaml {
    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The pairs, if this is a map.
    pub fn into_map(self) -> Option<Vec<(String, Yaml)>> {
        match self {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// Whether this is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A scalar as a person would read it; lists, maps and nothing have none.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// A scalar as text that says something: trimmed, not blank, and without what no document should hold.
    pub fn filled(&self) -> Option<String> {
        self.to_text().map(|text| clean(text.trim()).into_owned()).filter(|text| !is_blank(text))
    }

    /// Whether this is a list or a map, where a person should have written a text.
    pub fn is_compound(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// `true`/`false`, and `yes`, `no`, `on`, `off` as YAML 1.1 (and so Jekyll) reads them.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same value for serde, to fill a typed structure.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(pairs) => {
                serde_json::Value::Object(pairs.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_equal_keys_wins_as_in_ruby() {
        let document = parse("title: a\ntags: [x]\ntitle: b\n").unwrap();
        assert_eq!(document.value.get("title"), Some(&Yaml::Text("b".into())));
        assert_eq!(document.repeated, ["title"]);
    }

    #[test]
    fn merge_keys_and_anchors_are_followed() {
        let document = parse("a: &a { x: 1, y: 2 }\nb:\n  <<: *a\n  y: 3\n").unwrap();
        let b = document.value.get("b").unwrap();
        assert_eq!((b.get("x"), b.get("y")), (Some(&Yaml::Int(1)), Some(&Yaml::Int(3))));
    }

    #[test]
    fn errors_name_the_place_and_the_cure() {
        let error = parse("title: Cloud : suite: fin\n").unwrap_err();
        assert_eq!(error.place.line, 1);
        assert!(error.cure.unwrap().contains("quotes"), "{}", error.message);
        assert!(parse(&"[".repeat(2_000)).unwrap_err().message.contains("brackets"));
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
        assert!(parse(bomb).is_err());
    }
}
