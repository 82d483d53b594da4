//! Crieur reads what an organisation publishes, makes feeds of it, and posts it to social networks: nothing early,
//! nothing twice, nothing lost.
//!
//! # The map
//! Modules stand in reading order, and a module may use only those above it. A test holds this
//! (`tests/it/layering.rs`). `docs/architecture.md` shows the same on one page, with the two flows.
//!
//! ## Core: values and pure functions
//! No async, no clock, no disk, no socket. Time is an argument; files and environment come in as functions.
//! - plain tools: [`secret`], [`problem`], [`digest`], [`text`], [`yaml`], [`span`], [`schedule`], [`offset`],
//!   [`quiet`], [`dates`], [`shorten`], [`camel`], [`picture`], [`page`], [`template`]
//! - [`config`]: what `config/crieur.yaml` says, checked whole
//! - [`article`]: one document of the site; front matter, Markdown, permalinks, dates, identity
//! - [`catalog`]: all articles with their identities; the ledger of what is remembered of each
//! - [`feed`]: which feeds there are, and their documents
//! - [`post`]: the text that one network gets of one article
//! - [`delivery`]: one post to one endpoint, and what to do after a failure
//! - [`hub`]: WebSub: what is asked of the hub, what becomes of a subscription, what is due
//! - [`plan`]: what goes where and when, and why not
//! - [`simulate`]: the same over a site's whole history
//! - [`shapes`]: what is told, as JSON: the same from commands and from the API
//! - [`review`]: what only shows when all articles and rules are looked at together
//! - [`starter`]: a first configuration, from what a site holds
//!
//! ## Seams: one file per implementation
//! - [`source`]: where files come from
//! - [`seal`]: secrets as the database keeps them
//! - [`store`]: the database; the journal network writes to it, so it stands before [`network`]
//! - [`network`]: kinds of social accounts
//! - [`export`]: feeds as files of a folder and objects of a bucket; [`crash`]: where tests cut the power
//!
//! ## Shell: effects, time, tasks
//! - [`clock`]: the only place that asks the time; [`telemetry`]: logs
//! - [`reconcile`]: one pass over the site; [`media`]: the images of a post; [`deliver`]: one step of delivery
//! - [`acts`]: what people decide, by whichever road
//! - [`task`], [`pull`], [`watch`]: waking and resting, and when a repository is pulled
//! - [`expiry`]: when credentials end
//! - [`push`]: subscribers and hubs are told what changed
//! - [`exports`]: when exports are made, and what is said of them
//! - [`http`]: feeds and pages; [`daemon`]: wires everything; [`cli`]: the commands, on the same passes and steps
//!
//! # What holds everywhere
//! - Broken content is not an error of the program: readers return what they could read and a [`problem::Problem`].
//! - A wake carries nothing: what changed is found by looking, so start-up, crash, second process and a command by
//!   hand take one road.
//! - An attempt is on the disk before the first byte is sent; after a cut the network is asked before anything is
//!   sent again.
//! - The bytes of a feed depend on its content only.

// ── core ──
pub mod secret;
pub mod problem;
pub mod digest;
pub mod text;
pub mod people;
pub mod yaml;
pub mod span;
pub mod schedule;
pub mod offset;
pub mod quiet;
pub mod rate;
pub mod dates;
pub mod shorten;
pub mod camel;
pub mod picture;
pub mod page;
pub mod template;
pub mod config;
pub mod article;
pub mod catalog;
pub mod feed;
pub mod post;
pub mod delivery;
pub mod hub;
pub mod plan;
pub mod simulate;
pub mod shapes;
pub mod review;
pub mod starter;
// ── seams ──
pub mod crash;
pub mod blocking;
pub mod source;
pub mod seal;
pub mod store;
pub mod network;
pub mod export;
// ── shell ──
pub mod clock;
pub mod telemetry;
pub mod reconcile;
pub mod media;
pub mod deliver;
pub mod acts;
pub mod task;
pub mod expiry;
pub mod pull;
pub mod push;
pub mod watch;
pub mod exports;
pub mod http;
pub mod daemon;
pub mod cli;
