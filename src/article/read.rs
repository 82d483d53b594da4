//! From a file of a site to an [`Article`].

use super::date::{self, ArticleDate};
use super::front_matter::{self, FrontMatter};
use super::generator::{self, Head, Outcome, Rules};
use super::inspect::inspect;
use super::site::{Collection, SiteSettings};
use super::{Article, Lookup, Parsed, SourceFile, Templating, Writing, links, markdown};
use crate::config::Generator;
use crate::problem::{Place, Problem};
use crate::text::{clean, folded, is_blank, language_tag, one_line};
use crate::yaml::Yaml;
use jiff::Timestamp;
use std::collections::HashSet;
use url::Url;

/// Most bytes of a file: an article of an hour's reading has some 50,000.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Its name and its front matter. Nothing is looked up, and the body is not even copied: `body`, `images` and
    /// `attachments` are empty, and nothing is said of them.
    Head,
    /// Its text too, but nothing is looked up and nothing is said of it.
    Text,
    /// All of it.
    Full,
}

/// Reads a file of the site. `lookup` finds the facts of files that the article names.
///
/// A file that belongs to no collection of articles gives nothing. A file that should be an article and cannot be
/// read gives a problem of severity error and `broken`.
pub fn parse(file: &SourceFile, site: &SiteSettings, lookup: &dyn Lookup, depth: Depth) -> Parsed {
    let Some((name, collection)) = site.collection_of(&file.path) else { return Parsed::default() };
    let broken = |problem: Problem| Parsed { article: None, problems: vec![problem], broken: true };
    if file.bytes.len() > BYTES_MAX {
        let message = format!("{} bytes, over the limit of {BYTES_MAX} for an article", file.bytes.len());
        return broken(
            Problem::error(&file.path, Place::FILE, message)
                .kind("unreadable-file")
                .cure("put large files in the uploads folder and link to them"),
        );
    }
    let text = match simdutf8::compat::from_utf8(&file.bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&file.bytes[..error.valid_up_to()]);
            let place = Place::of_byte(&good, good.len());
            return broken(
                Problem::error(&file.path, place, "the file is not UTF-8")
                    .kind("unreadable-file")
                    .cure("save it again with the encoding UTF-8"),
            );
        }
    };
    let is_post = site.generator != Generator::Jekyll || name != "posts" || generator::jekyll::is_post(&file.path);
    let split = match front_matter::split(text, site.generator) {
        Some(split) => split,
        None => match without_front_matter(file, site, name, text) {
            // Jekyll takes what lies in `_posts` for a post by its name alone.
            Ok(split) => split,
            Err((problem, broken)) => return Parsed { article: None, problems: vec![problem], broken },
        },
    };
    let (front, mut problems) = match FrontMatter::read(&file.path, &split, site.generator) {
        Ok(read) => read,
        Err(problem) => return broken(problem),
    };
    if let Some(why) = markdown::nests_too_deep(split.body) {
        let problem = Problem::error(&file.path, Place::FILE, why).kind("unreadable-file");
        return broken(problem.cure("take out what is nested without need"));
    }
    if !is_post {
        problems.push(
            Problem::warning(&file.path, Place::FILE, "the file's name has no date, so Jekyll does not publish it")
                .kind("no-article")
                .cure("name it such as 2026-01-31-titre.md"),
        );
        return Parsed { problems, ..Parsed::default() };
    }
    let reading = Reading { file, site, collection_name: name, collection, front: &front, lookup, depth };
    let outcome = match &site.rules {
        Rules::Jekyll(rules) => generator::jekyll::head(&reading, rules, &mut problems),
        Rules::Hugo(rules) => generator::hugo::head(&reading, rules, &mut problems),
        Rules::Zola(rules) => generator::zola::head(&reading, rules, &mut problems),
        Rules::Plain(rules) => generator::plain::head(&reading, rules, &mut problems),
    };
    match outcome {
        Outcome::Other => Parsed { problems, ..Parsed::default() },
        Outcome::Held => Parsed { article: None, problems, broken: true },
        Outcome::Article(head) => {
            let article = reading.article(*head, split.body, &mut problems);
            if let Some(article) = article.as_ref().filter(|_| depth == Depth::Full) {
                let first_line = text[..text.len() - split.body.len()].matches('\n').count() + 1;
                problems.extend(inspect(article, first_line, site, lookup));
            }
            let broken = article.is_none();
            Parsed { article, problems, broken }
        }
    }
}

/// What is wrong with a file in which its generator finds no front matter, and whether that makes it a broken article: it is
/// half-written, or it is none.
fn without_front_matter<'a>(
    file: &SourceFile,
    site: &SiteSettings,
    collection: &str,
    text: &'a str,
) -> Result<front_matter::Split<'a>, (Problem, bool)> {
    let held = |message: &str, cure: &str| {
        Err((Problem::error(&file.path, Place::FILE, message).kind("bad-front-matter").cure(cure), true))
    };
    if text.trim().is_empty() {
        return held(
            "the file is empty or its front matter never ends",
            "end the front matter with a line of three dashes",
        );
    }
    if front_matter::starts(text, site.generator) {
        if site.generator == Generator::Jekyll && front_matter::split(text, Generator::Plain).is_some() {
            return held(
                "the front matter is one that Jekyll does not read: it must be YAML and start on the first line",
                "start the file with a line of three dashes",
            );
        }
        return held("the front matter never ends", "end the front matter with the same line that it starts with");
    }
    if site.generator == Generator::Jekyll && collection == "posts" && generator::jekyll::is_post(&file.path) {
        // Jekyll publishes it by its name. But front matter that an edit took off by mistake may have said that it is a
        // draft: what an article says of itself must be there to be read.
        return held(
            "the post has no front matter: Jekyll publishes it all the same, by its file's name",
            "start it with two lines of three dashes, and a title between them",
        );
    }
    // The generator copies such a file as it is, or makes a page without a title: it is no article.
    let note = Problem::note(&file.path, Place::FILE, "the file has no front matter, so it is no article");
    let note =
        note.kind("no-article").cure("start it with a line of three dashes, and end the front matter with another");
    Err((note, false))
}

/// A file on its way to become an article.
pub(super) struct Reading<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) site: &'a SiteSettings,
    pub(super) collection_name: &'a str,
    pub(super) collection: &'a Collection,
    pub(super) front: &'a FrontMatter<'a>,
    pub(super) lookup: &'a dyn Lookup,
    depth: Depth,
}

impl Reading<'_> {
    fn article(&self, head: Head, body: &str, problems: &mut Vec<Problem>) -> Option<Article> {
        let title = head.title.map(|title| clean(&markdown::title_to_text(&title)).into_owned());
        let Some(title) = title.filter(|title| !is_blank(title)) else {
            let message = "the article has no title, so it is left out";
            problems.push(
                Problem::error(&self.file.path, self.front.place("title"), message)
                    .kind("missing-title")
                    .cure("write a line “title: …” in the front matter"),
            );
            return None;
        };
        let with_text = self.depth >= Depth::Text;
        let chapeau = self.front.text(&["chapeau-text", "chapeau", "description", "excerpt", "summary", "resume"]);
        let mut article = Article {
            path: self.file.path.clone(),
            collection: self.collection_name.to_owned(),
            aliases: head.aliases,
            own_id: self.front.text(&["id", "uuid", "guid"]),
            modified: head.modified,
            expires: head.expires,
            shown_early: head.shown_early,
            author: head.author,
            language: head.language,
            chapeau: chapeau.map(|text| clean(&text).into_owned()),
            images: if with_text { self.images(&head.url, problems) } else { Vec::new() },
            attachments: if with_text { self.attachments(problems) } else { Vec::new() },
            event: self.event(problems),
            corrections: if with_text { self.corrections(problems) } else { Vec::new() },
            social: self.social(problems),
            urgent: self.flag(&["urgent"], problems),
            repeat_until: self.repeat_until(problems),
            title,
            url: head.url,
            date: head.date,
            published: head.published,
            categories: head.categories,
            tags: head.tags,
            body: if with_text { clean(body).into_owned() } else { String::new() },
            writing: if with_text { self.writing() } else { Writing::default() },
        };
        if self.depth == Depth::Full {
            article.writing = links::resolve(&article, self.site, self.lookup);
            self.remarks(&article, problems);
        }
        Some(article)
    }

    /// A value of the front matter, else what the site gives to files of this path and collection.
    pub(super) fn value(&self, key: &str) -> Option<&Yaml> {
        self.front.get(key).or_else(|| match &self.site.rules {
            Rules::Jekyll(rules) => rules.default_value(&self.file.path, self.collection_name, key),
            Rules::Hugo(rules) => rules.cascaded(&self.file.path, key),
            Rules::Zola(_) => None,
            Rules::Plain(rules) => rules.default_value(&self.file.path, key),
        })
    }

    /// The date of a key; outer None if it cannot be read, which makes the article unreadable: a wrong guess could
    /// publish it early.
    pub(super) fn date(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Option<ArticleDate>> {
        let text = match self.value(key) {
            Some(value) if value.is_compound() => "a list".to_owned(),
            Some(value) => match value.filled() {
                Some(text) => text,
                None => return Some(None),
            },
            None => return Some(None),
        };
        match date::parse(&text, &self.site.dates) {
            Some(date) => Some(Some(date)),
            None => {
                problems.push(
                    self.front
                        .error(key, format!("`{text}` is not a date, so the article is left out"))
                        .kind("bad-date")
                        .cure("write it as 2026-01-31 09:30:00 +01:00"),
                );
                None
            }
        }
    }

    /// When the article expires; outer None if that cannot be read: it could have expired.
    pub(super) fn expires(&self, problems: &mut Vec<Problem>) -> Option<Option<Timestamp>> {
        for key in ["expires", "expiryDate", "expirydate"] {
            if let Some(date) = self.date(key, problems)? {
                return Some(Some(date.at));
            }
        }
        Some(None)
    }

    /// When the author says that it was last changed.
    pub(super) fn modified(&self, problems: &mut Vec<Problem>) -> Option<ArticleDate> {
        self.optional_date(&["last_modified_at", "updated", "updatedDate", "modified", "lastmod"], problems)
    }

    /// The date of the first of several keys that says something; one that is none is a problem, and nothing else.
    pub(super) fn optional_date(&self, keys: &[&str], problems: &mut Vec<Problem>) -> Option<ArticleDate> {
        let (key, text) = keys.iter().find_map(|key| Some((key, self.front.get(key)?.filled()?)))?;
        let read = date::parse(&text, &self.site.dates);
        if read.is_none() {
            problems.push(
                self.front
                    .warning(key, format!("`{text}` is not a date"))
                    .kind("bad-date")
                    .cure("write it as 2026-01-31 09:30:00 +01:00"),
            );
        }
        read
    }

    /// Whether the article is no draft; None if that cannot be told.
    pub(super) fn is_published(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        // For Jekyll a key without a value is not true.
        let says_nothing = self.site.generator == Generator::Jekyll
            && self.front.written("published").is_some_and(Yaml::is_null)
            && self.value("published").is_none();
        let published = !says_nothing && self.truth("published", true, problems)?;
        Some(published && !self.truth("draft", false, problems)?)
    }

    /// A yes or no; None if it says something else, which makes the article unreadable: it could be a draft.
    pub(super) fn truth(&self, key: &str, default: bool, problems: &mut Vec<Problem>) -> Option<bool> {
        let Some(value) = self.value(key) else {
            return Some(default);
        };
        let truth = value.truth();
        if truth.is_none() {
            let said = value.to_text().unwrap_or_default();
            problems.push(
                self.front
                    .error(key, format!("`{key}: {said}` is neither true nor false, so the article is left out"))
                    .kind("bad-truth")
                    .cure("write true or false"),
            );
        }
        truth
    }

    /// A yes or no of the first of several keys that says something, in English or French. One that says something else
    /// is a problem, and no.
    pub(super) fn flag(&self, keys: &[&str], problems: &mut Vec<Problem>) -> bool {
        let said = keys.iter().find_map(|key| Some((key, self.front.get(key)?)));
        let Some((key, value)) = said.filter(|(_, value)| !value.is_null()) else { return false };
        let text = value.to_text().unwrap_or_default();
        let truth = value.truth().or_else(|| match folded(&text).as_str() {
            "oui" | "vrai" => Some(true),
            "non" | "faux" => Some(false),
            _ => None,
        });
        if truth.is_none() {
            let problem = self.front.warning(key, format!("`{key}: {text}` is neither true nor false"));
            problems.push(problem.kind("bad-flag").cure("write true or false"));
        }
        truth.unwrap_or(false)
    }

    /// From when on the article is not posted again. A day counts whole.
    fn repeat_until(&self, problems: &mut Vec<Problem>) -> Option<Timestamp> {
        let keys = ["repeat_until", "repeter_jusqu_au"];
        let (_, text) = keys.iter().find_map(|key| Some((key, self.front.get(key)?.filled()?)))?;
        let until = self.optional_date(&keys, problems)?;
        if text.contains(':') {
            return Some(until.at);
        }
        let day = until.at.to_zoned(self.site.timezone.clone());
        Some(day.tomorrow().ok()?.start_of_day().ok()?.timestamp())
    }

    /// Addresses of several keys: lists, or texts.
    pub(super) fn addresses(&self, keys: &[&str]) -> Vec<Url> {
        let written = keys.iter().flat_map(|key| generator::texts(self.value(key)));
        written.filter_map(|address| self.site.address(&address)).collect()
    }

    /// Terms for people: plain text on one line, each once.
    pub(super) fn terms(&self, written: Vec<String>) -> Vec<String> {
        let mut seen = HashSet::new();
        let terms = written.iter().map(|term| markdown::title_to_text(term)).filter(|term| !is_blank(term));
        terms.filter(|term| seen.insert(folded(term))).collect()
    }

    /// The address of a path of the site; `template` is what made it, for the problem.
    pub(super) fn url(&self, path: &str, template: &str, problems: &mut Vec<Problem>) -> Option<Url> {
        let url = self.site.address(path);
        if url.is_none() {
            problems.push(
                self.front
                    .error("permalink", format!("`{template}` does not make an address"))
                    .kind("bad-permalink")
                    .cure("write a path such as /actualites/titre/"),
            );
        }
        url
    }

    /// The language of the front matter, if it is not the site's.
    pub(super) fn language(&self, problems: &mut Vec<Problem>) -> Option<String> {
        let said = self.front.text(&["lang", "language"])?;
        let tag = language_tag(&said);
        if tag.is_none() {
            let problem = self.front.warning("lang", format!("`{said}` is not a language; the site's is taken"));
            problems.push(problem.kind("bad-language").cure("write a code such as fr or en-GB"));
        }
        tag
    }

    /// The author of the front matter, if it names one.
    pub(super) fn author(&self) -> Option<String> {
        let value = ["auteur", "author"].iter().find_map(|key| self.front.get(key))?;
        let name = match value {
            Yaml::Map(_) => value.get("name").or_else(|| value.get("nom")).and_then(Yaml::filled),
            Yaml::List(_) => return self.authors(&generator::texts(Some(value))),
            other => other.filled(),
        }?;
        self.authors(&[name])
    }

    /// Names of persons on one line. An address of a person is not a name, and never leaves the file.
    pub(super) fn authors(&self, names: &[String]) -> Option<String> {
        let names = names.iter().map(|name| one_line(&clean(name)));
        let names: Vec<String> = names.filter(|name| !name.contains('@') && !is_blank(name)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// What an editor may want to mend though the article can be read.
    fn remarks(&self, article: &Article, problems: &mut Vec<Problem>) {
        if article.date.is_none() && article.published {
            problems.push(
                Problem::warning(&self.file.path, self.front.place("date"), "the article has no date: it stands in the feeds at the time it was first seen, and is never announced by itself")
                    .kind("missing-date")
                    .cure("write a line “date: 2026-01-31 09:30:00 +01:00”"),
            );
        }
        let length = article.title.chars().count();
        if length > 300 {
            let problem = self.front.warning("title", format!("the title has {length} characters"));
            problems.push(problem.kind("long-title").cure("keep it under 300"));
        }
    }

    /// How the text is to be read, as far as that is known without a look at it.
    fn writing(&self) -> Writing {
        let own = self.value("excerpt_separator").and_then(Yaml::filled);
        let templating = match self.site.generator {
            Generator::Jekyll => Templating::Liquid,
            Generator::Hugo => Templating::Hugo,
            Generator::Zola => Templating::Zola,
            Generator::Plain => Templating::None,
        };
        let separator = own.or_else(|| self.site.excerpt_separator.clone());
        Writing { templating, separator, site: Some(self.site.url.clone()), ..Writing::default() }
    }
}

/// Each text once, in their order.
pub(super) fn unique(texts: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.into_iter().filter(|text| seen.insert(text.clone())).collect()
}
