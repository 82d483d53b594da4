//! Whether a rule's selection takes an article.

use crate::catalog::{Head, Label};
use crate::config::Selection;
use std::sync::Arc;

/// Whether the selection takes the article: every line that is given fits, and no line of `not` does. `language` is the
/// site's, which articles are in that name none.
pub fn selects(selection: &Selection, article: &Head, language: &str) -> bool {
    let every = |wanted: bool, is_met: bool| !wanted || is_met;
    every(!selection.collections.is_empty(), has_collection(selection, article))
        && every(!selection.categories.is_empty(), meets(&selection.categories, &article.categories))
        && every(!selection.tags.is_empty(), meets(&selection.tags, &article.tags))
        && every(!selection.authors.is_empty(), has_author(selection, article))
        && every(!selection.languages.is_empty(), has_language(selection, article, language))
        && !selection.not.as_deref().is_some_and(|not| excludes(not, article, language))
}

fn excludes(not: &Selection, article: &Head, language: &str) -> bool {
    has_collection(not, article)
        || meets(&not.categories, &article.categories)
        || meets(&not.tags, &article.tags)
        || has_author(not, article)
        || has_language(not, article, language)
}

fn meets(wanted: &[String], has: &[Arc<Label>]) -> bool {
    has.iter().any(|term| wanted.contains(&term.folded))
}

fn has_collection(selection: &Selection, article: &Head) -> bool {
    selection.collections.iter().any(|name| **name == *article.collection)
}

/// Several authors stand in one line, with commas between.
fn has_author(selection: &Selection, article: &Head) -> bool {
    let Some(author) = &article.author else { return false };
    let wanted = |name: &str| selection.authors.iter().any(|author| author == name.trim());
    wanted(&author.folded) || author.folded.split(',').any(wanted)
}

/// `fr` takes `fr` and `fr-CA`; `fr-CA` takes itself only (RFC 4647, section 3.3.1: basic filtering).
fn has_language(selection: &Selection, article: &Head, language: &str) -> bool {
    let language = article.language.as_deref().unwrap_or(language);
    selection.languages.iter().any(|range| {
        let start = language.get(..range.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(range))
            && matches!(language.as_bytes().get(range.len()), None | Some(b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Names;

    #[test]
    fn authors_and_languages_are_told_apart() {
        let mut names = Names::default();
        let article = Head {
            author: Some(names.label("Aya Ndiaye, Équipe Web")),
            language: Some(names.word("fr-CA")),
            ..Head::default()
        };
        let by = |name: &str| Selection { authors: vec![crate::text::folded(name)], ..Selection::default() };
        let in_language = |range: &str| Selection { languages: vec![range.to_owned()], ..Selection::default() };
        for (selection, taken) in [
            (by("équipe web"), true),
            (by("Aya Ndiaye"), true),
            (by("Aya"), false),
            (in_language("fr"), true),
            (in_language("FR-ca"), true),
            (in_language("f"), false),
            (in_language("en"), false),
        ] {
            assert_eq!(selects(&selection, &article, "en"), taken, "{selection:?}");
            let not = Selection { not: Some(Box::new(selection)), ..Selection::default() };
            assert_eq!(selects(&not, &article, "en"), !taken, "{not:?}");
        }
        assert!(selects(&in_language("en"), &Head::default(), "en-GB"), "the site's language");
    }
}
