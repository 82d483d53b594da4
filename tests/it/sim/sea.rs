//! The networks, as the weather lets them be: they lose answers, before or after they keep a post, fall silent, want
//! patience, show late what they have, and see the process die while it asks.

use async_trait::async_trait;
use crieur::crash::Cut;
use crieur::delivery::{DeliveryKey, Failure, Receipt};
use crieur::network::{Found, Network, Wanted};
use crieur::post::{Limits, Post};
use jiff::{SignedDuration, Timestamp};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What a network has.
#[derive(Debug, Clone)]
pub struct Posted {
    pub key: String,
    pub endpoint: String,
    pub text: String,
    /// How many more looks do not show it yet: lists lag, by the network's own time.
    hidden: u64,
}

/// A post that was sent, whatever became of it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub key: String,
    pub endpoint: String,
    pub text: String,
    pub at: Timestamp,
    /// How much time had really passed since the start of the run: a clock that is set back takes none of it away.
    pub lived: SignedDuration,
    /// Since when, of that, the clock was not set back.
    pub steady: SignedDuration,
    /// Whether the network took it.
    pub is_taken: bool,
}

/// The word that stands in the title: a renamed article has another address, and is the same.
pub fn word(text: &str) -> &str {
    text.split_whitespace().nth(1).unwrap_or_default()
}

/// All networks, and what is wrong with them today.
#[derive(Debug)]
pub struct Sea {
    dice: Dice,
    pub rough: bool,
    pub posts: Vec<Posted>,
    pub sent: Vec<Sent>,
    /// How much time has really passed since the start of the run.
    pub lived: SignedDuration,
    /// When, of that, the clock was last set back.
    pub steady: SignedDuration,
}

impl Sea {
    pub fn new(seed: u64, rough: bool) -> Arc<Mutex<Self>> {
        let (posts, sent, start) = (Vec::new(), Vec::new(), SignedDuration::ZERO);
        Arc::new(Mutex::new(Self { dice: Dice(seed ^ 0x5EA), rough, posts, sent, lived: start, steady: start }))
    }
}

/// One account.
pub struct Account {
    pub name: String,
    pub sea: Arc<Mutex<Sea>>,
    /// How often it is asked for a post before it counts as not there; 0 if it cannot tell what it has.
    pub looks: u32,
    pub honours_keys: bool,
}

const LOOK_AFTER: SignedDuration = SignedDuration::from_secs(10);

impl Account {
    fn keep(&self, sea: &mut Sea, post: &Post, key: &DeliveryKey) -> Receipt {
        let key = key.idempotency_key();
        let known = sea.posts.iter().position(|posted| posted.key == key).filter(|_| self.honours_keys);
        let place = known.unwrap_or_else(|| {
            let hidden = sea.dice.roll(2);
            let (endpoint, text) = (self.name.clone(), post.text.clone());
            sea.posts.push(Posted { key, endpoint, text, hidden });
            sea.posts.len() - 1
        });
        receipt(place)
    }
}

fn receipt(place: usize) -> Receipt {
    Receipt::new(format!("p{place}"), Some(format!("https://reseau.example/p{place}")))
}

#[async_trait]
impl Network for Account {
    async fn limits(&self, _: Timestamp) -> Limits {
        crieur::network::journal::LIMITS
    }

    async fn check(&self, _: Timestamp) -> Result<String, Failure> {
        Ok(self.name.clone())
    }

    async fn publish(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        // The request goes out, and its answer comes: a process can die at both.
        tokio::task::yield_now().await;
        let kept = self.answer(post, key, now);
        tokio::task::yield_now().await;
        kept
    }

    async fn find(&self, wanted: &Wanted<'_>, _: Timestamp) -> Result<Found, Failure> {
        tokio::task::yield_now().await;
        if self.looks == 0 {
            return Err(Failure::Refused("it cannot tell".to_owned()));
        }
        let mut sea = self.sea.lock().unwrap();
        if sea.rough && sea.dice.roll(5) == 0 {
            return Err(Failure::Unavailable("nobody there".to_owned()));
        }
        let fits = |(place, posted): &(usize, &mut Posted)| {
            let is_taken = wanted.taken.contains(&format!("p{place}"));
            posted.endpoint == self.name && posted.text == wanted.post.text && !is_taken
        };
        Ok(match sea.posts.iter_mut().enumerate().find(fits) {
            Some((_, posted)) if posted.hidden > 0 => {
                posted.hidden -= 1;
                Found::No
            }
            Some((place, _)) => Found::Yes(receipt(place)),
            None => Found::No,
        })
    }

    fn look_after(&self) -> SignedDuration {
        LOOK_AFTER
    }

    fn looks(&self) -> u32 {
        self.looks
    }

    fn is_outside(&self) -> bool {
        false
    }
}

impl Account {
    fn answer(&self, post: &Post, key: &DeliveryKey, now: Timestamp) -> Result<Receipt, Failure> {
        let mut sea = self.sea.lock().unwrap();
        let (endpoint, text) = (self.name.clone(), post.text.clone());
        let fate = if sea.rough { sea.dice.roll(12) } else { 0 };
        let is_taken = !matches!(fate, 3..=5 | 7);
        let (key_word, lived, steady) = (key.idempotency_key(), sea.lived, sea.steady);
        sea.sent.push(Sent { key: key_word, endpoint, text, at: now, lived, steady, is_taken });
        let lost = || Err(Failure::Uncertain("the answer was lost".to_owned()));
        match fate {
            1 | 2 => {
                self.keep(&mut sea, post, key);
                lost()
            }
            3 => lost(),
            4 => Err(Failure::Unavailable("nobody there".to_owned())),
            5 => {
                let until = Some(now + SignedDuration::from_mins(sea.dice.roll(90) as i64));
                Err(Failure::Throttled { until, reason: "too much".to_owned() })
            }
            // The process dies while the request is under way: before the network took the post, or after.
            6 | 7 => {
                if fate == 6 {
                    self.keep(&mut sea, post, key);
                }
                drop(sea);
                resume_unwind(Box::new(Cut));
            }
            _ => Ok(self.keep(&mut sea, post, key)),
        }
    }
}
