//! When an event takes place, as people say it.

use crate::article::{ArticleDate, Event};
use crate::dates::{day, hour};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::EventStatus;
    use crate::article::date::parse;
    use jiff::tz::TimeZone;

    #[test]
    fn an_event_says_when_in_the_language_of_the_reader() {
        let at = |text: &str| parse(text, &TimeZone::UTC).unwrap();
        let event = |start: &str, end: Option<&str>, all_day| Event {
            start: at(start),
            end: end.map(at),
            all_day,
            status: EventStatus::Confirmed,
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
