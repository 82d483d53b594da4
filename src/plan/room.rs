//! Whether an endpoint has room for one more post at an instant: the others must not be late for it, nor a day hold too
//! many.

use crate::rate::{DAY, LATE_MAX, Rate};
use crate::span::after;
use jiff::Timestamp;
use std::iter;

/// The posts of an endpoint that went out or will.
#[derive(Debug, Clone)]
pub(super) struct Room {
    rate: Rate,
    /// When they are due, in order, and from when on the least time between two posts lets the next one out.
    due: Vec<(Timestamp, Timestamp)>,
    /// When they go out as things stand, in order.
    turns: Vec<Timestamp>,
}

impl Room {
    /// Beside posts that are due, or went out, at some instants, and go out, or went out, at others.
    pub(super) fn new(rate: Rate, mut due: Vec<Timestamp>, mut turns: Vec<Timestamp>) -> Self {
        due.sort_unstable();
        turns.sort_unstable();
        let mut room = Self { rate, due: due.into_iter().map(|due| (due, due)).collect(), turns };
        room.reckon(0);
        room
    }

    /// Takes an instant, if one more post fits in there.
    pub(super) fn take(&mut self, at: Timestamp) -> bool {
        let place = self.due.partition_point(|(other, _)| *other <= at);
        let turn = self.turns.partition_point(|other| *other <= at);
        let fits = self.keeps_up(place, at) && self.has_room_in_its_days(turn, at);
        if fits {
            self.due.insert(place, (at, at));
            self.turns.insert(turn, at);
            self.reckon(place);
        }
        fits
    }

    /// When the next post may go out after so many of them.
    fn opens(&self, place: usize) -> Timestamp {
        place.checked_sub(1).and_then(|before| self.due.get(before)).map_or(Timestamp::MIN, |(_, opens)| *opens)
    }

    /// Reckons anew when the next one may go out, from a place on.
    fn reckon(&mut self, place: usize) {
        let mut opens = self.opens(place);
        for (due, then) in self.due.iter_mut().skip(place) {
            opens = after(opens.max(*due), self.rate.gap);
            *then = opens;
        }
    }

    /// Whether the least time between two posts makes neither it nor one behind it late. Some may share a slot.
    fn keeps_up(&self, place: usize, at: Timestamp) -> bool {
        let mut opens = self.opens(place);
        let behind = self.due.iter().skip(place).map(|(due, _)| *due);
        for (steps, due) in iter::once(at).chain(behind).enumerate() {
            if steps > 0 && opens <= due {
                return true;
            }
            let turn = due.max(opens);
            if turn.duration_since(due) > LATE_MAX {
                return false;
            }
            opens = after(turn, self.rate.gap);
        }
        true
    }

    fn has_room_in_its_days(&self, turn: usize, at: Timestamp) -> bool {
        let Some(most) = self.rate.per_day.and_then(|most| usize::try_from(most.max(1)).ok()) else { return true };
        let (before, behind) = self.turns.split_at(turn);
        let before = before.get(before.len().saturating_sub(most)..).unwrap_or_default();
        let around: Vec<Timestamp> =
            before.iter().copied().chain([at]).chain(behind.iter().copied().take(most)).collect();
        around.iter().zip(around.iter().skip(most)).all(|(first, last)| last.duration_since(*first) >= DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn room(rate: Rate, taken: &[i64]) -> Room {
        let taken: Vec<Timestamp> = taken.iter().copied().map(minute).collect();
        Room::new(rate, taken.clone(), taken)
    }

    #[test]
    fn there_is_room_where_none_waits_and_no_day_is_full() {
        let rate = Rate { gap: SignedDuration::from_mins(1), per_day: Some(2) };
        let day = 24 * 60;
        let taken = [0, 100, 2 * day];
        for (at, fits) in [(50, false), (100, false), (day, true), (day - 1, false), (day + 100, true), (2 * day, true)]
        {
            assert_eq!(room(rate, &taken).take(minute(at)), fits, "{at}");
        }
        assert!(!room(rate, &[0, 1]).take(minute(-5)), "before them");
    }

    #[test]
    fn what_the_gap_would_make_late_has_no_room_on_either_side() {
        let rate = Rate { gap: SignedDuration::from_hours(12), per_day: None };
        for (at, fits) in
            [(0, false), (11 * 60, true), (8 * 60, false), (12 * 60, true), (-12 * 60, true), (-8 * 60, false)]
        {
            assert_eq!(room(rate, &[0]).take(minute(at)), fits, "{at}");
        }
        // Of two rules with one slot, the second post goes out a minute later.
        let rate = Rate { gap: SignedDuration::from_mins(1), per_day: None };
        assert!(room(rate, &[0; 60]).take(minute(0)));
        assert!(!room(rate, &[0; 62]).take(minute(0)), "it would be an hour late");
        assert!(room(rate, &[0; 300]).take(minute(-1)), "before them, and the first of them a minute late at most");
        assert!(room(rate, &[0; 300]).take(minute(300)), "what is late already keeps nothing else from its time");
    }

    proptest! {
        /// However it is filled: where there was room, a walk through all of them finds none of them later than it may be.
        #[test]
        fn none_is_late(wanted in prop::collection::vec(0_i64..3_000, 1..60), gap in 0_i64..200) {
            let mut room = room(Rate { gap: SignedDuration::from_mins(gap), per_day: None }, &[]);
            let mut taken: Vec<Timestamp> = Vec::new();
            for at in wanted.into_iter().map(minute) {
                let mut with: Vec<Timestamp> = taken.iter().copied().chain([at]).collect();
                with.sort_unstable();
                let mut opens = Timestamp::MIN;
                let is_late = with.iter().any(|due| {
                    let turn = opens.max(*due);
                    opens = after(turn, SignedDuration::from_mins(gap));
                    turn.duration_since(*due) > LATE_MAX
                });
                prop_assert_eq!(room.take(at), !is_late);
                if !is_late {
                    taken = with;
                }
            }
        }
    }
}
