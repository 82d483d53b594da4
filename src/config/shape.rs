//! Compares a YAML tree with the JSON Schema of the configuration, and reports every difference at once.
//!
//! The schema is the one that editors complete with (`config/crieur.schema.json`), so what an editor marks and what
//! the program refuses are the same. Only the parts of JSON Schema that [`super::raw`] produces are understood.

use crate::yaml::{Step, Yaml};
use serde_json::Value;

/// A difference: where, what, and what to do.
pub struct Mismatch {
    /// The way to the value.
    pub path: Vec<Step>,
    /// Whether the key itself is at fault, not its value.
    pub at_key: bool,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: Option<String>,
}

/// Keys that the contract names and this version does not have, with what they would do.
const NOT_YET: &[(&str, &str)] = &[];

/// All differences between a value and a schema, in the order of the text.
pub fn compare(value: &Yaml, schema: &Value) -> Vec<Mismatch> {
    let mut walk = Walk { root: schema, found: Vec::new(), path: Vec::new() };
    walk.visit(value, schema);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    found: Vec<Mismatch>,
    path: Vec<Step>,
}

impl Walk<'_> {
    fn report(&mut self, message: String, cure: Option<String>) {
        self.found.push(Mismatch { path: self.path.clone(), at_key: false, message, cure });
    }

    fn visit(&mut self, value: &Yaml, schema: &Value) {
        let schema = self.resolve(schema);
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            parts.iter().for_each(|part| self.visit(value, part));
        } else if let Some(options) =
            schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array).cloned()
        {
            self.visit_any(value, &options);
        } else if let Some(word) = schema.get("const") {
            if value.to_json() != *word {
                self.not_a_word(value, std::slice::from_ref(word));
            }
        } else if let Some(words) = schema.get("enum").and_then(Value::as_array).cloned() {
            if !words.contains(&value.to_json()) {
                self.not_a_word(value, &words);
            }
        } else {
            self.visit_typed(value, &schema);
        }
    }

    fn resolve(&self, schema: &Value) -> Value {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        match pointer.and_then(|pointer| self.root.pointer(pointer)) {
            Some(target) => self.resolve(target),
            None => schema.clone(),
        }
    }

    /// The option that fits; else the differences from the one that fits best (by its kind of value).
    fn visit_any(&mut self, value: &Yaml, options: &[Value]) {
        let words: Vec<Value> = options.iter().filter_map(|o| self.resolve(o).get("const").cloned()).collect();
        if words.len() == options.len() {
            if !words.contains(&value.to_json()) {
                self.not_a_word(value, &words);
            }
            return;
        }
        let mut best: Option<Vec<Mismatch>> = None;
        for option in options {
            let mut trial = Walk { root: self.root, found: Vec::new(), path: self.path.clone() };
            trial.visit(value, option);
            if trial.found.is_empty() {
                return;
            }
            let deeper = |found: &[Mismatch]| found.iter().map(|m| m.path.len()).max().unwrap_or(0);
            let fits_kind = |found: &[Mismatch]| !found.iter().any(|m| m.path.len() == self.path.len());
            let better = best
                .as_ref()
                .is_none_or(|best| (fits_kind(&trial.found), deeper(&trial.found)) > (fits_kind(best), deeper(best)));
            // `null` is an option of every optional key: never what a person meant.
            if better && self.resolve(option).get("type").and_then(Value::as_str) != Some("null") {
                best = Some(trial.found);
            }
        }
        self.found.extend(best.unwrap_or_default());
    }

    fn visit_typed(&mut self, value: &Yaml, schema: &Value) {
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let kind = match value {
            Yaml::Null => "null",
            Yaml::Bool(_) => "boolean",
            Yaml::Int(_) => "integer",
            Yaml::Float(_) => "number",
            Yaml::Text(_) => "string",
            Yaml::List(_) => "array",
            Yaml::Map(_) => "object",
        };
        // A section whose keys are all commented out is an empty section.
        if kind == "null" && (kinds.contains(&"object") || kinds.contains(&"array")) {
            return;
        }
        // A whole number is a number.
        let is_wanted = kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"));
        if !is_wanted {
            let wanted: Vec<&str> = kinds.iter().filter(|k| **k != "null").map(|k| in_words(k)).collect();
            let cure = (kinds.contains(&"string") && matches!(kind, "integer" | "number" | "boolean"))
                .then(|| "put it in quotes".to_owned());
            self.report(format!("{} where {} is expected", in_words(kind), wanted.join(" or ")), cure);
            return;
        }
        match value {
            Yaml::Int(number) => self.visit_number(*number, schema),
            Yaml::List(items) => {
                let Some(item_schema) = schema.get("items").cloned() else { return };
                for (at, item) in items.iter().enumerate() {
                    self.path.push(Step::Item(at));
                    self.visit(item, &item_schema);
                    self.path.pop();
                }
            }
            Yaml::Map(pairs) => self.visit_map(pairs, schema),
            _ => {}
        }
    }

    fn visit_number(&mut self, number: i64, schema: &Value) {
        let least = schema.get("minimum").and_then(Value::as_i64);
        let most = schema.get("maximum").and_then(Value::as_i64).or_else(|| most_of(schema));
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("between {least} and {most}"),
                (Some(least), None) => format!("of at least {least}"),
                (None, Some(most)) => format!("of at most {most}"),
                (None, None) => return,
            };
            self.report(format!("{number} is out of range"), Some(format!("write a number {range}")));
        }
    }

    fn visit_map(&mut self, pairs: &[(String, Yaml)], schema: &Value) {
        let known = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let others = schema.get("additionalProperties").cloned().unwrap_or(Value::Bool(true));
        for (key, value) in pairs {
            self.path.push(Step::Key(key.clone()));
            match (known.get(key), &others) {
                (Some(schema), _) => self.visit(value, schema),
                (None, Value::Bool(false)) => {
                    let (message, cure) = unknown_key(key, &known);
                    self.found.push(Mismatch { path: self.path.clone(), at_key: true, message, cure: Some(cure) });
                }
                (None, Value::Bool(true)) => {}
                (None, schema) => self.visit(value, schema),
            }
            self.path.pop();
        }
    }

    fn not_a_word(&mut self, value: &Yaml, words: &[Value]) {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let given = value.to_text().map_or_else(|| "this value".to_owned(), |text| format!("`{text}`"));
        let cure = match value.to_text().and_then(|text| nearest(&text, words.iter().map(String::as_str))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of: {}", words.join(", ")),
        };
        self.report(format!("{given} is not understood here"), Some(cure));
    }
}

/// The greatest number that a kind of numbers holds, where a schema names the kind and no maximum.
fn most_of(schema: &Value) -> Option<i64> {
    match schema.get("format")?.as_str()? {
        "uint8" => Some(u8::MAX.into()),
        "uint16" => Some(u16::MAX.into()),
        "uint32" => Some(u32::MAX.into()),
        _ => None,
    }
}

fn unknown_key(key: &str, known: &serde_json::Map<String, Value>) -> (String, String) {
    if let Some((_, what)) = NOT_YET.iter().find(|(name, _)| *name == key) {
        return (
            format!("`{key}` ({what}) is not in this version yet"),
            "take the key out; nothing is done in its place".to_owned(),
        );
    }
    let cure = match nearest(key, known.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("keys here: {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    (format!("unknown key `{key}`"), cure)
}

fn in_words(kind: &str) -> &str {
    match kind {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => "a set of keys",
    }
}

/// The word that a person most likely meant: at most two letters away (Levenshtein), and at most a third of it.
pub fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_lowercase();
    known
        .map(|other| (distance(&word, &other.to_lowercase()), other))
        .filter(|(distance, other)| *distance <= (other.chars().count() / 3).clamp(1, 2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
