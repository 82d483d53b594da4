//! Markdown as people write it for Jekyll, Hugo and Zola, to clean HTML with absolute addresses.
//!
//! Four steps: templates are filled in ([`super::writing`]); what only kramdown has is put aside; pulldown-cmark reads, and
//! its events are mended here (attributes, footnotes, names of headings, addresses of other articles); ammonia and the
//! pass behind it keep what a feed reader may show. Nothing that can run or hide survives.

use super::kramdown::{self, Prepared};
use super::mending::Mending;
use super::nesting::html_nests_too_deep;
pub use super::nesting::nests_too_deep;
pub use super::plain::{clean_html_to_text, html_to_text, is_file_name, title_to_text};
use super::sanitise;
use super::writing::{self, Context, Templating, Writing};
use crate::text::{clean, escape_html};
use pulldown_cmark::{Options, Parser, TextMergeStream, html};
use std::borrow::Cow;
use url::Url;

/// Markdown as clean HTML, for a text of a Jekyll site of which nothing else is known. Relative addresses are joined to
/// `base`, the article's own address.
pub fn to_html(markdown: &str, base: &Url) -> String {
    render(markdown, &Context { base, title: "", images: &[], writing: &Writing::default(), notes: true })
}

/// Markdown as plain text: one line per block, French spaces kept.
pub fn to_text(markdown: &str, base: &Url) -> String {
    clean_html_to_text(&to_html(markdown, base))
}

/// Markdown as clean HTML. What is nested too deep to be read comes out as plain text.
pub fn render(markdown: &str, context: &Context) -> String {
    let markdown = clean(markdown);
    if nests_too_deep(&markdown).is_some() {
        return as_it_is(&markdown);
    }
    let expanded = writing::expand(&markdown, context);
    if matches!(expanded.text, Cow::Owned(_)) && nests_too_deep(&expanded.text).is_some() {
        return as_it_is(&markdown);
    }
    let prepared = match context.writing.templating {
        Templating::Liquid => kramdown::prepare(&expanded.text),
        Templating::Hugo => Prepared::plain(kramdown::without_attribute_lines(expanded.text)),
        Templating::Zola | Templating::None => Prepared::plain(expanded.text),
    };
    let parser = TextMergeStream::new(Parser::new_ext(&prepared.text, options()));
    let mut mending = Mending::new(&prepared, context);
    for event in parser {
        mending.take(event);
    }
    let mut rendered = String::with_capacity(prepared.text.len() * 3 / 2);
    html::push_html(&mut rendered, mending.finish().into_iter());
    if html_nests_too_deep(&rendered) {
        return as_it_is(&markdown);
    }
    sanitise::clean_html(&rendered, context)
}

fn as_it_is(markdown: &str) -> String {
    format!("<pre>{}</pre>", escape_html(markdown))
}

/// What is understood beyond CommonMark. Quotation marks stay as they are written.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::tests::article;
    use crate::article::{FileFacts, Image, Pixels};

    fn base() -> Url {
        Url::parse("https://www.example.fr/agenda/x/").unwrap()
    }

    fn check(markdown: &str, html: &str) {
        assert_eq!(to_html(markdown, &base()), html, "{markdown}");
    }

    #[test]
    fn addresses_are_absolute_and_their_encoding_is_left_alone() {
        check(
            "![Une carte](/uploads/Copie%20de%20Visuel%20RS%2034-%201920x1080px(2).png)",
            "<p><img src=\"https://www.example.fr/uploads/Copie%20de%20Visuel%20RS%2034-%201920x1080px(2).png\" alt=\"Une carte\"></p>",
        );
        check(
            "[ici](#bas) [là](../y/)",
            "<p><a href=\"https://www.example.fr/agenda/x/#bas\">ici</a> <a href=\"https://www.example.fr/agenda/y/\">là</a></p>",
        );
        check("<a href=\"/é\">x</a>", "<p><a href=\"https://www.example.fr/%C3%A9\">x</a></p>");
    }

    #[test]
    fn what_can_run_or_hide_is_gone() {
        check(
            "<p onclick=\"x()\" style=\"color:red\">a</p><script>x</script><a href=\"javascript:x\">b</a><form><b>c</b></form>",
            "<p>a</p>b<b>c</b>",
        );
        check("a {::comment}\njean@prive.example\n{:/comment} b", "<p>a  b</p>");
        check("a {% if x %}secret{% if y %}z{% endif %}{% else %}autre{% endif %} b", "<p>a  b</p>");
        check("a {::comment} jean@prive.example", "<p>a</p>");
    }

    #[test]
    fn a_frame_becomes_a_link_and_a_film_has_one_beside_it() {
        check(
            "<iframe src=\"//video.fr/1\" title=\"Le film\"><b>x</b></iframe>",
            "<a href=\"https://video.fr/1\">Le film</a>",
        );
        check(
            "<video poster=\"/p.png\" controls><source src=\"/a.mp4\" type=\"video/mp4\"></video>",
            "<video poster=\"https://www.example.fr/p.png\"><source src=\"https://www.example.fr/a.mp4\" type=\"video/mp4\"></video> <a href=\"https://www.example.fr/a.mp4\">https://www.example.fr/a.mp4</a>",
        );
    }

    #[test]
    fn a_picture_has_what_the_article_knows_of_it() {
        check("![DSC01712.JPG](/a.jpg)", "<p><img src=\"https://www.example.fr/a.jpg\" alt=\"\"></p>");
        check("![IMG_2024](/a.jpg)", "<p><img src=\"https://www.example.fr/a.jpg\" alt=\"\"></p>");
        check("<img src=\"/a.jpg\">", "<img src=\"https://www.example.fr/a.jpg\" alt=\"\">");
        check(
            "<img src=\"data:image/gif;base64,R0\" data-src=\"/a.jpg\" alt=\"Une carte\"><img src=\"/t.gif\" width=1 height=\"1\">",
            "<p><img src=\"https://www.example.fr/a.jpg\" alt=\"Une carte\"></p>",
        );
        let mut own = article("![a.png](/a.png) ![b](/b.png)");
        let pixels = Pixels { width: 640, height: 480 };
        let url = Url::parse("https://www.example.fr/a.png").unwrap();
        let facts = FileFacts { length: 1, media_type: "image/png".to_owned(), pixels: Some(pixels) };
        own.images.push(Image { url, alt: Some("Une carte".to_owned()), legend: None, facts: Some(facts) });
        own.writing.pictures.insert("https://www.example.fr/b.png".to_owned(), pixels);
        assert_eq!(
            own.html(),
            "<p><img src=\"https://www.example.fr/a.png\" alt=\"Une carte\" width=\"640\" height=\"480\"> <img src=\"https://www.example.fr/b.png\" alt=\"b\" width=\"640\" height=\"480\"></p>"
        );
    }

    #[test]
    fn kramdown_attribute_lists_leave_no_braces() {
        check("[x](https://y.fr){:target=\"_blank\"} et", "<p><a href=\"https://y.fr\">x</a> et</p>");
        check("**[x](https://y.fr){:target=\"_blank\"}**", "<p><strong><a href=\"https://y.fr\">x</a></strong></p>");
        check("**a.**{: .b} c", "<p><strong>a.</strong> c</p>");
        check("Texte\n{: .encadre role=\"presentation\" }\n\nSuite", "<p>Texte</p>\n<p>Suite</p>");
        check("> Citation\n> {: .x}\n{: .y}", "<blockquote>\n<p>Citation</p>\n</blockquote>");
        check("`{:a}`", "<p><code>{:a}</code></p>");
        check("```\n{:a}\n```", "<pre><code>{:a}\n</code></pre>");
        check("## Titre ## {#id}", "<h2 id=\"id\">Titre</h2>");
        check(
            "![Une carte](/a.png){:height=\"88px\" width=\"200px\"}{: .center-image}",
            "<p><img src=\"https://www.example.fr/a.png\" alt=\"Une carte\" width=\"200\" height=\"88\"></p>",
        );
        check("Le *feedback*{: lang=\"en\"}.", "<p>Le <em lang=\"en\">feedback</em>.</p>");
        check("<p class=\"a\">b {: .c} <code>{:d}</code></p>", "<p>b  <code>{:d}</code></p>");
    }

    #[test]
    fn what_kramdown_knows_is_understood() {
        check("<div>\n**a**\n\n**b**\n</div>", "<div>\n**a**\n\n**b**\n</div>");
        check("<div markdown=\"1\">\n**a**\n</div>", "<div>\n<p><strong>a</strong></p>\n</div>");
        check("{::nomarkdown}<b>*a*</b>{:/}", "<b>*a*</b>");
        check("$$a_b_c$$ et _d_", "<p>$$a_b_c$$ et <em>d</em></p>");
        check("* TOC\n{:toc}\n\n[TOC]\n\n*[HTML]: Hypertext\n\na", "<p>a</p>");
        check("- [x] fait\n- [ ] à faire", "<ul>\n<li>☑ fait</li>\n<li>☐ à faire</li>\n</ul>");
        check("Terme\n: Sens", "<dl>\n<dt>Terme</dt>\n<dd>Sens</dd>\n</dl>");
        check("a\n\n* * *\n\n\"b\" -- c", "<p>a</p>\n<hr>\n<p>\"b\" -- c</p>");
        check(
            "|a|b|\n|-|-|\n|1|2|",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>",
        );
    }

    #[test]
    fn links_inside_lead_to_headings_and_notes() {
        check(
            "[a](#l-etat)\n\n## L'état\n\n### L'état",
            "<p><a href=\"https://www.example.fr/agenda/x/#l-etat\">a</a></p>\n<h2 id=\"l-etat\">L'état</h2>\n<h3 id=\"l-etat-1\">L'état</h3>",
        );
        check(
            "a[^n] b[^n] [^x]\n\n[^n]: Note.\n[^y]: Autre.",
            "<p>a<sup id=\"fnref:1\"><a href=\"https://www.example.fr/agenda/x/#fn:1\">1</a></sup> b<sup id=\"fnref:1:1\"><a href=\"https://www.example.fr/agenda/x/#fn:1\">1</a></sup> [^x]</p>\n<hr>\n<div><ol>\n<li id=\"fn:1\">\n<p>Note.\u{A0}<a href=\"https://www.example.fr/agenda/x/#fnref:1\">↩</a>\u{A0}<a href=\"https://www.example.fr/agenda/x/#fnref:1:1\">↩</a></p>\n</li>\n</ol></div>",
        );
        check(
            "<span id=\"a\">x</span> <span id=\"b\">y</span> [z](#b)",
            "<p><span>x</span> <span id=\"b\">y</span> <a href=\"https://www.example.fr/agenda/x/#b\">z</a></p>",
        );
    }

    #[test]
    fn bare_addresses_become_links() {
        check(
            "Voir https://a.fr/b_(c)_d, (https://e.fr/f). <https://g.fr>",
            "<p>Voir <a href=\"https://a.fr/b_(c)_d\">https://a.fr/b_(c)_d</a>, (<a href=\"https://e.fr/f\">https://e.fr/f</a>). <a href=\"https://g.fr\">https://g.fr</a></p>",
        );
        check(
            "`https://a.fr` [https://b.fr](/c)",
            "<p><code>https://a.fr</code> <a href=\"https://www.example.fr/c\">https://b.fr</a></p>",
        );
    }

    #[test]
    fn what_says_nothing_is_gone() {
        check("<p>&nbsp;</p>\n\na\n\n<p> <br> </p>\n\n## \n\n[b]() [c](#)", "<p>a</p>\n\n<p>b c</p>");
        check("a&#1;b&#xB;c\u{b}\u{91}\u{1FFFE}", "<p>abc</p>");
    }

    #[test]
    fn each_generator_has_its_templates() {
        let html = |templating, body: &str| {
            let mut own = article(body);
            own.writing.templating = templating;
            own.writing.addresses.insert("@/blog/y.md".to_owned(), Url::parse("https://www.example.fr/y/").unwrap());
            own.html()
        };
        assert_eq!(
            html(Templating::Hugo, "`{{< x >}}` {{% n %}}*a*{{% /n %}} {{ .b }} {:c}"),
            "<p><code>{{&lt; x &gt;}}</code> <em>a</em> {{ .b }} {:c}</p>"
        );
        assert_eq!(
            html(Templating::Zola, "[a](@/blog/y.md#b) [c](@/z.md)"),
            "<p><a href=\"https://www.example.fr/y/#b\">a</a> c</p>"
        );
        let block = "## A {#b .c}\n\na\n{.note #d}\n\n```\n{.e}\n```";
        assert_eq!(html(Templating::Hugo, block), "<h2 id=\"b\">A</h2>\n<p>a</p>\n<pre><code>{.e}\n</code></pre>");
        assert_eq!(html(Templating::None, "{{ a }} {% b %}"), "<p>{{ a }} {% b %}</p>");
        assert_eq!(html(Templating::Liquid, "{{ a }} {% b %}"), "");
        assert_eq!(
            html(Templating::Liquid, "a\n\n{% highlight html %}{% raw %}<b>{{ x }}</b>{% endraw %}{% endhighlight %}"),
            "<p>a</p>\n<pre><code>&lt;b&gt;{{ x }}&lt;/b&gt;\n</code></pre>"
        );
    }

    #[test]
    fn deep_nesting_is_refused_and_long_texts_are_read_in_linear_time() {
        assert!(nests_too_deep(&"<div>".repeat(500)).is_some());
        assert!(nests_too_deep(&"> ".repeat(500)).is_some());
        assert!(nests_too_deep(&format!("{}\n\n<p>a<p>b", "-".repeat(500))).is_none());
        assert!(nests_too_deep(&"<p>x<br>\n".repeat(5_000)).is_none());
        assert!(nests_too_deep(&format!("`Vec<T>`\n\n```\n{}\n```\n", "Vec<T>\n".repeat(500))).is_none());
        // What looks like code and is none.
        let hidden = format!("<div>\n```\n{}", "<div>\n".repeat(500));
        assert!(to_html(&hidden, &base()).starts_with("<pre>&lt;div&gt;"));
        assert_eq!(to_html(&"<div>".repeat(200), &base()), format!("<pre>{}</pre>", "&lt;div&gt;".repeat(200)));
        // Quadratic, these would take minutes.
        for piece in ["{:", "{{", "{% x %}", "{% if x %}", "{::comment}", "`{:"] {
            to_html(&piece.repeat(40_000), &base());
        }
    }

    #[test]
    fn text_keeps_french_typography() {
        let text = to_text(
            "**« Cloud\u{202F}»** :\u{A0}l’*État* &amp; &lt;b&gt;\n\n* un\n* deux\n\n|a|b|\n|-|-|\n|1|2|",
            &base(),
        );
        assert_eq!(text, "« Cloud\u{202F}» :\u{A0}l’État & <b>\nun\ndeux\na b\n1 2");
        assert_eq!(title_to_text("Cloud&nbsp;: <b>l’État</b> &#38; nous"), "Cloud\u{A0}: l’État & nous");
        assert_eq!(title_to_text("a&#1;b&#xFFFE;"), "ab");
        assert_eq!(title_to_text("&amp;lt;b&amp;gt;x et R&amp;amp;D, 1 < 2"), "‹b›x et R&D, 1 ‹ 2");
    }
}
