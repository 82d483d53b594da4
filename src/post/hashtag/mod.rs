//! Hashtags from tags: the official form of the dictionary first, byte for byte; then words that a screen reader can
//! speak, made only of what every network reads whole.

pub mod grammar;

use crate::article::Article;
use crate::camel::{Made, camel, joined_as_they_are};
use crate::config::{Accents, Fallback, Hashtags};
use crate::text::folded;
use grammar::Family;
use std::collections::BTreeMap;
use unicode_segmentation::UnicodeSegmentation;

/// Longest name of a hashtag that is made, in grapheme clusters: what the strictest network takes (Bluesky).
const NAME_MAX: usize = 64;

/// The hashtags of an article: those of the dictionary in the order of its tags and categories, then those made of
/// its other tags; each once, whatever its case; at most as many as the configuration says.
pub fn hashtags(article: &Article, config: &Hashtags) -> Vec<String> {
    let official =
        article.tags.iter().chain(&article.categories).filter_map(|term| config.dictionary.get(&folded(term)).cloned());
    let made = article.tags.iter().filter(|tag| !config.dictionary.contains_key(&folded(tag)));
    let made = made.filter_map(|tag| fallback(tag, config)?.hashtag);
    let mut hashtags: Vec<String> = Vec::new();
    for hashtag in official.chain(made) {
        if !hashtags.iter().any(|known| same(known, &hashtag)) {
            hashtags.push(hashtag);
        }
    }
    hashtags.truncate(config.at_most);
    hashtags
}

/// The hashtags of a rule, then those of the article; each once. All of the rule's are there, whatever the most.
pub fn with_own(own: &[String], of_article: Vec<String>, config: &Hashtags) -> Vec<String> {
    let mut hashtags: Vec<String> = own.to_vec();
    for hashtag in of_article {
        if !hashtags.iter().any(|known| same(known, &hashtag)) {
            hashtags.push(hashtag);
        }
    }
    hashtags.truncate(config.at_most.max(own.len()));
    hashtags
}

/// The hashtag of every tag and category of an article as it is written there, and of every term of the dictionary
/// [`folded`], for templates that name one.
pub fn by_term(article: &Article, config: &Hashtags) -> BTreeMap<String, String> {
    let terms = article.tags.iter().chain(&article.categories);
    let of_article = terms.filter_map(|term| Some((term.clone(), of_term(term, config)?)));
    config.dictionary.clone().into_iter().chain(of_article).collect()
}

/// The hashtag of one tag or category: the dictionary's, else the one that is made of it.
pub fn of_term(term: &str, config: &Hashtags) -> Option<String> {
    match config.dictionary.get(&folded(term)) {
        Some(official) => Some(official.clone()),
        None => fallback(term, config)?.hashtag,
    }
}

/// Whether two hashtags are one: networks take them so if they differ only in case and accents.
pub fn same(a: &str, b: &str) -> bool {
    deunicode::deunicode(a).eq_ignore_ascii_case(&deunicode::deunicode(b))
}

/// What becomes of a tag that is not in the dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The hashtag; None if nothing is left that every network reads.
    pub hashtag: Option<String>,
    /// Signs of the tag that are not heard in it, each once.
    pub lost: Vec<char>,
}

impl Proposal {
    /// What a person should know of it: what is made of the tag, and what is not heard in it.
    pub fn said(&self, tag: &str) -> String {
        let Some(hashtag) = &self.hashtag else {
            return format!("`{tag}` makes no hashtag that every network reads");
        };
        let lost: Vec<String> = self.lost.iter().map(char::to_string).collect();
        let without = if lost.is_empty() { String::new() } else { format!(", without {}", lost.join(" ")) };
        format!("`{tag}` becomes {hashtag}{without}")
    }
}

/// What becomes of a tag that is not in the dictionary, by the configuration; None if it makes no hashtags of tags.
pub fn fallback(tag: &str, config: &Hashtags) -> Option<Proposal> {
    let made = match (config.fallback, config.accents) {
        (Fallback::None, _) => return None,
        (Fallback::Keep, _) => joined_as_they_are(tag),
        (Fallback::Camel, Accents::Drop) => camel(tag, false),
        (Fallback::Camel, Accents::Keep) => camel(tag, true),
    };
    let proposal = checked(made);
    if proposal.hashtag.is_none() && config.accents == Accents::Keep && config.fallback == Fallback::Camel {
        // Some network does not read the accents.
        return Some(checked(camel(tag, false)));
    }
    Some(proposal)
}

/// The hashtag that would be made of a tag: what a dictionary can start from.
pub fn proposed(tag: &str) -> Option<String> {
    checked(camel(tag, false)).hashtag
}

/// Only what every network reads whole goes out.
fn checked(made: Made) -> Proposal {
    let hashtag = format!("#{}", made.name);
    let is_short = made.name.graphemes(true).count() <= NAME_MAX;
    let hashtag = Some(hashtag).filter(|hashtag| is_short && cut_by(hashtag).is_empty());
    Proposal { hashtag, lost: made.lost }
}

/// The families of networks that cut a hashtag, or see none in it.
pub fn cut_by(hashtag: &str) -> Vec<Family> {
    Family::ALL.into_iter().filter(|family| !family.reads_whole(hashtag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(fallback: Fallback, accents: Accents) -> Hashtags {
        Hashtags { fallback, accents, ..Hashtags::default() }
    }

    #[test]
    fn what_no_network_reads_is_no_hashtag() {
        let made = |tag: &str| fallback(tag, &config(Fallback::Camel, Accents::Drop)).unwrap().hashtag;
        assert_eq!(made("cloud au centre").as_deref(), Some("#CloudAuCentre"));
        assert_eq!(made("2024"), None);
        assert_eq!(made("«»"), None);
        assert_eq!(made(&"a".repeat(65)), None);
    }

    #[test]
    fn a_hashtag_that_a_network_cuts_is_told() {
        assert_eq!(cut_by("#ClouddelEtat"), []);
        assert_eq!(cut_by("#État"), []);
        assert_eq!(cut_by("#Cloud-Etat"), [Family::Mastodon, Family::X, Family::LinkedIn]);
        assert_eq!(cut_by("#2024"), Family::ALL);
    }

    proptest! {
        #[test]
        fn every_network_reads_a_made_hashtag_whole(tag in any::<String>(), french in "[a-zA-Zéèàçœ'’·. +#&%0-9-]{1,40}") {
            for accents in [Accents::Keep, Accents::Drop] {
                for text in [&tag, &french] {
                    let Some(hashtag) = fallback(text, &config(Fallback::Camel, accents)).unwrap().hashtag else { continue };
                    for family in Family::ALL {
                        // Whatever follows after a space, and a full stop at the end of a sentence.
                        for after in ["", " ", ".", ", suite", "\u{A0}!"] {
                            let text = format!("Avant {hashtag}{after}");
                            let read = crate::post::entity::hashtags(&text, family);
                            prop_assert_eq!(read.first().map(|range| &text[range.clone()]), Some(hashtag.as_str()), "{:?} {}", family, text);
                        }
                    }
                }
            }
        }
    }
}
