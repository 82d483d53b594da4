//! `crieur check`: problems where they are, in every form, and what only shows across articles.

use crate::support::Place;
use crieur::problem::KINDS;
use serde_json::Value;
use std::process::Output;

const RULES: &str = "endpoints: { journal: { network: journal } }
hashtags:
  dictionary:
    Cloud: \"#ClouddelEtat\"
    nuage: \"#Nuage\"
rules:
  - name: cloud
    articles: { tags: [Cloud, clowd] }
    endpoints: [journal]
  - name: tout
    articles: { collections: [actualites, communiques, inconnue], not: { tags: [jamais] } }
    endpoints: [journal]
  - name: presse
    articles: { collections: [communiques] }
    endpoints: [autre]
";

/// A site with one of everything that only shows when articles stand side by side.
fn site() -> Place {
    let place = Place::new();
    let article = |name: &str, front: &str| place.article(&format!("_actualites/{name}.md"), front);
    article("a", "title: Une annonce\ndate: 2026-01-10\ntags: [Cloud]");
    article("b", "title: Une autre\ndate: 2026-01-11\ntags:\n- Numérique\n- Cloud");
    article("c", "title: Une autre\ndate: 2026-01-13\ntags:\n  - Cloud\n  - cloud computing\n  - numerique");
    article("d", "title: Encore une\ndate: 2026-02-11\ntags: [Numérique, Nume\u{301}rique libre, cloud]");
    article("e", "title: Une série\ndate: 2026-02-12\ntags: [Numérique libre, Numérique libre, \"Paroles d'agents\"]");
    article("f", "title: Une suite\ndate: 2026-02-13\ntags: [Numérique libre, Paroles d’agents]\ncategories: Actus");
    article("g", "title: Une fin\ndate: 2026-02-14\ntags: [\"Paroles d'agents\", clouds]\ncategories: [Actu, Actus]");
    article("loin", "title: Une faute\ndate: 1826-02-14");
    article("bientot", "title: Une promesse\ndate: 2099-02-14 09:00:00 +01:00");
    article("fort", "title: LES INSCRIPTIONS SONT OUVERTES\ndate: 2026-03-01");
    article("brouillon", "title: UN BROUILLON QUI CRIE\ndate: 2099-03-01\npublished: false");
    place
}

fn problems(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The problems of a file as `line:column severity message`.
fn of(all: &[Value], file: &str) -> Vec<String> {
    let line = |problem: &Value| {
        let message = problem["message"].as_str().unwrap();
        format!("{}:{} {} {message}", problem["line"], problem["column"], problem["severity"].as_str().unwrap())
    };
    all.iter().filter(|problem| problem["file"].as_str().unwrap().ends_with(file)).map(line).collect()
}

#[test]
fn spellings_titles_and_dates_are_named_where_they_stand() {
    let place = site();
    let crieur = place.crieur("endpoints: { journal: { network: journal } }");
    let output = crieur.run(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let all = problems(&output);
    let c = of(&all, "/c.md");
    assert_eq!(c.len(), 2, "{c:?}");
    assert!(c[0].starts_with("2:1 note ") && c[0].contains("_actualites/b.md has the same title"), "{c:?}");
    assert!(c[1].starts_with("7:5 warning the tag `numerique` (1 article) is written `Numérique` in 2"), "{c:?}");
    assert!(c[1].contains("two feeds"), "{c:?}");
    let d = of(&all, "/d.md");
    assert!(d.iter().any(|said| said.starts_with("4:8 ") == said.contains("Numérique`")), "{d:?}");
    assert!(d.iter().any(|said| said.starts_with("4:19 warning") && said.contains("encoded otherwise")), "{d:?}");
    assert!(d.iter().any(|said| said.contains("the tag `cloud` (1 article) is written `Cloud` in 3")), "{d:?}");
    assert_eq!(of(&all, "/a.md"), Vec::<String>::new(), "who writes as most do hears nothing");
    assert!(of(&all, "/f.md")[0].contains("`Paroles d’agents` (1 article) is written `Paroles d'agents` in 2"));
    let g = of(&all, "/g.md");
    assert!(
        g.iter().any(|said| said.contains("note the tag `clouds` (1 article) is also written `Cloud` (4)")),
        "{g:?}"
    );
    assert!(
        g.iter().any(|said| said.contains("note the category `Actu` (1 article) is also written `Actus`")),
        "{g:?}"
    );
    assert!(of(&all, "loin.md")[0].starts_with("3:1 warning the date, 1826-02-14"));
    assert!(
        of(&all, "bientot.md")[0].starts_with("3:1 note the date is to come: the article appears on 2099-02-14 09:00")
    );
    assert!(of(&all, "fort.md")[0].starts_with("2:1 note the title is all in capitals"));
    assert_eq!(of(&all, "brouillon.md"), Vec::<String>::new(), "a draft may be unfinished");
    let mut sorted = all.clone();
    sorted.sort_by_key(|problem| (problem["file"].to_string(), problem["line"].as_u64()));
    assert_eq!(all, sorted);
}

#[test]
fn the_configuration_is_held_against_what_the_articles_have() {
    let place = site();
    let crieur = place.crieur(&RULES.replace("[autre]", "[journal]"));
    let said = of(&problems(&crieur.run(&["check", "--json"])), "crieur.yaml");
    let text = std::fs::read_to_string(&crieur.file).unwrap();
    let place_of = |what: &str| {
        let (at, line) = text.lines().enumerate().find(|(_, line)| line.contains(what)).unwrap();
        format!("{}:{} ", at + 1, line[..line.find(what).unwrap()].chars().count() + 1)
    };
    let expect = |place: String, severity: &str, words: &str| {
        let fits = |line: &&String| line.starts_with(&format!("{place}{severity} ")) && line.contains(words);
        assert!(said.iter().any(|line| fits(&line)), "nothing at {place} ({words}): {said:#?}");
    };
    expect(place_of("nuage:"), "note", "no article has the tag or category `nuage`");
    expect(place_of("clowd"), "warning", "selects the tag `clowd`");
    expect(place_of("inconnue"), "warning", "selects the collection `inconnue`");
    expect(place_of("jamais"), "note", "excludes the tag `jamais`");
    expect(place_of("tout\n".trim()), "warning", "`cloud` and `tout` both take _actualites/");
    expect(place_of("presse"), "note", "`tout` and `presse` can take the same article to journal");
    // No article of that collection is there, and a rule that takes none posts nothing twice.
    assert!(!said.iter().any(|line| line.contains("`Cloud`")), "{said:#?}");
}

#[test]
fn rules_that_exclude_each_other_do_not_overlap() {
    let place = site();
    let rules = "endpoints: { journal: { network: journal } }
rules:
  - { name: a, articles: { tags: [cloud] }, endpoints: [journal] }
  - { name: b, articles: { not: { tags: [Cloud, Numérique] } }, endpoints: [journal] }
  - { name: c, articles: { collections: [communiques], tags: [Numérique] }, endpoints: [journal] }
";
    let said = of(&problems(&place.crieur(rules).run(&["check", "--json"])), "crieur.yaml");
    assert!(!said.iter().any(|line| line.contains("same article") || line.contains("both take")), "{said:#?}");
}

#[test]
fn sarif_names_rules_files_and_places() {
    let place = site();
    place.article("_actualites/été 50%.md", "title: Une panne\ndate: demain");
    let crieur = place.crieur("endpoints: { journal: { network: journal } }");
    let output = crieur.command(&["check", "--format", "sarif"]).current_dir(place.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    if let Some(schema) = std::env::var_os("CRIEUR_TEST_SARIF_SCHEMA") {
        let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    assert_eq!((log["version"].as_str(), log["runs"].as_array().unwrap().len()), (Some("2.1.0"), 1));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let name = result["ruleId"].as_str().unwrap();
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], name);
        assert!(KINDS.iter().any(|kind| kind.name == name), "{name}");
        assert!(matches!(result["level"].as_str(), Some("error" | "warning" | "note")));
    }
    let broken = run["results"].as_array().unwrap().iter().find(|result| result["level"] == "error").unwrap();
    let at = &broken["locations"][0]["physicalLocation"];
    assert_eq!(at["artifactLocation"]["uri"], "site/_actualites/%C3%A9t%C3%A9%2050%25.md");
    assert_eq!((at["region"]["startLine"].as_u64(), at["region"]["startColumn"].as_u64()), (Some(3), Some(1)));
    assert!(broken["message"]["text"].as_str().unwrap().contains("write it as 2026-01-31"));
}

#[test]
fn annotations_are_one_line_each_whatever_a_file_is_called() {
    let place = Place::new();
    place.article("_actualites/a, b.md", "title: Une panne\ndate: \"50 % : demain\"");
    let crieur = place.crieur("endpoints: { journal: { network: journal } }");
    let output = crieur.command(&["check", "--format", "github"]).current_dir(place.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("::error file=site/_actualites/a%2C b.md,line=3,col=1,title="), "{said}");
    assert!(said.contains("::`50 %25 : demain` is not a date"), "{said}");
}

#[test]
fn only_the_files_that_are_named_are_told_of_however_they_are_written() {
    let place = site();
    place.article("_communiques/a.md", "title: Une panne\ndate: demain");
    place.article("_actualites/panne.md", "title: Une panne\ndate: demain");
    std::os::unix::fs::symlink(place.site(), place.path("lien")).unwrap();
    let crieur = place.crieur(&RULES.replace("[autre]", "[journal]"));
    let check = |folder: &std::path::Path, paths: &[&str]| {
        let arguments = [&["check", "--json"], paths].concat();
        let output = crieur.command(&arguments).current_dir(folder).output().unwrap();
        let mut files: Vec<String> = problems(&output)
            .iter()
            .map(|problem| problem["file"].as_str().unwrap().rsplit("site/").next().unwrap().to_owned())
            .collect();
        files.dedup();
        (output.status.code(), files, String::from_utf8(output.stderr).unwrap())
    };
    let root = place.folder.path();
    let one = (Some(1), vec!["_communiques/a.md".to_owned()]);
    for path in ["site/_communiques/a.md", "./site/_communiques", "lien/_communiques/a.md", "_communiques/a.md"] {
        let (code, files, _) = check(root, &[path]);
        assert_eq!((code, files), one, "{path}");
    }
    let (code, files, _) = check(&place.site().join("_actualites"), &["../_communiques/a.md"]);
    assert_eq!((code, files), one);
    // A file of the same name elsewhere is another file.
    assert_eq!(check(root, &["a.md"]).1, Vec::<String>::new());
    // What a commit deletes, and what is no article, concern nobody.
    let (code, files, said) = check(root, &["site/_actualites/gone.md", "site/_config.yml", "site/_actualites/a.md"]);
    assert_eq!((code, files), (Some(0), Vec::new()), "{said}");
    assert!(
        said.contains("gone.md: there is no such file") && said.ends_with("0 errors, 0 warnings, 0 notes\n"),
        "{said}"
    );
    let (code, files, _) = check(root, &["crieur.yaml"]);
    assert_eq!((code, files.len()), (Some(0), 1));
    assert!(files[0].ends_with("crieur.yaml"));
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_with_every_file() {
    let place = site();
    let crieur = place.crieur(RULES);
    let output = crieur.run(&["check", "--format", "sarif", "_actualites/a.md"]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "bad-configuration");
    assert_eq!(crieur.run(&["check", "--json", "--format", "sarif"]).status.code(), Some(2));
}

/// Everything in the code that looks like the name of a kind stands in the list, and the list in the documentation.
#[test]
fn every_kind_is_listed_and_documented() {
    let documentation = std::fs::read_to_string("docs/commands.md").unwrap();
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for kind in KINDS {
        assert!(documentation.contains(&format!("| `{}` | {} |", kind.name, kind.severity)), "{}", kind.name);
    }
    let mut unknown = Vec::new();
    let mut folders = vec![std::path::PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                for call in [".kind(\"", ".kind_if_none(\""] {
                    let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                    unknown.extend(names.filter(|name| !sorted.contains(name)).map(str::to_owned));
                }
            }
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
}
