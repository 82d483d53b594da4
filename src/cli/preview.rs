//! `crieur preview ARTICLE`: the exact post per endpoint, by the same code as is sent.

use super::{Context, Fail, print, print_json};
use crate::article::Article;
use crate::catalog::Standing;
use crate::config::{Config, EndpointName, Images, Rule};
use crate::delivery::{DeliveryKey, State};
use crate::media::{Attached, Sources, attach};
use crate::network::{self, Means, client};
use crate::plan::{self, Inputs, Planned};
use crate::post::hashtag::{self, grammar::Family};
use crate::post::{Brief, Image, Post, compose};
use crate::reconcile::Snapshot;
use crate::text::folded;
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The article: its path, its slug or its address
    article: String,
    /// Only for this endpoint; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,
    /// As this rule or campaign would post it, whether or not it takes the article
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

/// One post as it would be sent.
#[derive(Debug, serde::Serialize)]
pub struct Preview {
    pub endpoint: String,
    pub network: String,
    pub text: Option<String>,
    pub length: usize,
    pub limit: usize,
    pub hashtags: Vec<String>,
    /// Hashtags beside the text.
    pub more_hashtags: Vec<String>,
    /// Further posts of a thread.
    pub thread: Vec<String>,
    pub media: Vec<Media>,
    pub card: Option<CardShown>,
    /// Hashtags made of tags that the dictionary does not have.
    pub proposals: Vec<Proposed>,
    pub problems: Vec<String>,
}

/// A hashtag made of a tag that the dictionary does not have.
#[derive(Debug, serde::Serialize)]
pub struct Proposed {
    pub tag: String,
    pub hashtag: Option<String>,
    /// Signs of the tag that are not heard in it.
    pub lost: String,
    #[serde(skip)]
    words: String,
}

/// An image as it would go out.
#[derive(Debug, serde::Serialize)]
pub struct Media {
    /// The address of the image that it was made of.
    pub file: String,
    pub alt: String,
    pub media_type: String,
    pub width: u32,
    pub height: u32,
    pub bytes: usize,
}

impl Media {
    /// On one line, for a person.
    fn words(&self) -> String {
        let (width, height) = (self.width, self.height);
        let alt = if self.alt.is_empty() { String::new() } else { format!(", “{}”", self.alt) };
        format!("{} ({}, {width} × {height}, {} bytes){alt}", self.file, self.media_type, self.bytes)
    }
}

/// A link card as it would go out.
#[derive(Debug, serde::Serialize)]
pub struct CardShown {
    pub url: String,
    pub title: String,
    pub description: String,
    pub thumb: Option<Media>,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let now = context.clock.now();
    let (snapshot, _) = context.glance(&config, now).await?;
    let wanted: Vec<EndpointName> = options.endpoint.iter().map(EndpointName::new).collect();
    if let Some(unknown) = wanted.iter().find(|name| !config.endpoints.contains_key(*name)) {
        return Err(Fail::Usage(format!("there is no endpoint `{unknown}` in the configuration")));
    }
    let of_rule = options.rule.as_deref().map(|name| config.rules.iter().find(|rule| rule.name == name).ok_or(name));
    let rule = of_rule
        .transpose()
        .map_err(|name| Fail::Usage(format!("there is no rule or campaign `{name}` in the configuration")))?;
    let asked = Asked { endpoints: &wanted, rule, text: None };
    let previews = previews(&config, &snapshot, &options.article, &asked, now).await?;
    show(&previews, options.json)
}

impl Preview {
    /// Takes what would be sent.
    fn fill(&mut self, post: Post, attached: Attached) {
        (self.length, self.limit) = (post.length, post.limit);
        (self.hashtags, self.more_hashtags, self.thread) = (post.hashtags, post.more_hashtags, post.thread);
        self.text = Some(post.text);
        let shown = |image: &Image| {
            let ready = attached.ready.iter().find(|ready| ready.image.digest == image.digest);
            Media {
                file: ready.map(|ready| ready.from.to_string()).unwrap_or_default(),
                alt: image.alt.clone(),
                media_type: image.media_type.clone(),
                width: image.width,
                height: image.height,
                bytes: ready.map_or(0, |ready| ready.bytes.len()),
            }
        };
        self.media = post.images.iter().map(shown).collect();
        self.card = post.card.as_ref().map(|card| CardShown {
            url: card.url.clone(),
            title: card.title.clone(),
            description: card.description.clone(),
            thumb: card.thumb.as_ref().map(shown),
        });
        let held = attached.hold.iter().map(|reason| format!("the post would be held: {reason}"));
        let later = attached.later.iter().map(|reason| format!("the post would wait: {reason}"));
        self.problems.extend(held.chain(later).chain(attached.notes.iter().cloned()));
    }
}

/// The hashtags that a network cuts.
fn cut_hashtags(article: &Article, network: &str, config: &Config) -> Vec<String> {
    let hashtags = hashtag::hashtags(article, &config.hashtags);
    let cut = hashtags.into_iter().filter(|hashtag| !Family::of(network).reads_whole(hashtag));
    cut.map(|hashtag| format!("{network} does not read {hashtag} whole; change it in hashtags.dictionary")).collect()
}

/// What becomes of the tags of an article that are not in the dictionary.
fn proposals(article: &Article, config: &Config) -> Vec<Proposed> {
    let unknown = article.tags.iter().filter(|tag| !config.hashtags.dictionary.contains_key(&folded(tag)));
    let proposed = unknown.filter_map(|tag| {
        let proposal = hashtag::fallback(tag, &config.hashtags)?;
        Some(Proposed {
            words: proposal.said(tag),
            tag: tag.clone(),
            hashtag: proposal.hashtag,
            lost: proposal.lost.into_iter().collect(),
        })
    });
    proposed.collect()
}

/// Which posts of an article are wanted.
pub struct Asked<'a> {
    /// Only to these endpoints; empty means all.
    pub endpoints: &'a [EndpointName],
    /// As this rule or campaign would post it, whether or not it takes the article; None: by the rules that fit.
    pub rule: Option<&'a Rule>,
    /// A text instead of the rule's, a template.
    pub text: Option<&'a str>,
}

/// The posts of a rule for an article.
fn of_rule(config: &Config, rule: &Rule, standing: &Standing, wanted: &[EndpointName], now: Timestamp) -> Vec<Planned> {
    let named = rule.endpoints.iter().filter(|name| wanted.is_empty() || wanted.contains(*name));
    let planned = |name: &EndpointName| {
        Some(Planned {
            key: DeliveryKey::publication(standing.id, &rule.name, name),
            network: config.endpoints.get(name)?.network.word().to_owned(),
            path: standing.article.path.to_string(),
            due_at: now,
            state: State::Pending,
            reason: None,
        })
    };
    named.filter_map(planned).collect()
}

/// The posts of an article, for the endpoints of the rules that fit it or for those that are named.
pub async fn previews(
    config: &Config,
    snapshot: &Snapshot,
    article: &str,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Vec<Preview>, Fail> {
    let Asked { endpoints: wanted, rule, text } = *asked;
    let (planned, standing) = {
        let catalog = snapshot.catalog();
        let standing = Arc::clone(catalog.find(article).map_err(Fail::Failed)?);
        let inputs = Inputs::new(config, &snapshot.site, &catalog, &snapshot.outbox, now);
        let by_rules = || {
            plan::by_hand(&inputs, &standing, wanted).or_else(|error| {
                // Without a rule that fits, the person sees what every endpoint would get.
                let all: Vec<EndpointName> = config.endpoints.keys().cloned().collect();
                if wanted.is_empty() && !all.is_empty() { plan::by_hand(&inputs, &standing, &all) } else { Err(error) }
            })
        };
        let planned = match rule {
            Some(rule) => Ok(of_rule(config, rule, &standing, wanted, now)),
            None => by_rules(),
        };
        (planned, standing)
    };
    let read = snapshot.texts.read(&standing);
    let (article, _) =
        read.map_err(|_| Fail::Failed(format!("{} cannot be read at present", standing.article.path)))?;
    let mut previews = Vec::new();
    for planned in planned.map_err(Fail::Failed)? {
        let name = &planned.key.endpoint;
        let Some(endpoint) = config.endpoints.get(name) else { continue };
        let rule = config.rules.iter().find(|rule| rule.name == planned.key.rule);
        let network = network::connect(name, endpoint, &Means::none()).map_err(Fail::Failed)?;
        let limits = network.limits(now).await;
        let brief =
            Brief::new(text, rule, name, endpoint.network.word(), &config.hashtags, limits).map_err(Fail::Usage)?;
        let mut preview = Preview {
            endpoint: name.to_string(),
            network: planned.network.clone(),
            text: None,
            length: 0,
            limit: limits.length_max,
            hashtags: Vec::new(),
            more_hashtags: Vec::new(),
            thread: Vec::new(),
            media: Vec::new(),
            card: None,
            proposals: proposals(&article, config),
            problems: Vec::new(),
        };
        if !article.is_live(now) {
            preview.problems.push("the article is not published now: nothing would go out".to_owned());
        }
        if brief.composing.images == Images::None
            && let Some(image) = article.images.first().filter(|image| image.alt.is_none())
        {
            preview.problems.push(format!("the image {} has no alternative text", image.url));
        }
        match compose(&article, &snapshot.site, &brief) {
            Ok(mut post) => {
                let client = client::reader(endpoint.allow_private).map_err(Fail::Failed)?;
                let allow_private = endpoint.allow_private;
                let client = Some(&client).filter(|_| network.is_outside());
                let sources = Sources { texts: &snapshot.texts, client, allow_private };
                let attached = attach(&mut post, &article, &brief.composing, &limits, false, &sources).await;
                preview.fill(post, attached);
            }
            Err(error) => preview.problems.push(error),
        }
        preview.problems.extend(cut_hashtags(&article, endpoint.network.word(), config));
        previews.push(preview);
    }
    Ok(previews)
}

/// Shows them; fails if one cannot be composed.
pub fn show(previews: &[Preview], json: bool) -> Result<(), Fail> {
    if json {
        print_json(&previews)?;
    } else {
        for (at, preview) in previews.iter().enumerate() {
            if at > 0 {
                print("")?;
            }
            print(&format!(
                "── {} ({}), {} of {} characters",
                preview.endpoint, preview.network, preview.length, preview.limit
            ))?;
            if let Some(text) = &preview.text {
                print(text)?;
            }
            for (at, text) in preview.thread.iter().enumerate() {
                print(&format!("── then, {} of {}", at + 2, preview.thread.len() + 1))?;
                print(text)?;
            }
            if !preview.more_hashtags.is_empty() {
                print(&format!("hashtags beside the text: {}", preview.more_hashtags.join(", ")))?;
            }
            for media in &preview.media {
                print(&format!("image: {}", media.words()))?;
            }
            if let Some(card) = &preview.card {
                print(&format!("link card: {} | {}", card.title, card.description))?;
                if let Some(thumb) = &card.thumb {
                    print(&format!("its picture: {}", thumb.words()))?;
                }
            }
            for proposed in &preview.proposals {
                print(&format!("hashtag made: {}", proposed.words))?;
            }
            for problem in &preview.problems {
                print(&format!("!  {problem}"))?;
            }
        }
    }
    if previews.iter().any(|preview| preview.text.is_none()) { Err(Fail::Said(1)) } else { Ok(()) }
}
