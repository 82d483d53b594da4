use super::entity::{self, Kind};
use super::{Brief, Counter, Limits, Post, compose, hashtag};
use crate::article::{Article, SiteSettings, SourceFile, parse};
use crate::config::{Composing, EndpointName, Hashtags, Surroundings};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};

fn site() -> SiteSettings {
    let yaml = "site: { url: https://www.example.fr, title: Essai, language: fr, timezone: Europe/Paris }";
    let surroundings = Surroundings { env: &|_| None, read: &|_| Err(String::new()) };
    let config = crate::config::parse("crieur.yaml", yaml, &surroundings).unwrap();
    SiteSettings::read(&config.site, &crate::article::site::NoFiles).unwrap().0
}

fn article(site: &SiteSettings, front: &str) -> Article {
    let text = format!("---\n{front}\n---\nCorps.\n");
    let file = SourceFile { path: "_posts/2026-01-31-essai.md".to_owned(), bytes: text.into_bytes() };
    let parsed = parse(&file, site, &|_: &str| None, crate::article::Depth::Full);
    parsed.article.unwrap_or_else(|| panic!("{:?}", parsed.problems))
}

/// The post of an article, with the default text unless one is given.
fn post(front: &str, text: Option<&str>, limits: Limits, composing: Composing) -> Result<Post, String> {
    let site = site();
    let article = article(&site, front);
    let endpoint = EndpointName::new("essai");
    let hashtags = Hashtags::default();
    let mut brief = Brief::new(text, None, &endpoint, "mastodon", &hashtags, limits).unwrap();
    brief.composing = composing;
    compose(&article, &site, &brief)
}

const MASTODON: Limits = Limits::text(500, Counter::Mastodon { per_url: 23 });
const BLUESKY: Limits =
    Limits { bytes_max: 3000, card: true, thread: true, more_hashtags_max: 8, ..Limits::text(300, Counter::Graphemes) };

#[test]
fn a_hashtag_that_the_text_says_already_is_not_said_again() {
    let front = "title: L’État et le cloud\ntags: [Cloud, Numérique]";
    let text = "Journée #cloud\u{A0}: {{ title }} {{ url }} {{ hashtags }}";
    let post = post(front, Some(text), MASTODON, Composing::default()).unwrap();
    assert_eq!(
        post.text,
        "Journée #cloud\u{A0}: L’État et le cloud https://www.example.fr/2026/01/31/essai.html #Numerique"
    );
    assert_eq!(post.hashtags, ["#Cloud", "#Numerique"]);
}

#[test]
fn hashtags_without_room_stand_beside_the_text_where_the_network_has_a_place() {
    let front = "title: Titre\ntags: [Cloud, Numérique]";
    let text = Some("{{ title }} {{ url }}");
    let beside = post(front, text, BLUESKY, Composing::default()).unwrap();
    assert_eq!(beside.more_hashtags, ["Cloud", "Numerique"]);
    assert_eq!(beside.card.unwrap().title, "Titre");
    let none = post(front, text, MASTODON, Composing::default()).unwrap();
    assert_eq!((none.more_hashtags, none.card), (vec![], None));
}

#[test]
fn a_long_text_goes_on_in_a_thread_where_the_rule_says_so() {
    let summary = "Une phrase assez longue pour compter. ".repeat(20);
    let front = format!("title: Titre\nchapeau-text: {summary}\ntags: [Cloud]");
    let cut = post(&front, None, BLUESKY, Composing::default()).unwrap();
    assert!(cut.thread.is_empty() && cut.text.contains('…'));
    let threaded = post(&front, None, BLUESKY, Composing { thread: true, ..Composing::default() }).unwrap();
    assert!(
        threaded.text.starts_with("Titre\n\nUne phrase") && threaded.text.ends_with("#Cloud\n\n1/3"),
        "{threaded:#?}"
    );
    assert_eq!(threaded.thread.len(), 2);
    assert!(threaded.thread[1].ends_with("\n\n3/3"));
    let said: usize =
        threaded.thread.iter().chain([&threaded.text]).map(|text| text.matches("Une phrase").count()).sum();
    assert_eq!(said, 20);
    let plain = Composing { thread: true, thread_numbers: false, ..Composing::default() };
    assert!(post(&front, None, BLUESKY, plain).unwrap().text.ends_with("#Cloud"));
    // A person's own words go on as they are; where there are no threads, nobody cuts them.
    let own = Some(summary.as_str());
    assert_eq!(post("title: Titre", own, BLUESKY, plain).unwrap().thread.len(), 2);
    assert!(post("title: Titre", own, MASTODON, plain).unwrap_err().contains("759 characters"));
}

#[test]
fn templates_speak_french() {
    let front = "title: Journée\ndate: 2026-01-31 10:00:00 +01:00\nevent_start_date: 2026-12-03 14:30:00 +01:00\ntags: [Paroles d'agents]";
    let text = "{{ event_date | date }} à {{ event_time | time }} ({{ event_when }}) {{ tags | first | hashtag }}";
    let post = post(front, Some(text), MASTODON, Composing::default()).unwrap();
    assert_eq!(
        post.text,
        "jeudi 3 décembre 2026 à 14\u{A0}h\u{A0}30 (jeudi 3 décembre 2026, 14\u{A0}h\u{A0}30) #ParolesDAgents"
    );
}

/// Words of French texts, with what must stay whole.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[A-Za-zéèàçôœ’-]{1,14}[,.]?",
        1 => "https://x\\.fr/[a-z?=&-]{0,20}",
        1 => "#[A-Z][a-zé]{1,9}",
        1 => "@[a-z]{1,8}(@x\\.fr)?",
        1 => Just("👩\u{200D}👩\u{200D}👧".to_owned()),
        1 => Just("«\u{A0}mot\u{A0}»".to_owned()),
    ];
    proptest::collection::vec(word, 1..70).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_cut_the_link_and_the_first_hashtag_survive_and_nothing_is_torn(
        title in words(), summary in words(), tags in proptest::collection::vec("[A-Za-zéà' ]{2,20}", 0..5), thread in any::<bool>(),
    ) {
        let site = site();
        let mut article = article(&site, "title: x");
        article.title = title.clone();
        article.chapeau = Some(summary.clone());
        article.tags = tags;
        let summary = crate::article::summary::summary(&article, None).text;
        let endpoint = EndpointName::new("essai");
        let config = Hashtags::default();
        let hashtags = hashtag::hashtags(&article, &config);
        let whole: Vec<&str> = title.split_whitespace().chain(summary.split_whitespace()).collect();
        for (network, limits) in [
            ("mastodon", MASTODON),
            ("bluesky", BLUESKY),
            ("x", Limits::text(280, Counter::X)),
            ("telegram", Limits::text(1024, Counter::Utf16)),
        ] {
            let mut brief = Brief::new(None, None, &endpoint, network, &config, limits).unwrap();
            brief.composing.thread = thread;
            let post = match compose(&article, &site, &brief) {
                Ok(post) => post,
                // A word that no post of a thread can hold, and no room for the hashtag.
                Err(reason) => { prop_assert!(reason.contains("characters"), "{}", reason); continue; }
            };
            for text in post.thread.iter().chain([&post.text]) {
                prop_assert!(limits.holds(text), "{network} {} {text}", limits.counter.count(text));
            }
            let all = post.thread.iter().fold(post.text.clone(), |all, text| format!("{all}\n{text}"));
            prop_assert!(all.contains(article.url.as_str()));
            if let Some(first) = hashtags.first() {
                prop_assert!(post.hashtags.contains(first), "{first} in {all}");
            }
            // Every link and hashtag of the post is one of the article, whole.
            for text in post.thread.iter().chain([&post.text]) {
                for entity in entity::entities(text) {
                    let said = &text[entity.range];
                    let known = said == article.url.as_str()
                        || hashtags.iter().any(|hashtag| hashtag == said)
                        || whole.iter().any(|word| word.contains(said) && (entity.kind == Kind::Link || word.trim_matches([',', '.']) == said));
                    prop_assert!(known, "{said} in {text}");
                }
            }
        }
    }
}

#[test]
fn a_correction_is_told_whole_and_the_title_gives_way() {
    let (site, endpoint, hashtags) = (site(), EndpointName::new("essai"), Hashtags::default());
    let told = |title: &str, said: &str| {
        let article = article(&site, &format!("title: {title}\ntags: [Cloud]"));
        let brief = Brief::new(None, None, &endpoint, "bluesky", &hashtags, BLUESKY).unwrap();
        let correction = super::Correction { mark: "x".to_owned(), text: said.to_owned() };
        compose(&article, &site, &brief.correcting(None, &correction, true).unwrap()).map(|post| post.text)
    };
    let said = "Contrairement à ce qui était indiqué dans la première version de ce communiqué, le montant de l’aide est de 12 millions d’euros, et non de 12 milliards.";
    let long =
        "Cloud au centre, dix-huit mois après, un premier bilan de ce qui a été fait et de ce qui reste à faire "
            .repeat(3);
    for title in ["Cloud", &long] {
        let text = told(title, said).unwrap();
        assert!(text.contains(said) && text.starts_with("Rectificatif à «\u{A0}Cloud"), "{text}");
        assert!(text.contains("https://www.example.fr/2026/01/31/essai.html"), "{text}");
    }
    let refused = told("Cloud", &said.repeat(2)).unwrap_err();
    assert!(refused.contains("is not cut") && refused.contains("shorten it"), "{refused}");
}

#[test]
fn a_template_that_names_a_tag_has_the_dictionarys_hashtag_though_the_article_has_not_the_tag() {
    let site = site();
    let article = article(&site, "title: Titre\ntags: [Numérique]");
    let endpoint = EndpointName::new("essai");
    let dictionary = [(crate::text::folded("Cloud de l'État"), "#ClouddelEtat".to_owned())].into();
    let hashtags = Hashtags { dictionary, ..Hashtags::default() };
    let text = "{{ \"CLOUD de l’État\" | hashtag }} {{ \"Autre chose\" | hashtag }}{{ \"2024\" | hashtag }} {{ url }}";
    let brief = Brief::new(Some(text), None, &endpoint, "mastodon", &hashtags, MASTODON).unwrap();
    let post = compose(&article, &site, &brief).unwrap();
    assert_eq!(post.text, "#ClouddelEtat #AutreChose https://www.example.fr/2026/01/31/essai.html");
}
