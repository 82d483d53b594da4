//! What answers a request: a document as it stands ready, or else the router of pages.
//!
//! A document costs a request a look at its path, the choice of a coding, its conditions, and a handful of references:
//! no lock, no formatting, and not even a map of fields, for that of the request is filled anew.

use super::connection::Line;
use super::documents::{Documents, Form, Ready};
use super::proxies::{Client, Proxies, is_host};
use super::{is_own, pages, refusal};
use crate::clock::Clock;
use crate::feed;
use crate::feed::conditional::{Coding, Conditions, Verdict};
use crate::feed::demand::{self, Demand};
use crate::reconcile::Snapshot;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, StatusCode, Uri, Version};
use futures_util::FutureExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use std::convert::Infallible;
use std::future::{self, Ready as Now};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

const CACHE_CONTROL: HeaderValue = HeaderValue::from_static(feed::CACHE_CONTROL);
/// A page that stands at the address of a document is for one reader, and asked for again each time.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What the answer at the address of a document depends on: the coding, and whether a person looks at it.
const VARY: HeaderValue = HeaderValue::from_static("Accept-Encoding, Sec-Fetch-Dest");
/// What the page depends on that stands there.
const VARY_OF_PAGES: HeaderValue = HeaderValue::from_static("Accept-Encoding, Accept-Language, Sec-Fetch-Dest");
/// Where documents are counted that are made when somebody asks for them: there are too many to count each.
const ON_DEMAND: &str = "on demand";
const ANYONE: HeaderValue = HeaderValue::from_static("*");
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Last-Modified, Link");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// A feed is small, and half of one is of no use: a range is ignored, and the document sent whole (RFC 9110, section 14).
const NO_RANGES: HeaderValue = HeaderValue::from_static("none");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BROTLI: HeaderValue = HeaderValue::from_static("br");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
/// Where the answer of a browser's request will be seen (W3C Fetch Metadata): `document` is a person's window.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What all connections of a server share.
#[derive(Clone)]
pub struct Site(Arc<Inside>);

struct Inside {
    documents: Documents,
    clock: Clock,
    pages: TowerToHyperService<Router>,
    proxies: Proxies,
    /// How long a body may stay away, or a piece of it.
    stall: Duration,
}

impl Site {
    /// The documents, the pages, and whom of the proxies in front it believes. A body may stay away for `stall`.
    pub fn new(documents: Documents, clock: Clock, pages: Router, proxies: Proxies, stall: Duration) -> Self {
        Self(Arc::new(Inside { documents, clock, pages: TowerToHyperService::new(pages), proxies, stall }))
    }

    /// The documents.
    pub fn documents(&self) -> &Documents {
        &self.0.documents
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// What answers the requests of one connection.
pub struct Serving {
    /// What is served.
    pub site: Site,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// What the server is told of the connection.
    pub line: Arc<Line>,
}

/// An answer that is there, or one that takes time.
pub enum Answer {
    /// It is there.
    Now(Now<Result<Response<Reply>, Infallible>>),
    /// It takes time.
    Later(Pin<Box<dyn Future<Output = Response<Reply>> + Send>>),
}

impl Answer {
    fn now(response: Response<Reply>) -> Self {
        Self::Now(future::ready(Ok(response)))
    }
}

impl Future for Answer {
    type Output = Result<Response<Reply>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(answer) => Pin::new(answer).poll(context),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

impl Service<Request<Incoming>> for Serving {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.line.asked(!request.body().is_end_stream());
        if !has_host(&request) {
            return Answer::now(refused(StatusCode::BAD_REQUEST, "the request does not say which host it is for\n"));
        }
        let shelf = self.site.0.documents.shelf();
        let Some(shelf) = &*shelf else { return self.page(request) };
        let Some(document) = shelf.find(request.uri().path()) else {
            return match demanded(&shelf.snapshot, request.uri().path()) {
                Some(demand) => self.later(on_demand(
                    self.site.clone(),
                    Arc::clone(&shelf.snapshot),
                    demand,
                    request.into_parts().0,
                )),
                None => self.page(request),
            };
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            document.counts.refused();
            return Answer::now(other_method(request.method()));
        }
        let headers = request.headers();
        if is_opened(request.uri(), headers) {
            let (site, snapshot) = (self.site.clone(), Arc::clone(&shelf.snapshot));
            return self.later(opened(site, snapshot, Arc::clone(document), request.into_parts().0));
        }
        document.counts.heard(headers.get(header::USER_AGENT), || self.site.0.clock.now());
        let coding = Coding::accepted(lines(headers, &header::ACCEPT_ENCODING));
        match ready(document, coding, request.into_parts().0.headers) {
            Ok(answer) => Answer::now(answer),
            Err(headers) => self.later(pack(self.site.clone(), Arc::clone(document), coding, headers)),
        }
    }
}

impl Serving {
    /// An answer that takes time. While it does, the peer is not waited for.
    fn later(&self, answer: impl Future<Output = Response<Reply>> + Send + 'static) -> Answer {
        self.line.busy();
        let line = Arc::clone(&self.line);
        Answer::Later(Box::pin(async move {
            let answer = answer.await;
            if !matches!(answer.body(), Reply::Page { .. }) {
                line.done();
            }
            answer
        }))
    }

    /// An answer of the router. A handler that panics ends nothing but its own answer.
    fn page(&self, request: Request<Incoming>) -> Answer {
        let (site, line, peer) = (self.site.clone(), Arc::clone(&self.line), self.peer);
        self.later(async move {
            let inside = &site.0;
            let (mut parts, body) = request.into_parts();
            let client: Client = inside.proxies.client(peer, &parts.headers);
            parts.extensions.insert(client);
            let body = Body::new(Patient { body, stall: inside.stall, sleep: None });
            let answer = AssertUnwindSafe(inside.pages.call(Request::from_parts(parts, body))).catch_unwind().await;
            let answer = match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(_) => {
                    tracing::error!("a page ended in a panic; the lines above say where");
                    refusal(StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be made; the log says why\n")
                }
            };
            inside.documents.books().answered(answer.status());
            answer.map(|body| Reply::Page { body, _busy: Some(Busy(line)) })
        })
    }
}

/// Whether a person opens the address of a document in a browser. With a query the document is wanted as it is.
fn is_opened(uri: &Uri, headers: &HeaderMap) -> bool {
    uri.query().is_none() && headers.get(SEC_FETCH_DEST).is_some_and(|dest| dest == "document")
}

/// The page for people that stands at the address of a document. None if there is none.
async fn page_instead(
    site: &Site,
    snapshot: &Arc<Snapshot>,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Reply>> {
    let documents = &site.0.documents;
    let visit = pages::Visit::new(Arc::clone(snapshot), headers.clone(), site.now());
    let path = path.to_owned();
    let page = pages::made(documents, visit, move |visit| pages::instead(visit, &path)).await?;
    let mut page = page.map(Reply::page);
    page.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    page.headers_mut().insert(header::VARY, VARY_OF_PAGES);
    documents.books().answered(page.status());
    Some(page)
}

/// Answers a person who opened the address of a document that stands ready.
async fn opened(site: Site, snapshot: Arc<Snapshot>, document: Arc<Ready>, request: Parts) -> Response<Reply> {
    if let Some(page) = page_instead(&site, &snapshot, &document.document.path, &request.headers).await {
        return page;
    }
    let coding = Coding::accepted(lines(&request.headers, &header::ACCEPT_ENCODING));
    match ready(&document, coding, request.headers) {
        Ok(answer) => answer,
        Err(headers) => pack(site, document, coding, headers).await,
    }
}

/// The document that an address asks for, if it is not made ahead.
fn demanded(snapshot: &Snapshot, path: &str) -> Option<Demand> {
    if is_own(path) && !path.starts_with("/feeds/") {
        return None;
    }
    match snapshot.feeds.demand(path, &snapshot.settings) {
        demand::Answer::Here(demand) if demand.form.is_some() => Some(demand),
        _ => None,
    }
}

/// Answers with a document that is made when somebody asks for it.
async fn on_demand(site: Site, snapshot: Arc<Snapshot>, demand: Demand, request: Parts) -> Response<Reply> {
    let documents = &site.0.documents;
    let counts = documents.books().counts(ON_DEMAND);
    if !matches!(request.method, Method::GET | Method::HEAD) {
        counts.refused();
        return other_method(&request.method);
    }
    if is_opened(&request.uri, &request.headers)
        && let Some(page) = page_instead(&site, &snapshot, request.uri.path(), &request.headers).await
    {
        return page;
    }
    let document = match documents.demands().document(&snapshot, demand, site.now(), counts).await {
        Ok(document) => document,
        Err(response) => {
            documents.books().answered(response.status());
            return response.map(Reply::page);
        }
    };
    document.counts.heard(request.headers.get(header::USER_AGENT), || site.0.clock.now());
    let coding = Coding::accepted(lines(&request.headers, &header::ACCEPT_ENCODING));
    match ready(&document, coding, request.headers) {
        Ok(answer) => answer,
        Err(headers) => pack(site, document, coding, headers).await,
    }
}

/// The answer with a document, if nothing is to be made for it; else the fields of the request.
fn ready(document: &Ready, coding: Coding, headers: HeaderMap) -> Result<Response<Reply>, HeaderMap> {
    let form = document.form(coding);
    match form.made() {
        Some(made) => Ok(answer(document, coding, made, headers)),
        // Who has the form need not wait until it is made again.
        None if judge(document, form, &headers) != Verdict::Send => {
            Ok(answer(document, coding, &Some(Bytes::new()), headers))
        }
        None => Err(headers),
    }
}

/// Makes a form, then answers.
async fn pack(site: Site, document: Arc<Ready>, coding: Coding, headers: HeaderMap) -> Response<Reply> {
    let made = site.0.documents.pack(&document, coding).await;
    answer(&document, coding, &made, headers)
}

/// The lines of a field.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

/// Whether a request says once for which host it is (RFC 9112, section 3.2).
fn has_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| host.is_empty() || is_host(host)),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

fn judge(document: &Ready, form: &Form, headers: &HeaderMap) -> Verdict {
    let conditions = Conditions {
        if_match: lines(headers, &header::IF_MATCH),
        if_unmodified_since: lines(headers, &header::IF_UNMODIFIED_SINCE),
        if_none_match: lines(headers, &header::IF_NONE_MATCH),
        if_modified_since: lines(headers, &header::IF_MODIFIED_SINCE),
    };
    conditions.judge(form.opaque(), document.document.last_modified)
}

/// The answer with a document, in a coding or, where that is no smaller, as it is. The request's fields become those of
/// the answer. The body of HEAD is left out by whoever sends it, and counted in `Content-Length`.
fn answer(document: &Ready, coding: Coding, made: &Option<Bytes>, mut headers: HeaderMap) -> Response<Reply> {
    let (coding, made) = match made {
        Some(made) => (coding, Some(made)),
        None => (Coding::Identity, document.form(Coding::Identity).made().and_then(Option::as_ref)),
    };
    let form = document.form(coding);
    let verdict = judge(document, form, &headers);
    headers.clear();
    if verdict == Verdict::Failed {
        document.counts.refused();
        return refused(StatusCode::PRECONDITION_FAILED, "the feed is not the one that the request is about\n");
    }
    headers.insert(header::ETAG, form.etag.clone());
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::VARY, VARY);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    let mut response = if verdict == Verdict::NotModified {
        document.counts.not_modified();
        let mut response = Response::new(Reply::Whole(None));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        headers.insert(header::CONTENT_TYPE, document.media_type.clone());
        match coding {
            Coding::Identity => {}
            Coding::Gzip => drop(headers.insert(header::CONTENT_ENCODING, GZIP)),
            Coding::Brotli => drop(headers.insert(header::CONTENT_ENCODING, BROTLI)),
        }
        if let Some(at) = &document.last_modified {
            headers.insert(header::LAST_MODIFIED, at.clone());
        }
        if let Some(link) = &document.link {
            headers.insert(header::LINK, link.clone());
        }
        headers.insert(header::ACCEPT_RANGES, NO_RANGES);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        document.counts.sent(made.map_or(0, Bytes::len));
        Response::new(Reply::Whole(made.cloned()))
    };
    *response.headers_mut() = headers;
    response
}

/// A script of another site may ask for a feed, and say which one it has; nothing but reading is to be had.
fn other_method(method: &Method) -> Response<Reply> {
    if *method != Method::OPTIONS {
        let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "a feed can only be read: GET, HEAD\n");
        response.headers_mut().insert(header::ALLOW, ALLOWED);
        return response;
    }
    let mut response = Response::new(Reply::Whole(None));
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ALLOW, ALLOWED),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE),
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "*, Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since",
            ),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

fn refused(status: StatusCode, why: &'static str) -> Response<Reply> {
    refusal(status, why).map(Reply::page)
}

/// The body of an answer.
pub enum Reply {
    /// Whole, or nothing.
    Whole(Option<Bytes>),
    /// A page's; while it is sent, its connection is busy.
    Page {
        /// The page.
        body: Body,
        /// What keeps the connection busy.
        _busy: Option<Busy>,
    },
}

/// Keeps a connection busy until it is dropped.
pub struct Busy(Arc<Line>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.done();
    }
}

impl Reply {
    fn page(body: Body) -> Self {
        Self::Page { body, _busy: None }
    }
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Page { body, .. } => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Page { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Page { body, .. } => body.size_hint(),
        }
    }
}

/// The body of a request, which may not stay away for long.
struct Patient {
    body: Incoming,
    stall: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, stall, sleep: waits } = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if let Some(waits) = waits {
                waits.as_mut().reset(Instant::now() + *stall);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let waits = waits.get_or_insert_with(|| Box::pin(sleep(*stall)));
        waits.as_mut().poll(context).map(|()| Some(Err(axum::Error::new("the body stays away"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
