//! The article that a person means.

use super::{Catalog, Head, Standing};
use crate::text::folded;
use std::sync::Arc;

impl Catalog {
    /// The article that a person means: a path, a file's name, a slug or an address.
    ///
    /// Errors: nothing or more than one fits; the message says which.
    pub fn find(&self, wanted: &str) -> Result<&Arc<Standing>, String> {
        let wanted = wanted.trim().trim_start_matches("./");
        if let Some(standing) = self.at_path(wanted) {
            return Ok(standing);
        }
        let bare = wanted.trim_end_matches('/');
        let steps: [&dyn Fn(&Head) -> bool; 3] =
            [&|article| article.has_address(bare), &|article| article.has_name(wanted), &|article| {
                folded(&article.title) == folded(wanted)
            }];
        for fits in steps {
            let mut fitting: Vec<&Arc<Standing>> = self.all().filter(|standing| fits(&standing.article)).collect();
            match fitting[..] {
                [] => continue,
                [one] => return Ok(one),
                _ => {
                    fitting.sort_by_key(|standing| standing.order());
                    let paths: Vec<&str> = fitting.iter().map(|standing| &*standing.article.path).collect();
                    return Err(format!(
                        "“{wanted}” fits several articles: {}; give the path of one",
                        paths.join(", ")
                    ));
                }
            }
        }
        Err(format!(
            "no article is found under “{wanted}”; give its path under the site's folder, its slug or its address"
        ))
    }
}

impl Head {
    /// Whether a person may mean the article: by its path, a file's name, a slug, an address or its title.
    pub fn is_meant(&self, wanted: &str) -> bool {
        let wanted = wanted.trim().trim_start_matches("./");
        *self.path == *wanted
            || self.has_address(wanted.trim_end_matches('/'))
            || self.has_name(wanted)
            || folded(&self.title) == folded(wanted)
    }

    fn has_address(&self, bare: &str) -> bool {
        let url = self.url.trim_end_matches('/');
        url == bare || (bare.starts_with('/') && path_of(url) == bare)
    }

    fn has_name(&self, wanted: &str) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or("");
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let last = self.url.trim_end_matches('/').rsplit('/').next().unwrap_or("");
        name == wanted
            || stem == wanted
            || last == wanted
            || last.strip_suffix(".html") == Some(wanted)
            || self.path.ends_with(&format!("/{wanted}"))
            || wanted.ends_with(&format!("/{}", self.path))
    }
}

impl Catalog {
    /// The article that another one's text names: by its path under the root, with or without its ending, by the end of
    /// its path, or by its file's name. None if no article, or more than one, is meant.
    pub fn meant_by(&self, written: &str) -> Option<&Arc<Standing>> {
        let wanted = written.trim().trim_start_matches("@/").trim_matches('/');
        if let Some(standing) = self.at_path(wanted) {
            return Some(standing);
        }
        if wanted.is_empty() {
            return None;
        }
        let stem = |path: &str| path.rsplit_once('.').map_or(path.len(), |(stem, _)| stem.len());
        let fits = |path: &str| {
            let bare = &path[..stem(path)];
            let bare = bare.strip_suffix("/index").unwrap_or(bare);
            [path, bare]
                .into_iter()
                .any(|path| path.strip_suffix(wanted).is_some_and(|before| before.is_empty() || before.ends_with('/')))
        };
        let mut fitting = self.all().filter(|standing| fits(&standing.article.path));
        let one = fitting.next()?;
        fitting.next().is_none().then_some(one)
    }
}

/// The path of an address, from its host on.
fn path_of(url: &str) -> &str {
    url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("")
}
