//! What a network's lists of posts are looked through for: a walk back to the first try, page by page, and what stands of
//! a thread among the posts that were seen.

use super::Found;
use crate::delivery::{Failure, Receipt};
use crate::post::Post;
use crate::text::counted;
use jiff::{SignedDuration, Timestamp};

/// How far a network's clock may lie beside ours: a clock that jumps, or has the wrong zone, does so by hours. Texts,
/// keys and the receipts of others tell the post; the time only ends the search.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// From when on a network may have dated a post that we sent at an instant.
pub fn back_to(sent: Timestamp) -> Timestamp {
    sent.saturating_sub(SKEW).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Most pages of a list that are looked at.
const PAGES_MAX: usize = 50;

/// A walk through a list of posts, newest first.
pub struct Walk<T> {
    /// Back to here.
    pub since: Timestamp,
    /// What was seen so far.
    pub seen: Vec<T>,
    pages: usize,
}

impl<T> Walk<T> {
    /// A walk back to a moment, and a little further: clocks differ.
    pub fn back_to(since: Timestamp) -> Self {
        Self { since: back_to(since), seen: Vec::new(), pages: 0 }
    }

    /// Turns to the next page, the first one too.
    ///
    /// Errors: there were too many.
    pub fn turn(&mut self) -> Result<(), Failure> {
        self.pages += 1;
        if self.pages > PAGES_MAX {
            return Err(Failure::Refused("there are too many newer posts to look through".to_owned()));
        }
        Ok(())
    }
}

/// What there is of a post with its thread. `part` finds the post itself (0) or one of its further posts (1, 2, …), which
/// answers the one whose id is given.
pub fn chain(post: &Post, mut part: impl FnMut(usize, Option<&str>) -> Option<Receipt>) -> Found {
    let Some(mut whole) = part(0, post.answers.as_deref()) else { return Found::No };
    for number in 1..=post.thread.len() {
        let next = part(number, Some(whole.last()));
        match next {
            Some(next) => whole.parts.push(next.remote_id),
            None => return Found::Part(whole),
        }
    }
    Found::Yes(whole)
}

/// The failure of a post of which something stands already, whatever became of the rest.
pub fn cut_off(failure: Failure) -> Failure {
    Failure::Uncertain(format!("the post was begun, and then: {}", failure.reason()))
}

/// Refuses an edit that would have to add posts to what stands, or take some away.
pub fn same_parts(had: usize, has: usize) -> Result<(), Failure> {
    if had == has {
        return Ok(());
    }
    let had = counted(had, "post");
    Err(Failure::Refused(format!("the thread has {had} and would have {has}: an edit cannot change that")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_found_as_far_as_it_stands() {
        let post = Post { thread: vec!["deux".into(), "trois".into()], ..Post::default() };
        let of = |there: &[(usize, Option<&str>, &str)]| {
            chain(&post, |part, before| {
                let found = there.iter().find(|(number, after, _)| (*number, *after) == (part, before));
                found.map(|(.., id)| Receipt::new(*id, None))
            })
        };
        let whole = |parts: &[&str]| Receipt {
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
            ..Receipt::new("a", None)
        };
        assert_eq!(of(&[]), Found::No);
        assert_eq!(of(&[(1, Some("a"), "b")]), Found::No, "without its beginning");
        assert_eq!(of(&[(0, None, "a")]), Found::Part(whole(&[])));
        assert_eq!(of(&[(0, None, "a"), (2, Some("b"), "c")]), Found::Part(whole(&[])));
        assert_eq!(of(&[(0, None, "a"), (1, Some("a"), "b")]), Found::Part(whole(&["b"])));
        let all = of(&[(0, None, "a"), (1, Some("a"), "b"), (2, Some("b"), "c")]);
        assert_eq!(all, Found::Yes(whole(&["b", "c"])));
    }

    #[test]
    fn a_walk_ends() {
        let mut walk: Walk<()> = Walk::back_to(Timestamp::UNIX_EPOCH);
        let pages = (0..).take_while(|_| walk.turn().is_ok()).count();
        assert_eq!(pages, PAGES_MAX);
    }
}
