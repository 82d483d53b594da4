//! `crieur feeds`: the feeds there are.

use super::{Context, Fail, print, print_json, utc};
use crate::feed::Kind;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown {
    path: String,
    kind: &'static str,
    term: Option<String>,
    title: String,
    formats: Vec<&'static str>,
    entries: usize,
    updated: String,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let shown: Vec<Shown> = snapshot
        .feeds
        .feeds
        .iter()
        .map(|feed| Shown {
            path: feed.path(),
            kind: feed.kind.word(),
            term: match feed.kind {
                Kind::All | Kind::Events => None,
                Kind::Collection => Some(feed.term.clone()),
                Kind::Category | Kind::Tag | Kind::Author | Kind::Language => Some(feed.label.clone()),
            },
            title: feed.title.clone(),
            formats: config.feeds.formats.iter().map(|format| format.extension()).collect(),
            entries: feed.entries,
            updated: utc(feed.updated),
        })
        .collect();
    if options.json {
        return print_json(&shown);
    }
    for feed in shown {
        print(&format!("{:<48} {:>4} entries  .{}  {}", feed.path, feed.entries, feed.formats.join(" ."), feed.title))?;
    }
    Ok(())
}
