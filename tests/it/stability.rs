//! The same content gives the same bytes, whoever makes them, where, when and how often.

use crate::support::judged::{self, files};
use crate::support::serving::Serving;
use crate::support::{Crieur, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// A machine of somewhere else.
const ELSEWHERE: [(&str, &str); 4] =
    [("TZ", "Pacific/Auckland"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "C"), ("LC_TIME", "ar_EG.UTF-8")];

/// Documents by address.
type Documents = BTreeMap<String, Vec<u8>>;

fn documents(folder: &Path) -> Documents {
    let address = |path: &Path| format!("/{}", path.strip_prefix(folder).unwrap().display());
    files(folder).into_iter().map(|path| (address(&path), std::fs::read(&path).unwrap())).collect()
}

fn same(what: &str, expected: &Documents, found: &Documents) {
    let differing: Vec<&String> =
        expected.keys().chain(found.keys()).filter(|path| expected.get(*path) != found.get(*path)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

fn run(mut command: Command) {
    let output = command.output().unwrap();
    // Problems of the site's own articles are told by 1.
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Addresses that are answered when somebody asks: archives that feeds name, a combination of each two tags.
fn on_demand(exported: &Documents) -> Vec<String> {
    let mut paths = Vec::new();
    for body in exported.values() {
        let text = String::from_utf8_lossy(body);
        let links = text.split("<link href=\"https://flux.example.fr").skip(1);
        let archive =
            links.filter_map(|link| link.split_once("\" rel=\"prev-archive\"")).map(|(path, _)| path.to_owned());
        paths.extend(archive.filter(|path| !path.contains('"')));
    }
    let tag = |path: &String| Some(path.strip_suffix(".json")?.strip_prefix("/feeds/tag/")?.to_owned());
    let tags: BTreeSet<String> = exported.keys().filter_map(tag).collect();
    let tags: Vec<String> = tags.into_iter().collect();
    paths.extend(tags.windows(2).map(|two| format!("/feeds/tag/{}.json", two.join(","))));
    paths
}

/// What is served at some addresses, with what a reader keeps to ask again.
fn served(serving: &Serving, paths: impl IntoIterator<Item = String>) -> (Documents, BTreeMap<String, [String; 2]>) {
    let (mut documents, mut validators) = (Documents::new(), BTreeMap::new());
    for path in paths {
        let answer = serving.get(&path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        let kept = ["etag", "last-modified"].map(|name| answer.header(name).expect(name).to_owned());
        validators.insert(path.clone(), kept);
        documents.insert(path, answer.body);
    }
    (documents, validators)
}

#[test]
fn every_way_to_make_the_documents_of_a_site_gives_the_same_bytes() {
    for (name, site, feeds) in judged::settings() {
        let place = Place::empty(tempfile::tempdir().unwrap());
        let config = |name: &str, database: &str| {
            let (file, database, export) = (place.path(name), place.path(database), place.path("export"));
            let rest = format!(
                "store: \"sqlite:{}\"\nhttp: {{ public_url: https://flux.example.fr }}\nfeeds: {{ export: {export:?}, {feeds} }}",
                database.display()
            );
            std::fs::write(&file, format!("{site}\n{rest}\n")).unwrap();
            Crieur { file }
        };
        let crieur = config("crieur.yaml", "crieur.db");
        run(crieur.command(&["run", "--once"]));
        let exported = documents(&place.path("export"));
        assert!(exported.len() > 8, "{name}: {} documents", exported.len());

        let out = place.path("out");
        let mut build = crieur.command(&["build", "--out", out.to_str().unwrap()]);
        build.current_dir(place.folder.path()).envs(ELSEWHERE);
        run(build);
        same(&format!("{name}: built elsewhere"), &exported, &documents(&out));

        // The bigger sites take their time to be served twice.
        if exported.len() < 100 {
            let paths = exported.keys().cloned().chain(on_demand(&exported));
            let first = served(&Serving::start(&crieur), paths.clone());
            let mut exported_too = first.0.clone();
            exported_too.retain(|path, _| exported.contains_key(path));
            same(&format!("{name}: served"), &exported, &exported_too);
            let mut again = crieur.command(&["run", "--listen", "127.0.0.1:0"]);
            again.current_dir(place.folder.path()).envs(ELSEWHERE);
            assert!(served(&Serving::of(again), paths) == first, "{name}: served by another process");
            same(&format!("{name}: exported by it"), &exported, &documents(&place.path("export")));
        }
        if name == "example" {
            let fresh = place.path("fresh");
            config("fresh.yaml", "fresh.db").ok(&["build", "--out", fresh.to_str().unwrap()]);
            same("a replica that knows nothing", &exported, &documents(&fresh));
        }
    }
}
