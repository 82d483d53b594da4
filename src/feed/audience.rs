//! How many people read a feed through an aggregator, as far as it says so in its `User-Agent`: `12 subscribers`. That is
//! a habit, not a standard; a reader that fetches for one person says nothing, and is not counted.

/// What an aggregator announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced<'a> {
    /// Its name, such as `Feedly`.
    pub aggregator: &'a str,
    /// Its own name of the feed; empty if it gives none. One that fetches a feed under several says one number for each.
    pub feed_id: &'a str,
    /// For how many it fetches the feed.
    pub subscribers: u32,
}

/// Longest field that is looked at, in bytes: those of aggregators have some 120.
const FIELD_MAX: usize = 512;
/// Longest name and feed id that are told apart.
const NAME_MAX: usize = 40;
/// Numbers above are no audience.
const SUBSCRIBERS_MAX: u32 = 10_000_000;

/// What a `User-Agent` announces; None for nearly all of them.
pub fn announced(user_agent: &str) -> Option<Announced<'_>> {
    if user_agent.len() > FIELD_MAX {
        return None;
    }
    let subscribers = number_before(user_agent, "subscriber").or_else(|| number_before(user_agent, "reader"))?;
    let aggregator = name(user_agent);
    (!aggregator.is_empty()).then(|| Announced { aggregator, feed_id: feed_id(user_agent), subscribers })
}

/// The number that stands before a word, or its plural.
fn number_before(text: &str, word: &str) -> Option<u32> {
    text.match_indices(word).find_map(|(at, _)| {
        let after = &text[at + word.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        if after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let before = text[..at].strip_suffix([' ', '\t', '-'])?;
        // Thousands may be parted by commas.
        let start = before.rfind(|c: char| !c.is_ascii_digit() && c != ',').map_or(0, |found| found + 1);
        let is_alone = !before[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        let digits = before.get(start..).filter(|_| is_alone)?;
        let mut groups = digits.trim_start_matches(',').split(',');
        let first = groups.next().filter(|group| !group.is_empty())?;
        let number = groups.try_fold(first.to_owned(), |number, group| (group.len() == 3).then(|| number + group))?;
        number.parse().ok().filter(|number| *number <= SUBSCRIBERS_MAX)
    })
}

/// What comes first of the ends of a name, or the whole.
fn name(user_agent: &str) -> &str {
    let given = match user_agent.split_once("(compatible; ") {
        Some((front, rest)) if front.starts_with("Mozilla/") => rest,
        _ => user_agent,
    };
    let end = ["/", ";", "(", ")", " - ", " feed-id"].iter().filter_map(|end| given.find(end)).min();
    shortened(given[..end.unwrap_or(given.len())].trim())
}

/// The aggregator's own name of the feed.
fn feed_id(user_agent: &str) -> &str {
    let id = ["feed-id", "feedid", "feedId", "feedID"].iter().find_map(|word| user_agent.split_once(word));
    let Some(rest) = id.and_then(|(_, rest)| rest.strip_prefix([':', '='])) else { return "" };
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
    shortened(&rest[..end])
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(NAME_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregators_say_for_how_many_they_fetch() {
        for (given, aggregator, feed_id, subscribers) in [
            (
                "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 131 subscribers; like FeedFetcher-Google)",
                "Feedly",
                "",
                131,
            ),
            ("Feedly/1.0 (poller; 131 subscribers;)", "Feedly", "", 131),
            (
                "NewsBlur Feed Fetcher - 25 subscribers - http://www.newsblur.com/site/12/x (Mozilla/5.0 (Macintosh) Safari/7)",
                "NewsBlur Feed Fetcher",
                "",
                25,
            ),
            ("Mozilla/5.0 (compatible; inoreader.com; 12 subscribers)", "inoreader.com", "", 12),
            ("Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 7 subscribers; )", "Inoreader", "", 7),
            ("Feedbin feed-id:1373711 - 142 subscribers", "Feedbin", "1373711", 142),
            (
                "Mozilla/5.0 (compatible; theoldreader.com; 5 subscribers; feed-id=5e1fa0c2)",
                "theoldreader.com",
                "5e1fa0c2",
                5,
            ),
            ("Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 1 subscribers)", "BazQux", "", 1),
            (
                "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 1 subscribers; feed-id=104934)",
                "Feedfetcher-Google",
                "104934",
                1,
            ),
            (
                "Overcast/1.0 Podcast Sync (1190 subscribers; feed-id=554901; +http://overcast.fm/)",
                "Overcast",
                "554901",
                1_190,
            ),
            ("Netvibes (http://www.netvibes.com/; 1 subscriber; feedID: 2067132)", "Netvibes", "2067132", 1),
            (
                "LiveJournal.com (webmaster@livejournal.com; for http://example.org/; 23 readers)",
                "LiveJournal.com",
                "",
                23,
            ),
            ("Bloglines/3.1 (http://www.bloglines.com; 1,234 subscribers)", "Bloglines", "", 1_234),
        ] {
            assert_eq!(announced(given), Some(Announced { aggregator, feed_id, subscribers }), "{given}");
        }
    }

    #[test]
    fn the_others_say_nothing() {
        let long = format!("A/1 ({}; 5 subscribers)", "x".repeat(600));
        for given in [
            "",
            "FreshRSS/1.24.1 (Linux; https://freshrss.org)",
            "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)",
            "Tiny Tiny RSS/21 (https://tt-rss.org/)",
            "newsboat/2.21.0 (Linux x86_64)",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Feedly/1.0 (subscribers)",
            "Feedly/1.0 (no subscribers; )",
            "Example/1.0 (v2 subscribers)",
            "Example/1.0 (-2 subscribers)",
            "Example/1.0 (1.2 subscribers)",
            "Example/1.0 (1,2 subscribers)",
            "Example/1.0 (, subscribers)",
            "Example/1.0 (5 subscribersx)",
            "Example/1.0 (5 readership)",
            "Example/1.0 (99999999999999999999 subscribers)",
            "Example/1.0 (10000001 subscribers)",
            "(5 subscribers)",
            &long,
        ] {
            assert_eq!(announced(given), None, "{given}");
        }
        // A name is cut at a boundary of its characters, and never longer.
        let found = announced("Éééééééééééééééééééééééééé/1 (5 subscribers)").unwrap().aggregator.len();
        assert!(found <= NAME_MAX, "{found}");
    }
}
