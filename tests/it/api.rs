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

/// A daemon with the API.
struct Running {
    place: Place,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn new(more: &str) -> Self {
        let place = Place::new();
        place.article("_communiques/ancien.md", "title: Ancien\ndate: 2020-01-01");
        place.article("_communiques/brouillon.md", "title: Secret\ndate: 2020-01-01\npublished: false");
        let daemon = Daemon::wire(place.config(&format!("{REST}{more}")), Clock::system(), false).await.unwrap();
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

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
            self.address
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

    async fn end(self) {
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
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["feeds", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/feeds").await);
    let said: Value = serde_json::from_str(&running.place.crieur(REST).ok(&["plan", "--json"])).unwrap();
    assert_eq!(said, running.get("/api/v1/plan").await);
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

#[test]
fn the_description_names_what_is_answered() {
    let text = std::fs::read_to_string("src/http/api/openapi.json").unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    let paths: Vec<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(paths, ["/feeds", "/posts", "/plan", "/publish-now"]);
}
