//! HTML between blocks of kramdown: literal up to the end of its element, unless `markdown="1"` says otherwise.

use super::kramdown::Fence;
use std::collections::HashMap;
use std::ops::Range;

/// Elements that are a block of their own at the start of a line.
const BLOCKS: [&str; 35] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "iframe",
    "li",
    "main",
    "nav",
    "object",
    "ol",
    "p",
    "section",
    "summary",
    "table",
    "ul",
    "video",
];
/// Longest tag.
const TAG_MAX: usize = 4_000;

/// A tag, and the tag that ends it.
#[derive(Debug)]
struct Tag<'t> {
    range: Range<usize>,
    name: String,
    closing: bool,
    /// Whether its line holds nothing but blanks before it.
    starts_line: bool,
    /// The index of its end.
    end: Option<usize>,
    written: &'t str,
}

impl Tag<'_> {
    /// Whether Markdown is read inside of it.
    fn holds_markdown(&self) -> bool {
        ["markdown=\"1\"", "markdown='1'", "markdown=1", "markdown=\"block\"", "markdown=\"span\""]
            .iter()
            .any(|said| self.written.contains(said))
    }
}

/// A text in which `aside` has put a mark in place of each piece of literal HTML.
pub(super) fn cut(text: &str, aside: &mut dyn FnMut(&str) -> String) -> String {
    let tags = tags(text);
    let mut cutter = Cutter { text, tags: &tags, index: 0, aside, kept: String::with_capacity(text.len()) };
    cutter.markdown(0..text.len());
    cutter.kept
}

struct Cutter<'t, 'f> {
    text: &'t str,
    tags: &'t [Tag<'t>],
    /// The next tag to look at.
    index: usize,
    aside: &'f mut dyn FnMut(&str) -> String,
    kept: String,
}

impl Cutter<'_, '_> {
    /// A range that is Markdown.
    fn markdown(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(tag) = self.tags.get(self.index).filter(|tag| tag.range.start < range.end) {
            let block = tag.starts_line && !tag.closing && BLOCKS.contains(&tag.name.as_str());
            match tag.end.filter(|_| block).map(|end| self.tags[end].range.clone()) {
                Some(end) if end.end <= range.end => {
                    let start = tag.range.start;
                    self.push(at..start);
                    self.html(start..end.end);
                    at = end.end;
                }
                _ => self.index += 1,
            }
        }
        self.push(at..range.end);
    }

    /// A range that is HTML, with Markdown in those of its elements that say so.
    fn html(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(tag) = self.tags.get(self.index).filter(|tag| tag.range.start < range.end) {
            self.index += 1;
            let inside = tag.end.filter(|_| tag.holds_markdown()).map(|end| tag.range.end..self.tags[end].range.start);
            if let Some(inside) = inside.filter(|inside| inside.end <= range.end) {
                self.block(at..inside.start);
                if inside.start < inside.end {
                    self.dedented(inside.clone());
                }
                at = inside.end;
            }
        }
        self.block(at..range.end);
    }

    fn push(&mut self, range: Range<usize>) {
        self.kept.push_str(&self.text[range]);
    }

    fn block(&mut self, range: Range<usize>) {
        let mark = (self.aside)(&self.text[range]);
        self.kept.push_str("\n\n");
        self.kept.push_str(&mark);
        self.kept.push_str("\n\n");
    }

    /// Markdown inside of an element, without the indent that it has for the eye.
    fn dedented(&mut self, range: Range<usize>) {
        let before = self.kept.len();
        self.markdown(range);
        let inside = self.kept.split_off(before);
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let least = inside.lines().filter(|line| !line.trim().is_empty() && !line.contains('\u{1}')).map(indent).min();
        let least = least.unwrap_or(0);
        for line in inside.split_inclusive('\n') {
            self.kept.push_str(&line[indent(line).min(least)..]);
        }
    }
}

/// The tags of a text outside of code in fences, each with its end.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut open: HashMap<String, Vec<usize>> = HashMap::new();
    let mut fence = None;
    let mut line_start = 0;
    let mut read_to = 0;
    for line in text.split_inclusive('\n') {
        let inside = fence.is_some();
        // A fence inside of an element that is open is text like any other.
        fence = Fence::after(fence, line);
        if !inside && fence.is_none() {
            for (at, _) in line.match_indices('<') {
                let start = line_start + at;
                if start < read_to {
                    continue;
                }
                let Some(mut tag) = tag_at(text, start) else { continue };
                read_to = tag.range.end;
                let before = &line[..at];
                tag.starts_line = before.len() < 4 && before.bytes().all(|byte| byte == b' ');
                if tag.closing {
                    if let Some(start) = open.get_mut(&tag.name).and_then(Vec::pop) {
                        tags[start].end = Some(tags.len());
                    }
                } else if !tag.written.ends_with("/>") {
                    open.entry(tag.name.clone()).or_default().push(tags.len());
                }
                tags.push(tag);
            }
        }
        line_start += line.len();
    }
    tags
}

fn tag_at(text: &str, start: usize) -> Option<Tag<'_>> {
    let rest = &text[start + 1..];
    let closing = rest.starts_with('/');
    let name: String = rest[usize::from(closing)..].chars().take_while(char::is_ascii_alphanumeric).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate().take(TAG_MAX) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            (None, b'<') => return None,
            (None, b'>') => {
                let range = start..start + 2 + at;
                let written = &text[range.clone()];
                return Some(Tag {
                    range,
                    name: name.to_ascii_lowercase(),
                    closing,
                    starts_line: false,
                    end: None,
                    written,
                });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, read: &str, pieces: &[&str]) {
        let mut found = Vec::new();
        let cut = cut(text, &mut |html| {
            found.push(html.to_owned());
            format!("[{}]", found.len())
        });
        assert_eq!((cut.as_str(), found.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), (read, pieces));
    }

    #[test]
    fn html_is_literal_up_to_its_end() {
        check(
            "a\n<div>\n\n**b**\n<div>c</div>\n</div>\nd",
            "a\n\n\n[1]\n\n\nd",
            &["<div>\n\n**b**\n<div>c</div>\n</div>"],
        );
        check("a <div>b</div>", "a <div>b</div>", &[]);
        check("```\n<div>a</div>\n```", "```\n<div>a</div>\n```", &[]);
        check("<p>a\n\nb", "<p>a\n\nb", &[]);
    }

    #[test]
    fn markdown_inside_is_read_where_it_says_so() {
        check(
            "<div markdown=\"1\">\n  **b**\n</div>",
            "\n\n[1]\n\n\n**b**\n\n\n[2]\n\n",
            &["<div markdown=\"1\">", "</div>"],
        );
        check(
            "<section><div markdown=\"1\">a <p>b</p></div> c</section>",
            "\n\n[1]\n\na <p>b</p>\n\n[2]\n\n",
            &["<section><div markdown=\"1\">", "</div> c</section>"],
        );
    }
}
