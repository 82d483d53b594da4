//! map
pub mod secret;
pub mod problem;
pub mod yaml;
pub mod text;
pub mod span;
pub mod schedule;
pub mod template;
pub mod config;
pub mod article;
pub mod catalog;
pub mod feed;
pub mod post;
pub mod delivery;
pub mod plan;
