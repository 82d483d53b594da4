//! `crieur silence`: holds everything at once, and lets it go again.

use super::{Context, Fail, person, print, print_json, say, utc, zone};
use crate::store::Store;
use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send nothing from now on, to no endpoint
    On {
        /// Why: everyone who looks for a post reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who says so; by default the user of this machine
        #[arg(long = "as", value_name = "NAME")]
        person: Option<String>,
    },
    /// Send again what is due
    Off {
        /// Who says so; by default the user of this machine
        #[arg(long = "as", value_name = "NAME")]
        person: Option<String>,
    },
    /// Say whether everything is held (the default)
    Status,
}

#[derive(serde::Serialize)]
struct Shown {
    silent: bool,
    since: Option<String>,
    reason: Option<String>,
    by: Option<String>,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    let now = context.clock.now();
    match options.action {
        Some(Action::On { reason, person: given }) => {
            if reason.trim().is_empty() {
                return Err(Fail::Usage("--reason is empty; say why, for those who look for a post".to_owned()));
            }
            let store = Store::open(&config.store).await?;
            let is_new = store.silence_on(reason.trim(), Some(&person(given)?), now).await?;
            let Some(silence) = store.silence().await? else {
                return Err(Fail::Failed("another person ended the silence at this very moment".to_owned()));
            };
            store.close().await;
            let words = silence.in_words(&zone(&config));
            say(&if is_new { words } else { format!("nothing changed, everything is held already: {words}") });
        }
        Some(Action::Off { person: given }) => {
            let store = Store::open(&config.store).await?;
            let is_ended = store.silence_off(Some(&person(given)?), now).await?;
            store.close().await;
            say(if is_ended { "silence is over: what is due goes out" } else { "nothing was held" });
        }
        Some(Action::Status) | None => {
            let silence = match Store::open_to_read(&config.store).await? {
                Some(store) => store.silence().await?,
                None => None,
            };
            if options.json {
                return print_json(&Shown {
                    silent: silence.is_some(),
                    since: silence.as_ref().map(|silence| utc(silence.since)),
                    reason: silence.as_ref().map(|silence| silence.reason.clone()),
                    by: silence.and_then(|silence| silence.by),
                });
            }
            print(&silence.map_or("nothing is held".to_owned(), |silence| silence.in_words(&zone(&config))))?;
        }
    }
    Ok(())
}
