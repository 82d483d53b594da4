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

/// Makes a document that is not made ahead. None if it cannot be made now. It takes its time.
pub type Make = Arc<dyn Fn() -> Option<Document> + Send + Sync>;

/// What is to be at a place, by name: relative paths such as `feeds/all.rss`.
#[derive(Default)]
pub struct Wanted {
    documents: BTreeMap<String, Content>,
    /// Addresses that can be no file and no object.
    pub(super) troubles: Vec<Trouble>,
    /// Whether other names are wanted too, so that none is removed.
    pub(super) is_partial: bool,
}

/// A document, or the way to it.
#[derive(Clone)]
enum Content {
    Ready(Arc<Document>),
    /// What it is made of, and who makes it.
    OnDemand(Arc<str>, Make),
}

impl Wanted {
    /// What stands at these addresses.
    pub fn new<'a>(documents: impl IntoIterator<Item = (&'a str, Arc<Document>)>) -> Self {
        let mut wanted = Self::default();
        for (path, document) in documents {
            wanted.put(path, Content::Ready(document));
        }
        wanted
    }

    /// A document that is made only if the place does not have it. `made_of` changes with what it is made of: while it
    /// stays, so do the bytes.
    pub fn on_demand(&mut self, path: &str, made_of: &str, make: Make) {
        self.put(path, Content::OnDemand(made_of.into(), make));
    }

    /// The same as a part of what is wanted: nothing is removed for it.
    pub fn partial(self) -> Self {
        Self { is_partial: true, ..self }
    }

    fn put(&mut self, path: &str, content: Content) {
        match name_of(path) {
            Some(name) => {
                self.documents.entry(name).or_insert(content);
            }
            None => self.troubles.push(Trouble::lasting(
                format!("{path:?} cannot be the name of a file"),
                "take it out of feeds.aliases, or write it without empty parts, dots alone and control characters",
            )),
        }
    }

    /// All of a set of feeds.
    pub fn of(feeds: &FeedSet) -> Self {
        Self::new(documents(feeds))
    }

    /// The items of a place: each document, and its compressed forms if they are wanted as well.
    pub(super) fn items(&self, compressed: bool) -> BTreeMap<String, Item> {
        let mut items = BTreeMap::new();
        for (name, content) in &self.documents {
            let codings = if compressed { &Coding::ALL[..] } else { &[Coding::Identity] };
            for coding in codings {
                let own = format!("{name}{}", ending(*coding));
                if *coding == Coding::Identity || !self.documents.contains_key(&own) {
                    items.insert(own, Item { content: content.clone(), coding: *coding });
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
#[derive(Clone)]
pub struct Item {
    content: Content,
    /// Its form.
    pub(super) coding: Coding,
}

/// An item, made.
pub(super) struct Made {
    /// Its document.
    pub document: Arc<Document>,
    /// Its bytes, the same for the same document.
    pub bytes: Arc<[u8]>,
}

impl Item {
    /// What tells its content from any other that was wanted under this name.
    pub(super) fn content(&self) -> &str {
        match &self.content {
            Content::Ready(document) => &document.etag,
            Content::OnDemand(made_of, _) => made_of,
        }
    }

    /// What it is made of, if it is not made ahead.
    pub(super) fn made_of(&self) -> Option<&str> {
        match &self.content {
            Content::Ready(_) => None,
            Content::OnDemand(made_of, _) => Some(made_of),
        }
    }

    /// Its document, if it is made ahead.
    pub(super) fn ready(&self) -> Option<&Arc<Document>> {
        match &self.content {
            Content::Ready(document) => Some(document),
            Content::OnDemand(..) => None,
        }
    }

    /// Makes it. None if it cannot be made now. It takes its time: off the async threads.
    pub(super) fn make(&self) -> Option<Made> {
        let document = match &self.content {
            Content::Ready(document) => Arc::clone(document),
            Content::OnDemand(_, make) => Arc::new(make()?),
        };
        let bytes = match self.coding {
            Coding::Identity => Arc::clone(&document.body),
            coding => coding::compressed(&document.body, coding)?.into(),
        };
        Some(Made { document, bytes })
    }

    /// Whether bytes are this item. Of one that is not made ahead, that is not known.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        self.ready().is_some_and(|document| coding::unpacks_to(bytes, self.coding, &document.body))
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
