//! `crieur posts approve`: one person's word on a held delivery. Where its rule asks for approval, the word is bound to
//! the post as it would be sent, which is shown.

use super::{allowed, unknown};
use crate::cli::{Context, Fail, pass_failed, person, print, say};
use crate::config::Config;
use crate::deliver::Deliverer;
use crate::delivery::{Delivery, State};
use crate::plan;
use crate::reconcile::Reconciler;
use crate::store::{Store, Word};
use std::sync::Arc;

pub async fn run(context: &Context, config: Arc<Config>, id: i64, given: Option<String>) -> Result<(), Fail> {
    let person = person(given)?;
    let now = context.clock.now();
    let store = Store::open(&config.store).await?;
    let Some(delivery) = store.delivery(id).await? else { return Err(Fail::Failed(unknown(id))) };
    let refused =
        |delivery: &Delivery| Fail::Failed(format!("delivery {id} is {}: {}", delivery.state, allowed(delivery)));
    if delivery.state != State::Held {
        return Err(refused(&delivery));
    }
    let approval = config.rules.iter().find(|rule| rule.name == delivery.key.rule).and_then(|rule| rule.approval);
    let seen = match approval {
        None => None,
        Some(approval) => {
            crate::pull::prepare(&config.site).await?;
            let glance = Reconciler::new(Arc::clone(&config)).glance(Some(&store), now).await;
            let snapshot = glance.map_err(pass_failed)?;
            let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), context.clock.clone());
            let own = store.own_word(id).await?;
            let composed = deliverer.composed(&delivery, &own, &snapshot).await;
            let (post, article) = composed.map_err(Fail::Failed)?;
            let print = plan::print(&post, &delivery.key.endpoint, delivery.due_at);
            let approvals = store.approvals(id).await?;
            let counted = plan::people(&approvals, &print, approval, now);
            if let Some(reason) = plan::refused(&person, article.author.as_deref(), &counted) {
                return Err(Fail::Failed(format!("delivery {id} stays held: {reason}")));
            }
            Some((post, print, approval))
        }
    };
    let word =
        Word { person: &person, seen: seen.as_ref().map(|(post, print, approval)| (post, print.as_str(), *approval)) };
    let reason = store.approve(id, &word, now).await?;
    let after = store.delivery(id).await?.unwrap_or(delivery);
    let Some(reason) = reason else { return Err(refused(&after)) };
    store.close().await;
    if let Some((post, ..)) = &seen {
        print(&post.text)?;
    }
    say(&format!("delivery {id}: held -> {}, {reason}", after.state));
    Ok(())
}
