//! Posts: the text that one network gets of one article. Pure, and the same code for a preview and for sending.

pub mod entity;
pub mod hashtag;
pub mod length;
mod draft;
pub mod media;
mod thread;

pub use length::{Counter, Limits};

use crate::article::summary::summary;
use crate::article::{Article, SiteSettings};
use crate::config::{Composing, EndpointName, Hashtags, Images, Rule};
use crate::digest;
use crate::feed::entry;
use crate::shorten::{beginnings, sentence_ends};
use crate::template::{self, Template};
use draft::Draft;
use jiff::Timestamp;

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
    /// Marks of the corrections that the article bore when it was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<String>,
    /// What the network calls the post that it answers, where the network has answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// The template that it was made by, so that it can be made again; None where the article has its own text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
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
    /// The address that it was made of, for networks that fetch images themselves; empty in posts of an earlier version.
    #[serde(default)]
    pub url: String,
}

impl Post {
    /// Its texts, in order: its own, and those of the further posts of its thread.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.text).chain(&self.thread).map(String::as_str)
    }
}

impl Image {
    /// A name for its file, which says what kind it is of.
    pub fn file_name(&self) -> &'static str {
        if self.media_type == "image/png" { "image.png" } else { "image.jpg" }
    }
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
    /// What goes with the text, and what becomes of one that is too long.
    pub composing: Composing,
    hashtags: &'a Hashtags,
    /// The rule's own.
    own_hashtags: Vec<String>,
    limits: Limits,
    endpoint: &'a EndpointName,
    network: &'a str,
    /// The correction that it tells, if it tells one.
    correction: Option<String>,
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
        let composing = rule.map(|rule| rule.composing).unwrap_or_default();
        let own_hashtags = rule.map(|rule| rule.hashtags.clone()).unwrap_or_default();
        Ok(Self { template, own_text, composing, hashtags, own_hashtags, limits, endpoint, network, correction: None })
    }

    /// The brief of the post that tells a correction: neither the article's own text nor its images go with it.
    pub fn correcting(self, rule: Option<&Rule>, correction: &Correction, french: bool) -> Result<Self, String> {
        let default = Template::parse(template::CORRECTION[usize::from(!french)])?;
        let template = rule.and_then(|rule| rule.correction.clone()).unwrap_or(default);
        let composing = Composing { images: Images::None, ..self.composing };
        Ok(Self { template, own_text: false, composing, correction: Some(correction.text.clone()), ..self })
    }

    /// The same with the template by which a post was made before, whatever the rule says by now.
    ///
    /// Errors: it is no template any more.
    pub fn as_before(self, template: Option<&str>) -> Result<Self, String> {
        let template = template.map(Template::parse).transpose()?;
        Ok(Self { template: template.unwrap_or(self.template), ..self })
    }
}

/// Composes the post of an article: its text, and its link card where the network takes one. Images are the shell's.
///
/// A text that is too long goes on in further posts, if the rule and the network have threads. Else it loses, in this
/// order: the end of its summary, hashtags but the first, the end of its title. Address and hashtags are never cut, nor
/// is a word.
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
    let summary = brief.correction.clone().unwrap_or_else(|| summary(article, None).text);
    let draft = Draft {
        article,
        site,
        template,
        limits: brief.limits,
        hashtag_of: hashtag::by_term(article, brief.hashtags),
        french: crate::text::is_french(article.language.as_deref().unwrap_or(&site.language)),
        corrects: brief.correction.is_some(),
    };
    let hashtags = hashtag::with_own(&brief.own_hashtags, hashtag::hashtags(article, brief.hashtags), brief.hashtags);
    let mut post = text(&draft, &brief.composing, &summary, &hashtags)?;
    if crate::text::is_blank(&post.text) {
        let path = &article.path;
        return Err(format!(
            "there is nothing to post of {path}: filled in, its text says nothing; change the template"
        ));
    }
    if brief.limits.more_hashtags_max > 0 {
        let unsaid = hashtags.iter().filter(|hashtag| !post.hashtags.contains(hashtag));
        let names = unsaid.map(|hashtag| hashtag.trim_start_matches('#').to_owned());
        post.more_hashtags = names.take(brief.limits.more_hashtags_max).collect();
    }
    if brief.composing.card && brief.limits.card {
        post.card = Some(card(article, &summary));
    }
    post.corrections = corrections(article, site).into_iter().map(|correction| correction.mark).collect();
    post.template = own.is_none().then(|| brief.template.source().to_owned());
    Ok(post)
}

/// A correction that an article marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// What tells it from others: a hash of what it says.
    pub mark: String,
    /// What was wrong and what is right, as plain text.
    pub text: String,
}

/// The corrections that an article marks, in the order in which they were made.
pub fn corrections(article: &Article, site: &SiteSettings) -> Vec<Correction> {
    let (corrections, _) = entry::corrections(article, article.language.as_deref().unwrap_or(&site.language));
    let marked = corrections.into_iter().map(|corrected| Correction {
        mark: digest::hex(crate::text::folded(&corrected.text), 8),
        text: crate::text::one_line(&corrected.text),
    });
    marked.rev().collect()
}

/// The text of a post that tells a correction, which is told whole or not at all: hashtags and the title give way.
fn correction_text(
    title: &str,
    correction: &str,
    hashtags: &[String],
    fill: impl Fn(&str, &str, &[String]) -> Result<Option<Post>, String>,
) -> Result<Post, String> {
    for count in (0..hashtags.len()).rev() {
        if let Some(post) = fill(title, correction, &hashtags[..count])? {
            return Ok(post);
        }
    }
    longest(&beginnings(title), |start| fill(start, correction, &[]))?.ok_or_else(|| {
        "the correction is too long for this network, and is not cut: shorten it in the article, or post it with `publish-now --text`"
            .to_owned()
    })
}

/// The text of a post, cut or gone on in a thread where it must be.
fn text(draft: &Draft, composing: &Composing, summary: &str, hashtags: &[String]) -> Result<Post, String> {
    let title = &draft.article.title;
    let whole = draft.fill(title, summary, hashtags)?;
    if draft.fits(&whole) {
        return Ok(whole);
    }
    let unthreaded = if composing.thread && draft.limits.thread {
        match in_thread(draft, composing.thread_numbers, summary, hashtags, &whole)? {
            Ok(post) => return Ok(post),
            Err(reason) => Some(reason),
        }
    } else {
        None
    };
    // The longest beginning of the summary that fits, by halving over its words.
    let fill = |title: &str, summary: &str, hashtags: &[String]| -> Result<Option<Post>, String> {
        let post = draft.fill(title, summary, hashtags)?;
        Ok(draft.fits(&post).then_some(post))
    };
    if draft.corrects {
        return correction_text(title, summary, hashtags, fill);
    }
    if let Some(post) = longest(&beginnings(summary), |start| fill(title, start, hashtags))? {
        return Ok(post);
    }
    for count in (1..hashtags.len()).rev() {
        if let Some(post) = fill(title, "", &hashtags[..count])? {
            return Ok(post);
        }
    }
    let first = &hashtags[..hashtags.len().min(1)];
    if let Some(post) = longest(&beginnings(title), |start| fill(start, "", first))? {
        return Ok(post);
    }
    let shortest = draft.fill("", "", first)?;
    let as_thread = unthreaded.map(|reason| format!("; nor can it be a thread: {reason}")).unwrap_or_default();
    let (length, limit) = (shortest.length, shortest.limit);
    if length <= limit {
        let (bytes, most) = (shortest.text.len(), draft.limits.bytes_max);
        return Err(format!(
            "the text has {bytes} bytes where the network takes {most}, even without title and summary{as_thread}"
        ));
    }
    Err(format!(
        "the text has {length} characters where the network takes {limit}, even without title and summary{as_thread}"
    ))
}

/// A thread whose first post has the title, the address and the hashtags, and as much of the summary as fits; the rest
/// of the summary follows. A text without the summary goes on as it is. The inner error says why it cannot be one.
fn in_thread(
    draft: &Draft,
    numbered: bool,
    summary: &str,
    hashtags: &[String],
    whole: &Post,
) -> Result<Result<Post, String>, String> {
    let room = thread::number(thread::POSTS_MAX, thread::POSTS_MAX, numbered);
    let opens = |start: &str| -> Result<Option<Post>, String> {
        let post = draft.fill(&draft.article.title, start, hashtags)?;
        Ok(draft.limits.holds(&format!("{}{room}", post.text)).then_some(post))
    };
    let bare = draft.fill(&draft.article.title, "", hashtags)?;
    let mut found: Option<(Post, &str)> = None;
    if bare.text != whole.text {
        // A whole sentence, else whole words, else none of the summary.
        for end in sentence_ends(summary).into_iter().rev() {
            if let Some(post) = opens(summary[..end].trim_end())? {
                found = Some((post, &summary[end..]));
                break;
            }
        }
        if found.is_none() {
            found = opens("")?.map(|post| (post, summary));
        }
    }
    let (mut post, texts) = match found {
        Some((post, rest)) => {
            let texts = match thread::split(rest, &draft.limits, numbered, 1) {
                Ok(texts) => texts,
                Err(reason) => return Ok(Err(reason)),
            };
            (post, texts)
        }
        None => {
            let mut texts = match thread::split(&whole.text, &draft.limits, numbered, 0) {
                Ok(texts) => texts,
                Err(reason) => return Ok(Err(reason)),
            };
            let mut post = whole.clone();
            post.text = if texts.is_empty() { String::new() } else { texts.remove(0) };
            (post, texts)
        }
    };
    let count = texts.len() + 1;
    let end = |place: usize| thread::number(place, count, numbered && count > 1);
    post.text.push_str(&end(1));
    post.length = draft.limits.counter.count(&post.text);
    post.thread = texts.into_iter().enumerate().map(|(at, text)| text + &end(at + 2)).collect();
    Ok(Ok(post))
}

/// Longest description of a link card, in characters: networks show two lines of it.
const DESCRIPTION_MAX: usize = 300;

/// The link card of an article, made of what it says of itself.
fn card(article: &Article, summary: &str) -> Card {
    let short = summary.chars().count() <= DESCRIPTION_MAX;
    let description = if short {
        summary.to_owned()
    } else {
        let starts = beginnings(summary);
        starts.into_iter().rev().find(|start| start.chars().count() <= DESCRIPTION_MAX).unwrap_or_default()
    };
    Card { url: article.url.to_string(), title: article.title.clone(), description, thumb: None }
}

/// The article's own text for an endpoint: by its name, by its network, or for all.
fn own_text<'a>(article: &'a Article, endpoint: &EndpointName, network: &str) -> Option<&'a str> {
    [endpoint.as_str(), network, ""]
        .iter()
        .find_map(|wanted| article.social.iter().find(|(name, _)| name == wanted))
        .map(|(_, text)| text.as_str())
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
mod tests;
