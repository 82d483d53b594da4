//! All articles that stand on the site, each with its identity and what is remembered of it, as one value that is
//! changed article by article.
//!
//! A site of a hundred thousand articles is changed by a few a day: whatever is done for one change must not go over
//! all of them. So the articles stand in groups (all, each collection, each term), newest first, and what changes by
//! the passing of time stands in an order of its own.

mod find;
mod groups;
pub mod head;
pub mod index;
pub mod ledger;
pub mod look;
pub mod read;
mod renew;
#[cfg(test)]
mod tests;

pub use groups::{Group, GroupKey, Kind};
pub use head::{EventTime, Head, Label, Names};
pub use ledger::{Decided, Gone, Past, PastEvent};

use crate::article::{ArticleDate, ArticleId, Life, SiteSettings};
use groups::Groups;
use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

/// What tells that a file changed, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Length in bytes.
    pub length: u64,
    /// Time of the last change of its content: seconds and nanoseconds, by the file system's clock.
    pub modified: (i64, u32),
    /// Time of the last change of its content, name or rights.
    pub changed: (i64, u32),
    /// Its number on the file system.
    pub inode: u64,
}

/// A stamp as it is kept of every article: equal stamps are told by it, and nothing else. The default fits none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct StampHash(u64);

impl From<Stamp> for StampHash {
    fn from(stamp: Stamp) -> Self {
        if stamp == Stamp::default() {
            return Self::default();
        }
        let Stamp { length, modified, changed, inode } = stamp;
        let parts =
            [length, modified.0.unsigned_abs(), modified.1.into(), changed.0.unsigned_abs(), changed.1.into(), inode];
        let hash = parts.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, part| {
            (hash ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31)
        });
        Self(hash.max(1))
    }
}

/// One article of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its identity.
    pub id: ArticleId,
    /// What its file says, but for the text.
    pub article: Head,
    /// What is remembered of it.
    pub past: Past,
    /// The state of its file when it was read.
    pub stamp: StampHash,
    /// Hash of its file's bytes.
    pub print: u64,
}

impl Standing {
    /// Its identity in feeds, for ever.
    pub fn guid(&self) -> String {
        self.past.guid(self.id)
    }

    /// The date that feeds show and sort by: an article that the site shows before its date has been there since it was
    /// first seen.
    pub fn published(&self, site: &SiteSettings) -> ArticleDate {
        let seen = self.past.first_seen;
        match self.article.date {
            Some(date) if !(self.article.shown_early && date.at > seen) => date,
            _ => ArticleDate::in_zone(seen, &site.timezone),
        }
    }

    /// When what a reader sees last changed, never before it was published.
    pub fn updated(&self, site: &SiteSettings) -> ArticleDate {
        let published = self.published(site);
        if self.past.updated <= published.at {
            published
        } else {
            ArticleDate::in_zone(self.past.updated, &site.timezone)
        }
    }

    /// Whether nothing is known yet of what its file says: neither whether it is published.
    pub fn is_unread(&self) -> bool {
        self.print == 0
    }

    /// Tells this form of it from others, whatever is decided of it: what its file says, and where readers find it.
    pub fn edition(&self) -> String {
        let mixed = self.article.url.bytes().fold(self.print, |mixed, byte| {
            (mixed ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        format!("{mixed:016x}")
    }

    /// A number that changes whenever anything that feeds show of the article does.
    pub fn version(&self) -> u64 {
        let instants = [self.past.updated, self.past.first_seen].map(|at| at.as_microsecond().unsigned_abs());
        // A file that is only renamed has the same bytes, and another address.
        let place = self.article.path.bytes().chain(self.article.url.bytes()).map(u64::from);
        instants
            .into_iter()
            .chain(place)
            .fold(self.print, |mixed, part| (mixed ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29))
    }

    /// The moment at which the article became due in its present state: its date, or later if it was put in this state
    /// later. None without a date: such an article is never announced by itself.
    pub fn due_since(&self) -> Option<Timestamp> {
        let date = self.article.date?;
        Some(if self.article.shown_early { self.past.state_since } else { date.at.max(self.past.state_since) })
    }

    /// Where it stands in every feed: newest first, then by identity.
    pub fn order(&self) -> Order {
        (Reverse(self.published_at()), self.id)
    }

    /// The instant that it is dated in feeds.
    pub fn published_at(&self) -> Timestamp {
        let seen = self.past.first_seen;
        let date = self.article.date.map_or(seen, |date| date.at);
        if self.article.shown_early { date.min(seen) } else { date }
    }

    /// Since when readers do not see it any more; None if they do, or never did.
    pub fn withdrawn_since(&self, now: Timestamp) -> Option<Timestamp> {
        let life = self.article.life();
        // What expired before it was first seen, or while it was a draft, was never shown.
        let shown_from = life.from.max(self.past.first_seen).max(self.past.state_since);
        let expired = || Some(life.until).filter(|until| shown_from < *until && *until <= now);
        // What was withdrawn can have come back at its date, and expired since.
        if life.holds(now) { None } else { self.past.withdrawn.max(expired()) }
    }

    /// When it was to take place by what readers saw until it was withdrawn, if it was an event.
    fn called_off(&self, withdrawn: Timestamp) -> Option<Box<PastEvent>> {
        if self.past.withdrawn == Some(withdrawn) {
            return self.past.event.clone();
        }
        let event = self.article.event.as_ref()?;
        Some(Box::new(PastEvent { time: EventTime::clone(event), published: self.published_at() }))
    }

    /// What is to be remembered of it if the file that it was read of is not there any more, or says another thing: if
    /// readers saw it until now, they cease to.
    fn past_by(&self, now: Timestamp) -> Past {
        let withdrawn = self.withdrawn_since(now).or(self.article.is_live(now).then_some(now));
        Past { withdrawn, event: withdrawn.and_then(|at| self.called_off(at)), ..self.past.clone() }
    }
}

/// An article that readers saw and do not see any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its identity.
    pub id: ArticleId,
    /// Its identity in feeds.
    pub guid: String,
    /// Since when they do not.
    pub at: Timestamp,
    /// When it would have taken place, if it was an event.
    pub event: Option<PastEvent>,
}

/// Newest first, then by identity.
pub type Order = (Reverse<Timestamp>, ArticleId);

/// A place of the catalog: the article, and when readers see it, beside it so that counting stays cheap.
#[derive(Debug, Clone)]
struct Slot {
    from: i64,
    until: i64,
    standing: Option<Arc<Standing>>,
}

/// All articles that stand on the site, live or not, and what is remembered of those that stood.
#[derive(Debug, Default)]
pub struct Catalog {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    by_path: HashTable<u32>,
    by_updated: HashTable<u32>,
    by_page: BTreeMap<u16, Vec<u32>>,
    hasher: DefaultHashBuilder,
    groups: Groups,
    /// Articles that are not in their groups yet.
    unsettled: Vec<u32>,
    /// Articles that may be announced by themselves some day: those whose announcement is not decided.
    open: BTreeSet<ArticleId>,
    /// Articles that are suspected to be copies.
    copies: BTreeSet<ArticleId>,
    /// Articles that readers may have seen, and may not see any more.
    fading: BTreeSet<ArticleId>,
    /// Articles whose text was never compared with another.
    raw: BTreeSet<ArticleId>,
    /// Instants at which an article enters or leaves, that lie ahead of when it was put in.
    turns: BTreeSet<(Timestamp, u32)>,
    /// Articles whose file is gone.
    gone: BTreeMap<ArticleId, Gone>,
    /// Addresses that became identities in feeds, while a first start is under way.
    adopted: HashSet<Box<str>>,
}

impl Catalog {
    /// How many articles stand.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no article stands.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All articles that stand, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Standing>> {
        self.slots.iter().filter_map(|slot| slot.standing.as_ref())
    }

    /// All articles that stand, newest first.
    pub fn newest_first(&self) -> Vec<&Arc<Standing>> {
        let mut all: Vec<&Arc<Standing>> = self.all().collect();
        all.sort_by_key(|standing| standing.order());
        all
    }

    /// The identities of all articles that stand, in order.
    pub fn ids(&self) -> Vec<ArticleId> {
        let mut ids: Vec<ArticleId> = self.all().map(|standing| standing.id).collect();
        ids.sort_unstable();
        ids
    }

    /// The article of an identity.
    pub fn get(&self, id: &ArticleId) -> Option<&Arc<Standing>> {
        self.at(self.slot_of(id)?)
    }

    fn slot_of(&self, id: &ArticleId) -> Option<u32> {
        self.by_id.find(self.hasher.hash_one(id), |slot| self.is_at(*slot, |standing| standing.id == *id)).copied()
    }

    /// The article of a path.
    pub fn at_path(&self, path: &str) -> Option<&Arc<Standing>> {
        let hash = self.hasher.hash_one(path);
        self.at(*self.by_path.find(hash, |slot| self.is_at(*slot, |standing| &*standing.article.path == path))?)
    }

    /// What is remembered of an article whose file is gone.
    pub fn gone(&self, id: &ArticleId) -> Option<&Gone> {
        self.gone.get(id)
    }

    /// All articles whose file is gone.
    pub fn all_gone(&self) -> impl Iterator<Item = &Gone> {
        self.gone.values()
    }

    /// Whether an identity was ever given.
    pub fn knows(&self, id: &ArticleId) -> bool {
        self.gone.contains_key(id) || self.get(id).is_some()
    }

    /// The articles that readers saw and do not see any more, with what of them was an event, the last one first.
    pub fn withdrawn(&self, now: Timestamp) -> Vec<Withdrawn> {
        let standing = self.fading.iter().filter_map(|id| {
            let standing = self.get(id)?;
            let at = standing.withdrawn_since(now)?;
            let event = standing.called_off(at).map(|event| *event);
            Some(Withdrawn { id: standing.id, guid: standing.guid(), at, event })
        });
        let gone = self.gone.values().filter_map(|gone| {
            let (at, event) = (gone.past.withdrawn?, gone.past.event.as_deref().cloned());
            Some(Withdrawn { id: gone.id, guid: gone.past.guid(gone.id), at, event })
        });
        let mut withdrawn: Vec<Withdrawn> = standing.chain(gone).collect();
        withdrawn.sort_by_key(|withdrawn| (Reverse(withdrawn.at), withdrawn.id));
        withdrawn
    }

    /// The articles that stand, that readers saw and do not see any more.
    pub fn faded(&self, now: Timestamp) -> impl Iterator<Item = ArticleId> {
        self.fading.iter().copied().filter(move |id| self.get(id).is_some_and(|s| s.withdrawn_since(now).is_some()))
    }

    /// The articles whose announcement is not decided.
    pub fn open(&self) -> &BTreeSet<ArticleId> {
        &self.open
    }

    /// The articles all of whose deliveries a plan must know, over or not: the undecided ones, and those that are gone and
    /// have copies, which hang on what was said of them.
    pub fn concerned(&self) -> BTreeSet<ArticleId> {
        let copies = self.copies.iter().filter_map(|id| self.get(id)?.past.copy_of.as_deref());
        let models = copies.map(|(model, _)| *model).filter(|model| self.gone.contains_key(model));
        self.open.iter().copied().chain(models).collect()
    }

    /// The articles that came as copies of others, however much of these is left in them.
    pub fn copies(&self) -> &BTreeSet<ArticleId> {
        &self.copies
    }

    /// Some of the articles whose text was never worked out, of those after an identity.
    pub fn raw_after(&self, after: Option<ArticleId>, most: usize) -> Vec<Arc<Standing>> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let some = self.raw.range((from, std::ops::Bound::Unbounded)).take(most);
        some.filter_map(|id| self.get(id)).cloned().collect()
    }

    /// Whether an article was last updated at this very instant.
    pub fn has_updated(&self, at: Timestamp) -> bool {
        let fits = |slot: &u32| self.is_at(*slot, |standing| standing.past.updated == at);
        self.by_updated.find(self.hasher.hash_one(at.as_microsecond()), fits).is_some()
    }

    /// The groups that hold an article, or ever did.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupKey, &Group)> {
        self.groups.all()
    }

    /// One group, if an article is or was in it.
    pub fn group(&self, key: &GroupKey) -> Option<&Group> {
        self.groups.get(key)
    }

    /// The articles of a group that readers see at an instant, newest first.
    pub fn live_in<'a>(&'a self, key: &GroupKey, now: Timestamp) -> impl Iterator<Item = &'a Arc<Standing>> {
        let members = self.groups.members(key);
        members.iter().filter(move |slot| self.is_live(**slot, now)).filter_map(|slot| self.at(*slot))
    }

    /// How many articles of a group readers see at an instant.
    pub fn count_in(&self, key: &GroupKey, now: Timestamp) -> usize {
        self.groups.members(key).iter().filter(|slot| self.is_live(**slot, now)).count()
    }

    /// A number that changes whenever, of the articles of a group that readers see at an instant, one comes, goes or
    /// changes; and never for what they do not see yet.
    pub fn print_in(&self, key: &GroupKey, now: Timestamp) -> u64 {
        let print = self.group(key).map_or(0, Group::print);
        let unseen = self.groups.members(key).iter().filter(|slot| !self.is_live(**slot, now));
        unseen.filter_map(|slot| self.at(*slot)).fold(print, |print, standing| print ^ groups::print_of(standing))
    }

    /// The spelling of a group's term that most of the articles use that readers see at an instant; of equals, the first
    /// by the alphabet. None if they see none.
    pub fn label_in(&self, key: &GroupKey, now: Timestamp) -> Option<&str> {
        let mut live = self.live_in(key, now).peekable();
        live.peek()?;
        let group = self.group(key)?;
        if group.spellings().nth(1).is_none() {
            return group.spellings().next().map(|(spelling, _)| spelling);
        }
        let mut spellings: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, label) in live.flat_map(|standing| standing.article.terms()) {
            if kind == key.kind && *label.folded == *key.term {
                *spellings.entry(&label.text).or_default() += 1;
            }
        }
        spellings.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|(spelling, _)| spelling)
    }

    /// The groups of the articles that entered or left by the passing of time, after one instant and up to another.
    pub fn turned(&self, after: Timestamp, until: Timestamp) -> BTreeSet<GroupKey> {
        let range = (after, u32::MAX)..=(until, u32::MAX);
        let turned = if after < until { self.turns.range(range).collect() } else { Vec::new() };
        let turned = turned.into_iter().filter_map(|(_, slot)| self.at(*slot));
        turned.flat_map(|standing| GroupKey::of(&standing.article)).collect()
    }

    /// The first instant after `now` at which an article enters or leaves.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.turns.range((now, u32::MAX)..).map(|(at, _)| *at).find(|at| *at > now)
    }

    /// The articles that stand in a page of the index.
    fn in_page(&self, page: u16) -> impl Iterator<Item = &Arc<Standing>> {
        self.by_page.get(&page).into_iter().flatten().filter_map(|slot| self.at(*slot))
    }

    /// Puts an article in, or in the place of its former self.
    pub fn put(&mut self, standing: Standing) {
        if let Some(slot) = self.slot_of_same_place(&standing) {
            let standing = Arc::new(standing);
            if let Some(old) = self.at(slot) {
                let old = Arc::clone(old);
                self.groups.changed(&old, &standing);
            }
            self.take_out(slot);
            self.fill(slot, standing);
            return;
        }
        let slot = self.take_slot(&standing.id);
        self.fill(slot, Arc::new(standing));
        self.groups.put(slot, &self.slots);
    }

    /// The slot of an article whose place in every group is that of its former self.
    fn slot_of_same_place(&self, new: &Standing) -> Option<u32> {
        let slot = self.slot_of(&new.id)?;
        let old = self.at(slot)?;
        let same = old.order() == new.order()
            && old.article.published == new.article.published
            && old.article.collection == new.article.collection
            && old.article.categories == new.article.categories
            && old.article.tags == new.article.tags
            && old.article.author == new.article.author
            && old.article.language == new.article.language
            && old.article.event.is_some() == new.article.event.is_some();
        same.then_some(slot)
    }

    /// Puts many articles in at once.
    pub fn put_all(&mut self, all: impl IntoIterator<Item = Standing>) {
        self.put_unsettled(all);
        self.settle();
    }

    /// Puts many articles in, which get into their groups by [`Catalog::settle`].
    pub fn put_unsettled(&mut self, all: impl IntoIterator<Item = Standing>) {
        for standing in all {
            let slot = self.take_slot(&standing.id);
            self.fill(slot, Arc::new(standing));
            self.unsettled.push(slot);
        }
    }

    /// Puts the articles that are not in their groups yet into them.
    pub fn settle(&mut self) {
        self.groups.put_all(std::mem::take(&mut self.unsettled), &self.slots);
        self.adopted = HashSet::new();
    }

    /// Takes an article out, remembering it.
    pub fn let_go(&mut self, gone: Gone) {
        self.remove(&gone.id);
        self.gone.insert(gone.id, gone);
    }

    /// Replaces what is remembered of an article that stands.
    pub fn remember(&mut self, id: &ArticleId, change: impl FnOnce(&mut Past)) {
        let Some(standing) = self.get(id) else { return };
        let mut past = standing.past.clone();
        change(&mut past);
        let standing = Standing { past, ..Standing::clone(standing) };
        self.put(standing);
    }

    /// A slot for an identity: its own, emptied, or a free one.
    fn take_slot(&mut self, id: &ArticleId) -> u32 {
        self.remove(id);
        self.gone.remove(id);
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { from: i64::MAX, until: i64::MIN, standing: None });
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn fill(&mut self, slot: u32, standing: Arc<Standing>) {
        let Life { from, until } = standing.article.life();
        for turn in [from, until].into_iter().filter(|turn| ![Timestamp::MIN, Timestamp::MAX].contains(turn)) {
            // Only what lies ahead of when it was seen can turn; and an expiry always can, when a clock is set back.
            if turn > standing.past.first_seen || turn == until {
                self.turns.insert((turn, slot));
            }
        }
        if standing.past.decided.is_none() {
            self.open.insert(standing.id);
        }
        if standing.past.visible == 0 {
            self.raw.insert(standing.id);
        }
        if standing.past.copy_of.is_some() {
            self.copies.insert(standing.id);
        }
        if until != Timestamp::MAX || standing.past.withdrawn.is_some() {
            self.fading.insert(standing.id);
        }
        self.by_page.entry(index::page_of(&standing.article.path)).or_default().push(slot);
        let Self { slots, by_id, by_path, by_updated, hasher, .. } = self;
        let updated = |standing: &Standing| hasher.hash_one(standing.past.updated.as_microsecond());
        let (id_hash, path_hash) = (hasher.hash_one(standing.id), hasher.hash_one(&*standing.article.path));
        let updated_hash = updated(&standing);
        slots[slot as usize] =
            Slot { from: from.as_microsecond(), until: until.as_microsecond(), standing: Some(standing) };
        let of = |slot: &u32| slots[*slot as usize].standing.as_ref();
        by_id.insert_unique(id_hash, slot, |slot| of(slot).map_or(0, |standing| hasher.hash_one(standing.id)));
        by_path.insert_unique(path_hash, slot, |slot| {
            of(slot).map_or(0, |standing| hasher.hash_one(&*standing.article.path))
        });
        by_updated.insert_unique(updated_hash, slot, |slot| of(slot).map_or(0, |standing| updated(standing)));
    }

    fn remove(&mut self, id: &ArticleId) {
        let Some(slot) = self.slot_of(id) else { return };
        self.groups.take(slot, &self.slots);
        self.take_out(slot);
        self.slots[slot as usize] = Slot { from: i64::MAX, until: i64::MIN, standing: None };
        self.free.push(slot);
    }

    /// Takes an article out of everything but the groups; its slot is still its own.
    fn take_out(&mut self, slot: u32) {
        let Some(standing) = self.slots[slot as usize].standing.clone() else { return };
        for (table, hash) in [
            (&mut self.by_id, self.hasher.hash_one(standing.id)),
            (&mut self.by_path, self.hasher.hash_one(&*standing.article.path)),
            (&mut self.by_updated, self.hasher.hash_one(standing.past.updated.as_microsecond())),
        ] {
            if let Ok(entry) = table.find_entry(hash, |found| *found == slot) {
                entry.remove();
            }
        }
        if let Some(page) = self.by_page.get_mut(&index::page_of(&standing.article.path)) {
            page.retain(|other| *other != slot);
        }
        self.open.remove(&standing.id);
        self.copies.remove(&standing.id);
        self.fading.remove(&standing.id);
        self.raw.remove(&standing.id);
        let Life { from, until } = standing.article.life();
        self.turns.remove(&(from, slot));
        self.turns.remove(&(until, slot));
    }

    fn at(&self, slot: u32) -> Option<&Arc<Standing>> {
        self.slots.get(slot as usize)?.standing.as_ref()
    }

    fn is_at(&self, slot: u32, holds: impl Fn(&Standing) -> bool) -> bool {
        self.at(slot).is_some_and(|standing| holds(standing))
    }

    fn is_live(&self, slot: u32, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        self.slots.get(slot as usize).is_some_and(|slot| slot.from <= now && now < slot.until)
    }
}
