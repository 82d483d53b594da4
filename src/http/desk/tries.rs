//! Wrong tokens, by who gave them: after a few of them each further one costs time.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// So many wrong ones are nobody's bad will.
const FREE: i64 = 10;
/// How long it takes until one more is free again.
const EACH: SignedDuration = SignedDuration::from_secs(6);
/// Most clients that are remembered.
const CLIENTS_MAX: usize = 10_000;

/// When the wrong tries of a client are forgiven.
#[derive(Debug, Clone, Default)]
pub struct Tries(Arc<Mutex<HashMap<IpAddr, Timestamp>>>);

impl Tries {
    /// How long a client has to wait before it may give a token; None if it may now.
    pub fn wait(&self, client: IpAddr, now: Timestamp) -> Option<SignedDuration> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = tries.get(&group(client))?.duration_since(now);
        let wait = debt.checked_sub(EACH.saturating_mul(FREE as i32 - 1))?;
        wait.is_positive().then_some(wait)
    }

    /// A client gave a wrong one.
    pub fn was_wrong(&self, client: IpAddr, now: Timestamp) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= CLIENTS_MAX {
            tries.retain(|_, forgiven| *forgiven > now);
        }
        if tries.len() >= CLIENTS_MAX {
            tries.clear();
        }
        let forgiven = tries.entry(group(client)).or_insert(now);
        *forgiven = (*forgiven).max(now).saturating_add(EACH).unwrap_or(Timestamp::MAX);
    }
}

/// Whoever has one address of version 6 has all of its network.
fn group(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_ones_are_free_and_each_further_one_costs_six_seconds() {
        let (tries, client) = (Tries::default(), "192.0.2.1".parse().unwrap());
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(tries.wait(client, now), None);
            tries.was_wrong(client, now);
        }
        assert_eq!(tries.wait(client, now), Some(EACH));
        assert_eq!(tries.wait("192.0.2.2".parse().unwrap(), now), None);
        assert_eq!(tries.wait(client, now + EACH), None);
        tries.was_wrong(client, now + EACH);
        assert_eq!(tries.wait(client, now + EACH), Some(EACH));
        let far = now + SignedDuration::from_hours(1);
        for at in 0..9 {
            tries.was_wrong(format!("2001:db8::{at}").parse().unwrap(), far);
        }
        tries.was_wrong("2001:db8::ffff".parse().unwrap(), far);
        assert_eq!(tries.wait("2001:db8::1234".parse().unwrap(), far), Some(EACH), "one network is one client");
        assert_eq!(tries.wait("2001:db8:1::1".parse().unwrap(), far), None);
    }
}
