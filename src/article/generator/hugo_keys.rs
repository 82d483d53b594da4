//! Hugo's settings of dates and permalinks.

use super::{folded_get, texts};
use crate::yaml::Yaml;

/// The keys from which dates come, in order; `:filename` is the file's name.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    pub(super) date: Vec<String>,
    pub(super) publish: Vec<String>,
    pub(super) modified: Vec<String>,
    pub(super) expiry: Vec<String>,
}

/// `[permalinks]`: by section, by kind and section, or a list of targets and patterns.
pub(super) fn permalinks(written: Option<&Yaml>) -> Vec<(String, String)> {
    let folder = |name: &str| name.trim_matches(['/', ' ', '*']).to_lowercase();
    let mut patterns: Vec<(String, String)> = Vec::new();
    match written {
        Some(Yaml::Map(pairs)) => {
            for (name, value) in pairs {
                match value {
                    Yaml::Map(of_kind) if name.eq_ignore_ascii_case("page") => {
                        patterns
                            .extend(of_kind.iter().filter_map(|(name, value)| Some((folder(name), value.filled()?))));
                    }
                    Yaml::Map(_) => {}
                    value => patterns.extend(value.filled().map(|pattern| (folder(name), pattern))),
                }
            }
        }
        Some(Yaml::List(items)) => {
            for item in items {
                let target = folded_get(item, "target");
                let said = |key: &str| target.and_then(|target| folded_get(target, key)).and_then(Yaml::filled);
                if said("kind").is_none_or(|kind| kind.eq_ignore_ascii_case("page"))
                    && let Some(pattern) = folded_get(item, "pattern").and_then(Yaml::filled)
                {
                    patterns.push((folder(&said("path").unwrap_or_default()), pattern));
                }
            }
        }
        _ => {}
    }
    // The nearest folder counts.
    patterns.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
    patterns
}

impl Dates {
    /// Reads `[frontmatter]`; `:default` stands for the keys that count without it.
    pub(super) fn read(written: Option<&Yaml>) -> Self {
        let keys = |name: &str, default: &[&str]| {
            let said: Vec<String> = texts(written.and_then(|all| folded_get(all, name)));
            let said = if said.is_empty() { vec![":default".to_owned()] } else { said };
            let mut keys: Vec<String> = Vec::new();
            for key in said.iter().map(|key| key.to_lowercase()) {
                let expanded: Vec<&str> = if key == ":default" { default.to_vec() } else { vec![&key] };
                for key in expanded {
                    let aliases: &[&str] = match key {
                        "lastmod" => &["modified"],
                        "publishdate" => &["pubdate", "published"],
                        "expirydate" => &["unpublishdate"],
                        _ => &[],
                    };
                    for key in std::iter::once(&key).chain(aliases) {
                        if !keys.iter().any(|known| known == key) {
                            keys.push((*key).to_owned());
                        }
                    }
                }
            }
            keys
        };
        Self {
            date: keys("date", &["date", "publishdate", "lastmod"]),
            publish: keys("publishDate", &["publishdate", "date"]),
            modified: keys("lastmod", &[":git", "lastmod", "date", "publishdate"]),
            expiry: keys("expiryDate", &["expirydate"]),
        }
    }
}
