//! Exports to object storage: against s3s-fs, a service that checks signatures, and over a wire that fails.

use crate::support::s3::{ACCESS_KEY, SECRET_KEY, Service};
use crate::support::wire::{Mode, answer, refusal};
use crate::support::{Place, parse};
use crieur::clock::Clock;
use crieur::daemon::Daemon;
use crieur::export::{Bucket, Patience, Report, Wanted};
use crieur::reconcile::Reconciler;
use std::collections::BTreeSet;
use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const LIST: &str = ".crieur-objects.json";

fn site() -> Place {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Un\ndate: 2026-11-01\ntags: [Cloud]");
    place.article("_communiques/b.md", "title: Deux\ndate: 2026-11-02");
    place
}

fn once(place: &Place, service: &Service, to: &str, more: &str) -> Output {
    let aliases = "aliases: { /feed.xml: /feeds/all.rss }";
    place.crieur(&format!("feeds: {{ {}, {aliases} }}", service.yaml(to, more))).run(&["run", "--once"])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The requests that write or remove an object other than the list.
fn writes(seen: &[String]) -> Vec<&String> {
    seen.iter()
        .filter(|request| !request.starts_with("GET") && !request.starts_with("HEAD"))
        .filter(|r| !r.contains(LIST))
        .collect()
}

#[tokio::test]
async fn feeds_stand_in_a_bucket_as_they_are_served_with_their_headers() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let output = once(&place, &service, "s3://flux/press/feeds", "");
    assert!(output.status.success(), "{}", said(&output));
    let out = place.path("out");
    place.crieur("feeds: { aliases: { /feed.xml: /feeds/all.rss } }").ok(&["build", "--out", out.to_str().unwrap()]);
    for (name, kind) in [
        ("feeds/all.rss", "application/rss+xml; charset=utf-8"),
        ("feeds/tag/cloud.atom", "application/atom+xml; charset=utf-8"),
        ("feeds/collection/actualites.json", "application/feed+json"),
        ("feed.xml", "application/rss+xml; charset=utf-8"),
    ] {
        let stored = service.stored(&format!("press/feeds/{name}")).await.unwrap();
        assert_eq!(stored.body, fs::read(out.join(name)).unwrap(), "{name}");
        assert_eq!(stored.content_type.as_deref(), Some(kind), "{name}");
        assert_eq!(stored.cache_control.as_deref(), Some("public, max-age=300"), "{name}");
        assert_eq!(stored.content_encoding, None, "{name}");
    }
    // As many as files, but the list of what is ours.
    let files = fs::read_to_string(out.join(".crieur-files")).unwrap().lines().count();
    assert_eq!(service.keys().await.len(), files + 1);
}

#[tokio::test]
async fn objects_can_be_stored_compressed_and_changing_that_writes_them_again() {
    let Some(service) = Service::start() else { return };
    let place = site();
    assert!(once(&place, &service, "s3://flux", "").status.success());
    let plain = service.stored("feeds/all.rss").await.unwrap().body;
    assert!(once(&place, &service, "s3://flux", ", content_encoding: gzip").status.success());
    let stored = service.stored("feeds/all.rss").await.unwrap();
    assert_eq!(stored.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(stored.content_type.as_deref(), Some("application/rss+xml; charset=utf-8"));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*stored.body), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

#[test]
fn a_wrong_key_is_refused_and_it_is_said_which_one_to_look_at() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let with = |access: &str, secret: &str| {
        let yaml = service.yaml("s3://flux", "").replace(ACCESS_KEY, access).replace(SECRET_KEY, secret);
        let crieur = place.crieur(&format!("feeds: {{ {yaml} }}"));
        let output = crieur.run(&["run", "--once"]);
        assert_eq!(output.status.code(), Some(1));
        said(&output)
    };
    let text = with(ACCESS_KEY, "wr0ng-canary");
    assert!(text.contains("feeds.s3.secret_key does not belong to feeds.s3.access_key"), "{text}");
    assert!(!text.contains("wr0ng-canary"), "{text}");
    let text = with("AKIANOBODY", SECRET_KEY);
    assert!(text.contains("feeds.s3.access_key"), "{text}");
    assert!(!text.contains(SECRET_KEY) && !text.contains("AKIANOBODY"), "{text}");
    // Keys of the environment are called by their own names.
    let yaml =
        service.yaml("s3://flux", "").replace(&format!(", access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}"), "");
    let crieur = place.crieur(&format!("feeds: {{ {yaml} }}"));
    let run = |secret: &str| {
        crieur
            .command(&["run", "--once"])
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", secret)])
            .output()
            .unwrap()
    };
    let text = said(&run("wr0ng-canary"));
    assert!(text.contains("AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID"), "{text}");
    let output = run(SECRET_KEY);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_role_that_a_container_is_given_is_taken_where_there_are_no_keys() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let keys = format!(
        "{{\"AccessKeyId\":\"{ACCESS_KEY}\",\"SecretAccessKey\":\"{SECRET_KEY}\",\"Token\":\"t0ken\",\"Expiration\":\"2100-01-01T00:00:00Z\"}}"
    );
    let giver = crate::support::wire::Wire::to(service.wire.address);
    giver.set(Mode::Answer(answer(200, "application/json", &keys)));
    let token = place.path("token");
    fs::write(&token, "container").unwrap();
    let yaml =
        service.yaml("s3://flux", "").replace(&format!(", access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}"), "");
    let crieur = place.crieur(&format!("feeds: {{ {yaml} }}"));
    let output = crieur
        .command(&["run", "--once"])
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", giver.endpoint()))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(giver.seen().iter().all(|request| request == "GET /credentials"));
    assert!(service.folder().join("feeds/all.rss").is_file());
}

#[tokio::test]
async fn only_what_changed_is_written_and_only_what_is_ours_is_removed() {
    let Some(service) = Service::start() else { return };
    let place = site();
    service.put("press/theirs.txt", "theirs").await;
    service.put("pressed.txt", "a neighbour's").await;
    assert!(once(&place, &service, "s3://flux/press", "").status.success());
    service.wire.seen();
    assert!(once(&place, &service, "s3://flux/press", "").status.success());
    // The list of what is ours, and a look at what is there.
    assert_eq!(service.wire.seen().len(), 2);
    place.article("_communiques/b.md", "title: Deux, corrigé\ndate: 2026-11-02");
    assert!(once(&place, &service, "s3://flux/press", "").status.success());
    let seen = service.wire.seen();
    let written = writes(&seen);
    assert!(!written.is_empty() && written.iter().all(|request| request.starts_with("PUT")), "{seen:#?}");
    assert!(!written.iter().any(|request| request.contains("cloud") || request.contains("actualites")), "{seen:#?}");
    // Without the old address, its object goes, and nothing else does.
    let crieur = place.crieur(&format!("feeds: {{ {} }}", service.yaml("s3://flux/press", "")));
    crieur.ok(&["run", "--once"]);
    let seen = service.wire.seen();
    let written = writes(&seen);
    assert_eq!(written, ["DELETE /flux/press/feed.xml"], "{seen:#?}");
    let keys = service.keys().await;
    assert!(keys.contains(&"press/theirs.txt".to_owned()) && keys.contains(&"pressed.txt".to_owned()));
    // What somebody removed or changed comes back.
    service.delete("press/feeds/all.rss").await;
    service.put("press/feeds/all.atom", "theirs").await;
    service.wire.seen();
    crieur.ok(&["run", "--once"]);
    let seen = service.wire.seen();
    let mut written = writes(&seen);
    written.sort();
    assert_eq!(written, ["PUT /flux/press/feeds/all.atom", "PUT /flux/press/feeds/all.rss"], "{seen:#?}");
}

#[tokio::test]
async fn a_lost_or_damaged_list_writes_nothing_again_and_removes_nothing() {
    let Some(service) = Service::start() else { return };
    let place = site();
    assert!(once(&place, &service, "s3://flux", "").status.success());
    for damage in [None, Some("{\"form\": 1, \"obj")] {
        match damage {
            None => service.delete(LIST).await,
            Some(text) => service.put(LIST, text).await,
        }
        service.wire.seen();
        let output = once(&place, &service, "s3://flux", "");
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(said(&output).contains("cannot be read"), damage.is_some(), "{}", said(&output));
        let seen = service.wire.seen();
        assert!(writes(&seen).is_empty(), "{seen:#?}");
        assert!(seen.iter().any(|request| request.starts_with("HEAD")), "{seen:#?}");
    }
    assert!(serde_json::from_slice::<serde_json::Value>(&service.stored(LIST).await.unwrap().body).is_ok());
}

#[tokio::test]
async fn several_processes_at_once_leave_one_whole_export() {
    let Some(service) = Service::start() else { return };
    let places = [site(), site(), site()];
    let runs: Vec<_> = places
        .iter()
        .map(|place| {
            let crieur = place.crieur(&format!("feeds: {{ {} }}", service.yaml("s3://flux", "")));
            crieur.command(&["run", "--once"]).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    let (keys, list) = (service.keys().await, service.stored(LIST).await.unwrap().body);
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    let listed: Vec<&String> = list["objects"].as_object().unwrap().keys().collect();
    assert_eq!(listed, keys.iter().filter(|key| *key != LIST).collect::<Vec<_>>());
}

#[tokio::test]
async fn killed_at_any_moment_the_next_run_makes_it_whole() {
    let Some(service) = Service::start() else { return };
    let place = site();
    for round in 0..8u64 {
        place.article("_actualites/a.md", &format!("title: Un, version {round}\ndate: 2026-11-01\ntags: [Cloud]"));
        let crieur = place.crieur(&format!("feeds: {{ {} }}", service.yaml("s3://flux", "")));
        let mut child = crieur.command(&["run", "--once"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        // The moment of the kill is what varies, not what is expected.
        std::thread::sleep(Duration::from_millis(20 + round * 17));
        let _ = child.kill();
        child.wait().unwrap();
    }
    let output = once(&place, &service, "s3://flux", "");
    assert!(output.status.success(), "{}", said(&output));
    let out = place.path("out");
    place.crieur("feeds: { aliases: { /feed.xml: /feeds/all.rss } }").ok(&["build", "--out", out.to_str().unwrap()]);
    for name in fs::read_to_string(out.join(".crieur-files")).unwrap().lines().map(|line| &line[66..]) {
        assert_eq!(service.stored(name).await.unwrap().body, fs::read(out.join(name)).unwrap(), "{name}");
    }
}

/// A bucket of a configuration, with little patience, and what is to be in it.
async fn bucket(place: &Place, service: &Service) -> (Bucket, Wanted) {
    with_patience(place, service, Duration::from_millis(500)).await
}

async fn with_patience(place: &Place, service: &Service, short: Duration) -> (Bucket, Wanted) {
    let config = Arc::new(parse(&place.yaml(&format!("feeds: {{ {} }}", service.yaml("s3://flux", "")))).unwrap());
    let patience = Patience { connect: short, request: short };
    let bucket = Bucket::connect("flux", "", config.feeds.s3.as_ref().unwrap(), patience).unwrap();
    let snapshot = Reconciler::new(config).glance(None, "2026-11-25T10:00:00Z".parse().unwrap()).await.unwrap();
    (bucket, Wanted::of(&snapshot.feeds))
}

fn trouble(report: &Report) -> (String, bool) {
    assert_eq!(report.troubles.len(), 1, "{report:?}");
    (report.troubles[0].sentence(), report.troubles[0].is_passing)
}

#[tokio::test]
async fn what_fails_is_told_in_words_that_help_and_is_done_when_it_is_over() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let (mut bucket, wanted) = bucket(&place, &service).await;
    let cases = [
        (Mode::Dropped, true, "the answer was lost"),
        (Mode::Hanging, true, "does not answer in time"),
        (Mode::Answer(refusal(503, "SlowDown", "")), true, "503 SlowDown (Words of SlowDown.); it is tried again"),
        (Mode::Answer(refusal(500, "InternalError", "")), true, "500 InternalError"),
        (Mode::Answer(answer(502, "text/html", "<html>bad gateway</html>")), true, "the service answers 502"),
        (Mode::Answer("what is this?\r\n\r\n".to_owned()), true, "the answer was lost"),
        (Mode::Answer(answer(200, "text/html", "<html>Welcome!</html>")), true, "not understood"),
        (Mode::Answer(refusal(403, "AccessDenied", "")), false, "give feeds.s3.access_key the right s3:GetObject"),
        (Mode::Answer(refusal(403, "InvalidAccessKeyId", "")), false, "feeds.s3.access_key is not known there"),
        (Mode::Answer(refusal(403, "SignatureDoesNotMatch", "")), false, "feeds.s3.secret_key does not belong to"),
        (Mode::Answer(refusal(400, "ExpiredToken", "")), false, "feeds.s3.session_token is no longer good"),
        (Mode::Answer(refusal(403, "RequestTimeTooSkewed", "")), false, "set this machine's clock"),
        (Mode::Answer(refusal(404, "NoSuchBucket", "")), false, "create the bucket"),
        (
            Mode::Answer(refusal(400, "AuthorizationHeaderMalformed", "<Region>fr-par</Region>")),
            false,
            "write feeds.s3.region: fr-par",
        ),
        (Mode::Answer(refusal(301, "PermanentRedirect", "")), false, "look at feeds.s3.region, feeds.s3.endpoint"),
        (Mode::Answer(refusal(403, "AccessDenied", &format!("<x>{SECRET_KEY}</x>"))), false, "s3:GetObject"),
    ];
    for (mode, passes, words) in cases {
        service.wire.set(mode.clone());
        let report = bucket.export(&wanted).await;
        let (told, is_passing) = trouble(&report);
        assert!(told.contains(words) && told.starts_with("s3://flux"), "{mode:?}: {told}");
        assert_eq!(is_passing, passes, "{mode:?}: {told}");
        assert!(!told.contains(SECRET_KEY) && !told.contains(ACCESS_KEY), "{told}");
        assert_eq!(report.changed, 0);
    }
    service.wire.set(Mode::Forward);
    let report = bucket.export(&wanted).await;
    assert_eq!((report.troubles.len(), report.changed), (0, report.there()), "{report:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let (mut bucket, wanted) = with_patience(&place, &service, Duration::from_secs(60)).await;
    service.wire.set(Mode::Answer(answer(200, "text/plain", &"x".repeat(70 * 1024 * 1024))));
    let (told, _) = trouble(&bucket.export(&wanted).await);
    assert!(told.contains("longer than"), "{told}");
}

#[tokio::test]
async fn a_failure_in_the_middle_keeps_what_is_done_and_the_rest_follows() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let (mut bucket, wanted) = bucket(&place, &service).await;
    let all = Wanted::default();
    assert_eq!(bucket.export(&all).await.troubles, []);
    service.wire.set(Mode::AnswerTo("put /flux/feeds/tag/".to_owned(), refusal(503, "SlowDown", "")));
    let first = bucket.export(&wanted).await;
    assert!(trouble(&first).0.contains("/feeds/tag/"), "{first:?}");
    service.wire.set(Mode::Forward);
    service.wire.seen();
    let second = bucket.export(&wanted).await;
    assert_eq!(second.troubles, []);
    // Requests that were under way when the first export ended may have come later: they are of those written again.
    let seen: BTreeSet<String> =
        service.wire.seen().into_iter().filter(|r| r.starts_with("PUT /flux/feeds/")).collect();
    assert_eq!((seen.len(), second.kept), (second.changed, first.changed), "{first:?} {second:?}");
    // A refusal of one object does not keep the others.
    let (mut other, _) = self::bucket(&place, &service).await;
    fs::remove_dir_all(service.folder()).unwrap();
    fs::create_dir(service.folder()).unwrap();
    service.wire.set(Mode::AnswerTo("put /flux/feeds/all.rss".to_owned(), refusal(400, "EntityTooSmall", "")));
    let report = other.export(&wanted).await;
    assert!(trouble(&report).0.contains("/feeds/all.rss cannot be written"), "{report:?}");
    assert_eq!(report.changed + 1, second.there());
}

#[tokio::test]
async fn a_service_that_knows_no_conditions_is_written_to_without_them() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let (mut bucket, wanted) = bucket(&place, &service).await;
    service.wire.set(Mode::AnswerTo("if-none-match".to_owned(), refusal(501, "NotImplemented", "")));
    assert_eq!(bucket.export(&wanted).await.troubles, []);
    service.wire.set(Mode::AnswerTo("if-match".to_owned(), refusal(501, "NotImplemented", "")));
    let report = bucket.export(&Wanted::default()).await;
    assert_eq!((report.troubles.len(), report.removed > 0), (0, true), "{report:?}");
    assert_eq!(service.keys().await, [LIST]);
}

/// Waits for what a task of the daemon does on its own.
async fn until(holds: impl AsyncFn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let waited = async {
        while !holds().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waited).await.expect("it never came there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_away_delays_nothing_and_is_filled_when_it_is_back() {
    let Some(service) = Service::start() else { return };
    let place = site();
    let out = place.path("public");
    let places = format!("export: [{:?}, ", out.to_str().unwrap());
    let feeds = service.yaml("s3://flux", "").replace("export: [", &places);
    let rule = "rules: [{ name: une, endpoints: [essai], settle: 0s, live_check: false }]";
    let rest = format!("feeds: {{ {feeds} }}\nendpoints: {{ essai: {{ network: journal }} }}\n{rule}\nbaseline: none");
    service.wire.set(Mode::Hanging);
    let clock = Clock::by_hand("2026-11-03T10:00:00Z".parse().unwrap());
    let daemon = Daemon::wire(place.config(&rest), clock.clone(), false).await.unwrap();
    let store = daemon.store().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let task = tokio::spawn(daemon.run(listener, async move {
        let _ = stopped.await;
    }));
    // While the bucket takes requests and answers none, the folder is written and the posts go out.
    until(async || out.join("feeds/all.rss").is_file()).await;
    until(async || store.journal(10).await.unwrap().len() == 2).await;
    until(async || !service.wire.seen().is_empty()).await;
    assert!(!service.folder().join("feeds/all.rss").exists());
    // It is dropped, refused, back: nobody but the clock has to do anything.
    service.wire.set(Mode::Forward);
    until(async || {
        clock.advance(jiff::SignedDuration::from_mins(5));
        service.folder().join(LIST).is_file()
    })
    .await;
    until(async || service.folder().join("feeds/tag/cloud.json").is_file()).await;
    // A change follows without a look by the clock.
    place.article("_actualites/c.md", "title: Trois\ndate: 2026-11-03\ntags: [Nouveau]");
    until(async || service.folder().join("feeds/tag/nouveau.rss").is_file()).await;
    // What somebody removes is put back at the next look.
    fs::remove_file(service.folder().join("feeds/tag/nouveau.rss")).unwrap();
    clock.advance(jiff::SignedDuration::from_hours(6));
    until(async || service.folder().join("feeds/tag/nouveau.rss").is_file()).await;
    service.wire.set(Mode::Hanging);
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(120), task).await.expect("it drains").unwrap().unwrap();
}
