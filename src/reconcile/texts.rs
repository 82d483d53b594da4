//! The texts of articles, read again when something needs them.

use crate::article::{self, Article, Depth, FileFacts, Lookup, Parsed, SiteSettings, SourceFile};
use crate::catalog::read::{fault, guarded};
use crate::catalog::{Catalog, Stamp, Standing};
use crate::config::Content;
use crate::digest;
use crate::feed::entry::entry;
use crate::feed::{Asked, Slugs, Unread, doctor};
use crate::problem::Problem;
use crate::source::directory::Directory;
use crate::source::facts;
use jiff::Timestamp;
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
            Some(Ok(bytes)) => match self.parse(path, bytes, Depth::Full) {
                Some((parsed, _)) => {
                    let of_feeds = parsed.article.as_ref().map(|article| self.of_feeds(path, article));
                    parsed.problems.into_iter().chain(of_feeds.into_iter().flatten()).collect()
                }
                None => vec![fault(path)],
            },
            Some(Err(problem)) => vec![problem],
            None => Vec::new(),
        }
    }

    /// What the feed doctor says of an article, once it is published: nothing that the reader of articles said already.
    fn of_feeds(&self, path: &str, article: &Article) -> Vec<Problem> {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let standing = catalog.at_path(path).filter(|_| article.published).map(Arc::clone);
        drop(catalog);
        let Some(standing) = standing else { return Vec::new() };
        let entry = entry(&standing, article, &self.site, Content::Full, &Slugs::new());
        let (_, faults) = doctor::treat(entry, Timestamp::MAX);
        // A date to come, or from long ago, is told of by the reader of articles.
        faults.iter().filter(|fault| fault.class != "ImplausibleDate").map(|fault| fault.problem(path)).collect()
    }

    /// None if the reader ended in the midst of its work.
    fn parse(&self, path: &str, bytes: Vec<u8>, depth: Depth) -> Option<(Parsed, Asked)> {
        let around = Around { texts: self, asked: RefCell::default() };
        let file = SourceFile { path: path.to_owned(), bytes };
        let parsed = guarded(|| article::parse(&file, &self.site, &around, depth))?;
        Some((parsed, around.asked.into_inner()))
    }

    /// The bytes of a file of the site by its address, at most so many; None if the site's folder has none there.
    pub fn file(&self, url: &Url, most: u64) -> Option<Vec<u8>> {
        self.directory.file(&self.site.file_of(url)?, most)
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
