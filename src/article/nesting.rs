//! Refuses what is nested so deep that reading it would take minutes.

/// Deepest nesting of blocks and of HTML elements: parsers take quadratic time in it.
pub(super) const DEPTH_MAX: usize = 100;

/// Why a text is nested too deep to be read in reasonable time, if it is.
pub fn nests_too_deep(markdown: &str) -> Option<String> {
    let too_deep = |what: &str| Some(format!("{what} are nested over {DEPTH_MAX} deep, so the article is left out"));
    for line in markdown.lines() {
        let marks = line.chars().take_while(|c| c.is_whitespace() || ">-*+.)".contains(*c) || c.is_ascii_digit());
        if marks.filter(|c| matches!(c, '>' | '-' | '*' | '+')).count() > DEPTH_MAX && line.contains([' ', '>']) {
            // A rule of many dashes is one line without a blank inside.
            if line.trim().contains(' ') || line.contains('>') {
                return too_deep("quotations or lists");
            }
        }
    }
    // Elements whose end may be left out do not nest in themselves.
    const OPEN_ENDED: [&str; 20] = [
        "p", "li", "td", "tr", "th", "dt", "dd", "br", "hr", "img", "input", "option", "thead", "tbody", "col", "meta",
        "link", "source", "wbr", "area",
    ];
    let mut depth = 0usize;
    for tag in markdown.split('<').skip(1) {
        let closing = tag.starts_with('/');
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() || OPEN_ENDED.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        depth = if closing { depth.saturating_sub(1) } else { depth + 1 };
        if depth > DEPTH_MAX {
            return too_deep("HTML elements");
        }
    }
    None
}
