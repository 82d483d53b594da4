//! Dates as people write them in front matter.

use jiff::civil::{self, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// An instant with the offset in which it was written, which feeds show again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArticleDate {
    /// The instant.
    pub at: Timestamp,
    /// The offset from UTC in which it was written.
    pub offset: Offset,
}

impl ArticleDate {
    /// The instant in its own offset.
    pub fn zoned(self) -> Zoned {
        self.at.to_zoned(self.offset.to_time_zone())
    }

    /// An instant in the offset that a zone has then.
    pub fn in_zone(at: Timestamp, zone: &TimeZone) -> Self {
        let offset = zone.to_offset(at);
        // Before standard time, offsets had seconds, which no format of feeds can write.
        let offset = if offset.seconds() % 60 == 0 { offset } else { Offset::UTC };
        Self { at, offset }
    }

    /// RFC 3339, such as `2024-07-05T14:00:00+02:00`, with a fraction only where there is one.
    pub fn rfc3339(self) -> String {
        let zoned = self.zoned();
        let fraction = if zoned.subsec_nanosecond() == 0 { "" } else { "%.6f" };
        zoned.strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z")).to_string()
    }

    /// RFC 822 with a year of four digits, such as `Fri, 05 Jul 2024 14:00:00 +0200`; English whatever the site's
    /// language. An offset that is no multiple of half an hour (Nepal's), which the W3C validator takes for a mistake,
    /// becomes that of UTC.
    pub fn rfc822(self) -> String {
        let usual = self.offset.seconds() % 1_800 == 0;
        let zoned = if usual { self.zoned() } else { Self { offset: Offset::UTC, ..self }.zoned() };
        zoned.strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
    }
}

impl serde::Serialize for ArticleDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for ArticleDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text, &TimeZone::UTC).ok_or_else(|| serde::de::Error::custom("not a date"))
    }
}

/// An instant as a person writes it: with an offset, or in a zone without one.
pub fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| parse(text, zone).map(|date| date.at))
}

/// Reads a date. Without a zone it is in the site's; so is one with the two forms of a zone that Ruby drops in
/// silence (`-4`, and a year before the offset). Anything else that is not understood makes it no date: a guess could
/// publish an article early.
///
/// Understood: `2024-07-05`, `20240705`, `July 5, 2024`, each with `14:00`, `14:00:00`, `T14:00:00.123` or `2:00 PM`,
/// and with `Z`, `UTC`, `EST`, `CET`, `+02:00`, `+0200`; and `Sat, 2 Mar 2019 11:52:44 +0100`. A remark in brackets at
/// the end is passed over.
pub fn parse(text: &str, zone: &TimeZone) -> Option<ArticleDate> {
    let text = text.trim();
    let text = text.strip_suffix(')').and_then(|open| open.rfind('(').map(|at| text[..at].trim_end())).unwrap_or(text);
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(ArticleDate { at: zoned.timestamp(), offset: zoned.offset() });
    }
    let (date, rest) = parse_date(text)?;
    let (time, offset) = if rest.is_empty() { (Time::midnight(), None) } else { parse_time(rest)? };
    let civil = date.to_datetime(time);
    match offset {
        Some(offset) => Some(ArticleDate { at: offset.to_timestamp(civil).ok()?, offset }),
        None => {
            let at = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
            Some(ArticleDate::in_zone(at, zone))
        }
    }
}

/// The day at the start of a text, and what follows it.
fn parse_date(text: &str) -> Option<(civil::Date, &str)> {
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return parse_english_date(text);
    }
    let (day, rest) = text.split_once(|c: char| c == 'T' || c == 't' || c.is_whitespace()).unwrap_or((text, ""));
    let rest = rest.trim_start();
    if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) {
        return Some((parse_day(&format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]))?, rest));
    }
    Some((parse_day(day)?, rest))
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `July 5, 2024`, `Jul 5 2024`.
fn parse_english_date(text: &str) -> Option<(civil::Date, &str)> {
    let mut parts = text.splitn(4, char::is_whitespace);
    let name = parts.next()?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| name.starts_with(month))?;
    let day = parts.next()?.trim_end_matches(',').parse().ok()?;
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let date = civil::Date::new(year, i8::try_from(month + 1).ok()?, day).ok()?;
    Some((date, parts.next().unwrap_or("").trim_start()))
}

/// Whether a text is a day and a time with seconds and without a zone: what YAML 1.1 calls a timestamp.
pub fn is_whole_time_without_zone(text: &str) -> bool {
    let Some((day, time)) = text.trim().split_once(|c: char| c == 'T' || c == 't' || c.is_whitespace()) else {
        return false;
    };
    let clock = time.trim_start().split('.').next().unwrap_or("");
    parse_day(day).is_some()
        && clock.split(':').count() == 3
        && time.trim_start().bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.')
}

/// A day, `YYYY-M-D`.
pub fn parse_day(text: &str) -> Option<civil::Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    civil::Date::new(year, month, day).ok().filter(|date| date.year() > 0)
}

fn parse_time(text: &str) -> Option<(Time, Option<Offset>)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, fraction) = text[..end].split_once('.').unwrap_or((&text[..end], ""));
    let mut parts = clock.split(':');
    let mut next = || parts.next().map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (next()??, next()??, next().unwrap_or(Some(0))?);
    let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let mut rest = text[end..].trim();
    let half = rest.get(..2).map(str::to_ascii_uppercase);
    let hour = match half.as_deref() {
        Some("AM" | "PM") if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some("PM") => hour % 12 + 12,
        _ => hour,
    };
    if matches!(half.as_deref(), Some("AM" | "PM")) {
        rest = rest[2..].trim_start();
    }
    Some((Time::new(hour, minute, second, nanos).ok()?, parse_zone(rest)?))
}

/// Zones by name, as Ruby reads them, with their offset in hours.
const ZONES: [(&str, i8); 14] = [
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("CET", 1),
    ("CEST", 2),
    ("BST", 1),
];

/// The zone at the end of a date: none, one, or (outer None) something that is not understood.
fn parse_zone(text: &str) -> Option<Option<Offset>> {
    if text.is_empty() {
        return Some(None);
    }
    if let Some((_, hours)) = ZONES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
        return Some(Some(Offset::constant(*hours)));
    }
    // `2023 -0800`: Ruby drops both.
    if text.get(..4).is_some_and(|year| year.bytes().all(|b| b.is_ascii_digit()))
        && parse_zone(text[4..].trim()).is_some()
    {
        return Some(None);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = text[1..].trim().replace(':', "");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match digits.len() {
        1 => return Some(None),
        2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    // No zone on Earth is further off.
    (hours <= 14 && minutes < 60).then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        for (text, expected) in [
            ("2024-07-05 14:00:00 +02:00", "2024-07-05T14:00:00+02:00"),
            ("2024-02-05 09:30:00 +0100", "2024-02-05T09:30:00+01:00"),
            ("2018-07-18 15:16:00 Z", "2018-07-18T15:16:00+00:00"),
            ("2024-07-05", "2024-07-05T00:00:00+02:00"),
            ("2024-1-5 9:00", "2024-01-05T09:00:00+01:00"),
            ("2024-07-05T14:00:00.250", "2024-07-05T14:00:00.250000+02:00"),
            ("2015-03-17 14:00:00 -4", "2015-03-17T14:00:00+01:00"),
            ("2023-01-29 18:30:22 2023 -0800", "2023-01-29T18:30:22+01:00"),
            ("Sat, 2 Mar 2019 11:52:44 +0100", "2019-03-02T11:52:44+01:00"),
            ("2024-07-05 02:00 PM", "2024-07-05T14:00:00+02:00"),
            ("2016-03-23 12:00 EDT", "2016-03-23T12:00:00-04:00"),
            ("2024-07-05 14:00:00 +0200 (CEST)", "2024-07-05T14:00:00+02:00"),
            ("June 15, 2021", "2021-06-15T00:00:00+02:00"),
            ("2016-08-08 (optional)", "2016-08-08T00:00:00+02:00"),
            ("20240705", "2024-07-05T00:00:00+02:00"),
            ("1905-01-01", "1904-12-31T23:50:39+00:00"),
            ("2026-03-29 02:30:00", "2026-03-29T03:30:00+02:00"),
        ] {
            assert_eq!(parse(text, &paris).map(ArticleDate::rfc3339).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "demain",
            "2024-13-01",
            "24-01-01",
            "2024-02-30",
            "2024-01-01 25:00:00",
            "2024-07-05 14:00:00 -25:00",
            "2024-07-05 14:00 Europe/Paris",
            "2024-07-05 14:00 demain",
            "2024-07-05 +99:99",
            "2024\u{2000}ﬀ",
            "0000-01-01",
        ] {
            assert_eq!(parse(text, &paris), None, "{text}");
        }
    }

    #[test]
    fn feed_dates_keep_the_offset_and_speak_english() {
        let date = parse("2024-02-05 09:30:00 +01:00", &TimeZone::UTC).unwrap();
        assert_eq!(date.rfc822(), "Mon, 05 Feb 2024 09:30:00 +0100");
        for (written, expected) in [
            ("2024-02-05 09:30:00 +05:45", "Mon, 05 Feb 2024 03:45:00 +0000"),
            ("2024-02-05 09:30:00 -03:30", "Mon, 05 Feb 2024 09:30:00 -0330"),
        ] {
            assert_eq!(parse(written, &TimeZone::UTC).unwrap().rfc822(), expected);
        }
    }
}
