//! What an endpoint keeps from one run to the next: sealed secrets that its network gave it, such as a session.

use super::sql::{query, query_scalar};
use super::{Store, StoreError, micros};
use crate::config::EndpointName;
use crate::secret::Sealed;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The right to do something that only one process may do at a time.
#[derive(Debug)]
pub struct Turn(String);

impl Store {
    /// Keeps a sealed secret of an endpoint in place of the one it had under that name.
    pub async fn keep(&self, endpoint: &EndpointName, name: &str, sealed: &Sealed) -> Result<(), StoreError> {
        query(
            "insert into keepsakes (endpoint, name, sealed) values (?, ?, ?)
             on conflict (endpoint, name) do update set sealed = excluded.sealed",
        )
        .bind(endpoint.as_str())
        .bind(name)
        .bind(&sealed.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes the turn to do something for an endpoint that only one process may do at a time. None if it is another's, until
    /// that gives it back or its time is up.
    pub async fn take_turn(
        &self,
        endpoint: &EndpointName,
        name: &str,
        longest: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Turn>, StoreError> {
        let owner = Uuid::new_v4().to_string();
        let done = query(
            "insert into turns (endpoint, name, owner, until) values (?1, ?2, ?3, ?4)
             on conflict (endpoint, name) do update set owner = excluded.owner, until = excluded.until
                where turns.until <= ?5 or turns.until > ?6",
        )
        .bind(endpoint.as_str())
        .bind(name)
        .bind(&owner)
        .bind(micros(now.saturating_add(longest).unwrap_or(Timestamp::MAX)))
        .bind(micros(now))
        // Nobody has it for so long: a clock was wrong.
        .bind(micros(now.saturating_add(longest + longest).unwrap_or(Timestamp::MAX)))
        .execute(&self.pool)
        .await?;
        Ok((done.rows_affected() == 1).then_some(Turn(owner)))
    }

    /// Gives a turn back.
    pub async fn give_back(&self, turn: Turn) -> Result<(), StoreError> {
        query("delete from turns where owner = ?").bind(turn.0).execute(&self.pool).await?;
        Ok(())
    }

    /// The sealed secret that an endpoint keeps under a name.
    pub async fn kept(&self, endpoint: &EndpointName, name: &str) -> Result<Option<Sealed>, StoreError> {
        let sealed: Option<Vec<u8>> = query_scalar("select sealed from keepsakes where endpoint = ? and name = ?")
            .bind(endpoint.as_str())
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(sealed.map(Sealed))
    }
}
