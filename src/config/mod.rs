//! The configuration: what `config/crieur.yaml` says, checked whole.
//!
//! [`parse`] never stops at the first mistake: it returns every [`Problem`] with its line, column, key and cure.
//! It is pure; the environment and the files of secrets come in as functions.

mod campaigns;
mod composing;
mod endpoints;
mod export;
mod git;
mod hub;
mod people;
mod quiet;
mod raw;
mod read;
mod rules;
mod sections;
mod shape;
mod store;
mod written;

pub use campaigns::{Campaign, Missing, Order};
pub use composing::{Composing, Images, MissingAlt};
pub use endpoints::{
    Access, App, Bluesky, Bot, Channel, Endpoint, EndpointName, Grant, Keys, Linkedin, Mastodon, Matrix, MessageKind,
    NetworkKind, OnDoubt, SigningKey, Threads, Visibility, Webhook, X,
};
pub use export::{Credentials, Export, KeysFrom, S3};
pub use git::{Git, Remote};
pub use hub::OwnHub;
pub use quiet::{Blackout, BlackoutAction};
pub use rules::{Approval, BY_HAND, Baseline, LiveCheck, OnEdit, OnWithdraw, Repeats, Rule, Selection, When};
pub use sections::{
    Accents, CollectionConfig, Content, Delivery, Fallback, Feeds, Format, Generator, Hashtags, Http, Hub, Site,
};
pub use store::{StoreAddress, StoreServer};
pub use written::Written;

use crate::problem::Problem;
use crate::quiet::Quiet;
use crate::secret::Key;
use std::collections::BTreeMap;
use std::path::Path;

/// What surrounds the program, for `${NAME}` and `…_file`.
pub struct Surroundings<'a> {
    /// The value of an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file of a secret; the error is said to the person.
    pub read: &'a dyn Fn(&Path) -> Result<String, String>,
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The site.
    pub site: Site,
    /// The embedded web server.
    pub http: Http,
    /// The database.
    pub store: StoreAddress,
    /// What secrets in the database are sealed with; None means a file beside it.
    pub store_key: Option<Key>,
    /// The feeds.
    pub feeds: Feeds,
    /// The built-in hub, and pings to others.
    pub hub: OwnHub,
    /// How tags become hashtags.
    pub hashtags: Hashtags,
    /// Endpoint whose readers are told when credentials of endpoints end.
    pub alerts: Option<EndpointName>,
    /// Social accounts, by name.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    /// How a delivery that failed is tried again.
    pub delivery: Delivery,
    /// Which articles go where, when and how, in the order of the file; then the campaigns, which are rules of their own
    /// kind.
    pub rules: Vec<Rule>,
    /// When nothing goes out, at endpoints that have no quiet hours of their own.
    pub quiet_hours: Quiet,
    /// Periods in which nothing goes out.
    pub blackouts: Vec<Blackout>,
    /// Which of the articles found at the first start count as announced.
    pub baseline: Baseline,
}

/// Reads a configuration. `file` is its name in the problems.
///
/// Errors: everything that is wrong in it, in the order of its lines.
pub fn parse(file: &str, text: &str, surroundings: &Surroundings) -> Result<Config, Vec<Problem>> {
    let named = |problems: Vec<Problem>| {
        problems.into_iter().map(|problem| problem.kind_if_none("bad-configuration")).collect()
    };
    read::Reader::new(file, text, surroundings).config().map_err(named)
}

/// The JSON Schema of the configuration, as kept in `config/crieur.schema.json`.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft07();
    settings.into_generator().into_root_schema_for::<raw::RawConfig>().to_value()
}
