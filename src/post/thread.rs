//! Long texts as threads: whole sentences where they fit, else whole words; nothing is lost and nothing torn.

use super::length::Limits;
use crate::shorten::{ELLIPSIS, may_break, sentence_ends};

/// Most posts of a thread: more is an article, and that has an address.
pub const POSTS_MAX: usize = 25;

/// The number that ends a post of a thread, on a line of its own; nothing if posts are not numbered.
pub fn number(place: usize, count: usize, numbered: bool) -> String {
    if numbered { format!("\n\n{place}/{count}") } else { String::new() }
}

/// A text in as few posts as it takes, first to last, without their numbers, for which room is left. `before` posts
/// stand before them.
///
/// Errors: a word that no post can hold, or too many posts.
pub fn split(text: &str, limits: &Limits, numbered: bool, before: usize) -> Result<Vec<String>, String> {
    let fits = |text: &str| limits.holds(&format!("{text}{}", number(POSTS_MAX, POSTS_MAX, numbered)));
    let mut posts: Vec<String> = Vec::new();
    let mut rest = text.trim();
    // What goes on in the midst of a sentence says so.
    let mut opening = "";
    while !rest.is_empty() {
        if posts.len() + before >= POSTS_MAX {
            return Err(format!("the text needs more than {POSTS_MAX} posts"));
        }
        let ends = sentence_ends(rest);
        let whole = ends.iter().rev().map(|end| (rest[..*end].trim_end(), *end));
        let sentences = whole.map(|(start, end)| (format!("{opening}{start}"), end)).find(|(post, _)| fits(post));
        let (post, end) = match sentences {
            Some(found) => found,
            None => words(rest, opening, fits)?,
        };
        opening = if ends.contains(&end) { "" } else { "… " };
        posts.push(post);
        rest = rest[end..].trim_start();
    }
    Ok(posts)
}

/// The longest beginning of words that fits, with an ellipsis, and where the text goes on.
fn words(text: &str, opening: &str, fits: impl Fn(&str) -> bool) -> Result<(String, usize), String> {
    let breaks = text.char_indices().filter(|(_, c)| may_break(*c)).map(|(at, _)| at);
    let mut found = None;
    for at in breaks {
        let start = text[..at].trim_end();
        let post = format!("{opening}{start} {ELLIPSIS}");
        if start.is_empty() {
            continue;
        }
        if !fits(&post) {
            break;
        }
        found = Some((post, at));
    }
    found.ok_or_else(|| {
        let word = text.split(may_break).next().unwrap_or(text);
        let shown: String = word.chars().take(40).collect();
        format!("“{shown}” is longer than a post may be")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::Counter;
    use proptest::prelude::*;

    fn limits(length_max: usize) -> Limits {
        Limits { thread: true, ..Limits::text(length_max, Counter::Graphemes) }
    }

    #[test]
    fn sentences_stay_whole_where_they_fit() {
        let text = "Une phrase. Une autre phrase, plus longue que la première. Fin.";
        assert_eq!(
            split(text, &limits(50), true, 0).unwrap(),
            ["Une phrase.", "Une autre phrase, plus longue que la …", "… première. Fin."]
        );
        assert_eq!(split(text, &limits(60), false, 0).unwrap().len(), 2);
        assert!(split("anticonstitutionnellement", &limits(20), false, 0).is_err());
        assert!(split(&"mot ".repeat(500), &limits(20), false, 0).unwrap_err().contains("25 posts"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_word_torn(text in "([A-Za-zé’.,!?]{1,12}[ \n]){1,60}", room in 30_usize..80) {
            let posts = match split(&text, &limits(room), true, 0) {
                Ok(posts) => posts,
                Err(_) => return Ok(()),
            };
            for post in &posts {
                let numbered = format!("{post}{}", number(posts.len(), posts.len(), true));
                prop_assert!(limits(room).holds(&numbered));
            }
            let said: Vec<&str> = posts
                .iter()
                .flat_map(|post| post.trim_start_matches("… ").trim_end_matches(" …").split_whitespace())
                .collect();
            prop_assert_eq!(said, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
