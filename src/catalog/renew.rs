//! What is remembered of an article after a look: of a new one, and of one that was known.

use super::read::Read;
use super::{Catalog, Decided, Past};
use crate::article::identity::Told;
use crate::config::Baseline;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

/// Of a new article. `first` is what counts for its collection, if that is looked at for the first time.
pub(super) fn new_past(
    read: &Read,
    how: Told,
    first: Option<(Baseline, &TimeZone)>,
    now: Timestamp,
    dates: &mut Dates,
) -> Past {
    let date = read.date;
    // Found at the first start, an article has been as it is since its date, as far as anyone can tell.
    let state_since = match (first, date) {
        (Some(_), Some(date)) => date.min(now),
        _ => now,
    };
    let decided = match first {
        Some((baseline, zone)) if read.life.holds(now) => match (baseline, date) {
            (Baseline::Existing, _) | (_, None) => Some(Decided::Baseline),
            (Baseline::Since(since), Some(date)) => {
                (zone.to_datetime(date).date() < since).then_some(Decided::Baseline)
            }
            (Baseline::None, Some(_)) => None,
        },
        _ => None,
    };
    let said = read.modified.filter(|at| *at <= now);
    let updated = said.max(date).unwrap_or(now);
    Past {
        former: former(&read.seen.addresses, &[]),
        own_id: read.seen.own_id.as_deref().map(Into::into),
        guid: None,
        gist: read.seen.sketch.gist(),
        visible: read.visible,
        first_seen: now,
        updated: dates.distinct(updated),
        state: read.state,
        state_since,
        decided,
        copy_of: match how {
            Told::New { copy_of } => copy_of.map(Box::new),
            _ => None,
        },
        withdrawn: None,
        event: None,
    }
}

/// What is remembered after a look at an article that was known; `address` is its last one, `print` that of its file, 0
/// if that is not known.
pub(super) fn renew(
    mut past: Past,
    address: Option<&str>,
    print: u64,
    read: &Read,
    now: Timestamp,
    dates: &mut Dates,
) -> Past {
    let old: Vec<&str> = address.into_iter().chain(past.former.iter().map(|former| &**former)).collect();
    past.former = former(&read.seen.addresses, &old);
    past.own_id = read.seen.own_id.as_deref().map(Into::into);
    past.gist = read.seen.sketch.gist();
    let is_live = read.life.holds(now);
    if is_live {
        (past.withdrawn, past.event) = (None, None);
    }
    // Of a text that was never compared, a reader may see any change of the file.
    let is_changed = if past.visible == 0 { print != 0 && print != read.print } else { past.visible != read.visible };
    past.visible = read.visible;
    if is_changed {
        // An article that nobody saw before it is live has not been updated: it is published.
        if is_live {
            let said = read.modified.filter(|at| *at <= now && *at > past.updated);
            past.updated = dates.distinct(said.unwrap_or(now));
        }
    }
    // Nothing is updated before it is published, nor in the future: the date was corrected.
    // To be read again as it was corrects nothing, even where its instant was set ahead to be its own.
    let is_other = past.state != read.state || (print != 0 && print != read.print);
    let is_early = read.date.is_some_and(|date| past.updated < date);
    let is_to_come = read.plain.is_shown_early() && read.date.is_some_and(|date| date > now);
    if is_live && is_other && (past.updated > now || is_early) && !is_to_come {
        past.updated = dates.distinct(read.date.unwrap_or(now));
    }
    if past.state != read.state {
        past.state = read.state;
        // Of a draft nothing is asked.
        let is_asked = read.life.from < Timestamp::MAX;
        past.decided = past.decided.filter(|decided| *decided != Decided::Stale || !is_asked);
        past.state_since = now;
    }
    past
}

/// The addresses that an article had or says it had, beside its present one.
fn former(addresses: &[String], old: &[&str]) -> Box<[Box<str>]> {
    let mut former: Vec<Box<str>> = Vec::new();
    let present = addresses.first().map(String::as_str);
    for address in addresses.iter().skip(1).map(String::as_str).chain(old.iter().copied()) {
        if Some(address) != present && !former.iter().any(|known| &**known == address) {
            former.push(address.into());
        }
    }
    former.into()
}

/// Gives every article an `updated` of its own: the W3C validator warns of two entries with one, and the later one gets
/// some milliseconds.
pub(super) struct Dates<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) given: HashSet<Timestamp>,
}

impl Dates<'_> {
    pub(super) fn distinct(&mut self, at: Timestamp) -> Timestamp {
        let mut at = at;
        while self.given.contains(&at) || self.catalog.has_updated(at) {
            match at.checked_add(SignedDuration::from_millis(1)) {
                Ok(next) => at = next,
                Err(_) => break,
            }
        }
        self.given.insert(at);
        at
    }
}
