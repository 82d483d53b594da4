//! Calendars: iCalendar documents (RFC 5545, with the properties of RFC 7986) of the events of a feed.
//!
//! A calendar is published, not sent: it has no `METHOD`. `PUBLISH` would ask for an `ORGANIZER` (RFC 5546, section
//! 3.2.1), whose value is a mail address, and the addresses of people never leave their files. Nor is there a
//! `CONTACT`: an article's byline is not somebody to call, and its page says who is.

use super::content_line::Lines;
use super::entry::{Entry, image_type};
use super::wording::correction_line;
use super::{Feed, Settings, atom};
use crate::article::{ArticleDate, Event, EventStatus, SiteSettings};
use crate::text::{clean, is_french, is_media_type, one_line};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// An event that is withdrawn: nothing is left of it but when it was to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// `urn:uuid:…`: the identity of its entry.
    pub id: String,
    /// When it was to start.
    pub start: ArticleDate,
    /// When it was to end.
    pub end: Option<ArticleDate>,
    /// Whether it was to take whole days.
    pub all_day: bool,
    /// When it was withdrawn.
    pub at: Timestamp,
    /// When it was published.
    pub published: Timestamp,
}

/// Most characters of a text: more is for the article's page, and no program shows it.
const CHARACTERS_MAX: usize = 2_000;

/// Most lines of practical information.
const LINKS_MAX: usize = 50;

/// How often programs should look again.
const REFRESH: &str = "PT1H";

/// The calendar of a feed: its events, and those that are withdrawn, by their start. Entries that are no events are
/// passed over, and the order in which they are given does not count.
///
/// RFC 5545 asks for at least one component. A calendar without any event has none all the same: every program reads
/// it, and an invented one would stand in somebody's week.
pub fn document(
    feed: &Feed,
    events: &[&Entry],
    cancelled: &[Cancelled],
    site: &SiteSettings,
    settings: &Settings,
) -> Vec<u8> {
    enum Of<'a> {
        Standing(&'a Entry, &'a Event),
        Withdrawn(&'a Cancelled),
    }
    let standing = || events.iter().filter_map(|entry| Some((entry, entry.event.as_ref()?)));
    let ids: HashSet<&str> = standing().map(|(entry, _)| entry.id.as_str()).collect();
    let mut all = BTreeMap::new();
    for gone in cancelled.iter().filter(|gone| !ids.contains(gone.id.as_str())) {
        all.insert((gone.start.at, gone.id.as_str()), Of::Withdrawn(gone));
    }
    for (entry, event) in standing() {
        all.insert((event.start.at, entry.id.as_str()), Of::Standing(entry, event));
    }
    let mut lines = Lines::default();
    lines.put("BEGIN", "VCALENDAR");
    head(&mut lines, feed, site, settings);
    for of in all.into_values() {
        lines.put("BEGIN", "VEVENT");
        match of {
            Of::Standing(entry, event) => put_event(&mut lines, entry, event, site),
            Of::Withdrawn(gone) => put_withdrawn(&mut lines, gone, site),
        }
        lines.put("END", "VEVENT");
    }
    lines.put("END", "VCALENDAR");
    lines.into_bytes()
}

/// What a calendar says of itself, once for programs that know RFC 7986 and once for all others.
fn head(lines: &mut Lines, feed: &Feed, site: &SiteSettings, settings: &Settings) {
    let (name, description) = (short(&feed.title), short(&settings.description(feed, site)));
    lines.put("VERSION", "2.0");
    lines.put("PRODID", "-//Crieur//Crieur//EN");
    lines.put("CALSCALE", "GREGORIAN");
    lines.put("UID", &atom::id(feed, site));
    lines.put("LAST-MODIFIED", &utc(feed.updated));
    lines.text(&format!("NAME;LANGUAGE={}", site.language), &name);
    lines.text("X-WR-CALNAME", &name);
    lines.text(&format!("DESCRIPTION;LANGUAGE={}", site.language), &description);
    lines.text("X-WR-CALDESC", &description);
    if let Some(zone) = site.timezone.iana_name() {
        lines.text("X-WR-TIMEZONE", zone);
    }
    lines.put("URL", &settings.public(&feed.path()));
    lines.put("SOURCE;VALUE=URI", &settings.public(&format!("{}.ics", feed.path())));
    lines.put("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
    lines.put("X-PUBLISHED-TTL", REFRESH);
}

fn put_event(lines: &mut Lines, entry: &Entry, event: &Event, site: &SiteSettings) {
    let language = entry.language.as_deref().unwrap_or(&site.language);
    let named = |name: &str| format!("{name};LANGUAGE={language}");
    lines.put("UID", &entry.id);
    put_versions(lines, entry.published.at, entry.updated.at);
    put_times(lines, event.start, event.end, event.all_day);
    lines.text(&named("SUMMARY"), &short(&entry.title));
    lines.text(&named("DESCRIPTION"), &description(entry, event, language));
    if let Some(location) = event.location() {
        lines.text(&named("LOCATION"), &short(&location));
    }
    let mut seen = HashSet::new();
    let labels = entry.terms().map(|(_, term)| short(&term.label));
    let labels: Vec<String> = labels.filter(|label| !label.is_empty() && seen.insert(label.clone())).collect();
    if !labels.is_empty() {
        lines.texts(&named("CATEGORIES"), &labels);
    }
    lines.put("URL", entry.url.as_str());
    lines.put(
        "STATUS",
        match event.status {
            EventStatus::Confirmed => "CONFIRMED",
            EventStatus::Postponed => "TENTATIVE",
            EventStatus::Cancelled => "CANCELLED",
        },
    );
    put_transparent(lines);
    if let Some(image) = &entry.image {
        let name = format!("IMAGE;VALUE=URI;DISPLAY=FULLSIZE{}", format_type(image_type(image).as_deref()));
        lines.put(&name, image.url.as_str());
    }
    for attachment in &entry.attachments {
        let name = format!("ATTACH{}", format_type(Some(&attachment.facts.media_type)));
        lines.put(&name, attachment.url.as_str());
    }
}

fn put_withdrawn(lines: &mut Lines, gone: &Cancelled, site: &SiteSettings) {
    lines.put("UID", &gone.id);
    put_versions(lines, gone.published, gone.at);
    put_times(lines, gone.start, gone.end, gone.all_day);
    if is_french(&site.language) {
        lines.text(&format!("SUMMARY;LANGUAGE={}", site.language), "Annulé");
    } else {
        lines.text("SUMMARY;LANGUAGE=en", "Cancelled");
    }
    lines.put("STATUS", "CANCELLED");
    put_transparent(lines);
}

/// That something takes place does not make everyone who subscribed busy.
fn put_transparent(lines: &mut Lines) {
    lines.put("TRANSP", "TRANSPARENT");
}

/// Start and end. The end is the first instant, or the first day, after the event; one that is not after the start is
/// none (RFC 5545, section 3.8.2.2).
fn put_times(lines: &mut Lines, start: ArticleDate, end: Option<ArticleDate>, all_day: bool) {
    if all_day {
        let day = |day: jiff::civil::Date| day.strftime("%Y%m%d").to_string();
        let first = start.zoned().date();
        let last = end.map_or(first, |end| end.zoned().date()).max(first);
        lines.put("DTSTART;VALUE=DATE", &day(first));
        if let Ok(after) = last.tomorrow() {
            lines.put("DTEND;VALUE=DATE", &day(after));
        }
        return;
    }
    lines.put("DTSTART", &utc(start.at));
    if let Some(end) = end.filter(|end| end.at.as_second() > start.at.as_second()) {
        lines.put("DTEND", &utc(end.at));
    }
}

/// When it was made and changed, and its number. Without a `METHOD`, `DTSTAMP` is the last change (RFC 5545, section
/// 3.8.7.2).
///
/// The number (section 3.8.7.4) must grow with every change, or programs keep what they have. Nobody counts the changes
/// of an article, but the instant of the last one only grows, whatever becomes of its dates: so it is that, in minutes.
/// Minutes since 1970 fit 32 bits, which is what programs have for it, for four thousand years.
fn put_versions(lines: &mut Lines, published: Timestamp, updated: Timestamp) {
    let minutes = updated.as_second().div_euclid(60).clamp(0, i64::from(i32::MAX));
    lines.put("DTSTAMP", &utc(updated));
    lines.put("CREATED", &utc(published));
    lines.put("LAST-MODIFIED", &utc(updated));
    lines.put("SEQUENCE", &minutes.to_string());
}

/// What was corrected, the summary, the practical information, and the address, which not every program shows by itself.
fn description(entry: &Entry, event: &Event, language: &str) -> String {
    let colon = if is_french(language) { "\u{A0}: " } else { ": " };
    let links = event.links.iter().take(LINKS_MAX).map(|link| {
        let address = link.url.as_ref().map(url::Url::as_str);
        let parts = [Some(link.label.as_str()), link.text.as_deref(), address].into_iter().flatten();
        parts.map(short).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(colon)
    });
    let links: Vec<String> = links.filter(|line| !line.is_empty()).collect();
    let corrections = entry.corrections.iter().map(|made| short(&correction_line(made.date, &made.text, language)));
    let mut paragraphs: Vec<String> = corrections.collect();
    paragraphs.extend([short(&entry.summary_text), links.join("\n"), entry.url.to_string()]);
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

/// A media type as a parameter. One that somebody wrote may be anything; what is none is left out.
fn format_type(media_type: Option<&str>) -> String {
    let media_type = media_type.filter(|media_type| is_media_type(media_type));
    media_type.map(|media_type| format!(";FMTTYPE={media_type}")).unwrap_or_default()
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text on one line without control characters, cut after a word if it is too long.
fn short(text: &str) -> String {
    let visible: String = clean(text).chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    let line = one_line(&visible);
    let Some((end, _)) = line.char_indices().nth(CHARACTERS_MAX) else { return line };
    let end = line[..end].rfind(' ').unwrap_or(end);
    format!("{}…", line[..end].trim_end())
}
