//! What the hashtags of posts will be, before any goes out.

use super::Inputs;
use crate::plan::selects;
use crate::post::hashtag::{self, grammar::Family};
use crate::problem::{Place, Problem};
use crate::text::folded;
use crate::yaml::{Step, Yaml};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Most proposals that are shown at once.
const SHOWN_MAX: usize = 10;

/// Official hashtags that a network of the rules cuts, and what becomes of tags that are not in the dictionary.
pub fn hashtags(inputs: &Inputs) -> Vec<Problem> {
    let mut problems = cut(inputs);
    problems.extend(proposals(inputs));
    problems
}

fn place(inputs: &Inputs, path: &[&str]) -> Place {
    let path: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
    inputs.written.place_of_key(&path)
}

/// Entries of the dictionary that a network to which rules post does not read whole.
fn cut(inputs: &Inputs) -> Vec<Problem> {
    let path = [Step::Key("hashtags".to_owned()), Step::Key("dictionary".to_owned())];
    let Some(Yaml::Map(entries)) = inputs.written.get(&path) else { return Vec::new() };
    let endpoints = inputs.config.rules.iter().flat_map(|rule| &rule.endpoints);
    let networks: BTreeSet<&str> =
        endpoints.filter_map(|name| Some(inputs.config.endpoints.get(name)?.network.word())).collect();
    let mut problems = Vec::new();
    for (term, hashtag) in entries {
        let Some(hashtag) = hashtag.to_text() else { continue };
        // The journal reads none.
        let cutting = networks.iter().filter(|network| **network != "journal");
        let cutting: BTreeSet<&str> = cutting
            .map(|network| Family::of(network))
            .filter(|family| !family.reads_whole(&hashtag))
            .map(Family::name)
            .collect();
        if cutting.is_empty() {
            continue;
        }
        let by = cutting.into_iter().collect::<Vec<_>>().join(" and ");
        let says = format!("hashtags.dictionary: {hashtag} is not read whole by {by}");
        let place = place(inputs, &["hashtags", "dictionary", term]);
        let problem = Problem::warning(inputs.config_file, place, says).kind("cut-hashtag");
        problems.push(problem.cure("write # and letters or digits, at least one letter among them"));
    }
    problems
}

/// The tags that rules would post and the dictionary does not have, those of most articles first.
fn proposals(inputs: &Inputs) -> Option<Problem> {
    let config = inputs.config;
    let mut counts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let posted = |article: &&&crate::catalog::Head| {
        config.rules.iter().any(|rule| selects(&rule.articles, article, &inputs.site.language))
    };
    for article in inputs.articles.iter().filter(posted) {
        for tag in article.tags.iter().filter(|tag| !config.hashtags.dictionary.contains_key(&folded(&tag.text))) {
            counts.entry(&tag.folded).or_insert((0, &tag.text)).0 += 1;
        }
    }
    let mut tags: Vec<(usize, &str)> = counts.into_values().collect();
    tags.sort_by_key(|(count, tag)| (Reverse(*count), *tag));
    let said = tags.iter().filter_map(|(_, tag)| Some(hashtag::fallback(tag, &config.hashtags)?.said(tag)));
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        return None;
    }
    let more = said.len().saturating_sub(SHOWN_MAX);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    let (count, shown) = (said.len(), said[..said.len().min(SHOWN_MAX)].join("; "));
    let tags = if count == 1 { "a tag" } else { "tags" };
    let says =
        format!("hashtags.dictionary: {tags} of articles that rules post are not in it ({count}): {shown}{more}");
    let problem = Problem::note(inputs.config_file, place(inputs, &["hashtags", "dictionary"]), says);
    Some(
        problem
            .kind("made-hashtag")
            .cure("add those that have an official hashtag; `crieur preview` shows all of an article"),
    )
}
