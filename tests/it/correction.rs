//! What changes for readers: corrections that an author marks, and which edits count as a change.

use crate::support::entries::Bench;
use crate::support::{Place, tools};
use crieur::article::{Article, Depth, SourceFile};
use crieur::feed::entry::Entry;
use crieur::feed::{Kind, ics, json};
use crieur::reconcile::Reconciler;
use crieur::store::Store;
use jiff::Timestamp;
use serde_json::Value;

const FRONT: &str = "title: Un titre\ndate: 2026-01-02 09:00:00 +01:00\n";

fn corrected(bench: &Bench, correction: &str) -> Entry {
    bench.entry(1, &format!("{FRONT}{correction}"), "Un corps.")
}

#[test]
fn a_correction_is_the_first_line_of_the_text_whatever_its_form() {
    let bench = Bench::new();
    for (correction, line) in [
        ("correction: Le *lieu* a changé.", "<p><strong>Correction\u{a0}:</strong> Le <em>lieu</em> a changé.</p>\n"),
        (
            "correction: { date: 2026-03-03, texte: 'Le lieu a changé.' }",
            "<p><strong>Correction du 3 mars 2026\u{a0}:</strong> Le lieu a changé.</p>\n",
        ),
        (
            "correction:\n  date: March 1, 2026\n  text: Le lieu a changé.",
            "<p><strong>Correction du 1er mars 2026\u{a0}:</strong> Le lieu a changé.</p>\n",
        ),
        (
            "rectificatif:\n  date: '2026-03-01T23:30:00-05:00'\n  text: >\n    Le lieu\n    a changé.",
            "<p><strong>Correction du 1er mars 2026\u{a0}:</strong> Le lieu a changé.</p>\n",
        ),
        (
            "corrections:\n- Sans date.\n- { date: 2026-03-03, texte: Un. }\n- { date: 2026-04-03 10:00, texte: Deux. }",
            "<p><strong>Correction du 3 avril 2026\u{a0}:</strong> Deux.</p>\n<p><strong>Correction du 3 mars 2026\u{a0}:</strong> Un.</p>\n<p><strong>Correction\u{a0}:</strong> Sans date.</p>\n",
        ),
        (
            "lang: en\ncorrection: { date: 2026-03-03, text: 'R&D moved<script>x</script>.' }",
            "<p><strong>Correction of 3 March 2026:</strong> R&amp;D moved.</p>\n",
        ),
        (
            "correction: \"- Un\\n- Deux [x](/y)\"",
            "<p><strong>Correction\u{a0}:</strong></p>\n<ul>\n<li>Un</li>\n<li>Deux <a href=\"https://www.example.fr/y\">x</a></li>\n</ul>\n",
        ),
    ] {
        let html = corrected(&bench, correction).content_html.unwrap();
        assert_eq!(html, format!("{line}<p>Un corps.</p>"), "{correction}");
    }
}

#[test]
fn what_marks_no_correction_shows_none() {
    let bench = Bench::new();
    let read = |correction: &str| -> (Article, Vec<String>) {
        let bytes = format!("---\n{FRONT}{correction}\n---\nUn corps.").into_bytes();
        let file = SourceFile { path: "_evenements/essai.md".into(), bytes };
        let parsed = crieur::article::parse(&file, &bench.site, &|_: &str| None, Depth::Full);
        let said = parsed.problems.iter().map(|problem| format!("{} {}", problem.line, problem.kind));
        (parsed.article.unwrap(), said.collect())
    };
    for (correction, said) in [
        ("correction:", vec![]),
        ("correction: ''", vec!["4 empty-correction"]),
        ("correction: false", vec![]),
        ("correction: non", vec![]),
        ("correction: true", vec!["4 empty-correction"]),
        ("correction: 2026-03-03", vec!["4 empty-correction"]),
        ("correction: { date: 2026-03-03 }", vec!["4 empty-correction"]),
        ("corrections: [[a]]", vec!["4 empty-correction"]),
        ("corrections: []", vec![]),
    ] {
        let (article, found) = read(correction);
        assert_eq!(
            (article.corrections, found),
            (vec![], said.iter().map(ToString::to_string).collect()),
            "{correction}"
        );
    }
    let (article, found) = read("correction: { date: demain, texte: Le lieu. }");
    assert_eq!((article.corrections.len(), found), (1, vec!["4 bad-date".to_owned()]));
    let many: String = (0..50).map(|n| format!("- C{n}.\n")).collect();
    assert_eq!(read(&format!("corrections:\n{many}")).0.corrections.len(), 20);
}

#[test]
fn every_format_tells_of_a_correction() {
    let mut bench = Bench::new();
    let front =
        "correction: { date: 2026-03-03, texte: Le *lieu*. }\nevent_start_date: 2026-06-12\nchapeau-text: Intro.";
    let entry = corrected(&bench, front);
    let feed = bench.feed(Kind::All, "");
    let document = json::document(&feed, &[&entry], &bench.site, &bench.settings);
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(
        document["items"][0]["_crieur_corrections"],
        serde_json::json!({ "corrections": [{ "date": "2026-03-03T00:00:00+01:00", "text": "Le lieu." }] })
    );
    let calendar = ics::document(&feed, &[&entry], &[], &bench.site, &bench.settings);
    let calendar = String::from_utf8(calendar).unwrap().replace("\r\n ", "");
    assert!(
        calendar.contains("DESCRIPTION;LANGUAGE=fr:Correction du 3 mars 2026\u{a0}: Le lieu.\\n\\nIntro."),
        "{calendar}"
    );
    // The summary is what is quoted elsewhere: it stays, unless nothing else is shown.
    assert_eq!(entry.summary_html, "<p>Intro.</p>");
    bench.settings.feeds.content = crieur::config::Content::Summary;
    let entry = corrected(&bench, front);
    assert_eq!(
        (entry.summary_html.as_str(), entry.summary_text.as_str()),
        ("<p><strong>Correction du 3 mars 2026\u{a0}:</strong> Le <em>lieu</em>.</p>\n<p>Intro.</p>", "Intro.")
    );
    assert_eq!(entry.content_html, None);
}

#[tokio::test]
async fn only_what_readers_see_counts_as_a_change() {
    let place = Place::new();
    let config = place.config("");
    let store = Store::open(&config.store).await.unwrap();
    let mut reconciler = Reconciler::new(std::sync::Arc::clone(&config));
    let mut now: Timestamp = "2031-03-03T08:00:00Z".parse().unwrap();
    let body = "Un premier paragraphe.\n\nUn second.\n";
    let steps: &[(&str, &str, &str, bool)] = &[
        (
            "white space in the text",
            "title: Un titre\ndate: 2031-01-02\nlayout: a",
            "Un  premier paragraphe.   \n\n\n\nUn\nsecond.\n\n",
            false,
        ),
        ("quotation marks in the front matter", "title: \"Un titre\"\ndate: '2031-01-02'\nlayout: a", body, false),
        ("a key of the layout", "layout: b\nmenu: { weight: 3 }\ntitle: Un titre\ndate: 2031-01-02", body, false),
        ("the order of keys and a comment", "date: 2031-01-02\n# à revoir\ntitle: Un titre", body, false),
        ("a tag", "title: Un titre\ndate: 2031-01-02\ntags: [Cloud]", body, false),
        ("a letter in the text", "title: Un titre\ndate: 2031-01-02", "Un premier paragraphe !\n\nUn second.\n", true),
        ("the title", "title: Un autre titre\ndate: 2031-01-02", "Un premier paragraphe !\n\nUn second.\n", true),
        (
            "the introduction",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro",
            "Un premier paragraphe !\n\nUn second.\n",
            true,
        ),
        (
            "an alternative text",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro\nimage: /i.png\nimage_alt: Une carte",
            "Un premier paragraphe !\n\nUn second.\n",
            true,
        ),
        (
            "when an event takes place",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro\nimage: /i.png\nimage_alt: Une carte\nevent_start_date: 2031-06-01",
            "Un premier paragraphe !\n\nUn second.\n",
            true,
        ),
        (
            "a correction",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro\nimage: /i.png\nimage_alt: Une carte\nevent_start_date: 2031-06-01\ncorrection: { date: 2031-03-03, texte: Le lieu. }",
            "Un premier paragraphe !\n\nUn second.\n",
            true,
        ),
        (
            "white space in a correction",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro\nimage: /i.png\nimage_alt: Une carte\nevent_start_date: 2031-06-01\ncorrection:\n- date: '2031-03-03'\n  text: >\n    Le\n    lieu.",
            "Un premier paragraphe !\n\nUn second.\n",
            false,
        ),
        (
            "a second correction",
            "title: Un autre titre\ndate: 2031-01-02\nchapeau-text: Intro\nimage: /i.png\nimage_alt: Une carte\nevent_start_date: 2031-06-01\ncorrections:\n- { date: 2031-03-03, texte: Le lieu. }\n- { date: 2031-03-04, texte: L'heure. }",
            "Un premier paragraphe !\n\nUn second.\n",
            true,
        ),
    ];
    let item = |document: &crieur::feed::Document| -> Value {
        serde_json::from_slice::<Value>(&document.body).unwrap()["items"][0].clone()
    };
    place.write("_actualites/a.md", format!("---\ntitle: Un titre\ndate: 2031-01-02\nlayout: a\n---\n\n{body}"));
    let snapshot = reconciler.pass(&store, now).await.unwrap();
    let first = item(&snapshot.feeds.documents["/feeds/all.json"]);
    let (mut modified, mut etag) =
        (first["date_modified"].clone(), snapshot.feeds.documents["/feeds/all.json"].etag.clone());
    assert_eq!(first["date_published"], modified);
    for (what, front, text, counts) in steps {
        now = now.checked_add(jiff::Span::new().hours(1)).unwrap();
        place.write("_actualites/a.md", format!("---\n{front}\n---\n{text}"));
        let snapshot = reconciler.pass(&store, now).await.unwrap();
        let found = item(&snapshot.feeds.documents["/feeds/all.json"]);
        assert_eq!(found["id"], first["id"], "{what}");
        let at: Timestamp = found["date_modified"].as_str().unwrap().parse().unwrap();
        assert_eq!(found["date_modified"] != modified, *counts, "{what}: {found}");
        assert!(!*counts || at == now, "{what}: {at} is not {now}");
        let document = &snapshot.feeds.documents["/feeds/all.json"];
        assert!(!*counts || document.etag != etag, "{what}");
        (modified, etag) = (found["date_modified"].clone(), document.etag.clone());
    }
}

#[test]
fn the_text_of_a_correction_is_right_to_the_letter_whatever_it_holds() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let mut entries = Vec::new();
    for (number, text) in crate::bodies::soups(60).into_iter().enumerate() {
        let text = serde_json::to_string(&text).unwrap();
        let front = format!("{FRONT}corrections: [{text}, {{ date: 2026-03-03, texte: {text} }}]");
        if let Some(article) = bench.article(&front, "Un corps.") {
            entries.push(bench.entry_of(u32::try_from(number).unwrap(), &article));
        }
    }
    assert!(entries.iter().filter(|entry| entry.corrections.len() == 2).count() > 30);
    let shown: Vec<&Entry> = entries.iter().collect();
    let document = crieur::feed::rss::document(&bench.feed(Kind::All, ""), &shown, &bench.site, &bench.settings);
    std::fs::write(folder.path().join("a.rss"), document).unwrap();
    if let Some(mut python) = tools::python("read_html.py") {
        tools::judged(python.arg(folder.path()), "");
    }
}
