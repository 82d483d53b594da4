//! `crieur check`: every problem of the configuration and the articles, once, where it is, with its cure; in the forms
//! that people, scripts, code hosts and editors read.

mod github;
mod paths;
mod sarif;

use super::{Context, Fail, print, print_json, say};
use crate::catalog::Head;
use crate::config::{Config, OnEdit, Written};
use crate::network::{self, Means};
use crate::problem::{Place, Problem, Severity};
use crate::pull;
use crate::reconcile::{PassError, Reconciler, Snapshot};
use crate::review;
use crate::store::Store;
use jiff::Timestamp;
use paths::{Wanted, plain};
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
    /// JSON on standard output; the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "human")]
    format: Form,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// One line a problem, and its cure under it
    Human,
    /// A list of objects
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
    /// Annotations of GitHub Actions
    Github,
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
    let here = std::env::current_dir()?;
    let (mut problems, wanted) = find(context, &options, &here).await?;
    if let Some(mut wanted) = wanted {
        for path in wanted.missing() {
            say(&format!("{}: there is no such file or folder", path.display()));
        }
        // While the configuration cannot be used, no file is checked: that concerns them all.
        let configuration = context.config_file.display().to_string();
        problems.retain(|problem| {
            (problem.file == configuration && problem.severity == Severity::Error) || wanted.takes(&problem.file)
        });
    }
    problems.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.severity, &a.message).cmp(&(&b.file, b.line, b.column, b.severity, &b.message))
    });
    problems.dedup();
    match if options.json { Form::Json } else { options.format } {
        Form::Human => {
            for problem in &problems {
                print(&problem.to_string())?;
            }
        }
        Form::Json => print_json(&problems.iter().map(shown).collect::<Vec<_>>())?,
        Form::Sarif => print_json(&sarif::log(&problems, |file| plain(&here, file)))?,
        Form::Github => {
            for problem in &problems {
                print(&github::annotation(problem, &plain(&here, &problem.file)))?;
            }
        }
    }
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| format!("{} {severity}{}", count(severity), if count(severity) == 1 { "" } else { "s" }))
        .collect();
    say(&counts.join(", "));
    if count(Severity::Error) > 0 { Err(Fail::Said(1)) } else { Ok(()) }
}

fn shown(problem: &Problem) -> Shown<'_> {
    Shown {
        file: &problem.file,
        line: problem.line,
        column: problem.column,
        severity: problem.severity,
        message: problem.sentence(),
    }
}

/// All problems, of the files that a person asked for and maybe of others; and which those are, unless all are.
async fn find(context: &Context, options: &Options, here: &Path) -> Result<(Vec<Problem>, Option<Wanted>), Fail> {
    let wanted = |root| (!options.paths.is_empty()).then(|| Wanted::new(here, &options.paths, root));
    let config = match context.read_config() {
        Ok(config) => Arc::new(config),
        Err(problems) => return Ok((problems, wanted(None))),
    };
    let file = context.config_file.display().to_string();
    let mut problems = Vec::new();
    if let Err(error) = pull::prepare(&config.site).await {
        problems.push(with_cure(&file, &error.to_string()).kind("site-missing"));
        return Ok((problems, wanted(None)));
    }
    let root = config.site.root.clone();
    let wanted = wanted(Some(&root));
    let mut reconciler = Reconciler::new(Arc::clone(&config));
    let glanced = match Store::open_to_read(&config.store).await {
        Ok(store) => reconciler.glance(store.as_ref(), context.clock.now()).await,
        Err(error) => Err(error.into()),
    };
    match glanced {
        Ok(snapshot) => {
            let mut asked = wanted.clone();
            let is_wanted = move |path: &str| asked.as_mut().is_none_or(|asked| asked.takes_path(&root.join(path)));
            let found = reconciler.inspect(is_wanted).await?;
            problems.extend(found.iter().map(|problem| problem.under(&config.site.root)));
            problems.extend(snapshot.feeds.refused.iter().map(|refused| {
                let message = format!("{} would be no valid document: {}", refused.path, refused.fault);
                Problem::error(&file, Place::FILE, message).kind("feed-error").cure(refused.fault.cure)
            }));
            problems.extend(snapshot.feeds.dead_aliases(&snapshot.settings).map(|(from, to)| {
                Problem::error(&file, Place::FILE, format!("feeds.aliases.{from}: there is no feed {to}"))
                    .kind("bad-alias")
                    .cure("`crieur feeds` lists the feeds there are")
            }));
            problems.extend(across(context, &config, &snapshot));
            problems.extend(corrections_untold(&config, &file));
            problems.extend(without_threads(&config, &file, context.clock.now()).await);
        }
        Err(PassError::Site(found)) => {
            problems.extend(found.into_iter().map(|problem| problem.kind_if_none("site-settings")));
        }
        Err(error) => {
            let kind = if matches!(error, PassError::Store(_)) { "store" } else { "site-missing" };
            problems.push(with_cure(&file, &crate::daemon::with_causes(&error)).kind(kind));
        }
    }
    if options.online {
        problems.extend(ask_endpoints(context, &config, &file).await?);
    }
    Ok((problems, wanted))
}

/// An error whose sentence ends with what to do, after a semicolon.
fn with_cure(file: &str, sentence: &str) -> Problem {
    match sentence.rsplit_once("; ") {
        Some((message, cure)) => Problem::error(file, Place::FILE, message).cure(cure),
        None => Problem::error(file, Place::FILE, sentence).cure("mend that, and check again"),
    }
}

/// What only shows when all articles are looked at together.
fn across(context: &Context, config: &Config, snapshot: &Snapshot) -> Vec<Problem> {
    let catalog = snapshot.catalog();
    let articles: Vec<&Head> = catalog.all().map(|standing| &standing.article).collect();
    let config_file = context.config_file.display().to_string();
    let text = |path: &str| std::fs::read_to_string(config.site.root.join(path)).ok();
    let found = review::review(&review::Inputs {
        articles: &articles,
        site: &snapshot.site,
        config,
        config_file: &config_file,
        written: &Written::new(&std::fs::read_to_string(&context.config_file).unwrap_or_default()),
        text: &text,
        now: context.clock.now(),
    });
    let of_site = |problem: Problem| {
        if problem.file == config_file { problem } else { problem.under(Path::new(&config.site.root)) }
    };
    found.into_iter().map(of_site).collect()
}

/// Rules with words for corrections that they never tell.
fn corrections_untold(config: &Config, file: &str) -> impl Iterator<Item = Problem> {
    let untold = config.rules.iter().filter(|rule| rule.correction.is_some() && rule.on_edit != OnEdit::Correct);
    untold.map(move |rule| {
        let says = format!("rules.{}: `correction` is never used: no correction is posted by this rule", rule.name);
        Problem::note(file, Place::FILE, says).kind("unused-correction").cure("add on_edit: correct, or take it out")
    })
}

/// Rules that want threads at endpoints that have none: there a text that is too long is shortened. Nothing is asked.
async fn without_threads(config: &Config, file: &str, now: Timestamp) -> Vec<Problem> {
    /// Texts that are longer than this need no thread.
    const LONG: usize = 10_000;
    let mut problems = Vec::new();
    for rule in config.rules.iter().filter(|rule| rule.composing.thread) {
        for name in &rule.endpoints {
            let network = config.endpoints.get(name).map(|endpoint| network::connect(name, endpoint, &Means::none()));
            let Some(Ok(network)) = network else { continue };
            if network.abilities().threads || !network.is_outside() {
                continue;
            }
            let most = network.limits(now).await.length_max;
            if most < LONG {
                let says =
                    format!("rules.{}: {name} has no threads: a text of more than {most} is shortened", rule.name);
                let problem = Problem::note(file, Place::FILE, says).kind("no-threads");
                problems.push(problem.cure("nothing, if that is meant; a bot can do more than a hook"));
            }
        }
    }
    problems
}

async fn ask_endpoints(context: &Context, config: &Config, file: &str) -> Result<Vec<Problem>, Fail> {
    let mut problems = Vec::new();
    // A journal that is asked about itself answers from the store, which is made if need be.
    let means = Means::new(config, &Store::open(&config.store).await?);
    for (name, endpoint) in &config.endpoints {
        let checked = match network::connect(name, endpoint, &means) {
            Ok(network) => match network.check(context.clock.now()).await {
                Ok(who) => Ok((who, network.remarks())),
                Err(failure) => Err(failure.reason().to_owned()),
            },
            Err(error) => Err(error),
        };
        match checked {
            Ok((who, remarks)) => {
                say(&format!("{name}: {who}"));
                problems.extend(remarks.into_iter().map(|remark| {
                    let (message, cure) = remark.rsplit_once("; ").unwrap_or((&remark, "look into it"));
                    let problem = Problem::warning(file, Place::FILE, format!("endpoint {name}: {message}"));
                    problem.kind("endpoint-remark").cure(cure)
                }));
            }
            Err(error) => {
                let problem = Problem::error(file, Place::FILE, format!("endpoint {name}: {error}"));
                problems.push(problem.kind("endpoint-refused").cure("look at its server and its token"));
            }
        }
    }
    Ok(problems)
}
