//! A git repository that a site is pulled from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A repository with a working tree, on the branch `main`.
pub struct Origin {
    pub folder: TempDir,
}

impl Origin {
    pub fn new() -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        origin.git(&["init", "-q", "--initial-branch=main"]);
        // Served over http, it must be said that it may be.
        fs::write(origin.folder.path().join(".git/git-daemon-export-ok"), "").unwrap();
        origin
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// An article whose text shares nothing with others'.
    pub fn article(&self, name: &str, front: &str) {
        let words: Vec<String> = (0..40).map(|n| format!("{name}{n}")).collect();
        self.write(name, format!("---\n{front}\n---\n\n{}\n", words.join(" ").replace(['/', '.', '_'], "")));
    }

    pub fn commit(&self, subject: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    /// Standard output of a command that must succeed.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), arguments)
    }

    pub fn vanish(&self) {
        fs::rename(self.hidden().0, self.hidden().1).unwrap();
    }

    pub fn come_back(&self) {
        fs::rename(self.hidden().1, self.hidden().0).unwrap();
    }

    fn hidden(&self) -> (PathBuf, PathBuf) {
        (self.folder.path().join(".git"), self.folder.path().join(".gone"))
    }
}

/// Runs git with nothing of this machine's settings.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "core.quotePath=false", "-c", "advice.detachedHead=false"])
        .args(arguments);
    for (name, value) in [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")] {
        command.env(name, value);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Essai").env(format!("GIT_{role}_EMAIL"), "essai@example.fr");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
