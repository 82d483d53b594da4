//! The site that is measured with is one that Crieur has nothing to say against.

use crate::support::Place;
use std::fs;
use std::path::{Path, PathBuf};

#[allow(dead_code, reason = "the tool has a main of its own")]
#[path = "../../examples/make-corpus.rs"]
mod make_corpus;

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_seed_makes_the_same_site_without_a_problem_or_a_copy() {
    let place = Place::empty(tempfile::tempdir().unwrap());
    make_corpus::make(&place.site(), 150, 7).unwrap();
    let again = tempfile::tempdir().unwrap();
    make_corpus::make(again.path(), 150, 7).unwrap();
    let other = tempfile::tempdir().unwrap();
    make_corpus::make(other.path(), 150, 8).unwrap();
    let texts = |folder: &Path| files(folder).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    assert!(texts(&place.site()) == texts(again.path()) && texts(&place.site()) != texts(other.path()));
    for (path, text) in files(&place.site()).iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "md")) {
        assert!((2_000..8_000).contains(&text.len()), "{}: {} bytes", path.display(), text.len());
    }
    let rule = "{ name: a, endpoints: [journal], settle: 0s, fresh: 9000d, expires: 9000d }";
    let crieur =
        place.crieur(&format!("hashtags: {{ fallback: none }}\nbaseline: none\nendpoints: {{ journal: {{ network: journal }} }}\nrules: [{rule}]"));
    assert_eq!(crieur.ok(&["check"]), "");
    let plan = crieur.json(&["plan", "--json"]);
    let states: Vec<&str> = plan.as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states.len(), 150);
    assert!(states.iter().all(|state| *state == "planned"), "a copy is held: {plan:#}");
    assert!(make_corpus::make(&place.site(), 1, 1).is_err(), "what is there stays");
}
