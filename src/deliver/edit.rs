//! Makes published posts what their article says now.

use super::composing::{Commission, NoPost};
use super::{CALL_MAX, Deliverer, Unseen, live_check, read};
use crate::article::Article;
use crate::config::{EndpointName, OnEdit, Rule};
use crate::crash::crash_point;
use crate::delivery::{Failure, Next, RetryPolicy};
use crate::network::Network;
use crate::plan;
use crate::post::{Post, corrections};
use crate::reconcile::Snapshot;
use crate::store::{Amended, StoreError, ToEdit};
use jiff::{SignedDuration, Timestamp};

/// Most posts that are edited before others go out.
const AT_ONCE: usize = 20;

impl Deliverer {
    /// Compares with their articles what is due of an endpoint, and edits what differs.
    pub(super) async fn amend(
        &self,
        endpoint: &EndpointName,
        network: &dyn Network,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        for _ in 0..AT_ONCE {
            let Some(due) = self.store.next_edit(endpoint, self.clock.now()).await? else { return Ok(()) };
            crash_point("after-edit-lease");
            let Some(amended) = self.amend_one(&due, network, snapshot).await? else { continue };
            crash_point("before-amended");
            let id = due.delivery.id;
            match &amended {
                Amended::Done { .. } => tracing::info!(delivery = id, "the post of delivery {id} was edited"),
                Amended::Same(_) | Amended::Void => {
                    tracing::debug!(delivery = id, "the post of delivery {id} stays as it is");
                }
                Amended::Again(at, reason) => {
                    tracing::warn!(
                        delivery = id,
                        "the post of delivery {id} is not edited yet, and is at {at}: {reason}"
                    );
                }
                Amended::Held(reason) => {
                    tracing::warn!(delivery = id, "the post of delivery {id} waits for a person: {reason}");
                }
                Amended::Failed(reason) => {
                    tracing::error!(delivery = id, "the post of delivery {id} needs a person: {reason}");
                }
            }
            self.store.amended(&due, &amended, self.clock.now()).await?;
        }
        Ok(())
    }

    /// None if it may not be edited any more.
    async fn amend_one(
        &self,
        due: &ToEdit,
        network: &dyn Network,
        snapshot: &Snapshot,
    ) -> Result<Option<Amended>, StoreError> {
        let now = self.clock.now();
        let (article, edition) = match read(&due.delivery.key.article, snapshot, now).await {
            Ok(found) => found,
            Err(Unseen::Withdrawn(_)) => return Ok(Some(Amended::Void)),
            Err(Unseen::Unreadable) => {
                return Ok(Some(self.later(due, "the article's file cannot be read at present")));
            }
        };
        // A correction was told once, in the words that it had then.
        if due.delivery.key.correction().is_some() {
            return Ok(Some(Amended::Same(edition)));
        }
        let rule = self.config.rules.iter().find(|rule| rule.name == due.delivery.key.rule);
        let corrects = rule.is_some_and(|rule| rule.on_edit == OnEdit::Correct) && !due.by_hand;
        if corrects {
            if let Some(held) = self.tell_corrections(due, &article, snapshot).await? {
                return Ok(Some(held));
            }
            // What no correction marks is no reason to trouble a person.
            if !network.abilities().edits {
                return Ok(Some(Amended::Same(edition)));
            }
        }
        let mut post = match self.said_now(due, rule, &article, network, snapshot).await? {
            Ok(post) => post,
            Err(amended) => return Ok(Some(amended)),
        };
        let keeps_images = !network.abilities().edits_images && !has_same_images(&post, &due.post);
        if keeps_images {
            // What is said of an image must be of the one that readers see.
            post.images.clone_from(&due.post.images);
        }
        if plan::says_the_same(&post, &due.post) && !due.in_doubt {
            return Ok(Some(match keeps_images {
                true => by_hand(due, "its images changed, and this network cannot change those of a post"),
                false => Amended::Same(edition),
            }));
        }
        if keeps_images {
            let id = due.delivery.id;
            tracing::warn!(
                delivery = id,
                "the post of delivery {id} keeps its images: this network cannot change them"
            );
        }
        if let Some(amended) = self.not_now(due, rule, &article, &post, network).await? {
            return Ok(Some(amended));
        }
        let Some(receipt) = due.delivery.receipt() else {
            return Ok(Some(by_hand(due, "what it is called there is not known")));
        };
        if !self.store.begin_edit(due, &post, self.clock.now()).await? {
            return Ok(None);
        }
        crash_point("after-edit-start");
        let (key, at) = (&due.delivery.key, self.clock.now());
        let answer = tokio::time::timeout(CALL_MAX, network.edit(&receipt, &post, key, at)).await;
        crash_point("after-edit");
        let failure = match answer {
            Ok(Ok(receipt)) => {
                self.heard(&key.endpoint, network, None).await;
                return Ok(Some(Amended::Done { post: Box::new(post), receipt, edition }));
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Unavailable(format!("no answer within {} s", CALL_MAX.as_secs())),
        };
        self.heard(&key.endpoint, network, Some(&failure)).await;
        Ok(Some(self.not_edited(due, network, failure)))
    }

    /// Books a post for each correction that the article bears and did not when the post was made. What a person is asked
    /// instead, if so much changed at once that they are.
    async fn tell_corrections(
        &self,
        due: &ToEdit,
        article: &Article,
        snapshot: &Snapshot,
    ) -> Result<Option<Amended>, StoreError> {
        let marked = corrections(article, &snapshot.site);
        let new: Vec<_> = marked.iter().filter(|marked| !due.post.corrections.contains(&marked.mark)).collect();
        if new.is_empty() {
            return Ok(None);
        }
        if due.asks {
            let id = due.delivery.id;
            return Ok(Some(Amended::Held(format!(
                "its article marks a correction, one of many at once; `crieur posts edit {id}` edits the post, `crieur posts keep {id}` leaves it, and `crieur publish-now {} --text …` tells the correction",
                due.delivery.path
            ))));
        }
        for correction in new {
            if self.store.book_correction(&due.delivery, &correction.mark, self.clock.now()).await? {
                let id = due.delivery.id;
                tracing::info!(delivery = id, "the article of delivery {id} marks a correction: it is posted too");
            }
        }
        Ok(None)
    }

    /// The post as it would be now, by the template by which it was made.
    async fn said_now(
        &self,
        due: &ToEdit,
        rule: Option<&Rule>,
        article: &Article,
        network: &dyn Network,
        snapshot: &Snapshot,
    ) -> Result<Result<Post, Amended>, StoreError> {
        let commission = Commission {
            delivery: &due.delivery,
            rule,
            text: due.text.as_deref(),
            image_held: due.image_held,
            template: due.post.template.as_deref(),
        };
        let composed = self.compose_for(&commission, article, snapshot, network).await?;
        Ok(match composed {
            Ok(post) => Ok(Post { frozen_at: due.post.frozen_at, ..post }),
            Err(NoPost::Later(reason)) => Err(self.later(due, &format!("waiting for an image: {reason}"))),
            Err(NoPost::Failed(reason) | NoPost::Held(reason)) => Err(by_hand(due, &reason)),
        })
    }

    /// Why a post that differs from its article is not edited now, if it is not.
    async fn not_now(
        &self,
        due: &ToEdit,
        rule: Option<&Rule>,
        article: &Article,
        post: &Post,
        network: &dyn Network,
    ) -> Result<Option<Amended>, StoreError> {
        let id = due.delivery.id;
        if !network.abilities().edits {
            return Ok(Some(by_hand(due, "this network cannot edit a post")));
        }
        let is_asked = due.asks || rule.is_some_and(|rule| rule.on_edit == OnEdit::Ask);
        if is_asked && !due.by_hand && !due.in_doubt {
            let many = if due.asks { ", one of many at once" } else { "" };
            return Ok(Some(Amended::Held(format!(
                "its article changed{many}; `crieur posts edit {id}` makes the post what it says, `crieur posts keep {id}` leaves it"
            ))));
        }
        if let Some(reason) = self.unapproved(&due.delivery, rule, post).await? {
            return Ok(Some(Amended::Held(format!("its article changed; {reason}"))));
        }
        if network.is_outside()
            && let Err(reason) = self.is_alive(&due.delivery.key.endpoint, article, live_check(rule)).await
        {
            return Ok(Some(self.later(due, &format!("waiting for the article's address: {reason}"))));
        }
        Ok(None)
    }

    /// It is tried again, as long as one tries.
    fn later(&self, due: &ToEdit, reason: &str) -> Amended {
        self.after(due, SignedDuration::ZERO, &Failure::Unavailable(reason.to_owned()))
    }

    /// An edit that is made again changes nothing, so that a doubt is no reason to look first.
    fn not_edited(&self, due: &ToEdit, network: &dyn Network, failure: Failure) -> Amended {
        let (wait, failure) = match failure {
            Failure::Uncertain(reason) => (network.look_after(), Failure::Unavailable(reason)),
            failure => (SignedDuration::ZERO, failure),
        };
        self.after(due, wait, &failure)
    }

    fn after(&self, due: &ToEdit, wait: SignedDuration, failure: &Failure) -> Amended {
        let (policy, now) = (RetryPolicy::from(self.config.delivery), self.clock.now());
        match policy.next(due.delivery.id, due.tries, failure, false, due.since, now) {
            Next::Again { at, .. } => {
                let at = at.max(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
                Amended::Again(at, format!("its article changed, and the post is to be edited: {}", failure.reason()))
            }
            _ => by_hand(due, failure.reason()),
        }
    }
}

/// Whether posts have the same pictures, whatever is said of them.
fn has_same_images(one: &Post, other: &Post) -> bool {
    one.images.iter().map(|image| &image.digest).eq(other.images.iter().map(|image| &image.digest))
}

/// A person is told that a post stays as it is, and what they can do.
fn by_hand(due: &ToEdit, why: &str) -> Amended {
    let (id, place) = (due.delivery.id, due.delivery.remote_url.as_deref().unwrap_or("on its account"));
    Amended::Failed(format!(
        "its article changed, and the post stays as it was: {why}; edit it by hand: {place}; `crieur posts keep {id}` ends this, `crieur posts edit {id}` tries again"
    ))
}
