//! Files as they are named on the command line, in problems, and by tools.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// A path from the working directory, without `.` and, as far as can be told without a look, without `..`.
fn absolute(here: &Path, path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in here.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A file as tools want it: relative to the working directory and without `./`; absolute if it stands elsewhere.
pub fn plain(here: &Path, file: &str) -> String {
    let whole = absolute(here, Path::new(file));
    whole.strip_prefix(here).unwrap_or(&whole).display().to_string()
}

/// The files and folders that a person asked for.
#[derive(Clone)]
pub struct Wanted {
    here: PathBuf,
    /// As written, made absolute.
    written: Vec<PathBuf>,
    /// With symbolic links followed.
    real: Vec<PathBuf>,
    missing: Vec<PathBuf>,
    known: HashMap<PathBuf, bool>,
    /// Folders with symbolic links followed.
    folders: HashMap<PathBuf, Option<PathBuf>>,
}

impl Wanted {
    /// Paths count from the working directory; one that is not there, from the site's root.
    pub fn new(here: &Path, paths: &[PathBuf], root: Option<&Path>) -> Self {
        let mut wanted = Self {
            here: here.to_owned(),
            written: Vec::new(),
            real: Vec::new(),
            missing: Vec::new(),
            known: HashMap::new(),
            folders: HashMap::new(),
        };
        for path in paths {
            let mut whole = absolute(here, path);
            if let Some(root) = root
                && !whole.exists()
            {
                whole = Some(absolute(here, &root.join(path))).filter(|path| path.exists()).unwrap_or(whole);
            }
            match whole.canonicalize() {
                Ok(real) => wanted.real.push(real),
                Err(_) => wanted.missing.push(path.clone()),
            }
            wanted.written.push(whole);
        }
        wanted
    }

    /// Those that are not there.
    pub fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Whether a file is one of them or lies below one, however the two are written.
    pub fn takes(&mut self, file: &str) -> bool {
        self.takes_path(Path::new(file))
    }

    /// The same of a path.
    pub fn takes_path(&mut self, file: &Path) -> bool {
        if let Some(known) = self.known.get(file) {
            return *known;
        }
        let whole = absolute(&self.here, file);
        let below = |paths: &[PathBuf], file: &Path| paths.iter().any(|path| file.starts_with(path));
        let takes = below(&self.written, &whole) || self.real(&whole).is_some_and(|whole| below(&self.real, &whole));
        self.known.insert(file.to_owned(), takes);
        takes
    }

    /// A path with symbolic links followed. A site has a hundred thousand files in few folders: each folder is asked
    /// for once.
    fn real(&mut self, whole: &Path) -> Option<PathBuf> {
        if whole.is_symlink() {
            return whole.canonicalize().ok();
        }
        let (folder, name) = (whole.parent()?, whole.file_name()?);
        let folder = match self.folders.get(folder) {
            Some(known) => known.clone(),
            None => {
                let real = folder.canonicalize().ok();
                self.folders.insert(folder.to_owned(), real.clone());
                real
            }
        };
        Some(folder?.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_working_directory() {
        let here = Path::new("/w/repo");
        for (file, expected) in [
            ("./site/_posts/a.md", "site/_posts/a.md"),
            ("/w/repo/site/a.md", "site/a.md"),
            ("site/../b.md", "b.md"),
            ("../other/c.md", "/w/other/c.md"),
            ("/w/repository/d.md", "/w/repository/d.md"),
        ] {
            assert_eq!(plain(here, file), expected);
        }
    }
}
