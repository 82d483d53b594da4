//! `/feeds/snippets`: the lines by which the site's own pages tell browsers and readers of its feeds.

use super::Visit;
use super::rows::{bare_type, format_name};
use super::tongue::Quote;
use crate::config::{Format, Generator};
use crate::feed::{Feed, Kind};
use crate::text::{escape_html, is_french};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Snippets {
    /// For every page.
    whole: String,
    /// For the pages of a collection.
    collections: Vec<Snippet>,
    /// For every page, by a template of the generator that picks the feeds of the page.
    picking: Option<Picking>,
    /// A link that people see.
    link: String,
    canonical: String,
}

#[derive(Serialize)]
struct Snippet {
    name: Quote,
    slug: String,
    lines: String,
}

#[derive(Serialize)]
struct Picking {
    /// The name of the generator.
    generator: &'static str,
    /// The file to make.
    file: &'static str,
    /// What it holds.
    lines: String,
    /// The line that takes it up.
    include: &'static str,
}

pub fn page(visit: &Visit) -> Response {
    let feeds = &visit.snapshot.feeds.feeds;
    let all = feeds.iter().find(|feed| feed.kind == Kind::All);
    let collections = feeds.iter().filter(|feed| feed.kind == Kind::Collection && feed.articles > 0);
    let snippet =
        |feed: &Arc<Feed>| Snippet { name: visit.name(feed), slug: feed.slug.clone(), lines: lines(visit, feed) };
    let values = Snippets {
        whole: all.map_or_else(String::new, |feed| lines(visit, feed)),
        collections: collections.map(snippet).collect(),
        picking: picking(visit),
        link: all.map_or_else(String::new, |feed| link(visit, feed)),
        canonical: visit.settings().public("/feeds/snippets"),
    };
    visit.page("snippets", values)
}

/// The formats in which readers are told of a feed.
fn formats(visit: &Visit) -> impl Iterator<Item = Format> + '_ {
    let formats = &visit.settings().feeds.formats;
    [Format::Rss, Format::Atom, Format::Json].into_iter().filter(|format| formats.contains(format))
}

/// One line for each format of a feed.
fn lines(visit: &Visit, feed: &Feed) -> String {
    let line = |format: Format| {
        let title = escape_html(&format!("{} ({})", feed.title, format_name(format)));
        let address = escape_html(&visit.settings().public(&feed.path_in(format)));
        format!("<link rel=\"alternate\" type=\"{}\" title=\"{title}\" href=\"{address}\">\n", bare_type(format))
    };
    formats(visit).map(line).collect()
}

/// A link to the page of a feed.
fn link(visit: &Visit, feed: &Feed) -> String {
    let address = escape_html(&visit.settings().public(&feed.path()));
    let words = if is_french(&visit.site().language) { "Suivre nos publications" } else { "Follow what we publish" };
    format!("<a href=\"{address}\">{words}</a>\n")
}

/// A template that picks the feeds of a page by its collection, categories and tags, without a plug-in.
fn picking(visit: &Visit) -> Option<Picking> {
    let format = formats(visit).next()?;
    let (media_type, ending) = (bare_type(format), format.extension());
    let base = escape_html(&visit.settings().public("/feeds"));
    // A brace would be taken for a command of the template.
    let literal = |text: &str| escape_html(text).replace('{', "&#123;");
    let title = literal(&visit.site().title);
    let line = |name: &str, path: &str| {
        let name = if name.is_empty() { title.clone() } else { format!("{title} – {name}") };
        format!("<link rel=\"alternate\" type=\"{media_type}\" title=\"{name}\" href=\"{base}/{path}.{ending}\">")
    };
    let all = line("", "all");
    match visit.site().generator {
        Generator::Jekyll => {
            let slug = "replace: '&', ' et ' | replace: '+', ' plus ' | slugify: 'latin'";
            let term = |kind: &str| line("{{ term | escape }}", &format!("{kind}/{{{{ term | {slug} }}}}"));
            let collections = visit.snapshot.feeds.feeds.iter().filter(|feed| feed.kind == Kind::Collection);
            let cases: String = collections
                .map(|feed| {
                    let line = line(&literal(&feed.label), &format!("collection/{}", feed.slug));
                    format!("{{%- when \"{}\" %}}\n{line}\n", feed.term)
                })
                .collect();
            let (category, tag) = (term("category"), term("tag"));
            Some(Picking {
                generator: "Jekyll",
                file: "_includes/feeds.html",
                lines: format!(
                    "{all}\n{{%- case page.collection %}}\n{cases}{{%- endcase %}}\n\
                     {{%- assign terms = page.categories | default: page.category | compact %}}\n\
                     {{%- for term in terms %}}\n{category}\n{{%- endfor %}}\n\
                     {{%- assign terms = page.tags | default: page.tag | compact %}}\n\
                     {{%- for term in terms %}}\n{tag}\n{{%- endfor %}}\n"
                ),
                include: "{% include feeds.html %}",
            })
        }
        _ => None,
    }
}
