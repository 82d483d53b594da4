//! Web addresses in a text, as the networks find them that count each as a fixed number: X's own grammar
//! (twitter-text, version 3), and Mastodon's, which is the same but for what may stand in a path
//! (`config/initializers/twitter_regex.rb`).
//!
//! Both grammars are regular expressions that look leftmost first and as far as they can. What they find is found here
//! by walking, so that it costs one pass and needs no look-ahead.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Whose grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// X: an address needs no `https://` (`beta.gouv.fr` is one).
    X,
    /// Mastodon: an address starts with `http://` or `https://`.
    Mastodon,
}

/// Longest address, and longest label of a domain, in characters.
const ADDRESS_MAX: usize = 4096;
const LABEL_MAX: usize = 63;

/// The names of the root zone (IANA) that both grammars know, those of countries among them.
static TOP_LEVEL: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("domains.txt").split_whitespace().collect());

/// The addresses in a text, in order: ranges of bytes.
pub fn addresses(text: &str, grammar: Grammar) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('.') {
        return found;
    }
    let mut at = 0;
    while let Some(before) = text[at..].chars().next() {
        let after = at + before.len_utf8();
        let behind = may_precede(before).then(|| Match::at(text, after, grammar)).flatten();
        // At the start of the text nothing need stand before.
        let hit = match behind {
            None if at == 0 => Match::at(text, 0, grammar).map(|hit| (hit, None)),
            hit => hit.map(|hit| (hit, Some(before))),
        };
        let Some((hit, before)) = hit else {
            at = after;
            continue;
        };
        hit.take(text, before, grammar, &mut found);
        at = hit.end;
    }
    found
}

/// Whether an address may stand after a character.
fn may_precede(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}'))
}

/// What looks like an address.
struct Match {
    start: usize,
    has_scheme: bool,
    domain: Range<usize>,
    has_path: bool,
    end: usize,
}

impl Match {
    /// The longest address that starts at a place.
    fn at(text: &str, start: usize, grammar: Grammar) -> Option<Self> {
        let scheme = scheme(&text[start..]);
        if scheme == 0 && grammar == Grammar::Mastodon {
            // It would be found, and not taken.
            domain(text, start)?;
        }
        let domain_start = start + scheme;
        let domain = domain_start..domain(text, domain_start)?;
        let mut end = domain.end;
        let port = text[end..].strip_prefix(':').map_or(0, |rest| run(rest, |c| c.is_ascii_digit()));
        if port > 0 {
            end += 1 + port;
        }
        let path_end = path(text, end, grammar);
        let has_path = path_end > end;
        end = query(text, path_end, grammar);
        Some(Self { start, has_scheme: scheme > 0, domain, has_path, end })
    }

    /// Adds what counts as an address.
    fn take(&self, text: &str, before: Option<char>, grammar: Grammar, found: &mut Vec<Range<usize>>) {
        let is_long = |label: &str| coded_length(label) > LABEL_MAX;
        let domain = &text[self.domain.clone()];
        if domain.split('.').any(is_long) || self.end - self.start > ADDRESS_MAX {
            return;
        }
        if self.has_scheme {
            found.push(self.start..self.end);
            return;
        }
        if grammar == Grammar::Mastodon || before.is_some_and(|c| matches!(c, '-' | '_' | '.' | '/')) {
            return;
        }
        // Without a scheme, what is left are the parts of the domain that are written in Latin letters.
        let mut latin = latin_domains(domain);
        if let Some(last) = latin.last_mut().filter(|_| self.has_path) {
            last.end = self.end - self.domain.start;
        }
        found.extend(latin.into_iter().map(|part| self.domain.start + part.start..self.domain.start + part.end));
    }
}

/// The length of a label of a domain as it is written in ASCII (Punycode, RFC 3492, section 6.3).
fn coded_length(label: &str) -> usize {
    const BASE: u32 = 36;
    const TMIN: u32 = 1;
    const TMAX: u32 = 26;
    const SKEW: u32 = 38;
    const DAMP: u32 = 700;
    let basic = label.chars().filter(char::is_ascii).count();
    if basic == label.chars().count() {
        return label.len();
    }
    let mut length = "xn--".len() + basic + usize::from(basic > 0);
    let (mut n, mut delta, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut handled = u32::try_from(basic).unwrap_or(u32::MAX);
    let mut first = true;
    while let Some(next) = label.chars().map(u32::from).filter(|c| *c >= n).min() {
        delta = delta.saturating_add((next - n).saturating_mul(handled.saturating_add(1)));
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.saturating_add(1);
            } else if c == n {
                let (mut q, mut k) = (delta, BASE);
                loop {
                    length += 1;
                    let t = k.saturating_sub(bias).clamp(TMIN, TMAX);
                    if q < t {
                        break;
                    }
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                handled = handled.saturating_add(1);
                delta = if first { delta / DAMP } else { delta / 2 };
                first = false;
                delta += delta / handled;
                k = 0;
                while delta > ((BASE - TMIN) * TMAX) / 2 {
                    delta /= BASE - TMIN;
                    k += BASE;
                }
                bias = k + (BASE - TMIN + 1) * delta / (delta + SKEW);
                delta = 0;
            }
        }
        delta = delta.saturating_add(1);
        n = n.saturating_add(1);
    }
    length
}

/// Length of `http://` or `https://` at the start of a text, in any case.
fn scheme(text: &str) -> usize {
    ["https://", "http://"]
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map_or(0, |scheme| scheme.len())
}

/// Bytes at the start of a text whose characters pass.
fn run(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

/// The end of the domain that starts at a place: as many labels as there are, the last one a name of the root zone.
fn domain(text: &str, start: usize) -> Option<usize> {
    let end = start + run(&text[start..], |c| is_of_label(c) || matches!(c, '.' | '-' | '_'));
    let labels: Vec<&str> = text[start..end].split('.').collect();
    let ends_well = |label: &str| label.chars().next().is_some_and(is_of_label) && label.ends_with(is_of_label);
    // Up to where labels are whole; the one before the last has no underscore.
    let whole = labels.iter().take_while(|label| ends_well(label)).count();
    let mut places = Vec::with_capacity(labels.len());
    let mut at = start;
    for label in &labels {
        places.push(at);
        at += label.len() + 1;
    }
    (1..labels.len()).rev().filter(|last| *last <= whole && !labels[last - 1].contains('_')).find_map(|last| {
        let place = places[last];
        top_level(&text[place..]).map(|length| place + length)
    })
}

/// What may stand in a label: all but ASCII punctuation, white space and invisible marks.
fn is_of_label(c: char) -> bool {
    !(c.is_ascii_punctuation() && !matches!(c, '"' | '`')
        || is_space(c)
        || matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}' | '\u{202A}'..='\u{202E}' | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2066}'..='\u{2069}'))
}

/// White space as twitter-text lists it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{180E}'
}

/// The length of the name of the root zone at the start of a text, if it ends there.
fn top_level(text: &str) -> Option<usize> {
    let ends = |length: usize| {
        text[length..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '+' | '-'))
    };
    let latin = run(text, |c| c.is_ascii_alphanumeric());
    if latin > 0 && ends(latin) && TOP_LEVEL.contains(text[..latin].to_ascii_lowercase().as_str()) {
        return Some(latin);
    }
    if latin == 0 {
        let names = TOP_LEVEL.iter().filter(|name| !name.is_ascii() && text.starts_with(**name) && ends(name.len()));
        return names.map(|name| name.len()).max();
    }
    let is_coded = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let coded = if is_coded { run(&text[4..], |c| c.is_ascii_alphanumeric() || c == '-') } else { 0 };
    (coded > 0).then_some(4 + coded)
}

/// The parts of a domain that are domains in Latin letters.
fn latin_domains(domain: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(first) = domain[start..].chars().next() {
        let mut dots = Vec::new();
        let mut at = start;
        loop {
            let label = run(&domain[at..], |c| c.is_ascii_alphanumeric() || c == '-' || is_latin_accent(c));
            if label == 0 || !domain[at + label..].starts_with('.') {
                break;
            }
            at += label + 1;
            dots.push(at);
        }
        let end = dots.into_iter().rev().find_map(|dot| top_level(&domain[dot..]).map(|length| dot + length));
        match end {
            Some(end) => {
                found.push(start..end);
                start = end;
            }
            None => start += first.len_utf8(),
        }
    }
    found
}

/// Latin letters with accents, and accents, as twitter-text lists them.
fn is_latin_accent(c: char) -> bool {
    matches!(c,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{24F}' | '\u{253}' | '\u{254}' | '\u{256}' | '\u{257}'
        | '\u{259}' | '\u{25B}' | '\u{263}' | '\u{268}' | '\u{26F}' | '\u{272}' | '\u{289}' | '\u{28B}' | '\u{2BB}'
        | '\u{300}'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}')
}

fn is_of_path(c: char, grammar: Grammar) -> bool {
    match grammar {
        Grammar::X => {
            c.is_ascii_alphanumeric()
                || "!*';:=+,.$/%#[]-–_~@|&".contains(c)
                || matches!(c, '\u{400}'..='\u{4FF}')
                || is_latin_accent(c)
        }
        Grammar::Mastodon => !(c.is_whitespace() || "<>()?".contains(c)),
    }
}

fn ends_path(c: char, grammar: Grammar) -> bool {
    match grammar {
        Grammar::X => {
            c.is_ascii_alphanumeric()
                || "+-=_#/".contains(c)
                || matches!(c, '\u{400}'..='\u{4FF}')
                || is_latin_accent(c)
        }
        Grammar::Mastodon => !(c.is_whitespace() || "()?!*\"'「」<>;:=,.$%[]~&|@".contains(c)),
    }
}

/// The end of the path at a place; the place itself if there is none.
fn path(text: &str, start: usize, grammar: Grammar) -> usize {
    if !text[start..].starts_with('/') {
        return start;
    }
    let mut at = start + 1;
    let mut end = at;
    while let Some(c) = text[at..].chars().next() {
        if c == '(' {
            let Some(length) = brackets(&text[at..], grammar) else { break };
            at += length;
            end = at;
        } else if is_of_path(c, grammar) {
            at += c.len_utf8();
            if ends_path(c, grammar) {
                end = at;
            }
        } else {
            break;
        }
    }
    end
}

/// The length of `(…)` at the start of a text, with at most one more pair inside.
fn brackets(text: &str, grammar: Grammar) -> Option<usize> {
    let general = |at: usize| run(&text[at..], |c| is_of_path(c, grammar));
    let first = general(1);
    let mut at = 1 + first;
    if first > 0 && text[at..].starts_with(')') {
        return Some(at + 1);
    }
    text[at..].strip_prefix('(')?;
    let inner = general(at + 1);
    at += 1 + inner;
    text[at..].strip_prefix(')').filter(|_| inner > 0)?;
    at += 1;
    at += general(at);
    text[at..].starts_with(')').then_some(at + 1)
}

/// The end of the query at a place; the place itself if there is none.
fn query(text: &str, start: usize, grammar: Grammar) -> usize {
    let Some(rest) = text[start..].strip_prefix('?') else { return start };
    let is_other = |c: char| grammar == Grammar::Mastodon && c >= '\u{A0}';
    let is_of_query = |c: char| {
        c.is_ascii_alphanumeric()
            || "!?*'@();:&=+$/%#[]-_.,~|".contains(c)
            || is_other(c)
            || (grammar == Grammar::Mastodon && c == '^')
    };
    let all = run(rest, is_of_query);
    let ends = |c: char| c.is_ascii_alphanumeric() || "-_&=#/".contains(c) || is_other(c);
    rest[..all].char_indices().rev().find(|(_, c)| ends(*c)).map_or(start, |(at, c)| start + 1 + at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_long_as_they_are_in_ascii() {
        for (label, coded) in
            [("exemple", "exemple"), ("bücher", "xn--bcher-kva"), ("été", "xn--t-9fab"), ("食狮", "xn--85x722f")]
        {
            assert_eq!(coded_length(label), coded.len(), "{label}");
        }
    }

    #[test]
    fn addresses_are_those_that_each_network_finds() {
        let found = |text: &str, grammar| -> Vec<String> {
            addresses(text, grammar).into_iter().map(|range| text[range].to_owned()).collect()
        };
        for (text, x, mastodon) in [
            ("voir https://x.fr/a.", vec!["https://x.fr/a"], vec!["https://x.fr/a"]),
            ("(https://x.fr/a_(b)) !", vec!["https://x.fr/a_(b)"], vec!["https://x.fr/a_(b)"]),
            ("Beta.gouv.fr, TECH.GOUV", vec!["Beta.gouv.fr"], vec![]),
            ("http://localhost/x", vec![], vec![]),
            ("#https://x.fr", vec![], vec![]),
            ("https://x.fr/L’État", vec!["https://x.fr/L"], vec!["https://x.fr/L’État"]),
            ("https://x.fr?a=1&b;", vec!["https://x.fr?a=1&b"], vec!["https://x.fr?a=1&b"]),
            ("https://x.fr:8080/ et a@b.fr", vec!["https://x.fr:8080/"], vec!["https://x.fr:8080/"]),
        ] {
            assert_eq!(found(text, Grammar::X), x, "{text}");
            assert_eq!(found(text, Grammar::Mastodon), mastodon, "{text}");
        }
    }
}
