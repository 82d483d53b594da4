//! Corrections: what an author says was wrong in an article that readers have seen.

use super::Correction;
use super::date;
use super::read::Reading;
use crate::problem::Problem;
use crate::text::clean;
use crate::yaml::Yaml;

/// Keys that mark corrections.
const KEYS: [&str; 4] = ["correction", "corrections", "rectificatif", "rectificatifs"];
/// Most corrections of an article.
const CORRECTIONS_MAX: usize = 20;

impl Reading<'_> {
    /// The corrections of the front matter: a text, a map with `texte` or `text` and perhaps `date`, or a list of these.
    /// The newest comes first; those without a date come last.
    pub(super) fn corrections(&self, problems: &mut Vec<Problem>) -> Vec<Correction> {
        let mut corrections: Vec<Correction> = Vec::new();
        for key in KEYS {
            for item in self.items(key) {
                corrections.extend(self.correction(key, item, problems));
            }
        }
        // A stable order: of two corrections of one day, the one that stands first.
        corrections.sort_by_key(|correction| std::cmp::Reverse(correction.date.map(|date| date.at)));
        corrections.truncate(CORRECTIONS_MAX);
        corrections
    }

    fn correction(&self, key: &str, item: &Yaml, problems: &mut Vec<Problem>) -> Option<Correction> {
        let (said, day) = match item {
            Yaml::Map(_) => {
                let text = ["texte", "text"].iter().find_map(|name| item.get(name)?.filled());
                (text, item.get("date").and_then(Yaml::filled))
            }
            Yaml::List(_) => (None, None),
            other => (other.filled(), None),
        };
        let mut warn = |message: String, kind: &'static str, cure: &str| {
            problems.push(self.front.warning(key, message).kind(kind).cure(cure));
        };
        let refuses = |text: &str| matches!(text.to_lowercase().as_str(), "no" | "non" | "off" | "false");
        if item.is_null() || said.as_deref().is_some_and(refuses) {
            return None;
        }
        // A mere yes, or a mere date, tells readers nothing.
        let says = |text: &String| {
            !matches!(text.to_lowercase().as_str(), "yes" | "oui" | "on" | "true")
                && date::parse(text, &self.site.dates).is_none()
        };
        let Some(text) = said.filter(says) else {
            let message = "the correction does not say what was corrected, so nothing is shown of it";
            warn(message.to_owned(), "empty-correction", "write what was wrong and what is right");
            return None;
        };
        let date = day.and_then(|day| {
            let read = date::parse(&day, &self.site.dates);
            if read.is_none() {
                let message = format!("`{day}` is not a date, so the correction is shown without one");
                warn(message, "bad-date", "write it as 2026-01-31");
            }
            read
        });
        Some(Correction { date, text: clean(text.trim()).into_owned() })
    }
}
