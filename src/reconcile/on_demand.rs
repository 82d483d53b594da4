//! Documents that are made when somebody asks for them, from the articles as the last pass left them.

use super::Snapshot;
use crate::feed::demand::{Demand, Gathered};
use crate::feed::{Document, Reading, Shown};
use jiff::Timestamp;

/// What came of a demand.
#[derive(Debug)]
pub enum Made {
    /// The document, and whether all its articles could be read: if not, it is good for now only.
    Document(Box<Document>, bool),
    /// The archive has this address.
    Moved(String),
    /// There is no such archive, or it cannot be written.
    Nothing,
}

impl Snapshot {
    /// Makes what somebody asks for. It reads files and takes its time: not on an async thread.
    pub fn make(&self, demand: &Demand, now: Timestamp) -> Made {
        let Some(form) = demand.form else { return Made::Nothing };
        match self.gather(demand, now) {
            Ok(Some(mut gathered)) => {
                let (shown, is_whole) = self.entries_of(&gathered);
                match gathered.document(&shown, form, &self.reading(&|standing| self.texts.read(standing))) {
                    Some(document) => Made::Document(Box::new(document), is_whole),
                    None => Made::Nothing,
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

    /// The entries of a feed, read where no other feed shows them; and whether all could be.
    pub fn entries_of(&self, gathered: &Gathered) -> (Vec<Shown>, bool) {
        gathered.entries(&self.reading(&|standing| self.texts.read(standing)))
    }

    /// All archives there are, of every feed in every format.
    pub fn archives(&self, now: Timestamp) -> Vec<Demand> {
        self.feeds.archives(&self.catalog(), &self.site, &self.settings, now)
    }

    fn reading<'a>(&'a self, read: &'a crate::feed::ReadWhole<'a>) -> Reading<'a> {
        Reading { site: &self.site, settings: &self.settings, slugs: self.feeds.slugs(), before: &self.feeds, read }
    }
}
