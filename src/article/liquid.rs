//! Liquid, the language of Jekyll's templates, in Markdown: what can be known without the site is filled in, the rest
//! is left out, and no brace of it stays.

use super::writing::{Context, Expanded, Found, link, literal};
use crate::text::capitalised;
use std::borrow::Cow;

/// Tags that hold something up to their end.
const BLOCKS: [&str; 9] = ["raw", "comment", "if", "unless", "case", "for", "tablerow", "capture", "highlight"];
/// Filters that change nothing in what feeds show.
const PASSED: [&str; 9] = [
    "escape",
    "escape_once",
    "xml_escape",
    "strip",
    "lstrip",
    "rstrip",
    "strip_newlines",
    "markdownify",
    "normalize_whitespace",
];

/// A text on its way through.
pub(super) struct Liquid<'t, 'c> {
    source: &'t str,
    context: &'c Context<'c>,
    kept: String,
    dropped: Vec<Found>,
    references: Vec<Found>,
    /// Marks that were sought up to an end and not found: they are not sought again.
    unended: Vec<(String, usize)>,
    /// Where in `kept` the site's address was written last: an absolute address behind it takes its place.
    site: Option<(usize, usize)>,
}

impl<'t, 'c> Liquid<'t, 'c> {
    /// Fills in a text. `{% raw %}` keeps what it holds, comments and conditions go with what they hold (whether it
    /// would show, only the site can tell).
    pub(super) fn run(source: &'t str, context: &'c Context<'c>) -> Expanded<'t> {
        let mut liquid = Liquid {
            source,
            context,
            kept: String::with_capacity(source.len()),
            dropped: Vec::new(),
            references: Vec::new(),
            unended: Vec::new(),
            site: None,
        };
        liquid.part(0, source.len());
        Expanded { text: Cow::Owned(liquid.kept), dropped: liquid.dropped, references: liquid.references }
    }

    fn part(&mut self, from: usize, to: usize) {
        let mut at = from;
        while let Some(start) = self.source[at..to].find('{').map(|found| at + found) {
            self.kept.push_str(&self.source[at..start]);
            at = match &self.source[start..to] {
                tag if tag.starts_with("{{") => self.output(start, to),
                tag if tag.starts_with("{%") => self.tag(start, to),
                _ => {
                    self.kept.push('{');
                    start + 1
                }
            };
        }
        self.kept.push_str(&self.source[at..to]);
    }

    /// The place of a mark, sought once if it is nowhere.
    fn find(&mut self, mark: &str, from: usize, to: usize) -> Option<usize> {
        if self.unended.iter().any(|(known, end)| known == mark && *end == to) {
            return None;
        }
        let found = self.source[from..to].find(mark).map(|found| from + found);
        if found.is_none() {
            self.unended.push((mark.to_owned(), to));
        }
        found
    }

    /// The inside of a tag that ends at `end`, and where the text goes on. `-` takes the white space beside the tag.
    fn inside(&mut self, start: usize, end: usize, to: usize) -> (&'t str, usize) {
        let inside = &self.source[start + 2..end];
        if inside.starts_with('-') {
            self.kept.truncate(self.kept.trim_end().len());
            // Two braces that stood apart must not become one mark.
            if self.kept.ends_with('{') {
                self.kept.push(' ');
            }
        }
        let after = end + 2;
        let rest = &self.source[after..to];
        let blank = if inside.ends_with('-') { rest.len() - rest.trim_start().len() } else { 0 };
        (inside.trim_matches('-').trim(), after + blank)
    }

    /// `{{ … }}`. Where the text goes on.
    fn output(&mut self, start: usize, to: usize) -> usize {
        let Some(end) = self.find("}}", start + 2, to) else { return self.unclosed(start) };
        let (inside, after) = self.inside(start, end, to);
        match self.value(inside) {
            Some(value) if value.site => self.push_site(&value.text),
            Some(value) if value.address => self.push_address(&value.text),
            Some(value) => self.kept.push_str(&value.text),
            None => self.drop(format!("{{{{ {inside} }}}}"), start),
        }
        after
    }

    fn push_site(&mut self, text: &str) {
        let start = self.site.filter(|(_, end)| *end == self.kept.len()).map_or(self.kept.len(), |(start, _)| start);
        self.kept.push_str(text);
        self.site = Some((start, self.kept.len()));
    }

    /// An absolute address; `{{ site.url }}` before it has nothing to add.
    fn push_address(&mut self, address: &str) {
        if let Some((start, end)) = self.site
            && end == self.kept.len()
        {
            self.kept.truncate(start);
        }
        self.kept.push_str(address);
    }

    /// `{% … %}`, with what it holds. Where the text goes on.
    fn tag(&mut self, start: usize, to: usize) -> usize {
        let Some(end) = self.find("%}", start + 2, to) else { return self.unclosed(start) };
        let (inside, after) = self.inside(start, end, to);
        let (name, arguments) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        let arguments = arguments.trim();
        if BLOCKS.contains(&name)
            && let Some((held, next)) = self.block(after, to, name)
        {
            match name {
                "raw" => self.kept.push_str(&self.source[after..held]),
                "comment" => {}
                "highlight" => {
                    let language = arguments.split_whitespace().next().unwrap_or("");
                    self.kept.push_str(&format!("\n\n~~~~~~~~ {language}\n"));
                    let line = self.source[after..held].find(|c: char| c != '\n').map_or(held, |found| after + found);
                    self.part(line, held);
                    self.kept.push_str("\n~~~~~~~~\n\n");
                }
                _ => self.drop(format!("{{% {inside} %}}"), start),
            }
            return next;
        }
        match name {
            "link" | "post_url" if !arguments.is_empty() && !arguments.contains("{{") => {
                let written = arguments.trim_matches(['"', '\'']).to_owned();
                if let Some(url) = self.context.address_of(&written) {
                    self.push_address(url.as_str());
                }
                self.references.push(Found { written, at: start });
            }
            "youtube" | "vimeo" if !arguments.is_empty() => {
                let id = arguments.split_whitespace().next().unwrap_or("").trim_matches(['"', '\'']);
                let address = if name == "youtube" {
                    format!("https://www.youtube.com/watch?v={id}")
                } else {
                    format!("https://vimeo.com/{id}")
                };
                self.kept.push_str(&link(&address, None));
            }
            _ => self.drop(format!("{{% {inside} %}}"), start),
        }
        after
    }

    /// Where what a block holds ends, and where the text goes on behind its end; blocks of the same name inside are
    /// part of it.
    fn block(&mut self, from: usize, to: usize, name: &str) -> Option<(usize, usize)> {
        let end_name = format!("end{name}");
        if self.unended.iter().any(|(known, end)| *known == end_name && *end == to) {
            return None;
        }
        let mut depth = 1;
        let mut at = from;
        while let Some(start) = self.source[at..to].find("{%").map(|start| at + start) {
            let Some(length) = self.source[start..to].find("%}") else { break };
            let inside = self.source[start + 2..start + length].trim_matches('-').trim();
            let found = inside.split_whitespace().next().unwrap_or("");
            at = start + length + 2;
            if found == name && !matches!(name, "raw" | "comment" | "highlight") {
                depth += 1;
            } else if found == end_name {
                depth -= 1;
            }
            if depth == 0 {
                return Some((start, at));
            }
        }
        self.unended.push((end_name, to));
        None
    }

    fn drop(&mut self, written: String, at: usize) {
        self.dropped.push(Found { written, at });
    }

    /// Never closed: Jekyll would refuse the file; here the braces alone go.
    fn unclosed(&mut self, start: usize) -> usize {
        self.drop(self.source[start..start + 2].to_owned(), start);
        start + 2
    }

    /// The value of an expression, if it can be known.
    fn value(&self, expression: &str) -> Option<Value> {
        let mut steps = split_outside_quotes(expression, '|').into_iter();
        let mut value = self.operand(steps.next()?.trim())?;
        for step in steps {
            let (name, argument) = step.split_once(':').unwrap_or((step, ""));
            let argument = argument.trim();
            match name.trim() {
                "relative_url" | "absolute_url" => value = Value::address(self.absolute(&value.text)),
                "prepend" => {
                    let before = self.operand(argument)?;
                    let whole = format!("{}{}", before.text, value.text);
                    value = if before.site { Value::address(self.absolute(&value.text)) } else { Value::text(whole) };
                }
                "append" => value.text.push_str(&self.operand(argument)?.text),
                "downcase" => value.text = value.text.to_lowercase(),
                "upcase" => value.text = value.text.to_uppercase(),
                "capitalize" => value.text = capitalised(&value.text),
                name if PASSED.contains(&name) => {}
                _ => return None,
            }
        }
        Some(value)
    }

    fn absolute(&self, path: &str) -> String {
        if path.contains("://") { path.to_owned() } else { self.context.on_site(path) }
    }

    fn operand(&self, word: &str) -> Option<Value> {
        for quote in ['"', '\''] {
            if let Some(inside) = word.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
                return Some(Value::text(inside.to_owned()));
            }
        }
        Some(match word {
            "site.url" => Value { site: true, ..Value::text(self.context.origin()) },
            "site.baseurl" => Value { site: true, ..Value::text(self.context.base_path().to_owned()) },
            "page.url" => Value::address(self.context.base.to_string()),
            "page.title" => Value::text(literal(self.context.title)),
            _ => return None,
        })
    }
}

struct Value {
    text: String,
    /// It is the beginning of an address on the site.
    site: bool,
    /// It is a whole address.
    address: bool,
}

impl Value {
    fn text(text: String) -> Self {
        Self { text, site: false, address: false }
    }

    fn address(text: String) -> Self {
        Self { text, site: false, address: true }
    }
}

fn split_outside_quotes(text: &str, mark: char) -> Vec<&str> {
    let mut quote = None;
    text.split(|c| match (quote, c) {
        (None, '"' | '\'') => {
            quote = Some(c);
            false
        }
        (Some(open), c) if c == open => {
            quote = None;
            false
        }
        (None, c) => c == mark,
        _ => false,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::writing::Writing;
    use url::Url;

    fn run(text: &str) -> (String, Vec<String>, Vec<String>) {
        let base = Url::parse("https://www.example.fr/blog/agenda/x/").unwrap();
        let site = Url::parse("https://www.example.fr/blog").unwrap();
        let other = Url::parse("https://www.example.fr/blog/y/").unwrap();
        let writing = Writing {
            site: Some(site),
            addresses: [("_posts/y.md".to_owned(), other.clone()), ("2026-01-01-y".to_owned(), other)].into(),
            ..Writing::default()
        };
        let context = Context { base: &base, title: "Un *titre*", images: &[], writing: &writing, notes: true };
        let expanded = Liquid::run(text, &context);
        let written = |found: Vec<Found>| found.into_iter().map(|found| found.written).collect();
        (expanded.text.into_owned(), written(expanded.dropped), written(expanded.references))
    }

    #[test]
    fn liquid_leaves_no_braces() {
        let (kept, dropped, _) = run(
            "a {{ site.url }}/x {% include y.html %} {% raw %}{{ z }}{% endraw %} {% comment %}c{% endcomment %}{{ page.x }}",
        );
        assert_eq!(kept, "a https://www.example.fr/x  {{ z }} ");
        assert_eq!(dropped, ["{% include y.html %}", "{{ page.x }}"]);
    }

    #[test]
    fn addresses_are_whole_however_they_are_written() {
        for written in [
            "{% link _posts/y.md %}",
            "{{ site.baseurl }}{% link _posts/y.md %}",
            "{{site.url}}{{ site.baseurl }}{% post_url 2026-01-01-y %}",
            "{{ '/y/' | relative_url }}",
            "{{ \"/y/\" | absolute_url }}",
            "{{ '/y/' | prepend: site.baseurl | prepend: site.url }}",
            "{{ site.url }}{{ site.baseurl }}/y/",
        ] {
            assert_eq!(run(written).0, "https://www.example.fr/blog/y/", "{written}");
        }
        assert_eq!(run("{% post_url 2020-01-01-z %}").2, ["2020-01-01-z"]);
        assert_eq!(run("{{- page.title -}}  b").0, "Un &#42;titre&#42;b");
    }

    #[test]
    fn liquid_runs_in_code_and_a_highlight_is_code() {
        assert_eq!(run("`{{ x }}`").0, "``");
        assert_eq!(
            run("{% highlight ruby linenos %}\n  {% raw %}{{ a }}{% endraw %}{{ b }}\n{% endhighlight %}").0,
            "\n\n~~~~~~~~ ruby\n  {{ a }}\n\n~~~~~~~~\n\n"
        );
    }
}
