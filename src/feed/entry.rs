//! An entry: what a feed shows of an article, the same in every format.

use super::Kind;
use super::set::Slugs;
use crate::article::summary::summary;
use crate::article::writing::Context;
use crate::article::{Article, ArticleDate, Event, Image, SiteSettings, markdown};
use crate::catalog::Standing;
use crate::config::Content;
use crate::text::{clean, escape_html, folded, is_french, slug};
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
    let summary = summary(article, body.as_deref());
    let language = article.language.clone().filter(|language| *language != site.language);
    Entry {
        id: standing.guid(),
        url: article.url.clone(),
        title: article.title.clone(),
        published: standing.published(site),
        updated: standing.updated(site),
        summary_text: summary.text,
        summary_html: summary.html,
        content_html: body.map(|body| content_html(article, &body, language.as_deref().unwrap_or(&site.language))),
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

/// When and where, first, for readers that know nothing of events.
fn event_html(event: &Event, language: &str) -> String {
    let words = Words::of(language);
    let mut lines = vec![format!("<strong>{}</strong> {}", words.date, escape_html(&when(event, &words)))];
    if let Some(location) = event.location() {
        lines.push(format!("<strong>{}</strong> {}", words.place, escape_html(&location)));
    }
    for link in &event.links {
        let label = escape_html(&link.label);
        let text = link.text.as_deref().map(escape_html);
        lines.push(match (&link.url, text) {
            (Some(url), text) => {
                let shown = if label.is_empty() { escape_html(url.as_str()) } else { label };
                let text = text.map(|text| format!("{}{text}", words.colon)).unwrap_or_default();
                format!("<a href=\"{}\">{shown}</a>{text}", escape_html(url.as_str()))
            }
            (None, Some(text)) => format!("<strong>{label}{}</strong> {text}", words.colon.trim_end()),
            (None, None) => label,
        });
    }
    format!("<p>{}</p>\n", lines.join("<br>"))
}

struct Words {
    french: bool,
    date: &'static str,
    place: &'static str,
    colon: &'static str,
}

impl Words {
    fn of(language: &str) -> Self {
        if is_french(language) {
            Self { french: true, date: "Date\u{A0}:", place: "Lieu\u{A0}:", colon: "\u{A0}: " }
        } else {
            Self { french: false, date: "Date:", place: "Place:", colon: ": " }
        }
    }
}

const JOURS: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const MOIS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

fn when(event: &Event, words: &Words) -> String {
    let start = day(event.start, words);
    let Some(end) = event.end.filter(|end| end.at > event.start.at) else {
        return if event.all_day { start } else { format!("{start}, {}", hour(event.start, words)) };
    };
    let same_day = event.start.zoned().date() == end.zoned().date();
    match (event.all_day, same_day, words.french) {
        (true, true, _) => start,
        (true, false, true) => format!("du {start} au {}", day(end, words)),
        (true, false, false) => format!("{start} to {}", day(end, words)),
        (false, true, true) => format!("{start}, de {} à {}", hour(event.start, words), hour(end, words)),
        (false, true, false) => format!("{start}, {} to {}", hour(event.start, words), hour(end, words)),
        (false, false, true) => {
            format!("du {start}, {}, au {}, {}", hour(event.start, words), day(end, words), hour(end, words))
        }
        (false, false, false) => {
            format!("{start}, {} to {}, {}", hour(event.start, words), day(end, words), hour(end, words))
        }
    }
}

fn day(date: ArticleDate, words: &Words) -> String {
    let zoned = date.zoned();
    if !words.french {
        return zoned.strftime("%A %-d %B %Y").to_string();
    }
    let weekday = usize::from(zoned.weekday().to_monday_zero_offset().unsigned_abs());
    let month = usize::from(zoned.month().unsigned_abs()) - 1;
    let day = if zoned.day() == 1 { "1er".to_owned() } else { zoned.day().to_string() };
    format!("{} {day} {} {}", JOURS[weekday], MOIS[month], zoned.year())
}

fn hour(date: ArticleDate, words: &Words) -> String {
    let zoned = date.zoned();
    match (words.french, zoned.minute()) {
        (true, 0) => format!("{}\u{A0}h", zoned.hour()),
        (true, minute) => format!("{}\u{A0}h\u{A0}{minute:02}", zoned.hour()),
        (false, _) => zoned.strftime("%H:%M").to_string(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::date::parse;
    use jiff::tz::TimeZone;

    #[test]
    fn an_event_says_when_in_the_language_of_the_site() {
        let at = |text: &str| parse(text, &TimeZone::UTC).unwrap();
        let event = |start: &str, end: Option<&str>, all_day| Event {
            start: at(start),
            end: end.map(at),
            all_day,
            place: None,
            address: None,
            links: vec![],
        };
        let fr = |event: &Event| when(event, &Words::of("fr-FR"));
        assert_eq!(fr(&event("2024-03-05 00:00:00 +01:00", None, true)), "mardi 5 mars 2024");
        assert_eq!(
            fr(&event("2024-03-01 09:30:00 +01:00", Some("2024-03-01 12:00:00 +01:00"), false)),
            "vendredi 1er mars 2024, de 9\u{A0}h\u{A0}30 à 12\u{A0}h"
        );
        assert_eq!(
            fr(&event("2024-03-05 00:00:00 +01:00", Some("2024-03-06 00:00:00 +01:00"), true)),
            "du mardi 5 mars 2024 au mercredi 6 mars 2024"
        );
        assert_eq!(
            when(&event("2024-03-05 09:30:00 +01:00", None, false), &Words::of("en")),
            "Tuesday 5 March 2024, 09:30"
        );
    }
}
