//! `http.people`: who decides what goes out, and what proves it.

use super::raw::RawPerson;
use super::read::{Reader, key};
use crate::people::{ADMIN, People, Person};
use crate::secret::Secret;
use std::collections::BTreeMap;

/// Fewest characters of a person's token: what can be guessed proves nothing.
const TOKEN_MIN: usize = 16;

pub(super) fn read(reader: &mut Reader, raw: BTreeMap<String, RawPerson>, admin: Option<&Secret>) -> People {
    let mut people: Vec<Person> = Vec::new();
    for (id, raw) in raw {
        let path = [key("http"), key("people"), key(&id)];
        let is_name = |c: char| c.is_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
        if id.is_empty() || id == ADMIN || !id.chars().all(is_name) {
            let message = format!("http.people: nobody can act under the name `{id}`");
            let cure = "write small letters, digits, - . _ and not admin: that is who bears http.admin_token";
            reader.problem(&path, message, cure);
        }
        let before = reader.count();
        let token = reader.secret(&path, "token", raw.token, raw.token_file);
        // What is not set or cannot be read is reported already.
        let is_reported = reader.count() > before || token.as_ref().is_some_and(|token| token.expose() == "unset");
        let token = match token {
            Some(token) if is_reported || token.expose().chars().count() >= TOKEN_MIN => token,
            _ if is_reported => continue,
            given => {
                let what = if given.is_some() { "the token is too short" } else { "the token is missing" };
                let cure = "make one with: openssl rand -hex 32, and give it as token or token_file";
                reader.problem(&path, format!("http.people.{id}: {what}"), cure);
                continue;
            }
        };
        let is_taken = people.iter().map(|other| &other.token).chain(admin).any(|other| *other == token);
        if is_taken && !is_reported {
            let message = format!("http.people.{id}: another one has the same token");
            reader.problem(&path, message, "give each person a token of their own");
        }
        let name = raw.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let person = Person { id, name, token };
        let names = [Some(person.id.as_str()), person.name.as_deref()];
        let known = People::new(people.clone());
        if let Some(name) = names.into_iter().flatten().find(|name| known.find(name).is_some()) {
            let message = format!("http.people.{}: another one is called {name} too", person.id);
            reader.problem(&path, message, "give each person names of their own");
        }
        people.push(person);
    }
    People::new(people)
}

#[cfg(test)]
mod tests {
    use crate::config::{Surroundings, parse};

    fn problems(people: &str) -> Vec<String> {
        let yaml = format!("http: {{ admin_token: un-jeton-bien-long-1, people: {people} }}\n");
        let env = |_: &str| None;
        let read = |_: &std::path::Path| Ok("canari-0123456789".to_owned());
        match parse("crieur.yaml", &yaml, &Surroundings { env: &env, read: &read }) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn people_have_names_and_tokens_of_their_own() {
        assert_eq!(
            problems("{ amélie: { token: canari-bien-long-1, name: Amélie Dupont }, bo.li: { token_file: f } }"),
            [""; 0]
        );
        for (people, problem) in [
            ("{ admin: { token: canari-bien-long-1 } }", "nobody can act under the name `admin`"),
            ("{ \"A B\": { token: canari-bien-long-1 } }", "nobody can act under the name `A B`"),
            ("{ aya: { token: canari } }", "http.people.aya: the token is too short"),
            ("{ aya: { } }", "http.people.aya: the token is missing"),
            ("{ aya: { token: \"${NONE}\" } }", "the environment variable NONE is not set"),
            ("{ aya: { token: canari-bien-long-1, token_file: f } }", "given both as text and as a file"),
            ("{ aya: { token: un-jeton-bien-long-1 } }", "http.people.aya: another one has the same token"),
            (
                "{ aya: { token: canari-bien-long-1 }, bo: { token: canari-bien-long-1 } }",
                "http.people.bo: another one has the same token",
            ),
            (
                "{ aya: { token: canari-bien-long-1 }, bo: { token: canari-bien-long-2, name: AYA } }",
                "http.people.bo: another one is called AYA too",
            ),
        ] {
            let found = problems(people);
            assert_eq!(found.len(), 1, "{people}: {found:?}");
            assert!(found[0].contains(problem) && !found[0].contains("canari"), "{people}: {found:?}");
        }
    }
}
