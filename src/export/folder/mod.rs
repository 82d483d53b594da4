//! Feeds as files in a folder: each replaced as a whole, and nothing deleted that is not ours.
//!
//! The order of a pass is what makes it safe to be cut anywhere: the list of what is ours names a file before it is
//! there, and still names it until it is gone for good.

mod disk;
mod manifest;

use super::MADE_AT_ONCE;
use super::report::{Report, Trouble};
use super::view::View;
use super::wanted::{Item, Made, Wanted};
use crate::crash::crash_point;
use disk::{Disk, DiskError, Why};
use manifest::{MadeOf, Manifest, print};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// Files that are made and written at once: what is under way stays small.
const AT_ONCE: usize = 256;

/// A file that is not as it should be, as far as is known.
struct Owed<'a> {
    name: &'a str,
    item: &'a Item,
    /// What stands there.
    found: Option<String>,
}

/// A file about to be written.
struct New<'a> {
    owed: &'a Owed<'a>,
    made: Made,
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
    /// What files are made of that are not made ahead.
    made_of: MadeOf,
}

impl Folder {
    /// A folder; it is made when something is written to it.
    pub fn new(path: PathBuf, compressed: bool) -> Self {
        Self { path, compressed, view: View::default(), list: None, made_of: MadeOf::default() }
    }

    /// Lets the next export compare every file.
    pub fn forget(&mut self) {
        self.list = None;
    }

    /// Brings the folder to what is wanted. What cannot be done is told, and the rest is done.
    pub fn export(&mut self, wanted: &Wanted) -> Report {
        let mut report = Report { troubles: wanted.troubles.clone(), ..Report::default() };
        let items = without_clashes(wanted.items(self.compressed), &mut report);
        if let Err(error) = self.pass(&items, wanted.is_partial, &mut report) {
            report.trouble(told(&error));
        }
        report
    }

    fn pass(&mut self, items: &BTreeMap<String, Item>, is_partial: bool, report: &mut Report) -> Result<(), DiskError> {
        let disk = Disk::open(&self.path)?;
        let text = disk.read(manifest::NAME)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        // Taken while the pass lasts: one that does not come to its end compares everything again.
        let known = self.list.take();
        if known.is_none() || text.is_none() {
            self.view.forget();
        }
        let mut text = text.unwrap_or_default();
        let owed = self.view.owed(items);
        let has_leftovers = !is_partial && self.view.has_leftovers(items);
        if owed.is_empty() && known.as_ref() == Some(&text) && !has_leftovers && (is_partial || self.view.is_whole()) {
            report.kept += items.len();
            self.list = known;
            return Ok(());
        }
        let mut manifest = Manifest::parse(&text);
        if !self.view.is_whole() {
            self.made_of = MadeOf::parse(&disk.read(MadeOf::NAME)?.unwrap_or_default());
            disk.clean(items.keys().map(String::as_str).chain(manifest.names()))?;
        }
        report.kept += items.len() - owed.len();
        let stale: Vec<String> = manifest
            .names()
            .filter(|name| !is_partial && !items.contains_key(*name) && self.view.removes(name))
            .map(str::to_owned)
            .collect();

        let to_write = self.compare(&disk, &owed, &mut manifest, report);
        // What is ready goes first: the rest may take its time to be made.
        let (ready, rest): (Vec<_>, Vec<_>) = to_write.into_iter().partition(|owed| owed.item.ready().is_some());
        let mut touched = Vec::new();
        for part in ready.chunks(AT_ONCE).chain(rest.chunks(AT_ONCE)) {
            let made = make(part, report);
            claim(&disk, &made, &mut text, &mut manifest)?;
            crash_point("export-claimed");
            for new in made {
                self.write(&disk, &new, &mut manifest, report);
                touched.push(new.owed.name);
            }
        }
        for name in &stale {
            match remove(&disk, name, &manifest) {
                Ok(was_ours) => {
                    report.removed += usize::from(was_ours);
                    manifest.drop(name);
                    self.made_of.drop(name);
                    self.view.gone(name);
                }
                Err(error) => report.trouble(told(&error)),
            }
        }
        // A name that the list no longer has must be gone for good.
        disk.sync(touched.into_iter().chain(stale.iter().map(String::as_str)))?;
        crash_point("export-stale");
        let list = manifest.text();
        for (name, content) in [(manifest::NAME, &list), (MadeOf::NAME, &self.made_of.text())] {
            let there = disk.read(name)?;
            if there.as_deref() != Some(content.as_bytes()) && !(there.is_none() && content.is_empty()) {
                disk.replace(name, content.as_bytes(), None)?;
                disk.sync([name])?;
            }
        }
        if !is_partial {
            self.view.whole();
        }
        self.list = Some(list);
        Ok(())
    }

    /// Which of the items are not as they should be, as far as is known.
    fn compare<'a>(
        &mut self,
        disk: &Disk,
        owed: &[(&'a str, &'a Item)],
        manifest: &mut Manifest,
        report: &mut Report,
    ) -> Vec<Owed<'a>> {
        let mut to_write = Vec::new();
        let mut to_make = 0;
        for (name, item) in owed {
            if item.ready().is_none() && to_make == MADE_AT_ONCE {
                report.left += 1;
                continue;
            }
            let found = match disk.read(name) {
                Ok(found) => found,
                Err(error) => {
                    report.trouble(told(&error));
                    continue;
                }
            };
            let is_there = found.as_ref().is_some_and(|bytes| item.is(bytes));
            let found = found.as_deref().map(print);
            if let Some(found) = &found
                && (is_there || self.made_of.is(name, item.made_of(), found))
            {
                manifest.set(name, found);
                self.view.done(name, item);
                report.kept += 1;
            } else {
                to_make += usize::from(item.ready().is_none());
                to_write.push(Owed { name, item, found });
            }
        }
        to_write
    }

    fn write(&mut self, disk: &Disk, new: &New, manifest: &mut Manifest, report: &mut Report) {
        let Owed { name, item, found } = new.owed;
        if found.as_ref() == Some(&new.print) {
            report.kept += 1;
        } else {
            match disk.replace(name, &new.made.bytes, Some(new.made.document.last_modified.as_second())) {
                Ok(()) => {
                    report.changed += 1;
                    report.replaced += usize::from(found.as_ref().is_some_and(|found| !manifest.has(name, found)));
                }
                Err(error) => return report.trouble(told(&error)),
            }
        }
        manifest.set(name, &new.print);
        self.made_of.set(name, item.made_of(), &new.print);
        self.view.done(name, item);
    }
}

/// Items, made: those made ahead are compressed on all cores, the others are made one after the other, so that the cores
/// stay free for those who read and post.
fn make<'a>(owed: &'a [Owed<'a>], report: &mut Report) -> Vec<New<'a>> {
    let are_ready = owed.iter().all(|owed| owed.item.ready().is_some());
    let made: Vec<Option<Made>> = match are_ready {
        true => owed.par_iter().map(|owed| owed.item.make()).collect(),
        false => owed.iter().map(|owed| owed.item.make()).collect(),
    };
    let mut all = Vec::new();
    for (owed, made) in owed.iter().zip(made) {
        match made {
            Some(made) => all.push(New { owed, print: print(&made.bytes), made }),
            None => report.trouble(Trouble::cannot_be_made(owed.name)),
        }
    }
    all
}

/// Puts what is going to be written on the list, before it is written.
fn claim(disk: &Disk, made: &[New], text: &mut String, manifest: &mut Manifest) -> Result<(), DiskError> {
    for New { owed, print, .. } in made.iter().filter(|new| new.owed.found.as_ref() != Some(&new.print)) {
        // What stands there is ours until it is replaced.
        match &owed.found {
            Some(found) if manifest.has(owed.name, found) => manifest.add(owed.name, found),
            _ => {}
        }
        manifest.add(owed.name, print);
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
