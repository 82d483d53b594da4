//! JSON shapes of what is told: the same from a command (`--json`) and from the API. They are stable: fields are added,
//! and none is taken away or given another meaning. Times are RFC 3339 in UTC.

use crate::config::{Endpoint as Account, EndpointName, Format};
use crate::delivery::{Delivery, Health, Removal};
use crate::feed::{self, Kind};
use crate::plan::{Approved, Entry, Line, Progress, Silence};
use crate::span;
use jiff::Timestamp;
use serde::Serialize;

/// An instant: RFC 3339 in UTC, whole seconds where it has them.
pub fn utc(at: Timestamp) -> String {
    at.to_string()
}

/// A delivery.
#[derive(Debug, Serialize)]
pub struct Post {
    id: i64,
    article: String,
    path: String,
    endpoint: String,
    network: String,
    rule: String,
    state: &'static str,
    due_at: String,
    text: Option<String>,
    attempts: u32,
    remote_id: Option<String>,
    remote_url: Option<String>,
    reason: Option<String>,
    /// What is decided of withdrawing the post: due, held, done, failed.
    removal: Option<&'static str>,
}

impl From<Delivery> for Post {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            article: delivery.key.article.to_string(),
            path: delivery.path,
            endpoint: delivery.key.endpoint.to_string(),
            network: delivery.network,
            rule: delivery.key.rule,
            state: delivery.state.word(),
            due_at: utc(delivery.due_at),
            text: delivery.text,
            attempts: delivery.attempts,
            remote_id: delivery.remote_id,
            remote_url: delivery.remote_url,
            reason: delivery.reason,
            removal: delivery.removal.map(Removal::word),
        }
    }
}

/// An approval of a post.
#[derive(Debug, Serialize)]
pub struct Approval {
    person: String,
    at: String,
    /// Why it counts no more.
    void: Option<String>,
}

impl From<&Approved> for Approval {
    fn from(approved: &Approved) -> Self {
        Self {
            person: approved.person.clone(),
            at: utc(approved.given_at),
            void: approved.voided.as_ref().map(|(_, why)| why.clone()),
        }
    }
}

/// An endpoint.
#[derive(Debug, Serialize)]
pub struct Endpoint {
    name: String,
    network: &'static str,
    gap: String,
    /// Most posts within any 24 hours.
    per_day: Option<u32>,
    allow_private: bool,
    /// When a person has to get a new credential; null if it does not end, or nobody knows.
    expires_at: Option<String>,
    /// Why nothing goes out to it until a person does something.
    paused: Option<String>,
    /// Until when it is left alone, since it did not answer or asked for patience.
    closed_until: Option<String>,
}

impl Endpoint {
    /// An endpoint as it is.
    pub fn new(
        name: &EndpointName,
        account: &Account,
        health: &Health,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let is_paused = health.is_paused(&account.print);
        let paused = health.paused.as_ref().filter(|_| is_paused);
        Self {
            name: name.to_string(),
            network: account.network.word(),
            gap: span::show(account.rate.gap),
            per_day: account.rate.per_day,
            allow_private: account.allow_private,
            expires_at: expires.map(utc),
            paused: paused.map(|paused| paused.reason.clone()),
            closed_until: health.closed(now).filter(|_| !is_paused).map(utc),
        }
    }

    /// For a person: a line or two.
    pub fn lines(&self) -> String {
        let until = self.expires_at.as_deref().map_or_else(String::new, |end| format!("  credential until {end}"));
        let per_day = self.per_day.map_or_else(String::new, |most| format!("  at most {most} in 24 hours"));
        let mut lines = format!("{:<24} {:<10} gap {}{per_day}{until}", self.name, self.network, self.gap);
        if let Some(reason) = &self.paused {
            lines.push_str(&format!("\n    paused: {reason}"));
        }
        if let Some(until) = &self.closed_until {
            lines.push_str(&format!("\n    left alone until {until}"));
        }
        lines
    }
}

/// Whether everything is held.
#[derive(Debug, Serialize)]
pub struct Silent {
    silent: bool,
    since: Option<String>,
    reason: Option<String>,
    by: Option<String>,
}

impl From<Option<Silence>> for Silent {
    fn from(silence: Option<Silence>) -> Self {
        Self {
            silent: silence.is_some(),
            since: silence.as_ref().map(|silence| utc(silence.since)),
            reason: silence.as_ref().map(|silence| silence.reason.clone()),
            by: silence.and_then(|silence| silence.by),
        }
    }
}

/// A feed.
#[derive(Debug, Serialize)]
pub struct Feed<'a> {
    path: String,
    kind: &'static str,
    term: Option<&'a str>,
    title: &'a str,
    formats: Vec<&'static str>,
    entries: usize,
    updated: String,
}

impl<'a> Feed<'a> {
    /// A feed in the formats of the configuration.
    pub fn new(feed: &'a feed::Feed, formats: &[Format]) -> Self {
        Self {
            path: feed.path(),
            kind: feed.kind.word(),
            term: match feed.kind {
                Kind::All | Kind::Events => None,
                Kind::Collection => Some(&feed.term),
                Kind::Category | Kind::Tag | Kind::Author | Kind::Language => Some(&feed.label),
            },
            title: &feed.title,
            formats: formats.iter().map(|format| format.extension()).collect(),
            entries: feed.entries,
            updated: utc(feed.updated),
        }
    }

    /// For a person: one line.
    pub fn line(&self) -> String {
        format!("{:<48} {:>4} entries  .{}  {}", self.path, self.entries, self.formats.join(" ."), self.title)
    }
}

/// What the plan says of one article and one endpoint.
#[derive(Debug, Serialize)]
pub struct Planned<'a> {
    article: String,
    path: &'a str,
    endpoint: Option<&'a str>,
    rule: Option<&'a str>,
    due_at: Option<String>,
    state: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a Line> for Planned<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            article: line.article.to_string(),
            path: &line.path,
            endpoint: line.endpoint.as_ref().map(|endpoint| endpoint.as_str()),
            rule: line.rule.as_deref(),
            due_at: line.due_at.map(utc),
            state: line.state,
            reason: &line.reason,
        }
    }
}

/// How far a campaign is at an endpoint.
#[derive(Debug, Serialize)]
pub struct Campaign<'a> {
    name: &'a str,
    endpoint: &'a str,
    articles: usize,
    posted: usize,
    next: Option<CampaignEntry<'a>>,
    entries: Vec<CampaignEntry<'a>>,
}

/// An article of a campaign.
#[derive(Debug, Serialize)]
pub struct CampaignEntry<'a> {
    article: Option<String>,
    path: &'a str,
    state: &'a str,
    due_at: Option<String>,
    reason: &'a str,
}

impl<'a> From<&'a Progress> for Campaign<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self {
            name: &progress.campaign,
            endpoint: progress.endpoint.as_str(),
            articles: progress.entries.len(),
            posted: progress.posted(),
            next: progress.next().map(CampaignEntry::from),
            entries: progress.entries.iter().map(CampaignEntry::from).collect(),
        }
    }
}

impl<'a> From<&'a Entry> for CampaignEntry<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            article: entry.article.map(|id| id.to_string()),
            path: &entry.path,
            state: entry.state,
            due_at: entry.due_at.map(utc),
            reason: &entry.reason,
        }
    }
}

/// What of a plan is due until an instant, or all of it: first what goes out, in the order of its time, then what does
/// not.
pub fn in_order(lines: &[Line], until: Option<Timestamp>) -> Vec<&Line> {
    let is_wanted = |line: &&Line| until.is_none_or(|until| line.due_at.is_some_and(|due| due <= until));
    let mut lines: Vec<&Line> = lines.iter().filter(is_wanted).collect();
    lines.sort_by_key(|line| (line.due_at.is_none(), line.due_at, line.path.clone()));
    lines
}

/// What came of a delivery that a person asked for.
#[derive(Debug, Serialize)]
pub struct Asked<'a> {
    id: i64,
    path: &'a str,
    endpoint: &'a str,
    state: &'a str,
    remote_id: Option<&'a str>,
    remote_url: Option<&'a str>,
    reason: Option<&'a str>,
    /// What is decided of withdrawing the post: due, held, done, failed.
    removal: Option<&'static str>,
}

impl<'a> From<&'a Delivery> for Asked<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: delivery.id,
            path: &delivery.path,
            endpoint: delivery.key.endpoint.as_str(),
            state: delivery.state.word(),
            remote_id: delivery.remote_id.as_deref(),
            remote_url: delivery.remote_url.as_deref(),
            reason: delivery.reason.as_deref(),
            removal: delivery.removal.map(Removal::word),
        }
    }
}
