//! Published posts that follow their article. An edit that is done again changes nothing on any network; yet only one is
//! under way for a post at a time, and none together with its removal, so that what is said last is what stays.

use super::ledger::json_list;
use super::row::Row;
use super::silence::is_silent;
use super::sql::{query, query_scalar};
use super::{Pass, Store, StoreError, corrupt, instant, log, micros, outbox};
use crate::article::ArticleId;
use crate::config::EndpointName;
use crate::delivery::{Delivery, Receipt, State};
use crate::plan::{Edit, Edits, Planned, Posted};
use crate::post::Post;
use crate::span::after;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// A published post that is to be compared with its article, and made what that says.
#[derive(Debug)]
pub struct ToEdit {
    /// Its delivery.
    pub delivery: Delivery,
    /// The post as the network has it, as far as that is known.
    pub post: Post,
    /// A person's own text for it, a template.
    pub text: Option<String>,
    /// Whether it was held for an image: a person who let it go on since then knows.
    pub image_held: bool,
    /// Whether an edit was tried of which nobody knows whether it took effect.
    pub in_doubt: bool,
    /// Whether a person wants it.
    pub by_hand: bool,
    /// Whether a person is asked, whatever the rule says.
    pub asks: bool,
    /// How many tries there were, with this one.
    pub tries: u32,
    /// When the first of them was.
    pub since: Timestamp,
    /// The form of the article that made it due.
    wanted: Option<String>,
}

/// What came of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// The network has it as the article says in this form.
    Done {
        /// The post.
        post: Box<Post>,
        /// What the network answered.
        receipt: Receipt,
        /// The form of the article.
        edition: String,
    },
    /// The post says already what the article says in this form.
    Same(String),
    /// Its article is not there any more: nothing is to be done.
    Void,
    /// It is tried again.
    Again(Timestamp, String),
    /// A person says whether it is made.
    Held(String),
    /// It is not made, and a person is told.
    Failed(String),
}

/// How long a try has before another process may make it too.
pub(super) const TRY: SignedDuration = SignedDuration::from_mins(10);

/// A try has not longer than this, by a clock that is right.
pub(super) fn of_a_wrong_clock(now: Timestamp) -> Timestamp {
    after(now, TRY + TRY)
}

/// The posts of which a pass must know: of articles that changed, and those that came since the last one.
const POSTED: &str =
    "select * from deliveries where article in (select value from json_each(?)) and state = 'published'
    union select * from deliveries where edit = 'new' and state = 'published' order by id";

impl Pass {
    /// The published posts of which it may be that they are to say another thing: those of the articles given, and those
    /// that were published since the last pass.
    pub async fn posted(&mut self, articles: &BTreeSet<ArticleId>) -> Result<Vec<Posted>, StoreError> {
        let rows = query(POSTED).bind(json_list(articles)).fetch_all(&mut self.transaction).await?;
        let mut posted = Vec::new();
        for row in &rows {
            let Some(delivery) = outbox::readable(std::slice::from_ref(row))?.pop() else { continue };
            if delivery.is_leaving() {
                continue;
            }
            posted.push(Posted {
                delivery,
                edition: row.try_get("edition")?,
                wanted: row.try_get("edit_edition")?,
                in_doubt: row.try_get::<Option<String>, _>("edit_post")?.is_some(),
                by_hand: row.try_get("edit_by_hand")?,
                waits: row.try_get::<Option<String>, _>("edit")?.as_deref() == Some("new"),
            });
        }
        Ok(posted)
    }

    /// The articles of which a post waits to be edited, if nobody said that it should.
    pub async fn waiting_edits(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let waiting: Vec<String> = query_scalar(
            "select distinct article from deliveries where edit = 'due' and edit_by_hand = 0 and edit_tries = 0",
        )
        .fetch_all(&mut self.transaction)
        .await?;
        Ok(waiting.into_iter().collect())
    }

    /// Writes down what is decided of edits.
    pub async fn edit(&mut self, edits: &Edits, now: Timestamp) -> Result<(), StoreError> {
        for (id, edit) in &edits.of {
            let decided = match edit {
                Edit::Due { edition, at } => query(
                    "update deliveries set edit = 'due', edit_edition = ?2, edit_at = ?3, edit_since = null,
                        edit_tries = iif(edit_until > ?4, edit_tries, 0),
                        reason = 'its article changed; the post is compared with it once it has kept still'
                     where id = ?1 and state = 'published'",
                )
                .bind(*id)
                .bind(edition.as_str())
                .bind(micros(*at))
                .bind(micros(now)),
                // What is under way is not called back: what comes of it is recorded.
                Edit::Void => query(
                    "update deliveries set reason = iif(edit = 'new', reason, null), edit = null, edit_edition = null,
                        edit_asks = 0, edit_by_hand = 0
                     where id = ?1 and edit is not null and (edit_until is null or edit_until <= ?2)",
                )
                .bind(id)
                .bind(micros(now)),
                // As one that was just published, which every pass looks at. What a person wants is still wanted then.
                Edit::Wait => query(
                    "update deliveries set reason = iif(edit_edition is null, reason, null), edit = 'new', edit_edition = null,
                        edit_asks = 0
                     where id = ?1 and state = 'published' and edit is distinct from 'new' and (edit_until is null or edit_until <= ?2)",
                )
                .bind(id)
                .bind(micros(now)),
                Edit::Adopt(edition) => query(
                    "update deliveries set reason = iif(edit_edition is null, reason, null), edition = ?2, edit = null,
                        edit_edition = null, edit_asks = 0
                     where id = ?1 and state = 'published' and (edit_until is null or edit_until <= ?3)",
                )
                .bind(*id)
                .bind(edition.as_str())
                .bind(micros(now)),
            };
            decided.execute(&mut self.transaction).await?;
        }
        if edits.asks {
            query("update deliveries set edit_asks = 1 where edit = 'due' and edit_by_hand = 0 and edit_tries = 0")
                .execute(&mut self.transaction)
                .await?;
        }
        log::seal(&mut self.transaction, now).await
    }
}

fn read(row: &Row) -> Result<ToEdit, StoreError> {
    let json: Option<String> = row.try_get("post")?;
    let json = json.unwrap_or_default();
    Ok(ToEdit {
        delivery: outbox::read_delivery(row)?,
        post: serde_json::from_str(&json).map_err(|_| corrupt("post", json))?,
        text: row.try_get("override")?,
        image_held: row.try_get("image_held")?,
        in_doubt: row.try_get::<Option<String>, _>("edit_post")?.is_some(),
        by_hand: row.try_get("edit_by_hand")?,
        asks: row.try_get("edit_asks")?,
        tries: row.try_get("edit_tries")?,
        since: instant(row.try_get("edit_since")?)?,
        wanted: row.try_get("edit_edition")?,
    })
}

impl Store {
    /// Books the post that tells a correction of what a delivery posted. False if it is booked already, whatever became of it.
    pub async fn book_correction(&self, of: &Delivery, mark: &str, now: Timestamp) -> Result<bool, StoreError> {
        let planned = Planned {
            key: of.key.corrected(mark),
            network: of.network.clone(),
            path: of.path.clone(),
            due_at: now,
            state: State::Pending,
            reason: None,
        };
        let mut pass = self.pass().await?;
        let is_new = pass.book(&planned, now).await?;
        pass.seal_log(now).await?;
        pass.commit().await?;
        Ok(is_new)
    }

    /// What the network calls the newest post that stands of a delivery's article, rule and endpoint: the one that a
    /// correction answers.
    pub async fn corrects(&self, correction: &Delivery) -> Result<Option<String>, StoreError> {
        let key = &correction.key;
        let newest = query_scalar(
            "select remote_id from deliveries where article = ? and rule = ? and endpoint = ? and state = 'published'
                and step not like 'correction:%' and remote_id is not null and coalesce(removal, '') not in ('due', 'done')
             order by published_at desc, id desc limit 1",
        );
        Ok(newest
            .bind(key.article.to_string())
            .bind(&key.rule)
            .bind(key.endpoint.as_str())
            .fetch_optional(&self.pool)
            .await?)
    }

    /// What is decided of the edit of a post: `new`, `due`, `held`, `failed`; None if nothing is.
    pub async fn edit_state(&self, id: i64) -> Result<Option<String>, StoreError> {
        let edit: Option<Option<String>> =
            query_scalar("select edit from deliveries where id = ?").bind(id).fetch_optional(&self.pool).await?;
        Ok(edit.flatten())
    }

    /// The next post of an endpoint that is to be edited now; none while another edit or the removal of it is under way,
    /// nor in silence.
    pub async fn next_edit(&self, endpoint: &EndpointName, now: Timestamp) -> Result<Option<ToEdit>, StoreError> {
        // Mostly there is none: that is told without a wait for whoever writes.
        let next = self.next_edit_at(endpoint, now).await?;
        if next.is_none_or(|next| next > now) {
            return Ok(None);
        }
        let until = now.saturating_add(TRY).unwrap_or(Timestamp::MAX);
        let mut transaction = self.begin_to_write().await?;
        if is_silent(&mut transaction).await? {
            return Ok(None);
        }
        let row = query(
            "update deliveries set edit_until = ?1, edit_tries = edit_tries + 1, edit_since = coalesce(edit_since, ?2)
             where id = (select id from deliveries where edit = 'due' and endpoint = ?3 and edit_at <= ?2 and state = 'published'
                            and (coalesce(edit_until, 0) <= ?2 or edit_until > ?4) and coalesce(removal, '') not in ('due', 'done')
                         order by edit_at, id limit 1)
             returning *",
        )
        .bind(micros(until))
        .bind(micros(now))
        .bind(endpoint.as_str())
        .bind(micros(of_a_wrong_clock(now)))
        .fetch_optional(&mut transaction)
        .await?;
        let due = row.as_ref().map(|row| (row.try_get::<i64, _>("id"), read(row)));
        // Whatever it is that cannot be understood, a person must see to it; others are edited all the same.
        if let Some((id, Err(error @ StoreError::Corrupt { .. }))) = &due {
            query("update deliveries set edit = 'failed', edit_until = null, reason = ?1 where id = ?2")
                .bind(format!("its article changed, and the post stays as it is: {error}"))
                .bind(id.clone()?)
                .execute(&mut transaction)
                .await?;
        }
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        match due {
            None | Some((_, Err(StoreError::Corrupt { .. }))) => Ok(None),
            Some((_, due)) => due.map(Some),
        }
    }

    /// When the next post of an endpoint is to be edited.
    pub async fn next_edit_at(&self, endpoint: &EndpointName, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = query_scalar(
            "select min(max(edit_at, iif(edit_until <= ?2, edit_until, edit_at))) from deliveries where edit = 'due' and endpoint = ?1
                and coalesce(removal, '') not in ('due', 'done') and not exists(select 1 from silences where ended_at is null)",
        )
        .bind(endpoint.as_str())
        .bind(micros(of_a_wrong_clock(now)))
        .fetch_one(&self.pool)
        .await?;
        at.map(instant).transpose()
    }

    /// Notes what a post is made now, before anything is sent. False if it may not be any more: it is to be withdrawn, it
    /// is not wanted, or a person has everything held.
    pub async fn begin_edit(&self, due: &ToEdit, post: &Post, now: Timestamp) -> Result<bool, StoreError> {
        let json = serde_json::to_string(post).map_err(|_| corrupt("post", post.text.clone()))?;
        let mut transaction = self.begin_to_write().await?;
        if is_silent(&mut transaction).await? {
            return Ok(false);
        }
        let done = query(
            "update deliveries set edit_post = ?2, edit_until = ?3
             where id = ?1 and edit = 'due' and edit_tries = ?4 and edit_until > ?5 and coalesce(removal, '') not in ('due', 'done')",
        )
        .bind(due.delivery.id)
        .bind(json)
        .bind(micros(now.saturating_add(TRY).unwrap_or(Timestamp::MAX)))
        .bind(due.tries)
        .bind(micros(now))
        .execute(&mut transaction)
        .await?;
        log::seal(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Records what came of an edit. If its article changed again meanwhile, it stays due for that.
    pub async fn amended(&self, due: &ToEdit, amended: &Amended, now: Timestamp) -> Result<(), StoreError> {
        let (id, instant) = (due.delivery.id, micros(now));
        let mut transaction = self.begin_to_write().await?;
        // What the network has counts, whoever asks for what by now.
        let said = match amended {
            Amended::Done { post, receipt, edition } => {
                query(
                    "update deliveries set post = ?2, edition = ?3, edit_post = null, remote_id = ?4, remote_url = ?5, remote_parts = ?6
                     where id = ?1",
                )
                .bind(id)
                .bind(serde_json::to_string(post).map_err(|_| corrupt("post", post.text.clone()))?)
                .bind(edition.as_str())
                .bind(receipt.remote_id.as_str())
                .bind(&receipt.remote_url)
                .bind(serde_json::json!(receipt.parts).to_string())
                .execute(&mut transaction)
                .await?;
                Some("edited: its article changed")
            }
            Amended::Same(edition) => {
                let same = query("update deliveries set edition = ?2, edit_post = null where id = ?1").bind(id);
                same.bind(edition.as_str()).execute(&mut transaction).await?;
                None
            }
            Amended::Void => None,
            Amended::Again(_, reason) | Amended::Held(reason) | Amended::Failed(reason) => Some(reason.as_str()),
        };
        let (word, at) = match amended {
            // The next pass sees whether its article changed since it was read.
            Amended::Done { .. } | Amended::Same(_) => (Some("new"), instant),
            Amended::Void => (None, instant),
            Amended::Again(at, _) => (Some("due"), micros(*at)),
            Amended::Held(_) => (Some("held"), instant),
            Amended::Failed(_) => (Some("failed"), instant),
        };
        // A removal that was decided meanwhile has its own reason, and makes the edit void.
        query(
            "update deliveries set edit_until = null,
                edit = iif(coalesce(removal, '') in ('due', 'done'), null, iif(edit_edition is not distinct from ?2, ?3, edit)),
                edit_at = iif(edit_edition is not distinct from ?2, ?4, edit_at),
                reason = iif(coalesce(removal, '') in ('due', 'done'), reason, iif(edit_edition is not distinct from ?2, ?5, reason))
             where id = ?1 and edit = 'due' and edit_tries = ?6",
        )
        .bind(id)
        .bind(&due.wanted)
        .bind(word.map(str::to_owned))
        .bind(at)
        .bind(said.map(str::to_owned))
        .bind(due.tries)
        .execute(&mut transaction)
        .await?;
        query(
            "update deliveries set edit_edition = null, edit_asks = 0, edit_by_hand = 0, edit_tries = 0, edit_since = null
             where id = ? and (edit is null or edit = 'new')",
        )
        .bind(id)
        .execute(&mut transaction)
        .await?;
        log::seal(&mut transaction, now).await?;
        Ok(transaction.commit().await?)
    }
}
