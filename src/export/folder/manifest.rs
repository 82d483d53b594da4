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
        self.has(name, &print(bytes))
    }

    /// The same, for the print of a content.
    pub fn has(&self, name: &str, print: &str) -> bool {
        self.0.get(name).is_some_and(|prints| prints.is_empty() || prints.contains(print))
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

/// What files are made of that are not made ahead, by name, and the content that came of it: so that such a file is not
/// made again only to be compared. It stands in the folder beside the list, and can be lost at any time.
#[derive(Debug, Default)]
pub struct MadeOf(BTreeMap<String, (String, String)>);

impl MadeOf {
    /// The name of the file.
    pub const NAME: &str = ".crieur-made-of";

    /// Reads it; lines that are none are left out.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let line = |line: &str| {
            let mut parts = line.splitn(3, ' ');
            let (made_of, print, name) = (parts.next()?, parts.next()?, parts.next()?);
            Some((name.to_owned(), (made_of.to_owned(), print.to_owned())))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// As it is written.
    pub fn text(&self) -> String {
        self.0.iter().map(|(name, (made_of, print))| format!("{made_of} {print} {name}\n")).collect()
    }

    /// Whether a file of this content was made of this.
    pub fn is(&self, name: &str, made_of: Option<&str>, print: &str) -> bool {
        let known = self.0.get(name).map(|(made_of, print)| (made_of.as_str(), print.as_str()));
        made_of.is_some_and(|made_of| known == Some((made_of, print)))
    }

    /// A file of this content was made of this; None if it is made ahead.
    pub fn set(&mut self, name: &str, made_of: Option<&str>, print: &str) {
        match made_of {
            Some(made_of) => self.0.insert(name.to_owned(), (made_of.to_owned(), print.to_owned())),
            None => self.0.remove(name),
        };
    }

    /// A file is no more.
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
