//! `crieur build --out DIR`: all feeds as files, the same bytes as are served.

use super::{Context, Fail, say};
use crate::export;
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
    let written = export::directory::write(&options.out, &snapshot.feeds)?;
    say(&format!(
        "{} files in {}: {} written, {} unchanged, {} removed",
        written.changed + written.kept,
        options.out.display(),
        written.changed,
        written.kept,
        written.removed
    ));
    Ok(())
}
