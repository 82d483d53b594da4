//! The command line: one file per command, each on the same passes and steps as the daemon.
//!
//! Standard output is data, standard error is messages. Exit 0: done; 1: something failed or needs a person;
//! 2: the command or the configuration cannot be used.

mod backfill;
mod build;
mod campaigns;
mod check;
mod completions;
mod endpoints;
mod feeds;
mod hand;
mod healthcheck;
mod hub;
mod init;
mod log;
mod login;
mod plan;
mod posts;
mod preview;
mod publish_now;
mod run;
mod silence;
mod simulate;

use crate::article::SiteSettings;
use crate::clock::Clock;
use crate::config::{self, Config, Surroundings};
use crate::dates::civil;
use crate::people::By;
use crate::problem::Problem;
use crate::reconcile::{PassError, Reconciler, Snapshot};
use crate::shapes::utc;
use crate::source::directory::Directory;
use crate::store::Store;
use crate::telemetry::{self, LogFormat};
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Crieur reads a site's published articles, makes feeds for each collection, category and tag, and posts them to
/// social networks: nothing early, nothing twice, nothing lost.
#[derive(Debug, Parser)]
#[command(name = "crieur", version, max_term_width = 100)]
struct Arguments {
    /// Configuration file
    #[arg(long, global = true, default_value = "config/crieur.yaml", env = "CRIEUR_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, default_value = "human", env = "CRIEUR_LOG_FORMAT")]
    log_format: LogFormat,
    /// What to log: error, warn, info, debug, or by part, such as crieur=debug
    #[arg(long, global = true, env = "CRIEUR_LOG", value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon (the default)
    Run(run::Options),
    /// Write all feeds as files and touch nothing else
    Build(build::Options),
    /// Write a first configuration for a site, from what is found in it
    Init(init::Options),
    /// Check the configuration, the articles and, with --online, the endpoints
    Check(check::Options),
    /// Show what would go where and when, and why not for the rest
    Plan(plan::Options),
    /// Show how far each campaign is
    Campaigns(campaigns::Options),
    /// Show what would have gone out over a site's whole git history
    Simulate(simulate::Options),
    /// Show the exact posts of an article
    Preview(preview::Options),
    /// Post an article now, once, however often this is asked
    PublishNow(publish_now::Options),
    /// List the outbox, or settle one delivery
    Posts(posts::Options),
    /// Post what counts as announced and never was, so many a day
    Backfill(backfill::Options),
    /// Hold everything at once, or let it go again
    Silence(silence::Options),
    /// Print every decision, attempt and answer, or tell whether they stand as they were written
    Log(log::Options),
    /// List the feeds
    Feeds(feeds::Options),
    /// List the endpoints, or test one
    Endpoints(endpoints::Options),
    /// List the subscriptions at the built-in WebSub hub, and what hubs elsewhere were told
    Hub(hub::Options),
    /// Ask a running daemon on this machine whether it is ready (for containers)
    Healthcheck(healthcheck::Options),
    /// Print what a shell needs to complete this program's commands
    Completions(completions::Options),
    /// Print the JSON Schema of the configuration
    #[command(hide = true)]
    Schema,
}

/// Why a command ended without success.
#[derive(Debug)]
enum Fail {
    /// Something failed or needs a person: exit 1.
    Failed(String),
    /// The command or the configuration cannot be used: exit 2.
    Usage(String),
    /// The problems are said already: exit with this code.
    Said(u8),
}

impl<E: std::error::Error> From<E> for Fail {
    fn from(error: E) -> Self {
        Self::Failed(crate::daemon::with_causes(&error))
    }
}

/// What every command starts from.
struct Context {
    config_file: PathBuf,
    clock: Clock,
}

/// Reads the arguments and runs the command.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or_else(|| Command::Run(run::Options::default()));
    let filter = arguments.log.unwrap_or_else(|| match command {
        Command::Run(_) => "info".to_owned(),
        // A command's own output says what it did.
        _ => "warn".to_owned(),
    });
    if let Err(error) = telemetry::start(arguments.log_format, &filter) {
        say(&error);
        return ExitCode::from(2);
    }
    let context = Context { config_file: arguments.config, clock: hand::clock() };
    let done = match command {
        Command::Run(options) => run::run(&context, options).await,
        Command::Build(options) => build::run(&context, options).await,
        Command::Init(options) => init::run(&context, options).await,
        Command::Check(options) => check::run(&context, options).await,
        Command::Campaigns(options) => campaigns::run(&context, options).await,
        Command::Plan(options) => plan::run(&context, options).await,
        Command::Simulate(options) => simulate::run(&context, options).await,
        Command::Preview(options) => preview::run(&context, options).await,
        Command::PublishNow(options) => publish_now::run(&context, options).await,
        Command::Posts(options) => posts::run(&context, options).await,
        Command::Backfill(options) => backfill::run(&context, options).await,
        Command::Silence(options) => silence::run(&context, options).await,
        Command::Log(options) => log::run(&context, options).await,
        Command::Feeds(options) => feeds::run(&context, options).await,
        Command::Endpoints(options) => endpoints::run(&context, options).await,
        Command::Hub(options) => hub::run(&context, options).await,
        Command::Healthcheck(options) => healthcheck::run(&context, options).await,
        Command::Completions(options) => completions::run(&options),
        Command::Schema => print_json(&config::schema()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fail::Failed(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(1)
        }
        Err(Fail::Usage(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
        Err(Fail::Said(code)) => ExitCode::from(code),
    }
}

impl Context {
    /// The configuration, or every problem of it on standard error.
    fn config(&self) -> Result<Config, Fail> {
        self.read_config().map_err(|problems| {
            problems.iter().for_each(|problem| say(&problem.to_string()));
            Fail::Said(2)
        })
    }

    fn read_config(&self) -> Result<Config, Vec<Problem>> {
        let file = self.config_file.display().to_string();
        let text = std::fs::read_to_string(&self.config_file).map_err(|error| {
            let problem = Problem::error(
                &file,
                crate::problem::Place::FILE,
                format!("the configuration cannot be read: {error}"),
            );
            vec![
                problem
                    .kind("bad-configuration")
                    .cure("make it with `crieur init --site DIR`, or name another file with --config"),
            ]
        })?;
        let env = |name: &str| std::env::var(name).ok();
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
        config::parse(&file, &text, &Surroundings { env: &env, read: &read })
    }

    /// What a pass would find and want, changing nothing; with the store, if there is one.
    async fn glance(&self, config: &Arc<Config>, now: Timestamp) -> Result<(Snapshot, Option<Store>), Fail> {
        crate::pull::prepare(&config.site).await?;
        let store = Store::open_to_read(&config.store).await?;
        let snapshot = Reconciler::new(Arc::clone(config)).glance(store.as_ref(), now).await.map_err(pass_failed)?;
        if let Some(leader) = &snapshot.leader {
            say(&format!(
                "another process takes up the site for this database, from {leader}: what counts is what stands there; this is what {} would make of it",
                config.site.root.display()
            ));
        }
        Ok((snapshot, store))
    }
}

/// The site's zone, for times that people read; the outbox can be looked at even where the site is not there.
fn zone(config: &Config) -> TimeZone {
    match SiteSettings::read(&config.site, &Directory::new(config.site.root.clone())) {
        Ok((site, _)) => site.timezone,
        Err(_) => config.site.timezone.clone().unwrap_or(TimeZone::UTC),
    }
}

/// Whose word this is: as given, else of the machine's user. It is believed: whoever may run a command may write into the
/// database too.
///
/// Errors: no name is known, or people are named in the configuration and this is none of them.
fn person(config: &Config, given: Option<String>) -> Result<By, Fail> {
    let named = given.or_else(|| ["CRIEUR_AS", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()));
    let name = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = name.or_else(user_number);
    let name = name.ok_or_else(|| Fail::Usage("nobody knows who you are; say it with --as NAME".to_owned()))?;
    let people = &config.http.people;
    let known = people.known(&name).ok_or_else(|| {
        let names = people.ids().join(", ");
        Fail::Usage(format!("{name} is none of the people of http.people; say who you are with --as, one of: {names}"))
    })?;
    Ok(By::command(known))
}

/// The number of the machine's user, where the environment has no name: in a container, most often.
fn user_number() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|process| format!("user {}", process.uid()))
}

fn pass_failed(error: PassError) -> Fail {
    match error {
        PassError::Site(problems) => {
            problems.iter().for_each(|problem| say(&problem.to_string()));
            Fail::Said(2)
        }
        error => Fail::from(error),
    }
}

/// A message, on standard error. Where nobody listens, nothing is lost.
fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Data, on standard output. A reader that went away (`| head`) is no error.
fn print(text: &str) -> Result<(), Fail> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// JSON, on standard output.
fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Fail> {
    print(&serde_json::to_string_pretty(value)?)
}

/// An instant as a person writes it; without a zone it is in the site's.
fn instant(text: &str, zone: &jiff::tz::TimeZone) -> Result<Timestamp, Fail> {
    crate::article::date::instant(text, zone).ok_or_else(|| {
        Fail::Usage(format!("`{text}` is not a time; write one such as 2026-12-31 or \"2026-12-31 18:00\""))
    })
}
