//! Images of posts: from the site's folder to the journal's page, and what holds them.

use crate::support::{Crieur, Place, parse};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::Redirect;
use axum::routing::get;
use crieur::article::{self, Article, Depth, SiteSettings, SourceFile};
use crieur::catalog::Catalog;
use crieur::config::{Composing, Images};
use crieur::media::{Attached, Sources, attach};
use crieur::network::client;
use crieur::post::{Card, Counter, Limits, Post};
use crieur::reconcile::Texts;
use crieur::source::directory::Directory;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use std::io::Cursor;
use std::sync::{Arc, RwLock};

const RULES: &str = "endpoints: { essai: { network: journal } }\nrules: [{ name: une, articles: { tags: [Cloud] }, endpoints: [essai], images: all, when: { slots: \"0 0 1 1 *\" }";

/// A picture that every encoder finds hard, as a PNG.
fn picture(side: u32) -> Vec<u8> {
    let mut state = 9_u32;
    let noise = RgbImage::from_fn(side, side, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(noise).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn front(image: &str, alt: &str) -> String {
    format!(
        "title: Annonce\ndate: 2026-11-01 09:00:00 +01:00\ntags: [Cloud]\nune-ou-diaporama:\n  - image: {image}\n{alt}"
    )
}

const ALT: &str = "    alternative-textuelle: Un agent devant un écran";

fn crieur(place: &Place, more: &str) -> Crieur {
    place.crieur(&format!("{RULES}{more} }}]"))
}

fn only(posts: Value) -> Value {
    assert_eq!(posts.as_array().map(Vec::len), Some(1), "{posts}");
    posts[0].clone()
}

/// The database, to be looked at.
async fn store(place: &Place) -> crieur::store::Store {
    crieur::store::Store::open(&crieur::config::StoreAddress::File(place.path("crieur.db"))).await.unwrap()
}

#[tokio::test]
async fn an_image_is_made_to_fit_kept_once_and_shown_with_its_text() {
    let place = Place::new();
    let bytes = picture(900);
    assert!(bytes.len() > 2_000_000);
    place.write("uploads/Une photo.png", &bytes);
    place.article("_actualites/a.md", &front("/uploads/Une%20photo.png", ALT));
    place.article("_actualites/b.md", &front("/uploads/Une%20photo.png", ALT));
    let crieur = crieur(&place, "");
    let preview = only(crieur.json(&["preview", "a", "--json"]));
    assert_eq!(preview["problems"], serde_json::json!([]));
    let media = only(preview["media"].clone());
    assert_eq!(media["file"], "https://www.example.fr/uploads/Une%20photo.png");
    assert_eq!(media["alt"], "Un agent devant un écran");
    assert!(media["bytes"].as_u64().unwrap() <= 2_000_000 && media["media_type"] == "image/jpeg", "{media}");
    crieur.ok(&["publish-now", "a"]);
    crieur.ok(&["publish-now", "b"]);
    let store = store(&place).await;
    let posts = store.journal(10).await.unwrap();
    assert_eq!(posts.len(), 2);
    let image = &posts[0].post.images[0];
    assert_eq!(
        (image.alt.as_str(), u64::from(image.width)),
        ("Un agent devant un écran", media["width"].as_u64().unwrap())
    );
    // The same picture twice is the same bytes, kept once.
    assert_eq!(posts[1].post.images[0], *image);
    let kept = store.media(&image.digest).await.unwrap().unwrap();
    assert_eq!(kept.len() as u64, media["bytes"].as_u64().unwrap());
    assert_eq!(crieur::digest::hex(&kept, 32), image.digest);
    assert!(store.journal_image(&image.digest).await.unwrap().is_some());
    assert!(store.journal_image(&"0".repeat(64)).await.unwrap().is_none());

    // Images that nothing shows and no post waits for are let go after a time, when others come.
    let keep = async |digest: &str, days: i64| {
        let now = crieur::clock::Clock::system().now() + jiff::SignedDuration::from_hours(24 * days);
        store.keep_media(digest, "image/png", b"un", now).await.unwrap();
    };
    let is_there = async |digest: &str| store.media(digest).await.unwrap().is_some();
    let by_other_hands = async |statement: &'static str| {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path("crieur.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        pool.close().await;
    };
    keep("forgotten", 0).await;
    keep("again", 0).await;
    keep("again", 60).await;
    assert!(is_there("forgotten").await);
    keep("new", 91).await;
    assert!(!is_there("forgotten").await);
    assert!(is_there("again").await && is_there("new").await && is_there(&image.digest).await);
    by_other_hands("delete from journal; update deliveries set state = 'failed'").await;
    keep("newer", 182).await;
    assert!(!is_there("again").await && !is_there("new").await && is_there(&image.digest).await);
    by_other_hands("update deliveries set state = 'published'").await;
    keep("newest", 273).await;
    assert!(!is_there(&image.digest).await);
}

#[tokio::test]
async fn without_an_alternative_text_a_person_decides() {
    let place = Place::new();
    place.write("uploads/a.png", picture(20));
    for name in ["a", "b"] {
        place.article(&format!("_actualites/{name}.md"), &front("/uploads/a.png", ""));
    }
    let crieur = crieur(&place, "");
    let preview = only(crieur.json(&["preview", "a", "--json"]));
    assert!(preview["problems"][0].as_str().unwrap().contains("would be held"), "{preview}");
    for name in ["a", "b"] {
        let output = crieur.run(&["publish-now", name]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("held") && said.contains("no alternative text") && said.contains("posts approve"),
            "{said}"
        );
    }
    let held = crieur.json(&["posts", "--state", "held", "--json"]);
    let ids: Vec<String> = held.as_array().unwrap().iter().map(|post| post["id"].to_string()).collect();
    assert_eq!(ids.len(), 2);
    // One gets its text, the other goes without the image.
    place.article("_actualites/a.md", &front("/uploads/a.png", ALT));
    for (id, name) in ids.iter().zip(["a", "b"]) {
        crieur.ok(&["posts", "approve", id]);
        crieur.ok(&["publish-now", name]);
    }
    let posts = store(&place).await.journal(10).await.unwrap();
    let alts = |at: usize| posts[at].post.images.iter().map(|image| image.alt.clone()).collect::<Vec<_>>();
    assert_eq!(alts(1), ["Un agent devant un écran"]);
    assert_eq!(alts(0), [] as [String; 0]);
}

#[tokio::test]
async fn one_approval_is_of_the_post_without_the_image_that_has_no_alternative_text() {
    let place = Place::new();
    place.write("uploads/a.png", picture(20));
    place.article("_actualites/a.md", &front("/uploads/a.png", ""));
    let crieur = crieur(&place, ", approval: { required: 1 }");
    assert_eq!(crieur.run(&["publish-now", "a", "--as", "Aya"]).status.code(), Some(1));
    let id = only(crieur.json(&["posts", "--state", "held", "--json"]))["id"].to_string();
    let output = crieur.run(&["posts", "approve", &id, "--as", "Bo"]);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("without its image: "), "{said}");
    crieur.ok(&["run", "--once"]);
    let posts = store(&place).await.journal(10).await.unwrap();
    assert_eq!((posts.len(), posts[0].post.images.len()), (1, 0));
}

#[tokio::test]
async fn a_rule_may_leave_the_image_out_or_let_the_title_stand_in() {
    for (alt, alts) in [("drop", vec![]), ("title", vec!["Annonce".to_owned()])] {
        let place = Place::new();
        place.write("uploads/a.png", picture(20));
        place.article("_actualites/a.md", &front("/uploads/a.png", ""));
        crieur(&place, &format!(", alt: {alt}")).ok(&["publish-now", "a"]);
        let posts = store(&place).await.journal(1).await.unwrap();
        assert_eq!(posts[0].post.images.iter().map(|image| image.alt.clone()).collect::<Vec<_>>(), alts, "{alt}");
    }
}

#[test]
fn what_cannot_be_used_holds_the_post_and_nothing_leads_out_of_the_folder() {
    for (image, says) in [
        ("/uploads/a.png", "neither JPEG"),
        ("/uploads/nowhere.png", "not in the site's folder"),
        ("/uploads/%2e%2e/%2e%2e/secret.png", "not in the site's folder"),
        ("/uploads/link.png", "not in the site's folder"),
    ] {
        let place = Place::new();
        place.write("uploads/a.png", "no picture");
        std::fs::write(place.path("secret.png"), picture(20)).unwrap();
        std::os::unix::fs::symlink(place.path("secret.png"), place.site().join("uploads/link.png")).unwrap();
        place.article("_actualites/a.md", &front(image, ALT));
        let output = crieur(&place, "").run(&["publish-now", "a"]);
        assert_eq!(output.status.code(), Some(1), "{image}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("held") && said.contains(says), "{image}: {said}");
    }
}

#[test]
fn a_rule_with_threads_is_told_where_there_are_none() {
    let place = Place::new();
    let endpoints = "{ hook: { network: slack, hook: \"https://hooks.slack.com/services/a/b/c\" }, bot: { network: slack, token: t, channel: C0123ABCDEF }, journal: { network: journal } }";
    let rule = "rules: [{ name: une, endpoints: [hook, bot, journal], thread: true }]";
    let crieur = place.crieur(&format!("endpoints: {endpoints}\n{rule}"));
    let said = String::from_utf8(crieur.run(&["check"]).stdout).unwrap();
    let notes: Vec<&str> = said.lines().filter(|line| line.contains("has no threads")).collect();
    assert_eq!(notes.len(), 1, "{said}");
    assert!(notes[0].contains("note: rules.une: hook has no threads: a text of more than 4000"), "{said}");
}

#[test]
fn a_rule_with_words_for_corrections_that_it_never_tells_is_told_so() {
    let place = Place::new();
    for (on_edit, is_noted) in [("edit", true), ("correct", false)] {
        let crieur = place.crieur(&format!(
            "endpoints: {{ essai: {{ network: journal }} }}\nrules: [{{ name: une, endpoints: [essai], on_edit: {on_edit}, correction: \"Erratum : {{{{ correction }}}}\" }}]"
        ));
        let said = String::from_utf8(crieur.run(&["check"]).stdout).unwrap();
        assert_eq!(said.contains("note: rules.une: `correction` is never used"), is_noted, "{said}");
    }
}

/// What a network takes that has images and link cards.
const LIMITS: Limits = Limits {
    card: true,
    images_max: 4,
    image_bytes_max: 1_000_000,
    image_side_max: 2_000,
    alt_max: 100,
    thumb_bytes_max: 50_000,
    ..Limits::text(300, Counter::Graphemes)
};

/// A site whose images are at its address only, as a generator makes them.
async fn elsewhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bytes = picture(400);
    let image = move || {
        let answer = ([(header::CONTENT_TYPE, "image/png")], bytes.clone());
        async move { answer }
    };
    let router = Router::new()
        .route("/a.png", get(image))
        .route("/moved.png", get(async || Redirect::permanent("/a.png")))
        .route("/away.png", get(async || Redirect::permanent("http://169.254.169.254/latest")))
        .route("/soon.png", get(async || StatusCode::SERVICE_UNAVAILABLE));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What becomes of a post of an article with an image at an address.
async fn attached(site: &str, image: &str, images: Images, allow_private: bool) -> (Post, Attached) {
    let config = parse(&format!("site: {{ url: {site:?}, timezone: Europe/Paris, language: fr }}")).unwrap();
    let directory = Directory::new("/nowhere");
    let settings = Arc::new(SiteSettings::read(&config.site, &directory).unwrap().0);
    let text = format!("---\ntitle: Titre\nimage: {image}\nimage_alt: Un agent\n---\n");
    let file = SourceFile { path: "_posts/2026-01-31-essai.md".to_owned(), bytes: text.into_bytes() };
    let article: Article = article::parse(&file, &settings, &|_: &str| None, Depth::Full).article.unwrap();
    let texts = Texts::new(directory, settings, Arc::new(RwLock::new(Catalog::default())));
    let client = client::reader(allow_private).unwrap();
    let sources = Sources { texts: &texts, client: Some(&client), allow_private };
    let card =
        Card { url: article.url.to_string(), title: article.title.clone(), description: String::new(), thumb: None };
    let mut post = Post { card: Some(card), ..Post::default() };
    let composing = Composing { images, ..Composing::default() };
    let attached = attach(&mut post, &article, &composing, &LIMITS, false, &sources).await;
    (post, attached)
}

#[tokio::test]
async fn an_image_that_the_folder_lacks_is_asked_of_its_address_and_a_card_has_a_small_one() {
    let site = elsewhere().await;
    for image in ["/a.png", "/moved.png"] {
        let (post, attached) = attached(&site, image, Images::Lead, true).await;
        assert_eq!((post.images.len(), post.card, attached.hold.len()), (1, None, 0), "{image}");
        assert_eq!((post.images[0].width, post.images[0].alt.as_str()), (400, "Un agent"));
    }
    let (post, attached) = attached(&site, "/a.png", Images::None, true).await;
    let thumb = post.card.unwrap().thumb.unwrap();
    assert_eq!((post.images.len(), attached.ready.len()), (0, 1));
    assert!(attached.ready[0].bytes.len() <= LIMITS.thumb_bytes_max && thumb.digest == attached.ready[0].image.digest);
}

#[tokio::test]
async fn no_image_leads_to_a_private_address_and_one_that_fails_is_waited_for() {
    let site = elsewhere().await;
    // Not one byte is asked of an address that is private, whoever names it.
    for image in ["/a.png", "http://127.0.0.1:1/a.png", "http://[::1]/a.png", "http://2130706433/a.png"] {
        let (post, attached) = attached(&site, image, Images::Lead, false).await;
        assert!(post.images.is_empty() && attached.later.is_none(), "{image}");
        assert!(attached.hold[0].contains("private address"), "{image}: {:?}", attached.hold);
    }
    let (_, away) = attached(&site, "/away.png", Images::Lead, true).await;
    assert!(away.hold[0].contains("sends one elsewhere"), "{:?}", away.hold);
    for image in ["/soon.png", "/nowhere.png"] {
        let (post, attached) = attached(&site, image, Images::Lead, true).await;
        assert!(post.images.is_empty() && attached.later.is_some() && attached.hold.is_empty(), "{image}");
    }
}
