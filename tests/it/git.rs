//! The git source.
