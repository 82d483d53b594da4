//! A site in a git repository: a clone, and a working tree that is brought to the newest commit.
//!
//! This runs the program `git`, not a library: it is the best-kept reader of its own format, speaks with every forge and
//! every way of signing in, and adds nothing to the build; a pure Rust one (`gix`) would add two hundred packages. The
//! price is a program beside ours: without it, or with one that is too old, [`Git::open`] says so.
//!
//! # On the disk
//! - `repo.git`: the repository. `HEAD` is the commit that stands in the tree; `refs/crieur/taken` the one that the last
//!   pass took, so that renames between the two are told even if Crieur was killed between pull and pass
//! - `tree`: the files of that commit
//! - `unfinished`: is there while the tree is being changed, or when that was cut short
//! - `pull.lock`: held by the one who pulls; `tree.lock`: held by those who read the tree, and alone by the one who
//!   changes it
//!
//! # The tree is changed in place
//! Only the files that differ are written, so that an edit among 100,000 files costs one file, and the next look reads
//! that one alone; a fresh tree beside the old one would be written, and read again, whole. It is not atomic, so it is
//! done under a lock that every reader of every process respects ([`reading`]), and `unfinished` tells of a cut:
//! nobody reads such a tree, and the next pull puts it right before it does anything else.
//!
//! What fails leaves the commit that stood there. A repository that cannot be used any more is cloned afresh beside,
//! and replaced only when that has worked.

pub mod history;
mod program;

use super::SourceError;
use crate::config::{Git as Settings, Site};
use program::{ASK, FETCH, Failure, Program};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A clone of a site's repository.
#[derive(Debug)]
pub struct Git {
    settings: Settings,
    root: PathBuf,
    stop: Arc<AtomicBool>,
    /// Whether this process has seen that the tree is as its commit says.
    sound: bool,
    /// The commit whose renames were last told.
    told: Option<String>,
}

/// What a pull found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The commit that stands in the tree.
    pub commit: String,
    /// Whether it is another one than before the pull.
    pub changed: bool,
    /// Renames since the commit that was last [taken](Git::taken): old and new path under the root, as git tells them.
    pub renames: Vec<(String, String)>,
    /// Whether the former commit is no longer part of the history, as after a forced push; also if more commits
    /// than `depth` came at once, for then nobody can tell.
    pub rewritten: bool,
}

/// The commit up to which renames were taken.
const TAKEN: &str = "refs/crieur/taken";
/// The commit that was fetched.
const NEXT: &str = "refs/crieur/next";
/// How often a lock that another process holds is tried, and how long each time is waited.
const LOCK_TRIES: u32 = 600;
const LOCK_WAIT: Duration = Duration::from_millis(50);

impl Git {
    /// Makes the folder of the checkout, and asks whether there is a `git` to work with. Nothing is fetched yet.
    ///
    /// Errors: no program, one older than 2.32, no folder.
    pub fn open(settings: Settings) -> Result<Self, SourceError> {
        match program::version() {
            Ok(version) if version >= (2, 32) => {}
            Ok((major, minor)) => {
                return Err(SourceError::Git(format!("git {major}.{minor} is too old; install 2.32 or later")));
            }
            Err(failure) => return Err(explained(&settings, failure)),
        }
        let cannot = |error: std::io::Error| {
            let folder = settings.checkout.display();
            SourceError::Git(format!(
                "the folder {folder} cannot be made: {error}; check site.git.checkout and its rights"
            ))
        };
        fs::create_dir_all(&settings.checkout).map_err(cannot)?;
        let checkout = settings.checkout.canonicalize().map_err(cannot)?;
        let root = settings.root();
        Ok(Self { settings: Settings { checkout, ..settings }, root, stop: Arc::default(), sound: false, told: None })
    }

    /// The folder of the site: the subfolder in the working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Set to true, it makes what is under way end at once.
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Whether a whole commit stands in the tree.
    pub fn ready(&self) -> bool {
        is_ready(&self.settings)
    }

    /// Makes the tree ready if it is not, from the commit that stood there or else by a first [`Git::pull`].
    pub fn prepare(&mut self) -> Result<(), SourceError> {
        if self.ready() || (self.heal_alone() && self.ready()) { Ok(()) } else { self.pull().map(drop) }
    }

    fn heal_alone(&mut self) -> bool {
        let Ok(lock) = self.lock("pull.lock") else { return false };
        let repository = self.repository();
        let program = self.program(&repository, &lock);
        head(&program).is_some() && self.heal(&lock).is_ok()
    }

    /// Brings the tree to the newest commit of the branch. Blocking, and slow where the network is.
    ///
    /// Errors: what failed and what to do, without secrets; the commit that stood in the tree stands there still.
    pub fn pull(&mut self) -> Result<Pulled, SourceError> {
        let lock = self.lock("pull.lock")?;
        let repository = self.repository();
        let before = head(&self.program(&repository, &lock));
        let mut sound = before.is_some();
        if before.is_some() && !(self.sound && self.ready()) {
            remove_locks(&repository);
            sound = match self.heal(&lock) {
                Err(failure @ (Failure::Stopped | Failure::TooLong)) => return Err(explained(&self.settings, failure)),
                healed => healed.is_ok(),
            };
        }
        let newest = self.ask(&lock)?;
        if !sound {
            self.afresh(&lock)?;
        } else if before.as_deref() != Some(newest.as_str()) {
            match self.update(&repository, &lock) {
                // Only what a new clone could mend is worth one.
                Err(Broken::Repository(Failure::Said(said))) if !said.to_lowercase().contains("no space left") => {
                    self.afresh(&lock)?;
                }
                Err(Broken::Repository(failure)) => return Err(explained(&self.settings, failure)),
                Err(Broken::Content(error)) => return Err(error),
                Ok(()) => {}
            }
        }
        self.sound = true;
        let program = self.program(&repository, &lock);
        let commit = head(&program).unwrap_or_default();
        let rewritten = before.as_deref().is_some_and(|before| {
            before != commit && program.local(&["merge-base", "--is-ancestor", before, &commit]).is_err()
        });
        let changed = before.as_deref() != Some(commit.as_str());
        let renames = renames(&program, &self.settings.subfolder, &commit);
        self.told = Some(commit.clone());
        Ok(Pulled { renames, commit, changed, rewritten })
    }

    /// Renames since the commit that was last [taken](Git::taken), where a pull has failed. Local.
    pub fn renames(&mut self) -> Vec<(String, String)> {
        let Ok(lock) = self.lock("pull.lock") else { return Vec::new() };
        let repository = self.repository();
        let program = self.program(&repository, &lock);
        let Some(commit) = head(&program) else { return Vec::new() };
        let renames = renames(&program, &self.settings.subfolder, &commit);
        self.told = Some(commit);
        renames
    }

    /// Remembers that a pass has taken the renames that were last told. Until then they are told again, also after a
    /// kill; a pass that knows them already is not disturbed.
    pub fn taken(&mut self) -> Result<(), SourceError> {
        let Some(commit) = self.told.take() else { return Ok(()) };
        let lock = self.lock("pull.lock")?;
        let repository = self.repository();
        let program = self.program(&repository, &lock);
        program.local(&["update-ref", TAKEN, &commit]).map(drop).map_err(|failure| explained(&self.settings, failure))
    }

    fn repository(&self) -> PathBuf {
        self.settings.checkout.join("repo.git")
    }

    fn program<'a>(&'a self, repository: &'a Path, lock: &'a File) -> Program<'a> {
        Program { settings: &self.settings, stop: &self.stop, repository, lock }
    }

    /// The commit at the head of the branch there.
    fn ask(&self, lock: &File) -> Result<String, SourceError> {
        let repository = self.repository();
        let program = self.program(&repository, lock);
        let (url, reference) = (self.settings.url.as_str(), self.reference());
        let ask = |arguments: &[&str]| {
            let answer = program.remote(arguments, ASK).map_err(|failure| explained(&self.settings, failure))?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = ask(&["ls-remote", "--quiet", "--", url, &reference])?;
        let found = answer.lines().filter_map(|line| line.split_once('\t')).find(|(_, name)| *name == reference);
        if let Some((commit, _)) = found {
            return Ok(commit.to_owned());
        }
        let Some(branch) = &self.settings.branch else {
            let cure = "push a commit, or name the branch in site.git.branch";
            return Err(SourceError::Git(format!("the repository {url} has nothing at its HEAD; {cure}")));
        };
        let heads = ask(&["ls-remote", "--quiet", "--heads", "--", url])?;
        let mut there: Vec<&str> =
            heads.lines().filter_map(|line| line.split_once("\trefs/heads/")).map(|(_, b)| b).collect();
        there.truncate(5);
        let there = if there.is_empty() { "it has none".to_owned() } else { format!("it has {}", there.join(", ")) };
        Err(SourceError::Git(format!("the repository {url} has no branch {branch}: {there}; check site.git.branch")))
    }

    fn reference(&self) -> String {
        self.settings.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"))
    }

    fn fetch(&self, program: &Program) -> Result<String, Broken> {
        let (depth, refspec) = (format!("--depth={}", self.settings.depth), format!("+{}:{NEXT}", self.reference()));
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow"];
        if self.settings.depth > 0 {
            arguments.push(&depth);
        }
        arguments.extend(["--", self.settings.url.as_str(), &refspec]);
        program.remote(&arguments, FETCH)?;
        let commit = program.local(&["rev-parse", "--verify", "--quiet", &format!("{NEXT}^{{commit}}")])?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        // An empty folder would look like a site that withdrew everything.
        let folder = &self.settings.subfolder;
        let files = program.local(&["ls-tree", "-z", "--name-only", &format!("{commit}:{folder}")]);
        if files.is_ok_and(|files| !files.is_empty()) {
            return Ok(commit);
        }
        let (what, cure) = match folder.is_empty() {
            true => ("has no files any more".to_owned(), "the last state stays until it has some"),
            false => (format!("has no files in {folder}"), "check site.git.subfolder; the last state stays"),
        };
        Err(Broken::Content(SourceError::Git(format!("the repository {} {what}; {cure}", self.settings.url.as_str()))))
    }

    fn update(&self, repository: &Path, lock: &File) -> Result<(), Broken> {
        let commit = self.fetch(&self.program(repository, lock))?;
        let tree_lock = self.lock("tree.lock").map_err(Broken::Content)?;
        let program = self.program(repository, &tree_lock);
        self.mark()?;
        let reset = program.on_tree(&["reset", "--hard", "--quiet", &commit]);
        // HEAD moves last: if that did not come to pass, it is the commit before.
        if reset.is_err() {
            remove_locks(repository);
            program.on_tree(&["reset", "--hard", "--quiet", "HEAD"])?;
        }
        self.unmark()?;
        reset.map(drop).map_err(Broken::Repository)
    }

    /// Puts the tree back to its commit, whatever was done to it.
    fn heal(&self, lock: &File) -> Result<(), Failure> {
        let repository = self.repository();
        let tree_lock = self.lock("tree.lock").map_err(|error| Failure::Said(error.to_string()))?;
        remove_locks(&repository);
        self.mark()?;
        fs::create_dir_all(self.settings.tree()).map_err(said)?;
        let program = self.program(&repository, &tree_lock);
        program.on_tree(&["reset", "--hard", "--quiet", "HEAD"])?;
        program.on_tree(&["clean", "-ffdx", "--quiet"])?;
        let _ = lock;
        self.unmark()
    }

    /// Clones beside, then puts the clone in its place.
    fn afresh(&self, lock: &File) -> Result<(), SourceError> {
        let (repository, new) = (self.repository(), self.settings.checkout.join("repo.new"));
        let cloned = self.clone_into(&new, lock).and_then(|commit| {
            let tree_lock = self.lock("tree.lock").map_err(Broken::Content)?;
            self.mark()?;
            remove_folder(&repository)?;
            fs::rename(&new, &repository).map_err(said)?;
            fs::create_dir_all(self.settings.tree()).map_err(said)?;
            let program = self.program(&repository, &tree_lock);
            program.on_tree(&["reset", "--hard", "--quiet", &commit])?;
            program.on_tree(&["clean", "-ffdx", "--quiet"])?;
            Ok(self.unmark()?)
        });
        let _ = fs::remove_dir_all(&new);
        cloned.map_err(|broken| match broken {
            Broken::Repository(failure) => explained(&self.settings, failure),
            Broken::Content(error) => error,
        })
    }

    fn clone_into(&self, new: &Path, lock: &File) -> Result<String, Broken> {
        remove_folder(new)?;
        let program = self.program(new, lock);
        let folder = new.display().to_string();
        program.local(&["init", "--quiet", "--bare", "--template=", "--initial-branch=crieur", "--", &folder])?;
        self.fetch(&program)
    }

    fn mark(&self) -> Result<(), Failure> {
        File::create(unfinished(&self.settings)).and_then(|file| file.sync_all()).map_err(said)
    }

    fn unmark(&self) -> Result<(), Failure> {
        fs::remove_file(unfinished(&self.settings)).map_err(said)
    }

    /// Takes a lock for itself alone; waits for others for half a minute.
    fn lock(&self, name: &str) -> Result<File, SourceError> {
        lock(&self.settings, name, File::try_lock, &self.stop)
    }
}

/// Why a fetch or an update came to nothing.
enum Broken {
    /// Maybe the clone is damaged.
    Repository(Failure),
    /// What was fetched is no site.
    Content(SourceError),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Repository(failure)
    }
}

/// The tree of a site's repository stays as it is while this lives.
#[derive(Debug)]
pub struct Reading {
    _lock: File,
}

/// Keeps everybody from changing the tree of a site's repository while it is read. None for a folder.
///
/// Errors: there is no whole tree yet, or another process has been changing it for half a minute.
pub fn reading(site: &Site) -> Result<Option<Reading>, SourceError> {
    let Some(settings) = &site.git else { return Ok(None) };
    let none_yet =
        || SourceError::Git("the repository is not cloned yet; what keeps it from that is said above".to_owned());
    if !settings.checkout.is_dir() {
        return Err(none_yet());
    }
    let lock = lock(settings, "tree.lock", File::try_lock_shared, &AtomicBool::new(false))?;
    if is_ready(settings) { Ok(Some(Reading { _lock: lock })) } else { Err(none_yet()) }
}

fn is_ready(settings: &Settings) -> bool {
    settings.checkout.join("repo.git").is_dir() && settings.tree().is_dir() && !unfinished(settings).exists()
}

fn unfinished(settings: &Settings) -> PathBuf {
    settings.checkout.join("unfinished")
}

fn lock(
    settings: &Settings,
    name: &str,
    try_it: impl Fn(&File) -> Result<(), fs::TryLockError>,
    stop: &AtomicBool,
) -> Result<File, SourceError> {
    let path = settings.checkout.join(name);
    let cannot = |error: std::io::Error| {
        SourceError::Git(format!("{} cannot be locked: {error}; check the rights of its folder", path.display()))
    };
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
    for _ in 0..LOCK_TRIES {
        match try_it(&file) {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => break,
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
    }
    let cure = "try again when it is done";
    Err(SourceError::Git(format!(
        "another process has been working on {} for long; {cure}",
        settings.checkout.display()
    )))
}

/// The commit that stands in the tree.
fn head(program: &Program) -> Option<String> {
    // Without a repository there, git would look for one elsewhere.
    let answer =
        program.repository.is_dir().then(|| program.local(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]))?;
    Some(String::from_utf8_lossy(&answer.ok()?).trim().to_owned()).filter(|commit| !commit.is_empty())
}

/// What git takes for a rename: half of the bytes are the same. Where a thousand files went and a thousand came, only
/// those with the same bytes are told; the texts tell the others.
const RENAMES: [&str; 2] = ["-M50%", "-l1000"];

/// Renames under a folder between what was last taken and a commit. Where git cannot tell, the texts do.
fn renames(program: &Program, subfolder: &str, commit: &str) -> Vec<(String, String)> {
    let relative = format!("--relative={subfolder}/");
    let mut arguments = vec!["diff-tree", "-r", "-z", "--name-status", "--diff-filter=R"];
    arguments.extend(RENAMES);
    if !subfolder.is_empty() {
        arguments.push(&relative);
    }
    arguments.extend([TAKEN, commit]);
    let Ok(answer) = program.local(&arguments) else { return Vec::new() };
    let parts: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (records, _) = parts.as_chunks::<3>();
    records.iter().filter_map(|[_, old, new]| Some((text(old)?, text(new)?))).collect()
}

/// Takes away the locks of a git that was killed. Whoever calls this holds a lock that every git at work holds too.
fn remove_locks(repository: &Path) {
    let mut folders = vec![repository.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("objects") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "lock") {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn remove_folder(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(said(error)),
        _ => Ok(()),
    }
}

fn said(error: std::io::Error) -> Failure {
    Failure::Said(error.to_string())
}

/// A failure for the person who must act.
fn explained(settings: &Settings, failure: Failure) -> SourceError {
    let url = settings.url.as_str();
    let said = match failure {
        Failure::NoProgram(error) => {
            return SourceError::Git(format!(
                "the program `git` cannot be started ({error}); install git 2.32 or later"
            ));
        }
        Failure::TooLong => "it took too long".to_owned(),
        Failure::Stopped => "it was stopped".to_owned(),
        Failure::Said(said) => said,
    };
    let lower = said.to_lowercase();
    let cure = CURES.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)));
    let cure = cure.map_or("the last state stays; it is tried again", |(_, cure)| cure);
    SourceError::Git(format!("the repository {url} cannot be pulled: {said}; {cure}"))
}

/// Words of git, ssh and the system, and what to do.
const CURES: &[(&[&str], &str)] = &[
    (
        &["could not read username", "could not read password", "authentication failed", "error: 401", "error: 403"],
        "check site.git.token: it must be valid, and allowed to read this repository",
    ),
    (&["permission denied (publickey"], "check site.git.key, and that its public half may read this repository"),
    (
        &["host key verification failed", "host key is known", "no host key"],
        "put the server's key, compared with the one that it publishes, into a file and name it in site.git.known_hosts",
    ),
    (&["no user exists for uid"], "ssh wants its user in /etc/passwd; add it, or use https"),
    (&["cannot run ssh", "ssh: not found"], "install an ssh client, or use https"),
    (&["no space left", "disk quota"], "make room on the disk; the last state stays"),
    (&["dubious ownership"], "the repository's folder must belong to the user that Crieur runs as"),
    (&["does not support shallow"], "write site.git.depth: 0"),
    (
        &["not found", "does not exist", "does not appear to be a git repository", "no such file"],
        "check site.git.url; a private repository shows itself only with a token or a key",
    ),
];
