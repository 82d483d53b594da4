//! Pages that say why there is no other one. Programs get the same in one line of plain text.

use super::{Frame, Tongue, VARY, Visit, show};
use crate::http::{NO_CACHE, refusal};
use crate::reconcile::Snapshot;
use crate::text::percent_decode;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Where the answer of a browser's request will be seen (W3C Fetch Metadata): `document` is a person's window.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Ends of paths at which programs ask for a document: many of them say that they take HTML.
const ENDINGS: [&str; 7] = [".rss", ".atom", ".json", ".ics", ".xml", ".rdf", "/opml"];

/// Whether a person waits for the answer in a browser, and not a program.
pub fn is_person(path: &str, headers: &HeaderMap) -> bool {
    if let Some(destination) = headers.get(SEC_FETCH_DEST) {
        return destination == "document";
    }
    let takes_html = || headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    !ENDINGS.iter().any(|ending| path.ends_with(ending)) && takes_html()
}

#[derive(Serialize)]
struct Sorry {
    status: u16,
    /// What the reader may have looked for.
    words: String,
    /// Whether the site was read.
    is_ready: bool,
    /// The page of the feed that was there in another format.
    feed: Option<String>,
}

/// Nothing is known yet of the site.
pub fn not_ready(path: &str, headers: &HeaderMap) -> Response {
    let mut response = sorry(StatusCode::SERVICE_UNAVAILABLE, path, None, headers);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

/// Says that there is no answer, to a person or to a program.
pub fn sorry(status: StatusCode, path: &str, snapshot: Option<&Arc<Snapshot>>, headers: &HeaderMap) -> Response {
    let mut response = if is_person(path, headers) {
        page(status, path, snapshot, headers)
    } else {
        refusal(status, reason(status, snapshot.is_some()))
    };
    response.headers_mut().insert(header::VARY, VARY);
    response
}

fn reason(status: StatusCode, is_ready: bool) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "there is no such feed or page; /feeds/ lists the feeds\n",
        StatusCode::GONE => "this feed is no longer made in this format; /feeds/ lists the feeds\n",
        StatusCode::SERVICE_UNAVAILABLE if is_ready => "too much is asked at once; come back in a moment\n",
        StatusCode::SERVICE_UNAVAILABLE => "the first look at the site is not done; come back in a moment\n",
        _ => "this page cannot be made; the log says why\n",
    }
}

fn page(status: StatusCode, path: &str, snapshot: Option<&Arc<Snapshot>>, headers: &HeaderMap) -> Response {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let words = percent_decode(stem).replace(['-', '_', '+', ','], " ");
    let words: String = words.chars().filter(|c| !c.is_control()).take(60).collect();
    let mut values = Sorry { status: status.as_u16(), words, is_ready: snapshot.is_some(), feed: None };
    match snapshot {
        Some(snapshot) => {
            let visit = Visit::new(Arc::clone(snapshot), headers.clone(), Timestamp::UNIX_EPOCH);
            let feed = path.rsplit_once('.').map_or(path, |(feed, _)| feed);
            let known = snapshot.feeds.feeds.iter().any(|known| known.path() == feed);
            values.feed = (status == StatusCode::GONE && known).then(|| visit.under(feed));
            visit.page_with(status, "sorry", values)
        }
        None => show(status, "sorry", Tongue::of(headers, "en"), &Frame::default(), headers, values),
    }
}
