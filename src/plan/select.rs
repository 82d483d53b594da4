//! Whether a rule's selection takes an article.

use crate::article::Article;
use crate::config::Selection;
use crate::text::folded;

/// Whether the selection takes the article: every line that is given fits, and no line of `not` does.
pub fn selects(selection: &Selection, article: &Article) -> bool {
    let meets =
        |wanted: &[String], has: &[String]| wanted.is_empty() || has.iter().any(|term| wanted.contains(&folded(term)));
    let taken = (selection.collections.is_empty() || selection.collections.contains(&article.collection))
        && meets(&selection.categories, &article.categories)
        && meets(&selection.tags, &article.tags);
    taken && !selection.not.as_deref().is_some_and(|not| excludes(not, article))
}

fn excludes(not: &Selection, article: &Article) -> bool {
    let meets = |unwanted: &[String], has: &[String]| has.iter().any(|term| unwanted.contains(&folded(term)));
    not.collections.contains(&article.collection)
        || meets(&not.categories, &article.categories)
        || meets(&not.tags, &article.tags)
}
