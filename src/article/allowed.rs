//! Elements and attributes that a feed may show.
//!
//! The lists hold only what the W3C feed validator accepts: `role` and `controls` would cost a warning in each feed.

use ammonia::{Builder, UrlRelative};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Elements that stay.
pub(super) const ELEMENTS: [&str; 74] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "ol",
    "p",
    "picture",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "track",
];
/// More elements that stay, and those that are only read: frames become links.
pub(super) const MORE: [&str; 8] = ["nav", "tt", "u", "ul", "var", "video", "wbr", "iframe"];
/// Elements without an end.
pub(super) const EMPTY: [&str; 8] = ["br", "col", "hr", "img", "source", "track", "wbr", "embed"];
/// Elements that go with all they hold.
const SILENT: [&str; 14] = [
    "script", "style", "template", "noembed", "noframes", "select", "textarea", "button", "title", "svg", "math",
    "datalist", "applet", "head",
];
/// Attributes that any element may have.
pub(super) const GENERAL: [&str; 4] = ["dir", "id", "lang", "title"];

/// Attributes that one element may have.
pub(super) fn attributes(element: &str) -> &'static [&'static str] {
    match element {
        "a" => &["href", "hreflang", "name", "type"],
        "audio" => &["src"],
        "blockquote" | "q" => &["cite"],
        "col" | "colgroup" => &["span", "align"],
        "data" => &["value"],
        "del" | "ins" => &["cite", "datetime"],
        "details" => &["open"],
        "iframe" => &["src", "data-src"],
        "img" => &[
            "src",
            "alt",
            "width",
            "height",
            "srcset",
            "sizes",
            "longdesc",
            "data-src",
            "data-lazy-src",
            "data-original",
            "data-srcset",
        ],
        "li" => &["value"],
        "ol" => &["start", "reversed", "type"],
        "source" => &["src", "srcset", "sizes", "media", "type", "width", "height", "data-srcset"],
        "table" => &["summary"],
        "td" => &["colspan", "rowspan", "headers", "align"],
        "th" => &["colspan", "rowspan", "headers", "align", "scope", "abbr"],
        "time" => &["datetime"],
        "track" => &["src", "kind", "srclang", "label"],
        "video" => &["src", "poster", "width", "height"],
        _ => &[],
    }
}

pub(super) static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let elements = || ELEMENTS.iter().chain(&MORE).copied();
    let mut builder = Builder::default();
    builder
        .tags(elements().collect())
        .clean_content_tags(HashSet::from(SILENT))
        .generic_attributes(HashSet::from(GENERAL))
        .tag_attributes(elements().map(|name| (name, attributes(name).iter().copied().collect())).collect())
        .link_rel(None)
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::PassThrough);
    builder
});

/// Whether an element cannot stand in a paragraph.
pub(super) fn is_block(name: &str) -> bool {
    static NAMES: LazyLock<HashMap<&str, ()>> = LazyLock::new(|| {
        [
            "address",
            "article",
            "aside",
            "blockquote",
            "center",
            "details",
            "div",
            "dl",
            "figcaption",
            "figure",
            "footer",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hgroup",
            "hr",
            "main",
            "nav",
            "ol",
            "p",
            "pre",
            "section",
            "summary",
            "table",
            "ul",
        ]
        .into_iter()
        .map(|name| (name, ()))
        .collect()
    });
    NAMES.contains_key(name)
}
