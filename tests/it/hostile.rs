//! A site that nobody sane makes: every bad file is told of once, with its cure, and no good one is touched by it.

use crate::support::{Crieur, Place, corpus};
use crieur::problem::{Problem, Severity};
use crieur::reconcile::Reconciler;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Output;

const FRONT: &str = "---\ntitle: Un titre\ndate: 2026-01-10 09:00:00 +01:00\n---\n";

/// Good articles, some under names that are hard to handle.
fn good(place: &Place) {
    let long = "n".repeat(247);
    let names = [
        "simple",
        "avec des espaces",
        "deux: points",
        "«\u{a0}guillemets\u{a0}» et l’apostrophe",
        "e\u{301}te\u{301}-nfd",
        "été-nfc",
        "cent %e2 pour cent",
        "ligne\nsuivante",
        "a?b#c&d",
        "'\"<x>",
        "-rf",
        "\u{1f4e3}",
        &long,
    ];
    for (at, name) in names.iter().enumerate() {
        let day = at + 10;
        place.article(&format!("_actualites/{name}.md"), &format!("title: Titre {at}\ndate: 2026-01-{day} 09:00:00 Z"));
    }
    // Two names that look the same are two files.
    place.article("_actualites/t\u{e9}l\u{e9}.md", "title: Composé\ndate: 2026-02-01 09:00:00 Z\nslug: tele-c");
    place.article("_actualites/te\u{301}le\u{301}.md", "title: Décomposé\ndate: 2026-02-02 09:00:00 Z\nslug: tele-d");
}

/// Bad files, each with the kind of its problem; the empty name stands for none.
fn bad(place: &Place) -> BTreeMap<String, &'static str> {
    let folder = place.site().join("_actualites");
    fs::create_dir_all(&folder).unwrap();
    let mut kinds = BTreeMap::new();
    let fifo = std::process::Command::new("mkfifo").arg(folder.join("tube.md")).status();
    if fifo.is_ok_and(|status| status.success()) {
        kinds.insert("_actualites/tube.md".to_owned(), "unreadable-file");
    } else {
        println!("skipped: there is no mkfifo");
    }
    drop(UnixListener::bind(folder.join("prise.md")).unwrap());
    symlink("boucle.md", folder.join("boucle.md")).unwrap();
    symlink("nulle-part.md", folder.join("pendu.md")).unwrap();
    symlink("/dev/zero", folder.join("zero.md")).unwrap();
    symlink("..", folder.join("tourne")).unwrap();
    symlink(".", folder.join("en-rond.md")).unwrap();
    let big = fs::File::create(folder.join("creux.md")).unwrap();
    big.set_len(100 * 1024 * 1024).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"pas-\xe9.md")), FRONT).unwrap();
    let deep = folder.join(vec!["d"; 60].join("/"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("fond.md"), FRONT).unwrap();
    for name in ["prise.md", "boucle.md", "pendu.md", "zero.md", "creux.md", "pas-\u{fffd}.md"] {
        kinds.insert(format!("_actualites/{name}"), "unreadable-file");
    }
    kinds.insert(format!("_actualites/{}", vec!["d"; 32].join("/")), "unreadable-file");
    for (name, bytes, kind) in contents() {
        place.write(&format!("_actualites/{name}.md"), bytes);
        kinds.insert(format!("_actualites/{name}.md"), kind);
    }
    for at in 0..5_000 {
        place.write(&format!("_communiques/vide-{at}.md"), "");
        kinds.insert(format!("_communiques/vide-{at}.md"), "bad-front-matter");
    }
    kinds
}

fn contents() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let front = |yaml: String| format!("---\ntitle: x\n{yaml}\n---\n").into_bytes();
    let utf16 = FRONT.encode_utf16().flat_map(u16::to_le_bytes);
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let bomb: String = letters
        .windows(2)
        .map(|pair| format!("{}: &{} [{}]\n", pair[1], pair[1], vec![format!("*{}", pair[0]); 9].join(",")))
        .collect();
    let quotes = |depth: usize| format!("{FRONT}{} x\n", "> ".repeat(depth)).into_bytes();
    vec![
        ("latin1", b"---\ntitle: \xe9t\xe9\ndate: 2026-01-10\n---\n".to_vec(), "unreadable-file"),
        ("utf16", [0xff, 0xfe].into_iter().chain(utf16).collect(), "unreadable-file"),
        ("nul", front("a: \0".to_owned()), "bad-front-matter"),
        ("tirets", "-".repeat(500_000).into_bytes(), "no-article"),
        ("tirets-seuls", b"---\n".to_vec(), "bad-front-matter"),
        ("sans-fin", format!("---\ntitle: x\n{}", "une ligne: a\n".repeat(240_000)).into_bytes(), "bad-front-matter"),
        ("bombe", front(format!("a: &a [x,x,x,x,x,x,x,x,x]\n{bomb}")), "bad-front-matter"),
        ("flot", front(format!("a: {}{}", "[".repeat(9_000), "]".repeat(9_000))), "bad-front-matter"),
        ("flot-bas", front(format!("a: {}{}", "[".repeat(480), "]".repeat(480))), "bad-front-matter"),
        ("escalier", front((0..300).map(|at| format!("{}a:\n", " ".repeat(at))).collect()), "bad-front-matter"),
        ("tirets-de-liste", front(format!("a: {}x", "- ".repeat(9_000))), "bad-front-matter"),
        ("listes", front(format!("a:\n  {}x", "- ".repeat(9_000))), "bad-front-matter"),
        ("ancre", front("a: &a [*a]".to_owned()), "bad-front-matter"),
        ("enorme", front(format!("b: {}", "x".repeat(900_000))), "bad-front-matter"),
        ("etiquette", front("a: !Objet x".to_owned()), "bad-front-matter"),
        ("liste", b"---\n- a\n- b\n---\n".to_vec(), "bad-front-matter"),
        ("toml", b"+++\ntitle = 'x'\n+++\n".to_vec(), "bad-front-matter"),
        ("sans-titre-vide", b"---\ntitle: \"\"\ndate: 2026-01-10\n---\n".to_vec(), "missing-title"),
        ("date", front("date: demain".to_owned()), "bad-date"),
        ("date-longue", front(format!("date: {}", "9".repeat(60_000))), "bad-date"),
        ("fin", front("date: 2026-01-10\nexpires: [1]".to_owned()), "bad-date"),
        ("etat", front("published: peut-être".to_owned()), "bad-truth"),
        ("citations", quotes(30_000), "unreadable-file"),
        ("html", format!("{FRONT}{}", "<div>".repeat(200_000)).into_bytes(), "unreadable-file"),
        ("texte", b"Rien qu'un texte.\n".to_vec(), "no-article"),
        ("octets", (0..=255u8).cycle().take(100_000).collect(), "unreadable-file"),
    ]
}

/// The binary under limits of memory and time that no honest work meets.
fn limited(crieur: &Crieur, arguments: &[&str]) -> Output {
    let command = crieur.command(arguments);
    let script = "ulimit -v 2097152; exec timeout 400 \"$0\" \"$@\"";
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", script]).arg(command.get_program()).args(command.get_args()).env_remove("CRIEUR_LOG");
    limited.output().unwrap()
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

fn inspected(place: &Place) -> Vec<Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut reconciler = Reconciler::new(place.config(""));
        reconciler.glance(None, "2026-11-22T12:00:00Z".parse().unwrap()).await.unwrap();
        reconciler.inspect(|_| true).await.unwrap()
    })
}

#[test]
fn bad_files_are_told_of_once_and_touch_no_other() {
    let (clean, hostile) = (Place::new(), Place::new());
    good(&clean);
    good(&hostile);
    let kinds = bad(&hostile);
    let built = |place: &Place| {
        let out = place.path("out");
        let output = limited(&place.crieur(""), &["build", "--out", out.to_str().unwrap()]);
        assert!(output.status.success(), "{:?} {}", output.status, String::from_utf8_lossy(&output.stderr));
        files(&out)
    };
    let (expected, found) = (built(&clean), built(&hostile));
    assert!(expected.len() > 3 && expected.keys().eq(found.keys()), "{:?}", found.keys());
    let differs: Vec<&PathBuf> = expected.keys().filter(|name| expected.get(*name) != found.get(*name)).collect();
    assert!(differs.is_empty(), "{differs:?}");
    let feed = String::from_utf8_lossy(&expected[Path::new("feeds/all.rss")]).into_owned();
    assert_eq!(feed.matches("<item>").count(), 15);

    let problems = inspected(&hostile);
    let mut told: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
    problems.iter().for_each(|problem| told.entry(&problem.file).or_default().push(problem));
    for (file, kind) in &kinds {
        let of_file = told.remove(file.as_str()).unwrap_or_default();
        let kinds: Vec<&str> = of_file.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [*kind], "{file}: {of_file:#?}");
        assert!(of_file.iter().all(|problem| problem.cure.is_some() && problem.line > 0), "{of_file:#?}");
    }
    assert!(told.is_empty(), "{told:#?}");

    let crieur = hostile.crieur("");
    let output = limited(&crieur, &["check", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    for file in kinds.keys() {
        let of_file = |problem: &&serde_json::Value| problem["file"].as_str().unwrap().ends_with(&format!("/{file}"));
        if !file.contains("vide-") {
            assert_eq!(said.iter().filter(of_file).count(), 1, "{file}");
        }
    }
    // A pass, and one more that finds everything as it was.
    for _ in 0..2 {
        let output = limited(&crieur, &["run", "--once"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn texts_that_nobody_writes_are_read_within_bounds() {
    let place = Place::new();
    good(&place);
    // Without optimisation a megabyte of each takes minutes: CRIEUR_TEST_BYTES=1000000 asks for it.
    let bytes = std::env::var("CRIEUR_TEST_BYTES").ok().and_then(|bytes| bytes.parse().ok()).unwrap_or(50_000usize);
    let many = |text: &str| text.repeat(bytes / text.len());
    for (at, text) in [
        "[",
        "*",
        "<",
        "{{",
        "{%",
        "_",
        "`",
        "~",
        "|",
        "!",
        "![",
        "[](",
        "[a](",
        "](",
        "<a",
        "<!--",
        "<?",
        "&#",
        "$$",
        "**a*",
        "[^a]",
        "[^a]: ",
        "{{<",
        "{% if %}",
        "{: #a }",
        "* a\n",
        "# ",
        "a\n---\n",
        "\\",
        "<b>",
        "</b>",
        "- - ",
        "{% raw %}",
        "http://a",
        "<img src=",
        "*[a]: b\n",
        "\u{301}",
    ]
    .iter()
    .enumerate()
    {
        let front = format!("title: Texte {at}\ndate: 2026-03-01 09:00:{at:02} Z");
        place.write(&format!("_communiques/texte-{at}.md"), format!("---\n{front}\n---\n{}\n", many(text)));
    }
    let crieur = place.crieur("feeds: { entries: 60 }");
    let out = place.path("out");
    for arguments in [&["build", "--out", out.to_str().unwrap()][..], &["check", "--json"], &["run", "--once"]] {
        let output = limited(&crieur, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?} {:?}: {said}", output.status);
    }
    let feed = fs::read_to_string(out.join("feeds/all.rss")).unwrap();
    for at in 0..13 {
        assert!(feed.contains(&format!("<title>Titre {at}</title>")), "{at}");
    }
}

#[test]
fn front_matter_of_the_other_generators_that_nobody_writes_is_told_of() {
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let many: String = (0..10_000).map(|at| format!("k{at} = 1\n")).collect();
    let toml = |text: String| format!("+++\ntitle = 'x'\n{text}\n+++\n");
    let json = |text: String| format!("{{\"title\": \"x\", \"a\": {text}}}\n");
    let bad = [
        ("profond", toml(format!("a = {}", deep("[", "]", 20_000)))),
        ("tables", toml(format!("a = {}", deep("{a=", "}", 5_000)))),
        ("points", toml(format!("{}x = 1", "a.".repeat(20_000)))),
        ("entetes", toml(format!("[{}x]", "a.".repeat(20_000)))),
        ("beaucoup", toml(many)),
        ("double", toml("a = 1\na = 2".to_owned())),
        ("sans-fin", "+++\ntitle = 'x'\n".to_owned() + &"x = 1\n".repeat(400_000)),
        ("json-profond", json(deep("[", "]", 20_000))),
        ("json-objets", json(deep("{\"a\":", "}", 5_000).replace(":}", ":1}"))),
        ("json-enorme", json(format!("\"{}\"", "x".repeat(200_000)))),
        ("json-sans-fin", "{\"title\": \"x\", ".repeat(90_000)),
        ("json-latin", "{\n\"title\": 'x'\n}\n".to_owned()),
    ];
    for (generator, settings) in
        [("hugo", "baseURL = 'https://www.example.fr/'\n"), ("zola", "base_url = 'https://www.example.fr'\n")]
    {
        let place = Place::empty(tempfile::tempdir().unwrap());
        place.write("config.toml", settings);
        place.write("content/blog/bon.md", "+++\ntitle = 'Bon'\ndate = 2026-01-10\n+++\nUn texte.\n");
        for (name, text) in &bad {
            place.write(&format!("content/blog/{name}.md"), text);
        }
        let problems = inspected(&place);
        for (name, _) in &bad {
            let file = format!("content/blog/{name}.md");
            let of_file: Vec<&Problem> = problems.iter().filter(|problem| problem.file == file).collect();
            // Zola reads no JSON.
            let expected = match (generator, name.starts_with("json")) {
                ("zola", true) => "no-article",
                _ => "bad-front-matter",
            };
            assert!(of_file.len() == 1 && of_file[0].kind == expected, "{generator} {name}: {of_file:#?}");
            assert!(of_file[0].cure.is_some(), "{generator} {name}");
        }
        let out = place.path("out");
        let output = limited(&place.crieur(""), &["build", "--out", out.to_str().unwrap()]);
        assert!(output.status.success(), "{generator}: {}", String::from_utf8_lossy(&output.stderr));
        let feed = fs::read_to_string(out.join("feeds/all.rss")).unwrap();
        assert!(feed.contains("<title>Bon</title>") && feed.matches("<item>").count() == 1, "{generator}: {feed}");
    }
}

#[test]
fn a_folder_without_rights_leaves_everything_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    good(&place);
    let crieur = place.crieur("feeds: { export: out }");
    let run = || crieur.command(&["run", "--once"]).current_dir(place.folder.path()).output().unwrap();
    assert!(run().status.success());
    let closed = place.site().join("_communiques/ferme");
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        println!("skipped: who runs this may read every folder");
        return;
    }
    let before = files(&place.path("out"));
    let output = run();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!output.status.success() && said.contains("ferme"), "{said}");
    assert_eq!(before, files(&place.path("out")));
}

/// The folders of test material, with what their sites need to be read.
const CORPORA: [(&str, &str); 6] = [
    ("numerique", "url: https://www.numerique.gouv.fr"),
    ("18f-jekyll", "url: https://18f.gsa.gov"),
    ("jekyll-docs", "url: https://jekyllrb.com"),
    ("digitalgov-hugo", "url: https://digital.gov"),
    ("rust-zola", "generator: zola, url: https://blog.rust-lang.org"),
    ("designgouv", "generator: plain, url: https://design.numerique.gouv.fr"),
];

#[test]
fn every_problem_of_real_sites_has_a_kind_and_a_cure() {
    for (name, site) in CORPORA {
        let Some(root) = corpus(name) else { continue };
        let place = Place::empty(tempfile::tempdir().unwrap());
        let yaml =
            format!("site: {{ root: {root:?}, {site} }}\nstore: \"sqlite:{}\"\n", place.path("crieur.db").display());
        let config = std::sync::Arc::new(crate::support::parse(&yaml).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let problems = runtime.block_on(async {
            let mut reconciler = Reconciler::new(config);
            reconciler.glance(None, "2026-11-22T12:00:00Z".parse().unwrap()).await.unwrap();
            reconciler.inspect(|_| true).await.unwrap()
        });
        for problem in &problems {
            assert!(!problem.kind.starts_with("other-") && problem.cure.is_some(), "{name}: {problem:?}");
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        println!("{name}: {} problems, {errors} errors", problems.len());
        assert!(!problems.is_empty() || name == "rust-zola", "{name}: nothing at all is improbable");
    }
}

/// Files of a site in memory, for settings.
struct Files(Vec<(&'static str, &'static str)>);

impl crieur::article::Tree for Files {
    fn read(&self, path: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned())
    }

    fn files(&self, folder: &str, deep: bool) -> Vec<String> {
        let under = |path: &&str| match folder {
            "" => deep || !path.contains('/'),
            folder => path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/') && (deep || !rest[1..].contains('/'))),
        };
        self.0.iter().map(|(path, _)| *path).filter(under).map(str::to_owned).collect()
    }
}

mod fuzz {
    use super::Files;
    use crieur::article::{self, Article, Depth, FileFacts, SiteSettings, SourceFile};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// A site of each generator, with the paths at which an article can stand.
    static SITES: LazyLock<Vec<(SiteSettings, &[&str])>> = LazyLock::new(|| {
        let sites: [(&str, &str, &str, &[&str]); 4] = [
            (
                "jekyll",
                "_config.yml",
                "timezone: Europe/Paris\nexcerpt_separator: <!--more-->\n",
                &["_posts/2026-01-10-a.md", "a/_posts/2026-13-40-b.md", "_posts/sans-date.md"],
            ),
            ("hugo", "hugo.toml", "title = 'x'\n", &["content/blog/a.md", "content/blog/2026-01-10-b/index.md"]),
            ("zola", "config.toml", "base_url = 'https://x.fr'\n", &["content/blog/2026-01-10-a.md", "content/a.md"]),
            ("plain", "astro.config.mjs", "", &["src/content/blog/a.md", "src/content/blog/2026-01-10-b.mdx"]),
        ];
        let read = |(generator, file, settings, paths): (&str, _, _, &'static [&'static str])| {
            let yaml = format!("site: {{ generator: {generator}, url: https://www.example.fr }}\n");
            let config = crate::support::parse(&yaml).unwrap();
            let documents = ["content/blog/x.md", "content/blog/index.md", "src/content/blog/x.md"];
            let documents = documents.iter().map(|path| (*path, "---\ntitle: x\ndate: 2026-01-01\n---\n"));
            let files = Files(std::iter::once((file, settings)).chain(documents).collect());
            (SiteSettings::read(&config.site, &files).unwrap().0, paths)
        };
        sites.into_iter().map(read).collect()
    });

    const KEYS: [&str; 34] = [
        "title",
        "date",
        "published",
        "draft",
        "tags",
        "categories",
        "permalink",
        "slug",
        "url",
        "aliases",
        "lang",
        "image",
        "images",
        "file",
        "social",
        "expires",
        "publishDate",
        "expiryDate",
        "updated",
        "taxonomies",
        "extra",
        "id",
        "author",
        "event_start_date",
        "event_end_date",
        "excerpt_separator",
        "chapeau",
        "path",
        "render",
        "build",
        "layout",
        "redirect_from",
        "Title",
        "<<",
    ];

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => proptest::sample::select(vec![
                "true", "false", "non", "2026-01-10", "2026-01-10 09:00:00", "2026-01-10T09:00:00Z", "demain", "[]",
                "[a, B, a]", "{ a: b }", "'l''été'", "\"x\\ty\"", "/:year/:title/", "/a b/../c", "~", "", "0", "1.5",
                "9999-12-31", "-1", "https://[::1", "../x.png", "\"{{ title }} {{ x\"", "[[a], {b: c}]", "&a [*a]",
                "{ tags: [x], categories: [y] }", "{ render: never }", "|\n  a\n  b", "<b>x</b> &amp; *y*", "\"\\u0000\"",
            ]).prop_map(str::to_owned),
            1 => "\\PC{0,12}",
        ]
    }

    fn front() -> impl Strategy<Value = String> {
        let line = (proptest::sample::select(KEYS.to_vec()), value());
        (0u8..4, proptest::collection::vec(line, 0..8), proptest::option::of("\\PC{0,9}")).prop_map(
            |(form, lines, junk)| {
                let with = |between: &str, end: &str| -> String {
                    lines.iter().map(|(key, value)| format!("{key}{between}{value}{end}")).collect()
                };
                let junk = junk.unwrap_or_default();
                match form {
                    0 | 1 => format!("---\n{}{junk}\n---\n", with(": ", "\n")),
                    2 => format!("+++\n{}{junk}\n+++\n", with(" = ", "\n")),
                    _ => {
                        let pairs: Vec<String> =
                            lines.iter().map(|(key, value)| format!("{key:?}: {value:?}")).collect();
                        format!("{{{}{junk}}}\n", pairs.join(", "))
                    }
                }
            },
        )
    }

    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::sample::select(vec![
                "[a](/b)",
                "![](x.png)",
                "{{ x }}",
                "{% raw %}",
                "{% if a %}",
                "{{< ref \"a\" >}}",
                "{{% b %}}",
                "<p>",
                "</div>",
                "<div markdown=1>",
                "```\n",
                "> ",
                "- ",
                "{: .a }",
                "$$",
                "[^1]",
                "[^1]: x\n",
                "<!--more-->",
                "*[a]: b\n",
                "| a | b |\n|---|---|\n",
                "# x {#y}\n",
                "\n",
                "&amp",
                "\u{0}",
                "<script>",
                "{::comment}",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,6}".prop_map(|text| text),
        ];
        proptest::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat())
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            6 => (front(), text()).prop_map(|(front, text)| (front + &text).into_bytes()),
            1 => (front(), proptest::collection::vec(any::<u8>(), 0..60))
                .prop_map(|(front, bytes)| [front.into_bytes(), bytes].concat()),
            1 => proptest::collection::vec(any::<u8>(), 0..80),
        ]
    }

    /// What the head of a file says, whatever else of it is read.
    fn head(article: &Article) -> impl PartialEq + std::fmt::Debug + use<> {
        let article = article.clone();
        (
            (article.path, article.collection, article.title, article.url, article.aliases, article.own_id),
            (article.date, article.modified, article.expires, article.published, article.shown_early),
            (article.categories, article.tags, article.author, article.language, article.chapeau),
            (article.event, article.social),
        )
    }

    proptest! {
        #[test]
        fn a_file_says_the_same_however_much_of_it_is_read(bytes in bytes(), which in any::<proptest::sample::Index>()) {
            for (site, paths) in SITES.iter() {
                let file = SourceFile { path: which.get(paths).to_string(), bytes: bytes.clone() };
                prop_assert!(site.collection_of(&file.path).is_some(), "{}", file.path);
                let there = |path: &str| {
                    let facts = FileFacts { length: 1, media_type: "image/png".to_owned(), pixels: None };
                    path.ends_with("x.png").then_some(facts)
                };
                let read = |depth| article::parse(&file, site, &there, depth);
                let (short, text, full) = (read(Depth::Head), read(Depth::Text), read(Depth::Full));
                for other in [&text, &full] {
                    prop_assert_eq!(short.broken, other.broken, "{}", &file.path);
                    prop_assert_eq!(short.article.as_ref().map(head), other.article.as_ref().map(head), "{}", &file.path);
                }
                for problem in &full.problems {
                    prop_assert!(!problem.kind.starts_with("other-") && problem.cure.is_some(), "{problem:?}");
                    prop_assert!(problem.line > 0 && problem.column > 0, "{problem:?}");
                }
                prop_assert!(full.article.is_some() || !full.broken || !full.problems.is_empty());
                if let Some(article) = full.article {
                    let html = article.html();
                    prop_assert!(!html.contains("<script") && !html.contains('\0'), "{html}");
                }
            }
        }
    }
}
