//! Pages for people, in French and in English: what feeds there are, what each holds, and how to follow it.
//!
//! They are made by the server and need no script, and nothing of them comes from elsewhere. A page is made of the last
//! [`Snapshot`] when somebody looks at it, off the async threads, and few at once.

pub mod admin;
mod choose;
mod directory;
mod feed;
mod home;
mod looks;
mod rows;
mod snippets;
mod sorry;
mod timeline;
mod tongue;
mod withdrawn;

pub use looks::{FOLDER as LOOKS, looks};
pub use sorry::{not_ready, sorry};
pub use timeline::{image, timeline};

use super::documents::Documents;
use super::{Shared, refusal};
use crate::article::SiteSettings;
use crate::dates;
use crate::digest;
use crate::feed::coding::packed;
use crate::feed::conditional::{Coding, Conditions, Verdict};
use crate::feed::demand::Answer;
use crate::feed::{Settings, opml, tombstones};
use crate::reconcile::Snapshot;
use crate::text::escape_html;
use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, State as Rendering, UndefinedBehavior, context};
use serde::Serialize;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tongue::{Moment, Quote, Tongue};

/// How long somebody waits until a page is made.
const PATIENCE: Duration = Duration::from_secs(10);

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    // Slashes may stand: pages are mostly addresses.
    templates.set_formatter(|out, _, value| match value.as_str().filter(|_| !value.is_safe()) {
        Some(text) => Ok(out.write_str(&escape_html(text).replace('\'', "&#39;"))?),
        None => Ok(write!(out, "{value}")?),
    });
    templates.add_filter("number", |state: &Rendering, number: u64| {
        let is_french = state.lookup("fr").is_some_and(|french| french.is_true());
        if is_french { Tongue::French.number(number) } else { Tongue::English.number(number) }
    });
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    for (name, source) in [
        ("layout", include_str!("templates/layout.html")),
        ("parts", include_str!("templates/parts.html")),
        ("home", include_str!("templates/home.html")),
        ("directory", include_str!("templates/directory.html")),
        ("kind", include_str!("templates/kind.html")),
        ("search", include_str!("templates/search.html")),
        ("choose", include_str!("templates/choose.html")),
        ("feed", include_str!("templates/feed.html")),
        ("archive", include_str!("templates/archive.html")),
        ("withdrawn", include_str!("templates/withdrawn.html")),
        ("snippets", include_str!("templates/snippets.html")),
        ("timeline", include_str!("templates/timeline.html")),
        ("sorry", include_str!("templates/sorry.html")),
        ("admin_parts", include_str!("templates/admin_parts.html")),
        ("admin", include_str!("templates/admin.html")),
        ("admin_posts", include_str!("templates/admin_posts.html")),
        ("admin_post", include_str!("templates/admin_post.html")),
        ("admin_sign_in", include_str!("templates/admin_sign_in.html")),
        ("admin_sorry", include_str!("templates/admin_sorry.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!("the page {name} is broken: {error:#}");
        }
    }
    templates
});

/// Smaller pages are not worth compressing: they fit a packet or two as they are.
const PACKED_MIN: usize = 2_500;

/// Nothing on a page may come from elsewhere or run.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// What a page depends on.
pub(super) const VARY: HeaderValue =
    HeaderValue::from_static("Accept, Accept-Encoding, Accept-Language, Sec-Fetch-Dest");

/// Somebody who looks at the site.
#[derive(Clone)]
pub struct Visit {
    /// The last pass.
    pub snapshot: Arc<Snapshot>,
    /// What the browser says.
    headers: HeaderMap,
    /// The instant.
    now: Timestamp,
    tongue: Tongue,
    /// Who it is, on the pages of the administration.
    signed: Option<admin::Signed>,
}

impl Visit {
    pub fn new(snapshot: Arc<Snapshot>, headers: HeaderMap, now: Timestamp) -> Self {
        let tongue = Tongue::of(&headers, &snapshot.site.language);
        Self { snapshot, headers, now, tongue, signed: None }
    }

    /// The same, when it is known who it is.
    fn signed(self, signed: admin::Signed) -> Self {
        Self { signed: Some(signed), ..self }
    }

    fn site(&self) -> &SiteSettings {
        &self.snapshot.site
    }

    fn settings(&self) -> &Settings {
        &self.snapshot.settings
    }

    /// A path of this server, as links on pages need it.
    fn under(&self, path: &str) -> String {
        self.settings().under(path)
    }

    /// What an editor wrote, in the language of the site unless another is given.
    fn quote(&self, text: &str, language: Option<&str>) -> Quote {
        self.tongue.quote(text, language.unwrap_or(&self.site().language))
    }

    /// A day and an hour, in the site's zone.
    fn instant(&self, at: Timestamp) -> Moment {
        let Moment { words, machine } = self.tongue.moment(at, &self.site().timezone);
        let hour = dates::hour(&at.to_zoned(self.site().timezone.clone()), self.tongue.is_french());
        Moment { words: format!("{words}, {hour}"), machine }
    }

    /// A page.
    fn page(&self, name: &str, values: impl Serialize) -> Response {
        self.page_with(StatusCode::OK, name, values)
    }

    fn page_with(&self, status: StatusCode, name: &str, values: impl Serialize) -> Response {
        let site = self.site();
        let frame = Frame {
            site: Some(self.quote(&site.title, None)),
            url: Some(site.url.to_string()),
            base: self.under(""),
            admin: self.signed.clone(),
        };
        show(status, name, self.tongue, &frame, &self.headers, values)
    }
}

/// What stands around every page.
#[derive(Default, Serialize)]
struct Frame {
    /// The title of the site; None before it is known.
    site: Option<Quote>,
    /// Its address.
    url: Option<String>,
    /// The path under which people reach this server.
    base: String,
    /// Who looks at a page of the administration.
    admin: Option<admin::Signed>,
}

fn show(
    status: StatusCode,
    name: &str,
    tongue: Tongue,
    frame: &Frame,
    headers: &HeaderMap,
    values: impl Serialize,
) -> Response {
    // What some may see is kept by nobody. It is not packed: its length would tell of what stands in it.
    let is_private = name.starts_with("admin");
    let context = context! {
        fr => tongue.is_french(),
        lang => tongue.tag(),
        here => name,
        is_private,
        frame => Serde(frame),
        base => &frame.base,
        style => looks::style(),
        icon => looks::icon(),
        page => Serde(&values),
    };
    let html = match TEMPLATES.get_template(name).and_then(|template| template.render(context)) {
        Ok(html) => html,
        Err(error) => {
            tracing::error!("the page {name} cannot be made: {error:#}");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be made; the log says why\n");
        }
    };
    let mut etag = digest::hex(&html, 12);
    let coding = Coding::accepted(headers.get_all(header::ACCEPT_ENCODING).into_iter().map(HeaderValue::as_bytes));
    let packed = (html.len() > PACKED_MIN && !is_private).then(|| packed(html.as_bytes(), coding)).flatten();
    let coding = packed.is_some().then(|| coding.word()).flatten();
    if let Some(coding) = coding {
        etag = format!("{etag}-{coding}");
    }
    let mut response = match packed {
        _ if status == StatusCode::OK && !is_private && is_known(headers, &etag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Some(packed) => (status, Html(packed)).into_response(),
        None => (status, Html(html)).into_response(),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // With `no-referrer` a form would not say from where it comes.
        (header::REFERRER_POLICY, HeaderValue::from_static(if is_private { "same-origin" } else { "no-referrer" })),
        (header::CACHE_CONTROL, HeaderValue::from_static(if is_private { "no-store" } else { "no-cache" })),
        (header::VARY, VARY),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(tongue.tag())),
    ] {
        response.headers_mut().insert(name, value);
    }
    if let Some(coding) = coding.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    if let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\""))
        && status == StatusCode::OK
        && !is_private
    {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Whether the browser has the page already.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = |name| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let conditions = Conditions {
        if_match: lines(header::IF_MATCH),
        if_unmodified_since: lines(header::IF_UNMODIFIED_SINCE),
        if_none_match: lines(header::IF_NONE_MATCH),
        if_modified_since: lines(header::IF_MODIFIED_SINCE),
    };
    // A page may change whenever another feed does: it has no date of its own.
    conditions.judge(etag.as_bytes(), Timestamp::MAX) == Verdict::NotModified
}

/// Makes a page off the async threads, when its turn comes.
pub async fn made<P: From<Response> + Send + 'static>(
    documents: &Documents,
    visit: Visit,
    make: impl FnOnce(&Visit) -> P + Send + 'static,
) -> P {
    let Visit { snapshot, headers, .. } = visit.clone();
    let failed = |status| P::from(sorry(status, "", Some(&snapshot), &headers));
    let Ok(Ok(permit)) = tokio::time::timeout(PATIENCE, documents.page_makers().acquire_owned()).await else {
        return failed(StatusCode::SERVICE_UNAVAILABLE);
    };
    let making = tokio::task::spawn_blocking(move || {
        let page = make(&visit);
        drop(permit);
        page
    });
    making.await.unwrap_or_else(|error| {
        tracing::error!("a page cannot be made: {error}");
        failed(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// A page that needs nothing but the last pass and what stands after `?`.
async fn plain(shared: &Shared, uri: Uri, headers: HeaderMap, make: fn(&Visit, &str) -> Response) -> Response {
    let Some(snapshot) = shared.snapshot.borrow().clone() else { return not_ready(uri.path(), &headers) };
    let visit = Visit::new(snapshot, headers, shared.clock.now());
    made(&shared.documents, visit, move |visit| make(visit, uri.query().unwrap_or(""))).await
}

/// `/`: where everything is.
pub async fn home(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    plain(&shared, uri, headers, |visit, _| home::page(visit)).await
}

/// `/feeds/`: every feed, by name; or, after `?q=`, those with some words in their names.
pub async fn feeds(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    plain(&shared, uri, headers, directory::page).await
}

/// `/feeds/choose`: a feed made of several.
pub async fn choose(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    plain(&shared, uri, headers, choose::page).await
}

/// `/feeds/snippets`: what the site's own pages say of its feeds.
pub async fn snippets(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    plain(&shared, uri, headers, |visit, _| snippets::page(visit)).await
}

/// `/feeds/tombstones`: what was withdrawn.
pub async fn withdrawn(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    plain(&shared, uri, headers, |visit, _| withdrawn::page(visit)).await
}

/// The page at an address that no document has: of a feed, of an archive, of a kind of feeds. None if there is none.
pub fn at(visit: &Visit, path: &str, query: &str) -> Option<Response> {
    match visit.snapshot.feeds.demand(path, visit.settings()) {
        Answer::Here(demand) => feed::page(visit, &demand),
        Answer::Moved(to) => Some(super::moved(StatusCode::MOVED_PERMANENTLY, &visit.under(&to))),
        Answer::Unknown => directory::kind_at(visit, path, query),
    }
}

/// The page that a browser shows at the address of a document. None if there is none.
pub fn instead(visit: &Visit, path: &str) -> Option<Response> {
    match path {
        opml::PATH => Some(directory::page(visit, "")),
        tombstones::PATH => Some(withdrawn::page(visit)),
        _ => match visit.snapshot.feeds.demand(path, visit.settings()) {
            Answer::Here(demand) => feed::page(visit, &demand),
            Answer::Moved(_) | Answer::Unknown => None,
        },
    }
}
