//! Hashtags from tags: the official form of the dictionary first, byte for byte; then words that a screen reader
//! can speak, made only of characters that every network reads as part of a hashtag.

use crate::article::Article;
use crate::config::{Fallback, Hashtags};
use crate::text::{capitalised, folded};
use unicode_normalization::UnicodeNormalization;

/// The hashtags of an article: those of the dictionary in the order of its tags and categories, then those made of
/// its other tags; each once, whatever its case; at most as many as the configuration says.
pub fn hashtags(article: &Article, config: &Hashtags) -> Vec<String> {
    let official =
        article.tags.iter().chain(&article.categories).filter_map(|term| config.dictionary.get(&folded(term)).cloned());
    let made = article
        .tags
        .iter()
        .filter(|tag| !config.dictionary.contains_key(&folded(tag)))
        .filter_map(|tag| from_tag(tag, config.fallback));
    let mut hashtags: Vec<String> = Vec::new();
    for hashtag in official.chain(made) {
        if !hashtags.iter().any(|known| same(known, &hashtag)) {
            hashtags.push(hashtag);
        }
    }
    hashtags.truncate(config.at_most);
    hashtags
}

/// Networks take two hashtags as one if they differ only in case and accents.
fn same(a: &str, b: &str) -> bool {
    deunicode::deunicode(a).eq_ignore_ascii_case(&deunicode::deunicode(b))
}

/// The hashtag that would be made of a tag: what a dictionary can start from.
pub fn proposed(tag: &str) -> Option<String> {
    from_tag(tag, Fallback::Camel)
}

/// The hashtag of a tag that is not in the dictionary; None if nothing speakable is left of it.
fn from_tag(tag: &str, fallback: Fallback) -> Option<String> {
    let composed: String = tag.nfc().collect();
    let plain = match fallback {
        Fallback::None => return None,
        Fallback::Keep => composed,
        // Accents go: Mastodon takes `#État` and `#Etat` as one, others as two.
        Fallback::Camel => deunicode::deunicode(&composed.replace(['’', '‘'], "'")),
    };
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined: String = match fallback {
        Fallback::Camel => words.map(capitalised).collect(),
        _ => words.collect(),
    };
    let speakable = joined.chars().any(char::is_alphabetic);
    speakable.then(|| format!("#{joined}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_become_words_that_can_be_spoken() {
        for (tag, expected) in [
            ("Echanges d'expériences", Some("#EchangesDExperiences")),
            ("Paroles d’agents", Some("#ParolesDAgents")),
            ("Numérique", Some("#Numerique")),
            ("DINUM", Some("#DINUM")),
            ("qualité web", Some("#QualiteWeb")),
            ("Beta.gouv.fr", Some("#BetaGouvFr")),
            ("2024", None),
            ("«»", None),
        ] {
            assert_eq!(from_tag(tag, Fallback::Camel).as_deref(), expected, "{tag}");
        }
        assert_eq!(from_tag("cloud au centre", Fallback::Keep).as_deref(), Some("#cloudaucentre"));
    }

    proptest! {
        #[test]
        fn every_network_reads_a_made_hashtag_whole(tag in any::<String>()) {
            if let Some(hashtag) = from_tag(&tag, Fallback::Camel) {
                prop_assert!(hashtag[1..].chars().all(|c| c.is_ascii_alphanumeric()), "{hashtag}");
                prop_assert!(hashtag[1..].chars().any(|c| c.is_ascii_alphabetic()));
            }
        }
    }
}
