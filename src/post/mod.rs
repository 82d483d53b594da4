//! Posts: the text that one network gets of one article. Pure, and the same code for a preview and for sending.

pub mod hashtag;
pub mod length;

pub use length::{Counter, Limits};

use crate::article::summary::summary;
use crate::article::{Article, SiteSettings};
use crate::config::{EndpointName, Hashtags, Rule};
use crate::template::{Template, Values};
use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;

/// A composed post, as it is kept in the outbox and sent. What is absent in the outbox of an earlier version is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Post {
    /// The text.
    pub text: String,
    /// The article's address, as it stands in the text.
    pub url: String,
    /// Language (BCP 47).
    pub language: String,
    /// Hashtags in the text.
    pub hashtags: Vec<String>,
    /// Length as the network counts.
    pub length: usize,
    /// The network's limit.
    pub limit: usize,
    /// Further posts of a thread, in order, each within the limit.
    #[serde(default)]
    pub thread: Vec<String>,
    /// Images, at most as many as the network takes.
    #[serde(default)]
    pub images: Vec<Image>,
    /// A link card made of the article, for networks that take one.
    #[serde(default)]
    pub card: Option<Card>,
    /// Hashtags beside the text, without `#`, for networks that take some.
    #[serde(default)]
    pub more_hashtags: Vec<String>,
    /// When it was first about to be sent: part of it for networks whose posts carry their date. None before.
    #[serde(default)]
    pub frozen_at: Option<Timestamp>,
}

/// An image of a post: what is said of it. Its bytes are kept once in the store, by their digest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Image {
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// Its media type, such as `image/jpeg`.
    pub media_type: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// What it shows, for those who do not see it; empty for an image that only decorates.
    pub alt: String,
}

/// A link card, as a network shows it below the text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Card {
    /// The article's address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its summary, on one line.
    pub description: String,
    /// Its lead image.
    pub thumb: Option<Image>,
}

/// What a post is made of, beside its article.
#[derive(Debug, Clone)]
pub struct Brief<'a> {
    /// The text, unless the article has its own.
    template: Template,
    /// Whether the article's own text counts: not if a person just gave one.
    own_text: bool,
    hashtags: &'a Hashtags,
    limits: Limits,
    endpoint: &'a EndpointName,
    network: &'a str,
}

impl<'a> Brief<'a> {
    /// The brief of a delivery: a person's own text, else the rule's for the endpoint, else the default one.
    ///
    /// Errors: a person's text that is no template.
    pub fn new(
        by_hand: Option<&str>,
        rule: Option<&Rule>,
        endpoint: &'a EndpointName,
        network: &'a str,
        hashtags: &'a Hashtags,
        limits: Limits,
    ) -> Result<Self, String> {
        let own_text = by_hand.is_none();
        let by_hand = by_hand.map(Template::parse).transpose()?;
        let template = by_hand.or_else(|| rule.map(|rule| rule.template(endpoint).clone())).unwrap_or_default();
        Ok(Self { template, own_text, hashtags, limits, endpoint, network })
    }
}

/// Composes the post of an article.
///
/// A text that is too long loses, in this order: the end of its summary, hashtags but the first, the end of its
/// title. Address and hashtags are never cut, nor is a word.
///
/// Errors: a template that cannot be filled in, or a text that is too long all the same.
pub fn compose(article: &Article, site: &SiteSettings, brief: &Brief) -> Result<Post, String> {
    let own = brief.own_text.then(|| own_text(article, brief.endpoint, brief.network)).flatten();
    let own = own.map(|text| {
        Template::parse(text)
            .map_err(|error| format!("the article's own text (`social:` in {}): {error}", article.path))
    });
    let own = own.transpose()?;
    let template = own.as_ref().unwrap_or(&brief.template);
    let all_hashtags = hashtag::hashtags(article, brief.hashtags);
    let draft = Draft { article, site, template, limits: brief.limits };
    let summary = summary(article, None).text;

    let whole = draft.fill(&article.title, &summary, &all_hashtags)?;
    if let Some(post) = whole.fitting() {
        return Ok(post);
    }
    // The longest beginning of the summary that fits, by halving over its words.
    let beginnings = beginnings(&summary);
    if let Some(post) = longest(&beginnings, |start| Ok(draft.fill(&article.title, start, &all_hashtags)?.fitting()))? {
        return Ok(post);
    }
    for count in (1..all_hashtags.len()).rev() {
        if let Some(post) = draft.fill(&article.title, "", &all_hashtags[..count])?.fitting() {
            return Ok(post);
        }
    }
    let first = &all_hashtags[..all_hashtags.len().min(1)];
    let titles = self::beginnings(&article.title);
    if let Some(post) = longest(&titles, |start| Ok(draft.fill(start, "", first)?.fitting()))? {
        return Ok(post);
    }
    let shortest = draft.fill("", "", first)?;
    Err(format!(
        "the text has {} characters where the network takes {}, even without title and summary",
        shortest.post.length, shortest.post.limit
    ))
}

/// The article's own text for an endpoint: by its name, by its network, or for all.
fn own_text<'a>(article: &'a Article, endpoint: &EndpointName, network: &str) -> Option<&'a str> {
    [endpoint.as_str(), network, ""]
        .iter()
        .find_map(|wanted| article.social.iter().find(|(name, _)| name == wanted))
        .map(|(_, text)| text.as_str())
}

struct Draft<'a> {
    article: &'a Article,
    site: &'a SiteSettings,
    template: &'a Template,
    limits: Limits,
}

struct Filled {
    post: Post,
    fits: bool,
}

impl Filled {
    fn fitting(self) -> Option<Post> {
        self.fits.then_some(self.post)
    }
}

impl Draft<'_> {
    fn fill(&self, title: &str, summary: &str, hashtags: &[String]) -> Result<Filled, String> {
        let article = self.article;
        let event = article.event.as_ref();
        let day = |date: crate::article::ArticleDate| date.zoned().strftime("%Y-%m-%d").to_string();
        let values = Values {
            title: title.to_owned(),
            summary: summary.to_owned(),
            url: article.url.to_string(),
            hashtags: hashtags.join(" "),
            collection: article.collection.clone(),
            categories: article.categories.clone(),
            tags: article.tags.clone(),
            date: article.date.map(day).unwrap_or_default(),
            site: self.site.title.clone(),
            place: event.and_then(|event| event.place.clone()).unwrap_or_default(),
            event_date: event.map(|event| day(event.start)).unwrap_or_default(),
        };
        let text = tidy(&self.template.render(&values)?);
        let post = Post {
            length: self.limits.counter.count(&text),
            limit: self.limits.length_max,
            hashtags: hashtags.iter().filter(|hashtag| text.contains(hashtag.as_str())).cloned().collect(),
            url: values.url,
            language: article.language.clone().unwrap_or_else(|| self.site.language.clone()),
            text,
            ..Post::default()
        };
        Ok(Filled { fits: self.limits.holds(&post.text), post })
    }
}

/// No blank lines at the ends, never two in a row: an empty summary leaves no hole.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n").trim().to_owned()
}

/// The beginnings of a text that end at a word, shortest first, each with an ellipsis. The whole text is not one.
fn beginnings(text: &str) -> Vec<String> {
    let mut starts = vec![String::new()];
    for (at, _) in text.split_word_bound_indices().skip(1) {
        let start = text[..at].trim_end();
        // French puts a space before some marks: none may end up at the end of a line.
        let start = start.trim_end_matches(|c: char| c.is_whitespace() || ",;:!?«([–—-".contains(c));
        if start.is_empty() || starts.last().is_some_and(|last| last.trim_end_matches('…') == start) {
            continue;
        }
        if start.ends_with('’') || start.ends_with('\'') {
            continue;
        }
        starts.push(format!("{start}…"));
    }
    starts
}

/// What the longest of the texts gives that gives something; texts are in the order of length.
fn longest(texts: &[String], fit: impl Fn(&str) -> Result<Option<Post>, String>) -> Result<Option<Post>, String> {
    let (mut low, mut high) = (0, texts.len());
    let mut best = None;
    while low < high {
        let middle = usize::midpoint(low, high);
        match fit(&texts[middle])? {
            Some(post) => {
                best = Some(post);
                low = middle + 1;
            }
            None => high = middle,
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_summary_leaves_no_hole() {
        assert_eq!(tidy("Titre\n\n\n\nhttps://x.fr\n\n"), "Titre\n\nhttps://x.fr");
    }

    #[test]
    fn beginnings_end_at_a_word() {
        let all = beginnings("L’État publie\u{A0}: « dix » témoignages d’agents");
        assert!(all.contains(&"L’État publie…".to_owned()), "{all:?}");
        assert!(
            all.iter().all(|start| !start.contains(":…") && !start.ends_with("’…") && !start.contains("\u{A0}…")),
            "{all:?}"
        );
    }
}
