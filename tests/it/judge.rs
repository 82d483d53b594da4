//! The rules of the W3C feed validator, written anew in `tests/tools/judge`, over every document of every site; and for
//! each rule a document with that fault alone, since a judge who never says no is no proof.

use crate::support::judged::{NOW, files, sites};
use crate::support::tools;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the judge says of files at their addresses: by file, the rules and details.
fn judged(documents: &[(PathBuf, String)]) -> Option<BTreeMap<PathBuf, Vec<(String, String)>>> {
    let mut python = tools::python("judge")?;
    let list: String = documents.iter().map(|(file, address)| format!("{}\t{address}\n", file.display())).collect();
    let said = tools::judged(python.arg(NOW), list);
    let mut against: BTreeMap<PathBuf, Vec<(String, String)>> = BTreeMap::new();
    for line in said.lines() {
        let [file, rule, detail] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        against.entry(file.into()).or_default().push((rule.to_owned(), detail.to_owned()));
    }
    Some(against)
}

#[test]
fn the_rules_of_the_w3c_validator_find_nothing_in_any_document() {
    let mut documents = Vec::new();
    for site in sites() {
        for file in files(&site.folder) {
            let address = format!("https://flux.example.fr/{}", file.strip_prefix(&site.folder).unwrap().display());
            documents.push((file, address));
        }
    }
    assert!(documents.len() > 60);
    nothing_against(&documents);
}

/// Stops with what the judge says against documents.
pub fn nothing_against(documents: &[(PathBuf, String)]) {
    let is_calendar = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "ics");
    let documents: Vec<_> = documents.iter().filter(|(file, _)| !is_calendar(file)).cloned().collect();
    let Some(against) = judged(&documents) else { return };
    println!("{} documents judged", documents.len());
    // One fault of an article stands in each of its feeds.
    let mut faults: BTreeMap<(String, String), Vec<PathBuf>> = BTreeMap::new();
    for (file, found) in against {
        found.into_iter().for_each(|fault| faults.entry(fault).or_default().push(file.clone()));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

const ADDRESS: &str = "https://flux.example.fr/feeds/all";

const RSS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:ev="http://purl.org/rss/1.0/modules/event/" xmlns:media="http://search.yahoo.com/mrss/">
<channel>
<title>Un flux</title>
<link>https://www.example.fr/</link>
<description>Tout</description>
<language>fr</language>
<lastBuildDate>Fri, 20 Nov 2026 10:00:00 +0100</lastBuildDate>
<atom:link href="https://flux.example.fr/feeds/all.rss" rel="self" type="application/rss+xml"/>
<item>
<title>Un titre</title>
<link>https://www.example.fr/a/</link>
<description>&lt;p&gt;Un texte&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>Un <a href="https://www.example.fr/b/">texte</a> <img src="https://www.example.fr/i.png" alt=""></p>]]></content:encoded>
<guid isPermaLink="false">urn:uuid:af549427-f27b-54cb-92dc-c6150b4131fc</guid>
<pubDate>Fri, 20 Nov 2026 10:00:00 +0100</pubDate>
<category domain="https://flux.example.fr/feeds/tag/">Cloud</category>
<enclosure url="https://www.example.fr/a.pdf" length="5" type="application/pdf"/>
<dc:creator>Une autrice</dc:creator>
<ev:startdate>2027-01-01T10:00:00+01:00</ev:startdate>
<media:content url="https://www.example.fr/i.png" type="image/png" fileSize="9"><media:description type="plain">Une image</media:description></media:content>
<atom:updated>2026-11-20T10:00:00+01:00</atom:updated>
</item>
<item>
<title>Un autre</title>
<link>https://www.example.fr/c/</link>
<description>Un autre texte</description>
<guid isPermaLink="false">urn:uuid:bf549427-f27b-54cb-92dc-c6150b4131fc</guid>
<pubDate>Thu, 19 Nov 2026 10:00:00 GMT</pubDate>
</item>
</channel>
</rss>
"#;

const ATOM: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0" xml:lang="fr">
<title>Un flux</title>
<id>urn:uuid:a976bfdd-30d7-5d81-9ed4-5721213fc875</id>
<updated>2026-11-20T10:00:00+01:00</updated>
<author><name>Une agence</name><uri>https://www.example.fr/</uri></author>
<link href="https://flux.example.fr/feeds/all.atom" rel="self" type="application/atom+xml"/>
<link href="https://www.example.fr/" rel="alternate" type="text/html"/>
<link href="https://flux.example.fr/feeds/current.atom" rel="current"/>
<link href="https://flux.example.fr/feeds/1.atom" rel="prev-archive"/>
<fh:archive/>
<entry>
<title>Un titre</title>
<id>urn:uuid:af549427-f27b-54cb-92dc-c6150b4131fc</id>
<updated>2026-11-20T10:00:00+01:00</updated>
<published>2026-11-20T10:00:00+01:00</published>
<category term="cloud" label="Cloud" scheme="https://flux.example.fr/feeds/tag/"/>
<link href="https://www.example.fr/a/" rel="alternate" type="text/html"/>
<link href="https://www.example.fr/a.pdf" rel="enclosure" type="application/pdf" length="5" title="Un document"/>
<summary type="html">&lt;p&gt;Un texte&lt;/p&gt;</summary>
<content type="html" xml:base="https://www.example.fr/a/">&lt;p&gt;Un texte&lt;/p&gt;</content>
</entry>
<entry>
<title>Un autre</title>
<id>urn:uuid:bf549427-f27b-54cb-92dc-c6150b4131fc</id>
<updated>2026-11-19T10:00:00+01:00</updated>
<published>2026-11-19T10:00:00+01:00</published>
<link href="https://www.example.fr/c/" rel="alternate" type="text/html"/>
<summary>Un autre texte</summary>
</entry>
</feed>
"#;

const JSON: &str = r#"{"version":"https://jsonfeed.org/version/1.1","title":"Un flux","home_page_url":"https://www.example.fr/","feed_url":"https://flux.example.fr/feeds/all.json","language":"fr","authors":[{"name":"Une agence"}],"hubs":[{"type":"WebSub","url":"https://flux.example.fr/hub"}],"items":[{"id":"urn:uuid:af549427-f27b-54cb-92dc-c6150b4131fc","url":"https://www.example.fr/a/","title":"Un titre","content_html":"<p>Un texte</p>","date_published":"2026-11-20T10:00:00+01:00","date_modified":"2026-11-20T10:00:00+01:00","tags":["Cloud","Numérique"],"attachments":[{"url":"https://www.example.fr/a.pdf","mime_type":"application/pdf","size_in_bytes":5}],"_crieur_event":{"start":"2027-01-01"}},{"id":"urn:uuid:bf549427-f27b-54cb-92dc-c6150b4131fc","url":"https://www.example.fr/c/","content_text":"Un autre","date_published":"2026-11-20T10:00:00+01:00","date_modified":"2026-11-20T10:00:00+01:00"}]}
"#;

const OPML: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<opml version="2.0">
<head><title>Les flux</title><dateModified>Fri, 20 Nov 2026 10:00:00 +0100</dateModified></head>
<body>
<outline text="Mots clés">
<outline text="Tout" title="Tout" type="rss" version="RSS2" language="fr" xmlUrl="https://flux.example.fr/feeds/all.rss" htmlUrl="https://www.example.fr/"/>
</outline>
</body>
</opml>
"#;

/// Faults: in which document what is written for what, and the rule that must be named.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("rss", "Un titre", "Un \u{b} titre", "SAXError"),
    ("rss", "Un titre", "Un \u{85} titre", "BadCharacters"),
    ("rss", "Un titre", "Un \u{fffd} titre", "BadCharacters"),
    ("rss", "Un titre", "Un \u{fdd0} titre", "BadCharacters"),
    ("rss", "Un titre", "Un &lt;b&gt;gros&lt;/b&gt; titre", "ContainsHTML"),
    ("rss", "Un titre", "Un titre &amp;eacute;", "ContainsHTML"),
    ("rss", "Un titre", "Un &lt;a", "CharacterData"),
    ("rss", "<title>Un titre</title>", "<title/>", "NotBlank"),
    ("rss", "<title>Un titre</title>", "<title>Un titre</title><title>b</title>", "DuplicateElement"),
    ("rss", "<title>Un flux</title>", "", "MissingTitle"),
    ("rss", "<link>https://www.example.fr/</link>", "", "MissingLink"),
    ("rss", "<description>Tout</description>", "", "MissingDescription"),
    ("rss", "<language>fr</language>", "", "MissingDCLanguage"),
    ("rss", "<language>fr</language>", "<language>français</language>", "InvalidLanguage"),
    ("rss", "<language>fr</language>", "<language>fr</language><ttl>0</ttl>", "InvalidPositiveInteger"),
    ("rss", "<language>fr</language>", "<language>fr</language><blink/>", "UndefinedElement"),
    ("rss", "<link>https://www.example.fr/a/</link>", "<link>https://www.example.fr/é/</link>", "UriNotIri"),
    ("rss", "<link>https://www.example.fr/a/</link>", "<link>/a/</link>", "InvalidFullLink"),
    ("rss", "<link>https://www.example.fr/a/</link>", "<link>https://www.example.fr/a b/</link>", "InvalidFullLink"),
    ("rss", "<link>https://www.example.fr/a/</link>", "<link>foo://www.example.fr/a</link>", "SchemeNotIANARegistered"),
    ("rss", "<link>https://www.example.fr/a/</link>", "<link>https://www.example.fr/50%/</link>", "InvalidUriChar"),
    ("rss", "Fri, 20 Nov 2026 10:00:00 +0100</pubDate>", "Thu, 20 Nov 2026 10:00:00 +0100</pubDate>", "IncorrectDOW"),
    ("rss", "Fri, 20 Nov 2026 10:00:00 +0100</pubDate>", "20 nov. 2026 10:00:00 UTC</pubDate>", "InvalidRFC2822Date"),
    (
        "rss",
        "Fri, 20 Nov 2026 10:00:00 +0100</pubDate>",
        "Sat, 20 Nov 2027 10:00:00 +0100</pubDate>",
        "ImplausibleDate",
    ),
    ("rss", " 10:00:00 +0100</lastBuildDate>", " 10:00:00 +0117</lastBuildDate>", "InvalidRFC2822Date"),
    ("rss", "rel=\"self\"", "rel=\"alternate\"", "MissingAtomSelfLink"),
    ("rss", "all.rss\" rel=\"self\"", "tout.rss\" rel=\"self\"", "SelfDoesntMatchLocation"),
    ("rss", "rel=\"self\" type=\"application/rss+xml\"", "rel=\"self\" type=\"text/xml\"", "SelfNotAtom"),
    ("rss", "rel=\"self\" type", "rel=\"moi\" type", "UnregisteredAtomLinkRel"),
    ("rss", "<guid isPermaLink=\"false\">urn:uuid:af", "<guid>urn:uuid:af", "InvalidHttpGUID"),
    ("rss", "urn:uuid:af549427-f27b-54cb-92dc-c6150b4131fc", "12345", "NotSufficientlyUnique"),
    ("rss", "urn:uuid:af549427-", "urn:uuid:af54942-", "InvalidUUID"),
    ("rss", "urn:uuid:bf5", "urn:uuid:af5", "DuplicateValue"),
    ("rss", "<guid isPermaLink=\"false\">urn:uuid:bf549427-f27b-54cb-92dc-c6150b4131fc</guid>", "", "MissingGuid"),
    (
        "rss",
        "<enclosure url",
        "<enclosure url=\"https://www.example.fr/b\" length=\"1\" type=\"a/b\"/><enclosure url",
        "DuplicateEnclosure",
    ),
    ("rss", " length=\"5\"", "", "InvalidPositiveInteger"),
    ("rss", " length=\"5\"", " length=\"0\"", "InvalidPositiveInteger"),
    ("rss", " type=\"application/pdf\"", " type=\"pdf\"", "InvalidMIMEType"),
    ("rss", "a.pdf", "un%20é.pdf", "UriNotIri"),
    ("rss", "a.pdf", "un document.pdf", "InvalidURLAttribute"),
    ("rss", "fileSize=\"9\"", "fileSize=\"0\"", "InvalidPositiveInteger"),
    ("rss", "type=\"image/png\" fileSize", "type=\"png\" fileSize", "InvalidMIMEAttribute"),
    ("rss", "Une image", "Une &lt;b&gt;image&lt;/b&gt;", "ContainsUndeclaredHTML"),
    ("rss", "<media:description type=\"plain\">Une image</", "<media:description type=\"plain\"></", "NotBlank"),
    ("rss", ">Cloud<", "><", "NotBlank"),
    ("rss", "<dc:creator>", "<author>x</author><dc:creator>", "DuplicateItemSemantics"),
    ("rss", "<dc:creator>", "<author>une autrice</author><dc:creator>", "InvalidContact"),
    ("rss", "<dc:creator>", "<dc:date>2026-11-20T10:00:00Z</dc:date><dc:creator>", "DuplicateItemSemantics"),
    ("rss", "2027-01-01T10:00:00+01:00", "2027-01-01", "InvalidRFC3339Date"),
    (
        "rss",
        "<description>&lt;p&gt;Un texte&lt;/p&gt;</description>\n<content",
        "<content",
        "NeedDescriptionBeforeContent",
    ),
    ("rss", "</item>\n</channel>", "</item>\n<copyright>x</copyright>\n</channel>", "MisplacedItem"),
    (
        "rss",
        "<language>",
        "<image><url>https://www.example.fr/i.webp</url><title>Un flux</title><link>https://www.example.fr/</link></image><language>",
        "ImageUrlFormat",
    ),
    (
        "rss",
        "<language>",
        "<image><url>https://www.example.fr/i.png</url><title>Autre</title><link>https://www.example.fr/</link></image><language>",
        "ImageTitleDoesntMatch",
    ),
    (
        "rss",
        "<language>",
        "<image><url>https://www.example.fr/i.png</url><title>Un flux</title><link>https://example.fr/</link></image><language>",
        "ImageLinkDoesntMatch",
    ),
    ("rss", "xmlns:dc=", "xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" xmlns:dc=", "UnknownNamespace"),
    ("rss", "xmlns:dc=", "xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\" xmlns:dc=", "UnusedNamespace"),
    (
        "rss",
        "xmlns:media=\"http://search.yahoo.com/mrss/\"",
        "xmlns:media=\"http://search.yahoo.com/mrss\"",
        "UnknownNamespace",
    ),
    ("rss", "<rss version=\"2.0\"", "<rss version=\"0.92\"", "ObsoleteVersion"),
    ("rss", "<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<?xml version=\"1.0\"?>", "MissingEncoding"),
    ("rss", "<item>\n<title>Un titre", "<item medium=\"x\">\n<title>Un titre", "UnexpectedAttribute"),
    ("rss", "<p>Un <a", "<script>x()</script><p>Un <a", "SecurityRisk"),
    ("rss", "<p>Un <a", "<iframe src=\"https://www.example.fr/\"></iframe><p>Un <a", "SecurityRisk"),
    ("rss", "<p>Un <a", "<form></form><p>Un <a", "SecurityRisk"),
    ("rss", "<p>Un <a", "<truc></truc><p>Un <a", "NotHtml"),
    ("rss", "<p>Un <a", "</b><p>Un <a", "NotHtml"),
    ("rss", "<p>Un <a", "<p onclick=\"x()\">Un <a", "SecurityRiskAttr"),
    ("rss", "<p>Un <a", "<p style=\"color: red\">Un <a", "DangerousStyleAttr"),
    ("rss", "href=\"https://www.example.fr/b/\"", "href=\"/b/\"", "ContainsRelRef"),
    ("rss", "href=\"https://www.example.fr/b/\"", "href=\"javascript:x()\"", "ContainsRelRef"),
    ("rss", "href=\"https://www.example.fr/b/\"", "href=\"https://www.example.fr/b c\"", "InvalidUriChar"),
    ("rss", " alt=\"\"", "", "MissingAlt"),
    ("rss", " alt=\"\"", " alt=\"\" srcset=\"i.png 2x\"", "ContainsRelRef"),
    ("atom", " xml:lang=\"fr\"", "", "MissingDCLanguage"),
    ("atom", " xml:lang=\"fr\"", " xml:lang=\"zz\"", "InvalidLanguage"),
    ("atom", "<author><name>Une agence</name><uri>https://www.example.fr/</uri></author>", "", "MissingElement"),
    ("atom", "<name>Une agence</name>", "<name></name>", "NotBlank"),
    ("atom", "2026-11-19T10:00:00+01:00</updated>", "2026-11-20T09:00:00Z</updated>", "DuplicateUpdated"),
    ("atom", "urn:uuid:bf5", "urn:uuid:af5", "DuplicateEntries"),
    ("atom", "<updated>2026-11-20T10", "<updated>2026-11-20 10", "InvalidRFC3339Date"),
    ("atom", "10:00:00+01:00</published>", "10:00:00</published>", "InvalidRFC3339Date"),
    ("atom", "<updated>2026-11-20", "<updated>2026-12-20", "ImplausibleDate"),
    ("atom", "<updated>2026-11-20T10:00:00+01:00<", "<updated> 2026-11-20T10:00:00+01:00<", "UnexpectedWhitespace"),
    ("atom", "rel=\"self\"", "rel=\"via\"", "MissingSelf"),
    ("atom", "<link href=\"https://www.example.fr/\" rel=\"alternate\" type=\"text/html\"/>", "", "MissingAlternate"),
    (
        "atom",
        "<link href=\"https://www.example.fr/\" rel=\"alternate\" type=\"text/html\"/>",
        "<link href=\"https://www.example.fr/\" type=\"text/html\"/><link href=\"https://www.example.fr/b/\" type=\"text/html\"/>",
        "DuplicateAtomLink",
    ),
    (
        "atom",
        "<link href=\"https://www.example.fr/c/\" rel=\"alternate\" type=\"text/html\"/>",
        "",
        "MissingContentOrAlternate",
    ),
    ("atom", "<summary>Un autre texte</summary>", "", "MissingTextualContent"),
    ("atom", "<summary>Un autre texte</summary>", "<summary/>", "NotBlank"),
    (
        "atom",
        "<summary>Un autre texte</summary>",
        "<summary>Un &lt;b&gt;autre&lt;/b&gt;</summary>",
        "ContainsUndeclaredHTML",
    ),
    ("atom", "<summary>Un autre", "<summary type=\"text/html\">Un autre", "InvalidTextType"),
    ("atom", "rel=\"enclosure\"", "rel=\"next\"", "FeedHistoryRelInEntry"),
    ("atom", "rel=\"enclosure\"", "rel=\"document\"", "UnregisteredAtomLinkRel"),
    ("atom", " length=\"5\"", "", "MissingAttribute"),
    ("atom", "title=\"Un document\"", "title=\"\"", "AttrNotBlank"),
    ("atom", "term=\"cloud\"", "term=\"\"", "AttrNotBlank"),
    (
        "atom",
        "<link href=\"https://flux.example.fr/feeds/current.atom\" rel=\"current\"/>",
        "",
        "MissingCurrentInArchive",
    ),
    ("atom", "<link href=\"https://flux.example.fr/feeds/1.atom\" rel=\"prev-archive\"/>", "", "ArchiveIncomplete"),
    ("atom", "feeds/1.atom", "feeds/all.atom", "SameDocumentReference"),
    (
        "atom",
        "rel=\"alternate\" type=\"text/html\"/>",
        "rel=\"alternate\" type=\"text/html\">x</link>",
        "AtomLinkNotEmpty",
    ),
    ("atom", "xmlns:fh=", "xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:fh=", "AvoidNamespacePrefix"),
    ("atom", "xmlns:fh=", "xmlns:h=\"http://purl.org/dc/terms/\" xmlns:fh=", "NonstdPrefix"),
    ("atom", "<feed ", "<!DOCTYPE feed><feed ", "ContainsSystemEntity"),
    ("atom", "&lt;p&gt;Un texte&lt;/p&gt;</content>", "&lt;object&gt;&lt;/object&gt;</content>", "SecurityRisk"),
    ("json", "version/1.1", "version/1", "InvalidVersion"),
    ("json", "feeds/all.json", "feeds/tout.json", "SelfDoesntMatchLocation"),
    ("json", "\"language\":\"fr\",", "", "MissingElement"),
    ("json", "\"title\":\"Un titre\"", "\"title\":\"\"", "NotBlank"),
    ("json", "\"title\":\"Un titre\"", "\"titre\":\"Un titre\"", "UndefinedElement"),
    ("json", "\"title\":\"Un titre\"", "\"title\":\"Un titre\",\"title\":\"Un\"", "DuplicateKey"),
    ("json", "\"title\":\"Un titre\"", "\"title\":\"Un \\u0085 titre\"", "BadCharacters"),
    ("json", "\"content_text\":\"Un autre\",", "", "MissingTextualContent"),
    ("json", "urn:uuid:bf5", "urn:uuid:af5", "DuplicateEntries"),
    ("json", "\"id\":\"urn:uuid:af549427-f27b-54cb-92dc-c6150b4131fc\"", "\"id\":5", "MissingId"),
    ("json", "<p>Un texte</p>", "<p style='x'>Un texte</p>", "DangerousStyleAttr"),
    ("json", "\"Cloud\",\"Numérique\"", "\"Cloud\",\"Cloud\"", "DuplicateValue"),
    ("json", "2026-11-20T10:00:00+01:00\",\"date_modified", "2026-11-20\",\"date_modified", "InvalidRFC3339Date"),
    ("json", "\"size_in_bytes\":5", "\"size_in_bytes\":0", "InvalidPositiveInteger"),
    ("json", "application/pdf", "pdf", "InvalidMIMEType"),
    ("json", "\"_crieur_event\":{", "\"_crieur.event\":{", "InvalidExtension"),
    ("json", "\"home_page_url\":\"https://www.example.fr/\"", "\"home_page_url\":\"/\"", "InvalidFullLink"),
    (
        "json",
        "\"language\":\"fr\",",
        "\"language\":\"fr\",\"next_url\":\"https://flux.example.fr/feeds/all.json\",",
        "SameDocumentReference",
    ),
    ("json", "{\"type\":\"WebSub\",", "{", "MissingElement"),
    ("json", "\"items\"", "items", "SAXError"),
    ("opml", "version=\"2.0\"", "version=\"3.0\"", "InvalidOPMLVersion"),
    (
        "opml",
        "<head><title>Les flux</title><dateModified>Fri, 20 Nov 2026 10:00:00 +0100</dateModified></head>\n",
        "",
        "MissingElement",
    ),
    ("opml", "text=\"Tout\" ", "", "MissingAttribute"),
    ("opml", "title=\"Tout\" ", "", "MissingTitleAttr"),
    ("opml", "type=\"rss\" ", "", "MissingOutlineType"),
    ("opml", "type=\"rss\" ", "type=\"flux\" ", "InvalidOutlineType"),
    ("opml", "version=\"RSS2\"", "version=\"2\"", "InvalidOutlineVersion"),
    ("opml", "xmlUrl=\"https://flux.example.fr/feeds/all.rss\"", "", "MissingXmlURL"),
    ("opml", "feeds/all.rss", "feeds/rien.rss", "DeadFeedLink"),
    ("opml", "type=\"rss\" ", "type=\"link\" ", "MissingUrlAttr"),
    ("opml", "language=\"fr\"", "language=\"12\"", "InvalidLanguage"),
    ("opml", "language=\"fr\"", "langue=\"fr\"", "UnexpectedAttribute"),
    ("opml", "Fri, 20", "Sat, 20", "IncorrectDOW"),
];

#[test]
fn each_rule_sees_the_fault_it_is_there_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = |kind: &str| BTreeMap::from([("rss", RSS), ("atom", ATOM), ("json", JSON), ("opml", OPML)])[kind];
    let mut documents = Vec::new();
    let mut put = |name: String, kind: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        documents.push((file, format!("{ADDRESS}.{kind}")));
    };
    for kind in ["rss", "atom", "json", "opml"] {
        put(format!("good.{kind}"), kind, text(kind));
    }
    for (number, (kind, from, to, _)) in FAULTS.iter().enumerate() {
        assert!(text(kind).contains(from), "{kind} has no {from}");
        put(format!("{number}.{kind}"), kind, &text(kind).replacen(from, to, 1));
    }
    let Some(against) = judged(&documents) else { return };
    let mut differences = Vec::new();
    for (file, _) in &documents {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let said = against.get(file).cloned().unwrap_or_default();
        let fault = stem.parse::<usize>().ok().map(|number| FAULTS[number]);
        let fine = match fault {
            Some((_, _, _, rule)) => said.iter().any(|(said, _)| said == rule),
            None => said.is_empty(),
        };
        if !fine {
            differences.push(format!("{fault:?}: {said:?}"));
        }
    }
    println!("{} faults planted", FAULTS.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
