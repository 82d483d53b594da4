//! One test binary for everything that crosses modules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a test stops at the first thing that is not as it should be, and says what it skipped"
)]

mod admin;
mod aftermath;
mod api;
mod approval;
mod calendar;
mod check;
mod bluesky;
mod backfill;
mod bodies;
mod bucket;
mod campaigns;
mod config;
mod contract;
mod counting;
mod copies;
mod corpus;
mod correction;
mod crash;
mod daemon;
mod demand;
mod deaths;
mod deliver;
mod exchanges;
mod export;
mod doctor;
mod edits;
mod feeds;
mod git;
mod git_program;
mod hardship;
mod hooks;
mod formats;
mod generators;
mod hashtags;
mod hostile;
mod http;
mod incremental;
mod init;
mod judge;
mod kills;
mod layering;
mod leader;
mod lives;
mod matrix;
mod log;
mod live;
mod login;
mod media;
mod metrics;
mod moments;
mod numerique;
mod opml;
mod oracle;
mod pages;
mod patience;
mod plan;
mod postgres;
mod proxy;
mod publish_now;
mod queue;
mod readers;
mod removal;
mod redbot;
mod replay;
mod rules;
mod secrets;
mod server;
mod sim;
mod simulate;
mod snac;
mod stability;
mod store;
mod strings;
mod subscriber;
mod support;
mod times;
mod websub;
mod websub_flask;
mod websub_ping;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
