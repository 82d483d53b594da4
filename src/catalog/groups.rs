//! The groups of articles that feeds are made of: all, the events, each collection, category, tag, author and language.

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
    /// One author.
    Author,
    /// One language; nothing stands for the site's own.
    Language,
    /// All events.
    Events,
}

impl Kind {
    /// The word in addresses, in JSON and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Collection => "collection",
            Self::Category => "category",
            Self::Tag => "tag",
            Self::Author => "author",
            Self::Language => "language",
            Self::Events => "events",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|kind| kind.word() == word)
    }

    /// Every kind, in the order in which people look for them.
    pub const EVERY: [Self; 7] =
        [Self::All, Self::Events, Self::Collection, Self::Category, Self::Tag, Self::Author, Self::Language];

    /// Whether there is one group of this kind, and not one for each term.
    pub fn is_single(self) -> bool {
        matches!(self, Self::All | Self::Events)
    }
}

/// One group: its kind, and the collection's name, the folded term or the language; nothing for all and for events.
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

    /// The group of all events.
    pub fn events() -> Self {
        Self { kind: Kind::Events, term: "".into() }
    }

    /// Whether an article that is no draft is in the group.
    pub fn holds(&self, article: &Head) -> bool {
        let has = |labels: &[Arc<Label>]| labels.iter().any(|label| *label.folded == *self.term);
        match self.kind {
            Kind::All => true,
            Kind::Events => article.event.is_some(),
            Kind::Collection => article.collection == self.term,
            Kind::Category => has(&article.categories),
            Kind::Tag => has(&article.tags),
            Kind::Author => article.author.as_ref().is_some_and(|label| *label.folded == *self.term),
            Kind::Language => article.language.as_deref().unwrap_or("") == &*self.term,
        }
    }

    /// The groups of an article; none for a draft.
    pub fn of(article: &Head) -> Vec<Self> {
        spelled(article).into_iter().map(|(key, _)| key).collect()
    }
}

/// The articles of one group.
#[derive(Debug, Default)]
pub struct Group {
    /// Newest first.
    members: Vec<u32>,
    /// How many articles write the term so.
    spellings: BTreeMap<Arc<Label>, usize>,
    /// What the members are, whoever of them is live: the prints of all, one over the other.
    print: u64,
}

impl Group {
    /// A number that changes whenever an article comes, goes or changes, live or not.
    pub(super) fn print(&self) -> u64 {
        self.print
    }

    /// Every spelling, and how many articles use it.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, usize)> {
        self.spellings.iter().map(|(label, count)| (label.text.as_str(), *count))
    }
}

/// What comes to a group when many articles are put in at once.
struct Grown {
    key: GroupKey,
    label: Option<Arc<Label>>,
    members: Vec<u32>,
    print: u64,
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
        let (order, print) = (standing.order(), print_of(standing));
        for (key, label) in spelled(&standing.article) {
            let group = self.0.entry(key).or_default();
            let at = group.members.partition_point(|other| order_of(*other, slots).is_some_and(|o| o < order));
            group.members.insert(at, slot);
            group.print ^= print;
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
        let mut grown: Vec<Grown> = Vec::new();
        for slot in added {
            let Some(standing) = standing(slot, slots).filter(|standing| standing.article.published) else { continue };
            let (article, print) = (&standing.article, print_of(standing));
            let mut add = |kind: Kind, place: usize, new: &dyn Fn() -> (GroupKey, Option<Arc<Label>>)| {
                let at = *quick.entry((kind, place)).or_insert_with(|| {
                    let (key, label) = new();
                    grown.push(Grown { key, label, members: Vec::new(), print: 0 });
                    grown.len() - 1
                });
                grown[at].members.push(slot);
                grown[at].print ^= print;
            };
            add(Kind::All, 0, &|| (GroupKey::all(), None));
            let collection = &article.collection;
            add(Kind::Collection, Arc::as_ptr(collection).addr(), &|| {
                (GroupKey { kind: Kind::Collection, term: Arc::clone(collection) }, None)
            });
            match &article.language {
                Some(language) => add(Kind::Language, Arc::as_ptr(language).addr(), &|| {
                    (GroupKey { kind: Kind::Language, term: Arc::clone(language) }, None)
                }),
                None => add(Kind::Language, 0, &|| (GroupKey::new(Kind::Language, ""), None)),
            }
            if article.event.is_some() {
                add(Kind::Events, 0, &|| (GroupKey::events(), None));
            }
            for (kind, label) in article.terms() {
                add(kind, Arc::as_ptr(label).addr(), &|| (GroupKey::new(kind, &label.folded), Some(Arc::clone(label))));
            }
        }
        for Grown { key, label, members, print } in grown {
            let group = self.0.entry(key).or_default();
            group.print ^= print;
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
        let (order, print) = (standing.order(), print_of(standing));
        for (key, label) in spelled(&standing.article) {
            let Some(group) = self.0.get_mut(&key) else { continue };
            let at = group.members.partition_point(|other| order_of(*other, slots).is_some_and(|o| o < order));
            if group.members.get(at) == Some(&slot) {
                group.members.remove(at);
                group.print ^= print;
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

/// The groups of an article, each with the spelling of its term; none for a draft.
fn spelled(article: &Head) -> Vec<(GroupKey, Option<Arc<Label>>)> {
    if !article.published {
        return Vec::new();
    }
    let language = article.language.as_ref().map_or_else(|| "".into(), Arc::clone);
    let mut groups = vec![
        (GroupKey::all(), None),
        (GroupKey { kind: Kind::Collection, term: Arc::clone(&article.collection) }, None),
        (GroupKey { kind: Kind::Language, term: language }, None),
    ];
    if article.event.is_some() {
        groups.push((GroupKey::events(), None));
    }
    groups.extend(article.terms().map(|(kind, label)| (GroupKey::new(kind, &label.folded), Some(Arc::clone(label)))));
    groups
}

/// What a group's members are, as a number that changes whenever one of them comes, goes or changes.
pub(super) fn print_of(standing: &Standing) -> u64 {
    // Mixed once more, so that the changes of two articles do not cancel each other out.
    (standing.id.number() ^ standing.version()).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        ^ standing.id.number()
}

impl Groups {
    /// An article changed that keeps its place in every group.
    pub(super) fn changed(&mut self, old: &Standing, new: &Standing) {
        let change = print_of(old) ^ print_of(new);
        for key in GroupKey::of(&new.article) {
            if let Some(group) = self.0.get_mut(&key) {
                group.print ^= change;
            }
        }
    }
}

fn standing(slot: u32, slots: &[Slot]) -> Option<&Arc<Standing>> {
    slots.get(slot as usize)?.standing.as_ref()
}

fn order_of(slot: u32, slots: &[Slot]) -> Option<Order> {
    standing(slot, slots).map(|standing| standing.order())
}
