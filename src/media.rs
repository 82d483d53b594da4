//! The images of a post: read from the site's folder or asked of its address, made to fit, and named by their content.
//!
//! A preview does all this too; only the keeping is left to who sends.

use crate::article::{Article, Image as ArticleImage};
use crate::blocking::elsewhere;
use crate::config::{Composing, MissingAlt};
use crate::digest;
use crate::network::client::{self, USER_AGENT};
use crate::picture::{self, Bounds, Picture};
use crate::post::media::choose;
use crate::post::{Image, Limits, Post};
use crate::reconcile::Texts;
use reqwest::{Client, StatusCode};
use url::Url;

/// Bytes of a SHA-256.
const DIGEST: usize = 32;
/// Redirects that are followed within the site.
const REDIRECTS_MAX: usize = 3;

/// Where images come from.
pub struct Sources<'a> {
    /// The site's folder.
    pub texts: &'a Texts,
    /// What asks for images elsewhere; None asks for none.
    pub client: Option<&'a Client>,
    /// Whether they may stand on private or loopback addresses.
    pub allow_private: bool,
}

/// An image as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// What is said of it.
    pub image: Image,
    /// Where it came from.
    pub from: Url,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What became of a post's images.
#[derive(Debug, Default)]
pub struct Attached {
    /// The images, that of the link card among them.
    pub ready: Vec<Ready>,
    /// Why the post must wait for a person.
    pub hold: Vec<String>,
    /// Why an image could not be had just now: it may come.
    pub later: Option<String>,
    /// What is left out, and why.
    pub notes: Vec<String>,
}

/// Why an image cannot be used.
enum Trouble {
    /// It will not get better by waiting.
    Bad(String),
    /// It may.
    Later(String),
}

/// Gives a post its images, by the rule and the network. `approved`: what would hold the post is left out instead.
pub async fn attach(
    post: &mut Post,
    article: &Article,
    composing: &Composing,
    limits: &Limits,
    approved: bool,
    sources: &Sources<'_>,
) -> Attached {
    let choice = choose(article, composing, limits, approved);
    let mut attached = Attached { hold: choice.hold, notes: choice.notes, ..Attached::default() };
    let bounds = Bounds { bytes_max: limits.image_bytes_max, side_max: limits.image_side_max };
    for wanted in choice.wanted {
        let found = match limits.images_by_address {
            true => as_it_is(&wanted.image, limits.image_bytes_max, sources).await,
            false => fitted(&wanted.image, bounds, sources).await,
        };
        match found {
            Ok(picture) => {
                let ready = ready(picture, &wanted.image, wanted.alt);
                if !post.images.iter().any(|image| image.digest == ready.image.digest) {
                    post.images.push(ready.image.clone());
                    attached.ready.push(ready);
                }
            }
            Err(Trouble::Later(reason)) if !approved => attached.later = Some(reason),
            // Where the network fetches images itself, a post without one is better than none.
            Err(Trouble::Bad(reason))
                if composing.alt == MissingAlt::Hold && !approved && !limits.images_by_address =>
            {
                attached.hold.push(reason);
            }
            Err(Trouble::Bad(reason) | Trouble::Later(reason)) => {
                attached.notes.push(format!("{reason}; it is left out"));
            }
        }
    }
    if !post.images.is_empty() {
        // Networks show the one or the other.
        post.card = None;
    }
    if let Some(card) = &mut post.card
        && let Some(lead) = article.images.first().filter(|_| limits.thumb_bytes_max > 0)
    {
        let bounds = Bounds { bytes_max: limits.thumb_bytes_max, side_max: THUMB_SIDE_MAX };
        match fitted(lead, bounds, sources).await {
            Ok(picture) => {
                let ready = ready(picture, lead, lead.alt.clone().unwrap_or_default());
                card.thumb = Some(ready.image.clone());
                attached.ready.push(ready);
            }
            // A card is good without a picture.
            Err(Trouble::Bad(reason) | Trouble::Later(reason)) => {
                attached.notes.push(format!("{reason}; the link card has no picture"));
            }
        }
    }
    attached
}

/// Most pixels of the longer side of a card's picture: networks show it at about half of that.
const THUMB_SIDE_MAX: u32 = 1200;

fn ready(picture: Picture, image: &ArticleImage, alt: String) -> Ready {
    let said = Image {
        digest: digest::hex(&picture.bytes, DIGEST),
        media_type: picture.media_type.to_owned(),
        width: picture.width,
        height: picture.height,
        alt,
        url: image.url.to_string(),
    };
    Ready { image: said, from: image.url.clone(), bytes: picture.bytes }
}

/// An image made to fit.
async fn fitted(image: &ArticleImage, bounds: Bounds, sources: &Sources<'_>) -> Result<Picture, Trouble> {
    looked_at(image, sources, move |bytes| picture::fit(bytes, bounds)).await
}

/// An image that the network fetches from its address.
async fn as_it_is(image: &ArticleImage, bytes_max: usize, sources: &Sources<'_>) -> Result<Picture, Trouble> {
    if image.url.scheme() != "https" && !sources.allow_private {
        let reason = format!("the image {} cannot be fetched by the network: its address is not https", image.url);
        return Err(Trouble::Bad(reason));
    }
    looked_at(image, sources, move |bytes| picture::as_it_is(bytes, bytes_max)).await
}

async fn looked_at(
    image: &ArticleImage,
    sources: &Sources<'_>,
    look: impl FnOnce(&[u8]) -> Result<Picture, String> + Send + 'static,
) -> Result<Picture, Trouble> {
    let (texts, url) = (sources.texts.clone(), image.url.clone());
    let own = elsewhere(move || texts.file(&url, picture::FILE_MAX as u64)).await;
    let bytes = match own.ok().flatten() {
        Some(bytes) => bytes,
        None => asked(&image.url, sources).await?,
    };
    let named = |reason: String| Trouble::Bad(format!("the image {} cannot be used: {reason}", image.url));
    let fitted = elsewhere(move || look(&bytes)).await;
    fitted.map_err(|_| named("it breaks what reads it; save it again".to_owned()))?.map_err(named)
}

/// The bytes of an image at an address, after at most some redirects within its own site.
async fn asked(url: &Url, sources: &Sources<'_>) -> Result<Vec<u8>, Trouble> {
    let named = |reason: &str| format!("the image {url} cannot be had: {reason}");
    let Some(client) = sources.client else {
        return Err(Trouble::Bad(named("it is not in the site's folder")));
    };
    let mut at = url.clone();
    for _ in 0..=REDIRECTS_MAX {
        if !matches!(at.scheme(), "http" | "https") {
            return Err(Trouble::Bad(named("its address is none of the web")));
        }
        if !sources.allow_private {
            client::refuse_private(&at).map_err(|error| Trouble::Bad(named(&error)))?;
        }
        let response = client.get(at.clone()).header("User-Agent", USER_AGENT).send().await;
        let mut response = response.map_err(|_| Trouble::Later(named("its server does not answer")))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok()).and_then(|to| at.join(to).ok());
            match to {
                Some(to) if to.host_str() == url.host_str() => at = to,
                _ => return Err(Trouble::Bad(named("its server sends one elsewhere"))),
            }
            continue;
        }
        if status != StatusCode::OK {
            let reason = named(&format!("its server answers {status}"));
            return Err(if status.is_client_error() && status != StatusCode::NOT_FOUND {
                Trouble::Bad(reason)
            } else {
                // What was published a moment ago may still be on its way to the server.
                Trouble::Later(reason)
            });
        }
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= picture::FILE_MAX => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(Trouble::Bad(named("it is too large; save a smaller copy"))),
                Ok(None) => return Ok(bytes),
                Err(_) => return Err(Trouble::Later(named("the answer was cut off"))),
            }
        }
    }
    Err(Trouble::Bad(named("its server redirects without end")))
}
