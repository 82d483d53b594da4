//! The list of what is Crieur's under a prefix: name, content and version of each object.
//!
//! An object that is about to be written stands in it without a content: it may be the old one or the new one, and it is
//! somebody's who may be writing it right now. So such a name stays on the list until it is written, even if nobody wants
//! it any more: a name too much does no harm.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the list, under the prefix.
pub const NAME: &str = ".crieur-objects.json";
const FORM: u32 = 1;

/// What is Crieur's, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    /// Grows each time the list is written, so that no two versions of it are alike: the same list again would not be
    /// seen by who compares versions.
    serial: u64,
    /// The objects.
    pub objects: BTreeMap<String, Object>,
}

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What was written: see [`super::print`]. None while it is being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<String>,
    /// What it was made of, if it is not made ahead: see [`super::made_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<String>,
    /// Its length in bytes.
    #[serde(default)]
    pub size: u64,
    /// What the service calls this version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl Manifest {
    /// Reads a list. None if it is damaged, or of a form to come.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|manifest: &Self| manifest.form == FORM)
    }

    /// The next version of the list, as it is written.
    pub fn next(&mut self) -> Vec<u8> {
        self.form = FORM;
        self.serial += 1;
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_not() {
        let mut manifest = Manifest::default();
        manifest
            .objects
            .insert("feeds/all.rss".into(), Object { print: Some("a".into()), size: 3, ..Object::default() });
        manifest.objects.insert("feeds/new.rss".into(), Object::default());
        let first = manifest.next();
        assert_eq!(Manifest::parse(&first).as_ref(), Some(&manifest));
        assert_ne!(manifest.next(), first, "no two versions are alike");
        for damaged in ["", "{}", "{\"form\":2,\"serial\":1,\"objects\":{}}", "<html>"] {
            assert_eq!(Manifest::parse(damaged.as_bytes()), None, "{damaged}");
        }
    }
}
