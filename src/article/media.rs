//! Images, files to download, the event and the texts for social networks of an article, from its front matter.

use super::date::ArticleDate;
use super::read::Reading;
use super::{Attachment, Event, EventLink, Image, markdown};
use crate::problem::Problem;
use crate::template::Template;
use crate::text::{clean, one_line};
use crate::yaml::Yaml;
use jiff::civil::Time;
use url::Url;

impl Reading<'_> {
    /// Images, the lead image first.
    pub(super) fn images(&self, base: &Url, problems: &mut Vec<Problem>) -> Vec<Image> {
        let mut images = Vec::new();
        for key in ["une-ou-diaporama", "image", "image-mise-en-avant", "une"] {
            let items = match self.front.get(key) {
                Some(Yaml::List(items)) => items.iter().collect(),
                Some(one) => vec![one],
                None => continue,
            };
            for (position, item) in items.into_iter().enumerate() {
                let said = |names: &[&str]| names.iter().find_map(|name| item.get(name).and_then(Yaml::filled));
                let Some(written) = said(&["image", "src", "path", "url"]).or_else(|| item.filled()) else { continue };
                let Some(url) = self.site.address(&written) else {
                    problems.push(
                        self.front
                            .warning(key, format!("`{written}` is not the address of an image"))
                            .cure("write a path such as /uploads/image.jpg"),
                    );
                    continue;
                };
                let facts = self.site.file_of(&url).and_then(|path| self.lookup.facts(&path));
                let alt = said(&["alternative-textuelle", "alt", "alternative"])
                    .map(|alt| one_line(&clean(&markdown::to_text(&alt, base))))
                    .filter(|alt| !alt.is_empty() && !markdown::is_file_name(alt));
                if alt.is_none() && position == 0 {
                    problems.push(
                        self.front
                            .warning(
                                key,
                                "the image has no alternative text, so some readers will not know what it shows",
                            )
                            .cure("write a line “alternative-textuelle: …” under the image"),
                    );
                }
                if facts.is_none() && self.site.file_of(&url).is_some() {
                    problems.push(
                        self.front
                            .warning(key, format!("the image {written} is not in the site's folder"))
                            .cure("upload it, or correct its name"),
                    );
                }
                let legend = said(&["legende", "legend", "caption"])
                    .map(|text| one_line(&clean(&markdown::to_text(&text, base))));
                images.push(Image { url, alt, legend: legend.filter(|legend| !legend.is_empty()), facts });
            }
        }
        images.dedup_by(|a, b| a.url == b.url);
        images
    }

    /// Files to download: `file`, and `files` with `{file, nom}` or `{lien, nom}`. Only of the file's own front
    /// matter: a default is a placeholder.
    pub(super) fn attachments(&self, problems: &mut Vec<Problem>) -> Vec<Attachment> {
        let mut attachments = Vec::new();
        for key in ["file", "files", "communique_file"] {
            let items = match self.front.get(key) {
                Some(Yaml::List(items)) => items.iter().collect(),
                Some(one) => vec![one],
                None => continue,
            };
            for item in items {
                let said = |names: &[&str]| names.iter().find_map(|name| item.get(name).and_then(Yaml::filled));
                let Some(written) = said(&["file", "fichier"]).or_else(|| item.filled()) else { continue };
                let facts = self.site.address(&written).and_then(|url| {
                    let facts = self.site.file_of(&url).and_then(|path| self.lookup.facts(&path))?;
                    Some((url, facts))
                });
                match facts {
                    Some((url, facts)) => attachments.push(Attachment {
                        url,
                        title: said(&["nom", "title", "name"]).map(|t| one_line(&t)),
                        facts,
                    }),
                    None => problems.push(
                        self.front
                            .warning(key, format!("the file {written} is not in the site's folder"))
                            .cure("upload it, or correct its name"),
                    ),
                }
            }
        }
        attachments
    }

    /// The dated, placed part.
    pub(super) fn event(&self, problems: &mut Vec<Problem>) -> Option<Event> {
        let start = self.optional_date(&["event_start_date", "dateEvent"], problems)?;
        let end = self.optional_date(&["event_end_date"], problems);
        if end.is_some_and(|end| end.at < start.at) {
            problems.push(
                self.front
                    .warning("event_end_date", "the event ends before it starts")
                    .cure("correct one of the two dates"),
            );
        }
        let midnight = |date: ArticleDate| date.zoned().time() == Time::midnight();
        let links = match self.front.get("champs_informations") {
            Some(Yaml::List(items)) => items.iter().filter_map(|item| self.event_link(item)).collect(),
            _ => Vec::new(),
        };
        let text = |keys: &[&str]| self.front.text(keys).map(|text| one_line(&clean(&markdown::title_to_text(&text))));
        Some(Event {
            start,
            end: end.filter(|end| end.at >= start.at),
            all_day: midnight(start) && end.is_none_or(midnight),
            place: text(&["lieu"]),
            address: text(&["adresse"]),
            links,
        })
    }

    fn event_link(&self, item: &Yaml) -> Option<EventLink> {
        let said = |key: &str| item.get(key).and_then(Yaml::filled).map(|text| one_line(&clean(&text)));
        let link = EventLink {
            label: said("intitule").unwrap_or_default(),
            text: said("contenu"),
            url: said("lien").and_then(|link| self.site.address(&link)),
        };
        (!link.label.is_empty() && (link.text.is_some() || link.url.is_some()) || link.url.is_some()).then_some(link)
    }

    /// The author's own texts for social networks, by endpoint or network.
    pub(super) fn social(&self, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
        let texts: Vec<(String, String)> = match self.front.get("social") {
            Some(Yaml::Map(pairs)) => {
                pairs.iter().filter_map(|(name, text)| Some((name.clone(), text.filled()?))).collect()
            }
            Some(text) => text.filled().map(|text| vec![(String::new(), text)]).unwrap_or_default(),
            None => Vec::new(),
        };
        for (_, text) in &texts {
            if let Err(error) = Template::parse(text) {
                let problem =
                    self.front.error("social", format!("the text for social networks cannot be filled in: {error}"));
                problems.push(problem.cure("docs/configuration.md lists the names that a text can use"));
            }
        }
        texts
    }
}
