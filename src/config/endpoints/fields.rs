//! The keys of one endpoint, as its network reads them: with the same words for the same mistakes, whatever the network.

use crate::config::raw::RawEndpoint;
use crate::config::read::{Reader, dotted, key};
use crate::config::sections::web_address;
use crate::digest;
use crate::secret::Secret;
use crate::yaml::Step;
use url::Url;

/// The keys of an endpoint. A network takes those it has; what is left over is none of its keys, and is reported.
pub struct Fields<'r, 's> {
    reader: &'r mut Reader<'s>,
    here: [Step; 2],
    network: &'static str,
    /// What is written, without what was taken.
    pub raw: RawEndpoint,
    allow_private: bool,
    /// What was written, and the secrets that were read of files.
    seen: Vec<String>,
}

impl<'r, 's> Fields<'r, 's> {
    pub(super) fn new(reader: &'r mut Reader<'s>, name: &str, network: &'static str, raw: RawEndpoint) -> Self {
        let allow_private = raw.allow_private == Some(true);
        let seen = vec![network.to_owned(), serde_json::to_string(&raw).unwrap_or_default()];
        Self { reader, here: [key("endpoints"), key(name)], network, raw, allow_private, seen }
    }

    /// Reports a mistake in the value of a key: what is wrong, and what to do.
    pub fn mistake(&mut self, name: &str, message: &str, cure: impl Into<String>) {
        let at = self.at(name);
        self.reader.problem(&at, format!("{}: {message}", dotted(&at)), cure);
    }

    /// Reports that a key is missing, unless it is there and was found wrong already.
    pub fn missing(&mut self, name: &str, cure: impl Into<String>) {
        if !self.reader.is_reported(&self.at(name)) {
            let message = format!("{}: `{name}` is missing", dotted(&self.here));
            self.reader.problem(&self.here.clone(), message, cure);
        }
    }

    /// The key `server`: an address that tokens are sent to, so over TLS unless it may be on a private network.
    /// Without it, the network's own server, if it has one.
    pub fn server(&mut self, usual: Option<&str>) -> Option<Url> {
        let at = self.at("server");
        let Some(given) = self.raw.server.take().or_else(|| usual.map(str::to_owned)) else {
            self.missing("server", "write the address of the account's server, such as https://social.example.fr");
            return None;
        };
        let server = self.reader.with(&at, web_address(&given).map(Some), None)?;
        if server.scheme() == "http" && !self.allow_private {
            let cure = "write https://, or allow_private: true for a server on a private network";
            self.mistake("server", "a token would be sent over plain http", cure);
        }
        Some(server)
    }

    /// A secret that the network cannot do without, of the key `name` or `name_file`.
    pub fn secret(&mut self, name: &str, text: Option<String>, file: Option<String>) -> Option<Secret> {
        let secret = self.optional_secret(name, text, file);
        if secret.is_none() {
            let variable = name.to_uppercase();
            let page = self.network;
            let cure = format!(
                "write {name}: ${{{variable}}} or {name}_file: PATH; docs/networks/{page}.md says how to get one"
            );
            self.missing(name, cure);
        }
        secret
    }

    /// A secret that may be left out.
    pub fn optional_secret(&mut self, name: &str, text: Option<String>, file: Option<String>) -> Option<Secret> {
        let secret = self.reader.secret(&self.here.clone(), name, text, file);
        self.seen.extend(secret.iter().map(|secret| secret.expose().to_owned()));
        secret
    }

    /// A digest of the keys and secrets, which tells them from others.
    pub(super) fn print(&self) -> String {
        digest::hex(self.seen.join("\n"), 16)
    }

    /// The keys that are left over: they mean nothing to this network.
    pub(super) fn report_rest(&mut self) {
        let rest = serde_json::to_value(&self.raw).unwrap_or_default();
        let names = rest.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        for name in names.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let message = format!("the network {} has no such key", self.network);
            self.mistake(&name, &message, "take the key out; it would change nothing");
        }
    }

    fn at(&self, name: &str) -> [Step; 3] {
        let [section, endpoint] = self.here.clone();
        [section, endpoint, key(name)]
    }
}
