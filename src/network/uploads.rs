//! Images that were uploaded for a post that does not stand yet: a later try names them again instead of sending them once
//! more. In memory only: what is lost with the process is uploaded again, and nobody sees what no post names.

use crate::post::{Image, Post};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a network calls the images that it was given.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<BTreeMap<String, String>>);

impl Uploads {
    /// What the network calls an image.
    pub fn get(&self, image: &Image) -> Option<String> {
        self.lock().get(&name(image)).cloned()
    }

    /// The network has an image under this name.
    pub fn put(&self, image: &Image, id: &str) {
        self.lock().insert(name(image), id.to_owned());
    }

    /// The network does not know an image any more.
    pub fn drop(&self, image: &Image) {
        self.lock().remove(&name(image));
    }

    /// Nothing of what was uploaded is any good.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// A post has its images: they may not be good for another one.
    pub fn used(&self, post: &Post) {
        post.images.iter().for_each(|image| self.drop(image));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an image is, with what is said of it.
fn name(image: &Image) -> String {
    format!("{} {}", image.digest, image.alt)
}
