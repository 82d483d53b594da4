//! Images that were uploaded for a post that does not stand yet: a later try names them again instead of sending them once
//! more. In memory only: what is lost with the process is uploaded again, and nobody sees what no post names.

use crate::post::{Image, Post};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How long an upload is good for: networks forget what no post names after about a day.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(12);

/// What a network calls the images that it was given.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<BTreeMap<(String, String), Upload>>);

#[derive(Debug)]
struct Upload {
    id: String,
    at: Timestamp,
}

impl Uploads {
    /// What the network calls an image that it was given for this use: where an upload holds more than the image, that is
    /// part of the use.
    pub fn get(&self, image: &Image, used_for: &str, now: Timestamp) -> Option<String> {
        let mut all = self.lock();
        all.retain(|_, upload| now.duration_since(upload.at).abs() < GOOD_FOR);
        all.get(&(name(image), used_for.to_owned())).map(|upload| upload.id.clone())
    }

    /// The network has an image under this name.
    pub fn put(&self, image: &Image, used_for: &str, id: &str, now: Timestamp) {
        self.lock().insert((name(image), used_for.to_owned()), Upload { id: id.to_owned(), at: now });
    }

    /// Nothing of what was uploaded is any good.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// A post has its images, or was refused with them: they may not be good for another one.
    pub fn used(&self, post: &Post) {
        let names: Vec<String> = post.images.iter().map(name).collect();
        self.lock().retain(|(name, _), _| !names.contains(name));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an image is, with what is said of it.
fn name(image: &Image) -> String {
    format!("{} {}", image.digest, image.alt)
}
