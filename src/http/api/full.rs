//! The shape of one delivery with its history: from the API, and from `crieur posts show --json`.

use crate::acts::Look;
use crate::delivery::Delivery;
use crate::plan::Approved;
use crate::post::Image;
use crate::shapes::{self, utc};
use crate::store::{Act, Attempt};
use serde::Serialize;

/// A delivery with all that happened to it.
#[derive(Debug, Serialize)]
pub struct PostInFull {
    #[serde(flatten)]
    post: shapes::Post,
    /// The post as it would go out now, where it waits for that.
    composed: Option<Composed>,
    /// Why there is no such post, where there should be.
    problem: Option<String>,
    approvals: Vec<shapes::Approval>,
    acts: Vec<Done>,
    tries: Vec<Try>,
}

/// A post as it would go out now.
#[derive(Debug, Serialize)]
struct Composed {
    text: String,
    thread: Vec<String>,
    images: Vec<Pictured>,
    /// Why an image is not with it, if one should be.
    without_image: Option<String>,
    /// Why it cannot be approved, if no slot of its queue is left for it.
    no_slot: Option<String>,
    /// When it would be due.
    due_at: String,
    /// What an approval is bound to.
    print: String,
}

#[derive(Debug, Serialize)]
struct Pictured {
    digest: String,
    alt: String,
}

impl From<&Look> for Composed {
    fn from(look: &Look) -> Self {
        let pictured = |image: &Image| Pictured { digest: image.digest.clone(), alt: image.alt.clone() };
        Self {
            text: look.post.text.clone(),
            thread: look.post.thread.clone(),
            images: look.post.images.iter().map(pictured).collect(),
            without_image: look.without_image.clone(),
            no_slot: look.no_slot.clone(),
            due_at: utc(look.due_at),
            print: look.print.clone(),
        }
    }
}

/// What a person decided.
#[derive(Debug, Serialize)]
struct Done {
    at: String,
    person: String,
    road: String,
    act: String,
    detail: Option<String>,
}

/// One try.
#[derive(Debug, Serialize)]
struct Try {
    number: u32,
    started_at: String,
    finished_at: Option<String>,
    outcome: Option<String>,
    detail: Option<String>,
}

impl PostInFull {
    /// A delivery with its history. `look` is the post as it would go out now, or why there is none.
    pub fn new(
        delivery: Delivery,
        look: Option<Result<&Look, String>>,
        approvals: &[Approved],
        acts: &[Act],
        attempts: &[Attempt],
    ) -> Self {
        let (composed, problem) = match look {
            Some(Ok(look)) => (Some(Composed::from(look)), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let done = |act: &Act| Done {
            at: utc(act.at),
            person: act.person.clone(),
            road: act.road.clone(),
            act: act.act.clone(),
            detail: act.detail.clone(),
        };
        let tried = |attempt: &Attempt| Try {
            number: attempt.number,
            started_at: utc(attempt.started_at),
            finished_at: attempt.finished_at.map(utc),
            outcome: attempt.outcome.clone(),
            detail: attempt.detail.clone(),
        };
        Self {
            post: shapes::Post::from(delivery),
            composed,
            problem,
            approvals: approvals.iter().map(shapes::Approval::from).collect(),
            acts: acts.iter().map(done).collect(),
            tries: attempts.iter().map(tried).collect(),
        }
    }
}
