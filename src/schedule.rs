//! Slots: cron lines on civil time, in an IANA zone.
//!
//! The `cron` crate parses the fields and finds civil times. This file gives it what crontab(5) says where the crate
//! has its own habit: weekday numbers (0 or 7 Sunday, 1 Monday), day-of-month *or* weekday when both are given, and
//! five fields. Zones are ours too: a slot in a spring gap runs at the first instant after the gap, a slot in an
//! autumn fold runs once, at the first of its two instants.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::str::FromStr;

/// One or more cron lines, taken together.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Each line is one or two schedules of the crate (day-of-month, weekday).
    parts: Vec<cron::Schedule>,
}

impl Schedule {
    /// Reads cron lines of five fields, or of six with the seconds first. Errors say which field, and what it may hold.
    pub fn parse<S: AsRef<str>>(lines: &[S]) -> Result<Self, String> {
        let mut schedule = Self { parts: Vec::new() };
        for line in lines {
            let line = line.as_ref().trim();
            schedule.parts.extend(parse_line(line)?);
        }
        if schedule.parts.is_empty() {
            return Err("no slot is given; write a cron line such as \"30 9 * * Mon-Fri\"".to_owned());
        }
        Ok(schedule)
    }

    /// Whether a slot ever comes (`0 0 30 2 *` is the 30th of February).
    pub fn ever_comes(&self) -> bool {
        self.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_some()
    }

    /// The first slot after an instant, in a zone. None if no slot comes before the year 2100.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.parts.iter().filter_map(|part| next_of(part, after, zone)).min()
    }

    /// The first slot at or after an instant, in a zone.
    pub fn next_from(&self, from: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let just_before = from.checked_sub(SignedDuration::from_nanos(1)).ok()?;
        self.next_after(just_before, zone)
    }
}

/// Civil times are searched from a little before: around an autumn fold the civil clock goes back.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(26);

fn next_of(part: &cron::Schedule, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let start = zone.to_datetime(after.checked_sub(LOOK_BACK).ok()?);
    part.after(&as_utc(start)?).filter_map(|civil| first_instant(zone, from_utc(civil)?)).find(|at| *at > after)
}

/// The instant of a civil time: the first of two in a fold, the end of the gap in a gap.
pub fn first_instant(zone: &TimeZone, at: civil::DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // Read with the offset before the gap, the time lies after the transition that made the gap.
            let past = before.to_timestamp(at).ok()?;
            let just_after = past.checked_add(SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(just_after).next().map(|transition| transition.timestamp())
        }
        _ => ambiguous.compatible().ok(),
    }
}

/// The crate reckons with zones; civil time is handed over as if it were UTC.
fn as_utc(at: civil::DateTime) -> Option<DateTime<Utc>> {
    let date = NaiveDate::from_ymd_opt(
        i32::from(at.year()),
        u32::from(at.month().unsigned_abs()),
        u32::from(at.day().unsigned_abs()),
    )?;
    let part = |n: i8| u32::from(n.unsigned_abs());
    Some(date.and_hms_opt(part(at.hour()), part(at.minute()), part(at.second()))?.and_utc())
}

fn from_utc(at: DateTime<Utc>) -> Option<civil::DateTime> {
    let small = |n: u32| i8::try_from(n).ok();
    civil::DateTime::new(
        i16::try_from(at.year()).ok()?,
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
        0,
    )
    .ok()
}

fn parse_line(line: &str) -> Result<Vec<cron::Schedule>, String> {
    let mut fields: Vec<&str> = line.split_whitespace().collect();
    if fields.len() == 5 {
        fields.insert(0, "0");
    }
    let [second, minute, hour, day, month, weekday] = fields[..] else {
        return Err(format!(
            "`{line}` has {} fields; write minute, hour, day, month and weekday, or six with the seconds first",
            line.split_whitespace().count()
        ));
    };
    let (day, any_day) = (if day == "?" { "*" } else { day }, matches!(day, "*" | "?"));
    let any_weekday = matches!(weekday, "*" | "?");
    let weekdays = if any_weekday { "*".to_owned() } else { weekday_list(weekday)? };
    let crate_line = |day: &str, weekdays: &str| {
        let text = format!("{second} {minute} {hour} {day} {month} {weekdays}");
        cron::Schedule::from_str(&text).map_err(|error| {
            let why = in_words(&error.to_string());
            format!("`{line}` is not a cron line: {why}; an example: \"0 30 9 * * Mon-Fri\" is 9:30 on working days")
        })
    };
    if any_day || any_weekday {
        return Ok(vec![crate_line(day, &weekdays)?]);
    }
    // crontab(5): with both given, either one is enough.
    Ok(vec![crate_line(day, "*")?, crate_line("*", &weekdays)?])
}

/// What the crate says of a line, as part of a sentence. It draws an arrow below the line, and what it says comes last:
/// `Minutes must be less than 59. ('61' specified.)`, and it means that 59 will do.
fn in_words(error: &str) -> String {
    let said = error.lines().last().unwrap_or_default();
    let said = said.replace("must be less than", "must be at most").replace(". (", " (").replace(".)", ")");
    let said = said.replace(". '", ": '");
    said.trim_end_matches('.').to_owned()
}

/// A weekday field in crontab's numbers and names as a plain list in the crate's (1 = Sunday … 7 = Saturday).
fn weekday_list(field: &str) -> Result<String, String> {
    let wanted = weekdays(field)?;
    let list: Vec<String> = (0..7).filter(|day| wanted[*day]).map(|day| (day + 1).to_string()).collect();
    Ok(list.join(","))
}

/// The days of a weekday field in crontab's numbers and names (`Mon-Fri`, `Sat,Sun`), from Sunday to Saturday. Errors
/// say what is expected.
pub fn weekdays(field: &str) -> Result<[bool; 7], String> {
    let mut wanted = [false; 7];
    for item in field.split(',') {
        let wrong = || format!("`{item}` is not a weekday; write 0 to 7 (0 and 7 are Sunday) or Mon to Sun");
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|s| *s > 0).ok_or_else(wrong)?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (weekday(first).ok_or_else(wrong)?, weekday(last).ok_or_else(wrong)?),
            None if range == "*" => (0, 6),
            None => {
                let day = weekday(range).ok_or_else(wrong)?;
                (day, if item.contains('/') { 6 } else { day })
            }
        };
        // `Fri-Sun` and `Sat-Mon` go round the end of the week; `0-7` and `Sun-Sun` are what they say.
        let length = if range.contains('-')
            && first == last
            && range.starts_with(['0', '7'])
            && range.ends_with(['7', '0'])
            && range != "0-0"
            && range != "7-7"
        {
            7
        } else {
            (last + 7 - first) % 7 + 1
        };
        for day in (0..length).step_by(step) {
            wanted[(first + day) % 7] = true;
        }
    }
    Ok(wanted)
}

/// The number of a weekday, 0 = Sunday.
fn weekday(name: &str) -> Option<usize> {
    if let Ok(number) = name.parse::<usize>() {
        return (number <= 7).then_some(number % 7);
    }
    const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let name = name.to_ascii_lowercase();
    NAMES.iter().position(|day| name == *day || name == day[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn next(line: &str, after: &str) -> String {
        let at = Schedule::parse(&[line]).unwrap().next_after(after.parse().unwrap(), &paris()).unwrap();
        at.to_zoned(paris()).strftime("%F %T%:z").to_string()
    }

    #[test]
    fn a_slot_in_the_spring_gap_runs_at_the_first_instant_after_it() {
        assert_eq!(next("30 2 * * *", "2027-03-27T12:00:00Z"), "2027-03-28 03:00:00+02:00");
        assert_eq!(next("30 2 * * *", "2027-03-28T01:00:00Z"), "2027-03-29 02:30:00+02:00");
    }

    #[test]
    fn a_slot_in_the_autumn_fold_runs_once_at_the_first() {
        assert_eq!(next("30 2 * * *", "2027-10-30T12:00:00Z"), "2027-10-31 02:30:00+02:00");
        assert_eq!(next("30 2 * * *", "2027-10-31T00:30:00Z"), "2027-11-01 02:30:00+01:00");
    }

    #[test]
    fn weekdays_are_those_of_crontab() {
        // 2026-11-22 is a Sunday.
        for (line, expected) in [
            ("0 9 * * 1", "2026-11-23 09:00:00+01:00"),
            ("0 9 * * Mon-Fri", "2026-11-23 09:00:00+01:00"),
            ("0 30 9 * * Mon-Fri", "2026-11-23 09:30:00+01:00"),
            ("0 9 * * 7", "2026-11-29 09:00:00+01:00"),
            ("0 9 * * 0", "2026-11-29 09:00:00+01:00"),
            ("0 9 * * fri-sun", "2026-11-27 09:00:00+01:00"),
            ("0 9 * * sat-mon/2", "2026-11-23 09:00:00+01:00"),
            ("0 9 13 * 5", "2026-11-27 09:00:00+01:00"),
            ("0 9 * * 1-7", "2026-11-23 09:00:00+01:00"),
        ] {
            assert_eq!(next(line, "2026-11-22T12:00:00Z"), expected, "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_explained() {
        for line in ["9 * *", "0 9 * * Lun", "0 25 * * *", "0 9 * * 8", ""] {
            assert!(Schedule::parse(&[line]).is_err(), "{line}");
        }
        let error = Schedule::parse(&["61 9 * * *"]).unwrap_err();
        assert!(error.starts_with("`61 9 * * *` is not a cron line: Minutes must be at most 59 ('61' specified); an"));
        let never = Schedule::parse(&["0 0 30 2 *"]).unwrap();
        assert_eq!(never.next_after("2026-01-01T00:00:00Z".parse().unwrap(), &paris()), None);
    }
}
