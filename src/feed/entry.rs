//! An entry: what a feed shows of an article, the same in every format.

use super::Kind;
use super::set::Slugs;
use super::wording::{correction_html, event_html};
use crate::article::summary::summary;
use crate::article::writing::Context;
use crate::article::{Article, ArticleDate, Correction, Event, Image, SiteSettings, markdown};
use crate::catalog::Standing;
use crate::config::Content;
use crate::text::{clean, escape_html, folded, one_line, slug};
use url::Url;

/// What a feed shows of an article. All texts are free of characters that XML forbids; HTML is clean and absolute.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// The guid, atom:id and id, for ever: `urn:uuid:…`, or the address by which readers of the site's old feeds know it.
    pub id: String,
    /// The article's address.
    pub url: Url,
    /// Plain text.
    pub title: String,
    /// When it was published, in the offset in which that was written.
    pub published: ArticleDate,
    /// When what a reader sees last changed.
    pub updated: ArticleDate,
    /// The summary as HTML; empty if there is none.
    pub summary_html: String,
    /// The summary as plain text; empty if there is none.
    pub summary_text: String,
    /// The whole article as HTML; None if feeds carry summaries.
    pub content_html: Option<String>,
    /// Its collection.
    pub collection: String,
    /// Its categories.
    pub categories: Vec<Term>,
    /// Its tags.
    pub tags: Vec<Term>,
    /// Its author.
    pub author: Option<String>,
    /// Its language, if it is not the site's.
    pub language: Option<String>,
    /// Its lead image.
    pub image: Option<Image>,
    /// Files to download.
    pub attachments: Vec<crate::article::Attachment>,
    /// Its dated, placed part.
    pub event: Option<Event>,
    /// What was corrected in it, the newest first. Its HTML starts with them.
    pub corrections: Vec<Corrected>,
}

/// Something that was corrected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Corrected {
    /// When, if the author says so.
    pub date: Option<ArticleDate>,
    /// What was wrong and what is right: plain text on one line.
    pub text: String,
}

/// A category or a tag of an entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Term {
    /// As it is written in the article.
    pub label: String,
    /// The end of its feed's address, which no other term of its kind has.
    pub slug: String,
}

impl Entry {
    /// Its categories, then its tags, each with the word of its kind.
    pub fn terms(&self) -> impl Iterator<Item = (Kind, &Term)> {
        let categories = self.categories.iter().map(|term| (Kind::Category, term));
        categories.chain(self.tags.iter().map(|term| (Kind::Tag, term)))
    }
}

/// The entry of an article.
pub fn entry(standing: &Standing, article: &Article, site: &SiteSettings, content: Content, slugs: &Slugs) -> Entry {
    let terms = |kind: Kind, labels: &[String]| -> Vec<Term> {
        let slug_of = |label: &String| slugs.get(&(kind, folded(label))).cloned().unwrap_or_else(|| slug(label));
        labels.iter().map(|label| Term { label: label.clone(), slug: slug_of(label) }).collect()
    };
    let body = (content == Content::Full).then(|| article.html());
    let mut summary = summary(article, body.as_deref());
    let language = article.language.clone().filter(|language| *language != site.language);
    let (corrections, corrected) = corrections(article, language.as_deref().unwrap_or(&site.language));
    if body.is_none() && !corrected.is_empty() {
        // Nothing else is shown of the article.
        summary.html = format!("{corrected}{}", summary.html);
    }
    Entry {
        id: standing.guid(),
        url: article.url.clone(),
        title: article.title.clone(),
        published: standing.published(site),
        updated: standing.updated(site),
        summary_text: summary.text,
        summary_html: summary.html,
        content_html: body
            .map(|body| corrected + &content_html(article, &body, language.as_deref().unwrap_or(&site.language))),
        corrections,
        collection: article.collection.clone(),
        categories: terms(Kind::Category, &article.categories),
        tags: terms(Kind::Tag, &article.tags),
        author: article.author.clone(),
        language,
        image: article.images.first().cloned(),
        attachments: article.attachments.clone(),
        event: article.event.clone(),
    }
}

/// What was corrected in an article, as data and as HTML.
pub(crate) fn corrections(article: &Article, language: &str) -> (Vec<Corrected>, String) {
    let mut corrections = Vec::with_capacity(article.corrections.len());
    let mut lines = String::new();
    for Correction { date, text } in &article.corrections {
        let html = markdown::render(text, &Context { notes: false, ..article.context() });
        let text = one_line(&clean(&markdown::clean_html_to_text(&html)));
        if !text.is_empty() {
            lines.push_str(&clean(&correction_html(*date, &html, language)));
            corrections.push(Corrected { date: *date, text });
        }
    }
    (corrections, lines)
}

/// The whole of an article: its lead image, when and where it takes place, its introduction, its text, its other images.
fn content_html(article: &Article, body: &str, language: &str) -> String {
    // An image that the text shows itself is not shown twice.
    let shown = |image: &Image| body.contains(&format!("src=\"{}\"", escape_html(image.url.as_str())));
    let mut html = String::with_capacity(body.len() + 1_000);
    if let Some(image) = article.images.first().filter(|image| !shown(image)) {
        html.push_str(&figure(image));
    }
    if let Some(event) = &article.event {
        html.push_str(&event_html(event, language));
    }
    if let Some(chapeau) = &article.chapeau {
        // The notes of the text have the numbers; an introduction has no place for its own.
        html.push_str(&markdown::render(chapeau, &Context { notes: false, ..article.context() }));
        html.push('\n');
    }
    html.push_str(body);
    for image in article.images.iter().skip(1).filter(|image| !shown(image)) {
        html.push('\n');
        html.push_str(&figure(image));
    }
    clean(html.trim()).into_owned()
}

fn figure(image: &Image) -> String {
    let alt = escape_html(image.alt.as_deref().unwrap_or(""));
    let pixels = image.facts.as_ref().and_then(|facts| facts.pixels);
    let size = pixels.map(|pixels| format!(" width=\"{}\" height=\"{}\"", pixels.width, pixels.height));
    let caption = image
        .legend
        .as_deref()
        .map(|legend| format!("<figcaption>{}</figcaption>", escape_html(legend)))
        .unwrap_or_default();
    format!(
        "<figure><img src=\"{}\" alt=\"{alt}\"{}>{caption}</figure>\n",
        escape_html(image.url.as_str()),
        size.unwrap_or_default()
    )
}

/// The media type of an image: of the file itself, or as its address promises.
pub fn image_type(image: &Image) -> Option<String> {
    image.facts.as_ref().map(|facts| facts.media_type.clone()).or_else(|| type_by_name(&image.url).map(str::to_owned))
}

fn type_by_name(url: &Url) -> Option<&'static str> {
    let extension = url.path().rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}
