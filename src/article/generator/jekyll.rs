//! Jekyll 4: a document's address, date, title, state and terms.

use super::jekyll_site::Rules;
use super::{Head, Outcome, file_name, texts};
use crate::article::date::{self, ArticleDate};
use crate::article::permalink;
use crate::article::read::{Reading, unique};
use crate::problem::{Place, Problem};
use crate::yaml::Yaml;

/// A name cut into its day and its slug, if it starts with one and has an extension: `2024-07-05-titre.md`.
pub(in crate::article) fn dated_name(name: &str) -> Option<(&str, &str)> {
    let (stem, extension) = name.rsplit_once('.')?;
    let mut dashes = stem.match_indices('-').map(|(at, _)| at);
    let (first, second, third) = (dashes.next()?, dashes.next()?, dashes.next()?);
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let dated = digits(&stem[..first], 2, 4)
        && digits(&stem[first + 1..second], 1, 2)
        && digits(&stem[second + 1..third], 1, 2)
        && !extension.is_empty();
    dated.then_some((&stem[..third], &stem[third + 1..]))
}

/// Whether a file of `posts` is a post: Jekyll goes by its name.
pub(in crate::article) fn is_post(path: &str) -> bool {
    dated_name(file_name(path)).is_some()
}

/// What Jekyll makes of a slug where there is no title.
pub(in crate::article) fn title_of_slug(slug: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        first + &chars.as_str().to_lowercase()
    };
    slug.split('-').map(capital).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Reads a document by Jekyll's rules.
pub(in crate::article) fn head(reading: &Reading, rules: &Rules, problems: &mut Vec<Problem>) -> Outcome {
    let path = reading.file.path.as_str();
    let name = file_name(path);
    let (stem, extension) = super::stem_and_extension(name);
    let dated = dated_name(name);
    let name_slug = dated.map_or(stem, |(_, slug)| slug).trim_end_matches('.');
    let Some(written) = date_of(reading, problems) else { return Outcome::Held };
    let date = match (written, dated) {
        (Some(date), _) => Some(date),
        (None, Some((day, _))) => match date::parse(&with_century(day), &reading.site.dates) {
            Some(date) => Some(date),
            None => {
                problems.push(
                    Problem::error(
                        path,
                        Place::FILE,
                        format!("`{day}` in the file's name is not a date, so the article is left out"),
                    )
                    .kind("bad-date")
                    .cure("rename it such as 2026-01-31-titre.md, or write a line “date: …”"),
                );
                return Outcome::Held;
            }
        },
        (None, None) => None,
    };
    let slug = reading.front.text(&["slug"]).unwrap_or_else(|| name_slug.to_owned());
    let (categories, url_categories) = categories(reading, rules);
    let permalink = reading.value("permalink").and_then(Yaml::filled);
    let template = permalink.as_deref().unwrap_or(&reading.collection.permalink);
    let output_ext = rules.output_ext(extension);
    let relative = rules.relative(path);
    let special = format!("_{}", reading.collection_name);
    let under = match fits_folder(path, &reading.collection.folder) {
        Some(rest) => rest.to_owned(),
        None => relative.replacen(&special, "", 1),
    };
    let under = if extension.is_empty() { under.as_str() } else { &under[..under.len() - extension.len() - 1] };
    let parts = permalink::Parts {
        collection: reading.collection_name,
        path: under.trim_end_matches('.'),
        slug: &slug,
        name: stem,
        categories: &url_categories,
        date: date.map(|date| ArticleDate::in_zone(date.at, &reading.site.dates)),
        output_ext: &output_ext,
    };
    let Some(url) = reading.url(&permalink::path(template, &parts), template, problems) else { return Outcome::Held };
    let Some(published) = reading.is_published(problems) else { return Outcome::Held };
    let Some(expires) = reading.expires(problems) else { return Outcome::Held };
    let title = match reading.front.get("title") {
        Some(title) if title.truth() != Some(false) || matches!(title, Yaml::Text(_)) => title.filled(),
        _ => reading.value("title").and_then(Yaml::filled).or_else(|| Some(title_of_slug(name_slug))),
    };
    Outcome::Article(Box::new(Head {
        title,
        url,
        date,
        modified: reading.modified(problems),
        expires,
        published,
        shown_early: rules.future,
        categories,
        tags: tags(reading),
        aliases: reading.addresses(&["redirect_from", "aliases"]),
        author: reading.author(),
        language: reading.language(problems),
    }))
}

fn fits_folder<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// A day whose year has two digits is of our time, as for Ruby.
fn with_century(day: &str) -> String {
    match day.split_once('-') {
        Some((year, _)) if year.len() == 2 => format!("{}{day}", if year >= "69" { "19" } else { "20" }),
        _ => day.to_owned(),
    }
}

/// The date of the front matter. A whole time without quotes and without a zone is a time of YAML, and so UTC, for
/// Jekyll; in quotes it is a text, and in the site's zone.
fn date_of(reading: &Reading, problems: &mut Vec<Problem>) -> Option<Option<ArticleDate>> {
    let date = reading.date("date", problems)?;
    let said = reading.front.get("date").and_then(Yaml::filled);
    match (date, said) {
        (Some(_), Some(text)) if date::is_whole_time_without_zone(&text) && reading.front.is_bare("date") => Some(
            date::parse(&text, &jiff::tz::TimeZone::UTC).map(|utc| ArticleDate::in_zone(utc.at, &reading.site.dates)),
        ),
        _ => Some(date),
    }
}

/// Categories for people, and as they stand in addresses: those of the folders above `_posts`, the defaults' and the
/// front matter's. In addresses a text is cut at white space alone; for people also at commas.
fn categories(reading: &Reading, rules: &Rules) -> (Vec<String>, Vec<String>) {
    let relative = rules.relative(&reading.file.path);
    let special = format!("_{}", reading.collection_name);
    let above = relative.find(&special).map_or("", |at| &relative[..at]);
    let mut raw: Vec<String> = above.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut shown = raw.clone();
    let defaults = rules.default_value(&reading.file.path, reading.collection_name, "categories");
    for value in [defaults, reading.front.get("categories")].into_iter().flatten() {
        raw.extend(words(value, false));
        shown.extend(words(value, true));
    }
    if let Some(value) = reading.value("category") {
        raw.extend(texts(Some(value)));
        shown.extend(texts(Some(value)));
    }
    (reading.terms(shown), unique(raw))
}

/// Tags: those of `tag`, else those of `tags`.
fn tags(reading: &Reading) -> Vec<String> {
    let written = match (reading.value("tag"), reading.value("tags")) {
        (Some(tag), _) => texts(Some(tag)),
        (None, Some(tags)) => words(tags, true),
        (None, None) => Vec::new(),
    };
    reading.terms(written)
}

/// The terms of a plural key: a list, or a text that is cut at white space, or at commas if `commas` and it has any.
fn words(value: &Yaml, commas: bool) -> Vec<String> {
    match value {
        Yaml::List(_) => texts(Some(value)),
        other => match other.filled() {
            Some(text) if commas && text.contains(',') => text.split(',').map(|term| term.trim().to_owned()).collect(),
            Some(text) => text.split_whitespace().map(str::to_owned).collect(),
            None => Vec::new(),
        },
    }
}
