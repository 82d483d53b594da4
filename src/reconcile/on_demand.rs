//! Documents that are made when somebody asks for them, from the articles as the last pass left them.

use super::Snapshot;
use crate::feed::beside::Beside;
use crate::feed::demand::{Demand, Extent, Gathered};
use crate::feed::doctor::Fault;
use crate::feed::{Document, ReadWhole, Reading, Shown};
use jiff::Timestamp;

/// What came of a demand.
#[derive(Debug)]
pub enum Made {
    /// The document, and whether all its articles could be read, and are those of the pass: if not, it is good for now
    /// only.
    Document(Box<Document>, bool),
    /// The archive has this address.
    Moved(String),
    /// It would be invalid.
    Refused(Fault),
    /// There is no such archive, or it cannot be written.
    Nothing,
}

impl Snapshot {
    /// Makes what somebody asks for. It reads files and takes its time: not on an async thread.
    pub fn make(&self, demand: &Demand, now: Timestamp) -> Made {
        let Some(form) = demand.form else { return Made::Nothing };
        let catalog = self.catalog();
        let (gathered, is_current) = (demand.gather(&catalog, &self.site, &self.settings, now), self.is_current());
        drop(catalog);
        match gathered {
            Ok(Some(mut gathered)) => {
                let (shown, is_whole) = self.entries_of(&gathered, now);
                let is_whole = is_whole && is_current;
                match gathered.document(&shown, form, &self.reading(&|standing| self.texts.read(standing), now)) {
                    Ok(Some(document)) => Made::Document(Box::new(document), is_whole),
                    Ok(None) => Made::Nothing,
                    Err(fault) => Made::Refused(fault),
                }
            }
            Ok(None) => Made::Nothing,
            Err(moved) => Made::Moved(moved.path()),
        }
    }

    /// The feed that somebody asks for, with its articles. The error is where an archive moved.
    pub fn gather(&self, demand: &Demand, now: Timestamp) -> Result<Option<Gathered>, Demand> {
        // Nobody may hold the catalog while files are read: those who read look addresses up in it.
        demand.gather(&self.catalog(), &self.site, &self.settings, now)
    }

    /// How far the whole feed that somebody asks for goes.
    pub fn extent(&self, demand: &Demand, now: Timestamp) -> Extent {
        demand.extent(&self.catalog(), &self.site, &self.settings, now)
    }

    /// The entries of a feed, read where no other feed shows them; and whether all could be.
    pub fn entries_of(&self, gathered: &Gathered, now: Timestamp) -> (Vec<Shown>, bool) {
        gathered.entries(&self.reading(&|standing| self.texts.read(standing), now))
    }

    /// The documents on demand that belong beside those made ahead, for those who keep documents as files.
    pub fn beside(&self, now: Timestamp) -> Vec<Beside> {
        self.feeds.beside(&self.catalog(), &self.site, &self.settings, now)
    }

    fn reading<'a>(&'a self, read: &'a ReadWhole<'a>, now: Timestamp) -> Reading<'a> {
        let (site, settings, before) = (&self.site, &self.settings, &self.feeds);
        Reading { site, settings, slugs: before.slugs(), before, read, now }
    }
}
