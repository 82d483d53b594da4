//! The list of all feeds, as readers take it in.

use crate::bodies::soup;
use crate::support::entries::{Bench, SEEN};
use crate::support::tools;
use crieur::config::Format;
use crieur::feed::opml::document;
use crieur::feed::{Feed, Kind};
use jiff::Span;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::sync::Arc;

fn feeds(bench: &Bench) -> Vec<Arc<Feed>> {
    let mut tag = bench.feed(Kind::Tag, "Échanges & <code>");
    tag.updated = SEEN + Span::new().hours(1);
    [tag, bench.feed(Kind::Tag, "cloud"), bench.feed(Kind::Collection, "Actualités"), bench.feed(Kind::All, "")]
        .map(Arc::new)
        .into()
}

#[test]
fn feeds_stand_under_their_kind_and_other_documents_beside() {
    let bench = Bench::new();
    let extra = [("Retraits".to_owned(), "https://flux.example.fr/feeds/withdrawn.atom".to_owned())];
    let text = String::from_utf8(document(&feeds(&bench), &bench.site, &bench.settings, &extra)).unwrap();
    assert_eq!(
        text,
        r#"<?xml version="1.0" encoding="utf-8"?>
<opml version="2.0">
  <head>
    <title>Un site – les flux</title>
    <dateModified>Thu, 28 May 2026 23:26:40 +0200</dateModified>
    <ownerName>Un site</ownerName>
    <ownerId>https://www.example.fr/</ownerId>
  </head>
  <body>
    <outline text="Un site" type="rss" title="Un site" xmlUrl="https://flux.example.fr/feeds/all.rss" htmlUrl="https://flux.example.fr/feeds/all" description="Un site" language="fr" version="RSS2"/>
    <outline text="Rubriques">
      <outline text="Actualités" type="rss" title="Un site – Actualités" xmlUrl="https://flux.example.fr/feeds/collection/actualites.rss" htmlUrl="https://flux.example.fr/feeds/collection/actualites" description="Un site – Actualités" language="fr" version="RSS2" category="/collection/actualites"/>
    </outline>
    <outline text="Étiquettes">
      <outline text="cloud" type="rss" title="Un site – cloud" xmlUrl="https://flux.example.fr/feeds/tag/cloud.rss" htmlUrl="https://flux.example.fr/feeds/tag/cloud" description="Un site – cloud" language="fr" version="RSS2" category="/tag/cloud"/>
      <outline text="Échanges &amp; ‹code›" type="rss" title="Un site – Échanges &amp; ‹code›" xmlUrl="https://flux.example.fr/feeds/tag/echanges-et-code.rss" htmlUrl="https://flux.example.fr/feeds/tag/echanges-et-code" description="Un site – Échanges &amp; ‹code›" language="fr" version="RSS2" category="/tag/echanges-et-code"/>
    </outline>
    <outline text="Retraits" type="link" url="https://flux.example.fr/feeds/withdrawn.atom"/>
  </body>
</opml>
"#
    );
}

#[test]
fn the_first_format_that_every_reader_knows_is_named_in_the_language_of_the_site() {
    for (formats, address, version) in [
        (vec![Format::Atom, Format::Json], "/feeds/tag/cloud.atom", false),
        (vec![Format::Rss, Format::Atom], "/feeds/tag/cloud.rss", true),
        (vec![Format::Json], "/feeds/tag/cloud.json", false),
    ] {
        let mut bench = Bench::of("language: en-GB");
        bench.settings.feeds.formats = formats;
        let text = String::from_utf8(document(&feeds(&bench), &bench.site, &bench.settings, &[])).unwrap();
        assert!(text.contains(&format!("xmlUrl=\"https://flux.example.fr{address}\"")), "{text}");
        assert_eq!(text.contains("version=\"RSS2\""), version);
        assert!(text.contains("<outline text=\"Tags\">") && text.contains("Un site – feeds"));
    }
}

#[test]
fn the_order_of_feeds_does_not_count() {
    let bench = Bench::new();
    let forth = feeds(&bench);
    let back: Vec<Arc<Feed>> = forth.iter().rev().cloned().collect();
    let write = |feeds: &[Arc<Feed>]| document(feeds, &bench.site, &bench.settings, &[]);
    assert_eq!(write(&forth), write(&back));
}

#[test]
fn whatever_the_labels_hold_the_list_is_right_to_the_letter() {
    let Some(mut python) = tools::python("read_opml.py") else { return };
    let mut runner = TestRunner::deterministic();
    let texts = soup().prop_map(|text| text.chars().take(200).collect::<String>());
    let mut text = || texts.new_tree(&mut runner).unwrap().current();
    let folder = tempfile::tempdir().unwrap();
    for list in 0..40 {
        let mut bench = Bench::of(["language: fr", "language: en"][list % 2]);
        bench.site.title = format!("x{}", text());
        bench.site.description = text();
        let mut feeds = vec![Arc::new(bench.feed(Kind::All, ""))];
        for kind in [Kind::Collection, Kind::Category, Kind::Tag] {
            feeds.extend((0..6).map(|_| Arc::new(bench.feed(kind, &format!("x{}", text())))));
        }
        let extra = [(format!("x{}", text()), "https://flux.example.fr/a?b=c&d='%C3%A9'".to_owned())];
        std::fs::write(
            folder.path().join(format!("{list}.opml")),
            document(&feeds, &bench.site, &bench.settings, &extra),
        )
        .unwrap();
    }
    tools::judged(python.arg(folder.path()), "");
}
