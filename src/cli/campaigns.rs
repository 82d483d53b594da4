//! `crieur campaigns`: how far each campaign is. Touches nothing.

use super::{Context, Fail, civil, print, print_json};
use crate::shapes;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only the campaign of this name
    name: Option<String>,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let zone = snapshot.site.timezone.clone();
    let is_wanted = |name: &str| options.name.as_deref().is_none_or(|wanted| wanted == name);
    let campaigns: Vec<_> = snapshot.plan.campaigns.iter().filter(|one| is_wanted(&one.campaign)).collect();
    if let Some(name) = options.name.as_deref().filter(|_| campaigns.is_empty()) {
        return Err(Fail::Usage(format!("there is no campaign `{name}` in the configuration")));
    }
    if options.json {
        return print_json(&campaigns.into_iter().map(shapes::Campaign::from).collect::<Vec<_>>());
    }
    for progress in campaigns {
        print(&progress.in_words(&|at| civil(at, &zone)))?;
        for (at, entry) in progress.entries.iter().enumerate() {
            let when = entry.due_at.map_or_else(|| "-".to_owned(), |at| civil(at, &zone));
            print(&format!("{:>4}  {when:<26}  {:<9}  {}: {}", at + 1, entry.state, entry.path, entry.reason))?;
        }
    }
    Ok(())
}
