//! The groups of articles that feeds are made of: all, each collection, each category, each tag.

use super::{Head, Label, Order, Slot, Standing};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a group of articles, and its feed, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// All articles.
    All,
    /// One collection.
    Collection,
    /// One category.
    Category,
    /// One tag.
    Tag,
}

impl Kind {
    /// The word in addresses, in JSON and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Collection => "collection",
            Self::Category => "category",
            Self::Tag => "tag",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::All, Self::Collection, Self::Category, Self::Tag].into_iter().find(|kind| kind.word() == word)
    }
}

/// One group: its kind, and the collection's name or the folded term; nothing for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// What it is about.
    pub kind: Kind,
    /// Which one.
    pub term: Arc<str>,
}

impl GroupKey {
    /// The group of all articles.
    pub fn all() -> Self {
        Self { kind: Kind::All, term: "".into() }
    }

    /// A group.
    pub fn new(kind: Kind, term: &str) -> Self {
        Self { kind, term: term.into() }
    }

    /// The groups of an article; none for a draft.
    pub fn of(article: &Head) -> Vec<Self> {
        if !article.published {
            return Vec::new();
        }
        let terms = |kind: Kind, labels: &[Arc<Label>]| -> Vec<Self> {
            labels.iter().map(|label| Self::new(kind, &label.folded)).collect()
        };
        let mut keys = vec![Self::all(), Self { kind: Kind::Collection, term: Arc::clone(&article.collection) }];
        keys.extend(terms(Kind::Category, &article.categories));
        keys.extend(terms(Kind::Tag, &article.tags));
        keys
    }
}

/// The articles of one group.
#[derive(Debug, Default)]
pub struct Group {
    /// Newest first.
    members: Vec<u32>,
    /// How many articles write the term so.
    spellings: BTreeMap<Arc<Label>, usize>,
}

impl Group {
    /// The spelling that most articles use; of equals, the first by the alphabet. None if nothing is left of it.
    pub fn label(&self) -> Option<&str> {
        let most = self.spellings.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.text.cmp(&a.0.text)));
        most.map(|(label, _)| label.text.as_str())
    }

    /// Every spelling, and how many articles use it.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, usize)> {
        self.spellings.iter().map(|(label, count)| (label.text.as_str(), *count))
    }
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<GroupKey, Group>);

impl Groups {
    pub(super) fn all(&self) -> impl Iterator<Item = (&GroupKey, &Group)> {
        self.0.iter()
    }

    pub(super) fn get(&self, key: &GroupKey) -> Option<&Group> {
        self.0.get(key)
    }

    pub(super) fn members(&self, key: &GroupKey) -> &[u32] {
        self.get(key).map_or(&[], |group| &group.members)
    }

    pub(super) fn put(&mut self, slot: u32, slots: &[Slot]) {
        let Some(standing) = standing(slot, slots) else { return };
        let order = standing.order();
        for (key, label) in spelled(&standing.article) {
            let group = self.0.entry(key).or_default();
            let at = group.members.partition_point(|other| order_of(*other, slots).is_some_and(|o| o < order));
            group.members.insert(at, slot);
            if let Some(label) = label {
                *group.spellings.entry(label).or_default() += 1;
            }
        }
    }

    /// Many at once: put in order once, then added to the end of each group.
    pub(super) fn put_all(&mut self, mut added: Vec<u32>, slots: &[Slot]) {
        added.sort_by_cached_key(|slot| order_of(*slot, slots));
        // Labels are shared: that two are one is told by where they are.
        let mut quick: HashMap<(Kind, usize), usize> = HashMap::new();
        let mut grown: Vec<(GroupKey, Vec<u32>, Option<Arc<Label>>)> = Vec::new();
        for slot in added {
            let Some(standing) = standing(slot, slots).filter(|standing| standing.article.published) else { continue };
            let article = &standing.article;
            let mut add = |kind: Kind, place: usize, new: &dyn Fn() -> (GroupKey, Option<Arc<Label>>)| {
                let at = *quick.entry((kind, place)).or_insert_with(|| {
                    let (key, label) = new();
                    grown.push((key, Vec::new(), label));
                    grown.len() - 1
                });
                grown[at].1.push(slot);
            };
            add(Kind::All, 0, &|| (GroupKey::all(), None));
            let collection = &article.collection;
            add(Kind::Collection, Arc::as_ptr(collection).addr(), &|| {
                (GroupKey { kind: Kind::Collection, term: Arc::clone(collection) }, None)
            });
            for (kind, labels) in [(Kind::Category, &article.categories), (Kind::Tag, &article.tags)] {
                for label in labels {
                    add(kind, Arc::as_ptr(label).addr(), &|| {
                        (GroupKey::new(kind, &label.folded), Some(Arc::clone(label)))
                    });
                }
            }
        }
        for (key, members, label) in grown {
            let group = self.0.entry(key).or_default();
            if let Some(label) = label {
                *group.spellings.entry(label).or_default() += members.len();
            }
            let in_order = group.members.is_empty();
            group.members.extend(members);
            if !in_order {
                group.members.sort_by_cached_key(|slot| order_of(*slot, slots));
            }
        }
    }

    pub(super) fn take(&mut self, slot: u32, slots: &[Slot]) {
        let Some(standing) = standing(slot, slots) else { return };
        let order = standing.order();
        for (key, label) in spelled(&standing.article) {
            let Some(group) = self.0.get_mut(&key) else { continue };
            let at = group.members.partition_point(|other| order_of(*other, slots).is_some_and(|o| o < order));
            if group.members.get(at) == Some(&slot) {
                group.members.remove(at);
            }
            if let Some(label) = label
                && let Some(count) = group.spellings.get_mut(&label)
            {
                *count -= 1;
                if *count == 0 {
                    group.spellings.remove(&label);
                }
            }
        }
    }
}

/// The groups of an article, each with the spelling of its term.
fn spelled(article: &Head) -> Vec<(GroupKey, Option<Arc<Label>>)> {
    let labels = article.categories.iter().chain(&article.tags).map(|label| Some(Arc::clone(label)));
    GroupKey::of(article).into_iter().zip([None, None].into_iter().chain(labels)).collect()
}

fn standing(slot: u32, slots: &[Slot]) -> Option<&Arc<Standing>> {
    slots.get(slot as usize)?.standing.as_ref()
}

fn order_of(slot: u32, slots: &[Slot]) -> Option<Order> {
    standing(slot, slots).map(|standing| standing.order())
}
