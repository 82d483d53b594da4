//! One entry, before it stands in any document.

use super::html::{self, look};
use super::text::{cleaned, decoded_once, is_address, is_web_address};
use super::{Fault, Field, Severity, shown};
use crate::article::ArticleDate;
use crate::feed::entry::{Entry, Term};
use crate::text::{is_media_type, language_tag, one_line, repair_address, slug};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// What is wrong with an entry at an instant, and nothing changed.
pub fn examine(entry: &Entry, now: Timestamp) -> Vec<Fault> {
    treat(entry.clone(), now).1
}

/// An entry with everything mended that has one right mending, and all that was wrong with it. With a fatal fault it
/// must stand in no document.
pub fn treat(entry: Entry, now: Timestamp) -> (Entry, Vec<Fault>) {
    let mut visit = Visit { entry, faults: Vec::new() };
    visit.title();
    visit.addresses();
    visit.dates(now);
    visit.texts();
    visit.terms();
    visit.author();
    visit.language();
    visit.media();
    (visit.entry, visit.faults)
}

/// The earliest date that is not a mistake to the validator.
const FIRST_DATE: Timestamp = Timestamp::constant(631_152_000, 0);
/// How far ahead a date may be: clocks differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Whether a character leaves something to be seen.
fn is_seen(c: char) -> bool {
    let shapes_others = matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    !(c.is_whitespace() || c.is_control() || shapes_others)
}

struct Visit {
    entry: Entry,
    faults: Vec<Fault>,
}

impl Visit {
    fn fault(&mut self, severity: Severity, field: Field, class: &'static str, message: String, cure: &'static str) {
        self.faults.push(Fault { class, field, severity, mended: false, message, cure });
    }

    fn fatal(&mut self, field: Field, class: &'static str, message: String, cure: &'static str) {
        self.fault(Severity::Fatal, field, class, message, cure);
    }

    fn mended(&mut self, field: Field, class: &'static str, message: String, cure: &'static str) {
        self.faults.push(Fault { class, field, severity: Severity::Mild, mended: true, message, cure });
    }

    /// A plain text without bad characters.
    fn plain(&mut self, field: Field, text: &str) -> Option<String> {
        let meant = decoded_once(text);
        if meant.is_some() {
            let message = format!("the {} was encoded twice: {}", field.word(), shown(text));
            self.mended(field, "BadCharacters", message, "save the file as UTF-8 and type the accents again");
        }
        let text = meant.as_deref().unwrap_or(text);
        let kept = cleaned(text);
        if kept.is_some() {
            let message = format!("the {} holds characters that no feed may hold", field.word());
            self.mended(field, "BadCharacters", message, "type it again instead of pasting it");
        }
        kept.or(meant)
    }

    fn title(&mut self) {
        if let Some(title) = self.plain(Field::Title, &self.entry.title.clone()) {
            self.entry.title = one_line(&title);
        }
        let title = &self.entry.title;
        if !title.chars().any(is_seen) {
            let message = "the title holds nothing that can be seen".to_owned();
            self.fatal(Field::Title, "NotBlank", message, "give the article a title");
        } else if title
            .match_indices('<')
            .any(|(at, _)| title[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'))
        {
            let message = format!("the title looks like HTML, so some feeds show ‹ and › in it: {}", shown(title));
            self.mended(Field::Title, "ContainsHTML", message, "name the element without angle brackets");
        }
    }

    fn addresses(&mut self) {
        // Most are UUIDs; those that readers know from the site's old feeds are addresses.
        let id = &self.entry.id;
        let is_right = match id.strip_prefix("urn:uuid:") {
            Some(id) => uuid::Uuid::try_parse(id).is_ok(),
            None => is_address(id),
        };
        if !is_right {
            let message = format!("the identity {} is none", shown(id));
            self.fatal(Field::Identity, "InvalidUUID", message, "this is a fault of Crieur");
        }
        match encoded(&self.entry.url) {
            Encoded::Right => {}
            Encoded::Mended(url) => {
                let message = format!("the address {} holds characters that must be encoded", self.entry.url);
                self.entry.url = url;
                self.mended(Field::Address, "InvalidUriChar", message, "write letters, digits and hyphens only");
            }
            Encoded::Wrong => {
                let message = format!("{} is no address of a page", shown(self.entry.url.as_str()));
                self.fatal(Field::Address, "InvalidFullLink", message, "write a permalink such as /actualites/titre/");
            }
        }
    }

    fn dates(&mut self, now: Timestamp) {
        let (published, updated) = (self.entry.published, self.entry.updated);
        // What nobody changed is told of once.
        let updated = (updated.at != published.at).then_some((Field::Updated, updated));
        for (field, date) in std::iter::once((Field::Date, published)).chain(updated) {
            let shown = date.rfc3339();
            if !is_writable(date) {
                let message = format!("the date {shown} is in no year that feeds can write");
                self.fatal(field, "InvalidRFC2822Date", message, "correct the year");
            } else if date.at > now.saturating_add(AHEAD).unwrap_or(now) {
                let message = format!("the {} {shown} is to come", field.word());
                self.fault(Severity::Mild, field, "ImplausibleDate", message, "correct the date");
            } else if date.at < FIRST_DATE {
                let message = format!("the {} {shown} is before there were feeds", field.word());
                let cure = "nothing, if it is right: readers can live with it";
                self.fault(Severity::Mild, field, "ImplausibleDate", message, cure);
            }
        }
        let Some(event) = &self.entry.event else { return };
        if !is_writable(event.start) || event.end.is_some_and(|end| !is_writable(end)) {
            let message = format!("the event's date {} is in no year that calendars can write", event.start.rfc3339());
            self.entry.event = None;
            self.mended(Field::Event, "InvalidISO8601DateTime", message, "correct the year");
        }
    }

    fn texts(&mut self) {
        if let Some(text) = self.plain(Field::Summary, &self.entry.summary_text.clone()) {
            self.entry.summary_text = one_line(&text);
        }
        let summary = std::mem::take(&mut self.entry.summary_html);
        self.entry.summary_html = self.html(Field::Summary, summary);
        if let Some(content) = self.entry.content_html.take() {
            self.entry.content_html = Some(self.html(Field::Body, content));
        }
        for mut corrected in std::mem::take(&mut self.entry.corrections) {
            if let Some(text) = self.plain(Field::Body, &corrected.text) {
                corrected.text = one_line(&text);
            }
            self.entry.corrections.push(corrected);
        }
        let Some(mut event) = self.entry.event.clone() else { return };
        for text in [&mut event.place, &mut event.address].into_iter().flatten() {
            if let Some(clean) = self.plain(Field::Event, text) {
                *text = one_line(&clean);
            }
        }
        for link in &mut event.links {
            for text in std::iter::once(&mut link.label).chain(&mut link.text) {
                if let Some(clean) = self.plain(Field::Event, text) {
                    *text = one_line(&clean);
                }
            }
        }
        self.entry.event = Some(event);
    }

    fn html(&mut self, field: Field, html: String) -> String {
        let meant = decoded_once(&html);
        if meant.is_some() {
            let message = format!("a line of the {} was encoded twice", field.word());
            self.mended(field, "BadCharacters", message, "save the file as UTF-8 and type the accents again");
        }
        let html = meant.unwrap_or(html);
        let finds = look(&html, Some(&self.entry.url));
        let mended = html::mended(&html, &finds).into_owned();
        for find in finds {
            let message = format!("the {} holds {}", field.word(), shown(&find.what));
            let cure = match find.class {
                "SecurityRisk" => "take it out: feed readers drop it, or run it",
                "ContainsRelRef" | "UriNotIri" => "write the whole address, with its characters encoded",
                _ => "correct it in the text of the article",
            };
            match (find.class, &find.mend) {
                ("SecurityRisk", _) => self.fatal(field, find.class, message, cure),
                (_, Some(_)) => self.mended(field, find.class, message, cure),
                (_, None) => self.fault(Severity::Mild, field, find.class, message, cure),
            }
        }
        mended
    }

    fn terms(&mut self) {
        let categories = std::mem::take(&mut self.entry.categories);
        self.entry.categories = self.kept(Field::Category, categories);
        let tags = std::mem::take(&mut self.entry.tags);
        self.entry.tags = self.kept(Field::Tag, tags);
    }

    fn kept(&mut self, field: Field, terms: Vec<Term>) -> Vec<Term> {
        let mut kept = Vec::with_capacity(terms.len());
        for mut term in terms {
            if let Some(label) = self.plain(field, &term.label) {
                term.label = one_line(&label);
            }
            if term.label.trim().is_empty() {
                self.mended(field, "NotBlank", format!("a {} is empty", field.word()), "take it out");
                continue;
            }
            if term.slug.is_empty() || !term.slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                term.slug = slug(&term.label);
            }
            kept.push(term);
        }
        kept
    }

    fn author(&mut self) {
        let Some(author) = self.entry.author.clone() else { return };
        if let Some(clean) = self.plain(Field::Author, &author) {
            self.entry.author = Some(one_line(&clean));
        }
        let author = self.entry.author.as_deref().unwrap_or("");
        if author.trim().is_empty() {
            self.entry.author = None;
            self.mended(Field::Author, "NotBlank", "the author is empty".to_owned(), "write a name, or nothing");
        } else if author.contains('@') {
            // The address of a person never leaves its file, and no message quotes it.
            self.entry.author = None;
            let message = "the author is an address, which is kept back".to_owned();
            self.mended(Field::Author, "ContainsEmail", message, "write a name");
        }
    }

    fn language(&mut self) {
        let Some(language) = &self.entry.language else { return };
        if language_tag(language).as_ref() != Some(language) {
            let message = format!("{} is no language, so the site's is taken", shown(language));
            self.entry.language = None;
            self.mended(Field::Language, "InvalidLanguage", message, "write a code such as fr or en-GB");
        }
    }

    fn media(&mut self) {
        if let Some(mut image) = self.entry.image.take() {
            for text in [&mut image.alt, &mut image.legend] {
                let clean = text.as_deref().and_then(|text| self.plain(Field::Image, text));
                *text = clean.map(|clean| one_line(&clean)).or(text.take()).filter(|text| !text.trim().is_empty());
            }
            if let Some(facts) = image.facts.as_mut().filter(|facts| !is_media_type(&facts.media_type)) {
                let message = format!("{} is no type of an image", shown(&facts.media_type));
                image.facts = None;
                self.mended(Field::Image, "InvalidMIMEAttribute", message, "write a type such as image/jpeg");
            }
            self.entry.image = self.reachable(Field::Image, image.url.clone()).map(|url| {
                image.url = url;
                image
            });
        }
        let mut kept = Vec::with_capacity(self.entry.attachments.len());
        for mut file in std::mem::take(&mut self.entry.attachments) {
            if !is_media_type(&file.facts.media_type) {
                let message = format!("{} is no type of a file", shown(&file.facts.media_type));
                "application/octet-stream".clone_into(&mut file.facts.media_type);
                self.mended(Field::File, "InvalidMIMEAttribute", message, "write a type such as application/pdf");
            }
            let title = file.title.take();
            let clean = title.as_deref().and_then(|title| self.plain(Field::File, title)).map(|title| one_line(&title));
            file.title = clean.or(title).filter(|title| !title.trim().is_empty());
            if let Some(url) = self.reachable(Field::File, file.url.clone()) {
                file.url = url;
                kept.push(file);
            }
        }
        self.entry.attachments = kept;
    }

    /// The address of something, mended; what has none is left out.
    fn reachable(&mut self, field: Field, url: Url) -> Option<Url> {
        match encoded(&url) {
            Encoded::Right => Some(url),
            Encoded::Mended(right) => {
                let message = format!("the address {url} holds characters that must be encoded");
                self.mended(field, "InvalidUriChar", message, "name the file with letters, digits and hyphens only");
                Some(right)
            }
            Encoded::Wrong => {
                let message = format!("{} is no address of the web, so it is left out", shown(url.as_str()));
                self.mended(field, "InvalidURLAttribute", message, "correct the address");
                None
            }
        }
    }
}

/// An address, looked at.
enum Encoded {
    Right,
    Mended(Url),
    Wrong,
}

/// Whether an address can stand in a document; the parser of URLs lets more characters through than RFC 3986.
fn encoded(url: &Url) -> Encoded {
    if is_web_address(url.as_str()) {
        return Encoded::Right;
    }
    match Url::parse(&repair_address(url.as_str())) {
        Ok(mended) if is_web_address(mended.as_str()) => Encoded::Mended(mended),
        _ => Encoded::Wrong,
    }
}

/// Whether every format can write a date.
fn is_writable(date: ArticleDate) -> bool {
    (1..=9999).contains(&date.zoned().year()) && (1..=9999).contains(&date.at.to_zoned(jiff::tz::TimeZone::UTC).year())
}
