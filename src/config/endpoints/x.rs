//! `network: x`: an account of X.

use super::fields::Fields;
use super::grant::{App, app};
use crate::secret::Secret;
use url::Url;

/// X's API.
const SERVER: &str = "https://api.x.com";

/// What a post with an address in it costs, in US dollars, as reported since April 2026. X's API does not tell it.
pub(super) const PRICE: f64 = 0.20;

/// An account of X.
#[derive(Debug, Clone)]
pub struct X {
    /// Address of the API.
    pub server: Url,
    /// How the account lets Crieur in.
    pub access: Access,
}

/// How an account of X lets Crieur in.
#[derive(Debug, Clone)]
pub enum Access {
    /// OAuth 1.0a: keys that a person made, and which do not expire.
    Keys(Box<Keys>),
    /// OAuth 2.0: what `crieur endpoints login` got.
    Login(App),
}

/// Keys of OAuth 1.0a, by the names on X's page for developers.
#[derive(Debug, Clone)]
pub struct Keys {
    /// API key of the app.
    pub consumer_key: Secret,
    /// Its secret.
    pub consumer_secret: Secret,
    /// Access token of the account.
    pub token: Secret,
    /// Its secret.
    pub token_secret: Secret,
}

/// Reads the keys of an account.
pub(super) fn read(fields: &mut Fields) -> Option<X> {
    let server = fields.server(Some(SERVER));
    let access = match fields.raw.client_id.is_some() {
        true => app(fields, false).map(Access::Login),
        false => keys(fields).map(Box::new).map(Access::Keys),
    };
    Some(X { server: server?, access: access? })
}

fn keys(fields: &mut Fields) -> Option<Keys> {
    let (text, file) = (fields.raw.consumer_key.take(), fields.raw.consumer_key_file.take());
    let consumer_key = fields.secret("consumer_key", text, file);
    let (text, file) = (fields.raw.consumer_secret.take(), fields.raw.consumer_secret_file.take());
    let consumer_secret = fields.secret("consumer_secret", text, file);
    let (text, file) = (fields.raw.token.take(), fields.raw.token_file.take());
    let token = fields.secret("token", text, file);
    let (text, file) = (fields.raw.token_secret.take(), fields.raw.token_secret_file.take());
    let token_secret = fields.secret("token_secret", text, file);
    Some(Keys {
        consumer_key: consumer_key?,
        consumer_secret: consumer_secret?,
        token: token?,
        token_secret: token_secret?,
    })
}
