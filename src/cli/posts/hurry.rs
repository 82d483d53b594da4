//! `crieur posts hurry`: one delivery goes before the others of its queue.

use crate::acts;
use crate::cli::{Context, Fail, civil, say};
use crate::config::Config;
use crate::people::By;
use crate::reconcile::Reconciler;
use crate::store::{PersonWord, Store};
use std::sync::Arc;

pub async fn run(context: &Context, config: Arc<Config>, id: i64, by: &By) -> Result<(), Fail> {
    let store = Store::open(&config.store).await?;
    let now = context.clock.now();
    let before = acts::find(&store, id).await?;
    let rule = config.rules.iter().find(|rule| rule.name == before.key.rule);
    if before.state.is_final() {
        return Err(Fail::Failed(format!("delivery {id} is {}: {}", before.stands(), acts::allowed(&before))));
    }
    if rule.is_none_or(|rule| rule.when.queue().is_none()) {
        let instead = format!("`crieur publish-now {}` sends what it can now", before.path);
        return Err(Fail::Failed(format!("delivery {id} is in no queue; {instead}")));
    }
    let done = acts::obey(&config, &store, id, &PersonWord::Hurry, by, now).await?;
    let was = if done.is_new { "" } else { "already " };
    // A pass deals the slots; if the site cannot be read at present, that of a daemon will.
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    match reconciler.book(&store, now).await {
        Ok(snapshot) => {
            let due = civil(acts::find(&store, id).await?.due_at, &snapshot.site.timezone);
            say(&format!("delivery {id} {was}goes before the others: {}, due {due}", done.delivery.state));
        }
        Err(error) => say(&format!("delivery {id} {was}goes first from the next pass on; this one failed: {error}")),
    }
    store.close().await;
    Ok(())
}
