//! Logging in: a person opens an address, allows it, and pastes the address that the browser shows then. No server has to
//! be reachable from outside for that.
//!
//! OAuth 2.0 (RFC 6749, section 4.1), with PKCE (RFC 7636) where the network has it. What a person pastes counts only with
//! the `state` that was sent along.

use super::session::Tokens;
use crate::config::NetworkKind;
use crate::delivery::Failure;
use crate::seal;
use crate::secret::Secret;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

/// Where networks send people back to: an address of their own machine, where nothing needs to answer.
pub const REDIRECT: &str = "https://localhost/crieur";

/// What belongs to one login.
pub struct Attempt {
    /// Tells that an answer belongs to this login.
    pub state: String,
    /// What proves that whoever redeems the code asked for it (RFC 7636).
    pub verifier: String,
}

impl Attempt {
    /// A new login.
    ///
    /// Errors: the system's source of chance fails.
    pub fn new() -> Result<Self, String> {
        let random =
            || seal::random::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|error| error.to_string());
        Ok(Self { state: random()?, verifier: random()? })
    }

    /// What is sent along in place of the verifier (RFC 7636, section 4.2, `S256`).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// The code in what a person pasted: the whole address that the browser showed.
    ///
    /// Errors: a sentence that says what is wrong, and does not repeat it.
    pub fn code(&self, pasted: &str) -> Result<Secret, String> {
        let pasted = pasted.trim();
        let Ok(url) = Url::parse(pasted) else {
            return Err(
                "this is not an address; paste the whole one that the browser shows, from https:// on".to_owned()
            );
        };
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if let Some(error) = value("error") {
            let why = value("error_description").unwrap_or(error);
            return Err(format!("the network did not let it in: {why}"));
        }
        if value("state").as_deref() != Some(&self.state) {
            return Err("this address belongs to another login; begin again, and paste the one that follows".to_owned());
        }
        match value("code") {
            Some(code) if !code.is_empty() => Ok(Secret::new(code)),
            _ => Err("there is no code in this address; allow the access first".to_owned()),
        }
    }
}

/// A network that a person logs in to.
#[async_trait]
pub trait Login: Send + Sync {
    /// The address that the person opens.
    fn address(&self, attempt: &Attempt) -> Url;

    /// Gets tokens for a code, and keeps them, sealed.
    ///
    /// Errors: the network does not give any, or they cannot be kept.
    async fn redeem(&self, attempt: &Attempt, code: &Secret, now: Timestamp) -> Result<Tokens, Failure>;
}

/// How a credential is got for a network without a login: what a person does, step by step. None for those that need none.
pub fn steps(kind: &NetworkKind) -> Option<Vec<&'static str>> {
    Some(match kind.word() {
        "bluesky" => vec![
            "Log in at bsky.app: Settings, Privacy and security, App passwords, Add.",
            "Give it a name, such as crieur, and leave access to messages off.",
            "Put the password where `app_password` or `app_password_file` of the endpoint says.",
        ],
        "matrix" => vec![
            "Make an account for this use alone, and let it join the room.",
            "Log in once with a device of its own, and copy its access token (Element: All settings, Help & About, Access Token).",
            "Never log this device out: its token ends with it. Close the window instead.",
            "Put the token where `token` or `token_file` of the endpoint says.",
        ],
        "telegram" => vec![
            "Write to @BotFather in Telegram: /newbot. It gives the token.",
            "Add the bot to the channel as an administrator, with the right to post.",
            "Put the token where `token` or `token_file` of the endpoint says.",
        ],
        "mattermost" => vec![
            "Integrations, Bot Accounts, Add; copy the token, and add the bot to the team and the channel.",
            "Or, to post only: Integrations, Incoming Webhooks, Add; its address is the value of `hook`.",
        ],
        "slack" => vec![
            "Make an app at api.slack.com/apps with the bot scopes chat:write, files:write and channels:history, and install it.",
            "Copy the Bot User OAuth Token, and invite the bot to the channel with /invite.",
            "Or, to post only: Incoming Webhooks, Add New Webhook; its address is the value of `hook`.",
        ],
        "discord" => vec![
            "The channel's settings, Integrations, Webhooks, New Webhook; its address is the value of `hook`.",
            "Or a bot: discord.com/developers, New Application, Bot, Reset Token; invite it to the server.",
        ],
        "teams" => vec![
            "In Teams: the channel's menu, Workflows, “Post to a channel when a webhook request is received”.",
            "Its address is the value of `hook`.",
        ],
        "webhook" => vec![
            "Make a secret: echo whsec_$(openssl rand -base64 32)",
            "Give it to the receiver, and put it where `secret` or `secret_file` of the endpoint says.",
        ],
        "linkedin" => {
            vec!["Give the endpoint client_id and client_secret of your app in place of `token`, and call this again."]
        }
        "x" => vec![
            "developer.x.com, your app, Keys and tokens: API key and secret, access token and secret, with read and write.",
            "Put them where consumer_key, consumer_secret, token and token_secret of the endpoint say.",
            "Or give the endpoint the client_id of your app in place of them, and call this again.",
        ],
        "threads" => {
            vec!["Give the endpoint client_id and client_secret of your app in place of `token`, and call this again."]
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_this_login_counts() {
        let attempt = Attempt { state: "abc".into(), verifier: "v".into() };
        let code = |pasted: &str| attempt.code(pasted).map(|code| code.expose().to_owned());
        assert_eq!(code(" https://localhost/crieur?code=c%2F1&state=abc\n").as_deref(), Ok("c/1"));
        // Threads adds #_ to the address.
        assert_eq!(code("https://localhost/crieur?code=c1&state=abc#_").as_deref(), Ok("c1"));
        for wrong in [
            "c1",
            "",
            "https://localhost/crieur?code=canari&state=other",
            "https://localhost/crieur?code=canari",
            "https://localhost/crieur?state=abc",
            "https://localhost/crieur?state=abc&code=",
        ] {
            assert!(code(wrong).is_err_and(|error| !error.contains("canari")), "{wrong}");
        }
        let denied = code("https://localhost/crieur?error=access_denied&error_description=Non&state=abc");
        assert!(denied.is_err_and(|error| error.ends_with("Non")));
    }

    #[test]
    fn a_challenge_is_that_of_the_standards_example() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt { state: String::new(), verifier };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let (one, two) = (Attempt::new().unwrap(), Attempt::new().unwrap());
        assert!(one.state != two.state && one.verifier != two.verifier && one.verifier.len() >= 43);
    }
}
