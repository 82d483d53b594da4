//! What the text of an article points at: links and pictures with their places, and its headings.

use super::markdown::options;
use super::mending::names_article;
use super::nesting::nests_too_deep;
use super::writing::{self, Templating, Writing};
use super::{Article, Lookup, SiteSettings};
use crate::text::repair_address;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use std::ops::Range;
use url::Url;

/// A link or a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    /// Whether it is a picture.
    pub(super) picture: bool,
    /// Its address as it is written.
    pub(super) written: String,
    /// What stands for it: the text of the link, or the alternative text. None if a tag says nothing of it.
    pub(super) text: Option<String>,
    /// Its first byte in the text.
    pub(super) at: usize,
    /// Whether a template makes its address.
    pub(super) templated: bool,
}

/// What stands in a text.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) pointers: Vec<Pointer>,
    /// Level and first byte of each heading.
    pub(super) headings: Vec<(usize, usize)>,
}

/// Looks through a text.
pub(super) fn look(body: &str, templating: Templating) -> Seen {
    let mut seen = Seen::default();
    if nests_too_deep(body).is_some() {
        return seen;
    }
    let masked = mask(body, templating);
    let templated = |range: &Range<usize>| masked[range.clone()] != body[range.clone()];
    // Links and pictures that are open, the innermost last.
    let mut open: Vec<Pointer> = Vec::new();
    for (event, range) in Parser::new_ext(&masked, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                open.push(pointer(false, &dest_url, Some(String::new()), &range, templated(&range)));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                open.push(pointer(true, &dest_url, Some(String::new()), &range, templated(&range)));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if let Some(done) = open.pop() {
                    if let (Some(outer), Some(text)) = (open.last_mut(), &done.text)
                        && let Some(outer) = &mut outer.text
                    {
                        outer.push_str(text);
                    }
                    seen.pointers.push(done);
                }
            }
            Event::Start(Tag::Heading { level, .. }) => seen.headings.push((level as usize, range.start)),
            Event::Text(text) | Event::Code(text) => {
                if let Some(Pointer { text: Some(said), .. }) = open.last_mut() {
                    said.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(Pointer { text: Some(said), .. }) = open.last_mut() {
                    said.push(' ');
                }
            }
            Event::InlineHtml(_) | Event::Html(_) => {
                let html = &masked[range.clone()];
                tags(html, range.start, &mut |start, tag| {
                    let whole = start..start + tag.len();
                    if let Some(pointer) = of_tag(tag, start, templated(&whole)) {
                        seen.pointers.push(pointer);
                    }
                });
            }
            _ => {}
        }
    }
    seen.pointers.sort_by_key(|pointer| pointer.at);
    seen
}

fn pointer(picture: bool, written: &str, text: Option<String>, range: &Range<usize>, templated: bool) -> Pointer {
    Pointer { picture, written: written.to_owned(), text, at: range.start, templated }
}

/// A text with letters in place of its templates, byte for byte, so that places stay.
fn mask(body: &str, templating: Templating) -> String {
    const LENGTH_MAX: usize = 4_000;
    if templating == Templating::None || !body.contains('{') {
        return body.to_owned();
    }
    let mut masked = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(start) = rest.find('{') {
        masked.push_str(&rest[..start]);
        let tag = &rest[start..];
        let end_mark = if tag.starts_with("{{") {
            "}}"
        } else if tag.starts_with("{%") {
            "%}"
        } else {
            masked.push('{');
            rest = &tag[1..];
            continue;
        };
        let limit = tag.char_indices().nth(LENGTH_MAX).map_or(tag.len(), |(at, _)| at);
        let length = tag[..limit].find(end_mark).map_or(2, |at| at + 2);
        masked.extend(tag.bytes().take(length).map(|byte| if byte == b'\n' { '\n' } else { 'x' }));
        rest = &tag[length..];
    }
    masked.push_str(rest);
    masked
}

/// The tags of a piece of HTML, each with its place.
fn tags(html: &str, offset: usize, each: &mut dyn FnMut(usize, &str)) {
    let mut at = 0;
    while let Some(start) = html[at..].find('<').map(|found| at + found) {
        let end = html[start..].find('>').map_or(html.len(), |end| start + end + 1);
        each(offset + start, &html[start..end]);
        at = end;
    }
}

fn of_tag(tag: &str, at: usize, templated: bool) -> Option<Pointer> {
    let name: String = tag[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let picture = match name.to_ascii_lowercase().as_str() {
        "img" => true,
        "a" => false,
        _ => return None,
    };
    let written = attribute(tag, if picture { "src" } else { "href" });
    let (written, text) = match (picture, written) {
        (true, written) => (written.or_else(|| attribute(tag, "data-src"))?, attribute(tag, "alt")),
        (false, written) => (written?, None),
    };
    Some(Pointer { picture, written, text, at, templated })
}

/// The value of an attribute of a tag as people write it.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let (at, _) = lower.match_indices(name).find(|(at, _)| {
        lower[..*at].ends_with(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
            && lower[at + name.len()..].trim_start().starts_with('=')
    })?;
    let value = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    Some(match quote {
        Some(quote) => value[1..].split(quote).next().unwrap_or("").to_owned(),
        None => value.split(|c: char| c.is_whitespace() || c == '>').next().unwrap_or("").to_owned(),
    })
}

/// What the text of an article needs of the site around it: addresses of the articles that it names, and the sizes of
/// the site's own pictures.
pub(super) fn resolve(article: &Article, site: &SiteSettings, lookup: &dyn Lookup) -> Writing {
    let mut writing = article.writing.clone();
    writing.site.get_or_insert_with(|| site.url.clone());
    let mut names: Vec<String> =
        writing::expand(&article.body, &article.context()).references.into_iter().map(|found| found.written).collect();
    let body = &article.body;
    if [".md", ".markdown", "@/", "![", "<img", "<IMG"].iter().any(|sign| body.contains(sign)) {
        for pointer in look(body, writing.templating).pointers.into_iter().filter(|pointer| !pointer.templated) {
            if pointer.picture {
                let url = address(&pointer.written, &article.url);
                let facts = url.as_ref().and_then(|url| site.file_of(url)).and_then(|path| lookup.facts(&path));
                if let (Some(url), Some(pixels)) = (url, facts.and_then(|facts| facts.pixels)) {
                    writing.pictures.insert(url.to_string(), pixels);
                }
            } else if names_article(&pointer.written) {
                names.push(pointer.written);
            }
        }
    }
    for name in names {
        let name = name.split('#').next().unwrap_or("").to_owned();
        if !name.is_empty()
            && let Some(url) = lookup.address(&name)
        {
            writing.addresses.insert(name, url);
        }
    }
    writing
}

/// An address on the web from one that is written in a text.
pub(super) fn address(written: &str, base: &Url) -> Option<Url> {
    let url = base.join(&repair_address(written.trim())).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}
