//! `/admin/`: what needs a person, what is next, how the endpoints are, what is wrong with articles.

use super::account::timeline;
use super::row::{Row, link};
use super::{Asking, Guest, enter, enter_with, failed, see, status};
use crate::acts;
use crate::config::NetworkKind;
use crate::delivery::{Delivery, Removal, State as DeliveryState};
use crate::http::pages::tongue::{Moment, Quote};
use crate::http::{Client, Shared};
use crate::plan::{self, Inputs};
use crate::problem::Severity;
use crate::store::StoreError;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jiff::SignedDuration;
use serde::Serialize;

/// Most entries of each list.
const MOST: usize = 50;
/// Most of what is next.
const NEXT: usize = 10;
/// How long a failure needs somebody.
const FAILED_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Days ahead at which the end of a credential is told.
const AHEAD: i64 = 30;

#[derive(Serialize)]
struct Overview {
    silence: Option<Silence>,
    /// What was refused, for a person.
    problem: Option<String>,
    waiting: Vec<Row>,
    waiting_total: usize,
    next: Vec<Next>,
    endpoints: Vec<Account>,
    problems: Vec<Fault>,
    problems_total: usize,
}

#[derive(Serialize)]
struct Silence {
    since: Moment,
    reason: String,
    by: Option<String>,
}

#[derive(Serialize)]
struct Next {
    title: Quote,
    endpoint: String,
    rule: Option<String>,
    state: &'static str,
    due: Moment,
}

#[derive(Serialize)]
struct Account {
    name: String,
    network: &'static str,
    timeline: Option<String>,
    paused: Option<String>,
    closed_until: Option<Moment>,
    expires: Option<Moment>,
    /// Days until its credential ends, where that is soon.
    days: Option<i64>,
}

#[derive(Serialize)]
struct Fault {
    place: String,
    severity: &'static str,
    message: String,
    cure: Option<String>,
}

pub async fn page(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let client = client.map(|Extension(client)| client);
    match enter(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(guest) => show(&shared, &guest, StatusCode::OK, None).await,
        Err(response) => response,
    }
}

/// `POST /admin/silence`: has everything held, or lets it go.
pub async fn silence(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let asking = Asking { client: client.as_ref(), headers: &headers, uri: &uri };
    let (guest, form) = match enter_with(&shared, &asking, &body) {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    let (by, now) = (guest.by(), shared.clock.now());
    let done = match form.get("act") {
        "on" => acts::silence(&shared.store, form.get("reason"), &by, now).await.map(|_| ()),
        "off" => shared.store.silence_off(&by, now).await.map(|_| guest.desk.wake_all()).map_err(Into::into),
        _ => Err(acts::Refusal::Unusable("the form is not understood".to_owned())),
    };
    match done {
        Ok(()) => see(&guest.visit, "/admin/"),
        Err(acts::Refusal::Store(error)) => failed(&guest.visit, &error),
        Err(refusal) => show(&shared, &guest, status(&refusal), Some(refusal.to_string())).await,
    }
}

async fn show(shared: &Shared, guest: &Guest, status: StatusCode, problem: Option<String>) -> Response {
    match overview(shared, guest, problem).await {
        Ok(overview) => guest.visit.page_with(status, "admin", overview),
        Err(error) => failed(&guest.visit, &error),
    }
}

async fn overview(shared: &Shared, guest: &Guest, problem: Option<String>) -> Result<Overview, StoreError> {
    let (visit, config, now) = (&guest.visit, &guest.desk.config, shared.clock.now());
    let outbox = shared.store.deliveries().await?;
    let silence = shared.store.silence().await?;
    let needs = |delivery: &&Delivery| match delivery.state {
        DeliveryState::Held | DeliveryState::Uncertain => true,
        DeliveryState::Failed => now.duration_since(delivery.due_at) <= FAILED_FOR,
        DeliveryState::Published => matches!(delivery.removal, Some(Removal::Held | Removal::Failed)),
        _ => false,
    };
    let waiting: Vec<&Delivery> = outbox.iter().filter(needs).collect();
    let next = {
        let catalog = visit.snapshot.catalog();
        let inputs = Inputs::new(config, &visit.snapshot.site, &catalog, &outbox, now);
        let plan = plan::plan(&Inputs { explain: true, silence: silence.as_ref(), ..inputs });
        let mut lines: Vec<_> = plan.lines.iter().filter(|line| line.due_at.is_some_and(|due| due >= now)).collect();
        lines.retain(|line| matches!(line.state, "pending" | "planned" | "settling"));
        lines.sort_by_key(|line| (line.due_at, line.path.clone()));
        let next = |line: &&plan::Line| {
            let standing = catalog.get(&line.article)?;
            Some(Next {
                title: visit.quote(&standing.article.title, standing.article.language.as_deref()),
                endpoint: line.endpoint.as_ref()?.to_string(),
                rule: line.rule.clone(),
                state: line.state,
                due: visit.instant(line.due_at?),
            })
        };
        lines.iter().filter_map(next).take(NEXT).collect()
    };
    let mut endpoints = Vec::new();
    let ends = shared.ends.get();
    for (name, endpoint) in &config.endpoints {
        let health = shared.store.health(name).await?;
        let is_paused = health.is_paused(&endpoint.print);
        let expires = ends.get(name).copied().or(endpoint.token_expires);
        let last = outbox.iter().rev().filter(|delivery| delivery.key.endpoint == *name);
        let post = last.filter_map(|delivery| delivery.remote_url.as_deref()).next();
        let post = post.filter(|_| !matches!(endpoint.network, NetworkKind::Journal));
        endpoints.push(Account {
            name: name.to_string(),
            network: endpoint.network.word(),
            timeline: timeline(&endpoint.network, post).and_then(|url| link(&url, visit)),
            closed_until: health.closed(now).filter(|_| !is_paused).map(|until| visit.instant(until)),
            paused: health.paused.filter(|_| is_paused).map(|paused| paused.reason),
            expires: expires.map(|end| visit.instant(end)),
            days: expires.map(|end| end.duration_since(now).as_hours().div_euclid(24)).filter(|days| *days <= AHEAD),
        });
    }
    let mut problems: Vec<_> =
        visit.snapshot.problems.iter().filter(|problem| problem.severity != Severity::Note).collect();
    problems.sort_by_key(|problem| problem.severity);
    let fault = |problem: &&crate::problem::Problem| Fault {
        place: if problem.line > 0 { format!("{}:{}", problem.file, problem.line) } else { problem.file.clone() },
        severity: if problem.severity == Severity::Error { "error" } else { "warning" },
        message: problem.message.clone(),
        cure: problem.cure.clone(),
    };
    Ok(Overview {
        silence: silence.map(|silence| Silence {
            since: visit.instant(silence.since),
            reason: silence.reason,
            by: silence.by,
        }),
        problem,
        waiting_total: waiting.len(),
        waiting: waiting.into_iter().rev().take(MOST).map(|delivery| Row::new(delivery, visit)).collect(),
        next,
        endpoints,
        problems_total: problems.len(),
        problems: problems.iter().take(MOST).map(fault).collect(),
    })
}
