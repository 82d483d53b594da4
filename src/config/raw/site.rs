//! The section `site` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The site whose articles are syndicated. What the site's own settings say (`_config.yml`, `hugo.toml`, …) need not be repeated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSite {
    /// Folder of the site.
    pub root: Option<String>,
    /// Git repository of the site, instead of `root`.
    pub git: Option<RawGit>,
    /// Secret that a forge signs its web hooks with; without one, `/hooks/content` does not answer.
    pub hook_secret: Option<String>,
    /// File that holds `hook_secret`.
    pub hook_secret_file: Option<String>,
    /// Public address of the site, such as https://www.example.fr.
    pub url: Option<String>,
    /// Title of the site, used as title of its feeds.
    pub title: Option<String>,
    /// Description of the site, used in its feeds.
    pub description: Option<String>,
    /// Language of the site (BCP 47), such as fr.
    pub language: Option<String>,
    /// IANA time zone of dates without one, and of schedules, such as Europe/Paris.
    pub timezone: Option<String>,
    /// Generator of the site; detected by the files of the site.
    pub generator: Option<RawGenerator>,
    /// Collections that hold articles, by name. Without it: every collection that the site puts out, but pages.
    pub collections: Option<BTreeMap<String, RawCollection>>,
    /// How often the whole tree is compared with what is known, whatever the watcher says.
    pub scan_every: Option<String>,
}

/// A git repository that a site is read from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawGit {
    /// Address of the repository: `https://…`, `ssh://…`, `git@host:path`, `file://…` or the path of a folder.
    pub url: Option<String>,
    /// Branch; by default the one that the repository names.
    pub branch: Option<String>,
    /// How often the repository is asked whether there is something new.
    pub every: Option<String>,
    /// Folder of the site in the repository.
    pub subfolder: Option<String>,
    /// Commits of history to fetch; 0 means all of it.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub depth: Option<u32>,
    /// Token (or password) for https.
    pub token: Option<String>,
    /// File that holds `token`.
    pub token_file: Option<String>,
    /// Private key for ssh, without a passphrase.
    pub key: Option<String>,
    /// File that holds `key`.
    pub key_file: Option<String>,
    /// File with the host keys that are trusted for ssh; by default those of the system's user.
    pub known_hosts: Option<String>,
    /// Folder of the clone; by default `site`, beside the database.
    pub checkout: Option<String>,
}

/// Generator of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawGenerator {
    /// Jekyll.
    Jekyll,
    /// Hugo.
    Hugo,
    /// Zola.
    Zola,
    /// Folders of Markdown with front matter: Eleventy, Astro, Gridsome, or none.
    Plain,
}

/// One collection of articles.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCollection {
    /// Files of the collection, as globs under the site's root, such as `_communiques/**`.
    pub paths: Option<Vec<String>>,
    /// Permalink with the placeholders of the generator (Hugo's for Hugo, else Jekyll's), such as `/espace-presse/:title/`.
    pub permalink: Option<String>,
    /// Title shown to people.
    pub title: Option<String>,
}
