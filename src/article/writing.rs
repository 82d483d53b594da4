//! How the text of an article is to be read: the language of its templates, and what its names stand for.

use super::liquid::Liquid;
use super::shortcode;
use super::{Image, Pixels};
use std::borrow::Cow;
use std::collections::BTreeMap;
use url::Url;

/// The language that a site's generator runs over a text before it is Markdown. It goes with a dialect of Markdown:
/// Liquid with kramdown, the others with CommonMark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Templating {
    /// Jekyll: `{{ site.url }}`, `{% link x.md %}`. It runs inside code too.
    #[default]
    Liquid,
    /// Hugo: `{{< figure src="x" >}}`, `{{% note %}}`.
    Hugo,
    /// Zola: `{{ youtube(id="x") }}`, `{% quote() %}`.
    Zola,
    /// A folder of Markdown without a generator.
    None,
}

/// What is known for reading one article's text, besides the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writing {
    /// The language of its templates.
    pub templating: Templating,
    /// The site's address with its base path; without one, the origin of the article's address.
    pub site: Option<Url>,
    /// What ends the summary at the start of a text (`excerpt_separator`), besides `<!--more-->`.
    pub separator: Option<String>,
    /// Addresses of other articles, by what stands for them in this one: `2026-01-31-titre`, `@/blog/x.md`.
    pub addresses: BTreeMap<String, Url>,
    /// Sizes of the site's own pictures that this one shows, by address.
    pub pictures: BTreeMap<String, Pixels>,
}

/// All that a text is read with.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The article's address, for relative ones.
    pub base: &'a Url,
    /// The article's title.
    pub title: &'a str,
    /// The article's images, for alternative texts.
    pub images: &'a [Image],
    /// How its text is to be read.
    pub writing: &'a Writing,
    /// Whether footnotes are shown; a summary has no place for them.
    pub notes: bool,
}

impl Context<'_> {
    /// An address on the site from what is written after its base path.
    pub(super) fn on_site(&self, path: &str) -> String {
        format!("{}{}/{}", self.origin(), self.base_path(), path.trim_start_matches('/'))
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        self.writing.site.as_ref().unwrap_or(self.base).origin().ascii_serialization()
    }

    /// The path of the site's root, without a slash at its end.
    pub(super) fn base_path(&self) -> &str {
        self.writing.site.as_ref().map_or("", |site| site.path().trim_end_matches('/'))
    }

    /// The address of another article that this one names, with the fragment behind it.
    pub(super) fn address_of(&self, written: &str) -> Option<Url> {
        let (name, fragment) = written.split_once('#').map_or((written, None), |(name, end)| (name, Some(end)));
        let mut url = if name.is_empty() { self.base.clone() } else { self.writing.addresses.get(name)?.clone() };
        if let Some(fragment) = fragment {
            url.set_fragment(Some(fragment));
        }
        Some(url)
    }
}

/// A piece of a template that only the site itself can fill in, or the name of another article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As it is written.
    pub written: String,
    /// Its first byte in the text.
    pub at: usize,
}

/// A text with its templates filled in, as far as that can be done without the site.
#[derive(Debug)]
pub struct Expanded<'t> {
    /// The text.
    pub text: Cow<'t, str>,
    /// What was left out.
    pub dropped: Vec<Found>,
    /// Names of other articles, whether or not their addresses are known.
    pub references: Vec<Found>,
}

/// Fills in the templates of a text.
pub fn expand<'t>(text: &'t str, context: &Context) -> Expanded<'t> {
    let as_is = Expanded { text: Cow::Borrowed(text), dropped: Vec::new(), references: Vec::new() };
    if !text.contains("{{") && !text.contains("{%") {
        return as_is;
    }
    match context.writing.templating {
        Templating::Liquid => Liquid::run(text, context),
        Templating::Hugo => shortcode::hugo(text, context),
        Templating::Zola => shortcode::zola(text, context),
        Templating::None => as_is,
    }
}

/// A text for Markdown in which no mark has a meaning: for values that are filled in.
pub(super) fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '*' | '_' | '`' | '[' | ']' | '\\' | '{' | '|' | '~' | '$' => {
                escaped.push_str(&format!("&#{};", u32::from(c)));
            }
            c if c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{202F}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A tag of HTML that links to an address, with a text for people.
pub(super) fn link(address: &str, text: Option<&str>) -> String {
    let shown = text.filter(|text| !text.trim().is_empty()).unwrap_or(address);
    format!("<a href=\"{}\">{}</a>", literal(address), literal(shown))
}
