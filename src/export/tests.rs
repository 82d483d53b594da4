//! What several tests of exports share.

use super::Wanted;
use crate::feed::Document;
use jiff::Timestamp;
use std::sync::Arc;

/// A document with a text, as if it had last changed at a second.
pub(super) fn document(path: &str, text: &str, second: i64) -> Arc<Document> {
    Arc::new(Document {
        path: path.to_owned(),
        media_type: "application/rss+xml; charset=utf-8",
        address: format!("https://flux.example.fr{path}"),
        hubs: [].into(),
        body: text.as_bytes().into(),
        etag: crate::digest::hex(text, 16),
        last_modified: Timestamp::from_second(second).unwrap(),
        made_of: 0,
    })
}

/// What is wanted: texts by address.
pub(super) fn wanted(texts: &[(&str, &str)]) -> Wanted {
    Wanted::new(texts.iter().map(|(path, text)| (*path, document(path, text, 1_700_000_000))))
}
