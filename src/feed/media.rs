//! Images and files as Media RSS (rssboard.org/media-rss) tells of them, for RSS and Atom alike.

use super::entry::{Entry, image_type};
use super::plain::untagged;
use crate::article::{Attachment, FileFacts, Image};
use std::collections::BTreeMap;

/// One `media:content`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Medium {
    /// Its attributes.
    pub(super) attributes: BTreeMap<String, String>,
    /// Its elements, by their name without the prefix: plain texts.
    pub(super) texts: Vec<(&'static str, String)>,
}

impl Medium {
    /// The lead image, with what it shows for those who do not see it.
    pub(super) fn of_image(image: &Image) -> Self {
        let mut medium = Self::new(image.url.as_str(), "image", image_type(image), image.facts.as_ref());
        medium.say("description", image.alt.as_deref());
        medium.say("title", image.legend.as_deref());
        medium
    }

    /// A file to download.
    pub(super) fn of_file(file: &Attachment) -> Self {
        let media_type = &file.facts.media_type;
        let kind = match media_type.split('/').next() {
            Some("image") => "image",
            Some("audio") => "audio",
            Some("video") => "video",
            _ => "document",
        };
        let mut medium = Self::new(file.url.as_str(), kind, Some(media_type.clone()), Some(&file.facts));
        medium.say("title", file.title.as_deref());
        medium
    }

    fn new(url: &str, kind: &str, media_type: Option<String>, facts: Option<&FileFacts>) -> Self {
        let pixels = facts.and_then(|facts| facts.pixels);
        // Nothing has no size: the validator takes a zero for a mistake.
        let size = |number: Option<u64>| number.filter(|number| *number > 0).map(|number| number.to_string());
        let attributes = [
            ("url", Some(url.to_owned())),
            ("medium", Some(kind.to_owned())),
            ("type", media_type),
            ("fileSize", size(facts.map(|facts| facts.length))),
            ("width", size(pixels.map(|pixels| pixels.width.into()))),
            ("height", size(pixels.map(|pixels| pixels.height.into()))),
        ];
        let filled = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Self { attributes: filled.collect(), texts: Vec::new() }
    }

    fn say(&mut self, name: &'static str, text: Option<&str>) {
        self.texts.extend(text.map(untagged).filter(|text| !text.is_empty()).map(|text| (name, text)));
    }
}

/// The file that RSS has the one enclosure for: the first to listen to or to watch, since that is what programs look for
/// there, else the first. The validator takes an address without a public host for none.
pub(super) fn enclosure(entry: &Entry) -> Option<&Attachment> {
    let plays = |file: &&Attachment| ["audio/", "video/"].iter().any(|kind| file.facts.media_type.starts_with(kind));
    let file = entry.attachments.iter().find(plays).or(entry.attachments.first())?;
    file.url.host_str().is_some_and(crate::text::is_dotted_host).then_some(file)
}
