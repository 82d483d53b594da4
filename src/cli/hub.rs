//! `crieur hub`: who subscribed to which feed, and what hubs elsewhere were told.

use super::{Context, Fail, print, print_json, utc};
use crate::hub::{Mode, State};
use crate::store::{Ping, Store};
use std::collections::BTreeMap;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown {
    subscriptions: Vec<Subscribed>,
    hubs: Vec<Told>,
}

#[derive(serde::Serialize)]
struct Subscribed {
    topic: String,
    /// The callback's host: the rest of its address may hold a secret.
    callback: String,
    state: &'static str,
    since: String,
    until: Option<String>,
    is_signed: bool,
    /// What is asked for and not verified yet.
    asked: Option<&'static str>,
    told_at: Option<String>,
    tries: u32,
    retry_at: Option<String>,
    error: Option<String>,
    reason: Option<String>,
}

#[derive(serde::Serialize)]
struct Told {
    hub: String,
    topics: usize,
    told_at: Option<String>,
    /// Topics of whose last change it could not be told.
    failing: usize,
    error: Option<String>,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    let shown = match Store::open_to_read(&config.store).await? {
        Some(store) => {
            let now = context.clock.now();
            let subscriptions = store.subscriptions(false, now).await?.into_iter().map(|found| {
                let one = found.subscription;
                Subscribed {
                    topic: one.topic,
                    callback: one.host,
                    state: one.state.word(),
                    since: utc(one.since),
                    until: match one.state {
                        State::Active { until } => Some(utc(until)),
                        _ => None,
                    },
                    is_signed: one.secret.is_some(),
                    asked: one.asked.map(|asked| Mode::word(asked.mode)),
                    told_at: one.owed.told_at.map(utc),
                    tries: one.owed.tries,
                    retry_at: one.owed.retry_at.map(utc),
                    error: one.owed.error,
                    reason: one.reason,
                }
            });
            Shown { subscriptions: subscriptions.collect(), hubs: told(store.pings(None, now).await?) }
        }
        None => Shown { subscriptions: Vec::new(), hubs: Vec::new() },
    };
    if options.json {
        return print_json(&shown);
    }
    for one in shown.subscriptions {
        let parts = [
            one.until.map(|until| format!("until {until}")),
            one.told_at.map(|at| format!("told {at}")),
            one.asked.map(|asked| format!("{asked} is being verified")),
            one.retry_at.map(|at| format!("tried again {at}")),
            one.error,
            one.reason,
        ];
        let rest: Vec<String> = parts.into_iter().flatten().collect();
        print(&format!("{:<12} {:<32} {}  {}", one.state, one.callback, one.topic, rest.join("; ")))?;
    }
    for hub in shown.hubs {
        let told = hub.told_at.map_or_else(|| "nothing to tell yet".to_owned(), |at| format!("told last {at}"));
        let failing = match hub.error {
            Some(error) => format!("; not told of {}: {error}", hub.failing),
            None => String::new(),
        };
        print(&format!("hub {}: {} topics, {told}{failing}", hub.hub, hub.topics))?;
    }
    Ok(())
}

fn told(pings: Vec<Ping>) -> Vec<Told> {
    let mut hubs: BTreeMap<String, Vec<Ping>> = BTreeMap::new();
    for ping in pings {
        hubs.entry(ping.hub.clone()).or_default().push(ping);
    }
    let one = |(hub, pings): (String, Vec<Ping>)| {
        let failing: Vec<&Ping> = pings.iter().filter(|ping| ping.owed.is_struggling()).collect();
        Told {
            hub,
            topics: pings.len(),
            told_at: pings.iter().filter_map(|ping| ping.owed.told_at).max().map(utc),
            failing: failing.len(),
            error: failing.iter().find_map(|ping| ping.owed.error.clone()),
        }
    };
    hubs.into_iter().map(one).collect()
}
