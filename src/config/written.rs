//! The text of a configuration that is known to be right, to tell where in it something stands.

use super::read::marked;
use crate::problem::Place;
use crate::yaml::{self, Step, Yaml};

/// A configuration as it is written.
#[derive(Debug)]
pub struct Written {
    text: String,
    value: Yaml,
}

impl Written {
    /// Reads the text; what is no YAML has no places.
    pub fn new(text: &str) -> Self {
        let text = marked(text);
        let value = yaml::parse(&text).map(|document| document.value).unwrap_or_default();
        Self { text, value }
    }

    /// The value at a path, if there is one.
    pub fn get(&self, path: &[Step]) -> Option<&Yaml> {
        path.iter().try_fold(&self.value, |value, step| match (step, value) {
            (Step::Key(name), value) => value.get(name),
            (Step::Item(at), Yaml::List(items)) => items.get(*at),
            _ => None,
        })
    }

    /// Where a value stands; the first character if it stands nowhere.
    pub fn place(&self, path: &[Step]) -> Place {
        yaml::place_of_value(&self.text, path).unwrap_or(Place::FILE)
    }

    /// Where a key stands; the first character if it stands nowhere.
    pub fn place_of_key(&self, path: &[Step]) -> Place {
        yaml::place_of_key(&self.text, path).unwrap_or(Place::FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_right_beside_variables() {
        let written = Written::new("site: { root: ${DIR:-x}, title: Essai }\nrules:\n- name: a\n  tags: [b, c]\n");
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(written.place_of_key(&[key("site"), key("title")]), Place { line: 1, column: 26 });
        let path = [key("rules"), Step::Item(0), key("tags"), Step::Item(1)];
        assert_eq!(written.get(&path), Some(&Yaml::Text("c".to_owned())));
        assert_eq!(written.place(&path), Place { line: 4, column: 13 });
        assert_eq!(written.place(&[key("feeds")]), Place::FILE);
    }
}
