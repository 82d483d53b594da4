//! Texts for networks that read signs into them: nothing of an article may become markup, and nobody is called by
//! accident.
//!
//! Addresses stay as they are: a sign that is escaped inside one leads elsewhere.

use crate::post::{Image, Post};
use crate::text::is_french;

/// U+2060 WORD JOINER: it takes no room, is not read out, and keeps a sign from being taken together with what follows.
const JOINER: char = '\u{2060}';

/// The text without mentions: a sign `@` before a name is kept from calling anybody. Addresses of mail and of the web
/// stay as they are.
pub fn unmentioned(text: &str) -> String {
    outside_addresses(text, |part, before| {
        let mut quiet = String::with_capacity(part.len());
        let mut last = before;
        let mut signs = part.chars().peekable();
        while let Some(sign) = signs.next() {
            quiet.push(sign);
            let begins = last.is_none_or(|last| !last.is_alphanumeric());
            if matches!(sign, '@' | '＠')
                && begins
                && signs.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_')
            {
                quiet.push(JOINER);
            }
            last = Some(sign);
        }
        quiet
    })
}

/// The text with a backslash before each of these signs, for networks that read Markdown.
pub fn escaped(text: &str, signs: &str) -> String {
    outside_addresses(text, |part, _| backslashed(part, |sign| signs.contains(sign)))
}

/// A text with a backslash before every sign that needs one, addresses included.
pub fn backslashed(text: &str, needs: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if needs(sign) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

/// The text of a post with what its images show, for networks that have no place of their own for alternative texts.
pub fn described(post: &Post) -> String {
    described_with(post, &post.images)
}

/// The text of a post with what those of its images show that readers see.
pub fn described_with(post: &Post, images: &[Image]) -> String {
    let mut text = post.text.clone();
    let shown: Vec<_> = images.iter().filter(|image| !image.alt.is_empty()).collect();
    // French sets a space that does not break before a colon.
    let colon = if is_french(&post.language) { "\u{A0}:" } else { ":" };
    for (at, image) in shown.iter().enumerate() {
        let number = if shown.len() > 1 { format!("\u{A0}{}", at + 1) } else { String::new() };
        text.push_str(if at == 0 { "\n\n" } else { "\n" });
        text.push_str(&format!("Image{number}{colon} {}", image.alt));
    }
    text
}

/// A text in parts, each with whether it is a web address: for networks that take texts without markup, and links beside.
pub fn runs(text: &str) -> Vec<(&str, bool)> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some((start, end)) = address(rest) {
        runs.extend([(&rest[..start], false), (&rest[start..end], true)]);
        rest = &rest[end..];
    }
    runs.push((rest, false));
    runs.retain(|(run, _)| !run.is_empty());
    runs
}

/// Changes what stands outside of web addresses; each part is given with the sign before it.
fn outside_addresses(text: &str, change: impl Fn(&str, Option<char>) -> String) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some((start, end)) = address(rest) {
        changed.push_str(&change(&rest[..start], before));
        changed.push_str(&rest[start..end]);
        before = rest[..end].chars().next_back();
        rest = &rest[end..];
    }
    changed.push_str(&change(rest, before));
    changed
}

/// Where the first web address of a text stands, without the punctuation that ends a sentence.
pub fn address(text: &str) -> Option<(usize, usize)> {
    let start = [text.find("https://"), text.find("http://")].into_iter().flatten().min()?;
    let length = text[start..]
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '«' | '»'))
        .unwrap_or(text.len() - start);
    let address = text[start..start + length].trim_end_matches(|c: char| ".,;:!?)’'…".contains(c));
    Some((start, start + address.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::Image;
    use proptest::prelude::*;

    #[test]
    fn nobody_is_called_and_addresses_stay() {
        let visible = |text: &str| unmentioned(text).replace(JOINER, "|");
        for (text, expected) in [
            ("@channel et @all, @here", "@|channel et @|all, @|here"),
            ("(@dinum)", "(@|dinum)"),
            ("«@Équipe»", "«@|Équipe»"),
            ("＠here", "＠|here"),
            ("contact@example.fr", "contact@example.fr"),
            ("https://x.fr/@dinum et @dinum", "https://x.fr/@dinum et @|dinum"),
            ("@ seul, a @ b", "@ seul, a @ b"),
            ("@_nom", "@|_nom"),
            ("@@here", "@@|here"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn what_images_show_is_said_below_the_text() {
        let image = |alt: &str| Image { alt: alt.into(), ..one_image() };
        let mut post = Post { text: "Titre".into(), language: "fr".into(), ..Post::default() };
        assert_eq!(described(&post), "Titre");
        post.images = vec![image("Un agent"), image("")];
        assert_eq!(described(&post), "Titre\n\nImage\u{A0}: Un agent");
        post.images = vec![image("An agent"), image("A screen")];
        post.language = "en".into();
        assert_eq!(described(&post), "Titre\n\nImage\u{A0}1: An agent\nImage\u{A0}2: A screen");
    }

    fn one_image() -> Image {
        let (digest, media_type) = ("d".into(), "image/png".into());
        Image { digest, media_type, width: 1, height: 1, alt: String::new(), url: String::new() }
    }

    #[test]
    fn markdown_is_escaped_outside_of_addresses() {
        let text = "*Un* _deux_ https://x.fr/a_b_c?d=*e*. [voir](https://y.fr/_)";
        let expected = r"\*Un\* \_deux\_ https://x.fr/a_b_c?d=*e*. \[voir\](https://y.fr/_)";
        assert_eq!(escaped(text, "*_[]"), expected);
    }

    proptest! {
        #[test]
        fn taking_the_escapes_out_gives_the_text_back(text in r"[a-zé@*_\\ \n.:/h]{0,40}( https://x\.fr/[a-z_*@]{0,8}[ .])?[a-z@*_ ]{0,20}") {
            prop_assert_eq!(unmentioned(&text).replace(JOINER, ""), text.clone());
            let escaped = backslashed(&text, |sign| r"\*_".contains(sign));
            let mut plain = String::new();
            let mut signs = escaped.chars();
            while let Some(sign) = signs.next() {
                plain.push(if sign == '\\' { signs.next().unwrap() } else { sign });
            }
            prop_assert_eq!(plain, text);
        }
    }
}
