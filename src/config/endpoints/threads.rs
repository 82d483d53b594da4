//! `network: threads`: a profile of Threads.

use super::fields::Fields;
use super::grant::{self, Grant};
use url::Url;

/// Threads' API.
const SERVER: &str = "https://graph.threads.net";

/// A profile of Threads.
#[derive(Debug, Clone)]
pub struct Threads {
    /// Address of the API.
    pub server: Url,
    /// How the profile lets Crieur in.
    pub grant: Grant,
}

/// Reads the keys of a profile.
pub(super) fn read(fields: &mut Fields) -> Option<Threads> {
    let server = fields.server(Some(SERVER));
    let grant = grant::read(fields, true);
    Some(Threads { server: server?, grant: grant? })
}
