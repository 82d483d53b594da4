//! Properties, and another implementation as the judge.

use crieur::article::{self, Depth, SiteSettings, SourceFile};
use crieur::schedule::Schedule;
use crieur::source::directory::Directory;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// A cron field between two bounds: a star, a number, a range, a list, a step.
fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (low..=high).prop_map(|n| n.to_string()),
        1 => (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => proptest::collection::btree_set(low..=high, 2..4).prop_map(|set| set.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
        1 => (2u8..10).prop_map(|step| format!("*/{step}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Away from clock changes, where crates differ in what is right, croner and this house agree on every slot.
    #[test]
    fn slots_are_those_of_an_independent_implementation(
        minute in field(0, 59), hour in field(5, 23), day in field(1, 28), month in field(1, 12), weekday in field(0, 6), start in 0i64..31_000_000,
    ) {
        let line = format!("{minute} {hour} {day} {month} {weekday}");
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let start = Timestamp::from_second(1_798_000_000 + start).unwrap();
        let ours = Schedule::parse(&[&line]).unwrap();
        let theirs: croner::Cron = line.parse().unwrap();
        let mut at = start;
        for _ in 0..4 {
            let ours = ours.next_after(at, &zone).map(|at| at.as_second());
            let theirs = theirs.find_next_occurrence(&at.to_zoned(zone.clone()), false).ok().map(|at| at.timestamp().as_second());
            // Croner looks ahead for some years only.
            let changes = |at: i64| {
                let after = Timestamp::from_second(at + 86_400).unwrap();
                zone.preceding(after).next().is_some_and(|t| t.timestamp().as_second() > at - 86_400)
            };
            if [ours, theirs].into_iter().flatten().any(changes) {
                break;
            }
            if let Some(theirs) = theirs {
                prop_assert_eq!(ours, Some(theirs), "{}", line);
                at = Timestamp::from_second(theirs).unwrap();
            }
        }
    }

    /// A year of quarter hours: strictly later, never skipped backwards, through both clock changes.
    #[test]
    fn slots_only_go_forward(start in 0i64..31_000_000) {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let schedule = Schedule::parse(&["*/15 * * * *"]).unwrap();
        let mut at = Timestamp::from_second(1_798_000_000 + start).unwrap();
        for _ in 0..20 {
            let next = schedule.next_after(at, &zone).unwrap();
            prop_assert!(next > at && next.duration_since(at) <= SignedDuration::from_mins(75));
            at = next;
        }
    }
}

fn settings() -> SiteSettings {
    let config = crate::support::parse("site: { url: https://www.example.fr, timezone: Europe/Paris }").unwrap();
    SiteSettings::read(&config.site, &Directory::new("/nowhere")).unwrap().0
}

/// Text as nobody should write it: pieces of Markdown, HTML, Liquid, YAML and control characters.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        1 => Just("{% include".to_owned()),
        1 => Just("{{ site.url }}".to_owned()),
        1 => Just("{% raw %}".to_owned()),
        1 => Just("{:target=\"".to_owned()),
        1 => Just("]]>".to_owned()),
        1 => Just("<img src=x onerror=y>".to_owned()),
        1 => Just("<script>".to_owned()),
        1 => Just("![a.png](/é b)".to_owned()),
        1 => Just("```\n".to_owned()),
        1 => Just("\u{b}\u{0}\u{fffe}".to_owned()),
        1 => Just("\n\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_file_makes_the_reader_fail_or_its_output_unsafe(front in hostile(), body in hostile()) {
        let settings = settings();
        let title = serde_json::to_string(&front).unwrap();
        for text in [format!("---\n{front}\n---\n{body}"), format!("---\ntitle: {title}\nchapeau-text: {title}\ntags: [{title}]\n---\n{body}")] {
            let file = SourceFile { path: "_posts/2026-01-01-x.md".into(), bytes: text.into_bytes() };
            let parsed = article::parse(&file, &settings, &|_: &str| None, Depth::Full);
            if let Some(article) = parsed.article {
                let html = article::markdown::to_html(&article.body, &article.url);
                prop_assert!(!html.contains("<script") && !html.contains("onerror=y>"));
                prop_assert!(html.chars().all(crieur::text::is_xml));
                prop_assert!(article.title.chars().all(crieur::text::is_xml) && !article.title.contains('\n'));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_reported(bytes in any::<Vec<u8>>()) {
        let file = SourceFile { path: "_posts/2026-01-01-x.md".into(), bytes };
        article::parse(&file, &settings(), &|_: &str| None, Depth::Full);
    }
}
