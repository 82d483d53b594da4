//! The section `hub`: the built-in WebSub hub, and pings to others.

use super::raw::RawHub;
use super::read::{Reader, key};
use super::sections::length;
use jiff::SignedDuration;

/// The built-in hub, and pings to others. Whether there are any is said by [`super::Feeds::hubs`].
#[derive(Debug, Clone)]
pub struct OwnHub {
    /// Whether subscribers, and hubs elsewhere, may stand on private or loopback addresses.
    pub allow_private: bool,
    /// How long a subscription lasts whose subscriber does not say.
    pub lease: SignedDuration,
    /// Longest time that a subscription lasts.
    pub lease_most: SignedDuration,
    /// Most subscriptions at once.
    pub subscriptions: usize,
}

impl OwnHub {
    /// Shortest time that a subscription lasts: who asks for less gets this.
    pub const LEASE_LEAST: SignedDuration = SignedDuration::from_mins(1);
    /// No subscription is for ever (W3C WebSub, section 5.3.1).
    const LEASE_BOUND: SignedDuration = SignedDuration::from_hours(24 * 366);
}

pub(super) fn read(reader: &mut Reader, raw: RawHub) -> OwnHub {
    let at = |name: &str| [key("hub"), key(name)];
    let is_given = raw.lease.is_some();
    // The Recommendation names ten days (section 8.2).
    let lease = length(reader, &at("lease"), raw.lease, SignedDuration::from_hours(24 * 10));
    let lease_most = length(reader, &at("lease_most"), raw.lease_most, SignedDuration::from_hours(24 * 30));
    for (name, given) in [("lease", lease), ("lease_most", lease_most)] {
        if given < OwnHub::LEASE_LEAST || given > OwnHub::LEASE_BOUND {
            let message = format!("hub.{name}: a subscription lasts at least 1m and at most 366d");
            reader.problem(&at(name), message, "write a length between, such as 10d");
        }
    }
    if lease > lease_most {
        let name = if is_given { "lease" } else { "lease_most" };
        let message = "hub.lease: it is longer than hub.lease_most";
        reader.problem(&at(name), message, "write lease at most as long as lease_most (30d if it is not written)");
    }
    OwnHub {
        allow_private: raw.allow_private.unwrap_or(false),
        lease,
        lease_most,
        subscriptions: raw.subscriptions.map_or(10_000, |n| n as usize),
    }
}
