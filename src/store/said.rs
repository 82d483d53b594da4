//! What the log says of the outbox, compared with what the tables say. The log tells more of a delivery than its state:
//! of which article it is and for whom, when it is due, in which words, what was tried, who approved it, and where it
//! stands.

use super::log::{Entry, Fault};
use super::row::Row;
use super::sql::{Transaction, query};
use super::{StoreError, instant};
use crate::delivery::State;
use crate::digest;
use crate::text::one_line;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the log says of all deliveries.
#[derive(Debug, Default)]
pub(super) struct Said(BTreeMap<i64, OfDelivery>);

/// What a delivery is of and for: nothing of ours ever changes it.
const KEY: [&str; 4] = ["article", "rule", "step", "endpoint"];

/// What the log says of one delivery. What is None, nobody knows: the delivery was there before the log.
#[derive(Debug, Default)]
struct OfDelivery {
    state: Option<String>,
    /// Whether the log tells of it from its booking on.
    is_whole: bool,
    /// What it was booked with, as [`KEY`].
    key: [Option<String>; 4],
    due_at: Option<i64>,
    /// A person's own text, if there is one.
    text: Option<Option<String>>,
    remote_id: Option<Option<String>>,
    remote_url: Option<Option<String>>,
    /// What is decided of withdrawing it.
    removal: Option<Option<String>>,
    /// Hashes of the posts that it may have by what was sent: an edit that was begun may have ended either way.
    posts: Vec<String>,
    tries: BTreeMap<i64, Try>,
    approvals: Vec<Approval>,
}

/// A try: when it began, when it ended, how, and what was said of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Try {
    began: Option<i64>,
    ended: Option<i64>,
    outcome: Option<String>,
    detail: Option<String>,
}

/// An approval, and whether it is void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Approval {
    person: String,
    print: String,
    given: Option<i64>,
    voided: Option<i64>,
    why: Option<String>,
}

impl Said {
    /// Takes up an entry: it is the last word on what it tells. A fault if other hands changed the delivery: it was in
    /// another state before than the log left it in, or the entry tells what nothing of ours does.
    pub(super) fn take(&mut self, entry: &Entry) -> Option<Fault> {
        let body: Value = serde_json::from_str(&entry.body).unwrap_or_default();
        if entry.kind == "other hands" {
            let of = |name: &str| body.get(name).and_then(Value::as_i64).unwrap_or(entry.number);
            return Some(Fault::OtherHands { entry: entry.number, first: of("first"), last: of("last") });
        }
        let id = entry.delivery?;
        if entry.kind == "taken out" {
            self.0.remove(&id);
            let state = body.get("state").and_then(Value::as_str).unwrap_or("in no state").to_owned();
            return Some(Fault::TakenOut { entry: entry.number, delivery: id, state });
        }
        if body.is_null() {
            return None;
        }
        let said = self.0.entry(id).or_default();
        let mut fault = None;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        if let Some(state) = text("state") {
            fault = by_other_hands(entry, id, said.state.as_deref(), text("from").as_deref(), &state);
            // What is to be tried is: that it is being tried is told only if other hands made it so.
            if entry.kind != "changed" || state != State::Sending.word() {
                said.state = Some(state);
            }
            said.due_at = number("due_at").or(said.due_at);
        }
        match entry.kind.as_str() {
            "booked" => {
                (said.is_whole, said.key, said.text) = (true, KEY.map(text), Some(None));
                (said.remote_id, said.remote_url, said.removal) = (Some(None), Some(None), Some(None));
            }
            "found" => {
                said.key = KEY.map(text);
                (said.remote_id, said.remote_url) = (Some(text("remote_id")), Some(text("remote_url")));
            }
            "changed" => {
                said.text = Some(text("text"));
                // Older entries do not say.
                said.removal = body.get("removal").map(|_| text("removal"));
                (said.remote_id, said.remote_url) = (Some(text("remote_id")), Some(text("remote_url")));
            }
            // Where the edited post stands is told with what comes of the edit.
            "edit" => {
                if let Some(post) = body.get("sending").filter(|post| !post.is_null()) {
                    said.remote_url = None;
                    // Of one that was posted before the log, nobody knows what it was.
                    if !said.posts.is_empty() {
                        said.posts.push(print(post));
                    }
                }
            }
            "attempt" => {
                said.posts = body.get("post").map(print).into_iter().collect();
                let try_ = Try { began: number("started_at"), ..Try::default() };
                said.tries.insert(number("number").unwrap_or(0), try_);
            }
            "answer" => {
                let try_ = said.tries.entry(number("number").unwrap_or(0)).or_default();
                (try_.ended, try_.outcome, try_.detail) = (number("finished_at"), text("outcome"), text("detail"));
            }
            "approval" => {
                let (person, print) = (text("person").unwrap_or_default(), text("print").unwrap_or_default());
                said.approvals.push(Approval { person, print, given: number("given_at"), voided: None, why: None });
            }
            "approval voided" => {
                // Who approved the same post twice may have seen two forms of its article. Older entries do not say when.
                let given = number("given_at");
                let is_it = |approval: &&mut Approval| {
                    text("person").as_ref() == Some(&approval.person)
                        && text("print").as_ref() == Some(&approval.print)
                        && (given.is_none() || given == approval.given)
                        && approval.voided.is_none()
                };
                if let Some(approval) = said.approvals.iter_mut().find(is_it) {
                    (approval.voided, approval.why) = (number("voided_at"), text("reason"));
                }
            }
            _ => {}
        }
        fault
    }

    /// What the tables say otherwise.
    pub(super) async fn compare(mut self, moment: &mut Transaction) -> Result<Vec<Fault>, StoreError> {
        let mut faults = Vec::new();
        let mut tries = tries(moment).await?;
        let mut approvals = approvals(moment).await?;
        let rows = query(
            "select id, article, rule, step, endpoint, state, due_at, override, remote_id, remote_url, removal, post, attempts
             from deliveries order by id",
        );
        for row in rows.fetch_all(&mut *moment).await? {
            let (id, state): (i64, String) = (row.try_get("id")?, row.try_get("state")?);
            let said = self.0.remove(&id).unwrap_or_default();
            let (tries, approvals) = (tries.remove(&id).unwrap_or_default(), approvals.remove(&id).unwrap_or_default());
            if !said.state.as_ref().is_some_and(|said| may_be(&state, said)) {
                let said = said.state.clone().unwrap_or_else(|| "nothing".to_owned());
                faults.push(Fault::Unsaid { delivery: id, state, said });
            }
            if said.state.is_some() {
                said.differs(id, &row, &mut faults)?;
                said.differs_in_tries(id, &tries, &mut faults);
                said.differs_in_approvals(id, approvals, &mut faults);
            }
        }
        for (delivery, tries) in tries {
            let of_none = |(number, stands)| format!("attempt {number}, {}", Try::shown(Some(stands)));
            faults.extend(tries.iter().map(of_none).map(|what| Fault::OfNone { delivery, what }));
        }
        for (delivery, approvals) in approvals {
            let of_none = |stands| format!("approval {}", Approval::shown(Some(stands)));
            faults.extend(approvals.iter().map(of_none).map(|what| Fault::OfNone { delivery, what }));
        }
        let vanished = self.0.into_iter().filter_map(|(delivery, said)| Some((delivery, said.state?)));
        faults.extend(vanished.map(|(delivery, said)| Fault::Unsaid { delivery, state: "not there".to_owned(), said }));
        Ok(faults)
    }
}

/// What is wrong with the state that an entry gives a delivery: other hands made it so. `last` is the log's last word on
/// it, `was` what the entry says of it before.
fn by_other_hands(entry: &Entry, delivery: i64, last: Option<&str>, was: Option<&str>, state: &str) -> Option<Fault> {
    let (number, kind) = (entry.number, entry.kind.as_str());
    if kind == "booked" {
        // Where a row takes the place of another, SQLite tells of no deletion.
        return last.map(|last| Fault::Replaced { entry: number, delivery, said: last.to_owned() });
    }
    let was = was?;
    if let Some(last) = last.filter(|last| !may_be(was, last)) {
        return Some(Fault::Unfollowed { entry: number, delivery, was: was.to_owned(), said: last.to_owned() });
    }
    let left = kind == "changed" && was == State::Published.word() && state != was;
    left.then(|| Fault::Left { entry: number, delivery, state: state.to_owned() })
}

/// Whether a delivery of which the log says one state last may be in another: that it is being tried is no news, if it is
/// to be tried.
fn may_be(state: &str, said: &str) -> bool {
    state == said || (state == State::Sending.word() && said == State::Pending.word())
}

impl OfDelivery {
    fn differs(&self, delivery: i64, row: &Row, faults: &mut Vec<Fault>) -> Result<(), StoreError> {
        let mut tell = |field: &str, stands: String, said: String| {
            faults.push(Fault::Differs { delivery, field: field.to_owned(), stands, said });
        };
        let due_at: i64 = row.try_get("due_at")?;
        if let Some(said) = self.due_at.filter(|said| *said != due_at) {
            tell("due_at", at(Some(due_at)), at(Some(said)));
        }
        for (field, said) in KEY.iter().zip(&self.key) {
            let stands = text(row, field)?;
            if said.is_some() && *said != stands {
                tell(field, shown(stands.as_deref()), shown(said.as_deref()));
            }
        }
        let others = [
            ("override", &self.text),
            ("remote_id", &self.remote_id),
            ("remote_url", &self.remote_url),
            ("removal", &self.removal),
        ];
        for (field, said) in others {
            let stands = text(row, field)?;
            if let Some(said) = said.as_ref().filter(|said| **said != stands) {
                let name = if field == "override" { "text given by hand" } else { field };
                tell(name, shown(stands.as_deref()), shown(said.as_deref()));
            }
        }
        let post = text(row, "post")?;
        let stands =
            post.as_deref().map(|post| serde_json::from_str(post).map(|post| print(&post)).unwrap_or_default());
        let is_known = self.is_whole || !self.posts.is_empty();
        if is_known && stands.as_ref().map_or(!self.posts.is_empty(), |stands| !self.posts.contains(stands)) {
            let post = post.and_then(|post| serde_json::from_str::<Value>(&post).ok());
            let words = post.as_ref().and_then(|post| post.get("text")).and_then(Value::as_str);
            let said = if self.posts.is_empty() { "that none was made" } else { "another post" };
            tell("post", shown(words), said.to_owned());
        }
        let (attempts, said): (i64, i64) = (row.try_get("attempts")?, self.tries.keys().last().copied().unwrap_or(0));
        if (self.is_whole || !self.tries.is_empty()) && attempts != said {
            tell("number of attempts", attempts.to_string(), said.to_string());
        }
        Ok(())
    }

    fn differs_in_tries(&self, delivery: i64, stand: &BTreeMap<i64, Try>, faults: &mut Vec<Fault>) {
        let numbers = self.tries.keys().chain(stand.keys().filter(|_| self.is_whole));
        let mut numbers: Vec<i64> = numbers.copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let (stands, said) = (stand.get(&number), self.tries.get(&number));
            // Of one that began before the log, only its end is said.
            let began = said.and_then(|said| said.began).or(stands.and_then(|stands| stands.began));
            let said = said.map(|said| Try { began, ..said.clone() });
            if stands != said.as_ref() {
                let field = format!("attempt {number}");
                let (stands, said) = (Try::shown(stands), Try::shown(said.as_ref()));
                faults.push(Fault::Differs { delivery, field, stands, said });
            }
        }
    }

    fn differs_in_approvals(&self, delivery: i64, mut stand: Vec<Approval>, faults: &mut Vec<Fault>) {
        let mut said = self.approvals.clone();
        // What both have is as it was given.
        said.retain(|approval| match stand.iter().position(|other| other == approval) {
            Some(place) => {
                stand.remove(place);
                false
            }
            None => true,
        });
        let pairs = said.len().max(if self.is_whole { stand.len() } else { 0 });
        for place in 0..pairs {
            let (stands, said) = (Approval::shown(stand.get(place)), Approval::shown(said.get(place)));
            faults.push(Fault::Differs { delivery, field: "approval".to_owned(), stands, said });
        }
    }
}

impl Try {
    fn shown(this: Option<&Self>) -> String {
        let Some(Self { began, ended, outcome, detail }) = this else { return "not there".to_owned() };
        let end = match outcome {
            Some(outcome) => format!("ended {}: {outcome} {}", at(*ended), shown(detail.as_deref())),
            None => "without an end".to_owned(),
        };
        format!("begun {}, {end}", at(*began))
    }
}

impl Approval {
    fn shown(this: Option<&Self>) -> String {
        let Some(Self { person, print, given, voided, why }) = this else { return "not there".to_owned() };
        let print: String = print.chars().take(8).collect();
        let voided = voided.map(|voided| format!(", void since {}: {}", at(Some(voided)), shown(why.as_deref())));
        format!("by {person}, {}, of {print}{}", at(*given), voided.unwrap_or_default())
    }
}

async fn tries(moment: &mut Transaction) -> Result<BTreeMap<i64, BTreeMap<i64, Try>>, StoreError> {
    let rows = query("select delivery, number, started_at, finished_at, outcome, detail from attempts");
    let mut tries: BTreeMap<i64, BTreeMap<i64, Try>> = BTreeMap::new();
    for row in rows.fetch_all(moment).await? {
        let try_ = Try {
            began: row.try_get("started_at")?,
            ended: row.try_get("finished_at")?,
            outcome: text(&row, "outcome")?,
            detail: text(&row, "detail")?,
        };
        tries.entry(row.try_get("delivery")?).or_default().insert(row.try_get("number")?, try_);
    }
    Ok(tries)
}

async fn approvals(moment: &mut Transaction) -> Result<BTreeMap<i64, Vec<Approval>>, StoreError> {
    let rows = query("select delivery, person, print, given_at, voided_at, voided_why from approvals order by id");
    let mut approvals: BTreeMap<i64, Vec<Approval>> = BTreeMap::new();
    for row in rows.fetch_all(moment).await? {
        let approval = Approval {
            person: text(&row, "person")?.unwrap_or_default(),
            print: text(&row, "print")?.unwrap_or_default(),
            given: row.try_get("given_at")?,
            voided: row.try_get("voided_at")?,
            why: text(&row, "voided_why")?,
        };
        approvals.entry(row.try_get("delivery")?).or_default().push(approval);
    }
    Ok(approvals)
}

/// What other hands wrote may be no text any more: it is compared all the same.
fn text(row: &Row, name: &str) -> Result<Option<String>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get(name)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// A hash of JSON, however it is written.
fn print(json: &Value) -> String {
    digest::hex(json.to_string(), 16)
}

/// Most characters of a text that are shown.
const SHOWN: usize = 80;

fn shown(text: Option<&str>) -> String {
    let Some(text) = text else { return "nothing".to_owned() };
    let line = one_line(text);
    let start: String = line.chars().take(SHOWN).collect();
    if start.len() < line.len() { format!("“{start}…”") } else { format!("“{start}”") }
}

fn at(micros: Option<i64>) -> String {
    let Some(micros) = micros else { return "at no time".to_owned() };
    instant(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
}
