//! The objects under a prefix, by their names: one request each, and what went wrong told.

use super::manifest::{self, Manifest, Object};
use super::refusal::{Doing, refusal, told};
use super::{Known, Step};
use crate::config::S3;
use crate::digest;
use crate::export::report::Trouble;
use crate::export::wanted::{Item, Made};
use crate::feed::conditional::Coding;
use crate::feed::{CACHE_CONTROL, Document};
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    UpdateVersion,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most names under a prefix: more are not ours.
const LISTED_MAX: usize = 500_000;
/// What an object says of itself: `x-amz-meta-crieur`.
const OWN: &str = "crieur";

/// The objects under a prefix.
#[derive(Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The prefix as people know it: `s3://bucket/prefix`.
    place: Arc<str>,
    prefix: Arc<str>,
    s3: Option<Arc<S3>>,
    /// Whether the service knows conditions on writing; without them the last one who writes has it.
    knows_conditions: Arc<AtomicBool>,
}

/// Why an object could not be written.
pub(super) struct Unwritten {
    pub trouble: Trouble,
    /// Whether others can be gone on with.
    pub is_of_one: bool,
}

impl Objects {
    pub fn new(store: Arc<dyn ObjectStore>, place: &str, prefix: &str, s3: Option<&S3>) -> Self {
        Self {
            store,
            place: place.into(),
            prefix: prefix.into(),
            s3: s3.map(|s3| Arc::new(s3.clone())),
            knows_conditions: Arc::new(AtomicBool::new(true)),
        }
    }

    /// The prefix as people know it.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The list as it stands there. None if there is none; empty if it is damaged.
    pub async fn list(&self) -> Result<Option<Known>, Trouble> {
        let failed = |error: &Error| self.told(error, Doing::Read, manifest::NAME);
        let path = self.path(manifest::NAME).map_err(|error| failed(&error))?;
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        if found.meta.e_tag.is_none() {
            // Whoever answers so is no bucket: what it says must not be taken for a damaged list.
            let none = Error::Generic { store: "S3", source: "it names no version".into() };
            return Err(failed(&none));
        }
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(|error| failed(&error))?;
        let manifest = Manifest::parse(&bytes).unwrap_or_else(|| {
            tracing::warn!(
                "{}/{} cannot be read, so every object is compared; objects that were on it and are no longer wanted stay",
                self.place,
                manifest::NAME
            );
            Manifest::default()
        });
        Ok(Some(Known {
            written: manifest.objects.clone(),
            manifest,
            version: Some(version),
            foreign: BTreeSet::new(),
        }))
    }

    /// Length and version of every object under the prefix, by name.
    pub async fn there(&self) -> Result<BTreeMap<String, (u64, Option<String>)>, Trouble> {
        let failed = |error: &Error| told(error, Doing::List, &self.place, self.s3.as_deref());
        let prefix = Path::parse(&self.prefix).map_err(|error| failed(&error.into()))?;
        let mut there = BTreeMap::new();
        let mut listed = self.store.list((!self.prefix.is_empty()).then_some(&prefix));
        while let Some(object) = listed.next().await {
            let object = object.map_err(|error| failed(&error))?;
            let path = object.location.as_ref();
            let name = path.strip_prefix(&*self.prefix).unwrap_or(path).trim_start_matches('/');
            there.insert(name.to_owned(), (object.size, object.e_tag));
            if there.len() > LISTED_MAX {
                return Err(Trouble::lasting(
                    format!("{} holds more than {LISTED_MAX} objects", self.place),
                    "export under a prefix of its own",
                ));
            }
        }
        Ok(there)
    }

    /// What an object says of itself; without a print if it is not ours. None if it is not there.
    pub async fn head(&self, name: &str) -> Result<Option<Object>, Trouble> {
        let failed = |error: &Error| self.told(error, Doing::Read, name);
        let path = self.path(name).map_err(|error| failed(&error))?;
        match self.store.get_opts(&path, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(found) => {
                let print = found.attributes.get(&Attribute::Metadata(OWN.into()));
                let print = print.map(|value| value.as_ref().to_owned());
                Ok(Some(Object { print, made_of: None, size: found.meta.size, tag: found.meta.e_tag }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Writes an item, unless its object has this content already. What is known of the object then, and whether it was
    /// written.
    pub async fn put(&self, name: &str, item: &Item, known: Option<&Object>) -> Result<(Object, bool), Unwritten> {
        let made = if item.ready().is_some() && item.coding == Coding::Identity {
            item.make()
        } else {
            let item = item.clone();
            tokio::task::spawn_blocking(move || item.make()).await.unwrap_or_default()
        };
        let Some(made) = made else {
            return Err(Unwritten { trouble: Trouble::cannot_be_made(name), is_of_one: true });
        };
        let print = print(&made.document, item.coding);
        if let Some(known) = known.filter(|known| known.print.as_ref() == Some(&print)) {
            return Ok((Object { made_of: made_of(item), ..known.clone() }, false));
        }
        let object = Object { print: Some(print), made_of: made_of(item), size: made.bytes.len() as u64, tag: None };
        match self.try_put(name, item.coding, made, &object).await {
            Ok(tag) => Ok((Object { tag, ..object }, true)),
            Err(error) => Err(Unwritten {
                trouble: self.told(&error, Doing::Write, name),
                is_of_one: matches!(error, Error::InvalidPath { .. })
                    || refusal(&error).is_some_and(|refusal| refusal.is_of_one()),
            }),
        }
    }

    async fn try_put(&self, name: &str, coding: Coding, made: Made, object: &Object) -> Result<Option<String>, Error> {
        let path = self.path(name)?;
        let mut attributes = Attributes::from_iter([
            (Attribute::ContentType, made.document.media_type.to_owned()),
            (Attribute::CacheControl, CACHE_CONTROL.to_owned()),
            (Attribute::Metadata(OWN.into()), object.print.clone().unwrap_or_default()),
        ]);
        if let Some(word) = coding.word() {
            attributes.insert(Attribute::ContentEncoding, word.into());
        }
        let payload = PutPayload::from(Bytes::from_owner(made.bytes));
        let options = PutOptions { attributes, ..PutOptions::default() };
        Ok(self.store.put_opts(&path, payload, options).await?.e_tag)
    }

    /// Removes an object; one that is not there is removed already.
    pub async fn remove(&self, name: &str) -> Result<(), Trouble> {
        let failed = |error: &Error| self.told(error, Doing::Remove, name);
        let path = self.path(name).map_err(|error| failed(&error))?;
        match self.store.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Writes the list, if it is other than what stands there, and only over that.
    pub async fn save(&self, known: &mut Known) -> Result<Step, Trouble> {
        if known.manifest.objects == known.written {
            return Ok(Step::Done);
        }
        self.write_list(known).await
    }

    /// Writes the list, only over the version that was read.
    pub async fn write_list(&self, known: &mut Known) -> Result<Step, Trouble> {
        let bytes = known.manifest.next();
        let failed = |error: &Error| self.told(error, Doing::Write, manifest::NAME);
        let path = self.path(manifest::NAME).map_err(|error| failed(&error))?;
        loop {
            let knows_conditions = self.knows_conditions.load(Ordering::Relaxed);
            let mode = match &known.version {
                _ if !knows_conditions => PutMode::Overwrite,
                None => PutMode::Create,
                Some(version) if version.e_tag.is_some() => PutMode::Update(version.clone()),
                Some(_) => PutMode::Overwrite,
            };
            let attributes = Attributes::from_iter([
                (Attribute::ContentType, "application/json"),
                (Attribute::CacheControl, "no-store"),
            ]);
            let options = PutOptions { mode, attributes, ..PutOptions::default() };
            match self.store.put_opts(&path, bytes.clone().into(), options).await {
                Ok(result) => {
                    known.version = Some(UpdateVersion { e_tag: result.e_tag, version: result.version });
                    known.written = known.manifest.objects.clone();
                    return Ok(Step::Done);
                }
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(Step::Overtaken),
                Err(error) if knows_conditions && knows_no_conditions(&error) => {
                    self.knows_conditions.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    fn path(&self, name: &str) -> Result<Path, Error> {
        let whole = if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Path::parse(whole).map_err(Error::from)
    }

    fn told(&self, error: &Error, doing: Doing, name: &str) -> Trouble {
        told(error, doing, &format!("{}/{name}", self.place), self.s3.as_deref())
    }
}

fn knows_no_conditions(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. }) || refusal(error).is_some_and(|refusal| refusal.knows_no_conditions())
}

/// What identifies what is written to an object: its bytes and what is said of them.
pub(super) fn print(document: &Document, coding: Coding) -> String {
    digest::hex(format!("{coding:?} {} {CACHE_CONTROL} {}", document.media_type, document.etag), 16)
}

/// What an item is made of that is not made ahead, with what is said of its object.
pub(super) fn made_of(item: &Item) -> Option<String> {
    item.made_of().map(|made_of| format!("{made_of} {:?} {CACHE_CONTROL}", item.coding))
}
