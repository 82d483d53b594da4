//! The post that a delivery makes, at this moment.

use super::Deliverer;
use crate::article::Article;
use crate::blocking::elsewhere;
use crate::config::Rule;
use crate::delivery::Delivery;
use crate::media::{Sources, attach};
use crate::network::Network;
use crate::post::{Brief, Correction, Post, compose, corrections};
use crate::reconcile::Snapshot;
use crate::store::{Lease, Outcome, OwnWord, StoreError};
use crate::template::Template;
use crate::text::is_french;

/// What is to be composed.
#[derive(Clone, Copy)]
pub(super) struct Commission<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) rule: Option<&'a Rule>,
    /// A person's own text for it, a template.
    pub(super) text: Option<&'a str>,
    /// Whether it was held for an image, and so goes out without one that is not as it should be.
    pub(super) image_held: bool,
    /// The template by which it was made before, if it was.
    pub(super) template: Option<&'a str>,
}

/// A post as it would be sent now.
#[derive(Debug)]
pub struct Composed {
    /// The post.
    pub post: Post,
    /// Its article.
    pub article: Article,
    /// Hash of what readers see of the article.
    pub visible: u64,
    /// Why an image is not with it, if one should be.
    pub without_image: Option<String>,
}

/// Why there is no post.
pub(super) enum NoPost {
    /// There will not be one.
    Failed(String),
    /// A person must say what becomes of an image.
    Held(String),
    /// An image is not there yet.
    Later(String),
}

impl Deliverer {
    /// The post of a delivery as it would be sent now, and its article. Where an image is not as it should be, without it.
    ///
    /// Errors: for a person, why there is none.
    pub async fn composed(&self, delivery: &Delivery, own: &OwnWord, snapshot: &Snapshot) -> Result<Composed, String> {
        let network = self.networks.get(&delivery.key.endpoint).ok_or("its endpoint cannot be used")?;
        let rule = self.config.rules.iter().find(|rule| rule.name == delivery.key.rule);
        let standing = snapshot.catalog().get(&delivery.key.article).cloned();
        let standing = standing.ok_or("its article is not there any more")?;
        let visible = standing.past.visible;
        let texts = snapshot.texts.clone();
        let read = elsewhere(move || texts.read(&standing)).await;
        let read = read.ok().and_then(Result::ok);
        let (article, _) = read.ok_or("its article's file cannot be read at present")?;
        let template = own.template.as_deref();
        let mut commission =
            Commission { delivery, rule, text: own.text.as_deref(), image_held: own.image_held, template };
        let mut without_image = None;
        loop {
            match self.compose_for(&commission, &article, snapshot, network.as_ref()).await {
                Ok(Ok(post)) => return Ok(Composed { post, article, visible, without_image }),
                Ok(Err(NoPost::Held(why))) if without_image.is_none() => {
                    without_image = Some(why);
                    commission.image_held = true;
                }
                Ok(Err(NoPost::Failed(reason) | NoPost::Held(reason) | NoPost::Later(reason))) => return Err(reason),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// The post with its images, which are kept before it is sent.
    pub(super) async fn compose(
        &self,
        lease: &Lease,
        rule: Option<&Rule>,
        article: &Article,
        snapshot: &Snapshot,
        network: &dyn Network,
    ) -> Result<Result<Post, Outcome>, StoreError> {
        let commission = Commission {
            delivery: &lease.delivery,
            rule,
            text: lease.text.as_deref(),
            image_held: lease.image_held,
            template: None,
        };
        let composed = self.compose_for(&commission, article, snapshot, network).await?;
        Ok(composed.map_err(|no_post| match no_post {
            NoPost::Failed(reason) => Outcome::Failed(reason),
            NoPost::Held(why) => {
                let id = lease.delivery.id;
                Outcome::Held(format!(
                    "{why}; then `crieur posts approve {id}`, which without one sends the post without the image"
                ))
            }
            NoPost::Later(reason) => self.wait_for(lease, rule, "an image", &reason),
        }))
    }

    /// The post with its images, which are kept.
    pub(super) async fn compose_for(
        &self,
        commission: &Commission<'_>,
        article: &Article,
        snapshot: &Snapshot,
        network: &dyn Network,
    ) -> Result<Result<Post, NoPost>, StoreError> {
        let Commission { delivery, rule, text, image_held, template } = *commission;
        let told = match self.correction_of(delivery, article, snapshot, network).await? {
            Ok(told) => told,
            Err(reason) => return Ok(Err(NoPost::Failed(reason))),
        };
        let endpoint = &delivery.key.endpoint;
        let limits = network.limits(self.clock.now()).await;
        let variant = rule.and_then(|rule| rule.variant(&delivery.key.step)).map(Template::source);
        let text = text.or(variant.map(|variant| template.unwrap_or(variant)));
        let (kind, hashtags) = (&delivery.network, &self.config.hashtags);
        let composed = Brief::new(text, rule, endpoint, kind, hashtags, limits)
            .and_then(|brief| if text.is_none() { brief.as_before(template) } else { Ok(brief) })
            .and_then(|brief| match &told {
                Some((correction, _)) if commission.text.is_none() => {
                    let language = article.language.as_deref().unwrap_or(&snapshot.site.language);
                    brief.correcting(rule, correction, is_french(language))
                }
                _ => Ok(brief),
            })
            .and_then(|brief| Ok((compose(article, &snapshot.site, &brief)?, brief.composing)));
        let (mut post, composing) = match composed {
            Ok(composed) => composed,
            Err(reason) => return Ok(Err(NoPost::Failed(reason))),
        };
        post.answers = told.and_then(|(_, answers)| answers);
        let sources = Sources {
            texts: &snapshot.texts,
            // What stays on this machine asks nobody.
            client: self.readers.get(endpoint).filter(|_| network.is_outside()),
            allow_private: self.config.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.allow_private),
        };
        let attached = attach(&mut post, article, &composing, &limits, image_held, &sources).await;
        if !attached.hold.is_empty() {
            return Ok(Err(NoPost::Held(attached.hold.join("; "))));
        }
        if let Some(reason) = attached.later {
            return Ok(Err(NoPost::Later(reason)));
        }
        for note in &attached.notes {
            tracing::warn!(delivery = delivery.id, %endpoint, path = delivery.path, "{note}");
        }
        for ready in &attached.ready {
            let image = &ready.image;
            self.store.keep_media(&image.digest, &image.media_type, &ready.bytes, self.clock.now()).await?;
        }
        Ok(Ok(post))
    }

    /// What a delivery that tells a correction tells, and which post it answers, where the network has answers. None for one
    /// that tells none.
    ///
    /// The inner error: it has nothing to tell any more.
    async fn correction_of(
        &self,
        delivery: &Delivery,
        article: &Article,
        snapshot: &Snapshot,
        network: &dyn Network,
    ) -> Result<Result<Option<(Correction, Option<String>)>, String>, StoreError> {
        let Some(mark) = delivery.key.correction() else { return Ok(Ok(None)) };
        let marked = corrections(article, &snapshot.site).into_iter().find(|correction| correction.mark == mark);
        let Some(correction) = marked else {
            return Ok(Err("the article does not bear this correction any more".to_owned()));
        };
        let Some(answered) = self.store.corrects(delivery).await? else {
            return Ok(Err("the post that it corrects is not there any more".to_owned()));
        };
        // Of a post that a person found, its address may be all that is known: then the correction stands for itself.
        let can_answer = network.abilities().answers && !answered.starts_with("http");
        Ok(Ok(Some((correction, can_answer.then_some(answered)))))
    }
}
