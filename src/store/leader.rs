//! Who takes up the site: of processes that see it in folders of their own, one leads and the others follow.
//!
//! Two checkouts are never at the same commit for long. Were both taken up, an article that the one does not have yet
//! would be withdrawn by it, and its posts with it. Processes that see one folder do not count as several: they may all
//! take it up.

use super::{Pass, Store, StoreError};
use serde::{Deserialize, Serialize};

/// A process that has taken up the site, in the order in which they first did. The first one that lives leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    /// The name under which it holds leases.
    owner: String,
    /// What tells its folder from others.
    mark: String,
    /// Its folder, for a person.
    shown: String,
}

/// The name under which they stand in the table `meta`.
const CANDIDATES: &str = "candidates";

impl Store {
    /// The folder of the process that leads, as a person finds it, if that is another folder than the one of `mark`.
    /// None if this process leads, or sees the leader's folder.
    pub async fn leader(&self, pass: &mut Pass, mark: &str) -> Result<Option<String>, StoreError> {
        let candidates = candidates(pass).await?;
        let before = candidates.iter().take_while(|candidate| candidate.owner != self.owner.name());
        let others: Vec<&Candidate> = before.filter(|candidate| candidate.mark != mark).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let living = self.owner.living(&mut pass.transaction).await?;
        Ok(others.into_iter().find(|candidate| living.has(&candidate.owner)).map(|candidate| candidate.shown.clone()))
    }

    /// Notes that this process takes up the site, from the folder of `mark`, and forgets those that have ended. `shown` tells
    /// the folder as a person finds it.
    pub async fn lead(&self, pass: &mut Pass, mark: &str, shown: impl FnOnce() -> String) -> Result<(), StoreError> {
        let mut candidates = candidates(pass).await?;
        let owner = self.owner.name();
        if candidates.iter().any(|candidate| candidate.owner == owner && candidate.mark == mark) {
            return Ok(());
        }
        let own = Candidate { owner: owner.into(), mark: mark.into(), shown: shown() };
        let living = self.owner.living(&mut pass.transaction).await?;
        candidates.retain(|candidate| living.has(&candidate.owner));
        match candidates.iter_mut().find(|candidate| candidate.owner == own.owner) {
            Some(known) => *known = own,
            None => candidates.push(own),
        }
        write(pass, &candidates).await
    }

    /// Leaves it to others to take up the site, since this process cannot look at it. It comes back after them.
    pub async fn step_back(&self) -> Result<(), StoreError> {
        let mut pass = self.pass().await?;
        let mut candidates = candidates(&mut pass).await?;
        let before = candidates.len();
        candidates.retain(|candidate| candidate.owner != self.owner.name());
        if candidates.len() == before {
            return Ok(());
        }
        write(&mut pass, &candidates).await?;
        pass.commit().await
    }
}

async fn write(pass: &mut Pass, candidates: &[Candidate]) -> Result<(), StoreError> {
    let written = serde_json::to_string(candidates).map_err(|error| super::corrupt("leader", error.to_string()))?;
    pass.set_meta(CANDIDATES, &written).await
}

/// What is noted. What cannot be read is of another version, and nobody's.
async fn candidates(pass: &mut Pass) -> Result<Vec<Candidate>, StoreError> {
    let written = pass.meta(CANDIDATES).await?;
    Ok(written.and_then(|written| serde_json::from_str(&written).ok()).unwrap_or_default())
}
