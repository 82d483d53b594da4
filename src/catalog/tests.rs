//! The catalog is what a plain list of its articles would say, whatever is put in and taken out.

use super::ledger::{Decided, Gone, Past, PastEvent};
use super::{Catalog, EventTime, GroupKey, Head, Names, Stamp, Standing, index};
use crate::article::sketch::{Gist, Sketch};
use crate::article::{ArticleDate, ArticleId, EventStatus};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
use proptest::proptest;
use std::collections::{BTreeMap, BTreeSet};

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + minute * 60).unwrap()
}

fn id(number: u8) -> ArticleId {
    ArticleId::mint("www.example.fr", &number.to_string(), &|_| false)
}

fn words(seed: usize) -> String {
    (0..60).map(|at| format!("mot{}", seed * 1_000 + at)).collect::<Vec<_>>().join(" ")
}

/// What one article is made of, in small numbers so that two often meet.
#[derive(Debug, Clone)]
struct Seed {
    number: u8,
    path: u8,
    collection: u8,
    tags: Vec<u8>,
    date: Option<i64>,
    seen: i64,
    expires: Option<i64>,
    published: bool,
    early: bool,
    decided: u8,
    copy_of: Option<u8>,
}

fn seeds() -> impl Strategy<Value = Seed> {
    let dates = (proptest::option::of(0..60_i64), 0..60_i64, proptest::option::of(0..60_i64));
    let flags = (any::<bool>(), any::<bool>(), 0..4_u8, proptest::option::of(0..9_u8));
    (0..9_u8, 0..3_u8, 0..2_u8, proptest::collection::vec(0..4_u8, 0..3), dates, flags).prop_map(
        |(number, path, collection, tags, (date, seen, expires), (published, early, decided, copy_of))| Seed {
            number,
            path,
            collection,
            tags,
            date,
            seen,
            expires,
            published,
            early,
            decided,
            copy_of,
        },
    )
}

/// Two spellings of one tag among others.
const TAGS: [&str; 4] = ["Cloud", "cloud", "Numérique", "Élan"];

fn standing(seed: &Seed, names: &mut Names) -> Standing {
    let mut tags: Vec<&str> = Vec::new();
    for tag in &seed.tags {
        let tag = TAGS[usize::from(*tag)];
        if !tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase()) {
            tags.push(tag);
        }
    }
    let sketch = Sketch::of(&words(seed.number.into()));
    Standing {
        id: id(seed.number),
        article: Head {
            path: format!("_c/{}-{}.md", seed.number, seed.path).into(),
            collection: names.word(["actualites", "communiques"][usize::from(seed.collection)]),
            title: format!("Titre {}", seed.number).into(),
            url: format!("https://www.example.fr/{}/", seed.number).into(),
            date: seed.date.map(|minute| ArticleDate {
                at: instant(minute),
                offset: jiff::tz::Offset::from_seconds(7_200).unwrap(),
            }),
            expires: seed.expires.map(instant),
            published: seed.published,
            shown_early: seed.early,
            categories: Box::default(),
            tags: tags.into_iter().map(|tag| names.label(tag)).collect(),
            author: (seed.path == 1).then(|| names.label("Une Autrice")),
            language: (seed.path == 2).then(|| names.word("en")),
            event: (seed.path == 0).then(|| {
                let start = ArticleDate { at: instant(90), offset: jiff::tz::Offset::UTC };
                let status = if seed.early { EventStatus::Cancelled } else { EventStatus::Confirmed };
                Box::new(EventTime { start, end: None, all_day: false, status })
            }),
            urgent: seed.number.is_multiple_of(2),
            repeat_until: (seed.path == 1).then(|| instant(70)),
        },
        past: Past {
            former: if seed.path == 2 { ["www.example.fr/ancien".into()].into() } else { Box::default() },
            own_id: (seed.path == 0).then(|| "propre".into()),
            guid: (seed.number == 1).then(|| "https://www.example.fr/1/".into()),
            gist: if seed.early { Gist::default() } else { sketch.gist() },
            visible: u64::from(seed.seen % 3 > 0),
            first_seen: instant(seed.seen),
            updated: instant(seed.seen + i64::from(seed.path)),
            state: u64::from(seed.number),
            state_since: instant(seed.seen),
            decided: [None, Some(Decided::Baseline), Some(Decided::Announced), Some(Decided::Stale)]
                [usize::from(seed.decided)],
            copy_of: seed.copy_of.map(|of| Box::new((id(of), 0.75))),
            withdrawn: (seed.decided > 1).then(|| instant(seed.seen)),
            event: (seed.decided == 3).then(|| {
                let start = ArticleDate { at: instant(80), offset: jiff::tz::Offset::UTC };
                Box::new(PastEvent {
                    time: EventTime { start, end: None, all_day: true, status: EventStatus::Cancelled },
                    published: instant(1),
                })
            }),
        },
        stamp: Stamp { length: 7, modified: (1, 2), changed: (3, 4), inode: seed.number.into() }.into(),
        print: 1 + u64::from(seed.number),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(Seed),
    PutAll(Vec<Seed>),
    LetGo(u8),
    Decide(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => seeds().prop_map(Step::Put),
        1 => proptest::collection::vec(seeds(), 0..6).prop_map(Step::PutAll),
        2 => (0..9_u8).prop_map(Step::LetGo),
        1 => (0..9_u8).prop_map(Step::Decide),
    ];
    proptest::collection::vec(step, 0..25)
}

fn gone(standing: &Standing) -> Gone {
    Gone {
        id: standing.id,
        path: standing.article.path.to_string(),
        title: standing.article.title.to_string(),
        address: "www.example.fr".into(),
        past: standing.past.clone(),
        since: instant(0),
    }
}

/// The same steps in the catalog and in a plain map.
fn walk(steps: &[Step], names: &mut Names) -> (Catalog, BTreeMap<ArticleId, Standing>) {
    let (mut catalog, mut plain) = (Catalog::default(), BTreeMap::new());
    for step in steps {
        match step {
            Step::Put(seed) => {
                let new = standing(seed, names);
                plain.insert(new.id, new.clone());
                catalog.put(new);
            }
            Step::PutAll(seeds) => {
                let one_each: BTreeMap<u8, &Seed> = seeds.iter().map(|seed| (seed.number, seed)).collect();
                let all: Vec<Standing> = one_each.values().map(|seed| standing(seed, names)).collect();
                plain.extend(all.iter().map(|new| (new.id, new.clone())));
                catalog.put_all(all);
            }
            Step::LetGo(number) => {
                if let Some(old) = plain.remove(&id(*number)) {
                    catalog.let_go(gone(&old));
                    assert!(catalog.knows(&old.id) && catalog.gone(&old.id).is_some());
                }
            }
            Step::Decide(number) => {
                catalog.remember(&id(*number), |past| past.decided = Some(Decided::Announced));
                if let Some(known) = plain.get_mut(&id(*number)) {
                    known.past.decided = Some(Decided::Announced);
                }
            }
        }
    }
    (catalog, plain)
}

fn in_order<'a>(plain: &'a BTreeMap<ArticleId, Standing>, key: &GroupKey, now: Timestamp) -> Vec<&'a Standing> {
    let fits = |standing: &&Standing| GroupKey::of(&standing.article).contains(key) && standing.article.is_live(now);
    let mut found: Vec<&Standing> = plain.values().filter(fits).collect();
    found.sort_by_key(|standing| standing.order());
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_catalog_says_what_a_plain_list_says(steps in steps(), from in 0..60_i64, minutes in 0..30_i64) {
        let mut names = Names::default();
        let (catalog, plain) = walk(&steps, &mut names);
        prop_assert_eq!(catalog.len(), plain.len());
        for known in plain.values() {
            prop_assert_eq!(&**catalog.get(&known.id).unwrap(), known);
            prop_assert_eq!(catalog.at_path(&known.article.path).unwrap().id, known.id);
            prop_assert!(catalog.gone(&known.id).is_none() && catalog.has_updated(known.past.updated));
        }
        for minute in -1..63 {
            let at = instant(minute);
            prop_assert_eq!(catalog.has_updated(at), plain.values().any(|standing| standing.past.updated == at));
        }
        let ids = |fits: &dyn Fn(&Standing) -> bool| -> BTreeSet<ArticleId> {
            plain.values().filter(|standing| fits(standing)).map(|standing| standing.id).collect()
        };
        prop_assert_eq!(catalog.open(), &ids(&|standing| standing.past.decided.is_none()));
        prop_assert_eq!(catalog.copies(), &ids(&|standing| standing.past.copy_of.is_some()));
        let raw: BTreeSet<ArticleId> = catalog.raw_after(None, 99).iter().map(|standing| standing.id).collect();
        prop_assert_eq!(raw, ids(&|standing| standing.past.visible == 0));

        let (before, now) = (instant(from), instant(from + minutes));
        let keys: BTreeSet<GroupKey> = plain.values().flat_map(|standing| GroupKey::of(&standing.article)).collect();
        let turned = catalog.turned(before, now);
        for key in &keys {
            let expected = in_order(&plain, key, now);
            let found: Vec<ArticleId> = catalog.live_in(key, now).map(|standing| standing.id).collect();
            prop_assert_eq!(&found, &expected.iter().map(|standing| standing.id).collect::<Vec<_>>());
            prop_assert_eq!(catalog.count_in(key, now), found.len());
            // What readers do not see yet, or any more, changes nothing that they see.
            let mut seen_only = Catalog::default();
            seen_only.put_all(expected.iter().copied().cloned());
            prop_assert_eq!(catalog.print_in(key, now), seen_only.group(key).map_or(0, |group| group.print()));
            let spellings = seen_only.group(key).into_iter().flat_map(|group| group.spellings());
            let most = spellings.max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|(spelling, _)| spelling);
            prop_assert_eq!(catalog.label_in(key, now), most);
            // Whoever was looked at before can only be live since, or no longer, by a turn.
            let seen: Vec<ArticleId> = in_order(&plain, key, before).iter().map(|standing| standing.id).collect();
            let unseen = plain.values().any(|standing| standing.past.first_seen > before);
            prop_assert!(unseen || seen == found || turned.contains(key), "{:?} turned unseen", key);
        }
        let mut at_once = Catalog::default();
        at_once.put_all(plain.values().cloned());
        for (key, group) in catalog.groups() {
            let members = plain.values().filter(|standing| GroupKey::of(&standing.article).contains(key));
            let mut spellings: BTreeMap<&str, usize> = BTreeMap::new();
            for (kind, label) in members.flat_map(|standing| standing.article.terms()) {
                if key.kind == kind && *label.folded == *key.term {
                    *spellings.entry(&label.text).or_default() += 1;
                }
            }
            prop_assert_eq!(group.spellings().collect::<BTreeMap<_, _>>(), spellings);
            prop_assert_eq!(group.print(), at_once.group(key).map_or(0, |group| group.print()));
            for standing in plain.values().filter(|standing| standing.article.published) {
                prop_assert_eq!(key.holds(&standing.article), GroupKey::of(&standing.article).contains(key));
            }
        }
        let withdrawn = catalog.withdrawn(now);
        let withdrawn: BTreeSet<ArticleId> = withdrawn.iter().map(|withdrawn| withdrawn.id).collect();
        let gone = catalog.all_gone().filter(|gone| gone.past.withdrawn.is_some()).map(|gone| gone.id);
        let dark = ids(&|standing| standing.withdrawn_since(now).is_some());
        prop_assert_eq!(withdrawn, dark.into_iter().chain(gone).collect::<BTreeSet<_>>());
        if let Some(next) = catalog.next_change(now) {
            prop_assert!(next > now);
            let turns = |standing: &Standing| {
                let life = standing.article.life();
                [life.from, life.until].contains(&next)
            };
            prop_assert!(plain.values().any(turns), "nothing turns then");
        }
        let steps = (1..63).map(|minute| instant(from + minutes + minute));
        let changes = steps.filter(|at| {
            let just_before = at.saturating_sub(SignedDuration::from_secs(1)).unwrap();
            plain.values().any(|standing| {
                standing.past.first_seen <= now && standing.article.is_live(*at) != standing.article.is_live(just_before)
            })
        });
        if let Some(first) = changes.min() {
            prop_assert!(catalog.next_change(now).is_some_and(|next| next <= first));
        }
    }

    #[test]
    fn what_the_index_keeps_comes_back_whole(steps in steps()) {
        let mut names = Names::default();
        let (catalog, plain) = walk(&steps, &mut names);
        let pages: Vec<Vec<u8>> = index::all_pages(&catalog).into_iter().map(|(_, page)| page).filter(|page| !page.is_empty()).collect();
        let mut again = Names::default();
        let read: BTreeMap<ArticleId, Standing> =
            index::read(&pages).unwrap().map(|article| article.into_standing(&mut again).unwrap()).map(|s| (s.id, s)).collect();
        prop_assert_eq!(read, plain);
    }

    #[test]
    fn a_damaged_page_is_refused_or_read_but_never_ends_the_program(
        seed in seeds(), at in 0..400_usize, byte in any::<u8>(), garbage in proptest::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut names = Names::default();
        let mut catalog = Catalog::default();
        catalog.put(standing(&seed, &mut names));
        let page = index::page(&catalog, index::page_of(&format!("_c/{}-{}.md", seed.number, seed.path)));
        let place = at % page.len();
        let damaged = (0..page.len()).map(|place| {
            let mut damaged = page.clone();
            damaged[place] = byte;
            damaged
        });
        let others = [page[..place].to_vec(), garbage.clone()];
        for page in damaged.chain(others) {
            if let Some(read) = index::read(&[page]) {
                for read in read {
                    let standing = read.into_standing(&mut names);
                    prop_assert!(standing.is_some_and(|standing| standing.past.gist.hashes().len() <= 16));
                }
            }
        }
        prop_assert!(index::read(&[page[..place].to_vec()]).is_none(), "cut");
        prop_assert!(index::read(&[[page, vec![byte]].concat()]).is_none(), "too long");
    }
}

#[test]
fn a_gist_tells_what_is_near_and_what_is_not() {
    let gist = |text: &str| Sketch::of(text).gist();
    let text = words(1);
    assert!(gist(&text).is_near(&gist(&format!("{text} et quelques mots encore"))));
    assert!(!gist(&text).is_near(&gist(&words(2))));
    assert!(gist(&text).is_near(&gist("trop court")) && gist("trop court").is_near(&gist("autre")));
    assert!(gist(&text).is_near(&Gist::default()), "of a text that is not known, everything is taken to");
    assert!(gist(&text).is_sound() && Gist::default().hashes().is_empty());
}

#[test]
fn an_article_is_meant_by_its_path_its_end_or_its_name_if_it_is_the_only_one() {
    let mut names = Names::default();
    let mut catalog = Catalog::default();
    let seed = Seed {
        number: 0,
        path: 0,
        collection: 0,
        tags: Vec::new(),
        date: None,
        seen: 0,
        expires: None,
        published: true,
        early: false,
        decided: 0,
        copy_of: None,
    };
    let paths = ["content/blog/un.md", "content/blog/deux/index.md", "content/doc/trois.md", "content/blog/trois.md"];
    for (number, path) in (0..).zip(paths) {
        let new = standing(&Seed { number, ..seed.clone() }, &mut names);
        let article = Head { path: path.into(), ..new.article.clone() };
        catalog.put(Standing { article, ..new });
    }
    let meant = |written: &str| catalog.meant_by(written).map(|standing| standing.article.path.to_string());
    for written in ["content/blog/un.md", "@/blog/un.md", "blog/un", "/un.md", "un", " un "] {
        assert_eq!(meant(written).as_deref(), Some(paths[0]), "{written}");
    }
    for written in ["deux", "blog/deux/", "deux/index.md", "@/blog/deux/index.md"] {
        assert_eq!(meant(written).as_deref(), Some(paths[1]), "{written}");
    }
    assert_eq!(meant("doc/trois").as_deref(), Some(paths[2]));
    for written in ["trois", "n", "", "/", "@/", "blog", "un.md.md", "index"] {
        assert_eq!(meant(written), None, "{written}");
    }
}
