//! The site's files between two passes: which changed, and what those say.

use super::PassError;
use super::texts::Texts;
use crate::article::{SiteSettings, SourceFile, Tree};
use crate::catalog::read::{self, Changes, Read};
use crate::catalog::{Catalog, Stamp, StampHash};
use crate::config::Config;
use crate::problem::Problem;
use crate::source::SourceError;
use crate::source::directory::{Directory, Found};
use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// Where a pass looks: at every file, or at those that a watcher named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// At every file's status: the truth.
    Everywhere,
    /// At these paths, absolute or from the working directory.
    At(BTreeSet<PathBuf>),
}

/// What a pass has to read.
#[derive(Debug, Default)]
pub struct ToRead {
    /// Files that are new or changed.
    pub files: Vec<(String, Stamp)>,
    /// Paths at which articles stood whose files are gone.
    pub removed: Vec<String>,
    /// The settings changed, so that everything is read again.
    pub settings_changed: bool,
    /// Paths that were looked at, beside articles: files that articles may name. None if all were.
    pub beside: Option<BTreeSet<String>>,
    /// Part of what is read of a site of which nothing was known.
    pub of_blank: bool,
}

impl ToRead {
    /// A first part, and the others.
    pub fn split(mut self, files: usize) -> (Self, Vec<Self>) {
        let mut parts: Vec<Self> = Vec::new();
        let mut all = std::mem::take(&mut self.files);
        while !all.is_empty() {
            let rest = all.split_off(files.min(all.len()));
            parts.push(Self { files: std::mem::replace(&mut all, rest), of_blank: true, ..Self::default() });
        }
        let mut parts = parts.into_iter();
        self.files = parts.next().map(|part| part.files).unwrap_or_default();
        self.of_blank = true;
        (self, parts.collect())
    }
}

/// A file that is there and is no article of the catalog.
#[derive(Debug)]
struct Other {
    stamp: Stamp,
    problems: Vec<Problem>,
    /// Whether it should be an article: the last good version stays in its place.
    broken: bool,
}

/// The site's files.
#[derive(Debug)]
pub struct Files {
    config: Arc<Config>,
    directory: Directory,
    site: Option<Arc<SiteSettings>>,
    site_problems: Vec<Problem>,
    others: BTreeMap<String, Other>,
    /// The settings changed, and the articles were not taken up by them yet.
    is_unread: bool,
    /// The settings were read a moment ago, for the look that follows.
    is_settled: bool,
}

/// A stamp that is younger than this may belong to a file that changes once more without a trace: clocks of file
/// systems tick in milliseconds.
const RACY: SignedDuration = SignedDuration::from_millis(100);
/// A pass takes less: a stamp from after its beginning is as young.
const PASS: SignedDuration = SignedDuration::from_mins(10);

impl Files {
    pub fn new(config: Arc<Config>) -> Self {
        let directory = Directory::new(config.site.root.clone());
        Self {
            config,
            directory,
            site: None,
            site_problems: Vec::new(),
            others: BTreeMap::new(),
            is_unread: false,
            is_settled: false,
        }
    }

    /// The site's settings, as they were last read.
    pub fn site(&self) -> Option<&Arc<SiteSettings>> {
        self.site.as_ref()
    }

    /// What was found by the last look at everything is in the catalog.
    pub fn taken_up(&mut self) {
        self.is_unread = false;
    }

    /// Whether articles are still to be read by settings that changed.
    pub fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// Reads articles whole.
    pub fn texts(&self, catalog: &Arc<RwLock<Catalog>>) -> Option<Texts> {
        Some(Texts::new(self.directory.clone(), Arc::clone(self.site.as_ref()?), Arc::clone(catalog)))
    }

    /// Reads the site's settings. True if they changed.
    pub fn read_settings(&mut self) -> Result<bool, PassError> {
        self.directory.is_there()?;
        // While the site's own files are half-written, the last good settings stay.
        match SiteSettings::read(&self.config.site, &self.directory) {
            Ok((site, problems)) => {
                self.site_problems = problems;
                let known = self.site.as_ref().map(|known| known.digest());
                if known == Some(site.digest()) {
                    return Ok(false);
                }
                self.site = Some(Arc::new(site));
                self.others.clear();
                Ok(known.is_some())
            }
            Err(problems) if self.site.is_some() => {
                self.site_problems = problems;
                Ok(false)
            }
            Err(problems) => Err(PassError::Site(problems)),
        }
    }

    /// Reads the site's settings for the first time, for a look that follows at once.
    pub fn read_settings_first(&mut self) -> Result<(), PassError> {
        if self.site.is_none() {
            self.read_settings()?;
            self.is_settled = true;
        }
        Ok(())
    }

    /// Whether a change at these paths may be one of the site's settings.
    fn concerns_settings(&self, paths: &BTreeSet<PathBuf>) -> bool {
        let Some(site) = &self.site else { return true };
        paths.iter().any(|path| self.under_root(path).is_none_or(|under| site.is_settings(&under)))
    }

    /// A path under the site's root, if it is one.
    fn under_root(&self, path: &Path) -> Option<String> {
        let root = self.directory.root();
        let under = match path.strip_prefix(root) {
            Ok(under) => under.to_owned(),
            Err(_) => path.strip_prefix(std::path::absolute(root).ok()?).ok()?.to_owned(),
        };
        under.to_str().map(str::to_owned)
    }

    /// Looks at files, and tells which are to be read; `all` are, whatever their stamps say, where what is known of
    /// them may be of other settings.
    pub fn look(&mut self, catalog: &Catalog, at: &Where, all: bool) -> Result<ToRead, PassError> {
        let is_settled = std::mem::take(&mut self.is_settled);
        let settings_changed = match at {
            _ if is_settled => false,
            Where::At(paths) if !all && !self.concerns_settings(paths) => false,
            _ => self.read_settings()?,
        };
        self.is_unread |= settings_changed;
        let all = all || self.is_unread;
        let Some(site) = self.site.clone() else { return Err(PassError::Site(self.site_problems.clone())) };
        let hinted = match at {
            Where::At(paths) if !all => self.hinted(catalog, &site, paths),
            _ => None,
        };
        match hinted {
            Some(to_read) => Ok(to_read),
            None => {
                let found = self.directory.scan(&site)?;
                Ok(ToRead { settings_changed: self.is_unread, ..self.compare(catalog, found, all) })
            }
        }
    }

    /// What the paths that a watcher named have to say; None if only a look at everything can tell.
    fn hinted(&mut self, catalog: &Catalog, site: &SiteSettings, paths: &BTreeSet<PathBuf>) -> Option<ToRead> {
        let mut to_read = ToRead { beside: Some(BTreeSet::new()), ..ToRead::default() };
        let mut found = Vec::new();
        for path in paths {
            let under = self.under_root(path)?;
            if self.is_bundle_marker(site, &under) || path.is_dir() || (!path.exists() && path.extension().is_none()) {
                // A folder came or went, with whatever it holds.
                return None;
            }
            if !path.exists() && site.collection_of(&under).is_none() && self.stood_under(catalog, &under) {
                return None;
            }
            if site.collection_of(&under).is_none() || self.is_resource(site, &under) {
                to_read.beside.as_mut()?.insert(under);
                continue;
            }
            match self.directory.stat(&under) {
                Some(state) => found.push((under, state)),
                None => {
                    self.others.remove(&under);
                    if catalog.at_path(&under).is_some() {
                        to_read.removed.push(under);
                    } else if self.stood_under(catalog, &under) {
                        return None;
                    }
                }
            }
        }
        for (path, state) in found {
            // Named by a watcher, it changed, whatever its stamp says.
            self.take_up(catalog, path, state, true, &mut to_read);
        }
        Some(to_read)
    }

    /// Whether a path that is not there was a folder, whatever its name looks like.
    fn stood_under(&self, catalog: &Catalog, path: &str) -> bool {
        let under = |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.others.keys().any(|file| under(file)) || catalog.all().any(|standing| under(&standing.article.path))
    }

    /// Whether a file decides which others beside it are articles.
    fn is_bundle_marker(&self, site: &SiteSettings, path: &str) -> bool {
        !site.bundle_markers().is_empty() && site.is_bundle_marker(path.rsplit('/').next().unwrap_or(path))
    }

    /// Whether a document is a resource of the article that its folder, or one above it, is.
    fn is_resource(&self, site: &SiteSettings, path: &str) -> bool {
        if site.bundle_markers().is_empty() {
            return false;
        }
        let mut folder = path.rsplit_once('/').map(|(folder, _)| folder);
        while let Some(inside) = folder {
            let files = self.directory.files(inside, false);
            if site.is_bundle(inside, files.iter().filter_map(|file| file.rsplit('/').next())) {
                return true;
            }
            folder = inside.rsplit_once('/').map(|(folder, _)| folder);
        }
        false
    }

    /// What all files that there are have to say.
    fn compare(&mut self, catalog: &Catalog, found: Vec<Found>, all: bool) -> ToRead {
        let mut to_read = ToRead::default();
        let is_there = |path: &str| found.binary_search_by(|(found, _)| found.as_str().cmp(path)).is_ok();
        self.others.retain(|path, _| is_there(path));
        // On most looks nothing is gone: that is told by counting.
        let standing = found.iter().filter(|(path, _)| catalog.at_path(path).is_some()).count();
        if standing != catalog.len() {
            let stood = catalog.all().map(|standing| &*standing.article.path);
            to_read.removed = stood.filter(|path| !is_there(path)).map(str::to_owned).collect();
        }
        for (path, state) in found {
            self.take_up(catalog, path, state, all, &mut to_read);
        }
        to_read
    }

    fn take_up(
        &mut self,
        catalog: &Catalog,
        path: String,
        state: Result<Stamp, Problem>,
        anyway: bool,
        to_read: &mut ToRead,
    ) {
        match state {
            Ok(stamp) => {
                let known = self.others.get(&path).map(|other| StampHash::from(other.stamp));
                let known = known.or_else(|| catalog.at_path(&path).map(|standing| standing.stamp));
                if anyway || known != Some(stamp.into()) {
                    to_read.files.push((path, stamp));
                }
            }
            Err(problem) => {
                let other = Other { stamp: Stamp::default(), problems: vec![problem], broken: true };
                self.others.insert(path, other);
            }
        }
    }

    /// What reads files.
    pub fn reader(&self) -> Option<Reader> {
        Some(Reader { directory: self.directory.clone(), site: Arc::clone(self.site.as_ref()?) })
    }

    /// What files that were read mean.
    pub fn changes(&mut self, catalog: &Catalog, read: Outcomes) -> Changes {
        let Outcomes { outcomes, removed, first } = read;
        let mut changes = Changes { removed, first, ..Changes::default() };
        for (path, outcome) in outcomes {
            self.others.remove(&path);
            match outcome {
                Outcome::Article(read) => changes.read.push(read),
                Outcome::Gone => changes.removed.push(path),
                Outcome::Other(other) => {
                    if !other.broken && catalog.at_path(&path).is_some() {
                        changes.removed.push(path.clone());
                    }
                    self.others.insert(path, other);
                }
            }
        }
        changes.unreadable =
            self.others.iter().filter(|(_, other)| other.broken).map(|(path, _)| path.clone()).collect();
        changes
    }

    /// Everything that a person should see of the files that are wanted, read whole. No text is kept.
    pub fn inspect(
        &self,
        catalog: &Arc<RwLock<Catalog>>,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<Vec<Problem>, PassError> {
        let Some(site) = &self.site else { return Ok(self.site_problems.clone()) };
        let texts = Texts::new(self.directory.clone(), Arc::clone(site), Arc::clone(catalog));
        let of_file = |(path, state): Found| match state {
            Ok(stamp) => texts.inspect(&path, &stamp),
            Err(problem) => vec![problem],
        };
        let mut files = self.directory.scan(site)?;
        files.retain(|(path, _)| wanted(path));
        let found: Vec<Vec<Problem>> = files.into_par_iter().map(of_file).collect();
        Ok(self.site_problems.iter().cloned().chain(found.into_iter().flatten()).collect())
    }

    /// Whether any file is there that is or should be an article.
    pub fn has_broken(&self) -> bool {
        self.others.values().any(|other| other.broken)
    }

    /// What a person should see of the files that were read.
    pub fn problems(&self) -> Vec<Problem> {
        let others = self.others.values().flat_map(|other| other.problems.iter());
        self.site_problems.iter().chain(others).cloned().collect()
    }

    /// The folders that a watcher should watch: what collections hold, and the files that articles name.
    pub fn folders(&self, named: &BTreeSet<String>) -> BTreeSet<PathBuf> {
        let Some(site) = &self.site else { return BTreeSet::new() };
        let root = self.directory.root();
        let of_collections = site.folders();
        of_collections
            .iter()
            .map(Path::new)
            .chain(named.iter().map(Path::new))
            .map(|folder| root.join(folder.strip_prefix("/").unwrap_or(folder)))
            .filter(|folder| folder.is_dir())
            .collect()
    }

    /// The folder is there, and all its articles are gone at once.
    pub fn emptied(&self) -> PassError {
        SourceError::Emptied(self.directory.root().display().to_string()).into()
    }
}

fn is_racy(stamp: &Stamp, now: Timestamp) -> bool {
    let changed = Timestamp::new(stamp.changed.0, i32::try_from(stamp.changed.1).unwrap_or(0));
    changed.is_ok_and(|changed| now.duration_since(changed) < RACY && changed.duration_since(now) < PASS)
}

/// Reads files, without the state: while some are read, others are looked up.
#[derive(Debug)]
pub struct Reader {
    directory: Directory,
    site: Arc<SiteSettings>,
}

/// Files as they were read.
#[derive(Default)]
pub struct Outcomes {
    outcomes: Vec<(String, Outcome)>,
    removed: Vec<String>,
    first: bool,
}

impl Reader {
    /// Reads files, on all cores. `now` tells which of them may still be in change.
    pub fn read(&self, to_read: ToRead, now: Timestamp) -> Outcomes {
        let first = to_read.of_blank;
        let read = |(path, stamp): (String, Stamp)| {
            let stamp = if is_racy(&stamp, now) { Stamp::default() } else { stamp };
            let outcome = read_file(&self.directory, &self.site, &path, stamp, !first);
            (path, outcome)
        };
        let outcomes = to_read.files.into_par_iter().with_min_len(8).map(read).collect();
        Outcomes { outcomes, removed: to_read.removed, first }
    }
}

enum Outcome {
    Article(Box<Read>),
    Other(Other),
    Gone,
}

/// Reads one file.
fn read_file(directory: &Directory, site: &SiteSettings, path: &str, stamp: Stamp, with_text: bool) -> Outcome {
    let broken = |problem: Problem| Outcome::Other(Other { stamp, problems: vec![problem], broken: true });
    let bytes = match directory.read(path, &stamp) {
        Some(Ok(bytes)) => bytes,
        Some(Err(problem)) => return broken(problem),
        None => return Outcome::Gone,
    };
    let file = SourceFile { path: path.to_owned(), bytes };
    match read::file(&file, site, stamp, with_text) {
        read::Outcome::Article(read) => Outcome::Article(read),
        read::Outcome::Other { problems, broken } => Outcome::Other(Other { stamp, problems, broken }),
    }
}
