//! What an editor may want to mend in the text of an article, each with its place.

use super::links::{self, Pointer, address};
use super::markdown::is_file_name;
use super::mending::names_article;
use super::{Article, Lookup, SiteSettings, writing};
use crate::problem::{Place, Problem, Severity};
use crate::text::{folded, percent_decode};
use std::collections::BTreeSet;

/// Texts of links that say nothing to those who hear them one after the other.
const EMPTY_WORDS: [&str; 20] = [
    "ici",
    "cliquez ici",
    "cliquer ici",
    "cliquez-ici",
    "en cliquant ici",
    "en savoir plus",
    "lire la suite",
    "lire plus",
    "voir plus",
    "plus d'infos",
    "plus d'informations",
    "par ici",
    "lien",
    "ce lien",
    "suivre ce lien",
    "here",
    "click here",
    "read more",
    "learn more",
    "more",
];
/// Endings of files that a site keeps as they are; other addresses are pages, which only the site's generator knows.
const FILES: [&str; 38] = [
    "jpg", "jpeg", "png", "gif", "webp", "avif", "svg", "bmp", "tif", "tiff", "ico", "pdf", "doc", "docx", "odt",
    "rtf", "xls", "xlsx", "ods", "csv", "ppt", "pptx", "odp", "zip", "epub", "mp3", "m4a", "ogg", "oga", "wav", "flac",
    "mp4", "webm", "m4v", "vtt", "ics", "txt", "geojson",
];

/// Most remarks on one article: who has so many mends some first.
const REMARKS_MAX: usize = 100;

/// Looks through the text of an article. `first_line` is the line of the file on which it starts, from 1. What is said
/// once is not said again.
pub fn inspect(article: &Article, first_line: usize, site: &SiteSettings, lookup: &dyn Lookup) -> Vec<Problem> {
    let mut inspection = Inspection { article, site, lookup, remarks: Vec::new(), said: BTreeSet::new() };
    inspection.templates();
    let seen = links::look(&article.body, article.writing.templating);
    inspection.headings(&seen.headings);
    let mut addresses = BTreeSet::new();
    for pointer in &seen.pointers {
        inspection.pointer(pointer);
        if !pointer.templated && addresses.insert(pointer.written.trim()) {
            inspection.target(pointer.written.trim(), pointer.at);
        }
    }
    inspection.remarks.sort_by_key(|remark| remark.at);
    let problem = |remark: Remark| {
        let place = Place::of_byte(&article.body, remark.at).below(first_line.saturating_sub(1));
        let problem = match remark.severity {
            Severity::Note => Problem::note(&article.path, place, remark.message),
            _ => Problem::warning(&article.path, place, remark.message),
        };
        problem.kind(remark.kind).cure(remark.cure)
    };
    inspection.remarks.into_iter().map(problem).collect()
}

/// A problem before its place is sought.
struct Remark {
    at: usize,
    severity: Severity,
    kind: &'static str,
    message: String,
    cure: &'static str,
}

struct Inspection<'a> {
    article: &'a Article,
    site: &'a SiteSettings,
    lookup: &'a dyn Lookup,
    remarks: Vec<Remark>,
    said: BTreeSet<String>,
}

impl Inspection<'_> {
    fn warn(&mut self, kind: &'static str, at: usize, message: String, cure: &'static str) {
        self.remark(Remark { at, severity: Severity::Warning, kind, message, cure });
    }

    fn note(&mut self, kind: &'static str, at: usize, message: String, cure: &'static str) {
        self.remark(Remark { at, severity: Severity::Note, kind, message, cure });
    }

    fn remark(&mut self, remark: Remark) {
        if self.remarks.len() < REMARKS_MAX && self.said.insert(remark.message.clone()) {
            self.remarks.push(remark);
        }
    }

    fn templates(&mut self) {
        let article = self.article;
        let expanded = writing::expand(&article.body, &article.context());
        if let Some(first) = expanded.dropped.first() {
            let more = expanded.dropped.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!(
                "{}{more} is left out of feeds and posts: only the site itself can fill it in",
                shortened(&first.written)
            );
            let cure = "nothing, if readers of the feeds can do without it; else write it as Markdown";
            self.note("left-out-code", first.at, message, cure);
        }
        for reference in &expanded.references {
            if !self.is_article(&reference.written) {
                self.no_article(&reference.written, reference.at);
            }
        }
    }

    fn is_article(&self, written: &str) -> bool {
        let name = written.split('#').next().unwrap_or("");
        name.is_empty() || self.article.writing.addresses.contains_key(name) || self.lookup.address(name).is_some()
    }

    fn no_article(&mut self, written: &str, at: usize) {
        let message = format!("`{}` names no article of the site, so the link is left out", shortened(written));
        self.warn("dead-link", at, message, "correct the name of the article");
    }

    fn headings(&mut self, headings: &[(usize, usize)]) {
        let skipped = headings.windows(2).find(|pair| pair[1].0 > pair[0].0 + 1);
        if let Some([(above, _), (below, at)]) = skipped {
            let message = format!("a heading of level {below} follows one of level {above}");
            self.note("skipped-heading", *at, message, "leave out no level: screen readers move by them");
        }
    }

    fn pointer(&mut self, pointer: &Pointer) {
        if pointer.picture {
            return self.alternative_text(pointer);
        }
        let text = pointer.text.as_deref().map(folded).unwrap_or_default();
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        if EMPTY_WORDS.contains(&bare) || is_file_name(&text) {
            let shown = shortened(&text);
            let message = format!("the text of a link, “{shown}”, does not say where it leads");
            let cure = "name what the reader will find: screen readers list links without their sentence";
            self.note("vague-link", pointer.at, message, cure);
        }
        if matches!(pointer.written.trim(), "" | "#") && !pointer.templated {
            let shown = pointer.text.as_deref().map(|text| format!(" “{}”", shortened(text))).unwrap_or_default();
            let cure = "write its address between the parentheses, or take the link away";
            self.warn("dead-link", pointer.at, format!("the link{shown} leads nowhere"), cure);
        }
    }

    fn alternative_text(&mut self, pointer: &Pointer) {
        let text = pointer.text.as_deref().map(str::trim);
        // A tag with an empty one says that the picture is there for the eye only.
        let tag = self.article.body[pointer.at..].starts_with('<');
        let missing = match text {
            None => true,
            Some("") => !tag,
            Some(text) => is_file_name(text),
        };
        let known = || {
            let url = address(&pointer.written, &self.article.url);
            self.article.images.iter().any(|image| Some(&image.url) == url.as_ref() && image.alt.is_some())
        };
        if missing && !known() {
            let written = shortened(&pointer.written);
            let message =
                format!("the image {written} has no alternative text, so some readers will not know what it shows");
            let cure = "write what it shows, as in ![Une carte](/uploads/carte.png)";
            self.warn("missing-alt", pointer.at, message, cure);
        }
    }

    /// A file or an article that is not where the address says.
    fn target(&mut self, written: &str, at: usize) {
        if names_article(written) {
            if !self.is_article(written) {
                self.no_article(written, at);
            }
        } else if self.is_missing(written).unwrap_or(false) {
            let message = format!("the file {} is not in the site's folder", shortened(written));
            self.warn("missing-file", at, message, "upload it, or correct its name");
        }
    }

    /// Whether an address is that of a file of the site which is not there; None if it is not that of a file.
    fn is_missing(&self, written: &str) -> Option<bool> {
        let path = self.site.file_of(&address(written, &self.article.url)?)?;
        let ending = path.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
        if written.is_empty() || !FILES.contains(&ending.as_str()) {
            return None;
        }
        // Beside the article's file, and where Hugo and Zola keep what they copy.
        let beside = self.article.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let plain = percent_decode(written.split(['?', '#']).next().unwrap_or(""));
        let mut places = vec![path.clone(), format!("static/{path}"), format!("assets/{path}")];
        if !plain.starts_with('/') && !plain.contains("://") {
            places.push(format!("{beside}/{}", plain.trim_start_matches("./")));
        }
        Some(!places.iter().filter(|place| !place.contains("..")).any(|place| self.lookup.facts(place).is_some()))
    }
}

/// A text for a message: one line, not too long.
fn shortened(text: &str) -> String {
    const LENGTH_MAX: usize = 120;
    let line = crate::text::one_line(text);
    match line.char_indices().nth(LENGTH_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::tests::article;
    use crate::article::{FileFacts, Image};
    use url::Url;

    fn site() -> SiteSettings {
        let (env, read) = (|_: &str| None, |_: &std::path::Path| Err(String::new()));
        let surroundings = crate::config::Surroundings { env: &env, read: &read };
        let config =
            crate::config::parse("crieur.yaml", "site: { url: https://www.example.fr }", &surroundings).unwrap();
        SiteSettings::read(&config.site, &crate::article::site::NoFiles).unwrap().0
    }

    fn said(article: &Article) -> Vec<String> {
        let there = |path: &str| {
            let facts = FileFacts { length: 1, media_type: "image/png".to_owned(), pixels: None };
            (path == "uploads/a b.png").then_some(facts)
        };
        let problems = inspect(article, 10, &site(), &there);
        problems.iter().map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message)).collect()
    }

    #[test]
    fn each_thing_to_mend_is_said_once_with_its_place() {
        let body = "Un [mot]() et [Ici](/x) [DSC1.jpg](/y).\n\n![DSC01.jpg](/uploads/a%20b.png) ![x](b.png)\n\n## A\n\n#### B\n\n<img src=\"/uploads/c.png\"> <img src=\"/uploads/a b.png\" alt=\"\">\n\n[mot](#) [y](/page/) [z](../z.md) {% include x %}{% post_url p %}\n\n`[]()` [mot]()";
        assert_eq!(
            said(&article(body)),
            [
                "10:4 the link “mot” leads nowhere",
                "10:15 the text of a link, “ici”, does not say where it leads",
                "10:25 the text of a link, “dsc1.jpg”, does not say where it leads",
                "12:1 the image /uploads/a%20b.png has no alternative text, so some readers will not know what it shows",
                "12:34 the file b.png is not in the site's folder",
                "16:1 a heading of level 4 follows one of level 2",
                "18:1 the image /uploads/c.png has no alternative text, so some readers will not know what it shows",
                "18:1 the file /uploads/c.png is not in the site's folder",
                "20:22 `../z.md` names no article of the site, so the link is left out",
                "20:35 {% include x %} is left out of feeds and posts: only the site itself can fill it in",
                "20:50 `p` names no article of the site, so the link is left out",
            ]
        );
    }

    #[test]
    fn what_is_right_is_not_said() {
        let mut own = article(
            "[a]({{ site.url }}/b.pdf) [**Le rapport** 2026](/r/) ![](/uploads/a%20b.png)\n\n## A\n\n### B\n\n## C",
        );
        let url = Url::parse("https://www.example.fr/uploads/a%20b.png").unwrap();
        own.images.push(Image { url, alt: Some("Une carte".to_owned()), legend: None, facts: None });
        assert!(said(&own).is_empty(), "{:?}", said(&own));
    }
}
