//! The list of what is Crieur's in a folder: name and SHA-256 of each file, as `sha256sum` writes it, so that
//! `sha256sum --check .crieur-files` tells whether all is as it was written.
//!
//! A file that is about to be replaced stands in it twice, with its old content and its new one.

use crate::digest;
use std::collections::{BTreeMap, BTreeSet};

/// The name of the list.
pub const NAME: &str = ".crieur-files";

/// What is Crieur's, by name: the contents that a file may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest(BTreeMap<String, BTreeSet<String>>);

/// What identifies a file's content.
pub fn print(bytes: &[u8]) -> String {
    digest::hex(bytes, 32)
}

impl Manifest {
    /// Reads a list; lines that are none are left out. Version 0.1 wrote names alone.
    pub fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.split_once("  ") {
                Some((print, name)) if is_print(print) => manifest.add(name, print),
                _ => {
                    manifest.0.entry(line.to_owned()).or_default();
                }
            }
        }
        manifest
    }

    /// The list as it is written.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, prints) in &self.0 {
            if prints.is_empty() {
                text.push_str(&format!("{name}\n"));
            }
            for print in prints {
                text.push_str(&format!("{print}  {name}\n"));
            }
        }
        text
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a file of this content is ours.
    pub fn owns(&self, name: &str, bytes: &[u8]) -> bool {
        self.0.get(name).is_some_and(|prints| prints.is_empty() || prints.contains(&print(bytes)))
    }

    /// A file may have this content too.
    pub fn add(&mut self, name: &str, print: &str) {
        self.0.entry(name.to_owned()).or_default().insert(print.to_owned());
    }

    /// A file has this content.
    pub fn set(&mut self, name: &str, print: &str) {
        self.0.insert(name.to_owned(), BTreeSet::from([print.to_owned()]));
    }

    /// A name is not ours.
    pub fn drop(&mut self, name: &str) {
        self.0.remove(name);
    }
}

fn is_print(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_lists_of_the_first_version_too() {
        let mut manifest = Manifest::default();
        manifest.add("feeds/all.rss", &print(b"old"));
        manifest.add("feeds/all.rss", &print(b"new"));
        manifest.set("feed  x.xml", &print(b"x"));
        assert_eq!(Manifest::parse(&manifest.text()), manifest);
        assert!(manifest.owns("feeds/all.rss", b"old") && manifest.owns("feeds/all.rss", b"new"));
        assert!(!manifest.owns("feeds/all.rss", b"other") && !manifest.owns("other", b"old"));
        let first = Manifest::parse("feed.xml\nfeeds/all.rss\n");
        assert!(first.owns("feed.xml", b"whatever"));
        assert_eq!(first.names().collect::<Vec<_>>(), ["feed.xml", "feeds/all.rss"]);
    }
}
