//! `network: bluesky`: an account on a server of the AT Protocol.

use super::fields::Fields;
use crate::secret::Secret;
use url::Url;

/// The server of most accounts.
const SERVER: &str = "https://bsky.social";

/// An account of Bluesky.
#[derive(Debug, Clone)]
pub struct Bluesky {
    /// Address of its server (PDS, or an entryway that leads to it).
    pub server: Url,
    /// Its handle or DID.
    pub handle: String,
    /// A password that was made for this use alone (*Settings*, *Privacy and security*, *App passwords*).
    pub app_password: Secret,
}

/// Reads the keys of an account.
pub(super) fn read(fields: &mut Fields) -> Option<Bluesky> {
    let server = fields.server(Some(SERVER));
    let (password, file) = (fields.raw.app_password.take(), fields.raw.app_password_file.take());
    let app_password = fields.secret("app_password", password, file);
    let handle = match fields.raw.handle.take().map(|handle| handle.trim().trim_start_matches('@').to_owned()) {
        Some(handle) if is_handle(&handle) => Some(handle),
        Some(_) => {
            let cure = "write the account's handle, such as agence.bsky.social or agence.example.fr";
            fields.mistake("handle", "this is not the handle of an account", cure);
            None
        }
        None => {
            fields.missing("handle", "write the account's handle, such as agence.bsky.social or agence.example.fr");
            None
        }
    };
    Some(Bluesky { server: server?, handle: handle?, app_password: app_password? })
}

/// Whether a text is a handle (atproto.com/specs/handle) or a DID.
fn is_handle(text: &str) -> bool {
    if let Some(id) = text.strip_prefix("did:") {
        return id.contains(':') && !id.contains(char::is_whitespace);
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_and_dids_are_told_from_other_texts() {
        for good in ["agence.bsky.social", "agence.example.fr", "did:plc:abc", "did:web:example.fr"] {
            assert!(is_handle(good), "{good}");
        }
        for bad in ["", "agence", "agence@example.fr", "https://bsky.app/profile/x.fr", "a..b", "did:", "a b.fr"] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
