//! How often one client may ask: as many requests a minute as a server of readers needs, and no more.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// Who asked how often. Held in memory: what is lost at a restart is a minute's count.
#[derive(Debug, Default)]
pub struct Visits {
    /// For each client, until when its requests are used up at the steady rate (the generic cell rate algorithm).
    used: HashMap<Option<IpAddr>, Timestamp>,
}

/// Time over which requests may come in a burst.
const BURST: SignedDuration = SignedDuration::from_mins(1);
/// Steady time between two requests of one client: 300 a minute.
const EACH: SignedDuration = SignedDuration::from_millis(200);
/// The same for all clients together that cannot be told apart, such as those behind one proxy.
const SHARED: SignedDuration = SignedDuration::from_millis(10);
/// Most clients that are told apart.
const CLIENTS: usize = 10_000;

impl Visits {
    /// Counts a request of a client; None is one that cannot be told from others.
    ///
    /// Errors: it asked too often, and should wait for this long.
    pub fn count(&mut self, client: Option<IpAddr>, now: Timestamp) -> Result<(), SignedDuration> {
        let mut client = client.map(block);
        if self.used.len() >= CLIENTS && !self.used.contains_key(&client) {
            self.used.retain(|_, used| *used > now);
            if self.used.len() >= CLIENTS {
                client = None;
            }
        }
        let each = if client.is_some() { EACH } else { SHARED };
        let used = self.used.entry(client).or_insert(now);
        // What is farther away than it can be was written by a clock that was ahead.
        if *used < now || used.duration_since(now) > BURST.saturating_mul(2) {
            *used = now;
        }
        let wait = used.duration_since(now).saturating_add(each).saturating_sub(BURST);
        if wait.is_positive() {
            return Err(wait);
        }
        *used = used.checked_add(each).unwrap_or(now);
        Ok(())
    }
}

/// What one client can take for itself: an IPv4 address, or a network of IPv6.
fn block(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_asks_too_often_waits_and_delays_no_other() {
        let mut visits = Visits::default();
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        for _ in 0..300 {
            assert_eq!(visits.count(ip("2001:db8::1"), start), Ok(()));
        }
        let wait = visits.count(ip("2001:db8::2"), start).unwrap_err();
        assert_eq!(wait, EACH, "a network of IPv6 is one client");
        assert_eq!(visits.count(ip("2001:db8:0:1::1"), start), Ok(()));
        assert_eq!(visits.count(ip("192.0.2.1"), start), Ok(()));
        assert_eq!(visits.count(None, start), Ok(()));
        assert_eq!(visits.count(ip("2001:db8::1"), start + wait), Ok(()));
        let long_before = start - SignedDuration::from_hours(1);
        assert_eq!(visits.count(ip("2001:db8::1"), long_before), Ok(()), "a clock that was set back closes nothing");
    }

    #[test]
    fn more_clients_than_are_told_apart_share_what_is_left() {
        let mut visits = Visits::default();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let taken = (0..20_000u32).filter(|n| visits.count(Some(IpAddr::V4((*n).into())), now).is_ok()).count();
        assert_eq!(taken, CLIENTS + 6_000, "each its own, then six thousand together");
        assert!(visits.used.len() <= CLIENTS + 1);
        let later = now + SignedDuration::from_mins(2);
        assert_eq!(visits.count(Some(IpAddr::V4(20_000.into())), later), Ok(()));
        assert!(visits.used.len() <= 2);
    }
}
