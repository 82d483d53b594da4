//! Titles that stand twice or shout, and dates that are far away.

use super::{Finder, Inputs};
use crate::article::ArticleDate;
use crate::catalog::Head;
use crate::problem::Problem;
use crate::text::folded;
use jiff::SignedDuration;
use std::collections::HashMap;

/// Two articles of one title whose dates are at most that far apart may be one.
const NEAR: SignedDuration = SignedDuration::from_hours(3 * 24);
/// A date that far away is a mistake of the year.
const FAR: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);
/// Shorter titles may be an acronym.
const SHOUT: usize = 12;

const DATE: [&str; 1] = ["date"];
const TITLE: [&str; 1] = ["title"];

/// Problems of titles and dates of all published articles.
pub fn titles_and_dates(inputs: &Inputs) -> Vec<Problem> {
    let finder = Finder { text: inputs.text, generator: inputs.site.generator };
    let published = || inputs.articles.iter().copied().filter(|article| article.published);
    let mut problems = twice(published(), &finder);
    for article in published() {
        problems.extend(article.date.and_then(|date| far_or_to_come(article, date, inputs, &finder)));
        if shouts(&article.title) {
            let place = finder.key(&article.path, &TITLE);
            problems.push(
                Problem::note(&*article.path, place, "the title is all in capitals")
                    .kind("all-caps-title")
                    .cure("write it as a sentence: screen readers may spell it letter by letter"),
            );
        }
    }
    problems
}

fn far_or_to_come(article: &Head, date: ArticleDate, inputs: &Inputs, finder: &Finder) -> Option<Problem> {
    let ahead = date.at.duration_since(inputs.now);
    let shown = date.at.to_zoned(inputs.site.timezone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string();
    if ahead.abs() > FAR {
        let place = finder.key(&article.path, &DATE);
        return Some(
            Problem::warning(&*article.path, place, format!("the date, {shown}, is over a hundred years away"))
                .kind("distant-date")
                .cure("correct the year"),
        );
    }
    (ahead.is_positive() && !article.shown_early).then(|| {
        let place = finder.key(&article.path, &DATE);
        Problem::note(&*article.path, place, format!("the date is to come: the article appears on {shown}"))
            .kind("future-date")
    })
}

/// A note at the later of two articles with one title, if few days lie between them.
fn twice<'a>(articles: impl Iterator<Item = &'a Head>, finder: &Finder) -> Vec<Problem> {
    let mut by_title: HashMap<String, Vec<(ArticleDate, &Head)>> = HashMap::new();
    for article in articles {
        if let Some(date) = article.date {
            by_title.entry(folded(&article.title)).or_default().push((date, article));
        }
    }
    let mut problems = Vec::new();
    for mut same in by_title.into_values().filter(|same| same.len() > 1) {
        same.sort_by(|a, b| (a.0.at, &a.1.path).cmp(&(b.0.at, &b.1.path)));
        for pair in same.windows(2) {
            let [(first, earlier), (second, later)] = pair else { continue };
            if second.at.duration_since(first.at) <= NEAR {
                let place = finder.key(&later.path, &TITLE);
                let says = format!("{} has the same title, and its date is near", earlier.path);
                problems.push(
                    Problem::note(&*later.path, place, says)
                        .kind("same-title")
                        .cure("look whether one is a copy of the other; else tell them apart by their titles"),
                );
            }
        }
    }
    problems
}

/// Whether a title is written in capitals: several words and no small letter.
fn shouts(title: &str) -> bool {
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    letters >= SHOUT
        && title.split_whitespace().count() > 1
        && title.chars().any(char::is_uppercase)
        && !title.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_seen_and_acronyms_are_not() {
        for (title, loud) in [
            ("LES INSCRIPTIONS SONT OUVERTES", true),
            ("RENCONTRES « ÉTÉ » 2026", true),
            ("DINUM", false),
            ("RGAA 4.1", false),
            ("Les inscriptions", false),
            ("東京都の新しい行政サービス について", false),
            ("2026 – 2027", false),
        ] {
            assert_eq!(shouts(title), loud, "{title}");
        }
    }
}
