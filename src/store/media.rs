//! Images of posts, kept once by their content: a try that is repeated sends the same bytes, and so does every network
//! that takes them.

use super::sql::{query, query_scalar};
use super::{Store, StoreError, micros};
use jiff::Timestamp;

impl Store {
    /// Keeps the bytes of an image under their digest. What is there stays.
    pub async fn keep_media(
        &self,
        digest: &str,
        media_type: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query("insert into media (digest, media_type, body, kept_at) values (?, ?, ?, ?) on conflict do nothing")
            .bind(digest)
            .bind(media_type)
            .bind(bytes)
            .bind(micros(now))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The bytes of an image by their digest.
    pub async fn media(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(query_scalar("select body from media where digest = ?").bind(digest).fetch_optional(&self.pool).await?)
    }

    /// The media type and the bytes of an image by its digest.
    pub async fn image(&self, digest: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let row = query("select media_type, body from media where digest = ?");
        let row = row.bind(digest).fetch_optional(&self.pool).await?;
        row.map(|row| Ok((row.try_get("media_type")?, row.try_get("body")?))).transpose()
    }

    /// The media type and the bytes of an image that a post of the journal shows. `digest` is hexadecimal.
    pub async fn journal_image(&self, digest: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let row = query(
            r#"select media_type, body from media where digest = ?1
                and exists (select 1 from journal where post like '%"digest":"' || ?1 || '"%')"#,
        )
        .bind(digest)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((row.try_get("media_type")?, row.try_get("body")?))).transpose()
    }
}
