//! What a template can do with a value, beside what its language does.

use crate::camel::camel;
use crate::dates;
use crate::shorten::first_words;
use crate::text::{folded, is_french};
use jiff::Zoned;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, State};

/// Gives an environment the filters.
pub fn add(environment: &mut Environment) {
    environment.add_filter("date", date);
    environment.add_filter("short_date", short_date);
    environment.add_filter("time", time);
    environment.add_filter("truncate_words", truncate_words);
    environment.add_filter("hashtag", hashtag);
}

/// `2026-12-03` → `jeudi 3 décembre 2026`, in the language that is named or else in the article's. Nothing stays
/// nothing.
fn date(state: &State, value: &str, language: Option<&str>) -> Result<String, Error> {
    on_day(value, |at| dates::day(at, french(state, language)))
}

/// `2026-12-03` → `3 décembre 2026`.
fn short_date(state: &State, value: &str, language: Option<&str>) -> Result<String, Error> {
    on_day(value, |at| dates::date(at, french(state, language)))
}

/// `14:30` → `14 h 30`, with spaces that do not break.
fn time(state: &State, value: &str, language: Option<&str>) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let time: Time = value.parse().map_err(|_| refused(format!("`{value}` is not a time such as 14:30")))?;
    let at = Date::constant(2000, 1, 1).to_datetime(time).to_zoned(TimeZone::UTC);
    at.map(|at| dates::hour(&at, french(state, language))).map_err(|error| refused(error.to_string()))
}

fn on_day(value: &str, say: impl Fn(&Zoned) -> String) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let day: Date = value.parse().map_err(|_| refused(format!("`{value}` is not a day such as 2026-12-03")))?;
    day.to_zoned(TimeZone::UTC).map(|at| say(&at)).map_err(|error| refused(error.to_string()))
}

fn french(state: &State, language: Option<&str>) -> bool {
    let given = language.map(str::to_owned);
    let own = || state.lookup("language").and_then(|language| language.as_str().map(str::to_owned));
    is_french(&given.or_else(own).unwrap_or_default())
}

/// The first words of a text.
fn truncate_words(value: &str, count: usize) -> String {
    first_words(value, count)
}

/// A tag as its hashtag: the dictionary's where it has the tag, else in camel case.
fn hashtag(state: &State, value: &str) -> String {
    let known = state.lookup("hashtag_of");
    let known = |term: &str| known.as_ref()?.get_attr(term).ok().filter(|hashtag| !hashtag.is_undefined());
    let official = known(value).or_else(|| known(&folded(value)));
    match official.as_ref().and_then(|hashtag| hashtag.as_str()) {
        Some(hashtag) => hashtag.to_owned(),
        None => {
            let made = camel(value, false).name;
            // No network reads a number as a hashtag.
            if made.contains(char::is_alphabetic) { format!("#{made}") } else { String::new() }
        }
    }
}

fn refused(detail: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
