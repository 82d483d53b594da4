//! The pages for people, as a browser asks for them: what they say, in both languages, and that all they name is there.

use crate::support::Place;
use crate::support::html::{Page, attribute};
use crate::support::server::{Answer, Server, Setting};
use crate::support::tools;
use axum::http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;

const PERSON: [(&str, &str); 2] = [("accept", "text/html,application/xhtml+xml"), ("sec-fetch-dest", "document")];

/// What a person sees in a browser.
async fn open(server: &Server, path: &str, language: &str) -> Answer {
    let headers = [PERSON[0], PERSON[1], ("accept-language", language)];
    server.get(path, &headers).await
}

async fn page(server: &Server, path: &str, language: &str) -> Page {
    let answer = open(server, path, language).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    Page::of(answer.text())
}

/// The example site, with archives.
async fn example(rest: &str) -> Server {
    let place = Place::new();
    std::fs::remove_dir_all(place.site()).unwrap();
    symlink(std::fs::canonicalize("examples/site").unwrap(), place.site()).unwrap();
    Server::of(place, rest, Setting::default()).await
}

fn article(place: &Place, name: &str, title: &str, day: &str, more: &str) {
    place.article(&format!("_actualites/{name}.md"), &format!("title: {title}\ndate: {day} 09:00:00 +01:00\n{more}"));
}

async fn small() -> Server {
    let place = Place::new();
    article(&place, "a", "Un article", "2026-11-20", "tags: [Cloud, Numérique]\ncategories: [Communiqué de presse]");
    article(&place, "b", "Un autre", "2026-11-19", "tags: [Cloud, IA]\nauteur: Jeanne d’Arc");
    let event = "event_start_date: 2026-12-01 09:30:00 +01:00\nlieu: Ici même\ntags: [IA]";
    article(&place, "e", "Une rencontre", "2026-11-18", event);
    Server::of(place, "", Setting::default()).await
}

/// A link of a page, as a path of the server; None if it leads elsewhere.
fn own(link: &str) -> Option<&str> {
    let path = link.strip_prefix("http://localhost:8080").unwrap_or(link);
    path.starts_with('/').then_some(path)
}

#[tokio::test]
async fn every_link_on_every_page_leads_somewhere_and_every_page_is_well_made() {
    let server = example("feeds: { entries: 4, hubs: [self] }").await;
    let mut titles: BTreeMap<(String, String), String> = BTreeMap::new();
    for language in ["fr", "en"] {
        let (mut to_see, mut seen) = (vec!["/".to_owned()], BTreeSet::new());
        let mut fragments: BTreeSet<(String, String)> = BTreeSet::new();
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        while let Some(path) = to_see.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let answer = open(&server, &path, language).await;
            if answer.status.is_redirection() {
                to_see.push(answer.header("location").to_owned());
                continue;
            }
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            if !answer.header("content-type").starts_with("text/html") {
                continue;
            }
            let page = Page::of(answer.text());
            page.assert_well_made(&path, language);
            assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
            if let Some(canonical) = page.canonical() {
                let before = titles.insert((language.to_owned(), page.title()), canonical.clone());
                assert!(before.is_none_or(|before| before == canonical), "{path}: two pages with one title");
            }
            ids.insert(path.clone(), page.ids());
            for link in page.links() {
                let Some(link) = own(&link) else {
                    let is_known = ["https://www.communs-haute-lys.example", "webcal://localhost", "#"];
                    assert!(is_known.iter().any(|start| link.starts_with(start)), "{path}: {link}");
                    continue;
                };
                let (target, fragment) = link.split_once('#').unwrap_or((link, ""));
                if !fragment.is_empty() {
                    fragments.insert((target.to_owned(), fragment.to_owned()));
                }
                to_see.push(target.to_owned());
            }
        }
        for (path, fragment) in fragments {
            assert!(ids.get(&path).is_none_or(|ids| ids.contains(&fragment)), "{path}#{fragment}");
        }
        assert!(seen.len() > 150, "{language}: only {} addresses", seen.len());
        assert!(seen.iter().any(|path| path.contains("/archive/")));
    }
}

#[tokio::test]
async fn every_kind_of_feed_says_what_it_is() {
    let server = small().await;
    for (path, title, kicker, french, english) in [
        (
            "/feeds/all",
            "Toutes les publications",
            "Tout le site",
            "chaque nouvelle publication du site",
            "every new article",
        ),
        ("/feeds/events", "Tous les événements", "Agenda", "chaque événement annoncé", "every event"),
        ("/feeds/collection/actualites", "actualites", "Rubrique", "dans la rubrique", "in the collection"),
        (
            "/feeds/category/communique-de-presse",
            "Communiqué de presse",
            "Catégorie",
            "dans la catégorie",
            "in the category",
        ),
        ("/feeds/tag/cloud", "Cloud", "Étiquette", "qui porte l’étiquette", "tagged"),
        ("/feeds/author/jeanne-d-arc", "Jeanne d’Arc", "Auteur", "dont l’auteur est", "by "),
        (
            "/feeds/tag/cloud+numerique,-ia",
            "Cloud et Numérique, sauf IA",
            "Flux composé",
            "répond à ce choix",
            "fits this choice",
        ),
        ("/feeds/tag/-ia", "Tout, sauf IA", "Flux composé", "répond à ce choix", "fits this choice"),
        ("/feeds/tag/cloud,ia", "Cloud, ou IA", "Flux composé", "répond à ce choix", "fits this choice"),
    ] {
        let page = page(&server, path, "fr").await;
        assert_eq!(page.heading(), title.replace("actualites", "Actualites"), "{path}");
        let text = page.text();
        assert!(text.contains(kicker) && text.contains(french), "{path}: {text}");
        let address = format!("http://localhost:8080{path}.rss");
        assert!(page.html.contains(&format!(">{address}</textarea>")), "{path}");
        assert_eq!(page.canonical(), Some(format!("http://localhost:8080{path}")));
        for media_type in ["application/rss+xml", "application/atom+xml", "application/feed+json"] {
            assert!(page.html.contains(&format!("<link rel=\"alternate\" type=\"{media_type}\"")), "{path}");
        }
        let english_page = self::page(&server, path, "en").await;
        assert!(english_page.text().contains(english), "{path}: {}", english_page.text());
    }
}

#[tokio::test]
async fn a_page_shows_its_articles_in_words_of_the_reader_s_language() {
    let server = small().await;
    let french = page(&server, "/feeds/tag/ia", "fr").await;
    let text = french.text();
    for words in [
        "Une rencontre",
        "18 novembre 2026",
        "mardi 1er décembre 2026, 9\u{A0}h\u{A0}30",
        "Ici même",
        "2\u{A0}publications",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        french.links().contains(&"webcal://localhost:8080/feeds/tag/ia.ics".to_owned())
            || french.html.contains("/feeds/tag/ia.ics")
    );
    let english = page(&server, "/feeds/tag/ia", "en").await;
    for words in ["18 November 2026", "Tuesday 1 December 2026, 09:30", "2\u{A0}articles"] {
        assert!(english.text().contains(words), "{words}");
    }
    // What is not in the page's language says so.
    assert!(english.html.contains("<bdi lang=\"fr\">Une rencontre</bdi>"));
    assert!(french.html.contains("<bdi>Une rencontre</bdi>"));
    // Without an event there is no calendar.
    assert!(!page(&server, "/feeds/tag/numerique", "fr").await.html.contains(".ics"));
}

#[tokio::test]
async fn the_address_of_a_document_shows_the_page_in_a_browser_and_the_document_to_programs() {
    let server = small().await;
    for (path, shown) in [
        ("/feeds/all.rss", "/feeds/all.rss</textarea>"),
        ("/feeds/tag/cloud.atom", "/feeds/tag/cloud.atom</textarea>"),
        ("/feeds/tag/cloud+ia.json", "/feeds/tag/cloud+ia.json</textarea>"),
        ("/feeds/events.ics", "/feeds/events.ics</textarea>"),
        ("/feeds/tag/ia.ics", "/feeds/tag/ia.ics</textarea>"),
        ("/feeds/opml", "<h1>Tous les flux</h1>"),
        ("/feeds/tombstones.atom", "<h1>Publications retirées</h1>"),
    ] {
        let answer = open(&server, path, "fr").await;
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text().contains(shown), "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(answer.header("vary"), "Accept-Encoding, Accept-Language, Sec-Fetch-Dest", "{path}");
        let document = server.get(path, &[("accept", "text/html,*/*")]).await;
        assert!(!document.header("content-type").starts_with("text/html"), "{path}");
        for headers in [&[("sec-fetch-dest", "empty")][..], &[("sec-fetch-dest", "image")]] {
            assert_eq!(server.get(path, headers).await.body, document.body, "{path}");
        }
        assert_eq!(open(&server, &format!("{path}?raw"), "fr").await.body, document.body, "{path}");
        let head = server.ask("HEAD", path, &PERSON).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    }
}

#[tokio::test]
async fn archives_are_pages_that_lead_from_month_to_month() {
    let place = Place::new();
    for number in 0..9 {
        let day = format!("2026-{:02}-{:02}", 1 + number / 2, 1 + number);
        article(&place, &format!("{number}"), &format!("article {number}"), &day, "");
    }
    let server = Server::of(place, "feeds: { entries: 2 }", Setting::default()).await;
    let first = page(&server, "/feeds/all", "fr").await;
    assert!(first.text().contains("article 8") && !first.text().contains("article 6"));
    let (mut path, mut walked) = (first.link("prev"), Vec::new());
    while let Some(at) = path {
        let page = page(&server, &at, "fr").await;
        walked.push(page.heading());
        assert!(page.link("next").is_some(), "{at}");
        path = page.link("prev");
    }
    let months = ["avril 2026 (début du mois)", "mars 2026", "février 2026", "janvier 2026"];
    let expected: Vec<String> = months.iter().map(|month| format!("Toutes les publications, {month}")).collect();
    assert_eq!(walked, expected);
    // The document of an archive, in a browser, is that page.
    let opened = page(&server, "/feeds/all/archive/202603.atom", "fr").await;
    assert_eq!(opened.heading(), "Toutes les publications, mars 2026");
    assert!(opened.text().contains("2\u{A0}publications"));
    // An old number leads on; one that stands for nothing has no page.
    assert_eq!(open(&server, "/feeds/all/archive/1", "fr").await.header("location"), "/feeds/all/archive/202601");
    assert_eq!(open(&server, "/feeds/all/archive/0", "fr").await.status, StatusCode::NOT_FOUND);
    assert_eq!(open(&server, "/feeds/all/archive/202509", "fr").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_chooser_leads_to_the_one_address_of_a_combination() {
    let server = small().await;
    for (query, to) in [
        ("with=tag:ia&with=tag:cloud&how=all&go=1", "/feeds/tag/cloud+ia"),
        ("with=tag%3Aia&with=tag%3Acloud&how=any&go=1", "/feeds/tag/cloud,ia"),
        ("with=tag:cloud&go=1", "/feeds/tag/cloud"),
        ("with=tag:cloud&without=tag:ia&go=1", "/feeds/tag/cloud,-ia"),
        ("without=tag:ia&go=1", "/feeds/tag/-ia"),
        ("with=collection:actualites&with=tag:ia&how=all&go=1", "/feeds/tag/ia+collection:actualites"),
        ("with=collection:actualites&without=tag:ia&go=1", "/feeds/tag/collection:actualites,-ia"),
    ] {
        let answer = open(&server, &format!("/feeds/choose?{query}"), "fr").await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, to), "{query}");
        let page = page(&server, to, "fr").await;
        // The way back has the same boxes ticked.
        let back = page.links().into_iter().find(|link| link.starts_with("/feeds/choose?")).unwrap();
        let form = self::page(&server, &back, "fr").await;
        assert_eq!(
            form.html.matches(" checked>").count(),
            query.matches("tag").count() + query.matches("collection").count() + 1,
            "{back}"
        );
    }
    for (query, problem) in [
        ("go=1", "Cochez au moins un sujet"),
        ("with=tag:ia&without=tag:ia&go=1", "à la fois"),
        ("with=tag:none&go=1", "à la fois"),
        ("with=a&with=b&with=c&with=d&with=e&with=f&with=g&with=h&with=i&go=1", "8 sujets au plus"),
    ] {
        let answer = open(&server, &format!("/feeds/choose?{query}"), "fr").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let page = Page::of(answer.text());
        assert!(page.title().starts_with("Erreur") && page.text().contains(problem), "{query}");
    }
}

#[tokio::test]
async fn two_thousand_tags_stay_small_and_in_the_order_of_the_alphabet() {
    let place = Place::new();
    for article in 0..40 {
        let tags: Vec<String> = (0..50).map(|tag| format!("\"{}\"", tag_name(article * 50 + tag))).collect();
        self::article(
            &place,
            &format!("{article}"),
            &format!("article {article}"),
            "2026-11-20",
            &format!("tags: [{}]", tags.join(", ")),
        );
    }
    self::article(&place, "x", "x", "2026-11-20", "tags: [Zèbre, école, Écologie, eau, Œuvre, oeil, \"2027\"]");
    let server = Server::of(place, "", Setting::default()).await;
    let small = |answer: &Answer, path: &str| assert!(answer.body.len() < 150_000, "{path}: {}", answer.body.len());
    for path in ["/feeds/", "/feeds/choose", "/feeds/?q=sujet", "/feeds/tag/", "/feeds/snippets"] {
        small(&open(&server, path, "fr").await, path);
    }
    let (mut path, mut names) = (Some("/feeds/tag/".to_owned()), Vec::new());
    while let Some(at) = path {
        small(&open(&server, &at, "fr").await, &at);
        let page = page(&server, &at, "fr").await;
        names.extend(page.names());
        path = page.link("next");
    }
    assert_eq!(names.len(), 2_007);
    let at = |name: &str| names.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(at("2027"), 0);
    assert!(at("eau") < at("école") && at("école") < at("Écologie") && at("oeil") < at("Œuvre"));
    assert_eq!(at("Zèbre"), names.len() - 1);
    // A letter leads to where its names are.
    let overview = page(&server, "/feeds/", "fr").await;
    let letter = overview.links().into_iter().find(|link| link.ends_with("#letter-Z")).unwrap();
    let page_of_letter = page(&server, letter.split_once('#').unwrap().0, "fr").await;
    assert!(page_of_letter.ids().contains("letter-Z") && page_of_letter.names().contains(&"Zèbre".to_owned()));
    assert_eq!(open(&server, "/feeds/tag/?page=99", "fr").await.status, StatusCode::NOT_FOUND);
    assert_eq!(open(&server, "/feeds/tag", "fr").await.header("location"), "/feeds/tag/");
    // What is not shown of the chooser is found in it, and what was ticked stays.
    let found = page(&server, "/feeds/choose?q=zebre&with=tag:eau", "fr").await;
    assert!(found.html.contains("value=\"tag:zebre\"") && found.html.contains("value=\"tag:eau\" checked"));
}

fn tag_name(number: usize) -> String {
    let letters: String =
        [26 * 26, 26, 1].iter().map(|place| char::from(b'a' + u8::try_from(number / place % 26).unwrap())).collect();
    format!("{letters} sujet")
}

#[tokio::test]
async fn a_search_minds_neither_accents_nor_case() {
    let server = small().await;
    for (q, found) in [
        ("numerique", &["Numérique"][..]),
        ("NUMÉR", &["Numérique"]),
        ("presse+communique", &["Communiqué de presse"]),
        ("jeanne+d%27arc", &["Jeanne d’Arc"]),
        ("u", &["Communiqué de presse", "Cloud", "Numérique", "Actualites"]),
        ("nothing", &[]),
    ] {
        let page = page(&server, &format!("/feeds/?q={q}"), "fr").await;
        let names: BTreeSet<String> = page.names().into_iter().collect();
        assert_eq!(names, found.iter().map(|&name| name.to_owned()).collect(), "{q}");
        assert_eq!(page.html.contains("Aucun flux ne porte ce nom"), found.is_empty());
    }
    // Nothing but blanks is no search.
    assert_eq!(page(&server, "/feeds/?q=+", "fr").await.heading(), "Tous les flux");
}

#[tokio::test]
async fn what_was_withdrawn_is_listed_without_a_word_of_it() {
    let server = small().await;
    assert!(page(&server, "/feeds/tombstones", "fr").await.text().contains("Aucune publication n’a été retirée"));
    server.place.remove("_actualites/a.md");
    server.clock.advance(jiff::SignedDuration::from_hours(1));
    server.pass("").await;
    let page = page(&server, "/feeds/tombstones", "fr").await;
    assert!(page.text().contains("urn:uuid:") && page.text().contains("22 novembre 2026"));
    assert!(!page.html.contains("Un article") && !page.html.contains("Cloud"), "{}", page.html);
}

#[tokio::test]
async fn a_feed_without_articles_says_so_kindly() {
    let server = small().await;
    article(&server.place, "b", "Un autre", "2026-11-19", "tags: [Cloud]");
    article(&server.place, "e", "Une rencontre", "2026-11-18", "");
    server.clock.advance(jiff::SignedDuration::from_hours(1));
    server.pass("").await;
    let page = page(&server, "/feeds/tag/ia", "fr").await;
    assert!(page.text().contains("ne contient aucune publication pour le moment"));
}

#[tokio::test]
async fn errors_are_pages_for_people_and_a_line_for_programs() {
    let server = Server::before_the_first_pass(Place::new(), "", Setting::default()).await;
    for path in ["/", "/feeds/", "/feeds/all", "/feeds/all.rss", "/feeds/choose"] {
        let answer = open(&server, path, "fr").await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"), "{path}");
        assert_eq!(Page::of(answer.text()).heading(), "Le site est en cours de lecture", "{path}");
        let line = server.get(path, &[]).await;
        assert!(line.header("content-type").starts_with("text/plain"), "{path}");
    }
    article(&server.place, "a", "A", "2026-11-20", "tags: [Cloud]");
    server.pass("").await;
    server.pass("feeds: { formats: [rss] }").await;
    for (path, status, heading) in [
        ("/none", 404, "Cette page n’existe pas"),
        ("/feeds/tag/nuage", 404, "Cette page n’existe pas"),
        ("/feeds/tag/nuage.rss", 404, "Cette page n’existe pas"),
        ("/feeds/tag/cloud.json", 410, "Ce flux n’est plus proposé dans ce format"),
    ] {
        let answer = open(&server, path, "fr").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let page = Page::of(answer.text());
        assert_eq!(page.heading(), heading, "{path}");
        page.assert_well_made(path, "fr");
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding, Accept-Language, Sec-Fetch-Dest", "{path}");
        // A reader of feeds that takes HTML too is told in a line.
        for headers in
            [&[][..], &[("accept", "application/rss+xml, text/html")], &[("sec-fetch-dest", "empty"), PERSON[0]]]
        {
            let answer = server.get(path, headers).await;
            assert_eq!(answer.status.as_u16(), status);
            assert!(answer.header("content-type").starts_with("text/plain"), "{path} {headers:?}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
    }
    // An old browser says only that it takes HTML.
    assert_eq!(Page::of(server.get("/none", &[PERSON[0]]).await.text()).heading(), "Cette page n’existe pas");
    let gone = open(&server, "/feeds/tag/cloud.json", "fr").await;
    assert!(gone.text().contains("href=\"/feeds/tag/cloud\""));
    assert!(open(&server, "/feeds/tag/nuage-gris", "fr").await.text().contains("value=\"nuage gris\""));
}

#[tokio::test]
async fn what_editors_write_is_shown_and_never_obeyed() {
    let place = Place::new();
    let nasty = "'<script>alert(1)</script>1 < 2 \" onx=\"''&amp; \u{202e}RTL {{ page }}'";
    article(
        &place,
        "a",
        nasty,
        "2026-11-20",
        "tags: ['<b>gras</b>', 'x\" autofocus=\"', \"l'été\"]\nauteur: '</title><img src=x>'",
    );
    let long = "anticonstitutionnellement".repeat(20);
    article(&place, "b", &long, "2026-11-19", &format!("tags: [{long}]"));
    let server = Server::of(place, "", Setting::default()).await;
    for path in [
        "/feeds/",
        "/feeds/all",
        "/feeds/choose",
        "/feeds/snippets",
        "/feeds/tag/",
        "/feeds/author/",
        "/feeds/?q=%3Cscript%3E%22%27",
        "/feeds/%3Cscript%3E",
        "/",
    ] {
        let answer = open(&server, path, "fr").await;
        let html = answer.text();
        for bad in ["<script", "<b>gras", "<img src=x", "\" autofocus", "\" onx="] {
            assert!(!html.contains(bad), "{path}: {bad}");
        }
        if answer.status == StatusCode::OK {
            Page::of(html).assert_well_made(path, "fr");
        }
    }
    let page = page(&server, "/feeds/all", "fr").await;
    assert!(page.html.contains("<bdi>1 &lt; 2 &quot; onx=&quot;&#39;&amp;"), "{}", page.html);
    assert!(page.html.contains("{{ page }}"));
}

#[tokio::test]
async fn links_stand_under_the_path_of_the_public_address() {
    let place = Place::new();
    article(&place, "a", "A", "2026-11-20", "tags: [Cloud]");
    let server = Server::of(place, "http: { public_url: \"https://www.example.fr/flux/\" }", Setting::default()).await;
    for path in ["/", "/feeds/", "/feeds/all", "/feeds/choose", "/feeds/snippets", "/feeds/tag/"] {
        for link in page(&server, path, "fr").await.links() {
            let is_right =
                link.starts_with("/flux/") || link.starts_with("https://www.example.fr") || link.starts_with('#');
            assert!(is_right, "{path}: {link}");
        }
    }
    assert_eq!(open(&server, "/feeds/tag/CLOUD", "fr").await.header("location"), "/flux/feeds/tag/cloud");
    assert_eq!(
        open(&server, "/feeds/choose?with=tag:cloud&go=1", "fr").await.header("location"),
        "/flux/feeds/tag/cloud"
    );
}

#[tokio::test]
async fn a_page_that_a_browser_has_is_not_sent_again_and_its_style_is_kept_for_good() {
    let server = small().await;
    let full = open(&server, "/feeds/all", "fr").await;
    let known = [PERSON[0], ("accept-language", "fr"), ("if-none-match", full.header("etag"))];
    assert_eq!(server.get("/feeds/all", &known).await.status, StatusCode::NOT_MODIFIED);
    let other = [PERSON[0], ("accept-language", "en"), ("if-none-match", full.header("etag"))];
    assert_eq!(server.get("/feeds/all", &other).await.status, StatusCode::OK);
    let small = [PERSON[0], ("accept-language", "fr"), ("accept-encoding", "gzip, br")];
    let packed = server.get("/feeds/all", &small).await;
    assert_eq!((packed.status, packed.header("content-encoding")), (StatusCode::OK, "br"));
    assert!(packed.body.len() * 2 < full.body.len() && packed.header("etag").ends_with("-br\""));
    let known = [small[0], small[1], small[2], ("if-none-match", packed.header("etag"))];
    let same = server.get("/feeds/all", &known).await;
    assert_eq!((same.status, same.header("content-encoding")), (StatusCode::NOT_MODIFIED, ""));
    let page = Page::of(full.text());
    let style = page.tags("link").into_iter().find(|tag| tag.contains("stylesheet")).unwrap();
    let style = attribute(&style, "href").unwrap();
    let answer = server.get(&style, &[]).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    // While two versions run side by side, one may be asked for the style of the other.
    let other = server.get("/feeds/looks/style-0000000000.css", &[]).await;
    assert_eq!((other.status, other.header("cache-control")), (StatusCode::OK, "public, max-age=60"));
    assert_eq!(server.get("/feeds/looks/other", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_reading_is_done_to_a_page() {
    let server = small().await;
    for path in ["/feeds/all", "/feeds/tag/cloud+ia", "/feeds/tag/"] {
        for method in ["POST", "DELETE"] {
            assert!(server.ask(method, path, &PERSON).await.status.is_client_error(), "{method} {path}");
        }
        assert_eq!(server.ask("HEAD", path, &PERSON).await.status, StatusCode::OK, "{path}");
    }
}

/// Every kind of page there is, of the example site with few articles in a feed.
const PAGES: [&str; 20] = [
    "/",
    "/feeds/",
    "/feeds/?q=cloud",
    "/feeds/?q=nothing",
    "/feeds/tag/",
    "/feeds/all",
    "/feeds/events",
    "/feeds/collection/actualites",
    "/feeds/tag/cloud",
    "/feeds/tag/cloud+numerique,-metiers",
    "/feeds/tag/cloud+sobriete",
    "/feeds/events.ics",
    "/feeds/all.atom",
    "/feeds/all/archive/202605",
    "/feeds/choose?with=tag:cloud&without=tag:sobriete",
    "/feeds/choose?go=1",
    "/feeds/snippets",
    "/feeds/tombstones",
    "/timeline",
    "/feeds/tag/nothing",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_of_the_w3c_finds_no_fault_with_the_html_of_any_page() {
    let Some(mut checker) = tools::html_checker() else { return };
    let server = example("feeds: { entries: 4 }").await;
    let folder = tempfile::tempdir().unwrap();
    for language in ["fr", "en"] {
        for (number, path) in PAGES.iter().enumerate() {
            let answer = open(&server, path, language).await;
            assert!(answer.header("content-type").starts_with("text/html"), "{path}");
            let file = folder.path().join(format!("{language}-{number}.html"));
            std::fs::write(&file, &answer.body).unwrap();
            checker.arg(file);
        }
    }
    tokio::task::spawn_blocking(move || tools::judged(&mut checker, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_and_axe_find_no_fault_with_any_page() {
    let Some(mut browser) = tools::browser("look_at_pages.mjs") else { return };
    let server = example("feeds: { entries: 4 }").await;
    browser.arg(format!("http://{}", server.address));
    tokio::task::spawn_blocking(move || tools::judged(&mut browser, PAGES.join("\n"))).await.unwrap();
}
