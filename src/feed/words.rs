//! Dates and hours as people say them, in French and in English.

use crate::article::{ArticleDate, Event};
use jiff::Zoned;

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

/// When an event takes place, in the offset in which that was written: `du mardi 5 mars 2024 au mercredi 6 mars 2024`.
pub fn when(event: &Event, french: bool) -> String {
    let (from, start) = (event.start.zoned(), day(&event.start.zoned(), french));
    let Some(to) = event.end.filter(|end| end.at > event.start.at).map(ArticleDate::zoned) else {
        return if event.all_day { start } else { format!("{start}, {}", hour(&from, french)) };
    };
    let (end, [starts, ends]) = (day(&to, french), [&from, &to].map(|at| hour(at, french)));
    match (event.all_day, from.date() == to.date(), french) {
        (true, true, _) => start,
        (true, false, true) => format!("du {start} au {end}"),
        (true, false, false) => format!("{start} to {end}"),
        (false, true, true) => format!("{start}, de {starts} à {ends}"),
        (false, true, false) => format!("{start}, {starts} to {ends}"),
        (false, false, true) => format!("du {start}, {starts}, au {end}, {ends}"),
        (false, false, false) => format!("{start}, {starts} to {end}, {ends}"),
    }
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
    use crate::article::date::parse;
    use jiff::tz::TimeZone;

    #[test]
    fn an_event_says_when_in_the_language_of_the_reader() {
        let at = |text: &str| parse(text, &TimeZone::UTC).unwrap();
        let event = |start: &str, end: Option<&str>, all_day| Event {
            start: at(start),
            end: end.map(at),
            all_day,
            place: None,
            address: None,
            links: vec![],
        };
        let fr = |event: &Event| when(event, true);
        assert_eq!(fr(&event("2024-03-05 00:00:00 +01:00", None, true)), "mardi 5 mars 2024");
        assert_eq!(
            fr(&event("2024-03-01 09:30:00 +01:00", Some("2024-03-01 12:00:00 +01:00"), false)),
            "vendredi 1er mars 2024, de 9\u{A0}h\u{A0}30 à 12\u{A0}h"
        );
        assert_eq!(
            fr(&event("2024-03-05 00:00:00 +01:00", Some("2024-03-06 00:00:00 +01:00"), true)),
            "du mardi 5 mars 2024 au mercredi 6 mars 2024"
        );
        assert_eq!(when(&event("2024-03-05 09:30:00 +01:00", None, false), false), "Tuesday 5 March 2024, 09:30");
        assert_eq!(
            when(&event("2024-03-31 09:30:00 +02:00", Some("2024-04-01 12:00:00 +02:00"), false), false),
            "Sunday 31 March 2024, 09:30 to Monday 1 April 2024, 12:00"
        );
    }
}
