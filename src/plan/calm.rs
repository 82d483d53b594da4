//! When nothing goes out: quiet hours, blackouts, silence. Judged when a post is planned, and again before it is sent.

use super::Inputs;
use crate::article::SiteSettings;
use crate::config::{Blackout, Config, Endpoint, EndpointName};
use crate::quiet::Quiet;
use crate::schedule;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A person's word that nothing goes out, until another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// Who said so, if that is known.
    pub by: Option<String>,
}

impl Silence {
    /// For a person, with the time in a zone.
    pub fn in_words(&self, zone: &TimeZone) -> String {
        let since = self.since.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z");
        let by = self.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
        format!("silence since {since}{by}: {}; `crieur silence off` ends it", self.reason)
    }
}

/// Why nothing goes out to an endpoint at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// For a person.
    pub reason: String,
    /// The first instant at which that is over; something else may hold then.
    pub until: Option<Timestamp>,
}

/// Whether an endpoint is closed at an instant by quiet hours or a blackout, and why.
pub fn closed(config: &Config, site: &SiteSettings, name: &EndpointName, now: Timestamp) -> Option<Closed> {
    let endpoint = config.endpoints.get(name);
    let quiet = quiet_of(endpoint, &config.quiet_hours);
    let zone = zone_of(endpoint, site);
    if let Some(blackout) = config.blackouts.iter().find(|blackout| blackout.covers(now, &site.timezone)) {
        return Some(Closed { reason: said(blackout), until: end(blackout, &site.timezone) });
    }
    let reason = quiet.reason(now, &zone)?;
    Some(Closed { reason, until: quiet.first_allowed(now, &zone) })
}

/// Most closings in a row that are passed over.
const CLOSINGS_MAX: usize = 100;

/// The first instant, at or after another, at which an endpoint is not closed. None if none is found.
pub fn opens(config: &Config, site: &SiteSettings, name: &EndpointName, from: Timestamp) -> Option<Timestamp> {
    let mut at = from;
    for _ in 0..CLOSINGS_MAX {
        match closed(config, site, name, at) {
            None => return Some(at),
            Some(closed) => at = closed.until?,
        }
    }
    None
}

/// The quiet hours of an endpoint: its own, else those of all.
pub(super) fn quiet_of<'a>(endpoint: Option<&'a Endpoint>, all: &'a Quiet) -> &'a Quiet {
    endpoint.and_then(|endpoint| endpoint.quiet_hours.as_ref()).unwrap_or(all)
}

/// The zone of an endpoint's civil times: its own, else the site's.
pub fn zone_of(endpoint: Option<&Endpoint>, site: &SiteSettings) -> TimeZone {
    endpoint.and_then(|endpoint| endpoint.timezone.clone()).unwrap_or_else(|| site.timezone.clone())
}

/// The blackout that covers an instant.
pub(super) fn blackout<'a>(inputs: &Inputs<'a>, at: Timestamp) -> Option<&'a Blackout> {
    inputs.blackouts.iter().find(|blackout| blackout.covers(at, &inputs.site.timezone))
}

/// A blackout, for a person.
pub(super) fn said(blackout: &Blackout) -> String {
    let by = blackout.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
    format!("blackout from {} to {}{by}: {}", blackout.from, blackout.until, blackout.reason)
}

/// The first instant after a blackout.
fn end(blackout: &Blackout, zone: &TimeZone) -> Option<Timestamp> {
    schedule::first_instant(zone, blackout.until.tomorrow().ok()?.at(0, 0, 0, 0))
}

/// The instant at which what is due at another may go out to an endpoint, and why it is not the same one.
pub(super) fn shifted(inputs: &Inputs, name: &EndpointName, at: Timestamp) -> (Timestamp, Option<String>) {
    let endpoint = inputs.endpoints.get(name);
    let (quiet, zone) = (quiet_of(endpoint, inputs.quiet_hours), zone_of(endpoint, inputs.site));
    match quiet.first_allowed(at, &zone) {
        Some(allowed) if allowed > at => (allowed, quiet.reason(at, &zone)),
        _ => (at, None),
    }
}

/// Most slots in a row that are looked at before slots are taken for quiet altogether: more than a year of days.
const SLOTS_MAX: usize = 400;

/// The first slot at or after an instant that is not quiet for an endpoint. Where all of them are, the first one, put
/// off to where it is not quiet any more.
pub(super) fn slot(
    inputs: &Inputs,
    schedule: &crate::schedule::Schedule,
    name: &EndpointName,
    from: Timestamp,
) -> Option<Timestamp> {
    let zone = zone_of(inputs.endpoints.get(name), inputs.site);
    let first = schedule.next_from(from, &zone)?;
    let mut slot = first;
    for _ in 0..SLOTS_MAX {
        match shifted(inputs, name, slot) {
            (allowed, _) if allowed == slot => return Some(slot),
            (allowed, _) => slot = schedule.next_from(allowed, &zone)?,
        }
    }
    Some(shifted(inputs, name, first).0)
}

/// The same, strictly after an instant.
pub(super) fn slot_after(
    inputs: &Inputs,
    schedule: &crate::schedule::Schedule,
    name: &EndpointName,
    after: Timestamp,
) -> Option<Timestamp> {
    slot(inputs, schedule, name, after.checked_add(SignedDuration::from_nanos(1)).ok()?)
}
