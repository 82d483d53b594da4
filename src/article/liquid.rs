//! Liquid, the language of Jekyll's templates, taken out of Markdown: only the site itself can fill it in.

use url::Url;

/// Liquid taken out: `{{ site.url }}` is filled in, `{% raw %}` keeps what it holds, comments and conditions go with
/// what they hold (whether it would show, only the site can tell), the rest goes. Also the tags that were dropped, for
/// a note to the editor.
pub fn without_liquid(markdown: &str, base: &Url) -> (String, Vec<String>) {
    if !markdown.contains("{{") && !markdown.contains("{%") {
        return (markdown.to_owned(), Vec::new());
    }
    let mut liquid = Liquid { kept: String::with_capacity(markdown.len()), dropped: Vec::new(), unended: Vec::new() };
    let origin = base.origin().ascii_serialization();
    let mut rest = markdown;
    while let Some(start) = rest.find('{') {
        liquid.kept.push_str(&rest[..start]);
        rest = match &rest[start..] {
            tag if tag.starts_with("{{") => liquid.output(tag, &origin),
            tag if tag.starts_with("{%") => liquid.tag(tag),
            tag => {
                liquid.kept.push('{');
                &tag[1..]
            }
        };
    }
    liquid.kept.push_str(rest);
    (liquid.kept, liquid.dropped)
}

/// Tags that hold something up to their end.
const BLOCKS: [&str; 9] = ["raw", "comment", "if", "unless", "case", "for", "tablerow", "capture", "highlight"];

struct Liquid {
    kept: String,
    dropped: Vec<String>,
    /// Marks that were sought to the end of the text and not found: they are not sought again.
    unended: Vec<String>,
}

impl Liquid {
    /// The place of a mark, sought once if it is nowhere.
    fn find(&mut self, text: &str, mark: &str) -> Option<usize> {
        if self.unended.iter().any(|known| known == mark) {
            return None;
        }
        let found = text.find(mark);
        if found.is_none() {
            self.unended.push(mark.to_owned());
        }
        found
    }

    /// `{{ … }}` at the start of a text. What follows it.
    fn output<'t>(&mut self, text: &'t str, origin: &str) -> &'t str {
        let Some(length) = self.find(text, "}}") else { return self.unclosed(text) };
        let inside = inner(&text[2..length]);
        match inside.split('|').next().map(str::trim) {
            Some("site.url") => self.kept.push_str(origin),
            Some("site.baseurl") => {}
            _ => self.dropped.push(format!("{{{{ {inside} }}}}")),
        }
        &text[length + 2..]
    }

    /// `{% … %}` at the start of a text, with what it holds. What follows it.
    fn tag<'t>(&mut self, text: &'t str) -> &'t str {
        let Some(length) = self.find(text, "%}") else { return self.unclosed(text) };
        let inside = inner(&text[2..length]);
        let name = inside.split_whitespace().next().unwrap_or("");
        let after = &text[length + 2..];
        let block = BLOCKS.contains(&name).then(|| self.block(after, name)).flatten();
        match (name, block) {
            ("raw" | "highlight", Some((held, rest))) => {
                self.kept.push_str(held);
                rest
            }
            ("comment", Some((_, rest))) => rest,
            (_, Some((_, rest))) => {
                self.dropped.push(format!("{{% {inside} %}}"));
                rest
            }
            (_, None) => {
                self.dropped.push(format!("{{% {inside} %}}"));
                after
            }
        }
    }

    /// What a block holds, and what follows its end; blocks of the same name inside are part of it.
    fn block<'t>(&mut self, text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
        let end_name = format!("end{name}");
        if self.unended.contains(&end_name) {
            return None;
        }
        let mut depth = 1;
        let mut at = 0;
        while let Some(start) = text[at..].find("{%").map(|start| at + start) {
            let Some(length) = text[start..].find("%}") else { break };
            let found = inner(&text[start + 2..start + length]).split_whitespace().next().unwrap_or("");
            at = start + length + 2;
            if found == name && !matches!(name, "raw" | "comment") {
                depth += 1;
            } else if found == end_name {
                depth -= 1;
            }
            if depth == 0 {
                return Some((&text[..start], &text[at..]));
            }
        }
        self.unended.push(end_name);
        None
    }

    /// Never closed: Jekyll would refuse the file; here the braces alone go.
    fn unclosed<'t>(&mut self, text: &'t str) -> &'t str {
        self.dropped.push(text[..2].to_owned());
        &text[2..]
    }
}

/// The inside of a tag without its white space and its `-`.
fn inner(tag: &str) -> &str {
    tag.trim_matches('-').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liquid_leaves_no_braces() {
        let (kept, dropped) = without_liquid(
            "a {{ site.url }}/x {% include y.html %} {% raw %}{{ z }}{% endraw %} {% comment %}c{% endcomment %}{{ page.title }}",
            &Url::parse("https://www.example.fr/agenda/x/").unwrap(),
        );
        assert_eq!(kept, "a https://www.example.fr/x  {{ z }} ");
        assert_eq!(dropped, ["{% include y.html %}", "{{ page.title }}"]);
    }
}
