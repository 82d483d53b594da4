//! Where a site's files come from.

pub mod directory;
pub mod facts;

use crate::article::SourceFile;
use crate::problem::Problem;
use std::collections::BTreeSet;

/// What a look at the files found, compared with the look before.
#[derive(Debug, Default)]
pub struct Changes {
    /// Files that are new or changed.
    pub changed: Vec<SourceFile>,
    /// Paths of files that are gone.
    pub removed: Vec<String>,
    /// Files that are there and cannot be read, each with its problem.
    pub unreadable: Vec<(String, Problem)>,
    /// Paths of all files that are there.
    pub present: BTreeSet<String>,
}

/// The files as a whole cannot be looked at: the last good state stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The folder is not there.
    #[error("the site's folder {0} is not there; check `site.root` and that the volume is mounted")]
    Missing(String),
    /// A folder is there and cannot be read.
    #[error("the folder {0} cannot be read: {1}; the last state stays until it can, check its rights")]
    Unreadable(String, String),
    /// The folder is there, and empty where it was not before.
    #[error(
        "the site's folder {0} has lost all its articles at once; the last state stays until they are back, or until Crieur is started again with `crieur run --accept-empty`"
    )]
    Emptied(String),
}
