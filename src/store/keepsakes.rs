//! What an endpoint keeps from one run to the next: sealed secrets that its network gave it, such as a session.

use super::sql::{query, query_scalar};
use super::{Store, StoreError};
use crate::config::EndpointName;
use crate::secret::Sealed;

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
