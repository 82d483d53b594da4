//! What only shows when all articles and rules are looked at together: one term spelled in two ways, one title twice,
//! two rules that post the same.
//!
//! An article keeps no places. Where something stands is looked up in the file again, and only for articles that have
//! a problem, so that a site of 100,000 articles costs some maps of borrowed names and nothing more.

mod hashtags;
mod rules;
mod terms;
mod titles;

use crate::article::{SiteSettings, front_matter, markdown};
use crate::catalog::{Head, Label};
use crate::config::{Config, Generator, Written};
use crate::problem::{Place, Problem};
use crate::yaml::{self, Step, Yaml};
use jiff::Timestamp;
use std::sync::Arc;

/// What is looked at.
pub struct Inputs<'a> {
    /// The articles, drafts and those to come among them.
    pub articles: &'a [&'a Head],
    /// The site's settings.
    pub site: &'a SiteSettings,
    /// The configuration.
    pub config: &'a Config,
    /// The name of its file, as the person knows it.
    pub config_file: &'a str,
    /// Its text.
    pub written: &'a Written,
    /// The text of a file of the site, by its path under the site's root.
    pub text: &'a dyn Fn(&str) -> Option<String>,
    /// The instant.
    pub now: Timestamp,
}

/// All that shows, in no particular order. Files of articles are named under the site's root.
pub fn review(inputs: &Inputs) -> Vec<Problem> {
    let mut problems =
        terms::spellings(inputs.articles, &Finder { text: inputs.text, generator: inputs.site.generator });
    problems.extend(titles::titles_and_dates(inputs));
    problems.extend(rules::rules(inputs));
    problems.extend(hashtags::hashtags(inputs));
    problems
}

/// Finds the places of what articles say.
pub struct Finder<'a> {
    /// The text of a file of the site.
    pub text: &'a dyn Fn(&str) -> Option<String>,
    /// What made the site: it decides where front matter is.
    pub generator: Generator,
}

impl Finder<'_> {
    /// Where a term stands under the first of some keys that has it; else where the first of these keys stands.
    fn term(&self, path: &str, keys: &[&str], term: &str) -> Place {
        self.seek(path, |front, value| {
            let same = |written: &Yaml| written.filled().is_some_and(|text| markdown::title_to_text(&text) == term);
            let step = |key: &&str| {
                let at_key = Step::Key((*key).to_owned());
                match value.get(key)? {
                    Yaml::List(items) => {
                        let at = items.iter().position(same)?;
                        yaml::place_of_value(front, &[at_key, Step::Item(at)])
                    }
                    _ => yaml::place_of_value(front, &[at_key]),
                }
            };
            keys.iter().find_map(step).or_else(|| place_of_any(front, keys))
        })
        .or_else(|| of_quoted(&(self.text)(path)?, term))
        .unwrap_or(Place::FILE)
    }

    /// Where the first of some keys stands that the file has.
    fn key(&self, path: &str, keys: &[&str]) -> Place {
        self.seek(path, |front, _| place_of_any(front, keys))
            .or_else(|| of_assigned(&(self.text)(path)?, keys))
            .unwrap_or(Place::FILE)
    }

    /// The place that `find` tells in a front matter that is YAML.
    fn seek(&self, path: &str, find: impl Fn(&str, &Yaml) -> Option<Place>) -> Option<Place> {
        let text = (self.text)(path)?;
        let split = front_matter::split(&text, self.generator)?;
        let document = yaml::parse(split.front).ok()?;
        Some(find(split.front, &document.value)?.below(split.lines_above))
    }
}

/// Where a text stands in quotation marks: in front matter of other forms, such as TOML, texts always do.
fn of_quoted(text: &str, wanted: &str) -> Option<Place> {
    let at = ['"', '\''].into_iter().find_map(|mark| text.find(&format!("{mark}{wanted}{mark}")))?;
    Some(Place::of_byte(text, at))
}

/// The line that gives one of some keys a value, in TOML.
fn of_assigned(text: &str, keys: &[&str]) -> Option<Place> {
    let assigns = |line: &str| line.split_once('=').is_some_and(|(key, _)| keys.contains(&key.trim()));
    text.lines().position(assigns).map(|at| Place { line: at + 1, column: 1 })
}

fn place_of_any(front: &str, keys: &[&str]) -> Option<Place> {
    keys.iter().find_map(|key| yaml::place_of_key(front, &[Step::Key((*key).to_owned())]))
}

/// Whether any article has a term, by its folded form.
fn any_has(articles: &[&Head], of: impl Fn(&Head) -> &[Arc<Label>], wanted: &str) -> bool {
    articles.iter().any(|article| of(article).iter().any(|term| term.folded == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_keys_are_found_in_every_form_of_front_matter() {
        let place = |line, column| Place { line, column };
        for (text, term, key) in [
            ("---\ntags: [a, Cloud computing, \"Cloud\"]\ndate: 2026-01-01\n---\n", place(2, 28), place(3, 1)),
            ("---\ntag: Cloud\n---\n", place(2, 6), Place::FILE),
            ("---\ntags: a Cloud\ndate: x\n---\n", place(2, 7), place(3, 1)),
            ("+++\ndate = 2026-01-01\ntags = [\"a\", \"Cloud\"]\n+++\n", place(3, 14), place(2, 1)),
            ("no front matter", Place::FILE, Place::FILE),
        ] {
            let read = |_: &str| Some(text.to_owned());
            let finder = Finder { text: &read, generator: Generator::Jekyll };
            assert_eq!(finder.term("a.md", &["tags", "tag"], "Cloud"), term, "{text}");
            assert_eq!(finder.key("a.md", &["date"]), key, "{text}");
        }
    }
}
