//! iCalendar (RFC 5545), by its lines. The W3C validator knows no calendars; the classes are its words for the same.

use super::{Fault, broken, shown};
use std::collections::HashSet;

/// Most octets of a line, without its end.
const OCTETS_MAX: usize = 75;

/// A component that is open.
#[derive(Default)]
struct Open {
    name: String,
    seen: HashSet<String>,
    start: String,
    end: String,
}

pub(super) fn check(bytes: &[u8], address: &str) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| broken("UnicodeError", "the calendar is not UTF-8"))?;
    if !text.ends_with("\r\n") {
        return Err(broken("MissingElement", "the last line has no end"));
    }
    let mut whole: Vec<String> = Vec::new();
    for line in text.trim_end_matches("\r\n").split("\r\n") {
        if line.len() > OCTETS_MAX {
            return Err(broken("TooLong", format!("a line has {} octets: {}", line.len(), shown(line))));
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(broken("BadCharacters", format!("a line holds a control character: {}", shown(line))));
        }
        match (line.strip_prefix(' '), whole.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => whole.push(line.to_owned()),
        }
    }
    let mut open: Vec<Open> = Vec::new();
    let mut ids: HashSet<String> = HashSet::new();
    let mut ended = false;
    for line in &whole {
        if ended {
            return Err(broken("UnexpectedText", format!("something stands after the calendar: {}", shown(line))));
        }
        let (name, value) = property(line)?;
        match name.as_str() {
            "BEGIN" => {
                if open.is_empty() != (value == "VCALENDAR") {
                    return Err(broken("UndefinedElement", format!("{} stands where it must not", shown(value))));
                }
                open.push(Open { name: value.to_owned(), ..Open::default() });
            }
            "END" => {
                let Some(done) = open.pop().filter(|open| open.name == value) else {
                    return Err(broken("SAXError", format!("END:{value} ends nothing")));
                };
                complete(&done)?;
                ended = open.is_empty();
            }
            name => {
                let Some(within) = open.last_mut() else {
                    return Err(broken("SAXError", format!("{} stands outside of a calendar", shown(line))));
                };
                if name == "SOURCE" && value != address {
                    let message = format!("the calendar says that it is {}, not {address}", shown(value));
                    return Err(broken("SelfDoesntMatchLocation", message));
                }
                inside(within, name, line, value, &mut ids)?;
            }
        }
    }
    if ended { Ok(()) } else { Err(broken("SAXError", "the calendar never ends")) }
}

/// The name and the value of a line, whose parameters must be written rightly.
fn property(line: &str) -> Result<(String, &str), Fault> {
    let bad = || broken("InvalidValue", format!("a line is no property: {}", shown(line)));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let length = line.find(|c: char| !is_name(c)).filter(|length| *length > 0).ok_or_else(bad)?;
    let mut rest = &line[length..];
    while let Some(parameter) = rest.strip_prefix(';') {
        let (name, value) = parameter.split_once('=').ok_or_else(bad)?;
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(bad());
        }
        rest = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(bad)?.1,
            None => &value[value.find([';', ':', ',', '"']).ok_or_else(bad)?..],
        };
    }
    Ok((line[..length].to_owned(), rest.strip_prefix(':').ok_or_else(bad)?))
}

/// A property of a component.
fn inside(within: &mut Open, name: &str, line: &str, value: &str, ids: &mut HashSet<String>) -> Result<(), Fault> {
    const SEVERAL: [&str; 4] = ["ATTACH", "CATEGORIES", "COMMENT", "IMAGE"];
    // A calendar and its description may be told in several languages; this house tells them once.
    if !within.seen.insert(name.to_owned()) && !SEVERAL.contains(&name) {
        return Err(broken("DuplicateElement", format!("{} has more than one {name}", within.name)));
    }
    if value.is_empty() {
        return Err(broken("NotBlank", format!("{name} of {} is empty", within.name)));
    }
    let is_instant = |value: &str| {
        value.len() == 16 && value.ends_with('Z') && value.as_bytes()[8] == b'T' && {
            let form = format!(
                "{}-{}-{}T{}:{}:{}Z",
                &value[..4],
                &value[4..6],
                &value[6..8],
                &value[9..11],
                &value[11..13],
                &value[13..15]
            );
            super::text::is_rfc3339(&form)
        }
    };
    let is_day = |value: &str| value.len() == 8 && value.is_ascii() && is_instant(&format!("{value}T000000Z"));
    let right = match name {
        "DTSTART" | "DTEND" => {
            let whole = line.starts_with(&format!("{name};VALUE=DATE:"));
            if name == "DTSTART" {
                value.clone_into(&mut within.start)
            } else {
                value.clone_into(&mut within.end)
            }
            if whole { is_day(value) } else { value.is_ascii() && is_instant(value) }
        }
        "DTSTAMP" | "CREATED" | "LAST-MODIFIED" => value.is_ascii() && is_instant(value),
        "SEQUENCE" => value.parse::<u32>().is_ok_and(|number| i32::try_from(number).is_ok()),
        "STATUS" => ["CONFIRMED", "CANCELLED", "TENTATIVE"].contains(&value),
        "UID" if within.name == "VEVENT" => {
            if !ids.insert(value.to_owned()) {
                return Err(broken("DuplicateValue", format!("two events have the UID {}", shown(value))));
            }
            true
        }
        "URL" | "ATTACH" | "IMAGE" | "SOURCE" => super::text::is_web_address(value),
        _ => true,
    };
    if right { Ok(()) } else { Err(broken("InvalidValue", format!("{name} is {}", shown(value)))) }
}

/// Whether a component has all that it must have.
fn complete(done: &Open) -> Result<(), Fault> {
    let needed: &[&str] = match done.name.as_str() {
        "VCALENDAR" => &["VERSION", "PRODID", "SOURCE"],
        "VEVENT" => &["UID", "DTSTAMP", "DTSTART", "SUMMARY"],
        _ => &[],
    };
    if let Some(missing) = needed.iter().find(|name| !done.seen.contains(**name)) {
        return Err(broken("MissingElement", format!("{} has no {missing}", done.name)));
    }
    if !done.end.is_empty() && (done.end.len() != done.start.len() || done.end <= done.start) {
        return Err(broken("InvalidValue", format!("an event ends at {}, when it starts or before", shown(&done.end))));
    }
    Ok(())
}
