//! Rules and campaigns as they are written: which articles, where to, when and how.

use super::OneOrMany;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which articles go to which endpoints, when and how.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    /// Name of the rule; deliveries are remembered under it, so keep it.
    pub name: Option<String>,
    /// Which articles.
    pub articles: RawSelection,
    /// To which endpoints.
    pub endpoints: Vec<String>,
    /// When.
    pub when: Option<RawWhen>,
    /// Text of the post, a template.
    pub text: Option<String>,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<String, String>,
    /// Text of the post per moment of `event` or `after`, such as `-1d`: it wins over `text` and `texts`.
    pub variants: BTreeMap<String, String>,
    /// Hashtags of each post, before those of its article.
    pub hashtags: Vec<String>,
    /// Whether a text that is too long goes on in further posts, where the network has threads; else it is shortened.
    pub thread: Option<bool>,
    /// Whether the posts of a thread end with their number (`1/3`).
    pub thread_numbers: Option<bool>,
    /// Which images of the article go with the post, where the network takes images.
    pub images: Option<RawImages>,
    /// What happens if such an image has no alternative text, or cannot be used.
    pub alt: Option<RawMissingAlt>,
    /// Whether a link card made of the article goes with a post without images, where the network takes cards.
    pub card: Option<bool>,
    /// How long an article must stay unchanged in path, date and state before it is announced.
    pub settle: Option<String>,
    /// How old an article's date may be at the moment it is published.
    pub fresh: Option<String>,
    /// Who must approve a post before it goes out.
    pub approval: Option<RawApproval>,
    /// What happens to a post whose article is edited.
    pub on_edit: Option<RawOnEdit>,
    /// Text of the post that tells a correction (`on_edit: correct`), a template.
    pub correction: Option<String>,
    /// What happens to a post whose article is withdrawn.
    pub on_withdraw: Option<RawOnWithdraw>,
    /// What the article's address must answer before a post goes out (not asked for the journal).
    pub live_check: Option<RawLiveCheck>,
    /// How late a post may be; later, it is reported instead.
    pub expires: Option<String>,
}

/// `true`: 200, with the article's title; `status`: 200; `false`: it is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawLiveCheck {
    /// Yes or no.
    Whether(bool),
    /// Only its status.
    Word(RawLiveCheckWord),
}

/// `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawLiveCheckWord {
    /// It answers 200, with whatever page.
    Status,
}

/// A named, ordered set of articles, one in each slot: whatever their age, and whether or not they were announced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCampaign {
    /// Name of the campaign; deliveries are remembered under it, so keep it.
    pub name: Option<String>,
    /// Its articles: a list of paths, slugs or addresses in their order, or a selection, by date.
    pub articles: Option<RawCampaignArticles>,
    /// To which endpoints.
    pub endpoints: Vec<String>,
    /// Its slots: cron lines of five fields, or six with seconds first. One article goes out in each.
    pub slots: Option<OneOrMany>,
    /// First day, such as 2027-01-04.
    pub from: Option<String>,
    /// Last day.
    pub until: Option<String>,
    /// What becomes of the others while an article of the list is not published.
    pub missing: Option<RawMissing>,
    /// Text of the post, a template.
    pub text: Option<String>,
    /// Text of the post per endpoint.
    pub texts: BTreeMap<String, String>,
    /// Hashtags of each post, before those of its article.
    pub hashtags: Vec<String>,
    /// Whether a text that is too long goes on in further posts, where the network has threads; else it is shortened.
    pub thread: Option<bool>,
    /// Whether the posts of a thread end with their number (`1/3`).
    pub thread_numbers: Option<bool>,
    /// Which images of the article go with the post, where the network takes images.
    pub images: Option<RawImages>,
    /// What happens if such an image has no alternative text, or cannot be used.
    pub alt: Option<RawMissingAlt>,
    /// Whether a link card made of the article goes with a post without images, where the network takes cards.
    pub card: Option<bool>,
    /// How long an article must stay unchanged in path, date and state before it has its turn.
    pub settle: Option<String>,
    /// Who must approve a post before it goes out.
    pub approval: Option<RawApproval>,
    /// What happens to a post whose article is withdrawn.
    pub on_withdraw: Option<RawOnWithdraw>,
    /// What the article's address must answer before a post goes out (not asked for the journal).
    pub live_check: Option<RawLiveCheck>,
}

/// The articles of a campaign.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawCampaignArticles {
    /// These, in this order.
    Listed(Vec<String>),
    /// All that the selection takes, by their date.
    Selected(Box<RawSelection>),
}

/// What becomes of the others while an article of a campaign is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMissing {
    /// Those after it wait.
    Wait,
    /// They go out; it takes the next slot once it is there.
    Skip,
}

/// Which images of an article go with its posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawImages {
    /// None.
    None,
    /// The lead image.
    Lead,
    /// All, as many as the network takes.
    All,
}

/// What happens if an image has no alternative text, or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMissingAlt {
    /// The delivery is held until a person approves it.
    Hold,
    /// The post goes out without the image.
    Drop,
    /// The article's title is the alternative text; an image that cannot be used is left out.
    Title,
}

/// Which articles: those that meet every line, and not `not`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSelection {
    /// Of one of these collections.
    pub collections: Vec<String>,
    /// In one of these categories.
    pub categories: Vec<String>,
    /// With one of these tags.
    pub tags: Vec<String>,
    /// By one of these authors.
    pub authors: Vec<String>,
    /// In one of these languages: `fr` takes `fr-CA` too.
    pub languages: Vec<String>,
    /// Not before they are that old: so long after their date, nothing goes out.
    pub min_age: Option<String>,
    /// But none of these.
    pub not: Option<RawExclusion>,
}

/// Articles that a rule leaves out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawExclusion {
    /// Of these collections.
    pub collections: Vec<String>,
    /// In these categories.
    pub categories: Vec<String>,
    /// With these tags.
    pub tags: Vec<String>,
    /// By these authors.
    pub authors: Vec<String>,
    /// In these languages.
    pub languages: Vec<String>,
}

/// When: `{ at: publication }`, `{ slots: "0 30 9 * * Mon-Fri", queue: true }`, `{ event: [-7d, -1d, -2h] }`,
/// `{ after: [0d, 30d], until: 2027-06-30 }` or `{ every: 30d, times: 6 }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawWhen {
    /// As soon as the article is published and settled.
    pub at: Option<RawMoment>,
    /// At the next of these times: cron lines of five fields, or six with seconds first.
    pub slots: Option<OneOrMany>,
    /// One post per slot and endpoint, in the order of publication; urgent articles go first.
    pub queue: Option<bool>,
    /// For events, at each of these distances: with a minus before the start, else after the end.
    pub event: Option<OneOrMany>,
    /// Again and again: so long after the publication, each time; `0d` is the publication itself.
    pub after: Option<OneOrMany>,
    /// At the publication, and again whenever so much time has passed; with `times` or `until`.
    pub every: Option<String>,
    /// How often `every` repeats the publication.
    pub times: Option<u8>,
    /// Last day on which `after` and `every` repeat a publication.
    pub until: Option<String>,
}

/// A moment of an article's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMoment {
    /// Its publication.
    Publication,
}

/// Who must approve a post: `none`, or `{ required: 2 }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawApproval {
    /// `none`: nobody.
    Word(RawApprovalWord),
    /// So many people.
    People(RawApprovalPeople),
}

/// `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawApprovalWord {
    /// Nobody.
    None,
}

/// How many people must approve a post.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApprovalPeople {
    /// How many; never the same one twice, and never the article's author.
    #[schemars(range(min = 1, max = 2))]
    pub required: u8,
    /// How long an approval counts.
    pub expires: Option<String>,
}

/// What happens to a post when its article is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOnEdit {
    /// It stays as it is.
    Keep,
    /// It is edited on its network, once the article has kept still for as long as the rule's `settle`.
    Edit,
    /// The same, where the network can; and a correction that the article marks is posted as an answer to it.
    Correct,
    /// A person is asked.
    Ask,
}

/// What happens to a post when its article is withdrawn: unpublished, expired or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOnWithdraw {
    /// It stays.
    Keep,
    /// It is withdrawn too, once the article has been withdrawn for as long as the rule's `settle`.
    Delete,
    /// A person is asked.
    Ask,
}

/// Which of the articles found at the first start count as already announced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawBaseline {
    /// `existing`: all of them; `none`: none of them.
    Word(RawBaselineWord),
    /// Those dated before a day.
    Since(RawSince),
}

/// `existing` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawBaselineWord {
    /// All articles found at the first start count as announced.
    Existing,
    /// None does.
    None,
}

/// A first day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSince {
    /// Articles dated on this day or later are announced, older ones are not.
    pub since: String,
}
