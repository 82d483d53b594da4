//! `crieur preview ARTICLE`: the exact post per endpoint, by the same code as is sent.

use super::{Context, Fail, print, print_json};
use crate::config::{Config, EndpointName};
use crate::network::{self, Means};
use crate::plan::{self, Inputs};
use crate::post::{Brief, compose};
use crate::reconcile::Snapshot;
use jiff::Timestamp;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The article: its path, its slug or its address
    article: String,
    /// Only for this endpoint; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,
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
    pub media: Vec<String>,
    pub problems: Vec<String>,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = Arc::new(context.config()?);
    let now = context.clock.now();
    let (snapshot, _) = context.glance(&config, now).await?;
    let wanted: Vec<EndpointName> = options.endpoint.iter().map(EndpointName::new).collect();
    if let Some(unknown) = wanted.iter().find(|name| !config.endpoints.contains_key(*name)) {
        return Err(Fail::Usage(format!("there is no endpoint `{unknown}` in the configuration")));
    }
    let previews = previews(&config, &snapshot, &options.article, &wanted, None, now).await?;
    show(&previews, options.json)
}

/// The posts of an article, for the endpoints of the rules that fit it or for those that are named.
pub async fn previews(
    config: &Config,
    snapshot: &Snapshot,
    article: &str,
    wanted: &[EndpointName],
    text: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Preview>, Fail> {
    let (planned, standing) = {
        let catalog = snapshot.catalog();
        let standing = Arc::clone(catalog.find(article).map_err(Fail::Failed)?);
        let inputs = Inputs::new(config, &snapshot.site, &catalog, &snapshot.outbox, now);
        let planned = plan::by_hand(&inputs, &standing, wanted).or_else(|error| {
            // Without a rule that fits, the person sees what every endpoint would get.
            let all: Vec<EndpointName> = config.endpoints.keys().cloned().collect();
            if wanted.is_empty() && !all.is_empty() { plan::by_hand(&inputs, &standing, &all) } else { Err(error) }
        });
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
        let mut problems = Vec::new();
        if !article.is_live(now) {
            problems.push("the article is not published now: nothing would go out".to_owned());
        }
        if let Some(image) = article.images.first().filter(|image| image.alt.is_none()) {
            problems.push(format!("the image {} has no alternative text", image.url));
        }
        let mut preview = Preview {
            endpoint: name.to_string(),
            network: planned.network.clone(),
            text: None,
            length: 0,
            limit: limits.length_max,
            hashtags: Vec::new(),
            media: Vec::new(),
            problems,
        };
        match compose(&article, &snapshot.site, &brief) {
            Ok(post) => {
                (preview.length, preview.limit) = (post.length, post.limit);
                preview.hashtags = post.hashtags;
                preview.text = Some(post.text);
            }
            Err(error) => preview.problems.push(error),
        }
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
            for problem in &preview.problems {
                print(&format!("!  {problem}"))?;
            }
        }
    }
    if previews.iter().any(|preview| preview.text.is_none()) { Err(Fail::Said(1)) } else { Ok(()) }
}
