//! SARIF 2.1.0 (OASIS), as code hosts and editors read it. The numbers in comments are sections of that standard.

use crate::digest;
use crate::problem::{KINDS, Kind, Problem, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

/// A log with one run. `plain` names a file as tools want it.
pub fn log(problems: &[Problem], plain: impl Fn(&str) -> String) -> Value {
    let mut rules: BTreeMap<&str, usize> = problems.iter().map(|problem| (problem.kind, 0)).collect();
    rules.values_mut().enumerate().for_each(|(at, index)| *index = at);
    let results: Vec<Value> = problems
        .iter()
        .map(|problem| result(problem, &plain(&problem.file), rules.get(problem.kind).copied().unwrap_or(0)))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Crieur",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.keys().map(|name| rule(name)).collect::<Vec<_>>(),
            }},
            // Columns count characters, as people do (3.14.17).
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(name: &str) -> Value {
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(Kind { name, severity, says, cure }) => json!({
            "id": name,
            "shortDescription": { "text": says },
            "help": { "text": cure },
            "defaultConfiguration": { "level": level(*severity) },
        }),
        None => json!({ "id": name }),
    }
}

fn result(problem: &Problem, file: &str, rule: usize) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(file) } });
    if problem.line > 0 {
        place["region"] = json!({ "startLine": problem.line, "startColumn": problem.column.max(1) });
    }
    // The same problem on another line is still the same (3.27.17).
    let print = digest::hex(format!("{}\n{file}\n{}", problem.kind, problem.message), 16);
    json!({
        "ruleId": problem.kind,
        "ruleIndex": rule,
        "level": level(problem.severity),
        "message": { "text": problem.sentence() },
        "locations": [{ "physicalLocation": place }],
        "partialFingerprints": { "problem/v1": print },
    })
}

/// The words of 3.27.10, which are ours.
fn level(severity: Severity) -> String {
    severity.to_string()
}

/// A path as a URI reference (RFC 3986): relative as it is, absolute with its scheme; everything that is not
/// unreserved is encoded, so that a colon in the first segment makes no scheme.
fn uri(file: &str) -> String {
    let mut uri = String::from(if file.starts_with('/') { "file://" } else { "" });
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    #[test]
    fn a_file_is_a_uri_whatever_its_name() {
        assert_eq!(uri("_posts/L’été à 50 %.md"), "_posts/L%E2%80%99%C3%A9t%C3%A9%20%C3%A0%2050%20%25.md");
        assert_eq!(uri("a:b?c#d.md"), "a%3Ab%3Fc%23d.md");
        assert_eq!(uri("/srv/a.md"), "file:///srv/a.md");
    }

    #[test]
    fn results_point_at_their_rules_and_files_as_a_whole_have_no_region() {
        let problems = [
            Problem::error("b.md", Place { line: 3, column: 7 }, "wrong").cure("mend it"),
            Problem::note("a.md", Place::default(), "soon").kind("future-date"),
        ];
        let log = log(&problems, str::to_owned);
        let run = &log["runs"][0];
        for (at, problem) in problems.iter().enumerate() {
            let result = &run["results"][at];
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], problem.kind);
            assert_eq!(result["level"], problem.severity.to_string());
        }
        assert_eq!(run["results"][0]["message"]["text"], "wrong; mend it");
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"], 7);
        assert!(run["results"][1]["locations"][0]["physicalLocation"].get("region").is_none());
    }
}
