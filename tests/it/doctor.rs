//! The feed doctor: what is right passes, what is wrong is found, and nothing that others refuse gets through.

use crate::bodies::soup;
use crate::support::entries::{Bench, SEEN};
use crate::support::judged::{files, sites};
use crate::support::tools;
use crieur::article::ArticleDate;
use crieur::feed::doctor::{Fault, Field, Severity, Shape, check, examine, treat};
use crieur::feed::entry::{Entry, Term};
use crieur::feed::{Feed, Kind, atom, ics, json, opml, rss};
use crieur::problem::{KINDS, Severity as Gravity};
use jiff::{Span, Timestamp};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use url::Url;

const NOW: Timestamp = SEEN;

fn entry(bench: &Bench) -> Entry {
    let front = "title: Un titre\ndate: 2026-05-01 09:30:00 +02:00\ntags: [Cloud, Numérique]\ncategories: [Webinaire]\nauteur: Une Autrice\nlang: en\nevent_start_date: 2026-06-12\nimage: /i.png\nimage_alt: Une carte\nfiles: [{ file: /uploads/c.pdf, nom: C }, /d.pdf]\nchapeau-text: Un *mot*.";
    bench.entry(1, front, "Un [lien](/y).\n\n![b](/b.png)")
}

/// All documents of a feed with these entries.
fn documents(bench: &Bench, entries: &[Entry]) -> Vec<(Shape, String, Vec<u8>)> {
    let feed = Feed { entries: entries.len(), ..bench.feed(Kind::Tag, "Cloud") };
    let shown: Vec<&Entry> = entries.iter().collect();
    let (site, settings) = (&bench.site, &bench.settings);
    let address = |ending: &str| settings.public(&format!("{}.{ending}", feed.path()));
    vec![
        (Shape::Rss, address("rss"), rss::document(&feed, &shown, site, settings)),
        (Shape::Atom, address("atom"), atom::document(&feed, &shown, site, settings).unwrap()),
        (Shape::Json, address("json"), json::document(&feed, &shown, site, settings)),
        (Shape::Calendar, address("ics"), ics::document(&feed, &shown, &[], site, settings)),
        (Shape::Opml, String::new(), opml::document(&[Arc::new(feed.clone())], site, settings, &[])),
    ]
}

#[test]
fn a_sound_entry_has_no_fault_and_stays_as_it_is() {
    let bench = Bench::new();
    let entry = entry(&bench);
    assert_eq!(examine(&entry, NOW), []);
    assert_eq!(treat(entry.clone(), NOW), (entry, vec![]));
}

type Change = fn(&mut Entry);

/// Something wrong with an entry: how it comes about, its class, its field, whether it is fatal, whether it is mended.
const FAULTS: &[(&str, Change, &str, Field, bool, bool)] = &[
    ("empty title", |e| e.title = "\u{81} ".into(), "NotBlank", Field::Title, true, false),
    ("tag in the title", |e| e.title = "Le </p>".into(), "ContainsHTML", Field::Title, false, true),
    ("lost character", |e| e.title = "d\u{fffd}cision".into(), "BadCharacters", Field::Title, false, true),
    ("encoded twice", |e| e.title = "Ã©tÃ©".into(), "BadCharacters", Field::Title, false, true),
    ("no identity", |e| e.id = "urn:uuid:x".into(), "InvalidUUID", Field::Identity, true, false),
    ("mail address", |e| e.url = Url::parse("mailto:a@b.fr").unwrap(), "InvalidFullLink", Field::Address, true, false),
    (
        "odd address",
        |e| e.url = Url::parse("https://x.fr/a|b[c]").unwrap(),
        "InvalidUriChar",
        Field::Address,
        false,
        true,
    ),
    ("date to come", |e| e.published.at = NOW + Span::new().hours(1), "ImplausibleDate", Field::Date, false, false),
    ("change to come", |e| e.updated.at = NOW + Span::new().hours(1), "ImplausibleDate", Field::Updated, false, false),
    (
        "old date",
        |e| e.published.at = "1989-12-31T00:00:00Z".parse().unwrap(),
        "ImplausibleDate",
        Field::Date,
        false,
        false,
    ),
    (
        "year before Christ",
        |e| e.published.at = "-000300-01-01T00:00:00Z".parse().unwrap(),
        "InvalidRFC2822Date",
        Field::Date,
        true,
        false,
    ),
    (
        "event before Christ",
        |e| e.event.as_mut().unwrap().start.at = "-000300-01-01T00:00:00Z".parse().unwrap(),
        "InvalidISO8601DateTime",
        Field::Event,
        false,
        true,
    ),
    ("script", |e| e.content_html = Some("<script>x</script>".into()), "SecurityRisk", Field::Body, true, false),
    (
        "script address",
        |e| e.summary_html = "<a href=\"javascript:x\">y</a>".into(),
        "SecurityRisk",
        Field::Summary,
        true,
        false,
    ),
    (
        "handler",
        |e| e.content_html = Some("<p onclick=\"x\">y</p>".into()),
        "SecurityRiskAttr",
        Field::Body,
        false,
        true,
    ),
    (
        "style",
        |e| e.summary_html = "<p style=\"position:fixed\">y</p>".into(),
        "DangerousStyleAttr",
        Field::Summary,
        false,
        true,
    ),
    (
        "relative link",
        |e| e.content_html = Some("<a href=\"/y\">y</a>".into()),
        "ContainsRelRef",
        Field::Body,
        false,
        true,
    ),
    (
        "accent in an address",
        |e| e.content_html = Some("<img src=\"https://x.fr/é\" alt=\"\">".into()),
        "UriNotIri",
        Field::Body,
        false,
        true,
    ),
    (
        "character in the text",
        |e| e.content_html = Some("a\u{80}b\u{b}".into()),
        "BadCharacters",
        Field::Body,
        false,
        true,
    ),
    ("crossed elements", |e| e.content_html = Some("<b><i>x</b></i>".into()), "NotHtml", Field::Body, false, false),
    ("bare ampersand", |e| e.summary_html = "<p>R&D</p>".into(), "NotHtml", Field::Summary, false, true),
    ("empty tag", |e| e.tags.push(Term { label: " ".into(), slug: "x".into() }), "NotBlank", Field::Tag, false, true),
    ("empty category", |e| e.categories[0].label.clear(), "NotBlank", Field::Category, false, true),
    (
        "mail address of an author",
        |e| e.author = Some("A <a@b.fr>".into()),
        "ContainsEmail",
        Field::Author,
        false,
        true,
    ),
    ("empty author", |e| e.author = Some("\u{90}".into()), "NotBlank", Field::Author, false, true),
    ("no language", |e| e.language = Some("xq".into()), "InvalidLanguage", Field::Language, false, true),
    ("no type", |e| e.attachments[0].facts.media_type = "pdf".into(), "InvalidMIMEAttribute", Field::File, false, true),
    (
        "file on a disk",
        |e| e.attachments[0].url = Url::parse("file:///etc/x").unwrap(),
        "InvalidURLAttribute",
        Field::File,
        false,
        true,
    ),
    (
        "image without a type",
        |e| e.image.as_mut().unwrap().facts.as_mut().unwrap().media_type = "".into(),
        "InvalidMIMEAttribute",
        Field::Image,
        false,
        true,
    ),
    (
        "character in a place",
        |e| e.event.as_mut().unwrap().place = Some("a\u{82}".into()),
        "BadCharacters",
        Field::Event,
        false,
        true,
    ),
];

#[test]
fn every_fault_of_an_entry_has_its_name_its_field_and_its_end() {
    let bench = Bench::new();
    let mut kept = Vec::new();
    for (what, change, class, field, fatal, mended) in FAULTS {
        let mut entry = entry(&bench);
        change(&mut entry);
        let (treated, faults) = treat(entry.clone(), NOW);
        let found: Vec<&Fault> = faults.iter().filter(|fault| fault.class == *class && fault.field == *field).collect();
        assert!(!found.is_empty(), "{what}: {faults:?}");
        for fault in found {
            assert_eq!((fault.severity == Severity::Fatal, fault.mended), (*fatal, *mended), "{what}: {fault}");
            let problem = fault.problem("_posts/x.md");
            assert!(KINDS.iter().any(|kind| kind.name == problem.kind && kind.severity == problem.severity), "{what}");
            assert_eq!(problem.severity == Gravity::Error, *fatal, "{what}");
            assert!(!problem.message.contains("a@b.fr") || *what == "mail address", "{problem}");
        }
        assert_eq!(examine(&entry, NOW), faults, "{what}");
        // What is mended is so for good.
        let again = examine(&treated, NOW);
        assert!(again.iter().all(|fault| !fault.mended || fault.class == "ContainsHTML"), "{what}: {again:?}");
        if !faults.iter().any(|fault| fault.severity == Severity::Fatal) {
            for (shape, address, bytes) in documents(&bench, std::slice::from_ref(&treated)) {
                check(shape, &address, &bytes).unwrap_or_else(|fault| panic!("{what}, {shape:?}: {fault}"));
            }
            kept.push(treated);
        }
    }
    assert!(kept.len() > 20);
}

#[test]
fn a_small_difference_of_clocks_is_no_fault() {
    let bench = Bench::new();
    let mut entry = entry(&bench);
    entry.updated = ArticleDate { at: NOW + Span::new().minutes(9), ..entry.updated };
    assert_eq!(examine(&entry, NOW), []);
}

/// Entries of articles that nobody sane writes.
fn hostile(bench: &Bench, count: u32) -> Vec<Entry> {
    let mut runner = TestRunner::deterministic();
    let strategy = soup();
    let mut source = || strategy.new_tree(&mut runner).unwrap().current();
    let mut entries = Vec::new();
    for number in 0..count {
        let mut text = || serde_json::to_string(&source().chars().take(300).collect::<String>()).unwrap();
        let front = format!(
            "title: {}\ndate: 2026-01-02 09:00:00 +01:00\nevent_start_date: 2026-03-28 10:00:00 +01:00\nlieu: {}\ntags: [{}, {}]\ncategories: [{}]\nauteur: {}\nchapeau-text: {}\nimage: /i.png\nimage_alt: {}\nimage_caption: {}\nfiles: [{{ file: /a.pdf, nom: {} }}]\nchamps_informations: [{{ intitule: {}, contenu: {} }}]",
            text(),
            text(),
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
        let body = source();
        let Some(article) = bench.article(&front, &body) else { continue };
        let (entry, faults) = treat(bench.entry_of(number, &article), NOW);
        if !faults.iter().any(|fault| fault.severity == Severity::Fatal) {
            entries.push(entry);
        }
    }
    entries
}

#[test]
fn whatever_articles_hold_their_documents_pass_and_others_say_the_same() {
    let bench = Bench::new();
    let entries = hostile(&bench, 250);
    assert!(entries.len() > 200, "{}", entries.len());
    let folder = tempfile::tempdir().unwrap();
    for (at, some) in entries.chunks(10).enumerate() {
        for (shape, address, bytes) in documents(&bench, some) {
            check(shape, &address, &bytes).unwrap_or_else(|fault| panic!("{shape:?}: {fault}"));
            let ending = if shape == Shape::Opml { "opml" } else { address.rsplit('.').next().unwrap() };
            std::fs::write(folder.path().join(format!("{at}.{ending}")), bytes).unwrap();
        }
    }
    well_formed(&files(folder.path()));
    if let Some(mut python) = tools::python("read_html.py") {
        tools::judged(python.arg(folder.path()), "");
    }
}

#[test]
fn the_documents_of_every_real_site_pass() {
    let mut count = 0;
    for site in sites() {
        for file in files(&site.folder) {
            let path = file.strip_prefix(&site.folder).unwrap().display().to_string();
            let Some(shape) = shape(&file) else { continue };
            let bytes = std::fs::read(&file).unwrap();
            check(shape, &format!("https://flux.example.fr/{path}"), &bytes)
                .unwrap_or_else(|fault| panic!("{}/{path}: {fault}", site.name));
            count += 1;
        }
        if let Some(mut python) = tools::python("read_html.py") {
            tools::judged(python.arg(&site.folder), "");
        }
    }
    assert!(count > 50, "{count}");
}

fn shape(file: &Path) -> Option<Shape> {
    Some(match file.extension()?.to_str()? {
        "rss" => Shape::Rss,
        "atom" => Shape::Atom,
        "json" => Shape::Json,
        "ics" => Shape::Calendar,
        "opml" => Shape::Opml,
        _ => return None,
    })
}

/// The XML documents among files, judged by libxml2.
fn well_formed(files: &[std::path::PathBuf]) {
    let xml: Vec<_> = files.iter().filter(|file| std::fs::read(file).unwrap().starts_with(b"<?xml")).collect();
    if let Some(mut xmllint) = tools::program("xmllint") {
        tools::judged(xmllint.args(["--noout", "--huge"]).args(xml), "");
    }
}

/// A mistake planted in a document: what is replaced by what, once, and the class under which it must be found.
type Planted = (&'static str, &'static str, &'static str);

const IN_XML: &[Planted] = &[
    ("</title>", "", "SAXError"),
    ("</title>", "</titel>", "SAXError"),
    ("Un titre", "Un\u{b} titre", "SAXError"),
    ("Un titre", "Un\u{fffe} titre", "SAXError"),
    ("Un titre", "Un &titre;", "UndefinedNamedEntity"),
    ("Un titre", "Un &#11;", "UndefinedNamedEntity"),
    ("Un titre", "Un & titre", "SAXError"),
    ("Un titre", "Un < titre", "SAXError"),
    ("Un titre", "Un ]]> titre", "SAXError"),
    ("Un titre", "Un <!-- -- --> titre", "SAXError"),
    ("<?xml version=\"1.0\"", "<?xml version=\"1.1\"", "SAXError"),
    ("?>\n", "?>\nx", "SAXError"),
    (" href=\"https", " href=\"<https", "SAXError"),
    (" href=\"https", " href=\"\" href=\"https", "SAXError"),
    (" href=\"https", "href=\"https", "SAXError"),
    (" href=\"https", " href=https", "SAXError"),
    ("media:content", "foto:content", "MissingNamespace"),
    (" rel=\"self\"", " rel=\"me\"", "MissingAtomSelfLink"),
    ("/feeds/tag/cloud.", "/feeds/tag/clod.", "SelfDoesntMatchLocation"),
];

const IN_RSS: &[Planted] = &[
    ("<rss version=\"2.0\"", "<rss version=\"0.9\"", "UndefinedElement"),
    ("<title>Un titre</title>", "", "MissingElement"),
    ("<title>Un titre</title>", "<title> </title>", "NotBlank"),
    ("<title>Un titre</title>", "<title>a</title><title>b</title>", "DuplicateElement"),
    ("<link>https://www.example.fr/evenements/essai.html</link>", "<link>/essai</link>", "InvalidFullLink"),
    ("<link>https://www.example.fr/evenements/essai.html</link>", "<link>https://x.fr/été</link>", "InvalidFullLink"),
    ("<language>fr", "<language>français", "InvalidLanguage"),
    ("Fri, 01 May 2026", "Sat, 01 May 2026", "InvalidRFC2822Date"),
    ("Fri, 01 May 2026", "ven., 01 mai 2026", "InvalidRFC2822Date"),
    ("isPermaLink=\"false\"", "isPermaLink=\"true\"", "InvalidHttpGUID"),
    ("<description><![CDATA[<p>Un <em>mot</em>.</p>]]></description>", "", "NeedDescriptionBeforeContent"),
    ("<a href=\"https://www.example.fr/y\">", "<a href=\"/y\">", "ContainsRelRef"),
    ("<a href=\"https://www.example.fr/y\">", "<script>", "SecurityRisk"),
    ("<a href=\"https", "<a style=\"x\" href=\"https", "DangerousStyleAttr"),
    ("<enclosure ", "<enclosure url=\"https://x.fr/\" length=\"1\" type=\"a/b\"/><enclosure ", "DuplicateEnclosure"),
    (" length=\"42\"", "", "InvalidIntegerAttribute"),
    (" type=\"application/pdf\"", " type=\"pdf\"", "InvalidMIMEAttribute"),
    ("<dc:creator>", "<author>a@b.fr (A)</author><dc:creator>", "DuplicateItemSemantics"),
    ("</item>", "</item><webMaster>a@b.fr (A)</webMaster>", "MisplacedItem"),
    ("<ttl>5</ttl>", "<ttl>0</ttl>", "InvalidPositiveInteger"),
    ("<atom:updated>2026", "<atom:updated>26", "InvalidRFC3339Date"),
    ("<ev:startdate>2026-06-12T", "<ev:startdate>2026-06-12 ", "InvalidRFC3339Date"),
];

const IN_ATOM: &[Planted] = &[
    ("http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "UndefinedElement"),
    ("<updated>2026", "<updated>26", "InvalidRFC3339Date"),
    ("<published>2026-05-01T", "<published>2026-05-01 ", "InvalidRFC3339Date"),
    ("<id>urn:uuid:", "<id>", "InvalidFullLink"),
    ("<name>Un site</name>", "<name></name>", "NotBlank"),
    ("&lt;a href=&quot;https://www.example.fr/y&quot;", "&lt;a href=&quot;/y&quot;", "ContainsRelRef"),
    ("rel=\"enclosure\"", "rel=\"alternate\" type=\"text/html\"", "SAXError"),
    (" length=\"42\"", " length=\"a\"", "InvalidNonNegativeInteger"),
    (" term=\"cloud\"", " term=\"\"", "MissingAttribute"),
    ("</entry>", "</entry><subtitle>b</subtitle>", "MisplacedMetadata"),
];

const IN_JSON: &[Planted] = &[
    ("\"title\":", "\"title\"", "InvalidJSON"),
    ("Un titre", "Un\u{b} titre", "InvalidJSON"),
    ("/version/1.1", "/version/1", "ObsoleteVersion"),
    ("\"title\":\"Un site", "\"titel\":\"Un site", "InvalidJSON"),
    ("/feeds/tag/cloud.json", "/feeds/tag/clod.json", "SelfDoesntMatchLocation"),
    ("\"url\":\"https://www.example.fr/evenements", "\"url\":\"/evenements", "InvalidFullLink"),
    ("\"date_published\":\"2026-05-01T", "\"date_published\":\"2026-05-01 ", "InvalidRFC3339Date"),
    ("\"language\":\"en\"", "\"language\":\"xq\"", "InvalidLanguage"),
    ("\"content_html\":", "\"content_htm\":", "MissingTextualContent"),
    ("<a href=\\\"https://www.example.fr/y\\\"", "<a href=\\\"y\\\"", "ContainsRelRef"),
    ("\"mime_type\":\"application/pdf\"", "\"mime_type\":\"pdf\"", "InvalidMIMEType"),
    ("\"tags\":[", "\"tags\":[\"\",", "NotBlank"),
];

const IN_CALENDAR: &[Planted] = &[
    ("END:VEVENT\r\n", "", "SAXError"),
    ("END:VCALENDAR\r\n", "", "SAXError"),
    ("END:VCALENDAR", "END:VCALENDAR\r\nX:y", "UnexpectedText"),
    ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UndefinedElement"),
    ("\r\n ", "", "TooLong"),
    ("SUMMARY", "SUMMARY\nX", "BadCharacters"),
    ("UID:urn:uuid", "UID urn:uuid", "InvalidValue"),
    ("DTSTART;VALUE=DATE:20260612", "DTSTART;VALUE=DATE:20260231", "InvalidValue"),
    ("DTSTART;VALUE=DATE:20260612\r\n", "", "MissingElement"),
    ("DTEND;VALUE=DATE:20260613", "DTEND;VALUE=DATE:20260612", "InvalidValue"),
    ("DTSTAMP:2026", "DTSTAMP:26", "InvalidValue"),
    ("SEQUENCE:", "SEQUENCE:-", "InvalidValue"),
    ("STATUS:CONFIRMED", "STATUS:SURE", "InvalidValue"),
    ("STATUS:CONFIRMED", "STATUS:CONFIRMED\r\nSTATUS:CONFIRMED", "DuplicateElement"),
    ("/feeds/tag/cloud.ics", "/feeds/tag/clod.ics", "SelfDoesntMatchLocation"),
];

const IN_OPML: &[Planted] = &[
    ("version=\"2.0\"", "version=\"3.0\"", "InvalidOPMLVersion"),
    (" type=\"rss\"", "", "MissingOutlineType"),
    (" type=\"rss\"", " type=\"atom\"", "InvalidOutlineType"),
    (" version=\"RSS2\"", " version=\"ATOM\"", "InvalidOutlineVersion"),
    (" xmlUrl=\"", " xmlurl=\"", "MissingXmlURL"),
    (" xmlUrl=\"https://flux.example.fr", " xmlUrl=\"", "InvalidFullLink"),
    (" title=\"Un site", " titel=\"Un site", "MissingTitleAttr"),
    ("<dateModified>Thu", "<dateModified>Wed", "InvalidRFC2822Date"),
    (" text=\"", " text=\"\" x=\"", "MissingAttribute"),
];

#[test]
fn every_planted_fault_is_found_under_its_name() {
    let bench = Bench::new();
    let mut second = entry(&bench);
    second.id = "urn:uuid:00000000-0000-4000-8000-000000000002".into();
    let entries = [entry(&bench), second.clone()];
    for (shape, address, bytes) in documents(&bench, &entries) {
        let text = String::from_utf8(bytes).unwrap();
        let both: Vec<&Planted> = match shape {
            Shape::Rss => IN_XML.iter().chain(IN_RSS).collect(),
            Shape::Atom => IN_XML.iter().chain(IN_ATOM).collect(),
            Shape::Json => IN_JSON.iter().collect(),
            Shape::Calendar => IN_CALENDAR.iter().collect(),
            Shape::Opml => IN_OPML.iter().collect(),
        };
        for (from, to, class) in both {
            let planted = text.replacen(from, to, 1);
            assert_ne!(planted, text, "{shape:?}: {from} is not there: {text}");
            let found = check(shape, &address, planted.as_bytes());
            assert_eq!(
                found.as_ref().err().map(|fault| fault.class),
                Some(*class),
                "{shape:?}: {from} → {to}: {found:?}"
            );
        }
        // An identity twice.
        if shape != Shape::Opml {
            let twice = text.replace(&second.id, &entries[0].id);
            let fault = check(shape, &address, twice.as_bytes()).unwrap_err();
            assert!(["DuplicateValue", "DuplicateEntries"].contains(&fault.class), "{fault}");
        }
        // Cut short, at any place.
        for end in (0..text.len()).step_by(97).chain([text.len() - 2]).filter(|end| text.is_char_boundary(*end)) {
            let cut = &text.as_bytes()[..end];
            assert!(check(shape, &address, cut).is_err(), "{shape:?} cut at {end}");
        }
        assert!(check(shape, &address, &[text.as_bytes(), b"\xff"].concat()).is_err());
    }
}

#[test]
fn what_the_doctor_lets_through_is_well_formed_to_libxml2_too() {
    let bench = Bench::new();
    let entries = [entry(&bench)];
    let mut runner = TestRunner::deterministic();
    let pieces = vec![
        "<",
        ">",
        "&",
        "\"",
        "'",
        "/",
        "=",
        "!",
        "?",
        "]]>",
        "<!--",
        "-->",
        "<![CDATA[",
        ":",
        "\u{1}",
        "é",
        " ",
        ";",
        "#",
        "x",
        "</a>",
        "<b/>",
        "&#x0;",
        "&#65;",
        "&lt;",
        "\u{ffff}",
        "xmlns=\"\"",
        "<?x?>",
    ];
    let change = (0usize..100_000, 0usize..4, proptest::sample::select(pieces));
    let mut passed: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut refused = 0;
    for (shape, address, bytes) in documents(&bench, &entries) {
        if !bytes.starts_with(b"<?xml") {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        for _ in 0..1_500 {
            let (place, length, piece) = change.new_tree(&mut runner).unwrap().current();
            let mut start = place % text.len();
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let changed = format!("{}{piece}{}", &text[..start], &text[end..]);
            match check(shape, &address, changed.as_bytes()) {
                Ok(()) => {
                    passed.insert(passed.len(), changed.into_bytes());
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 1_500 && passed.len() > 300, "{refused} {}", passed.len());
    let folder = tempfile::tempdir().unwrap();
    for (at, bytes) in &passed {
        std::fs::write(folder.path().join(format!("{at}.xml")), bytes).unwrap();
    }
    well_formed(&files(folder.path()));
}
