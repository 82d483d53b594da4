//! JSON Feed 1.1 (jsonfeed.org/version/1.1). The W3C validator knows no JSON Feed; the classes are its words for the same.

use super::rss::{html, rfc3339, web_address};
use super::{Fault, broken, shown};
use crate::text::{is_media_type, language_tag};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;

/// What is looked at. Members that are not named here may be anything.
#[derive(Deserialize)]
struct Feed<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    home_page_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    feed_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    next_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    authors: Vec<Author<'a>>,
    #[serde(borrow, default)]
    hubs: Vec<Hub<'a>>,
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Author<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Hub<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    image: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content_html: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content_text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    date_published: Option<Cow<'a, str>>,
    #[serde(borrow)]
    date_modified: Option<Cow<'a, str>>,
    #[serde(borrow)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    authors: Vec<Author<'a>>,
    #[serde(borrow, default)]
    tags: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    attachments: Vec<Attachment<'a>>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    mime_type: Cow<'a, str>,
}

pub(super) fn check(bytes: &[u8], address: &str) -> Result<(), Fault> {
    let feed: Feed = serde_json::from_slice(bytes).map_err(|error| broken("InvalidJSON", error.to_string()))?;
    if feed.version != "https://jsonfeed.org/version/1.1" {
        return Err(broken("ObsoleteVersion", format!("the version is {}", shown(&feed.version))));
    }
    if feed.title.trim().is_empty() {
        return Err(broken("MissingTitle", "the feed has no title"));
    }
    if feed.feed_url.as_deref() != Some(address) {
        let named = shown(feed.feed_url.as_deref().unwrap_or(""));
        return Err(broken("SelfDoesntMatchLocation", format!("the document says that it is {named}, not {address}")));
    }
    for (name, url) in [("home_page_url", &feed.home_page_url), ("next_url", &feed.next_url)] {
        if let Some(url) = url {
            web_address(name, url)?;
        }
    }
    language(feed.language.as_deref())?;
    authors(&feed.authors)?;
    for hub in &feed.hubs {
        web_address("hubs", &hub.url)?;
        if hub.kind.is_empty() {
            return Err(broken("NotBlank", "a hub has no type"));
        }
    }
    let mut seen = HashSet::new();
    for item in &feed.items {
        if item.id.is_empty() || !seen.insert(&*item.id) {
            return Err(broken("DuplicateValue", format!("two items have the id {}", shown(&item.id))));
        }
        self::item(item)?;
    }
    Ok(())
}

fn item(item: &Item) -> Result<(), Fault> {
    match (&item.content_html, &item.content_text) {
        (Some(text), _) => html("content_html", text)?,
        (None, Some(_)) => {}
        (None, None) => return Err(broken("MissingTextualContent", format!("{} has no text", shown(&item.id)))),
    }
    for (name, url) in [("url", &item.url), ("image", &item.image)] {
        if let Some(url) = url {
            web_address(name, url)?;
        }
    }
    for (name, date) in [("date_published", &item.date_published), ("date_modified", &item.date_modified)] {
        if let Some(date) = date {
            rfc3339(name, date)?;
        }
    }
    language(item.language.as_deref())?;
    authors(&item.authors)?;
    if item.tags.iter().any(|tag| tag.trim().is_empty()) {
        return Err(broken("NotBlank", format!("{} has an empty tag", shown(&item.id))));
    }
    for file in &item.attachments {
        web_address("attachments", &file.url)?;
        if !is_media_type(&file.mime_type) {
            return Err(broken("InvalidMIMEType", format!("an attachment of {} has no type", shown(&item.id))));
        }
    }
    Ok(())
}

fn authors(authors: &[Author]) -> Result<(), Fault> {
    for author in authors {
        if let Some(url) = &author.url {
            web_address("authors", url)?;
        }
        if author.name.as_deref().unwrap_or("").trim().is_empty() && author.url.is_none() {
            return Err(broken("NotBlank", "an author has neither name nor address"));
        }
    }
    Ok(())
}

fn language(language: Option<&str>) -> Result<(), Fault> {
    match language.filter(|language| language_tag(language).is_none()) {
        Some(none) => Err(broken("InvalidLanguage", format!("{} is no language", shown(none)))),
        None => Ok(()),
    }
}
