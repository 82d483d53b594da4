//! The embedded endpoint's posts.

use super::sql::{query, query_scalar};
use super::{Store, StoreError, corrupt, instant, micros};
use crate::config::EndpointName;
use crate::post::Post;
use jiff::Timestamp;

/// A post on the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPost {
    /// Its number.
    pub id: i64,
    /// The endpoint it was posted to.
    pub endpoint: String,
    /// The post.
    pub post: Post,
    /// When it was posted.
    pub posted_at: Timestamp,
}

impl Store {
    /// Puts a post on the timeline; the same key again changes nothing. Its number.
    pub async fn journal_post(
        &self,
        endpoint: &EndpointName,
        key: &str,
        post: &Post,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        query("insert into journal (endpoint, key, text, url, language, posted_at, post) values (?, ?, ?, ?, ?, ?, ?) on conflict (key) do nothing")
            .bind(endpoint.as_str())
            .bind(key)
            .bind(&post.text)
            .bind(&post.url)
            .bind(&post.language)
            .bind(micros(now))
            .bind(serde_json::to_string(post).map_err(|_| corrupt("post", post.text.clone()))?)
            .execute(&self.pool)
            .await?;
        Ok(query_scalar("select id from journal where key = ?").bind(key).fetch_one(&self.pool).await?)
    }

    /// The number of the post of a key, if it is there.
    pub async fn journal_find(&self, key: &str) -> Result<Option<i64>, StoreError> {
        Ok(query_scalar("select id from journal where key = ?").bind(key).fetch_optional(&self.pool).await?)
    }

    /// Makes a post on the timeline what it is now. False if it is not there.
    pub async fn journal_edit(&self, endpoint: &EndpointName, key: &str, post: &Post) -> Result<bool, StoreError> {
        let done = query("update journal set text = ?, url = ?, language = ?, post = ? where endpoint = ? and key = ?")
            .bind(&post.text)
            .bind(&post.url)
            .bind(&post.language)
            .bind(serde_json::to_string(post).map_err(|_| corrupt("post", post.text.clone()))?)
            .bind(endpoint.as_str())
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a post off the timeline. One that is not there is gone.
    pub async fn journal_remove(&self, endpoint: &EndpointName, key: &str) -> Result<(), StoreError> {
        query("delete from journal where endpoint = ? and key = ?")
            .bind(endpoint.as_str())
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The newest posts, newest first.
    pub async fn journal(&self, at_most: u32) -> Result<Vec<JournalPost>, StoreError> {
        let rows = query("select * from journal order by id desc limit ?").bind(at_most).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let post = match row.try_get::<Option<String>, _>("post")? {
                    Some(json) => serde_json::from_str(&json).map_err(|_| corrupt("post", json))?,
                    // Of an earlier version: a text and nothing else.
                    None => Post {
                        text: row.try_get("text")?,
                        url: row.try_get("url")?,
                        language: row.try_get("language")?,
                        ..Post::default()
                    },
                };
                Ok(JournalPost {
                    id: row.try_get("id")?,
                    endpoint: row.try_get("endpoint")?,
                    post,
                    posted_at: instant(row.try_get("posted_at")?)?,
                })
            })
            .collect()
    }
}
