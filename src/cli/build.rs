//! `crieur build --out DIR`: all feeds as files, the same bytes as are served.

use super::{Context, Fail, say};
use crate::export::Folder;
use crate::exports;
use crate::text::counted;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let (snapshot, _) = context.glance(&config, context.clock.now()).await?;
    let snapshot = Arc::new(snapshot);
    let mut folder = Folder::new(options.out.clone(), config.feeds.export_compressed);
    let clock = context.clock.clone();
    let work = move || {
        let wanted = exports::wanted(&snapshot, &clock);
        let mut report = folder.export(&wanted);
        while report.left > 0 && report.troubles.is_empty() {
            report = report.then(folder.export(&wanted));
        }
        report
    };
    let report = tokio::task::spawn_blocking(work).await?;
    for trouble in &report.troubles {
        say(&format!("error: {}", trouble.sentence()));
    }
    say(&format!(
        "{} in {}: {} written, {} unchanged, {} removed",
        counted(report.there(), "file"),
        options.out.display(),
        report.changed,
        report.kept,
        report.removed
    ));
    if report.troubles.is_empty() { Ok(()) } else { Err(Fail::Said(1)) }
}
