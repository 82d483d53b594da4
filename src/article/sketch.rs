//! Texts sampled, so that two can be told to be much the same without keeping either.

use super::ArticleId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The share of three-word runs that makes two texts one article.
pub const LIKENESS: f64 = 0.60;
/// The share below which two texts have nothing to do with each other.
const UNLIKE: f64 = 0.20;
/// The fewest three-word runs of a text whose likeness can be estimated.
const RUNS_LEAST: u32 = 10;

/// A text's three-word runs, sampled: the smallest of their hashes, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    runs: u32,
    smallest: Vec<u32>,
}

impl Sketch {
    /// Hashes kept: the estimate of likeness is then right to about 4 %.
    const KEPT: usize = 128;

    /// The sketch of a text.
    pub fn of(text: &str) -> Self {
        Self::of_parts(&[text])
    }

    /// The sketch of a text in several parts: case, punctuation, white space and the encoding of accents do not count.
    pub fn of_parts(parts: &[&str]) -> Self {
        let words: Vec<u64> = parts.iter().flat_map(|part| words(part)).collect();
        let run =
            |run: &[u64]| mixed(run.iter().fold(SEED, |hash, word| (hash ^ word).wrapping_mul(PRIME).rotate_left(23)));
        let mut runs: Vec<u32> = words.windows(3.min(words.len().max(1))).map(run).collect();
        runs.sort_unstable();
        runs.dedup();
        let count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
        runs.truncate(Self::KEPT);
        runs.shrink_to_fit();
        Self { runs: count, smallest: runs }
    }

    /// The few samples that are kept in memory.
    pub fn gist(&self) -> Gist {
        let mut hashes = [0; Gist::KEPT];
        let kept = self.smallest.len().min(Gist::KEPT);
        hashes[..kept].copy_from_slice(&self.smallest[..kept]);
        Gist { kept: u8::try_from(kept).unwrap_or(0), short: self.runs < RUNS_LEAST, hashes }
    }

    /// The share of this text's runs that the other has too, from 0 to 1, estimated. Of texts of under ten runs, too
    /// little to estimate, only equal ones are alike.
    pub fn likeness(&self, other: &Sketch) -> f64 {
        if self.runs < RUNS_LEAST || other.runs < RUNS_LEAST {
            return if self == other && self.runs > 0 { 1.0 } else { 0.0 };
        }
        let both: BTreeSet<u32> = self.smallest.iter().chain(&other.smallest).copied().collect();
        let sample: Vec<u32> = both.into_iter().take(Self::KEPT).collect();
        let shared = sample
            .iter()
            .filter(|h| self.smallest.binary_search(h).is_ok() && other.smallest.binary_search(h).is_ok())
            .count();
        let jaccard = shared as f64 / sample.len() as f64;
        let intersection = jaccard * (f64::from(self.runs) + f64::from(other.runs)) / (1.0 + jaccard);
        (intersection / f64::from(self.runs)).min(1.0)
    }

    /// Whether two texts, both long enough to tell, have nothing to do with each other.
    pub(super) fn is_unlike(&self, other: &Sketch) -> bool {
        // Equal ones, by far the most, cost nothing.
        let long_enough = self.runs >= RUNS_LEAST && other.runs >= RUNS_LEAST && self != other;
        long_enough && self.likeness(other) < UNLIKE && other.likeness(self) < UNLIKE
    }

    /// The sketch as the store keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        std::iter::once(self.runs).chain(self.smallest.iter().copied()).flat_map(u32::to_le_bytes).collect()
    }

    /// A sketch from the store; anything else is the sketch of nothing.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (numbers, _) = bytes.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| u32::from_le_bytes(*bytes));
        Self { runs: numbers.next().unwrap_or(0), smallest: numbers.collect() }
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// The hashes of a text's words (FNV-1a over folded letters and digits): the same on every machine, kept in the store.
fn words(text: &str) -> Vec<u64> {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { words_of(text.chars()) } else { words_of(text.nfc()) }
}

fn words_of(text: impl Iterator<Item = char>) -> Vec<u64> {
    let mut words = Vec::new();
    let mut hash = SEED;
    let mut inside = false;
    let add = |hash: &mut u64, c: char| *hash = (*hash ^ u64::from(c)).wrapping_mul(PRIME);
    for c in text {
        if c.is_ascii_alphanumeric() {
            add(&mut hash, c.to_ascii_lowercase());
            inside = true;
        } else if !c.is_ascii() && c.is_alphanumeric() {
            c.to_lowercase().for_each(|c| add(&mut hash, c));
            inside = true;
        } else if inside {
            words.push(std::mem::replace(&mut hash, SEED));
            inside = false;
        }
    }
    if inside {
        words.push(hash);
    }
    words
}

/// A final mix, so that the hashes are spread evenly.
fn mixed(hash: u64) -> u32 {
    let mut hash = hash ^ (hash >> 33);
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    let [_, _, _, _, bytes @ ..] = hash.to_le_bytes();
    u32::from_le_bytes(bytes)
}

/// The smallest hashes of a sketch: enough to find the texts that may be like another one, in little memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gist {
    kept: u8,
    /// Too short to be like another text without being equal to it.
    short: bool,
    hashes: [u32; Self::KEPT],
}

impl Gist {
    const KEPT: usize = 12;

    /// Whether it has no more samples than it can hold: what comes from the store need not.
    pub fn is_sound(&self) -> bool {
        usize::from(self.kept) <= Self::KEPT
    }

    /// The samples, in order.
    pub fn hashes(&self) -> &[u32] {
        &self.hashes[..usize::from(self.kept)]
    }

    /// How many samples a text shares at least with one that is like it: some 40 % are expected.
    pub fn least_shared(&self) -> usize {
        if self.short { usize::from(self.kept).max(1) } else { 2.min(usize::from(self.kept)).max(1) }
    }

    /// Whether the two texts have plainly to do with each other. Of a text that is not known, everything is taken to.
    pub fn is_near(&self, other: &Gist) -> bool {
        if self.short || other.short || self.kept == 0 || other.kept == 0 {
            return true;
        }
        let shared = self.hashes().iter().filter(|hash| other.hashes().binary_search(hash).is_ok()).count();
        shared * 4 >= Self::KEPT
    }
}

/// Sketches by their hashes, so that a text is compared only with those that share some: a thousand new files among
/// a hundred thousand old ones stay a matter of moments.
#[derive(Default)]
pub(super) struct Index<'a> {
    sketches: Vec<(ArticleId, &'a Sketch)>,
    by_hash: HashMap<u32, Vec<usize>>,
}

impl<'a> Index<'a> {
    pub(super) fn add(&mut self, id: ArticleId, sketch: &'a Sketch) {
        for hash in &sketch.smallest {
            self.by_hash.entry(*hash).or_default().push(self.sketches.len());
        }
        self.sketches.push((id, sketch));
    }

    /// The text most like the given one, if one is like enough.
    pub(super) fn likest(&self, sketch: &Sketch, may: &dyn Fn(&ArticleId) -> bool) -> Option<(ArticleId, f64)> {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for at in sketch.smallest.iter().filter_map(|hash| self.by_hash.get(hash)).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        // Two texts that are like enough share far more than an eighth of their samples.
        let least = sketch.smallest.len() / 8;
        shared
            .into_iter()
            .filter(|(_, count)| *count >= least)
            .map(|(at, _)| &self.sketches[at])
            .filter(|(id, _)| may(id))
            .map(|(id, other)| (*id, sketch.likeness(other)))
            .filter(|(_, likeness)| *likeness >= LIKENESS)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }
}

/// For each of a few texts, the one of many that is most like it, if one is like enough. The few are indexed and the
/// many looked up: one new article among a hundred thousand costs no more than reading the many once.
pub(super) fn likest_of_each<'a>(
    few: &[&Sketch],
    many: impl Iterator<Item = (ArticleId, &'a Sketch)>,
) -> Vec<Option<(ArticleId, f64)>> {
    let mut best: Vec<Option<(ArticleId, f64)>> = vec![None; few.len()];
    let mut by_hash: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, sketch) in few.iter().enumerate() {
        for hash in &sketch.smallest {
            by_hash.entry(*hash).or_default().push(at);
        }
    }
    if by_hash.is_empty() {
        return best;
    }
    let mut shared: HashMap<usize, usize> = HashMap::new();
    for (id, sketch) in many {
        shared.clear();
        for at in sketch.smallest.iter().filter_map(|hash| by_hash.get(hash)).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        for (at, count) in &shared {
            if *count < few[*at].smallest.len() / 8 {
                continue;
            }
            let likeness = few[*at].likeness(sketch);
            if likeness >= LIKENESS && best[*at].is_none_or(|(_, before)| likeness > before) {
                best[*at] = Some((id, likeness));
            }
        }
    }
    best
}
