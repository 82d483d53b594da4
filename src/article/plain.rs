//! From HTML to the plain text that a reader sees.

use super::sanitise;
use crate::text::{clean, one_line};

/// The text that a reader sees in any HTML: one line per block.
pub fn html_to_text(html: &str) -> String {
    clean_html_to_text(&sanitise::plain_tags(html))
}

/// The text that a reader sees in HTML that this module made: one line per block.
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

/// Whether a text is the name of an image file, which says nothing to those who do not see the image: `DSC01712.JPG`,
/// `IMG_2024`.
pub fn is_file_name(text: &str) -> bool {
    const ENDINGS: [&str; 12] =
        ["jpg", "jpeg", "png", "gif", "webp", "svg", "avif", "bmp", "tif", "tiff", "heic", "jfif"];
    let text = text.trim();
    let has_ending = text
        .rsplit_once('.')
        .is_some_and(|(stem, ending)| !stem.is_empty() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str()));
    let lower = text.to_ascii_lowercase();
    // What cameras and telephones write before a number.
    let of_camera = ["img", "dsc", "dscn", "dscf", "pict", "screenshot", "image", "photo", "capture"]
        .iter()
        .filter_map(|mark| lower.strip_prefix(mark))
        .any(|rest| {
            rest.starts_with(['_', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | '-'))
        });
    has_ending || of_camera || matches!(lower.as_str(), "image" | "img" | "photo" | "alt" | "alt text")
}
