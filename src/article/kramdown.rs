//! What kramdown, Jekyll's Markdown, has beyond CommonMark, made ready for a parser of CommonMark.
//!
//! A piece that must come through unread (HTML up to its end, an attribute list, mathematics) is put aside, and a mark
//! stands for it: two control characters around a number. XML forbids them, so no text can hold them of its own.

use super::html_block;
use std::borrow::Cow;

/// A piece that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Aside {
    /// An attribute list, with its braces.
    List(String),
    /// Text that is no Markdown.
    Text(String),
    /// HTML, up to its end.
    Html(String),
}

impl Aside {
    /// As it was written.
    fn written(&self) -> &str {
        match self {
            Self::List(text) | Self::Text(text) | Self::Html(text) => text,
        }
    }
}

/// A text for a parser of CommonMark, and what was put aside.
#[derive(Debug, Default)]
pub(super) struct Prepared<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) aside: Vec<Aside>,
}

const START: char = '\u{1}';
const END: char = '\u{2}';

/// A piece of text between marks, or what a mark stands for.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Aside(&'a Aside),
}

impl<'t> Prepared<'t> {
    /// CommonMark as it is.
    pub(super) fn plain(text: Cow<'t, str>) -> Self {
        Self { text, aside: Vec::new() }
    }

    /// A mark for a piece. Full stops around it are punctuation, as the brace of a list was: emphasis ends beside
    /// punctuation only.
    fn put_aside(&mut self, piece: Aside) -> String {
        self.aside.push(piece);
        format!(".{START}{}{END}.", self.aside.len() - 1)
    }

    /// The pieces of a text that may hold marks.
    pub(super) fn pieces<'a>(&'a self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(START) {
            let mark = &rest[at + 1..];
            let Some(end) = mark.find(END) else { break };
            let before = rest[..at].strip_suffix('.').unwrap_or(&rest[..at]);
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            if let Some(aside) = mark[..end].parse::<usize>().ok().and_then(|index| self.aside.get(index)) {
                pieces.push(Piece::Aside(aside));
            }
            rest = &mark[end + END.len_utf8()..];
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    /// A text as it was written: for code.
    pub(super) fn restored<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.joined(text, Aside::written)
    }

    /// A text without its attribute lists: for HTML and addresses.
    pub(super) fn without_lists<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.joined(text, |aside| if matches!(aside, Aside::List(_)) { "" } else { aside.written() })
    }

    fn joined<'a>(&self, text: &'a str, of: impl Fn(&Aside) -> &str) -> Cow<'a, str> {
        if !text.contains(START) {
            return Cow::Borrowed(text);
        }
        let mut whole = String::with_capacity(text.len());
        for piece in self.pieces(text) {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                Piece::Aside(aside) => whole.push_str(of(aside)),
            }
        }
        Cow::Owned(whole)
    }
}

/// Makes a text ready.
pub(super) fn prepare(markdown: &str) -> Prepared<'_> {
    let mut prepared = Prepared::default();
    let mut text = without_comments(markdown);
    if text.contains("{::nomarkdown}") {
        text = Cow::Owned(without_markdown(&text, &mut prepared));
    }
    if text.contains('<') {
        text = Cow::Owned(html_block::cut(&text, &mut |html| prepared.put_aside(Aside::Html(html.to_owned()))));
    }
    if text.contains("$$") {
        text = Cow::Owned(without_mathematics(&text, &mut prepared));
    }
    if text.contains("{:") || text.contains("*[") || text.contains("TOC]") || text.contains("{{TOC}}") {
        text = Cow::Owned(lines(&text, &mut prepared));
    }
    prepared.text = text;
    prepared
}

/// Comments taken out, with what they hold: `{::comment}…{:/comment}` or `{:/}`. One that never ends goes to the end
/// of the text, so that nothing comes out that was meant to be hidden.
fn without_comments(markdown: &str) -> Cow<'_, str> {
    const COMMENT: &str = "{::comment}";
    if !markdown.contains(COMMENT) {
        return Cow::Borrowed(markdown);
    }
    let mut kept = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(start) = rest.find(COMMENT) {
        kept.push_str(&rest[..start]);
        let held = &rest[start + COMMENT.len()..];
        rest = match held.find("{:/") {
            Some(end) => held[end..].find('}').map_or("", |length| &held[end + length + 1..]),
            None => "",
        };
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// `{::nomarkdown}…{:/}`: what it holds is HTML already.
fn without_markdown(text: &str, prepared: &mut Prepared) -> String {
    const OPEN: &str = "{::nomarkdown}";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        let held = &rest[start + OPEN.len()..];
        let Some(end) = held.find("{:/") else { break };
        kept.push_str(&rest[..start]);
        kept.push_str(&prepared.put_aside(Aside::Html(held[..end].to_owned())));
        rest = held[end..].find('}').map_or("", |length| &held[end + length + 1..]);
    }
    kept.push_str(rest);
    kept
}

/// Longest formula.
const FORMULA_MAX: usize = 2_000;

/// `$$ … $$` stays as it is written: its signs are no Markdown.
fn without_mathematics(text: &str, prepared: &mut Prepared) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("$$") {
        let inside = &rest[start + 2..];
        let end = inside.find("$$").filter(|end| *end > 0 && *end < FORMULA_MAX && !inside[..*end].contains("\n\n"));
        kept.push_str(&rest[..start]);
        match end {
            Some(end) => {
                kept.push_str(&prepared.put_aside(Aside::Text(rest[start..start + end + 4].to_owned())));
                rest = &inside[end + 2..];
            }
            None => {
                kept.push_str("$$");
                rest = inside;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// Line by line: lists of attributes, abbreviations and the mark of a table of contents.
fn lines(text: &str, prepared: &mut Prepared) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut fence: Option<Fence> = None;
    for line in text.split_inclusive('\n') {
        let inside = fence.is_some();
        fence = Fence::after(fence, line);
        let bare = line.trim_start_matches([' ', '>', '\t']).trim_end();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if inside || fence.is_some() || indent >= 4 {
            put_lists_aside(line, prepared, &mut kept);
        } else if is_abbreviation(bare) || matches!(bare, "[TOC]" | "[[TOC]]" | "[[_TOC_]]" | "{{TOC}}") {
            // Nothing of it is shown.
        } else if let Some(lists) = only_lists(bare) {
            // The lines that the list belongs to are above it, and go on below it.
            if let Some(id) = lists.iter().find_map(|list| attribute(list, "id")) {
                name_heading(&mut kept, &id);
            }
            if lists.iter().any(|list| list.split(['{', ':', ' ', '}']).any(|word| word == "toc")) {
                drop_contents_item(&mut kept);
            }
        } else {
            put_lists_aside(line, prepared, &mut kept);
        }
    }
    kept
}

/// Goldmark's attribute lists on lines of their own (`{.note #id}`) taken out; code keeps its braces.
pub(super) fn without_attribute_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("\n{.") && !text.contains("\n{#") {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut fence = None;
    for line in text.split_inclusive('\n') {
        let inside = fence.is_some();
        fence = Fence::after(fence, line);
        let bare = line.trim_end();
        let list = (bare.starts_with("{.") || bare.starts_with("{#")) && bare.find('}') == Some(bare.len() - 1);
        if inside || fence.is_some() || !list {
            kept.push_str(line);
        }
    }
    Cow::Owned(kept)
}

/// A block of code between fences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
}

impl Fence {
    /// The fence that is open behind a line.
    pub(super) fn after(open: Option<Self>, line: &str) -> Option<Self> {
        let bare = line.trim_start_matches([' ', '>', '\t']);
        let mark = bare.bytes().next().filter(|byte| matches!(byte, b'`' | b'~'));
        let length = mark.map_or(0, |mark| bare.bytes().take_while(|byte| *byte == mark).count());
        match (open, mark) {
            (None, Some(mark)) if length >= 3 && !(mark == b'`' && bare[length..].contains('`')) => {
                Some(Self { mark, length })
            }
            (Some(fence), Some(mark))
                if mark == fence.mark && length >= fence.length && bare[length..].trim().is_empty() =>
            {
                None
            }
            (open, _) => open,
        }
    }
}

/// `*[HTML]: Hypertext…`
fn is_abbreviation(line: &str) -> bool {
    line.strip_prefix("*[").and_then(|rest| rest.split_once("]:")).is_some_and(|(name, _)| !name.contains(']'))
}

/// The attribute lists of a line that holds nothing else.
fn only_lists(line: &str) -> Option<Vec<&str>> {
    let mut lists = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (list, after) = rest.split_at(list_length(rest)?);
        lists.push(list);
        rest = after.trim_start();
    }
    (!lists.is_empty()).then_some(lists)
}

/// Gives the heading on the last line a name.
fn name_heading(text: &mut String, id: &str) {
    let last = text.trim_end_matches('\n');
    let start = last.rfind('\n').map_or(0, |at| at + 1);
    if last[start..].starts_with('#') && !last[start..].contains("{#") {
        let end = last.len();
        text.truncate(end);
        text.push_str(&format!(" {{#{id}}}\n"));
    }
}

/// The item of a list that stands for the table of contents: `* TOC` above `{:toc}`.
fn drop_contents_item(text: &mut String) {
    let last = text.trim_end_matches('\n');
    let start = last.rfind('\n').map_or(0, |at| at + 1);
    let line = last[start..].trim_start();
    if line.starts_with(['*', '-', '+']) || line.starts_with(|c: char| c.is_ascii_digit()) {
        text.truncate(start);
    }
}

fn put_lists_aside(line: &str, prepared: &mut Prepared, kept: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find("{:") {
        kept.push_str(&rest[..at]);
        let escaped = rest[..at].ends_with('\\');
        match list_length(&rest[at..]).filter(|_| !escaped) {
            Some(length) => {
                kept.push_str(&prepared.put_aside(Aside::List(rest[at..at + length].to_owned())));
                rest = &rest[at + length..];
            }
            None => {
                kept.push_str("{:");
                rest = &rest[at + 2..];
            }
        }
    }
    kept.push_str(rest);
}

/// Longest attribute list.
const LIST_MAX: usize = 300;

/// The length of the attribute list at the start of a text, if one is there.
pub(super) fn list_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("{:")?;
    let mut quote = None;
    for (at, c) in inside.char_indices().take(LIST_MAX) {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '}') => return Some(at + 3),
            (_, '\n') => break,
            _ => {}
        }
    }
    // A quotation mark that never ends is no reason to show braces.
    inside.char_indices().take(LIST_MAX).take_while(|(_, c)| *c != '\n').find(|(_, c)| *c == '}').map(|(at, _)| at + 3)
}

/// The value of an attribute in a list: `{:height="88px"}`, `{: #id }`.
pub(super) fn attribute(list: &str, name: &str) -> Option<String> {
    let inside = list.trim_start_matches("{:").trim_end_matches('}');
    let mut rest = inside.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let word = &rest[..end];
        let after = &rest[end..];
        if let Some(value) = after.strip_prefix('=') {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, next) = match quote {
                Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
            };
            if word == name {
                return Some(value.to_owned());
            }
            rest = next.trim_start();
        } else {
            if name == "id"
                && let Some(id) = word.strip_prefix('#').filter(|id| !id.is_empty())
            {
                return Some(id.split('.').next().unwrap_or(id).to_owned());
            }
            rest = after.trim_start();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_in_lists() {
        let list = "{: .a #b target=\"_blank\" height='88px' width=200}";
        let of = |name| attribute(list, name);
        assert_eq!(of("id").as_deref(), Some("b"));
        assert_eq!(of("target").as_deref(), Some("_blank"));
        assert_eq!((of("height").as_deref(), of("width").as_deref(), of("lang")), (Some("88px"), Some("200"), None));
        assert_eq!(attribute("{:#x.y}", "id").as_deref(), Some("x"));
        assert_eq!(
            (list_length("{:a=\"}\"} b"), list_length("{:a=\"} b"), list_length("{:a\n}")),
            (Some(8), Some(6), None)
        );
    }

    #[test]
    fn marks_are_put_back_where_they_are_code() {
        let prepared = prepare("`{:a}` {:b} $$x_1$$");
        assert_eq!(prepared.restored(&prepared.text), "`{:a}` {:b} $$x_1$$");
        assert_eq!(prepared.without_lists(&prepared.text), "``  $$x_1$$");
    }

    #[test]
    fn lines_that_hold_a_list_only_are_gone() {
        for (written, read) in [
            ("a\n{: .x}\nb\n", "a\nb\n"),
            ("## A\n{: #b .c}\n\n", "## A {#b}\n\n"),
            ("* TOC\n{:toc}\n\na", "\na"),
            ("1. TOC\n{:toc .x}\na", "a"),
            ("*[HTML]: Hypertext\na", "a"),
            ("> a\n> {: .x}\n", "> a\n"),
        ] {
            assert_eq!(prepare(written).text, read);
        }
    }
}
