//! Approvals: who approved what, for ever.

use super::row::Row;
use super::sql::{Transaction, query, query_scalar};
use super::{Pass, Store, StoreError, acts, instant, log, micros};
use crate::config::Approval;
use crate::delivery::{Delivery, DeliveryKey};
use crate::people::{By, People};
use crate::plan::{self, Approved, NewSlot};
use crate::post::Post;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A person's approval of a held delivery, as they saw it.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// Who, and by which road.
    pub by: &'a By,
    /// The post that they saw, if the rule asks for approval of what is sent.
    pub seen: Option<Seen<'a>>,
    /// The slot that it takes in the place of its own.
    pub slot: Option<Slot<'a>>,
}

/// A slot that a delivery takes by being approved, since its own cannot be used.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Which one.
    pub new: NewSlot,
    /// The print of the same post in its own slot. Who approved that approved this one, too: that a slot which passes is
    /// followed by the next free one is what a queue is.
    pub before: &'a str,
}

/// A post as a person saw it, and what its rule asks for.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The post.
    pub post: &'a Post,
    /// Its print.
    pub print: &'a str,
    /// Hash of what readers saw of its article then, as `Past::visible`; 0 if that is not known.
    pub visible: u64,
    /// Whether it is due in a blackout: who approves it lets it go when that is over.
    pub is_in_blackout: bool,
    /// How many people the rule asks for.
    pub approval: Approval,
    /// Whose word counts.
    pub people: &'a People,
}

/// What a person said of a delivery that changes its post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnWord {
    /// A text for it, a template.
    pub text: Option<String>,
    /// Whether it was held for an image: who approves it sends it without.
    pub image_held: bool,
    /// Who asked for it by hand.
    pub asked_by: Option<String>,
    /// The template by which it was made, if it was published.
    pub template: Option<String>,
}

impl Store {
    /// What was said of a delivery, first to last.
    pub async fn approvals(&self, delivery: i64) -> Result<Vec<Approved>, StoreError> {
        let rows = query(ALL).bind(delivery).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// Keeps a person's approval of a held delivery, or of the held edit of a published one; with enough of them it may go
    /// out. Approvals of anything else that it was before are void. None if it is not held any more, or if another delivery
    /// has the slot that it would take; else the state's reason.
    pub async fn approve(&self, id: i64, word: &Word<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
        let mut transaction = self.begin_to_write().await?;
        let row = query(
            "select due_at, state from deliveries where id = ?
                and (state = 'held' or (state = 'published' and edit = 'held' and coalesce(removal, '') not in ('due', 'done')))",
        )
        .bind(id);
        let Some(row) = row.fetch_optional(&mut transaction).await? else { return Ok(None) };
        let is_edit = row.try_get::<String, _>("state")? == "published";
        let due_at = instant(row.try_get("due_at")?)?;
        if let Some(slot) = word.slot
            && is_taken(&mut transaction, id, slot.new.at).await?
        {
            return Ok(None);
        }
        let (print, post, visible) = match word.seen {
            Some(Seen { post, print, visible, .. }) => {
                (print, serde_json::to_string(post).unwrap_or_default(), visible)
            }
            None => ("", "null".to_owned(), 0),
        };
        let version = if visible == 0 { String::new() } else { format!("{visible:016x}") };
        if let Some(slot) = word.slot.filter(|_| word.seen.is_some()) {
            carry_over(&mut transaction, id, slot.before, print, now).await?;
        }
        void(&mut transaction, id, print, "what it approved changed", now).await?;
        query("insert into approvals (delivery, person, print, post, given_at, version) values (?, ?, ?, ?, ?, ?)")
            .bind(id)
            .bind(&word.by.person)
            .bind(print)
            .bind(post)
            .bind(micros(now))
            .bind(version)
            .execute(&mut transaction)
            .await?;
        let rows = query(ALL).bind(id).fetch_all(&mut transaction).await?;
        let given = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let (enough, reason) = match word.seen {
            None => (true, format!("approved by {}", word.by.person)),
            Some(Seen { print, approval, people, .. }) => {
                let people = plan::people(&given, print, approval, people, now);
                match people.len() >= usize::from(approval.people) {
                    true => (true, format!("approved by {}", people.join(", "))),
                    false => (false, plan::awaits(approval, &people)),
                }
            }
        };
        if is_edit {
            query(
                "update deliveries set reason = ?2, edit = iif(?3 = 1, 'due', edit), edit_at = iif(?3 = 1, ?4, edit_at),
                    edit_by_hand = max(edit_by_hand, ?3) where id = ?1",
            )
            .bind(id)
            .bind(&reason)
            .bind(i32::from(enough))
            .bind(micros(now))
            .execute(&mut transaction)
            .await?;
            acts::write(&mut transaction, word.by, "approve", Some(id), None, now).await?;
            log::seal(&mut transaction, now).await?;
            transaction.commit().await?;
            return Ok(Some(reason));
        }
        // What asks for no approval of its own is a person's from now on. So is what was due before, which is not too late,
        // and what a blackout held, which would hold it again. What takes another slot is its queue's, as it was.
        let (due_at, is_theirs) = match word.slot {
            Some(Slot { new, .. }) => (new.at, enough && new.is_kept),
            None => match word.seen {
                None => (due_at.max(now), enough),
                Some(Seen { is_in_blackout, .. }) => (due_at, enough && (due_at <= now || is_in_blackout)),
            },
        };
        let reason = if word.slot.is_some() { format!("{reason}, for the next free slot") } else { reason };
        // Who saw the post saw which images it has: one that is not as it should be stays away, or the approval is void.
        query("update deliveries set state = ?, reason = ?, due_at = ?, by_hand = max(by_hand, ?), image_held = max(image_held, ?) where id = ?")
            .bind(if enough { "pending" } else { "held" })
            .bind(&reason)
            .bind(micros(due_at))
            .bind(is_theirs)
            .bind(word.seen.is_some())
            .bind(id)
            .execute(&mut transaction)
            .await?;
        acts::write(&mut transaction, word.by, "approve", Some(id), None, now).await?;
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(Some(reason))
    }

    /// The slots from an instant on that other deliveries of a delivery's queue have.
    pub async fn slots_taken(&self, of: &Delivery, from: Timestamp) -> Result<BTreeSet<Timestamp>, StoreError> {
        let DeliveryKey { rule, endpoint, .. } = &of.key;
        let taken: Vec<i64> = query_scalar(
            "select due_at from deliveries where endpoint = ? and rule = ? and due_at >= ? and id <> ? and state <> 'cancelled'",
        )
        .bind(endpoint.as_str())
        .bind(rule)
        .bind(micros(from))
        .bind(of.id)
        .fetch_all(&self.pool)
        .await?;
        taken.into_iter().map(instant).collect()
    }

    /// Voids all approvals of a delivery but those of a print.
    pub async fn void_approvals(&self, id: i64, print: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin_to_write().await?;
        void(&mut transaction, id, print, why, now).await?;
        log::seal(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }

    /// What a person said of a delivery.
    pub async fn own_word(&self, id: i64) -> Result<OwnWord, StoreError> {
        let query = query("select override, image_held, asked_by, state, post from deliveries where id = ?").bind(id);
        let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(OwnWord::default()) };
        let post: Option<String> = row.try_get("post")?;
        let post = post.filter(|_| row.try_get::<String, _>("state").is_ok_and(|state| state == "published"));
        let post = post.and_then(|json| serde_json::from_str::<Post>(&json).ok());
        Ok(OwnWord {
            text: row.try_get("override")?,
            image_held: row.try_get("image_held")?,
            asked_by: row.try_get("asked_by")?,
            template: post.and_then(|post| post.template),
        })
    }
}

impl Pass {
    /// Holds again what was approved and is to go out otherwise than it was: what readers see of its article changed.
    pub(super) async fn hold_changed(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let changed: Vec<i64> = query_scalar(
            "select approvals.id from approvals
             join deliveries on deliveries.id = approvals.delivery join articles on articles.id = deliveries.article
             where voided_at is null and print <> '' and approvals.version <> visible and approvals.version <> ''
                and deliveries.state in ('pending', 'held') and look_first = 0",
        )
        .fetch_all(&mut self.transaction)
        .await?;
        let why = "the article changed since it was approved; approve it again";
        for approval in changed {
            query("update deliveries set state = 'held', reason = ? where id = (select delivery from approvals where id = ?)")
                .bind(why)
                .bind(approval)
                .execute(&mut self.transaction)
                .await?;
            // Whoever approved it as the article is now has said so, whatever becomes of an older word.
            query("update approvals set voided_at = ?, voided_why = ? where id = ?")
                .bind(micros(now))
                .bind(why)
                .bind(approval)
                .execute(&mut self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Voids the approvals of a delivery that has some, and holds it.
    pub(super) async fn hold_again(&mut self, id: i64, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let done = query(
            "update deliveries set state = 'held', reason = ? where id = ? and look_first = 0 and state in ('pending', 'held')
                and exists (select 1 from approvals where delivery = deliveries.id and voided_at is null and print <> '')",
        )
        .bind(why)
        .bind(id)
        .execute(&mut self.transaction)
        .await?;
        if done.rows_affected() > 0 {
            void(&mut self.transaction, id, "", why, now).await?;
        }
        Ok(())
    }
}

const ALL: &str = "select person, print, given_at, voided_at, voided_why from approvals where delivery = ? order by id";

/// Whether another delivery of the same queue has a slot.
async fn is_taken(transaction: &mut Transaction, id: i64, slot: Timestamp) -> Result<bool, StoreError> {
    let others: i64 = query_scalar(
        "select count(*) from deliveries as other join deliveries as this on this.rule = other.rule and this.endpoint = other.endpoint
         where this.id = ?1 and other.id <> ?1 and other.due_at = ?2 and other.state <> 'cancelled'",
    )
    .bind(id)
    .bind(micros(slot))
    .fetch_one(transaction)
    .await?;
    Ok(others > 0)
}

/// Lets the approvals of one print count for another one. What was said stays as it was said: each is voided, and written
/// once more.
async fn carry_over(
    transaction: &mut Transaction,
    id: i64,
    from: &str,
    to: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "insert into approvals (delivery, person, print, post, given_at, version)
         select delivery, person, ?3, post, given_at, version from approvals
         where delivery = ?1 and print = ?2 and voided_at is null order by id",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .execute(&mut *transaction)
    .await?;
    query("update approvals set voided_at = ?, voided_why = ? where delivery = ? and print = ? and voided_at is null")
        .bind(micros(now))
        .bind("its slot cannot be used any more: it counts for the next free one")
        .bind(id)
        .bind(from)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

async fn void(
    transaction: &mut Transaction,
    id: i64,
    print: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("update approvals set voided_at = ?, voided_why = ? where delivery = ? and print <> ? and voided_at is null")
        .bind(micros(now))
        .bind(why)
        .bind(id)
        .bind(print)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Approved, StoreError> {
    let at = row.try_get::<Option<i64>, _>("voided_at")?.map(instant).transpose()?;
    let why: Option<String> = row.try_get("voided_why")?;
    Ok(Approved {
        person: row.try_get("person")?,
        print: row.try_get("print")?,
        given_at: instant(row.try_get("given_at")?)?,
        voided: at.map(|at| (at, why.unwrap_or_default())),
    })
}
