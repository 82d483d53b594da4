//! XML 1.0, read strictly into a tree.
//!
//! quick-xml does the cutting. What it lets through is looked at here: characters that XML forbids, names, attributes,
//! references and namespaces.

use super::{Fault, broken};
use crate::text::is_xml;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::borrow::Cow;

/// How every document of this house starts.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
/// Deeper than any document of this house.
const DEPTH_MAX: usize = 32;

/// Namespaces, and the prefixes by which the checks know them.
const NAMESPACES: [(&str, &str); 8] = [
    ("http://www.w3.org/2005/Atom", "atom"),
    ("http://purl.org/rss/1.0/modules/content/", "content"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://search.yahoo.com/mrss/", "media"),
    ("http://purl.org/rss/1.0/modules/event/", "ev"),
    ("http://purl.org/syndication/history/1.0", "fh"),
    ("http://purl.org/atompub/tombstones/1.0", "at"),
    ("http://www.w3.org/XML/1998/namespace", "xml"),
];

/// An element with what stands in it.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    /// `title`, or `atom:link` in a namespace, by the prefix of this house.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element<'a>>,
    /// All of its own text.
    pub(super) text: Cow<'a, str>,
}

impl<'a> Element<'a> {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The children of a name.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Element<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The one child of a name, which must be there once.
    pub(super) fn one<'s>(&'s self, name: &'s str) -> Result<&'s Element<'a>, Fault> {
        self.at_most_one(name)?.ok_or_else(|| broken("MissingElement", format!("<{}> has no <{name}>", self.name)))
    }

    /// The one child of a name, if it is there.
    pub(super) fn at_most_one<'s>(&'s self, name: &'s str) -> Result<Option<&'s Element<'a>>, Fault> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            Some(_) => Err(broken("DuplicateElement", format!("<{}> has more than one <{name}>", self.name))),
            None => Ok(first),
        }
    }

    /// The text of the one child of a name, which must be there and say something.
    pub(super) fn said<'s>(&'s self, name: &'s str) -> Result<&'s str, Fault> {
        let text = self.one(name)?.text.trim();
        if text.is_empty() {
            return Err(broken("NotBlank", format!("<{name}> of <{}> is empty", self.name)));
        }
        Ok(text)
    }
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Element<'_>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the document is not UTF-8"))?;
    if let Some(c) = forbidden(text) {
        return Err(malformed(format!("the character U+{:04X} stands in the document", u32::from(c))));
    }
    let text = text.strip_prefix(DECLARATION).ok_or_else(|| malformed("the document does not say that it is XML"))?;
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut building = Building { open: vec![Element::default()], tags: Vec::new(), scopes: Vec::new() };
    loop {
        match reader.read_event().map_err(|error| malformed(error.to_string()))? {
            Event::Start(tag) => building.start(as_text(&tag)?)?,
            Event::End(_) => building.end()?,
            Event::Text(text) => {
                let text = owned_text(text.into_inner())?;
                if text.contains("]]>") {
                    return Err(malformed("`]]>` stands in a text"));
                }
                building.text(text, false)?;
            }
            Event::CData(text) => building.text(owned_text(text.into_inner())?, true)?,
            Event::GeneralRef(reference) => building.text(resolved(as_text(&reference)?)?, true)?,
            Event::Comment(_) | Event::Empty(_) => {}
            Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {
                return Err(malformed("the document holds an instruction or a DOCTYPE"));
            }
            Event::Eof => return building.root(),
        }
    }
}

fn malformed(message: impl Into<String>) -> Fault {
    broken("SAXError", message)
}

/// The first character that XML forbids (XML 1.0, section 2.2).
fn forbidden(text: &str) -> Option<char> {
    // Bytes that a forbidden character can start with; all others need no look.
    let suspect = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0xEF;
    if !text.bytes().any(suspect) {
        return None;
    }
    text.chars().find(|c| !is_xml(*c))
}

fn as_text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| malformed("a name is cut inside a character"))
}

fn owned_text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Fault> {
    match bytes {
        Cow::Borrowed(bytes) => as_text(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => as_text(&bytes).map(|text| Cow::Owned(text.to_owned())),
    }
}

/// What a reference stands for: a character by its number, or one of the five that XML knows by name.
fn resolved(name: &str) -> Result<Cow<'static, str>, Fault> {
    let unknown = || broken("UndefinedNamedEntity", format!("&{name}; stands for nothing"));
    if let Some(number) = name.strip_prefix('#') {
        let (digits, base) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
        let number = if digits.starts_with('+') { None } else { u32::from_str_radix(digits, base).ok() };
        let c = number.and_then(char::from_u32).filter(|c| is_xml(*c)).ok_or_else(unknown)?;
        return Ok(Cow::Owned(c.to_string()));
    }
    Ok(Cow::Borrowed(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(unknown()),
    }))
}

/// Whether a text is a name of XML; of letters beyond ASCII all are taken.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c) || !c.is_ascii())
    };
    match text.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(text),
    }
}

/// The tree on its way.
struct Building<'a> {
    /// Elements that are open, below them the document itself.
    open: Vec<Element<'a>>,
    /// The names of the open elements as they are written.
    tags: Vec<usize>,
    /// Prefixes in scope with the place of their namespace in [`NAMESPACES`], the innermost last.
    scopes: Vec<(String, Option<usize>)>,
}

impl<'a> Building<'a> {
    /// A start tag: a name, and attributes.
    fn start(&mut self, tag: &str) -> Result<(), Fault> {
        if self.open.len() > DEPTH_MAX {
            return Err(malformed(format!("elements nest over {DEPTH_MAX} deep")));
        }
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        let (name, rest) = tag.split_at(tag.find(is_space).unwrap_or(tag.len()));
        let attributes = attributes(rest)?;
        self.tags.push(self.scopes.len());
        for (name, value) in &attributes {
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            if let Some(prefix) = prefix {
                if value.is_empty() && !prefix.is_empty() {
                    return Err(malformed(format!("the prefix {prefix} has no namespace")));
                }
                let known = NAMESPACES.iter().position(|(uri, _)| uri == value);
                self.scopes.push((prefix.to_owned(), known));
            }
        }
        if let Some((name, _)) = attributes.iter().find(|(name, _)| name.contains(':') && !name.starts_with("xmlns:")) {
            self.named(name)?;
        }
        let element = Element { name: self.named(name)?, attributes, ..Element::default() };
        self.open.push(element);
        Ok(())
    }

    /// A name by the prefix of this house.
    fn named(&self, name: &str) -> Result<String, Fault> {
        if !is_name(name) {
            return Err(malformed(format!("`{name}` is no name")));
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if prefix == "xml" {
            return Ok(name.to_owned());
        }
        let space = self.scopes.iter().rev().find(|(known, _)| known == prefix);
        match space {
            Some((_, Some(known))) => Ok(format!("{}:{local}", NAMESPACES[*known].1)),
            Some((_, None)) => Ok(format!("?:{local}")),
            None if prefix.is_empty() => Ok(local.to_owned()),
            None => Err(broken("MissingNamespace", format!("the prefix of <{name}> has no namespace"))),
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        let scope = self.tags.pop().unwrap_or(0);
        self.scopes.truncate(scope);
        let done = self.open.pop().filter(|_| !self.open.is_empty()).ok_or_else(|| malformed("an end too many"))?;
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(done);
        }
        Ok(())
    }

    /// A piece of text; what `stands` for text even if it is white space may not be outside of the root.
    fn text(&mut self, text: Cow<'a, str>, stands: bool) -> Result<(), Fault> {
        if self.open.len() < 2 && (stands || !text.trim_ascii().is_empty()) {
            return Err(malformed("text stands outside of the root"));
        }
        if let Some(element) = self.open.last_mut() {
            if element.text.is_empty() {
                element.text = text;
            } else {
                element.text.to_mut().push_str(&text);
            }
        }
        Ok(())
    }

    fn root(mut self) -> Result<Element<'a>, Fault> {
        let document = self.open.pop().filter(|_| self.open.is_empty());
        let mut roots = document.ok_or_else(|| malformed("an element never ends"))?.children;
        match (roots.pop(), roots.is_empty()) {
            (Some(root), true) => Ok(root),
            _ => Err(malformed("the document has not one root")),
        }
    }
}

/// The attributes of a start tag: white space, a name, `=`, a value in quotation marks.
fn attributes(tag: &str) -> Result<Vec<(String, String)>, Fault> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let bad = || malformed(format!("an attribute is not written as it must be: {}", super::shown(tag)));
    let mut attributes: Vec<(String, String)> = Vec::new();
    let mut rest = tag;
    loop {
        let next = rest.trim_start_matches(is_space);
        if next.is_empty() {
            return Ok(attributes);
        }
        let (name, value) = next.split_once('=').filter(|_| next.len() < rest.len()).ok_or_else(bad)?;
        let (name, value) = (name.trim_end_matches(is_space), value.trim_start_matches(is_space));
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(bad)?;
        let (value, after) = value[1..].split_once(quote).ok_or_else(bad)?;
        if !is_name(name) || value.contains('<') || attributes.iter().any(|(known, _)| known == name) {
            return Err(bad());
        }
        attributes.push((name.to_owned(), unescaped(value)?));
        rest = after;
    }
}

/// A value with its references resolved.
fn unescaped(value: &str) -> Result<String, Fault> {
    let mut parts = value.split('&');
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or_else(|| malformed("an ampersand stands in a value"))?;
        text.push_str(&resolved(name)?);
        text.push_str(rest);
    }
    Ok(text)
}
