//! What is kept in memory between passes, and the steps of a pass on it. Nothing here waits: it runs off the async
//! threads, with all cores where there is much to do.

use super::files::{Files, Outcomes, Reader, ToRead, Where};
use super::{Booked, PassError, Snapshot};
use crate::article::sketch::Sketch;
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::ledger::Row;
use crate::catalog::look::{self, Looked, Site, Sorted};
use crate::catalog::read::{self, Changes};
use crate::catalog::{Catalog, GroupKey, Head, Names, Past, Standing, index};
use crate::config::{Baseline, Config};
use crate::delivery::{Delivery, Removal};
use crate::feed::{FeedSet, Making, Memory, Settings, Shown};
use crate::plan::{self, Edits, Inputs, Plan, Posted, Sent, Silence};
use crate::problem::{Place, Problem};
use crate::store::Rows;
use crate::text::counted;
use jiff::Timestamp;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What the store remembers.
pub struct Loaded {
    pub generation: i64,
    /// What the index fits, and its pages.
    pub index: Option<(String, Vec<Vec<u8>>)>,
    /// Rows of the ledger: of all articles if there is no index, else of those whose file is gone.
    pub rows: Vec<Row>,
    pub first: bool,
    pub collections: BTreeSet<String>,
    pub memory: Memory,
}

/// Articles whose texts are worked out at once.
const DIGEST: usize = 500;

/// Pages of the index.
pub type Pages = Vec<(u16, Vec<u8>)>;

/// What is written down last.
pub struct ToKeep {
    pub generation: Option<i64>,
    /// The whole index, and what it fits.
    pub index: Option<(Pages, String)>,
    pub before: Memory,
    pub after: Memory,
    pub entries: Vec<(ArticleId, String)>,
    pub dropped: BTreeSet<ArticleId>,
}

/// What a plan must know of the store.
pub struct Before {
    pub outbox: Vec<Delivery>,
    pub silence: Option<Silence>,
    /// When the last posts of endpoints went out, if lines are wanted.
    pub sent: Option<Sent>,
}

/// What a plan came to.
pub struct Planned {
    pub plan: Plan,
    pub outbox: Vec<Delivery>,
    /// Whether this is the first start, and how many articles count as announced.
    pub first: Option<usize>,
    pub new_collections: Vec<String>,
    pub next_change: Option<Timestamp>,
    /// Pages of the index in which something changed; None if the index is not that of the catalog, and is to be
    /// written whole.
    pub pages: Option<Pages>,
}

/// What is kept in memory between passes.
pub struct State {
    config: Arc<Config>,
    files: Files,
    names: Names,
    catalog: Arc<RwLock<Catalog>>,
    /// How often what readers may see of the catalog changed.
    changes: Arc<AtomicU64>,
    /// The store's generation that the catalog is of; None if it must be taken from the store.
    pub generation: Option<i64>,
    /// Whether the ledger is changed by this pass.
    pub is_changed: bool,
    first: bool,
    baseline: usize,
    collections: BTreeSet<String>,
    /// Whether the store's index is that of this catalog, but for `pages`.
    has_index: bool,
    pages: BTreeSet<u16>,
    memory: Memory,
    /// What of the feeds is in the store.
    kept: Arc<FeedSet>,
    kept_memory: Memory,
    rendered_at: Option<Timestamp>,
    /// Groups in which something changed since the feeds were made; None for all.
    affected: Option<BTreeSet<GroupKey>>,
    /// Articles that were read anew, or are gone, since a pass last looked what becomes of their posts.
    pub touched: BTreeSet<ArticleId>,
    /// Up to which article texts were worked out.
    digested: Option<ArticleId>,
    /// Entries that may have been made of files that are not as they were; None for all.
    beside: Option<BTreeSet<String>>,
    /// Whether what the catalog says of the files is only what could be found of it in the store: everything is to be
    /// looked at before hints count.
    is_partial: bool,
}

impl State {
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            files: Files::new(Arc::clone(&config)),
            config,
            names: Names::default(),
            catalog: Arc::default(),
            changes: Arc::default(),
            generation: None,
            is_changed: false,
            first: true,
            baseline: 0,
            collections: BTreeSet::new(),
            has_index: false,
            pages: BTreeSet::new(),
            memory: Memory::default(),
            kept: Arc::default(),
            kept_memory: Memory::default(),
            rendered_at: None,
            affected: None,
            touched: BTreeSet::new(),
            digested: None,
            beside: None,
            is_partial: true,
        }
    }

    /// Takes what the store remembers into memory. It comes back if its index cannot be read.
    pub fn take(&mut self, mut loaded: Loaded) -> Option<Loaded> {
        let mut catalog = Catalog::default();
        self.names = Names::default();
        self.has_index = false;
        let index = loaded.index.take();
        if let Some((fits, pages)) = &index {
            let read = index::is_of_this_form(fits).then(|| index::read(pages)).flatten();
            let Some(articles) = read else { return Some(loaded) };
            // Where the settings or the program changed, what the index says of the files counts until they are read.
            self.has_index = self.index_fits().is_some_and(|now| now == *fits);
            let has_index = self.has_index;
            let names = &mut self.names;
            catalog.put_all(articles.filter_map(|article| {
                let mut standing = article.into_standing(names)?;
                if !has_index {
                    standing.stamp = Default::default();
                }
                Some(standing)
            }));
        }
        for row in loaded.rows {
            row.enter(&mut catalog, &mut self.names);
        }
        let mut shared = self.write_catalog();
        *shared = catalog;
        self.changes.fetch_add(1, Ordering::Relaxed);
        drop(shared);
        self.generation = Some(loaded.generation);
        self.first = loaded.first;
        self.collections = loaded.collections;
        self.kept_memory = loaded.memory.clone();
        self.memory = loaded.memory;
        self.affected = None;
        self.beside = None;
        self.is_partial = !self.has_index;
        self.digested = None;
        self.baseline = 0;
        self.pages.clear();
        None
    }

    /// Forgets that the catalog is that of the store.
    pub fn forget(&mut self) {
        self.generation = None;
    }

    /// What an index fits that is written now.
    fn index_fits(&mut self) -> Option<String> {
        self.files.read_settings_first().ok()?;
        Some(index::fits(&self.files.site()?.digest()))
    }

    /// The entries that an earlier process made.
    pub fn shown_before(&mut self, entries: Vec<String>) -> FeedSet {
        let feeds = FeedSet::of_entries(entries.iter().filter_map(|entry| serde_json::from_str::<Shown>(entry).ok()));
        self.kept = Arc::new(feeds.clone());
        feeds
    }

    /// Looks at files, and tells which are to be read.
    pub fn look_at(&mut self, at: &Where, accept_empty: bool) -> Result<ToRead, PassError> {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let everywhere = Where::Everywhere;
        // An index that does not fit is mended by a look at everything.
        let at = if self.is_partial { &everywhere } else { at };
        // Should the pass fail, the next one does not know what this one found beside articles.
        let beside = self.beside.take();
        let to_read = self.files.look(&catalog, at, self.is_partial)?;
        let stood = catalog.len();
        let is_emptied = stood > 0 && to_read.removed.len() == stood && to_read.files.is_empty();
        drop(catalog);
        if is_emptied && !self.files.has_broken() && !accept_empty {
            return Err(self.files.emptied());
        }
        if to_read.settings_changed {
            self.has_index = false;
            self.affected = None;
        }
        self.beside = beside.zip(to_read.beside.clone()).map(|(known, new)| known.union(&new).cloned().collect());
        Ok(to_read)
    }

    /// Goes on with what another process wrote down. When the passing of time alone may change something.
    ///
    /// Errors: what is there is not of these settings, or not whole.
    pub fn follow(&mut self, leader: String, now: Timestamp) -> Result<Option<Timestamp>, PassError> {
        let Some(site) = self.files.site().cloned() else { return Err(PassError::Site(self.files.problems())) };
        if !self.has_index {
            // It is written down last, and the settings of this folder may have followed: both are looked at again.
            self.generation = None;
            self.files.read_settings()?;
            let why =
                "the site's settings differ, or its first pass is still under way; the last state stays until then";
            return Err(PassError::Elsewhere(leader, why));
        }
        let catalog = self.read_catalog();
        Ok(plan::next_change(&Inputs::new(&self.config, &site, &catalog, &[], now)))
    }

    /// Whether nothing is known yet.
    pub fn is_blank(&self) -> bool {
        let catalog = self.read_catalog();
        catalog.is_empty() && catalog.all_gone().next().is_none()
    }

    /// What reads files, without the state.
    pub fn reader(&self) -> Option<Reader> {
        self.files.reader()
    }

    /// What files that were read mean.
    pub fn changes(&mut self, read: Outcomes) -> Changes {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        self.files.changes(&catalog, read)
    }

    /// Tells the plain from the others.
    pub fn sort(&mut self, changes: Changes, now: Timestamp) -> Sorted {
        look::sort(&self.read_catalog(), changes, now)
    }

    /// Gives articles their identities. What is to be written of them.
    /// `is_whole` says that these are the last of a look at everything.
    pub fn look(&mut self, sorted: Sorted, texts: &HashMap<ArticleId, Sketch>, is_whole: bool, now: Timestamp) -> Rows {
        let Some(settings) = self.files.site().cloned() else { return Rows::default() };
        let new = self.new_collections(&settings).into_iter().collect();
        // A collection that comes later is no first start: whatever the configuration says, its articles stay silent.
        let baseline = if self.first { self.config.baseline } else { Baseline::Existing };
        let adopts_addresses = self.config.feeds.adopts_addresses;
        let site = Site { settings: &settings, baseline, new: &new, adopts_addresses };
        let catalog = Arc::clone(&self.catalog);
        let mut catalog = catalog.write().unwrap_or_else(PoisonError::into_inner);
        let is_blank = sorted.is_of_blank();
        let looked = look::look(&mut catalog, &mut self.names, sorted, texts, &site, now);
        if !looked.is_empty() {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        if is_whole {
            catalog.settle();
        }
        self.note(&looked);
        if is_whole {
            self.is_partial = false;
            self.files.taken_up();
        }
        // Where everything is new, all is written at once, in the order of the table.
        if is_blank { Rows::default() } else { Rows::of(&catalog, looked) }
    }

    /// The articles, for whoever needs no more of the state.
    pub fn catalog(&self) -> Arc<RwLock<Catalog>> {
        Arc::clone(&self.catalog)
    }

    fn note(&mut self, looked: &Looked) {
        self.is_changed |= !looked.is_empty();
        self.baseline += looked.baseline;
        if looked.redated > 0 {
            tracing::warn!(
                "the dates of {} that were no news were set anew at once: none is announced by itself; `crieur backfill --since` posts them all the same",
                counted(looked.redated, "article")
            );
        }
        self.pages.extend(&looked.pages);
        self.touched.extend(looked.changed.keys().chain(&looked.gone));
        if let Some(affected) = &mut self.affected {
            affected.extend(looked.affected.iter().cloned());
        }
    }

    fn new_collections(&self, site: &SiteSettings) -> Vec<String> {
        site.collections.keys().filter(|name| !self.collections.contains(*name)).cloned().collect()
    }

    /// The articles all of whose deliveries a plan must know.
    pub fn concerned(&self) -> BTreeSet<ArticleId> {
        self.read_catalog().concerned()
    }

    /// The articles that readers do not see any more, as far as posts of them can be to be withdrawn.
    pub fn withdrawn(&self, now: Timestamp) -> BTreeSet<ArticleId> {
        let catalog = self.read_catalog();
        catalog.all_gone().map(|gone| gone.id).chain(catalog.faded(now)).collect()
    }

    /// Those articles that readers see now.
    pub fn live(&self, mut articles: BTreeSet<ArticleId>, now: Timestamp) -> BTreeSet<ArticleId> {
        let catalog = self.read_catalog();
        let is_live = |id: &ArticleId| {
            catalog.get(id).is_some_and(|standing| !standing.is_unread() && standing.article.is_live(now))
        };
        articles.retain(is_live);
        articles
    }

    /// What becomes of published posts whose article changed.
    pub fn edits(&self, posted: &[Posted], waiting: &BTreeSet<String>, now: Timestamp) -> Edits {
        plan::edits(&self.read_catalog(), &self.config.rules, posted, waiting, now)
    }

    /// Which published posts are to be withdrawn.
    pub fn removals(&self, published: &[Delivery], now: Timestamp) -> Vec<(i64, Removal, String)> {
        plan::removals(&self.read_catalog(), &self.config.rules, published, now)
    }

    /// Plans, and takes over what the plan decides.
    pub fn plan(&mut self, before: Before, explain: bool, now: Timestamp) -> Planned {
        let Before { outbox, silence, sent } = before;
        let site = self.files.site().cloned();
        let shared = Arc::clone(&self.catalog);
        let mut catalog = shared.write().unwrap_or_else(PoisonError::into_inner);
        let (mut plan, mut next_change, mut new_collections) = (Plan::default(), None, Vec::new());
        if let Some(site) = &site {
            let inputs = Inputs::new(&self.config, site, &catalog, &outbox, now);
            let inputs = Inputs { explain, silence: silence.as_ref(), sent: sent.as_ref(), ..inputs };
            plan = plan::plan(&inputs);
            next_change = plan::next_change(&inputs);
            new_collections = self.new_collections(site);
        }
        for (id, decided) in &plan.decided {
            catalog.remember(id, |past| past.decided = Some(*decided));
            self.pages.extend(catalog.get(id).map(|standing| index::page_of(&standing.article.path)));
        }
        self.is_changed |= !plan.decided.is_empty();
        // A site without any article is one that is not there yet: its first start is still to come.
        let has_started = !(self.first && catalog.is_empty());
        let first = (self.first && has_started).then(|| std::mem::take(&mut self.baseline));
        if has_started {
            self.first = false;
            self.collections.extend(new_collections.iter().cloned());
        } else {
            new_collections.clear();
        }
        self.is_changed |= !new_collections.is_empty();
        let touched = std::mem::take(&mut self.pages);
        let pages = (self.has_index && !explain)
            .then(|| touched.into_iter().map(|page| (page, index::page(&catalog, page))).collect());
        Planned { plan, outbox, first, new_collections, next_change, pages }
    }

    /// Makes the feeds in which something changed.
    pub fn render(&mut self, before: Arc<FeedSet>, settings: &Settings, now: Timestamp) -> Arc<FeedSet> {
        let (Some(site), Some(texts)) = (self.files.site().cloned(), self.files.texts(&self.catalog)) else {
            return before;
        };
        let shared = Arc::clone(&self.catalog);
        let catalog = shared.read().unwrap_or_else(PoisonError::into_inner);
        let mut before = before;
        let stale = self.stale(&before);
        let shows_stale = if stale.is_empty() { BTreeSet::new() } else { Arc::make_mut(&mut before).forget(&stale) };
        let clock_goes_on = self.rendered_at.filter(|at| *at <= now);
        let affected = match (self.affected.take(), clock_goes_on) {
            (Some(mut affected), Some(at)) if !before.is_incomplete => {
                affected.extend(catalog.turned(at, now));
                affected.extend(shows_stale);
                Some(affected)
            }
            _ => None,
        };
        self.affected = Some(BTreeSet::new());
        self.beside = Some(BTreeSet::new());
        self.rendered_at = Some(now);
        if affected.as_ref().is_some_and(BTreeSet::is_empty) && !before.feeds.is_empty() {
            return before;
        }
        let making = Making {
            catalog: &catalog,
            site: &site,
            settings,
            memory: &self.memory,
            before: &before,
            affected: affected.as_ref(),
            read: &|standing| texts.read(standing),
            now,
        };
        let feeds = Arc::new(making.render());
        self.memory = feeds.memory();
        feeds
    }

    /// Entries made of files that are not as they were: an image that is uploaded after its article.
    fn stale(&self, feeds: &FeedSet) -> BTreeSet<ArticleId> {
        let Some(texts) = self.files.texts(&self.catalog) else { return BTreeSet::new() };
        let concerned = |shown: &&Shown| match &self.beside {
            None => true,
            Some(beside) => {
                !beside.is_empty() && shown.names().any(|name| beside.contains(name.trim_start_matches('/')))
            }
        };
        let stale = feeds.shown().filter(concerned).filter(|shown| shown.is_stale(&|path| texts.length(path)));
        stale.map(|shown| shown.article).collect()
    }

    /// Works out the texts of some of the articles whose text was never compared. What is to be written of them; None if
    /// none is left.
    pub fn digest(&mut self) -> Option<Rows> {
        let texts = self.files.texts(&self.catalog)?;
        let raw = self.read_catalog().raw_after(self.digested, DIGEST);
        self.digested = Some(raw.last()?.id);
        let read = |standing: &Arc<Standing>| {
            let article = texts.text(standing)?;
            let mut past = standing.past.clone();
            let sketch = read::digest_text(&mut past, &article);
            Some((standing.id, past, sketch))
        };
        let done: Vec<(ArticleId, Past, Sketch)> = raw.par_iter().filter_map(read).collect();
        let mut looked = Looked::default();
        // Only now are readers kept waiting; nobody else writes meanwhile.
        let shared = Arc::clone(&self.catalog);
        let mut catalog = shared.write().unwrap_or_else(PoisonError::into_inner);
        for (id, past, sketch) in done {
            catalog.remember(&id, |known| *known = past);
            looked.changed.insert(id, Some(sketch));
        }
        self.has_index &= looked.is_empty();
        Some(Rows::of(&catalog, looked))
    }

    /// What is to be written down last; None if everything is.
    pub fn owed(&mut self, feeds: Arc<FeedSet>) -> Option<ToKeep> {
        if self.generation.is_none() || self.is_partial || self.files.is_unread() {
            return None;
        }
        let after = feeds.memory();
        let (shown, dropped) = feeds.shown_since(&self.kept);
        let entries: Vec<(ArticleId, String)> =
            shown.into_iter().filter_map(|shown| Some((shown.article, serde_json::to_string(shown).ok()?))).collect();
        let index = if self.has_index {
            None
        } else {
            let fits = self.index_fits();
            fits.map(|fits| (index::all_pages(&self.read_catalog()), fits))
        };
        if index.is_none() && entries.is_empty() && dropped.is_empty() && after == self.kept_memory {
            return None;
        }
        let before = self.kept_memory.clone();
        Some(ToKeep { generation: self.generation, index, before, after, entries, dropped })
    }

    /// What was owed is written down.
    pub fn kept(&mut self, feeds: Arc<FeedSet>, kept: ToKeep) {
        self.has_index |= kept.index.is_some();
        self.kept = feeds;
        self.kept_memory = kept.after;
    }

    /// A pass for those who look at it.
    pub fn snapshot(&self, booked: Booked, feeds: Arc<FeedSet>) -> Result<Snapshot, PassError> {
        let (Some(site), Some(texts)) = (self.files.site().cloned(), self.files.texts(&self.catalog)) else {
            return Err(PassError::Site(self.files.problems()));
        };
        let named: BTreeSet<String> = feeds
            .shown()
            .flat_map(|shown| shown.names())
            .filter_map(|name| Some(Path::new(name).parent()?.to_str()?.to_owned()))
            .filter(|folder| !folder.is_empty())
            .collect();
        Ok(Snapshot {
            site,
            problems: self.files.problems().into_iter().chain(self.held_back(&feeds)).collect(),
            feeds,
            plan: booked.plan,
            first: booked.first,
            outbox: booked.outbox,
            next_change: booked.next_change,
            follows: booked.follows,
            leader: booked.leader,
            folders: self.files.folders(&named),
            texts,
            settings: Arc::new(super::feed_settings(&self.config)),
            catalog: Arc::clone(&self.catalog),
            seen: self.changes.load(Ordering::Relaxed),
            changes: Arc::clone(&self.changes),
        })
    }

    /// Everything that a person should see of the site's files: each for itself, and together.
    pub fn inspect(&self, wanted: impl FnMut(&str) -> bool) -> Result<Vec<Problem>, PassError> {
        let mut problems = self.files.inspect(&self.catalog, wanted)?;
        problems.extend(self.shared_addresses());
        Ok(problems)
    }

    /// Articles that the feed doctor held back.
    fn held_back(&self, feeds: &FeedSet) -> Vec<Problem> {
        let catalog = self.read_catalog();
        let held = feeds.held.iter().filter_map(|(id, faults)| Some((catalog.get(id)?, faults)));
        held.flat_map(|(standing, faults)| faults.iter().map(|fault| fault.problem(&*standing.article.path))).collect()
    }

    /// Two published articles at one address: the site shows one of them.
    fn shared_addresses(&self) -> Vec<Problem> {
        let catalog = self.read_catalog();
        let mut published: Vec<_> = catalog.all().filter(|standing| standing.article.published).collect();
        published.sort_by(|a, b| (&a.article.url, &a.article.path).cmp(&(&b.article.url, &b.article.path)));
        let same = published.chunk_by(|a, b| a.article.url == b.article.url);
        let later = same.flat_map(|same| same.iter().skip(1).map(|other| (&same[0].article, &other.article)));
        let problem = |(first, other): (&Head, &Head)| {
            let message = format!("{} has the same address, {}", first.path, other.url);
            let problem = Problem::warning(&*other.path, Place::FILE, message).kind("same-address");
            problem.cure("rename one of the two, or give it a permalink")
        };
        later.map(problem).collect()
    }

    fn read_catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_catalog(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }
}
