//! Documents that are made when somebody asks for them. They are kept while they are good, so that readers who come back
//! cost nothing; and only few are made at once, so that asking for many does not keep others waiting.

use super::documents::Ready;
use super::metrics::Counts;
use super::{moved, refusal, unknown};
use crate::feed::Document;
use crate::feed::demand::Demand;
use crate::reconcile::{Made, Snapshot};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Most documents that are kept.
const DOCUMENTS_MAX: usize = 512;
/// Most bytes that they may have together.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Documents that are made at once.
const MAKERS: usize = 2;
/// How long somebody waits for a maker.
const PATIENCE: Duration = Duration::from_secs(10);

/// The documents that somebody asked for, and those who make them.
#[derive(Debug)]
pub struct Demands {
    kept: Mutex<Kept>,
    makers: Arc<Semaphore>,
}

impl Default for Demands {
    fn default() -> Self {
        Self { kept: Mutex::default(), makers: Arc::new(Semaphore::new(MAKERS)) }
    }
}

#[derive(Debug, Default)]
struct Kept {
    by_path: HashMap<String, Good>,
    bytes: usize,
    asked: u64,
}

/// A document that is good as long as its demand has this print.
#[derive(Debug)]
struct Good {
    ready: Arc<Ready>,
    print: u64,
    /// When it was last asked for, in demands.
    asked: u64,
}

impl Demands {
    fn find(&self, path: &str, print: u64) -> Option<Arc<Ready>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        let asked = kept.asked;
        let good = kept.by_path.get_mut(path).filter(|good| good.print == print)?;
        good.asked = asked;
        Some(Arc::clone(&good.ready))
    }

    /// Keeps a document. The former one stays if it has the same bytes, with all that was made of them.
    fn keep(&self, new: Ready, print: u64) -> Arc<Ready> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let path = new.document.path.clone();
        let before = kept.by_path.remove(&path);
        kept.bytes -= before.as_ref().map_or(0, |good| good.ready.document.body.len());
        let same = |document: &Document| {
            document.etag == new.document.etag && document.last_modified == new.document.last_modified
        };
        let ready = match before {
            Some(good) if same(&good.ready.document) => good.ready,
            _ => Arc::new(new),
        };
        kept.bytes += ready.document.body.len();
        let good = Good { ready: Arc::clone(&ready), print, asked: kept.asked };
        kept.by_path.insert(path, good);
        while kept.by_path.len() > DOCUMENTS_MAX || (kept.bytes > BYTES_MAX && kept.by_path.len() > 1) {
            let oldest = kept.by_path.iter().min_by_key(|(_, good)| good.asked).map(|(path, _)| path.clone());
            let Some(dropped) = oldest.and_then(|path| kept.by_path.remove(&path)) else { break };
            kept.bytes -= dropped.ready.document.body.len();
        }
        ready
    }

    /// The document of a demand, made if it is not there or not good any more. The error is the answer without one.
    pub async fn document(
        &self,
        snapshot: &Arc<Snapshot>,
        demand: Demand,
        now: Timestamp,
        counts: Arc<Counts>,
    ) -> Result<Arc<Ready>, Box<Response>> {
        let (path, print) = (demand.path(), demand.print(&snapshot.feeds));
        if let Some(document) = self.find(&path, print) {
            return Ok(document);
        }
        let makers = Arc::clone(&self.makers);
        let Ok(Ok(permit)) = tokio::time::timeout(PATIENCE, makers.acquire_owned()).await else {
            let mut response =
                refusal(StatusCode::SERVICE_UNAVAILABLE, "too many feeds are being made; come back in a moment\n");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            return Err(Box::new(response));
        };
        // Somebody else may have asked for the same meanwhile.
        if let Some(document) = self.find(&path, print) {
            return Ok(document);
        }
        let of = Arc::clone(snapshot);
        let made = tokio::task::spawn_blocking(move || {
            let made = of.make(&demand, now);
            drop(permit);
            made
        });
        let ready = |document: Box<Document>| Ready::new(&Arc::new(*document), counts);
        match made.await {
            Ok(Made::Document(document, true)) => Ok(self.keep(ready(document), print)),
            Ok(Made::Document(document, false)) => Ok(Arc::new(ready(document))),
            // An archive that has another number now.
            Ok(Made::Moved(to)) => Err(Box::new(moved(StatusCode::TEMPORARY_REDIRECT, &snapshot.settings.under(&to)))),
            Ok(Made::Refused(fault)) => {
                tracing::error!("{path} would be no valid document, and is not served: {fault}");
                let why = "this feed cannot be made; the log says why\n";
                Err(Box::new(refusal(StatusCode::INTERNAL_SERVER_ERROR, why)))
            }
            Ok(Made::Nothing) => Err(Box::new(unknown(snapshot, &path, &HeaderMap::new()))),
            Err(error) => {
                tracing::error!("{path} cannot be made: {error}");
                let why = "this feed cannot be made; the log says why\n";
                Err(Box::new(refusal(StatusCode::INTERNAL_SERVER_ERROR, why)))
            }
        }
    }
}
