//! Feeds written as files.

pub mod directory;
