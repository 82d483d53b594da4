//! Dates and hours as people say them, in French and in English.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

const JOURS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const MOIS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An instant in figures, with its offset: `2024-03-05 09:30:00 +01:00`.
pub fn civil(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A day with its name: `mardi 5 mars 2024`, `Tuesday 5 March 2024`.
pub fn day(at: &Zoned, french: bool) -> String {
    if !french {
        return format!("{} {}", at.strftime("%A"), date(at, french));
    }
    let weekday = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
    format!("{} {}", JOURS[weekday], date(at, french))
}

/// A day: `1er mars 2024`, `1 March 2024`.
pub fn date(at: &Zoned, french: bool) -> String {
    let day = if french && at.day() == 1 { "1er".to_owned() } else { at.day().to_string() };
    format!("{day} {} {}", month(at.month(), french), at.year())
}

/// The name of a month, from 1 to 12, without a capital in French.
pub fn month(number: i8, french: bool) -> &'static str {
    let at = usize::from(number.unsigned_abs()).saturating_sub(1).min(11);
    if french { MOIS[at] } else { MONTHS[at] }
}

/// An hour: `9 h 30`, with spaces that do not break; `09:30`.
pub fn hour(at: &Zoned, french: bool) -> String {
    match (french, at.minute()) {
        (true, 0) => format!("{}\u{A0}h", at.hour()),
        (true, minute) => format!("{}\u{A0}h\u{A0}{minute:02}", at.hour()),
        (false, _) => at.strftime("%H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as on;
    use jiff::tz::TimeZone;

    #[test]
    fn days_and_hours_are_said_in_the_language_of_the_reader() {
        let at = on(2026, 3, 1).at(14, 30, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        assert_eq!(day(&at, true), "dimanche 1er mars 2026");
        assert_eq!(day(&at, false), "Sunday 1 March 2026");
        assert_eq!(hour(&at, true), "14\u{A0}h\u{A0}30");
    }
}
