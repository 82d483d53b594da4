//! The language in which people write the text of posts: minijinja, with a bound on work and no silent blanks.

mod filters;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// Most steps of one rendering: a text of a post needs some hundred.
const FUEL: u64 = 50_000;

/// Functions of the language itself.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

/// The text of a post when a rule gives none.
pub const DEFAULT: &str = "{{ title }}\n\n{{ summary }}\n\n{{ url }}\n\n{{ hashtags }}";

/// The text of a post that tells a correction when a rule gives none, in French and in English.
pub const CORRECTION: [&str; 2] = [
    "Rectificatif à « {{ title }} » : {{ correction }}\n\n{{ url }}",
    "Correction to “{{ title }}”: {{ correction }}\n\n{{ url }}",
];

/// What a template may name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Values {
    /// Title of the article, on one line.
    pub title: String,
    /// Summary as plain text.
    pub summary: String,
    /// Address of the article.
    pub url: String,
    /// Hashtags, separated by spaces.
    pub hashtags: String,
    /// Collection of the article.
    pub collection: String,
    /// Categories of the article.
    pub categories: Vec<String>,
    /// Tags of the article.
    pub tags: Vec<String>,
    /// Date of the article, `YYYY-MM-DD` in its own offset; empty if it has none.
    pub date: String,
    /// Title of the site.
    pub site: String,
    /// Place of an event; empty elsewhere.
    pub place: String,
    /// First day of an event, `YYYY-MM-DD`; empty elsewhere.
    pub event_date: String,
    /// The hour at which an event starts, `HH:MM` in its own offset; empty if it takes whole days, and elsewhere.
    pub event_time: String,
    /// What was corrected, in a post that tells a correction; empty elsewhere.
    pub correction: String,
    /// When an event takes place, in the article's language: `mardi 5 mars 2024, de 9 h 30 à 12 h`; empty elsewhere.
    pub event_when: String,
    /// Language of the article (BCP 47).
    pub language: String,
    /// Hashtags of the article's own tags and categories: what the filter `hashtag` knows.
    pub hashtag_of: BTreeMap<String, String>,
}

impl Values {
    /// Values of no article in particular, none of them empty.
    fn sample() -> Self {
        let some = || "Exemple".to_owned();
        Self {
            title: some(),
            summary: some(),
            url: "https://www.example.fr/exemple/".to_owned(),
            hashtags: "#Exemple".to_owned(),
            collection: some(),
            categories: vec![some()],
            tags: vec![some()],
            date: "2026-12-03".to_owned(),
            site: some(),
            place: some(),
            event_date: "2026-12-03".to_owned(),
            event_time: "14:30".to_owned(),
            event_when: some(),
            correction: some(),
            language: "fr".to_owned(),
            hashtag_of: BTreeMap::new(),
        }
    }
}

/// A template that has been checked: its syntax is right, and every name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
}

impl Template {
    /// Checks a template. Errors: its syntax, or a name that is not of [`Values`].
    pub fn parse(source: &str) -> Result<Self, String> {
        let template = Self { source: source.to_owned() };
        let mut names: Vec<String> = template.unknown_names().into_iter().collect();
        names.sort();
        if let Some(name) = names.first() {
            return Err(format!("`{name}` is no name that a text can use"));
        }
        // A trial run finds unknown names and filters, which the syntax alone does not.
        template.render(&Values::sample())?;
        Ok(template)
    }

    /// The template as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names that the template uses and nobody gives.
    fn unknown_names(&self) -> HashSet<String> {
        let environment = Environment::new();
        let used =
            environment.template_from_str(&self.source).map(|t| t.undeclared_variables(false)).unwrap_or_default();
        let given = serde_json::to_value(Values::default()).unwrap_or_default();
        used.into_iter().filter(|name| given.get(name).is_none() && !FUNCTIONS.contains(&name.as_str())).collect()
    }

    /// Fills in the values. Errors are those of the template.
    pub fn render(&self, values: &Values) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        filters::add(&mut environment);
        environment
            .template_from_str(&self.source)
            .and_then(|template| template.render(minijinja::value::Serde(values)))
            .map_err(|error| match error.detail() {
                Some(detail) => format!("{}: {detail}", error.kind()),
                None => error.kind().to_string(),
            })
    }
}

impl Default for Template {
    fn default() -> Self {
        Self { source: DEFAULT.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_syntax_are_checked_at_the_door() {
        assert!(Template::parse(DEFAULT).is_ok());
        assert!(Template::parse("{{ titel }}").is_err());
        assert!(Template::parse("{{ title ").is_err());
        assert!(Template::parse("{{ title | nowhere }}").is_err());
        assert!(
            Template::parse("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}")
                .is_err()
        );
    }

    #[test]
    fn filters_speak_the_language_of_the_article() {
        let values = |language: &str| Values { language: language.into(), ..Values::sample() };
        let render = |source: &str, values: &Values| Template::parse(source).unwrap().render(values).unwrap();
        for (source, french, english) in [
            ("{{ date | date }}", "jeudi 3 décembre 2026", "Thursday 3 December 2026"),
            ("{{ event_date | short_date }}", "3 décembre 2026", "3 December 2026"),
            ("{{ event_time | time }}", "14\u{A0}h\u{A0}30", "14:30"),
            ("{{ date | date('fr') }}", "jeudi 3 décembre 2026", "jeudi 3 décembre 2026"),
            ("{{ 'Un deux trois' | truncate_words(2) }}", "Un deux…", "Un deux…"),
            ("{{ \"Paroles d'agents\" | hashtag }}", "#ParolesDAgents", "#ParolesDAgents"),
        ] {
            assert_eq!(render(source, &values("fr-FR")), french, "{source}");
            assert_eq!(render(source, &values("en")), english, "{source}");
        }
        // What an article does not have stays empty.
        assert_eq!(render("{{ event_date | date }}{{ event_time | time }}", &Values::default()), "");
        let official = Values { hashtag_of: [("Cloud".into(), "#ClouddelEtat".into())].into(), ..values("fr") };
        assert_eq!(render("{{ 'Cloud' | hashtag }}", &official), "#ClouddelEtat");
        assert!(Template::parse("{{ title | date }}").is_err());
    }

    #[test]
    fn values_are_not_escaped() {
        let values = Values { title: "L’État & « Cloud »".into(), ..Values::default() };
        assert_eq!(Template::parse("{{ title }}").unwrap().render(&values).unwrap(), "L’État & « Cloud »");
    }
}
