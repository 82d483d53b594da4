//! Texts sampled, so that two can be told to be much the same without keeping either.

use super::ArticleId;
use crate::text::folded;
use std::collections::{BTreeSet, HashMap};

/// The share of three-word runs that makes two texts one article.
pub const LIKENESS: f64 = 0.60;
/// The share below which two texts have nothing to do with each other.
const UNLIKE: f64 = 0.20;

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
        let words = folded(text);
        let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let runs: BTreeSet<u32> = words.windows(3.min(words.len().max(1))).map(|run| hash(&run.join(" "))).collect();
        Self {
            runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            smallest: runs.into_iter().take(Self::KEPT).collect(),
        }
    }

    /// The share of this text's runs that the other has too, from 0 to 1, estimated. Of texts of under ten runs, too
    /// little to estimate, only equal ones are alike.
    pub fn likeness(&self, other: &Sketch) -> f64 {
        if self.runs < 10 || other.runs < 10 {
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
        let long_enough = self.runs >= 10 && other.runs >= 10 && self != other;
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

/// FNV-1a with a final mix: fast, spread evenly, the same on every machine, kept in the store.
fn hash(text: &str) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    let [_, _, _, _, bytes @ ..] = hash.to_le_bytes();
    u32::from_le_bytes(bytes)
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
