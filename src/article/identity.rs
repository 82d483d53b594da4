//! Which article is which: an identity is given at first sight and kept through renames, moves and edits.
//!
//! Neither path, address, title nor text is identity alone: editors rename, duplicate and re-date all day. The same
//! article again is, in this order: the same `id` in its front matter; the same path; a rename that git reports;
//! an address that a vanished article had; much the same text as an article that vanished in the last 30 days. Two articles that stand side by
//! side are two, even under one title; a new one that is nearly a copy of a standing one is *suspected*.

use super::sketch::{Index, LIKENESS, Sketch, likest_of_each};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// How long a text is remembered after its article vanished.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The identity of an article, for ever: a UUID, shown in feeds as `urn:uuid:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ArticleId(Uuid);

impl ArticleId {
    /// A number that two identities hardly ever share: they are hashes themselves.
    pub fn number(&self) -> u64 {
        self.0.as_u64_pair().0
    }

    /// The identity of the article first seen at a path of a site. `taken` tells which identities are given already:
    /// a path can see a second article after the first one moved away. The same site gives the same identities on
    /// every machine.
    pub fn mint(site: &str, path: &str, taken: &dyn Fn(&ArticleId) -> bool) -> Self {
        let mut name = format!("{site}\n{path}");
        loop {
            let id = Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
            if !taken(&id) {
                return id;
            }
            name.push_str("\n+");
        }
    }

    /// Reads an identity as the store keeps it.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }

    /// `urn:uuid:…`, the guid and atom:id of the article in every feed.
    pub fn urn(&self) -> String {
        self.0.urn().to_string()
    }
}

impl fmt::Display for ArticleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An article that is known, as far as telling it again needs.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its identity.
    pub id: ArticleId,
    /// Its last path.
    pub path: String,
    /// Its last address and those before.
    pub addresses: Vec<String>,
    /// Its identity as the author wrote it.
    pub own_id: Option<String>,
    /// Since when its file is gone.
    pub gone_since: Option<Timestamp>,
    /// Its text.
    pub sketch: Sketch,
}

/// An article that stands on the site now.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its path.
    pub path: String,
    /// Its address and those it says it had.
    pub addresses: Vec<String>,
    /// Its identity as the author wrote it.
    pub own_id: Option<String>,
    /// Its text.
    pub sketch: Sketch,
}

/// How an article was told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Told {
    /// By the identity in its front matter.
    OwnId,
    /// By its path.
    Path,
    /// By a rename that git reports.
    Rename,
    /// By an address that a vanished article had.
    Address,
    /// By its text, like that of an article that vanished lately; the share of runs.
    Text(f64),
    /// It is new.
    New {
        /// The standing article of which it is nearly a copy, and the share of runs.
        copy_of: Option<(ArticleId, f64)>,
    },
}

/// What articles are told by.
pub struct Situation<'a> {
    /// The site's host: part of what identities are made of.
    pub site: &'a str,
    /// Articles that are known, as far as those that are seen may be one of them, or copies of one.
    pub known: &'a [Known],
    /// Articles that stand.
    pub seen: &'a [&'a Seen],
    /// Paths whose file is there but cannot be read: their articles have not vanished.
    pub unreadable: &'a BTreeSet<String>,
    /// Renames that the source reports: old and new path.
    pub renames: &'a [(String, String)],
    /// Whether an identity was ever given.
    pub taken: &'a dyn Fn(&ArticleId) -> bool,
    /// Nothing was known before: everything is new, and there is nothing to be a copy of.
    pub first: bool,
    /// The instant.
    pub now: Timestamp,
}

/// The identity of each article that is seen, in their order. No identity is given twice.
pub fn identify(situation: &Situation) -> Vec<(ArticleId, Told)> {
    let Situation { site, known, seen, unreadable, renames, now, .. } = *situation;
    let mut found: Vec<Option<(ArticleId, Told)>> = vec![None; seen.len()];
    let mut used: BTreeSet<ArticleId> = BTreeSet::new();

    let mut by_own_id: BTreeMap<&str, Vec<&Known>> = BTreeMap::new();
    for known in known {
        if let Some(own) = known.own_id.as_deref() {
            by_own_id.entry(own).or_default().push(known);
        }
    }
    // A copy takes its model's `id` along: of several with one, that at its own path is told first.
    for at_its_path in [true, false] {
        for (place, article) in found.iter_mut().zip(seen).filter(|(place, _)| place.is_none()) {
            let same_id = article.own_id.as_deref().and_then(|own| by_own_id.get(own)).into_iter().flatten();
            let mut fitting = same_id.filter(|known| !at_its_path || known.path == article.path);
            if let Some(known) = fitting.find(|known| !used.contains(&known.id)) {
                used.insert(known.id);
                *place = Some((known.id, Told::OwnId));
            }
        }
    }
    // Of several that had a path, the one that stands there counts, else the one that vanished last.
    let mut by_path: BTreeMap<&str, &Known> = BTreeMap::new();
    for known in known {
        let counts = by_path.get(known.path.as_str()).is_none_or(|old| {
            known.gone_since.is_none() || (old.gone_since.is_some() && known.gone_since > old.gone_since)
        });
        if counts {
            by_path.insert(&known.path, known);
        }
    }
    // An article can move away and another one take its path between two looks: then the text tells. What stands at
    // the path of one that was gone already, and has nothing of its text, is another one too.
    let is_at_home = |article: &Seen| {
        by_path.get(article.path.as_str()).is_some_and(|known| !article.sketch.is_unlike(&known.sketch))
    };
    let moved_away = |known: &Known, article: &Seen| {
        article.sketch.is_unlike(&known.sketch)
            && (known.gone_since.is_some()
                || seen.iter().any(|other| {
                    other.path != article.path && other.sketch.likeness(&known.sketch) >= LIKENESS && !is_at_home(other)
                }))
    };
    for (place, article) in found.iter_mut().zip(seen) {
        if place.is_some() {
            continue;
        }
        if let Some(known) = by_path.get(article.path.as_str()).filter(|known| !moved_away(known, article)) {
            let contradicts = matches!((&known.own_id, &article.own_id), (Some(a), Some(b)) if a != b);
            if !contradicts && used.insert(known.id) {
                *place = Some((known.id, Told::Path));
            }
        }
    }
    // Only articles whose file is gone can come back under another name.
    let vanished = |used: &BTreeSet<ArticleId>| -> Vec<&Known> {
        known.iter().filter(|k| !used.contains(&k.id) && !unreadable.contains(&k.path)).collect()
    };
    // What git calls a rename is a likeness of bytes: much front matter and little text make two articles alike. Where
    // the texts have nothing in common, one was deleted and another one written.
    let old_path: BTreeMap<&str, &str> = renames.iter().map(|(old, new)| (new.as_str(), old.as_str())).collect();
    for (place, article) in found.iter_mut().zip(seen).filter(|(place, _)| place.is_none()) {
        let known = old_path.get(article.path.as_str()).and_then(|old| by_path.get(old));
        let contradicts = |known: &Known| matches!((&known.own_id, &article.own_id), (Some(a), Some(b)) if a != b);
        if let Some(known) = known
            && !unreadable.contains(&known.path)
            && !article.sketch.is_unlike(&known.sketch)
            && !contradicts(known)
            && used.insert(known.id)
        {
            *place = Some((known.id, Told::Rename));
        }
    }
    let by_address: BTreeMap<&str, &Known> = vanished(&used)
        .into_iter()
        .flat_map(|k| k.addresses.iter().map(move |address| (address.as_str(), k)))
        .collect();
    for (place, article) in found.iter_mut().zip(seen) {
        if place.is_some() {
            continue;
        }
        let known = article.addresses.iter().find_map(|address| by_address.get(address.as_str()));
        if let Some(known) = known.filter(|known| !moved_away(known, article) && used.insert(known.id)) {
            *place = Some((known.id, Told::Address));
        }
    }
    let lately: Vec<&Known> = vanished(&used)
        .into_iter()
        .filter(|k| k.gone_since.is_none_or(|gone| now.duration_since(gone) <= REMEMBERED))
        .collect();
    let mut index = Index::default();
    lately.iter().for_each(|k| index.add(k.id, &k.sketch));
    for (place, article) in found.iter_mut().zip(seen) {
        if place.is_some() {
            continue;
        }
        if let Some((id, likeness)) = index.likest(&article.sketch, &|id| !used.contains(id)) {
            used.insert(id);
            *place = Some((id, Told::Text(likeness)));
        }
    }
    let mut minted: BTreeSet<ArticleId> = BTreeSet::new();
    let newcomers: Vec<&Sketch> =
        found.iter().zip(seen).filter(|(place, _)| place.is_none()).map(|(_, article)| &article.sketch).collect();
    let standing = found.iter().zip(seen).filter_map(|(place, article)| Some(((*place)?.0, &article.sketch)));
    // At the first start everything is new, and there is nothing to be a copy of.
    let mut models = if situation.first { Vec::new() } else { likest_of_each(&newcomers, standing) }.into_iter();
    let mut fellows = Index::default();
    for (place, article) in found.iter_mut().zip(seen).filter(|(place, _)| place.is_none()) {
        let id = ArticleId::mint(site, &article.path, &|id| minted.contains(id) || (situation.taken)(id));
        minted.insert(id);
        let fellow = if situation.first { None } else { fellows.likest(&article.sketch, &|_| true) };
        let copy_of = models.next().flatten().into_iter().chain(fellow).max_by(|a, b| a.1.total_cmp(&b.1));
        if !situation.first {
            fellows.add(id, &article.sketch);
        }
        *place = Some((id, Told::New { copy_of }));
    }
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "La directrice présente la nouvelle doctrine du cloud au centre de l’État devant une salle comble, et chacun retient que les services publics numériques y gagneront en sobriété.";

    fn seen(path: &str, text: &str) -> Seen {
        Seen {
            path: path.into(),
            addresses: vec![format!("https://x.fr/{path}")],
            own_id: None,
            sketch: Sketch::of(text),
        }
    }

    fn known(path: &str, text: &str, gone: Option<&str>) -> Known {
        let seen = seen(path, text);
        let id = ArticleId::mint("https://x.fr", path, &|_| false);
        Known {
            id,
            path: seen.path,
            addresses: seen.addresses,
            own_id: None,
            gone_since: gone.map(|at| at.parse().unwrap()),
            sketch: seen.sketch,
        }
    }

    fn identify_at(known: &[Known], seen: &[Seen]) -> Vec<(ArticleId, Told)> {
        identify_among(known, &seen.iter().collect::<Vec<_>>(), &BTreeSet::new(), &[])
    }

    fn identify_renamed(known: &[Known], seen: &[Seen], renames: &[(&str, &str)]) -> Vec<(ArticleId, Told)> {
        identify_among(known, &seen.iter().collect::<Vec<_>>(), &BTreeSet::new(), renames)
    }

    fn identify_among(
        known: &[Known],
        seen: &[&Seen],
        unreadable: &BTreeSet<String>,
        renames: &[(&str, &str)],
    ) -> Vec<(ArticleId, Told)> {
        let renames: Vec<_> = renames.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
        identify(&Situation {
            site: "https://x.fr",
            known,
            seen,
            unreadable,
            renames: &renames,
            taken: &|id| known.iter().any(|known| known.id == *id),
            first: known.is_empty(),
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        })
    }

    #[test]
    fn a_renamed_article_keeps_its_identity() {
        let old = known("a.md", TEXT, None);
        let told = identify_at(std::slice::from_ref(&old), &[seen("b.md", &format!("{TEXT} Ajout."))]);
        assert_eq!(told[0].0, old.id);
        assert!(matches!(told[0].1, Told::Text(likeness) if likeness > 0.8), "{told:?}");
    }

    /// The text in other words, as far from it as an editor goes.
    fn reworded() -> String {
        let half: Vec<&str> = TEXT.split(' ').take(14).collect();
        format!("{} {}", half.join(" "), words("neuf"))
    }

    #[test]
    fn what_git_calls_a_rename_is_one_however_much_was_rewritten() {
        let old = known("a.md", TEXT, None);
        let seen = [seen("b.md", &reworded())];
        let told = identify_at(std::slice::from_ref(&old), &seen);
        assert_ne!(told[0].0, old.id, "the texts alone would not tell");
        let told = identify_renamed(std::slice::from_ref(&old), &seen, &[("a.md", "b.md")]);
        assert_eq!(told[0], (old.id, Told::Rename));
    }

    #[test]
    fn what_git_calls_a_rename_is_none_where_the_texts_have_nothing_in_common() {
        let old = known("a.md", TEXT, None);
        let told = identify_renamed(std::slice::from_ref(&old), &[seen("b.md", &words("autre"))], &[("a.md", "b.md")]);
        assert!(matches!(told[0].1, Told::New { copy_of: None }), "{told:?}");
    }

    #[test]
    fn an_id_and_a_path_say_more_than_a_rename_and_a_rename_more_than_an_address() {
        let with_id = |id: &str, seen: Seen| Seen { own_id: Some(id.into()), ..seen };
        let old = Known { own_id: Some("x".into()), ..known("a.md", TEXT, None) };
        let told = identify_renamed(
            std::slice::from_ref(&old),
            &[with_id("y", seen("b.md", TEXT)), with_id("x", seen("c.md", TEXT))],
            &[("a.md", "b.md")],
        );
        assert!(told[1] == (old.id, Told::OwnId) && told[0].0 != old.id, "{told:?}");
        // One that stands is not taken by a rename that is no longer true.
        let old = known("a.md", TEXT, None);
        let told = identify_renamed(
            std::slice::from_ref(&old),
            &[seen("a.md", TEXT), seen("b.md", TEXT)],
            &[("a.md", "b.md")],
        );
        assert!(told[0] == (old.id, Told::Path) && told[1].0 != old.id, "{told:?}");
        // Two that changed places in the site's addresses.
        let (one, two) = (known("a.md", TEXT, None), known("b.md", &words("deux"), None));
        let moved = Seen { addresses: two.addresses.clone(), ..seen("c.md", &reworded()) };
        let told = identify_renamed(&[one.clone(), two], &[moved], &[("a.md", "c.md")]);
        assert_eq!(told[0], (one.id, Told::Rename));
    }

    #[test]
    fn a_chain_of_renames_that_git_reports_is_followed_at_once() {
        let old = [known("a.md", &words("un"), None), known("b.md", &words("deux"), None)];
        let told = identify_renamed(
            &old,
            &[seen("b.md", &words("un")), seen("c.md", &words("deux"))],
            &[("a.md", "b.md"), ("b.md", "c.md")],
        );
        assert_eq!((told[0].0, told[1].0), (old[0].id, old[1].id));
    }

    #[test]
    fn an_article_that_vanished_long_ago_is_forgotten() {
        let old = known("a.md", TEXT, Some("2026-10-01T00:00:00Z"));
        let told = identify_at(std::slice::from_ref(&old), &[seen("b.md", TEXT)]);
        assert!(told[0].0 != old.id && matches!(told[0].1, Told::New { copy_of: None }));
    }

    #[test]
    fn a_copy_beside_its_model_is_another_article_and_suspected() {
        let old = known("a.md", TEXT, None);
        let told = identify_at(std::slice::from_ref(&old), &[seen("a.md", TEXT), seen("a-a5d7ba.md", TEXT)]);
        assert_eq!(told[0], (old.id, Told::Path));
        assert!(matches!(told[1].1, Told::New { copy_of: Some((id, _)) } if id == old.id));
    }

    #[test]
    fn a_new_article_at_the_path_of_a_moved_one_gets_an_identity_of_its_own() {
        let moved = Known { path: "b.md".into(), ..known("a.md", TEXT, None) };
        let other =
            "Un tout autre sujet occupe désormais cette adresse : la médiation numérique en milieu rural et ses bus.";
        let told = identify_at(std::slice::from_ref(&moved), &[seen("b.md", TEXT), seen("a.md", other)]);
        assert_eq!(told[0].0, moved.id);
        assert_ne!(told[1].0, moved.id);
    }

    #[test]
    fn an_article_that_moves_away_while_another_takes_its_path_keeps_its_identity() {
        let old = known("a.md", TEXT, None);
        let other =
            "Un tout autre sujet occupe désormais cette adresse : la médiation numérique en milieu rural et ses bus.";
        let told = identify_at(std::slice::from_ref(&old), &[seen("a.md", other), seen("b.md", TEXT)]);
        assert_eq!(told[1].0, old.id);
        assert_ne!(told[0].0, old.id);
    }

    #[test]
    fn a_chain_of_renames_in_one_look_is_followed() {
        let texts = [TEXT.to_owned(), words("deux"), words("trois")];
        let old = [known("a.md", &texts[0], None), known("b.md", &texts[1], None)];
        let told = identify_at(&old, &[seen("a.md", &texts[2]), seen("b.md", &texts[0]), seen("c.md", &texts[1])]);
        assert_eq!((told[1].0, told[2].0), (old[0].id, old[1].id));
        assert!(told[0].0 != old[0].id && told[0].0 != old[1].id);
    }

    #[test]
    fn another_text_at_the_path_of_one_that_was_gone_is_another_article() {
        let old = known("a.md", TEXT, Some("2026-11-20T00:00:00Z"));
        let told = identify_at(std::slice::from_ref(&old), &[seen("a.md", &words("autre"))]);
        assert_ne!(told[0].0, old.id);
        let told = identify_at(std::slice::from_ref(&old), &[seen("a.md", &format!("{TEXT} Corrigé."))]);
        assert_eq!(told[0].0, old.id);
    }

    /// A text of its own.
    fn words(name: &str) -> String {
        (0..30).map(|n| format!("{name}{n}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn short_texts_are_one_only_if_they_are_equal() {
        let old = known("a.md", "Nomination du directeur. Voir le PDF.", None);
        let told = identify_at(std::slice::from_ref(&old), &[seen("b.md", "Nomination du directeur. Voir le PDF.")]);
        assert_eq!(told[0].0, old.id);
        let told = identify_at(std::slice::from_ref(&old), &[seen("b.md", "Nomination du préfet. Voir le PDF.")]);
        assert_ne!(told[0].0, old.id);
    }

    #[test]
    fn a_copy_does_not_take_its_models_identity_with_its_id() {
        let model = Known { own_id: Some("x".into()), ..known("b.md", TEXT, None) };
        let with_id = |path| Seen { own_id: Some("x".into()), ..seen(path, TEXT) };
        let told = identify_at(std::slice::from_ref(&model), &[with_id("a-copy.md"), with_id("b.md")]);
        assert_eq!(told[1].0, model.id);
        assert!(matches!(told[0].1, Told::New { copy_of: Some(_) }), "{told:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_has_not_vanished() {
        let old = known("a.md", TEXT, None);
        let unreadable = BTreeSet::from(["a.md".to_owned()]);
        let told = identify_among(std::slice::from_ref(&old), &[&seen("b.md", TEXT)], &unreadable, &[]);
        assert_ne!(told[0].0, old.id);
    }

    #[test]
    fn identities_are_the_same_on_every_machine_and_sketches_survive_the_store() {
        let mint = || ArticleId::mint("https://x.fr", "a.md", &|_| false);
        assert_eq!(mint(), mint());
        let sketch = Sketch::of(TEXT);
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), sketch);
    }
}
