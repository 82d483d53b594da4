//! One pass over the site: read what changed, look it up in the ledger, plan, book, make the feeds that changed.
//!
//! A pass takes no input but the state of the world, so start-up, a crash, a second process and a command by hand all
//! take the same road. What decides is in the core; this file carries it between disk, database and memory.

use crate::article::identity::REMEMBERED;
use crate::article::{self, FileFacts, SiteSettings, SourceFile};
use crate::catalog::ledger::{self, Look, Read};
use crate::config::Config;
use crate::delivery::{Delivery, State};
use crate::feed::{self, FeedSet, Memory, Settings};
use crate::plan::{self, Inputs, Plan};
use crate::problem::{Place, Problem};
use crate::source::directory::{self, Directory};
use crate::source::{Changes, SourceError};
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
    /// Rows of the outbox that are new or changed.
    pub touched: u64,
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

    /// One pass, in one transaction.
    pub async fn pass(&mut self, store: &Store, now: Timestamp) -> Result<Snapshot, PassError> {
        let view = self.read().await?;
        let mut pass = store.pass().await?;
        let first = pass.is_first().await?;
        let work = self.work(&mut pass, view, first, now).await?;
        let (mut snapshot, before) = self.think(work, now).await?;
        if first {
            pass.first_start(self.config.baseline, now).await?;
        }
        pass.know_collections(snapshot.site.collections.keys()).await?;
        pass.write(snapshot.look.changed.iter().filter_map(|id| snapshot.look.rows.get(id))).await?;
        snapshot.touched = pass.carry_out(&snapshot.plan, now).await?;
        let after = snapshot.feeds.memory();
        pass.remember_feeds(&before, &after).await?;
        pass.remember_documents(&before, &after).await?;
        pass.commit().await?;
        self.feeds = Arc::clone(&snapshot.feeds);
        Ok(snapshot)
    }

    /// The same, changing nothing: what a pass would find and want. Without a store, as at a first start.
    pub async fn glance(&mut self, store: Option<&Store>, now: Timestamp) -> Result<Snapshot, PassError> {
        let view = self.read().await?;
        let work = match store {
            Some(store) => {
                let mut pass = store.glance().await?;
                let first = pass.is_first().await?;
                self.work(&mut pass, view, first, now).await?
            }
            None => Work {
                view,
                known: Vec::new(),
                outbox: Vec::new(),
                memory: Memory::default(),
                first: true,
                collections: BTreeSet::new(),
            },
        };
        Ok(self.think(work, now).await?.0)
    }

    async fn read(&mut self) -> Result<View, PassError> {
        let Some(mut files) = self.files.take() else {
            return Err(PassError::Ended("it is at work elsewhere".to_owned()));
        };
        let (files, view) = tokio::task::spawn_blocking(move || {
            let view = files.read();
            (files, view)
        })
        .await
        .map_err(|error| PassError::Ended(error.to_string()))?;
        self.files = Some(files);
        view
    }

    async fn work(&self, pass: &mut Pass, view: View, first: bool, now: Timestamp) -> Result<Work, PassError> {
        let known = pass.ledger().await?;
        let stood = known.iter().any(|row| row.gone_since.is_none_or(|gone| now.duration_since(gone) < REMEMBERED));
        if view.articles.is_empty() && view.held.is_empty() && stood && !self.accept_empty {
            return Err(SourceError::Emptied(self.config.site.root.display().to_string()).into());
        }
        Ok(Work {
            view,
            known,
            outbox: pass.outbox().await?,
            memory: pass.memory().await?,
            first,
            collections: pass.collections().await?,
        })
    }

    /// The pure part, off the async threads.
    async fn think(&self, work: Work, now: Timestamp) -> Result<(Snapshot, Memory), PassError> {
        let config = Arc::clone(&self.config);
        let before = Arc::clone(&self.feeds);
        tokio::task::spawn_blocking(move || think(&config, work, &before, now))
            .await
            .map_err(|error| PassError::Ended(error.to_string()))
    }
}

struct Work {
    view: View,
    known: Vec<ledger::Row>,
    outbox: Vec<Delivery>,
    memory: Memory,
    first: bool,
    /// Collections that the ledger knows.
    collections: BTreeSet<String>,
}

fn think(config: &Config, work: Work, before: &FeedSet, now: Timestamp) -> (Snapshot, Memory) {
    let Work { view, known, outbox, memory, first, collections } = work;
    let new = view.site.collections.keys().filter(|name| !collections.contains(*name)).cloned().collect();
    let standing = ledger::Site { settings: &view.site, articles: &view.articles, held: &view.held };
    let mut look = ledger::look(known, &standing, config.baseline, &new, now);
    let inputs = Inputs {
        look: &look,
        site: &view.site,
        rules: &config.rules,
        endpoints: &config.endpoints,
        outbox: &outbox,
        now,
    };
    let plan = plan::plan(&inputs);
    let next_change = plan::next_change(&inputs);
    let reopened = plan.reopened.iter().map(|id| (id, None));
    for (id, decided) in reopened.chain(plan.decided.iter().map(|(id, decided)| (id, Some(*decided)))) {
        if let Some(row) = look.rows.get_mut(id) {
            row.decided = decided;
        }
    }
    let settings = Settings { feeds: config.feeds.clone(), public_url: config.http.public_url.clone() };
    let feeds = feed::render(&look.catalog, &view.site, &settings, &memory, before, now);
    let snapshot = Snapshot {
        site: view.site,
        look,
        feeds: Arc::new(feeds),
        problems: view.problems,
        plan,
        first,
        touched: 0,
        outbox,
        next_change,
        folders: view.folders,
    };
    (snapshot, memory)
}

/// The site as its files say.
struct View {
    site: Arc<SiteSettings>,
    articles: Vec<Read>,
    held: BTreeSet<String>,
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
            held: self
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
        let facts = directory::facts(root, path);
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
