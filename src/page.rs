//! What an HTML page says that it is: how an article's page is told from another that answers 200 in its place, such as an
//! error page that does not say so, or the home page.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::cell::{Cell, RefCell};
use unicode_normalization::UnicodeNormalization;

/// How far into a page its encoding may be named (HTML, “Determining the character encoding”).
const PRESCAN: usize = 1_024;
/// Words of a title from which on a page may cut it short.
const WORDS_BEFORE_A_CUT: usize = 4;
/// Most titles that are taken from one page.
const TITLES_MAX: usize = 50;

/// The titles of a page: its `<title>`, its main headings, and what it tells those who link to it (`og:title`,
/// `twitter:title`). Empty if it has none, as what is no HTML has.
pub fn titles(html: &str) -> Vec<String> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Titles::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let Titles { found, open, .. } = tokenizer.sink;
    let mut found = found.into_inner();
    // A page that was cut off in the midst of a title.
    found.extend(open.into_inner().map(|(_, text)| text));
    found.retain(|title| !words(title).is_empty());
    found
}

/// Whether one of a page's titles is that of an article. Case, punctuation, quotation marks and kinds of spaces do not
/// count; the site's name may stand before or behind, and a long title may be cut short. A title without letters and
/// digits fits every page.
pub fn is_titled(titles: &[String], title: &str) -> bool {
    let wanted = words(title);
    let holds = |given: &str| words(given).windows(wanted.len()).any(|there| there == wanted);
    wanted.is_empty() || titles.iter().any(|given| holds(given) || is_cut_short(given, &wanted))
}

/// Whether a title ends with the beginning of the wanted words, cut short there.
fn is_cut_short(given: &str, wanted: &[String]) -> bool {
    let Some(cut) = given.find('…').or_else(|| given.find("...")) else { return false };
    let given = words(&given[..cut]);
    // The last word may be a part of one.
    let begins = |there: &[String]| match (there.split_last(), wanted.get(..there.len())) {
        (Some((last, before)), Some(there)) => {
            there.starts_with(before) && there.last().is_some_and(|word| word.starts_with(last))
        }
        _ => false,
    };
    (WORDS_BEFORE_A_CUT..=given.len()).any(|some| begins(&given[given.len() - some..]))
}

/// A page's text by its encoding: that of its first bytes, of its `Content-Type`, of the page itself; or else UTF-8 if it
/// can be that, and Windows-1252 if not.
pub fn decoded(body: &[u8], content_type: &str) -> String {
    let said = parameter(content_type, "charset").or_else(|| {
        let start = String::from_utf8_lossy(body.get(..PRESCAN).unwrap_or(body)).to_ascii_lowercase();
        start.split("<meta").skip(1).find_map(|meta| parameter(meta.split('>').next()?, "charset"))
    });
    let said = said.and_then(|label| Encoding::for_label(label.as_bytes()));
    let is_utf8 = || match std::str::from_utf8(body) {
        Ok(_) => true,
        // It was cut off within a character.
        Err(error) => error.error_len().is_none(),
    };
    let encoding = said.unwrap_or_else(|| if is_utf8() { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(body).0.into_owned()
}

/// The value behind a name and `=`, with or without quotation marks.
fn parameter(text: &str, name: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (_, behind) = text.split_once(name)?;
    let value = behind.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| matches!(c, '"' | '\'' | ';' | '/' | '>') || c.is_whitespace());
    Some(value.get(..end.unwrap_or(value.len()))?.to_owned()).filter(|value| !value.is_empty())
}

/// The words of a text as they are compared.
fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).filter(|c| *c != '\u{AD}').collect();
    let words = folded.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a character belongs to the letter before it.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Collects titles from the tokens of a page.
#[derive(Default)]
struct Titles {
    found: RefCell<Vec<String>>,
    /// The element that is open and whose text is a title, and that text.
    open: RefCell<Option<(&'static str, String)>>,
    /// How deep in drawings: they have titles of their own.
    drawings: Cell<usize>,
}

impl Titles {
    fn keep(&self, title: String) {
        let mut found = self.found.borrow_mut();
        if found.len() < TITLES_MAX {
            found.push(title);
        }
    }

    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let is_start = tag.kind == TagKind::StartTag;
        if name == "svg" {
            let deep = self.drawings.get();
            self.drawings.set(if !is_start {
                deep.saturating_sub(1)
            } else if tag.self_closing {
                deep
            } else {
                deep + 1
            });
        }
        if !is_start {
            let closed = self.open.borrow_mut().take_if(|(of, _)| *of == name);
            closed.into_iter().for_each(|(_, title)| self.keep(title));
            return TokenSinkResult::Continue;
        }
        match name {
            "title" if self.drawings.get() == 0 => {
                self.begin("title");
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "h1" => self.begin("h1"),
            "meta" => {
                let value = |wanted: &str| {
                    tag.attrs
                        .iter()
                        .find(|attribute| &*attribute.name.local == wanted)
                        .map(|found| found.value.to_string())
                };
                let of = value("property").or_else(|| value("name")).unwrap_or_default();
                if matches!(of.trim().to_ascii_lowercase().as_str(), "og:title" | "twitter:title") {
                    value("content").into_iter().for_each(|title| self.keep(title));
                }
            }
            "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => return TokenSinkResult::RawData(RawKind::Rawtext),
            "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            // What stands on two lines is two words.
            "br" => self.add(" "),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn begin(&self, name: &'static str) {
        let left_open = self.open.replace(Some((name, String::new())));
        left_open.into_iter().for_each(|(_, title)| self.keep(title));
    }

    fn add(&self, text: &str) {
        if let Some((_, title)) = &mut *self.open.borrow_mut() {
            title.push_str(text);
        }
    }
}

impl TokenSink for Titles {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) => self.add(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fits(html: &str, title: &str) -> bool {
        is_titled(&titles(html), title)
    }

    #[test]
    fn a_page_is_known_by_any_of_its_titles() {
        let title = "Journée d’échanges : « l'État » et le cloud – édition 2026 !";
        for page in [
            "<title>Journée d&#39;échanges : &laquo;&nbsp;l’État&nbsp;&raquo; et le cloud - édition 2026 ! | DINUM</title>",
            "<!doctype html><title>DINUM</title><body><h1 class=a>Journée d'échanges&nbsp;: <em>«&#8239;l’État&#8239;»</em> et le\n cloud — édition 2026&#8239;!</h1>",
            "<head><meta property='og:title' content='JOURNÉE D’ÉCHANGES : L’ÉTAT ET LE CLOUD, ÉDITION 2026'><title>Accueil</title>",
            "<meta name=twitter:title content=\"journée d'échanges l'état et le cloud édition 2026\">",
            "<title>DINUM</title><h1>Actualités</h1><main><h1>Journée d’échanges : « l’État » et le<br>cloud – édition 2026 !",
            "<title>Journée d’échanges : « l’État » et le cloud – édi…</title>",
        ] {
            assert!(fits(page, title), "{page} {:?}", titles(page));
        }
    }

    #[test]
    fn another_page_is_not_taken_for_it() {
        let title = "Rapport annuel 2026";
        for page in [
            "<title>Page non trouvée | DINUM</title><h1>Erreur 404</h1>",
            "<title>DINUM</title><h1>Accueil</h1><h2>Rapport annuel 2026</h2><script>var t = '<title>Rapport annuel 2026</title>'</script>",
            "<title>Rapport annuel 2025</title>",
            "<title>Rapport annuel 20261</title>",
            "<title>Accueil</title><svg><title>Rapport annuel 2026</title></svg>",
            "<title>Accueil</title><!-- <h1>Rapport annuel 2026</h1> -->",
            "<title>Rapport…</title>",
            "<title>Rapport annuel sur le cloud de l’État…</title>",
        ] {
            assert!(!fits(page, title), "{page}");
        }
        assert!(!fits(
            "<title>Le nuage de confiance pour tous…</title>",
            "Le nuage de confiance pour les services publics"
        ));
    }

    #[test]
    fn what_has_no_title_is_told_apart() {
        assert!(titles("").is_empty() && titles("ok").is_empty() && titles("<title> </title><h1></h1>").is_empty());
        assert!(fits("<title>Accueil</title>", "🎉 !"), "there is nothing to compare");
    }

    #[test]
    fn texts_are_read_by_their_encoding() {
        let latin = b"<meta charset=ISO-8859-1><title>\xC9t\xE9</title>";
        assert!(decoded(latin, "text/html").contains("Été"));
        assert!(decoded(b"<title>\xC9t\xE9</title>", "text/html; charset=\"iso-8859-15\"").contains("Été"));
        assert!(
            decoded(b"<title>\xC9t\xE9</title>", "text/html").contains("Été"),
            "what cannot be UTF-8 is Windows-1252"
        );
        assert!(decoded("<title>Été</title>".as_bytes(), "text/html").contains("Été"));
        assert!(decoded(b"\xFF\xFE<\0t\0i\0t\0l\0e\0>\0\xC9\0", "text/html; charset=utf-8").contains("<title>É"));
        let cut = &"<title>Été</title>é".as_bytes()[.."<title>Été</title>é".len() - 1];
        assert!(decoded(cut, "").contains("Été"), "cut off within a character");
        assert_eq!(parameter("text/html;charset=utf-8", "charset").as_deref(), Some("utf-8"));
        let old = "http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1252\"";
        assert_eq!(parameter(old, "charset").as_deref(), Some("windows-1252"));
    }

    proptest! {
        #[test]
        fn any_title_is_found_on_a_page_that_shows_it(title in "[a-zà-ÿA-Z0-9 '’«»:,!?/&<>\"–-]{1,60}", site in "[A-Za-zé ]{0,12}") {
            let shown = crate::text::escape_html(&title);
            let named = format!("<title>{shown} | {site}</title>");
            prop_assert!(fits(&named, &title));
            let heading = format!("<title>{site}</title><h1> {shown} </h1>");
            prop_assert!(fits(&heading, &title));
        }

        #[test]
        fn nothing_makes_it_fail(html in "(<[a-z/!-]{0,6}[ =\"'a-z]{0,8}>?|&[a-z#0-9]{0,5};?|[a-zé<>]{0,6}){0,30}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            titles(&html);
            titles(&decoded(&bytes, "text/html; charset=shift_jis"));
        }
    }
}
