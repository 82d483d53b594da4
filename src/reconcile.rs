//! One pass over the site: read what changed, look it up in the ledger, plan, book; then make the feeds that changed.
//!
//! A pass takes no input but the state of the world, so start-up, a crash, a second process and a command by hand all
//! take the same road. What decides is in the core; this file carries it between disk, database and memory.

use crate::article::{self, FileFacts, SiteSettings, SourceFile};
use crate::catalog::ledger::{self, Look, Read};
use crate::config::{Baseline, Config};
use crate::crash::crash_point;
use crate::delivery::{Delivery, State};
use crate::feed::{self, FeedSet, Memory, Settings};
use crate::plan::{self, Inputs, Plan};
use crate::problem::{Place, Problem};
use crate::source::directory::{self, Directory};
use crate::source::{Changes, SourceError, facts};
use crate::store::{Pass, Store, StoreError};
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a pass found and made.
#[derive(Debug)]
pub struct Snapshot {
    /// The site's settings.
    pub site: Arc<SiteSettings>,
    /// The articles and the ledger.
    pub look: Look,
    /// The feeds.
    pub feeds: Arc<FeedSet>,
    /// What a person should see.
    pub problems: Vec<Problem>,
    /// What the plan said.
    pub plan: Plan,
    /// Whether this was the first pass ever on its database.
    pub first: bool,
    /// The outbox as it was when the plan was made.
    pub outbox: Vec<Delivery>,
    /// When the passing of time alone may change something.
    pub next_change: Option<Timestamp>,
    /// Folders in which a change may change something.
    pub folders: BTreeSet<PathBuf>,
}

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
    /// The part that reads and renders ended.
    #[error("the part that reads the site ended: {0}")]
    Ended(String),
}

impl Snapshot {
    /// Says in the log what this pass decided that a person should know. How much of it needs one.
    pub fn report(&self) -> usize {
        if self.first {
            let baseline = self.look.rows.values().filter(|row| row.decided == Some(ledger::Decided::Baseline)).count();
            let booked = self.plan.book.len();
            tracing::info!(
                baseline,
                booked,
                "first start: {baseline} articles are the baseline and stay silent, {booked} posts are booked"
            );
        }
        let mut need_a_person = 0;
        let path =
            |id: i64| self.outbox.iter().find(|delivery| delivery.id == id).map_or("", |delivery| &delivery.path);
        for (id, reason) in &self.plan.withdraw {
            tracing::info!(delivery = id, "delivery {id} is called off: {reason}");
        }
        for (id, reason) in self.plan.expire.iter().chain(&self.plan.hold) {
            need_a_person += 1;
            tracing::error!(delivery = id, "delivery {id} of {} needs a person: {reason}", path(*id));
        }
        for held in self.plan.book.iter().filter(|planned| planned.state != State::Pending) {
            need_a_person += 1;
            let reason = held.reason.as_deref().unwrap_or("");
            tracing::warn!("{} to {} is {}: {reason}", held.path, held.key.endpoint, held.state);
        }
        need_a_person
    }
}

/// Makes passes, and keeps between them what need not be read or made again.
pub struct Reconciler {
    config: Arc<Config>,
    files: Option<Files>,
    feeds: Arc<FeedSet>,
    accept_empty: bool,
}

impl Reconciler {
    /// Nothing is read yet.
    pub fn new(config: Arc<Config>) -> Self {
        let files = Files::new(Arc::clone(&config));
        Self { config, files: Some(files), feeds: Arc::default(), accept_empty: false }
    }

    /// Takes a site that lost all its articles at once as it is.
    pub fn accepting_empty(mut self, accept: bool) -> Self {
        self.accept_empty = accept;
        self
    }

    /// One pass: what is to be done is decided and booked in one transaction, then the feeds are made, outside of it,
    /// so that nobody who delivers waits for them.
    pub async fn pass(&mut self, store: &Store, now: Timestamp) -> Result<Snapshot, PassError> {
        let snapshot = self.book(store, now).await?;
        let before = store.glance().await?.memory().await?;
        let (snapshot, before) = self.render(snapshot, before, now).await?;
        let after = snapshot.feeds.memory();
        if after != before {
            let mut pass = store.pass().await?;
            pass.remember_feeds(&before, &after).await?;
            pass.remember_documents(&before, &after).await?;
            pass.commit().await?;
        }
        self.feeds = Arc::clone(&snapshot.feeds);
        Ok(snapshot)
    }

    /// The first half of a pass, without the feeds.
    pub async fn book(&mut self, store: &Store, now: Timestamp) -> Result<Snapshot, PassError> {
        let view = self.read().await?;
        let mut pass = store.pass().await?;
        let known = self.known(&mut pass, &view).await?;
        let snapshot = self.decide(view, known, now).await?;
        // A site without any article is one that is not there yet: its first start is still to come.
        if !(snapshot.first && snapshot.look.catalog.all().is_empty()) {
            pass.first_start(now).await?;
            pass.know_collections(snapshot.site.collections.keys()).await?;
        }
        pass.write(snapshot.look.changed.iter().filter_map(|id| snapshot.look.rows.get(id))).await?;
        pass.carry_out(&snapshot.plan, now).await?;
        crash_point("before-commit");
        pass.commit().await?;
        crash_point("after-commit");
        Ok(snapshot)
    }

    /// A pass that changes nothing: what one would find and want. Without a store, as at a first start.
    pub async fn glance(&mut self, store: Option<&Store>, now: Timestamp) -> Result<Snapshot, PassError> {
        let view = self.read().await?;
        let (known, memory) = match store {
            Some(store) => {
                let mut pass = store.glance().await?;
                (self.known(&mut pass, &view).await?, pass.memory().await?)
            }
            None => (Remembered { first: true, ..Remembered::default() }, Memory::default()),
        };
        let snapshot = self.decide(view, known, now).await?;
        Ok(self.render(snapshot, memory, now).await?.0)
    }

    async fn read(&mut self) -> Result<View, PassError> {
        // A reader that ended in the midst of its work is replaced by one that knows nothing yet.
        let mut files = self.files.take().unwrap_or_else(|| Files::new(Arc::clone(&self.config)));
        let (files, view) = blocking(move || {
            let view = files.read();
            (files, view)
        })
        .await?;
        self.files = Some(files);
        view
    }

    async fn known(&self, pass: &mut Pass, view: &View) -> Result<Remembered, PassError> {
        let rows = pass.ledger().await?;
        let stood = rows.iter().any(|row| row.gone_since.is_none());
        if view.articles.is_empty() && view.unreadable.is_empty() && stood && !self.accept_empty {
            return Err(SourceError::Emptied(self.config.site.root.display().to_string()).into());
        }
        let (first, collections, outbox) = (pass.is_first().await?, pass.collections().await?, pass.outbox().await?);
        Ok(Remembered { rows, outbox, first, collections })
    }

    async fn decide(&self, view: View, known: Remembered, now: Timestamp) -> Result<Snapshot, PassError> {
        let config = Arc::clone(&self.config);
        blocking(move || decide(&config, view, known, now)).await
    }

    /// The snapshot with its feeds, and the memory that they were made with.
    async fn render(
        &self,
        snapshot: Snapshot,
        memory: Memory,
        now: Timestamp,
    ) -> Result<(Snapshot, Memory), PassError> {
        let settings = Settings { feeds: self.config.feeds.clone(), public_url: self.config.http.public_url.clone() };
        let before = Arc::clone(&self.feeds);
        blocking(move || {
            let feeds = feed::render(&snapshot.look.catalog, &snapshot.site, &settings, &memory, &before, now);
            (Snapshot { feeds: Arc::new(feeds), ..snapshot }, memory)
        })
        .await
    }
}

/// Work that takes its time, off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PassError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| PassError::Ended(error.to_string()))
}

/// What the store remembers, as far as deciding needs it.
#[derive(Default)]
struct Remembered {
    rows: Vec<ledger::Row>,
    outbox: Vec<Delivery>,
    /// Whether nothing was ever decided.
    first: bool,
    /// Collections that have been looked at.
    collections: BTreeSet<String>,
}

/// What is to be done, from what stands and what is remembered.
fn decide(config: &Config, view: View, known: Remembered, now: Timestamp) -> Snapshot {
    let Remembered { rows, outbox, first, collections } = known;
    let new = view.site.collections.keys().filter(|name| !collections.contains(*name)).cloned().collect();
    // A collection that comes later is no first start: whatever the configuration says, its articles stay silent.
    let baseline = if first { config.baseline } else { Baseline::Existing };
    let standing = ledger::Site { settings: &view.site, articles: &view.articles, unreadable: &view.unreadable };
    let mut look = ledger::look(rows, &standing, baseline, &new, now);
    let (rules, endpoints) = (&config.rules, &config.endpoints);
    let inputs = Inputs { look: &look, site: &view.site, rules, endpoints, outbox: &outbox, now };
    let plan = plan::plan(&inputs);
    let next_change = plan::next_change(&inputs);
    for (id, decided) in &plan.decided {
        if let Some(row) = look.rows.get_mut(id) {
            row.decided = Some(*decided);
        }
    }
    let View { site, problems, folders, .. } = view;
    Snapshot { site, look, feeds: Arc::default(), problems, plan, first, outbox, next_change, folders }
}

/// The site as its files say.
struct View {
    site: Arc<SiteSettings>,
    articles: Vec<Read>,
    unreadable: BTreeSet<String>,
    problems: Vec<Problem>,
    folders: BTreeSet<PathBuf>,
}

/// One file, as it was last read.
struct Known {
    /// Its last good version.
    read: Option<Read>,
    problems: Vec<Problem>,
    broken: bool,
    /// Files that it names, and what was found of them.
    asked: Vec<(String, Option<FileFacts>)>,
}

/// The site's files between two passes.
struct Files {
    config: Arc<Config>,
    directory: Directory,
    jekyll: Option<String>,
    site: Option<Arc<SiteSettings>>,
    site_problems: Vec<Problem>,
    known: BTreeMap<String, Known>,
}

impl Files {
    fn new(config: Arc<Config>) -> Self {
        let directory = Directory::new(config.site.root.clone());
        Self { config, directory, jekyll: None, site: None, site_problems: Vec::new(), known: BTreeMap::new() }
    }

    fn read(&mut self) -> Result<View, PassError> {
        let jekyll = self.directory.jekyll_config()?;
        if self.site.is_none() || jekyll != self.jekyll {
            // While `_config.yml` is half-written, the last good settings stay.
            match SiteSettings::read(&self.config.site, jekyll.as_deref()) {
                Ok((site, problems)) => {
                    self.site = Some(Arc::new(site));
                    self.site_problems = problems;
                    self.directory.forget();
                }
                Err(problems) if self.site.is_some() => self.site_problems = problems,
                Err(problems) => return Err(PassError::Site(problems)),
            }
            self.jekyll = jekyll;
        }
        let Some(site) = self.site.clone() else { return Err(PassError::Site(self.site_problems.clone())) };
        self.reread_where_files_changed();
        let changes = self.directory.look(&site)?;
        Ok(self.take(changes, site))
    }

    /// An image that is uploaded after its article changes what is known of the article.
    fn reread_where_files_changed(&mut self) {
        let root = self.directory.root().to_owned();
        let length = |path: &str| {
            std::fs::metadata(root.join(path.trim_start_matches('/')))
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|m| m.len())
        };
        for (path, known) in &self.known {
            if known.asked.iter().any(|(file, facts)| length(file) != facts.as_ref().map(|facts| facts.length)) {
                self.directory.forget_file(path);
            }
        }
    }

    fn take(&mut self, changes: Changes, site: Arc<SiteSettings>) -> View {
        for path in &changes.removed {
            self.known.remove(path);
        }
        let root = self.directory.root().to_owned();
        for file in &changes.changed {
            let last_good = self.known.remove(&file.path).and_then(|known| known.read);
            self.known.insert(file.path.clone(), read_file(file, &site, &root, last_good));
        }
        for (path, problem) in changes.unreadable {
            let last_good = self.known.remove(&path).and_then(|known| known.read);
            self.known
                .insert(path, Known { read: last_good, problems: vec![problem], broken: true, asked: Vec::new() });
        }
        // A collection that is no longer configured: its files are there, and no articles.
        self.known.retain(|path, _| changes.present.contains(path));
        let folders = folders(&root, &site, &self.known);
        let mut problems = self.site_problems.clone();
        problems.extend(self.known.values().flat_map(|known| known.problems.iter().cloned()));
        problems.extend(self.shared_addresses());
        View {
            articles: self.known.values().filter_map(|known| known.read.clone()).collect(),
            unreadable: self
                .known
                .iter()
                .filter(|(_, known)| known.broken && known.read.is_none())
                .map(|(path, _)| path.clone())
                .collect(),
            site,
            problems,
            folders,
        }
    }
}

impl Files {
    /// Two published articles at one address: the site shows one of them.
    fn shared_addresses(&self) -> Vec<Problem> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        let published = self.known.values().filter_map(|known| known.read.as_ref()).map(|read| &read.article);
        published
            .filter(|article| article.published)
            .filter_map(|article| {
                let first = *seen.entry(article.url.as_str()).or_insert(&article.path);
                (first != article.path).then(|| {
                    Problem::warning(
                        &article.path,
                        Place::FILE,
                        format!("{first} has the same address, {}", article.url),
                    )
                    .cure("rename one of the two, or give it a permalink")
                })
            })
            .collect()
    }
}

/// Reads one file. A panic in the reader of one file is that file's problem, not the others'.
fn read_file(file: &SourceFile, site: &SiteSettings, root: &Path, last_good: Option<Read>) -> Known {
    let asked = RefCell::new(Vec::new());
    let lookup = |path: &str| {
        let facts = facts::facts(root, path);
        asked.borrow_mut().push((path.to_owned(), facts.clone()));
        facts
    };
    let parsed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| article::parse(file, site, &lookup)))
        .unwrap_or_else(|_| article::Parsed {
            article: None,
            problems: vec![
                Problem::error(&file.path, Place::FILE, "the file cannot be read, by a fault of Crieur")
                    .cure("report it together with the file"),
            ],
            broken: true,
        });
    let read = match parsed.article {
        Some(article) => Some(Read::new(article)),
        None if parsed.broken => last_good,
        None => None,
    };
    Known { read, problems: parsed.problems, broken: parsed.broken, asked: asked.into_inner() }
}

/// The folders that a watcher should watch: what collections hold, and the files that articles name.
fn folders(root: &Path, site: &SiteSettings, known: &BTreeMap<String, Known>) -> BTreeSet<PathBuf> {
    let of_files = known.values().flat_map(|known| &known.asked).filter_map(|(file, _)| Path::new(file).parent());
    let of_collections = directory::folders(site);
    of_collections
        .iter()
        .map(Path::new)
        .chain(of_files)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| root.join(folder.strip_prefix("/").unwrap_or(folder)))
        .filter(|folder| folder.is_dir())
        .collect()
}
