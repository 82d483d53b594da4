//! `crieur backfill`: posts what counts as announced and never was, so many a day.

use super::{Context, Fail, civil, instant, pass_failed, print, print_json, say, utc};
use crate::config::EndpointName;
use crate::plan::{self, Backfill, Inputs, Planned};
use crate::reconcile::Reconciler;
use crate::store::Store;
use crate::text::counted;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only show what would be booked
    #[arg(long)]
    plan: bool,
    /// Most posts a day, of each rule to each endpoint
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    per_day: u16,
    /// Only by this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Only articles dated from then on: a date, with or without a time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    article: String,
    path: &'a str,
    endpoint: &'a str,
    rule: &'a str,
    due_at: String,
    state: &'a str,
    reason: Option<&'a str>,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let now = context.clock.now();
    if let Some(name) = options.rule.as_ref().filter(|name| !config.rules.iter().any(|rule| rule.name == **name)) {
        return Err(Fail::Usage(format!("there is no rule `{name}` in the configuration")));
    }
    let (snapshot, store) = if options.plan {
        context.glance(&config, now).await?
    } else {
        crate::pull::prepare(&config.site).await?;
        let store = Store::open(&config.store).await?;
        // As a pass does: at a first start, it is this that makes the past the past.
        let snapshot = Reconciler::new(Arc::clone(&config)).book(&store, now).await.map_err(pass_failed)?;
        (snapshot, Some(store))
    };
    let zone = snapshot.site.timezone.clone();
    let since = options.since.as_deref().map(|since| instant(since, &zone)).transpose()?;
    let outbox = match &store {
        Some(store) => store.deliveries().await?,
        None => Vec::new(),
    };
    let sent = match &store {
        Some(store) => store.sent_lately(&config.endpoints, now).await?,
        None => plan::nothing_sent(&config.endpoints),
    };
    let Backfill { planned, without_room } = {
        let catalog = snapshot.catalog();
        let inputs = Inputs::new(&config, &snapshot.site, &catalog, &outbox, now);
        let inputs = Inputs { sent: Some(&sent), ..inputs };
        let wanted = plan::Wanted { rule: options.rule.as_deref(), since, per_day: options.per_day };
        plan::backfill(&inputs, &wanted)
    };
    if let Some(store) = store.filter(|_| !options.plan) {
        let mut pass = store.pass().await?;
        pass.book_all(&planned, now).await?;
        pass.commit().await?;
        store.close().await;
    }
    show(&planned, options.json, &zone)?;
    let planned_for: BTreeSet<&EndpointName> = planned.iter().map(|planned| &planned.key.endpoint).collect();
    for name in planned_for {
        if let Some(most) = config.endpoints.get(name).and_then(|endpoint| endpoint.rate.per_day) {
            let most = counted(usize::try_from(most).unwrap_or(usize::MAX), "post");
            say(&format!(
                "{name} takes at most {most} in 24 hours (endpoints.{name}.per_day): what is planned keeps to that"
            ));
        }
    }
    if without_room > 0 {
        say(&format!(
            "{} of the past would have no moment within ten years: `gap`, `per_day`, `quiet_hours`, `blackouts` and the rule's slots leave no room",
            counted(without_room, "post")
        ));
    }
    let verb = match (options.plan, planned.len()) {
        (true, _) => "would be booked",
        (false, 1) => "is booked",
        (false, _) => "are booked",
    };
    let posts = counted(planned.len(), "post");
    say(&format!("{posts} of the past {verb}; `crieur posts cancel ID` calls one off"));
    Ok(())
}

fn show(planned: &[Planned], json: bool, zone: &TimeZone) -> Result<(), Fail> {
    if json {
        let shown: Vec<Shown> = planned
            .iter()
            .map(|planned| Shown {
                article: planned.key.article.to_string(),
                path: &planned.path,
                endpoint: planned.key.endpoint.as_str(),
                rule: &planned.key.rule,
                due_at: utc(planned.due_at),
                state: planned.state.word(),
                reason: planned.reason.as_deref(),
            })
            .collect();
        return print_json(&shown);
    }
    for planned in planned {
        let (at, key) = (civil(planned.due_at, zone), &planned.key);
        let reason = planned.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        print(&format!(
            "{at}  {:<8}  {} -> {} ({}){reason}",
            planned.state.word(),
            planned.path,
            key.endpoint,
            key.rule
        ))?;
    }
    Ok(())
}
