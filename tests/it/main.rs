//! One test binary for everything that crosses modules.

mod config;
mod crash;
mod daemon;
mod deliver;
mod feeds;
mod http;
mod layering;
mod numerique;
mod plan;
mod publish_now;
mod support;
