//! The front matter of a file: where it ends, and its values, in the three forms that generators read.

use super::toml;
use crate::config::Generator;
use crate::problem::{Place, Problem};
use crate::yaml::{self, Step, Yaml};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// Most repeated keys that are told of one file: to find the place of each, it is read once more.
const REPEATED_MAX: usize = 20;

/// How a front matter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML between lines of `---`.
    Yaml,
    /// TOML between lines of `+++`.
    Toml,
    /// A JSON object.
    Json,
}

/// A file cut in two.
#[derive(Debug)]
pub struct Split<'a> {
    /// The front matter without its fences.
    pub front: &'a str,
    /// The text after it.
    pub body: &'a str,
    /// Lines of the file before `front`.
    pub lines_above: usize,
    /// How it is written.
    pub format: Format,
}

/// Cuts a file at its front matter, as its generator does. None if the file has none, or one that never ends.
///
/// Jekyll reads YAML from the first line to a line `---` or `...`. The others pass over blank lines before it and read
/// TOML too; Hugo also reads JSON.
pub fn split(text: &str, generator: Generator) -> Option<Split<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, above) = match generator {
        Generator::Jekyll => (text, 0),
        _ => without_blank_lines(text),
    };
    if text.starts_with('{') && generator == Generator::Hugo {
        let end = end_of_json(text)?;
        let body = text[end..].strip_prefix("\r\n").or_else(|| text[end..].strip_prefix('\n')).unwrap_or(&text[end..]);
        return Some(Split { front: &text[..end], body, lines_above: above, format: Format::Json });
    }
    let first_end = text.find('\n')?;
    let (format, fences): (Format, &[&str]) = match text[..first_end].trim_end() {
        "---" if generator == Generator::Jekyll => (Format::Yaml, &["---", "..."]),
        "---" => (Format::Yaml, &["---"]),
        "+++" if generator != Generator::Jekyll => (Format::Toml, &["+++"]),
        _ => return None,
    };
    let start = first_end + 1;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if fences.contains(&line.trim_end()) {
            let body = &text[at + line.len()..];
            return Some(Split { front: &text[start..at], body, lines_above: above + 1, format });
        }
        at += line.len();
    }
    None
}

/// The text after the blank lines at its start, and how many there are.
fn without_blank_lines(text: &str) -> (&str, usize) {
    let start = text.len() - text.trim_start().len();
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    (&text[line..], text[..line].matches('\n').count())
}

/// The end of the object at the start of a text: braces inside strings do not count.
fn end_of_json(text: &str) -> Option<usize> {
    let (mut depth, mut inside, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' if !inside => depth += 1,
            b'}' if !inside => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a file starts a front matter, whether or not it ends it or its generator would read it: such a file is
/// meant to be an article.
pub fn starts(text: &str, generator: Generator) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    let first = text.lines().next().unwrap_or("").trim_end();
    // Two braces start a shortcode.
    matches!(first, "---" | "+++")
        || (generator == Generator::Hugo && first.starts_with('{') && !first.starts_with("{{"))
}

/// The values of a front matter, with the means to tell where they stand.
#[derive(Debug)]
pub struct FrontMatter<'a> {
    path: &'a str,
    front: &'a str,
    lines_above: usize,
    format: Format,
    /// Whether keys are the same whatever their case, as for Hugo.
    fold: bool,
    value: Yaml,
    /// Places that were sought: a list of a thousand images that are missing stands at one.
    places: RefCell<HashMap<String, Place>>,
}

impl<'a> FrontMatter<'a> {
    /// Reads the values. The problem says where and why they cannot be read.
    pub fn read(path: &'a str, split: &Split<'a>, generator: Generator) -> Result<(Self, Vec<Problem>), Problem> {
        let read = match split.format {
            Format::Yaml => yaml::parse(split.front),
            Format::Toml => toml::parse(split.front),
            Format::Json => toml::parse_json(split.front),
        };
        let document = read.map_err(|error| {
            let mut problem =
                Problem::error(path, error.place.below(split.lines_above), error.message).kind("bad-front-matter");
            problem.cure = error.cure;
            problem
        })?;
        let front = Self {
            path,
            front: split.front,
            lines_above: split.lines_above,
            format: split.format,
            fold: generator == Generator::Hugo,
            value: document.value,
            places: RefCell::default(),
        };
        if !matches!(front.value, Yaml::Map(_) | Yaml::Null) {
            return Err(Problem::error(path, Place::FILE.below(split.lines_above), "the front matter has no keys")
                .kind("bad-front-matter")
                .cure("write lines such as “title: …” between the two lines of dashes"));
        }
        let problems = document
            .repeated
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .take(REPEATED_MAX)
            .map(|key| {
                front
                    .warning(
                        key,
                        format!("{} stands twice; the last one counts, as for Jekyll", yaml::key_in_words(key)),
                    )
                    .kind("repeated-key")
                    .cure("take out the one that is wrong")
            })
            .collect();
        Ok((front, problems))
    }

    /// The value of a key as it is written, nothing included.
    pub fn written(&self, key: &str) -> Option<&Yaml> {
        match &self.value {
            Yaml::Map(pairs) if self.fold => {
                pairs.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            }
            value => value.get(key),
        }
    }

    /// The value of a key; a key without a value is not there.
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        self.written(key).filter(|value| !value.is_null())
    }

    /// The first of several keys that says something, as trimmed text.
    pub fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.get(key).and_then(Yaml::filled))
    }

    /// Whether the value of a key is written without quotes, which makes a time of it in YAML.
    pub fn is_bare(&self, key: &str) -> bool {
        let path = [Step::Key(key.to_owned())];
        self.format == Format::Yaml
            && yaml::place_of_value(self.front, &path).is_some_and(|place| {
                let line = self.front.lines().nth(place.line.saturating_sub(1)).unwrap_or("");
                line.chars().nth(place.column.saturating_sub(1)).is_some_and(|first| first.is_ascii_digit())
            })
    }

    /// Where a key's value stands in the file.
    pub fn place(&self, key: &str) -> Place {
        let known = self.places.borrow().get(key).copied();
        known.unwrap_or_else(|| {
            let place = self.seek(key);
            self.places.borrow_mut().insert(key.to_owned(), place);
            place
        })
    }

    fn seek(&self, key: &str) -> Place {
        let path: Vec<Step> = key.split('.').map(|name| Step::Key(self.spelled(name))).collect();
        match self.format {
            Format::Yaml => yaml::place_of_key(self.front, &path).or_else(|| yaml::place_of_value(self.front, &path)),
            Format::Toml => toml::place(self.front, &path, false),
            Format::Json => {
                let quoted = format!("\"{}\"", self.spelled(key.rsplit('.').next().unwrap_or(key)));
                self.front.find(&quoted).map(|at| Place::of_byte(self.front, at))
            }
        }
        .unwrap_or(Place::FILE)
        .below(self.lines_above)
    }

    /// A key as the file spells it.
    fn spelled(&self, name: &str) -> String {
        let Yaml::Map(pairs) = &self.value else { return name.to_owned() };
        let known = pairs.iter().find(|(known, _)| self.fold && known.eq_ignore_ascii_case(name));
        known.map_or(name, |(known, _)| known).to_owned()
    }

    /// A warning at a key.
    pub fn warning(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem::warning(self.path, self.place(key), message)
    }

    /// An error at a key.
    pub fn error(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem::error(self.path, self.place(key), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Generator; 4] = [Generator::Jekyll, Generator::Hugo, Generator::Zola, Generator::Plain];

    #[test]
    fn a_file_is_cut_at_its_two_lines_of_dashes() {
        let cut = split("\u{feff}---\r\ntitle: x\r\n---\r\nBody\r\n", Generator::Jekyll).unwrap();
        assert_eq!((cut.front, cut.body), ("title: x\r\n", "Body\r\n"));
        assert!(split("title: x\n---\n", Generator::Jekyll).is_none());
        assert!(split("---\ntitle: x\n", Generator::Jekyll).is_none());
        assert!(starts("---\ntitle: half a file", Generator::Jekyll));
    }

    #[test]
    fn each_generator_reads_its_own_forms() {
        for (text, jekyll, hugo, zola) in [
            ("\n\n---\ntitle: x\n---\nb", None, Some(3), Some(3)),
            ("+++\ntitle = 'x'\n+++\nb", None, Some(1), Some(1)),
            ("{\n\"title\": \"}\\\"\"\n}\nb", None, Some(0), None),
            ("---\ntitle: x\n...\nb", Some(1), None, None),
        ] {
            let above = |generator| split(text, generator).map(|cut| (cut.lines_above, cut.body));
            assert_eq!(above(Generator::Jekyll), jekyll.map(|lines| (lines, "b")), "{text}");
            assert_eq!(above(Generator::Hugo), hugo.map(|lines| (lines, "b")), "{text}");
            assert_eq!(above(Generator::Zola), zola.map(|lines| (lines, "b")), "{text}");
        }
    }

    #[test]
    fn keys_are_the_same_whatever_their_case_for_hugo_alone() {
        let text = "---\nTitle: x\n---\n";
        for (generator, found) in [(Generator::Hugo, true), (Generator::Jekyll, false)] {
            let (front, _) = FrontMatter::read("x", &split(text, generator).unwrap(), generator).unwrap();
            assert_eq!(front.get("title").is_some(), found);
        }
    }

    #[test]
    fn places_stand_in_the_file() {
        let text = "\n+++\ntitle = 'x'\ndate = 'y'\n+++\n";
        let (front, _) = FrontMatter::read("x", &split(text, Generator::Zola).unwrap(), Generator::Zola).unwrap();
        assert_eq!(front.place("date"), Place { line: 4, column: 1 });
        let json = "{\n  \"title\": 1,\n  \"Date\": 2\n}\n";
        let (front, _) = FrontMatter::read("x", &split(json, Generator::Hugo).unwrap(), Generator::Hugo).unwrap();
        assert_eq!(front.place("date"), Place { line: 3, column: 3 });
    }

    proptest! {
        #[test]
        fn a_cut_file_is_in_its_text(start in "(\u{feff}|\n| )?(---|\\+\\+\\+|\\{)?\r?\n?", rest in "([a-z]: .?\n|[{}\"\\\\]|---\n|\\+\\+\\+\n|\\PC{0,4}){0,9}") {
            let text = format!("{start}{rest}");
            for generator in ALL {
                if let Some(cut) = split(&text, generator) {
                    prop_assert!(text.ends_with(cut.body) && text.contains(cut.front));
                    if let Ok((front, _)) = FrontMatter::read("x", &cut, generator) {
                        prop_assert!(front.place("a").line >= 1);
                    }
                }
            }
        }
    }
}
