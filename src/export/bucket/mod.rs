//! Feeds as objects of a bucket (S3, or a service that speaks as it does).
//!
//! Each object says of itself what was written to it, and a list under the prefix says which objects are Crieur's. The
//! list names an object before it is written, and until it is gone, and it is only replaced as it was read: of two
//! processes that write at once one is overtaken, and looks again.

mod client;
mod manifest;
mod objects;
mod refusal;

pub use client::Patience;

use super::MADE_AT_ONCE;
use super::report::{Report, Trouble};
use super::view::View;
use super::wanted::{Item, Wanted};
use crate::config::{Export, S3};
use crate::feed::conditional::Coding;
use futures_util::{StreamExt, stream};
use manifest::{Manifest, Object};
use object_store::{ObjectStore, UpdateVersion};
use objects::{Objects, made_of, print};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Requests at one time: enough that a first export of thousands is soon done, too few to be a burden.
const AT_ONCE: usize = 8;
/// How often a pass is begun again because another process wrote meanwhile.
const TRIES: usize = 6;

/// A bucket in which the feeds are kept.
pub struct Bucket {
    objects: Objects,
    coding: Coding,
    view: View,
    known: Option<Known>,
}

/// The list as it was last read or written, with what was learned since.
#[derive(Default)]
struct Known {
    manifest: Manifest,
    /// What stands on the list there.
    written: BTreeMap<String, Object>,
    /// Its version; None if there is none.
    version: Option<UpdateVersion>,
    /// Objects under wanted names that were not ours.
    foreign: BTreeSet<String>,
}

/// What a pass did to objects, by name; None: removed.
type Changes = BTreeMap<String, Option<Object>>;

/// How a step of a pass ended.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    /// Another process wrote the list meanwhile.
    Overtaken,
}

impl Bucket {
    /// A bucket of the configuration, not yet spoken to.
    ///
    /// Errors: the client cannot be set up.
    pub fn connect(bucket: &str, prefix: &str, s3: &S3, patience: Patience) -> Result<Self, String> {
        let store = client::connect(bucket, s3, patience)?;
        let export = Export::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        Ok(Self::new(Objects::new(store, &export.to_string(), prefix, Some(s3)), s3.gzip))
    }

    /// Any object store, under a prefix, with the name that people know it by.
    pub fn over(store: Arc<dyn ObjectStore>, place: &str, prefix: &str, gzip: bool) -> Self {
        Self::new(Objects::new(store, place, prefix, None), gzip)
    }

    fn new(objects: Objects, gzip: bool) -> Self {
        let coding = if gzip { Coding::Gzip } else { Coding::Identity };
        Self { objects, coding, view: View::default(), known: None }
    }

    /// Lets the next export look at every object.
    pub fn forget(&mut self) {
        self.view.forget();
        self.known = None;
    }

    /// Brings the bucket to what is wanted. What cannot be done is told, and done by a later export.
    pub async fn export(&mut self, wanted: &Wanted) -> Report {
        let mut report = Report { troubles: wanted.troubles.clone(), ..Report::default() };
        let mut items = wanted.items(false);
        items.values_mut().for_each(|item| item.coding = self.coding);
        // Taken while the pass lasts: one that is dropped on its way leaves nothing that could be wrong.
        let mut known = self.known.take();
        let done = self.pass(&items, wanted.is_partial, &mut known, &mut report).await;
        self.known = known;
        if let Err(trouble) = done {
            report.trouble(trouble);
        }
        report
    }

    async fn pass(
        &mut self,
        items: &BTreeMap<String, Item>,
        is_partial: bool,
        known: &mut Option<Known>,
        report: &mut Report,
    ) -> Result<(), Trouble> {
        if known.is_none() {
            self.view.forget();
        }
        report.kept = items.len() - self.view.owed(items).len();
        for _ in 0..TRIES {
            let now = match known {
                Some(known) => known,
                None => known.insert(self.look(items).await?),
            };
            if self.bring(items, is_partial, now, report).await? == Step::Done {
                return Ok(());
            }
            // None if there is none any more: then all is looked at.
            let foreign = std::mem::take(&mut now.foreign);
            *known = self.objects.list().await?.map(|theirs| Known { foreign, ..theirs });
            if known.is_none() {
                self.view.forget();
                report.kept = 0;
            }
        }
        Err(Trouble::passing(
            format!("{} is being written by another process all the time", self.objects.place()),
            "it is tried again; if it stays so, let one of the two export elsewhere",
        ))
    }

    /// Does what is left to do, if nobody else writes meanwhile.
    async fn bring(
        &mut self,
        items: &BTreeMap<String, Item>,
        is_partial: bool,
        known: &mut Known,
        report: &mut Report,
    ) -> Result<Step, Trouble> {
        let mut to_write = Vec::new();
        for (name, item) in self.view.owed(items) {
            let object = known.manifest.objects.get(name).filter(|object| object.print.is_some());
            let is_done = object.is_some_and(|object| match item.ready() {
                Some(document) => object.print == Some(print(document, item.coding)),
                None => object.made_of == made_of(item),
            });
            if is_done {
                self.view.done(name, item);
                report.kept += 1;
            } else {
                to_write.push((name.to_owned(), item.clone(), object.cloned()));
            }
        }
        // What is ready goes first, and of the rest not too much at once.
        to_write.sort_by_key(|(_, item, _)| item.ready().is_none());
        let to_make = to_write.iter().filter(|(_, item, _)| item.ready().is_none()).count();
        report.left = to_make.saturating_sub(MADE_AT_ONCE);
        to_write.truncate(to_write.len() - report.left);
        let is_stale = |name: &&String| !is_partial && !items.contains_key(*name) && self.view.removes(name);
        let stale: Vec<String> = known.manifest.objects.keys().filter(is_stale).cloned().collect();
        for (name, ..) in &to_write {
            known.manifest.objects.insert(name.clone(), Object::default());
        }
        // What is claimed is claimed anew, even if the list says it already: so who comes between is overtaken.
        let claimed =
            if to_write.is_empty() { self.objects.save(known).await? } else { self.objects.write_list(known).await? };
        if claimed == Step::Overtaken {
            return Ok(Step::Overtaken);
        }
        let mut changes = Changes::new();
        let mut done = self.write(to_write, known, report, &mut changes).await;
        if done.is_ok() {
            done = self.remove(stale, known, report, &mut changes).await;
        }
        for (name, object) in &changes {
            apply(&mut known.manifest, name, object.as_ref());
        }
        done?;
        if !is_partial {
            self.view.whole();
        }
        for _ in 0..TRIES {
            if self.objects.save(known).await? == Step::Done {
                return Ok(Step::Done);
            }
            match self.objects.list().await? {
                Some(theirs) => *known = theirs,
                // What is known is all that is left of it.
                None => (known.version, known.written) = (None, BTreeMap::new()),
            }
            self.merge(&mut known.manifest, &changes).await?;
        }
        // All is written; only the list does not say so yet.
        Ok(Step::Overtaken)
    }

    /// Writes objects, some at a time. Stops at what concerns them all.
    async fn write(
        &mut self,
        to_write: Vec<(String, Item, Option<Object>)>,
        known: &mut Known,
        report: &mut Report,
        changes: &mut Changes,
    ) -> Result<(), Trouble> {
        let put = |(name, item, before): (String, Item, Option<Object>)| {
            let objects = self.objects.clone();
            async move {
                let done = objects.put(&name, &item, before.as_ref()).await;
                (name, item, done)
            }
        };
        let mut requests = stream::iter(to_write.into_iter().map(put).collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        while let Some((name, item, done)) = requests.next().await {
            match done {
                Ok((object, is_written)) => {
                    report.replaced += usize::from(known.foreign.remove(&name));
                    report.changed += usize::from(is_written);
                    report.kept += usize::from(!is_written);
                    self.view.done(&name, &item);
                    changes.insert(name, Some(object));
                }
                Err(error) if error.is_of_one => report.trouble(error.trouble),
                Err(error) => return Err(error.trouble),
            }
        }
        Ok(())
    }

    /// Removes objects that are still ours. What somebody else put in their place stays.
    async fn remove(
        &mut self,
        stale: Vec<String>,
        known: &Known,
        report: &mut Report,
        changes: &mut Changes,
    ) -> Result<(), Trouble> {
        for name in stale {
            if self.objects.head(&name).await?.is_some_and(|object| object.print.is_some()) {
                self.objects.remove(&name).await?;
                report.removed += 1;
            }
            self.view.gone(&name);
            if known.manifest.objects.get(&name).is_some_and(|object| object.print.is_some()) {
                changes.insert(name, None);
            }
        }
        Ok(())
    }

    /// Looks at the list and at what is there.
    async fn look(&self, items: &BTreeMap<String, Item>) -> Result<Known, Trouble> {
        let mut known = self.objects.list().await?.unwrap_or_default();
        let there = self.objects.there().await?;
        known.manifest.objects.retain(|name, object| object.print.is_none() || there.contains_key(name));
        for (name, object) in &mut known.manifest.objects {
            let Some((size, tag)) = there.get(name) else { continue };
            if object.size != *size || object.tag.is_some() && tag.is_some() && object.tag != *tag {
                object.print = None;
            }
        }
        let is_known = |name: &str| known.manifest.objects.get(name).is_some_and(|object| object.print.is_some());
        let unknown = items.keys().filter(|name| there.contains_key(*name) && !is_known(name)).cloned();
        let head = |name: String| {
            let objects = self.objects.clone();
            async move { (objects.head(&name).await, name) }
        };
        let mut heads = stream::iter(unknown.map(head).collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        while let Some((head, name)) = heads.next().await {
            match head? {
                Some(object) if object.print.is_some() => {
                    known.manifest.objects.insert(name, object);
                }
                Some(_) => {
                    known.foreign.insert(name);
                }
                None => {}
            }
        }
        Ok(known)
    }

    /// Brings what this process did into a list that another one wrote meanwhile.
    async fn merge(&self, theirs: &mut Manifest, changes: &Changes) -> Result<(), Trouble> {
        for (name, object) in changes {
            match theirs.objects.get(name) {
                // It may be being written by the other one right now: what it holds is asked at the next look.
                Some(known) if known.print.is_none() => {}
                Some(known) if object.as_ref().is_some_and(|object| object.print == known.print) => {}
                None if object.is_none() => {}
                None => apply(theirs, name, object.as_ref()),
                // Who was last? The object says it.
                Some(_) => apply(theirs, name, self.objects.head(name).await?.as_ref()),
            }
        }
        Ok(())
    }
}

fn apply(manifest: &mut Manifest, name: &str, object: Option<&Object>) {
    match object {
        Some(object) => manifest.objects.insert(name.to_owned(), object.clone()),
        None => manifest.objects.remove(name),
    };
}

#[cfg(test)]
mod tests;
