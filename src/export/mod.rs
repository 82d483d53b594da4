//! Feeds kept as files of a folder and as objects of a bucket: the same bytes as are served.
//!
//! A place is brought to what is wanted by looking at the difference, so a start, a crash and a second process take
//! one road. A list of what is Crieur's stands in the place itself, and is written before a new name is: whatever the
//! moment of a crash, nothing of ours is unknown to it, and nothing that is not ours is ever deleted.

mod bucket;
mod folder;
mod report;
mod view;
mod wanted;

pub use bucket::{Bucket, Patience};
pub use folder::Folder;
pub use report::{Report, Trouble};
pub use wanted::{Item, Make, Wanted, documents};

use crate::config::{Export, Feeds};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Documents on demand that one export makes at most: what changed meanwhile goes first.
const MADE_AT_ONCE: usize = 32;

/// A place in which the feeds are kept.
pub struct Target {
    name: String,
    place: Place,
}

enum Place {
    Folder(Arc<Mutex<Folder>>),
    Bucket(Box<Bucket>),
}

impl Target {
    /// A place of the configuration.
    ///
    /// Errors: a bucket whose client cannot be set up.
    pub fn new(export: &Export, feeds: &Feeds) -> Result<Self, String> {
        let place = match export {
            Export::Folder(path) => {
                Place::Folder(Arc::new(Mutex::new(Folder::new(path.clone(), feeds.export_compressed))))
            }
            Export::Bucket { bucket, prefix } => {
                let s3 = feeds.s3.as_ref().ok_or("feeds.s3: the keys of the bucket are missing")?;
                Place::Bucket(Box::new(Bucket::connect(bucket, prefix, s3, Patience::default())?))
            }
        };
        Ok(Self { name: export.to_string(), place })
    }

    /// Brings the place to what is wanted. Disk work is done off the async threads.
    ///
    /// May be dropped at any point: what is left to do is found by the next one.
    pub async fn export(&mut self, wanted: Arc<Wanted>) -> Report {
        match &mut self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let work = move || folder.lock().unwrap_or_else(PoisonError::into_inner).export(&wanted);
                tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Report::ended(&error))
            }
            Place::Bucket(bucket) => bucket.export(&wanted).await,
        }
    }

    /// Lets the next export look at the place itself, and not at what is remembered of it.
    pub fn forget(&mut self) {
        match &mut self.place {
            Place::Folder(folder) => folder.lock().unwrap_or_else(PoisonError::into_inner).forget(),
            Place::Bucket(bucket) => bucket.forget(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests;
