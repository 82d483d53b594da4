//! How quickly posts may follow each other at an endpoint.

use crate::span::after;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// The window of [`Rate::per_day`]: networks that limit a day's posts count the last 24 hours (Threads: 250; X: 17 on the
/// smallest plan), not the calendar's day.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long after its instant a planned post may go out since others stand just before it.
pub const LATE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How quickly posts may follow each other at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// Least time between two posts.
    pub gap: SignedDuration,
    /// Most posts within any 24 hours; None for any number. A thread is one post.
    pub per_day: Option<u32>,
}

impl Rate {
    /// How many of the posts that were sent last [`Rate::opens`] must know.
    pub fn looks_back(&self) -> usize {
        self.per_day.map_or(1, |most| usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Whether what went out before must be known to plan ahead: the least time between two posts is else too short to
    /// matter there.
    pub fn counts_what_went_out(&self) -> bool {
        self.per_day.is_some() || self.gap > LATE_MAX
    }

    /// From when on the next post may go out. `sent` is when the last posts went out, newest first.
    pub fn opens(&self, sent: impl IntoIterator<Item = Timestamp>) -> Opens {
        let mut sent = sent.into_iter().peekable();
        let gap = sent.peek().map_or(Timestamp::MIN, |last| after(*last, self.gap));
        let first_of_a_full_day = self.per_day.and_then(|_| sent.nth(self.looks_back().saturating_sub(1)));
        Opens { gap, day: first_of_a_full_day.map(|first| after(first, DAY)) }
    }

    /// When each of some posts goes out by this, in the order given. `due` are their instants, `sent` is when the last posts
    /// went out, newest first, and `open` tells when an endpoint that is closed at an instant opens, if it does. What comes
    /// after one that never goes out is left out.
    pub fn turns(
        &self,
        sent: impl IntoIterator<Item = Timestamp>,
        due: impl IntoIterator<Item = Timestamp>,
        open: impl Fn(Timestamp) -> Option<Timestamp>,
    ) -> Vec<Turn> {
        let looks_back = self.looks_back().max(1);
        let mut sent: VecDeque<Timestamp> = sent.into_iter().take(looks_back).collect();
        let turn = |due: Timestamp| {
            let opens = self.opens(sent.iter().copied());
            let at = open(due.max(opens.at()))?;
            sent.push_front(at);
            sent.truncate(looks_back);
            let is_late = opens.gap.duration_since(due) > LATE_MAX;
            let waits = match opens.full_until(due) {
                Some(_) => Some(Waits::Day),
                None => is_late.then_some(Waits::Gap),
            };
            Some(Turn { at, waits })
        };
        due.into_iter().map_while(turn).collect()
    }
}

/// When a post goes out by the rate of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The instant.
    pub at: Timestamp,
    /// Why it is later than it was due by its endpoint's rate, where that is worth telling.
    pub waits: Option<Waits>,
}

/// Why a post goes out later than it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The day holds enough of them.
    Day,
    /// The least time between two posts makes it more than an hour late.
    Gap,
}

/// From when on the next post may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opens {
    /// By the least time between two posts.
    gap: Timestamp,
    /// By the most posts of 24 hours, if there were so many.
    day: Option<Timestamp>,
}

impl Opens {
    /// By both.
    pub fn at(&self) -> Timestamp {
        self.day.map_or(self.gap, |day| day.max(self.gap))
    }

    /// Until when no post goes out since there were enough of them, if that is so now.
    pub fn full_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.day.filter(|day| *day > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    #[test]
    fn a_day_that_is_full_opens_a_day_after_the_first_of_its_posts() {
        let rate = Rate { gap: SignedDuration::from_mins(1), per_day: Some(3) };
        assert_eq!(rate.opens([]).at(), Timestamp::MIN);
        assert_eq!(rate.opens([minute(9), minute(5)]).at(), minute(10));
        let full = rate.opens([minute(9), minute(5), minute(2), minute(1)]);
        assert_eq!((full.at(), full.full_until(minute(60))), (minute(2 + 24 * 60), Some(minute(2 + 24 * 60))));
        assert_eq!(full.full_until(minute(2 + 24 * 60)), None);
        let one = Rate { gap: SignedDuration::ZERO, per_day: Some(1) };
        assert_eq!(one.opens([minute(9)]).at(), minute(9 + 24 * 60));
        let any = Rate { gap: SignedDuration::ZERO, per_day: None };
        assert_eq!(any.opens([minute(9), minute(9), minute(9)]).at(), minute(9));
    }

    #[test]
    fn each_that_waits_has_its_turn() {
        let rate = Rate { gap: SignedDuration::from_mins(1), per_day: Some(2) };
        let day = 24 * 60;
        let turns = rate.turns([minute(9), minute(5)], [minute(8), minute(8), minute(9), minute(3 * day)], Some);
        let told: Vec<_> = turns.iter().map(|turn| (turn.at, turn.waits.is_some())).collect();
        let expected = [(5 + day, true), (9 + day, true), (5 + 2 * day, true), (3 * day, false)];
        assert_eq!(told, expected.map(|(at, full)| (minute(at), full)));
    }

    proptest! {
        /// Whatever is wanted when: no 24 hours hold more, no two are closer, and nothing waits longer than it must.
        #[test]
        fn as_many_as_may_go_out_in_any_day_and_no_more(
            wanted in prop::collection::vec(0_i64..4_000, 1..60),
            per_day in 1_u32..8,
            gap in 0_i64..200,
        ) {
            let rate = Rate { gap: SignedDuration::from_mins(gap), per_day: Some(per_day) };
            let mut wanted = wanted;
            wanted.sort_unstable();
            let mut sent: Vec<Timestamp> = Vec::new();
            for at in wanted {
                let newest = sent.iter().rev().copied();
                let at = rate.opens(newest.take(rate.looks_back())).at().max(minute(at));
                sent.push(at);
            }
            let most = per_day as usize;
            for (place, at) in sent.iter().enumerate() {
                prop_assert!(place == 0 || at.duration_since(sent[place - 1]) >= rate.gap);
                prop_assert!(place < most || at.duration_since(sent[place - most]) >= DAY);
            }
        }
    }
}
