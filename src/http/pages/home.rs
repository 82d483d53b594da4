//! `/`: where everything is.

use super::Visit;
use super::rows::Row;
use crate::feed::Kind;
use axum::response::Response;
use serde::Serialize;

#[derive(Serialize)]
struct Home {
    /// The feed of everything, and that of the events.
    main: Vec<Row>,
    /// How many feeds there are.
    feeds: usize,
}

pub fn page(visit: &Visit) -> Response {
    let feeds = &visit.snapshot.feeds.feeds;
    let main: Vec<Row> = Kind::EVERY
        .into_iter()
        .filter(|kind| kind.is_single())
        .filter_map(|kind| feeds.iter().find(|feed| feed.kind == kind))
        .map(|feed| visit.row(feed))
        .collect();
    visit.page("home", Home { main, feeds: feeds.len() })
}
