//! What becomes of a subscription.
//!
//! ```text
//!            ask                 verified                    time is up
//!   (none) ──────► pending ───────────────────► active ───────────────────► expired
//!                     │ not verified              │  ▲ verified again: until later, perhaps with another secret
//!                     ▼                           │  └── what is asked of an active one changes nothing before that
//!                  unverified                     ├──── unsubscribed: verified too
//!                                                 ├──── gone: its subscriber answered 410
//!                                                 └──── denied: its feed is not served any more, and it was told so
//! ```
//! One that ended can be asked for anew. What failed to be delivered ends nothing (W3C WebSub, section 7).

use super::{Due, Owed, Refusal, Trouble, Verified, Version};
use crate::delivery::RetryPolicy;
use crate::secret::Sealed;
use jiff::{SignedDuration, Timestamp};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To be told.
    Subscribe,
    /// To be told no more.
    Unsubscribe,
}

impl Mode {
    /// The word on the wire and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Subscribe, Self::Unsubscribe].into_iter().find(|mode| mode.word() == word)
    }
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Asked for, and not verified yet.
    Pending,
    /// Verified: it is told until then.
    Active {
        /// The end of what was granted.
        until: Timestamp,
    },
    /// Over.
    Ended(End),
}

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its time was up, and nobody renewed it.
    Expired,
    /// Its subscriber did not want it any more.
    Unsubscribed,
    /// Its subscriber answered 410.
    Gone,
    /// The hub ended it: the feed is not served any more.
    Denied,
    /// Its subscriber never said that it was meant.
    Unverified,
}

impl State {
    /// The word for people and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active { .. } => "active",
            Self::Ended(End::Expired) => "expired",
            Self::Ended(End::Unsubscribed) => "unsubscribed",
            Self::Ended(End::Gone) => "gone",
            Self::Ended(End::Denied) => "denied",
            Self::Ended(End::Unverified) => "unverified",
        }
    }

    /// From its word; `until` is that of an active one.
    pub fn parse(word: &str, until: Option<Timestamp>) -> Option<Self> {
        let ends = [End::Expired, End::Unsubscribed, End::Gone, End::Denied, End::Unverified];
        match (word, until) {
            ("pending", _) => Some(Self::Pending),
            ("active", Some(until)) => Some(Self::Active { until }),
            _ => ends.into_iter().map(Self::Ended).find(|state| state.word() == word),
        }
    }

    /// Whether it is over.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// What a subscriber asked for last and has not confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub mode: Mode,
    /// Which request of this subscription it was.
    pub number: i64,
    /// The secret that is to count from then on.
    pub secret: Option<Sealed>,
    /// How long it is granted.
    pub lease: SignedDuration,
    /// How often the subscriber was asked in vain.
    pub tries: u32,
    /// Not before this.
    pub retry_at: Option<Timestamp>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its number; 0 before it is kept.
    pub id: i64,
    /// The address of the document.
    pub topic: String,
    /// Tells the callback from others. With the topic, it is what a subscription is known by.
    pub print: String,
    /// The callback's host.
    pub host: String,
    /// The callback; None once it is not needed any more.
    pub callback: Option<Sealed>,
    /// What to sign with.
    pub secret: Option<Sealed>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Why it ended, or why what was asked last came to nothing.
    pub reason: Option<String>,
    /// What is asked for and not confirmed.
    pub asked: Option<Asked>,
    /// How many requests there were.
    pub requests: i64,
    /// What it is owed.
    pub owed: Owed,
    /// Whether its document is made for it: a combination of feeds.
    pub is_on_demand: bool,
}

/// How many there are already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Subscriptions that are not over.
    pub all: usize,
    /// Of them, at the same host.
    pub of_host: usize,
    /// Of them, to the same topic.
    pub of_topic: usize,
    /// Documents that are made for those subscriptions, and that nobody else would need.
    pub on_demand: usize,
    /// Requests that wait to be verified.
    pub asked: usize,
    /// Of them, at the same host.
    pub asked_of_host: usize,
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits(pub Counts);

impl Limits {
    /// With so many subscriptions in all. One reader's server may follow every feed of a large site; a stranger who asks in
    /// others' names makes few requests at a time.
    pub fn of(all: usize) -> Self {
        Self(Counts {
            all,
            of_host: all.min(2_000),
            of_topic: all.min(5_000),
            on_demand: 200,
            asked: 2_000,
            asked_of_host: 300,
        })
    }
}

/// A request, as it is kept.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked for.
    pub mode: Mode,
    /// The address of the document.
    pub topic: String,
    /// Tells the callback from others.
    pub print: String,
    /// The callback's host.
    pub host: String,
    /// The callback.
    pub callback: Sealed,
    /// What to sign with.
    pub secret: Option<Sealed>,
    /// How long it is granted.
    pub lease: SignedDuration,
    /// What is served at this moment, as far as it is known: what is made on demand is not made for a request, and what
    /// is not served any more can still be left.
    pub served: Option<Version>,
    /// Whether the document is made for its subscribers.
    pub is_on_demand: bool,
}

/// A request is taken, or not. A later request takes the place of an earlier one that is not verified.
///
/// Errors: there are too many.
pub fn ask(
    known: Option<Subscription>,
    counts: &Counts,
    limits: &Limits,
    ask: Ask,
    now: Timestamp,
) -> Result<Subscription, Refusal> {
    let (most, is_asked) = (limits.0, known.as_ref().is_some_and(|known| known.asked.is_some()));
    if !is_asked && (counts.asked >= most.asked || counts.asked_of_host >= most.asked_of_host) {
        return Err(Refusal::new(429, "too many requests wait to be verified; come back in a minute"));
    }
    if known.as_ref().is_none_or(|known| known.state.is_ended()) {
        if counts.all >= most.all || counts.of_topic >= most.of_topic {
            return Err(Refusal::new(503, "the hub holds as many subscriptions as it can; come back later"));
        }
        if ask.is_on_demand && counts.of_topic == 0 && counts.on_demand >= most.on_demand {
            let reason = format!("the hub tells of {} combinations of feeds, and no more", most.on_demand);
            return Err(Refusal::new(503, reason));
        }
        if counts.of_host >= most.of_host {
            return Err(Refusal::new(403, format!("there are {} subscriptions of this host already", counts.of_host)));
        }
    }
    let fresh = |id, requests| Subscription {
        id,
        topic: ask.topic.clone(),
        print: ask.print.clone(),
        host: ask.host.clone(),
        callback: None,
        secret: None,
        state: State::Pending,
        since: now,
        reason: None,
        asked: None,
        requests,
        // What is served now, its subscriber has, or is about to fetch. Whatever comes after, it is told; and what is
        // not known, it is told at once.
        owed: Owed::since(ask.served.clone().unwrap_or(Version::NONE)),
        is_on_demand: ask.is_on_demand,
    };
    let mut subscription = match known {
        Some(known) if !known.state.is_ended() => known,
        Some(known) => fresh(known.id, known.requests),
        None => fresh(0, 0),
    };
    subscription.requests += 1;
    subscription.callback = Some(ask.callback);
    subscription.asked = Some(Asked {
        mode: ask.mode,
        number: subscription.requests,
        secret: ask.secret,
        lease: ask.lease,
        tries: 0,
        retry_at: None,
    });
    Ok(subscription)
}

/// What is served of a subscription's topic.
#[derive(Debug, Clone, Copy)]
pub enum Served<'a> {
    /// This version, first seen then.
    Yes(&'a Version, Timestamp),
    /// Something, of which it is not known yet whether it changed.
    Unknown,
    /// Nothing, first missed then.
    No(Timestamp),
}

/// What is to be done for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To ask its subscriber whether what is asked was meant.
    Verify,
    /// To tell it what is served.
    Deliver,
    /// To tell it that there is no subscription.
    Deny,
    /// To say that its time is up.
    Expire,
}

/// What comes next for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This, now.
    Do(Work),
    /// Nothing before this.
    At(Timestamp),
    /// Nothing.
    Nothing,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its subscriber was asked about the request of this number, at this time.
    Verified {
        /// Of [`Asked::number`].
        number: i64,
        /// From when on the time counts that is granted.
        at: Timestamp,
        /// What it said.
        answer: Verified,
    },
    /// This version was delivered.
    Told(Version),
    /// This version was not.
    Failed(Version, Trouble),
    /// There is nobody any more.
    Gone,
    /// It was told that there is no subscription.
    Denied,
    /// Its time is up.
    Expired,
    /// There was nothing to do after all.
    Nothing,
}

impl Subscription {
    /// How often a subscriber whose server is in trouble is asked about one request: over some minutes.
    const VERIFY_TRIES: u32 = 5;
    const VERIFY_WAITS: RetryPolicy = RetryPolicy {
        first: SignedDuration::from_secs(10),
        most: SignedDuration::from_mins(5),
        give_up: SignedDuration::from_mins(10),
    };
    /// How long a feed may be missing before its subscribers are told: a mistake in the configuration is mended by then.
    const MISSING: SignedDuration = SignedDuration::from_hours(24);

    /// What is to be done, and when.
    pub fn next(&self, served: &Served, now: Timestamp) -> Next {
        let mut soonest = Next::Nothing;
        let mut at = |when: Timestamp| {
            soonest = match soonest {
                Next::At(other) => Next::At(other.min(when)),
                _ => Next::At(when),
            }
        };
        if let State::Active { until } = self.state {
            if until <= now {
                return Next::Do(Work::Expire);
            }
            at(until);
        }
        if let Some(asked) = &self.asked {
            match asked.retry_at.filter(|at| *at > now && at.duration_since(now) <= Self::VERIFY_WAITS.most) {
                Some(retry) => at(retry),
                None if asked.mode == Mode::Subscribe
                    && self.state == State::Pending
                    && matches!(served, Served::No(_)) =>
                {
                    return Next::Do(Work::Deny);
                }
                None => return Next::Do(Work::Verify),
            }
        }
        if let State::Active { .. } = self.state {
            match served {
                Served::Yes(version, since) => match self.owed.due(version, *since, now) {
                    Due::Now => return Next::Do(Work::Deliver),
                    Due::At(due) => at(due),
                    Due::No => {}
                },
                Served::Unknown => {}
                Served::No(since) => match since.checked_add(Self::MISSING) {
                    Ok(end) if end <= now => return Next::Do(Work::Deny),
                    Ok(end) => at(end),
                    Err(_) => {}
                },
            }
        }
        soonest
    }

    /// Goes on with what came of the work.
    pub fn take(&mut self, outcome: Outcome, now: Timestamp) {
        match outcome {
            Outcome::Verified { number, at, answer } => self.verified(number, at, answer, now),
            Outcome::Told(version) => self.owed.tell(version, now),
            Outcome::Failed(version, trouble) => self.owed.fail(&version, trouble, self.id, now),
            Outcome::Gone => self.end(End::Gone, Some("the callback answered 410".to_owned()), now),
            Outcome::Expired => self.end(End::Expired, None, now),
            Outcome::Nothing => {}
            Outcome::Denied => {
                self.asked = None;
                self.end(End::Denied, Some("the feed is not served any more".to_owned()), now);
            }
        }
        if self.state.is_ended() && self.asked.is_none() {
            // What is not needed any more is not kept.
            (self.callback, self.secret) = (None, None);
        }
    }

    fn verified(&mut self, number: i64, at: Timestamp, answer: Verified, now: Timestamp) {
        // A request that came since takes its place, and is verified by itself.
        let Some(mut asked) = self.asked.take_if(|asked| asked.number == number) else { return };
        let why = match answer {
            Verified::Yes if asked.mode == Mode::Unsubscribe => return self.end(End::Unsubscribed, None, now),
            Verified::Yes => {
                if !matches!(self.state, State::Active { .. }) {
                    self.since = now;
                }
                self.state = State::Active { until: at.checked_add(asked.lease).unwrap_or(at) };
                self.secret = asked.secret;
                self.reason = None;
                // Whoever answers can be told again what it did not take.
                return self.owed.hope();
            }
            Verified::No(why) => why,
            Verified::Unclear(trouble) => {
                asked.tries += 1;
                if asked.tries < Self::VERIFY_TRIES {
                    let at = |wait| now.checked_add(wait).unwrap_or(Timestamp::MAX);
                    let wait = at(Self::VERIFY_WAITS.wait(self.id, asked.tries));
                    let until = trouble.until.map_or(wait, |until| until.min(at(Self::VERIFY_WAITS.most)).max(wait));
                    asked.retry_at = Some(until);
                    self.reason = Some(trouble.reason);
                    self.asked = Some(asked);
                    return;
                }
                trouble.reason
            }
        };
        // What is not confirmed leaves everything as it was.
        self.reason = Some(format!("{} was not confirmed: {why}", asked.mode.word()));
        if self.state == State::Pending {
            let reason = self.reason.take();
            self.end(End::Unverified, reason, now);
        }
    }

    fn end(&mut self, end: End, reason: Option<String>, now: Timestamp) {
        if !self.state.is_ended() {
            self.state = State::Ended(end);
            self.since = now;
            self.reason = reason;
        }
    }
}

/// Subscriptions that ended before this are forgotten: they are kept for a while so that a person can see why.
pub fn tidy_before(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * 7)).unwrap_or(Timestamp::MIN)
}
