//! What a person decides, carried out: the same for a command, the API and a page. Each act is repeated without harm,
//! and stands in the log with who and by which road.

use crate::config::{Approval, Config, EndpointName, Rule, When};
use crate::deliver::{Composed, Deliverer};
use crate::delivery::{Delivery, Removal, State};
use crate::network::addressed::id_at;
use crate::people::By;
use crate::plan::{self, Inputs, ItsSlot, Makers, NewSlot, Planned};
use crate::post::Post;
use crate::reconcile::Snapshot;
use crate::store::{OwnWord, PersonWord, Seen, Slot, Store, StoreError, Word};
use crate::template::Template;
use crate::text::is_blank;
use jiff::Timestamp;

/// Why an act is not carried out. The texts are for a person.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is nothing of this name or number.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    NotNow(String),
    /// Another person may, and this one not.
    #[error("{0}")]
    NotYou(String),
    /// It is not understood.
    #[error("{0}")]
    Unusable(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of an act.
#[derive(Debug)]
pub struct Done {
    /// The delivery as it is now.
    pub delivery: Delivery,
    /// Where it stood before, in a word.
    pub before: &'static str,
    /// Whether the act changed anything; one that is repeated does not.
    pub is_new: bool,
}

/// A post as it would go out now.
#[derive(Debug)]
pub struct Look {
    /// The post.
    pub post: Post,
    /// When it would be due.
    pub due_at: Timestamp,
    /// Its print: what an approval is bound to.
    pub print: String,
    /// Whose approval of it counts already.
    pub approved_by: Vec<String>,
    /// Why an image is not with it, if one should be.
    pub without_image: Option<String>,
    /// The slot that it takes by an approval, and its print in the slot that it has.
    slot: Option<(NewSlot, String)>,
    /// Why it cannot be approved, if no slot of its queue is left for it; and what can be done.
    pub no_slot: Option<String>,
    /// Hash of what readers see of the article.
    visible: u64,
    /// Whether it is due in a blackout.
    is_in_blackout: bool,
    /// Who wrote the article.
    author: Option<String>,
    /// Who asked for the post by hand.
    asked_by: Option<String>,
}

/// How much of a print is enough to tell which one is meant.
pub const SHORT_PRINT: usize = 12;

/// A print, or the beginning of one, as people pass it on: in capitals, or with spaces around it, by some programs.
///
/// Errors: it is none.
pub fn read_print(given: &str) -> Result<String, String> {
    let (print, most) = (given.trim().to_lowercase(), plan::PRINT_LENGTH);
    if (SHORT_PRINT..=most).contains(&print.len()) && print.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(print);
    }
    Err(format!("`{given}` is no print: that is {SHORT_PRINT} to {most} of the digits 0 to 9 and the letters a to f"))
}

impl Look {
    /// The print as people pass it on: its beginning.
    pub fn short_print(&self) -> &str {
        self.print.get(..SHORT_PRINT).unwrap_or(&self.print)
    }

    /// Whether it is the post of a print, or of the beginning of one.
    fn is_of(&self, print: &str) -> bool {
        print.len() >= SHORT_PRINT && self.print.starts_with(print)
    }
}

/// What is to be posted now.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The article: its path, its slug or its address.
    pub article: &'a str,
    /// Only to these endpoints; empty means those of the rules that fit.
    pub endpoints: &'a [EndpointName],
    /// Text of the post instead of the rule's, a template.
    pub text: Option<&'a str>,
}

/// Why an article is not posted. Nothing is told of a draft, not even its title.
pub const EARLY: &str = "the article is not published: a draft, or its date is to come; nothing goes out early";

/// The delivery of a number.
///
/// Errors: there is none, or the database failed.
pub async fn find(store: &Store, id: i64) -> Result<Delivery, Refusal> {
    let unknown = || Refusal::Unknown(format!("there is no delivery {id}; `crieur posts` lists them"));
    store.delivery(id).await?.ok_or_else(unknown)
}

/// Carries out a word on a delivery. Of a post that a person found, what its network calls it is read from its address.
pub async fn obey(
    config: &Config,
    store: &Store,
    id: i64,
    word: &PersonWord,
    by: &By,
    now: Timestamp,
) -> Result<Done, Refusal> {
    let before = find(store, id).await?;
    let mut word = word.clone();
    if let PersonWord::Published { url, id } = &mut word {
        let is_address = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_address {
            return Err(Refusal::Unusable(format!("`{url}` is not the address of a post")));
        }
        let endpoint = config.endpoints.get(&before.key.endpoint);
        *id = endpoint.and_then(|endpoint| id_at(&endpoint.network, url));
    }
    let word = &word;
    if *word == PersonWord::Edit && before.key.correction().is_some() {
        let reason = "it tells a correction, in the words that the correction had; write another one into the article";
        return Err(Refusal::NotNow(format!("delivery {} is not edited: {reason}", before.id)));
    }
    let is_new = store.obey(id, word, by, now).await?;
    let delivery = find(store, id).await?;
    if !is_new && !is_so(store, &delivery, word).await? {
        return Err(Refusal::NotNow(format!("delivery {id} is {}: {}", delivery.stands(), allowed(&delivery))));
    }
    Ok(Done { delivery, before: before.stands(), is_new })
}

/// Whether a delivery is already what a word would make of it.
async fn is_so(store: &Store, delivery: &Delivery, word: &PersonWord) -> Result<bool, StoreError> {
    let state = delivery.state;
    Ok(match word {
        PersonWord::Hold => state == State::Held,
        PersonWord::Cancel => state == State::Cancelled && !delivery.withdrawn,
        PersonWord::Retry | PersonWord::NotPublished => {
            state == State::Pending
                && delivery.by_hand
                && said(store, delivery.id).await?.as_deref() == Some(word.word())
        }
        PersonWord::Published { url, .. } => state == State::Published && delivery.remote_url.as_ref() == Some(url),
        PersonWord::Hurry => delivery.urgent && matches!(state, State::Pending | State::Held),
        PersonWord::Edit => store.edit_state(delivery.id).await?.as_deref() == Some("due"),
        PersonWord::Keep => false,
        PersonWord::Withdraw => delivery.is_leaving(),
    })
}

/// The last word on a delivery.
async fn said(store: &Store, id: i64) -> Result<Option<String>, StoreError> {
    Ok(store.acts(id).await?.pop().map(|act| act.act))
}

/// Whether a delivery waits for a person, or its edit does.
pub async fn awaits(store: &Store, delivery: &Delivery) -> Result<bool, StoreError> {
    Ok(match delivery.state {
        State::Held => true,
        State::Published => store.edit_state(delivery.id).await?.as_deref() == Some("held"),
        _ => false,
    })
}

/// What a person can do with a delivery.
pub fn allowed(delivery: &Delivery) -> &'static str {
    match delivery.state {
        State::Pending if delivery.look_first => "the network is asked first whether it has it; wait for that",
        State::Pending => "it can be held or cancelled, or put before the others of its queue",
        State::Held => "it can be approved or cancelled, or put before the others of its queue",
        State::Sending => "it is being sent; wait for what comes of it",
        State::Published if delivery.removal == Some(Removal::Done) => "it went out, and is gone from its network",
        State::Published if delivery.is_leaving() => "it is about to go from its network; wait for what comes of it",
        State::Published => "it went out; it can be edited or withdrawn; where an edit waits, it can be kept",
        State::Uncertain => "it can be resolved, as published or not, or retried, which asks the network again",
        State::Failed => "it can be retried or cancelled",
        State::Cancelled => "it can be retried",
    }
}

/// What the rule of a delivery asks of people; None if it asks for nothing.
pub fn approval_of(config: &Config, delivery: &Delivery) -> Option<Approval> {
    config.rules.iter().find(|rule| rule.name == delivery.key.rule).and_then(|rule| rule.approval)
}

/// The post of a delivery as it would go out now.
///
/// Errors: why there is none.
pub async fn look(
    config: &Config,
    store: &Store,
    deliverer: &Deliverer,
    snapshot: &Snapshot,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<Look, Refusal> {
    let own: OwnWord = store.own_word(delivery.id).await?;
    let Composed { post, article, visible, without_image } =
        deliverer.composed(delivery, &own, snapshot).await.map_err(Refusal::NotNow)?;
    let print_at = |due_at| plan::print(&post, &delivery.key.endpoint, due_at);
    let mut print = print_at(delivery.due_at);
    let (mut approved_by, mut missing) = (Vec::new(), 0);
    if let Some(approval) = approval_of(config, delivery) {
        let given = store.approvals(delivery.id).await?;
        let people = plan::people(&given, &print, approval, &config.http.people, now);
        approved_by = people.into_iter().map(str::to_owned).collect();
        missing = usize::from(approval.people).saturating_sub(approved_by.len());
    }
    // Only the last approval that is wanted gives it a slot: what waits for people keeps none from others.
    let its = its_slot(config, store, snapshot, delivery, now).await?;
    let new = if missing > 1 { None } else { new_slot(its) };
    let due_at = new.map_or(delivery.due_at, |new| new.at);
    let slot = new.map(|new| (new, std::mem::replace(&mut print, print_at(new.at))));
    let author = article.author.as_deref().map(str::to_owned);
    let is_in_blackout = plan::is_in_blackout(config, &snapshot.site.timezone, due_at);
    let asked_by = own.asked_by;
    let no_slot = (its == ItsSlot::NoneLeft).then(|| without_slot(config, delivery));
    Ok(Look {
        post,
        due_at,
        print,
        approved_by,
        without_image,
        slot,
        no_slot,
        visible,
        is_in_blackout,
        author,
        asked_by,
    })
}

/// What becomes of the slot of a held delivery if it is approved.
async fn its_slot(
    config: &Config,
    store: &Store,
    snapshot: &Snapshot,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<ItsSlot, StoreError> {
    let is_of_queue = |rule: &&Rule| rule.name == delivery.key.rule && rule.when.queue().is_some();
    if delivery.state != State::Held || !config.rules.iter().any(|rule| is_of_queue(&rule)) {
        return Ok(ItsSlot::Kept);
    }
    let taken = store.slots_taken(delivery, now).await?;
    let catalog = snapshot.catalog();
    Ok(plan::slot_if_approved(&Inputs::new(config, &snapshot.site, &catalog, &[], now), delivery, &taken))
}

fn new_slot(its: ItsSlot) -> Option<NewSlot> {
    match its {
        ItsSlot::New(new) => Some(new),
        ItsSlot::Kept | ItsSlot::NoneLeft => None,
    }
}

/// Why a delivery for which no slot is left cannot be approved, and what can be done.
fn without_slot(config: &Config, delivery: &Delivery) -> String {
    let rule = config.rules.iter().find(|rule| rule.name == delivery.key.rule);
    let end = rule.and_then(|rule| match &rule.when {
        When::Campaign(campaign) => campaign.until,
        _ => None,
    });
    let (id, name) = (delivery.id, &delivery.key.rule);
    let why = match end {
        Some(last) => format!("the campaign “{name}” ends on {last}, and no slot is left in it; put off its `until`"),
        None => format!("no slot of “{name}” is left; change its `slots`"),
    };
    let or =
        format!("cancel it, or put it first (`crieur posts hurry {id}`) and approve it, which sends it without a slot");
    format!("{why}, {or}")
}

/// A person's approval of a held delivery. Where its rule asks for approval, `look` is the post as it would go out now, and
/// the word is bound to it; `print` is that of the post that the person saw, where that is known. Without `snapshot`, the
/// delivery keeps its time.
#[expect(clippy::too_many_arguments, reason = "all that an approval depends on, from three roads")]
pub async fn approve(
    config: &Config,
    store: &Store,
    look: Option<&Look>,
    snapshot: Option<&Snapshot>,
    id: i64,
    by: &By,
    print: Option<&str>,
    now: Timestamp,
) -> Result<Done, Refusal> {
    let delivery = find(store, id).await?;
    let people = &config.http.people;
    let is_theirs = |name: &str| people.are_same(name, &by.person);
    if !awaits(store, &delivery).await? {
        let given = store.approvals(id).await?;
        if given.iter().any(|approved| approved.voided.is_none() && is_theirs(&approved.person)) {
            return Ok(Done { before: delivery.stands(), delivery, is_new: false });
        }
        return Err(Refusal::NotNow(format!("delivery {id} is {}: {}", delivery.stands(), allowed(&delivery))));
    }
    if let (Some(look), Some(print)) = (look, print)
        && !look.is_of(print)
    {
        let why = format!("delivery {id} stays held: it is not what you saw any more; look at it again");
        return Err(Refusal::NotNow(why));
    }
    let seen = match (approval_of(config, &delivery), look) {
        (None, _) => None,
        (Some(_), None) => return Err(Refusal::NotNow(format!("delivery {id} cannot be looked at now"))),
        (Some(approval), Some(look)) => {
            // What enough people approved and was held again needs one word more, and it may be theirs.
            let is_wanted = look.approved_by.len() < usize::from(approval.people);
            if is_wanted && look.approved_by.iter().any(|name| is_theirs(name)) {
                return Ok(Done { before: delivery.stands(), delivery, is_new: false });
            }
            let makers = Makers { author: look.author.as_deref(), asked_by: look.asked_by.as_deref() };
            if let Some(reason) = plan::refused(&by.person, makers, &[], people) {
                return Err(Refusal::NotYou(format!("delivery {id} stays held: {reason}")));
            }
            let Look { post, print, visible, is_in_blackout, .. } = look;
            let (visible, is_in_blackout) = (*visible, *is_in_blackout);
            Some(Seen { post, print, visible, is_in_blackout, approval, people })
        }
    };
    let (new, no_slot) = match (look, snapshot) {
        (Some(look), _) => (None, look.no_slot.clone()),
        (None, None) => (None, None),
        (None, Some(snapshot)) => {
            let its = its_slot(config, store, snapshot, &delivery, now).await?;
            (new_slot(its), (its == ItsSlot::NoneLeft).then(|| without_slot(config, &delivery)))
        }
    };
    if let Some(why) = no_slot {
        return Err(Refusal::NotNow(format!("delivery {id} stays held: {why}")));
    }
    let slot = match look.and_then(|look| look.slot.as_ref()) {
        Some((new, before)) => Some(Slot { new: *new, before }),
        None => new.map(|new| Slot { new, before: "" }),
    };
    let is_new = store.approve(id, &Word { by, seen, slot }, now).await?.is_some();
    let after = find(store, id).await?;
    if !is_new && awaits(store, &after).await? {
        let why =
            format!("delivery {id} stays held: another one was given the slot that it would take; look at it again");
        return Err(Refusal::NotNow(why));
    }
    if !is_new {
        return Err(Refusal::NotNow(format!("delivery {id} is {}: {}", after.stands(), allowed(&after))));
    }
    Ok(Done { delivery: after, before: delivery.stands(), is_new })
}

/// The same for a delivery that is looked at first, where that is needed.
#[expect(clippy::too_many_arguments, reason = "all that an approval depends on, from three roads")]
pub async fn approve_now(
    config: &Config,
    store: &Store,
    deliverer: &Deliverer,
    snapshot: &Snapshot,
    id: i64,
    by: &By,
    print: Option<&str>,
    now: Timestamp,
) -> Result<Done, Refusal> {
    let delivery = find(store, id).await?;
    let is_needed = approval_of(config, &delivery).is_some() || print.is_some();
    let look = if awaits(store, &delivery).await? && is_needed {
        Some(look(config, store, deliverer, snapshot, &delivery, now).await?)
    } else {
        None
    };
    approve(config, store, look.as_ref(), Some(snapshot), id, by, print, now).await
}

/// Whether an order can be understood.
pub fn check(config: &Config, order: &Order<'_>) -> Result<(), Refusal> {
    if let Some(text) = order.text {
        if is_blank(text) {
            let why = "the text is empty; write what the post is to say, or give none, which posts that of the rule";
            return Err(Refusal::Unusable(why.to_owned()));
        }
        Template::parse(text).map_err(|error| Refusal::Unusable(format!("text: {error}")))?;
    }
    match order.endpoints.iter().find(|name| !config.endpoints.contains_key(*name)) {
        Some(unknown) => Err(Refusal::Unusable(format!("there is no endpoint `{unknown}` in the configuration"))),
        None => Ok(()),
    }
}

/// Makes the rows of an article due now, and tells their numbers: those of the rules, so that an order that is given ten
/// times posts once.
pub async fn publish_now(
    config: &Config,
    store: &Store,
    snapshot: &Snapshot,
    order: &Order<'_>,
    by: &By,
    now: Timestamp,
) -> Result<Vec<(i64, EndpointName)>, Refusal> {
    check(config, order)?;
    let planned = meant(config, snapshot, order, &store.deliveries().await?, now)?;
    let mut booked = Vec::new();
    let mut pass = store.pass().await?;
    for planned in &planned {
        booked.push((pass.expedite(planned, order.text, by, now).await?, planned.key.endpoint.clone()));
    }
    pass.commit().await?;
    Ok(booked)
}

/// The deliveries that an order means. The outbox must be whole.
///
/// Errors: as [`publish_now`], but for those of the database.
pub fn meant(
    config: &Config,
    snapshot: &Snapshot,
    order: &Order<'_>,
    outbox: &[Delivery],
    now: Timestamp,
) -> Result<Vec<Planned>, Refusal> {
    let catalog = snapshot.catalog();
    let standing = catalog.find(order.article).map_err(Refusal::Unknown)?;
    if !standing.article.is_live(now) {
        return Err(Refusal::NotNow(EARLY.to_owned()));
    }
    let inputs = Inputs::new(config, &snapshot.site, &catalog, outbox, now);
    plan::by_hand(&inputs, standing, order.endpoints).map_err(Refusal::Unusable)
}

/// Has everything held.
///
/// Errors: there is no reason, or the database failed.
pub async fn silence(store: &Store, reason: &str, by: &By, now: Timestamp) -> Result<bool, Refusal> {
    match reason.trim() {
        "" => Err(Refusal::Unusable("the reason is empty; say why, for those who look for a post".to_owned())),
        reason => Ok(store.silence_on(reason, by, now).await?),
    }
}
