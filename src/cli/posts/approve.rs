//! `crieur posts approve`: one person's word on a held delivery. Where its rule asks for approval, the word is bound to
//! the post as it would be sent, which is shown.

use super::sight;
use crate::acts;
use crate::cli::{Context, Fail, civil, say, zone};
use crate::config::Config;
use crate::delivery::State;
use crate::people::By;
use crate::store::Store;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

/// `of` is the print of the post that the person saw, or its beginning.
pub async fn run(context: &Context, config: Arc<Config>, id: i64, by: &By, of: Option<&str>) -> Result<(), Fail> {
    let no_print = |why| Fail::Usage(format!("--of: {why}, as `crieur posts show {id}` tells it"));
    let of = of.map(acts::read_print).transpose().map_err(no_print)?;
    let of = of.as_deref();
    let store = Store::open(&config.store).await?;
    let delivery = acts::find(&store, id).await?;
    let zone = zone(&config);
    let mut sight = None;
    if acts::awaits(&store, &delivery).await? {
        match sight::take(context, &config, &delivery).await {
            Ok(seen) => {
                seen.show(&delivery, &zone)?;
                sight = Some(seen);
            }
            Err(fail) if of.is_some() || acts::approval_of(&config, &delivery).is_some() => return Err(fail),
            // What a person holds, or what lost its rule, goes on by a word that is bound to nothing.
            Err(fail) => say(&format!("what would be sent cannot be shown: {}", sight::why(&fail))),
        }
        if of.is_none() && !is_confirmed(id, &by.person).await? {
            return Err(Fail::Failed(format!("nothing is approved: delivery {id} is as it was")));
        }
    }
    let (look, snapshot) = (sight.as_ref().map(|sight| &sight.look), sight.as_ref().map(|sight| &sight.snapshot));
    let done = acts::approve(&config, &store, look, snapshot, id, by, of, context.clock.now()).await?;
    let is_wanted_still = !done.is_new && acts::awaits(&store, &done.delivery).await?;
    store.close().await;
    let state = done.delivery.state;
    let reason = done.delivery.reason.as_deref().unwrap_or_default();
    if !done.is_new {
        let already = format!("{} approved delivery {id} already, and it is {}", by.person, done.delivery.stands());
        if is_wanted_still {
            return Err(Fail::Failed(format!("{already}; another person is wanted")));
        }
        say(&format!("nothing changed: {already}"));
        return Ok(());
    }
    let of = look.map(|look| format!(" (print {})", look.short_print())).unwrap_or_default();
    match state {
        State::Published => say(&format!("delivery {id}: its edit is {reason}{of}")),
        state => {
            let due = civil(done.delivery.due_at, &zone);
            say(&format!("delivery {id}: held -> {state}, {reason}, due {due}{of}"));
        }
    }
    Ok(())
}

/// Whether the person at the terminal wants it. Where there is none, the command is their word.
async fn is_confirmed(id: i64, person: &str) -> Result<bool, Fail> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(true);
    }
    let mut terminal = std::io::stderr();
    write!(terminal, "\nApprove delivery {id} like this, as {person}? [y/N] ")?;
    terminal.flush()?;
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    Ok(matches!(read.await??.trim().to_lowercase().as_str(), "y" | "yes" | "o" | "oui"))
}
