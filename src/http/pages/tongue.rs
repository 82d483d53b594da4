//! The language of a page: French or English, whatever the language of the site.

use crate::dates;
use crate::text::is_french;
use axum::http::header::{self, HeaderMap};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// The language in which a page speaks to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    French,
    English,
}

impl Tongue {
    /// The one that `Accept-Language` puts first (RFC 9110, section 12.5.4). Who asks for neither gets English; who does
    /// not say what he reads (a search engine, say), the site's language.
    pub fn of(headers: &HeaderMap, site: &str) -> Self {
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).into_iter().filter_map(|line| line.to_str().ok());
        let (mut french, mut english, mut is_said) = (0.0_f32, 0.0_f32, false);
        for part in lines.flat_map(|line| line.split(',')) {
            let (tag, parameters) = part.trim().split_once(';').unwrap_or((part.trim(), ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
            let Some(weight) = weight.filter(|_| !tag.is_empty() && tag != "*") else { continue };
            is_said = true;
            match tag.split('-').next() {
                Some(first) if first.eq_ignore_ascii_case("fr") => french = french.max(weight),
                Some(first) if first.eq_ignore_ascii_case("en") => english = english.max(weight),
                _ => {}
            }
        }
        let in_french = if is_said { french > english } else { is_french(site) };
        if in_french { Self::French } else { Self::English }
    }

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    pub fn is_french(self) -> bool {
        self == Self::French
    }

    /// The text of an editor on such a page.
    pub fn quote(self, text: &str, language: &str) -> Quote {
        let is_same = language.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case(self.tag()));
        Quote { text: text.to_owned(), language: (!is_same).then(|| language.to_owned()) }
    }

    /// An instant, as its day in a zone.
    pub fn moment(self, at: Timestamp, zone: &TimeZone) -> Moment {
        let zoned = at.to_zoned(zone.clone());
        let machine = zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Moment { words: dates::date(&zoned, self.is_french()), machine }
    }

    /// A number with its thousands apart.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let apart = if self.is_french() { '\u{202F}' } else { ',' };
        let mut written = String::with_capacity(digits.len() + 4);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                written.push(apart);
            }
            written.push(digit);
        }
        written
    }
}

/// What an editor wrote, and its language if that is not the page's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub text: String,
    pub language: Option<String>,
}

/// An instant for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub words: String,
    pub machine: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_language_is_the_reader_s() {
        for (given, site, tongue) in [
            (Some("fr-FR,fr;q=0.9,en;q=0.8"), "en", Tongue::French),
            (Some("en-GB,en;q=0.9,fr;q=0.8"), "fr", Tongue::English),
            (Some("de, fr;q=0.7, en;q=0.3"), "en", Tongue::French),
            (Some("de"), "fr", Tongue::English),
            (Some("FR"), "en", Tongue::French),
            (Some("fr;q=0, en;q=0"), "fr", Tongue::English),
            (Some("fr;q=x"), "en", Tongue::English),
            (Some("fro, enm"), "fr", Tongue::English),
            (Some("*"), "fr-FR", Tongue::French),
            (Some(""), "fr", Tongue::French),
            (None, "fr", Tongue::French),
            (None, "de", Tongue::English),
        ] {
            let given = given.map(|given| (header::ACCEPT_LANGUAGE, HeaderValue::from_static(given)));
            assert_eq!(Tongue::of(&HeaderMap::from_iter(given.clone()), site), tongue, "{given:?}");
        }
        let lines = ["de", "fr;q=0.5"].map(|line| (header::ACCEPT_LANGUAGE, HeaderValue::from_static(line)));
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(name, line);
        }
        assert_eq!(Tongue::of(&headers, "en"), Tongue::French);
    }

    #[test]
    fn numbers_and_days_are_written_as_in_the_language() {
        for (number, french, english) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1\u{202F}000", "1,000"),
            (1_234_567, "1\u{202F}234\u{202F}567", "1,234,567"),
        ] {
            assert_eq!(
                (Tongue::French.number(number).as_str(), Tongue::English.number(number).as_str()),
                (french, english)
            );
        }
        let (at, paris) = ("2026-10-31T23:30:00Z".parse().unwrap(), TimeZone::get("Europe/Paris").unwrap());
        let moment = Tongue::French.moment(at, &paris);
        assert_eq!(
            (moment.words.as_str(), moment.machine.as_str()),
            ("1er novembre 2026", "2026-11-01T00:30:00+01:00")
        );
        assert_eq!(Tongue::English.moment(at, &TimeZone::UTC).words, "31 October 2026");
    }

    #[test]
    fn only_what_is_foreign_names_its_language() {
        assert_eq!(Tongue::French.quote("Été", "fr-FR").language, None);
        assert_eq!(Tongue::English.quote("Été", "fr-FR").language.as_deref(), Some("fr-FR"));
    }
}
