//! From text to [`Config`]: parse, fill in `${NAME}`, compare with the schema, then read section by section,
//! collecting problems all the way.

use super::endpoints::EndpointName;
use super::raw::RawConfig;
use super::{Config, Surroundings, campaigns, endpoints, hub, quiet, rules, schema, sections, shape, store};
use crate::problem::{Place, Problem};
use crate::secret::{Key, Secret};
use crate::yaml::{self, Step, Yaml};
use std::collections::BTreeSet;
use std::path::Path;

/// Most repeated keys of which each place is looked for: every look goes through the text.
const REPEATED_MAX: usize = 100;

/// The text at hand and the problems found so far.
pub(super) struct Reader<'a> {
    file: &'a str,
    /// The text, with the braces of `${NAME}` set aside (see [`marked`]).
    text: String,
    surroundings: &'a Surroundings<'a>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &str, surroundings: &'a Surroundings<'a>) -> Self {
        Self { file, text: marked(text), surroundings, problems: Vec::new() }
    }

    pub(super) fn config(mut self) -> Result<Config, Vec<Problem>> {
        let document = match yaml::parse(&self.text) {
            Ok(document) => document,
            Err(error) => {
                let mut problem = Problem::error(self.file, error.place, error.message);
                problem.cure = error.cure;
                return Err(vec![problem]);
            }
        };
        for (n, key) in document.repeated.iter().enumerate() {
            let place = (n < REPEATED_MAX).then(|| yaml::place_of_repeated(&self.text, n)).flatten();
            let problem = Problem::error(
                self.file,
                place.unwrap_or(Place::FILE),
                format!("{} stands twice in one section", yaml::key_in_words(key)),
            );
            self.problems.push(problem.cure("keep one of them"));
        }
        let mut value = document.value;
        self.fill_in(&mut value, &mut Vec::new());
        for mismatch in shape::compare(&value, &schema()) {
            let place = if mismatch.at_key {
                yaml::place_of_key(&self.text, &mismatch.path)
            } else {
                yaml::place_of_value(&self.text, &mismatch.path)
            };
            // A key that is at fault names itself: only where it stands is said in front.
            let shown = if mismatch.at_key { &mismatch.path[..mismatch.path.len() - 1] } else { &mismatch.path[..] };
            let message =
                if shown.is_empty() { mismatch.message } else { format!("{}: {}", dotted(shown), mismatch.message) };
            let mut problem = Problem::error(self.file, place.unwrap_or(Place::FILE), message);
            problem.cure = mismatch.cure;
            self.problems.push(problem);
            forget(&mut value, &mismatch.path);
        }
        drop_nulls(&mut value);
        if value.is_null() {
            value = Yaml::Map(Vec::new());
        }
        let raw: RawConfig = match serde_json::from_value(value.to_json()) {
            Ok(raw) => raw,
            Err(error) => {
                // The schema has reported all there is; serde is asked only to fill the structure.
                if self.problems.is_empty() {
                    self.problems.push(Problem::error(self.file, Place::FILE, error.to_string()));
                }
                RawConfig::default()
            }
        };
        let config = self.sections(raw);
        if self.problems.is_empty() {
            return Ok(config);
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.dedup();
        Err(self.problems)
    }

    fn sections(&mut self, raw: RawConfig) -> Config {
        let store = store::read(self, raw.store, raw.store_file);
        let site = sections::site(self, raw.site, store.beside());
        // A rule may name an endpoint that has mistakes of its own: those are reported there.
        let names: BTreeSet<EndpointName> = raw.endpoints.keys().map(EndpointName::new).collect();
        let alerts = raw.alerts.map(EndpointName::new).filter(|alerts| {
            let is_known = names.contains(alerts);
            if !is_known {
                let message = format!("alerts: there is no endpoint `{alerts}`");
                self.problem(&[key("alerts")], message, "write the name of one of `endpoints`");
            }
            is_known
        });
        let endpoints = endpoints::read(self, raw.endpoints);
        let mut rule_names = BTreeSet::new();
        let mut rules = rules::read(self, raw.rules, &names, &mut rule_names);
        rules.extend(campaigns::read(self, raw.campaigns, &names, &mut rule_names));
        Config {
            http: sections::http(self, raw.http),
            store,
            store_key: self.store_key(raw.store_key, raw.store_key_file),
            feeds: sections::feeds(self, raw.feeds),
            hub: hub::read(self, raw.hub),
            hashtags: sections::hashtags(self, raw.hashtags),
            delivery: sections::delivery(self, raw.delivery),
            quiet_hours: quiet::hours(self, &[key("quiet_hours")], &raw.quiet_hours),
            blackouts: quiet::blackouts(self, raw.blackouts),
            baseline: rules::baseline(self, raw.baseline),
            site,
            endpoints,
            alerts,
            rules,
        }
    }

    fn store_key(&mut self, given: Option<String>, file: Option<String>) -> Option<Key> {
        let is_file = file.is_some();
        let given = self.secret(&[], "store_key", given, file)?;
        let found = Key::parse(given.expose());
        // What is not set or cannot be read is reported already.
        if found.is_none() && given.expose() != "unset" {
            let name = if is_file { "store_key_file" } else { "store_key" };
            // The value is a secret: it is not repeated.
            let message = format!("{name}: this is not a key of 32 bytes in base64 or hexadecimal");
            self.problem(&[key(name)], message, "make one with: openssl rand -base64 32");
        }
        found
    }

    /// Reports a problem at the value of a path.
    pub(super) fn problem(&mut self, path: &[Step], message: impl Into<String>, cure: impl Into<String>) {
        // A path that the text does not have (a missing key) is shown at its nearest parent.
        let place = (0..=path.len())
            .rev()
            .find_map(|length| yaml::place_of_value(&self.text, &path[..length]))
            .unwrap_or(Place::FILE);
        self.problems.push(Problem::error(self.file, place, message).cure(cure));
    }

    /// How many problems are found so far.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// The value of an environment variable, unless it is empty.
    pub(super) fn env(&self, name: &str) -> Option<String> {
        (self.surroundings.env)(name).filter(|value| !value.is_empty())
    }

    /// Whether the value of a path was found wrong already: then it is not missing too.
    pub(super) fn is_reported(&self, path: &[Step]) -> bool {
        let start = format!("{}: ", dotted(path));
        self.problems.iter().any(|problem| problem.message.starts_with(&start))
    }

    /// Reads a value with a function whose error is a sentence; on error reports it and takes the default.
    pub(super) fn with<T>(&mut self, path: &[Step], read: Result<T, String>, default: T) -> T {
        match read {
            Ok(value) => value,
            Err(message) => {
                let (message, cure) = match message.split_once("; ") {
                    Some((message, cure)) => (message.to_owned(), cure.to_owned()),
                    None => (message, "see docs/configuration.md".to_owned()),
                };
                self.problem(path, format!("{}: {message}", dotted(path)), cure);
                default
            }
        }
    }

    /// A secret given as text or as the path of a file, never both.
    pub(super) fn secret(
        &mut self,
        path: &[Step],
        name: &str,
        text: Option<String>,
        file: Option<String>,
    ) -> Option<Secret> {
        let at = |name: String| [path, &[Step::Key(name)]].concat();
        match (text, file) {
            (Some(_), Some(_)) => {
                let message = format!("{}: given both as text and as a file", dotted(&at(name.to_owned())));
                self.problem(&at(name.to_owned()), message, format!("keep one of {name} and {name}_file"));
                None
            }
            (Some(text), None) => Some(Secret::new(text)).filter(|secret| !secret.is_empty()),
            (None, Some(file)) => match (self.surroundings.read)(Path::new(&file)) {
                Ok(text) if text.trim().is_empty() => {
                    self.problem(
                        &at(format!("{name}_file")),
                        format!("{file}: the file is empty"),
                        "write the secret into it",
                    );
                    Some(Secret::new("unset"))
                }
                Ok(text) => Some(Secret::new(text)),
                Err(error) => {
                    let message = format!("{file}: cannot be read ({error})");
                    self.problem(&at(format!("{name}_file")), message, "check the path and the rights of the file");
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Replaces `${NAME}` and `${NAME:-default}` in every text; `$${` stands for `${`.
    fn fill_in(&mut self, value: &mut Yaml, path: &mut Vec<Step>) {
        match value {
            Yaml::Text(text) if text.contains(OPEN) => {
                let before = self.problems.len();
                let filled = self.filled(text, path);
                // Reported once: a secret that is not set is not missing too, and other values take their default.
                let is_secret = matches!(path.last(), Some(Step::Key(name)) if is_secret_key(name));
                *value = match self.problems.len() == before {
                    true => Yaml::Text(filled),
                    false if is_secret => Yaml::Text("unset".to_owned()),
                    false => Yaml::Null,
                };
            }
            Yaml::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    path.push(Step::Item(at));
                    self.fill_in(item, path);
                    path.pop();
                }
            }
            Yaml::Map(pairs) => {
                for (name, item) in pairs {
                    path.push(Step::Key(name.clone()));
                    self.fill_in(item, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn filled(&mut self, text: &str, path: &[Step]) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            filled.push_str(&rest[..start]);
            let inside = &rest[start + OPEN.len()..];
            let (inside, after) = inside.split_once(CLOSE).unwrap_or((inside, ""));
            let (name, default) =
                inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
            match self.env(name).or(default.map(str::to_owned)) {
                Some(value) => filled.push_str(&value),
                None => self.problem(
                    path,
                    format!("{}: the environment variable {name} is not set", dotted(path)),
                    format!("set {name}, or give the secret in a file with the key …_file"),
                ),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// Whether the value of a key is a secret: what it is must not be said, and that it is unset is said once.
fn is_secret_key(name: &str) -> bool {
    name.ends_with("token")
        || name.ends_with("secret")
        || name.ends_with("password")
        || name == "key"
        || name.ends_with("_key")
        || name == "hook"
}

/// What stands for `${` and `}` while YAML is read, character for character, so that places stay right: YAML would
/// take the braces of `{ token: ${NAME} }` for its own. Both are of Unicode's private use.
const OPEN: &str = "\u{E000}\u{E001}";
const CLOSE: char = '\u{E002}';

/// The text with the braces of every `${NAME}` and `${NAME:-default}` set aside; `$${` stands for `${`.
pub(super) fn marked(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inside = &rest[start + 2..];
        let end = inside.find('}').filter(|end| is_variable(&inside[..*end]));
        if rest[..start].ends_with('$') {
            marked.push_str(&rest[..start]);
            marked.push('{');
            rest = inside;
        } else if let Some(end) = end {
            marked.push_str(&rest[..start]);
            marked.push_str(OPEN);
            marked.push_str(&inside[..end]);
            marked.push(CLOSE);
            rest = &inside[end + 1..];
        } else {
            marked.push_str(&rest[..start + 2]);
            rest = inside;
        }
    }
    marked.push_str(rest);
    marked
}

fn is_variable(inside: &str) -> bool {
    let name = inside.split(":-").next().unwrap_or("");
    !name.is_empty() && !inside.contains('\n') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A step to a key.
pub(super) fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

/// A path as people write it: `rules[1].when.slots`.
pub(super) fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(name) if text.is_empty() => text.push_str(name),
            Step::Key(name) => text.push_str(&format!(".{name}")),
            Step::Item(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}

/// Takes a value out of the tree, so that what is left can still be read and checked.
fn forget(value: &mut Yaml, path: &[Step]) {
    match (path, value) {
        ([Step::Key(name)], Yaml::Map(pairs)) => pairs.retain(|(known, _)| known != name),
        ([Step::Item(at)], Yaml::List(items)) => {
            if let Some(item) = items.get_mut(*at) {
                *item = Yaml::Null;
            }
        }
        ([Step::Key(name), rest @ ..], Yaml::Map(pairs)) => {
            if let Some((_, inner)) = pairs.iter_mut().find(|(known, _)| known == name) {
                forget(inner, rest);
            }
        }
        ([Step::Item(at), rest @ ..], Yaml::List(items)) => {
            if let Some(inner) = items.get_mut(*at) {
                forget(inner, rest);
            }
        }
        _ => {}
    }
}

/// A key without a value is a key that is not there.
fn drop_nulls(value: &mut Yaml) {
    match value {
        Yaml::Map(pairs) => {
            pairs.retain(|(_, value)| !value.is_null());
            pairs.iter_mut().for_each(|(_, value)| drop_nulls(value));
        }
        Yaml::List(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}
