//! The built-in WebSub hub, and what hubs elsewhere are told (W3C WebSub, Recommendation of 23 January 2018).
//!
//! Pure: what a request means, what becomes of a subscription, what is due. What is due is found by looking: a
//! [`Version`] of a document is served now, another one was told last ([`Owed`]). Nothing is queued, so nothing can be
//! lost or go out of step.

mod answer;
mod callback;
mod owed;
mod request;
mod subscription;
mod topic;
mod visits;

#[cfg(test)]
mod tests;

pub use answer::{Answered, Trouble, Verified, answered, verified};
pub use callback::{Callback, links, ping, signature};
pub use owed::{Due, Owed, Version};
pub use request::{BODY_MAX, Lease, Refusal, Request, Wish, parse};
pub use subscription::{
    Ask, Asked, Counts, End, Limits, Mode, Next, Outcome, Served, State, Subscription, Work, ask, tidy_before,
};
pub use topic::{Topic, find};
pub use visits::Visits;
