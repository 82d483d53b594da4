//! What several tests of exports share.

use super::Wanted;
use crate::feed::Document;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A document with a text, as if it had last changed at a second.
pub(super) fn document(path: &str, text: &str, second: i64) -> Arc<Document> {
    Arc::new(made(path, text, second))
}

fn made(path: &str, text: &str, second: i64) -> Document {
    Document {
        path: path.to_owned(),
        media_type: "application/rss+xml; charset=utf-8",
        address: format!("https://flux.example.fr{path}"),
        hubs: [].into(),
        body: text.as_bytes().into(),
        etag: crate::digest::hex(text, 16),
        last_modified: Timestamp::from_second(second).unwrap(),
        made_of: 0,
    }
}

/// What is wanted: texts by address.
pub(super) fn wanted(texts: &[(&str, &str)]) -> Wanted {
    Wanted::new(texts.iter().map(|(path, text)| (*path, document(path, text, 1_700_000_000))))
}

/// The same for documents on demand: texts by address, made of themselves; None for one that cannot be made. How often
/// one was made is counted.
pub(super) fn on_demand(texts: &[(&'static str, Option<&'static str>)], count: &Arc<AtomicUsize>) -> Wanted {
    let mut wanted = Wanted::default();
    for (path, text) in texts {
        let (path, text, count) = (*path, *text, Arc::clone(count));
        let make = move || {
            count.fetch_add(1, Ordering::Relaxed);
            text.map(|text| made(path, text, 1_700_000_000))
        };
        wanted.on_demand(path, &crate::digest::hex(text.unwrap_or("nothing"), 16), Arc::new(make));
    }
    wanted
}
