//! `/admin/posts/ID`: one post, exactly as it went or would go out, all that happened to it, and what can be said to it.

use super::account::timeline;
use super::row::{Row, link};
use super::{Asking, Guest, enter, enter_with, failed, see, sorry, status};
use crate::acts::{self, Done, Refusal};
use crate::config::NetworkKind;
use crate::delivery::{Delivery, State as DeliveryState};
use crate::http::pages::tongue::Moment;
use crate::http::{Client, Shared};
use crate::people::By;
use crate::post::Post;
use crate::store::{PersonWord, StoreError};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Page {
    row: Row,
    step: String,
    path: String,
    /// Where readers find the article.
    article: Option<String>,
    /// The account's timeline on its network.
    timeline: Option<String>,
    /// The post as it was sent, or as it would be sent now.
    post: Option<Post>,
    /// Whether it was sent, or may have been.
    was_sent: bool,
    /// Why there is no post.
    no_post: Option<String>,
    /// Why an image is not with it, if one should be.
    without_image: Option<String>,
    /// What an approval is bound to.
    print: Option<String>,
    /// Whether no slot of its queue is left for it, so that nobody can approve it.
    has_no_slot: bool,
    /// When it goes out if it is approved now, where that is another time than the one it has.
    goes_out: Option<Moment>,
    approved_by: Vec<String>,
    /// How many people its rule asks for.
    people: u8,
    /// What is decided of its edit.
    edit: Option<String>,
    /// Whether it tells a correction, which is not edited.
    is_correction: bool,
    urgent: bool,
    look_first: bool,
    acts: Vec<Act>,
    approvals: Vec<Approval>,
    tries: Vec<Try>,
    /// What was refused, for a person.
    problem: Option<String>,
    /// What was just done.
    done: &'static str,
}

#[derive(Serialize)]
struct Act {
    at: Moment,
    person: String,
    road: String,
    act: String,
    detail: Option<String>,
}

#[derive(Serialize)]
struct Approval {
    at: Moment,
    person: String,
    void: Option<String>,
}

#[derive(Serialize)]
struct Try {
    number: u32,
    at: Moment,
    outcome: Option<String>,
    detail: Option<String>,
}

/// The words of the forms, which come back in the address of the page that tells what was done.
const WORDS: [&str; 10] =
    ["approve", "hold", "cancel", "retry", "published", "not-published", "withdraw", "hurry", "edit", "keep"];

pub async fn page(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let guest = match enter(&shared, &Asking { client: client.as_ref(), headers: &headers, uri: &uri }) {
        Ok(guest) => guest,
        Err(response) => return response,
    };
    let done = uri.query().and_then(|query| query.strip_prefix("done=")).unwrap_or("");
    let done = WORDS.into_iter().find(|word| *word == done).unwrap_or("");
    show(&shared, &guest, &id, StatusCode::OK, None, done).await
}

/// A word on it, and then the page again.
pub async fn act(
    State(shared): State<Shared>,
    client: Option<Extension<Client>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let client = client.map(|Extension(client)| client);
    let asking = Asking { client: client.as_ref(), headers: &headers, uri: &uri };
    let (guest, form) = match enter_with(&shared, &asking, &body) {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    let Ok(number) = id.parse() else { return sorry(&guest.visit, StatusCode::NOT_FOUND, "unknown") };
    let (word, by, now) = (form.get("act"), guest.by(), shared.clock.now());
    let unusable = |why: &str| Err(Refusal::Unusable(why.to_owned()));
    let obey = async |word: PersonWord| acts::obey(&guest.desk.config, &shared.store, number, &word, &by, now).await;
    let done = match word {
        "approve" => approve(&shared, &guest, number, &by, form.get("print"), now).await,
        "hold" => obey(PersonWord::Hold).await,
        "hurry" => obey(PersonWord::Hurry).await,
        "edit" => obey(PersonWord::Edit).await,
        "keep" => obey(PersonWord::Keep).await,
        "retry" => obey(PersonWord::Retry).await,
        "published" => obey(PersonWord::Published { url: form.get("url").to_owned(), id: None }).await,
        "not-published" => obey(PersonWord::NotPublished).await,
        "cancel" | "withdraw" if form.get("sure") != "yes" => {
            unusable("nothing was done: tick the box to say that you are sure")
        }
        "cancel" => obey(PersonWord::Cancel).await,
        "withdraw" => obey(PersonWord::Withdraw).await,
        _ => unusable("the form is not understood"),
    };
    match done {
        Ok(done) => {
            guest.desk.wake(&done.delivery.key.endpoint);
            see(&guest.visit, &format!("/admin/posts/{number}?done={word}"))
        }
        Err(Refusal::Store(error)) => failed(&guest.visit, &error),
        Err(refusal) => show(&shared, &guest, &id, status(&refusal), Some(refusal.to_string()), "").await,
    }
}

/// `print` is that of the post that the page showed; empty if there was none to be shown.
async fn approve(
    shared: &Shared,
    guest: &Guest,
    id: i64,
    by: &By,
    print: &str,
    now: Timestamp,
) -> Result<Done, Refusal> {
    let (desk, store, snapshot) = (&guest.desk, &shared.store, &guest.visit.snapshot);
    let delivery = acts::find(store, id).await?;
    // What nobody could see, nobody approves, though it can be seen by now.
    let is_bound = acts::approval_of(&desk.config, &delivery).is_some();
    let print = Some(print).filter(|print| is_bound || !print.is_empty());
    acts::approve_now(&desk.config, store, &desk.deliverer, snapshot, id, by, print, now).await
}

async fn show(
    shared: &Shared,
    guest: &Guest,
    id: &str,
    status: StatusCode,
    problem: Option<String>,
    done: &'static str,
) -> Response {
    let delivery = match id.parse() {
        Ok(id) => acts::find(&shared.store, id).await,
        Err(_) => Err(Refusal::Unknown(String::new())),
    };
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(Refusal::Store(error)) => return failed(&guest.visit, &error),
        Err(_) => return sorry(&guest.visit, StatusCode::NOT_FOUND, "unknown"),
    };
    match collect(shared, guest, &delivery).await {
        Ok(page) => guest.visit.page_with(status, "admin_post", Page { problem, done, ..page }),
        Err(error) => failed(&guest.visit, &error),
    }
}

async fn collect(shared: &Shared, guest: &Guest, delivery: &Delivery) -> Result<Page, StoreError> {
    let (visit, desk, store, id) = (&guest.visit, &guest.desk, &shared.store, delivery.id);
    let sent = store.sent(id).await?;
    let waits = matches!(delivery.state, DeliveryState::Held | DeliveryState::Pending) && !delivery.look_first;
    let look = if waits {
        let now = shared.clock.now();
        Some(acts::look(&desk.config, store, &desk.deliverer, &visit.snapshot, delivery, now).await)
    } else {
        None
    };
    let (mut print, mut approved_by, mut no_post, mut without_image) = (None, Vec::new(), None, None);
    let (mut goes_out, mut has_no_slot) = (None, false);
    let post = match look {
        Some(Ok(look)) => {
            (print, approved_by, without_image) = (Some(look.print), look.approved_by, look.without_image);
            has_no_slot = look.no_slot.is_some();
            goes_out = Some(look.due_at).filter(|at| *at != delivery.due_at).map(|at| visit.instant(at));
            Some(look.post)
        }
        Some(Err(Refusal::Store(error))) => return Err(error),
        Some(Err(refusal)) => {
            no_post = Some(refusal.to_string());
            None
        }
        None => sent,
    };
    let account = desk.config.endpoints.get(&delivery.key.endpoint);
    let last = store.last_address(&delivery.key.endpoint).await?;
    let last = last.filter(|_| account.is_some_and(|account| !matches!(account.network, NetworkKind::Journal)));
    let article = {
        let catalog = visit.snapshot.catalog();
        let live = catalog.get(&delivery.key.article).filter(|standing| standing.article.is_live(shared.clock.now()));
        live.map(|standing| standing.article.url.to_string())
    };
    Ok(Page {
        row: Row::new(delivery, visit),
        step: delivery.key.step.clone(),
        path: delivery.path.clone(),
        article: article.and_then(|url| link(&url, visit)),
        timeline: account
            .and_then(|account| timeline(&account.network, last.as_deref()))
            .and_then(|url| link(&url, visit)),
        was_sent: !waits,
        post,
        no_post,
        without_image,
        print,
        has_no_slot,
        goes_out,
        approved_by,
        people: acts::approval_of(&desk.config, delivery).map_or(0, |approval| approval.people),
        edit: store.edit_state(id).await?,
        is_correction: delivery.key.correction().is_some(),
        urgent: delivery.urgent,
        look_first: delivery.look_first,
        acts: store
            .acts(id)
            .await?
            .into_iter()
            .map(|act| Act {
                at: visit.instant(act.at),
                person: act.person,
                road: act.road,
                act: act.act,
                detail: act.detail,
            })
            .collect(),
        approvals: store
            .approvals(id)
            .await?
            .into_iter()
            .map(|approved| Approval {
                at: visit.instant(approved.given_at),
                person: approved.person,
                void: approved.voided.map(|(_, why)| why),
            })
            .collect(),
        tries: store
            .attempts(id)
            .await?
            .into_iter()
            .map(|attempt| Try {
                number: attempt.number,
                at: visit.instant(attempt.started_at),
                outcome: attempt.outcome,
                detail: attempt.detail,
            })
            .collect(),
        problem: None,
        done: "",
    })
}
