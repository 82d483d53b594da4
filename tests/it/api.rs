//! The API: who is answered, that it says what the commands say, and that what is asked for twice goes out once.

use crate::support::Place;
use crate::support::server::{Answer, soon};
use crieur::clock::Clock;
use crieur::daemon::Daemon;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const REST: &str = "endpoints: { essai: { network: journal }, autre: { network: journal } }\nrules:\n- { name: tout, endpoints: [essai] }\n";
const TOKEN: &str = "un jeton que personne ne devine";

/// A daemon with the API and the pages.
pub struct Running {
    pub place: Place,
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn new(more: &str) -> Self {
        let place = Place::new();
        place.article("_communiques/ancien.md", "title: Ancien\ndate: 2020-01-01");
        place.article("_communiques/brouillon.md", "title: Secret\ndate: 2020-01-01\npublished: false");
        Self::of(place, &format!("{REST}{more}")).await
    }

    pub async fn of(place: Place, rest: &str) -> Self {
        let daemon = Daemon::wire(place.config(rest), Clock::system(), false).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut looked = daemon.snapshots();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            daemon.run(listener, stopped).await.unwrap();
        });
        soon(looked.wait_for(Option::is_some)).await.unwrap();
        drop(looked);
        Self { place, address, stop, task }
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let host = if headers.starts_with("Host: ") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        soon(stream.read_to_end(&mut bytes)).await.unwrap();
        Answer::read(&bytes, false).unwrap().0
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, "", "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"), "{path}");
        serde_json::from_str(answer.text()).unwrap()
    }

    async fn publish(&self, headers: &str, order: &Value) -> (u16, Value) {
        let answer = self.ask("POST", "/api/v1/publish-now", headers, &order.to_string()).await;
        (answer.status.as_u16(), serde_json::from_str(answer.text()).unwrap())
    }

    pub async fn end(self) {
        self.stop.send(()).unwrap();
        soon(self.task).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_ten_times_at_once_goes_out_once() {
    let running = Running::new("").await;
    let order = json!({ "article": "ancien" });
    let ten: Vec<_> = (0..10).map(|_| running.publish("", &order)).collect();
    let answers = futures_util::future::join_all(ten).await;
    for (status, answer) in &answers {
        assert_eq!(
            (*status, &answer[0]["state"], &answer[0]["remote_url"]),
            (200, &json!("published"), &json!("/timeline#post-1")),
            "{answer}"
        );
    }
    let posts = running.get("/api/v1/posts?state=published").await;
    assert_eq!(posts.as_array().unwrap().len(), 1, "{posts}");
    assert_eq!((&posts[0]["endpoint"], &posts[0]["path"]), (&json!("essai"), &json!("_communiques/ancien.md")));
    // What the API says is what the command says.
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["posts", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/posts").await);
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["posts", "show", "1", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/posts/1").await);
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["feeds", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/feeds").await);
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["plan", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/plan").await);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_told_as_the_command_tells_it() {
    let rest = "endpoints: { essai: { network: journal } }\ncampaigns: [{ name: serie, articles: [_communiques/un.md, _communiques/deux.md], endpoints: [essai], slots: \"0 9 * * *\" }]\n";
    let place = Place::new();
    for name in ["un", "deux"] {
        place.article(&format!("_communiques/{name}.md"), &format!("title: Article {name}\ndate: 2020-01-01"));
    }
    let running = Running::of(place, rest).await;
    let told = running.get("/api/v1/campaigns").await;
    let said: Value = serde_json::from_str(&running.place.crieur(rest).ok(&["campaigns", "--json"])).unwrap();
    assert_eq!(told, said);
    assert_eq!((&told[0]["name"], &told[0]["articles"], &told[0]["posted"]), (&json!("serie"), &json!(2), &json!(0)));
    assert_eq!(told[0]["next"]["path"], "_communiques/un.md", "{told}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_refused_and_nothing_of_a_draft_is_told() {
    let running = Running::new("").await;
    for (order, status) in [
        (json!({ "article": "brouillon" }), 409),
        (json!({ "article": "rien" }), 404),
        (json!({ "article": "ancien", "endpoints": ["nulle-part"] }), 422),
        (json!({ "article": "ancien", "text": "{{ tilte }}" }), 422),
        (json!({ "article": "ancien", "endpoint": "essai" }), 400),
        (json!([]), 400),
    ] {
        let (found, why) = running.publish("", &order).await;
        assert_eq!((found, &why["status"]), (status, &json!(status)), "{order}: {why}");
        assert!(!why.to_string().contains("Secret"), "{why}");
    }
    let key = "Idempotency-Key: une-fois\r\n";
    let (first, second) = (json!({ "article": "ancien" }), json!({ "article": "ancien", "endpoints": ["autre"] }));
    assert_eq!(running.publish(key, &first).await.0, 200);
    assert_eq!(running.publish(key, &first).await.0, 200, "the same request again");
    assert_eq!(running.publish(key, &second).await.0, 422, "another one under its key");
    for path in ["/api/v1/posts?state=lost", "/api/v1/posts?stat=held", "/api/v1/plan?until=demain"] {
        assert_eq!(running.ask("GET", path, "", "").await.status, 400, "{path}");
    }
    assert_eq!(running.ask("GET", "/api/v1/nothing", "", "").await.status, 404);
    assert_eq!(running.ask("DELETE", "/api/v1/posts", "", "").await.status, 405);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_bears_the_token_is_answered() {
    let running = Running::new(&format!("http: {{ admin_token: \"{TOKEN}\" }}\n")).await;
    let status = async |headers: &str| running.ask("GET", "/api/v1/posts", headers, "").await.status.as_u16();
    assert_eq!(status("").await, 401);
    assert_eq!(status("Authorization: Bearer un jeton\r\n").await, 401);
    assert_eq!(status(&format!("Authorization: Basic {TOKEN}\r\n")).await, 401);
    assert_eq!(status(&format!("authorization: bearer {TOKEN}\r\n")).await, 200);
    let (refused, _) = running.publish("", &json!({ "article": "ancien" })).await;
    assert_eq!(refused, 401);
    assert_eq!(running.get("/api/v1/openapi.json").await["openapi"], "3.1.0", "what there is to ask is no secret");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_only_programs_of_this_machine_are_answered() {
    let running = Running::new("").await;
    for headers in ["Origin: https://ailleurs.example\r\n", "X-Forwarded-For: 192.0.2.7\r\n"] {
        assert_eq!(running.ask("GET", "/api/v1/posts", headers, "").await.status, 403, "{headers}");
    }
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"GET /api/v1/posts HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(Answer::read(&bytes, false).unwrap().0.status, 403, "a name that was turned to this machine");
    running.end().await;
}

const PEOPLE: &str = "http: { admin_token: un-jeton-que-personne-ne-devine, people: { aya: { name: Aya Ndiaye, token: jeton-de-aya-0123456 }, bo: { token: jeton-de-bo-012345678 }, chi: { token: jeton-de-chi-01234567 } } }\n";
const APPROVED: &str = "endpoints: { essai: { network: journal } }\nrules:\n- { name: une, endpoints: [essai], approval: { required: 2 } }\n";

fn bearer(who: &str) -> String {
    let token = match who {
        "admin" => "un-jeton-que-personne-ne-devine",
        "aya" => "jeton-de-aya-0123456",
        "bo" => "jeton-de-bo-012345678",
        _ => "jeton-de-chi-01234567",
    };
    format!("Authorization: Bearer {token}\r\n")
}

impl Running {
    /// A word of somebody, and what it is answered.
    async fn say(&self, who: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.ask(method, &format!("/api/v1{path}"), &bearer(who), body).await;
        (answer.status.as_u16(), serde_json::from_str(answer.text()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_known_by_their_tokens_and_nobody_approves_their_own() {
    let place = Place::new();
    place.article("_communiques/annonce.md", "title: Annonce\ndate: 2020-01-01\nauthor: Aya Ndiaye");
    let running = Running::of(place, &format!("{APPROVED}{PEOPLE}")).await;
    let order = json!({ "article": "annonce", "text": "{{ title }}, par Bo" }).to_string();
    let (status, asked) = running.say("bo", "POST", "/publish-now", &order).await;
    assert_eq!((status, &asked[0]["state"]), (200, &json!("held")), "{asked}");
    let (_, post) = running.say("chi", "GET", "/posts/1", "").await;
    assert_eq!(post["composed"]["text"], "Annonce, par Bo", "the text that was asked for: {post}");
    let print = post["composed"]["print"].as_str().unwrap();
    let approve = async |who: &str, body: Value| running.say(who, "POST", "/posts/1/approve", &body.to_string()).await;
    for (who, why) in [("aya", "Aya Ndiaye"), ("bo", "bo asked for this post"), ("admin", "aya, bo, chi")] {
        let (status, problem) = approve(who, json!({})).await;
        assert_eq!((status, problem["detail"].as_str().unwrap().contains(why)), (403, true), "{who}: {problem}");
    }
    assert_eq!(approve("chi", json!({ "print": "0123456789ab" })).await.0, 409, "it is not what Chi saw");
    assert_eq!(approve("chi", json!({ "print": "another" })).await.0, 422, "it is no print");
    for _ in 0..2 {
        let (status, post) = approve("chi", json!({ "print": print })).await;
        assert_eq!((status, &post["state"]), (200, &json!("held")), "one of two, however often: {post}");
    }
    // By command it is the same: Aya is the author, by either name, and a stranger is nobody.
    let crieur = running.place.crieur(&format!("{APPROVED}{PEOPLE}"));
    for (name, code) in [("Aya Ndiaye", 1), ("aya", 1), ("bo", 1), ("chi", 1), ("dan", 2)] {
        let output = crieur.run(&["posts", "approve", "1", "--as", name]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let (_, post) = running.say("chi", "GET", "/posts/1", "").await;
    let acts: Vec<_> =
        post["acts"].as_array().unwrap().iter().map(|act| (&act["person"], &act["road"], &act["act"])).collect();
    let (bo, chi, api) = (json!("bo"), json!("chi"), json!("api"));
    assert_eq!(acts, [(&bo, &api, &json!("publish now")), (&chi, &api, &json!("approve"))]);
    let log = crieur.ok(&["log", "export"]);
    let told = log.lines().filter(|line| line.contains("\"act\"") && line.contains("\"api\"")).count();
    assert_eq!(told, 2, "{log}");
    crieur.ok(&["log", "verify"]);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_is_repeated_changes_nothing_and_one_that_does_not_fit_is_refused() {
    let running = Running::new(PEOPLE).await;
    let (_, asked) = running.say("aya", "PUT", "/silence", "{\"reason\": \" deuil \"}").await;
    assert_eq!((&asked["silent"], &asked["reason"], &asked["by"]), (&json!(true), &json!("deuil"), &json!("aya")));
    let (_, asked) = running.say("bo", "PUT", "/silence", "{\"reason\": \"autre\"}").await;
    assert_eq!(asked["reason"], "deuil", "it holds already");
    assert_eq!(running.say("bo", "PUT", "/silence", "{\"reason\": \" \"}").await.0, 422);
    let order = json!({ "article": "ancien", "wait": "0s" }).to_string();
    assert_eq!(running.say("aya", "POST", "/publish-now", &order).await.1[0]["state"], "pending");
    for (word, body, status, state) in [
        ("hold", "", 200, "held"),
        ("hold", "{}", 200, "held"),
        ("retry", "", 409, ""),
        ("resolve", "{\"not_published\": true}", 409, ""),
        ("resolve", "{}", 422, ""),
        ("resolve", "{\"published\": \"nowhere\"}", 422, ""),
        ("hold", "{\"print\": \"x\"}", 400, ""),
        ("hold", "{\"colour\": 1}", 400, ""),
        ("forget", "", 404, ""),
        ("approve", "", 200, "pending"),
        ("approve", "", 200, "pending"),
        ("cancel", "", 200, "cancelled"),
        ("cancel", "", 200, "cancelled"),
        ("hold", "", 409, ""),
        ("retry", "", 200, "pending"),
        ("retry", "", 200, "pending"),
        ("withdraw", "", 409, ""),
        ("edit", "", 409, ""),
        ("keep", "", 409, ""),
        ("hurry", "", 200, "pending"),
        ("hurry", "", 200, "pending"),
        ("hurry", "{\"print\": \"x\"}", 400, ""),
    ] {
        let (found, answer) = running.say("aya", "POST", &format!("/posts/1/{word}"), body).await;
        assert_eq!((found, answer["state"].as_str().unwrap_or("")), (status, state), "{word} {body}: {answer}");
    }
    assert_eq!(running.say("aya", "POST", "/posts/2/hold", "").await.0, 404);
    assert_eq!(running.say("aya", "GET", "/posts/two", "").await.0, 404);
    let words: Vec<_> = running.say("aya", "GET", "/posts/1", "").await.1["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["act"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words, ["publish now", "hold", "approve", "cancel", "retry", "hurry"], "each once");
    let (_, silence) = running.say("bo", "DELETE", "/silence", "").await;
    assert_eq!(silence, json!({ "silent": false, "since": null, "reason": null, "by": null }));
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["endpoints", "--json"])).unwrap();
    assert_eq!(said, running.say("chi", "GET", "/endpoints", "").await.1);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_wrong_tokens_waits() {
    let running = Running::new(PEOPLE).await;
    for _ in 0..10 {
        let answer = running.ask("GET", "/api/v1/posts", "Authorization: Bearer deviné\r\n", "").await;
        assert_eq!(answer.status, 401);
    }
    for _ in 0..10 {
        let answer = running.ask("GET", "/api/v1/posts", "Authorization: Bearer devine\r\n", "").await;
        assert!(matches!(answer.status.as_u16(), 401 | 429), "{}", answer.status);
    }
    let answer = running.ask("GET", "/api/v1/posts", &bearer("aya"), "").await;
    assert_eq!(answer.status, 429, "with a right one too");
    assert!((1..=6).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    running.end().await;
}

#[test]
fn the_description_names_what_is_answered() {
    let text = std::fs::read_to_string("src/http/api/openapi.json").unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    let paths: Vec<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let words = ["approve", "hold", "cancel", "retry", "resolve", "withdraw", "hurry", "edit", "keep"]
        .map(|word| format!("/posts/{{id}}/{word}"));
    let words = words.iter().map(String::as_str);
    let expected = ["/feeds", "/posts", "/posts/{id}"].into_iter().chain(words);
    assert_eq!(
        paths,
        expected.chain(["/plan", "/campaigns", "/silence", "/endpoints", "/publish-now"]).collect::<Vec<_>>()
    );
    // Everything that is referred to is there.
    for reference in text.split("\"$ref\": \"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(description["components"]["schemas"][name].is_object(), "{name}");
    }
}
