//! Time, proved: two whole years of slots, distances and quiet hours against libraries of another language, and every
//! kind of rule over the days on which clocks are changed.

use crate::plan::{World, instant};
use crate::support::tools;
use crieur::offset::Offset;
use crieur::quiet::Quiet;
use crieur::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use std::iter;

/// Clocks that are changed at night, at midnight, by half an hour, and never.
const ZONES: [&str; 4] = ["Europe/Paris", "America/Santiago", "Australia/Lord_Howe", "UTC"];

/// The first instants of 2027, and of the year after 2028, which is a leap year.
const YEARS: [i64; 2] = [1_798_761_600, 1_861_920_000];

/// The Sundays of 2027 and 2028 around which clocks are changed in one of the zones, as days of the year's calendar.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let start = Timestamp::from_second(YEARS[0]).unwrap();
    let all = zone.following(start).map(|transition| transition.timestamp().as_second());
    all.take_while(|at| *at < YEARS[1]).collect()
}

fn number(low: u8, high: u8) -> impl Strategy<Value = String> {
    (low..=high).prop_map(|n| n.to_string())
}

/// Two ends of a range. Of `10-10`, which nobody writes, croniter makes all there are.
fn range(low: u8, high: u8) -> impl Strategy<Value = (u8, u8)> {
    let apart = (low..=high, low..=high).prop_filter("ends", |(a, b)| a != b);
    apart.prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn listed(low: u8, high: u8) -> impl Strategy<Value = String> {
    btree_set(low..=high, 2..4).prop_map(|all| all.iter().map(u8::to_string).collect::<Vec<_>>().join(","))
}

/// A field that takes few of its values, or many.
fn few(low: u8, high: u8) -> impl Strategy<Value = String> {
    prop_oneof![4 => number(low, high), 2 => listed(low, high), 1 => (20u8..40).prop_map(|step| format!("*/{step}"))]
}

fn many(low: u8, high: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("*".to_owned()),
        2 => number(low, high),
        2 => range(low, high).prop_map(|(a, b)| format!("{a}-{b}")),
        2 => (range(low, high), 2u8..5).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
        2 => listed(low, high),
        1 => (2u8..9).prop_map(|step| format!("*/{step}")),
        1 => (number(low, high), 2u8..9).prop_map(|(from, step)| format!("{from}/{step}")),
    ]
}

const MONTHS: [&str; 12] = ["jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "MON", "Tue", "wed", "thu", "fri", "Sat"];

fn month() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => many(1, 12),
        1 => (0usize..12).prop_map(|month| MONTHS[month].to_owned()),
        1 => range(0, 11).prop_map(|(a, b)| format!("{}-{}", MONTHS[usize::from(a)], MONTHS[usize::from(b)])),
    ]
}

/// Sunday is 0 and 7; names, ranges that go round the end of the week.
fn weekday() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        2 => number(0, 7),
        2 => listed(0, 7),
        2 => range(0, 7).prop_map(|(a, b)| format!("{a}-{b}")),
        1 => (range(0, 7), 2u8..4).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
        1 => (2u8..4).prop_map(|step| format!("*/{step}")),
        3 => (0usize..7, 0usize..7).prop_map(|(a, b)| if a == b { DAYS[a].to_owned() } else { format!("{}-{}", DAYS[a], DAYS[b]) }),
        1 => (0usize..7, 0usize..7).prop_map(|(a, b)| format!("{},{}", DAYS[a], DAYS[b])),
    ]
}

/// A cron line of five fields or six. Small hours come often: clocks are changed then.
fn line() -> impl Strategy<Value = String> {
    let hour = prop_oneof![2 => many(0, 23), 2 => number(0, 3), 1 => number(22, 23), 1 => many(0, 4)];
    let seconds = prop_oneof![2 => Just(None), 1 => few(0, 59).prop_map(Some)];
    let day = prop_oneof![6 => Just("*".to_owned()), 1 => Just("?".to_owned()), 4 => many(1, 31)];
    (seconds, prop_oneof![3 => few(0, 59), 1 => many(0, 59)], hour, day, month(), weekday()).prop_map(
        |(second, minute, hour, day, month, weekday)| {
            let second = second.map(|second| format!("{second} ")).unwrap_or_default();
            format!("{second}{minute} {hour} {day} {month} {weekday}")
        },
    )
}

/// So many values of a strategy, always the same.
fn some<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// What the other libraries answer to questions, or None if they are not there.
fn told(questions: &[serde_json::Value]) -> Option<Vec<Vec<i64>>> {
    let mut command = tools::python("tell_times.py")?;
    let asked: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let answers = tools::judged(&mut command, asked);
    Some(answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn slots(schedule: &Schedule, zone: &TimeZone, from: i64, until: i64) -> impl Iterator<Item = i64> {
    let from = Timestamp::from_second(from).unwrap();
    let all = iter::successors(schedule.next_from(from, zone), move |slot| schedule.next_after(*slot, zone));
    all.map(|slot| slot.as_second()).take_while(move |slot| *slot < until)
}

/// Most slots of two years that are compared one by one; of lines with more, those of the hours around the changes.
const SLOTS_MAX: usize = 1_500;

#[test]
fn two_years_of_slots_are_those_of_croniter() {
    let lines = some(vec(line(), 1..3), 120);
    let mut questions = Vec::new();
    let mut ours: Vec<Vec<i64>> = Vec::new();
    for (at, lines) in lines.iter().enumerate() {
        let (name, schedule) = (ZONES[at % ZONES.len()], Schedule::parse(lines).unwrap());
        let zone = zone(name);
        let mut spans = vec![(YEARS[0], YEARS[1])];
        if slots(&schedule, &zone, YEARS[0], YEARS[1]).nth(SLOTS_MAX).is_some() {
            let around = |at: i64| (at - 8 * 3_600, at + 8 * 3_600);
            spans = changes(&zone).into_iter().chain([YEARS[0] + 86_400 * 424]).map(around).collect();
        }
        for (from, until) in spans {
            questions.push(json!({ "what": "slots", "lines": lines, "zone": name, "from": from, "until": until }));
            ours.push(slots(&schedule, &zone, from, until).collect());
        }
    }
    let Some(theirs) = told(&questions) else { return };
    assert_eq!(theirs.len(), ours.len());
    for ((question, ours), theirs) in questions.iter().zip(&ours).zip(&theirs) {
        let first = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
        let at = |all: &[i64]| all.get(first).map(|at| Timestamp::from_second(*at).unwrap().to_string());
        assert_eq!(at(ours), at(theirs), "{question}: slot {first}");
    }
    let compared: usize = ours.iter().map(Vec::len).sum();
    println!("{} slots of {} schedules", compared, lines.len());
    assert!(compared > 20_000, "{compared}");
}

/// Instants within some days of the changes of a zone.
fn near_changes(name: &str, spread: i64) -> impl Strategy<Value = i64> + use<> {
    let changes = changes(&zone(name));
    let changes = if changes.is_empty() { vec![YEARS[0], YEARS[1]] } else { changes };
    (0..changes.len(), -spread..spread).prop_map(move |(at, distance)| changes[at] + distance)
}

#[test]
fn distances_in_days_are_those_of_dateutil() {
    let (mut questions, mut ours) = (Vec::new(), Vec::new());
    for name in ZONES {
        let distances = (near_changes(name, 40 * 86_400), -60i64..60, prop_oneof![Just(0i64), 1i64..86_400]);
        // Half of them come to lie within two hours of a change.
        let close = (near_changes(name, 7_200), -30i64..30, Just(0i64))
            .prop_map(|(at, days, rest)| (at - days * 86_400, days, rest));
        for (at, days, rest) in some(prop_oneof![distances, close], 1_000) {
            let sign = if days < 0 { "-" } else { "" };
            let offset = Offset::parse(&format!("{sign}{}d{rest}s", days.abs())).unwrap();
            let seconds = if days < 0 { -rest } else { rest };
            questions.push(json!({ "what": "offset", "zone": name, "at": at, "days": days, "seconds": seconds }));
            ours.push(offset.from(Timestamp::from_second(at).unwrap(), &zone(name)).unwrap().as_second());
        }
    }
    let Some(theirs) = told(&questions) else { return };
    for ((question, ours), theirs) in questions.iter().zip(&ours).zip(&theirs) {
        assert_eq!(&[*ours][..], &theirs[..], "{question}");
    }
}

#[test]
fn quiet_hours_end_where_clocks_show_their_end() {
    let (mut questions, mut ours) = (Vec::new(), Vec::new());
    for name in ZONES {
        let minute = prop_oneof![(0u16..240), (1_200u16..1_440), 0u16..1_440];
        let hours = (minute.clone(), minute, btree_set(0usize..7, 1..7), any::<bool>());
        let hours = hours.prop_filter("hours", |(from, until, ..)| from != until && *until > 0);
        for (at, hours) in some((near_changes(name, 3 * 86_400), vec(hours, 1..3)), 250) {
            let mut quiet = Quiet::default();
            let mut said = Vec::new();
            for (from, until, days, every_day) in hours {
                let range = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60);
                let days: Vec<usize> = if every_day { (0..7).collect() } else { days.into_iter().collect() };
                let names: Vec<&str> = days.iter().map(|day| DAYS[*day]).collect();
                quiet.add(&if every_day { range } else { format!("{} {range}", names.join(",")) }).unwrap();
                said.push(json!({ "days": days, "from": from, "until": until }));
            }
            // Two lines can leave no hour: the configuration refuses them.
            let Some(allowed) = quiet.first_allowed(Timestamp::from_second(at).unwrap(), &zone(name)) else { continue };
            questions.push(json!({ "what": "quiet", "zone": name, "at": at, "hours": said }));
            ours.push(allowed.as_second());
        }
    }
    let Some(theirs) = told(&questions) else { return };
    for ((question, ours), theirs) in questions.iter().zip(&ours).zip(&theirs) {
        assert_eq!(&[*ours][..], &theirs[..], "{question}");
    }
}

/// Rules of every kind, for an endpoint in a zone: a queue, a day before an event and a day after it, a day after the
/// publication, and quiet hours.
fn rules(zone: &str, slot: &str, quiet_until: &str) -> String {
    format!(
        "endpoints:
  essai: {{ network: journal, timezone: {zone} }}
  calme: {{ network: journal, timezone: {zone}, quiet_hours: [\"20:00-{quiet_until}\"] }}
rules:
  - {{ name: file, articles: {{ tags: [file] }}, endpoints: [essai], when: {{ slots: \"{slot}\", queue: true }}, settle: 0s, fresh: 30d }}
  - {{ name: une, articles: {{ tags: [une] }}, endpoints: [essai], when: {{ slots: \"{slot}\" }}, settle: 0s, fresh: 30d }}
  - {{ name: rdv, articles: {{ tags: [rdv] }}, endpoints: [essai], when: {{ event: [-1d, 1d] }}, settle: 0s, fresh: 30d }}
  - {{ name: encore, articles: {{ tags: [encore] }}, endpoints: [essai], when: {{ after: [1d] }}, settle: 0s, fresh: 30d }}
  - {{ name: repos, articles: {{ tags: [repos] }}, endpoints: [calme], settle: 0s, fresh: 30d }}"
    )
}

/// What is due over a change of clocks: the time and line of the slots, the instant at which all articles appear (a day
/// before the time that is skipped or comes twice), and what is due of the queue, of the event, and after quiet hours.
async fn check(zone: &str, slot: &str, time: &str, appear: &str, queue: [&str; 3], quiet: &str) {
    let mut world = World::new(&rules(zone, slot, time)).await;
    let appear = instant(appear);
    world.reconciler.pass(&world.store, appear).await.unwrap();
    let date = format!("date: {appear}");
    let [first, change, last] = queue;
    for n in 1..=3 {
        world.place.article(&format!("_actualites/file-{n}.md"), &format!("title: File {n}\n{date}\ntags: [file]"));
    }
    world.place.article("_actualites/une.md", &format!("title: Une\n{date}\ntags: [une]"));
    // Two events: the change lies a day after the one, and a day before the other.
    for (name, start) in [("avant", first), ("apres", last)] {
        let text = format!("title: Rendez-vous {name}\n{date}\ntags: [rdv]\nevent_start_date: {start}");
        world.place.article(&format!("_actualites/rdv-{name}.md"), &text);
    }
    world.place.article("_actualites/encore.md", &format!("title: Encore\n{date}\ntags: [encore]"));
    world.reconciler.pass(&world.store, appear).await.unwrap();
    // It is published in the quiet hours that end in the change.
    let night = instant(change).checked_sub(jiff::SignedDuration::from_hours(3)).unwrap();
    world.place.article("_actualites/repos.md", &format!("title: Repos\ndate: {night}\ntags: [repos]"));
    world.reconciler.pass(&world.store, night).await.unwrap();
    let deliveries = world.store.deliveries().await.unwrap();
    let due = |rule: &str, step: &str| -> Vec<String> {
        let of_rule = deliveries.iter().filter(|d| d.key.rule == rule && d.key.step == step);
        let mut due: Vec<Timestamp> = of_rule.map(|delivery| delivery.due_at).collect();
        due.sort();
        due.iter().map(ToString::to_string).collect()
    };
    assert_eq!(due("file", "publication"), queue, "{zone} {slot}");
    assert_eq!(due("une", "publication"), [first], "{zone} {slot}");
    // A day before the first event is past.
    assert_eq!(due("rdv", "event:-1d"), [change], "{zone}: the day before");
    assert_eq!(due("rdv", "event:1d")[0], change, "{zone}: the day after");
    assert_eq!(due("encore", "after:1d"), [change], "{zone}: repeated");
    assert_eq!(due("repos", "publication"), [quiet], "{zone}: quiet");
}

#[tokio::test]
async fn every_kind_of_rule_keeps_its_time_over_all_changes_of_2027_in_paris_and_santiago() {
    // 28 March: 2:30 does not exist, so it is 3:00, the first instant after the gap.
    let queue = ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"];
    check("Europe/Paris", "30 2 * * *", "02:30", "2027-03-27T01:30:00Z", queue, "2027-03-28T01:00:00Z").await;
    // 31 October: 2:30 comes twice, so it is the first of them. The quiet hour is quiet twice.
    let queue = ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"];
    check("Europe/Paris", "30 2 * * *", "02:30", "2027-10-30T00:30:00Z", queue, "2027-10-31T00:30:00Z").await;
    // 5 September: 0:30 does not exist.
    let queue = ["2027-09-04T04:30:00Z", "2027-09-05T04:00:00Z", "2027-09-06T03:30:00Z"];
    check("America/Santiago", "30 0 * * *", "00:30", "2027-09-04T04:30:00Z", queue, "2027-09-05T04:00:00Z").await;
    // 3 April: 23:30 comes twice.
    let queue = ["2027-04-03T02:30:00Z", "2027-04-04T02:30:00Z", "2027-04-05T03:30:00Z"];
    check("America/Santiago", "30 23 * * *", "23:30", "2027-04-03T02:30:00Z", queue, "2027-04-04T02:30:00Z").await;
}

#[test]
fn what_clocks_show_twice_is_a_slot_once_and_what_they_skip_is_one_at_the_end_of_the_gap() {
    for (name, line, day, expected) in [
        // From 2:00 to 3:00 four quarters are skipped: they and 3:00 are one slot.
        ("Europe/Paris", "*/15 2-3 * * *", "2027-03-28T00:00:00Z", &["01:00", "01:15", "01:30", "01:45"][..]),
        // They come twice: the second quarter hours are no slots.
        ("Europe/Paris", "*/30 2-3 * * *", "2027-10-31T00:00:00Z", &["00:00", "00:30", "02:00", "02:30"]),
        ("America/Santiago", "*/30 0-1 * * *", "2027-09-05T04:00:00Z", &["04:00", "04:30"]),
        ("America/Santiago", "*/30 23,0 * * *", "2027-04-04T02:00:00Z", &["02:00", "02:30", "04:00", "04:30"]),
    ] {
        let start = instant(day).as_second();
        let schedule = Schedule::parse(&[line]).unwrap();
        let found: Vec<String> = slots(&schedule, &zone(name), start, start + 6 * 3_600)
            .map(|at| Timestamp::from_second(at).unwrap().strftime("%H:%M").to_string())
            .collect();
        assert_eq!(found, expected, "{name} {line}");
    }
}
