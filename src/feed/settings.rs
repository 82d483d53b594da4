//! What feeds need of the configuration.

use super::Feed;
use crate::article::SiteSettings;
use crate::config::{Feeds, Hub};
use std::sync::Arc;
use url::Url;

/// What feeds need of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The section `feeds`.
    pub feeds: Feeds,
    /// The address under which readers reach this server.
    pub public_url: Url,
}

impl Settings {
    /// The public address of a path of this server.
    pub fn public(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// A path of this server under the path at which the public address puts it, for links on pages.
    pub fn under(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.path().trim_end_matches('/'))
    }

    /// The path of a public address; the address itself if it is none of this server's.
    pub fn path_of<'a>(&self, address: &'a str) -> &'a str {
        address.strip_prefix(self.public_url.as_str().trim_end_matches('/')).unwrap_or(address)
    }

    /// The public addresses of the hubs.
    pub fn hubs(&self) -> Arc<[String]> {
        let address = |hub: &Hub| match hub {
            Hub::Own => self.public("/hub"),
            Hub::At(url) => url.to_string(),
        };
        self.feeds.hubs.iter().map(address).collect()
    }

    /// The same for a document that is made when somebody asks for it: hubs elsewhere are not told of its changes, and an
    /// archive has none.
    pub fn on_demand(&self, is_archive: bool) -> Self {
        let mut settings = self.clone();
        settings.feeds.hubs.retain(|hub| *hub == Hub::Own && !is_archive);
        settings
    }

    /// The scheme of a kind of terms: the folder of their feeds.
    pub fn scheme(&self, kind: &str) -> String {
        self.public(&format!("/feeds/{kind}/"))
    }

    /// The description of a feed.
    pub fn description(&self, feed: &Feed, site: &SiteSettings) -> String {
        if site.description.is_empty() { feed.title.clone() } else { site.description.clone() }
    }
}
