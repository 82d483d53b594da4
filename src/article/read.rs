//! From a file of a Jekyll site to an [`Article`].

use super::date::{self, ArticleDate};
use super::front_matter::{self, FrontMatter};
use super::inspect::inspect;
use super::site::{Collection, SiteSettings};
use super::{Article, Lookup, Parsed, SourceFile, markdown};
use super::{Writing, links, permalink};
use crate::problem::{Place, Problem};
use crate::text::{clean, folded, language_tag, one_line};
use crate::yaml::Yaml;
use jiff::Timestamp;
use url::Url;

/// Most bytes of a file: an article of an hour's reading has some 50,000.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads a file of the site. `lookup` finds the facts of files that the article names.
///
/// A file that belongs to no collection of articles gives nothing. A file that should be an article and cannot be
/// read gives a problem of severity error and `broken`.
pub fn parse(file: &SourceFile, site: &SiteSettings, lookup: &dyn Lookup) -> Parsed {
    let Some((name, collection)) = site.collection_of(&file.path) else { return Parsed::default() };
    let broken = |problem: Problem| Parsed { article: None, problems: vec![problem], broken: true };
    if file.bytes.len() > BYTES_MAX {
        let message = format!("{} bytes, over the limit of {BYTES_MAX} for an article", file.bytes.len());
        return broken(
            Problem::error(&file.path, Place::FILE, message)
                .cure("put large files in the uploads folder and link to them"),
        );
    }
    let text = match std::str::from_utf8(&file.bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&file.bytes[..error.valid_up_to()]);
            let place = Place::of_byte(&good, good.len());
            return broken(
                Problem::error(&file.path, place, "the file is not UTF-8")
                    .cure("save it again with the encoding UTF-8"),
            );
        }
    };
    let Some(split) = front_matter::split(text) else {
        if text.trim().is_empty() || front_matter::starts(text) {
            let problem = Problem::error(&file.path, Place::FILE, "the file is empty or its front matter never ends");
            return broken(problem.cure("end the front matter with a line of three dashes"));
        }
        // Jekyll copies such a file as it is: it is no article.
        let note = Problem::note(&file.path, Place::FILE, "the file has no front matter, so it is no article");
        let note = note.cure("start it with a line of three dashes, and end the front matter with another");
        return Parsed { problems: vec![note], ..Parsed::default() };
    };
    let (front, mut problems) = match FrontMatter::read(&file.path, &split) {
        Ok(read) => read,
        Err(problem) => return broken(problem),
    };
    if let Some(why) = markdown::nests_too_deep(split.body) {
        return broken(Problem::error(&file.path, Place::FILE, why).cure("take out what is nested without need"));
    }
    if name == "posts" && dated_name(file_stem(&file.path)).0.is_none() {
        problems.push(
            Problem::warning(&file.path, Place::FILE, "the file's name has no date, so Jekyll does not publish it")
                .cure("name it such as 2026-01-31-titre.md"),
        );
        return Parsed { problems, ..Parsed::default() };
    }
    let reading = Reading { file, site, collection_name: name, collection, front: &front, lookup };
    let article = reading.article(split.body, &mut problems);
    if let Some(article) = &article {
        let first_line = text[..text.len() - split.body.len()].matches('\n').count() + 1;
        problems.extend(inspect(article, first_line, site, lookup));
    }
    let broken = article.is_none();
    Parsed { article, problems, broken }
}

/// A file on its way to become an article.
pub(super) struct Reading<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) site: &'a SiteSettings,
    collection_name: &'a str,
    collection: &'a Collection,
    pub(super) front: &'a FrontMatter<'a>,
    pub(super) lookup: &'a dyn Lookup,
}

impl Reading<'_> {
    fn article(&self, body: &str, problems: &mut Vec<Problem>) -> Option<Article> {
        let stem = file_stem(&self.file.path);
        let (name_date, name_slug) = dated_name(stem);
        let date =
            self.date("date", problems)?.or_else(|| name_date.and_then(|day| date::parse(day, &self.site.timezone)));
        let slug = self.front.text(&["slug"]).unwrap_or_else(|| name_slug.trim_end_matches('.').to_owned());
        let title = match self.front.text(&["title"]).map(|title| clean(&markdown::title_to_text(&title)).into_owned())
        {
            Some(title) if !title.is_empty() => title,
            _ => {
                problems.push(
                    Problem::error(
                        &self.file.path,
                        self.front.place("title"),
                        "the article has no title, so it is left out",
                    )
                    .cure("write a line “title: …” in the front matter"),
                );
                return None;
            }
        };
        let categories = self.terms(&["categories", "category"]);
        let tags = self.terms(&["tags", "tag"]);
        let url = self.url(stem, &slug, &categories, date, problems)?;
        let published = self.truth("published", true, problems)? && !self.truth("draft", false, problems)?;
        let body = clean(body).into_owned();
        let chapeau = self.front.text(&["chapeau-text", "chapeau", "description", "excerpt", "summary", "resume"]);
        let mut article = Article {
            path: self.file.path.clone(),
            collection: self.collection_name.to_owned(),
            aliases: self
                .strings(&["redirect_from", "aliases"])
                .iter()
                .filter_map(|from| self.site.address(from))
                .collect(),
            own_id: self.front.text(&["id", "uuid", "guid"]),
            modified: self.optional_date(&["last_modified_at", "updated", "updatedDate", "modified"], problems),
            expires: self.expires(problems)?,
            author: self.author(),
            language: self.language(problems),
            chapeau: chapeau.map(|text| clean(&text).into_owned()),
            images: self.images(&url, problems),
            attachments: self.attachments(problems),
            event: self.event(problems),
            social: self.social(problems),
            title,
            url,
            date,
            published,
            categories,
            tags,
            body,
            writing: self.writing(),
        };
        article.writing = links::resolve(&article, self.site, self.lookup);
        self.remarks(&article, problems);
        Some(article)
    }

    /// The date of a key; outer None if it cannot be read, which makes the article unreadable: a wrong guess could
    /// publish it early.
    fn date(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Option<ArticleDate>> {
        let text = match self.value(key) {
            Some(value) if value.is_compound() => "a list".to_owned(),
            Some(value) => match value.filled() {
                Some(text) => text,
                None => return Some(None),
            },
            None => return Some(None),
        };
        match date::parse(&text, &self.site.timezone) {
            Some(date) => Some(Some(date)),
            None => {
                problems.push(
                    self.front
                        .error(key, format!("`{text}` is not a date, so the article is left out"))
                        .cure("write it as 2026-01-31 09:30:00 +01:00"),
                );
                None
            }
        }
    }

    /// When the article expires; outer None if that cannot be read: it could have expired.
    fn expires(&self, problems: &mut Vec<Problem>) -> Option<Option<Timestamp>> {
        for key in ["expires", "expiryDate", "expirydate"] {
            if let Some(date) = self.date(key, problems)? {
                return Some(Some(date.at));
            }
        }
        Some(None)
    }

    /// A value of the front matter, else of the site's defaults.
    fn value(&self, key: &str) -> Option<&Yaml> {
        self.site.value(self.front, &self.file.path, self.collection_name, key)
    }

    /// The date of the first of several keys that says something; one that is none is a problem, and nothing else.
    pub(super) fn optional_date(&self, keys: &[&str], problems: &mut Vec<Problem>) -> Option<ArticleDate> {
        let (key, text) = keys.iter().find_map(|key| Some((key, self.front.get(key)?.filled()?)))?;
        let read = date::parse(&text, &self.site.timezone);
        if read.is_none() {
            problems.push(
                self.front
                    .warning(key, format!("`{text}` is not a date"))
                    .cure("write it as 2026-01-31 09:30:00 +01:00"),
            );
        }
        read
    }

    /// A yes or no; None if it says something else, which makes the article unreadable: it could be a draft.
    fn truth(&self, key: &str, default: bool, problems: &mut Vec<Problem>) -> Option<bool> {
        let Some(value) = self.value(key) else {
            return Some(default);
        };
        let truth = value.truth();
        if truth.is_none() {
            let said = value.to_text().unwrap_or_default();
            problems.push(
                self.front
                    .error(key, format!("`{key}: {said}` is neither true nor false, so the article is left out"))
                    .cure("write true or false"),
            );
        }
        truth
    }

    fn strings(&self, keys: &[&str]) -> Vec<String> {
        keys.iter()
            .filter_map(|key| self.value(key))
            .flat_map(|value| match value {
                Yaml::List(items) => items.iter().filter_map(Yaml::filled).collect(),
                other => other.filled().into_iter().collect::<Vec<_>>(),
            })
            .collect()
    }

    /// Categories or tags: a list, or one text. As for Jekyll, a text under the plural key is cut at white space
    /// unless it has commas, and a text under the singular key is one term.
    fn terms(&self, keys: &[&str; 2]) -> Vec<String> {
        let mut terms: Vec<String> = Vec::new();
        for key in keys {
            let Some(value) = self.value(key) else { continue };
            let written: Vec<String> = match value {
                Yaml::List(items) => items.iter().filter_map(Yaml::filled).collect(),
                other => match other.filled() {
                    Some(text) if key == &keys[1] => vec![text],
                    Some(text) if text.contains(',') => text.split(',').map(|term| term.trim().to_owned()).collect(),
                    Some(text) => text.split_whitespace().map(str::to_owned).collect(),
                    None => Vec::new(),
                },
            };
            for term in written.iter().map(|term| markdown::title_to_text(term)).filter(|term| !term.is_empty()) {
                if !terms.iter().any(|known| folded(known) == folded(&term)) {
                    terms.push(term);
                }
            }
        }
        terms
    }

    fn url(
        &self,
        stem: &str,
        slug: &str,
        categories: &[String],
        date: Option<ArticleDate>,
        problems: &mut Vec<Problem>,
    ) -> Option<Url> {
        let own = self.value("permalink").and_then(Yaml::filled);
        let template = own.as_deref().map_or(self.collection.permalink.as_str(), permalink::style);
        let under =
            self.file.path.strip_prefix(&self.collection.folder).unwrap_or(&self.file.path).trim_start_matches('/');
        let path_stem = under.rsplit_once('.').map_or(under, |(path, _)| path);
        let in_site_zone = date.map(|date| ArticleDate::in_zone(date.at, &self.site.timezone));
        let parts = permalink::Parts {
            collection: self.collection_name,
            path: path_stem,
            slug,
            name: stem,
            categories,
            date: in_site_zone,
        };
        let path = permalink::path(template, &parts);
        let url = self.site.address(&path);
        if url.is_none() {
            problems.push(
                self.front
                    .error("permalink", format!("`{template}` does not make an address"))
                    .cure("write a path such as /actualites/titre/"),
            );
        }
        url
    }

    fn language(&self, problems: &mut Vec<Problem>) -> Option<String> {
        let said = self.front.text(&["lang", "language"])?;
        let tag = language_tag(&said);
        if tag.is_none() {
            let problem = self.front.warning("lang", format!("`{said}` is not a language; the site's is taken"));
            problems.push(problem.cure("write a code such as fr or en-GB"));
        }
        tag
    }

    fn author(&self) -> Option<String> {
        let value = ["auteur", "author"].iter().find_map(|key| self.front.get(key))?;
        let name = match value {
            Yaml::Map(_) => value.get("name").or_else(|| value.get("nom")).and_then(Yaml::filled),
            other => other.filled(),
        }?;
        // An address of a person is not a name, and never leaves the file.
        Some(one_line(&clean(&name))).filter(|name| !name.contains('@') && !name.is_empty())
    }

    /// What an editor may want to mend though the article can be read.
    fn remarks(&self, article: &Article, problems: &mut Vec<Problem>) {
        if article.date.is_none() && article.published {
            problems.push(
                Problem::warning(&self.file.path, self.front.place("date"), "the article has no date: it stands in the feeds at the time it was first seen, and is never announced by itself")
                    .cure("write a line “date: 2026-01-31 09:30:00 +01:00”"),
            );
        }
        let length = article.title.chars().count();
        if length > 300 {
            problems.push(
                self.front.warning("title", format!("the title has {length} characters")).cure("keep it under 300"),
            );
        }
    }

    /// How the text is to be read, as far as that is known without a look at it.
    fn writing(&self) -> Writing {
        let own = self.value("excerpt_separator").and_then(Yaml::filled);
        Writing { separator: own.or_else(|| self.site.excerpt_separator.clone()), ..Writing::default() }
    }
}

fn file_stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A file's name cut into its day, if it starts with one, and the rest: `2024-07-05-titre`.
fn dated_name(stem: &str) -> (Option<&str>, &str) {
    let dashes: Vec<usize> = stem.match_indices('-').map(|(at, _)| at).take(3).collect();
    if let [_, _, third] = dashes[..]
        && date::parse_day(&stem[..third]).is_some()
    {
        return (Some(&stem[..third]), &stem[third + 1..]);
    }
    (None, stem)
}
