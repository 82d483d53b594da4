//! The texts of articles, read again when something needs them.

use super::files::{fault, guarded};
use crate::article::{self, Article, Depth, FileFacts, Lookup, Parsed, SiteSettings, SourceFile};
use crate::catalog::{Catalog, Stamp, Standing};
use crate::digest;
use crate::feed::{Asked, Unread};
use crate::problem::Problem;
use crate::source::directory::Directory;
use crate::source::facts;
use std::cell::RefCell;
use std::sync::{Arc, PoisonError, RwLock};
use url::Url;

/// Reads articles whole.
#[derive(Debug, Clone)]
pub struct Texts {
    directory: Directory,
    site: Arc<SiteSettings>,
    catalog: Arc<RwLock<Catalog>>,
}

impl Texts {
    /// Of a folder, by the site's settings, among the other articles.
    pub fn new(directory: Directory, site: Arc<SiteSettings>, catalog: Arc<RwLock<Catalog>>) -> Self {
        Self { directory, site, catalog }
    }

    /// An article as its file says, if the file is still the one that the catalog knows: what an editor is just writing
    /// is read by the next pass, with all that it means. Also the files that it names.
    pub fn read(&self, standing: &Standing) -> Result<(Article, Asked), Unread> {
        let path = &*standing.article.path;
        let bytes = self.bytes(standing).ok_or(Unread::Changing)?;
        let (parsed, asked) = self.parse(path, bytes, Depth::Full).ok_or(Unread::Broken)?;
        Ok((parsed.article.ok_or(Unread::Broken)?, asked))
    }

    /// The same without the facts of the files that it names.
    pub fn text(&self, standing: &Standing) -> Option<Article> {
        let bytes = self.bytes(standing)?;
        self.parse(&standing.article.path, bytes, Depth::Text)?.0.article
    }

    fn bytes(&self, standing: &Standing) -> Option<Vec<u8>> {
        let path = &*standing.article.path;
        let stamp = self.directory.stat(path)?.ok()?;
        let bytes = self.directory.read(path, &stamp)?.ok()?;
        (digest::number(&bytes) == standing.print).then_some(bytes)
    }

    /// Everything that a person should see of a file.
    pub fn inspect(&self, path: &str, stamp: &Stamp) -> Vec<Problem> {
        match self.directory.read(path, stamp) {
            Some(Ok(bytes)) => {
                self.parse(path, bytes, Depth::Full).map_or_else(|| vec![fault(path)], |(parsed, _)| parsed.problems)
            }
            Some(Err(problem)) => vec![problem],
            None => Vec::new(),
        }
    }

    /// None if the reader ended in the midst of its work.
    fn parse(&self, path: &str, bytes: Vec<u8>, depth: Depth) -> Option<(Parsed, Asked)> {
        let around = Around { texts: self, asked: RefCell::default() };
        let file = SourceFile { path: path.to_owned(), bytes };
        let parsed = guarded(|| article::parse(&file, &self.site, &around, depth))?;
        Some((parsed, around.asked.into_inner()))
    }

    /// The length of a file as it is now; None if it is not there.
    pub fn length(&self, path: &str) -> Option<u64> {
        self.directory.stat(path.trim_start_matches('/'))?.ok().map(|stamp| stamp.length)
    }
}

/// The site around an article that is read.
struct Around<'a> {
    texts: &'a Texts,
    asked: RefCell<Asked>,
}

impl Lookup for Around<'_> {
    fn facts(&self, path: &str) -> Option<FileFacts> {
        let facts = facts::facts(self.texts.directory.root(), path);
        self.asked.borrow_mut().push((path.to_owned(), facts.clone()));
        facts
    }

    fn address(&self, written: &str) -> Option<Url> {
        let catalog = self.texts.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let found = catalog.meant_by(written)?;
        Url::parse(&found.article.url).ok()
    }
}
