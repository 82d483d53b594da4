//! What a configuration would have posted over a site's whole history: the same catalog and the same plan, fed with
//! commits in the place of files and with the time of commits in the place of a clock. Networks are imagined: each
//! takes at once what it is sent.
//!
//! The history begins with an empty site, of which nothing is baseline; of a collection that the settings name later,
//! what stands in it is, as for the daemon. Commits are taken in their order, each at the time of
//! its committer; a time that goes backwards is taken as that of the commit before. Between two commits time stands
//! still only where the plan says that nothing can change.

mod files;
mod outbox;
mod reading;
mod report;

pub use report::{Post, Report, Silent};

use crate::article::sketch::Sketch;
use crate::article::{ArticleId, SiteSettings};
use crate::catalog::look::{self, Site};
use crate::catalog::read::{self, Changes, Outcome};
use crate::catalog::{Catalog, Names};
use crate::config::{Baseline, Config};
use crate::plan::{self, Inputs};
use crate::problem::Problem;
use files::{Files, Held, Known};
use jiff::{SignedDuration, Timestamp};
use outbox::{Moment, Outbox, Pace};
use reading::ReadAhead;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The name of a file's bytes in the repository.
pub type Blob = Arc<str>;

/// One commit of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub hash: Arc<str>,
    /// The time of its committer.
    pub at: Timestamp,
    /// What it changed, against the commit before.
    pub changes: Vec<Change>,
    /// What can be shown of the paths of files that it brought and whose names are not UTF-8.
    pub nameless: Vec<String>,
}

/// One change of a commit. Paths are under the site's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file is there, new or with other bytes.
    There {
        /// Its path.
        path: String,
        /// Its bytes.
        blob: Blob,
    },
    /// A file is gone.
    Gone {
        /// Its path.
        path: String,
    },
    /// A file has another path, as git tells, and maybe other bytes.
    Renamed {
        /// Where it was.
        from: String,
        /// Where it is.
        path: String,
        /// Its bytes.
        blob: Blob,
    },
}

/// What holds the bytes of a history's files.
pub trait Blobs {
    /// The bytes of each, in their order; None for one that cannot be read.
    ///
    /// Errors: none can be read any more, and why.
    fn read(&self, wanted: &[Blob]) -> Result<Vec<Option<Vec<u8>>>, String>;
}

/// A history under way.
pub struct Simulation<'a> {
    config: &'a Config,
    blobs: &'a dyn Blobs,
    files: Files,
    known: Known,
    site: Option<Arc<SiteSettings>>,
    problems: Vec<Problem>,
    names: Names,
    catalog: Catalog,
    texts: HashMap<ArticleId, Sketch>,
    /// Files that are there and should be articles, and cannot be read.
    broken: BTreeSet<String>,
    /// What is said of files whose names are not UTF-8, by what can be shown of their paths.
    nameless: BTreeMap<String, Problem>,
    ahead: ReadAhead,
    outbox: Outbox,
    /// The path at which each article was first seen.
    first_paths: HashMap<ArticleId, Box<str>>,
    now: Timestamp,
    began: Option<Timestamp>,
    commit: Arc<str>,
    commits: usize,
    /// How many commits bear a time before that of the one before them.
    clamped: usize,
}

/// How long time goes on after the last commit, if something is still to come: posts that wait for their date or slot.
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(24 * 366 * 2);

impl<'a> Simulation<'a> {
    /// Before the first commit.
    pub fn new(config: &'a Config, blobs: &'a dyn Blobs) -> Self {
        Self {
            config,
            blobs,
            files: Files::default(),
            known: Known::default(),
            site: None,
            problems: Vec::new(),
            names: Names::default(),
            catalog: Catalog::default(),
            texts: HashMap::new(),
            broken: BTreeSet::new(),
            nameless: BTreeMap::new(),
            ahead: ReadAhead::default(),
            outbox: Outbox::default(),
            first_paths: HashMap::new(),
            now: Timestamp::MIN,
            began: None,
            commit: Arc::from(""),
            commits: 0,
            clamped: 0,
        }
    }

    /// Reads the files of commits to come, many at once. What it cannot foresee is read when it is needed.
    ///
    /// Errors: the repository cannot be read.
    pub fn foresee(&mut self, commits: &[Commit]) -> Result<(), String> {
        self.ahead.forget();
        let Some(site) = self.site.clone() else { return Ok(()) };
        let mut wanted = Vec::new();
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            match change {
                Change::There { path, blob } | Change::Renamed { path, blob, .. }
                    if site.collection_of(path).is_some() =>
                {
                    wanted.push((path.clone(), Arc::clone(blob)));
                }
                _ => {}
            }
        }
        self.ahead.read(self.blobs, &site, wanted)
    }

    /// Lets time pass until a commit, and takes it up.
    ///
    /// Errors: the repository cannot be read.
    pub fn take(&mut self, commit: &Commit) -> Result<(), String> {
        // A clock that was wrong turns no time back.
        let at = commit.at.max(self.now);
        self.clamped += usize::from(commit.at < self.now);
        self.pass_time(at);
        self.now = at;
        self.began.get_or_insert(at);
        self.commit = Arc::clone(&commit.hash);
        self.commits += 1;
        if !commit.changes.is_empty()
            && let Some(changes) = self.changes(commit)?
        {
            self.look(changes);
            self.plan();
        }
        self.tell_nameless(&commit.nameless);
        Ok(())
    }

    /// Tells of files that would be articles if their names were UTF-8.
    fn tell_nameless(&mut self, paths: &[String]) {
        let Some(site) = &self.site else { return };
        for path in paths.iter().filter(|path| site.collection_of(path).is_some()) {
            self.nameless.entry(path.clone()).or_insert_with(|| read::nameless(path));
        }
    }

    /// Lets time pass, up to an instant or until nothing is to come any more, and tells what would have gone out.
    pub fn finish(mut self, until: Option<Timestamp>) -> Result<Report, Vec<Problem>> {
        if self.site.is_none() && !self.problems.is_empty() {
            return Err(self.problems);
        }
        if self.began.is_some() {
            let end = until.unwrap_or_else(|| self.now.saturating_add(AFTERWARDS).unwrap_or(Timestamp::MAX));
            self.pass_time(end);
        }
        Ok(report::report(self))
    }

    /// Takes up what a commit changed of the site's files. None if there is no site yet.
    fn changes(&mut self, commit: &Commit) -> Result<Option<Changes>, String> {
        let (mut touched, mut removed, mut renames) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for change in &commit.changes {
            if let Change::Gone { path } | Change::Renamed { from: path, .. } = change {
                self.files.remove(path);
                removed.insert(path.as_str());
            }
        }
        for change in &commit.changes {
            match change {
                Change::There { path, blob } => {
                    self.files.put(path, blob);
                    touched.insert(path.as_str());
                }
                Change::Renamed { from, path, blob } => {
                    self.files.put(path, blob);
                    touched.insert(path.as_str());
                    renames.push((from.clone(), path.clone()));
                }
                Change::Gone { .. } => {}
            }
        }
        // What was renamed away can have another file in its place.
        removed.retain(|path| !touched.contains(path));
        let all = self.settings(touched.iter().chain(&removed).copied());
        let Some(site) = self.site.clone() else { return Ok(None) };
        let mut to_read: Vec<(String, Blob)> = Vec::new();
        let mut not_there: BTreeSet<String> = removed.into_iter().map(str::to_owned).collect();
        let looked_at: Vec<String> = if all {
            let stood = self.catalog.all().map(|standing| standing.article.path.to_string());
            not_there.extend(stood.filter(|path| !self.files.holds(&site, path)));
            self.files.all().map(|(path, _)| path.to_owned()).collect()
        } else {
            let mut paths: BTreeSet<String> = touched.iter().map(|path| (*path).to_owned()).collect();
            // Whether a folder is one article decides of all that is in it.
            for path in touched.iter().copied().chain(not_there.iter().map(String::as_str)) {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
                if site.is_bundle_marker(name) {
                    paths.extend(self.files.under(folder).map(|(path, _)| path.to_owned()));
                }
            }
            paths.into_iter().collect()
        };
        for path in looked_at {
            match self.files.blob(&path).filter(|_| self.files.holds(&site, &path)) {
                Some(blob) => to_read.push((path.clone(), Arc::clone(blob))),
                None => drop(not_there.insert(path)),
            }
        }
        self.ahead.read(self.blobs, &site, to_read.clone())?;
        let mut changes = Changes { renames, ..Changes::default() };
        for path in not_there {
            self.broken.remove(&path);
            if self.catalog.at_path(&path).is_some() {
                changes.removed.push(path);
            }
        }
        for (path, blob) in to_read {
            self.broken.remove(&path);
            match self.ahead.take(&path, &blob) {
                Outcome::Article(read) => changes.read.push(read),
                Outcome::Other { broken: true, .. } => drop(self.broken.insert(path)),
                Outcome::Other { .. } if self.catalog.at_path(&path).is_some() => changes.removed.push(path),
                Outcome::Other { .. } => {}
            }
        }
        changes.unreadable = self.broken.clone();
        Ok(Some(changes))
    }

    /// Reads the site's settings if a path may be one of theirs. True if every file is to be read by them anew.
    fn settings<'p>(&mut self, mut paths: impl Iterator<Item = &'p str>) -> bool {
        let is_reshaped = self.files.take_reshaped();
        let known = self.site.as_ref();
        if !is_reshaped && known.is_some_and(|site| !paths.any(|path| site.is_settings(path))) {
            return false;
        }
        // While they are half-written, the last good ones stay.
        match SiteSettings::read(&self.config.site, &Held { files: &self.files, blobs: self.blobs, known: &self.known })
        {
            Ok((site, problems)) => {
                self.problems = problems;
                if known.is_some_and(|known| known.digest() == site.digest()) {
                    return false;
                }
                self.site = Some(Arc::new(site));
                self.ahead.forget();
                true
            }
            Err(problems) => {
                self.problems = problems;
                false
            }
        }
    }

    /// Gives every article its identity.
    fn look(&mut self, changes: Changes) {
        let Some(settings) = self.site.clone() else { return };
        // Nothing is baseline: what comes with a collection is news if it is fresh.
        let new = BTreeSet::new();
        let site = Site { settings: &settings, baseline: Baseline::Existing, new: &new, adopts_addresses: false };
        let sorted = look::sort(&self.catalog, changes, self.now);
        let looked = look::look(&mut self.catalog, &mut self.names, sorted, &self.texts, &site, self.now);
        for (id, sketch) in looked.changed {
            if let Some(sketch) = sketch {
                self.texts.insert(id, sketch);
            }
            if let Some(standing) = self.catalog.get(&id) {
                self.first_paths.entry(id).or_insert_with(|| standing.article.path.clone());
            }
        }
    }

    /// Plans, carries it out, and lets what is due go out.
    fn plan(&mut self) {
        let Some(site) = self.site.clone() else { return };
        let outbox = self.outbox.wanted(&self.catalog.concerned());
        let plan = plan::plan(&self.inputs(&site, &outbox, false));
        for (id, decided) in &plan.decided {
            self.catalog.remember(id, |past| past.decided = Some(*decided));
        }
        let (now, commit) = (self.now, &self.commit);
        let moment = Moment { now, commit, catalog: &self.catalog, broken: &self.broken };
        self.outbox.carry_out(plan, &moment);
        self.outbox.deliver(&Pace { config: self.config, site: &site }, &moment);
    }

    /// Lets time pass, stopping wherever something may change.
    fn pass_time(&mut self, until: Timestamp) {
        while let Some(next) = self.next().filter(|next| *next <= until) {
            self.now = next;
            self.plan();
        }
    }

    /// The next instant at which something may happen by the passing of time alone.
    fn next(&self) -> Option<Timestamp> {
        let site = self.site.as_ref()?;
        let outbox = self.outbox.wanted(&self.catalog.concerned());
        let changes = plan::next_change(&self.inputs(site, &outbox, false));
        let due = self.outbox.next(&Pace { config: self.config, site }, self.now);
        changes.into_iter().chain(due).filter(|at| *at > self.now).min()
    }

    fn inputs<'i>(
        &'i self,
        site: &'i SiteSettings,
        outbox: &'i [crate::delivery::Delivery],
        explain: bool,
    ) -> Inputs<'i> {
        Inputs { explain, ..Inputs::new(self.config, site, &self.catalog, outbox, self.now) }
    }
}
