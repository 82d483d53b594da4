//! Rules and the dictionary of hashtags, held against what the articles have.

use super::{Inputs, any_has};
use crate::catalog::{Head, Label};
use crate::config::{EndpointName, Order, Rule, Selection, When};
use crate::plan::selects;
use crate::problem::{Place, Problem};
use crate::text::folded;
use crate::yaml::{Step, Yaml};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Problems of the configuration that only the articles show. A site without any article shows none.
pub fn rules(inputs: &Inputs) -> Vec<Problem> {
    if inputs.articles.is_empty() {
        return Vec::new();
    }
    let had = Had::of(inputs.articles);
    let mut problems = hashtags(inputs, &had);
    for at in 0..inputs.config.rules.len() {
        let here = [key("rules"), Step::Item(at), key("articles")];
        selection(inputs, &had, &here, false, &mut problems);
        selection(inputs, &had, &[&here[..], &[key("not")]].concat(), true, &mut problems);
    }
    problems.extend(overlaps(inputs));
    problems.extend(campaigns(inputs, &had));
    problems
}

/// Articles that a campaign names and that are not there, and terms that it selects and nobody has.
fn campaigns(inputs: &Inputs, had: &Had) -> Vec<Problem> {
    let mut problems = Vec::new();
    let campaigns = inputs.config.rules.iter().filter_map(|rule| match &rule.when {
        When::Campaign(campaign) => Some((&rule.name, campaign)),
        _ => None,
    });
    for (at, (name, campaign)) in campaigns.enumerate() {
        let here = [key("campaigns"), Step::Item(at), key("articles")];
        let Order::Listed(listed) = &campaign.order else {
            selection(inputs, had, &here, false, &mut problems);
            continue;
        };
        for (at, written) in listed.iter().enumerate() {
            if inputs.articles.iter().any(|article| article.is_meant(written)) {
                continue;
            }
            let place = inputs.written.place(&[&here[..], &[Step::Item(at)]].concat());
            let says = format!("the campaign `{name}` names `{written}`, and there is no such article yet");
            problems
                .push(told(inputs, place, says, false).cure("look for a misspelling; else it waits for the article"));
        }
    }
    problems
}

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

/// What the articles have, terms by their folded form.
struct Had<'a> {
    collections: BTreeSet<&'a str>,
    categories: BTreeSet<&'a str>,
    tags: BTreeSet<&'a str>,
}

impl<'a> Had<'a> {
    fn of(articles: &[&'a Head]) -> Self {
        let terms = |of: fn(&'a Head) -> &'a [Arc<Label>]| {
            articles.iter().flat_map(|article| of(article)).map(|term| term.folded.as_str()).collect()
        };
        Self {
            collections: articles.iter().map(|article| &*article.collection).collect(),
            categories: terms(|article| &article.categories),
            tags: terms(|article| &article.tags),
        }
    }
}

/// Entries of the dictionary that no tag and no category has.
fn hashtags(inputs: &Inputs, had: &Had) -> Vec<Problem> {
    let path = [key("hashtags"), key("dictionary")];
    let Some(Yaml::Map(entries)) = inputs.written.get(&path) else { return Vec::new() };
    let unused = entries.iter().filter(|(term, _)| {
        let term = folded(term);
        !had.tags.contains(term.as_str()) && !had.categories.contains(term.as_str())
    });
    unused
        .map(|(term, _)| {
            let place = inputs.written.place_of_key(&[&path[..], &[key(term)]].concat());
            let says = format!("hashtags.dictionary: no article has the tag or category `{term}`");
            Problem::note(inputs.config_file, place, says)
                .kind("unused-hashtag")
                .cure("look for a misspelling; else it waits for the first article that has it")
        })
        .collect()
}

/// Collections and terms of a selection that nobody has. What is only excluded may well be there for safety.
fn selection(inputs: &Inputs, had: &Had, here: &[Step], excluded: bool, problems: &mut Vec<Problem>) {
    for (name, one) in [("collections", "collection"), ("categories", "category"), ("tags", "tag")] {
        let path = [here, &[key(name)]].concat();
        let Some(Yaml::List(items)) = inputs.written.get(&path) else { continue };
        for (at, wanted) in items.iter().enumerate() {
            let Some(wanted) = wanted.to_text() else { continue };
            let (known, empty) = match name {
                "collections" => {
                    (had.collections.contains(wanted.as_str()), inputs.site.collections.contains_key(&wanted))
                }
                "categories" => (had.categories.contains(folded(&wanted).as_str()), false),
                _ => (had.tags.contains(folded(&wanted).as_str()), false),
            };
            if known {
                continue;
            }
            let place = inputs.written.place(&[&path[..], &[Step::Item(at)]].concat());
            let verb = if excluded { "excludes" } else { "selects" };
            let says = format!("this rule {verb} the {one} `{wanted}`, and no article has it");
            problems.push(told(inputs, place, says, excluded || empty).cure(elsewhere(inputs.articles, name, &wanted)));
        }
    }
}

fn told(inputs: &Inputs, place: Place, says: String, lightly: bool) -> Problem {
    let file = inputs.config_file;
    let problem = if lightly { Problem::note(file, place, says) } else { Problem::warning(file, place, says) };
    problem.kind("unused-selection")
}

/// What to do about a term that nobody has: it may stand under the other key.
fn elsewhere(articles: &[&Head], name: &str, wanted: &str) -> String {
    let wanted = folded(wanted);
    match name {
        "categories" if any_has(articles, |article| &article.tags, &wanted) => {
            "it is a tag: write it under `tags`".to_owned()
        }
        "tags" if any_has(articles, |article| &article.categories, &wanted) => {
            "it is a category: write it under `categories`".to_owned()
        }
        _ => "look for a misspelling; `crieur feeds` lists what there is".to_owned(),
    }
}

/// Pairs of rules that name one endpoint and take the same article: it is posted there twice.
fn overlaps(inputs: &Inputs) -> Vec<Problem> {
    let rules = &inputs.config.rules;
    let mut problems = Vec::new();
    for (at, later) in rules.iter().enumerate() {
        for earlier in &rules[..at] {
            // A campaign is posted beside whatever announced its articles.
            if [earlier, later].iter().any(|rule| matches!(rule.when, When::Campaign(_))) {
                continue;
            }
            let Some(endpoint) = earlier.endpoints.iter().find(|name| later.endpoints.contains(name)) else {
                continue;
            };
            if apart(&earlier.articles, &later.articles) || apart(&later.articles, &earlier.articles) {
                continue;
            }
            let language = &inputs.site.language;
            let both = |article: &&&Head| {
                selects(&earlier.articles, article, language) && selects(&later.articles, article, language)
            };
            let mut taken = inputs.articles.iter().filter(both);
            let first = taken.next();
            let more = taken.count();
            if let Some(first) = first {
                problems.push(overlap(inputs, at, (earlier, later), endpoint, Some((first, more))));
            } else if !needs_both(&earlier.articles, &later.articles) {
                problems.push(overlap(inputs, at, (earlier, later), endpoint, None));
            }
        }
    }
    problems
}

fn overlap(
    inputs: &Inputs,
    at: usize,
    (earlier, later): (&Rule, &Rule),
    endpoint: &EndpointName,
    taken: Option<(&&Head, usize)>,
) -> Problem {
    let place = inputs.written.place(&[key("rules"), Step::Item(at), key("name")]);
    let names = format!("`{}` and `{}`", earlier.name, later.name);
    let says = match taken {
        Some((first, 0)) => format!("the rules {names} both take {} to {endpoint}: it is posted twice", first.path),
        Some((first, more)) => {
            format!("the rules {names} both take {} and {more} more to {endpoint}: each is posted twice", first.path)
        }
        None => format!("the rules {names} can take the same article to {endpoint}, which is then posted twice"),
    };
    told(inputs, place, says, taken.is_none())
        .kind("overlapping-rules")
        .cure("if that is not meant, narrow one of them, for example with `not`")
}

/// Whether no article can be in both, because of what the first asks for: it shares no collection with the other, or
/// the other excludes all of it.
fn apart(first: &Selection, other: &Selection) -> bool {
    let none_in = |wanted: &[String], there: &[String]| wanted.iter().all(|one| !there.contains(one));
    let collections = !first.collections.is_empty()
        && !other.collections.is_empty()
        && none_in(&first.collections, &other.collections);
    let excluded = |wanted: &[String], not: &[String]| !wanted.is_empty() && wanted.iter().all(|one| not.contains(one));
    collections
        || other.not.as_deref().is_some_and(|not| {
            excluded(&first.collections, &not.collections)
                || excluded(&first.categories, &not.categories)
                || excluded(&first.tags, &not.tags)
        })
}

/// Whether an article is in both only if it has two terms of one kind: most have not.
fn needs_both(first: &Selection, second: &Selection) -> bool {
    let differ = |a: &[String], b: &[String]| !a.is_empty() && !b.is_empty() && a.iter().all(|one| !b.contains(one));
    differ(&first.categories, &second.categories) || differ(&first.tags, &second.tags)
}
