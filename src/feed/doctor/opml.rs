//! OPML 2.0.

use super::rss::web_address;
use super::text::is_rfc822;
use super::tree::Element;
use super::{Fault, broken, shown};

pub(super) fn check(root: &Element) -> Result<(), Fault> {
    if root.name != "opml" || root.get("version") != Some("2.0") {
        return Err(broken("InvalidOPMLVersion", "the root is not <opml version=\"2.0\">"));
    }
    let head = root.one("head")?;
    head.said("title")?;
    if let Some(date) = head.at_most_one("dateModified")?
        && !is_rfc822(&date.text)
    {
        return Err(broken("InvalidRFC2822Date", format!("<dateModified> is {}", shown(&date.text))));
    }
    let body = root.one("body")?;
    if body.all("outline").next().is_none() {
        return Err(broken("MissingElement", "the list holds nothing"));
    }
    body.all("outline").try_for_each(outline)
}

fn outline(outline: &Element) -> Result<(), Fault> {
    let filled = |name: &str| outline.get(name).is_some_and(|value| !value.trim().is_empty());
    if !filled("text") {
        return Err(broken("MissingAttribute", "an outline has no text"));
    }
    match outline.get("type") {
        Some("rss") => {
            if !filled("title") {
                return Err(broken("MissingTitleAttr", "a feed has no title"));
            }
            let Some(address) = outline.get("xmlUrl") else {
                return Err(broken("MissingXmlURL", "a feed has no address"));
            };
            web_address("outline", address)?;
        }
        Some("link") => {
            let Some(address) = outline.get("url") else {
                return Err(broken("MissingUrlAttr", "a link leads nowhere"));
            };
            web_address("outline", address)?;
        }
        Some(other) => return Err(broken("InvalidOutlineType", format!("an outline is of the type {}", shown(other)))),
        None if outline.attributes.iter().any(|(name, _)| name != "text") => {
            return Err(broken("MissingOutlineType", "an outline with an address has no type"));
        }
        None => {}
    }
    if outline.get("htmlUrl").is_some_and(|address| web_address("outline", address).is_err()) {
        return Err(broken("InvalidFullLink", "the page of a feed has no whole address"));
    }
    if outline.get("version").is_some_and(|version| !["RSS", "RSS1", "RSS2", "scriptingNews"].contains(&version)) {
        return Err(broken("InvalidOutlineVersion", "a feed is of a version that there is not"));
    }
    outline.all("outline").try_for_each(self::outline)
}
