//! What waits since its endpoint has had its posts of the day: until when.

use super::calm::Calm;
use super::{Line, Planner};
use crate::config::{Config, Endpoint, EndpointName};
use crate::dates::civil;
use crate::delivery::{Delivery, State};
use crate::rate::{Rate, Turn, Waits};
use crate::span;
use crate::text::counted;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// When the last posts of endpoints went out, newest first, as many as their rates look back at.
pub type Sent = BTreeMap<EndpointName, Vec<Timestamp>>;

/// The same of endpoints that never had a post, those of which it must be known.
pub fn nothing_sent(endpoints: &BTreeMap<EndpointName, Endpoint>) -> Sent {
    let counted = endpoints.iter().filter(|(_, endpoint)| endpoint.rate.counts_what_went_out());
    counted.map(|(name, _)| (name.clone(), Vec::new())).collect()
}

/// What is said of the delivery that is next, before the instant at which it may go out.
pub fn day_is_full(endpoint: &EndpointName, rate: Rate) -> String {
    format!("{endpoint}{HAS_HAD}{} of 24 hours; the next one may go out at", counted(rate.looks_back(), "post"))
}

/// What [`day_is_full`] says after the endpoint.
const HAS_HAD: &str = " has had its ";

/// Tells, of the deliveries that wait by their endpoint's rate, when each can go out. `site` is the site's zone.
pub fn tell_turns(config: &Config, site: &TimeZone, sent: &Sent, outbox: &mut [Delivery], now: Timestamp) {
    let calm = Calm::of(config, site);
    for (name, endpoint) in &config.endpoints {
        let Some(sent) = sent.get(name) else { continue };
        let is_its = |d: &&mut Delivery| d.key.endpoint == *name && d.state == State::Pending && !d.look_first;
        let mut waiting: Vec<&mut Delivery> = outbox.iter_mut().filter(is_its).collect();
        waiting.sort_by_key(|delivery| (delivery.due_at, delivery.id));
        let due: Vec<Timestamp> = waiting.iter().map(|delivery| delivery.due_at).collect();
        for (delivery, turn) in waiting.iter_mut().zip(calm.turns(name, sent, due, now)) {
            delivery.reason = told(name, endpoint.rate, turn, site, delivery.reason.as_deref());
        }
    }
}

impl Planner<'_> {
    /// Tells, of the lines of what goes out, when each can, where it waits by its endpoint's rate.
    pub(super) fn tell_turns(&mut self) {
        let Some(sent) = self.inputs.sent.filter(|_| self.inputs.explain) else { return };
        let (calm, zone) = (Calm::of_inputs(self.inputs), &self.inputs.site.timezone);
        for (name, endpoint) in self.inputs.endpoints {
            let Some(sent) = sent.get(name) else { continue };
            let is_its = |line: &&mut Line| line.endpoint.as_ref() == Some(name) && GO_OUT.contains(&line.state);
            let lines = self.plan.lines.iter_mut().filter(is_its);
            let mut lines: Vec<(Timestamp, &mut Line)> = lines.filter_map(|line| Some((line.due_at?, line))).collect();
            lines.sort_by_key(|(due, _)| *due);
            let turns = calm.turns(name, sent, lines.iter().map(|(due, _)| *due), self.inputs.now);
            for ((_, line), turn) in lines.iter_mut().zip(turns) {
                let said = told(name, endpoint.rate, turn, zone, Some(&line.reason));
                line.reason = said.unwrap_or_else(|| "booked".to_owned());
            }
        }
    }
}

/// The states of lines of what goes out.
const GO_OUT: [&str; 4] = ["pending", "planned", "settling", "waiting"];

/// The reason of what goes out, with until when it waits if its endpoint's rate makes it wait. What the last try said of that
/// is of that moment, and counts no more.
fn told(name: &EndpointName, rate: Rate, turn: Turn, zone: &TimeZone, reason: Option<&str>) -> Option<String> {
    let full = format!("{name}{HAS_HAD}");
    let reason = reason.filter(|reason| !reason.starts_with(&full));
    let Some(waits) = turn.waits else { return reason.map(str::to_owned) };
    let before = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
    let why = match waits {
        Waits::Day => format!("takes {} in 24 hours", counted(rate.looks_back(), "post")),
        Waits::Gap => format!("leaves {} between two posts", span::show(rate.gap)),
    };
    Some(format!("{before}{name} {why}: it can go out at {}", civil(turn.at, zone)))
}
