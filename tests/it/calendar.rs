//! Calendars: what they say, read again by two libraries of others.

use crate::bodies::soup;
use crate::support::entries::{Bench, SEEN};
use crate::support::tools;
use crieur::article::ArticleDate;
use crieur::article::date::parse;
use crieur::feed::Kind;
use crieur::feed::entry::Entry;
use crieur::feed::ics::{Cancelled, document};
use crieur::text::{clean, one_line};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

fn at(text: &str) -> ArticleDate {
    parse(text, &TimeZone::UTC).unwrap()
}

fn cancelled(number: u32) -> Cancelled {
    Cancelled {
        id: format!("urn:uuid:00000000-0000-0000-0000-{number:012}"),
        start: at("2026-07-05 14:00:00 +02:00"),
        end: Some(at("2026-07-05 16:00:00 +02:00")),
        all_day: false,
        at: SEEN,
        published: at("2026-01-01 00:00:00 Z").at,
    }
}

const FRONT: &str = "title: \"Journée ; d'échanges, au Lieu\\\\dit\"\ndate: 2026-05-01 09:30:00 +02:00\nevent_start_date: 2026-06-12 09:30:00 +02:00\nevent_end_date: 2026-06-12 17:00:00 +02:00\nlieu: Le Lieu\nadresse: 20 avenue de Ségur, Paris\ntags: [Numérique, 'a, b; c']\ncategories: [Webinaire]\nchapeau-text: 'Un texte, *ici* ; et là.'\nimage: /i.png\nfiles: [{ file: /uploads/c.pdf, nom: C }]\nchamps_informations: [{ intitule: Salle, contenu: 'B ; 12' }, { intitule: Inscription, lien: /inscription }]";

#[test]
fn an_event_says_all_there_is_to_say_of_it() {
    let bench = Bench::new();
    let entry = bench.entry(1, FRONT, "Un corps.");
    let text =
        String::from_utf8(document(&bench.feed(Kind::Tag, "Cloud"), &[&entry], &[], &bench.site, &bench.settings))
            .unwrap();
    let unfolded = text.replace("\r\n ", "");
    let lines: Vec<&str> = unfolded.split("\r\n").collect();
    for expected in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Crieur//Crieur//EN",
        "LAST-MODIFIED:20260528T202640Z",
        "NAME;LANGUAGE=fr:Un site – Cloud",
        "X-WR-CALNAME:Un site – Cloud",
        "X-WR-TIMEZONE:Europe/Paris",
        "URL:https://flux.example.fr/feeds/tag/cloud",
        "SOURCE;VALUE=URI:https://flux.example.fr/feeds/tag/cloud.ics",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "SUMMARY;LANGUAGE=fr:Journée \\; d'échanges\\, au Lieu\\\\dit",
        "DESCRIPTION;LANGUAGE=fr:Un texte\\, ici \\; et là.\\n\\nSalle\u{a0}: B \\; 12\\nInscription\u{a0}: https://www.example.fr/inscription\\n\\nhttps://www.example.fr/evenements/essai.html",
        "LOCATION;LANGUAGE=fr:Le Lieu\\, 20 avenue de Ségur\\, Paris",
        "CATEGORIES;LANGUAGE=fr:Webinaire,Numérique,a\\, b\\; c",
        "DTSTART:20260612T073000Z",
        "DTEND:20260612T150000Z",
        "CREATED:20260501T073000Z",
        "DTSTAMP:20260528T202640Z",
        "SEQUENCE:29666666",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "IMAGE;VALUE=URI;DISPLAY=FULLSIZE;FMTTYPE=image/png:https://www.example.fr/i.png",
        "ATTACH;FMTTYPE=application/pdf:https://www.example.fr/uploads/c.pdf",
        "END:VCALENDAR",
        "",
    ] {
        assert!(lines.contains(&expected), "{expected}\n{unfolded}");
    }
    assert!(!unfolded.contains("METHOD") && !unfolded.contains("ORGANIZER"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75));
}

#[test]
fn days_are_whole_and_the_last_one_counts() {
    let bench = Bench::new();
    for (dates, expected) in [
        ("event_start_date: 2026-03-28", "DTSTART;VALUE=DATE:20260328 DTEND;VALUE=DATE:20260329"),
        (
            "event_start_date: 2026-03-28\nevent_end_date: 2026-03-29",
            "DTSTART;VALUE=DATE:20260328 DTEND;VALUE=DATE:20260330",
        ),
        ("event_start_date: 2026-03-28 09:00:00 +01:00", "DTSTART:20260328T080000Z"),
        (
            "event_start_date: 2026-03-28 09:00:00 +01:00\nevent_end_date: 2026-03-28 09:00:00 +01:00",
            "DTSTART:20260328T080000Z",
        ),
    ] {
        let entry = bench.entry(1, &format!("title: A\ndate: 2026-01-01\n{dates}"), "");
        let text = document(&bench.feed(Kind::All, ""), &[&entry], &[], &bench.site, &bench.settings);
        let text = String::from_utf8(text).unwrap();
        let found: Vec<&str> =
            text.split("\r\n").filter(|line| line.starts_with("DTSTART") || line.starts_with("DTEND")).collect();
        assert_eq!(found.join(" "), expected, "{dates}");
    }
}

#[test]
fn of_what_is_withdrawn_nothing_is_left_but_its_time() {
    for (language, word) in [("fr", "SUMMARY;LANGUAGE=fr:Annulé"), ("de", "SUMMARY;LANGUAGE=en:Cancelled")] {
        let bench = Bench::of(&format!("language: {language}"));
        let feed = bench.feed(Kind::All, "");
        let text = document(&feed, &[], &[cancelled(7)], &bench.site, &bench.settings);
        let text = String::from_utf8(text).unwrap();
        let start = text.find("BEGIN:VEVENT").unwrap();
        let end = text.find("END:VEVENT").unwrap();
        let lines: Vec<&str> = text[start..end].trim_end().split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "BEGIN:VEVENT",
                "UID:urn:uuid:00000000-0000-0000-0000-000000000007",
                "DTSTAMP:20260528T202640Z",
                "CREATED:20260101T000000Z",
                "LAST-MODIFIED:20260528T202640Z",
                "SEQUENCE:29666666",
                "DTSTART:20260705T120000Z",
                "DTEND:20260705T140000Z",
                word,
                "STATUS:CANCELLED",
                "TRANSP:TRANSPARENT",
            ]
        );
    }
}

#[test]
fn an_event_that_stands_again_is_not_cancelled() {
    let bench = Bench::new();
    let entry = bench.entry(1, FRONT, "");
    let gone = Cancelled { id: entry.id.clone(), ..cancelled(1) };
    let feed = bench.feed(Kind::All, "");
    let text = |events: &[&Entry]| {
        String::from_utf8(document(&feed, events, std::slice::from_ref(&gone), &bench.site, &bench.settings)).unwrap()
    };
    assert!(text(&[&entry]).contains("CONFIRMED") && !text(&[&entry]).contains("CANCELLED"));
    // Its dates were taken out of the article: it is an event no more.
    let text = text(&[&Entry { event: None, ..entry.clone() }]);
    assert!(text.contains("CANCELLED") && !text.contains("CONFIRMED"));
}

#[test]
fn the_number_of_a_version_grows_whatever_becomes_of_the_dates() {
    let bench = Bench::new();
    let feed = bench.feed(Kind::All, "");
    let mut entry = bench.entry(1, FRONT, "");
    let mut last = 0;
    // Changed, then dated anew to a later day, changed, withdrawn.
    let later = |date: ArticleDate, minutes: i64| ArticleDate { at: date.at + Span::new().minutes(minutes), ..date };
    for (published, updated) in [(0, 60), (100_000, 61), (0, 62)] {
        let mut changed = entry.clone();
        changed.published = later(entry.published, published);
        changed.updated = later(entry.updated, updated);
        let text = String::from_utf8(document(&feed, &[&changed], &[], &bench.site, &bench.settings)).unwrap();
        let number: i64 = text.split("SEQUENCE:").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        assert!(number > last);
        last = number;
    }
    entry.updated = ArticleDate { at: Timestamp::MIN, ..entry.updated };
    let text = String::from_utf8(document(&feed, &[&entry], &[], &bench.site, &bench.settings)).unwrap();
    assert!(text.contains("SEQUENCE:0\r\n"));
}

#[test]
fn the_order_of_entries_does_not_count() {
    let bench = Bench::new();
    let entries: Vec<Entry> = (1..30)
        .map(|n| {
            bench.entry(
                n,
                &format!("title: A\ndate: 2026-01-01\nevent_start_date: 2026-03-{:02} 09:00:00 Z", n % 7 + 1),
                "",
            )
        })
        .collect();
    let feed = bench.feed(Kind::All, "");
    let forth: Vec<&Entry> = entries.iter().collect();
    let back: Vec<&Entry> = entries.iter().rev().collect();
    let gone = [cancelled(1), cancelled(2)];
    let enog = [cancelled(2), cancelled(1)];
    assert_eq!(
        document(&feed, &forth, &gone, &bench.site, &bench.settings),
        document(&feed, &back, &enog, &bench.site, &bench.settings)
    );
}

/// Without what no calendar may hold, and nobody sees.
fn seen(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let line = |line: &str| one_line(&line.chars().filter(|c| !c.is_control()).collect::<String>());
            text.split('\n').map(line).collect::<Vec<_>>().join("\n").into()
        }
        Value::Array(items) => items.into_iter().map(seen).collect(),
        Value::Object(pairs) => pairs.into_iter().map(|(key, value)| (key, seen(value))).collect(),
        other => other,
    }
}

/// What a calendar should say, in the words of the script.
fn expected(bench: &Bench, feed: &crieur::feed::Feed, entries: &[Entry], gone: &[Cancelled]) -> Value {
    let utc = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let times = |start: ArticleDate, end: Option<ArticleDate>, all_day: bool| {
        if all_day {
            let first = start.zoned().date();
            let last = end.map_or(first, |end| end.zoned().date());
            return (json!(first.to_string()), json!(last.tomorrow().unwrap().to_string()));
        }
        (json!(utc(start.at)), json!(end.filter(|end| end.at > start.at).map(|end| utc(end.at))))
    };
    let mut events: Vec<(Timestamp, String, Value)> = Vec::new();
    for entry in entries {
        let Some(event) = &entry.event else { continue };
        let colon = if entry.language.as_deref().unwrap_or("fr") == "fr" { "\u{a0}: " } else { ": " };
        let mut paragraphs = vec![entry.summary_text.clone()];
        let links: Vec<String> = event
            .links
            .iter()
            .map(|link| {
                let parts = [Some(link.label.clone()), link.text.clone(), link.url.as_ref().map(ToString::to_string)];
                parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(colon)
            })
            .collect();
        paragraphs.push(links.join("\n"));
        paragraphs.push(entry.url.to_string());
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        let mut categories: Vec<&str> = Vec::new();
        for (_, term) in entry.terms() {
            if !categories.contains(&term.label.as_str()) {
                categories.push(&term.label);
            }
        }
        let (start, end) = times(event.start, event.end, event.all_day);
        events.push((
            event.start.at,
            entry.id.clone(),
            json!({
                "uid": entry.id, "summary": entry.title, "language": entry.language.as_deref().unwrap_or("fr"),
                "description": paragraphs.join("\n\n"), "location": event.location(), "categories": categories,
                "start": start, "end": end, "created": utc(entry.published.at), "modified": utc(entry.updated.at),
                "stamp": utc(entry.updated.at), "sequence": entry.updated.at.as_second() / 60, "status": "CONFIRMED",
                "url": entry.url, "image": entry.image.as_ref().map(|image| image.url.clone()),
                "attached": entry.attachments.iter().map(|file| file.url.clone()).collect::<Vec<_>>(),
            }),
        ));
    }
    for gone in gone {
        let (start, end) = times(gone.start, gone.end, gone.all_day);
        events.push((
            gone.start.at,
            gone.id.clone(),
            json!({
                "uid": gone.id, "summary": "Annulé", "language": "fr", "description": null, "location": null,
                "categories": [], "start": start, "end": end, "created": utc(gone.published), "modified": utc(gone.at),
                "stamp": utc(gone.at), "sequence": gone.at.as_second() / 60, "status": "CANCELLED", "url": null,
                "image": null, "attached": [],
            }),
        ));
    }
    events.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let uid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("www.example.fr{}", feed.path()).as_bytes());
    seen(json!({
        "head": {
            "name": feed.title, "calname": feed.title, "caldesc": bench.settings.description(feed, &bench.site),
            "source": bench.settings.public(&format!("{}.ics", feed.path())), "zone": "Europe/Paris",
            "uid": uid.urn().to_string(),
        },
        "events": events.into_iter().map(|(.., event)| event).collect::<Vec<_>>(),
    }))
}

#[test]
fn two_libraries_read_in_every_calendar_what_it_should_say() {
    let Some(mut python) = tools::python("read_calendars.py") else { return };
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let texts = soup().prop_map(|text| serde_json::to_string(&text.chars().take(900).collect::<String>()).unwrap());
    let mut text = || texts.new_tree(&mut runner).unwrap().current();
    let mut count = 0;
    for calendar in 0..40 {
        let mut entries = Vec::new();
        for number in 0..12 {
            let start = ["2026-03-28", "2026-03-29 02:30:00 +01:00", "2026-10-25T00:30:00-05:00"][number as usize % 3];
            let end = ["2026-03-30", "2026-03-29 18:00:00 +02:00", "2026-10-25"][number as usize % 3];
            let language = if number % 2 == 0 { "" } else { "lang: en-GB\n" };
            let front = format!(
                "title: {}\ndate: 2026-01-02 09:00:00 +01:00\n{language}event_start_date: {start}\nevent_end_date: {end}\nlieu: {}\nadresse: {}\ntags: [{}, {}]\nchapeau-text: {}\nchamps_informations:\n- {{ intitule: {}, contenu: {}, lien: /x?a=b;c,d }}\n- {{ intitule: {}, contenu: {} }}\nimage: /i.png\nfiles: [/a.pdf, /b%2C.pdf]",
                text(),
                text(),
                text(),
                text(),
                text(),
                text(),
                text(),
                text(),
                text(),
                text()
            );
            entries.extend(bench.article(&front, "Un corps.").map(|article| bench.entry_of(number, &article)));
        }
        count += entries.len();
        let gone = [Cancelled { all_day: calendar % 2 == 0, ..cancelled(calendar) }];
        let feed = bench.feed(Kind::Tag, &serde_json::from_str::<String>(&text()).unwrap().replace(['\r', '\n'], " "));
        let feed = crieur::feed::Feed { title: one_line(&clean(&feed.title)), ..feed };
        let references: Vec<&Entry> = entries.iter().collect();
        let bytes = document(&feed, &references, &gone, &bench.site, &bench.settings);
        std::fs::write(folder.path().join(format!("{calendar}.ics")), bytes).unwrap();
        let expected = expected(&bench, &feed, &entries, &gone).to_string();
        std::fs::write(folder.path().join(format!("{calendar}.json")), expected).unwrap();
    }
    assert!(count > 200, "{count}");
    tools::judged(python.arg(folder.path()), "");
}
