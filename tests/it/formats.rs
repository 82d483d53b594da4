//! What stands where in RSS, Atom and JSON Feed: the whole of an article with everything that one can have.

use crate::support::entries::Bench;
use crieur::article::Attachment;
use crieur::feed::entry::Entry;
use crieur::feed::{Feed, History, Kind, atom, json, rss};
use url::Url;

const FRONT: &str = "title: Q&A2, R&D et &lt;details&gt;\ndate: 2026-05-01 09:30:00 +02:00\ntags: [Cloud & co]\ncategories: [Webinaire]\nauteur: Une Autrice\nlang: en\nevent_start_date: 2026-06-12 09:00:00 +02:00\nevent_end_date: 2026-06-12 10:00:00 +02:00\nlieu: Le Lieu\nimage: /i.png\nimage_alt: Une <carte>\nimage_caption: La légende\nfiles: [{ file: /uploads/c.pdf, nom: Le dossier }]\naudio: { url: https://cdn.fr/a.mp3, length: 7, type: audio/mpeg }\nchapeau-text: Un *mot*.\ncorrection: { date: 2026-05-02, texte: Le lieu. }";

fn entry(bench: &Bench) -> Entry {
    bench.entry(1, FRONT, "Un [lien](/y).")
}

/// A document with a line for each element, as the files beside have it.
fn lines(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().replace("><", ">\n<")
}

#[test]
fn rss_says_all_there_is_to_say() {
    let bench = Bench::new();
    let document = rss::document(&bench.feed(Kind::Tag, "Cloud"), &[&entry(&bench)], &bench.site, &bench.settings);
    assert_eq!(lines(document), include_str!("formats/rich.rss"));
}

#[test]
fn atom_says_the_same() {
    let bench = Bench::new();
    let document = atom::document(&bench.feed(Kind::Tag, "Cloud"), &[&entry(&bench)], &bench.site, &bench.settings);
    assert_eq!(lines(document.unwrap()), include_str!("formats/rich.atom"));
}

#[test]
fn json_feed_says_the_same() {
    let bench = Bench::new();
    let document = json::document(&bench.feed(Kind::Tag, "Cloud"), &[&entry(&bench)], &bench.site, &bench.settings);
    let expected: serde_json::Value = serde_json::from_str(include_str!("formats/rich.json")).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&document).unwrap(), expected);
}

#[test]
fn a_text_that_looks_like_html_is_shown_by_every_reader() {
    let mut bench = Bench::new();
    bench.site.title = "Q&A2 <b>gras</b> &eacute;".to_owned();
    let feed = bench.feed(Kind::All, "");
    let document = String::from_utf8(atom::document(&feed, &[], &bench.site, &bench.settings).unwrap()).unwrap();
    let title = "<title>Q&#x26;A2 ‹b›gras‹/b› &#x26;eacute;</title>";
    assert!(document.contains(title), "{document}");
    assert!(document.contains("<name>Q&#x26;A2 ‹b›gras‹/b› &#x26;eacute;</name>"), "{document}");
    let document = String::from_utf8(rss::document(&feed, &[], &bench.site, &bench.settings)).unwrap();
    assert!(document.contains("<title>Q&#x26;A2 ‹b›gras‹/b› &#x26;eacute;</title>"), "{document}");
}

#[test]
fn an_archive_is_what_it_is_and_has_no_calendar() {
    let bench = Bench::new();
    let history = History { archive: Some(202_605), previous: None, next: Some(202_606) };
    let feed = Feed { history, ..bench.feed(Kind::Tag, "Cloud") };
    let document = rss::document(&feed, &[&entry(&bench)], &bench.site, &bench.settings);
    let document = String::from_utf8(document).unwrap();
    assert!(document.contains("fh:archive") && !document.contains("<ttl>") && !document.contains(".ics"), "{document}");
    let document = atom::document(&feed, &[&entry(&bench)], &bench.site, &bench.settings).unwrap();
    assert!(!String::from_utf8(document).unwrap().contains(".ics"));
}

#[test]
fn the_enclosure_is_what_can_be_listened_to_and_has_a_public_host() {
    let bench = Bench::new();
    let feed = bench.feed(Kind::All, "");
    let mut entry = entry(&bench);
    let enclosed = |entry: &Entry| {
        let document = String::from_utf8(rss::document(&feed, &[entry], &bench.site, &bench.settings)).unwrap();
        let files = document.matches("medium=\"document\"").count() + document.matches("medium=\"audio\"").count();
        let url = document.split("<enclosure url=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        (url, files)
    };
    assert_eq!(enclosed(&entry), (Some("https://cdn.fr/a.mp3".to_owned()), 1));
    entry.attachments.retain(|file| file.facts.media_type == "application/pdf");
    assert_eq!(enclosed(&entry), (Some("https://www.example.fr/uploads/c.pdf".to_owned()), 0));
    let local = Attachment { url: Url::parse("http://localhost/c.pdf").unwrap(), ..entry.attachments[0].clone() };
    entry.attachments = vec![local];
    assert_eq!(enclosed(&entry), (None, 1));
}
