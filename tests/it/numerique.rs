//! The five real articles of the first user: exactly the two published ones come out, as the site would show them.

use crate::support::{Crieur, Place, corpus};

const RELEASE: &str = "cloud-letat-publie-une-serie-de-10-temoignages-pour-encourager-lensemble-des-acteurs-publics-a-se-saisir-du-plein-potentiel-du-cloud";
const EVENT: &str = "letat-dans-le-nuage-une-journee-dediee-au-cloud-dans-la-sphere-publique";

fn crieur(place: &Place, rest: &str) -> Option<Crieur> {
    let root = corpus("numerique")?;
    let file = place.path("numerique.yaml");
    let yaml = format!(
        "site: {{ root: {root:?}, url: https://www.numerique.gouv.fr }}\nstore: \"sqlite:{}\"\nhttp: {{ public_url: https://flux.example.fr }}\n{rest}",
        place.path("crieur.db").display()
    );
    std::fs::write(&file, yaml).unwrap();
    Some(Crieur { file })
}

const CLOUD: &str = r##"
hashtags: { dictionary: { "Cloud": "#ClouddelEtat", "cloud au centre": "#Cloudaucentre" }, at_most: 2 }
endpoints:
  essai: { network: journal, gap: 0s, allow_private: false }
  dinum: { network: mastodon, server: "https://social.example.fr", token: canari }
rules:
  - { name: cloud, articles: { tags: [Cloud] }, endpoints: [essai] }
baseline: none
"##;

#[test]
fn the_feeds_hold_the_two_published_articles_and_nothing_else() {
    let place = Place::new();
    let Some(crieur) = crieur(&place, "") else { return };
    let out = place.path("out");
    crieur.ok(&["build", "--out", out.to_str().unwrap()]);
    let read = |name: &str| std::fs::read_to_string(out.join("feeds").join(name)).unwrap();
    let rss = read("all.rss");
    let channel = rss::Channel::read_from(rss.as_bytes()).unwrap();
    let items: Vec<(&str, &str)> =
        channel.items().iter().map(|item| (item.link().unwrap(), item.pub_date().unwrap())).collect();
    assert_eq!(
        items,
        [
            (
                format!("https://www.numerique.gouv.fr/espace-presse/{RELEASE}/").as_str(),
                "Fri, 05 Jul 2024 14:00:00 +0200"
            ),
            (format!("https://www.numerique.gouv.fr/agenda/{EVENT}/").as_str(), "Mon, 05 Feb 2024 09:30:00 +0100"),
        ]
    );
    assert!(rss.contains("https://www.numerique.gouv.fr/uploads/Copie%20de%20Visuel%20RS%2034-%201920x1080px(2).png"));
    let atom = atom_syndication::Feed::read_from(read("all.atom").as_bytes()).unwrap();
    assert_eq!(
        atom.entries().iter().map(|entry| entry.id()).collect::<Vec<_>>(),
        channel.items().iter().map(|item| item.guid().unwrap().value()).collect::<Vec<_>>()
    );
    assert_eq!(atom.entries()[0].published().unwrap().to_rfc3339(), "2024-07-05T14:00:00+02:00");
    for (feed, entries) in [
        ("tag/cloud", 2),
        ("tag/cloud-au-centre", 1),
        ("tag/numerique", 1),
        ("tag/echanges-d-experiences", 1),
        ("category/communique-de-presse", 1),
        ("category/journee-d-echanges", 1),
    ] {
        let rss = rss::Channel::read_from(read(&format!("{feed}.rss")).as_bytes()).unwrap();
        let atom = atom_syndication::Feed::read_from(read(&format!("{feed}.atom")).as_bytes()).unwrap();
        assert_eq!((rss.items().len(), atom.entries().len()), (entries, entries), "{feed}");
    }
}

#[test]
fn the_post_ends_with_the_official_hashtags_and_keeps_its_link_whole() {
    let place = Place::new();
    let Some(crieur) = crieur(&place, CLOUD) else { return };
    let previews = crieur.json(&["preview", RELEASE, "--endpoint", "dinum", "--endpoint", "essai", "--json"]);
    let previews = previews.as_array().unwrap();
    assert_eq!(previews.len(), 2);
    for preview in previews {
        let text = preview["text"].as_str().unwrap();
        assert!(text.ends_with("\n\n#ClouddelEtat #Cloudaucentre"), "{text}");
        assert!(text.contains(&format!("https://www.numerique.gouv.fr/espace-presse/{RELEASE}/")), "{text}");
        assert!(preview["length"].as_u64() <= preview["limit"].as_u64());
    }
    assert_eq!(previews[0]["limit"], 500);
}

#[test]
fn one_pass_posts_each_article_once_and_a_second_one_nothing() {
    let place = Place::new();
    let Some(crieur) = crieur(&place, CLOUD) else { return };
    crieur.ok(&["run", "--once"]);
    assert_eq!(crieur.published().len(), 2);
    crieur.ok(&["run", "--once"]);
    let posts = crieur.json(&["posts", "--json"]);
    assert_eq!(posts.as_array().unwrap().len(), 2);
    assert!(posts.as_array().unwrap().iter().all(|post| post["attempts"] == 1));
}
