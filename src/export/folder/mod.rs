//! Feeds as files in a folder: each replaced as a whole, and nothing deleted that is not ours.
//!
//! The order of a pass is what makes it safe to be cut anywhere: the list of what is ours names a file before it is
//! there, and still names it until it is gone for good.

mod disk;
mod manifest;

use super::report::{Report, Trouble};
use super::view::View;
use super::wanted::{Item, Wanted};
use crate::crash::crash_point;
use disk::{Disk, DiskError, Why};
use manifest::{Manifest, print};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Files that are made and written at once: what is under way stays small.
const AT_ONCE: usize = 256;

/// A file about to be written.
struct New<'a> {
    name: &'a str,
    item: &'a Item,
    bytes: Arc<[u8]>,
    print: String,
}

/// A folder in which the feeds are kept.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Whether each file stands there compressed as well.
    compressed: bool,
    view: View,
    /// The list of what is ours, as this process left it.
    list: Option<String>,
}

impl Folder {
    /// A folder; it is made when something is written to it.
    pub fn new(path: PathBuf, compressed: bool) -> Self {
        Self { path, compressed, view: View::default(), list: None }
    }

    /// Lets the next export compare every file.
    pub fn forget(&mut self) {
        self.list = None;
    }

    /// Brings the folder to what is wanted. What cannot be done is told, and the rest is done.
    pub fn export(&mut self, wanted: &Wanted) -> Report {
        let mut report = Report { troubles: wanted.troubles.clone(), ..Report::default() };
        let items = without_clashes(wanted.items(self.compressed), &mut report);
        if let Err(error) = self.pass(&items, &mut report) {
            report.trouble(told(&error));
        }
        report
    }

    fn pass(&mut self, items: &BTreeMap<String, Item>, report: &mut Report) -> Result<(), DiskError> {
        let disk = Disk::open(&self.path)?;
        let text = disk.read(manifest::NAME)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        // Taken while the pass lasts: one that does not come to its end compares everything again.
        let known = self.list.take();
        if known.is_none() || text.is_none() {
            self.view.forget();
        }
        let mut text = text.unwrap_or_default();
        let owed = self.view.owed(items);
        if owed.is_empty() && known.as_ref() == Some(&text) && !self.view.has_leftovers(items) {
            report.kept += items.len();
            self.list = known;
            return Ok(());
        }
        let mut manifest = Manifest::parse(&text);
        if !self.view.is_whole() {
            disk.clean(items.keys().map(String::as_str).chain(manifest.names()))?;
        }
        report.kept += items.len() - owed.len();
        let stale: Vec<String> = manifest
            .names()
            .filter(|name| !items.contains_key(*name) && self.view.removes(name))
            .map(str::to_owned)
            .collect();

        let to_write = self.compare(&disk, &owed, &mut manifest, report);
        for part in to_write.chunks(AT_ONCE) {
            let ready = make(part, report);
            claim(&disk, &ready, &mut text, &mut manifest)?;
            crash_point("export-claimed");
            for new in ready {
                match disk.replace(new.name, &new.bytes, Some(new.item.document.last_modified.as_second())) {
                    Ok(()) => {
                        manifest.set(new.name, &new.print);
                        self.view.done(new.name, new.item);
                        report.changed += 1;
                    }
                    Err(error) => report.trouble(told(&error)),
                }
            }
        }
        for name in &stale {
            match remove(&disk, name, &manifest) {
                Ok(was_ours) => {
                    report.removed += usize::from(was_ours);
                    manifest.drop(name);
                    self.view.gone(name);
                }
                Err(error) => report.trouble(told(&error)),
            }
        }
        // A name that the list no longer has must be gone for good.
        disk.sync(to_write.iter().map(|(name, _)| *name).chain(stale.iter().map(String::as_str)))?;
        crash_point("export-stale");
        let list = manifest.text();
        let now = disk.read(manifest::NAME)?;
        if now.as_deref() != Some(list.as_bytes()) {
            disk.replace(manifest::NAME, list.as_bytes(), None)?;
            disk.sync([manifest::NAME])?;
        }
        self.view.whole();
        self.list = Some(list);
        Ok(())
    }

    /// Which of the items are not as they should be.
    fn compare<'a>(
        &mut self,
        disk: &Disk,
        owed: &[(&'a str, &'a Item)],
        manifest: &mut Manifest,
        report: &mut Report,
    ) -> Vec<(&'a str, &'a Item)> {
        let mut to_write = Vec::new();
        for (name, item) in owed {
            match disk.read(name) {
                Ok(Some(bytes)) if item.is(&bytes) => {
                    manifest.set(name, &print(&bytes));
                    self.view.done(name, item);
                    report.kept += 1;
                }
                Ok(found) => {
                    if let Some(bytes) = found {
                        let is_ours = manifest.owns(name, &bytes);
                        report.replaced += usize::from(!is_ours);
                        if is_ours {
                            manifest.add(name, &print(&bytes));
                        }
                    }
                    to_write.push((*name, *item));
                }
                Err(error) => report.trouble(told(&error)),
            }
        }
        to_write
    }
}

/// The bytes of items, made on all cores.
fn make<'a>(items: &[(&'a str, &'a Item)], report: &mut Report) -> Vec<New<'a>> {
    let bytes: Vec<_> = items.par_iter().map(|(_, item)| item.bytes()).collect();
    let mut made = Vec::new();
    for ((name, item), bytes) in items.iter().zip(bytes) {
        match bytes {
            Some(bytes) => made.push(New { name, item, print: print(&bytes), bytes }),
            None => report.trouble(Trouble::lasting(
                format!("{name} cannot be compressed"),
                "set feeds.export_compressed: false, and tell the authors of Crieur",
            )),
        }
    }
    made
}

/// Puts what is going to be written on the list, before it is written.
fn claim(disk: &Disk, ready: &[New], text: &mut String, manifest: &mut Manifest) -> Result<(), DiskError> {
    for new in ready {
        manifest.add(new.name, &new.print);
    }
    let claimed = manifest.text();
    if claimed != *text {
        disk.replace(manifest::NAME, claimed.as_bytes(), None)?;
        disk.sync([manifest::NAME])?;
        *text = claimed;
    }
    Ok(())
}

/// Removes a file if it is still ours. What somebody else put in its place stays.
fn remove(disk: &Disk, name: &str, manifest: &Manifest) -> Result<bool, DiskError> {
    let is_ours = disk.read(name)?.is_some_and(|bytes| manifest.owns(name, &bytes));
    if is_ours {
        disk.remove(name)?;
    }
    Ok(is_ours)
}

/// Leaves out files whose name other files need for their folder.
fn without_clashes(mut items: BTreeMap<String, Item>, report: &mut Report) -> BTreeMap<String, Item> {
    let is_folder = |name: &str| {
        let start = format!("{name}/");
        items.range(start.clone()..).next().is_some_and(|(next, _)| next.starts_with(&start))
    };
    let clashing: Vec<String> = items.keys().filter(|name| is_folder(name)).cloned().collect();
    for name in clashing {
        items.remove(&name);
        report.trouble(Trouble::lasting(
            format!("/{name} cannot be a file: other addresses begin with /{name}/"),
            "let a web server redirect it, or take it out of feeds.aliases",
        ));
    }
    items
}

/// What went wrong, for the person who can mend it.
fn told(error: &DiskError) -> Trouble {
    let path = error.path.display();
    match &error.why {
        Why::Busy => Trouble::passing(
            format!("{path} is being written by another process"),
            "it is tried again; if it stays so, end that process",
        ),
        Why::Link => Trouble::lasting(
            format!("{path} is a symbolic link, which is not followed"),
            "put a folder in its place, or export to where it leads",
        ),
        Why::System(system) => {
            let message = format!("{path} cannot be written: {system}");
            match system.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Trouble::lasting(message, "free space on that disk; what is there stays whole")
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    Trouble::lasting(message, "mount it writable, or name another folder in feeds.export")
                }
                io::ErrorKind::PermissionDenied => {
                    Trouble::lasting(message, "give the user that Crieur runs as the right to write there")
                }
                io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
                    Trouble::lasting(message, "move away what stands there")
                }
                _ => Trouble::lasting(message, "look at that file and at its disk"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
