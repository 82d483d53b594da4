//! One pass over the site in one transaction: the ledger, the feeds' memory and the plan's wishes.

use super::{Store, StoreError, corrupt, instant, micros, outbox};
use crate::article::ArticleId;
use crate::article::sketch::Sketch;
use crate::catalog::ledger::{self, Decided, Gone, Past, Row};
use crate::catalog::look::Looked;
use crate::catalog::{Catalog, Kind, Standing, index};
use crate::delivery::{Delivery, State};
use crate::feed::{Memory, Remembered};
use crate::plan::{Plan, Planned};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, Transaction};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

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

    /// What the index fits, and its pages; None if there is none.
    pub async fn index(&mut self) -> Result<Option<(String, Vec<Vec<u8>>)>, StoreError> {
        let Some(fits) = self.meta("index").await? else { return Ok(None) };
        let pages = sqlx::query_scalar("select body from index_pages").fetch_all(&mut *self.transaction).await?;
        Ok(Some((fits, pages)))
    }

    /// Writes pages of the index; empty ones are taken out. `whole` says that these are all there are, and what they
    /// fit.
    pub async fn write_index(&mut self, pages: Vec<(u16, Vec<u8>)>, whole: Option<&str>) -> Result<(), StoreError> {
        if let Some(fits) = whole {
            sqlx::query("delete from index_pages").execute(&mut *self.transaction).await?;
            self.set_meta("index", fits).await?;
        }
        for (page, body) in pages {
            let query = if body.is_empty() {
                sqlx::query("delete from index_pages where page = ?").bind(page)
            } else {
                sqlx::query("insert or replace into index_pages (page, body) values (?, ?)").bind(page).bind(body)
            };
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Says that the ledger changed and the index did not.
    pub async fn index_is_behind(&mut self) -> Result<(), StoreError> {
        sqlx::query("update meta set value = ? where name = 'index'")
            .bind(index::behind())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    async fn meta(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("select value from meta where name = ?").bind(name);
        Ok(query.fetch_optional(&mut *self.transaction).await?)
    }

    async fn set_meta(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query("insert or replace into meta (name, value) values (?, ?)")
            .bind(name)
            .bind(value)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Rows of the ledger: those of articles whose file is gone, or of all.
    pub async fn ledger(&mut self, all: bool) -> Result<Vec<Row>, StoreError> {
        // Of the text, only what the gist needs.
        let rows = sqlx::query(
            "select id, path, addresses, own_id, title, substr(sketch, 1, 52) as sketch, visible, first_seen, updated, state,
                state_since, decided, copy_of, likeness, gone_since
             from articles where ? or gone_since is not null order by id",
        )
        .bind(all)
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(read_row).collect()
    }

    /// The sampled texts of articles, as far as they are known.
    pub async fn texts(&mut self, ids: &BTreeSet<ArticleId>) -> Result<HashMap<ArticleId, Sketch>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = sqlx::query("select id, sketch from articles where id in (select value from json_each(?))")
            .bind(json_list(ids))
            .fetch_all(&mut *self.transaction)
            .await?;
        rows.iter()
            .map(|row| {
                let sketch: Vec<u8> = row.try_get("sketch")?;
                Ok((identity(row.try_get("id")?)?, Sketch::from_bytes(&sketch)))
            })
            .collect()
    }

    /// Writes what a look changed.
    pub async fn write(&mut self, rows: Rows) -> Result<(), StoreError> {
        for chunk in rows.0.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "insert into articles (id, path, addresses, own_id, title, sketch, visible, first_seen, updated, state,
                    state_since, decided, copy_of, likeness, gone_since) ",
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
                    .push_bind(written.gone_since);
            });
            query.push(
                " on conflict (id) do update set path = excluded.path, addresses = excluded.addresses,
                    own_id = excluded.own_id, title = excluded.title,
                    sketch = case when length(excluded.sketch) > 0 then excluded.sketch else articles.sketch end,
                    visible = excluded.visible, first_seen = excluded.first_seen, updated = excluded.updated,
                    state = excluded.state, state_since = excluded.state_since, decided = excluded.decided,
                    copy_of = excluded.copy_of, likeness = excluded.likeness, gone_since = excluded.gone_since",
            );
            query.build().persistent(false).execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// All deliveries.
    pub async fn outbox(&mut self) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query("select * from deliveries order by id").fetch_all(&mut *self.transaction).await?;
        rows.iter().map(outbox::read_delivery).collect()
    }

    /// The deliveries that a plan may change or must know: those that are not over; all of the articles of which one was
    /// called off with its article, and may come back; and all of the articles given.
    pub async fn outbox_of(&mut self, articles: &BTreeSet<ArticleId>) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "select * from deliveries
             where state in ('pending', 'held', 'sending', 'uncertain')
                or article in (select article from deliveries where withdrawn = 1)
                or article in (select value from json_each(?))
             order by id",
        )
        .bind(json_list(articles))
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(outbox::read_delivery).collect()
    }

    /// Entries that feeds show.
    pub async fn entries(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("select body from entries").fetch_all(&mut *self.transaction).await?)
    }

    /// Writes entries that feeds show, and takes out those that none shows any more.
    pub async fn write_entries(
        &mut self,
        shown: &[(ArticleId, String)],
        dropped: &BTreeSet<ArticleId>,
    ) -> Result<(), StoreError> {
        for chunk in shown.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("insert or replace into entries (article, body) ");
            query.push_values(chunk, |mut row, (id, body)| {
                row.push_bind(id.to_string()).push_bind(body);
            });
            query.build().persistent(false).execute(&mut *self.transaction).await?;
        }
        if !dropped.is_empty() {
            sqlx::query("delete from entries where article in (select value from json_each(?))")
                .bind(json_list(dropped))
                .execute(&mut *self.transaction)
                .await?;
        }
        Ok(())
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

/// Rows written by one statement.
const ROWS: usize = 500;

/// Identities as a JSON list: one value for a statement, however many they are.
fn json_list(ids: &BTreeSet<ArticleId>) -> String {
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

fn read_row(row: &SqliteRow) -> Result<Row, StoreError> {
    let addresses: String = row.try_get("addresses")?;
    let addresses: Vec<String> =
        serde_json::from_str(&addresses).map_err(|_| corrupt("list of addresses", addresses))?;
    let decided: Option<String> = row.try_get("decided")?;
    let copy_of: Option<String> = row.try_get("copy_of")?;
    let likeness: Option<f64> = row.try_get("likeness")?;
    let sketch: Vec<u8> = row.try_get("sketch")?;
    let own_id: Option<String> = row.try_get("own_id")?;
    let gone_since: Option<i64> = row.try_get("gone_since")?;
    let mut addresses = addresses.into_iter();
    Ok(Row {
        id: identity(row.try_get("id")?)?,
        path: row.try_get("path")?,
        title: row.try_get("title")?,
        address: addresses.next().unwrap_or_default(),
        past: Past {
            former: addresses.map(Into::into).collect(),
            own_id: own_id.map(Into::into),
            gist: Sketch::from_bytes(&sketch).gist(),
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
        },
        gone_since: gone_since.map(instant).transpose()?,
    })
}
