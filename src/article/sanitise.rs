//! HTML that any reader may show: no scripts, styles, frames, forms or handlers; absolute addresses; `alt` everywhere.
//!
//! Ammonia parses as browsers do and keeps what is listed here. What it wrote is read once more ([`Finish`]), tag by
//! tag, for what depends on the article: addresses, alternative texts, names. Nothing leaves that pass but elements and
//! attributes of the lists, each closed where it must be, so that the result is well-formed for XML too once its empty
//! elements are closed.

use super::address::{absolute, absolute_set};
use super::allowed::{CLEANER, ELEMENTS, EMPTY, GENERAL, MORE, attributes, is_block};
use super::plain::is_file_name;
use super::tag::{Tag, next_tag};
use super::writing::Context;
use crate::text::{clean, escape_html};
use std::borrow::Cow;
use std::collections::HashSet;
use url::Url;

/// The tags and the text of any HTML, clean, with addresses as they are.
pub(super) fn plain_tags(html: &str) -> String {
    CLEANER.clean(&in_short_texts(html)).to_string()
}

/// HTML in which no text is made of too many pieces: the parser copies a text whole for each line and entity in it, so
/// that a long one would take hours. A comment, which nobody keeps, begins another text.
fn in_short_texts(html: &str) -> Cow<'_, str> {
    const PIECES_MAX: usize = 500;
    let splits = |byte: u8| matches!(byte, b'&' | b'\n' | b'<');
    if html.bytes().filter(|byte| splits(*byte)).count() <= PIECES_MAX {
        return Cow::Borrowed(html);
    }
    let bytes = html.as_bytes();
    let mut broken = String::new();
    let (mut kept, mut pieces, mut in_tag) = (0, 0, false);
    for (at, byte) in html.bytes().enumerate() {
        let starts_tag = byte == b'<'
            && bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'));
        if starts_tag {
            (in_tag, pieces) = (true, 0);
        } else if byte == b'>' {
            in_tag = false;
        } else if splits(byte) && !in_tag {
            pieces += 1;
            if pieces > PIECES_MAX {
                broken.push_str(&html[kept..at]);
                broken.push_str("<!---->");
                (kept, pieces) = (at, 0);
            }
        }
    }
    if kept == 0 {
        return Cow::Borrowed(html);
    }
    broken.push_str(&html[kept..]);
    Cow::Owned(broken)
}

/// Clean HTML with absolute addresses.
pub(super) fn clean_html(dirty: &str, context: &Context) -> String {
    let html = plain_tags(dirty);
    let mut finish = Finish {
        context,
        targets: targets(&html, context.base),
        given: HashSet::new(),
        open: Vec::new(),
        kept: String::with_capacity(html.len()),
    };
    finish.run(&html);
    // What an entity stood for may be forbidden too, by XML or by HTML.
    clean(finish.kept.trim()).into_owned()
}

/// The fragments that links in an article lead to, in the article.
fn targets(html: &str, base: &Url) -> HashSet<String> {
    let own = base.as_str();
    html.match_indices("href=\"")
        .filter_map(|(at, mark)| {
            let rest = &html[at + mark.len()..];
            let value = &rest[..rest.find('"')?];
            let fragment = value.strip_prefix(own).unwrap_or(value).strip_prefix('#')?;
            Some(crate::text::percent_decode(&super::tag::decoded(fragment)))
        })
        .collect()
}

/// An element that is open in what ammonia wrote.
#[derive(Debug)]
struct Open {
    name: String,
    /// What its end writes; None if it does not stand in what is kept, or was ended already.
    end: Option<String>,
    /// Where it starts in what is kept.
    start: usize,
    /// Where its inside starts in what is kept.
    inside: usize,
}

/// The pass behind ammonia.
struct Finish<'a> {
    context: &'a Context<'a>,
    targets: HashSet<String>,
    given: HashSet<String>,
    open: Vec<Open>,
    kept: String,
}

impl Finish<'_> {
    fn run(&mut self, html: &str) {
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            self.text(&rest[..at]);
            let Some((tag, after)) = next_tag(&rest[at..]) else {
                self.kept.push_str("&lt;");
                rest = &rest[at + 1..];
                continue;
            };
            rest = after;
            if tag.name == "iframe" && !tag.closing {
                // What a frame holds is no text for people.
                rest = rest.find("</iframe>").map_or("", |end| &rest[end + "</iframe>".len()..]);
                self.frame(&tag);
            } else if tag.closing {
                self.end(&tag.name);
            } else {
                self.start(tag);
            }
        }
        self.text(rest);
        while let Some(open) = self.open.pop() {
            self.kept.push_str(&open.end.unwrap_or_default());
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains("&nbsp;") {
            self.kept.push_str(&text.replace("&nbsp;", "\u{A0}"));
        } else {
            self.kept.push_str(text);
        }
    }

    fn start(&mut self, tag: Tag) {
        if !ELEMENTS.contains(&tag.name.as_str()) && !MORE.contains(&tag.name.as_str()) {
            return;
        }
        self.end_same(&tag.name);
        if is_block(&tag.name) || matches!(tag.name.as_str(), "li" | "dd" | "dt") {
            self.end_paragraph();
        }
        let start = self.kept.len();
        let end = match tag.name.as_str() {
            "a" => self.link(&tag),
            "img" => return self.image(&tag),
            "audio" | "video" => self.medium(&tag),
            "source" | "track" => return self.source(&tag),
            name => {
                let attributes = self.plain_attributes(&tag);
                self.kept.push_str(&format!("<{name}{attributes}>"));
                Some(format!("</{name}>"))
            }
        };
        if !EMPTY.contains(&tag.name.as_str()) {
            self.open.push(Open { name: tag.name, end, start, inside: self.kept.len() });
        }
    }

    fn end(&mut self, name: &str) {
        // What ammonia writes is balanced: another name can only be that of an element that was left out.
        let Some(open) = self.open.pop_if(|open| open.name == name) else { return };
        let Some(end) = open.end else { return };
        let says_nothing = |inside: &str| {
            inside.replace("<br>", "").trim_matches(|c: char| c.is_whitespace() || c == '\u{200B}').is_empty()
        };
        let may_go = matches!(name, "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "figure" | "figcaption");
        if may_go && says_nothing(&self.kept[open.inside..]) {
            self.kept.truncate(open.start);
            let line = self.kept.trim_end_matches('\n').len();
            if line < self.kept.len() {
                self.kept.truncate(line + 1);
            }
            return;
        }
        self.kept.push_str(&end);
    }

    /// A block ends the paragraph that it stands in: where an element was left out, it may stand in one.
    fn end_paragraph(&mut self) {
        let within = self.open.iter().rposition(|open| {
            open.end.is_some() && matches!(open.name.as_str(), "p" | "td" | "th" | "li" | "div" | "blockquote" | "dd")
        });
        if let Some(from) = within.filter(|at| self.open[*at].name == "p") {
            self.end_from(from);
        }
    }

    /// An item of a list ends the one that it stands in, and a heading the heading, as in every browser: where an element
    /// was left out, they may stand in each other.
    fn end_same(&mut self, name: &str) {
        let is_heading = |name: &str| matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
        let ends: &[&str] = match name {
            "li" => &["li"],
            "dd" | "dt" => &["dd", "dt"],
            name if is_heading(name) => &[],
            _ => return,
        };
        let mut within = self.open.iter().enumerate().rev().filter(|(_, open)| open.end.is_some());
        let found = within.find_map(|(at, open)| {
            let name = open.name.as_str();
            let same = ends.contains(&name) || (ends.is_empty() && is_heading(name));
            // Only the innermost heading counts, and a list in an item has items of its own.
            let other = ends.is_empty() || (is_block(name) && !matches!(name, "address" | "div" | "p"));
            (same || other).then_some((at, same))
        });
        if let Some((at, true)) = found {
            self.end_from(at);
        }
    }

    /// Ends an element that is open, and all in it.
    fn end_from(&mut self, from: usize) {
        let ends: Vec<String> = self.open[from..].iter_mut().rev().filter_map(|open| open.end.take()).collect();
        self.kept.push_str(&ends.concat());
    }

    /// Attributes that need no more than a look at their value.
    fn plain_attributes(&mut self, tag: &Tag) -> String {
        let mut written = String::new();
        for (name, value) in &tag.attributes {
            let known = GENERAL.contains(&name.as_str()) || attributes(&tag.name).contains(&name.as_str());
            if !known || name.starts_with("data-") {
                continue;
            }
            let value = match name.as_str() {
                "id" => match self.id(&tag.name, value) {
                    Some(id) => id,
                    None => continue,
                },
                "cite" | "longdesc" | "src" | "poster" => match absolute(value, self.context.base) {
                    Some(address) => address,
                    None => continue,
                },
                "srcset" => match absolute_set(value, self.context.base) {
                    Some(set) => set,
                    None => continue,
                },
                "width" | "height" => match length(value) {
                    Some(length) => length,
                    None => continue,
                },
                "lang" | "hreflang" | "title" | "dir" if value.trim().is_empty() => continue,
                _ => value.clone(),
            };
            written.push_str(&format!(" {name}=\"{}\"", escape_html(&value)));
        }
        written
    }

    /// A name that a link may lead to: of a heading, or one that a link leads to. Each is given once.
    fn id(&mut self, element: &str, value: &str) -> Option<String> {
        let heading = matches!(element, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
        let wanted = heading || self.targets.contains(value);
        let right = wanted && !value.is_empty() && !value.contains(char::is_whitespace);
        (right && self.given.insert(value.to_owned())).then(|| value.to_owned())
    }

    /// A link; one that leads nowhere leaves its text.
    fn link(&mut self, tag: &Tag) -> Option<String> {
        let inside_of_one = self.in_link();
        let href = tag.get("href").filter(|href| !matches!(href.trim(), "" | "#") && !inside_of_one);
        let href = href.and_then(|href| absolute(href, self.context.base));
        let name = tag.get("id").or_else(|| tag.get("name")).and_then(|name| self.id("a", name));
        let name = name.map(|name| format!(" id=\"{}\"", escape_html(&name))).unwrap_or_default();
        match href {
            Some(href) => {
                let mut rest = tag.clone();
                rest.attributes.retain(|(name, _)| !matches!(name.as_str(), "href" | "id" | "name"));
                let rest = self.plain_attributes(&rest);
                self.kept.push_str(&format!("<a href=\"{}\"{name}{rest}>", escape_html(&href)));
                Some("</a>".to_owned())
            }
            None if !name.is_empty() => {
                self.kept.push_str(&format!("<span{name}>"));
                Some("</span>".to_owned())
            }
            None => None,
        }
    }

    fn in_link(&self) -> bool {
        self.open.iter().any(|open| open.name == "a" && open.end.is_some())
    }

    /// A frame becomes a link to what it shows.
    fn frame(&mut self, tag: &Tag) {
        let written = tag.get("src").filter(|src| !src.trim().is_empty()).or_else(|| tag.get("data-src"));
        let Some(address) = written.and_then(|src| absolute(src, self.context.base)) else { return };
        let title = tag.get("title").map(str::trim).filter(|title| !title.is_empty());
        let shown = escape_html(title.unwrap_or(&address));
        self.kept.push_str(&if self.in_link() {
            shown
        } else {
            format!("<a href=\"{}\">{shown}</a>", escape_html(&address))
        });
    }

    /// A film or a sound. Without controls (which cost a warning) not every reader can play it, so a link is beside it.
    fn medium(&mut self, tag: &Tag) -> Option<String> {
        let attributes = self.plain_attributes(tag);
        self.kept.push_str(&format!("<{}{attributes}>", tag.name));
        let address = tag.get("src").and_then(|src| absolute(src, self.context.base));
        let title = tag.get("title").map(str::trim).filter(|title| !title.is_empty());
        let beside = address.filter(|_| !self.in_link()).map(|address| {
            let shown = escape_html(title.unwrap_or(&address));
            format!(" <a href=\"{}\">{shown}</a>", escape_html(&address))
        });
        Some(format!("</{}>{}", tag.name, beside.unwrap_or_default()))
    }

    fn source(&mut self, tag: &Tag) {
        let mut tag = tag.clone();
        tag.take_lazy("srcset", &["data-srcset"]);
        let within = self.open.last().is_some_and(|open| matches!(open.name.as_str(), "audio" | "picture" | "video"));
        let attributes = self.plain_attributes(&tag);
        if !within || !(attributes.contains(" src=") || attributes.contains(" srcset=")) {
            return;
        }
        self.kept.push_str(&format!("<{}{attributes}>", tag.name));
        // The first source of a film without an address of its own is the one to link to.
        let address = tag.get("src").and_then(|src| absolute(src, self.context.base));
        if let (Some(address), false, "source") = (address, self.in_link(), tag.name.as_str())
            && let Some(Open { end: Some(end), .. }) = self.open.last_mut()
            && !end.contains("<a ")
        {
            let address = escape_html(&address);
            end.push_str(&format!(" <a href=\"{address}\">{address}</a>"));
        }
    }

    fn image(&mut self, tag: &Tag) {
        let mut tag = tag.clone();
        tag.take_lazy("src", &["data-src", "data-lazy-src", "data-original"]);
        tag.take_lazy("srcset", &["data-srcset"]);
        let address = tag.get("src").and_then(|src| absolute(src, self.context.base));
        let set = tag.get("srcset").and_then(|set| absolute_set(set, self.context.base));
        let size = |name: &str| tag.get(name).and_then(length);
        let (width, height) = (size("width"), size("height"));
        let is_dot = |length: &Option<String>| matches!(length.as_deref(), Some("0" | "1"));
        if (address.is_none() && set.is_none()) || (is_dot(&width) && is_dot(&height)) {
            return;
        }
        let url = address.as_deref().and_then(|address| Url::parse(address).ok());
        let known = self.context.images.iter().find(|image| Some(&image.url) == url.as_ref());
        let alt = tag.get("alt").map(str::trim).filter(|alt| !alt.is_empty() && !is_file_name(alt)).map(str::to_owned);
        let alt = alt.or_else(|| known.and_then(|image| image.alt.clone())).unwrap_or_default();
        let mut written = String::from("<img");
        let mut put = |name: &str, value: &str| written.push_str(&format!(" {name}=\"{}\"", escape_html(value)));
        if let Some(address) = &address {
            put("src", address);
        }
        if let Some(set) = &set {
            put("srcset", set);
        }
        put("alt", &alt);
        let pixels = url.as_ref().filter(|_| width.is_none() && height.is_none()).and_then(|url| {
            let own = known.and_then(|image| image.facts.as_ref()).and_then(|facts| facts.pixels);
            own.or_else(|| self.context.writing.pictures.get(url.as_str()).copied())
        });
        match pixels {
            Some(pixels) => {
                put("width", &pixels.width.to_string());
                put("height", &pixels.height.to_string());
            }
            None => {
                for (name, value) in [("width", &width), ("height", &height)] {
                    if let Some(value) = value {
                        put(name, value);
                    }
                }
            }
        }
        tag.attributes.retain(|(name, _)| matches!(name.as_str(), "title" | "lang" | "dir" | "id" | "longdesc"));
        let rest = self.plain_attributes(&tag);
        self.kept.push_str(&written);
        self.kept.push_str(&rest);
        self.kept.push('>');
    }
}

/// A width or a height: `88`, `88px`, `50%`.
fn length(value: &str) -> Option<String> {
    let value = value.trim();
    let (number, unit) = match value.strip_suffix('%') {
        Some(number) => (number, "%"),
        None => (value.strip_suffix("px").unwrap_or(value), ""),
    };
    let number = number.trim().split('.').next().unwrap_or("");
    let right = !number.is_empty() && number.len() < 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| format!("{}{unit}", number.trim_start_matches('0').parse::<u32>().unwrap_or(0)))
}
