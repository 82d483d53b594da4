//! One pass over the site in one transaction, and the ledger: what is remembered of every article.

use super::row::Row as SqlRow;
use super::sql::{QueryBuilder, Transaction, query, query_scalar};
use super::{Store, StoreError, corrupt, instant, micros};
use crate::article::ArticleId;
use crate::article::sketch::Sketch;
use crate::catalog::ledger::{self, Decided, Gone, Past, Row};
use crate::catalog::look::Looked;
use crate::catalog::{Catalog, Standing};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A transaction that has the database to itself until it is committed; dropped, it changes nothing.
pub struct Pass {
    pub(super) transaction: Transaction,
}

impl Store {
    /// Begins a pass, when no other writer is at work.
    pub async fn pass(&self) -> Result<Pass, StoreError> {
        Ok(Pass { transaction: self.begin_to_write().await? })
    }

    /// Begins a pass that will only look.
    pub async fn glance(&self) -> Result<Pass, StoreError> {
        Ok(Pass { transaction: self.pool.begin_to_read().await? })
    }
}

impl Pass {
    /// Whether no pass was ever made on this database.
    pub async fn is_first(&mut self) -> Result<bool, StoreError> {
        let found: Option<String> = query_scalar("select value from meta where name = 'first_start'")
            .fetch_optional(&mut self.transaction)
            .await?;
        Ok(found.is_none())
    }

    /// Remembers the first start.
    pub async fn first_start(&mut self, now: Timestamp) -> Result<(), StoreError> {
        query("insert into meta (name, value) values ('first_start', ?) on conflict (name) do nothing")
            .bind(now.to_string())
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Collections that have been looked at.
    pub async fn collections(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let names: Vec<String> = query_scalar("select name from collections").fetch_all(&mut self.transaction).await?;
        Ok(names.into_iter().collect())
    }

    /// Remembers collections.
    pub async fn know_collections(&mut self, names: impl Iterator<Item = &String>) -> Result<(), StoreError> {
        for name in names {
            query("insert into collections (name) values (?) on conflict (name) do nothing")
                .bind(name)
                .execute(&mut self.transaction)
                .await?;
        }
        Ok(())
    }

    /// A number that changes with every change of the ledger: whoever keeps the catalog in memory tells by it whether
    /// another process was at work.
    pub async fn generation(&mut self) -> Result<i64, StoreError> {
        Ok(self.meta("generation").await?.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Tells the others that the ledger changed. The new number.
    pub async fn next_generation(&mut self) -> Result<i64, StoreError> {
        let next = self.generation().await? + 1;
        self.set_meta("generation", &next.to_string()).await?;
        Ok(next)
    }

    pub(super) async fn meta(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let query = query_scalar("select value from meta where name = ?").bind(name);
        Ok(query.fetch_optional(&mut self.transaction).await?)
    }

    pub(super) async fn set_meta(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        query("insert into meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value")
            .bind(name)
            .bind(value)
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Rows of the ledger: those of articles whose file is gone, or of all.
    pub async fn ledger(&mut self, all: bool) -> Result<Vec<Row>, StoreError> {
        // Of the text, only what the gist needs.
        let rows = query(
            "select id, path, addresses, own_id, title, substr(sketch, 1, 52) as sketch, visible, first_seen, updated, state,
                state_since, decided, copy_of, likeness, gone_since, withdrawn_at, event, guid
             from articles where ? = 1 or gone_since is not null order by id",
        )
        .bind(all)
        .fetch_all(&mut self.transaction)
        .await?;
        rows.iter().map(read_row).collect()
    }

    /// The sampled texts of articles, as far as they are known.
    pub async fn texts(&mut self, ids: &BTreeSet<ArticleId>) -> Result<HashMap<ArticleId, Sketch>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = query("select id, sketch from articles where id in (select value from json_each(?))")
            .bind(json_list(ids))
            .fetch_all(&mut self.transaction)
            .await?;
        rows.iter()
            .map(|row| {
                let sketch: Option<Vec<u8>> = row.try_get("sketch")?;
                Ok((identity(row.try_get("id")?)?, Sketch::from_bytes(&sketch.unwrap_or_default())))
            })
            .collect()
    }

    /// Writes what a look changed.
    pub async fn write(&mut self, rows: Rows) -> Result<(), StoreError> {
        for chunk in rows.0.chunks(ROWS) {
            let mut query = QueryBuilder::new(
                "insert into articles (id, path, addresses, own_id, title, sketch, visible, first_seen, updated, state,
                    state_since, decided, copy_of, likeness, gone_since, withdrawn_at, event, guid) ",
            );
            query.push_values(chunk, |mut row, written| {
                row.push_bind(written.id.to_string())
                    .push_bind(&written.path)
                    .push_bind(&written.addresses)
                    .push_bind(&written.own_id)
                    .push_bind(&written.title)
                    .push_bind(&written.sketch)
                    .push_bind(format!("{:016x}", written.visible))
                    .push_bind(written.first_seen)
                    .push_bind(written.updated)
                    .push_bind(format!("{:016x}", written.state))
                    .push_bind(written.state_since)
                    .push_bind(written.decided)
                    .push_bind(&written.copy_of)
                    .push_bind(written.likeness)
                    .push_bind(written.gone_since)
                    .push_bind(written.withdrawn_at)
                    .push_bind(&written.event)
                    .push_bind(&written.guid);
            });
            query.push(
                " on conflict (id) do update set path = excluded.path, addresses = excluded.addresses,
                    own_id = excluded.own_id, title = excluded.title,
                    sketch = case when length(excluded.sketch) > 0 then excluded.sketch else articles.sketch end,
                    visible = excluded.visible, first_seen = excluded.first_seen, updated = excluded.updated,
                    state = excluded.state, state_since = excluded.state_since, decided = excluded.decided,
                    copy_of = excluded.copy_of, likeness = excluded.likeness, gone_since = excluded.gone_since,
                    withdrawn_at = excluded.withdrawn_at, event = excluded.event,
                    guid = excluded.guid",
            );
            query.build().execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// Makes the pass count.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        Ok(())
    }
}

/// Rows written by one statement.
pub(super) const ROWS: usize = 500;

/// Identities as a JSON list: one value for a statement, however many they are.
pub(super) fn json_list(ids: &BTreeSet<ArticleId>) -> String {
    let texts: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", texts.join(","))
}

/// Rows of the ledger, as they are written.
#[derive(Debug, Default)]
pub struct Rows(Vec<Written>);

impl Rows {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the articles that a look changed.
    pub fn of(catalog: &Catalog, looked: Looked) -> Self {
        let standing = looked
            .changed
            .iter()
            .filter_map(|(id, sketch)| catalog.get(id).map(|standing| Written::standing(standing, sketch.as_ref())));
        let gone = looked.gone.iter().filter_map(|id| catalog.gone(id)).map(Written::gone);
        Self(standing.chain(gone).collect())
    }

    /// Those of articles that stand.
    pub fn standing(catalog: &Catalog, ids: &[ArticleId]) -> Self {
        Self(ids.iter().filter_map(|id| catalog.get(id)).map(|standing| Written::standing(standing, None)).collect())
    }
}

/// A row as it is written.
#[derive(Debug)]
struct Written {
    id: ArticleId,
    path: String,
    addresses: String,
    own_id: Option<String>,
    title: String,
    sketch: Vec<u8>,
    visible: u64,
    first_seen: i64,
    updated: i64,
    state: u64,
    state_since: i64,
    decided: Option<&'static str>,
    copy_of: Option<String>,
    likeness: Option<f64>,
    gone_since: Option<i64>,
    withdrawn_at: Option<i64>,
    event: Option<String>,
    guid: Option<String>,
}

impl Written {
    fn new(id: ArticleId, path: &str, title: &str, address: &str, past: &Past) -> Self {
        let addresses: Vec<&str> = std::iter::once(address).chain(past.former.iter().map(|former| &**former)).collect();
        Self {
            id,
            path: path.to_owned(),
            addresses: serde_json::to_string(&addresses).unwrap_or_else(|_| "[]".to_owned()),
            own_id: past.own_id.as_deref().map(str::to_owned),
            title: title.to_owned(),
            sketch: Vec::new(),
            visible: past.visible,
            first_seen: micros(past.first_seen),
            updated: micros(past.updated),
            state: past.state,
            state_since: micros(past.state_since),
            decided: past.decided.map(Decided::word),
            copy_of: past.copy_of.as_ref().map(|copy| copy.0.to_string()),
            likeness: past.copy_of.as_ref().map(|copy| copy.1),
            gone_since: None,
            withdrawn_at: past.withdrawn.map(micros),
            event: past.event.as_ref().and_then(|event| serde_json::to_string(event).ok()),
            guid: past.guid.as_deref().map(str::to_owned),
        }
    }

    fn standing(standing: &Arc<Standing>, sketch: Option<&Sketch>) -> Self {
        let article = &standing.article;
        let address = ledger::without_scheme(&article.url);
        let written = Self::new(standing.id, &article.path, &article.title, address, &standing.past);
        Self { sketch: sketch.map(Sketch::to_bytes).unwrap_or_default(), ..written }
    }

    fn gone(gone: &Gone) -> Self {
        let written = Self::new(gone.id, &gone.path, &gone.title, &gone.address, &gone.past);
        Self { gone_since: Some(micros(gone.since)), ..written }
    }
}

fn identity(text: String) -> Result<ArticleId, StoreError> {
    ArticleId::parse(&text).ok_or_else(|| corrupt("identity", text))
}

fn hash(text: String) -> Result<u64, StoreError> {
    if text.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(&text, 16).map_err(|_| corrupt("hash", text))
}

fn read_row(row: &SqlRow) -> Result<Row, StoreError> {
    let addresses: String = row.try_get("addresses")?;
    let addresses: Vec<String> =
        serde_json::from_str(&addresses).map_err(|_| corrupt("list of addresses", addresses))?;
    let decided: Option<String> = row.try_get("decided")?;
    let copy_of: Option<String> = row.try_get("copy_of")?;
    let likeness: Option<f64> = row.try_get("likeness")?;
    let sketch: Option<Vec<u8>> = row.try_get("sketch")?;
    let own_id: Option<String> = row.try_get("own_id")?;
    let gone_since: Option<i64> = row.try_get("gone_since")?;
    let withdrawn: Option<i64> = row.try_get("withdrawn_at")?;
    let guid: Option<String> = row.try_get("guid")?;
    let event: Option<String> = row.try_get("event")?;
    let mut addresses = addresses.into_iter();
    Ok(Row {
        id: identity(row.try_get("id")?)?,
        path: row.try_get("path")?,
        title: row.try_get("title")?,
        address: addresses.next().unwrap_or_default(),
        past: Past {
            former: addresses.map(Into::into).collect(),
            own_id: own_id.map(Into::into),
            guid: guid.map(Into::into),
            gist: Sketch::from_bytes(&sketch.unwrap_or_default()).gist(),
            visible: hash(row.try_get("visible")?)?,
            first_seen: instant(row.try_get("first_seen")?)?,
            updated: instant(row.try_get("updated")?)?,
            state: hash(row.try_get("state")?)?,
            state_since: instant(row.try_get("state_since")?)?,
            decided: decided.map(|word| Decided::parse(&word).ok_or_else(|| corrupt("decision", word))).transpose()?,
            copy_of: match (copy_of, likeness) {
                (Some(id), Some(likeness)) => Some(Box::new((identity(id)?, likeness))),
                _ => None,
            },
            withdrawn: withdrawn.map(instant).transpose()?,
            event: event.map(|event| serde_json::from_str(&event).map_err(|_| corrupt("event", event))).transpose()?,
        },
        gone_since: gone_since.map(instant).transpose()?,
    })
}
