//! A finished document, before it takes the place of the last good one.

use super::{Fault, atom, calendar, json, opml, rss, tree};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0.
    Atom,
    /// JSON Feed 1.1.
    Json,
    /// iCalendar.
    Calendar,
    /// OPML 2.0.
    Opml,
}

/// Looks at a document that is to be put out at an address. It knows nothing of what it was made of, and uses nothing
/// that made it.
///
/// # Errors
/// The first fault that would make readers or the W3C validator refuse the document.
pub fn check(shape: Shape, address: &str, bytes: &[u8]) -> Result<(), Fault> {
    match shape {
        Shape::Rss => rss::check(&tree::read(bytes)?, address),
        Shape::Atom => atom::check(&tree::read(bytes)?, address),
        Shape::Opml => opml::check(&tree::read(bytes)?),
        Shape::Json => json::check(bytes, address),
        Shape::Calendar => calendar::check(bytes, address),
    }
}
