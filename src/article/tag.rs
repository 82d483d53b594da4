//! One tag of HTML as ammonia writes it: lower-case names, every value in double quotes.

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) closing: bool,
    /// Names and decoded values.
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes the value of an attribute from those that scripts would take it from, if they have one.
    pub(super) fn take_lazy(&mut self, name: &str, from: &[&str]) {
        let lazy = from.iter().find_map(|from| self.get(from)).filter(|value| !value.trim().is_empty());
        if let Some(value) = lazy.map(str::to_owned) {
            self.attributes.retain(|(known, _)| known != name);
            self.attributes.push((name.to_owned(), value));
        }
    }
}

/// The tag at the start of a text, and the text behind it.
pub(super) fn next_tag(text: &str) -> Option<(Tag, &str)> {
    let inside = text.strip_prefix('<')?;
    let closing = inside.starts_with('/');
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let length = inside.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let mut tag = Tag { name: inside[..length].to_owned(), closing, attributes: Vec::new() };
    if tag.name.is_empty() {
        return None;
    }
    let mut rest = &inside[length..];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return Some((tag, after));
        }
        let end = rest.find(|c: char| c == '=' || c == '>' || c.is_whitespace())?;
        let name = &rest[..end];
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(value) => {
                let end = value.find('"')?;
                rest = &value[end + 1..];
                decoded(&value[..end])
            }
            None => {
                rest = rest.strip_prefix('=').unwrap_or(rest);
                String::new()
            }
        };
        tag.attributes.push((name.to_owned(), value));
    }
}

/// A value behind its entities: ammonia writes these five.
pub(super) fn decoded(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    let spaced = value.replace("&nbsp;", "\u{A0}").replace("&quot;", "\"");
    spaced.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_with_its_values() {
        let (tag, rest) = next_tag("<a href=\"/x?a=1&amp;b=2\" title=\"a > b\" open=\"\">c").unwrap();
        assert_eq!(
            (tag.get("href"), tag.get("title"), tag.get("open"), rest),
            (Some("/x?a=1&b=2"), Some("a > b"), Some(""), "c")
        );
        assert!(next_tag("</p>x").unwrap().0.closing);
        assert_eq!(next_tag("< p>"), None);
        assert_eq!(next_tag("<p"), None);
    }
}
