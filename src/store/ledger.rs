//! One pass over the site in one transaction: the ledger, the feeds' memory and the plan's wishes.

use super::{Store, StoreError, corrupt, instant, micros, outbox};
use crate::article::ArticleId;
use crate::article::sketch::Sketch;
use crate::catalog::ledger::{Decided, Row};
use crate::delivery::{Delivery, State};
use crate::feed::{Kind, Memory, Remembered};
use crate::plan::{Plan, Planned};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};
use std::collections::BTreeSet;

/// A transaction that has the database to itself until it is committed; dropped, it changes nothing.
pub struct Pass {
    transaction: Transaction<'static, Sqlite>,
}

impl Store {
    /// Begins a pass, when no other writer is at work.
    pub async fn pass(&self) -> Result<Pass, StoreError> {
        Ok(Pass { transaction: self.pool.begin_with("begin immediate").await? })
    }

    /// Begins a pass that will only look.
    pub async fn glance(&self) -> Result<Pass, StoreError> {
        Ok(Pass { transaction: self.pool.begin().await? })
    }
}

impl Pass {
    /// Whether no pass was ever made on this database.
    pub async fn is_first(&mut self) -> Result<bool, StoreError> {
        let found: Option<String> = sqlx::query_scalar("select value from meta where name = 'first_start'")
            .fetch_optional(&mut *self.transaction)
            .await?;
        Ok(found.is_none())
    }

    /// Remembers the first start.
    pub async fn first_start(&mut self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("insert into meta (name, value) values ('first_start', ?) on conflict (name) do nothing")
            .bind(now.to_string())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Collections that have been looked at.
    pub async fn collections(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let names: Vec<String> =
            sqlx::query_scalar("select name from collections").fetch_all(&mut *self.transaction).await?;
        Ok(names.into_iter().collect())
    }

    /// Remembers collections.
    pub async fn know_collections(&mut self, names: impl Iterator<Item = &String>) -> Result<(), StoreError> {
        for name in names {
            sqlx::query("insert into collections (name) values (?) on conflict (name) do nothing")
                .bind(name)
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }

    /// All rows of the ledger.
    pub async fn ledger(&mut self) -> Result<Vec<Row>, StoreError> {
        let rows = sqlx::query("select * from articles order by id").fetch_all(&mut *self.transaction).await?;
        rows.iter().map(read_row).collect()
    }

    /// Writes rows of the ledger.
    pub async fn write(&mut self, rows: impl Iterator<Item = &Row>) -> Result<(), StoreError> {
        for row in rows {
            let addresses = serde_json::to_string(&row.addresses).unwrap_or_else(|_| "[]".to_owned());
            sqlx::query(
                "insert or replace into articles (id, path, addresses, own_id, title, sketch, visible, first_seen, updated,
                    state, state_since, decided, copy_of, likeness, gone_since)
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(row.id.to_string())
            .bind(&row.path)
            .bind(addresses)
            .bind(&row.own_id)
            .bind(&row.title)
            .bind(row.sketch.to_bytes())
            .bind(&row.visible)
            .bind(micros(row.first_seen))
            .bind(micros(row.updated))
            .bind(&row.state)
            .bind(micros(row.state_since))
            .bind(row.decided.map(Decided::word))
            .bind(row.copy_of.map(|(id, _)| id.to_string()))
            .bind(row.copy_of.map(|(_, likeness)| likeness))
            .bind(row.gone_since.map(micros))
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(())
    }

    /// All deliveries.
    pub async fn outbox(&mut self) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query("select * from deliveries order by id").fetch_all(&mut *self.transaction).await?;
        rows.iter().map(outbox::read_delivery).collect()
    }

    /// What is remembered of the feeds.
    pub async fn memory(&mut self) -> Result<Memory, StoreError> {
        let mut memory = Memory::default();
        for row in sqlx::query("select * from feeds order by kind, term").fetch_all(&mut *self.transaction).await? {
            let kind: String = row.try_get("kind")?;
            memory.feeds.push(Remembered {
                kind: Kind::parse(&kind).ok_or_else(|| corrupt("kind of feed", kind))?,
                term: row.try_get("term")?,
                label: row.try_get("label")?,
                slug: row.try_get("slug")?,
                updated: instant(row.try_get("updated")?)?,
            });
        }
        for row in sqlx::query("select * from documents").fetch_all(&mut *self.transaction).await? {
            let at = instant(row.try_get("last_modified")?)?;
            memory.documents.insert(row.try_get("path")?, (row.try_get("etag")?, at));
        }
        Ok(memory)
    }

    /// Writes what is remembered of feeds, where it changed.
    pub async fn remember_feeds(&mut self, before: &Memory, after: &Memory) -> Result<(), StoreError> {
        for feed in after.feeds.iter().filter(|feed| !before.feeds.contains(feed)) {
            sqlx::query("insert or replace into feeds (kind, term, label, slug, updated) values (?, ?, ?, ?, ?)")
                .bind(feed.kind.word())
                .bind(&feed.term)
                .bind(&feed.label)
                .bind(&feed.slug)
                .bind(micros(feed.updated))
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Writes the validators of the feeds' documents, where they changed.
    pub async fn remember_documents(&mut self, before: &Memory, after: &Memory) -> Result<(), StoreError> {
        for (path, (etag, at)) in &after.documents {
            if before.documents.get(path) == Some(&(etag.clone(), *at)) {
                continue;
            }
            sqlx::query(
                "insert into documents (path, etag, last_modified) values (?, ?, ?)
                 on conflict (path) do update set etag = excluded.etag, last_modified = excluded.last_modified",
            )
            .bind(path)
            .bind(etag)
            .bind(micros(*at))
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(())
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
        for (id, due_at) in &plan.postpone {
            sqlx::query("update deliveries set due_at = ? where id = ? and state = 'pending' and look_first = 0")
                .bind(micros(*due_at))
                .bind(id)
                .execute(&mut *self.transaction)
                .await?;
        }
        for (id, reason) in &plan.hold {
            self.settle(*id, State::Held, reason, false).await?;
        }
        for planned in &plan.book {
            self.book(planned, now).await?;
        }
        for (id, decided) in &plan.decided {
            self.decide(*id, *decided).await?;
        }
        Ok(())
    }

    async fn decide(&mut self, id: ArticleId, decided: Decided) -> Result<(), StoreError> {
        sqlx::query("update articles set decided = ? where id = ?")
            .bind(decided.word())
            .bind(id.to_string())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Ends a delivery that never went out.
    async fn settle(&mut self, id: i64, state: State, reason: &str, withdrawn: bool) -> Result<(), StoreError> {
        sqlx::query(
            "update deliveries set state = ?, reason = ?, withdrawn = ? where id = ? and look_first = 0 and state in ('pending', 'held')",
        )
        .bind(state.word())
        .bind(reason)
        .bind(withdrawn)
        .bind(id)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Books one delivery; one that is there stays as it is.
    pub async fn book(&mut self, planned: &Planned, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "insert into deliveries (article, rule, step, endpoint, network, path, state, due_at, reason, booked_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             on conflict (article, rule, step, endpoint) do update
                set state = excluded.state, due_at = excluded.due_at, reason = excluded.reason, path = excluded.path, withdrawn = 0,
                    retry_at = null, patience_from = null, override = null, by_hand = 0, looks = 0
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
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// A person wants a delivery now: books it if need be, and makes it due. Its number. One that went out, is going
    /// out, is uncertain, is held or was called off by a person stays as it is.
    pub async fn expedite(&mut self, planned: &Planned, text: Option<&str>, now: Timestamp) -> Result<i64, StoreError> {
        self.book(planned, now).await?;
        let key = &planned.key;
        let id: i64 = sqlx::query_scalar(
            "select id from deliveries where article = ? and rule = ? and step = ? and endpoint = ?",
        )
        .bind(key.article.to_string())
        .bind(&key.rule)
        .bind(&key.step)
        .bind(key.endpoint.as_str())
        .fetch_one(&mut *self.transaction)
        .await?;
        sqlx::query(
            "update deliveries set state = 'pending', due_at = ?, retry_at = null, override = coalesce(?, override), reason = null,
                withdrawn = 0, by_hand = 1
             where id = ? and look_first = 0 and (state in ('pending', 'failed') or (state = 'cancelled' and withdrawn = 1))",
        )
        .bind(micros(now))
        .bind(text)
        .bind(id)
        .execute(&mut *self.transaction)
        .await?;
        Ok(id)
    }

    /// Makes the pass count.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        Ok(())
    }
}

fn read_row(row: &SqliteRow) -> Result<Row, StoreError> {
    let identity = |text: String| ArticleId::parse(&text).ok_or_else(|| corrupt("identity", text));
    let addresses: String = row.try_get("addresses")?;
    let decided: Option<String> = row.try_get("decided")?;
    let copy_of: Option<String> = row.try_get("copy_of")?;
    let likeness: Option<f64> = row.try_get("likeness")?;
    let sketch: Vec<u8> = row.try_get("sketch")?;
    let gone_since: Option<i64> = row.try_get("gone_since")?;
    Ok(Row {
        id: identity(row.try_get("id")?)?,
        path: row.try_get("path")?,
        addresses: serde_json::from_str(&addresses).map_err(|_| corrupt("list of addresses", addresses.clone()))?,
        own_id: row.try_get("own_id")?,
        title: row.try_get("title")?,
        sketch: Sketch::from_bytes(&sketch),
        visible: row.try_get("visible")?,
        first_seen: instant(row.try_get("first_seen")?)?,
        updated: instant(row.try_get("updated")?)?,
        state: row.try_get("state")?,
        state_since: instant(row.try_get("state_since")?)?,
        decided: decided.map(|word| Decided::parse(&word).ok_or_else(|| corrupt("decision", word))).transpose()?,
        copy_of: match (copy_of, likeness) {
            (Some(id), Some(likeness)) => Some((identity(id)?, likeness)),
            _ => None,
        },
        gone_since: gone_since.map(instant).transpose()?,
    })
}
