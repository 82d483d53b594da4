//! The section `campaigns`: named, ordered sets of articles, each with its own cadence. A campaign is a rule of its own
//! kind: its deliveries take the same road as all others, under its name.

use super::endpoints::EndpointName;
use super::raw::{RawCampaign, RawCampaignArticles, RawMissing, RawRule, RawSelection};
use super::read::{Reader, dotted, key};
use super::rules::{Rule, When, at_key, named, rule, schedule};
use crate::yaml::Step;
use jiff::civil;
use std::collections::BTreeSet;

/// When the articles of a campaign go out, and in which order.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Its slots: one article in each, at each endpoint.
    pub schedule: crate::schedule::Schedule,
    /// Its articles.
    pub order: Order,
    /// What becomes of the others while one is not published.
    pub missing: Missing,
    /// Its first day, in the endpoint's zone.
    pub from: Option<civil::Date>,
    /// Its last day.
    pub until: Option<civil::Date>,
}

/// The articles of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// These, in this order: paths, names, slugs or addresses.
    Listed(Vec<String>),
    /// All that the selection takes, by their date.
    ByDate,
}

/// What becomes of the others while an article of a campaign is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Those after it wait.
    Wait,
    /// They go out; it takes the next slot once it is there.
    Skip,
}

/// Most articles of a list: more than a year of days.
const LISTED_MAX: usize = 500;

/// How late a post of a campaign may be: it waits for its turn, and is not news.
const EXPIRES: &str = "3650d";

pub(super) fn read(
    reader: &mut Reader,
    raw: Vec<RawCampaign>,
    endpoints: &BTreeSet<EndpointName>,
    names: &mut BTreeSet<String>,
) -> Vec<Rule> {
    let mut campaigns = Vec::new();
    for (at, raw) in raw.into_iter().enumerate() {
        let here = [key("campaigns"), Step::Item(at)];
        named(reader, &here, raw.name.as_deref(), "campaign", names);
        campaigns.extend(campaign(reader, &here, raw, endpoints));
    }
    campaigns
}

fn campaign(reader: &mut Reader, here: &[Step], raw: RawCampaign, endpoints: &BTreeSet<EndpointName>) -> Option<Rule> {
    let (order, selection) = articles(reader, here, raw.articles);
    let day = |reader: &mut Reader, name: &str, written: Option<String>| {
        let read = written.as_deref().map(|day| {
            day.parse::<civil::Date>().map_err(|_| format!("`{day}` is not a day; write one such as 2027-01-31"))
        });
        reader.with(&at_key(here, name), read.transpose(), None)
    };
    let (from, until) = (day(reader, "from", raw.from), day(reader, "until", raw.until));
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        let message = format!("{}: {until} comes before {from}", dotted(&at_key(here, "until")));
        reader.problem(&at_key(here, "until"), message, "exchange the two days");
    }
    let schedule = match raw.slots {
        Some(lines) => schedule(reader, &at_key(here, "slots"), lines.into_list()),
        None => {
            let message = format!("{}: `slots` is missing", dotted(here));
            reader.problem(here, message, "add slots, such as \"0 10 * * Mon-Fri\"");
            None
        }
    };
    let missing = match raw.missing {
        Some(RawMissing::Skip) => Missing::Skip,
        Some(RawMissing::Wait) | None => Missing::Wait,
    };
    let as_rule = RawRule {
        name: raw.name,
        articles: selection,
        endpoints: raw.endpoints,
        text: raw.text,
        texts: raw.texts,
        hashtags: raw.hashtags,
        thread: raw.thread,
        thread_numbers: raw.thread_numbers,
        images: raw.images,
        alt: raw.alt,
        card: raw.card,
        settle: raw.settle,
        approval: raw.approval,
        on_withdraw: raw.on_withdraw,
        live_check: raw.live_check,
        expires: Some(EXPIRES.to_owned()),
        ..RawRule::default()
    };
    let rule = rule(reader, here, as_rule, endpoints);
    Some(Rule { when: When::Campaign(Campaign { schedule: schedule?, order, missing, from, until }), ..rule })
}

fn articles(reader: &mut Reader, here: &[Step], raw: Option<RawCampaignArticles>) -> (Order, RawSelection) {
    let path = at_key(here, "articles");
    match raw {
        Some(RawCampaignArticles::Listed(listed)) => {
            if listed.is_empty() || listed.len() > LISTED_MAX {
                let message = format!("{}: {} articles are named", dotted(&path), listed.len());
                reader.problem(&path, message, format!("name from 1 to {LISTED_MAX}"));
            }
            (Order::Listed(listed), RawSelection::default())
        }
        Some(RawCampaignArticles::Selected(selection)) => {
            let has_term =
                !(selection.collections.is_empty() && selection.categories.is_empty() && selection.tags.is_empty());
            if !has_term {
                let message = format!("{}: a campaign does not take every article of the site", dotted(&path));
                reader.problem(&path, message, "name collections, categories or tags, or list the articles");
            }
            (Order::ByDate, *selection)
        }
        None => {
            let message = format!("{}: `articles` is missing", dotted(here));
            reader.problem(here, message, "list paths, or select by a tag: { tags: [Cloud] }");
            (Order::ByDate, RawSelection::default())
        }
    }
}
