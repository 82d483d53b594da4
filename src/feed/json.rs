//! JSON Feed 1.1 documents (jsonfeed.org/version/1.1).

use super::entry::Entry;
use super::{Feed, Settings};
use crate::article::SiteSettings;
use crate::config::Format;
use serde_json::{Value, json};

/// The document of a feed.
pub fn document(feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Vec<u8> {
    let mut document = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": site.url,
        "feed_url": settings.public(&feed.own_path_in(Format::Json)),
        "description": settings.description(feed, site),
        "language": feed.language.as_ref().unwrap_or(&site.language),
        "authors": [{ "name": site.title, "url": site.url }],
        "items": entries.iter().map(|entry| item(entry)).collect::<Vec<Value>>(),
    });
    let hubs = settings.hubs();
    if !hubs.is_empty() {
        document["hubs"] = hubs.iter().map(|hub| json!({ "type": "WebSub", "url": hub })).collect();
    }
    if let Some(previous) = feed.history.previous.filter(|number| *number > 0) {
        document["next_url"] = settings.public(&feed.archive_in(previous, Format::Json)).into();
    }
    let mut bytes = document.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

fn item(entry: &Entry) -> Value {
    let mut item = json!({
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "date_published": entry.published.rfc3339(),
        "date_modified": entry.updated.rfc3339(),
    });
    let mut set = |key: &str, value: Value| item[key] = value;
    match &entry.content_html {
        Some(html) if !html.is_empty() => set("content_html", html.clone().into()),
        _ if !entry.summary_html.is_empty() => set("content_html", entry.summary_html.clone().into()),
        _ => set("content_text", entry.title.clone().into()),
    }
    if !entry.summary_text.is_empty() {
        set("summary", entry.summary_text.clone().into());
    }
    if let Some(image) = &entry.image {
        set("image", image.url.to_string().into());
    }
    let mut tags: Vec<&str> = entry.terms().map(|(_, term)| term.label.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| seen.insert(*tag));
    if !tags.is_empty() {
        set("tags", json!(tags));
    }
    if let Some(author) = &entry.author {
        set("authors", json!([{ "name": author }]));
    }
    if let Some(language) = &entry.language {
        set("language", language.clone().into());
    }
    if !entry.attachments.is_empty() {
        let attachments = entry.attachments.iter().map(|attachment| {
            let mut value = json!({
                "url": attachment.url,
                "mime_type": attachment.facts.media_type,
                "size_in_bytes": attachment.facts.length,
            });
            if let Some(title) = &attachment.title {
                value["title"] = title.clone().into();
            }
            value
        });
        set("attachments", attachments.collect());
    }
    if let Some(event) = &entry.event {
        let mut about = json!({ "start": event.start.rfc3339(), "all_day": event.all_day });
        if let Some(end) = event.end {
            about["end"] = end.rfc3339().into();
        }
        if let Some(location) = event.location() {
            about["location"] = location.into();
        }
        set("_crieur_event", about);
    }
    if !entry.corrections.is_empty() {
        let corrections = entry.corrections.iter().map(|correction| match correction.date {
            Some(date) => json!({ "date": date.rfc3339(), "text": correction.text }),
            None => json!({ "text": correction.text }),
        });
        set("_crieur_corrections", json!({ "corrections": corrections.collect::<Vec<Value>>() }));
    }
    item
}
