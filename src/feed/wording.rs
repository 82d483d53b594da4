//! What an entry says in words of its own: when and where an event takes place, and what was corrected. In French or in
//! English.

use crate::article::{ArticleDate, Event};
use crate::text::{escape_html, is_french};

/// When and where, first, for readers that know nothing of events.
pub(super) fn event_html(event: &Event, language: &str) -> String {
    let words = Words::of(language);
    let mut lines = vec![format!("<strong>{}</strong> {}", words.date, escape_html(&when(event, &words)))];
    if let Some(location) = event.location() {
        lines.push(format!("<strong>{}</strong> {}", words.place, escape_html(&location)));
    }
    for link in &event.links {
        let label = escape_html(&link.label);
        let text = link.text.as_deref().map(escape_html);
        lines.push(match (&link.url, text) {
            (Some(url), text) => {
                let shown = if label.is_empty() { escape_html(url.as_str()) } else { label };
                let text = text.map(|text| format!("{}{text}", words.colon)).unwrap_or_default();
                format!("<a href=\"{}\">{shown}</a>{text}", escape_html(url.as_str()))
            }
            (None, Some(text)) => format!("<strong>{label}{}</strong> {text}", words.colon.trim_end()),
            (None, None) => label,
        });
    }
    format!("<p>{}</p>\n", lines.join("<br>"))
}

/// What was corrected, and when, as HTML: a line for each that starts with the word.
pub(super) fn correction_html(date: Option<ArticleDate>, html: &str, language: &str) -> String {
    let start = format!("<strong>{}</strong>", escape_html(correction_start(date, language).trim_end()));
    match html.strip_prefix("<p>") {
        Some(rest) => format!("<p>{start} {rest}\n"),
        // A list, or whatever else, has a line before it.
        None => format!("<p>{start}</p>\n{html}\n"),
    }
}

/// The same as plain text.
pub(super) fn correction_line(date: Option<ArticleDate>, text: &str, language: &str) -> String {
    format!("{}{text}", correction_start(date, language))
}

/// `Correction du 3 mars 2026 : `
fn correction_start(date: Option<ArticleDate>, language: &str) -> String {
    let words = Words::of(language);
    let of = if words.french { " du " } else { " of " };
    let day = date.map(|date| format!("{of}{}", date_of(date, &words))).unwrap_or_default();
    format!("Correction{day}{}", words.colon)
}

struct Words {
    french: bool,
    date: &'static str,
    place: &'static str,
    colon: &'static str,
}

impl Words {
    fn of(language: &str) -> Self {
        if is_french(language) {
            Self { french: true, date: "Date\u{A0}:", place: "Lieu\u{A0}:", colon: "\u{A0}: " }
        } else {
            Self { french: false, date: "Date:", place: "Place:", colon: ": " }
        }
    }
}

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

fn when(event: &Event, words: &Words) -> String {
    let start = day(event.start, words);
    let Some(end) = event.end.filter(|end| end.at > event.start.at) else {
        return if event.all_day { start } else { format!("{start}, {}", hour(event.start, words)) };
    };
    let same_day = event.start.zoned().date() == end.zoned().date();
    match (event.all_day, same_day, words.french) {
        (true, true, _) => start,
        (true, false, true) => format!("du {start} au {}", day(end, words)),
        (true, false, false) => format!("{start} to {}", day(end, words)),
        (false, true, true) => format!("{start}, de {} à {}", hour(event.start, words), hour(end, words)),
        (false, true, false) => format!("{start}, {} to {}", hour(event.start, words), hour(end, words)),
        (false, false, true) => {
            format!("du {start}, {}, au {}, {}", hour(event.start, words), day(end, words), hour(end, words))
        }
        (false, false, false) => {
            format!("{start}, {} to {}, {}", hour(event.start, words), day(end, words), hour(end, words))
        }
    }
}

fn day(date: ArticleDate, words: &Words) -> String {
    let zoned = date.zoned();
    let weekday = usize::from(zoned.weekday().to_monday_zero_offset().unsigned_abs());
    let weekday = if words.french { JOURS[weekday].to_owned() } else { zoned.strftime("%A").to_string() };
    format!("{weekday} {}", date_of(date, words))
}

/// A day without its name.
fn date_of(date: ArticleDate, words: &Words) -> String {
    let zoned = date.zoned();
    if !words.french {
        return zoned.strftime("%-d %B %Y").to_string();
    }
    let month = usize::from(zoned.month().unsigned_abs()) - 1;
    let day = if zoned.day() == 1 { "1er".to_owned() } else { zoned.day().to_string() };
    format!("{day} {} {}", MOIS[month], zoned.year())
}

fn hour(date: ArticleDate, words: &Words) -> String {
    let zoned = date.zoned();
    match (words.french, zoned.minute()) {
        (true, 0) => format!("{}\u{A0}h", zoned.hour()),
        (true, minute) => format!("{}\u{A0}h\u{A0}{minute:02}", zoned.hour()),
        (false, _) => zoned.strftime("%H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::date::parse;
    use jiff::tz::TimeZone;

    #[test]
    fn an_event_says_when_in_the_language_of_the_site() {
        let at = |text: &str| parse(text, &TimeZone::UTC).unwrap();
        let event = |start: &str, end: Option<&str>, all_day| Event {
            start: at(start),
            end: end.map(at),
            all_day,
            place: None,
            address: None,
            links: vec![],
        };
        let fr = |event: &Event| when(event, &Words::of("fr-FR"));
        assert_eq!(fr(&event("2024-03-05 00:00:00 +01:00", None, true)), "mardi 5 mars 2024");
        assert_eq!(
            fr(&event("2024-03-01 09:30:00 +01:00", Some("2024-03-01 12:00:00 +01:00"), false)),
            "vendredi 1er mars 2024, de 9\u{A0}h\u{A0}30 à 12\u{A0}h"
        );
        assert_eq!(
            fr(&event("2024-03-05 00:00:00 +01:00", Some("2024-03-06 00:00:00 +01:00"), true)),
            "du mardi 5 mars 2024 au mercredi 6 mars 2024"
        );
        assert_eq!(
            when(&event("2024-03-05 09:30:00 +01:00", None, false), &Words::of("en")),
            "Tuesday 5 March 2024, 09:30"
        );
    }
}
