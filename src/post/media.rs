//! Which images of an article go with its post, and with what alternative text. What they look like is the shell's to
//! fetch.

use crate::article::{Article, Image as ArticleImage};
use crate::config::{Composing, Images, MissingAlt};
use crate::post::Limits;
use crate::shorten::beginnings;
use unicode_segmentation::UnicodeSegmentation;

/// An image that is to go with a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The image.
    pub image: ArticleImage,
    /// What it shows, as long as the network lets it be.
    pub alt: String,
}

/// What goes with a post, and what a person should know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The images.
    pub wanted: Vec<Wanted>,
    /// Why the post must wait for a person.
    pub hold: Vec<String>,
    /// What is left out or put in its place, and why.
    pub notes: Vec<String>,
}

/// Chooses the images of a post. `approved`: a person knows that an image has no alternative text, and wants the post to
/// go out without it.
pub fn choose(article: &Article, composing: &Composing, limits: &Limits, approved: bool) -> Choice {
    let most = match composing.images {
        Images::None => 0,
        Images::Lead => limits.images_max.min(1),
        Images::All => limits.images_max,
    };
    let mut images = article.images.clone();
    if composing.images == Images::All && images.len() < most {
        images.extend(article.pictures());
    }
    let mut choice = Choice::default();
    for image in images.into_iter().take(most) {
        let alt = match (&image.alt, composing.alt) {
            (Some(alt), _) => alt.clone(),
            (None, MissingAlt::Title) => {
                choice
                    .notes
                    .push(format!("the image {} has no alternative text; the title takes its place", image.url));
                article.title.clone()
            }
            (None, MissingAlt::Hold) if !approved => {
                choice.hold.push(format!(
                    "the image {} has no alternative text: write one (“alternative-textuelle: …” under the image)",
                    image.url
                ));
                continue;
            }
            (None, MissingAlt::Hold | MissingAlt::Drop) => {
                choice.notes.push(format!("the image {} has no alternative text and is left out", image.url));
                continue;
            }
        };
        choice.wanted.push(Wanted { image, alt: shortened(&alt, limits.alt_max) });
    }
    choice
}

/// A text in so many grapheme clusters, cut between words.
fn shortened(text: &str, most: usize) -> String {
    let fits = |text: &str| text.graphemes(true).count() <= most;
    if fits(text) {
        return text.to_owned();
    }
    beginnings(text).into_iter().rev().find(|start| fits(start)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::Counter;
    use url::Url;

    const LIMITS: Limits = Limits { images_max: 4, alt_max: 20, ..Limits::text(500, Counter::Graphemes) };

    fn article() -> Article {
        let image = |name: &str, alt: Option<&str>| ArticleImage {
            url: Url::parse(&format!("https://www.example.fr/{name}")).unwrap(),
            alt: alt.map(str::to_owned),
            legend: None,
            facts: None,
        };
        let mut article = crate::article::tests::article("x");
        article.images = vec![image("a.jpg", None), image("b.jpg", Some("Un agent devant un écran"))];
        article
    }

    #[test]
    fn what_has_no_alternative_text_waits_is_left_out_or_takes_the_title() {
        let article = article();
        let choose = |images, alt, approved| {
            let composing = Composing { images, alt, ..Composing::default() };
            let choice = choose(&article, &composing, &LIMITS, approved);
            let alts: Vec<String> = choice.wanted.into_iter().map(|wanted| wanted.alt).collect();
            (alts, choice.hold.len(), choice.notes.len())
        };
        let second = "Un agent devant un…".to_owned();
        assert_eq!(choose(Images::None, MissingAlt::Hold, false), (vec![], 0, 0));
        assert_eq!(choose(Images::Lead, MissingAlt::Hold, false), (vec![], 1, 0));
        assert_eq!(choose(Images::Lead, MissingAlt::Hold, true), (vec![], 0, 1));
        assert_eq!(choose(Images::All, MissingAlt::Drop, false), (vec![second.clone()], 0, 1));
        assert_eq!(choose(Images::All, MissingAlt::Title, false), (vec!["Essai".to_owned(), second], 0, 1));
    }

    #[test]
    fn the_pictures_of_the_text_come_after_those_of_the_front_matter() {
        let mut article = article();
        article.body = "![Un plan](plan.png) ![](trait.png) ![Encore](/b.jpg) ![Une salle](salle.jpg)".to_owned();
        let urls = |images| {
            let composing = Composing { images, alt: MissingAlt::Title, ..Composing::default() };
            let wanted = choose(&article, &composing, &LIMITS, false).wanted;
            let name = |wanted: Wanted| wanted.image.url.path().rsplit('/').next().unwrap_or("").to_owned();
            wanted.into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(urls(Images::All), ["a.jpg", "b.jpg", "plan.png", "salle.jpg"]);
        assert_eq!(urls(Images::Lead), ["a.jpg"]);
    }
}
