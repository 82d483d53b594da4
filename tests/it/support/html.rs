//! A page as a test reads it: by its tags, for it knows who wrote it.

use std::collections::BTreeSet;

/// A page.
pub struct Page {
    pub html: String,
}

/// The value of an attribute of a tag, unescaped.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split_once('"')?.0))
}

fn unescaped(text: &str) -> String {
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", "\u{A0}"), ("&amp;", "&")];
    plain.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// The text of some HTML on one line.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    let breaks = |c: char| matches!(c, ' ' | '\n' | '\t');
    unescaped(&text).split(breaks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Page {
    pub fn of(html: &str) -> Self {
        Self { html: html.to_owned() }
    }

    fn between(&self, start: &str, end: &str) -> Option<&str> {
        Some(self.html.split_once(start)?.1.split_once(end)?.0)
    }

    pub fn title(&self) -> String {
        text_of(self.between("<title>", "</title>").expect("a title"))
    }

    pub fn heading(&self) -> String {
        text_of(self.between("<h1>", "</h1>").expect("a first heading"))
    }

    /// What is read between the head and the foot of the page.
    pub fn text(&self) -> String {
        text_of(self.between("<main", "</main>").expect("a main part"))
    }

    /// The opening tags of an element, with their attributes.
    pub fn tags(&self, element: &str) -> Vec<String> {
        let all = self.html.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(tag, _)| tag);
        all.filter(|tag| tag.split([' ', '\n']).next() == Some(element)).map(str::to_owned).collect()
    }

    fn all_tags(&self) -> impl Iterator<Item = &str> {
        self.html.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(tag, _)| tag)
    }

    /// Every address that the page names.
    pub fn links(&self) -> Vec<String> {
        let names = ["href", "src", "action"];
        self.all_tags().flat_map(|tag| names.iter().filter_map(|name| attribute(tag, name))).collect()
    }

    /// Where the link of a relation in the text leads.
    pub fn link(&self, rel: &str) -> Option<String> {
        let tags = self.tags("a");
        attribute(tags.iter().find(|tag| attribute(tag, "rel").is_some_and(|given| given == rel))?, "href")
    }

    pub fn canonical(&self) -> Option<String> {
        let tags = self.tags("link");
        attribute(tags.iter().find(|tag| tag.contains("rel=\"canonical\""))?, "href")
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.all_tags().filter_map(|tag| attribute(tag, "id")).collect()
    }

    /// The names in its lists of feeds.
    pub fn names(&self) -> Vec<String> {
        let names = self.html.split("<p class=\"name\">").skip(1);
        names.map(|part| text_of(part.split_once("</a>").unwrap().0)).collect()
    }

    /// What holds of every page.
    pub fn assert_well_made(&self, path: &str, language: &str) {
        assert!(self.html.starts_with(&format!("<!doctype html>\n<html lang=\"{language}\">")), "{path}");
        assert_eq!(self.html.matches("<h1").count(), 1, "{path}: first headings");
        assert_eq!(self.html.matches("<main").count(), 1, "{path}: main parts");
        for bad in ["<script", " onclick", " style=", "<iframe", "@import", "javascript:"] {
            assert!(!self.html.contains(bad), "{path}: {bad}");
        }
        let ids: Vec<String> = self.all_tags().filter_map(|tag| attribute(tag, "id")).collect();
        let known: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(known.len(), ids.len(), "{path}: an id twice");
        for name in ["for", "aria-labelledby", "aria-describedby"] {
            for reference in self.all_tags().filter_map(|tag| attribute(tag, name)) {
                assert!(known.contains(&reference), "{path}: {name}={reference}");
            }
        }
        for image in self.tags("img") {
            assert!(image.contains(" alt="), "{path}: {image}");
            assert!(attribute(&image, "src").unwrap().starts_with('/'), "{path}: {image}");
        }
        // Headings skip no level.
        let levels: Vec<u8> = self
            .all_tags()
            .filter_map(|tag| tag.strip_prefix('h')?.bytes().next().filter(u8::is_ascii_digit))
            .map(|digit| digit - b'0')
            .collect();
        assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{path}: {levels:?}");
        assert!(self.html.len() < 150_000, "{path}: {} bytes", self.html.len());
    }
}
