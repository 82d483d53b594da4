//! Images of posts, kept once by their content: a try that is repeated sends the same bytes, and so does every network
//! that takes them.

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
        sqlx::query("insert into media (digest, media_type, body, kept_at) values (?, ?, ?, ?) on conflict do nothing")
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
        Ok(sqlx::query_scalar("select body from media where digest = ?")
            .bind(digest)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// The media type and the bytes of an image that a post of the journal shows.
    pub async fn journal_image(&self, digest: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        Ok(sqlx::query_as(
            "select media_type, body from media where digest = ?1 and exists (select 1 from journal, json_each(journal.post, '$.images') image
                where image.value ->> 'digest' = ?1)",
        )
        .bind(digest)
        .fetch_optional(&self.pool)
        .await?)
    }
}
