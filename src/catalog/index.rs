//! The index: the catalog as the store keeps it beside the ledger, so that a restart reads no article.
//!
//! Articles lie in pages by the hash of their path; a change of one article writes one page again. The index is worth
//! nothing of its own: where it does not fit the program or the site's settings, everything is read again.

use super::head::Plain;
use super::ledger::{Decided, Past, PastEvent};
use super::{Catalog, Names, StampHash, Standing};
use crate::article::ArticleId;
use crate::article::sketch::Gist;
use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

/// The form of the pages, and how articles are read: a change of either makes the index worthless.
const FORM: u32 = 4;
/// Pages of an index.
const PAGES: u64 = 4096;

/// What an index fits: the program's way to read, and the digest of the site's settings.
pub fn fits(settings: &str) -> String {
    format!("{FORM} {} {settings}", env!("CARGO_PKG_VERSION"))
}

/// What an index is said to fit whose pages were not written with the last changes of the ledger: it still tells of
/// every article that it has what its file said, which nothing else may.
pub fn behind() -> String {
    fits(BEHIND)
}

/// Whether an index is said to be behind the ledger.
pub fn is_behind(fits: &str) -> bool {
    fits.ends_with(BEHIND)
}

const BEHIND: &str = "behind";

/// Whether an index that fits this can be read by this program.
pub fn is_of_this_form(fits: &str) -> bool {
    fits.split(' ').next().and_then(|form| form.parse().ok()) == Some(FORM)
}

/// The page of a path (FNV-1a: the same on every machine).
pub fn page_of(path: &str) -> u16 {
    let hash = path
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u16::try_from((hash ^ (hash >> 32)) % PAGES).unwrap_or(0)
}

/// An article as a page keeps it; instants in microseconds.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: ArticleId,
    plain: Plain,
    former: Vec<String>,
    own_id: Option<String>,
    guid: Option<String>,
    gist: Gist,
    visible: u64,
    first_seen: i64,
    updated: i64,
    state: u64,
    state_since: i64,
    decided: Option<Decided>,
    copy_of: Option<(ArticleId, f64)>,
    withdrawn: Option<i64>,
    event: Option<Box<PastEvent>>,
    stamp: StampHash,
    print: u64,
}

impl Kept {
    fn of(standing: &Standing) -> Self {
        let past = &standing.past;
        Self {
            id: standing.id,
            plain: Plain::from_head(&standing.article),
            former: past.former.iter().map(|address| address.to_string()).collect(),
            own_id: past.own_id.as_deref().map(str::to_owned),
            guid: past.guid.as_deref().map(str::to_owned),
            gist: past.gist,
            visible: past.visible,
            first_seen: past.first_seen.as_microsecond(),
            updated: past.updated.as_microsecond(),
            state: past.state,
            state_since: past.state_since.as_microsecond(),
            decided: past.decided,
            copy_of: past.copy_of.as_deref().copied(),
            withdrawn: past.withdrawn.map(Timestamp::as_microsecond),
            event: past.event.clone(),
            stamp: standing.stamp,
            print: standing.print,
        }
    }

    /// Whether its instants are such.
    fn is_sound(&self) -> bool {
        let instants = [self.first_seen, self.updated, self.state_since];
        instants.into_iter().all(|micros| Timestamp::from_microsecond(micros).is_ok()) && self.gist.is_sound()
    }

    fn into_standing(self, names: &mut Names) -> Option<Standing> {
        let at = |micros: i64| Timestamp::from_microsecond(micros).ok();
        Some(Standing {
            id: self.id,
            past: Past {
                former: self.former.into_iter().map(Into::into).collect(),
                own_id: self.own_id.map(Into::into),
                guid: self.guid.map(Into::into),
                gist: self.gist,
                visible: self.visible,
                first_seen: at(self.first_seen)?,
                updated: at(self.updated)?,
                state: self.state,
                state_since: at(self.state_since)?,
                decided: self.decided,
                copy_of: self.copy_of.map(Box::new),
                withdrawn: self.withdrawn.and_then(at),
                event: self.event,
            },
            article: self.plain.into_head(names),
            stamp: self.stamp,
            print: self.print,
        })
    }
}

/// A page as it is to be written; an empty one is to be taken out.
pub fn page(catalog: &Catalog, page: u16) -> Vec<u8> {
    let mut kept: Vec<Kept> = catalog.in_page(page).map(|standing| Kept::of(standing)).collect();
    kept.sort_by_key(|kept| kept.id);
    if kept.is_empty() { Vec::new() } else { postcard::to_stdvec(&kept).unwrap_or_default() }
}

/// All pages.
pub fn all_pages(catalog: &Catalog) -> Vec<(u16, Vec<u8>)> {
    let pages: Vec<u16> = catalog.by_page.keys().copied().collect();
    pages.into_par_iter().map(|number| (number, page(catalog, number))).collect()
}

/// The articles of pages; None if one of them cannot be read: then an article would be missed.
pub fn read(pages: &[Vec<u8>]) -> Option<impl Iterator<Item = PageArticle>> {
    let page = |page: &Vec<u8>| -> Option<Vec<Kept>> {
        let (kept, rest): (Vec<Kept>, &[u8]) = postcard::take_from_bytes(page).ok()?;
        let is_whole = rest.is_empty() && !kept.is_empty();
        (is_whole && kept.iter().all(Kept::is_sound)).then_some(kept)
    };
    let read: Option<Vec<Vec<Kept>>> = pages.par_iter().map(page).collect();
    Some(read?.into_iter().flatten().map(PageArticle))
}

/// An article out of a page.
pub struct PageArticle(Kept);

impl PageArticle {
    /// As the catalog has it.
    pub fn into_standing(self, names: &mut Names) -> Option<Standing> {
        self.0.into_standing(names)
    }
}
