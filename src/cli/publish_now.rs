//! `crieur publish-now ARTICLE`: the same outbox row as the rules', made due now. It works beside a running daemon
//! and alone: whoever holds the lease sends, everyone waits and prints the same receipt.

use super::preview::{Asked, previews, show};
use super::{Context, Fail, civil, pass_failed, person, print, print_json, say};
use crate::acts::{self, Order};
use crate::config::EndpointName;
use crate::deliver::{Deliverer, Step};
use crate::delivery::{Delivery, State};
use crate::plan::Planned;
use crate::pull::Puller;
use crate::reconcile::Reconciler;
use crate::shapes;
use crate::store::Store;
use crate::task::Shutdown;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The article: its path, its slug or its address
    article: String,
    /// Only to this endpoint; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,
    /// Text of the post instead of the rule's, a template
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Whose word it is; by default the user of this machine
    #[arg(long = "as", value_name = "NAME")]
    person: Option<String>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Longest time to wait for the receipts
    #[arg(long, value_name = "TIME", default_value = "2m")]
    wait: String,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

/// How often the row is looked at while another process works on it.
const LOOK: SignedDuration = SignedDuration::from_millis(100);

/// How often the site is looked at while one waits.
const LOOK_AT_SITE: SignedDuration = SignedDuration::from_secs(1);

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let now = context.clock.now();
    let wanted: Vec<EndpointName> = options.endpoint.iter().map(EndpointName::new).collect();
    let wait = crate::span::parse(&options.wait).map_err(Fail::Usage)?;
    let order = Order { article: &options.article, endpoints: &wanted, text: options.text.as_deref() };
    acts::check(&config, &order).map_err(|refusal| Fail::Usage(refusal.to_string()))?;
    if options.dry_run {
        let (snapshot, store) = context.glance(&config, now).await?;
        let asked = Asked { endpoints: &wanted, rule: None, text: options.text.as_deref() };
        let previews = previews(&config, &snapshot, &options.article, &asked, now).await?;
        show(&previews, options.json)?;
        let outbox = match &store {
            Some(store) => store.deliveries().await?,
            None => Vec::new(),
        };
        let meant = acts::meant(&config, &snapshot, &order, &outbox, now)?;
        return say_what_is_not_sent(&meant, &outbox);
    }
    let by = person(&config, options.person)?;
    let store = Store::open(&config.store).await?;
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    // What was pushed a moment ago is what one wants to publish now.
    let (_tell, shutdown) = Shutdown::channel();
    let mut puller = Puller::new(&config.site);
    if let Err(error) = puller.once(&mut reconciler, &shutdown).await {
        say(&error.to_string());
    }
    let mut snapshot = reconciler.book(&store, now).await.map_err(pass_failed)?;
    puller.taken(&snapshot).await;
    if snapshot.follows {
        say("the process that takes up the site sends what is asked for here, as the article stands there");
    }
    let mut booked_at = now;
    let booked = acts::publish_now(&config, &store, &snapshot, &order, &by, now).await?;
    let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), context.clock.clone());
    let deadline = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let mut ended = Vec::new();
    let zone = snapshot.site.timezone.clone();
    for (id, endpoint) in booked {
        let mut opens = None;
        let delivery = loop {
            let Some(delivery) = store.delivery(id).await? else {
                return Err(Fail::Failed(format!("delivery {id} is not in the outbox")));
            };
            let now = context.clock.now();
            if delivery.state.is_final() {
                break delivery;
            }
            if now >= deadline {
                let waits = |at: Timestamp| format!("it waits, and can go out at {}", civil(at, &zone));
                let reason = delivery.reason.clone().or(opens.filter(|at| *at > now).map(waits));
                break Delivery { reason, ..delivery };
            }
            if let Step::Wait(until) = deliverer.step(&endpoint, Some(id), &snapshot).await? {
                opens = until;
                if let Some(closed) = deliverer.closed(&endpoint, &snapshot).await?
                    && closed.until.is_none_or(|until| until > deadline)
                {
                    let reason = Some(format!("it waits: {}", closed.reason));
                    break Delivery { reason, ..delivery };
                }
                // Much can change while one waits: what is unpublished meanwhile must not go out.
                if now.duration_since(booked_at) >= LOOK_AT_SITE {
                    snapshot = reconciler.book(&store, now).await.map_err(pass_failed)?;
                    booked_at = now;
                }
                let soon = now.saturating_add(LOOK).unwrap_or(deadline);
                context.clock.sleep_until(soon).await;
            }
        };
        ended.push(delivery);
    }
    store.close().await;
    report(&ended, options.json)
}

/// Says which of the posts shown would not be sent, since nothing but a person's word on their deliveries changes those.
fn say_what_is_not_sent(meant: &[Planned], outbox: &[Delivery]) -> Result<(), Fail> {
    for planned in meant {
        let there = outbox.iter().find(|delivery| delivery.key == planned.key);
        // What failed is tried anew, and so is what was called off with its article.
        let is_tried =
            |delivery: &Delivery| !delivery.state.is_final() || delivery.state == State::Failed || delivery.withdrawn;
        let Some(delivery) = there.filter(|delivery| !is_tried(delivery)) else { continue };
        let (endpoint, id, stands) = (&planned.key.endpoint, delivery.id, delivery.stands());
        match delivery.state {
            State::Published => {
                say(&format!("{endpoint}: it is {stands} already (delivery {id}); this would not be sent"))
            }
            _ => say(&format!("{endpoint}: delivery {id} is {stands}: {}", acts::allowed(delivery))),
        }
    }
    Ok(())
}

fn report(ended: &[Delivery], json: bool) -> Result<(), Fail> {
    if json {
        print_json(&ended.iter().map(shapes::Asked::from).collect::<Vec<_>>())?;
    }
    let mut failed = false;
    for delivery in ended {
        let (endpoint, path) = (&delivery.key.endpoint, &delivery.path);
        // What was withdrawn went out, and is not there: who wants it published is not served.
        if delivery.state == State::Published && !delivery.is_leaving() {
            let receipt = delivery.remote_url.as_deref().or(delivery.remote_id.as_deref()).unwrap_or("");
            if !json {
                print(&format!("{endpoint}: published {receipt}"))?;
            }
        } else {
            failed = true;
            let reason = delivery.reason.as_deref().unwrap_or("it is still under way");
            let again = if delivery.is_leaving() { "; it is not published again" } else { "" };
            say(&format!("{endpoint}: {} {path} (delivery {}): {reason}{again}", delivery.stands(), delivery.id));
        }
    }
    if failed { Err(Fail::Said(1)) } else { Ok(()) }
}
