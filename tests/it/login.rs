//! Logins: a person lets Crieur in once, the tokens are kept sealed and renewed by one at a time, and what fails for a moment
//! disconnects nobody.

use crate::support::Place;
use crate::support::fakes::linkedin::{Linkedin, SECRET};
use crate::support::fakes::webhook::{self, Webhook};
use crate::support::fakes::{self, Api, CANARY, Fake, Reply, Request};
use crieur::clock::Clock;
use crieur::config::{Config, EndpointName};
use crieur::deliver::Deliverer;
use crieur::delivery::Failure;
use crieur::network::login::Attempt;
use crieur::network::{Means, Network, connect, login};
use crieur::secret::Secret;
use crieur::store::Store;
use jiff::{SignedDuration, Timestamp};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;

const START: &str = "2026-11-22T10:00:00Z";
const TOKENS: &str = "/oauth/v2/accessToken";

fn yaml(fake: &Fake) -> String {
    format!(
        "endpoints: {{ page: {{ network: linkedin, server: \"{}\", client_id: app, client_secret: {SECRET}, organization: \"7\", version: \"202610\", allow_private: true }} }}",
        fake.url
    )
}

struct World {
    fake: Fake,
    place: Place,
    config: Arc<Config>,
    store: Store,
}

impl World {
    async fn new() -> Self {
        let fake = Fake::start(|url| Box::new(Linkedin::at(url))).await;
        let place = Place::new();
        let config = place.config(&yaml(&fake));
        let store = Store::open(&config.store).await.unwrap();
        Self { fake, place, config, store }
    }

    /// With a login that began at the start.
    async fn logged_in() -> Self {
        let world = Self::new().await;
        let (name, means) = world.means();
        let login = login(&name, &world.config.endpoints[&name], &means).unwrap().unwrap();
        login.redeem(&Attempt::new().unwrap(), &Secret::new("canari-code"), at(0)).await.unwrap();
        world
    }

    fn means(&self) -> (EndpointName, Means) {
        (EndpointName::new("page"), Means::new(&self.config, &self.store))
    }

    fn network(&self) -> Box<dyn Network> {
        let (name, means) = self.means();
        connect(&name, &self.config.endpoints[&name], &means).unwrap()
    }

    /// How often tokens were asked for.
    fn asked(&self) -> usize {
        self.fake.requests().iter().filter(|request| request.path == TOKENS).count()
    }
}

/// So many days after the start.
fn at(days: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_once_and_the_tokens_are_kept_sealed() {
    let world = World::new().await;
    let crieur = world.place.crieur(&yaml(&world.fake));
    let mut command = crieur.command(&["endpoints", "login", "page"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut shown = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(shown.read_line(&mut line).unwrap() > 0, "no address is shown");
            if line.starts_with("http") {
                break url::Url::parse(line.trim()).unwrap();
            }
        };
        let value = |name: &str| address.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!((value("response_type").as_str(), value("client_id").as_str()), ("code", "app"));
        assert_eq!(value("redirect_uri"), "https://localhost/crieur");
        assert!(value("scope").contains("w_organization_social"));
        let pasted = format!("https://localhost/crieur?code=canari-code&state={}\n", value("state"));
        child.stdin.take().unwrap().write_all(pasted.as_bytes()).unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut shown, &mut rest).unwrap();
        assert!(!rest.contains(CANARY), "{rest}");
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("logged in, until 20") && said.contains("the page “Agence”"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    for file in std::fs::read_dir(world.place.folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        // The configuration of this test holds the app's secret; nothing else may hold any.
        if file.file_name() != "crieur.yaml" {
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{:?}", file.path());
        }
    }
    // Another process finds the login.
    let crieur = world.place.crieur(&yaml(&world.fake));
    let tested = tokio::task::spawn_blocking(move || crieur.ok(&["endpoints", "test", "page"])).await.unwrap();
    assert!(tested.contains("the page “Agence”"), "{tested}");
    assert_eq!(world.fake.wrong(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_login_a_person_is_told_to_log_in() {
    let world = World::new().await;
    let asked = world.network().check(at(0)).await;
    assert!(matches!(asked, Err(Failure::Unauthorised(why)) if why.contains("crieur endpoints login")));
}

#[tokio::test]
async fn many_at_once_renew_a_login_once() {
    let world = World::logged_in().await;
    let network = world.network();
    assert!(network.check(at(10)).await.is_ok());
    assert_eq!(world.asked(), 1, "a login that holds is not renewed");
    let checks = (0..20).map(|_| network.check(at(55)));
    for checked in futures_util::future::join_all(checks).await {
        assert!(checked.is_ok(), "{checked:?}");
    }
    assert_eq!(world.asked(), 2);
    // The next process goes on with what was kept.
    assert!(world.network().check(at(56)).await.is_ok());
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn two_that_do_not_know_of_each_other_end_with_one_login() {
    let world = World::logged_in().await;
    let (one, other) = (world.network(), world.network());
    assert!(one.check(at(1)).await.is_ok() && other.check(at(1)).await.is_ok());
    assert!(one.check(at(55)).await.is_ok());
    assert!(other.check(at(55)).await.is_ok(), "the second one finds the tokens of the first");
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn processes_that_find_a_token_over_at_once_renew_it_once() {
    let world = World::logged_in().await;
    // Another process has connections of its own.
    let elsewhere = Store::open(&world.config.store).await.unwrap();
    let (name, _) = world.means();
    let means = Means::new(&world.config, &elsewhere);
    let other = connect(&name, &world.config.endpoints[&name], &means).unwrap();
    let one = world.network();
    let (first, second) = tokio::join!(one.check(at(61)), other.check(at(61)));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert_eq!(world.asked(), 2, "a refresh token may be good for one use");
    // One that died in the midst of it holds nobody up for ever; until then the old token is used as long as it lasts.
    let minutes = SignedDuration::from_mins;
    let (later, longest) = (at(116), minutes(3));
    assert!(elsewhere.take_turn(&name, "login", longest, later).await.unwrap().is_some());
    assert!(elsewhere.take_turn(&name, "login", longest, later + minutes(2)).await.unwrap().is_none());
    assert!(world.network().check(later + minutes(2)).await.is_ok());
    assert_eq!(world.asked(), 2);
    assert!(world.network().check(later + minutes(3)).await.is_ok());
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn a_renewal_that_fails_for_a_moment_disconnects_nobody() {
    let world = World::logged_in().await;
    let network = world.network();
    for reply in [Reply::text(503, "<h1>Panne</h1>"), Reply::text(429, ""), Reply::text(200, "<html>")] {
        world.fake.script(TOKENS, reply);
    }
    assert!(network.check(at(55)).await.is_ok(), "the token still holds");
    assert_eq!(world.asked(), 2);
    assert!(network.check(at(55)).await.is_ok());
    assert_eq!(world.asked(), 2, "not at once again");
    assert!(network.check(at(56)).await.is_ok());
    assert_eq!(world.asked(), 3);
    // The token is over, and the renewal still fails: it is waited for, and nobody is asked to log in.
    let over = network.check(at(61)).await;
    assert!(matches!(over, Err(Failure::Unavailable(_))), "{over:?}");
    assert!(network.check(at(62)).await.is_ok(), "it is renewed when the network is back");
    assert!(world.network().check(at(62)).await.is_ok(), "and kept");
}

#[tokio::test]
async fn a_login_that_is_over_asks_for_a_person() {
    let world = World::logged_in().await;
    let network = world.network();
    world.fake.script(
        TOKENS,
        Reply::text(400, r#"{"error":"invalid_grant","error_description":"canari-refresh-1 was revoked"}"#),
    );
    let over = network.check(at(61)).await;
    assert!(
        matches!(&over, Err(Failure::Unauthorised(why)) if why.contains("log in again") && !why.contains(CANARY)),
        "{over:?}"
    );
    // A new login, by another process, is found.
    let (name, means) = world.means();
    let login = login(&name, &world.config.endpoints[&name], &means).unwrap().unwrap();
    login.redeem(&Attempt::new().unwrap(), &Secret::new("canari-code"), at(61)).await.unwrap();
    assert!(network.check(at(61)).await.is_ok());
}

#[tokio::test]
async fn the_end_of_a_login_is_known_and_looking_keeps_it_alive() {
    let world = World::logged_in().await;
    let clock = Clock::by_hand(at(0));
    let deliverer = Deliverer::new(Arc::clone(&world.config), world.store.clone(), clock);
    let ends = deliverer.expiries(at(0)).await;
    // The refresh token lasts a year, and is not prolonged.
    assert_eq!(ends, [(EndpointName::new("page"), at(365))]);
    assert_eq!(deliverer.expiries(at(55)).await, ends);
    assert_eq!(world.asked(), 2, "it was renewed though nothing was posted");
}

#[test]
fn a_credential_without_a_login_is_explained() {
    let place = Place::new();
    let yaml = "endpoints: { j: { network: journal }, t: { network: telegram, token: x, channel: \"@agence\" } }";
    let crieur = place.crieur(yaml);
    assert!(crieur.ok(&["endpoints", "login", "t"]).contains("@BotFather"));
    assert!(crieur.ok(&["endpoints", "login", "j"]).contains("needs no credential"));
    assert_eq!(crieur.run(&["endpoints", "login", "nowhere"]).status.code(), Some(2));
}

#[test]
fn the_end_of_a_token_that_a_person_wrote_down_is_shown() {
    let place = Place::new();
    let yaml =
        "endpoints: { t: { network: telegram, token: x, channel: \"@agence\", token_expires: 2027-01-31 } }\nalerts: t";
    let shown = place.crieur(yaml).json(&["endpoints", "--json"]);
    assert_eq!(shown[0]["expires_at"], "2027-01-31T00:00:00Z");
    let wrong =
        "endpoints: { t: { network: telegram, token: x, channel: \"@agence\", token_expires: soon } }\nalerts: nobody";
    let output = place.crieur(wrong).run(&["endpoints"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is not a day") && said.contains("no endpoint `nobody`"), "{said}");
}

#[tokio::test]
async fn readers_of_an_endpoint_are_told_of_one_thing_once() {
    let fake = Fake::start(|_| Box::new(Webhook::default())).await;
    let place = Place::new();
    let config = place.config(&format!(
        "endpoints: {{ equipe: {{ network: webhook, hook: \"{}{}\", secret: \"{}\", allow_private: true }} }}\nalerts: equipe",
        fake.url,
        webhook::PATH,
        webhook::SECRET
    ));
    let store = Store::open(&config.store).await.unwrap();
    for _ in 0..2 {
        // Another process does not tell it again either.
        let deliverer = Deliverer::new(Arc::clone(&config), store.clone(), Clock::by_hand(at(0)));
        for _ in 0..2 {
            deliverer.tell(config.alerts.as_ref().unwrap(), "Crieur: it ends in 7 days", "x ends, 7").await.unwrap();
        }
    }
    assert_eq!((fake.texts(), fake.posts()), (vec!["Crieur: it ends in 7 days".to_owned()], 1));
}

#[test]
fn what_posts_to_come_cost_is_said() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Un\ndate: 2026-11-22 09:00:00 +00:00");
    let keys = "consumer_key: a, consumer_secret: b, token: c, token_secret: d";
    let yaml = |price: &str| {
        format!(
            "endpoints: {{ x: {{ network: x, {keys}{price} }} }}\nrules: [{{ name: une, endpoints: [x], fresh: 3650d }}]\nbaseline: none"
        )
    };
    for (price, expected) in [("", "costs 0.20 (1 at 0.20)"), (", price: 3", "costs 3.00 (1 at 3.00)")] {
        let output = place.crieur(&yaml(price)).run(&["plan"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(expected), "{said}");
    }
    assert!(place.crieur(&yaml(", price: 0")).run(&["plan"]).stderr.is_empty());
    assert_eq!(place.crieur(&yaml(", price: -1")).run(&["plan"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_mastodons_kind_shows_a_code_and_gives_a_token() {
    let fake = Fake::start(|_| Box::new(Instance)).await;
    let place = Place::new();
    let yaml = format!(
        "endpoints: {{ m: {{ network: mastodon, server: \"{}\", token: none, allow_private: true }} }}",
        fake.url
    );
    for (code, succeeds) in [("canari-code", true), ("canari-wrong", false)] {
        let mut command = place.crieur(&yaml).command(&["endpoints", "login", "m"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(format!("{code}\n").as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        });
        let output = output.await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), succeeds, "{said}");
        assert!(said.contains("/oauth/authorize?response_type=code&client_id=app-1&redirect_uri=urn%3Aietf"), "{said}");
        assert!(!said.contains(CANARY), "{said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), if succeeds { "canari-token\n" } else { "" });
    }
    assert_eq!(fake.wrong(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_at_a_server_of_mastodons_kind_is_kept_sealed() {
    let fake = Fake::start(|_| Box::new(Instance)).await;
    let place = Place::new();
    let yaml = |keys: &str| {
        let keys = format!("network: mastodon, server: \"{}\", {keys}, allow_private: true", fake.url);
        place.crieur(&format!("endpoints: {{ m: {{ {keys} }} }}"))
    };
    let crieur = yaml("login: true");
    let output = crieur.run(&["endpoints", "test", "m"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("crieur endpoints login"), "{said}");

    let mut command = crieur.command(&["endpoints", "login", "m"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"canari-code\n").unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("m: logged in, without an end that the network tells: @agence on 127.0.0.1"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert!(crieur.ok(&["endpoints", "test", "m"]).contains("@agence"));
    for entry in std::fs::read_dir(place.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"canari-token"), "{}", entry.path().display());
    }
    let output = yaml("login: true, token: abc").run(&["check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("endpoints.m.login: there is a token as well"), "{said}");
    assert_eq!(fake.wrong(), Vec::<String>::new());
}

/// The part of Mastodon's API that gives tokens.
struct Instance;

impl Api for Instance {
    fn answer(&mut self, request: &Request) -> Result<Reply, String> {
        match request.line() {
            ("POST", "/api/v1/apps") => {
                let app = request.json()?;
                fakes::only(&app, &["client_name", "redirect_uris", "scopes"])?;
                Ok(Reply::json(
                    200,
                    &serde_json::json!({ "id": "1", "client_id": "app-1", "client_secret": "canari-app" }),
                ))
            }
            ("GET", "/api/v1/accounts/verify_credentials") => match request.header("authorization") {
                "Bearer canari-token" => Ok(Reply::json(200, &serde_json::json!({ "id": "1", "acct": "agence" }))),
                other => Err(format!("`authorization` is `{other}`")),
            },
            ("GET", "/api/v1/apps/verify_credentials" | "/api/v2/instance" | "/api/v1/instance") => {
                Ok(Reply::json(404, &serde_json::json!({ "error": "Record not found" })))
            }
            ("POST", "/oauth/token") => {
                let form = request.form()?;
                let is_ours = form["client_id"] == "app-1" && form["client_secret"] == "canari-app";
                match is_ours && form["grant_type"] == "authorization_code" && form["code"] == "canari-code" {
                    true => Ok(Reply::json(
                        200,
                        &serde_json::json!({ "access_token": "canari-token", "token_type": "Bearer" }),
                    )),
                    false => Ok(Reply::json(
                        400,
                        &serde_json::json!({ "error": "invalid_grant", "error_description": form["code"] }),
                    )),
                }
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
