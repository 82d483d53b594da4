//! What redbot, which knows HTTP by its documents, says of the running program: nothing against it.

use crate::support::serving::Serving;
use crate::support::{Crieur, Place, tools};
use std::collections::BTreeMap;
use std::path::Path;

/// Notes that are meant, each with the reason.
const MEANT: &[(&str, &str)] = &[(
    "STORE_PUBLIC_UNNECESSARY",
    "`public` lets a cache keep the answer even where a reader sends credentials along",
)];

/// The program on the example site, and the address of one document of each kind that it makes.
fn example(place: &Place) -> (Serving, Vec<String>) {
    let file = place.path("example.yaml");
    let store = place.path("crieur.db");
    std::fs::write(&file, format!("site: {{ root: examples/site }}\nstore: \"sqlite:{}\"\n", store.display())).unwrap();
    let crieur = Crieur { file };
    let out = place.path("out");
    crieur.ok(&["build", "--out", out.to_str().unwrap()]);
    let mut kinds = BTreeMap::new();
    for path in crate::support::judged::files(&out) {
        let path = path.strip_prefix(&out).unwrap().to_str().unwrap().to_owned();
        let kind = Path::new(&path).extension().map_or_else(|| path.clone(), |e| e.to_string_lossy().into_owned());
        kinds.entry(kind).or_insert(path);
    }
    // One that is made when it is asked for.
    kinds.insert("combination".to_owned(), "feeds/tag/cloud,numerique.atom".to_owned());
    (Serving::start(&crieur), kinds.into_values().collect())
}

#[test]
fn redbot_has_nothing_to_say_against_a_document_of_any_kind() {
    let Some(mut redbot) = tools::python("ask_redbot.py") else { return };
    let place = Place::new();
    let (serving, paths) = example(&place);
    let addresses: Vec<String> = paths.iter().map(|path| serving.url(&format!("/{path}"))).collect();
    assert!(addresses.len() >= 3, "{addresses:?}");
    let said = tools::judged(&mut redbot, addresses.join("\n"));
    let (mut asked, mut against) = (0, Vec::new());
    for line in said.lines() {
        let [address, status, level, note, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        asked += usize::from(status == "200");
        if level != "NONE" && !MEANT.iter().any(|(meant, _)| *meant == note) {
            against.push(format!("{address}: {line}"));
        }
    }
    assert!(asked >= addresses.len(), "{said}");
    assert!(against.is_empty(), "{}", against.join("\n"));
}
