//! Deliveries: one post to one endpoint, and what becomes of it. Plain data and pure decisions.

mod health;

pub use health::{Health, Paused};

use crate::article::ArticleId;
use crate::config::{self, EndpointName};
use crate::digest;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::fmt;

/// What makes a delivery unique, for ever: one article, one step of one rule, one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The article.
    pub article: ArticleId,
    /// The rule's name, or [`config::BY_HAND`].
    pub rule: String,
    /// The step of the rule: `publication`, `campaign`, or a moment such as `event:-7d` or `after:30d`.
    pub step: String,
    /// The endpoint.
    pub endpoint: EndpointName,
}

/// The step of rules that announce a publication.
pub const PUBLICATION: &str = "publication";

/// The step of campaigns.
pub const CAMPAIGN: &str = "campaign";

/// Why a delivery is held that a person said is to wait.
pub const HELD_BY_HAND: &str = "held by hand";

/// What the steps begin with that tell a correction of an article; its mark follows.
const CORRECTION: &str = "correction:";

impl DeliveryKey {
    /// The key of a correction of what this delivery posted.
    pub fn corrected(&self, mark: &str) -> Self {
        Self { step: format!("{CORRECTION}{mark}"), ..self.clone() }
    }

    /// The mark of the correction that it tells, if it tells one.
    pub fn correction(&self) -> Option<&str> {
        self.step.strip_prefix(CORRECTION)
    }

    /// The key of a step.
    pub fn new(article: ArticleId, rule: &str, step: &str, endpoint: &EndpointName) -> Self {
        Self { article, rule: rule.to_owned(), step: step.to_owned(), endpoint: endpoint.clone() }
    }

    /// The key of the announcement of a publication.
    pub fn publication(article: ArticleId, rule: &str, endpoint: &EndpointName) -> Self {
        Self::new(article, rule, PUBLICATION, endpoint)
    }

    /// The same text on every attempt, for networks that recognise a repeated request by it.
    pub fn idempotency_key(&self) -> String {
        let text = format!("{}\n{}\n{}\n{}", self.article, self.rule, self.step, self.endpoint);
        format!("crieur-{}", digest::hex(text, 20))
    }

    /// The same for a part of a thread: the first one (0) has the key of the delivery.
    pub fn part(&self, number: usize) -> String {
        let key = self.idempotency_key();
        if number == 0 { key } else { format!("{key}-{}", number + 1) }
    }
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It waits for its time, or for the next try.
    Pending,
    /// It waits for a person's word.
    Held,
    /// A try is under way.
    Sending,
    /// The network has it.
    Published,
    /// Whether the network has it cannot be known: a person settles it.
    Uncertain,
    /// It will not be tried again by itself.
    Failed,
    /// It was called off before it went out.
    Cancelled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Held, Self::Sending, Self::Published, Self::Uncertain, Self::Failed, Self::Cancelled];

    /// The word in JSON, on pages and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Published => "published",
            Self::Uncertain => "uncertain",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing happens any more without a person.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }
}

/// What is decided of a published post that is to be withdrawn from its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It goes.
    Due,
    /// A person says whether it goes.
    Held,
    /// It is gone.
    Done,
    /// It stays where it is until a person deletes it there.
    Failed,
}

impl Removal {
    const ALL: [Self; 4] = [Self::Due, Self::Held, Self::Done, Self::Failed];

    /// The word in JSON and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Held => "held",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|removal| removal.word() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A delivery as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// What makes it unique.
    pub key: DeliveryKey,
    /// The kind of the endpoint's network.
    pub network: String,
    /// The article's path when it was booked.
    pub path: String,
    /// What has become of it.
    pub state: State,
    /// When it is due.
    pub due_at: Timestamp,
    /// The text that was or will be sent; None before the first try.
    pub text: Option<String>,
    /// How many tries there were.
    pub attempts: u32,
    /// What the network calls the post.
    pub remote_id: Option<String>,
    /// Where the post is.
    pub remote_url: Option<String>,
    /// What the network calls the parts after the first, in order.
    pub remote_parts: Vec<String>,
    /// Why it is in this state, for a person.
    pub reason: Option<String>,
    /// What is decided of withdrawing it, once it is published; None if nothing is.
    pub removal: Option<Removal>,
    /// Whether it was called off because its article was withdrawn: it comes back with the article.
    pub withdrawn: bool,
    /// Whether a person asked for it: it does not get too late.
    pub by_hand: bool,
    /// Whether the network may have the post.
    pub look_first: bool,
    /// Whether a person put it before the others of its queue.
    pub urgent: bool,
}

impl Delivery {
    /// What the network answered, if it has the post.
    pub fn receipt(&self) -> Option<Receipt> {
        let remote_id = self.remote_id.clone()?;
        Some(Receipt { remote_id, remote_url: self.remote_url.clone(), parts: self.remote_parts.clone() })
    }

    /// Where it stands, in a word for people: its state, but of a post that went out and is withdrawn, that.
    pub fn stands(&self) -> &'static str {
        match self.removal.filter(|_| self.state == State::Published) {
            Some(Removal::Due) => "withdrawing",
            Some(Removal::Done) => "withdrawn",
            Some(Removal::Held | Removal::Failed) | None => self.state.word(),
        }
    }

    /// Whether it is withdrawn, or about to be: its address is good no more.
    pub fn is_leaving(&self) -> bool {
        matches!(self.removal, Some(Removal::Due | Removal::Done))
    }
}

/// What a network answered to a post that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What the network calls the post.
    pub remote_id: String,
    /// Where people see it.
    pub remote_url: Option<String>,
    /// What the network calls what else belongs to the post, in order: the further posts of a thread, or messages with
    /// its images.
    pub parts: Vec<String>,
}

impl Receipt {
    /// The receipt of a post in one part.
    pub fn new(remote_id: impl Into<String>, remote_url: Option<String>) -> Self {
        Self { remote_id: remote_id.into(), remote_url, parts: Vec::new() }
    }

    /// What the network calls each of its parts, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &str> {
        std::iter::once(&self.remote_id).chain(&self.parts).map(String::as_str)
    }

    /// What the network calls its last part.
    pub fn last(&self) -> &str {
        self.parts.last().unwrap_or(&self.remote_id)
    }
}

/// Why a try did not end with a receipt. The whole policy of retries hangs on these five.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The network does not want this post, or this account: trying again changes nothing.
    Refused(String),
    /// The network does not accept the account's credentials: nothing gets through until a person mends them. The network
    /// does not have the post.
    Unauthorised(String),
    /// Too much at once: try again, not before the given instant. The network does not have the post.
    Throttled {
        /// Not before.
        until: Option<Timestamp>,
        /// What it said.
        reason: String,
    },
    /// The network could not be reached: it does not have the post.
    Unavailable(String),
    /// The network may have the post: the answer was lost, late or senseless.
    Uncertain(String),
}

impl Failure {
    /// What a person reads.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(reason)
            | Self::Unauthorised(reason)
            | Self::Throttled { reason, .. }
            | Self::Unavailable(reason)
            | Self::Uncertain(reason) => reason,
        }
    }
}

impl Failure {
    /// The same failure, said otherwise.
    pub fn map(self, say: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Refused(reason) => Self::Refused(say(reason)),
            Self::Unauthorised(reason) => Self::Unauthorised(say(reason)),
            Self::Throttled { until, reason } => Self::Throttled { until, reason: say(reason) },
            Self::Unavailable(reason) => Self::Unavailable(say(reason)),
            Self::Uncertain(reason) => Self::Uncertain(say(reason)),
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try again.
    Again {
        /// When.
        at: Timestamp,
        /// Whether to ask the network first whether it has the post.
        look_first: bool,
    },
    /// Stop, and say so: the network does not have the post.
    Stop,
    /// Stop, and ask a person whether the network has the post.
    Ask,
}

/// How often and how long to try.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Wait before the second try.
    pub first: SignedDuration,
    /// Longest wait.
    pub most: SignedDuration,
    /// Time after the first due moment at which to stop.
    pub give_up: SignedDuration,
}

impl From<config::Delivery> for RetryPolicy {
    fn from(config: config::Delivery) -> Self {
        Self { first: config.retry_first, most: config.retry_most, give_up: config.give_up }
    }
}

impl RetryPolicy {
    /// What to do after the given try (from 1) of a delivery failed. `since` is when its first try began;
    /// `can_find` whether the network can tell if it has a post.
    pub fn next(
        &self,
        id: i64,
        attempt: u32,
        failure: &Failure,
        can_find: bool,
        since: Timestamp,
        now: Timestamp,
    ) -> Next {
        let over = now.duration_since(since) >= self.give_up;
        let wait = self.wait(id, attempt);
        let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        // A server that asks for years of patience is not taken at its word.
        let farthest = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        match failure {
            Failure::Refused(_) => Next::Stop,
            // The endpoint is paused as a whole: what waits has all the time that a person needs.
            Failure::Unauthorised(_) => Next::Again { at, look_first: false },
            Failure::Uncertain(_) if !can_find || over => Next::Ask,
            Failure::Uncertain(_) => Next::Again { at, look_first: true },
            _ if over => Next::Stop,
            Failure::Throttled { until, .. } => {
                Next::Again { at: until.map_or(at, |until| until.min(farthest).max(at)), look_first: false }
            }
            Failure::Unavailable(_) => Next::Again { at, look_first: false },
        }
    }

    /// The wait after a try: it doubles, up to the longest, and is shortened by up to half so that deliveries that
    /// failed together do not come back together. The same delivery and try give the same wait.
    pub(crate) fn wait(&self, id: i64, attempt: u32) -> SignedDuration {
        let doublings = attempt.saturating_sub(1).min(30);
        let full = self.first.as_millis().saturating_mul(1 << doublings).min(self.most.as_millis()).max(0);
        let digest = Sha256::digest(format!("{id} {attempt}").as_bytes());
        let share = i128::from(u16::from_le_bytes([digest[0], digest[1]]));
        let millis = full - full * share / (2 * i128::from(u16::MAX));
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        first: SignedDuration::from_secs(5),
        most: SignedDuration::from_hours(1),
        give_up: SignedDuration::from_hours(72),
    };

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
    }

    fn check(failure: Failure, can_find: bool, hours: i64, expected: impl Fn(&Next) -> bool) {
        let next = POLICY.next(7, 1, &failure, can_find, at(0), at(hours));
        assert!(expected(&next), "{failure:?} {can_find} {hours}: {next:?}");
    }

    #[test]
    fn each_class_of_failure_has_its_answer() {
        let again = |look| move |next: &Next| matches!(next, Next::Again { look_first, .. } if *look_first == look);
        check(Failure::Refused("no".into()), true, 0, |next| *next == Next::Stop);
        check(Failure::Unauthorised("token".into()), true, 100, again(false));
        check(Failure::Unavailable("down".into()), true, 0, again(false));
        check(Failure::Unavailable("down".into()), true, 72, |next| *next == Next::Stop);
        check(Failure::Uncertain("cut".into()), true, 0, again(true));
        check(Failure::Uncertain("cut".into()), false, 0, |next| *next == Next::Ask);
        check(Failure::Uncertain("cut".into()), true, 72, |next| *next == Next::Ask);
        let until = Some(at(5));
        check(
            Failure::Throttled { until, reason: "slow".into() },
            true,
            0,
            |next| matches!(next, Next::Again { at: t, .. } if *t == at(5)),
        );
    }

    #[test]
    fn waits_grow_to_a_bound_and_are_never_nothing() {
        let waits: Vec<i64> = (1..40).map(|attempt| POLICY.wait(7, attempt).as_secs()).collect();
        assert!(waits.iter().all(|wait| (2..=3_600).contains(wait)), "{waits:?}");
        assert!(waits[20] >= 1_800);
    }
}
