//! What only shows when all articles and rules are looked at together: one term spelled in two ways, one title twice,
//! two rules that post the same.
//!
//! An article keeps no places. Where something stands is looked up in the file again, and only for articles that have
//! a problem, so that a site of 100,000 articles costs some maps of borrowed names and nothing more.

mod rules;
mod terms;
mod titles;

use crate::article::{SiteSettings, front_matter, markdown};
use crate::catalog::{Head, Label};
use crate::config::{Config, Written};
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
    let mut problems = terms::spellings(inputs.articles, &Finder { text: inputs.text });
    problems.extend(titles::titles_and_dates(inputs));
    problems.extend(rules::rules(inputs));
    problems
}

/// Finds the places of what articles say.
pub struct Finder<'a> {
    /// The text of a file of the site.
    pub text: &'a dyn Fn(&str) -> Option<String>,
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
    }

    /// Where the first of some keys stands that the file has.
    fn key(&self, path: &str, keys: &[&str]) -> Place {
        self.seek(path, |front, _| place_of_any(front, keys))
    }

    /// The place that `find` tells in the front matter; the first character where it tells none.
    fn seek(&self, path: &str, find: impl Fn(&str, &Yaml) -> Option<Place>) -> Place {
        let Some(text) = (self.text)(path) else { return Place::FILE };
        let Some(split) = front_matter::split(&text) else { return Place::FILE };
        let Ok(document) = yaml::parse(split.front) else { return Place::FILE };
        find(split.front, &document.value).map_or(Place::FILE, |place| place.below(split.lines_above))
    }
}

fn place_of_any(front: &str, keys: &[&str]) -> Option<Place> {
    keys.iter().find_map(|key| yaml::place_of_key(front, &[Step::Key((*key).to_owned())]))
}

/// Whether any article has a term, by its folded form.
fn any_has(articles: &[&Head], of: impl Fn(&Head) -> &[Arc<Label>], wanted: &str) -> bool {
    articles.iter().any(|article| of(article).iter().any(|term| term.folded == wanted))
}
