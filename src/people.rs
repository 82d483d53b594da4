//! People who decide what goes out, how they are known, and by which road their word came.
//!
//! A token proves who asks over the API and on the pages. A command is believed: whoever may run it may write into the
//! database as well.

use crate::secret::Secret;
use crate::text::folded;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// The name under which the token of `http.admin_token` acts, and, where nobody has a token, whoever is on this machine.
pub const ADMIN: &str = "admin";

/// A person who is named in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name under which they act.
    pub id: String,
    /// Their name as articles write it, if that is another one.
    pub name: Option<String>,
    /// What proves who they are.
    pub token: Secret,
}

/// The people of the configuration. Where there are none, nobody is known, and every name is taken as it is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People(Vec<Person>);

impl People {
    /// These people.
    pub fn new(people: Vec<Person>) -> Self {
        Self(people)
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whoever is called so, by either of their names.
    pub fn find(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.is_called(name))
    }

    /// The names under which they act.
    pub fn ids(&self) -> Vec<&str> {
        self.0.iter().map(|person| person.id.as_str()).collect()
    }

    /// The name under which a name acts. None if people are named, and this is none of them.
    pub fn known<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.find(name) {
            Some(person) => Some(&person.id),
            None => self.is_empty().then_some(name),
        }
    }

    /// Whether two names are of one person.
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        folded(one) == folded(other) || self.find(one).is_some_and(|person| person.is_called(other))
    }

    /// Whose token a text is: of one of these people, or that of the administration. Every token is looked at, and each
    /// in the same time whatever the text is.
    pub fn bearer<'a>(&'a self, text: &str, admin: Option<&'a Secret>) -> Option<&'a str> {
        let print = |text: &str| digest(&SHA256, text.as_bytes());
        let given = print(text);
        let tokens = self.0.iter().map(|person| (person.id.as_str(), &person.token));
        let mut found = None;
        for (id, token) in tokens.chain(admin.map(|token| (ADMIN, token))) {
            if verify_slices_are_equal(given.as_ref(), print(token.expose()).as_ref()).is_ok() {
                found = Some(id);
            }
        }
        found
    }
}

impl Person {
    fn is_called(&self, name: &str) -> bool {
        let name = folded(name);
        folded(&self.id) == name || self.name.as_deref().is_some_and(|own| folded(own) == name)
    }
}

/// By which road a word came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// A command on this machine.
    Command,
    /// A program, over the API.
    Api,
    /// A page.
    Page,
}

impl Road {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Api => "api",
            Self::Page => "page",
        }
    }
}

/// Whose word it is, and by which road it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub person: String,
    /// How.
    pub road: Road,
}

impl By {
    /// A person's word by a road.
    pub fn new(person: impl Into<String>, road: Road) -> Self {
        Self { person: person.into(), road }
    }

    /// A person's word by a command.
    pub fn command(person: impl Into<String>) -> Self {
        Self::new(person, Road::Command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let person = |id: &str, name: Option<&str>| Person {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            token: Secret::new(format!("jeton de {id}")),
        };
        People::new(vec![person("amelie", Some("Amélie Dupont")), person("bo", None)])
    }

    #[test]
    fn a_person_has_two_names_and_one_token() {
        let people = people();
        assert_eq!(people.known("AMÉLIE  dupont"), Some("amelie"));
        assert_eq!((people.known("Bo"), people.known("chi"), people.known(ADMIN)), (Some("bo"), None, None));
        assert!(people.are_same("amelie", "Amélie Dupont") && people.are_same("Chi", "chi"));
        assert!(!people.are_same("amelie", "bo"));
        assert_eq!(People::default().known("chi"), Some("chi"));
        let admin = Secret::new("jeton de tous");
        for (text, who) in [
            ("jeton de bo", Some("bo")),
            ("jeton de amelie", Some("amelie")),
            ("jeton de tous", Some(ADMIN)),
            ("jeton de", None),
            ("", None),
        ] {
            assert_eq!(people.bearer(text, Some(&admin)), who, "{text}");
        }
        assert_eq!(people.bearer("jeton de tous", None), None);
    }
}
