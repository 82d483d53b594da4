//! What an entry says in words of its own: when and where an event takes place, and what was corrected. In French or in
//! English.

use super::words::when;
use crate::article::{ArticleDate, Event};
use crate::dates::date as date_in_words;
use crate::text::{escape_html, is_french};

/// When and where, first, for readers that know nothing of events.
pub(super) fn event_html(event: &Event, language: &str) -> String {
    let words = Words::of(language);
    let mut lines = vec![format!("<strong>{}</strong> {}", words.date, escape_html(&when(event, words.french)))];
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
    let day = date.map(|date| format!("{of}{}", date_in_words(&date.zoned(), words.french))).unwrap_or_default();
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
