//! `/feeds/tombstones`: what was withdrawn, and since when; nothing of what it said.

use super::Visit;
use super::tongue::Moment;
use crate::feed::tombstones;
use axum::response::Response;
use serde::Serialize;

/// As many as the document has.
const SHOWN_MAX: usize = 500;

#[derive(Serialize)]
struct Withdrawn {
    articles: Vec<Gone>,
    /// How many were withdrawn in all.
    total: usize,
    document: String,
    canonical: String,
}

#[derive(Serialize)]
struct Gone {
    id: String,
    since: Moment,
}

pub fn page(visit: &Visit) -> Response {
    let withdrawn = visit.snapshot.catalog().withdrawn(visit.now);
    let zone = &visit.site().timezone;
    let gone = withdrawn
        .iter()
        .take(SHOWN_MAX)
        .map(|withdrawn| Gone { id: withdrawn.id.urn(), since: visit.tongue.moment(withdrawn.at, zone) });
    let values = Withdrawn {
        articles: gone.collect(),
        total: withdrawn.len(),
        document: visit.under(tombstones::PATH),
        canonical: visit.settings().public("/feeds/tombstones"),
    };
    visit.page("withdrawn", values)
}
