//! Lengths and hashtags as the networks' own libraries see them: twitter-text of X and `@atproto/api` of Bluesky.

use crate::support::tools::{judged, node};
use crieur::post::Counter;
use crieur::post::entity::{self, Kind};
use crieur::post::hashtag::grammar::Family;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::ops::Range;

/// Texts as French editors write them, and as they paste them.
fn french() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => "[A-Za-zéèêàâçôîïûùœÉÀÇŒ]{1,14}",
        4 => prop_oneof![Just(" "), Just(" "), Just("\n"), Just("\u{A0}"), Just("\u{202F}")].prop_map(str::to_owned),
        3 => prop_oneof![Just("’"), Just("'"), Just("-"), Just("…"), Just("€"), Just("→"), Just("•"), Just("«\u{A0}"), Just("\u{A0}»"), Just("\u{202F}:"), Just("—"), Just("–"), Just("œ"), Just("№"), Just("™"), Just("½")].prop_map(str::to_owned),
        2 => "[,.;:!?()/&%+]",
        2 => prop_oneof![Just("🇫🇷"), Just("👩\u{200D}👩\u{200D}👧"), Just("👍🏽"), Just("❤\u{FE0F}"), Just("☎"), Just("1\u{FE0F}\u{20E3}"), Just("😀"), Just("📢"), Just("✅"), Just("➡\u{FE0F}"), Just("🏳\u{FE0F}\u{200D}🌈"), Just("©")].prop_map(str::to_owned),
        1 => "(e\u{301}|a\u{300}|c\u{327}|u\u{302}){1,3}",
        2 => " https?://(www\\.)?[a-z]{2,9}\\.(fr|gouv\\.fr|eu|paris)(/[a-zA-Z0-9é_%.,'()~@:!*-]{0,12}){0,3}(\\?[a-z]=[a-z0-9é&]{0,6})?(#[a-z]{1,5})?",
        1 => "([Bb]eta|data|x|TECH)\\.(gouv\\.fr|GOUV|fr|eu|la|de)(/[a-z-]{1,8})?",
        2 => "[ ]#[A-Za-zé0-9_'’·-]{1,16}",
        1 => "@[a-z_]{2,8}(@[a-z]{2,6}\\.fr)?",
        1 => "[0-9]{1,4}",
    ];
    proptest::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

/// A thousand of them, always the same.
fn texts() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..1000).map(|_| french().new_tree(&mut runner).unwrap().current()).collect()
}

fn ranges(value: &Value) -> Vec<Range<usize>> {
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    value.as_array().unwrap().iter().map(|range| number(&range[0])..number(&range[1])).collect()
}

#[test]
fn a_thousand_french_texts_count_as_the_networks_own_libraries_count_them() {
    let Some(mut command) = node("count_posts.mjs") else { return };
    let texts = texts();
    let input: String = texts.iter().map(|text| serde_json::to_string(text).unwrap() + "\n").collect();
    let said = judged(&mut command, input);
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 1000);
    let mut wrong = Vec::new();
    for (text, answer) in texts.iter().zip(&answers) {
        let mut differ = |what: &str, ours: String, theirs: String| {
            if ours != theirs {
                wrong.push(format!("{what}: {ours}, not {theirs}: {text:?}"));
            }
        };
        differ("weight", Counter::X.count(text).to_string(), answer["weight"].to_string());
        differ("graphemes", Counter::Graphemes.count(text).to_string(), answer["graphemes"].to_string());
        differ(
            "X's hashtags",
            format!("{:?}", entity::hashtags(text, Family::X)),
            format!("{:?}", ranges(&answer["tags"])),
        );
        // Domains without a scheme are no links of ours, nor are mentions, whose owner somebody would have to look up.
        let facets = answer["facets"].as_array().unwrap().iter().filter_map(|facet| {
            let range = ranges(&Value::Array(vec![facet["range"].clone()])).remove(0);
            let kind = match facet["kind"].as_str() {
                Some("link") if text[range.clone()].starts_with("http") => Kind::Link,
                Some("tag") if !text[range.clone()].starts_with('$') => Kind::Hashtag,
                _ => return None,
            };
            Some((range, kind))
        });
        let mut theirs: Vec<(Range<usize>, Kind)> = facets.collect();
        theirs.sort_by_key(|(range, _)| range.start);
        let ours: Vec<(Range<usize>, Kind)> =
            entity::entities(text).into_iter().map(|entity| (entity.range, entity.kind)).collect();
        differ("facets", format!("{ours:?}"), format!("{theirs:?}"));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn on_mastodon_every_address_counts_as_many_characters_as_its_server_says() {
    // Mastodon's count has no library outside Mastodon: graphemes, with addresses and hosts of mentions set apart.
    for text in texts() {
        let counter = Counter::Mastodon { per_url: 23 };
        let address = "https://www.example.fr/une/adresse/qui-est-longue/?et=plus";
        let with = format!("{text} {address}");
        assert_eq!(counter.count(&with), counter.count(&text) + 1 + 23, "{with:?}");
        assert_eq!(counter.count(&format!("{text} @a@x.fr")), counter.count(&text) + 3, "{text:?}");
    }
}
