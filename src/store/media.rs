//! Images of posts, kept once by their content: a try that is repeated sends the same bytes, and so does every network
//! that takes them.

use super::sql::{query, query_scalar};
use super::{Store, StoreError, micros};
use jiff::{SignedDuration, Timestamp};

/// How long an image is kept after a post was last composed with it, at least.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How many old ones are looked at when one comes: more than one, so that they become fewer.
const LOOKED_AT: i64 = 4;

impl Store {
    /// Keeps the bytes of an image under their digest. What is there stays. Some that are older than 90 days go,
    /// unless the journal shows them, or a post has them that did not go out.
    pub async fn keep_media(
        &self,
        digest: &str,
        media_type: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_to_write().await?;
        query(
            "insert into media (digest, media_type, body, kept_at) values (?, ?, ?, ?)
             on conflict (digest) do update set kept_at = excluded.kept_at",
        )
        .bind(digest)
        .bind(media_type)
        .bind(bytes)
        .bind(micros(now))
        .execute(&mut transaction)
        .await?;
        let before = micros(now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN));
        let old: Vec<String> = query_scalar("select digest from media where kept_at < ? order by kept_at limit ?")
            .bind(before)
            .bind(LOOKED_AT)
            .fetch_all(&mut transaction)
            .await?;
        for old in old {
            let needed_by: i64 = query_scalar(
                r#"select (select count(*) from journal where post like '%"digest":"' || ?1 || '"%')
                    + (select count(*) from deliveries
                        where state <> 'published' and post like '%"digest":"' || ?1 || '"%')"#,
            )
            .bind(&old)
            .fetch_one(&mut transaction)
            .await?;
            match needed_by {
                0 => query("delete from media where digest = ?").bind(old),
                // So that it does not stand in the way of others.
                _ => query("update media set kept_at = ? where digest = ?").bind(micros(now)).bind(old),
            }
            .execute(&mut transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
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
