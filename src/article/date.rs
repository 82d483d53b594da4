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
        Self { at, offset: zone.to_offset(at) }
    }

    /// RFC 3339, such as `2024-07-05T14:00:00+02:00`, with a fraction only where there is one.
    pub fn rfc3339(self) -> String {
        let zoned = self.zoned();
        let fraction = if zoned.subsec_nanosecond() == 0 { "" } else { "%.6f" };
        zoned.strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z")).to_string()
    }

    /// RFC 822 with a year of four digits, such as `Fri, 05 Jul 2024 14:00:00 +0200`; English whatever the site's language.
    pub fn rfc822(self) -> String {
        self.zoned().strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
    }
}

/// Reads a date. Without a zone, or with one that Ruby does not read either (`-4`), it is in the site's.
///
/// Understood: `2024-07-05`, with `14:00`, `14:00:00` or `T14:00:00.123`, with `Z`, `UTC`, `+02:00`, `+0200`;
/// and `Sat, 2 Mar 2019 11:52:44 +0100`.
pub fn parse(text: &str, zone: &TimeZone) -> Option<ArticleDate> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
        return Some(ArticleDate { at: zoned.timestamp(), offset: zoned.offset() });
    }
    let (day, rest) = match text.find(|c: char| c == 'T' || c == 't' || c.is_whitespace()) {
        Some(at) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, ""),
    };
    let date = parse_day(day)?;
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

/// A day, `YYYY-M-D`.
pub fn parse_day(text: &str) -> Option<civil::Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    civil::Date::new(year, month, day).ok()
}

fn parse_time(text: &str) -> Option<(Time, Option<Offset>)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (clock, fraction) = text[..end].split_once('.').unwrap_or((&text[..end], ""));
    let mut parts = clock.split(':');
    let mut next = || parts.next().map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (next()??, next()??, next().unwrap_or(Some(0))?);
    let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some((Time::new(hour, minute, second, nanos).ok()?, parse_offset(text[end..].trim())))
}

fn parse_offset(text: &str) -> Option<Offset> {
    if matches!(text.to_ascii_uppercase().as_str(), "Z" | "UTC" | "GMT") {
        return Some(Offset::UTC);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = text[1..].replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
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
            ("2026-03-29 02:30:00", "2026-03-29T03:30:00+02:00"),
        ] {
            assert_eq!(parse(text, &paris).map(ArticleDate::rfc3339).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "demain", "2024-13-01", "24-01-01", "2024-02-30", "2024-01-01 25:00:00"] {
            assert_eq!(parse(text, &paris), None, "{text}");
        }
    }

    #[test]
    fn feed_dates_keep_the_offset_and_speak_english() {
        let date = parse("2024-02-05 09:30:00 +01:00", &TimeZone::UTC).unwrap();
        assert_eq!(date.rfc822(), "Mon, 05 Feb 2024 09:30:00 +0100");
    }
}
