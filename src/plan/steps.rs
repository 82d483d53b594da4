//! The steps of a rule: the moments of an article's life at which it posts it. Each has a name that is part of the
//! delivery's key, for ever, and so is always written in the same way.

use crate::article::EventStatus;
use crate::catalog::EventTime;
use crate::config::When;
use crate::delivery::{CAMPAIGN, PUBLICATION};
use crate::offset::Offset;
use crate::span;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name in the key: `publication`, `event:-7d`, `after:30d`.
    pub name: String,
    /// The moment.
    pub moment: Moment,
}

/// A moment of an article's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Its publication, once it has settled.
    Publication,
    /// The next slot after that.
    Slot,
    /// So long before its event starts, or after it ends.
    Event(Offset),
    /// So long after its publication.
    After(Offset),
    /// Its turn in a campaign.
    Campaign,
}

/// The steps of a rule, in the order of the configuration.
pub fn steps(when: &When) -> Vec<Step> {
    let publication = |moment| Step { name: PUBLICATION.to_owned(), moment };
    match when {
        When::Publication => vec![publication(Moment::Publication)],
        When::Slots { .. } => vec![publication(Moment::Slot)],
        When::Campaign(_) => vec![Step { name: CAMPAIGN.to_owned(), moment: Moment::Campaign }],
        When::Event(offsets) => offsets
            .iter()
            .map(|offset| Step { name: format!("event:{offset}"), moment: Moment::Event(*offset) })
            .collect(),
        // The first of the repeats is the announcement itself: it is the same delivery under either kind of rule.
        When::After(repeats) => repeats
            .offsets
            .iter()
            .map(|offset| match offset.is_zero() {
                true => publication(Moment::Publication),
                false => Step { name: format!("after:{offset}"), moment: Moment::After(*offset) },
            })
            .collect(),
    }
}

impl Step {
    /// The step of a name, whatever rule had it.
    pub fn of_name(name: &str) -> Option<Self> {
        let moment = match name.split_once(':') {
            None if name == PUBLICATION => Moment::Publication,
            None if name == CAMPAIGN => Moment::Campaign,
            Some(("event", offset)) => Moment::Event(Offset::parse(offset).ok()?),
            Some(("after", offset)) => Moment::After(Offset::parse(offset).ok()?),
            _ => return None,
        };
        Some(Self { name: name.to_owned(), moment })
    }

    /// For a person: `7d before the event`.
    pub fn in_words(&self) -> String {
        let length = |offset: Offset| span::show(offset.length());
        match self.moment {
            Moment::Publication => "at publication".to_owned(),
            Moment::Slot => "in the next slot".to_owned(),
            Moment::Campaign => "at its turn in the campaign".to_owned(),
            Moment::Event(offset) if offset.is_zero() => "at the start of the event".to_owned(),
            Moment::Event(offset) if offset.is_before() => format!("{} before the event", length(offset)),
            Moment::Event(offset) => format!("{} after the event", length(offset)),
            Moment::After(offset) => format!("{} after publication", length(offset)),
        }
    }

    /// Whether its moment is one of an event.
    pub fn is_of_an_event(&self) -> bool {
        matches!(self.moment, Moment::Event(_))
    }

    /// Whether it announces an event that is to come, and so makes no sense once it has begun.
    pub fn is_reminder(&self) -> bool {
        matches!(self.moment, Moment::Event(offset) if offset.is_before() || offset.is_zero())
    }
}

/// The instant of an offset from an event, in the zone of whoever is told.
pub fn event_moment(event: &EventTime, offset: Offset, zone: &TimeZone) -> Option<Timestamp> {
    if offset.is_before() || offset.is_zero() {
        return offset.from(event.start.at, zone);
    }
    offset.from(end(event), zone)
}

/// When an event is over. One of whole days ends with its last day; one without an end is over when it starts.
fn end(event: &EventTime) -> Timestamp {
    let last = event.end.filter(|end| end.at >= event.start.at).unwrap_or(event.start);
    if !event.all_day {
        return last.at;
    }
    last.zoned().checked_add(1.day()).map_or(last.at, |end| end.timestamp())
}

/// Why a reminder is not sent any more: its event has begun. The time is that of the event's own offset.
pub fn too_late(step: &Step, event: Option<&EventTime>, now: Timestamp) -> Option<String> {
    let start = event.filter(|_| step.is_reminder())?.start;
    // A post at the very start is not late while the event's first hour runs.
    let grace = matches!(step.moment, Moment::Event(offset) if offset.is_zero());
    let last = if grace { start.at.checked_add(1.hour()).ok()? } else { start.at };
    (now >= last).then(|| format!("missed: the event began at {}, and nothing reminds of it after", start.rfc3339()))
}

/// Why nothing is said of an event: neither reminders nor thanks.
pub fn off(event: &EventTime) -> Option<&'static str> {
    match event.status {
        EventStatus::Confirmed => None,
        EventStatus::Postponed => Some("the event is postponed; its posts come back when it has a date again"),
        EventStatus::Cancelled => Some("the event is cancelled"),
    }
}

/// Why a post of an event, which was composed for its moment, is not sent again: the event is off, was moved, or has begun.
pub fn overtaken(step: &Step, event: Option<&EventTime>, zone: &TimeZone, now: Timestamp) -> Option<String> {
    let Moment::Event(offset) = step.moment else { return None };
    let Some(event) = event else { return Some("the article is no event any more".to_owned()) };
    if let Some(off) = off(event) {
        return Some(off.to_owned());
    }
    if event_moment(event, offset, zone).is_some_and(|moment| moment > now) {
        return Some("the event moved, and what was composed for its old date is not sent again".to_owned());
    }
    too_late(step, Some(event), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Repeats;

    #[test]
    fn names_lead_back_to_their_steps() {
        let offsets = |all: &[&str]| all.iter().map(|text| Offset::parse(text).unwrap()).collect::<Vec<_>>();
        let repeated = |offsets| When::After(Repeats { offsets, until: None, is_even: false });
        let event = steps(&When::Event(offsets(&["-168h", "0d", "2h"])));
        let names: Vec<&str> = event.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["event:-7d", "event:0s", "event:2h"]);
        let after = steps(&repeated(offsets(&["0d", "30d"])));
        assert_eq!(after[0], steps(&When::Publication)[0], "a rule that repeats announces first");
        for step in event.iter().chain(&after) {
            assert_eq!(Step::of_name(&step.name).as_ref(), Some(step));
        }
        assert_eq!(Step::of_name("event:soon"), None);
    }
}
