//! What can be found out again, and is kept so that nobody waits for it: the index, and what is remembered of the feeds.

use super::ledger::{ROWS, json_list};
use super::sql::{QueryBuilder, query, query_scalar};
use super::{Pass, StoreError, corrupt, instant, micros};
use crate::article::ArticleId;
use crate::catalog::{Kind, index};
use crate::feed::{Memory, Remembered};
use std::collections::BTreeSet;

impl Pass {
    /// What the index fits, and its pages; None if there is none.
    pub async fn index(&mut self) -> Result<Option<(String, Vec<Vec<u8>>)>, StoreError> {
        let Some(fits) = self.meta("index").await? else { return Ok(None) };
        let pages = query_scalar("select body from index_pages").fetch_all(&mut self.transaction).await?;
        Ok(Some((fits, pages)))
    }

    /// Writes pages of the index; empty ones are taken out. `whole` says that these are all there are, and what they
    /// fit.
    pub async fn write_index(&mut self, pages: Vec<(u16, Vec<u8>)>, whole: Option<&str>) -> Result<(), StoreError> {
        if let Some(fits) = whole {
            query("delete from index_pages").execute(&mut self.transaction).await?;
            self.set_meta("index", fits).await?;
        }
        for (page, body) in pages {
            let query = if body.is_empty() {
                query("delete from index_pages where page = ?").bind(page)
            } else {
                query("insert into index_pages (page, body) values (?, ?) on conflict (page) do update set body = excluded.body").bind(page).bind(body)
            };
            query.execute(&mut self.transaction).await?;
        }
        Ok(())
    }

    /// Says that the ledger changed and the index did not.
    pub async fn index_is_behind(&mut self) -> Result<(), StoreError> {
        query("update meta set value = ? where name = 'index'")
            .bind(index::behind())
            .execute(&mut self.transaction)
            .await?;
        Ok(())
    }

    /// Entries that feeds show.
    pub async fn entries(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(query_scalar("select body from entries").fetch_all(&mut self.transaction).await?)
    }

    /// Writes entries that feeds show, and takes out those that none shows any more.
    pub async fn write_entries(
        &mut self,
        shown: &[(ArticleId, String)],
        dropped: &BTreeSet<ArticleId>,
    ) -> Result<(), StoreError> {
        for chunk in shown.chunks(ROWS) {
            let mut query = QueryBuilder::new("insert into entries (article, body) ");
            query.push_values(chunk, |mut row, (id, body)| {
                row.push_bind(id.to_string()).push_bind(body);
            });
            query.push(" on conflict (article) do update set body = excluded.body");
            query.build().execute(&mut self.transaction).await?;
        }
        if !dropped.is_empty() {
            query("delete from entries where article in (select value from json_each(?))")
                .bind(json_list(dropped))
                .execute(&mut self.transaction)
                .await?;
        }
        Ok(())
    }

    /// What is remembered of the feeds.
    pub async fn memory(&mut self) -> Result<Memory, StoreError> {
        let mut memory = Memory::default();
        for row in query("select * from feeds order by kind, term").fetch_all(&mut self.transaction).await? {
            let kind: String = row.try_get("kind")?;
            let (changed, print): (Option<i64>, String) = (row.try_get("changed")?, row.try_get("print")?);
            memory.feeds.push(Remembered {
                kind: Kind::parse(&kind).ok_or_else(|| corrupt("kind of feed", kind))?,
                term: row.try_get("term")?,
                label: row.try_get("label")?,
                slug: row.try_get("slug")?,
                updated: instant(row.try_get("updated")?)?,
                changed: instant(changed.unwrap_or(row.try_get("updated")?))?,
                print: u64::from_str_radix(&print, 16).unwrap_or(0),
            });
        }
        for row in query("select * from documents").fetch_all(&mut self.transaction).await? {
            let at = instant(row.try_get("last_modified")?)?;
            memory.documents.insert(row.try_get("path")?, (row.try_get("etag")?, at));
        }
        Ok(memory)
    }

    /// Writes what is remembered of feeds, where it changed.
    pub async fn remember_feeds(&mut self, before: &Memory, after: &Memory) -> Result<(), StoreError> {
        for feed in after.feeds.iter().filter(|feed| !before.feeds.contains(feed)) {
            query(
                "insert into feeds (kind, term, label, slug, updated, changed, print) values (?, ?, ?, ?, ?, ?, ?)
                 on conflict (kind, term) do update set label = excluded.label, slug = excluded.slug,
                    updated = excluded.updated, changed = excluded.changed, print = excluded.print",
            )
            .bind(feed.kind.word())
            .bind(&feed.term)
            .bind(&feed.label)
            .bind(&feed.slug)
            .bind(micros(feed.updated))
            .bind(micros(feed.changed))
            .bind(format!("{:016x}", feed.print))
            .execute(&mut self.transaction)
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
            query(
                "insert into documents (path, etag, last_modified) values (?, ?, ?)
                 on conflict (path) do update set etag = excluded.etag, last_modified = excluded.last_modified",
            )
            .bind(path)
            .bind(etag)
            .bind(micros(*at))
            .execute(&mut self.transaction)
            .await?;
        }
        Ok(())
    }
}
