//! The sections `rules` and `baseline`: which articles go where, and when.

use super::endpoints::EndpointName;
use super::raw::{OneOrMany, RawBaseline, RawBaselineWord, RawRule, RawSelection, RawWhen};
use super::read::{Reader, dotted, key};
use super::sections::length;
use super::shape::nearest;
use crate::schedule::Schedule;
use crate::template::Template;
use crate::text::folded;
use crate::yaml::Step;
use jiff::{SignedDuration, civil};
use std::collections::{BTreeMap, BTreeSet};

/// Which articles go to which endpoints, when and how.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; deliveries are remembered under it.
    pub name: String,
    /// Which articles.
    pub articles: Selection,
    /// To which endpoints, in the order of the file.
    pub endpoints: Vec<EndpointName>,
    /// When.
    pub when: When,
    /// Text of the post.
    pub text: Template,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<EndpointName, Template>,
    /// How long an article must stay unchanged before it is announced.
    pub settle: SignedDuration,
    /// How old an article's date may be at the moment it is published.
    pub fresh: SignedDuration,
    /// Whether the article's address must answer 200 first.
    pub live_check: bool,
    /// How late a post may be.
    pub expires: SignedDuration,
}

impl Rule {
    /// The template for an endpoint.
    pub fn template(&self, endpoint: &EndpointName) -> &Template {
        self.texts.get(endpoint).unwrap_or(&self.text)
    }
}

/// Which articles: those that meet every line that is given, and no line of `not`. Terms are folded.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of one of these collections.
    pub collections: Vec<String>,
    /// In one of these categories.
    pub categories: Vec<String>,
    /// With one of these tags.
    pub tags: Vec<String>,
    /// But none of these.
    pub not: Option<Box<Selection>>,
}

/// When a post goes out.
#[derive(Debug, Clone)]
pub enum When {
    /// As soon as the article is published and settled.
    Publication,
    /// At the next slot after that; with `queue`, one post per slot and endpoint.
    Slots {
        /// The slots.
        schedule: Schedule,
        /// One post per slot and endpoint, in the order of publication.
        queue: bool,
    },
}

/// Which of the articles found at the first start count as announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// All.
    Existing,
    /// Those dated before a day, in the site's zone.
    Since(civil::Date),
    /// None.
    None,
}

pub(super) fn read(reader: &mut Reader, raw: Vec<RawRule>, endpoints: &BTreeSet<EndpointName>) -> Vec<Rule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (at, raw) in raw.into_iter().enumerate() {
        let here = [key("rules"), Step::Item(at)];
        match &raw.name {
            Some(name) if !names.insert(name.clone()) => {
                let message = format!("{}.name: `{name}` is the name of another rule too", dotted(&here));
                reader.problem(&at_key(&here, "name"), message, "give every rule a name of its own");
            }
            Some(name) if name.trim().is_empty() || name == crate::config::rules::BY_HAND => {
                let message = format!("{}.name: `{name}` cannot be the name of a rule", dotted(&here));
                reader.problem(&at_key(&here, "name"), message, "choose another one");
            }
            Some(_) => {}
            None if reader.is_reported(&at_key(&here, "name")) => {}
            None => {
                reader.problem(
                    &here,
                    format!("{}: `name` is missing", dotted(&here)),
                    "give the rule a name; deliveries are remembered under it",
                );
            }
        }
        rules.push(rule(reader, &here, raw, endpoints));
    }
    rules
}

/// The rule's name of deliveries that a person asked for and no rule would make.
pub const BY_HAND: &str = "publish-now";

fn at_key(here: &[Step], name: &str) -> Vec<Step> {
    [here, &[key(name)]].concat()
}

fn rule(reader: &mut Reader, here: &[Step], raw: RawRule, known: &BTreeSet<EndpointName>) -> Rule {
    if raw.endpoints.is_empty() {
        let message = format!("{}: `endpoints` is missing", dotted(here));
        reader.problem(here, message, "name at least one endpoint");
    }
    let endpoints: Vec<EndpointName> = raw.endpoints.into_iter().map(EndpointName::new).collect();
    for (position, name) in endpoints.iter().enumerate() {
        check_endpoint(reader, &[&at_key(here, "endpoints")[..], &[Step::Item(position)]].concat(), name, known);
    }
    let mut texts = BTreeMap::new();
    for (name, source) in raw.texts {
        let path = [here, &[key("texts"), key(&name)]].concat();
        let name = EndpointName::new(name);
        check_endpoint(reader, &path, &name, known);
        texts.insert(name, template(reader, &path, Some(source)));
    }
    let span = |reader: &mut Reader, name: &str, given, default| length(reader, &at_key(here, name), given, default);
    Rule {
        name: raw.name.unwrap_or_default(),
        articles: selection(raw.articles),
        endpoints,
        when: when(reader, &at_key(here, "when"), raw.when),
        text: template(reader, &at_key(here, "text"), raw.text),
        texts,
        settle: span(reader, "settle", raw.settle, SignedDuration::from_mins(30)),
        fresh: span(reader, "fresh", raw.fresh, SignedDuration::from_hours(7 * 24)),
        live_check: raw.live_check.unwrap_or(true),
        expires: span(reader, "expires", raw.expires, SignedDuration::from_hours(7 * 24)),
    }
}

fn check_endpoint(reader: &mut Reader, path: &[Step], name: &EndpointName, known: &BTreeSet<EndpointName>) {
    if known.contains(name) {
        return;
    }
    let cure = match nearest(name.as_str(), known.iter().map(EndpointName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name one of the section `endpoints`".to_owned(),
    };
    reader.problem(path, format!("{}: there is no endpoint `{name}`", dotted(path)), cure);
}

fn template(reader: &mut Reader, path: &[Step], source: Option<String>) -> Template {
    match source {
        Some(source) => {
            let read = Template::parse(&source).map_err(|error| {
                format!("{error}; names are title, summary, url, hashtags, collection, categories, tags, date, site, place, event_date")
            });
            reader.with(path, read, Template::default())
        }
        None => Template::default(),
    }
}

fn selection(raw: RawSelection) -> Selection {
    let fold = |terms: Vec<String>| terms.iter().map(|term| folded(term)).collect();
    Selection {
        collections: raw.collections,
        categories: fold(raw.categories),
        tags: fold(raw.tags),
        not: raw.not.map(|not| {
            Box::new(Selection {
                collections: not.collections,
                categories: fold(not.categories),
                tags: fold(not.tags),
                not: None,
            })
        }),
    }
}

fn when(reader: &mut Reader, path: &[Step], raw: Option<RawWhen>) -> When {
    let Some(raw) = raw else { return When::Publication };
    let queue = raw.queue.unwrap_or(false);
    match (raw.at, raw.slots) {
        (Some(_), Some(_)) => {
            reader.problem(path, format!("{}: both `at` and `slots` are given", dotted(path)), "keep one of them");
            When::Publication
        }
        (_, None) if queue => {
            reader.problem(
                path,
                format!("{}: `queue` needs `slots`", dotted(path)),
                "add slots, such as \"30 9 * * Mon-Fri\"",
            );
            When::Publication
        }
        (None, None) => {
            reader.problem(
                path,
                format!("{}: no moment is given", dotted(path)),
                "write { at: publication } or { slots: \"30 9 * * Mon-Fri\" }",
            );
            When::Publication
        }
        (Some(_), None) => When::Publication,
        (None, Some(lines)) => {
            let lines = match lines {
                OneOrMany::One(line) => vec![line],
                OneOrMany::Many(lines) => lines,
            };
            let read = Schedule::parse(&lines).and_then(|schedule| match schedule.ever_comes() {
                true => Ok(Some(schedule)),
                false => Err("these slots never come; write a day that there is".to_owned()),
            });
            match reader.with(&at_key(path, "slots"), read, None) {
                Some(schedule) => When::Slots { schedule, queue },
                None => When::Publication,
            }
        }
    }
}

pub(super) fn baseline(reader: &mut Reader, raw: Option<RawBaseline>) -> Baseline {
    match raw {
        None | Some(RawBaseline::Word(RawBaselineWord::Existing)) => Baseline::Existing,
        Some(RawBaseline::Word(RawBaselineWord::None)) => Baseline::None,
        Some(RawBaseline::Since(since)) => {
            let read = since
                .since
                .parse::<civil::Date>()
                .map(Baseline::Since)
                .map_err(|_| format!("`{}` is not a day; write one such as 2026-01-31", since.since));
            reader.with(&[key("baseline"), key("since")], read, Baseline::Existing)
        }
    }
}
