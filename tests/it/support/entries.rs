//! Entries and feeds without a site on the disk, for tests of documents.

use crieur::article::sketch::Gist;
use crieur::article::{self, Article, ArticleId, Depth, FileFacts, Pixels, SiteSettings, SourceFile};
use crieur::catalog::{Head, Names, Past, Standing};
use crieur::feed::entry::{Entry, entry};
use crieur::feed::{Feed, Kind, Settings};
use crieur::source::directory::Directory;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A site and the settings of its feeds.
pub struct Bench {
    pub site: SiteSettings,
    pub settings: Settings,
}

/// When every article was first seen.
pub const SEEN: Timestamp = Timestamp::constant(1_780_000_000, 0);

impl Bench {
    pub fn new() -> Self {
        Self::of("language: fr")
    }

    /// With lines of the configuration's section `site`.
    pub fn of(site: &str) -> Self {
        let yaml = format!(
            "site: {{ generator: jekyll, url: https://www.example.fr, title: Un site, timezone: Europe/Paris, collections: {{ evenements: {{}} }}, {site} }}\nhttp: {{ public_url: https://flux.example.fr }}\n"
        );
        let config = super::parse(&yaml).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let site = SiteSettings::read(&config.site, &Directory::new("/nowhere")).unwrap().0;
        Self { site, settings: Settings { feeds: config.feeds, public_url: config.http.public_url } }
    }

    /// An article, read with a front matter and a body. Files of the site are there, unless they are called absent.
    pub fn article(&self, front: &str, body: &str) -> Option<Article> {
        let bytes = format!("---\n{front}\n---\n{body}").into_bytes();
        let file = SourceFile { path: "_evenements/essai.md".into(), bytes };
        let there = |path: &str| {
            let pixels = path.ends_with("png").then_some(Pixels { width: 640, height: 480 });
            let media_type = if pixels.is_some() { "image/png" } else { "application/pdf" };
            (!path.contains("absent")).then(|| FileFacts { length: 42, media_type: media_type.to_owned(), pixels })
        };
        article::parse(&file, &self.site, &there, Depth::Full).article
    }

    /// Its entry, as the `number`th article of the site.
    pub fn entry_of(&self, number: u32, article: &Article) -> Entry {
        let updated = Timestamp::from_millisecond(SEEN.as_millisecond() + i64::from(number)).unwrap();
        let past = Past {
            former: Box::default(),
            own_id: None,
            guid: None,
            gist: Gist::default(),
            visible: 1,
            first_seen: SEEN,
            updated,
            state: 1,
            state_since: SEEN,
            decided: None,
            copy_of: None,
            withdrawn: None,
            event: None,
        };
        let head = Head::of(article, &mut Names::default());
        let id = ArticleId::mint("www.example.fr", &number.to_string(), &|_| false);
        let standing = Standing { id, article: head, past, stamp: Default::default(), print: 1 };
        entry(&standing, article, &self.site, self.settings.feeds.content, &BTreeMap::new())
    }

    /// The entry of an article that can be read.
    pub fn entry(&self, number: u32, front: &str, body: &str) -> Entry {
        self.entry_of(number, &self.article(front, body).unwrap_or_else(|| panic!("{front} is no article")))
    }

    /// A feed.
    pub fn feed(&self, kind: Kind, label: &str) -> Feed {
        Feed {
            term: label.to_lowercase(),
            label: label.to_owned(),
            slug: crieur::text::slug(label),
            title: if label.is_empty() { self.site.title.clone() } else { format!("{} – {label}", self.site.title) },
            updated: SEEN,
            changed: SEEN,
            ..Feed::empty(kind)
        }
    }
}
