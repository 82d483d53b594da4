//! Quiet hours: civil times at which nothing goes out. `20:00-08:00`, `Sat`, `Mon-Fri 12:00-14:00`, `2027-05-07`,
//! `12-24`, `holidays:FR`.
//!
//! Everything is judged on the clock and the calendar of a zone: where the clock goes back over the end of a quiet
//! hour, that hour is quiet twice.

mod holidays;

use crate::schedule;
use holidays::Region;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Times at which nothing goes out. None by default.
#[derive(Debug, Clone, Default)]
pub struct Quiet {
    hours: Vec<Hours>,
}

/// One line of it: some hours of some days.
#[derive(Debug, Clone)]
struct Hours {
    /// As it is written.
    text: String,
    days: Days,
    /// Minutes of the day: from, and until before. What ends no later than it begins goes on into the next day.
    from: i64,
    until: i64,
}

/// Days of the calendar.
#[derive(Debug, Clone)]
enum Days {
    All,
    /// From Sunday to Saturday.
    Week([bool; 7]),
    Holidays(Region),
    One(Date),
    /// Month and day, every year.
    EveryYear(i8, i8),
}

const DAY_MINUTES: i64 = 24 * 60;

/// Most lines that are passed over one after the other: more than two years of a quiet night and a quiet day each.
const STEPS_MAX: usize = 2_000;

impl Quiet {
    /// Reads one line more. Errors say what is expected.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        self.hours.push(Hours::parse(text.trim())?);
        Ok(())
    }

    /// Whether there is no quiet hour at all.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// Why an instant is quiet; None if it is not.
    pub fn reason(&self, at: Timestamp, zone: &TimeZone) -> Option<String> {
        let civil = zone.to_datetime(at);
        self.hours.iter().find(|hours| hours.end(civil).is_some()).map(|hours| match hours.days {
            Days::Holidays(region) => {
                let name = region.holiday(civil.date()).unwrap_or_default();
                format!("quiet hours ({} {name})", hours.text)
            }
            _ => format!("quiet hours ({})", hours.text),
        })
    }

    /// The first instant that is not quiet, at or after another. None if none comes for years.
    pub fn first_allowed(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut at = at;
        for _ in 0..STEPS_MAX {
            let civil = zone.to_datetime(at);
            match self.hours.iter().filter_map(|hours| hours.end(civil)).max() {
                None => return Some(at),
                Some(end) => at = instant_after(zone, end, at)?,
            }
        }
        None
    }
}

/// The first instant after another at which clocks show a time.
fn instant_after(zone: &TimeZone, civil: DateTime, after: Timestamp) -> Option<Timestamp> {
    let later = || zone.to_ambiguous_timestamp(civil).later().ok();
    let found =
        schedule::first_instant(zone, civil).filter(|at| *at > after).or_else(|| later().filter(|at| *at > after));
    found.or_else(|| after.checked_add(SignedDuration::from_mins(1)).ok())
}

impl Hours {
    fn parse(text: &str) -> Result<Self, String> {
        let (days, hours) = match text.split_once(' ') {
            Some((days, hours)) => (days, Some(hours.trim())),
            None if text.contains(':') && !text.starts_with("holidays:") => ("", Some(text)),
            None => (text, None),
        };
        if text.is_empty() {
            return Err("the line is empty; write one such as 20:00-08:00".to_owned());
        }
        let days = Days::parse(days)?;
        let (from, until) = match hours {
            Some(hours) => range(hours)?,
            None => (0, DAY_MINUTES),
        };
        Ok(Self { text: text.to_owned(), days, from, until })
    }

    /// When the hours end that a civil time lies in; None if it lies in none.
    fn end(&self, at: DateTime) -> Option<DateTime> {
        let (today, time) = (at.date(), at.time());
        let minute = i64::from(time.hour()) * 60 + i64::from(time.minute());
        let (yesterday, tomorrow) = (today.yesterday().ok()?, today.tomorrow().ok()?);
        if self.until > self.from {
            let is_inside = self.days.hold(today) && (self.from..self.until).contains(&minute);
            return is_inside.then(|| moment(today, tomorrow, self.until));
        }
        if self.days.hold(today) && minute >= self.from {
            return Some(moment(tomorrow, tomorrow, self.until));
        }
        (self.days.hold(yesterday) && minute < self.until).then(|| moment(today, tomorrow, self.until))
    }
}

/// A minute of a day; the last one is midnight of the next day.
fn moment(day: Date, next: Date, minute: i64) -> DateTime {
    if minute >= DAY_MINUTES {
        return next.to_datetime(Time::midnight());
    }
    day.to_datetime(Time::midnight()).saturating_add(minute.minutes())
}

impl Days {
    fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "`{text}` is no quiet time; write one such as 20:00-08:00, Sat, Sat-Sun, Mon-Fri 12:00-14:00, 2027-05-07, 12-24 or holidays:FR"
            )
        };
        if text.is_empty() {
            return Ok(Self::All);
        }
        if let Some(region) = text.strip_prefix("holidays:") {
            return Region::parse(region.trim()).map(Self::Holidays);
        }
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return schedule::weekdays(text).map(Self::Week).map_err(|_| expected());
        }
        if let Ok(date) = text.parse::<Date>() {
            return Ok(Self::One(date));
        }
        // A year that has a 29th of February.
        let yearly = format!("2028-{text}").parse::<Date>().map_err(|_| expected())?;
        Ok(Self::EveryYear(yearly.month(), yearly.day()))
    }

    fn hold(&self, date: Date) -> bool {
        match self {
            Self::All => true,
            Self::Week(days) => usize::try_from(date.weekday().to_sunday_zero_offset()).is_ok_and(|day| days[day]),
            Self::Holidays(region) => region.holiday(date).is_some(),
            Self::One(day) => date == *day,
            Self::EveryYear(month, day) => (date.month(), date.day()) == (*month, *day),
        }
    }
}

/// `20:00-08:00`, in minutes of the day.
fn range(text: &str) -> Result<(i64, i64), String> {
    let expected = || format!("`{text}` is no range of hours; write one such as 20:00-08:00");
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':').ok_or_else(expected)?;
        let digits = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) = match (hour.parse::<i64>(), minute.parse::<i64>()) {
            (Ok(h), Ok(m)) if digits(hour) && minute.len() == 2 && digits(minute) && m < 60 => (h, m),
            _ => return Err(expected()),
        };
        Some(hour * 60 + minute).filter(|minute| *minute <= DAY_MINUTES).ok_or_else(expected)
    };
    let (from, until) = text.split_once(['-', '–']).ok_or_else(expected)?;
    let (from, until) = (minute(from)?, minute(until)?);
    // `22:00-00:00` ends with the day.
    let until = if until == 0 { DAY_MINUTES } else { until };
    if from == until || from == DAY_MINUTES {
        return Err(expected());
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(lines: &[&str]) -> Quiet {
        let mut quiet = Quiet::default();
        lines.iter().for_each(|line| quiet.add(line).unwrap());
        quiet
    }

    fn first(lines: &[&str], at: &str) -> String {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = quiet(lines).first_allowed(at.parse().unwrap(), &zone).unwrap();
        at.to_zoned(zone).strftime("%F %T%:z").to_string()
    }

    #[test]
    fn what_is_quiet_ends_at_the_first_instant_that_is_not() {
        let all = ["20:00-08:00", "Sat", "Sun", "holidays:FR"];
        for (at, expected) in [
            ("2027-01-05T12:00:00Z", "2027-01-05 13:00:00+01:00"),
            ("2027-01-05T19:00:00Z", "2027-01-06 08:00:00+01:00"),
            ("2027-01-06T06:59:59Z", "2027-01-06 08:00:00+01:00"),
            ("2027-01-06T07:00:00Z", "2027-01-06 08:00:00+01:00"),
            // Good Friday evening: the week-end, Easter Monday with the change of clocks, the night.
            ("2027-03-26T18:59:59Z", "2027-03-26 19:59:59+01:00"),
            ("2027-03-26T19:00:00Z", "2027-03-30 08:00:00+02:00"),
        ] {
            assert_eq!(first(&all, at), expected, "{at}");
        }
        assert_eq!(first(&["Mon-Fri 12:00-14:00"], "2027-01-05T11:30:00Z"), "2027-01-05 14:00:00+01:00");
        assert_eq!(first(&["Fri 18:00-09:00"], "2027-01-09T07:00:00Z"), "2027-01-09 09:00:00+01:00");
        assert_eq!(first(&["2027-01-05", "01-06"], "2027-01-05T12:00:00Z"), "2027-01-07 00:00:00+01:00");
        assert_eq!(first(&["18:00-24:00"], "2027-01-05T20:00:00Z"), "2027-01-06 00:00:00+01:00");
    }

    #[test]
    fn changes_of_clocks_neither_stop_nor_skip_it() {
        // The night of spring ends in its gap; that of autumn twice.
        assert_eq!(first(&["20:00-02:30"], "2027-03-27T22:00:00Z"), "2027-03-28 03:00:00+02:00");
        assert_eq!(first(&["20:00-02:30"], "2027-10-30T22:00:00Z"), "2027-10-31 02:30:00+02:00");
        assert_eq!(first(&["20:00-02:30"], "2027-10-31T01:10:00Z"), "2027-10-31 02:30:00+01:00");
    }

    #[test]
    fn a_year_of_instants_is_moved_to_where_it_is_not_quiet_and_no_farther() {
        let quiet = quiet(&["20:00-08:00", "Sat-Sun", "holidays:FR-57", "Wed 12:00-13:30", "12-24"]);
        for name in ["Europe/Paris", "America/Santiago", "Pacific/Apia"] {
            let zone = TimeZone::get(name).unwrap();
            let start: Timestamp = "2026-12-30T00:07:00Z".parse().unwrap();
            for step in 0..(366 * 24 * 2) {
                let at = start + SignedDuration::from_mins(30) * step;
                let allowed = quiet.first_allowed(at, &zone).unwrap();
                assert!(allowed >= at && quiet.reason(allowed, &zone).is_none(), "{name} {at} {allowed}");
                // Nothing between was allowed.
                let mut between = at;
                while between < allowed {
                    assert!(quiet.reason(between, &zone).is_some(), "{name} {at} {between} {allowed}");
                    between += SignedDuration::from_mins(173);
                }
                assert!(allowed == at || quiet.reason(allowed - SignedDuration::from_secs(1), &zone).is_some());
            }
        }
    }

    #[test]
    fn wrong_lines_are_explained_and_a_week_without_an_hour_is_found() {
        for line in
            ["20:00", "20:00-20:00", "25:00-08:00", "8-20", "Lun", "13-40", "holidays:XX", "Sat 8", "20:0-08:00", ""]
        {
            assert!(Quiet::default().add(line).is_err(), "{line}");
        }
        let always = quiet(&["Mon-Sun"]);
        assert_eq!(always.first_allowed("2027-01-01T00:00:00Z".parse().unwrap(), &TimeZone::UTC), None);
    }
}
