//! A post as it would be sent now, for who decides on it.

use crate::acts::{self, Look};
use crate::cli::{Context, Fail, civil, pass_failed, print, say};
use crate::config::Config;
use crate::deliver::Deliverer;
use crate::delivery::Delivery;
use crate::reconcile::{Reconciler, Snapshot};
use crate::store::Store;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// What would be sent of a delivery, and the site that it is made of.
pub struct Sight {
    pub look: Look,
    pub snapshot: Snapshot,
}

/// Looks at what would be sent of a delivery now. Its images are kept, as they are before they are sent.
///
/// Errors: why that cannot be said.
pub async fn take(context: &Context, config: &Arc<Config>, delivery: &Delivery) -> Result<Sight, Fail> {
    let now = context.clock.now();
    let store = Store::open(&config.store).await?;
    crate::pull::prepare(&config.site).await?;
    let glance = Reconciler::new(Arc::clone(config)).glance(Some(&store), now).await;
    let snapshot = glance.map_err(pass_failed)?;
    let deliverer = Deliverer::new(Arc::clone(config), store.clone(), context.clock.clone());
    let look = acts::look(config, &store, &deliverer, &snapshot, delivery, now).await?;
    store.close().await;
    Ok(Sight { look, snapshot })
}

/// Why it cannot be said, in words.
pub fn why(fail: &Fail) -> &str {
    match fail {
        Fail::Failed(why) | Fail::Usage(why) => why,
        Fail::Said(_) => "the site cannot be read as it is",
    }
}

impl Sight {
    /// Shows it: all that readers get, and what is different from what one would expect.
    pub fn show(&self, delivery: &Delivery, zone: &TimeZone) -> Result<(), Fail> {
        let Look { post, due_at, without_image, no_slot, .. } = &self.look;
        print(&format!("\n{}", post.text))?;
        for part in &post.thread {
            print(&format!("\n---\n{part}"))?;
        }
        for image in &post.images {
            let alt = if image.alt.is_empty() { "without alternative text" } else { &image.alt };
            print(&format!("\nimage: {alt}"))?;
        }
        if let Some(card) = &post.card {
            print(&format!("\ncard: {} ({})", card.title, card.url))?;
        }
        if let Some(why) = without_image {
            say(&format!("without its image: {why}"));
        }
        if let Some(why) = no_slot {
            say(&format!("it cannot be approved: {why}"));
        }
        if *due_at != delivery.due_at {
            say(&format!("its slot cannot be used any more: approved now, it goes out at {}", civil(*due_at, zone)));
        }
        Ok(())
    }
}
