//! `crieur check`: every problem of the configuration and the articles, once, where it is, with its cure.

use super::{Context, Fail, print, print_json, say};
use crate::network;
use crate::problem::{Place, Problem, Severity};
use crate::reconcile::PassError;
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only the problems of these files or folders
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Ask every endpoint who the account is
    #[arg(long)]
    online: bool,
    /// JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    severity: Severity,
    message: String,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let mut problems = find(context, options.online).await?;
    if !options.paths.is_empty() {
        // What is wrong with the configuration concerns every file.
        let configuration = context.config_file.display().to_string();
        problems.retain(|problem| {
            problem.file == configuration || options.paths.iter().any(|path| is_of(&problem.file, path))
        });
    }
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    problems.dedup();
    if options.json {
        let shown: Vec<Shown> = problems
            .iter()
            .map(|p| Shown {
                file: &p.file,
                line: p.line,
                column: p.column,
                severity: p.severity,
                message: p.sentence(),
            })
            .collect();
        print_json(&shown)?;
    } else {
        for problem in &problems {
            print(&problem.to_string())?;
        }
    }
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let errors = count(Severity::Error);
    say(&format!("{errors} errors, {} warnings, {} notes", count(Severity::Warning), count(Severity::Note)));
    if errors > 0 { Err(Fail::Said(1)) } else { Ok(()) }
}

async fn find(context: &Context, online: bool) -> Result<Vec<Problem>, Fail> {
    let config = match context.read_config() {
        Ok(config) => Arc::new(config),
        Err(problems) => return Ok(problems),
    };
    let file = context.config_file.display().to_string();
    let mut problems = Vec::new();
    if let Err(error) = crate::pull::prepare(&config.site).await {
        return Ok(vec![Problem::error(&file, Place::FILE, error.to_string())]);
    }
    let glanced = match Store::open_to_read(&config.store).await {
        Ok(store) => {
            crate::reconcile::Reconciler::new(Arc::clone(&config)).glance(store.as_ref(), context.clock.now()).await
        }
        Err(error) => Err(error.into()),
    };
    match glanced {
        Ok(snapshot) => {
            problems.extend(snapshot.problems.iter().map(|problem| problem.under(&config.site.root)));
            problems.extend(snapshot.feeds.dead_aliases().map(|(from, to)| {
                Problem::error(&file, Place::FILE, format!("feeds.aliases.{from}: there is no feed {to}"))
                    .cure("`crieur feeds` lists the feeds there are")
            }));
        }
        Err(PassError::Site(found)) => problems.extend(found),
        Err(error) => problems.push(Problem::error(&file, Place::FILE, crate::daemon::with_causes(&error))),
    }
    if online {
        // A journal that is asked about itself answers from the store, which is made if need be.
        let store = Store::open(&config.store).await?;
        for (name, endpoint) in &config.endpoints {
            let checked = match network::connect(name, endpoint, &store) {
                Ok(network) => network.check(context.clock.now()).await.map_err(|failure| failure.reason().to_owned()),
                Err(error) => Err(error),
            };
            match checked {
                Ok(who) => say(&format!("{name}: {who}")),
                Err(error) => problems.push(Problem::error(&file, Place::FILE, format!("endpoint {name}: {error}"))),
            }
        }
    }
    Ok(problems)
}

/// Whether a file is the given path or lies below it, however the two are written.
fn is_of(file: &str, path: &Path) -> bool {
    let file = Path::new(file);
    let same = |a: &Path, b: &Path| a.starts_with(b) || a.ends_with(b);
    let plain = path.strip_prefix("./").unwrap_or(path);
    same(file, plain)
        || matches!((file.canonicalize(), path.canonicalize()), (Ok(file), Ok(path)) if file.starts_with(&path))
}
