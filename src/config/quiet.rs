//! The sections `quiet_hours` and `blackouts`: when nothing goes out.

use super::raw::{RawBlackout, RawBlackoutAction};
use super::read::{Reader, dotted, key};
use crate::quiet::Quiet;
use crate::yaml::Step;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A period in which nothing goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blackout {
    /// First day, in the site's zone.
    pub from: Date,
    /// Last day, in the site's zone.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Who decided it, if that is said.
    pub by: Option<String>,
    /// What becomes of posts that fall into it.
    pub action: BlackoutAction,
}

/// What becomes of posts that fall into a blackout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlackoutAction {
    /// They are held: a person approves each, or calls it off.
    Hold,
    /// They are called off.
    Drop,
}

impl Blackout {
    /// Whether it covers an instant; the zone is the site's.
    pub fn covers(&self, at: Timestamp, zone: &TimeZone) -> bool {
        (self.from..=self.until).contains(&zone.to_datetime(at).date())
    }
}

/// Reads lines of quiet hours.
pub(super) fn hours(reader: &mut Reader, path: &[Step], lines: &[String]) -> Quiet {
    let mut quiet = Quiet::default();
    for (at, line) in lines.iter().enumerate() {
        let read = quiet.add(line);
        reader.with(&[path, &[Step::Item(at)]].concat(), read, ());
    }
    if quiet.first_allowed(Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_none() {
        let message = format!("{}: these leave no hour in which anything could go out", dotted(path));
        reader.problem(path, message, "leave some; `crieur silence on` holds everything at once");
        return Quiet::default();
    }
    quiet
}

pub(super) fn blackouts(reader: &mut Reader, raw: Vec<RawBlackout>) -> Vec<Blackout> {
    let mut blackouts = Vec::new();
    for (at, raw) in raw.into_iter().enumerate() {
        let here = [key("blackouts"), Step::Item(at)];
        let mut day = |name: &str, given: Option<String>| {
            let path = [&here[..], &[key(name)]].concat();
            if given.is_none() && !reader.is_reported(&path) {
                let message = format!("{}: `{name}` is missing", dotted(&here));
                reader.problem(&here, message, "write a day such as 2027-03-01");
            }
            let read = given.map(|given| {
                given
                    .parse::<Date>()
                    .map(Some)
                    .map_err(|_| format!("`{given}` is not a day; write one such as 2027-03-01"))
            });
            read.and_then(|read| reader.with(&path, read, None))
        };
        let (from, until) = (day("from", raw.from), day("until", raw.until));
        let reason = raw.reason.filter(|reason| !reason.trim().is_empty());
        if reason.is_none() && !reader.is_reported(&[&here[..], &[key("reason")]].concat()) {
            let message = format!("{}: `reason` is missing", dotted(&here));
            reader.problem(&here, message, "say why, for those who look for a post");
        }
        let (Some(from), Some(until)) = (from, until) else { continue };
        if until < from {
            let message = format!("{}: {until} comes before {from}", dotted(&here));
            reader.problem(&here, message, "exchange `from` and `until`; both days are inside");
        }
        let action = match raw.action {
            Some(RawBlackoutAction::Drop) => BlackoutAction::Drop,
            Some(RawBlackoutAction::Hold) | None => BlackoutAction::Hold,
        };
        blackouts.push(Blackout { from, until, reason: reason.unwrap_or_default(), by: raw.by, action });
    }
    blackouts
}
