//! Whether a rule's selection takes an article.

use crate::catalog::{Head, Label};
use crate::config::Selection;
use std::sync::Arc;

/// Whether the selection takes the article: every line that is given fits, and no line of `not` does.
pub fn selects(selection: &Selection, article: &Head) -> bool {
    let meets = |wanted: &[String], has: &[Arc<Label>]| {
        wanted.is_empty() || has.iter().any(|term| wanted.contains(&term.folded))
    };
    let taken = (selection.collections.is_empty() || has_collection(&selection.collections, article))
        && meets(&selection.categories, &article.categories)
        && meets(&selection.tags, &article.tags);
    taken && !selection.not.as_deref().is_some_and(|not| excludes(not, article))
}

fn excludes(not: &Selection, article: &Head) -> bool {
    let meets = |unwanted: &[String], has: &[Arc<Label>]| has.iter().any(|term| unwanted.contains(&term.folded));
    has_collection(&not.collections, article)
        || meets(&not.categories, &article.categories)
        || meets(&not.tags, &article.tags)
}

fn has_collection(collections: &[String], article: &Head) -> bool {
    collections.iter().any(|name| **name == *article.collection)
}
