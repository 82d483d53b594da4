//! The HTML of an entry, looked through tag by tag, without the code that made it.

use super::text::{is_address, is_bad};
use std::borrow::Cow;
use std::ops::Range;
use url::Url;

/// Whether the W3C validator takes an element for harmless; forms, which ask for something, are not.
#[rustfmt::skip]
fn is_harmless_element(name: &str) -> bool {
    matches!(name,
        "a" | "abbr" | "acronym" | "address" | "article" | "aside" | "audio" | "b" | "bdi" | "big" | "blockquote" |
        "br" | "caption" | "center" | "cite" | "code" | "col" | "colgroup" | "data" | "dd" | "del" | "details" |
        "dfn" | "dir" | "div" | "dl" | "dt" | "em" | "figcaption" | "figure" | "font" | "footer" | "h1" | "h2" |
        "h3" | "h4" | "h5" | "h6" | "header" | "hgroup" | "hr" | "i" | "img" | "ins" | "kbd" | "li" | "main" | "map"
        | "mark" | "menu" | "meter" | "nav" | "ol" | "p" | "picture" | "pre" | "progress" | "q" | "rp" | "rt" |
        "ruby" | "s" | "samp" | "section" | "small" | "source" | "span" | "strike" | "strong" | "sub" | "summary" |
        "sup" | "table" | "tbody" | "td" | "tfoot" | "th" | "thead" | "time" | "tr" | "track" | "tt" | "u" | "ul" |
        "var" | "video" | "wbr"
    )
}

/// Whether it takes an attribute for harmless.
#[rustfmt::skip]
fn is_harmless_attribute(name: &str) -> bool {
    matches!(name,
        "abbr" | "align" | "alt" | "axis" | "bgcolor" | "border" | "cellpadding" | "cellspacing" | "char" |
        "charoff" | "cite" | "class" | "clear" | "color" | "cols" | "colspan" | "compact" | "coords" | "datetime" |
        "default" | "dir" | "download" | "face" | "headers" | "height" | "hidden" | "high" | "href" | "hreflang" |
        "hspace" | "id" | "ismap" | "itemid" | "itemprop" | "itemref" | "itemscope" | "itemtype" | "kind" | "label"
        | "lang" | "list" | "loading" | "longdesc" | "low" | "max" | "media" | "min" | "name" | "noshade" | "nowrap"
        | "open" | "optimum" | "poster" | "preload" | "rel" | "rev" | "reversed" | "rows" | "rowspan" | "rules" |
        "scope" | "shape" | "size" | "sizes" | "span" | "src" | "srclang" | "srcset" | "start" | "summary" |
        "target" | "title" | "translate" | "type" | "usemap" | "valign" | "value" | "vspace" | "width"
    ) || name.starts_with("data-")
}

/// Whether an element has no end.
fn is_empty(name: &str) -> bool {
    matches!(name, "br" | "col" | "hr" | "img" | "source" | "track" | "wbr")
}

/// Whether the value of an attribute is an address.
fn is_address_attribute(name: &str) -> bool {
    matches!(name, "href" | "src" | "poster" | "cite" | "longdesc")
}

/// Something that is wrong, and the range of the HTML with what should stand there instead, if that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) mend: Option<(Range<usize>, String)>,
}

/// Looks through HTML. `base` is the article's address, against which relative addresses are mended.
pub(super) fn look(html: &str, base: Option<&Url>) -> Vec<Find> {
    let mut look = Look { html, base, finds: Vec::new(), open: Vec::new() };
    look.run();
    look.finds
}

/// HTML with all mendings that were found.
pub(super) fn mended<'a>(html: &'a str, finds: &[Find]) -> Cow<'a, str> {
    let mut mends: Vec<&(Range<usize>, String)> = finds.iter().filter_map(|find| find.mend.as_ref()).collect();
    if mends.is_empty() {
        return Cow::Borrowed(html);
    }
    mends.sort_by_key(|(range, _)| range.start);
    let mut written = String::with_capacity(html.len());
    let mut at = 0;
    for (range, instead) in mends {
        if range.start >= at {
            written.push_str(&html[at..range.start]);
            written.push_str(instead);
            at = range.end;
        }
    }
    written.push_str(&html[at..]);
    Cow::Owned(written)
}

/// Bytes that an ampersand, or a character that no document should hold, starts with.
static SUSPECT: [bool; 256] = {
    let mut suspect = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        suspect[byte] = byte != b'\t' as usize && byte != b'\n' as usize;
        byte += 1;
    }
    suspect[b'&' as usize] = true;
    suspect[0x7F] = true;
    // U+0080 to U+00BF, U+F000 to U+FFFF, and all beyond.
    suspect[0xC2] = true;
    byte = 0xEF;
    while byte < 0x100 {
        suspect[byte] = true;
        byte += 1;
    }
    suspect
};

struct Look<'a> {
    html: &'a str,
    base: Option<&'a Url>,
    finds: Vec<Find>,
    open: Vec<&'a str>,
}

impl<'a> Look<'a> {
    fn find(&mut self, class: &'static str, what: impl Into<String>, mend: Option<(Range<usize>, String)>) {
        self.finds.push(Find { class, what: what.into(), mend });
    }

    fn run(&mut self) {
        let html = self.html;
        let mut at = 0;
        while let Some(start) = html[at..].find('<').map(|found| at + found) {
            self.text(at..start);
            let is_tag = html[start + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
            match Self::end_of_tag(html, start).filter(|_| is_tag) {
                Some(end) => {
                    self.tag(start, end);
                    at = end;
                }
                None => {
                    self.find("NotHtml", "a `<` that starts no tag", Some((start..start + 1, "&lt;".to_owned())));
                    at = start + 1;
                }
            }
        }
        self.text(at..html.len());
        if let Some(name) = self.open.pop() {
            self.find("NotHtml", format!("<{name}> never ends"), None);
        }
    }

    /// Where a tag ends: behind the `>` that stands in no value.
    fn end_of_tag(html: &str, start: usize) -> Option<usize> {
        let mut quote = None;
        for (at, byte) in html[start + 1..].bytes().enumerate() {
            match (quote, byte) {
                (None, b'>') => return Some(start + 1 + at + 1),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
        }
        None
    }

    /// Text between tags, or a value: characters, and ampersands that start nothing.
    fn text(&mut self, range: Range<usize>) {
        let text = &self.html[range.clone()];
        let mut from = 0;
        while let Some(offset) = text[from..].bytes().position(|byte| SUSPECT[usize::from(byte)]).map(|at| from + at) {
            let Some(c) = text[offset..].chars().next() else { return };
            from = offset + c.len_utf8();
            if c != '&' && !is_bad(c) {
                continue;
            }
            let at = range.start + offset;
            if c == '&' {
                if !starts_reference(&text[offset..]) {
                    self.find(
                        "NotHtml",
                        "an ampersand that is not written &amp;",
                        Some((at..at + 1, "&amp;".to_owned())),
                    );
                }
            } else {
                let instead = if c == '\u{FFFD}' { "?" } else { "" };
                let mend = Some((at..at + c.len_utf8(), instead.to_owned()));
                self.find("BadCharacters", format!("the character U+{:04X}", u32::from(c)), mend);
            }
        }
    }

    fn tag(&mut self, start: usize, end: usize) {
        let html = self.html;
        let inside = &html[start + 1..end - 1];
        let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |rest| (true, rest));
        let length = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(length);
        if !is_harmless_element(name) {
            self.find("SecurityRisk", format!("<{name}>"), None);
            return;
        }
        if closing {
            match self.open.pop() {
                Some(open) if open == name => {}
                open => {
                    self.open.extend(open);
                    self.find("NotHtml", format!("</{name}> ends nothing"), None);
                }
            }
            return;
        }
        if !is_empty(name) {
            self.open.push(name);
        }
        self.attributes(name, end - 1 - attributes.len()..end - 1);
    }

    fn attributes(&mut self, element: &str, range: Range<usize>) {
        let html = self.html;
        let mut at = range.start;
        while at < range.end {
            let rest = &html[at..range.end];
            let name_start = at + (rest.len() - rest.trim_start_matches([' ', '\n', '\t', '/']).len());
            let rest = &html[name_start..range.end];
            if rest.is_empty() {
                return;
            }
            let name_end = name_start + rest.find(['=', ' ', '\n', '\t']).unwrap_or(rest.len());
            let name = &html[name_start..name_end];
            let (value, end) = match html[name_end..range.end].strip_prefix("=\"") {
                Some(value) => {
                    let value_start = name_end + 2;
                    let value_end = value_start + value.find('"').unwrap_or(value.len());
                    (value_start..value_end, (value_end + 1).min(range.end))
                }
                None if html[name_end..range.end].starts_with('=') => {
                    self.find("NotHtml", format!("{name} of <{element}> without quotation marks"), None);
                    return;
                }
                None => (name_end..name_end, name_end),
            };
            let whole = at..end;
            at = end;
            if name == "style" {
                self.find("DangerousStyleAttr", format!("style of <{element}>"), Some((whole, String::new())));
            } else if !is_harmless_attribute(name) {
                self.find("SecurityRiskAttr", format!("{name} of <{element}>"), Some((whole, String::new())));
            } else if is_address_attribute(name) {
                self.address(name, element, value);
            } else if name == "srcset" {
                let addresses = html[value.clone()].split(", ").filter_map(|one| one.split_whitespace().next());
                if let Some(relative) = addresses.into_iter().find(|address| !is_address(&unescaped(address))) {
                    self.find(
                        "ContainsRelRef",
                        format!("srcset of <{element}>, {relative}"),
                        Some((whole, String::new())),
                    );
                }
            } else {
                self.text(value);
            }
        }
    }

    fn address(&mut self, name: &str, element: &str, range: Range<usize>) {
        let address = unescaped(&self.html[range.clone()]);
        let what = format!("{name} of <{element}>, {address}");
        let scheme = address.split(':').next().unwrap_or("").to_ascii_lowercase();
        if is_address(&address) {
            if !matches!(scheme.as_str(), "http" | "https" | "mailto" | "tel") {
                self.find("SecurityRisk", what, None);
            }
            return;
        }
        let class = if address.contains(':') { "UriNotIri" } else { "ContainsRelRef" };
        let whole = self.base.and_then(|base| base.join(&crate::text::repair_address(&address)).ok());
        let whole = whole.filter(|url| matches!(url.scheme(), "http" | "https") && is_address(url.as_str()));
        self.find(class, what, whole.map(|url| (range, crate::text::escape_html(url.as_str()))));
    }
}

/// Whether a text starts with a reference to a character.
fn starts_reference(text: &str) -> bool {
    let rest = &text[1..];
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    if name.len() == rest.len() && end == 0 {
        // One that stands alone is right.
        return rest.is_empty() || rest.starts_with([' ', '\n', '\t', '<', '&']);
    }
    end > 0 && name[end..].starts_with(';')
}

/// A value without the few references that this house writes in addresses.
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    Cow::Owned(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(html: &str) -> (Vec<&'static str>, String) {
        let base = Url::parse("https://www.example.fr/x/").unwrap();
        let finds = look(html, Some(&base));
        let mended = mended(html, &finds).into_owned();
        (finds.into_iter().map(|find| find.class).collect(), mended)
    }

    #[test]
    fn what_is_wrong_is_named_and_mended_where_there_is_one_right_way() {
        for (html, classes, mend) in [
            ("<p>a &amp; b &lt; c</p><br><img src=\"https://x.fr/a?b&amp;c\" alt=\"\">", vec![], None),
            ("<p onclick=\"x\" id=\"a\">", vec!["SecurityRiskAttr", "NotHtml"], Some("<p id=\"a\">")),
            ("<p style=\"x\"></p>", vec!["DangerousStyleAttr"], Some("<p></p>")),
            ("<script>x</script>", vec!["SecurityRisk", "SecurityRisk"], None),
            ("<a href=\"javascript:x\">y</a>", vec!["SecurityRisk"], None),
            ("<a href=\"/y\">y</a>", vec!["ContainsRelRef"], Some("<a href=\"https://www.example.fr/y\">y</a>")),
            ("<img src=\"a b\">", vec!["ContainsRelRef"], Some("<img src=\"https://www.example.fr/x/a%20b\">")),
            ("<a href=\"https://x.fr/é\">y</a>", vec!["UriNotIri"], Some("<a href=\"https://x.fr/%C3%A9\">y</a>")),
            ("<img srcset=\"/a 1x\" alt=\"b\">", vec!["ContainsRelRef"], Some("<img alt=\"b\">")),
            ("a\u{80}b\u{fffd}\u{b}", vec!["BadCharacters"; 3], Some("ab?")),
            (
                "<i title=\"a\u{80}\">R&D & &co; &#12</i>",
                vec!["BadCharacters", "NotHtml", "NotHtml"],
                Some("<i title=\"a\">R&amp;D & &co; &amp;#12</i>"),
            ),
            ("a < b", vec!["NotHtml"], Some("a &lt; b")),
            ("<p><b></p></b>", vec!["NotHtml", "NotHtml"], None),
            ("<p", vec!["NotHtml"], Some("&lt;p")),
            ("<a title=b>c</a>", vec!["NotHtml"], None),
        ] {
            assert_eq!(told(html), (classes, mend.unwrap_or(html).to_owned()), "{html}");
        }
    }
}
