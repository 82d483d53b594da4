//! `crieur posts`: the outbox, and a person's word on one delivery.

mod approve;
mod hurry;
mod sight;

use super::{Context, Fail, civil, person, print, print_json, say, zone};
use crate::acts;
use crate::config::Config;
use crate::delivery::{Delivery, Removal, State};
use crate::http::PostInFull;
use crate::plan::Approved;
use crate::shapes;
use crate::store::{Act, Attempt, PersonWord, Store};
use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
    /// Whose word it is; by default the user of this machine
    #[arg(long = "as", value_name = "NAME", global = true)]
    person: Option<String>,
}

#[derive(Debug, Default, clap::Args)]
struct List {
    /// Only those in this state: pending, held, sending, published, uncertain, failed, cancelled
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List deliveries (the default)
    List {
        /// Only those in this state
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
    },
    /// Show one delivery with all its tries, and the post as it would be sent now if it waits
    Show {
        /// Number of the delivery
        id: i64,
    },
    /// Withdraw a published post from its network
    Withdraw {
        /// Number of the delivery
        id: i64,
    },
    /// Make a published post what its article says now
    Edit {
        /// Number of the delivery
        id: i64,
    },
    /// Leave a published post as it is, though its article changed
    Keep {
        /// Number of the delivery
        id: i64,
    },
    /// Let a held delivery go out, or a held edit; a rule may ask for the word of two people. On a terminal, it shows what
    /// would be sent, and asks
    Approve {
        /// Number of the delivery
        id: i64,
        /// Approve the post of this print, which `posts show` tells, and refuse if another one would be sent by now
        #[arg(long, value_name = "PRINT")]
        of: Option<String>,
    },
    /// Put a delivery before the others of its queue: it takes the next slot, and they move on by one
    Hurry {
        /// Number of the delivery
        id: i64,
    },
    /// Keep a pending delivery back
    Hold {
        /// Number of the delivery
        id: i64,
    },
    /// Call a delivery off for ever
    Cancel {
        /// Number of the delivery
        id: i64,
    },
    /// Try a delivery again now that failed or was called off, whatever its slot
    Retry {
        /// Number of the delivery
        id: i64,
    },
    /// Settle an uncertain delivery after looking at the account
    #[command(group = clap::ArgGroup::new("word").required(true))]
    Resolve {
        /// Number of the delivery
        id: i64,
        /// The post is there, at this address
        #[arg(long, value_name = "URL", group = "word")]
        published: Option<String>,
        /// The post is not there: send it now
        #[arg(long, group = "word")]
        not_published: bool,
    },
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    let (zone, now) = (zone(&config), context.clock.now());
    let (id, word) = match options.action {
        None => return list(&config, options.list, &zone, now).await,
        Some(Action::List { state }) => {
            let given = List { state: state.or(options.list.state), json: options.list.json };
            return list(&config, given, &zone, now).await;
        }
        Some(Action::Show { id }) => return show(context, Arc::new(config), id, options.list.json).await,
        Some(Action::Approve { id, of }) => {
            let by = person(&config, options.person)?;
            return approve::run(context, Arc::new(config), id, &by, of.as_deref()).await;
        }
        Some(Action::Hurry { id }) => {
            let by = person(&config, options.person)?;
            return hurry::run(context, Arc::new(config), id, &by).await;
        }
        Some(Action::Withdraw { id }) => (id, PersonWord::Withdraw),
        Some(Action::Edit { id }) => (id, PersonWord::Edit),
        Some(Action::Keep { id }) => (id, PersonWord::Keep),
        Some(Action::Hold { id }) => (id, PersonWord::Hold),
        Some(Action::Cancel { id }) => (id, PersonWord::Cancel),
        Some(Action::Retry { id }) => (id, PersonWord::Retry),
        Some(Action::Resolve { id, published: Some(url), .. }) => (id, PersonWord::Published { url, id: None }),
        Some(Action::Resolve { id, published: None, .. }) => (id, PersonWord::NotPublished),
    };
    let by = person(&config, options.person)?;
    let store = Store::open(&config.store).await?;
    let done = acts::obey(&config, &store, id, &word, &by, now).await?;
    store.close().await;
    say(&if done.is_new {
        format!("delivery {id}: {} -> {}", done.before, done.delivery.stands())
    } else {
        format!("nothing changed: delivery {id} is {}", done.delivery.stands())
    });
    Ok(())
}

/// What `posts` calls published posts that leave their network.
const LEAVING: [&str; 2] = ["withdrawing", "withdrawn"];

async fn list(config: &Config, options: List, zone: &TimeZone, now: Timestamp) -> Result<(), Fail> {
    let state = options.state.as_deref();
    let words: Vec<&str> = State::ALL.iter().map(|state| state.word()).chain(LEAVING).collect();
    if let Some(word) = state.filter(|word| !words.contains(word)) {
        return Err(Fail::Usage(format!("`{word}` is not a state; write one of {}", words.join(", "))));
    }
    let mut deliveries = match Store::open_to_read(&config.store).await? {
        Some(store) => store.deliveries_with_turns(config, zone, now).await?,
        None => Vec::new(),
    };
    deliveries.retain(|delivery| state.is_none_or(|word| delivery.state.word() == word || delivery.stands() == word));
    if options.json {
        return print_json(&deliveries.into_iter().map(shapes::Post::from).collect::<Vec<_>>());
    }
    for delivery in deliveries {
        // Where it is, if it is there; of one that leaves, and of one that is to leave, what becomes of it.
        let (stands, is_to_leave) = (delivery.stands(), delivery.removal.is_some());
        let at = delivery.remote_url.filter(|_| !is_to_leave).or(delivery.reason).unwrap_or_default();
        let due = civil(delivery.due_at, zone);
        print(&format!(
            "{:>5}  {stands:<9}  {due}  {} -> {} ({})  {at}",
            delivery.id, delivery.path, delivery.key.endpoint, delivery.key.rule
        ))?;
    }
    Ok(())
}

async fn show(context: &Context, config: Arc<Config>, id: i64, json: bool) -> Result<(), Fail> {
    let unknown = || Fail::Failed(format!("there is no delivery {id}; `crieur posts` lists them"));
    let store = Store::open_to_read(&config.store).await?.ok_or_else(unknown)?;
    let zone = &zone(&config);
    let delivery = acts::find(&store, id).await?;
    let history = History {
        attempts: store.attempts(id).await?,
        approvals: store.approvals(id).await?,
        acts: store.acts(id).await?,
    };
    let awaits = acts::awaits(&store, &delivery).await?;
    let waits = awaits || (delivery.state == State::Pending && !delivery.look_first);
    let sight = if waits { Some(sight::take(context, &config, &delivery).await) } else { None };
    if json {
        let look = sight.as_ref().map(|taken| match taken {
            Ok(sight) => Ok(&sight.look),
            Err(fail) => Err(sight::why(fail).to_owned()),
        });
        let History { attempts, approvals, acts } = &history;
        return print_json(&PostInFull::new(delivery, look, approvals, acts, attempts));
    }
    tell(&delivery, history, zone)?;
    match sight {
        Some(Ok(sight)) => {
            if awaits {
                let print_of = sight.look.short_print();
                print(&format!("  print     {print_of}: `crieur posts approve {id} --of {print_of}`"))?;
            }
            return sight.show(&delivery, zone);
        }
        Some(Err(fail)) => say(&format!("what would be sent cannot be shown: {}", sight::why(&fail))),
        None => {}
    }
    if let Some(text) = delivery.text {
        print(&format!("\n{text}"))?;
    }
    Ok(())
}

/// What happened to a delivery.
struct History {
    attempts: Vec<Attempt>,
    approvals: Vec<Approved>,
    acts: Vec<Act>,
}

/// For a person: a delivery, and what happened to it.
fn tell(delivery: &Delivery, history: History, zone: &TimeZone) -> Result<(), Fail> {
    let History { attempts, approvals, acts } = history;
    print(&format!("delivery {}: {}", delivery.id, delivery.stands()))?;
    print(&format!("  article   {} ({})", delivery.path, delivery.key.article))?;
    print(&format!("  endpoint  {} ({}), rule {}", delivery.key.endpoint, delivery.network, delivery.key.rule))?;
    print(&format!("  due       {}", civil(delivery.due_at, zone)))?;
    let address = if delivery.removal == Some(Removal::Done) { "was at" } else { "address" };
    for (name, value) in
        [("receipt", &delivery.remote_id), (address, &delivery.remote_url), ("reason", &delivery.reason)]
    {
        if let Some(value) = value {
            print(&format!("  {name:<9} {value}"))?;
        }
    }
    for approved in approvals {
        let voided = approved.voided.map(|(at, why)| format!(", void since {}: {why}", civil(at, zone)));
        let (at, voided) = (civil(approved.given_at, zone), voided.unwrap_or_default());
        print(&format!("  approved  by {}, {at}{voided}", approved.person))?;
    }
    for act in acts.into_iter().filter(|act| act.act != "approve") {
        let detail = act.detail.map(|detail| format!(": {}", crate::text::one_line(&detail))).unwrap_or_default();
        print(&format!("  {:<9} by {}, {}{detail}", act.act, act.person, civil(act.at, zone)))?;
    }
    for attempt in attempts {
        let end =
            attempt.finished_at.map_or_else(|| "never ended".to_owned(), |at| format!("ended {}", civil(at, zone)));
        let outcome = attempt.outcome.unwrap_or_default();
        let detail = attempt.detail.unwrap_or_default();
        print(&format!("  try {}: {}, {end}: {outcome} {detail}", attempt.number, civil(attempt.started_at, zone)))?;
    }
    Ok(())
}
