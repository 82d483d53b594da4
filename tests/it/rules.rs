//! The rules of each generator one by one, on small sites that stand in the tests themselves.

use crate::support;
use crieur::article::{self, Article, Depth, Parsed, SiteSettings, SourceFile, Tree};
use crieur::config::Generator;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A site whose files are texts.
struct Files(BTreeMap<String, String>);

impl Tree for Files {
    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn files(&self, folder: &str, deep: bool) -> Vec<String> {
        let under = |path: &&String| {
            let rest = if folder.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
            };
            rest.is_some_and(|rest| deep || !rest.contains('/'))
        };
        self.0.keys().filter(under).cloned().collect()
    }
}

struct Site {
    files: Files,
    settings: SiteSettings,
}

impl Site {
    fn new(config: &str, files: &[(&str, &str)]) -> Self {
        let files = Files(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect());
        let config =
            support::parse(&format!("site: {{ url: https://www.example.fr, timezone: Europe/Paris{config} }}"))
                .unwrap();
        let (settings, _) = SiteSettings::read(&config.site, &files).unwrap();
        Self { files, settings }
    }

    fn parse(&self, path: &str) -> Parsed {
        let file = SourceFile { path: path.to_owned(), bytes: self.files.0[path].clone().into_bytes() };
        article::parse(&file, &self.settings, &|_: &str| None, Depth::Full)
    }

    fn article(&self, path: &str) -> Article {
        let parsed = self.parse(path);
        parsed.article.unwrap_or_else(|| panic!("{path}: {:?} in {:?}", parsed.problems, self.settings.collections))
    }

    /// The path of an article's address.
    fn path(&self, path: &str) -> String {
        self.article(path).url.path().to_owned()
    }

    fn is_article(&self, path: &str) -> bool {
        self.parse(path).article.is_some()
    }
}

/// The address of one file of a site with these settings.
fn address(settings: (&str, &str), path: &str, text: &str) -> String {
    Site::new("", &[settings, (path, text)]).path(path)
}

fn date_of(article: &Article) -> String {
    article.date.unwrap().at.to_string()
}

#[test]
fn the_generator_is_told_by_the_files_or_by_the_configuration() {
    for (files, generator) in [
        (vec![("_config.yaml", "title: x")], Generator::Jekyll),
        (vec![("_config.toml", "title = 'x'"), ("config.toml", "baseURL = 'x'")], Generator::Jekyll),
        (vec![("_posts/2026-01-01-x.md", "---\ntitle: x\n---\n")], Generator::Jekyll),
        (vec![("hugo.toml", "title = 'x'")], Generator::Hugo),
        (vec![("config.toml", "BaseURL = 'https://x.fr'")], Generator::Hugo),
        (vec![("config/_default/hugo.yaml", "title: x")], Generator::Hugo),
        (vec![("config.yml", "baseURL: x")], Generator::Hugo),
        (vec![("config.toml", "base_url = 'https://x.fr'")], Generator::Zola),
        (vec![("eleventy.config.js", "")], Generator::Plain),
        (vec![("content/articles/x.md", "---\ntitle: x\n---\n")], Generator::Plain),
        (vec![], Generator::Jekyll),
    ] {
        assert_eq!(Site::new("", &files).settings.generator, generator, "{files:?}");
    }
    assert_eq!(Site::new(", generator: zola", &[("_config.yml", "")]).settings.generator, Generator::Zola);
}

#[test]
fn settings_are_named_and_their_digest_covers_them() {
    let site = |text: &str| Site::new("", &[("_config.yml", text), ("_posts/2026-01-01-x.md", "")]).settings;
    let (one, two) = (site("future: true"), site("future: false"));
    assert_ne!(one.digest(), two.digest());
    assert_eq!(one.digest(), site("future: true").digest());
    assert_ne!(
        site("timezone: Europe/Paris").digest(),
        Site::new("", &[("_config.yml", "title: x")]).settings.digest()
    );
    let zoned = |zone: &str| {
        let config = support::parse(&format!("site: {{ url: https://www.example.fr, timezone: {zone} }}")).unwrap();
        SiteSettings::read(&config.site, &Files(BTreeMap::new())).unwrap().0.digest()
    };
    assert_ne!(zoned("Europe/Paris"), zoned("Europe/London"));
    for path in ["_config.yml", "hugo.toml", "config/_default/params.toml", "en/_posts/2026-01-01-x.md"] {
        assert!(one.is_settings(path), "{path}");
    }
    assert!(!one.is_settings("_posts/2026-01-02-y.md") && !one.is_settings("index.md"));
    let hugo = Site::new("", &[("hugo.toml", ""), ("content/news/a.md", "")]).settings;
    for (path, is) in [
        ("content/news/_index.md", true),
        ("content/events/a.md", true),
        ("content/news/b.md", false),
        ("static/x.md", false),
    ] {
        assert_eq!(hugo.is_settings(path), is, "{path}");
    }
    let zola = Site::new("", &[("config.toml", "base_url = 'https://x.fr'"), ("content/blog/a.md", "")]).settings;
    assert!(zola.is_settings("content/blog/_index.md") && zola.is_settings("content/news/a.md"));
    assert!(!zola.is_settings("content/blog/b.md"));
    let plain = Site::new("", &[(".eleventy.js", ""), ("posts/a.md", "---\ntitle: a\n---\n")]).settings;
    assert!(
        plain.is_settings("posts/posts.json") && plain.is_settings("notes/a.md") && !plain.is_settings("posts/b.md")
    );
}

#[test]
fn half_written_settings_are_an_error_with_its_place() {
    for (file, text, line) in [
        ("_config.yml", "url: 'x\ntitle: y\n", 3),
        ("hugo.toml", "title = 'x'\nbaseURL = \n", 2),
        ("config.json", "{\n\"title\": }\n", 2),
        ("config.toml", "base_url = \"https://x.fr\"\ntitle = \n", 2),
    ] {
        let files = Files(BTreeMap::from([(file.to_owned(), text.to_owned())]));
        let config = support::parse("site: { url: https://www.example.fr }").unwrap();
        let problems = SiteSettings::read(&config.site, &files).unwrap_err();
        assert!(problems[0].file.ends_with(file) && problems[0].cure.is_some(), "{file}: {problems:?}");
        assert!(problems[0].line.abs_diff(line) <= 1, "{file}: {problems:?}");
    }
}

const CONFIG: &str = "permalink: pretty\ncollections: { notes: { output: true }, hidden: { output: false } }\n";

#[test]
fn jekyll_reads_posts_anywhere_and_their_folders_are_categories() {
    let text = "---\ntitle: T\ncategories: [Ruby, news]\n---\n";
    let site = Site::new(
        "",
        &[
            ("_config.yml", "permalink: pretty\nexclude: [old, '*.bak.md']\ninclude: [_more]\n"),
            ("en/news/_posts/2024-01-02-x.md", text),
            ("_posts/sub/2024-01-02-y.md", text),
            ("_drafts/z.md", text),
            ("old/_posts/2024-01-02-x.md", text),
            ("_layouts/_posts/2024-01-02-x.md", text),
            ("_more/_posts/2024-01-02-x.md", text),
            ("_posts/2024-01-02-x.bak.md", text),
            ("_posts/_2024-01-02-x.md", text),
            ("_posts/undated.md", text),
            ("vendor/bundle/gem/_posts/2024-01-02-x.md", text),
        ],
    );
    assert_eq!(site.path("en/news/_posts/2024-01-02-x.md"), "/en/news/ruby/2024/01/02/x/");
    assert_eq!(site.article("en/news/_posts/2024-01-02-x.md").categories, ["en", "news", "Ruby"]);
    assert_eq!(site.path("_posts/sub/2024-01-02-y.md"), "/ruby/news/2024/01/02/y/");
    assert!(site.is_article("_more/_posts/2024-01-02-x.md"));
    for path in [
        "_drafts/z.md",
        "old/_posts/2024-01-02-x.md",
        "_layouts/_posts/2024-01-02-x.md",
        "_posts/2024-01-02-x.bak.md",
        "_posts/_2024-01-02-x.md",
        "_posts/undated.md",
        "vendor/bundle/gem/_posts/2024-01-02-x.md",
    ] {
        assert!(!site.is_article(path), "{path}");
    }
    for (folder, enters) in [
        ("en", true),
        ("en/news/_posts", true),
        ("_more", true),
        ("_layouts", false),
        ("_site", false),
        ("node_modules", false),
        ("vendor/bundle", false),
        ("old", false),
        (".git", false),
    ] {
        assert_eq!(site.settings.enters(folder), enters, "{folder}");
    }
}

#[test]
fn jekyll_reads_collections_with_any_extension() {
    let text = "---\ntitle: T\n---\n";
    let site = Site::new(
        "",
        &[
            ("_config.yml", "collections_dir: my\npermalink: date\ncollections: { notes: { output: true } }\n"),
            ("my/_notes/a/b.md", text),
            ("my/_notes/c.html", text),
            ("my/_notes/d.old", text),
            ("my/_notes/e", text),
            ("my/_notes/f.css", text),
            ("my/_notes/.g.md", text),
            ("my/_notes/h.md~", text),
            ("my/_posts/2024-01-02-i.md", text),
            ("_posts/2024-01-02-j.md", text),
        ],
    );
    assert_eq!(site.path("my/_notes/a/b.md"), "/notes/a/b.html");
    assert_eq!(site.path("my/_notes/c.html"), "/notes/c.html");
    assert_eq!(site.path("my/_notes/d.old"), "/notes/d.old");
    assert_eq!(site.path("my/_notes/e"), "/notes/e");
    assert_eq!(site.path("my/_posts/2024-01-02-i.md"), "/2024/01/02/i.html");
    for path in ["my/_notes/f.css", "my/_notes/.g.md", "my/_notes/h.md~", "_posts/2024-01-02-j.md"] {
        assert!(!site.is_article(path), "{path}");
    }
    let made = Site::new(
        "",
        &[
            ("_config.yml", "collections: { sites: { output: true } }"),
            ("_sites/a.md", text),
            ("_site/_posts/2024-01-01-x.md", text),
        ],
    );
    assert!(made.is_article("_sites/a.md") && !made.is_article("_site/_posts/2024-01-01-x.md"));
    assert!(made.settings.enters("_sites") && !made.settings.enters("_site"));
    let listed = Site::new("", &[("_config.yml", "collections: [notes]"), ("_notes/a.md", text)]);
    assert!(!listed.is_article("_notes/a.md"), "a list puts nothing out");
}

#[test]
fn jekyll_makes_addresses_of_templates() {
    for (config, path, front, expected) in [
        ("permalink: date", "_posts/2024-01-02-T.x.md", "", "/2024/01/02/T.x.html"),
        ("permalink: ordinal", "_posts/2024-02-02-x.md", "", "/2024/033/x.html"),
        ("permalink: weekdate", "_posts/2024-02-02-x.md", "", "/2024/W05/Fri/x.html"),
        ("permalink: none", "_posts/2024-02-02-x.md", "category: A b", "/a%20b/x.html"),
        ("permalink: /b/:year-:i_month-:i_day/:slug", "_posts/2024-02-02-A.B.md", "", "/b/2024-2-2/a-b"),
        ("permalink: /:hour:minute/:title/", "_posts/2024-02-02-x.md", "date: 2024-02-02 09:05:00 +0100", "/0905/x/"),
        ("", "_posts/2024-02-02-x.md", "permalink: /é/:title%20x/", "/%C3%A9/x%20x/"),
        ("", "_posts/2024-02-02-x.md", "slug: « Ça » & là", "/2024/02/02/%C3%87a-&-l%C3%A0.html"),
        ("", "_posts/14-02-02-日本 語.md", "", "/2014/02/02/%E6%97%A5%E6%9C%AC-%E8%AA%9E.html"),
        ("", "_posts/2024-02-02-a%e2%80%8ab's.md", "", "/2024/02/02/a-e2-80-8ab's.html"),
        (
            "permalink: /:slugified_categories/:title",
            "_posts/2024-02-02-x.md",
            "categories: [L'État, 2024]",
            "/l-%C3%A9tat/2024/x",
        ),
        ("permalink: /:categories/:title", "_posts/2024-02-02-x.md", "categories: a, b", "/a,/b/x"),
        (
            "collections: { n: { output: true, permalink: '/:collection/:name:output_ext' } }",
            "_n/A b.md",
            "",
            "/n/a-b.html",
        ),
        ("permalink: pretty\ncollections: { n: { output: true } }", "_n/s/A b.md", "", "/n/s/A%20b/"),
        ("permalink: /:title\ncollections: { n: { output: true } }", "_n/s/x.md", "", "/n/s/x"),
        (
            "defaults: [{ scope: { path: '', type: posts }, values: { permalink: '/d/:title/' } }]",
            "_posts/2024-02-02-x.md",
            "",
            "/d/x/",
        ),
    ] {
        let text = format!("---\ntitle: T\n{front}\n---\n");
        assert_eq!(address(("_config.yml", config), path, &text), expected, "{config} {path} {front}");
    }
}

#[test]
fn jekylls_defaults_have_its_precedence() {
    let config = "
permalink: /:categories/:title/
defaults:
- { scope: { path: '' }, values: { tags: [all], published: false } }
- { scope: { path: '', type: post }, values: { published: true, tags: [post] } }
- { scope: { path: _posts/a }, values: { tags: [a], categories: [A] } }
- { scope: { path: '_posts/*/deep', type: posts }, values: { tags: [deep] } }
- { scope: { path: '', type: '' }, values: { tags: [never] } }
- { scope: { path: _posts/a, type: posts }, values: { tags: } }
";
    let text = "---\ntitle: T\n---\n";
    let site = Site::new(
        "",
        &[
            ("_config.yml", config),
            ("_posts/2024-01-01-x.md", text),
            ("_posts/a/2024-01-01-x.md", "---\ntitle: T\ncategories: B\n---\n"),
            ("_posts/b/deep/2024-01-01-x.md", text),
        ],
    );
    let tags = |path: &str| site.article(path).tags;
    assert_eq!(tags("_posts/2024-01-01-x.md"), ["post"]);
    assert_eq!(tags("_posts/a/2024-01-01-x.md"), ["a"]);
    assert_eq!(tags("_posts/b/deep/2024-01-01-x.md"), ["deep"]);
    assert!(site.article("_posts/a/2024-01-01-x.md").published);
    assert_eq!(site.path("_posts/a/2024-01-01-x.md"), "/a/b/x/");
}

#[test]
fn jekyll_has_its_own_ways_with_dates_titles_and_states() {
    let one = |front: &str| {
        Site::new("", &[("_config.yml", "timezone: Europe/Paris"), ("_posts/2024-07-05-le-TITRE-x.md", front)])
            .parse("_posts/2024-07-05-le-TITRE-x.md")
    };
    let date = |line: &str| date_of(&one(&format!("---\ntitle: T\n{line}\n---\n")).article.unwrap());
    assert_eq!(date(""), "2024-07-04T22:00:00Z");
    assert_eq!(date("date: 2024-07-06"), "2024-07-05T22:00:00Z");
    assert_eq!(date("date: 2024-07-06 14:00:00"), "2024-07-06T14:00:00Z", "a time of YAML is UTC");
    assert_eq!(date("date: '2024-07-06 14:00:00'"), "2024-07-06T12:00:00Z", "a text is in the site's zone");
    assert_eq!(date("date: 2024-07-06 14:00"), "2024-07-06T12:00:00Z", "so is what YAML takes for a text");
    assert!(one("---\ntitle: T\ndate: demain\n---\n").broken);
    let title = |text: &str| one(text).article.map(|article| article.title);
    assert_eq!(title("---\nlang: fr\n---\n").as_deref(), Some("Le Titre X"));
    assert_eq!(title("---\ntitle: 2024\n---\n").as_deref(), Some("2024"));
    assert_eq!(title("---\ntitle: 2024-07-05\n---\n").as_deref(), Some("2024-07-05"));
    assert_eq!(title("---\ntitle: ''\n---\n"), None);
    for text in [
        "",
        "No front matter at all",
        "---\ntitle: T\n",
        "\n---\ntitle: T\n---\n",
        "+++\ntitle = 'T'\n+++\n",
        "---\ntitle: [\n---\n",
    ] {
        assert!(one(text).broken, "{text:?}");
    }
    for (line, published) in [
        ("published: no", false),
        ("published:", false),
        ("published: on", true),
        ("draft: true", false),
        ("draft:", true),
    ] {
        assert_eq!(one(&format!("---\ntitle: T\n{line}\n---\n")).article.unwrap().published, published, "{line}");
    }
    assert!(one("---\ntitle: T\npublished: non\n---\n").broken);
    let undated = Site::new("", &[("_config.yml", CONFIG), ("_notes/x.md", "---\ntitle: T\n---\n")]);
    assert_eq!(undated.article("_notes/x.md").date, None);
}

#[test]
fn what_a_site_shows_early_is_live_before_its_date() {
    let text = "---\ntitle: T\ndate: 2030-01-01\n---\n";
    let before = "2029-01-01T00:00:00Z".parse().unwrap();
    for (settings, path, early) in [
        (("_config.yml", "future: true"), "_posts/2030-01-01-x.md", true),
        (("_config.yml", "unpublished: true"), "_posts/2030-01-01-x.md", false),
        (("hugo.toml", "buildFuture = true"), "content/a/x.md", true),
        (("hugo.toml", "buildDrafts = true"), "content/a/x.md", false),
        (("config.toml", "base_url = 'https://x.fr'"), "content/a/x.md", false),
    ] {
        let article = Site::new("", &[settings, (path, text)]).article(path);
        assert_eq!((article.shown_early, article.is_live(before)), (early, early), "{settings:?}");
        assert_eq!(article.life().from > before, !early);
    }
}

#[test]
fn terms_are_read_as_jekyll_does() {
    for (front, categories, tags) in [
        ("categories: a b\ntags: c d", vec!["a", "b"], vec!["c", "d"]),
        ("category: a b\ntag: c d", vec!["a b"], vec!["c d"]),
        ("categories: [a, ~, A, 'É']\ntags: [e, É]", vec!["a", "É"], vec!["e", "É"]),
        ("categories: a\ncategory: b\ntag: c\ntags: d", vec!["a", "b"], vec!["c"]),
        ("x: &a [m, n]\ntags: *a", vec![], vec!["m", "n"]),
        ("tags: [2024, true, 1.5]", vec![], vec!["2024", "true", "1.5"]),
    ] {
        let text = format!("---\ntitle: T\n{front}\n---\n");
        let article = Site::new("", &[("_posts/2024-01-01-x.md", &text)]).article("_posts/2024-01-01-x.md");
        assert_eq!(article.categories, categories, "{front}");
        assert_eq!(article.tags, tags, "{front}");
    }
}

#[test]
fn front_matter_is_read_as_people_write_it() {
    let one = |bytes: &[u8]| {
        let site = Site::new("", &[("_posts/2024-01-01-x.md", "")]);
        let file = SourceFile { path: "_posts/2024-01-01-x.md".to_owned(), bytes: bytes.to_vec() };
        article::parse(&file, &site.settings, &|_: &str| None, Depth::Head)
    };
    let title = |text: &str| one(text.as_bytes()).article.map(|article| article.title);
    assert_eq!(title("\u{feff}---\r\ntitle: a\r\n---\r\n").as_deref(), Some("a"));
    assert_eq!(title("---\ntitle: a\ntitle: b\n---\n").as_deref(), Some("b"));
    assert_eq!(title("---\ntitle: \"a\nb\"\n---\n").as_deref(), Some("a b"), "continued at column 0");
    assert_eq!(title("---\ntitle: a\u{b}b\n---\n"), None);
    assert_eq!(title("---\ntitle: Nume\u{301}rique\n---\n").as_deref(), Some("Nume\u{301}rique"));
    let tab = one(b"---\ntitle: a\n\ttags: b\n---\n");
    assert!(tab.broken && tab.problems[0].line == 3 && tab.problems[0].cure.is_some(), "{:?}", tab.problems);
    let latin = one(b"---\ntitle: \xe9t\xe9\n---\n");
    assert!(latin.broken && (latin.problems[0].line, latin.problems[0].column) == (2, 8), "{:?}", latin.problems);
}

fn hugo(config: &str, more: &[(&str, &str)], path: &str, text: &str) -> Site {
    let mut files = vec![("hugo.toml", config), (path, text)];
    files.extend_from_slice(more);
    Site::new("", &files)
}

#[test]
fn hugo_makes_addresses_of_folders_slugs_and_patterns() {
    let permalinks = "[permalinks]\nnews = '/:year/:month/:slug/'\n'/' = '/:slug/'\n";
    for (config, path, front, expected) in [
        ("", "content/News/Mon Titre.md", "", "/news/mon-titre/"),
        ("disablePathToLower = true", "content/News/Mon Titre.md", "", "/News/Mon-Titre/"),
        ("removePathAccents = true", "content/news/été.md", "", "/news/ete/"),
        ("", "content/news/été «x»: l’[a].md", "", "/news/%C3%A9t%C3%A9-x-la/"),
        ("uglyURLs = true", "content/news/x.md", "", "/news/x.html"),
        ("[uglyURLs]\nnews = true", "content/news/x.md", "", "/news/x.html"),
        ("", "content/news/a/b/x.md", "slug: -Y z-", "/news/a/b/y-z/"),
        ("", "content/news/x.md", "url: /A/b", "/a/b/"),
        ("", "content/news/x.md", "url: /a/b.html", "/a/b.html"),
        ("", "content/news/x.md", "URL: a/:year/", "/a/2024/"),
        ("", "content/news/2024/x/index.md", "", "/news/2024/x/"),
        (permalinks, "content/news/x.md", "", "/2024/02/t-t/"),
        (permalinks, "content/news/x.md", "slug: s", "/2024/02/s/"),
        (permalinks, "content/x.md", "", "/t-t/"),
        (permalinks, "content/events/x.md", "", "/events/x/"),
        ("[permalinks.page]\nnews = '/:sections/:filename/'", "content/news/a/x.md", "", "/news/x/"),
        (
            "[[permalinks]]\npattern = '/p/:contentbasename/'\n[permalinks.target]\nkind = 'page'\npath = '/news/**'",
            "content/news/a/x.md",
            "",
            "/p/x/",
        ),
        (
            "[permalinks]\nnews = '/:monthname/:weekday/:weekdayname/:yearday/'",
            "content/news/x.md",
            "",
            "/february/5/friday/33/",
        ),
        (
            "[frontmatter]\ndate = [':filename', ':default']\n[permalinks]\nnews = '/:year/:slug/'",
            "content/news/2023-05-06_a-b.md",
            "",
            "/2023/a-b/",
        ),
    ] {
        let text = format!("---\nTitle: 'T: T'\ndate: 2024-02-02\n{front}\n---\n");
        let site = hugo(config, &[], path, &text);
        assert_eq!(site.path(path), expected, "{config} {path} {front}");
    }
}

#[test]
fn hugo_has_languages_by_suffix_and_by_folder() {
    let text = "---\ntitle: T\ndate: 2024-02-02\naliases: [/old/, older]\n---\n";
    let config = "defaultContentLanguage = 'fr'\n[languages.fr]\nlanguageCode = 'fr-FR'\n[languages.en]\nweight = 2\n";
    let site = hugo(
        config,
        &[("content/a/x.en.md", text), ("content/a/y/index.en.md", text), ("content/a/z.de.md", text)],
        "content/a/x.md",
        text,
    );
    assert_eq!(site.settings.language, "fr-FR");
    assert_eq!(
        (site.path("content/a/x.md"), site.path("content/a/x.en.md")),
        ("/a/x/".to_owned(), "/en/a/x/".to_owned())
    );
    assert_eq!(
        (site.path("content/a/y/index.en.md"), site.path("content/a/z.de.md")),
        ("/en/a/y/".to_owned(), "/a/z.de/".to_owned())
    );
    let english = site.article("content/a/x.en.md");
    assert_eq!(english.language.as_deref(), Some("en"));
    let aliases: Vec<&str> = english.aliases.iter().map(|url| url.path()).collect();
    assert_eq!(aliases, ["/en/old/", "/en/a/older"]);
    assert!(site.settings.is_bundle_marker("index.en.md") && !site.settings.is_bundle_marker("index.de.md"));
    assert!(
        site.settings.is_bundle("content/a/y", ["x.md", "index.md"])
            && !site.settings.is_bundle("content", ["index.md"])
    );
    let config = "defaultContentLanguageInSubdir = true\n[languages.en]\ncontentDir = 'content/en'\n[languages.fr]\ncontentDir = 'content/fr'\n";
    let site = hugo(config, &[("content/en/news/x.md", text)], "content/fr/news/x.md", text);
    assert_eq!(
        (site.path("content/fr/news/x.md"), site.path("content/en/news/x.md")),
        ("/fr/news/x/".to_owned(), "/en/news/x/".to_owned())
    );
    assert_eq!(site.settings.collections.keys().collect::<Vec<_>>(), ["news"]);
}

#[test]
fn hugo_reads_dates_states_and_terms() {
    let config =
        "timeZone = 'America/New_York'\n[taxonomies]\ncategory = 'categories'\ntopic = 'topics'\nauthor = 'authors'\n";
    let read = |front: &str| {
        hugo(config, &[], "content/a/x.md", &format!("+++\ntitle = 'T'\n{front}\n+++\n")).parse("content/a/x.md")
    };
    let date = |front: &str| date_of(&read(front).article.unwrap());
    assert_eq!(date("date = 2024-01-02"), "2024-01-02T05:00:00Z");
    assert_eq!(date("Date = 2024-01-02T10:00:00"), "2024-01-02T15:00:00Z");
    assert_eq!(date("date = '2018-05-28 20:35:18+05:30'"), "2018-05-28T15:05:18Z");
    assert_eq!(date("lastmod = 2024-01-02T10:00:00Z"), "2024-01-02T10:00:00Z");
    assert_eq!(date("date = 2024-01-02T00:00:00Z\npublishDate = 2024-02-02T00:00:00Z"), "2024-02-02T00:00:00Z");
    assert_eq!(date("date = 2024-01-02T00:00:00Z\npubdate = 2023-02-02T00:00:00Z"), "2024-01-02T00:00:00Z");
    assert!(read("date = 'soon'").broken);
    assert_eq!(read("date = soon").problems[0].line, 3);
    let article = read("expirydate = 2025-01-01T00:00:00Z\ncategories = 'A b'\ntopics = ['x', 'y']\nauthors = ['M', 'N']\ntags = ['z']\nlastmod = 2024-03-03T00:00:00Z\ndate = 2024-01-01T00:00:00Z").article.unwrap();
    assert_eq!(article.expires.unwrap().to_string(), "2025-01-01T00:00:00Z");
    assert_eq!(
        (article.categories, article.tags, article.author.as_deref()),
        (vec!["A b".to_owned()], vec!["x".to_owned(), "y".to_owned()], Some("M, N"))
    );
    assert_eq!(article.modified.unwrap().at.to_string(), "2024-03-03T00:00:00Z");
    assert!(!read("draft = true").article.unwrap().published && !read("published = false").article.unwrap().published);
    assert!(read("draft = false\npublished = false").article.unwrap().published);
    for hidden in ["[build]\nrender = 'never'", "[_build]\nlist = false", "[build]\nlist = 'never'"] {
        assert!(read(hidden).article.is_none(), "{hidden}");
    }
    let json = hugo("", &[], "content/a/x.md", "\n{\n \"title\": \"J\",\n \"date\": \"2024-01-02\"\n}\nBody");
    assert_eq!(
        (json.article("content/a/x.md").title, json.article("content/a/x.md").body.trim().to_owned()),
        ("J".to_owned(), "Body".to_owned())
    );
}

#[test]
fn hugo_sites_may_name_a_taxonomy_like_a_section() {
    let config = "[taxonomies]\nblog = 'blog'\ntag = 'tags'\n";
    let text = "+++\ntype = \"blog\"\ntitle = \"T\"\ndate = \"2015-07-11T03:37:20.000Z\"\ntags = [\"a b\"]\n+++\n";
    let site = hugo(config, &[("content/blog/x/_y.md", text)], "content/blog/x/2018-05-28_[gsoc]_w.html", text);
    assert_eq!(site.path("content/blog/x/2018-05-28_[gsoc]_w.html"), "/blog/x/2018-05-28_gsoc_w/");
    assert_eq!(site.path("content/blog/x/_y.md"), "/blog/x/_y/");
    assert_eq!(date_of(&site.article("content/blog/x/_y.md")), "2015-07-11T03:37:20Z");
}

#[test]
fn settings_may_hold_the_words_of_many_languages() {
    let words = "  - [janvier, février, mars]\n".repeat(4000);
    let config = format!("title: T\nmonths:\n{words}");
    let site = Site::new("", &[("_config.yml", &config), ("_posts/2024-01-01-x.md", "---\ntitle: T\n---\n")]);
    assert_eq!(site.settings.title, "T");
}

#[test]
fn hugo_hands_down_what_its_sections_say() {
    let page = "---\ntitle: T\ndate: 2024-01-02\n---\n";
    let site = Site::new(
        "",
        &[
            ("config/_default/hugo.toml", "title = 'S'"),
            ("config/_default/permalinks.toml", "a = '/p/:slug/'"),
            ("content/_index.md", "---\ntitle: Home\ncascade: { tags: [home] }\n---\n"),
            (
                "content/a/_index.md",
                "+++\ntitle = 'Les A'\n[[cascade]]\ndraft = true\n[cascade._target]\npath = '/a/old/**'\n[[cascade]]\ntags = ['a']\n+++\n",
            ),
            ("content/a/x.md", page),
            ("content/a/old/x.md", page),
            ("content/b/x.md", page),
            ("content/b/bundle/index.md", "---\ntitle: B\nheadless: true\ndate: 2024-01-02\n---\n"),
            ("content/tags/x/_index.md", page),
            ("content/about.md", "---\ntitle: About\n---\n"),
            ("content/contact/index.md", "---\ntitle: Contact\n---\n"),
            ("content/news.md", page),
        ],
    );
    assert_eq!(site.settings.title, "S");
    assert_eq!(site.settings.collections.keys().collect::<Vec<_>>(), ["a", "b", "content"]);
    assert_eq!(site.settings.collections["a"].title, "Les A");
    assert_eq!((site.path("content/a/x.md"), site.path("content/b/x.md")), ("/p/t/".to_owned(), "/b/x/".to_owned()));
    assert_eq!(
        (site.article("content/a/x.md").tags, site.article("content/b/x.md").tags),
        (vec!["a".to_owned()], vec!["home".to_owned()])
    );
    assert!(site.article("content/a/x.md").published && !site.article("content/a/old/x.md").published);
    for page in ["content/about.md", "content/contact/index.md", "content/b/bundle/index.md", "content/a/_index.md"] {
        assert!(!site.is_article(page), "{page}");
    }
    assert_eq!(site.article("content/news.md").collection, "content");
}

#[test]
fn zola_makes_addresses_dates_and_terms() {
    let config = "base_url = 'https://z.fr/b'\ntitle = 'Z'\n[slugify]\npaths = 'MODE'\n[languages.fr]\n";
    for (mode, path, front, expected, date) in [
        ("on", "content/blog/2024-01-31-Le Titre.md", "", "/blog/le-titre/", "2024-01-31"),
        ("on", "content/blog/2024-01-31_x/index.md", "", "/blog/x/", "2024-01-31"),
        ("on", "content/blog/x.md", "date = 2024-02-02", "/blog/x/", "2024-02-02"),
        ("safe", "content/blog/L'été? 1.md", "date = 2024-02-02", "/blog/L'%C3%A9t%C3%A9%201/", "2024-02-02"),
        ("on", "content/blog/x.md", "slug = 'Ça va'\ndate = 2024-02-02T10:00:00", "/blog/ca-va/", "2024-02-02"),
        (
            "on",
            "content/blog/x.md",
            "path = '2024/07/25/Rust-1.80.0.html'",
            "/2024/07/25/Rust-1.80.0.html/",
            "2024-07-25",
        ),
        ("on", "content/blog/x.fr.md", "date = 2024-02-02", "/fr/blog/x/", "2024-02-02"),
        ("on", "content/x.md", "date = 2024-02-02", "/x/", "2024-02-02"),
        ("on", "content/x/index.md", "date = 2024-02-02", "/x/", "2024-02-02"),
    ] {
        let config = config.replace("MODE", mode);
        let text = format!(
            "\n+++\ntitle = 'T'\n{front}\n[taxonomies]\ncategories = ['C']\ntags = ['a']\nlangs = ['b']\n[extra]\nx = 1\n+++\nB"
        );
        let article = Site::new("", &[("config.toml", &config), (path, &text)]).article(path);
        assert_eq!(article.url.path(), expected, "{path} {front}");
        assert!(date_of(&article).starts_with(date), "{path} {front}");
        assert_eq!((article.categories, article.tags), (vec!["C".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    }
    let keep = Site::new(
        "",
        &[
            ("config.toml", "base_url = 'https://z.fr'\n[slugify]\npaths_keep_dates = true"),
            ("content/b/2024-01-31-x.md", "+++\ntitle = 'T'\n+++\n"),
        ],
    );
    assert_eq!(keep.path("content/b/2024-01-31-x.md"), "/b/2024-01-31-x/");
}

#[test]
fn zola_leaves_out_drafts_and_what_it_does_not_render() {
    let text = "---\ntitle: T\ndate: 2024-02-02\n---\n";
    let site = Site::new(
        ", collections: { blog: {}, old: {}, content: {} }",
        &[
            ("config.toml", "base_url = 'https://z.fr'\nignored_content = ['*.skip.md']"),
            ("content/_index.md", "+++\ntitle = 'Root'\n+++\n"),
            ("content/blog/_index.md", "+++\ntitle = 'Le blog'\ntransparent = true\nrender = false\n+++\n"),
            ("content/blog/x.md", text),
            ("content/blog/d.md", "+++\ntitle = 'T'\ndraft = true\n+++\n"),
            ("content/blog/r.md", "+++\ntitle = 'T'\nrender = false\n+++\n"),
            ("content/blog/a.skip.md", text),
            ("content/old/_index.md", "+++\ndraft = true\n+++\n"),
            ("content/old/x.md", text),
            ("content/about.md", "+++\ntitle = 'About'\n+++\n"),
        ],
    );
    assert_eq!(site.settings.collections["blog"].title, "Le blog");
    assert!(site.article("content/blog/x.md").published);
    assert!(!site.article("content/blog/d.md").published && !site.article("content/old/x.md").published);
    for path in ["content/blog/r.md", "content/blog/a.skip.md", "content/about.md"] {
        assert!(!site.is_article(path), "{path}");
    }
    assert!(
        Site::new(
            "",
            &[
                ("config.toml", "base_url = 'https://z.fr'"),
                ("content/b/x.md", "+++\ntitle = 'T'\ndate = demain\n+++\n")
            ]
        )
        .parse("content/b/x.md")
        .broken
    );
}

#[test]
fn plain_folders_are_collections() {
    let text = "---\ntitle: T\npubDate: 2024-02-02\n---\n";
    let site = Site::new(
        "",
        &[
            ("astro.config.mjs", ""),
            ("src/content/blog/2024-02-02-x.md", text),
            ("src/content/blog/y/index.mdx", text),
            ("src/content/blog/z.md", "---\ntitle: T\nslug: été\nupdatedDate: 2024-03-03\n---\n"),
            ("notes/a.md", "---\ntitle: T\npublished: 2024-01-01\n---\n"),
            ("notes/b.md", "---\ntitle: T\npublished: false\ntags: a b, c\n---\n"),
            ("public/c.md", text),
            ("data/readme.md", "No front matter"),
            ("README.md", text),
        ],
    );
    assert_eq!(site.settings.collections.keys().collect::<Vec<_>>(), ["blog", "notes"]);
    assert_eq!(site.path("src/content/blog/2024-02-02-x.md"), "/blog/2024-02-02-x/");
    assert_eq!(site.path("src/content/blog/y/index.mdx"), "/blog/y/");
    assert_eq!(site.path("src/content/blog/z.md"), "/blog/%C3%A9t%C3%A9/");
    assert!(site.article("notes/a.md").published && !site.article("notes/b.md").published);
    assert_eq!(site.article("notes/b.md").tags, ["a b", "c"]);
    let own = Site::new(
        ", generator: plain",
        &[("posts/x.md", "+++\npath = \"2024/07/25/Rust-1.80.0\"\ntitle = \"T\"\n+++\n")],
    );
    assert_eq!(own.path("posts/x.md"), "/2024/07/25/Rust-1.80.0/");
    assert!(date_of(&own.article("posts/x.md")).starts_with("2024-07-24T22"));
    let configured = Site::new(
        ", generator: plain, collections: { blog: { paths: ['texts/**'], permalink: '/b/:year/:title/' } }",
        &[("texts/2024-02-02-x.md", "---\ntitle: T\n---\n")],
    );
    assert_eq!(configured.path("texts/2024-02-02-x.md"), "/b/2024/x/");
}

#[test]
fn eleventys_own_keys_are_followed() {
    let site = Site::new(
        "",
        &[
            (".eleventy.js", ""),
            (
                "content/posts/posts.json",
                "{ \"permalink\": \"/{{ page.date | date: '%Y/%m' }}/{{ page.fileSlug }}/\", \"tags\": [\"posts\"] }",
            ),
            ("content/posts/2024-02-02-x.md", "---\ntitle: T\n---\n"),
            ("content/posts/no.md", "---\ntitle: T\npermalink: false\n---\n"),
            ("content/posts/own.md", "---\ntitle: T\npermalink: /own/\ntags: y\n---\n"),
            ("content/posts/odd.md", "---\ntitle: T\npermalink: '/{{ title | slugify | odd }}/'\n---\n"),
            ("content/posts/out.md", "---\ntitle: T\neleventyExcludeFromCollections: true\ndate: 2024-01-01\n---\n"),
            ("content/notes/2024-02-02-x.md", "---\ntitle: T\ndate: Last Modified\n---\n"),
        ],
    );
    assert_eq!(site.path("content/posts/2024-02-02-x.md"), "/2024/02/x/");
    assert_eq!(site.article("content/posts/2024-02-02-x.md").tags, ["posts"]);
    assert!(!site.is_article("content/posts/no.md"));
    assert_eq!(site.path("content/posts/own.md"), "/own/");
    assert!(site.parse("content/posts/odd.md").broken);
    assert!(!site.article("content/posts/out.md").published);
    assert_eq!(site.path("content/notes/2024-02-02-x.md"), "/notes/x/");
}

/// A front matter as nobody should write it: keys that generators know, and values of any kind.
fn odd_front() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "title",
        "date",
        "published",
        "draft",
        "slug",
        "permalink",
        "url",
        "path",
        "tags",
        "categories",
        "category",
        "aliases",
        "publishDate",
        "expiryDate",
        "build",
        "taxonomies",
        "lang",
        "pubDate",
        "cascade",
    ]);
    let value = prop_oneof![
        "\\PC{0,12}",
        "[0-9:TZ+ -]{0,24}",
        "(/|:[a-z_]{1,9}|\\[[0-9:]{0,3}\\]|\\{\\{ ?[a-z.]{0,9} ?\\}\\}|\\.|é){0,9}",
        Just("{ render: never, x: [1, ~] }".to_owned()),
        Just("[a, [b], { c: d }, ~]".to_owned()),
        Just("'2024-01-02 10:00:00'".to_owned()),
    ];
    let line = (key, value, any::<bool>()).prop_map(|(key, value, quoted)| match quoted {
        true => format!("{key}: {}", serde_json::to_string(&value).unwrap()),
        false => format!("{key}: {value}"),
    });
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_front_matter_makes_a_reader_fail_or_an_address_that_is_none(front in odd_front(), name in "(2024-01-02-)?[^/\\x00]{1,12}") {
        for (settings, folder) in [
            (("_config.yml", "permalink: /:categories/:year/:title/"), "_posts"),
            (("_config.yml", "collections: { a: { output: true } }"), "_a"),
            (("hugo.toml", "[permalinks]\na = '/:year/:sections[1:]/:slug/'\n[frontmatter]\ndate = [':filename', ':default']"), "content/a/b"),
            (("config.toml", "base_url = 'https://x.fr'"), "content/a"),
            ((".eleventy.js", ""), "content/a"),
        ] {
            let path = format!("{folder}/{name}.md");
            let text = format!("---\n{front}\n---\nBody\n");
            let parsed = Site::new("", &[settings, (&path, &text)]).parse(&path);
            if let Some(article) = parsed.article {
                prop_assert_eq!(article.url.scheme(), "https");
                prop_assert!(url::Url::parse(article.url.as_str()).is_ok());
                prop_assert!(!article.title.is_empty() && !article.title.contains('\n'));
            }
        }
    }
}
