//! Names of headings, so that links inside an article lead to them.
//!
//! Each generator makes them by a rule of its own: GitHub's (Jekyll, Hugo) keeps accents, kramdown's own drops them,
//! Zola's spells them out. The first counts, unless a link in the text leads to what another one makes.

use crate::text::slug;
use std::collections::{HashMap, HashSet};

/// Longest name of a heading that a link may lead to.
const LENGTH_MAX: usize = 200;

/// The names that were given.
#[derive(Debug)]
pub(super) struct Names {
    /// What links in the text lead to.
    wanted: HashSet<String>,
    given: HashMap<String, usize>,
}

impl Names {
    /// No name yet, for the headings of a text.
    pub(super) fn new(text: &str) -> Self {
        let ends = |c: char| matches!(c, ')' | '"' | '\'' | '>' | ' ' | '\n');
        let wanted = text
            .match_indices(['(', '"', ' '])
            .filter_map(|(at, _)| text[at + 1..].strip_prefix('#'))
            .filter_map(|rest| {
                let end = rest.char_indices().take(LENGTH_MAX).find(|(_, c)| ends(*c))?.0;
                Some(&rest[..end]).filter(|name| !name.is_empty())
            })
            .map(crate::text::percent_decode)
            .collect();
        Self { wanted, given: HashMap::new() }
    }

    /// The name of a heading: the one it was given, else one made of its text. Each is given once.
    pub(super) fn name(&mut self, own: Option<&str>, text: &str) -> Option<String> {
        let base = match own {
            Some(own) => own.to_owned(),
            None => {
                let rules: [fn(&str) -> String; 3] = [github, kramdown, slug];
                let wanted = rules.iter().map(|rule| rule(text)).find(|name| self.wanted.contains(name));
                wanted.unwrap_or_else(|| github(text))
            }
        };
        if base.is_empty() {
            return None;
        }
        let times = self.given.entry(base.clone()).or_insert(0);
        *times += 1;
        Some(if *times == 1 { base } else { format!("{base}-{}", *times - 1) })
    }
}

/// GitHub's rule, which kramdown's GFM parser and goldmark follow.
fn github(text: &str) -> String {
    let kept = text.trim().chars().flat_map(char::to_lowercase);
    kept.filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\t'))
        .map(|c| if matches!(c, ' ' | '\t') { '-' } else { c })
        .collect()
}

/// Kramdown's own rule: ASCII only, from the first letter on.
fn kramdown(text: &str) -> String {
    text.chars()
        .skip_while(|c| !c.is_ascii_alphabetic())
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'))
        .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_has_the_name_that_links_lead_to() {
        let text = "Les clés de l’État : 2 étapes";
        let name = |markdown: &str| Names::new(markdown).name(None, text).unwrap();
        assert_eq!(name(""), "les-clés-de-létat--2-étapes");
        assert_eq!(name("[x](#les-cls-de-ltat--2-tapes)"), "les-cls-de-ltat--2-tapes");
        assert_eq!(name("[x](#les-cles-de-l-etat-2-etapes)"), "les-cles-de-l-etat-2-etapes");
        let mut names = Names::new("");
        let all =
            [names.name(None, "A b"), names.name(None, "A b"), names.name(Some("x"), "A"), names.name(None, "«»")];
        assert_eq!(all, [Some("a-b".into()), Some("a-b-1".into()), Some("x".into()), None]);
    }
}
