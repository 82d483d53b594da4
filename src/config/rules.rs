//! The sections `rules` and `baseline`: which articles go where, and when.

use super::campaigns::Campaign;
use super::composing::{self, Composing};
use super::endpoints::EndpointName;
use super::raw::{
    OneOrMany, RawApproval, RawApprovalWord, RawBaseline, RawBaselineWord, RawLiveCheck, RawLiveCheckWord, RawOnEdit,
    RawOnWithdraw, RawRule, RawSelection, RawWhen,
};
use super::read::{Reader, dotted, key};
use super::sections::{check_hashtag, length};
use super::shape::nearest;
use crate::offset::Offset;
use crate::schedule::Schedule;
use crate::template::Template;
use crate::text::folded;
use crate::yaml::Step;
use jiff::{SignedDuration, civil};
use std::collections::{BTreeMap, BTreeSet};

/// Which articles go to which endpoints, when and how.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; deliveries are remembered under it.
    pub name: String,
    /// Which articles.
    pub articles: Selection,
    /// To which endpoints, in the order of the file.
    pub endpoints: Vec<EndpointName>,
    /// When.
    pub when: When,
    /// Text of the post.
    pub text: Template,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<EndpointName, Template>,
    /// Text of the post per moment of `event` or `after`.
    pub variants: BTreeMap<Offset, Template>,
    /// Hashtags of each post, before those of its article.
    pub hashtags: Vec<String>,
    /// What goes with the text, and what becomes of one that is too long.
    pub composing: Composing,
    /// How long an article must stay unchanged before it is announced.
    pub settle: SignedDuration,
    /// How old an article's date may be at the moment it is published.
    pub fresh: SignedDuration,
    /// Who must approve its posts; None: nobody.
    pub approval: Option<Approval>,
    /// What becomes of its posts whose article changes.
    pub on_edit: OnEdit,
    /// Text of the post that tells a correction; None: one in the article's language.
    pub correction: Option<Template>,
    /// What becomes of its posts whose article is withdrawn.
    pub on_withdraw: OnWithdraw,
    /// What the article's address must answer first.
    pub live_check: LiveCheck,
    /// How late a post may be.
    pub expires: SignedDuration,
}

impl Rule {
    /// The template for an endpoint.
    pub fn template(&self, endpoint: &EndpointName) -> &Template {
        self.texts.get(endpoint).unwrap_or(&self.text)
    }

    /// The text that a step has for itself, by the step's name in the outbox.
    pub fn variant(&self, step: &str) -> Option<&Template> {
        let written = match (&self.when, step.split_once(':')) {
            (_, Some((_, offset))) => offset,
            // The publication is the first of its repeats.
            (When::After(_), None) => "0s",
            _ => return None,
        };
        self.variants.get(&Offset::parse(written).ok()?)
    }
}

/// How many people must approve a post before it goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// How many, each another one: 1 or 2.
    pub people: u8,
    /// How long an approval counts.
    pub expires: SignedDuration,
}

/// What becomes of a published post whose article changes in what the post says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEdit {
    /// It stays as it is.
    Keep,
    /// It is edited on its network.
    Edit,
    /// It is edited on its network where that can be, and a correction that the article marks is posted as an answer to it.
    Correct,
    /// A person says whether it is.
    Ask,
}

/// What an article's address must answer before a post goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveCheck {
    /// 200, with a page that bears the article's title.
    Title,
    /// 200.
    Status,
    /// It is not asked.
    Off,
}

/// What becomes of a published post whose article is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnWithdraw {
    /// It stays.
    Keep,
    /// It is withdrawn too.
    Delete,
    /// A person says whether it is.
    Ask,
}

/// Which articles: those that meet every line that is given, and no line of `not`. Terms are folded.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of one of these collections.
    pub collections: Vec<String>,
    /// In one of these categories.
    pub categories: Vec<String>,
    /// With one of these tags.
    pub tags: Vec<String>,
    /// By one of these authors.
    pub authors: Vec<String>,
    /// In one of these languages (BCP 47).
    pub languages: Vec<String>,
    /// How long after its date an article is posted at the earliest.
    pub min_age: SignedDuration,
    /// But none of these.
    pub not: Option<Box<Selection>>,
}

/// When a post goes out.
#[derive(Debug, Clone)]
pub enum When {
    /// As soon as the article is published and settled.
    Publication,
    /// At the next slot after that; with `queue`, one post per slot and endpoint.
    Slots {
        /// The slots.
        schedule: Schedule,
        /// One post per slot and endpoint, in the order of publication.
        queue: bool,
    },
    /// At distances from an event: before its start, or after its end.
    Event(Vec<Offset>),
    /// At distances from the publication.
    After(Repeats),
    /// Each at its turn, whatever its age.
    Campaign(Campaign),
}

impl When {
    /// The schedule of a queue: one post per slot and endpoint.
    pub fn queue(&self) -> Option<&Schedule> {
        match self {
            Self::Slots { schedule, queue: true } | Self::Campaign(Campaign { schedule, .. }) => Some(schedule),
            _ => None,
        }
    }
}

/// A publication, and its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// At which distances from the publication, none of them before it.
    pub offsets: Vec<Offset>,
    /// The last day on which it is repeated, in the endpoint's zone. The publication itself needs no such day.
    pub until: Option<civil::Date>,
    /// Whether each is as far from the one before as the next: what is said of one that comes too late holds for all
    /// after it.
    pub is_even: bool,
}

/// Which of the articles found at the first start count as announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// All.
    Existing,
    /// Those dated before a day, in the site's zone.
    Since(civil::Date),
    /// None.
    None,
}

pub(super) fn read(
    reader: &mut Reader,
    raw: Vec<RawRule>,
    endpoints: &BTreeSet<EndpointName>,
    names: &mut BTreeSet<String>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (at, raw) in raw.into_iter().enumerate() {
        let here = [key("rules"), Step::Item(at)];
        named(reader, &here, raw.name.as_deref(), "rule", names);
        rules.push(rule(reader, &here, raw, endpoints));
    }
    rules
}

/// Checks the name of a rule or campaign: deliveries are remembered under it, so no other may have it.
pub(super) fn named(reader: &mut Reader, here: &[Step], name: Option<&str>, what: &str, names: &mut BTreeSet<String>) {
    let path = at_key(here, "name");
    match name {
        Some(name) if !names.insert(name.to_owned()) => {
            let message = format!("{}: `{name}` is the name of another rule or campaign too", dotted(&path));
            reader.problem(&path, message, format!("give every {what} a name of its own"));
        }
        Some(name) if name.trim().is_empty() || name == BY_HAND => {
            reader.problem(
                &path,
                format!("{}: `{name}` cannot be the name of a {what}", dotted(&path)),
                "choose another one",
            );
        }
        Some(_) => {}
        None if reader.is_reported(&path) => {}
        None => {
            let cure = format!("give the {what} a name; deliveries are remembered under it");
            reader.problem(here, format!("{}: `name` is missing", dotted(here)), cure);
        }
    }
}

/// The rule's name of deliveries that a person asked for and no rule would make.
pub const BY_HAND: &str = "publish-now";

pub(super) fn at_key(here: &[Step], name: &str) -> Vec<Step> {
    [here, &[key(name)]].concat()
}

pub(super) fn rule(reader: &mut Reader, here: &[Step], raw: RawRule, known: &BTreeSet<EndpointName>) -> Rule {
    let composing = composing::read(&raw);
    if raw.endpoints.is_empty() {
        let message = format!("{}: `endpoints` is missing", dotted(here));
        reader.problem(here, message, "name at least one endpoint");
    }
    let endpoints: Vec<EndpointName> = raw.endpoints.into_iter().map(EndpointName::new).collect();
    for (position, name) in endpoints.iter().enumerate() {
        check_endpoint(reader, &[&at_key(here, "endpoints")[..], &[Step::Item(position)]].concat(), name, known);
    }
    let mut texts = BTreeMap::new();
    for (name, source) in raw.texts {
        let path = [here, &[key("texts"), key(&name)]].concat();
        let name = EndpointName::new(name);
        check_endpoint(reader, &path, &name, known);
        texts.insert(name, template(reader, &path, Some(source)));
    }
    for (at, hashtag) in raw.hashtags.iter().enumerate() {
        let path = [here, &[key("hashtags"), Step::Item(at)]].concat();
        check_hashtag(reader, &path, hashtag);
    }
    let when = when(reader, &at_key(here, "when"), raw.when);
    let variants = variants(reader, &at_key(here, "variants"), raw.variants, &when);
    let span = |reader: &mut Reader, name: &str, given, default| length(reader, &at_key(here, name), given, default);
    Rule {
        name: raw.name.unwrap_or_default(),
        articles: selection(reader, &at_key(here, "articles"), raw.articles),
        endpoints,
        when,
        variants,
        text: template(reader, &at_key(here, "text"), raw.text),
        texts,
        hashtags: raw.hashtags,
        composing,
        settle: span(reader, "settle", raw.settle, SignedDuration::from_mins(30)),
        fresh: span(reader, "fresh", raw.fresh, SignedDuration::from_hours(7 * 24)),
        approval: approval(reader, &at_key(here, "approval"), raw.approval),
        on_edit: match raw.on_edit {
            Some(RawOnEdit::Edit) => OnEdit::Edit,
            Some(RawOnEdit::Correct) => OnEdit::Correct,
            Some(RawOnEdit::Ask) => OnEdit::Ask,
            Some(RawOnEdit::Keep) | None => OnEdit::Keep,
        },
        correction: raw.correction.map(|source| template(reader, &at_key(here, "correction"), Some(source))),
        on_withdraw: match raw.on_withdraw {
            Some(RawOnWithdraw::Delete) => OnWithdraw::Delete,
            Some(RawOnWithdraw::Ask) => OnWithdraw::Ask,
            Some(RawOnWithdraw::Keep) | None => OnWithdraw::Keep,
        },
        live_check: match raw.live_check {
            Some(RawLiveCheck::Whether(false)) => LiveCheck::Off,
            Some(RawLiveCheck::Word(RawLiveCheckWord::Status)) => LiveCheck::Status,
            Some(RawLiveCheck::Whether(true)) | None => LiveCheck::Title,
        },
        expires: span(reader, "expires", raw.expires, SignedDuration::from_hours(7 * 24)),
    }
}

fn check_endpoint(reader: &mut Reader, path: &[Step], name: &EndpointName, known: &BTreeSet<EndpointName>) {
    if known.contains(name) {
        return;
    }
    let cure = match nearest(name.as_str(), known.iter().map(EndpointName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name one of the section `endpoints`".to_owned(),
    };
    reader.problem(path, format!("{}: there is no endpoint `{name}`", dotted(path)), cure);
}

fn template(reader: &mut Reader, path: &[Step], source: Option<String>) -> Template {
    match source {
        Some(source) => {
            let read =
                Template::parse(&source).map_err(|error| format!("{error}; docs/posts.md lists the names and filters"));
            reader.with(path, read, Template::default())
        }
        None => Template::default(),
    }
}

fn approval(reader: &mut Reader, path: &[Step], raw: Option<RawApproval>) -> Option<Approval> {
    let people = match raw? {
        RawApproval::Word(RawApprovalWord::None) => return None,
        RawApproval::People(people) => people,
    };
    let month = SignedDuration::from_hours(30 * 24);
    let expires = length(reader, &at_key(path, "expires"), people.expires, month);
    Some(Approval { people: people.required, expires })
}

/// The texts of single moments; each must be one of the rule's.
fn variants(
    reader: &mut Reader,
    path: &[Step],
    raw: BTreeMap<String, String>,
    when: &When,
) -> BTreeMap<Offset, Template> {
    let mut variants = BTreeMap::new();
    for (moment, source) in raw {
        let path = [path, &[key(&moment)]].concat();
        let offsets: &[Offset] = match when {
            When::Event(offsets) | When::After(Repeats { offsets, .. }) => offsets,
            When::Publication | When::Slots { .. } | When::Campaign(_) => &[],
        };
        let known = Offset::parse(&moment).and_then(|offset| match offsets.contains(&offset) {
            true => Ok(Some(offset)),
            false => Err(format!("the rule has no moment `{moment}`; write one that stands under `event` or `after`")),
        });
        let Some(offset) = reader.with(&path, known, None) else { continue };
        variants.insert(offset, template(reader, &path, Some(source)));
    }
    variants
}

fn selection(reader: &mut Reader, path: &[Step], raw: RawSelection) -> Selection {
    let fold = |terms: Vec<String>| terms.iter().map(|term| folded(term)).collect();
    Selection {
        collections: raw.collections,
        categories: fold(raw.categories),
        tags: fold(raw.tags),
        authors: fold(raw.authors),
        languages: raw.languages,
        min_age: length(reader, &at_key(path, "min_age"), raw.min_age, SignedDuration::ZERO),
        not: raw.not.map(|not| {
            Box::new(Selection {
                collections: not.collections,
                categories: fold(not.categories),
                tags: fold(not.tags),
                authors: fold(not.authors),
                languages: not.languages,
                min_age: SignedDuration::ZERO,
                not: None,
            })
        }),
    }
}

fn when(reader: &mut Reader, path: &[Step], raw: Option<RawWhen>) -> When {
    let Some(raw) = raw else { return When::Publication };
    let given = [
        ("at", raw.at.is_some()),
        ("slots", raw.slots.is_some()),
        ("event", raw.event.is_some()),
        ("after", raw.after.is_some()),
        ("every", raw.every.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    let queue = raw.queue.unwrap_or(false);
    if let [first, second, ..] = given[..] {
        let message = format!("{}: both `{first}` and `{second}` are given", dotted(path));
        reader.problem(path, message, "keep one of them; two rules make both");
        return When::Publication;
    }
    if queue && raw.slots.is_none() {
        let message = format!("{}: `queue` needs `slots`", dotted(path));
        reader.problem(path, message, "add slots, such as \"30 9 * * Mon-Fri\"");
        return When::Publication;
    }
    if raw.times.is_some() && raw.every.is_none() {
        reader.problem(path, format!("{}: `times` needs `every`", dotted(path)), "add every, such as 30d");
        return When::Publication;
    }
    if raw.until.is_some() && raw.after.is_none() && raw.every.is_none() {
        let message = format!("{}: `until` needs `after` or `every`", dotted(path));
        reader.problem(path, message, "add after, such as [0d, 30d]");
        return When::Publication;
    }
    let until = raw.until.as_deref().and_then(|day| {
        let read = day.parse::<civil::Date>().map(Some);
        let read = read.map_err(|_| format!("`{day}` is not a day; write one such as 2027-06-30"));
        reader.with(&at_key(path, "until"), read, None)
    });
    if let Some(lines) = raw.slots {
        let schedule = schedule(reader, &at_key(path, "slots"), lines.into_list());
        return schedule.map_or(When::Publication, |schedule| When::Slots { schedule, queue });
    }
    if let Some(moments) = raw.event {
        return When::Event(offsets(reader, &at_key(path, "event"), moments, true));
    }
    if let Some(moments) = raw.after {
        let offsets = offsets(reader, &at_key(path, "after"), moments, false);
        return When::After(Repeats { offsets, until, is_even: false });
    }
    if let Some(every) = raw.every {
        return When::After(Repeats { offsets: evenly(reader, path, &every, raw.times, until), until, is_even: true });
    }
    if raw.at.is_none() {
        let cure = "write { at: publication }, { slots: \"30 9 * * Mon-Fri\" }, { event: [-7d, -1d] }, { after: [0d, 30d] } or { every: 30d, times: 6 }";
        reader.problem(path, format!("{}: no moment is given", dotted(path)), cure);
    }
    When::Publication
}

/// Cron lines that come some day.
pub(super) fn schedule(reader: &mut Reader, path: &[Step], lines: Vec<String>) -> Option<Schedule> {
    let read = Schedule::parse(&lines).and_then(|schedule| match schedule.ever_comes() {
        true => Ok(Some(schedule)),
        false => Err("these slots never come; write a day that there is".to_owned()),
    });
    reader.with(path, read, None)
}

/// Most moments of one rule.
const MOMENTS_MAX: usize = 50;

/// The publication, and its repeats at even distances: so many, or as many as there may be until a day.
fn evenly(
    reader: &mut Reader,
    path: &[Step],
    every: &str,
    times: Option<u8>,
    until: Option<civil::Date>,
) -> Vec<Offset> {
    let least = SignedDuration::from_hours(1);
    let read = crate::span::parse(every).and_then(|length| match length {
        _ if times.is_none() && until.is_none() => Err("a repeat needs an end; add `times` or `until`".to_owned()),
        length if length < least => Err(format!("`{every}` is too often; write 1h or more")),
        length => Ok(length),
    });
    let length = reader.with(&at_key(path, "every"), read, least);
    let most = MOMENTS_MAX - 1;
    let times = times.map_or(most, usize::from);
    if times == 0 || times > most {
        let message = format!("{}: {times} repeats", dotted(&at_key(path, "times")));
        reader.problem(&at_key(path, "times"), message, format!("write from 1 to {most}"));
    }
    (0..=times.min(most)).filter_map(|n| Some(Offset::after(length.checked_mul(i32::try_from(n).ok()?)?))).collect()
}

fn offsets(reader: &mut Reader, path: &[Step], written: OneOrMany, may_be_before: bool) -> Vec<Offset> {
    let written = written.into_list();
    if written.is_empty() || written.len() > MOMENTS_MAX {
        let message = format!("{}: {} moments are given", dotted(path), written.len());
        reader.problem(path, message, format!("write from 1 to {MOMENTS_MAX}, such as [-7d, -1d]"));
    }
    let mut offsets: Vec<Offset> = Vec::new();
    for (at, text) in written.iter().enumerate() {
        let path = [path, &[Step::Item(at)]].concat();
        let read = Offset::parse(text).and_then(|offset| match offset {
            _ if offsets.contains(&offset) => Err(format!("`{text}` stands here twice; keep one of them")),
            _ if offset.is_before() && !may_be_before => {
                Err(format!("`{text}` lies before the publication; write a length of time such as 0d or 30d"))
            }
            offset => Ok(Some(offset)),
        });
        offsets.extend(reader.with(&path, read, None));
    }
    offsets
}

pub(super) fn baseline(reader: &mut Reader, raw: Option<RawBaseline>) -> Baseline {
    match raw {
        None | Some(RawBaseline::Word(RawBaselineWord::Existing)) => Baseline::Existing,
        Some(RawBaseline::Word(RawBaselineWord::None)) => Baseline::None,
        Some(RawBaseline::Since(since)) => {
            let read = since
                .since
                .parse::<civil::Date>()
                .map(Baseline::Since)
                .map_err(|_| format!("`{}` is not a day; write one such as 2026-01-31", since.since));
            reader.with(&[key("baseline"), key("since")], read, Baseline::Existing)
        }
    }
}
