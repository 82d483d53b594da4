//! Thousands of strings that nobody would write, in every field of articles that an editor can fill: every document
//! stays well-formed, valid, and the same for every reader.

use crate::support::judged::{self, Item, files};
use crate::support::{Place, tools};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How many articles there are, and so strings in each field: more where nobody waits. `CRIEUR_TEST_STRINGS` says
/// another number, `CRIEUR_TEST_SEED` other strings.
fn asked() -> (usize, u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let many = if std::env::var_os("CI").is_some() { 10_000 } else { 1_000 };
    (number("CRIEUR_TEST_STRINGS").unwrap_or(many) as usize, number("CRIEUR_TEST_SEED").unwrap_or(1))
}

/// What breaks documents, readers, or both.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "]]>", "<![CDATA[", "&", "&amp;", "&eacute;", "&nbsp;", "&#0;", "&#xD800;", "&#xFFFE;", "&#133;", "&lt;b&gt;",
    "<", ">", "</title>", "</item>", "</b>", "<b>", "<a href='", "<script>x</script>", "<!--", "-->", "<?xml",
    "<!DOCTYPE", "\"", "'", "\\", "\\ud800", "\\u0000", "\\x00", "%", "%00", "%zz", "%2520", "{{", "}}", "{%", "%}",
    "{: .a}", "*", "_", "`", "#", "@", "|", "[", "](", ")", "!", "~", "^", "$$", "://", "//", "/../", "?", "#x", ":",
    ",", ";", " ", "  ", "\t", "\n", "\r\n", "\u{0}", "\u{1}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}", "\u{7f}",
    "\u{80}", "\u{85}", "\u{9f}", "\u{a0}", "\u{ad}", "\u{ff}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "\u{fdd0}",
    "\u{fdef}", "\u{1fffe}", "\u{10ffff}", "\u{feff}", "\u{200b}", "\u{200d}", "\u{200e}", "\u{202a}", "\u{202e}",
    "\u{2066}", "\u{2069}", "\u{2028}", "\u{2029}", "\u{202f}", "\u{3000}", "\u{301}", "e\u{301}", "\u{e9}",
    "\u{0338}", "\u{20dd}", "\u{0e49}", "\u{1100}\u{1161}", "\u{5d0}\u{5d1}", "\u{627}\u{644}", "\u{0660}",
    "\u{1f600}", "\u{1f1eb}\u{1f1f7}", "\u{1f469}\u{200d}\u{1f4bb}", "\u{e0041}", "\u{e000}", "\u{f0000}",
    "\u{20000}", "\u{1d400}", "\u{d7ff}", "â\u{80}\u{99}", "ﬁ", "ß", "İ", "ı", "Ω", "中文", "«\u{202f}", "\u{202f}»",
    "’", "œ", "mot", "Un ", "L'", "Ã ©",
];

/// A generator of its own, so that a seed gives the same strings for ever.
struct Strings(u64);

impl Strings {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    fn character(&mut self) -> char {
        let end = [0x80, 0x800, 0x1_0000, 0x11_0000][self.below(4)];
        char::from_u32(self.below(end) as u32).unwrap_or('\u{fffd}')
    }

    fn string(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(7) {
            if self.below(3) == 0 {
                text.push(self.character());
            } else {
                text.push_str(PIECES[self.below(PIECES.len())]);
            }
        }
        text
    }

    /// The same as a text of YAML, most of it by escapes.
    fn yaml(&mut self) -> String {
        yaml(&self.string())
    }
}

/// A text between quotation marks, every character that is no letter by its number.
fn yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match u32::from(c) {
            _ if c.is_ascii_alphanumeric() || c == ' ' => quoted.push(c),
            point @ 0..=0xff => write!(quoted, "\\x{point:02x}").unwrap(),
            point @ 0x100..=0xffff => write!(quoted, "\\u{point:04x}").unwrap(),
            point => write!(quoted, "\\U{point:08x}").unwrap(),
        }
    }
    quoted.push('"');
    quoted
}

/// Most entries that a feed may have.
const SHOWN: usize = 500;

/// A site of many articles, each in a feed of its collection.
fn site(many: usize, seed: u64) -> Place {
    let place = Place::empty(tempfile::tempdir().unwrap());
    let collections: String =
        (0..=many / SHOWN).map(|n| format!("  c{n}: {{ output: true, permalink: /c{n}/:title/ }}\n")).collect();
    place.write(
        "_config.yml",
        format!("title: Essai\nurl: https://www.example.fr\ntimezone: Europe/Paris\nlanguage: fr\ncollections:\n{collections}"),
    );
    let mut strings = Strings(seed.max(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    // Terms are fewer, since each makes a feed.
    let terms: Vec<String> = (0..many / 25 + 10).map(|_| strings.yaml()).collect();
    for number in 0..many {
        let mut front = format!("title: {}\n", yaml(&format!("{}{}", strings.string(), ["", "a"][number % 2])));
        let minute = number % 60;
        writeln!(
            front,
            "date: 2026-{:02}-{:02} {:02}:{minute:02}:00 +01:00",
            number / 40_320 % 9 + 1,
            number / 1_440 % 28 + 1,
            number / 60 % 24
        )
        .unwrap();
        let term = |strings: &mut Strings| terms[strings.below(terms.len())].clone();
        let kind = ["tags", "tags", "categories"][number % 3];
        writeln!(front, "{kind}: [{}]", term(&mut strings)).unwrap();
        // Authors have feeds too.
        writeln!(front, "auteur: {}", term(&mut strings)).unwrap();
        for key in ["chapeau-text", "lieu", "adresse", "correction", "lang"] {
            if strings.below(4) > 0 {
                writeln!(front, "{key}: {}", strings.yaml()).unwrap();
            }
        }
        write!(
            front,
            "une-ou-diaporama:\n- {{ image: {}, alternative-textuelle: {}, legende: {} }}\n",
            strings.yaml(),
            strings.yaml(),
            strings.yaml()
        )
        .unwrap();
        if number % 3 == 0 {
            writeln!(front, "event_start_date: 2027-01-{:02} 10:00:00 +01:00", number % 28 + 1).unwrap();
            writeln!(front, "event_end_date: 2027-02-{:02}", number % 28 + 1).unwrap();
            write!(
                front,
                "champs_informations:\n- {{ intitule: {}, contenu: {}, lien: {} }}\n",
                strings.yaml(),
                strings.yaml(),
                strings.yaml()
            )
            .unwrap();
        }
        if number % 4 == 0 {
            writeln!(front, "permalink: {}", yaml(&format!("/p/{number}/{}", strings.string()))).unwrap();
        }
        if number % 5 == 0 {
            let name = strings.string().replace(['/', '\0', '\n', '\r'], "");
            place.write(&format!("uploads/{number}{name}.pdf"), "%PDF-1.4");
            let (file, label) = (yaml(&format!("/uploads/{number}{name}.pdf")), strings.yaml());
            write!(front, "files:\n- {{ file: {file}, nom: {label} }}\n").unwrap();
        }
        // The name of the file makes the address of the others.
        let name = strings.string().replace(['/', '\0'], "");
        place.write(
            &format!("_c{}/{number}-{name}.md", number / SHOWN),
            format!("---\n{front}---\n{}\n", strings.string()),
        );
    }
    place
}

/// Whether a reader sees what it should: nothing in a title of RSS may look like a tag, and readers make something of
/// what looks like an entity, and of what is empty, in an address.
fn alike(item: &Item, expected: &Item) -> bool {
    let title = |item: &Item| item.title.replace(|c: char| "<>‹›&".contains(c) || c.is_whitespace(), "");
    let url = item.url == expected.url || expected.url.contains(['&', ';', '?', '#']);
    let same = title(item) == title(expected) || looks_twice_encoded(&expected.title);
    url && same && (&item.id, item.published) == (&expected.id, expected.published)
}

/// Whether a text could be UTF-8 that was taken for Latin-1 and encoded again, which feedparser undoes.
fn looks_twice_encoded(text: &str) -> bool {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.is_some_and(|bytes| !bytes.is_ascii() && std::str::from_utf8(&bytes).is_ok())
}

#[test]
fn whatever_stands_in_an_article_every_document_is_right_for_every_reader() {
    let (many, seed) = asked();
    let place = site(many, seed);
    let out = place.path("out");
    let root = format!("site: {{ root: {:?} }}", place.site());
    let site = judged::made("strings", &out, &root, &format!("entries: {SHOWN}"));
    let shown: BTreeSet<&str> = site.feeds.values().flatten().map(|item| item.id.as_str()).collect();
    println!("{} of {many} articles are shown, in {} documents, seed {seed}", shown.len(), files(&out).len());
    assert!(shown.len() > many * 3 / 4);
    for (path, items) in &site.feeds {
        let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), items.len(), "{path}");
    }
    let read: Vec<PathBuf> = site.feeds.keys().map(|path| out.join(path.trim_start_matches('/'))).collect();
    // For readers each article in one feed: they see the same of it in others.
    let each = |path: &&PathBuf| path.parent().is_some_and(|folder| folder.ends_with("collection"));
    let list: String = read.iter().filter(each).map(|path| format!("{}\n", path.display())).collect();
    let is = |path: &&PathBuf, extension: &str| path.extension().is_some_and(|found| found == extension);

    let xml = judged::xml(&out);
    if let Some(mut xmllint) = tools::program("xmllint") {
        let output = xmllint.args(["--noout", "--huge"]).args(&xml).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}", said.chars().take(2_000).collect::<String>());
    }
    let same = |reader: &str, seen: BTreeMap<PathBuf, Vec<Item>>| {
        let mut differences = BTreeMap::new();
        for (path, items) in seen {
            let address = format!("/{}", path.strip_prefix(&out).unwrap().display());
            let expected = &site.feeds[&address];
            assert_eq!(items.len(), expected.len(), "{reader} {address}");
            for (item, expected) in items.iter().zip(expected).filter(|(item, expected)| !alike(item, expected)) {
                differences.insert(expected.id.clone(), format!("{address}\n{item:?}\n{expected:?}"));
            }
        }
        let some: Vec<_> = differences.values().take(10).map(String::as_str).collect();
        assert!(some.is_empty(), "{reader}: {} differences\n{}", differences.len(), some.join("\n"));
    };
    let json: Vec<&PathBuf> = read.iter().filter(|path| is(path, "json")).collect();
    assert!(json.len() > 20);
    same("serde_json", json.iter().map(|path| ((*path).clone(), json_items(path))).collect());
    let fed: String =
        read.iter().filter(each).filter(|path| !is(path, "json")).map(|path| format!("{}\n", path.display())).collect();
    if let Some(mut python) = tools::python("read_feedparser.py") {
        for (reader, seen) in crate::readers::seen(&tools::judged(&mut python, fed)) {
            same(&format!("feedparser{reader}"), seen);
        }
    }
    if let Some(mut node) = tools::node("read_node.mjs") {
        for (reader, seen) in crate::readers::seen(&tools::judged(&mut node, list)) {
            same(&reader, seen);
        }
    }
    let documents: Vec<(PathBuf, String)> = files(&out)
        .into_iter()
        .map(|file| (file.clone(), format!("https://flux.example.fr/{}", file.strip_prefix(&out).unwrap().display())))
        .collect();
    crate::judge::nothing_against(&documents);
}

fn json_items(path: &Path) -> Vec<Item> {
    let feed: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |item: &serde_json::Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let items = feed["items"].as_array().unwrap().iter();
    items
        .map(|item| Item {
            id: text(item, "id"),
            title: text(item, "title"),
            url: text(item, "url"),
            published: text(item, "date_published").parse::<jiff::Timestamp>().unwrap().as_second(),
        })
        .collect()
}
