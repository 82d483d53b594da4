//! `crieur silence`: holds everything at once, and lets it go again.

use super::{Context, Fail, person, print, print_json, say, zone};
use crate::acts;
use crate::shapes;
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

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    let now = context.clock.now();
    match options.action {
        Some(Action::On { reason, person: given }) => {
            let by = person(&config, given)?;
            let store = Store::open(&config.store).await?;
            let is_new = acts::silence(&store, &reason, &by, now).await?;
            let Some(silence) = store.silence().await? else {
                return Err(Fail::Failed("another person ended the silence at this very moment".to_owned()));
            };
            store.close().await;
            let words = silence.in_words(&zone(&config));
            say(&if is_new { words } else { format!("nothing changed, everything is held already: {words}") });
        }
        Some(Action::Off { person: given }) => {
            let by = person(&config, given)?;
            let store = Store::open(&config.store).await?;
            let is_ended = store.silence_off(&by, now).await?;
            store.close().await;
            say(if is_ended { "silence is over: what is due goes out" } else { "nothing was held" });
        }
        Some(Action::Status) | None => {
            let silence = match Store::open_to_read(&config.store).await? {
                Some(store) => store.silence().await?,
                None => None,
            };
            if options.json {
                return print_json(&shapes::Silent::from(silence));
            }
            print(&silence.map_or("nothing is held".to_owned(), |silence| silence.in_words(&zone(&config))))?;
        }
    }
    Ok(())
}
