//! How an account lets Crieur in: a token that a person made, or a login whose tokens the database keeps, sealed.

use super::fields::Fields;
use crate::secret::Secret;

/// How an account lets Crieur in.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A token that stands in the configuration.
    Token(Secret),
    /// What `crieur endpoints login` got for an app; refreshed as the network wants it.
    Login(App),
}

/// The app in whose name a person logs in, as the network's page for developers shows it.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: String,
    /// Its secret; None for an app that has none.
    pub secret: Option<Secret>,
}

/// Reads a token, or else the app of a login. `needs_secret`: the network's apps all have one.
pub(super) fn read(fields: &mut Fields, needs_secret: bool) -> Option<Grant> {
    if fields.raw.token.is_none() && fields.raw.token_file.is_none() && fields.raw.client_id.is_some() {
        return app(fields, needs_secret).map(Grant::Login);
    }
    let (token, file) = (fields.raw.token.take(), fields.raw.token_file.take());
    let token = fields.optional_secret("token", token, file);
    if token.is_none() {
        let cure = "write token: ${TOKEN}, or client_id: and client_secret: of your app, and then: crieur endpoints login NAME";
        fields.missing("token", cure);
    }
    token.map(Grant::Token)
}

/// Reads the app of a login.
pub(super) fn app(fields: &mut Fields, needs_secret: bool) -> Option<App> {
    let (secret, file) = (fields.raw.client_secret.take(), fields.raw.client_secret_file.take());
    let secret = match needs_secret {
        true => Some(fields.secret("client_secret", secret, file)?),
        false => fields.optional_secret("client_secret", secret, file),
    };
    match fields.raw.client_id.take().map(|id| id.trim().to_owned()) {
        Some(id) if !id.is_empty() => Some(App { id, secret }),
        _ => {
            fields.missing("client_id", "write the id of your app, as the network's page for developers shows it");
            None
        }
    }
}
