//! Measures the real program on sites of several sizes, from outside, as its users meet it:
//!
//! ```text
//! cargo build --release && cargo build --release --examples
//! cargo bench --bench site -- --sizes 1000,10000,100000
//! ```
//!
//! For each size: the floor (`read-only`, the least that any program must do), a first start on an empty database until
//! `/readyz` says that all feeds are there, a second start with that database, the time from a renamed file to the changed
//! feed, and what it takes in memory and on disk. Standard output is a table in Markdown; `--json FILE` writes the figures.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool for the terminal that measures real time"
)]

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const USAGE: &str = "measure [--sizes N,N,…] [--corpus DIR]… [--crieur FILE] [--work DIR] [--changes N] [--json FILE]
  --sizes N,…     sites to make with make-corpus and measure (default 1000,10000,100000 unless --corpus is given)
  --corpus DIR    a Jekyll site to measure; one of its newest files is changed and put back
  --crieur FILE   the program (default: beside this one's folder)
  --work DIR      where sites, databases and logs are kept (default: a folder under the system's temporary folder)
  --changes N     how often a title is changed (default 30)
  --json FILE     where to write the figures";

/// Between two changes, and between two looks at whether the program rests.
const PAUSE: Duration = Duration::from_millis(150);
/// Time between two questions, and the longest wait for an answer that must come.
const POLL: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(1_800);

type Outcome<T> = Result<T, String>;

struct Settings {
    corpora: Vec<PathBuf>,
    sizes: Vec<u64>,
    crieur: PathBuf,
    tools: PathBuf,
    work: PathBuf,
    changes: usize,
    json: Option<PathBuf>,
}

/// What was measured of one site. Seconds, and bytes.
struct Figures {
    articles: u64,
    read_only: f64,
    cold: f64,
    warm: f64,
    change_median: f64,
    change_p90: f64,
    memory_start: u64,
    memory_after: u64,
    database: u64,
}

fn main() -> ExitCode {
    match settings().and_then(|settings| measure_all(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

fn settings() -> Outcome<Settings> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // Cargo puts a bench into `deps`, beside the folder of the examples.
    let release = own.parent().and_then(Path::parent).ok_or(USAGE)?.to_owned();
    let mut settings = Settings {
        corpora: Vec::new(),
        sizes: Vec::new(),
        crieur: release.join("crieur"),
        tools: release.join("examples"),
        work: std::env::temp_dir().join("crieur-measure"),
        changes: 30,
        json: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--bench" {
            continue; // what cargo says to every bench
        }
        let value = given.next().ok_or(USAGE)?;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is not a number\n{USAGE}"));
        match name.as_str() {
            "--sizes" => settings.sizes = value.split(',').map(number).collect::<Outcome<_>>()?,
            "--corpus" => settings.corpora.push(value.into()),
            "--crieur" => settings.crieur = value.into(),
            "--work" => settings.work = value.into(),
            "--changes" => settings.changes = usize::try_from(number(&value)?.max(1)).unwrap_or(usize::MAX),
            "--json" => settings.json = Some(value.into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if settings.sizes.is_empty() && settings.corpora.is_empty() {
        settings.sizes = vec![1_000, 10_000, 100_000];
    }
    for program in [settings.crieur.clone(), settings.tools.join("read-only"), settings.tools.join("make-corpus")] {
        if !program.is_file() {
            return Err(format!(
                "{} is not there: cargo build --release && cargo build --release --examples",
                program.display()
            ));
        }
    }
    Ok(settings)
}

fn measure_all(settings: &Settings) -> Outcome<()> {
    said(fs::create_dir_all(&settings.work), &settings.work)?;
    let mut corpora = settings.corpora.clone();
    for size in &settings.sizes {
        let folder = settings.work.join(format!("site-{size}"));
        if !folder.join("_config.yml").is_file() {
            eprintln!("making a site of {size} articles");
            let out = folder.display().to_string();
            run(&settings.tools.join("make-corpus"), &["--out", &out, "--articles", &size.to_string()])?;
        }
        corpora.push(folder);
    }
    let mut all = Vec::new();
    for corpus in &corpora {
        eprintln!("measuring {}", corpus.display());
        all.push(measure(settings, corpus)?);
    }
    all.sort_by_key(|figures| figures.articles);
    let figures = as_json(&all);
    print!("{}", table(&all));
    if let Some(file) = &settings.json {
        said(fs::write(file, format!("{figures:#}\n")), file)?;
    }
    Ok(())
}

fn measure(settings: &Settings, corpus: &Path) -> Outcome<Figures> {
    let corpus = &said(corpus.canonicalize(), corpus)?;
    let folder = settings.work.join("run");
    let _ = fs::remove_dir_all(&folder);
    said(fs::create_dir_all(&folder), &folder)?;
    let folder = &said(folder.canonicalize(), &folder)?;
    let config = folder.join("crieur.yaml");
    let written = format!(
        "site: {{ root: {} }}\nstore: {}\nendpoints: {{ journal: {{ network: journal }} }}\n",
        json!(corpus),
        json!(format!("sqlite:{}", folder.join("crieur.db").display()))
    );
    said(fs::write(&config, written), &config)?;
    // The first reading fills the system's cache of files, so that all that is compared starts from the same.
    let read = || -> Outcome<Value> {
        let said = run(&settings.tools.join("read-only"), &["--json", &corpus.display().to_string()])?;
        serde_json::from_str(&said).map_err(|error| error.to_string())
    };
    read()?;
    let floor = read()?;
    let (cold, daemon) = Daemon::start(&settings.crieur, &config, folder)?;
    // What is put off at a first start, and the index, are part of what a second start finds.
    daemon.rest();
    daemon.stop()?;
    let (warm, daemon) = Daemon::start(&settings.crieur, &config, folder)?;
    daemon.rest();
    let memory_start = daemon.memory();
    let mut changes = change_latencies(&daemon, corpus, settings.changes)?;
    changes.sort_by(f64::total_cmp);
    let memory_after = daemon.memory();
    daemon.stop()?;
    let sizes =
        ["", "-wal", "-shm"].map(|end| fs::metadata(folder.join(format!("crieur.db{end}"))).map_or(0, |m| m.len()));
    Ok(Figures {
        articles: floor["parsed"].as_u64().unwrap_or(0),
        read_only: floor["seconds"].as_f64().unwrap_or(f64::NAN),
        cold,
        warm,
        change_median: quantile(&changes, 0.5),
        change_p90: quantile(&changes, 0.9),
        memory_start,
        memory_after,
        database: sizes.iter().sum(),
    })
}

/// Changes the title of the newest article again and again, as an editor saves, and waits for the feed each time.
fn change_latencies(daemon: &Daemon, corpus: &Path, times: usize) -> Outcome<Vec<f64>> {
    let (feed, mut etag) = daemon.feed(None)?.ok_or("/feeds/all.json does not answer")?;
    let feed: Value = serde_json::from_str(&feed).map_err(|error| error.to_string())?;
    let url = feed["items"][0]["url"].as_str().ok_or("the feed has no entry")?.trim_end_matches('/').to_owned();
    let name = url.rsplit('/').next().unwrap_or("");
    let path = find(corpus, name).ok_or_else(|| format!("no file makes {url}"))?;
    let original = said(fs::read_to_string(&path), &path)?;
    let beside = path.with_extension("measure-tmp");
    let put = |text: &str| -> Outcome<Instant> {
        said(fs::write(&beside, text), &beside)?;
        let at = Instant::now();
        said(fs::rename(&beside, &path), &path)?;
        Ok(at)
    };
    let mut found = Vec::with_capacity(times);
    let mut change = |time: usize| -> Outcome<()> {
        // An editor saves now and then, not a hundred times a second.
        thread::sleep(PAUSE);
        let changed = original.replacen("\ntitle: \"", &format!("\ntitle: \"Version {time} : "), 1);
        if changed == original {
            return Err(format!("{} has no line `title: \"…\"`", path.display()));
        }
        let start = put(&changed)?;
        while start.elapsed() < PATIENCE {
            if let Some((_, new)) = daemon.feed(Some(&etag))? {
                found.push(start.elapsed().as_secs_f64());
                etag = new;
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err("the feed does not follow the file".to_owned())
    };
    let done = (0..times).try_for_each(&mut change);
    // Whatever happened, the file is as it was.
    put(&original)?;
    done.map(|()| found)
}

/// The file whose name, without its date and extension, is the end of an address.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let is = |path: &&PathBuf| path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(name));
    let here = entries.iter().filter(|path| path.is_file()).find(is);
    here.cloned().or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|folder| find(folder, name)))
}

/// A running daemon; it is ended with this value.
struct Daemon {
    child: Child,
    address: SocketAddr,
}

impl Daemon {
    /// Starts it, and waits until it is ready. How long that took, in seconds.
    fn start(program: &Path, config: &Path, folder: &Path) -> Outcome<(f64, Self)> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?;
        let log = folder.join("log");
        let log = said(fs::File::options().create(true).append(true).open(&log), &log)?;
        let start = Instant::now();
        let child = Command::new(program)
            .arg("--config")
            .arg(config)
            .args(["run", "--listen", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut daemon = Self { child, address };
        while !daemon.get("/readyz", None).is_ok_and(|answer| answer.status == 200) {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                return Err(format!("the daemon ended ({status}); see {}", folder.join("log").display()));
            }
            if start.elapsed() > PATIENCE {
                return Err("the daemon does not become ready".to_owned());
            }
            thread::sleep(POLL);
        }
        Ok((start.elapsed().as_secs_f64(), daemon))
    }

    /// The feed of everything and its ETag; None if it is still the one of the given ETag.
    fn feed(&self, etag: Option<&str>) -> Outcome<Option<(String, String)>> {
        let answer = self.get("/feeds/all.json", etag)?;
        match answer.status {
            200 => Ok(Some((answer.body, answer.etag))),
            304 => Ok(None),
            status => Err(format!("/feeds/all.json answers {status}")),
        }
    }

    fn get(&self, path: &str, etag: Option<&str>) -> Outcome<Answer> {
        let text = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(self.address).map_err(text)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        let condition = etag.map_or(String::new(), |etag| format!("If-None-Match: {etag}\r\n"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{condition}Connection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).map_err(text)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map_err(text)?;
        let whole = String::from_utf8_lossy(&bytes);
        let (head, body) = whole.split_once("\r\n\r\n").ok_or("the answer has no head")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("the answer has no status")?;
        let header = |line: &str| {
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, v)| v.to_owned())
        };
        let etag = head.lines().find_map(header).unwrap_or_default();
        Ok(Answer { status, etag, body: body.to_owned() })
    }

    /// Resident memory, in bytes; 0 where the system does not tell.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    /// Waits until it has nothing more to do: until its processor time stands still (Linux; elsewhere it does not wait).
    fn rest(&self) {
        let ticks = || -> Option<u64> {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
            let after_name = stat.rsplit(')').next()?;
            let fields: Vec<&str> = after_name.split_whitespace().collect();
            Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
        };
        let (mut last, mut still) = (ticks(), 0);
        let start = Instant::now();
        while last.is_some() && still < 5 && start.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
            let now = ticks();
            let moved = now.zip(last).map_or(0, |(now, last)| now.saturating_sub(last));
            still = if moved <= 1 { still + 1 } else { 0 };
            last = now;
        }
    }

    /// Ends it as a service manager does.
    fn stop(mut self) -> Outcome<()> {
        run(Path::new("kill"), &["-TERM", &self.child.id().to_string()])?;
        self.child.wait().map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    etag: String,
    body: String,
}

fn run(program: &Path, arguments: &[&str]) -> Outcome<String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn said<T>(result: std::io::Result<T>, path: &Path) -> Outcome<T> {
    result.map_err(|error| format!("{}: {error}", path.display()))
}

/// The value below which a part of a sorted list lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn table(all: &[Figures]) -> String {
    let mut text = String::from(
        "| articles | read only | cold start | cold / read only | warm start | warm / cold | change, median | change, p90 | memory at start | memory after | database |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1_048_576.0);
    for f in all {
        text.push_str(&format!(
            "| {} | {:.3} s | {:.3} s | {:.1} | {:.3} s | {:.2} | {:.0} ms | {:.0} ms | {} | {} | {} |\n",
            f.articles,
            f.read_only,
            f.cold,
            f.cold / f.read_only,
            f.warm,
            f.warm / f.cold,
            f.change_median * 1e3,
            f.change_p90 * 1e3,
            mib(f.memory_start),
            mib(f.memory_after),
            mib(f.database)
        ));
    }
    if let (Some(first), Some(last)) = (all.first(), all.last())
        && first.articles != last.articles
    {
        let ratio = last.change_median / first.change_median;
        text.push_str(&format!(
            "\nA change in {} articles takes {ratio:.1} times as long as in {}.\n",
            last.articles, first.articles
        ));
    }
    text
}

fn as_json(all: &[Figures]) -> Value {
    let sites: Vec<Value> = all
        .iter()
        .map(|f| {
            json!({
                "articles": f.articles,
                "read_only_seconds": f.read_only,
                "cold_seconds": f.cold,
                "cold_over_read_only": f.cold / f.read_only,
                "warm_seconds": f.warm,
                "warm_over_cold": f.warm / f.cold,
                "change_median_seconds": f.change_median,
                "change_p90_seconds": f.change_p90,
                "memory_start_bytes": f.memory_start,
                "memory_after_bytes": f.memory_after,
                "database_bytes": f.database,
            })
        })
        .collect();
    let ratio = match (all.first(), all.last()) {
        (Some(first), Some(last)) if all.len() > 1 => json!(last.change_median / first.change_median),
        _ => Value::Null,
    };
    json!({ "cores": thread::available_parallelism().map_or(1, usize::from), "sites": sites, "change_largest_over_smallest": ratio })
}
