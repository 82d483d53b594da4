//! A text with its values filled in.

use super::hashtag::{grammar::Family, same};
use super::length::Limits;
use super::{Post, entity};
use crate::article::{Article, ArticleDate, SiteSettings};
use crate::feed::words::when;
use crate::template::{Template, Values};
use std::collections::BTreeMap;

/// What is filled in.
pub struct Draft<'a> {
    /// The article.
    pub article: &'a Article,
    /// The site's settings.
    pub site: &'a SiteSettings,
    /// The text.
    pub template: &'a Template,
    /// What the network takes.
    pub limits: Limits,
    /// Hashtags of the article's own terms.
    pub hashtag_of: BTreeMap<String, String>,
    /// Whether the article is in French.
    pub french: bool,
    /// Whether the post tells a correction, which then stands where the summary does.
    pub corrects: bool,
}

impl Draft<'_> {
    /// The post with a title, a summary and hashtags. A hashtag that the rest of the text says already is not said
    /// again.
    pub fn fill(&self, title: &str, summary: &str, hashtags: &[String]) -> Result<Post, String> {
        let mut values = self.values(title, summary);
        let without = tidy(&self.template.render(&values)?);
        let said: Vec<&str> = entity::hashtags(&without, Family::X).into_iter().map(|tag| &without[tag]).collect();
        let unsaid = hashtags.iter().filter(|hashtag| !said.iter().any(|known| same(known, hashtag)));
        values.hashtags = unsaid.map(String::as_str).collect::<Vec<_>>().join(" ");
        let text = if values.hashtags.is_empty() { without.clone() } else { tidy(&self.template.render(&values)?) };
        let found = entity::hashtags(&text, Family::X).into_iter().map(|tag| &text[tag]).collect::<Vec<_>>();
        let is_in = |hashtag: &&String| found.iter().any(|tag| same(tag, hashtag));
        Ok(Post {
            length: self.limits.counter.count(&text),
            limit: self.limits.length_max,
            hashtags: hashtags.iter().filter(is_in).cloned().collect(),
            url: values.url,
            language: values.language,
            text,
            ..Post::default()
        })
    }

    /// Whether the network takes the text of a post.
    pub fn fits(&self, post: &Post) -> bool {
        self.limits.holds(&post.text)
    }

    fn values(&self, title: &str, summary: &str) -> Values {
        let article = self.article;
        let event = article.event.as_ref();
        let day = |date: ArticleDate| date.zoned().strftime("%Y-%m-%d").to_string();
        let starts = event.filter(|event| !event.all_day).map(|event| event.start);
        Values {
            title: title.to_owned(),
            summary: if self.corrects { String::new() } else { summary.to_owned() },
            correction: if self.corrects { summary.to_owned() } else { String::new() },
            url: article.url.to_string(),
            hashtags: String::new(),
            collection: article.collection.clone(),
            categories: article.categories.clone(),
            tags: article.tags.clone(),
            date: article.date.map(day).unwrap_or_default(),
            site: self.site.title.clone(),
            place: event.and_then(|event| event.place.clone()).unwrap_or_default(),
            event_date: event.map(|event| day(event.start)).unwrap_or_default(),
            event_time: starts.map(|start| start.zoned().strftime("%H:%M").to_string()).unwrap_or_default(),
            event_when: event.map(|event| when(event, self.french)).unwrap_or_default(),
            language: article.language.clone().unwrap_or_else(|| self.site.language.clone()),
            hashtag_of: self.hashtag_of.clone(),
        }
    }
}

/// No blank lines at the ends, never two in a row: an empty summary leaves no hole.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_summary_leaves_no_hole() {
        assert_eq!(tidy("Titre\n\n\n\nhttps://x.fr\n\n"), "Titre\n\nhttps://x.fr");
    }
}
