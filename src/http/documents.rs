//! The documents of the last pass, ready to be sent: every field of an answer stands there as it goes out, so that a
//! request only counts references up. Nothing of it is made by a request but the compressed forms, each once.

use super::demands::Demands;
use super::metrics::{Books, Counts};
use crate::feed::conditional::{Coding, http_date};
use crate::feed::{Document, coding};
use crate::hub::links;
use crate::reconcile::Snapshot;
use crate::text::request_path;
use arc_swap::{ArcSwapOption, Guard};
use axum::body::Bytes;
use axum::http::HeaderValue;
use hashbrown::HashMap;
use jiff::Timestamp;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::{OnceCell, Semaphore};

/// Pages that are made at once.
const PAGE_MAKERS: usize = 4;

/// What is served: replaced as a whole after every pass.
#[derive(Debug, Clone)]
pub struct Documents(Arc<Served>);

#[derive(Debug)]
struct Served {
    shelf: ArcSwapOption<Shelf>,
    books: Arc<Books>,
    /// Few are compressed at once, so that those who are served at once stay so.
    packers: Arc<Semaphore>,
    demands: Demands,
    /// Few pages are made at once, for the same reason.
    page_makers: Arc<Semaphore>,
}

impl Default for Documents {
    fn default() -> Self {
        let packers = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        Self(Arc::new(Served {
            shelf: ArcSwapOption::empty(),
            books: Arc::default(),
            packers: Arc::new(Semaphore::new(packers)),
            demands: Demands::default(),
            page_makers: Arc::new(Semaphore::new(PAGE_MAKERS)),
        }))
    }
}

impl Documents {
    /// Serves a pass from now on. What did not change stays as it is. It takes its time where much changed.
    pub fn put(&self, snapshot: &Arc<Snapshot>, now: Timestamp) {
        let before = self.0.shelf.load_full();
        let shelf = Shelf::new(snapshot, before.as_deref(), &self.0.books);
        self.0.books.passed(snapshot, now);
        self.0.shelf.store(Some(Arc::new(shelf)));
    }

    /// What is served now; None before the first pass.
    pub(super) fn shelf(&self) -> Guard<Option<Arc<Shelf>>> {
        self.0.shelf.load()
    }

    /// Documents that somebody asks for.
    pub(super) fn demands(&self) -> &Demands {
        &self.0.demands
    }

    /// Those who make pages for people.
    pub(super) fn page_makers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.page_makers)
    }

    /// What is counted.
    pub(super) fn books(&self) -> &Arc<Books> {
        &self.0.books
    }

    /// The bytes of a document in a coding, made if they are not: None if it is sent as it is.
    pub(super) async fn pack(&self, ready: &Arc<Ready>, coding: Coding) -> Option<Bytes> {
        let make = async {
            let (body, packers) = (Arc::clone(&ready.document.body), Arc::clone(&self.0.packers));
            let permit = packers.acquire_owned().await.map_err(drop)?;
            let packed = tokio::task::spawn_blocking(move || {
                let packed = coding::packed(&body, coding);
                drop(permit);
                packed
            });
            packed.await.map(|packed| packed.map(Bytes::from)).map_err(drop)
        };
        ready.form(coding).bytes.get_or_try_init(|| make).await.ok()?.clone()
    }
}

/// The documents by path, old addresses too.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The pass that made them.
    pub snapshot: Arc<Snapshot>,
    by_path: HashMap<Box<str>, Arc<Ready>>,
}

impl Shelf {
    fn new(snapshot: &Arc<Snapshot>, before: Option<&Shelf>, books: &Arc<Books>) -> Self {
        let feeds = &snapshot.feeds;
        let mut by_path: HashMap<Box<str>, Arc<Ready>> =
            HashMap::with_capacity(feeds.documents.len() + feeds.aliases.len());
        for (path, document) in &feeds.documents {
            let same = before
                .and_then(|before| before.by_path.get(path.as_str()))
                .filter(|ready| Arc::ptr_eq(&ready.document, document) || *ready.document == **document);
            let ready = same.map_or_else(|| Arc::new(Ready::new(document, books.counts(path))), Arc::clone);
            by_path.insert(path.as_str().into(), ready);
        }
        for (from, to) in feeds.aliases.iter().filter(|(from, _)| !super::is_own(from)) {
            if let Some(ready) = by_path.get(to.as_str()).map(Arc::clone) {
                by_path.entry(from.as_str().into()).or_insert(ready);
            }
        }
        Self { snapshot: Arc::clone(snapshot), by_path }
    }

    /// The document at the path of a request. A path that is written in another way is the same only where RFC 3986 says
    /// so: an encoded letter is that letter, but an encoded slash parts nothing, and no slash or dot is left out.
    pub fn find(&self, path: &str) -> Option<&Arc<Ready>> {
        if !path.contains('%') {
            return self.by_path.get(path);
        }
        self.by_path.get(request_path(path)?.as_str())
    }
}

/// A document, ready to be sent.
#[derive(Debug)]
pub(super) struct Ready {
    /// The document.
    pub document: Arc<Document>,
    /// What was answered with it.
    pub counts: Arc<Counts>,
    /// `Last-Modified`.
    pub last_modified: Option<HeaderValue>,
    /// `Link`: the hubs, and its own address (W3C WebSub, section 4.1).
    pub link: Option<HeaderValue>,
    /// `Content-Type`.
    pub media_type: HeaderValue,
    forms: [Form; 3],
}

/// A document in one coding.
#[derive(Debug)]
pub(super) struct Form {
    /// `ETag`: another coding is another representation, with a strong validator of its own (RFC 9110, section 8.8.3.3).
    pub etag: HeaderValue,
    /// The bytes, once they are made; None if this coding makes them no smaller.
    bytes: OnceCell<Option<Bytes>>,
}

impl Form {
    /// The validator without its quotation marks.
    pub fn opaque(&self) -> &[u8] {
        let quoted = self.etag.as_bytes();
        quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(quoted)
    }

    /// The bytes: None if they are not made, else None if this coding makes them no smaller.
    pub fn made(&self) -> Option<&Option<Bytes>> {
        self.bytes.get()
    }
}

impl Ready {
    /// A document, and where it is counted.
    pub fn new(document: &Arc<Document>, counts: Arc<Counts>) -> Self {
        let form = |coding: Coding| {
            let etag = match coding.word() {
                Some(word) => format!("\"{}-{word}\"", document.etag),
                None => format!("\"{}\"", document.etag),
            };
            let bytes = match coding {
                Coding::Identity => OnceCell::new_with(Some(Some(Bytes::from_owner(Arc::clone(&document.body))))),
                Coding::Gzip | Coding::Brotli => OnceCell::new(),
            };
            // It is a hash in hexadecimal.
            Form { etag: HeaderValue::try_from(etag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")), bytes }
        };
        Self {
            counts,
            last_modified: HeaderValue::try_from(http_date(document.last_modified)).ok(),
            link: link(document),
            media_type: HeaderValue::from_static(document.media_type),
            forms: Coding::ALL.map(form),
            document: Arc::clone(document),
        }
    }

    /// It in a coding.
    pub fn form(&self, coding: Coding) -> &Form {
        let [identity, gzip, brotli] = &self.forms;
        match coding {
            Coding::Identity => identity,
            Coding::Gzip => gzip,
            Coding::Brotli => brotli,
        }
    }
}

/// The hubs of a document and its own address; None if it cannot be subscribed to.
fn link(document: &Document) -> Option<HeaderValue> {
    Some(links(document)).filter(|links| !links.is_empty()).and_then(|links| HeaderValue::try_from(links).ok())
}
