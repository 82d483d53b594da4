//! `crieur posts approve`: one person's word on a held delivery. Where its rule asks for approval, the word is bound to
//! the post as it would be sent, which is shown.

use crate::acts;
use crate::cli::{Context, Fail, pass_failed, print, say};
use crate::config::Config;
use crate::deliver::Deliverer;
use crate::delivery::State;
use crate::people::By;
use crate::reconcile::Reconciler;
use crate::store::Store;
use std::sync::Arc;

pub async fn run(context: &Context, config: Arc<Config>, id: i64, by: &By) -> Result<(), Fail> {
    let now = context.clock.now();
    let store = Store::open(&config.store).await?;
    let delivery = acts::find(&store, id).await?;
    let is_bound = acts::approval_of(&config, &delivery).is_some();
    let rule = config.rules.iter().find(|rule| rule.name == delivery.key.rule);
    let is_of_queue = rule.is_some_and(|rule| rule.when.queue().is_some());
    let (mut look, mut snapshot) = (None, None);
    if acts::awaits(&store, &delivery).await? && (is_bound || is_of_queue) {
        crate::pull::prepare(&config.site).await?;
        let glance = Reconciler::new(Arc::clone(&config)).glance(Some(&store), now).await;
        let seen = snapshot.insert(glance.map_err(pass_failed)?);
        if is_bound {
            let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), context.clock.clone());
            look = Some(acts::look(&config, &store, &deliverer, seen, &delivery, now).await?);
        }
    }
    let done = acts::approve(&config, &store, look.as_ref(), snapshot.as_ref(), id, by, None, now).await?;
    store.close().await;
    let state = done.delivery.state;
    let reason = done.delivery.reason.unwrap_or_default();
    if !done.is_new {
        let again = "another person is wanted";
        return Err(Fail::Failed(format!("{} approved delivery {id} already, and it is {state}; {again}", by.person)));
    }
    if let Some(look) = look {
        print(&look.post.text)?;
        if let Some(why) = &look.without_image {
            say(&format!("without its image: {why}"));
        }
    }
    match state {
        State::Published => say(&format!("delivery {id}: its edit is {reason}")),
        state => say(&format!("delivery {id}: held -> {state}, {reason}")),
    }
    Ok(())
}
