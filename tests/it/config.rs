//! The configuration: the shipped one is right, the schema is true, and wrong ones are refused whole.

use crate::support::parse;
use crieur::config::{self, Surroundings};
use std::path::Path;

#[test]
fn the_shipped_configuration_can_be_read_and_fits_the_schema() {
    let text = std::fs::read_to_string("config/crieur.yaml").unwrap();
    parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string("config/crieur.schema.json").unwrap()).unwrap();
    let value = crieur::yaml::parse(&text).unwrap().value.to_json();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn every_key_of_the_schema_stands_in_the_shipped_configuration() {
    let text = std::fs::read_to_string("config/crieur.yaml").unwrap();
    let schema = config::schema();
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    let missing: Vec<&String> =
        keys.iter().filter(|key| !text.contains(&format!("{key}:")) && !text.contains(&format!("{key} "))).collect();
    // `…_file` forms are named beside their keys, and `at_most` and the like are found as they are.
    let missing: Vec<_> = missing.into_iter().filter(|key| !key.ends_with("_file")).collect();
    assert!(missing.is_empty(), "not in config/crieur.yaml: {missing:?}");
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(serde_json::Value::as_object) {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn the_schema_in_the_repository_is_the_one_that_the_program_makes() {
    let kept = std::fs::read_to_string("config/crieur.schema.json").unwrap();
    let made = format!("{}\n", serde_json::to_string_pretty(&config::schema()).unwrap());
    assert_eq!(kept, made, "run `cargo run -- schema > config/crieur.schema.json`");
}

#[test]
fn all_mistakes_are_said_at_once_each_with_its_place_and_cure() {
    let text = "\
site:
  roots: examples/site
  timezone: Europe/Pariss
http:
  listen: 8080
endpoints:
  a: { network: mastadon }
  b: { network: mastodon, server: ftp://x }
rules:
  - name: cloud
    endpoints: [c]
    when: { slots: \"0 25 * * *\" }
    settle: 30 minutes
    text: \"{{ titel }}\"
  - name: cloud
    endpoints: [a]
quiet_hour: [\"20:00-08:00\"]
feeds: { entries: 0 }
";
    let problems = parse(text).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let all = said.join("\n");
    for (place, words) in [
        ("2:3", "did you mean `root`"),
        ("3:13", "Europe/Pariss"),
        ("5:11", "text"),
        ("7:17", "did you mean `mastodon`"),
        ("8:35", "ftp://x"),
        ("11:17", "no endpoint `c`"),
        ("12:20", "0 25 * * *"),
        ("13:13", "30 minutes"),
        ("14:11", "template"),
        ("15:11", "another rule"),
        ("17:1", "did you mean `quiet_hours`"),
        ("18:19", "out of range"),
    ] {
        let line = said.iter().find(|line| line.starts_with(&format!("crieur.yaml:{place}: error: ")));
        assert!(line.is_some(), "nothing at {place} ({words}):\n{all}");
    }
    assert!(problems.iter().all(|problem| problem.cure.is_some()), "{all}");
    assert!(all.contains("token` is missing"), "{all}");
}

#[test]
fn a_number_too_large_and_a_key_that_stands_twice_are_said_where_they_stand_with_all_else() {
    let text = "\
site: { url: \"https://www.example.org\" }
endpoints:
  a: { network: journal, per_day: 4294967296, gap: 1x }
  b: { network: journal, per_day: 99999999999999999999 }
rules:
  - { name: une, endpoints: [a], name: deux }
  - name: trois
    endpoints: [a]
    \"name\": quatre
feeds: { entries: 5 }
feeds: { entries: 6 }
http: { listen: 8080 }
";
    let problems = parse(text).unwrap_err();
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for (place, words) in [
        ("3:35", "4294967296 is out of range"),
        ("3:52", "1x"),
        ("4:35", "a whole number is expected"),
        ("6:34", "`name` stands twice"),
        ("9:5", "`name` stands twice"),
        ("11:1", "`feeds` stands twice"),
        ("12:17", "a text is expected"),
    ] {
        let start = format!("crieur.yaml:{place}: error: ");
        assert!(all.iter().any(|line| line.starts_with(&start) && line.contains(words)), "{place} {words}: {all:#?}");
    }
    assert_eq!(all.len(), 7, "{all:#?}");
}

#[test]
fn secrets_come_from_the_environment_or_from_files_and_never_show() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "canari-fichier\n").unwrap();
    let yaml = format!(
        "endpoints:\n  a: {{ network: mastodon, server: https://x.fr, token: \"${{JETON}}\" }}\n  b: {{ network: mastodon, server: https://x.fr, token_file: {file:?} }}\n"
    );
    let env = |name: &str| (name == "JETON").then(|| "canari-environnement".to_owned());
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let config = config::parse("c.yaml", &yaml, &Surroundings { env: &env, read: &read }).unwrap();
    let flow = "endpoints: { a: { network: mastodon, server: https://x.fr, token: ${JETON}, gap: ${GAP:-5s} } }";
    let flowing = config::parse("c.yaml", flow, &Surroundings { env: &env, read: &read }).unwrap();
    assert_eq!(flowing.endpoints.values().next().unwrap().rate.gap.as_secs(), 5);
    let shown = format!("{config:?} {flowing:?}");
    assert!(!shown.contains("canari"), "{shown}");
    let missing =
        parse("endpoints:\n  a: { network: mastodon, server: https://x.fr, token: \"${JETON}\" }\n").unwrap_err();
    assert!(missing[0].message.contains("JETON is not set"), "{missing:?}");
}

#[test]
fn broken_yaml_is_refused_with_its_place() {
    let problems = parse("site:\n  root: a: b\n").unwrap_err();
    assert_eq!((problems.len(), problems[0].line), (1, 2));
    assert!(parse("").is_ok(), "an empty file takes every default");
}

#[test]
fn a_repository_is_read_and_what_makes_no_sense_is_refused() {
    let git = |rest: &str| parse(&format!("site: {{ {rest} }}\nstore: sqlite:/srv/data/crieur.db"));
    let site =
        git("git: { url: \"git@forge.example.fr:site.git\", subfolder: /web/, key: k }, hook_secret: h").unwrap().site;
    assert_eq!(site.root, Path::new("/srv/data/site/tree/web"));
    assert_eq!(site.git.map(|git| (git.every.as_secs(), git.depth, git.branch)), Some((300, 50, None)));
    assert!(site.hook_secret.is_some());
    let env = |name: &str| (name == "JETON").then(|| "canari".to_owned());
    let read = |_: &Path| Ok("canari".to_owned());
    let yaml = "site: { git: { url: https://x.fr/y, token: \"${JETON}\", every: 10s }, hook_secret_file: f }";
    let config = config::parse("c.yaml", yaml, &Surroundings { env: &env, read: &read }).unwrap();
    assert!(!format!("{config:?}").contains("canari"));
    for (given, words) in [
        ("root: a, git: { url: b }", "together with site.root"),
        ("git: { branch: main }", "`url` is missing"),
        ("git: { url: a, every: 5s }", "every 10 s"),
        ("git: { url: a, token: t }", "only https takes a token"),
        ("git: { url: https://x.fr/y, key: t }", "only ssh takes a key"),
        ("git: { url: \"https://u:canari@x.fr/y\" }", "holds a password"),
        ("git: { url: \"http://x.fr/y\" }", "plain http"),
        ("git: { url: a, branch: \"-x\" }", "name of a branch"),
        ("git: { url: a, subfolder: ../b }", "not a folder"),
        ("git: { url: a, key: \"${ABSENT}\" }", "ABSENT is not set"),
        ("git: { url: a, depth: -1 }", "out of range"),
    ] {
        let problems = git(given).unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(words)) && !said.join("").contains("canari"), "{given}: {said:?}");
        assert!(problems.iter().all(|problem| problem.cure.is_some()), "{said:?}");
    }
}

#[test]
fn an_empty_key_that_stands_twice_is_told_in_words() {
    let problems = parse("\"\": 1\n\"\": 2\n").unwrap_err();
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(all.iter().any(|one| one.contains("error: an empty key stands twice in one section")), "{all:#?}");
}
