//! What an article says in short.
//!
//! In order: its introduction; what stands before `<!--more-->`; what stands before the site's `excerpt_separator`; the
//! first paragraph that says something.

use super::Article;
use super::markdown::{clean_html_to_text, render};
use super::writing::Context;
use crate::text::one_line;
use std::borrow::Cow;

/// The summary of an article, the same in two forms. Both are empty if the article says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Clean HTML with absolute addresses.
    pub html: String,
    /// Plain text on one line, with the spaces of French typography.
    pub text: String,
}

impl Summary {
    fn of(html: String) -> Self {
        let text = one_line(&clean_html_to_text(&html));
        Self { html, text }
    }
}

/// The summary of an article. `body` is its text in HTML, if that is at hand.
pub fn summary(article: &Article, body: Option<&str>) -> Summary {
    let context = Context { notes: false, ..article.context() };
    if let Some(chapeau) = &article.chapeau {
        return Summary::of(render(chapeau, &context));
    }
    if let Some(start) = start_of(article) {
        let summary = Summary::of(render(&start, &context));
        if !summary.text.is_empty() {
            return summary;
        }
    }
    let rendered = body.map_or_else(|| Cow::Owned(render(&article.body, &context)), Cow::Borrowed);
    Summary::of(first_paragraph(&rendered).unwrap_or_default())
}

/// The Markdown before the mark that ends a summary, with the addresses that links in it name further down.
fn start_of(article: &Article) -> Option<String> {
    let own = article.writing.separator.as_deref().filter(|mark| !mark.trim().is_empty());
    let mark = more_mark(&article.body).or_else(|| own.and_then(|mark| article.body.find(mark)))?;
    let (before, rest) = article.body.split_at(mark);
    if before.trim().is_empty() {
        return None;
    }
    let mut start = format!("{before}\n\n");
    for line in rest.lines().filter(|line| is_definition(line)) {
        start.push_str(line);
        start.push('\n');
    }
    Some(start)
}

/// Where `<!--more-->` stands, with any blanks inside.
fn more_mark(body: &str) -> Option<usize> {
    body.match_indices("<!--").map(|(at, _)| at).find(|at| {
        let inside = body[at + 4..].trim_start();
        inside
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case("more") && inside[4..].trim_start().starts_with("-->"))
    })
}

/// `[name]: address`
fn is_definition(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('[')
        && !line.starts_with("[^")
        && line.find("]:").is_some_and(|end| !line[end + 2..].trim().is_empty())
}

/// The first paragraph of clean HTML that says something, with its footnotes' numbers taken out. A paragraph that holds
/// but a link or a picture counts only if there is no other.
fn first_paragraph(html: &str) -> Option<String> {
    let mut only_link = None;
    let mut rest = html;
    while let Some(start) = rest.find("<p") {
        let tag = &rest[start..];
        let Some(inside) = tag.find('>').filter(|_| tag[2..].starts_with(['>', ' '])) else {
            rest = &tag[2..];
            continue;
        };
        let Some(end) = tag.find("</p>") else { break };
        let paragraph = without_notes(&tag[..end + 4]);
        let held = without_links(&paragraph[inside + 1..]);
        if !clean_html_to_text(&held).is_empty() {
            return Some(paragraph);
        }
        if only_link.is_none() && !clean_html_to_text(&paragraph).is_empty() {
            only_link = Some(paragraph);
        }
        rest = &tag[end + 4..];
    }
    only_link
}

/// Without `<sup id="fnref:1"><a href="…">1</a></sup>`, as this house writes it: what an author wrote stays.
fn without_notes(html: &str) -> String {
    const START: &str = "<sup id=\"fnref:";
    const END: &str = "</a></sup>";
    let mut kept = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find(START) {
        let Some(end) = rest[start..].find(END).map(|end| start + end + END.len()) else { break };
        let ours = rest[start..end].matches('<').count() == 4;
        let kept_to = if ours { start } else { start + START.len() };
        kept.push_str(&rest[..kept_to]);
        rest = &rest[if ours { end } else { kept_to }..];
    }
    kept.push_str(rest);
    kept
}

fn without_links(html: &str) -> String {
    cut_out(html, "<a ", "</a>")
}

fn cut_out(html: &str, from: &str, to: &str) -> String {
    let mut kept = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find(from) {
        let Some(end) = rest[start..].find(to) else { break };
        kept.push_str(&rest[..start]);
        rest = &rest[start + end + to.len()..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::tests::article;
    use crate::article::writing::{Templating, Writing};

    fn text(body: &str) -> String {
        summary(&article(body), None).text
    }

    #[test]
    fn the_first_paragraph_is_the_first_that_says_something() {
        let body = "## Titre\n\n![x.png](/x.png)\n\n* [a](#b)\n\n<iframe src=\"/f\"></iframe>\n\n[lien](/x)\n\nUn *deux*[^1].\n\nTrois\n\n[^1]: Note.";
        let found = summary(&article(body), None);
        assert_eq!((found.html.as_str(), found.text.as_str()), ("<p>Un <em>deux</em>.</p>", "Un deux."));
        assert_eq!(text("## Titre"), "");
        assert_eq!(text("[lien](/x)"), "lien");
    }

    #[test]
    fn what_stands_before_a_mark_is_the_summary() {
        for mark in ["<!--more-->", "<!-- more -->", "<!--MORE-->"] {
            assert_eq!(
                text(&format!("# T\n\nUn [deux][d].\n\nTrois.\n{mark}\nQuatre.\n\n[d]: /x\n")),
                "T Un deux. Trois."
            );
        }
        let body = "<!--more-->\n\nUn.\n\nDeux.";
        assert_eq!(text(body), "Un.");
        let mut own = article("Un.\n\nDeux.\n\n***\n\nTrois.");
        own.writing = Writing { separator: Some("***".to_owned()), ..Writing::default() };
        assert_eq!(summary(&own, None).text, "Un. Deux.");
    }

    #[test]
    fn the_introduction_comes_first_and_keeps_its_typography() {
        let mut own = article("Un.");
        own.chapeau = Some("L’*État* : « Cloud\u{202F}» &amp; nous\u{A0}!<br>Suite[^1]\n\n[^1]: Note.".to_owned());
        assert_eq!(summary(&own, None).text, "L’État : « Cloud\u{202F}» & nous\u{A0}! Suite");
    }

    #[test]
    fn templates_leave_nothing_in_a_summary() {
        let mut own = article("{{< mien >}}\n\n{% x %}a");
        own.writing.templating = Templating::Hugo;
        assert_eq!(summary(&own, None).text, "{% x %}a");
        assert_eq!(text("{% include x %}\n\n{{ a }}b"), "b");
    }
}
