//! Distances from a moment, before it or after it: `-7d`, `2h`, `1d12h`. Days are civil days: seven days before a
//! meeting at 14:00 it is 14:00, whatever the clocks did in between. Hours, minutes and seconds are exact.

use crate::{schedule, span};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// A distance from a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    /// Whether it lies before the moment.
    is_before: bool,
    /// Its length, a day being 24 hours.
    length: SignedDuration,
}

const DAY_SECONDS: i64 = 86_400;

impl Offset {
    /// So long after the moment.
    pub fn after(length: SignedDuration) -> Self {
        Self { is_before: false, length }
    }

    /// Reads an offset: a length of time, with `-` in front if it lies before. Errors say what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (is_before, length) = match text.strip_prefix(['-', '−']) {
            Some(length) => (true, length),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let length = span::parse(length).map_err(|_| {
            format!("`{text}` is no distance from a moment; write a length of time such as 2h or 7d, with - for before")
        })?;
        // Nothing before is nothing after.
        Ok(Self { is_before: is_before && !length.is_zero(), length })
    }

    /// Whether it lies before the moment.
    pub fn is_before(self) -> bool {
        self.is_before
    }

    /// Whether it is the moment itself.
    pub fn is_zero(self) -> bool {
        self.length.is_zero()
    }

    /// Its length, without its direction.
    pub fn length(self) -> SignedDuration {
        self.length
    }

    /// The instant at this distance from another: days on the calendar of the zone, the rest on the clock. A civil time
    /// in a spring gap is the first instant after it, one in an autumn fold the first of the two.
    pub fn from(self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (days, rest) = (self.length.as_secs() / DAY_SECONDS, self.length.as_secs() % DAY_SECONDS);
        let sign = if self.is_before { -1 } else { 1 };
        let there = if days == 0 {
            moment
        } else {
            let civil = zone.to_datetime(moment).checked_add(Span::new().try_days(sign * days).ok()?).ok()?;
            schedule::first_instant(zone, civil)?
        };
        there.checked_add(SignedDuration::from_secs(sign * rest)).ok()
    }
}

/// As people write it, always in the same way: `-168h` is `-7d`.
impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_before { "-" } else { "" })?;
        f.write_str(&span::show(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_and_shown_in_one_way() {
        for (text, shown) in
            [("-7d", "-7d"), ("-168h", "-7d"), ("+2h", "2h"), ("0d", "0s"), ("-0d", "0s"), ("1d12h", "1d12h")]
        {
            assert_eq!(Offset::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "-", "7", "--7d", "d", "7 d"] {
            assert!(Offset::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_are_civil_and_hours_are_exact() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let check = |offset: &str, moment: &str, expected: &str| {
            let at = Offset::parse(offset).unwrap().from(moment.parse().unwrap(), &zone).unwrap();
            assert_eq!(at.to_zoned(zone.clone()).strftime("%F %T%:z").to_string(), expected, "{offset} of {moment}");
        };
        // Clocks go forward on 28 March 2027 and back on 31 October.
        check("-7d", "2027-03-30T12:00:00Z", "2027-03-23 14:00:00+01:00");
        check("-168h", "2027-03-30T12:00:00Z", "2027-03-23 14:00:00+01:00");
        check("-2h", "2027-03-28T01:30:00Z", "2027-03-28 00:30:00+01:00");
        check("-1d", "2027-03-29T00:30:00Z", "2027-03-28 03:00:00+02:00");
        check("1d", "2027-10-30T00:30:00Z", "2027-10-31 02:30:00+02:00");
        check("30d", "2027-10-05T07:00:00Z", "2027-11-04 09:00:00+01:00");
    }
}
