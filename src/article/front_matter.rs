//! The front matter of a file: where it ends, and its values.

use crate::problem::{Place, Problem};
use crate::yaml::{self, Step, Yaml};

/// A file cut in two.
#[derive(Debug)]
pub struct Split<'a> {
    /// The text between the two lines of dashes.
    pub front: &'a str,
    /// The text after them.
    pub body: &'a str,
    /// Lines of the file before `front`.
    pub lines_above: usize,
}

/// Cuts a file at its front matter, as Jekyll does: a first line `---`, and a later line `---` or `...`.
/// None if the file has none.
pub fn split(text: &str) -> Option<Split<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first_end = text.find('\n')?;
    if text[..first_end].trim_end() != "---" {
        return None;
    }
    let start = first_end + 1;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some(Split { front: &text[start..at], body: &text[at + line.len()..], lines_above: 1 });
        }
        at += line.len();
    }
    None
}

/// Whether a file starts a front matter, whether or not it ends it: such a file is meant to be an article.
pub fn starts(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().next().is_some_and(|line| line.trim_end() == "---")
}

/// The values of a front matter, with the means to tell where they stand.
#[derive(Debug)]
pub struct FrontMatter<'a> {
    path: &'a str,
    front: &'a str,
    lines_above: usize,
    value: Yaml,
}

impl<'a> FrontMatter<'a> {
    /// Reads the values. The problem says where and why they cannot be read.
    pub fn read(path: &'a str, split: &Split<'a>) -> Result<(Self, Vec<Problem>), Problem> {
        let document = yaml::parse(split.front).map_err(|error| {
            let mut problem = Problem::error(path, error.place.below(split.lines_above), error.message);
            problem.cure = error.cure;
            problem
        })?;
        let front = Self { path, front: split.front, lines_above: split.lines_above, value: document.value };
        if !matches!(front.value, Yaml::Map(_) | Yaml::Null) {
            return Err(Problem::error(path, Place::FILE.below(split.lines_above), "the front matter has no keys")
                .cure("write lines such as “title: …” between the two lines of dashes"));
        }
        let problems = document
            .repeated
            .iter()
            .map(|key| {
                front
                    .warning(key, format!("the key `{key}` stands twice; the last one counts, as for Jekyll"))
                    .cure("take out the one that is wrong")
            })
            .collect();
        Ok((front, problems))
    }

    /// The value of a key; a key without a value is not there.
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// The first of several keys that says something, as trimmed text.
    pub fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.get(key).and_then(Yaml::filled))
    }

    /// Where a key's value stands in the file.
    pub fn place(&self, key: &str) -> Place {
        let path: Vec<Step> = key.split('.').map(|name| Step::Key(name.to_owned())).collect();
        yaml::place_of_key(self.front, &path)
            .or_else(|| yaml::place_of_value(self.front, &path))
            .unwrap_or(Place::FILE)
            .below(self.lines_above)
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

    #[test]
    fn a_file_is_cut_at_its_two_lines_of_dashes() {
        let split = split("\u{feff}---\r\ntitle: x\r\n---\r\nBody\r\n").unwrap();
        assert_eq!((split.front, split.body), ("title: x\r\n", "Body\r\n"));
        assert!(super::split("title: x\n---\n").is_none());
        assert!(super::split("---\ntitle: x\n").is_none());
        assert!(starts("---\ntitle: half a file"));
    }
}
