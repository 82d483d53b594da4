//! The archives of a feed (RFC 5005, section 4): what its document has no room for, month by month, back to the first
//! article.
//!
//! The document of a feed holds its newest entries; every older article stands in exactly one archive. An archive is a
//! month of the site's calendar. Its number is `YYYYMM`. A month of which the newest articles still stand in the
//! document, or that has more articles than one archive takes, is in parts, each with the number of its last article:
//! `YYYYMM0000012` ends with the twelfth of the month. So an archive that grows gets another number: readers that walk
//! back until they meet an archive they know (as RFC 5005 tells them to) miss nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::ops::Range;

/// Most entries of one archive.
pub const ENTRIES_MAX: usize = 100;
/// What stands before the first article: nothing. The validator wants every archive to name a neighbour, and a sole one
/// has no other.
const BEGINNING: u64 = 0;
/// Smaller numbers are no months: they count the archives, from the first one on.
const COUNTED_MAX: u64 = 99_999;
/// The month of whatever is dated before: January of the year 1000.
const BEFORE: u64 = 100_001;
/// Numbers of whole months are smaller.
const MONTHS_END: u64 = 1_000_000;
/// The last seven digits of a part's number are that of its last article: no month has ten million.
const PART: u64 = 10_000_000;

/// An archive and its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which of the feed's articles, newest first, stand in it.
    pub members: Range<usize>,
    /// The archive before it.
    pub previous: Option<u64>,
    /// The archive after it.
    pub next: Option<u64>,
}

/// Where a number leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// To an archive.
    Here(Placed),
    /// To the archive that has another number.
    Moved(u64),
}

/// One archive of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    number: u64,
    month: u64,
    /// Which of the month's articles, from its first one on.
    part: Range<usize>,
    members: Range<usize>,
}

/// The number of the newest archive of a feed whose articles are dated so, newest first, and of which the document shows
/// the first `shown`. None if the document shows all.
pub fn newest(mut dates: impl Iterator<Item = Timestamp>, shown: usize, zone: &TimeZone) -> Option<u64> {
    let last_shown = shown.checked_sub(1).and_then(|before| dates.nth(before));
    let first = dates.next()?;
    let (month, start) = month_of(first, zone);
    let count = 1 + dates.take_while(|date| *date >= start).count();
    let is_whole = last_shown.is_none_or(|date| month_of(date, zone).0 != month);
    Some(number(month, last_part(count).end, is_whole && count <= ENTRIES_MAX))
}

/// The numbers of all archives of a feed, newest first.
pub fn numbers(dates: &[Timestamp], shown: usize, zone: &TimeZone) -> Vec<u64> {
    let chain = chain(dates, shown, zone);
    let is_sole = chain.len() == 1;
    chain.into_iter().map(|link| link.number).chain(is_sole.then_some(BEGINNING)).collect()
}

/// The archive of a number. None if there is none.
pub fn find(dates: &[Timestamp], shown: usize, zone: &TimeZone, wanted: u64) -> Option<Found> {
    let links = chain(dates, shown, zone);
    if wanted == BEGINNING {
        let next = links.last()?.number;
        return Some(Found::Here(Placed { members: dates.len()..dates.len(), previous: None, next: Some(next) }));
    }
    if wanted <= COUNTED_MAX {
        let at = links.len().checked_sub(usize::try_from(wanted).ok()?)?;
        return Some(Found::Moved(links.get(at)?.number));
    }
    if let Some(at) = links.iter().position(|link| link.number == wanted) {
        let is_sole = links.len() == 1;
        let previous = links.get(at + 1).map(|link| link.number).or(is_sole.then_some(BEGINNING));
        let next = at.checked_sub(1).and_then(|at| links.get(at)).map(|link| link.number);
        return Some(Found::Here(Placed { members: links[at].members.clone(), previous, next }));
    }
    // An archive that has grown since, or whose articles the document shows again.
    let (month, upto) = match wanted {
        whole if whole < MONTHS_END => (whole, usize::MAX),
        part => (part / PART, usize::try_from(part % PART).ok()?.max(1)),
    };
    let all = chain(dates, 0, zone);
    let of_month = || all.iter().filter(|link| link.month == month);
    let link = of_month().find(|link| link.part.start < upto && upto <= link.part.end).or_else(|| of_month().next())?;
    let missing = link.part.end.saturating_sub(upto.min(link.part.end));
    let members = link.members.start + missing..link.members.end;
    let previous = links.iter().find(|other| other.members.start >= members.end).map(|link| link.number);
    let next = links.iter().rev().find(|other| other.members.start < members.start).map(|link| link.number);
    Some(Found::Here(Placed { members, previous: previous.or(next.is_none().then_some(BEGINNING)), next }))
}

/// What a number says: the year and the month, and for a part the number of its last article in it. None for the one that
/// stands for nothing.
pub fn read(number: u64) -> Option<(u64, u64, Option<u64>)> {
    let (month, upto) = match number {
        counted if counted <= COUNTED_MAX => return None,
        whole if whole < MONTHS_END => (whole, None),
        part => (part / PART, Some(part % PART)),
    };
    Some((month / 100, month % 100, upto))
}

/// All archives, newest first.
fn chain(dates: &[Timestamp], shown: usize, zone: &TimeZone) -> Vec<Link> {
    let mut links = Vec::new();
    let mut at = shown.min(dates.len());
    let last_shown = at.checked_sub(1).map(|last| month_of(dates[last], zone).0);
    while at < dates.len() {
        let (month, start) = month_of(dates[at], zone);
        let end = at + dates[at..].partition_point(|date| *date >= start);
        let count = end - at;
        let is_whole = last_shown != Some(month) && count <= ENTRIES_MAX;
        let mut part = last_part(count);
        loop {
            links.push(Link {
                number: number(month, part.end, is_whole),
                month,
                members: end - part.end..end - part.start,
                part: part.clone(),
            });
            if part.start == 0 {
                break;
            }
            part = part.start - ENTRIES_MAX..part.start;
        }
        at = end;
    }
    links
}

/// The last of the parts of so many articles, all others being full.
fn last_part(count: usize) -> Range<usize> {
    count.saturating_sub(1) / ENTRIES_MAX * ENTRIES_MAX..count
}

fn number(month: u64, upto: usize, is_whole: bool) -> u64 {
    if is_whole { month } else { month * PART + u64::try_from(upto).unwrap_or(u64::MAX).min(PART - 1) }
}

/// The month of an instant as `YYYYMM`, and when it begins.
fn month_of(at: Timestamp, zone: &TimeZone) -> (u64, Timestamp) {
    let zoned = at.to_zoned(zone.clone());
    let number = u64::from(zoned.year().unsigned_abs()) * 100 + u64::from(zoned.month().unsigned_abs());
    if zoned.year() < 1_000 || number == BEFORE {
        // Somebody mistyped a year. Its number would be one that counts archives: all of these are one month.
        return (BEFORE, Timestamp::MIN);
    }
    let start = zoned.first_of_month().and_then(|first| first.start_of_day());
    (number, start.map_or(Timestamp::MIN, |start| start.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq};
    use proptest::proptest;
    use std::collections::BTreeMap;

    fn at(text: &str) -> Timestamp {
        format!("{text}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_month_that_the_document_does_not_show_is_one_archive() {
        let dates = ["2026-03-05", "2026-03-01", "2026-02-10", "2026-02-09", "2025-12-01"].map(at);
        assert_eq!(newest(dates.into_iter(), 2, &TimeZone::UTC), Some(202_602));
        assert_eq!(numbers(&dates, 2, &TimeZone::UTC), [202_602, 202_512]);
        let here = |number, members, previous, next| {
            let placed = Placed { members, previous, next };
            assert_eq!(find(&dates, 2, &TimeZone::UTC, number), Some(Found::Here(placed)), "{number}");
        };
        here(202_602, 2..4, Some(202_512), None);
        here(202_512, 4..5, None, Some(202_602));
        // One article of March has no room: the others are still shown.
        assert_eq!(numbers(&dates, 1, &TimeZone::UTC), [2_026_030_000_001, 202_602, 202_512]);
        // What once was the whole of a month still answers.
        here(202_603, 0..2, Some(202_602), None);
        assert_eq!(find(&dates, 2, &TimeZone::UTC, 1), Some(Found::Moved(202_512)));
        assert_eq!(find(&dates, 2, &TimeZone::UTC, 3), None);
        assert_eq!(find(&dates, 2, &TimeZone::UTC, 202_601), None);
    }

    #[test]
    fn a_sole_archive_has_a_neighbour_and_a_feed_that_shows_all_has_none() {
        let dates = ["2026-03-05", "2026-02-10"].map(at);
        assert_eq!(numbers(&dates, 1, &TimeZone::UTC), [202_602, 0]);
        let sole = Placed { members: 1..2, previous: Some(0), next: None };
        assert_eq!(find(&dates, 1, &TimeZone::UTC, 202_602), Some(Found::Here(sole)));
        let nothing = Placed { members: 2..2, previous: None, next: Some(202_602) };
        assert_eq!(find(&dates, 1, &TimeZone::UTC, 0), Some(Found::Here(nothing)));
        assert_eq!((newest(dates.into_iter(), 2, &TimeZone::UTC), find(&dates, 2, &TimeZone::UTC, 0)), (None, None));
    }

    #[test]
    fn a_number_says_which_month_it_is() {
        assert_eq!(read(202_602), Some((2026, 2, None)));
        assert_eq!(read(2_026_020_000_012), Some((2026, 2, Some(12))));
        assert_eq!((read(BEGINNING), read(3)), (None, None));
    }

    #[test]
    fn what_is_dated_before_the_year_1000_stands_in_an_archive_too() {
        let dates = ["2026-03-05", "2026-02-10", "0202-05-01", "0022-04-01"].map(at);
        assert_eq!(numbers(&dates, 1, &TimeZone::UTC), [202_602, BEFORE]);
        let last = Placed { members: 2..4, previous: None, next: Some(202_602) };
        assert_eq!(find(&dates, 1, &TimeZone::UTC, BEFORE), Some(Found::Here(last)));
    }

    #[test]
    fn months_are_those_of_the_site() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let dates = ["2026-01-31T23:30:00Z", "2026-01-31T22:30:00Z"].map(|text| text.parse().unwrap());
        assert_eq!(numbers(&dates, 0, &paris), [202_602, 202_601]);
    }

    proptest! {
        #[test]
        fn walking_back_meets_every_article_once(
            gaps in proptest::collection::vec(0..40_i64, 0..400),
            shown in 1..30_usize,
            many in any::<bool>(),
        ) {
            let hours = if many { 1 } else { 24 };
            let mut day = 1_790_000_000;
            let dates: Vec<Timestamp> = gaps
                .iter()
                .map(|gap| {
                    day -= gap * 3_600 * hours;
                    Timestamp::from_second(day).unwrap()
                })
                .collect();
            let zone = TimeZone::get("Europe/Paris").unwrap();
            let mut number = newest(dates.iter().copied(), shown, &zone);
            prop_assert_eq!(number, numbers(&dates, shown, &zone).first().copied());
            let (mut seen, mut after) = (dates.len().min(shown), None);
            let mut met: BTreeMap<u64, Range<usize>> = BTreeMap::new();
            while let Some(wanted) = number {
                let Some(Found::Here(placed)) = find(&dates, shown, &zone, wanted) else {
                    panic!("{wanted} leads nowhere")
                };
                prop_assert_eq!(placed.members.start, seen);
                prop_assert!(placed.members.len() <= ENTRIES_MAX && placed.next == after);
                prop_assert!(placed.previous.is_some() || placed.next.is_some());
                prop_assert!(met.insert(wanted, placed.members.clone()).is_none());
                (seen, after, number) = (placed.members.end, Some(wanted), placed.previous);
            }
            prop_assert_eq!(seen, dates.len());

            // One more article: an archive that a reader knows holds what it held, if it has the number it had.
            let newer = Timestamp::from_second(1_790_003_600).unwrap();
            let longer: Vec<Timestamp> = std::iter::once(newer).chain(dates).collect();
            for (wanted, members) in met.into_iter().filter(|(wanted, _)| *wanted != BEGINNING) {
                let Some(Found::Here(placed)) = find(&longer, shown, &zone, wanted) else {
                    panic!("{wanted} is lost")
                };
                prop_assert_eq!(placed.members, members.start + 1..members.end + 1);
            }
        }
    }
}
