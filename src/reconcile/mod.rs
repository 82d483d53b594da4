//! One pass over the site: read what changed, look it up in the ledger, plan, book; then make the feeds that changed.
//!
//! What decides is in the core; this folder carries it between disk, database and memory. The catalog stays in memory
//! between passes, so that a pass costs what changed and not what there is; the store's generation tells whether another
//! process changed the ledger meanwhile, and then everything is taken from the store again.

mod files;
mod leader;
mod on_demand;
mod snapshot;
mod state;
mod texts;

pub use files::Where;
pub use on_demand::Made;
pub use snapshot::Snapshot;
pub use texts::Texts;

use crate::blocking::elsewhere;
use crate::catalog::{Catalog, index, read};
use crate::config::Config;
use crate::crash::crash_point;
use crate::delivery::Delivery;
use crate::feed::{FeedSet, Settings};
use crate::plan::{self, Plan};
use crate::problem::Problem;
use crate::source::{SourceError, git};
use crate::store::{Pass, Rows, Store, StoreError};
use jiff::Timestamp;
use state::State;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A pass that could not be made. The last good state stays.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The site's settings cannot be read.
    #[error("the site's settings cannot be read")]
    Site(Vec<Problem>),
    /// The files cannot be looked at.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process leads, and what it wrote down is not of these settings, or not there yet.
    #[error("another process takes up the site for this database, from {0}, and this one cannot follow it: {1}")]
    Elsewhere(String, &'static str),
    /// The process that led has ended, and this one's checkout may be behind.
    #[error("the process that took up the site has ended; this one does so once its repository is pulled")]
    TakesOver,
    /// The part that reads and renders ended.
    #[error("the part that reads the site ended: {0}")]
    Ended(String),
}

/// Articles that are read and written at once when everything is new: what is under way stays small.
const CHUNK: usize = 2_000;
/// How often a pass is begun again because another process changed the ledger meanwhile.
const TRIES: usize = 3;

/// Makes passes, and keeps between them what need not be read or made again.
pub struct Reconciler {
    config: Arc<Config>,
    state: Arc<Mutex<State>>,
    feeds: Arc<FeedSet>,
    accept_empty: bool,
    /// Renames that git reports, until a pass has booked what comes of them.
    renames: Vec<(String, String)>,
    /// The folder from which another process takes up the site, if this one follows.
    leader: Option<String>,
    /// Whether the site's repository was pulled since this process last followed.
    is_pulled: bool,
    /// Whether hints are missing: another one led.
    looks_everywhere: bool,
}

/// What the first half of a pass found.
struct Booked {
    plan: Plan,
    outbox: Vec<Delivery>,
    first: Option<usize>,
    next_change: Option<Timestamp>,
    /// The feeds, if they are made already.
    feeds: Option<Arc<FeedSet>>,
    /// Whether another process leads, and this one goes on with what that one wrote down.
    follows: bool,
    /// The folder of the process that leads, if it is another one.
    leader: Option<String>,
}

impl Reconciler {
    /// Nothing is read yet.
    pub fn new(config: Arc<Config>) -> Self {
        let state = Arc::new(Mutex::new(State::new(Arc::clone(&config))));
        Self {
            config,
            state,
            feeds: Arc::default(),
            accept_empty: false,
            renames: Vec::new(),
            leader: None,
            is_pulled: false,
            looks_everywhere: false,
        }
    }

    /// Takes a site that lost all its articles at once as it is.
    pub fn accepting_empty(mut self, accept: bool) -> Self {
        self.accept_empty = accept;
        self
    }

    /// Old and new paths of files that were renamed, as git reports them, for the next pass.
    pub fn renamed(&mut self, renames: Vec<(String, String)>) {
        self.renames = renames;
    }

    /// The site's repository was pulled: its checkout is as new as can be.
    pub fn pulled(&mut self) {
        self.is_pulled = true;
    }

    /// One whole pass over every file's status.
    pub async fn pass(&mut self, store: &Store, now: Timestamp) -> Result<Snapshot, PassError> {
        let snapshot = self.pass_at(store, now, &Where::Everywhere).await?;
        self.keep(store).await?;
        while self.digest(store).await? {}
        Ok(snapshot)
    }

    /// Works out the texts of some articles that were read for the first time, and are not compared yet. False if none
    /// is left; then [`Reconciler::keep`] writes the index down.
    pub async fn digest(&mut self, store: &Store) -> Result<bool, PassError> {
        if self.leader.is_some() {
            return Ok(false);
        }
        let mut pass = store.pass().await?;
        if Some(pass.generation().await?) != self.with(|state| state.generation).await? {
            return Ok(false);
        }
        let Some(rows) = self.with(|state| state.digest()).await? else {
            drop(pass);
            self.keep(store).await?;
            return Ok(false);
        };
        if rows.is_empty() {
            return Ok(true);
        }
        self.with(|state| state.forget()).await?;
        pass.write(rows).await?;
        let generation = pass.next_generation().await?;
        pass.commit().await?;
        self.with(move |state| state.generation = Some(generation)).await?;
        Ok(true)
    }

    /// A pass over some files: what is to be done is decided and booked in one transaction, then the feeds are made,
    /// outside of it, so that nobody who delivers waits for them. [`Reconciler::keep`] is to be called after.
    pub async fn pass_at(&mut self, store: &Store, now: Timestamp, at: &Where) -> Result<Snapshot, PassError> {
        let mut booked = self.booked(store, now, at).await?;
        if let Some(feeds) = booked.feeds.take() {
            self.feeds = feeds;
        }
        self.feeds = self.rendered(now).await?;
        self.snapshot(booked).await
    }

    /// The first half of a pass, without the feeds.
    pub async fn book(&mut self, store: &Store, now: Timestamp) -> Result<Snapshot, PassError> {
        let booked = self.booked(store, now, &Where::Everywhere).await?;
        self.snapshot(booked).await
    }

    /// A pass that changes nothing: what one would find and want. Without a store, as at a first start.
    pub async fn glance(&mut self, store: Option<&Store>, now: Timestamp) -> Result<Snapshot, PassError> {
        let mut pass = match store {
            Some(store) => Some(store.glance().await?),
            None => None,
        };
        let _unchanged_meanwhile = self.hold().await?;
        let leader = match (store, pass.as_mut()) {
            (Some(store), Some(pass)) => store.leader(pass, &self.mark().await?).await?,
            _ => None,
        };
        self.load(pass.as_mut()).await?;
        let to_read = self.look(&Where::Everywhere).await?;
        let (ahead, rest) = self.split(to_read).await?;
        let changes = self.read(ahead, now).await?;
        // From here on memory is ahead of the store, whatever comes of it.
        self.with(|state| state.forget()).await?;
        let booked = self.decide(Hand { pass: pass.as_mut(), writes: false }, changes, rest, now).await?;
        self.feeds = self.rendered(now).await?;
        self.snapshot(Booked { leader, ..booked }).await
    }

    /// Writes down what can be found out again: the index, the validators of the feeds, and the entries that they show.
    /// It is done last, so that no reader waits for it.
    pub async fn keep(&mut self, store: &Store) -> Result<(), PassError> {
        if self.leader.is_some() {
            return Ok(());
        }
        let feeds = Arc::clone(&self.feeds);
        let Some(mut kept) = self.with(move |state| state.owed(feeds)).await? else {
            return Ok(store.tidy().await?);
        };
        let mut pass = store.pass().await?;
        // What another process wrote meanwhile is newer.
        if Some(pass.generation().await?) == kept.generation {
            if let Some((pages, fits)) = &mut kept.index {
                pass.write_index(std::mem::take(pages), Some(fits)).await?;
            }
            pass.remember_feeds(&kept.before, &kept.after).await?;
            pass.remember_documents(&kept.before, &kept.after).await?;
            pass.write_entries(&kept.entries, &kept.dropped).await?;
            pass.commit().await?;
            let feeds = Arc::clone(&self.feeds);
            self.with(move |state| state.kept(feeds, kept)).await?;
        }
        Ok(store.tidy().await?)
    }

    /// Everything that a person should see of the site's files, after a pass or a glance. Only those for which `wanted`
    /// is true, by their path under the root, are read whole.
    pub async fn inspect(&self, wanted: impl FnMut(&str) -> bool + Send + 'static) -> Result<Vec<Problem>, PassError> {
        self.with(move |state| state.inspect(wanted)).await?
    }

    async fn booked(&mut self, store: &Store, now: Timestamp, at: &Where) -> Result<Booked, PassError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let _unchanged_meanwhile = self.hold().await?;
            let mark = self.mark().await?;
            let mut glance = store.glance().await?;
            self.load(Some(&mut glance)).await?;
            let leader = store.leader(&mut glance, &mark).await?;
            let was_following = self.leader.is_some();
            if was_following && leader.is_none() && self.config.site.git.is_some() && !self.is_pulled {
                return Err(PassError::TakesOver);
            }
            self.know_leader(leader);
            if let Some(leader) = self.leader.clone() {
                self.is_pulled = false;
                return self.followed(leader, &mut glance, now).await;
            }
            drop(glance);
            self.looks_everywhere |= was_following;
            // What was passed over while another one led is looked at.
            let at = if self.looks_everywhere { &Where::Everywhere } else { at };
            let to_read = match self.look(at).await {
                Err(PassError::Source(error)) => {
                    // Who cannot look leaves it to another one that can.
                    store.step_back().await?;
                    return Err(error.into());
                }
                looked => looked?,
            };
            let (ahead, mut rest) = self.split(to_read).await?;
            let mut changes = self.read(ahead, now).await?;
            let mut pass = store.pass().await?;
            if store.leader(&mut pass, &mark).await?.is_some() {
                continue;
            }
            if Some(pass.generation().await?) != self.with(|state| state.generation).await? {
                if tries < TRIES {
                    continue;
                }
                // Others are always quicker: nobody is, once the transaction is ours.
                self.load(Some(&mut pass)).await?;
                let to_read = self.look(at).await?;
                let (ahead, others) = self.split(to_read).await?;
                (changes, rest) = (self.read(ahead, now).await?, others);
            }
            // Should anything fail from here on, memory is ahead of the store, and is thrown away.
            let before = self.with(|state| state.generation.take()).await?;
            let booked = self.decide(Hand { pass: Some(&mut pass), writes: true }, changes, rest, now).await?;
            store.lead(&mut pass, &mark, || self.own_folder()).await?;
            let is_changed = self.with(|state| std::mem::take(&mut state.is_changed)).await?;
            let generation = if is_changed { Some(pass.next_generation().await?) } else { before };
            crash_point("before-commit");
            pass.commit().await?;
            crash_point("after-commit");
            self.with(move |state| state.generation = generation).await?;
            self.renames.clear();
            self.looks_everywhere = false;
            return Ok(booked);
        }
    }

    /// Gives every article its identity, plans, and writes both down.
    async fn decide(
        &self,
        mut hand: Hand<'_>,
        changes: read::Changes,
        rest: Vec<files::ToRead>,
        now: Timestamp,
    ) -> Result<Booked, PassError> {
        let is_blank = changes.first;
        let mut rest = rest.into_iter();
        let mut next = Some(changes);
        while let Some(changes) = next {
            let ahead = rest.next();
            let is_last = ahead.is_none();
            // While the one part is looked up, the next one is read.
            let (looked, read) = tokio::join!(self.look_up(&mut hand, changes, is_last, now), async {
                match ahead {
                    Some(to_read) => self.parse(to_read, now).await.map(Some),
                    None => Ok(None),
                }
            });
            looked?;
            next = match read? {
                Some(read) => Some(self.changes(read).await?),
                None => None,
            };
        }
        let mut feeds = None;
        if is_blank && let Some(pass) = hand.writer() {
            // The one waits for the disk, the other for the cores.
            let catalog = self.with(|state| state.catalog()).await?;
            let (written, made) = tokio::join!(write_all(pass, catalog), self.rendered(now));
            written?;
            feeds = Some(made?);
        }
        let explain = !hand.writes;
        let outbox = match &mut hand.pass {
            Some(pass) if explain => pass.outbox().await?,
            Some(pass) => pass.outbox_of(&self.with(|state| state.concerned()).await?, now).await?,
            None => Vec::new(),
        };
        let silence = match &mut hand.pass {
            Some(pass) => pass.silence().await?,
            None => None,
        };
        let sent = match &mut hand.pass {
            Some(pass) if explain => Some(pass.sent_lately(&self.config.endpoints, now).await?),
            Some(_) => None,
            None => Some(plan::nothing_sent(&self.config.endpoints)),
        };
        let before = state::Before { outbox, silence, sent };
        let planned = self.with(move |state| state.plan(before, explain, now)).await?;
        if let Some(pass) = hand.writer() {
            if planned.first.is_some() {
                pass.first_start(now).await?;
            }
            pass.know_collections(planned.new_collections.iter()).await?;
            pass.carry_out(&planned.plan, now).await?;
            self.follow_articles(pass, now).await?;
            match planned.pages {
                Some(pages) => pass.write_index(pages, None).await?,
                None => pass.index_is_behind().await?,
            }
        }
        Ok(Booked {
            plan: planned.plan,
            outbox: planned.outbox,
            first: planned.first,
            next_change: planned.next_change,
            feeds,
            follows: false,
            leader: None,
        })
    }

    /// Decides what becomes of published posts whose article was withdrawn, or changed.
    async fn follow_articles(&self, pass: &mut Pass, now: Timestamp) -> Result<(), PassError> {
        if plan::removes(&self.config.rules) {
            let withdrawn = self.with(move |state| state.withdrawn(now)).await?;
            if !withdrawn.is_empty() {
                let published = pass.published(&withdrawn).await?;
                let removals = self.with(move |state| state.removals(&published, now)).await?;
                pass.remove(&removals, now).await?;
            }
            let held = pass.held_removals().await?;
            let back = self.with(move |state| state.live(held, now)).await?;
            if !back.is_empty() {
                pass.keep(&back, now).await?;
            }
        }
        let touched = self.with(|state| std::mem::take(&mut state.touched)).await?;
        let posted = pass.posted(&touched).await?;
        if !posted.is_empty() {
            let waiting = pass.waiting_edits().await?;
            let edits = self.with(move |state| state.edits(&posted, &waiting, now)).await?;
            pass.edit(&edits, now).await?;
        }
        Ok(())
    }

    /// Gives the articles of one part their identities, and writes down what changed.
    async fn look_up(
        &self,
        hand: &mut Hand<'_>,
        changes: read::Changes,
        is_last: bool,
        now: Timestamp,
    ) -> Result<(), PassError> {
        let sorted = self.with(move |state| state.sort(changes, now)).await?;
        let texts = match &mut hand.pass {
            Some(pass) => pass.texts(&sorted.needed).await?,
            None => Default::default(),
        };
        let rows = self.with(move |state| state.look(sorted, &texts, is_last, now)).await?;
        match hand.writer() {
            Some(pass) => Ok(pass.write(rows).await?),
            None => Ok(()),
        }
    }

    /// Takes what the store remembers into memory, unless it is there already.
    async fn load(&mut self, pass: Option<&mut Pass>) -> Result<(), PassError> {
        let known = self.with(|state| state.generation).await?;
        let Some(pass) = pass else { return Ok(()) };
        let generation = pass.generation().await?;
        if known == Some(generation) {
            return Ok(());
        }
        let index = pass.index().await?;
        let is_current = index.as_ref().is_some_and(|(fits, _)| !index::is_behind(fits));
        let rows = pass.ledger(!is_current).await?;
        let loaded = state::Loaded {
            generation,
            index,
            rows,
            first: pass.is_first().await?,
            collections: pass.collections().await?,
            memory: pass.memory().await?,
        };
        let left = self.with(move |state| state.take(loaded)).await?;
        if let Some(loaded) = left {
            // The index cannot be read: everything is in the ledger.
            let rows = pass.ledger(true).await?;
            self.with(move |state| state.take(state::Loaded { index: None, rows, ..loaded })).await?;
        }
        if self.feeds.feeds.is_empty() {
            let entries = pass.entries().await?;
            self.feeds = Arc::new(self.with(move |state| state.shown_before(entries)).await?);
        }
        Ok(())
    }

    async fn look(&self, at: &Where) -> Result<files::ToRead, PassError> {
        let (at, accept_empty) = (at.clone(), self.accept_empty);
        self.with(move |state| state.look_at(&at, accept_empty)).await?
    }

    /// Where everything is new, what is under way stays small: a first part, and the others.
    async fn split(&self, to_read: files::ToRead) -> Result<(files::ToRead, Vec<files::ToRead>), PassError> {
        self.with(move |state| if state.is_blank() { to_read.split(CHUNK) } else { (to_read, Vec::new()) }).await
    }

    /// Reads files, and tells what they mean.
    async fn read(&self, to_read: files::ToRead, now: Timestamp) -> Result<read::Changes, PassError> {
        let read = self.parse(to_read, now).await?;
        self.changes(read).await
    }

    /// Reads files, without the state.
    async fn parse(&self, to_read: files::ToRead, now: Timestamp) -> Result<files::Outcomes, PassError> {
        let Some(reader) = self.with(|state| state.reader()).await? else { return Ok(files::Outcomes::default()) };
        off_the_async_threads(move || reader.read(to_read, now)).await
    }

    async fn changes(&self, read: files::Outcomes) -> Result<read::Changes, PassError> {
        let renames = self.renames.clone();
        self.with(move |state| read::Changes { renames, ..state.changes(read) }).await
    }

    /// Keeps another process from pulling while files are read.
    async fn hold(&self) -> Result<Option<git::Reading>, PassError> {
        let config = Arc::clone(&self.config);
        Ok(self.with(move |_| git::reading(&config.site)).await??)
    }

    /// The feeds, made again where something changed.
    async fn rendered(&self, now: Timestamp) -> Result<Arc<FeedSet>, PassError> {
        let settings = feed_settings(&self.config);
        let before = Arc::clone(&self.feeds);
        self.with(move |state| state.render(before, &settings, now)).await
    }

    async fn snapshot(&self, booked: Booked) -> Result<Snapshot, PassError> {
        let feeds = Arc::clone(&self.feeds);
        self.with(move |state| state.snapshot(booked, feeds)).await?
    }

    /// Work on the state, off the async threads.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, PassError> {
        let (state, config) = (Arc::clone(&self.state), Arc::clone(&self.config));
        off_the_async_threads(move || {
            let mut state = state.lock().unwrap_or_else(|poisoned| {
                // Who ended in the midst of its work left nothing to go on from.
                let mut state = PoisonError::into_inner(poisoned);
                *state = State::new(config);
                state
            });
            work(&mut state)
        })
        .await
    }
}

/// What feeds need of the configuration.
fn feed_settings(config: &Config) -> Settings {
    Settings { feeds: config.feeds.clone(), public_url: config.http.public_url.clone() }
}

async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PassError> {
    elsewhere(work).await.map_err(|error| PassError::Ended(error.to_string()))
}

/// Writes every article that stands, in the order of the table: by far the quickest way to fill it.
async fn write_all(pass: &mut Pass, catalog: Arc<RwLock<Catalog>>) -> Result<(), PassError> {
    let all = Arc::clone(&catalog);
    let ids = off_the_async_threads(move || all.read().unwrap_or_else(PoisonError::into_inner).ids()).await?;
    for part in ids.chunks(CHUNK) {
        let (part, all) = (part.to_vec(), Arc::clone(&catalog));
        let rows =
            off_the_async_threads(move || Rows::standing(&all.read().unwrap_or_else(PoisonError::into_inner), &part));
        pass.write(rows.await?).await?;
    }
    Ok(())
}

/// A transaction, and whether it may be written to.
struct Hand<'a> {
    pass: Option<&'a mut Pass>,
    writes: bool,
}

impl Hand<'_> {
    fn writer(&mut self) -> Option<&mut Pass> {
        let writes = self.writes;
        self.pass.as_deref_mut().filter(|_| writes)
    }
}
