//! `network: mastodon`: an account on a server with Mastodon's API.

use super::fields::Fields;
use crate::config::raw::RawVisibility;
use crate::secret::Secret;
use url::Url;

/// An account on a Mastodon server.
#[derive(Debug, Clone)]
pub struct Mastodon {
    /// Address of the server.
    pub server: Url,
    /// Access token with the scopes `read:accounts`, `read:statuses`, `write:statuses` and `write:media`. None for that
    /// which `crieur endpoints login` got: the database keeps it, sealed.
    pub token: Option<Secret>,
    /// Who sees the posts.
    pub visibility: Visibility,
}

/// Who sees a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Everyone, but not in public timelines.
    Unlisted,
    /// Followers.
    Private,
    /// Only those mentioned.
    Direct,
}

impl Visibility {
    /// The word of Mastodon's API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }
}

/// Reads the keys of an account.
pub(super) fn read(fields: &mut Fields) -> Option<Mastodon> {
    let server = fields.server(None);
    let (token, file) = (fields.raw.token.take(), fields.raw.token_file.take());
    let token = match fields.raw.login.take().unwrap_or(false) {
        true => logged_in(fields, token.is_some() || file.is_some()),
        false => fields.secret("token", token, file).map(Some),
    };
    let visibility = match fields.raw.visibility.take() {
        Some(RawVisibility::Unlisted) => Visibility::Unlisted,
        Some(RawVisibility::Private) => Visibility::Private,
        Some(RawVisibility::Direct) => Visibility::Direct,
        Some(RawVisibility::Public) | None => Visibility::Public,
    };
    Some(Mastodon { server: server?, token: token?, visibility })
}

/// No token in the configuration. None, with a report, if there is one all the same.
fn logged_in(fields: &mut Fields, has_token: bool) -> Option<Option<Secret>> {
    if has_token {
        fields.mistake("login", "there is a token as well", "take one of both out: `login: true`, or the token");
        return None;
    }
    Some(None)
}
