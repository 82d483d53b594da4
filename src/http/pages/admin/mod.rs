//! `/admin/`: pages for people who decide what goes out: what waits for them, the outbox, one post with all that can be
//! said to it. Who they are and whether they may come in is for the [desk](crate::http::desk) to say.
//!
//! Each act is a form that is sent by POST and leads back to a page; it carries what only this session's pages know. The
//! pages are kept by nobody, and come in no other frame.

mod account;
mod entry;
mod outbox;
mod overview;
mod post;
mod row;

use super::{Visit, not_ready};
use crate::acts::Refusal;
use crate::http::desk::{Desk, LONGEST, Session};
use crate::http::{Client, Shared};
use crate::people::{By, Road};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most bytes of a form.
const FORM_MAX: usize = 64 * 1024;
/// The name of the cookie of a session.
const COOKIE: &str = "crieur_session";

/// The addresses under `/admin/`.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/admin", get(|State(shared): State<Shared>| async move { onward(&shared) }))
        .route("/admin/", get(overview::page))
        .route("/admin/sign-in", get(entry::page).post(entry::sign_in))
        .route("/admin/sign-out", post(entry::sign_out))
        .route("/admin/silence", post(overview::silence))
        .route("/admin/posts", get(outbox::page))
        .route("/admin/posts/{id}", get(post::page).post(post::act))
        .route("/admin/images/{digest}", get(image))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

/// `/admin` without the slash.
fn onward(shared: &Shared) -> Response {
    let base = shared.snapshot.borrow().as_ref().map(|snapshot| snapshot.settings.under("/admin/"));
    private(Redirect::temporary(base.as_deref().unwrap_or("/admin/")).into_response())
}

/// What every page here says of who looks at it.
#[derive(Debug, Clone, Serialize)]
pub struct Signed {
    /// Who.
    person: String,
    /// What forms carry.
    form: String,
    /// Whether there is something to sign out of.
    by_token: bool,
}

/// Somebody who may look at these pages.
struct Guest {
    desk: Desk,
    session: Session,
    visit: Visit,
}

impl Guest {
    fn by(&self) -> By {
        By::new(&self.session.person, Road::Page)
    }
}

/// What a form says.
struct Form(BTreeMap<String, String>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str).trim()
    }
}

/// A request, as far as it matters who sends it.
struct Asking<'a> {
    client: Option<&'a Client>,
    headers: &'a HeaderMap,
    uri: &'a Uri,
}

/// Somebody who comes to a page, before it is known who.
#[expect(clippy::result_large_err, reason = "the answer is made here, once, and handed on")]
fn arrive(shared: &Shared, asking: &Asking<'_>) -> Result<(Desk, Visit), Response> {
    let nobody = || private(super::sorry(StatusCode::NOT_FOUND, asking.uri.path(), None, asking.headers));
    let desk = shared.desk.clone().ok_or_else(nobody)?;
    let Some(snapshot) = shared.snapshot.borrow().clone() else {
        return Err(private(not_ready(asking.uri.path(), asking.headers)));
    };
    let visit = Visit::new(snapshot, asking.headers.clone(), shared.clock.now());
    if !desk.is_asked_for(asking.client, asking.headers) {
        let why = if desk.has_tokens() { "host" } else { "elsewhere" };
        return Err(sorry(&visit, StatusCode::FORBIDDEN, why));
    }
    Ok((desk, visit))
}

/// Lets somebody in who is signed in; others are sent to sign in first.
#[expect(clippy::result_large_err, reason = "the answer is made here, once, and handed on")]
fn enter(shared: &Shared, asking: &Asking<'_>) -> Result<Guest, Response> {
    let (desk, visit) = arrive(shared, asking)?;
    let now = shared.clock.now();
    let session = match desk.has_tokens() {
        true => cookie(asking.headers).and_then(|cookie| desk.sessions.find(cookie, now)),
        false => desk.sessions.of_this_machine(now),
    };
    let Some(session) = session else {
        let to: String = url::form_urlencoded::byte_serialize(asking.uri.to_string().as_bytes()).collect();
        return Err(see(&visit, &format!("/admin/sign-in?to={to}")));
    };
    let signed = Signed { person: session.person.clone(), form: session.form.clone(), by_token: desk.has_tokens() };
    Ok(Guest { visit: visit.signed(signed), desk, session })
}

/// Lets a form in that comes from a page of this session.
#[expect(clippy::result_large_err, reason = "the answer is made here, once, and handed on")]
fn enter_with(shared: &Shared, asking: &Asking<'_>, body: &Bytes) -> Result<(Guest, Form), Response> {
    let guest = enter(shared, asking)?;
    let form = Form::read(body);
    if !guest.desk.is_own_form(asking.client, asking.headers) || !guest.session.is_own(form.get("form")) {
        return Err(sorry(&guest.visit, StatusCode::FORBIDDEN, "form"));
    }
    Ok((guest, form))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[derive(Serialize)]
struct Sorry {
    why: &'static str,
}

/// A page that says why there is no other one.
fn sorry(visit: &Visit, status: StatusCode, why: &'static str) -> Response {
    visit.page_with(status, "admin_sorry", Sorry { why })
}

/// Leads to another page, which is asked for anew.
fn see(visit: &Visit, path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::from_str(&visit.under(path)) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    private(response)
}

/// An answer that nobody keeps.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(visit: &Visit, error: &dyn std::fmt::Display) -> Response {
    tracing::error!("a page of the administration cannot be made: {error}");
    sorry(visit, StatusCode::SERVICE_UNAVAILABLE, "store")
}

/// With which status a refused act is told.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::NotNow(_) => StatusCode::CONFLICT,
        Refusal::NotYou(_) => StatusCode::FORBIDDEN,
        Refusal::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `/admin/images/DIGEST`: an image of a post.
async fn image(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    Path(digest): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let guest = match enter(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(guest) => guest,
        Err(response) => return response,
    };
    match shared.store.image(&digest).await {
        Ok(Some((media_type, bytes))) => {
            let headers = [(header::CONTENT_TYPE, media_type.as_str()), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
            private((headers, bytes).into_response())
        }
        Ok(None) => sorry(&guest.visit, StatusCode::NOT_FOUND, "unknown"),
        Err(error) => failed(&guest.visit, &error),
    }
}
