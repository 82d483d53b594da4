//! How X and Threads give tokens for a code, and new ones for old ones: each request is judged as their documentation has
//! it (docs.x.com, “OAuth 2.0 Authorization Code Flow with PKCE”; developers.facebook.com, “Long-Lived Tokens”).

use crate::support::Place;
use crate::support::fakes::{Api, CANARY, Fake, Reply, Request};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use crieur::config::EndpointName;
use crieur::delivery::Failure;
use crieur::network::login::Attempt;
use crieur::network::{Means, connect, login};
use crieur::secret::Secret;
use crieur::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn is(what: &str, found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("`{what}` is not `{wanted}`")) }
}

fn wrong(code: u16, error: &str) -> Reply {
    Reply::json(code, &json!({ "error": error, "error_description": "Value passed was invalid." }))
}

/// X: a refresh token is good once, an access token for two hours.
#[derive(Default)]
struct X {
    given: usize,
}

impl X {
    fn give(&mut self) -> Reply {
        self.given += 1;
        let n = self.given;
        let tokens = json!({ "token_type": "bearer", "expires_in": 7200, "access_token": format!("{CANARY}-a{n}"), "refresh_token": format!("{CANARY}-r{n}"), "scope": "tweet.read" });
        Reply::json(200, &tokens)
    }
}

impl Api for X {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        match request.line() {
            ("POST", "/2/oauth2/token") => {
                let form = request.form()?;
                let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("app:{CANARY}-app")));
                is("authorization", request.header("authorization"), &basic)?;
                is("client_id", &form["client_id"], "app")?;
                if form["grant_type"] == "refresh_token" {
                    let newest = format!("{CANARY}-r{}", self.given);
                    return Ok(if form["refresh_token"] == newest {
                        self.give()
                    } else {
                        wrong(400, "invalid_request")
                    });
                }
                is("grant_type", &form["grant_type"], "authorization_code")?;
                is("redirect_uri", &form["redirect_uri"], "https://localhost/crieur")?;
                // RFC 7636, section 4.1.
                if !(43..=128).contains(&form["code_verifier"].len()) {
                    return Err("the verifier has a length that no verifier has".to_owned());
                }
                Ok(if form["code"] == format!("{CANARY}-code") { self.give() } else { wrong(400, "invalid_request") })
            }
            ("GET", "/2/users/me") => {
                is("authorization", request.header("authorization"), &format!("Bearer {CANARY}-a{}", self.given))?;
                Ok(Reply::json(200, &json!({ "data": { "id": "9", "username": "agence" } })))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, _request: &Request) -> bool {
        false
    }

    fn texts(&self) -> Vec<String> {
        Vec::new()
    }

    fn unknown(&self) -> Reply {
        Reply::text(401, "")
    }

    fn unwanted(&self) -> Reply {
        Reply::text(422, "")
    }
}

/// Threads: a code gives a token for an hour, which gives one for sixty days, which renews itself.
#[derive(Default)]
struct Threads {
    given: usize,
}

impl Threads {
    fn give(&mut self) -> Reply {
        self.given += 1;
        let token = format!("{CANARY}-long{}", self.given);
        Reply::json(200, &json!({ "access_token": token, "token_type": "bearer", "expires_in": 5_184_000 }))
    }
}

fn value<'a>(request: &'a Request, name: &str) -> &'a str {
    request.query.get(name).map_or("", String::as_str)
}

impl Api for Threads {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        match request.line() {
            ("POST", "/oauth/access_token") => {
                let form = request.form()?;
                is("grant_type", &form["grant_type"], "authorization_code")?;
                is("client_id", &form["client_id"], "app")?;
                is("client_secret", &form["client_secret"], &format!("{CANARY}-app"))?;
                is("redirect_uri", &form["redirect_uri"], "https://localhost/crieur")?;
                if form["code"] != format!("{CANARY}-code") {
                    let error = json!({ "error_type": "OAuthException", "code": 400, "error_message": "Invalid authorization code" });
                    return Ok(Reply::json(400, &error));
                }
                Ok(Reply::json(200, &json!({ "access_token": format!("{CANARY}-short"), "user_id": 17 })))
            }
            ("GET", "/access_token") => {
                is("grant_type", value(request, "grant_type"), "th_exchange_token")?;
                is("client_secret", value(request, "client_secret"), &format!("{CANARY}-app"))?;
                is("access_token", value(request, "access_token"), &format!("{CANARY}-short"))?;
                Ok(self.give())
            }
            ("GET", "/refresh_access_token") => {
                is("grant_type", value(request, "grant_type"), "th_refresh_token")?;
                is("access_token", value(request, "access_token"), &format!("{CANARY}-long{}", self.given))?;
                Ok(self.give())
            }
            ("GET", path) if path.ends_with("/me") => {
                let shown = request.header("authorization").trim_start_matches("Bearer ");
                let shown = if shown.is_empty() { value(request, "access_token") } else { shown };
                is("access_token", shown, &format!("{CANARY}-long{}", self.given))?;
                Ok(Reply::json(200, &json!({ "id": "17", "username": "agence" })))
            }
            _ => Err("no such method".to_owned()),
        }
    }

    fn posts(&self, _request: &Request) -> bool {
        false
    }

    fn texts(&self) -> Vec<String> {
        Vec::new()
    }

    fn unknown(&self) -> Reply {
        Reply::text(401, "")
    }

    fn unwanted(&self) -> Reply {
        Reply::text(422, "")
    }
}

fn after(start: Timestamp, hours: i64) -> Timestamp {
    start.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

/// Logs in, is known, is known by a renewed token after so many hours, and is refused with a wrong code.
async fn exchanges(network: &str, api: fn(&str) -> Box<dyn Api>, hours: i64) -> Vec<Request> {
    let fake = Fake::start(api).await;
    let place = Place::new();
    let keys = format!("server: \"{}\", client_id: app, client_secret: {CANARY}-app", fake.url);
    let config =
        place.config(&format!("endpoints: {{ compte: {{ network: {network}, {keys}, allow_private: true }} }}"));
    let store = Store::open(&config.store).await.unwrap();
    let (name, means) = (EndpointName::new("compte"), Means::new(&config, &store));
    let (endpoint, start) = (&config.endpoints[&name], "2026-11-22T10:00:00Z".parse().unwrap());
    let door = login(&name, endpoint, &means).unwrap().unwrap();
    let attempt = Attempt::new().unwrap();

    let refused = door.redeem(&attempt, &Secret::new(format!("{CANARY}-other")), start).await.err().unwrap();
    assert!(matches!(refused, Failure::Unauthorised(_)), "{network}: {refused:?}");
    assert!(!refused.reason().contains(CANARY), "{network}: {}", refused.reason());

    door.redeem(&attempt, &Secret::new(format!("{CANARY}-code")), start).await.unwrap();
    let account = connect(&name, endpoint, &means).unwrap();
    assert_eq!(account.check(start).await.unwrap(), "@agence", "{network}");
    account.renew(after(start, hours)).await;
    assert_eq!(account.check(after(start, hours)).await.unwrap(), "@agence", "{network}");
    assert_eq!(fake.wrong(), Vec::<String>::new(), "{network}");

    let address = door.address(&attempt);
    let shown: Value = address.query_pairs().map(|(key, value)| (key.into_owned(), json!(value))).collect();
    assert_eq!((&shown["client_id"], &shown["response_type"]), (&json!("app"), &json!("code")), "{network}");
    assert_eq!(shown["state"], json!(attempt.state), "{network}");
    if let Some(challenge) = shown.get("code_challenge") {
        let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier.as_bytes()));
        assert_eq!((challenge, &shown["code_challenge_method"]), (&json!(proof), &json!("S256")), "{network}");
    }
    fake.requests()
}

#[tokio::test]
async fn x_gives_tokens_for_a_code_and_its_verifier_and_renews_them() {
    let requests = exchanges("x", |_| Box::new(X::default()), 2).await;
    let asked: Vec<_> = requests.iter().filter(|one| one.path == "/2/oauth2/token").collect();
    let grants: Vec<String> = asked.iter().map(|one| one.form().unwrap()["grant_type"].clone()).collect();
    assert_eq!(grants, ["authorization_code", "authorization_code", "refresh_token"]);
}

#[tokio::test]
async fn threads_gives_a_token_for_a_code_a_longer_one_for_that_and_renews_it() {
    let requests = exchanges("threads", |_| Box::new(Threads::default()), 24 * 31).await;
    let roads: Vec<&str> = requests.iter().map(|one| one.path.rsplit('/').next().unwrap_or("")).collect();
    assert_eq!(roads, ["access_token", "access_token", "access_token", "me", "refresh_access_token", "me"]);
}
