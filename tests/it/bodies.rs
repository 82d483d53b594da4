//! Bodies, summaries, events and files: whatever an editor writes, what comes out is safe, absolute and well-formed.

use crate::support::corpus;
use crieur::article::summary::summary;
use crieur::article::writing::Context;
use crieur::article::{
    self, Article, Depth, FileFacts, Pixels, SiteSettings, SourceFile, Templating, Writing, markdown,
};
use crieur::source::directory::Directory;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};
use std::process::Command;
use url::Url;

/// Elements that a feed may show.
const ELEMENTS: &str = "\
    a abbr acronym address article aside audio b bdi big blockquote br caption center cite code col colgroup \
    data dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img \
    ins kbd li main mark nav ol p picture pre q rp rt ruby s samp section small source span strike strong sub \
    summary sup table tbody td tfoot th thead time tr track tt u ul var video wbr";
const EMPTY: &[&str] = &["br", "col", "hr", "img", "source", "track", "wbr"];
const ADDRESSES: &[&str] = &["href", "src", "poster", "cite", "longdesc"];

fn render(body: &str, templating: Templating) -> String {
    let base = Url::parse("https://www.example.fr/actualites/essai/").unwrap();
    let writing = Writing { templating, ..Writing::default() };
    markdown::render(body, &Context { base: &base, title: "Un <titre>", images: &[], writing: &writing, notes: true })
}

/// Every tag with its attributes, values as they are written.
fn tags(html: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("a tag ends");
        let inside = &rest[at + 1..end];
        let (name, mut values) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while let Some((name, after)) = values.split_once("=\"") {
            let (value, next) = after.split_once('"').expect("a value ends");
            attributes.push((name.trim(), value));
            values = next;
        }
        found.push((name, attributes));
        rest = &rest[end + 1..];
    }
    found
}

/// What must hold of any body.
fn check(source: &str, html: &str) {
    assert!(html.chars().all(crieur::text::is_xml), "{source:?}: {html}");
    for (name, attributes) in tags(html) {
        assert!(
            ELEMENTS.split(' ').any(|known| known == name.trim_start_matches('/')),
            "<{name}> of {source:?}: {html}"
        );
        for (attribute, value) in attributes {
            assert!(
                !attribute.starts_with("on") && !matches!(attribute, "style" | "class" | "role" | "controls"),
                "{attribute} of {source:?}"
            );
            let whole = |address: &str| {
                ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| address.starts_with(scheme))
            };
            if ADDRESSES.contains(&attribute) {
                assert!(whole(value) && value.is_ascii() && !value.contains(' '), "{value} of {source:?}");
            }
            if attribute == "srcset" {
                assert!(value.split(", ").all(whole), "{value} of {source:?}");
            }
        }
        if name == "img" {
            assert!(html.contains(" alt=\""), "{source:?}");
        }
    }
}

/// HTML without what code shows.
fn without_code(html: &str) -> String {
    let mut kept = html.to_owned();
    for name in ["pre", "code"] {
        while let Some(start) = kept.find(&format!("<{name}>")) {
            let end = kept[start..].find(&format!("</{name}>")).map_or(kept.len(), |end| start + end + name.len() + 3);
            kept.replace_range(start..end, "");
        }
    }
    kept
}

/// HTML as XML: its empty elements closed.
fn as_xml(html: &str) -> String {
    let mut xml = String::from("<article>");
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap();
        let name: String = rest[at + 1..end].chars().take_while(char::is_ascii_alphanumeric).collect();
        xml.push_str(&rest[..end]);
        xml.push_str(if EMPTY.contains(&name.as_str()) { "/>" } else { ">" });
        rest = &rest[end + 1..];
    }
    xml.push_str(rest);
    xml.push_str("</article>");
    xml
}

/// Has libxml2 judge many documents in one call.
fn well_formed(documents: &[String]) {
    // Where the test material is not there.
    if documents.is_empty() {
        return;
    }
    let there = Command::new("xmllint").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CRIEUR_TEST_STRICT").is_none(), "xmllint is not installed");
    if !there {
        println!("skipped: xmllint is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = documents
        .iter()
        .enumerate()
        .map(|(index, html)| {
            let file = folder.path().join(format!("{index}.xml"));
            std::fs::write(&file, as_xml(html)).unwrap();
            file
        })
        .collect();
    let output = Command::new("xmllint").args(["--noout", "--huge"]).args(&files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}", said.chars().take(2_000).collect::<String>());
}

/// Pieces of everything that a body is made of, right and wrong.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "un mot ", "*", "**", "_", "`", "``", "~~", "\n", "\n\n", "    ", "> ", "- ", "1. ", "- [x] ", "# ",
    "### Titre é\n", "***\n", "---\n", "===\n", "```\n", "~~~ rust\n", "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "Terme\n: sens\n", "[a](b)", "[a]()", "[a](#b)", "[a](<é b>)", "![IMG_1.JPG](/i.png)", "![", "](", ")", "[",
    "]", "[^1]", "[^1]: note\n", "[r]: /x \"t\"\n", "[r]", "<https://a.fr>", "https://a.fr/b_c?d=é&f ", "<b>",
    "</b>", "<p>", "</p>", "<div>", "</div>", "<div markdown=\"1\">\n", "<table>", "<tr><td>", "</table>",
    "<a href=\"/x\">", "</a>", "<a name=\"b\">", "<img src=x onerror=y>", "<img srcset=\"/a 1x, b 2x\" alt='>'>",
    "<iframe src=\"/f\" title=\"x\">", "</iframe>", "<video src=v.mp4 controls>", "<source src=s.mp4>", "</video>",
    "<picture>", "<script>a</script>", "<style>", "<svg><a title=\"</iframe><script>x\">", "<math><mi>",
    "<form action=x><input>", "<object data=x>", "<select><option>", "<textarea>", "<template>", "<!-- c -->",
    "<!--", "-->", "<![CDATA[", "]]>", "<?x?>", "<h2 id=\"x\">", "</h2>", "<details open><summary>s</summary>",
    "</details>", "&nbsp;", "&#1;", "&lt;", "&amp;", "&", "<", ">", "\"", "'", "\\", "{:target=\"_blank\"}",
    "{: .a #b }\n", "{:toc}\n", "{:", "}", "{::comment}", "{:/comment}", "{::nomarkdown}<i>", "{:/}", "$$a_b$$",
    "$$", "*[A]: b\n", "[TOC]\n", "{{ site.url }}", "{{ page.title | escape }}", "{{ x", "}}",
    "{% include a.html b=\"c\" %}", "{% if x %}", "{% endif %}", "{% link a.md %}", "{% highlight ruby %}",
    "{% endhighlight %}", "{%- x -%}", "%}", "{{< figure src=\"/a.png\" caption=\"c\" >}}", "{{< ref \"x\" >}}",
    "{{% note %}}", "{{% /note %}}", "{{< highlight go >}}", "{{< /highlight >}}", "{{</* x */>}}", "{{< youtube",
    ">}}", "{{ vimeo(id=\"1\") }}", "{% quote() %}", "{% end %}", "{{/* x() */}}", "\u{1}0\u{2}", "\u{b}",
    "\u{feff}", "\u{200b}", "\u{202e}", "é", "e\u{301}", "👩‍👩‍👧", "«\u{202f}a\u{a0}»", "\t", "\r\n", "\u{2028}",
    "javascript:x", "<a href=\"java&#10;script:x\">", "<a href=\"data:text/html,x\">", "<base href=\"//e.fr\">",
    "<meta http-equiv=refresh>", "<li>", "<dl><dd>", "<button>",
];

pub fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Some of them, always the same.
pub fn soups(count: usize) -> Vec<String> {
    let (mut runner, strategy) = (TestRunner::deterministic(), soup());
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn whatever_is_written_comes_out_safe_absolute_and_well_formed() {
    let mut runner = TestRunner::deterministic();
    let strategy = soup();
    let mut documents = Vec::new();
    for round in 0..900 {
        let source = strategy.new_tree(&mut runner).unwrap().current();
        let templating = [Templating::Liquid, Templating::Hugo, Templating::Zola, Templating::None][round % 4];
        let html = render(&source, templating);
        check(&source, &html);
        // What an author writes so that it is shown as a brace is one.
        let shown = ["\\", "&#", "<!--", "<", "`", "~~~", "    ", "\t", "/*"].iter().any(|sign| source.contains(sign));
        let open: &[&str] = match templating {
            Templating::Liquid => &["{{", "{%"],
            Templating::Hugo => &["{{< ref", "{{% note", "{{< figure"],
            Templating::Zola => &["{{ vimeo(id", "{% quote()", "{% end %}"],
            Templating::None => &[],
        };
        assert!(shown || !open.iter().any(|mark| html.contains(mark)), "{templating:?} {source:?}: {html}");
        let front = format!("chapeau-text: {}\n", serde_json::to_string(&source).unwrap());
        for front in [front.as_str(), ""] {
            let bytes = format!("---\ntitle: a\n{front}---\n{source}").into_bytes();
            let file = SourceFile { path: "_posts/2026-01-01-x.md".into(), bytes };
            if let Some(article) = article::parse(&file, &settings(), &|_: &str| None, Depth::Text).article {
                let summary = summary(&article, Some(&html).filter(|_| round % 3 == 0).map(String::as_str));
                check(&source, &summary.html);
                assert!(!summary.text.contains('\n') && summary.text.chars().all(crieur::text::is_xml));
                documents.push(summary.html);
            }
        }
        documents.push(html);
    }
    assert!(documents.iter().filter(|html| !html.is_empty()).count() > 700);
    well_formed(&documents);
}

#[test]
fn what_a_browser_ends_by_itself_is_ended() {
    // An object, which is left out, hides from the parser what its inside stands in.
    for (source, html) in [
        ("<p>a<object><li>b</li></object></p>", "<p>a</p><li>b</li>"),
        ("<dl><dt>a<object><dd>b</dd></object></dt></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<ul><li>a<object><li>b</li></object></li></ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<h2>a<object><h3>b</h3></object></h2>", "<h2>a</h2><h3>b</h3>"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
    ] {
        assert_eq!(render(source, Templating::None), html, "{source}");
    }
}

/// Pieces that, repeated, some parser reads in more than linear time.
#[rustfmt::skip]
const REPEATED: &[&str] = &[
    "*a ", "**a* ", "_a __b ", "[a", "[a](", "![", "[a][b]", "<a", "<b>x", "<div ", "<div>\n\n", "</div>", "> ",
    "- ", "`a", "``` ", "{{", "{%", "{% if x %}", "{% raw %}", "{{<", "{{% x %}}", "{:a", "{:a}", "{::comment}",
    "$$a", "*[a]: b\n", "[^a]", "[^a]: b\n", "http://", "http://[", "https://a.fr/(", "![a](b){:width=\"1\"}", "(#",
    "<!--", "<![CDATA[", "<?", "&", "# a\n", "|a", "| a | b |\n|-|-|\n", "a\n: b\n", "<iframe src=\"/a\">", "<svg>",
    "<p>", "<li>", "<i id=x>", "\"<a\"", "{: #a}\n", "{::nomarkdown}", "<video>", "<a href=\"#x\">y", "a\n",
    "~~~\n&\n", "<p>< ", "<p>&#38;", "\"", "<b title=\"&amp;\n",
];

#[test]
fn what_would_take_minutes_does_not() {
    // Read in more than linear time, these would not end.
    let mut documents = Vec::new();
    for piece in REPEATED {
        for templating in [Templating::Liquid, Templating::Hugo, Templating::Zola] {
            documents.push(render(&piece.repeat(60_000 / piece.len()), templating));
        }
    }
    for html in &documents {
        check("…", html);
    }
    well_formed(&documents);
}

#[test]
fn the_largest_article_is_read() {
    let paragraph = "Un *texte* avec [un lien](/x), `du code` et une note[^1]. {% include x %} {{ site.url }}\n\n";
    let body = format!("{}[^1]: Fin.", paragraph.repeat(4 * 1024 * 1024 / paragraph.len() / 4));
    let html = render(&body, Templating::Liquid);
    assert!(html.len() > body.len() && html.contains("Fin."));
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md" || ending == "markdown") {
            found.push(path);
        }
    }
    found.sort();
}

/// What stands behind a front matter.
fn body(text: &str) -> &str {
    let text = text.trim_start();
    let mark = if text.starts_with("+++") { "\n+++" } else { "\n---" };
    text.find(mark).map_or(text, |end| text[end + 4..].trim_start())
}

#[test]
fn real_articles_come_out_whole_and_without_braces() {
    let mut documents = Vec::new();
    for (name, templating) in [
        ("18f-jekyll", Templating::Liquid),
        ("jekyll-docs", Templating::Liquid),
        ("numerique", Templating::Liquid),
        ("digitalgov-hugo", Templating::Hugo),
        ("rust-zola", Templating::Zola),
        ("designgouv", Templating::None),
    ] {
        let Some(folder) = corpus(name) else { continue };
        let mut found = Vec::new();
        files(&folder, &mut found);
        assert!(!found.is_empty(), "{name}");
        for file in found {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            let body = body(&text);
            let html = render(body, templating);
            check(&file.display().to_string(), &html);
            assert!(!html.starts_with("<pre>"), "{} is shown as it is", file.display());
            let shown = without_code(&html);
            for mark in ["{{", "{%", "{:"] {
                assert!(!shown.contains(mark), "{mark} in {}", file.display());
            }
            let words = |text: &str| text.split_whitespace().count();
            let said = words(&markdown::clean_html_to_text(&html));
            assert!(said * 3 >= words(body), "{said} of {} words are left of {}", words(body), file.display());
            documents.push(html);
        }
    }
    well_formed(&documents);
}

fn settings() -> SiteSettings {
    let yaml = "site: { generator: jekyll, url: https://www.example.fr, timezone: Europe/Paris, collections: { evenements: {} } }";
    SiteSettings::read(&crate::support::parse(yaml).unwrap().site, &Directory::new("nowhere")).unwrap().0
}

fn read(front: &str, body: &str) -> (Article, Vec<String>) {
    let bytes = format!("---\ntitle: Essai\n{front}\n---\n{body}").into_bytes();
    let file = SourceFile { path: "_evenements/essai.md".into(), bytes };
    let there = |path: &str| {
        let pixels = path.ends_with("png").then_some(Pixels { width: 640, height: 480 });
        let media_type = if pixels.is_some() { "image/png" } else { "audio/mpeg" };
        (!path.contains("absent")).then(|| FileFacts { length: 42, media_type: media_type.to_owned(), pixels })
    };
    let parsed = article::parse(&file, &settings(), &there, Depth::Full);
    let said = parsed.problems.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect();
    (parsed.article.unwrap_or_else(|| panic!("{:?}", parsed.problems)), said)
}

#[test]
fn an_event_has_its_hours_and_its_place() {
    for (front, start, end, all_day) in [
        (
            "event_start_date: 2024-03-05 09:30:00 +01:00\nevent_end_date: 2024-03-05 12:00:00 +01:00",
            "2024-03-05T09:30:00+01:00",
            Some("2024-03-05T12:00:00+01:00"),
            false,
        ),
        ("dateEvent: 2024-03-05", "2024-03-05T00:00:00+01:00", None, true),
        (
            "start_date: 2024-03-05\nend_date: 2024-03-07",
            "2024-03-05T00:00:00+01:00",
            Some("2024-03-07T00:00:00+01:00"),
            true,
        ),
        ("startDate: 2024-03-05 09:30\nendDate: 2024-03-05", "2024-03-05T09:30:00+01:00", None, false),
        (
            "startDate: 2024-03-05 09:30\nendDate: 2024-03-06",
            "2024-03-05T09:30:00+01:00",
            Some("2024-03-06T23:59:00+01:00"),
            false,
        ),
        (
            "date: 2024-03-05 09:30\nend_date: 2024-03-05 11:00",
            "2024-03-05T09:30:00+01:00",
            Some("2024-03-05T11:00:00+01:00"),
            false,
        ),
    ] {
        let (article, _) = read(front, "");
        let event = article.event.unwrap_or_else(|| panic!("{front}"));
        let found = (event.start.rfc3339(), event.end.map(|end| end.rfc3339()), event.all_day);
        assert_eq!(found, (start.to_owned(), end.map(str::to_owned), all_day), "{front}");
    }
    let (article, said) = read("event_start_date: 2024-03-05 09:30\nevent_end_date: 2024-03-04 09:30", "");
    assert!(
        article.event.unwrap().end.is_none() && said.iter().any(|line| line == "4: the event ends before it starts"),
        "{said:?}"
    );
    let (article, _) = read("date: 2024-03-05", "");
    assert_eq!(article.event, None);
    for (front, location) in [
        ("lieu: 'Lyon&nbsp;: <b>Hôtel</b>'\nadresse: 1 rue X", "Lyon\u{a0}: Hôtel, 1 rue X"),
        ("venue_name: Library\nroom: A\naddress: 1 Street\ncity: Washington", "Library, A, 1 Street, Washington"),
        ("venue: { venue_name: Library, address: 1 Street, city: Washington }", "Library, 1 Street, Washington"),
    ] {
        let (article, _) = read(&format!("start_date: 2024-03-05\n{front}"), "");
        assert_eq!(article.event.unwrap().location().as_deref(), Some(location));
    }
}

#[test]
fn files_and_images_have_what_is_true_of_them() {
    let front = "audio: /a.mp3\nvideo: https://video.fr/1\nenclosure: { url: https://cdn.fr/b.mp3, length: 7, type: audio/mpeg }\nfiles:\n- { file: /uploads/c.pdf, nom: C }\n- { lien: https://x.fr/y, nom: D }\n- { nom: E }\n- { file: /absent.pdf }\nimage: /i.png\nimage_alt: Une carte\nimage_caption: 'La *carte*'";
    let (article, said) = read(front, "![i.png](/i.png) ![b](/b.png)");
    let files: Vec<(&str, Option<&str>, u64)> =
        article.attachments.iter().map(|file| (file.url.as_str(), file.title.as_deref(), file.facts.length)).collect();
    assert_eq!(
        files,
        [
            ("https://www.example.fr/uploads/c.pdf", Some("C"), 42),
            ("https://cdn.fr/b.mp3", None, 7),
            ("https://www.example.fr/a.mp3", None, 42),
        ]
    );
    let image = &article.images[0];
    assert_eq!((image.alt.as_deref(), image.legend.as_deref()), (Some("Une carte"), Some("La carte")));
    assert_eq!(
        article.html(),
        "<p><img src=\"https://www.example.fr/i.png\" alt=\"Une carte\" width=\"640\" height=\"480\"> <img src=\"https://www.example.fr/b.png\" alt=\"b\" width=\"640\" height=\"480\"></p>"
    );
    assert_eq!(said.iter().filter(|line| line.contains("absent")).count(), 1, "{said:?}");
}

#[test]
fn what_an_editor_should_mend_has_its_place_in_the_file() {
    let (_, said) = read("date: 2024-03-05", "\nUn [mot](/absent.pdf)\n\n![](/b.png)");
    assert_eq!(
        said,
        [
            "6: the file /absent.pdf is not in the site's folder",
            "8: the image /b.png has no alternative text, so some readers will not know what it shows"
        ]
    );
}
