//! Several processes on one database that see the site in folders of their own: one leads, the others follow.

use super::{Booked, PassError, Reconciler, off_the_async_threads};
use crate::config::Config;
use crate::plan::Plan;
use crate::source::folder;
use crate::store::Pass;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;

impl Reconciler {
    /// What tells this process's folder from others.
    pub(super) async fn mark(&self) -> Result<String, PassError> {
        let config = Arc::clone(&self.config);
        Ok(off_the_async_threads(move || folder::mark(folder_of(&config))).await?.unwrap_or_default())
    }

    /// This process's folder, for a person.
    pub(super) fn own_folder(&self) -> String {
        folder::shown(folder_of(&self.config))
    }

    /// Says when another process begins or ceases to lead.
    pub(super) fn know_leader(&mut self, leader: Option<String>) {
        match (&self.leader, &leader) {
            (None, Some(leader)) => tracing::warn!(
                "another process takes up the site for this database, from {leader}: this one follows it, and takes up {} when that one has ended",
                self.own_folder()
            ),
            (Some(_), None) => tracing::info!("this process takes up the site now, from {}", self.own_folder()),
            _ => {}
        }
        self.leader = leader;
    }

    /// A pass of one who follows: the articles as the store has them. Nothing is looked at, decided or written.
    pub(super) async fn followed(
        &self,
        leader: String,
        glance: &mut Pass,
        now: Timestamp,
    ) -> Result<Booked, PassError> {
        let plan = Plan::default();
        let shown = leader.clone();
        let next_change = self.with(move |state| state.follow(shown, now)).await??;
        let outbox = glance.outbox_of(&self.with(|state| state.concerned()).await?, now).await?;
        Ok(Booked { plan, outbox, first: None, next_change, feeds: None, follows: true, leader: Some(leader) })
    }
}

/// The folder by which processes tell whether they see one site: that of a repository's checkout, else the site's own.
fn folder_of(config: &Config) -> &Path {
    config.site.git.as_ref().map_or(&config.site.root, |git| &git.checkout)
}
