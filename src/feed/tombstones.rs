//! What readers saw and do not see any more, in a document beside the feeds (RFC 6721, tombstones). It is no feed to
//! subscribe to: inside of one, validators warn of elements that they do not know.

use super::Settings;
use super::atom::date;
use super::plain::{by_number, has_entity, untagged};
use crate::article::{ArticleDate, SiteSettings};
use crate::catalog::Withdrawn;
use crate::text::{escape_html, is_french};
use atom_syndication::extension::Extension;
use atom_syndication::{Generator, Link, Person, Text, WriteConfig};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Its address.
pub const PATH: &str = "/feeds/tombstones.atom";
/// The newest ones stand in it.
const TOMBSTONES_MAX: usize = 500;

/// Its title.
pub fn title(site: &SiteSettings) -> String {
    let what = if is_french(&site.language) { "publications retirées" } else { "withdrawn articles" };
    format!("{} – {what}", site.title)
}

/// The document. None if it cannot be written, which only a date outside of chrono's years causes.
pub fn document(withdrawn: &[Withdrawn], site: &SiteSettings, settings: &Settings) -> Option<Vec<u8>> {
    let french = is_french(&site.language);
    let shown = withdrawn.get(..TOMBSTONES_MAX).unwrap_or(withdrawn);
    let tombstone = |withdrawn: &Withdrawn| {
        let mut element = Extension { name: "at:deleted-entry".into(), ..Extension::default() };
        // The package writes the attributes of extensions as they are.
        element.attrs.insert("ref".into(), escape_html(&withdrawn.guid));
        element.attrs.insert("when".into(), ArticleDate::in_zone(withdrawn.at, &site.timezone).rfc3339());
        element
    };
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}{PATH}", site.url.host_str().unwrap_or("")).as_bytes());
    let subtitle = if french {
        "Ce que les flux ont montré et ne montrent plus (RFC 6721)."
    } else {
        "What the feeds have shown and do not show any more (RFC 6721)."
    };
    let link = |href: String, rel: &str, mime_type: &str| Link {
        href,
        rel: rel.to_owned(),
        mime_type: Some(mime_type.to_owned()),
        ..Link::default()
    };
    let updated = shown.first().map_or(super::LONG_AGO, |newest| newest.at);
    let document = atom_syndication::Feed {
        title: Text::plain(untagged(&title(site))),
        subtitle: Some(Text::plain(subtitle)),
        id: id.urn().to_string(),
        updated: date(ArticleDate::in_zone(updated, &site.timezone))?,
        authors: vec![Person { name: untagged(&site.title), uri: Some(site.url.to_string()), ..Person::default() }],
        generator: Some(Generator { value: "Crieur".into(), ..Generator::default() }),
        links: vec![
            link(settings.public(PATH), "self", "application/atom+xml"),
            link(site.url.to_string(), "alternate", "text/html"),
        ],
        lang: Some(site.language.clone()),
        namespaces: if shown.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([("at".to_owned(), "http://purl.org/atompub/tombstones/1.0".to_owned())])
        },
        extensions: BTreeMap::from([(
            "at".to_owned(),
            BTreeMap::from([("deleted-entry".to_owned(), shown.iter().map(tombstone).collect())]),
        )]),
        ..atom_syndication::Feed::default()
    };
    let config = WriteConfig { write_document_declaration: false, indent_size: None };
    let mut bytes =
        document.write_with_config(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_vec(), config).ok()?;
    bytes.push(b'\n');
    if has_entity(&site.title) {
        bytes = by_number(std::str::from_utf8(&bytes).ok()?).into_owned().into_bytes();
    }
    Some(bytes)
}
