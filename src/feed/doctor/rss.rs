//! RSS 2.0, by the rules of the RSS Advisory Board and its profile.

use super::html::look;
use super::text::{is_rfc822, is_rfc3339, is_web_address};
use super::tree::Element;
use super::{Fault, broken, shown};
use crate::text::{is_media_type, language_tag};
use std::collections::HashSet;

pub(super) fn check(root: &Element, address: &str) -> Result<(), Fault> {
    if root.name != "rss" || root.get("version") != Some("2.0") {
        return Err(broken("UndefinedElement", "the root is not <rss version=\"2.0\">"));
    }
    let channel = root.one("channel")?;
    for name in ["title", "description"] {
        channel.said(name)?;
    }
    web_address("link", channel.said("link")?)?;
    own_address(channel, address)?;
    if let Some(language) = channel.at_most_one("language")?
        && language_tag(&language.text).is_none()
    {
        return Err(broken("InvalidLanguage", format!("{} is no language", shown(&language.text))));
    }
    for name in ["lastBuildDate", "pubDate"] {
        if let Some(date) = channel.at_most_one(name)? {
            rfc822(name, &date.text)?;
        }
    }
    if let Some(ttl) = channel.at_most_one("ttl")?
        && !ttl.text.parse::<u32>().is_ok_and(|minutes| minutes > 0)
    {
        return Err(broken("InvalidPositiveInteger", format!("<ttl> is {}", shown(&ttl.text))));
    }
    let mut seen = HashSet::new();
    let mut items_started = false;
    for child in &channel.children {
        match child.name.as_str() {
            "item" => {
                items_started = true;
                item(child, &mut seen)?;
            }
            name if items_started => {
                return Err(broken("MisplacedItem", format!("<{name}> of the channel comes after an item")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn item<'e>(item: &'e Element, seen: &mut HashSet<&'e str>) -> Result<(), Fault> {
    item.said("title")?;
    web_address("link", item.said("link")?)?;
    rfc822("pubDate", item.said("pubDate")?)?;
    let guid = item.said("guid")?;
    if !seen.insert(guid) {
        return Err(broken("DuplicateValue", format!("two items have the guid {}", shown(guid))));
    }
    if item.one("guid")?.get("isPermaLink") != Some("false") && !is_web_address(guid) {
        return Err(broken("InvalidHttpGUID", format!("the guid {} is no address and does not say so", shown(guid))));
    }
    let place = |name: &str| item.children.iter().position(|child| child.name == name);
    let (description, content) = (place("description"), place("content:encoded"));
    if description.is_none() || content.is_some_and(|content| Some(content) < description) {
        return Err(broken("NeedDescriptionBeforeContent", "an item's <description> is missing or comes too late"));
    }
    for name in ["description", "content:encoded"] {
        if let Some(text) = item.at_most_one(name)? {
            html(name, &text.text)?;
        }
    }
    if let Some(file) = item.at_most_one("enclosure").map_err(|fault| Fault { class: "DuplicateEnclosure", ..fault })? {
        enclosure(file)?;
    }
    if item.all("author").next().is_some() && item.all("dc:creator").next().is_some() {
        return Err(broken("DuplicateItemSemantics", "an item has <author> and <dc:creator>"));
    }
    for name in item.all("dc:creator").chain(item.all("category")) {
        if name.text.trim().is_empty() {
            return Err(broken("NotBlank", format!("an item's <{}> is empty", name.name)));
        }
    }
    for name in ["atom:updated", "ev:startdate", "ev:enddate"] {
        if let Some(date) = item.at_most_one(name)? {
            rfc3339(name, &date.text)?;
        }
    }
    for media in item.all("media:content") {
        web_address("media:content", media.get("url").unwrap_or(""))?;
    }
    Ok(())
}

fn enclosure(file: &Element) -> Result<(), Fault> {
    web_address("enclosure", file.get("url").unwrap_or(""))?;
    if file.get("length").is_none_or(|length| length.parse::<u64>().is_err()) {
        return Err(broken("InvalidIntegerAttribute", "an enclosure has no length"));
    }
    if !file.get("type").is_some_and(is_media_type) {
        return Err(broken("InvalidMIMEAttribute", "an enclosure has no type"));
    }
    Ok(())
}

/// The document names itself, once and rightly.
pub(super) fn own_address(parent: &Element, address: &str) -> Result<(), Fault> {
    let mut own = parent.all("atom:link").filter(|link| link.get("rel") == Some("self"));
    let Some(link) = own.next() else {
        return Err(broken("MissingAtomSelfLink", "the document does not name its own address"));
    };
    if link.get("href") != Some(address) || own.next().is_some() {
        let named = shown(link.get("href").unwrap_or(""));
        return Err(broken("SelfDoesntMatchLocation", format!("the document says that it is {named}, not {address}")));
    }
    Ok(())
}

pub(super) fn web_address(name: &str, address: &str) -> Result<(), Fault> {
    if is_web_address(address) {
        return Ok(());
    }
    Err(broken("InvalidFullLink", format!("<{name}> leads to {}, which is no whole address", shown(address))))
}

fn rfc822(name: &str, date: &str) -> Result<(), Fault> {
    if is_rfc822(date) {
        return Ok(());
    }
    Err(broken("InvalidRFC2822Date", format!("<{name}> is {}, which is no date of RSS", shown(date))))
}

pub(super) fn rfc3339(name: &str, date: &str) -> Result<(), Fault> {
    if is_rfc3339(date) {
        return Ok(());
    }
    Err(broken("InvalidRFC3339Date", format!("<{name}> is {}, which is no date and time with a zone", shown(date))))
}

/// HTML that nobody may run, with addresses that lead somewhere.
pub(super) fn html(name: &str, html: &str) -> Result<(), Fault> {
    const GRAVE: [&str; 4] = ["SecurityRisk", "SecurityRiskAttr", "DangerousStyleAttr", "ContainsRelRef"];
    match look(html, None).into_iter().find(|find| GRAVE.contains(&find.class)) {
        Some(find) => Err(broken(find.class, format!("<{name}> holds {}", shown(&find.what)))),
        None => Ok(()),
    }
}
