//! `crieur log`: every decision, attempt and answer, and whether they stand as they were written.

use super::{Context, Fail, civil, instant, print, say, utc};
use crate::store::{LogEntry, Store};
use crate::text::counted;
use jiff::Timestamp;
use jiff::tz::TimeZone;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print every decision, attempt and answer, oldest first
    Export {
        /// One JSON array
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// Comma-separated values with a line of names (RFC 4180)
        #[arg(long)]
        csv: bool,
        /// Only what was written from then on (2026-12-31, "2026-12-31 18:00")
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Tell whether the log stands as it was written; exit 1 if not
    Verify {
        /// A seal that was noted elsewhere must be there: NUMBER:SEAL, as this command prints them
        #[arg(long, value_name = "NUMBER:SEAL")]
        noted: Option<String>,
    },
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    number: i64,
    at: Option<String>,
    kind: &'a str,
    delivery: Option<i64>,
    body: serde_json::Value,
    previous: &'a str,
    seal: &'a str,
}

pub async fn run(context: &Context, options: Options) -> Result<(), Fail> {
    let config = context.config()?;
    let zone = config.site.timezone.clone().unwrap_or(TimeZone::UTC);
    let store = Store::open_to_read(&config.store).await?;
    let Some(store) = store else {
        return Err(Fail::Failed(format!("there is no database {} yet", config.store)));
    };
    match options.what {
        What::Export { json, csv, since } => {
            let since = since.as_deref().map(|since| instant(since, &zone)).transpose()?;
            export(
                &store,
                if json {
                    Form::Json
                } else if csv {
                    Form::Csv
                } else {
                    Form::Lines
                },
                since,
                &zone,
            )
            .await
        }
        What::Verify { noted } => verify(&store, noted.as_deref()).await,
    }
}

#[derive(Clone, Copy)]
enum Form {
    Lines,
    Json,
    Csv,
}

/// The log can be long: it is printed as it is read.
async fn export(store: &Store, form: Form, since: Option<Timestamp>, zone: &TimeZone) -> Result<(), Fail> {
    let (mut number, mut printed) = (0, 0);
    match form {
        Form::Json => print("[")?,
        Form::Csv => print("number,at,kind,delivery,body,previous,seal")?,
        Form::Lines => {}
    }
    loop {
        let entries = store.log_after(number).await?;
        let Some(last) = entries.last() else { break };
        number = last.number;
        for entry in entries.iter().filter(|entry| since.is_none_or(|since| entry.at.is_none_or(|at| at >= since))) {
            match form {
                Form::Json => {
                    let comma = if printed > 0 { "," } else { "" };
                    print(&format!("{comma}{}", serde_json::to_string(&shown(entry))?))?;
                }
                Form::Csv => print(&row(entry))?,
                Form::Lines => print(&line(entry, zone))?,
            }
            printed += 1;
        }
    }
    if matches!(form, Form::Json) { print("]") } else { Ok(()) }
}

fn shown(entry: &LogEntry) -> Shown<'_> {
    Shown {
        number: entry.number,
        at: entry.at.map(utc),
        kind: &entry.kind,
        delivery: entry.delivery,
        body: serde_json::from_str(&entry.body).unwrap_or(serde_json::Value::Null),
        previous: &entry.previous,
        seal: &entry.seal,
    }
}

fn row(entry: &LogEntry) -> String {
    let cells = [
        entry.number.to_string(),
        entry.at.map(utc).unwrap_or_default(),
        entry.kind.clone(),
        entry.delivery.map(|id| id.to_string()).unwrap_or_default(),
        entry.body.clone(),
        entry.previous.clone(),
        entry.seal.clone(),
    ];
    cells.map(|cell| cell_of(&cell)).join(",")
}

/// A cell of RFC 4180.
fn cell_of(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn line(entry: &LogEntry, zone: &TimeZone) -> String {
    let at = entry.at.map_or_else(|| "-".to_owned(), |at| civil(at, zone));
    let delivery = entry.delivery.map_or_else(String::new, |id| format!(" delivery {id}"));
    format!("{:>6}  {at:<26}  {}{delivery}: {}", entry.number, entry.kind, entry.body)
}

async fn verify(store: &Store, noted: Option<&str>) -> Result<(), Fail> {
    let noted = noted
        .map(|noted| {
            let parts = noted.split_once(':').and_then(|(number, seal)| Some((number.parse().ok()?, seal)));
            parts.ok_or_else(|| Fail::Usage(format!("`{noted}` is not a number and a seal, such as 17:9f86d0…")))
        })
        .transpose()?;
    let verdict = store.verify_log(noted).await?;
    for fault in &verdict.faults {
        say(&format!("error: {fault}"));
    }
    if !verdict.faults.is_empty() {
        let faults = counted(verdict.faults.len(), "fault");
        let cure = "compare it with an export or a backup";
        return Err(Fail::Failed(format!("the log is not as it was written ({faults}); {cure}")));
    }
    match verdict.last {
        Some((number, seal)) => {
            let entries = counted(usize::try_from(verdict.entries).unwrap_or(usize::MAX), "entry");
            print(&format!("{entries}, whole; the last: {number}:{seal}"))
        }
        None => print("the log is empty"),
    }
}
