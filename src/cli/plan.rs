//! `crieur plan`: what would go where and when, and why not for the rest. Touches nothing.

use super::{Context, Fail, civil, instant, print, print_json, say, utc};
use crate::config::{Config, Endpoint, EndpointName};
use crate::plan::Line;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only what is due until then: a date, with or without a time (2026-12-31, "2026-12-31 18:00")
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    article: String,
    path: &'a str,
    endpoint: Option<&'a str>,
    rule: Option<&'a str>,
    due_at: Option<String>,
    state: &'a str,
    reason: &'a str,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let zone = snapshot.site.timezone.clone();
    let until = options.until.as_deref().map(|until| instant(until, &zone)).transpose()?;
    let mut lines: Vec<&Line> = snapshot
        .plan
        .lines
        .iter()
        .filter(|line| until.is_none_or(|until| line.due_at.is_some_and(|due| due <= until)))
        .collect();
    // What goes out comes first, in the order of its time; then what does not.
    lines.sort_by_key(|line| (line.due_at.is_none(), line.due_at, line.path.clone()));
    if options.json {
        let shown: Vec<Shown> = lines
            .iter()
            .map(|line| Shown {
                article: line.article.to_string(),
                path: &line.path,
                endpoint: line.endpoint.as_ref().map(|endpoint| endpoint.as_str()),
                rule: line.rule.as_deref(),
                due_at: line.due_at.map(utc),
                state: line.state,
                reason: &line.reason,
            })
            .collect();
        return print_json(&shown);
    }
    let costs = costs(&config, &lines);
    for line in lines {
        let when = line.due_at.map_or_else(|| "-".to_owned(), |at| civil(at, &zone));
        let to = match (&line.endpoint, &line.rule) {
            (Some(endpoint), Some(rule)) => format!(" -> {endpoint} ({rule})"),
            (None, Some(rule)) => format!(" ({rule})"),
            _ => String::new(),
        };
        print(&format!("{when:<26}  {:<9}  {}{to}: {}", line.state, line.path, line.reason))?;
    }
    costs.iter().for_each(|cost| say(cost));
    Ok(())
}

/// What the posts to come cost, a sentence for each endpoint that is paid for each post.
fn costs(config: &Config, lines: &[&Line]) -> Vec<String> {
    let paid = config.endpoints.iter().filter(|(_, endpoint)| endpoint.price > 0.0);
    let cost = |(name, endpoint): (&EndpointName, &Endpoint)| {
        let to_come = |line: &&&Line| line.endpoint.as_ref() == Some(name) && line.due_at.is_some();
        let posts = lines.iter().filter(to_come).count();
        let (price, all) = (endpoint.price, endpoint.price * posts as f64);
        (posts > 0).then(|| {
            format!(
                "{name}: what is to come costs {all:.2} ({posts} at {price:.2}); a try that is repeated costs again"
            )
        })
    };
    paid.filter_map(cost).collect()
}
