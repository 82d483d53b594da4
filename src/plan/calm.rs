//! When nothing goes out: quiet hours, blackouts, silence. Judged when a post is planned, and again before it is sent.

use super::Inputs;
use crate::article::SiteSettings;
use crate::config::{Blackout, Config, Endpoint, EndpointName};
use crate::quiet::Quiet;
use crate::rate::Turn;
use crate::schedule;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

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

/// Whether an endpoint is closed at an instant by quiet hours or a blackout, and why. `site` is the site's zone.
pub fn closed(config: &Config, site: &TimeZone, name: &EndpointName, now: Timestamp) -> Option<Closed> {
    Calm::of(config, site).closed(name, now)
}

/// Whether a blackout covers an instant. `site` is the site's zone.
pub fn is_in_blackout(config: &Config, site: &TimeZone, at: Timestamp) -> bool {
    config.blackouts.iter().any(|blackout| blackout.covers(at, site))
}

/// The first instant, at or after another, at which an endpoint is not closed. None if none is found.
pub fn opens(config: &Config, site: &TimeZone, name: &EndpointName, from: Timestamp) -> Option<Timestamp> {
    Calm::of(config, site).opens(name, from)
}

/// When nothing goes out, by the configuration.
#[derive(Clone, Copy)]
pub(super) struct Calm<'a> {
    endpoints: &'a BTreeMap<EndpointName, Endpoint>,
    quiet_hours: &'a Quiet,
    blackouts: &'a [Blackout],
    /// The site's zone.
    site: &'a TimeZone,
}

/// Most closings in a row that are passed over.
const CLOSINGS_MAX: usize = 100;

impl<'a> Calm<'a> {
    pub(super) fn of(config: &'a Config, site: &'a TimeZone) -> Self {
        let Config { endpoints, quiet_hours, blackouts, .. } = config;
        Self { endpoints, quiet_hours, blackouts, site }
    }

    pub(super) fn of_inputs(inputs: &Inputs<'a>) -> Self {
        let Inputs { endpoints, quiet_hours, blackouts, .. } = *inputs;
        Self { endpoints, quiet_hours, blackouts, site: &inputs.site.timezone }
    }

    fn closed(&self, name: &EndpointName, now: Timestamp) -> Option<Closed> {
        let endpoint = self.endpoints.get(name);
        let quiet = quiet_of(endpoint, self.quiet_hours);
        let zone = own_zone(endpoint).unwrap_or(self.site);
        if let Some(blackout) = self.blackouts.iter().find(|blackout| blackout.covers(now, self.site)) {
            return Some(Closed { reason: said(blackout), until: end(blackout, self.site) });
        }
        let reason = quiet.reason(now, zone)?;
        Some(Closed { reason, until: quiet.first_allowed(now, zone) })
    }

    fn opens(&self, name: &EndpointName, from: Timestamp) -> Option<Timestamp> {
        let mut at = from;
        for _ in 0..CLOSINGS_MAX {
            match self.closed(name, at) {
                None => return Some(at),
                Some(closed) => at = closed.until?,
            }
        }
        None
    }

    /// When each of what is due at an endpoint goes out, in the order given. `sent` is when its last posts went out, newest
    /// first.
    pub(super) fn turns(
        &self,
        name: &EndpointName,
        sent: &[Timestamp],
        due: impl IntoIterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Vec<Turn> {
        let Some(endpoint) = self.endpoints.get(name) else { return Vec::new() };
        let due = due.into_iter().map(|due| due.max(now));
        endpoint.rate.turns(sent.iter().copied(), due, |at| self.opens(name, at))
    }
}

/// The quiet hours of an endpoint: its own, else those of all.
pub(super) fn quiet_of<'a>(endpoint: Option<&'a Endpoint>, all: &'a Quiet) -> &'a Quiet {
    endpoint.and_then(|endpoint| endpoint.quiet_hours.as_ref()).unwrap_or(all)
}

/// The zone of an endpoint's civil times: its own, else the site's.
pub fn zone_of(endpoint: Option<&Endpoint>, site: &SiteSettings) -> TimeZone {
    own_zone(endpoint).unwrap_or(&site.timezone).clone()
}

fn own_zone(endpoint: Option<&Endpoint>) -> Option<&TimeZone> {
    endpoint?.timezone.as_ref()
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
