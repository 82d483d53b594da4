//! How a look at the site changes what is known of it.
//!
//! A look has two steps, since some texts must be fetched from the store between them: [`sort`] tells which articles
//! are plainly what they were and whose texts are needed to tell the others; [`look`] gives every article its identity
//! and writes down what changed. Both are pure but for the catalog that [`look`] changes.

use super::index::page_of;
use super::ledger::{Gone, Past, without_scheme};
use super::read::{Changes, Read};
use super::renew::{Dates, new_past, renew};
use super::{Catalog, Decided, GroupKey, Names, Standing};
use crate::article::identity::{self, Known, Seen, Situation, Told};
use crate::article::sketch::{self, Gist, Sketch};
use crate::article::{ArticleId, SiteSettings};
use crate::config::Baseline;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The site as a look finds it.
pub struct Site<'a> {
    /// Its settings.
    pub settings: &'a SiteSettings,
    /// Which articles count as announced when their collection is first looked at.
    pub baseline: Baseline,
    /// Collections that were never looked at before.
    pub new: &'a BTreeSet<String>,
    /// Whether their articles are known by their addresses.
    pub adopts_addresses: bool,
}

/// The articles of a look, as far as they can be told without texts from the store.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Articles that are plainly what stood at their path.
    at_home: Vec<(Box<Read>, ArticleId)>,
    /// All others: new, renamed, rewritten.
    #[expect(clippy::vec_box, reason = "they are large, and go from list to list")]
    others: Vec<Box<Read>>,
    /// Standing articles that those may be, or may be copies of.
    candidates: BTreeSet<ArticleId>,
    /// Articles whose files are gone.
    vanishing: BTreeSet<ArticleId>,
    unreadable: BTreeSet<String>,
    renames: Vec<(String, String)>,
    first: bool,
    /// Identities whose texts are needed to go on.
    pub needed: BTreeSet<ArticleId>,
}

impl Sorted {
    /// Whether nothing was known before.
    pub fn is_of_blank(&self) -> bool {
        self.first
    }
}

/// Tells which articles are plainly what they were, and whose texts are needed for the others.
pub fn sort(catalog: &Catalog, mut changes: Changes, now: Timestamp) -> Sorted {
    // A definite order, whatever the order of files on the disk: identities and dates depend on it.
    changes.read.sort_by(|a, b| a.seen.path.cmp(&b.seen.path));
    let Changes { read, removed, unreadable, renames, first } = changes;
    let mut sorted = Sorted { unreadable, renames, first, ..Sorted::default() };
    if first {
        sorted.others = read;
        return sorted;
    }
    let vanishing = removed.iter().filter_map(|path| catalog.at_path(path));
    sorted.vanishing = vanishing.map(|standing| standing.id).collect();
    let moved = moved_unchanged(catalog, &sorted, &read);
    sorted.renames.extend(moved);
    let left: BTreeSet<String> = sorted.renames.iter().map(|(old, _)| old.clone()).collect();
    for read in read {
        let stood = catalog.at_path(&read.seen.path).filter(|_| !left.contains(&read.seen.path));
        match stood.filter(|standing| is_plainly(standing, &read)) {
            Some(standing) => sorted.at_home.push((read, standing.id)),
            None => sorted.others.push(read),
        }
    }
    let rewritten = sorted.others.iter().filter_map(|read| catalog.at_path(&read.seen.path)).map(|s| s.id);
    sorted.candidates = rewritten.collect();
    if !sorted.others.is_empty() {
        sorted.candidates.extend(like_enough(catalog, &sorted.others));
        sorted.candidates.extend(same_own_id(catalog, &sorted.others));
        let renamed = sorted.renames.iter().filter_map(|(old, _)| catalog.at_path(old));
        sorted.candidates.extend(renamed.map(|standing| standing.id));
        let lately = |gone: &&super::Gone| now.duration_since(gone.since) <= identity::REMEMBERED;
        sorted.needed.extend(sorted.candidates.iter().chain(&sorted.vanishing));
        for gone in catalog.all_gone().filter(lately) {
            // It may come back; of a copy, its model tells what it is then.
            sorted.needed.extend(gone.past.copy_of.as_deref().map(|(model, _)| *model));
            sorted.needed.insert(gone.id);
        }
    }
    sorted.needed.extend(copies_to_judge(catalog, &sorted).into_iter().flatten());
    sorted
}

/// Files that are gone and stand elsewhere byte for byte: renames, whoever made them. The texts of articles of a first
/// start are worked out only after its feeds are ready, so until then nothing else would tell.
fn moved_unchanged(catalog: &Catalog, sorted: &Sorted, read: &[Box<Read>]) -> Vec<(String, String)> {
    if sorted.vanishing.is_empty() {
        return Vec::new();
    }
    let told: HashSet<&str> = sorted.renames.iter().flat_map(|(old, new)| [old.as_str(), new.as_str()]).collect();
    let mut left: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for standing in sorted.vanishing.iter().rev().filter_map(|id| catalog.get(id)) {
        if !told.contains(&*standing.article.path) {
            left.entry(standing.print).or_default().push(&standing.article.path);
        }
    }
    let new = read.iter().filter(|read| catalog.at_path(&read.seen.path).is_none());
    let new = new.filter(|read| !told.contains(read.seen.path.as_str()));
    new.filter_map(|read| Some((left.get_mut(&read.print)?.pop()?.to_owned(), read.seen.path.clone()))).collect()
}

/// Whether the article at a path is what stood there: the same word of its author, and not a wholly other text.
fn is_plainly(standing: &Standing, read: &Read) -> bool {
    standing.past.own_id.as_deref() == read.seen.own_id.as_deref()
        && standing.past.gist.is_near(&read.seen.sketch.gist())
}

/// Most standing articles that one new text is compared with.
const CANDIDATES_MAX: usize = 20;

/// The standing articles whose texts may be like one of the others, by their gists.
fn like_enough(catalog: &Catalog, others: &[Box<Read>]) -> BTreeSet<ArticleId> {
    let mut by_hash: HashMap<u32, Vec<u32>> = HashMap::new();
    let gists: Vec<Gist> = others.iter().map(|read| read.seen.sketch.gist()).collect();
    for (at, gist) in gists.iter().enumerate() {
        for hash in gist.hashes() {
            by_hash.entry(*hash).or_default().push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }
    let mut found: Vec<Vec<(usize, ArticleId)>> = vec![Vec::new(); others.len()];
    let mut shared: HashMap<u32, usize> = HashMap::new();
    for standing in catalog.all() {
        shared.clear();
        for at in standing.past.gist.hashes().iter().filter_map(|hash| by_hash.get(hash)).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        for (at, count) in &shared {
            let place = *at as usize;
            if *count >= gists[place].least_shared() {
                found[place].push((*count, standing.id));
            }
        }
    }
    let likest = found.into_iter().flat_map(|mut candidates| {
        candidates.sort_by(|a, b| b.cmp(a));
        candidates.truncate(CANDIDATES_MAX);
        candidates
    });
    likest.map(|(_, id)| id).collect()
}

/// The standing articles that bear an identity of their author's that one of the others bears too.
fn same_own_id(catalog: &Catalog, others: &[Box<Read>]) -> BTreeSet<ArticleId> {
    let wanted: HashSet<&str> = others.iter().filter_map(|read| read.seen.own_id.as_deref()).collect();
    if wanted.is_empty() {
        return BTreeSet::new();
    }
    let bears = |own: &Option<Box<str>>| own.as_deref().is_some_and(|own| wanted.contains(own));
    catalog.all().filter(|standing| bears(&standing.past.own_id)).map(|standing| standing.id).collect()
}

/// Copies that changed, or whose model did, with their models: a copy that was rewritten is suspected no longer. To
/// duplicate an article and write another one over it is how many editors work.
fn copies_to_judge(catalog: &Catalog, sorted: &Sorted) -> Vec<[ArticleId; 2]> {
    let changed: BTreeSet<ArticleId> = sorted
        .at_home
        .iter()
        .map(|(_, id)| *id)
        .chain(sorted.candidates.iter().copied())
        .chain(sorted.vanishing.iter().copied())
        .collect();
    let copies = catalog.copies().iter().filter_map(|id| {
        let (model, _) = **catalog.get(id)?.past.copy_of.as_ref()?;
        Some([*id, model])
    });
    copies.filter(|pair| pair.iter().any(|id| changed.contains(id))).collect()
}

/// What a look changed.
#[derive(Debug, Default)]
pub struct Looked {
    /// Articles that stand and are new or changed, and the texts of those whose files were read.
    pub changed: BTreeMap<ArticleId, Option<Sketch>>,
    /// Articles whose files are gone.
    pub gone: BTreeSet<ArticleId>,
    /// The groups of all of them, before and after.
    pub affected: BTreeSet<GroupKey>,
    /// The pages of the index in which something changed.
    pub pages: BTreeSet<u16>,
    /// How many count as announced since they were there when their collection was first looked at.
    pub baseline: usize,
    /// How many stay no news although their date was set anew, since so many were at once.
    pub redated: usize,
}

/// Most articles whose date can be corrected at once, so that they are judged again, before it looks like work on the
/// site as a whole.
const REDATED_MAX: usize = 10;
/// A date so far back makes no news, so that it does not matter how many are given it.
const NEWS_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);

impl Looked {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }
}

/// Gives every article of a look its identity, and writes down what changed. `texts` are those that [`sort`] needs.
pub fn look(
    catalog: &mut Catalog,
    names: &mut Names,
    sorted: Sorted,
    texts: &HashMap<ArticleId, Sketch>,
    site: &Site,
    now: Timestamp,
) -> Looked {
    let told = tell(catalog, &sorted, texts, site, now);
    let mut judged = copies_to_judge(catalog, &sorted);
    let mut looked = Looked::default();
    // Two articles at one address: readers know one of them by it.
    let mut adopted = std::mem::take(&mut catalog.adopted);
    if site.adopts_addresses && !site.new.is_empty() && !sorted.first {
        // A collection that comes later: whoever is known by an address keeps it, wherever it is by now.
        let standing = catalog.all().filter_map(|standing| standing.past.guid.clone());
        adopted.extend(standing.chain(catalog.all_gone().filter_map(|gone| gone.past.guid.clone())));
    }
    let mut dates = Dates { catalog, given: HashSet::new() };
    let mut renewed: Vec<(ArticleId, Standing, Sketch)> = Vec::new();
    let mut redated: HashSet<ArticleId> = HashSet::new();
    let known = sorted.at_home.into_iter().map(|(read, id)| (read, (id, Told::Path)));
    for (read, (id, how)) in known.chain(sorted.others.into_iter().zip(told)) {
        let before = dates.catalog.get(&id).map(|standing| &standing.past);
        let came_back = dates.catalog.gone(&id).map(|gone| (&gone.past, gone.address.as_str()));
        let past = match (before, came_back) {
            (Some(past), _) => {
                let standing = dates.catalog.get(&id);
                let address = standing.map(|standing| without_scheme(&standing.article.url).to_owned());
                let print = standing.map_or(0, |standing| standing.print);
                let past = standing.map_or_else(|| past.clone(), |standing| standing.past_by(now));
                renew(past, address.as_deref(), print, &read, now, &mut dates)
            }
            (None, Some((past, address))) => {
                judged.extend(past.copy_of.as_deref().map(|(model, _)| [id, *model]));
                renew(past.clone(), Some(address), 0, &read, now, &mut dates)
            }
            (None, None) => {
                let first =
                    site.new.contains(read.plain.collection()).then_some((site.baseline, &site.settings.timezone));
                let is_known = first.is_some() && site.adopts_addresses && read.life.holds(now);
                let is_known = is_known && is_identity(read.plain.url()) && adopted.insert(read.plain.url().into());
                let guid = is_known.then(|| read.plain.url().into());
                Past { guid, ..new_past(&read, how, first, now, &mut dates) }
            }
        };
        looked.baseline +=
            usize::from(before.is_none() && came_back.is_none() && past.decided == Some(Decided::Baseline));
        if let Some(old) = before.or(came_back.map(|(past, _)| past))
            && old.decided == Some(Decided::Stale)
            && past.decided.is_none()
            && read.date.is_some_and(|date| now.duration_since(date) < NEWS_MAX)
        {
            redated.insert(id);
        }
        let Read { plain, seen, stamp, print, .. } = *read;
        renewed.push((id, Standing { id, article: plain.into_head(names), past, stamp, print }, seen.sketch));
    }
    catalog.adopted = adopted;
    if redated.len() > REDATED_MAX {
        looked.redated = redated.len();
        for (_, standing, _) in renewed.iter_mut().filter(|(id, ..)| redated.contains(id)) {
            standing.past.decided = Some(Decided::Redated);
        }
    }
    // What stood at a path at which another article stands now, and is nowhere else, is gone.
    let given: HashSet<ArticleId> = renewed.iter().map(|(id, ..)| *id).collect();
    let there = renewed.iter().filter_map(|(_, new, _)| catalog.at_path(&new.article.path).map(|standing| standing.id));
    let replaced: Vec<ArticleId> = there.filter(|id| !given.contains(id)).collect();
    let many = sorted.first || renewed.len() > 1_000;
    let mut standing = Vec::with_capacity(if many { renewed.len() } else { 0 });
    for (id, new, sketch) in renewed {
        if let Some(before) = catalog.get(&id) {
            if !many {
                looked.affected.extend(GroupKey::of(&before.article));
            }
            looked.pages.insert(page_of(&before.article.path));
        }
        looked.pages.insert(page_of(&new.article.path));
        looked.changed.insert(id, Some(sketch));
        if many {
            standing.push(new);
        } else {
            looked.affected.extend(GroupKey::of(&new.article));
            catalog.put(new);
        }
    }
    if sorted.first {
        // The last part of them settles all.
        catalog.put_unsettled(standing);
    } else if many {
        catalog.put_all(standing);
        // So many that every feed is looked at.
        looked.affected.extend(catalog.groups().map(|(key, _)| key.clone()));
    }
    for id in sorted.vanishing.iter().chain(&replaced).filter(|id| !looked.changed.contains_key(id)) {
        let Some(before) = catalog.get(id).cloned() else { continue };
        looked.affected.extend(GroupKey::of(&before.article));
        looked.gone.insert(*id);
        looked.pages.insert(page_of(&before.article.path));
        catalog.let_go(Gone {
            id: *id,
            path: before.article.path.to_string(),
            title: before.article.title.to_string(),
            address: without_scheme(&before.article.url).to_owned(),
            // What comes back after it was gone must settle again.
            past: Past { state: 0, ..before.past_by(now) },
            since: now,
        });
    }
    judge(catalog, &judged, texts, &mut looked);
    looked
}

/// Whether an address can be an identity in every format: nothing in it must be encoded (RFC 2396, section 2).
fn is_identity(address: &str) -> bool {
    address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b";/?:@&=+$.-_!~*'()%,#".contains(&byte))
}

/// Takes back, or confirms, the suspicion against copies. A model whose file is gone is compared by its last text: what was
/// said of it was said, and the plan decides what that means for the copy.
fn judge(catalog: &mut Catalog, copies: &[[ArticleId; 2]], texts: &HashMap<ArticleId, Sketch>, looked: &mut Looked) {
    for [copy, model] in copies {
        let Some(standing) = catalog.get(copy) else { continue };
        let Some(before) = standing.past.copy_of.clone() else { continue };
        let text = |id: &ArticleId| match looked.changed.get(id) {
            Some(Some(sketch)) => Some(sketch),
            _ => texts.get(id),
        };
        let (Some(own), Some(models)) = (text(copy), text(model)) else { continue };
        let likeness = own.likeness(models);
        let is_alike = |own: &Sketch, other: &Sketch| own.likeness(other) >= sketch::LIKENESS;
        // Where it is the model that was rewritten, the copy is what it was: a copy of what was said before.
        let is_as_it_was = |was: &Sketch| !is_alike(was, models) && is_alike(own, was);
        let judged = if likeness < sketch::LIKENESS && texts.get(copy).is_some_and(is_as_it_was) {
            Some(before.clone())
        } else {
            // Nothing was said of it yet: half rewritten, it can be set back to what it was copied from.
            let counts = likeness >= sketch::LIKENESS || standing.past.decided.is_none();
            counts.then(|| Box::new((*model, likeness)))
        };
        if judged.as_ref() != Some(&before) {
            catalog.remember(copy, |past| past.copy_of = judged);
            looked.changed.entry(*copy).or_insert(None);
            looked.pages.extend(catalog.get(copy).map(|standing| page_of(&standing.article.path)));
        }
    }
}

/// The identities of those that are not plainly what they were.
fn tell(
    catalog: &Catalog,
    sorted: &Sorted,
    texts: &HashMap<ArticleId, Sketch>,
    site: &Site,
    now: Timestamp,
) -> Vec<(ArticleId, Told)> {
    let text = |id: &ArticleId| texts.get(id).cloned().unwrap_or_default();
    let at_home: HashMap<ArticleId, &Read> = sorted.at_home.iter().map(|(read, id)| (*id, &**read)).collect();
    let mut known = Vec::new();
    let mut stand: Vec<(Timestamp, Seen)> = Vec::new();
    let involved = sorted.candidates.iter().chain(&sorted.vanishing).collect::<BTreeSet<_>>();
    let rewritten: HashSet<&str> = sorted.others.iter().map(|read| read.seen.path.as_str()).collect();
    for standing in involved.into_iter().filter_map(|id| catalog.get(id)) {
        let id = standing.id;
        let addresses: Vec<String> = std::iter::once(without_scheme(&standing.article.url).to_owned())
            .chain(standing.past.former.iter().map(|address| address.to_string()))
            .collect();
        let seen = Seen {
            path: standing.article.path.to_string(),
            addresses,
            own_id: standing.past.own_id.as_deref().map(str::to_owned),
            sketch: text(&id),
        };
        if !rewritten.contains(&*standing.article.path) && !sorted.vanishing.contains(&id) {
            let seen = at_home.get(&id).map_or_else(|| seen.clone(), |read| read.seen.clone());
            stand.push((standing.past.first_seen, seen));
        }
        let gone_since = None;
        known.push(Known {
            id,
            path: seen.path,
            addresses: seen.addresses,
            own_id: seen.own_id,
            gone_since,
            sketch: seen.sketch,
        });
    }
    known.extend(catalog.all_gone().map(|gone| Known {
        id: gone.id,
        path: gone.path.clone(),
        addresses:
            std::iter::once(gone.address.clone()).chain(gone.past.former.iter().map(|a| a.to_string())).collect(),
        own_id: gone.past.own_id.as_deref().map(str::to_owned),
        gone_since: Some(gone.since),
        sketch: text(&gone.id),
    }));
    // Of texts that are equally like a new one, it is the youngest that was copied.
    stand.sort_by_key(|(first_seen, _)| std::cmp::Reverse(*first_seen));
    let stand = stand.iter().map(|(_, seen)| seen);
    let seen: Vec<&Seen> = sorted.others.iter().map(|read| &read.seen).chain(stand).collect();
    let situation = Situation {
        site: site.settings.url.host_str().unwrap_or_default(),
        known: &known,
        seen: &seen,
        unreadable: &sorted.unreadable,
        renames: &sorted.renames,
        taken: &|id| catalog.knows(id),
        first: sorted.first,
        now,
    };
    let mut told = identity::identify(&situation);
    told.truncate(sorted.others.len());
    told
}
