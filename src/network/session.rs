//! The tokens of a login: kept sealed between runs, renewed in time, by one at a time.
//!
//! A renewal that fails for a moment disconnects nobody: the token that is there is used as long as it lasts. A network
//! that gives no new refresh token leaves the old one in place. Processes take turns in renewing: a refresh token may be good
//! for one use, and what another process kept is looked at first.

use super::caller::Caller;
use super::{Vault, answers};
use crate::delivery::Failure;
use crate::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use reqwest::{RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Mutex;

/// The name of a login's tokens in the vault.
const NAME: &str = "login";

/// How soon a renewal that failed is tried again, while the token still holds.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// Longest time that a process may take to renew a login, before another one may: longer than any request.
const RENEWAL_MAX: SignedDuration = SignedDuration::from_mins(3);

/// How often, half a second apart, one looks whether another process is done with renewing.
const LOOKS: u32 = 60;

/// The tokens of a login. They show themselves only where they are sent or sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    access: String,
    refresh: Option<String>,
    /// When the access token ends; None if the network does not say.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<Timestamp>,
}

impl Tokens {
    /// The token that requests carry.
    pub fn access(&self) -> Secret {
        Secret::new(&self.access)
    }

    /// The token that gets new ones.
    pub fn refresh(&self) -> Option<Secret> {
        self.refresh.as_ref().map(Secret::new)
    }

    /// Reads the answer of a token endpoint (RFC 6749, section 5.1). What it leaves out or leaves empty stays as it was.
    ///
    /// Errors: it holds no token.
    pub fn read(answer: &Value, before: Option<&Self>, now: Timestamp) -> Result<Self, Failure> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let end = |name: &str| {
            let seconds = answer.get(name)?.as_i64().filter(|seconds| *seconds > 0)?;
            now.checked_add(SignedDuration::from_secs(seconds)).ok()
        };
        let Some(access) = text("access_token") else {
            return Err(Failure::Unavailable("the network answered to a login without a token".to_owned()));
        };
        let refresh = text("refresh_token").map(str::to_owned);
        let is_new = refresh.is_some() && refresh != before.and_then(|before| before.refresh.clone());
        let refresh_end = end("refresh_token_expires_in");
        Ok(Self {
            access: access.to_owned(),
            expires_at: end("expires_in"),
            refresh_expires_at: refresh_end
                .or_else(|| before.filter(|_| !is_new).and_then(|before| before.refresh_expires_at)),
            refresh: refresh.or_else(|| before.and_then(|before| before.refresh.clone())),
        })
    }

    /// Whether it is time for new ones.
    fn is_due(&self, margin: SignedDuration, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end.saturating_sub(margin).unwrap_or(Timestamp::MIN) <= now)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// When a person has to log in again, if nothing else happens.
    pub fn end(&self) -> Option<Timestamp> {
        match self.refresh {
            Some(_) => self.refresh_expires_at,
            None => self.expires_at,
        }
    }
}

/// The login of one endpoint.
pub struct Session {
    vault: Vault,
    /// How long before its end a token is renewed.
    margin: SignedDuration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    /// Not before: the last renewal failed.
    again: Option<Timestamp>,
}

impl Session {
    /// The login of an endpoint; nothing is read yet.
    pub fn new(vault: Vault, margin: SignedDuration) -> Self {
        Self { vault, margin, state: Mutex::default() }
    }

    /// Gets the tokens of a new login with a request, and keeps them.
    ///
    /// Errors: the network gives none, or they cannot be kept.
    pub async fn redeem(&self, caller: &Caller, request: RequestBuilder, now: Timestamp) -> Result<Tokens, Failure> {
        let json = ask_for_tokens(caller, request, now)
            .await
            .map_err(|failure| failure.map(|why| format!("the network gave no token: {why}")))?;
        let tokens = Tokens::read(&json, None, now)?;
        hide(caller, &tokens);
        self.keep(&tokens).await.map_err(|error| {
            Failure::Unavailable(format!(
                "the tokens of the login cannot be kept: {error}; log in again when that is mended"
            ))
        })?;
        Ok(tokens)
    }

    /// Keeps a token that a person's login gave, sealed.
    ///
    /// Errors: it cannot be kept.
    pub async fn adopt(&self, token: &Secret) -> Result<Tokens, String> {
        let access = token.expose().to_owned();
        let tokens = Tokens { access, refresh: None, expires_at: None, refresh_expires_at: None };
        self.keep(&tokens).await?;
        Ok(tokens)
    }

    /// Keeps tokens, sealed.
    async fn keep(&self, tokens: &Tokens) -> Result<(), String> {
        let text = serde_json::to_string(tokens).map_err(|error| error.to_string())?;
        self.vault.put(NAME, &Secret::new(text)).await
    }

    /// The tokens as they are kept.
    pub async fn kept(&self) -> Option<Tokens> {
        let text = self.vault.get(NAME).await?;
        serde_json::from_str(text.expose()).ok()
    }

    /// The token that another process is just renewing: the old one as long as it lasts, else the new one.
    async fn renewed_by_another(
        &self,
        caller: &Caller,
        state: &mut State,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<Secret, Failure> {
        if !tokens.is_over(now) {
            return Ok(tokens.access());
        }
        for _ in 0..LOOKS {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if let Some(kept) = self.kept().await.filter(|kept| kept != tokens && !kept.is_over(now)) {
                return Ok(taken(caller, state, kept));
            }
        }
        Err(Failure::Unavailable("another process is renewing the login, and is not done yet".to_owned()))
    }

    /// Forgets what is in memory: the network did not accept it. A new login is found at the next use.
    pub async fn distrust(&self) {
        self.state.lock().await.tokens = None;
    }

    /// The token to send, renewed if it is time. `renewal` is the request that renews tokens; None if nothing can.
    ///
    /// Errors: nobody logged in, or the login is over.
    pub async fn token(
        &self,
        caller: &Caller,
        now: Timestamp,
        renewal: impl FnOnce(&Tokens) -> Option<RequestBuilder> + Send,
    ) -> Result<Secret, Failure> {
        // Whoever waits here finds the new tokens.
        let mut state = self.state.lock().await;
        let is_good = |tokens: &Option<Tokens>| tokens.as_ref().is_some_and(|tokens| !tokens.is_due(self.margin, now));
        if !is_good(&state.tokens) {
            state.tokens = self.kept().await.or(state.tokens.take());
        }
        let Some(tokens) = state.tokens.clone() else {
            return Err(Failure::Unauthorised(
                "nobody has logged in yet; run `crieur endpoints login` for it".to_owned(),
            ));
        };
        hide(caller, &tokens);
        let waits = state.again.is_some_and(|again| now < again);
        if is_good(&state.tokens) || (waits && !tokens.is_over(now)) {
            return Ok(tokens.access());
        }
        // A refresh token is often good for one use: two processes that renewed at once would lose the login.
        let turn = match self.vault.take_turn(NAME, RENEWAL_MAX, now).await {
            Ok(Some(turn)) => turn,
            Ok(None) => return self.renewed_by_another(caller, &mut state, &tokens, now).await,
            Err(_) if !tokens.is_over(now) => return Ok(tokens.access()),
            Err(error) => return Err(Failure::Unavailable(format!("the login cannot be renewed at present: {error}"))),
        };
        if let Some(kept) = self.kept().await.filter(|kept| *kept != tokens && !kept.is_due(self.margin, now)) {
            self.vault.give_back(turn).await;
            return Ok(taken(caller, &mut state, kept));
        }
        let renewed = match renewal(&tokens) {
            Some(request) => {
                ask_for_tokens(caller, request, now).await.and_then(|json| Tokens::read(&json, Some(&tokens), now))
            }
            None => Err(Failure::Unauthorised("the login is over".to_owned())),
        };
        match renewed {
            Ok(renewed) => {
                hide(caller, &renewed);
                if let Err(error) = self.keep(&renewed).await {
                    tracing::error!("the renewed tokens of a login cannot be kept: {error}");
                }
                self.vault.give_back(turn).await;
                Ok(taken(caller, &mut state, renewed))
            }
            Err(failure) => {
                self.vault.give_back(turn).await;
                // A person may have logged in again meanwhile.
                if let Some(kept) = self.kept().await.filter(|kept| *kept != tokens && !kept.is_over(now)) {
                    return Ok(taken(caller, &mut state, kept));
                }
                state.again = now.checked_add(AGAIN).ok();
                if !tokens.is_over(now) {
                    return Ok(tokens.access());
                }
                Err(match failure {
                    Failure::Refused(why) | Failure::Unauthorised(why) => {
                        Failure::Unauthorised(format!("{why}; log in again with `crieur endpoints login`"))
                    }
                    other => other.map(|why| format!("the login cannot be renewed at present: {why}")),
                })
            }
        }
    }
}

/// Takes tokens into use. The one to send.
fn taken(caller: &Caller, state: &mut State, tokens: Tokens) -> Secret {
    hide(caller, &tokens);
    let access = tokens.access();
    *state = State { tokens: Some(tokens), again: None };
    access
}

fn hide(caller: &Caller, tokens: &Tokens) {
    caller.hide(&tokens.access());
    if let Some(refresh) = tokens.refresh() {
        caller.hide(&refresh);
    }
}

/// Asks for tokens.
///
/// Errors: `Unauthorised` if what was shown for them is no good any more (RFC 6749, section 5.2: 400 or 401). Whatever else
/// goes wrong is not about the login: it is asked again later.
pub async fn ask_for_tokens(caller: &Caller, request: RequestBuilder, now: Timestamp) -> Result<Value, Failure> {
    let answer = caller.send_for_tokens(request).await.map_err(answers::of_a_question)?;
    if answer.status.is_success()
        && let Ok(json) = serde_json::from_str(&answer.body)
    {
        return Ok(json);
    }
    let answer = caller.cleaned(&answer);
    let failure = match answers::read_json(&answer, now) {
        Ok(json) => return Ok(json),
        Err(failure) => caller.redacted(failure),
    };
    Err(match (answer.status, failure) {
        (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED, failure) => {
            Failure::Unauthorised(failure.reason().to_owned())
        }
        (_, throttled @ Failure::Throttled { .. }) => throttled,
        (_, other) => Failure::Unavailable(other.reason().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_empty_refresh_token_never_takes_the_place_of_one() {
        let first = json!({ "access_token": "a1", "expires_in": 7200, "refresh_token": "r1", "refresh_token_expires_in": 31_536_000 });
        let first = Tokens::read(&first, None, now()).unwrap();
        assert_eq!(first.expires_at, Some("2026-11-22T12:00:00Z".parse().unwrap()));
        assert_eq!(first.end(), Some("2027-11-22T10:00:00Z".parse().unwrap()));
        for answer in [
            json!({ "access_token": "a2", "expires_in": 7200 }),
            json!({ "access_token": "a2", "expires_in": 7200, "refresh_token": "" }),
            json!({ "access_token": "a2", "expires_in": 7200, "refresh_token": null }),
            json!({ "access_token": "a2", "expires_in": 7200, "refresh_token": "r1" }),
        ] {
            let second = Tokens::read(&answer, Some(&first), now()).unwrap();
            assert_eq!((second.access.as_str(), second.refresh.as_deref()), ("a2", Some("r1")), "{answer}");
            assert_eq!(second.refresh_expires_at, first.refresh_expires_at, "{answer}");
        }
        let turned = json!({ "access_token": "a2", "refresh_token": "r2" });
        let turned = Tokens::read(&turned, Some(&first), now()).unwrap();
        assert_eq!((turned.refresh.as_deref(), turned.refresh_expires_at, turned.expires_at), (Some("r2"), None, None));
        for empty in [json!({}), json!({ "access_token": "" }), json!([]), json!({ "error": "x" })] {
            assert!(Tokens::read(&empty, Some(&first), now()).is_err(), "{empty}");
        }
    }

    #[test]
    fn a_token_is_due_before_it_is_over() {
        let tokens = Tokens::read(&json!({ "access_token": "a", "expires_in": 7200 }), None, now()).unwrap();
        let margin = SignedDuration::from_mins(5);
        let after = |minutes: i64| now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
        assert!(!tokens.is_due(margin, after(114)) && tokens.is_due(margin, after(115)));
        assert!(!tokens.is_over(after(119)) && tokens.is_over(after(120)));
        assert_eq!(tokens.end(), tokens.expires_at, "without a refresh token a person has to come");
    }
}
