//! The report of a simulation for people: by month what, where and when; then what waits for a person, and why not for
//! the rest.

use crate::delivery::State;
use crate::simulate::{Post, Report};
use crate::text::counted;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Most articles that are named under one reason.
const NAMED: usize = 20;

/// The whole report.
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(report, &mut page);
    page
}

fn write(report: &Report, page: &mut String) -> std::fmt::Result {
    let day = |at: Timestamp| at.to_zoned(report.zone.clone()).strftime("%Y-%m-%d").to_string();
    match report.span {
        Some((first, last)) => writeln!(
            page,
            "Simulated, nothing sent: {}, {}, from {} to {}",
            counted(report.commits, "commit"),
            counted(report.articles, "article"),
            day(first),
            day(last)
        )?,
        None => return writeln!(page, "The history holds no commit."),
    }
    let published: Vec<&Post> = report.posts.iter().filter(|post| post.state == State::Published).collect();
    let mut counts: Vec<String> = vec![counted(published.len(), "post")];
    for state in State::ALL.into_iter().filter(|state| *state != State::Published) {
        let count = report.posts.iter().filter(|post| post.state == state).count();
        if count > 0 {
            counts.push(format!("{count} {state}"));
        }
    }
    counts.push(format!("{} silent", counted(report.silent.len(), "article")));
    writeln!(page, "{}", counts.join(", "))?;
    if let Some((busiest, count)) = busiest(&published, &day) {
        writeln!(page, "Busiest day: {busiest}, {}", counted(count, "post"))?;
    }
    let mut endpoints: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for post in &published {
        *endpoints.entry((post.endpoint.as_str(), &post.rule)).or_default() += 1;
    }
    for ((endpoint, rule), count) in endpoints {
        writeln!(page, "  {endpoint} ({rule}): {}", counted(count, "post"))?;
    }
    let mut months: BTreeMap<String, Vec<&Post>> = BTreeMap::new();
    for post in &report.posts {
        let month = post.at.to_zoned(report.zone.clone()).strftime("%Y-%m").to_string();
        months.entry(month).or_default().push(post);
    }
    for (month, posts) in months {
        writeln!(page, "\n{month}: {}", counted(posts.len(), "delivery"))?;
        for post in posts {
            let at = post.at.to_zoned(report.zone.clone()).strftime("%a %d %H:%M");
            let state = if post.state == State::Published { String::new() } else { format!("[{}] ", post.state) };
            writeln!(page, "  {at}  {}  {state}{}", post.endpoint, post.title)?;
            let commit: String = post.commit.chars().take(10).collect();
            writeln!(page, "                {} at {commit}", post.path)?;
            if let Some(reason) = &post.reason {
                writeln!(page, "                {reason}")?;
            }
        }
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for silent in &report.silent {
        reasons.entry(&silent.reason).or_default().push(&silent.path);
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, paths)| std::cmp::Reverse(paths.len()));
    if !reasons.is_empty() {
        writeln!(page, "\nNever posted, and why not:")?;
    }
    for (reason, paths) in reasons {
        writeln!(page, "  {}: {reason}", counted(paths.len(), "article"))?;
        for path in paths.iter().take(NAMED) {
            writeln!(page, "    {path}")?;
        }
        if paths.len() > NAMED {
            writeln!(page, "    … and {} more; --json names all", paths.len() - NAMED)?;
        }
    }
    Ok(())
}

/// The day with the most posts to one endpoint, if one had several.
fn busiest(posts: &[&Post], day: &dyn Fn(Timestamp) -> String) -> Option<(String, usize)> {
    let mut days: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for post in posts {
        *days.entry((day(post.at), post.endpoint.as_str())).or_default() += 1;
    }
    let busiest = days.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 1);
    busiest.map(|((day, endpoint), count)| (format!("{day} to {endpoint}"), count))
}
