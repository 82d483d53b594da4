//! The events of a text between the parser of Markdown and the writer of HTML: attribute lists, footnotes, names of
//! headings, bare addresses, addresses of other articles.

use super::footnotes::Footnotes;
use super::heading::Names;
use super::kramdown::{self, Aside, Piece, Prepared};
use super::nesting::DEPTH_MAX;
use super::writing::Context;
use crate::text::escape_html;
use pulldown_cmark::{CowStr, Event, Tag, TagEnd};
use std::borrow::Cow;
use url::Url;

/// The events of one text on their way to HTML.
pub(super) struct Mending<'a> {
    prepared: &'a Prepared<'a>,
    context: &'a Context<'a>,
    footnotes: Footnotes<'a>,
    names: Names,
    /// Where each open element starts in the events that are kept, if it is kept.
    open: Vec<Option<usize>>,
    in_code: bool,
    links: usize,
    images: usize,
}

impl<'a> Mending<'a> {
    pub(super) fn new(prepared: &'a Prepared<'a>, context: &'a Context<'a>) -> Self {
        Self {
            prepared,
            context,
            footnotes: Footnotes::new(context.notes),
            names: Names::new(&prepared.text),
            open: Vec::new(),
            in_code: false,
            links: 0,
            images: 0,
        }
    }

    pub(super) fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(Tag::FootnoteDefinition(label)) => self.footnotes.start(label.to_string()),
            Event::End(TagEnd::FootnoteDefinition) => self.footnotes.end(),
            Event::FootnoteReference(label) => self.footnotes.refer(&label),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => {
                let text = restored(self.prepared, text);
                self.push(Event::Text(text));
            }
            Event::Text(text) => self.text(text),
            Event::Code(text) => {
                let text = restored(self.prepared, text);
                self.push(Event::Code(text));
            }
            Event::Html(text) => self.html(&text, Event::Html),
            Event::InlineHtml(text) => self.html(&text, Event::InlineHtml),
            Event::TaskListMarker(done) => self.push(Event::Text(if done { "☑ " } else { "☐ " }.into())),
            other => self.push(other),
        }
    }

    fn push(&mut self, event: Event<'a>) {
        self.footnotes.events().push(event);
    }

    fn html(&mut self, text: &str, of: impl Fn(CowStr<'a>) -> Event<'a>) {
        let text = self.prepared.without_lists(text).into_owned();
        self.push(of(text.into()));
    }

    fn start(&mut self, tag: Tag<'a>) {
        let too_deep = self.open.len() >= DEPTH_MAX
            && matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::BlockQuote(_) | Tag::Link { .. });
        if too_deep {
            self.open.push(None);
            return;
        }
        let tag = match tag {
            Tag::CodeBlock(kind) => {
                self.in_code = true;
                Tag::CodeBlock(kind)
            }
            Tag::Link { link_type, dest_url, title, id } => {
                self.links += 1;
                Tag::Link { link_type, dest_url: self.address(dest_url), title: self.plain(title), id }
            }
            Tag::Image { link_type, dest_url, title, id } => {
                self.images += 1;
                Tag::Image { link_type, dest_url: self.address(dest_url), title: self.plain(title), id }
            }
            other => other,
        };
        let events = self.footnotes.events();
        self.open.push(Some(events.len()));
        events.push(Event::Start(tag));
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::Link => self.links = self.links.saturating_sub(1),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            _ => {}
        }
        let Some(start) = self.open.pop().flatten() else { return };
        let events = self.footnotes.events();
        if let Some(Event::Start(Tag::Heading { id, .. })) = events.get(start)
            && let TagEnd::Heading(_) = tag
        {
            let text: String = events[start..]
                .iter()
                .filter_map(|event| match event {
                    Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                    Event::SoftBreak | Event::HardBreak => Some(" "),
                    _ => None,
                })
                .collect();
            let name = self.names.name(id.as_deref(), &text);
            if let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(start) {
                *id = name.map(CowStr::from);
            }
        }
        // A paragraph that held nothing but HTML that was put aside is that HTML.
        if tag == TagEnd::Paragraph
            && events.len() > start + 1
            && events[start + 1..].iter().all(|event| matches!(event, Event::Html(_)))
        {
            events.remove(start);
            return;
        }
        events.push(Event::End(tag));
    }

    fn text(&mut self, text: CowStr<'a>) {
        if !text.contains('\u{1}') {
            return self.link_addresses(text);
        }
        let prepared = self.prepared;
        let text = text.into_string();
        let pieces = prepared.pieces(&text);
        let alone = pieces.len() == 1;
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.link_addresses(text.to_owned().into()),
                Piece::Aside(Aside::Text(text)) => self.push(Event::Text(text.clone().into())),
                Piece::Aside(Aside::Html(html)) => {
                    let html = without_lists_outside_code(&prepared.without_lists(html)).into_owned();
                    self.push(if alone { Event::Html(html.into()) } else { Event::InlineHtml(html.into()) });
                }
                Piece::Aside(Aside::List(list)) => self.give_attributes(list),
            }
        }
    }

    /// What a list of attributes says to the element before it, as far as feeds can show it.
    fn give_attributes(&mut self, list: &str) {
        let said: String = ["id", "lang", "dir", "hreflang", "title", "width", "height", "alt"]
            .iter()
            .filter_map(|name| Some(format!(" {name}=\"{}\"", escape_html(&kramdown::attribute(list, name)?))))
            .collect();
        let events = self.footnotes.events();
        // A second list is behind the tag that the first one made.
        let Some(Event::End(end)) = events.last() else {
            if let Some(Event::InlineHtml(tag)) = events.last_mut()
                && tag.starts_with("<img ")
                && tag.len() < 2_000
                && tag.ends_with('>')
            {
                let longer = format!("{}{said}>", tag.trim_end_matches('>'));
                *tag = longer.into();
            }
            return;
        };
        if said.is_empty() {
            return;
        }
        let end = *end;
        let Some(start) = start_of_last(events) else { return };
        let made = match (&events[start], end) {
            (Event::Start(Tag::Image { dest_url, title, .. }), TagEnd::Image) => {
                let alt: String = events[start..]
                    .iter()
                    .filter_map(|event| match event {
                        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                        _ => None,
                    })
                    .collect();
                let title = if title.is_empty() { String::new() } else { format!(" title=\"{}\"", escape_html(title)) };
                let image =
                    format!("<img src=\"{}\" alt=\"{}\"{title}{said}>", escape_html(dest_url), escape_html(&alt));
                events.truncate(start);
                events.push(Event::InlineHtml(image.into()));
                return;
            }
            (Event::Start(Tag::Link { dest_url, title, .. }), TagEnd::Link) => {
                let title = if title.is_empty() { String::new() } else { format!(" title=\"{}\"", escape_html(title)) };
                (format!("<a href=\"{}\"{title}{said}>", escape_html(dest_url)), "</a>")
            }
            (Event::Start(Tag::Emphasis), TagEnd::Emphasis) => (format!("<em{said}>"), "</em>"),
            (Event::Start(Tag::Strong), TagEnd::Strong) => (format!("<strong{said}>"), "</strong>"),
            _ => return,
        };
        events[start] = Event::InlineHtml(made.0.into());
        if let Some(last) = events.last_mut() {
            *last = Event::InlineHtml(made.1.into());
        }
    }

    /// Addresses that stand bare in the text become links: a reader wants to follow them.
    fn link_addresses(&mut self, text: CowStr<'a>) {
        if self.links > 0 || self.images > 0 || !text.contains("://") {
            return self.push(Event::Text(text));
        }
        let mut kept = 0;
        let mut at = 0;
        while let Some(found) = text[at..].find("http").map(|found| at + found) {
            at = found + 4;
            let before = text[..found].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | ':' | '=' | '"' | '_' | '-' | '.')) {
                continue;
            }
            let Some(length) = address_length(&text[found..]) else { continue };
            let address = &text[found..found + length];
            if Url::parse(address).is_err() {
                continue;
            }
            if kept < found {
                self.push(Event::Text(text[kept..found].to_owned().into()));
            }
            let address = escape_html(address);
            self.push(Event::InlineHtml(format!("<a href=\"{address}\">{address}</a>").into()));
            kept = found + length;
            at = kept;
        }
        if kept < text.len() {
            self.push(Event::Text(text[kept..].to_owned().into()));
        }
    }

    /// An address as the article means it: of another article where it names one.
    fn address(&self, written: CowStr<'a>) -> CowStr<'a> {
        let written = self.plain(written);
        let url = if names_article(&written) { self.context.address_of(&written) } else { None };
        match url {
            Some(url) => url.to_string().into(),
            // Nobody but Zola could follow it.
            None if written.starts_with("@/") => "".into(),
            None => written,
        }
    }

    fn plain(&self, text: CowStr<'a>) -> CowStr<'a> {
        if !text.contains('\u{1}') {
            return text;
        }
        self.prepared.without_lists(&text).into_owned().into()
    }

    pub(super) fn finish(self) -> Vec<Event<'a>> {
        self.footnotes.finish()
    }
}

/// Whether an address is the path of a source, not of a page: `@/blog/x.md`, `../x.md`.
pub(super) fn names_article(written: &str) -> bool {
    let path = written.split(['#', '?']).next().unwrap_or("");
    !written.contains("://")
        && (path.starts_with("@/") || path.ends_with(".md") || path.ends_with(".markdown"))
        && !path.contains(char::is_whitespace)
}

fn restored<'a>(prepared: &Prepared, text: CowStr<'a>) -> CowStr<'a> {
    if text.contains('\u{1}') { prepared.restored(&text).into_owned().into() } else { text }
}

/// Where the element starts whose end is the last event.
fn start_of_last(events: &[Event]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, event) in events.iter().enumerate().rev() {
        match event {
            Event::End(_) => depth += 1,
            Event::Start(_) => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Longest address that becomes a link by itself.
const ADDRESS_MAX: usize = 500;

/// The length of the address at the start of a text, without the punctuation of the sentence around it.
fn address_length(text: &str) -> Option<usize> {
    let after = text.strip_prefix("http")?;
    let after = after.strip_prefix('s').unwrap_or(after).strip_prefix("://")?;
    let start = text.len() - after.len();
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '«' | '»' | '“' | '”');
    let (mut end, mut ended) = (0, false);
    for c in after.chars().take(ADDRESS_MAX) {
        if ends(c) {
            ended = true;
            break;
        }
        end += c.len_utf8();
    }
    if !ended && end < after.len() {
        return None;
    }
    let mut address = &after[..end];
    for _ in 0..10 {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '’', '*', '_', '…']);
        let shorter = match shorter.strip_suffix(')') {
            Some(inside) if inside.matches('(').count() < inside.matches(')').count() + 1 => inside,
            _ => shorter,
        };
        if shorter.len() == address.len() {
            break;
        }
        address = shorter;
    }
    address.starts_with(char::is_alphanumeric).then_some(start + address.len())
}

/// HTML that was put aside, without the attribute lists that its author left in it; code keeps its braces.
fn without_lists_outside_code(html: &str) -> Cow<'_, str> {
    if !html.contains("{:") {
        return Cow::Borrowed(html);
    }
    let mut kept = String::with_capacity(html.len());
    let mut in_code = false;
    let mut rest = html;
    while let Some(at) = rest.find(['<', '{']) {
        kept.push_str(&rest[..at]);
        let tail = &rest[at..];
        let name = |name: &str| tail.get(1..=name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if name("code") || name("pre") {
            in_code = true;
        } else if name("/code") || name("/pre") {
            in_code = false;
        }
        let list = if in_code { None } else { kramdown::list_length(tail) };
        if list.is_none() {
            kept.push_str(&tail[..1]);
        }
        rest = &tail[list.unwrap_or(1)..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}
