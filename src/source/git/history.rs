//! A repository's whole history: its commits with what each changed, and the bytes of any file at any time.
//!
//! Of the branch only the first parents count, as somebody who pulls sees it: what a merge brought came with the merge.
//! Renames are told as a pull tells them. Two programs run: one lists the commits, the other one gives bytes.

use super::program::{self, Failure};
use super::{RENAMES, said};
use crate::simulate::{Blob, Blobs, Change, Commit};
use crate::source::SourceError;
use jiff::Timestamp;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::thread::JoinHandle;

/// Most bytes of a file that is read, as of a file on the disk.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Files that are asked for at once: their names fit into a pipe, so that neither side waits for the other for ever.
const ASKED: usize = 1_000;

/// The history of a branch of a repository on this machine.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    branch: String,
    subfolder: String,
}

impl History {
    /// Of a repository, bare or not; `branch` is any name of a commit, by default what is checked out, and if nothing is,
    /// the only branch there is, else `main` or `master`; only what lies
    /// under `subfolder` counts. Where `folder` is itself one inside a repository, it is that one that counts.
    ///
    /// Errors: no program `git`, no repository, no such branch, or there was never such a subfolder.
    pub fn open(folder: &Path, branch: Option<&str>, subfolder: &str) -> Result<Self, SourceError> {
        let shown = folder.display();
        if !folder.is_dir() {
            return Err(SourceError::Git(format!("there is no folder {shown}; give that of a clone of the site")));
        }
        let prefix = ask(folder, &["rev-parse", "--show-prefix"]).map_err(|failure| match failure {
            Failure::Said(said) => SourceError::Git(format!("{shown} is no git repository: {said}")),
            failure => no_program(&failure),
        })?;
        let subfolder = format!("{}/{}", prefix.trim().trim_matches('/'), subfolder.trim_matches('/'));
        let subfolder = subfolder.trim_matches('/').to_owned();
        let name = branch.unwrap_or("HEAD");
        // A branch that was not checked out in a clone is there as that of its origin.
        let mut names = vec![name.to_owned(), format!("origin/{name}")];
        if branch.is_none() {
            // A clone of a bundle has often nothing checked out.
            names.extend(only_branch(folder));
            names.extend(["main", "master", "origin/main", "origin/master"].map(str::to_owned));
        }
        let found = names.into_iter().find_map(|name| {
            let commit = format!("{name}^{{commit}}");
            let answer = ask(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).ok()?;
            Some(answer.trim().to_owned())
        });
        let Some(branch) = found else {
            let cure = "name one with --branch";
            return Err(SourceError::Git(format!(
                "the repository {shown} has no commit under the name {name}; {cure}"
            )));
        };
        let history = Self { folder: folder.to_owned(), branch, subfolder };
        if !history.subfolder.is_empty() && !history.was_ever_there()? {
            return Err(SourceError::Git(format!(
                "in the history of the repository {shown} there was never a folder `{}`; name that of the site with --subdir (`site.git.subfolder` in the configuration)",
                history.subfolder
            )));
        }
        Ok(history)
    }

    /// Whether any commit has a folder under the name of the subfolder.
    fn was_ever_there(&self) -> Result<bool, SourceError> {
        let paths = format!(":(top,literal){}/", self.subfolder);
        let asked = ask(&self.folder, &["rev-list", "--first-parent", "--max-count=1", &self.branch, "--", &paths]);
        let found = asked.map_err(|failure| match failure {
            Failure::Said(said) => SourceError::Git(format!("the history cannot be read: {said}")),
            failure => no_program(&failure),
        })?;
        Ok(!found.trim().is_empty())
    }

    /// The commits, oldest first.
    ///
    /// Errors: git cannot be started.
    pub fn commits(&self) -> Result<Commits, SourceError> {
        let mut command = program::local(&self.folder);
        command.args([
            "log",
            "--first-parent",
            "--reverse",
            "--diff-merges=first-parent",
            "--raw",
            "-z",
            "--no-abbrev",
        ]);
        command.args(RENAMES).args(["--no-color", "--format=tformat:%H %ct"]);
        if !self.subfolder.is_empty() {
            command.arg(format!("--relative={}/", self.subfolder));
        }
        command.args(["--end-of-options", &self.branch, "--"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| no_program(&said(error)))?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else { return Err(broken_off()) };
        // Read beside, or a git that complains much would wait for ever.
        let words = std::thread::spawn(move || words(errors));
        Ok(Commits { child, output: BufReader::with_capacity(1 << 16, output), header: None, words: Some(words) })
    }

    /// What gives the bytes of files.
    ///
    /// Errors: git cannot be started.
    pub fn bytes(&self) -> Result<Bytes, SourceError> {
        let mut command = program::local(&self.folder);
        command.args(["cat-file", "--batch"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|error| no_program(&said(error)))?;
        let (Some(asked), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { return Err(broken_off()) };
        let pipes = Pipes { asked: BufWriter::new(asked), answers: BufReader::with_capacity(1 << 18, answers) };
        Ok(Bytes { child, pipes: RefCell::new(pipes) })
    }
}

/// Commits as git lists them.
#[derive(Debug)]
pub struct Commits {
    child: Child,
    output: BufReader<ChildStdout>,
    /// The head of the next commit, already read.
    header: Option<String>,
    /// What git says of what goes wrong.
    words: Option<JoinHandle<String>>,
}

impl Commits {
    /// The next text up to a zero byte; None at the end.
    fn text(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let mut text = Vec::new();
        let read = self.output.read_until(0, &mut text).map_err(|_| broken_off())?;
        if text.last() == Some(&0) {
            text.pop();
        }
        Ok((read > 0).then_some(text))
    }

    fn commit(&mut self) -> Result<Option<Commit>, SourceError> {
        let header = match self.header.take() {
            Some(header) => header,
            None => match self.text()? {
                Some(text) => String::from_utf8_lossy(&text).into_owned(),
                None => return self.end().map(|()| None),
            },
        };
        let header = header.trim();
        let (hash, seconds) = header.split_once(' ').unwrap_or((header, ""));
        if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(broken_off());
        }
        // A time that none can be is before all others, and so becomes that of the commit before.
        let at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut commit = Commit { hash: hash.into(), at, changes: Vec::new(), nameless: Vec::new() };
        while let Some(text) = self.text()? {
            let text = String::from_utf8_lossy(&text).into_owned();
            let Some(record) = text.trim_start_matches('\n').strip_prefix(':') else {
                self.header = Some(text);
                return Ok(Some(commit));
            };
            self.change(record, &mut commit)?;
        }
        Ok(Some(commit))
    }

    /// `OLDMODE NEWMODE OLDBLOB NEWBLOB STATUS`, then one path, or two of a rename.
    fn change(&mut self, record: &str, commit: &mut Commit) -> Result<(), SourceError> {
        let parts: Vec<&str> = record.split(' ').collect();
        let &[_, mode, _, blob, status] = parts.as_slice() else { return Err(broken_off()) };
        let first = self.text()?.ok_or_else(broken_off)?;
        let second = if status.starts_with(['R', 'C']) { Some(self.text()?.ok_or_else(broken_off)?) } else { None };
        // What is no file (a submodule, a link, whose bytes are the name of another file) is not there.
        let is_there = !status.starts_with('D') && !["160000", "120000"].contains(&mode);
        // A name that is not UTF-8 can be no article: it has no address.
        let (old, new) = (String::from_utf8(first), second.map(String::from_utf8));
        if let Err(name) = new.as_ref().unwrap_or(&old)
            && is_there
        {
            commit.nameless.push(String::from_utf8_lossy(name.as_bytes()).into_owned());
        }
        let old = old.ok();
        let new = new.map_or_else(|| old.clone(), Result::ok);
        let blob: Blob = blob.into();
        commit.changes.extend(match (old, new) {
            (Some(from), Some(path)) if is_there && status.starts_with('R') => {
                Some(Change::Renamed { from, path, blob })
            }
            (_, Some(path)) if is_there => Some(Change::There { path, blob }),
            (Some(path), _) if !status.starts_with('C') => Some(Change::Gone { path }),
            _ => None,
        });
        Ok(())
    }

    /// Git has said everything: did it end well?
    fn end(&mut self) -> Result<(), SourceError> {
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(SourceError::Git(format!("the history cannot be read: {}", words.trim().replace('\n', "; ")))),
        }
    }
}

impl Iterator for Commits {
    type Item = Result<Commit, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.commit().transpose()
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of files of any commit.
#[derive(Debug)]
pub struct Bytes {
    child: Child,
    pipes: RefCell<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    asked: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Pipes {
    fn ask(&mut self, wanted: &[Blob]) -> std::io::Result<Vec<Option<Vec<u8>>>> {
        for blob in wanted {
            writeln!(self.asked, "{blob}")?;
        }
        self.asked.flush()?;
        wanted.iter().map(|_| self.answer()).collect()
    }

    /// `BLOB blob LENGTH`, a line, the bytes, a line; or `BLOB missing`.
    fn answer(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(std::io::Error::other("git ended"));
        }
        let parts: Vec<&str> = line.trim_end().split(' ').collect();
        let &[_, kind, length] = parts.as_slice() else { return Ok(None) };
        let length: usize = length.parse().map_err(std::io::Error::other)?;
        if kind != "blob" || length > BYTES_MAX {
            std::io::copy(&mut self.answers.by_ref().take(length as u64 + 1), &mut std::io::sink())?;
            return Ok(None);
        }
        let mut bytes = vec![0; length + 1];
        self.answers.read_exact(&mut bytes)?;
        bytes.pop();
        Ok(Some(bytes))
    }
}

impl Blobs for Bytes {
    fn read(&self, wanted: &[Blob]) -> Result<Vec<Option<Vec<u8>>>, String> {
        let mut pipes = self.pipes.borrow_mut();
        let mut read = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(ASKED) {
            let bytes = pipes.ask(some).map_err(|error| format!("files of the history cannot be read: {error}"))?;
            read.extend(bytes);
        }
        Ok(read)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(mut errors: ChildStderr) -> String {
    let mut words = Vec::new();
    let _ = errors.by_ref().take(4_096).read_to_end(&mut words);
    let _ = std::io::copy(&mut errors, &mut std::io::sink());
    String::from_utf8_lossy(&words).into_owned()
}

/// The branch of a repository that has no other one.
fn only_branch(folder: &Path) -> Option<String> {
    let all = ask(folder, &["for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes"]).ok()?;
    let mut branches = all.lines().filter(|name| !name.ends_with("/HEAD"));
    branches.next().filter(|_| branches.next().is_none()).map(str::to_owned)
}

/// Asks git something about a repository.
fn ask(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = program::local(folder).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| Failure::NoProgram(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = words.lines().next().unwrap_or("git does not say why");
    Err(Failure::Said(line.trim_start_matches("fatal: ").to_owned()))
}

fn no_program(failure: &Failure) -> SourceError {
    let why = match failure {
        Failure::NoProgram(why) | Failure::Said(why) => why.as_str(),
        Failure::TooLong | Failure::Stopped => "it did not end",
    };
    SourceError::Git(format!("the program `git` cannot be started ({why}); install git 2.32 or later"))
}

fn broken_off() -> SourceError {
    SourceError::Git("the history cannot be read: git's answer breaks off".to_owned())
}
