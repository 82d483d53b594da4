//! Shortcodes, the templates of Hugo and Zola in Markdown: those that every site has are understood, paired ones keep
//! what they hold, and the rest is left out.

use super::writing::{Context, Expanded, Found, link, literal};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// What a shortcode is given: values with a name, and values by place.
#[derive(Debug, Default)]
struct Arguments {
    named: Vec<(String, String)>,
    placed: Vec<String>,
}

impl Arguments {
    fn get(&self, names: &[&str]) -> Option<&str> {
        let of = |name: &&str| self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        names.iter().find_map(of).filter(|value| !value.trim().is_empty())
    }

    fn at(&self, place: usize) -> Option<&str> {
        self.placed.get(place).map(String::as_str)
    }

    /// A value by one of its names, else the first.
    fn named_or_first(&self, names: &[&str]) -> Option<&str> {
        self.get(names).or_else(|| self.at(0))
    }

    /// Values as they are written: words, texts in quotes, `name=value`, `name = value`, with commas or without.
    fn read(text: &str) -> Self {
        let mut arguments = Self::default();
        let mut name: Option<String> = None;
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let value;
            if matches!(first, '"' | '\'' | '`') {
                let inside = &rest[1..];
                let end = end_of_quote(inside, first).unwrap_or(inside.len());
                value = inside[..end].replace("\\\"", "\"");
                rest = inside.get(end + 1..).unwrap_or("");
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | ',')).unwrap_or(rest.len());
                value = rest[..end].to_owned();
                rest = &rest[end..];
            }
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('=') {
                name = Some(value);
                rest = after.trim_start();
                continue;
            }
            match name.take() {
                Some(name) => arguments.named.push((name, value)),
                None if !value.is_empty() => arguments.placed.push(value),
                None => {}
            }
            rest = rest.trim_start_matches([',', '=']).trim_start();
        }
        arguments
    }
}

fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if quote != '`' => escaped = !escaped,
            c if c == quote && !escaped => return Some(at),
            _ => escaped = false,
        }
    }
    None
}

/// One mark in the text.
#[derive(Debug)]
struct Token<'t> {
    range: Range<usize>,
    kind: Kind,
    name: &'t str,
    arguments: &'t str,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Alone,
    /// Written so that it is shown: the text that it stands for.
    Shown(String),
}

/// Hugo's shortcodes. Code keeps its braces.
pub(super) fn hugo<'t>(text: &'t str, context: &Context) -> Expanded<'t> {
    write(text, &hugo_tokens(text), context, false)
}

/// Zola's shortcodes. Code keeps its braces.
pub(super) fn zola<'t>(text: &'t str, context: &Context) -> Expanded<'t> {
    write(text, &zola_tokens(text), context, true)
}

fn hugo_tokens(text: &str) -> Vec<Token<'_>> {
    let code = code_ranges(text);
    let mut tokens = Vec::new();
    let mut unended = [false; 2];
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        at = start + 2;
        let (which, end_mark) = match text[at..].bytes().next() {
            Some(b'<') => (0, ">}}"),
            Some(b'%') => (1, "%}}"),
            _ => continue,
        };
        if unended[which] {
            continue;
        }
        let Some(end) = end_outside_quotes(text, start + 3, end_mark) else {
            unended[which] = text[start..].find(end_mark).is_none();
            continue;
        };
        let inside = text[start + 3..end].trim();
        let range = start..end + 3;
        let shown = inside.strip_prefix("/*").and_then(|inside| inside.strip_suffix("*/"));
        if let Some(shown) = shown {
            let whole = format!("{{{{{}{}{end_mark}", &text[start + 2..start + 3], shown);
            let in_code = is_in(&code, start);
            let shown = if in_code { whole } else { literal(&whole) };
            tokens.push(Token { range: range.clone(), kind: Kind::Shown(shown), name: "", arguments: "" });
        } else if !is_in(&code, start) {
            let (kind, inside) = match (inside.strip_prefix('/'), inside.strip_suffix('/')) {
                (Some(inside), _) => (Kind::Close, inside.trim()),
                (_, Some(inside)) => (Kind::Alone, inside.trim()),
                _ => (Kind::Open, inside),
            };
            let (name, arguments) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            tokens.push(Token { range: range.clone(), kind, name, arguments });
        }
        at = range.end;
    }
    tokens
}

fn zola_tokens(text: &str) -> Vec<Token<'_>> {
    let code = code_ranges(text);
    let mut tokens = Vec::new();
    let mut unended = [false; 2];
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|found| at + found) {
        at = start + 1;
        let (which, end_mark) = match text[at..].bytes().next() {
            Some(b'{') => (0, "}}"),
            Some(b'%') => (1, "%}"),
            _ => continue,
        };
        if unended[which] {
            continue;
        }
        let Some(end) = end_outside_quotes(text, start + 2, end_mark) else {
            unended[which] = text[start..].find(end_mark).is_none();
            continue;
        };
        let inside = text[start + 2..end].trim();
        let range = start..end + 2;
        let shown = inside.strip_prefix("/*").and_then(|inside| inside.strip_suffix("*/"));
        if let Some(shown) = shown {
            let whole = format!("{}{shown}{end_mark}", &text[start..start + 2]);
            let shown = if is_in(&code, start) { whole } else { literal(&whole) };
            tokens.push(Token { range: range.clone(), kind: Kind::Shown(shown), name: "", arguments: "" });
            at = range.end;
            continue;
        }
        if is_in(&code, start) {
            continue;
        }
        let call = inside.split_once('(').and_then(|(name, rest)| Some((name.trim(), rest.trim().strip_suffix(')')?)));
        let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match call {
            Some((name, arguments)) if named(name) => {
                let kind = if which == 0 { Kind::Alone } else { Kind::Open };
                tokens.push(Token { range: range.clone(), kind, name, arguments });
                at = range.end;
            }
            _ if which == 1 => {
                let kind = if inside == "end" { Kind::Close } else { Kind::Alone };
                tokens.push(Token { range: range.clone(), kind, name: inside, arguments: "" });
                at = range.end;
            }
            // Braces that call nothing are text.
            _ => {}
        }
    }
    tokens
}

/// Longest shortcode: no search for an end goes further.
const LENGTH_MAX: usize = 4_000;

fn end_outside_quotes(text: &str, from: usize, mark: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text[from..].char_indices().take(LENGTH_MAX) {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, _) if text[from + at..].starts_with(mark) => return Some(from + at),
            _ => {}
        }
    }
    // A quote that never ends.
    let end = text[from..].char_indices().nth(LENGTH_MAX).map_or(text.len(), |(at, _)| from + at);
    text[from..end].find(mark).map(|at| from + at)
}

/// Where code stands: spans, and blocks in fences.
fn code_ranges(text: &str) -> Vec<Range<usize>> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_)))))
        .map(|(_, range)| range)
        .collect()
}

fn is_in(ranges: &[Range<usize>], at: usize) -> bool {
    let after = ranges.partition_point(|range| range.start <= at);
    after > 0 && ranges[after - 1].contains(&at)
}

fn write<'t>(text: &'t str, tokens: &[Token], context: &Context, one_end: bool) -> Expanded<'t> {
    let mut expanded = Expanded { text: Cow::Borrowed(text), dropped: Vec::new(), references: Vec::new() };
    if tokens.is_empty() {
        return expanded;
    }
    let pairs = pairs(tokens, one_end);
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.range.start < at {
            continue;
        }
        kept.push_str(&text[at..token.range.start]);
        at = token.range.end;
        let arguments = Arguments::read(token.arguments);
        match (&token.kind, pairs.get(&index)) {
            (Kind::Shown(shown), _) => kept.push_str(shown),
            (Kind::Close, Some(open)) => kept.push_str(end_of_pair(tokens[*open].name)),
            // An end without a beginning has nothing to say.
            (Kind::Close, None) => {}
            (_, Some(close)) => match token.name {
                "comment" => at = tokens[*close].range.end,
                name => kept.push_str(&start_of_pair(name, &arguments)),
            },
            (_, None) if matches!(token.name, "ref" | "relref") => {
                if let Some(written) = arguments.named_or_first(&["path"]) {
                    if let Some(url) = context.address_of(written) {
                        kept.push_str(url.as_str());
                    }
                    expanded.references.push(Found { written: written.to_owned(), at: token.range.start });
                }
            }
            (_, None) => match alone(token.name, &arguments) {
                Some(html) => kept.push_str(&html),
                None => {
                    let written = text[token.range.clone()].to_owned();
                    expanded.dropped.push(Found { written, at: token.range.start });
                }
            },
        }
    }
    kept.push_str(&text[at..]);
    expanded.text = Cow::Owned(kept);
    expanded
}

/// Which mark ends which, both ways. Either one end serves all names, or each has its own.
fn pairs(tokens: &[Token], one_end: bool) -> HashMap<usize, usize> {
    let mut open: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut pairs = HashMap::new();
    for (index, token) in tokens.iter().enumerate() {
        let stack = if one_end { "" } else { token.name };
        match token.kind {
            Kind::Open => open.entry(stack).or_default().push(index),
            Kind::Close => {
                if let Some(start) = open.get_mut(stack).and_then(Vec::pop) {
                    pairs.insert(start, index);
                    pairs.insert(index, start);
                }
            }
            _ => {}
        }
    }
    pairs
}

fn start_of_pair(name: &str, arguments: &Arguments) -> String {
    match name {
        "highlight" => format!("\n\n~~~~~~~~ {}\n", arguments.named_or_first(&["lang", "language"]).unwrap_or("")),
        "details" => {
            let summary = arguments.named_or_first(&["summary", "title"]).unwrap_or("…");
            format!("\n\n<details><summary>{}</summary>\n\n", literal(summary))
        }
        "quote" | "blockquote" => "\n\n<blockquote>\n\n".to_owned(),
        _ => String::new(),
    }
}

fn end_of_pair(name: &str) -> &'static str {
    match name {
        "highlight" => "\n~~~~~~~~\n\n",
        "details" => "\n\n</details>\n\n",
        "quote" | "blockquote" => "\n\n</blockquote>\n\n",
        _ => "",
    }
}

/// A shortcode that every site has, in HTML; None for the site's own.
fn alone(name: &str, arguments: &Arguments) -> Option<String> {
    let title = arguments.get(&["title", "label", "alt"]);
    let id = || arguments.named_or_first(&["id", "video", "vid"]).map(str::trim);
    match name {
        "figure" | "img" | "image" | "picture" => figure(arguments),
        "youtube" | "youtube_enhanced" => Some(link(&format!("https://www.youtube.com/watch?v={}", id()?), title)),
        "vimeo" => Some(link(&format!("https://vimeo.com/{}", id()?), title)),
        "tweet" | "x" | "twitter" => {
            let id = arguments.get(&["id"]).or_else(|| arguments.at(1)).or_else(|| arguments.at(0))?;
            let user = arguments.get(&["user"]).or_else(|| arguments.at(1).and(arguments.at(0))).unwrap_or("i/web");
            Some(link(&format!("https://twitter.com/{user}/status/{id}"), None))
        }
        "instagram" => Some(link(&format!("https://www.instagram.com/p/{}/", id()?), None)),
        "gist" => {
            let address = match (arguments.get(&["url"]), arguments.at(0), arguments.at(1)) {
                (Some(url), _, _) => url.to_owned(),
                (None, Some(user), Some(id)) => format!("https://gist.github.com/{user}/{id}"),
                _ => return None,
            };
            Some(link(&address, None))
        }
        _ => None,
    }
}

/// A picture with its caption. A name without a dot or a slash is a key of the site's own data.
fn figure(arguments: &Arguments) -> Option<String> {
    let source = arguments.named_or_first(&["src", "path", "url"]).filter(|src| src.contains(['.', '/']))?;
    let alt = arguments.get(&["alt"]).unwrap_or("");
    let size = |name: &str| {
        let value = arguments.get(&[name]).map(|value| format!(" {name}=\"{}\"", literal(value)));
        value.unwrap_or_default()
    };
    let image =
        format!("<img src=\"{}\" alt=\"{}\"{}{}>", literal(source), literal(alt), size("width"), size("height"));
    let image = match arguments.get(&["link"]) {
        Some(target) => format!("<a href=\"{}\">{image}</a>", literal(target)),
        None => image,
    };
    let parts: Vec<String> =
        ["title", "caption", "attr"].iter().filter_map(|name| arguments.get(&[name])).map(literal).collect();
    let caption =
        if parts.is_empty() { String::new() } else { format!("<figcaption>{}</figcaption>", parts.join(" ")) };
    Some(format!("<figure>{image}{caption}</figure>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::writing::Writing;
    use url::Url;

    type Read = for<'t, 'a, 'b> fn(&'t str, &'a Context<'b>) -> Expanded<'t>;

    fn run(read: Read, text: &str) -> (String, Vec<String>) {
        let base = Url::parse("https://www.example.fr/x/").unwrap();
        let other = Url::parse("https://www.example.fr/y/").unwrap();
        let writing = Writing { addresses: [("y.md".to_owned(), other)].into(), ..Writing::default() };
        let context = Context { base: &base, title: "", images: &[], writing: &writing, notes: true };
        let expanded = read(text, &context);
        (expanded.text.into_owned(), expanded.dropped.into_iter().map(|found| found.written).collect())
    }

    #[test]
    fn hugos_own_shortcodes_are_understood() {
        for (written, shown) in [
            (
                "{{< youtube abc >}}",
                "<a href=\"https://www.youtube.com/watch?v=abc\">https://www.youtube.com/watch?v=abc</a>",
            ),
            (
                "{{< youtube id=\"a&#95;c\" title=\"Un film\" >}}",
                "<a href=\"https://www.youtube.com/watch?v=a&#38;#95;c\">Un film</a>",
            ),
            ("[a]({{< relref \"y.md#z\" >}})", "[a](https://www.example.fr/y/#z)"),
            (
                "{{< figure src=\"/a.png\" alt=\"Une >}} carte\" caption=`C` >}}",
                "<figure><img src=\"/a.png\" alt=\"Une &#62;}} carte\"><figcaption>C</figcaption></figure>",
            ),
            ("{{% note %}}**a**{{% /note %}} b", "**a** b"),
            ("{{< highlight go >}}x{{< /highlight >}}", "\n\n~~~~~~~~ go\nx\n~~~~~~~~\n\n"),
            ("{{< comment >}}secret{{< /comment >}}b", "b"),
            ("`{{< x >}}` et {{</* x */>}}", "`{{< x >}}` et &#123;&#123;&#60; x &#62;}}"),
        ] {
            assert_eq!(run(hugo, written).0, shown, "{written}");
        }
        let (kept, dropped) = run(hugo, "a {{< img src=\"cle\" >}}{{< mien a b />}} {{ .Title }}");
        assert_eq!((kept.as_str(), dropped.len()), ("a  {{ .Title }}", 2));
    }

    #[test]
    fn zolas_shortcodes_are_understood() {
        for (written, shown) in [
            ("{{ vimeo(id=\"12\") }}", "<a href=\"https://vimeo.com/12\">https://vimeo.com/12</a>"),
            ("{% quote(author=\"A\") %}b{% end %}", "\n\n<blockquote>\n\nb\n\n</blockquote>\n\n"),
            ("{% mien() %}b{% end %}c", "bc"),
            ("`a::{{closure}}` {{closure}} `{{ x(a=1) }}`", "`a::{{closure}}` {{closure}} `{{ x(a=1) }}`"),
            ("{{/* x() */}}", "&#123;&#123; x() }}"),
        ] {
            assert_eq!(run(zola, written).0, shown, "{written}");
        }
        assert_eq!(run(zola, "a {{ mien(x=[1, 2]) }}{% if x %}").1.len(), 2);
    }
}
