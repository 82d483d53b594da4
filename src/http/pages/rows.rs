//! What pages show of a feed in one line.

use super::Visit;
use super::tongue::{Moment, Quote};
use crate::config::Format;
use crate::feed::{Feed, Kind, media_type};
use crate::text::slug;
use serde::Serialize;

/// A feed in a list.
#[derive(Serialize)]
pub struct Row {
    /// The word of its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: Quote,
    /// Its page.
    pub path: String,
    /// How many articles are in it.
    pub articles: usize,
    /// When it last changed; None if it is empty.
    pub updated: Option<Moment>,
    /// Its documents.
    pub formats: Vec<Link>,
}

/// A document of a feed.
#[derive(Serialize)]
pub struct Link {
    /// The name of its format.
    pub name: &'static str,
    /// Its media type, if readers of feeds subscribe to it.
    pub media_type: Option<&'static str>,
    /// Its path.
    pub path: String,
}

/// The media type of a format without its parameters, as HTML wants it.
pub fn bare_type(format: Format) -> &'static str {
    media_type(format).split(';').next().unwrap_or_default()
}

/// The name of a format.
pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Rss => "RSS",
        Format::Atom => "Atom",
        Format::Json => "JSON",
    }
}

impl Visit {
    /// The name of a feed.
    pub(super) fn name(&self, feed: &Feed) -> Quote {
        self.quote(&feed.label, feed.language.as_deref())
    }

    /// A feed in a list.
    pub(super) fn row(&self, feed: &Feed) -> Row {
        let link = |format: &Format| Link {
            name: format_name(*format),
            media_type: Some(bare_type(*format)),
            path: self.under(&feed.path_in(*format)),
        };
        let calendar = (feed.kind == Kind::Events).then(|| self.under(&feed.calendar()));
        let calendar = calendar.map(|path| Link { name: "iCalendar", media_type: None, path });
        Row {
            kind: feed.kind.word(),
            name: self.name(feed),
            path: self.under(&feed.path()),
            articles: feed.articles,
            updated: (feed.articles > 0).then(|| self.tongue.moment(feed.updated, &self.site().timezone)),
            formats: self.settings().feeds.formats.iter().map(link).chain(calendar).collect(),
        }
    }
}

/// Where a name stands in the alphabet: without accents and case, the words one after the other.
pub fn order(name: &str) -> String {
    slug(name)
}

/// The letter under which a name is found: `A` to `Z`, or `0` for all others.
pub fn letter(order: &str) -> char {
    order.chars().next().filter(char::is_ascii_alphabetic).map_or('0', |first| first.to_ascii_uppercase())
}
