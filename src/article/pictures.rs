//! The pictures of an article's text, as its readers see them.

use super::Image;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use std::cell::RefCell;
use url::Url;

/// The pictures of clean HTML with absolute addresses, in their order, each once. One whose alternative text is empty
/// says that it shows nothing (HTML, “A purely decorative image”), and is none.
pub(super) fn pictures(html: &str) -> Vec<Image> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Pictures::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.found.into_inner()
}

#[derive(Default)]
struct Pictures {
    found: RefCell<Vec<Image>>,
}

impl TokenSink for Pictures {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
            && &*tag.name == "img"
        {
            let value = |name: &str| tag.attrs.iter().find(|one| &*one.name.local == name).map(|one| one.value.trim());
            let alt = value("alt");
            let url = value("src").and_then(|src| Url::parse(src).ok());
            let mut found = self.found.borrow_mut();
            if let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https"))
                && alt != Some("")
                && !found.iter().any(|known| known.url == url)
            {
                found.push(Image { url, alt: alt.map(str::to_owned), legend: None, facts: None });
            }
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_found_once_and_what_shows_nothing_is_none() {
        let html = "<p><img src=\"https://a.fr/1.jpg\" alt=\"Un &amp; deux\"> <img src='https://a.fr/2.png'></p>
            <img alt src=\"https://a.fr/3.png\"><img src=\"https://a.fr/1.jpg\" alt=\"Encore\">
            <img src=\"data:image/png;base64,xx\" alt=\"x\"><!-- <img src=\"https://a.fr/4.png\"> -->";
        let found: Vec<_> = pictures(html).into_iter().map(|image| (image.url.to_string(), image.alt)).collect();
        let expected =
            [("https://a.fr/1.jpg".to_owned(), Some("Un & deux".to_owned())), ("https://a.fr/2.png".to_owned(), None)];
        assert_eq!(found, expected);
    }
}
