//! Atom 1.0 (RFC 4287), with archives (RFC 5005) and lists of what is withdrawn (RFC 6721).

use super::rss::{html, own_address, rfc3339, web_address};
use super::text::is_address;
use super::tree::Element;
use super::{Fault, broken, shown};
use crate::text::is_media_type;
use std::collections::HashSet;

pub(super) fn check(root: &Element, address: &str) -> Result<(), Fault> {
    if root.name != "atom:feed" {
        return Err(broken("UndefinedElement", "the root is not <feed> of Atom"));
    }
    root.said("atom:title")?;
    identity(root.said("atom:id")?)?;
    rfc3339("updated", root.said("atom:updated")?)?;
    own_address(root, address)?;
    links(root)?;
    let authored = author(root)?;
    let mut seen = HashSet::new();
    let mut entries_started = false;
    for child in &root.children {
        match child.name.as_str() {
            "atom:entry" => {
                entries_started = true;
                entry(child, authored, &mut seen)?;
            }
            name if entries_started && name.starts_with("atom:") => {
                return Err(broken("MisplacedMetadata", format!("<{name}> of the feed comes after an entry")));
            }
            "at:deleted-entry" => {
                identity(child.get("ref").unwrap_or(""))?;
                rfc3339("deleted-entry", child.get("when").unwrap_or(""))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn entry<'e>(entry: &'e Element, authored: bool, seen: &mut HashSet<&'e str>) -> Result<(), Fault> {
    entry.said("atom:title")?;
    let id = entry.said("atom:id")?;
    identity(id)?;
    if !seen.insert(id) {
        return Err(broken("DuplicateEntries", format!("two entries have the id {}", shown(id))));
    }
    rfc3339("updated", entry.said("atom:updated")?)?;
    if let Some(date) = entry.at_most_one("atom:published")? {
        rfc3339("published", &date.text)?;
    }
    if !author(entry)? && !authored {
        return Err(broken("MissingElement", "neither an entry nor its feed has an author"));
    }
    links(entry)?;
    if !entry.all("atom:link").any(|link| link.get("rel") == Some("alternate")) {
        return Err(broken("MissingContentOrAlternate", "an entry leads nowhere"));
    }
    let mut says = false;
    for name in ["atom:summary", "atom:content"] {
        if let Some(text) = entry.at_most_one(name)? {
            says = true;
            if text.text.trim().is_empty() {
                return Err(broken("NotBlank", format!("an entry's <{name}> is empty")));
            }
            if text.get("type") == Some("html") {
                html(name, &text.text)?;
            }
        }
    }
    if !says {
        return Err(broken("MissingTextualContent", "an entry has no text"));
    }
    for category in entry.all("atom:category") {
        if category.get("term").is_none_or(str::is_empty) || !category.get("scheme").is_none_or(is_address) {
            return Err(broken("MissingAttribute", "a category has no term, or a scheme that is no address"));
        }
    }
    Ok(())
}

/// Whether a feed or an entry has an author; each must have a name.
fn author(parent: &Element) -> Result<bool, Fault> {
    for author in parent.all("atom:author") {
        author.said("atom:name")?;
    }
    Ok(parent.all("atom:author").next().is_some())
}

fn identity(id: &str) -> Result<(), Fault> {
    if is_address(id) {
        return Ok(());
    }
    Err(broken("InvalidFullLink", format!("the id {} is no address", shown(id))))
}

/// Every link leads somewhere, and no two of one type and language stand for the same (section 4.1.1).
fn links(parent: &Element) -> Result<(), Fault> {
    let mut alternates = HashSet::new();
    for link in parent.all("atom:link") {
        web_address("link", link.get("href").unwrap_or(""))?;
        if link.get("type").is_some_and(|media_type| !is_media_type(media_type)) {
            return Err(broken("InvalidMIMEType", "the type of a link is none"));
        }
        if link.get("title").is_some_and(|title| title.trim().is_empty()) {
            return Err(broken("AttrNotBlank", "the title of a link is empty"));
        }
        if link.get("length").is_some_and(|length| length.parse::<u64>().is_err()) {
            return Err(broken("InvalidNonNegativeInteger", "the length of a link is none"));
        }
        let alternate = link.get("rel").is_none_or(|rel| rel == "alternate");
        if alternate && !alternates.insert((link.get("type"), link.get("hreflang"))) {
            return Err(broken("DuplicateAtomLink", "two alternate links have one type and language"));
        }
    }
    Ok(())
}
