//! WebSub at work: subscribers of the built-in hub are asked and told ([`Distributor`]), hubs elsewhere are told
//! ([`Pinger`]).
//!
//! Both look at what is served and at what was told last, and do what differs; a wake only says to look now. Each holds a
//! lease on what it works on, so that several processes on one database tell nobody twice. Killed between a delivery and its
//! record, it is delivered once more: subscribers know a feed that they have.

mod calls;
mod crew;
mod distribute;
mod figures;
mod made;
mod ping;
mod put_out;

pub use distribute::{Distributor, callback_purpose, secret_purpose};
pub use figures::Figures;
pub use ping::Pinger;
pub use put_out::PutOut;

use crate::feed::Document;
use crate::hub::{Topic, Version, find};
use crate::reconcile::Snapshot;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;

/// Longest time of one request. Subscribers are to answer at once, and work later (section 7).
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// How soon it is looked again what other processes left.
const LOOK: SignedDuration = SignedDuration::from_secs(30);
/// How soon a look that failed is made again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// The document that is served at a topic's address.
fn served<'a>(snapshot: &'a Snapshot, topic: &str) -> Option<&'a Arc<Document>> {
    match find(&snapshot.feeds, &snapshot.settings, topic) {
        Topic::Served(document) => Some(document),
        _ => None,
    }
}

/// The version of a document that is served.
pub fn version(document: &Document) -> Version {
    Version { etag: document.etag.clone(), modified: document.last_modified }
}
