//! The pages of the administration: who may look at them, what can be done there, and that nothing is done by anybody else.

use crate::api::Running;
use crate::support::Place;
use crate::support::html::{Page, attribute};
use crate::support::life::by_other_hands;
use crate::support::server::Answer;
use crate::support::tools;
use crieur::store::Store;
use serde_json::Value;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

const RULES: &str = "endpoints: { essai: { network: journal }, social: { network: mastodon, server: \"https://social.example.fr\", token: un-jeton, token_expires: 2020-01-01 } }\nrules:\n- { name: une, articles: { tags: [Accord] }, endpoints: [essai], approval: { required: 2 } }\n- { name: tout, articles: { not: { tags: [Accord] } }, endpoints: [essai, social], live_check: false }\n";
const PEOPLE: &str = "people: { aya: { token: jeton-de-aya-0123456 }, bo: { token: jeton-de-bo-012345678 } }";

/// A site with an article that waits for approval, one that went out, one that failed and one of which nobody knows.
async fn lived(more: &str) -> Running {
    let place = Place::new();
    let settings = std::fs::read_to_string(place.site().join("_config.yml")).unwrap();
    place.write("_config.yml", settings.replace("title: Essai", "title: Communauté de communes de la Haute-Lys"));
    place.article("_communiques/accord.md", "title: Un accord\ndate: 2020-01-01\ntags: [Accord, Cloud]");
    for name in ["sorti", "perdu", "refuse"] {
        place.article(
            &format!("_communiques/{name}.md"),
            &format!("title: Article {name}\ndate: 2020-01-02\ntags: [Cloud, IA]"),
        );
    }
    place.article("_communiques/faute.md", "title: [\ndate: 2020-01-01");
    let running = Running::of(place, &format!("{RULES}{more}")).await;
    let crieur = running.place.crieur(RULES);
    for name in ["accord", "sorti", "perdu", "refuse"] {
        crieur.run(&["publish-now", name, "--endpoint", "essai", "--as", "Chi"]);
    }
    hands(&running, "update deliveries set state = 'uncertain', endpoint = 'social', network = 'mastodon', look_first = 1, reason = 'no answer' where path like '%perdu%'").await;
    hands(&running, "update deliveries set state = 'failed', endpoint = 'social', network = 'mastodon', reason = 'the server said no', due_at = 4102444800000000 where path like '%refuse%'").await;
    running
}

/// A change by other hands.
async fn hands(running: &Running, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(running.place.path("crieur.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    pool.close().await;
}

async fn state(running: &Running, id: i64) -> String {
    let store = Store::open(&running.place.config("").store).await.unwrap();
    let state = store.delivery(id).await.unwrap().unwrap().state.to_string();
    store.close().await;
    state
}

async fn open(running: &Running, path: &str, headers: &str) -> Answer {
    running.ask("GET", path, headers, "").await
}

/// What the forms of a page carry.
fn form(answer: &Answer, name: &str) -> String {
    let page = Page::of(answer.text());
    let tags = page.tags("input");
    let tag = tags.iter().find(|tag| attribute(tag, "name").is_some_and(|given| given == name));
    attribute(tag.unwrap_or_else(|| panic!("no {name}: {}", page.html)), "value").unwrap()
}

/// Sends a form as a browser does.
async fn send(running: &Running, path: &str, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", running.address);
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{own}{headers}");
    running.ask("POST", path, &headers, &body).await
}

/// Signs in, and gives the field that the browser sends from then on.
async fn sign_in(running: &Running, token: &str) -> String {
    let answer = send(running, "/admin/sign-in", "", &[("token", token), ("to", "/admin/posts/1")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/admin/posts/1"));
    let cookie = answer.header("set-cookie");
    for part in ["crieur_session=", "; Path=/admin; ", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    format!("Cookie: autre=1; {}\r\n", cookie.split(';').next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_has_a_token_only_this_machine_comes_in() {
    let running = lived("").await;
    let page = open(&running, "/admin/", "").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Un accord") && page.text().contains("_communiques/faute.md"), "{}", page.text());
    let by_name = format!("Host: localhost:{}\r\n", running.address.port());
    assert_eq!(open(&running, "/admin/posts", &by_name).await.status, 200);
    for headers in [
        "X-Forwarded-For: 192.0.2.7\r\n",
        "Forwarded: for=192.0.2.7\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "Host: rebound.example\r\n",
        "Host: 192.0.2.7\r\n",
    ] {
        for path in ["/admin/", "/admin/posts/1", "/admin/sign-in", "/admin/images/00"] {
            let answer = open(&running, path, headers).await;
            assert_eq!(answer.status, 403, "{path} {headers}");
            assert!(!answer.text().contains("Un accord"));
        }
    }
    // A form needs what only a page of this machine has, and comes from nowhere else.
    let token = form(&page, "form");
    let fields = [("form", token.as_str()), ("act", "on"), ("reason", "deuil")];
    let body = "form=x&act=on&reason=deuil";
    for headers in ["Sec-Fetch-Site: cross-site\r\n", "Origin: https://ailleurs.example\r\n", "Origin: null\r\n"] {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        assert_eq!(running.ask("POST", "/admin/silence", headers, &body).await.status, 403, "{headers}");
    }
    assert_eq!(running.ask("POST", "/admin/silence", "", body).await.status, 403, "another page's");
    assert_eq!(open(&running, "/admin/silence", "").await.status, 405);
    assert!(open(&running, "/admin/", "").await.text().contains("Rien n’est retenu"));
    assert_eq!(send(&running, "/admin/silence", "", &fields).await.status, 303);
    let page = open(&running, "/admin/", "").await;
    assert!(page.text().contains("Tout est retenu") && page.text().contains("deuil"), "{}", page.text());
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_acts_under_their_name_until_they_sign_out() {
    let running = lived(&format!("http: {{ {PEOPLE} }}\n")).await;
    for path in ["/admin/", "/admin/posts?state=held", "/admin/posts/1"] {
        let answer = open(&running, path, "").await;
        let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, &*format!("/admin/sign-in?to={to}")));
    }
    for (path, status) in [("/admin/posts/1", 303), ("/admin/silence", 303), ("/admin/sign-out", 303)] {
        assert_eq!(send(&running, path, "", &[("act", "cancel"), ("sure", "yes")]).await.status.as_u16(), status);
    }
    let wrong = send(&running, "/admin/sign-in", "", &[("token", "jeton-de-personne")]).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("set-cookie")), (403, ""));
    assert!(Page::of(wrong.text()).title().starts_with("Erreur"));
    let to = |to: &'static str| [("token", "jeton-de-bo-012345678"), ("to", to)];
    for elsewhere in
        ["https://ailleurs.example/", "//ailleurs.example/", "/admin//ailleurs.example", "/feeds/", "/admin/\\x"]
    {
        let answer = send(&running, "/admin/sign-in", "", &to(elsewhere)).await;
        assert_eq!(answer.header("location"), "/admin/", "{elsewhere}");
    }
    let from_elsewhere = "Origin: https://ailleurs.example\r\n";
    let body = "token=jeton-de-bo-012345678";
    assert_eq!(running.ask("POST", "/admin/sign-in", from_elsewhere, body).await.status, 403);

    let aya = sign_in(&running, "jeton-de-aya-0123456").await;
    let page = open(&running, "/admin/posts/1", &aya).await;
    assert!(page.text().contains("(<bdi>aya</bdi>)") && page.text().contains("Donner mon accord"), "{}", page.text());
    let bo = sign_in(&running, "jeton-de-bo-012345678").await;
    let seen = open(&running, "/admin/posts/1", &bo).await;
    let (of_bo, print) = (form(&seen, "form"), form(&seen, "print"));
    let ready = [("form", of_bo.as_str()), ("act", "approve"), ("print", print.as_str())];
    assert_eq!(send(&running, "/admin/posts/1", &aya, &ready).await.status, 403, "a form of another session");
    let done = send(&running, "/admin/posts/1", &bo, &ready).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/admin/posts/1?done=approve"));
    let shown = open(&running, "/admin/posts/1?done=approve", &bo).await;
    assert!(shown.text().contains("Votre accord est enregistré") && shown.text().contains("Accord de <bdi>bo</bdi>"));
    let told = running.place.crieur(RULES).json(&["log", "export", "--json"]);
    let told: &Vec<Value> = told.as_array().unwrap();
    let act = told.iter().find(|entry| entry["body"]["road"] == "page").unwrap();
    assert_eq!((&act["body"]["person"], &act["body"]["act"]), (&"bo".into(), &"approve".into()));

    let token = form(&open(&running, "/admin/", &aya).await, "form");
    let out = send(&running, "/admin/sign-out", &aya, &[("form", &token)]).await;
    assert!(out.status == 303 && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(open(&running, "/admin/", &aya).await.status, 303, "the cookie is of no use any more");
    assert_eq!(open(&running, "/admin/", &bo).await.status, 200);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_decided_on_its_page_as_it_was_seen() {
    let running = lived("").await;
    let page = open(&running, "/admin/posts/1", "").await;
    let (token, print) = (form(&page, "form"), form(&page, "print"));
    assert!(page.text().contains("Un accord") && page.text().contains("#Accord"), "the exact text: {}", page.text());
    // It changed since: the approval is of what was seen, and of nothing else.
    running.place.article("_communiques/accord.md", "title: Un désaccord\ndate: 2020-01-01\ntags: [Accord, Cloud]");
    let mut seen = String::new();
    for _ in 0..500 {
        seen = open(&running, "/admin/posts/1", "").await.text().to_owned();
        if seen.contains("Un désaccord") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(seen.contains("Un désaccord"), "{seen}");
    let say = async |id: i64, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("form", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        send(&running, &format!("/admin/posts/{id}"), "", &fields).await
    };
    let refused = say(1, &[("act", "approve"), ("print", &print)]).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text().contains("it is not what you saw") && Page::of(refused.text()).title().starts_with("Erreur")
    );
    assert_eq!(say(1, &[("act", "approve")]).await.status, 409, "a page that could show no post");
    // What cannot be undone asks whether one is sure.
    assert_eq!(say(1, &[("act", "cancel")]).await.status, 422);
    assert_eq!(state(&running, 1).await, "held");
    assert_eq!(say(1, &[("act", "cancel"), ("sure", "yes")]).await.status, 303);
    assert_eq!(state(&running, 1).await, "cancelled");
    assert_eq!(say(2, &[("act", "withdraw")]).await.status, 422);
    assert_eq!(say(2, &[("act", "hold")]).await.status, 409);
    assert_eq!(say(2, &[("act", "forget")]).await.status, 422);
    assert_eq!(say(99, &[("act", "hold")]).await.status, 404);
    assert_eq!(open(&running, "/admin/posts/x", "").await.status, 404);
    // One click, and nobody knew whether it was there; now it is.
    let uncertain = open(&running, "/admin/posts/3", "").await;
    assert!(uncertain.text().contains("href=\"https://social.example.fr/\""), "the timeline: {}", uncertain.text());
    assert_eq!(say(3, &[("act", "published"), ("url", "nulle part")]).await.status, 422);
    let url = "https://social.example.fr/@agence/7";
    assert_eq!(say(3, &[("act", "published"), ("url", url)]).await.status, 303);
    assert_eq!(say(3, &[("act", "published"), ("url", url)]).await.status, 303, "and once more");
    let published = open(&running, "/admin/posts/3", "").await;
    assert!(published.text().contains(url) && published.text().contains("href=\"https://social.example.fr/@agence\""));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withdrawn_is_shown_as_such_in_both_languages() {
    let running = lived("").await;
    let look = async |path: &str, language: &str| {
        open(&running, path, &format!("Accept-Language: {language}\r\n")).await.text().to_owned()
    };
    let badge = |word: &str| format!("class=\"state state-{word}\"");
    assert!(look("/admin/posts", "en").await.contains("/timeline#post-1"));
    for (removal, word, fr, en) in
        [("due", "withdrawing", "en cours de retrait", "withdrawing"), ("done", "withdrawn", "retiré", "withdrawn")]
    {
        // Not to be tried before the end of this test.
        let statement = match removal {
            "due" => {
                "update deliveries set removal = 'due', removal_at = 9000000000000000 where id = 2; insert into silences (since, reason) values (1, 'essai')"
            }
            _ => "update deliveries set removal = 'done' where id = 2",
        };
        hands(&running, statement).await;
        for (language, shown) in [("fr", fr), ("en", en)] {
            for path in ["/admin/posts", "/admin/posts/2"] {
                let page = look(path, language).await;
                assert!(page.contains(&format!("{}>{shown}<", badge(word))), "{path} {language}: {page}");
            }
        }
        assert!(!look("/admin/posts", "en").await.contains("/timeline#post-1"), "{word}");
        let page = look("/admin/posts/2", "en").await;
        assert!(!page.contains("value=\"withdraw\"") && !page.contains("value=\"edit\""), "{page}");
        assert_eq!(page.contains("/timeline#post-1"), removal == "due", "{page}");
        let told: Value = serde_json::from_str(open(&running, "/api/v1/posts/2", "").await.text()).unwrap();
        assert_eq!((told["state"].as_str(), told["removal"].as_str()), (Some("published"), Some(removal)));
    }
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_no_slot_is_left_is_said_before_somebody_approves() {
    let place = Place::new();
    place.article("_communiques/serie.md", "title: En série\ndate: 2020-01-01");
    let until = |last: &str| {
        format!(
            "endpoints: {{ essai: {{ network: journal }} }}\ncampaigns: [{{ name: serie, articles: [_communiques/serie.md], endpoints: [essai], slots: \"0 9 * * *\", approval: {{ required: 1 }}, settle: 0s, live_check: false, until: {last} }}]\n"
        )
    };
    let crieur = place.crieur(&until("2099-12-31"));
    crieur.run(&["run", "--once"]);
    by_other_hands(&place.path("crieur.db"), "update deliveries set due_at = 1577865600000000").await;
    let running = Running::of(place, &until("2020-01-01")).await;
    for (language, says) in
        [("fr", "Aucun créneau de sa file n’est plus libre"), ("en", "No slot of its queue is left")]
    {
        let page = open(&running, "/admin/posts/1", &format!("Accept-Language: {language}\r\n")).await;
        let page = page.text();
        assert!(page.contains(says) && page.contains("value=\"hurry\""), "{page}");
        assert!(!page.contains("value=\"approve\""), "{page}");
    }
    let told: Value = serde_json::from_str(open(&running, "/api/v1/posts/1", "").await.text()).unwrap();
    let why = told["composed"]["no_slot"].as_str().unwrap();
    assert!(why.contains("ends on 2020-01-01") && why.contains("posts hurry 1"), "{why}");
    let shown = running.place.crieur(&until("2020-01-01")).run(&["posts", "show", "1"]);
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(said.contains(&format!("it cannot be approved: {why}")), "{said}");
    // Put first, it can be approved: it goes out without a slot.
    let form = form(&open(&running, "/admin/posts/1", "").await, "form");
    let done = send(&running, "/admin/posts/1", "", &[("form", &form), ("act", "hurry")]).await;
    assert_eq!(done.status, 303);
    assert!(open(&running, "/admin/posts/1", "").await.text().contains("value=\"approve\""));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_these_pages_and_they_stand_under_the_public_address() {
    let running = lived(&format!("http: {{ {PEOPLE}, public_url: \"https://flux.example.fr/flux\" }}\n")).await;
    let answer = open(&running, "/admin/sign-in", "").await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("etag", ""),
        ("content-encoding", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let through = "Host: flux.example.fr\r\nOrigin: https://flux.example.fr\r\n";
    let signed = running.ask("POST", "/admin/sign-in", through, "token=jeton-de-bo-012345678").await;
    assert_eq!((signed.status.as_u16(), signed.header("location")), (303, "/flux/admin/"));
    let cookie = signed.header("set-cookie");
    assert!(cookie.contains("; Path=/flux/admin; ") && cookie.ends_with("; Secure"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    for path in ["/admin/", "/admin/posts", "/admin/posts/1"] {
        let answer =
            open(&running, path, &format!("Accept-Encoding: br, gzip\r\nAccept-Language: en\r\n{cookie}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-encoding")), (200, ""), "{path}");
        let page = Page::of(answer.text());
        page.assert_well_made(path, "en");
        for link in page.links() {
            let is_right = ["/flux/", "https://", "#"].iter().any(|start| link.starts_with(start));
            assert!(is_right, "{path}: {link}");
        }
    }
    assert_eq!(open(&running, "/admin/sign-in", "Host: rebound.example\r\n").await.status, 403);
    running.end().await;
}

/// Every kind of page there is.
const PAGES: [&str; 10] = [
    "/admin/",
    "/admin/posts",
    "/admin/posts?state=held&endpoint=essai",
    "/admin/posts?state=sending",
    "/admin/posts/1",
    "/admin/posts/2?done=hold",
    "/admin/posts/3",
    "/admin/posts/4",
    "/admin/posts/99",
    "/timeline",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_of_the_w3c_finds_no_fault_with_these_pages() {
    let Some(mut checker) = tools::html_checker() else { return };
    let running = lived("").await;
    let signed = lived(&format!("http: {{ {PEOPLE} }}\n")).await;
    let folder = tempfile::tempdir().unwrap();
    for language in ["fr", "en"] {
        let headers = format!("Accept: text/html\r\nAccept-Language: {language}\r\n");
        let mut answers = vec![open(&signed, "/admin/sign-in", &headers).await];
        answers.push(signed.ask("POST", "/admin/sign-in", &headers, "token=x").await);
        for path in PAGES {
            answers.push(open(&running, path, &headers).await);
        }
        for (number, answer) in answers.iter().enumerate() {
            Page::of(answer.text()).assert_well_made(&number.to_string(), language);
            let file = folder.path().join(format!("{language}-{number}.html"));
            std::fs::write(&file, &answer.body).unwrap();
            checker.arg(file);
        }
    }
    tokio::task::spawn_blocking(move || tools::judged(&mut checker, "")).await.unwrap();
    running.end().await;
    signed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_and_axe_find_no_fault_with_these_pages() {
    for (more, paths) in
        [(String::new(), PAGES.join("\n")), (format!("http: {{ {PEOPLE} }}\n"), "/admin/sign-in".to_owned())]
    {
        let Some(mut browser) = tools::browser("look_at_pages.mjs") else { return };
        let running = lived(&more).await;
        browser.arg(format!("http://{}", running.address));
        tokio::task::spawn_blocking(move || tools::judged(&mut browser, paths)).await.unwrap();
        running.end().await;
    }
}
