//! Refuses what is nested so deep that reading it would take minutes.

use super::kramdown::Fence;

/// Deepest nesting of blocks and of HTML elements: parsers take quadratic time in it.
pub(super) const DEPTH_MAX: usize = 100;

/// Why a text is nested too deep to be read in reasonable time, if it is.
pub fn nests_too_deep(markdown: &str) -> Option<String> {
    // By far the most texts have too few marks for that: they are told by counting.
    let is_mark = |byte: &u8| u8::from(matches!(byte, b'<' | b'>' | b'-' | b'*' | b'+'));
    let marks: usize =
        markdown.as_bytes().chunks(255).map(|part| usize::from(part.iter().map(is_mark).sum::<u8>())).sum();
    if marks <= DEPTH_MAX {
        return None;
    }
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
    let mut depth = Depth::default();
    let mut fence = None;
    for line in markdown.lines() {
        let inside = fence.is_some();
        fence = Fence::after(fence, line);
        // Code shows its tags.
        if !inside && fence.is_none() && !line.split('`').step_by(2).all(|text| depth.stays_low(text)) {
            return too_deep("HTML elements");
        }
    }
    None
}

/// Whether the elements of HTML are nested too deep to be parsed in reasonable time.
pub(super) fn html_nests_too_deep(html: &str) -> bool {
    !Depth::default().stays_low(html)
}

/// How many elements are open.
#[derive(Default)]
struct Depth(usize);

impl Depth {
    /// Whether few enough are open all through a text.
    fn stays_low(&mut self, html: &str) -> bool {
        // Elements whose end may be left out do not nest in themselves.
        const OPEN_ENDED: [&str; 20] = [
            "p", "li", "td", "tr", "th", "dt", "dd", "br", "hr", "img", "input", "option", "thead", "tbody", "col",
            "meta", "link", "source", "wbr", "area",
        ];
        for tag in html.split('<').skip(1) {
            let closing = tag.starts_with('/');
            let name = tag.trim_start_matches('/');
            let name = &name[..name.bytes().take_while(u8::is_ascii_alphanumeric).count()];
            if name.is_empty() || OPEN_ENDED.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                continue;
            }
            self.0 = if closing { self.0.saturating_sub(1) } else { self.0 + 1 };
            if self.0 > DEPTH_MAX {
                return false;
            }
        }
        true
    }
}
