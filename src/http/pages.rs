//! Pages for people, in French and English, without scripts.

use super::Shared;
use crate::config::Format;
use crate::feed::Kind;
use crate::reconcile::Snapshot;
use crate::store::JournalPost;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use std::sync::{Arc, LazyLock};

/// Posts shown on the timeline.
const TIMELINE_MAX: u32 = 100;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, source) in [
        ("layout", include_str!("pages/layout.html")),
        ("home", include_str!("pages/home.html")),
        ("feeds", include_str!("pages/feeds.html")),
        ("timeline", include_str!("pages/timeline.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!("the page {name} is broken: {error}");
        }
    }
    templates
});

/// Nothing on a page may come from elsewhere or run.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

fn page(name: &str, headers: &HeaderMap, values: impl Serialize) -> Response {
    let french = prefers_french(headers);
    let rendered = TEMPLATES.get_template(name).and_then(|template| {
        template.render(minijinja::context! { fr => french, page => minijinja::value::Serde(&values) })
    });
    match rendered {
        Ok(html) => {
            let mut response = Html(html).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(if french { "fr" } else { "en" }));
            response
        }
        Err(error) => {
            tracing::error!("the page {name} cannot be made: {error:#}");
            (StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be made; the log says why\n").into_response()
        }
    }
}

/// Whether `Accept-Language` puts French before English (RFC 9110, section 12.5.4).
fn prefers_french(headers: &HeaderMap) -> bool {
    let given = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let weight = |language: &str| {
        given
            .split(',')
            .filter_map(|part| {
                let (tag, parameters) = part.trim().split_once(';').unwrap_or((part.trim(), ""));
                let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
                (tag.eq_ignore_ascii_case(language) || tag.to_ascii_lowercase().starts_with(&format!("{language}-")))
                    .then_some(weight)
            })
            .fold(0.0, f32::max)
    };
    weight("fr") > weight("en")
}

#[derive(Serialize)]
struct FeedRow {
    name: String,
    articles: usize,
    formats: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    name: &'static str,
    path: String,
}

#[derive(Serialize)]
struct Group {
    kind: &'static str,
    feeds: Vec<FeedRow>,
}

fn groups(snapshot: &Snapshot) -> Vec<Group> {
    [Kind::All, Kind::Collection, Kind::Category, Kind::Tag]
        .into_iter()
        .map(|kind| Group {
            kind: kind.word(),
            feeds: snapshot
                .feeds
                .feeds
                .iter()
                .filter(|feed| feed.kind == kind)
                .map(|feed| FeedRow {
                    name: if kind == Kind::All { feed.title.clone() } else { feed.label.clone() },
                    articles: feed.articles,
                    formats: [(Format::Rss, "RSS"), (Format::Atom, "Atom"), (Format::Json, "JSON")]
                        .into_iter()
                        .map(|(format, name)| Link { name, path: feed.path_in(format) })
                        .filter(|link| snapshot.feeds.documents.contains_key(&link.path))
                        .collect(),
                })
                .collect(),
        })
        .filter(|group| !group.feeds.is_empty())
        .collect()
}

#[derive(Serialize)]
struct SitePage {
    title: String,
    url: String,
    ready: bool,
    groups: Vec<Group>,
}

fn site_page(snapshot: Option<Arc<Snapshot>>, with_feeds: bool) -> SitePage {
    match snapshot {
        Some(snapshot) => SitePage {
            title: snapshot.site.title.clone(),
            url: snapshot.site.url.to_string(),
            ready: true,
            groups: if with_feeds { groups(&snapshot) } else { Vec::new() },
        },
        None => SitePage { title: "Crieur".to_owned(), url: String::new(), ready: false, groups: Vec::new() },
    }
}

/// `/`: where everything is.
pub async fn home(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let snapshot = shared.snapshot.borrow().clone();
    page("home", &headers, site_page(snapshot, false))
}

/// `/feeds/`: every feed, and how to follow one.
pub async fn feeds(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let snapshot = shared.snapshot.borrow().clone();
    page("feeds", &headers, site_page(snapshot, true))
}

/// The page for people at the address of a feed's document, if there is one: what the feed is, and how to follow it.
pub fn feed_page(_snapshot: &Arc<Snapshot>, _path: &str, _headers: &HeaderMap) -> Option<Response> {
    None
}

#[derive(Serialize)]
struct TimelinePage {
    title: String,
    posts: Vec<PostRow>,
}

#[derive(Serialize)]
struct PostRow {
    id: i64,
    endpoint: String,
    language: String,
    posted_at: String,
    machine_time: String,
    /// Paragraphs of lines of pieces; a piece with an address is a link.
    paragraphs: Vec<Vec<Vec<Piece>>>,
}

#[derive(Serialize)]
struct Piece {
    text: String,
    url: Option<String>,
}

/// `/timeline`: what was posted to the journal, newest first.
pub async fn timeline(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let snapshot = shared.snapshot.borrow().clone();
    let zone = snapshot.as_ref().map_or(jiff::tz::TimeZone::UTC, |snapshot| snapshot.site.timezone.clone());
    match shared.store.journal(TIMELINE_MAX).await {
        Ok(posts) => {
            let title = snapshot.map_or_else(|| "Crieur".to_owned(), |snapshot| snapshot.site.title.clone());
            let posts = posts.into_iter().map(|post| row(post, &zone)).collect();
            page("timeline", &headers, TimelinePage { title, posts })
        }
        Err(error) => {
            tracing::error!("the timeline cannot be read: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the timeline cannot be read; the log says why\n").into_response()
        }
    }
}

fn row(post: JournalPost, zone: &jiff::tz::TimeZone) -> PostRow {
    let at = post.posted_at.to_zoned(zone.clone());
    let line = |line: &str| -> Vec<Piece> {
        line.split_inclusive(' ')
            .map(|word| {
                let bare = word.trim_end();
                let is_address = bare.starts_with("https://") || bare.starts_with("http://");
                Piece { text: word.to_owned(), url: is_address.then(|| bare.to_owned()) }
            })
            .collect()
    };
    PostRow {
        id: post.id,
        endpoint: post.endpoint,
        language: post.language,
        posted_at: at.strftime("%d/%m/%Y %H:%M").to_string(),
        machine_time: at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        paragraphs: post.text.split("\n\n").map(|paragraph| paragraph.lines().map(line).collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_reader_s() {
        for (given, french) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", true),
            ("en-GB,en;q=0.9,fr;q=0.8", false),
            ("", false),
            ("de", false),
            ("fr", true),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(given))]);
            assert_eq!(prefers_french(&headers), french, "{given}");
        }
    }
}
