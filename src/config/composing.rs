//! What goes with the text of a rule's posts: threads, images, cards.

use super::raw::{RawImages, RawMissingAlt, RawRule};

/// What goes with a text, and what becomes of one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composing {
    /// Whether a text that is too long goes on in further posts.
    pub thread: bool,
    /// Whether the posts of a thread end with their number.
    pub thread_numbers: bool,
    /// Which images of the article go with the post.
    pub images: Images,
    /// What happens if one has no alternative text, or cannot be used.
    pub alt: MissingAlt,
    /// Whether a link card goes with a post without images.
    pub card: bool,
}

impl Default for Composing {
    fn default() -> Self {
        Self { thread: false, thread_numbers: true, images: Images::None, alt: MissingAlt::Hold, card: true }
    }
}

/// Which images of an article go with its posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// None.
    None,
    /// The lead image.
    Lead,
    /// All, as many as the network takes.
    All,
}

/// What happens if an image has no alternative text, or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingAlt {
    /// The delivery is held until a person approves it.
    Hold,
    /// The post goes out without the image.
    Drop,
    /// The article's title is the alternative text; an image that cannot be used is left out.
    Title,
}

pub(super) fn read(raw: &RawRule) -> Composing {
    let default = Composing::default();
    Composing {
        thread: raw.thread.unwrap_or(default.thread),
        thread_numbers: raw.thread_numbers.unwrap_or(default.thread_numbers),
        images: match raw.images {
            Some(RawImages::Lead) => Images::Lead,
            Some(RawImages::All) => Images::All,
            Some(RawImages::None) => Images::None,
            None => default.images,
        },
        alt: match raw.alt {
            Some(RawMissingAlt::Hold) => MissingAlt::Hold,
            Some(RawMissingAlt::Drop) => MissingAlt::Drop,
            Some(RawMissingAlt::Title) => MissingAlt::Title,
            None => default.alt,
        },
        card: raw.card.unwrap_or(default.card),
    }
}
