//! `/admin/posts`: the outbox, newest first.

use super::row::Row;
use super::{Asking, Form, enter, failed};
use crate::delivery::State as DeliveryState;
use crate::http::{Client, Shared};
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeSet;

/// Deliveries on a page.
const ON_A_PAGE: usize = 50;

#[derive(Serialize)]
struct Outbox {
    rows: Vec<Row>,
    total: usize,
    states: Vec<&'static str>,
    state: String,
    endpoints: BTreeSet<String>,
    endpoint: String,
    number: usize,
    numbers: usize,
    newer: Option<String>,
    older: Option<String>,
}

pub async fn page(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let guest = match enter(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(guest) => guest,
        Err(response) => return response,
    };
    let visit = &guest.visit;
    let (config, zone) = (&guest.desk.config, &visit.snapshot.site.timezone);
    let mut deliveries = match shared.store.deliveries_with_turns(config, zone, shared.clock.now()).await {
        Ok(deliveries) => deliveries,
        Err(error) => return failed(visit, &error),
    };
    let asked = Form::read(uri.query().unwrap_or("").as_bytes());
    let (state, endpoint) = (DeliveryState::parse(asked.get("state")), asked.get("endpoint"));
    let configured = config.endpoints.keys().map(ToString::to_string);
    let endpoints: BTreeSet<String> =
        deliveries.iter().map(|delivery| delivery.key.endpoint.to_string()).chain(configured).collect();
    deliveries.retain(|delivery| {
        state.is_none_or(|state| delivery.state == state)
            && (endpoint.is_empty() || delivery.key.endpoint.as_str() == endpoint)
    });
    deliveries.reverse();
    let numbers = deliveries.len().div_ceil(ON_A_PAGE).max(1);
    let number = asked.get("page").parse::<usize>().unwrap_or(1).clamp(1, numbers);
    let word = state.map_or("", DeliveryState::word);
    let at = |number: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", word).append_pair("endpoint", endpoint).append_pair("page", &number.to_string());
        visit.under(&format!("/admin/posts?{}", query.finish()))
    };
    let outbox = Outbox {
        rows: deliveries
            .iter()
            .skip((number - 1) * ON_A_PAGE)
            .take(ON_A_PAGE)
            .map(|delivery| Row::new(delivery, visit))
            .collect(),
        total: deliveries.len(),
        states: DeliveryState::ALL.iter().map(|state| state.word()).collect(),
        state: word.to_owned(),
        endpoints,
        endpoint: endpoint.to_owned(),
        number,
        numbers,
        newer: (number > 1).then(|| at(number - 1)),
        older: (number < numbers).then(|| at(number + 1)),
    };
    visit.page("admin_posts", outbox)
}
