//! Which document an address means.

use crate::feed::{Document, FeedSet};
use crate::text::percent_decode;
use std::sync::Arc;
use url::Url;

/// What a topic's address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic<'a> {
    /// A document that is served here, by the address that it calls itself.
    Served(&'a Arc<Document>),
    /// Such a document, by another address than its own: an old one, the other scheme, a slash more. The Recommendation
    /// wants the address that the document names; a subscription to another would be told of an address that its
    /// subscriber never asked for.
    Elsewhere(&'a Arc<Document>),
    /// Nothing that can be subscribed to here.
    Unknown,
}

/// Finds the document of an address. `public_url` is the address under which readers reach this server.
pub fn find<'a>(feeds: &'a FeedSet, public_url: &Url, given: &str) -> Topic<'a> {
    let base = public_url.as_str().trim_end_matches('/');
    let subscribable = |document: &&Arc<Document>| !document.hubs.is_empty();
    let own = given.strip_prefix(base).and_then(|path| feeds.documents.get(path)).filter(subscribable);
    if let Some(document) = own.filter(|document| document.address == given) {
        return Topic::Served(document);
    }
    match near(feeds, public_url, given).filter(subscribable) {
        Some(document) => Topic::Elsewhere(document),
        None => Topic::Unknown,
    }
}

/// The document that somebody most likely means.
fn near<'a>(feeds: &'a FeedSet, public_url: &Url, given: &str) -> Option<&'a Arc<Document>> {
    let given = Url::parse(given.trim()).ok()?;
    let bare = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').trim_start_matches("www.").to_owned());
    if bare(&given)? != bare(public_url)? {
        return None;
    }
    let path = percent_decode(given.path());
    let path = path.strip_prefix(public_url.path().trim_end_matches('/')).unwrap_or(&path);
    let path = path.trim_end_matches('/');
    let of_any_format = || {
        let start = format!("{path}.");
        let (found, document) = feeds.documents.range(start.clone()..).next()?;
        (!path.is_empty() && found.starts_with(&start)).then_some(document)
    };
    feeds.document(path).or_else(|| feeds.document(&path.to_lowercase())).or_else(of_any_format)
}
