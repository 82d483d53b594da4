//! Which document an address means.

use crate::config::Hub;
use crate::feed::demand::{Answer, Demand};
use crate::feed::{Document, FeedSet, Settings};
use crate::text::percent_decode;
use std::sync::Arc;
use url::Url;

/// What a topic's address leads to.
#[derive(Debug, Clone)]
pub enum Topic<'a> {
    /// A document that is served here, by the address that it calls itself.
    Served(&'a Arc<Document>),
    /// One that is made when somebody asks for it, by its own address too.
    OnDemand(Demand),
    /// Such a document, by another address than its own, which is this: an old one was given, the other scheme, a slash
    /// more. The Recommendation wants the address that the document names; a subscription to another would be told of
    /// an address that its subscriber never asked for.
    Elsewhere(String),
    /// Nothing that can be subscribed to here.
    Unknown,
}

/// Finds the document of an address.
pub fn find<'a>(feeds: &'a FeedSet, settings: &Settings, given: &str) -> Topic<'a> {
    let base = settings.public_url.as_str().trim_end_matches('/');
    if let Some(path) = given.strip_prefix(base) {
        match feeds.documents.get(path) {
            Some(document) if document.address == given && !document.hubs.is_empty() => {
                return Topic::Served(document);
            }
            Some(_) => {}
            None => match demand(feeds, settings, path) {
                Some(demand) if settings.public(&demand.path()) == given => return Topic::OnDemand(demand),
                _ => {}
            },
        }
    }
    near(feeds, settings, given).map_or(Topic::Unknown, Topic::Elsewhere)
}

/// A feed that is made on demand, and that the built-in hub tells of. An archive does not change.
fn demand(feeds: &FeedSet, settings: &Settings, path: &str) -> Option<Demand> {
    let demand = match feeds.demand(path, settings) {
        Answer::Here(demand) => demand,
        Answer::Moved(path) => match feeds.demand(&path, settings) {
            Answer::Here(demand) => demand,
            _ => return None,
        },
        Answer::Unknown => return None,
    };
    let has_hub = settings.feeds.hubs.contains(&Hub::Own);
    Some(demand).filter(|demand| has_hub && demand.form.is_some() && demand.archive.is_none())
}

/// The address of the document that somebody most likely means.
fn near(feeds: &FeedSet, settings: &Settings, given: &str) -> Option<String> {
    let given = Url::parse(given.trim()).ok()?;
    let bare = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').trim_start_matches("www.").to_owned());
    if bare(&given)? != bare(&settings.public_url)? {
        return None;
    }
    let path = percent_decode(given.path());
    let path = path.strip_prefix(settings.public_url.path().trim_end_matches('/')).unwrap_or(&path);
    let path = path.trim_end_matches('/');
    let of_any_format = || {
        let start = format!("{path}.");
        let (found, document) = feeds.documents.range(start.clone()..).next()?;
        (!path.is_empty() && found.starts_with(&start)).then_some(document)
    };
    let lower = path.to_lowercase();
    let ahead = feeds.document(path).or_else(|| feeds.document(&lower)).or_else(of_any_format);
    match ahead {
        Some(document) => Some(document).filter(|document| !document.hubs.is_empty()).map(|it| it.address.clone()),
        None => demand(feeds, settings, path).map(|demand| settings.public(&demand.path())),
    }
}
