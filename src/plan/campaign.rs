//! Campaigns: named, ordered sets of articles, one in each slot. An article is in one because somebody put it there, so
//! neither the baseline nor its age holds it back.

use super::follow::Course;
use super::queue::booked_in;
use super::{Inputs, Line, Planner, calm, selects, steps};
use crate::article::ArticleId;
use crate::catalog::ledger::without_scheme;
use crate::catalog::{Gone, GroupKey, Kind, Standing};
use crate::config::{Campaign, EndpointName, Missing, Order, Rule, When};
use crate::schedule;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An article of a campaign.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    /// As it is named.
    pub written: String,
    /// The article, if there is one.
    pub standing: Option<&'a Arc<Standing>>,
    /// Whether its file is gone: it does not come any more.
    pub is_gone: bool,
}

/// How far a campaign is at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The campaign.
    pub campaign: String,
    /// The endpoint.
    pub endpoint: EndpointName,
    /// Its articles, in their order.
    pub entries: Vec<Entry>,
}

/// An article of a campaign, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The article, if there is one.
    pub article: Option<ArticleId>,
    /// Its path; as it is named, if there is none.
    pub path: String,
    /// A state as a line of the plan has it.
    pub state: &'static str,
    /// When, if that is known.
    pub due_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl Progress {
    /// How many are posted.
    pub fn posted(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state == "published").count()
    }

    /// The next one, if it is known.
    pub fn next(&self) -> Option<&Entry> {
        let waits = |entry: &&Entry| matches!(entry.state, "pending" | "held" | "planned" | "settling");
        self.entries.iter().filter(waits).filter(|entry| entry.due_at.is_some()).min_by_key(|entry| entry.due_at)
    }

    /// For a person: `3 of 10 posted, next …`; instants are shown by `civil`.
    pub fn in_words(&self, civil: &dyn Fn(Timestamp) -> String) -> String {
        let next = match self.next() {
            Some(Entry { path, due_at: Some(at), .. }) => format!(", next {path} {}", civil(*at)),
            _ => match self.entries.iter().find(|entry| entry.state == "waiting") {
                Some(entry) => format!(", next {}: {}", entry.path, entry.reason),
                None => String::new(),
            },
        };
        let (name, endpoint, posted, all) = (&self.campaign, &self.endpoint, self.posted(), self.entries.len());
        format!("{name} -> {endpoint}: {posted} of {all} posted{next}")
    }
}

/// The articles of a campaign, in their order, each once.
pub(super) fn members<'a>(inputs: &Inputs<'a>, rule: &Rule, campaign: &Campaign) -> Vec<Member<'a>> {
    let mut seen = BTreeSet::new();
    let mut members: Vec<Member> = match &campaign.order {
        Order::Listed(listed) => listed.iter().map(|written| named(inputs, rule, written)).collect(),
        Order::ByDate => selected(inputs, rule),
    };
    members.retain(|member| member.standing.is_none_or(|standing| seen.insert(standing.id)));
    members
}

/// The article that a list names. One that has another path by now is known by its delivery.
fn named<'a>(inputs: &Inputs<'a>, rule: &Rule, written: &str) -> Member<'a> {
    let booked = || {
        let of_rule = inputs.outbox.iter().filter(|d| d.key.rule == rule.name && d.path == written);
        of_rule.map(|delivery| delivery.key.article).next()
    };
    let standing = inputs.catalog.at_path(written);
    let standing = standing.or_else(|| inputs.catalog.get(&booked()?)).or_else(|| inputs.catalog.find(written).ok());
    let is_gone = standing.is_none() && inputs.catalog.all_gone().any(|gone| was_meant(gone, written));
    Member { written: written.to_owned(), standing, is_gone }
}

/// Whether an article whose file is gone was meant: by its path, its file's name or its address.
fn was_meant(gone: &Gone, written: &str) -> bool {
    let name = gone.path.rsplit('/').next().unwrap_or("");
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    gone.path == written || name == written || stem == written || gone.address == without_scheme(written)
}

/// The published articles that a selection takes, the oldest first.
fn selected<'a>(inputs: &Inputs<'a>, rule: &Rule) -> Vec<Member<'a>> {
    let selection = &rule.articles;
    // Whatever is taken is in one of the groups of each line: the line with the fewest articles is gone over.
    let lines = [
        (Kind::Collection, &selection.collections),
        (Kind::Category, &selection.categories),
        (Kind::Tag, &selection.tags),
    ];
    let lines = lines.into_iter().filter(|(_, terms)| !terms.is_empty());
    let lines = lines.map(|(kind, terms)| terms.iter().map(|term| GroupKey::new(kind, term)).collect::<Vec<_>>());
    let fewest =
        lines.min_by_key(|keys| keys.iter().map(|key| inputs.catalog.count_in(key, inputs.now)).sum::<usize>());
    let all = fewest.into_iter().flatten().flat_map(|key| inputs.catalog.live_in(&key, inputs.now).collect::<Vec<_>>());
    let mut taken: Vec<&Arc<Standing>> =
        all.filter(|standing| selects(selection, &standing.article, &inputs.site.language)).collect();
    taken.sort_by_key(|standing| (standing.published_at(), standing.id));
    let member = |standing: &'a Arc<Standing>| Member {
        written: standing.article.path.to_string(),
        standing: Some(standing),
        is_gone: false,
    };
    taken.into_iter().map(member).collect()
}

/// The first instant of a campaign's days at an endpoint, and the first one after them.
pub(super) fn days(
    inputs: &Inputs,
    campaign: &Campaign,
    name: &EndpointName,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let zone = calm::zone_of(inputs.endpoints.get(name), inputs.site);
    let start = |day: jiff::civil::Date| schedule::first_instant(&zone, day.at(0, 0, 0, 0));
    (campaign.from.and_then(start), campaign.until.and_then(|last| start(last.tomorrow().ok()?)))
}

impl<'a> Planner<'a> {
    /// Books the articles of campaigns that are there, each at its turn.
    pub(super) fn campaigns(&mut self) {
        let inputs = self.inputs;
        for rule in inputs.rules {
            let When::Campaign(campaign) = &rule.when else { continue };
            let members = self.members.get(rule.name.as_str()).cloned().unwrap_or_default();
            for name in rule.endpoints.iter().filter(|name| inputs.endpoints.contains_key(*name)) {
                self.campaign(rule, campaign, &members, name);
            }
        }
    }

    fn campaign(&mut self, rule: &'a Rule, campaign: &Campaign, members: &[Member<'a>], name: &EndpointName) {
        let now = self.inputs.now;
        let mut blocked: Option<String> = None;
        for member in members {
            let blocks = |blocked: &mut Option<String>, why: String| {
                if campaign.missing == Missing::Wait {
                    blocked.get_or_insert(why);
                }
            };
            let Some(standing) = member.standing else {
                if !member.is_gone {
                    let why = format!("“{}” goes before it, and no article is found under that name", member.written);
                    blocks(&mut blocked, why);
                }
                continue;
            };
            if booked_in(self, standing.id, &rule.name, name) {
                continue;
            }
            let path = &standing.article.path;
            let tell = |planner: &mut Self, state, reason| {
                planner.line(standing, Some(name), Some(&rule.name), None, state, reason);
            };
            if !standing.article.is_live(now) {
                // What has expired does not come any more.
                if standing.article.expires.is_some_and(|at| at <= now) && standing.article.published {
                    tell(self, "skipped", "it has expired".to_owned());
                } else {
                    tell(self, "waiting", super::not_live(standing, self.inputs));
                    blocks(&mut blocked, format!("{path} goes before it, and is not published yet"));
                }
                continue;
            }
            if let Some(why) = &blocked {
                tell(self, "waiting", why.clone());
                continue;
            }
            let due = standing.due_since().unwrap_or(standing.past.state_since);
            let settled_at = due.saturating_add(rule.settle).unwrap_or(Timestamp::MAX);
            for step in steps(&rule.when) {
                self.follow_step(standing, rule, &step, name, settled_at, Course::First);
            }
            if now < settled_at {
                blocks(&mut blocked, format!("{path} goes before it, and settles"));
            }
        }
    }

    /// The place of an article in a campaign.
    pub(super) fn rank(&self, rule: &Rule, article: ArticleId) -> Option<usize> {
        let members = self.members.get(rule.name.as_str())?;
        members.iter().position(|member| member.standing.is_some_and(|standing| standing.id == article))
    }

    /// Whether an article is in some campaign.
    pub(super) fn is_in_campaign(&self, article: ArticleId) -> bool {
        let all = self.members.values().flatten();
        all.into_iter().any(|member| member.standing.is_some_and(|standing| standing.id == article))
    }

    /// Why an article of a campaign is not posted at an instant.
    pub(super) fn out_of_campaign(
        &self,
        rule: &Rule,
        article: ArticleId,
        name: &EndpointName,
        at: Timestamp,
    ) -> Option<String> {
        let When::Campaign(campaign) = &rule.when else { return None };
        if self.rank(rule, article).is_none() {
            return Some(format!("it is not in the campaign “{}” any more", rule.name));
        }
        let (_, end) = days(self.inputs, campaign, name);
        let last = campaign.until.filter(|_| end.is_some_and(|end| end <= at))?;
        Some(format!("the campaign ends on {last}, before its turn"))
    }

    /// How far the campaigns are, by what this plan says.
    pub(super) fn progress(&self) -> Vec<Progress> {
        let mut all = Vec::new();
        for rule in self.inputs.rules.iter().filter(|rule| matches!(rule.when, When::Campaign(_))) {
            let members = self.members.get(rule.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            for name in rule.endpoints.iter().filter(|name| self.inputs.endpoints.contains_key(*name)) {
                let entries = members.iter().map(|member| self.entry(rule, name, member)).collect();
                all.push(Progress { campaign: rule.name.clone(), endpoint: name.clone(), entries });
            }
        }
        all
    }

    fn entry(&self, rule: &Rule, name: &EndpointName, member: &Member) -> Entry {
        let Some(standing) = member.standing else {
            let (state, reason) = match member.is_gone {
                true => ("skipped", "its file is gone"),
                false => ("waiting", "no article is found under this name"),
            };
            let (path, reason) = (member.written.clone(), reason.to_owned());
            return Entry { article: None, path, state, due_at: None, reason };
        };
        let is_its = |line: &&Line| {
            line.article == standing.id
                && line.rule.as_ref() == Some(&rule.name)
                && line.endpoint.as_ref() == Some(name)
        };
        let (article, path) = (Some(standing.id), standing.article.path.to_string());
        match self.plan.lines.iter().find(is_its) {
            Some(line) => Entry { article, path, state: line.state, due_at: line.due_at, reason: line.reason.clone() },
            None => {
                Entry { article, path, state: "waiting", due_at: None, reason: "nothing is planned of it".to_owned() }
            }
        }
    }
}
