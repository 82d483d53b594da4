//! Patterns of paths: those of the configuration, and those of Ruby's `File.fnmatch`, which Jekyll uses.

/// Whether a path fits a glob: `*` within a folder, `**` over folders, `?` one character.
pub fn matches(glob: &str, path: &str) -> bool {
    let fixed = glob.find(['*', '?']).unwrap_or(glob.len());
    let (Some(path), glob) = (path.strip_prefix(&glob[..fixed]), &glob[fixed..]) else { return false };
    if glob == "**" {
        return true;
    }
    // A table by the byte of the glob: which beginnings of the path fit so far. Never more than glob times path.
    let (glob, path) = (glob.as_bytes(), path.as_bytes());
    let mut fits = vec![false; path.len() + 1];
    fits[0] = true;
    let mut at = 0;
    while at < glob.len() {
        let mut next = vec![false; path.len() + 1];
        if glob[at..].starts_with(b"**/") {
            // Nothing, or everything up to a slash.
            let mut open = false;
            for end in 0..=path.len() {
                next[end] = fits[end] || (open && path[end - 1] == b'/');
                open |= fits[end];
            }
            at += 3;
        } else if glob[at..].starts_with(b"**") {
            let mut open = false;
            for end in 0..=path.len() {
                open |= fits[end];
                next[end] = open;
            }
            at += 2;
        } else if glob[at] == b'*' {
            let mut open = false;
            for end in 0..=path.len() {
                if end > 0 && path[end - 1] == b'/' {
                    open = false;
                }
                open |= fits[end];
                next[end] = open;
            }
            at += 1;
        } else {
            for end in 1..=path.len() {
                let c = path[end - 1];
                next[end] = fits[end - 1] && (glob[at] == c || (glob[at] == b'?' && c != b'/'));
            }
            at += 1;
        }
        fits = next;
    }
    fits[path.len()]
}

/// Ruby's `File.fnmatch` without flags: `*` and `?` also match slashes, `[a-z]` is a set, `\` makes the next literal.
pub fn fnmatch(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star took one character more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if p == pattern.len() && t == text.len() {
            return true;
        }
        if let Some(next) = text.get(t).and_then(|c| one(&pattern, p, *c)) {
            p = next;
            t += 1;
            continue;
        }
        match star {
            Some((at, taken)) if taken < text.len() => {
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Where the pattern goes on after one of its parts matched a character.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match *pattern.get(p)? {
        '?' => Some(p + 1),
        '\\' => (pattern.get(p + 1) == Some(&c)).then_some(p + 2),
        '[' => {
            let close = p + 1 + pattern[p + 1..].iter().position(|c| *c == ']')?;
            let set = &pattern[p + 1..close];
            let (negated, set) = match set.first() {
                Some('!' | '^') => (true, &set[1..]),
                _ => (false, set),
            };
            let mut inside = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == '-' {
                    inside |= (set[at]..=set[at + 2]).contains(&c);
                    at += 3;
                } else {
                    inside |= set[at] == c;
                    at += 1;
                }
            }
            (inside != negated).then_some(close + 1)
        }
        literal => (literal == c).then_some(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_fit_paths() {
        for (glob, path, fits) in [
            ("_communiques/**", "_communiques/a/b.md", true),
            ("_communiques/**", "_communiques2/b.md", false),
            ("_communiques/*.md", "_communiques/b.md", true),
            ("_communiques/*.md", "_communiques/a/b.md", false),
            ("**/*.md", "a/b/c.md", true),
            ("**/*.md", "c.md", true),
            ("**/_posts/**", "en/news/_posts/a.md", true),
            ("**/_posts/**", "en/news_posts/a.md", false),
            ("a/?.md", "a/b.md", true),
        ] {
            assert_eq!(matches(glob, path), fits, "{glob} {path}");
        }
    }

    #[test]
    fn ruby_patterns_pass_over_slashes() {
        for (pattern, text, fits) in [
            ("*.md", "a/b.md", true),
            ("vendor/*", "vendor/a/b", true),
            ("[ab]?.md", "bx.md", true),
            ("[!ab].md", "a.md", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
        ] {
            assert_eq!(fnmatch(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn patterns_never_fail(pattern in "[*?\\[\\]!a/\\\\-]{0,40}", text in "[a/]{0,200}") {
            let _ = (matches(&pattern, &text), fnmatch(&pattern, &text));
        }
    }
}
