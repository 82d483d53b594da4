//! A delivery in a list.

use crate::delivery::{Delivery, Removal};
use crate::http::pages::Visit;
use crate::http::pages::tongue::{Moment, Quote};
use serde::Serialize;

#[derive(Serialize)]
pub struct Row {
    pub id: i64,
    /// The title of its article; its path, where the article is gone.
    pub title: Quote,
    pub endpoint: String,
    pub network: String,
    pub rule: String,
    pub state: &'static str,
    /// Where it stands, in a word: the state, or what becomes of a published post that is withdrawn.
    pub stands: &'static str,
    /// What is decided of withdrawing it.
    pub removal: Option<&'static str>,
    pub due: Moment,
    pub reason: Option<String>,
    /// Where the post is.
    pub url: Option<String>,
}

impl Row {
    pub fn new(delivery: &Delivery, visit: &Visit) -> Self {
        Self {
            id: delivery.id,
            title: title(delivery, visit),
            endpoint: delivery.key.endpoint.to_string(),
            network: delivery.network.clone(),
            rule: delivery.key.rule.clone(),
            state: delivery.state.word(),
            stands: delivery.stands(),
            removal: delivery.removal.map(Removal::word),
            due: visit.instant(delivery.due_at),
            reason: delivery.reason.clone(),
            url: delivery.remote_url.as_deref().and_then(|url| link(url, visit)),
        }
    }
}

fn title(delivery: &Delivery, visit: &Visit) -> Quote {
    let catalog = visit.snapshot.catalog();
    match catalog.get(&delivery.key.article) {
        Some(standing) if !standing.article.title.is_empty() => {
            visit.quote(&standing.article.title, standing.article.language.as_deref())
        }
        _ => Quote { text: delivery.path.clone(), language: None },
    }
}

/// An address as a link may have it: of the web, or of the timeline of this server. What a network answered is not
/// believed to be one.
pub fn link(url: &str, visit: &Visit) -> Option<String> {
    if url.starts_with("/timeline") {
        return Some(visit.under(url));
    }
    let is_web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    is_web.then(|| url.to_owned())
}
