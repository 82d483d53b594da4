//! A real server with Mastodon's API: snac2, which ignores `Idempotency-Key` — the hard case. `scripts/test` installs it;
//! without it these tests say so and pass.

use crate::support::Place;
use crate::support::real::{get, picture};
use crieur::article::ArticleId;
use crieur::config::EndpointName;
use crieur::delivery::{DeliveryKey, Failure, Receipt};
use crieur::network::{Found, Means, Network, Wanted, connect};
use crieur::post::Post;
use crieur::store::Store;
use jiff::Timestamp;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of our own on a free port, with one account.
struct Snac {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
    token: String,
}

impl Drop for Snac {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn snac() -> Option<PathBuf> {
    let found = Command::new("snac").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if found {
        return Some(PathBuf::from("snac"));
    }
    assert!(std::env::var_os("CRIEUR_TEST_SNAC").is_none(), "snac is not installed");
    println!("skipped: snac, a real server with Mastodon's API, is not installed");
    None
}

#[expect(clippy::disallowed_methods, reason = "a real server is waited for in real time")]
impl Snac {
    fn start() -> Option<Self> {
        let program = snac()?;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let said = |arguments: &[&str], input: String| {
            let mut child = Command::new(&program)
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
        };
        let path = data.to_str().unwrap();
        said(&["init", path], format!("127.0.0.1\n{port}\nlocalhost:{port}\n\n\n"));
        let settings = std::fs::read_to_string(data.join("server.json"))
            .unwrap()
            .replace("\"protocol\": \"https\"", "\"protocol\": \"http\"");
        std::fs::write(data.join("server.json"), settings).unwrap();
        let added = said(&["adduser", path, "crieur"], "Crieur\n".to_owned());
        let password = added.lines().find_map(|line| line.strip_prefix("User password is ")).unwrap().trim().to_owned();
        let child =
            Command::new(&program).args(["httpd", path]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { child, folder, port, token: String::new() };
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "snac does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server.token = server.sign_in(&password);
        Some(server)
    }

    /// OAuth without a browser: application, code, token.
    fn sign_in(&self, password: &str) -> String {
        let out_of_band = "urn:ietf:wg:oauth:2.0:oob";
        let app = self.post(
            "/api/v1/apps",
            &[("client_name", "crieur"), ("redirect_uris", out_of_band), ("scopes", "read write")],
        );
        let app: serde_json::Value = serde_json::from_str(&app).unwrap();
        let (id, secret) = (app["client_id"].as_str().unwrap(), app["client_secret"].as_str().unwrap());
        let page = self.post(
            "/oauth/x-snac-login",
            &[("login", "crieur"), ("passwd", password), ("redir", out_of_band), ("cid", id), ("state", "")],
        );
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", id),
            ("client_secret", secret),
            ("redirect_uri", out_of_band),
            ("code", page.trim()),
        ];
        let token: serde_json::Value = serde_json::from_str(&self.post("/oauth/token", &fields)).unwrap();
        token["access_token"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let mut command = Command::new("curl");
        command.args(["-s", "-X", "POST"]);
        for (name, value) in fields {
            command.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let output = command.arg(format!("http://localhost:{}{path}", self.port)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The account's own posts, as the server lists them to anyone.
    fn posts(&self) -> usize {
        let posts = self.folder.path().join("data/user/crieur/public");
        std::fs::read_dir(posts).map_or(0, |entries| {
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "json")).count()
        })
    }

    fn endpoints(&self) -> String {
        format!(
            "endpoints: {{ snac: {{ network: mastodon, server: \"http://localhost:{}\", token: \"{}\", gap: 0s, allow_private: true }} }}\nrules: [{{ name: une, endpoints: [snac], live_check: false }}]\nbaseline: none\n",
            self.port, self.token
        )
    }
}

fn site() -> Place {
    let place = Place::new();
    for n in 0..3 {
        place.article(
            &format!("_actualites/a{n}.md"),
            &format!("title: « L’État » n° {n}\ndate: 2026-11-0{} 09:00:00 +01:00\ntags: [Cloud]", n + 1),
        );
    }
    place
}

#[test]
fn a_real_server_gets_each_post_once_and_its_receipts_are_true() {
    let Some(server) = Snac::start() else { return };
    let place = site();
    let crieur = place.crieur(&server.endpoints());
    assert!(crieur.ok(&["endpoints", "test", "snac"]).contains("@crieur"));
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["run", "--once"]);
    assert_eq!((crieur.published().len(), server.posts()), (3, 3));
}

#[test]
fn a_process_that_dies_after_the_server_took_the_post_finds_it_there() {
    let Some(server) = Snac::start() else { return };
    let place = site();
    let crieur = place.crieur(&server.endpoints());
    for (point, posts) in [("after-commit", 0), ("after-lease", 0), ("before-finish", 1)] {
        let died = crieur.command(&["run", "--once"]).env("CRIEUR_CRASH_AT", point).output().unwrap();
        assert!(!died.status.success());
        assert_eq!(server.posts(), posts, "{point}");
    }
    crieur.ok(&["run", "--once"]);
    assert_eq!((crieur.published().len(), server.posts()), (3, 3));
}

/// The network, as deliveries use it.
async fn network(server: &Snac, place: &Place) -> (Box<dyn Network>, Store) {
    let config = place.config(&server.endpoints());
    let store = Store::open(&config.store).await.unwrap();
    let name = EndpointName::new("snac");
    let network = connect(&name, &config.endpoints[&name], &Means::new(&config, &store)).unwrap();
    (network, store)
}

/// snac puts before what tells a post the second in which it was last changed, and looks only at what follows: the same
/// post by an id of before its edit and of after it.
fn without_second(receipt: Receipt) -> Receipt {
    let told = |id: &String| id.get(10..).unwrap_or(id).to_owned();
    Receipt { remote_id: told(&receipt.remote_id), parts: receipt.parts.iter().map(told).collect(), ..receipt }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_found_whole_or_gone_on_with_and_is_edited() {
    let Some(server) = Snac::start() else { return };
    let place = Place::new();
    let (network, store) = network(&server, &place).await;
    let now = Timestamp::UNIX_EPOCH;
    let article = ArticleId::mint("www.example.fr", "fil", &|_| false);
    let key = DeliveryKey::publication(article, "une", &EndpointName::new("snac"));
    let post = Post {
        text: "Un fil qui commence ici\n\nhttps://www.example.fr/fil/".into(),
        url: "https://www.example.fr/fil/".into(),
        language: "fr".into(),
        thread: vec!["Deuxième partie du fil".into(), "Troisième et dernière partie".into()],
        ..Post::default()
    };
    let receipt = network.publish(&post, &key, now).await.unwrap();
    assert_eq!((receipt.parts.len(), server.posts()), (2, 3));
    let wanted = Wanted { post: &post, key: &key, since: now, taken: &[] };
    assert_eq!(network.find(&wanted, now).await.unwrap(), Found::Yes(receipt.clone()));
    // A longer thread that was cut off after its third post is found in part, and only the rest is sent.
    let longer = Post { thread: [&post.thread[..], &["La suite qui manquait".to_owned()]].concat(), ..post.clone() };
    let wanted = Wanted { post: &longer, key: &key, since: now, taken: &[] };
    let Found::Part(begun) = network.find(&wanted, now).await.unwrap() else { panic!() };
    assert_eq!(begun, receipt);
    let whole = network.complete(&longer, &begun, &key, now).await.unwrap();
    assert_eq!((whole.parts.len(), server.posts()), (3, 4));
    assert_eq!(network.find(&wanted, now).await.unwrap(), Found::Yes(whole.clone()));
    let edited = Post { text: "Un fil corrigé\n\nhttps://www.example.fr/fil/".into(), ..longer.clone() };
    for _ in 0..2 {
        let receipt = network.edit(&whole, &edited, &key, now).await.unwrap();
        assert_eq!(without_second(receipt), without_second(whole.clone()));
    }
    assert_eq!(server.posts(), 4);
    let wanted = Wanted { post: &edited, key: &key, since: now, taken: &[] };
    let Found::Yes(found) = network.find(&wanted, now).await.unwrap() else { panic!() };
    assert_eq!(without_second(found), without_second(whole.clone()));
    let (image, _) = picture(&store, "Un point, et rien d’autre").await;
    let shown =
        Post { text: "Une image seule".into(), url: String::new(), thread: vec![], images: vec![image], ..post };
    let article = ArticleId::mint("www.example.fr", "image", &|_| false);
    let key = DeliveryKey::publication(article, "une", &EndpointName::new("snac"));
    let with_image = network.publish(&shown, &key, now).await.unwrap();
    let path = format!("http://localhost:{}/api/v1/statuses/{}", server.port, with_image.remote_id);
    let (_, status) = get(&path, Some(&server.token)).await;
    assert_eq!(status["media_attachments"][0]["description"], "Un point, et rien d’autre", "{status}");
    // snac does not let a program take a post away: it is told, and not taken for done.
    match network.withdraw(&whole, &key, now).await {
        Ok(()) => assert_eq!(server.posts(), 1),
        Err(Failure::Refused(reason)) => assert!(reason.contains("delete it on its page"), "{reason}"),
        Err(other) => panic!("{other:?}"),
    }
}
