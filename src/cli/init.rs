//! `crieur init`: a commented configuration for a site, from what is found in it.

use super::{Context, Fail, print, say};
use crate::catalog::Head;
use crate::clock::Clock;
use crate::config::{self, Config, Generator, Surroundings};
use crate::feed::Feed;
use crate::problem::{Problem, Severity};
use crate::reconcile::{PassError, Reconciler, Snapshot};
use crate::starter::{self, Found, OldFeed, scalar};
use crate::text::counted;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
    /// File to write, instead of the one of --config; - for standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// Most files and folders that are looked at for templates of feeds, deepest folder, and most bytes of a template.
const FILES_MAX: usize = 50_000;
const DEPTH_MAX: usize = 4;
const BYTES_MAX: u64 = 256 * 1024;
/// What stands for the address of a site that does not say it.
const URL_UNKNOWN: &str = "https://www.example.fr";

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let out = options.out.unwrap_or_else(|| context.config_file.clone());
    let to_stdout = out.as_os_str() == "-";
    if !to_stdout && !options.force && out.exists() {
        return Err(is_there(&out));
    }
    let Some(root) = options.site.to_str().filter(|_| options.site.is_dir()) else {
        return Err(Fail::Usage(format!("there is no folder {}", options.site.display())));
    };
    let (snapshot, knows_url) = look(root, context.clock.clone()).await?;
    let now = context.clock.now();
    let catalog = snapshot.catalog();
    let articles: Vec<&Head> = catalog.all().map(|standing| &standing.article).collect();
    let generator = snapshot.site.generator;
    let settings = settings_of(&options.site, generator);
    let feeds = &snapshot.feeds.feeds;
    let mut old = templates(&options.site, feeds);
    old.extend(starter::own_feeds(generator, &settings, feeds));
    let found = Found {
        root,
        generator,
        site: &snapshot.site,
        knows_url,
        knows_language: says_its_language(&settings),
        collections: starter::collections(&articles, &snapshot.site, now),
        tags: starter::terms(&articles, |article| &article.tags),
        categories: starter::terms(&articles, |article| &article.categories),
        feeds: old,
    };
    let text = starter::write(&found);
    // What is written must be usable: better no file than one that misleads.
    parse(&out.display().to_string(), &text).map_err(|problems| refused(&problems))?;
    if to_stdout {
        print(text.trim_end())?;
    } else {
        write(&out, &text, options.force)?;
    }
    tell(&found, &snapshot, articles.len());
    if !to_stdout {
        next_steps(&out, knows_url);
    }
    Ok(())
}

/// The site as a first pass sees it, and whether it says its own address.
async fn look(root: &str, clock: Clock) -> Result<(Snapshot, bool), Fail> {
    let glance = async |more: &str| {
        let text = format!("site: {{ root: {}{more} }}", scalar(root));
        let config = parse("init", &text).map_err(|problems| refused(&problems))?;
        Ok::<_, Fail>(Reconciler::new(Arc::new(config)).glance(None, clock.now()).await)
    };
    match glance("").await? {
        Ok(snapshot) => return Ok((snapshot, true)),
        Err(PassError::Site(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let url = format!(", url: {}", scalar(URL_UNKNOWN));
    match glance(&url).await? {
        Ok(snapshot) => Ok((snapshot, false)),
        Err(PassError::Site(problems)) => Err(refused(&problems)),
        Err(error) => Err(error.into()),
    }
}

fn parse(file: &str, text: &str) -> Result<Config, Vec<Problem>> {
    let env = |name: &str| std::env::var(name).ok();
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
    config::parse(file, text, &Surroundings { env: &env, read: &read })
}

fn refused(problems: &[Problem]) -> Fail {
    problems.iter().for_each(|problem| say(&problem.to_string()));
    Fail::Said(2)
}

/// The text of the generator's own settings.
fn settings_of(root: &Path, generator: Generator) -> String {
    let names: &[&str] = match generator {
        Generator::Jekyll => &["_config.yml", "_config.yaml", "_config.toml"],
        Generator::Hugo => &[
            "hugo.toml",
            "hugo.yaml",
            "hugo.yml",
            "hugo.json",
            "config.toml",
            "config.yaml",
            "config.yml",
            "config.json",
            "config/_default/hugo.toml",
            "config/_default/config.toml",
            "config/_default/config.yaml",
        ],
        Generator::Zola => &["zola.toml", "config.toml"],
        Generator::Plain => &[],
    };
    names.iter().find_map(|name| fs::read_to_string(root.join(name)).ok()).unwrap_or_default()
}

/// Whether a site's settings have a line on its language, by any of the generators' names for it.
fn says_its_language(settings: &str) -> bool {
    let keys =
        ["lang", "language", "languageCode", "defaultContentLanguage", "DefaultContentLanguage", "default_language"];
    settings.lines().filter_map(|line| line.split_once([':', '='])).any(|(key, _)| keys.contains(&key.trim()))
}

/// The templates of feeds among the site's own files, with their addresses.
fn templates(root: &Path, feeds: &[Arc<Feed>]) -> Vec<OldFeed> {
    let mut found = Vec::new();
    let mut left = FILES_MAX;
    walk(root, "", 0, &mut left, &mut found);
    found.sort();
    let understand = |path: String| {
        let mut text = String::new();
        fs::File::open(root.join(&path)).ok()?.take(BYTES_MAX).read_to_string(&mut text).ok()?;
        let template = starter::template(&text, feeds)?;
        let kept_back = path.split('/').any(|part| part.starts_with('_'));
        let at = match template.permalink {
            Some(permalink) => permalink,
            // Layouts and the like have no address of their own.
            None if kept_back => return None,
            None => format!("/{path}"),
        };
        Some(OldFeed { path: at, to: template.to, seen: format!("{path}, over {}", template.over) })
    };
    found.into_iter().filter_map(understand).collect()
}

fn walk(root: &Path, folder: &str, depth: usize, left: &mut usize, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        // What a generator made, or a package manager brought, is not the site's own.
        let foreign = ["node_modules", "vendor", "_site", "public", "resources", "themes"].contains(&name.as_str());
        if kind.is_dir() && depth < DEPTH_MAX && !name.starts_with('.') && !foreign {
            walk(root, &path, depth + 1, left, found);
        } else if kind.is_file() && is_named_like_a_feed(&name) {
            found.push(path);
        }
    }
}

fn is_named_like_a_feed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.rsplit_once('.') {
        Some((_, "rss" | "atom")) => true,
        Some((stem, "xml")) => ["feed", "rss", "atom", "index", "flux"].iter().any(|word| stem.contains(word)),
        Some((stem, "json")) => stem.contains("feed") || stem.contains("flux"),
        _ => false,
    }
}

fn is_there(out: &Path) -> Fail {
    let out = out.display();
    Fail::Usage(format!("{out} is there already; name another file with --out, or replace it with --force"))
}

/// Written beside and renamed, so that a file that is replaced is never half there.
fn write(out: &Path, text: &str, force: bool) -> Result<(), Fail> {
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    if !force {
        return match fs::OpenOptions::new().write(true).create_new(true).open(out) {
            Ok(mut file) => Ok(file.write_all(text.as_bytes())?),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(out)),
            Err(error) => Err(Fail::Failed(format!("{}: {error}", out.display()))),
        };
    }
    let mut beside = out.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text)?;
    Ok(fs::rename(&beside, out)?)
}

fn tell(found: &Found, snapshot: &Snapshot, articles: usize) {
    let site = found.site;
    let zone = site.timezone.iana_name().unwrap_or("UTC");
    let url = if found.knows_url { site.url.as_str() } else { "public address unknown" };
    say(&format!("{}: a site of {}, {}", found.root, found.generator.name(), site.title));
    say(&format!("  {url}, language {}, time zone {zone}", site.language));
    say(&format!("  {}", counted(articles, "article")));
    for collection in found.collections.iter().filter(|collection| collection.articles > 0) {
        let newest = collection.newest.map_or(String::new(), |date| format!(", newest {date}"));
        let pages = if collection.is_of_pages() { ", mostly without a date: pages?" } else { "" };
        say(&format!("    {} {}{newest}{pages}", collection.name, collection.articles));
    }
    let proposed = starter::worth_a_hashtag(&found.tags, articles).count();
    let (tags, categories) = (found.tags.len(), found.categories.len());
    say(&format!("  {tags} tags, {categories} categories; proposed as hashtags: {proposed}"));
    for old in &found.feeds {
        say(&format!("  {} goes on as {} ({})", old.path, old.to, old.seen));
    }
    let errors = snapshot.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        say(&format!("  {} cannot be read; `crieur check` says why", counted(errors, "article")));
    }
}

fn next_steps(out: &Path, knows_url: bool) {
    let out = out.display();
    let url = if knows_url { "" } else { "write the site's address under `site.url`, " };
    say(&format!("{out} is written. Next:"));
    say(&format!("  1. read it: {url}correct hashtags.dictionary, look at the rule"));
    say(&format!("  2. crieur --config {out} check   what is wrong in it and in the articles"));
    say(&format!("  3. crieur --config {out} plan    what would go out, and why not for the rest"));
    say(&format!("  4. crieur --config {out} run     the first start is calm: nothing old is posted"));
}
