//! `crieur plan`: what would go where and when, and why not for the rest. Touches nothing.

use super::{Context, Fail, civil, instant, print, print_json, say};
use crate::config::{Config, Endpoint, EndpointName};
use crate::plan::Line;
use crate::shapes;
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

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let zone = snapshot.site.timezone.clone();
    let until = options.until.as_deref().map(|until| instant(until, &zone)).transpose()?;
    let lines = shapes::in_order(&snapshot.plan.lines, until);
    if options.json {
        return print_json(&lines.into_iter().map(shapes::Planned::from).collect::<Vec<_>>());
    }
    let costs = costs(&config, &lines);
    for line in lines {
        let when = line.due_at.map_or_else(|| "-".to_owned(), |at| civil(at, &zone));
        let to = match (&line.endpoint, &line.rule) {
            (Some(endpoint), Some(rule)) => format!(" -> {endpoint} ({rule})"),
            (None, Some(rule)) => format!(" ({rule})"),
            _ => String::new(),
        };
        print(&format!("{when:<26}  {:<11}  {}{to}: {}", line.stands, line.path, line.reason))?;
    }
    for progress in &snapshot.plan.campaigns {
        say(&format!("campaign {}", progress.in_words(&|at| civil(at, &zone))));
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
