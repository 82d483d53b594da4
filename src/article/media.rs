//! Images, files to download, the event and the texts for social networks of an article, from its front matter.

use super::date::ArticleDate;
use super::read::Reading;
use super::{Attachment, Event, EventLink, EventStatus, FileFacts, Image, markdown};
use crate::problem::Problem;
use crate::template::Template;
use crate::text::{clean, is_media_type, one_line};
use crate::yaml::Yaml;
use deunicode::deunicode;
use jiff::civil::Time;
use url::Url;

/// Keys that name images.
const IMAGES: [&str; 10] = [
    "une-ou-diaporama",
    "image",
    "image-mise-en-avant",
    "une",
    "images",
    "featured_image",
    "featuredImage",
    "cover",
    "hero",
    "illustration",
];
/// Keys that name files to download.
const FILES: [&str; 12] = [
    "file",
    "files",
    "communique_file",
    "attachment",
    "attachments",
    "enclosure",
    "enclosures",
    "audio",
    "video",
    "podcast",
    "download",
    "downloads",
];
/// Keys of an event's start and end.
const STARTS: [&str; 9] = [
    "event_start_date",
    "dateEvent",
    "event_date",
    "event_start",
    "start_date",
    "startDate",
    "startdate",
    "date_debut",
    "dateDebut",
];
const ENDS: [&str; 7] = ["event_end_date", "event_end", "end_date", "endDate", "enddate", "date_fin", "dateFin"];

/// The last minute of a day.
fn end_of_day(date: ArticleDate) -> Option<ArticleDate> {
    let end = date.zoned().with().hour(23).minute(59).second(0).subsec_nanosecond(0).build().ok()?;
    Some(ArticleDate { at: end.timestamp(), ..date })
}

impl Reading<'_> {
    /// Images, the lead image first. A name without a dot or a slash is a key of the site's own data.
    pub(super) fn images(&self, base: &Url, problems: &mut Vec<Problem>) -> Vec<Image> {
        let mut images: Vec<Image> = Vec::new();
        for key in IMAGES {
            for (position, item) in self.items(key).into_iter().enumerate() {
                let said = |names: &[&str]| names.iter().find_map(|name| item.get(name).and_then(Yaml::filled));
                let Some(written) = said(&["image", "src", "path", "url", "file"]).or_else(|| item.filled()) else {
                    continue;
                };
                // Nor does anybody but the generator know where a picture beside the file ends up.
                if !written.contains(['.', '/']) || written.starts_with("./") || written.starts_with("../") {
                    continue;
                }
                let Some(url) = self.site.address(&written) else {
                    problems.push(
                        self.front
                            .warning(key, format!("`{written}` is not the address of an image"))
                            .kind("missing-file")
                            .cure("write a path such as /uploads/image.jpg"),
                    );
                    continue;
                };
                let facts = self.site.file_of(&url).and_then(|path| self.lookup.facts(&path));
                // What stands beside the key says something of its first image.
                let beside = |ends: &[&str]| {
                    let names = ends.iter().map(|end| format!("{key}{end}"));
                    let mut said = names.filter_map(|name| self.front.get(&name).and_then(Yaml::filled));
                    if position == 0 { said.next() } else { None }
                };
                let text = |text: String| one_line(&clean(&markdown::to_text(&text, base)));
                let alt = said(&["alternative-textuelle", "alt", "alternative", "alt_text"])
                    .or_else(|| beside(&["_alt", "_accessibility", "Alt", "-alt"]))
                    .map(text)
                    .filter(|alt| !alt.is_empty() && !markdown::is_file_name(alt));
                if alt.is_none() && position == 0 {
                    problems.push(
                        self.front
                            .warning(
                                key,
                                "the image has no alternative text, so some readers will not know what it shows",
                            )
                            .kind("missing-alt")
                            .cure("write a line “alternative-textuelle: …” under the image"),
                    );
                }
                if facts.is_none() && self.site.file_of(&url).is_some() {
                    problems.push(
                        self.front
                            .warning(key, format!("the image {written} is not in the site's folder"))
                            .kind("missing-file")
                            .cure("upload it, or correct its name"),
                    );
                }
                let legend = said(&["legende", "legend", "caption"])
                    .or_else(|| beside(&["_caption", "_figcaption", "_legende"]))
                    .map(text)
                    .filter(|legend| !legend.is_empty());
                if !images.iter().any(|known| known.url == url) {
                    images.push(Image { url, alt, legend, facts });
                }
            }
        }
        images
    }

    /// The values of a key of the file's own front matter: a default is a placeholder.
    pub(super) fn items(&self, key: &str) -> Vec<&Yaml> {
        match self.front.get(key) {
            Some(Yaml::List(items)) => items.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        }
    }

    /// Files to download: `file`, and `files` with `{file, nom}` or `{lien, nom}`. A file elsewhere needs its length and
    /// type written beside it, since feeds must tell them.
    pub(super) fn attachments(&self, problems: &mut Vec<Problem>) -> Vec<Attachment> {
        let mut attachments: Vec<Attachment> = Vec::new();
        for key in FILES {
            for item in self.items(key) {
                let said = |names: &[&str]| names.iter().find_map(|name| item.get(name).and_then(Yaml::filled));
                let written = said(&["file", "fichier", "lien", "url", "src", "path", "href"]);
                let Some(written) = written.or_else(|| item.filled()).filter(|text| text.contains(['.', '/'])) else {
                    continue;
                };
                let Some(url) = self.site.address(&written) else { continue };
                let own = self.site.file_of(&url);
                let facts = match &own {
                    Some(path) => self.lookup.facts(path),
                    None => said(&["length", "size"]).and_then(|length| length.parse().ok()).and_then(|length| {
                        let media_type = said(&["type", "mime_type"])?;
                        let media_type = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
                        if !is_media_type(&media_type) {
                            return None;
                        }
                        Some(FileFacts { length, media_type, pixels: None })
                    }),
                };
                // A link to a page is no file, and neither is a film on another site.
                let is_file = || written.rsplit('/').next().is_some_and(|name| name.contains('.'));
                match facts {
                    Some(facts) if !attachments.iter().any(|known| known.url == url) => {
                        let title = said(&["nom", "title", "name", "titre"]).map(|title| one_line(&clean(&title)));
                        attachments.push(Attachment { url, title, facts });
                    }
                    None if own.is_some() && is_file() => problems.push(
                        self.front
                            .warning(key, format!("the file {written} is not in the site's folder"))
                            .kind("missing-file")
                            .cure("upload it, or correct its name"),
                    ),
                    _ => {}
                }
            }
        }
        attachments
    }

    /// The dated, placed part.
    pub(super) fn event(&self, problems: &mut Vec<Problem>) -> Option<Event> {
        let said = |keys: &[&'static str]| keys.iter().find_map(|key| Some((*key, self.front.get(key)?.filled()?)));
        let (end_key, end_text) = said(&ENDS).unzip();
        let has_time = |text: &str| text.contains(':');
        let (start, start_has_time) = match said(&STARTS) {
            Some((key, text)) => (self.optional_date(&[key], problems)?, has_time(&text)),
            // Where events are dated by `date`, an end says that it is one.
            None => {
                let (_, text) = said(&["date"]).filter(|_| end_text.is_some() && self.is_of_events())?;
                (self.optional_date(&["date"], &mut Vec::new())?, has_time(&text))
            }
        };
        let end = end_key.and_then(|key| self.optional_date(&[key], problems));
        let end_has_time = end_text.as_deref().is_some_and(has_time);
        let midnight = |date: ArticleDate| date.zoned().time() == Time::midnight();
        let starts_with_day = !start_has_time || midnight(start);
        let end = end.and_then(|end| {
            if end_has_time || starts_with_day {
                return Some(end);
            }
            // A day on which something ends that began at an hour: at its end, if it is not the same one.
            (end.zoned().date() != start.zoned().date()).then(|| end_of_day(end)).flatten()
        });
        if let (Some(key), true) = (end_key, end.is_some_and(|end| end.at < start.at)) {
            let problem = self.front.warning(key, "the event ends before it starts").kind("event-order");
            problems.push(problem.cure("correct one of the two dates"));
        }
        let mut links: Vec<EventLink> =
            self.items("champs_informations").into_iter().filter_map(|item| self.event_link(item)).collect();
        let registration = said(&["registration_url", "lien_inscription", "inscription"]);
        if let Some(url) = registration.and_then(|(_, written)| self.site.address(&written)).filter(|_| {
            // A word such as `oui` is no address.
            said(&["registration_url", "lien_inscription", "inscription"]).is_some_and(|(_, text)| text.contains('/'))
        }) && !links.iter().any(|link| link.url.as_ref() == Some(&url))
        {
            let french = self.site.language.starts_with("fr");
            let label = if french { "Inscription" } else { "Registration" }.to_owned();
            links.push(EventLink { label, text: None, url: Some(url) });
        }
        Some(Event {
            start,
            end: end.filter(|end| end.at >= start.at),
            all_day: starts_with_day && end.is_none_or(|end| !end_has_time || midnight(end)),
            status: self.event_status(problems),
            place: self.place_text(
                &["lieu", "place", "location", "venue", "event_location"],
                &["venue_name", "name", "nom", "room"],
            ),
            address: self.address_text(),
            links,
        })
    }

    /// Whether the event takes place: in the words of schema.org, of calendars, or in French.
    fn event_status(&self, problems: &mut Vec<Problem>) -> EventStatus {
        if self.flag(&["event_cancelled", "cancelled", "annule"], problems) {
            return EventStatus::Cancelled;
        }
        let keys = ["event_status", "eventStatus", "statut_evenement"];
        let said = keys.iter().find_map(|key| Some((*key, self.front.get(key)?.filled()?)));
        let Some((key, text)) = said else { return EventStatus::Confirmed };
        let word = text.rsplit('/').next().unwrap_or("").trim();
        match deunicode(word).to_ascii_lowercase().trim_start_matches("event").trim_start_matches(['-', '_', ' ']) {
            "cancelled" | "canceled" | "annule" | "annulee" => EventStatus::Cancelled,
            "postponed" | "reporte" | "reportee" => EventStatus::Postponed,
            "scheduled" | "confirmed" | "rescheduled" | "movedonline" | "confirme" | "confirmee" | "maintenu"
            | "maintenue" => EventStatus::Confirmed,
            _ => {
                let problem = self.front.warning(key, format!("`{text}` says nothing known of the event"));
                problems.push(problem.kind("bad-event-status").cure("write cancelled, postponed or scheduled"));
                EventStatus::Confirmed
            }
        }
    }

    /// Whether a file belongs to events: by its collection, its folder, or what else it says.
    fn is_of_events(&self) -> bool {
        let path = self.file.path.to_lowercase();
        ["event", "evenement", "agenda"].iter().any(|word| path.contains(word))
            || ["event_organizer", "event_type", "event_platform", "registration_url", "venue", "venue_name"]
                .iter()
                .any(|key| self.front.get(key).is_some())
    }

    fn line(&self, text: &str) -> Option<String> {
        Some(one_line(&clean(&markdown::title_to_text(text)))).filter(|line| !crate::text::is_blank(line))
    }

    /// A place: a text, or the names in a map.
    fn place_text(&self, keys: &[&str], names: &[&str]) -> Option<String> {
        let joined = |of: &dyn Fn(&str) -> Option<String>| {
            let parts: Vec<String> = names.iter().filter_map(|name| self.line(&of(name)?)).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        };
        let of_key = keys.iter().find_map(|key| match self.front.get(key)? {
            Yaml::List(_) => None,
            map @ Yaml::Map(_) => joined(&|name| map.get(name)?.filled()),
            other => self.line(&other.filled()?),
        });
        // At the top, a `name` is not that of a place.
        let at_top = |name: &str| self.front.get(name).filter(|_| !matches!(name, "name" | "nom"))?.filled();
        of_key.or_else(|| joined(&at_top))
    }

    /// A postal address: a text with the town beside it, or the parts in a map.
    fn address_text(&self) -> Option<String> {
        const PARTS: [&str; 6] = ["address", "adresse", "city", "state", "zip", "country"];
        let joined = |of: &dyn Fn(&str) -> Option<String>| {
            let parts: Vec<String> = PARTS.iter().filter_map(|name| self.line(&of(name)?)).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        };
        let in_map = |key: &&str| match self.front.get(key)? {
            map @ Yaml::Map(_) => joined(&|name| map.get(name)?.filled()),
            _ => None,
        };
        let has_street = ["address", "adresse"].iter().any(|key| self.front.get(key).is_some_and(|v| !v.is_compound()));
        let at_top = || has_street.then(|| joined(&|name| self.front.get(name)?.filled())).flatten();
        at_top().or_else(|| ["venue", "location", "lieu", "adresse", "address"].iter().find_map(in_map))
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
                problems
                    .push(problem.kind("bad-social-text").cure("docs/posts.md lists the names that a text can use"));
            }
        }
        texts
    }
}
