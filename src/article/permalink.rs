//! Addresses by Jekyll's rules (Jekyll 4, documentation “Permalinks”).

use super::date::ArticleDate;

/// What the placeholders of a permalink stand for.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// `:collection`.
    pub collection: &'a str,
    /// Path under the collection's folder, without its extension.
    pub path: &'a str,
    /// File name without date and extension, or the front matter's `slug`.
    pub slug: &'a str,
    /// File name without its extension.
    pub name: &'a str,
    /// Categories, as written.
    pub categories: &'a [String],
    /// Date, in the site's zone.
    pub date: Option<ArticleDate>,
    /// `:output_ext`: the extension of the page, with its dot.
    pub output_ext: &'a str,
}

/// The template behind one of Jekyll's built-in styles; anything else is a template already.
pub fn style(given: &str) -> &str {
    match given {
        "date" => "/:categories/:year/:month/:day/:title:output_ext",
        "pretty" => "/:categories/:year/:month/:day/:title/",
        "ordinal" => "/:categories/:year/:y_day/:title:output_ext",
        "weekdate" => "/:categories/:year/W:week/:short_day/:title:output_ext",
        "none" => "/:categories/:title:output_ext",
        template => template,
    }
}

/// The template of a collection that gives none: its end follows the site's own style.
pub fn collection_default(site_style: &str) -> String {
    let end = match site_style {
        "pretty" => "/",
        "date" | "ordinal" | "none" => ":output_ext",
        style if style.ends_with('/') => "/",
        style if style.ends_with(":output_ext") => ":output_ext",
        _ => "",
    };
    format!("/:collection/:path{end}")
}

/// The path that a template and its parts make: what the parts give is percent-encoded, the template's own text is as
/// its author wrote it.
pub fn path(template: &str, parts: &Parts) -> String {
    let mut filled = String::from("/");
    let mut rest = template;
    while let Some(colon) = rest.find(':') {
        filled.push_str(&rest[..colon]);
        let name_length =
            rest[colon + 1..].find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(rest.len() - colon - 1);
        let name = &rest[colon + 1..colon + 1 + name_length];
        // `:title_x` is no placeholder: the longest name that is one counts, as in `W:week`.
        let known = (1..=name.len().min(NAME_MAX))
            .rev()
            .find_map(|length| Some((length, placeholder(&name[..length], parts)?)));
        match known {
            Some((length, value)) => {
                filled.push_str(&escape(&value));
                rest = &rest[colon + 1 + length..];
            }
            None => {
                filled.push(':');
                rest = &rest[colon + 1..];
            }
        }
    }
    filled.push_str(rest);
    tidy(&filled)
}

/// Longest name of a placeholder: `slugified_categories`.
const NAME_MAX: usize = 20;

fn placeholder(name: &str, parts: &Parts) -> Option<String> {
    let date = |format: &str| parts.date.map(|date| date.zoned().strftime(format).to_string()).unwrap_or_default();
    Some(match name {
        "collection" => parts.collection.to_owned(),
        "path" => parts.path.to_owned(),
        "output_ext" => parts.output_ext.to_owned(),
        "title" => slugify(parts.slug, Mode::Pretty, true),
        "slug" => slugify(parts.slug, Mode::Default, false),
        "name" => slugify(parts.name, Mode::Default, false),
        "categories" => distinct(parts.categories.iter().map(|c| c.to_lowercase())),
        "slugified_categories" => distinct(parts.categories.iter().map(|c| slugify(c, Mode::Default, false))),
        "year" => date("%Y"),
        "short_year" => date("%y"),
        "month" => date("%m"),
        "i_month" => date("%-m"),
        "short_month" => date("%b"),
        "long_month" => date("%B"),
        "day" => date("%d"),
        "i_day" => date("%-d"),
        "y_day" => date("%j"),
        "week" => date("%V"),
        "w_year" => date("%G"),
        "w_day" => date("%u"),
        "short_day" => date("%a"),
        "long_day" => date("%A"),
        "hour" => date("%H"),
        "minute" => date("%M"),
        "second" => date("%S"),
        _ => return None,
    })
}

fn distinct(words: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen.join("/")
}

/// What Jekyll's `slugify` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Letters, marks and digits.
    Default,
    /// Those, and the punctuation that addresses bear.
    Pretty,
}

/// Jekyll's `slugify`: every run of other characters becomes one hyphen.
pub fn slugify(text: &str, mode: Mode, cased: bool) -> String {
    use unicode_normalization::char::is_combining_mark;
    let keeps = |c: char| {
        c.is_alphabetic()
            || is_combining_mark(c)
            || c.is_ascii_digit()
            || is_decimal(c)
            || (mode == Mode::Pretty && "._~!$&'()+,;=@".contains(c))
    };
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        if keeps(c) {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.strip_prefix('-').unwrap_or(&slug);
    let slug = slug.strip_suffix('-').unwrap_or(slug);
    if cased { slug.to_owned() } else { slug.to_lowercase() }
}

/// Decimal digits outside ASCII (Unicode category Nd): fractions and circled numbers are none.
fn is_decimal(c: char) -> bool {
    matches!(c, '\u{660}'..='\u{669}' | '\u{6F0}'..='\u{6F9}' | '\u{966}'..='\u{96F}' | '\u{FF10}'..='\u{FF19}')
}

/// What Jekyll 4 makes of a path: `..` is a slash, `./` nothing, and many slashes are one.
fn tidy(path: &str) -> String {
    let without_dots = path.replace("..", "/").replace("./", "");
    let mut tidy = String::with_capacity(without_dots.len() + 1);
    for c in without_dots.chars() {
        if c != '/' || !tidy.ends_with('/') {
            tidy.push(c);
        }
    }
    if tidy.starts_with('/') { tidy } else { format!("/{tidy}") }
}

/// Percent-encodes what may not stand in the path of an address (RFC 3986, section 3.3).
pub fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn check(template: &str, slug: &str, expected: &str) {
        let date = super::super::date::parse("2024-02-05 09:30:00", &TimeZone::UTC);
        let categories = vec!["Journée d'échanges".to_owned(), "News".to_owned(), "news".to_owned()];
        let parts = Parts {
            collection: "evenements",
            path: "formation/design",
            slug,
            name: "2024-02-05-Design.x",
            categories: &categories,
            date,
            output_ext: ".html",
        };
        assert_eq!(path(template, &parts), expected);
    }

    proptest::proptest! {
        #[test]
        fn a_path_always_makes_an_address(template in "(:[a-z_]{1,8}|/|\\.|\\PC{0,3}){0,12}", slug in "\\PC{0,12}") {
            let parts = Parts { collection: "a", path: "b/c", slug: &slug, name: &slug, categories: &[], date: None, output_ext: ".html" };
            let path = path(&template, &parts);
            proptest::prop_assert!(path.starts_with('/') && !path.contains("//"));
            let address = crate::text::repair_address(&path);
            let whole = format!("https://www.example.fr{address}");
            proptest::prop_assert!(url::Url::parse(&whole).is_ok());
        }
    }

    #[test]
    fn permalinks_are_those_of_jekyll() {
        check("/agenda/:title/", "projets-informatiques-de-l'état", "/agenda/projets-informatiques-de-l'%C3%A9tat/");
        check("/agenda/:title/", "Le « Cloud » : <<x>>", "/agenda/Le-Cloud-x/");
        check("/agenda/:slug/", "Le.Cloud", "/agenda/le-cloud/");
        check(":collection/:path:output_ext", "x", "/evenements/formation/design.html");
        check("/:year/:month/:i_day/:title", "x", "/2024/02/5/x");
        check(style("pretty"), "x", "/journ%C3%A9e%20d'%C3%A9changes/news/2024/02/05/x/");
        check("/:slugified_categories/:title.html", "x", "/journ%C3%A9e-d-%C3%A9changes/news/x.html");
        check(style("weekdate"), "x", "/journ%C3%A9e%20d'%C3%A9changes/news/2024/W06/Mon/x.html");
        check("/:unknown/:title/", "x", "/:unknown/x/");
        check("/a/../b//:title/", "x", "/a/b/x/");
        check("/:year_:month/:title/", "x", "/2024_02/x/");
        check("/a b/é%20/:title", "x?", "/a b/é%20/x");
        check(
            "/:hour/:minute/:second/:short_year/:long_month/:w_day/:title/",
            "日本語",
            "/09/30/00/24/February/1/%E6%97%A5%E6%9C%AC%E8%AA%9E/",
        );
        check("/u.s./:title/", "x", "/u.sx/");
    }
}
