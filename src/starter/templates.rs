//! The feeds that a site has today, told from its templates and settings, so that their addresses go on.

use crate::article::front_matter;
use crate::catalog::Kind;
use crate::config::Format;
use crate::config::Generator;
use crate::feed::Feed;
use crate::text::{folded, percent_decode, slug};
use crate::yaml::{self, Yaml};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An address of a feed that the site has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldFeed {
    /// The path on the site.
    pub path: String,
    /// The document that answers there from now on.
    pub to: String,
    /// Where this was seen.
    pub seen: String,
}

/// A template of a feed, as far as it can be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its address on the site, if its front matter says one.
    pub permalink: Option<String>,
    /// The document that holds much the same.
    pub to: String,
    /// What it loops over, for people.
    pub over: String,
}

/// Reads a file that may be the template of a feed; None if it is none.
pub fn template(text: &str, feeds: &[Arc<Feed>]) -> Option<Template> {
    let format = format_of(text)?;
    let permalink = front_matter::split(text, Generator::Jekyll)
        .and_then(|split| yaml::parse(split.front).ok())
        .and_then(|document| document.value.get("permalink").and_then(Yaml::filled))
        .map(|path| format!("/{}", percent_decode(path.trim_start_matches('/'))));
    let of = |kind: Kind, name: &str| {
        let wanted = |feed: &&Arc<Feed>| {
            feed.kind == kind && (feed.term == name || feed.term == folded(name) || feed.slug == slug(name))
        };
        feeds.iter().find(wanted)
    };
    let code = liquid(text);
    let terms: Vec<&Arc<Feed>> = terms(&code).iter().filter_map(|(kind, name)| of(*kind, name)).collect();
    let collections: BTreeSet<String> = words_after(&code, "site.").into_iter().collect();
    let collections: Vec<&Arc<Feed>> = collections.iter().filter_map(|name| of(Kind::Collection, name)).collect();
    let all = feeds.iter().find(|feed| feed.kind == Kind::All)?;
    let best = match (&terms[..], &collections[..]) {
        ([one], _) | ([], [one]) => one,
        _ => all,
    };
    let over = match best.kind {
        Kind::All => "everything".to_owned(),
        Kind::Collection => format!("site.{}", best.term),
        kind => format!("the {} {}", kind.word(), best.label),
    };
    Some(Template { permalink, to: best.path_in(format), over })
}

/// The format of a feed by its root element; None for any other document, such as a site map.
fn format_of(text: &str) -> Option<Format> {
    let has = |what: &str| text.contains(what);
    match () {
        () if has("<rss") => Some(Format::Rss),
        () if has("<feed") && has("http://www.w3.org/2005/Atom") => Some(Format::Atom),
        () if has("jsonfeed.org/version") => Some(Format::Json),
        () => None,
    }
}

/// What stands in Liquid tags, where loops and filters are.
fn liquid(text: &str) -> String {
    let inside = text.split("{%").skip(1).filter_map(|rest| rest.split("%}").next());
    inside.collect::<Vec<_>>().join("\n")
}

/// The names that follow a word directly: of `site.posts`, `posts`.
fn words_after(code: &str, word: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    code.split(word).skip(1).map(name).collect()
}

/// The terms that a template asks for: `site.tags.x`, `site.tags["x"]`, `item.categories contains "x"`,
/// `where: "category", "x"`.
fn terms(code: &str) -> Vec<(Kind, String)> {
    let mut terms = Vec::new();
    for (kind, names) in [(Kind::Category, ["categories", "category"]), (Kind::Tag, ["tags", "tag"])] {
        for name in names {
            let direct = words_after(code, &format!("site.{name}."));
            terms.extend(direct.into_iter().map(|term| (kind, term)));
            for before in [format!("site.{name}["), format!(".{name} contains "), format!("\"{name}\",")] {
                let quoted = code.split(&before).skip(1).filter_map(first_quoted);
                terms.extend(quoted.map(|term| (kind, term)));
            }
        }
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The text between the quotation marks with which a code begins.
fn first_quoted(code: &str) -> Option<String> {
    let code = code.trim_start();
    let mark = code.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let text = code[1..].split(mark).next()?;
    (!text.is_empty() && !text.contains('\n')).then(|| text.to_owned())
}

/// The feeds that a generator makes by itself. `settings` is the text of the site's own configuration.
pub fn own_feeds(generator: Generator, settings: &str, feeds: &[Arc<Feed>]) -> Vec<OldFeed> {
    let old = |path: String, to: String, seen: &str| OldFeed { path, to, seen: seen.to_owned() };
    let collection = |name: &str| feeds.iter().find(|feed| feed.kind == Kind::Collection && feed.term == name);
    let Some(all) = feeds.iter().find(|feed| feed.kind == Kind::All) else { return Vec::new() };
    match generator {
        Generator::Jekyll => jekyll_feed(settings, all, collection),
        Generator::Hugo => {
            let mut found =
                vec![old("/index.xml".to_owned(), all.path_in(Format::Rss), "Hugo makes it unless it is told not to")];
            for feed in feeds.iter().filter(|feed| feed.kind == Kind::Collection) {
                found.push(old(format!("/{}/index.xml", feed.term), feed.path_in(Format::Rss), "Hugo, a section"));
            }
            found
        }
        Generator::Zola => {
            let line = |key: &str| {
                settings.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('='))
            };
            let on = line("generate_feeds").or_else(|| line("generate_feed")).is_some_and(|on| on.trim() == "true");
            let names = line("feed_filenames").or_else(|| line("feed_filename")).unwrap_or("\"atom.xml\"");
            let names = names.split('"').skip(1).step_by(2).filter(|_| on);
            names
                .map(|name| {
                    let format = if name.contains("rss") { Format::Rss } else { Format::Atom };
                    old(format!("/{name}"), all.path_in(format), "generate_feeds of Zola")
                })
                .collect()
        }
        Generator::Plain => Vec::new(),
    }
}

/// The feeds of the plug-in jekyll-feed, all Atom: of posts, and of the collections that it is told.
fn jekyll_feed<'a>(
    settings: &str,
    all: &'a Arc<Feed>,
    collection: impl Fn(&str) -> Option<&'a Arc<Feed>>,
) -> Vec<OldFeed> {
    let Ok(document) = yaml::parse(settings) else { return Vec::new() };
    let settings = document.value;
    let lists = ["plugins", "gems"].iter().filter_map(|key| settings.get(key));
    let named = |list: &Yaml| match list {
        Yaml::List(items) => items.iter().any(|item| item.filled().as_deref() == Some("jekyll-feed")),
        _ => false,
    };
    if !lists.into_iter().any(named) {
        return Vec::new();
    }
    let told = |key: &str| settings.get("feed").and_then(|feed| feed.get(key));
    let rooted = |path: &str| format!("/{}", path.trim_start_matches('/'));
    let old = |path: String, feed: &Feed| OldFeed {
        path,
        to: feed.path_in(Format::Atom),
        seen: "the plug-in jekyll-feed".to_owned(),
    };
    let main = told("path").and_then(Yaml::filled).unwrap_or_else(|| "feed.xml".to_owned());
    let mut found = vec![old(rooted(&main), collection("posts").unwrap_or(all))];
    let collections: Vec<(String, Option<String>)> = match told("collections") {
        Some(Yaml::List(names)) => names.iter().filter_map(Yaml::filled).map(|name| (name, None)).collect(),
        Some(Yaml::Map(pairs)) => {
            pairs.iter().map(|(name, about)| (name.clone(), about.get("path").and_then(Yaml::filled))).collect()
        }
        _ => Vec::new(),
    };
    for (name, path) in collections {
        if let Some(feed) = collection(&name) {
            found.push(old(rooted(&path.unwrap_or_else(|| format!("feed/{name}.xml"))), feed));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feeds() -> Vec<Arc<Feed>> {
        let feed = |kind: Kind, term: &str, label: &str| {
            Arc::new(Feed {
                term: term.to_owned(),
                label: label.to_owned(),
                slug: slug(if kind == Kind::Collection { term } else { label }),
                articles: 1,
                entries: 1,
                ..Feed::empty(kind)
            })
        };
        vec![
            feed(Kind::All, "", ""),
            feed(Kind::Collection, "communiques", "Communiqués"),
            feed(Kind::Collection, "posts", "Billets"),
            feed(Kind::Category, "communiqué de presse", "Communiqué de presse"),
            feed(Kind::Tag, "cloud", "Cloud"),
        ]
    }

    #[test]
    fn a_template_leads_to_the_feed_that_holds_much_the_same() {
        for (text, permalink, to) in [
            (
                "---\npermalink: /feed.communiques.xml\n---\n<rss>{% for p in site.communiques %}",
                Some("/feed.communiques.xml"),
                "/feeds/collection/communiques.rss",
            ),
            (
                "---\nlayout: none\n---\n<rss version=\"2.0\">{% for post in site.posts limit:10 %}",
                None,
                "/feeds/collection/posts.rss",
            ),
            (
                "<feed xmlns=\"http://www.w3.org/2005/Atom\">{% for post in site.tags.cloud %}",
                None,
                "/feeds/tag/cloud.atom",
            ),
            ("<rss>{% for post in site.tags['Cloud'] %}", None, "/feeds/tag/cloud.rss"),
            (
                "<rss>{% assign x = site.communiques | where_exp: \"i\", \"i.categories contains 'Communiqué de presse'\" %}",
                None,
                "/feeds/category/communique-de-presse.rss",
            ),
            ("<rss>{% assign x = site.posts | concat: site.communiques %}{% for p in x %}", None, "/feeds/all.rss"),
            ("<rss>{% for p in site.documents %}{{ site.posts }}", None, "/feeds/all.rss"),
            ("<rss>{% for p in site.inconnue %}", None, "/feeds/all.rss"),
            (
                "{\"version\": \"https://jsonfeed.org/version/1\"}{% for p in site.posts %}",
                None,
                "/feeds/collection/posts.json",
            ),
        ] {
            let found = template(text, &feeds()).unwrap();
            assert_eq!((found.permalink.as_deref(), found.to.as_str()), (permalink, to), "{text}");
        }
        assert_eq!(template("<urlset>{% for p in site.posts %}", &feeds()), None);
    }

    #[test]
    fn generators_make_feeds_by_themselves() {
        let paths = |generator, settings: &str| -> Vec<String> {
            own_feeds(generator, settings, &feeds()).into_iter().map(|old| format!("{} {}", old.path, old.to)).collect()
        };
        let plugin = "plugins: [jekyll-feed]\nfeed: { collections: { communiques: { path: /presse.xml }, autre: } }\n";
        assert_eq!(
            paths(Generator::Jekyll, plugin),
            ["/feed.xml /feeds/collection/posts.atom", "/presse.xml /feeds/collection/communiques.atom"]
        );
        assert_eq!(paths(Generator::Jekyll, "plugins: [autre]"), Vec::<String>::new());
        assert_eq!(paths(Generator::Hugo, "")[0], "/index.xml /feeds/all.rss");
        assert_eq!(
            paths(Generator::Zola, "generate_feeds = true\nfeed_filenames = [\"rss.xml\", \"atom.xml\"]\n"),
            ["/rss.xml /feeds/all.rss", "/atom.xml /feeds/all.atom"]
        );
        assert_eq!(paths(Generator::Zola, "generate_feeds = false"), Vec::<String>::new());
    }
}
