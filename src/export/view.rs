//! What this process last saw done at a place, so that it writes only what changed for itself.
//!
//! Two processes that keep one place see a change at two moments. Each writes what changed in its own eyes since it last
//! wrote, and leaves alone what the other changed meanwhile: they do not take turns in undoing each other's work. At its
//! start a process has seen nothing, so all that differs is written.

use super::wanted::Item;
use std::collections::BTreeMap;

/// What was seen done.
#[derive(Debug, Default)]
pub(super) struct View {
    /// By name: which content.
    seen: BTreeMap<String, String>,
    /// Whether all of the place was seen once.
    is_whole: bool,
}

impl View {
    /// Whether all of the place was seen once.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Remembers nothing any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The items that are to be looked at: not seen done, or not with this content.
    pub fn owed<'a>(&self, items: &'a BTreeMap<String, Item>) -> Vec<(&'a str, &'a Item)> {
        let is_done = |name: &str, item: &Item| self.seen.get(name).is_some_and(|content| content == item.content());
        items.iter().filter(|(name, item)| !is_done(name, item)).map(|(name, item)| (name.as_str(), item)).collect()
    }

    /// Whether a name that is not wanted is for this process to remove: it was there in its eyes, or it sees the place
    /// for the first time.
    pub fn removes(&self, name: &str) -> bool {
        !self.is_whole || self.seen.contains_key(name)
    }

    /// Whether a name that was seen done is no longer wanted.
    pub fn has_leftovers(&self, items: &BTreeMap<String, Item>) -> bool {
        self.seen.keys().any(|name| !items.contains_key(name))
    }

    /// An item is as it should be.
    pub fn done(&mut self, name: &str, item: &Item) {
        self.seen.insert(name.to_owned(), item.content().to_owned());
    }

    /// A name is no longer ours.
    pub fn gone(&mut self, name: &str) {
        self.seen.remove(name);
    }

    /// All of the place was looked at.
    pub fn whole(&mut self) {
        self.is_whole = true;
    }
}
