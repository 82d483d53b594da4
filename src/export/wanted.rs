//! What is to be at a place: documents by the names of their files or objects.

use super::report::Trouble;
use crate::feed::coding;
use crate::feed::conditional::Coding;
use crate::feed::{Document, FeedSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The documents that an export keeps, each at every address that it answers at, old ones too.
pub fn documents(feeds: &FeedSet) -> impl Iterator<Item = (&str, Arc<Document>)> {
    let own = feeds.documents.iter().map(|(path, document)| (path.as_str(), Arc::clone(document)));
    let old = feeds
        .aliases
        .iter()
        .filter_map(|(from, to)| Some((from.as_str(), Arc::clone(feeds.documents.get(to)?))))
        // An address that a document has itself is its own.
        .filter(|(from, _)| !feeds.documents.contains_key(*from));
    own.chain(old)
}

/// What is to be at a place, by name: relative paths such as `feeds/all.rss`.
#[derive(Debug, Default)]
pub struct Wanted {
    pub(super) documents: BTreeMap<String, Arc<Document>>,
    /// Addresses that can be no file and no object.
    pub(super) troubles: Vec<Trouble>,
}

impl Wanted {
    /// What stands at these addresses.
    pub fn new<'a>(documents: impl IntoIterator<Item = (&'a str, Arc<Document>)>) -> Self {
        let mut wanted = Self::default();
        for (path, document) in documents {
            match name_of(path) {
                Some(name) => {
                    wanted.documents.entry(name).or_insert(document);
                }
                None => wanted.troubles.push(Trouble::lasting(
                    format!("{path:?} cannot be the name of a file"),
                    "take it out of feeds.aliases, or write it without empty parts, dots alone and control characters",
                )),
            }
        }
        wanted
    }

    /// All of a set of feeds.
    pub fn of(feeds: &FeedSet) -> Self {
        Self::new(documents(feeds))
    }

    /// The items of a place: each document, and its compressed forms if they are wanted as well.
    pub(super) fn items(&self, compressed: bool) -> BTreeMap<String, Item> {
        let mut items = BTreeMap::new();
        for (name, document) in &self.documents {
            let codings = if compressed { &Coding::ALL[..] } else { &[Coding::Identity] };
            for coding in codings {
                let own = format!("{name}{}", ending(*coding));
                if *coding == Coding::Identity || !self.documents.contains_key(&own) {
                    items.insert(own, Item { document: Arc::clone(document), coding: *coding });
                }
            }
        }
        items
    }
}

/// The name of an address: never empty, never outside of the place, and never one of our own lists.
fn name_of(path: &str) -> Option<String> {
    let mut name = path.trim_start_matches('/').to_owned();
    if name.is_empty() || name.ends_with('/') {
        name.push_str("index.html");
    }
    let is_fine = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    let is_ours = name.split('/').any(|part| part.starts_with(OWN));
    (name.split('/').all(is_fine) && !is_ours).then_some(name)
}

/// What the names of files that are Crieur's own business begin with.
pub(super) const OWN: &str = ".crieur-";

/// What the name of a file in a coding gets at its end: where web servers look for it.
fn ending(coding: Coding) -> &'static str {
    match coding {
        Coding::Identity => "",
        Coding::Gzip => ".gz",
        Coding::Brotli => ".br",
    }
}

/// A document in one of its forms.
#[derive(Debug, Clone)]
pub struct Item {
    /// The document.
    pub document: Arc<Document>,
    /// Its form.
    pub coding: Coding,
}

impl Item {
    /// The bytes to be written, the same for the same document; None if they cannot be made. Compressing takes its time:
    /// off the async threads.
    pub(super) fn bytes(&self) -> Option<Arc<[u8]>> {
        match self.coding {
            Coding::Identity => Some(Arc::clone(&self.document.body)),
            coding => coding::compressed(&self.document.body, coding).map(Arc::from),
        }
    }

    /// Whether bytes are this item.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        coding::unpacks_to(bytes, self.coding, &self.document.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_name_inside_of_the_place_or_none() {
        for (path, name) in [
            ("/feeds/all.rss", Some("feeds/all.rss")),
            ("/feed/", Some("feed/index.html")),
            ("/", Some("index.html")),
            ("/feed/Journée d'échanges.xml", Some("feed/Journée d'échanges.xml")),
            ("//etc/passwd", Some("etc/passwd")),
            ("/../x", None),
            ("/a/./b", None),
            ("/a//b", None),
            ("/a/..", None),
            ("/a\nb", None),
            ("/a\0b", None),
            ("/.crieur-files", None),
            ("/a/.crieur-1.new", None),
        ] {
            assert_eq!(name_of(path).as_deref(), name, "{path}");
        }
    }
}
