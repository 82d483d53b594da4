//! `crieur simulate`: what would have gone out over a site's whole git history. Nothing is sent, nothing is written.

mod page;

use super::{Context, Fail, instant, print, print_json, say, utc};
use crate::config::Config;
use crate::simulate::{Commit, Report, Simulation};
use crate::source::SourceError;
use crate::source::git::history::History;
use crate::text::counted;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// A clone of the site's repository, with its history
    #[arg(long, value_name = "DIR")]
    git: PathBuf,
    /// The branch whose history counts; by default what is checked out
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Folder of the site in the repository; by default that of site.git.subfolder
    #[arg(long, value_name = "FOLDER")]
    subdir: Option<String>,
    /// Tell only of what comes from then on; what was before still counts (2026-01-01, "2026-01-01 18:00")
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Stop then: later commits are not taken
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

/// How many changes are read ahead.
const AHEAD: usize = 4_000;

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let zone = config.site.timezone.clone().unwrap_or(TimeZone::UTC);
    let moment = |text: &Option<String>| text.as_deref().map(|text| instant(text, &zone)).transpose();
    let (from, until) = (moment(&options.from)?, moment(&options.until)?);
    let json = options.json;
    let simulated = tokio::task::spawn_blocking(move || simulated(&config, &options, until)).await?;
    let mut report = simulated?;
    if let Some(from) = from {
        report.posts.retain(|post| post.at >= from);
        report.silent.retain(|silent| silent.first_seen >= from);
    }
    for problem in &report.problems {
        say(&problem.to_string());
    }
    if report.clamped > 0 {
        let commits = counted(report.clamped, "commit");
        say(&format!("note: {commits} with a time before that of the one before, or with none; its time was taken"));
    }
    if json { print_json(&Shown::of(&report)) } else { print(page::page(&report).trim_end()) }
}

fn simulated(config: &Config, options: &Options, until: Option<Timestamp>) -> Result<Report, Fail> {
    let own = config.site.git.as_ref();
    let subfolder = options.subdir.as_deref().or(own.map(|git| git.subfolder.as_str())).unwrap_or("");
    let branch = options.branch.as_deref();
    let history = History::open(&options.git, branch, subfolder).map_err(|error| Fail::Usage(error.to_string()))?;
    let bytes = history.bytes()?;
    let mut simulation = Simulation::new(config, &bytes);
    let is_in_time = |commit: &Result<Commit, SourceError>| match commit {
        Ok(commit) => until.is_none_or(|until| commit.at <= until),
        Err(_) => true,
    };
    let mut commits = history.commits()?.filter(is_in_time).peekable();
    while commits.peek().is_some() {
        let (mut some, mut changes) = (Vec::new(), 0);
        while changes < AHEAD && some.len() < AHEAD {
            let Some(commit) = commits.next().transpose()? else { break };
            changes += commit.changes.len();
            some.push(commit);
        }
        simulation.foresee(&some).map_err(Fail::Failed)?;
        for commit in &some {
            simulation.take(commit).map_err(Fail::Failed)?;
        }
    }
    simulation.finish(until).map_err(|problems| {
        problems.iter().for_each(|problem| say(&problem.to_string()));
        Fail::Said(2)
    })
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    commits: usize,
    articles: usize,
    posts: Vec<ShownPost<'a>>,
    silent: Vec<ShownSilent<'a>>,
}

#[derive(serde::Serialize)]
struct ShownPost<'a> {
    at: String,
    commit: &'a str,
    article: String,
    path: &'a str,
    first_path: &'a str,
    title: &'a str,
    endpoint: &'a str,
    rule: &'a str,
    state: &'a str,
    reason: Option<&'a str>,
}

#[derive(serde::Serialize)]
struct ShownSilent<'a> {
    article: String,
    path: &'a str,
    first_path: &'a str,
    reason: &'a str,
}

impl<'a> Shown<'a> {
    fn of(report: &'a Report) -> Self {
        let posts = report.posts.iter().map(|post| ShownPost {
            at: utc(post.at),
            commit: &post.commit,
            article: post.article.to_string(),
            path: &post.path,
            first_path: &post.first_path,
            title: &post.title,
            endpoint: post.endpoint.as_str(),
            rule: &post.rule,
            state: post.state.word(),
            reason: post.reason.as_deref(),
        });
        let silent = report.silent.iter().map(|silent| ShownSilent {
            article: silent.article.to_string(),
            path: &silent.path,
            first_path: &silent.first_path,
            reason: &silent.reason,
        });
        Self { commits: report.commits, articles: report.articles, posts: posts.collect(), silent: silent.collect() }
    }
}
