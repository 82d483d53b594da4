//! One term, several spellings.

use super::Finder;
use crate::catalog::{Head, Label};
use crate::problem::Problem;
use crate::text::{counted, folded};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;

/// How a kind of terms is called, the keys under which it stands, and where an article keeps it.
type Kind = (&'static str, [&'static str; 2], fn(&Head) -> &[Arc<Label>]);

const KINDS: [Kind; 2] = [
    ("category", ["categories", "category"], |article| &article.categories),
    ("tag", ["tags", "tag"], |article| &article.tags),
];

/// A spelling that should be another one.
struct Minority<'a> {
    /// What most articles write, and how many do.
    majority: (&'a str, usize),
    /// How many write it like this.
    count: usize,
    /// Whether only the number (singular, plural) differs.
    number: bool,
}

/// A problem for every article that spells a category or tag otherwise than most articles do, at its place.
pub fn spellings(articles: &[&Head], finder: &Finder) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (kind, keys, of) in KINDS {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for article in articles {
            for term in of(article) {
                *counts.entry(&term.text).or_default() += 1;
            }
        }
        let minorities = minorities(&counts);
        if minorities.is_empty() {
            continue;
        }
        for article in articles {
            for term in of(article) {
                if let Some(minority) = minorities.get(term.text.as_str()) {
                    let place = finder.term(&article.path, &keys, &term.text);
                    problems.push(problem(kind, &term.text, minority, |says| {
                        Problem::warning(&*article.path, place, says)
                    }));
                }
            }
        }
    }
    problems
}

fn problem(kind: &str, term: &str, minority: &Minority, warning: impl Fn(String) -> Problem) -> Problem {
    let Minority { majority: (usual, most), count, number } = *minority;
    let count = counted(count, "article");
    if number {
        let mut note = warning(format!("the {kind} `{term}` ({count}) is also written `{usual}` ({most})"));
        note.severity = crate::problem::Severity::Note;
        return note.kind("term-number").cure("if they mean the same, keep one of the two: they make two feeds");
    }
    // What is seen alike is told apart by what it is made of.
    let unseen =
        if term.nfc().eq(usual.nfc()) { "; they look alike, but their accents are encoded otherwise" } else { "" };
    let feeds = if folded(term) == folded(usual) { "" } else { ", and the two make two feeds" };
    warning(format!("the {kind} `{term}` ({count}) is written `{usual}` in {most}{feeds}{unseen}"))
        .kind("term-spelling")
        .cure(format!("write `{usual}`"))
}

/// The spellings that are not the usual one, with the usual one.
fn minorities<'a>(counts: &HashMap<&'a str, usize>) -> HashMap<&'a str, Minority<'a>> {
    let mut found = HashMap::new();
    let mut singulars: BTreeMap<String, Vec<(&'a str, usize)>> = BTreeMap::new();
    for spellings in group(counts.iter().map(|(term, count)| (*term, *count)), shape).into_values() {
        let Some(usual) = usual(&spellings) else { continue };
        let all = spellings.iter().map(|(_, count)| count).sum();
        singulars.entry(singular(&shape(usual.0))).or_default().push((usual.0, all));
        for (term, count) in spellings.into_iter().filter(|(term, _)| *term != usual.0) {
            found.insert(term, Minority { majority: usual, count, number: false });
        }
    }
    for numbers in singulars.into_values().filter(|numbers| numbers.len() > 1) {
        let Some(usual) = usual(&numbers) else { continue };
        for (term, count) in numbers.into_iter().filter(|(term, _)| *term != usual.0) {
            found.insert(term, Minority { majority: usual, count, number: true });
        }
    }
    found
}

fn group<'a>(
    terms: impl Iterator<Item = (&'a str, usize)>,
    by: impl Fn(&str) -> String,
) -> BTreeMap<String, Vec<(&'a str, usize)>> {
    let mut groups: BTreeMap<String, Vec<(&'a str, usize)>> = BTreeMap::new();
    for (term, count) in terms {
        groups.entry(by(term)).or_default().push((term, count));
    }
    groups
}

/// The spelling that most articles use; of equals, the first by the alphabet, as for the titles of feeds.
fn usual<'a>(spellings: &[(&'a str, usize)]) -> Option<(&'a str, usize)> {
    spellings.iter().min_by_key(|(term, count)| (Reverse(*count), *term)).copied()
}

/// What is left of a term without case, accents, the shape of apostrophes and hyphens, and spaces. Other signs stay:
/// `C#` is not `C`.
fn shape(term: &str) -> String {
    let mut shape = String::with_capacity(term.len());
    for c in term.nfkc() {
        match c {
            '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '-' | '‐' | '‑' | '–' | '—' | '_' => shape.push(' '),
            c if c.is_whitespace() => shape.push(' '),
            c if c.is_alphanumeric() => shape.push_str(deunicode::deunicode_char(c).unwrap_or("")),
            c => shape.push(c),
        }
    }
    let words: Vec<&str> = shape.split(' ').filter(|word| !word.is_empty()).collect();
    // A text that has no form in ASCII stays itself.
    if words.is_empty() { folded(term) } else { words.join(" ").to_lowercase() }
}

/// The shape without the endings of the plural, French and English.
fn singular(shape: &str) -> String {
    let words: BTreeSet<&str> = BTreeSet::from(["sans", "plus", "mais", "tres", "temps", "acces", "cours", "choix"]);
    let one = |word: &str| match word.strip_suffix(['s', 'x']) {
        Some(stem) if stem.len() > 2 && !words.contains(word) && !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    };
    shape.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_term_have_one_shape() {
        for (a, b) in [
            ("Cloud", "cloud"),
            ("Numérique", "numerique"),
            ("Nume\u{301}rique", "Numérique"),
            ("Paroles d'agents", "Paroles d’agents"),
            ("open source", "Open-source"),
            ("Œuvre", "oeuvre"),
        ] {
            assert_eq!(shape(a), shape(b));
        }
        for (a, b) in [("C", "C#"), ("C", "C++"), ("net", ".net"), ("données", "donner"), ("日本", "中国")] {
            assert_ne!(shape(a), shape(b), "{a} {b}");
        }
        assert_eq!(singular("communs numeriques"), singular("commun numerique"));
        assert_eq!(singular("acces"), "acces");
        assert_ne!(singular("as"), singular("a"));
    }

    #[test]
    fn the_usual_spelling_is_that_of_most_articles() {
        let counts = HashMap::from([("Cloud", 5), ("cloud", 2), ("CLOUD", 2), ("Clouds", 1), ("autre", 1)]);
        let found = minorities(&counts);
        assert_eq!(found.len(), 3);
        assert_eq!((found["cloud"].majority, found["cloud"].number), (("Cloud", 5), false));
        assert_eq!((found["Clouds"].majority, found["Clouds"].number), (("Cloud", 9), true));
    }
}
