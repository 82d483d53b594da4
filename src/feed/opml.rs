//! The list of all feeds: an OPML 2.0 document (opml.org/spec2.opml), with which a reader subscribes to many at once.
//!
//! It has no `docs`: the W3C validator takes that element of the head for an error.

use super::plain::signless;
use super::{Feed, Kind, Settings};
use crate::article::{ArticleDate, SiteSettings};
use crate::config::Format;
use crate::text::{is_dotted_host, is_french};
use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Its address.
pub const PATH: &str = "/feeds/opml";
/// Its media type.
pub const MEDIA_TYPE: &str = "text/x-opml; charset=utf-8";

/// The list of feeds, by kind and by name. `extra` are other documents of the house, each with its title and its
/// address: they are linked at the end, and no reader subscribes to them.
pub fn document(feeds: &[Arc<Feed>], site: &SiteSettings, settings: &Settings, extra: &[(String, String)]) -> Vec<u8> {
    // Writing to memory does not fail.
    written(feeds, site, settings, extra).unwrap_or_default()
}

fn written(
    feeds: &[Arc<Feed>],
    site: &SiteSettings,
    settings: &Settings,
    extra: &[(String, String)],
) -> io::Result<Vec<u8>> {
    let french = is_french(&site.language);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let updated = feeds.iter().map(|feed| feed.updated).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut kinds: BTreeMap<Kind, Vec<&Feed>> = BTreeMap::new();
    for feed in feeds {
        kinds.entry(feed.kind).or_default().push(feed);
    }
    writer.create_element("opml").with_attribute(("version", "2.0")).write_inner_content(|writer| {
        writer.create_element("head").write_inner_content(|writer| {
            let title =
                if french { format!("{} – les flux", site.title) } else { format!("{} – feeds", site.title) };
            text(writer, "title", &signless(&title))?;
            text(writer, "dateModified", &ArticleDate::in_zone(updated, &site.timezone).rfc822())?;
            text(writer, "ownerName", &signless(&site.title))?;
            if site.url.host_str().is_some_and(is_dotted_host) {
                text(writer, "ownerId", site.url.as_str())?;
            }
            Ok(())
        })?;
        writer.create_element("body").write_inner_content(|writer| {
            for (kind, mut feeds) in kinds {
                // Slugs are without accents and case, as people order.
                feeds.sort_by(|a, b| (&a.slug, &a.term).cmp(&(&b.slug, &b.term)));
                match heading(kind, french) {
                    None => feeds.iter().try_for_each(|feed| outline(writer, feed, site, settings))?,
                    Some(heading) => {
                        let element = writer.create_element("outline").with_attribute(("text", heading));
                        element.write_inner_content(|writer| {
                            feeds.iter().try_for_each(|feed| outline(writer, feed, site, settings))
                        })?;
                    }
                }
            }
            for (title, address) in extra {
                let element = writer.create_element("outline").with_attribute(("text", signless(title).as_str()));
                element.with_attributes([("type", "link"), ("url", address.as_str())]).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(value))?;
    Ok(())
}

/// What feeds of a kind stand under; None for the one of everything.
fn heading(kind: Kind, french: bool) -> Option<&'static str> {
    let (in_french, in_english) = match kind {
        Kind::All | Kind::Events => return None,
        Kind::Collection => ("Rubriques", "Collections"),
        Kind::Category => ("Catégories", "Categories"),
        Kind::Tag => ("Étiquettes", "Tags"),
        Kind::Author => ("Auteurs", "Authors"),
        Kind::Language => ("Langues", "Languages"),
    };
    Some(if french { in_french } else { in_english })
}

/// One feed, in the first format that every reader knows.
fn outline(writer: &mut Writer<Vec<u8>>, feed: &Feed, site: &SiteSettings, settings: &Settings) -> io::Result<()> {
    let formats = &settings.feeds.formats;
    let known = [Format::Rss, Format::Atom].into_iter().find(|format| formats.contains(format));
    let Some(format) = known.or(formats.first().copied()) else { return Ok(()) };
    let name = signless(if feed.kind == Kind::All { &feed.title } else { &feed.label });
    let category = if feed.kind.is_single() { String::new() } else { format!("/{}/{}", feed.kind.word(), feed.slug) };
    let (xml, html) = (settings.public(&feed.path_in(format)), settings.public(&feed.path()));
    let (title, description) = (signless(&feed.title), signless(&settings.description(feed, site)));
    let mut element = writer.create_element("outline").with_attributes([
        ("text", name.as_str()),
        ("type", "rss"),
        ("title", title.as_str()),
        ("xmlUrl", xml.as_str()),
        ("htmlUrl", html.as_str()),
        ("description", description.as_str()),
        ("language", feed.language.as_ref().unwrap_or(&site.language).as_str()),
    ]);
    if format == Format::Rss {
        element = element.with_attribute(("version", "RSS2"));
    }
    if !category.is_empty() {
        element = element.with_attribute(("category", category.as_str()));
    }
    element.write_empty()?;
    Ok(())
}
