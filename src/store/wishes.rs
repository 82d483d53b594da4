//! What a plan wishes, carried out: deliveries are booked, called off, put off, held.

use super::ledger::json_list;
use super::outbox::{self, columns};
use super::sql::{query, query_scalar};
use super::{Pass, StoreError, acts, micros};
use crate::article::ArticleId;
use crate::catalog::Decided;
use crate::delivery::{Delivery, State};
use crate::people::By;
use crate::plan::{Plan, Planned};
use jiff::Timestamp;
use std::collections::BTreeSet;

impl Pass {
    /// All deliveries.
    pub async fn outbox(&mut self) -> Result<Vec<Delivery>, StoreError> {
        let rows = query(concat!("select ", columns!(), " from deliveries order by id"))
            .fetch_all(&mut self.transaction)
            .await?;
        outbox::readable(&rows)
    }

    /// The deliveries that a plan may change or must know: those that are not over; those of campaigns, whose order
    /// and slots hang on what went out; all of the articles of which one was called off with its article, and may come back;
    /// and all of the articles given; and what went out in the slot of `now`, or in a later one, since the clock was set
    /// back: its slot is taken.
    pub async fn outbox_of(
        &mut self,
        articles: &BTreeSet<ArticleId>,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        // Each part has an index of its own: what ever went out is not looked at.
        let rows = query(concat!(
            "select ",
            columns!(),
            " from deliveries where id in (
                select id from deliveries where state in ('pending', 'held', 'sending', 'uncertain')
                union select id from deliveries where step = 'campaign'
                union select id from deliveries where article in (select article from deliveries where withdrawn = 1)
                union select id from deliveries where article in (select value from json_each(?))
                union select id from deliveries where state = 'published' and due_at >= ?
             ) order by id"
        ))
        .bind(json_list(articles))
        .bind(micros(now))
        .fetch_all(&mut self.transaction)
        .await?;
        outbox::readable(&rows)
    }

    /// Carries out the plan: what it books has unique keys, so a key that is there stays as it is, unless it was
    /// cancelled with its article.
    pub async fn carry_out(&mut self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        for (id, reason) in &plan.withdraw {
            self.settle(*id, State::Cancelled, reason, true).await?;
        }
        for (id, reason) in &plan.expire {
            self.settle(*id, State::Failed, reason, false).await?;
        }
        for (id, reason) in &plan.drop {
            self.settle(*id, State::Cancelled, reason, false).await?;
        }
        for (id, due_at) in &plan.postpone {
            query("update deliveries set due_at = ? where id = ? and state in ('pending', 'held') and look_first = 0")
                .bind(micros(*due_at))
                .bind(id)
                .execute(&mut self.transaction)
                .await?;
            self.hold_again(*id, "its time changed since it was approved; approve it again", now).await?;
        }
        self.hold_changed(now).await?;
        for (id, reason) in &plan.hold {
            self.settle(*id, State::Held, reason, false).await?;
        }
        for planned in &plan.book {
            self.book(planned, now).await?;
        }
        for (id, decided) in &plan.decided {
            self.decide(*id, *decided).await?;
        }
        self.seal_log(now).await
    }

    async fn decide(&mut self, id: ArticleId, decided: Decided) -> Result<(), StoreError> {
        query("update articles set decided = ? where id = ?")
            .bind(decided.word())
            .bind(id.to_string())
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Ends a delivery that never went out.
    async fn settle(&mut self, id: i64, state: State, reason: &str, withdrawn: bool) -> Result<(), StoreError> {
        query(
            "update deliveries set state = ?, reason = ?, withdrawn = ? where id = ? and look_first = 0 and state in ('pending', 'held')",
        )
        .bind(state.word())
        .bind(reason)
        .bind(withdrawn)
        .bind(id)
        .execute(&mut self.transaction)
        .await?;
        Ok(())
    }

    /// Books one delivery; one that is there stays as it is.
    /// Whether it was booked.
    pub(super) async fn book(&mut self, planned: &Planned, now: Timestamp) -> Result<bool, StoreError> {
        let done = query(
            "insert into deliveries (article, rule, step, endpoint, network, path, state, due_at, reason, booked_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             on conflict (article, rule, step, endpoint) do update
                set state = excluded.state, due_at = excluded.due_at, reason = excluded.reason, path = excluded.path, withdrawn = 0,
                    retry_at = null, patience_from = null, override = null, asked_by = null, by_hand = 0, looks = 0
                where deliveries.withdrawn = 1 and deliveries.state = 'cancelled'",
        )
        .bind(planned.key.article.to_string())
        .bind(&planned.key.rule)
        .bind(&planned.key.step)
        .bind(planned.key.endpoint.as_str())
        .bind(&planned.network)
        .bind(&planned.path)
        .bind(planned.state.word())
        .bind(micros(planned.due_at))
        .bind(&planned.reason)
        .bind(micros(now))
        .execute(&mut self.transaction)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Books deliveries, and nothing else, in this transaction.
    pub async fn book_all(&mut self, planned: &[Planned], now: Timestamp) -> Result<(), StoreError> {
        for planned in planned {
            self.book(planned, now).await?;
        }
        self.seal_log(now).await
    }

    /// A person wants a delivery now: books it if need be, and makes it due. Its number. One that went out, is going
    /// out, is uncertain, is held or was called off by a person stays as it is; but what is held takes the person's text,
    /// and what was approved of it falls with the text that it had.
    pub async fn expedite(
        &mut self,
        planned: &Planned,
        text: Option<&str>,
        by: &By,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let is_new = self.book(planned, now).await?;
        let key = &planned.key;
        let id: i64 =
            query_scalar("select id from deliveries where article = ? and rule = ? and step = ? and endpoint = ?")
                .bind(key.article.to_string())
                .bind(&key.rule)
                .bind(&key.step)
                .bind(key.endpoint.as_str())
                .fetch_one(&mut self.transaction)
                .await?;
        // One that a person must approve is held from the beginning, with the text that was asked for.
        let done = query(
            "update deliveries set state = iif(state = 'held', 'held', 'pending'), due_at = ?1, retry_at = null, patience_from = null, looks = 0,
                override = coalesce(?2, override), reason = iif(state = 'held', reason, null), withdrawn = 0, by_hand = 1,
                asked_by = iif(instr(', ' || asked_by || ', ', ', ' || ?3 || ', ') > 0, asked_by, coalesce(asked_by || ', ', '') || ?3)
             where id = ?4 and look_first = 0
                and (state in ('pending', 'failed') or (state = 'cancelled' and withdrawn = 1) or (state = 'held' and ?5 = 1))",
        )
        .bind(micros(now))
        .bind(text)
        .bind(&by.person)
        .bind(id)
        .bind(is_new)
        .execute(&mut self.transaction)
        .await?;
        let mut is_done = done.rows_affected() == 1;
        if let Some(text) = text.filter(|_| !is_done) {
            let done = query(
                "update deliveries set override = ?1,
                    asked_by = iif(instr(', ' || asked_by || ', ', ', ' || ?2 || ', ') > 0, asked_by, coalesce(asked_by || ', ', '') || ?2)
                 where id = ?3 and state = 'held' and look_first = 0",
            )
            .bind(text)
            .bind(&by.person)
            .bind(id);
            is_done = done.execute(&mut self.transaction).await?.rows_affected() == 1;
        }
        if is_done {
            acts::write(&mut self.transaction, by, "publish now", Some(id), text, now).await?;
        }
        self.seal_log(now).await?;
        Ok(id)
    }
}
