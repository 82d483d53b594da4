//! The style sheet and the icon: served at addresses that change with their bytes, so that browsers keep them for good.

use crate::digest;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

const STYLE: &str = include_str!("templates/style.css");
const ICON: &str = include_str!("templates/icon.svg");

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", digest::hex(STYLE.as_bytes(), 5)));
static ICON_NAME: LazyLock<String> = LazyLock::new(|| format!("icon-{}.svg", digest::hex(ICON.as_bytes(), 5)));

const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// While a new version replaces an old one, a page of the one may ask the other for its style.
const FOR_NOW: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The folder of both.
pub const FOLDER: &str = "/feeds/looks";

/// The path of the style sheet.
pub fn style() -> String {
    format!("{FOLDER}/{}", *STYLE_NAME)
}

/// The path of the icon.
pub fn icon() -> String {
    format!("{FOLDER}/{}", *ICON_NAME)
}

/// One of the two; None if the name is of neither.
pub async fn looks(Path(name): Path<String>) -> Response {
    let (body, media_type, own) = match name.as_str() {
        name if name.starts_with("style-") && name.ends_with(".css") => {
            (STYLE, "text/css; charset=utf-8", &*STYLE_NAME)
        }
        name if name.starts_with("icon-") && name.ends_with(".svg") => (ICON, "image/svg+xml", &*ICON_NAME),
        _ => return crate::http::refusal(StatusCode::NOT_FOUND, "there is nothing at this address\n"),
    };
    let cache = if name == *own { FOR_GOOD } else { FOR_NOW };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}
