//! `crieur feeds`: the feeds there are.

use super::{Context, Fail, print, print_json};
use crate::shapes;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let feeds = snapshot.feeds.feeds.iter().map(|feed| shapes::Feed::new(feed, &config.feeds.formats));
    let feeds: Vec<_> = feeds.collect();
    if options.json {
        return print_json(&feeds);
    }
    for feed in feeds {
        print(&feed.line())?;
    }
    Ok(())
}
