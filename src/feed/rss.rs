//! RSS 2.0 documents (RSS Advisory Board, with the modules content, atom, dc, media and ev).

use super::entry::{Entry, Term};
use super::media::{Medium, enclosure};
use super::plain::{by_number, untagged};
use super::{Feed, Kind, Settings};
use crate::article::{ArticleDate, SiteSettings};
use crate::config::Format;
use rss::extension::atom::{AtomExtension, Link};
use rss::extension::dublincore::DublinCoreExtension;
use rss::extension::{Extension, ExtensionMap};
use rss::{Category, Channel, Enclosure, Guid, Item};
use std::collections::BTreeMap;

/// How long readers may keep a document without asking again: as long as caches do ([`super::CACHE_CONTROL`]).
const TTL_MINUTES: u32 = 5;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// The document of a feed.
pub fn document(feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Vec<u8> {
    let updated = ArticleDate::in_zone(feed.updated, &site.timezone);
    let this = settings.public(&feed.own_path_in(Format::Rss));
    let self_link =
        Link { href: this, rel: "self".into(), mime_type: Some("application/rss+xml".into()), ..Link::default() };
    let hubs = settings.hubs();
    let hubs = hubs.iter().map(|hub| Link { href: hub.clone(), rel: "hub".into(), ..Link::default() });
    let history = feed.history_links(Format::Rss).map(|(rel, path)| Link {
        href: settings.public(&path),
        rel: rel.into(),
        mime_type: Some("application/rss+xml".into()),
        ..Link::default()
    });
    // The events of these entries, for programs that keep calendars.
    let has_events = feed.history.archive.is_none() && entries.iter().any(|entry| entry.event.is_some());
    let calendar = has_events.then(|| Link {
        href: settings.public(&feed.calendar()),
        rel: "alternate".into(),
        mime_type: Some("text/calendar".into()),
        ..Link::default()
    });
    let mut extensions = ExtensionMap::new();
    if feed.history.archive.is_some() {
        add(&mut extensions, "fh", Extension { name: "fh:archive".into(), ..Extension::default() });
    }
    let channel = Channel {
        extensions,
        title: untagged(&feed.title),
        link: site.url.to_string(),
        description: untagged(&settings.description(feed, site)),
        language: Some(feed.language.as_ref().unwrap_or(&site.language).to_lowercase()),
        last_build_date: Some(updated.rfc822()),
        generator: Some("Crieur".into()),
        docs: Some("https://www.rssboard.org/rss-specification".into()),
        // An archive is what it is.
        ttl: feed.history.archive.is_none().then(|| TTL_MINUTES.to_string()),
        atom_ext: Some(AtomExtension {
            links: std::iter::once(self_link).chain(hubs).chain(history).chain(calendar).collect(),
        }),
        items: entries.iter().map(|entry| item(entry, settings)).collect(),
        namespaces: namespaces(feed, entries),
        ..Channel::default()
    };
    let written = channel.to_string();
    let mut document = String::with_capacity(written.len() + 64);
    document.push_str(DECLARATION);
    document.push('\n');
    document.push_str(&by_number(written.trim_start_matches(DECLARATION)));
    document.push('\n');
    document.into_bytes()
}

/// Only the modules that the document uses.
fn namespaces(feed: &Feed, entries: &[&Entry]) -> BTreeMap<String, String> {
    let mut used = BTreeMap::from([("atom", "http://www.w3.org/2005/Atom")]);
    if entries.iter().any(|entry| entry.content_html.as_ref().is_some_and(|html| !html.is_empty())) {
        used.insert("content", "http://purl.org/rss/1.0/modules/content/");
    }
    if entries.iter().any(|entry| entry.author.is_some() || entry.language.is_some()) {
        used.insert("dc", "http://purl.org/dc/elements/1.1/");
    }
    if entries.iter().any(|entry| media_of(entry).next().is_some()) {
        used.insert("media", "http://search.yahoo.com/mrss/");
    }
    if entries.iter().any(|entry| entry.event.is_some()) {
        used.insert("ev", "http://purl.org/rss/1.0/modules/event/");
    }
    if feed.history.archive.is_some() {
        used.insert("fh", "http://purl.org/syndication/history/1.0");
    }
    used.into_iter().map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned())).collect()
}

fn item(entry: &Entry, settings: &Settings) -> Item {
    let mut extensions = ExtensionMap::new();
    add(&mut extensions, "atom", text("atom:updated", entry.updated.rfc3339()));
    let enclosure = enclosure(entry);
    for medium in media_of(entry) {
        add(&mut extensions, "media", media(medium));
    }
    if let Some(event) = &entry.event {
        add(&mut extensions, "ev", text("ev:startdate", event.start.rfc3339()));
        if let Some(end) = event.end {
            add(&mut extensions, "ev", text("ev:enddate", end.rfc3339()));
        }
        if let Some(location) = event.location() {
            add(&mut extensions, "ev", text("ev:location", untagged(&location)));
        }
    }
    let dublin_core = (entry.author.is_some() || entry.language.is_some()).then(|| DublinCoreExtension {
        creators: entry.author.iter().map(|name| untagged(name)).collect(),
        languages: entry.language.iter().cloned().collect(),
        ..DublinCoreExtension::default()
    });
    let category = |(kind, term): (Kind, &Term)| Category {
        name: untagged(&term.label),
        domain: Some(settings.scheme(kind.word())),
    };
    // A feed without full content has the summary as its only text; with neither, the title.
    let description =
        if entry.summary_html.is_empty() { crate::text::escape_html(&entry.title) } else { entry.summary_html.clone() };
    Item {
        title: Some(untagged(&entry.title)),
        link: Some(entry.url.to_string()),
        description: Some(description),
        content: entry.content_html.clone().filter(|html| !html.is_empty()),
        guid: Some(Guid { value: entry.id.clone(), permalink: entry.id == entry.url.as_str() }),
        pub_date: Some(entry.published.rfc822()),
        categories: entry.terms().map(category).collect(),
        enclosure: enclosure.map(|attachment| Enclosure {
            url: attachment.url.to_string(),
            length: attachment.facts.length.to_string(),
            mime_type: attachment.facts.media_type.clone(),
        }),
        dublin_core_ext: dublin_core,
        extensions,
        ..Item::default()
    }
}

/// The lead image, and the files that the one enclosure has no room for.
fn media_of(entry: &Entry) -> impl Iterator<Item = Medium> {
    let enclosed = enclosure(entry).map(|file| &file.url);
    let files = entry.attachments.iter().filter(move |file| Some(&file.url) != enclosed);
    entry.image.iter().map(Medium::of_image).chain(files.map(Medium::of_file))
}

fn media(medium: Medium) -> Extension {
    let said = |(name, value): (&str, String)| {
        let mut element = text(&format!("media:{name}"), value);
        element.attrs.insert("type".into(), "plain".into());
        (name.to_owned(), vec![element])
    };
    Extension {
        name: "media:content".into(),
        attrs: medium.attributes,
        children: medium.texts.into_iter().map(said).collect(),
        ..Extension::default()
    }
}

fn text(name: &str, value: String) -> Extension {
    Extension { name: name.into(), value: Some(value), ..Extension::default() }
}

fn add(extensions: &mut ExtensionMap, prefix: &str, extension: Extension) {
    let local = extension.name.rsplit(':').next().unwrap_or_default().to_owned();
    extensions.entry(prefix.to_owned()).or_default().entry(local).or_default().push(extension);
}
