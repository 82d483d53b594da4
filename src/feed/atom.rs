//! Atom 1.0 documents (RFC 4287).

use super::entry::{Entry, Term};
use super::media::Medium;
use super::plain::{by_number, has_entity, untagged};
use super::{Feed, Kind, Settings};
use crate::article::{ArticleDate, SiteSettings};
use crate::config::Format;
use crate::text::escape_html;
use atom_syndication::extension::{Extension, ExtensionMap};
use atom_syndication::{Category, Content, FixedDateTime, Generator, Link, Person, Text, TextType, WriteConfig};
use chrono::{DateTime, FixedOffset};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The document of a feed. None if it cannot be written, which only a date outside of chrono's years causes.
pub fn document(feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Option<Vec<u8>> {
    let this = settings.public(&feed.own_path_in(Format::Atom));
    let mut namespaces = BTreeMap::new();
    if entries.iter().any(|entry| entry.image.is_some()) {
        namespaces.insert("media".to_owned(), "http://search.yahoo.com/mrss/".to_owned());
    }
    let mut links =
        vec![link(&this, "self", "application/atom+xml"), link(site.url.as_str(), "alternate", "text/html")];
    links.extend(settings.hubs().iter().map(|hub| Link {
        href: hub.clone(),
        rel: "hub".to_owned(),
        ..Link::default()
    }));
    links.extend(
        feed.history_links(Format::Atom).map(|(rel, path)| link(&settings.public(&path), rel, "application/atom+xml")),
    );
    // The events of these entries, for programs that keep calendars.
    if feed.history.archive.is_none() && entries.iter().any(|entry| entry.event.is_some()) {
        links.push(link(&settings.public(&feed.calendar()), "alternate", "text/calendar"));
    }
    let mut extensions = ExtensionMap::new();
    if feed.history.archive.is_some() {
        namespaces.insert("fh".to_owned(), "http://purl.org/syndication/history/1.0".to_owned());
        let archive = Extension { name: "fh:archive".into(), ..Extension::default() };
        extensions.insert("fh".to_owned(), BTreeMap::from([("archive".to_owned(), vec![archive])]));
    }
    let document = atom_syndication::Feed {
        extensions,
        title: Text::plain(untagged(&feed.title)),
        subtitle: Some(Text::plain(untagged(&settings.description(feed, site)))),
        id: id(feed, site),
        updated: date(ArticleDate::in_zone(feed.updated, &site.timezone))?,
        authors: vec![Person { name: untagged(&site.title), uri: Some(site.url.to_string()), ..Person::default() }],
        generator: Some(Generator { value: "Crieur".into(), ..Generator::default() }),
        links,
        entries: entries.iter().map(|entry| element(entry, settings)).collect::<Option<_>>()?,
        lang: Some(feed.language.as_ref().unwrap_or(&site.language).clone()),
        namespaces,
        ..atom_syndication::Feed::default()
    };
    let config = WriteConfig { write_document_declaration: false, indent_size: None };
    let mut bytes =
        document.write_with_config(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_vec(), config).ok()?;
    bytes.push(b'\n');
    // It makes all markup longer, so it is done only where something asks for it.
    if texts(feed, entries, site, settings).iter().any(|text| has_entity(text)) {
        bytes = by_number(std::str::from_utf8(&bytes).ok()?).into_owned().into_bytes();
    }
    Some(bytes)
}

/// The texts of a document that are no markup.
fn texts(feed: &Feed, entries: &[&Entry], site: &SiteSettings, settings: &Settings) -> Vec<String> {
    let own = [feed.title.clone(), settings.description(feed, site), site.title.clone()];
    let of_entries = entries.iter().flat_map(|entry| {
        let labels = entry.terms().map(|(_, term)| &term.label);
        let titles = entry.attachments.iter().filter_map(|attachment| attachment.title.as_ref());
        let alt = entry.image.iter().flat_map(|image| image.alt.iter().chain(&image.legend));
        labels.chain(titles).chain(alt).chain(&entry.author).chain([&entry.title]).cloned()
    });
    own.into_iter().chain(of_entries).collect()
}

/// `urn:uuid:…`: what a feed is known by for ever, in Atom and in calendars.
pub(super) fn id(feed: &Feed, site: &SiteSettings) -> String {
    let name = format!("{}{}", site.url.host_str().unwrap_or(""), feed.path());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).urn().to_string()
}

fn element(entry: &Entry, settings: &Settings) -> Option<atom_syndication::Entry> {
    let base = entry.url.to_string();
    let html = |value: &str| Text {
        value: value.to_owned(),
        base: Some(base.clone()),
        lang: entry.language.clone(),
        r#type: TextType::Html,
    };
    let mut links = vec![link(entry.url.as_str(), "alternate", "text/html")];
    links.extend(entry.attachments.iter().map(|attachment| Link {
        length: Some(attachment.facts.length.to_string()),
        title: attachment.title.as_deref().map(untagged),
        ..link(attachment.url.as_str(), "enclosure", &attachment.facts.media_type)
    }));
    let category = |(kind, term): (Kind, &Term)| Category {
        term: term.slug.clone(),
        label: Some(untagged(&term.label)),
        scheme: Some(settings.scheme(kind.word())),
    };
    let content = entry.content_html.as_ref().filter(|html| !html.is_empty()).map(|value| Content {
        base: Some(base.clone()),
        lang: entry.language.clone(),
        value: Some(value.clone()),
        content_type: Some("html".into()),
        ..Content::default()
    });
    // An entry needs a text: without content and summary, its title.
    let summary = match (&content, entry.summary_html.as_str()) {
        (None, "") => Some(Text::plain(untagged(&entry.title))),
        (Some(_), "") => None,
        (_, summary) => Some(html(summary)),
    };
    Some(atom_syndication::Entry {
        title: Text { lang: entry.language.clone(), ..Text::plain(untagged(&entry.title)) },
        id: entry.id.clone(),
        updated: date(entry.updated)?,
        published: Some(date(entry.published)?),
        authors: entry.author.iter().map(|name| Person { name: untagged(name), ..Person::default() }).collect(),
        categories: entry.terms().map(category).collect(),
        links,
        summary,
        content,
        extensions: media(entry),
        ..atom_syndication::Entry::default()
    })
}

fn media(entry: &Entry) -> ExtensionMap {
    let Some(medium) = entry.image.as_ref().map(Medium::of_image) else { return ExtensionMap::new() };
    let said = |(name, value): (&str, String)| {
        let attrs = BTreeMap::from([("type".to_owned(), "plain".to_owned())]);
        let element = Extension { name: format!("media:{name}"), value: Some(value), attrs, ..Extension::default() };
        (name.to_owned(), vec![element])
    };
    let content = Extension {
        name: "media:content".into(),
        // The package escapes the attributes of its own elements, not those of extensions.
        attrs: medium.attributes.into_iter().map(|(name, value)| (name, escape_html(&value))).collect(),
        children: medium.texts.into_iter().map(said).collect(),
        ..Extension::default()
    };
    BTreeMap::from([("media".to_owned(), BTreeMap::from([("content".to_owned(), vec![content])]))])
}

fn link(href: &str, rel: &str, mime_type: &str) -> Link {
    Link { href: href.to_owned(), rel: rel.to_owned(), mime_type: Some(mime_type.to_owned()), ..Link::default() }
}

/// A date as the crate wants it.
pub(super) fn date(date: ArticleDate) -> Option<FixedDateTime> {
    let offset = FixedOffset::east_opt(date.offset.seconds())?;
    Some(DateTime::from_timestamp_micros(date.at.as_microsecond())?.with_timezone(&offset))
}
