//! TOML and JSON into the tree that YAML is read into, so that everything downstream is one road.

use crate::problem::Place;
use crate::yaml::{BYTES_MAX, Document, SETTINGS_MAX, Step, Yaml, YamlError};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Deepest nesting of JSON and TOML.
const DEPTH_MAX: usize = 64;

/// Reads TOML.
///
/// Errors: a document over [`BYTES_MAX`], broken TOML (a key that stands twice is).
pub fn parse(text: &str) -> Result<Document, YamlError> {
    parse_within(text, BYTES_MAX)
}

/// Reads a site's own settings, with a limit of 1 MiB.
pub fn parse_settings(text: &str) -> Result<Document, YamlError> {
    parse_within(text, SETTINGS_MAX)
}

fn parse_within(text: &str, bytes_max: usize) -> Result<Document, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    guard(text, "TOML", bytes_max)?;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let cure = if message.contains("duplicate key") {
            "take out the one that is wrong".to_owned()
        } else if text.get(..at).and_then(|before| before.lines().last()).is_some_and(|line| line.contains(": ")) {
            "in TOML a value follows “=”, such as title = \"…\"".to_owned()
        } else {
            "put texts in quotes, and what follows “=” on one line".to_owned()
        };
        YamlError { place: Place::of_byte(text, at), message: format!("TOML: {message}"), cure: Some(cure) }
    })?;
    Ok(Document { value: map(table.get_ref(), 0), repeated: Vec::new() })
}

fn map(table: &DeTable, depth: usize) -> Yaml {
    let pairs = table.iter().map(|(key, value)| (key.get_ref().to_string(), value_of(value.get_ref(), depth + 1)));
    Yaml::Map(pairs.collect())
}

fn value_of(value: &DeValue, depth: usize) -> Yaml {
    if depth > DEPTH_MAX {
        return Yaml::Null;
    }
    match value {
        DeValue::String(text) => Yaml::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Yaml::Text(number.to_string()), Yaml::Int)
        }
        DeValue::Float(number) => number.as_str().parse().map_or_else(|_| Yaml::Text(number.to_string()), Yaml::Float),
        DeValue::Boolean(value) => Yaml::Bool(*value),
        DeValue::Datetime(date) => Yaml::Text(date.to_string()),
        DeValue::Array(items) => Yaml::List(items.iter().map(|item| value_of(item.get_ref(), depth + 1)).collect()),
        DeValue::Table(table) => map(table, depth),
    }
}

/// The place of the key at a path, or of its value if `value`, if the document has it.
pub fn place(text: &str, path: &[Step], value: bool) -> Option<Place> {
    let table = DeTable::parse(text).ok()?;
    let mut here: &DeTable = table.get_ref();
    let (last, way) = path.split_last()?;
    let find = |table: &DeTable, step: &Step| -> Option<(usize, usize)> {
        let Step::Key(name) = step else { return None };
        table
            .iter()
            .find(|(key, _)| key.get_ref().eq_ignore_ascii_case(name))
            .map(|(key, value)| (key.span().start, Spanned::span(value).start))
    };
    for step in way {
        let Step::Key(name) = step else { return None };
        here = match here.iter().find(|(key, _)| key.get_ref().eq_ignore_ascii_case(name))?.1.get_ref() {
            DeValue::Table(table) => table,
            _ => return None,
        };
    }
    find(here, last).map(|(key, content)| Place::of_byte(text, if value { content } else { key }))
}

/// Reads JSON.
///
/// Errors: a document over [`BYTES_MAX`], broken JSON, one nested over 128 deep.
pub fn parse_json(text: &str) -> Result<Document, YamlError> {
    parse_json_within(text, BYTES_MAX)
}

/// Reads a site's own settings, with a limit of 1 MiB.
pub fn parse_json_settings(text: &str) -> Result<Document, YamlError> {
    parse_json_within(text, SETTINGS_MAX)
}

fn parse_json_within(text: &str, bytes_max: usize) -> Result<Document, YamlError> {
    guard(text, "JSON", bytes_max)?;
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => Ok(Document { value: of_json(value), repeated: Vec::new() }),
        Err(error) => {
            let full = error.to_string();
            let message = full.split(" at line ").next().unwrap_or(&full);
            Err(YamlError {
                place: Place { line: error.line().max(1), column: error.column().max(1) },
                message: format!("JSON: {message}"),
                cure: Some("put names and texts in double quotes, and a comma between two of them".to_owned()),
            })
        }
    }
}

fn of_json(value: serde_json::Value) -> Yaml {
    use serde_json::Value;
    match value {
        Value::Null => Yaml::Null,
        Value::Bool(value) => Yaml::Bool(value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Yaml::Int(whole),
            (None, Some(float)) => Yaml::Float(float),
            (None, None) => Yaml::Text(number.to_string()),
        },
        Value::String(text) => Yaml::Text(text),
        Value::Array(items) => Yaml::List(items.into_iter().map(of_json).collect()),
        Value::Object(pairs) => Yaml::Map(pairs.into_iter().map(|(key, value)| (key, of_json(value))).collect()),
    }
}

fn guard(text: &str, what: &str, bytes_max: usize) -> Result<(), YamlError> {
    if text.len() <= bytes_max {
        return Ok(());
    }
    Err(YamlError {
        place: Place::FILE,
        message: format!("{} bytes of {what}, over the limit of {bytes_max}", text.len()),
        cure: Some("move the long text out of the front matter".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn toml_and_json_become_the_tree_of_yaml() {
        let toml = "title = \"a\"\ndate = 2024-07-05T14:00:00Z\nday = 2024-07-05\nn = 0x10\n[taxonomies]\ntags = ['x', \"y\"]\n[[extra.see]]\np = 1.5\n";
        let read = parse(toml).unwrap().value;
        assert_eq!(read.get("date"), Some(&Yaml::Text("2024-07-05T14:00:00Z".into())));
        assert_eq!(read.get("day"), Some(&Yaml::Text("2024-07-05".into())));
        assert_eq!(read.get("n"), Some(&Yaml::Int(16)));
        let tags = read.get("taxonomies").and_then(|all| all.get("tags")).unwrap();
        assert_eq!(tags, &Yaml::List(vec![Yaml::Text("x".into()), Yaml::Text("y".into())]));
        let json = parse_json("{\"title\": \"a\", \"draft\": true, \"n\": null}").unwrap().value;
        assert_eq!((json.get("draft"), json.get("n")), (Some(&Yaml::Bool(true)), Some(&Yaml::Null)));
    }

    #[test]
    fn places_and_errors_are_those_of_the_text() {
        let toml = "title = \"a\"\n[extra]\ndate = 1\n";
        let path = [Step::Key("extra".into()), Step::Key("date".into())];
        assert_eq!(place(toml, &path, false), Some(Place { line: 3, column: 1 }));
        assert_eq!(place(toml, &path, true), Some(Place { line: 3, column: 8 }));
        let error = parse("title = \"a\"\ndate = demain\n").unwrap_err();
        assert_eq!((error.place.line, error.place.column), (2, 8), "{}", error.message);
        assert_eq!(parse("a = 1\na = 2\n").unwrap_err().place.line, 2);
        assert_eq!(parse_json("{\n\"a\": }").unwrap_err().place.line, 2);
        assert!(parse(&"a".repeat(BYTES_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_the_readers_fail(text in any::<String>(), depth in 0usize..3000) {
            let _ = (parse(&text), parse_json(&text), place(&text, &[Step::Key("a".into())], true));
            let deep = format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
            let _ = (parse(&deep), parse_json(&deep[4..]));
        }
    }
}
