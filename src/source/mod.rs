//! Where a site's files come from.

pub mod directory;
pub mod facts;
pub mod folder;
pub mod git;

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
    /// The site's repository: what failed, and what to do.
    #[error("{0}")]
    Git(String),
}
