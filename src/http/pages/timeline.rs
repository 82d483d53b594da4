//! `/timeline`: what was posted to the embedded network, newest first.

use super::{Visit, not_ready, sorry};
use crate::dates;
use crate::http::Shared;
use crate::post::Image;
use crate::store::JournalPost;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderMap};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Posts shown on the timeline.
const TIMELINE_MAX: u32 = 100;

#[derive(Serialize)]
struct Timeline {
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
    images: Vec<Image>,
}

#[derive(Serialize)]
struct Piece {
    text: String,
    url: Option<String>,
}

/// `/timeline`: what was posted to the journal, newest first.
pub async fn timeline(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(snapshot) = shared.snapshot.borrow().clone() else { return not_ready(uri.path(), &headers) };
    match shared.store.journal(TIMELINE_MAX).await {
        Ok(posts) => {
            let visit = Visit::new(snapshot, headers, shared.clock.now());
            let posts = posts.into_iter().map(|post| row(post, &visit)).collect();
            visit.page("timeline", Timeline { posts })
        }
        Err(error) => {
            tracing::error!("the timeline cannot be read: {error}");
            sorry(StatusCode::INTERNAL_SERVER_ERROR, uri.path(), Some(&snapshot), &headers)
        }
    }
}

/// `/timeline/images/DIGEST`: an image of a post that the journal shows.
pub async fn image(State(shared): State<Shared>, Path(digest): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let snapshot = shared.snapshot.borrow().clone();
    match shared.store.journal_image(&digest).await {
        Ok(Some((media_type, bytes))) => {
            let headers = [
                (header::CONTENT_TYPE, media_type.as_str()),
                // Its address is what it is.
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, bytes).into_response()
        }
        Ok(None) => sorry(StatusCode::NOT_FOUND, uri.path(), snapshot.as_ref(), &headers),
        Err(error) => {
            tracing::error!("an image of the timeline cannot be read: {error}");
            sorry(StatusCode::INTERNAL_SERVER_ERROR, uri.path(), snapshot.as_ref(), &headers)
        }
    }
}

fn row(journal: JournalPost, visit: &Visit) -> PostRow {
    let post = journal.post;
    let at = journal.posted_at.to_zoned(visit.site().timezone.clone());
    let french = visit.tongue.is_french();
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
        id: journal.id,
        endpoint: journal.endpoint,
        language: post.language,
        posted_at: format!("{}, {}", dates::date(&at, french), dates::hour(&at, french)),
        machine_time: at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        paragraphs: post.text.split("\n\n").map(|paragraph| paragraph.lines().map(line).collect()).collect(),
        images: post.images,
    }
}
