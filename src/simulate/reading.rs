//! Files read as articles, many at once and ahead of their commits.

use super::{Blob, Blobs};
use crate::article::{SiteSettings, SourceFile};
use crate::catalog::Stamp;
use crate::catalog::read::{self, Outcome};
use crate::problem::{Place, Problem};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::HashMap;

/// Files whose bytes are in memory at once.
const AT_ONCE: usize = 2_000;

/// What was read and not taken yet.
#[derive(Default)]
pub struct ReadAhead {
    read: HashMap<(String, Blob), Outcome>,
}

impl ReadAhead {
    /// Reads those files that are not read yet.
    pub fn read(
        &mut self,
        blobs: &dyn Blobs,
        site: &SiteSettings,
        mut wanted: Vec<(String, Blob)>,
    ) -> Result<(), String> {
        wanted.retain(|file| !self.read.contains_key(file));
        wanted.sort_unstable();
        wanted.dedup();
        for some in wanted.chunks(AT_ONCE) {
            let names: Vec<Blob> = some.iter().map(|(_, blob)| Blob::clone(blob)).collect();
            let bytes = blobs.read(&names)?;
            let read = |((path, blob), bytes): (&(String, Blob), Option<Vec<u8>>)| {
                let outcome = match bytes {
                    Some(bytes) => {
                        let file = SourceFile { path: path.clone(), bytes };
                        read::file(&file, site, Stamp::default(), true)
                    }
                    None => unreadable(path),
                };
                ((path.clone(), Blob::clone(blob)), outcome)
            };
            let pairs: Vec<_> = some.iter().zip(bytes).collect();
            self.read.extend(pairs.into_par_iter().map(read).collect::<Vec<_>>());
        }
        Ok(())
    }

    /// What a file was read as.
    pub fn take(&mut self, path: &str, blob: &Blob) -> Outcome {
        self.read.remove(&(path.to_owned(), Blob::clone(blob))).unwrap_or_else(|| unreadable(path))
    }

    /// Forgets what was read: the settings are others now, or it was not wanted after all.
    pub fn forget(&mut self) {
        self.read.clear();
    }
}

fn unreadable(path: &str) -> Outcome {
    let problem = Problem::error(path, Place::FILE, "the file cannot be read").kind("unreadable-file");
    Outcome::Other { problems: vec![problem], broken: true }
}
