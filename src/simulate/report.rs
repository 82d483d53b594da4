//! What a simulation tells: what would have gone out, and why not for the rest.

use super::Simulation;
use crate::article::ArticleId;
use crate::catalog::Decided;
use crate::config::EndpointName;
use crate::delivery::State;
use crate::plan::{self, Line};
use crate::problem::Problem;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeSet, HashMap};

/// What would have come of a history.
#[derive(Debug)]
pub struct Report {
    /// How many commits were taken.
    pub commits: usize,
    /// How many articles there ever were.
    pub articles: usize,
    /// Times of the first commit and of the end of the simulation.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How many commits bore a time before that of the one before them.
    pub clamped: usize,
    /// The zone of the site.
    pub zone: TimeZone,
    /// What went out or would have, in the order of time.
    pub posts: Vec<Post>,
    /// Articles of which nothing went out, in the order of their paths.
    pub silent: Vec<Silent>,
    /// What a person should see of the site's settings, and of the names of its files.
    pub problems: Vec<Problem>,
}

/// A delivery, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// When it came into its state; as long as it waits, when it is due.
    pub at: Timestamp,
    /// The commit that stood when that was decided.
    pub commit: String,
    /// The article.
    pub article: ArticleId,
    /// Its path then.
    pub path: String,
    /// The path at which it was first seen.
    pub first_path: String,
    /// Its title then.
    pub title: String,
    /// Where it went.
    pub endpoint: EndpointName,
    /// By which rule.
    pub rule: String,
    /// [`State::Published`] if it went out.
    pub state: State,
    /// Why it is in this state, if it did not go out.
    pub reason: Option<String>,
}

/// An article of which nothing went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The article.
    pub article: ArticleId,
    /// Its last path.
    pub path: String,
    /// The path at which it was first seen.
    pub first_path: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// Why.
    pub reason: String,
}

/// What a simulation that has ended tells.
pub fn report(simulation: Simulation) -> Report {
    let first_path = |id: &ArticleId| simulation.first_paths.get(id).map_or("", |path| path).to_owned();
    let mut posts: Vec<Post> = simulation
        .outbox
        .rows()
        .iter()
        .map(|row| Post {
            at: row.at,
            commit: row.commit.to_string(),
            article: row.delivery.key.article,
            path: row.path.clone(),
            first_path: first_path(&row.delivery.key.article),
            title: row.title.clone(),
            endpoint: row.delivery.key.endpoint.clone(),
            rule: row.delivery.key.rule.clone(),
            state: row.delivery.state,
            reason: row.delivery.reason.clone(),
        })
        .collect();
    posts.sort_by_key(|post| post.at);
    let posted: BTreeSet<ArticleId> = posts.iter().map(|post| post.article).collect();
    let lines = lines(&simulation);
    let standing = simulation.catalog.all().map(|standing| {
        let line = lines.get(&standing.id).map(|line| line.reason.clone());
        let reason = line.unwrap_or_else(|| "no rule fits it".to_owned());
        (standing.id, standing.article.path.to_string(), standing.past.first_seen, reason)
    });
    let gone = simulation.catalog.all_gone().map(|gone| {
        let reason = match gone.past.decided {
            Some(Decided::Announced) => "no rule fitted it when it was published",
            Some(Decided::Redated) => "it was no news, and its date was set anew with those of many others at once",
            Some(Decided::Stale) => "its date lay too far back when it appeared",
            Some(Decided::Baseline) | None => "its file was gone before it had settled",
        };
        (gone.id, gone.path.clone(), gone.past.first_seen, reason.to_owned())
    });
    let mut silent: Vec<Silent> = standing
        .chain(gone)
        .filter(|(id, ..)| !posted.contains(id))
        .map(|(article, path, first_seen, reason)| {
            let first_path = first_path(&article);
            Silent { article, path, first_path, first_seen, reason }
        })
        .collect();
    silent.sort_by(|a, b| a.path.cmp(&b.path).then(a.article.cmp(&b.article)));
    Report {
        commits: simulation.commits,
        articles: simulation.first_paths.len(),
        span: simulation.began.map(|began| (began, simulation.now)),
        clamped: simulation.clamped,
        zone: simulation.site.as_ref().map_or(TimeZone::UTC, |site| site.timezone.clone()),
        posts,
        silent,
        problems: simulation.problems.into_iter().chain(simulation.nameless.into_values()).collect(),
    }
}

/// What the plan says at the end of each article.
fn lines(simulation: &Simulation) -> HashMap<ArticleId, Line> {
    let Some(site) = &simulation.site else { return HashMap::new() };
    let outbox = simulation.outbox.rows().iter().map(|row| row.delivery.clone()).collect::<Vec<_>>();
    let plan = plan::plan(&simulation.inputs(site, &outbox, true));
    plan.lines.into_iter().map(|line| (line.article, line)).collect()
}
