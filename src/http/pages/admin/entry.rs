//! `/admin/sign-in`: a token, once, for a session of some hours.

use super::{Asking, COOKIE, Form, LONGEST, arrive, enter_with, private, see, sorry};
use crate::http::desk::{Comer, SEC_FETCH_SITE};
use crate::http::{Client, Shared};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;

#[derive(Serialize)]
struct SignIn {
    /// Where one wanted to go.
    to: String,
    /// What was wrong: `wrong`, `often`, or nothing.
    problem: &'static str,
    /// Whether a link of another site led here: the browser then hides that one is signed in.
    from_elsewhere: bool,
}

/// A path under `/admin/`, and nothing else.
fn inside(to: &str) -> String {
    let is_path =
        to.starts_with("/admin/") && !to.contains("//") && !to.contains(|c: char| c == '\\' || c.is_control());
    if is_path && !to.starts_with("/admin/sign-") { to.to_owned() } else { "/admin/".to_owned() }
}

pub async fn page(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let (desk, visit) = match arrive(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(arrived) => arrived,
        Err(response) => return response,
    };
    let to = inside(Form::read(uri.query().unwrap_or("").as_bytes()).get("to"));
    if !desk.has_tokens() {
        return see(&visit, &to);
    }
    let from_elsewhere = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site");
    visit.page("admin_sign_in", SignIn { to, problem: "", from_elsewhere })
}

pub async fn sign_in(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let (desk, visit) = match arrive(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(arrived) => arrived,
        Err(response) => return response,
    };
    if !desk.is_own_form(client.as_ref(), &headers) {
        return sorry(&visit, StatusCode::FORBIDDEN, "form");
    }
    let (form, now) = (Form::read(&body), shared.clock.now());
    let to = inside(form.get("to"));
    let again = |status, problem| {
        let to = to.clone();
        visit.page_with(status, "admin_sign_in", SignIn { to, problem, from_elsewhere: false })
    };
    let person = match desk.bearer(form.get("token"), client.as_ref(), now) {
        Comer::Known(person) => person,
        Comer::TooOften(wait) => {
            let mut response = again(StatusCode::TOO_MANY_REQUESTS, "often");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            return response;
        }
        Comer::Wrong | Comer::Unknown | Comer::Elsewhere => return again(StatusCode::FORBIDDEN, "wrong"),
    };
    let Some(cookie) = desk.sessions.begin(&person, now) else {
        return sorry(&visit, StatusCode::SERVICE_UNAVAILABLE, "store");
    };
    tracing::info!(person, "{person} signed in on the pages");
    with_cookie(see(&visit, &to), &visit.under("/admin"), &cookie, desk.is_https(), LONGEST.as_secs())
}

pub async fn sign_out(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let asking = Asking { client: client.as_ref(), headers: &headers, uri: &uri };
    let (guest, _) = match enter_with(&shared, &asking, &body) {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    if let Some(cookie) = super::cookie(&headers) {
        guest.desk.sessions.end(cookie);
    }
    with_cookie(see(&guest.visit, "/admin/sign-in"), &guest.visit.under("/admin"), "", guest.desk.is_https(), 0)
}

fn with_cookie(mut response: Response, path: &str, value: &str, is_https: bool, seconds: i64) -> Response {
    let secure = if is_https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    private(response)
}
