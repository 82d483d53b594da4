//! Markdown as kramdown's users write it, to clean HTML with absolute addresses, and to plain text.
//!
//! Three steps: what only Jekyll understands is taken out (Liquid, attribute lists such as
//! `{:target="_blank"}`); pulldown-cmark renders; ammonia keeps what a feed reader may show and makes addresses
//! absolute. Nothing that can run or hide survives.

use super::liquid::without_liquid;
use crate::text::{clean, one_line, repair_address};
use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
use std::borrow::Cow;
use std::collections::HashSet;
use url::Url;

/// Markdown as clean HTML. Relative addresses are joined to `base`, the article's own address.
pub fn to_html(markdown: &str, base: &Url) -> String {
    let source = plain_markdown(markdown, base);
    let mut rendered = String::with_capacity(source.len() * 3 / 2);
    html::push_html(&mut rendered, Parser::new_ext(&source, options()));
    sanitise(&rendered, base)
}

/// Markdown without what only Jekyll understands.
fn plain_markdown(markdown: &str, base: &Url) -> String {
    let (without_liquid, _) = without_liquid(&clean(markdown), base);
    without_attribute_lists(&without_comments(&without_liquid)).into_owned()
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
}

/// HTML that any reader may show: no scripts, styles, frames, forms or handlers, absolute addresses, `alt` everywhere.
fn sanitise(dirty: &str, base: &Url) -> String {
    let mut builder = Builder::default();
    builder
        .link_rel(None)
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::RewriteWithBase(base.clone()))
        .add_tags(["section"])
        .add_tag_attributes("h1", ["id"])
        .add_tag_attributes("h2", ["id"])
        .add_tag_attributes("h3", ["id"])
        .add_tag_attributes("h4", ["id"])
        .add_tag_attributes("h5", ["id"])
        .add_tag_attributes("h6", ["id"])
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "alt") if is_file_name(value) => Some(Cow::Borrowed("")),
            (_, "href" | "src") => Some(repair_address(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    with_alternative_texts(&builder.clean(dirty).to_string()).trim().to_owned()
}

/// An image without `alt` is read out by its address: an empty one is passed over.
fn with_alternative_texts(html: &str) -> String {
    let mut whole = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find("<img") {
        let end = rest[start..].find('>').map_or(rest.len(), |length| start + length);
        let tag = &rest[start..end];
        whole.push_str(&rest[..end]);
        if !has_attribute(tag, "alt") {
            whole.push_str(" alt=\"\"");
        }
        rest = &rest[end..];
    }
    whole.push_str(rest);
    whole
}

/// Whether a clean tag has an attribute: the word outside of any value.
fn has_attribute(tag: &str, name: &str) -> bool {
    tag.split('"').step_by(2).any(|outside| outside.ends_with(&format!(" {name}=")))
}

/// Whether a text is the name of an image file, which says nothing to those who do not see the image.
pub fn is_file_name(text: &str) -> bool {
    let text = text.trim();
    text.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && matches!(
                extension.to_ascii_lowercase().as_str(),
                "jpg" | "jpeg" | "png" | "gif" | "webp" | "svg" | "avif" | "bmp" | "tif" | "tiff"
            )
    })
}

/// Markdown as plain text: one line per block, French spaces kept.
pub fn to_text(markdown: &str, base: &Url) -> String {
    clean_html_to_text(&to_html(markdown, base))
}

/// The text that a reader sees in any HTML: one line per block.
pub fn html_to_text(html: &str) -> String {
    clean_html_to_text(&Builder::default().clean(html).to_string())
}

/// The text that a reader sees in HTML that [`to_html`] made: one line per block.
pub fn clean_html_to_text(html: &str) -> String {
    const LINE_ENDS: [&str; 17] = [
        "/p",
        "br",
        "/li",
        "/h1",
        "/h2",
        "/h3",
        "/h4",
        "/h5",
        "/h6",
        "/tr",
        "/blockquote",
        "/pre",
        "/dt",
        "/dd",
        "hr",
        "/figure",
        "/figcaption",
    ];
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start].replace('\n', " "));
        let tag = &rest[start + 1..];
        let end = end_of_tag(tag);
        let name = tag[..end].split([' ', '/', '>']).find(|part| !part.is_empty()).unwrap_or("");
        let name = if tag.starts_with('/') { format!("/{name}") } else { name.to_owned() };
        if LINE_ENDS.contains(&name.as_str()) {
            text.push('\n');
        } else if matches!(name.as_str(), "/td" | "/th") {
            text.push(' ');
        }
        rest = tag.get(end + 1..).unwrap_or("");
    }
    text.push_str(&rest.replace('\n', " "));
    let text = text
        .replace("&nbsp;", "\u{A0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    let lines: Vec<String> = text.split('\n').map(one_line).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Where a tag ends: at the first `>` that stands in no attribute's value.
fn end_of_tag(tag: &str) -> usize {
    let mut in_value = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => in_value = !in_value,
            b'>' if !in_value => return at,
            _ => {}
        }
    }
    tag.len()
}

/// Plain text of a title or a term: entities decoded, tags gone, one line. Some readers decode twice, and would take
/// what still looks like a tag for one: its brackets become quotation marks.
pub fn title_to_text(title: &str) -> String {
    let mut text = clean(title).into_owned();
    for _ in 0..2 {
        if text.contains(['<', '&']) {
            text = html_to_text(&text);
        }
    }
    let like_a_tag = text
        .match_indices('<')
        .any(|(at, _)| text[at + 1..].starts_with(|c: char| c == '/' || c == '!' || c.is_ascii_alphabetic()));
    if like_a_tag {
        text = text.replace('<', "‹").replace('>', "›");
    }
    // What an entity stood for may be forbidden too.
    clean(&one_line(&text)).into_owned()
}

/// Deepest nesting of blocks and of HTML elements: parsers take quadratic time in it.
const DEPTH_MAX: usize = 100;

/// Why a text is nested too deep to be read in reasonable time, if it is.
pub fn nests_too_deep(markdown: &str) -> Option<String> {
    let too_deep = |what: &str| Some(format!("{what} are nested over {DEPTH_MAX} deep, so the article is left out"));
    for line in markdown.lines() {
        let marks = line.chars().take_while(|c| c.is_whitespace() || ">-*+.)".contains(*c) || c.is_ascii_digit());
        if marks.filter(|c| matches!(c, '>' | '-' | '*' | '+')).count() > DEPTH_MAX && line.contains([' ', '>']) {
            // A rule of many dashes is one line without a blank inside.
            if line.trim().contains(' ') || line.contains('>') {
                return too_deep("quotations or lists");
            }
        }
    }
    // Elements whose end may be left out do not nest in themselves.
    const OPEN_ENDED: [&str; 20] = [
        "p", "li", "td", "tr", "th", "dt", "dd", "br", "hr", "img", "input", "option", "thead", "tbody", "col", "meta",
        "link", "source", "wbr", "area",
    ];
    let mut depth = 0usize;
    for tag in markdown.split('<').skip(1) {
        let closing = tag.starts_with('/');
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() || OPEN_ENDED.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        depth = if closing { depth.saturating_sub(1) } else { depth + 1 };
        if depth > DEPTH_MAX {
            return too_deep("HTML elements");
        }
    }
    None
}

/// The Markdown of the first paragraph that says something, if there is one.
pub fn first_paragraph(markdown: &str, base: &Url) -> Option<String> {
    let source = plain_markdown(markdown, base);
    let mut depth_of_paragraph = None;
    for (event, range) in Parser::new_ext(&source, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Paragraph) => depth_of_paragraph = Some(range.start),
            Event::End(TagEnd::Paragraph) => {
                let start = depth_of_paragraph.take()?;
                let paragraph = &source[start..range.end];
                if !to_text(paragraph, base).is_empty() {
                    return Some(paragraph.to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// Kramdown's comments taken out, with what they hold: `{::comment}…{:/comment}` or `{:/}`. One that never ends goes
/// to the end of the text, so that nothing comes out that was meant to be hidden.
fn without_comments(markdown: &str) -> Cow<'_, str> {
    const START: &str = "{::comment}";
    if !markdown.contains(START) {
        return Cow::Borrowed(markdown);
    }
    let mut kept = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(start) = rest.find(START) {
        kept.push_str(&rest[..start]);
        let held = &rest[start + START.len()..];
        rest = match held.find("{:/") {
            Some(end) => held[end..].find('}').map_or("", |length| &held[end + length + 1..]),
            None => "",
        };
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Kramdown's attribute lists taken out: `{:target="_blank"}` behind a link, `{: .encadre }` on a line of its own,
/// `{::comment}`. Code keeps its braces.
fn without_attribute_lists(markdown: &str) -> Cow<'_, str> {
    if !markdown.contains("{:") {
        return Cow::Borrowed(markdown);
    }
    let mut kept = String::with_capacity(markdown.len());
    let mut fence: Option<&str> = None;
    for line in markdown.split_inclusive('\n') {
        let bare = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
        if fence.is_some() || mark.is_some() {
            fence = match (fence, mark) {
                (Some(open), Some(mark)) if open == mark => None,
                (None, mark) => mark,
                (open, _) => open,
            };
            kept.push_str(line);
        } else if line.starts_with("    ") && !line.trim_start().starts_with("{:") {
            kept.push_str(line);
        } else {
            drop_lists(line, &mut kept);
        }
    }
    Cow::Owned(kept)
}

fn drop_lists(line: &str, kept: &mut String) {
    let mut rest = line;
    let mut in_code = false;
    let before = kept.len();
    while let Some(at) = rest.find(['`', '{']) {
        kept.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(after) = tail.strip_prefix('`') {
            in_code = !in_code;
            kept.push('`');
            rest = after;
        } else if let Some(length) = attribute_list(tail).filter(|_| !in_code) {
            rest = &tail[length..];
        } else {
            kept.push('{');
            rest = &tail[1..];
        }
    }
    kept.push_str(rest);
    // A line that held nothing but its list is gone as a whole: a blank one would cut the paragraph.
    if kept[before..].trim().is_empty() && !line.trim().is_empty() {
        kept.truncate(before);
    }
}

/// Longest attribute list.
const LIST_MAX: usize = 300;

/// The length of the attribute list at the start of a text, if one is there.
fn attribute_list(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("{:")?;
    let mut quote = None;
    for (at, c) in inside.char_indices().take(LIST_MAX) {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '}') => return Some(at + 3),
            (_, '\n') => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://www.example.fr/agenda/x/").unwrap()
    }

    fn check(markdown: &str, html: &str) {
        assert_eq!(to_html(markdown, &base()), html);
    }

    #[test]
    fn addresses_are_absolute_and_their_encoding_is_left_alone() {
        check(
            "![Une carte](/uploads/Copie%20de%20Visuel%20RS%2034-%201920x1080px(2).png)",
            "<p><img src=\"https://www.example.fr/uploads/Copie%20de%20Visuel%20RS%2034-%201920x1080px(2).png\" alt=\"Une carte\"></p>",
        );
        check(
            "[ici](#bas) [là](../y/)",
            "<p><a href=\"https://www.example.fr/agenda/x/#bas\">ici</a> <a href=\"https://www.example.fr/agenda/y/\">là</a></p>",
        );
        check("<a href=\"/é\">x</a>", "<p><a href=\"https://www.example.fr/%C3%A9\">x</a></p>");
    }

    #[test]
    fn what_can_run_or_hide_is_gone() {
        check(
            "<p onclick=\"x()\" style=\"color:red\">a</p><script>x</script><iframe src=\"/y\"></iframe><a href=\"javascript:x\">b</a>",
            "<p>a</p><a>b</a>",
        );
    }

    #[test]
    fn a_file_name_is_no_alternative_text() {
        check("![DSC01712.JPG](/a.jpg)", "<p><img src=\"https://www.example.fr/a.jpg\" alt=\"\"></p>");
        check("<img src=\"/a.jpg\">", "<img src=\"https://www.example.fr/a.jpg\" alt=\"\">");
    }

    #[test]
    fn kramdown_attribute_lists_leave_no_braces() {
        check("[x](https://y.fr){:target=\"_blank\"} et", "<p><a href=\"https://y.fr\">x</a> et</p>");
        check("Texte\n{: .encadre role=\"presentation\" }\n\nSuite", "<p>Texte</p>\n<p>Suite</p>");
        check("`{:a}`", "<p><code>{:a}</code></p>");
        check("```\n{:a}\n```", "<pre><code>{:a}\n</code></pre>");
        check("## Titre ## {#id}", "<h2 id=\"id\">Titre</h2>");
    }

    #[test]
    fn what_is_hidden_stays_hidden() {
        check("a {::comment}\njean@prive.example\n{:/comment} b", "<p>a  b</p>");
        check("a {% if x %}secret{% if y %}z{% endif %}{% else %}autre{% endif %} b", "<p>a  b</p>");
        check("a {::comment} jean@prive.example", "<p>a</p>");
    }

    #[test]
    fn deep_nesting_is_refused_and_long_texts_are_read_in_linear_time() {
        assert!(nests_too_deep(&"<div>".repeat(500)).is_some());
        assert!(nests_too_deep(&"> ".repeat(500)).is_some());
        assert!(nests_too_deep(&format!("{}\n\n<p>a<p>b", "-".repeat(500))).is_none());
        assert!(nests_too_deep(&"<p>x<br>\n".repeat(5_000)).is_none());
        // Quadratic, these would take minutes.
        for piece in ["{:", "{{", "{% x %}", "{% if x %}", "{::comment}", "`{:"] {
            to_html(&piece.repeat(40_000), &base());
        }
    }

    #[test]
    fn text_keeps_french_typography() {
        let text = to_text(
            "**« Cloud\u{202F}»** :\u{A0}l’*État* &amp; &lt;b&gt;\n\n* un\n* deux\n\n|a|b|\n|-|-|\n|1|2|",
            &base(),
        );
        assert_eq!(text, "« Cloud\u{202F}» :\u{A0}l’État & <b>\nun\ndeux\na b\n1 2");
        assert_eq!(title_to_text("Cloud&nbsp;: <b>l’État</b> &#38; nous"), "Cloud\u{A0}: l’État & nous");
        assert_eq!(title_to_text("a&#1;b&#xFFFE;"), "ab");
        assert_eq!(title_to_text("&amp;lt;b&amp;gt;x et R&amp;amp;D, 1 < 2"), "‹b›x et R&D, 1 ‹ 2");
    }

    #[test]
    fn the_first_paragraph_is_the_first_that_says_something() {
        assert_eq!(
            first_paragraph("## Titre\n\n![x.png](/x.png)\n\nUn *deux*.\n\nTrois", &base()).as_deref(),
            Some("Un *deux*.\n")
        );
        assert_eq!(first_paragraph("## Titre", &base()), None);
    }
}
